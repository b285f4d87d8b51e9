/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cancelled loads at the issuer: money goes back against the card's proof and
 * against nothing else, once, and never beside a credit.
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
#define AMOUNT	2500
#define ROUNDS	4

/* A card, one of its requests, and its word that it never executes it. */
struct load {
	struct fakecard card;
	struct jz_message m; /* the request */
	struct letter request, permission, proof;
	int64_t transit; /* before it, of all loads */
};

static void
another_request(struct load *l)
{
	struct jz_message proof;

	l->m = fakecard_load_request(&l->card, AMOUNT);
	l->request = fakecard_sign(&l->card, &l->m);
	proof = fakecard_load_cancel(&l->card, &l->m);
	l->proof = fakecard_sign(&l->card, &proof);
}

static void
requested(struct rig *r, struct load *l)
{
	rig_card(r, &l->card, DEPOSIT);
	l->transit = rig_books(r).transit_load;
	another_request(l);
}

static void
permitted(struct rig *r, struct load *l)
{
	requested(r, l);
	l->permission = rig_permit(r, &l->request);
	assert_int_equal(rig_balance(r, &l->card), DEPOSIT - AMOUNT);
}

/* Where the money is, and that it is nowhere else. */
static void
assert_money(
    struct rig *r, const struct load *l, int64_t transit, int64_t shadow)
{
	struct jz_books b = rig_books(r);

	assert_true(b.balanced);
	assert_int_equal(b.transit_load, l->transit + transit);
	assert_int_equal(rig_shadow(r, &l->card), shadow);
	assert_int_equal(rig_balance(r, &l->card), DEPOSIT - transit - shadow);
}

static void
assert_story(struct rig *r, const struct load *l, enum jz_load_state state,
    uint64_t amount)
{
	struct jz_load_story s;

	assert_int_equal(jz_issuer_load_story(
			     r->issuer, l->card.id, l->m.online_counter, &s),
	    0);
	assert_int_equal(s.state, state);
	assert_int_equal(s.amount_minor, amount);
}

/* ---- money back --------------------------------------------------------- */

/* LOD-7, ALL-2: from transit to the account it came from. */
static void
test_money_goes_back(void **state)
{
	struct rig *r = *state;
	struct fakecard other;
	struct load l;

	rig_card(r, &other, DEPOSIT);
	permitted(r, &l);
	assert_story(r, &l, JZ_LOAD_PERMITTED, AMOUNT);
	assert_int_equal(rig_give_cancel(r, &l.proof), 0);
	assert_money(r, &l, 0, 0);
	assert_int_equal(rig_balance(r, &other), DEPOSIT);
	assert_story(r, &l, JZ_LOAD_CANCELLED, AMOUNT);
}

/* ALL-1: the same proof again moves nothing, in whatever signature. */
static void
test_money_goes_back_once(void **state)
{
	struct rig *r = *state;
	struct jz_message proof;
	struct load l;
	uint64_t before;

	permitted(r, &l);
	assert_int_equal(rig_give_cancel(r, &l.proof), 0);
	before = rig_snapshot(r);
	for (unsigned k = 0; k < ROUNDS; k++) {
		assert_int_equal(rig_give_cancel(r, &l.proof), 0);
		proof = fakecard_load_cancel(&l.card, &l.m);
		l.proof = fakecard_sign(&l.card, &proof);
	}
	jz_issuer_free(&r->issuer);
	r->issuer = rig_open(r);
	assert_int_equal(rig_give_cancel(r, &l.proof), 0);
	assert_true(rig_snapshot(r) == before);
	assert_money(r, &l, 0, 0);
}

/* The card is free for its next load. */
static void
test_next_load_is_a_new_one(void **state)
{
	struct rig *r = *state;
	struct load l;

	permitted(r, &l);
	assert_int_equal(rig_give_cancel(r, &l.proof), 0);
	(void)rig_load(r, &l.card, AMOUNT);
	assert_money(r, &l, 0, AMOUNT);
}

/*
 * LOD-12: the ledger says that it was debited and that it came back; the
 * permission stands beside the cancel, nothing is written over.
 */
static void
test_cancel_is_appended(void **state)
{
	struct rig *r = *state;
	struct load l;
	char sql[256];

	permitted(r, &l);
	assert_int_equal(rig_give_cancel(r, &l.proof), 0);
	snprintf(sql, sizeof(sql),
	    "SELECT COUNT(*) FROM ledger_transaction WHERE reference ="
	    " '%.16s:%u' AND kind IN ('load permitted', 'load cancelled')",
	    (const char *)l.card.id, (unsigned)l.m.online_counter);
	assert_int_equal(rig_number(r, sql), 2);
	snprintf(sql, sizeof(sql),
	    "SELECT COUNT(*) FROM load_permission p JOIN load_cancel x"
	    " ON x.card = p.card AND x.counter = p.counter"
	    " AND x.request_digest = p.request_digest"
	    " WHERE p.card = '%.16s' AND length(x.proof) = %zu",
	    (const char *)l.card.id, l.proof.len);
	assert_int_equal(rig_number(r, sql), 1);
}

/* LOD-7: years alone give nothing back; the proof does, even then. */
static void
test_no_refund_by_time(void **state)
{
	struct rig *r = *state;
	struct load l;

	permitted(r, &l);
	/* Past the end of the card's certificate. */
	r->now += 6 * 366 * RIG_DAY;
	assert_money(r, &l, AMOUNT, 0);
	jz_issuer_free(&r->issuer);
	r->issuer = rig_open(r);
	assert_money(r, &l, AMOUNT, 0);
	assert_int_equal(rig_give_cancel(r, &l.proof), 0);
	assert_money(r, &l, 0, 0);
}

/* A blocked card proves, and a blocked account gets its money back. */
static void
test_blocked_card_and_account(void **state)
{
	struct rig *r = *state;
	struct load l;

	permitted(r, &l);
	assert_int_equal(jz_issuer_block_card(r->issuer, l.card.id, true), 0);
	assert_int_equal(
	    jz_issuer_block_account(r->issuer, l.card.account, true), 0);
	assert_int_equal(rig_give_cancel(r, &l.proof), 0);
	assert_money(r, &l, 0, 0);
}

/* ---- refused ------------------------------------------------------------ */

/* LOD-7: nothing moves without the proof of this card. */
static void
test_bad_proofs(void **state)
{
	struct rig *r = *state;
	struct fakecard thief;
	struct jz_message m;
	struct letter bad;
	struct load l;
	uint64_t before;

	rig_card(r, &thief, 0);
	permitted(r, &l);
	before = rig_snapshot(r);
	bad = l.request;
	rig_refused(r, rig_give_cancel(r, &bad), JZ_REFUSAL_MALFORMED, before);
	bad = l.proof;
	bad.len--;
	rig_refused(r, rig_give_cancel(r, &bad), JZ_REFUSAL_MALFORMED, before);
	bad = l.proof;
	bad.data[bad.len - 1] ^= 1;
	rig_refused(r, rig_give_cancel(r, &bad), JZ_REFUSAL_SIGNATURE, before);
	m = fakecard_load_cancel(&thief, &l.m);
	bad = fakecard_sign(&thief, &m);
	rig_refused(r, rig_give_cancel(r, &bad), JZ_REFUSAL_SIGNATURE, before);
	memcpy(m.card_id, "CN99999999900001", JZ_ID_BYTES);
	bad = fakecard_sign(&thief, &m);
	rig_refused(
	    r, rig_give_cancel(r, &bad), JZ_REFUSAL_UNKNOWN_CARD, before);
	assert_money(r, &l, AMOUNT, 0);
}

/*
 * ALL-1: a proof of another request under the same counter: two cards with one
 * key, of which the other may have been credited.
 */
static void
test_proof_of_another_request(void **state)
{
	struct rig *r = *state;
	struct jz_message m;
	struct letter bad;
	struct load l;
	uint64_t before;

	permitted(r, &l);
	m = l.m;
	m.nonce[0] ^= 1;
	m = fakecard_load_cancel(&l.card, &m);
	bad = fakecard_sign(&l.card, &m);
	before = rig_snapshot(r);
	rig_refused(r, rig_give_cancel(r, &bad), JZ_REFUSAL_CONFLICT, before);
	assert_money(r, &l, AMOUNT, 0);
	/* It has burnt nothing: the load's own proof is taken. */
	assert_int_equal(rig_give_cancel(r, &l.proof), 0);
	assert_money(r, &l, 0, 0);
	before = rig_snapshot(r);
	rig_refused(r, rig_give_cancel(r, &bad), JZ_REFUSAL_CONFLICT, before);
}

/* ALL-1: what the card has credited does not come back. */
static void
test_proof_after_the_report(void **state)
{
	struct rig *r = *state;
	struct jz_message m;
	struct letter report;
	struct load l;
	uint64_t before;

	permitted(r, &l);
	m = fakecard_load_report(&l.card, &l.permission);
	report = letter_of(&m);
	assert_int_equal(rig_give_report(r, &report), 0);
	assert_story(r, &l, JZ_LOAD_REPORTED, AMOUNT);
	before = rig_snapshot(r);
	rig_refused(
	    r, rig_give_cancel(r, &l.proof), JZ_REFUSAL_CONFLICT, before);
	assert_money(r, &l, 0, AMOUNT);
}

static void
test_proof_after_the_record(void **state)
{
	struct rig *r = *state;
	struct load l;
	uint64_t before;

	permitted(r, &l);
	(void)fakecard_load_report(&l.card, &l.permission);
	rig_settle(r, &l.card);
	before = rig_snapshot(r);
	rig_refused(
	    r, rig_give_cancel(r, &l.proof), JZ_REFUSAL_CONFLICT, before);
	assert_money(r, &l, 0, AMOUNT);
}

/* ALL-1: nor is a credit booked beside the money that went back. */
static void
test_report_and_record_after_the_proof(void **state)
{
	struct rig *r = *state;
	struct jz_message m;
	struct letter report, batch;
	struct load l;
	uint64_t before;

	permitted(r, &l);
	assert_int_equal(rig_give_cancel(r, &l.proof), 0);
	m = fakecard_load_report(&l.card, &l.permission);
	report = letter_of(&m);
	rig_sign_in(r, &l.card);
	batch = rig_batch(&l.card, 1);
	before = rig_booked(r);
	rig_refused(
	    r, rig_give_report(r, &report), JZ_REFUSAL_CONFLICT, before);
	rig_refused(r, rig_give_batch(r, &batch), JZ_REFUSAL_CONFLICT, before);
	assert_money(r, &l, 0, 0);
	assert_story(r, &l, JZ_LOAD_CANCELLED, AMOUNT);
}

/* LOD-6: a cancelled load's request is not permitted a second time. */
static void
test_request_again_after_the_proof(void **state)
{
	struct rig *r = *state;
	struct load l;
	uint64_t before;

	permitted(r, &l);
	assert_int_equal(rig_give_cancel(r, &l.proof), 0);
	before = rig_snapshot(r);
	rig_refused(
	    r, rig_give_permit(r, &l.request), JZ_REFUSAL_CANCELLED, before);
	assert_money(r, &l, 0, 0);
}

/* ---- a load never seen -------------------------------------------------- */

/* LOD-6, ALL-2: the proof burns the counter: a late request takes nothing. */
static void
test_request_comes_after_the_proof(void **state)
{
	struct rig *r = *state;
	struct jz_message m;
	struct letter other;
	struct load l;
	uint64_t before;

	requested(r, &l);
	assert_story(r, &l, JZ_LOAD_UNKNOWN, 0);
	before = rig_snapshot(r);
	assert_int_equal(rig_give_cancel(r, &l.proof), 0);
	assert_true(rig_snapshot(r) != before);
	assert_story(r, &l, JZ_LOAD_CANCELLED, 0);
	before = rig_snapshot(r);
	assert_int_equal(rig_give_cancel(r, &l.proof), 0);
	rig_refused(
	    r, rig_give_permit(r, &l.request), JZ_REFUSAL_CANCELLED, before);
	/* Whatever else is asked for under this counter. */
	m = l.m;
	m.payment.amount = 1;
	other = fakecard_sign(&l.card, &m);
	rig_refused(
	    r, rig_give_permit(r, &other), JZ_REFUSAL_CANCELLED, before);
	m = fakecard_load_cancel(&l.card, &m);
	other = fakecard_sign(&l.card, &m);
	rig_refused(r, rig_give_cancel(r, &other), JZ_REFUSAL_CONFLICT, before);
	assert_money(r, &l, 0, 0);
	/* The next counter is another load. */
	another_request(&l);
	l.permission = rig_permit(r, &l.request);
	assert_money(r, &l, AMOUNT, 0);
}

/* A request that was refused leaves nothing; its proof moves nothing. */
static void
test_proof_of_a_refused_request(void **state)
{
	struct rig *r = *state;
	struct jz_message m;
	struct letter l;
	struct fakecard c;
	uint64_t before;
	int64_t postings;

	rig_card(r, &c, DEPOSIT);
	m = fakecard_load_request(&c, DEPOSIT + 1);
	l = fakecard_sign(&c, &m);
	before = rig_snapshot(r);
	rig_refused(r, rig_give_permit(r, &l), JZ_REFUSAL_FUNDS, before);
	postings = rig_number(r, "SELECT COUNT(*) FROM ledger_transaction");
	m = fakecard_load_cancel(&c, &m);
	l = fakecard_sign(&c, &m);
	assert_int_equal(rig_give_cancel(r, &l), 0);
	assert_int_equal(
	    rig_number(r, "SELECT COUNT(*) FROM ledger_transaction"), postings);
	assert_int_equal(rig_balance(r, &c), DEPOSIT);
}

/* ---- several at once ---------------------------------------------------- */

struct worker {
	struct jz_issuer *issuer;
	int (*give)(struct jz_issuer *i, struct jz_span bytes);
	struct letter letter;
	int err;
	enum jz_refusal refusal;
	pthread_t thread;
};

static int
ask(struct jz_issuer *i, struct jz_span request)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

	return jz_issuer_load_permit(i, request, &b);
}

static void *
work(void *arg)
{
	struct worker *w = arg;

	w->err = w->give(w->issuer, letter_span(&w->letter));
	w->refusal = jz_issuer_refusal(w->issuer);
	return NULL;
}

static void
run_two(struct worker w[static 2])
{
	for (size_t k = 0; k < 2; k++)
		assert_int_equal(
		    pthread_create(&w[k].thread, NULL, work, &w[k]), 0);
	for (size_t k = 0; k < 2; k++)
		assert_int_equal(pthread_join(w[k].thread, NULL), 0);
}

static void
open_two(struct rig *r, struct worker w[static 2])
{
	for (size_t k = 0; k < 2; k++) {
		memset(&w[k], 0, sizeof(w[k]));
		w[k].issuer = rig_open(r);
		w[k].give = jz_issuer_load_cancel;
	}
}

static void
close_two(struct worker w[static 2])
{
	for (size_t k = 0; k < 2; k++)
		jz_issuer_free(&w[k].issuer);
}

/* ALL-1: one proof through two handles at once: the money goes back once. */
static void
test_one_proof_by_two(void **state)
{
	struct rig *r = *state;
	struct worker w[2];
	struct load l;

	open_two(r, w);
	for (unsigned k = 0; k < ROUNDS; k++) {
		permitted(r, &l);
		w[0].letter = w[1].letter = l.proof;
		run_two(w);
		assert_int_equal(w[0].err, 0);
		assert_int_equal(w[1].err, 0);
		assert_money(r, &l, 0, 0);
	}
	close_two(w);
}

/* ALL-1, ALL-2: proof and report of one load at once: one of them counts. */
static void
test_proof_and_report_by_two(void **state)
{
	struct rig *r = *state;
	struct worker w[2];
	struct jz_message m;
	struct load l;

	open_two(r, w);
	w[1].give = jz_issuer_load_report;
	for (unsigned k = 0; k < ROUNDS; k++) {
		permitted(r, &l);
		w[0].letter = l.proof;
		m = fakecard_load_report(&l.card, &l.permission);
		w[1].letter = letter_of(&m);
		run_two(w);
		assert_int_equal((w[0].err == 0) + (w[1].err == 0), 1);
		assert_int_equal(w[w[0].err == 0].refusal, JZ_REFUSAL_CONFLICT);
		assert_money(r, &l, 0, w[1].err == 0 ? AMOUNT : 0);
	}
	close_two(w);
}

/* ALL-2: proof and request at once: nothing stays in transit either way. */
static void
test_proof_and_request_by_two(void **state)
{
	struct rig *r = *state;
	struct worker w[2];
	struct load l;

	open_two(r, w);
	w[1].give = ask;
	for (unsigned k = 0; k < ROUNDS; k++) {
		requested(r, &l);
		w[0].letter = l.proof;
		w[1].letter = l.request;
		run_two(w);
		assert_int_equal(w[0].err, 0);
		if (w[1].err != 0)
			assert_int_equal(w[1].refusal, JZ_REFUSAL_CANCELLED);
		assert_money(r, &l, 0, 0);
	}
	close_two(w);
}

/* ---- a database that fails ---------------------------------------------- */

/* ALL-3: money back and proof are one commit. */
static void
test_failed_write_changes_nothing(void **state)
{
	static const char *const TABLES[] = {
	    "ledger_transaction", "ledger_entry", "load_cancel"};
	struct rig *r = *state;
	struct load l;
	uint64_t before;
	char sql[128];

	permitted(r, &l);
	before = rig_snapshot(r);
	for (size_t k = 0; k < sizeof(TABLES) / sizeof(TABLES[0]); k++) {
		snprintf(sql, sizeof(sql),
		    "CREATE TRIGGER broken BEFORE INSERT ON %s"
		    " BEGIN SELECT RAISE(ABORT, 'broken'); END",
		    TABLES[k]);
		assert_int_equal(rig_sql(r, sql), SQLITE_OK);
		assert_int_equal(rig_give_cancel(r, &l.proof), JZ_ERR_DATABASE);
		assert_non_null(strstr(jz_issuer_detail(r->issuer), "broken"));
		assert_true(rig_snapshot(r) == before);
		assert_int_equal(rig_sql(r, "DROP TRIGGER broken"), SQLITE_OK);
	}
	assert_int_equal(rig_give_cancel(r, &l.proof), 0);
	assert_money(r, &l, 0, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_money_goes_back, rig_after),
	    cmocka_unit_test_teardown(test_money_goes_back_once, rig_after),
	    cmocka_unit_test_teardown(test_next_load_is_a_new_one, rig_after),
	    cmocka_unit_test_teardown(test_cancel_is_appended, rig_after),
	    cmocka_unit_test_teardown(test_no_refund_by_time, rig_after),
	    cmocka_unit_test_teardown(test_blocked_card_and_account, rig_after),
	    cmocka_unit_test_teardown(test_bad_proofs, rig_after),
	    cmocka_unit_test_teardown(test_proof_of_another_request, rig_after),
	    cmocka_unit_test_teardown(test_proof_after_the_report, rig_after),
	    cmocka_unit_test_teardown(test_proof_after_the_record, rig_after),
	    cmocka_unit_test_teardown(
		test_report_and_record_after_the_proof, rig_after),
	    cmocka_unit_test_teardown(
		test_request_again_after_the_proof, rig_after),
	    cmocka_unit_test_teardown(
		test_request_comes_after_the_proof, rig_after),
	    cmocka_unit_test_teardown(
		test_proof_of_a_refused_request, rig_after),
	    cmocka_unit_test_teardown(test_one_proof_by_two, rig_after),
	    cmocka_unit_test_teardown(test_proof_and_report_by_two, rig_after),
	    cmocka_unit_test_teardown(test_proof_and_request_by_two, rig_after),
	    cmocka_unit_test_teardown(
		test_failed_write_changes_nothing, rig_after),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
