/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logical channels 0 to 19: MANAGE CHANNEL, both class codings, who may be
 * selected where, transient memory of each.  docs/protocol.md section 2.
 */
#include "../../../apdu/apdu.h"
#include "../../../apdu/error.h"
#include "../../support/probe.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OPEN	0x00
#define CLOSE	0x80
#define INS	0x70
#define LAST	(JZ_MAX_CHANNELS - 1)
#define NOTHING '-'
#define CLOSED	'!'

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

/* MANAGE CHANNEL with Le 01, whose answer may be NULL. */
static uint16_t
manage(struct rig_card *c, unsigned on, uint8_t p1, unsigned p2,
    struct answer *out)
{
	const uint8_t cmd[] = {
	    jz_cla_on_channel(0x00, on), INS, p1, (uint8_t)p2, 0x01};

	return port_raw(&c->port, jz_span(cmd, sizeof(cmd)), out);
}

/* Opens a channel that the card chooses; its number. */
static unsigned
open_any(struct rig_card *c, unsigned on)
{
	struct answer a;

	assert_int_equal(manage(c, on, OPEN, 0, &a), JZ_SW_OK);
	assert_int_equal(a.len, 1);
	return a.data[0];
}

static bool
is_open(struct rig_card *c, unsigned channel)
{
	return probe_who(c, channel) != CLOSED;
}

static unsigned
count_open(struct rig_card *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < JZ_MAX_CHANNELS; i++)
		n += is_open(c, i);
	return n;
}

/* ---- opening and closing ------------------------------------------------ */

static void
test_after_reset_the_basic_channel_alone_is_open(void **state)
{
	struct rig_card *c = card_of(state);

	assert_true(is_open(c, 0));
	assert_int_equal(count_open(c), 1);
	assert_int_equal(open_any(c, 0), 1);
	jz_card_reset(&c->card);
	assert_int_equal(count_open(c), 1);
}

static void
test_the_card_assigns_19_channels_and_no_more(void **state)
{
	struct rig_card *c = card_of(state);
	struct answer a;

	for (unsigned i = 1; i <= LAST; i++) {
		assert_int_equal(open_any(c, 0), i);
		assert_int_equal(count_open(c), i + 1);
	}
	assert_int_equal(manage(c, 0, OPEN, 0, &a), JZ_SW_FUNCTION);
	assert_int_equal(a.len, 0);
	assert_int_equal(manage(c, LAST, OPEN, 0, &a), JZ_SW_FUNCTION);
}

static void
test_the_terminal_chooses_any_of_19(void **state)
{
	struct rig_card *c = card_of(state);
	struct answer a;

	for (unsigned i = LAST; i >= 1; i--) {
		assert_false(is_open(c, i));
		assert_int_equal(manage(c, 0, OPEN, i, &a), JZ_SW_OK);
		assert_int_equal(a.len, 0);
		assert_true(is_open(c, i));
	}
	assert_int_equal(count_open(c), JZ_MAX_CHANNELS);
}

static void
test_the_lowest_free_channel_is_assigned(void **state)
{
	struct rig_card *c = card_of(state);

	for (unsigned i = 1; i <= 5; i++)
		open_any(c, 0);
	assert_int_equal(manage(c, 0, CLOSE, 4, NULL), JZ_SW_OK);
	assert_int_equal(manage(c, 0, CLOSE, 2, NULL), JZ_SW_OK);
	assert_int_equal(open_any(c, 5), 2);
	assert_int_equal(open_any(c, 5), 4);
	assert_int_equal(open_any(c, 5), 6);
}

static void
test_an_open_channel_cannot_be_opened(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(manage(c, 0, OPEN, 7, NULL), JZ_SW_OK);
	assert_int_equal(manage(c, 0, OPEN, 7, NULL), JZ_SW_FUNCTION);
	assert_int_equal(manage(c, 7, OPEN, 7, NULL), JZ_SW_FUNCTION);
	assert_int_equal(count_open(c), 2);
}

static void
test_a_closed_channel_is_closed_with_a_warning(void **state)
{
	struct rig_card *c = card_of(state);

	for (unsigned i = 1; i <= LAST; i++) {
		assert_int_equal(manage(c, 0, CLOSE, i, NULL), JZ_SW_UNCHANGED);
		assert_int_equal(manage(c, 0, OPEN, i, NULL), JZ_SW_OK);
		assert_int_equal(manage(c, 0, CLOSE, i, NULL), JZ_SW_OK);
		assert_false(is_open(c, i));
		assert_int_equal(manage(c, 0, CLOSE, i, NULL), JZ_SW_UNCHANGED);
	}
}

static void
test_the_basic_channel_cannot_be_closed(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(manage(c, 0, CLOSE, 0, NULL), JZ_SW_FUNCTION);
	assert_true(is_open(c, 0));
}

/* P2 00 closes the channel that the command came on. */
static void
test_a_channel_closes_itself(void **state)
{
	struct rig_card *c = card_of(state);

	for (unsigned i = 1; i <= LAST; i++) {
		assert_int_equal(manage(c, 0, OPEN, i, NULL), JZ_SW_OK);
		assert_int_equal(
		    manage(c, i, CLOSE, i % 2 == 0 ? i : 0, NULL), JZ_SW_OK);
		assert_int_equal(count_open(c), 1);
	}
}

static void
test_a_channel_closes_another(void **state)
{
	struct rig_card *c = card_of(state);

	manage(c, 0, OPEN, 3, NULL);
	manage(c, 0, OPEN, 9, NULL);
	assert_int_equal(manage(c, 9, CLOSE, 3, NULL), JZ_SW_OK);
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
	    {"00700014 01", JZ_SW_P1P2}, /* channel 20 */
	    {"007000FF 01", JZ_SW_P1P2}, {"00700080 01", JZ_SW_P1P2},
	    {"00708014", JZ_SW_P1P2}, {"007080FF", JZ_SW_P1P2},
	    {"00700100 01", JZ_SW_P1P2}, /* P1 */
	    {"00704000 01", JZ_SW_P1P2}, {"00708100", JZ_SW_P1P2},
	    {"0070FF00", JZ_SW_P1P2},
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
		assert_int_equal(count_open(c), 1);
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
	assert_int_equal(count_open(c), 1);
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
	assert_int_equal(count_open(c), 1);
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
	assert_int_equal(open_any(c, 0), 1);
	probe_expect("Sd1 ");
	assert_int_equal(probe_who(c, 1), 'd');
	assert_int_equal(probe_who(c, 0), 'a');
	/* A channel that the terminal chose, too. */
	assert_int_equal(manage(c, 0, OPEN, 12, NULL), JZ_SW_OK);
	assert_int_equal(probe_who(c, 12), 'd');
}

static void
test_without_a_default_the_new_channel_has_nothing(void **state)
{
	struct rig_card *c = card_of(state);

	probe_add(c, &probe_multi, 'a');
	probe_choose(c, 0, 'a');
	assert_int_equal(probe_who(c, open_any(c, 0)), NOTHING);
}

static void
test_a_channel_opened_from_another_gets_what_that_has(void **state)
{
	struct rig_card *c = card_of(state);

	probe_add(c, &probe_multi, 'a');
	probe_add_privileged(c, &probe_multi, 'd', JZ_PRIV_CARD_RESET);
	probe_choose(c, 6, 'a');
	assert_int_equal(open_any(c, 6), 1);
	assert_int_equal(probe_who(c, 1), 'a');
	assert_int_equal(probe_who(c, open_any(c, 1)), 'a');
}

static void
test_a_channel_opened_from_an_empty_one_is_empty(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(manage(c, 0, OPEN, 4, NULL), JZ_SW_OK);
	probe_add_privileged(c, &probe_multi, 'd', JZ_PRIV_CARD_RESET);
	assert_int_equal(probe_who(c, open_any(c, 4)), NOTHING);
}

static void
test_a_default_that_refuses_opens_no_channel(void **state)
{
	struct rig_card *c = card_of(state);
	struct answer a;

	probe_add_privileged(c, &probe_multi, 'd', JZ_PRIV_CARD_RESET);
	probe.hook = refuse_select;
	assert_int_equal(manage(c, 0, OPEN, 0, &a), JZ_SW_SELECT_FAILED);
	assert_int_equal(a.len, 0);
	assert_int_equal(count_open(c), 1);
	probe.hook = NULL;
	assert_int_equal(open_any(c, 0), 1);
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
	assert_int_equal(open_any(c, 0), 1);
	assert_int_equal(probe_who(c, 1), 'd');
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
	assert_int_equal(manage(c, 0, CLOSE, 3, NULL), JZ_SW_OK);
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
	assert_int_equal(manage(c, 0, OPEN, 0, NULL), JZ_SW_CONDITIONS);
	/* The origin's is on the origin. */
	manage(c, 0, CLOSE, 1, NULL);
	probe_add(c, &probe_multi, 'm');
	probe_choose(c, 0, 'm');
	probe_choose(c, 2, 'd');
	assert_int_equal(manage(c, 2, OPEN, 0, NULL), JZ_SW_CONDITIONS);
	assert_int_equal(count_open(c), 2);
	assert_int_equal(probe_who(c, 2), 'd');
}

/* Locked since it was selected: it stays, and is selected nowhere else. */
static void
test_no_channel_opens_with_a_locked_applet(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_applet *sd =
	    probe_add_privileged(c, &TELLER, 's', JZ_PRIV_SECURITY_DOMAIN);
	const struct jz_aid a = probe_aid('a');

	probe_add(c, &probe_multi, 'a');
	probe_choose(c, 1, 'a');
	assert_int_equal(jz_admin_lock(sd, &a, true), JZ_SW_OK);
	assert_int_equal(probe_who(c, 1), 'a');
	assert_int_equal(manage(c, 1, OPEN, 0, NULL), JZ_SW_CONDITIONS);
	assert_int_equal(count_open(c), 2);
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
	assert_int_equal(manage(c, 0, CLOSE, 2, NULL), JZ_SW_OK);
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
		manage(c, 0, CLOSE, i, NULL);
	for (unsigned round = 0; round < 100; round++) {
		assert_int_equal(probe_choose(c, 7, 'a'), JZ_SW_OK);
		check_memory(c, 7, 0xA0 + SHARED - 1, 0);
		probe_send(c, 7, PROBE_MARK, 0xA0 + SHARED - 1, 0xEE, NULL);
		manage(c, 0, CLOSE, 7, NULL);
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
	assert_int_equal(probe_who(c, 1), NOTHING);
	assert_int_equal(probe_who(c, 0), 'g');
	/* From a channel that has it, none can be opened with it. */
	assert_int_equal(probe_choose(c, 0, 'a'), JZ_SW_OK);
	assert_int_equal(probe_choose(c, 1, 'g'), JZ_SW_OK);
	assert_int_equal(manage(c, 1, OPEN, 0, NULL), JZ_SW_SPACE);
	assert_int_equal(count_open(c), 2);
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
		assert_int_equal(manage(c, 0, CLOSE, i, NULL), JZ_SW_OK);
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
	assert_int_equal(manage(c, 0, CLOSE, 1, NULL), JZ_SW_OK);
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
	manage(c, 0, CLOSE, 2, NULL);
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
	    TEST(test_a_single_selectable_applet_is_on_one_channel),
	    TEST(test_closing_a_channel_frees_its_applet),
	    TEST(test_no_channel_opens_with_an_applet_in_use),
	    TEST(test_no_channel_opens_with_a_locked_applet),
	    TEST(test_each_channel_has_its_memory_and_all_share_one),
	    TEST(test_deselection_on_one_channel_clears_no_others_memory),
	    TEST(test_reset_clears_all_of_it),
	    TEST(test_memory_of_a_closed_channel_is_free_again),
	    TEST(test_transient_memory_full_is_6a84_and_selects_nothing),
	    TEST(test_deselect_has_the_memory_of_its_channel),
	    TEST(test_closing_deselects_and_reset_does_not),
	    TEST(test_an_applet_knows_whether_it_is_selected_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
