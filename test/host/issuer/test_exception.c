/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payments that the payee gives up: paid out to the one who is asked for, when
 * the payer has paid, once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../../apdu/error.h"
#include "../../support/issuerrig.h"

#define LOADED 5000
#define PRICE  1200

struct pair {
	struct fakecard payer, payee;
	int64_t payer_account, payee_account; /* before */
};

static void
make_pair(struct rig *r, struct pair *p)
{
	rig_card(r, &p->payer, 2 * LOADED);
	rig_card(r, &p->payee, 0);
	(void)rig_load(r, &p->payer, LOADED);
	rig_settle(r, &p->payer);
	p->payer_account = rig_balance(r, &p->payer);
	p->payee_account = rig_balance(r, &p->payee);
}

/* Both have uploaded, in some order: who has the money. */
static void
check_paid_out(struct rig *r, struct pair *p, enum jz_outcome outcome)
{
	bool claim = outcome == JZ_OUTCOME_CLAIM;

	assert_int_equal(
	    rig_balance(r, &p->payee), p->payee_account + (claim ? PRICE : 0));
	assert_int_equal(
	    rig_balance(r, &p->payer), p->payer_account + (claim ? 0 : PRICE));
	assert_int_equal(rig_shadow(r, &p->payer), LOADED - PRICE);
	assert_int_equal(rig_shadow(r, &p->payee), 0);
	assert_int_equal(rig_books(r).transit_payment, 0);
}

static void
check_not_paid_out(struct rig *r, struct pair *p)
{
	assert_int_equal(rig_balance(r, &p->payee), p->payee_account);
	assert_int_equal(rig_balance(r, &p->payer), p->payer_account);
}

static void
both_orders(struct rig *r, enum jz_outcome outcome)
{
	for (unsigned payee_first = 0; payee_first < 2; payee_first++) {
		struct pair p;

		make_pair(r, &p);
		fakecard_give_up(&p.payer, &p.payee, PRICE, true, outcome);
		rig_settle(r, payee_first ? &p.payee : &p.payer);
		check_not_paid_out(r, &p);
		assert_int_equal(
		    rig_books(r).transit_payment, payee_first ? 0 : PRICE);
		rig_settle(r, payee_first ? &p.payer : &p.payee);
		check_paid_out(r, &p, outcome);
	}
}

/* proves: OFP-10, ALL-2 */
static void
test_a_claim_goes_to_the_payees_account(void **state)
{
	both_orders(*state, JZ_OUTCOME_CLAIM);
}

/* proves: OFP-10, ALL-2 */
static void
test_a_release_goes_back_to_the_payers_account(void **state)
{
	both_orders(*state, JZ_OUTCOME_RELEASE);
}

/* proves: ALL-1 (an exception alone proves no payment) */
static void
test_what_was_never_paid_is_not_paid_out(void **state)
{
	struct rig *r = *state;
	struct pair p;

	make_pair(r, &p);
	fakecard_give_up(&p.payer, &p.payee, PRICE, false, JZ_OUTCOME_CLAIM);
	rig_settle(r, &p.payee);
	rig_settle(r, &p.payer);
	check_not_paid_out(r, &p);
	assert_int_equal(rig_shadow(r, &p.payer), LOADED);
	assert_int_equal(rig_books(r).transit_payment, 0);
}

/* Uploads the card's only record, which must be refused as a conflict. */
static void
conflicts(struct rig *r, struct fakecard *c)
{
	struct letter batch;
	uint64_t before;

	rig_sign_in(r, c);
	batch = rig_batch(c, 1);
	before = rig_booked(r);
	rig_refused(r, rig_give_batch(r, &batch), JZ_REFUSAL_CONFLICT, before);
}

/* proves: ALL-1 (never credited means never) */
static void
test_a_receipt_after_the_exception_is_a_conflict(void **state)
{
	struct rig *r = *state;
	struct jz_message *record, m;
	struct pair p;

	make_pair(r, &p);
	fakecard_give_up(&p.payer, &p.payee, PRICE, true, JZ_OUTCOME_CLAIM);
	rig_settle(r, &p.payee);
	/* The same payment, received after all. */
	record = fakecard_record(&p.payee, p.payee.next_record);
	*record = *fakecard_record(&p.payer, p.payer.next_record - 1);
	record->kind = JZ_KIND_RECORD_RECEIVED;
	record->payee_record = p.payee.next_record++;
	record->payee_time = p.payee.now;
	m = fakecard_receipt_of(&r->engine, record);
	(void)fakecard_sign(&p.payee, &m);
	memcpy(record->payee_signature, m.signature, JZ_SIGNATURE_BYTES);
	conflicts(r, &p.payee);
	rig_settle(r, &p.payer);
	check_paid_out(r, &p, JZ_OUTCOME_CLAIM);
}

/* proves: ALL-1 */
static void
test_an_exception_after_the_receipt_is_a_conflict(void **state)
{
	struct rig *r = *state;
	struct jz_message *record, *received, m;
	struct pair p;

	make_pair(r, &p);
	fakecard_pay(&p.payer, &p.payee, PRICE);
	rig_settle(r, &p.payee);
	rig_settle(r, &p.payer);
	received = fakecard_record(&p.payee, p.payee.next_record - 1);
	record = fakecard_record(&p.payee, p.payee.next_record);
	memset(record, 0, sizeof(*record));
	record->kind = JZ_KIND_RECORD_EXCEPTION;
	record->payment = received->payment;
	record->payee_record = p.payee.next_record++;
	record->payee_time = p.payee.now;
	record->outcome = JZ_OUTCOME_CLAIM;
	m = fakecard_exception_of(record);
	(void)fakecard_sign(&p.payee, &m);
	memcpy(record->payee_signature, m.signature, JZ_SIGNATURE_BYTES);
	conflicts(r, &p.payee);
	check_not_paid_out(r, &p);
}

/* proves: ALL-1 (nobody is paid for what the other has not signed) */
static void
test_an_exception_of_another_amount_is_a_conflict(void **state)
{
	for (unsigned payee_first = 0; payee_first < 2; payee_first++) {
		struct rig *r = *state;
		struct jz_message *record, m;
		struct pair p;

		make_pair(r, &p);
		fakecard_give_up(
		    &p.payer, &p.payee, PRICE, true, JZ_OUTCOME_CLAIM);
		record = fakecard_record(&p.payee, p.payee.next_record - 1);
		record->payment.amount++;
		m = fakecard_exception_of(record);
		(void)fakecard_sign(&p.payee, &m);
		memcpy(
		    record->payee_signature, m.signature, JZ_SIGNATURE_BYTES);
		rig_settle(r, payee_first ? &p.payee : &p.payer);
		conflicts(r, payee_first ? &p.payer : &p.payee);
		check_not_paid_out(r, &p);
		if (payee_first)
			continue;
		/* What was paid stays in transit, for people to look at. */
		assert_int_equal(rig_books(r).transit_payment, PRICE);
		p.payee.next_record--;
		m = *fakecard_record(&p.payer, p.payer.next_record - 1);
		record = fakecard_record(&p.payee, p.payee.next_record);
		*record = m;
		record->kind = JZ_KIND_RECORD_RECEIVED;
		record->payee_record = p.payee.next_record++;
		record->payee_time = p.payee.now;
		m = fakecard_receipt_of(&r->engine, record);
		(void)fakecard_sign(&p.payee, &m);
		memcpy(
		    record->payee_signature, m.signature, JZ_SIGNATURE_BYTES);
		rig_settle(r, &p.payee);
	}
}

static void
test_an_exception_that_is_not_the_payees_is_no_evidence(void **state)
{
	struct rig *r = *state;
	struct jz_message *record, m;
	struct letter batch;
	struct pair p;
	uint64_t before;

	make_pair(r, &p);
	fakecard_give_up(&p.payer, &p.payee, PRICE, true, JZ_OUTCOME_RELEASE);
	record = fakecard_record(&p.payee, p.payee.next_record - 1);
	m = fakecard_exception_of(record);
	(void)fakecard_sign(&p.payer, &m);
	memcpy(record->payee_signature, m.signature, JZ_SIGNATURE_BYTES);
	rig_sign_in(r, &p.payee);
	batch = rig_batch(&p.payee, 1);
	before = rig_booked(r);
	rig_refused(r, rig_give_batch(r, &batch), JZ_REFUSAL_EVIDENCE, before);
	/* Claim turned into release, under the claim's signature. */
	m = fakecard_exception_of(record);
	(void)fakecard_sign(&p.payee, &m);
	memcpy(record->payee_signature, m.signature, JZ_SIGNATURE_BYTES);
	record->outcome = JZ_OUTCOME_CLAIM;
	batch = rig_batch(&p.payee, 1);
	rig_refused(r, rig_give_batch(r, &batch), JZ_REFUSAL_EVIDENCE, before);
	record->outcome = 3;
	m = fakecard_exception_of(record);
	(void)fakecard_sign(&p.payee, &m);
	memcpy(record->payee_signature, m.signature, JZ_SIGNATURE_BYTES);
	batch = rig_batch(&p.payee, 1);
	rig_refused(r, rig_give_batch(r, &batch), JZ_REFUSAL_MALFORMED, before);
}

static void
test_the_database_pays_nobody_twice(void **state)
{
	struct rig *r = *state;
	struct pair p;

	make_pair(r, &p);
	fakecard_give_up(&p.payer, &p.payee, PRICE, true, JZ_OUTCOME_CLAIM);
	rig_settle(r, &p.payee);
	/* Another program may not say that it was paid out before it was
	 * paid, nor say it again, nor alter what was asked for. */
	assert_int_not_equal(
	    rig_sql(r,
		"INSERT INTO exception_paid SELECT request_digest, 0"
		" FROM exception WHERE request_digest NOT IN"
		" (SELECT request_digest FROM exception_paid)"),
	    SQLITE_OK);
	rig_settle(r, &p.payer);
	assert_int_not_equal(
	    rig_sql(r,
		"INSERT OR REPLACE INTO exception_paid"
		" SELECT request_digest, 0 FROM exception_paid"),
	    SQLITE_OK);
	assert_int_not_equal(
	    rig_sql(r, "UPDATE exception SET outcome = 2"), SQLITE_OK);
	assert_int_not_equal(
	    rig_sql(r, "DELETE FROM exception_paid"), SQLITE_OK);
}

struct seen {
	unsigned n;
	struct jz_message m;
};

static int
see(struct jz_span completion, void *arg)
{
	struct seen *s = arg;

	s->n++;
	return jz_message_decode(completion, JZ_KIND_COMPLETION, &s->m);
}

/* A payee whose terminal lost the completion is given it. */
static void
test_a_payee_is_owed_what_was_paid_and_not_settled(void **state)
{
	struct rig *r = *state;
	struct seen s = {0};
	struct pair p;

	make_pair(r, &p);
	fakecard_pay(&p.payer, &p.payee, PRICE);
	fakecard_give_up(&p.payer, &p.payee, 7, true, JZ_OUTCOME_RELEASE);
	rig_settle(r, &p.payer);
	assert_int_equal(
	    jz_issuer_each_owed(r->issuer, p.payee.id, see, &s), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(
	    jz_message_verify(&r->engine, &s.m, p.payer.key.public_key), 0);
	rig_settle(r, &p.payee);
	s.n = 0;
	assert_int_equal(
	    jz_issuer_each_owed(r->issuer, p.payee.id, see, &s), 0);
	assert_int_equal(s.n, 0);
	assert_int_equal(
	    jz_issuer_each_owed(r->issuer, p.payer.id, see, &s), 0);
	assert_int_equal(s.n, 0);
}

int
main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, NULL, rig_after)
	const struct CMUnitTest tests[] = {
	    T(test_a_claim_goes_to_the_payees_account),
	    T(test_a_release_goes_back_to_the_payers_account),
	    T(test_what_was_never_paid_is_not_paid_out),
	    T(test_a_receipt_after_the_exception_is_a_conflict),
	    T(test_an_exception_after_the_receipt_is_a_conflict),
	    T(test_an_exception_of_another_amount_is_a_conflict),
	    T(test_an_exception_that_is_not_the_payees_is_no_evidence),
	    T(test_the_database_pays_nobody_twice),
	    T(test_a_payee_is_owed_what_was_paid_and_not_settled),
	};

	return cmocka_run_group_tests_name(
	    "exceptions", tests, rig_setup, rig_teardown);
}
