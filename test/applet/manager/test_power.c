/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every command that changes the card, with the power cut after every byte that
 * it writes: the card is as before or as after, never between.
 */
#include "../../support/gpclient.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOTE_LOAD "05F04E4F5445 05F04E4F5445 "

struct row {
	const char *name;
	uint32_t header;
	const char *data; /* NULL: a key set of this version */
	uint8_t kvn;
	/* Before it, in the same session. */
	uint32_t first_header;
	const char *first;
};

/* clang-format off */
static const struct row ROWS[] = {
	{"INSTALL", GP_AT_INSTALL(0x0C), NOTE_LOAD "06F04E4F544507 0100 05C903AABBCC 00", 0, 0, NULL},
	{"INSTALL [for install]", GP_AT_INSTALL(0x04), NOTE_LOAD "06F04E4F544507 0100 02C900 00", 0, 0, NULL},
	{"INSTALL [for make selectable]", GP_AT_INSTALL(0x08), "00 00 06F04E4F544508 0104 00 00", 0,
	    GP_AT_INSTALL(0x04), NOTE_LOAD "06F04E4F544508 0100 02C900 00"},
	{"DELETE", GP_AT_DELETE, "4F06F04E4F544501", 0, 0, NULL},
	{"SET STATUS, card", GP_AT_SET_CARD(0x0F), "", 0, 0, NULL},
	{"SET STATUS, application", GP_AT_SET_APP(0x83), "F04E4F544502", 0, 0, NULL},
	{"PUT KEY, first", GP_AT_PUT_KEY(0), NULL, 0x01, 0, NULL},
	{"PUT KEY, initial set by name", GP_AT_PUT_KEY(0xFF), NULL, 0x02, 0, NULL},
	{"STORE DATA, own", GP_AT_STORE(0x90, 0), "4203123456 4508 0011223344556677", 0, 0, NULL},
	{"STORE DATA, application", GP_AT_STORE(0x91, 0), "0102030405", 0,
	    GP_AT_INSTALL(0x20), "00 00 06F04E4F544501 00 00 00"},
};
/* clang-format on */

static struct rig rig;

static int
set_up(void **state)
{
	(void)state;
	rig_new(&rig);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	rig_free(&rig);
	return 0;
}

static uint16_t
carry_out(struct gp *g, const struct row *row)
{
	struct jz_scp03_keys keys = gp_keys(row->kvn);
	struct blob b;

	if (row->data != NULL)
		return gp_hex(g, row->header, row->data, NULL);
	b = gp_put_key_data(g, row->kvn, &keys);
	return gp_send(g, row->header, blob_span(&b), NULL);
}

static unsigned
cut_everywhere(const struct row *row)
{
	struct rig_card *c = gp_card_new(&rig, true);
	struct gp g = gp_host(c), was;
	uint8_t before[32], after[32], now[32];
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
	struct rig_snapshot *s;
	unsigned kept = 0, points = 0;
	uint64_t bytes;

	gp_login(&g);
	gp_add_note(&g, 1);
	gp_add_note(&g, 2);
	if (row->first != NULL)
		assert_int_equal(
		    gp_hex(&g, row->first_header, row->first, NULL), JZ_SW_OK);
	rig_hash(c, before);
	s = rig_save(c);
	was = g;
	bytes = jz_fault_counters(c->fault).bytes;
	assert_int_equal(carry_out(&g, row), JZ_SW_OK);
	bytes = jz_fault_counters(c->fault).bytes - bytes;
	rig_hash(c, after);
	assert_memory_not_equal(before, after, sizeof(before));
	for (uint64_t i = 0; i <= 2 * bytes + 1; i++) {
		uint16_t sw;

		rig_restore(c, s);
		g = was;
		plan.cut_after = i / 2;
		plan.keep = i % 2 == 0 ? 0 : UINT64_MAX;
		jz_fault_plan(c->fault, &plan);
		sw = carry_out(&g, row);
		if (rig_reopen(c) != 0)
			fail_msg("%s: does not open after %u bytes", row->name,
			    (unsigned)(i / 2));
		rig_hash(c, now);
		if (memcmp(now, after, sizeof(now)) == 0)
			kept++;
		else if (memcmp(now, before, sizeof(now)) != 0 ||
		    sw == JZ_SW_OK)
			fail_msg("%s: between, or lost, after %u bytes",
			    row->name, (unsigned)(i / 2));
		points++;
	}
	assert_in_range(kept, 1, points - 1);
	rig_snapshot_free(&s);
	rig_card_free(&c);
	return points;
}

/* proves: ALL-3 */
static void
before_or_after_and_never_between(void **state)
{
	unsigned points = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++)
		points += cut_everywhere(&ROWS[i]);
	print_message("%u power cuts\n", points);
}

/* A store that fails is told as such, and the card is mute. */
static void
a_failed_store_is_6581(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		struct rig_card *c = gp_card_new(&rig, true);
		struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
		struct gp g = gp_host(c);

		gp_login(&g);
		gp_add_note(&g, 1);
		gp_add_note(&g, 2);
		if (ROWS[i].first != NULL)
			gp_hex(&g, ROWS[i].first_header, ROWS[i].first, NULL);
		plan.fail_sync = 1;
		/* deletion replaces the storage, which has no sync to fail */
		if (ROWS[i].header == GP_AT_DELETE)
			plan.cut_after = 0;
		jz_fault_plan(c->fault, &plan);
		assert_int_equal(carry_out(&g, &ROWS[i]), JZ_SW_MEMORY_FAILURE);
		assert_int_equal(
		    gp_select(&g, &GP_ISD, NULL), JZ_SW_MEMORY_FAILURE);
		rig_card_free(&c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(before_or_after_and_never_between),
	    cmocka_unit_test(a_failed_store_is_6581),
	};

	return cmocka_run_group_tests_name("power", tests, set_up, tear_down);
}
