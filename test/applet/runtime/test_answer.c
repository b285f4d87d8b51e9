/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes out and what is kept: T=1, T=0, response chaining.
 * docs/protocol.md section 2, docs/adr/0006-answers.md.
 */
#include "../../../apdu/apdu.h"
#include "../../../apdu/atr.h"
#include "../../../apdu/error.h"
#include "../../support/probe.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD	    0x00180000u /* PROBE_PATTERN, class 00 */
#define EXTENDED_NE 65536u

struct fixture {
	struct rig rig;
	struct rig_card *card;
	struct jz_applet *probe;
};

static int
setup(void **state, uint8_t protocol)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	probe_reset();
	rig_new(&f->rig);
	f->card = probe_card_new(&f->rig, protocol);
	f->probe = probe_add(f->card, &probe_multi, 'a');
	/* Without Le: on neither protocol is there an answer to fetch, as long
	 * as nobody asks for it. */
	port_hex(&f->card->port, "00A4040006 F050524F4261", NULL);
	assert_int_equal(f->card->card.channel[0].selected, 0);
	*state = f;
	return 0;
}

static int
setup_t1(void **state)
{
	return setup(state, 0);
}

static int
setup_t0(void **state)
{
	return setup(state, JZ_PROTOCOL_T0);
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

static const struct port *
port_of(void **state)
{
	const struct fixture *f = *state;

	return &f->card->port;
}

/* Commands that the applet has carried out. */
static uint32_t
count(void **state)
{
	const struct fixture *f = *state;

	return probe_nvm(f->probe)->count;
}

static void
check_pattern(const struct answer *a, size_t at, size_t n)
{
	assert_int_equal(a->len, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(a->data[i], probe_pattern(at + i));
}

/* ---- commands of every case --------------------------------------------- */

enum form {
	NO_LE,
	SHORT,
	EXTENDED,
};

/* PROBE_PATTERN of n bytes, `ne` as the form has it, with or without data. */
static uint16_t
ask(void **state, size_t n, enum form form, uint32_t ne, bool data,
    struct answer *out)
{
	uint8_t cmd[16];
	struct jz_buffer b = jz_buffer(cmd, sizeof(cmd));

	jz_put_u32(&b, HEAD | (uint32_t)n);
	if (form == EXTENDED)
		jz_put_u8(&b, 0);
	if (data && form == EXTENDED)
		jz_put_u8(&b, 0);
	if (data)
		jz_put(&b, "\x01\xDA", 2);
	if (form == EXTENDED)
		jz_put_u16(&b, (uint16_t)ne);
	else if (form == SHORT)
		jz_put_u8(&b, (uint8_t)ne);
	assert_false(b.bad);
	return port_raw(port_of(state), jz_buffer_span(&b), out);
}

static const size_t LENGTHS[] = {
    1, 2, 3, 15, 127, 255, 256, 257, 258, 511, 512, 513, 2303, 2304};
#define N_LENGTHS (sizeof(LENGTHS) / sizeof(LENGTHS[0]))

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

/* GET RESPONSE with the xx of 61xx until the end; what was got. */
static size_t
collect(const struct port *p, uint16_t sw, uint8_t *out, size_t room)
{
	size_t n = 0;

	while ((sw & 0xFF00) == JZ_SW_MORE_DATA) {
		const uint8_t get[] = {0, 0xC0, 0, 0, (uint8_t)sw};
		struct answer a;

		sw = port_raw(p, jz_span(get, sizeof(get)), &a);
		assert_true(a.len > 0 && a.len <= room - n);
		memcpy(out + n, a.data, a.len);
		n += a.len;
	}
	assert_int_equal(sw, JZ_SW_OK);
	return n;
}

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
	assert_int_equal(port_hex(p, "011A9000 02 0304", NULL), JZ_SW_CHAINING);
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

static void
test_another_protocol_than_t0_and_t1_is_refused(void **state)
{
	struct fixture *f = *state;

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
	    T1(test_a_warning_comes_with_the_last_byte),
	    T0(test_a_warning_comes_with_the_last_byte),
	    T1(test_what_is_kept_belongs_to_its_channel),
	    T0(test_what_is_kept_belongs_to_its_channel),
	    T1(test_a_chain_belongs_to_its_channel),
	    T0(test_a_chain_belongs_to_its_channel),
	    T1(test_reset_forgets_what_is_kept),
	    T0(test_reset_forgets_what_is_kept),
	    T0(test_a_t0_card_says_so_in_its_atr),
	    T0(test_t0_has_no_extended_length),
	    T0(test_t0_without_answer_is_one_exchange),
	    T0(test_t0_le_exact),
	    T0(test_t0_a_wrong_le_is_told_the_right_one),
	    T0(test_t0_a_repetition_must_have_the_right_le),
	    T0(test_t0_after_6cxx_another_command_forgets),
	    T0(test_t0_with_data_the_answer_waits),
	    T0(test_t0_get_response_with_another_le),
	    T0(test_t0_what_waits_for_get_response_is_no_repetition),
	    T0(test_t0_the_rest_of_a_long_answer_is_no_repetition),
	    T0(test_t0_a_long_answer_to_a_small_le),
	    T0(test_t0_a_warning_stays_with_the_repetition),
	    T0(test_t0_a_refusal_is_one_exchange),
	    T0(test_t0_select_and_manage_channel),
	    T1(test_little_room_loses_nothing),
	    T0(test_little_room_loses_nothing),
	    T1(test_a_chip_without_memory_for_it_has_no_chaining),
	    T0(test_no_memory_for_a_chain_is_said),
	    T1(test_the_memory_of_chaining_is_given_back),
	    T0(test_another_protocol_than_t0_and_t1_is_refused),
	    T0(test_the_protocol_survives_power_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
