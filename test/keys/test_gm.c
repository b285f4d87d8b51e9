/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Suite gm against published values: GB/T 32918.5 (SM2), GB/T 32905 (SM3),
 * GB/T 32907 (SM4); and what only its signature is like (requirements ALL-4,
 * ALL-6).
 */
#define _DEFAULT_SOURCE

#include "fixture.h"

#include "../../keys/openssl/internal.h"

#define SM4_KEY "0123456789ABCDEFFEDCBA9876543210"

static const struct jz_span DIGEST = {(const uint8_t *)"message digest", 14};

/* GB/T 32905 A.1 and A.2. */
static void
test_hash(void **state)
{
	static const struct {
		const char *text, *hash;
	} CASES[] = {
	    {"abc",
		"66C7F0F462EEEDD9D1F2D46BDC10E4E24167C4875CF2F7A2297DA02B8F4BA8"
		"E0"},
	    {"abcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcd",
		"DEBE9FF92275B8A138604889C18E5A4D6FDB70E5387E5765293DCBA39C0C57"
		"32"},
	};
	const struct jz_engine *e = *state;
	uint8_t hash[JZ_HASH_BYTES];

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct jz_span text =
		    jz_span(CASES[i].text, strlen(CASES[i].text));

		assert_int_equal(e->crypto->hash(e->state, &text, 1, hash), 0);
		fx_assert_hex(hash, sizeof(hash), CASES[i].hash);
	}
}

/* GB/T 32907 A.1 and A.2: one block, and a million times over. */
static void
test_cipher(void **state)
{
	enum { TIMES = 1000000 };
	const struct jz_engine *e = *state;
	const uint8_t iv[JZ_KEY_BYTES] = {0};
	uint8_t key[JZ_KEY_BYTES], block[JZ_KEY_BYTES];

	fx_bytes(SM4_KEY, key, sizeof(key));
	memcpy(block, key, sizeof(block));
	for (int i = 0; i < TIMES; i++) {
		if (e->crypto->cbc(e->state, true, key, iv, block, block,
			sizeof(block)) != 0)
			fail_msg("time %d", i);
		if (i == 0)
			fx_assert_hex(block, sizeof(block),
			    "681EDF34D206965E86B3E94F536E4246");
	}
	fx_assert_hex(block, sizeof(block), "595298C7C6FD271F0402F804C33D3F66");
}

/* Two blocks in a chain and back; worked out apart from this code. */
static void
test_chain(void **state)
{
	static const char PLAIN[] =
	    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51";
	const struct jz_engine *e = *state;
	uint8_t key[JZ_KEY_BYTES], iv[JZ_KEY_BYTES], in[32], out[32];

	fx_bytes(SM4_KEY, key, sizeof(key));
	fx_bytes("000102030405060708090a0b0c0d0e0f", iv, sizeof(iv));
	fx_bytes(PLAIN, in, sizeof(in));
	assert_int_equal(
	    e->crypto->cbc(e->state, true, key, iv, in, out, 32), 0);
	fx_assert_hex(out, sizeof(out),
	    "784626c834ab18614677eb2074f2c557"
	    "5146022d81cd18fef9bc1a1fd3a64d61");
	assert_int_equal(
	    e->crypto->cbc(e->state, false, key, iv, out, out, 32), 0);
	assert_memory_equal(in, out, sizeof(in));
}

/* The messages of RFC 4493 4; worked out apart from this code. */
static void
test_cmac(void **state)
{
	static const char MESSAGE[] =
	    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
	    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
	static const struct {
		size_t len;
		const char *mac;
	} CASES[] = {
	    {0, "29e154322e5c7bd8ee6a25ba549b24bc"},
	    {16, "07a0861ededd5cfcead8489011600b9c"},
	    {40, "67a8e59526f59125b5d91e626d23a37a"},
	    {64, "cc8eda3eeed4cd37b55fa09b06c6f630"},
	};
	const struct jz_engine *e = *state;
	uint8_t key[JZ_KEY_BYTES], message[64], mac[JZ_KEY_BYTES];

	fx_bytes(SM4_KEY, key, sizeof(key));
	fx_bytes(MESSAGE, message, sizeof(message));
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct jz_span part = jz_span(message, CASES[i].len);

		assert_int_equal(
		    e->crypto->cmac(e->state, key, &part, 1, mac), 0);
		fx_assert_hex(mac, sizeof(mac), CASES[i].mac);
	}
}

/* GB/T 32918.5 A.2: ZA, and the signature of "message digest". */
static void
test_verify(void **state)
{
	const struct jz_engine *e = *state;
	const struct jz_cached_key *cached = NULL;
	struct jz_span shorter = jz_span(DIGEST.data, DIGEST.len - 1);
	uint8_t signature[JZ_SIG_BYTES];
	struct jz_key_pair k;

	fx_sample_pair(&k);
	fx_bytes("F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE7"
		 "20B3"
		 "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BB"
		 "C1AA",
	    signature, sizeof(signature));
	assert_int_equal(
	    e->crypto->verify(e->state, k.public_key, &DIGEST, 1, signature),
	    0);
	assert_int_equal(
	    e->crypto->verify(e->state, k.public_key, &shorter, 1, signature),
	    JZ_ERR_SIGNATURE);
	assert_int_equal(jz_cached_public(e->state, k.public_key, &cached), 0);
	fx_assert_hex(cached->za, sizeof(cached->za),
	    "B2E14C5C79C6DF5B85F4FE7ED8DB7A262B9DA7E07CCB0EA9F4747B8CCDA8A4F3");
}

/* GB/T 32918.5 C.2: [k]G, and x of [k]P, of the encryption's example. */
static void
test_agree(void **state)
{
	const struct jz_engine *e = *state;
	uint8_t secret[JZ_PRIVATE_BYTES], point[JZ_PUBLIC_BYTES_EC], out[32];
	struct jz_key_pair k;

	fx_sample_pair(&k);
	fx_bytes(
	    "59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21",
	    secret, sizeof(secret));
	assert_int_equal(e->crypto->derive_public(e->state, secret, point), 0);
	fx_assert_hex(point, sizeof(point),
	    "04"
	    "04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73"
	    "E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0");
	assert_int_equal(
	    e->crypto->agree(e->state, secret, k.public_key, out), 0);
	fx_assert_hex(out, sizeof(out),
	    "335E18D751E51F040E27D468138B7AB1DC86AD7F981D7D416222FD6AB3ED230D");
	assert_int_equal(
	    e->crypto->agree(e->state, k.private_key, point, out), 0);
	fx_assert_hex(out, sizeof(out),
	    "335E18D751E51F040E27D468138B7AB1DC86AD7F981D7D416222FD6AB3ED230D");
}

/*
 * The public key is signed along.  A pair put together from two makes a
 * signature that is neither's, also when one of them has just been used.
 */
static void
test_wrong_public_half(void **state)
{
	const struct jz_engine *e = *state;
	struct jz_key_pair k, other, mixed;
	uint8_t signature[JZ_SIG_BYTES];

	fx_sample_pair(&k);
	assert_int_equal(e->crypto->generate(e->state, &other), 0);
	mixed = k;
	memcpy(mixed.public_key, other.public_key, sizeof(mixed.public_key));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    e->crypto->sign(e->state, &mixed, &DIGEST, 1, signature),
		    0);
		assert_int_equal(e->crypto->verify(e->state, k.public_key,
				     &DIGEST, 1, signature),
		    JZ_ERR_SIGNATURE);
		assert_int_equal(e->crypto->verify(e->state, other.public_key,
				     &DIGEST, 1, signature),
		    JZ_ERR_SIGNATURE);
		assert_int_equal(
		    e->crypto->sign(e->state, &k, &DIGEST, 1, signature), 0);
		assert_int_equal(e->crypto->verify(e->state, k.public_key,
				     &DIGEST, 1, signature),
		    0);
	}
}

/* The secret of a signature's nonce is not what anybody draws afterwards. */
static void
test_random_after_a_signature(void **state)
{
	static const uint8_t seed[JZ_SEED_BYTES] = {5};
	uint8_t out[2][2][32], signature[JZ_SIG_BYTES];
	struct jz_key_pair k;

	(void)state;
	fx_sample_pair(&k);
	for (int i = 0; i < 2; i++) {
		struct jz_span text = jz_span(i == 0 ? "a" : "b", 1);
		struct jz_engine e;

		assert_int_equal(
		    jz_openssl_new_seeded(JZ_SUITE_GM, seed, &e), 0);
		assert_int_equal(e.crypto->random(e.state, out[i][0], 32), 0);
		assert_int_equal(
		    e.crypto->sign(e.state, &k, &text, 1, signature), 0);
		assert_int_equal(e.crypto->random(e.state, out[i][1], 32), 0);
		jz_openssl_free(&e);
	}
	/* The source went on as if it had not been hedged meanwhile. */
	assert_memory_equal(out[0], out[1], sizeof(out[0]));
	assert_memory_not_equal(out[0][0], out[0][1], 32);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hash),
	    cmocka_unit_test(test_cipher),
	    cmocka_unit_test(test_chain),
	    cmocka_unit_test(test_cmac),
	    cmocka_unit_test(test_verify),
	    cmocka_unit_test(test_agree),
	    cmocka_unit_test(test_wrong_public_half),
	    cmocka_unit_test(test_random_after_a_signature),
	};

	fx_suite = JZ_SUITE_GM;
	return cmocka_run_group_tests(tests, fx_open_engine, fx_close_engine);
}
