/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an applet says of itself: the name that it registers, and its first
 * state.  Java Card 3 Applet.register, GlobalPlatform 5.3.
 */
#include "../../../apdu/error.h"
#include "../../support/probe.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SERVER	   's' /* is there before */
#define NAME	   'n'
#define SERVER_OLD 0x5511u

struct fixture {
	struct rig rig;
	struct rig_card *card;
	struct rig_snapshot *before;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct jz_applet *s;

	assert_non_null(f);
	probe_reset();
	rig_new(&f->rig);
	f->card = probe_card_new(&f->rig, 0);
	s = probe_add(f->card, &probe_multi, SERVER);
	rig_poke_u32(f->card, &probe_nvm(s)->value, SERVER_OLD);
	f->before = rig_save(f->card);
	probe_reset();
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	rig_snapshot_free(&f->before);
	rig_card_free(&f->card);
	rig_free(&f->rig);
	free(f);
	return 0;
}

static struct rig_card *
card_of(void **state)
{
	const struct fixture *f = *state;

	return f->card;
}

/* With one byte of parameters. */
static uint16_t
install(void **state, uint8_t param, bool selectable)
{
	struct jz_install order = {.module = probe_single.aid,
	    .instance = probe_aid(NAME),
	    .selectable = selectable,
	    .params = jz_span(&param, 1)};

	return jz_card_install_as(&card_of(state)->card, &order);
}

static uint16_t
call_and_accept(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	const struct jz_aid server = probe_aid(SERVER);
	uint8_t bytes[8];
	struct jz_buffer out = jz_buffer(bytes, sizeof(bytes));

	(void)apdu;
	(void)in;
	if (event != PROBE_INSTALL)
		return 0;
	return jz_call(self, &server, 0x1234, jz_span("x", 1), &out);
}

/* ---- jz_register -------------------------------------------------------- */

static struct {
	struct jz_aid aid, second;
	int result, again;
} wish;

static uint16_t
register_it(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	(void)apdu;
	(void)in;
	if (event != PROBE_INSTALL)
		return 0;
	wish.result = jz_register(self, &wish.aid);
	wish.again = jz_register(self, &wish.second);
	return JZ_SW_OK;
}

static void
test_an_applet_registers_another_name(void **state)
{
	struct rig_card *c = card_of(state);

	wish.aid = wish.second = probe_aid('w');
	probe.hook = register_it;
	assert_int_equal(install(state, 7, true), JZ_SW_OK);
	assert_int_equal(wish.result, 0);
	/* Once. */
	assert_int_equal(wish.again, JZ_ERR_STATE);
	for (unsigned i = 0; i < 2; i++) {
		const struct jz_applet *a = probe_find(c, 'w');

		assert_non_null(a);
		assert_null(probe_find(c, NAME));
		assert_int_equal(probe_nvm(a)->head.aid_len, 6);
		assert_memory_equal(
		    probe_nvm(a)->head.aid, wish.aid.bytes, JZ_AID_MAX);
		assert_int_equal(probe_choose(c, 0, NAME), JZ_SW_FILE);
		assert_int_equal(probe_choose(c, 0, 'w'), JZ_SW_OK);
		assert_int_equal(rig_reopen(c), 0);
	}
	/* INSTALL's name is free, the registered one is not. */
	probe.hook = NULL;
	assert_int_equal(install(state, 7, true), JZ_SW_OK);
	assert_int_equal(jz_card_install(&c->card, &probe_single.aid, &wish.aid,
			     jz_span(NULL, 0)),
	    JZ_SW_EXISTS);
}

static void
test_names_of_every_length(void **state)
{
	struct fixture *f = *state;

	wish.second.len = 0;
	probe.hook = register_it;
	for (unsigned len = 0; len <= 255; len++) {
		bool allowed = len >= JZ_AID_MIN && len <= JZ_AID_MAX;

		rig_restore(f->card, f->before);
		memset(wish.aid.bytes, 0xA5, sizeof(wish.aid.bytes));
		wish.aid.len = (uint8_t)len;
		assert_int_equal(install(state, 7, true), JZ_SW_OK);
		assert_int_equal(wish.result, allowed ? 0 : JZ_ERR_RANGE);
		assert_int_equal(wish.again, JZ_ERR_RANGE);
		assert_int_equal(
		    f->card->card.applet[1].aid.len, allowed ? len : 6);
	}
}

/* Refused, the name stays INSTALL's; another may be tried. */
static void
test_a_name_that_is_taken(void **state)
{
	struct rig_card *c = card_of(state);

	wish.aid = probe_aid(SERVER);
	wish.second = probe_aid('w');
	probe.hook = register_it;
	assert_int_equal(install(state, 7, true), JZ_SW_OK);
	assert_int_equal(wish.result, JZ_ERR_EXISTS);
	assert_int_equal(wish.again, 0);
	assert_non_null(probe_find(c, 'w'));
}

static void
test_its_own_name_may_be_registered(void **state)
{
	struct rig_card *c = card_of(state);

	wish.aid = probe_aid(NAME);
	wish.second = probe_aid('w');
	probe.hook = register_it;
	assert_int_equal(install(state, 7, true), JZ_SW_OK);
	assert_int_equal(wish.result, 0);
	assert_int_equal(wish.again, JZ_ERR_STATE);
	assert_non_null(probe_find(c, NAME));
}

static uint16_t
register_anywhere(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	(void)event;
	(void)apdu;
	(void)in;
	wish.result = jz_register(self, &wish.aid);
	return 0;
}

static void
test_outside_install_nothing_is_registered(void **state)
{
	struct rig_card *c = card_of(state);
	const struct jz_applet *a;

	assert_int_equal(install(state, 7, true), JZ_SW_OK);
	a = probe_find(c, NAME);
	wish.aid = probe_aid('w');
	probe.hook = register_anywhere;
	wish.result = 0;
	assert_int_equal(probe_choose(c, 0, NAME), JZ_SW_OK);
	assert_int_equal(wish.result, JZ_ERR_STATE);
	wish.result = 0;
	probe_send(c, 0, PROBE_WHO, 0, 0, NULL);
	assert_int_equal(wish.result, JZ_ERR_STATE);
	assert_int_equal(a->aid.bytes[5], NAME);
}

/* A service that is asked from install is not what is being installed. */
static uint16_t
register_in_service(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	if (event == PROBE_SERVICE)
		return register_anywhere(self, event, apdu, in);
	return call_and_accept(self, event, apdu, in);
}

static void
test_a_service_cannot_register_for_its_client(void **state)
{
	wish.aid = probe_aid('w');
	wish.result = 0;
	probe.hook = register_in_service;
	assert_int_equal(install(state, 7, true), JZ_SW_OK);
	assert_int_equal(wish.result, JZ_ERR_STATE);
	assert_null(probe_find(card_of(state), 'w'));
	assert_non_null(probe_find(card_of(state), SERVER));
}

/* ---- its state ---------------------------------------------------------- */

static int set_result;

static uint16_t
set_own_state(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	(void)apdu;
	(void)in;
	if (event == PROBE_INSTALL)
		set_result = jz_set_state(self, 0x0F);
	return 0;
}

static void
test_install_may_set_a_state_of_its_own(void **state)
{
	struct rig_card *c = card_of(state);

	probe.hook = set_own_state;
	assert_int_equal(install(state, 7, true), JZ_SW_OK);
	assert_int_equal(set_result, 0);
	assert_int_equal(probe_find(c, NAME)->state, 0x0F);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(probe_find(c, NAME)->state, 0x0F);
}

/* But it does not make itself selectable: GlobalPlatform 5.3.1.1. */
static void
test_install_does_not_make_itself_selectable(void **state)
{
	struct rig_card *c = card_of(state);

	probe.hook = set_own_state;
	assert_int_equal(install(state, 7, false), JZ_SW_OK);
	assert_int_equal(set_result, JZ_ERR_STATE);
	assert_int_equal(probe_find(c, NAME)->state, JZ_APP_INSTALLED);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_an_applet_registers_another_name),
	    TEST(test_names_of_every_length),
	    TEST(test_a_name_that_is_taken),
	    TEST(test_its_own_name_may_be_registered),
	    TEST(test_outside_install_nothing_is_registered),
	    TEST(test_a_service_cannot_register_for_its_client),
	    TEST(test_install_may_set_a_state_of_its_own),
	    TEST(test_install_does_not_make_itself_selectable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
