/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measuring against the floor: what we do, and the least that anybody could
 * do for it (the cryptography, the disk, the round trip alone), in the same
 * process, in turns, on one CPU.  The ratio of the two says more than either,
 * and holds on another machine.
 *
 * What else runs on the machine must not count.  So what needs nothing but the
 * CPU is measured by the CPU time of its thread; a sample is made of small
 * slices of both, so that a disturbance of caches and clock meets both; and the
 * ratio is the median of the samples' ratios, not that of the medians.
 *
 * Nothing here judges a time: a bench that fails is one that did not work.  A
 * goal that is missed is said, no more.
 */
#ifndef JZ_TEST_BENCH_H
#define JZ_TEST_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define BENCH_SAMPLES 21u /* odd: the median is a sample */
#define BENCH_CASES   128u

/* What passes: the time of this thread on the CPU, or of the clock on the wall
 * where the work is the disk's, another process's or other threads'. */
enum bench_clock {
	BENCH_CPU,
	BENCH_WALL,
	BENCH_PROCESS, /* the time of all its threads on the CPUs */
};

/* Two operations to compare.  Each returns 0, or the bench fails. */
struct bench_case {
	const char *name;
	const char *floor_name;
	int (*ours)(void *arg);
	int (*least)(void *arg);
	void *arg;
	/* Operations in one sample at most; 0: as many as a sample takes. */
	unsigned long most;
	const char *aim; /* what we want of it, in words; may be NULL */
	double goal;	 /* the highest ratio that we want; 0: none */
	enum bench_clock clock;
};

struct bench_result {
	const char *name, *floor_name, *aim, *unit;
	unsigned samples;
	double ours[BENCH_SAMPLES], least[BENCH_SAMPLES]; /* in order */
	double value, floor;				  /* medians */
	double ratio; /* the median of the samples' ratios */
	double goal;
	enum bench_clock clock;
};

struct bench {
	struct bench_result result[BENCH_CASES];
	size_t n;
	int cpu; /* where everything runs; -1: not pinned */
	const char *skipped[BENCH_CASES]; /* what was left out, and why */
	size_t n_skipped;
};

/* Keeps this process and its children to come on one CPU, where allowed. */
void bench_pin(struct bench *b);

/* Lets it run on all CPUs, until it is pinned again. */
void bench_unpin(void);

/* Runs a case and adds its result.  0, or what an operation returned. */
int bench_run(struct bench *b, const struct bench_case *c);

/* Each sample is one operation, which is made of so many equal parts: the
 * result is the time of one. */
int
bench_run_parts(struct bench *b, const struct bench_case *c, unsigned parts);

/* Adds what was counted and not timed; the strings must stay. */
void bench_figure(struct bench *b, const struct bench_result *r);

/* Says that something was left out; `why` must stay. */
void bench_skip(struct bench *b, const char *why);

/* ---- report.c ----------------------------------------------------------- */

void bench_table(const struct bench *b, FILE *out);
/* An array of rows: name, value, unit, floor, ratio, samples, and all
 * measured values. */
void bench_json(const struct bench *b, FILE *out);
/* A page that needs nothing else. */
void bench_html(const struct bench *b, FILE *out);

/* ---- the cases ---------------------------------------------------------- */

struct world;

/* keys.c: signatures. */
int bench_keys(struct bench *b, struct world *w);
/* batch.c: cards in number. */
int bench_batch(struct bench *b, struct world *w);
/* card.c: commands in this process, and opening a card file. */
int bench_card(struct bench *b, struct world *w);
/* commit.c: committed updates, in memory and in a file. */
int bench_commit(struct bench *b, struct world *w);
/* many.c: one more card, ten thousand of them, snapshots. */
int bench_many(struct bench *b, struct world *w);
/* channel.c: a command of a secure channel. */
int bench_channel(struct bench *b, struct world *w);
/* pay.c: an offline payment. */
int bench_pay(struct bench *b, struct world *w);
/* daemon.c: loads over TLS. */
int bench_daemon(struct bench *b, struct world *w);
/* daemons.c: the same by several of them on one PostgreSQL. */
int bench_daemons(struct bench *b, struct world *w);
/* sign.c: a contact of an e-signature card. */
int bench_sign(struct bench *b, struct world *w);
/* submit.c: the same at the issuer. */
int bench_submit(struct bench *b, struct world *w);
/* settle.c: many batches at the issuer. */
int bench_settle(struct bench *b, struct world *w);
/* pcsc.c: a command through the PC/SC daemon. */
int bench_pcsc(struct bench *b, struct world *w);

#endif
