/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An issuer to test: made once for a program, since its keys are sealed under
 * a passphrase that takes its time.
 */
#define _XOPEN_SOURCE 700

#include "issuerrig.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"
#include "rigpostgres.h"
#include "suite.h"
#include "temp.h"

#define OPEN_FILES 8
#define TABLES_MAX 48
#define NAME_MAX_  64

const struct jz_secret *
rig_passphrase(void)
{
	static const struct jz_secret PASSPHRASE = {
	    {RIG_PASSPHRASE}, sizeof(RIG_PASSPHRASE) - 1};

	return &PASSPHRASE;
}

static int64_t
rig_clock(void *arg)
{
	return ((const struct rig *)arg)->now;
}

struct jz_issuer *
rig_open(struct rig *r)
{
	struct jz_issuer *i = NULL;

	assert_int_equal(jz_issuer_open(r->dir, rig_passphrase(), &i), 0);
	jz_issuer_set_clock(i, rig_clock, r);
	return i;
}

/* With JIAOZI_TEST_POSTGRES, a URI, in a schema of its own in that database. */
static void
make_issuer(struct rig *r)
{
	struct jz_issuer_options o = {
	    .currency = RIG_CURRENCY, .suite = test_suite()};

	rig_postgres_begin(r);
	if (r->store[0] != '\0')
		o.store = r->store;
	assert_int_equal(
	    jz_issuer_create_with(r->dir, rig_passphrase(), &o), 0);
}

int
rig_setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	assert_true(temp_new(r->parent, sizeof(r->parent), "jz-issuer"));
	snprintf(r->dir, sizeof(r->dir), "%s/bank", r->parent);
	snprintf(r->database, sizeof(r->database), "%s/issuer.db", r->dir);
	r->begin = r->now = (int64_t)time(NULL);
	assert_int_equal(jz_openssl_new(test_suite(), &r->engine), 0);
	make_issuer(r);
	r->issuer = rig_open(r);
	*state = r;
	return 0;
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
rig_teardown(void **state)
{
	struct rig *r = *state;

	jz_issuer_free(&r->issuer);
	jz_openssl_free(&r->engine);
	rig_postgres_end(r);
	nftw(r->parent, remove_entry, OPEN_FILES, FTW_DEPTH | FTW_PHYS);
	free(r);
	return 0;
}

int
rig_after(void **state)
{
	struct rig *r = *state;

	r->now = r->begin;
	assert_int_equal(rig_number(r,
			     "SELECT COUNT(*) FROM (SELECT posting FROM "
			     "ledger_entry GROUP BY posting "
			     "HAVING SUM(amount) <> 0) AS x"),
	    0);
	assert_true(rig_books(r).balanced);
	return 0;
}

/* ---- accounts and cards ------------------------------------------------- */

static void
add_card(struct rig *r, struct fakecard *c, uint64_t deposit, uint8_t flags)
{
	struct jz_buffer b = jz_buffer(c->certificate, sizeof(c->certificate));

	fakecard_new(c, &r->engine, r->now);
	b.data = c->certificate;
	snprintf(c->account, sizeof(c->account), "62220%05u", ++r->named);
	snprintf(c->holder, sizeof(c->holder), "user %u", r->named);
	assert_int_equal(
	    jz_issuer_account_open(r->issuer, c->account, c->holder), 0);
	if (deposit > 0)
		assert_int_equal(
		    jz_issuer_deposit(r->issuer, c->account, deposit), 0);
	assert_int_equal(jz_issuer_certify(r->issuer, c->account, c->holder,
			     c->key.public_key, flags, c->id, c->asn, &b),
	    0);
	c->certificate_len = b.len;
}

void
rig_card(struct rig *r, struct fakecard *c, uint64_t deposit)
{
	add_card(r, c, deposit, 0);
}

void
rig_shop(struct rig *r, struct fakecard *c)
{
	add_card(r, c, 0, JZ_FLAG_PAYEE_ONLY);
}

int64_t
rig_balance(struct rig *r, const struct fakecard *c)
{
	int64_t minor;

	assert_int_equal(
	    jz_issuer_account_balance(r->issuer, c->account, &minor), 0);
	return minor;
}

int64_t
rig_shadow(struct rig *r, const struct fakecard *c)
{
	int64_t minor;

	assert_int_equal(jz_issuer_shadow(r->issuer, c->id, &minor), 0);
	return minor;
}

struct jz_books
rig_books(struct rig *r)
{
	struct jz_books b;

	assert_int_equal(jz_issuer_books(r->issuer, &b), 0);
	return b;
}

/* ---- whole procedures --------------------------------------------------- */

struct letter
rig_permit(struct rig *r, const struct letter *request)
{
	struct letter l;
	struct jz_buffer b = jz_buffer(l.data, sizeof(l.data));

	assert_int_equal(
	    jz_issuer_load_permit(r->issuer, letter_span(request), &b), 0);
	l.len = b.len;
	return l;
}

struct letter
rig_permit_unload(struct rig *r, const struct letter *request)
{
	struct letter l;
	struct jz_buffer b = jz_buffer(l.data, sizeof(l.data));

	assert_int_equal(
	    jz_issuer_unload_permit(r->issuer, letter_span(request), &b), 0);
	l.len = b.len;
	return l;
}

struct letter
rig_debit_card(struct rig *r, struct fakecard *c, uint64_t amount)
{
	struct jz_message m = fakecard_unload_request(c, amount);
	struct letter request = fakecard_sign(c, &m);
	struct letter permission = rig_permit_unload(r, &request);

	m = fakecard_unload_proof(c, &permission);
	return letter_of(&m);
}

struct letter
rig_load(struct rig *r, struct fakecard *c, uint64_t amount)
{
	struct jz_message m = fakecard_load_request(c, amount);
	struct letter request = fakecard_sign(c, &m);
	struct letter permission = rig_permit(r, &request);
	struct letter report;

	m = fakecard_load_report(c, &permission);
	report = letter_of(&m);
	assert_int_equal(
	    jz_issuer_load_report(r->issuer, letter_span(&report)), 0);
	return report;
}

void
rig_sign_in(struct rig *r, struct fakecard *c)
{
	struct jz_message m = fakecard_sign_in_request(c);
	struct letter ask = letter_of(&m), sign_in, l;
	struct jz_buffer b = jz_buffer(l.data, sizeof(l.data));

	assert_int_equal(
	    jz_issuer_challenge(r->issuer, letter_span(&ask), &b), 0);
	l.len = b.len;
	m = fakecard_sign_in(c, &l);
	sign_in = fakecard_sign(c, &m);
	b = jz_buffer(l.data, sizeof(l.data));
	assert_int_equal(
	    jz_issuer_sign_in(r->issuer, letter_span(&sign_in), &b), 0);
}

struct letter
rig_batch(struct fakecard *c, uint32_t n)
{
	uint32_t left = c->next_record - c->first_unsettled;
	struct letter records;
	struct jz_message m = fakecard_batch(
	    c, c->first_unsettled, n < left ? n : left, &records);

	return fakecard_sign(c, &m);
}

struct letter
rig_upload(struct rig *r, struct fakecard *c, const struct letter *batch)
{
	struct letter l;
	struct jz_buffer b = jz_buffer(l.data, sizeof(l.data));

	assert_int_equal(jz_issuer_batch(r->issuer, letter_span(batch), &b), 0);
	l.len = b.len;
	fakecard_processed(c, &l);
	return l;
}

void
rig_settle(struct rig *r, struct fakecard *c)
{
	rig_sign_in(r, c);
	while (c->first_unsettled != c->next_record) {
		struct letter batch = rig_batch(c, JZ_BATCH_RECORDS);

		(void)rig_upload(r, c, &batch);
	}
}

void
rig_paid_and_loaded(struct rig *r, struct fakecard *c, struct fakecard *peer)
{
	struct jz_message m;
	struct letter l;

	rig_card(r, c, RIG_DEPOSIT);
	rig_card(r, peer, RIG_DEPOSIT);
	(void)rig_load(r, c, RIG_AMOUNT);
	rig_settle(r, c);
	fakecard_pay(c, peer, 100);
	m = fakecard_load_request(c, RIG_AMOUNT);
	l = fakecard_sign(c, &m);
	l = rig_permit(r, &l);
	(void)fakecard_load_report(c, &l);
	rig_sign_in(r, c);
}

struct letter
rig_batch_of(struct fakecard *c, uint32_t first, uint32_t n)
{
	struct letter records;
	struct jz_message m = fakecard_batch(c, first, n, &records);

	return fakecard_sign(c, &m);
}

/* Hands a message to one of the functions that answer with another. */
static int
give(struct rig *r,
    int (*f)(struct jz_issuer *, struct jz_span, struct jz_buffer *),
    const struct letter *l)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int err = f(r->issuer, letter_span(l), &b);

	assert_true(err == 0 || b.len == 0);
	return err;
}

int
rig_give_permit(struct rig *r, const struct letter *l)
{
	return give(r, jz_issuer_load_permit, l);
}

int
rig_give_challenge(struct rig *r, const struct letter *l)
{
	return give(r, jz_issuer_challenge, l);
}

int
rig_give_sign_in(struct rig *r, const struct letter *l)
{
	return give(r, jz_issuer_sign_in, l);
}

int
rig_give_batch(struct rig *r, const struct letter *l)
{
	return give(r, jz_issuer_batch, l);
}

int
rig_give_unload_request(struct rig *r, const struct letter *l)
{
	return give(r, jz_issuer_unload_permit, l);
}

int
rig_give_unload(struct rig *r, const struct letter *l)
{
	return give(r, jz_issuer_unload, l);
}

int
rig_give_report(struct rig *r, const struct letter *l)
{
	return jz_issuer_load_report(r->issuer, letter_span(l));
}

int
rig_give_cancel(struct rig *r, const struct letter *l)
{
	return jz_issuer_load_cancel(r->issuer, letter_span(l));
}

/* ---- the database from outside ------------------------------------------ */

static sqlite3 *
open_raw(const struct rig *r)
{
	sqlite3 *db = NULL;

	assert_int_equal(
	    sqlite3_open_v2(r->database, &db, SQLITE_OPEN_READWRITE, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_busy_timeout(db, 5000), SQLITE_OK);
	return db;
}

static int
sqlite_sql(const struct rig *r, const char *sql)
{
	sqlite3 *db = open_raw(r);
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return rc;
}

static int64_t
number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t n;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

static int64_t
sqlite_number(const struct rig *r, const char *sql)
{
	sqlite3 *db = open_raw(r);
	int64_t n = number(db, sql);

	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return n;
}

/* FNV-1a, 64 bits. */
static uint64_t
mix(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t k = 0; k < len; k++)
		hash = (hash ^ p[k]) * UINT64_C(0x100000001B3);
	return hash;
}

static uint64_t
mix_table(sqlite3 *db, const char *table, uint64_t hash)
{
	char *sql =
	    sqlite3_mprintf("SELECT * FROM \"%w\" ORDER BY 1, 2", table);
	sqlite3_stmt *st = NULL;

	assert_non_null(sql);
	hash = mix(hash, table, strlen(table));
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		for (int k = 0; k < sqlite3_column_count(st); k++) {
			const void *p = sqlite3_column_blob(st, k);
			int n = sqlite3_column_bytes(st, k);

			hash = mix(hash, &n, sizeof(n));
			if (n > 0)
				hash = mix(hash, p, (size_t)n);
		}
	}
	sqlite3_finalize(st);
	sqlite3_free(sql);
	return hash;
}

bool
rig_is_about_refusals(const char *table)
{
	static const char *const TABLES[] = {
	    "audit", "incident", "revocation", "sequence"};

	for (size_t k = 0; k < sizeof(TABLES) / sizeof(TABLES[0]); k++) {
		if (strcmp(TABLES[k], table) == 0)
			return true;
	}
	return false;
}

static uint64_t
sqlite_snapshot(const struct rig *r, bool refusals)
{
	char names[TABLES_MAX][NAME_MAX_];
	uint64_t hash = UINT64_C(0xCBF29CE484222325);
	sqlite3 *db = open_raw(r);
	sqlite3_stmt *st = NULL;
	size_t n = 0;

	assert_int_equal(sqlite3_prepare_v2(db,
			     "SELECT name FROM sqlite_master"
			     " WHERE type = 'table' ORDER BY name",
			     -1, &st, NULL),
	    SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW && n < TABLES_MAX)
		snprintf(names[n++], NAME_MAX_, "%s",
		    (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	assert_in_range(n, 10, TABLES_MAX - 1);
	for (size_t k = 0; k < n; k++) {
		if (refusals || !rig_is_about_refusals(names[k]))
			hash = mix_table(db, names[k], hash);
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return hash;
}

void
rig_sqlite_only(const struct rig *r)
{
	if (r->store[0] != '\0')
		skip();
}

void
rig_backup(const struct rig *r)
{
	char sql[256];

	if (r->store[0] != '\0') {
		rig_postgres_backup(r);
		return;
	}
	snprintf(sql, sizeof(sql), "VACUUM INTO '%s.backup'", r->database);
	assert_int_equal(sqlite_sql(r, sql), SQLITE_OK);
}

void
rig_put_back(const struct rig *r)
{
	char path[256];

	if (r->store[0] != '\0') {
		rig_postgres_put_back(r);
		return;
	}
	snprintf(path, sizeof(path), "%s.backup", r->database);
	assert_int_equal(rename(path, r->database), 0);
}

int
rig_sql(const struct rig *r, const char *sql)
{
	rig_sqlite_only(r);
	return sqlite_sql(r, sql);
}

int64_t
rig_number(const struct rig *r, const char *sql)
{
	return r->store[0] != '\0' ? rig_postgres_number(r, sql)
				   : sqlite_number(r, sql);
}

static uint64_t
snapshot(const struct rig *r, bool refusals)
{
	return r->store[0] != '\0' ? rig_postgres_snapshot(r, refusals)
				   : sqlite_snapshot(r, refusals);
}

uint64_t
rig_snapshot(const struct rig *r)
{
	return snapshot(r, true);
}

uint64_t
rig_booked(const struct rig *r)
{
	return snapshot(r, false);
}

void
rig_refused(struct rig *r, int err, enum jz_refusal why, uint64_t before)
{
	assert_int_equal(err, JZ_ERR_REFUSED);
	assert_string_equal(jz_refusal_name(jz_issuer_refusal(r->issuer)),
	    jz_refusal_name(why));
	assert_true(rig_snapshot(r) == before || rig_booked(r) == before);
	r->met[why] = true;
}
