/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which applet may be on which channels, the transient memory that each
 * channel gives it, and what it is told.  Java Card 3 JCRE 4.2, 5.2.
 */
#include "../../support/probe.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Needs no memory. */
static const struct jz_applet_class QUIET = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "quiet",
    .aid = {6, {0xF0, 'Q', 'U', 'I', 'E', 'T'}},
    .nvm_bytes = sizeof(struct jz_nvm_head),
    .multi_selectable = true,
    .process = probe_on_process,
};
/* Two of it do not fit into transient memory. */
static const struct jz_applet_class GREEDY = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "greedy",
    .aid = {6, {0xF0, 'G', 'R', 'E', 'E', 'D'}},
    .nvm_bytes = sizeof(struct probe_nvm),
    .cor_bytes = PROBE_RAM_BYTES,
    .cod_bytes = RIG_RAM_BYTES / 2,
    .multi_selectable = true,
    PROBE_FUNCTIONS,
};
static const struct jz_applet_class *const CLASSES[] = {
    &probe_single, &probe_multi, &QUIET, &GREEDY};

struct fixture {
	struct rig rig;
	struct rig_card *card;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	probe_reset();
	rig_new(&f->rig);
	f->card = probe_card_new(&f->rig, 0);
	f->card->setup.classes = CLASSES;
	f->card->setup.n_classes = sizeof(CLASSES) / sizeof(CLASSES[0]);
	probe_format(f->card);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

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

/* ---- one channel at a time ---------------------------------------------- */

static void
test_a_single_selectable_applet_is_on_one_channel(void **state)
{
	struct rig_card *c = card_of(state);

	probe_add(c, &probe_single, 'a');
	probe_add(c, &probe_single, 'b');
	probe_add(c, &probe_multi, 'm');
	probe_choose(c, 0, 'a');
	probe_choose(c, 1, 'm');
	probe_reset();
	assert_int_equal(probe_choose(c, 1, 'a'), JZ_SW_CONDITIONS);
	/* Nor another instance of its class. */
	assert_int_equal(probe_choose(c, 1, 'b'), JZ_SW_CONDITIONS);
	probe_expect("");
	/* What was selected, stays. */
	assert_int_equal(probe_who(c, 1), 'm');
	assert_int_equal(probe_who(c, 0), 'a');
	/* On its own channel it may be selected anew, and so may the other. */
	assert_int_equal(probe_choose(c, 0, 'a'), JZ_SW_OK);
	assert_int_equal(probe_choose(c, 0, 'b'), JZ_SW_OK);
	/* And elsewhere when it has left. */
	assert_int_equal(probe_choose(c, 0, 'm'), JZ_SW_OK);
	assert_int_equal(probe_choose(c, 1, 'a'), JZ_SW_OK);
}

static void
test_closing_a_channel_frees_its_applet(void **state)
{
	struct rig_card *c = card_of(state);

	probe_add(c, &probe_single, 'a');
	probe_choose(c, 3, 'a');
	assert_int_equal(probe_choose(c, 0, 'a'), JZ_SW_CONDITIONS);
	assert_int_equal(probe_manage(c, 0, PROBE_CLOSE, 3, NULL), JZ_SW_OK);
	assert_int_equal(probe_choose(c, 0, 'a'), JZ_SW_OK);
}

static void
test_no_channel_opens_with_an_applet_in_use(void **state)
{
	struct rig_card *c = card_of(state);

	probe_add_privileged(c, &probe_single, 'd', JZ_PRIV_CARD_RESET);
	jz_card_reset(&c->card);
	assert_int_equal(probe_who(c, 0), 'd');
	/* The default one is on the basic channel. */
	assert_int_equal(
	    probe_manage(c, 0, PROBE_OPEN, 0, NULL), JZ_SW_CONDITIONS);
	/* The origin's is on the origin. */
	probe_manage(c, 0, PROBE_CLOSE, 1, NULL);
	probe_add(c, &probe_multi, 'm');
	probe_choose(c, 0, 'm');
	probe_choose(c, 2, 'd');
	assert_int_equal(
	    probe_manage(c, 2, PROBE_OPEN, 0, NULL), JZ_SW_CONDITIONS);
	assert_int_equal(probe_channels(c), 2);
	assert_int_equal(probe_who(c, 2), 'd');
}

/* Locked since it was selected: it stays, and is selected nowhere else. */
static void
test_no_channel_opens_with_a_locked_applet(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_applet *sd =
	    probe_add_privileged(c, &QUIET, 's', JZ_PRIV_SECURITY_DOMAIN);
	const struct jz_aid a = probe_aid('a');

	probe_add(c, &probe_multi, 'a');
	probe_choose(c, 1, 'a');
	assert_int_equal(jz_admin_lock(sd, &a, true), JZ_SW_OK);
	assert_int_equal(
	    probe_send(c, 1, PROBE_WHO, 0, 0, NULL), JZ_SW_CONDITIONS);
	assert_int_equal(
	    probe_manage(c, 1, PROBE_OPEN, 0, NULL), JZ_SW_CONDITIONS);
	for (unsigned i = 2; i < JZ_MAX_CHANNELS; i++)
		assert_false(c->card.channel[i].open);
}

/* ---- transient memory --------------------------------------------------- */

static void
check_memory(struct rig_card *c, unsigned channel, uint8_t cor, uint8_t cod)
{
	uint8_t expected[2 * PROBE_RAM_BYTES];
	struct answer a;

	memset(expected, cor, PROBE_RAM_BYTES);
	memset(expected + PROBE_RAM_BYTES, cod, PROBE_RAM_BYTES);
	assert_int_equal(
	    probe_send(c, channel, PROBE_MEMORY, 0, 0, &a), JZ_SW_OK);
	assert_int_equal(a.len, sizeof(expected));
	assert_memory_equal(a.data, expected, sizeof(expected));
}

/* As many channels as strict mode's pages of transient memory allow. */
#define SHARED 5

static void
select_everywhere(struct rig_card *c)
{
	probe_add(c, &probe_multi, 'a');
	for (unsigned i = 0; i < SHARED; i++) {
		assert_int_equal(probe_choose(c, i, 'a'), JZ_SW_OK);
		assert_int_equal(
		    probe_send(c, i, PROBE_MARK, (uint8_t)(0xA0 + i),
			(uint8_t)(0xD0 + i), NULL),
		    JZ_SW_OK);
	}
}

static void
test_each_channel_has_its_memory_and_all_share_one(void **state)
{
	struct rig_card *c = card_of(state);

	select_everywhere(c);
	for (unsigned i = 0; i < SHARED; i++)
		check_memory(c, i, 0xA0 + SHARED - 1, (uint8_t)(0xD0 + i));
}

static void
test_deselection_on_one_channel_clears_no_others_memory(void **state)
{
	struct rig_card *c = card_of(state);

	select_everywhere(c);
	assert_int_equal(probe_choose(c, 1, 'a'), JZ_SW_OK);
	check_memory(c, 1, 0xA0 + SHARED - 1, 0x00);
	assert_int_equal(probe_manage(c, 0, PROBE_CLOSE, 2, NULL), JZ_SW_OK);
	assert_int_equal(probe_choose(c, 2, 'a'), JZ_SW_OK);
	check_memory(c, 2, 0xA0 + SHARED - 1, 0x00);
	check_memory(c, 0, 0xA0 + SHARED - 1, 0xD0);
	check_memory(c, 3, 0xA0 + SHARED - 1, 0xD3);
	check_memory(c, 4, 0xA0 + SHARED - 1, 0xD4);
}

static void
test_reset_clears_all_of_it(void **state)
{
	struct rig_card *c = card_of(state);

	select_everywhere(c);
	jz_card_reset(&c->card);
	for (size_t i = 0; i < sizeof(c->ram); i++)
		assert_int_equal(c->ram[i], 0);
	for (unsigned i = 0; i < SHARED; i++) {
		assert_int_equal(probe_choose(c, i, 'a'), JZ_SW_OK);
		check_memory(c, i, 0, 0);
	}
}

/* Not only when somebody takes the place. */
static void
test_what_a_channel_leaves_is_wiped_at_once(void **state)
{
	struct rig_card *c = card_of(state);

	select_everywhere(c);
	assert_int_equal(probe_manage(c, 0, PROBE_CLOSE, 2, NULL), JZ_SW_OK);
	assert_int_equal(probe_choose(c, 3, 'z'), JZ_SW_FILE);
	for (size_t i = 0; i < sizeof(c->ram); i++)
		assert_int_not_equal(c->ram[i], 0xD2);
	assert_non_null(memchr(c->ram, 0xD3, sizeof(c->ram)));
}

/* What a channel leaves is taken by the next, zeroed. */
static void
test_memory_of_a_closed_channel_is_free_again(void **state)
{
	struct rig_card *c = card_of(state);
	uint32_t before = jz_card_ram_free(&c->card), after;

	select_everywhere(c);
	after = jz_card_ram_free(&c->card);
	assert_true(after < before);
	for (unsigned i = 1; i < SHARED; i++)
		probe_manage(c, 0, PROBE_CLOSE, i, NULL);
	for (unsigned round = 0; round < 100; round++) {
		assert_int_equal(probe_choose(c, 7, 'a'), JZ_SW_OK);
		check_memory(c, 7, 0xA0 + SHARED - 1, 0);
		probe_send(c, 7, PROBE_MARK, 0xA0 + SHARED - 1, 0xEE, NULL);
		probe_manage(c, 0, PROBE_CLOSE, 7, NULL);
	}
	check_memory(c, 0, 0xA0 + SHARED - 1, 0xD0);
}

static void
test_transient_memory_full_is_6a84_and_selects_nothing(void **state)
{
	struct rig_card *c = card_of(state);

	probe_add(c, &GREEDY, 'g');
	probe_add(c, &probe_multi, 'a');
	assert_int_equal(probe_choose(c, 0, 'g'), JZ_SW_OK);
	assert_int_equal(probe_choose(c, 1, 'a'), JZ_SW_OK);
	probe_reset();
	assert_int_equal(probe_choose(c, 1, 'g'), JZ_SW_SPACE);
	probe_expect("Da ");
	assert_int_equal(probe_who(c, 1), PROBE_NOTHING);
	assert_int_equal(probe_who(c, 0), 'g');
	/* From a channel that has it, none can be opened with it. */
	assert_int_equal(probe_choose(c, 0, 'a'), JZ_SW_OK);
	assert_int_equal(probe_choose(c, 1, 'g'), JZ_SW_OK);
	assert_int_equal(probe_manage(c, 1, PROBE_OPEN, 0, NULL), JZ_SW_SPACE);
	assert_int_equal(probe_channels(c), 2);
	/* Selected anew on its channel, it has its old place. */
	assert_int_equal(probe_choose(c, 1, 'g'), JZ_SW_OK);
}

/* ---- what is called ----------------------------------------------------- */

/* The last byte of the memory that deselect sees. */
static uint8_t seen_cod;

static uint16_t
look_at_cod(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	(void)apdu;
	(void)in;
	if (event == PROBE_DESELECT)
		seen_cod = ((const uint8_t *)self->cod)[PROBE_RAM_BYTES - 1];
	return 0;
}

static void
test_deselect_has_the_memory_of_its_channel(void **state)
{
	struct rig_card *c = card_of(state);

	select_everywhere(c);
	probe.hook = look_at_cod;
	for (unsigned i = 1; i < SHARED; i++) {
		seen_cod = 0;
		assert_int_equal(
		    probe_manage(c, 0, PROBE_CLOSE, i, NULL), JZ_SW_OK);
		assert_int_equal(seen_cod, 0xD0 + i);
	}
}

static void
test_closing_deselects_and_reset_does_not(void **state)
{
	struct rig_card *c = card_of(state);

	probe_add(c, &probe_multi, 'a');
	probe_choose(c, 1, 'a');
	probe_choose(c, 2, 'a');
	probe_reset();
	assert_int_equal(probe_manage(c, 0, PROBE_CLOSE, 1, NULL), JZ_SW_OK);
	probe_expect("Da ");
	jz_card_reset(&c->card);
	probe_expect("");
	assert_int_equal(rig_reopen(c), 0);
	probe_expect("");
}

static int elsewhere[2]; /* in select or process, and in deselect */

static uint16_t
look_elsewhere(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	(void)apdu;
	(void)in;
	elsewhere[event == PROBE_DESELECT] = jz_selected_elsewhere(self);
	return 0;
}

static void
test_an_applet_knows_whether_it_is_selected_elsewhere(void **state)
{
	struct rig_card *c = card_of(state);

	probe_add(c, &probe_multi, 'a');
	probe_add(c, &probe_multi, 'b');
	probe.hook = look_elsewhere;
	probe_choose(c, 3, 'b');
	elsewhere[0] = -1;
	probe_choose(c, 0, 'a');
	assert_int_equal(elsewhere[0], false);
	probe_choose(c, 2, 'a');
	assert_int_equal(elsewhere[0], true);
	elsewhere[0] = -1;
	probe_who(c, 0);
	assert_int_equal(elsewhere[0], true);
	probe_manage(c, 0, PROBE_CLOSE, 2, NULL);
	assert_int_equal(elsewhere[1], true);
	probe_who(c, 0);
	assert_int_equal(elsewhere[0], false);
	probe_choose(c, 0, 'b');
	assert_int_equal(elsewhere[1], false);
	assert_int_equal(elsewhere[0], true);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_single_selectable_applet_is_on_one_channel),
	    TEST(test_closing_a_channel_frees_its_applet),
	    TEST(test_no_channel_opens_with_an_applet_in_use),
	    TEST(test_no_channel_opens_with_a_locked_applet),
	    TEST(test_each_channel_has_its_memory_and_all_share_one),
	    TEST(test_deselection_on_one_channel_clears_no_others_memory),
	    TEST(test_reset_clears_all_of_it),
	    TEST(test_what_a_channel_leaves_is_wiped_at_once),
	    TEST(test_memory_of_a_closed_channel_is_free_again),
	    TEST(test_transient_memory_full_is_6a84_and_selects_nothing),
	    TEST(test_deselect_has_the_memory_of_its_channel),
	    TEST(test_closing_deselects_and_reset_does_not),
	    TEST(test_an_applet_knows_whether_it_is_selected_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
