/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes beside a transaction (Util.arrayCopyNonAtomic): durable at once, kept
 * when it rolls back, and nothing of the transaction goes with them.
 */
#include "card_bench.h"

#define TEXT_BYTES 4096u
#define PIECE	   JZ_NONATOMIC_BYTES

struct note_nvm {
	struct jz_nvm_head head;
	uint8_t text[TEXT_BYTES];
	uint32_t number;
	uint8_t reserved[4];
};

static uint16_t
note_process(struct jz_applet *self, struct jz_apdu *apdu)
{
	(void)self;
	(void)apdu;
	return JZ_SW_OK;
}

static const struct jz_applet_class NOTE = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "note",
    .aid = {6, {0xF0, 'N', 'O', 'T', 'E', 1}},
    .nvm_bytes = sizeof(struct note_nvm),
    .process = note_process,
};
static const struct jz_applet_class *const CLASSES[] = {&NOTE};

static int
setup(void **state)
{
	return bench_new(state, CLASSES, 1);
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

/* TEXT_BYTES of a pattern without a period that a piece could hide. */
static const uint8_t *
pattern(void)
{
	static uint8_t bytes[TEXT_BYTES];

	for (unsigned i = 0; i < TEXT_BYTES; i++)
		bytes[i] = (uint8_t)(1 + i % 251);
	return bytes;
}

static void
test_any_length_is_written(void **state)
{
	static const size_t lengths[] = {0, 1, PIECE - 1, PIECE, PIECE + 1,
	    3 * PIECE, 3 * PIECE + 7, JZ_JOURNAL_BYTES + 1, TEXT_BYTES};
	struct rig_card *c = card_of(state);

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t n = lengths[i];

		for (unsigned inside = 0; inside < 2; inside++) {
			assert_int_equal(
			    jz_write_nonatomic(note(c), nvm(c)->text,
				(const uint8_t[TEXT_BYTES]){0}, TEXT_BYTES),
			    0);
			if (inside != 0)
				assert_int_equal(jz_begin(note(c)), 0);
			assert_int_equal(jz_write_nonatomic(note(c),
					     nvm(c)->text, pattern(), n),
			    0);
			if (inside != 0)
				assert_int_equal(jz_abort(note(c)), 0);
			assert_int_equal(rig_reopen(c), 0);
			assert_memory_equal(nvm(c)->text, pattern(), n);
			assert_true(n == TEXT_BYTES || nvm(c)->text[n] == 0);
		}
	}
}

static void
test_each_piece_is_one_commit(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_fault_count was, is;

	for (unsigned inside = 0; inside < 2; inside++) {
		was = jz_fault_counters(c->fault);
		if (inside != 0)
			jz_begin(note(c));
		jz_write_nonatomic(
		    note(c), nvm(c)->text, pattern(), 2 * PIECE + 1);
		is = jz_fault_counters(c->fault);
		assert_int_equal(is.appends, was.appends + 3);
		assert_int_equal(is.syncs, was.syncs + 3);
	}
}

/* The same bytes written before, beside and after, in one transaction. */
static void
overlap(struct rig_card *c)
{
	jz_fill(note(c), nvm(c)->text, '.', 600);
	jz_begin(note(c));
	jz_fill(note(c), nvm(c)->text, 'a', 300);
	jz_fill(note(c), nvm(c)->text + 250, 'b', 300);
	assert_int_equal(
	    jz_write_nonatomic(note(c), nvm(c)->text + 200, pattern(), 320), 0);
	assert_memory_equal(nvm(c)->text + 200, pattern(), 320);
	assert_int_equal(nvm(c)->text[199], 'a');
	assert_int_equal(nvm(c)->text[520], 'b');
}

static void
check_kept(struct rig_card *c)
{
	for (unsigned i = 0; i < 600; i++)
		assert_int_equal(nvm(c)->text[i],
		    i >= 200 && i < 520 ? pattern()[i - 200] : '.');
}

static void
test_it_is_kept_when_the_transaction_rolls_back(void **state)
{
	struct rig_card *c = card_of(state);

	overlap(c);
	jz_abort(note(c));
	check_kept(c);
	assert_int_equal(rig_reopen(c), 0);
	check_kept(c);
}

static void
test_it_is_kept_when_power_is_lost_in_the_transaction(void **state)
{
	struct rig_card *c = card_of(state);

	overlap(c);
	assert_int_equal(rig_reopen(c), 0);
	check_kept(c);
}

static void
test_later_writes_of_the_transaction_come_over_it(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t expected[600];

	overlap(c);
	jz_fill(note(c), nvm(c)->text + 210, 'z', 20);
	memset(expected, 'a', 200);
	memcpy(expected + 200, pattern(), 320);
	memset(expected + 210, 'z', 20);
	memset(expected + 520, 'b', 30);
	memset(expected + 550, '.', 50);
	assert_memory_equal(nvm(c)->text, expected, sizeof(expected));
	assert_int_equal(jz_commit(note(c)), 0);
	assert_memory_equal(nvm(c)->text, expected, sizeof(expected));
	assert_int_equal(rig_reopen(c), 0);
	assert_memory_equal(nvm(c)->text, expected, sizeof(expected));
}

static void
test_the_source_may_be_written_in_the_same_transaction(void **state)
{
	struct rig_card *c = card_of(state);

	jz_begin(note(c));
	jz_write(note(c), nvm(c)->text, "new bytes", 9);
	assert_int_equal(
	    jz_write_nonatomic(note(c), nvm(c)->text + 100, nvm(c)->text, 9),
	    0);
	jz_abort(note(c));
	assert_memory_equal(nvm(c)->text, "\0\0\0\0\0\0\0\0\0", 9);
	assert_memory_equal(nvm(c)->text + 100, "new bytes", 9);
}

/* As if by way of a copy, in both directions. */
static void
test_overlapping_source_and_destination(void **state)
{
	struct rig_card *c = card_of(state);
	const uint8_t *text = nvm(c)->text;
	const size_t n = 3 * PIECE + 5;

	for (unsigned inside = 0; inside < 2; inside++) {
		jz_write_nonatomic(note(c), text, pattern(), n + 600);
		if (inside != 0)
			jz_begin(note(c));
		assert_int_equal(
		    jz_write_nonatomic(note(c), text + 100, text, n), 0);
		assert_memory_equal(text + 100, pattern(), n);
		assert_memory_equal(text, pattern(), 100);
		assert_int_equal(
		    jz_write_nonatomic(note(c), text, text + 100, n), 0);
		assert_memory_equal(text, pattern(), n);
		assert_int_equal(jz_write_nonatomic(note(c), text, text, n), 0);
		assert_memory_equal(text, pattern(), n);
		if (inside != 0)
			jz_abort(note(c));
		assert_memory_equal(text, pattern(), n);
	}
}

/* A fold in the middle of it stores the image: without the transaction. */
static void
test_a_fold_beside_a_transaction_stores_nothing_of_it(void **state)
{
	struct rig_card *c = card_of(state);
	uint64_t folds;

	fill_log(c, note(c), nvm(c)->text + 4000);
	folds = jz_fault_counters(c->fault).replaces;
	jz_begin(note(c));
	jz_write_u32(note(c), &nvm(c)->number, 7);
	jz_fill(note(c), nvm(c)->text, 'a', 500);
	assert_int_equal(
	    jz_write_nonatomic(note(c), nvm(c)->text + 400, pattern(), 700), 0);
	assert_int_equal(jz_fault_counters(c->fault).replaces, folds + 1);
	assert_int_equal(nvm(c)->number, 7);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(nvm(c)->number, 0);
	assert_int_equal(nvm(c)->text[399], 0);
	assert_memory_equal(nvm(c)->text + 400, pattern(), 700);
}

/*
 * proves: ALL-3.  The power is cut at every byte of a write beside a
 * transaction: its pieces are there from the first to some one, each whole,
 * and the transaction is not.
 */
static void
test_a_cut_at_any_byte_leaves_whole_pieces_and_no_transaction(void **state)
{
	const size_t n = 3 * PIECE + 9;
	struct rig_card *c = card_of(state);
	struct rig_snapshot *s = rig_save(c);
	unsigned seen[5] = {0};
	bool done = false;

	for (uint64_t at = 0; !done; at++) {
		size_t kept = 0, pieces;

		rig_restore(c, s);
		fault(c, at, at % 3);
		jz_begin(note(c));
		jz_write_u32(note(c), &nvm(c)->number, 7);
		jz_fill(note(c), nvm(c)->text + 200, 0xFF, 200);
		done = jz_write_nonatomic(
			   note(c), nvm(c)->text, pattern(), n) == 0;
		assert_int_equal(done, !jz_fault_is_cut(c->fault));
		assert_int_equal(rig_reopen(c), 0);
		assert_int_equal(nvm(c)->number, 0);
		while (kept < n && nvm(c)->text[kept] == pattern()[kept])
			kept++;
		assert_true(kept == n || kept % PIECE == 0);
		for (size_t i = kept; i < TEXT_BYTES; i++)
			assert_int_equal(nvm(c)->text[i], 0);
		pieces = (kept + PIECE - 1) / PIECE;
		seen[pieces]++;
	}
	for (unsigned i = 0; i < 5; i++)
		assert_true(seen[i] > 0);
	rig_snapshot_free(&s);
}

static void
test_a_failed_write_beside_kills_the_card_and_rolls_back(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;

	jz_begin(note(c));
	jz_write_u32(note(c), &nvm(c)->number, 7);
	plan.fail_sync = 2;
	jz_fault_plan(c->fault, &plan);
	assert_int_equal(
	    jz_write_nonatomic(note(c), nvm(c)->text, pattern(), 3 * PIECE),
	    JZ_ERR_CARD_STORAGE);
	assert_int_equal(jz_write_nonatomic(note(c), nvm(c)->text, "a", 1),
	    JZ_ERR_CARD_DEAD);
	assert_int_equal(jz_commit(note(c)), JZ_ERR_CARD_DEAD);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(nvm(c)->number, 0);
	assert_memory_equal(nvm(c)->text, pattern(), PIECE);
	assert_int_equal(nvm(c)->text[2 * PIECE], 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_any_length_is_written),
	    T(test_each_piece_is_one_commit),
	    T(test_it_is_kept_when_the_transaction_rolls_back),
	    T(test_it_is_kept_when_power_is_lost_in_the_transaction),
	    T(test_later_writes_of_the_transaction_come_over_it),
	    T(test_the_source_may_be_written_in_the_same_transaction),
	    T(test_overlapping_source_and_destination),
	    T(test_a_fold_beside_a_transaction_stores_nothing_of_it),
	    T(test_a_cut_at_any_byte_leaves_whole_pieces_and_no_transaction),
	    T(test_a_failed_write_beside_kills_the_card_and_rolls_back),
	};

	return cmocka_run_group_tests_name("nonatomic", tests, NULL, NULL);
}
