/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit: leader and followers.
 *
 *   G1  what is behind the gate is used by the leader alone, and there is one;
 *   G2  who has waited is told after his group's commit, never before.
 */
#include "gate.h"

#include <pthread.h>
#include <stdlib.h>

#include "../../../apdu/error.h"

/* Another daemon's turn comes to an end; a store that is never free is out of
 * order. */
#define CONTENDED_MAX 100

struct place {
	void *work;
	bool done;
	struct place *next;
};

struct jz_gate {
	jz_gate_group *together;
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct place *first, **last; /* who waits */
	bool led;
	uint64_t groups, done;
};

int
jz_gate_new_to(jz_gate_group *together, void *arg, struct jz_gate **out)
{
	struct jz_gate *g = calloc(1, sizeof(*g));

	*out = NULL;
	if (g == NULL)
		return JZ_ERR_MEMORY;
	if (pthread_mutex_init(&g->lock, NULL) != 0) {
		free(g);
		return JZ_ERR_SYSTEM;
	}
	if (pthread_cond_init(&g->changed, NULL) != 0) {
		(void)pthread_mutex_destroy(&g->lock);
		free(g);
		return JZ_ERR_SYSTEM;
	}
	g->together = together;
	g->arg = arg;
	g->last = &g->first;
	*out = g;
	return 0;
}

void
jz_gate_free(struct jz_gate **gate)
{
	struct jz_gate *g = *gate;

	if (g == NULL)
		return;
	(void)pthread_cond_destroy(&g->changed);
	(void)pthread_mutex_destroy(&g->lock);
	free(g);
	*gate = NULL;
}

/* ---- leading and following ---------------------------------------------- */

/* Takes up to JZ_GATE_GROUP_MAX of those who wait; locked. */
static struct place *
take(struct jz_gate *g, void *work[static JZ_GATE_GROUP_MAX], size_t *n)
{
	struct place *group = g->first, **end = &group;

	for (*n = 0; *end != NULL && *n < JZ_GATE_GROUP_MAX; ++*n) {
		work[*n] = (*end)->work;
		end = &(*end)->next;
	}
	g->first = *end;
	if (g->first == NULL)
		g->last = &g->first;
	*end = NULL;
	return group;
}

static void
lead(struct jz_gate *g)
{
	void *work[JZ_GATE_GROUP_MAX];
	size_t n;
	struct place *group = take(g, work, &n), *next;

	g->led = true;
	(void)pthread_mutex_unlock(&g->lock);
	g->together(g->arg, work, n);
	(void)pthread_mutex_lock(&g->lock);
	g->led = false;
	g->groups++;
	/* Who is told is gone, and his place with him. */
	for (struct place *p = group; p != NULL; p = next) {
		next = p->next;
		g->done++;
		p->done = true; /* G2 */
	}
	(void)pthread_cond_broadcast(&g->changed);
}

/* Out of the list again before this returns. */
static void
wait_for(struct jz_gate *g, struct place *p)
{
	(void)pthread_mutex_lock(&g->lock);
	*g->last = p;
	g->last = &p->next;
	while (!p->done) {
		if (g->led) /* G1 */
			(void)pthread_cond_wait(&g->changed, &g->lock);
		else
			lead(g);
	}
	(void)pthread_mutex_unlock(&g->lock);
}

void
jz_gate_pass(struct jz_gate *g, void *work)
{
	struct place p = {work, false, NULL};

	wait_for(g, &p);
}

/* ---- to an issuer ------------------------------------------------------- */

struct work {
	int (*f)(void *arg, struct jz_issuer *i);
	void *arg;
	int err;
};

/* Each in turn, then the commit. */
static int
run_group(struct jz_issuer *i, void *const *group, size_t n)
{
	int err = jz_issuer_group_begin(i);

	if (err != 0)
		return err;
	for (size_t k = 0; k < n && err == 0; k++) {
		struct work *w = group[k];

		w->err = w->f(w->arg, i);
		if (w->err == JZ_ERR_CONTENDED)
			err = w->err;
	}
	return jz_issuer_group_end(i, err);
}

static void
do_group(void *issuer, void *const *group, size_t n)
{
	int err = JZ_ERR_CONTENDED;

	for (unsigned t = 0; err == JZ_ERR_CONTENDED && t < CONTENDED_MAX; t++)
		err = run_group(issuer, group, n);
	for (size_t k = 0; k < n && err != 0; k++) {
		struct work *w = group[k];

		w->err = err;
	}
}

int
jz_gate_new(struct jz_issuer *i, struct jz_gate **out)
{
	return jz_gate_new_to(do_group, i, out);
}

int
jz_gate_do(
    struct jz_gate *g, int (*f)(void *arg, struct jz_issuer *i), void *arg)
{
	struct work w = {f, arg, JZ_ERR_INTERNAL};

	jz_gate_pass(g, &w);
	return w.err;
}

void
jz_gate_counts(struct jz_gate *g, uint64_t *groups, uint64_t *done)
{
	(void)pthread_mutex_lock(&g->lock);
	*groups = g->groups;
	*done = g->done;
	(void)pthread_mutex_unlock(&g->lock);
}
