/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing and verifying through our interface, in both suites, against a loop
 * over OpenSSL that has parsed the key, made its contexts and, for SM2, hashed
 * identity and key before.  A message has as many bytes as a payment's.
 */
#include "bench.h"
#include "world.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"

#define MESSAGE_BYTES 300u
#define DER_MAX	      80u
#define GOAL	      (1 / 0.95)

struct signing {
	struct jz_engine engine;
	struct jz_key_pair key;
	uint8_t message[MESSAGE_BYTES], signature[JZ_SIG_BYTES];
	/* bare OpenSSL */
	EVP_MD *md;
	EVP_MD_CTX *md_ctx;
	EVP_PKEY *pkey;
	EVP_PKEY_CTX *sign, *verify;
	uint8_t za[JZ_HASH_BYTES], der[DER_MAX];
	size_t za_len, der_len;
};

static int
sign_ours(void *arg)
{
	struct signing *s = arg;
	const struct jz_span part = jz_span(s->message, sizeof(s->message));
	uint8_t out[JZ_SIG_BYTES];

	return s->engine.crypto->sign(s->engine.state, &s->key, &part, 1, out);
}

static int
verify_ours(void *arg)
{
	struct signing *s = arg;
	const struct jz_span part = jz_span(s->message, sizeof(s->message));

	return s->engine.crypto->verify(
	    s->engine.state, s->key.public_key, &part, 1, s->signature);
}

static int
digest(struct signing *s, uint8_t out[static JZ_HASH_BYTES])
{
	return EVP_DigestInit_ex2(s->md_ctx, NULL, NULL) == 1 &&
		EVP_DigestUpdate(s->md_ctx, s->za, s->za_len) == 1 &&
		EVP_DigestUpdate(s->md_ctx, s->message, MESSAGE_BYTES) == 1 &&
		EVP_DigestFinal_ex(s->md_ctx, out, NULL) == 1
	    ? 0
	    : JZ_ERR_CRYPTO;
}

static int
sign_least(void *arg)
{
	struct signing *s = arg;
	uint8_t e[JZ_HASH_BYTES], der[DER_MAX];
	size_t len = sizeof(der);

	if (digest(s, e) != 0 ||
	    EVP_PKEY_sign(s->sign, der, &len, e, sizeof(e)) != 1)
		return JZ_ERR_CRYPTO;
	memcpy(s->der, der, len);
	s->der_len = len;
	return 0;
}

static int
verify_least(void *arg)
{
	struct signing *s = arg;
	uint8_t e[JZ_HASH_BYTES];

	return digest(s, e) == 0 &&
		EVP_PKEY_verify(s->verify, s->der, s->der_len, e, sizeof(e)) ==
		    1
	    ? 0
	    : JZ_ERR_CRYPTO;
}

static int
open_bare(
    struct signing *s, const char *hash, const char *type, const char *group)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	BIGNUM *d = BN_bin2bn(s->key.private_key, JZ_PRIVATE_BYTES, NULL);
	OSSL_PARAM *params = NULL;
	int good;

	s->md = EVP_MD_fetch(NULL, hash, NULL);
	s->md_ctx = EVP_MD_CTX_new();
	good = OSSL_PARAM_BLD_push_utf8_string(
		   build, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, d) &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
		s->key.public_key, JZ_PUBLIC_BYTES_EC) &&
	    (params = OSSL_PARAM_BLD_to_param(build)) != NULL &&
	    EVP_DigestInit_ex2(s->md_ctx, s->md, NULL) == 1 &&
	    EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &s->pkey, EVP_PKEY_KEYPAIR, params) == 1;
	if (good) {
		s->sign = EVP_PKEY_CTX_new_from_pkey(NULL, s->pkey, NULL);
		s->verify = EVP_PKEY_CTX_new_from_pkey(NULL, s->pkey, NULL);
		good = EVP_PKEY_sign_init(s->sign) == 1 &&
		    EVP_PKEY_verify_init(s->verify) == 1;
	}
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_clear_free(d);
	EVP_PKEY_CTX_free(ctx);
	return good ? sign_least(s) : JZ_ERR_CRYPTO;
}

static void
close_bare(struct signing *s)
{
	EVP_PKEY_CTX_free(s->sign);
	EVP_PKEY_CTX_free(s->verify);
	EVP_PKEY_free(s->pkey);
	EVP_MD_CTX_free(s->md_ctx);
	EVP_MD_free(s->md);
	jz_openssl_free(&s->engine);
}

static const struct {
	enum jz_suite suite;
	const char *hash, *type, *group, *sign, *verify;
	size_t za_len;
} SUITES[] = {
    {JZ_SUITE_NIST, "SHA256", "EC", "P-256", "sign, suite nist",
	"verify, suite nist", 0},
    {JZ_SUITE_GM, "SM3", "SM2", "SM2", "sign, suite gm", "verify, suite gm",
	JZ_HASH_BYTES},
};

static int
bench_suite(struct bench *b, size_t i)
{
	static const char *const floor = "OpenSSL, hash and signature alone";
	static const char *const aim = "95 % of OpenSSL's speed";
	struct signing s = {.za_len = SUITES[i].za_len};
	const struct bench_case sign = {SUITES[i].sign, floor, sign_ours,
	    sign_least, &s, 0, aim, GOAL, BENCH_CPU};
	const struct bench_case verify = {SUITES[i].verify, floor, verify_ours,
	    verify_least, &s, 0, aim, GOAL, BENCH_CPU};
	const struct jz_span part = jz_span(s.message, sizeof(s.message));
	int e = jz_openssl_new(SUITES[i].suite, &s.engine);

	if (e == 0)
		e = s.engine.crypto->generate(s.engine.state, &s.key);
	if (e == 0)
		e = s.engine.crypto->sign(
		    s.engine.state, &s.key, &part, 1, s.signature);
	if (e == 0)
		e = open_bare(
		    &s, SUITES[i].hash, SUITES[i].type, SUITES[i].group);
	if (e == 0)
		e = bench_run(b, &sign);
	if (e == 0)
		e = bench_run(b, &verify);
	close_bare(&s);
	return e;
}

int
bench_keys(struct bench *b, struct world *w)
{
	return bench_suite(b, w->suite == JZ_SUITE_GM ? 1 : 0);
}
