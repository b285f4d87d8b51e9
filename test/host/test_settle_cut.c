/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settlement of more records than a batch holds, cut off at each message to the
 * card, before and after it, and at each record that the issuer writes: the same
 * again finishes it, and everything is posted once.
 *
 * proves: OFP-10, ALL-1, ALL-2, ALL-3
 */
#include "../support/tornrig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../apdu/error.h"

#define LOADED	 100000
#define PRICE	 10
#define PAYMENTS (2 * JZ_BATCH_RECORDS + 2)

static const struct jz_terms TERMS = {
    .amount_minor = PRICE, .currency = TORN_CNY, .time = 1769903999};

static void
new_world(struct world *w)
{
	memset(w, 0, sizeof(*w));
	world_new(w);
	assert_int_equal(world_personalise(w, &w->alice, "alice"), 0);
	assert_int_equal(world_personalise(w, &w->bob, "bob"), 0);
	assert_int_equal(world_load(w, &w->alice, LOADED), 0);
	world_assert_settled(w);
}

static void
pay_many(struct world *w)
{
	struct jz_pay_result r;
	unsigned tries;

	for (unsigned k = 0; k < PAYMENTS; k++) {
		assert_int_equal(jz_purse_select(&w->bob.session), 0);
		assert_int_equal(jz_purse_select(&w->alice.session), 0);
		assert_int_equal(
		    jz_purse_verify_pin(&w->alice.session, TORN_PIN, &tries),
		    0);
		assert_int_equal(jz_pay(&w->alice.session, &w->bob.session,
				     &TERMS, &r, NULL, NULL),
		    0);
	}
}

static void
run_sql(const struct world *w, const char *sql)
{
	char path[96];
	sqlite3 *db = NULL;

	snprintf(path, sizeof(path), "%s/issuer.db", w->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int64_t
count(const struct world *w, const char *sql)
{
	char path[96];
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	int64_t n;

	snprintf(path, sizeof(path), "%s/issuer.db", w->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return n;
}

/* Every payment so far, once from each side. */
static void
check_all_posted(struct world *w, int64_t payments)
{
	world_assert_settled(w);
	assert_int_equal(count(w, "SELECT COUNT(*) FROM payment"), payments);
	assert_int_equal(
	    count(w, "SELECT COUNT(*) FROM payment_side"), 2 * payments);
	assert_int_equal(count(w,
			     "SELECT COUNT(*) FROM ledger_transaction"
			     " WHERE kind IN ('paid', 'received')"),
	    2 * payments);
	assert_int_equal(count(w, "SELECT COUNT(*) FROM incident"), 0);
}

/* Another process: the issuer is opened anew, the card selected. */
static void
start_again(struct world *w, struct torn *t)
{
	jz_issuer_free(&w->issuer);
	assert_int_equal(
	    jz_issuer_open(w->dir, torn_passphrase(), &w->issuer), 0);
	assert_int_equal(jz_purse_select(&t->session), 0);
}

static void
test_cut_at_each_message(void **state)
{
	struct jz_settle_result r;
	struct world w;
	int64_t payments = 0;
	bool cut = true;
	unsigned n;

	(void)state;
	new_world(&w);
	for (n = 1; cut && n < TORN_CUTS_MAX; n++) {
		struct torn *t = n % 2 == 0 ? &w.alice : &w.bob;

		pay_many(&w);
		payments += PAYMENTS;
		for (unsigned after = 0; after < 2; after++) {
			uint64_t balance = torn_balance(t);

			torn_cut_at(t, n, after != 0);
			(void)jz_settle(&t->session, w.issuer, &r);
			cut = torn_was_cut(t);
			/* No balance on a card changes by it. */
			assert_int_equal(torn_balance(t), balance);
			(void)world_books(&w);
			if (n % 8 == 0)
				start_again(&w, t);
		}
		check_all_posted(&w, payments);
	}
	assert_true(n > 8 && n < TORN_CUTS_MAX);
	world_free(&w);
}

static void
test_cut_at_each_record(void **state)
{
	struct jz_settle_result r;
	struct world w;
	char sql[160];

	(void)state;
	new_world(&w);
	pay_many(&w);
	/* Alice's records are 2 to PAYMENTS + 1; each cannot be written once,
	 * then it can. */
	for (unsigned k = 0; k < PAYMENTS; k++) {
		snprintf(sql, sizeof(sql),
		    "CREATE TRIGGER broken BEFORE INSERT ON record WHEN"
		    " NEW.number = %u BEGIN SELECT RAISE(ABORT, 'cut'); END",
		    k + 2);
		run_sql(&w, sql);
		assert_int_equal(jz_purse_select(&w.alice.session), 0);
		/* Whole batches are posted, or nothing of one. */
		assert_int_equal(
		    jz_settle(&w.alice.session, w.issuer, &r), JZ_ERR_DATABASE);
		assert_int_equal(count(&w, "SELECT (COUNT(*) - 1) FROM record"),
		    k / JZ_BATCH_RECORDS * JZ_BATCH_RECORDS);
		(void)world_books(&w);
		run_sql(&w, "DROP TRIGGER broken");
	}
	assert_int_equal(jz_purse_select(&w.alice.session), 0);
	assert_int_equal(jz_settle(&w.alice.session, w.issuer, &r), 0);
	check_all_posted(&w, PAYMENTS);
	/* Once more there is nothing. */
	assert_int_equal(jz_settle(&w.alice.session, w.issuer, &r), 0);
	assert_int_equal(r.records, 0);
	check_all_posted(&w, PAYMENTS);
	world_free(&w);
}

static void
test_more_than_one_batch(void **state)
{
	struct jz_settle_result r;
	struct world w;

	(void)state;
	new_world(&w);
	pay_many(&w);
	assert_int_equal(jz_purse_select(&w.bob.session), 0);
	assert_int_equal(jz_settle(&w.bob.session, w.issuer, &r), 0);
	assert_int_equal(r.records, PAYMENTS);
	assert_int_equal(
	    r.batches, (PAYMENTS + JZ_BATCH_RECORDS - 1) / JZ_BATCH_RECORDS);
	check_all_posted(&w, PAYMENTS);
	world_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_more_than_one_batch),
	    cmocka_unit_test(test_cut_at_each_message),
	    cmocka_unit_test(test_cut_at_each_record),
	};

	return cmocka_run_group_tests_name(
	    "settlement cut off", tests, NULL, NULL);
}
