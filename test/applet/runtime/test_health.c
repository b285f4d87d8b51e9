/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The health tests of the card's source of randomness (SP 800-90B 4.4), and the
 * card that is mute when they fail.
 */
#include "dice_bench.h"

/* ---- health ------------------------------------------------------------- */

/* Every command, a reset too; until it is opened with a source that works. */
static void
check_mute(struct rig_card *c)
{
	struct jz_fault_count was;
	uint8_t out[OUT] = {1}, zero[OUT] = {0};

	was = jz_fault_counters(c->fault);
	assert_int_equal(say(c, INS_DRAW), JZ_SW_UNKNOWN);
	assert_int_equal(say(c, INS_NOT), JZ_SW_UNKNOWN);
	assert_int_equal(select_on(c, &DICE.aid, 0), JZ_SW_UNKNOWN);
	jz_card_reset(&c->card);
	begin(GOOD);
	assert_int_equal(select_on(c, &DICE.aid, 0), JZ_SW_UNKNOWN);
	assert_int_equal(draw(c, out), JZ_ERR_CARD_DEAD);
	assert_memory_equal(out, zero, OUT);
	assert_int_equal(
	    jz_write_u32(
		dice(c), &((const struct dice_nvm *)dice(c)->nvm)->number, 1),
	    JZ_ERR_CARD_DEAD);
	assert_int_equal(jz_fault_counters(c->fault).bytes, was.bytes);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(select_on(c, &DICE.aid, 0), JZ_SW_OK);
	assert_int_equal(say(c, INS_DRAW), JZ_SW_OK);
}

static const struct {
	enum mode mode;
	unsigned n;
} BROKEN[] = {{ERROR, 0}, {CONSTANT, 0}, {PERIOD, 1}, {PERIOD, 2}, {PERIOD, 13},
    {PERIOD, 16}, {PERIOD, 64}, {STUCK, 0}, {EIGHTH, 0}};
#define N_BROKEN (sizeof(BROKEN) / sizeof(BROKEN[0]))

static void
test_a_source_that_is_broken_at_power_up_makes_the_card_mute(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_fault_count was;

	for (size_t i = 0; i < N_BROKEN; i++) {
		assert_int_equal(rig_reopen(c), 0);
		assert_int_equal(select_on(c, &DICE.aid, 0), JZ_SW_OK);
		begin(BROKEN[i].mode);
		source.n = BROKEN[i].n;
		was = jz_fault_counters(c->fault);
		assert_int_equal(say(c, INS_DRAW), JZ_SW_UNKNOWN);
		assert_int_equal(jz_fault_counters(c->fault).bytes, was.bytes);
		check_mute(c);
	}
}

static void
test_a_source_that_breaks_later_makes_the_card_mute(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t out[OUT];
	unsigned good;
	int e = 0;

	for (size_t i = 0; i < N_BROKEN; i++) {
		begin(GOOD);
		assert_int_equal(rig_reopen(c), 0);
		assert_int_equal(select_on(c, &DICE.aid, 0), JZ_SW_OK);
		for (unsigned k = 0; k < 50; k++)
			assert_int_equal(draw(c, out), 0);
		/* Two windows of the proportion's test and no more. */
		turn(BROKEN[i].mode);
		source.n = BROKEN[i].n;
		for (good = 0; good < 2 * WINDOW / ENTROPY; good++)
			if ((e = draw(c, out)) != 0)
				break;
		assert_int_equal(e, JZ_ERR_CRYPTO);
		check_mute(c);
	}
}

/* The answer of a command in whose course the source breaks is 6F00 alone. */
static void
test_the_command_itself_is_refused(void **state)
{
	struct rig_card *c = card_of(state);
	struct answer a;

	assert_int_equal(select_on(c, &DICE.aid, 0), JZ_SW_OK);
	turn(CONSTANT);
	assert_int_equal(port_hex(&c->port, "8010000000", &a), JZ_SW_UNKNOWN);
	assert_int_equal(a.len, 0);
}

static void
test_a_hash_that_fails_makes_the_card_mute(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t out[OUT];

	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(select_on(c, &DICE.aid, 0), JZ_SW_OK);
	for (unsigned late = 0; late < 2; late++) {
		if (late != 0)
			assert_int_equal(draw(c, out), 0);
		source.hash_fails = true;
		assert_int_equal(draw(c, out), JZ_ERR_CRYPTO);
		source.hash_fails = false;
		check_mute(c);
	}
}

/* SP 800-90B 4.3: over 1024 samples, before the first output. */
static void
test_the_start_up_test_comes_before_the_first_output(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t out[OUT];

	for (uint64_t at = START - 16; at <= START; at += 8) {
		begin(GOOD);
		assert_int_equal(rig_reopen(c), 0);
		source.then = CONSTANT;
		source.from = at;
		assert_int_equal(draw(c, out), JZ_ERR_CRYPTO);
	}
	begin(GOOD);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(draw(c, out), 0);
	assert_true(source.at >= START + ENTROPY);
}

/* Good bytes on the tape, none of which is the one after it. */
static void
fill_tape(struct rig_card *c)
{
	for (size_t i = 0; i < sizeof(source.tape); i++) {
		source.tape[i] = good_byte(c->setup.engine.state, i);
		if (i > 0 && source.tape[i] == source.tape[i - 1])
			source.tape[i] ^= 0xFF;
	}
}

/* A power session on the tape: 0 or why the first draw fails. */
static int
first_draw(struct rig_card *c)
{
	uint8_t out[OUT];

	source.mode = TAPE;
	source.then = TAPE;
	assert_int_equal(rig_reopen(c), 0);
	return draw(c, out);
}

static void
test_seven_equal_bytes_pass_and_eight_do_not(void **state)
{
	static const size_t places[] = {0, 60, 100, START - 8};
	struct rig_card *c = card_of(state);

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		for (size_t n = 7; n <= 8; n++) {
			begin(GOOD);
			fill_tape(c);
			memset(source.tape + places[i],
			    source.tape[places[i] + n] ^ 0x0F, n);
			assert_int_equal(
			    first_draw(c), n == 7 ? 0 : JZ_ERR_CRYPTO);
		}
}

static void
test_34_of_512_equal_bytes_pass_and_35_do_not(void **state)
{
	struct rig_card *c = card_of(state);

	for (size_t window = 0; window < 2; window++)
		for (size_t n = 34; n <= 35; n++) {
			uint8_t *w = source.tape + window * WINDOW, first;

			begin(GOOD);
			fill_tape(c);
			first = w[0];
			for (size_t i = 1; i < WINDOW; i++)
				if (w[i] == first)
					w[i] ^= 0x80;
			/* n in all, the first and the last among them. */
			for (size_t i = 1; i < n; i++)
				w[i == n - 1 ? WINDOW - 1 : i * 14] = first;
			assert_int_equal(
			    first_draw(c), n == 34 ? 0 : JZ_ERR_CRYPTO);
		}
}

/* The window that comes next counts another byte, from the start. */
static void
test_windows_are_counted_apart(void **state)
{
	struct rig_card *c = card_of(state);

	begin(GOOD);
	fill_tape(c);
	for (size_t i = 0; i < 30; i++) {
		source.tape[i * 14] = 0xAB;
		source.tape[WINDOW + i * 14] = 0xAB;
	}
	assert_int_equal(first_draw(c), 0);
}

static void
test_a_block_that_begins_as_the_one_before(void **state)
{
	struct rig_card *c = card_of(state);

	for (size_t n = 7; n <= 8; n++) {
		begin(GOOD);
		fill_tape(c);
		memcpy(source.tape + 5 * ENTROPY, source.tape + 4 * ENTROPY, n);
		assert_int_equal(first_draw(c), n == 7 ? 0 : JZ_ERR_CRYPTO);
	}
}

/* ---- salts -------------------------------------------------------------- */

/* A commit under a salt that comes again would meet a nonce again. */
static void
test_a_broken_source_stores_nothing(void **state)
{
	struct rig_card *c = card_of(state);
	const struct dice_nvm *n = dice(c)->nvm;
	struct jz_fault_count was;

	for (size_t i = 0; i < N_BROKEN; i++) {
		assert_int_equal(rig_reopen(c), 0);
		assert_int_equal(select_on(c, &DICE.aid, 0), JZ_SW_OK);
		begin(BROKEN[i].mode);
		source.n = BROKEN[i].n;
		was = jz_fault_counters(c->fault);
		assert_int_equal(
		    jz_write_u32(dice(c), &n->number, 7), JZ_ERR_CRYPTO);
		assert_int_equal(jz_fault_counters(c->fault).bytes, was.bytes);
		check_mute(c);
		assert_int_equal(n->number, 0);
	}
}

static void
test_a_card_is_not_made_with_a_broken_source(void **state)
{
	struct rig_card *c = card_of(state);

	for (size_t i = 0; i < N_BROKEN; i++) {
		begin(BROKEN[i].mode);
		source.n = BROKEN[i].n;
		assert_int_equal(
		    jz_card_format(&c->card, &c->setup), JZ_ERR_CRYPTO);
		assert_int_equal(
		    select_on(c, &DICE.aid, 0), JZ_SW_MEMORY_FAILURE);
	}
	/* What was there is as before. */
	begin(GOOD);
	assert_int_equal(rig_reopen(c), 0);
	assert_true(dice(c)->present);
}

static void
test_a_mute_card_stays_mute_when_it_is_rewound(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t out[OUT];
	void *s;

	assert_int_equal(select_on(c, &DICE.aid, 0), JZ_SW_OK);
	s = save(c);
	turn(CONSTANT);
	assert_int_equal(draw(c, out), JZ_ERR_CRYPTO);
	jz_card_restore(&c->card, s);
	assert_int_equal(say(c, INS_NOT), JZ_SW_UNKNOWN);
	assert_int_equal(jz_card_rewind(&c->card, s), JZ_ERR_CRYPTO);
	assert_int_equal(say(c, INS_NOT), JZ_SW_UNKNOWN);
	check_mute(c);
	free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_a_source_that_is_broken_at_power_up_makes_the_card_mute),
	    T(test_a_source_that_breaks_later_makes_the_card_mute),
	    T(test_the_command_itself_is_refused),
	    T(test_a_hash_that_fails_makes_the_card_mute),
	    T(test_the_start_up_test_comes_before_the_first_output),
	    T(test_seven_equal_bytes_pass_and_eight_do_not),
	    T(test_34_of_512_equal_bytes_pass_and_35_do_not),
	    T(test_windows_are_counted_apart),
	    T(test_a_block_that_begins_as_the_one_before),
	    T(test_a_broken_source_stores_nothing),
	    T(test_a_card_is_not_made_with_a_broken_source),
	    T(test_a_mute_card_stays_mute_when_it_is_rewound),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
