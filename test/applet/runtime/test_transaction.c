/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions: what is written is durable all at once or not at all, and a
 * handler sees what it has written.
 */
#include "../../support/cardrig.h"
#include "../../../apdu/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_BYTES 4096u

struct note_nvm {
	struct jz_nvm_head head;
	uint8_t text[TEXT_BYTES];
	uint32_t number;
	uint8_t reserved[4];
};

/* begin, write 01 to the first byte, and leave: whatever the command. */
static uint16_t
leave_open(struct jz_applet *self)
{
	const struct note_nvm *n = self->nvm;

	jz_begin(self);
	jz_write_u8(self, n->text, 1);
	return JZ_SW_OK;
}

static uint16_t
note_process(struct jz_applet *self, struct jz_apdu *apdu)
{
	(void)apdu;
	return leave_open(self);
}

static uint16_t
note_select(struct jz_applet *self, struct jz_apdu *apdu)
{
	(void)apdu;
	return leave_open(self);
}

static void
note_deselect(struct jz_applet *self)
{
	leave_open(self);
}

static const struct jz_applet_class NOTE = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "note",
    .aid = {6, {0xF0, 'N', 'O', 'T', 'E', 1}},
    .nvm_bytes = sizeof(struct note_nvm),
    .select = note_select,
    .deselect = note_deselect,
    .process = note_process,
};
static const struct jz_applet_class OTHER = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "other",
    .aid = {6, {0xF0, 'N', 'O', 'T', 'E', 2}},
    .nvm_bytes = sizeof(struct note_nvm),
    .process = note_process,
};
static const struct jz_applet_class *const CLASSES[] = {&NOTE, &OTHER};
static const char SELECT_NOTE[] = "00A4040006 F04E4F544501 00";
static const char SELECT_UNKNOWN[] = "00A4040006 F04E4F5445FF 00";

struct fixture {
	struct rig rig;
	struct rig_card *card;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	rig_new(&f->rig);
	f->card = rig_card_new(&f->rig, CLASSES, 2, true);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	rig_card_free(&f->card);
	rig_free(&f->rig);
	free(f);
	return 0;
}

static struct rig_card *
card_of(void **state)
{
	const struct fixture *f = *state;

	return f->card;
}

static struct jz_applet *
note(struct rig_card *c)
{
	return &c->card.applet[0];
}

static const struct note_nvm *
nvm(struct rig_card *c)
{
	return (const struct note_nvm *)note(c)->nvm;
}

static void
test_a_single_write_is_durable_when_it_returns(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(jz_write_u32(note(c), &nvm(c)->number, 7), 0);
	assert_int_equal(nvm(c)->number, 7);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(nvm(c)->number, 7);
}

static void
test_reads_inside_a_transaction_see_the_new_values(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(jz_begin(note(c)), 0);
	assert_true(jz_in_transaction(note(c)));
	assert_int_equal(jz_write_u32(note(c), &nvm(c)->number, 7), 0);
	assert_int_equal(nvm(c)->number, 7);
	assert_int_equal(
	    jz_write_u32(note(c), &nvm(c)->number, nvm(c)->number + 1), 0);
	assert_int_equal(nvm(c)->number, 8);
	assert_int_equal(jz_commit(note(c)), 0);
	assert_false(jz_in_transaction(note(c)));
	assert_int_equal(nvm(c)->number, 8);
}

static void
test_abort_puts_overlapping_writes_back(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t before[32];

	jz_fill(note(c), nvm(c)->text, 'a', 32);
	rig_hash(c, before);
	jz_begin(note(c));
	jz_write(note(c), nvm(c)->text, "0123456789", 10);
	jz_write(note(c), nvm(c)->text + 5, "ABCDEFGHIJ", 10);
	jz_write(note(c), nvm(c)->text + 3, "xyz", 3);
	assert_memory_equal(nvm(c)->text, "012xyzBCDEFGHIJaaa", 18);
	assert_int_equal(jz_abort(note(c)), 0);
	assert_false(jz_in_transaction(note(c)));
	assert_memory_equal(nvm(c)->text, "aaaaaaaaaaaaaaaaaa", 18);
	{
		uint8_t after[32];

		rig_hash(c, after);
		assert_memory_equal(before, after, 32);
	}
}

static void
test_a_commit_is_one_append_and_one_sync(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_fault_count was = jz_fault_counters(c->fault), is;

	jz_begin(note(c));
	for (unsigned i = 0; i < 10; i++)
		jz_write_u8(note(c), nvm(c)->text + 100 * i, 1);
	assert_int_equal(jz_fault_counters(c->fault).bytes, was.bytes);
	assert_int_equal(jz_commit(note(c)), 0);
	is = jz_fault_counters(c->fault);
	assert_int_equal(is.appends, was.appends + 1);
	assert_int_equal(is.syncs, was.syncs + 1);
	assert_int_equal(is.replaces, was.replaces);
}

static void
test_a_commit_of_nothing_writes_nothing(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_fault_count was = jz_fault_counters(c->fault);

	jz_begin(note(c));
	assert_int_equal(jz_write(note(c), nvm(c)->text, NULL, 0), 0);
	assert_int_equal(jz_commit(note(c)), 0);
	assert_int_equal(jz_fault_counters(c->fault).bytes, was.bytes);
}

static void
test_what_was_not_committed_is_gone_after_a_power_cut(void **state)
{
	struct rig_card *c = card_of(state);

	jz_begin(note(c));
	jz_write_u32(note(c), &nvm(c)->number, 7);
	assert_int_equal(rig_reopen(c), 0);
	assert_false(jz_in_transaction(note(c)));
	assert_int_equal(nvm(c)->number, 0);
}

static void
test_reset_rolls_back(void **state)
{
	struct rig_card *c = card_of(state);

	jz_begin(note(c));
	jz_write_u32(note(c), &nvm(c)->number, 7);
	jz_card_reset(&c->card);
	assert_false(jz_in_transaction(note(c)));
	assert_int_equal(nvm(c)->number, 0);
}

static void
test_process_that_returns_without_commit_is_rolled_back(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(port_hex(&c->port, SELECT_NOTE, NULL), JZ_SW_OK);
	assert_int_equal(port_hex(&c->port, "00100000", NULL), JZ_SW_OK);
	assert_false(jz_in_transaction(note(c)));
	assert_int_equal(nvm(c)->text[0], 0);
}

static void
test_select_that_returns_without_commit_is_rolled_back(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(port_hex(&c->port, SELECT_NOTE, NULL), JZ_SW_OK);
	assert_false(jz_in_transaction(note(c)));
	assert_int_equal(nvm(c)->text[0], 0);
	/* Selected again: deselect leaves one open too. */
	assert_int_equal(port_hex(&c->port, SELECT_NOTE, NULL), JZ_SW_OK);
	assert_false(jz_in_transaction(note(c)));
	assert_int_equal(nvm(c)->text[0], 0);
}

/* A SELECT of an unknown name goes to the selected applet's process. */
static void
test_an_unknown_name_given_to_the_applet_is_rolled_back(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(port_hex(&c->port, SELECT_NOTE, NULL), JZ_SW_OK);
	assert_int_equal(port_hex(&c->port, SELECT_UNKNOWN, NULL), JZ_SW_OK);
	assert_false(jz_in_transaction(note(c)));
	assert_int_equal(nvm(c)->text[0], 0);
}

static void
test_begin_commit_abort_out_of_order_are_refused(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(jz_commit(note(c)), JZ_ERR_STATE);
	assert_int_equal(jz_abort(note(c)), JZ_ERR_STATE);
	assert_int_equal(jz_begin(note(c)), 0);
	assert_int_equal(jz_begin(note(c)), JZ_ERR_STATE);
	jz_write_u32(note(c), &nvm(c)->number, 7);
	assert_int_equal(jz_commit(note(c)), 0);
	assert_int_equal(jz_commit(note(c)), JZ_ERR_STATE);
	assert_int_equal(nvm(c)->number, 7);
}

/* The card lives on after a refused commit, and nothing was changed. */
static void
check_refused_commit(struct rig_card *c, int error, const uint8_t *before)
{
	uint8_t after[32];

	assert_int_equal(jz_commit(note(c)), error);
	assert_false(jz_in_transaction(note(c)));
	rig_hash(c, after);
	assert_memory_equal(after, before, 32);
	assert_int_equal(jz_write_u8(note(c), nvm(c)->text, 'z'), 0);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(nvm(c)->text[0], 'z');
}

static void
test_more_patches_than_fit_are_refused_and_change_nothing(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t before[32];

	rig_hash(c, before);
	jz_begin(note(c));
	for (unsigned i = 0; i < JZ_JOURNAL_PATCHES; i++)
		assert_int_equal(
		    jz_write_u8(note(c), nvm(c)->text + i, 'x'), 0);
	assert_int_equal(
	    jz_write_u8(note(c), nvm(c)->text + 100, 'x'), JZ_ERR_CARD_FULL);
	assert_int_equal(nvm(c)->text[100], 0);
	/* Sticky: what comes after fails too, so that commit alone counts. */
	assert_int_equal(
	    jz_write_u8(note(c), nvm(c)->text, 'x'), JZ_ERR_CARD_FULL);
	check_refused_commit(c, JZ_ERR_CARD_FULL, before);
}

static void
test_as_many_patches_as_fit_are_committed(void **state)
{
	struct rig_card *c = card_of(state);

	jz_begin(note(c));
	for (unsigned i = 0; i < JZ_JOURNAL_PATCHES; i++)
		jz_write_u8(note(c), nvm(c)->text + i, 'x');
	assert_int_equal(jz_commit(note(c)), 0);
	assert_int_equal(rig_reopen(c), 0);
	for (unsigned i = 0; i < JZ_JOURNAL_PATCHES; i++)
		assert_int_equal(nvm(c)->text[i], 'x');
}

static void
test_more_bytes_than_fit_are_refused_and_change_nothing(void **state)
{
	static const uint8_t big[JZ_JOURNAL_BYTES + 1] = {1, 2, 3};
	struct rig_card *c = card_of(state);
	uint8_t before[32];

	rig_hash(c, before);
	jz_begin(note(c));
	assert_int_equal(jz_commit_capacity_left(note(c)), JZ_JOURNAL_BYTES);
	jz_write(note(c), nvm(c)->text, big, JZ_JOURNAL_BYTES);
	assert_int_equal(jz_commit_capacity_left(note(c)), 0);
	assert_int_equal(
	    jz_write_u8(note(c), nvm(c)->text, 9), JZ_ERR_CARD_FULL);
	check_refused_commit(c, JZ_ERR_CARD_FULL, before);
}

static void
test_as_many_bytes_as_fit_are_committed(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t big[JZ_JOURNAL_BYTES];

	memset(big, 0xA5, sizeof(big));
	assert_int_equal(jz_write(note(c), nvm(c)->text, big, sizeof(big)), 0);
	assert_int_equal(rig_reopen(c), 0);
	assert_memory_equal(nvm(c)->text, big, sizeof(big));
}

static void
test_one_write_longer_than_a_commit_is_refused(void **state)
{
	static const uint8_t big[JZ_JOURNAL_BYTES + 1] = {1, 2, 3};
	struct rig_card *c = card_of(state);
	uint8_t before[32];

	rig_hash(c, before);
	assert_int_equal(jz_write(note(c), nvm(c)->text, big, sizeof(big)),
	    JZ_ERR_CARD_FULL);
	assert_int_equal(nvm(c)->text[0], 0);
	jz_begin(note(c));
	jz_write(note(c), nvm(c)->text, big, sizeof(big));
	check_refused_commit(c, JZ_ERR_CARD_FULL, before);
}

static void
test_a_write_outside_the_own_region_is_refused(void **state)
{
	struct rig_card *c = card_of(state);
	const uint8_t *from = note(c)->nvm;
	const uint8_t *end = from + sizeof(struct note_nvm);
	const uint8_t *other = c->card.applet[1].nvm;
	const struct {
		const uint8_t *dst;
		size_t len;
	} cases[] = {
	    {from, 1}, /* the head is the runtime's */
	    {from + sizeof(struct jz_nvm_head) - 1, 1},
	    {from + sizeof(struct jz_nvm_head) - 1, 2},
	    {from - 1, 1},
	    {c->nvm, 4},
	    {end, 1},
	    {end - 1, 2},
	    {from + sizeof(struct jz_nvm_head), SIZE_MAX},
	    {from + sizeof(struct jz_nvm_head), sizeof(struct note_nvm)},
	    {other + sizeof(struct jz_nvm_head), 1},
	};
	static const uint8_t ones[sizeof(struct note_nvm)] = {1, 1, 1, 1};
	uint8_t before[32], after[32];

	rig_hash(c, before);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		    jz_write(note(c), cases[i].dst, ones, cases[i].len),
		    JZ_ERR_ARGUMENT);
		assert_int_equal(
		    jz_write_now(note(c), cases[i].dst, ones, cases[i].len),
		    JZ_ERR_ARGUMENT);
		rig_hash(c, after);
		assert_memory_equal(before, after, 32);
	}
	assert_int_equal(jz_write_u8(note(c), end - 1, 1), 0);
}

static void
test_a_write_outside_the_region_spoils_the_transaction(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t before[32];

	rig_hash(c, before);
	jz_begin(note(c));
	jz_write_u32(note(c), &nvm(c)->number, 7);
	jz_write_u8(note(c), c->nvm, 1);
	check_refused_commit(c, JZ_ERR_ARGUMENT, before);
}

static void
test_fill_writes_every_byte_and_no_more(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(jz_fill(note(c), nvm(c)->text + 1, 0xAB, 200), 0);
	assert_int_equal(nvm(c)->text[0], 0);
	for (unsigned i = 1; i <= 200; i++)
		assert_int_equal(nvm(c)->text[i], 0xAB);
	assert_int_equal(nvm(c)->text[201], 0);
}

static void
test_write_now_survives_abort(void **state)
{
	struct rig_card *c = card_of(state);

	jz_begin(note(c));
	jz_write_u32(note(c), &nvm(c)->number, 7);
	assert_int_equal(jz_write_now(note(c), nvm(c)->text, "now", 3), 0);
	assert_int_equal(nvm(c)->number, 7);
	assert_memory_equal(nvm(c)->text, "now", 3);
	jz_abort(note(c));
	assert_int_equal(nvm(c)->number, 0);
	assert_memory_equal(nvm(c)->text, "now", 3);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(nvm(c)->number, 0);
	assert_memory_equal(nvm(c)->text, "now", 3);
}

/* The same bytes written before, now, and after, in one transaction. */
static void
overlap(struct rig_card *c)
{
	jz_fill(note(c), nvm(c)->text, '.', 16);
	jz_begin(note(c));
	jz_write(note(c), nvm(c)->text, "aaaa", 4);
	jz_write(note(c), nvm(c)->text + 2, "bbbb", 4);
	assert_int_equal(jz_write_now(note(c), nvm(c)->text + 3, "NN", 2), 0);
	assert_memory_equal(nvm(c)->text, "aabNNb..", 8);
}

static void
test_write_now_over_written_bytes_survives_abort(void **state)
{
	struct rig_card *c = card_of(state);

	overlap(c);
	jz_abort(note(c));
	assert_memory_equal(nvm(c)->text, "...NN...", 8);
	assert_int_equal(rig_reopen(c), 0);
	assert_memory_equal(nvm(c)->text, "...NN...", 8);
}

static void
test_write_now_over_written_bytes_and_commit(void **state)
{
	struct rig_card *c = card_of(state);

	overlap(c);
	jz_write(note(c), nvm(c)->text + 4, "z", 1);
	assert_int_equal(jz_commit(note(c)), 0);
	assert_memory_equal(nvm(c)->text, "aabNzb..", 8);
	assert_int_equal(rig_reopen(c), 0);
	assert_memory_equal(nvm(c)->text, "aabNzb..", 8);
}

static void
test_write_now_alone_is_kept_by_a_power_cut(void **state)
{
	struct rig_card *c = card_of(state);

	overlap(c);
	jz_fault_power_cut(c->fault);
	assert_int_equal(rig_reopen(c), 0);
	assert_memory_equal(nvm(c)->text, "...NN...", 8);
}

static void
test_write_now_longer_than_a_counter_is_refused(void **state)
{
	static const uint8_t long_value[JZ_PIN_MAX + 1] = {1};
	struct rig_card *c = card_of(state);

	assert_int_equal(
	    jz_write_now(note(c), nvm(c)->text, long_value, sizeof(long_value)),
	    JZ_ERR_ARGUMENT);
	assert_int_equal(nvm(c)->text[0], 0);
}

/* Fills the log until the next commit must write the whole image. */
static void
fill_log(struct rig_card *c)
{
	static const uint8_t big[JZ_JOURNAL_BYTES] = {0};

	while (JZ_LOG_FOLD_BYTES - c->card.log.log_bytes > sizeof(big) + 200)
		assert_int_equal(
		    jz_write(note(c), nvm(c)->text + 1024, big, sizeof(big)),
		    0);
	while (JZ_LOG_FOLD_BYTES - c->card.log.log_bytes >= 100)
		assert_int_equal(
		    jz_write_u8(note(c), nvm(c)->text + 1024, 0), 0);
}

/* A fold stores the whole image: the open transaction must not be in it. */
static void
test_write_now_with_a_fold_stores_nothing_else(void **state)
{
	struct rig_card *c = card_of(state);
	uint64_t folds;

	fill_log(c);
	folds = jz_fault_counters(c->fault).replaces;
	jz_begin(note(c));
	jz_write_u32(note(c), &nvm(c)->number, 7);
	assert_int_equal(
	    jz_write_now(note(c), nvm(c)->text, "0123456789ABCDEF", 16), 0);
	assert_int_equal(jz_fault_counters(c->fault).replaces, folds + 1);
	assert_int_equal(nvm(c)->number, 7);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(nvm(c)->number, 0);
	assert_memory_equal(nvm(c)->text, "0123456789ABCDEF", 16);
}

static void
test_a_fold_keeps_the_state_and_empties_the_log(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t before[32], after[32];
	uint64_t folds;

	fill_log(c);
	folds = jz_fault_counters(c->fault).replaces;
	jz_begin(note(c));
	jz_write_u32(note(c), &nvm(c)->number, 7);
	jz_fill(note(c), nvm(c)->text, 'f', 64);
	assert_int_equal(jz_commit(note(c)), 0);
	assert_int_equal(jz_fault_counters(c->fault).replaces, folds + 1);
	assert_int_equal(c->card.log.log_bytes, 0);
	rig_hash(c, before);
	assert_int_equal(rig_reopen(c), 0);
	rig_hash(c, after);
	assert_memory_equal(before, after, 32);
}

/* Three writes in one commit, the power cut at every byte. */
static void
test_a_cut_at_any_byte_leaves_all_or_nothing(void **state)
{
	struct rig_card *c = card_of(state);
	struct rig_snapshot *s = rig_save(c);
	bool done = false, seen_old = false;

	for (uint64_t at = 0; !done; at++) {
		struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
		bool last;

		rig_restore(c, s);
		plan.cut_after = at;
		jz_fault_plan(c->fault, &plan);
		jz_begin(note(c));
		jz_write_u32(note(c), &nvm(c)->number, 7);
		jz_write(note(c), nvm(c)->text, "text", 4);
		jz_write(note(c), nvm(c)->text + 2000, "more", 4);
		done = jz_commit(note(c)) == 0;
		assert_int_equal(done, !jz_fault_is_cut(c->fault));
		assert_int_equal(rig_reopen(c), 0);
		last = nvm(c)->number == 7;
		assert_true(last || !done);
		seen_old = seen_old || !last;
		assert_memory_equal(
		    nvm(c)->text, last ? "text" : "\0\0\0\0", 4);
		assert_memory_equal(
		    nvm(c)->text + 2000, last ? "more" : "\0\0\0\0", 4);
	}
	assert_true(seen_old);
	rig_snapshot_free(&s);
}

static void
test_after_a_failed_sync_the_card_is_dead_until_opened(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;

	plan.fail_sync = 1;
	jz_fault_plan(c->fault, &plan);
	assert_int_equal(
	    jz_write_u32(note(c), &nvm(c)->number, 7), JZ_ERR_CARD_STORAGE);
	assert_int_equal(jz_begin(note(c)), JZ_ERR_CARD_DEAD);
	assert_int_equal(
	    jz_write_u32(note(c), &nvm(c)->number, 8), JZ_ERR_CARD_DEAD);
	assert_int_equal(
	    jz_write_now(note(c), nvm(c)->text, "x", 1), JZ_ERR_CARD_DEAD);
	assert_int_equal(rig_reopen(c), 0);
	assert_true(nvm(c)->number == 0 || nvm(c)->number == 7);
	assert_int_equal(jz_write_u32(note(c), &nvm(c)->number, 9), 0);
}

static void
test_a_full_disk_kills_the_card_and_changes_nothing(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;

	plan.disk_bytes = jz_fault_content(c->fault).len + 20;
	jz_fault_plan(c->fault, &plan);
	assert_int_equal(
	    jz_write_u32(note(c), &nvm(c)->number, 7), JZ_ERR_CARD_STORAGE);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(nvm(c)->number, 0);
}

static void
test_errors_have_status_words(void **state)
{
	(void)state;
	assert_int_equal(jz_runtime_status(0), JZ_SW_OK);
	assert_int_equal(jz_runtime_status(JZ_ERR_CARD_FULL), JZ_SW_SPACE);
	assert_int_equal(
	    jz_runtime_status(JZ_ERR_CARD_DEAD), JZ_SW_MEMORY_FAILURE);
	assert_int_equal(
	    jz_runtime_status(JZ_ERR_CARD_STORAGE), JZ_SW_MEMORY_FAILURE);
	assert_int_equal(jz_runtime_status(JZ_ERR_ARGUMENT), JZ_SW_UNKNOWN);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_single_write_is_durable_when_it_returns),
	    TEST(test_reads_inside_a_transaction_see_the_new_values),
	    TEST(test_abort_puts_overlapping_writes_back),
	    TEST(test_a_commit_is_one_append_and_one_sync),
	    TEST(test_a_commit_of_nothing_writes_nothing),
	    TEST(test_what_was_not_committed_is_gone_after_a_power_cut),
	    TEST(test_reset_rolls_back),
	    TEST(test_process_that_returns_without_commit_is_rolled_back),
	    TEST(test_select_that_returns_without_commit_is_rolled_back),
	    TEST(test_an_unknown_name_given_to_the_applet_is_rolled_back),
	    TEST(test_begin_commit_abort_out_of_order_are_refused),
	    TEST(test_more_patches_than_fit_are_refused_and_change_nothing),
	    TEST(test_as_many_patches_as_fit_are_committed),
	    TEST(test_more_bytes_than_fit_are_refused_and_change_nothing),
	    TEST(test_as_many_bytes_as_fit_are_committed),
	    TEST(test_one_write_longer_than_a_commit_is_refused),
	    TEST(test_a_write_outside_the_own_region_is_refused),
	    TEST(test_a_write_outside_the_region_spoils_the_transaction),
	    TEST(test_fill_writes_every_byte_and_no_more),
	    TEST(test_write_now_survives_abort),
	    TEST(test_write_now_over_written_bytes_survives_abort),
	    TEST(test_write_now_over_written_bytes_and_commit),
	    TEST(test_write_now_alone_is_kept_by_a_power_cut),
	    TEST(test_write_now_longer_than_a_counter_is_refused),
	    TEST(test_write_now_with_a_fold_stores_nothing_else),
	    TEST(test_a_fold_keeps_the_state_and_empties_the_log),
	    TEST(test_a_cut_at_any_byte_leaves_all_or_nothing),
	    TEST(test_after_a_failed_sync_the_card_is_dead_until_opened),
	    TEST(test_a_full_disk_kills_the_card_and_changes_nothing),
	    TEST(test_errors_have_status_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
