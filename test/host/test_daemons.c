/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many customers at one daemon, and several daemons of one issuer: each load
 * and unload is done once (LOD-12).
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"
#include "../support/daemon.h"
#include "../support/issuerrig.h"
#include "../support/suite.h"

#define AMOUNT	  2500u
#define DEPOSIT	  1000000u
#define THREADS	  8
#define EACH	  20
#define TIMEOUT_S 20

/* ---- many at once -------------------------------------------------------- */

struct customer {
	struct rig *rig;
	struct fakecard card;
	const struct daemon *d;
	unsigned done;
};

static bool
one_load(struct customer *u, struct jz_bank *bank)
{
	struct jz_message m = fakecard_load_request(&u->card, 1);
	struct letter l = fakecard_sign(&u->card, &m);
	struct jz_buffer b;

	b = jz_buffer(l.data, sizeof(l.data));
	if (bank->ops->permit(bank, letter_span(&l), &b) != 0)
		return false;
	l.len = b.len;
	m = fakecard_load_report(&u->card, &l);
	l = letter_of(&m);
	return bank->ops->report(bank, letter_span(&l)) == 0;
}

static void *
load_many(void *arg)
{
	struct customer *u = arg;
	struct jz_bank *bank = daemon_bank(u->d, TIMEOUT_S);

	for (unsigned n = 0; n < EACH; n++)
		u->done += one_load(u, bank);
	jz_bank_free(&bank);
	return NULL;
}

static void
run_customers(struct rig *r, const struct daemon *d, unsigned daemons)
{
	struct customer *u = calloc(THREADS, sizeof(*u));
	pthread_t thread[THREADS];

	assert_non_null(u);
	for (unsigned n = 0; n < THREADS; n++) {
		rig_card(r, &u[n].card, DEPOSIT);
		/* An engine is one thread's. */
		assert_int_equal(
		    jz_openssl_new(test_suite(), &u[n].card.engine), 0);
		u[n].d = &d[n % daemons];
	}
	for (unsigned n = 0; n < THREADS; n++)
		assert_int_equal(
		    pthread_create(&thread[n], NULL, load_many, &u[n]), 0);
	for (unsigned n = 0; n < THREADS; n++)
		assert_int_equal(pthread_join(thread[n], NULL), 0);
	for (unsigned n = 0; n < THREADS; n++) {
		jz_openssl_free(&u[n].card.engine);
		assert_int_equal(u[n].done, EACH);
		assert_int_equal(rig_shadow(r, &u[n].card), EACH);
		assert_int_equal(rig_balance(r, &u[n].card), DEPOSIT - EACH);
	}
	free(u);
}

/* Many threads, one issuer; and what was committed together is counted. */
static void
test_many_customers(void **state)
{
	struct rig *r = *state;
	struct daemon d;

	daemon_new(&d);
	daemon_start(&d, r->issuer, (struct jz_server_options){0});
	run_customers(r, &d, 1);
	daemon_free(&d);
}

/* Two daemons of one issuer, side by side. */
static void
test_two_daemons(void **state)
{
	struct rig *r = *state;
	struct jz_issuer *other = rig_open(r);
	struct daemon d[2];

	for (unsigned k = 0; k < 2; k++) {
		daemon_new(&d[k]);
		daemon_start(&d[k], k == 0 ? r->issuer : other,
		    (struct jz_server_options){0});
	}
	run_customers(r, d, 2);
	daemon_free(&d[0]);
	daemon_free(&d[1]);
	jz_issuer_free(&other);
}

struct racer {
	const struct daemon *d;
	const struct letter *request;
	struct letter permission;
	int err;
	enum jz_refusal refusal;
};

static void *
race(void *arg)
{
	struct racer *x = arg;
	struct jz_bank *bank = daemon_bank(x->d, TIMEOUT_S);
	struct jz_buffer b =
	    jz_buffer(x->permission.data, sizeof(x->permission.data));

	x->err = bank->ops->permit(bank, letter_span(x->request), &b);
	x->permission.len = b.len;
	jz_bank_free(&bank);
	return NULL;
}

/* A proof for an acknowledgement, at either daemon. */
static void *
race_proof(void *arg)
{
	struct racer *x = arg;
	struct jz_bank *bank = daemon_bank(x->d, TIMEOUT_S);
	struct jz_buffer b =
	    jz_buffer(x->permission.data, sizeof(x->permission.data));

	x->err = bank->ops->unload(bank, letter_span(x->request), &b);
	x->refusal = jz_bank_refusal(bank);
	x->permission.len = b.len;
	jz_bank_free(&bank);
	return NULL;
}

/* Four at once, two at each; all get the same answer. */
static void
race_all(const struct daemon d[static 2], const struct letter *request,
    void *(*how)(void *arg))
{
	struct racer x[4];
	pthread_t thread[4];

	for (unsigned k = 0; k < 4; k++) {
		x[k].d = &d[k % 2];
		x[k].request = request;
		assert_int_equal(
		    pthread_create(&thread[k], NULL, how, &x[k]), 0);
	}
	for (unsigned k = 0; k < 4; k++) {
		assert_int_equal(pthread_join(thread[k], NULL), 0);
		assert_int_equal(x[k].err, 0);
		assert_int_equal(x[k].permission.len, x[0].permission.len);
		assert_memory_equal(x[k].permission.data, x[0].permission.data,
		    x[0].permission.len);
	}
}

/* One card's request at two daemons at once: one debit, one answer for both. */
static void
test_same_load_at_both(void **state)
{
	struct rig *r = *state;
	struct jz_issuer *other = rig_open(r);
	struct daemon d[2];
	struct fakecard c;

	rig_card(r, &c, DEPOSIT);
	for (unsigned k = 0; k < 2; k++) {
		daemon_new(&d[k]);
		daemon_start(&d[k], k == 0 ? r->issuer : other,
		    (struct jz_server_options){0});
	}
	for (unsigned round = 1; round <= 5; round++) {
		struct jz_message m = fakecard_load_request(&c, AMOUNT);
		struct letter request = fakecard_sign(&c, &m);

		race_all(d, &request, race);
		assert_int_equal(rig_balance(r, &c), DEPOSIT - round * AMOUNT);
	}
	daemon_free(&d[0]);
	daemon_free(&d[1]);
	jz_issuer_free(&other);
}

/* The same of an unload's proof: one credit. */
static void
test_same_unload_at_both(void **state)
{
	struct rig *r = *state;
	struct jz_issuer *other = rig_open(r);
	struct daemon d[2];
	struct fakecard c;

	rig_card(r, &c, DEPOSIT);
	(void)rig_load(r, &c, DEPOSIT);
	for (unsigned k = 0; k < 2; k++) {
		daemon_new(&d[k]);
		daemon_start(&d[k], k == 0 ? r->issuer : other,
		    (struct jz_server_options){0});
	}
	for (unsigned round = 1; round <= 5; round++) {
		struct letter proof = rig_debit_card(r, &c, AMOUNT);

		race_all(d, &proof, race_proof);
		assert_int_equal(rig_balance(r, &c), round * AMOUNT);
		assert_int_equal(rig_shadow(r, &c), DEPOSIT - round * AMOUNT);
	}
	daemon_free(&d[0]);
	daemon_free(&d[1]);
	jz_issuer_free(&other);
}

static void *
race_report(void *arg)
{
	struct racer *x = arg;
	struct jz_bank *bank = daemon_bank(x->d, TIMEOUT_S);

	x->err = bank->ops->report(bank, letter_span(x->request));
	x->refusal = jz_bank_refusal(bank);
	jz_bank_free(&bank);
	return NULL;
}

/* A card and its copy use one counter, for a load here and an unload there. */
static void
load_or_unload(struct rig *r, const struct daemon d[static 2], unsigned first)
{
	struct fakecard c, copy;
	struct letter permission, request, report, proof;
	struct racer x[2] = {{.d = &d[0]}, {.d = &d[1]}};
	void *(*const how[2])(void *arg) = {race_report, race_proof};
	pthread_t thread[2];
	struct jz_message m;

	rig_card(r, &c, DEPOSIT);
	(void)rig_load(r, &c, AMOUNT);
	copy = c;
	m = fakecard_load_request(&c, 1);
	request = fakecard_sign(&c, &m);
	permission = rig_permit(r, &request);
	m = fakecard_load_report(&c, &permission);
	report = letter_of(&m);
	proof = rig_debit_card(r, &copy, AMOUNT);
	x[0].request = &report;
	x[1].request = &proof;
	for (unsigned k = first; k < first + 2; k++)
		assert_int_equal(
		    pthread_create(&thread[k % 2], NULL, how[k % 2], &x[k % 2]),
		    0);
	for (unsigned k = 0; k < 2; k++)
		assert_int_equal(pthread_join(thread[k], NULL), 0);
	assert_true((x[0].err == 0) != (x[1].err == 0));
	for (unsigned k = 0; k < 2; k++)
		if (x[k].err != 0) {
			assert_int_equal(x[k].err, JZ_ERR_REFUSED);
			assert_int_equal(x[k].refusal, JZ_REFUSAL_CONFLICT);
		}
	assert_int_equal(rig_balance(r, &c),
	    DEPOSIT - AMOUNT - 1 + (x[1].err == 0 ? AMOUNT : 0));
	assert_int_equal(rig_shadow(r, &c), x[1].err == 0 ? 0 : AMOUNT + 1);
}

/* LOD-12: one of them is booked, at whichever daemon, and the other refused. */
static void
test_load_or_unload(void **state)
{
	struct rig *r = *state;
	struct jz_issuer *other = rig_open(r);
	struct daemon d[2];

	for (unsigned k = 0; k < 2; k++) {
		daemon_new(&d[k]);
		daemon_start(&d[k], k == 0 ? r->issuer : other,
		    (struct jz_server_options){0});
	}
	for (unsigned round = 0; round < 6; round++)
		load_or_unload(r, d, round);
	daemon_free(&d[0]);
	daemon_free(&d[1]);
	jz_issuer_free(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_many_customers, rig_after),
	    cmocka_unit_test_teardown(test_two_daemons, rig_after),
	    cmocka_unit_test_teardown(test_same_load_at_both, rig_after),
	    cmocka_unit_test_teardown(test_same_unload_at_both, rig_after),
	    cmocka_unit_test_teardown(test_load_or_unload, rig_after),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
