/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer's keys: root, CA, host.  They live in one directory, each as
 * NAME.key (sealed under the passphrase) and NAME.cvcert.
 */
#ifndef JZ_KEYS_STORE_PKI_H
#define JZ_KEYS_STORE_PKI_H

#include "../certificate.h"

struct jz_pki_entry {
	struct jz_key_pair key;
	struct jz_certificate certificate;
	uint8_t bytes[JZ_CERTIFICATE_MAX];
	size_t len; /* certificate.body points into bytes */
};

struct jz_pki {
	struct jz_pki_entry root, ca, host;
};

/*
 * Makes root, CA and host with certificates valid from `now` for 20, 10 and
 * 5 years, and writes them under dir (which exists).  JZ_ERR_EXISTS.
 */
int jz_pki_create(const struct jz_engine *e, const char *dir,
    struct jz_span passphrase, int64_t now, struct jz_pki *out);
/* JZ_ERR_NOT_FOUND, JZ_ERR_PASSPHRASE, JZ_ERR_KEYFILE, JZ_ERR_CERT_*. */
int jz_pki_load(const struct jz_engine *e, const char *dir,
    struct jz_span passphrase, struct jz_pki *out);
void jz_pki_wipe(struct jz_pki *pki);

#endif
