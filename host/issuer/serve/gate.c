/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit: leader and followers.
 *
 *   G1  the issuer is used by the leader alone, and there is one leader;
 *   G2  who has waited is told after his group's commit, never before.
 */
#include "gate.h"

#include <pthread.h>
#include <stdlib.h>

#include "../../../apdu/error.h"

/* Another daemon's turn comes to an end; a store that is never free is out of
 * order. */
#define CONTENDED_MAX 100

struct work {
	int (*f)(void *arg, struct jz_issuer *i);
	void *arg;
	int err;
	bool done, alone;
	struct work *next;
};

struct jz_gate {
	struct jz_issuer *issuer;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct work *first, **last; /* who waits */
	bool led;
	uint64_t groups, done;
};

int
jz_gate_new(struct jz_issuer *i, struct jz_gate **out)
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
	g->issuer = i;
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

/* Each in turn, then the commit. */
static int
run_group(struct jz_gate *g, struct work *group)
{
	int err = jz_issuer_group_begin(g->issuer);

	if (err != 0)
		return err;
	for (struct work *w = group; w != NULL && err == 0; w = w->next) {
		w->err = w->f(w->arg, g->issuer);
		if (w->err == JZ_ERR_CONTENDED)
			err = w->err;
	}
	return jz_issuer_group_end(g->issuer, err);
}

static void
do_group(struct jz_gate *g, struct work *group)
{
	int err = JZ_ERR_CONTENDED;

	if (group->alone) {
		group->err = group->f(group->arg, g->issuer);
		return;
	}
	for (unsigned n = 0; err == JZ_ERR_CONTENDED && n < CONTENDED_MAX; n++)
		err = run_group(g, group);
	for (struct work *w = group; w != NULL && err != 0; w = w->next)
		w->err = err;
}

/* Takes up to JZ_GATE_GROUP_MAX of those who wait, or one who goes alone;
 * locked. */
static struct work *
take(struct jz_gate *g)
{
	struct work *group = g->first, **end = &group;

	for (unsigned n = 0; *end != NULL && n < JZ_GATE_GROUP_MAX; n++) {
		if (n > 0 && ((*end)->alone || group->alone))
			break;
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
	struct work *group = take(g), *next;

	g->led = true;
	(void)pthread_mutex_unlock(&g->lock);
	do_group(g, group);
	(void)pthread_mutex_lock(&g->lock);
	g->led = false;
	g->groups++;
	/* Who is told is gone, and his work with him. */
	for (struct work *w = group; w != NULL; w = next) {
		next = w->next;
		g->done++;
		w->done = true; /* G2 */
	}
	(void)pthread_cond_broadcast(&g->changed);
}

/* Out of the list again before this returns. */
static int
wait_for(struct jz_gate *g, struct work *w)
{
	(void)pthread_mutex_lock(&g->lock);
	*g->last = w;
	g->last = &w->next;
	while (!w->done) {
		if (g->led) /* G1 */
			(void)pthread_cond_wait(&g->changed, &g->lock);
		else
			lead(g);
	}
	(void)pthread_mutex_unlock(&g->lock);
	return w->err;
}

int
jz_gate_do(
    struct jz_gate *g, int (*f)(void *arg, struct jz_issuer *i), void *arg)
{
	struct work w = {f, arg, JZ_ERR_INTERNAL, false, false, NULL};

	return wait_for(g, &w);
}

int
jz_gate_do_alone(
    struct jz_gate *g, int (*f)(void *arg, struct jz_issuer *i), void *arg)
{
	struct work w = {f, arg, JZ_ERR_INTERNAL, false, true, NULL};

	return wait_for(g, &w);
}

void
jz_gate_counts(struct jz_gate *g, uint64_t *groups, uint64_t *done)
{
	(void)pthread_mutex_lock(&g->lock);
	*groups = g->groups;
	*done = g->done;
	(void)pthread_mutex_unlock(&g->lock);
}
