/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key pairs, signatures and key agreement against published values, and what
 * the engine says to bad keys (requirements ALL-4, ALL-6).
 */
#define _DEFAULT_SOURCE

#include "fixture.h"
#include "../support/stride.h"

/* RFC 6979 A.2.5, GB/T 32918.5 A.2: the key pair. */
static void
test_derive_public(void **state)
{
	const struct jz_engine *e = *state;
	uint8_t public_key[JZ_PUBLIC_BYTES_EC];
	struct jz_key_pair k;

	fx_sample_pair(&k);
	assert_int_equal(
	    e->crypto->derive_public(e->state, k.private_key, public_key), 0);
	assert_memory_equal(public_key, k.public_key, sizeof(public_key));
}

/* RFC 6979 A.2.5: P-256 with SHA-256, two messages. */
static void
test_verify_rfc_6979(void **state)
{
	static const struct {
		const char *message, *signature;
	} CASES[] = {
	    {"sample",
		"EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF"
		"3716"
		"F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843A"
		"CDA8"},
	    {"test",
		"F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D3"
		"8367"
		"019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F"
		"0083"},
	};
	const struct jz_engine *e = *state;
	uint8_t signature[JZ_SIG_BYTES];
	struct jz_key_pair k;

	fx_sample_pair(&k);
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct jz_span part =
		    jz_span(CASES[i].message, strlen(CASES[i].message));

		fx_bytes(CASES[i].signature, signature, sizeof(signature));
		assert_int_equal(e->crypto->verify(e->state, k.public_key,
				     &part, 1, signature),
		    0);
		part.len--;
		assert_int_equal(e->crypto->verify(e->state, k.public_key,
				     &part, 1, signature),
		    JZ_ERR_SIGNATURE);
	}
}

/* Many signatures: about one in 256 has an r or s that begins with zero. */
static void
test_sign_and_verify(void **state)
{
	const struct jz_engine *e = *state;
	uint8_t signature[JZ_SIG_BYTES], last[JZ_SIG_BYTES] = {0};
	const struct jz_span part = jz_span("jiaozi", 6);
	struct jz_key_pair k;
	int short_halves = 0;

	fx_sample_pair(&k);
	for (unsigned i = 0; i < 1500; i += test_stride()) {
		assert_int_equal(
		    e->crypto->sign(e->state, &k, &part, 1, signature), 0);
		assert_memory_not_equal(signature, last, sizeof(last));
		memcpy(last, signature, sizeof(last));
		if (signature[0] != 0 && signature[32] != 0 && i > 20)
			continue;
		short_halves += signature[0] == 0 || signature[32] == 0;
		assert_int_equal(e->crypto->verify(e->state, k.public_key,
				     &part, 1, signature),
		    0);
	}
	/* 3000 halves and none short: once in 100 000 runs. */
	assert_true(short_halves > 0 || test_stride() > 1);
}

static void
test_signature_every_bit_counts(void **state)
{
	const struct jz_engine *e = *state;
	const struct jz_span part = jz_span("jiaozi", 6);
	uint8_t signature[JZ_SIG_BYTES];
	struct jz_key_pair k;

	fx_sample_pair(&k);
	assert_int_equal(e->crypto->sign(e->state, &k, &part, 1, signature), 0);
	for (size_t bit = 0; bit < 8 * sizeof(signature);
	     bit += test_stride()) {
		signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(e->crypto->verify(e->state, k.public_key,
				     &part, 1, signature),
		    JZ_ERR_SIGNATURE);
		signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void
test_signature_out_of_range(void **state)
{
	const struct jz_engine *e = *state;
	const struct jz_span part = jz_span("jiaozi", 6);
	uint8_t good[JZ_SIG_BYTES], bad[JZ_SIG_BYTES];
	struct jz_key_pair k;

	fx_sample_pair(&k);
	assert_int_equal(e->crypto->sign(e->state, &k, &part, 1, good), 0);
	for (size_t half = 0; half < 2; half++) {
		memcpy(bad, good, sizeof(bad));
		memset(bad + 32 * half, 0, 32);
		assert_int_equal(
		    e->crypto->verify(e->state, k.public_key, &part, 1, bad),
		    JZ_ERR_SIGNATURE);
		fx_bytes(fx_curve()->order, bad + 32 * half, 32);
		assert_int_equal(
		    e->crypto->verify(e->state, k.public_key, &part, 1, bad),
		    JZ_ERR_SIGNATURE);
	}
	memset(bad, 0, sizeof(bad));
	assert_int_equal(
	    e->crypto->verify(e->state, k.public_key, &part, 1, bad),
	    JZ_ERR_SIGNATURE);
}

/* RFC 5903 8.1. */
static void
test_agree_rfc_5903(void **state)
{
	static const char I[] =
	    "C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433";
	static const char GI[] =
	    "04"
	    "DAD0B65394221CF9B051E1FECA5787D098DFE637FC90B9EF945D0C3772581180"
	    "5271A0461CDB8252D61F1C456FA3E59AB1F45B33ACCF5F58389E0577B8990BB3";
	static const char R[] =
	    "C6EF9C5D78AE012A011164ACB397CE2088685D8F06BF9BE0B283AB46476BEE53";
	static const char GR[] =
	    "04"
	    "D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63"
	    "56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB";
	static const char SHARED[] =
	    "D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE";
	const struct jz_engine *e = *state;
	uint8_t private_key[JZ_PRIVATE_BYTES], public_key[JZ_PUBLIC_BYTES_EC];
	uint8_t out[32];

	fx_bytes(I, private_key, sizeof(private_key));
	fx_bytes(GR, public_key, sizeof(public_key));
	assert_int_equal(
	    e->crypto->agree(e->state, private_key, public_key, out), 0);
	fx_assert_hex(out, sizeof(out), SHARED);
	assert_int_equal(
	    e->crypto->derive_public(e->state, private_key, public_key), 0);
	fx_assert_hex(public_key, sizeof(public_key), GI);
	fx_bytes(R, private_key, sizeof(private_key));
	assert_int_equal(
	    e->crypto->agree(e->state, private_key, public_key, out), 0);
	fx_assert_hex(out, sizeof(out), SHARED);
}

static void
test_generate(void **state)
{
	const struct jz_engine *e = *state;
	struct jz_key_pair a, b;
	uint8_t public_key[JZ_PUBLIC_BYTES_EC], ab[32], ba[32];

	assert_int_equal(e->crypto->generate(e->state, &a), 0);
	assert_int_equal(e->crypto->generate(e->state, &b), 0);
	assert_memory_not_equal(a.private_key, b.private_key, JZ_PRIVATE_BYTES);
	assert_int_equal(
	    e->crypto->derive_public(e->state, a.private_key, public_key), 0);
	assert_memory_equal(public_key, a.public_key, sizeof(public_key));
	assert_int_equal(
	    e->crypto->agree(e->state, a.private_key, b.public_key, ab), 0);
	assert_int_equal(
	    e->crypto->agree(e->state, b.private_key, a.public_key, ba), 0);
	assert_memory_equal(ab, ba, sizeof(ab));
}

/* Every operation with a public key refuses the same malformed points. */
static void
test_bad_points(void **state)
{
	static const char ZEROS[] =
	    "0000000000000000000000000000000000000000000000000000000000000000";
	/* GB/T 32918.5 A.2 and RFC 6979 A.2.5: of the other curve. */
	static const char *const OTHER[2][2] = {
	    {"09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020",
		"CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD"
		"13"},
	    {"60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6",
		"7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D44622"
		"99"}};
	const struct fx_curve *c = fx_curve();
	const char *const *other = OTHER[fx_suite == JZ_SUITE_GM];
	const struct {
		uint8_t form;
		const char *x, *y;
	} POINTS[] = {
	    /* not on the curve */
	    {4, c->x, c->y_next},
	    {4, ZEROS, ZEROS},
	    {4, other[0], other[1]},
	    /* infinity, hybrid and compressed forms, and no form at all */
	    {0, c->x, c->y},
	    {7, c->x, c->y},
	    {6, c->x, c->y},
	    {3, c->x, c->y},
	    {0xFF, c->x, c->y},
	    /* x is not below p */
	    {4, c->prime, c->prime_y},
	};
	const struct jz_engine *e = *state;
	const struct jz_span part = jz_span("jiaozi", 6);
	uint8_t point[JZ_PUBLIC_BYTES_EC], signature[JZ_SIG_BYTES], out[32];
	struct jz_key_pair k;

	fx_sample_pair(&k);
	assert_int_equal(e->crypto->sign(e->state, &k, &part, 1, signature), 0);
	for (size_t i = 0; i < sizeof(POINTS) / sizeof(POINTS[0]); i++) {
		fx_point(POINTS[i].form, POINTS[i].x, POINTS[i].y, point);
		assert_int_equal(
		    e->crypto->verify(e->state, point, &part, 1, signature),
		    JZ_ERR_KEY);
		memset(out, 0xEE, sizeof(out));
		assert_int_equal(
		    e->crypto->agree(e->state, k.private_key, point, out),
		    JZ_ERR_KEY);
		fx_assert_zero(out, sizeof(out));
	}
}

static void
test_bad_scalars(void **state)
{
	const char *const SCALARS[] = {
	    "0000000000000000000000000000000000000000000000000000000000000000",
	    fx_curve()->above,
	    fx_curve()->order,
	    "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632552",
	    "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
	};
	const struct jz_engine *e = *state;
	const struct jz_span part = jz_span("jiaozi", 6);
	uint8_t out[JZ_PUBLIC_BYTES_EC];
	struct jz_key_pair k, good;

	fx_sample_pair(&good);
	k = good;
	for (size_t i = 0; i < sizeof(SCALARS) / sizeof(SCALARS[0]); i++) {
		fx_bytes(SCALARS[i], k.private_key, JZ_PRIVATE_BYTES);
		memset(out, 0xEE, sizeof(out));
		assert_int_equal(
		    e->crypto->derive_public(e->state, k.private_key, out),
		    JZ_ERR_KEY);
		fx_assert_zero(out, JZ_PUBLIC_BYTES_EC);
		memset(out, 0xEE, sizeof(out));
		assert_int_equal(e->crypto->agree(e->state, k.private_key,
				     good.public_key, out),
		    JZ_ERR_KEY);
		fx_assert_zero(out, 32);
		memset(out, 0xEE, sizeof(out));
		assert_int_equal(
		    e->crypto->sign(e->state, &k, &part, 1, out), JZ_ERR_KEY);
		fx_assert_zero(out, JZ_SIG_BYTES);
	}
}

static void
test_largest_scalar(void **state)
{
	const struct jz_engine *e = *state;
	const struct jz_span part = jz_span("jiaozi", 6);
	uint8_t signature[JZ_SIG_BYTES];
	struct jz_key_pair k;

	fx_bytes(fx_curve()->highest, k.private_key, sizeof(k.private_key));
	assert_int_equal(
	    e->crypto->derive_public(e->state, k.private_key, k.public_key), 0);
	fx_assert_hex(k.public_key + 1, 32, fx_curve()->far_x);
	assert_int_equal(e->crypto->sign(e->state, &k, &part, 1, signature), 0);
	assert_int_equal(
	    e->crypto->verify(e->state, k.public_key, &part, 1, signature), 0);
}

/*
 * More keys than the caches hold, round and round: each signature belongs to
 * its key and to no other, whether parsed anew or kept.
 */
static void
test_many_keys(void **state)
{
	enum { KEYS = 50, ROUNDS = 2 };
	const struct jz_engine *e = *state;
	const struct jz_span part = jz_span("jiaozi", 6);
	static struct jz_key_pair keys[KEYS];
	uint8_t signature[JZ_SIG_BYTES];

	for (size_t i = 0; i < KEYS; i++)
		assert_int_equal(e->crypto->generate(e->state, &keys[i]), 0);
	for (size_t i = 0; i < ROUNDS * KEYS; i++) {
		const struct jz_key_pair *k = &keys[i % KEYS];
		const struct jz_key_pair *other = &keys[(i + 1) % KEYS];

		assert_int_equal(
		    e->crypto->sign(e->state, k, &part, 1, signature), 0);
		assert_int_equal(e->crypto->verify(e->state, k->public_key,
				     &part, 1, signature),
		    0);
		assert_int_equal(e->crypto->verify(e->state, other->public_key,
				     &part, 1, signature),
		    JZ_ERR_SIGNATURE);
	}
}

int
main(void)
{
	const struct CMUnitTest nist[] = {
	    cmocka_unit_test(test_verify_rfc_6979),
	    cmocka_unit_test(test_agree_rfc_5903),
	};
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_derive_public),
	    cmocka_unit_test(test_sign_and_verify),
	    cmocka_unit_test(test_signature_every_bit_counts),
	    cmocka_unit_test(test_signature_out_of_range),
	    cmocka_unit_test(test_generate),
	    cmocka_unit_test(test_bad_points),
	    cmocka_unit_test(test_bad_scalars),
	    cmocka_unit_test(test_largest_scalar),
	    cmocka_unit_test(test_many_keys),
	};
	int failed = FX_RUN_BOTH(tests, fx_open_engine, fx_close_engine);

	fx_suite = JZ_SUITE_NIST;
	return failed +
	    cmocka_run_group_tests(nist, fx_open_engine, fx_close_engine);
}
