/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unloads at the issuer: the account is credited against the card's proof and
 * nothing else, once, and the answer is the same every time.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../../apdu/error.h"
#include "../../support/issuerrig.h"

#define DEPOSIT 10000
#define LOADED	6000
#define AMOUNT	2500
#define ROUNDS	4

static void
loaded(struct rig *r, struct fakecard *c)
{
	rig_card(r, c, DEPOSIT);
	(void)rig_load(r, c, LOADED);
}

static void
assert_money(struct rig *r, const struct fakecard *c, int64_t on_card)
{
	assert_int_equal(rig_shadow(r, c), on_card);
	assert_int_equal(rig_balance(r, c), DEPOSIT - on_card);
	assert_true(rig_books(r).balanced);
}

/* What the issuer says to a proof. */
static struct letter
bring(struct rig *r, const struct letter *proof)
{
	struct letter l;
	struct jz_buffer b = jz_buffer(l.data, sizeof(l.data));

	assert_int_equal(
	    jz_issuer_unload(r->issuer, letter_span(proof), &b), 0);
	l.len = b.len;
	return l;
}

/* A permission moves nothing and is kept nowhere. */
static void
test_a_permission_moves_nothing(void **state)
{
	struct rig *r = *state;
	struct jz_message request, m;
	struct letter l;
	struct fakecard c;
	uint8_t digest[JZ_DIGEST_BYTES];
	uint64_t before;

	loaded(r, &c);
	before = rig_snapshot(r);
	request = fakecard_unload_request(&c, AMOUNT);
	l = fakecard_sign(&c, &request);
	l = rig_permit_unload(r, &l);
	assert_true(rig_snapshot(r) == before);
	assert_int_equal(
	    jz_message_decode(letter_span(&l), JZ_KIND_UNLOAD_PERMISSION, &m),
	    0);
	assert_int_equal(jz_message_digest(&r->engine, &request, digest), 0);
	assert_memory_equal(m.payment.request_digest, digest, sizeof(digest));
	assert_int_equal(m.online_counter, c.online_counter + 1);
	assert_int_equal(m.payment.amount, AMOUNT);
	assert_int_equal(m.payment.time, r->now);
}

/* ALL-1, LOD-12: credited once, and the same answer to the same proof. */
static void
test_a_proof_credits_once(void **state)
{
	struct rig *r = *state;
	struct letter proof, first, again;
	struct jz_message m;
	struct fakecard c;
	uint64_t before, amount;

	loaded(r, &c);
	proof = rig_debit_card(r, &c, AMOUNT);
	assert_money(r, &c, LOADED);
	first = bring(r, &proof);
	assert_money(r, &c, LOADED - AMOUNT);
	assert_int_equal(jz_message_decode(letter_span(&first),
			     JZ_KIND_UNLOAD_ACKNOWLEDGED, &m),
	    0);
	before = rig_snapshot(r);
	for (unsigned k = 0; k < ROUNDS; k++) {
		jz_issuer_free(&r->issuer);
		r->issuer = rig_open(r);
		again = bring(r, &proof);
		assert_int_equal(again.len, first.len);
		assert_memory_equal(again.data, first.data, first.len);
	}
	assert_true(rig_snapshot(r) == before);
	assert_int_equal(
	    jz_issuer_unloaded(r->issuer, c.id, c.online_counter, &amount), 0);
	assert_int_equal(amount, AMOUNT);
	assert_int_equal(
	    jz_issuer_unloaded(r->issuer, c.id, c.online_counter + 1, &amount),
	    JZ_ERR_NOT_FOUND);
	assert_int_equal(amount, 0);
}

/* Another proof of the same counter: a copied card.  Nothing moves. */
static void
test_a_counter_has_one_proof(void **state)
{
	struct rig *r = *state;
	struct letter proof, other;
	struct fakecard c, copy;
	uint64_t before;

	loaded(r, &c);
	copy = c;
	proof = rig_debit_card(r, &c, AMOUNT);
	other = rig_debit_card(r, &copy, AMOUNT + 1);
	(void)bring(r, &proof);
	before = rig_snapshot(r);
	rig_refused(
	    r, rig_give_unload(r, &other), JZ_REFUSAL_EXISTS_DIFFERENT, before);
	/* In its record neither. */
	rig_sign_in(r, &copy);
	other = rig_batch(&copy, 4);
	assert_int_equal(rig_give_batch(r, &other), JZ_ERR_REFUSED);
	assert_int_equal(jz_issuer_refusal(r->issuer), JZ_REFUSAL_CONFLICT);
	/* Two words of one card about one counter: it is blacklisted. */
	assert_int_equal(
	    jz_issuer_alarm(r->issuer), JZ_INCIDENT_ALTERED_RECORD);
	assert_money(r, &c, LOADED - AMOUNT);
}

/* A counter that a load has had, and the other way round. */
static void
test_a_counter_is_of_one_kind(void **state)
{
	struct rig *r = *state;
	struct letter proof, report, permission;
	struct fakecard c, copy;
	struct jz_message m;
	uint64_t before;

	loaded(r, &c);
	copy = c;
	(void)rig_load(r, &c, 100);
	proof = rig_debit_card(r, &copy, AMOUNT);
	before = rig_snapshot(r);
	rig_refused(r, rig_give_unload(r, &proof), JZ_REFUSAL_CONFLICT, before);
	copy = c;
	proof = rig_debit_card(r, &c, AMOUNT);
	m = fakecard_load_request(&copy, 100);
	report = fakecard_sign(&copy, &m);
	permission = rig_permit(r, &report);
	m = fakecard_load_report(&copy, &permission);
	report = letter_of(&m);
	(void)bring(r, &proof);
	before = rig_snapshot(r);
	rig_refused(
	    r, rig_give_report(r, &report), JZ_REFUSAL_CONFLICT, before);
	assert_int_equal(rig_sql(r,
			     "INSERT INTO load_report SELECT card,"
			     " counter, digest, number, balance,"
			     " signature, time FROM unload"),
	    SQLITE_CONSTRAINT);
}

/* The record in a batch does as well, before the proof and after it. */
static void
test_the_record_does_as_well(void **state)
{
	struct rig *r = *state;
	struct letter proof;
	struct fakecard c;

	loaded(r, &c);
	proof = rig_debit_card(r, &c, AMOUNT);
	rig_settle(r, &c);
	assert_money(r, &c, LOADED - AMOUNT);
	(void)bring(r, &proof);
	assert_money(r, &c, LOADED - AMOUNT);
	proof = rig_debit_card(r, &c, AMOUNT);
	(void)bring(r, &proof);
	rig_settle(r, &c);
	assert_money(r, &c, LOADED - 2 * AMOUNT);
}

/* Money comes back from a card that is blocked, expired, revoked. */
static void
test_from_a_card_that_gets_nothing(void **state)
{
	struct rig *r = *state;
	struct letter proof;
	struct fakecard c;

	loaded(r, &c);
	assert_int_equal(jz_issuer_block_card(r->issuer, c.id, true), 0);
	assert_int_equal(jz_issuer_revoke(r->issuer, c.id, "lost"), 0);
	r->now += 6 * 366 * RIG_DAY;
	proof = rig_debit_card(r, &c, AMOUNT);
	/* The proof of what is done goes to a blocked account, too. */
	assert_int_equal(
	    jz_issuer_block_account(r->issuer, c.account, true), 0);
	(void)bring(r, &proof);
	assert_money(r, &c, LOADED - AMOUNT);
}

enum fault {
	F_MALFORMED,
	F_SUITE,
	F_UNKNOWN,
	F_SIGNATURE,
	F_ACCOUNT,
	F_USER,
	F_ACCOUNT_BLOCKED,
	F_CURRENCY,
	F_AMOUNT,
	F_COUNT,
};

static const enum jz_refusal REFUSALS[F_COUNT] = {JZ_REFUSAL_MALFORMED,
    JZ_REFUSAL_SUITE, JZ_REFUSAL_UNKNOWN_CARD, JZ_REFUSAL_SIGNATURE,
    JZ_REFUSAL_WRONG_ACCOUNT, JZ_REFUSAL_WRONG_USER, JZ_REFUSAL_ACCOUNT_BLOCKED,
    JZ_REFUSAL_CURRENCY, JZ_REFUSAL_AMOUNT};

static struct letter
faulty(struct rig *r, const struct fakecard *c, enum fault f)
{
	struct jz_message m = fakecard_unload_request(c, AMOUNT);
	struct letter l;

	if (f == F_SUITE)
		m.algorithm ^= 3;
	if (f == F_UNKNOWN)
		memcpy(m.card_id, "CN99999999900001", JZ_ID_BYTES);
	if (f == F_ACCOUNT)
		m.account = jz_span("other", 5);
	if (f == F_USER)
		m.identity = jz_span("other", 5);
	if (f == F_CURRENCY)
		m.payment.currency = 840;
	if (f == F_AMOUNT)
		m.payment.amount = 0;
	l = fakecard_sign(c, &m);
	if (f == F_SIGNATURE)
		l.data[l.len - 1] ^= 1;
	if (f == F_MALFORMED)
		l.len--;
	assert_int_equal(jz_issuer_block_account(
			     r->issuer, c->account, f == F_ACCOUNT_BLOCKED),
	    0);
	return l;
}

static void
test_requests_refused(void **state)
{
	struct rig *r = *state;
	struct fakecard c;

	loaded(r, &c);
	for (unsigned f = 0; f < F_COUNT; f++) {
		struct letter l = faulty(r, &c, (enum fault)f);
		uint64_t before = rig_snapshot(r);

		rig_refused(
		    r, rig_give_unload_request(r, &l), REFUSALS[f], before);
	}
	/* And every bit of it. */
	{
		struct letter l = faulty(r, &c, F_COUNT);

		for (size_t bit = 0; bit < 8 * l.len; bit++) {
			l.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_equal(
			    rig_give_unload_request(r, &l), JZ_ERR_REFUSED);
			l.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		assert_int_equal(rig_give_unload_request(r, &l), 0);
	}
}

static void
test_proofs_refused(void **state)
{
	struct rig *r = *state;
	struct letter proof, bad;
	struct jz_message m;
	struct fakecard c;
	uint64_t before;

	loaded(r, &c);
	proof = rig_debit_card(r, &c, AMOUNT);
	before = rig_snapshot(r);
	bad = proof;
	bad.len--;
	rig_refused(r, rig_give_unload(r, &bad), JZ_REFUSAL_MALFORMED, before);
	for (size_t bit = 0; bit < 8 * proof.len; bit++) {
		bad = proof;
		bad.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(rig_give_unload(r, &bad), JZ_ERR_REFUSED);
	}
	assert_true(rig_snapshot(r) == before);
	assert_int_equal(
	    jz_message_decode(letter_span(&proof), JZ_KIND_UNLOAD_PROOF, &m),
	    0);
	/* A report of a load is no proof of an unload. */
	m.kind = JZ_KIND_LOAD_REPORT;
	bad = letter_of(&m);
	rig_refused(r, rig_give_unload(r, &bad), JZ_REFUSAL_MALFORMED, before);
	m.kind = JZ_KIND_UNLOAD_PROOF;
	bad = letter_of(&m);
	bad.data[bad.len - 1] ^= 1;
	rig_refused(r, rig_give_unload(r, &bad), JZ_REFUSAL_SIGNATURE, before);
	m.payment.currency = 840;
	bad = fakecard_sign(&c, &m);
	rig_refused(r, rig_give_unload(r, &bad), JZ_REFUSAL_CURRENCY, before);
	(void)bring(r, &proof);
	assert_money(r, &c, LOADED - AMOUNT);
}

/* ---- several at once ---------------------------------------------------- */

struct worker {
	struct jz_issuer *issuer;
	const struct letter *proof;
	struct letter answer;
	int err;
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct jz_buffer b = jz_buffer(w->answer.data, sizeof(w->answer.data));

	w->err = jz_issuer_unload(w->issuer, letter_span(w->proof), &b);
	w->answer.len = b.len;
	return NULL;
}

static void
test_one_proof_by_many(void **state)
{
	struct rig *r = *state;
	struct worker w[ROUNDS];
	pthread_t thread[ROUNDS];
	struct letter proof;
	struct fakecard c;

	loaded(r, &c);
	proof = rig_debit_card(r, &c, AMOUNT);
	for (unsigned k = 0; k < ROUNDS; k++) {
		w[k].issuer = rig_open(r);
		w[k].proof = &proof;
		assert_int_equal(
		    pthread_create(&thread[k], NULL, work, &w[k]), 0);
	}
	for (unsigned k = 0; k < ROUNDS; k++) {
		assert_int_equal(pthread_join(thread[k], NULL), 0);
		assert_int_equal(w[k].err, 0);
		assert_int_equal(w[k].answer.len, w[0].answer.len);
		assert_memory_equal(
		    w[k].answer.data, w[0].answer.data, w[0].answer.len);
		jz_issuer_free(&w[k].issuer);
	}
	assert_money(r, &c, LOADED - AMOUNT);
}

/* L8: the books say it when an unload and its credit do not go together. */
static void
test_the_audit(void **state)
{
	struct rig *r = *state;
	struct letter proof;
	struct fakecard c;
	struct jz_books b;

	loaded(r, &c);
	proof = rig_debit_card(r, &c, AMOUNT);
	(void)bring(r, &proof);
	assert_true(rig_books(r).balanced);
	assert_int_equal(
	    rig_sql(r, "UPDATE unload SET amount = 1"), SQLITE_CONSTRAINT);
	assert_int_equal(rig_sql(r, "DELETE FROM unload"), SQLITE_CONSTRAINT);
	assert_int_equal(rig_sql(r,
			     "DROP TRIGGER unload_no_update;"
			     "UPDATE unload SET amount = amount + 1"),
	    SQLITE_OK);
	assert_int_equal(jz_issuer_books(r->issuer, &b), 0);
	assert_false(b.balanced);
	assert_non_null(strstr(jz_issuer_detail(r->issuer), "(L8)"));
	assert_int_equal(
	    rig_sql(r,
		"UPDATE unload SET amount = amount - 1;"
		"CREATE TRIGGER unload_no_update BEFORE UPDATE ON unload"
		" BEGIN SELECT RAISE(ABORT, 'unload is append-only'); END;"),
	    SQLITE_OK);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, NULL, rig_after)
	const struct CMUnitTest tests[] = {
	    T(test_a_permission_moves_nothing),
	    T(test_a_proof_credits_once),
	    T(test_a_counter_has_one_proof),
	    T(test_a_counter_is_of_one_kind),
	    T(test_the_record_does_as_well),
	    T(test_from_a_card_that_gets_nothing),
	    T(test_requests_refused),
	    T(test_proofs_refused),
	    T(test_one_proof_by_many),
	    T(test_the_audit),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
