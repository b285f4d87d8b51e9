/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A payment that a key of the card confirms in place of the PIN: where the
 * PIN would be needed and nowhere else, for this request and no other, once.
 *
 * proves: OFP-2 (the payer's card asks its holder before it agrees)
 */
#include "../../support/cardrig.h"
#include "../../../applet/virtual/panel.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAYEE_ID  "CN00000000100001"
#define PAYER_ID  "CN00000000200001"
#define PIN	  "123456"
#define PIN_ABOVE 10000u
#define AMOUNT	  (PIN_ABOVE + 1)
#define SINGLE	  500000u
#define FUNDS	  800000u
#define START	  500u /* of the panel's clock */

struct fixture {
	struct rig rig;
	struct rig_card *payee, *payer;
	const struct purse_nvm *purse; /* the payer's */
	struct jz_screen screen;
};

static void
give_panel(struct fixture *f)
{
	f->payer->setup.panel = f->payer->card.setup.panel = &jz_screen_panel;
	f->payer->setup.panel_state = f->payer->card.setup.panel_state =
	    &f->screen;
}

static int
setup_of(void **state, enum jz_profile profile)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct profile p = profile_of(PAYEE_ID);

	assert_non_null(f);
	rig_new(&f->rig);
	p.profile = profile;
	f->payee = rig_purse_new(&f->rig, &p);
	p = profile_of(PAYER_ID);
	p.profile = profile;
	p.confirm = JZ_CONFIRM_PAYMENTS;
	p.pin_count = 2;
	f->payer = rig_purse_new(&f->rig, &p);
	f->purse = rig_purse(f->payer);
	f->screen.own_time = true;
	f->screen.seconds = START;
	give_panel(f);
	assert_int_equal(
	    bank_load(&f->rig.bank, &f->payer->port, PIN, FUNDS), JZ_SW_OK);
	*state = f;
	return 0;
}

static int
setup(void **state)
{
	return setup_of(state, JZ_PROFILE_CLEAR);
}

static int
setup_encrypted(void **state)
{
	return setup_of(state, JZ_PROFILE_ENCRYPTED);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	rig_card_free(&f->payee);
	rig_card_free(&f->payer);
	rig_free(&f->rig);
	free(f);
	return 0;
}

static struct payment
of(struct fixture *f, uint64_t amount)
{
	struct payment pay =
	    payment_of(&f->payee->port, &f->payer->port, amount, RIG_NOW);

	pay.encrypted = f->purse->profile == JZ_PROFILE_ENCRYPTED;
	return pay;
}

/* Agrees, and nothing has come of it but a question on the display. */
static void
asked(struct fixture *f, struct payment *pay)
{
	uint32_t counter = f->purse->offline_counter;
	uint8_t open = f->purse->agreement.open;

	assert_int_equal(payment_run(pay, STEP_AGREE), JZ_SW_CONFIRM);
	assert_int_equal(pay->next, STEP_AGREE);
	assert_int_equal(f->purse->offline_counter, counter);
	assert_int_equal(f->purse->agreement.open, open);
	assert_true(jz_card_run(&f->payer->card));
}

static bool
press(struct fixture *f, enum jz_key key)
{
	assert_true(jz_screen_press(&f->screen, key));
	return jz_card_run(&f->payer->card);
}

static bool
shows(const struct fixture *f, const char *text)
{
	for (unsigned i = 0; i < JZ_SCREEN_LINES; i++)
		if (strstr(f->screen.line[i], text) != NULL)
			return true;
	return false;
}

/* proves: OFP-2 OFP-4 */
static void
test_the_display_says_how_much_to_whom_and_ok_pays(void **state)
{
	struct fixture *f = *state;
	struct payment pay = of(f, AMOUNT);

	asked(f, &pay);
	assert_true(shows(f, "付款 Pay"));
	assert_true(shows(f, "100.01 CNY"));
	assert_true(shows(f, PAYEE_ID));
	assert_true(shows(f, "确认 OK?"));
	assert_false(press(f, JZ_KEY_OK));
	assert_true(shows(f, "已确认"));
	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(f->purse->balance, FUNDS - AMOUNT);
}

/* A display of two lines has the amount and the payee. */
static void
test_the_smallest_display(void **state)
{
	struct fixture *f = *state;
	struct payment pay = of(f, AMOUNT);
	struct jz_panel small = jz_screen_panel;

	small.lines = JZ_PANEL_LINES_MIN;
	small.columns = JZ_PANEL_COLUMNS_MIN;
	f->payer->setup.panel = f->payer->card.setup.panel = &small;
	asked(f, &pay);
	assert_string_equal(f->screen.line[0], "100.01 CNY");
	assert_string_equal(f->screen.line[1], PAYEE_ID);
	give_panel(f);
}

/* One press, one agreement: also of the same request. */
static void
test_one_press_serves_one_agreement(void **state)
{
	struct fixture *f = *state;
	struct payment pay = of(f, AMOUNT), again, other;

	asked(f, &pay);
	assert_false(press(f, JZ_KEY_OK));
	again = pay;
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_OK);
	assert_int_equal(payment_run(&again, STEP_AGREE), JZ_SW_CONFIRM);
	other = of(f, AMOUNT);
	assert_int_equal(payment_run(&other, STEP_AGREE), JZ_SW_CONFIRM);
}

static void
test_no_and_nobody(void **state)
{
	struct fixture *f = *state;
	struct payment pay = of(f, AMOUNT);

	asked(f, &pay);
	assert_false(press(f, JZ_KEY_CANCEL));
	assert_true(shows(f, "未确认"));
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_DECLINED);
	asked(f, &pay);
	f->screen.seconds += JZ_CONFIRM_SECONDS;
	assert_true(jz_card_run(&f->payer->card));
	f->screen.seconds++;
	assert_false(jz_card_run(&f->payer->card));
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_DECLINED);
	assert_int_equal(f->purse->offline_counter, 0);
	asked(f, &pay);
	assert_false(press(f, JZ_KEY_OK));
	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
}

/* Another request, of the same payee and amount, was not confirmed. */
static void
test_ok_is_for_this_request(void **state)
{
	struct fixture *f = *state;
	struct payment pay = of(f, AMOUNT), other = of(f, AMOUNT);

	asked(f, &pay);
	assert_false(press(f, JZ_KEY_OK));
	assert_int_equal(payment_run(&other, STEP_AGREE), JZ_SW_CONFIRM);
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_CONFIRM);
}

/* Nor for ever; and a loss of power, after which the panel's clock begins
 * again, is no way to have more time. */
static void
test_ok_is_not_for_ever(void **state)
{
	struct fixture *f = *state;
	struct payment pay = of(f, AMOUNT);

	/* From the press on. */
	asked(f, &pay);
	f->screen.seconds += JZ_CONFIRM_SECONDS;
	assert_false(press(f, JZ_KEY_OK));
	f->screen.seconds += JZ_CONFIRM_SECONDS;
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_OK);
	pay = of(f, AMOUNT);
	asked(f, &pay);
	assert_false(press(f, JZ_KEY_OK));
	f->screen.seconds += JZ_CONFIRM_SECONDS + 1;
	asked(f, &pay);
	assert_false(press(f, JZ_KEY_OK));
	f->screen.seconds = 1;
	rig_restart(f->payer);
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_CONFIRM);
}

/* No terminal presses a key: its commands end the question, and a key pressed
 * before it is no answer. */
static void
test_a_command_ends_the_question(void **state)
{
	struct fixture *f = *state;
	struct payment pay = of(f, AMOUNT);

	asked(f, &pay);
	(void)port_balance(&f->payer->port);
	assert_false(shows(f, "100.01"));
	assert_false(press(f, JZ_KEY_OK));
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_CONFIRM);
	assert_true(jz_screen_press(&f->screen, JZ_KEY_OK));
	assert_true(jz_card_run(&f->payer->card));
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_CONFIRM);
}

/* What needs no PIN needs no key, and what cannot be paid is not asked about. */
static void
test_nobody_is_asked_for_nothing(void **state)
{
	struct fixture *f = *state;
	struct payment pay = of(f, PIN_ABOVE);

	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	pay = of(f, SINGLE + 1);
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_SINGLE_LIMIT);
	rig_poke_u32(
	    f->payer, &f->purse->offline_counter, JZ_PURSE_COUNTER_MAX);
	pay = of(f, AMOUNT);
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_COUNTER);
	assert_false(jz_card_run(&f->payer->card));
}

/* After so many agreements without; a press counts as the PIN does. */
static void
test_a_press_begins_the_count_anew(void **state)
{
	struct fixture *f = *state;
	struct payment pay;

	for (unsigned k = 0; k < 2; k++) {
		pay = of(f, 1);
		assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	}
	pay = of(f, 1);
	asked(f, &pay);
	assert_false(press(f, JZ_KEY_OK));
	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(f->purse->no_pin_count, 0);
	pay = of(f, 1);
	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
}

static void
test_the_pin_will_do(void **state)
{
	struct fixture *f = *state;
	struct payment pay = of(f, AMOUNT);

	assert_int_equal(port_verify(&f->payer->port, PIN), JZ_SW_OK);
	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_false(jz_card_run(&f->payer->card));
}

/* Without keys, and without the issuer's leave, it is the PIN. */
static void
test_where_no_key_counts(void **state)
{
	struct fixture *f = *state;
	struct payment pay = of(f, AMOUNT);
	const uint8_t loads = JZ_CONFIRM_LOADS;

	f->payer->card.setup.panel = NULL;
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_SECURITY);
	give_panel(f);
	rig_poke(f->payer, &f->purse->confirm, &loads, 1);
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_SECURITY);
	assert_false(jz_card_run(&f->payer->card));
}

/* A yes to a load is none to a payment, and the other way round. */
static void
test_load_and_payment_are_two_questions(void **state)
{
	struct fixture *f = *state;
	const uint8_t both = JZ_CONFIRM_LOADS | JZ_CONFIRM_PAYMENTS;
	struct payment pay = of(f, AMOUNT);
	struct blob load = load_of(AMOUNT);
	struct answer a;

	rig_poke(f->payer, &f->purse->confirm, &both, 1);
	asked(f, &pay);
	assert_false(press(f, JZ_KEY_OK));
	assert_int_equal(port_verify(&f->payer->port, PIN), JZ_SW_OK);
	assert_int_equal(
	    port_send(&f->payer->port, AT_INITIALIZE, blob_span(&load), &a),
	    JZ_SW_CONFIRM);
	assert_true(jz_card_run(&f->payer->card));
	assert_true(shows(f, "圈存"));
	assert_false(press(f, JZ_KEY_OK));
	rig_reset(f->payer);
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_CONFIRM);
}

static void
test_no_other_flag_is_known(void **state)
{
	struct fixture *f = *state;
	struct profile p = profile_of("CN00000000300001");
	struct rig_card *c = rig_empty_purse_new(&f->rig, true);

	p.confirm = JZ_CONFIRM_MAX + 1;
	assert_int_equal(
	    bank_personalise(&f->rig.bank, &c->port, &p), JZ_SW_DATA);
	rig_card_free(&c);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_the_display_says_how_much_to_whom_and_ok_pays),
	    cmocka_unit_test_setup_teardown(
		test_the_display_says_how_much_to_whom_and_ok_pays,
		setup_encrypted, teardown),
	    TEST(test_the_smallest_display),
	    TEST(test_one_press_serves_one_agreement),
	    TEST(test_no_and_nobody),
	    TEST(test_ok_is_for_this_request),
	    TEST(test_ok_is_not_for_ever),
	    TEST(test_a_command_ends_the_question),
	    TEST(test_nobody_is_asked_for_nothing),
	    TEST(test_a_press_begins_the_count_anew),
	    TEST(test_the_pin_will_do),
	    TEST(test_where_no_key_counts),
	    TEST(test_load_and_payment_are_two_questions),
	    TEST(test_no_other_flag_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
