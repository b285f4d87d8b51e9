/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole transactions over real purses and a real issuer, with the card torn
 * from its power at every command, before it is carried out and after.
 *
 * What must hold each time: no value is created (ALL-1), all of it is
 * accounted for (ALL-2), and doing the same again finishes the work.
 */
#include "../support/tornrig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LOADED 10000

static const struct jz_terms TERMS = {2500, TORN_CNY, 1769903999, "noodles"};

static int
pay(struct world *w, struct jz_pay_result *r)
{
	unsigned tries;
	int err = jz_purse_verify_pin(&w->alice.session, TORN_PIN, &tries);

	return err != 0
	    ? err
	    : jz_pay(&w->alice.session, &w->bob.session, &TERMS, r, NULL, NULL);
}

/* OFP-1 to OFP-6, OFP-10, LOD-4 to LOD-7. */
static void
test_nothing_goes_wrong(void **state)
{
	struct jz_settle_result s;
	struct jz_pay_result r;
	struct world w = {0};

	(void)state;
	world_new(&w);
	assert_int_equal(world_personalise(&w, &w.alice, "alice"), 0);
	assert_int_equal(world_personalise(&w, &w.bob, "bob"), 0);
	assert_int_equal(world_personalise(&w, &w.bob, "bob"), JZ_ERR_STATE);
	assert_int_equal(world_load(&w, &w.alice, LOADED), 0);
	assert_int_equal(pay(&w, &r), 0);
	assert_int_equal(torn_balance(&w.alice), LOADED - 2500);
	assert_int_equal(torn_balance(&w.bob), 2500);
	assert_int_equal(world_books(&w).cards, LOADED);
	assert_int_equal(jz_settle(&w.alice.session, w.issuer, &s), 0);
	assert_int_equal(s.records, 2);
	assert_int_equal(world_books(&w).transit_payment, 2500);
	world_assert_settled(&w);
	world_free(&w);
}

static void
test_personalisation_is_cut(void **state)
{
	unsigned n;

	(void)state;
	for (n = 1; n < TORN_CUTS_MAX; n += 2) {
		struct world w = {0};
		bool cut;
		int err;

		world_new(&w);
		torn_cut_at(&w.alice, n, (n & 2) != 0);
		err = world_personalise(&w, &w.alice, "alice");
		cut = torn_was_cut(&w.alice);
		assert_int_equal(err != 0, cut);
		/* Done after all: the answer to the last command was lost. */
		err = cut ? world_personalise(&w, &w.alice, "alice") : 0;
		assert_true(err == 0 || err == JZ_ERR_STATE);
		assert_int_equal(world_load(&w, &w.alice, LOADED), 0);
		world_books(&w);
		world_free(&w);
		if (!cut)
			break;
	}
	assert_true(n > 8 && n < TORN_CUTS_MAX);
}

/* Money is on the card once or not at all; the same again puts it there. */
static void
load_cut_at(struct world *w, unsigned n, bool carried_out, bool *cut)
{
	uint64_t before = torn_balance(&w->alice), after;
	int err;

	torn_cut_at(&w->alice, n, carried_out);
	err = world_load(w, &w->alice, LOADED);
	*cut = torn_was_cut(&w->alice);
	after = torn_balance(&w->alice);
	world_books(w);
	if (err != 0) {
		assert_int_equal(after, before);
		assert_int_equal(world_load(w, &w->alice, LOADED), 0);
	}
	assert_int_equal(torn_balance(&w->alice), before + LOADED);
	assert_int_equal(world_books(w).transit_load, 0);
}

static void
test_load_is_cut(void **state)
{
	struct world w = {0};
	bool cut = true;
	unsigned n;

	(void)state;
	world_new(&w);
	assert_int_equal(world_personalise(&w, &w.alice, "alice"), 0);
	assert_int_equal(world_personalise(&w, &w.bob, "bob"), 0);
	for (n = 1; cut && n < TORN_CUTS_MAX; n++) {
		load_cut_at(&w, n, false, &cut);
		load_cut_at(&w, n, true, &cut);
	}
	assert_true(n > 3 && n < TORN_CUTS_MAX);
	world_assert_settled(&w);
	world_free(&w);
}

/* Torn on one card at one command: paid, or not; never half. */
static bool
pay_cut_at(struct world *w, struct torn *t, unsigned n, bool carried_out)
{
	uint64_t payer = torn_balance(&w->alice), payee = torn_balance(&w->bob);
	struct jz_pay_result r = {0};
	bool cut, paid;
	int err;

	torn_cut_at(t, n, carried_out);
	err = pay(w, &r);
	cut = torn_was_cut(t);
	paid = torn_balance(&w->alice) != payer;
	assert_int_equal(
	    torn_balance(&w->alice) + torn_balance(&w->bob), payer + payee);
	assert_int_equal(torn_balance(&w->bob), payee + (paid ? 2500 : 0));
	if (err == 0 || r.step == JZ_STEP_ACKNOWLEDGE)
		assert_true(paid);
	if (!paid) {
		assert_int_equal(pay(w, &r), 0);
		assert_int_equal(torn_balance(&w->bob), payee + 2500);
	}
	return cut;
}

static void
test_payment_is_cut(void **state)
{
	struct world w = {0};
	bool cut = true;
	unsigned n;

	(void)state;
	world_new(&w);
	assert_int_equal(world_personalise(&w, &w.alice, "alice"), 0);
	assert_int_equal(world_personalise(&w, &w.bob, "bob"), 0);
	for (n = 0; n < 10; n++)
		assert_int_equal(world_load(&w, &w.alice, LOADED), 0);
	for (n = 1; cut && n < TORN_CUTS_MAX; n++) {
		cut = pay_cut_at(&w, &w.alice, n, false);
		cut = pay_cut_at(&w, &w.alice, n, true) || cut;
		cut = pay_cut_at(&w, &w.bob, n, false) || cut;
		cut = pay_cut_at(&w, &w.bob, n, true) || cut;
		world_assert_settled(&w);
	}
	assert_true(n > 4 && n < TORN_CUTS_MAX);
	world_free(&w);
}

/* Each record is posted once, whenever the card was torn off. */
static void
test_settlement_is_cut(void **state)
{
	struct jz_settle_result s;
	struct jz_pay_result r;
	struct world w = {0};
	bool cut = true;
	unsigned n;

	(void)state;
	world_new(&w);
	assert_int_equal(world_personalise(&w, &w.alice, "alice"), 0);
	assert_int_equal(world_personalise(&w, &w.bob, "bob"), 0);
	for (n = 0; n < 10; n++)
		assert_int_equal(world_load(&w, &w.alice, LOADED), 0);
	for (n = 1; cut && n < TORN_CUTS_MAX; n++) {
		assert_int_equal(pay(&w, &r), 0);
		torn_cut_at(&w.alice, n, (n & 1) != 0);
		assert_int_equal(jz_settle(&w.alice.session, w.issuer, &s) != 0,
		    torn_was_cut(&w.alice));
		torn_cut_at(&w.bob, n, (n & 1) == 0);
		(void)jz_settle(&w.bob.session, w.issuer, &s);
		cut = torn_was_cut(&w.bob);
		world_books(&w);
		world_assert_settled(&w);
	}
	assert_true(n > 5 && n < TORN_CUTS_MAX);
	world_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing_goes_wrong),
	    cmocka_unit_test(test_personalisation_is_cut),
	    cmocka_unit_test(test_load_is_cut),
	    cmocka_unit_test(test_payment_is_cut),
	    cmocka_unit_test(test_settlement_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
