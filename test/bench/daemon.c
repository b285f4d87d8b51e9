/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads through the issuer's daemon, over TLS, by several clients at once; each
 * is a request with its permission and a report, durable before it is answered.
 *
 * The floor does, for as many loads, one after the other: the same clients, TLS
 * and bodies against a handler that always answers the same; the bare
 * cryptography (three signatures, two verifications); and bare commits of an
 * insert and two updates for each request, in groups as large as the daemon has
 * made them meanwhile.
 */
#define _POSIX_C_SOURCE 200809L

#include "bench.h"
#include "loads.h"
#include "world.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../host/wire.h"

#define ANSWER	65536u
#define REQUEST (2u * JZ_MESSAGE_MAX + 64u)
#define ALONE	LOADS_EACH /* loads of a client alone, in one go */
#define GOES	10u
#define TIMED	(ALONE * GOES)

enum { BEGIN, ENTRY, BALANCE, COMMIT, STATEMENTS };

struct loading {
	struct rig *rig;
	struct jz_issuer *issuer; /* the daemon's */
	struct daemon daemon, same;
	struct constant *constant;
	char permission[ANSWER], done[ANSWER];
	struct buyer buyer[LOADS_CLIENTS];
	struct world_keys keys;
	sqlite3 *bare;
	sqlite3_stmt *st[STATEMENTS];
	unsigned long groups, requests; /* counted before the last loads */
	unsigned group;			/* what these were committed in */
};

/* What the daemon has counted. */
static unsigned long
counted(const struct daemon *d, const char *name)
{
	static char text[ANSWER];
	const char *at;

	if (daemon_ask(
		d, "GET", JZ_WIRE_METRICS, NULL, 0, text, sizeof(text)) != 200)
		return 0;
	at = strstr(text, name);
	return at != NULL ? strtoul(at + strlen(name), NULL, 10) : 0;
}

static void
count(struct loading *l)
{
	unsigned long groups = counted(&l->daemon, "\njiaozi_commits_total ");
	unsigned long requests =
	    counted(&l->daemon, "\njiaozi_committed_total ");

	l->group = groups > l->groups
	    ? (unsigned)((requests - l->requests) / (groups - l->groups))
	    : 1;
	if (l->group == 0)
		l->group = 1;
	l->groups = groups;
	l->requests = requests;
}

/* ---- both sides ---------------------------------------------------------- */

static int
ours(void *arg)
{
	struct loading *l = arg;

	return loads_run(l->buyer, LOADS_CLIENTS, LOADS_LOAD, LOADS_EACH);
}

static int
step(struct loading *l, unsigned which)
{
	int rc = sqlite3_step(l->st[which]);

	(void)sqlite3_reset(l->st[which]);
	return rc == SQLITE_DONE ? 0 : JZ_ERR_DATABASE;
}

static int
bare_request(struct loading *l)
{
	int e = step(l, ENTRY);

	for (int k = 0; e == 0 && k < 2; k++) {
		(void)sqlite3_bind_int(l->st[BALANCE], 1, k == 0 ? -1 : 1);
		(void)sqlite3_bind_int(l->st[BALANCE], 2, k + 1);
		e = step(l, BALANCE);
	}
	return e;
}

static int
bare_commits(struct loading *l, unsigned requests, unsigned group)
{
	int e = 0;

	for (unsigned n = 0; e == 0 && n < requests; n += group) {
		e = step(l, BEGIN);
		for (unsigned k = 0; e == 0 && k < group; k++)
			e = bare_request(l);
		if (e == 0)
			e = step(l, COMMIT);
	}
	return e;
}

static int
least(void *arg)
{
	static const struct world_list LIST = {
	    .signatures = 3, .verifications = 2};
	struct loading *l = arg;
	int e;

	count(l);
	e = loads_run(l->buyer, LOADS_CLIENTS, LOADS_SAME, LOADS_EACH);
	for (unsigned n = 0; e == 0 && n < LOADS; n++)
		e = world_crypto(&l->keys, &LIST);
	return e != 0 ? e : bare_commits(l, 2 * LOADS, l->group);
}

/* ---- set up -------------------------------------------------------------- */

static int
open_bare(struct loading *l)
{
	static const char *const TEXT[STATEMENTS] = {
	    [BEGIN] = "BEGIN IMMEDIATE",
	    [ENTRY] = "INSERT INTO entry (bytes) VALUES (zeroblob(600))",
	    [BALANCE] = "UPDATE balance SET n = n + ? WHERE id = ?",
	    [COMMIT] = "COMMIT",
	};
	char name[128];
	bool good;

	snprintf(name, sizeof(name), "%s/bare.db", l->rig->parent);
	good = sqlite3_open(name, &l->bare) == SQLITE_OK &&
	    sqlite3_exec(l->bare,
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		"CREATE TABLE entry (id INTEGER PRIMARY KEY, bytes BLOB);"
		"CREATE TABLE balance (id INTEGER PRIMARY KEY, n INTEGER);"
		"INSERT INTO balance VALUES (1, 0), (2, 0)",
		0, 0, 0) == SQLITE_OK;
	for (int k = 0; good && k < STATEMENTS; k++)
		good = sqlite3_prepare_v2(
			   l->bare, TEXT[k], -1, &l->st[k], NULL) == SQLITE_OK;
	return good ? 0 : JZ_ERR_DATABASE;
}

static int
take_answer(struct loading *l, const char *path, const struct letter *of,
    char out[static ANSWER])
{
	char body[REQUEST];
	json_t *hex = jz_wire_hex(letter_span(of));
	int n = snprintf(body, sizeof(body), "{\"message\":\"%s\"}",
	    hex != NULL ? json_string_value(hex) : "");

	json_decref(hex);
	if (n < 0 || (size_t)n >= sizeof(body))
		return JZ_ERR_SPACE;
	return daemon_ask(&l->daemon, "POST", path, body, (size_t)n, out,
		   ANSWER) == 200
	    ? 0
	    : JZ_ERR_INTERNAL;
}

/* What the daemon says to the last load is what the other one always says. */
static int
start_constant(struct loading *l)
{
	int e =
	    take_answer(l, JZ_WIRE_PERMIT, &l->buyer[0].request, l->permission);

	if (e == 0)
		e = take_answer(
		    l, JZ_WIRE_REPORT, &l->buyer[0].report, l->done);
	if (e == 0)
		e = constant_start(&l->daemon, LOADS_CLIENTS, l->permission,
		    l->done, &l->constant);
	if (e != 0)
		return e;
	constant_daemon(l->constant, &l->daemon, &l->same);
	for (unsigned n = 0; n < LOADS_CLIENTS; n++)
		l->buyer[n].same = daemon_bank(&l->same, 30);
	return 0;
}

static int
start(struct loading *l, enum jz_suite suite)
{
	void *state = NULL;
	int e;

	(void)rig_setup(&state);
	l->rig = state;
	daemon_new(&l->daemon);
	l->issuer = rig_open(l->rig);
	daemon_start(&l->daemon, l->issuer,
	    (struct jz_server_options){.workers = LOADS_CLIENTS});
	for (unsigned n = 0; n < LOADS_CLIENTS; n++)
		buyer_new(&l->buyer[n], l->rig, &l->daemon, suite);
	e = world_keys_new(&l->keys, suite);
	return e == 0 ? open_bare(l) : e;
}

static void
stop(struct loading *l)
{
	void *state = l->rig;

	for (unsigned n = 0; n < LOADS_CLIENTS; n++)
		buyer_free(&l->buyer[n]);
	constant_stop(&l->constant);
	daemon_free(&l->daemon);
	jz_issuer_free(&l->issuer);
	for (int k = 0; k < STATEMENTS; k++)
		(void)sqlite3_finalize(l->st[k]);
	sqlite3_close(l->bare);
	world_keys_free(&l->keys);
	(void)rig_teardown(&state);
}

/* ---- latency ------------------------------------------------------------- */

/* A load of a client alone, and what it is made of. */
enum { WHOLE, CARD, NETWORK, ISSUER, DISK, PARTS };

static int
by_seconds(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int
over_the_network(struct loading *l, double s[static PARTS][TIMED])
{
	struct buyer *u = &l->buyer[0];

	for (unsigned go = 0; go < GOES; go++) {
		int e = loads_run(u, 1, LOADS_LOAD, ALONE);

		memcpy(&s[WHOLE][go * ALONE], u->seconds, sizeof(u->seconds));
		memcpy(&s[CARD][go * ALONE], u->signing, sizeof(u->signing));
		if (e == 0)
			e = loads_run(u, 1, LOADS_SAME, ALONE);
		if (e != 0)
			return e;
		memcpy(&s[NETWORK][go * ALONE], u->seconds, sizeof(u->seconds));
	}
	return 0;
}

/* One question as the gate asks it: what the issuer does, and the commit. */
static int
in_process(struct jz_issuer *i, struct jz_span question,
    struct jz_buffer *permission, double *issuer, double *disk)
{
	double began = loads_now(), judged;
	int e = jz_issuer_group_begin(i);

	if (e != 0)
		return e;
	e = permission != NULL ? jz_issuer_load_permit(i, question, permission)
			       : jz_issuer_load_report(i, question);
	judged = loads_now();
	e = jz_issuer_group_end(i, e);
	*issuer += judged - began;
	*disk += loads_now() - judged;
	return e;
}

static int
without_network(struct loading *l, double s[static PARTS][TIMED])
{
	struct fakecard *c = &l->buyer[0].card;
	int e = jz_issuer_remember(l->rig->issuer); /* as a daemon's does */

	for (unsigned n = 0; e == 0 && n < TIMED; n++) {
		struct jz_message m = fakecard_load_request(c, 1);
		struct letter request = fakecard_sign(c, &m), report, in;
		struct jz_buffer b = jz_buffer(in.data, sizeof(in.data));

		s[ISSUER][n] = s[DISK][n] = 0;
		e = in_process(l->rig->issuer, letter_span(&request), &b,
		    &s[ISSUER][n], &s[DISK][n]);
		if (e != 0)
			break;
		in.len = b.len;
		m = fakecard_load_report(c, &in);
		report = letter_of(&m);
		e = in_process(l->rig->issuer, letter_span(&report), NULL,
		    &s[ISSUER][n], &s[DISK][n]);
	}
	return e;
}

static void
figures(struct bench *b, double s[static PARTS][TIMED], bool gm)
{
	static const char *const NAME[PARTS][2][2] = {
	    {{"load alone, median, nist", "load alone, median, gm"},
		{"load alone, 99 of 100, nist", "load alone, 99 of 100, gm"}},
	    {{"  card, two signatures, median", "  card, median, gm"},
		{"  card, 99 of 100", "  card, 99 of 100, gm"}},
	    {{"  TLS and network, median", "  TLS and network, median, gm"},
		{"  TLS and network, 99 of 100",
		    "  TLS and network, 99 of 100, gm"}},
	    {{"  issuer and its books, median",
		 "  issuer and its books, median, gm"},
		{"  issuer and its books, 99 of 100",
		    "  issuer and its books, 99, gm"}},
	    {{"  two commits, median", "  two commits, median, gm"},
		{"  two commits, 99 of 100", "  two commits, 99 of 100, gm"}},
	};
	static const size_t AT[] = {TIMED / 2, TIMED - 1 - TIMED / 100};

	for (int part = 0; part < PARTS; part++)
		qsort(s[part], TIMED, sizeof(double), by_seconds);
	for (int rank = 0; rank < 2; rank++)
		for (int part = 0; part < PARTS; part++)
			bench_figure(b,
			    &(struct bench_result){.name = NAME[part][rank][gm],
				.floor_name = "the whole load",
				.unit = "us",
				.clock = BENCH_WALL,
				.value = 1e6 * s[part][AT[rank]],
				.floor = 1e6 * s[WHOLE][AT[rank]]});
}

static int
latency(struct bench *b, struct loading *l, bool gm)
{
	static double s[PARTS][TIMED];
	int e = over_the_network(l, s);

	if (e == 0)
		e = without_network(l, s);
	if (e == 0)
		figures(b, s, gm);
	return e;
}

/* ---- the rows ------------------------------------------------------------ */

static int
unloads(struct bench *b, struct loading *l, bool gm)
{
	double began = loads_now(), us, load;
	int e = loads_run(l->buyer, LOADS_CLIENTS, LOADS_LOAD, LOADS_EACH);

	load = 1e6 * (loads_now() - began) / LOADS;
	began = loads_now();
	if (e == 0)
		e = loads_run(
		    l->buyer, LOADS_CLIENTS, LOADS_UNLOAD, LOADS_EACH);
	us = 1e6 * (loads_now() - began) / LOADS;
	if (e == 0)
		bench_figure(b,
		    &(struct bench_result){.name = gm
			    ? "unload over TLS, 8 clients, gm"
			    : "unload over TLS, 8 clients, nist",
			.floor_name = "a load, just before",
			.unit = "us",
			.clock = BENCH_WALL,
			.value = us,
			.floor = load});
	return e;
}

static int
all_rows(struct bench *b, struct loading *l, bool gm)
{
	const struct bench_case c = {.name = gm
		? "load over TLS, SQLite, 8 clients, gm"
		: "load over TLS, SQLite, 8 clients, nist",
	    .floor_name =
		"the same to a constant handler, cryptography, commits",
	    .ours = ours,
	    .least = least,
	    .arg = l,
	    .aim = "80 % of the floor's rate",
	    .goal = 1.25,
	    .clock = BENCH_WALL};
	int e = ours(l); /* there are groups, and bodies to send again */

	if (e == 0)
		e = start_constant(l);
	if (e == 0)
		e = bench_run_parts(b, &c, LOADS);
	if (e == 0)
		e = unloads(b, l, gm);
	return e == 0 ? latency(b, l, gm) : e;
}

int
bench_daemon(struct bench *b, struct world *w)
{
	struct loading *l = calloc(1, sizeof(*l));
	const char *postgres = getenv(LOADS_POSTGRES);
	char *kept = postgres != NULL ? strdup(postgres) : NULL;
	int e = l == NULL ? JZ_ERR_MEMORY : 0;

	(void)unsetenv(LOADS_POSTGRES);
	(void)setenv("JIAOZI_TEST_SUITE", w->suite_name, 1);
	if (e == 0) {
		e = start(l, w->suite);
		if (e == 0)
			e = all_rows(b, l, w->suite == JZ_SUITE_GM);
		stop(l);
	}
	free(l);
	(void)unsetenv("JIAOZI_TEST_SUITE");
	if (kept != NULL)
		(void)setenv(LOADS_POSTGRES, kept, 1);
	free(kept);
	return e;
}
