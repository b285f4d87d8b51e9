/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be read of a purse, byte for byte, and who may read it.
 */
#include "../../support/gpclient.h"
#include "../../../apdu/tlv.h"
#include "../../support/suite.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CARD_ID	 "CN00000000100001"
#define OTHER_ID "CN00123456700001"
#define PIN	 "123456"
#define NOTHING	 jz_span(NULL, 0)

struct fixture {
	struct rig rig;
	struct rig_card *card, *other;
	const struct port *port;
	const struct purse_nvm *purse;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct profile a = profile_of(CARD_ID), b = profile_of(OTHER_ID);

	assert_non_null(f);
	rig_new(&f->rig);
	f->card = rig_purse_new(&f->rig, &a);
	f->other = rig_purse_new(&f->rig, &b);
	f->port = &f->card->port;
	f->purse = rig_purse(f->card);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	rig_card_free(&f->card);
	rig_card_free(&f->other);
	rig_free(&f->rig);
	free(f);
	return 0;
}

/* Issuer, type, version, ASN, first and last day, suite. */
static void
check_public(const uint8_t *p)
{
	static const uint8_t expected[JZ_PUBLIC_BYTES] = {0, 0, 0, 0, 0, 0x62,
	    0x62, 0x62, 2, 1, 0x62, 0x62, 0x62, 0x62, 0x62, 0x62, 0x62, 0x62,
	    0x62, 0x62, 0x20, 0x25, 0x12, 0x16, 0x20, 0x28, 0x10, 0x10, 0, 0};

	assert_memory_equal(p, expected, sizeof(expected) - 1);
	assert_int_equal(p[JZ_PUBLIC_BYTES - 1], test_suite());
}

static void
test_the_answer_to_select(void **state)
{
	static const uint8_t aid[] = JZ_AID_PURSE;
	struct fixture *f = *state;
	struct jz_span fci, value, own;
	struct jz_cursor c;
	struct answer a;

	rig_accepts(f->card, AT_SELECT, jz_span(aid, sizeof(aid)), &a);
	c = jz_cursor(answer_span(&a));
	assert_int_equal(jz_tlv_expect(&c, 0x6F, &fci), 0);
	assert_true(jz_cursor_end(&c));
	c = jz_cursor(fci);
	assert_int_equal(jz_tlv_expect(&c, 0x84, &value), 0);
	assert_true(jz_span_equal(value, jz_span(aid, sizeof(aid))));
	assert_int_equal(jz_tlv_expect(&c, 0xA5, &own), 0);
	assert_true(jz_cursor_end(&c));
	c = jz_cursor(own);
	assert_int_equal(jz_tlv_expect(&c, 0x9F08, &value), 0);
	assert_true(jz_span_equal(value, jz_span("\x00\x01", 2)));
	assert_int_equal(jz_tlv_expect(&c, 0x88, &value), 0);
	assert_true(jz_span_equal(value, jz_span("\x15", 1)));
	assert_int_equal(jz_tlv_expect(&c, 0x9F0C, &value), 0);
	assert_int_equal(value.len, JZ_PUBLIC_BYTES);
	check_public(value.data);
	assert_true(jz_cursor_end(&c));
}

static void
test_the_public_file(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	rig_accepts(f->card, AT_PUBLIC, NOTHING, &a);
	assert_int_equal(a.len, JZ_PUBLIC_BYTES);
	check_public(a.data);
	/* Other files and offsets are unknown. */
	rig_refuses(f->card, AT_PUBLIC + 0x100, NOTHING, JZ_SW_P1P2);
	rig_refuses(f->card, AT_PUBLIC + 1, NOTHING, JZ_SW_P1P2);
}

static void
test_the_balance(void **state)
{
	struct fixture *f = *state;
	uint64_t balance = UINT64_C(0x180000000);

	assert_int_equal(port_balance(f->port), 0);
	assert_int_equal(
	    bank_load(&f->rig.bank, f->port, PIN, 0x1234), JZ_SW_OK);
	assert_int_equal(port_balance(f->port), 0x1234);
	/* What four bytes with a sign cannot say is the highest they can. */
	rig_poke(f->card, &f->purse->balance, &balance, sizeof(balance));
	assert_int_equal(port_balance(f->port), 0x7FFFFFFF);
	rig_refuses(f->card, AT_BALANCE - 1, NOTHING, JZ_SW_P1P2);
}

/* proves: OFP-8 (each card has its own certificate and ID) */
static void
test_the_certificate_and_the_number(void **state)
{
	struct fixture *f = *state;
	struct jz_certificate c;
	struct answer a;

	rig_accepts(f->card, AT_CERTIFICATE, NOTHING, &a);
	assert_int_equal(
	    jz_certificate_parse(answer_span(&a), f->rig.engine.crypto, &c), 0);
	assert_memory_equal(c.holder, CARD_ID, JZ_ID_BYTES);
	assert_memory_equal(
	    c.public_key, f->purse->key.public_key, sizeof(c.public_key));
	rig_accepts(f->other, AT_CERTIFICATE, NOTHING, &a);
	assert_int_equal(
	    jz_certificate_parse(answer_span(&a), f->rig.engine.crypto, &c), 0);
	assert_memory_equal(c.holder, OTHER_ID, JZ_ID_BYTES);
	rig_accepts(f->card, AT_ASN, NOTHING, &a);
	assert_int_equal(a.len, 12);
	assert_memory_equal(
	    a.data, "\x5A\x0A\x62\x62\x62\x62\x62\x62\x62\x62\x62\x62", 12);
	rig_refuses(f->card, AT_ASN + 1, NOTHING, JZ_SW_P1P2);
}

static void
test_the_information(void **state)
{
	struct fixture *f = *state;
	struct jz_message m;
	struct payment pay = payment_of(f->port, &f->other->port, 100, RIG_NOW);

	assert_int_equal(bank_load(&f->rig.bank, f->port, PIN, 500), JZ_SW_OK);
	assert_int_equal(payment_run(&pay, STEP_REQUEST), JZ_SW_OK);
	m = port_info(f->port);
	assert_int_equal(m.state, JZ_PURSE_PERSONALISED);
	assert_memory_equal(m.card_id, CARD_ID, JZ_ID_BYTES);
	assert_memory_equal(m.asn, f->purse->asn, sizeof(m.asn));
	assert_int_equal(m.payment.currency, BANK_CURRENCY);
	assert_int_equal(m.balance, 500);
	assert_int_equal(m.max_balance, 1000000);
	assert_int_equal(m.max_single, 500000);
	assert_int_equal(m.online_counter, 1);
	assert_int_equal(m.payment.payee_counter, 1);
	assert_int_equal(m.record, 2);
	assert_int_equal(m.count, 1);
	assert_int_equal(m.capacity, JZ_PURSE_RECORDS);
}

static void
test_reading_changes_nothing(void **state)
{
	static const uint32_t headers[] = {AT_BALANCE, AT_INFO, AT_CERTIFICATE,
	    AT_ASN, AT_PUBLIC, AT_READ_KEY, AT_READ_LOG(1), AT_SETTLE(1)};
	struct fixture *f = *state;
	uint8_t before[32], after[32];

	assert_int_equal(bank_load(&f->rig.bank, f->port, PIN, 500), JZ_SW_OK);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	rig_hash(f->card, before);
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		rig_accepts(f->card, headers[i], NOTHING, NULL);
	rig_hash(f->card, after);
	assert_memory_equal(before, after, 32);
}

/* READ RECORD's answer, in the order of JR/T 0025. */
static void
check_record(struct rig_card *c, unsigned n, const char *expected)
{
	struct answer a;

	rig_accepts(c, AT_READ_LOG(n), NOTHING, &a);
	assert_int_equal(a.len, JZ_LOG_RECORD_BYTES);
	assert_memory_equal(a.data, expected, JZ_LOG_RECORD_BYTES);
}

/* A load of 5000, 700 paid, 300 received. */
static void
three_records(struct fixture *f)
{
	struct payment out, in;

	rig_set_time(f->card, RIG_NOW + 7);
	assert_int_equal(bank_load(&f->rig.bank, f->port, PIN, 5000), JZ_SW_OK);
	out = payment_of(&f->other->port, f->port, 700, RIG_NOW - 9);
	assert_int_equal(payment_run(&out, STEP_ACKNOWLEDGE), JZ_SW_OK);
	in = payment_of(f->port, &f->other->port, 300, RIG_NOW - 9);
	assert_int_equal(payment_run(&in, STEP_ACKNOWLEDGE), JZ_SW_OK);
}

static void
test_the_log(void **state)
{
	struct fixture *f = *state;

	three_records(f);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	/* Received, paid, loaded: the newest first. */
	check_record(f->card, 1,
	    "\x00\x02\0\0\0\x00\x00\x01\x2C\x0A\x00\x00\x01\x23\x45\x67"
	    "\x20\x26\x01\x15\x12\x00\x07");
	check_record(f->card, 2,
	    "\x00\x01\0\0\0\x00\x00\x02\xBC\x06\x00\x00\x01\x23\x45\x67"
	    "\x20\x26\x01\x15\x12\x00\x07");
	check_record(f->card, 3,
	    "\x00\x01\0\0\0\x00\x00\x13\x88\x02\x00\x00\x20\x26\x01\x15"
	    "\x20\x26\x01\x15\x12\x00\x00");
	rig_refuses(f->card, AT_READ_LOG(4), NOTHING, JZ_SW_RECORD);
	rig_refuses(f->card, AT_READ_LOG(0), NOTHING, JZ_SW_RECORD);
	rig_refuses(f->card, AT_READ_LOG(255), NOTHING, JZ_SW_RECORD);
}

/* proves: OFP-7 (the log is the cardholder's) */
static void
test_the_log_is_read_after_the_pin_which_stays_good(void **state)
{
	struct fixture *f = *state;
	struct blob load = load_of(1);

	three_records(f);
	rig_refuses(f->card, AT_READ_LOG(1), NOTHING, JZ_SW_SECURITY);
	/* Whether there is such a record is not told either. */
	rig_refuses(f->card, AT_READ_LOG(9), NOTHING, JZ_SW_SECURITY);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	rig_accepts(f->card, AT_READ_LOG(1), NOTHING, NULL);
	rig_accepts(f->card, AT_READ_LOG(2), NOTHING, NULL);
	rig_accepts(f->card, AT_INITIALIZE, blob_span(&load), NULL);
	rig_refuses(f->card, AT_READ_LOG(1), NOTHING, JZ_SW_SECURITY);
}

static void
test_the_log_shows_ten_records_settled_or_not(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	uint32_t n;

	for (unsigned i = 1; i <= 40; i++) {
		assert_int_equal(
		    bank_load(&f->rig.bank, f->port, PIN, i), JZ_SW_OK);
		if (i % 30 == 0)
			assert_int_equal(
			    bank_settle(&f->rig.bank, f->port, &n), JZ_SW_OK);
	}
	assert_int_equal(bank_settle(&f->rig.bank, f->port, &n), JZ_SW_OK);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	for (unsigned i = 1; i <= JZ_LOG_RECORDS; i++) {
		rig_accepts(f->card, AT_READ_LOG(i), NOTHING, &a);
		assert_int_equal(jz_get_be(a.data, 2), 41 - i);
		assert_int_equal(jz_get_be(a.data + 5, 4), 41 - i);
	}
	rig_refuses(
	    f->card, AT_READ_LOG(JZ_LOG_RECORDS + 1), NOTHING, JZ_SW_RECORD);
}

/* Only the low half of a counter fits in the field's record. */
static void
test_the_serial_is_the_low_half_of_the_counter(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	rig_poke_u32(f->card, &f->purse->online_counter, 0x0001FFFF);
	assert_int_equal(bank_load(&f->rig.bank, f->port, PIN, 1), JZ_SW_OK);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	rig_accepts(f->card, AT_READ_LOG(1), NOTHING, &a);
	assert_int_equal(jz_get_be(a.data, 2), 0x0000);
	assert_int_equal(port_info(f->port).online_counter, 0x00020000);
}

static void
test_unknown_commands(void **state)
{
	static const struct {
		uint32_t header;
		uint16_t sw;
	} cases[] = {
	    {0xA0B00000, JZ_SW_CLA},
	    {0x80FE0000, JZ_SW_INS},
	    {0x00FE0000, JZ_SW_INS},
	    {0x80600000, JZ_SW_INS},
	    {0x805C0001, JZ_SW_P1P2},
	    {0x80500001, JZ_SW_P1P2},
	    {0x80500302, JZ_SW_P1P2},
	    {0x80540000, JZ_SW_P1P2},
	    {0x805A0100, JZ_SW_P1P2},
	    {0x80760000, JZ_SW_P1P2},
	    {0x807D0000, JZ_SW_P1P2},
	    {0x807F0000, JZ_SW_P1P2},
	    {0x00200000, JZ_SW_P1P2},
	    {0x00200080, JZ_SW_P1P2},
	    {0x00CA9F7F, JZ_SW_P1P2},
	    {0x00478200, JZ_SW_P1P2},
	    {0x00B201BC, JZ_SW_P1P2},
	    {0x80700200, JZ_SW_P1P2},
	    {0x80700000, JZ_SW_LENGTH},
	    {0x80710000, JZ_SW_LENGTH},
	    {0x80520000, JZ_SW_LENGTH},
	    {0x80500002, JZ_SW_LENGTH},
	    {0x80500502, JZ_SW_LENGTH},
	    {0x80540300, JZ_SW_LENGTH},
	    {0x00200001, JZ_SW_LENGTH},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		rig_refuses(f->card, cases[i].header, NOTHING, cases[i].sw);
}

/* A card without a clock takes the payee's stated time. */
static void
test_without_a_clock_the_stated_time_is_recorded(void **state)
{
	struct fixture *f = *state;
	struct profile pa = profile_of("CN00000000700001");
	struct profile pb = profile_of("CN00000000800001");
	struct rig_card *a = rig_bare_purse_new(&f->rig, &pa);
	struct rig_card *b = rig_bare_purse_new(&f->rig, &pb);
	struct payment pay = payment_of(&a->port, &b->port, 100, RIG_NOW - 60);

	assert_int_equal(
	    bank_load(&f->rig.bank, &b->port, PIN, 5000), JZ_SW_OK);
	rig_set_time(a, 0);
	rig_set_time(b, 0);
	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(
	    purse_time(rig_purse(b)->record[2].payer_time), RIG_NOW - 60);
	assert_int_equal(
	    purse_time(rig_purse(a)->record[1].payee_time), RIG_NOW - 60);
	rig_card_free(&a);
	rig_card_free(&b);
}

#define NAME	"08F04A49414F5A4901"
#define INSTALL NAME NAME NAME "0100 02C900 00"

/* What the issuer is told who would delete it; then it is selected again. */
static uint16_t
delete_it(const struct fixture *f)
{
	struct gp g;
	uint16_t sw;

	assert_int_equal(bank_begin(&f->rig.bank, f->port, &g), JZ_SW_OK);
	sw = gp_hex(&g, GP_AT_DELETE, "4F" NAME, NULL);
	jz_card_reset(&f->card->card);
	assert_int_equal(
	    port_select(f->port), sw == JZ_SW_OK ? JZ_SW_FILE : JZ_SW_OK);
	return sw;
}

/* A purse that holds money, or an unsettled record, is not deleted. */
static void
test_only_an_empty_and_settled_purse_is_deleted(void **state)
{
	struct fixture *f = *state;
	struct payment out;
	uint32_t n;

	assert_int_equal(bank_load(&f->rig.bank, f->port, PIN, 500), JZ_SW_OK);
	assert_int_equal(delete_it(f), JZ_SW_CONDITIONS);
	assert_int_equal(bank_settle(&f->rig.bank, f->port, &n), JZ_SW_OK);
	assert_int_equal(delete_it(f), JZ_SW_CONDITIONS);
	out = payment_of(&f->other->port, f->port, 500, RIG_NOW);
	assert_int_equal(payment_run(&out, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(delete_it(f), JZ_SW_CONDITIONS);
	assert_int_equal(port_balance(f->port), 0);
	assert_int_equal(bank_settle(&f->rig.bank, f->port, &n), JZ_SW_OK);
	assert_int_equal(delete_it(f), JZ_SW_OK);
}

/* Nor one that is owed an answer, though it holds nothing yet: the permission
 * of a load, whose account was debited, or the completion of a payment. */
static void
test_a_purse_that_is_owed_an_answer_is_not_deleted(void **state)
{
	struct fixture *f = *state;
	struct blob load = load_of(500);
	struct payment in = payment_of(f->port, &f->other->port, 300, RIG_NOW);

	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	rig_accepts(f->card, AT_INITIALIZE, blob_span(&load), NULL);
	assert_int_equal(port_balance(f->port), 0);
	assert_int_equal(delete_it(f), JZ_SW_CONDITIONS);
	rig_accepts(f->card, AT_CANCEL, NOTHING, NULL);
	assert_int_equal(
	    bank_load(&f->rig.bank, &f->other->port, PIN, 500), JZ_SW_OK);
	assert_int_equal(payment_run(&in, STEP_CONFIRM), JZ_SW_OK);
	assert_int_equal(port_balance(f->port), 0);
	assert_int_equal(delete_it(f), JZ_SW_CONDITIONS);
	assert_int_equal(payment_run(&in, STEP_CREDIT), JZ_SW_OK);
	assert_int_equal(port_balance(f->port), 300);
}

/* The next one in its place is another purse, with another key. */
static void
test_a_new_purse_has_a_new_key(void **state)
{
	struct profile p = profile_of("CN00000000100002");
	struct fixture *f = *state;
	uint8_t was[JZ_POINT_BYTES];
	struct gp g = gp_host(f->card);

	memcpy(was, f->purse->key.public_key, sizeof(was));
	assert_int_equal(delete_it(f), JZ_SW_OK);
	gp_login(&g);
	assert_int_equal(
	    gp_hex(&g, GP_AT_INSTALL(0x0C), INSTALL, NULL), JZ_SW_OK);
	assert_int_equal(bank_personalise(&f->rig.bank, f->port, &p), JZ_SW_OK);
	assert_memory_not_equal(
	    rig_purse(f->card)->key.public_key, was, sizeof(was));
	assert_int_equal(port_info(f->port).record, 1);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_the_answer_to_select),
	    TEST(test_the_public_file),
	    TEST(test_the_balance),
	    TEST(test_the_certificate_and_the_number),
	    TEST(test_the_information),
	    TEST(test_reading_changes_nothing),
	    TEST(test_the_log),
	    TEST(test_the_log_is_read_after_the_pin_which_stays_good),
	    TEST(test_the_log_shows_ten_records_settled_or_not),
	    TEST(test_the_serial_is_the_low_half_of_the_counter),
	    TEST(test_unknown_commands),
	    TEST(test_without_a_clock_the_stated_time_is_recorded),
	    TEST(test_only_an_empty_and_settled_purse_is_deleted),
	    TEST(test_a_purse_that_is_owed_an_answer_is_not_deleted),
	    TEST(test_a_new_purse_has_a_new_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
