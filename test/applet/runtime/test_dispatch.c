/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a command through the runtime: which refusal comes first, length
 * forms, chaining in and out.
 */
#include "../../support/cardrig.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define INS_ECHO     0x10 /* answers the data */
#define INS_PATTERN  0x12 /* answers P1 P2 bytes that count up */
#define INS_WARN     0x14 /* 62xx with two bytes of data */
#define INS_FAIL     0x16 /* writes data, then refuses */
#define INS_OVERRUN  0x18 /* writes more than fits */
#define INS_BOUND    0x1A /* 2 to 4 bytes, in state 2 only */
#define STATE	     0x01
#define OTHER_STATE  0x02
#define RESPONSE_MAX JZ_CARD_RESPONSE_MAX

struct echo_nvm {
	struct jz_nvm_head head;
};

static uint16_t
echo(struct jz_applet *self, struct jz_apdu *apdu)
{
	(void)self;
	jz_put(&apdu->out, apdu->command.data.data, apdu->command.data.len);
	return JZ_SW_OK;
}

static uint16_t
pattern(struct jz_applet *self, struct jz_apdu *apdu)
{
	unsigned n = (unsigned)apdu->command.p1 << 8 | apdu->command.p2;

	(void)self;
	for (unsigned i = 0; i < n; i++)
		jz_put_u8(&apdu->out, (uint8_t)(i ^ i >> 8));
	return JZ_SW_OK;
}

static uint16_t
warn(struct jz_applet *self, struct jz_apdu *apdu)
{
	(void)self;
	jz_put_u16(&apdu->out, 0xCAFE);
	return 0x6281;
}

static uint16_t
refuse(struct jz_applet *self, struct jz_apdu *apdu)
{
	(void)self;
	jz_put_u16(&apdu->out, 0xCAFE);
	return JZ_SW_DATA;
}

static uint16_t
overrun(struct jz_applet *self, struct jz_apdu *apdu)
{
	(void)self;
	for (unsigned i = 0; i <= RESPONSE_MAX; i++)
		jz_put_u8(&apdu->out, 0xEE);
	return JZ_SW_OK;
}

static const struct jz_instruction TABLE[] = {
    {0x00, INS_ECHO, 0x00, 0x00, 0, 0xFFFF, 0, echo},
    {0x00, INS_PATTERN, JZ_ANY, JZ_ANY, 0, 0, STATE, pattern},
    {0x00, INS_WARN, 0x01, JZ_ANY, 0, 0, 0, warn},
    {0x00, INS_WARN, 0x02, 0x03, 0, 0, 0, refuse},
    {0x80, INS_FAIL, 0x00, 0x00, 0, 0, 0, refuse},
    {0x80, INS_OVERRUN, 0x00, 0x00, 0, 0, 0, overrun},
    {0x80, INS_BOUND, 0x00, 0x00, 2, 4, OTHER_STATE, echo},
};

static uint16_t
process(struct jz_applet *self, struct jz_apdu *apdu)
{
	return jz_dispatch(
	    TABLE, sizeof(TABLE) / sizeof(TABLE[0]), STATE, self, apdu);
}

static const struct jz_applet_class ECHO = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "echo",
    .aid = {6, {0xF0, 'E', 'C', 'H', 'O', 1}},
    .nvm_bytes = sizeof(struct echo_nvm),
    .process = process,
};
static const struct jz_applet_class *const CLASSES[] = {&ECHO};

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
	f->card = rig_card_new(&f->rig, CLASSES, 1, false);
	assert_int_equal(
	    port_hex(&f->card->port, "00A4040006 F04543484F01 00", NULL),
	    JZ_SW_OK);
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

static const struct port *
port_of(void **state)
{
	const struct fixture *f = *state;

	return &f->card->port;
}

struct refusal {
	const char *command;
	uint16_t sw;
};

static void
check_refusals(void **state, const struct refusal *r, size_t n)
{
	struct answer a;

	for (size_t i = 0; i < n; i++) {
		if (port_hex(port_of(state), r[i].command, &a) != r[i].sw)
			fail_msg("%s: %04X", r[i].command, a.sw);
		if ((r[i].sw & 0xFF00) != JZ_SW_MORE_DATA)
			assert_int_equal(a.len, 0);
	}
}

/* Each command breaks the rule named and all that come after it. */
static void
test_refusals_come_in_their_order(void **state)
{
	static const struct refusal cases[] = {
	    {"A0FF0102", JZ_SW_CLA},
	    {"A0100000", JZ_SW_CLA},
	    {"80FE0102 05 0000000000", JZ_SW_INS},
	    {"00FE0000", JZ_SW_INS},
	    {"801A0100 05 0000000000", JZ_SW_P1P2},
	    {"801A0001 05 0000000000", JZ_SW_P1P2},
	    {"00100001", JZ_SW_P1P2},
	    {"801A0000 05 0000000000", JZ_SW_LENGTH},
	    {"801A0000 01 00", JZ_SW_LENGTH},
	    {"801A0000", JZ_SW_LENGTH},
	    {"801A0000 02 0000", JZ_SW_CONDITIONS},
	    {"801A0000 04 00000000", JZ_SW_CONDITIONS},
	    /* Known, but under the other class. */
	    {"00160000", JZ_SW_INS},
	    {"80100000", JZ_SW_INS},
	    /* The second of two rows for one instruction. */
	    {"00140203", JZ_SW_DATA},
	    {"00140204", JZ_SW_P1P2},
	};

	check_refusals(state, cases, sizeof(cases) / sizeof(cases[0]));
}

static void
test_the_runtime_looks_at_class_and_channel_first(void **state)
{
	static const struct refusal cases[] = {
	    {"FF100000", JZ_SW_CLA},
	    {"FFC0000000", JZ_SW_CLA},
	    {"01100000", JZ_SW_CHANNEL},
	    {"03A40400", JZ_SW_FILE},
	    {"03A40000", JZ_SW_CHANNEL},
	    {"40100000", JZ_SW_CHANNEL},
	    {"4F100000", JZ_SW_CHANNEL},
	    {"C0100000", JZ_SW_CHANNEL},
	    {"04100000", JZ_SW_SECURE_MESSAGING},
	    {"08100000", JZ_SW_SECURE_MESSAGING},
	    {"0C100000", JZ_SW_SECURE_MESSAGING},
	    {"84100000", JZ_SW_SECURE_MESSAGING},
	};

	check_refusals(state, cases, sizeof(cases) / sizeof(cases[0]));
}

/* proves: ALL-4 (lengths) */
static void
test_lengths_that_do_not_add_up_are_6700(void **state)
{
	static const struct refusal cases[] = {
	    {"", JZ_SW_LENGTH},
	    {"00", JZ_SW_LENGTH},
	    {"0010", JZ_SW_LENGTH},
	    {"001000", JZ_SW_LENGTH},
	    {"00100000 02 00", JZ_SW_LENGTH},
	    {"00100000 02 00000000", JZ_SW_LENGTH},
	    {"00100000 0000", JZ_SW_LENGTH},
	    {"00100000 000000 00", JZ_SW_LENGTH},
	    {"00100000 000002 00", JZ_SW_LENGTH},
	    {"00100000 000002 000000", JZ_SW_LENGTH},
	    {"00100000 000001 00 0000 00", JZ_SW_LENGTH},
	};

	check_refusals(state, cases, sizeof(cases) / sizeof(cases[0]));
}

static void
test_short_and_extended_mean_the_same(void **state)
{
	static const char *const forms[] = {
	    "00100000 03 ABCDEF 00",
	    "00100000 03 ABCDEF 03",
	    "00100000 000003 ABCDEF 0000",
	    "00100000 000003 ABCDEF 0003",
	};
	struct answer a;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		assert_int_equal(
		    port_hex(port_of(state), forms[i], &a), JZ_SW_OK);
		assert_int_equal(a.len, 3);
		assert_memory_equal(a.data, "\xAB\xCD\xEF", 3);
	}
	/* Case 2: Le alone, both forms. */
	assert_int_equal(port_hex(port_of(state), "00120003 03", &a), JZ_SW_OK);
	assert_int_equal(a.len, 3);
	assert_int_equal(
	    port_hex(port_of(state), "00120003 000003", &a), JZ_SW_OK);
	assert_int_equal(a.len, 3);
}

static void
check_pattern(const struct answer *a, size_t at, size_t n)
{
	assert_int_equal(a->len, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(
		    a->data[i], (uint8_t)((at + i) ^ (at + i) >> 8));
}

/* T=1: the terminal has not asked for an answer, and gets none. */
static void
test_without_le_there_is_no_answer(void **state)
{
	struct answer a;

	assert_int_equal(port_hex(port_of(state), "00120003", &a), JZ_SW_OK);
	assert_int_equal(a.len, 0);
	assert_int_equal(
	    port_hex(port_of(state), "00C00000 03", &a), JZ_SW_CONDITIONS);
}

/* T=1: as many bytes as were asked for, and no 61xx. */
static void
test_a_smaller_le_cuts_the_answer(void **state)
{
	static const char *const forms[] = {
	    "00120003 02", "00120003 000002", "0012012C 000002"};
	struct answer a;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		assert_int_equal(
		    port_hex(port_of(state), forms[i], &a), JZ_SW_OK);
		check_pattern(&a, 0, 2);
		assert_int_equal(port_hex(port_of(state), "00C00000 00", &a),
		    JZ_SW_CONDITIONS);
	}
}

static void
test_an_answer_no_short_le_can_ask_for_comes_in_pieces(void **state)
{
	const struct port *p = port_of(state);
	struct answer a;

	assert_int_equal(port_hex(p, "0012022C 00", &a), 0x6100);
	check_pattern(&a, 0, 256);
	assert_int_equal(port_hex(p, "00C00000 20", &a), 0x6100);
	check_pattern(&a, 256, 0x20);
	assert_int_equal(port_hex(p, "00C00000 10", &a), 0x61FC);
	check_pattern(&a, 256 + 0x20, 0x10);
	/* Le 0: up to 256, which is more than is left. */
	assert_int_equal(port_hex(p, "00C00000 00", &a), JZ_SW_OK);
	check_pattern(&a, 256 + 0x30, 0xFC);
	assert_int_equal(port_hex(p, "00C00000 00", &a), JZ_SW_CONDITIONS);
}

static void
test_le_equal_to_the_answer_leaves_nothing(void **state)
{
	const struct port *p = port_of(state);
	struct answer a;

	assert_int_equal(port_hex(p, "00120100 00", &a), JZ_SW_OK);
	check_pattern(&a, 0, 256);
	assert_int_equal(port_hex(p, "00120101 00", &a), 0x6101);
	check_pattern(&a, 0, 256);
	assert_int_equal(port_hex(p, "00C00000 01", &a), JZ_SW_OK);
	check_pattern(&a, 256, 1);
}

static void
test_the_longest_answer_arrives_whole(void **state)
{
	const struct port *p = port_of(state);
	struct answer a;

	assert_int_equal(port_hex(p, "00120900 000000", &a), JZ_SW_OK);
	check_pattern(&a, 0, RESPONSE_MAX);
	assert_int_equal(
	    port_send(p, 0x00120900, jz_span(NULL, 0), &a), JZ_SW_OK);
	check_pattern(&a, 0, RESPONSE_MAX);
}

static void
test_an_answer_that_passes_the_buffer_is_6f00_without_data(void **state)
{
	struct answer a;

	assert_int_equal(
	    port_hex(port_of(state), "80180000 000000", &a), JZ_SW_UNKNOWN);
	assert_int_equal(a.len, 0);
	assert_int_equal(
	    port_hex(port_of(state), "00C00000 00", &a), JZ_SW_CONDITIONS);
}

static void
test_another_command_forgets_the_rest(void **state)
{
	static const char *const others[] = {
	    "00140100 00", "00FE0000", "FF000000", "00", "01C0000000"};
	const struct port *p = port_of(state);

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(port_hex(p, "00120102 00", NULL), 0x6102);
		port_hex(p, others[i], NULL);
		assert_int_equal(
		    port_hex(p, "00C00000 00", NULL), JZ_SW_CONDITIONS);
	}
}

static void
test_get_response_has_no_parameters(void **state)
{
	const struct port *p = port_of(state);

	assert_int_equal(port_hex(p, "00120102 00", NULL), 0x6102);
	assert_int_equal(port_hex(p, "00C00100 00", NULL), JZ_SW_P1P2);
	assert_int_equal(port_hex(p, "00120102 00", NULL), 0x6102);
	assert_int_equal(port_hex(p, "00C00001 00", NULL), JZ_SW_P1P2);
	/* In the proprietary class it is the applet's. */
	assert_int_equal(port_hex(p, "80C00000 00", NULL), JZ_SW_INS);
}

static void
test_data_go_out_with_a_warning_but_not_with_a_refusal(void **state)
{
	struct answer a;

	assert_int_equal(port_hex(port_of(state), "00140100 00", &a), 0x6281);
	assert_int_equal(a.len, 2);
	assert_int_equal(
	    port_hex(port_of(state), "80160000 00", &a), JZ_SW_DATA);
	assert_int_equal(a.len, 0);
}

static void
test_a_chain_arrives_as_one_command(void **state)
{
	const struct port *p = port_of(state);
	struct answer a;

	assert_int_equal(port_hex(p, "10100000 02 0102 00", &a), JZ_SW_OK);
	assert_int_equal(a.len, 0);
	assert_int_equal(port_hex(p, "10100000", &a), JZ_SW_OK);
	assert_int_equal(port_hex(p, "10100000 000001 03", &a), JZ_SW_OK);
	assert_int_equal(port_hex(p, "00100000 01 04 00", &a), JZ_SW_OK);
	assert_int_equal(a.len, 4);
	assert_memory_equal(a.data, "\x01\x02\x03\x04", 4);
	/* It is over: the next one stands alone. */
	assert_int_equal(port_hex(p, "00100000 01 05 00", &a), JZ_SW_OK);
	assert_int_equal(a.len, 1);
}

static void
test_another_header_within_a_chain_is_6883_and_ends_it(void **state)
{
	static const char *const others[] = {"00120001 00", "00100100 01 00",
	    "00100001 01 00", "80100000 01 00", "10120000 01 00", "00C0000000"};
	const struct port *p = port_of(state);
	struct answer a;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(
		    port_hex(p, "10100000 02 0102", NULL), JZ_SW_OK);
		assert_int_equal(port_hex(p, others[i], &a), JZ_SW_LAST_BLOCK);
		assert_int_equal(
		    port_hex(p, "00100000 01 05 00", &a), JZ_SW_OK);
		assert_int_equal(a.len, 1);
	}
}

static void
test_a_malformed_command_ends_a_chain(void **state)
{
	const struct port *p = port_of(state);
	struct answer a;

	assert_int_equal(port_hex(p, "10100000 02 0102", NULL), JZ_SW_OK);
	assert_int_equal(port_hex(p, "00100000 05 01", NULL), JZ_SW_LENGTH);
	assert_int_equal(port_hex(p, "00100000 01 05 00", &a), JZ_SW_OK);
	assert_int_equal(a.len, 1);
}

/* What is refused before the applet must not leave a chain half open: the
 * next command would be taken for its end. */
static void
test_a_closed_channel_or_secure_messaging_ends_a_chain(void **state)
{
	static const char *const others[] = {
	    "01100000 01 00", "04100000 01 00", "FF100000 01 00"};
	const struct port *p = port_of(state);
	struct answer a;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(
		    port_hex(p, "10100000 02 0102", NULL), JZ_SW_OK);
		assert_true(port_hex(p, others[i], NULL) >= JZ_SW_LENGTH);
		assert_int_equal(
		    port_hex(p, "00100000 01 05 00", &a), JZ_SW_OK);
		assert_int_equal(a.len, 1);
	}
}

static void
test_a_chain_holds_2304_bytes_and_no_more(void **state)
{
	const struct port *p = port_of(state);
	uint8_t data[JZ_CARD_COMMAND_MAX + 1];
	struct answer a;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i ^ i >> 8);
	assert_int_equal(
	    port_send(p, 0x00100000, jz_span(data, JZ_CARD_COMMAND_MAX), &a),
	    JZ_SW_OK);
	check_pattern(&a, 0, JZ_CARD_COMMAND_MAX);
	assert_int_equal(
	    port_send(p, 0x00100000, jz_span(data, sizeof(data)), &a),
	    JZ_SW_LENGTH);
	assert_int_equal(port_hex(p, "00100000 01 05 00", &a), JZ_SW_OK);
	assert_int_equal(a.len, 1);
}

static void
test_a_chained_answer_is_chained_too(void **state)
{
	const struct port *p = port_of(state);
	uint8_t data[300] = {0};
	struct answer a;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i ^ i >> 8);
	assert_int_equal(
	    port_send(p, 0x00100000, jz_span(data, sizeof(data)), &a),
	    JZ_SW_OK);
	check_pattern(&a, 0, sizeof(data));
}

/* A caller with little room gets what fits, and the rest as if Le said so. */
static void
test_little_room_for_the_answer(void **state)
{
	static const uint8_t ask[] = {0x00, 0x12, 0x01, 0x2C, 0, 0, 0};
	static const uint8_t more[] = {0x00, 0xC0, 0, 0, 0};
	struct fixture *f = *state;
	uint8_t rsp[300], all[300];
	size_t n, at = 0;

	memset(rsp, 0x77, sizeof(rsp));
	n = jz_card_process(&f->card->card, ask, sizeof(ask), rsp, 2);
	assert_int_equal(n, 2);
	assert_int_equal(rsp[0], 0x61);
	assert_int_equal(rsp[2], 0x77);
	for (unsigned i = 0; i < 30 && rsp[n - 2] == 0x61; i++) {
		n = jz_card_process(
		    &f->card->card, more, sizeof(more), rsp, 18);
		assert_in_range(n, 2, 18);
		memcpy(all + at, rsp, n - 2);
		at += n - 2;
		assert_int_equal(rsp[18], 0x77);
	}
	assert_int_equal(at, 300);
	for (size_t i = 0; i < at; i++)
		assert_int_equal(all[i], (uint8_t)(i ^ i >> 8));
	assert_int_equal(
	    jz_card_process(&f->card->card, ask, sizeof(ask), rsp, 1), 0);
}

static void
test_nothing_selected_is_6986(void **state)
{
	struct fixture *f = *state;

	jz_card_reset(&f->card->card);
	assert_int_equal(
	    port_hex(&f->card->port, "00100000 01 00", NULL), JZ_SW_NO_EF);
	assert_int_equal(
	    port_hex(&f->card->port, "80FE0000", NULL), JZ_SW_NO_EF);
}

static void
test_reset_forgets_chain_and_rest(void **state)
{
	struct fixture *f = *state;
	const struct port *p = &f->card->port;
	struct answer a;

	assert_int_equal(port_hex(p, "00120102 00", NULL), 0x6102);
	jz_card_reset(&f->card->card);
	assert_int_equal(port_hex(p, "00C0000000", NULL), JZ_SW_CONDITIONS);
	port_hex(p, "00A4040006 F04543484F01 00", NULL);
	assert_int_equal(port_hex(p, "10100000 02 0102", NULL), JZ_SW_OK);
	jz_card_reset(&f->card->card);
	port_hex(p, "00A4040006 F04543484F01 00", NULL);
	assert_int_equal(port_hex(p, "00100000 01 05 00", &a), JZ_SW_OK);
	assert_int_equal(a.len, 1);
}

/* proves: ALL-4 (every byte string gets a status word) */
static void
test_every_short_byte_string_gets_an_answer(void **state)
{
	const struct port *p = port_of(state);
	uint8_t cmd[6] = {0};

	for (unsigned len = 0; len <= sizeof(cmd); len++)
		for (unsigned cla = 0; cla < 256; cla++)
			for (unsigned last = 0; last < 256; last += 5) {
				cmd[0] = (uint8_t)cla;
				if (len > 1)
					cmd[len - 1] = (uint8_t)last;
				port_raw(p, jz_span(cmd, len), NULL);
			}
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_refusals_come_in_their_order),
	    TEST(test_the_runtime_looks_at_class_and_channel_first),
	    TEST(test_lengths_that_do_not_add_up_are_6700),
	    TEST(test_short_and_extended_mean_the_same),
	    TEST(test_without_le_there_is_no_answer),
	    TEST(test_a_smaller_le_cuts_the_answer),
	    TEST(test_an_answer_no_short_le_can_ask_for_comes_in_pieces),
	    TEST(test_le_equal_to_the_answer_leaves_nothing),
	    TEST(test_the_longest_answer_arrives_whole),
	    TEST(test_an_answer_that_passes_the_buffer_is_6f00_without_data),
	    TEST(test_another_command_forgets_the_rest),
	    TEST(test_get_response_has_no_parameters),
	    TEST(test_data_go_out_with_a_warning_but_not_with_a_refusal),
	    TEST(test_a_chain_arrives_as_one_command),
	    TEST(test_another_header_within_a_chain_is_6883_and_ends_it),
	    TEST(test_a_malformed_command_ends_a_chain),
	    TEST(test_a_closed_channel_or_secure_messaging_ends_a_chain),
	    TEST(test_a_chain_holds_2304_bytes_and_no_more),
	    TEST(test_a_chained_answer_is_chained_too),
	    TEST(test_little_room_for_the_answer),
	    TEST(test_nothing_selected_is_6986),
	    TEST(test_reset_forgets_chain_and_rest),
	    TEST(test_every_short_byte_string_gets_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
