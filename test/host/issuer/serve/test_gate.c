/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate: what comes while it is busy shares one commit, and whoever has come
 * is told; and a worker serves others while the store keeps one waiting.
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../../../../apdu/error.h"
#include "../../../../host/issuer/serve/gate.h"
#include "../../../../host/wire.h"
#include "../../../../keys/openssl/openssl.h"
#include "../../../support/daemon.h"
#include "../../../support/issuerrig.h"
#include "../../../support/suite.h"

#define MANY	  5u
#define DEPOSIT	  10000
#define AMOUNT	  2500
#define ANSWER	  65536
#define TIMEOUT_S 20
#define TRIES	  2000 /* of 5 ms */
#define STEADY	  10

static void
pause_shortly(void)
{
	static const struct timespec TICK = {0, 5 * 1000 * 1000};

	(void)nanosleep(&TICK, NULL);
}

/* ---- groups -------------------------------------------------------------- */

struct door {
	pthread_mutex_t lock;
	bool entered, open;
	unsigned told;
};

static bool
look(struct door *d, const bool *what)
{
	bool is;

	(void)pthread_mutex_lock(&d->lock);
	is = *what;
	(void)pthread_mutex_unlock(&d->lock);
	return is;
}

static void
set(struct door *d, bool *what)
{
	(void)pthread_mutex_lock(&d->lock);
	*what = true;
	(void)pthread_mutex_unlock(&d->lock);
}

static int
stand_in_the_door(void *arg, struct jz_issuer *i)
{
	struct door *d = arg;

	(void)i;
	set(d, &d->entered);
	for (unsigned n = 0; n < TRIES && !look(d, &d->open); n++)
		pause_shortly();
	return 0;
}

static int
pass(void *arg, struct jz_issuer *i)
{
	(void)arg;
	(void)i;
	return JZ_ERR_REFUSED;
}

static void
told(struct jz_gate_work *w)
{
	struct door *d = w->arg;

	(void)pthread_mutex_lock(&d->lock);
	d->told++;
	(void)pthread_mutex_unlock(&d->lock);
}

static void
test_group(void **state)
{
	struct rig *r = *state;
	struct door d = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct jz_gate_work first = {
	    .f = stand_in_the_door, .arg = &d, .told = told};
	struct jz_gate_work more[MANY];
	struct jz_gate *g = NULL;
	uint64_t groups = 0, done = 0;

	assert_int_equal(jz_gate_new(r->issuer, &g), 0);
	jz_gate_post(g, &first);
	for (unsigned n = 0; n < TRIES && !look(&d, &d.entered); n++)
		pause_shortly();
	for (unsigned n = 0; n < MANY; n++) {
		more[n] =
		    (struct jz_gate_work){.f = pass, .arg = &d, .told = told};
		jz_gate_post(g, &more[n]);
	}
	assert_int_equal(d.told, 0);
	set(&d, &d.open);
	/* Whoever has come is told. */
	jz_gate_close(g);
	assert_int_equal(d.told, 1 + MANY);
	assert_int_equal(first.err, 0);
	for (unsigned n = 0; n < MANY; n++)
		assert_int_equal(more[n].err, JZ_ERR_REFUSED);
	jz_gate_counts(g, &groups, &done);
	assert_int_equal(groups, 2);
	assert_int_equal(done, 1 + MANY);
	jz_gate_free(&g);
}

static void
test_closed(void **state)
{
	struct rig *r = *state;
	struct jz_gate *g = NULL;
	struct door d = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct jz_gate_work w = {.f = pass, .arg = &d, .told = told};

	assert_int_equal(jz_gate_new(r->issuer, &g), 0);
	jz_gate_close(g);
	jz_gate_post(g, &w);
	assert_int_equal(d.told, 1);
	assert_int_equal(w.err, JZ_ERR_CONTENDED);
	assert_int_equal(jz_gate_do(g, pass, NULL), JZ_ERR_CONTENDED);
	jz_gate_free(&g);
}

/* ---- a worker ------------------------------------------------------------ */

struct buyer {
	struct fakecard card;
	struct jz_bank *bank;
	int err;
};

static void *
run_buyer(void *arg)
{
	struct buyer *b = arg;
	struct jz_message m = fakecard_load_request(&b->card, AMOUNT);
	struct letter l = fakecard_sign(&b->card, &m), permission;
	struct jz_buffer out =
	    jz_buffer(permission.data, sizeof(permission.data));

	b->err = b->bank->ops->permit(b->bank, letter_span(&l), &out);
	return NULL;
}

static unsigned long
in_flight(const struct daemon *d)
{
	static char text[ANSWER];
	static const char NAME[] = "\njiaozi_in_flight ";
	const char *at;

	assert_int_equal(
	    daemon_ask(d, "GET", JZ_WIRE_METRICS, NULL, 0, text, sizeof(text)),
	    200);
	at = strstr(text, NAME);
	assert_non_null(at);
	return strtoul(at + sizeof(NAME) - 1, NULL, 10);
}

/* One worker, a load that waits for the store: the worker answers others. */
static void
test_worker_goes_on(void **state)
{
	struct rig *r = *state;
	struct buyer b = {.err = JZ_ERR_INTERNAL};
	unsigned steady = 0;
	struct daemon d;
	pthread_t thread;
	sqlite3 *db = NULL;

	rig_sqlite_only(r);
	rig_card(r, &b.card, DEPOSIT);
	assert_int_equal(jz_openssl_new(test_suite(), &b.card.engine), 0);
	daemon_new(&d);
	daemon_start(&d, r->issuer, (struct jz_server_options){.workers = 1});
	b.bank = daemon_bank(&d, TIMEOUT_S);
	assert_int_equal(sqlite3_open(r->database, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "BEGIN IMMEDIATE", 0, 0, 0), SQLITE_OK);
	assert_int_equal(pthread_create(&thread, NULL, run_buyer, &b), 0);
	/* The question itself is one.  Again and again: a worker that stood
	 * there would answer one when the store has turned it away. */
	for (unsigned k = 0; k < TRIES && steady < STEADY; k++) {
		steady = in_flight(&d) == 2 ? steady + 1 : 0;
		pause_shortly();
	}
	assert_int_equal(sqlite3_exec(db, "ROLLBACK", 0, 0, 0), SQLITE_OK);
	sqlite3_close(db);
	(void)pthread_join(thread, NULL);
	assert_int_equal(steady, STEADY);
	assert_int_equal(b.err, 0);
	jz_bank_free(&b.bank);
	daemon_free(&d);
	jz_openssl_free(&b.card.engine);
	assert_int_equal(rig_balance(r, &b.card), DEPOSIT - AMOUNT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_group, rig_after),
	    cmocka_unit_test_teardown(test_closed, rig_after),
	    cmocka_unit_test_teardown(test_worker_goes_on, rig_after),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
