/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cursor never reads and the buffer never writes past its end, and each
 * remembers that something failed.
 */
#include "../../apdu/bytes.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t DATA[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF,
    0x10, 0x32, 0x54, 0x76, 0x98, 0xBA, 0xDC, 0xFE};

static void
test_take_integers(void **state)
{
	struct jz_cursor c = jz_cursor(jz_span(DATA, 15));

	(void)state;
	assert_int_equal(jz_take_u8(&c), 0x01);
	assert_int_equal(jz_take_u16(&c), 0x2345);
	assert_int_equal(jz_take_u32(&c), 0x6789ABCD);
	assert_false(jz_cursor_end(&c));
	assert_true(jz_take_u64(&c) == UINT64_C(0xEF1032547698BADC));
	assert_true(jz_cursor_end(&c));
}

static void
test_take_lends_the_front(void **state)
{
	struct jz_cursor c = jz_cursor(jz_span(DATA, 4));
	struct jz_span s = jz_take(&c, 3);

	(void)state;
	assert_ptr_equal(s.data, DATA);
	assert_int_equal(s.len, 3);
	s = jz_take(&c, 0);
	assert_int_equal(s.len, 0);
	assert_int_equal(c.len, 1);
	assert_false(c.bad);
}

static void
test_take_past_the_end_takes_nothing(void **state)
{
	struct jz_cursor c = jz_cursor(jz_span(DATA, 4));
	struct jz_span s = jz_take(&c, 5);

	(void)state;
	assert_null(s.data);
	assert_int_equal(s.len, 0);
	assert_true(c.bad);
	assert_int_equal(c.len, 4);
	/* Bad stays bad, even for what would fit. */
	assert_int_equal(jz_take_u8(&c), 0);
	assert_null(jz_take(&c, 0).data);
	assert_int_equal(c.len, 4);
	assert_false(jz_cursor_end(&c));
}

static void
test_take_huge_length(void **state)
{
	struct jz_cursor c = jz_cursor(jz_span(DATA, 4));

	(void)state;
	(void)jz_take_u8(&c);
	assert_null(jz_take(&c, SIZE_MAX).data);
	assert_true(c.bad);
}

static void
test_integers_cut_short_are_zero(void **state)
{
	struct jz_cursor one = jz_cursor(jz_span(DATA, 1));
	struct jz_cursor three = jz_cursor(jz_span(DATA, 3));
	struct jz_cursor seven = jz_cursor(jz_span(DATA, 7));
	struct jz_cursor none = jz_cursor(jz_span(NULL, 0));

	(void)state;
	assert_true(jz_cursor_end(&none));
	assert_int_equal(jz_take_u8(&none), 0);
	assert_int_equal(jz_take_u16(&one), 0);
	assert_int_equal(jz_take_u32(&three), 0);
	assert_true(jz_take_u64(&seven) == 0);
	assert_true(none.bad && one.bad && three.bad && seven.bad);
	assert_false(jz_cursor_end(&none));
}

static void
test_take_bytes(void **state)
{
	struct jz_cursor c = jz_cursor(jz_span(DATA, 6));
	uint8_t out[5];

	(void)state;
	memset(out, 0xEE, sizeof(out));
	jz_take_bytes(&c, out, 4);
	assert_memory_equal(out, DATA, 4);
	assert_int_equal(out[4], 0xEE);
	jz_take_bytes(&c, NULL, 0);
	assert_false(c.bad);
	jz_take_bytes(&c, out, 3);
	assert_true(c.bad);
	assert_memory_equal(out, "\0\0\0\x67\xEE", 5);
}

static void
test_put_integers(void **state)
{
	uint8_t mem[16];
	struct jz_buffer b = jz_buffer(mem, sizeof(mem));

	(void)state;
	jz_put_u8(&b, 0x01);
	jz_put_u16(&b, 0x2345);
	jz_put_u32(&b, 0x6789ABCD);
	jz_put_u64(&b, UINT64_C(0xEF1032547698BADC));
	jz_put(&b, DATA + 15, 1);
	assert_false(b.bad);
	assert_int_equal(b.len, 16);
	assert_memory_equal(mem, DATA, 16);
	assert_true(
	    jz_span_equal(jz_buffer_span(&b), jz_span(DATA, sizeof(DATA))));
}

static void
test_put_that_does_not_fit_writes_nothing(void **state)
{
	uint8_t mem[5] = {1, 1, 1, 1, 1};
	struct jz_buffer b = jz_buffer(mem, 4);

	(void)state;
	jz_put_u16(&b, 0xABCD);
	jz_put_u32(&b, 0x11223344);
	assert_true(b.bad);
	assert_int_equal(b.len, 2);
	/* Bad stays bad, even for what would fit. */
	jz_put_u8(&b, 0x77);
	jz_put(&b, DATA, 1);
	assert_null(jz_reserve(&b, 1));
	assert_int_equal(b.len, 2);
	assert_memory_equal(mem, "\xAB\xCD\x01\x01\x01", 5);
}

static void
test_put_nothing_is_no_failure(void **state)
{
	uint8_t mem[2];
	struct jz_buffer full = jz_buffer(mem, 0);
	struct jz_buffer none = jz_buffer(NULL, 0);

	(void)state;
	jz_put(&full, NULL, 0);
	jz_put(&none, NULL, 0);
	assert_false(full.bad);
	assert_false(none.bad);
	jz_put_u8(&none, 1);
	assert_true(none.bad);
}

static void
test_reserve(void **state)
{
	uint8_t mem[8];
	struct jz_buffer b = jz_buffer(mem, sizeof(mem));

	(void)state;
	assert_ptr_equal(jz_reserve(&b, 3), mem);
	assert_ptr_equal(jz_reserve(&b, 5), mem + 3);
	assert_int_equal(b.len, 8);
	assert_null(jz_reserve(&b, 1));
	assert_true(b.bad);
}

static void
test_reserve_huge_length(void **state)
{
	uint8_t mem[8];
	struct jz_buffer b = jz_buffer(mem, sizeof(mem));

	(void)state;
	jz_put_u8(&b, 1);
	assert_null(jz_reserve(&b, SIZE_MAX));
	assert_int_equal(b.len, 1);
}

static void
test_big_endian_values(void **state)
{
	uint8_t out[9];

	(void)state;
	for (size_t len = 1; len <= 8; len++) {
		uint64_t v = jz_get_be(DATA, len);

		assert_true(
		    v == UINT64_C(0x0123456789ABCDEF) >> (64 - 8 * len));
		memset(out, 0xEE, sizeof(out));
		jz_set_be(out, len, v);
		assert_memory_equal(out, DATA, len);
		assert_int_equal(out[len], 0xEE);
	}
}

static void
test_span_equal(void **state)
{
	static const uint8_t COPY[] = {0x01, 0x23, 0x45};

	(void)state;
	assert_true(jz_span_equal(jz_span(DATA, 3), jz_span(COPY, 3)));
	assert_false(jz_span_equal(jz_span(DATA, 3), jz_span(COPY, 2)));
	assert_false(jz_span_equal(jz_span(DATA, 3), jz_span(DATA + 1, 3)));
	assert_true(jz_span_equal(jz_span(DATA, 0), jz_span(NULL, 0)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_take_integers),
	    cmocka_unit_test(test_take_lends_the_front),
	    cmocka_unit_test(test_take_past_the_end_takes_nothing),
	    cmocka_unit_test(test_take_huge_length),
	    cmocka_unit_test(test_integers_cut_short_are_zero),
	    cmocka_unit_test(test_take_bytes),
	    cmocka_unit_test(test_put_integers),
	    cmocka_unit_test(test_put_that_does_not_fit_writes_nothing),
	    cmocka_unit_test(test_put_nothing_is_no_failure),
	    cmocka_unit_test(test_reserve),
	    cmocka_unit_test(test_reserve_huge_length),
	    cmocka_unit_test(test_big_endian_values),
	    cmocka_unit_test(test_span_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
