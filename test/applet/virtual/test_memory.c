/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage in memory, and the chip without storage.
 */
#include "../../../applet/virtual/storage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../../../apdu/error.h"

static int
setup(void **state)
{
	struct jz_memory *m = NULL;

	assert_int_equal(jz_memory_new(&m), 0);
	*state = m;
	return 0;
}

static int
teardown(void **state)
{
	struct jz_memory *m = *state;

	jz_memory_free(&m);
	assert_null(m);
	return 0;
}

static void
assert_content(const struct jz_memory *m, const char *text)
{
	struct jz_span s = jz_memory_content(m);

	assert_int_equal(s.len, strlen(text));
	if (s.len > 0)
		assert_memory_equal(s.data, text, s.len);
}

static void
appends_add_to_the_end(void **state)
{
	struct jz_memory *m = *state;
	uint64_t size = 99;
	char got[4];

	assert_int_equal(jz_memory_chip.size(m, &size), 0);
	assert_int_equal(size, 0);
	assert_int_equal(jz_memory_chip.append(m, "abc", 3), 0);
	assert_int_equal(jz_memory_chip.append(m, "", 0), 0);
	assert_int_equal(jz_memory_chip.append(m, "defg", 4), 0);
	assert_int_equal(jz_memory_chip.sync(m), 0);
	assert_int_equal(jz_memory_chip.size(m, &size), 0);
	assert_int_equal(size, 7);
	assert_content(m, "abcdefg");
	assert_int_equal(jz_memory_chip.read(m, 2, got, 4), 0);
	assert_memory_equal(got, "cdef", 4);
}

/* Reading past the end is an error, wherever it begins. */
static void
reads_end_with_the_content(void **state)
{
	static const struct {
		uint64_t offset;
		size_t len;
		int expected;
	} cases[] = {
	    {0, 3, 0},
	    {3, 0, 0},
	    {2, 1, 0},
	    {0, 4, JZ_ERR_CARD_STORAGE},
	    {3, 1, JZ_ERR_CARD_STORAGE},
	    {4, 0, JZ_ERR_CARD_STORAGE},
	    {UINT64_MAX, 2, JZ_ERR_CARD_STORAGE},
	};
	struct jz_memory *m = *state;
	char got[8];

	assert_int_equal(jz_memory_chip.append(m, "abc", 3), 0);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
		    jz_memory_chip.read(m, cases[i].offset, got, cases[i].len),
		    cases[i].expected);
}

static void
replace_takes_the_place_of_all(void **state)
{
	struct jz_memory *m = *state;
	const struct jz_span parts[] = {
	    jz_span("xy", 2), jz_span(NULL, 0), jz_span("z", 1)};

	assert_int_equal(jz_memory_chip.append(m, "abcdef", 6), 0);
	assert_int_equal(jz_memory_chip.replace(m, parts, 3), 0);
	assert_content(m, "xyz");
	assert_int_equal(jz_memory_chip.append(m, "!", 1), 0);
	assert_content(m, "xyz!");
	assert_int_equal(jz_memory_chip.replace(m, parts, 0), 0);
	assert_content(m, "");
}

/* A snapshot is a copy of the content; putting it back rewinds. */
static void
content_can_be_rewound(void **state)
{
	struct jz_memory *m = *state;
	struct jz_span s;
	char copy[3];

	assert_int_equal(jz_memory_chip.append(m, "abc", 3), 0);
	s = jz_memory_content(m);
	memcpy(copy, s.data, s.len);
	assert_int_equal(jz_memory_chip.append(m, "def", 3), 0);
	assert_int_equal(jz_memory_set(m, jz_span(copy, 3)), 0);
	assert_content(m, "abc");
}

static void
large_content_is_kept(void **state)
{
	struct jz_memory *m = *state;
	uint8_t block[1000];
	struct jz_span s;

	for (unsigned i = 0; i < 300; i++) {
		memset(block, (int)i, sizeof(block));
		assert_int_equal(
		    jz_memory_chip.append(m, block, sizeof(block)), 0);
	}
	s = jz_memory_content(m);
	assert_int_equal(s.len, 300000);
	for (unsigned i = 0; i < 300; i++) {
		assert_int_equal(s.data[i * 1000], i & 0xFF);
		assert_int_equal(s.data[i * 1000 + 999], i & 0xFF);
	}
}

/* The system's time, or the one that a test has set. */
static void
the_clock_can_be_set(void **state)
{
	struct jz_memory *m = *state;
	int64_t before = (int64_t)time(NULL), utc = 0;

	assert_int_equal(jz_memory_chip.now(m, &utc), 0);
	assert_true(utc >= before && utc <= before + 60);
	jz_memory_set_time(m, 1700000000);
	assert_int_equal(jz_memory_chip.now(m, &utc), 0);
	assert_int_equal(utc, 1700000000);
	jz_memory_set_time(m, 0);
	assert_int_equal(jz_memory_chip.now(m, &utc), 0);
	assert_true(utc >= before);
}

static void
the_bare_chip_has_a_clock_alone(void **state)
{
	int64_t before = (int64_t)time(NULL), utc = 0, set = 0;

	(void)state;
	assert_null(jz_bare_chip.size);
	assert_null(jz_bare_chip.read);
	assert_null(jz_bare_chip.append);
	assert_null(jz_bare_chip.sync);
	assert_null(jz_bare_chip.replace);
	assert_int_equal(jz_bare_chip.now(NULL, &utc), 0);
	assert_true(utc >= before && utc <= before + 60);
	utc = 0;
	assert_int_equal(jz_bare_chip.now(&set, &utc), 0);
	assert_true(utc >= before && utc <= before + 60);
	set = 1768478400;
	assert_int_equal(jz_bare_chip.now(&set, &utc), 0);
	assert_true(utc == set);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(appends_add_to_the_end),
	    T(reads_end_with_the_content),
	    T(replace_takes_the_place_of_all),
	    T(content_can_be_rewound),
	    T(large_content_is_kept),
	    T(the_clock_can_be_set),
	    T(the_bare_chip_has_a_clock_alone),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
