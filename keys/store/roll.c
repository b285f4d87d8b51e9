/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New versions of the issuer's keys, in a directory that is in use.
 *
 * The new files are written under their own names; then one file is replaced
 * that says which versions count (or, of the card masters, that holds them
 * all).  A roll that was cut off before that has not been, and is done again;
 * one cut off after it leaves at most an old private key too long.
 */
#define _DEFAULT_SOURCE /* flock */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "../../apdu/error.h"
#include "../secret.h"
#include "audit.h"
#include "pki_files.h"
#include "token.h"

#define MODE_PUBLIC 0644
#define ADMIN_NAME  "admin"

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

static void
unlock_directory(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

/* ---- the cards' master -------------------------------------------------- */

static int
write_masters(const struct jz_engine *e, const char *dir,
    const struct jz_secret *passphrase, const struct jz_masters *m)
{
	char path[JZ_PATH_MAX];
	int rc = jz_pki_admin_path(path, dir);

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
	int rc = jz_pki_path(path, dir, "audit", "log");

	if (rc == 0)
		rc = jz_check_value(e, ADMIN_NAME, &m->key, check);
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
    const struct jz_secret *passphrase, int64_t now,
    const struct jz_master *master, uint8_t *version)
{
	struct jz_pki pki = {0};
	int fd, rc = lock_directory(dir, &fd);

	if (rc == 0)
		rc = jz_pki_load(e, dir, passphrase, &pki);
	if (rc == 0)
		rc = master == NULL ? jz_pki_draw_master(e, &pki, now)
				    : jz_masters_add(&pki.masters, master);
	if (rc == 0) {
		const struct jz_master *last =
		    &pki.masters.list[pki.masters.n - 1];

		*version = last->version;
		rc = audit_master(e, dir, now, last);
	}
	if (rc == 0)
		rc = write_masters(e, dir, passphrase, &pki.masters);
	unlock_directory(fd);
	jz_pki_wipe(&pki);
	return rc;
}

/* ---- CA and host -------------------------------------------------------- */

static void
keep_old(struct jz_pki *pki, unsigned i)
{
	const struct jz_pki_entry *entry = jz_pki_entry_of(pki, i);
	struct jz_pki_certificate *old = i == JZ_PKI_CA
	    ? &pki->old_ca[pki->ca_version - 1]
	    : &pki->old_host[pki->host_version - 1];

	memcpy(old->bytes, entry->bytes, entry->len);
	old->len = entry->len;
}

/* Makes the next version, and writes its files over what a roll that was cut
 * off may have left. */
static int
make_next(const struct jz_engine *e, const char *dir,
    const struct jz_secret *passphrase, struct jz_pki *pki, unsigned i,
    int64_t now)
{
	unsigned version = jz_pki_version_of(pki, i) + 1;
	int rc = version <= JZ_PKI_VERSIONS_MAX ? 0 : JZ_ERR_SPACE;

	if (rc != 0)
		return rc;
	keep_old(pki, i);
	rc = jz_pki_make(e, pki, i, version, now);
	if (rc == 0)
		rc = jz_pki_write_key(
		    e, dir, JZ_FILE_REPLACE, passphrase, pki, i, version);
	if (rc == 0)
		rc = jz_pki_write_certificate(
		    dir, JZ_FILE_REPLACE, pki, i, version);
	if (rc == 0 && i == JZ_PKI_CA)
		pki->ca_version = version;
	if (rc == 0 && i == JZ_PKI_HOST)
		pki->host_version = version;
	return rc;
}

static int
audit_chain(const char *dir, int64_t now, const struct jz_pki *pki)
{
	char path[JZ_PATH_MAX];
	int rc = jz_pki_path(path, dir, "audit", "log");

	return rc != 0 ? rc
		       : jz_audit(path, now, "ca %u, host %u", pki->ca_version,
			     pki->host_version);
}

/* From here on the new versions count. */
static int
write_versions(const char *dir, const struct jz_pki *pki)
{
	char path[JZ_PATH_MAX], text[64];
	int rc = jz_pki_versions_path(path, dir);
	int n = snprintf(text, sizeof(text), "ca %u\nhost %u\n",
	    pki->ca_version, pki->host_version);

	return rc != 0 ? rc
		       : jz_file_write(path, MODE_PUBLIC, JZ_FILE_REPLACE,
			     jz_span(text, (size_t)n));
}

/* The private key that signs nothing any more.  One that cannot be removed is
 * sealed, and no reason to say that the roll has not been. */
static void
remove_key(
    const struct jz_engine *e, const char *dir, unsigned i, unsigned version)
{
	struct jz_token *token = jz_token_of(e);
	char path[JZ_PATH_MAX], name[JZ_PKI_NAME_MAX];

	jz_pki_name(name, i, version);
	if (token != NULL)
		jz_token_destroy(token, name);
	else if (jz_pki_entry_path(path, dir, i, version, JZ_PKI_KEY) == 0)
		(void)unlink(path);
}

static int
roll(const struct jz_engine *e, const char *dir,
    const struct jz_secret *passphrase, struct jz_pki *pki, bool ca,
    int64_t now)
{
	unsigned old_ca = pki->ca_version, old_host = pki->host_version;
	const struct jz_pki_entry *above = ca ? &pki->root : &pki->ca;
	int rc = now >= above->certificate.to ? JZ_ERR_CERT_EXPIRED : 0;

	if (rc == 0 && ca)
		rc = make_next(e, dir, passphrase, pki, JZ_PKI_CA, now);
	if (rc == 0)
		rc = make_next(e, dir, passphrase, pki, JZ_PKI_HOST, now);
	if (rc == 0)
		rc = audit_chain(dir, now, pki);
	if (rc == 0)
		rc = write_versions(dir, pki);
	if (rc != 0)
		return rc;
	if (ca)
		remove_key(e, dir, JZ_PKI_CA, old_ca);
	remove_key(e, dir, JZ_PKI_HOST, old_host);
	return 0;
}

int
jz_pki_roll(const struct jz_engine *e, const char *dir,
    const struct jz_secret *passphrase, bool ca, int64_t now,
    struct jz_pki *out)
{
	int fd, rc = lock_directory(dir, &fd);

	memset(out, 0, sizeof(*out));
	if (rc == 0)
		rc = jz_pki_load(e, dir, passphrase, out);
	if (rc == 0)
		rc = roll(e, dir, passphrase, out, ca, now);
	unlock_directory(fd);
	if (rc != 0)
		jz_pki_wipe(out);
	return rc;
}
