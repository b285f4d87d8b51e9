/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host/gp.c: the host's half of SCP03, byte for byte against traces of real
 * cards published with pySim (Osmocom, tests/unittests/test_globalplatform.py),
 * and against everything that a card can do wrong.
 */
#include "../../host/gp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../keys/openssl/openssl.h"
#include "../support/gpcard.h"

#define SELECT_DOMAIN                                                          \
	{                                                                      \
		"00A40400 10 A0000005591010FFFFFFFF8900000100 00",             \
		    "6F12 8410 A0000005591010FFFFFFFF8900000100 9000", 0       \
	}
#define EID "BF3E125A1089882119900000000000000000000005"

static struct jz_engine engine;
/* OpenSSL's table, but for a challenge that is a trace's. */
static struct jz_crypto table;
static uint8_t challenge[JZ_SCP03_CHALLENGE_BYTES];

static int
fixed_random(void *state, uint8_t *out, size_t len)
{
	(void)state;
	assert_int_equal(len, sizeof(challenge));
	memcpy(out, challenge, len);
	return 0;
}

static struct jz_engine
with_challenge(const char *hex)
{
	assert_int_equal(script_unhex(hex, challenge, sizeof(challenge)), 8);
	table = *engine.crypto;
	table.random = fixed_random;
	return (struct jz_engine){&table, engine.state};
}

static int
set_up(void **state)
{
	(void)state;
	return jz_openssl_new(JZ_SUITE_NIST, &engine);
}

static int
tear_down(void **state)
{
	(void)state;
	jz_openssl_free(&engine);
	return 0;
}

/* The traces' keys: 00..0F, 10..1F, 20..2F. */
static struct jz_scp03_keys
trace_keys(void)
{
	struct jz_scp03_keys k;

	for (uint8_t i = 0; i < JZ_KEY_BYTES; i++) {
		k.enc[i] = i;
		k.mac[i] = (uint8_t)(0x10 + i);
		k.dek[i] = (uint8_t)(0x20 + i);
	}
	return k;
}

static const struct jz_gp_aid DOMAIN = {16,
    {0xA0, 0, 0, 5, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0, 0, 1,
	0}};

static void
begin(struct jz_gp *g, struct script *s, const struct jz_engine *e)
{
	jz_gp_init(g, &s->session, e);
	assert_int_equal(jz_gp_select(g, &DOMAIN), 0);
	assert_true(jz_gp_aid_equal(&g->domain, &DOMAIN));
}

/* What the traces do after they have opened the channel. */
static void
play(struct jz_gp *g)
{
	const uint8_t request[] = {0xBF, 0x3E, 0x03, 0x5C, 0x01, 0x5A};
	const uint8_t filter[] = {
	    0x4F, 0x02, 0x12, 0x34, 0x5C, 0x05, 0x4F, 0x9F, 0x70, 0xC5};
	struct jz_command status = {
	    .cla = 0x80, .ins = 0xF2, .p1 = 0x20, .p2 = 0x02};
	uint8_t bytes[64], eid[64];
	struct jz_buffer out = jz_buffer(bytes, sizeof(bytes));
	struct jz_answer a;
	uint8_t card;

	assert_int_equal(jz_gp_store_data(g, JZ_GP_STORE_TLV | JZ_GP_STORE_LAST,
			     0, jz_span(request, sizeof(request)), &a),
	    0);
	assert_int_equal(a.data.len, script_unhex(EID, eid, sizeof(eid)));
	assert_memory_equal(a.data.data, eid, a.data.len);
	assert_int_equal(jz_gp_send(g, &status, &a), 0);
	assert_int_equal(a.sw, 0x6A88);
	assert_int_equal(jz_gp_get_data(g, 0x66, &out), JZ_ERR_NOT_FOUND);
	status.data = jz_span(filter, sizeof(filter));
	assert_int_equal(jz_gp_command(g, &status, &a), JZ_ERR_NOT_FOUND);
	assert_int_equal(jz_gp_card_state(g, &card), JZ_ERR_ANSWER);
}

/* Where responses carry a MAC, it is asked for also where no data are. */
static void
test_level_33_as_published(void **state)
{
	static const struct line lines[] = {
	    SELECT_DOMAIN,
	    {"80503000 08 FDF38259A1E0DE44 00",
		"00000000000000000000 300370 3B1ACA81E821F219 081CDC01C26B372D "
		"000003 9000",
		0},
	    {"84823300 10 8C36F96BCC00724A 4E13AD591D7DA3F0", "9000", 0},
	    {"84E29100 18 267A85DFE4A98FCA6FB0527E0DFECCE4 914E40401433C87F 00",
		"F3BA2B1013AA6224F5E1C138D71805C569E5439B47576260B75FC021B25097"
		"CB"
		"2E68F8A0144975B9 9000",
		0},
	    {"84F22002 08 AC6A59024BED84CC 00", "6A88", 0},
	    {"84CA0066 08 409912AD8FB7AED0 00", "6A88", 0},
	    {"84F22002 18 5F3DAFC3AC14C381536A488BF44E06D0 56DF9D74DBD21E5A 00",
		"6A88", 0},
	    {"84F28002 18 65165105BE3373347D0424D4400AF2AC 393F569EC779389E 00",
		"6A88", 0},
	};
	const struct jz_engine e = with_challenge("FDF38259A1E0DE44");
	const struct jz_scp03_keys keys = trace_keys();
	struct script s;
	struct jz_gp g;

	(void)state;
	SCRIPT_OPEN(&s, false, lines);
	begin(&g, &s, &e);
	assert_int_equal(jz_gp_open(&g, &keys, 0x30, JZ_GP_LEVEL_ALL), 0);
	assert_int_equal(g.kvn, 0x30);
	play(&g);
	script_close(&s);
}

static void
test_level_03_as_published(void **state)
{
	static const struct line lines[] = {
	    SELECT_DOMAIN,
	    {"80503000 08 8E1552D0513C60F3 00",
		"00000000000000000000 300370 30760CD2C47C1DD3 95065FE5EAD8A9D7 "
		"000001 9000",
		0},
	    {"84820300 10 FD4721A14D9B0700 3C451D2F8AE6BB21", "9000", 0},
	    {"84E29100 18 CA9C00F6713D79BC8BAA642BDFF51C3F 6A4082D3BD9AD26C 00",
		EID "9000", 0},
	    {"84F22002 08 C9811B11F1264CF1", "6A88", 0},
	    {"84CA0066 08 E10AB60B30547988 00", "6A88", 0},
	    {"84F22002 18 4E2908BDB48B2315A55482E9E936CA12 2D6ECFAE7D17416E",
		"6A88", 0},
	    {"84F28002 18 0DD10A6B6193E5340B9E77D32D5A179C D710AC2773AEFB28 00",
		"6A88", 0},
	};
	const struct jz_engine e = with_challenge("8E1552D0513C60F3");
	const struct jz_scp03_keys keys = trace_keys();
	struct script s;
	struct jz_gp g;

	(void)state;
	SCRIPT_OPEN(&s, true, lines);
	begin(&g, &s, &e);
	assert_int_equal(jz_gp_open(&g, &keys, 0x30, 0x03), 0);
	play(&g);
	script_close(&s);
}

/* The answer in two parts: its MAC is over the whole. */
static void
test_level_11_as_published_in_parts(void **state)
{
	static const struct line lines[] = {
	    SELECT_DOMAIN,
	    {"80503000 08 B13E5F938FC108C4 00",
		"00000000000000000000 300370 3EB51047495B249F 66C484C1D2EF1948 "
		"000002 9000",
		0},
	    {"84821100 10 7D5F5826A993EBC8 9EEA24957FA0B3CE", "9000", 0},
	    {"84E29100 0E BF3E035C015A 558D036518A28297 00",
		"BF3E125A108988211990 6113", 0},
	    {"00C00000 13", "0000000000000000000005 971BE68992DBBDFA 9000", 0},
	    {"84F22002 08 63A63F8959827FB2 00", "6A88", 0},
	    {"84CA0066 08 A0C6A4A74166F7CE 00", "6A88", 0},
	    {"84F22002 12 4F0212345C054F9F70C5 2249B50272656536 00", "6A88", 0},
	    {"84F28002 0A 4F00 E91443F6DCE6B8ED 00", "6A88", 0},
	};
	const struct jz_engine e = with_challenge("B13E5F938FC108C4");
	const struct jz_scp03_keys keys = trace_keys();
	struct script s;
	struct jz_gp g;

	(void)state;
	SCRIPT_OPEN(&s, true, lines);
	begin(&g, &s, &e);
	assert_int_equal(jz_gp_open(&g, &keys, 0x30, 0x11), 0);
	play(&g);
	script_close(&s);
}

/* ---- selection ---------------------------------------------------------- */

static void
test_select(void **state)
{
	static const struct line lines[] = {
	    {"00A40400 08 A000000151000000 00",
		"6F10 8408 A000000151000000 A504 9F6501FF 9000", 0},
	    {"00A40400 08 A000000151000000 00",
		"6F10 8408 A000000151000000 A504 9F6501FF 6283", 0},
	    {"00A40400 08 A000000151000000 00", "9000", 0},
	    {"00A40400 08 A000000151000000 00", "6A82", 0},
	};
	struct script s;
	struct jz_gp g;

	(void)state;
	SCRIPT_OPEN(&s, false, lines);
	jz_gp_init(&g, &s.session, &engine);
	assert_int_equal(jz_gp_select(&g, NULL), 0);
	assert_false(g.card_locked);
	assert_int_equal(g.domain.len, 8);
	assert_int_equal(g.fci_len, 18);
	assert_int_equal(jz_gp_select(&g, NULL), 0);
	assert_true(g.card_locked);
	/* No FCI: the AID is not known, and nothing is guessed. */
	assert_int_equal(jz_gp_select(&g, NULL), 0);
	assert_int_equal(g.domain.len, 0);
	g.domain = DOMAIN;
	assert_int_equal(jz_gp_select(&g, NULL), JZ_ERR_NOT_FOUND);
	assert_int_equal(g.domain.len, 0);
	script_close(&s);
}

static void
test_aids_have_5_to_16_bytes(void **state)
{
	const uint8_t bytes[17] = {0xA0};
	struct jz_gp_aid a;

	(void)state;
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		int want = n < 5 || n > 16 ? JZ_ERR_RANGE : 0;

		assert_int_equal(jz_gp_aid(jz_span(bytes, n), &a), want);
		assert_int_equal(a.len, want == 0 ? n : 0);
	}
}

/* ---- what a card can do wrong ------------------------------------------- */

static void
assert_closed(struct gpcard *c)
{
	static const uint8_t zero[sizeof(c->gp.channel)];

	assert_memory_equal(&c->gp.channel, zero, sizeof(zero));
	assert_memory_equal(c->gp.dek, zero, sizeof(c->gp.dek));
	assert_int_equal(c->gp.phase, JZ_GP_CLEAR);
}

static int
open_channel(struct gpcard *c, uint8_t level)
{
	const struct jz_scp03_keys keys = gpcard_default_keys();

	return jz_gp_open(&c->gp, &keys, 0, level);
}

/* proves: ALL-4 (a card that does not know the keys gets nothing). */
static void
test_wrong_cryptogram(void **state)
{
	struct gpcard c;

	(void)state;
	gpcard_open(&c, &engine, false, NULL, 0);
	c.wrong_cryptogram = true;
	assert_int_equal(
	    open_channel(&c, JZ_GP_LEVEL_ALL), JZ_ERR_AUTHENTICATION);
	/* EXTERNAL AUTHENTICATE was not sent. */
	assert_true(c.begun);
	assert_closed(&c);
	gpcard_close(&c);
}

static void
test_challenge_of_another_counter(void **state)
{
	struct gpcard c;

	(void)state;
	gpcard_open(&c, &engine, false, NULL, 0);
	c.wrong_challenge = true;
	assert_int_equal(
	    open_channel(&c, JZ_GP_LEVEL_ALL), JZ_ERR_AUTHENTICATION);
	assert_true(c.begun);
	assert_closed(&c);
	/* Whoever does not know the domain's AID cannot tell. */
	c.gp.domain.len = 0;
	assert_int_equal(open_channel(&c, JZ_GP_LEVEL_ALL), 0);
	gpcard_close(&c);
}

static void
test_card_refuses_the_host(void **state)
{
	struct gpcard c;

	(void)state;
	gpcard_open(&c, &engine, false, NULL, 0);
	c.refuse_host = true;
	assert_int_equal(
	    open_channel(&c, JZ_GP_LEVEL_ALL), JZ_ERR_AUTHENTICATION);
	assert_int_equal(c.session.sw, 0x6300);
	assert_closed(&c);
	gpcard_close(&c);
}

static void
test_wrong_keys(void **state)
{
	struct gpcard c;

	(void)state;
	gpcard_open(&c, &engine, false, NULL, 0);
	c.keys.mac[15] ^= 1;
	assert_int_equal(
	    open_channel(&c, JZ_GP_LEVEL_ALL), JZ_ERR_AUTHENTICATION);
	assert_true(c.begun);
	gpcard_close(&c);
}

static void
test_unknown_key_version(void **state)
{
	const struct jz_scp03_keys keys = gpcard_default_keys();
	struct gpcard c;

	(void)state;
	gpcard_open(&c, &engine, false, NULL, 0);
	assert_int_equal(
	    jz_gp_open(&c.gp, &keys, 0x05, JZ_GP_LEVEL_ALL), JZ_ERR_NOT_FOUND);
	assert_closed(&c);
	gpcard_close(&c);
}

static void
test_answers_to_initialize_update(void **state)
{
	static const struct line lines[] = {
	    {NULL, "9000", 0},
	    {NULL, "00*10 FF0370 00*16 0000 9000", 0},	   /* a byte short */
	    {NULL, "00*10 FF0370 00*16 00000000 9000", 0}, /* and one more */
	    {NULL, "00*10 FF0360 00*15 9000", 0},
	    {NULL, "00*10 FF0255 00*16 9000", 0},	 /* SCP02 */
	    {NULL, "00*10 FF0371 00*32 000001 9000", 0}, /* S16 */
	    {NULL, "00*10 FF0360 00*16 9000", 0},
	};
	static const int want[] = {JZ_ERR_ANSWER, JZ_ERR_ANSWER, JZ_ERR_ANSWER,
	    JZ_ERR_ANSWER, JZ_ERR_UNSUPPORTED, JZ_ERR_UNSUPPORTED, 0};
	const struct jz_scp03_keys keys = gpcard_default_keys();
	struct script s;
	struct jz_gp g;

	(void)state;
	SCRIPT_OPEN(&s, false, lines);
	jz_gp_init(&g, &s.session, &engine);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_int_equal(jz_gp_begin(&g, 0), want[i]);
		assert_int_equal(
		    g.phase, want[i] == 0 ? JZ_GP_BEGUN : JZ_GP_CLEAR);
		if (want[i] != 0)
			assert_int_equal(
			    jz_gp_authenticate(&g, &keys, 0x33), JZ_ERR_STATE);
	}
	script_close(&s);
}

static void
test_levels(void **state)
{
	struct gpcard c;

	(void)state;
	gpcard_open(&c, &engine, false, NULL, 0);
	for (unsigned level = 0; level <= 0xFF; level++) {
		bool good = level == 0x01 || level == 0x03 || level == 0x11 ||
		    level == 0x13 || level == 0x33;

		assert_int_equal(open_channel(&c, (uint8_t)level),
		    good ? 0 : JZ_ERR_ARGUMENT);
		assert_int_equal(c.open, good);
	}
	/* A card that cannot protect its responses. */
	c.parameter = 0x10;
	assert_int_equal(open_channel(&c, 0x11), JZ_ERR_UNSUPPORTED);
	assert_int_equal(open_channel(&c, 0x33), JZ_ERR_UNSUPPORTED);
	assert_int_equal(open_channel(&c, 0x03), 0);
	gpcard_close(&c);
}

/* proves: ALL-4 (what a card did not say is not believed, and after it nothing
 * is sent, in the clear least of all). */
static void
test_wrong_response_mac(void **state)
{
	static const struct line lines[] = {{NULL, "0102 9000", 0}};
	const struct jz_command command = {.cla = 0x80, .ins = 0xCA};
	struct gpcard c;
	struct jz_answer a;

	(void)state;
	for (unsigned level = 0x11; level <= 0x33; level += 0x22) {
		GPCARD_OPEN(&c, &engine, false, lines);
		assert_int_equal(open_channel(&c, (uint8_t)level), 0);
		c.wrong_mac = true;
		assert_int_equal(
		    jz_gp_send(&c.gp, &command, &a), JZ_ERR_AUTHENTICATION);
		assert_int_equal(a.data.len, 0);
		assert_int_equal(a.sw, 0);
		assert_int_equal(jz_gp_send(&c.gp, &command, &a), JZ_ERR_STATE);
		/* But a new channel may be tried. */
		c.wrong_mac = false;
		assert_int_equal(open_channel(&c, 0x33), 0);
		gpcard_close(&c);
	}
}

static void
test_response_without_mac(void **state)
{
	static const struct line lines[] = {{NULL, "9000", 0}};
	const struct jz_command command = {.cla = 0x80, .ins = 0xCA};
	struct gpcard c;
	struct jz_answer a;

	(void)state;
	GPCARD_OPEN(&c, &engine, false, lines);
	assert_int_equal(open_channel(&c, 0x33), 0);
	/* The card forgets that there is a channel. */
	c.channel.level = JZ_LEVEL_C_MAC;
	assert_int_equal(
	    jz_gp_send(&c.gp, &command, &a), JZ_ERR_AUTHENTICATION);
	assert_int_equal(jz_gp_send(&c.gp, &command, &a), JZ_ERR_STATE);
	gpcard_close(&c);
}

/* After these the card has no channel: a further command would be refused. */
static void
test_refusals_that_end_the_channel(void **state)
{
	static const struct line lines[] = {
	    {NULL, "6985", 0}, {NULL, "6A80", 0}, {NULL, "6988", 0}};
	const struct jz_command command = {.cla = 0x80, .ins = 0xE4};
	struct gpcard c;
	struct jz_answer a;

	(void)state;
	GPCARD_OPEN(&c, &engine, false, lines);
	assert_int_equal(open_channel(&c, 0x33), 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(
		    jz_gp_command(&c.gp, &command, &a), JZ_ERR_STATUS);
		assert_int_equal(a.data.len, 0);
	}
	assert_int_equal(jz_gp_command(&c.gp, &command, &a), JZ_ERR_STATE);
	gpcard_close(&c);
}

/* ---- long commands ------------------------------------------------------ */

/* Every length around the short APDU's end is one command to the card. */
static void
test_long_data(void **state)
{
	static const size_t sizes[] = {
	    0, 1, 231, 232, 239, 240, 247, 248, 255, 256, 510, JZ_GP_DATA_MAX};
	uint8_t data[JZ_GP_DATA_MAX + 1];
	struct jz_command command = {.cla = 0x80, .ins = 0xE2};
	static const uint8_t levels[] = {0x01, 0x03, 0x33};
	struct line lines[12];
	struct gpcard c;
	struct jz_answer a;

	(void)state;
	memset(data, 0xAA, sizeof(data));
	for (size_t i = 0; i < 12; i++)
		lines[i] = (struct line){NULL, "CC*300 9000", 0};
	for (size_t k = 0; k < 6; k++) {
		bool extended = k % 2 == 1;

		GPCARD_OPEN(&c, &engine, extended, lines);
		assert_int_equal(open_channel(&c, levels[k / 2]), 0);
		for (size_t i = 0; i < 12; i++) {
			size_t n = sizes[i] + 8;

			if (levels[k / 2] != 0x01 && sizes[i] > 0)
				n = (sizes[i] / 16 + 1) * 16 + 8;
			command.data = jz_span(data, sizes[i]);
			command.has_le = i % 2 == 0;
			assert_int_equal(jz_gp_command(&c.gp, &command, &a), 0);
			assert_int_equal(a.data.len, 300);
			assert_int_equal(
			    c.blocks, extended || n == 0 ? 1 : (n + 254) / 255);
			assert_int_equal(c.extended, extended && n > 255);
		}
		command.data = jz_span(data, JZ_GP_DATA_MAX + 1);
		assert_int_equal(
		    jz_gp_command(&c.gp, &command, &a), JZ_ERR_RANGE);
		gpcard_close(&c);
	}
}

static void
test_close_wipes(void **state)
{
	struct gpcard c;

	(void)state;
	gpcard_open(&c, &engine, false, NULL, 0);
	assert_int_equal(open_channel(&c, 0x33), 0);
	jz_gp_close(&c.gp);
	assert_closed(&c);
	gpcard_close(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_level_33_as_published),
	    cmocka_unit_test(test_level_03_as_published),
	    cmocka_unit_test(test_level_11_as_published_in_parts),
	    cmocka_unit_test(test_select),
	    cmocka_unit_test(test_aids_have_5_to_16_bytes),
	    cmocka_unit_test(test_wrong_cryptogram),
	    cmocka_unit_test(test_challenge_of_another_counter),
	    cmocka_unit_test(test_card_refuses_the_host),
	    cmocka_unit_test(test_wrong_keys),
	    cmocka_unit_test(test_unknown_key_version),
	    cmocka_unit_test(test_answers_to_initialize_update),
	    cmocka_unit_test(test_levels),
	    cmocka_unit_test(test_wrong_response_mac),
	    cmocka_unit_test(test_response_without_mac),
	    cmocka_unit_test(test_refusals_that_end_the_channel),
	    cmocka_unit_test(test_long_data),
	    cmocka_unit_test(test_close_wipes),
	};

	return cmocka_run_group_tests_name("gp", tests, set_up, tear_down);
}
