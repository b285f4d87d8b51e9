/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command APDUs in all seven cases and their malformed neighbours, response
 * APDUs, and class bytes.
 */
#include "../../apdu/apdu.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "hex.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
test_parse_good(void **state)
{
	static const struct {
		const char *in;
		bool extended, has_le;
		size_t offset, nc;
		uint32_t ne;
	} CASES[] = {
	    /* case 1 */
	    {"00A40400", false, false, 0, 0, 0},
	    /* case 2S */
	    {"80CA9F7F 01", false, true, 0, 0, 1},
	    {"80CA9F7F FF", false, true, 0, 0, 255},
	    {"80CA9F7F 00", false, true, 0, 0, 256},
	    /* case 3S */
	    {"00200001 01 AA", false, false, 5, 1, 0},
	    {"00200001 03 123456", false, false, 5, 3, 0},
	    /* case 4S */
	    {"00A40400 01 AA 00", false, true, 5, 1, 256},
	    {"00A40400 02 AABB 10", false, true, 5, 2, 16},
	    /* case 2E */
	    {"80CA0066 00 0001", true, true, 0, 0, 1},
	    {"80CA0066 00 0100", true, true, 0, 0, 256},
	    {"80CA0066 00 FFFF", true, true, 0, 0, 65535},
	    {"80CA0066 00 0000", true, true, 0, 0, 65536},
	    /* case 3E */
	    {"80E28000 00 0001 AA", true, false, 7, 1, 0},
	    {"80E28000 00 0003 AABBCC", true, false, 7, 3, 0},
	    /* case 4E */
	    {"80E28000 00 0001 AA 0000", true, true, 7, 1, 65536},
	    {"80E28000 00 0002 AABB 0102", true, true, 7, 2, 0x102},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(CASES); i++) {
		struct hex h = hex(CASES[i].in);
		struct jz_command c;
		uint8_t mem[32];
		struct jz_buffer b = jz_buffer(mem, sizeof(mem));

		memset(&c, 0xEE, sizeof(c));
		assert_int_equal(jz_command_parse(hex_span(&h), &c), 0);
		assert_int_equal(c.cla, h.bytes[0]);
		assert_int_equal(c.ins, h.bytes[1]);
		assert_int_equal(c.p1, h.bytes[2]);
		assert_int_equal(c.p2, h.bytes[3]);
		assert_int_equal(c.extended, CASES[i].extended);
		assert_int_equal(c.has_le, CASES[i].has_le);
		assert_int_equal(c.ne, CASES[i].ne);
		assert_int_equal(c.data.len, CASES[i].nc);
		if (CASES[i].nc > 0)
			assert_ptr_equal(
			    c.data.data, h.bytes + CASES[i].offset);
		/* Built again, it is the same. */
		assert_int_equal(jz_command_build(&c, &b), 0);
		assert_true(jz_span_equal(jz_buffer_span(&b), hex_span(&h)));
	}
}

static void
test_parse_bad(void **state)
{
	static const struct {
		const char *in;
		int error;
	} CASES[] = {
	    {"", JZ_ERR_APDU_SHORT},
	    {"00", JZ_ERR_APDU_SHORT},
	    {"00A404", JZ_ERR_APDU_SHORT},
	    /* short: data missing, one byte too many */
	    {"00A40400 02 AA", JZ_ERR_APDU_LENGTH},
	    {"00A40400 01 AA 00 00", JZ_ERR_APDU_LENGTH},
	    {"00A40400 01 AA 00 00 00", JZ_ERR_APDU_LENGTH},
	    {"00A40400 FF AA", JZ_ERR_APDU_LENGTH},
	    /* a short Lc of zero is an unfinished extended length */
	    {"00A40400 00 00", JZ_ERR_APDU_LENGTH},
	    {"00A40400 00 01", JZ_ERR_APDU_LENGTH},
	    /* extended Lc of zero */
	    {"00A40400 00 0000 00", JZ_ERR_APDU_LENGTH},
	    {"00A40400 00 0000 0000", JZ_ERR_APDU_LENGTH},
	    {"00A40400 00 0000 AA 0000", JZ_ERR_APDU_LENGTH},
	    /* extended: data missing, half an Le, three bytes of Le */
	    {"00A40400 00 0002 AA", JZ_ERR_APDU_LENGTH},
	    {"00A40400 00 0001 AA 00", JZ_ERR_APDU_LENGTH},
	    {"00A40400 00 0001 AA 000000", JZ_ERR_APDU_LENGTH},
	    {"00A40400 00 FFFF AA", JZ_ERR_APDU_LENGTH},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(CASES); i++) {
		struct hex h = hex(CASES[i].in);
		struct jz_command c, before;

		memset(&c, 0xEE, sizeof(c));
		memcpy(&before, &c, sizeof(c));
		assert_int_equal(
		    jz_command_parse(hex_span(&h), &c), CASES[i].error);
		/* Nothing is filled in. */
		assert_memory_equal(&c, &before, sizeof(c));
	}
}

/* Around each length that a field can name, one byte less and one more. */
static void
test_parse_edges(void **state)
{
	static const size_t NC[] = {
	    1, 2, 127, 128, 254, 255, 256, 257, 1000, 65534, 65535};
	uint8_t *mem = calloc(1, JZ_APDU_MAX_COMMAND + 1);

	(void)state;
	for (size_t i = 0; i < COUNT(NC); i++) {
		struct jz_command c = {0};
		size_t head = NC[i] > 255 ? 7 : 5;
		size_t le = NC[i] > 255 ? 2 : 1;

		mem[4] = NC[i] > 255 ? 0 : (uint8_t)NC[i];
		if (NC[i] > 255)
			jz_set_be(mem + 5, 2, NC[i]);
		for (size_t len = head; len <= head + NC[i] + le + 1; len++) {
			bool three = len == head + NC[i];
			bool four = len == head + NC[i] + le;
			bool two = len == head;
			int rc = jz_command_parse(jz_span(mem, len), &c);

			assert_int_equal(
			    rc, two || three || four ? 0 : JZ_ERR_APDU_LENGTH);
			if (three || four) {
				assert_int_equal(c.data.len, NC[i]);
				assert_int_equal(c.has_le, four);
			}
		}
		memset(mem, 0, 8);
	}
	free(mem);
}

static void
test_build(void **state)
{
	static const uint8_t DATA[3] = {0xAA, 0xBB, 0xCC};
	static const struct {
		bool extended, has_le;
		size_t nc;
		uint32_t ne;
		const char *out;
	} CASES[] = {
	    {false, false, 0, 0, "80010203"},
	    {false, false, 0, 1, "80010203 01"},
	    {false, true, 0, 1, "80010203 01"},
	    {false, true, 0, 256, "80010203 00"},
	    {false, true, 0, 0, "80010203 00"},
	    {false, false, 2, 0, "80010203 02 AABB"},
	    {false, false, 2, 256, "80010203 02 AABB 00"},
	    /* ne passes 256: the extended form */
	    {false, false, 0, 257, "80010203 00 0101"},
	    {false, false, 0, 65536, "80010203 00 0000"},
	    {false, false, 2, 257, "80010203 00 0002 AABB 0101"},
	    {false, true, 2, 65536, "80010203 00 0002 AABB 0000"},
	    /* asked for */
	    {true, false, 0, 0, "80010203"},
	    {true, false, 0, 1, "80010203 00 0001"},
	    {true, true, 0, 0, "80010203 00 0000"},
	    {true, false, 1, 0, "80010203 00 0001 AA"},
	    {true, false, 3, 5, "80010203 00 0003 AABBCC 0005"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(CASES); i++) {
		struct jz_command c = {0x80, 0x01, 0x02, 0x03,
		    CASES[i].extended, CASES[i].has_le,
		    jz_span(DATA, CASES[i].nc), CASES[i].ne};
		struct hex want = hex(CASES[i].out);
		uint8_t mem[32];

		/* With just enough room, and with one byte less. */
		struct jz_buffer b = jz_buffer(mem, want.len);
		struct jz_buffer less = jz_buffer(mem, want.len - 1);

		assert_int_equal(jz_command_build(&c, &b), 0);
		assert_true(jz_span_equal(jz_buffer_span(&b), hex_span(&want)));
		assert_int_equal(jz_command_build(&c, &less), JZ_ERR_SPACE);
		assert_int_equal(less.len, 0);
	}
}

static void
test_build_long_data(void **state)
{
	uint8_t *data = calloc(1, JZ_APDU_MAX_NC + 1);
	uint8_t *mem = calloc(1, JZ_APDU_MAX_COMMAND);
	struct jz_command c = {0, 0, 0, 0, false, false, {NULL, 0}, 0};
	struct jz_buffer b = jz_buffer(mem, JZ_APDU_MAX_COMMAND);

	(void)state;
	c.data = jz_span(data, 255);
	assert_int_equal(jz_command_build(&c, &b), 0);
	assert_int_equal(b.len, 4 + 1 + 255);
	b.len = 0;
	c.data = jz_span(data, 256);
	assert_int_equal(jz_command_build(&c, &b), 0);
	assert_int_equal(b.len, 4 + 3 + 256);
	b.len = 0;
	c.data = jz_span(data, JZ_APDU_MAX_NC);
	c.ne = JZ_APDU_MAX_NE;
	assert_int_equal(jz_command_build(&c, &b), 0);
	assert_int_equal(b.len, JZ_APDU_MAX_COMMAND);
	free(data);
	free(mem);
}

static void
test_build_out_of_range(void **state)
{
	uint8_t mem[16];
	struct jz_buffer b = jz_buffer(mem, sizeof(mem));
	struct jz_command c = {0, 0, 0, 0, false, true, {NULL, 0}, 65537};

	(void)state;
	assert_int_equal(jz_command_build(&c, &b), JZ_ERR_RANGE);
	c.ne = 0;
	c.data = jz_span(mem, JZ_APDU_MAX_NC + 1);
	assert_int_equal(jz_command_build(&c, &b), JZ_ERR_RANGE);
	assert_int_equal(b.len, 0);
	assert_false(b.bad);
}

static void
test_response(void **state)
{
	static const uint8_t ANSWER[] = {0x01, 0x02, 0x03, 0x90, 0x00};
	struct jz_response r;

	(void)state;
	assert_int_equal(jz_response_parse(jz_span(ANSWER, 5), &r), 0);
	assert_int_equal(r.sw, 0x9000);
	assert_int_equal(r.data.len, 3);
	assert_ptr_equal(r.data.data, ANSWER);
	assert_int_equal(jz_response_parse(jz_span(ANSWER + 2, 2), &r), 0);
	assert_int_equal(r.sw, 0x0390);
	assert_int_equal(r.data.len, 0);
	for (size_t n = 0; n < 2; n++)
		assert_int_equal(jz_response_parse(jz_span(ANSWER, n), &r),
		    JZ_ERR_APDU_SHORT);
}

static void
test_class_bytes(void **state)
{
	static const struct {
		uint8_t cla;
		int channel;
		bool secure;
	} CASES[] = {
	    {0x00, 0, false},
	    {0x03, 3, false},
	    {0x04, 0, true},
	    {0x08, 0, true},
	    {0x0C, 0, true},
	    {0x0F, 3, true},
	    {0x10, 0, false},
	    {0x40, 4, false},
	    {0x4F, 19, false},
	    {0x50, 4, false},
	    {0x60, 4, true},
	    {0x6F, 19, true},
	    {0x80, 0, false},
	    {0x83, 3, false},
	    {0x84, 0, true},
	    {0x90, 0, false},
	    {0xC0, 4, false},
	    {0xC4, 8, false},
	    {0xCF, 19, false},
	    {0xE1, 5, true},
	    {0xFE, 18, true},
	    {0xFF, -1, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(CASES); i++) {
		assert_int_equal(
		    jz_cla_channel(CASES[i].cla), CASES[i].channel);
		assert_int_equal(jz_cla_secure(CASES[i].cla), CASES[i].secure);
	}
}

static void
test_class_on_another_channel(void **state)
{
	static const struct {
		uint8_t cla;
		unsigned channel;
		uint8_t out;
	} CASES[] = {
	    {0x00, 0, 0x00},
	    {0x00, 3, 0x03},
	    {0x00, 4, 0x40},
	    {0x00, 19, 0x4F},
	    {0x02, 1, 0x01},
	    {0x10, 5, 0x51},
	    {0x51, 2, 0x12},
	    {0x0C, 1, 0x0D},
	    {0x0C, 4, 0x60},
	    {0x60, 1, 0x09},
	    {0x80, 2, 0x82},
	    {0x80, 7, 0xC3},
	    {0x84, 1, 0x85},
	    {0x84, 4, 0xE0},
	    {0xE0, 0, 0x84},
	    {0xC7, 3, 0x83},
	    {0xE7, 12, 0xE8},
	    {0xA0, 1, 0xA1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(CASES); i++)
		assert_int_equal(
		    jz_cla_on_channel(CASES[i].cla, CASES[i].channel),
		    CASES[i].out);
}

/* Channel, chaining and secure messaging are what was asked for. */
static void
test_class_on_every_channel(void **state)
{
	(void)state;
	for (unsigned cla = 0; cla < 0xFF; cla++) {
		/* 2X and 3X, and AX and BX, are no class of either coding. */
		if ((cla & 0x60) == 0x20)
			continue;
		for (unsigned channel = 0; channel < 20; channel++) {
			uint8_t out = jz_cla_on_channel((uint8_t)cla, channel);

			/* The one that ISO/IEC 7816-3 leaves no byte for. */
			if (out == 0xFF)
				continue;
			assert_int_equal(jz_cla_channel(out), (int)channel);
			assert_int_equal(out & 0x90, (int)(cla & 0x90));
			assert_int_equal(
			    jz_cla_secure(out), jz_cla_secure((uint8_t)cla));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse_good),
	    cmocka_unit_test(test_parse_bad),
	    cmocka_unit_test(test_parse_edges),
	    cmocka_unit_test(test_build),
	    cmocka_unit_test(test_build_long_data),
	    cmocka_unit_test(test_build_out_of_range),
	    cmocka_unit_test(test_response),
	    cmocka_unit_test(test_class_bytes),
	    cmocka_unit_test(test_class_on_another_channel),
	    cmocka_unit_test(test_class_on_every_channel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
