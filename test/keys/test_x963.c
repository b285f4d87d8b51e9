/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key derivation function of ANSI X9.63: a published vector, and OpenSSL's
 * own implementation over many lengths.
 */
#define _DEFAULT_SOURCE

#include "fixture.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "../../keys/signed.h"

/* NIST CAVP, ansx963_2001.rsp, [SHA-256], shared secret 192, count 0. */
static void
test_cavp(void **state)
{
	const struct jz_engine *e = *state;
	uint8_t secret[24], out[16];

	fx_bytes("96c05619d56c328ab95fe84b18264b08725b85e33fd34f08", secret,
	    sizeof(secret));
	assert_int_equal(jz_kdf(e, jz_span(secret, sizeof(secret)), NULL, 0,
			     out, sizeof(out)),
	    0);
	fx_assert_hex(out, sizeof(out), "443024c3dae66b95e6f5670601558f71");
}

static void
reference(struct jz_span secret, struct jz_span info, uint8_t *out, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "X963KDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	char sha256[] = "SHA256", sm3[] = "SM3";
	char *digest = fx_suite == JZ_SUITE_GM ? sm3 : sha256;
	uint8_t s[64], i[64];
	OSSL_PARAM params[4];

	memcpy(s, secret.data, secret.len);
	memcpy(i, info.data, info.len);
	params[0] =
	    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	params[1] = OSSL_PARAM_construct_octet_string(
	    OSSL_KDF_PARAM_SECRET, s, secret.len);
	params[2] =
	    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, i, info.len);
	params[3] = OSSL_PARAM_construct_end();
	assert_int_equal(EVP_KDF_derive(ctx, out, len, params), 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

static void
test_openssl(void **state)
{
	const struct jz_engine *e = *state;
	const struct jz_span secret = jz_span("a shared secret", 15);
	const struct jz_span info = jz_span("one and two", 11);
	/* the same in parts, an empty one among them */
	const struct jz_span parts[] = {
	    jz_span("one", 3), jz_span(NULL, 0), jz_span(" and two", 8)};
	uint8_t want[200], got[200];

	for (size_t len = 1; len < sizeof(want); len++) {
		reference(secret, info, want, len);
		memset(got, 0xEE, sizeof(got));
		assert_int_equal(jz_kdf(e, secret, parts, 3, got, len), 0);
		assert_memory_equal(got, want, len);
		assert_int_equal(got[len], 0xEE);
	}
}

static void
test_bounds(void **state)
{
	const struct jz_engine *e = *state;
	const struct jz_span secret = jz_span("s", 1);
	struct jz_span parts[7];
	uint8_t out[1] = {0xEE};

	for (size_t i = 0; i < 7; i++)
		parts[i] = secret;
	assert_int_equal(jz_kdf(e, secret, parts, 6, out, 1), 0);
	assert_int_equal(jz_kdf(e, secret, parts, 7, out, 1), JZ_ERR_RANGE);
	assert_int_equal(
	    jz_kdf(e, secret, parts, 1, out, SIZE_MAX), JZ_ERR_RANGE);
	assert_int_equal(jz_kdf(e, secret, parts, 1, out, 0), 0);
}

/* A hash that fails on the second block: nothing of the first stays. */
static int
fail_second(void *state, const struct jz_span *parts, size_t n,
    uint8_t out[static JZ_HASH_BYTES])
{
	int *calls = state;

	(void)parts;
	(void)n;
	memset(out, 0xEE, JZ_HASH_BYTES);
	return ++*calls == 2 ? JZ_ERR_CRYPTO : 0;
}

static void
test_failure_wipes(void **state)
{
	static const struct jz_crypto failing = {.hash = fail_second};
	int calls = 0;
	const struct jz_engine e = {&failing, &calls};
	uint8_t out[80];

	(void)state;
	memset(out, 0xEE, sizeof(out));
	assert_int_equal(jz_kdf(&e, jz_span("s", 1), NULL, 0, out, sizeof(out)),
	    JZ_ERR_CRYPTO);
	assert_int_equal(calls, 2);
	fx_assert_zero(out, sizeof(out));
}

int
main(void)
{
	const struct CMUnitTest nist[] = {
	    cmocka_unit_test(test_cavp),
	};
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_openssl),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_failure_wipes),
	};

	int failed = FX_RUN_BOTH(tests, fx_open_engine, fx_close_engine);

	fx_suite = JZ_SUITE_NIST;
	return failed +
	    cmocka_run_group_tests(nist, fx_open_engine, fx_close_engine);
}
