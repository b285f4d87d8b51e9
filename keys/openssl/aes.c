/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES (FIPS 197) in electronic code book, one block at a time.
 */
#include "aes.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "../../apdu/error.h"
#include "../secret.h"

#define BLOCK_BYTES 16

static const EVP_CIPHER *
cipher_of(size_t key_len)
{
	switch (key_len) {
	case 16:
		return EVP_aes_128_ecb();
	case 24:
		return EVP_aes_192_ecb();
	case 32:
		return EVP_aes_256_ecb();
	default:
		return NULL;
	}
}

static int
encrypt(void *state, const uint8_t *key, size_t key_len,
    const uint8_t in[static BLOCK_BYTES], uint8_t out[static BLOCK_BYTES])
{
	const EVP_CIPHER *cipher = cipher_of(key_len);
	EVP_CIPHER_CTX *ctx = state;
	int len = 0;
	int rc = JZ_ERR_CRYPTO;

	if (cipher == NULL)
		return JZ_ERR_KEY;
	(void)ERR_set_mark();
	if (EVP_EncryptInit_ex2(ctx, cipher, key, NULL, NULL) == 1 &&
	    EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	    EVP_EncryptUpdate(ctx, out, &len, in, BLOCK_BYTES) == 1 &&
	    len == BLOCK_BYTES)
		rc = 0;
	(void)ERR_pop_to_mark();
	if (rc != 0)
		jz_wipe(out, BLOCK_BYTES);
	return rc;
}

int
jz_aes_new(struct jz_block_cipher *out)
{
	memset(out, 0, sizeof(*out));
	out->state = EVP_CIPHER_CTX_new();
	if (out->state == NULL)
		return JZ_ERR_MEMORY;
	out->encrypt = encrypt;
	return 0;
}

void
jz_aes_free(struct jz_block_cipher *c)
{
	if (c == NULL)
		return;
	/* OpenSSL cleanses the key schedule as it frees it. */
	EVP_CIPHER_CTX_free(c->state);
	memset(c, 0, sizeof(*c));
}
