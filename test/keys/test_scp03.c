/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCP03 against traces of real cards, published with pySim (Osmocom,
 * tests/unittests/test_globalplatform.py) and with GlobalPlatform by kaoh
 * (scp03Test.c).
 */
#include "../../keys/scp03.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"

#define HEX_MAX	 512
#define ROOM_MAX 1024

struct bytes {
	uint8_t data[HEX_MAX];
	size_t len;
};

static unsigned
digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	return (unsigned)((c | 0x20) - 'a' + 10);
}

static struct bytes
hex(const char *s)
{
	struct bytes b = {{0}, 0};

	for (; s[0] != '\0' && b.len < HEX_MAX; s += 2)
		b.data[b.len++] = (uint8_t)(digit(s[0]) << 4 | digit(s[1]));
	return b;
}

struct trace {
	const char *name;
	const char *enc, *mac, *dek, *sd_aid;
	const char *initialize, *answer, *authenticate;
	struct {
		const char *plain, *wrapped;
		const char *response, *clear;
	} command[5];
};

/* clang-format off */
static const struct trace TRACES[] = {
{"level 11", "000102030405060708090a0b0c0d0e0f",
 "101112131415161718191a1b1c1d1e1f", "202122232425262728292a2b2c2d2e2f",
 "a0000005591010ffffffff8900000100",
 "8050300008b13e5f938fc108c400",
 "000000000000000000003003703eb51047495b249f66c484c1d2ef1948000002",
 "84821100107d5f5826a993ebc89eea24957fa0b3ce",
 {{"80e2910006bf3e035c015a00", "84e291000ebf3e035c015a558d036518a2829700",
   "bf3e125a1089882119900000000000000000000005971be68992dbbdfa",
   "bf3e125a1089882119900000000000000000000005"},
  {"80f22002", "84f220020863a63f8959827fb2", NULL, NULL},
  {"80ca006600", "84ca006608a0c6a4a74166f7ce00", NULL, NULL},
  {"80f220020a4f0212345c054f9f70c5",
   "84f22002124f0212345c054f9f70c52249b50272656536", NULL, NULL},
  {"80f28002024f0000", "84f280020a4f00e91443f6dce6b8ed00", NULL, NULL}}},
{"level 03", "000102030405060708090a0b0c0d0e0f",
 "101112131415161718191a1b1c1d1e1f", "202122232425262728292a2b2c2d2e2f",
 "a0000005591010ffffffff8900000100",
 "8050300008" "8e1552d0513c60f300",
 "0000000000000000000030037030760cd2c47c1dd395065fe5ead8a9d7000001",
 "8482030010fd4721a14d9b07003c451d2f8ae6bb21",
 {{"80e2910006bf3e035c015a00",
   "84e2910018ca9c00f6713d79bc8baa642bdff51c3f6a4082d3bd9ad26c00",
   NULL, NULL},
  {"80f22002", "84f2200208c9811b11f1264cf1", NULL, NULL},
  {"80ca006600", "84ca006608e10ab60b3054798800", NULL, NULL},
  {"80f220020a4f0212345c054f9f70c5",
   "84f22002184e2908bdb48b2315a55482e9e936ca122d6ecfae7d17416e", NULL, NULL},
  {"80f28002024f0000",
   "84f28002180dd10a6b6193e5340b9e77d32d5a179cd710ac2773aefb2800",
   NULL, NULL}}},
};
/* clang-format on */

#define N_TRACES (sizeof(TRACES) / sizeof(TRACES[0]))

static struct jz_engine engine;
static enum jz_suite suite;

static int
set_up(void **state)
{
	(void)state;
	return jz_openssl_new(suite, &engine);
}

static int
tear_down(void **state)
{
	(void)state;
	jz_openssl_free(&engine);
	return 0;
}

/* Where the trace's answer to INITIALIZE UPDATE has its fields. */
enum { AT_CHALLENGE = 13, AT_CRYPTOGRAM = 21, AT_SEQUENCE = 29 };

static struct jz_scp03_keys
keys_of(const struct trace *t)
{
	struct jz_scp03_keys k;

	memcpy(k.enc, hex(t->enc).data, sizeof(k.enc));
	memcpy(k.mac, hex(t->mac).data, sizeof(k.mac));
	memcpy(k.dek, hex(t->dek).data, sizeof(k.dek));
	return k;
}

static struct jz_scp03
start(const struct trace *t)
{
	struct bytes init = hex(t->initialize), answer = hex(t->answer);
	struct jz_scp03_keys k = keys_of(t);
	struct jz_scp03 s;

	assert_int_equal(jz_scp03_start(&engine, &k, init.data + 5,
			     answer.data + AT_CHALLENGE, &s),
	    0);
	assert_memory_equal(s.card_cryptogram, answer.data + AT_CRYPTOGRAM, 8);
	return s;
}

/* Wraps EXTERNAL AUTHENTICATE as the host does, and sets the level. */
static void
authenticate(const struct trace *t, struct jz_scp03 *s)
{
	struct bytes want = hex(t->authenticate);
	uint8_t memory[ROOM_MAX];
	struct jz_buffer room = jz_buffer(memory, sizeof(memory));
	struct jz_command c = {.cla = 0x80, .ins = 0x82, .p1 = want.data[2]};

	c.data = jz_span(s->host_cryptogram, 8);
	assert_int_equal(jz_scp03_wrap(&engine, s, &c, &room), 0);
	assert_int_equal(c.data.len, 16);
	assert_memory_equal(c.data.data, want.data + 5, 16);
	s->level = want.data[2];
	s->counter = 0;
}

static void
sessions_authenticate_as_published(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_TRACES; i++) {
		struct jz_scp03 s = start(&TRACES[i]);

		authenticate(&TRACES[i], &s);
	}
}

static void
challenge_is_as_published(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_TRACES; i++) {
		struct bytes answer = hex(TRACES[i].answer);
		struct bytes aid = hex(TRACES[i].sd_aid);
		struct jz_scp03_keys k = keys_of(&TRACES[i]);
		uint8_t out[8];

		assert_int_equal(
		    jz_scp03_challenge(&engine, &k, answer.data + AT_SEQUENCE,
			jz_span(aid.data, aid.len), out),
		    0);
		assert_memory_equal(out, answer.data + AT_CHALLENGE, 8);
	}
}

/* Host and card side of one command, against the published bytes. */
static void
check_command(struct jz_scp03 *host, struct jz_scp03 *card,
    const char *plain_hex, const char *wrapped_hex)
{
	struct bytes plain = hex(plain_hex), want = hex(wrapped_hex);
	uint8_t m1[ROOM_MAX], m2[ROOM_MAX], m3[ROOM_MAX];
	struct jz_buffer room = jz_buffer(m1, sizeof(m1));
	struct jz_buffer out = jz_buffer(m2, sizeof(m2));
	struct jz_buffer clear = jz_buffer(m3, sizeof(m3));
	struct jz_command c, original;

	assert_int_equal(
	    jz_command_parse(jz_span(plain.data, plain.len), &original), 0);
	c = original;
	assert_int_equal(jz_scp03_wrap(&engine, host, &c, &room), 0);
	assert_int_equal(jz_command_build(&c, &out), 0);
	assert_int_equal(out.len, want.len);
	assert_memory_equal(out.data, want.data, want.len);
	assert_int_equal(jz_scp03_unwrap(&engine, card, &c, &clear), 0);
	assert_int_equal(c.cla, original.cla);
	assert_true(jz_span_equal(c.data, original.data));
}

static void
commands_wrap_as_published(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_TRACES; i++) {
		const struct trace *t = &TRACES[i];
		struct jz_scp03 host = start(t), card;

		authenticate(t, &host);
		card = host;
		for (size_t k = 0; k < 5; k++)
			check_command(&host, &card, t->command[k].plain,
			    t->command[k].wrapped);
	}
}

static void
responses_unwrap_as_published(void **state)
{
	const struct trace *t = &TRACES[0];
	struct jz_scp03 host = start(t), card;
	struct bytes got = hex(t->command[0].response);
	struct bytes want = hex(t->command[0].clear);
	uint8_t m1[ROOM_MAX], m2[ROOM_MAX];
	struct jz_buffer out = jz_buffer(m1, sizeof(m1));
	struct jz_buffer again = jz_buffer(m2, sizeof(m2));

	(void)state;
	authenticate(t, &host);
	card = host;
	check_command(&host, &card, t->command[0].plain, t->command[0].wrapped);
	assert_int_equal(jz_scp03_unwrap_response(&engine, &host, 0x9000,
			     jz_span(got.data, got.len), &out),
	    0);
	assert_int_equal(out.len, want.len);
	assert_memory_equal(out.data, want.data, want.len);
	jz_put(&again, want.data, want.len);
	assert_int_equal(
	    jz_scp03_wrap_response(&engine, &card, 0x9000, &again), 0);
	assert_int_equal(again.len, got.len);
	assert_memory_equal(again.data, got.data, got.len);
}

/* Every level, every length around the block and the short APDU's end. */
static void
round_trips(void **state)
{
	static const uint8_t levels[] = {0x01, 0x03, 0x11, 0x13, 0x33};
	static const size_t sizes[] = {0, 1, 15, 16, 17, 239, 247, 248, 400};
	struct jz_scp03 host = start(&TRACES[0]), card = host;

	(void)state;
	for (size_t i = 0; i < sizeof(levels) * 9; i++) {
		uint8_t m1[ROOM_MAX], m2[ROOM_MAX], text[HEX_MAX];
		struct jz_buffer room = jz_buffer(m1, sizeof(m1));
		struct jz_buffer clear = jz_buffer(m2, sizeof(m2));
		struct jz_command c = {.cla = 0x80, .ins = 0xE2};
		size_t n = sizes[i % 9];

		memset(text, (int)i, sizeof(text));
		host.level = card.level = levels[i / 9];
		c.data = jz_span(text, n);
		assert_int_equal(jz_scp03_wrap(&engine, &host, &c, &room), 0);
		assert_int_equal(
		    jz_scp03_unwrap(&engine, &card, &c, &clear), 0);
		assert_true(jz_span_equal(c.data, jz_span(text, n)));
		clear.len = 0;
		jz_put(&clear, text, n);
		room.len = 0;
		assert_int_equal(
		    jz_scp03_wrap_response(&engine, &card, 0x9000, &clear), 0);
		assert_int_equal(jz_scp03_unwrap_response(&engine, &host,
				     0x9000, jz_buffer_span(&clear), &room),
		    0);
		assert_true(
		    jz_span_equal(jz_buffer_span(&room), jz_span(text, n)));
	}
}

/* GlobalPlatform 11.1.4: the number of the channel is not authenticated, and
 * both codings of it say "protected" in their own way. */
static void
channels_wrap_alike(void **state)
{
	static const struct {
		uint8_t plain, wrapped;
	} rows[] = {{0x80, 0x84}, {0x83, 0x87}, {0xC0, 0xE0}, {0xCF, 0xEF},
	    {0x00, 0x04}, {0x03, 0x07}, {0x40, 0x60}, {0x4F, 0x6F}};
	struct jz_scp03 ready = start(&TRACES[0]);
	uint8_t text[16] = {1}, first[2][8];

	(void)state;
	authenticate(&TRACES[0], &ready);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct jz_scp03 host = ready, card = ready;
		uint8_t m1[ROOM_MAX], m2[ROOM_MAX];
		struct jz_buffer room = jz_buffer(m1, sizeof(m1));
		struct jz_buffer clear = jz_buffer(m2, sizeof(m2));
		struct jz_command c = {.cla = rows[i].plain, .ins = 0xE2};

		c.data = jz_span(text, sizeof(text));
		assert_int_equal(jz_scp03_wrap(&engine, &host, &c, &room), 0);
		assert_int_equal(c.cla, rows[i].wrapped);
		if (i % 4 == 0)
			memcpy(first[i / 4], c.data.data + 16, 8);
		assert_memory_equal(c.data.data + 16, first[i / 4], 8);
		assert_int_equal(
		    jz_scp03_unwrap(&engine, &card, &c, &clear), 0);
		assert_int_equal(c.cla, rows[i].plain);
	}
	assert_memory_not_equal(first[0], first[1], 8);
}

/* The form in which Lc is sent is the one that is authenticated. */
static void
both_forms_of_lc(void **state)
{
	struct jz_scp03 ready = start(&TRACES[0]);
	uint8_t text[16] = {1};

	(void)state;
	authenticate(&TRACES[0], &ready);
	for (int form = 0; form < 3; form++) {
		struct jz_scp03 host = ready, card = ready;
		uint8_t m1[ROOM_MAX], m2[ROOM_MAX], m3[ROOM_MAX];
		struct jz_buffer room = jz_buffer(m1, sizeof(m1));
		struct jz_buffer wire = jz_buffer(m2, sizeof(m2));
		struct jz_buffer clear = jz_buffer(m3, sizeof(m3));
		struct jz_command c = {.cla = 0x80, .ins = 0xE2};

		c.extended = form == 1;
		c.ne = form == 2 ? 65536 : 256;
		c.data = jz_span(text, sizeof(text));
		assert_int_equal(jz_scp03_wrap(&engine, &host, &c, &room), 0);
		assert_int_equal(jz_command_build(&c, &wire), 0);
		assert_int_equal(
		    jz_command_parse(jz_buffer_span(&wire), &c), 0);
		assert_int_equal(c.extended, form != 0);
		assert_int_equal(
		    jz_scp03_unwrap(&engine, &card, &c, &clear), 0);
		/* sent in the other form, it is another command */
		jz_command_parse(jz_buffer_span(&wire), &c);
		c.extended = form == 0;
		c.ne = 256;
		card = ready;
		assert_int_equal(jz_scp03_unwrap(&engine, &card, &c, &clear),
		    JZ_ERR_SIGNATURE);
	}
}

/* proves: ALL-4 (a protected command with any bit altered is refused). */
static void
altered_commands_are_refused(void **state)
{
	struct bytes wrapped = hex(TRACES[1].command[0].wrapped);
	struct jz_scp03 ready = start(&TRACES[1]);

	(void)state;
	authenticate(&TRACES[1], &ready);
	for (size_t bit = 0; bit < 8 * (wrapped.len - 1); bit++) {
		struct jz_scp03 card = ready;
		struct bytes b = wrapped;
		uint8_t memory[ROOM_MAX];
		struct jz_buffer clear = jz_buffer(memory, sizeof(memory));
		struct jz_command c;

		b.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		if (bit / 8 == 0 && bit % 8 <= 2)
			continue; /* the channel, and the mark itself */
		if (jz_command_parse(jz_span(b.data, b.len), &c) != 0)
			continue;
		assert_int_equal(jz_scp03_unwrap(&engine, &card, &c, &clear),
		    JZ_ERR_SIGNATURE);
	}
}

/* Wrong padding under a right MAC closes the channel too. */
static void
replayed_commands_are_refused(void **state)
{
	struct jz_scp03 host = start(&TRACES[0]), card;
	struct bytes wrapped = hex(TRACES[0].command[0].wrapped);
	uint8_t memory[ROOM_MAX];
	struct jz_buffer clear = jz_buffer(memory, sizeof(memory));
	struct jz_command c;

	(void)state;
	authenticate(&TRACES[0], &host);
	card = host;
	jz_command_parse(jz_span(wrapped.data, wrapped.len), &c);
	assert_int_equal(jz_scp03_unwrap(&engine, &card, &c, &clear), 0);
	jz_command_parse(jz_span(wrapped.data, wrapped.len), &c);
	assert_int_equal(
	    jz_scp03_unwrap(&engine, &card, &c, &clear), JZ_ERR_SIGNATURE);
}

/* pySim: KCVs of the AES keys 00..0F, 10..1F, 20..2F. */
static void
key_check_values_are_as_published(void **state)
{
	static const char *const want[] = {"c35280", "013808", "840de5"};
	struct jz_scp03_keys k = keys_of(&TRACES[0]);
	const uint8_t *const keys[] = {k.enc, k.mac, k.dek};
	uint8_t kcv[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(jz_key_check_value(&engine, keys[i], kcv), 0);
		assert_memory_equal(kcv, hex(want[i]).data, 3);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sessions_authenticate_as_published),
	    cmocka_unit_test(challenge_is_as_published),
	    cmocka_unit_test(commands_wrap_as_published),
	    cmocka_unit_test(responses_unwrap_as_published),
	    cmocka_unit_test(round_trips),
	    cmocka_unit_test(channels_wrap_alike),
	    cmocka_unit_test(both_forms_of_lc),
	    cmocka_unit_test(altered_commands_are_refused),
	    cmocka_unit_test(replayed_commands_are_refused),
	    cmocka_unit_test(key_check_values_are_as_published),
	};

	int failed;

	/* SCP03 is of AES, whatever the suite. */
	suite = JZ_SUITE_NIST;
	failed = cmocka_run_group_tests_name("nist", tests, set_up, tear_down);
	suite = JZ_SUITE_GM;
	return failed +
	    cmocka_run_group_tests_name("gm", tests, set_up, tear_down);
}
