/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token's state, shared by token.c and token_engine.c.
 */
#ifndef JZ_KEYS_STORE_TOKEN_ENGINE_H
#define JZ_KEYS_STORE_TOKEN_ENGINE_H

#include "cryptoki.h"
#include "token.h"
#include "token_provider.h"

#define JZ_TOKEN_KEYS 8 /* more than root, CA and host, old and new */

struct jz_token_key {
	uint8_t public_key[JZ_PUBLIC_BYTES_EC];
	EVP_PKEY *key; /* owned; NULL: none */
};

struct jz_token {
	struct jz_engine base; /* lent */
	struct jz_crypto crypto;
	void *module;
	struct ck_functions *functions;
	ck_ulong session;
	bool open;
	char prefix[JZ_TOKEN_LABEL_MAX + 1];
	struct jz_token_key keys[JZ_TOKEN_KEYS];
	size_t n_keys;
	struct jz_token_provider provider;
	EVP_MD_CTX *signing; /* of the last signature */
};

void jz_token_engine_init(struct jz_token *t);
/* The token's signature of exactly len bytes; JZ_ERR_TOKEN. */
int jz_token_sign(struct jz_token *t, ck_ulong object, ck_ulong with,
    struct jz_span in, uint8_t *out, size_t len);

#endif
