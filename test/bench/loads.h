/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads over HTTPS by several clients at once, against a daemon or against one
 * that says the same to everything.
 */
#ifndef JZ_TEST_BENCH_LOADS_H
#define JZ_TEST_BENCH_LOADS_H

#include "../support/daemon.h"
#include "../support/issuerrig.h"

#define LOADS_POSTGRES "JIAOZI_TEST_POSTGRES" /* a URI, or unset */
#define LOADS_CLIENTS  8u
#define LOADS_EACH     20u
#define LOADS	       (LOADS_CLIENTS * LOADS_EACH)

enum loads_kind {
	LOADS_LOAD,
	LOADS_UNLOAD,
	LOADS_SAME, /* the last load's bodies once more, to `same` */
};

struct buyer {
	struct fakecard card; /* with an engine of its own, as a thread needs */
	struct jz_bank *bank, *same;
	struct letter request, report; /* of the last load */
	enum loads_kind kind;
	unsigned count;		    /* how many to do: LOADS_EACH at most */
	double seconds[LOADS_EACH]; /* each one's */
	double signing[LOADS_EACH]; /* in these, the card's */
	int error;
};

/* A card with money in its account, and a bank at url with that certificate. */
void buyer_new(struct buyer *u, struct rig *r, const struct daemon *d,
    enum jz_suite suite);
void buyer_free(struct buyer *u);
/* n buyers at once, each `count` of a kind: 0, or the first's error. */
int
loads_run(struct buyer *u, unsigned n, enum loads_kind kind, unsigned count);

double loads_now(void); /* seconds */

/* ---- constant.c ---------------------------------------------------------- */

/* The same library, TLS and threads, and for each path always one answer. */
struct constant;

/* The answers are kept by the caller. */
int constant_start(const struct daemon *files, unsigned workers,
    const char *permission, const char *done, struct constant **out);
/* *like with its address, for buyer_new() and daemon_bank(). */
void constant_daemon(
    const struct constant *c, const struct daemon *like, struct daemon *out);
void constant_stop(struct constant **c);

#endif
