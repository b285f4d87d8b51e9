/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer's root, CA, host and administration key, made and read back.
 *
 * Reading checks the whole chain and that each key belongs to its certificate:
 * a directory that was put together from two issuers is not found out at the
 * first card but here.
 */
#define _DEFAULT_SOURCE /* flock */

#include "pki.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "../../apdu/error.h"
#include "../../apdu/time.h"
#include "../secret.h"
#include "audit.h"
#include "file.h"
#include "keyfile.h"

#define MODE_PUBLIC 0644
#define PKI_ENTRIES 3
#define DATE_BYTES  6
#define GENERATION  1
#define PKI_FILES   (2 * PKI_ENTRIES + 1)
#define ADMIN_FILE  (PKI_FILES - 1)
#define ADMIN_NAME  "admin"
#define AUDIT_NAME  "audit"
#define SUFFIX_LOG  "log"
#define YEARS_MAX   99
#define SUFFIX_KEY  "key"
#define SUFFIX_CERT "cvcert"

struct plan {
	const char *name;
	char reference[JZ_REFERENCE_BYTES];
	enum jz_role role;
	unsigned years;
	size_t signer; /* index of the one above */
};

static const struct plan PLAN[PKI_ENTRIES] = {
    {"root", "CNJZROOT00001", JZ_ROLE_ROOT, 20, 0},
    {"ca", "CNJZISSUER00001", JZ_ROLE_CA, 10, 0},
    {"host", "CNJZHOST00001", JZ_ROLE_HOST, 5, 1},
};

static struct jz_pki_entry *
entry_of(struct jz_pki *pki, size_t i)
{
	struct jz_pki_entry *const entries[PKI_ENTRIES] = {
	    &pki->root, &pki->ca, &pki->host};

	return entries[i];
}

static int
make_path(char path[static JZ_PATH_MAX], const char *dir, const char *name,
    const char *suffix)
{
	int n = snprintf(path, JZ_PATH_MAX, "%s/%s.%s", dir, name, suffix);

	return n < 0 || n >= JZ_PATH_MAX ? JZ_ERR_SPACE : 0;
}

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

/* The entry's key and certificate; the one above has been made before. */
static int
make_entry(const struct jz_engine *e, struct jz_pki *pki, size_t i, int64_t now)
{
	struct jz_pki_entry *entry = entry_of(pki, i);
	struct jz_buffer b = jz_buffer(entry->bytes, sizeof(entry->bytes));
	struct jz_certificate c = {0};
	int rc = e->crypto->generate(e->state, &entry->key);

	if (rc == 0)
		rc = add_years(now, PLAN[i].years, &c.to);
	if (rc != 0)
		return rc;
	memcpy(c.authority, PLAN[PLAN[i].signer].reference, JZ_REFERENCE_BYTES);
	memcpy(c.holder, PLAN[i].reference, JZ_REFERENCE_BYTES);
	memcpy(c.public_key, entry->key.public_key, JZ_PUBLIC_BYTES_EC);
	c.suite = e->crypto->suite;
	c.role = PLAN[i].role;
	c.assurance = JZ_ASSURANCE_SOFTWARE;
	c.generation = GENERATION;
	c.from = now;
	rc =
	    jz_certificate_sign(e, &c, &entry_of(pki, PLAN[i].signer)->key, &b);
	if (rc != 0)
		return rc;
	entry->len = b.len;
	return jz_certificate_parse(
	    jz_buffer_span(&b), e->crypto, &entry->certificate);
}

/* File i of a directory: three keys, their certificates, the admin's key. */
static int
file_path(char path[static JZ_PATH_MAX], const char *dir, size_t i)
{
	if (i == ADMIN_FILE)
		return make_path(path, dir, ADMIN_NAME, SUFFIX_KEY);
	return make_path(path, dir, PLAN[i % PKI_ENTRIES].name,
	    i < PKI_ENTRIES ? SUFFIX_KEY : SUFFIX_CERT);
}

static int
write_file(const struct jz_engine *e, const char *dir,
    struct jz_span passphrase, struct jz_pki *pki, size_t i)
{
	const struct jz_pki_entry *entry = entry_of(pki, i % PKI_ENTRIES);
	char path[JZ_PATH_MAX];
	int rc = file_path(path, dir, i);

	if (rc != 0)
		return rc;
	if (i == ADMIN_FILE)
		return jz_masters_write(
		    e, path, JZ_FILE_NEW, passphrase, &pki->masters);
	if (i < PKI_ENTRIES)
		return jz_keyfile_store(e, path, JZ_FILE_NEW, passphrase,
		    jz_span(entry->key.private_key, JZ_PRIVATE_BYTES));
	return jz_file_write(
	    path, MODE_PUBLIC, JZ_FILE_NEW, jz_span(entry->bytes, entry->len));
}

/* None of the files may be there: half of an old issuer is of no use. */
static int
check_absent(const char *dir)
{
	char path[JZ_PATH_MAX];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < PKI_FILES; i++) {
		rc = file_path(path, dir, i);
		if (rc == 0 && access(path, F_OK) == 0)
			rc = JZ_ERR_EXISTS;
	}
	return rc;
}

/* Removes the first n files, which were ours, after a later one failed. */
static void
remove_files(const char *dir, size_t n)
{
	char path[JZ_PATH_MAX];

	for (size_t i = 0; i < n; i++) {
		if (file_path(path, dir, i) == 0)
			(void)unlink(path);
	}
}

static int
make_admin(const struct jz_engine *e, struct jz_pki *pki, int64_t now)
{
	struct jz_master m;
	int rc = jz_master_draw(e, now, &m);

	if (rc == 0)
		rc = jz_masters_add(&pki->masters, &m);
	jz_wipe(&m, sizeof(m));
	return rc;
}

int
jz_pki_create(const struct jz_engine *e, const char *dir,
    struct jz_span passphrase, int64_t now, struct jz_pki *out)
{
	int rc = check_absent(dir);
	size_t written = 0;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; rc == 0 && i < PKI_ENTRIES; i++)
		rc = make_entry(e, out, i, now);
	if (rc == 0)
		rc = make_admin(e, out, now);
	while (rc == 0 && written < PKI_FILES) {
		rc = write_file(e, dir, passphrase, out, written);
		if (rc == 0)
			written++;
	}
	if (rc != 0) {
		remove_files(dir, written);
		jz_pki_wipe(out);
	}
	return rc;
}

static int
load_certificate(
    const struct jz_engine *e, const char *dir, struct jz_pki *pki, size_t i)
{
	/* One more byte, so that a file that is too long is seen to be. */
	uint8_t bytes[JZ_CERTIFICATE_MAX + 1];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_pki_entry *entry = entry_of(pki, i);
	const struct jz_pki_entry *above = entry_of(pki, PLAN[i].signer);
	struct jz_authority by;
	char path[JZ_PATH_MAX];
	int rc = make_path(path, dir, PLAN[i].name, SUFFIX_CERT);

	if (rc != 0)
		return rc;
	rc = jz_file_read(path, &b);
	if (rc == JZ_ERR_SPACE || (rc == 0 && b.len > JZ_CERTIFICATE_MAX))
		rc = JZ_ERR_CERT_MALFORMED;
	if (rc != 0)
		return rc;
	memcpy(entry->bytes, bytes, b.len);
	entry->len = b.len;
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

static int
load_key(const struct jz_engine *e, const char *dir, struct jz_span passphrase,
    struct jz_pki *pki, size_t i)
{
	struct jz_pki_entry *entry = entry_of(pki, i);
	uint8_t secret[JZ_PRIVATE_BYTES];
	struct jz_buffer b = jz_buffer(secret, sizeof(secret));
	char path[JZ_PATH_MAX];
	int rc = make_path(path, dir, PLAN[i].name, SUFFIX_KEY);

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
    struct jz_span passphrase, struct jz_pki *pki)
{
	char path[JZ_PATH_MAX];
	int rc = file_path(path, dir, ADMIN_FILE);

	if (rc == 0)
		rc = jz_masters_read(e, path, passphrase, &pki->masters);
	return rc == JZ_ERR_NOT_FOUND ? 0 : rc;
}

int
jz_pki_load(const struct jz_engine *e, const char *dir,
    struct jz_span passphrase, struct jz_pki *out)
{
	int rc = 0;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; rc == 0 && i < PKI_ENTRIES; i++)
		rc = load_certificate(e, dir, out, i);
	for (size_t i = 0; rc == 0 && i < PKI_ENTRIES; i++)
		rc = load_key(e, dir, passphrase, out, i);
	if (rc == 0)
		rc = load_admin(e, dir, passphrase, out);
	if (rc != 0)
		jz_pki_wipe(out);
	return rc;
}

int
jz_pki_add_admin(const struct jz_engine *e, const char *dir,
    struct jz_span passphrase, int64_t now)
{
	struct jz_pki pki;
	int rc = jz_pki_load(e, dir, passphrase, &pki);

	if (rc == 0 && pki.masters.n > 0)
		rc = JZ_ERR_EXISTS;
	if (rc == 0)
		rc = make_admin(e, &pki, now);
	/* Another process may have been faster: only a new file is written. */
	if (rc == 0)
		rc = write_file(e, dir, passphrase, &pki, ADMIN_FILE);
	jz_pki_wipe(&pki);
	return rc;
}

/*
 * One process at a time has the directory locked, so that no two versions get
 * one number and none is lost.  The lock goes with the descriptor.
 */
static int
lock_directory(const char *dir, int *fd)
{
	*fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return errno == ENOENT ? JZ_ERR_NOT_FOUND : JZ_ERR_SYSTEM;
	return flock(*fd, LOCK_EX) == 0 ? 0 : JZ_ERR_SYSTEM;
}

static int
write_masters(const struct jz_engine *e, const char *dir,
    struct jz_span passphrase, const struct jz_masters *m)
{
	char path[JZ_PATH_MAX];
	int rc = file_path(path, dir, ADMIN_FILE);

	return rc != 0
	    ? rc
	    : jz_masters_write(e, path, JZ_FILE_REPLACE, passphrase, m);
}

/* Before the key is there: what is done and not written down is worse. */
static int
audit_master(const struct jz_engine *e, const char *dir, int64_t now,
    const struct jz_master *m)
{
	uint8_t check[JZ_CHECK_VALUE_BYTES];
	char path[JZ_PATH_MAX];
	int rc = make_path(path, dir, AUDIT_NAME, SUFFIX_LOG);

	if (rc == 0)
		rc = jz_check_value(e, ADMIN_NAME, m->key, check);
	if (rc != 0)
		return rc;
	if (m->origin == JZ_MASTER_SEEDS)
		return jz_audit(path, now,
		    "card master %u, check value %02X%02X%02X, of the seeds of "
		    "ceremony %lu: part 1 by \"%s\", part 2 by \"%s\"",
		    m->version, check[0], check[1], check[2],
		    (unsigned long)m->ceremony, m->by[0], m->by[1]);
	return jz_audit(path, now,
	    "card master %u, check value %02X%02X%02X, drawn", m->version,
	    check[0], check[1], check[2]);
}

int
jz_pki_add_master(const struct jz_engine *e, const char *dir,
    struct jz_span passphrase, int64_t now, const struct jz_master *master,
    uint8_t *version)
{
	struct jz_pki pki = {0};
	int fd, rc = lock_directory(dir, &fd);

	if (rc == 0)
		rc = jz_pki_load(e, dir, passphrase, &pki);
	if (rc == 0)
		rc = master == NULL ? make_admin(e, &pki, now)
				    : jz_masters_add(&pki.masters, master);
	if (rc == 0) {
		const struct jz_master *last =
		    &pki.masters.list[pki.masters.n - 1];

		*version = last->version;
		rc = audit_master(e, dir, now, last);
	}
	if (rc == 0)
		rc = write_masters(e, dir, passphrase, &pki.masters);
	if (fd >= 0)
		(void)close(fd);
	jz_pki_wipe(&pki);
	return rc;
}

void
jz_pki_wipe(struct jz_pki *pki)
{
	jz_wipe(pki, sizeof(*pki));
}
