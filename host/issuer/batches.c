/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of batches, in groups.  A group is one transaction; of two groups
 * one is posted while the other one's signatures are verified.
 *
 * A batch that is refused must leave nothing behind, and the others of its
 * group nothing out: then the group's transaction is rolled back, and each of
 * its batches gets one of its own.  Their signatures are not verified again.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"

#define GROUP	   128u
#define SIGNATURES (1 + 2 * JZ_BATCH_RECORDS) /* the batch's, two a record */
#define ENTRIES	   ((size_t)GROUP * SIGNATURES)

struct item {
	uint8_t batch[JZ_BATCH_MAX], processed[JZ_MESSAGE_MAX];
	size_t batch_len, processed_len;
	int err;
	enum jz_refusal why;
};

struct group {
	struct item *item;
	size_t n;
	uint64_t first; /* of the stream */
	struct jz_ahead_list *list;
};

struct stream {
	struct jz_issuer *issuer;
	const struct jz_batch_feed *feed;
	struct jz_ahead *ahead;
	struct jz_card_memo *memo;
	struct group group[2];
	uint64_t n;
	bool over;
};

/* Fills a group from the stream, and its list. */
static int
fill(struct stream *s, struct group *g)
{
	int err = 0;

	g->n = 0;
	g->first = s->n;
	jz_ahead_list_clear(g->list);
	while (!s->over && g->n < GROUP) {
		struct item *it = &g->item[g->n];
		struct jz_buffer b = jz_buffer(it->batch, sizeof(it->batch));

		err = s->feed->next(s->feed->arg, &b);
		s->over = err != 0;
		if (err != 0)
			break;
		it->batch_len = b.len;
		g->n++;
		s->n++;
		jz_batch_ahead(s->issuer, jz_buffer_span(&b), g->list);
	}
	return err == JZ_ERR_NOT_FOUND ? 0 : err;
}

static int
settle_one(struct stream *s, struct item *it)
{
	struct jz_buffer b = jz_buffer(it->processed, sizeof(it->processed));

	jz_issuer_start(s->issuer);
	it->err =
	    jz_batch_settle(s->issuer, jz_span(it->batch, it->batch_len), &b);
	it->why = jz_issuer_refusal(s->issuer);
	it->processed_len = it->err == 0 ? b.len : 0;
	return it->err;
}

/* What was seen of cards before may be true no longer. */
static int
begin(struct stream *s)
{
	jz_card_memo_clear(s->memo);
	return jz_store_begin(s->issuer->store, true);
}

static int
post_together(struct stream *s, struct group *g)
{
	int err = begin(s);

	if (err != 0)
		return err;
	for (size_t k = 0; err == 0 && k < g->n; k++)
		err = settle_one(s, &g->item[k]);
	return jz_store_end(s->issuer->store, err);
}

static void
post_each(struct stream *s, struct group *g)
{
	for (size_t k = 0; k < g->n; k++) {
		struct item *it = &g->item[k];
		int err = begin(s);

		it->why = JZ_REFUSAL_NONE;
		if (err == 0)
			err = jz_store_end(s->issuer->store, settle_one(s, it));
		if (err == JZ_ERR_REFUSED) {
			int kept = jz_alarm_keep(
			    s->issuer, jz_span(it->batch, it->batch_len));

			err = kept != 0 ? kept : err;
		}
		it->err = err;
	}
}

/* 0, or what told() said. */
static int
post(struct stream *s, struct group *g)
{
	int stop = 0;

	if (post_together(s, g) != 0)
		post_each(s, g);
	for (size_t k = 0; stop == 0 && k < g->n; k++) {
		const struct item *it = &g->item[k];

		if (s->feed->told != NULL)
			stop = s->feed->told(s->feed->arg, g->first + k,
			    it->err, it->why,
			    jz_span(it->processed, it->processed_len));
	}
	return stop;
}

/* The feed's error waits until what came before it is posted. */
static int
run(struct stream *s)
{
	struct group *now = &s->group[0], *next = &s->group[1];
	int fed = fill(s, now), err = 0;

	jz_ahead_list_begin(s->ahead, now->list);
	while (err == 0 && now->n > 0) {
		struct group *posted = now;

		next->n = 0;
		jz_ahead_list_clear(next->list);
		if (fed == 0)
			fed = fill(s, next);
		jz_ahead_list_end(s->ahead, now->list, &s->issuer->base);
		jz_ahead_list_begin(s->ahead, next->list);
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
	struct jz_engine *base = &s->issuer->base;
	int err = jz_ahead_new(base->crypto->suite, threads, &s->ahead);

	/* Two lists, since one is verified while one is asked for; and as much
	 * again, so that sets that are full by chance push nothing out. */
	if (err == 0)
		err = jz_openssl_remember(base, 4 * ENTRIES);
	s->memo = calloc(1, sizeof(*s->memo));
	if (err == 0 && s->memo == NULL)
		err = JZ_ERR_MEMORY;
	for (size_t k = 0; err == 0 && k < 2; k++) {
		s->group[k].item = calloc(GROUP, sizeof(struct item));
		err = s->group[k].item == NULL
		    ? JZ_ERR_MEMORY
		    : jz_ahead_list_new(ENTRIES, &s->group[k].list);
	}
	return err;
}

int
jz_issuer_batches(
    struct jz_issuer *i, const struct jz_batch_feed *feed, unsigned threads)
{
	struct stream s = {.issuer = i, .feed = feed};
	int err = open_stream(&s, threads);

	jz_issuer_start(i);
	i->memo = s.memo;
	if (err == 0)
		err = run(&s);
	i->memo = NULL;
	free(s.memo);
	jz_ahead_free(&s.ahead);
	for (size_t k = 0; k < 2; k++) {
		jz_ahead_list_free(&s.group[k].list);
		free(s.group[k].item);
	}
	return err;
}
