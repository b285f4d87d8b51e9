/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store in a SQLite file: WAL, synchronous FULL.
 */
#define _POSIX_C_SOURCE 200809L

#include "sql.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "../../apdu/error.h"

/* "JZIS", so that no other program's database is taken for ours. */
#define APPLICATION_ID 0x4A5A4953

static int
failed(struct jz_store *s, int rc)
{
	/* The first reason stands: what fails after it is its consequence. */
	if (s->detail[0] == '\0')
		snprintf(s->detail, sizeof(s->detail), "%s (%d)",
		    sqlite3_errmsg(s->connection), rc);
	return rc == SQLITE_NOMEM ? JZ_ERR_MEMORY : JZ_ERR_DATABASE;
}

static int
execute(struct jz_store *s, const char *sql)
{
	int rc = sqlite3_exec(s->connection, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : failed(s, rc);
}

/* Reads a pragma; statements that run once are not kept. */
static int
pragma(struct jz_store *s, const char *sql, int64_t *out)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->connection, sql, -1, &st, NULL);

	*out = 0;
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW)
			*out = sqlite3_column_int64(st, 0);
	}
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? 0 : failed(s, rc);
}

/* ---- opened and closed --------------------------------------------------- */

/* Readable by its owner alone, from the start. */
static int
make_file(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno == EEXIST ? JZ_ERR_EXISTS : JZ_ERR_SYSTEM;
	close(fd);
	return 0;
}

static int
open_file(struct jz_store *s, const char *path, bool create)
{
	sqlite3 *db = NULL;
	int64_t unused;
	int rc, err = 0;

	if (create)
		err = make_file(path);
	else if (access(path, F_OK) != 0)
		err = JZ_ERR_NOT_FOUND;
	if (err != 0)
		return err;
	/* The handle belongs to one thread at a time. */
	rc = sqlite3_open_v2(
	    path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	s->connection = db;
	if (rc != SQLITE_OK ||
	    sqlite3_busy_timeout(db, JZ_BUSY_MS) != SQLITE_OK)
		return JZ_ERR_DATABASE;
	err = pragma(s, "PRAGMA journal_mode = WAL", &unused);
	if (err == 0)
		err = execute(s,
		    "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
		    "PRAGMA recursive_triggers = ON;"
		    "PRAGMA trusted_schema = OFF");
	return err;
}

static void
close_file(struct jz_store *s)
{
	for (size_t k = 0; k < JZ_SQL_COUNT; k++)
		sqlite3_finalize(s->rows[k].made);
	sqlite3_close(s->connection);
}

static int
begin(struct jz_store *s, bool write)
{
	/* Now, not at the first change: then another may have been first. */
	return execute(s, write ? "BEGIN IMMEDIATE" : "BEGIN");
}

static bool
within(const struct jz_store *s)
{
	return sqlite3_get_autocommit(s->connection) == 0;
}

/* ---- statements ---------------------------------------------------------- */

/* life: SQLITE_STATIC when the statement ends before the value does. */
static int
bind_value(sqlite3_stmt *st, int column, const struct jz_value *v,
    sqlite3_destructor_type life)
{
	/* An empty blob is not NULL: SQLite takes it so only with a pointer. */
	const uint8_t *data =
	    v->bytes.data != NULL ? v->bytes.data : (const uint8_t *)"";

	switch (v->type) {
	case JZ_VALUE_INT:
		return sqlite3_bind_int64(st, column, v->number);
	case JZ_VALUE_TEXT:
		return sqlite3_bind_text(
		    st, column, (const char *)data, (int)v->bytes.len, life);
	default:
		return sqlite3_bind_blob64(
		    st, column, data, v->bytes.len, life);
	}
}

static int
query(struct jz_store *s, enum jz_statement which, const char *text,
    const struct jz_value *values, size_t n, bool brief)
{
	struct jz_rows *rows = &s->rows[which];
	sqlite3_stmt *st = rows->made;
	int rc = SQLITE_OK;

	if (st == NULL)
		rc = sqlite3_prepare_v3(s->connection, text, -1,
		    SQLITE_PREPARE_PERSISTENT, &st, NULL);
	rows->made = st;
	if (rc == SQLITE_OK && (size_t)sqlite3_bind_parameter_count(st) != n)
		return jz_sql_wrong(s, "wrong number of parameters");
	for (size_t k = 0; rc == SQLITE_OK && k < n; k++)
		rc = bind_value(st, (int)k + 1, &values[k],
		    brief ? SQLITE_STATIC : SQLITE_TRANSIENT);
	return rc == SQLITE_OK ? 0 : failed(s, rc);
}

static int
row(struct jz_store *s, struct jz_rows *rows)
{
	int rc = sqlite3_step(rows->made);

	if (rc == SQLITE_ROW)
		return 0;
	return rc == SQLITE_DONE ? JZ_ERR_NOT_FOUND : failed(s, rc);
}

static void
done(struct jz_rows *rows)
{
	/* What went wrong was said by the step already. */
	(void)sqlite3_reset(rows->made);
	(void)sqlite3_clear_bindings(rows->made);
}

static int64_t
changes(const struct jz_store *s)
{
	return sqlite3_changes(s->connection);
}

static int64_t
integer(struct jz_rows *rows, int column)
{
	return sqlite3_column_int64(rows->made, column);
}

static bool
null(struct jz_rows *rows, int column)
{
	return sqlite3_column_type(rows->made, column) == SQLITE_NULL;
}

static const uint8_t *
bytes(struct jz_rows *rows, int column, size_t *len)
{
	/* First the pointer, then the length: the order SQLite asks for. */
	const uint8_t *data = sqlite3_column_blob(rows->made, column);

	*len = (size_t)sqlite3_column_bytes(rows->made, column);
	return data;
}

/* ---- the schema's version ------------------------------------------------ */

static int
version(struct jz_store *s, int64_t *out)
{
	int64_t application;
	int err = pragma(s, "PRAGMA user_version", out);

	if (err == 0)
		err = pragma(s, "PRAGMA application_id", &application);
	if (err == 0 && *out > 0 && application != APPLICATION_ID)
		err = jz_sql_wrong(s, "not an issuer's database");
	return err;
}

static int
set_version(struct jz_store *s, int64_t v)
{
	char text[96];

	/* A pragma takes no parameters; these are our own numbers. */
	snprintf(text, sizeof(text),
	    "PRAGMA user_version = %lld; PRAGMA application_id = %d;",
	    (long long)v, APPLICATION_ID);
	return execute(s, text);
}

const struct jz_driver jz_driver_sqlite = {
    .open = open_file,
    .close = close_file,
    .begin = begin,
    .within = within,
    .query = query,
    .row = row,
    .done = done,
    .changes = changes,
    .integer = integer,
    .null = null,
    .bytes = bytes,
    .execute = execute,
    .version = version,
    .set_version = set_version,
    .own = "--sqlite\n",
};
