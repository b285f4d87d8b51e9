/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A T=0 card: 61xx and 6Cxx, and every command carried out once.
 * docs/protocol.md section 2, docs/adr/0006-answers.md.
 */
#include "answer_bench.h"

/* ---- T=0 ---------------------------------------------------------------- */

static void
test_a_t0_card_says_so_in_its_atr(void **state)
{
	const struct fixture *f = *state;
	struct jz_span bytes = jz_card_atr(&f->card->card);
	struct jz_atr atr;

	assert_int_equal(jz_atr_parse(bytes, &atr), 0);
	assert_int_equal(atr.protocols, JZ_PROTOCOL_T0);
	assert_false(atr.extended_length);
	assert_true(atr.chaining);
	assert_int_equal(bytes.len, 7);
	assert_memory_equal(bytes.data, "\x3B\x05\x80\x73\xC6\x21\x9F", 7);
}

static void
test_t0_has_no_extended_length(void **state)
{
	struct answer a;

	assert_int_equal(ask(state, 3, EXTENDED, 3, false, &a), JZ_SW_LENGTH);
	assert_int_equal(a.len, 0);
	assert_int_equal(ask(state, 3, EXTENDED, 3, true, NULL), JZ_SW_LENGTH);
	assert_int_equal(count(state), 0);
}

/* Case 1, and 3 without an answer. */
static void
test_t0_without_answer_is_one_exchange(void **state)
{
	struct answer a;

	assert_int_equal(ask(state, 0, NO_LE, 0, false, &a), JZ_SW_OK);
	assert_int_equal(ask(state, 0, NO_LE, 0, true, &a), JZ_SW_OK);
	assert_int_equal(ask(state, 0, SHORT, 256, false, &a), JZ_SW_OK);
	assert_int_equal(count(state), 3);
}

/* Case 2: the right Le brings the answer at once. */
static void
test_t0_le_exact(void **state)
{
	struct answer a;

	for (size_t n = 1; n <= 256; n++) {
		assert_int_equal(
		    ask(state, n, SHORT, (uint32_t)n, false, &a), JZ_SW_OK);
		check_pattern(&a, 0, n);
		assert_int_equal(count(state), n);
	}
}

/* A wrong one brings 6Cxx; the repetition is not carried out again. */
static void
check_wrong_le(void **state, size_t n, uint32_t ne)
{
	uint32_t before = count(state);
	struct answer a;

	assert_int_equal(
	    ask(state, n, SHORT, ne, false, &a), JZ_SW_WRONG_LE | (n & 0xFF));
	assert_int_equal(a.len, 0);
	assert_int_equal(
	    ask(state, n, SHORT, (uint32_t)n, false, &a), JZ_SW_OK);
	check_pattern(&a, 0, n);
	assert_int_equal(count(state), before + 1);
}

static void
test_t0_a_wrong_le_is_told_the_right_one(void **state)
{
	static const size_t lengths[] = {1, 2, 3, 127, 255, 256};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (uint32_t ne = 1; ne <= 256; ne += 5)
			if (ne != lengths[i])
				check_wrong_le(state, lengths[i], ne);
}

/* A repetition with a wrong Le is told once more, and nothing is lost. */
static void
test_t0_a_repetition_must_have_the_right_le(void **state)
{
	struct answer a;

	assert_int_equal(ask(state, 16, SHORT, 256, false, &a), 0x6C10);
	assert_int_equal(ask(state, 16, SHORT, 15, false, &a), 0x6C10);
	assert_int_equal(a.len, 0);
	assert_int_equal(ask(state, 16, SHORT, 17, false, &a), 0x6C10);
	assert_int_equal(ask(state, 16, SHORT, 16, false, &a), JZ_SW_OK);
	check_pattern(&a, 0, 16);
	assert_int_equal(count(state), 1);
	/* It was given: the next one is a new command. */
	assert_int_equal(ask(state, 16, SHORT, 16, false, &a), JZ_SW_OK);
	assert_int_equal(count(state), 2);
}

/* P2 0C: what nobody asks for does not wait. */
static void
test_t0_a_selection_that_asks_for_no_answer_gets_none(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
	    port_hex(&f->card->port, "00A4040006 F050524F4261", NULL) & 0xFF00,
	    JZ_SW_MORE_DATA);
	assert_int_equal(
	    port_hex(&f->card->port, "00A4040C06 F050524F4261", NULL),
	    JZ_SW_OK);
}

/* The answer waits for a repetition, not for GET RESPONSE. */
static void
test_t0_after_6cxx_another_command_forgets(void **state)
{
	static const char *const others[] = {"00C00000 10", "00180011 11",
	    "00180010 01 00", "00160100", "00A4040006 F050524F42FF", "00"};
	struct answer a;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		uint32_t before;

		assert_int_equal(ask(state, 16, SHORT, 256, false, &a), 0x6C10);
		port_hex(port_of(state), others[i], &a);
		if (i == 0)
			assert_int_equal(a.sw, JZ_SW_CONDITIONS);
		if ((a.sw & 0xFF00) == JZ_SW_MORE_DATA)
			collect(port_of(state), a.sw, a.data, sizeof(a.data));
		before = count(state);
		assert_int_equal(
		    ask(state, 16, SHORT, 16, false, &a), JZ_SW_OK);
		check_pattern(&a, 0, 16);
		assert_int_equal(count(state), before + 1);
	}
}

/* Case 4: 61xx, also for a case 3 whose answer nobody asked for. */
static void
test_t0_with_data_the_answer_waits(void **state)
{
	static const enum form forms[] = {NO_LE, SHORT};
	static const uint32_t nes[] = {0, 1};
	struct answer a;

	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(
		    ask(state, 16, forms[i], nes[i], true, &a), 0x6110);
		assert_int_equal(a.len, 0);
		assert_int_equal(
		    port_hex(port_of(state), "00C00000 10", &a), JZ_SW_OK);
		check_pattern(&a, 0, 16);
		assert_int_equal(count(state), i + 1);
	}
}

/* GET RESPONSE: too much is told, too little leaves the rest. */
static void
test_t0_get_response_with_another_le(void **state)
{
	const struct port *p = port_of(state);
	struct answer a;

	ask(state, 16, NO_LE, 0, true, NULL);
	assert_int_equal(port_hex(p, "00C00000 11", &a), 0x6C10);
	assert_int_equal(port_hex(p, "00C00000 00", &a), 0x6C10);
	assert_int_equal(a.len, 0);
	assert_int_equal(port_hex(p, "00C00000 06", &a), 0x610A);
	check_pattern(&a, 0, 6);
	assert_int_equal(port_hex(p, "00C00000 0B", &a), 0x6C0A);
	assert_int_equal(port_hex(p, "00C00000 0A", &a), JZ_SW_OK);
	check_pattern(&a, 6, 10);
	assert_int_equal(port_hex(p, "00C00000 01", NULL), JZ_SW_CONDITIONS);
	assert_int_equal(count(state), 1);
}

/* The same header without data is another command than the one with. */
static void
test_t0_what_waits_for_get_response_is_no_repetition(void **state)
{
	struct answer a;

	assert_int_equal(ask(state, 16, NO_LE, 0, true, &a), 0x6110);
	assert_int_equal(ask(state, 16, SHORT, 16, false, &a), JZ_SW_OK);
	check_pattern(&a, 0, 16);
	assert_int_equal(count(state), 2);
}

/* Nor is the rest of a long answer the answer to the next such command. */
static void
test_t0_the_rest_of_a_long_answer_is_no_repetition(void **state)
{
	struct answer a;

	assert_int_equal(ask(state, 300, SHORT, 256, false, &a), 0x612C);
	check_pattern(&a, 0, 256);
	assert_int_equal(ask(state, 300, SHORT, 256, false, &a), 0x612C);
	check_pattern(&a, 0, 256);
	assert_int_equal(count(state), 2);
}

/* More than 256 bytes: 6C00, 256 of them, and the rest by GET RESPONSE. */
static void
test_t0_a_long_answer_to_a_small_le(void **state)
{
	uint8_t rest[ANSWER_MAX];
	struct answer a;

	for (size_t i = 0; i < N_LENGTHS; i++) {
		size_t n = LENGTHS[i];
		uint32_t before = count(state);

		if (n <= 256)
			continue;
		assert_int_equal(
		    ask(state, n, SHORT, 255, false, &a), JZ_SW_WRONG_LE);
		assert_int_equal(
		    ask(state, n, SHORT, 255, false, &a), JZ_SW_WRONG_LE);
		ask(state, n, SHORT, 256, false, &a);
		check_pattern(&a, 0, 256);
		assert_int_equal(
		    collect(port_of(state), a.sw, rest, sizeof(rest)), n - 256);
		assert_int_equal(rest[0], probe_pattern(256));
		assert_int_equal(rest[n - 257], probe_pattern(n - 1));
		assert_int_equal(count(state), before + 1);
	}
}

/* Case 2 with a warning. */
static uint16_t
warn_hook(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	(void)self;
	(void)in;
	if (event != PROBE_PROCESS)
		return 0;
	jz_put(&apdu->out, "warned", 6);
	return 0x6281;
}

static void
test_t0_a_warning_stays_with_the_repetition(void **state)
{
	const struct port *p = port_of(state);
	struct answer a;

	probe.hook = warn_hook;
	assert_int_equal(port_hex(p, "00100000 00", &a), 0x6C06);
	assert_int_equal(port_hex(p, "00100000 06", &a), 0x6281);
	assert_int_equal(a.len, 6);
	assert_int_equal(port_hex(p, "00100000 01 00", &a), 0x6106);
	assert_int_equal(port_hex(p, "00C00000 06", &a), 0x6281);
	assert_memory_equal(a.data, "warned", 6);
}

/* A refusal has no data, and nothing waits. */
static void
test_t0_a_refusal_is_one_exchange(void **state)
{
	const struct port *p = port_of(state);
	struct answer a;

	assert_int_equal(port_hex(p, "001A6A80 02 0102", &a), JZ_SW_DATA);
	assert_int_equal(a.len, 0);
	assert_int_equal(port_hex(p, "00C00000 02", &a), JZ_SW_CONDITIONS);
}

/* The runtime's own commands follow the same rules. */
static void
test_t0_select_and_manage_channel(void **state)
{
	const struct port *p = port_of(state);
	struct answer a;

	assert_int_equal(port_hex(p, "00A4040006 F050524F4261", &a), 0x6101);
	assert_int_equal(port_hex(p, "00C00000 01", &a), JZ_SW_OK);
	assert_memory_equal(a.data, "a", 1);
	assert_int_equal(port_hex(p, "00700000 01", &a), JZ_SW_OK);
	assert_memory_equal(a.data, "\x01", 1);
	/* One channel, not two. */
	assert_int_equal(port_hex(p, "00700000 00", &a), 0x6C01);
	assert_int_equal(port_hex(p, "00700000 01", &a), JZ_SW_OK);
	assert_memory_equal(a.data, "\x02", 1);
	assert_int_equal(port_hex(p, "00700000 01", &a), JZ_SW_OK);
	assert_memory_equal(a.data, "\x03", 1);
}

static void
test_another_protocol_than_t0_and_t1_is_refused(void **state)
{
	struct fixture *f = *state;

	jz_card_close(&f->card->card);
	f->card->setup.protocol = JZ_PROTOCOL_T0 | JZ_PROTOCOL_T1;
	assert_int_equal(
	    jz_card_format(&f->card->card, &f->card->setup), JZ_ERR_ARGUMENT);
	f->card->setup.protocol = 4;
	assert_int_equal(
	    jz_card_format(&f->card->card, &f->card->setup), JZ_ERR_ARGUMENT);
}

/* The protocol is the card's, for good. */
static void
test_the_protocol_survives_power_off(void **state)
{
	struct fixture *f = *state;

	f->card->setup.protocol = JZ_PROTOCOL_T1;
	assert_int_equal(rig_reopen(f->card), 0);
	assert_int_equal(jz_card_atr(&f->card->card).len, 7);
	port_hex(&f->card->port, "00A4040006 F050524F4261", NULL);
	assert_int_equal(ask(state, 3, SHORT, 1, false, NULL), 0x6C03);
}

int
main(void)
{
#define T0(f) cmocka_unit_test_setup_teardown(f, setup_t0, teardown)
	const struct CMUnitTest tests[] = {
	    T0(test_a_t0_card_says_so_in_its_atr),
	    T0(test_t0_has_no_extended_length),
	    T0(test_t0_without_answer_is_one_exchange),
	    T0(test_t0_le_exact),
	    T0(test_t0_a_wrong_le_is_told_the_right_one),
	    T0(test_t0_a_repetition_must_have_the_right_le),
	    T0(test_t0_a_selection_that_asks_for_no_answer_gets_none),
	    T0(test_t0_after_6cxx_another_command_forgets),
	    T0(test_t0_with_data_the_answer_waits),
	    T0(test_t0_get_response_with_another_le),
	    T0(test_t0_what_waits_for_get_response_is_no_repetition),
	    T0(test_t0_the_rest_of_a_long_answer_is_no_repetition),
	    T0(test_t0_a_long_answer_to_a_small_le),
	    T0(test_t0_a_warning_stays_with_the_repetition),
	    T0(test_t0_a_refusal_is_one_exchange),
	    T0(test_t0_select_and_manage_channel),
	    T0(test_another_protocol_than_t0_and_t1_is_refused),
	    T0(test_the_protocol_survives_power_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
