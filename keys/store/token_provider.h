/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token's keys as keys of OpenSSL's: a provider in a library context of the
 * token's own.
 */
#ifndef JZ_KEYS_STORE_TOKEN_PROVIDER_H
#define JZ_KEYS_STORE_TOKEN_PROVIDER_H

#include <openssl/types.h>

#include "token.h"

struct jz_token_provider {
	OSSL_LIB_CTX *lib;
	OSSL_PROVIDER *own, *algorithms;
};

/* For this token, which must outlive it.  JZ_ERR_CRYPTO, and nothing is left
 * loaded. */
int
jz_token_provider_load(struct jz_token *token, struct jz_token_provider *out);
/* After the last of its keys has been freed. */
void jz_token_provider_unload(struct jz_token_provider *p);

/*
 * The key pair whose private half is this object of the token.  The caller
 * frees it before the token.  JZ_ERR_CRYPTO.
 */
int
jz_token_provider_key(const struct jz_token_provider *p, unsigned long object,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC], EVP_PKEY **out);

#endif
