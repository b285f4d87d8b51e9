/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host/gp_list.c, host/gp_content.c: each command as the card gets it once its
 * protection is off, and what is made of the answers.
 */
#include "../../host/gp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../keys/openssl/openssl.h"
#include "../support/gpcard.h"

#define PARTS_MAX 64 /* GET STATUS in a row */
#define ENTRIES	  8

static struct jz_engine engine;

static const struct jz_gp_aid PURSE = {
    8, {0xF0, 'J', 'I', 'A', 'O', 'Z', 'I', 1}};

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

/* A card with an open channel. */
static void
ready(struct gpcard *c, const struct line *lines, size_t n)
{
	const struct jz_scp03_keys keys = gpcard_default_keys();

	gpcard_open(c, &engine, false, lines, n);
	assert_int_equal(jz_gp_open(&c->gp, &keys, 0, JZ_GP_LEVEL_ALL), 0);
}

#define READY(c, lines) ready((c), (lines), sizeof(lines) / sizeof((lines)[0]))

struct seen {
	struct jz_gp_entry entry[ENTRIES];
	size_t n;
	int answer; /* what the callback gives from the second entry on */
};

static int
see(const struct jz_gp_entry *e, void *arg)
{
	struct seen *s = arg;

	assert_true(s->n < ENTRIES);
	s->entry[s->n++] = *e;
	return s->n > 1 ? s->answer : 0;
}

/* ---- GET STATUS --------------------------------------------------------- */

/* The first entry is a real card's ISD, from GlobalPlatformPro's tests. */
static void
test_list(void **state)
{
	static const struct line lines[] = {
	    {"80F28002 4F00",
		"E332 4F08A000000151000000 9F70020F00 C50382FC80 "
		"C407A0000001515350 CE020100 CC08A000000151000000 "
		"EA058003008000 9000",
		0},
	    {"80F24002 4F00",
		"E319 4F08F04A49414F5A4901 9F700107 C50104 "
		"C406A00000000101 6310",
		0},
	    {"80F24003 4F00", "E30E 4F05F000000001 9F700183 C50100 9000", 0},
	    {"80F21002 4F00",
		"E31E 4F06A00000000101 9F700101 CE020100 8405A000000002 "
		"8405A000000003 9000",
		0},
	    {"80F22002 4F00", "6A88", 0},
	    {"80F21002 4F00", "6A86", 0},
	};
	struct seen s = {0};
	struct gpcard c;

	(void)state;
	READY(&c, lines);
	assert_int_equal(jz_gp_list(&c.gp, JZ_GP_DOMAIN, see, &s), 0);
	assert_int_equal(s.n, 1);
	assert_true(jz_gp_aid_equal(&s.entry[0].aid, &c.domain));
	assert_int_equal(s.entry[0].state, JZ_GP_SECURED);
	assert_int_equal(s.entry[0].privileges, 0x82FC80);
	assert_int_equal(s.entry[0].load_file.len, 7);
	assert_int_equal(s.entry[0].modules, 0);
	s.n = 0;
	assert_int_equal(jz_gp_list(&c.gp, JZ_GP_APPLICATIONS, see, &s), 0);
	assert_int_equal(s.n, 2);
	assert_true(jz_gp_aid_equal(&s.entry[0].aid, &PURSE));
	assert_int_equal(s.entry[0].privileges, JZ_GP_CARD_RESET);
	assert_int_equal(s.entry[1].state, 0x83);
	s.n = 0;
	assert_int_equal(jz_gp_list(&c.gp, JZ_GP_MODULES, see, &s), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.entry[0].modules, 2);
	assert_int_equal(s.entry[0].module[1].bytes[4], 3);
	s.n = 0;
	assert_int_equal(jz_gp_list(&c.gp, JZ_GP_LOAD_FILES, see, &s), 0);
	assert_int_equal(s.n, 0);
	assert_int_equal(
	    jz_gp_list(&c.gp, JZ_GP_MODULES, see, &s), JZ_ERR_STATUS);
	gpcard_close(&c);
}

/* A card that always has more does not keep us. */
static void
test_list_is_bounded(void **state)
{
	struct line lines[PARTS_MAX];
	struct gpcard c;
	struct seen s = {0};

	(void)state;
	for (size_t i = 0; i < PARTS_MAX; i++)
		lines[i] = (struct line){
		    i == 0 ? "80F24002 4F00" : "80F24003 4F00", "6310", 0};
	READY(&c, lines);
	assert_int_equal(
	    jz_gp_list(&c.gp, JZ_GP_APPLICATIONS, see, &s), JZ_ERR_ANSWER);
	gpcard_close(&c);
}

static void
test_list_ends_when_told(void **state)
{
	static const struct line lines[] = {
	    {"80F24002 4F00",
		"E307 4F05F000000001 E307 4F05F000000002 "
		"E307 4F05F000000003 6310",
		0},
	};
	struct seen s = {.answer = JZ_ERR_CANCELLED};
	struct gpcard c;

	(void)state;
	READY(&c, lines);
	assert_int_equal(
	    jz_gp_list(&c.gp, JZ_GP_APPLICATIONS, see, &s), JZ_ERR_CANCELLED);
	assert_int_equal(s.n, 2);
	gpcard_close(&c);
}

static void
test_malformed_lists(void **state)
{
	static const struct line lines[] = {
	    {NULL, "E2074F05F000000001 9000", 0},	    /* not E3 */
	    {NULL, "E3084F05F000000001 9000", 0},	    /* cut short */
	    {NULL, "E3074F05F00000000100 9000", 0},	    /* left over */
	    {NULL, "E306 4F04F0000000 9000", 0},	    /* no AID */
	    {NULL, "E304 9F700107 9000", 0},		    /* none */
	    {NULL, "E30A 4F05F000000001 9F7000 9000", 0},   /* no state */
	    {NULL, "E30B 4F05F000000001 C5020000 9000", 0}, /* two bytes */
	    {NULL,
		"E346 4F05F000000001 8405F0*5 8405F0*5 8405F0*5 "
		"8405F0*5 8405F0*5 8405F0*5 8405F0*5 8405F0*5 8405F0*5 "
		"9000",
		0}, /* nine modules */
	};
	struct seen s = {0};
	struct gpcard c;

	(void)state;
	READY(&c, lines);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(jz_gp_list(&c.gp, JZ_GP_APPLICATIONS, see, &s),
		    JZ_ERR_ANSWER);
	gpcard_close(&c);
}

static void
test_card_state(void **state)
{
	static const struct line lines[] = {
	    {"80F28002 4F00", "E30E 4F08A000000151000000 9F70010F 9000", 0},
	    {"80F28002 4F00", "6A88", 0},
	};
	struct gpcard c;
	uint8_t card;

	(void)state;
	READY(&c, lines);
	assert_int_equal(jz_gp_card_state(&c.gp, &card), 0);
	assert_int_equal(card, JZ_GP_SECURED);
	assert_int_equal(jz_gp_card_state(&c.gp, &card), JZ_ERR_ANSWER);
	gpcard_close(&c);
}

/* ---- GET DATA ----------------------------------------------------------- */

static void
test_get_data(void **state)
{
	static const struct line lines[] = {
	    {"80CA0042", "420486000100 9000", 0},
	    {"80CA9F7F", "9F7F2A 00*42 9000", 0},
	    {"80CA0045", "6A88", 0},
	};
	uint8_t bytes[16];
	struct jz_buffer out = jz_buffer(bytes, sizeof(bytes));
	struct gpcard c;

	(void)state;
	/* Without a channel as well. */
	GPCARD_OPEN(&c, &engine, false, lines);
	assert_int_equal(jz_gp_get_data(&c.gp, 0x42, &out), 0);
	assert_int_equal(out.len, 6);
	assert_int_equal(jz_gp_get_data(&c.gp, 0x9F7F, &out), JZ_ERR_SPACE);
	assert_int_equal(jz_gp_get_data(&c.gp, 0x45, &out), JZ_ERR_NOT_FOUND);
	gpcard_close(&c);
}

/* ---- INSTALL ------------------------------------------------------------ */

static void
test_install(void **state)
{
	static const struct line lines[] = {
	    {"80E60C00 05A000000001 05A000000002 08F04A49414F5A4901 0104 "
	     "02C900 00",
		"00 9000", 0},
	    {"80E60400 05A000000001 05A000000002 08F04A49414F5A4901 03040001 "
	     "10 C9021234 EF0A C7020100 C80400012345 00",
		"00 9000", 0},
	    {"80E60800 00 00 08F04A49414F5A4901 0100 00 00", "00 9000", 0},
	    {"80E62000 00 00 08F04A49414F5A4901 00 00 00", "00 9000", 0},
	    {"80E60C00 05A000000001 05A000000002 08F04A49414F5A4901 0100 "
	     "83 C98180 AA*128 00",
		"6A84", 0},
	    {"80E60C00 05A000000001 05A000000002 08F04A49414F5A4901 0100 "
	     "02C900 00",
		"6A89", 0},
	};
	struct jz_gp_install what = {.load_file = {5, {0xA0, 0, 0, 0, 1}},
	    .module = {5, {0xA0, 0, 0, 0, 2}},
	    .instance = PURSE,
	    .privileges = JZ_GP_CARD_RESET};
	uint8_t parameters[JZ_GP_PARAMETER_MAX + 1];
	struct gpcard c;

	(void)state;
	memset(parameters, 0xAA, sizeof(parameters));
	READY(&c, lines);
	assert_int_equal(jz_gp_install(&c.gp, &what), 0);
	what.privileges = JZ_GP_CARD_RESET | 1;
	what.parameters = jz_span("\x12\x34", 2);
	what.volatile_quota = 0x100;
	what.non_volatile_quota = 0x12345;
	assert_int_equal(jz_gp_install_only(&c.gp, &what), 0);
	assert_int_equal(jz_gp_make_selectable(&c.gp, &PURSE, 0), 0);
	assert_int_equal(jz_gp_personalise(&c.gp, &PURSE), 0);
	what.privileges = 0;
	what.volatile_quota = what.non_volatile_quota = 0;
	what.parameters = jz_span(parameters, JZ_GP_PARAMETER_MAX);
	assert_int_equal(jz_gp_install(&c.gp, &what), JZ_ERR_STATUS);
	assert_int_equal(c.session.sw, 0x6A84);
	what.parameters = jz_span(parameters, JZ_GP_PARAMETER_MAX + 1);
	assert_int_equal(jz_gp_install(&c.gp, &what), JZ_ERR_RANGE);
	what.parameters.len = 0;
	assert_int_equal(jz_gp_install(&c.gp, &what), JZ_ERR_EXISTS);
	gpcard_close(&c);
}

static void
test_store_data(void **state)
{
	static const struct line lines[] = {
	    {"80E21100 7F4900", "7F49028601 9000", 0},
	    {"80E20001 AA*300", "9000", 0},
	    {"80E29002 01", "6A80", 0},
	};
	uint8_t data[300];
	struct gpcard c;
	struct jz_answer a;

	(void)state;
	memset(data, 0xAA, sizeof(data));
	READY(&c, lines);
	assert_int_equal(jz_gp_store_data(&c.gp, JZ_GP_STORE_TLV, 0,
			     jz_span("\x7F\x49\x00", 3), &a),
	    0);
	assert_int_equal(a.data.len, 5);
	assert_int_equal(jz_gp_store_data(&c.gp, JZ_GP_STORE_PLAIN, 1,
			     jz_span(data, sizeof(data)), NULL),
	    0);
	assert_int_equal(
	    jz_gp_store_data(&c.gp, JZ_GP_STORE_TLV | JZ_GP_STORE_LAST, 2,
		jz_span("\x01", 1), NULL),
	    JZ_ERR_STATUS);
	gpcard_close(&c);
}

static void
test_delete_and_set_status(void **state)
{
	static const struct line lines[] = {
	    {"80E40000 4F08F04A49414F5A4901", "00 9000", 0},
	    {"80E40080 4F08F04A49414F5A4901", "6A88", 0},
	    {"80E40000 D20105", "00 9000", 0},
	    {"80F0807F", "9000", 0},
	    {"80F04083 F04A49414F5A4901", "9000", 0},
	    {"80F080FF", "6985", 0},
	};
	struct gpcard c;

	(void)state;
	READY(&c, lines);
	assert_int_equal(jz_gp_delete(&c.gp, &PURSE, false), 0);
	assert_int_equal(jz_gp_delete(&c.gp, &PURSE, true), JZ_ERR_NOT_FOUND);
	assert_int_equal(jz_gp_delete_keys(&c.gp, 5), 0);
	assert_int_equal(jz_gp_set_card_state(&c.gp, JZ_GP_CARD_LOCKED), 0);
	assert_int_equal(jz_gp_set_state(&c.gp, &PURSE, 0x83), 0);
	assert_int_equal(
	    jz_gp_set_card_state(&c.gp, JZ_GP_TERMINATED), JZ_ERR_STATUS);
	gpcard_close(&c);
}

/* ---- PUT KEY ------------------------------------------------------------ */

#define PUT_KEY_TEXT 256

static void
add_hex(char text[static PUT_KEY_TEXT], const uint8_t *bytes, size_t len)
{
	size_t at = strlen(text);

	for (size_t i = 0; i < len; i++)
		snprintf(text + at + 2 * i, 3, "%02X", bytes[i]);
}

/* PUT KEY FF 81 with these keys under the DEK 40..4F, each AES alone. */
static const char *
put_key_text(const struct jz_scp03_keys *keys, char text[static PUT_KEY_TEXT])
{
	static const char *const kcvs[] = {"03C35280", "03013808", "03840DE5"};
	const uint8_t *const clear[] = {keys->enc, keys->mac, keys->dek};
	static const uint8_t zero[JZ_KEY_BYTES];
	const struct jz_scp03_keys under = gpcard_default_keys();
	uint8_t hidden[JZ_KEY_BYTES];

	snprintf(text, PUT_KEY_TEXT, "80D8FF81 01");
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(
		    engine.crypto->aes_cbc(engine.state, true, under.dek, zero,
			clear[i], hidden, sizeof(hidden)),
		    0);
		strcat(text, " 881110");
		add_hex(text, hidden, sizeof(hidden));
		strcat(text, kcvs[i]);
	}
	return text;
}

/*
 * Keys 00..0F, 10..1F, 20..2F, whose check values pySim publishes; enciphered
 * under 40..4F.
 */
static void
test_put_keys(void **state)
{
	static const char *const kcvs[] = {
	    "01 C35280 013808 840DE5 9000", /* right */
	    "01 C35280 013808 840DE6 9000", /* another key */
	    "02 C35280 013808 840DE5 9000", /* another version */
	    "01 C35280 013808 9000", "9000"};
	struct jz_scp03_keys keys;
	char text[PUT_KEY_TEXT];
	struct line lines[5];
	struct gpcard c;

	(void)state;
	for (uint8_t i = 0; i < JZ_KEY_BYTES; i++) {
		keys.enc[i] = i;
		keys.mac[i] = (uint8_t)(0x10 + i);
		keys.dek[i] = (uint8_t)(0x20 + i);
	}
	for (size_t i = 0; i < 5; i++)
		lines[i] = (struct line){NULL, kcvs[i], 0};
	lines[0].command = put_key_text(&keys, text);
	READY(&c, lines);
	assert_int_equal(jz_gp_put_keys(&c.gp, 0xFF, 1, &keys), 0);
	for (size_t i = 1; i < 5; i++)
		assert_int_equal(
		    jz_gp_put_keys(&c.gp, 0xFF, 1, &keys), JZ_ERR_ANSWER);
	assert_int_equal(jz_gp_put_keys(&c.gp, 0, 0, &keys), JZ_ERR_RANGE);
	assert_int_equal(jz_gp_put_keys(&c.gp, 0, 0x80, &keys), JZ_ERR_RANGE);
	gpcard_close(&c);
}

/* What changes a card is not sent outside a channel. */
static void
test_no_change_without_a_channel(void **state)
{
	const struct jz_gp_install what = {.instance = PURSE};
	const struct jz_scp03_keys keys = gpcard_default_keys();
	struct gpcard c;

	(void)state;
	gpcard_open(&c, &engine, false, NULL, 0);
	assert_int_equal(jz_gp_install(&c.gp, &what), JZ_ERR_STATE);
	assert_int_equal(jz_gp_install_only(&c.gp, &what), JZ_ERR_STATE);
	assert_int_equal(jz_gp_make_selectable(&c.gp, &PURSE, 0), JZ_ERR_STATE);
	assert_int_equal(jz_gp_personalise(&c.gp, &PURSE), JZ_ERR_STATE);
	assert_int_equal(
	    jz_gp_store_data(&c.gp, 0, 0, jz_span("", 0), NULL), JZ_ERR_STATE);
	assert_int_equal(jz_gp_delete(&c.gp, &PURSE, false), JZ_ERR_STATE);
	assert_int_equal(jz_gp_delete_keys(&c.gp, 1), JZ_ERR_STATE);
	assert_int_equal(
	    jz_gp_set_card_state(&c.gp, JZ_GP_SECURED), JZ_ERR_STATE);
	assert_int_equal(jz_gp_set_state(&c.gp, &PURSE, 0x83), JZ_ERR_STATE);
	assert_int_equal(jz_gp_put_keys(&c.gp, 0, 1, &keys), JZ_ERR_STATE);
	gpcard_close(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_list),
	    cmocka_unit_test(test_list_is_bounded),
	    cmocka_unit_test(test_list_ends_when_told),
	    cmocka_unit_test(test_malformed_lists),
	    cmocka_unit_test(test_card_state),
	    cmocka_unit_test(test_get_data),
	    cmocka_unit_test(test_install),
	    cmocka_unit_test(test_store_data),
	    cmocka_unit_test(test_delete_and_set_status),
	    cmocka_unit_test(test_put_keys),
	    cmocka_unit_test(test_no_change_without_a_channel),
	};

	return cmocka_run_group_tests_name(
	    "gp content", tests, set_up, tear_down);
}
