/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer's private keys in a PKCS#11 token: a hardware security module, or
 * SoftHSM2.  Keys are generated in the token, cannot be taken out of it, and
 * are keys of OpenSSL's: EVP_PKEYs of a provider of ours (token_provider.c) in a
 * library context of the token's own, with which X509_sign(), CMS and TLS sign as
 * with any key.  Our own code signs with them through an engine that looks like
 * any other: its sign() is such a signature when the public key is one of the
 * token's, everything else is done by the engine beneath.
 *
 * The module is loaded when a token is opened (dlopen): nothing is linked with
 * it.  Why not somebody else's provider: docs/adr/0016-hsm.md.
 *
 * A handle is used by one thread at a time.  Suite nist only.
 *
 * Caveats.  A module is not finalised and stays loaded until the process ends,
 * for others in it may use it, too.  A login is the process's, not the
 * handle's: while one is open, another is opened with any PIN.
 */
#ifndef JZ_KEYS_STORE_TOKEN_H
#define JZ_KEYS_STORE_TOKEN_H

#include <openssl/types.h>

#include "../crypto.h"
#include "../secret.h"

#define JZ_TOKEN_PATH_MAX   1024
#define JZ_TOKEN_LABEL_MAX  32
#define JZ_TOKEN_NAME_MAX   64
#define JZ_TOKEN_SEAL_BYTES 32

/* Which token, as RFC 7512 writes it. */
struct jz_token_uri {
	char token[JZ_TOKEN_LABEL_MAX + 1];
	char module[JZ_TOKEN_PATH_MAX];
};

/*
 * "pkcs11:token=LABEL[?module-path=FILE]", %XX escapes; without a module
 * p11-kit-proxy.so, which knows those that are installed.  Other attributes
 * are refused, pin-value among them: JZ_ERR_ARGUMENT.
 */
int jz_token_uri_parse(const char *text, struct jz_token_uri *out);

struct jz_token;

/*
 * Logs in.  `base` is lent, and must outlive the token.  prefix stands before
 * the names of the keys, so that several issuers share a token; up to 32
 * characters.
 * JZ_ERR_TOKEN_MODULE (cannot be loaded, or is no PKCS#11 module),
 * JZ_ERR_TOKEN_ABSENT, JZ_ERR_TOKEN_PIN, JZ_ERR_TOKEN_LOCKED, JZ_ERR_TOKEN
 * (failed), JZ_ERR_UNSUPPORTED (another suite), JZ_ERR_MEMORY.
 */
int jz_token_open(const struct jz_engine *base, const struct jz_token_uri *uri,
    const char *prefix, const struct jz_secret *pin, struct jz_token **out);
/* Clears *token; takes NULL. */
void jz_token_free(struct jz_token **token);

/* The engine that signs with the token's keys; lent. */
struct jz_engine jz_token_engine(struct jz_token *token);
/* The token behind an engine, or NULL. */
struct jz_token *jz_token_of(const struct jz_engine *e);

/*
 * The key pair of this public key as OpenSSL's, for OpenSSL's own calls: it
 * signs with SHA-256 and exports its public half.  The caller frees it, before
 * the token.  JZ_ERR_TOKEN_KEY: none that was generated or found here.
 */
int jz_token_pkey(const struct jz_token *t,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC], EVP_PKEY **out);

/* A new key pair in place of one of this name.  JZ_ERR_TOKEN. */
int jz_token_generate(struct jz_token *t, const char *name,
    uint8_t public_key[static JZ_PUBLIC_BYTES_EC]);
/* The public key of one made before: JZ_ERR_TOKEN_KEY when it is not there. */
int jz_token_find(struct jz_token *t, const char *name,
    uint8_t public_key[static JZ_PUBLIC_BYTES_EC]);
void jz_token_destroy(struct jz_token *t, const char *name);

/*
 * What the token alone can compute: AES-CMAC under a key of 256 bits that it
 * does not give away, made here when `make` is set.  A file that is sealed
 * under it is of no use without the token.  JZ_ERR_TOKEN_KEY.
 */
int jz_token_seal_key(struct jz_token *t, bool make, struct jz_secret *out);

#endif
