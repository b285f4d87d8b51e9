/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers, hash, CMAC (SP 800-38B) and CBC (SP 800-38A) over contexts
 * that are kept.
 *
 * Setting up a key costs more than enciphering a short message.  A context
 * therefore keeps its last key, and a caller who comes with the same one again
 * pays only for the data.  jz_openssl_forget() wipes these keys.
 */
#include <string.h>

#include <openssl/rand.h>

#include "../../apdu/error.h"
#include "../secret.h"
#include "internal.h"

/* Takes the place of a key that is to be forgotten. */
static const uint8_t NO_KEY[JZ_KEY_BYTES] = {0};

int
jz_openssl_random(void *state, uint8_t *out, size_t len)
{
	struct jz_openssl *o = state;

	bool good = RAND_bytes_ex(o->lib, out, len, 0) == 1;

	jz_openssl_leave(o);
	if (good)
		return 0;
	jz_wipe(out, len);
	return JZ_ERR_CRYPTO;
}

int
jz_openssl_hash_after(struct jz_openssl *o, const uint8_t *head,
    const struct jz_span *parts, size_t n, uint8_t out[static JZ_HASH_BYTES])
{
	bool good = EVP_DigestInit_ex2(o->md_ctx, NULL, NULL) == 1;

	if (good && head != NULL)
		good = EVP_DigestUpdate(o->md_ctx, head, JZ_HASH_BYTES) == 1;
	for (size_t i = 0; good && i < n; i++)
		good = EVP_DigestUpdate(
			   o->md_ctx, parts[i].data, parts[i].len) == 1;
	if (good && EVP_DigestFinal_ex(o->md_ctx, out, NULL) == 1)
		return 0;
	memset(out, 0, JZ_HASH_BYTES);
	return JZ_ERR_CRYPTO;
}

int
jz_openssl_hash(void *state, const struct jz_span *parts, size_t n,
    uint8_t out[static JZ_HASH_BYTES])
{
	return jz_openssl_hash_after(state, NULL, parts, n, out);
}

/* ---- CMAC --------------------------------------------------------------- */

static bool
mac_start(struct jz_keyed_mac *m, const uint8_t *key)
{
	if (key == NULL ||
	    (m->set && jz_equal_secret(m->key, key, JZ_KEY_BYTES)))
		return EVP_MAC_init(m->ctx, NULL, 0, NULL) == 1;
	m->set = EVP_MAC_init(m->ctx, key, JZ_KEY_BYTES, NULL) == 1;
	if (m->set)
		memcpy(m->key, key, JZ_KEY_BYTES);
	return m->set;
}

bool
jz_keyed_mac(struct jz_keyed_mac *m, const uint8_t *key,
    const struct jz_span *parts, size_t n, uint8_t out[static JZ_KEY_BYTES])
{
	bool good = mac_start(m, key);
	size_t len;

	for (size_t i = 0; good && i < n; i++)
		good = EVP_MAC_update(m->ctx, parts[i].data, parts[i].len) == 1;
	return good && EVP_MAC_final(m->ctx, out, &len, JZ_KEY_BYTES) == 1;
}

static int
cmac(struct jz_keyed_mac *m, const uint8_t *key, const struct jz_span *parts,
    size_t n, uint8_t out[static JZ_KEY_BYTES])
{
	if (jz_keyed_mac(m, key, parts, n, out))
		return 0;
	memset(out, 0, JZ_KEY_BYTES);
	return JZ_ERR_CRYPTO;
}

int
jz_openssl_cmac(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const struct jz_span *parts, size_t n, uint8_t out[static JZ_KEY_BYTES])
{
	struct jz_openssl *o = state;

	return cmac(&o->block.mac, key, parts, n, out);
}

int
jz_openssl_aes_cmac(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const struct jz_span *parts, size_t n, uint8_t out[static JZ_KEY_BYTES])
{
	struct jz_openssl *o = state;

	return cmac(&o->aes.mac, key, parts, n, out);
}

/* ---- CBC ---------------------------------------------------------------- */

bool
jz_keyed_start(struct jz_keyed *k, const uint8_t key[static JZ_KEY_BYTES],
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

bool
jz_keyed_update(struct jz_keyed *k, uint8_t *out, const uint8_t *in, size_t len)
{
	int done;

	return len == 0 ||
	    EVP_CipherUpdate(k->ctx, out, &done, in, (int)len) == 1;
}

static int
cbc(struct jz_keyed *k, bool encrypt, const uint8_t *key, const uint8_t *iv,
    const uint8_t *in, uint8_t *out, size_t len)
{
	int rc = JZ_ERR_CRYPTO;

	if (len % JZ_KEY_BYTES != 0 || len > JZ_CIPHER_BYTES_MAX)
		rc = JZ_ERR_RANGE;
	else if (jz_keyed_start(k, key, iv, encrypt) &&
	    jz_keyed_update(k, out, in, len))
		return 0;
	jz_wipe(out, len);
	return rc;
}

int
jz_openssl_cbc(void *state, bool encrypt,
    const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t iv[static JZ_KEY_BYTES], const uint8_t *in, uint8_t *out,
    size_t len)
{
	struct jz_openssl *o = state;

	return cbc(&o->block.cbc[encrypt], encrypt, key, iv, in, out, len);
}

int
jz_openssl_aes_cbc(void *state, bool encrypt,
    const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t iv[static JZ_KEY_BYTES], const uint8_t *in, uint8_t *out,
    size_t len)
{
	struct jz_openssl *o = state;

	return cbc(&o->aes.cbc[encrypt], encrypt, key, iv, in, out, len);
}

/* ---- forgetting --------------------------------------------------------- */

void
jz_keyed_forget(struct jz_keyed *k)
{
	if (k->ctx != NULL)
		(void)EVP_CipherInit_ex2(
		    k->ctx, NULL, NO_KEY, NO_KEY, -1, NULL);
	jz_wipe(k->key, sizeof(k->key));
	k->set = false;
}

void
jz_keyed_mac_forget(struct jz_keyed_mac *m)
{
	if (m->ctx != NULL)
		(void)EVP_MAC_init(m->ctx, NO_KEY, sizeof(NO_KEY), NULL);
	jz_wipe(m->key, sizeof(m->key));
	m->set = false;
}
