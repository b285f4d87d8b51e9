/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settlement: the six steps in their order, signed on both sides; the card
 * clears what the issuer has confirmed and nothing else.
 */
#include "../../support/cardrig.h"
#include "../../../apdu/tlv.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CARD_ID	 "CN00000000100001"
#define OTHER_ID "CN00000000200001"
#define PIN	 "123456"
#define NOTHING	 jz_span(NULL, 0)
#define STEPS_OF 5 /* settlement */

/* Three records on the card: a load, one paid, one received. */
struct fixture {
	struct rig rig;
	struct bank *bank;
	struct rig_card *card, *other;
	const struct port *port;
	const struct purse_nvm *purse;
	struct answer answer[STEPS_OF + 1]; /* of each step */
	struct jz_message challenge, sign_in, confirmed, batch, processed;
	struct blob data;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct profile a = profile_of(CARD_ID), b = profile_of(OTHER_ID);
	struct payment out, in;

	assert_non_null(f);
	rig_new(&f->rig);
	f->bank = &f->rig.bank;
	f->card = rig_purse_new(&f->rig, &a);
	f->other = rig_purse_new(&f->rig, &b);
	f->port = &f->card->port;
	f->purse = rig_purse(f->card);
	assert_int_equal(bank_load(f->bank, f->port, PIN, 5000), JZ_SW_OK);
	out = payment_of(&f->other->port, f->port, 700, RIG_NOW);
	assert_int_equal(payment_run(&out, STEP_ACKNOWLEDGE), JZ_SW_OK);
	in = payment_of(f->port, &f->other->port, 300, RIG_NOW);
	assert_int_equal(payment_run(&in, STEP_ACKNOWLEDGE), JZ_SW_OK);
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

static void
decode(const struct answer *a, enum jz_kind kind, struct jz_message *m)
{
	assert_int_equal(jz_message_decode(answer_span(a), kind, m), 0);
	assert_int_equal(m->kind, kind);
}

/* Carries out the steps up to and with `last`; the messages stay in f. */
static void
run(struct fixture *f, unsigned from, unsigned last)
{
	for (unsigned step = from; step <= last; step++) {
		f->data.len = 0;
		if (step == 2) {
			f->challenge = bank_challenge(f->bank);
			f->data = bank_encode(&f->challenge);
		} else if (step == 3) {
			f->confirmed = bank_confirmed(f->bank, &f->sign_in);
			f->data = bank_sign(f->bank, &f->confirmed);
		} else if (step == 5) {
			f->processed = bank_processed(f->bank, &f->batch);
			f->data = bank_sign(f->bank, &f->processed);
		}
		rig_accepts(f->card, AT_SETTLE(step), blob_span(&f->data),
		    &f->answer[step]);
		if (step == 2)
			decode(&f->answer[2], JZ_KIND_SIGN_IN, &f->sign_in);
		if (step == 4)
			decode(&f->answer[4], JZ_KIND_BATCH, &f->batch);
	}
}

static void
refuses(struct fixture *f, unsigned step, const struct blob *data, uint16_t sw)
{
	rig_refuses(f->card, AT_SETTLE(step),
	    data != NULL ? blob_span(data) : NOTHING, sw);
}

/* proves: OFP-10 (sign-in, signed over the issuer's number) */
static void
test_the_sign_in_says_what_it_must(void **state)
{
	struct fixture *f = *state;
	struct jz_message m;

	run(f, 1, 3);
	decode(&f->answer[1], JZ_KIND_SIGN_IN_REQUEST, &m);
	assert_memory_equal(m.card_id, CARD_ID, JZ_ID_BYTES);
	assert_memory_equal(f->sign_in.card_id, CARD_ID, JZ_ID_BYTES);
	assert_memory_equal(f->sign_in.nonce, m.nonce, JZ_NONCE_BYTES);
	assert_memory_equal(
	    f->sign_in.host_nonce, f->challenge.host_nonce, JZ_NONCE_BYTES);
	assert_int_equal(f->sign_in.record, 1);
	assert_int_equal(f->sign_in.count, 3);
	assert_int_equal(f->sign_in.balance, 5000 - 700 + 300);
	assert_int_equal(jz_message_verify(&f->rig.engine, &f->sign_in,
			     f->purse->key.public_key),
	    0);
	assert_int_equal(f->answer[3].len, 0);
}

static void
test_each_session_has_its_own_nonce(void **state)
{
	struct fixture *f = *state;
	struct jz_message first, second;

	run(f, 1, 1);
	decode(&f->answer[1], JZ_KIND_SIGN_IN_REQUEST, &first);
	run(f, 1, 1);
	decode(&f->answer[1], JZ_KIND_SIGN_IN_REQUEST, &second);
	assert_memory_not_equal(first.nonce, second.nonce, JZ_NONCE_BYTES);
}

/* The next record of the batch, of this kind. */
static struct jz_message
next_record(struct jz_cursor *c, enum jz_kind kind)
{
	struct jz_message m;
	struct jz_tlv t;

	assert_int_equal(jz_tlv_next(c, &t), 0);
	assert_int_equal(jz_message_decode(t.whole, kind, &m), 0);
	return m;
}

static void
verifies(struct fixture *f, struct jz_message *m, const uint8_t *signature,
    struct rig_card *signer)
{
	memcpy(m->signature, signature, sizeof(m->signature));
	assert_int_equal(jz_message_verify(&f->rig.engine, m,
			     rig_purse(signer)->key.public_key),
	    0);
}

/* The completion and the second message that a record is evidence of. */
static void
check_evidence(struct fixture *f, const struct jz_message *r,
    struct rig_card *payee, struct rig_card *payer)
{
	struct jz_message completion, second;

	memset(&completion, 0, sizeof(completion));
	completion.kind = JZ_KIND_COMPLETION;
	completion.payment = r->payment;
	completion.payer_record = r->payer_record;
	completion.payer_time = r->payer_time;
	verifies(f, &completion, r->payer_signature, payer);
	memset(&second, 0, sizeof(second));
	second.payment = r->payment;
	second.kind = JZ_KIND_CONFIRMATION;
	if (r->kind == JZ_KIND_RECORD_RECEIVED) {
		second.kind = JZ_KIND_RECEIPT;
		second.payee_record = r->payee_record;
		second.payee_time = r->payee_time;
		assert_int_equal(jz_message_digest(&f->rig.engine, &completion,
				     second.completion_digest),
		    0);
	}
	verifies(f, &second, r->payee_signature, payee);
}

static void
check_load_evidence(struct fixture *f, const struct jz_message *r)
{
	struct jz_message report;

	memset(&report, 0, sizeof(report));
	report.kind = JZ_KIND_LOAD_REPORT;
	memcpy(report.card_id, CARD_ID, JZ_ID_BYTES);
	report.online_counter = r->online_counter;
	report.payment = r->payment;
	report.balance = r->balance;
	report.record = r->record;
	verifies(f, &report, r->payer_signature, f->card);
}

/* proves: OFP-10 (the batch), OFP-12 (evidence with the certificates alone) */
static void
test_the_records_are_evidence_by_themselves(void **state)
{
	struct fixture *f = *state;
	struct jz_message r;
	struct jz_cursor c;

	run(f, 1, 4);
	assert_int_equal(f->batch.record, 1);
	assert_int_equal(f->batch.count, 3);
	assert_int_equal(jz_message_verify(&f->rig.engine, &f->batch,
			     f->purse->key.public_key),
	    0);
	c = jz_cursor(f->batch.records);
	r = next_record(&c, JZ_KIND_RECORD_LOAD);
	assert_int_equal(r.record, 1);
	assert_int_equal(r.payment.amount, 5000);
	assert_int_equal(r.balance, 5000);
	check_load_evidence(f, &r);
	r = next_record(&c, JZ_KIND_RECORD_PAID);
	assert_int_equal(r.payer_record, 2);
	assert_int_equal(r.payment.amount, 700);
	assert_memory_equal(r.payment.payee_id, OTHER_ID, JZ_ID_BYTES);
	check_evidence(f, &r, f->other, f->card);
	r = next_record(&c, JZ_KIND_RECORD_RECEIVED);
	assert_int_equal(r.payee_record, 3);
	assert_int_equal(r.payment.amount, 300);
	assert_memory_equal(r.payment.payer_id, OTHER_ID, JZ_ID_BYTES);
	check_evidence(f, &r, f->card, f->other);
	assert_true(jz_cursor_end(&c));
}

/* proves: OFP-10 (cleared against the signed confirmation; no balance moves) */
static void
test_settlement_clears_the_log_and_moves_no_money(void **state)
{
	struct fixture *f = *state;

	run(f, 1, 5);
	assert_int_equal(port_info(f->port).count, 0);
	assert_int_equal(port_info(f->port).record, 4);
	assert_int_equal(port_balance(f->port), 4600);
	refuses(f, 4, NULL, JZ_SW_RECORD);
	rig_restart(f->card);
	assert_int_equal(port_info(f->port).count, 0);
	assert_int_equal(port_balance(f->port), 4600);
}

static void
test_nothing_lasts_before_the_last_step(void **state)
{
	struct fixture *f = *state;
	uint8_t before[32], after[32];

	rig_hash(f->card, before);
	run(f, 1, 4);
	rig_hash(f->card, after);
	assert_memory_equal(before, after, 32);
	/* Lost: the next session has the same records. */
	rig_restart(f->card);
	run(f, 1, 5);
	assert_int_equal(f->batch.record, 1);
	assert_int_equal(f->batch.count, 3);
}

/* Each step before its time; done[i]: what has been carried out by then. */
static void
test_steps_out_of_order_are_6985(void **state)
{
	struct fixture *f = *state;
	struct blob empty = {0}, any;

	run(f, 1, 4);
	f->processed = bank_processed(f->bank, &f->batch);
	any = bank_sign(f->bank, &f->processed);
	rig_reset(f->card);
	for (unsigned done = 0; done <= 5; done++) {
		if (done > 0)
			run(f, done, done);
		/* Step 01 begins anew at any time; 04 may follow 04. */
		for (unsigned step = 2; step <= 5; step++) {
			if (step == done + 1 ||
			    (step == 4 && (done == 3 || done == 5)))
				continue;
			if (step == 4 && done == 4)
				continue;
			refuses(f, step, step == 4 ? &empty : &any,
			    JZ_SW_CONDITIONS);
		}
	}
}

static void
test_deselection_and_reset_end_the_session(void **state)
{
	struct fixture *f = *state;

	run(f, 1, 3);
	assert_int_equal(port_select(f->port), JZ_SW_OK);
	refuses(f, 4, NULL, JZ_SW_CONDITIONS);
	run(f, 1, 4);
	f->processed = bank_processed(f->bank, &f->batch);
	f->data = bank_sign(f->bank, &f->processed);
	rig_reset(f->card);
	refuses(f, 5, &f->data, JZ_SW_CONDITIONS);
}

static void
test_unknown_steps_and_lengths(void **state)
{
	struct fixture *f = *state;
	struct blob one = {1, {0}};

	refuses(f, 0, NULL, JZ_SW_P1P2);
	refuses(f, 6, NULL, JZ_SW_P1P2);
	refuses(f, 255, NULL, JZ_SW_P1P2);
	rig_refuses(f->card, AT_SETTLE(1) | 1, NOTHING, JZ_SW_P1P2);
	refuses(f, 1, &one, JZ_SW_LENGTH);
	/* The length is looked at before the order. */
	refuses(f, 4, &one, JZ_SW_LENGTH);
	run(f, 1, 3);
	refuses(f, 4, &one, JZ_SW_LENGTH);
}

static void
test_refusals_of_the_challenge(void **state)
{
	struct fixture *f = *state;
	struct jz_message m = bank_challenge(f->bank);
	struct blob data = bank_encode(&m);

	run(f, 1, 1);
	data.len--;
	refuses(f, 2, &data, JZ_SW_DATA);
	refuses(f, 2, NULL, JZ_SW_DATA);
	m.host_id[14] ^= 1;
	data = bank_encode(&m);
	refuses(f, 2, &data, JZ_SW_CERT_ISSUER);
	/* The session goes on. */
	run(f, 2, 5);
}

/* A confirmation whose fields one of these changes. */
static void
spoil_card(struct jz_message *m)
{
	m->card_id[15] ^= 1;
}

static void
spoil_nonce(struct jz_message *m)
{
	m->nonce[15] ^= 1;
}

static void
spoil_host_nonce(struct jz_message *m)
{
	m->host_nonce[0] ^= 1;
}

static void
spoil_host(struct jz_message *m)
{
	m->host_id[14] ^= 1;
}

static void
spoil_first(struct jz_message *m)
{
	m->record++;
}

static void
spoil_count(struct jz_message *m)
{
	m->count--;
}

static void
spoil_digest(struct jz_message *m)
{
	m->completion_digest[0] ^= 1;
}

struct spoilt {
	void (*spoil)(struct jz_message *m);
	uint16_t sw;
};

static void
check_spoilt(struct fixture *f, unsigned step, const struct jz_message *good,
    const struct spoilt *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct jz_message m = *good;
		struct blob data;

		s[i].spoil(&m);
		data = bank_sign(f->bank, &m);
		refuses(f, step, &data, s[i].sw);
	}
}

/* The host's signature, whatever has become of its dates; the same for both
 * steps. */
static void
check_host(struct fixture *f, unsigned step, const struct jz_message *good)
{
	struct jz_message m = *good;
	struct blob data;

	memset(m.signature, 0, sizeof(m.signature));
	data = bank_encode(&m);
	rig_set_time(f->card, f->purse->host.to);
	refuses(f, step, &data, JZ_SW_MAC);
	assert_int_equal(jz_message_sign(&f->rig.engine, &m, &f->bank->ca), 0);
	data = bank_encode(&m);
	refuses(f, step, &data, JZ_SW_MAC);
	data.len--;
	refuses(f, step, &data, JZ_SW_DATA);
}

static void
check_flips(struct fixture *f, unsigned step, const struct jz_message *good)
{
	struct rig_snapshot *s = rig_save(f->card);
	struct jz_message m = *good;
	struct blob data = bank_sign(f->bank, &m);

	for (size_t bit = 0; bit < data.len * 8; bit++) {
		data.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (port_send(f->port, AT_SETTLE(step), blob_span(&data),
			NULL) == JZ_SW_OK)
			fail_msg("step %u: bit %zu", step, bit);
		assert_true(rig_unchanged(f->card, s));
		data.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	rig_snapshot_free(&s);
}

/* proves: OFP-10 (the card verifies the sign-in confirmation) */
static void
test_refusals_of_the_sign_in_confirmation(void **state)
{
	static const struct spoilt spoilt[] = {{spoil_card, JZ_SW_MISMATCH},
	    {spoil_nonce, JZ_SW_MISMATCH}, {spoil_host_nonce, JZ_SW_MISMATCH},
	    {spoil_host, JZ_SW_CERT_ISSUER}};
	struct fixture *f = *state;
	struct jz_message good;

	run(f, 1, 2);
	good = bank_confirmed(f->bank, &f->sign_in);
	check_spoilt(f, 3, &good, spoilt, 4);
	check_host(f, 3, &good);
	check_flips(f, 3, &good);
	refuses(f, 4, NULL, JZ_SW_CONDITIONS);
	run(f, 3, 5);
}

/* proves: OFP-10 (the card verifies the processed confirmation) */
static void
test_refusals_of_the_processed_confirmation(void **state)
{
	static const struct spoilt spoilt[] = {{spoil_card, JZ_SW_MISMATCH},
	    {spoil_host_nonce, JZ_SW_MISMATCH}, {spoil_first, JZ_SW_MISMATCH},
	    {spoil_count, JZ_SW_MISMATCH}, {spoil_digest, JZ_SW_MISMATCH},
	    {spoil_host, JZ_SW_CERT_ISSUER}};
	struct fixture *f = *state;
	struct jz_message good;

	run(f, 1, 4);
	good = bank_processed(f->bank, &f->batch);
	check_spoilt(f, 5, &good, spoilt, 6);
	check_host(f, 5, &good);
	check_flips(f, 5, &good);
	assert_int_equal(port_info(f->port).count, 3);
	run(f, 5, 5);
	assert_int_equal(port_info(f->port).count, 0);
}

/* What the issuer signed in one session is of no use in the next. */
static void
test_confirmations_of_an_earlier_session_are_9429(void **state)
{
	struct fixture *f = *state;
	struct blob confirmed, processed;

	run(f, 1, 4);
	confirmed = bank_sign(f->bank, &f->confirmed);
	f->processed = bank_processed(f->bank, &f->batch);
	processed = bank_sign(f->bank, &f->processed);
	run(f, 1, 2);
	refuses(f, 3, &confirmed, JZ_SW_MISMATCH);
	run(f, 3, 4);
	refuses(f, 5, &processed, JZ_SW_MISMATCH);
	run(f, 5, 5);
}

/* The other card's session, with the same host at the same time. */
static void
test_confirmations_of_another_card_are_9429(void **state)
{
	struct fixture *f = *state;
	struct jz_message m;
	struct blob data;
	struct answer a;

	run(f, 1, 2);
	data = bank_encode(&f->challenge);
	rig_accepts(f->other, AT_SETTLE(1), NOTHING, NULL);
	rig_accepts(f->other, AT_SETTLE(2), blob_span(&data), &a);
	decode(&a, JZ_KIND_SIGN_IN, &m);
	m = bank_confirmed(f->bank, &m);
	data = bank_sign(f->bank, &m);
	refuses(f, 3, &data, JZ_SW_MISMATCH);
	rig_accepts(f->other, AT_SETTLE(3), blob_span(&data), NULL);
}

/* A record that came after the batch is not cleared by its confirmation. */
static void
test_what_came_after_the_batch_stays(void **state)
{
	struct fixture *f = *state;

	run(f, 1, 4);
	assert_int_equal(bank_load(f->bank, f->port, PIN, 11), JZ_SW_OK);
	run(f, 5, 5);
	assert_int_equal(port_info(f->port).count, 1);
	run(f, 4, 5);
	assert_int_equal(f->batch.record, 4);
	assert_int_equal(f->batch.count, 1);
	assert_int_equal(port_info(f->port).count, 0);
}

/* Nor is its counter, below which there is no proof: of the agreement before it
 * that nobody completed there still is one. */
static void
test_what_was_paid_after_the_batch_is_not_cleared(void **state)
{
	struct fixture *f = *state;
	struct payment stopped =
	    payment_of(&f->other->port, f->port, 5, RIG_NOW);
	struct payment paid = stopped;
	const struct purse_nvm *p = rig_purse(f->card);
	struct jz_payment open;
	struct blob question;

	run(f, 1, 4);
	assert_int_equal(payment_run(&stopped, STEP_AGREE), JZ_SW_OK);
	purse_payment_load(p, &open, &p->agreement.payment, PURSE_PAYER);
	assert_int_equal(payment_run(&paid, STEP_ACKNOWLEDGE), JZ_SW_OK);
	run(f, 5, 5);
	assert_true(p->cleared_counter < open.payer_counter);
	question = question_of(&open);
	rig_accepts(f->card, AT_PROVE, blob_span(&question), NULL);
	run(f, 4, 5);
	assert_int_equal(p->cleared_counter, p->offline_counter);
	rig_refuses(f->card, AT_PROVE, blob_span(&question), JZ_SW_SETTLED);
}

/* A batch asked for again, with a record more: the last one counts. */
static void
test_the_last_batch_counts(void **state)
{
	struct fixture *f = *state;
	struct blob first;

	run(f, 1, 4);
	f->processed = bank_processed(f->bank, &f->batch);
	first = bank_sign(f->bank, &f->processed);
	assert_int_equal(bank_load(f->bank, f->port, PIN, 11), JZ_SW_OK);
	run(f, 4, 4);
	assert_int_equal(f->batch.count, 4);
	refuses(f, 5, &first, JZ_SW_MISMATCH);
	run(f, 5, 5);
	assert_int_equal(port_info(f->port).count, 0);
}

static void
test_the_same_batch_again_is_confirmed_by_either(void **state)
{
	struct fixture *f = *state;
	struct blob first;

	run(f, 1, 4);
	f->processed = bank_processed(f->bank, &f->batch);
	first = bank_sign(f->bank, &f->processed);
	run(f, 4, 4);
	rig_accepts(f->card, AT_SETTLE(5), blob_span(&first), NULL);
	refuses(f, 5, &first, JZ_SW_CONDITIONS);
}

static void
test_more_records_than_a_batch_holds(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < JZ_BATCH_RECORDS; i++)
		assert_int_equal(bank_load(f->bank, f->port, PIN, 1), JZ_SW_OK);
	run(f, 1, 4);
	assert_int_equal(f->batch.record, 1);
	assert_int_equal(f->batch.count, JZ_BATCH_RECORDS);
	run(f, 5, 5);
	assert_int_equal(port_info(f->port).count, 3);
	run(f, 4, 5);
	assert_int_equal(f->batch.record, JZ_BATCH_RECORDS + 1);
	assert_int_equal(f->batch.count, 3);
	refuses(f, 4, NULL, JZ_SW_RECORD);
}

/* Several times round the ring. */
static void
test_record_numbers_have_no_gaps(void **state)
{
	struct fixture *f = *state;
	uint32_t next = 1;

	for (unsigned round = 0; round < 25; round++) {
		for (unsigned i = 0; i < 3 && round > 0; i++)
			assert_int_equal(
			    bank_load(f->bank, f->port, PIN, 1), JZ_SW_OK);
		run(f, 1, 5);
		assert_int_equal(f->batch.record, next);
		next += f->batch.count;
	}
	assert_int_equal(next, 1 + 25 * 3);
	assert_int_equal(port_balance(f->port), 4600 + 24 * 3);
}

static void
test_an_empty_log_has_no_batch(void **state)
{
	struct fixture *f = *state;
	uint32_t n;

	assert_int_equal(bank_settle(f->bank, f->port, &n), JZ_SW_OK);
	assert_int_equal(n, 3);
	run(f, 1, 3);
	assert_int_equal(f->sign_in.count, 0);
	assert_int_equal(f->sign_in.record, 4);
	refuses(f, 4, NULL, JZ_SW_RECORD);
}

/* proves: OFP-10 (payer and payee settle separately, in either order) */
static void
test_the_two_cards_settle_separately(void **state)
{
	struct fixture *f = *state;
	uint32_t n;

	assert_int_equal(bank_settle(f->bank, &f->other->port, &n), JZ_SW_OK);
	assert_int_equal(n, 2);
	assert_int_equal(port_info(f->port).count, 3);
	assert_int_equal(bank_settle(f->bank, f->port, &n), JZ_SW_OK);
	assert_int_equal(n, 3);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_the_sign_in_says_what_it_must),
	    TEST(test_each_session_has_its_own_nonce),
	    TEST(test_the_records_are_evidence_by_themselves),
	    TEST(test_settlement_clears_the_log_and_moves_no_money),
	    TEST(test_nothing_lasts_before_the_last_step),
	    TEST(test_steps_out_of_order_are_6985),
	    TEST(test_deselection_and_reset_end_the_session),
	    TEST(test_unknown_steps_and_lengths),
	    TEST(test_refusals_of_the_challenge),
	    TEST(test_refusals_of_the_sign_in_confirmation),
	    TEST(test_refusals_of_the_processed_confirmation),
	    TEST(test_confirmations_of_an_earlier_session_are_9429),
	    TEST(test_confirmations_of_another_card_are_9429),
	    TEST(test_what_came_after_the_batch_stays),
	    TEST(test_what_was_paid_after_the_batch_is_not_cleared),
	    TEST(test_the_last_batch_counts),
	    TEST(test_the_same_batch_again_is_confirmed_by_either),
	    TEST(test_more_records_than_a_batch_holds),
	    TEST(test_record_numbers_have_no_gaps),
	    TEST(test_an_empty_log_has_no_batch),
	    TEST(test_the_two_cards_settle_separately),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
