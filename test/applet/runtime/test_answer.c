/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes out and what is kept: T=1, and what both protocols share.
 * docs/protocol.md section 2, docs/adr/0006-answers.md.
 */
#include "answer_bench.h"

/* ---- T=1 ---------------------------------------------------------------- */

struct asked {
	enum form form;
	uint32_t ne;
};
static const struct asked ASKED[] = {
    {NO_LE, 0},
    {SHORT, 1},
    {SHORT, 2},
    {SHORT, 128},
    {SHORT, 254},
    {SHORT, 255},
    {SHORT, 256},
    {EXTENDED, 1},
    {EXTENDED, 255},
    {EXTENDED, 256},
    {EXTENDED, 257},
    {EXTENDED, 2303},
    {EXTENDED, 2304},
    {EXTENDED, 2305},
    {EXTENDED, 65535},
    {EXTENDED, EXTENDED_NE},
};
#define N_ASKED (sizeof(ASKED) / sizeof(ASKED[0]))

/* Exactly what Le asks for, and 61xx where a short Le 00 is not enough. */
static void
check_t1(void **state, size_t n, const struct asked *le, bool data)
{
	bool more = le->form == SHORT && le->ne == 256 && n > 256;
	size_t now = n < le->ne ? n : le->ne;
	struct answer a;
	uint16_t sw = ask(state, n, le->form, le->ne, data, &a);

	check_pattern(&a, 0, now);
	if (more)
		assert_int_equal(
		    sw, JZ_SW_MORE_DATA | (n - now > 255 ? 0 : n - now));
	else
		assert_int_equal(sw, JZ_SW_OK);
}

static void
test_t1_answers_with_what_le_asks_for(void **state)
{
	for (size_t i = 0; i < N_LENGTHS; i++)
		for (size_t k = 0; k < N_ASKED; k++) {
			uint32_t before = count(state);

			check_t1(state, LENGTHS[i], &ASKED[k], false);
			check_t1(state, LENGTHS[i], &ASKED[k], true);
			assert_int_equal(count(state), before + 2);
		}
}

static void
test_t1_keeps_nothing_that_le_did_not_ask_for(void **state)
{
	for (size_t i = 0; i < N_LENGTHS; i++)
		for (size_t k = 0; k < N_ASKED; k++) {
			if (ASKED[k].form == SHORT && ASKED[k].ne == 256)
				continue;
			ask(state, LENGTHS[i], ASKED[k].form, ASKED[k].ne,
			    false, NULL);
			assert_int_equal(
			    port_hex(port_of(state), "00C00000 00", NULL),
			    JZ_SW_CONDITIONS);
		}
}

/* The same command again is carried out again, whatever was kept. */
static void
test_t1_knows_no_repetition(void **state)
{
	struct answer a;

	assert_int_equal(ask(state, 300, SHORT, 256, false, &a), 0x612C);
	assert_int_equal(count(state), 1);
	assert_int_equal(ask(state, 300, SHORT, 0x2C, false, &a), JZ_SW_OK);
	check_pattern(&a, 0, 0x2C);
	assert_int_equal(count(state), 2);
}

static void
test_t1_answers_without_data_whatever_le_is(void **state)
{
	for (size_t k = 0; k < N_ASKED; k++) {
		struct answer a;

		assert_int_equal(
		    ask(state, 0, ASKED[k].form, ASKED[k].ne, false, &a),
		    JZ_SW_OK);
		assert_int_equal(a.len, 0);
	}
}

static void
test_a_t1_card_says_so_in_its_atr(void **state)
{
	const struct fixture *f = *state;
	struct jz_atr atr;

	assert_int_equal(jz_atr_parse(jz_card_atr(&f->card->card), &atr), 0);
	assert_int_equal(atr.protocols, JZ_PROTOCOL_T1);
	assert_true(atr.extended_length);
}

/* ---- response chaining, both protocols ---------------------------------- */

static void
test_an_answer_of_any_length_comes_whole(void **state)
{
	uint8_t all[ANSWER_MAX];

	for (size_t i = 0; i < N_LENGTHS; i++) {
		size_t n = LENGTHS[i], got;
		struct answer a;
		uint16_t sw = ask(state, n, SHORT, 256, true, &a);

		memcpy(all, a.data, a.len);
		got = a.len +
		    collect(
			port_of(state), sw, all + a.len, sizeof(all) - a.len);
		assert_int_equal(got, n);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(all[k], probe_pattern(k));
		assert_int_equal(count(state), i + 1);
	}
}

/* In small bites: the number of bytes left is told each time. */
static void
test_get_response_tells_what_is_left(void **state)
{
	struct answer a;
	size_t at;

	ask(state, 600, SHORT, 256, true, &a);
	for (at = a.len; 600 - at > 100; at += 100) {
		size_t left = 600 - at - 100;

		assert_int_equal(port_hex(port_of(state), "00C00000 64", &a),
		    JZ_SW_MORE_DATA | (left > 255 ? 0 : left));
		check_pattern(&a, at, 100);
	}
	assert_in_range(600 - at, 1, 100);
}

/* A warning with data: its status word comes with the last byte. */
static void
check_warning(void **state, uint16_t sw)
{
	const struct port *p = port_of(state);
	uint8_t cmd[5 + 255 + 1] = {0x00, PROBE_STATUS, 0, 0, 255};
	struct answer a;

	cmd[2] = (uint8_t)(sw >> 8);
	cmd[3] = (uint8_t)sw;
	memset(cmd + 5, 0xAB, 255);
	/* In two pieces, 300 bytes; the answer has them all. */
	cmd[0] |= JZ_CLA_CHAINING;
	assert_int_equal(port_raw(p, jz_span(cmd, 260), NULL), JZ_SW_OK);
	cmd[0] = 0;
	cmd[4] = 45;
	cmd[50] = 0;
	port_raw(p, jz_span(cmd, 51), &a);
	assert_int_equal(a.sw & 0xFF00, JZ_SW_MORE_DATA);
	while ((a.sw & 0xFF00) == JZ_SW_MORE_DATA) {
		const uint8_t get[] = {0, 0xC0, 0, 0, (uint8_t)a.sw};

		port_raw(p, jz_span(get, sizeof(get)), &a);
		assert_true(a.len > 0);
	}
	assert_int_equal(a.sw, sw);
}

static void
test_get_response_takes_no_data(void **state)
{
	struct answer a;

	ask(state, 600, SHORT, 256, true, NULL);
	assert_int_equal(
	    port_hex(port_of(state), "00C00000 01 00", &a), JZ_SW_LENGTH);
	assert_int_equal(a.len, 0);
}

static void
test_a_warning_comes_with_the_last_byte(void **state)
{
	check_warning(state, 0x6282);
	check_warning(state, 0x6310);
}

/* What was kept for one channel is neither given nor told to another. */
static void
test_what_is_kept_belongs_to_its_channel(void **state)
{
	const struct fixture *f = *state;
	const struct port *p = port_of(state);
	struct answer a;

	probe_choose(f->card, 1, 'a');
	ask(state, 600, SHORT, 256, true, &a);
	assert_int_equal(a.sw & 0xFF00, JZ_SW_MORE_DATA);
	assert_int_equal(port_hex(p, "01C00000 00", &a), JZ_SW_CONDITIONS);
	assert_int_equal(a.len, 0);
	/* It was another command. */
	assert_int_equal(port_hex(p, "00C00000 00", &a), JZ_SW_CONDITIONS);
	assert_int_equal(a.len, 0);
}

/* A chain on one channel cannot be gone on with on another. */
static void
test_a_chain_belongs_to_its_channel(void **state)
{
	const struct fixture *f = *state;
	const struct port *p = port_of(state);
	uint32_t before;

	probe_choose(f->card, 1, 'a');
	before = count(state);
	assert_int_equal(port_hex(p, "101A9000 02 0102", NULL), JZ_SW_OK);
	assert_int_equal(
	    port_hex(p, "011A9000 02 0304", NULL), JZ_SW_LAST_BLOCK);
	assert_int_equal(count(state), before);
}

static void
test_reset_forgets_what_is_kept(void **state)
{
	struct fixture *f = *state;

	ask(state, 600, SHORT, 256, true, NULL);
	jz_card_reset(&f->card->card);
	assert_null(f->card->card.buffer);
	assert_int_equal(
	    port_hex(port_of(state), "00C00000 00", NULL), JZ_SW_CONDITIONS);
}

/* ---- little memory, little room ----------------------------------------- */

/* In whatever pieces the caller's room makes of it. */
static void
check_room(void **state, size_t n, size_t cap, bool data)
{
	static const uint8_t get[] = {0, 0xC0, 0, 0, 0};
	struct fixture *f = *state;
	uint8_t cmd[8] = {0x00, PROBE_PATTERN, (uint8_t)(n >> 8), (uint8_t)n};
	uint8_t rsp[300], all[ANSWER_MAX];
	size_t len = data ? 7 : 5, got = 0, k;
	uint16_t sw = JZ_SW_MORE_DATA;

	if (data)
		memcpy(cmd + 4, "\x01\xDA", 2);
	for (unsigned i = 0; i < 4 * ANSWER_MAX && sw != JZ_SW_OK; i++) {
		k = jz_card_process(&f->card->card, cmd, len, rsp, cap);
		assert_in_range(k, 2, cap);
		memcpy(all + got, rsp, k - 2);
		got += k - 2;
		sw = (uint16_t)jz_get_be(rsp + k - 2, 2);
		if ((sw & 0xFF00) == JZ_SW_MORE_DATA) {
			memcpy(cmd, get, sizeof(get));
			len = sizeof(get);
		}
		if ((sw & 0xFF00) == JZ_SW_MORE_DATA ||
		    (sw & 0xFF00) == JZ_SW_WRONG_LE)
			cmd[len - 1] = (uint8_t)sw;
	}
	assert_int_equal(sw, JZ_SW_OK);
	assert_int_equal(got, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(all[i], probe_pattern(i));
}

static void
test_little_room_loses_nothing(void **state)
{
	static const size_t caps[] = {3, 4, 18, 100, 257, 258, 259, 300};

	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		for (size_t k = 0; k < N_LENGTHS; k++) {
			check_room(state, LENGTHS[k], caps[i], false);
			check_room(state, LENGTHS[k], caps[i], true);
		}
}

static const struct jz_chip *
without_chaining(const struct jz_chip *like)
{
	static struct jz_chip chip;

	chip = *like;
	chip.take = NULL;
	chip.give = NULL;
	return &chip;
}

static void
test_a_chip_without_memory_for_it_has_no_chaining(void **state)
{
	struct fixture *f = *state;
	const struct port *p = port_of(state);
	struct answer a;

	f->card->card.setup.chip = without_chaining(f->card->setup.chip);
	assert_int_equal(port_hex(p, "101A9000 02 0102", &a), JZ_SW_CHAINING);
	assert_int_equal(port_hex(p, "001A9000 02 0304 00", &a), JZ_SW_OK);
	assert_int_equal(a.len, 2);
	assert_memory_equal(a.data, "\3\4", 2);
	/* What fits into one answer comes; a part of one does not. */
	assert_int_equal(ask(state, 256, SHORT, 256, false, &a), JZ_SW_OK);
	assert_int_equal(ask(state, 2304, EXTENDED, 2304, false, &a), JZ_SW_OK);
	assert_int_equal(ask(state, 257, SHORT, 256, false, &a), JZ_SW_UNKNOWN);
	assert_int_equal(a.len, 0);
}

static void *
take_nothing(void *chip, size_t bytes)
{
	(void)chip;
	(void)bytes;
	return NULL;
}

/* For the moment there is none: said, and the card goes on. */
static void
test_no_memory_for_a_chain_is_said(void **state)
{
	static struct jz_chip chip;
	struct fixture *f = *state;
	const struct jz_chip *was = f->card->card.setup.chip;
	struct answer a;

	ask(state, 0, NO_LE, 0, false, NULL); /* SELECT's answer waits */
	chip = *was;
	chip.take = take_nothing;
	f->card->card.setup.chip = &chip;
	assert_int_equal(
	    port_hex(port_of(state), "101A9000 02 0102", NULL), JZ_SW_CHAINING);
	assert_int_equal(ask(state, 16, NO_LE, 0, true, &a), JZ_SW_UNKNOWN);
	assert_int_equal(a.len, 0);
	f->card->card.setup.chip = was;
	assert_int_equal(ask(state, 16, NO_LE, 0, true, &a), 0x6110);
}

static void
give_zeroes(void *chip, void *block, size_t bytes)
{
	const uint8_t *p = block;

	for (size_t i = 0; i < bytes; i++)
		assert_int_equal(p[i], 0);
	jz_heap_give(chip, block, bytes);
}

/* The block of memory goes back as soon as nothing is in it, and wiped. */
static void
test_the_memory_of_chaining_is_given_back(void **state)
{
	static struct jz_chip chip;
	struct fixture *f = *state;
	const struct jz_card *card = &f->card->card;

	chip = *f->card->setup.chip;
	chip.give = give_zeroes;
	f->card->card.setup.chip = &chip;
	assert_null(card->buffer);
	ask(state, 300, SHORT, 256, true, NULL);
	assert_non_null(card->buffer);
	ask(state, 0, NO_LE, 0, false, NULL);
	assert_null(card->buffer);
	port_hex(port_of(state), "101A9000 02 0102", NULL);
	assert_non_null(card->buffer);
	port_hex(port_of(state), "00", NULL);
	assert_null(card->buffer);
}

int
main(void)
{
#define T1(f) cmocka_unit_test_setup_teardown(f, setup_t1, teardown)
#define T0(f) cmocka_unit_test_setup_teardown(f, setup_t0, teardown)
	const struct CMUnitTest tests[] = {
	    T1(test_t1_answers_with_what_le_asks_for),
	    T1(test_t1_keeps_nothing_that_le_did_not_ask_for),
	    T1(test_t1_knows_no_repetition),
	    T1(test_t1_answers_without_data_whatever_le_is),
	    T1(test_a_t1_card_says_so_in_its_atr),
	    T1(test_an_answer_of_any_length_comes_whole),
	    T0(test_an_answer_of_any_length_comes_whole),
	    T1(test_get_response_tells_what_is_left),
	    T0(test_get_response_tells_what_is_left),
	    T1(test_get_response_takes_no_data),
	    T0(test_get_response_takes_no_data),
	    T1(test_a_warning_comes_with_the_last_byte),
	    T0(test_a_warning_comes_with_the_last_byte),
	    T1(test_what_is_kept_belongs_to_its_channel),
	    T0(test_what_is_kept_belongs_to_its_channel),
	    T1(test_a_chain_belongs_to_its_channel),
	    T0(test_a_chain_belongs_to_its_channel),
	    T1(test_reset_forgets_what_is_kept),
	    T0(test_reset_forgets_what_is_kept),
	    T1(test_little_room_loses_nothing),
	    T0(test_little_room_loses_nothing),
	    T1(test_a_chip_without_memory_for_it_has_no_chaining),
	    T0(test_no_memory_for_a_chain_is_said),
	    T1(test_the_memory_of_chaining_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
