/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A load that is confirmed on the card's own display: nothing is signed before
 * OK was pressed there; "no" and nobody lead back to where it began.
 *
 * proves: LOD-3 LOD-10
 */
#include "../../support/loading.h"
#include "../../../applet/virtual/panel.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PIN    LOADING_PIN
#define AMOUNT LOADING_AMOUNT
#define OTHER  9999u

struct key {
	struct rig rig;
	struct bank *bank;
	struct profile profile;
	struct rig_card *card;
	const struct port *port;
	const struct purse_nvm *purse;
	struct jz_screen screen;
};

static int
key_setup(void **state)
{
	struct key *k = calloc(1, sizeof(*k));

	assert_non_null(k);
	rig_new(&k->rig);
	k->bank = &k->rig.bank;
	k->profile = profile_of(LOADING_ID);
	k->profile.confirm = 1;
	k->card = rig_purse_new(&k->rig, &k->profile);
	k->port = &k->card->port;
	k->purse = rig_purse(k->card);
	k->screen.own_time = true;
	k->card->setup.panel = k->card->card.setup.panel = &jz_screen_panel;
	k->card->setup.panel_state = k->card->card.setup.panel_state =
	    &k->screen;
	*state = k;
	return 0;
}

static int
key_teardown(void **state)
{
	struct key *k = *state;

	rig_card_free(&k->card);
	rig_free(&k->rig);
	free(k);
	return 0;
}

static uint16_t
initialize(struct key *k, uint32_t amount, struct answer *a)
{
	struct blob data = load_of(amount);

	return port_send(k->port, AT_INITIALIZE, blob_span(&data), a);
}

/* Asked about, and shown. */
static void
asked(struct key *k, uint32_t amount)
{
	struct answer a;

	assert_int_equal(port_verify(k->port, PIN), JZ_SW_OK);
	assert_int_equal(initialize(k, amount, &a), JZ_SW_CONFIRM);
	assert_int_equal(a.len, 0);
	assert_int_equal(k->purse->online_counter, 0);
	assert_int_equal(k->purse->load.open, LOAD_NONE);
	assert_true(jz_card_run(&k->card->card));
}

static bool
press(struct key *k, enum jz_key key)
{
	assert_true(jz_screen_press(&k->screen, key));
	return jz_card_run(&k->card->card);
}

static void
shows(const struct key *k, const char *text)
{
	for (unsigned i = 0; i < JZ_SCREEN_LINES; i++)
		if (strstr(k->screen.line[i], text) != NULL)
			return;
	fail_msg("the display does not show %s", text);
}

static void
test_ok_is_asked_for_and_signs(void **state)
{
	struct key *k = *state;
	struct answer a;

	asked(k, AMOUNT);
	shows(k, "圈存");
	shows(k, "25.00 CNY");
	assert_int_equal(k->screen.sounds, 0);
	assert_false(press(k, JZ_KEY_OK));
	shows(k, "已确认");
	assert_int_equal(k->screen.sounds, 1);
	assert_int_equal(initialize(k, AMOUNT, &a), JZ_SW_OK);
	assert_int_equal(k->purse->online_counter, 1);
	/* Once: the open request again needs no key, another load does. */
	port_send(k->port, AT_CANCEL, jz_span(NULL, 0), NULL);
	assert_int_equal(port_verify(k->port, PIN), JZ_SW_OK);
	assert_int_equal(initialize(k, AMOUNT, &a), JZ_SW_CONFIRM);
}

static void
test_no_goes_back_to_input(void **state)
{
	struct key *k = *state;
	struct answer a;

	asked(k, AMOUNT);
	assert_false(press(k, JZ_KEY_CANCEL));
	shows(k, "未确认");
	assert_int_equal(k->screen.sounds, 1);
	assert_int_equal(initialize(k, AMOUNT, &a), JZ_SW_DECLINED);
	assert_int_equal(k->purse->online_counter, 0);
	asked(k, AMOUNT);
	assert_false(press(k, JZ_KEY_OK));
	assert_int_equal(initialize(k, AMOUNT, &a), JZ_SW_OK);
}

static void
test_nobody_goes_back_to_input(void **state)
{
	struct key *k = *state;
	struct answer a;

	asked(k, AMOUNT);
	k->screen.seconds += JZ_CONFIRM_SECONDS;
	assert_true(jz_card_run(&k->card->card));
	k->screen.seconds++;
	assert_false(jz_card_run(&k->card->card));
	shows(k, "未确认");
	assert_int_equal(k->screen.sounds, 1);
	assert_int_equal(initialize(k, AMOUNT, &a), JZ_SW_DECLINED);
}

/* OK was for this amount and terminal, and not for ever. */
static void
test_ok_is_for_this_load(void **state)
{
	struct key *k = *state;
	struct blob data = load_of(AMOUNT);
	struct answer a;

	asked(k, AMOUNT);
	assert_false(press(k, JZ_KEY_OK));
	assert_int_equal(initialize(k, OTHER, &a), JZ_SW_CONFIRM);
	assert_int_equal(initialize(k, AMOUNT, &a), JZ_SW_CONFIRM);
	asked(k, AMOUNT);
	assert_false(press(k, JZ_KEY_OK));
	data.data[10] ^= 1;
	assert_int_equal(
	    port_send(k->port, AT_INITIALIZE, blob_span(&data), &a),
	    JZ_SW_CONFIRM);
	asked(k, AMOUNT);
	assert_false(press(k, JZ_KEY_OK));
	k->screen.seconds += JZ_CONFIRM_SECONDS + 1;
	assert_int_equal(initialize(k, AMOUNT, &a), JZ_SW_CONFIRM);
}

/* A terminal has no way to press OK, and any command ends the question. */
static void
test_a_command_ends_the_question(void **state)
{
	struct key *k = *state;
	struct answer a;

	asked(k, AMOUNT);
	(void)port_balance(k->port);
	assert_false(press(k, JZ_KEY_OK));
	assert_int_equal(initialize(k, AMOUNT, &a), JZ_SW_CONFIRM);
	/* A key pressed before the question is no answer to it. */
	assert_true(jz_screen_press(&k->screen, JZ_KEY_OK));
	assert_true(jz_card_run(&k->card->card));
	assert_int_equal(initialize(k, AMOUNT, &a), JZ_SW_CONFIRM);
}

/* The PIN first, and the other refusals: nobody is asked for nothing. */
static void
test_refusals_come_before_the_question(void **state)
{
	struct key *k = *state;
	struct answer a;

	assert_int_equal(initialize(k, AMOUNT, &a), JZ_SW_SECURITY);
	assert_int_equal(port_verify(k->port, PIN), JZ_SW_OK);
	assert_int_equal(
	    initialize(k, (uint32_t)k->profile.max_balance + 1, &a),
	    JZ_SW_BALANCE_LIMIT);
	assert_false(jz_card_run(&k->card->card));
}

static void
test_without_a_display_nothing_is_signed(void **state)
{
	struct key *k = *state;
	struct answer a;

	k->card->card.setup.panel = NULL;
	assert_int_equal(port_verify(k->port, PIN), JZ_SW_OK);
	assert_int_equal(initialize(k, AMOUNT, &a), JZ_SW_CONDITIONS);
	assert_int_equal(k->purse->online_counter, 0);
}

/* Who wants no confirmation is not asked. */
static void
test_a_card_that_does_not_ask(void **state)
{
	struct key *k = *state;
	const uint8_t none = 0;
	struct answer a;

	rig_poke(k->card, &k->purse->confirm, &none, 1);
	assert_int_equal(port_verify(k->port, PIN), JZ_SW_OK);
	assert_int_equal(initialize(k, AMOUNT, &a), JZ_SW_OK);
	assert_false(jz_card_run(&k->card->card));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, key_setup, key_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_ok_is_asked_for_and_signs),
	    T(test_no_goes_back_to_input),
	    T(test_nobody_goes_back_to_input),
	    T(test_ok_is_for_this_load),
	    T(test_a_command_ends_the_question),
	    T(test_refusals_come_before_the_question),
	    T(test_without_a_display_nothing_is_signed),
	    T(test_a_card_that_does_not_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
