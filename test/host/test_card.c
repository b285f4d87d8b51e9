/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host/card.c: what a terminal adds to a reader.
 */
#include "../support/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct jz_span none = {NULL, 0};

/* Sends 80 E2 00 00 with n bytes AA, and fails unless err comes back. */
static struct jz_answer
send_bytes(struct script *s, size_t n, int err)
{
	uint8_t data[5000];
	struct jz_answer a;

	assert_true(n <= sizeof(data));
	memset(data, 0xAA, sizeof(data));
	assert_int_equal(jz_session_send(&s->session, 0x80, 0xE2, 0, 0,
			     jz_span(data, n), &a),
	    err);
	return a;
}

static void
test_short_card_gets_short_commands(void **state)
{
	static const struct line lines[] = {
	    {"80E20000 00", "9000", 0},
	    {"80E20000 01 AA 00", "0102 9000", 0},
	    {"80E20000 FF AA*255 00", "6985", 0},
	};
	struct script s;
	struct jz_answer a;

	(void)state;
	SCRIPT_OPEN(&s, false, lines);
	send_bytes(&s, 0, 0);
	a = send_bytes(&s, 1, 0);
	assert_int_equal(a.sw, 0x9000);
	assert_int_equal(a.data.len, 2);
	assert_memory_equal(a.data.data, "\x01\x02", 2);
	assert_int_equal(send_bytes(&s, 255, 0).sw, 0x6985);
	assert_int_equal(s.session.sw, 0x6985);
	script_close(&s);
}

static void
test_extended_card_gets_extended_length(void **state)
{
	static const struct line lines[] = {
	    {"80E20000 000100 AA*256 0FFE", "BB*3000 9000", 0},
	};
	struct script s;

	(void)state;
	SCRIPT_OPEN(&s, true, lines);
	assert_int_equal(send_bytes(&s, 256, 0).data.len, 3000);
	script_close(&s);
}

/* ISO/IEC 7816-4: CLA bit 5 on every block but the last, no Le before it. */
static void
test_short_card_gets_a_chain(void **state)
{
	static const struct line lines[] = {
	    {"90E20000 FF AA*255", "9000", 0},
	    {"90E20000 FF AA*255", "9000", 0},
	    {"80E20000 02 AA*2 00", "9000", 0},
	};
	struct script s;

	(void)state;
	SCRIPT_OPEN(&s, false, lines);
	assert_int_equal(send_bytes(&s, 512, 0).sw, 0x9000);
	script_close(&s);
}

static void
test_chain_ends_at_a_refusal(void **state)
{
	static const struct line lines[] = {
	    {"90E20000 FF AA*255", "6884", 0},
	};
	struct script s;
	struct jz_answer a;

	(void)state;
	SCRIPT_OPEN(&s, false, lines);
	a = send_bytes(&s, 512, 0);
	assert_int_equal(a.sw, 0x6884);
	assert_int_equal(a.data.len, 0);
	script_close(&s);
}

/* Data that lie in the session's own buffer are sent unharmed. */
static void
test_chain_may_send_the_last_answer(void **state)
{
	static const struct line lines[] = {
	    {NULL, "CC*256 6110", 0},
	    {"00C00000 10", "DD*16 9000", 0},
	    {"90E20000 FF CC*255", "9000", 0},
	    {"80E20000 11 CC DD*16 00", "9000", 0},
	};
	struct script s;
	struct jz_answer a, b;

	(void)state;
	SCRIPT_OPEN(&s, false, lines);
	a = send_bytes(&s, 0, 0);
	assert_int_equal(
	    jz_session_send(&s.session, 0x80, 0xE2, 0, 0, a.data, &b), 0);
	script_close(&s);
}

static void
test_get_response_gathers(void **state)
{
	static const struct line lines[] = {
	    {NULL, "01 6100", 0},
	    {"00C00000 00", "02*256 6103", 0},
	    {"00C00000 03", "030303 6982", 0},
	};
	struct script s;
	struct jz_answer a;

	(void)state;
	SCRIPT_OPEN(&s, false, lines);
	a = send_bytes(&s, 0, 0);
	assert_int_equal(a.sw, 0x6982);
	assert_int_equal(a.data.len, 260);
	assert_int_equal(a.data.data[0], 1);
	assert_int_equal(a.data.data[256], 2);
	assert_int_equal(a.data.data[259], 3);
	script_close(&s);
}

static void
test_get_response_keeps_the_channel(void **state)
{
	static const struct line lines[] = {
	    {"8350000000", "6101", 0},
	    {"03C0000001", "07 9000", 0},
	};
	struct script s;
	struct jz_answer a;

	(void)state;
	SCRIPT_OPEN(&s, false, lines);
	assert_int_equal(
	    jz_session_send(&s.session, 0x83, 0x50, 0, 0, none, &a), 0);
	assert_int_equal(a.data.len, 1);
	script_close(&s);
}

/* ALL-4: a card that never ends is an error, not a loop. */
static void
test_get_response_is_bounded(void **state)
{
	struct line lines[65];
	struct script s;

	(void)state;
	for (size_t i = 0; i < 65; i++)
		lines[i] = (struct line){NULL, "6101", 0};
	SCRIPT_OPEN(&s, false, lines);
	send_bytes(&s, 0, JZ_ERR_ANSWER);
	script_close(&s);
}

static void
test_answer_is_bounded(void **state)
{
	struct line lines[16];
	struct script s;

	(void)state;
	for (size_t i = 0; i < 16; i++)
		lines[i] = (struct line){NULL, "EE*256 6100", 0};
	SCRIPT_OPEN(&s, false, lines);
	/* 15 * 256 = 3840 leaves 256, too little for data and status word. */
	s.n = 15;
	send_bytes(&s, 0, JZ_ERR_SPACE);
	script_close(&s);
}

static void
test_wrong_le_is_mended_once(void **state)
{
	static const struct line lines[] = {
	    {"805C0002 00", "6C04", 0},
	    {"805C0002 04", "00000005 9000", 0},
	    {"805C0002 00", "6C04", 0},
	    {"805C0002 04", "6C05", 0},
	};
	struct script s;
	struct jz_answer a;

	(void)state;
	SCRIPT_OPEN(&s, false, lines);
	assert_int_equal(
	    jz_session_send(&s.session, 0x80, 0x5C, 0, 2, none, &a), 0);
	assert_int_equal(a.data.len, 4);
	assert_int_equal(
	    jz_session_send(&s.session, 0x80, 0x5C, 0, 2, none, &a), 0);
	assert_int_equal(a.sw, 0x6C05);
	script_close(&s);
}

/* OFP, LOD: nothing that moves money is ever sent twice. */
static void
test_error_of_the_reader_ends_it(void **state)
{
	static const int errors[] = {JZ_ERR_CARD_RESET, JZ_ERR_CARD_REMOVED,
	    JZ_ERR_TRANSMIT, JZ_ERR_TIMEOUT};
	struct script s;

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		const struct line lines[] = {{NULL, NULL, errors[i]}};

		SCRIPT_OPEN(&s, false, lines);
		send_bytes(&s, 1, errors[i]);
		assert_int_equal(s.session.sw, 0);
		script_close(&s);
	}
}

static void
test_reset_between_parts_ends_it(void **state)
{
	static const struct line chain[] = {
	    {NULL, "9000", 0},
	    {NULL, NULL, JZ_ERR_CARD_RESET},
	};
	static const struct line answer[] = {
	    {NULL, "01 6105", 0},
	    {"00C00000 05", NULL, JZ_ERR_CARD_RESET},
	};
	struct script s;
	struct jz_answer a;

	(void)state;
	SCRIPT_OPEN(&s, false, chain);
	send_bytes(&s, 600, JZ_ERR_CARD_RESET);
	script_close(&s);
	SCRIPT_OPEN(&s, false, answer);
	a = send_bytes(&s, 1, JZ_ERR_CARD_RESET);
	assert_int_equal(a.data.len, 0);
	script_close(&s);
}

/* VERIFY has no answer: no Le, and the short form on any card. */
static void
test_verify_has_no_le(void **state)
{
	static const struct line lines[] = {{"00200001 03 123456", "63C2", 0}};
	struct script s;
	struct jz_answer a;

	(void)state;
	SCRIPT_OPEN(&s, true, lines);
	assert_int_equal(jz_session_command(&s.session, 0x00, 0x20, 0, 1,
			     jz_span("\x12\x34\x56", 3), &a),
	    JZ_ERR_PIN);
	script_close(&s);
}

static void
test_longer_than_a_command(void **state)
{
	struct line lines[20];
	struct script s;

	(void)state;
	for (size_t i = 0; i < 20; i++)
		lines[i] = (struct line){NULL, "9000", 0};
	SCRIPT_OPEN(&s, true, lines);
	/* 5000 = 19 * 255 + 155: beyond one command even on this card. */
	assert_int_equal(send_bytes(&s, 5000, 0).sw, 0x9000);
	assert_int_equal(s.seen_len, 4 + 1 + 155 + 1);
	script_close(&s);
}

static void
test_status_errors(void **state)
{
	static const struct {
		uint16_t sw;
		int error;
	} cases[] = {
	    {0x9000, 0},
	    {0x63C0, JZ_ERR_PIN},
	    {0x63CF, JZ_ERR_PIN},
	    {0x6983, JZ_ERR_PIN_BLOCKED},
	    {0x9401, JZ_ERR_FUNDS},
	    {0x9301, JZ_ERR_FUNDS},
	    {0x9302, JZ_ERR_AUTHENTICATION},
	    {0x9429, JZ_ERR_DATA},
	    {0x942D, JZ_ERR_DECRYPT},
	    {0x9420, JZ_ERR_CERT_FORGED},
	    {0x9421, JZ_ERR_CERT_EXPIRED},
	    {0x9422, JZ_ERR_CERT_NOT_YET},
	    {0x9423, JZ_ERR_CERT_REVOKED},
	    {0x9424, JZ_ERR_CERT_ROLE},
	    {0x9425, JZ_ERR_CERT_ISSUER},
	    {0x9426, JZ_ERR_CERT_SUITE},
	    {0x9427, JZ_ERR_CERT_MALFORMED},
	    {0x9428, JZ_ERR_STATUS},
	    {0x6985, JZ_ERR_STATUS},
	    {0x6300, JZ_ERR_STATUS},
	    {0x6200, JZ_ERR_STATUS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(jz_status_error(cases[i].sw), cases[i].error);
}

/* The caller's Le, and the short form for whatever fits in it. */
static void
test_exchange_sends_the_callers_le(void **state)
{
	static const struct line lines[] = {
	    {"80E20000 01 AA", "9000", 0},
	    {"80E20000 01 AA 00", "9000", 0},
	    {"80E20000 01 AA 05", "9000", 0},
	    {"80E20000 000001 AA 0101", "9000", 0},
	    {"80E20000 000100 AA*256", "9000", 0},
	    {"80E20000 000100 AA*256 0100", "9000", 0},
	};
	static const struct {
		size_t len;
		bool has_le;
		uint32_t ne;
	} cases[] = {{1, false, 0}, {1, true, 256}, {1, true, 5},
	    {1, true, 257}, {256, false, 0}, {256, true, 256}};
	uint8_t data[256];
	struct jz_command c = {.cla = 0x80, .ins = 0xE2};
	struct jz_answer a;
	struct script s;

	(void)state;
	memset(data, 0xAA, sizeof(data));
	SCRIPT_OPEN(&s, true, lines);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		c.data = jz_span(data, cases[i].len);
		c.has_le = cases[i].has_le;
		c.ne = cases[i].ne;
		assert_int_equal(jz_session_exchange(&s.session, &c, &a), 0);
		assert_int_equal(a.sw, 0x9000);
	}
	script_close(&s);
}

/* A card without extended length is asked for what it can give. */
static void
test_exchange_on_a_short_card(void **state)
{
	static const struct line lines[] = {
	    {"80E20000 01 AA 00", "9000", 0},
	    {"90E20000 FF AA*255", "9000", 0},
	    {"80E20000 01 AA", "9000", 0},
	};
	uint8_t data[256];
	struct jz_command c = {.cla = 0x80, .ins = 0xE2, .has_le = true};
	struct jz_answer a;
	struct script s;

	(void)state;
	memset(data, 0xAA, sizeof(data));
	SCRIPT_OPEN(&s, false, lines);
	c.data = jz_span(data, 1);
	c.ne = 4000;
	assert_int_equal(jz_session_exchange(&s.session, &c, &a), 0);
	c.data = jz_span(data, 256);
	c.has_le = false;
	c.ne = 0;
	assert_int_equal(jz_session_exchange(&s.session, &c, &a), 0);
	script_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_exchange_sends_the_callers_le),
	    cmocka_unit_test(test_exchange_on_a_short_card),
	    cmocka_unit_test(test_short_card_gets_short_commands),
	    cmocka_unit_test(test_extended_card_gets_extended_length),
	    cmocka_unit_test(test_short_card_gets_a_chain),
	    cmocka_unit_test(test_chain_ends_at_a_refusal),
	    cmocka_unit_test(test_chain_may_send_the_last_answer),
	    cmocka_unit_test(test_get_response_gathers),
	    cmocka_unit_test(test_get_response_keeps_the_channel),
	    cmocka_unit_test(test_get_response_is_bounded),
	    cmocka_unit_test(test_answer_is_bounded),
	    cmocka_unit_test(test_wrong_le_is_mended_once),
	    cmocka_unit_test(test_error_of_the_reader_ends_it),
	    cmocka_unit_test(test_reset_between_parts_ends_it),
	    cmocka_unit_test(test_verify_has_no_le),
	    cmocka_unit_test(test_longer_than_a_command),
	    cmocka_unit_test(test_status_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
