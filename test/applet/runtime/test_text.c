/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text of strangers on a small display: what you see is what there is.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../../applet/runtime/text.h"

#define TEXT_MAX 256u
#define ROUNDS	 20000u

/* All glyphs of a text, joined. */
static unsigned
show(struct jz_span text, char out[static TEXT_MAX])
{
	struct jz_cursor c = jz_cursor(text);
	unsigned columns = 0;
	uint8_t before = 0;
	size_t n = 0;
	struct jz_glyph g;

	while (c.len > 0) {
		jz_glyph_take(&c, before, &g);
		before = c.data[-1];
		assert_true(n + g.len < TEXT_MAX);
		memcpy(out + n, g.bytes, g.len);
		n += g.len;
		columns += g.columns;
	}
	out[n] = '\0';
	return columns;
}

static void
test_what_is_shown(void **state)
{
	static const struct {
		const char *text, *shown;
		unsigned columns;
	} cases[] = {
	    {"Pay 12.34", "Pay 12.34", 9},
	    {"张三", "张三", 4},
	    {"北京Café（店）", "北京Café（店）", 14},
	    {"€5–6", "€5–6", 4},
	    /* the escape's own sign */
	    {"a\\b", "a\\\\b", 4},
	    {"\\u{202E}", "\\\\u{202E}", 9},
	    /* controls */
	    {"a\nb", "a\\u{A}b", 7},
	    {"\x1B[2J", "\\u{1B}[2J", 9},
	    {"\x7F", "\\u{7F}", 6},
	    {"\xC2\x9B", "\\u{9B}", 6},
	    /* bidirectional marks, isolates, right-to-left letters */
	    {"\xE2\x80\xAE", "\\u{202E}", 8},
	    {"\xE2\x81\xA6", "\\u{2066}", 8},
	    {"\xD8\x9C", "\\u{61C}", 7},
	    {"\xD7\x90", "\\u{5D0}", 7},
	    /* invisible: zero width, soft hyphen, tags, variation, BOM */
	    {"\xE2\x80\x8B", "\\u{200B}", 8},
	    {"\xC2\xAD", "\\u{AD}", 6},
	    {"\xF3\xA0\x80\xA0", "\\u{E0020}", 9},
	    {"\xEF\xB8\x8F", "\\u{FE0F}", 8},
	    {"\xEF\xBB\xBF", "\\u{FEFF}", 8},
	    /* look-alikes: Cyrillic a, Greek omicron, Kangxi radical */
	    {"\xD0\xB0", "\\u{430}", 7},
	    {"\xCE\xBF", "\\u{3BF}", 7},
	    {"\xE2\xBC\x80", "\\u{2F00}", 8},
	    /* combining, private, noncharacter */
	    {"e\xCC\x81", "e\\u{301}", 8},
	    {"\xEE\x80\x80", "\\u{E000}", 8},
	    {"\xF4\x8F\xBF\xBF", "\\u{10FFFF}", 10},
	    /* blanks: at the beginning, in a row, other ones */
	    {" a", "\\u{20}a", 7},
	    {"a b", "a b", 3},
	    {"a  b", "a \\u{20}b", 9},
	    {"a\xC2\xA0", "a\\u{A0}", 7},
	    {"\xE3\x80\x80", "\\u{3000}", 8},
	    /* overlong forms of /, of NUL, of the euro */
	    {"\xC0\xAF", "\\xC0\\xAF", 8},
	    {"\xC0\x80", "\\xC0\\x80", 8},
	    {"\xE0\x80\xAF", "\\xE0\\x80\\xAF", 12},
	    {"\xF0\x82\x82\xAC", "\\xF0\\x82\\x82\\xAC", 16},
	    /* surrogates, beyond the last, cut off, no beginning */
	    {"\xED\xA0\x80", "\\xED\\xA0\\x80", 12},
	    {"\xF4\x90\x80\x80", "\\xF4\\x90\\x80\\x80", 16},
	    {"\xF5\x80\x80\x80", "\\xF5\\x80\\x80\\x80", 16},
	    {"\xE5\xBC", "\\xE5\\xBC", 8},
	    {"\xE5\xBCz", "\\xE5\\xBCz", 9},
	    {"\x80z", "\\x80z", 5},
	    {"\xFF", "\\xFF", 4},
	};
	char shown[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct jz_span s =
		    jz_span(cases[i].text, strlen(cases[i].text));

		assert_int_equal(show(s, shown), cases[i].columns);
		assert_string_equal(shown, cases[i].shown);
	}
}

static void
test_a_nul_is_a_control(void **state)
{
	char shown[TEXT_MAX];

	(void)state;
	show(jz_span("a\0b", 3), shown);
	assert_string_equal(shown, "a\\u{0}b");
}

/* No two characters are shown alike, whatever they are. */
static void
test_every_code_point_has_a_look_of_its_own(void **state)
{
	char expected[TEXT_MAX], shown[TEXT_MAX];
	uint8_t utf8[4];

	(void)state;
	for (uint32_t c = 1; c <= 0x10FFFF; c++) {
		struct jz_buffer b = jz_buffer(utf8, sizeof(utf8));

		if (c >= 0xD800 && c <= 0xDFFF)
			continue;
		if (c < 0x80) {
			jz_put_u8(&b, (uint8_t)c);
		} else if (c < 0x800) {
			jz_put_u8(&b, (uint8_t)(0xC0 | c >> 6));
		} else {
			if (c < 0x10000) {
				jz_put_u8(&b, (uint8_t)(0xE0 | c >> 12));
			} else {
				jz_put_u8(&b, (uint8_t)(0xF0 | c >> 18));
				jz_put_u8(
				    &b, (uint8_t)(0x80 | (c >> 12 & 0x3F)));
			}
			jz_put_u8(&b, (uint8_t)(0x80 | (c >> 6 & 0x3F)));
		}
		if (c >= 0x80)
			jz_put_u8(&b, (uint8_t)(0x80 | (c & 0x3F)));
		show(jz_buffer_span(&b), shown);
		snprintf(expected, sizeof(expected), "\\u{%X}", (unsigned)c);
		/* By its number, or as it is, and then nothing else. */
		if (strcmp(shown, expected) == 0)
			continue;
		if (c == '\\')
			assert_string_equal(shown, "\\\\");
		else
			assert_memory_equal(shown, utf8, b.len + 0u);
		assert_int_equal(strlen(shown), c == '\\' ? 2 : b.len);
	}
}

static void
test_lines_are_as_wide_as_the_display(void **state)
{
	static const char text[] = "1234567890123456张三李四王五赵六x\xFF";
	static const char *const lines[] = {
	    "1234567890123456", "张三李四王五赵六", "x\\xFF"};
	struct jz_wrap w = jz_wrap(jz_span(text, sizeof(text) - 1));
	struct jz_line line;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_true(jz_wrap_line(&w, 16, &line));
		assert_int_equal(line.len, strlen(lines[i]));
		assert_memory_equal(line.bytes, lines[i], line.len);
	}
	assert_false(jz_wrap_line(&w, 16, &line));
	w = jz_wrap(jz_span(NULL, 0));
	assert_false(jz_wrap_line(&w, 16, &line));
	/* A wide character is not cut in two. */
	w = jz_wrap(jz_span("123456789012345张", 18));
	assert_true(jz_wrap_line(&w, 16, &line));
	assert_int_equal(line.len, 15);
}

/* Any bytes come to an end, in lines of what may be shown. */
static void
test_any_bytes(void **state)
{
	uint8_t text[64];
	struct jz_line line;
	uint32_t seed = 1;

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct jz_wrap w;
		unsigned lines = 0;
		size_t len = i % sizeof(text);

		for (size_t k = 0; k < len; k++) {
			seed = seed * 1664525u + 1013904223u;
			text[k] = (uint8_t)(seed >> 24);
		}
		w = jz_wrap(jz_span(text, len));
		while (jz_wrap_line(&w, 16 + i % 25, &line)) {
			assert_true(line.len > 0);
			lines++;
			for (size_t k = 0; k < line.len; k++)
				assert_true((uint8_t)line.bytes[k] >= 0x20 &&
				    line.bytes[k] != 0x7F);
		}
		assert_true(lines <= len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_is_shown),
	    cmocka_unit_test(test_a_nul_is_a_control),
	    cmocka_unit_test(test_every_code_point_has_a_look_of_its_own),
	    cmocka_unit_test(test_lines_are_as_wide_as_the_display),
	    cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
