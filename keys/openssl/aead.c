/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authenticated encryption: GCM (SP 800-38D) of suite nist; counter mode with
 * CMAC (SP 800-38A 6.5, SP 800-38B), encrypt-then-MAC, of suite gm, which
 * keys/crypto.h defines and docs/adr/0010 argues.
 */
#include <string.h>

#include "../../apdu/error.h"
#include "../secret.h"
#include "internal.h"

/* ---- GCM ---------------------------------------------------------------- */

int
jz_openssl_gcm_seal(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t nonce[static JZ_SEAL_NONCE_BYTES], struct jz_span aad,
    const uint8_t *in, size_t len, uint8_t *out)
{
	struct jz_openssl *o = state;
	struct jz_keyed *k = &o->seal;
	int rc = JZ_ERR_CRYPTO;
	int done;

	if (len > JZ_CIPHER_BYTES_MAX || aad.len > JZ_CIPHER_BYTES_MAX)
		rc = JZ_ERR_RANGE;
	else if (jz_keyed_start(k, key, nonce, true) &&
	    jz_keyed_update(k, NULL, aad.data, aad.len) &&
	    jz_keyed_update(k, out, in, len) &&
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
	struct jz_keyed *k = &o->seal;
	uint8_t tag[JZ_SEAL_TAG_BYTES];
	int done;

	if (len < JZ_SEAL_TAG_BYTES)
		return JZ_ERR_DECRYPT;
	len -= JZ_SEAL_TAG_BYTES;
	if (len <= JZ_CIPHER_BYTES_MAX && aad.len <= JZ_CIPHER_BYTES_MAX) {
		/* out may be in: the tag is read before anything is written. */
		memcpy(tag, in + len, sizeof(tag));
		if (jz_keyed_start(k, key, nonce, false) &&
		    jz_keyed_update(k, NULL, aad.data, aad.len) &&
		    jz_keyed_update(k, out, in, len) &&
		    EVP_CIPHER_CTX_ctrl(k->ctx, EVP_CTRL_AEAD_SET_TAG,
			JZ_SEAL_TAG_BYTES, tag) == 1 &&
		    EVP_CipherFinal_ex(k->ctx, tag, &done) == 1)
			return 0;
	}
	jz_wipe(out, len);
	return JZ_ERR_DECRYPT;
}

/* ---- CTR and CMAC ------------------------------------------------------- */

/* SP 800-108 4.1 with CMAC: counter, label, 00, the length in bits. */
static bool
derive(struct jz_openssl *o, const uint8_t key[static JZ_KEY_BYTES], uint8_t i,
    uint8_t out[static JZ_KEY_BYTES])
{
	static const uint8_t REST[] = {'j', 'i', 'a', 'o', 'z', 'i', ' ', 's',
	    'e', 'a', 'l', 0x00, 0x01, 0x00};
	const struct jz_span parts[] = {
	    jz_span(&i, 1), jz_span(REST, sizeof(REST))};

	return jz_keyed_mac(&o->seal_mac, key, parts, 2, out);
}

/*
 * Both contexts under what follows from the key; then seal.key is the sealing
 * key, and the two that it stands for are in the contexts alone.
 */
static bool
set_keys(struct jz_openssl *o, const uint8_t key[static JZ_KEY_BYTES])
{
	uint8_t enc[JZ_KEY_BYTES], mac[JZ_KEY_BYTES];
	bool good;

	if (o->seal.set && jz_equal_secret(o->seal.key, key, JZ_KEY_BYTES))
		return true;
	good = derive(o, key, 1, enc) && derive(o, key, 2, mac) &&
	    EVP_CipherInit_ex2(o->seal.ctx, NULL, enc, NULL, 1, NULL) == 1 &&
	    EVP_MAC_init(o->seal_mac.ctx, mac, sizeof(mac), NULL) == 1;
	jz_wipe(o->seal_mac.key, sizeof(o->seal_mac.key));
	o->seal_mac.set = false;
	o->seal.set = good;
	if (good)
		memcpy(o->seal.key, key, JZ_KEY_BYTES);
	jz_wipe(enc, sizeof(enc));
	jz_wipe(mac, sizeof(mac));
	return good;
}

/* The first counter block is the nonce and 00000001. */
static bool
encipher(struct jz_openssl *o, const uint8_t nonce[static JZ_SEAL_NONCE_BYTES],
    const uint8_t *in, size_t len, uint8_t *out)
{
	uint8_t block[JZ_KEY_BYTES] = {0};

	memcpy(block, nonce, JZ_SEAL_NONCE_BYTES);
	block[JZ_KEY_BYTES - 1] = 1;
	return EVP_CipherInit_ex2(o->seal.ctx, NULL, NULL, block, 1, NULL) ==
	    1 &&
	    jz_keyed_update(&o->seal, out, in, len);
}

/* Over nonce, length of the associated data, these, ciphertext. */
static bool
tag_of(struct jz_openssl *o, const uint8_t nonce[static JZ_SEAL_NONCE_BYTES],
    struct jz_span aad, const uint8_t *ciphertext, size_t len,
    uint8_t out[static JZ_SEAL_TAG_BYTES])
{
	uint8_t aad_len[JZ_KEY_BYTES - JZ_SEAL_NONCE_BYTES];
	const struct jz_span parts[] = {jz_span(nonce, JZ_SEAL_NONCE_BYTES),
	    jz_span(aad_len, sizeof(aad_len)), aad, jz_span(ciphertext, len)};

	jz_set_be(aad_len, sizeof(aad_len), aad.len);
	return jz_keyed_mac(&o->seal_mac, NULL, parts, 4, out);
}

_Static_assert(JZ_SEAL_TAG_BYTES == JZ_KEY_BYTES, "the tag is a whole CMAC");

int
jz_openssl_ctr_seal(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t nonce[static JZ_SEAL_NONCE_BYTES], struct jz_span aad,
    const uint8_t *in, size_t len, uint8_t *out)
{
	struct jz_openssl *o = state;
	int rc = JZ_ERR_CRYPTO;

	if (len > JZ_CIPHER_BYTES_MAX || aad.len > JZ_CIPHER_BYTES_MAX)
		rc = JZ_ERR_RANGE;
	else if (set_keys(o, key) && encipher(o, nonce, in, len, out) &&
	    tag_of(o, nonce, aad, out, len, out + len))
		return 0;
	jz_wipe(out, len + JZ_SEAL_TAG_BYTES);
	return rc;
}

int
jz_openssl_ctr_open(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t nonce[static JZ_SEAL_NONCE_BYTES], struct jz_span aad,
    const uint8_t *in, size_t len, uint8_t *out)
{
	struct jz_openssl *o = state;
	uint8_t tag[JZ_SEAL_TAG_BYTES];
	bool good;

	if (len < JZ_SEAL_TAG_BYTES)
		return JZ_ERR_DECRYPT;
	len -= JZ_SEAL_TAG_BYTES;
	/* Nothing is deciphered before it is known to be whole. */
	good = len <= JZ_CIPHER_BYTES_MAX && aad.len <= JZ_CIPHER_BYTES_MAX &&
	    set_keys(o, key) && tag_of(o, nonce, aad, in, len, tag) &&
	    jz_equal_secret(tag, in + len, sizeof(tag)) &&
	    encipher(o, nonce, in, len, out);
	jz_wipe(tag, sizeof(tag));
	if (good)
		return 0;
	jz_wipe(out, len);
	return JZ_ERR_DECRYPT;
}
