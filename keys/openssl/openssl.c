/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engines and suites.  Suite nist: ECDSA on P-256 with SHA-256 (FIPS 186-4,
 * FIPS 180-4), AES-128 (FIPS 197) in CMAC (SP 800-38B), CBC (SP 800-38A) and
 * GCM (SP 800-38D).  Suite gm: SM2 on its recommended curve (GB/T 32918.2,
 * .5), SM3 (GB/T 32905), SM4 (GB/T 32907) in CMAC, CBC and counter mode.
 *
 * A suite is a row of SUITES and its table; hash, signature, CMAC, CBC and the
 * curve's arithmetic take their algorithms from the row.
 */
#include "openssl.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>

#include "../../apdu/error.h"
#include "internal.h"

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
    .sign = jz_openssl_sign,
    .verify = jz_openssl_verify,
    .agree = jz_openssl_agree,
    .cmac = jz_openssl_cmac,
    .cbc = jz_openssl_cbc,
    .seal = jz_openssl_gcm_seal,
    .open = jz_openssl_gcm_open,
    .aes_cmac = jz_openssl_cmac,
    .aes_cbc = jz_openssl_cbc,
};

/* SM2 signature with SM3, 1.2.156.10197.1.501 (GM/T 0006). */
static const struct jz_crypto GM = {
    .suite = JZ_SUITE_GM,
    .name = "gm",
    .oid = {0x2A, 0x81, 0x1C, 0xCF, 0x55, 0x01, 0x83, 0x75},
    .oid_len = 8,
    .random = jz_openssl_random,
    .hash = jz_openssl_hash,
    .generate = jz_openssl_generate,
    .derive_public = jz_openssl_derive_public,
    .sign = jz_openssl_sign,
    .verify = jz_openssl_verify,
    .agree = jz_openssl_agree,
    .cmac = jz_openssl_cmac,
    .cbc = jz_openssl_cbc,
    .seal = jz_openssl_ctr_seal,
    .open = jz_openssl_ctr_open,
    .aes_cmac = jz_openssl_aes_cmac,
    .aes_cbc = jz_openssl_aes_cbc,
};

static const char AES[JZ_CIPHER_NAME_MAX] = "AES-128-CBC";
static const uint8_t NO_KEY[JZ_KEY_BYTES] = {0};

static const struct jz_openssl_suite SUITES[] = {
    {&NIST, "SHA256", "AES-128-GCM", "AES-128-CBC", "EC", "P-256",
	NID_X9_62_prime256v1, false},
    {&GM, "SM3", "SM4-CTR", "SM4-CBC", "SM2", "SM2", NID_sm2, true},
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
open_hash(struct jz_openssl *o)
{
	o->md = EVP_MD_fetch(o->lib, o->suite->hash, NULL);
	o->md_ctx = EVP_MD_CTX_new();
	return o->md != NULL && o->md_ctx != NULL &&
	    EVP_DigestInit_ex2(o->md_ctx, o->md, NULL) == 1;
}

static bool
open_mac(struct jz_openssl *o, struct jz_keyed_mac *m,
    const char name[static JZ_CIPHER_NAME_MAX])
{
	char cipher[JZ_CIPHER_NAME_MAX];
	OSSL_PARAM params[2];

	memcpy(cipher, name, sizeof(cipher));
	params[0] =
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0);
	params[1] = OSSL_PARAM_construct_end();
	m->ctx = EVP_MAC_CTX_new(o->mac);
	/*
	 * A first key makes all that the context will ever allocate: OpenSSL
	 * does not survive a failed allocation at this place when the context
	 * is used again.
	 */
	return m->ctx != NULL &&
	    EVP_MAC_init(m->ctx, NO_KEY, sizeof(NO_KEY), params) == 1;
}

static bool
open_keyed(struct jz_keyed *k, const EVP_CIPHER *cipher, int encrypt)
{
	k->ctx = EVP_CIPHER_CTX_new();
	return k->ctx != NULL &&
	    EVP_CipherInit_ex2(k->ctx, cipher, NULL, NULL, encrypt, NULL) ==
	    1 &&
	    EVP_CIPHER_CTX_set_padding(k->ctx, 0) == 1;
}

static bool
open_block(struct jz_openssl *o, struct jz_block_cipher *b,
    const char name[static JZ_CIPHER_NAME_MAX])
{
	b->cbc_cipher = EVP_CIPHER_fetch(o->lib, name, NULL);
	return b->cbc_cipher != NULL &&
	    open_keyed(&b->cbc[0], b->cbc_cipher, 0) &&
	    open_keyed(&b->cbc[1], b->cbc_cipher, 1) &&
	    open_mac(o, &b->mac, name);
}

static bool
open_ciphers(struct jz_openssl *o)
{
	const struct jz_openssl_suite *s = o->suite;

	o->mac = EVP_MAC_fetch(o->lib, "CMAC", NULL);
	o->seal_cipher = EVP_CIPHER_fetch(o->lib, s->seal, NULL);
	if (o->mac == NULL || o->seal_cipher == NULL ||
	    !open_block(o, &o->block, s->cbc) ||
	    !open_keyed(&o->seal, o->seal_cipher, 1))
		return false;
	if (s->crypto->aes_cmac == jz_openssl_aes_cmac &&
	    !open_block(o, &o->aes, AES))
		return false;
	return s->crypto->seal != jz_openssl_ctr_seal ||
	    open_mac(o, &o->seal_mac, s->cbc);
}

static bool
open_curve(struct jz_openssl *o)
{
	o->group = EC_GROUP_new_by_curve_name_ex(o->lib, NULL, o->suite->nid);
	o->bn = BN_CTX_new_ex(o->lib);
	o->scalar = BN_new();
	o->x = BN_new();
	if (o->group == NULL || o->bn == NULL || o->scalar == NULL ||
	    o->x == NULL)
		return false;
	o->end = BN_dup(EC_GROUP_get0_order(o->group));
	/* SM2 divides by 1 + d. */
	if (o->end == NULL || (o->suite->sm2 && BN_sub_word(o->end, 1) != 1))
		return false;
	/* OpenSSL then takes the paths whose time does not tell the value. */
	BN_set_flags(o->scalar, BN_FLG_CONSTTIME);
	return true;
}

/* What SM2 hashes before the public key; of other suites nobody reads it. */
static bool
open_identity(struct jz_openssl *o)
{
	/* GM/T 0009 10: who signs, where nothing else was agreed upon. */
	static const char ID[] = "1234567812345678";
	struct jz_buffer b = jz_buffer(o->identity, sizeof(o->identity));
	uint8_t a[32], c[32], g[JZ_PUBLIC_BYTES_EC];
	bool good;

	/* o->scalar and o->x are free, and cleared again. */
	good =
	    EC_GROUP_get_curve(o->group, NULL, o->scalar, o->x, o->bn) == 1 &&
	    BN_bn2binpad(o->scalar, a, sizeof(a)) == sizeof(a) &&
	    BN_bn2binpad(o->x, c, sizeof(c)) == sizeof(c) &&
	    EC_POINT_point2oct(o->group, EC_GROUP_get0_generator(o->group),
		POINT_CONVERSION_UNCOMPRESSED, g, sizeof(g),
		o->bn) == sizeof(g);
	BN_clear(o->scalar);
	BN_clear(o->x);
	jz_put_u16(&b, 8 * (sizeof(ID) - 1));
	jz_put(&b, ID, sizeof(ID) - 1);
	jz_put(&b, a, sizeof(a));
	jz_put(&b, c, sizeof(c));
	jz_put(&b, g + 1, sizeof(g) - 1);
	return good && !b.bad && b.len == sizeof(o->identity);
}

static bool
open_params(struct jz_openssl *o)
{
	EVP_PKEY_CTX *ctx =
	    EVP_PKEY_CTX_new_from_name(o->lib, o->suite->key_type, NULL);
	char group[JZ_GROUP_NAME_MAX];
	OSSL_PARAM params[2];
	bool good;

	memcpy(group, o->suite->group, sizeof(group));
	params[0] = OSSL_PARAM_construct_utf8_string(
	    OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	params[1] = OSSL_PARAM_construct_end();
	good = ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(
		ctx, &o->params, EVP_PKEY_KEY_PARAMETERS, params) == 1;
	EVP_PKEY_CTX_free(ctx);
	return good;
}

/*
 * A context of the engine's own, with our generator, where that is needed: for
 * a seed, and for a signature that OpenSSL does not hedge.
 */
static bool
open_library(struct jz_openssl *o, const uint8_t *seed)
{
	if (seed == NULL && !o->suite->sm2)
		return true;
	o->lib = OSSL_LIB_CTX_new();
	return o->lib != NULL && jz_rand_load(o->lib, seed, &o->rand) == 0;
}

static int
open_engine(enum jz_suite suite, const uint8_t *seed, struct jz_engine *out)
{
	const struct jz_openssl_suite *row = find_suite(suite);
	struct jz_openssl *o;

	memset(out, 0, sizeof(*out));
	if (row == NULL)
		return JZ_ERR_UNSUPPORTED;
	(void)ERR_set_mark();
	o = OPENSSL_zalloc(sizeof(*o));
	if (o != NULL) {
		o->suite = row;
		out->crypto = row->crypto;
		out->state = o;
		if (!open_library(o, seed) || !open_hash(o) ||
		    !open_ciphers(o) || !open_curve(o) || !open_identity(o) ||
		    !open_params(o))
			jz_openssl_free(out);
	}
	(void)ERR_pop_to_mark();
	return out->state != NULL ? 0 : JZ_ERR_MEMORY;
}

int
jz_openssl_new_seeded(enum jz_suite suite,
    const uint8_t seed[static JZ_SEED_BYTES], struct jz_engine *out)
{
	return open_engine(suite, seed, out);
}

int
jz_openssl_new(enum jz_suite suite, struct jz_engine *out)
{
	return open_engine(suite, NULL, out);
}

void
jz_openssl_leave(struct jz_openssl *o)
{
	if (o->lib != NULL)
		OPENSSL_thread_stop_ex(o->lib);
}

static void
forget_block(struct jz_block_cipher *b)
{
	jz_keyed_forget(&b->cbc[0]);
	jz_keyed_forget(&b->cbc[1]);
	jz_keyed_mac_forget(&b->mac);
}

void
jz_openssl_forget(struct jz_engine *engine)
{
	struct jz_openssl *o = engine->state;

	jz_cached_clear(o);
	jz_verified_clear(o);
	forget_block(&o->block);
	forget_block(&o->aes);
	jz_keyed_forget(&o->seal);
	jz_keyed_mac_forget(&o->seal_mac);
}

static void
free_block(struct jz_block_cipher *b)
{
	EVP_CIPHER_CTX_free(b->cbc[0].ctx);
	EVP_CIPHER_CTX_free(b->cbc[1].ctx);
	EVP_CIPHER_free(b->cbc_cipher);
	EVP_MAC_CTX_free(b->mac.ctx);
}

void
jz_openssl_free(struct jz_engine *engine)
{
	struct jz_openssl *o;

	if (engine == NULL || engine->state == NULL)
		return;
	o = engine->state;
	jz_cached_clear(o);
	OPENSSL_free(o->verified);
	EVP_PKEY_free(o->params);
	BN_clear_free(o->x);
	BN_clear_free(o->scalar);
	BN_CTX_free(o->bn);
	BN_free(o->end);
	EC_GROUP_free(o->group);
	EVP_MAC_CTX_free(o->seal_mac.ctx);
	EVP_CIPHER_CTX_free(o->seal.ctx);
	EVP_CIPHER_free(o->seal_cipher);
	free_block(&o->aes);
	free_block(&o->block);
	EVP_MAC_free(o->mac);
	EVP_MD_CTX_free(o->md_ctx);
	EVP_MD_free(o->md);
	if (o->lib != NULL) {
		jz_rand_unload(&o->rand);
		OSSL_LIB_CTX_free(o->lib);
	}
	OPENSSL_clear_free(o, sizeof(*o));
	memset(engine, 0, sizeof(*engine));
}
