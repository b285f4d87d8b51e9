/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET STATUS: GlobalPlatform 11.4.
 */
#include "group.h"

#include <stdio.h>
#include <string.h>

#include "../../../apdu/tlv.h"

#define PAGE_MAX 239

/* More applets than there are pages of transient memory. */
static int
set_up_loose(void **state)
{
	set_up(state);
	rig.loose = true;
	return 0;
}

static void
lists(struct gp *g, uint32_t header, const char *search, const char *hex)
{
	struct blob want = gp_bytes(hex);
	struct answer a;

	assert_int_equal(gp_hex(g, header, search, &a), JZ_SW_OK);
	assert_int_equal(a.len, want.len);
	assert_memory_equal(a.data, want.data, want.len);
}

#define ISD_ENTRY(state)                                                       \
	"E3 27 4F 08 A000000151000000 9F70 01 " state                          \
	" C5 03 985E00 C4 08 A000000151000000 CC 08 A000000151000000"
#define NOTE_ENTRY(n, state)                                                   \
	"E3 22 4F 06 F04E4F5445" n " 9F70 01 " state                           \
	" C5 03 000000 C4 05 F04E4F5445 CC 08 A000000151000000"

static void
the_domain(void **state)
{
	struct gp g = gp_host(*state);

	gp_login(&g);
	lists(&g, GP_AT_STATUS(0x80), "4F00", ISD_ENTRY("01"));
	lists(&g, GP_AT_STATUS(0x80), "4F08A000000151000000", ISD_ENTRY("01"));
	assert_int_equal(gp_hex(&g, GP_AT_SET_CARD(0x07), "", NULL), JZ_SW_OK);
	lists(&g, GP_AT_STATUS(0x80), "4F05A000000151", ISD_ENTRY("07"));
}

static void
applications(void **state)
{
	struct gp g = gp_host(*state);

	gp_login(&g);
	assert_int_equal(
	    gp_hex(&g, GP_AT_STATUS(0x40), "4F00", NULL), JZ_SW_REFERENCE);
	gp_add_note(&g, 1);
	gp_add_note(&g, 2);
	lists(&g, GP_AT_STATUS(0x40), "4F00",
	    NOTE_ENTRY("01", "07") NOTE_ENTRY("02", "07"));
	lists(
	    &g, GP_AT_STATUS(0x40), "4F06F04E4F544502", NOTE_ENTRY("02", "07"));
	lists(&g, GP_AT_STATUS(0x40), "4F01F0",
	    NOTE_ENTRY("01", "07") NOTE_ENTRY("02", "07"));
	assert_int_equal(
	    gp_hex(&g, GP_AT_SET_APP(0x83), "F04E4F544501", NULL), JZ_SW_OK);
	lists(
	    &g, GP_AT_STATUS(0x40), "4F06F04E4F544501", NOTE_ENTRY("01", "87"));
}

static void
load_files_and_modules(void **state)
{
	struct gp g = gp_host(*state);

	gp_login(&g);
	lists(&g, GP_AT_STATUS(0x20), "4F00",
	    "E3 18 4F 08 A000000151000000 9F70 01 01 CC 08 A000000151000000"
	    "E3 15 4F 05 F04E4F5445 9F70 01 01 CC 08 A000000151000000");
	lists(&g, GP_AT_STATUS(0x10), "4F05F04E4F5445",
	    "E3 1C 4F 05 F04E4F5445 9F70 01 01 84 05 F04E4F5445 "
	    "CC 08 A000000151000000");
}

/* Only what is asked for, and the AID always. */
static void
a_tag_list_chooses(void **state)
{
	struct gp g = gp_host(*state);

	gp_login(&g);
	gp_add_note(&g, 1);
	lists(&g, GP_AT_STATUS(0x40), "4F00 5C04 4F9F70C5",
	    "E3 11 4F 06 F04E4F544501 9F70 01 07 C5 03 000000");
	lists(&g, GP_AT_STATUS(0x40), "4F00 5C01 C4",
	    "E3 0F 4F 06 F04E4F544501 C4 05 F04E4F5445");
	lists(&g, GP_AT_STATUS(0x40), "4F00 5C00", "E3 08 4F 06 F04E4F544501");
	lists(&g, GP_AT_STATUS(0x10), "4F05F04E4F5445 5C01 84",
	    "E3 0E 4F 05 F04E4F5445 84 05 F04E4F5445");
	lists(&g, GP_AT_STATUS(0x80), "4F00 5C02 9F70",
	    "E3 0E 4F 08 A000000151000000 9F70 01 01");
}

static void
malformed_searches_are_refused(void **state)
{
	struct rig_card *c = *state;
	static const struct {
		uint32_t header;
		const char *data;
		uint16_t sw;
	} rows[] = {
	    {GP_AT_STATUS(0x00), "4F00", JZ_SW_P1P2},
	    {GP_AT_STATUS(0xC0), "4F00", JZ_SW_P1P2},
	    {GP_AT_STATUS(0x60), "4F00", JZ_SW_P1P2},
	    {GP_AT_STATUS(0x08), "4F00", JZ_SW_P1P2},
	    {0x80F28000u, "4F00", JZ_SW_P1P2}, /* not as TLV */
	    {0x80F28001u, "4F00", JZ_SW_P1P2},
	    {0x80F28004u, "4F00", JZ_SW_P1P2},
	    {GP_AT_STATUS(0x80), "", JZ_SW_LENGTH},
	    {GP_AT_STATUS(0x80), "4F", JZ_SW_LENGTH},
	    {GP_AT_STATUS(0x80), "4F01", JZ_SW_DATA},
	    {GP_AT_STATUS(0x80), "4F0000", JZ_SW_DATA},
	    {GP_AT_STATUS(0x80), "5C00", JZ_SW_DATA},
	    {GP_AT_STATUS(0x80), "4F00C500", JZ_SW_DATA},
	    {GP_AT_STATUS(0x80), "4F005C019F", JZ_SW_DATA},
	    {GP_AT_STATUS(0x80), "4F005C024F", JZ_SW_DATA},
	    {GP_AT_STATUS(0x80), "4F005C0000", JZ_SW_DATA},
	    {GP_AT_STATUS(0x80), "4F11A000000151000000000000000000000000",
		JZ_SW_DATA},
	    {GP_AT_STATUS(0x80), "4F09A00000015100000000", JZ_SW_REFERENCE},
	    {GP_AT_STATUS(0x40), "4F08A000000151000000", JZ_SW_REFERENCE},
	    {GP_AT_STATUS(0x20), "4F06F04E4F544501", JZ_SW_REFERENCE},
	};
	struct gp g = gp_host(c);

	gp_login(&g);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		gp_refuses(c, &g, rows[i].header, rows[i].data, rows[i].sw);
}

/* ---- more than fits ----------------------------------------------------- */

/* All applications, page by page; how many pages. */
static unsigned
collect(struct gp *g, struct answer *all)
{
	struct answer page;
	uint16_t sw = gp_hex(g, GP_AT_STATUS(0x40), "4F00", &page);
	unsigned n = 0;

	all->len = 0;
	for (;;) {
		assert_in_range(page.len, 1, PAGE_MAX);
		memcpy(all->data + all->len, page.data, page.len);
		all->len += page.len;
		n++;
		if (sw == JZ_SW_OK)
			return n;
		assert_int_equal(sw, JZ_SW_MORE_AVAILABLE);
		sw = gp_hex(g, GP_AT_STATUS_NEXT(0x40), "4F00", &page);
	}
}

static void
pages_hold_every_instance_once(void **state)
{
	static const uint8_t levels[] = {0x01, 0x03, 0x11, 0x13, 0x33};
	struct rig_card *c = *state;
	struct jz_scp03_keys keys = gp_test_keys();
	struct gp g = gp_host(c);
	struct answer all;
	char want[2048] = "";

	gp_login(&g);
	for (uint8_t i = 1; i < JZ_MAX_APPLETS; i++) {
		char entry[128];

		gp_add_note(&g, i);
		snprintf(entry, sizeof(entry),
		    "E3 22 4F 06 F04E4F5445%02X 9F70 01 07 C5 03 000000 "
		    "C4 05 F04E4F5445 CC 08 A000000151000000",
		    i);
		strcat(want, entry);
	}
	for (size_t i = 0; i < sizeof(levels); i++) {
		struct blob b = gp_bytes(want);

		gp_open(&g, 0, &keys, levels[i]);
		assert_int_equal(collect(&g, &all), 2);
		assert_int_equal(all.len, b.len);
		assert_memory_equal(all.data, b.data, b.len);
	}
}

/* A page, whatever the protection, is one short response. */
static void
a_page_is_one_response(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);
	struct blob search = gp_bytes("4F00"), b;
	struct answer a;

	gp_login(&g);
	for (uint8_t i = 1; i < JZ_MAX_APPLETS; i++)
		gp_add_note(&g, i);
	b = gp_wrap(&g, GP_AT_STATUS(0x40), blob_span(&search));
	assert_int_equal(
	    port_raw(&c->port, blob_span(&b), &a), JZ_SW_MORE_AVAILABLE);
	assert_in_range(a.len, 200, 256);
}

static void
next_follows_first(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);
	struct answer first, again;

	gp_login(&g);
	gp_refuses(c, &g, GP_AT_STATUS_NEXT(0x40), "4F00", JZ_SW_CONDITIONS);
	for (uint8_t i = 1; i < JZ_MAX_APPLETS; i++)
		gp_add_note(&g, i);
	assert_int_equal(gp_hex(&g, GP_AT_STATUS(0x40), "4F00", &first),
	    JZ_SW_MORE_AVAILABLE);
	/* first once more */
	assert_int_equal(gp_hex(&g, GP_AT_STATUS(0x40), "4F00", &again),
	    JZ_SW_MORE_AVAILABLE);
	assert_int_equal(first.len, again.len);
	assert_memory_equal(first.data, again.data, first.len);
	/* of another scope */
	gp_refuses(c, &g, GP_AT_STATUS_NEXT(0x20), "4F00", JZ_SW_CONDITIONS);
	gp_refuses(c, &g, GP_AT_STATUS_NEXT(0x40), "4F00", JZ_SW_CONDITIONS);
	/* of other criteria */
	assert_int_equal(
	    gp_hex(&g, GP_AT_STATUS(0x40), "4F00", NULL), JZ_SW_MORE_AVAILABLE);
	gp_refuses(c, &g, GP_AT_STATUS_NEXT(0x40), "4F01F0", JZ_SW_CONDITIONS);
	assert_int_equal(
	    gp_hex(&g, GP_AT_STATUS(0x40), "4F00", NULL), JZ_SW_MORE_AVAILABLE);
	gp_refuses(
	    c, &g, GP_AT_STATUS_NEXT(0x40), "4F005C014F", JZ_SW_CONDITIONS);
	/* after another command */
	assert_int_equal(
	    gp_hex(&g, GP_AT_STATUS(0x40), "4F00", NULL), JZ_SW_MORE_AVAILABLE);
	assert_int_equal(gp_hex(&g, GP_AT_GET_DATA(0xCF), "", NULL), JZ_SW_OK);
	gp_refuses(c, &g, GP_AT_STATUS_NEXT(0x40), "4F00", JZ_SW_CONDITIONS);
	/* after the end */
	assert_int_equal(
	    gp_hex(&g, GP_AT_STATUS(0x40), "4F00", NULL), JZ_SW_MORE_AVAILABLE);
	assert_int_equal(
	    gp_hex(&g, GP_AT_STATUS_NEXT(0x40), "4F00", NULL), JZ_SW_OK);
	gp_refuses(c, &g, GP_AT_STATUS_NEXT(0x40), "4F00", JZ_SW_CONDITIONS);
}

/* Two hosts on two channels list at the same time. */
static void
each_channel_has_its_own_page(void **state)
{
	struct rig_card *c = *state;
	struct gp one = gp_host(c), two = gp_host(c);
	struct answer a, b;

	gp_login(&one);
	for (uint8_t i = 1; i < JZ_MAX_APPLETS; i++)
		gp_add_note(&one, i);
	two.number = 2;
	assert_int_equal(gp_select(&two, &GP_ISD, NULL), JZ_SW_OK);
	gp_login(&two);
	assert_int_equal(gp_hex(&one, GP_AT_STATUS(0x40), "4F00", NULL),
	    JZ_SW_MORE_AVAILABLE);
	assert_int_equal(gp_hex(&two, GP_AT_STATUS(0x40), "4F00", NULL),
	    JZ_SW_MORE_AVAILABLE);
	assert_int_equal(
	    gp_hex(&one, GP_AT_STATUS_NEXT(0x40), "4F00", &a), JZ_SW_OK);
	assert_int_equal(
	    gp_hex(&two, GP_AT_STATUS_NEXT(0x40), "4F00", &b), JZ_SW_OK);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BARE(the_domain),
	    BARE(applications),
	    BARE(load_files_and_modules),
	    BARE(a_tag_list_chooses),
	    BARE(malformed_searches_are_refused),
	    BARE(pages_hold_every_instance_once),
	    BARE(a_page_is_one_response),
	    BARE(next_follows_first),
	    BARE(each_channel_has_its_own_page),
	};

	return cmocka_run_group_tests_name(
	    "status", tests, set_up_loose, tear_down);
}
