/* SPDX-License-Identifier: Apache-2.0 */
/*
 * INSTALL and DELETE of applications: GlobalPlatform 11.5, 11.2.
 */
#include "group.h"

#include <string.h>

#define NOTE_1	      "06F04E4F544501"
#define NOTE_LOAD     "05F04E4F5445 05F04E4F5445 "
#define AT_CLEAR(ins) (0x80000000u | (uint32_t)(ins) << 16)

/* A command whose answer is the empty confirmation. */
static void
confirms(struct gp *g, uint32_t header, const char *data)
{
	struct answer a;

	if (gp_hex(g, header, data, &a) != JZ_SW_OK)
		fail_msg("%08X %s: %04X", header, data, a.sw);
	assert_int_equal(a.len, 1);
	assert_int_equal(a.data[0], 0x00);
}

static struct jz_app_info
info_of(struct rig_card *c, uint8_t number)
{
	struct jz_app_info info;
	struct jz_aid aid = gp_note(number);

	assert_true(manager_find_app(&c->card.applet[0], &aid, &info));
	return info;
}

static bool
exists(struct rig_card *c, uint8_t number)
{
	struct jz_app_info info;
	struct jz_aid aid = gp_note(number);

	return manager_find_app(&c->card.applet[0], &aid, &info);
}

/* ---- INSTALL ------------------------------------------------------------ */

static void
install_and_make_selectable(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c), on_1 = gp_host(c);
	struct jz_aid note = gp_note(1);
	const struct note_nvm *n;

	gp_login(&g);
	confirms(
	    &g, GP_AT_INSTALL(0x0C), NOTE_LOAD NOTE_1 " 0100 05C903AABBCC 00");
	assert_int_equal(info_of(c, 1).state, JZ_APP_SELECTABLE);
	n = c->card.applet[1].nvm;
	assert_int_equal(n->params_len, 3);
	assert_memory_equal(n->params, "\xAA\xBB\xCC", 3);
	on_1.number = 1;
	assert_int_equal(gp_select(&on_1, &note, NULL), JZ_SW_OK);
}

static void
install_then_make_selectable(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c), on_1 = gp_host(c);
	struct jz_aid note = gp_note(1);

	gp_login(&g);
	confirms(&g, GP_AT_INSTALL(0x04), NOTE_LOAD NOTE_1 " 0100 02C900 00");
	assert_int_equal(info_of(c, 1).state, JZ_APP_INSTALLED);
	on_1.number = 1;
	assert_int_equal(gp_select(&on_1, &note, NULL), JZ_SW_FILE);
	confirms(&g, GP_AT_INSTALL(0x08), "00 00 " NOTE_1 " 0100 00 00");
	assert_int_equal(info_of(c, 1).state, JZ_APP_SELECTABLE);
	assert_int_equal(gp_select(&on_1, &note, NULL), JZ_SW_OK);
	gp_refuses(c, &g, GP_AT_INSTALL(0x08), "00 00 " NOTE_1 " 0100 00 00",
	    JZ_SW_CONDITIONS);
	gp_refuses(c, &g, GP_AT_INSTALL(0x08),
	    "00 00 06F04E4F544502 0100 00 00", JZ_SW_REFERENCE);
}

static void
privileges_have_one_byte_or_three(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);

	gp_login(&g);
	confirms(
	    &g, GP_AT_INSTALL(0x0C), NOTE_LOAD NOTE_1 " 03000000 02C900 00");
	confirms(&g, GP_AT_INSTALL(0x0C),
	    NOTE_LOAD "06F04E4F544502 03040000 02C900 00");
	assert_memory_equal(info_of(c, 1).privileges, "\x00\x00\x00", 3);
	assert_memory_equal(info_of(c, 2).privileges, "\x04\x00\x00", 3);
}

/* Only one application is selected by a reset. */
static void
card_reset_is_given_once(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);
	struct blob b = gp_bytes("00");
	uint16_t sw;

	gp_login(&g);
	gp_add_note(&g, 1);
	confirms(
	    &g, GP_AT_INSTALL(0x04), NOTE_LOAD "06F04E4F544502 0100 02C900 00");
	confirms(&g, GP_AT_INSTALL(0x08), "00 00 06F04E4F544502 0104 00 00");
	assert_memory_equal(info_of(c, 2).privileges, "\x04\x00\x00", 3);
	gp_refuses(c, &g, GP_AT_INSTALL(0x0C),
	    NOTE_LOAD "06F04E4F544503 0104 02C900 00", JZ_SW_CONDITIONS);
	confirms(
	    &g, GP_AT_INSTALL(0x04), NOTE_LOAD "06F04E4F544503 0100 02C900 00");
	gp_refuses(c, &g, GP_AT_INSTALL(0x08),
	    "00 00 06F04E4F544503 0104 00 00", JZ_SW_CONDITIONS);
	/* the application, not the domain, is there after a reset */
	jz_card_reset(&c->card);
	sw = port_send(&c->port, AT_CLEAR(0x10), jz_span(NULL, 0), NULL);
	assert_int_equal(sw, JZ_SW_OK);
	assert_int_equal(
	    gp_clear(&g, GP_AT_GET_DATA(0xCF), blob_span(&b), NULL), JZ_SW_INS);
}

static void
quotas_are_kept(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);
	struct jz_region_info r;

	gp_login(&g);
	confirms(&g, GP_AT_INSTALL(0x0C),
	    NOTE_LOAD NOTE_1 " 0100 0CC900EF08C7020018C8020200 00");
	assert_int_equal(jz_card_region(&c->card, 1, &r), 0);
	assert_int_equal(r.nvm_bytes, 0x200);
	confirms(&g, GP_AT_INSTALL(0x0C),
	    NOTE_LOAD "06F04E4F544502 0100 0AEF06C80400000180C900 00");
	assert_int_equal(jz_card_region(&c->card, 2, &r), 0);
	assert_int_equal(r.nvm_bytes, 0x180);
	/* less than the class needs: 24 transient bytes, and its struct */
	gp_refuses(c, &g, GP_AT_INSTALL(0x0C),
	    NOTE_LOAD "06F04E4F544503 0100 08C900EF04C7020017 00", JZ_SW_SPACE);
	gp_refuses(c, &g, GP_AT_INSTALL(0x0C),
	    NOTE_LOAD "06F04E4F544503 0100 08C900EF04C802000F 00", JZ_SW_SPACE);
	/* more than the card has */
	gp_refuses(c, &g, GP_AT_INSTALL(0x0C),
	    NOTE_LOAD "06F04E4F544503 0100 0AC900EF06C80400100000 00",
	    JZ_SW_SPACE);
}

/* proves: ALL-4 (a malformed INSTALL changes nothing). */
static void
malformed_orders_are_refused(void **state)
{
	struct rig_card *c = *state;
	static const struct {
		uint8_t p1;
		const char *data;
		uint16_t sw;
	} rows[] = {
	    /* what it is for */
	    {0x00, NOTE_LOAD NOTE_1 " 0100 02C900 00", JZ_SW_P1P2},
	    {0x02, NOTE_LOAD NOTE_1 " 0100 02C900 00", JZ_SW_P1P2},
	    {0x10, NOTE_LOAD NOTE_1 " 0100 02C900 00", JZ_SW_P1P2},
	    {0x40, NOTE_LOAD NOTE_1 " 0100 02C900 00", JZ_SW_P1P2},
	    {0x8C, NOTE_LOAD NOTE_1 " 0100 02C900 00", JZ_SW_P1P2},
	    {0x0E, NOTE_LOAD NOTE_1 " 0100 02C900 00", JZ_SW_P1P2},
	    /* lengths */
	    {0x0C, "", JZ_SW_LENGTH},
	    {0x0C, NOTE_LOAD NOTE_1 " 0100 02C900", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0100 02C900 0000", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0100 02C900 01", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0100 02C900 0100", JZ_SW_DATA},
	    /* AIDs */
	    {0x0C, "00 05F04E4F5445 " NOTE_1 " 0100 02C900 00", JZ_SW_DATA},
	    {0x0C, "05F04E4F5445 00 " NOTE_1 " 0100 02C900 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD "00 0100 02C900 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD "04F04E4F54 0100 02C900 00", JZ_SW_DATA},
	    {0x0C,
		NOTE_LOAD "11F04E4F5445010203040506070809101112 0100 02C900 00",
		JZ_SW_DATA},
	    {0x0C, "05F04E4F5446 05F04E4F5445 " NOTE_1 " 0100 02C900 00",
		JZ_SW_REFERENCE},
	    {0x0C, "05F04E4F5446 05F04E4F5446 " NOTE_1 " 0100 02C900 00",
		JZ_SW_REFERENCE},
	    /* privileges */
	    {0x0C, NOTE_LOAD NOTE_1 " 00 02C900 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 020000 02C900 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0400000000 02C900 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0180 02C900 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0110 02C900 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0108 02C900 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0102 02C900 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0101 02C900 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 03004000 02C900 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 03000080 02C900 00", JZ_SW_DATA},
	    /* parameters */
	    {0x0C, NOTE_LOAD NOTE_1 " 0100 00 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0100 01C9 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0100 02C901 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0100 02EF00 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0100 04C900C900 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0100 06EF00C900EF00 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0100 04C900EA00 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0100 04C900EF01 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0100 06C900EF02C900 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0100 06C900EF02C705 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0100 07C900EF03C80100 00", JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0100 09C900EF05C803000200 00",
		JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0100 0CC900EF08C7020200C7020018 00",
		JZ_SW_DATA},
	    {0x0C, NOTE_LOAD NOTE_1 " 0100 0AC900EF04C802020000 00",
		JZ_SW_DATA},
	    /* what the class says */
	    {0x0C,
		NOTE_LOAD NOTE_1
		" 0100 12C91000000000000000000000000000000000 00",
		JZ_SW_DATA},
	    /* make selectable, personalisation */
	    {0x08, NOTE_LOAD NOTE_1 " 0100 00 00", JZ_SW_DATA},
	    {0x08, "00 05F04E4F5445 " NOTE_1 " 0100 00 00", JZ_SW_DATA},
	    {0x08, "00 00 " NOTE_1 " 0100 02C900 00", JZ_SW_DATA},
	    {0x08, "00 00 " NOTE_1 " 00 00 00", JZ_SW_DATA},
	    {0x08, "00 00 " NOTE_1 " 0180 00 00", JZ_SW_DATA},
	    {0x08, "00 00 00 0100 00 00", JZ_SW_DATA},
	    {0x20, NOTE_LOAD NOTE_1 " 00 00 00", JZ_SW_DATA},
	    {0x20, "00 00 " NOTE_1 " 0100 00 00", JZ_SW_DATA},
	    {0x20, "00 00 " NOTE_1 " 00 02C900 00", JZ_SW_DATA},
	    {0x20, "00 00 " NOTE_1 " 00 00 00", JZ_SW_REFERENCE},
	};
	struct gp g = gp_host(c);

	gp_login(&g);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		gp_refuses(
		    c, &g, GP_AT_INSTALL(rows[i].p1), rows[i].data, rows[i].sw);
	gp_refuses(c, &g, GP_AT_INSTALL(0x0C) | 1,
	    NOTE_LOAD NOTE_1 " 0100 02C900 00", JZ_SW_P1P2);
	assert_false(exists(c, 1));
}

static void
an_aid_is_given_once(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);

	gp_login(&g);
	gp_add_note(&g, 1);
	gp_refuses(c, &g, GP_AT_INSTALL(0x0C),
	    NOTE_LOAD NOTE_1 " 0100 02C900 00", JZ_SW_EXISTS);
	gp_refuses(c, &g, GP_AT_INSTALL(0x0C),
	    NOTE_LOAD "08A000000151000000 0100 02C900 00", JZ_SW_EXISTS);
}

/* A second domain would need privileges that nobody gives. */
static void
a_second_domain_is_refused(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);

	gp_login(&g);
	gp_refuses(c, &g, GP_AT_INSTALL(0x0C),
	    "08A000000151000000 08A000000151000000 09A00000015100000001 "
	    "0100 02C900 00",
	    JZ_SW_DATA);
	gp_refuses(c, &g, GP_AT_INSTALL(0x0C),
	    "08A000000151000000 08A000000151000000 09A00000015100000001 "
	    "0180 02C900 00",
	    JZ_SW_DATA);
}

static void
a_full_registry_is_said(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);

	gp_login(&g);
	for (uint8_t i = 1; i < JZ_MAX_APPLETS; i++)
		gp_add_note(&g, i);
	gp_refuses(c, &g, GP_AT_INSTALL(0x0C),
	    NOTE_LOAD "06F04E4F544508 0100 02C900 00", JZ_SW_SPACE);
	confirms(&g, GP_AT_DELETE, "4F06F04E4F544503");
	gp_add_note(&g, 8);
}

/* ---- DELETE ------------------------------------------------------------- */

static void
delete_takes_the_instance_alone(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);
	uint32_t before;

	gp_login(&g);
	gp_add_note(&g, 1);
	before = jz_card_nvm_free(&c->card);
	gp_add_note(&g, 2);
	gp_add_note(&g, 3);
	confirms(&g, GP_AT_DELETE, "4F06F04E4F544502");
	assert_true(exists(c, 1));
	assert_false(exists(c, 2));
	assert_true(exists(c, 3));
	confirms(&g, GP_AT_DELETE | 0x80, "4F06F04E4F544503");
	assert_int_equal(jz_card_nvm_free(&c->card), before);
	/* the session goes on, its domain where it was or elsewhere */
	assert_int_equal(
	    gp_hex(&g, GP_AT_STATUS(0x40), "4F00", NULL), JZ_SW_OK);
	gp_refuses(c, &g, GP_AT_DELETE, "4F06F04E4F544502", JZ_SW_REFERENCE);
}

/* The domain's own memory moves when what lies before it goes. */
static void
the_domain_may_move(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);
	struct jz_scp03_keys keys = gp_test_keys();
	const struct jz_aid note = gp_note(1);
	static const uint8_t zero[JZ_GP_KDD_BYTES];
	uint8_t params[JZ_MANAGER_PARAMETER_BYTES] = {0x30};
	struct jz_install order = {.module = jz_manager_class.aid,
	    .instance = {5, {0xA0, 0, 0, 1, 0x52}},
	    .privileges = JZ_MANAGER_PRIVILEGES,
	    .selectable = true,
	    .params = {params, sizeof(params)}};

	/* a card with an application before a domain */
	memcpy(params + 1, &keys, sizeof(keys));
	memcpy(params + 1 + sizeof(keys), zero, sizeof(zero));
	assert_int_equal(jz_card_install(&c->card, &gp_note_class.aid, &note,
			     jz_span(NULL, 0)),
	    JZ_SW_OK);
	assert_int_equal(jz_card_install_as(&c->card, &order), JZ_SW_OK);
	g.domain = order.instance;
	assert_int_equal(gp_select(&g, &order.instance, NULL), JZ_SW_OK);
	gp_open(&g, 0x30, &keys, 0x33);
	/* which does not delete the other one */
	gp_refuses(
	    c, &g, GP_AT_DELETE, "4F08A000000151000000", JZ_SW_CONDITIONS);
	confirms(&g, GP_AT_DELETE, "4F06F04E4F544501");
	assert_int_equal(gp_hex(&g, GP_AT_GET_DATA(0xCF), "", NULL), JZ_SW_OK);
	gp_open(&g, 0x30, &keys, 0x33);
	assert_int_equal(jz_get_be(g.sequence, 3), 2);
}

static void
what_stays(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c), on_1 = gp_host(c);
	struct jz_aid note = gp_note(1);

	gp_login(&g);
	gp_add_note(&g, 1);
	on_1.number = 1;
	/* selected on another channel */
	assert_int_equal(gp_select(&on_1, &note, NULL), JZ_SW_OK);
	gp_refuses(c, &g, GP_AT_DELETE, "4F06F04E4F544501", JZ_SW_CONDITIONS);
	/* the application refuses */
	assert_int_equal(
	    gp_clear(&on_1, AT_CLEAR(0x11), jz_span(NULL, 0), NULL), JZ_SW_OK);
	assert_int_equal(gp_select(&on_1, &GP_ISD, NULL), JZ_SW_OK);
	gp_refuses(c, &g, GP_AT_DELETE, "4F06F04E4F544501", JZ_SW_CONDITIONS);
	gp_refuses(
	    c, &g, GP_AT_DELETE | 0x80, "4F06F04E4F544501", JZ_SW_CONDITIONS);
	/* the domain, and a built-in class */
	gp_refuses(
	    c, &g, GP_AT_DELETE, "4F08A000000151000000", JZ_SW_CONDITIONS);
	gp_refuses(c, &g, GP_AT_DELETE, "4F05F04E4F5445", JZ_SW_CONDITIONS);
	gp_refuses(
	    c, &g, GP_AT_DELETE | 0x80, "4F05F04E4F5445", JZ_SW_CONDITIONS);
}

static void
malformed_deletions_are_refused(void **state)
{
	struct rig_card *c = *state;
	static const struct {
		uint32_t header;
		const char *data;
		uint16_t sw;
	} rows[] = {
	    {GP_AT_DELETE | 0x0100, "4F06F04E4F544501", JZ_SW_P1P2},
	    {GP_AT_DELETE | 0x8000, "4F06F04E4F544501", JZ_SW_P1P2},
	    {GP_AT_DELETE | 0x40, "4F06F04E4F544501", JZ_SW_P1P2},
	    {GP_AT_DELETE | 0x01, "4F06F04E4F544501", JZ_SW_P1P2},
	    {GP_AT_DELETE, "", JZ_SW_LENGTH},
	    {GP_AT_DELETE, "4F00", JZ_SW_LENGTH},
	    {GP_AT_DELETE, "4F04F04E4F54", JZ_SW_DATA},
	    {GP_AT_DELETE, "4F07F04E4F544501", JZ_SW_DATA},
	    {GP_AT_DELETE, "4F06F04E4F54450100", JZ_SW_DATA},
	    {GP_AT_DELETE, "4F06F04E4F5445019E00", JZ_SW_DATA},
	    {GP_AT_DELETE, "5006F04E4F544501", JZ_SW_DATA},
	    {GP_AT_DELETE | 0x80, "D20101", JZ_SW_DATA},
	};
	struct gp g = gp_host(c);

	gp_login(&g);
	gp_add_note(&g, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		gp_refuses(c, &g, rows[i].header, rows[i].data, rows[i].sw);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CARD(install_and_make_selectable),
	    CARD(install_then_make_selectable),
	    CARD(privileges_have_one_byte_or_three),
	    CARD(card_reset_is_given_once),
	    CARD(quotas_are_kept),
	    CARD(malformed_orders_are_refused),
	    CARD(an_aid_is_given_once),
	    CARD(a_second_domain_is_refused),
	    CARD(a_full_registry_is_said),
	    CARD(delete_takes_the_instance_alone),
	    CARD(the_domain_may_move),
	    CARD(what_stays),
	    CARD(malformed_deletions_are_refused),
	};

	return cmocka_run_group_tests_name("content", tests, set_up, tear_down);
}
