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
	address = s.bytes;
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
