/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples of two operations in turns, after finding out how often each must
 * run for the clock to see it.
 */
#define _GNU_SOURCE 1

#include "bench.h"

#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define SAMPLE_NS 20000000.0 /* 20 ms */
#define TRY_NS	  2000000.0  /* long enough to tell the speed */
#define TRIES	  3u	     /* the fastest is the least disturbed */
#define SLICES	  8u	     /* of a sample, ours and the floor in turns */
#define RUNS_MAX  (1ul << 30)
#define NS_PER_S  1e9
#define NS_PER_US 1e3

static const clockid_t CLOCKS[] = {
    [BENCH_CPU] = CLOCK_THREAD_CPUTIME_ID,
    [BENCH_WALL] = CLOCK_MONOTONIC,
    [BENCH_PROCESS] = CLOCK_PROCESS_CPUTIME_ID,
};

static double
now_ns(enum bench_clock clock)
{
	struct timespec t;

	(void)clock_gettime(CLOCKS[clock], &t);
	return (double)t.tv_sec * NS_PER_S + (double)t.tv_nsec;
}

/* Nanoseconds that n runs take. */
static int
measure(
    const struct bench_case *c, int (*run)(void *), unsigned long n, double *ns)
{
	const double begin = now_ns(c->clock);
	int e = 0;

	for (unsigned long i = 0; i < n && e == 0; i++)
		e = run(c->arg);
	*ns = now_ns(c->clock) - begin;
	return e;
}

/*
 * How many runs make a sample of *sample_ns; the length that so many have
 * takes its place.
 */
static int
calibrate(const struct bench_case *c, int (*run)(void *), unsigned long most,
    double *sample_ns, unsigned long *out)
{
	unsigned long n = 1;
	double ns = 0;
	int e = measure(c, run, n, &ns);

	if (most == 0 || most > RUNS_MAX)
		most = RUNS_MAX;
	while (e == 0 && ns < TRY_NS && n < most) {
		n = n < most / 2 ? n * 2 : most;
		e = measure(c, run, n, &ns);
	}
	for (unsigned i = 1; i < TRIES && e == 0; i++) {
		double again = 0;

		e = measure(c, run, n, &again);
		if (again < ns)
			ns = again;
	}
	if (e != 0)
		return e;
	ns /= (double)n; /* of one run */
	*out = 1;
	if (ns > 0 && ns < *sample_ns)
		*out = *sample_ns / ns < (double)most
		    ? (unsigned long)(*sample_ns / ns)
		    : most;
	*sample_ns = ns * (double)*out;
	return 0;
}

static double
median(const double v[static BENCH_SAMPLES])
{
	double s[BENCH_SAMPLES];

	for (size_t i = 0; i < BENCH_SAMPLES; i++) {
		size_t k = i;

		for (; k > 0 && s[k - 1] > v[i]; k--)
			s[k] = s[k - 1];
		s[k] = v[i];
	}
	return s[BENCH_SAMPLES / 2];
}

/* One sample of both; a disturbance of some length meets both. */
static int
sample(const struct bench_case *c, unsigned long n_ours, unsigned long n_least,
    double *ours, double *least)
{
	const unsigned long n = n_ours < n_least ? n_ours : n_least;
	const unsigned long slices = n < SLICES ? n : SLICES;
	unsigned long did_ours = 0, did_least = 0;
	int e = 0;

	*ours = *least = 0;
	for (unsigned long i = 1; i <= slices && e == 0; i++) {
		const unsigned long to_ours = n_ours * i / slices;
		const unsigned long to_least = n_least * i / slices;
		double ns = 0;

		e = measure(c, c->ours, to_ours - did_ours, &ns);
		*ours += ns;
		if (e == 0)
			e = measure(c, c->least, to_least - did_least, &ns);
		*least += ns;
		did_ours = to_ours;
		did_least = to_least;
	}
	return e;
}

static void
summarise(struct bench_result *r)
{
	double ratio[BENCH_SAMPLES];

	for (size_t i = 0; i < BENCH_SAMPLES; i++)
		ratio[i] = r->least[i] > 0 ? r->ours[i] / r->least[i] : 0;
	r->value = median(r->ours);
	r->floor = median(r->least);
	r->ratio = median(ratio);
}

/* So many operations of both in turns, each of so many parts. */
static int
in_turns(struct bench *b, const struct bench_case *c, unsigned long n_ours,
    unsigned long n_least, unsigned parts)
{
	struct bench_result *r;
	int e = 0;

	if (b->n == BENCH_CASES)
		return -1;
	r = &b->result[b->n];
	memset(r, 0, sizeof(*r));
	r->name = c->name;
	r->floor_name = c->floor_name;
	r->aim = c->aim;
	r->goal = c->goal;
	r->clock = c->clock;
	r->unit = "us";
	r->samples = BENCH_SAMPLES;
	for (size_t i = 0; i < BENCH_SAMPLES && e == 0; i++) {
		e = sample(c, n_ours, n_least, &r->ours[i], &r->least[i]);
		r->ours[i] /= NS_PER_US * (double)n_ours * parts;
		r->least[i] /= NS_PER_US * (double)n_least * parts;
	}
	if (e != 0)
		return e;
	summarise(r);
	b->n++;
	return 0;
}

int
bench_run(struct bench *b, const struct bench_case *c)
{
	unsigned long n_ours = 1, n_least = 1;
	double sample_ns = SAMPLE_NS;
	int e = calibrate(c, c->ours, c->most, &sample_ns, &n_ours);

	/* As long a sample: a longer one meets more of what else runs. */
	if (e == 0)
		e = calibrate(c, c->least, 0, &sample_ns, &n_least);
	return e != 0 ? e : in_turns(b, c, n_ours, n_least, 1);
}

int
bench_run_parts(struct bench *b, const struct bench_case *c, unsigned parts)
{
	return in_turns(b, c, 1, 1, parts);
}

void
bench_figure(struct bench *b, const struct bench_result *r)
{
	if (b->n == BENCH_CASES)
		return;
	b->result[b->n] = *r;
	b->result[b->n].samples = 1;
	b->result[b->n].ours[0] = r->value;
	b->result[b->n].least[0] = r->floor;
	b->result[b->n].ratio = r->floor > 0 ? r->value / r->floor : 0;
	b->n++;
}

void
bench_skip(struct bench *b, const char *why)
{
	if (b->n_skipped < BENCH_CASES)
		b->skipped[b->n_skipped++] = why;
}

/* Where it was allowed to run. */
static cpu_set_t all;

void
bench_unpin(void)
{
	(void)sched_setaffinity(0, sizeof(all), &all);
}

void
bench_pin(struct bench *b)
{
	cpu_set_t set;

	b->cpu = -1;
	if (CPU_COUNT(&all) == 0 &&
	    sched_getaffinity(0, sizeof(all), &all) != 0)
		return;
	set = all;
	/* The last one: the first is where interrupts go. */
	for (size_t cpu = CPU_SETSIZE; cpu-- > 0;) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		if (sched_setaffinity(0, sizeof(set), &set) == 0)
			b->cpu = (int)cpu;
		return;
	}
}
