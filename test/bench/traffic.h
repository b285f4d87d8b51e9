/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What many cards have paid each other, as batches for their issuer: pairs of
 * software cards, each of whose payments are four signatures' work, three and
 * its share of two batches'.  And what the issuer must at least do with it.
 */
#ifndef JZ_TEST_BENCH_TRAFFIC_H
#define JZ_TEST_BENCH_TRAFFIC_H

#include <sqlite3.h>

#include "../../host/issuer/issuer.h"
#include "../support/fakecard.h"
#include "world.h"

#define TRAFFIC_PAIRS 8u

struct traffic {
	struct world *world;
	struct jz_engine engine;
	unsigned n_pairs;
	struct fakecard *payer, *payee; /* so many of each */
};

/* Cards registered, loaded and signed in. */
int traffic_new(struct traffic *t, struct world *w, unsigned pairs);
void traffic_free(struct traffic *t);
/* One pair pays JZ_BATCH_RECORDS times: a batch of each.  Pairs are
 * independent: one thread each, with its own engine. */
void traffic_batches(struct traffic *t, const struct jz_engine *e,
    unsigned pair, struct letter out[static 2]);

/* ---- rows.c: what is written, by statements alone ------------------------ */

/* What a batch of payments leaves. */
struct bare_batch {
	const struct letter *batch; /* lent */
	uint8_t digest[JZ_DIGEST_BYTES];
	struct bare_record {
		struct jz_message m;
		struct jz_span bytes; /* in the batch */
	} record[JZ_BATCH_RECORDS];
	size_t n;
};
/* Taken apart. */
int bare_batch(const struct jz_engine *e, const struct letter *batch,
    struct bare_batch *out);

struct rows;

/* A copy of an issuer's database, with its tables, keys and triggers. */
int rows_open(const char *database, const char *copy, struct rows **out);
void rows_close(struct rows **r);
int rows_begin(struct rows *r);
int rows_end(struct rows *r);
/* Every row that is added for it, and every one that is altered; the card that
 * paid comes before the one that received. */
int rows_batch(struct rows *r, const struct bare_batch *b);

#endif
