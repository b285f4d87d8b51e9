/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store whose power fails on command does exactly what its plan says: the
 * power-cut tests are worth no more than this.
 */
#include "../../../applet/virtual/storage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../apdu/error.h"

#define SECTOR JZ_FAULT_SECTOR_BYTES

static int
setup(void **state)
{
	struct jz_fault *f = NULL;

	assert_int_equal(jz_fault_new(&f), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct jz_fault *f = *state;

	jz_fault_free(&f);
	assert_null(f);
	return 0;
}

static int
append(struct jz_fault *f, const char *text)
{
	return jz_fault_chip.append(f, text, strlen(text));
}

static int
replace(struct jz_fault *f, const char *text)
{
	struct jz_span s = jz_span(text, strlen(text));

	return jz_fault_chip.replace(f, &s, 1);
}

static void
assert_content(const struct jz_fault *f, const char *text)
{
	struct jz_span s = jz_fault_content(f);

	assert_int_equal(s.len, strlen(text));
	if (s.len > 0)
		assert_memory_equal(s.data, text, s.len);
}

static void
plan(struct jz_fault *f, uint64_t cut_after, uint64_t keep)
{
	struct jz_fault_plan p = JZ_FAULT_NO_PLAN;

	p.cut_after = cut_after;
	p.keep = keep;
	jz_fault_plan(f, &p);
}

static void
without_a_plan_nothing_fails(void **state)
{
	struct jz_fault *f = *state;
	uint64_t size = 0;
	char got[3];

	assert_int_equal(append(f, "abc"), 0);
	assert_int_equal(jz_fault_chip.sync(f), 0);
	assert_int_equal(append(f, "def"), 0);
	assert_int_equal(jz_fault_chip.size(f, &size), 0);
	assert_int_equal(size, 6);
	/* What is not synced is read all the same. */
	assert_int_equal(jz_fault_chip.read(f, 3, got, 3), 0);
	assert_memory_equal(got, "def", 3);
	assert_int_equal(replace(f, "new"), 0);
	assert_content(f, "new");
	assert_false(jz_fault_is_cut(f));
}

static void
everything_is_counted(void **state)
{
	struct jz_fault *f = *state;
	struct jz_fault_count c;

	append(f, "abc");
	append(f, "de");
	jz_fault_chip.sync(f);
	replace(f, "new!");
	plan(f, 1, 0);
	append(f, "xyz");
	c = jz_fault_counters(f);
	assert_int_equal(c.bytes, 3 + 2 + 4 + 1);
	assert_int_equal(c.appends, 3);
	assert_int_equal(c.syncs, 1);
	assert_int_equal(c.replaces, 1);
}

/* "abc" synced, then "defgh": power fails after each byte in turn. */
static void
power_fails_after_the_byte_of_the_plan(void **state)
{
	static const char all[] = "abcdefgh";
	struct jz_fault *f = *state;

	for (uint64_t cut = 0; cut <= 7; cut++) {
		char expected[9] = "";

		assert_int_equal(jz_fault_set(f, jz_span("abc", 3)), 0);
		plan(f, cut, UINT64_MAX);
		if (cut <= 2)
			assert_int_equal(append(f, "de"), JZ_ERR_CARD_STORAGE);
		else
			assert_int_equal(append(f, "de"), 0);
		if (cut <= 5)
			assert_int_equal(append(f, "fgh"), JZ_ERR_CARD_STORAGE);
		else
			assert_int_equal(append(f, "fgh"), 0);
		assert_int_equal(jz_fault_is_cut(f), cut <= 5);
		jz_fault_power_up(f);
		memcpy(expected, all, cut > 5 ? 8 : 3 + cut);
		assert_content(f, expected);
	}
}

static void
after_a_cut_every_call_fails(void **state)
{
	struct jz_fault *f = *state;
	uint64_t size = 0;
	int64_t utc = 0;
	char got[1];

	append(f, "abc");
	jz_fault_power_cut(f);
	assert_true(jz_fault_is_cut(f));
	assert_int_equal(jz_fault_chip.size(f, &size), JZ_ERR_CARD_STORAGE);
	assert_int_equal(jz_fault_chip.read(f, 0, got, 1), JZ_ERR_CARD_STORAGE);
	assert_int_equal(append(f, "d"), JZ_ERR_CARD_STORAGE);
	assert_int_equal(jz_fault_chip.sync(f), JZ_ERR_CARD_STORAGE);
	assert_int_equal(replace(f, "new"), JZ_ERR_CARD_STORAGE);
	assert_int_equal(jz_fault_chip.now(f, &utc), JZ_ERR_CARD_STORAGE);
	jz_fault_power_up(f);
	assert_int_equal(append(f, "d"), 0);
	assert_content(f, "abcd");
}

/*
 * 100 bytes are synced, 1500 are not: they stand in sectors 0 (its rest), 1,
 * 2 and 3.  Each subset of the four survives.
 */
static void
any_subset_of_unsynced_sectors_survives(void **state)
{
	struct jz_fault *f = *state;
	uint8_t old[100], new[1500];

	memset(old, 'o', sizeof(old));
	memset(new, 'n', sizeof(new));
	for (unsigned keep = 0; keep < 16; keep++) {
		struct jz_span s;
		size_t end = 100;

		assert_int_equal(jz_fault_set(f, jz_span(old, 100)), 0);
		plan(f, JZ_FAULT_NEVER, keep);
		assert_int_equal(jz_fault_chip.append(f, new, 1500), 0);
		jz_fault_power_cut(f);
		jz_fault_power_up(f);
		s = jz_fault_content(f);
		for (unsigned i = 0; i < 4; i++)
			if ((keep >> i & 1) != 0)
				end = i == 3 ? 1600 : (i + 1) * SECTOR;
		assert_int_equal(s.len, end);
		for (size_t i = 0; i < s.len; i++) {
			bool kept = (keep >> (i / SECTOR) & 1) != 0;

			assert_int_equal(s.data[i],
			    i < 100    ? 'o'
				: kept ? 'n'
				       : 0);
		}
	}
}

static void
what_is_synced_survives(void **state)
{
	struct jz_fault *f = *state;

	plan(f, JZ_FAULT_NEVER, 0);
	append(f, "abc");
	assert_int_equal(jz_fault_chip.sync(f), 0);
	append(f, "def");
	jz_fault_power_cut(f);
	jz_fault_power_up(f);
	assert_content(f, "abc");
}

/* Old content for a cut within its bytes, new for one at the last. */
static void
replace_is_atomic_and_durable(void **state)
{
	struct jz_fault *f = *state;

	for (uint64_t cut = 0; cut <= 5; cut++) {
		jz_fault_set(f, jz_span("old", 3));
		append(f, "!");
		jz_fault_chip.sync(f);
		plan(f, cut, 0);
		assert_int_equal(
		    replace(f, "new?"), cut <= 4 ? JZ_ERR_CARD_STORAGE : 0);
		jz_fault_power_cut(f);
		jz_fault_power_up(f);
		assert_content(f, cut < 4 ? "old!" : "new?");
	}
}

static void
the_sync_of_the_plan_fails(void **state)
{
	struct jz_fault *f = *state;
	struct jz_fault_plan p = JZ_FAULT_NO_PLAN;

	jz_fault_chip.sync(f);
	p.fail_sync = 2;
	p.keep = 0;
	jz_fault_plan(f, &p);
	append(f, "a");
	assert_int_equal(jz_fault_chip.sync(f), 0);
	append(f, "b");
	assert_int_equal(jz_fault_chip.sync(f), JZ_ERR_CARD_STORAGE);
	assert_content(f, "ab");
	jz_fault_power_cut(f);
	jz_fault_power_up(f);
	assert_content(f, "a");
	assert_int_equal(jz_fault_chip.sync(f), 0);
}

static void
the_disk_fills_up(void **state)
{
	struct jz_fault *f = *state;
	struct jz_fault_plan p = JZ_FAULT_NO_PLAN;

	p.disk_bytes = 8;
	jz_fault_plan(f, &p);
	assert_int_equal(append(f, "abc"), 0);
	/* A new file of 5 bytes stands beside the old one; one of 6 not. */
	assert_int_equal(replace(f, "123456"), JZ_ERR_CARD_STORAGE);
	assert_content(f, "abc");
	assert_int_equal(replace(f, "12345"), 0);
	/* A write that does not fit is cut short. */
	assert_int_equal(append(f, "6789"), JZ_ERR_CARD_STORAGE);
	assert_content(f, "12345678");
	assert_false(jz_fault_is_cut(f));
	assert_int_equal(append(f, "9"), JZ_ERR_CARD_STORAGE);
	assert_content(f, "12345678");
}

/* Two cuts, one after the other, each with its own plan. */
static void
power_can_fail_again(void **state)
{
	struct jz_fault *f = *state;

	plan(f, 2, UINT64_MAX);
	assert_int_equal(append(f, "abc"), JZ_ERR_CARD_STORAGE);
	jz_fault_power_up(f);
	assert_content(f, "ab");
	plan(f, 1, UINT64_MAX);
	assert_int_equal(append(f, "xyz"), JZ_ERR_CARD_STORAGE);
	jz_fault_power_up(f);
	assert_content(f, "abx");
	assert_int_equal(append(f, "yz"), 0);
	assert_content(f, "abxyz");
}

static void
the_clock_can_be_set(void **state)
{
	struct jz_fault *f = *state;
	int64_t utc = 0;

	jz_fault_set_time(f, 1700000000);
	assert_int_equal(jz_fault_chip.now(f, &utc), 0);
	assert_int_equal(utc, 1700000000);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(without_a_plan_nothing_fails),
	    T(everything_is_counted),
	    T(power_fails_after_the_byte_of_the_plan),
	    T(after_a_cut_every_call_fails),
	    T(any_subset_of_unsynced_sectors_survives),
	    T(what_is_synced_survives),
	    T(replace_is_atomic_and_durable),
	    T(the_sync_of_the_plan_fails),
	    T(the_disk_fills_up),
	    T(power_can_fail_again),
	    T(the_clock_can_be_set),
	};

	return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
