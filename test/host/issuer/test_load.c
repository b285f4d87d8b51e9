/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads at the issuer: one debit, one permission, one credit of the shadow,
 * whatever is lost, repeated or done at once.
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

/* LOD-5: verified, debited, logged; the permission is the host's. */
static void
test_permission(void **state)
{
	struct rig *r = *state;
	struct jz_message m, p;
	struct jz_certificate host;
	struct letter request, permission;
	struct jz_books before, after;
	struct fakecard c;
	uint8_t digest[JZ_DIGEST_BYTES];

	rig_card(r, &c, DEPOSIT);
	before = rig_books(r);
	m = fakecard_load_request(&c, AMOUNT);
	request = fakecard_sign(&c, &m);
	permission = rig_permit(r, &request);
	after = rig_books(r);
	assert_int_equal(jz_message_decode(letter_span(&permission),
			     JZ_KIND_LOAD_PERMISSION, &p),
	    0);
	assert_int_equal(jz_certificate_parse(jz_issuer_host(r->issuer),
			     r->engine.crypto, &host),
	    0);
	assert_int_equal(jz_message_verify(&r->engine, &p, host.public_key), 0);
	assert_int_equal(jz_message_digest(&r->engine, &m, digest), 0);
	assert_memory_equal(p.payment.request_digest, digest, sizeof(digest));
	assert_memory_equal(p.card_id, c.id, JZ_ID_BYTES);
	assert_memory_equal(p.host_id, host.holder, JZ_ID_BYTES);
	assert_int_equal(p.online_counter, m.online_counter);
	assert_int_equal(p.payment.amount, AMOUNT);
	assert_int_equal(p.payment.currency, RIG_CURRENCY);
	assert_int_equal(p.payment.time, r->now);
	assert_int_equal(rig_balance(r, &c), DEPOSIT - AMOUNT);
	assert_int_equal(rig_shadow(r, &c), 0);
	assert_int_equal(after.transit_load - before.transit_load, AMOUNT);
	assert_int_equal(after.cash, before.cash);
}

/* LOD-4: the transaction time informs only; the server's governs. */
static void
test_the_servers_time_governs(void **state)
{
	struct rig *r = *state;
	struct jz_message m, p;
	struct letter request, permission;
	struct fakecard c;

	rig_card(r, &c, DEPOSIT);
	m = fakecard_load_request(&c, AMOUNT);
	m.payment.time = 1;
	request = fakecard_sign(&c, &m);
	r->now += 5;
	permission = rig_permit(r, &request);
	assert_int_equal(jz_message_decode(letter_span(&permission),
			     JZ_KIND_LOAD_PERMISSION, &p),
	    0);
	assert_int_equal(p.payment.time, r->now);
}

/* ALL-1: the same request gives the same permission, and no second debit. */
static void
test_same_request_same_permission(void **state)
{
	struct rig *r = *state;
	struct letter request, first, again;
	struct jz_message m;
	struct fakecard c;
	uint64_t before;

	rig_card(r, &c, DEPOSIT);
	m = fakecard_load_request(&c, AMOUNT);
	request = fakecard_sign(&c, &m);
	first = rig_permit(r, &request);
	before = rig_snapshot(r);
	r->now += 60;
	again = rig_permit(r, &request);
	assert_int_equal(again.len, first.len);
	assert_memory_equal(again.data, first.data, first.len);
	/* Another signature over the same request is the same request. */
	request = fakecard_sign(&c, &m);
	again = rig_permit(r, &request);
	assert_memory_equal(again.data, first.data, first.len);
	assert_true(rig_snapshot(r) == before);
	assert_int_equal(rig_balance(r, &c), DEPOSIT - AMOUNT);
}

static void
test_same_permission_after_reopening(void **state)
{
	struct rig *r = *state;
	struct letter request, first, again;
	struct jz_message m;
	struct fakecard c;

	rig_card(r, &c, DEPOSIT);
	m = fakecard_load_request(&c, AMOUNT);
	request = fakecard_sign(&c, &m);
	first = rig_permit(r, &request);
	jz_issuer_free(&r->issuer);
	r->issuer = rig_open(r);
	again = rig_permit(r, &request);
	assert_int_equal(again.len, first.len);
	assert_memory_equal(again.data, first.data, first.len);
	assert_int_equal(rig_balance(r, &c), DEPOSIT - AMOUNT);
}

/* LOD-7, LOD-12: one credit of the shadow for a report, however often. */
static void
test_report_books_once(void **state)
{
	struct rig *r = *state;
	struct letter report;
	struct fakecard c;
	uint64_t before;

	rig_card(r, &c, DEPOSIT);
	report = rig_load(r, &c, AMOUNT);
	assert_int_equal(rig_shadow(r, &c), AMOUNT);
	before = rig_snapshot(r);
	for (unsigned k = 0; k < ROUNDS; k++)
		assert_int_equal(
		    jz_issuer_load_report(r->issuer, letter_span(&report)), 0);
	assert_true(rig_snapshot(r) == before);
	assert_int_equal(rig_shadow(r, &c), AMOUNT);
	assert_int_equal(rig_balance(r, &c), DEPOSIT - AMOUNT);
}

/* LOD-7: a missing or bad report never refunds, whatever time passes. */
static void
test_no_refund_by_time(void **state)
{
	struct rig *r = *state;
	struct jz_books before, after;
	struct letter request, permission, report, bad;
	struct jz_message m;
	struct fakecard c;
	uint64_t snapshot;

	rig_card(r, &c, DEPOSIT);
	m = fakecard_load_request(&c, AMOUNT);
	request = fakecard_sign(&c, &m);
	before = rig_books(r);
	permission = rig_permit(r, &request);
	m = fakecard_load_report(&c, &permission);
	report = letter_of(&m);
	bad = report;
	bad.data[bad.len - 1] ^= 1;
	snapshot = rig_snapshot(r);
	/* Past the end of the card's certificate. */
	r->now += 6 * 366 * RIG_DAY;
	rig_refused(r, jz_issuer_load_report(r->issuer, letter_span(&bad)),
	    JZ_REFUSAL_SIGNATURE, snapshot);
	after = rig_books(r);
	assert_int_equal(after.transit_load - before.transit_load, AMOUNT);
	assert_int_equal(rig_balance(r, &c), DEPOSIT - AMOUNT);
	/* The credit has happened: it is booked all the same. */
	assert_int_equal(jz_issuer_block_card(r->issuer, c.id, true), 0);
	assert_int_equal(
	    jz_issuer_load_report(r->issuer, letter_span(&report)), 0);
	assert_int_equal(rig_shadow(r, &c), AMOUNT);
}

/* LOD-12: a lost report is made up for by the record in settlement. */
static void
test_record_stands_in_for_the_report(void **state)
{
	struct rig *r = *state;
	struct letter request, permission, report;
	struct jz_message m;
	struct fakecard c;
	uint64_t before;

	rig_card(r, &c, DEPOSIT);
	m = fakecard_load_request(&c, AMOUNT);
	request = fakecard_sign(&c, &m);
	permission = rig_permit(r, &request);
	m = fakecard_load_report(&c, &permission);
	report = letter_of(&m);
	assert_int_equal(rig_shadow(r, &c), 0);
	rig_settle(r, &c);
	assert_int_equal(rig_shadow(r, &c), AMOUNT);
	/* The report itself, late, books nothing more. */
	before = rig_snapshot(r);
	assert_int_equal(
	    jz_issuer_load_report(r->issuer, letter_span(&report)), 0);
	assert_true(rig_snapshot(r) == before);
}

/* LOD-12: and a record after its report books nothing. */
static void
test_record_after_the_report(void **state)
{
	struct rig *r = *state;
	struct fakecard c;
	int64_t postings;

	rig_card(r, &c, DEPOSIT);
	(void)rig_load(r, &c, AMOUNT);
	(void)rig_load(r, &c, AMOUNT);
	postings = rig_number(r, "SELECT COUNT(*) FROM ledger_transaction");
	rig_settle(r, &c);
	assert_int_equal(
	    rig_number(r, "SELECT COUNT(*) FROM ledger_transaction"), postings);
	assert_int_equal(rig_shadow(r, &c), 2 * AMOUNT);
}

static void
test_whole_account_can_be_loaded(void **state)
{
	struct rig *r = *state;
	struct fakecard c;

	rig_card(r, &c, AMOUNT);
	(void)rig_load(r, &c, AMOUNT);
	assert_int_equal(rig_balance(r, &c), 0);
	assert_int_equal(rig_shadow(r, &c), AMOUNT);
}

/* ---- several at once ---------------------------------------------------- */

struct worker {
	struct jz_issuer *issuer;
	struct letter request, permission;
	int err;
	enum jz_refusal refusal;
	pthread_t thread;
};

static void *
ask(void *arg)
{
	struct worker *w = arg;
	struct jz_buffer b =
	    jz_buffer(w->permission.data, sizeof(w->permission.data));

	w->err = jz_issuer_load_permit(w->issuer, letter_span(&w->request), &b);
	w->permission.len = b.len;
	w->refusal = jz_issuer_refusal(w->issuer);
	return NULL;
}

static void
run(struct worker *w, size_t n)
{
	for (size_t k = 0; k < n; k++)
		assert_int_equal(
		    pthread_create(&w[k].thread, NULL, ask, &w[k]), 0);
	for (size_t k = 0; k < n; k++)
		assert_int_equal(pthread_join(w[k].thread, NULL), 0);
}

/* ALL-1: one request through two handles at once: one debit, one answer. */
static void
test_one_request_by_two(void **state)
{
	struct rig *r = *state;
	struct worker w[2];
	struct jz_message m;
	struct fakecard c;

	rig_card(r, &c, DEPOSIT);
	for (size_t k = 0; k < 2; k++)
		w[k].issuer = rig_open(r);
	for (int64_t k = 1; k <= ROUNDS; k++) {
		m = fakecard_load_request(&c, AMOUNT);
		w[0].request = w[1].request = fakecard_sign(&c, &m);
		run(w, 2);
		assert_int_equal(w[0].err, 0);
		assert_int_equal(w[1].err, 0);
		assert_int_equal(w[0].permission.len, w[1].permission.len);
		assert_memory_equal(w[0].permission.data, w[1].permission.data,
		    w[0].permission.len);
		assert_int_equal(rig_balance(r, &c), DEPOSIT - k * AMOUNT);
	}
	for (size_t k = 0; k < 2; k++)
		jz_issuer_free(&w[k].issuer);
}

/* ALL-1: two requests for the last money: one gets it. */
static void
test_last_money_by_two(void **state)
{
	struct rig *r = *state;
	struct worker w[2];
	struct jz_message m;
	struct fakecard c;

	rig_card(r, &c, AMOUNT + AMOUNT / 2);
	for (size_t k = 0; k < 2; k++) {
		w[k].issuer = rig_open(r);
		m = fakecard_load_request(&c, AMOUNT);
		w[k].request = fakecard_sign(&c, &m);
	}
	run(w, 2);
	assert_int_equal((w[0].err == 0) + (w[1].err == 0), 1);
	assert_int_equal(w[w[0].err == 0].refusal, JZ_REFUSAL_FUNDS);
	assert_int_equal(rig_balance(r, &c), AMOUNT / 2);
	for (size_t k = 0; k < 2; k++)
		jz_issuer_free(&w[k].issuer);
}

/* ---- a database that fails ---------------------------------------------- */

/*
 * ALL-3: the debit, the request and its permission are one commit: when any of
 * the writes fails, none has happened, and the next try succeeds.
 */
static void
test_failed_write_changes_nothing(void **state)
{
	static const char *const TABLES[] = {
	    "ledger_transaction", "ledger_entry", "load_permission"};
	struct rig *r = *state;
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct letter request;
	struct jz_message m;
	struct fakecard c;
	uint64_t before;
	char sql[128];

	rig_card(r, &c, DEPOSIT);
	m = fakecard_load_request(&c, AMOUNT);
	request = fakecard_sign(&c, &m);
	before = rig_snapshot(r);
	for (size_t k = 0; k < sizeof(TABLES) / sizeof(TABLES[0]); k++) {
		struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

		snprintf(sql, sizeof(sql),
		    "CREATE TRIGGER broken BEFORE INSERT ON %s"
		    " BEGIN SELECT RAISE(ABORT, 'broken'); END",
		    TABLES[k]);
		assert_int_equal(rig_sql(r, sql), SQLITE_OK);
		assert_int_equal(
		    jz_issuer_load_permit(r->issuer, letter_span(&request), &b),
		    JZ_ERR_DATABASE);
		assert_non_null(strstr(jz_issuer_detail(r->issuer), "broken"));
		assert_int_equal(b.len, 0);
		assert_true(rig_snapshot(r) == before);
		assert_int_equal(rig_sql(r, "DROP TRIGGER broken"), SQLITE_OK);
	}
	(void)rig_permit(r, &request);
	assert_string_equal(jz_issuer_detail(r->issuer), "");
	assert_int_equal(rig_balance(r, &c), DEPOSIT - AMOUNT);
}

static void
test_no_room_for_the_permission(void **state)
{
	struct rig *r = *state;
	uint8_t bytes[40];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct letter request;
	struct jz_message m;
	struct fakecard c;
	uint64_t before;

	rig_card(r, &c, DEPOSIT);
	m = fakecard_load_request(&c, AMOUNT);
	request = fakecard_sign(&c, &m);
	before = rig_snapshot(r);
	assert_int_equal(
	    jz_issuer_load_permit(r->issuer, letter_span(&request), &b),
	    JZ_ERR_SPACE);
	assert_true(rig_snapshot(r) == before);
}

/* LOD-1: a certificate that was altered in the database speaks for nobody. */
static void
test_altered_certificate(void **state)
{
	struct rig *r = *state;
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct fakecard c, thief;
	struct letter request;
	struct jz_message m;
	char sql[256];

	rig_card(r, &c, DEPOSIT);
	rig_card(r, &thief, 0);
	/* The thief's certificate in the place of the card's. */
	snprintf(sql, sizeof(sql),
	    "DROP TRIGGER card_only_blocked; UPDATE card SET certificate ="
	    " (SELECT certificate FROM card WHERE id = '%.16s')"
	    " WHERE id = '%.16s'",
	    (const char *)thief.id, (const char *)c.id);
	assert_int_equal(rig_sql(r, sql), SQLITE_OK);
	m = fakecard_load_request(&c, AMOUNT);
	request = fakecard_sign(&thief, &m);
	assert_int_equal(
	    jz_issuer_load_permit(r->issuer, letter_span(&request), &b),
	    JZ_ERR_CERT_FORGED);
	assert_int_equal(rig_balance(r, &c), DEPOSIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_permission, rig_after),
	    cmocka_unit_test_teardown(test_the_servers_time_governs, rig_after),
	    cmocka_unit_test_teardown(
		test_same_request_same_permission, rig_after),
	    cmocka_unit_test_teardown(
		test_same_permission_after_reopening, rig_after),
	    cmocka_unit_test_teardown(test_report_books_once, rig_after),
	    cmocka_unit_test_teardown(test_no_refund_by_time, rig_after),
	    cmocka_unit_test_teardown(
		test_record_stands_in_for_the_report, rig_after),
	    cmocka_unit_test_teardown(test_record_after_the_report, rig_after),
	    cmocka_unit_test_teardown(
		test_whole_account_can_be_loaded, rig_after),
	    cmocka_unit_test_teardown(test_one_request_by_two, rig_after),
	    cmocka_unit_test_teardown(test_last_money_by_two, rig_after),
	    cmocka_unit_test_teardown(
		test_failed_write_changes_nothing, rig_after),
	    cmocka_unit_test_teardown(
		test_no_room_for_the_permission, rig_after),
	    cmocka_unit_test_teardown(test_altered_certificate, rig_after),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
