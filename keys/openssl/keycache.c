/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small cache of parsed keys, least recently used out first.
 *
 * Parsing a key and preparing a context takes OpenSSL as long as a signature.
 * A card signs with one key and a host verifies under a few, so a handful of
 * entries meets nearly every call.  Ephemeral keys never come here.
 */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "../../apdu/error.h"
#include "../secret.h"
#include "internal.h"

#define POINT_UNCOMPRESSED 0x04

static void
drop(struct jz_cached_key *k)
{
	EVP_PKEY_CTX_free(k->ctx);
	jz_wipe(k, sizeof(*k));
}

void
jz_cached_clear(struct jz_openssl *o)
{
	for (size_t i = 0; i < JZ_CACHED_PUBLIC; i++)
		drop(&o->public_keys[i]);
	for (size_t i = 0; i < JZ_CACHED_PRIVATE; i++)
		drop(&o->private_keys[i]);
}

/* The entry for the key, or the one to be replaced, with *hit. */
static struct jz_cached_key *
find(struct jz_cached_key *keys, size_t n, const uint8_t *key, size_t len,
    bool *hit)
{
	struct jz_cached_key *oldest = &keys[0];

	for (size_t i = 0; i < n; i++) {
		if (keys[i].ctx != NULL &&
		    jz_equal_secret(keys[i].bytes, key, len)) {
			*hit = true;
			return &keys[i];
		}
		if (keys[i].used < oldest->used)
			oldest = &keys[i];
	}
	*hit = false;
	return oldest;
}

/* ZA of GB/T 32918.2 5.5: which key of which curve signs, and in whose name. */
static int
identify(struct jz_openssl *o,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC],
    uint8_t za[static JZ_HASH_BYTES])
{
	const struct jz_span parts[] = {
	    jz_span(o->identity, sizeof(o->identity)),
	    jz_span(public_key + 1, JZ_PUBLIC_BYTES_EC - 1)};

	return jz_openssl_hash(o, parts, 2, za);
}

/* Puts a key in the place of another; takes ctx. */
static int
replace(struct jz_openssl *o, struct jz_cached_key *k, const uint8_t *key,
    size_t len, const uint8_t *public_key, EVP_PKEY_CTX *ctx)
{
	uint8_t za[JZ_HASH_BYTES] = {0};
	int rc = o->suite->sm2 ? identify(o, public_key, za) : 0;

	if (rc != 0) {
		EVP_PKEY_CTX_free(ctx);
		return rc;
	}
	drop(k);
	memcpy(k->bytes, key, len);
	memcpy(k->za, za, sizeof(za));
	k->ctx = ctx;
	return 0;
}

/* A copy of the curve and one point is cheaper than a key from its parts. */
static EVP_PKEY_CTX *
parse_public(struct jz_openssl *o, const uint8_t *key)
{
	EVP_PKEY *pkey = EVP_PKEY_dup(o->params);
	EVP_PKEY_CTX *ctx = NULL;

	if (pkey == NULL ||
	    EVP_PKEY_set1_encoded_public_key(pkey, key, JZ_PUBLIC_BYTES_EC) !=
		1)
		goto out;
	ctx = EVP_PKEY_CTX_new_from_pkey(o->lib, pkey, NULL);
	if (ctx != NULL && EVP_PKEY_verify_init(ctx) != 1) {
		EVP_PKEY_CTX_free(ctx);
		ctx = NULL;
	}
out:
	EVP_PKEY_free(pkey);
	return ctx;
}

int
jz_cached_public(struct jz_openssl *o,
    const uint8_t key[static JZ_PUBLIC_BYTES_EC],
    const struct jz_cached_key **out)
{
	struct jz_cached_key *k;
	EVP_PKEY_CTX *ctx;
	bool hit;
	int rc;

	/* OpenSSL would take the hybrid form (06, 07) as well. */
	if (key[0] != POINT_UNCOMPRESSED)
		return JZ_ERR_KEY;
	k = find(
	    o->public_keys, JZ_CACHED_PUBLIC, key, JZ_PUBLIC_BYTES_EC, &hit);
	if (!hit) {
		ctx = parse_public(o, key);
		if (ctx == NULL)
			return JZ_ERR_KEY;
		rc = replace(o, k, key, JZ_PUBLIC_BYTES_EC, key, ctx);
		if (rc != 0)
			return rc;
	}
	k->used = ++o->tick;
	*out = k;
	return 0;
}

/* The private key alone: a signature needs no public one. */
static EVP_PKEY *
build_private(struct jz_openssl *o)
{
	EVP_PKEY_CTX *ctx =
	    EVP_PKEY_CTX_new_from_name(o->lib, o->suite->key_type, NULL);
	char group[JZ_GROUP_NAME_MAX];
	uint8_t number[JZ_PRIVATE_BYTES];
	OSSL_PARAM params[3];
	EVP_PKEY *pkey = NULL;

	memcpy(group, o->suite->group, sizeof(group));
	params[0] = OSSL_PARAM_construct_utf8_string(
	    OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	params[1] = OSSL_PARAM_construct_BN(
	    OSSL_PKEY_PARAM_PRIV_KEY, number, sizeof(number));
	params[2] = OSSL_PARAM_construct_end();
	if (ctx == NULL ||
	    BN_bn2nativepad(o->scalar, number, sizeof(number)) < 0 ||
	    EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		pkey = NULL;
	jz_wipe(number, sizeof(number));
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static EVP_PKEY_CTX *
parse_private(struct jz_openssl *o)
{
	EVP_PKEY *pkey = build_private(o);
	EVP_PKEY_CTX *ctx = NULL;

	if (pkey != NULL)
		ctx = EVP_PKEY_CTX_new_from_pkey(o->lib, pkey, NULL);
	if (ctx != NULL && EVP_PKEY_sign_init(ctx) != 1) {
		EVP_PKEY_CTX_free(ctx);
		ctx = NULL;
	}
	EVP_PKEY_free(pkey);
	return ctx;
}

/* Of SM2 a whole pair tells it from others, because it signs over the public
 * key too; ECDSA does not look at that. */
int
jz_cached_private(struct jz_openssl *o, const struct jz_key_pair *key,
    const struct jz_cached_key **out)
{
	size_t len = o->suite->sm2 ? sizeof(*key) : sizeof(key->private_key);
	const uint8_t *bytes = key->private_key;
	struct jz_cached_key *k;
	EVP_PKEY_CTX *ctx;
	bool hit;
	int rc;

	k = find(o->private_keys, JZ_CACHED_PRIVATE, bytes, len, &hit);
	if (!hit) {
		rc = jz_openssl_scalar(o, bytes);
		ctx = rc == 0 ? parse_private(o) : NULL;
		BN_clear(o->scalar);
		if (ctx == NULL)
			return rc != 0 ? rc : JZ_ERR_CRYPTO;
		rc = replace(o, k, bytes, len, key->public_key, ctx);
		if (rc != 0)
			return rc;
	}
	k->used = ++o->tick;
	*out = k;
	return 0;
}
