/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of status words: each word once, with all four texts.
 */
#include "../../apdu/status.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool
ascii(const char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s >= 0x80)
			return false;
	}
	return true;
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static void
test_no_word_fits_two_rows(void **state)
{
	unsigned n;
	const struct jz_status *t = jz_status_table(&n);

	(void)state;
	assert_true(n > 50);
	for (uint32_t sw = 0; sw <= 0xFFFF; sw++) {
		unsigned fits = 0;

		for (unsigned i = 0; i < n; i++)
			fits += (sw & t[i].mask) == t[i].sw;
		assert_true(fits <= 1);
	}
}

static void
test_names_are_unique(void **state)
{
	unsigned n;
	const struct jz_status *t = jz_status_table(&n);

	(void)state;
	for (unsigned i = 0; i < n; i++) {
		assert_true(strlen(t[i].name) > 0);
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(t[i].name, t[j].name);
	}
}

static void
test_every_row_has_all_texts(void **state)
{
	unsigned n;
	const struct jz_status *t = jz_status_table(&n);

	(void)state;
	for (unsigned i = 0; i < n; i++) {
		const struct jz_status *s = &t[i];

		assert_true(strlen(s->text[JZ_LANG_EN]) > 0);
		assert_true(ascii(s->text[JZ_LANG_EN]));
		assert_false(ascii(s->text[JZ_LANG_ZH]));
		assert_true(ascii(s->customer[JZ_LANG_EN]));
		assert_true(ends_with(s->customer[JZ_LANG_EN], "."));
		assert_true(ends_with(s->customer[JZ_LANG_ZH], "。"));
	}
}

static void
test_technical_texts_tell_rows_apart(void **state)
{
	unsigned n;
	const struct jz_status *t = jz_status_table(&n);

	(void)state;
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = 0; j < i; j++) {
			assert_string_not_equal(
			    t[i].text[JZ_LANG_EN], t[j].text[JZ_LANG_EN]);
			assert_string_not_equal(
			    t[i].text[JZ_LANG_ZH], t[j].text[JZ_LANG_ZH]);
		}
	}
}

static void
test_find(void **state)
{
	static const struct {
		uint16_t sw;
		const char *name;
	} CASES[] = {
	    {0x9000, "OK"},
	    {0x9001, "UNKNOWN_STATUS"},
	    {0x6100, "MORE_DATA"},
	    {0x61FF, "MORE_DATA"},
	    {0x6283, "SELECTED_LOCKED"},
	    {0x6282, "UNKNOWN_STATUS"},
	    {0x6300, "WARNING"},
	    {0x6310, "MORE_AVAILABLE"},
	    {0x63C0, "PIN_TRIES"},
	    {0x63CF, "PIN_TRIES"},
	    {0x63D0, "UNKNOWN_STATUS"},
	    {0x6581, "MEMORY_FAILURE"},
	    {0x6700, "LENGTH"},
	    {0x6883, "LAST_BLOCK"},
	    {0x6982, "SECURITY"},
	    {0x6983, "BLOCKED"},
	    {0x6985, "CONDITIONS"},
	    {0x6999, "SELECT_FAILED"},
	    {0x6A82, "FILE"},
	    {0x6C00, "WRONG_LE"},
	    {0x6C17, "WRONG_LE"},
	    {0x6D00, "INS"},
	    {0x6D01, "UNKNOWN_STATUS"},
	    {0x6E00, "CLA"},
	    {0x6F00, "UNKNOWN"},
	    {0x9302, "MAC"},
	    {0x9401, "AMOUNT"},
	    {0x9429, "MISMATCH"},
	    {0x942D, "DECRYPT"},
	    {0x942E, "PAID"},
	    {0x9433, "PROFILE"},
	    {0x9435, "REFUND"},
	    {0x9436, "NOT_LISTED"},
	    {0x9438, "DECLINED"},
	    {0x943F, "UNKNOWN_STATUS"},
	    {0x9484, "ALGORITHM"},
	    {0x9485, "KEY_CHECK"},
	    {0x0000, "UNKNOWN_STATUS"},
	    {0xFFFF, "UNKNOWN_STATUS"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		const struct jz_status *s = jz_status_find(CASES[i].sw);

		assert_string_equal(s->name, CASES[i].name);
		assert_true(strlen(s->text[JZ_LANG_ZH]) > 0);
		assert_true(strlen(s->customer[JZ_LANG_EN]) > 0);
	}
}

static void
test_find_agrees_with_the_table(void **state)
{
	unsigned n;
	const struct jz_status *t = jz_status_table(&n);

	(void)state;
	for (unsigned i = 0; i < n; i++)
		assert_ptr_equal(jz_status_find(t[i].sw), &t[i]);
}

/* OFP-2, OFP-6: the words that a terminal shows. */
static void
test_payment_refusals_say_what_is_asked(void **state)
{
	const char *mac = jz_status_find(JZ_SW_MAC)->customer[JZ_LANG_ZH];
	const char *data = jz_status_find(JZ_SW_MISMATCH)->customer[JZ_LANG_ZH];

	(void)state;
	assert_non_null(strstr(mac, "认证失败"));
	assert_non_null(strstr(mac, "交易的对象不合法"));
	assert_non_null(strstr(data, "数据有误"));
}

static void
test_may_carry_data(void **state)
{
	(void)state;
	for (uint32_t sw = 0; sw <= 0xFFFF; sw++) {
		bool may = sw == 0x9000 || (sw >= 0x6100 && sw <= 0x63FF);

		assert_int_equal(jz_status_may_carry_data((uint16_t)sw), may);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_word_fits_two_rows),
	    cmocka_unit_test(test_names_are_unique),
	    cmocka_unit_test(test_every_row_has_all_texts),
	    cmocka_unit_test(test_technical_texts_tell_rows_apart),
	    cmocka_unit_test(test_find),
	    cmocka_unit_test(test_find_agrees_with_the_table),
	    cmocka_unit_test(test_payment_refusals_say_what_is_asked),
	    cmocka_unit_test(test_may_carry_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
