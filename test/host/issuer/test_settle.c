/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OFP-10: settlement in six steps.  Each payment moves value between the two
 * shadows exactly once, whichever side uploads first.
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

/* Two cards; the payer has loaded and settled that. */
struct pair {
	struct fakecard payer, payee;
};

static void
make_pair(struct rig *r, struct pair *p)
{
	rig_card(r, &p->payer, 2 * LOADED);
	rig_card(r, &p->payee, 0);
	(void)rig_load(r, &p->payer, LOADED);
	rig_settle(r, &p->payer);
}

static void
check_host(struct rig *r, const struct jz_message *m)
{
	struct jz_certificate host;

	assert_int_equal(jz_certificate_parse(jz_issuer_host(r->issuer),
			     r->engine.crypto, &host),
	    0);
	assert_memory_equal(m->host_id, host.holder, JZ_ID_BYTES);
	assert_int_equal(jz_message_verify(&r->engine, m, host.public_key), 0);
}

static struct letter
get_challenge(struct rig *r, struct fakecard *c)
{
	struct jz_message m = fakecard_sign_in_request(c);
	struct letter ask = letter_of(&m), l;
	struct jz_buffer b = jz_buffer(l.data, sizeof(l.data));

	assert_int_equal(
	    jz_issuer_challenge(r->issuer, letter_span(&ask), &b), 0);
	l.len = b.len;
	return l;
}

static int
put_sign_in(struct rig *r, const struct letter *sign_in, struct letter *out)
{
	struct jz_buffer b = jz_buffer(out->data, sizeof(out->data));
	int err = jz_issuer_sign_in(r->issuer, letter_span(sign_in), &b);

	out->len = b.len;
	return err;
}

static int
put_batch(struct rig *r, const struct letter *batch, struct letter *out)
{
	struct jz_buffer b = jz_buffer(out->data, sizeof(out->data));
	int err = jz_issuer_batch(r->issuer, letter_span(batch), &b);

	out->len = b.len;
	return err;
}

/* OFP-10: the host proves itself over both random numbers. */
static void
test_sign_in_is_confirmed(void **state)
{
	struct rig *r = *state;
	struct letter challenge, sign_in, confirmed, again;
	struct jz_message m, answer;
	struct fakecard c;
	uint64_t before;

	rig_card(r, &c, 0);
	challenge = get_challenge(r, &c);
	m = fakecard_sign_in(&c, &challenge);
	sign_in = fakecard_sign(&c, &m);
	assert_int_equal(put_sign_in(r, &sign_in, &confirmed), 0);
	assert_int_equal(jz_message_decode(letter_span(&confirmed),
			     JZ_KIND_SIGN_IN_CONFIRMED, &answer),
	    0);
	check_host(r, &answer);
	assert_memory_equal(answer.card_id, c.id, JZ_ID_BYTES);
	assert_memory_equal(answer.nonce, c.card_nonce, JZ_NONCE_BYTES);
	assert_memory_equal(answer.host_nonce, c.host_nonce, JZ_NONCE_BYTES);
	assert_int_equal(answer.payment.time, r->now);
	/* The same again: the same answer, and nothing else. */
	before = rig_snapshot(r);
	r->now += 10;
	assert_int_equal(put_sign_in(r, &sign_in, &again), 0);
	assert_int_equal(again.len, confirmed.len);
	assert_memory_equal(again.data, confirmed.data, confirmed.len);
	assert_true(rig_snapshot(r) == before);
}

/* OFP-10: the random number is another one each time. */
static void
test_challenges_differ(void **state)
{
	struct rig *r = *state;
	struct letter a, b;
	struct fakecard c;

	rig_card(r, &c, 0);
	a = get_challenge(r, &c);
	b = get_challenge(r, &c);
	assert_int_equal(a.len, b.len);
	assert_memory_not_equal(a.data, b.data, a.len);
}

static void
test_old_sign_in_is_refused(void **state)
{
	struct rig *r = *state;
	struct letter challenge, first, l;
	struct jz_message m;
	struct fakecard c;
	uint64_t before;

	rig_card(r, &c, 0);
	challenge = get_challenge(r, &c);
	m = fakecard_sign_in(&c, &challenge);
	first = fakecard_sign(&c, &m);
	rig_sign_in(r, &c);
	before = rig_snapshot(r);
	rig_refused(
	    r, put_sign_in(r, &first, &l), JZ_REFUSAL_NO_SESSION, before);
}

/* A challenge is used up by its sign-in. */
static void
test_challenge_serves_once(void **state)
{
	struct rig *r = *state;
	struct letter answer, l;
	struct jz_message m;
	struct fakecard c;
	uint64_t before;

	rig_card(r, &c, 0);
	answer = get_challenge(r, &c);
	m = fakecard_sign_in(&c, &answer);
	l = fakecard_sign(&c, &m);
	assert_int_equal(put_sign_in(r, &l, &answer), 0);
	before = rig_snapshot(r);
	m.balance++;
	l = fakecard_sign(&c, &m);
	rig_refused(
	    r, put_sign_in(r, &l, &answer), JZ_REFUSAL_NO_SESSION, before);
}

/* Anybody can send a sign-in request: it takes no session away. */
static void
test_request_leaves_a_session_alone(void **state)
{
	struct rig *r = *state;
	struct letter batch;
	struct pair p;

	make_pair(r, &p);
	fakecard_pay(&p.payer, &p.payee, PRICE);
	rig_sign_in(r, &p.payer);
	batch = rig_batch(&p.payer, 1);
	{
		struct fakecard stranger = p.payer;

		(void)get_challenge(r, &stranger);
	}
	(void)rig_upload(r, &p.payer, &batch);
}

/* ---- payments, from either side ----------------------------------------- */

static void
check_end(struct rig *r, const struct pair *p, const struct jz_books *before)
{
	struct jz_books after = rig_books(r);

	assert_int_equal(rig_shadow(r, &p->payer), LOADED - PRICE);
	assert_int_equal(rig_shadow(r, &p->payee), PRICE);
	/* The shadows are the balances that the cards have. */
	assert_int_equal(p->payer.balance, LOADED - PRICE);
	assert_int_equal(p->payee.balance, PRICE);
	assert_int_equal(after.transit_payment, before->transit_payment);
	assert_int_equal(after.cards, before->cards);
	assert_int_equal(after.cash, before->cash);
}

static void
test_payer_first(void **state)
{
	struct rig *r = *state;
	struct jz_books before, between;
	struct pair p;

	make_pair(r, &p);
	before = rig_books(r);
	fakecard_pay(&p.payer, &p.payee, PRICE);
	rig_settle(r, &p.payer);
	between = rig_books(r);
	assert_int_equal(
	    between.transit_payment - before.transit_payment, PRICE);
	assert_int_equal(rig_shadow(r, &p.payer), LOADED - PRICE);
	assert_int_equal(rig_shadow(r, &p.payee), 0);
	assert_true(between.balanced);
	rig_settle(r, &p.payee);
	check_end(r, &p, &before);
}

static void
test_payee_first(void **state)
{
	struct rig *r = *state;
	struct jz_books before, between;
	struct pair p;

	make_pair(r, &p);
	before = rig_books(r);
	fakecard_pay(&p.payer, &p.payee, PRICE);
	rig_settle(r, &p.payee);
	between = rig_books(r);
	assert_int_equal(
	    before.transit_payment - between.transit_payment, PRICE);
	assert_int_equal(rig_shadow(r, &p.payer), LOADED);
	assert_int_equal(rig_shadow(r, &p.payee), PRICE);
	assert_true(between.balanced);
	rig_settle(r, &p.payer);
	check_end(r, &p, &before);
}

static void
test_many_records_both_ways(void **state)
{
	struct rig *r = *state;
	struct pair p;

	make_pair(r, &p);
	for (unsigned k = 1; k <= 2 * JZ_BATCH_RECORDS + 1; k++) {
		fakecard_pay(&p.payer, &p.payee, 100 + k);
		if (k % 2 == 0)
			fakecard_pay(&p.payee, &p.payer, k);
	}
	/* A load between them, and its record among theirs. */
	(void)rig_load(r, &p.payer, LOADED);
	fakecard_pay(&p.payer, &p.payee, PRICE);
	rig_settle(r, &p.payee);
	rig_settle(r, &p.payer);
	assert_int_equal(rig_shadow(r, &p.payer), p.payer.balance);
	assert_int_equal(rig_shadow(r, &p.payee), p.payee.balance);
}

/* ALL-8: a lock stops new loads; it never stops settlement. */
static void
test_blocked_and_expired_cards_settle(void **state)
{
	struct rig *r = *state;
	struct jz_books before;
	struct pair p;

	make_pair(r, &p);
	before = rig_books(r);
	fakecard_pay(&p.payer, &p.payee, PRICE);
	assert_int_equal(jz_issuer_block_card(r->issuer, p.payer.id, true), 0);
	assert_int_equal(jz_issuer_block_card(r->issuer, p.payee.id, true), 0);
	r->now += 6 * 366 * RIG_DAY;
	rig_settle(r, &p.payer);
	rig_settle(r, &p.payee);
	check_end(r, &p, &before);
}

/* ---- answers that were lost --------------------------------------------- */

/* The same batch: the same answer, posted once. */
static void
test_same_batch_same_answer(void **state)
{
	struct rig *r = *state;
	struct letter batch, first, again;
	struct jz_message m, answer;
	uint8_t digest[JZ_DIGEST_BYTES];
	struct pair p;
	uint64_t before;

	make_pair(r, &p);
	fakecard_pay(&p.payer, &p.payee, PRICE);
	rig_sign_in(r, &p.payer);
	batch = rig_batch(&p.payer, 1);
	assert_int_equal(put_batch(r, &batch, &first), 0);
	assert_int_equal(
	    jz_message_decode(letter_span(&first), JZ_KIND_PROCESSED, &answer),
	    0);
	check_host(r, &answer);
	assert_int_equal(
	    jz_message_decode(letter_span(&batch), JZ_KIND_BATCH, &m), 0);
	assert_int_equal(jz_message_digest(&r->engine, &m, digest), 0);
	assert_memory_equal(answer.completion_digest, digest, JZ_DIGEST_BYTES);
	assert_memory_equal(answer.host_nonce, m.host_nonce, JZ_NONCE_BYTES);
	assert_int_equal(answer.record, m.record);
	assert_int_equal(answer.count, 1);
	before = rig_snapshot(r);
	assert_int_equal(put_batch(r, &batch, &again), 0);
	assert_int_equal(again.len, first.len);
	assert_memory_equal(again.data, first.data, first.len);
	assert_true(rig_snapshot(r) == before);
	/* Also when the card has signed in anew meanwhile. */
	rig_sign_in(r, &p.payer);
	assert_int_equal(put_batch(r, &batch, &again), 0);
	assert_memory_equal(again.data, first.data, first.len);
	assert_int_equal(rig_shadow(r, &p.payer), LOADED - PRICE);
}

/*
 * The answer never reached the card: it signs in anew and sends the same
 * records and one more.  The old are confirmed, the new posted.
 */
static void
test_overlapping_batch(void **state)
{
	struct rig *r = *state;
	struct letter batch, lost;
	struct pair p;

	make_pair(r, &p);
	fakecard_pay(&p.payer, &p.payee, PRICE);
	fakecard_pay(&p.payer, &p.payee, PRICE);
	rig_sign_in(r, &p.payer);
	batch = rig_batch(&p.payer, 2);
	assert_int_equal(put_batch(r, &batch, &lost), 0);
	fakecard_pay(&p.payer, &p.payee, PRICE);
	rig_settle(r, &p.payer);
	assert_int_equal(p.payer.first_unsettled, p.payer.next_record);
	assert_int_equal(rig_shadow(r, &p.payer), LOADED - 3 * PRICE);
	/* All of it old: confirmed as well. */
	p.payer.first_unsettled = p.payer.next_record - 3;
	rig_settle(r, &p.payer);
	assert_int_equal(rig_shadow(r, &p.payer), LOADED - 3 * PRICE);
}

/* ALL-3: a write that fails leaves nothing of the batch behind. */
static void
test_failed_write_changes_nothing(void **state)
{
	struct rig *r = *state;
	struct letter batch, l;
	struct pair p;
	uint64_t before;

	make_pair(r, &p);
	fakecard_pay(&p.payer, &p.payee, PRICE);
	fakecard_pay(&p.payer, &p.payee, PRICE);
	rig_sign_in(r, &p.payer);
	batch = rig_batch(&p.payer, 2);
	before = rig_snapshot(r);
	/* The second record cannot be written. */
	assert_int_equal(
	    rig_sql(r,
		"CREATE TRIGGER broken BEFORE INSERT ON record WHEN"
		" NEW.number > 2 BEGIN SELECT RAISE(ABORT, 'broken'); END"),
	    SQLITE_OK);
	assert_int_equal(put_batch(r, &batch, &l), JZ_ERR_DATABASE);
	assert_int_equal(l.len, 0);
	assert_true(rig_snapshot(r) == before);
	assert_int_equal(rig_sql(r, "DROP TRIGGER broken"), SQLITE_OK);
	(void)rig_upload(r, &p.payer, &batch);
	assert_int_equal(rig_shadow(r, &p.payer), LOADED - 2 * PRICE);
}

/* ---- OFP-12: traceability ----------------------------------------------- */

struct search {
	struct rig *rig;
	const struct pair *pair;
	struct jz_payment_story story;
	unsigned found;
};

static int
look(const struct jz_payment_story *p, void *arg)
{
	struct search *s = arg;

	if (memcmp(p->payment.payer_id, s->pair->payer.id, JZ_ID_BYTES) != 0)
		return 0;
	s->story = *p;
	s->found++;
	return 0;
}

/* With the two certificates and what the issuer shows, nothing else. */
static void
verify_story(const struct search *s)
{
	const struct jz_payment_story *p = &s->story;
	struct jz_message record = {0}, m;
	struct jz_certificate payer, payee;
	const struct jz_crypto *crypto = s->rig->engine.crypto;

	assert_int_equal(
	    jz_certificate_parse(jz_span(s->pair->payer.certificate,
				     s->pair->payer.certificate_len),
		crypto, &payer),
	    0);
	assert_int_equal(
	    jz_certificate_parse(jz_span(s->pair->payee.certificate,
				     s->pair->payee.certificate_len),
		crypto, &payee),
	    0);
	record.payment = p->payment;
	record.payer_record = p->payer_record;
	record.payer_time = p->payer_time;
	record.payee_record = p->payee_record;
	record.payee_time = p->payee_time;
	memcpy(record.payer_signature, p->payer_signature, JZ_SIGNATURE_BYTES);
	memcpy(record.payee_signature, p->payee_signature, JZ_SIGNATURE_BYTES);
	m = fakecard_completion_of(&record);
	assert_int_equal(
	    jz_message_verify(&s->rig->engine, &m, payer.public_key), 0);
	m = p->from_payee ? fakecard_receipt_of(&s->rig->engine, &record)
			  : fakecard_confirmation_of(&record);
	assert_int_equal(
	    jz_message_verify(&s->rig->engine, &m, payee.public_key), 0);
	assert_memory_equal(p->payment.payer_id, payer.holder, JZ_ID_BYTES);
	assert_memory_equal(p->payment.payee_id, payee.holder, JZ_ID_BYTES);
	assert_int_equal(p->payment.amount, PRICE);
	assert_int_equal(p->payment.currency, RIG_CURRENCY);
	assert_int_equal(p->payment.time, s->pair->payee.now);
}

/* OFP-12: from either side's upload alone, and from both. */
static void
trace_from(struct rig *r, bool payer, bool payee)
{
	struct search s = {.rig = r};
	struct pair p;

	make_pair(r, &p);
	fakecard_pay(&p.payer, &p.payee, PRICE);
	if (payer)
		rig_settle(r, &p.payer);
	if (payee)
		rig_settle(r, &p.payee);
	s.pair = &p;
	assert_int_equal(jz_issuer_each_payment(r->issuer, look, &s), 0);
	assert_int_equal(s.found, 1);
	assert_int_equal(s.story.from_payer, payer);
	assert_int_equal(s.story.from_payee, payee);
	assert_int_equal(s.story.payer_time, p.payer.now + 1);
	assert_int_equal(s.story.payee_time, payee ? p.payee.now + 2 : 0);
	verify_story(&s);
}

static void
test_traced_from_the_payer(void **state)
{
	trace_from(*state, true, false);
}

static void
test_traced_from_the_payee(void **state)
{
	trace_from(*state, false, true);
}

static void
test_traced_from_both(void **state)
{
	trace_from(*state, true, true);
}

static int
stop(const struct jz_payment_story *p, void *arg)
{
	(void)p;
	++*(unsigned *)arg;
	return JZ_ERR_CANCELLED;
}

static void
test_walk_can_be_stopped(void **state)
{
	struct rig *r = *state;
	unsigned n = 0;

	trace_from(r, true, false);
	trace_from(r, true, false);
	assert_int_equal(
	    jz_issuer_each_payment(r->issuer, stop, &n), JZ_ERR_CANCELLED);
	assert_int_equal(n, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_sign_in_is_confirmed, rig_after),
	    cmocka_unit_test_teardown(test_challenges_differ, rig_after),
	    cmocka_unit_test_teardown(test_old_sign_in_is_refused, rig_after),
	    cmocka_unit_test_teardown(test_challenge_serves_once, rig_after),
	    cmocka_unit_test_teardown(
		test_request_leaves_a_session_alone, rig_after),
	    cmocka_unit_test_teardown(test_payer_first, rig_after),
	    cmocka_unit_test_teardown(test_payee_first, rig_after),
	    cmocka_unit_test_teardown(test_many_records_both_ways, rig_after),
	    cmocka_unit_test_teardown(
		test_blocked_and_expired_cards_settle, rig_after),
	    cmocka_unit_test_teardown(test_same_batch_same_answer, rig_after),
	    cmocka_unit_test_teardown(test_overlapping_batch, rig_after),
	    cmocka_unit_test_teardown(
		test_failed_write_changes_nothing, rig_after),
	    cmocka_unit_test_teardown(test_traced_from_the_payer, rig_after),
	    cmocka_unit_test_teardown(test_traced_from_the_payee, rig_after),
	    cmocka_unit_test_teardown(test_traced_from_both, rig_after),
	    cmocka_unit_test_teardown(test_walk_can_be_stopped, rig_after),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
