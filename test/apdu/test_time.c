/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times in BCD, dates in six digits, and times for people.
 */
#include "../../apdu/time.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "hex.h"

#define LAST INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

/* From `date -u -d @N`. */
static const struct {
	int64_t utc;
	const char *bcd;
	const char *text;
} TIMES[] = {
    {0, "00000000000000", "-"},
    {1, "19700101000001", "1970-01-01T00:00:01Z"},
    {86399, "19700101235959", "1970-01-01T23:59:59Z"},
    {68169600, "19720229000000", "1972-02-29T00:00:00Z"},
    {951782399, "20000228235959", "2000-02-28T23:59:59Z"},
    {951782400, "20000229000000", "2000-02-29T00:00:00Z"},
    {951868800, "20000301000000", "2000-03-01T00:00:00Z"},
    {978307199, "20001231235959", "2000-12-31T23:59:59Z"},
    {1234567890, "20090213233130", "2009-02-13T23:31:30Z"},
    {1769903999, "20260131235959", "2026-01-31T23:59:59Z"},
    {INT64_C(2147483648), "20380119031408", "2038-01-19T03:14:08Z"},
    {INT64_C(4107542399), "21000228235959", "2100-02-28T23:59:59Z"},
    {INT64_C(4107542400), "21000301000000", "2100-03-01T00:00:00Z"},
    {INT64_C(13574563200), "24000229000000", "2400-02-29T00:00:00Z"},
    {LAST, "99991231235959", "9999-12-31T23:59:59Z"},
};

#define TIMES_COUNT (sizeof(TIMES) / sizeof(TIMES[0]))

static void
test_known_times(void **state)
{
	(void)state;
	for (size_t i = 0; i < TIMES_COUNT; i++) {
		struct hex want = hex(TIMES[i].bcd);
		uint8_t bcd[JZ_TIME_BYTES];
		char text[21];
		int64_t utc = -1;

		jz_time_to_bcd(TIMES[i].utc, bcd);
		assert_memory_equal(bcd, want.bytes, JZ_TIME_BYTES);
		assert_int_equal(jz_time_from_bcd(bcd, &utc), 0);
		assert_true(utc == TIMES[i].utc);
		jz_time_to_text(TIMES[i].utc, text);
		assert_string_equal(text, TIMES[i].text);
	}
}

static void
test_out_of_range_is_not_known(void **state)
{
	static const int64_t BAD[] = {-1, INT64_MIN, LAST + 1, INT64_MAX};
	static const uint8_t ZERO[JZ_TIME_BYTES] = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		uint8_t bcd[JZ_TIME_BYTES];
		char text[21];

		memset(bcd, 0xEE, sizeof(bcd));
		jz_time_to_bcd(BAD[i], bcd);
		assert_memory_equal(bcd, ZERO, JZ_TIME_BYTES);
		jz_time_to_text(BAD[i], text);
		assert_string_equal(text, "-");
	}
}

static void
test_no_date_or_no_time_of_day(void **state)
{
	static const char *const BAD[] = {
	    "19700101000000", /* that is 0, and 0 is written as zeros */
	    "19691231235959",
	    "00000101000000",
	    "20260001000000",
	    "20261301000000",
	    "20260100000000",
	    "20260132000000",
	    "20260229000000",
	    "21000229000000",
	    "20240230000000",
	    "20260431000000",
	    "20260101240000",
	    "20260101006000",
	    "20260101000060",
	    "2026010100000A",
	    "202601010000A0",
	    "20260101000A00",
	    "2026010A000000",
	    "20260A01000000",
	    "2A260101000000",
	    "202A0101000000",
	    "20A60101000000",
	    "A0260101000000",
	    "FFFFFFFFFFFFFF",
	    "00000000000001",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		struct hex h = hex(BAD[i]);
		int64_t utc = -1;

		assert_int_equal(
		    jz_time_from_bcd(h.bytes, &utc), JZ_ERR_MESSAGE);
		assert_true(utc == 0);
	}
}

/* Every day of four centuries, at a time of day that wanders. */
static void
test_every_day_comes_back(void **state)
{
	(void)state;
	for (int64_t day = 0; day < 146097; day++) {
		int64_t utc = day * 86400 + (day * 7919 + 1) % 86400;
		uint8_t bcd[JZ_TIME_BYTES];
		int64_t again = 0;

		jz_time_to_bcd(utc, bcd);
		assert_int_equal(jz_time_from_bcd(bcd, &again), 0);
		assert_true(again == utc);
	}
}

static void
test_dates_in_digits(void **state)
{
	static const struct {
		uint8_t digits[6];
		int64_t utc;
	} GOOD[] = {
	    {{0, 0, 0, 1, 0, 1}, 946684800},
	    {{0, 0, 0, 2, 2, 9}, 951782400},
	    {{2, 6, 0, 1, 3, 1}, 1769817600},
	    {{9, 9, 1, 2, 3, 1}, INT64_C(4102358400)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
		uint8_t digits[6];
		int64_t utc = -1;

		assert_int_equal(jz_date_from_digits(GOOD[i].digits, &utc), 0);
		assert_true(utc == GOOD[i].utc);
		/* The time of day is left out. */
		assert_int_equal(jz_date_to_digits(utc + 86399, digits), 0);
		assert_memory_equal(digits, GOOD[i].digits, 6);
	}
}

static void
test_dates_that_are_none(void **state)
{
	static const uint8_t BAD[][6] = {
	    {2, 6, 0, 0, 0, 1},
	    {2, 6, 1, 3, 0, 1},
	    {2, 6, 0, 1, 0, 0},
	    {2, 6, 0, 2, 2, 9},
	    {2, 6, 0, 6, 3, 1},
	    {2, 10, 0, 1, 0, 1},
	    {2, 6, 0, 1, 0, 0x31},
	    {0xFF, 6, 0, 1, 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		int64_t utc = -1;

		assert_int_equal(
		    jz_date_from_digits(BAD[i], &utc), JZ_ERR_MESSAGE);
		assert_true(utc == 0);
	}
}

static void
test_dates_outside_the_century(void **state)
{
	static const int64_t BAD[] = {-1, 0, 946684799, INT64_C(4102444800),
	    LAST, LAST + 1, INT64_MAX, INT64_MIN};
	static const uint8_t ZERO[6] = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		uint8_t digits[6];

		memset(digits, 0xEE, sizeof(digits));
		assert_int_equal(
		    jz_date_to_digits(BAD[i], digits), JZ_ERR_MESSAGE);
		assert_memory_equal(digits, ZERO, 6);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_known_times),
	    cmocka_unit_test(test_out_of_range_is_not_known),
	    cmocka_unit_test(test_no_date_or_no_time_of_day),
	    cmocka_unit_test(test_every_day_comes_back),
	    cmocka_unit_test(test_dates_in_digits),
	    cmocka_unit_test(test_dates_that_are_none),
	    cmocka_unit_test(test_dates_outside_the_century),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
