/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults that were found by looking for them, each with the test that would
 * have told.
 */
#include "../../support/gpclient.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define PIN	"123456"
#define FUNDS	20000
#define AMOUNT	2500
#define NOTHING jz_span(NULL, 0)

struct fixture {
	struct rig rig;
	struct rig_card *payer, *payee;
};

static struct fixture fixture;

static struct rig_card *
purse(const char *id)
{
	struct profile p = profile_of(id);
	struct rig_card *c = rig_purse_new(&fixture.rig, &p);

	assert_int_equal(
	    bank_load(&fixture.rig.bank, &c->port, PIN, FUNDS), JZ_SW_OK);
	return c;
}

static int
setup(void **state)
{
	(void)state;
	rig_new(&fixture.rig);
	fixture.payer = purse("CN00000000100001");
	fixture.payee = purse("CN00000000200001");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rig_card_free(&fixture.payer);
	rig_card_free(&fixture.payee);
	rig_free(&fixture.rig);
	return 0;
}

static struct payment
a_payment(void)
{
	return payment_of(
	    &fixture.payee->port, &fixture.payer->port, AMOUNT, RIG_NOW - 60);
}

static void
check_total(void)
{
	struct rig_card *all[] = {fixture.payer, fixture.payee};

	assert_int_equal(rig_total(all, 2), 2 * FUNDS);
}

static void
run(struct payment *pay, enum step last)
{
	assert_int_equal(payment_run(pay, last), JZ_SW_OK);
	check_total();
}

static int
no_time(void *chip, int64_t *utc)
{
	(void)chip;
	*utc = 0;
	return JZ_ERR_SYSTEM;
}

/* A clock that fails would have switched the dates of certificates off. */
static void
test_a_failing_clock_judges_no_certificate(void **state)
{
	struct jz_chip broken = *fixture.payer->card.setup.chip;
	struct payment pay = payment_of(
	    &fixture.payee->port, &fixture.payer->port, 100, RIG_NOW);

	(void)state;
	broken.now = no_time;
	fixture.payer->card.setup.chip = &broken;
	assert_int_equal(payment_run(&pay, STEP_REQUEST), JZ_SW_OK);
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_EXECUTION);
}

/* A clock that fails after the agreement stops no due payment: ALL-2. */
static void
test_a_clock_that_fails_later_stops_no_payment(void **state)
{
	struct jz_chip payer = *fixture.payer->card.setup.chip;
	struct jz_chip payee = *fixture.payee->card.setup.chip;
	struct payment pay = payment_of(
	    &fixture.payee->port, &fixture.payer->port, 100, RIG_NOW - 60);

	(void)state;
	assert_int_equal(payment_run(&pay, STEP_CONFIRM), JZ_SW_OK);
	payer.now = payee.now = no_time;
	fixture.payer->card.setup.chip = &payer;
	fixture.payee->card.setup.chip = &payee;
	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(
	    purse_time(rig_purse(fixture.payee)->record[2].payee_time),
	    RIG_NOW - 60);
}

/* Record numbers end; they would have begun again at 0. */
static void
test_record_numbers_end(void **state)
{
	const struct purse_nvm *p = rig_purse(fixture.payee);
	struct payment pay = payment_of(
	    &fixture.payee->port, &fixture.payer->port, 100, RIG_NOW);
	uint32_t last = JZ_PURSE_COUNTER_MAX - JZ_PURSE_RECORDS + 1;

	(void)state;
	rig_poke_u32(fixture.payee, &p->first_unsettled, last);
	rig_poke_u32(fixture.payee, &p->next_record, last);
	assert_int_equal(payment_run(&pay, STEP_REQUEST), JZ_SW_LOG_FULL);
	rig_poke_u32(fixture.payee, &p->first_unsettled, last - 1);
	rig_poke_u32(fixture.payee, &p->next_record, last - 1);
	assert_int_equal(payment_run(&pay, STEP_REQUEST), JZ_SW_OK);
}

static bool given_back_empty;

static void
give_empty(void *chip, void *block, size_t bytes)
{
	const uint8_t *p = block;
	uint8_t all = 0;

	for (size_t i = 0; i < bytes; i++)
		all |= p[i];
	given_back_empty = all == 0;
	jz_heap_give(chip, block, bytes);
}

/* A PIN brought in pieces would have stayed in the card's buffer. */
static void
test_a_chained_pin_is_forgotten(void **state)
{
	const struct port *p = &fixture.payer->port;
	const struct jz_chip *real = fixture.payer->card.setup.chip;
	struct jz_chip chip = *real;

	(void)state;
	chip.give = give_empty;
	fixture.payer->card.setup.chip = &chip;
	assert_int_equal(port_hex(p, "10 20 00 01 02 12 34", NULL), JZ_SW_OK);
	assert_non_null(fixture.payer->card.buffer);
	assert_int_equal(port_hex(p, "00 20 00 01 01 56", NULL), JZ_SW_OK);
	fixture.payer->card.setup.chip = real;
	assert_null(fixture.payer->card.buffer);
	assert_true(given_back_empty);
}

/* A PIN of other than digits could never have been entered. */
static void
test_a_pin_has_digits(void **state)
{
	static const char *const bad[] = {"ABCD", "12A4", "123F45", "F234"};
	struct profile good = profile_of("CN00000000300001");
	struct rig_card *c = rig_empty_purse_new(&fixture.rig, true);
	struct blob b = bank_parameters(&good);
	uint8_t *pin = b.data + b.len - 4 - 3; /* before 9F37 01 03 */
	struct gp g;

	(void)state;
	assert_memory_equal(pin, "\x12\x34\x56", 3);
	assert_int_equal(bank_begin(&fixture.rig.bank, &c->port, &g), JZ_SW_OK);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct blob spoilt = b;
		char text[7] = "123456";

		memcpy(text, bad[i], strlen(bad[i]));
		for (unsigned k = 0; k < 3; k++) {
			unsigned high = (unsigned)text[2 * k];
			unsigned low = (unsigned)text[2 * k + 1];

			high = high > '9' ? high - 'A' + 10 : high - '0';
			low = low > '9' ? low - 'A' + 10 : low - '0';
			spoilt.data[b.len - 7 + k] = (uint8_t)(high << 4 | low);
		}
		assert_int_equal(bank_store(&g, 0, &spoilt, false), JZ_SW_DATA);
		assert_int_equal(rig_purse(c)->parameters_set, 0);
	}
	b.data[b.len - 5] = 0x5F; /* five digits and the F */
	assert_int_equal(bank_store(&g, 0, &b, false), JZ_SW_OK);
	rig_card_free(&c);
}

/* 2X and 3X are reserved; a SELECT with them was carried out. */
static void
test_reserved_classes_are_6e00(void **state)
{
	const struct port *p = &fixture.payer->port;

	(void)state;
	assert_int_equal(
	    port_hex(p, "20 A4 04 00 08 F04A49414F5A4901", NULL), JZ_SW_CLA);
	assert_int_equal(port_hex(p, "30 5C 00 02 04", NULL), JZ_SW_CLA);
}

/* A forged certificate that names this very card is forged first of all. */
static void
test_a_forgery_in_ones_own_name_is_9420(void **state)
{
	struct payment pay = payment_of(
	    &fixture.payer->port, &fixture.payee->port, 100, RIG_NOW);
	struct blob *request = &pay.message[STEP_REQUEST];
	struct jz_message m;
	size_t at;

	(void)state;
	assert_int_equal(payment_run(&pay, STEP_REQUEST), JZ_SW_OK);
	assert_int_equal(
	    jz_message_decode(blob_span(request), JZ_KIND_REQUEST, &m), 0);
	/* The last byte of the certificate's signature. */
	at = (size_t)(m.certificate.data - request->data) + m.certificate.len -
	    1;
	assert_int_equal(
	    port_send(&fixture.payer->port, AT_AGREE, blob_span(request), NULL),
	    JZ_SW_SAME_CARD);
	request->data[at] ^= 1;
	assert_int_equal(
	    port_send(&fixture.payer->port, AT_AGREE, blob_span(request), NULL),
	    JZ_SW_CERT_FORGED);
}

/* proves: ALL-2 (settling first does not strand a payment half done) */
static void
test_a_payer_who_settles_first_has_paid_all_the_same(void **state)
{
	struct fixture *f = &fixture;
	struct payment pay = a_payment();
	uint8_t digest[JZ_DIGEST_BYTES];
	struct blob fetch;
	struct answer a;
	uint32_t n;

	(void)state;
	run(&pay, STEP_COMPLETE);
	payment_digest(&pay, digest);
	fetch = fetch_of(digest);
	assert_int_equal(
	    bank_settle(&f->rig.bank, &f->payer->port, &n), JZ_SW_OK);
	rig_accepts(f->payer, AT_FETCH, blob_span(&fetch), &a);
	rig_accepts(f->payee, AT_CREDIT, answer_span(&a), NULL);
	assert_int_equal(port_balance(&f->payee->port), FUNDS + AMOUNT);
	check_total();
}

/* The completion that the payer's record is evidence of, in clear. */
static struct blob
relayed(const struct fixture *f)
{
	const struct purse_nvm *p = rig_purse(f->payer);
	struct blob b = {0};
	struct jz_buffer out = jz_buffer(b.data, sizeof(b.data));
	struct jz_message m;

	purse_completion_of(p, purse_slot(p, p->next_record - 1), &m);
	assert_int_equal(jz_message_encode(&m, JZ_SIGNED, &out), 0);
	b.len = out.len;
	return b;
}

/* proves: OFP-6, ALL-2 (the issuer can bring the completion) */
static void
test_a_completion_in_clear_credits_once(void **state)
{
	struct fixture *f = &fixture;
	struct payment pay = a_payment();
	struct rig_snapshot *s;
	struct blob clear;

	(void)state;
	run(&pay, STEP_COMPLETE);
	clear = relayed(f);
	s = rig_save(f->payee);
	for (size_t bit = 0; bit < clear.len * 8; bit++) {
		clear.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(port_send(&f->payee->port, AT_CREDIT,
					 blob_span(&clear), NULL),
		    JZ_SW_OK);
		assert_true(rig_unchanged(f->payee, s));
		clear.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	rig_snapshot_free(&s);
	rig_accepts(f->payee, AT_CREDIT, blob_span(&clear), NULL);
	check_total();
	rig_refuses(f->payee, AT_CREDIT, blob_span(&clear), JZ_SW_NO_PAYMENT);
	/* The terminal's own copy then gives the receipt. */
	run(&pay, STEP_ACKNOWLEDGE);
}

/* proves: OFP-6 (the debit stays recoverable when the terminal has lost all) */
static void
test_after_the_pin_completions_are_fetched_by_age(void **state)
{
	struct fixture *f = &fixture;
	struct payment pay = a_payment();
	struct answer a;

	(void)state;
	run(&pay, STEP_COMPLETE);
	rig_restart(f->payer);
	rig_refuses(f->payer, AT_FETCH, NOTHING, JZ_SW_SECURITY);
	assert_int_equal(port_verify(&f->payer->port, PIN), JZ_SW_OK);
	rig_refuses(f->payer, AT_FETCH | 1, NOTHING, JZ_SW_NO_PAYMENT);
	rig_accepts(f->payer, AT_FETCH, NOTHING, &a);
	assert_true(jz_span_equal(
	    answer_span(&a), blob_span(&pay.message[STEP_COMPLETE])));
	run(&pay, STEP_ACKNOWLEDGE);
	assert_int_equal(port_verify(&f->payer->port, PIN), JZ_SW_OK);
	rig_refuses(f->payer, AT_FETCH, NOTHING, JZ_SW_NO_PAYMENT);
}

/* A host that lost the confirmation, and the agreement with it. */
static void
test_a_confirmation_is_fetched_again(void **state)
{
	struct fixture *f = &fixture;
	struct payment pay = a_payment();
	uint8_t digest[JZ_DIGEST_BYTES];
	struct blob fetch;
	struct answer a;

	(void)state;
	run(&pay, STEP_CONFIRM);
	payment_digest(&pay, digest);
	fetch = fetch_of(digest);
	rig_accepts(f->payee, 0x80767200u, blob_span(&fetch), &a);
	assert_true(jz_span_equal(
	    answer_span(&a), blob_span(&pay.message[STEP_CONFIRM])));
	rig_refuses(f->payer, 0x80767200u, blob_span(&fetch), JZ_SW_NO_PAYMENT);
	fetch.data[5] ^= 1;
	rig_refuses(f->payee, 0x80767200u, blob_span(&fetch), JZ_SW_NO_PAYMENT);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_payer_who_settles_first_has_paid_all_the_same),
	    TEST(test_a_completion_in_clear_credits_once),
	    TEST(test_after_the_pin_completions_are_fetched_by_age),
	    TEST(test_a_confirmation_is_fetched_again),
	    TEST(test_a_failing_clock_judges_no_certificate),
	    TEST(test_a_clock_that_fails_later_stops_no_payment),
	    TEST(test_record_numbers_end),
	    TEST(test_a_chained_pin_is_forgotten),
	    TEST(test_a_pin_has_digits),
	    TEST(test_reserved_classes_are_6e00),
	    TEST(test_a_forgery_in_ones_own_name_is_9420),
	};

	return cmocka_run_group_tests_name("hardening", tests, NULL, NULL);
}
