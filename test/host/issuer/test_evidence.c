/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ALL-4: a batch is refused as a whole, for the first reason that applies to
 * any of its records, and changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../../apdu/error.h"
#include "../../support/issuerrig.h"

/* ---- the batch ---------------------------------------------------------- */

enum batch_fault {
	B_UNKNOWN,
	B_SIGNATURE,
	B_CURRENCY,
	B_AMOUNT,
	B_NO_LOAD,
	B_NO_SESSION,
	B_RECORD_NUMBER,
	B_EVIDENCE,
	B_CONFLICT,
	B_FAULTS,
};

static const enum jz_refusal BATCH_REFUSALS[B_FAULTS] = {
    JZ_REFUSAL_UNKNOWN_CARD,
    JZ_REFUSAL_SIGNATURE,
    JZ_REFUSAL_CURRENCY,
    JZ_REFUSAL_AMOUNT,
    JZ_REFUSAL_NO_LOAD,
    JZ_REFUSAL_NO_SESSION,
    JZ_REFUSAL_RECORD_NUMBER,
    JZ_REFUSAL_EVIDENCE,
    JZ_REFUSAL_CONFLICT,
};

#define HAS(faults, fault) (((faults) >> (fault)&1u) != 0)

/* The card's records are a payment made and a load, in this order. */
static struct letter
faulty_batch(const struct fakecard *card, unsigned faults)
{
	struct fakecard c = *card;
	struct jz_message *paid = fakecard_record(&c, c.first_unsettled);
	struct jz_message *load = fakecard_record(&c, c.first_unsettled + 1);
	struct letter records, l;
	struct jz_message m;

	if (HAS(faults, B_CURRENCY))
		load->payment.currency = 840;
	if (HAS(faults, B_AMOUNT))
		paid->payment.amount = 0;
	if (HAS(faults, B_NO_LOAD))
		load->payment.agreement_digest[5] ^= 1;
	if (HAS(faults, B_RECORD_NUMBER))
		load->record++;
	if (HAS(faults, B_EVIDENCE))
		paid->payee_signature[10] ^= 1;
	/* The server's time is not what the permission says. */
	if (HAS(faults, B_CONFLICT))
		load->payment.time++;
	m = fakecard_batch(&c, c.first_unsettled, 2, &records);
	if (HAS(faults, B_UNKNOWN))
		memcpy(m.card_id, "CN99999999900001", JZ_ID_BYTES);
	if (HAS(faults, B_NO_SESSION))
		m.host_nonce[0] ^= 1;
	l = fakecard_sign(&c, &m);
	if (HAS(faults, B_SIGNATURE))
		l.data[l.len - 1] ^= 1;
	return l;
}

static void
test_batches(void **state)
{
	struct rig *r = *state;
	struct fakecard c, peer;
	struct letter l;
	uint64_t before;

	rig_paid_and_loaded(r, &c, &peer);
	before = rig_booked(r);
	for (unsigned a = 0; a < B_FAULTS; a++) {
		for (unsigned b = a; b < B_FAULTS; b++) {
			l = faulty_batch(&c, 1u << a | 1u << b);
			rig_refused(r, rig_give_batch(r, &l), BATCH_REFUSALS[a],
			    before);
		}
	}
	l = faulty_batch(&c, 0);
	assert_int_equal(rig_give_batch(r, &l), 0);
	assert_int_equal(rig_shadow(r, &c), 2 * RIG_AMOUNT - 100);
}

static void
test_no_session_at_all(void **state)
{
	struct rig *r = *state;
	struct fakecard c, peer;
	struct letter l;
	uint64_t before;

	rig_card(r, &c, RIG_DEPOSIT);
	rig_card(r, &peer, RIG_DEPOSIT);
	fakecard_pay(&c, &peer, 100);
	before = rig_booked(r);
	/* The nonce of a card that has none is no session either. */
	l = rig_batch_of(&c, 1, 1);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_NO_SESSION, before);
}

/* OFP-10: none left out, none twice under another number. */
static void
test_record_numbers(void **state)
{
	struct rig *r = *state;
	struct fakecard c, peer, twisted;
	struct letter l;
	uint64_t before;

	rig_card(r, &c, RIG_DEPOSIT);
	rig_card(r, &peer, RIG_DEPOSIT);
	for (unsigned k = 0; k < 4; k++)
		fakecard_pay(&c, &peer, 100 + k);
	rig_sign_in(r, &c);
	before = rig_booked(r);
	/* The first is left out. */
	l = rig_batch_of(&c, 2, 2);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_RECORD_NUMBER, before);
	/* One in the middle is. */
	twisted = c;
	*fakecard_record(&twisted, 2) = *fakecard_record(&c, 3);
	l = rig_batch_of(&twisted, 1, 2);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_RECORD_NUMBER, before);
	/* They come in another order. */
	*fakecard_record(&twisted, 2) = *fakecard_record(&c, 1);
	*fakecard_record(&twisted, 1) = *fakecard_record(&c, 2);
	l = rig_batch_of(&twisted, 1, 2);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_RECORD_NUMBER, before);
	/* There is no record 0. */
	twisted = c;
	fakecard_record(&twisted, 0)[0] = *fakecard_record(&c, 1);
	fakecard_record(&twisted, 0)->payer_record = 0;
	l = rig_batch_of(&twisted, 0, 1);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_RECORD_NUMBER, before);
	l = rig_batch_of(&c, 1, 4);
	assert_int_equal(rig_give_batch(r, &l), 0);
	/* And what was left out cannot be the next but one. */
	before = rig_booked(r);
	fakecard_pay(&c, &peer, 200);
	fakecard_pay(&c, &peer, 201);
	l = rig_batch_of(&c, 6, 1);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_RECORD_NUMBER, before);
}

static void
test_malformed_batches(void **state)
{
	struct rig *r = *state;
	struct letter records, l;
	struct fakecard c, peer;
	struct jz_message m;
	uint64_t before;

	rig_card(r, &c, RIG_DEPOSIT);
	rig_card(r, &peer, RIG_DEPOSIT);
	for (unsigned k = 0; k < JZ_BATCH_RECORDS + 1; k++)
		fakecard_pay(&c, &peer, 100 + k);
	rig_sign_in(r, &c);
	before = rig_booked(r);
	/* The count is not that of the records. */
	m = fakecard_batch(&c, 1, 2, &records);
	m.count = 3;
	l = fakecard_sign(&c, &m);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_MALFORMED, before);
	m.count = 0;
	l = fakecard_sign(&c, &m);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_MALFORMED, before);
	/* More than a batch holds. */
	l = rig_batch_of(&c, 1, JZ_BATCH_RECORDS + 1);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_MALFORMED, before);
	/* Something behind a record's last field. */
	m = fakecard_batch(&c, 1, 1, &records);
	records.data[2]++; /* its length: FF56 81 xx or 82 xx xx */
	m.records = letter_span(&records);
	assert_int_not_equal(jz_message_sign(&c.engine, &m, &c.key), 0);
}

/* ---- evidence ----------------------------------------------------------- */

/* Signs the record's own messages anew, so that only what is meant is wrong. */
static void
sign_paid(struct jz_message *record, const struct fakecard *payer,
    const struct fakecard *payee)
{
	struct jz_message m = fakecard_completion_of(record);

	(void)fakecard_sign(payer, &m);
	memcpy(record->payer_signature, m.signature, JZ_SIGNATURE_BYTES);
	m = fakecard_confirmation_of(record);
	(void)fakecard_sign(payee, &m);
	memcpy(record->payee_signature, m.signature, JZ_SIGNATURE_BYTES);
}

/* OFP-12: what two cards have not both signed is not posted. */
static void
test_evidence_of_a_payment_made(void **state)
{
	struct rig *r = *state;
	struct fakecard c, peer, third;
	struct jz_message good, *rec;
	struct letter l;
	uint64_t before;

	rig_card(r, &c, RIG_DEPOSIT);
	rig_card(r, &peer, RIG_DEPOSIT);
	rig_card(r, &third, RIG_DEPOSIT);
	fakecard_pay(&c, &peer, 100);
	rig_sign_in(r, &c);
	before = rig_booked(r);
	rec = fakecard_record(&c, 1);
	good = *rec;
	rec->payer_signature[3] ^= 1;
	l = rig_batch_of(&c, 1, 1);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_EVIDENCE, before);
	*rec = good;
	rec->payment.amount = 99; /* less than was agreed */
	l = rig_batch_of(&c, 1, 1);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_EVIDENCE, before);
	*rec = good;
	sign_paid(rec, &c, &third); /* confirmed by somebody else */
	l = rig_batch_of(&c, 1, 1);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_EVIDENCE, before);
	*rec = good; /* another card's payment */
	memcpy(rec->payment.payer_id, third.id, JZ_ID_BYTES);
	sign_paid(rec, &third, &peer);
	l = rig_batch_of(&c, 1, 1);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_EVIDENCE, before);
	/* Another card's money, in this card's name. */
	sign_paid(rec, &c, &peer);
	l = rig_batch_of(&c, 1, 1);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_EVIDENCE, before);
	*rec = good; /* to a card that nobody knows */
	memcpy(rec->payment.payee_id, "CN99999999900001", JZ_ID_BYTES);
	sign_paid(rec, &c, &peer);
	l = rig_batch_of(&c, 1, 1);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_EVIDENCE, before);
	*rec = good; /* to itself */
	memcpy(rec->payment.payee_id, c.id, JZ_ID_BYTES);
	sign_paid(rec, &c, &c);
	l = rig_batch_of(&c, 1, 1);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_EVIDENCE, before);
	*rec = good;
	l = rig_batch_of(&c, 1, 1);
	assert_int_equal(rig_give_batch(r, &l), 0);
}

/* ALL-1: a payee cannot credit itself. */
static void
test_evidence_of_a_payment_received(void **state)
{
	struct rig *r = *state;
	struct fakecard payer, c;
	struct jz_message good, *rec, m;
	struct letter l;
	uint64_t before;

	rig_card(r, &payer, RIG_DEPOSIT);
	rig_card(r, &c, RIG_DEPOSIT);
	fakecard_pay(&payer, &c, 100);
	rig_sign_in(r, &c);
	before = rig_booked(r);
	rec = fakecard_record(&c, 1);
	good = *rec;
	rec->payment.amount = 10000; /* its own receipt over more */
	m = fakecard_receipt_of(&c.engine, rec);
	(void)fakecard_sign(&c, &m);
	memcpy(rec->payee_signature, m.signature, JZ_SIGNATURE_BYTES);
	l = rig_batch_of(&c, 1, 1);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_EVIDENCE, before);
	*rec = good;
	rec->payee_time++;
	l = rig_batch_of(&c, 1, 1);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_EVIDENCE, before);
	*rec = good;
	rec->payer_record++;
	l = rig_batch_of(&c, 1, 1);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_EVIDENCE, before);
	*rec = good;
	l = rig_batch_of(&c, 1, 1);
	assert_int_equal(rig_give_batch(r, &l), 0);
	assert_int_equal(rig_shadow(r, &c), 100);
}

static void
test_evidence_of_a_load(void **state)
{
	struct rig *r = *state;
	struct letter l;
	struct jz_message m, good, *rec;
	struct fakecard c;
	uint64_t before;

	rig_card(r, &c, RIG_DEPOSIT);
	m = fakecard_load_request(&c, RIG_AMOUNT);
	l = fakecard_sign(&c, &m);
	l = rig_permit(r, &l);
	(void)fakecard_load_report(&c, &l);
	rig_sign_in(r, &c);
	before = rig_booked(r);
	rec = fakecard_record(&c, 1);
	good = *rec;
	rec->payer_signature[0] ^= 1;
	l = rig_batch_of(&c, 1, 1);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_EVIDENCE, before);
	*rec = good;
	rec->balance++;
	l = rig_batch_of(&c, 1, 1);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_EVIDENCE, before);
	*rec = good;
	rec->online_counter++;
	l = rig_batch_of(&c, 1, 1);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_NO_LOAD, before);
	*rec = good;
	l = rig_batch_of(&c, 1, 1);
	assert_int_equal(rig_give_batch(r, &l), 0);
}

/* ---- contradictions ----------------------------------------------------- */

/* The payer has signed two completions of one payment. */
static void
test_two_completions(void **state)
{
	struct rig *r = *state;
	struct fakecard payer, payee;
	struct jz_message *rec;
	struct letter l;
	uint64_t before;

	rig_card(r, &payer, RIG_DEPOSIT);
	rig_card(r, &payee, RIG_DEPOSIT);
	fakecard_pay(&payer, &payee, 100);
	rig_settle(r, &payee);
	rig_sign_in(r, &payer);
	before = rig_booked(r);
	rec = fakecard_record(&payer, 1);
	rec->payer_time += 60;
	sign_paid(rec, &payer, &payee);
	l = rig_batch_of(&payer, 1, 1);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_CONFLICT, before);
}

/* ALL-1: one payment as two records would be posted twice. */
static void
test_one_payment_under_two_numbers(void **state)
{
	struct rig *r = *state;
	struct fakecard payer, c;
	struct jz_message *rec, m;
	struct letter l;
	uint64_t before;

	rig_card(r, &payer, RIG_DEPOSIT);
	rig_card(r, &c, RIG_DEPOSIT);
	fakecard_pay(&payer, &c, 100);
	rig_settle(r, &c);
	rec = fakecard_record(&c, c.next_record);
	*rec = *fakecard_record(&c, 1);
	rec->payee_record = c.next_record++;
	m = fakecard_receipt_of(&c.engine, rec);
	(void)fakecard_sign(&c, &m);
	memcpy(rec->payee_signature, m.signature, JZ_SIGNATURE_BYTES);
	rig_sign_in(r, &c);
	before = rig_booked(r);
	l = rig_batch_of(&c, 2, 1);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_CONFLICT, before);
	/* Nor both in one batch. */
	rig_card(r, &payer, RIG_DEPOSIT);
	rig_card(r, &c, RIG_DEPOSIT);
	fakecard_pay(&payer, &c, 100);
	rec = fakecard_record(&c, 2);
	*rec = *fakecard_record(&c, 1);
	rec->payee_record = 2;
	m = fakecard_receipt_of(&c.engine, rec);
	(void)fakecard_sign(&c, &m);
	memcpy(rec->payee_signature, m.signature, JZ_SIGNATURE_BYTES);
	rig_sign_in(r, &c);
	before = rig_booked(r);
	l = rig_batch_of(&c, 1, 2);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_CONFLICT, before);
}

/* A clone: the same record number, another payment. */
static void
test_another_record_of_the_same_number(void **state)
{
	struct rig *r = *state;
	struct fakecard c, clone, peer;
	struct letter l;
	uint64_t before;

	rig_card(r, &c, RIG_DEPOSIT);
	rig_card(r, &peer, RIG_DEPOSIT);
	clone = c;
	fakecard_pay(&c, &peer, 100);
	fakecard_pay(&clone, &peer, 100);
	rig_settle(r, &c);
	rig_sign_in(r, &clone);
	before = rig_booked(r);
	l = rig_batch_of(&clone, 1, 1);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_CONFLICT, before);
}

static void
test_record_against_its_report(void **state)
{
	struct rig *r = *state;
	struct fakecard c;
	struct jz_message *rec, m = {0};
	struct letter l;
	uint64_t before;

	rig_card(r, &c, RIG_DEPOSIT);
	l = rig_load(r, &c, RIG_AMOUNT);
	assert_int_equal(
	    jz_message_decode(letter_span(&l), JZ_KIND_LOAD_REPORT, &m), 0);
	m.balance += 5;
	(void)fakecard_sign(&c, &m);
	rec = fakecard_record(&c, 1);
	rec->balance = m.balance;
	memcpy(rec->payer_signature, m.signature, JZ_SIGNATURE_BYTES);
	rig_sign_in(r, &c);
	before = rig_booked(r);
	l = rig_batch_of(&c, 1, 1);
	rig_refused(r, rig_give_batch(r, &l), JZ_REFUSAL_CONFLICT, before);
}

/* The last test: the refusals that this program is about have been met. */
static void
test_every_refusal_was_met(void **state)
{
	static const enum jz_refusal EXPECTED[] = {
	    JZ_REFUSAL_MALFORMED,
	    JZ_REFUSAL_UNKNOWN_CARD,
	    JZ_REFUSAL_SIGNATURE,
	    JZ_REFUSAL_CURRENCY,
	    JZ_REFUSAL_AMOUNT,
	    JZ_REFUSAL_NO_LOAD,
	    JZ_REFUSAL_NO_SESSION,
	    JZ_REFUSAL_RECORD_NUMBER,
	    JZ_REFUSAL_EVIDENCE,
	    JZ_REFUSAL_CONFLICT,
	};
	struct rig *r = *state;

	for (size_t k = 0; k < sizeof(EXPECTED) / sizeof(EXPECTED[0]); k++) {
		if (!r->met[EXPECTED[k]])
			fail_msg(
			    "never refused: %s", jz_refusal_name(EXPECTED[k]));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_batches, rig_after),
	    cmocka_unit_test_teardown(test_no_session_at_all, rig_after),
	    cmocka_unit_test_teardown(test_record_numbers, rig_after),
	    cmocka_unit_test_teardown(test_malformed_batches, rig_after),
	    cmocka_unit_test_teardown(
		test_evidence_of_a_payment_made, rig_after),
	    cmocka_unit_test_teardown(
		test_evidence_of_a_payment_received, rig_after),
	    cmocka_unit_test_teardown(test_evidence_of_a_load, rig_after),
	    cmocka_unit_test_teardown(test_two_completions, rig_after),
	    cmocka_unit_test_teardown(
		test_one_payment_under_two_numbers, rig_after),
	    cmocka_unit_test_teardown(
		test_another_record_of_the_same_number, rig_after),
	    cmocka_unit_test_teardown(
		test_record_against_its_report, rig_after),
	    cmocka_unit_test(test_every_refusal_was_met),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
