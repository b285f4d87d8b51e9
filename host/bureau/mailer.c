/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PIN mailer: letters sealed in a file, or handed to a printer's command.
 *
 *   0  4  "JZPM"
 *   4  1  01: scrypt (RFC 7914) with N = 2^15, r = 8, p = 1, and AES-128-GCM
 *   5 16  salt
 *  21 16  a seal over nothing: whether the passphrase is the right one
 *
 * then parcels, each written and synced at once:
 *
 *   0  4  length of what follows the nonce, big-endian
 *   4 12  nonce, random
 *  16  n  letters, a line each, and their tag of 16 bytes
 *
 * The associated data of a parcel is the head and where it stands: none can be
 * moved, or taken from another file.  The last may be cut off by a crash: then
 * no card had its name yet, and it is written again.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../keys/openssl/openssl.h"
#include "../../keys/secret.h"
#include "internal.h"

#define SCRYPT_R       8
#define SCRYPT_P       1
#define SALT_BYTES     16
#define AT_SALT	       5
#define HEAD_BYTES     (AT_SALT + SALT_BYTES)
#define AT_PARCELS     (HEAD_BYTES + JZ_SEAL_TAG_BYTES)
#define PARCEL_HEAD    (4 + JZ_SEAL_NONCE_BYTES)
#define PARCEL_LETTERS 128u
#define LETTER_MAX     96u
#define PARCEL_MAX     (PARCEL_LETTERS * LETTER_MAX + JZ_SEAL_TAG_BYTES)
#define READ_BY_OTHERS (S_IRWXG | S_IRWXO)
#define AAD_BYTES      (HEAD_BYTES + 8)
_Static_assert(
    JZ_ISSUER_NUMBER_CHARS + JZ_IDENTITY_MAX + JZ_BUREAU_PIN_MAX + 3 <=
	LETTER_MAX,
    "a letter is a line");

/* As for key files: a build for slow checks writes files of another version. */
#ifdef JZ_WEAK_SCRYPT_N_LOG2
#define SCRYPT_N_LOG2 JZ_WEAK_SCRYPT_N_LOG2
#define VERSION	      (0x80 | SCRYPT_N_LOG2)
#else
#define SCRYPT_N_LOG2 15
#define VERSION	      0x01
#endif

static const uint8_t MAGIC[AT_SALT] = {'J', 'Z', 'P', 'M', VERSION};
static const uint8_t ZERO_NONCE[JZ_SEAL_NONCE_BYTES];

struct jz_mailer {
	FILE *pipe; /* a printer's; else a file: */
	int fd;
	off_t end;
	uint8_t head[HEAD_BYTES];
	uint8_t key[JZ_KEY_BYTES];
	struct jz_engine engine;
};

static int
write_at(int fd, off_t at, const uint8_t *bytes, size_t len)
{
	ssize_t n;

	for (size_t done = 0; done < len; done += (size_t)n) {
		n = pwrite(fd, bytes + done, len - done, at + (off_t)done);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return JZ_ERR_SYSTEM;
	}
	return 0;
}

/* Whether all of it is there. */
static bool
read_at(int fd, off_t at, uint8_t *out, size_t len)
{
	ssize_t n;

	for (size_t done = 0; done < len; done += (size_t)n) {
		n = pread(fd, out + done, len - done, at + (off_t)done);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return false;
	}
	return true;
}

/* ---- the sealed file ---------------------------------------------------- */

static int
derive(struct jz_mailer *m, const struct jz_secret *passphrase)
{
	return jz_openssl_scrypt(passphrase,
	    jz_span(m->head + AT_SALT, SALT_BYTES), SCRYPT_N_LOG2, SCRYPT_R,
	    SCRYPT_P, m->key, sizeof(m->key));
}

static int
check_seal(const struct jz_mailer *m, uint8_t seal[static JZ_SEAL_TAG_BYTES])
{
	uint8_t none[1] = {0};

	return m->engine.crypto->seal(m->engine.state, m->key, ZERO_NONCE,
	    jz_span(m->head, HEAD_BYTES), none, 0, seal);
}

static int
begin_file(struct jz_mailer *m, const struct jz_secret *passphrase)
{
	uint8_t bytes[AT_PARCELS];
	int err;

	memcpy(m->head, MAGIC, sizeof(MAGIC));
	err = m->engine.crypto->random(
	    m->engine.state, m->head + AT_SALT, SALT_BYTES);
	if (err == 0)
		err = derive(m, passphrase);
	if (err == 0)
		err = check_seal(m, bytes + HEAD_BYTES);
	if (err != 0)
		return err;
	memcpy(bytes, m->head, HEAD_BYTES);
	m->end = AT_PARCELS;
	if (ftruncate(m->fd, 0) != 0)
		return JZ_ERR_SYSTEM;
	err = write_at(m->fd, 0, bytes, sizeof(bytes));
	return err == 0 && fsync(m->fd) != 0 ? JZ_ERR_SYSTEM : err;
}

static int
check_file(struct jz_mailer *m, const struct jz_secret *passphrase)
{
	uint8_t there[JZ_SEAL_TAG_BYTES], want[JZ_SEAL_TAG_BYTES];
	int err;

	if (!read_at(m->fd, 0, m->head, HEAD_BYTES) ||
	    !read_at(m->fd, HEAD_BYTES, there, sizeof(there)) ||
	    memcmp(m->head, MAGIC, sizeof(MAGIC)) != 0)
		return JZ_ERR_KEYFILE;
	err = derive(m, passphrase);
	if (err == 0)
		err = check_seal(m, want);
	if (err == 0 && !jz_equal_secret(there, want, sizeof(want)))
		err = JZ_ERR_PASSPHRASE;
	m->end = AT_PARCELS;
	return err;
}

static void
put_u32(uint8_t out[static 4], uint32_t v)
{
	for (int k = 0; k < 4; k++)
		out[k] = (uint8_t)(v >> (24 - 8 * k));
}

/* The length of the parcel at `at`, or 0: none, or cut off. */
static size_t
parcel_at(const struct jz_mailer *m, off_t at, uint8_t head[static PARCEL_HEAD])
{
	size_t len;
	struct stat st;

	if (!read_at(m->fd, at, head, PARCEL_HEAD) || fstat(m->fd, &st) != 0)
		return 0;
	len = (size_t)head[0] << 24 | (size_t)head[1] << 16 |
	    (size_t)head[2] << 8 | head[3];
	if (len <= JZ_SEAL_TAG_BYTES || len > PARCEL_MAX ||
	    st.st_size - at < (off_t)(PARCEL_HEAD + len))
		return 0;
	return len;
}

static void
find_end(struct jz_mailer *m)
{
	uint8_t head[PARCEL_HEAD];
	size_t len;

	while ((len = parcel_at(m, m->end, head)) != 0)
		m->end += (off_t)(PARCEL_HEAD + len);
}

static struct jz_span
associated(const struct jz_mailer *m, off_t at, uint8_t aad[static AAD_BYTES])
{
	memcpy(aad, m->head, HEAD_BYTES);
	put_u32(aad + HEAD_BYTES, (uint32_t)((uint64_t)at >> 32));
	put_u32(aad + HEAD_BYTES + 4, (uint32_t)at);
	return jz_span(aad, AAD_BYTES);
}

/* Opens or begins; its folder must be there. */
static int
open_file(struct jz_mailer *m, const char *path, int flags,
    const struct jz_secret *passphrase)
{
	struct stat st;
	int err;

	m->fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
	if (m->fd < 0)
		return errno == ENOENT ? JZ_ERR_NOT_FOUND : JZ_ERR_SYSTEM;
	if (fstat(m->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return JZ_ERR_SYSTEM;
	if ((st.st_mode & READ_BY_OTHERS) != 0)
		return JZ_ERR_STATE;
	err = jz_openssl_new(JZ_SUITE_NIST, &m->engine);
	if (err != 0)
		return err;
	/* A head that a crash cut off has no letter after it. */
	if (st.st_size < AT_PARCELS && (flags & O_CREAT) != 0) {
		err = begin_file(m, passphrase);
		return err != 0 ? err : jz_bureau_sync_name(path);
	}
	return check_file(m, passphrase);
}

static int
new_mailer(struct jz_mailer **out)
{
	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return JZ_ERR_MEMORY;
	(*out)->fd = -1;
	return 0;
}

int
jz_mailer_open(const char *path, const struct jz_secret *passphrase,
    struct jz_mailer **out)
{
	struct jz_mailer *m = NULL;
	int err = new_mailer(&m);

	*out = NULL;
	if (err == 0)
		err = open_file(m, path, O_RDWR | O_CREAT, passphrase);
	if (err == 0) {
		find_end(m);
		*out = m;
		m = NULL;
	}
	(void)jz_mailer_close(&m);
	return err;
}

int
jz_mailer_printer(const char *command, struct jz_mailer **out)
{
	int err = new_mailer(out);

	if (err != 0)
		return err;
	/* What the command does not take is an error, not our end. */
	(void)signal(SIGPIPE, SIG_IGN);
	/* The issuer's own command. */
	(*out)->pipe = popen(command, "w"); /* NOLINT(cert-env33-c) */
	if ((*out)->pipe != NULL) {
		/* Nothing of it stays in a buffer of the library's. */
		(void)setvbuf((*out)->pipe, NULL, _IONBF, 0);
		return 0;
	}
	(void)jz_mailer_close(out);
	return JZ_ERR_SYSTEM;
}

int
jz_mailer_close(struct jz_mailer **mailer)
{
	struct jz_mailer *m = *mailer;
	int err = 0;

	if (m == NULL)
		return 0;
	*mailer = NULL;
	if (m->pipe != NULL && pclose(m->pipe) != 0)
		err = JZ_ERR_SYSTEM;
	if (m->fd >= 0)
		(void)close(m->fd);
	jz_openssl_free(&m->engine);
	jz_wipe(m, sizeof(*m));
	free(m);
	return err;
}

/* ---- letters ------------------------------------------------------------ */

static size_t
put_letters(const struct jz_letter *letters, size_t n, char *out, size_t cap)
{
	struct jz_buffer b = jz_buffer(out, cap);

	for (size_t k = 0; k < n; k++) {
		struct jz_span pin = jz_secret_span(&letters[k].pin);

		jz_put(&b, letters[k].number, strlen(letters[k].number));
		jz_put_u8(&b, '\t');
		jz_put(&b, letters[k].holder, strlen(letters[k].holder));
		jz_put_u8(&b, '\t');
		jz_put(&b, pin.data, pin.len);
		jz_put_u8(&b, '\n');
	}
	return b.len;
}

static int
write_parcel(struct jz_mailer *m, const struct jz_letter *letters, size_t n)
{
	uint8_t bytes[PARCEL_HEAD + PARCEL_MAX], aad[AAD_BYTES];
	char text[PARCEL_LETTERS * LETTER_MAX + 1];
	size_t len = put_letters(letters, n, text, sizeof(text));
	int err = 0;

	if (m->pipe != NULL) {
		if (fwrite(text, 1, len, m->pipe) != len)
			err = JZ_ERR_SYSTEM;
		jz_wipe(text, sizeof(text));
		return err;
	}
	put_u32(bytes, (uint32_t)(len + JZ_SEAL_TAG_BYTES));
	err = m->engine.crypto->random(
	    m->engine.state, bytes + 4, JZ_SEAL_NONCE_BYTES);
	if (err == 0)
		err = m->engine.crypto->seal(m->engine.state, m->key, bytes + 4,
		    associated(m, m->end, aad), (const uint8_t *)text, len,
		    bytes + PARCEL_HEAD);
	jz_wipe(text, sizeof(text));
	len += PARCEL_HEAD + JZ_SEAL_TAG_BYTES;
	if (err == 0)
		err = write_at(m->fd, m->end, bytes, len);
	if (err == 0)
		m->end += (off_t)len;
	return err;
}

int
jz_mailer_write(struct jz_mailer *m, const struct jz_letter *letters, size_t n)
{
	size_t part;
	int err = 0;

	for (size_t k = 0; k < n && err == 0; k += part) {
		part = n - k < PARCEL_LETTERS ? n - k : PARCEL_LETTERS;
		err = write_parcel(m, letters + k, part);
	}
	if (err == 0 && n > 0 && m->pipe == NULL && fdatasync(m->fd) != 0)
		err = JZ_ERR_SYSTEM;
	return err;
}

/* ---- reading ------------------------------------------------------------ */

struct letters {
	struct jz_letter *all;
	size_t n, cap;
};

static int
keep(struct letters *l, const struct jz_letter *letter)
{
	size_t cap = l->cap == 0 ? PARCEL_LETTERS : 2 * l->cap;
	struct jz_letter *more;

	if (l->n == l->cap) {
		more = calloc(cap, sizeof(*more));
		if (more == NULL)
			return JZ_ERR_MEMORY;
		if (l->n > 0)
			memcpy(more, l->all, l->n * sizeof(*more));
		jz_wipe(l->all, l->n * sizeof(*more));
		free(l->all);
		l->all = more;
		l->cap = cap;
	}
	l->all[l->n++] = *letter;
	return 0;
}

/* The rest of the line; NULL when it is no PIN's. */
static const char *
take_pin(const char *at, const char *end, struct jz_secret *out)
{
	jz_secret_wipe(out);
	for (; at < end && *at != '\n'; at++) {
		if (out->len == JZ_BUREAU_PIN_MAX)
			return NULL;
		(void)jz_secret_add(out, (uint8_t)*at);
	}
	return at < end ? at + 1 : NULL;
}

/* One field up to its end mark; NULL when it is none. */
static const char *
take(const char *at, const char *end, char mark, char *out, size_t cap)
{
	size_t n = 0;

	for (; at < end && *at != mark; at++) {
		if (n + 1 == cap)
			return NULL;
		out[n++] = *at;
	}
	out[n] = '\0';
	return at < end ? at + 1 : NULL;
}

static int
keep_parcel(struct letters *l, const char *text, size_t len)
{
	const char *at = text, *end = text + len;
	struct jz_letter one;
	int err = 0;

	while (err == 0 && at < end) {
		at = take(at, end, '\t', one.number, sizeof(one.number));
		if (at != NULL)
			at =
			    take(at, end, '\t', one.holder, sizeof(one.holder));
		if (at != NULL)
			at = take_pin(at, end, &one.pin);
		err = at == NULL ? JZ_ERR_KEYFILE : keep(l, &one);
	}
	jz_wipe(&one, sizeof(one));
	return err;
}

static int
read_parcels(struct jz_mailer *m, struct letters *l)
{
	uint8_t head[PARCEL_HEAD], bytes[PARCEL_MAX], aad[AAD_BYTES];
	size_t len;
	int err = 0;

	while (err == 0 && (len = parcel_at(m, m->end, head)) != 0) {
		if (!read_at(m->fd, m->end + PARCEL_HEAD, bytes, len))
			return JZ_ERR_SYSTEM;
		err = m->engine.crypto->open(m->engine.state, m->key, head + 4,
		    associated(m, m->end, aad), bytes, len, bytes);
		if (err == 0)
			err = keep_parcel(
			    l, (const char *)bytes, len - JZ_SEAL_TAG_BYTES);
		m->end += (off_t)(PARCEL_HEAD + len);
		jz_wipe(bytes, sizeof(bytes));
	}
	return err;
}

/* By number; one number in the order of the file, which the addresses are. */
static int
by_number(const void *a, const void *b)
{
	const struct jz_letter *const *x = a, *const *y = b;
	int d = strcmp((*x)->number, (*y)->number);

	return d != 0 ? d : (*x > *y) - (*x < *y);
}

static int
tell(struct letters *l, int (*each)(const struct jz_letter *l, void *arg),
    void *arg)
{
	const struct jz_letter **order =
	    calloc(l->n + 1, sizeof(struct jz_letter *));
	int err = order == NULL ? JZ_ERR_MEMORY : 0;

	for (size_t k = 0; err == 0 && k < l->n; k++)
		order[k] = &l->all[k];
	if (err == 0)
		qsort(order, l->n, sizeof(struct jz_letter *), by_number);
	for (size_t k = 0; err == 0 && k < l->n; k++)
		if (k + 1 == l->n ||
		    strcmp(order[k]->number, order[k + 1]->number) != 0)
			err = each(order[k], arg);
	free(order);
	return err;
}

int
jz_mailer_read(const char *path, const struct jz_secret *passphrase,
    int (*each)(const struct jz_letter *l, void *arg), void *arg)
{
	struct letters l = {NULL, 0, 0};
	struct jz_mailer *m = NULL;
	int err = new_mailer(&m);

	if (err == 0)
		err = open_file(m, path, O_RDONLY, passphrase);
	if (err == 0)
		err = read_parcels(m, &l);
	if (err == 0)
		err = tell(&l, each, arg);
	jz_wipe(l.all, l.n * sizeof(*l.all));
	free(l.all);
	(void)jz_mailer_close(&m);
	return err;
}
