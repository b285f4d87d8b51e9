/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit.
 *
 *   G1  the issuer is used by the gate's thread alone;
 *   G2  who has waited is told after his group's commit, never before;
 *   G3  whoever has come is told once, whatever becomes of the gate.
 */
#include "gate.h"

#include <pthread.h>
#include <stdlib.h>

#include "../../../apdu/error.h"

/* Another daemon's turn comes to an end; a store that is never free is out of
 * order. */
#define CONTENDED_MAX 100

struct jz_gate {
	struct jz_issuer *issuer;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct jz_gate_work *first, **last; /* who waits */
	bool closed, joined;
	uint64_t groups, done;
};

/* Each in turn, then the commit. */
static int
run_group(struct jz_gate *g, struct jz_gate_work *group)
{
	int err = jz_issuer_group_begin(g->issuer);

	if (err != 0)
		return err;
	for (struct jz_gate_work *w = group; w != NULL && err == 0;
	     w = w->next) {
		w->err = w->f(w->arg, g->issuer);
		if (w->err == JZ_ERR_CONTENDED)
			err = w->err;
	}
	return jz_issuer_group_end(g->issuer, err);
}

static void
do_group(struct jz_gate *g, struct jz_gate_work *group)
{
	int err = JZ_ERR_CONTENDED;

	if (group->alone) {
		group->err = group->f(group->arg, g->issuer);
		return;
	}
	for (unsigned n = 0; err == JZ_ERR_CONTENDED && n < CONTENDED_MAX; n++)
		err = run_group(g, group);
	for (struct jz_gate_work *w = group; w != NULL && err != 0; w = w->next)
		w->err = err;
}

/* Takes up to JZ_GATE_GROUP_MAX of those who wait, or one who goes alone;
 * locked. */
static struct jz_gate_work *
take(struct jz_gate *g)
{
	struct jz_gate_work *group = g->first, **end = &group;

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

/* G2.  Who is told is gone, and his work with him. */
static void
tell(struct jz_gate_work *group)
{
	struct jz_gate_work *next;

	for (struct jz_gate_work *w = group; w != NULL; w = next) {
		next = w->next;
		w->told(w);
	}
}

static void
count(struct jz_gate *g, const struct jz_gate_work *group)
{
	g->groups++;
	for (; group != NULL; group = group->next)
		g->done++;
}

static void *
serve(void *arg)
{
	struct jz_gate *g = arg;
	struct jz_gate_work *group;

	(void)pthread_mutex_lock(&g->lock);
	for (;;) {
		while (g->first == NULL && !g->closed)
			(void)pthread_cond_wait(&g->changed, &g->lock);
		if (g->first == NULL)
			break;
		group = take(g);
		(void)pthread_mutex_unlock(&g->lock);
		do_group(g, group);
		(void)pthread_mutex_lock(&g->lock);
		count(g, group);
		(void)pthread_mutex_unlock(&g->lock);
		tell(group);
		(void)pthread_mutex_lock(&g->lock);
	}
	(void)pthread_mutex_unlock(&g->lock);
	return NULL;
}

/* ---- opened and closed --------------------------------------------------- */

static int
make_lock(struct jz_gate *g)
{
	if (pthread_mutex_init(&g->lock, NULL) != 0)
		return JZ_ERR_SYSTEM;
	if (pthread_cond_init(&g->changed, NULL) == 0)
		return 0;
	(void)pthread_mutex_destroy(&g->lock);
	return JZ_ERR_SYSTEM;
}

static void
end_lock(struct jz_gate *g)
{
	(void)pthread_cond_destroy(&g->changed);
	(void)pthread_mutex_destroy(&g->lock);
}

int
jz_gate_new(struct jz_issuer *i, struct jz_gate **out)
{
	struct jz_gate *g = calloc(1, sizeof(*g));
	int err;

	*out = NULL;
	if (g == NULL)
		return JZ_ERR_MEMORY;
	g->issuer = i;
	g->last = &g->first;
	err = make_lock(g);
	if (err == 0 && pthread_create(&g->thread, NULL, serve, g) != 0) {
		end_lock(g);
		err = JZ_ERR_SYSTEM;
	}
	if (err == 0)
		*out = g;
	else
		free(g);
	return err;
}

void
jz_gate_close(struct jz_gate *g)
{
	(void)pthread_mutex_lock(&g->lock);
	g->closed = true;
	(void)pthread_cond_broadcast(&g->changed);
	(void)pthread_mutex_unlock(&g->lock);
	if (!g->joined)
		(void)pthread_join(g->thread, NULL);
	g->joined = true;
}

void
jz_gate_free(struct jz_gate **gate)
{
	struct jz_gate *g = *gate;

	if (g == NULL)
		return;
	jz_gate_close(g);
	end_lock(g);
	free(g);
	*gate = NULL;
}

/* ---- what comes ---------------------------------------------------------- */

void
jz_gate_post(struct jz_gate *g, struct jz_gate_work *w)
{
	bool closed;

	w->err = JZ_ERR_CONTENDED;
	w->next = NULL;
	(void)pthread_mutex_lock(&g->lock);
	closed = g->closed;
	if (!closed) {
		*g->last = w;
		g->last = &w->next;
		(void)pthread_cond_broadcast(&g->changed);
	}
	(void)pthread_mutex_unlock(&g->lock);
	if (closed) /* G3 */
		w->told(w);
}

/* Somebody who stands there until it is done. */
struct waiting {
	struct jz_gate_work work; /* first */
	struct jz_gate *gate;
	bool done;
};

static void
wake(struct jz_gate_work *w)
{
	struct waiting *x = (struct waiting *)w;
	struct jz_gate *g = x->gate;

	(void)pthread_mutex_lock(&g->lock);
	x->done = true;
	(void)pthread_cond_broadcast(&g->changed);
	(void)pthread_mutex_unlock(&g->lock);
}

static int
wait_for(struct jz_gate *g, struct waiting *w)
{
	w->gate = g;
	w->work.told = wake;
	jz_gate_post(g, &w->work);
	(void)pthread_mutex_lock(&g->lock);
	while (!w->done)
		(void)pthread_cond_wait(&g->changed, &g->lock);
	(void)pthread_mutex_unlock(&g->lock);
	return w->work.err;
}

int
jz_gate_do(
    struct jz_gate *g, int (*f)(void *arg, struct jz_issuer *i), void *arg)
{
	struct waiting w = {.work = {.f = f, .arg = arg}};

	return wait_for(g, &w);
}

int
jz_gate_do_alone(
    struct jz_gate *g, int (*f)(void *arg, struct jz_issuer *i), void *arg)
{
	struct waiting w = {.work = {.f = f, .arg = arg, .alone = true}};

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
