/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power cuts: in every step of a purse's life, at every byte that the step
 * writes, with every way that a disk may keep or lose what was not synced.
 * After each the card opens in the state before or after the step, and the
 * host can go on to the same end.
 *
 * Some are followed by a second one, in the first step after the first.
 *
 * JIAOZI_TEAR=full also tries every subset of the unsynced sectors, many more
 * second cuts, and goes on to the end every time.
 *
 * proves: ALL-1 ALL-2 ALL-3
 */
#include "../support/story.h"
#include "../support/stride.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEEP_ALL     UINT64_MAX
#define KEEP_NOTHING UINT64_C(0)
#define END_EVERY    8 /* of the cuts go on to the end of the story */
#define FOLD_STRIDE  131
#define SUBSETS	     8	 /* of three sectors: no record touches more */
#define SECOND_EVERY 32	 /* of the cuts get a second one after them */
#define SECOND_STEP  128 /* bytes between those, at most */
/* The same, bounded. */
#define SECOND_EVERY_BOUNDED 211
#define SECOND_STEP_BOUNDED  4096

/* A place in the story: before this step. */
struct place {
	struct story story;
	struct rig_snapshot *payee, *payer;
};

struct tear {
	struct rig rig;
	struct story story;
	struct place *place; /* one for each step, and the end */
	unsigned steps;
	bool full;
	unsigned long cuts, second, ends;
	uint32_t seed;
};

static void
mark(struct tear *t, unsigned step)
{
	struct place *p = &t->place[step];

	p->story = t->story;
	p->payee = rig_save(t->story.payee);
	p->payer = rig_save(t->story.payer);
}

static void
go_to(struct tear *t, unsigned step)
{
	const struct place *p = &t->place[step];

	t->story = p->story;
	rig_restore(t->story.payee, p->payee);
	rig_restore(t->story.payer, p->payer);
}

static const struct rig_snapshot *
snapshot(const struct tear *t, unsigned step, const struct rig_card *c)
{
	return c == t->story.payer ? t->place[step].payer
				   : t->place[step].payee;
}

static int
setup(void **state)
{
	struct tear *t = calloc(1, sizeof(*t));
	const char *mode = getenv("JIAOZI_TEAR");

	assert_non_null(t);
	t->full = mode != NULL && strcmp(mode, "full") == 0;
	t->seed = 1;
	t->steps = story_steps();
	t->place = calloc(t->steps + 1, sizeof(*t->place));
	assert_non_null(t->place);
	rig_new(&t->rig);
	story_new(&t->story, &t->rig);
	for (unsigned i = 0; i < t->steps; i++) {
		mark(t, i);
		if (story_step(&t->story, i) != JZ_SW_OK)
			fail_msg("%s is refused", story_name(i));
	}
	mark(t, t->steps);
	story_check_end(&t->story);
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct tear *t = *state;

	for (unsigned i = 0; i <= t->steps; i++) {
		rig_snapshot_free(&t->place[i].payee);
		rig_snapshot_free(&t->place[i].payer);
	}
	free(t->place);
	story_free(&t->story);
	rig_free(&t->rig);
	free(t);
	return 0;
}

/* The state before a step, but for one try that is counted. */
static bool
is_counted(const struct rig_card *c, const uint8_t *before)
{
	size_t at = (size_t)(&rig_purse(c)->pin.tries - c->nvm);
	uint8_t counted[RIG_NVM_BYTES];

	memcpy(counted, before, sizeof(counted));
	counted[at]--;
	return rig_same_image(c->nvm, counted);
}

static void
check_state(struct tear *t, unsigned step, uint64_t at)
{
	const struct rig_card *c = story_card(&t->story, step);

	if (rig_unchanged(c, snapshot(t, step, c)) ||
	    rig_unchanged(c, snapshot(t, step + 1, c)))
		return;
	if (story_verifies(step) &&
	    is_counted(c, rig_image(snapshot(t, step, c))))
		return;
	fail_msg("%s, byte %llu: neither before nor after", story_name(step),
	    (unsigned long long)at);
}

/* The host goes on: the step again, then all that follow. */
static void
go_on(struct tear *t, unsigned step, uint64_t at)
{
	t->story.again = true;
	for (unsigned i = step; i < t->steps; i++) {
		uint16_t sw = story_step(&t->story, i);

		if (sw != JZ_SW_OK)
			fail_msg("%s, byte %llu: %s then is %04X",
			    story_name(step), (unsigned long long)at,
			    story_name(i), sw);
		t->story.again = false;
	}
	story_check_end(&t->story);
	t->ends++;
}

/* Begins the step with the power cut at this byte; false: it was not cut. */
static bool
cut(struct tear *t, unsigned step, uint64_t at, uint64_t keep)
{
	struct rig_card *c = story_card(&t->story, step);
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
	uint16_t sw;

	plan.cut_after = at;
	plan.keep = keep;
	jz_fault_plan(c->fault, &plan);
	sw = story_step(&t->story, step);
	if (!jz_fault_is_cut(c->fault)) {
		assert_int_equal(sw, JZ_SW_OK);
		jz_fault_power_up(c->fault); /* the plan is gone */
		return false;
	}
	/* The card says so, and nothing else. */
	if (sw != JZ_SW_MEMORY_FAILURE)
		fail_msg("%s, byte %llu: %04X", story_name(step),
		    (unsigned long long)at, sw);
	assert_int_equal(rig_reopen(c), 0);
	t->cuts++;
	return true;
}

/* What was answered is durable: the power cut right after it. */
static void
check_durable(struct tear *t, unsigned step)
{
	struct rig_card *c = story_card(&t->story, step);
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;

	plan.keep = KEEP_NOTHING;
	jz_fault_plan(c->fault, &plan);
	jz_fault_power_cut(c->fault);
	assert_int_equal(rig_reopen(c), 0);
	if (!rig_unchanged(c, snapshot(t, step + 1, c)))
		fail_msg("%s: answered, and lost", story_name(step));
}

static uint32_t
random_bits(struct tear *t)
{
	t->seed = t->seed * 1664525u + 1013904223u;
	return t->seed >> 8;
}

/* A second cut while the host goes on after the first. */
static void
cut_again(struct tear *t, unsigned step, uint64_t first, uint64_t keep)
{
	const uint32_t step_max = t->full ? SECOND_STEP : SECOND_STEP_BOUNDED;
	bool again = true;

	for (uint64_t at = 0; again; at += 1 + random_bits(t) % step_max) {
		struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
		struct rig_card *c;

		go_to(t, step);
		cut(t, step, first, keep);
		c = story_card(&t->story, step);
		plan.cut_after = at;
		plan.keep = random_bits(t);
		jz_fault_plan(c->fault, &plan);
		t->story.again = true;
		again = story_step(&t->story, step) != JZ_SW_OK;
		assert_int_equal(again, jz_fault_is_cut(c->fault));
		if (again) {
			t->second++;
			assert_int_equal(rig_reopen(c), 0);
			go_on(t, step, at);
		}
	}
}

/* One way to keep sectors, at every byte. */
static void
walk(struct tear *t, unsigned step, uint64_t keep, bool seeded)
{
	const unsigned every = t->full ? SECOND_EVERY : SECOND_EVERY_BOUNDED;

	for (uint64_t n = 0;; n++) {
		const uint64_t at = n * test_stride();

		if (seeded)
			keep = random_bits(t) & (SUBSETS - 1);
		go_to(t, step);
		if (!cut(t, step, at, keep))
			break;
		check_state(t, step, at);
		if (t->full || n % END_EVERY == 0)
			go_on(t, step, at);
		if ((seeded || keep == KEEP_ALL) && n % every == every / 2)
			cut_again(t, step, at, keep);
	}
	check_durable(t, step);
}

static void
test_every_byte_of_every_step(void **state)
{
	struct tear *t = *state;

	for (unsigned step = 0; step < t->steps; step++) {
		walk(t, step, KEEP_ALL, false);
		walk(t, step, KEEP_NOTHING, false);
		walk(t, step, 0, true);
		for (uint64_t keep = 1; t->full && keep < SUBSETS; keep++)
			walk(t, step, keep, false);
	}
	print_message("          %lu cuts, %lu second cuts, %lu stories to the "
		      "end\n",
	    t->cuts, t->second, t->ends);
	assert_true(t->cuts * test_stride() > 1000 && t->second > 20);
}

/* Fills the log, changing nothing, until the next commit must fold it. */
static void
fill_log(struct rig_card *c)
{
	const uint8_t *field = rig_purse(c)->reserved1;
	static const uint8_t zeros[sizeof(struct purse_record)];
	const struct purse_record *r = &rig_purse(c)->record[20];

	while (JZ_LOG_FOLD_BYTES - c->card.log.log_bytes > sizeof(*r) + 200)
		rig_poke(c, r, zeros, sizeof(*r));
	while (JZ_LOG_FOLD_BYTES - c->card.log.log_bytes >= 100)
		rig_poke(c, field, zeros, 1);
}

/* The steps that move money, when their commit writes the whole image. */
static void
test_steps_that_fold_the_log(void **state)
{
	struct tear *t = *state;

	for (unsigned step = 0; step < t->steps; step++) {
		struct rig_card *c = story_card(&t->story, step);
		struct rig_snapshot *full;
		bool again = true;

		if (strcmp(story_name(step), "CREDIT FOR LOAD") != 0 &&
		    strcmp(story_name(step), "DEBIT FOR UNLOAD") != 0 &&
		    strcmp(story_name(step), "COMPLETE") != 0 &&
		    strcmp(story_name(step), "CREDIT") != 0)
			continue;
		go_to(t, step);
		fill_log(c);
		full = rig_save(c);
		for (uint64_t at = 0; again; at += t->full ? 1 : FOLD_STRIDE) {
			uint64_t folds;

			go_to(t, step);
			rig_restore(c, full);
			folds = jz_fault_counters(c->fault).replaces;
			again = cut(t, step, at, at);
			assert_int_equal(
			    jz_fault_counters(c->fault).replaces, folds + 1);
			check_state(t, step, at);
			go_on(t, step + !again, at);
		}
		rig_snapshot_free(&full);
	}
	print_message("          %lu cuts while folding\n", t->cuts);
	assert_true(t->cuts > 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_every_byte_of_every_step, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_steps_that_fold_the_log, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
