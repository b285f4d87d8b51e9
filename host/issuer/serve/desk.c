/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Submissions from many threads.
 *
 *   D1  the store is used by the thread of its gate alone, the reader under the
 *       lock, an engine by who has taken it;
 *   D2  the executor is asked when the counter's commit has been told, and what
 *       it said is written when its own has.
 */
#include "desk.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../../../apdu/error.h"
#include "../../../keys/openssl/openssl.h"
#include "../ahead.h"
#include "../esign_case.h"

#define ENGINES_MAX 64u
/* More than there are CPUs: most of them wait for a commit, or for a server. */
#define CLERKS 32u

struct jz_desk {
	const struct jz_esign_verifier *v;
	struct jz_gate *books, *store;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct jz_engine engine[ENGINES_MAX];
	unsigned n_engines;
	unsigned free_engine[ENGINES_MAX], n_free;
	pthread_t clerk[CLERKS];
	unsigned n_clerks;
	struct jz_gate_work *first, **last; /* who waits for one */
	bool closed;
};

/* ---- the store's gate --------------------------------------------------- */

_Static_assert(JZ_GATE_GROUP_MAX <= JZ_ESIGN_GROUP, "one transaction");

static void
write_group(void *desk, struct jz_gate_work *group)
{
	const struct jz_desk *d = desk;
	struct jz_esign_case *c[JZ_GATE_GROUP_MAX];
	size_t n = 0;

	for (struct jz_gate_work *w = group; w != NULL; w = w->next) {
		c[n++] = w->arg;
		w->err = 0;
	}
	jz_esign_write(d->v, c, n);
}

/* What came of it is in the case. */
static void
write_down(struct jz_desk *d, struct jz_esign_case *c)
{
	int err = jz_gate_do(d->store, NULL, c);

	if (err != 0)
		c->err = err;
}

/* ---- engines ------------------------------------------------------------ */

static unsigned
take_engine(struct jz_desk *d)
{
	unsigned k;

	(void)pthread_mutex_lock(&d->lock);
	while (d->n_free == 0)
		(void)pthread_cond_wait(&d->changed, &d->lock);
	k = d->free_engine[--d->n_free];
	(void)pthread_mutex_unlock(&d->lock);
	return k;
}

static void
give_back(struct jz_desk *d, unsigned k)
{
	(void)pthread_mutex_lock(&d->lock);
	d->free_engine[d->n_free++] = k;
	(void)pthread_cond_broadcast(&d->changed);
	(void)pthread_mutex_unlock(&d->lock);
}

static int
make_engines(struct jz_desk *d)
{
	unsigned want = jz_ahead_cpus();
	int err = 0;

	if (want > ENGINES_MAX)
		want = ENGINES_MAX;
	while (err == 0 && d->n_engines < want) {
		d->free_engine[d->n_free++] = d->n_engines;
		err = jz_openssl_new(
		    d->v->engine.crypto->suite, &d->engine[d->n_engines++]);
	}
	return err;
}

/* ---- a submission ------------------------------------------------------- */

static void
examine(struct jz_desk *d, struct jz_esign_case *c)
{
	unsigned k;

	/* Else it is examined where it is judged. */
	if (d->v->reader == NULL)
		return;
	(void)pthread_mutex_lock(&d->lock);
	jz_esign_look(d->v, d->v->reader, c); /* D1 */
	(void)pthread_mutex_unlock(&d->lock);
	if (!c->looked)
		return;
	k = take_engine(d);
	jz_esign_examine(d->v, &d->engine[k], c);
	give_back(d, k);
}

struct asking {
	const struct jz_esign_verifier *v;
	struct jz_esign_case *c;
};

/* At the gate to the books, again when it was in the way of another daemon's. */
static int
ask(void *arg, struct jz_issuer *i)
{
	struct asking *a = arg;

	(void)i;
	a->c->err = 0;
	jz_esign_execute(a->v, &a->c, 1);
	return a->c->err;
}

static void
execute(struct jz_desk *d, struct jz_esign_case *c)
{
	struct asking a = {d->v, c};

	if (d->v->executor.begin != NULL)
		c->err = jz_gate_do(d->books, ask, &a);
	else
		(void)ask(&a, NULL);
}

int
jz_desk_submit(struct jz_desk *d, struct jz_span submission,
    enum jz_esign_verdict *verdict)
{
	struct jz_esign_case *c = malloc(sizeof(*c));
	int err;

	if (c == NULL)
		return JZ_ERR_MEMORY;
	jz_esign_take(c, submission);
	examine(d, c);
	if (jz_esign_goes_on(c))
		write_down(d, c);
	if (jz_esign_goes_on(c)) {
		execute(d, c); /* D2 */
		if (jz_esign_goes_on(c))
			write_down(d, c);
	}
	*verdict = c->verdict;
	err = c->err;
	jz_esign_wipe(c);
	free(c);
	return err;
}

void
jz_desk_counts(struct jz_desk *d, uint64_t *groups, uint64_t *done)
{
	jz_gate_counts(d->store, groups, done);
}

/* ---- clerks -------------------------------------------------------------- */

static void *
serve(void *arg)
{
	struct jz_desk *d = arg;
	struct jz_gate_work *w;

	(void)pthread_mutex_lock(&d->lock);
	for (;;) {
		while (d->first == NULL && !d->closed)
			(void)pthread_cond_wait(&d->changed, &d->lock);
		if ((w = d->first) == NULL)
			break;
		d->first = w->next;
		if (d->first == NULL)
			d->last = &d->first;
		(void)pthread_mutex_unlock(&d->lock);
		w->err = w->f(w->arg, NULL);
		w->told(w);
		(void)pthread_mutex_lock(&d->lock);
	}
	(void)pthread_mutex_unlock(&d->lock);
	return NULL;
}

static int
make_clerks(struct jz_desk *d)
{
	while (d->n_clerks < CLERKS) {
		if (pthread_create(&d->clerk[d->n_clerks], NULL, serve, d) != 0)
			return JZ_ERR_SYSTEM;
		d->n_clerks++;
	}
	return 0;
}

void
jz_desk_post(struct jz_desk *d, struct jz_gate_work *w)
{
	bool closed;

	w->err = JZ_ERR_CONTENDED;
	w->next = NULL;
	(void)pthread_mutex_lock(&d->lock);
	closed = d->closed;
	if (!closed) {
		*d->last = w;
		d->last = &w->next;
		(void)pthread_cond_broadcast(&d->changed);
	}
	(void)pthread_mutex_unlock(&d->lock);
	if (closed)
		w->told(w);
}

void
jz_desk_close(struct jz_desk *d)
{
	(void)pthread_mutex_lock(&d->lock);
	d->closed = true;
	(void)pthread_cond_broadcast(&d->changed);
	(void)pthread_mutex_unlock(&d->lock);
	while (d->n_clerks > 0)
		(void)pthread_join(d->clerk[--d->n_clerks], NULL);
}

/* ---- opening and closing ------------------------------------------------ */

int
jz_desk_new(const struct jz_esign_verifier *v, struct jz_gate *books,
    struct jz_desk **out)
{
	struct jz_desk *d = calloc(1, sizeof(*d));
	int err;

	*out = NULL;
	if (d == NULL)
		return JZ_ERR_MEMORY;
	d->v = v;
	d->books = books;
	d->last = &d->first;
	(void)pthread_mutex_init(&d->lock, NULL);
	(void)pthread_cond_init(&d->changed, NULL);
	err = jz_gate_new_to(write_group, d, &d->store);
	if (err == 0)
		err = make_engines(d);
	if (err == 0)
		err = make_clerks(d);
	*out = d;
	if (err != 0)
		jz_desk_free(out);
	return err;
}

void
jz_desk_free(struct jz_desk **desk)
{
	struct jz_desk *d = *desk;

	if (d == NULL)
		return;
	jz_desk_close(d);
	for (unsigned k = 0; k < d->n_engines; k++)
		jz_openssl_free(&d->engine[k]);
	jz_gate_free(&d->store);
	(void)pthread_cond_destroy(&d->changed);
	(void)pthread_mutex_destroy(&d->lock);
	free(d);
	*desk = NULL;
}
