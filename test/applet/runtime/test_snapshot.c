/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshot, restore, rewind and fork: a card is one value.
 */
#include "cell_bench.h"

/* ---- what comes back ---------------------------------------------------- */

static void
test_a_card_in_memory_is_restored(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t before[32], after[32], ram[RIG_RAM_BYTES];
	void *s;

	assert_int_equal(say(c, 0, INS_RANDOM, 0), JZ_SW_OK);
	s = live_and_save(c);
	for (unsigned i = 0; i < 3; i++) {
		jz_card_restore(&c->card, s);
		rig_hash(c, after);
		if (i == 0) {
			memcpy(before, after, sizeof(before));
			memcpy(ram, c->ram, sizeof(ram));
		}
		assert_memory_equal(before, after, sizeof(before));
		assert_memory_equal(ram, c->ram, sizeof(ram));
		check_then(c);
		assert_int_equal(say(c, 0, INS_WRITE, 7), JZ_SW_OK);
		jz_card_reset(&c->card);
	}
	free(s);
}

/* What a snapshot holds is the whole card, to the byte. */
static void
test_a_restored_card_saves_to_the_same_bytes(void **state)
{
	struct rig_card *c = card_of(state);
	size_t n = jz_card_snapshot_bytes(&c->card);
	uint8_t *s = calloc(1, n), *again = calloc(1, n);

	assert_true(s != NULL && again != NULL);
	assert_int_equal(say(c, 0, INS_MARK, 2), JZ_SW_OK);
	jz_card_save(&c->card, s);
	assert_int_equal(say(c, 0, INS_MARK, 3), JZ_SW_OK);
	assert_int_equal(say(c, 0, INS_WRITE, 3), JZ_SW_OK);
	jz_card_restore(&c->card, s);
	jz_card_save(&c->card, again);
	assert_memory_equal(s, again, n);
	free(s);
	free(again);
}

static void
test_a_kept_answer_comes_back(void **state)
{
	struct rig_card *c = card_of(state);
	struct answer a;
	void *s;

	/* 256 bytes of 600, and half of the rest. */
	assert_int_equal(port_hex(&c->port, "8016000000", NULL), 0x6100);
	assert_int_equal(port_hex(&c->port, "00C0000064", NULL), 0x61F4);
	s = save(c);
	assert_int_equal(say(c, 0, INS_MARK, 1), JZ_SW_OK);
	assert_null(c->card.buffer);
	for (unsigned i = 0; i < 2; i++) {
		jz_card_restore(&c->card, s);
		assert_int_equal(
		    port_hex(&c->port, "00C00000F4", &a), JZ_SW_OK);
		assert_int_equal(a.len, 244);
		for (unsigned k = 0; k < 244; k++)
			assert_int_equal(a.data[k], (uint8_t)((356 + k) / 2));
		assert_int_equal(
		    port_hex(&c->port, "00C0000001", NULL), JZ_SW_CONDITIONS);
	}
	free(s);
}

static void
test_an_open_chain_comes_back(void **state)
{
	struct rig_card *c = card_of(state);
	struct answer a;
	void *s;

	assert_int_equal(
	    port_hex(&c->port, "90180000 03 010203", NULL), JZ_SW_OK);
	s = save(c);
	assert_int_equal(
	    port_hex(&c->port, "90180000 02 0405", NULL), JZ_SW_OK);
	for (unsigned i = 0; i < 2; i++) {
		jz_card_restore(&c->card, s);
		assert_int_equal(
		    port_hex(&c->port, "80180000 01 04 02", &a), JZ_SW_OK);
		assert_int_equal(a.data[1], 4);
	}
	/* And one that was not open is not. */
	free(s);
	s = save(c);
	assert_int_equal(
	    port_hex(&c->port, "90180000 02 0405", NULL), JZ_SW_OK);
	jz_card_restore(&c->card, s);
	assert_null(c->card.buffer);
	assert_int_equal(port_hex(&c->port, "80180000 01 04 02", &a), JZ_SW_OK);
	assert_int_equal(a.data[1], 1);
	free(s);
}

/* A chip without memory for a chain at the moment. */
static void *
take_nothing(void *chip, size_t bytes)
{
	(void)chip;
	(void)bytes;
	return NULL;
}

static void
test_a_chain_without_memory_for_it_is_forgotten(void **state)
{
	struct rig_card *c = card_of(state);
	const struct jz_chip poor = {
	    .take = take_nothing, .give = jz_heap_give};
	struct answer a;
	void *s;

	assert_int_equal(
	    port_hex(&c->port, "90180000 03 010203", NULL), JZ_SW_OK);
	s = save(c);
	jz_card_reset(&c->card);
	c->card.setup.chip = &poor;
	jz_card_restore(&c->card, s);
	assert_int_equal(port_hex(&c->port, "80180000 01 04 02", &a), JZ_SW_OK);
	assert_int_equal(a.data[1], 1);
	free(s);
}

static void
test_an_open_transaction_is_rolled_back_before(void **state)
{
	struct rig_card *c = card_of(state);
	const struct cell_nvm *n = c->card.applet[0].nvm;
	void *s = live_and_save(c);

	jz_begin(&c->card.applet[0]);
	jz_write(&c->card.applet[0], n->text, "x", 1);
	jz_card_restore(&c->card, s);
	assert_false(jz_in_transaction(&c->card.applet[0]));
	check_then(c);
	free(s);
}

/* ---- storage ------------------------------------------------------------ */

static void
test_a_card_and_its_storage_are_set_back_together(void **state)
{
	struct rig_card *c = card_of(state);
	struct content then;
	uint8_t hash[32], again[32];
	void *s;

	assert_int_equal(say(c, 0, INS_WRITE, 1), JZ_SW_OK);
	s = save(c);
	then = copy_content(c);
	assert_int_equal(say(c, 0, INS_WRITE, 9), JZ_SW_OK);
	jz_fault_set(c->fault, jz_span(then.bytes, then.len));
	jz_card_restore(&c->card, s);
	assert_int_equal(say(c, 0, INS_WRITE, 4), JZ_SW_OK);
	rig_hash(c, hash);
	assert_int_equal(rig_reopen(c), 0);
	rig_hash(c, again);
	assert_memory_equal(hash, again, 32);
	free(then.bytes);
	free(s);
}

static void
test_a_rewound_card_opens_at_that_moment(void **state)
{
	struct rig_card *c = card_of(state);
	void *s = live_and_save(c);
	uint8_t hash[32], again[32];

	assert_int_equal(jz_card_rewind(&c->card, s), 0);
	rig_hash(c, hash);
	check_then(c);
	assert_int_equal(rig_reopen(c), 0);
	rig_hash(c, again);
	assert_memory_equal(hash, again, 32);
	assert_int_equal(select_on(c, &CELL.aid, 0), JZ_SW_OK);
	check_cell(c, 0, 1, 0, 0);
	/* And its life goes on from there. */
	assert_int_equal(say(c, 0, INS_WRITE, 5), JZ_SW_OK);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(select_on(c, &CELL.aid, 0), JZ_SW_OK);
	check_cell(c, 0, 5, 0, 0);
	free(s);
}

/* proves: ALL-3 (rewind) */
static void
test_a_cut_in_a_rewind_leaves_the_one_life_or_the_other(void **state)
{
	struct rig_card *c = card_of(state);
	struct rig_snapshot *start;
	void *s = live_and_save(c);
	bool done = false;
	unsigned then = 0, now = 0;

	start = rig_save(c);
	for (uint64_t at = 0; !done; at += done ? 1 : 7) {
		const struct cell_nvm *n;

		rig_restore(c, start);
		fault(c, at, 0);
		done = jz_card_rewind(&c->card, s) == 0;
		if (!done)
			assert_int_equal(
			    say(c, 0, INS_READ, 0), JZ_SW_MEMORY_FAILURE);
		assert_int_equal(rig_reopen(c), 0);
		n = c->card.applet[0].nvm;
		assert_true(n->text[0] == 1 || n->text[0] == 9);
		assert_int_equal(n->text[0], n->text[TEXT_BYTES - 1]);
		then += n->text[0] == 1;
		now += n->text[0] == 9;
	}
	assert_true(then > 0 && now > 100);
	rig_snapshot_free(&start);
	free(s);
}

/* Whatever became of its storage, all of it is written anew. */
static void
test_a_rewind_brings_a_dead_card_back(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
	void *s = live_and_save(c);

	plan.fail_sync = 1;
	jz_fault_plan(c->fault, &plan);
	assert_int_equal(say(c, 0, INS_WRITE, 4), JZ_SW_MEMORY_FAILURE);
	assert_int_equal(say(c, 0, INS_READ, 4), JZ_SW_MEMORY_FAILURE);
	assert_int_equal(jz_card_rewind(&c->card, s), 0);
	check_then(c);
	assert_int_equal(say(c, 0, INS_WRITE, 5), JZ_SW_OK);
	assert_int_equal(rig_reopen(c), 0);
	free(s);
}

/* ---- forks -------------------------------------------------------------- */

static void
test_a_fork_is_a_card_of_its_own(void **state)
{
	struct bench *b = *state;
	struct rig_card *c = card_of(state), *f = empty_card(b, true);
	struct content was;
	void *s = live_and_save(c);

	memset(f->setup.seal_key, 0x77, sizeof(f->setup.seal_key));
	was = copy_content(c);
	assert_int_equal(jz_card_fork(&f->card, &f->setup, s), 0);
	check_then(f);
	assert_ptr_equal(f->card.applet[0].nvm,
	    f->nvm +
		((const uint8_t *)c->card.applet[0].nvm - (uint8_t *)c->nvm));
	/* Two storages. */
	assert_int_equal(say(f, 0, INS_WRITE, 5), JZ_SW_OK);
	assert_int_equal(say(f, 2, INS_MARK, 6), JZ_SW_OK);
	assert_int_equal(jz_fault_content(c->fault).len, was.len);
	assert_memory_equal(
	    jz_fault_content(c->fault).data, was.bytes, was.len);
	check_cell(c, 0, 9, 9, 3);
	assert_int_equal(rig_reopen(f), 0);
	assert_int_equal(select_on(f, &CELL.aid, 0), JZ_SW_OK);
	check_cell(f, 0, 5, 0, 0);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(select_on(c, &CELL.aid, 0), JZ_SW_OK);
	check_cell(c, 0, 9, 0, 0);
	free(was.bytes);
	free(s);
	rig_card_free(&f);
}

/* All that points into a card points into the fork. */
static void
test_a_fork_outlives_its_origin(void **state)
{
	struct bench *b = *state;
	struct rig_card *f = empty_card(b, false);
	void *s;

	assert_int_equal(port_hex(&b->card->port, "8016000000", NULL), 0x6100);
	s = save(b->card);
	assert_int_equal(jz_card_fork(&f->card, &f->setup, s), 0);
	rig_card_free(&b->card);
	assert_ptr_equal(f->card.applet[0].card, &f->card);
	assert_ptr_equal(
	    f->card.applet[0].cod, f->ram + f->card.channel[0].cod_at);
	assert_int_equal(port_hex(&f->port, "00C0000000", NULL), 0x6158);
	assert_int_equal(say(f, 0, INS_MARK, 4), JZ_SW_OK);
	check_cell(f, 0, 0, 4, 4);
	jz_card_reset(&f->card);
	free(s);
	rig_card_free(&f);
}

static void
test_a_fork_of_other_sizes_is_refused(void **state)
{
	struct bench *b = *state;
	struct rig_card *c = card_of(state), *f = empty_card(b, true);
	struct content was = copy_content(f);
	const struct jz_guard guard = {.page = 4096};
	void *s = live_and_save(c);

	f->setup.nvm_bytes -= 8;
	assert_int_equal(jz_card_fork(&f->card, &f->setup, s), JZ_ERR_ARGUMENT);
	f->setup.nvm_bytes += 8;
	f->setup.ram_bytes -= 8;
	assert_int_equal(jz_card_fork(&f->card, &f->setup, s), JZ_ERR_ARGUMENT);
	f->setup.ram_bytes += 8;
	f->setup.nvm++;
	assert_int_equal(jz_card_fork(&f->card, &f->setup, s), JZ_ERR_ARGUMENT);
	f->setup.nvm--;
	/* Its regions share pages. */
	f->setup.guard = &guard;
	assert_int_equal(
	    jz_card_fork(&f->card, &f->setup, s), JZ_ERR_UNSUPPORTED);
	f->setup.guard = NULL;
	assert_int_equal(say(f, 0, INS_READ, 0), JZ_SW_MEMORY_FAILURE);
	assert_int_equal(jz_fault_content(f->fault).len, was.len);
	assert_memory_equal(
	    jz_fault_content(f->fault).data, was.bytes, was.len);
	assert_int_equal(jz_card_fork(&f->card, &f->setup, s), 0);
	free(was.bytes);
	free(s);
	rig_card_free(&f);
}

static void
test_a_fork_that_cannot_be_stored_is_no_card(void **state)
{
	struct bench *b = *state;
	struct rig_card *f = empty_card(b, true);
	void *s = live_and_save(card_of(state));

	fault(f, 100, 0);
	assert_int_equal(
	    jz_card_fork(&f->card, &f->setup, s), JZ_ERR_CARD_STORAGE);
	assert_int_equal(say(f, 0, INS_READ, 0), JZ_SW_MEMORY_FAILURE);
	free(s);
	rig_card_free(&f);
}

int
main(void)
{
#define BARE(f) cmocka_unit_test_setup_teardown(f, setup_bare, teardown)
	const struct CMUnitTest tests[] = {
	    BARE(test_a_card_in_memory_is_restored),
	    BARE(test_a_restored_card_saves_to_the_same_bytes),
	    BARE(test_a_kept_answer_comes_back),
	    BARE(test_an_open_chain_comes_back),
	    BARE(test_a_chain_without_memory_for_it_is_forgotten),
	    BARE(test_an_open_transaction_is_rolled_back_before),
	    T(test_a_card_and_its_storage_are_set_back_together),
	    T(test_a_rewound_card_opens_at_that_moment),
	    T(test_a_cut_in_a_rewind_leaves_the_one_life_or_the_other),
	    T(test_a_rewind_brings_a_dead_card_back),
	    T(test_a_fork_is_a_card_of_its_own),
	    T(test_a_fork_outlives_its_origin),
	    T(test_a_fork_of_other_sizes_is_refused),
	    T(test_a_fork_that_cannot_be_stored_is_no_card),
	};

	return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
