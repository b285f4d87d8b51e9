/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer's keys: root, CA, host.  They live in one directory, each as
 * NAME.key (sealed under the passphrase) and NAME.cvcert.  Beside them
 * admin.key, sealed alike: the secrets from which every card's administration
 * keys are derived (master.h); and audit.log, what was done to them (audit.h).
 *
 * A directory of an earlier release has no admin.key.  It is opened all the
 * same, for what it did before; jz_pki_add_admin() makes the key.  It is never
 * made by itself: a lost admin.key must come back from a backup, for with
 * another one no card that was personalised can be administered.
 */
#ifndef JZ_KEYS_STORE_PKI_H
#define JZ_KEYS_STORE_PKI_H

#include <stdbool.h>

#include "../certificate.h"
#include "master.h"

struct jz_pki_entry {
	struct jz_key_pair key;
	struct jz_certificate certificate;
	uint8_t bytes[JZ_CERTIFICATE_MAX];
	size_t len; /* certificate.body points into bytes */
};

/* One that signs nothing any more. */
struct jz_pki_certificate {
	uint8_t bytes[JZ_CERTIFICATE_MAX];
	size_t len;
};

#define JZ_PKI_VERSIONS_MAX 16

struct jz_pki {
	struct jz_pki_entry root, ca, host;
	/* The number in the reference of each; those before it, from 1 on. */
	unsigned ca_version, host_version;
	struct jz_pki_certificate old_ca[JZ_PKI_VERSIONS_MAX - 1];
	struct jz_pki_certificate old_host[JZ_PKI_VERSIONS_MAX - 1];
	struct jz_masters masters; /* of the cards' administration */
};

/*
 * Makes root, CA and host with certificates valid from `now` for 20, 10 and
 * 5 years, and the administration key, and writes them under dir (which
 * exists).  JZ_ERR_EXISTS.
 */
int jz_pki_create(const struct jz_engine *e, const char *dir,
    const struct jz_secret *passphrase, int64_t now, struct jz_pki *out);
/* JZ_ERR_NOT_FOUND, JZ_ERR_PASSPHRASE, JZ_ERR_KEYFILE, JZ_ERR_CERT_*. */
int jz_pki_load(const struct jz_engine *e, const char *dir,
    const struct jz_secret *passphrase, struct jz_pki *out);
/* The administration key for a directory without: JZ_ERR_EXISTS, and as
 * jz_pki_load, for the passphrase must be that of the other keys. */
int jz_pki_add_admin(const struct jz_engine *e, const char *dir,
    const struct jz_secret *passphrase, int64_t now);
/*
 * Appends a master as the next version, for cards that are personalised from
 * now on; *version gets it.  NULL: draws one.  Writes who and when to the audit
 * log first.  JZ_ERR_SPACE: no version is left; and as jz_pki_load.
 */
int jz_pki_add_master(const struct jz_engine *e, const char *dir,
    const struct jz_secret *passphrase, int64_t now,
    const struct jz_master *master, uint8_t *version);
/*
 * A new host key, and before it, if asked for, a new CA key, certified by the
 * root, which certifies the host.  What was signed with the old keys stays
 * good: their certificates stay; the old private keys are removed.  out gets
 * what there is now.  JZ_ERR_SPACE: no version is left; JZ_ERR_CERT_EXPIRED:
 * the root, or without a new one the CA, is; and as jz_pki_load.
 */
int jz_pki_roll(const struct jz_engine *e, const char *dir,
    const struct jz_secret *passphrase, bool ca, int64_t now,
    struct jz_pki *out);
/* The issuer's CA of this reference, of whichever version; else
 * JZ_ERR_CERT_ISSUER. */
int jz_pki_ca(const struct jz_engine *e, const struct jz_pki *pki,
    const uint8_t reference[static JZ_REFERENCE_BYTES],
    struct jz_authority *out);
void jz_pki_wipe(struct jz_pki *pki);

#endif
