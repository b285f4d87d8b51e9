/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One card with applets of a test's own, made anew for each test function: for
 * the tests of the runtime.
 */
#ifndef JZ_TEST_CARD_BENCH_H
#define JZ_TEST_CARD_BENCH_H

#include "../../support/cardrig.h"
#include "../../../apdu/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NO_BYTES jz_span(NULL, 0)

struct bench {
	struct rig rig;
	struct rig_card *card;
};

static inline struct rig_card *
card_of(void **state)
{
	const struct bench *b = *state;

	return b->card;
}

/* Memory is counted to the byte: regions do not begin at pages, so there is no
 * strict mode. */
static inline struct bench *
bench_loose(void)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	rig_new(&b->rig);
	b->rig.loose = true;
	return b;
}

/* One instance of each class, on a card with storage. */
static inline int
bench_new(void **state, const struct jz_applet_class *const *classes, size_t n)
{
	struct bench *b = bench_loose();

	b->card = rig_card_new(&b->rig, classes, n, true);
	*state = b;
	return 0;
}

/* The classes are there, and no instance. */
static inline int
bench_empty(
    void **state, const struct jz_applet_class *const *classes, size_t n)
{
	struct rig_card *c;

	bench_new(state, NULL, 0);
	c = card_of(state);
	c->setup.classes = classes;
	c->setup.n_classes = n;
	assert_int_equal(rig_reopen(c), 0);
	return 0;
}

static inline int
teardown(void **state)
{
	struct bench *b = *state;

	rig_card_free(&b->card);
	rig_free(&b->rig);
	free(b);
	return 0;
}

/* SELECT by the whole AID, on a channel from 0 to 3. */
static inline uint16_t
select_on(struct rig_card *c, const struct jz_aid *aid, uint8_t channel)
{
	uint8_t cmd[5 + JZ_AID_MAX + 1] = {channel, 0xA4, 0x04, 0x00, aid->len};

	memcpy(cmd + 5, aid->bytes, aid->len);
	return port_raw(&c->port, jz_span(cmd, 6u + aid->len), NULL);
}

static inline void
fault(struct rig_card *c, uint64_t cut_after, uint64_t keep)
{
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;

	plan.cut_after = cut_after;
	plan.keep = keep;
	jz_fault_plan(c->fault, &plan);
}

/* Small commits until the next record of so many patched bytes must write the
 * whole image.  Four bytes at `at` are written again and again. */
static inline void
fill_log(struct rig_card *c, struct jz_applet *a, const void *at)
{
	static const uint8_t four[4] = {0};

	while (JZ_LOG_FOLD_BYTES - c->card.log.log_bytes >= 80)
		assert_int_equal(jz_write(a, at, four, sizeof(four)), 0);
}

/* A test with a bench of its own, made by the file's setup(). */
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
