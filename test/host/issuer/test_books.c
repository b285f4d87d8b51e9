/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ALL-1, ALL-2: what was brought in is always somewhere, every transaction
 * sums to zero, and who alters what has happened is refused or found out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../../apdu/error.h"
#include "../../support/issuerrig.h"

#define CARDS	4
#define STEPS	120
#define DEPOSIT 100000

/* A small generator, so that a run can be done again from its seed. */
static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* One thing that happens, complete or cut off half-way. */
static void
happen(struct rig *r, struct fakecard *cards, uint32_t *seed)
{
	struct fakecard *a = &cards[next_random(seed) % CARDS];
	struct fakecard *b = &cards[next_random(seed) % CARDS];
	uint32_t amount = 1 + next_random(seed) % 500;
	struct letter request;
	struct jz_message m;

	switch (next_random(seed) % 8) {
	case 0:
		assert_int_equal(
		    jz_issuer_deposit(r->issuer, a->account, amount), 0);
		break;
	case 1:
		(void)rig_load(r, a, amount);
		break;
	case 2: /* the card never hears of the permission */
		m = fakecard_load_request(a, amount);
		request = fakecard_sign(a, &m);
		(void)rig_permit(r, &request);
		break;
	case 3: /* the report is lost */
		m = fakecard_load_request(a, amount);
		request = fakecard_sign(a, &m);
		request = rig_permit(r, &request);
		(void)fakecard_load_report(a, &request);
		break;
	case 4: /* cancelled, permitted or never seen */
	case 5:
		m = fakecard_load_request(a, amount);
		request = fakecard_sign(a, &m);
		if (amount % 2 == 0)
			(void)rig_permit(r, &request);
		m = fakecard_load_cancel(a, &m);
		request = fakecard_sign(a, &m);
		assert_int_equal(rig_give_cancel(r, &request), 0);
		break;
	case 6:
		if (a != b && a->balance >= amount)
			fakecard_pay(a, b, amount);
		break;
	default:
		rig_settle(r, a);
		break;
	}
	if (a->next_record - a->first_unsettled > FAKECARD_RECORDS / 2)
		rig_settle(r, a);
	if (b->next_record - b->first_unsettled > FAKECARD_RECORDS / 2)
		rig_settle(r, b);
}

/* ALL-1, ALL-2 after each of many steps. */
static void
test_books_balance_at_every_step(void **state)
{
	struct rig *r = *state;
	struct fakecard cards[CARDS];
	uint32_t seed = 20240607;

	for (unsigned k = 0; k < CARDS; k++)
		rig_card(r, &cards[k], DEPOSIT);
	for (unsigned k = 0; k < STEPS; k++) {
		struct jz_books b;

		happen(r, cards, &seed);
		b = rig_books(r);
		assert_true(b.balanced);
		assert_int_equal(b.cash,
		    b.accounts + b.cards + b.transit_load + b.transit_payment);
	}
	for (unsigned k = 0; k < CARDS; k++)
		rig_settle(r, &cards[k]);
	/* All uploaded: nobody waits for a payment, the shadows are true. */
	assert_int_equal(rig_books(r).transit_payment, 0);
	for (unsigned k = 0; k < CARDS; k++)
		assert_int_equal(rig_shadow(r, &cards[k]), cards[k].balance);
}

/* ---- every account ------------------------------------------------------ */

struct walk {
	char last[128];
	int64_t sum;
	unsigned n, stop_at;
	bool cash, load, payment;
};

static int
visit(const char *name, int64_t balance, void *arg)
{
	struct walk *w = arg;

	assert_true(strcmp(w->last, name) < 0);
	snprintf(w->last, sizeof(w->last), "%s", name);
	w->sum += balance;
	w->cash |= strcmp(name, "cash") == 0;
	w->load |= strcmp(name, "transit:load") == 0;
	w->payment |= strcmp(name, "transit:payment") == 0;
	return ++w->n == w->stop_at ? JZ_ERR_CANCELLED : 0;
}

static void
test_each_account(void **state)
{
	struct rig *r = *state;
	struct walk w = {.stop_at = 0};
	struct fakecard c;

	rig_card(r, &c, DEPOSIT);
	(void)rig_load(r, &c, 100);
	assert_int_equal(jz_issuer_each_account(r->issuer, visit, &w), 0);
	assert_true(w.cash && w.load && w.payment);
	assert_int_equal(w.sum, 0);
	memset(&w, 0, sizeof(w));
	w.stop_at = 2;
	assert_int_equal(
	    jz_issuer_each_account(r->issuer, visit, &w), JZ_ERR_CANCELLED);
	assert_int_equal(w.n, 2);
}

/* ---- what has happened cannot be altered -------------------------------- */

/* Something in every table. */
static void
fill(struct rig *r)
{
	struct fakecard a, b;
	struct jz_message m;
	struct letter l;

	rig_card(r, &a, DEPOSIT);
	rig_card(r, &b, DEPOSIT);
	m = fakecard_load_request(&a, 400);
	l = fakecard_sign(&a, &m);
	(void)rig_permit(r, &l);
	m = fakecard_load_cancel(&a, &m);
	l = fakecard_sign(&a, &m);
	assert_int_equal(rig_give_cancel(r, &l), 0);
	(void)rig_load(r, &a, 500);
	fakecard_pay(&a, &b, 100);
	rig_settle(r, &a);
}

/* LOD-12, OFP-12: append-only, by any program that opens the database. */
static void
test_history_is_append_only(void **state)
{
	static const struct {
		const char *table, *column;
	} TABLES[] = {
	    {"setting", "value"},
	    {"ledger_account", "name"},
	    {"ledger_transaction", "time"},
	    {"ledger_entry", "amount"},
	    {"load_permission", "amount"},
	    {"load_report", "balance"},
	    {"load_cancel", "time"},
	    {"batch", "time"},
	    {"record", "bytes"},
	    {"payment", "amount"},
	    {"payment_side", "time"},
	};
	struct rig *r = *state;
	uint64_t before;
	char sql[256];

	fill(r);
	before = rig_snapshot(r);
	for (size_t k = 0; k < sizeof(TABLES) / sizeof(TABLES[0]); k++) {
		const char *t = TABLES[k].table, *c = TABLES[k].column;

		snprintf(sql, sizeof(sql), "UPDATE %s SET %s = %s", t, c, c);
		assert_int_equal(rig_sql(r, sql), SQLITE_CONSTRAINT);
		snprintf(sql, sizeof(sql), "DELETE FROM %s", t);
		assert_int_equal(rig_sql(r, sql), SQLITE_CONSTRAINT);
		snprintf(sql, sizeof(sql),
		    "INSERT OR REPLACE INTO %s SELECT * FROM %s", t, t);
		assert_int_equal(rig_sql(r, sql), SQLITE_CONSTRAINT);
	}
	assert_true(rig_snapshot(r) == before);
}

/* LOD-12: a load ends in one way, whoever writes. */
static void
test_a_load_ends_in_one_way(void **state)
{
	static const char *const STATEMENTS[] = {
	    "INSERT INTO load_cancel SELECT card, counter, digest, signature,"
	    " time FROM load_report",
	    "INSERT INTO load_report SELECT card, counter, request_digest, 1,"
	    " 1, proof, time FROM load_cancel",
	    "INSERT INTO load_permission SELECT x.card, x.counter, 1, 1,"
	    " x.request_digest, x.request_digest, x.proof, x.proof, c.account"
	    " FROM load_cancel x JOIN card c ON c.id = x.card WHERE NOT EXISTS"
	    " (SELECT 1 FROM load_permission p WHERE p.card = x.card AND"
	    " p.counter = x.counter)",
	};
	struct rig *r = *state;
	struct fakecard c;
	struct jz_message m;
	struct letter l;
	uint64_t before;

	fill(r);
	rig_card(r, &c, 0);
	m = fakecard_load_request(&c, 1);
	m = fakecard_load_cancel(&c, &m);
	l = fakecard_sign(&c, &m);
	assert_int_equal(rig_give_cancel(r, &l), 0);
	before = rig_snapshot(r);
	for (size_t k = 0; k < sizeof(STATEMENTS) / sizeof(STATEMENTS[0]); k++)
		assert_int_equal(rig_sql(r, STATEMENTS[k]), SQLITE_CONSTRAINT);
	assert_true(rig_snapshot(r) == before);
}

/* Customers and cards change by being blocked, and in nothing else. */
static void
test_bindings_are_fixed(void **state)
{
	static const char *const STATEMENTS[] = {
	    "UPDATE customer SET holder = 'thief'",
	    "UPDATE customer SET account = 'x'",
	    "DELETE FROM customer",
	    "UPDATE card SET account = 'x'",
	    "UPDATE card SET holder = 'thief'",
	    "UPDATE card SET public_key = x'00'",
	    "UPDATE card SET certificate = x'00'",
	    "DELETE FROM card",
	    "UPDATE ledger_balance SET balance = -1",
	};
	struct rig *r = *state;
	uint64_t before;

	fill(r);
	before = rig_snapshot(r);
	for (size_t k = 0; k < sizeof(STATEMENTS) / sizeof(STATEMENTS[0]); k++)
		assert_int_equal(rig_sql(r, STATEMENTS[k]), SQLITE_CONSTRAINT);
	assert_true(rig_snapshot(r) == before);
}

/* ---- who goes round the triggers is found out --------------------------- */

#define DROP_TRIGGERS                                                          \
	"DROP TRIGGER IF EXISTS ledger_entry_no_update;"                       \
	"DROP TRIGGER IF EXISTS ledger_entry_no_delete;"                       \
	"DROP TRIGGER IF EXISTS ledger_transaction_no_delete;"                 \
	"DROP TRIGGER IF EXISTS ledger_balance_not_overdrawn;"                 \
	"DROP TRIGGER IF EXISTS load_report_no_delete;"                        \
	"DROP TRIGGER IF EXISTS load_cancel_no_delete;"                        \
	"DROP TRIGGER IF EXISTS load_cancel_no_update;"                        \
	"DROP TRIGGER IF EXISTS payment_side_no_delete;"

#define A_CUSTOMER                                                             \
	"(SELECT MAX(id) FROM ledger_account WHERE kind = 'customer')"
#define LAST "(SELECT MAX(id) FROM ledger_transaction)"

static const struct {
	const char *sql, *fault;
} ALTERED[] = {
    /* one entry raised, the balance with it */
    {"UPDATE ledger_entry SET amount = amount + 1 WHERE posting = " LAST
     " AND amount > 0;",
	"(L"},
    /* both entries raised alike: sums to zero, but not the balances */
    {"UPDATE ledger_entry SET amount = amount * 2 WHERE posting ="
     " " LAST ";",
	"(L"},
    /* a balance */
    {"UPDATE ledger_balance SET balance = balance + 1 WHERE account ="
     " " A_CUSTOMER ";",
	"(L4)"},
    /* a transaction and all that belongs to it gone */
    {"DELETE FROM ledger_entry WHERE posting = " LAST ";"
     "DELETE FROM ledger_transaction WHERE id = " LAST ";"
     "UPDATE ledger_balance SET balance = COALESCE((SELECT SUM(amount)"
     " FROM ledger_entry e WHERE e.account = ledger_balance.account),"
     " 0);",
	"(L"},
    /* a transaction without entries */
    {"INSERT INTO ledger_transaction SELECT next, 0, 'x', 'x' FROM"
     " sequence WHERE name = 'posting';"
     "UPDATE sequence SET next = next + 1 WHERE name = 'posting';",
	"(L1)"},
    /* a load reported without having moved, or the reverse */
    {"DELETE FROM load_report WHERE time = (SELECT MAX(time) FROM"
     " load_report);",
	"(L6)"},
    /* money that went back without a proof */
    {"DELETE FROM load_cancel;", "(L6)"},
    /* reported and cancelled */
    {"UPDATE load_cancel SET counter = (SELECT r.counter FROM"
     " load_report r WHERE r.card = load_cancel.card LIMIT 1) WHERE"
     " rowid = (SELECT MAX(x.rowid) FROM load_cancel x JOIN load_report"
     " r ON r.card = x.card);",
	"(L7)"},
    {"DELETE FROM payment_side;", "(L6)"},
};

static void
test_altered_books_do_not_balance(void **state)
{
	struct rig *r = *state;
	char undo[160];

	assert_int_equal(rig_sql(r, "SELECT 1"), SQLITE_OK);
	fill(r);
	snprintf(undo, sizeof(undo), "%s.copy", r->database);
	for (size_t k = 0; k < sizeof(ALTERED) / sizeof(ALTERED[0]); k++) {
		struct jz_books b;
		char sql[1600];

		/* A savepoint of files: closed, copied, altered, put back. */
		jz_issuer_free(&r->issuer);
		snprintf(sql, sizeof(sql), "VACUUM INTO '%s'", undo);
		assert_int_equal(rig_sql(r, sql), SQLITE_OK);
		snprintf(sql, sizeof(sql),
		    "PRAGMA foreign_keys = OFF; " DROP_TRIGGERS "%s",
		    ALTERED[k].sql);
		assert_int_equal(rig_sql(r, sql), SQLITE_OK);
		r->issuer = rig_open(r);
		assert_int_equal(jz_issuer_books(r->issuer, &b), 0);
		assert_false(b.balanced);
		assert_non_null(
		    strstr(jz_issuer_detail(r->issuer), ALTERED[k].fault));
		jz_issuer_free(&r->issuer);
		assert_int_equal(rename(undo, r->database), 0);
		r->issuer = rig_open(r);
		assert_true(rig_books(r).balanced);
	}
}

/* L1, L2, L3 by the ledger itself, whoever calls it. */
static void
test_ledger_refuses(void **state)
{
	struct rig *r = *state;
	struct jz_store *s = r->issuer->store;
	struct jz_ledger_name name;
	struct fakecard c;
	uint64_t before;

	rig_card(r, &c, 10);
	name = jz_ledger_customer(c.account);
	before = rig_snapshot(r);
	{
		const struct jz_ledger_entry uneven[] = {
		    {"cash", -5}, {name.text, 6}};
		const struct jz_ledger_entry overdrawn[] = {
		    {"cash", 11}, {name.text, -11}};
		const struct jz_ledger_entry nowhere[] = {
		    {"cash", -1}, {"account:nobody", 1}};
		const struct jz_ledger_entry again[] = {
		    {"cash", -1}, {name.text, 1}};
		const struct {
			const struct jz_ledger_entry *entries;
			size_t n;
			const char *reference;
			int err;
		} cases[] = {
		    {uneven, 2, "test", JZ_ERR_INTERNAL},
		    {uneven, 1, "test", JZ_ERR_INTERNAL},
		    {uneven, 0, "test", JZ_ERR_INTERNAL},
		    {overdrawn, 2, "test", JZ_ERR_FUNDS},
		    {nowhere, 2, "test", JZ_ERR_DATABASE},
		    {again, 2, "1", JZ_ERR_DATABASE},
		};

		for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
			jz_store_clear_detail(s);
			assert_int_equal(jz_store_begin(s, true), 0);
			assert_int_equal(
			    jz_store_end(s,
				jz_ledger_post(s, 0, JZ_LEDGER_DEPOSIT,
				    cases[k].reference, cases[k].entries,
				    cases[k].n)),
			    cases[k].err);
		}
	}
	assert_true(rig_snapshot(r) == before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(
		test_books_balance_at_every_step, rig_after),
	    cmocka_unit_test_teardown(test_each_account, rig_after),
	    cmocka_unit_test_teardown(test_history_is_append_only, rig_after),
	    cmocka_unit_test_teardown(test_a_load_ends_in_one_way, rig_after),
	    cmocka_unit_test_teardown(test_bindings_are_fixed, rig_after),
	    cmocka_unit_test_teardown(
		test_altered_books_do_not_balance, rig_after),
	    cmocka_unit_test_teardown(test_ledger_refuses, rig_after),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
