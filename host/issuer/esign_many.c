/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of submissions, in groups.  Of two groups one is written and
 * executed while the other one is examined, on all cores (ahead.h).
 */
#include "esign_case.h"

#include <stdlib.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../keys/secret.h"
#include "ahead.h"

struct group {
	const struct jz_esign_verifier *v;
	struct jz_esign_case *first;
	struct jz_esign_case *c[JZ_ESIGN_GROUP]; /* the same */
	size_t n;
	uint64_t from; /* of the stream */
};

struct stream {
	const struct jz_esign_verifier *v;
	const struct jz_esign_feed *feed;
	struct jz_ahead *ahead;
	struct group group[2];
	uint64_t n;
	bool over;
};

/* Fills a group from the stream. */
static int
fill(struct stream *s, struct group *g)
{
	uint8_t bytes[JZ_ESIGN_SUBMISSION_MAX];
	int err = 0;

	g->n = 0;
	g->from = s->n;
	while (!s->over && g->n < JZ_ESIGN_GROUP) {
		struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

		err = s->feed->next(s->feed->arg, &b);
		s->over = err != 0;
		if (err != 0)
			break;
		jz_esign_take(g->c[g->n], jz_buffer_span(&b));
		jz_esign_look(s->v, s->v->store_state, g->c[g->n]);
		g->n++;
		s->n++;
	}
	jz_wipe(bytes, sizeof(bytes));
	return err == JZ_ERR_NOT_FOUND ? 0 : err;
}

static void
examine(void *arg, size_t k, const struct jz_engine *e)
{
	const struct group *g = arg;

	if (g->c[k]->looked)
		jz_esign_examine(g->v, e, g->c[k]);
}

/* 0, or what told() said. */
static int
post(struct stream *s, struct group *g)
{
	int stop = 0;

	jz_esign_write(s->v, g->c, g->n);
	jz_esign_execute(s->v, g->c, g->n);
	jz_esign_write(s->v, g->c, g->n);
	for (size_t k = 0; stop == 0 && k < g->n; k++)
		if (s->feed->told != NULL)
			stop = s->feed->told(s->feed->arg, g->from + k,
			    g->c[k]->err, g->c[k]->verdict);
	return stop;
}

/* The feed's error waits until what came before it is posted. */
static int
run(struct stream *s)
{
	struct group *now = &s->group[0], *next = &s->group[1];
	int fed = fill(s, now), err = 0;

	jz_ahead_begin(s->ahead, now->n, examine, now);
	while (err == 0 && now->n > 0) {
		struct group *posted = now;

		next->n = 0;
		if (fed == 0)
			fed = fill(s, next);
		jz_ahead_end(s->ahead);
		jz_ahead_begin(s->ahead, next->n, examine, next);
		err = post(s, posted);
		now = next;
		next = posted;
	}
	jz_ahead_end(s->ahead);
	return err != 0 ? err : fed;
}

static int
open_stream(struct stream *s, unsigned threads)
{
	int err = jz_ahead_new(s->v->engine.crypto->suite, threads, &s->ahead);

	for (size_t i = 0; err == 0 && i < 2; i++) {
		struct group *g = &s->group[i];

		g->v = s->v;
		g->first = calloc(JZ_ESIGN_GROUP, sizeof(*g->first));
		if (g->first == NULL)
			return JZ_ERR_MEMORY;
		for (size_t k = 0; k < JZ_ESIGN_GROUP; k++)
			g->c[k] = &g->first[k];
	}
	return err;
}

int
jz_esign_many(const struct jz_esign_verifier *v,
    const struct jz_esign_feed *feed, unsigned threads)
{
	struct stream s = {.v = v, .feed = feed};
	int err = open_stream(&s, threads);

	if (err == 0)
		err = run(&s);
	jz_ahead_free(&s.ahead);
	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0;
		     s.group[i].first != NULL && k < JZ_ESIGN_GROUP; k++)
			jz_esign_wipe(&s.group[i].first[k]);
		free(s.group[i].first);
	}
	return err;
}
