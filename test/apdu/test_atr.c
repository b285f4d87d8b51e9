/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers to reset: those of real cards, and what no card may say.
 */
#include "../../apdu/atr.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "hex.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define T0	 JZ_PROTOCOL_T0
#define T1	 JZ_PROTOCOL_T1

struct case_good {
	const char *in;
	unsigned protocols, first;
	bool inverse;
	const char *historical;
	bool extended, chaining;
	bool check; /* ends with TCK */
};

static const struct case_good GOOD[] = {
    /* the shortest there are */
    {"3B00", T0, T0, false, "", false, false, false},
    {"3F00", T0, T0, true, "", false, false, false},
    /* a contactless card as PC/SC part 3 shows it: T=0 and T=1 */
    {"3B80800101", T0 | T1, T0, false, "", false, false, true},
    {"3B8F8001804F0CA000000306030001000000006A", T0 | T1, T0, false,
	"804F0CA00000030603000100000000", false, false, true},
    /* T=0 only, so no check byte */
    {"3B6500002063CB6800", T0, T0, false, "2063CB6800", false, false, false},
    {"3B021450", T0, T0, false, "1450", false, false, false},
    /* inverse convention: a SIM card */
    {"3F2F008069AF0204010000000A0E833E9F16", T0, T0, true,
	"8069AF0204010000000A0E833E9F16", false, false, false},
    /* T=1 with TA3 and TB3: "JCOPv241" */
    {"3BF81300008131FE454A434F5076323431B7", T1, T1, false, "4A434F5076323431",
	false, false, true},
    /* YubiKey NEO: T=1, "YubikeyNEOr3" */
    {"3BFC1300008131FE15597562696B65794E454F7233E1", T1, T1, false,
	"597562696B65794E454F7233", false, false, true},
    /* YubiKey 5: capabilities 73 C0 21 C0 */
    {"3BFD1300008131FE158073C021C057597562694B657940", T1, T1, false,
	"8073C021C057597562694B6579", true, true, true},
    /* OpenPGP card 2: category 00, the status in the last three bytes */
    {"3BDA18FF81B1FE751F030031C573C001400090000C", T1, T1, false,
	"0031C573C00140009000", true, false, true},
    /* T=0 and T=15, so with a check byte; a SIM card */
    {"3B9F96801FC78031A073BE21136743200718000001A5", T0, T0, false,
	"8031A073BE2113674320071800 0001", false, false, true},
    /* made up: TA2 sets T=1 though T=0 comes first (specific mode) */
    {"3B8090010110", T0 | T1, T1, false, "", false, false, true},
};

static void
test_real_atrs(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(GOOD); i++) {
		const struct case_good *g = &GOOD[i];
		struct hex in = hex(g->in);
		struct hex historical = hex(g->historical);
		struct jz_atr a;

		memset(&a, 0xEE, sizeof(a));
		assert_int_equal(jz_atr_parse(hex_span(&in), &a), 0);
		assert_int_equal(a.protocols, g->protocols);
		assert_int_equal(a.first, g->first);
		assert_int_equal(a.inverse, g->inverse);
		assert_true(jz_span_equal(a.historical, hex_span(&historical)));
		assert_int_equal(a.extended_length, g->extended);
		assert_int_equal(a.chaining, g->chaining);
	}
}

static void
test_malformed(void **state)
{
	static const char *const BAD[] = {
	    "",
	    "3B",
	    "00 00",
	    "3A 00",
	    "03 00",
	    /* historical bytes missing, one byte too many */
	    "3B 01",
	    "3B 6500002063CB68",
	    "3B 6500002063CB6800 00",
	    "3B 00 00",
	    /* interface bytes missing */
	    "3B 10",
	    "3B 20",
	    "3B 40",
	    "3B 80",
	    "3B 80 80",
	    "3B F0 11 00 00",
	    /* TCK missing, wrong, and there where it must not be */
	    "3B 80 80 01",
	    "3B 80 80 01 00",
	    "3B 80 80 01 02",
	    "3B 80 01 81 00",
	    "3B 80 00 80",
	    /* T=15 in TD1; T in descending order */
	    "3B 80 0F 8F",
	    "3B 80 81 00 01",
	    "3B 80 80 8F 01 8E",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(BAD); i++) {
		struct hex in = hex(BAD[i]);
		struct jz_atr a;

		assert_int_equal(jz_atr_parse(hex_span(&in), &a), JZ_ERR_ATR);
		assert_int_equal(a.protocols, 0);
		assert_null(a.historical.data);
	}
}

/* With a check byte, no single bit can change and no byte be cut off. */
static void
test_corrupted(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(GOOD); i++) {
		struct hex in = hex(GOOD[i].in);
		struct jz_atr a;

		for (size_t n = 0; n < in.len; n++)
			assert_int_equal(
			    jz_atr_parse(jz_span(in.bytes, n), &a), JZ_ERR_ATR);
		if (!GOOD[i].check)
			continue;
		for (size_t bit = 8; bit < 8 * in.len; bit++) {
			in.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(
			    jz_atr_parse(hex_span(&in), &a), JZ_ERR_ATR);
			in.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

static void
test_longest(void **state)
{
	/* 33 bytes, and 34 that would be well-formed but for their number. */
	struct hex in = hex("3B FF 000000 F0 000000 F0 000000 F0 000000 00"
			    "000000000000000000000000000000");
	struct jz_atr a;

	(void)state;
	assert_int_equal(in.len, JZ_ATR_MAX);
	assert_int_equal(jz_atr_parse(hex_span(&in), &a), 0);
	assert_int_equal(a.historical.len, 15);
	in = hex("3B FF 000000 F0 000000 F0 000000 F0 000000 10 00"
		 "000000000000000000000000000000");
	assert_int_equal(in.len, 34);
	assert_int_equal(jz_atr_parse(hex_span(&in), &a), JZ_ERR_ATR);
}

static void
test_capabilities(void **state)
{
	static const struct {
		const char *historical;
		bool extended, chaining;
	} CASES[] = {
	    {"", false, false},
	    {"80", false, false},
	    {"80 73 00 00 80", false, true},
	    {"80 73 00 00 40", true, false},
	    {"80 31 A0 73 00 00 C0", true, true},
	    {"80 72 00 C0", false, false},
	    {"80 71 C0", false, false},
	    {"10 73 00 00 C0", false, false},
	    {"00 73 00 00 C0 00 90 00", true, true},
	    /* the status bytes are no capabilities */
	    {"00 73 00 00 C0", false, false},
	    {"00 90 00", false, false},
	    /* cut short, and a length that passes the end */
	    {"80 73 00 00", false, false},
	    {"80 3F 73 00 00 C0", false, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(CASES); i++) {
		struct hex h = hex(CASES[i].historical);
		uint8_t mem[JZ_ATR_MAX];
		struct jz_buffer b = jz_buffer(mem, sizeof(mem));
		struct jz_atr a;

		assert_int_equal(jz_atr_build(T1, hex_span(&h), &b), 0);
		assert_int_equal(jz_atr_parse(jz_buffer_span(&b), &a), 0);
		assert_int_equal(a.extended_length, CASES[i].extended);
		assert_int_equal(a.chaining, CASES[i].chaining);
	}
}

static void
test_build(void **state)
{
	static const enum jz_protocol PROTOCOLS[] = {T0, T1};
	static const uint8_t HISTORY[15] = {
	    0x80, 0x73, 0xC6, 0x21, 0xC0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

	(void)state;
	for (size_t i = 0; i < 2 * 16; i++) {
		enum jz_protocol protocol = PROTOCOLS[i % 2];
		struct jz_span history = jz_span(HISTORY, i / 2);
		uint8_t mem[1 + JZ_ATR_MAX];
		struct jz_buffer b = jz_buffer(mem, sizeof(mem));
		struct jz_buffer less;
		struct jz_span atr;
		struct jz_atr a;

		/* It is appended: what was there stays. */
		jz_put_u8(&b, 0x5A);
		assert_int_equal(jz_atr_build(protocol, history, &b), 0);
		assert_int_equal(mem[0], 0x5A);
		atr = jz_span(mem + 1, b.len - 1);
		assert_int_equal(jz_atr_parse(atr, &a), 0);
		assert_int_equal(a.protocols, protocol);
		assert_int_equal(a.first, protocol);
		assert_false(a.inverse);
		assert_true(jz_span_equal(a.historical, history));
		less = jz_buffer(mem, atr.len - 1);
		assert_int_equal(
		    jz_atr_build(protocol, history, &less), JZ_ERR_SPACE);
		assert_int_equal(less.len, 0);
	}
}

static void
test_build_exactly(void **state)
{
	struct hex history = hex("8073C621C0");
	struct hex want = hex("3B85018073C621C0 50");
	uint8_t mem[JZ_ATR_MAX];
	struct jz_buffer b = jz_buffer(mem, sizeof(mem));

	(void)state;
	assert_int_equal(jz_atr_build(T1, hex_span(&history), &b), 0);
	assert_true(jz_span_equal(jz_buffer_span(&b), hex_span(&want)));
}

static void
test_build_refuses(void **state)
{
	static const uint8_t HISTORY[16] = {0};
	uint8_t mem[JZ_ATR_MAX];
	struct jz_buffer b = jz_buffer(mem, sizeof(mem));
	const unsigned both = T0 | T1;

	(void)state;
	assert_int_equal(
	    jz_atr_build(T1, jz_span(HISTORY, 16), &b), JZ_ERR_RANGE);
	assert_int_equal(
	    jz_atr_build((enum jz_protocol)both, jz_span(NULL, 0), &b),
	    JZ_ERR_RANGE);
	assert_int_equal(
	    jz_atr_build((enum jz_protocol)0, jz_span(NULL, 0), &b),
	    JZ_ERR_RANGE);
	assert_int_equal(b.len, 0);
	assert_false(b.bad);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_real_atrs),
	    cmocka_unit_test(test_malformed),
	    cmocka_unit_test(test_corrupted),
	    cmocka_unit_test(test_longest),
	    cmocka_unit_test(test_capabilities),
	    cmocka_unit_test(test_build),
	    cmocka_unit_test(test_build_exactly),
	    cmocka_unit_test(test_build_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
