/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A payment that stops half-way: proof of non-payment, drop, abandon.
 */
#include "../../support/cardrig.h"
#include "../../../apdu/tlv.h"
#include "../../../keys/signed.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAYEE_ID "CN00000000100001"
#define PAYER_ID "CN00000000200001"
#define PIN	 "123456"
#define FUNDS	 50000u
#define AMOUNT	 1200u
#define NOTHING	 jz_span(NULL, 0)

struct fixture {
	struct rig rig;
	struct rig_card *payee, *payer;
	struct rig_card *all[2];
	struct payment pay;
	uint8_t digest[JZ_DIGEST_BYTES];
};

static struct rig_card *
new_card(struct fixture *f, const char *id)
{
	struct profile p = profile_of(id);
	struct rig_card *c = rig_purse_new(&f->rig, &p);

	assert_int_equal(
	    bank_load(&f->rig.bank, &c->port, PIN, FUNDS), JZ_SW_OK);
	return c;
}

/* A new payment, as far as the confirmation. */
static void
begin(struct fixture *f)
{
	f->pay =
	    payment_of(&f->payee->port, &f->payer->port, AMOUNT, RIG_NOW - 60);
	assert_int_equal(payment_run(&f->pay, STEP_CONFIRM), JZ_SW_OK);
	payment_digest(&f->pay, f->digest);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	rig_new(&f->rig);
	f->all[0] = f->payee = new_card(f, PAYEE_ID);
	f->all[1] = f->payer = new_card(f, PAYER_ID);
	begin(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 2; i++)
		rig_card_free(&f->all[i]);
	rig_free(&f->rig);
	free(f);
	return 0;
}

static uint32_t
balance(const struct rig_card *c)
{
	return port_balance(&c->port);
}

/* The payee's first pending payment, which it tells after the PIN. */
static struct jz_payment
pending(struct fixture *f)
{
	struct jz_message m;
	struct answer a;

	assert_int_equal(port_verify(&f->payee->port, PIN), JZ_SW_OK);
	rig_accepts(f->payee, AT_PENDING(0), NOTHING, &a);
	assert_int_equal(
	    jz_message_decode(answer_span(&a), JZ_KIND_UNFINISHED, &m), 0);
	rig_reset(f->payee);
	return m.payment;
}

/* The payer's proof, decoded and verified. */
static struct blob
prove(struct fixture *f, const struct jz_payment *pay)
{
	struct blob q = question_of(pay), out;
	struct jz_message m;
	struct answer a;

	rig_accepts(f->payer, AT_PROVE, blob_span(&q), &a);
	assert_int_equal(
	    jz_message_decode(answer_span(&a), JZ_KIND_NOT_PAID, &m), 0);
	assert_int_equal(jz_message_verify(&f->rig.engine, &m,
			     rig_purse(f->payer)->key.public_key),
	    0);
	assert_memory_equal(m.payment.payer_id, PAYER_ID, JZ_ID_BYTES);
	assert_memory_equal(m.payment.payee_id, pay->payee_id, JZ_ID_BYTES);
	assert_int_equal(m.payment.payer_counter, pay->payer_counter);
	assert_int_equal(m.payment.payee_counter, pay->payee_counter);
	assert_memory_equal(
	    m.payment.request_digest, pay->request_digest, JZ_DIGEST_BYTES);
	blob_set(&out, answer_span(&a));
	return out;
}

/* proves: ALL-2 (payment that stops: proof, drop) */
static void
test_a_proof_closes_the_agreement_and_ends_the_pending_entry(void **state)
{
	struct fixture *f = *state;
	struct jz_payment pay = pending(f);
	struct blob proof = prove(f, &pay);

	/* The confirmation comes too late. */
	rig_refuses(f->payer, AT_COMPLETE,
	    blob_span(&f->pay.message[STEP_CONFIRM]), JZ_SW_NO_PAYMENT);
	rig_restart(f->payer);
	rig_refuses(f->payer, AT_COMPLETE,
	    blob_span(&f->pay.message[STEP_CONFIRM]), JZ_SW_NO_PAYMENT);
	rig_restart(f->payee);
	rig_accepts(f->payee, AT_DROP, blob_span(&proof), NULL);
	rig_refuses(f->payee, AT_DROP, blob_span(&proof), JZ_SW_NO_PAYMENT);
	assert_int_equal(balance(f->payer), FUNDS);
	assert_int_equal(balance(f->payee), FUNDS);
	assert_int_equal(purse_log_room(rig_purse(f->payee)),
	    JZ_PURSE_RECORDS - 1); /* the load */
	assert_int_equal(
	    purse_log_room(rig_purse(f->payer)), JZ_PURSE_RECORDS - 1);
	/* The same two cards go on. */
	begin(f);
	assert_int_equal(payment_run(&f->pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(balance(f->payee), FUNDS + AMOUNT);
}

/* The same proof as often as it is asked for. */
static void
test_a_proof_may_be_asked_for_again(void **state)
{
	struct fixture *f = *state;
	struct jz_payment pay = pending(f);
	struct rig_snapshot *s;

	prove(f, &pay);
	s = rig_save(f->payer);
	prove(f, &pay);
	assert_true(rig_unchanged(f->payer, s));
	rig_snapshot_free(&s);
}

/* An agreement that another took the place of can never be completed. */
static void
test_a_replaced_agreement_is_proved(void **state)
{
	struct fixture *f = *state;
	struct jz_payment pay = pending(f);
	struct payment other;
	struct blob proof;
	struct rig_card *third = new_card(f, "CN00000000300001");

	other = payment_of(&third->port, &f->payer->port, 7, RIG_NOW);
	assert_int_equal(payment_run(&other, STEP_CONFIRM), JZ_SW_OK);
	proof = prove(f, &pay);
	rig_accepts(f->payee, AT_DROP, blob_span(&proof), NULL);
	/* The other agreement is not touched. */
	assert_int_equal(payment_run(&other, STEP_ACKNOWLEDGE), JZ_SW_OK);
	rig_card_free(&third);
}

static void
test_what_was_paid_has_no_proof(void **state)
{
	struct fixture *f = *state;
	struct jz_payment pay = pending(f);
	struct blob q = question_of(&pay);
	uint32_t n;

	assert_int_equal(payment_run(&f->pay, STEP_COMPLETE), JZ_SW_OK);
	rig_refuses(f->payer, AT_PROVE, blob_span(&q), JZ_SW_PAID);
	/* Not with another digest either: one counter pays once. */
	pay.request_digest[0] ^= 1;
	q = question_of(&pay);
	rig_refuses(f->payer, AT_PROVE, blob_span(&q), JZ_SW_PAID);
	assert_int_equal(
	    bank_settle(&f->rig.bank, &f->payer->port, &n), JZ_SW_OK);
	assert_int_equal(n, 2);
	rig_refuses(f->payer, AT_PROVE, blob_span(&q), JZ_SW_PAID);
}

/* proves: ALL-2 (never from absence: the ring has moved on) */
static void
test_below_what_was_cleared_there_is_no_proof(void **state)
{
	struct fixture *f = *state;
	struct jz_payment first = pending(f), pay;
	struct blob q;
	uint32_t n;

	/* The first is given up for another, which is paid and settled. */
	rig_accepts(
	    f->payee, AT_CLAIM, jz_span(fetch_of(f->digest).data, 34), NULL);
	begin(f);
	pay = pending(f);
	assert_int_equal(payment_run(&f->pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	q = question_of(&first);
	prove(f, &first);
	assert_int_equal(
	    bank_settle(&f->rig.bank, &f->payer->port, &n), JZ_SW_OK);
	assert_int_equal(
	    rig_purse(f->payer)->cleared_counter, pay.payer_counter);
	rig_refuses(f->payer, AT_PROVE, blob_span(&q), JZ_SW_SETTLED);
	rig_restart(f->payer);
	rig_refuses(f->payer, AT_PROVE, blob_span(&q), JZ_SW_SETTLED);
	/* The record itself is gone from the ring. */
	for (unsigned i = 0; i < JZ_PURSE_RECORDS; i++) {
		uint8_t type = JZ_TYPE_EP_LOAD;

		rig_poke(
		    f->payer, &rig_purse(f->payer)->record[i].type, &type, 1);
	}
	q = question_of(&pay);
	rig_refuses(f->payer, AT_PROVE, blob_span(&q), JZ_SW_SETTLED);
}

static void
test_a_counter_that_never_was_has_no_proof(void **state)
{
	struct fixture *f = *state;
	struct jz_payment pay = pending(f);
	struct blob q;

	pay.payer_counter = rig_purse(f->payer)->offline_counter + 1;
	q = question_of(&pay);
	rig_refuses(f->payer, AT_PROVE, blob_span(&q), JZ_SW_NO_PAYMENT);
	pay.payer_counter = 0;
	q = question_of(&pay);
	rig_refuses(f->payer, AT_PROVE, blob_span(&q), JZ_SW_NO_PAYMENT);
}

/* Who asks for the wrong payment does not close the right one. */
static void
test_another_question_leaves_the_agreement_open(void **state)
{
	struct fixture *f = *state;
	const struct jz_payment pay = pending(f);
	struct jz_payment wrong[3] = {pay, pay, pay};
	struct blob q;

	wrong[0].request_digest[31] ^= 1;
	wrong[1].payee_counter++;
	wrong[2].payee_id[10] ^= 1;
	for (unsigned i = 0; i < 3; i++) {
		q = question_of(&wrong[i]);
		rig_refuses(f->payer, AT_PROVE, blob_span(&q), JZ_SW_MISMATCH);
	}
	q = question_of(&pay);
	q.data[0] = 0x83;
	rig_refuses(f->payer, AT_PROVE, blob_span(&q), JZ_SW_DATA);
	rig_refuses(
	    f->payer, AT_PROVE, jz_span(q.data, q.len - 1), JZ_SW_LENGTH);
	assert_int_equal(payment_run(&f->pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
}

/* A proof of this payment, changed in one field and signed. */
static struct blob
sign_proof(struct fixture *f, const struct jz_message *m,
    const struct jz_key_pair *key)
{
	struct jz_message out = *m;
	struct blob b;
	struct jz_buffer buffer = jz_buffer(b.data, sizeof(b.data));

	assert_int_equal(jz_message_sign(&f->rig.engine, &out, key), 0);
	assert_int_equal(jz_message_encode(&out, JZ_SIGNED, &buffer), 0);
	b.len = buffer.len;
	return b;
}

static void
test_only_the_payers_proof_of_this_payment_drops_it(void **state)
{
	struct fixture *f = *state;
	const struct jz_key_pair *payer = &rig_purse(f->payer)->key;
	struct jz_message m = {.kind = JZ_KIND_NOT_PAID, .payment = pending(f)};
	struct jz_message wrong;
	struct blob b;

	b = sign_proof(f, &m, &rig_purse(f->payee)->key);
	rig_refuses(f->payee, AT_DROP, blob_span(&b), JZ_SW_MAC);
	wrong = m;
	wrong.payment.payer_counter++;
	b = sign_proof(f, &wrong, payer);
	rig_refuses(f->payee, AT_DROP, blob_span(&b), JZ_SW_MISMATCH);
	wrong = m;
	wrong.payment.payee_counter++;
	b = sign_proof(f, &wrong, payer);
	rig_refuses(f->payee, AT_DROP, blob_span(&b), JZ_SW_MISMATCH);
	wrong = m;
	wrong.payment.payer_id[10] ^= 1;
	b = sign_proof(f, &wrong, payer);
	rig_refuses(f->payee, AT_DROP, blob_span(&b), JZ_SW_MISMATCH);
	wrong = m;
	wrong.payment.payee_id[10] ^= 1;
	b = sign_proof(f, &wrong, payer);
	rig_refuses(f->payee, AT_DROP, blob_span(&b), JZ_SW_MISMATCH);
	wrong = m;
	wrong.payment.request_digest[0] ^= 1;
	b = sign_proof(f, &wrong, payer);
	rig_refuses(f->payee, AT_DROP, blob_span(&b), JZ_SW_NO_PAYMENT);
	b = sign_proof(f, &m, payer);
	for (size_t i = 0; i < b.len; i++) {
		b.data[i] ^= 0x10;
		assert_int_not_equal(
		    port_send(&f->payee->port, AT_DROP, blob_span(&b), NULL),
		    JZ_SW_OK);
		b.data[i] ^= 0x10;
	}
	rig_accepts(f->payee, AT_DROP, blob_span(&b), NULL);
}

/* The exception, decoded and verified. */
static struct jz_message
exception(struct fixture *f, const struct answer *a)
{
	struct jz_message m;

	assert_int_equal(
	    jz_message_decode(answer_span(a), JZ_KIND_EXCEPTION, &m), 0);
	assert_int_equal(jz_message_verify(&f->rig.engine, &m,
			     rig_purse(f->payee)->key.public_key),
	    0);
	return m;
}

/* proves: ALL-2 (abandon: claim) */
static void
test_a_claim_ends_the_pending_entry_for_good(void **state)
{
	struct fixture *f = *state;
	struct jz_payment pay = pending(f);
	struct blob which = fetch_of(f->digest);
	struct answer a, again;
	struct jz_message m;

	assert_int_equal(payment_run(&f->pay, STEP_COMPLETE), JZ_SW_OK);
	rig_accepts(f->payee, AT_CLAIM, blob_span(&which), &a);
	m = exception(f, &a);
	assert_int_equal(m.outcome, JZ_OUTCOME_CLAIM);
	assert_int_equal(m.payment.amount, AMOUNT);
	assert_int_equal(m.payment.payer_counter, pay.payer_counter);
	assert_int_equal(m.payee_record, 2);
	assert_int_equal(m.payee_time, RIG_NOW);
	/* "Never will be". */
	rig_refuses(f->payee, AT_CREDIT,
	    blob_span(&f->pay.message[STEP_COMPLETE]), JZ_SW_ABANDONED);
	rig_refuses(f->payee, AT_CLAIM, blob_span(&which), JZ_SW_NO_PAYMENT);
	rig_restart(f->payee);
	rig_refuses(f->payee, AT_CREDIT,
	    blob_span(&f->pay.message[STEP_COMPLETE]), JZ_SW_ABANDONED);
	rig_accepts(f->payee, AT_EXCEPTION, blob_span(&which), &again);
	assert_int_equal(a.len, again.len);
	assert_memory_equal(a.data, again.data, a.len);
	assert_int_equal(balance(f->payee), FUNDS);
	assert_int_equal(balance(f->payer), FUNDS - AMOUNT);
	/* It took the room of the credit, and the slot is free. */
	assert_int_equal(
	    purse_log_room(rig_purse(f->payee)), JZ_PURSE_RECORDS - 2);
	assert_int_equal(purse_promised(rig_purse(f->payee)), 0);
}

/* A release gives the money back: only the payee's holder says so. */
static void
test_a_release_needs_the_pin(void **state)
{
	struct fixture *f = *state;
	struct blob which = fetch_of(f->digest);
	struct answer a;

	rig_refuses(f->payee, AT_RELEASE, blob_span(&which), JZ_SW_SECURITY);
	assert_int_equal(port_verify(&f->payee->port, PIN), JZ_SW_OK);
	rig_accepts(f->payee, AT_RELEASE, blob_span(&which), &a);
	assert_int_equal(exception(f, &a).outcome, JZ_OUTCOME_RELEASE);
	/* It served once. */
	rig_refuses(f->payee, AT_RELEASE, blob_span(&which), JZ_SW_SECURITY);
}

/* proves: OFP-10 (an exception is a record of the settlement) */
static void
test_an_exception_is_settled_as_a_record(void **state)
{
	struct fixture *f = *state;
	struct blob which = fetch_of(f->digest);
	struct jz_message batch, m;
	struct jz_cursor c;
	struct jz_tlv t;
	struct answer a;
	uint32_t n;

	rig_accepts(f->payee, AT_CLAIM, blob_span(&which), &a);
	m = exception(f, &a);
	assert_int_equal(bank_sign_in(&f->rig.bank, &f->payee->port), JZ_SW_OK);
	rig_accepts(f->payee, AT_SETTLE(4), NOTHING, &a);
	assert_int_equal(
	    jz_message_decode(answer_span(&a), JZ_KIND_BATCH, &batch), 0);
	assert_int_equal(batch.count, 2);
	c = jz_cursor(batch.records);
	assert_int_equal(jz_tlv_next(&c, &t), 0);
	assert_int_equal(jz_tlv_next(&c, &t), 0);
	assert_true(jz_cursor_end(&c));
	assert_int_equal(
	    jz_message_decode(t.whole, JZ_KIND_RECORD_EXCEPTION, &batch), 0);
	assert_memory_equal(
	    batch.payee_signature, m.signature, JZ_SIGNATURE_BYTES);
	/* With its signature it is the exception again. */
	batch.kind = JZ_KIND_EXCEPTION;
	memcpy(batch.signature, batch.payee_signature, JZ_SIGNATURE_BYTES);
	assert_int_equal(jz_message_verify(&f->rig.engine, &batch,
			     rig_purse(f->payee)->key.public_key),
	    0);
	assert_int_equal(
	    bank_settle(&f->rig.bank, &f->payee->port, &n), JZ_SW_OK);
	assert_int_equal(n, 2);
}

/* proves: OFP-7 (the log names what became of it) */
static void
test_the_log_shows_a_claim(void **state)
{
	struct fixture *f = *state;
	struct blob which = fetch_of(f->digest);
	struct answer a;

	rig_accepts(f->payee, AT_CLAIM, blob_span(&which), NULL);
	assert_int_equal(port_verify(&f->payee->port, PIN), JZ_SW_OK);
	rig_accepts(f->payee, AT_READ_LOG(1), NOTHING, &a);
	assert_int_equal(a.len, JZ_LOG_RECORD_BYTES);
	assert_int_equal(jz_get_be(a.data + 5, 4), AMOUNT);
	assert_int_equal(a.data[9], JZ_TYPE_EP_CLAIMED);
	assert_int_not_equal(a.data[16], 0); /* the date */
}

static void
test_what_is_unfinished_is_told_after_the_pin(void **state)
{
	struct fixture *f = *state;
	struct jz_message m;
	struct answer a;

	rig_refuses(f->payee, AT_PENDING(0), NOTHING, JZ_SW_SECURITY);
	rig_refuses(f->payer, AT_AGREED, NOTHING, JZ_SW_SECURITY);
	assert_int_equal(port_verify(&f->payer->port, PIN), JZ_SW_OK);
	rig_accepts(f->payer, AT_AGREED, NOTHING, &a);
	assert_int_equal(
	    jz_message_decode(answer_span(&a), JZ_KIND_UNFINISHED, &m), 0);
	assert_memory_equal(m.payment.request_digest, f->digest, 32);
	assert_memory_equal(m.payment.payer_id, PAYER_ID, JZ_ID_BYTES);
	assert_memory_equal(m.payment.payee_id, PAYEE_ID, JZ_ID_BYTES);
	rig_refuses(f->payer, AT_PENDING(0), NOTHING, JZ_SW_RECORD);
	assert_int_equal(port_verify(&f->payee->port, PIN), JZ_SW_OK);
	rig_accepts(f->payee, AT_PENDING(0), NOTHING, &a);
	rig_refuses(f->payee, AT_PENDING(1), NOTHING, JZ_SW_RECORD);
	rig_refuses(f->payee, AT_AGREED, NOTHING, JZ_SW_RECORD);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_a_proof_closes_the_agreement_and_ends_the_pending_entry),
	    T(test_a_proof_may_be_asked_for_again),
	    T(test_a_replaced_agreement_is_proved),
	    T(test_what_was_paid_has_no_proof),
	    T(test_below_what_was_cleared_there_is_no_proof),
	    T(test_a_counter_that_never_was_has_no_proof),
	    T(test_another_question_leaves_the_agreement_open),
	    T(test_only_the_payers_proof_of_this_payment_drops_it),
	    T(test_a_claim_ends_the_pending_entry_for_good),
	    T(test_a_release_needs_the_pin),
	    T(test_an_exception_is_settled_as_a_record),
	    T(test_the_log_shows_a_claim),
	    T(test_what_is_unfinished_is_told_after_the_pin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
