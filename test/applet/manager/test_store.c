/* SPDX-License-Identifier: Apache-2.0 */
/*
 * INSTALL [for personalisation] and STORE DATA: GlobalPlatform 11.5, 11.11.
 */
#include "group.h"

#include <string.h>

#define FOR_NOTE_1 "00 00 06F04E4F544501 00 00 00"

static const struct note_nvm *
note(const struct rig_card *c)
{
	return c->card.applet[1].nvm;
}

static uint16_t
store(struct gp *g, unsigned p1, unsigned block, const char *data)
{
	return gp_hex(g, GP_AT_STORE(p1, block), data, NULL);
}

/* An application, and STORE DATA goes to it. */
static struct gp
personalising(struct rig_card *c)
{
	struct gp g = gp_host(c);
	struct answer a;

	gp_login(&g);
	gp_add_note(&g, 1);
	assert_int_equal(
	    gp_hex(&g, GP_AT_INSTALL(0x20), FOR_NOTE_1, &a), JZ_SW_OK);
	assert_int_equal(a.len, 1);
	assert_int_equal(a.data[0], 0);
	return g;
}

static void
blocks_go_to_the_application(void **state)
{
	struct rig_card *c = *state;
	struct gp g = personalising(c);
	struct answer a;

	assert_int_equal(store(&g, 0x10, 0, "0102030405"), JZ_SW_OK);
	assert_int_equal(note(c)->len, 5);
	assert_memory_equal(note(c)->block, "\x01\x02\x03\x04\x05", 5);
	assert_int_equal(note(c)->p1, 0x10);
	assert_int_equal(store(&g, 0x00, 1, "06"), JZ_SW_OK);
	assert_int_equal(note(c)->p2, 1);
	/* with an answer, which comes back protected */
	assert_int_equal(
	    gp_hex(&g, GP_AT_STORE(0x91, 2), "0708090A", &a), JZ_SW_OK);
	assert_int_equal(a.len, 4);
	assert_memory_equal(a.data, "\x07\x08\x09\x0A", 4);
	assert_int_equal(note(c)->blocks, 3);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(note(c)->blocks, 3);
}

/* The last block ends it: the next goes to the domain, which has no use for
 * this. */
static void
the_last_block_ends_it(void **state)
{
	struct rig_card *c = *state;
	struct gp g = personalising(c);

	assert_int_equal(store(&g, 0x90, 0, "01"), JZ_SW_OK);
	assert_int_equal(store(&g, 0x90, 1, "4201AA"), JZ_SW_P1P2);
	assert_int_equal(store(&g, 0x90, 0, "01"), JZ_SW_DATA);
	assert_int_equal(note(c)->blocks, 1);
}

static void
another_install_ends_it(void **state)
{
	struct rig_card *c = *state;
	struct gp g = personalising(c);

	assert_int_equal(store(&g, 0x10, 0, "01"), JZ_SW_OK);
	gp_add_note(&g, 2);
	assert_int_equal(store(&g, 0x10, 1, "01"), JZ_SW_P1P2);
	assert_int_equal(store(&g, 0x10, 0, "01"), JZ_SW_DATA);
	/* a refused one too */
	assert_int_equal(
	    gp_hex(&g, GP_AT_INSTALL(0x20), FOR_NOTE_1, NULL), JZ_SW_OK);
	assert_int_equal(
	    gp_hex(&g, GP_AT_INSTALL(0x20), "00", NULL), JZ_SW_DATA);
	assert_int_equal(store(&g, 0x10, 0, "01"), JZ_SW_DATA);
	assert_int_equal(note(c)->blocks, 1);
}

static void
the_end_of_the_session_ends_it(void **state)
{
	struct rig_card *c = *state;
	struct gp g = personalising(c);

	gp_login(&g);
	assert_int_equal(store(&g, 0x10, 0, "01"), JZ_SW_DATA);
	g = gp_host(c);
	gp_login(&g);
	assert_int_equal(
	    gp_hex(&g, GP_AT_INSTALL(0x20), FOR_NOTE_1, NULL), JZ_SW_OK);
	assert_int_equal(gp_select(&g, &GP_ISD, NULL), JZ_SW_OK);
	gp_login(&g);
	assert_int_equal(store(&g, 0x10, 0, "01"), JZ_SW_DATA);
	assert_int_equal(note(c)->blocks, 0);
}

/* Other commands in between do not. */
static void
other_commands_do_not_end_it(void **state)
{
	struct rig_card *c = *state;
	struct gp g = personalising(c);

	assert_int_equal(store(&g, 0x10, 0, "01"), JZ_SW_OK);
	assert_int_equal(
	    gp_hex(&g, GP_AT_STATUS(0x80), "4F00", NULL), JZ_SW_OK);
	assert_int_equal(gp_hex(&g, GP_AT_GET_DATA(0x66), "", NULL), JZ_SW_OK);
	assert_int_equal(store(&g, 0x10, 1, "02"), JZ_SW_OK);
}

static void
blocks_come_in_order(void **state)
{
	struct rig_card *c = *state;
	struct gp g = personalising(c);

	gp_refuses(c, &g, GP_AT_STORE(0x10, 1), "01", JZ_SW_P1P2);
	assert_int_equal(store(&g, 0x10, 0, "01"), JZ_SW_OK);
	gp_refuses(c, &g, GP_AT_STORE(0x10, 0), "01", JZ_SW_P1P2);
	gp_refuses(c, &g, GP_AT_STORE(0x10, 2), "01", JZ_SW_P1P2);
	/* a block that the application refuses may come again */
	gp_refuses(c, &g, GP_AT_STORE(0x10, 1), "6F00", JZ_SW_DATA);
	gp_refuses(c, &g, GP_AT_STORE(0x90, 1), "6F00", JZ_SW_DATA);
	assert_int_equal(store(&g, 0x10, 1, "02"), JZ_SW_OK);
}

/* 256 of them, and not one more. */
static void
blocks_are_numbered_to_the_end(void **state)
{
	struct rig_card *c = *state;
	struct gp g = personalising(c);

	for (unsigned i = 0; i <= 0xFF; i++)
		assert_int_equal(store(&g, 0x10, i, "01"), JZ_SW_OK);
	assert_int_equal(note(c)->blocks, 256);
	assert_int_equal(store(&g, 0x10, 0, "01"), JZ_SW_P1P2);
	assert_int_equal(store(&g, 0x10, 0xFF, "01"), JZ_SW_P1P2);
}

/* Not enciphered by itself (60), not as DGI (08), nothing reserved (06). */
static void
every_p1(void **state)
{
	struct rig_card *c = *state;
	struct gp g = personalising(c);
	unsigned taken = 0;

	for (unsigned p1 = 0; p1 <= 0xFF; p1++) {
		uint16_t sw;

		assert_int_equal(
		    gp_hex(&g, GP_AT_INSTALL(0x20), FOR_NOTE_1, NULL),
		    JZ_SW_OK);
		sw = store(&g, p1, 0, "01");
		if ((p1 & 0x6E) != 0)
			assert_int_equal(sw, JZ_SW_P1P2);
		else
			taken += sw == JZ_SW_OK;
	}
	assert_int_equal(taken, 8);
	assert_int_equal(store(&g, 0x10, 0, ""), JZ_SW_LENGTH);
}

static void
who_cannot_be_personalised(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);

	gp_login(&g);
	gp_add_note(&g, 1);
	gp_refuses(c, &g, GP_AT_INSTALL(0x20),
	    "00 00 08A000000151000000 00 00 00", JZ_SW_CONDITIONS);
	gp_refuses(c, &g, GP_AT_INSTALL(0x20), "00 00 05F04E4F5445 00 00 00",
	    JZ_SW_REFERENCE);
	assert_int_equal(
	    gp_hex(&g, GP_AT_SET_APP(0x83), "F04E4F544501", NULL), JZ_SW_OK);
	gp_refuses(c, &g, GP_AT_INSTALL(0x20), FOR_NOTE_1, JZ_SW_CONDITIONS);
	/* locked, or gone, in the middle */
	assert_int_equal(
	    gp_hex(&g, GP_AT_SET_APP(0x07), "F04E4F544501", NULL), JZ_SW_OK);
	assert_int_equal(
	    gp_hex(&g, GP_AT_INSTALL(0x20), FOR_NOTE_1, NULL), JZ_SW_OK);
	assert_int_equal(
	    gp_hex(&g, GP_AT_SET_APP(0x83), "F04E4F544501", NULL), JZ_SW_OK);
	gp_refuses(c, &g, GP_AT_STORE(0x10, 0), "01", JZ_SW_CONDITIONS);
	assert_int_equal(
	    gp_hex(&g, GP_AT_DELETE, "4F06F04E4F544501", NULL), JZ_SW_OK);
	gp_refuses(c, &g, GP_AT_STORE(0x10, 0), "01", JZ_SW_REFERENCE);
}

/* A long block, chained on its way, at every level. */
static void
long_blocks(void **state)
{
	static const uint8_t levels[] = {0x01, 0x03, 0x11, 0x13, 0x33};
	struct rig_card *c = *state;
	struct gp g = personalising(c);
	struct jz_scp03_keys keys = gp_test_keys();
	uint8_t text[2048];

	memset(text, 0xA5, sizeof(text));
	for (size_t i = 0; i < sizeof(levels); i++) {
		gp_open(&g, 0, &keys, levels[i]);
		assert_int_equal(
		    gp_hex(&g, GP_AT_INSTALL(0x20), FOR_NOTE_1, NULL),
		    JZ_SW_OK);
		/* arrives, and is too long for the application */
		assert_int_equal(gp_send(&g, GP_AT_STORE(0x10, 0),
				     jz_span(text, sizeof(text)), NULL),
		    JZ_SW_DATA);
		assert_int_equal(
		    gp_send(&g, GP_AT_STORE(0x10, 0),
			jz_span(text, sizeof(note(c)->block)), NULL),
		    JZ_SW_OK);
		assert_memory_equal(
		    note(c)->block, text, sizeof(note(c)->block));
	}
}

/* ---- the domain's own --------------------------------------------------- */

static void
numbers_may_change_until_the_card_is_issued(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);

	gp_login(&g);
	assert_int_equal(store(&g, 0x10, 0, "4203123456"), JZ_SW_OK);
	assert_int_equal(store(&g, 0x00, 1, "42020102"), JZ_SW_OK);
	assert_int_equal(store(&g, 0x90, 2, "450103 420101"), JZ_SW_OK);
	assert_int_equal(gp_nvm(c)->iin_len, 1);
	assert_int_equal(gp_nvm(c)->cin_len, 1);
	assert_int_equal(gp_hex(&g, GP_AT_SET_CARD(0x07), "", NULL), JZ_SW_OK);
	assert_int_equal(store(&g, 0x90, 0,
			     "4510000102030405060708090A0B0C0D0E0F"
			     "42080001020304050607"),
	    JZ_SW_OK);
	assert_int_equal(gp_nvm(c)->iin_len, 8);
	assert_int_equal(gp_nvm(c)->cin_len, 16);
	assert_int_equal(gp_hex(&g, GP_AT_SET_CARD(0x0F), "", NULL), JZ_SW_OK);
	gp_refuses(c, &g, GP_AT_STORE(0x90, 0), "4203123456", JZ_SW_CONDITIONS);
}

/* Of a block all is stored, or nothing. */
static void
malformed_numbers_are_refused(void **state)
{
	static const char *const rows[] = {"4200", "4500", "42", "4204000102",
	    "420900010203040506070809",
	    "4511000102030405060708090A0B0C0D0E0F10", "4203123456 9F7F00",
	    "4203123456 45", "4203123456 4500", "6603010203", "00"};
	struct rig_card *c = *state;
	struct gp g = gp_host(c);

	gp_login(&g);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		gp_refuses(c, &g, GP_AT_STORE(0x90, 0), rows[i], JZ_SW_DATA);
	assert_int_equal(gp_nvm(c)->iin_len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CARD(blocks_go_to_the_application),
	    CARD(the_last_block_ends_it),
	    CARD(another_install_ends_it),
	    CARD(the_end_of_the_session_ends_it),
	    CARD(other_commands_do_not_end_it),
	    CARD(blocks_come_in_order),
	    CARD(blocks_are_numbered_to_the_end),
	    CARD(every_p1),
	    CARD(who_cannot_be_personalised),
	    CARD(long_blocks),
	    CARD(numbers_may_change_until_the_card_is_issued),
	    CARD(malformed_numbers_are_refused),
	};

	return cmocka_run_group_tests_name("store", tests, set_up, tear_down);
}
