/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine whose signatures come from a token when the key is the token's, and
 * everything else from the engine beneath.
 */
#include "token_engine.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "../../apdu/error.h"
#include "x509.h"

/* What is beneath, by the state that it wants. */
static const struct jz_engine *
base(void *state)
{
	return &((struct jz_token *)state)->base;
}

static int
random_bytes(void *state, uint8_t *out, size_t len)
{
	return base(state)->crypto->random(base(state)->state, out, len);
}

static int
hash(void *state, const struct jz_span *parts, size_t n,
    uint8_t out[static JZ_HASH_BYTES])
{
	return base(state)->crypto->hash(base(state)->state, parts, n, out);
}

static int
generate(void *state, struct jz_key_pair *out)
{
	return base(state)->crypto->generate(base(state)->state, out);
}

static int
derive_public(void *state, const uint8_t private_key[static JZ_PRIVATE_BYTES],
    uint8_t public_key[static JZ_PUBLIC_BYTES_EC])
{
	return base(state)->crypto->derive_public(
	    base(state)->state, private_key, public_key);
}

static const struct jz_token_key *
key_of(const struct jz_token *t,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC])
{
	size_t n = t->n_keys < JZ_TOKEN_KEYS ? t->n_keys : JZ_TOKEN_KEYS;

	for (size_t k = 0; k < n; k++) {
		if (memcmp(t->keys[k].public_key, public_key,
			JZ_PUBLIC_BYTES_EC) == 0)
			return &t->keys[k];
	}
	return NULL;
}

/* OpenSSL's, whose provider of ours asks the token: token_provider.c. */
static bool
begin(struct jz_token *t, const struct jz_token_key *k)
{
	return EVP_MD_CTX_reset(t->signing) == 1 &&
	    EVP_DigestSignInit_ex(t->signing, NULL, "SHA256", t->provider.lib,
		NULL, k->key, NULL) == 1;
}

static bool
more(struct jz_token *t, const struct jz_span *parts, size_t n)
{
	bool good = true;

	for (size_t i = 0; good && i < n; i++)
		good = EVP_DigestSignUpdate(
			   t->signing, parts[i].data, parts[i].len) == 1;
	return good;
}

static int
sign(void *state, const struct jz_key_pair *key, const struct jz_span *parts,
    size_t n, uint8_t out[static JZ_SIG_BYTES])
{
	struct jz_token *t = state;
	const struct jz_token_key *k = key_of(t, key->public_key);
	uint8_t der[JZ_DER_SIG_MAX_BYTES];
	size_t len = sizeof(der);
	int rc = JZ_ERR_TOKEN;

	if (k == NULL)
		return t->base.crypto->sign(t->base.state, key, parts, n, out);
	memset(out, 0, JZ_SIG_BYTES);
	(void)ERR_set_mark();
	if (begin(t, k) && more(t, parts, n) &&
	    EVP_DigestSignFinal(t->signing, der, &len) == 1 &&
	    jz_signature_from_der(jz_span(der, len), out) == 0)
		rc = 0;
	(void)ERR_pop_to_mark();
	return rc;
}

static int
verify(void *state, const uint8_t public_key[static JZ_PUBLIC_BYTES_EC],
    const struct jz_span *parts, size_t n,
    const uint8_t sig[static JZ_SIG_BYTES])
{
	return base(state)->crypto->verify(
	    base(state)->state, public_key, parts, n, sig);
}

static int
agree(void *state, const uint8_t private_key[static JZ_PRIVATE_BYTES],
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC], uint8_t out[static 32])
{
	return base(state)->crypto->agree(
	    base(state)->state, private_key, public_key, out);
}

static int
cmac(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const struct jz_span *parts, size_t n, uint8_t out[static JZ_KEY_BYTES])
{
	return base(state)->crypto->cmac(
	    base(state)->state, key, parts, n, out);
}

static int
cbc(void *state, bool encrypt, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t iv[static JZ_KEY_BYTES], const uint8_t *in, uint8_t *out,
    size_t len)
{
	return base(state)->crypto->cbc(
	    base(state)->state, encrypt, key, iv, in, out, len);
}

static int
aes_cmac(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const struct jz_span *parts, size_t n, uint8_t out[static JZ_KEY_BYTES])
{
	return base(state)->crypto->aes_cmac(
	    base(state)->state, key, parts, n, out);
}

static int
aes_cbc(void *state, bool encrypt, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t iv[static JZ_KEY_BYTES], const uint8_t *in, uint8_t *out,
    size_t len)
{
	return base(state)->crypto->aes_cbc(
	    base(state)->state, encrypt, key, iv, in, out, len);
}

static int
seal(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t nonce[static JZ_SEAL_NONCE_BYTES], struct jz_span aad,
    const uint8_t *in, size_t len, uint8_t *out)
{
	return base(state)->crypto->seal(
	    base(state)->state, key, nonce, aad, in, len, out);
}

static int
open_sealed(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t nonce[static JZ_SEAL_NONCE_BYTES], struct jz_span aad,
    const uint8_t *in, size_t len, uint8_t *out)
{
	return base(state)->crypto->open(
	    base(state)->state, key, nonce, aad, in, len, out);
}

void
jz_token_engine_init(struct jz_token *t)
{
	t->crypto = *t->base.crypto;
	t->crypto.random = random_bytes;
	t->crypto.hash = hash;
	t->crypto.generate = generate;
	t->crypto.derive_public = derive_public;
	t->crypto.sign = sign;
	t->crypto.verify = verify;
	t->crypto.agree = agree;
	t->crypto.cmac = cmac;
	t->crypto.cbc = cbc;
	t->crypto.aes_cmac = aes_cmac;
	t->crypto.aes_cbc = aes_cbc;
	t->crypto.seal = seal;
	t->crypto.open = open_sealed;
}

struct jz_engine
jz_token_engine(struct jz_token *token)
{
	return (struct jz_engine){&token->crypto, token};
}

int
jz_token_pkey(const struct jz_token *t,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC], EVP_PKEY **out)
{
	const struct jz_token_key *k = key_of(t, public_key);

	*out = NULL;
	if (k == NULL || EVP_PKEY_up_ref(k->key) != 1)
		return JZ_ERR_TOKEN_KEY;
	*out = k->key;
	return 0;
}

struct jz_token *
jz_token_of(const struct jz_engine *e)
{
	return e->crypto->sign == sign ? e->state : NULL;
}
