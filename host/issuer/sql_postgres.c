/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store in PostgreSQL, or in a distributed engine that speaks like it:
 * every transaction is SERIALIZABLE, and one that the engine refuses for
 * another's sake (40001, 40P01) is the caller's to try again.  No LISTEN, no LOCK
 * TABLE, no advisory locks, no sequences, no triggers, no functions.
 *
 * Transactions of the ledger are numbered without gaps, so writers go one after
 * the other in any case.  A writer therefore begins with the row that holds
 * that number: whoever comes second learns it before he has done anything, and
 * begins again with what the first has left.
 *
 * A connection that is lost is made again at the next transaction; what was
 * lost with it was not committed, or nobody was told so.
 */
#include "sql.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../apdu/error.h"

#define VALUES_MAX  16
#define NUMBER_CAP  24
#define BYTEA	    17 /* its number among the types, as in every release */
#define BEGIN_TRIES 200u

#define SET_UP                                                                 \
	"SET client_min_messages = warning;"                                   \
	"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL"           \
	" SERIALIZABLE"
/* Said each time: a session that was made again, or that somebody shares out
 * between us and the engine, may have forgotten what it was set to. */
#define BEGIN  "BEGIN ISOLATION LEVEL SERIALIZABLE"
#define WRITER "UPDATE sequence SET next = next WHERE name = 'posting'"

struct postgres {
	PGconn *pg;
	unsigned made; /* connections: a statement is of one */
	int64_t changes;
};

/* What is kept of a statement. */
struct prepared {
	char name[NUMBER_CAP];
	char *text; /* in their words */
	unsigned made;
};

static struct postgres *
of(const struct jz_store *s)
{
	return s->connection;
}

/* One line, without the line feed that libpq ends it with. */
static void
note(struct jz_store *s, const char *text)
{
	size_t len = strcspn(text, "\n");

	if (s->detail[0] == '\0')
		snprintf(s->detail, sizeof(s->detail), "%.*s", (int)len, text);
}

/*
 * Another one's changes were in the way, and nothing has been done.  Not so
 * 40003, by which a distributed engine says that it does not know whether it
 * has committed: what has no counter (a deposit) must not be done again.
 */
static bool
contended(const PGresult *r)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);

	return state != NULL &&
	    (strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0);
}

/* Takes the result; 0 when it is what was wanted. */
static int
judge(struct jz_store *s, PGresult *r, PGresult **keep)
{
	ExecStatusType status = PQresultStatus(r);
	int err = JZ_ERR_DATABASE;

	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
		if (keep != NULL)
			*keep = r;
		else
			PQclear(r);
		return 0;
	}
	if (contended(r))
		err = JZ_ERR_CONTENDED;
	else
		note(s, PQerrorMessage(of(s)->pg));
	PQclear(r);
	return err;
}

static int
say(struct jz_store *s, const char *sql)
{
	return judge(s, PQexec(of(s)->pg, sql), NULL);
}

/* ---- opened and closed --------------------------------------------------- */

/* What it warns of comes as an error where it matters. */
static void
say_nothing(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

static int
set_up(struct jz_store *s)
{
	struct postgres *p = of(s);

	p->made++;
	if (PQstatus(p->pg) != CONNECTION_OK) {
		note(s, PQerrorMessage(p->pg));
		return JZ_ERR_DATABASE;
	}
	return say(s, SET_UP);
}

/* Whether our tables are there. */
static int
count_tables(struct jz_store *s, int64_t *out)
{
	PGresult *r = NULL;
	int err = judge(s,
	    PQexec(of(s)->pg,
		"SELECT COUNT(*) FROM information_schema.tables"
		" WHERE table_schema = current_schema()"
		" AND table_name = 'schema_version'"),
	    &r);

	if (err == 0)
		*out = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
	PQclear(r);
	return err;
}

static int
open_uri(struct jz_store *s, const char *name, bool create)
{
	struct postgres *p = calloc(1, sizeof(*p));
	int64_t tables = 0;
	int err;

	if (p == NULL)
		return JZ_ERR_MEMORY;
	s->connection = p;
	p->pg = PQconnectdb(name);
	if (p->pg == NULL)
		return JZ_ERR_MEMORY;
	(void)PQsetNoticeProcessor(p->pg, say_nothing, NULL);
	err = set_up(s);
	if (err == 0)
		err = count_tables(s, &tables);
	if (err == 0 && create && tables != 0)
		err = JZ_ERR_EXISTS;
	if (err == 0 && !create && tables == 0)
		err = JZ_ERR_NOT_FOUND;
	return err;
}

static void
close_uri(struct jz_store *s)
{
	struct postgres *p = of(s);

	for (size_t k = 0; k < JZ_SQL_COUNT; k++) {
		struct prepared *st = s->rows[k].made;

		PQclear(s->rows[k].answer);
		if (st != NULL)
			free(st->text);
		free(st);
	}
	if (p != NULL)
		PQfinish(p->pg);
	free(p);
}

/* ---- transactions -------------------------------------------------------- */

static bool
within(const struct jz_store *s)
{
	PGTransactionStatusType t = PQtransactionStatus(of(s)->pg);

	return t == PQTRANS_INTRANS || t == PQTRANS_INERROR;
}

static int
begin_writer(struct jz_store *s)
{
	int err = JZ_ERR_CONTENDED;

	for (unsigned n = 0; err == JZ_ERR_CONTENDED && n < BEGIN_TRIES; n++) {
		err = say(s, BEGIN);
		if (err == 0 && s->ready)
			err = say(s, WRITER);
		if (err != 0 && within(s))
			(void)say(s, "ROLLBACK");
	}
	return err;
}

static int
begin(struct jz_store *s, bool write)
{
	if (PQstatus(of(s)->pg) != CONNECTION_OK) {
		PQreset(of(s)->pg);
		if (set_up(s) != 0)
			return JZ_ERR_DATABASE;
	}
	return write ? begin_writer(s) : say(s, BEGIN ", READ ONLY");
}

/* ---- statements ---------------------------------------------------------- */

static int
prepare(struct jz_store *s, enum jz_statement which, const char *text)
{
	struct prepared *st = s->rows[which].made;
	int err;

	if (st == NULL) {
		st = calloc(1, sizeof(*st));
		if (st == NULL)
			return JZ_ERR_MEMORY;
		s->rows[which].made = st;
		snprintf(st->name, sizeof(st->name), "s%d", (int)which);
		st->text = jz_dialect_query(text);
	}
	if (st->text == NULL)
		return JZ_ERR_MEMORY;
	if (st->made == of(s)->made)
		return 0;
	err = judge(s, PQprepare(of(s)->pg, st->name, st->text, 0, NULL), NULL);
	if (err == 0)
		st->made = of(s)->made;
	return err;
}

/* As the engine takes them: a number as text, the rest as bytes. */
struct parameters {
	const char *value[VALUES_MAX];
	int len[VALUES_MAX], binary[VALUES_MAX];
	char number[VALUES_MAX][NUMBER_CAP];
};

static void
set_parameters(const struct jz_value *values, size_t n, struct parameters *out)
{
	for (size_t k = 0; k < n; k++) {
		const struct jz_value *v = &values[k];

		out->binary[k] = v->type != JZ_VALUE_INT;
		if (v->type == JZ_VALUE_INT) {
			snprintf(out->number[k], NUMBER_CAP, "%lld",
			    (long long)v->number);
			out->value[k] = out->number[k];
			continue;
		}
		out->value[k] =
		    v->bytes.data != NULL ? (const char *)v->bytes.data : "";
		out->len[k] = (int)v->bytes.len;
	}
}

/* What needs no parameters, and can be said in any state. */
static bool
is_control(enum jz_statement which)
{
	return which == JZ_SQL_COMMIT || which == JZ_SQL_ROLLBACK ||
	    which == JZ_SQL_SAVEPOINT || which == JZ_SQL_RELEASE ||
	    which == JZ_SQL_ROLLBACK_TO;
}

/* A commit of what had failed is a rollback, and is said to be none. */
static int
control(struct jz_store *s, enum jz_statement which, const char *text,
    PGresult **out)
{
	int err = judge(s, PQexec(of(s)->pg, text), out);

	if (err == 0 && which == JZ_SQL_COMMIT &&
	    strcmp(PQcmdStatus(*out), "COMMIT") != 0) {
		PQclear(*out);
		*out = NULL;
		return jz_sql_wrong(s, "rolled back");
	}
	return err;
}

static int
query(struct jz_store *s, enum jz_statement which, const char *text,
    const struct jz_value *values, size_t n, bool brief)
{
	struct jz_rows *rows = &s->rows[which];
	struct parameters p = {0};
	PGresult *r = NULL;
	int err = 0;

	(void)brief;
	if (n > VALUES_MAX)
		return jz_sql_wrong(s, "too many parameters");
	if (is_control(which))
		err = control(s, which, text, &r);
	else {
		err = prepare(s, which, text);
		set_parameters(values, n, &p);
		if (err == 0)
			err = judge(s,
			    PQexecPrepared(of(s)->pg,
				((struct prepared *)rows->made)->name, (int)n,
				p.value, p.len, p.binary, 0),
			    &r);
	}
	if (err != 0)
		return err;
	PQclear(rows->answer);
	rows->answer = r;
	rows->at = -1;
	of(s)->changes = strtoll(PQcmdTuples(r), NULL, 10);
	return 0;
}

static int
row(struct jz_store *s, struct jz_rows *rows)
{
	(void)s;
	rows->at++;
	return rows->at < PQntuples(rows->answer) ? 0 : JZ_ERR_NOT_FOUND;
}

static void
done(struct jz_rows *rows)
{
	PQclear(rows->answer);
	rows->answer = NULL;
}

static int64_t
changes(const struct jz_store *s)
{
	return of(s)->changes;
}

static int64_t
integer(struct jz_rows *rows, int column)
{
	return strtoll(PQgetvalue(rows->answer, rows->at, column), NULL, 10);
}

static bool
null(struct jz_rows *rows, int column)
{
	return PQgetisnull(rows->answer, rows->at, column) != 0;
}

static bool
make_room(struct jz_rows *rows, size_t len)
{
	uint8_t *room;

	if (len <= rows->room_len)
		return true;
	room = realloc(rows->room, len);
	if (room == NULL)
		return false;
	rows->room = room;
	rows->room_len = len;
	return true;
}

static unsigned
digit(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10u;
}

/* Bytes come as \x and hexadecimal. */
static const uint8_t *
bytes(struct jz_rows *rows, int column, size_t *len)
{
	const char *text = PQgetvalue(rows->answer, rows->at, column);
	size_t n = (size_t)PQgetlength(rows->answer, rows->at, column);

	*len = n;
	if (PQftype(rows->answer, column) != BYTEA || n < 2)
		return (const uint8_t *)text;
	n = (n - 2) / 2;
	if (!make_room(rows, n + 1)) {
		*len = SIZE_MAX; /* fits nowhere */
		return NULL;
	}
	for (size_t k = 0; k < n; k++)
		rows->room[k] = (uint8_t)(digit(text[2 * k + 2]) << 4 |
		    digit(text[2 * k + 3]));
	*len = n;
	return rows->room;
}

/* ---- the schema ---------------------------------------------------------- */

static int
execute(struct jz_store *s, const char *sql)
{
	char *text = jz_dialect_schema(sql);
	int err = text == NULL ? JZ_ERR_MEMORY : say(s, text);

	free(text);
	return err;
}

static int
version(struct jz_store *s, int64_t *out)
{
	int64_t tables = 0;
	PGresult *r = NULL;
	int err = count_tables(s, &tables);

	*out = 0;
	if (err != 0 || tables == 0)
		return err;
	err = judge(
	    s, PQexec(of(s)->pg, "SELECT version FROM schema_version"), &r);
	if (err == 0 && PQntuples(r) != 1)
		err = jz_sql_wrong(s, "not an issuer's database");
	else if (err == 0)
		*out = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
	PQclear(r);
	return err;
}

static int
set_version(struct jz_store *s, int64_t v)
{
	char text[192];

	snprintf(text, sizeof(text),
	    v == 1 ? "CREATE TABLE schema_version (id BIGINT PRIMARY KEY,"
		     " version BIGINT NOT NULL);"
		     "INSERT INTO schema_version (id, version) VALUES (1, %lld)"
		   : "UPDATE schema_version SET version = %lld WHERE id = 1",
	    (long long)v);
	return say(s, text);
}

const struct jz_driver jz_driver_postgres = {
    .open = open_uri,
    .close = close_uri,
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
    .own = "--postgres\n",
};
