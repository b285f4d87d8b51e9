/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card's storage when power, syncs and space fail: before or after, never
 * between.
 */
#include "log_bench.h"

/* ---- faults ------------------------------------------------------------- */

/* A commit costs one append and one sync, and so much more than its patch. */
static void
a_commit_is_one_append_and_one_sync(void **state)
{
	struct bench *b = *state;
	struct jz_fault_count before, after;

	make_card(b);
	before = jz_fault_counters(b->chip);
	assert_int_equal(commit(b, 0, 4, 1), 0);
	after = jz_fault_counters(b->chip);
	assert_int_equal(after.appends, before.appends + 1);
	assert_int_equal(after.syncs, before.syncs + 1);
	assert_int_equal(after.replaces, before.replaces);
	assert_int_equal(after.bytes, before.bytes + 48 + 4 + 8 + 4 + 16);
}

/* One commit with power failing; whether the image is then old or new. */
static bool
cut_commit(struct bench *b, uint64_t cut_after, uint64_t keep)
{
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
	uint8_t before[IMAGE_CAP], after[IMAGE_CAP];
	bool committed;

	plan.cut_after = cut_after;
	plan.keep = keep;
	memcpy(before, b->image, IMAGE_CAP);
	jz_fault_plan(b->chip, &plan);
	committed = commit(b, 100, 60, 0xC7) == 0;
	assert_int_equal(committed, !jz_fault_is_cut(b->chip));
	memcpy(after, b->image, IMAGE_CAP);
	if (!committed)
		assert_int_equal(commit(b, 0, 1, 1), JZ_ERR_CARD_DEAD);
	jz_fault_power_up(b->chip);
	assert_int_equal(reopen(b), 0);
	if (memcmp(b->image, after, IMAGE_CAP) == 0)
		return true;
	assert_memory_equal(b->image, before, IMAGE_CAP);
	assert_false(committed);
	return false;
}

/*
 * ALL-3: power cut after every byte of a commit, with every subset of the
 * sectors that it touches surviving.
 */
static void
a_power_cut_leaves_before_or_after(void **state)
{
	struct bench *b = *state;
	const uint64_t total = 48 + 4 + 8 + 60 + 16;
	unsigned old = 0, new = 0;

	make_card(b);
	/* The record shall cross from one sector into the next. */
	while (b->len / 512 == (b->len + total) / 512) {
		assert_int_equal(commit(b, 0, 1, 0x0F), 0);
		remember(b, 0);
	}
	for (uint64_t cut = 0; cut <= total + 1; cut++)
		for (uint64_t keep = 0; keep < 4; keep++) {
			assert_int_equal(open_copy(b, b->len), 0);
			if (cut_commit(b, cut, keep))
				new ++;
			else
				old++;
		}
	/* All of it written and kept; or written, synced, not cut. */
	assert_int_equal(new, 1 + 4);
	assert_int_equal(old, 4 * (total + 2) - 5);
}

/* ALL-3: a second cut, while the torn record of the first is folded away. */
static void
a_cut_while_folding_leaves_before_or_after(void **state)
{
	struct bench *b = *state;
	const uint64_t total = IMAGE_END;
	size_t torn;

	make_card(b);
	torn = b->len - 7;
	for (uint64_t cut = 0; cut <= total + 1; cut += 1) {
		bool new;

		assert_int_equal(open_copy(b, torn), 0);
		assert_opened(b, COMMITS - 1, true);
		new = cut_commit(b, cut, 0);
		assert_int_equal(new, cut >= total);
		/* And a third time, without a cut. */
		assert_int_equal(commit(b, 0, 2, 0x99), 0);
		assert_int_equal(reopen(b), 0);
		assert_int_equal(b->image[1], 0x99);
		assert_int_equal(b->image[100] == 0xC7, new);
	}
}

static void
a_failed_sync_ends_the_log(void **state)
{
	struct bench *b = *state;
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;

	make_card(b);
	plan.fail_sync = 1;
	jz_fault_plan(b->chip, &plan);
	assert_int_equal(commit(b, 0, 4, 1), JZ_ERR_CARD_STORAGE);
	assert_int_equal(commit(b, 0, 4, 2), JZ_ERR_CARD_DEAD);
	/* Power lost, the record was not synced: the state before. */
	plan.fail_sync = 0;
	plan.keep = 0;
	jz_fault_plan(b->chip, &plan);
	jz_fault_power_cut(b->chip);
	jz_fault_power_up(b->chip);
	assert_int_equal(reopen(b), 0);
	assert_opened(b, COMMITS, false);
}

/*
 * ALL-3: what an opening shows is durable.  A record written but not synced
 * (its writer was killed) is read, so it is synced before the card answers.
 */
static void
opening_syncs_what_it_reads(void **state)
{
	struct bench *b = *state;
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;

	make_card(b);
	plan.fail_sync = 1;
	jz_fault_plan(b->chip, &plan);
	assert_int_equal(commit(b, 0, 4, 1), JZ_ERR_CARD_STORAGE);
	plan.fail_sync = 0;
	plan.keep = 0;
	jz_fault_plan(b->chip, &plan);
	assert_int_equal(reopen(b), 0);
	assert_int_equal(b->image[0], 1);
	jz_fault_power_cut(b->chip);
	jz_fault_power_up(b->chip);
	assert_int_equal(reopen(b), 0);
	assert_int_equal(b->image[0], 1);
	/* A sync that fails is an opening that fails. */
	plan.fail_sync = 1;
	jz_fault_plan(b->chip, &plan);
	assert_refused(b, reopen(b), JZ_ERR_CARD_STORAGE);
}

/* A full disk: the commit fails, the card opens at the state before. */
static void
a_full_disk_loses_nothing(void **state)
{
	struct bench *b = *state;
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;

	make_card(b);
	for (unsigned room = 0; room < 48 + 4 + 8 + 60 + 16; room += 5) {
		assert_int_equal(open_copy(b, b->len), 0);
		plan.disk_bytes = b->len + room;
		jz_fault_plan(b->chip, &plan);
		assert_int_equal(commit(b, 100, 60, 0xC7), JZ_ERR_CARD_STORAGE);
		assert_int_equal(commit(b, 100, 60, 0xC7), JZ_ERR_CARD_DEAD);
		assert_int_equal(reopen(b), 0);
		assert_opened(b, COMMITS, room > 0);
	}
	/* No room to fold the torn record away: the old content stays. */
	assert_int_equal(commit(b, 100, 60, 0xC7), JZ_ERR_CARD_STORAGE);
	assert_int_equal(reopen(b), 0);
	assert_opened(b, COMMITS, true);
	/* Room again. */
	jz_fault_plan(b->chip, &JZ_FAULT_NO_PLAN);
	assert_int_equal(commit(b, 100, 60, 0xC7), 0);
	assert_int_equal(reopen(b), 0);
	assert_int_equal(b->image[159], 0xC7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_commit_is_one_append_and_one_sync),
	    T(a_power_cut_leaves_before_or_after),
	    T(a_cut_while_folding_leaves_before_or_after),
	    T(a_failed_sync_ends_the_log),
	    T(opening_syncs_what_it_reads),
	    T(a_full_disk_loses_nothing),
	};

	return cmocka_run_group_tests_name("log power", tests, NULL, NULL);
}
