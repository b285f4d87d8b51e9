/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that work.  They share what is to be done, and a number that says
 * which part of it is the next to be taken.
 */
#define _GNU_SOURCE 1

#include "ahead.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"

#define THREADS_MAX 64u
/* Four records of a batch and the batch: what a list has room for is shared by
 * long messages and short ones. */
#define BYTES_EACH 512u

struct entry {
	uint8_t public_key[JZ_POINT_BYTES];
	uint8_t signature[JZ_SIGNATURE_BYTES];
	struct jz_span message; /* in the list's bytes */
	bool good;
};

struct jz_ahead_list {
	struct entry *entry;
	size_t n, cap;
	uint8_t *bytes;
	size_t used, bytes_cap;
};

struct worker {
	struct jz_ahead *ahead;
	struct jz_engine engine;
	pthread_t thread;
	bool runs;
};

struct jz_ahead {
	struct worker worker[THREADS_MAX]; /* the first is the caller */
	unsigned n_workers;
	pthread_mutex_t lock;
	pthread_cond_t begun, ended;
	jz_ahead_work *work; /* NULL: nothing to do */
	void *arg;
	size_t n;
	unsigned long round; /* counts the beginnings */
	unsigned busy;	     /* threads in this round */
	bool stop;
	atomic_size_t next;
};

/* ---- the list ----------------------------------------------------------- */

int
jz_ahead_list_new(size_t entries, struct jz_ahead_list **out)
{
	struct jz_ahead_list *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (l == NULL)
		return JZ_ERR_MEMORY;
	l->cap = entries;
	l->bytes_cap = entries * BYTES_EACH + JZ_BATCH_MAX;
	l->entry = calloc(entries, sizeof(*l->entry));
	l->bytes = malloc(l->bytes_cap);
	if (l->entry == NULL || l->bytes == NULL)
		jz_ahead_list_free(&l);
	*out = l;
	return l != NULL ? 0 : JZ_ERR_MEMORY;
}

void
jz_ahead_list_free(struct jz_ahead_list **l)
{
	if (*l == NULL)
		return;
	free((*l)->entry);
	free((*l)->bytes);
	free(*l);
	*l = NULL;
}

void
jz_ahead_list_clear(struct jz_ahead_list *l)
{
	l->n = 0;
	l->used = 0;
}

void
jz_ahead_add(struct jz_ahead_list *l,
    const uint8_t public_key[static JZ_POINT_BYTES], struct jz_span message,
    const uint8_t signature[static JZ_SIGNATURE_BYTES])
{
	struct entry *e;

	if (l->n == l->cap || message.len > l->bytes_cap - l->used)
		return;
	e = &l->entry[l->n++];
	memcpy(e->public_key, public_key, JZ_POINT_BYTES);
	memcpy(e->signature, signature, JZ_SIGNATURE_BYTES);
	memcpy(l->bytes + l->used, message.data, message.len);
	e->message = jz_span(l->bytes + l->used, message.len);
	e->good = false;
	l->used += message.len;
}

/* ---- the threads -------------------------------------------------------- */

/* Takes one after the other until none is left. */
static void
go_through(struct jz_ahead *a, const struct jz_engine *engine)
{
	size_t k;

	while ((k = atomic_fetch_add(&a->next, 1)) < a->n)
		a->work(a->arg, k, engine);
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct jz_ahead *a = w->ahead;
	unsigned long round = 0;

	(void)pthread_mutex_lock(&a->lock);
	while (!a->stop) {
		if (a->round == round) {
			(void)pthread_cond_wait(&a->begun, &a->lock);
			continue;
		}
		round = a->round;
		(void)pthread_mutex_unlock(&a->lock);
		go_through(a, &w->engine);
		(void)pthread_mutex_lock(&a->lock);
		if (--a->busy == 0)
			(void)pthread_cond_signal(&a->ended);
	}
	(void)pthread_mutex_unlock(&a->lock);
	return NULL;
}

unsigned
jz_ahead_cpus(void)
{
	cpu_set_t set;
	int n = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	return n < 1 ? 1 : (unsigned)n;
}

static int
start(struct jz_ahead *a, enum jz_suite suite, struct worker *w)
{
	int err = jz_openssl_new(suite, &w->engine);

	w->ahead = a;
	if (err != 0 || w == &a->worker[0])
		return err;
	if (pthread_create(&w->thread, NULL, work, w) != 0)
		return JZ_ERR_SYSTEM;
	w->runs = true;
	return 0;
}

int
jz_ahead_new(enum jz_suite suite, unsigned threads, struct jz_ahead **out)
{
	struct jz_ahead *a = calloc(1, sizeof(*a));
	int err = 0;

	*out = NULL;
	if (a == NULL)
		return JZ_ERR_MEMORY;
	(void)pthread_mutex_init(&a->lock, NULL);
	(void)pthread_cond_init(&a->begun, NULL);
	(void)pthread_cond_init(&a->ended, NULL);
	atomic_init(&a->next, 0);
	if (threads == 0)
		threads = jz_ahead_cpus();
	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	while (err == 0 && a->n_workers < threads)
		err = start(a, suite, &a->worker[a->n_workers++]);
	*out = a;
	if (err != 0)
		jz_ahead_free(out);
	return err;
}

void
jz_ahead_free(struct jz_ahead **ahead)
{
	struct jz_ahead *a = *ahead;

	if (a == NULL)
		return;
	(void)pthread_mutex_lock(&a->lock);
	a->stop = true;
	(void)pthread_cond_broadcast(&a->begun);
	(void)pthread_mutex_unlock(&a->lock);
	for (unsigned k = 0; k < a->n_workers; k++) {
		if (a->worker[k].runs)
			(void)pthread_join(a->worker[k].thread, NULL);
		jz_openssl_free(&a->worker[k].engine);
	}
	(void)pthread_cond_destroy(&a->ended);
	(void)pthread_cond_destroy(&a->begun);
	(void)pthread_mutex_destroy(&a->lock);
	free(a);
	*ahead = NULL;
}

void
jz_ahead_begin(struct jz_ahead *a, size_t n, jz_ahead_work *f, void *arg)
{
	(void)pthread_mutex_lock(&a->lock);
	a->work = f;
	a->arg = arg;
	a->n = n;
	atomic_store(&a->next, 0);
	a->busy = a->n_workers - 1;
	a->round++;
	(void)pthread_cond_broadcast(&a->begun);
	(void)pthread_mutex_unlock(&a->lock);
}

void
jz_ahead_end(struct jz_ahead *a)
{
	if (a->work == NULL)
		return;
	go_through(a, &a->worker[0].engine);
	(void)pthread_mutex_lock(&a->lock);
	while (a->busy > 0)
		(void)pthread_cond_wait(&a->ended, &a->lock);
	a->work = NULL;
	(void)pthread_mutex_unlock(&a->lock);
}

/* ---- a list, verified ---------------------------------------------------- */

static void
verify(void *arg, size_t k, const struct jz_engine *engine)
{
	struct jz_ahead_list *l = arg;
	struct entry *e = &l->entry[k];

	e->good = engine->crypto->verify(engine->state, e->public_key,
		      &e->message, 1, e->signature) == 0;
}

void
jz_ahead_list_begin(struct jz_ahead *a, struct jz_ahead_list *l)
{
	jz_ahead_begin(a, l->n, verify, l);
}

void
jz_ahead_list_end(
    struct jz_ahead *a, struct jz_ahead_list *l, struct jz_engine *base)
{
	jz_ahead_end(a);
	for (size_t k = 0; k < l->n; k++) {
		const struct entry *e = &l->entry[k];

		/* What cannot be told is verified again. */
		if (e->good)
			(void)jz_openssl_verified(
			    base, e->public_key, &e->message, 1, e->signature);
	}
}
