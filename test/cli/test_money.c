/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host/cli/money.c: exact amounts both ways; host/cli/exit.c: no error
 * without its exit code.
 */
#include "../../host/cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CNY 156
#define JPY 392
#define KWD 414

static void
test_parse(void **state)
{
	static const struct {
		const char *text;
		uint16_t currency;
		int error;
		uint64_t minor;
	} cases[] = {
	    {"0", CNY, 0, 0},
	    {"25", CNY, 0, 2500},
	    {"25.0", CNY, 0, 2500},
	    {"25.00", CNY, 0, 2500},
	    {"0.01", CNY, 0, 1},
	    {"0.1", CNY, 0, 10},
	    {"007", CNY, 0, 700},
	    {"1.005", KWD, 0, 1005},
	    {"100", JPY, 0, 100},
	    {"184467440737095516.15", CNY, 0, UINT64_MAX},
	    {"184467440737095516.16", CNY, JZ_ERR_RANGE, 0},
	    {"18446744073709551616", JPY, JZ_ERR_RANGE, 0},
	    {"184467440737095517", CNY, JZ_ERR_RANGE, 0},
	    {"100.5", JPY, JZ_ERR_ARGUMENT, 0},
	    {"100.", JPY, JZ_ERR_ARGUMENT, 0},
	    {"1.005", CNY, JZ_ERR_ARGUMENT, 0},
	    {"1.", CNY, JZ_ERR_ARGUMENT, 0},
	    {".5", CNY, JZ_ERR_ARGUMENT, 0},
	    {"1.2.3", CNY, JZ_ERR_ARGUMENT, 0},
	    {"-1", CNY, JZ_ERR_ARGUMENT, 0},
	    {"+1", CNY, JZ_ERR_ARGUMENT, 0},
	    {"", CNY, JZ_ERR_ARGUMENT, 0},
	    {" 1", CNY, JZ_ERR_ARGUMENT, 0},
	    {"1 ", CNY, JZ_ERR_ARGUMENT, 0},
	    {"1,5", CNY, JZ_ERR_ARGUMENT, 0},
	    {"1e3", CNY, JZ_ERR_ARGUMENT, 0},
	    {"0x10", CNY, JZ_ERR_ARGUMENT, 0},
	    {"１", CNY, JZ_ERR_ARGUMENT, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t minor = 99;
		int err =
		    jz_money_parse(cases[i].text, cases[i].currency, &minor);

		if (err != cases[i].error || minor != cases[i].minor)
			fail_msg("\"%s\": %d, %llu", cases[i].text, err,
			    (unsigned long long)minor);
	}
}

static void
test_format(void **state)
{
	static const struct {
		int64_t minor;
		uint16_t currency;
		const char *text;
	} cases[] = {
	    {0, CNY, "0.00 CNY"}, {1, CNY, "0.01 CNY"},
	    {2500, CNY, "25.00 CNY"}, {-5, CNY, "-0.05 CNY"},
	    {-2500, CNY, "-25.00 CNY"}, {7, JPY, "7 JPY"}, {-7, JPY, "-7 JPY"},
	    {1005, KWD, "1.005 KWD"},
	    {INT64_MAX, CNY, "92233720368547758.07 CNY"},
	    {INT64_MIN, CNY, "-92233720368547758.08 CNY"}, {5, 999, "5 999"},
	    {0, 0, "0"}, /* a card without a currency yet */
	};
	char x[JZ_MONEY_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(
		    jz_money_name(cases[i].minor, cases[i].currency, x),
		    cases[i].text);
}

static void
test_find(void **state)
{
	(void)state;
	assert_int_equal(jz_currency_find("CNY")->code, 156);
	assert_int_equal(jz_currency_find("156")->digits, 2);
	assert_int_equal(jz_currency_find("JPY")->digits, 0);
	assert_null(jz_currency_find("cny"));
	assert_null(jz_currency_find(""));
	assert_null(jz_currency_find("0156"));
}

/* Exit code 1 is for what only a fault of the program or machine explains. */
static void
test_exit_codes(void **state)
{
	static const int internal[] = {JZ_ERR_MEMORY, JZ_ERR_INTERNAL,
	    JZ_ERR_SPACE, JZ_ERR_UNSUPPORTED, JZ_ERR_CRYPTO};
	static const int errors[] = {
#define X(name, value, en, zh) (value),
	    JZ_ERROR_LIST(X)
#undef X
	};
	const size_t n = sizeof(internal) / sizeof(internal[0]);

	(void)state;
	assert_int_equal(jz_exit_code(0), JZ_EXIT_OK);
	assert_int_equal(jz_exit_code(-9999), JZ_EXIT_INTERNAL);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		bool allowed = false;

		for (size_t k = 0; k < n; k++)
			allowed = allowed || internal[k] == errors[i];
		assert_int_not_equal(jz_exit_code(errors[i]), JZ_EXIT_OK);
		assert_int_equal(
		    jz_exit_code(errors[i]) == JZ_EXIT_INTERNAL, allowed);
	}
	for (int i = 0; i < JZ_EXIT_CODES; i++)
		assert_true(
		    strlen(jz_exit_text((enum jz_exit)i, JZ_LANG_ZH)) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_format),
	    cmocka_unit_test(test_find),
	    cmocka_unit_test(test_exit_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
