/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L

#include "rigpostgres.h"

#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NAMES_MAX 64
#define SQL_CAP	  512

static PGconn *
connect_to(const char *uri)
{
	PGconn *c = PQconnectdb(uri);

	assert_non_null(c);
	if (PQstatus(c) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(c));
	PQclear(PQexec(c, "SET client_min_messages = warning"));
	return c;
}

static const char *
schema_of(const struct rig *r)
{
	return strstr(r->store, "%3D") + 3;
}

static void
schema_name(char out[static 64])
{
	static unsigned n;

	snprintf(out, 64, "jz_%ld_%u", (long)getpid(), ++n);
}

void
rig_postgres_begin(struct rig *r)
{
	const char *uri = getenv("JIAOZI_TEST_POSTGRES");
	char name[64], sql[SQL_CAP];
	PGconn *c;
	PGresult *x;

	if (uri == NULL || uri[0] == '\0')
		return;
	schema_name(name);
	c = connect_to(uri);
	snprintf(sql, sizeof(sql), "CREATE SCHEMA %s", name);
	x = PQexec(c, sql);
	assert_int_equal(PQresultStatus(x), PGRES_COMMAND_OK);
	PQclear(x);
	PQfinish(c);
	snprintf(r->store, sizeof(r->store), "%s%soptions=-csearch_path%%3D%s",
	    uri, strchr(uri, '?') != NULL ? "&" : "?", name);
}

void
rig_postgres_end(struct rig *r)
{
	const char *name;
	char sql[SQL_CAP];
	PGconn *c;

	if (r->store[0] == '\0')
		return;
	name = schema_of(r);
	c = connect_to(r->store);
	snprintf(sql, sizeof(sql), "DROP SCHEMA %s CASCADE", name);
	PQclear(PQexec(c, sql));
	PQfinish(c);
}

int64_t
rig_postgres_number(const struct rig *r, const char *sql)
{
	PGconn *c = connect_to(r->store);
	PGresult *x = PQexec(c, sql);
	int64_t n;

	if (PQresultStatus(x) != PGRES_TUPLES_OK)
		fail_msg("%s", PQerrorMessage(c));
	n = strtoll(PQgetvalue(x, 0, 0), NULL, 10);
	PQclear(x);
	PQfinish(c);
	return n;
}

/* FNV-1a, 64 bits. */
static uint64_t
mix(uint64_t hash, const char *text)
{
	do
		hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001B3);
	while (*text++ != '\0');
	return hash;
}

static uint64_t
mix_table(PGconn *c, const char *table, uint64_t hash)
{
	char sql[SQL_CAP];
	PGresult *x;

	snprintf(sql, sizeof(sql), "SELECT * FROM %s ORDER BY 1, 2", table);
	hash = mix(hash, table);
	x = PQexec(c, sql);
	if (PQresultStatus(x) != PGRES_TUPLES_OK)
		fail_msg("%s", PQerrorMessage(c));
	for (int k = 0; k < PQntuples(x); k++)
		for (int f = 0; f < PQnfields(x); f++)
			hash = mix(hash, PQgetvalue(x, k, f));
	PQclear(x);
	return hash;
}

#define EACH_TABLE                                                             \
	"SELECT table_name FROM information_schema.tables"                     \
	" WHERE table_schema = current_schema() ORDER BY table_name"

uint64_t
rig_postgres_snapshot(const struct rig *r, bool refusals)
{
	uint64_t hash = UINT64_C(0xCBF29CE484222325);
	PGconn *c = connect_to(r->store);
	PGresult *x = PQexec(c, EACH_TABLE);

	assert_int_equal(PQresultStatus(x), PGRES_TUPLES_OK);
	assert_in_range(PQntuples(x), 10, NAMES_MAX);
	for (int k = 0; k < PQntuples(x); k++)
		if (refusals || !rig_is_about_refusals(PQgetvalue(x, k, 0)))
			hash = mix_table(c, PQgetvalue(x, k, 0), hash);
	PQclear(x);
	PQfinish(c);
	return hash;
}

/* ---- a copy, in a schema beside ours ------------------------------------- */

static void
say(PGconn *c, const char *sql)
{
	PGresult *x = PQexec(c, sql);

	if (PQresultStatus(x) != PGRES_COMMAND_OK)
		fail_msg("%s", PQerrorMessage(c));
	PQclear(x);
}

/* Each of our tables, by a statement with its name and the copy's schema. */
static void
each_table(const struct rig *r, PGconn *c,
    void (*put)(char *sql, size_t cap, const char *table, const char *schema))
{
	PGresult *x = PQexec(c, EACH_TABLE);
	char sql[SQL_CAP];

	assert_int_equal(PQresultStatus(x), PGRES_TUPLES_OK);
	for (int k = 0; k < PQntuples(x); k++) {
		put(sql, sizeof(sql), PQgetvalue(x, k, 0), schema_of(r));
		say(c, sql);
	}
	PQclear(x);
}

static void
copy_out(char *sql, size_t cap, const char *table, const char *schema)
{
	snprintf(sql, cap, "CREATE TABLE %s_backup.%s AS TABLE %s", schema,
	    table, table);
}

static void
copy_in(char *sql, size_t cap, const char *table, const char *schema)
{
	snprintf(sql, cap,
	    "DELETE FROM %s; INSERT INTO %s SELECT * FROM %s_backup.%s", table,
	    table, schema, table);
}

void
rig_postgres_backup(const struct rig *r)
{
	PGconn *c = connect_to(r->store);
	char sql[SQL_CAP];

	snprintf(sql, sizeof(sql), "CREATE SCHEMA %s_backup", schema_of(r));
	say(c, sql);
	each_table(r, c, copy_out);
	PQfinish(c);
}

void
rig_postgres_put_back(const struct rig *r)
{
	PGconn *c = connect_to(r->store);
	char sql[SQL_CAP];

	/* In any order: nobody looks for what a row refers to. */
	say(c, "SET session_replication_role = replica");
	each_table(r, c, copy_in);
	snprintf(
	    sql, sizeof(sql), "DROP SCHEMA %s_backup CASCADE", schema_of(r));
	say(c, sql);
	PQfinish(c);
}
