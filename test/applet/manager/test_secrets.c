/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a session leaves in memory: nothing.
 */
#include "group.h"

#include <string.h>

static bool
holds(const void *memory, size_t len, const void *secret, size_t n)
{
	for (size_t at = 0; at + n <= len; at++)
		if (memcmp((const uint8_t *)memory + at, secret, n) == 0)
			return true;
	return false;
}

/* Session keys and DEK in the card's transient memory. */
static bool
has_session(const struct rig_card *c, const struct gp *g)
{
	bool has = holds(c->ram, sizeof(c->ram), g->channel.s_enc, 16);

	assert_int_equal(
	    holds(c->ram, sizeof(c->ram), g->channel.s_mac, 16), has);
	assert_int_equal(
	    holds(c->ram, sizeof(c->ram), g->channel.s_rmac, 16), has);
	assert_int_equal(holds(c->ram, sizeof(c->ram), g->dek, 16), has);
	return has;
}

/* proves: ALL-5 (session keys are erased after use). */
static void
session_keys_end_with_the_session(void **state)
{
	struct rig_card *c = *state;
	struct jz_aid nobody = gp_note(9);
	struct gp g = gp_host(c);

	gp_login(&g);
	assert_true(has_session(c, &g));
	assert_int_equal(gp_select(&g, &nobody, NULL), JZ_SW_FILE);
	assert_true(has_session(c, &g));
	/* by an error of secure messaging */
	assert_int_equal(
	    gp_clear(&g, GP_AT_GET_DATA(0xCF), jz_span(NULL, 0), NULL),
	    JZ_SW_SECURITY);
	assert_false(has_session(c, &g));
	/* by deselection, and by a reset */
	gp_login(&g);
	assert_int_equal(gp_select(&g, &GP_ISD, NULL), JZ_SW_OK);
	assert_false(has_session(c, &g));
	gp_login(&g);
	jz_card_reset(&c->card);
	assert_false(has_session(c, &g));
	/* by an authentication that fails */
	gp_login(&g);
	assert_int_equal(gp_authenticate(&g, 0x33), JZ_SW_CONDITIONS);
	assert_false(has_session(c, &g));
}

/* The memory of the answer, where the data stood in clear for a while, does
 * not show them to whoever has the card's output. */
static void
clear_data_do_not_stay_in_the_answer(void **state)
{
	static const uint8_t text[] = "nobody but the card may read this text";
	struct rig_card *c = *state;
	struct gp g = gp_host(c);
	uint8_t rsp[JZ_CARD_RESPONSE_MAX + 2] = {0};
	struct blob b;
	size_t n;

	gp_login(&g);
	gp_add_note(&g, 1);
	assert_int_equal(gp_hex(&g, GP_AT_INSTALL(0x20),
			     "00 00 06F04E4F544501 00 00 00", NULL),
	    JZ_SW_OK);
	b = gp_wrap(&g, GP_AT_STORE(0x10, 0), jz_span(text, sizeof(text)));
	n = jz_card_process(&c->card, b.data, b.len, rsp, sizeof(rsp));
	assert_int_equal(jz_get_be(rsp + n - 2, 2), JZ_SW_OK);
	assert_true(holds(c->nvm, sizeof(c->nvm), text, sizeof(text)));
	assert_false(holds(rsp, sizeof(rsp), text, 4));
	/* a command whose padding is wrong too */
	g.channel.level = 0x11;
	b = gp_wrap(&g, GP_AT_STORE(0x10, 1), jz_span(text, 32));
	n = jz_card_process(&c->card, b.data, b.len, rsp, sizeof(rsp));
	assert_int_equal(jz_get_be(rsp + n - 2, 2), JZ_SW_SECURITY);
	for (size_t i = sizeof(rsp) - 64; i < sizeof(rsp); i++)
		assert_int_equal(rsp[i], 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BARE(session_keys_end_with_the_session),
	    BARE(clear_data_do_not_stay_in_the_answer),
	};

	return cmocka_run_group_tests_name("secrets", tests, set_up, tear_down);
}
