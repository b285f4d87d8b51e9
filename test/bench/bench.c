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
#define RUNS_MAX  (1ul << 30)
#define NS_PER_S  1e9
#define NS_PER_US 1e3

static double
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * NS_PER_S + (double)t.tv_nsec;
}

/* Nanoseconds that n runs take. */
static int
measure(int (*run)(void *), void *arg, unsigned long n, double *ns)
{
	const double begin = now_ns();
	int e = 0;

	for (unsigned long i = 0; i < n && e == 0; i++)
		e = run(arg);
	*ns = now_ns() - begin;
	return e;
}

/*
 * How many runs make a sample of *sample_ns; the length that so many have
 * takes its place.
 */
static int
calibrate(int (*run)(void *), void *arg, unsigned long most, double *sample_ns,
    unsigned long *out)
{
	unsigned long n = 1;
	double ns = 0;
	int e = measure(run, arg, n, &ns);

	if (most == 0 || most > RUNS_MAX)
		most = RUNS_MAX;
	while (e == 0 && ns < TRY_NS && n < most) {
		n = n < most / 2 ? n * 2 : most;
		e = measure(run, arg, n, &ns);
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

int
bench_run(struct bench *b, const struct bench_case *c)
{
	struct bench_result *r;
	unsigned long n_ours = 1, n_least = 1;
	double sample_ns = SAMPLE_NS;
	int e;

	if (b->n == BENCH_CASES)
		return -1;
	r = &b->result[b->n];
	memset(r, 0, sizeof(*r));
	r->name = c->name;
	r->floor_name = c->floor_name;
	e = calibrate(c->ours, c->arg, c->most, &sample_ns, &n_ours);
	/* As long a sample: a longer one meets more of what else runs. */
	if (e == 0)
		e = calibrate(c->least, c->arg, 0, &sample_ns, &n_least);
	for (size_t i = 0; i < BENCH_SAMPLES && e == 0; i++) {
		e = measure(c->ours, c->arg, n_ours, &r->ours[i]);
		r->ours[i] /= NS_PER_US * (double)n_ours;
		if (e == 0)
			e = measure(c->least, c->arg, n_least, &r->least[i]);
		r->least[i] /= NS_PER_US * (double)n_least;
	}
	if (e != 0)
		return e;
	r->value = median(r->ours);
	r->floor = median(r->least);
	b->n++;
	return 0;
}

void
bench_skip(struct bench *b, const char *why)
{
	if (b->n_skipped < BENCH_CASES)
		b->skipped[b->n_skipped++] = why;
}

void
bench_pin(struct bench *b)
{
	cpu_set_t set;

	b->cpu = -1;
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return;
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
