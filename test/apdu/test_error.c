/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of errors: every value its own, every text there in both
 * languages.
 */
#include "../../apdu/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	int value;
	const char *name;
} ALL[] = {
#define X(name, value, en, zh) {JZ_ERR_##name, #name},
    JZ_ERROR_LIST(X)
#undef X
};

#define COUNT (sizeof(ALL) / sizeof(ALL[0]))

static bool
ascii(const char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s >= 0x80)
			return false;
	}
	return true;
}

static void
test_values_are_negative_and_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		assert_true(ALL[i].value < 0 && ALL[i].value > -700);
		for (size_t j = 0; j < i; j++) {
			assert_int_not_equal(ALL[i].value, ALL[j].value);
			assert_string_not_equal(ALL[i].name, ALL[j].name);
		}
	}
}

static void
test_every_error_has_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++)
		assert_string_equal(jz_error_name(ALL[i].value), ALL[i].name);
	assert_string_equal(jz_error_name(JZ_OK), "OK");
	assert_string_equal(jz_error_name(-210), "CERT_MALFORMED");
}

static void
test_every_error_has_both_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		const char *en = jz_error_text(ALL[i].value, JZ_LANG_EN);
		const char *zh = jz_error_text(ALL[i].value, JZ_LANG_ZH);

		assert_true(strlen(en) > 0 && ascii(en));
		assert_int_not_equal(en[strlen(en) - 1], '.');
		assert_false(ascii(zh));
		assert_string_not_equal(en, "unknown error");
	}
	assert_string_equal(jz_error_text(0, JZ_LANG_EN), "success");
	assert_string_equal(jz_error_text(0, JZ_LANG_ZH), "成功");
}

static void
test_texts_tell_errors_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(
			    jz_error_text(ALL[i].value, JZ_LANG_EN),
			    jz_error_text(ALL[j].value, JZ_LANG_EN));
		}
	}
}

static void
test_unknown_value(void **state)
{
	static const int VALUES[] = {1, -99, -1000, INT32_MIN, INT32_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(VALUES) / sizeof(VALUES[0]); i++) {
		assert_string_equal(
		    jz_error_text(VALUES[i], JZ_LANG_EN), "unknown error");
		assert_string_equal(
		    jz_error_text(VALUES[i], JZ_LANG_ZH), "未知错误");
		assert_string_equal(jz_error_name(VALUES[i]), "UNKNOWN");
	}
}

/* OFP-2, OFP-6: the words that a terminal shows. */
static void
test_payment_refusals_say_what_is_asked(void **state)
{
	const char *forged = jz_error_text(JZ_ERR_AUTHENTICATION, JZ_LANG_ZH);

	(void)state;
	assert_non_null(strstr(forged, "认证失败"));
	assert_non_null(strstr(forged, "交易的对象不合法"));
	assert_non_null(
	    strstr(jz_error_text(JZ_ERR_DATA, JZ_LANG_ZH), "数据有误"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values_are_negative_and_unique),
	    cmocka_unit_test(test_every_error_has_its_name),
	    cmocka_unit_test(test_every_error_has_both_texts),
	    cmocka_unit_test(test_texts_tell_errors_apart),
	    cmocka_unit_test(test_unknown_value),
	    cmocka_unit_test(test_payment_refusals_say_what_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
