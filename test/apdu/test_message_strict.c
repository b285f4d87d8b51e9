/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoder takes one encoding of each message and nothing else; what it
 * takes is encoded again to the same bytes.
 */
#include "../../apdu/message.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "hex.h"
#include "layouts.h"

/* Refused with a clean result, or taken and encoded to the same bytes. */
static void
assert_decodes(struct jz_span in, enum jz_kind kind, bool good)
{
	struct jz_message m;

	memset(&m, 0xEE, sizeof(m));
	assert_int_equal(
	    jz_message_decode(in, kind, &m), good ? 0 : JZ_ERR_MESSAGE);
	if (good)
		assert_same_bytes(&m, in);
	else
		assert_all_zero(&m);
}

/* A copy of the layout with one more tag at this place. */
static struct layout
inserted(const struct layout *l, size_t place, uint32_t tag)
{
	struct layout out = *l;

	memmove(out.tags + place + 1, out.tags + place,
	    (FIELDS_MAX - place - 1) * sizeof(out.tags[0]));
	out.tags[place] = tag;
	return out;
}

static void
test_missing_field(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(LAYOUTS); i++) {
		const struct layout *l = &LAYOUTS[i];

		for (size_t j = 0; j < fields(l); j++) {
			uint8_t mem[MEM_MAX];

			assert_decodes(
			    build(l, j, mem), l->kind, (l->tags[j] & OPT) != 0);
		}
	}
}

static void
test_field_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(LAYOUTS); i++) {
		for (size_t j = 0; j < fields(&LAYOUTS[i]); j++) {
			struct layout l =
			    inserted(&LAYOUTS[i], j, LAYOUTS[i].tags[j]);
			uint8_t mem[MEM_MAX];

			assert_decodes(
			    build(&l, ALL_FIELDS, mem), l.kind, false);
		}
	}
}

static void
test_fields_out_of_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(LAYOUTS); i++) {
		for (size_t j = 0; j + 1 < fields(&LAYOUTS[i]); j++) {
			struct layout l = LAYOUTS[i];
			uint8_t mem[MEM_MAX];

			l.tags[j] = LAYOUTS[i].tags[j + 1];
			l.tags[j + 1] = LAYOUTS[i].tags[j];
			assert_decodes(
			    build(&l, ALL_FIELDS, mem), l.kind, false);
		}
	}
}

/* A field that the kind does not have, at every place. */
static void
test_surplus_field(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(LAYOUTS); i++) {
		uint32_t tag = has(&LAYOUTS[i], 0x9B) ? 0x9F38 : 0x9B;

		for (size_t j = 0; j <= fields(&LAYOUTS[i]); j++) {
			struct layout l = inserted(&LAYOUTS[i], j, tag);
			uint8_t mem[MEM_MAX];

			assert_decodes(
			    build(&l, ALL_FIELDS, mem), l.kind, false);
		}
	}
}

#define LENGTHS 300

/* One field of a kind, in every length from 0 to LENGTHS - 1. */
static void
try_lengths(const struct layout *l, uint32_t tag)
{
	const struct sample *s = sample(tag);
	uint8_t fives[LENGTHS], mem[MEM_MAX];
	size_t min, max;

	/* 05 is right in any form that is not a time. */
	memset(fives, 0x05, sizeof(fives));
	bounds(s, &min, &max);
	for (size_t len = 0; len < LENGTHS; len++) {
		bool good = len >= min && (len <= max || max == 0);

		if (s->type == TIME && len == s->len)
			continue;
		assert_decodes(build_with(l, s->tag, fives, len, mem), l->kind,
		    good && s->tag != 0xE1);
	}
}

static void
test_lengths(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(LAYOUTS); i++) {
		for (size_t j = 0; j < fields(&LAYOUTS[i]); j++)
			try_lengths(&LAYOUTS[i], LAYOUTS[i].tags[j]);
	}
}

static void
test_optional_field_of_zero(void **state)
{
	static const uint8_t ZERO[65] = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(LAYOUTS); i++) {
		const struct layout *l = &LAYOUTS[i];

		for (size_t j = 0; j < fields(l); j++) {
			const struct sample *s = sample(l->tags[j]);
			size_t len =
			    s->type == SPAN || s->type == WHOLE ? 0 : s->len;
			uint8_t mem[MEM_MAX];

			if ((l->tags[j] & OPT) == 0)
				continue;
			assert_decodes(build_with(l, s->tag, ZERO, len, mem),
			    l->kind, false);
		}
	}
}

static void
test_single_bit_flips(void **state)
{
	size_t taken = 0, refused = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(LAYOUTS); i++) {
		const struct layout *l = &LAYOUTS[i];
		uint8_t mem[MEM_MAX];
		struct jz_span in = build(l, ALL_FIELDS, mem);
		struct jz_message m;

		for (size_t bit = 0; bit < 8 * in.len; bit++) {
			mem[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (jz_message_decode(in, l->kind, &m) == 0) {
				assert_same_bytes(&m, in);
				taken++;
			} else {
				assert_all_zero(&m);
				refused++;
			}
			mem[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
	/* Flips in values are taken, flips in tags and lengths are not. */
	assert_true(taken > 1000 && refused > 1000);
}

static void
test_cut_short_and_left_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(LAYOUTS); i++) {
		const struct layout *l = &LAYOUTS[i];
		uint8_t mem[MEM_MAX];
		size_t len = build(l, ALL_FIELDS, mem).len;

		assert_decodes(jz_span(mem, len), l->kind, true);
		for (size_t n = 0; n < len; n++)
			assert_decodes(jz_span(mem, n), l->kind, false);
		mem[len] = 0;
		assert_decodes(jz_span(mem, len + 1), l->kind, false);
	}
}

static void
test_lengths_that_are_not_minimal(void **state)
{
	static const struct {
		const char *head;
		bool good;
	} CASES[] = {
	    {"FF51 24 94 10", true},
	    {"FF51 81 24 94 10", false},
	    {"FF51 82 00 24 94 10", false},
	    {"FF51 25 94 81 10", false},
	    {"FF51 26 94 82 00 10", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(CASES); i++) {
		struct hex head = hex(CASES[i].head);
		struct hex rest = hex("30313233343536373839414243444546 8710"
				      "00112233445566778899AABBCCDDEEFF");
		uint8_t mem[MEM_MAX];
		struct jz_buffer b = jz_buffer(mem, sizeof(mem));

		jz_put(&b, head.bytes, head.len);
		jz_put(&b, rest.bytes, rest.len);
		assert_decodes(
		    jz_buffer_span(&b), JZ_KIND_SIGN_IN_REQUEST, CASES[i].good);
	}
}

static void
test_no_kind_is_taken_for_another(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(LAYOUTS); i++) {
		uint8_t mem[MEM_MAX];
		struct jz_span in = build(&LAYOUTS[i], ALL_FIELDS, mem);

		assert_int_equal(jz_message_peek(in), LAYOUTS[i].kind);
		for (size_t j = 0; j < COUNT(LAYOUTS); j++)
			assert_decodes(in, LAYOUTS[j].kind, i == j);
	}
}

static void
test_digits(void **state)
{
	static const struct {
		uint32_t tag;
		const char *value;
		bool good;
	} CASES[] = {
	    {0x81, "0156", true},
	    {0x81, "0999", true},
	    {0x81, "0000", true},
	    {0x81, "1156", false},
	    {0x81, "0A56", false},
	    {0x81, "01A6", false},
	    {0x81, "015A", false},
	    {0x86, "00000000000000", true},
	    {0x86, "20260131235959", true},
	    {0x86, "20260132235959", false},
	    {0x86, "20260131245959", false},
	    {0x86, "2026013123595A", false},
	    {0x86, "19700101000000", false},
	    {0x86, "FFFFFFFFFFFFFF", false},
	};
	const struct layout *l = layout(JZ_KIND_CONFIRMATION);

	(void)state;
	for (size_t i = 0; i < COUNT(CASES); i++) {
		struct hex v = hex(CASES[i].value);
		uint8_t mem[MEM_MAX];

		assert_decodes(build_with(l, CASES[i].tag, v.bytes, v.len, mem),
		    l->kind, CASES[i].good);
	}
}

static void
test_records_of_a_batch(void **state)
{
	static const struct {
		const char *content;
		bool good;
	} CASES[] = {
	    {"FF56 00", true},
	    {"FF57 02 AABB", true},
	    {"FF58 01 AA FF56 00 FF57 00", true},
	    {"", false},
	    {"FF55 00", false}, /* a batch in a batch */
	    {"80 00", false},
	    {"FF56 00 80 00", false},
	    {"FF56 00 FF", false},
	    {"FF56 01", false},
	    {"FF56 8101AA", false},
	};
	const struct layout *l = layout(JZ_KIND_BATCH);

	(void)state;
	for (size_t i = 0; i < COUNT(CASES); i++) {
		struct hex h = hex(CASES[i].content);
		uint8_t mem[MEM_MAX];
		struct jz_span in = build_with(l, 0xE1, h.bytes, h.len, mem);
		struct full f;

		assert_decodes(in, l->kind, CASES[i].good);
		fill(&f, l->kind);
		f.m.records = hex_span(&h);
		if (CASES[i].good)
			assert_same_bytes(&f.m, in);
		else
			assert_range(&f.m);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_missing_field),
	    cmocka_unit_test(test_field_twice),
	    cmocka_unit_test(test_fields_out_of_order),
	    cmocka_unit_test(test_surplus_field),
	    cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_optional_field_of_zero),
	    cmocka_unit_test(test_single_bit_flips),
	    cmocka_unit_test(test_cut_short_and_left_over),
	    cmocka_unit_test(test_lengths_that_are_not_minimal),
	    cmocka_unit_test(test_no_kind_is_taken_for_another),
	    cmocka_unit_test(test_digits),
	    cmocka_unit_test(test_records_of_a_batch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
