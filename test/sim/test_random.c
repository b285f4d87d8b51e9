/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hundreds of payments among many cards through a hostile channel, by a seed:
 * after each step no unit is made and none is lost, and at the end all is
 * settled.  docs/simulator.md.
 *
 *	JIAOZI_SIM_SEED=N    this seed alone, in place of the usual ones
 *	JIAOZI_SIM_SEEDS=N   so many from there on
 *	JIAOZI_SIM_STEPS=N   so many steps of the adversary
 *	JIAOZI_SIM_TRACES=D  writes each run's trace into this folder
 *
 * proves: ALL-1 ALL-2 ALL-4 OFP-4 OFP-6 OFP-10
 */
#include "channel.h"
#include "../support/suite.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STEPS		8000
#define STEPS_ENCRYPTED 3000
#define STEPS_GM	1500
#define SEED		1u
#define SEED_GM		1001u
#define SEED_ENCRYPTED	100u /* after the others */
#define SHOWN		30   /* lines of a trace that went wrong */
#define FUNDS		25000

/* Limits that bind: a card is full, or may pay no more, before long. */
static const struct sim_terms USUAL = {
    .max_balance = 70000,
    .max_single = 11000,
    .pin_above = 8000,
    .max_offline_sum = 70000,
    .max_offline_count = 14,
};

struct outcome {
	struct sim_text trace;
	struct channel_count count;
	unsigned long steps;
	char wrong[sizeof(((struct sim *)0)->wrong)];
};

static unsigned long
setting(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? strtoul(value, NULL, 0)
					       : otherwise;
}

static const char *
suite_name(enum jz_suite suite)
{
	return suite == JZ_SUITE_GM ? "gm" : "nist";
}

/* JIAOZI_SIM_TRACES/random-SUITE-SEED.trace */
static void
keep_trace(enum jz_suite suite, uint64_t seed, const struct sim_text *t)
{
	const char *dir = getenv("JIAOZI_SIM_TRACES");
	char path[256];
	FILE *f;

	if (dir == NULL)
		return;
	snprintf(path, sizeof(path), "%s/random-%s-%" PRIu64 ".trace", dir,
	    suite_name(suite), seed);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(t->data, 1, t->len, f), t->len);
	assert_int_equal(fclose(f), 0);
}

static struct outcome
run(struct sim *s, uint64_t seed, unsigned long steps)
{
	enum jz_suite suite = s->rig.engine.crypto->suite;
	struct sim_terms merchant = USUAL;
	struct outcome o = {0};
	struct channel *c;

	sim_clear(s);
	for (unsigned i = 0; i < 5; i++)
		sim_add(s, &USUAL, false);
	/* A merchant, who only receives. */
	merchant.max_balance = 400000;
	sim_add(s, &merchant, true);
	sim_begin_trace(s);
	c = channel_new(s, seed);
	for (unsigned i = 0; i < s->n; i++)
		sim_fund(s, i, FUNDS);
	for (unsigned long i = 0; i < steps && channel_step(c); i++)
		;
	if (s->wrong[0] == '\0')
		channel_finish(c);
	o.count = channel_count(c);
	o.steps = s->steps;
	memcpy(o.wrong, s->wrong, sizeof(o.wrong));
	o.trace = s->trace;
	s->trace = (struct sim_text){0};
	keep_trace(suite, seed, &o.trace);
	channel_free(&c);
	return o;
}

/* The step at which it went wrong is the last of the trace. */
static void
judge(enum jz_suite suite, uint64_t seed, unsigned long steps,
    const struct outcome *o)
{
	const struct channel_count *n = &o->count;

	print_message("          seed %" PRIu64
		      " (%s): %lu steps, %lu credited, %lu given up, %lu "
		      "batches, %lu cuts, %lu corrupted\n",
	    seed, suite_name(suite), o->steps, n->payments, n->given_up,
	    n->settled, n->cuts, n->corrupted);
	if (o->wrong[0] == '\0')
		return;
	sim_show(&o->trace, SHOWN);
	fail_msg("%s\n          make sim SUITE=%s SEED=%" PRIu64
		 " STEPS=%lu shows it again",
	    o->wrong, suite_name(suite), seed, steps);
}

static void
runs(enum jz_suite suite, bool encrypted, unsigned long steps,
    unsigned long seeds)
{
	struct channel_count met = {0};
	uint64_t first = setting("JIAOZI_SIM_SEED",
	    (suite == JZ_SUITE_GM ? SEED_GM : SEED) +
		(encrypted ? SEED_ENCRYPTED : 0));
	struct sim s;

	sim_new(&s, suite);
	s.encrypted = encrypted;
	steps = setting("JIAOZI_SIM_STEPS", steps);
	seeds = setting(
	    "JIAOZI_SIM_SEEDS", getenv("JIAOZI_SIM_SEED") != NULL ? 1 : seeds);
	for (unsigned long i = 0; i < seeds; i++) {
		struct outcome o = run(&s, first + i, steps);

		judge(suite, first + i, steps, &o);
		met.payments += o.count.payments;
		met.log_full += o.count.log_full;
		met.no_slot += o.count.no_slot;
		met.offline_limit += o.count.offline_limit;
		met.balance_limit += o.count.balance_limit;
		free(o.trace.data);
	}
	print_message("          refused: log full %lu, no slot %lu, offline "
		      "limit %lu, highest balance %lu\n",
	    met.log_full, met.no_slot, met.offline_limit, met.balance_limit);
	/* They went somewhere, and to every limit. */
	if (steps >= STEPS && seeds > 1)
		assert_true(met.payments > 100 && met.log_full > 0 &&
		    met.no_slot > 0 && met.offline_limit > 0 &&
		    met.balance_limit > 0);
	if (encrypted && seeds > 1 && steps >= STEPS_ENCRYPTED)
		assert_true(met.payments > 30);
	sim_free(&s);
}

static void
test_nothing_is_made_and_nothing_is_lost(void **state)
{
	const bool gm = test_suite() == JZ_SUITE_GM;

	(void)state;
	runs(test_suite(), false, gm ? STEPS_GM : STEPS, 2);
}

/* The same, each payment begun by a hello; what is answered to a corrupted one
 * comes to nothing.  proves: OFP-9 */
static void
test_nor_in_the_encrypted_profile(void **state)
{
	const bool gm = test_suite() == JZ_SUITE_GM;

	(void)state;
	runs(test_suite(), true, gm ? STEPS_GM : STEPS_ENCRYPTED, 2);
}

/* A failing run can be looked at: the same seed gives the same bytes. */
static void
test_a_seed_is_replayed_exactly(void **state)
{
	struct outcome a, b, c;
	struct sim s;

	(void)state;
	sim_new(&s, test_suite());
	a = run(&s, 7, 500);
	c = run(&s, 8, 500);
	sim_free(&s);
	sim_new(&s, test_suite());
	b = run(&s, 7, 500);
	sim_free(&s);
	assert_true(a.trace.len > 1000);
	assert_int_equal(a.trace.len, b.trace.len);
	assert_memory_equal(a.trace.data, b.trace.data, a.trace.len);
	assert_true(a.trace.len != c.trace.len ||
	    memcmp(a.trace.data, c.trace.data, a.trace.len) != 0);
	free(a.trace.data);
	free(b.trace.data);
	free(c.trace.data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing_is_made_and_nothing_is_lost),
	    cmocka_unit_test(test_nor_in_the_encrypted_profile),
	    cmocka_unit_test(test_a_seed_is_replayed_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
