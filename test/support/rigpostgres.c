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
	name = strstr(r->store, "%3D") + 3;
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

uint64_t
rig_postgres_snapshot(const struct rig *r, bool refusals)
{
	uint64_t hash = UINT64_C(0xCBF29CE484222325);
	PGconn *c = connect_to(r->store);
	PGresult *x = PQexec(c,
	    "SELECT table_name FROM information_schema.tables"
	    " WHERE table_schema = current_schema() ORDER BY table_name");

	assert_int_equal(PQresultStatus(x), PGRES_TUPLES_OK);
	assert_in_range(PQntuples(x), 10, NAMES_MAX);
	for (int k = 0; k < PQntuples(x); k++)
		if (refusals || !rig_is_about_refusals(PQgetvalue(x, k, 0)))
			hash = mix_table(c, PQgetvalue(x, k, 0), hash);
	PQclear(x);
	PQfinish(c);
	return hash;
}
