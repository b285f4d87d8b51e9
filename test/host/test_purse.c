/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host/purse.c: the bytes of each command, and answers that must be refused.
 */
#include "../support/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../host/purse.h"

static void
test_select(void **state)
{
	static const struct line lines[] = {
	    {"00A40400 08 F04A49414F5A4901 00", "6F00 9000", 0},
	    {"00A40400 08 F04A49414F5A4901 00", "6A82", 0},
	};
	struct script s;

	(void)state;
	SCRIPT_OPEN(&s, false, lines);
	assert_int_equal(jz_purse_select(&s.session), 0);
	assert_int_equal(jz_purse_select(&s.session), JZ_ERR_STATUS);
	assert_int_equal(s.session.sw, 0x6A82);
	script_close(&s);
}

static void
test_balance(void **state)
{
	static const struct line lines[] = {
	    {"805C0002 00", "7FFFFFFF 9000", 0},
	    {"805C0002 00", "000001 9000", 0},
	    {"805C0002 00", "0000000001 9000", 0},
	};
	struct script s;
	uint64_t minor;

	(void)state;
	SCRIPT_OPEN(&s, false, lines);
	assert_int_equal(jz_purse_balance(&s.session, &minor), 0);
	assert_int_equal(minor, 0x7FFFFFFF);
	assert_int_equal(jz_purse_balance(&s.session, &minor), JZ_ERR_ANSWER);
	assert_int_equal(jz_purse_balance(&s.session, &minor), JZ_ERR_ANSWER);
	assert_int_equal(minor, 0);
	script_close(&s);
}

static void
test_pin_digits(void **state)
{
	static const struct {
		const char *pin;
		const char *bcd; /* NULL: refused */
	} cases[] = {
	    {"1234", "\x12\x34"},
	    {"12345", "\x12\x34\x5F"},
	    {"000000", "\x00\x00\x00"},
	    {"123456789012", "\x12\x34\x56\x78\x90\x12"},
	    {"123", NULL},
	    {"", NULL},
	    {"1234567890123", NULL},
	    {"12a4", NULL},
	    {"-1234", NULL},
	    {"12 34", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t bcd[JZ_PIN_BYTES_MAX];
		size_t len, want = (strlen(cases[i].pin) + 1) / 2;
		struct jz_secret pin;
		int err;

		jz_secret_set(
		    &pin, jz_span(cases[i].pin, strlen(cases[i].pin)));
		err = jz_pin_to_bcd(&pin, bcd, &len);
		if (cases[i].bcd == NULL) {
			assert_int_equal(err, JZ_ERR_ARGUMENT);
			continue;
		}
		assert_int_equal(err, 0);
		assert_int_equal(len, want);
		assert_memory_equal(bcd, cases[i].bcd, len);
	}
}

static void
test_verify(void **state)
{
	static const struct line lines[] = {
	    {"00200001 03 12345F", "9000", 0},
	    {"00200001 02 1234", "63C2", 0},
	    {"00200001 02 1234", "6983", 0},
	};
	struct script s;
	unsigned tries = 9;

	(void)state;
	SCRIPT_OPEN(&s, false, lines);
	assert_int_equal(
	    jz_purse_verify_pin(&s.session, JZ_SECRET("12345"), &tries), 0);
	assert_int_equal(
	    jz_purse_verify_pin(&s.session, JZ_SECRET("1234"), &tries),
	    JZ_ERR_PIN);
	assert_int_equal(tries, 2);
	assert_int_equal(
	    jz_purse_verify_pin(&s.session, JZ_SECRET("1234"), &tries),
	    JZ_ERR_PIN_BLOCKED);
	assert_int_equal(tries, 0);
	/* A PIN that is none costs the cardholder no try. */
	assert_int_equal(
	    jz_purse_verify_pin(&s.session, JZ_SECRET("12x4"), &tries),
	    JZ_ERR_ARGUMENT);
	script_close(&s);
}

static void
test_info(void **state)
{
	struct jz_message m = {.kind = JZ_KIND_PURSE_INFO};
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	char answer[2 * JZ_MESSAGE_MAX + 8], cut[2 * JZ_MESSAGE_MAX + 8];
	struct line lines[] = {
	    {"00CAFF61 00", answer, 0}, {"00CAFF61 00", cut, 0}};
	struct jz_purse_info p;
	struct script s;

	(void)state;
	memcpy(m.card_id, "CN00000000100001", 16);
	memset(m.asn, 0x12, sizeof(m.asn));
	m.state = JZ_PURSE_PERSONALISED;
	m.payment.currency = 156;
	m.payment.payee_counter = 8;
	m.balance = 12345;
	m.max_balance = 100000;
	m.max_single = 50000;
	m.online_counter = 7;
	m.record = 21;
	m.count = 3;
	m.capacity = 32;
	assert_int_equal(jz_message_encode(&m, JZ_SIGNED, &b), 0);
	for (size_t i = 0; i < b.len; i++)
		sprintf(answer + 2 * i, "%02X", bytes[i]);
	strcpy(cut, answer);
	strcpy(cut + 2 * b.len - 2, "9000");
	strcat(answer, "9000");
	SCRIPT_OPEN(&s, false, lines);
	assert_int_equal(jz_purse_info(&s.session, &p), 0);
	assert_int_equal(p.state, JZ_PURSE_PERSONALISED);
	assert_memory_equal(p.id, "CN00000000100001", 16);
	assert_int_equal(p.asn[9], 0x12);
	assert_int_equal(p.currency, 156);
	assert_int_equal(p.balance_minor, 12345);
	assert_int_equal(p.max_balance_minor, 100000);
	assert_int_equal(p.max_single_minor, 50000);
	assert_int_equal(p.online_counter, 7);
	assert_int_equal(p.offline_counter, 8);
	assert_int_equal(p.next_record, 21);
	assert_int_equal(p.unsettled, 3);
	assert_int_equal(p.capacity, 32);
	assert_int_equal(jz_purse_info(&s.session, &p), JZ_ERR_ANSWER);
	assert_int_equal(p.balance_minor, 0);
	script_close(&s);
}

static void
test_log(void **state)
{
	static const struct line lines[] = {
	    {"00B201C4 00",
		"0007 000000 00000019 06 000000000002 20260131 235959 9000", 0},
	    {"00B202C4 00",
		"0006 000000 00002710 02 000000000001 20260130 000000 9000", 0},
	    {"00B203C4 00", "6A83", 0},
	    {"00B201C4 00", "6982", 0},
	    {"00B201C4 00",
		"0007 000000 00000019 06 000000000002 20261331 235959 9000", 0},
	    {"00B201C4 00", "0007 9000", 0},
	};
	struct jz_log_line out[JZ_LOG_RECORDS];
	size_t n = JZ_LOG_RECORDS;
	struct script s;

	(void)state;
	SCRIPT_OPEN(&s, false, lines);
	assert_int_equal(jz_purse_log(&s.session, out, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(out[0].serial, 7);
	assert_int_equal(out[0].amount_minor, 25);
	assert_int_equal(out[0].type, JZ_TYPE_EP_PURCHASE);
	assert_int_equal(out[0].terminal[5], 2);
	assert_int_equal(out[0].time, 1769903999);
	assert_int_equal(out[1].amount_minor, 10000);
	n = JZ_LOG_RECORDS;
	assert_int_equal(jz_purse_log(&s.session, out, &n), JZ_ERR_STATUS);
	n = JZ_LOG_RECORDS;
	assert_int_equal(jz_purse_log(&s.session, out, &n), JZ_ERR_ANSWER);
	n = JZ_LOG_RECORDS;
	assert_int_equal(jz_purse_log(&s.session, out, &n), JZ_ERR_ANSWER);
	assert_int_equal(n, 0);
	script_close(&s);
}

static void
test_key(void **state)
{
	static const struct line lines[] = {
	    {"00478100 00", "7F4943 8641 04 11*64 9000", 0},
	    {"00478100 00", "6A88", 0},
	    {"00478100 00", "7F4942 8640 11*64 9000", 0},
	    {"00478100 00", "7F4943 8641 04 11*64 00 9000", 0},
	};
	uint8_t key[JZ_POINT_BYTES];
	struct script s;

	(void)state;
	SCRIPT_OPEN(&s, false, lines);
	assert_int_equal(jz_purse_public_key(&s.session, key), 0);
	assert_int_equal(key[0], 4);
	assert_int_equal(key[64], 0x11);
	assert_int_equal(jz_purse_public_key(&s.session, key), JZ_ERR_STATUS);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(
		    jz_purse_public_key(&s.session, key), JZ_ERR_ANSWER);
		assert_int_equal(key[0], 0);
		assert_int_equal(key[64], 0);
	}
	script_close(&s);
}

static void
test_request(void **state)
{
	static const struct line lines[] = {
	    {"80700000 1B 8008 00000000000009C4 8102 0156"
	     " 8607 20260131235959 8E02 4869 00",
		"FF2200 9000", 0},
	    {"80700000 17 8008 000000007FFFFFFF 8102 0392"
	     " 8607 00000000000000 00",
		"FF2F00 9000", 0},
	};
	struct jz_terms t = {.amount_minor = 2500,
	    .currency = 156,
	    .time = 1769903999,
	    .reference = "Hi"};
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct script s;

	(void)state;
	SCRIPT_OPEN(&s, false, lines);
	assert_int_equal(jz_purse_request(&s.session, &t, &b), 0);
	assert_int_equal(b.len, 3);
	/* An answer of another kind is no request. */
	t = (struct jz_terms){.amount_minor = 0x7FFFFFFF, .currency = 392};
	assert_int_equal(jz_purse_request(&s.session, &t, &b), JZ_ERR_ANSWER);
	/* What no card can take is not sent. */
	t.amount_minor = 0x80000000u;
	assert_int_equal(jz_purse_request(&s.session, &t, &b), JZ_ERR_RANGE);
	t.amount_minor = 0;
	assert_int_equal(jz_purse_request(&s.session, &t, &b), JZ_ERR_RANGE);
	t.amount_minor = 1;
	t.reference = "123456789012345678901234567890123";
	assert_int_equal(jz_purse_request(&s.session, &t, &b), JZ_ERR_RANGE);
	script_close(&s);
}

static void
test_payment_commands(void **state)
{
	static const struct line lines[] = {
	    {"80710000 02 0102 00", "FF2F00 9000", 0},
	    {"80720000 02 0102 00", "FF2F00 9000", 0},
	    {"80730000 02 0102 00", "FF2F00 9000", 0},
	    {"80740000 02 0102 00", "FF2F00 9000", 0},
	    {"80750000 02 0102 00", "9000", 0},
	    {"80767300 22 8A20 05*32 00", "FF2F00 9000", 0},
	    {"80740000 02 0102 00", "9302", 0},
	    {"80740000 02 0102 00", "9429", 0},
	    {"80740000 02 0102 00", "9000", 0},
	};
	const struct jz_span in = jz_span("\x01\x02", 2);
	uint8_t bytes[JZ_MESSAGE_MAX], digest[JZ_DIGEST_BYTES];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct script s;
	struct jz_session *c = &s.session;

	(void)state;
	memset(digest, 5, sizeof(digest));
	SCRIPT_OPEN(&s, false, lines);
	assert_int_equal(jz_purse_agree(c, in, &b), 0);
	assert_int_equal(jz_purse_confirm(c, in, &b), 0);
	assert_int_equal(jz_purse_complete(c, in, &b), 0);
	assert_int_equal(jz_purse_credit(c, in, &b), 0);
	assert_int_equal(jz_purse_acknowledge(c, in), 0);
	assert_int_equal(jz_purse_fetch_completion(c, digest, &b), 0);
	assert_int_equal(jz_purse_credit(c, in, &b), JZ_ERR_AUTHENTICATION);
	assert_int_equal(jz_purse_credit(c, in, &b), JZ_ERR_DATA);
	assert_int_equal(jz_purse_credit(c, in, &b), JZ_ERR_ANSWER);
	script_close(&s);
}

static void
test_load_request(void **state)
{
	static const uint8_t terminal[JZ_TERMINAL_BYTES] = {1, 2, 3, 4, 5, 6};
	static const struct line lines[] = {
	    {"80500002 0B 01 00002710 010203040506 00",
		"00000000 0001 01 01 AABBCCDD FF4100 9000", 0},
	    {"80500002 0B 01 00002710 010203040506 00",
		"00000000 0001 01 01 AABBCCDD 9000", 0},
	    {"80500002 0B 01 00002710 010203040506 00", "6982", 0},
	};
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct script s;

	(void)state;
	SCRIPT_OPEN(&s, false, lines);
	assert_int_equal(
	    jz_purse_load_request(&s.session, 10000, terminal, &b), 0);
	assert_int_equal(b.len, 3);
	assert_memory_equal(bytes, "\xFF\x41", 2);
	assert_int_equal(jz_purse_load_request(&s.session, 10000, terminal, &b),
	    JZ_ERR_ANSWER);
	assert_int_equal(jz_purse_load_request(&s.session, 10000, terminal, &b),
	    JZ_ERR_STATUS);
	assert_int_equal(
	    jz_purse_load_request(&s.session, 0, terminal, &b), JZ_ERR_RANGE);
	assert_int_equal(
	    jz_purse_load_request(&s.session, 0x80000000u, terminal, &b),
	    JZ_ERR_RANGE);
	script_close(&s);
}

/* Date and time of CREDIT FOR LOAD are those that the permission signs. */
static void
test_credit_for_load(void **state)
{
	static const struct line lines[] = {{NULL, "FF4300 9000", 0}};
	struct jz_message m = {.kind = JZ_KIND_LOAD_PERMISSION};
	uint8_t may[JZ_MESSAGE_MAX], did[JZ_MESSAGE_MAX];
	struct jz_buffer p = jz_buffer(may, sizeof(may));
	struct jz_buffer r = jz_buffer(did, sizeof(did));
	struct script s;

	(void)state;
	memcpy(m.card_id, "CN00000000100001", 16);
	memcpy(m.host_id, "CNJIAOZIHOST0001", 16);
	m.payment.amount = 1;
	m.payment.currency = 156;
	m.payment.time = 1769903999;
	assert_int_equal(jz_message_encode(&m, JZ_SIGNED, &p), 0);
	SCRIPT_OPEN(&s, true, lines);
	assert_int_equal(
	    jz_purse_credit_for_load(&s.session, jz_buffer_span(&p), &r), 0);
	assert_memory_equal(s.seen + 7, "\x20\x26\x01\x31\x23\x59\x59", 7);
	assert_memory_equal(s.seen + 14, may, p.len);
	/* What is no permission never reaches the card. */
	assert_int_equal(
	    jz_purse_credit_for_load(&s.session, jz_span(may, p.len - 1), &r),
	    JZ_ERR_MESSAGE);
	script_close(&s);
}

/* 6985 says that nothing is open, 9429 that something is; no other word. */
static void
test_load_open(void **state)
{
	static const struct line lines[] = {
	    {NULL, "6985", 0},
	    {NULL, "9429", 0},
	    /* A card that takes none in clear is asked again, sealed. */
	    {NULL, "6A80", 0},
	    {NULL, "942D", 0},
	    {NULL, "6A80", 0},
	    {NULL, "6985", 0},
	    {NULL, "6A80", 0},
	    {NULL, "6A80", 0},
	    {NULL, "9000", 0},
	    {NULL, NULL, JZ_ERR_CARD_RESET},
	};
	static const int errors[] = {
	    0, 0, 0, 0, JZ_ERR_STATUS, JZ_ERR_ANSWER, JZ_ERR_CARD_RESET};
	struct jz_message m;
	struct script s;
	bool open;

	(void)state;
	SCRIPT_OPEN(&s, true, lines);
	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		assert_int_equal(
		    jz_purse_load_open(&s.session, &open), errors[i]);
		assert_int_equal(open, i == 1 || i == 2);
	}
	/* Well formed, with its own time before it, and nobody's. */
	assert_memory_equal(s.seen + 7, "\0\0\0\0\0\0\0", 7);
	assert_int_equal(
	    jz_message_decode(jz_span(s.seen + 14, s.seen_len - 16),
		JZ_KIND_LOAD_PERMISSION, &m),
	    0);
	assert_int_equal(m.payment.amount, 0);
	script_close(&s);
}

static void
test_cancel_load(void **state)
{
	static const struct line lines[] = {
	    {"807A0000 00", "FF4400 9000", 0},
	    {"807A0000 00", "FF4300 9000", 0},
	    {"807A0000 00", "6985", 0},
	    {"807A0000 00", "6581", 0},
	};
	static const int errors[] = {
	    0, JZ_ERR_ANSWER, JZ_ERR_NOT_FOUND, JZ_ERR_STATUS};
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct script s;

	(void)state;
	SCRIPT_OPEN(&s, false, lines);
	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

		assert_int_equal(
		    jz_purse_cancel_load(&s.session, &b), errors[i]);
	}
	script_close(&s);
}

static void
test_settle(void **state)
{
	static const struct line lines[] = {
	    {"80790100 00", "FF5100 9000", 0},
	    {"80790300 01 07 00", "9000", 0},
	    {"80790400 00", "6A83", 0},
	    {"80790100 00", "6A83", 0},
	};
	const struct jz_span none = {NULL, 0};
	uint8_t bytes[JZ_BATCH_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct script s;
	struct jz_session *c = &s.session;

	(void)state;
	SCRIPT_OPEN(&s, false, lines);
	assert_int_equal(jz_purse_settle(c, 1, none, &b), 0);
	assert_int_equal(b.len, 3);
	assert_int_equal(jz_purse_settle(c, 3, jz_span("\x07", 1), &b), 0);
	assert_int_equal(jz_purse_settle(c, 4, none, &b), JZ_ERR_NOT_FOUND);
	assert_int_equal(jz_purse_settle(c, 1, none, &b), JZ_ERR_STATUS);
	assert_int_equal(jz_purse_settle(c, 0, none, &b), JZ_ERR_ARGUMENT);
	assert_int_equal(jz_purse_settle(c, 6, none, &b), JZ_ERR_ARGUMENT);
	script_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_select),
	    cmocka_unit_test(test_balance),
	    cmocka_unit_test(test_pin_digits),
	    cmocka_unit_test(test_verify),
	    cmocka_unit_test(test_info),
	    cmocka_unit_test(test_log),
	    cmocka_unit_test(test_key),
	    cmocka_unit_test(test_request),
	    cmocka_unit_test(test_payment_commands),
	    cmocka_unit_test(test_load_request),
	    cmocka_unit_test(test_credit_for_load),
	    cmocka_unit_test(test_load_open),
	    cmocka_unit_test(test_cancel_load),
	    cmocka_unit_test(test_settle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
