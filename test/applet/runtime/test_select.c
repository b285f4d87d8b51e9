/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selection by whole and partial name, what is called, and what is forgotten.
 */
#include "../../support/cardrig.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define INS_WHO	     0x10 /* answers the AID, and marks both memories */
#define INS_MEMORY   0x12 /* answers COR and COD */
#define INS_SELECTS  0x14 /* answers how often it was de-/selected */
#define INS_REFUSE   0x16 /* refuses the next selections */
#define MEMORY_BYTES 4

struct who_nvm {
	struct jz_nvm_head head;
	uint32_t selected, deselected;
	uint8_t refuses;
	uint8_t reserved[7];
};

static uint16_t
who_process(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct who_nvm *n = self->nvm;
	struct jz_buffer *out = &apdu->out;

	switch (apdu->command.ins) {
	case INS_WHO:
		jz_put(out, self->aid.bytes, self->aid.len);
		memset(self->cor, 0xAA, MEMORY_BYTES);
		memset(self->cod, 0xBB, MEMORY_BYTES);
		return JZ_SW_OK;
	case INS_MEMORY:
		jz_put(out, self->cor, MEMORY_BYTES);
		jz_put(out, self->cod, MEMORY_BYTES);
		return JZ_SW_OK;
	case INS_SELECTS:
		jz_put_u32(out, n->selected);
		jz_put_u32(out, n->deselected);
		return JZ_SW_OK;
	case INS_REFUSE:
		jz_write_u8(self, &n->refuses, apdu->command.p1);
		return JZ_SW_OK;
	default:
		return JZ_SW_INS;
	}
}

static uint16_t
who_select(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct who_nvm *n = self->nvm;

	jz_write_u32(self, &n->selected, n->selected + 1);
	if (!apdu->selecting)
		return JZ_SW_UNKNOWN;
	jz_put(&apdu->out, "FCI", 3);
	memset(self->cod, 0xCC, MEMORY_BYTES);
	return n->refuses ? JZ_SW_CONDITIONS : JZ_SW_OK;
}

static void
who_deselect(struct jz_applet *self)
{
	const struct who_nvm *n = self->nvm;

	jz_write_u32(self, &n->deselected, n->deselected + 1);
}

#define WHO(label, length, ...)                                                \
	{                                                                      \
		.abi = JZ_ABI, .layout = 1, .name = label,                     \
		.aid = {length, {__VA_ARGS__}},                                \
		.nvm_bytes = sizeof(struct who_nvm),                           \
		.cor_bytes = MEMORY_BYTES, .cod_bytes = MEMORY_BYTES,          \
		.select = who_select, .deselect = who_deselect,                \
		.process = who_process,                                        \
	}

/* Not in AID order on the card. */
static const struct jz_applet_class WHO_B =
    WHO("b", 7, 0xF0, 'W', 'H', 'O', 1, 2, 'b');
static const struct jz_applet_class WHO_A =
    WHO("a", 7, 0xF0, 'W', 'H', 'O', 1, 2, 'a');
static const struct jz_applet_class WHO_SHORT =
    WHO("short", 6, 0xF0, 'W', 'H', 'O', 1, 2);
static const struct jz_applet_class WHO_C =
    WHO("c", 7, 0xF0, 'W', 'H', 'O', 1, 3, 'c');
/* Brings neither select nor deselect. */
static const struct jz_applet_class PLAIN = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "plain",
    .aid = {5, {0xF0, 'P', 'L', 'A', 'I'}},
    .nvm_bytes = sizeof(struct who_nvm),
    .cor_bytes = MEMORY_BYTES,
    .cod_bytes = MEMORY_BYTES,
    .process = who_process,
};
static const struct jz_applet_class *const CLASSES[] = {
    &WHO_B, &WHO_C, &WHO_A, &PLAIN, &WHO_SHORT};

struct fixture {
	struct rig rig;
	struct rig_card *card;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	rig_new(&f->rig);
	f->card = rig_card_new(&f->rig, CLASSES, 5, true);
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

/* The last character of the AID that is selected. */
static char
who(struct rig_card *c)
{
	struct answer a;

	if (port_hex(&c->port, "00100000 00", &a) != JZ_SW_OK)
		return '-';
	assert_true(a.len >= 5);
	return (char)a.data[a.len - 1];
}

static void
test_a_whole_name_selects(void **state)
{
	struct rig_card *c = card_of(state);
	struct answer a;

	assert_int_equal(
	    port_hex(&c->port, "00A4040007 F057484F010261 00", &a), JZ_SW_OK);
	assert_int_equal(a.len, 3);
	assert_memory_equal(a.data, "FCI", 3);
	assert_int_equal(who(c), 'a');
	assert_int_equal(
	    port_hex(&c->port, "00A4040007 F057484F010363 00", &a), JZ_SW_OK);
	assert_int_equal(who(c), 'c');
}

static void
test_an_applet_without_fci_gets_a_plain_one(void **state)
{
	struct answer a;

	assert_int_equal(
	    port_hex(&card_of(state)->port, "00A4040005 F0504C4149 00", &a),
	    JZ_SW_OK);
	assert_int_equal(a.len, 9);
	assert_memory_equal(a.data, "\x6F\x07\x84\x05\xF0PLAI", 9);
}

/* In AID order, whatever the order of installation; shorter first. */
static void
test_a_partial_name_goes_through_the_applets_in_order(void **state)
{
	static const char order[] = {2, 'a', 'b', 'c'};
	struct rig_card *c = card_of(state);

	assert_int_equal(
	    port_hex(&c->port, "00A4040004 F057484F 00", NULL), JZ_SW_OK);
	for (unsigned i = 0; i < sizeof(order); i++) {
		assert_int_equal(who(c), order[i]);
		assert_int_equal(
		    port_hex(&c->port, "00A4040204 F057484F 00", NULL),
		    i + 1 < sizeof(order) ? JZ_SW_OK : JZ_SW_FILE);
	}
	/* The last one stays selected. */
	assert_int_equal(who(c), 'c');
	assert_int_equal(
	    port_hex(&c->port, "00A4040004 F057484F 00", NULL), JZ_SW_OK);
	assert_int_equal(who(c), 2);
}

static void
test_next_without_a_selection_is_the_first(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(
	    port_hex(&c->port, "00A4040204 F057484F 00", NULL), JZ_SW_OK);
	assert_int_equal(who(c), 2);
}

/* Every beginning of a name, from one byte on. */
static void
test_a_name_of_any_length_up_to_the_whole_selects(void **state)
{
	struct rig_card *c = card_of(state);
	const uint8_t aid[] = {0xF0, 'W', 'H', 'O', 1, 3, 'c'};

	for (uint8_t len = 1; len <= sizeof(aid); len++) {
		uint8_t cmd[5 + sizeof(aid)] = {0x00, 0xA4, 0x04, 0x00, len};

		memcpy(cmd + 5, aid, len);
		assert_int_equal(
		    port_raw(&c->port, jz_span(cmd, 5u + len), NULL), JZ_SW_OK);
		/* The first in AID order: "PLAI" is before "WHO". */
		assert_int_equal(who(c), len == 1 ? 'I' : len < 6 ? 2 : 'c');
	}
}

/* The next one after the selected, whose own name need not begin so. */
static void
test_next_goes_on_from_whatever_is_selected(void **state)
{
	struct rig_card *c = card_of(state);

	port_hex(&c->port, "00A4040005 F0504C4149 00", NULL);
	assert_int_equal(
	    port_hex(&c->port, "00A4040204 F057484F 00", NULL), JZ_SW_OK);
	assert_int_equal(who(c), 2);
	port_hex(&c->port, "00A4040007 F057484F010262 00", NULL);
	assert_int_equal(
	    port_hex(&c->port, "00A4040206 F057484F0102 00", NULL), JZ_SW_FILE);
	assert_int_equal(
	    port_hex(&c->port, "00A4040201 F0 00", NULL), JZ_SW_OK);
	assert_int_equal(who(c), 'c');
}

static void
test_next_passes_over_what_may_not_be_selected(void **state)
{
	struct rig_card *c = card_of(state);

	port_hex(&c->port, "00A4040006 F057484F0102 00", NULL);
	c->card.applet[2].state |= JZ_APP_LOCKED;
	assert_int_equal(
	    port_hex(&c->port, "00A4040204 F057484F 00", NULL), JZ_SW_OK);
	assert_int_equal(who(c), 'b');
	/* Nor is it found when it is the first. */
	c->card.applet[4].state = JZ_APP_INSTALLED;
	assert_int_equal(
	    port_hex(&c->port, "00A4040004 F057484F 00", NULL), JZ_SW_OK);
	assert_int_equal(who(c), 'b');
}

/* Each channel goes through the applets for itself. */
static void
test_next_is_the_channels_own(void **state)
{
	struct rig_card *c = card_of(state);

	port_hex(&c->port, "00A4040006 F057484F0102 00", NULL);
	assert_int_equal(port_hex(&c->port, "01A4040204 F057484F 00", NULL),
	    JZ_SW_CONDITIONS);
	assert_int_equal(
	    port_hex(&c->port, "01A4040007 F057484F010363 00", NULL), JZ_SW_OK);
	assert_int_equal(
	    port_hex(&c->port, "00A4040204 F057484F 00", NULL), JZ_SW_OK);
	assert_int_equal(who(c), 'a');
}

static void
test_a_chained_select_selects(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(
	    port_hex(&c->port, "10A4040004 F057484F", NULL), JZ_SW_OK);
	assert_int_equal(
	    port_hex(&c->port, "00A4040003 010262 00", NULL), JZ_SW_OK);
	assert_int_equal(who(c), 'b');
	/* It opens a channel, as one that comes whole. */
	assert_int_equal(
	    port_hex(&c->port, "11A4040004 F057484F", NULL), JZ_SW_OK);
	assert_false(c->card.channel[1].open);
	assert_int_equal(
	    port_hex(&c->port, "01A4040003 010363 00", NULL), JZ_SW_OK);
	assert_true(c->card.channel[1].open);
}

static void
test_a_longer_name_than_any_selects_nothing(void **state)
{
	assert_int_equal(port_hex(&card_of(state)->port,
			     "00A4040008 F057484F01026100 00", NULL),
	    JZ_SW_FILE);
}

static void
test_an_unknown_name_is_6a82_with_and_without_selection(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(
	    port_hex(&c->port, "00A4040005 F0FFFFFFFF 00", NULL), JZ_SW_FILE);
	assert_int_equal(who(c), '-');
	port_hex(&c->port, "00A4040007 F057484F010261 00", NULL);
	assert_int_equal(
	    port_hex(&c->port, "00A4040005 F0FFFFFFFF 00", NULL), JZ_SW_FILE);
	assert_int_equal(who(c), 'a');
	/* No name at all. */
	assert_int_equal(port_hex(&c->port, "00A40400 00", NULL), JZ_SW_FILE);
}

/* JCRE 4.5.2: bits 4 and 3 of P2 choose no applet. */
static void
test_what_is_to_be_told_chooses_nothing(void **state)
{
	static const char *const first[] = {"00A4040004 F057484F 00",
	    "00A4040404 F057484F 00", "00A4040804 F057484F 00",
	    "00A4040C04 F057484F 00", "00A4040C04 F057484F"};
	static const char *const next[] = {"00A4040204 F057484F 00",
	    "00A4040604 F057484F 00", "00A4040A04 F057484F 00",
	    "00A4040E04 F057484F 00", "00A4040E04 F057484F"};
	struct rig_card *c = card_of(state);
	struct answer a;

	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(port_hex(&c->port, first[i], &a), JZ_SW_OK);
		assert_int_equal(who(c), 2);
		assert_int_equal(a.len, i < 4 ? 3 : 0);
		assert_int_equal(port_hex(&c->port, next[i], &a), JZ_SW_OK);
		assert_int_equal(who(c), 'a');
		assert_int_equal(a.len, i < 4 ? 3 : 0);
	}
}

static void
test_parameters_and_length_of_select(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(
	    port_hex(&c->port, "00A4040104 F057484F", NULL), JZ_SW_P1P2);
	assert_int_equal(
	    port_hex(&c->port, "00A4040304 F057484F", NULL), JZ_SW_P1P2);
	assert_int_equal(
	    port_hex(&c->port, "00A4041004 F057484F", NULL), JZ_SW_P1P2);
	assert_int_equal(
	    port_hex(&c->port,
		"00A4040011 F057484F00000000000000000000000000 00", NULL),
	    JZ_SW_LENGTH);
	/* Selection by file identifier is nothing of ours. */
	assert_int_equal(
	    port_hex(&c->port, "00A4000002 3F00", NULL), JZ_SW_NO_EF);
}

static void
test_a_refused_selection_selects_nothing(void **state)
{
	struct rig_card *c = card_of(state);
	struct answer a;

	port_hex(&c->port, "00A4040007 F057484F010261 00", NULL);
	port_hex(&c->port, "00160100", NULL);
	port_hex(&c->port, "00A4040007 F057484F010262 00", NULL);
	assert_int_equal(port_hex(&c->port, "00A4040007 F057484F010261 00", &a),
	    JZ_SW_SELECT_FAILED);
	assert_int_equal(a.len, 0);
	assert_int_equal(port_hex(&c->port, "00100000 00", NULL), JZ_SW_NO_EF);
	/* What it left in its transient memory is gone. */
	for (unsigned i = 0; i < MEMORY_BYTES; i++)
		assert_int_equal(
		    ((const uint8_t *)c->card.applet[2].cod)[i], 0);
}

static void
check_memory(struct rig_card *c, const char *cor, const char *cod)
{
	struct answer a;

	assert_int_equal(port_hex(&c->port, "00120000 00", &a), JZ_SW_OK);
	assert_int_equal(a.len, 2 * MEMORY_BYTES);
	assert_memory_equal(a.data, cor, MEMORY_BYTES);
	assert_memory_equal(a.data + MEMORY_BYTES, cod, MEMORY_BYTES);
}

static void
test_deselection_clears_one_memory_and_reset_both(void **state)
{
	static const char select_plain[] = "00A4040005 F0504C4149 00";
	struct rig_card *c = card_of(state);

	port_hex(&c->port, select_plain, NULL);
	check_memory(c, "\0\0\0\0", "\0\0\0\0");
	who(c);
	check_memory(c, "\xAA\xAA\xAA\xAA", "\xBB\xBB\xBB\xBB");
	/* Selected again: deselected first. */
	port_hex(&c->port, select_plain, NULL);
	check_memory(c, "\xAA\xAA\xAA\xAA", "\0\0\0\0");
	who(c);
	jz_card_reset(&c->card);
	port_hex(&c->port, select_plain, NULL);
	check_memory(c, "\0\0\0\0", "\0\0\0\0");
}

static void
test_a_selection_that_finds_nothing_clears_nothing(void **state)
{
	struct rig_card *c = card_of(state);

	port_hex(&c->port, "00A4040005 F0504C4149 00", NULL);
	who(c);
	port_hex(&c->port, "00A4040005 F0FFFFFFFF 00", NULL);
	check_memory(c, "\xAA\xAA\xAA\xAA", "\xBB\xBB\xBB\xBB");
}

static void
test_select_and_deselect_are_called_once_each(void **state)
{
	struct rig_card *c = card_of(state);
	struct answer a;

	port_hex(&c->port, "00A4040007 F057484F010261 00", NULL);
	port_hex(&c->port, "00A4040007 F057484F010262 00", NULL);
	port_hex(&c->port, "00A4040007 F057484F010261 00", NULL);
	assert_int_equal(port_hex(&c->port, "00140000 00", &a), JZ_SW_OK);
	assert_memory_equal(a.data, "\0\0\0\2\0\0\0\1", 8);
	/* Reset calls nobody. */
	jz_card_reset(&c->card);
	port_hex(&c->port, "00A4040007 F057484F010261 00", NULL);
	assert_int_equal(port_hex(&c->port, "00140000 00", &a), JZ_SW_OK);
	assert_memory_equal(a.data, "\0\0\0\3\0\0\0\1", 8);
}

static void
test_reset_selects_nothing(void **state)
{
	struct rig_card *c = card_of(state);

	port_hex(&c->port, "00A4040007 F057484F010261 00", NULL);
	assert_int_equal(who(c), 'a');
	jz_card_reset(&c->card);
	assert_int_equal(who(c), '-');
}

static void
test_a_locked_applet_is_not_found(void **state)
{
	struct rig_card *c = card_of(state);

	c->card.applet[2].state |= 0x80;
	assert_int_equal(
	    port_hex(&c->port, "00A4040007 F057484F010261 00", NULL),
	    JZ_SW_FILE);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_whole_name_selects),
	    TEST(test_an_applet_without_fci_gets_a_plain_one),
	    TEST(test_a_partial_name_goes_through_the_applets_in_order),
	    TEST(test_next_without_a_selection_is_the_first),
	    TEST(test_a_name_of_any_length_up_to_the_whole_selects),
	    TEST(test_next_goes_on_from_whatever_is_selected),
	    TEST(test_next_passes_over_what_may_not_be_selected),
	    TEST(test_next_is_the_channels_own),
	    TEST(test_a_chained_select_selects),
	    TEST(test_a_longer_name_than_any_selects_nothing),
	    TEST(test_an_unknown_name_is_6a82_with_and_without_selection),
	    TEST(test_what_is_to_be_told_chooses_nothing),
	    TEST(test_parameters_and_length_of_select),
	    TEST(test_a_refused_selection_selects_nothing),
	    TEST(test_deselection_clears_one_memory_and_reset_both),
	    TEST(test_a_selection_that_finds_nothing_clears_nothing),
	    TEST(test_select_and_deselect_are_called_once_each),
	    TEST(test_reset_selects_nothing),
	    TEST(test_a_locked_applet_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
