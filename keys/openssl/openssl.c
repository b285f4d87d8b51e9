/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engines and suites.  Suite nist: ECDSA on P-256 with SHA-256 (FIPS 186-4,
 * FIPS 180-4), AES-128 (FIPS 197) in CMAC (SP 800-38B), CBC (SP 800-38A) and
 * GCM (SP 800-38D).
 *
 * Another suite is one more row of SUITES, with its own signature and
 * authenticated encryption; hash, CMAC, CBC and the curve's arithmetic take
 * their algorithms from the row.
 */
#include "openssl.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>

#include "../../apdu/error.h"
#include "../secret.h"
#include "internal.h"
#include "seeded.h"

/* id-TA-ECDSA-SHA-256, 0.4.0.127.0.7.2.2.2.2.3 (TR-03110 part 3, A.6.4). */
static const struct jz_crypto NIST = {
    .suite = JZ_SUITE_NIST,
    .name = "nist",
    .oid = {0x04, 0x00, 0x7F, 0x00, 0x07, 0x02, 0x02, 0x02, 0x02, 0x03},
    .oid_len = 10,
    .random = jz_openssl_random,
    .hash = jz_openssl_hash,
    .generate = jz_openssl_generate,
    .derive_public = jz_openssl_derive_public,
    .sign = jz_openssl_ecdsa_sign,
    .verify = jz_openssl_ecdsa_verify,
    .agree = jz_openssl_agree,
    .cmac = jz_openssl_cmac,
    .cbc = jz_openssl_cbc,
    .seal = jz_openssl_gcm_seal,
    .open = jz_openssl_gcm_open,
};

/* Takes the place of a key that is to be forgotten. */
static const uint8_t NO_KEY[JZ_KEY_BYTES] = {0};

static const struct jz_openssl_suite SUITES[] = {
    {&NIST, "SHA256", "AES-128-GCM", "AES-128-CBC", "P-256",
	NID_X9_62_prime256v1},
};

static const struct jz_openssl_suite *
find_suite(enum jz_suite suite)
{
	for (size_t i = 0; i < sizeof(SUITES) / sizeof(SUITES[0]); i++) {
		if (SUITES[i].crypto->suite == suite)
			return &SUITES[i];
	}
	return NULL;
}

static bool
open_hash(struct jz_openssl *o, const struct jz_openssl_suite *suite)
{
	o->md = EVP_MD_fetch(o->lib, suite->hash, NULL);
	o->md_ctx = EVP_MD_CTX_new();
	return o->md != NULL && o->md_ctx != NULL &&
	    EVP_DigestInit_ex2(o->md_ctx, o->md, NULL) == 1;
}

static bool
open_mac(struct jz_openssl *o, const struct jz_openssl_suite *suite)
{
	char cipher[JZ_CIPHER_NAME_MAX];
	OSSL_PARAM params[2];

	memcpy(cipher, suite->cbc, sizeof(cipher));
	params[0] =
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0);
	params[1] = OSSL_PARAM_construct_end();
	o->mac = EVP_MAC_fetch(o->lib, "CMAC", NULL);
	if (o->mac == NULL)
		return false;
	o->mac_ctx = EVP_MAC_CTX_new(o->mac);
	/*
	 * A first key makes all that the context will ever allocate: OpenSSL
	 * does not survive a failed allocation at this place when the context
	 * is used again.
	 */
	return o->mac_ctx != NULL &&
	    EVP_MAC_init(o->mac_ctx, NO_KEY, sizeof(NO_KEY), params) == 1;
}

static bool
open_keyed(struct jz_keyed *k, const EVP_CIPHER *cipher, int encrypt)
{
	k->ctx = EVP_CIPHER_CTX_new();
	return k->ctx != NULL &&
	    EVP_CipherInit_ex2(k->ctx, cipher, NULL, NULL, encrypt, NULL) == 1;
}

static bool
open_ciphers(struct jz_openssl *o, const struct jz_openssl_suite *suite)
{
	o->cbc_cipher = EVP_CIPHER_fetch(o->lib, suite->cbc, NULL);
	o->aead_cipher = EVP_CIPHER_fetch(o->lib, suite->aead, NULL);
	return o->cbc_cipher != NULL && o->aead_cipher != NULL &&
	    open_keyed(&o->cbc[0], o->cbc_cipher, 0) &&
	    open_keyed(&o->cbc[1], o->cbc_cipher, 1) &&
	    open_keyed(&o->aead, o->aead_cipher, 1) &&
	    EVP_CIPHER_CTX_set_padding(o->cbc[0].ctx, 0) == 1 &&
	    EVP_CIPHER_CTX_set_padding(o->cbc[1].ctx, 0) == 1;
}

static bool
open_curve(struct jz_openssl *o, const struct jz_openssl_suite *suite)
{
	o->group_name = suite->group;
	o->group = EC_GROUP_new_by_curve_name_ex(o->lib, NULL, suite->nid);
	o->bn = BN_CTX_new_ex(o->lib);
	o->scalar = BN_new();
	o->x = BN_new();
	if (o->group == NULL || o->bn == NULL || o->scalar == NULL ||
	    o->x == NULL)
		return false;
	/* OpenSSL then takes the paths whose time does not tell the value. */
	BN_set_flags(o->scalar, BN_FLG_CONSTTIME);
	return true;
}

static bool
open_params(struct jz_openssl *o, const struct jz_openssl_suite *suite)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(o->lib, "EC", NULL);
	char group[JZ_GROUP_NAME_MAX];
	OSSL_PARAM params[2];
	bool good;

	memcpy(group, suite->group, sizeof(group));
	params[0] = OSSL_PARAM_construct_utf8_string(
	    OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	params[1] = OSSL_PARAM_construct_end();
	good = ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(
		ctx, &o->params, EVP_PKEY_KEY_PARAMETERS, params) == 1;
	EVP_PKEY_CTX_free(ctx);
	return good;
}

/* Lets go of a library context and what was loaded into it. */
static void
close_library(OSSL_LIB_CTX *lib, OSSL_PROVIDER *seeded[JZ_SEED_PROVIDERS])
{
	if (lib == NULL)
		return;
	jz_openssl_unseed(seeded);
	OSSL_LIB_CTX_free(lib);
}

/* Takes lib (NULL: OpenSSL's default) and what is loaded, also when it fails. */
static int
open_engine(enum jz_suite suite, OSSL_LIB_CTX *lib,
    OSSL_PROVIDER *seeded[JZ_SEED_PROVIDERS], struct jz_engine *out)
{
	const struct jz_openssl_suite *row = find_suite(suite);
	struct jz_openssl *o;

	memset(out, 0, sizeof(*out));
	if (row == NULL) {
		close_library(lib, seeded);
		return JZ_ERR_UNSUPPORTED;
	}
	(void)ERR_set_mark();
	o = OPENSSL_zalloc(sizeof(*o));
	if (o == NULL) {
		close_library(lib, seeded);
	} else {
		o->lib = lib;
		if (lib != NULL)
			memcpy(o->seeded, seeded, sizeof(o->seeded));
		out->crypto = row->crypto;
		out->state = o;
		if (!open_hash(o, row) || !open_mac(o, row) ||
		    !open_ciphers(o, row) || !open_curve(o, row) ||
		    !open_params(o, row))
			jz_openssl_free(out);
	}
	(void)ERR_pop_to_mark();
	return out->state != NULL ? 0 : JZ_ERR_MEMORY;
}

int
jz_openssl_new_seeded(enum jz_suite suite,
    const uint8_t seed[static JZ_SEED_BYTES], struct jz_engine *out)
{
	OSSL_LIB_CTX *lib = OSSL_LIB_CTX_new();
	OSSL_PROVIDER *loaded[JZ_SEED_PROVIDERS];
	int e;

	memset(out, 0, sizeof(*out));
	if (lib == NULL)
		return JZ_ERR_MEMORY;
	if ((e = jz_openssl_seed(lib, seed, loaded)) != 0) {
		OSSL_LIB_CTX_free(lib);
		return e;
	}
	return open_engine(suite, lib, loaded, out);
}

int
jz_openssl_new(enum jz_suite suite, struct jz_engine *out)
{
	return open_engine(suite, NULL, NULL, out);
}

static void
forget_keyed(struct jz_keyed *k)
{
	(void)EVP_CipherInit_ex2(k->ctx, NULL, NO_KEY, NO_KEY, -1, NULL);
	jz_wipe(k->key, sizeof(k->key));
	k->set = false;
}

void
jz_openssl_forget(struct jz_engine *engine)
{
	struct jz_openssl *o = engine->state;

	jz_cached_clear(o);
	forget_keyed(&o->cbc[0]);
	forget_keyed(&o->cbc[1]);
	forget_keyed(&o->aead);
	(void)EVP_MAC_init(o->mac_ctx, NO_KEY, sizeof(NO_KEY), NULL);
	jz_wipe(o->mac_key, sizeof(o->mac_key));
	o->mac_set = false;
}

void
jz_openssl_free(struct jz_engine *engine)
{
	struct jz_openssl *o;

	if (engine == NULL || engine->state == NULL)
		return;
	o = engine->state;
	jz_cached_clear(o);
	EVP_PKEY_free(o->params);
	BN_clear_free(o->x);
	BN_clear_free(o->scalar);
	BN_CTX_free(o->bn);
	EC_GROUP_free(o->group);
	EVP_CIPHER_CTX_free(o->aead.ctx);
	EVP_CIPHER_CTX_free(o->cbc[0].ctx);
	EVP_CIPHER_CTX_free(o->cbc[1].ctx);
	EVP_CIPHER_free(o->aead_cipher);
	EVP_CIPHER_free(o->cbc_cipher);
	EVP_MAC_CTX_free(o->mac_ctx);
	EVP_MAC_free(o->mac);
	EVP_MD_CTX_free(o->md_ctx);
	EVP_MD_free(o->md);
	close_library(o->lib, o->seeded);
	OPENSSL_clear_free(o, sizeof(*o));
	memset(engine, 0, sizeof(*engine));
}
