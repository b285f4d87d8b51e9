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

/* ---- rows.c: what is written, in a database without any rules ------------ */

struct rows;

int rows_open(const char *path, struct rows **out);
void rows_close(struct rows **r);
int rows_begin(struct rows *r);
int rows_end(struct rows *r);
/* All rows that a batch of `n` payments leaves, of as many bytes: paid by the
 * card, or received. */
int rows_batch(struct rows *r, const char *card, bool paid, unsigned n,
    struct jz_span batch);

#endif
