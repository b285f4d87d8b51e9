/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store on both engines: a database of an older version is brought to the
 * newest; and with PostgreSQL a connection that breaks within a transaction is
 * made again, and what the engine is unsure of is not done twice.
 */
#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sqlite3.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../../apdu/error.h"
#include "../../../host/issuer/sql.h"
#include "../../support/issuerrig.h"

#define DEPOSIT 10000
#define AMOUNT	2500

/* Takes a database from version 7 to 6. */
#define BEFORE_UNLOADS                                                         \
	"DROP TABLE replacement_load; DROP TABLE replacement;"                 \
	"DROP TABLE unload;"

/* Statements by another program, which must succeed. */
static void
say(const struct rig *r, const char *sql)
{
	PGconn *c;
	PGresult *x;

	if (r->store[0] == '\0') {
		assert_int_equal(rig_sql(r, sql), SQLITE_OK);
		return;
	}
	c = PQconnectdb(r->store);
	PQclear(PQexec(c, "SET client_min_messages = warning"));
	x = PQexec(c, sql);
	if (PQresultStatus(x) != PGRES_COMMAND_OK &&
	    PQresultStatus(x) != PGRES_TUPLES_OK)
		fail_msg("%s", PQerrorMessage(c));
	PQclear(x);
	PQfinish(c);
}

/* Takes the rig's handle away, or gives it one. */
static void
reopen(struct rig *r, bool open)
{
	if (open)
		r->issuer = rig_open(r);
	else
		jz_issuer_free(&r->issuer);
}

static void
only_postgres(const struct rig *r)
{
	if (r->store[0] == '\0') {
		print_message("of PostgreSQL: postgres.sh runs it\n");
		skip();
	}
}

/* ---- an older version ---------------------------------------------------- */

static void
test_migrate(void **state)
{
	struct rig *r = *state;
	bool sqlite = r->store[0] == '\0';
	struct fakecard c;
	struct letter proof, answer;
	struct jz_buffer b = jz_buffer(answer.data, sizeof(answer.data));

	rig_card(r, &c, DEPOSIT);
	(void)rig_load(r, &c, AMOUNT);
	reopen(r, false);
	if (sqlite)
		say(r, "DROP TRIGGER load_report_not_after_unload;");
	say(r, BEFORE_UNLOADS);
	say(r,
	    sqlite ? "PRAGMA user_version = 6"
		   : "UPDATE schema_version SET version = 6");
	reopen(r, true);
	assert_int_equal(rig_number(r,
			     sqlite ? "PRAGMA user_version"
				    : "SELECT version FROM schema_version"),
	    7);
	/* What was booked is there, and the new tables serve. */
	assert_int_equal(rig_balance(r, &c), DEPOSIT - AMOUNT);
	proof = rig_debit_card(r, &c, AMOUNT);
	assert_int_equal(
	    jz_issuer_unload(r->issuer, letter_span(&proof), &b), 0);
	assert_int_equal(rig_balance(r, &c), DEPOSIT);
	assert_int_equal(rig_number(r, "SELECT COUNT(*) FROM unload"), 1);
}

/* Of a version that is not out yet, nothing is touched. */
static void
test_newer(void **state)
{
	struct rig *r = *state;
	bool sqlite = r->store[0] == '\0';
	struct jz_issuer *i = NULL;

	reopen(r, false);
	say(r,
	    sqlite ? "PRAGMA user_version = 8"
		   : "UPDATE schema_version SET version = 8");
	assert_int_equal(
	    jz_issuer_open(r->dir, rig_passphrase(), &i), JZ_ERR_UNSUPPORTED);
	say(r,
	    sqlite ? "PRAGMA user_version = 7"
		   : "UPDATE schema_version SET version = 7");
	reopen(r, true);
}

/* ---- a connection that breaks -------------------------------------------- */

/* Everybody who is connected but who says it. */
#define BREAK                                                                  \
	"SELECT pg_terminate_backend(pid) FROM pg_stat_activity"               \
	" WHERE pid <> pg_backend_pid() AND usename = current_user"            \
	" AND datname = current_database()"

static void
test_broken(void **state)
{
	struct rig *r = *state;
	struct fakecard c;
	struct jz_message m;
	struct letter request;

	only_postgres(r);
	rig_card(r, &c, DEPOSIT);
	m = fakecard_load_request(&c, AMOUNT);
	request = fakecard_sign(&c, &m);
	/* Within the transaction, before its commit. */
	assert_int_equal(jz_issuer_group_begin(r->issuer), 0);
	assert_int_equal(rig_give_permit(r, &request), 0);
	say(r, BREAK);
	assert_int_equal(jz_issuer_group_end(r->issuer, 0), JZ_ERR_DATABASE);
	/* Between a beginning and its first statement. */
	assert_int_equal(jz_issuer_group_begin(r->issuer), 0);
	say(r, BREAK);
	assert_int_equal(rig_give_permit(r, &request), JZ_ERR_DATABASE);
	assert_int_equal(
	    jz_issuer_group_end(r->issuer, JZ_ERR_DATABASE), JZ_ERR_DATABASE);
	assert_int_equal(rig_number(r,
			     "SELECT COUNT(*) FROM load_permission"
			     " WHERE amount = 2500 AND counter = 1"
			     " AND account = (SELECT MAX(account)"
			     " FROM customer)"),
	    0);
	/* The same handle goes on, once. */
	assert_int_equal(rig_give_permit(r, &request), 0);
	assert_int_equal(rig_give_permit(r, &request), 0);
	assert_int_equal(rig_balance(r, &c), DEPOSIT - AMOUNT);
}

/* While nothing was under way: who is idle learns it by a transaction that
 * fails, and the next one is as good as any. */
static void
test_broken_idle(void **state)
{
	struct rig *r = *state;
	struct fakecard c;
	struct letter l;
	struct jz_message m;
	int err = JZ_ERR_DATABASE;

	only_postgres(r);
	rig_card(r, &c, DEPOSIT);
	m = fakecard_load_request(&c, AMOUNT);
	l = fakecard_sign(&c, &m);
	say(r, BREAK);
	for (unsigned n = 0; n < 2 && err == JZ_ERR_DATABASE; n++)
		err = rig_give_permit(r, &l);
	assert_int_equal(err, 0);
	assert_int_equal(rig_balance(r, &c), DEPOSIT - AMOUNT);
}

/* ---- what the engine says ------------------------------------------------ */

/* A deposit in a transaction that ends with this state; what it came to. */
static int
deposit_with(struct rig *r, const struct fakecard *c, const char *sqlstate)
{
	char sql[512];
	int err;

	snprintf(sql, sizeof(sql),
	    "CREATE FUNCTION bad() RETURNS trigger LANGUAGE plpgsql AS"
	    " 'BEGIN RAISE EXCEPTION USING ERRCODE = ''%s''; END';"
	    "CREATE TRIGGER bad AFTER INSERT ON ledger_entry"
	    " FOR EACH ROW EXECUTE FUNCTION bad()",
	    sqlstate);
	say(r, sql);
	err = jz_issuer_deposit(r->issuer, c->account, AMOUNT);
	say(r, "DROP FUNCTION bad CASCADE");
	return err;
}

static void
test_unsure(void **state)
{
	struct rig *r = *state;
	struct fakecard c;

	only_postgres(r);
	rig_card(r, &c, DEPOSIT);
	assert_int_equal(deposit_with(r, &c, "40001"), JZ_ERR_CONTENDED);
	assert_int_equal(deposit_with(r, &c, "40P01"), JZ_ERR_CONTENDED);
	assert_int_equal(deposit_with(r, &c, "40003"), JZ_ERR_DATABASE);
	assert_int_equal(rig_balance(r, &c), DEPOSIT);
}

/* Whatever the session was set to, a transaction is serializable. */
static void
test_serializable(void **state)
{
	struct rig *r = *state;
	struct fakecard c;

	only_postgres(r);
	rig_card(r, &c, DEPOSIT);
	say(r,
	    "CREATE TABLE seen (level TEXT);"
	    "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS"
	    " 'BEGIN INSERT INTO seen VALUES"
	    " (current_setting(''transaction_isolation'')); RETURN NULL; END';"
	    "CREATE TRIGGER see AFTER INSERT ON ledger_entry"
	    " FOR EACH ROW EXECUTE FUNCTION see()");
	assert_int_equal(jz_issuer_deposit(r->issuer, c.account, AMOUNT), 0);
	assert_int_equal(rig_number(r,
			     "SELECT COUNT(*) FROM seen"
			     " WHERE level = 'serializable'"),
	    2);
	say(r, "DROP FUNCTION see CASCADE; DROP TABLE seen");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_migrate, rig_after),
	    cmocka_unit_test_teardown(test_newer, rig_after),
	    cmocka_unit_test_teardown(test_broken, rig_after),
	    cmocka_unit_test_teardown(test_broken_idle, rig_after),
	    cmocka_unit_test_teardown(test_unsure, rig_after),
	    cmocka_unit_test_teardown(test_serializable, rig_after),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
