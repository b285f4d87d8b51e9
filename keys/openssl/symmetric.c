/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers, hash, CMAC (SP 800-38B), CBC (SP 800-38A) and GCM
 * (SP 800-38D) over contexts that are kept.
 *
 * Setting up a key costs more than enciphering a short message.  A context
 * therefore keeps its last key, and a caller who comes with the same one again
 * pays only for the data.  jz_openssl_forget() wipes these keys.
 */
#include <limits.h>
#include <string.h>

#include <openssl/rand.h>

#include "../../apdu/error.h"
#include "../secret.h"
#include "internal.h"

/* OpenSSL counts the bytes of ciphers in int. */
#define CIPHER_BYTES_MAX ((size_t)INT_MAX)

int
jz_openssl_random(void *state, uint8_t *out, size_t len)
{
	struct jz_openssl *o = state;

	if (RAND_bytes_ex(o->lib, out, len, 0) == 1)
		return 0;
	jz_wipe(out, len);
	return JZ_ERR_CRYPTO;
}

int
jz_openssl_hash(void *state, const struct jz_span *parts, size_t n,
    uint8_t out[static JZ_HASH_BYTES])
{
	struct jz_openssl *o = state;
	bool good = EVP_DigestInit_ex2(o->md_ctx, NULL, NULL) == 1;

	for (size_t i = 0; good && i < n; i++)
		good = EVP_DigestUpdate(
			   o->md_ctx, parts[i].data, parts[i].len) == 1;
	if (good && EVP_DigestFinal_ex(o->md_ctx, out, NULL) == 1)
		return 0;
	memset(out, 0, JZ_HASH_BYTES);
	return JZ_ERR_CRYPTO;
}

static bool
mac_start(struct jz_openssl *o, const uint8_t key[static JZ_KEY_BYTES])
{
	if (o->mac_set && jz_equal_secret(o->mac_key, key, JZ_KEY_BYTES))
		return EVP_MAC_init(o->mac_ctx, NULL, 0, NULL) == 1;
	o->mac_set = EVP_MAC_init(o->mac_ctx, key, JZ_KEY_BYTES, NULL) == 1;
	if (o->mac_set)
		memcpy(o->mac_key, key, JZ_KEY_BYTES);
	return o->mac_set;
}

int
jz_openssl_cmac(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const struct jz_span *parts, size_t n, uint8_t out[static JZ_KEY_BYTES])
{
	struct jz_openssl *o = state;
	bool good = mac_start(o, key);
	size_t len;

	for (size_t i = 0; good && i < n; i++)
		good = EVP_MAC_update(
			   o->mac_ctx, parts[i].data, parts[i].len) == 1;
	if (good && EVP_MAC_final(o->mac_ctx, out, &len, JZ_KEY_BYTES) == 1)
		return 0;
	memset(out, 0, JZ_KEY_BYTES);
	return JZ_ERR_CRYPTO;
}

static bool
cipher_start(struct jz_keyed *k, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t *iv, bool encrypt)
{
	if (k->set && jz_equal_secret(k->key, key, JZ_KEY_BYTES))
		return EVP_CipherInit_ex2(
			   k->ctx, NULL, NULL, iv, encrypt, NULL) == 1;
	k->set = EVP_CipherInit_ex2(k->ctx, NULL, key, iv, encrypt, NULL) == 1;
	if (k->set)
		memcpy(k->key, key, JZ_KEY_BYTES);
	return k->set;
}

/* out NULL: associated data.  len has been checked against the maximum. */
static bool
cipher_update(struct jz_keyed *k, uint8_t *out, const uint8_t *in, size_t len)
{
	int done;

	return len == 0 ||
	    EVP_CipherUpdate(k->ctx, out, &done, in, (int)len) == 1;
}

int
jz_openssl_cbc(void *state, bool encrypt,
    const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t iv[static JZ_KEY_BYTES], const uint8_t *in, uint8_t *out,
    size_t len)
{
	struct jz_openssl *o = state;
	struct jz_keyed *k = &o->cbc[encrypt];
	int rc = JZ_ERR_CRYPTO;

	if (len % JZ_KEY_BYTES != 0 || len > CIPHER_BYTES_MAX)
		rc = JZ_ERR_RANGE;
	else if (cipher_start(k, key, iv, encrypt) &&
	    cipher_update(k, out, in, len))
		return 0;
	jz_wipe(out, len);
	return rc;
}

int
jz_openssl_gcm_seal(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t nonce[static JZ_SEAL_NONCE_BYTES], struct jz_span aad,
    const uint8_t *in, size_t len, uint8_t *out)
{
	struct jz_openssl *o = state;
	struct jz_keyed *k = &o->aead;
	int rc = JZ_ERR_CRYPTO;
	int done;

	if (len > CIPHER_BYTES_MAX || aad.len > CIPHER_BYTES_MAX)
		rc = JZ_ERR_RANGE;
	else if (cipher_start(k, key, nonce, true) &&
	    cipher_update(k, NULL, aad.data, aad.len) &&
	    cipher_update(k, out, in, len) &&
	    EVP_CipherFinal_ex(k->ctx, out + len, &done) == 1 &&
	    EVP_CIPHER_CTX_ctrl(k->ctx, EVP_CTRL_AEAD_GET_TAG,
		JZ_SEAL_TAG_BYTES, out + len) == 1)
		return 0;
	jz_wipe(out, len + JZ_SEAL_TAG_BYTES);
	return rc;
}

int
jz_openssl_gcm_open(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t nonce[static JZ_SEAL_NONCE_BYTES], struct jz_span aad,
    const uint8_t *in, size_t len, uint8_t *out)
{
	struct jz_openssl *o = state;
	struct jz_keyed *k = &o->aead;
	uint8_t tag[JZ_SEAL_TAG_BYTES];
	int done;

	if (len < JZ_SEAL_TAG_BYTES)
		return JZ_ERR_DECRYPT;
	len -= JZ_SEAL_TAG_BYTES;
	if (len <= CIPHER_BYTES_MAX && aad.len <= CIPHER_BYTES_MAX) {
		/* out may be in: the tag is read before anything is written. */
		memcpy(tag, in + len, sizeof(tag));
		if (cipher_start(k, key, nonce, false) &&
		    cipher_update(k, NULL, aad.data, aad.len) &&
		    cipher_update(k, out, in, len) &&
		    EVP_CIPHER_CTX_ctrl(k->ctx, EVP_CTRL_AEAD_SET_TAG,
			JZ_SEAL_TAG_BYTES, tag) == 1 &&
		    EVP_CipherFinal_ex(k->ctx, tag, &done) == 1)
			return 0;
	}
	jz_wipe(out, len);
	return JZ_ERR_DECRYPT;
}
