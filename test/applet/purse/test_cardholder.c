/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the issuer's parameters bound: payments offline since the last
 * settlement, payments without PIN, and what is taken from a payer's card of
 * low assurance.
 */
#include "../../support/cardrig.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAYEE_ID "CN00000000100001"
#define PAYER_ID "CN00000000200001"
#define PIN	 "123456"
#define FUNDS	 50000u

static struct rig rig;

struct two {
	struct rig_card *payee, *payer;
};

static int
set_up(void **state)
{
	(void)state;
	rig_new(&rig);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	rig_free(&rig);
	return 0;
}

static struct rig_card *
new_card(const struct profile *p)
{
	struct rig_card *c = rig_purse_new(&rig, p);

	assert_int_equal(bank_load(&rig.bank, &c->port, PIN, FUNDS), JZ_SW_OK);
	return c;
}

static struct two
two_of(const struct profile *payee, const struct profile *payer)
{
	return (struct two){new_card(payee), new_card(payer)};
}

static void
two_free(struct two *t)
{
	rig_card_free(&t->payee);
	rig_card_free(&t->payer);
}

/* One payment; 9000 or the first refusal. */
static uint16_t
pay(const struct two *t, uint32_t amount)
{
	struct payment p =
	    payment_of(&t->payee->port, &t->payer->port, amount, RIG_NOW);

	return payment_run(&p, STEP_ACKNOWLEDGE);
}

static void
test_the_sum_of_offline_payments_is_bounded(void **state)
{
	struct profile payee = profile_of(PAYEE_ID),
		       payer = profile_of(PAYER_ID);
	struct two t;
	uint32_t n;

	(void)state;
	payer.max_offline_sum = 1000;
	t = two_of(&payee, &payer);
	assert_int_equal(pay(&t, 1001), JZ_SW_OFFLINE_LIMIT);
	assert_int_equal(pay(&t, 600), JZ_SW_OK);
	assert_int_equal(pay(&t, 401), JZ_SW_OFFLINE_LIMIT);
	rig_restart(t.payer);
	assert_int_equal(pay(&t, 401), JZ_SW_OFFLINE_LIMIT);
	assert_int_equal(pay(&t, 400), JZ_SW_OK);
	assert_int_equal(pay(&t, 1), JZ_SW_OFFLINE_LIMIT);
	/* What it receives gives nothing back; a settlement gives all. */
	assert_int_equal(bank_settle(&rig.bank, &t.payer->port, &n), JZ_SW_OK);
	assert_int_equal(pay(&t, 1000), JZ_SW_OK);
	two_free(&t);
}

static void
test_the_number_of_offline_payments_is_bounded(void **state)
{
	struct profile payee = profile_of(PAYEE_ID),
		       payer = profile_of(PAYER_ID);
	struct two t;
	uint32_t n;

	(void)state;
	payer.max_offline_count = 2;
	t = two_of(&payee, &payer);
	assert_int_equal(pay(&t, 1), JZ_SW_OK);
	assert_int_equal(pay(&t, 1), JZ_SW_OK);
	assert_int_equal(pay(&t, 1), JZ_SW_OFFLINE_LIMIT);
	assert_int_equal(bank_settle(&rig.bank, &t.payer->port, &n), JZ_SW_OK);
	assert_int_equal(pay(&t, 1), JZ_SW_OK);
	two_free(&t);
}

/* At the limit a purse still receives, is read, and gives its completion. */
static void
test_at_the_limit_what_was_begun_is_finished(void **state)
{
	struct profile payee = profile_of(PAYEE_ID),
		       payer = profile_of(PAYER_ID);
	struct payment p;
	struct two t, back;

	(void)state;
	payer.max_offline_count = 1;
	t = two_of(&payee, &payer);
	p = payment_of(&t.payee->port, &t.payer->port, 5, RIG_NOW);
	assert_int_equal(payment_run(&p, STEP_COMPLETE), JZ_SW_OK);
	assert_int_equal(pay(&t, 1), JZ_SW_OFFLINE_LIMIT);
	assert_int_equal(payment_run(&p, STEP_ACKNOWLEDGE), JZ_SW_OK);
	back = (struct two){t.payer, t.payee};
	assert_int_equal(pay(&back, 3), JZ_SW_OK);
	two_free(&t);
}

static void
test_a_pin_after_a_sum_without(void **state)
{
	struct profile payee = profile_of(PAYEE_ID),
		       payer = profile_of(PAYER_ID);
	struct two t;

	(void)state;
	payer.pin_sum = 500;
	t = two_of(&payee, &payer);
	assert_int_equal(pay(&t, 300), JZ_SW_OK);
	assert_int_equal(pay(&t, 200), JZ_SW_OK);
	assert_int_equal(pay(&t, 1), JZ_SW_SECURITY);
	rig_restart(t.payer);
	assert_int_equal(pay(&t, 1), JZ_SW_SECURITY);
	assert_int_equal(port_verify(&t.payer->port, PIN), JZ_SW_OK);
	assert_int_equal(pay(&t, 1), JZ_SW_OK);
	/* It counts anew, and the PIN served one agreement. */
	assert_int_equal(pay(&t, 501), JZ_SW_SECURITY);
	assert_int_equal(pay(&t, 500), JZ_SW_OK);
	assert_int_equal(pay(&t, 1), JZ_SW_SECURITY);
	two_free(&t);
}

static void
test_a_pin_after_a_number_without(void **state)
{
	struct profile payee = profile_of(PAYEE_ID),
		       payer = profile_of(PAYER_ID);
	struct payment open;
	struct two t;

	(void)state;
	payer.pin_count = 2;
	t = two_of(&payee, &payer);
	assert_int_equal(pay(&t, 1), JZ_SW_OK);
	/* An agreement that is not completed counts as well. */
	open = payment_of(&t.payee->port, &t.payer->port, 1, RIG_NOW);
	assert_int_equal(payment_run(&open, STEP_AGREE), JZ_SW_OK);
	assert_int_equal(pay(&t, 1), JZ_SW_SECURITY);
	assert_int_equal(port_verify(&t.payer->port, PIN), JZ_SW_OK);
	assert_int_equal(pay(&t, 1), JZ_SW_OK);
	assert_int_equal(pay(&t, 1), JZ_SW_OK);
	assert_int_equal(pay(&t, 1), JZ_SW_OK);
	assert_int_equal(pay(&t, 1), JZ_SW_SECURITY);
	two_free(&t);
}

/* A virtual card's money can be copied with its file. */
static void
test_a_payer_of_low_assurance_is_capped(void **state)
{
	struct profile payee = profile_of(PAYEE_ID),
		       payer = profile_of(PAYER_ID);
	struct two t;

	(void)state;
	payee.payer_level = JZ_ASSURANCE_SOFTWARE;
	payee.payer_cap = 100;
	t = two_of(&payee, &payer);
	assert_int_equal(pay(&t, 101), JZ_SW_LEVEL);
	assert_int_equal(pay(&t, 100), JZ_SW_OK);
	rig_card_free(&t.payer);
	payer.assurance = JZ_ASSURANCE_SOFTWARE;
	t.payer = new_card(&payer);
	assert_int_equal(pay(&t, 101), JZ_SW_OK);
	two_free(&t);
}

static void
test_a_payer_of_low_assurance_is_refused(void **state)
{
	struct profile payee = profile_of(PAYEE_ID),
		       payer = profile_of(PAYER_ID);
	struct two t;

	(void)state;
	payee.payer_level = JZ_ASSURANCE_HARDWARE;
	payer.assurance = JZ_ASSURANCE_SOFTWARE;
	t = two_of(&payee, &payer);
	assert_int_equal(pay(&t, 1), JZ_SW_LEVEL);
	two_free(&t);
}

static void
test_no_such_level(void **state)
{
	struct profile p = profile_of(PAYEE_ID);
	struct rig_card *c;

	(void)state;
	p.payer_level = (enum jz_assurance)(JZ_ASSURANCE_HARDWARE + 1);
	c = rig_empty_purse_new(&rig, true);
	assert_int_equal(bank_personalise(&rig.bank, &c->port, &p), JZ_SW_DATA);
	rig_card_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_sum_of_offline_payments_is_bounded),
	    cmocka_unit_test(test_the_number_of_offline_payments_is_bounded),
	    cmocka_unit_test(test_at_the_limit_what_was_begun_is_finished),
	    cmocka_unit_test(test_a_pin_after_a_sum_without),
	    cmocka_unit_test(test_a_pin_after_a_number_without),
	    cmocka_unit_test(test_a_payer_of_low_assurance_is_capped),
	    cmocka_unit_test(test_a_payer_of_low_assurance_is_refused),
	    cmocka_unit_test(test_no_such_level),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
