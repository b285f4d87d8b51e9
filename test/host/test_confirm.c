/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A terminal and a payer's card with keys: the terminal waits while the holder
 * is at them, and the same request goes through; without a holder it is told
 * so, and no money has moved.
 *
 * proves: OFP-2
 */
#include "../support/tornrig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../../apdu/error.h"

#define FUNDS  50000u
#define AMOUNT 4000u

struct holder {
	struct torn *card;
	enum jz_virtual_key key; /* what she presses */
	unsigned asked;
	unsigned gives_up; /* when asked so often */
};

static bool
at_the_keys(void *arg)
{
	struct holder *h = arg;

	if (++h->asked == h->gives_up)
		return false;
	assert_true(jz_virtual_run(h->card->card));
	assert_int_equal(jz_virtual_press(h->card->card, h->key), 0);
	assert_false(jz_virtual_run(h->card->card));
	return true;
}

static void
load(struct world *w)
{
	struct holder h = {.card = &w->alice, .key = JZ_VIRTUAL_KEY_OK};

	assert_int_equal(world_load(w, &w->alice, FUNDS), JZ_ERR_STATUS);
	assert_int_equal(w->alice.session.sw, JZ_SW_CONFIRM);
	assert_true(at_the_keys(&h));
	assert_int_equal(world_load(w, &w->alice, FUNDS), 0);
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	world_new(w);
	torn_new_key(&w->alice);
	assert_int_equal(world_personalise(w, &w->alice, "alice"), 0);
	assert_int_equal(world_personalise(w, &w->bob, "bob"), 0);
	load(w);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	world_free(w);
	free(w);
	return 0;
}

static int
pay(struct world *w, struct holder *h)
{
	const struct jz_terms terms = {.amount_minor = AMOUNT,
	    .currency = TORN_CNY,
	    .time = (int64_t)time(NULL),
	    .confirmed = h == NULL ? NULL : at_the_keys,
	    .confirmed_arg = h};
	struct jz_pay_result r;
	int err =
	    jz_pay(&w->alice.session, &w->bob.session, &terms, &r, NULL, NULL);

	assert_false(r.in_doubt);
	assert_int_equal(r.step, err == 0 ? JZ_STEP_DONE : JZ_STEP_AGREE);
	return err;
}

static void
expect(struct world *w, uint64_t paid)
{
	assert_int_equal(torn_balance(&w->alice), FUNDS - paid);
	assert_int_equal(torn_balance(&w->bob), paid);
}

static void
test_ok_pays_the_same_request(void **state)
{
	struct world *w = *state;
	struct holder h = {.card = &w->alice, .key = JZ_VIRTUAL_KEY_OK};

	assert_int_equal(pay(w, &h), 0);
	assert_int_equal(h.asked, 1);
	expect(w, AMOUNT);
	world_assert_settled(w);
}

static void
test_no_is_told(void **state)
{
	struct world *w = *state;
	struct holder h = {.card = &w->alice, .key = JZ_VIRTUAL_KEY_CANCEL};

	assert_int_equal(pay(w, &h), JZ_ERR_STATUS);
	assert_int_equal(w->alice.session.sw, JZ_SW_DECLINED);
	assert_int_equal(h.asked, 1);
	expect(w, 0);
}

static void
test_nobody_is_there(void **state)
{
	struct world *w = *state;
	struct holder h = {.card = &w->alice, .gives_up = 1};

	assert_int_equal(pay(w, NULL), JZ_ERR_STATUS);
	assert_int_equal(w->alice.session.sw, JZ_SW_CONFIRM);
	assert_int_equal(pay(w, &h), JZ_ERR_STATUS);
	assert_int_equal(w->alice.session.sw, JZ_SW_CONFIRM);
	expect(w, 0);
}

/* A card whose PIN was given asks nobody. */
static void
test_the_pin_will_do(void **state)
{
	struct world *w = *state;
	struct holder h = {.card = &w->alice};
	unsigned tries;

	assert_int_equal(
	    jz_purse_verify_pin(&w->alice.session, TORN_PIN, &tries), 0);
	assert_int_equal(pay(w, &h), 0);
	assert_int_equal(h.asked, 0);
	expect(w, AMOUNT);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_ok_pays_the_same_request),
	    TEST(test_no_is_told),
	    TEST(test_nobody_is_there),
	    TEST(test_the_pin_will_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
