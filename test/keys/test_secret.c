/* SPDX-License-Identifier: Apache-2.0 */
/* Wiping and comparing secrets. */
#define _DEFAULT_SOURCE

#include "../../keys/secret.h"

#include "fixture.h"

static void
test_wipe_clears_exactly(void **state)
{
	uint8_t bytes[8];

	(void)state;
	for (size_t len = 0; len <= 6; len++) {
		memset(bytes, 0xA5, sizeof(bytes));
		jz_wipe(bytes + 1, len);
		assert_int_equal(bytes[0], 0xA5);
		fx_assert_zero(bytes + 1, len);
		assert_int_equal(bytes[1 + len], 0xA5);
	}
}

static void
test_wipe_takes_nothing(void **state)
{
	(void)state;
	jz_wipe(NULL, 0);
}

/*
 * The object is dead after the call: a plain memset would be removed by the
 * optimiser.  The memory is looked at through another pointer.
 */
static void
test_wipe_is_not_optimised_away(void **state)
{
	static volatile uint8_t seen[16];
	uint8_t *volatile address;
	struct jz_secret s;

	(void)state;
	address = s.hidden.bytes;
	memset(&s, 0x5A, sizeof(s));
	jz_wipe(&s, sizeof(s));
	for (size_t i = 0; i < sizeof(seen); i++) {
		seen[i] = address[i];
		assert_int_equal(seen[i], 0);
	}
}

static void
test_equal_when_equal(void **state)
{
	const uint8_t a[5] = {1, 2, 3, 4, 5};
	const uint8_t b[5] = {1, 2, 3, 4, 5};

	(void)state;
	assert_true(jz_equal_secret(a, b, sizeof(a)));
	assert_true(jz_equal_secret(a, a, sizeof(a)));
	assert_true(jz_equal_secret(a, "x", 0));
}

static void
test_every_bit_counts(void **state)
{
	uint8_t a[33] = {0};
	uint8_t b[33] = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(a) * 8; i++) {
		b[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_false(jz_equal_secret(a, b, sizeof(a)));
		b[i / 8] ^= (uint8_t)(1u << i % 8);
	}
}

static void
test_bytes_behind_do_not_count(void **state)
{
	(void)state;
	assert_true(jz_equal_secret("abcX", "abcY", 3));
	assert_false(jz_equal_secret("abcX", "abcY", 4));
}

/* ---- the type ------------------------------------------------------------ */

static void
test_set_and_wipe(void **state)
{
	static const uint8_t LONG[JZ_SECRET_MAX + 1] = {1};
	struct jz_secret s;

	(void)state;
	memset(&s, 'x', sizeof(s));
	assert_int_equal(jz_secret_set(&s, jz_span("123456", 6)), 0);
	assert_true(jz_secret_equal(&s, JZ_SECRET("123456")));
	assert_ptr_equal(jz_secret_span(&s).data, s.hidden.bytes);
	assert_int_equal(jz_secret_span(&s).len, 6);
	/* A shorter one leaves nothing of the longer. */
	assert_int_equal(jz_secret_set(&s, jz_span("12", 2)), 0);
	fx_assert_zero(s.hidden.bytes + 2, sizeof(s.hidden.bytes) - 2);
	assert_int_equal(jz_secret_set(&s, jz_span(LONG, sizeof(LONG) - 1)), 0);
	assert_int_equal(
	    jz_secret_set(&s, jz_span(LONG, sizeof(LONG))), JZ_ERR_SPACE);
	fx_assert_zero(&s, sizeof(s));
	memset(&s, 'x', sizeof(s));
	jz_secret_wipe(&s);
	fx_assert_zero(&s, sizeof(s));
}

static void
test_add_and_cut(void **state)
{
	struct jz_secret s = {0};

	(void)state;
	for (size_t i = 0; i < JZ_SECRET_MAX; i++)
		assert_int_equal(jz_secret_add(&s, 'a'), 0);
	assert_int_equal(jz_secret_add(&s, 'a'), JZ_ERR_SPACE);
	assert_int_equal(s.len, JZ_SECRET_MAX);
	jz_secret_cut(&s, JZ_SECRET_MAX + 1);
	assert_int_equal(s.len, JZ_SECRET_MAX);
	jz_secret_cut(&s, 2);
	assert_true(jz_secret_equal(&s, JZ_SECRET("aa")));
	fx_assert_zero(s.hidden.bytes + 2, sizeof(s.hidden.bytes) - 2);
	jz_secret_cut(&s, 0);
	fx_assert_zero(&s, sizeof(s));
}

static void
test_fill(void **state)
{
	struct jz_secret s;

	(void)state;
	memset(&s, 'x', sizeof(s));
	assert_ptr_equal(jz_secret_fill(&s, 16), s.hidden.bytes);
	assert_int_equal(s.len, 16);
	fx_assert_zero(s.hidden.bytes, sizeof(s.hidden.bytes));
	(void)jz_secret_fill(&s, JZ_SECRET_MAX + 1);
	assert_int_equal(s.len, JZ_SECRET_MAX);
}

static void
test_secrets_are_equal(void **state)
{
	static const struct jz_secret ZERO = {{{0}}, 2};

	(void)state;
	assert_true(jz_secret_equal(JZ_SECRET("ab"), JZ_SECRET("ab")));
	assert_false(jz_secret_equal(JZ_SECRET("ab"), JZ_SECRET("aB")));
	assert_false(jz_secret_equal(JZ_SECRET("ab"), JZ_SECRET("abc")));
	assert_false(jz_secret_equal(JZ_SECRET(""), &ZERO));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_wipe_clears_exactly),
	    cmocka_unit_test(test_wipe_takes_nothing),
	    cmocka_unit_test(test_wipe_is_not_optimised_away),
	    cmocka_unit_test(test_equal_when_equal),
	    cmocka_unit_test(test_every_bit_counts),
	    cmocka_unit_test(test_bytes_behind_do_not_count),
	    cmocka_unit_test(test_set_and_wipe),
	    cmocka_unit_test(test_add_and_cut),
	    cmocka_unit_test(test_fill),
	    cmocka_unit_test(test_secrets_are_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
