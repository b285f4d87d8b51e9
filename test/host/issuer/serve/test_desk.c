/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Submissions from many threads at once: each executed once, in the issuer's
 * books or by a third party, several in one commit.
 */
#define _POSIX_C_SOURCE 200809L

#include "../../../support/issuerrig.h"
#include "../../../support/signer.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../../../../apdu/error.h"
#include "../../../../host/issuer/serve/desk.h"

#define CARDS	   8u
#define EACH	   12u
#define LETTERS	   (CARDS * EACH)
#define THREADS	   (2 * CARDS)
#define AMOUNT	   7
#define PATIENCE_S 8

struct letter_of_card {
	uint8_t data[JZ_ESIGN_SUBMISSION_MAX];
	size_t len;
};

static struct jz_issuer_esign esign;
static struct signer card[CARDS];
static struct letter_of_card letters[LETTERS]; /* a card's one after another */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void
sign(unsigned k, struct letter_of_card *l)
{
	struct jz_buffer b = jz_buffer(l->data, sizeof(l->data));
	const struct signer_order o = {
	    .to = "shop", .amount = AMOUNT, .currency = RIG_CURRENCY};

	assert_int_equal(signer_sign(&card[k], &esign.verifier, &o, &b), 0);
	l->len = b.len;
}

static int
setup(void **state)
{
	static char id[CARDS][JZ_ID_BYTES + 1];
	struct rig *r;

	assert_int_equal(rig_setup(state), 0);
	r = *state;
	assert_int_equal(jz_issuer_account_open(r->issuer, "from", "a"), 0);
	assert_int_equal(jz_issuer_account_open(r->issuer, "shop", "b"), 0);
	assert_int_equal(jz_issuer_deposit(r->issuer, "from", 100000), 0);
	assert_int_equal(
	    jz_issuer_esign_open(r->issuer, r->dir, rig_passphrase(), &esign),
	    0);
	for (unsigned k = 0; k < CARDS; k++) {
		sprintf(id[k], "CN0000000030%04u", k);
		assert_int_equal(
		    signer_new(&card[k], &esign.verifier, id[k], "from"), 0);
	}
	return 0;
}

static int
teardown(void **state)
{
	for (unsigned k = 0; k < CARDS; k++)
		signer_free(&card[k]);
	jz_issuer_esign_close(&esign);
	return rig_teardown(state);
}

static void
sign_all(void)
{
	for (unsigned k = 0; k < CARDS; k++)
		for (unsigned i = 0; i < EACH; i++)
			sign(k, &letters[k * EACH + i]);
}

/* ---- threads ------------------------------------------------------------- */

struct hand {
	struct jz_desk *desk;
	unsigned number;
	int err[EACH];
	enum jz_esign_verdict verdict[EACH];
	pthread_t thread;
};

/* Two hands submit what a card has signed. */
static void *
submit_all(void *arg)
{
	struct hand *h = arg;

	for (unsigned i = 0; i < EACH; i++) {
		const struct letter_of_card *l =
		    &letters[h->number % CARDS * EACH + i];

		h->err[i] = jz_desk_submit(
		    h->desk, jz_span(l->data, l->len), &h->verdict[i]);
	}
	return NULL;
}

static void
run(struct jz_desk *desk, struct hand h[static THREADS])
{
	memset(h, 0, THREADS * sizeof(*h));
	for (unsigned k = 0; k < THREADS; k++) {
		h[k].desk = desk;
		h[k].number = k;
		assert_int_equal(
		    pthread_create(&h[k].thread, NULL, submit_all, &h[k]), 0);
	}
	for (unsigned k = 0; k < THREADS; k++)
		assert_int_equal(pthread_join(h[k].thread, NULL), 0);
}

/* One of the two hears that it is executed, the other that it was before. */
static void
assert_each_once(const struct hand *h)
{
	for (unsigned k = 0; k < CARDS; k++) {
		for (unsigned i = 0; i < EACH; i++) {
			const struct hand *a = &h[k], *b = &h[k + CARDS];

			assert_int_equal(a->err[i], 0);
			assert_int_equal(b->err[i], 0);
			assert_int_equal(a->verdict[i] + b->verdict[i],
			    JZ_ESIGN_EXECUTED + JZ_ESIGN_EXECUTED_BEFORE);
		}
	}
}

static int64_t
balance(struct rig *r)
{
	int64_t minor;

	assert_int_equal(
	    jz_issuer_account_balance(r->issuer, "shop", &minor), 0);
	return minor;
}

/* proves: JPS-13 JPS-15 (at once) */
static void
test_books_at_once_each_once(void **state)
{
	struct rig *r = *state;
	struct hand h[THREADS];
	struct jz_gate *gate = NULL;
	struct jz_desk *desk = NULL;
	int64_t before = balance(r);
	uint64_t groups, done;

	sign_all();
	assert_int_equal(jz_gate_new(r->issuer, &gate), 0);
	assert_int_equal(jz_desk_new(&esign.verifier, gate, &desk), 0);
	run(desk, h);
	assert_each_once(h);
	assert_true(balance(r) - before == AMOUNT * (int64_t)LETTERS);
	jz_desk_counts(desk, &groups, &done);
	assert_true(done >= 3 * LETTERS && done <= 4 * LETTERS);
	assert_true(groups < done);
	jz_desk_free(&desk);
	jz_gate_free(&gate);
}

/* ---- a third party ------------------------------------------------------- */

struct server {
	char reference[LETTERS][JZ_ESIGN_REFERENCE_CAP];
	unsigned n;
	unsigned waits_for; /* so many others before the first is answered */
	bool late;	    /* they did not come */
};

static int
execute(void *arg, const struct jz_esign_transfer *t)
{
	struct server *s = arg;
	struct timespec until;
	unsigned k = 0;

	(void)pthread_mutex_lock(&lock);
	while (k < s->n && strcmp(s->reference[k], t->reference) != 0)
		k++;
	if (k == s->n) {
		assert_in_range(s->n, 0, LETTERS - 1);
		strcpy(s->reference[s->n++], t->reference);
	}
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	while (k == 0 && s->n <= s->waits_for && !s->late)
		s->late = pthread_cond_timedwait(&changed, &lock, &until) != 0;
	(void)pthread_cond_broadcast(&changed);
	(void)pthread_mutex_unlock(&lock);
	return 0;
}

/* One that is slow holds up nobody else.  proves: JPS-15 JPS-20 (at once) */
static void
test_a_third_party_at_once_each_once(void **state)
{
	struct rig *r = *state;
	struct jz_esign_verifier v = esign.verifier;
	struct server server = {.waits_for = LETTERS - EACH};
	struct hand h[THREADS];
	struct jz_gate *gate = NULL;
	struct jz_desk *desk = NULL;
	int64_t before = balance(r);

	sign_all();
	v.executor =
	    (struct jz_esign_executor){.execute = execute, .arg = &server};
	assert_int_equal(jz_gate_new(r->issuer, &gate), 0);
	assert_int_equal(jz_desk_new(&v, gate, &desk), 0);
	run(desk, h);
	assert_each_once(h);
	assert_int_equal(server.n, LETTERS);
	assert_false(server.late);
	assert_true(balance(r) == before);
	jz_desk_free(&desk);
	jz_gate_free(&gate);
}

/* ---- several in one commit ----------------------------------------------- */

static unsigned begun;

/* The first is slow, so that the others wait for it together. */
static int
slow_begin(void *store)
{
	static const struct timespec LONG = {0, 200 * 1000 * 1000};

	if (begun++ == 0)
		(void)nanosleep(&LONG, NULL);
	return jz_esign_sqlite.begin(store);
}

/* Without a reader each is examined where it is judged. */
static void
test_several_share_a_commit(void **state)
{
	struct rig *r = *state;
	struct jz_esign_verifier v = esign.verifier;
	struct jz_esign_store store = jz_esign_sqlite;
	struct hand h[THREADS];
	struct jz_gate *gate = NULL;
	struct jz_desk *desk = NULL;
	uint64_t groups, done;

	sign_all();
	store.begin = slow_begin;
	v.store = &store;
	v.reader = NULL;
	begun = 0;
	assert_int_equal(jz_gate_new(r->issuer, &gate), 0);
	assert_int_equal(jz_desk_new(&v, gate, &desk), 0);
	run(desk, h);
	assert_each_once(h);
	jz_desk_counts(desk, &groups, &done);
	assert_true(groups + THREADS / 2 < done);
	assert_true(begun == groups);
	jz_desk_free(&desk);
	jz_gate_free(&gate);
}

/* ---- what does not go on ------------------------------------------------- */

static int
no_begin(void *store)
{
	(void)store;
	return JZ_ERR_DATABASE;
}

static void
test_what_is_refused_goes_to_nobody(void **state)
{
	struct rig *r = *state;
	struct jz_esign_verifier v = esign.verifier;
	struct jz_esign_store store = jz_esign_sqlite;
	struct letter_of_card l;
	enum jz_esign_verdict verdict;
	struct jz_gate *gate = NULL;
	struct jz_desk *desk = NULL;
	uint64_t groups, done;

	v.store = &store;
	assert_int_equal(jz_gate_new(r->issuer, &gate), 0);
	assert_int_equal(jz_desk_new(&v, gate, &desk), 0);
	sign(0, &l);
	assert_int_equal(
	    jz_desk_submit(desk, jz_span(l.data, l.len - 1), &verdict), 0);
	assert_int_equal(verdict, JZ_ESIGN_MALFORMED);
	jz_desk_counts(desk, &groups, &done);
	assert_int_equal(done, 0);
	l.data[l.len - 1] ^= 1;
	assert_int_equal(
	    jz_desk_submit(desk, jz_span(l.data, l.len), &verdict), 0);
	assert_int_equal(verdict, JZ_ESIGN_PASSWORD);
	jz_gate_counts(gate, &groups, &done);
	assert_int_equal(done, 0);
	l.data[l.len - 1] ^= 1;
	store.begin = no_begin;
	assert_int_equal(jz_desk_submit(desk, jz_span(l.data, l.len), &verdict),
	    JZ_ERR_DATABASE);
	jz_gate_counts(gate, &groups, &done);
	assert_int_equal(done, 0);
	store.begin = jz_esign_sqlite.begin;
	assert_int_equal(
	    jz_desk_submit(desk, jz_span(l.data, l.len), &verdict), 0);
	assert_int_equal(verdict, JZ_ESIGN_EXECUTED);
	jz_desk_free(&desk);
	jz_gate_free(&gate);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_books_at_once_each_once, rig_after),
	    cmocka_unit_test_teardown(
		test_a_third_party_at_once_each_once, rig_after),
	    cmocka_unit_test_teardown(test_several_share_a_commit, rig_after),
	    cmocka_unit_test_teardown(
		test_what_is_refused_goes_to_nobody, rig_after),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
