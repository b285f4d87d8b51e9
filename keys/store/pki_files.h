/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer's key directory, as pki.c and roll.c share it:
 *
 *   NAME.key, NAME.cvcert       version 1 of root, ca, host
 *   NAME-N.key, NAME-N.cvcert   version N of ca, host
 *   versions                    "ca N\nhost N\n"; absent: both 1
 *   admin.key, audit.log
 *
 * Only the last version of a key has its .key; certificates stay.  With an
 * engine over a token (token.h) there is none: the token has the keys, named
 * NAME-N.
 */
#ifndef JZ_KEYS_STORE_PKI_FILES_H
#define JZ_KEYS_STORE_PKI_FILES_H

#include "file.h"
#include "pki.h"

enum {
	JZ_PKI_ROOT,
	JZ_PKI_CA,
	JZ_PKI_HOST,
	JZ_PKI_ENTRIES,
};

struct jz_pki_entry *jz_pki_entry_of(struct jz_pki *pki, unsigned i);
unsigned jz_pki_version_of(const struct jz_pki *pki, unsigned i);

/* JZ_ERR_SPACE: too long. */
int jz_pki_path(char path[static JZ_PATH_MAX], const char *dir,
    const char *name, const char *suffix);
int jz_pki_entry_path(char path[static JZ_PATH_MAX], const char *dir,
    unsigned i, unsigned version, const char *suffix);
int jz_pki_admin_path(char path[static JZ_PATH_MAX], const char *dir);
int jz_pki_versions_path(char path[static JZ_PATH_MAX], const char *dir);

#define JZ_PKI_KEY  "key"
#define JZ_PKI_CERT "cvcert"

/* The entry's key and certificate; the one above has been made before. */
int jz_pki_make(const struct jz_engine *e, struct jz_pki *pki, unsigned i,
    unsigned version, int64_t now);
/* Writes the entry's two files. */
int jz_pki_write_key(const struct jz_engine *e, const char *dir,
    enum jz_file_write how, const struct jz_secret *passphrase,
    struct jz_pki *pki, unsigned i, unsigned version);
int jz_pki_write_certificate(const char *dir, enum jz_file_write how,
    struct jz_pki *pki, unsigned i, unsigned version);
/* The entry's name: "ca-2".  That of its key in a token, too. */
#define JZ_PKI_NAME_MAX 32
void
jz_pki_name(char name[static JZ_PKI_NAME_MAX], unsigned i, unsigned version);
/* A master drawn, and appended. */
int
jz_pki_draw_master(const struct jz_engine *e, struct jz_pki *pki, int64_t now);

#endif
