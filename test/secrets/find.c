/* SPDX-License-Identifier: Apache-2.0 */
/*
 * find-secrets SECRETS FILE...: looks for secrets where none belongs.
 *
 * SECRETS has a line for each: a name and hexadecimal digits.  Each is looked
 * for raw, backwards when it is long (the limbs of a big number), in
 * hexadecimal of both cases, with and without blanks between, in base64, and
 * digits also packed as a PIN block has them (BCD, ISO 9564-1).  Prints what
 * it finds and ends with 1; with 2 when it cannot look.
 *
 * All patterns are sought in one pass: a bitmap of their first three bytes
 * tells where it is worth to compare.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_MAX   512
#define FORM_MAX     (3 * SECRET_MAX + 8)
#define LINE_MAX_LEN (2 * SECRET_MAX + 256)
#define FORMS_MAX    16
#define NAME_MAX_LEN 120
#define HEAD	     3 /* bytes of a pattern that the bitmap knows */
#define HEADS	     (1u << 24)
#define BUCKETS	     (1u << 12)
#define BACKWARDS    16 /* bytes from which a number may be backwards */
#define BCD_DIGITS   8	/* below, chance would find them */

struct pattern {
	uint8_t *bytes;
	size_t len;
	char name[NAME_MAX_LEN];
	const char *form;
	size_t next; /* in its bucket, plus one */
};

struct search {
	struct pattern *list;
	size_t n, cap;
	uint8_t *heads; /* a bit for each */
	size_t bucket[BUCKETS];
};

static uint32_t
head_of(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static size_t
bucket_of(uint32_t head)
{
	return head * 2654435761u >> 20;
}

static void
add(struct search *s, const char *name, const char *form, const uint8_t *bytes,
    size_t len)
{
	struct pattern *p;
	uint32_t head;

	if (len < HEAD)
		return;
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 256 : 2 * s->cap;
		s->list = realloc(s->list, s->cap * sizeof(*s->list));
		if (s->list == NULL)
			exit(2);
	}
	p = &s->list[s->n];
	p->bytes = malloc(len);
	if (p->bytes == NULL)
		exit(2);
	memcpy(p->bytes, bytes, len);
	p->len = len;
	p->form = form;
	snprintf(p->name, sizeof(p->name), "%s", name);
	head = head_of(bytes);
	p->next = s->bucket[bucket_of(head)];
	s->bucket[bucket_of(head)] = ++s->n;
	s->heads[head / 8] |= (uint8_t)(1u << head % 8);
}

/* ---- forms --------------------------------------------------------------- */

static void
add_hex(struct search *s, const char *name, const uint8_t *b, size_t len,
    const char *digits, bool blanks, const char *form)
{
	uint8_t out[FORM_MAX];
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (blanks && i > 0)
			out[n++] = ' ';
		out[n++] = (uint8_t)digits[b[i] >> 4];
		out[n++] = (uint8_t)digits[b[i] & 15];
	}
	add(s, name, form, out, n);
}

/* What is certain of it, `lead` bytes after the start of a group. */
static void
add_base64(struct search *s, const char *name, const uint8_t *b, size_t len,
    size_t lead)
{
	static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t out[FORM_MAX];
	size_t first = (lead * 8 + 5) / 6, last = (lead + len) * 8 / 6, n = 0;

	for (size_t d = first; d < last; d++) {
		unsigned v = 0;

		for (size_t bit = d * 6; bit < d * 6 + 6; bit++) {
			size_t at = bit - lead * 8;

			v = v << 1 | ((unsigned)b[at / 8] >> (7 - at % 8) & 1u);
		}
		out[n++] = (uint8_t)DIGITS[v];
	}
	add(s, name, "base64", out, n);
}

static void
add_bcd(struct search *s, const char *name, const uint8_t *b, size_t len)
{
	uint8_t out[FORM_MAX];

	for (size_t i = 0; i < len; i++) {
		if (b[i] < '0' || b[i] > '9')
			return;
	}
	if (len < BCD_DIGITS)
		return;
	for (size_t i = 0; i < len / 2; i++)
		out[i] =
		    (uint8_t)((b[2 * i] - '0') << 4 | (b[2 * i + 1] - '0'));
	add(s, name, "BCD", out, len / 2);
	add_hex(s, name, out, len / 2, "0123456789ABCDEF", true, "BCD shown");
}

static void
add_secret(struct search *s, const char *name, const uint8_t *b, size_t len)
{
	uint8_t back[SECRET_MAX];

	add(s, name, "raw", b, len);
	for (size_t i = 0; i < len; i++)
		back[i] = b[len - 1 - i];
	if (len >= BACKWARDS)
		add(s, name, "backwards", back, len);
	add_hex(s, name, b, len, "0123456789abcdef", false, "hex");
	add_hex(s, name, b, len, "0123456789ABCDEF", false, "HEX");
	add_hex(s, name, b, len, "0123456789abcdef", true, "hex with blanks");
	add_hex(s, name, b, len, "0123456789ABCDEF", true, "HEX with blanks");
	for (size_t lead = 0; lead < 3; lead++)
		add_base64(s, name, b, len, lead);
	add_bcd(s, name, b, len);
}

static void
read_secrets(struct search *s, const char *path)
{
	char line[LINE_MAX_LEN], name[NAME_MAX_LEN];
	FILE *f = fopen(path, "r");

	if (f == NULL) {
		perror(path);
		exit(2);
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		uint8_t bytes[SECRET_MAX];
		size_t len = 0;
		unsigned v;
		int at = 0;

		if (sscanf(line, "%119s %n", name, &at) != 1 || at == 0)
			continue;
		for (const char *p = line + at;
		     len < SECRET_MAX && sscanf(p, "%2x", &v) == 1; p += 2)
			bytes[len++] = (uint8_t)v;
		if (len == 0) {
			fprintf(stderr, "%s: %s has no digits\n", path, name);
			exit(2);
		}
		add_secret(s, name, bytes, len);
	}
	(void)fclose(f);
}

/* ---- looking ------------------------------------------------------------- */

static bool
look_at(const struct search *s, const uint8_t *data, size_t len, size_t at,
    const char *path)
{
	uint32_t head = head_of(data + at);
	bool found = false;

	for (size_t k = s->bucket[bucket_of(head)]; k != 0;
	     k = s->list[k - 1].next) {
		const struct pattern *p = &s->list[k - 1];

		if (p->len <= len - at &&
		    memcmp(data + at, p->bytes, p->len) == 0) {
			printf(
			    "%s: %s, %s, at %zu\n", path, p->name, p->form, at);
			found = true;
		}
	}
	return found;
}

static bool
look(const struct search *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const uint8_t *data;
	bool found = false;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_size < HEAD) {
		if (fd >= 0)
			(void)close(fd);
		return false;
	}
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	(void)close(fd);
	if (data == MAP_FAILED) {
		perror(path);
		exit(2);
	}
	for (size_t i = 0; i + HEAD <= (size_t)st.st_size; i++) {
		uint32_t head = head_of(data + i);

		if (((unsigned)s->heads[head / 8] >> head % 8 & 1u) != 0 &&
		    look_at(s, data, (size_t)st.st_size, i, path))
			found = true;
	}
	(void)munmap((void *)(uintptr_t)data, (size_t)st.st_size);
	return found;
}

int
main(int argc, char **argv)
{
	static struct search s;
	bool found = false;

	s.heads = calloc(HEADS / 8, 1);
	if (argc < 2 || s.heads == NULL)
		return 2;
	read_secrets(&s, argv[1]);
	for (int i = 2; i < argc; i++) {
		if (look(&s, argv[i]))
			found = true;
	}
	for (size_t i = 0; i < s.n; i++)
		free(s.list[i].bytes);
	free(s.list);
	free(s.heads);
	return found ? 1 : 0;
}
