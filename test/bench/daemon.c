/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads through the issuer's daemon, over TLS, by several clients at once; each
 * is a request with its permission and a report, durable before it is answered.
 *
 * The floor does, for as many loads, one after the other: the same client, TLS
 * and bodies against a daemon that answers at once (the bodies are no
 * messages); the bare cryptography (two signatures verified, one made); and
 * bare commits of an insert and two updates, in groups as large as the daemon
 * has made them.
 *
 * With PostgreSQL (JIAOZI_TEST_POSTGRES) 1, 2 and 4 daemons serve one store;
 * the floor is one.
 */
#define _POSIX_C_SOURCE 200809L

#include "bench.h"
#include "world.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"
#include "../support/daemon.h"
#include "../support/issuerrig.h"

#define CLIENTS	  8u
#define EACH	  10u
#define LOADS	  (CLIENTS * EACH)
#define DAEMONS	  4u
#define DEPOSIT	  100000000u
#define TIMEOUT_S 30u
#define POSTGRES  "JIAOZI_TEST_POSTGRES"
#define ANSWER	  65536u

struct buyer {
	struct fakecard card;
	struct jz_bank *bank;
	struct letter request, report; /* of the last load */
	double seconds[EACH];
	bool empty; /* asks what is no message */
	int error;
};

struct loading {
	struct rig *rig;
	struct daemon daemon[DAEMONS];
	struct jz_issuer *issuer[DAEMONS];
	unsigned daemons;
	struct buyer buyer[CLIENTS];
	sqlite3 *bare;
	unsigned long groups, done;
};

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- ours ---------------------------------------------------------------- */

static int
one_load(struct buyer *u)
{
	struct jz_message m = fakecard_load_request(&u->card, 1);
	struct letter permission;
	struct jz_buffer b =
	    jz_buffer(permission.data, sizeof(permission.data));
	int e;

	u->request = fakecard_sign(&u->card, &m);
	e = u->bank->ops->permit(u->bank, letter_span(&u->request), &b);
	if (e != 0)
		return e;
	permission.len = b.len;
	m = fakecard_load_report(&u->card, &permission);
	u->report = letter_of(&m);
	return u->bank->ops->report(u->bank, letter_span(&u->report));
}

/* As many bytes, and no message: refused without a look at the books. */
static int
no_load(struct buyer *u)
{
	struct letter in = u->request, out;
	struct jz_buffer b = jz_buffer(out.data, sizeof(out.data));

	in.data[0] ^= 1;
	if (u->bank->ops->permit(u->bank, letter_span(&in), &b) !=
	    JZ_ERR_REFUSED)
		return JZ_ERR_INTERNAL;
	in = u->report;
	in.data[0] ^= 1;
	return u->bank->ops->report(u->bank, letter_span(&in)) == JZ_ERR_REFUSED
	    ? 0
	    : JZ_ERR_INTERNAL;
}

static void *
run_buyer(void *arg)
{
	struct buyer *u = arg;

	for (unsigned n = 0; n < EACH && u->error == 0; n++) {
		double began = now();

		u->error = u->empty ? no_load(u) : one_load(u);
		u->seconds[n] = now() - began;
	}
	return NULL;
}

static int
run_buyers(struct loading *l, bool empty)
{
	pthread_t thread[CLIENTS];
	int e = 0;

	for (unsigned n = 0; n < CLIENTS; n++) {
		l->buyer[n].empty = empty;
		l->buyer[n].error = 0;
		if (pthread_create(&thread[n], NULL, run_buyer, &l->buyer[n]) !=
		    0)
			return JZ_ERR_SYSTEM;
	}
	for (unsigned n = 0; n < CLIENTS; n++) {
		(void)pthread_join(thread[n], NULL);
		if (e == 0)
			e = l->buyer[n].error;
	}
	return e;
}

/* What the first daemon has counted. */
static unsigned long
counted(const struct daemon *d, const char *name)
{
	static char text[ANSWER];
	const char *at;

	if (daemon_ask(d, "GET", "/metrics", NULL, 0, text, sizeof(text)) !=
	    200)
		return 0;
	at = strstr(text, name);
	return at != NULL ? strtoul(at + strlen(name), NULL, 10) : 0;
}

static int
ours(void *arg)
{
	struct loading *l = arg;
	int e = run_buyers(l, false);

	return e;
}

/* ---- the floor ----------------------------------------------------------- */

static int
bare_crypto(struct loading *l)
{
	struct buyer *u = &l->buyer[0];
	struct jz_message m;
	int e = 0;

	for (unsigned n = 0; e == 0 && n < LOADS; n++) {
		e = jz_message_decode(
		    letter_span(&u->request), JZ_KIND_LOAD_REQUEST, &m);
		for (unsigned k = 0; e == 0 && k < 2; k++)
			e = jz_message_verify(
			    &u->card.engine, &m, u->card.key.public_key);
		if (e == 0)
			e = jz_message_sign(&u->card.engine, &m, &u->card.key);
	}
	return e;
}

static int
bare_commits(struct loading *l)
{
	unsigned group = l->groups > 0 ? (unsigned)(l->done / l->groups) : 1;
	int rc = SQLITE_OK;

	if (group == 0)
		group = 1;
	for (unsigned n = 0; rc == SQLITE_OK && n < 2 * LOADS; n += group) {
		rc = sqlite3_exec(l->bare, "BEGIN IMMEDIATE", 0, 0, 0);
		for (unsigned k = 0; rc == SQLITE_OK && k < group; k++)
			rc = sqlite3_exec(l->bare,
			    "INSERT INTO entry (bytes) VALUES (zeroblob(600));"
			    "UPDATE balance SET n = n - 1 WHERE id = 1;"
			    "UPDATE balance SET n = n + 1 WHERE id = 2",
			    0, 0, 0);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(l->bare, "COMMIT", 0, 0, 0);
	}
	return rc == SQLITE_OK ? 0 : JZ_ERR_DATABASE;
}

static int
least(void *arg)
{
	struct loading *l = arg;
	int e;

	l->groups = counted(&l->daemon[0], "\njiaozi_commits_total ");
	l->done = counted(&l->daemon[0], "\njiaozi_committed_total ");
	e = run_buyers(l, true);
	if (e == 0)
		e = bare_crypto(l);
	return e != 0 ? e : bare_commits(l);
}

/* ---- the rows ------------------------------------------------------------ */

static int
open_bare(struct loading *l)
{
	char name[128];

	snprintf(name, sizeof(name), "%s/bare.db", l->rig->parent);
	return sqlite3_open(name, &l->bare) == SQLITE_OK &&
		sqlite3_exec(l->bare,
		    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		    "CREATE TABLE entry (id INTEGER PRIMARY KEY, bytes BLOB);"
		    "CREATE TABLE balance (id INTEGER PRIMARY KEY, n INTEGER);"
		    "INSERT INTO balance VALUES (1, 0), (2, 0)",
		    0, 0, 0) == SQLITE_OK
	    ? 0
	    : JZ_ERR_DATABASE;
}

static void
start(struct loading *l, unsigned daemons)
{
	void *state = NULL;

	(void)rig_setup(&state);
	l->rig = state;
	l->daemons = daemons;
	for (unsigned n = 0; n < daemons; n++) {
		l->issuer[n] = rig_open(l->rig);
		daemon_new(&l->daemon[n]);
		daemon_start(&l->daemon[n], l->issuer[n],
		    (struct jz_server_options){.workers = CLIENTS});
	}
	for (unsigned n = 0; n < CLIENTS; n++) {
		rig_card(l->rig, &l->buyer[n].card, DEPOSIT);
		/* An engine is one thread's. */
		(void)jz_openssl_new(JZ_SUITE_NIST, &l->buyer[n].card.engine);
		l->buyer[n].bank =
		    daemon_bank(&l->daemon[n % daemons], TIMEOUT_S);
	}
}

static void
stop(struct loading *l)
{
	void *state = l->rig;

	for (unsigned n = 0; n < CLIENTS; n++) {
		jz_bank_free(&l->buyer[n].bank);
		jz_openssl_free(&l->buyer[n].card.engine);
	}
	for (unsigned n = 0; n < l->daemons; n++) {
		daemon_free(&l->daemon[n]);
		jz_issuer_free(&l->issuer[n]);
	}
	sqlite3_close(l->bare);
	(void)rig_teardown(&state);
}

static int
by_seconds(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of the last sample: median and 99th percentile of a load, and of an empty
 * one, which is the network's part of it. */
static int
latency(struct bench *b, struct loading *l)
{
	double s[2][LOADS];

	for (unsigned kind = 0; kind < 2; kind++) {
		int e = run_buyers(l, kind == 1);

		if (e != 0)
			return e;
		for (unsigned n = 0; n < CLIENTS; n++)
			memcpy(&s[kind][n * EACH], l->buyer[n].seconds,
			    sizeof(l->buyer[n].seconds));
		qsort(s[kind], LOADS, sizeof(double), by_seconds);
	}
	bench_figure(b,
	    &(struct bench_result){.name = "load over TLS, median",
		.floor_name = "the same without issuer",
		.unit = "us",
		.value = 1e6 * s[0][LOADS / 2],
		.floor = 1e6 * s[1][LOADS / 2]});
	bench_figure(b,
	    &(struct bench_result){.name = "load over TLS, 99 of 100",
		.floor_name = "the same without issuer",
		.unit = "us",
		.value = 1e6 * s[0][LOADS - 1 - LOADS / 100],
		.floor = 1e6 * s[1][LOADS - 1 - LOADS / 100]});
	return 0;
}

static int
with_sqlite(struct bench *b, struct loading *l)
{
	const struct bench_case c = {
	    .name = "load over TLS, SQLite durable, 8 clients",
	    .floor_name = "TLS, cryptography, commits",
	    .ours = ours,
	    .least = least,
	    .arg = l,
	    .aim = "80 % of the floor's rate",
	    .goal = 1.25,
	    .clock = BENCH_WALL};
	int e;

	start(l, 1);
	e = open_bare(l);
	if (e == 0)
		e = ours(l); /* there are groups, and messages to send */
	if (e == 0)
		e = bench_run_parts(b, &c, LOADS);
	if (e == 0)
		e = latency(b, l);
	stop(l);
	return e;
}

/* Microseconds a load. */
static int
measure(unsigned daemons, double *out)
{
	struct loading *l = calloc(1, sizeof(*l));
	double began;
	int e;

	if (l == NULL)
		return JZ_ERR_MEMORY;
	start(l, daemons);
	e = ours(l);
	began = now();
	for (unsigned n = 0; e == 0 && n < 3; n++)
		e = ours(l);
	*out = 1e6 * (now() - began) / (3 * LOADS);
	stop(l);
	free(l);
	return e;
}

static int
with_postgres(struct bench *b)
{
	static const struct {
		unsigned daemons;
		const char *name;
	} ROWS[] = {{1, "load over TLS, PostgreSQL, 1 daemon"},
	    {2, "load over TLS, PostgreSQL, 2 daemons"},
	    {DAEMONS, "load over TLS, PostgreSQL, 4 daemons"}};
	double one = 0, us;
	int e = 0;

	for (size_t k = 0; e == 0 && k < sizeof(ROWS) / sizeof(ROWS[0]); k++) {
		e = measure(ROWS[k].daemons, &us);
		if (k == 0)
			one = us;
		if (e == 0)
			bench_figure(b,
			    &(struct bench_result){.name = ROWS[k].name,
				.floor_name = "1 daemon",
				.unit = "us",
				.value = us,
				.floor = one});
	}
	return e;
}

int
bench_daemon(struct bench *b, struct world *w)
{
	struct loading *l = calloc(1, sizeof(*l));
	const char *postgres = getenv(POSTGRES);
	char *kept = postgres != NULL ? strdup(postgres) : NULL;
	int e = l == NULL ? JZ_ERR_MEMORY : 0;

	(void)w;
	(void)unsetenv(POSTGRES);
	if (e == 0)
		e = with_sqlite(b, l);
	free(l);
	if (e == 0 && kept != NULL) {
		(void)setenv(POSTGRES, kept, 1);
		e = with_postgres(b);
	} else
		bench_skip(b, "loads with PostgreSQL: there is none");
	free(kept);
	return e;
}
