/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BER-TLV: one encoding of each object is taken, everything else refused, and
 * what is written is read back.
 */
#include "../../apdu/tlv.h"

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
test_next_good(void **state)
{
	static const struct {
		const char *in;
		uint32_t tag;
		size_t header, len;
	} CASES[] = {
	    {"5A 00", 0x5A, 2, 0},
	    {"80 01 AA", 0x80, 2, 1},
	    {"80 01 AA FF", 0x80, 2, 1}, /* one byte is left */
	    {"01 01 AA", 0x01, 2, 1},
	    {"FF 22 01 AA", 0xFF22, 3, 1},
	    {"7F 21 02 AA BB", 0x7F21, 3, 2},
	    {"5F 37 01 AA", 0x5F37, 3, 1},
	    {"9F 1F 01 AA", 0x9F1F, 3, 1},
	    {"9F 7F 01 AA", 0x9F7F, 3, 1},
	    {"9F 08 01 AA", 0x9F08, 3, 1}, /* the field writes this one */
	    {"DF 81 00 01 AA", 0xDF8100, 4, 1},
	    {"DF FF 7F 01 AA", 0xDFFF7F, 4, 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(CASES); i++) {
		struct hex h = hex(CASES[i].in);
		struct jz_cursor c = jz_cursor(hex_span(&h));
		struct jz_tlv t;

		assert_int_equal(jz_tlv_peek(&c), CASES[i].tag);
		assert_int_equal(c.len, h.len);
		assert_int_equal(jz_tlv_next(&c, &t), 0);
		assert_int_equal(t.tag, CASES[i].tag);
		assert_int_equal(t.value.len, CASES[i].len);
		assert_ptr_equal(t.whole.data, h.bytes);
		assert_int_equal(t.whole.len, CASES[i].header + CASES[i].len);
		assert_ptr_equal(t.value.data, h.bytes + CASES[i].header);
		assert_int_equal(c.len, h.len - t.whole.len);
	}
}

static void
test_next_bad(void **state)
{
	static const struct {
		const char *in;
		int error;
	} CASES[] = {
	    {"", JZ_ERR_NOT_FOUND},
	    /* tags */
	    {"00", JZ_ERR_TLV_TAG},
	    {"00 00", JZ_ERR_TLV_TAG},
	    {"9F", JZ_ERR_TLV_TRUNCATED},
	    {"9F 80 01 AA", JZ_ERR_TLV_TAG},
	    {"9F 80", JZ_ERR_TLV_TAG},
	    {"9F 81", JZ_ERR_TLV_TRUNCATED},
	    {"9F 81 80 01 00", JZ_ERR_TLV_TAG},
	    {"9F FF FF 01 00", JZ_ERR_TLV_TAG},
	    /* lengths */
	    {"80", JZ_ERR_TLV_TRUNCATED},
	    {"9F 21", JZ_ERR_TLV_TRUNCATED},
	    {"80 80 00 00", JZ_ERR_TLV_LENGTH}, /* indefinite */
	    {"80 81", JZ_ERR_TLV_TRUNCATED},
	    {"80 81 00", JZ_ERR_TLV_LENGTH},
	    {"80 81 01 AA", JZ_ERR_TLV_LENGTH},
	    {"80 81 7F", JZ_ERR_TLV_LENGTH},
	    {"80 82", JZ_ERR_TLV_TRUNCATED},
	    {"80 82 01", JZ_ERR_TLV_TRUNCATED},
	    {"80 82 00 01 AA", JZ_ERR_TLV_LENGTH},
	    {"80 82 00 FF", JZ_ERR_TLV_LENGTH},
	    {"80 83 01 00 00", JZ_ERR_TLV_LENGTH},
	    {"80 84 00 00 00 00", JZ_ERR_TLV_LENGTH},
	    {"80 FF", JZ_ERR_TLV_LENGTH},
	    /* values */
	    {"80 01", JZ_ERR_TLV_TRUNCATED},
	    {"80 02 AA", JZ_ERR_TLV_TRUNCATED},
	    {"80 81 80 AA", JZ_ERR_TLV_TRUNCATED},
	    {"80 82 01 00 AA", JZ_ERR_TLV_TRUNCATED},
	    {"80 82 FF FF AA", JZ_ERR_TLV_TRUNCATED},
	};
	static const struct jz_tlv NONE = {0, {NULL, 0}, {NULL, 0}};

	(void)state;
	for (size_t i = 0; i < COUNT(CASES); i++) {
		struct hex h = hex(CASES[i].in);
		struct jz_cursor c = jz_cursor(hex_span(&h));
		struct jz_tlv t = {1, {h.bytes, 1}, {h.bytes, 1}};
		int error = CASES[i].error;

		assert_int_equal(jz_tlv_peek(&c), 0);
		assert_int_equal(jz_tlv_next(&c, &t), error);
		assert_int_equal(c.bad, error != JZ_ERR_NOT_FOUND);
		assert_memory_equal(&t, &NONE, sizeof(t));
	}
}

static void
test_next_on_a_bad_cursor(void **state)
{
	struct hex h = hex("80 01 AA");
	struct jz_cursor c = jz_cursor(hex_span(&h));
	struct jz_tlv t;

	(void)state;
	(void)jz_take(&c, 4);
	assert_int_equal(jz_tlv_peek(&c), 0);
	assert_int_not_equal(jz_tlv_next(&c, &t), 0);
	assert_int_equal(t.tag, 0);
}

static void
test_next_in_a_row(void **state)
{
	struct hex h = hex("80 01 AA 9F21 00 E1 02 81 00");
	struct jz_cursor c = jz_cursor(hex_span(&h));
	struct jz_tlv t;

	(void)state;
	assert_int_equal(jz_tlv_next(&c, &t), 0);
	assert_int_equal(jz_tlv_next(&c, &t), 0);
	assert_int_equal(t.tag, 0x9F21);
	assert_int_equal(jz_tlv_next(&c, &t), 0);
	assert_int_equal(t.tag, 0xE1);
	assert_int_equal(jz_tlv_next(&c, &t), JZ_ERR_NOT_FOUND);
	assert_true(jz_cursor_end(&c));
}

static void
test_expect(void **state)
{
	struct hex h = hex("80 02 AA BB 81 00");
	struct jz_cursor c = jz_cursor(hex_span(&h));
	struct jz_span v;

	(void)state;
	assert_int_equal(jz_tlv_expect(&c, 0x80, &v), 0);
	assert_int_equal(v.len, 2);
	assert_ptr_equal(v.data, h.bytes + 2);
	assert_int_equal(jz_tlv_expect(&c, 0x82, &v), JZ_ERR_TLV_TAG);
	assert_null(v.data);
	assert_true(c.bad);
}

static void
test_expect_at_the_end(void **state)
{
	struct jz_cursor c = jz_cursor(jz_span(NULL, 0));
	struct jz_span v;

	(void)state;
	assert_int_equal(jz_tlv_expect(&c, 0x80, &v), JZ_ERR_TLV_TAG);
	assert_true(c.bad);
}

static void
test_expect_names_the_fault(void **state)
{
	struct hex h = hex("80 81 01 AA");
	struct jz_cursor c = jz_cursor(hex_span(&h));
	struct jz_span v;

	(void)state;
	assert_int_equal(jz_tlv_expect(&c, 0x80, &v), JZ_ERR_TLV_LENGTH);
	assert_int_equal(v.len, 0);
}

static void
test_expect_bytes(void **state)
{
	struct hex h = hex("80 02 AA BB 81 00 82 01 CC");
	struct jz_cursor c = jz_cursor(hex_span(&h));
	uint8_t out[2] = {0x11, 0x11};

	(void)state;
	assert_int_equal(jz_tlv_expect_bytes(&c, 0x80, out, 2), 0);
	assert_memory_equal(out, "\xAA\xBB", 2);
	assert_int_equal(jz_tlv_expect_bytes(&c, 0x81, NULL, 0), 0);
	assert_int_equal(
	    jz_tlv_expect_bytes(&c, 0x82, out, 2), JZ_ERR_TLV_LENGTH);
	assert_memory_equal(out, "\0\0", 2);
	assert_true(c.bad);
}

static void
test_expect_uint(void **state)
{
	struct hex h = hex("80 04 01 02 03 04 81 08 FF 00 00 00 00 00 00 01 "
			   "82 01 07 83 02 00 01");
	struct jz_cursor c = jz_cursor(hex_span(&h));
	uint64_t v = 9;

	(void)state;
	assert_int_equal(jz_tlv_expect_uint(&c, 0x80, 4, &v), 0);
	assert_true(v == 0x01020304);
	assert_int_equal(jz_tlv_expect_uint(&c, 0x81, 8, &v), 0);
	assert_true(v == UINT64_C(0xFF00000000000001));
	assert_int_equal(jz_tlv_expect_uint(&c, 0x82, 0, &v), JZ_ERR_ARGUMENT);
	assert_int_equal(jz_tlv_expect_uint(&c, 0x82, 9, &v), JZ_ERR_ARGUMENT);
	assert_int_equal(jz_tlv_expect_uint(&c, 0x82, 1, &v), 0);
	assert_true(v == 7);
	assert_int_equal(
	    jz_tlv_expect_uint(&c, 0x83, 1, &v), JZ_ERR_TLV_LENGTH);
	assert_true(v == 0);
}

static void
test_find(void **state)
{
	struct hex h = hex("80 01 AA E1 03 82 01 BB 80 01 CC 83 00 84 05 AA");
	struct jz_span v;

	(void)state;
	assert_int_equal(jz_tlv_find(hex_span(&h), 0x80, &v), 0);
	assert_ptr_equal(v.data, h.bytes + 2);
	assert_int_equal(jz_tlv_find(hex_span(&h), 0x83, &v), 0);
	assert_int_equal(v.len, 0);
	/* Not entered: 82 is one level below. */
	assert_int_equal(
	    jz_tlv_find(jz_span(h.bytes, 13), 0x82, &v), JZ_ERR_NOT_FOUND);
	assert_null(v.data);
	/* The last object is cut short, so the search cannot pass it. */
	assert_int_equal(
	    jz_tlv_find(hex_span(&h), 0x99, &v), JZ_ERR_TLV_TRUNCATED);
}

static void
test_check(void **state)
{
	static const struct {
		const char *in;
		int rc;
	} CASES[] = {
	    {"", 0},
	    {"80 00", 0},
	    {"80 01 AA 81 00", 0},
	    {"E1 00", 0},
	    {"E1 02 80 00 E2 02 81 00", 0},
	    {"7F21 06 7F4E 00 5F37 00", 0},
	    /* a primitive value may hold anything */
	    {"80 02 00 00", 0},
	    {"E1 01 80", JZ_ERR_TLV_TRUNCATED},
	    {"E1 02 80 01 AA", JZ_ERR_TLV_TRUNCATED},
	    {"E1 04 E2 02 80 01", JZ_ERR_TLV_TRUNCATED},
	    {"E1 02 00 00", JZ_ERR_TLV_TAG},
	    {"E1 04 80 81 01 AA", JZ_ERR_TLV_LENGTH},
	    {"80 00 80", JZ_ERR_TLV_TRUNCATED},
	    {"E1 02 80 00 00", JZ_ERR_TLV_TAG},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(CASES); i++) {
		struct hex h = hex(CASES[i].in);

		assert_int_equal(jz_tlv_check(hex_span(&h)), CASES[i].rc);
	}
}

/* Objects in objects, `depth` levels of them, the innermost E1 00. */
static struct jz_span
nest(uint8_t mem[static 64], size_t depth)
{
	size_t at = 64;

	for (size_t i = 0; i < depth; i++) {
		mem[--at] = (uint8_t)(2 * i);
		mem[--at] = 0xE1;
	}
	return jz_span(&mem[at], 2 * depth);
}

static void
test_check_depth(void **state)
{
	uint8_t mem[64];

	(void)state;
	for (size_t d = 1; d <= JZ_TLV_MAX_DEPTH; d++)
		assert_int_equal(jz_tlv_check(nest(mem, d)), 0);
	for (size_t d = JZ_TLV_MAX_DEPTH + 1; d <= 32; d++)
		assert_int_equal(jz_tlv_check(nest(mem, d)), JZ_ERR_TLV_TAG);
}

static void
test_header_size(void **state)
{
	static const struct {
		uint32_t tag;
		size_t len, size;
	} CASES[] = {
	    {0x80, 0, 2},
	    {0x80, 0x7F, 2},
	    {0x80, 0x80, 3},
	    {0x80, 0xFF, 3},
	    {0x80, 0x100, 4},
	    {0x80, 0xFFFF, 4},
	    {0x9F21, 0, 3},
	    {0xDF8101, 0x80, 5},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(CASES); i++) {
		uint8_t mem[8];
		struct jz_buffer b = jz_buffer(mem, sizeof(mem));

		assert_int_equal(jz_tlv_header_size(CASES[i].tag, CASES[i].len),
		    CASES[i].size);
		jz_tlv_put_header(&b, CASES[i].tag, CASES[i].len);
		assert_false(b.bad);
		assert_int_equal(b.len, CASES[i].size);
	}
}

static const size_t EDGES[] = {
    0, 1, 126, 127, 128, 129, 254, 255, 256, 257, 1000, 65534, 65535};
static const uint32_t TAGS[] = {0x5A, 0xE1, 0x7F21, 0x9F08, 0xFF22, 0xDF8101};

#define BIG 70000

static void
test_put_comes_back(void **state)
{
	uint8_t *value = calloc(1, BIG);
	uint8_t *mem = calloc(1, BIG);

	(void)state;
	for (size_t i = 0; i < COUNT(EDGES) * COUNT(TAGS); i++) {
		size_t len = EDGES[i % COUNT(EDGES)];
		uint32_t tag = TAGS[i / COUNT(EDGES)];
		struct jz_buffer b = jz_buffer(mem, BIG);
		struct jz_cursor c;
		struct jz_tlv t;

		memset(value, (int)i, len);
		jz_tlv_put(&b, tag, value, len);
		c = jz_cursor(jz_buffer_span(&b));
		assert_int_equal(jz_tlv_next(&c, &t), 0);
		assert_true(jz_cursor_end(&c));
		assert_int_equal(t.tag, tag);
		assert_true(jz_span_equal(t.value, jz_span(value, len)));
	}
	free(value);
	free(mem);
}

static void
test_open_and_close(void **state)
{
	uint8_t *value = calloc(1, BIG);
	uint8_t *mem = calloc(1, BIG);
	uint8_t *want = calloc(1, BIG);

	(void)state;
	for (size_t i = 0; i < COUNT(EDGES) * COUNT(TAGS); i++) {
		size_t len = EDGES[i % COUNT(EDGES)];
		uint32_t tag = TAGS[i / COUNT(EDGES)];
		struct jz_buffer b = jz_buffer(mem, BIG);
		struct jz_buffer w = jz_buffer(want, BIG);
		size_t mark;

		for (size_t j = 0; j < len; j++)
			value[j] = (uint8_t)(i + j * 7);
		jz_put_u8(&b, 0x77);
		jz_put_u8(&w, 0x77);
		mark = jz_tlv_open(&b, tag);
		jz_put(&b, value, len);
		jz_tlv_close(&b, mark);
		jz_tlv_put(&w, tag, value, len);
		assert_false(b.bad);
		assert_true(
		    jz_span_equal(jz_buffer_span(&b), jz_buffer_span(&w)));
	}
	free(value);
	free(mem);
	free(want);
}

/* Each level grows its length field as the one inside it has grown. */
static void
test_open_within_open(void **state)
{
	static uint8_t mem[1024], want[1024], inner[1024], value[300];

	(void)state;
	for (size_t len = 110; len < sizeof(value); len++) {
		struct jz_buffer b = jz_buffer(mem, sizeof(mem));
		struct jz_buffer i = jz_buffer(inner, sizeof(inner));
		struct jz_buffer w = jz_buffer(want, sizeof(want));
		size_t outer = jz_tlv_open(&b, 0xFF22);
		size_t mark = jz_tlv_open(&b, 0xE1);

		jz_tlv_put(&b, 0x80, value, len);
		jz_tlv_close(&b, mark);
		jz_tlv_put_uint(&b, 0x81, 5, 4);
		jz_tlv_close(&b, outer);

		jz_tlv_put_header(
		    &i, 0xE1, jz_tlv_header_size(0x80, len) + len);
		jz_tlv_put(&i, 0x80, value, len);
		jz_tlv_put(&i, 0x81, "\0\0\0\5", 4);
		jz_tlv_put(&w, 0xFF22, inner, i.len);
		assert_false(b.bad);
		assert_true(
		    jz_span_equal(jz_buffer_span(&b), jz_buffer_span(&w)));
		assert_int_equal(jz_tlv_check(jz_buffer_span(&b)), 0);
	}
}

static void
test_close_without_room(void **state)
{
	uint8_t mem[2 + 128];
	uint8_t value[128] = {0};
	struct jz_buffer b = jz_buffer(mem, sizeof(mem));
	size_t mark = jz_tlv_open(&b, 0xE1);

	(void)state;
	jz_put(&b, value, sizeof(value));
	assert_false(b.bad);
	/* 128 bytes want one more length byte. */
	jz_tlv_close(&b, mark);
	assert_true(b.bad);
}

static void
test_close_of_too_much(void **state)
{
	uint8_t *mem = calloc(1, BIG);
	struct jz_buffer b = jz_buffer(mem, BIG);
	size_t mark = jz_tlv_open(&b, 0xE1);

	(void)state;
	assert_non_null(jz_reserve(&b, 65536));
	jz_tlv_close(&b, mark);
	assert_true(b.bad);
	free(mem);
}

static void
test_close_of_a_bad_buffer(void **state)
{
	uint8_t mem[4];
	struct jz_buffer b = jz_buffer(mem, 1);
	struct jz_buffer empty = jz_buffer(mem, sizeof(mem));
	size_t mark = jz_tlv_open(&b, 0xE1);

	(void)state;
	assert_int_equal(mark, 0);
	jz_tlv_close(&b, mark);
	assert_true(b.bad);
	assert_int_equal(b.len, 0);
	/* A mark that was never handed out. */
	jz_tlv_close(&empty, 3);
	assert_true(empty.bad);
}

static void
test_put_is_all_or_nothing(void **state)
{
	static const uint8_t VALUE[4] = {1, 2, 3, 4};
	uint8_t mem[6];

	(void)state;
	for (size_t cap = 0; cap < 6; cap++) {
		struct jz_buffer b = jz_buffer(mem, cap);
		struct jz_buffer u = jz_buffer(mem, cap);

		jz_tlv_put(&b, 0x80, VALUE, sizeof(VALUE));
		assert_true(b.bad);
		assert_int_equal(b.len, 0);
		jz_tlv_put_uint(&u, 0x80, 1, 4);
		assert_true(u.bad);
		assert_int_equal(u.len, 0);
	}
}

static void
test_put_uint(void **state)
{
	static const struct {
		uint64_t v;
		size_t len;
		const char *out; /* empty: refused */
	} CASES[] = {
	    {0, 1, "80 01 00"},
	    {0xFF, 1, "80 01 FF"},
	    {0x100, 1, ""},
	    {0x100, 2, "80 02 01 00"},
	    {0x01020304, 4, "80 04 01 02 03 04"},
	    {UINT64_C(0x100000000), 4, ""},
	    {UINT64_MAX, 8, "80 08 FF FF FF FF FF FF FF FF"},
	    {UINT64_MAX, 7, ""},
	    {5, 8, "80 08 00 00 00 00 00 00 00 05"},
	    {5, 0, ""},
	    {5, 9, ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(CASES); i++) {
		uint8_t mem[16];
		struct jz_buffer b = jz_buffer(mem, sizeof(mem));
		struct hex want = hex(CASES[i].out);

		jz_tlv_put_uint(&b, 0x80, CASES[i].v, CASES[i].len);
		assert_int_equal(b.bad, want.len == 0);
		assert_true(jz_span_equal(jz_buffer_span(&b), hex_span(&want)));
	}
}

/* What could not be read back is not written. */
static void
test_put_refuses(void **state)
{
	static const uint32_t BAD[] = {0x00, 0x1F, 0x9F, 0x9F80, 0x9F81, 0x8081,
	    0x5A00, 0x9F2100, 0x9F8180, 0x808080, 0x1009F21, 0xFFFFFFFF};

	(void)state;
	for (size_t i = 0; i < COUNT(BAD); i++) {
		uint8_t mem[16];
		struct jz_buffer b = jz_buffer(mem, sizeof(mem));

		jz_tlv_put(&b, BAD[i], "a", 1);
		assert_true(b.bad);
		assert_int_equal(b.len, 0);
	}
}

static void
test_put_refuses_long_values(void **state)
{
	uint8_t *mem = calloc(2, BIG);
	struct jz_buffer b = jz_buffer(mem, BIG);
	struct jz_buffer h = jz_buffer(mem, BIG);

	(void)state;
	jz_tlv_put(&b, 0x80, mem + BIG, 65536);
	assert_true(b.bad);
	jz_tlv_put_header(&h, 0x80, 65536);
	assert_true(h.bad);
	free(mem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_next_good),
	    cmocka_unit_test(test_next_bad),
	    cmocka_unit_test(test_next_on_a_bad_cursor),
	    cmocka_unit_test(test_next_in_a_row),
	    cmocka_unit_test(test_expect),
	    cmocka_unit_test(test_expect_at_the_end),
	    cmocka_unit_test(test_expect_names_the_fault),
	    cmocka_unit_test(test_expect_bytes),
	    cmocka_unit_test(test_expect_uint),
	    cmocka_unit_test(test_find),
	    cmocka_unit_test(test_check),
	    cmocka_unit_test(test_check_depth),
	    cmocka_unit_test(test_header_size),
	    cmocka_unit_test(test_put_comes_back),
	    cmocka_unit_test(test_open_and_close),
	    cmocka_unit_test(test_open_within_open),
	    cmocka_unit_test(test_close_without_room),
	    cmocka_unit_test(test_close_of_too_much),
	    cmocka_unit_test(test_close_of_a_bad_buffer),
	    cmocka_unit_test(test_put_is_all_or_nothing),
	    cmocka_unit_test(test_put_uint),
	    cmocka_unit_test(test_put_refuses),
	    cmocka_unit_test(test_put_refuses_long_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
