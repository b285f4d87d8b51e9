/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer's root, CA, host and administration key, made and read back.
 *
 * Reading checks the whole chain and that each key belongs to its certificate:
 * a directory that was put together from two issuers is not found out at the
 * first card but here.
 */
#define _POSIX_C_SOURCE 200809L

#include "pki.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../apdu/error.h"
#include "../../apdu/time.h"
#include "../secret.h"
#include "keyfile.h"
#include "pki_files.h"
#include "token.h"

#define MODE_PUBLIC   0644
#define DATE_BYTES    6
#define GENERATION    1
#define PKI_FILES     (2 * JZ_PKI_ENTRIES + 2)
#define ADMIN_FILE    (PKI_FILES - 2)
#define VERSIONS_FILE (PKI_FILES - 1)
#define VERSIONS_MAX  64 /* bytes of its file */
#define YEARS_MAX     99

struct plan {
	const char *name;
	const char *holder; /* the reference without its number */
	enum jz_role role;
	unsigned years;
	unsigned signer; /* index of the one above */
};

static const struct plan PLAN[JZ_PKI_ENTRIES] = {
    {"root", "CNJZROOT", JZ_ROLE_ROOT, 20, JZ_PKI_ROOT},
    {"ca", "CNJZISSUER", JZ_ROLE_CA, 10, JZ_PKI_ROOT},
    {"host", "CNJZHOST", JZ_ROLE_HOST, 5, JZ_PKI_CA},
};

struct jz_pki_entry *
jz_pki_entry_of(struct jz_pki *pki, unsigned i)
{
	struct jz_pki_entry *const entries[JZ_PKI_ENTRIES] = {
	    &pki->root, &pki->ca, &pki->host};

	return entries[i];
}

unsigned
jz_pki_version_of(const struct jz_pki *pki, unsigned i)
{
	const unsigned versions[JZ_PKI_ENTRIES] = {
	    1, pki->ca_version, pki->host_version};

	return versions[i];
}

/* ---- names -------------------------------------------------------------- */

int
jz_pki_path(char path[static JZ_PATH_MAX], const char *dir, const char *name,
    const char *suffix)
{
	int n = snprintf(path, JZ_PATH_MAX, "%s/%s.%s", dir, name, suffix);

	return n < 0 || n >= JZ_PATH_MAX ? JZ_ERR_SPACE : 0;
}

void
jz_pki_name(char name[static JZ_PKI_NAME_MAX], unsigned i, unsigned version)
{
	snprintf(name, JZ_PKI_NAME_MAX, "%s-%u", PLAN[i].name, version);
}

int
jz_pki_entry_path(char path[static JZ_PATH_MAX], const char *dir, unsigned i,
    unsigned version, const char *suffix)
{
	char name[JZ_PKI_NAME_MAX];

	if (version == 1)
		return jz_pki_path(path, dir, PLAN[i].name, suffix);
	jz_pki_name(name, i, version);
	return jz_pki_path(path, dir, name, suffix);
}

int
jz_pki_admin_path(char path[static JZ_PATH_MAX], const char *dir)
{
	return jz_pki_path(path, dir, "admin", JZ_PKI_KEY);
}

int
jz_pki_versions_path(char path[static JZ_PATH_MAX], const char *dir)
{
	int n = snprintf(path, JZ_PATH_MAX, "%s/versions", dir);

	return n < 0 || n >= JZ_PATH_MAX ? JZ_ERR_SPACE : 0;
}

/* ---- making ------------------------------------------------------------- */

/* Midnight some years on; from 29 February to 1 March where there is none. */
static int
add_years(int64_t from, unsigned years, int64_t *to)
{
	uint8_t date[DATE_BYTES];
	unsigned year;

	if (jz_date_to_digits(from, date) != 0)
		return JZ_ERR_RANGE;
	year = date[0] * 10u + date[1] + years;
	if (year > YEARS_MAX)
		return JZ_ERR_RANGE;
	date[0] = (uint8_t)(year / 10);
	date[1] = (uint8_t)(year % 10);
	if (jz_date_from_digits(date, to) == 0)
		return 0;
	memcpy(date + 2, (const uint8_t[]){0, 3, 0, 1}, 4);
	return jz_date_from_digits(date, to);
}

/* No longer than the one above it. */
static int
set_dates(struct jz_certificate *c, const struct jz_pki_entry *above,
    unsigned years, int64_t now)
{
	int rc = add_years(now, years, &c->to);

	c->from = now;
	if (rc == 0 && above->len > 0 && c->to > above->certificate.to)
		c->to = above->certificate.to;
	return rc;
}

/* In the token, whose private key nobody sees; else in memory. */
static int
make_key(const struct jz_engine *e, unsigned i, unsigned version,
    struct jz_key_pair *out)
{
	struct jz_token *token = jz_token_of(e);
	char name[JZ_PKI_NAME_MAX];

	if (token == NULL)
		return e->crypto->generate(e->state, out);
	memset(out, 0, sizeof(*out));
	jz_pki_name(name, i, version);
	return jz_token_generate(token, name, out->public_key);
}

int
jz_pki_make(const struct jz_engine *e, struct jz_pki *pki, unsigned i,
    unsigned version, int64_t now)
{
	struct jz_pki_entry *entry = jz_pki_entry_of(pki, i);
	const struct jz_pki_entry *above = jz_pki_entry_of(pki, PLAN[i].signer);
	struct jz_buffer b = jz_buffer(entry->bytes, sizeof(entry->bytes));
	struct jz_certificate c = {0};
	char holder[JZ_REFERENCE_BYTES + 1];
	int rc = make_key(e, i, version, &entry->key);

	if (rc == 0)
		rc = set_dates(&c, above, PLAN[i].years, now);
	if (rc != 0)
		return rc;
	snprintf(holder, sizeof(holder), "%s%05u", PLAN[i].holder, version);
	memcpy(c.holder, holder, strlen(holder));
	memcpy(c.authority,
	    above == entry ? c.holder : above->certificate.holder,
	    JZ_REFERENCE_BYTES);
	memcpy(c.public_key, entry->key.public_key, JZ_PUBLIC_BYTES_EC);
	c.suite = e->crypto->suite;
	c.role = PLAN[i].role;
	c.assurance = JZ_ASSURANCE_SOFTWARE;
	c.generation = GENERATION;
	rc = jz_certificate_sign(e, &c, &above->key, &b);
	if (rc != 0)
		return rc;
	entry->len = b.len;
	return jz_certificate_parse(
	    jz_buffer_span(&b), e->crypto, &entry->certificate);
}

int
jz_pki_draw_master(const struct jz_engine *e, struct jz_pki *pki, int64_t now)
{
	struct jz_master m;
	int rc = jz_master_draw(e, now, &m);

	if (rc == 0)
		rc = jz_masters_add(&pki->masters, &m);
	jz_wipe(&m, sizeof(m));
	return rc;
}

int
jz_pki_write_key(const struct jz_engine *e, const char *dir,
    enum jz_file_write how, const struct jz_secret *passphrase,
    struct jz_pki *pki, unsigned i, unsigned version)
{
	const struct jz_pki_entry *entry = jz_pki_entry_of(pki, i);
	char path[JZ_PATH_MAX];
	int rc = jz_pki_entry_path(path, dir, i, version, JZ_PKI_KEY);

	if (jz_token_of(e) != NULL)
		return 0;
	return rc != 0 ? rc
		       : jz_keyfile_store(e, path, how, passphrase,
			     jz_span(entry->key.private_key, JZ_PRIVATE_BYTES));
}

int
jz_pki_write_certificate(const char *dir, enum jz_file_write how,
    struct jz_pki *pki, unsigned i, unsigned version)
{
	const struct jz_pki_entry *entry = jz_pki_entry_of(pki, i);
	char path[JZ_PATH_MAX];
	int rc = jz_pki_entry_path(path, dir, i, version, JZ_PKI_CERT);

	return rc != 0 ? rc
		       : jz_file_write(path, MODE_PUBLIC, how,
			     jz_span(entry->bytes, entry->len));
}

/* File i of a new directory: three keys, their certificates, the admin's key;
 * and what must not be there. */
static int
file_path(char path[static JZ_PATH_MAX], const char *dir, unsigned i)
{
	if (i == VERSIONS_FILE)
		return jz_pki_versions_path(path, dir);
	if (i == ADMIN_FILE)
		return jz_pki_admin_path(path, dir);
	return jz_pki_entry_path(path, dir, i % JZ_PKI_ENTRIES, 1,
	    i < JZ_PKI_ENTRIES ? JZ_PKI_KEY : JZ_PKI_CERT);
}

static int
write_file(const struct jz_engine *e, const char *dir,
    const struct jz_secret *passphrase, struct jz_pki *pki, unsigned i)
{
	char path[JZ_PATH_MAX];
	int rc;

	if (i < JZ_PKI_ENTRIES)
		return jz_pki_write_key(
		    e, dir, JZ_FILE_NEW, passphrase, pki, i, 1);
	if (i < ADMIN_FILE)
		return jz_pki_write_certificate(
		    dir, JZ_FILE_NEW, pki, i - JZ_PKI_ENTRIES, 1);
	rc = jz_pki_admin_path(path, dir);
	return rc != 0
	    ? rc
	    : jz_masters_write(e, path, JZ_FILE_NEW, passphrase, &pki->masters);
}

/* None of the files may be there: half of an old issuer is of no use. */
static int
check_absent(const char *dir)
{
	char path[JZ_PATH_MAX];
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < PKI_FILES; i++) {
		rc = file_path(path, dir, i);
		if (rc == 0 && access(path, F_OK) == 0)
			rc = JZ_ERR_EXISTS;
	}
	return rc;
}

/* Removes the first n files, which were ours, after a later one failed. */
static void
remove_files(const char *dir, unsigned n)
{
	char path[JZ_PATH_MAX];

	for (unsigned i = 0; i < n; i++) {
		if (file_path(path, dir, i) == 0)
			(void)unlink(path);
	}
}

/* Those in the token; nobody else has keys of our prefix. */
static void
remove_keys(const struct jz_engine *e)
{
	struct jz_token *token = jz_token_of(e);
	char name[JZ_PKI_NAME_MAX];

	for (unsigned i = 0; token != NULL && i < JZ_PKI_ENTRIES; i++) {
		jz_pki_name(name, i, 1);
		jz_token_destroy(token, name);
	}
}

int
jz_pki_create(const struct jz_engine *e, const char *dir,
    const struct jz_secret *passphrase, int64_t now, struct jz_pki *out)
{
	int rc = check_absent(dir);
	unsigned written = 0;

	memset(out, 0, sizeof(*out));
	out->ca_version = out->host_version = 1;
	for (unsigned i = 0; rc == 0 && i < JZ_PKI_ENTRIES; i++)
		rc = jz_pki_make(e, out, i, 1, now);
	if (rc == 0)
		rc = jz_pki_draw_master(e, out, now);
	while (rc == 0 && written <= ADMIN_FILE) {
		rc = write_file(e, dir, passphrase, out, written);
		if (rc == 0)
			written++;
	}
	if (rc != 0) {
		remove_files(dir, written);
		remove_keys(e);
		jz_pki_wipe(out);
	}
	return rc;
}

/* ---- reading ------------------------------------------------------------ */

/* "NAME N\n", N from 1 without leading zeros. */
static int
take_version(struct jz_cursor *c, const char *name, unsigned *out)
{
	unsigned n = 0;
	uint8_t d = '0';

	if (!jz_span_equal(
		jz_take(c, strlen(name)), jz_span(name, strlen(name))) ||
	    jz_take_u8(c) != ' ')
		return JZ_ERR_KEYFILE;
	/* Ends with the line at the latest. */
	while (!c->bad && (d = jz_take_u8(c)) != '\n') {
		if (d < '0' || d > '9' || (d == '0' && n == 0))
			return JZ_ERR_KEYFILE;
		n = n * 10 + (unsigned)(d - '0');
		if (n > JZ_PKI_VERSIONS_MAX)
			return JZ_ERR_KEYFILE;
	}
	*out = n;
	return c->bad || n == 0 ? JZ_ERR_KEYFILE : 0;
}

static int
load_versions(const char *dir, struct jz_pki *pki)
{
	uint8_t bytes[VERSIONS_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	char path[JZ_PATH_MAX];
	struct jz_cursor c;
	int rc = jz_pki_versions_path(path, dir);

	pki->ca_version = pki->host_version = 1;
	if (rc != 0)
		return rc;
	rc = jz_file_read(path, &b);
	if (rc == JZ_ERR_NOT_FOUND)
		return 0;
	c = jz_cursor(jz_buffer_span(&b));
	if (rc == 0)
		rc = take_version(&c, PLAN[JZ_PKI_CA].name, &pki->ca_version);
	if (rc == 0)
		rc = take_version(
		    &c, PLAN[JZ_PKI_HOST].name, &pki->host_version);
	if (rc == JZ_ERR_SPACE || (rc == 0 && !jz_cursor_end(&c)))
		rc = JZ_ERR_KEYFILE;
	return rc;
}

static int
read_certificate(const struct jz_engine *e, const char *dir, unsigned i,
    unsigned version, struct jz_pki_certificate *out)
{
	/* One more byte, so that a file that is too long is seen to be. */
	uint8_t bytes[JZ_CERTIFICATE_MAX + 1];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_certificate c;
	char path[JZ_PATH_MAX];
	int rc = jz_pki_entry_path(path, dir, i, version, JZ_PKI_CERT);

	if (rc != 0)
		return rc;
	rc = jz_file_read(path, &b);
	if (rc == JZ_ERR_SPACE || (rc == 0 && b.len > JZ_CERTIFICATE_MAX))
		rc = JZ_ERR_CERT_MALFORMED;
	if (rc != 0)
		return rc;
	memcpy(out->bytes, bytes, b.len);
	out->len = b.len;
	return jz_certificate_parse(
	    jz_span(out->bytes, out->len), e->crypto, &c);
}

static int
load_certificate(
    const struct jz_engine *e, const char *dir, struct jz_pki *pki, unsigned i)
{
	struct jz_pki_entry *entry = jz_pki_entry_of(pki, i);
	const struct jz_pki_entry *above = jz_pki_entry_of(pki, PLAN[i].signer);
	struct jz_pki_certificate file;
	struct jz_authority by;
	int rc = read_certificate(e, dir, i, jz_pki_version_of(pki, i), &file);

	if (rc != 0)
		return rc;
	memcpy(entry->bytes, file.bytes, file.len);
	entry->len = file.len;
	rc = jz_certificate_parse(
	    jz_span(entry->bytes, entry->len), e->crypto, &entry->certificate);
	if (rc != 0)
		return rc;
	memcpy(by.reference, above->certificate.holder, JZ_REFERENCE_BYTES);
	memcpy(
	    by.public_key, above->certificate.public_key, JZ_PUBLIC_BYTES_EC);
	/* No clock: an issuer past its dates must still be able to settle. */
	return jz_certificate_verify(
	    e, &entry->certificate, &by, PLAN[i].role, 0);
}

/* An authority that is not in use any more but has signed what still is. */
static int
load_old(const struct jz_engine *e, const char *dir, struct jz_pki *pki,
    unsigned i, unsigned version, struct jz_pki_certificate *out)
{
	struct jz_authority by;
	struct jz_certificate c = {0};
	int rc = read_certificate(e, dir, i, version, out);

	if (rc == 0)
		rc = jz_certificate_parse(
		    jz_span(out->bytes, out->len), e->crypto, &c);
	if (rc == 0 && i == JZ_PKI_HOST)
		rc = jz_pki_ca(e, pki, c.authority, &by);
	if (rc == 0 && i == JZ_PKI_CA) {
		memcpy(by.reference, pki->root.certificate.holder,
		    JZ_REFERENCE_BYTES);
		memcpy(by.public_key, pki->root.certificate.public_key,
		    JZ_PUBLIC_BYTES_EC);
	}
	return rc != 0 ? rc
		       : jz_certificate_verify(e, &c, &by, PLAN[i].role, 0);
}

static int
load_all_old(const struct jz_engine *e, const char *dir, struct jz_pki *pki)
{
	int rc = 0;

	for (unsigned v = 1; rc == 0 && v < pki->ca_version; v++)
		rc = load_old(e, dir, pki, JZ_PKI_CA, v, &pki->old_ca[v - 1]);
	for (unsigned v = 1; rc == 0 && v < pki->host_version; v++)
		rc = load_old(
		    e, dir, pki, JZ_PKI_HOST, v, &pki->old_host[v - 1]);
	return rc;
}

/* The token's key must be the one that was certified. */
static int
find_key(struct jz_token *token, struct jz_pki *pki, unsigned i)
{
	struct jz_pki_entry *entry = jz_pki_entry_of(pki, i);
	char name[JZ_PKI_NAME_MAX];
	int rc;

	jz_pki_name(name, i, jz_pki_version_of(pki, i));
	rc = jz_token_find(token, name, entry->key.public_key);
	if (rc == 0 &&
	    memcmp(entry->key.public_key, entry->certificate.public_key,
		JZ_PUBLIC_BYTES_EC) != 0)
		rc = JZ_ERR_TOKEN_KEY;
	return rc;
}

static int
load_key(const struct jz_engine *e, const char *dir,
    const struct jz_secret *passphrase, struct jz_pki *pki, unsigned i)
{
	struct jz_pki_entry *entry = jz_pki_entry_of(pki, i);
	uint8_t secret[JZ_PRIVATE_BYTES];
	struct jz_buffer b = jz_buffer(secret, sizeof(secret));
	char path[JZ_PATH_MAX];
	int rc = jz_pki_entry_path(
	    path, dir, i, jz_pki_version_of(pki, i), JZ_PKI_KEY);

	if (rc != 0)
		return rc;
	rc = jz_keyfile_read(e, path, passphrase, &b);
	/* Another secret than a private key, or of another certificate. */
	if (rc == JZ_ERR_SPACE || (rc == 0 && b.len != JZ_PRIVATE_BYTES))
		rc = JZ_ERR_KEYFILE;
	if (rc == 0) {
		memcpy(entry->key.private_key, secret, JZ_PRIVATE_BYTES);
		rc = e->crypto->derive_public(
		    e->state, secret, entry->key.public_key);
		if (rc == JZ_ERR_KEY ||
		    (rc == 0 &&
			memcmp(entry->key.public_key,
			    entry->certificate.public_key,
			    JZ_PUBLIC_BYTES_EC) != 0))
			rc = JZ_ERR_KEYFILE;
	}
	jz_wipe(secret, sizeof(secret));
	return rc;
}

/* One that is not there is no error: see pki.h. */
static int
load_admin(const struct jz_engine *e, const char *dir,
    const struct jz_secret *passphrase, struct jz_pki *pki)
{
	char path[JZ_PATH_MAX];
	int rc = jz_pki_admin_path(path, dir);

	if (rc == 0)
		rc = jz_masters_read(e, path, passphrase, &pki->masters);
	return rc == JZ_ERR_NOT_FOUND ? 0 : rc;
}

int
jz_pki_load(const struct jz_engine *e, const char *dir,
    const struct jz_secret *passphrase, struct jz_pki *out)
{
	int rc;

	memset(out, 0, sizeof(*out));
	rc = load_versions(dir, out);
	for (unsigned i = 0; rc == 0 && i < JZ_PKI_ENTRIES; i++)
		rc = load_certificate(e, dir, out, i);
	if (rc == 0)
		rc = load_all_old(e, dir, out);
	for (unsigned i = 0; rc == 0 && i < JZ_PKI_ENTRIES; i++)
		rc = jz_token_of(e) != NULL
		    ? find_key(jz_token_of(e), out, i)
		    : load_key(e, dir, passphrase, out, i);
	if (rc == 0)
		rc = load_admin(e, dir, passphrase, out);
	if (rc != 0)
		jz_pki_wipe(out);
	return rc;
}

int
jz_pki_add_admin(const struct jz_engine *e, const char *dir,
    const struct jz_secret *passphrase, int64_t now)
{
	struct jz_pki pki;
	int rc = jz_pki_load(e, dir, passphrase, &pki);

	if (rc == 0 && pki.masters.n > 0)
		rc = JZ_ERR_EXISTS;
	if (rc == 0)
		rc = jz_pki_draw_master(e, &pki, now);
	/* Another process may have been faster: only a new file is written. */
	if (rc == 0)
		rc = write_file(e, dir, passphrase, &pki, ADMIN_FILE);
	jz_pki_wipe(&pki);
	return rc;
}

int
jz_pki_ca(const struct jz_engine *e, const struct jz_pki *pki,
    const uint8_t reference[static JZ_REFERENCE_BYTES],
    struct jz_authority *out)
{
	const struct jz_certificate *now = &pki->ca.certificate;
	struct jz_certificate c;
	int rc = JZ_ERR_CERT_ISSUER;

	if (memcmp(now->holder, reference, JZ_REFERENCE_BYTES) == 0) {
		c = *now;
		rc = 0;
	}
	for (unsigned v = 1; rc != 0 && v < pki->ca_version; v++) {
		const struct jz_pki_certificate *old = &pki->old_ca[v - 1];

		if (jz_certificate_parse(
			jz_span(old->bytes, old->len), e->crypto, &c) == 0 &&
		    memcmp(c.holder, reference, JZ_REFERENCE_BYTES) == 0)
			rc = 0;
	}
	if (rc != 0)
		return rc;
	memcpy(out->reference, c.holder, JZ_REFERENCE_BYTES);
	memcpy(out->public_key, c.public_key, JZ_PUBLIC_BYTES_EC);
	return 0;
}

void
jz_pki_wipe(struct jz_pki *pki)
{
	jz_wipe(pki, sizeof(*pki));
}
