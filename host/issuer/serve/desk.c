/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Submissions from many threads.
 *
 *   D1  the store is used by the leader of its gate alone, the reader under the
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

struct jz_desk {
	const struct jz_esign_verifier *v;
	struct jz_gate *books, *store;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct jz_engine engine[ENGINES_MAX];
	unsigned n_engines;
	unsigned free_engine[ENGINES_MAX], n_free;
};

/* ---- the store's gate --------------------------------------------------- */

_Static_assert(JZ_GATE_GROUP_MAX <= JZ_ESIGN_GROUP, "one transaction");

static void
write_group(void *arg, void *const *work, size_t n)
{
	const struct jz_desk *d = arg;
	struct jz_esign_case *c[JZ_GATE_GROUP_MAX];

	for (size_t k = 0; k < n; k++)
		c[k] = work[k];
	jz_esign_write(d->v, c, n);
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
	(void)pthread_cond_signal(&d->changed);
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

/* By the leader at the gate to the books, again when it was in the way of
 * another daemon's. */
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
		jz_gate_pass(d->store, c);
	if (jz_esign_goes_on(c)) {
		execute(d, c); /* D2 */
		if (jz_esign_goes_on(c))
			jz_gate_pass(d->store, c);
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
	(void)pthread_mutex_init(&d->lock, NULL);
	(void)pthread_cond_init(&d->changed, NULL);
	err = jz_gate_new_to(write_group, d, &d->store);
	if (err == 0)
		err = make_engines(d);
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
	for (unsigned k = 0; k < d->n_engines; k++)
		jz_openssl_free(&d->engine[k]);
	jz_gate_free(&d->store);
	(void)pthread_cond_destroy(&d->changed);
	(void)pthread_mutex_destroy(&d->lock);
	free(d);
	*desk = NULL;
}
