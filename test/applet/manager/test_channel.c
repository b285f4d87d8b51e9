/* SPDX-License-Identifier: Apache-2.0 */
/*
 * INITIALIZE UPDATE, EXTERNAL AUTHENTICATE and secure messaging: Amendment D
 * 6 and 7.
 */
#include "group.h"

#include <string.h>

#define INITIALIZE_KDD "80 50 00 00 08 0102030405060708 00"

static const uint8_t LEVELS[] = {0x01, 0x03, 0x11, 0x13, 0x33};

/* gp_begin() checks every field of the answer but these. */
static void
initialize_update_names_the_card(void **state)
{
	struct rig_card *c = *state;
	struct answer a;

	assert_int_equal(port_hex(&c->port, INITIALIZE_KDD, &a), JZ_SW_OK);
	assert_int_equal(a.len, 32);
	assert_memory_equal(a.data, GP_KDD, sizeof(GP_KDD));
	assert_memory_equal(a.data + 10, "\xFF\x03\x70", 3);
	assert_memory_equal(a.data + 29, "\x00\x00\x01", 3);
}

static void
every_level_opens_a_session(void **state)
{
	struct rig_card *c = *state;
	struct jz_scp03_keys keys = gp_test_keys();
	struct gp g = gp_host(c);
	struct answer a;

	for (size_t i = 0; i < sizeof(LEVELS); i++) {
		gp_open(&g, 0, &keys, LEVELS[i]);
		for (int k = 0; k < 3; k++) {
			assert_int_equal(
			    gp_hex(&g, GP_AT_GET_DATA(0xCF), "", &a), JZ_SW_OK);
			assert_int_equal(a.len, 12);
			assert_memory_equal(a.data + 2, GP_KDD, 10);
			assert_int_equal(
			    gp_hex(&g, GP_AT_STATUS(0x80), "4F00", &a),
			    JZ_SW_OK);
			assert_int_equal(a.data[0], 0xE3);
		}
	}
}

static void
other_levels_are_refused(void **state)
{
	struct rig_card *c = *state;
	struct jz_scp03_keys keys = gp_test_keys();
	struct gp g = gp_host(c);
	unsigned taken = 0;

	for (unsigned level = 0; level <= 0xFF; level++) {
		uint16_t sw;

		assert_int_equal(gp_begin(&g, 0, &keys), JZ_SW_OK);
		sw = gp_authenticate(&g, (uint8_t)level);
		if (memchr(LEVELS, (int)level, sizeof(LEVELS)) != NULL) {
			assert_int_equal(sw, JZ_SW_OK);
			taken++;
		} else {
			assert_int_equal(sw, JZ_SW_P1P2);
			assert_int_equal(
			    gp_authenticate(&g, 0x01), JZ_SW_CONDITIONS);
		}
	}
	assert_int_equal(taken, sizeof(LEVELS));
}

static void
initialize_update_refuses(void **state)
{
	struct rig_card *c = *state;
	static const struct {
		const char *apdu;
		uint16_t sw;
	} rows[] = {
	    {"80 50 01 00 08 0102030405060708 00", JZ_SW_REFERENCE},
	    {"80 50 7F 00 08 0102030405060708 00", JZ_SW_REFERENCE},
	    {"80 50 FE 00 08 0102030405060708 00", JZ_SW_REFERENCE},
	    {"80 50 00 01 08 0102030405060708 00", JZ_SW_P1P2},
	    {"80 50 00 00 07 01020304050607 00", JZ_SW_LENGTH},
	    {"80 50 00 00 09 010203040506070809 00", JZ_SW_LENGTH},
	    {"80 50 00 00 00", JZ_SW_LENGTH},
	    {"00 50 00 00 08 0102030405060708 00", JZ_SW_CLA},
	    {"84 50 00 00 08 0102030405060708 00", JZ_SW_SECURITY},
	};
	uint8_t before[32], after[32];
	struct answer a;

	rig_hash(c, before);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (port_hex(&c->port, rows[i].apdu, &a) != rows[i].sw)
			fail_msg("%s: %04X", rows[i].apdu, a.sw);
		assert_int_equal(a.len, 0);
	}
	rig_hash(c, after);
	assert_memory_equal(before, after, sizeof(before));
}

/* A wrong cryptogram (6300) is told from a wrong MAC (6982); both end what
 * INITIALIZE UPDATE began. */
static void
a_host_without_the_keys_is_refused(void **state)
{
	struct rig_card *c = *state;
	struct jz_scp03_keys keys = gp_test_keys();

	for (size_t at = 0; at < 16; at++) {
		struct gp g = gp_host(c);
		struct blob b;

		assert_int_equal(gp_begin(&g, 0, &keys), JZ_SW_OK);
		b = gp_wrap(&g, GP_AT_AUTHENTICATE(0x33),
		    jz_span(g.channel.host_cryptogram, 8));
		b.data[5 + at] ^= 0x01;
		assert_int_equal(port_raw(&c->port, blob_span(&b), NULL),
		    at < 8 ? JZ_SW_WARNING : JZ_SW_SECURITY);
		b.data[5 + at] ^= 0x01;
		assert_int_equal(
		    port_raw(&c->port, blob_span(&b), NULL), JZ_SW_CONDITIONS);
		assert_int_equal(gp_hex(&g, GP_AT_STATUS(0x80), "4F00", NULL),
		    JZ_SW_SECURITY);
	}
}

/* The level is authenticated: nobody in between lowers it. */
static void
the_level_cannot_be_changed_on_the_way(void **state)
{
	struct rig_card *c = *state;
	struct jz_scp03_keys keys = gp_test_keys();
	struct gp g = gp_host(c);
	struct blob b;

	assert_int_equal(gp_begin(&g, 0, &keys), JZ_SW_OK);
	b = gp_wrap(&g, GP_AT_AUTHENTICATE(0x33),
	    jz_span(g.channel.host_cryptogram, 8));
	b.data[2] = 0x01;
	assert_int_equal(
	    port_raw(&c->port, blob_span(&b), NULL), JZ_SW_SECURITY);
}

static void
external_authenticate_refuses(void **state)
{
	struct rig_card *c = *state;
	struct jz_scp03_keys keys = gp_test_keys();
	static const struct {
		const char *apdu;
		uint16_t sw;
	} rows[] = {
	    {"84 82 33 01 10 00000000000000000000000000000000", JZ_SW_P1P2},
	    {"84 82 33 00 0F 000000000000000000000000000000", JZ_SW_LENGTH},
	    {"84 82 33 00 08 0000000000000000", JZ_SW_LENGTH},
	    {"84 82 33 00", JZ_SW_LENGTH},
	    {"04 82 33 00 10 00000000000000000000000000000000", JZ_SW_CLA},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gp g = gp_host(c);

		assert_int_equal(gp_begin(&g, 0, &keys), JZ_SW_OK);
		assert_int_equal(
		    port_hex(&c->port, rows[i].apdu, NULL), rows[i].sw);
		assert_int_equal(gp_authenticate(&g, 0x33), JZ_SW_CONDITIONS);
	}
}

static void
authentication_follows_its_challenge_at_once(void **state)
{
	struct rig_card *c = *state;
	struct jz_scp03_keys keys = gp_test_keys();
	struct gp g = gp_host(c);

	assert_int_equal(gp_authenticate(&g, 0x33), JZ_SW_CONDITIONS);
	assert_int_equal(gp_begin(&g, 0, &keys), JZ_SW_OK);
	assert_int_equal(
	    gp_clear(&g, GP_AT_GET_DATA(0xCF), jz_span(NULL, 0), NULL),
	    JZ_SW_OK);
	assert_int_equal(gp_authenticate(&g, 0x33), JZ_SW_CONDITIONS);
	/* and never twice */
	gp_open(&g, 0, &keys, 0x33);
	assert_int_equal(gp_authenticate(&g, 0x33), JZ_SW_CONDITIONS);
	assert_int_equal(
	    gp_hex(&g, GP_AT_GET_DATA(0xCF), "", NULL), JZ_SW_SECURITY);
}

/* Nothing is administered in clear, whatever the length and parameters. */
static void
everything_else_needs_a_session(void **state)
{
	struct rig_card *c = *state;
	static const uint8_t ins[] = {0xD8, 0xE2, 0xE4, 0xE6, 0xF0, 0xF2};
	struct gp g = gp_host(c);
	struct blob b = gp_bytes("4F00");

	for (size_t i = 0; i < sizeof(ins); i++) {
		rig_refuses(c, 0x80000000u | (uint32_t)ins[i] << 16,
		    blob_span(&b), JZ_SW_SECURITY);
		rig_refuses(c, 0x80000000u | (uint32_t)ins[i] << 16,
		    jz_span(NULL, 0), JZ_SW_SECURITY);
		rig_refuses(c, 0x84000000u | (uint32_t)ins[i] << 16,
		    blob_span(&b), JZ_SW_SECURITY);
	}
	rig_refuses(c, 0x80AA0000u, blob_span(&b), JZ_SW_INS);
	rig_refuses(c, 0x80E80000u, blob_span(&b), JZ_SW_INS); /* LOAD */
	assert_int_equal(
	    gp_hex(&g, GP_AT_STATUS(0x80), "4F00", NULL), JZ_SW_SECURITY);
}

static void
unknown_instructions_leave_the_session(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);

	gp_login(&g);
	gp_refuses(c, &g, 0x80AA0000u, "", JZ_SW_INS);
	gp_refuses(c, &g, 0x80500000u, "0102030405060708", JZ_SW_INS);
	gp_refuses(c, &g, 0x80E80000u, "00", JZ_SW_INS);
	gp_refuses(c, &g, 0x00AA0000u, "", JZ_SW_INS);
	gp_refuses(c, &g, GP_AT_GET_DATA(0xCF), "00", JZ_SW_LENGTH);
}

/* The class of a command that is protected is any that has the mark. */
static void
get_data_may_be_interindustry(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);
	struct answer a;

	assert_int_equal(
	    gp_clear(&g, 0x00CA00CFu, jz_span(NULL, 0), &a), JZ_SW_OK);
	gp_login(&g);
	assert_int_equal(gp_hex(&g, 0x00CA00CFu, "", &a), JZ_SW_OK);
	assert_int_equal(a.len, 12);
}

static void
session_is_over(struct gp *g)
{
	uint16_t sw = gp_hex(g, GP_AT_GET_DATA(0xCF), "", NULL);

	assert_int_equal(sw, JZ_SW_SECURITY);
}

/* proves: ALL-4 (every bit of a protected command counts). */
static void
altered_commands_end_the_session(void **state)
{
	struct rig_card *c = *state;
	struct jz_scp03_keys keys = gp_test_keys();
	struct gp g = gp_host(c);
	size_t bits = 0;

	for (size_t bit = 0; bit < 8 * (5 + 24); bit++) {
		struct blob b, search = gp_bytes("4F00");
		struct gp was;
		uint16_t sw;

		gp_open(&g, 0, &keys, 0x33);
		was = g;
		b = gp_wrap(&was, GP_AT_STATUS(0x40), blob_span(&search));
		assert_int_equal(b.len, 5 + 24 + 1);
		/* class byte: another channel, or no secure messaging, or a
		 * chain; length: no APDU at all; EXTERNAL AUTHENTICATE has
		 * its own word */
		if (bit < 8 || bit / 8 == 4)
			continue;
		b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		sw = port_raw(&c->port, blob_span(&b), NULL);
		assert_int_equal(sw, JZ_SW_SECURITY);
		session_is_over(&g);
		bits++;
	}
	assert_int_equal(bits, 8 * (3 + 24));
}

static void
repeated_commands_end_the_session(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);
	struct blob b, search = gp_bytes("4F00");

	gp_login(&g);
	b = gp_wrap(&g, GP_AT_STATUS(0x80), blob_span(&search));
	assert_int_equal(port_raw(&c->port, blob_span(&b), NULL), JZ_SW_OK);
	assert_int_equal(
	    port_raw(&c->port, blob_span(&b), NULL), JZ_SW_SECURITY);
	session_is_over(&g);
}

static void
a_command_in_clear_ends_the_session(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);

	gp_login(&g);
	assert_int_equal(
	    gp_clear(&g, GP_AT_GET_DATA(0xCF), jz_span(NULL, 0), NULL),
	    JZ_SW_SECURITY);
	session_is_over(&g);
	assert_int_equal(
	    gp_clear(&g, GP_AT_GET_DATA(0xCF), jz_span(NULL, 0), NULL),
	    JZ_SW_OK);
}

static void
a_command_too_short_for_a_mac_ends_the_session(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);

	gp_login(&g);
	assert_int_equal(
	    port_hex(&c->port, "84 F2 80 02 07 01020304050607", NULL),
	    JZ_SW_SECURITY);
	session_is_over(&g);
}

/* Under a right MAC: a host that pads wrongly is not one of ours. */
static void
wrong_padding_ends_the_session(void **state)
{
	struct rig_card *c = *state;
	struct jz_scp03_keys keys = gp_test_keys();
	struct gp g = gp_host(c);
	struct blob text = gp_bytes("00000000000000000000000000000000");
	struct blob b;

	gp_open(&g, 0, &keys, 0x03);
	g.channel.level = 0x01; /* the host does not encipher */
	b = gp_wrap(&g, GP_AT_STATUS(0x80), blob_span(&text));
	assert_int_equal(
	    port_raw(&c->port, blob_span(&b), NULL), JZ_SW_SECURITY);
	g.channel.level = 0x03;
	session_is_over(&g);
}

static void
a_longer_command_than_fits_ends_the_session(void **state)
{
	struct rig_card *c = *state;
	static const uint8_t text[2100];
	struct jz_scp03_keys keys = gp_test_keys();
	struct gp g = gp_host(c);

	gp_open(&g, 0, &keys, 0x01);
	assert_int_equal(
	    port_send(&c->port, 0x84E20000u, jz_span(text, 2072), NULL),
	    JZ_SW_SECURITY);
	gp_open(&g, 0, &keys, 0x01);
	assert_int_equal(
	    port_send(&c->port, 0x84E20000u, jz_span(text, 2073), NULL),
	    JZ_SW_LENGTH);
	session_is_over(&g);
}

static void
a_new_challenge_ends_the_session(void **state)
{
	struct rig_card *c = *state;
	struct jz_scp03_keys keys = gp_test_keys();
	struct gp g = gp_host(c), other = gp_host(c);

	gp_login(&g);
	assert_int_equal(gp_begin(&other, 0, &keys), JZ_SW_OK);
	session_is_over(&g);
	/* also one that is refused */
	gp_login(&g);
	assert_int_equal(gp_begin(&other, 0x7F, &keys), JZ_SW_REFERENCE);
	session_is_over(&g);
}

static void
select_and_reset_end_the_session(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);

	gp_login(&g);
	assert_int_equal(gp_select(&g, &GP_ISD, NULL), JZ_SW_OK);
	session_is_over(&g);
	gp_login(&g);
	jz_card_reset(&c->card);
	session_is_over(&g);
	gp_login(&g);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(gp_select(&g, &GP_ISD, NULL), JZ_SW_OK);
	session_is_over(&g);
}

/* The domain stays selected, and its session goes on. */
static void
a_select_that_finds_nothing_leaves_the_session(void **state)
{
	struct rig_card *c = *state;
	struct jz_aid nobody = gp_note(9);
	struct gp g = gp_host(c);

	gp_login(&g);
	assert_int_equal(gp_select(&g, &nobody, NULL), JZ_SW_FILE);
	assert_int_equal(gp_hex(&g, GP_AT_GET_DATA(0xCF), "", NULL), JZ_SW_OK);
}

/* Channels are the runtime's business, and in no session. */
static void
manage_channel_takes_no_secure_messaging(void **state)
{
	static const char *const commands[] = {
	    "04700000 01", "08700000 01", "04708001", "0C700001"};
	struct rig_card *c = *state;
	struct gp g = gp_host(c);

	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(port_hex(&c->port, commands[i], NULL),
		    JZ_SW_SECURE_MESSAGING);
	gp_login(&g);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(port_hex(&c->port, commands[i], NULL),
		    JZ_SW_SECURE_MESSAGING);
	assert_int_equal(gp_hex(&g, GP_AT_GET_DATA(0xCF), "", NULL), JZ_SW_OK);
}

/* What is refused does not end it: see gp_refuses(). */
static void
a_refused_command_leaves_the_session(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);

	gp_login(&g);
	gp_refuses(c, &g, GP_AT_STATUS(0x80), "4F05F000000000", 0x6A88);
	gp_refuses(c, &g, GP_AT_STATUS(0x81), "4F00", 0x6A86);
	gp_refuses(c, &g, GP_AT_STATUS(0x80), "4F01", 0x6A80);
}

static void
each_channel_has_its_own_session(void **state)
{
	static const uint8_t numbers[] = {1, 3, 4, 19};
	struct rig_card *c = *state;
	struct gp first = gp_host(c);

	gp_login(&first);
	for (size_t i = 0; i < sizeof(numbers); i++) {
		struct gp g = gp_host(c);

		g.number = numbers[i];
		assert_int_equal(gp_select(&g, &GP_ISD, NULL), JZ_SW_OK);
		session_is_over(&g);
		gp_login(&g);
		assert_int_equal(
		    gp_hex(&g, GP_AT_STATUS(0x80), "4F00", NULL), JZ_SW_OK);
		assert_int_equal(
		    gp_hex(&first, GP_AT_STATUS(0x80), "4F00", NULL), JZ_SW_OK);
		assert_int_equal(
		    gp_clear(&g, GP_AT_GET_DATA(0xCF), jz_span(NULL, 0), NULL),
		    JZ_SW_SECURITY);
		session_is_over(&g);
	}
	assert_int_equal(
	    gp_hex(&first, GP_AT_STATUS(0x80), "4F00", NULL), JZ_SW_OK);
}

/* ---- the sequence counter ----------------------------------------------- */

static uint32_t
stored_sequence(struct rig_card *c)
{
	return gp_nvm(c)->sequence;
}

static void
the_counter_goes_on_with_every_challenge(void **state)
{
	struct rig_card *c = *state;
	struct jz_scp03_keys keys = gp_test_keys();
	struct gp g = gp_host(c);

	for (uint32_t i = 1; i <= 5; i++) {
		assert_int_equal(gp_begin(&g, 0, &keys), JZ_SW_OK);
		assert_int_equal(jz_get_be(g.sequence, 3), i);
		assert_int_equal(rig_reopen(c), 0);
		assert_int_equal(stored_sequence(c), i);
		assert_int_equal(gp_select(&g, &GP_ISD, NULL), JZ_SW_OK);
	}
}

static void
the_counter_ends(void **state)
{
	struct rig_card *c = *state;
	struct jz_scp03_keys keys = gp_test_keys();
	struct gp g = gp_host(c);

	rig_poke_u32(c, &gp_nvm(c)->sequence, 0xFFFFFE);
	assert_int_equal(gp_begin(&g, 0, &keys), JZ_SW_OK);
	assert_int_equal(jz_get_be(g.sequence, 3), 0xFFFFFF);
	for (int i = 0; i < 2; i++)
		assert_int_equal(gp_begin(&g, 0, &keys), JZ_SW_CONDITIONS);
	assert_int_equal(gp_authenticate(&g, 0x33), JZ_SW_CONDITIONS);
	assert_int_equal(stored_sequence(c), 0xFFFFFF);
}

/* proves: ALL-3 (at no byte of a power cut is a challenge made twice). */
static void
the_counter_is_durable_before_its_use(void **state)
{
	struct rig_card *c = *state;
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
	struct blob b = gp_bytes("0102030405060708");
	uint64_t bytes;
	struct rig_snapshot *s;
	struct answer a;

	rig_refuses(c, GP_AT_INITIALIZE(0x7F), blob_span(&b), JZ_SW_REFERENCE);
	s = rig_save(c);
	bytes = jz_fault_counters(c->fault).bytes;
	rig_accepts(c, GP_AT_INITIALIZE(0), blob_span(&b), NULL);
	bytes = jz_fault_counters(c->fault).bytes - bytes;
	assert_true(bytes > 0);
	for (uint64_t cut = 0; cut <= bytes; cut++)
		for (uint64_t keep = 0; keep < 2; keep++) {
			uint16_t sw;

			rig_restore(c, s);
			plan.cut_after = cut;
			plan.keep = keep == 0 ? 0 : UINT64_MAX;
			jz_fault_plan(c->fault, &plan);
			sw = port_send(
			    &c->port, GP_AT_INITIALIZE(0), blob_span(&b), &a);
			assert_int_equal(rig_reopen(c), 0);
			if (sw == JZ_SW_OK)
				assert_int_equal(stored_sequence(c), 1);
			else
				assert_in_range(stored_sequence(c), 0, 1);
		}
	rig_snapshot_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CARD(initialize_update_names_the_card),
	    CARD(every_level_opens_a_session),
	    CARD(other_levels_are_refused),
	    CARD(initialize_update_refuses),
	    CARD(a_host_without_the_keys_is_refused),
	    CARD(the_level_cannot_be_changed_on_the_way),
	    CARD(external_authenticate_refuses),
	    CARD(authentication_follows_its_challenge_at_once),
	    CARD(everything_else_needs_a_session),
	    CARD(unknown_instructions_leave_the_session),
	    CARD(get_data_may_be_interindustry),
	    CARD(altered_commands_end_the_session),
	    CARD(repeated_commands_end_the_session),
	    CARD(a_command_in_clear_ends_the_session),
	    CARD(a_command_too_short_for_a_mac_ends_the_session),
	    CARD(wrong_padding_ends_the_session),
	    CARD(a_longer_command_than_fits_ends_the_session),
	    CARD(a_new_challenge_ends_the_session),
	    CARD(select_and_reset_end_the_session),
	    CARD(a_select_that_finds_nothing_leaves_the_session),
	    CARD(manage_channel_takes_no_secure_messaging),
	    CARD(a_refused_command_leaves_the_session),
	    CARD(each_channel_has_its_own_session),
	    CARD(the_counter_goes_on_with_every_challenge),
	    CARD(the_counter_ends),
	    CARD(the_counter_is_durable_before_its_use),
	};

	return cmocka_run_group_tests_name("channel", tests, set_up, tear_down);
}
