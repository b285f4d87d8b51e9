/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of docs/ whose examples are a run of the code.
 */
#define _POSIX_C_SOURCE 200809L /* strdup */

#include "page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EXAMPLES_MAX 32
#define TEXT_MAX     (64u * 1024u)
#define DOC_MAX	     (256u * 1024u)
#define BYTES_A_LINE 48
#define MARK	     "<!-- example: "
#define MARK_END     " -->\n```\n"
#define FENCE	     "```\n"

struct example {
	const char *name;
	size_t len;
	char text[TEXT_MAX];
};

struct page {
	size_t n;
	struct example example[EXAMPLES_MAX];
};

struct page *
page_new(void)
{
	struct page *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	return p;
}

void
page_free(struct page **p)
{
	free(*p);
	*p = NULL;
}

/* ---- writing a run down ------------------------------------------------- */

void
page_begin(struct page *p, const char *name)
{
	assert_true(p->n < EXAMPLES_MAX);
	p->example[p->n++].name = name;
}

void
page_text(struct page *p, const char *text)
{
	struct example *x = &p->example[p->n - 1];
	size_t n = strlen(text);

	assert_true(p->n > 0 && x->len + n < TEXT_MAX);
	memcpy(x->text + x->len, text, n + 1);
	x->len += n;
}

void
page_bytes(struct page *p, const char *label, struct jz_span s)
{
	char two[3];

	page_text(p, label);
	for (size_t i = 0; i < s.len; i++) {
		if (i > 0 && i % BYTES_A_LINE == 0)
			page_text(p, "\n   ");
		snprintf(two, sizeof(two), "%02X", s.data[i]);
		page_text(p, two);
	}
	page_text(p, "\n");
}

const char *
page_so_far(const struct page *p)
{
	assert_true(p->n > 0);
	return p->example[p->n - 1].text;
}

static size_t
record(void *state, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp,
    size_t rsp_cap)
{
	struct page_recorder *r = state;
	size_t n =
	    r->port->transmit(r->port->state, cmd, cmd_len, rsp, rsp_cap);

	page_bytes(r->page, r->out, jz_span(cmd, cmd_len));
	page_bytes(r->page, r->in, jz_span(rsp, n));
	return n;
}

struct port
page_port(struct page_recorder *r)
{
	return (struct port){record, r};
}

/* ---- the page ----------------------------------------------------------- */

static void
full_path(const char *path, char *out, size_t cap)
{
	const char *source = getenv("JIAOZI_SOURCE");
	int n =
	    snprintf(out, cap, "%s/%s", source != NULL ? source : ".", path);

	assert_true(n > 0 && (size_t)n < cap);
}

char *
page_read(const char *path)
{
	char full[4096];
	char *text = calloc(1, DOC_MAX);
	FILE *f;

	assert_non_null(text);
	full_path(path, full, sizeof(full));
	f = fopen(full, "r");
	assert_non_null(f);
	assert_true(fread(text, 1, DOC_MAX - 1, f) < DOC_MAX - 1);
	fclose(f);
	return text;
}

/* Where the example's text begins in the page, or NULL. */
static char *
find(char *doc, const char *name, char **end)
{
	char mark[128];
	char *at;

	snprintf(mark, sizeof(mark), MARK "%s" MARK_END, name);
	at = strstr(doc, mark);
	if (at == NULL)
		return NULL;
	at += strlen(mark);
	*end = strstr(at, FENCE);
	return at;
}

void
page_check(const struct page *p, const char *path)
{
	char *doc = page_read(path);

	for (size_t i = 0; i < p->n; i++) {
		const struct example *x = &p->example[i];
		char *end = NULL, *at = find(doc, x->name, &end);

		if (at == NULL || end == NULL)
			fail_msg("no example %s in the page", x->name);
		if ((size_t)(end - at) != x->len ||
		    memcmp(at, x->text, x->len) != 0)
			fail_msg("example %s differs; the run gives:\n%s",
			    x->name, x->text);
	}
	free(doc);
}

void
page_check_marks(const struct page *p, const char *path)
{
	char *doc = page_read(path);
	size_t n = 0;

	for (char *at = doc; (at = strstr(at, MARK)) != NULL; at++)
		n++;
	assert_int_equal(n, p->n);
	free(doc);
}

/* Puts one example behind its mark, in the place of what is there. */
static void
put_example(char *doc, const struct example *x)
{
	char mark[128];
	char *at, *end = NULL, *rest;

	snprintf(mark, sizeof(mark), MARK "%s -->\n", x->name);
	at = strstr(doc, mark);
	if (at == NULL)
		fail_msg("no mark for %s", x->name);
	at += strlen(mark);
	if (find(doc, x->name, &end) != NULL)
		end += strlen(FENCE);
	rest = strdup(end != NULL ? end : at);
	assert_non_null(rest);
	assert_true((size_t)(at - doc) + x->len + strlen(rest) + 16 < DOC_MAX);
	sprintf(at, FENCE "%s" FENCE "%s", x->text, rest);
	free(rest);
}

void
page_write(const struct page *p, const char *path)
{
	char full[4096];
	char *doc = page_read(path);
	FILE *f;

	for (size_t i = 0; i < p->n; i++)
		put_example(doc, &p->example[i]);
	full_path(path, full, sizeof(full));
	f = fopen(full, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(doc, 1, strlen(doc), f), strlen(doc));
	assert_int_equal(fclose(f), 0);
	free(doc);
}
