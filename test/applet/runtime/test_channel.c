/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logical channels 0 to 19: MANAGE CHANNEL, both class codings, SELECT that
 * opens, what a new channel has selected.  docs/protocol.md section 2.
 */
#include "../../../apdu/apdu.h"
#include "../../support/probe.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define INS  0x70 /* MANAGE CHANNEL */
#define LAST (JZ_MAX_CHANNELS - 1)

/* Answers the channel that the command came on; no memory of its own. */
static uint16_t
tell_channel(struct jz_applet *self, struct jz_apdu *apdu)
{
	jz_put_u8(&apdu->out, self->aid.bytes[self->aid.len - 1]);
	jz_put_u8(&apdu->out, (uint8_t)apdu->channel);
	jz_put_u8(&apdu->out, self->cod == NULL);
	jz_put_u8(&apdu->out, jz_cla_on_channel(apdu->command.cla, 0));
	return JZ_SW_OK;
}

static const struct jz_applet_class TELLER = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "teller",
    .aid = {6, {0xF0, 'T', 'E', 'L', 'L', 1}},
    .nvm_bytes = sizeof(struct jz_nvm_head),
    .multi_selectable = true,
    .process = tell_channel,
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
    &probe_single, &probe_multi, &TELLER, &GREEDY};

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

static bool
is_open(struct rig_card *c, unsigned channel)
{
	return probe_who(c, channel) != PROBE_CLOSED;
}

/* ---- opening and closing ------------------------------------------------ */

static void
test_after_reset_the_basic_channel_alone_is_open(void **state)
{
	struct rig_card *c = card_of(state);

	assert_true(is_open(c, 0));
	assert_int_equal(probe_channels(c), 1);
	assert_int_equal(probe_open(c, 0), 1);
	jz_card_reset(&c->card);
	assert_int_equal(probe_channels(c), 1);
}

static void
test_the_card_assigns_19_channels_and_no_more(void **state)
{
	struct rig_card *c = card_of(state);
	struct answer a;

	for (unsigned i = 1; i <= LAST; i++) {
		assert_int_equal(probe_open(c, 0), i);
		assert_int_equal(probe_channels(c), i + 1);
	}
	assert_int_equal(probe_manage(c, 0, PROBE_OPEN, 0, &a), JZ_SW_FUNCTION);
	assert_int_equal(a.len, 0);
	assert_int_equal(
	    probe_manage(c, LAST, PROBE_OPEN, 0, &a), JZ_SW_FUNCTION);
}

static void
test_the_terminal_chooses_any_of_19(void **state)
{
	struct rig_card *c = card_of(state);
	struct answer a;

	for (unsigned i = LAST; i >= 1; i--) {
		assert_false(is_open(c, i));
		assert_int_equal(
		    probe_manage(c, 0, PROBE_OPEN, i, &a), JZ_SW_OK);
		assert_int_equal(a.len, 0);
		assert_true(is_open(c, i));
	}
	assert_int_equal(probe_channels(c), JZ_MAX_CHANNELS);
}

static void
test_the_lowest_free_channel_is_assigned(void **state)
{
	struct rig_card *c = card_of(state);

	for (unsigned i = 1; i <= 5; i++)
		probe_open(c, 0);
	assert_int_equal(probe_manage(c, 0, PROBE_CLOSE, 4, NULL), JZ_SW_OK);
	assert_int_equal(probe_manage(c, 0, PROBE_CLOSE, 2, NULL), JZ_SW_OK);
	assert_int_equal(probe_open(c, 5), 2);
	assert_int_equal(probe_open(c, 5), 4);
	assert_int_equal(probe_open(c, 5), 6);
}

static void
test_an_open_channel_cannot_be_opened(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(probe_manage(c, 0, PROBE_OPEN, 7, NULL), JZ_SW_OK);
	assert_int_equal(probe_manage(c, 0, PROBE_OPEN, 7, NULL), JZ_SW_P1P2);
	assert_int_equal(probe_manage(c, 7, PROBE_OPEN, 7, NULL), JZ_SW_P1P2);
	assert_int_equal(probe_channels(c), 2);
}

static void
test_a_closed_channel_is_closed_with_a_warning(void **state)
{
	struct rig_card *c = card_of(state);

	for (unsigned i = 1; i <= LAST; i++) {
		assert_int_equal(
		    probe_manage(c, 0, PROBE_CLOSE, i, NULL), JZ_SW_UNCHANGED);
		assert_int_equal(
		    probe_manage(c, 0, PROBE_OPEN, i, NULL), JZ_SW_OK);
		assert_int_equal(
		    probe_manage(c, 0, PROBE_CLOSE, i, NULL), JZ_SW_OK);
		assert_false(is_open(c, i));
		assert_int_equal(
		    probe_manage(c, 0, PROBE_CLOSE, i, NULL), JZ_SW_UNCHANGED);
	}
}

static void
test_the_basic_channel_cannot_be_closed(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(
	    probe_manage(c, 0, PROBE_CLOSE, 0, NULL), JZ_SW_FUNCTION);
	assert_true(is_open(c, 0));
}

/* P2 00 closes the channel that the command came on. */
static void
test_a_channel_closes_itself(void **state)
{
	struct rig_card *c = card_of(state);

	for (unsigned i = 1; i <= LAST; i++) {
		assert_int_equal(
		    probe_manage(c, 0, PROBE_OPEN, i, NULL), JZ_SW_OK);
		assert_int_equal(
		    probe_manage(c, i, PROBE_CLOSE, i % 2 == 0 ? i : 0, NULL),
		    JZ_SW_OK);
		assert_int_equal(probe_channels(c), 1);
	}
}

static void
test_a_channel_closes_another(void **state)
{
	struct rig_card *c = card_of(state);

	probe_manage(c, 0, PROBE_OPEN, 3, NULL);
	probe_manage(c, 0, PROBE_OPEN, 9, NULL);
	assert_int_equal(probe_manage(c, 9, PROBE_CLOSE, 3, NULL), JZ_SW_OK);
	assert_false(is_open(c, 3));
	assert_true(is_open(c, 9));
}

static void
test_parameters_and_lengths_of_manage_channel(void **state)
{
	static const struct {
		const char *command;
		uint16_t sw;
	} cases[] = {
	    {"00700014 01", JZ_SW_FUNCTION}, /* channel 20 */
	    {"007000FF 01", JZ_SW_FUNCTION}, {"00700080 01", JZ_SW_FUNCTION},
	    {"00708014", JZ_SW_FUNCTION}, {"007080FF", JZ_SW_FUNCTION},
	    {"00700100 01", JZ_SW_FUNCTION}, /* P1 */
	    {"00704000 01", JZ_SW_FUNCTION}, {"00708100", JZ_SW_FUNCTION},
	    {"0070FF00", JZ_SW_FUNCTION},
	    {"00700000 01 00 01", JZ_SW_LENGTH}, /* data */
	    {"00700001 01 00", JZ_SW_LENGTH}, {"00708001 01 00", JZ_SW_LENGTH},
	    {"00700000", JZ_SW_LENGTH}, /* no Le to answer in */
	};
	struct rig_card *c = card_of(state);
	struct answer a;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (port_hex(&c->port, cases[i].command, &a) != cases[i].sw)
			fail_msg("%s: %04X", cases[i].command, a.sw);
		assert_int_equal(a.len, 0);
		assert_int_equal(probe_channels(c), 1);
	}
	/* A number that was chosen needs no answer. */
	assert_int_equal(port_hex(&c->port, "00700001", &a), JZ_SW_OK);
	assert_int_equal(port_hex(&c->port, "00708001", &a), JZ_SW_OK);
}

/* A command in class 80 is the applet's. */
static void
test_manage_channel_is_interindustry(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(port_hex(&c->port, "80700000 01", NULL), JZ_SW_NO_EF);
	assert_int_equal(probe_channels(c), 1);
}

static void
test_a_closed_channel_takes_no_command_but_select(void **state)
{
	static const uint8_t ins[] = {PROBE_WHO, INS, 0xC0, 0xB0, 0x20, 0xCA};
	struct rig_card *c = card_of(state);

	for (unsigned i = 1; i <= LAST; i++)
		for (size_t k = 0; k < sizeof(ins); k++)
			assert_int_equal(probe_send(c, i, ins[k], 0, 0, NULL),
			    JZ_SW_CHANNEL);
	/* SELECT, but not by name; by name, but in secure messaging. */
	assert_int_equal(
	    port_hex(&c->port, "01A4000002 3F00", NULL), JZ_SW_CHANNEL);
	assert_int_equal(
	    port_hex(&c->port, "05A4040001 F0", NULL), JZ_SW_CHANNEL);
	assert_int_equal(probe_channels(c), 1);
}

/* ---- class bytes -------------------------------------------------------- */

/* Eight tellers, one for each channel and over again. */
static void
fill_channels(struct rig_card *c)
{
	for (unsigned i = 0; i < JZ_MAX_APPLETS; i++)
		probe_add(c, &TELLER, (char)('a' + i));
	for (unsigned i = 0; i < JZ_MAX_CHANNELS; i++)
		assert_int_equal(
		    probe_choose(c, i, (char)('a' + i % JZ_MAX_APPLETS)),
		    JZ_SW_OK);
}

static void
check_reaches(struct rig_card *c, uint8_t cla, unsigned channel, uint8_t seen)
{
	const uint8_t cmd[] = {cla, PROBE_WHO, 0, 0, 0};
	struct answer a;

	assert_int_equal(
	    port_raw(&c->port, jz_span(cmd, sizeof(cmd)), &a), JZ_SW_OK);
	assert_int_equal(a.len, 4);
	assert_int_equal(a.data[0], 'a' + channel % JZ_MAX_APPLETS);
	assert_int_equal(a.data[1], channel);
	assert_int_equal(a.data[2], 1);
	assert_int_equal(a.data[3], seen);
}

static void
test_both_codings_of_the_class_reach_their_channel(void **state)
{
	struct rig_card *c = card_of(state);

	fill_channels(c);
	for (unsigned i = 0; i < 4; i++) {
		check_reaches(c, (uint8_t)i, i, 0x00);
		check_reaches(c, (uint8_t)(0x80 | i), i, 0x80);
	}
	for (unsigned i = 4; i < JZ_MAX_CHANNELS; i++) {
		check_reaches(c, (uint8_t)(0x40 | (i - 4)), i, 0x00);
		check_reaches(c, (uint8_t)(0xC0 | (i - 4)), i, 0x80);
	}
}

static void
test_a_chain_arrives_on_every_channel(void **state)
{
	struct rig_card *c = card_of(state);

	fill_channels(c);
	for (unsigned i = 0; i < JZ_MAX_CHANNELS; i++) {
		uint8_t cla = jz_cla_on_channel(JZ_CLA_CHAINING, i);
		const uint8_t first[] = {cla, PROBE_WHO, 0, 0, 1, 0xAA};

		assert_int_equal(
		    port_raw(&c->port, jz_span(first, sizeof(first)), NULL),
		    JZ_SW_OK);
		check_reaches(c, jz_cla_on_channel(0x00, i), i, 0x00);
	}
}

/* Each class byte with bits of secure messaging; the applet knows none. */
static void
test_secure_messaging_is_6882_on_every_channel(void **state)
{
	struct rig_card *c = card_of(state);
	unsigned n = 0;

	fill_channels(c);
	for (unsigned cla = 0; cla < 256; cla++) {
		const uint8_t cmd[] = {(uint8_t)cla, PROBE_WHO, 0, 0, 0};

		if (jz_cla_channel((uint8_t)cla) < 0 ||
		    !jz_cla_secure((uint8_t)cla))
			continue;
		n++;
		assert_int_equal(
		    port_raw(&c->port, jz_span(cmd, sizeof(cmd)), NULL),
		    JZ_SW_SECURE_MESSAGING);
	}
	/* 0X, 1X, 8X to BX: three codes of SM, 4 channels; 6X, 7X, EX, FX but
	 * FF. */
	assert_int_equal(n, 6 * 3 * 4 + 4 * 16 - 1);
}

/* ---- SELECT opens ------------------------------------------------------- */

static void
test_select_opens_a_closed_channel(void **state)
{
	struct rig_card *c = card_of(state);

	probe_add(c, &TELLER, 'a');
	for (unsigned i = 1; i <= LAST; i++) {
		assert_false(is_open(c, i));
		assert_int_equal(probe_choose(c, i, 'a'), JZ_SW_OK);
		assert_true(is_open(c, i));
	}
}

static uint16_t
refuse_select(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	(void)self;
	(void)apdu;
	(void)in;
	return event == PROBE_SELECT ? JZ_SW_CONDITIONS : 0;
}

static void
test_a_failing_select_leaves_the_channel_closed(void **state)
{
	static const char *const malformed[] = {"41A4040105 F050524F42",
	    "41A4040011 F050524F4261000000000000000000000000"};
	struct rig_card *c = card_of(state);

	probe_add(c, &probe_single, 'a');
	probe_add(c, &GREEDY, 'g');
	assert_int_equal(probe_choose(c, 5, 'z'), JZ_SW_FILE);
	assert_false(is_open(c, 5));
	for (size_t i = 0; i < 2; i++) {
		assert_true(port_hex(&c->port, malformed[i], NULL) != JZ_SW_OK);
		assert_false(is_open(c, 5));
	}
	probe_choose(c, 0, 'a');
	assert_int_equal(probe_choose(c, 5, 'a'), JZ_SW_CONDITIONS);
	assert_false(is_open(c, 5));
	probe_choose(c, 0, 'g');
	assert_int_equal(probe_choose(c, 5, 'g'), JZ_SW_SPACE);
	assert_false(is_open(c, 5));
	probe.hook = refuse_select;
	assert_int_equal(probe_choose(c, 5, 'a'), JZ_SW_SELECT_FAILED);
	assert_false(is_open(c, 5));
	/* Not the default applet either: there is none. */
	assert_int_equal(port_hex(&c->port, "41A40400", NULL), JZ_SW_FILE);
	assert_false(is_open(c, 5));
}

/* ---- what a new channel has selected ------------------------------------ */

static void
test_a_channel_opened_from_the_basic_one_gets_the_default(void **state)
{
	struct rig_card *c = card_of(state);

	probe_add(c, &probe_multi, 'a');
	probe_add_privileged(c, &probe_multi, 'd', JZ_PRIV_CARD_RESET);
	probe_choose(c, 0, 'a');
	probe_reset();
	assert_int_equal(probe_open(c, 0), 1);
	probe_expect("Sd1 ");
	assert_int_equal(probe_who(c, 1), 'd');
	assert_int_equal(probe_who(c, 0), 'a');
	/* A channel that the terminal chose, too. */
	assert_int_equal(probe_manage(c, 0, PROBE_OPEN, 12, NULL), JZ_SW_OK);
	assert_int_equal(probe_who(c, 12), 'd');
}

static void
test_without_a_default_the_new_channel_has_nothing(void **state)
{
	struct rig_card *c = card_of(state);

	probe_add(c, &probe_multi, 'a');
	probe_choose(c, 0, 'a');
	assert_int_equal(probe_who(c, probe_open(c, 0)), PROBE_NOTHING);
}

static void
test_a_channel_opened_from_another_gets_what_that_has(void **state)
{
	struct rig_card *c = card_of(state);

	probe_add(c, &probe_multi, 'a');
	probe_add_privileged(c, &probe_multi, 'd', JZ_PRIV_CARD_RESET);
	probe_choose(c, 6, 'a');
	assert_int_equal(probe_open(c, 6), 1);
	assert_int_equal(probe_who(c, 1), 'a');
	assert_int_equal(probe_who(c, probe_open(c, 1)), 'a');
}

static void
test_a_channel_opened_from_an_empty_one_is_empty(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(probe_manage(c, 0, PROBE_OPEN, 4, NULL), JZ_SW_OK);
	probe_add_privileged(c, &probe_multi, 'd', JZ_PRIV_CARD_RESET);
	assert_int_equal(probe_who(c, probe_open(c, 4)), PROBE_NOTHING);
}

static void
test_a_default_that_refuses_opens_no_channel(void **state)
{
	struct rig_card *c = card_of(state);
	struct answer a;

	probe_add_privileged(c, &probe_multi, 'd', JZ_PRIV_CARD_RESET);
	probe.hook = refuse_select;
	assert_int_equal(
	    probe_manage(c, 0, PROBE_OPEN, 0, &a), JZ_SW_SELECT_FAILED);
	assert_int_equal(a.len, 0);
	assert_int_equal(probe_channels(c), 1);
	probe.hook = NULL;
	assert_int_equal(probe_open(c, 0), 1);
}

static uint16_t
warn_select(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	(void)self;
	(void)in;
	if (event != PROBE_SELECT)
		return 0;
	jz_put_u8(&apdu->out, 'w');
	return JZ_SW_SELECTED_LOCKED;
}

static void
test_a_default_that_warns_is_selected(void **state)
{
	struct rig_card *c = card_of(state);

	probe_add_privileged(c, &probe_multi, 'd', JZ_PRIV_CARD_RESET);
	probe.hook = warn_select;
	assert_int_equal(probe_open(c, 0), 1);
	assert_int_equal(probe_who(c, 1), 'd');
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_after_reset_the_basic_channel_alone_is_open),
	    TEST(test_the_card_assigns_19_channels_and_no_more),
	    TEST(test_the_terminal_chooses_any_of_19),
	    TEST(test_the_lowest_free_channel_is_assigned),
	    TEST(test_an_open_channel_cannot_be_opened),
	    TEST(test_a_closed_channel_is_closed_with_a_warning),
	    TEST(test_the_basic_channel_cannot_be_closed),
	    TEST(test_a_channel_closes_itself),
	    TEST(test_a_channel_closes_another),
	    TEST(test_parameters_and_lengths_of_manage_channel),
	    TEST(test_manage_channel_is_interindustry),
	    TEST(test_a_closed_channel_takes_no_command_but_select),
	    TEST(test_both_codings_of_the_class_reach_their_channel),
	    TEST(test_a_chain_arrives_on_every_channel),
	    TEST(test_secure_messaging_is_6882_on_every_channel),
	    TEST(test_select_opens_a_closed_channel),
	    TEST(test_a_failing_select_leaves_the_channel_closed),
	    TEST(test_a_channel_opened_from_the_basic_one_gets_the_default),
	    TEST(test_without_a_default_the_new_channel_has_nothing),
	    TEST(test_a_channel_opened_from_another_gets_what_that_has),
	    TEST(test_a_channel_opened_from_an_empty_one_is_empty),
	    TEST(test_a_default_that_refuses_opens_no_channel),
	    TEST(test_a_default_that_warns_is_selected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
