/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verifier of e-signatures remembers, in a SQLite file of its own.
 */
#include "esign.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../apdu/error.h"

#define BUSY_MS 10000

static const char SCHEMA[] =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
    "CREATE TABLE IF NOT EXISTS esign_card (id BLOB PRIMARY KEY,"
    " public_key BLOB NOT NULL, account TEXT NOT NULL,"
    " counter INTEGER NOT NULL, failures INTEGER NOT NULL,"
    " locked INTEGER NOT NULL CHECK (locked IN (0, 1)),"
    " failed BLOB NOT NULL) STRICT;"
    /* A counter goes up, and a key and an account stay. */
    "CREATE TRIGGER IF NOT EXISTS esign_card_rises"
    " BEFORE UPDATE ON esign_card WHEN NEW.counter < OLD.counter"
    " OR NEW.public_key <> OLD.public_key OR NEW.account <> OLD.account"
    " BEGIN SELECT RAISE(ABORT, 'esign_card goes back'); END;"
    "CREATE TABLE IF NOT EXISTS esign_entry (card BLOB NOT NULL"
    " REFERENCES esign_card (id), counter INTEGER NOT NULL,"
    " state INTEGER NOT NULL CHECK (state IN (1, 2, 3)),"
    " digest BLOB NOT NULL, PRIMARY KEY (card, counter)) STRICT;"
    /* Accepted, then done or refused, and nothing after. */
    "CREATE TRIGGER IF NOT EXISTS esign_entry_once"
    " BEFORE UPDATE ON esign_entry WHEN OLD.state <> 1"
    " OR NEW.digest <> OLD.digest"
    " BEGIN SELECT RAISE(ABORT, 'esign_entry is decided'); END;";

enum statement {
	CARD,
	CARD_SET,
	ENTRY,
	ENTRY_SET,
	BEGIN,
	COMMIT,
	ROLLBACK,
	STATEMENTS,
};

static const char *const TEXT[STATEMENTS] = {
    [CARD] = "SELECT public_key, account, counter, failures, locked, failed"
	     " FROM esign_card WHERE id = ?",
    [CARD_SET] =
	"INSERT INTO esign_card (id, public_key, account, counter, failures,"
	" locked, failed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
	" ON CONFLICT (id) DO UPDATE SET counter = ?4, failures = ?5,"
	" locked = ?6, failed = ?7",
    [ENTRY] =
	"SELECT state, digest FROM esign_entry WHERE card = ? AND counter = ?",
    [ENTRY_SET] = "INSERT INTO esign_entry (card, counter, state, digest)"
		  " VALUES (?1, ?2, ?3, ?4)"
		  " ON CONFLICT (card, counter) DO UPDATE SET state = ?3,"
		  " digest = ?4",
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
};

static const char LOCK[] =
    "UPDATE esign_card SET locked = ?2,"
    " failures = CASE WHEN ?2 = 1 THEN failures ELSE 0 END"
    " WHERE account = ?1";

struct jz_esign_db {
	sqlite3 *db;
	sqlite3_stmt *st[STATEMENTS]; /* made when first used */
};

int
jz_esign_db_open(const char *path, struct jz_esign_db **out)
{
	struct jz_esign_db *d = calloc(1, sizeof(*d));
	int err = JZ_ERR_MEMORY;

	*out = NULL;
	if (d == NULL)
		return err;
	err = JZ_ERR_DATABASE;
	if (sqlite3_open(path, &d->db) == SQLITE_OK &&
	    sqlite3_busy_timeout(d->db, BUSY_MS) == SQLITE_OK &&
	    sqlite3_exec(d->db, SCHEMA, NULL, NULL, NULL) == SQLITE_OK) {
		*out = d;
		d = NULL;
		err = 0;
	}
	jz_esign_db_free(&d);
	return err;
}

void
jz_esign_db_free(struct jz_esign_db **db)
{
	if (*db == NULL)
		return;
	for (size_t k = 0; k < STATEMENTS; k++)
		sqlite3_finalize((*db)->st[k]);
	sqlite3_close((*db)->db);
	free(*db);
	*db = NULL;
}

/* SQLite keeps a number for whoever the file belongs to; 0 until it is set. */
int
jz_esign_db_limit(struct jz_esign_db *d, uint32_t *out)
{
	sqlite3_stmt *st = NULL;
	int err = JZ_ERR_DATABASE;

	*out = JZ_ESIGN_FAILURES_DEFAULT;
	if (sqlite3_prepare_v2(d->db, "PRAGMA user_version", -1, &st, NULL) ==
		SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		int kept = sqlite3_column_int(st, 0);

		err = 0;
		if (kept > 0 && kept <= JZ_ESIGN_FAILURES_MAX)
			*out = (uint32_t)kept;
		else if (kept != 0)
			err = JZ_ERR_DATABASE;
	}
	sqlite3_finalize(st);
	return err;
}

int
jz_esign_db_set_limit(struct jz_esign_db *d, uint32_t limit)
{
	char sql[40];

	if (limit == 0 || limit > JZ_ESIGN_FAILURES_MAX)
		return JZ_ERR_RANGE;
	(void)snprintf(
	    sql, sizeof(sql), "PRAGMA user_version = %u", (unsigned)limit);
	return sqlite3_exec(d->db, sql, NULL, NULL, NULL) == SQLITE_OK
	    ? 0
	    : JZ_ERR_DATABASE;
}

/* NULL: SQLite cannot make it. */
static sqlite3_stmt *
get(struct jz_esign_db *d, enum statement which)
{
	if (d->st[which] == NULL &&
	    sqlite3_prepare_v3(d->db, TEXT[which], -1,
		SQLITE_PREPARE_PERSISTENT, &d->st[which], NULL) != SQLITE_OK)
		return NULL;
	return d->st[which];
}

/* Ready for the next time; what went wrong was said by the step already. */
static void
done(sqlite3_stmt *st)
{
	if (st == NULL)
		return;
	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
}

static int
execute(struct jz_esign_db *d, enum statement which)
{
	sqlite3_stmt *st = get(d, which);
	int rc = st == NULL ? SQLITE_ERROR : sqlite3_step(st);

	done(st);
	return rc == SQLITE_DONE ? 0 : JZ_ERR_DATABASE;
}

static int
begin(void *store)
{
	return execute(store, BEGIN);
}

static int
end(void *store, int rc)
{
	int err = execute(store, rc == 0 ? COMMIT : ROLLBACK);

	if (rc == 0 && err != 0)
		(void)execute(store, ROLLBACK);
	return rc != 0 ? rc : err;
}

/* Runs the statement; 0 with a row or without, as it is wanted. */
static int
step(sqlite3_stmt *st, bool row)
{
	int rc = st == NULL ? SQLITE_ERROR : sqlite3_step(st);

	if (rc == SQLITE_ROW)
		return row ? 0 : JZ_ERR_DATABASE;
	if (rc == SQLITE_DONE)
		return row ? JZ_ERR_NOT_FOUND : 0;
	return JZ_ERR_DATABASE;
}

/* Bound without a copy: what is bound outlives done(). */
static sqlite3_stmt *
prepare(struct jz_esign_db *d, enum statement which, const uint8_t *id)
{
	sqlite3_stmt *st = get(d, which);

	if (st != NULL &&
	    sqlite3_bind_blob(st, 1, id, JZ_ID_BYTES, SQLITE_STATIC) ==
		SQLITE_OK)
		return st;
	done(st);
	return NULL;
}

/* Exactly so many bytes. */
static bool
column(sqlite3_stmt *st, int i, void *out, size_t len)
{
	const void *p = sqlite3_column_blob(st, i);

	if (p == NULL || (size_t)sqlite3_column_bytes(st, i) != len)
		return false;
	memcpy(out, p, len);
	return true;
}

static int
read_card(sqlite3_stmt *st, struct jz_esign_card *out)
{
	const unsigned char *account = sqlite3_column_text(st, 1);
	size_t len = (size_t)sqlite3_column_bytes(st, 1);

	if (account == NULL || len >= sizeof(out->account) ||
	    !column(st, 0, out->public_key, sizeof(out->public_key)) ||
	    !column(st, 5, out->failed, sizeof(out->failed)))
		return JZ_ERR_DATABASE;
	memcpy(out->account, account, len);
	out->counter = (uint32_t)sqlite3_column_int64(st, 2);
	out->failures = (uint32_t)sqlite3_column_int64(st, 3);
	out->locked = sqlite3_column_int(st, 4) != 0;
	return 0;
}

static int
card(void *store, const uint8_t id[static JZ_ID_BYTES],
    struct jz_esign_card *out)
{
	sqlite3_stmt *st = prepare(store, CARD, id);
	int err = step(st, true);

	memset(out, 0, sizeof(*out));
	memcpy(out->id, id, sizeof(out->id));
	if (err == 0)
		err = read_card(st, out);
	done(st);
	return err;
}

static int
card_set(void *store, const struct jz_esign_card *c)
{
	sqlite3_stmt *st = prepare(store, CARD_SET, c->id);
	bool good = st != NULL &&
	    sqlite3_bind_blob(st, 2, c->public_key, sizeof(c->public_key),
		SQLITE_STATIC) == SQLITE_OK &&
	    sqlite3_bind_text(st, 3, c->account, -1, SQLITE_STATIC) ==
		SQLITE_OK &&
	    sqlite3_bind_int64(st, 4, c->counter) == SQLITE_OK &&
	    sqlite3_bind_int64(st, 5, c->failures) == SQLITE_OK &&
	    sqlite3_bind_int(st, 6, c->locked ? 1 : 0) == SQLITE_OK &&
	    sqlite3_bind_blob(st, 7, c->failed, sizeof(c->failed),
		SQLITE_STATIC) == SQLITE_OK;
	int err = good ? step(st, false) : JZ_ERR_DATABASE;

	done(st);
	return err;
}

static int
entry(void *store, const uint8_t id[static JZ_ID_BYTES], uint32_t counter,
    struct jz_esign_entry *out)
{
	sqlite3_stmt *st = prepare(store, ENTRY, id);
	int err = JZ_ERR_DATABASE;

	memset(out, 0, sizeof(*out));
	if (st != NULL && sqlite3_bind_int64(st, 2, counter) == SQLITE_OK)
		err = step(st, true);
	if (err == 0) {
		memcpy(out->card_id, id, sizeof(out->card_id));
		out->counter = counter;
		out->state = (enum jz_esign_state)sqlite3_column_int(st, 0);
		if (!column(st, 1, out->digest, sizeof(out->digest)))
			err = JZ_ERR_DATABASE;
	}
	done(st);
	return err;
}

static int
entry_set(void *store, const struct jz_esign_entry *e)
{
	sqlite3_stmt *st = prepare(store, ENTRY_SET, e->card_id);
	bool good = st != NULL &&
	    sqlite3_bind_int64(st, 2, e->counter) == SQLITE_OK &&
	    sqlite3_bind_int(st, 3, (int)e->state) == SQLITE_OK &&
	    sqlite3_bind_blob(st, 4, e->digest, sizeof(e->digest),
		SQLITE_STATIC) == SQLITE_OK;
	int err = good ? step(st, false) : JZ_ERR_DATABASE;

	done(st);
	return err;
}

static int
lock(void *store, const char *account, bool locked)
{
	struct jz_esign_db *d = store;
	sqlite3_stmt *st = NULL;
	int err = JZ_ERR_DATABASE;

	if (sqlite3_prepare_v2(d->db, LOCK, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_bind_text(st, 1, account, -1, SQLITE_STATIC) == SQLITE_OK &&
	    sqlite3_bind_int(st, 2, locked ? 1 : 0) == SQLITE_OK)
		err = step(st, false);
	sqlite3_finalize(st);
	return err;
}

const struct jz_esign_store jz_esign_sqlite = {
    .begin = begin,
    .end = end,
    .card = card,
    .card_set = card_set,
    .entry = entry,
    .entry_set = entry_set,
    .lock = lock,
};
