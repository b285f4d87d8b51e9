/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages: what the encoder writes, what the decoder reads, and what the
 * encoder refuses to write.
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

static void
test_encoder_writes_the_protocol(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(LAYOUTS); i++) {
		struct full f;
		uint8_t mem[MEM_MAX];

		fill(&f, LAYOUTS[i].kind);
		assert_same_bytes(&f.m, build(&LAYOUTS[i], ALL_FIELDS, mem));
	}
}

/* The member of m that the sample names is that of the full message. */
static void
assert_member(const struct jz_message *m, const struct full *f,
    const struct sample *s, struct jz_span in)
{
	const uint8_t *got = (const uint8_t *)m + s->offset;
	const uint8_t *want = (const uint8_t *)&f->m + s->offset;
	struct jz_span a, b;

	if (s->type != SPAN && s->type != WHOLE) {
		assert_memory_equal(got, want, member_size(s));
		return;
	}
	memcpy(&a, got, sizeof(a));
	memcpy(&b, want, sizeof(b));
	assert_true(jz_span_equal(a, b));
	/* Lent from the input. */
	assert_true(a.data > in.data && a.data + a.len <= in.data + in.len);
}

static void
test_decoder_reads_the_protocol(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(LAYOUTS); i++) {
		const struct layout *l = &LAYOUTS[i];
		uint8_t mem[MEM_MAX];
		struct jz_span in = build(l, ALL_FIELDS, mem);
		struct jz_message m;
		struct full f;

		fill(&f, l->kind);
		memset(&m, 0xEE, sizeof(m));
		assert_int_equal(jz_message_decode(in, l->kind, &m), 0);
		assert_int_equal(m.kind, l->kind);
		assert_same_bytes(&m, in);
		for (size_t j = 0; j < COUNT(SAMPLES); j++) {
			const struct sample *s = &SAMPLES[j];

			if (has(l, s->tag))
				assert_member(&m, &f, s, in);
			else
				assert_true(zero(
				    (uint8_t *)&m + s->offset, member_size(s)));
		}
	}
}

static void
test_unsigned_form_lacks_only_the_signature(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(LAYOUTS); i++) {
		const struct layout *l = &LAYOUTS[i];
		uint8_t mem[MEM_MAX], out[MEM_MAX];
		struct jz_buffer b = jz_buffer(out, sizeof(out));
		struct jz_message m;
		struct full f;
		size_t skip = l->is_signed ? fields(l) - 1 : ALL_FIELDS;

		fill(&f, l->kind);
		assert_int_equal(jz_message_encode(&f.m, JZ_UNSIGNED, &b), 0);
		assert_true(
		    jz_span_equal(jz_buffer_span(&b), build(l, skip, mem)));
		/* A signed kind is never taken without its signature. */
		assert_int_equal(
		    jz_message_decode(jz_buffer_span(&b), l->kind, &m),
		    l->is_signed ? JZ_ERR_MESSAGE : 0);
	}
}

/* A mandatory field of fixed size is there even when it is zero. */
static void
test_zero_values_are_written(void **state)
{
	struct jz_message m, again;
	uint8_t mem[MEM_MAX];
	struct jz_buffer b = jz_buffer(mem, sizeof(mem));

	(void)state;
	memset(&m, 0, sizeof(m));
	m.kind = JZ_KIND_CONFIRMATION;
	assert_int_equal(jz_message_encode(&m, JZ_SIGNED, &b), 0);
	assert_int_equal(
	    b.len, 4 + 10 + 4 + 18 + 18 + 6 + 6 + 9 + 34 + 34 + 67);
	assert_int_equal(
	    jz_message_decode(jz_buffer_span(&b), m.kind, &again), 0);
	assert_memory_equal(&m, &again, sizeof(m));
}

/* An optional field of value zero is left out. */
static void
test_optional_fields_are_left_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(LAYOUTS); i++) {
		const struct layout *l = &LAYOUTS[i];

		for (size_t j = 0; j < fields(l); j++) {
			const struct sample *s = sample(l->tags[j]);
			uint8_t mem[MEM_MAX];
			struct full f;

			if ((l->tags[j] & OPT) == 0)
				continue;
			fill(&f, l->kind);
			memset((uint8_t *)&f.m + s->offset, 0, member_size(s));
			assert_same_bytes(&f.m, build(l, j, mem));
		}
	}
}

static void
test_peek_of_no_message(void **state)
{
	static const char *const IN[] = {
	    "", "FF", "FF20 00", "FF60 00", "80 00", "FF22 01", "FF22 80"};

	(void)state;
	for (size_t i = 0; i < COUNT(IN); i++) {
		struct hex h = hex(IN[i]);

		assert_int_equal(jz_message_peek(hex_span(&h)), 0);
	}
}

static void
test_unknown_kind(void **state)
{
	static const unsigned UNKNOWN[] = {0, 0x22, 0xFF20, 0xFF29, 0x1FF22};

	(void)state;
	for (size_t i = 0; i < COUNT(UNKNOWN); i++) {
		enum jz_kind kind = (enum jz_kind)UNKNOWN[i];
		uint8_t mem[MEM_MAX];
		struct jz_buffer b = jz_buffer(mem, sizeof(mem));
		struct hex h = hex("FF20 00");
		struct jz_message m;

		memset(&m, 0xEE, sizeof(m));
		assert_int_equal(
		    jz_message_decode(hex_span(&h), kind, &m), JZ_ERR_MESSAGE);
		assert_all_zero(&m);
		m.kind = kind;
		assert_int_equal(
		    jz_message_encode(&m, JZ_SIGNED, &b), JZ_ERR_ARGUMENT);
		assert_int_equal(b.len, 0);
		assert_false(jz_kind_signed(kind));
		assert_int_equal(
		    jz_kind_fields(kind, NULL, NULL), JZ_ERR_ARGUMENT);
		assert_string_equal(
		    jz_kind_name(kind, JZ_LANG_EN), "unknown message");
		assert_string_equal(jz_kind_name(kind, JZ_LANG_ZH), "未知报文");
	}
}

/* With every capacity below what is needed, nothing is appended. */
static void
test_encode_without_room(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(LAYOUTS); i++) {
		struct full f;
		uint8_t mem[MEM_MAX], want[MEM_MAX];
		size_t len = build(&LAYOUTS[i], ALL_FIELDS, want).len;

		fill(&f, LAYOUTS[i].kind);
		for (size_t cap = 0; cap <= len; cap++) {
			struct jz_buffer b = jz_buffer(mem, cap + 1);
			bool fits = cap == len;

			jz_put_u8(&b, 0x77);
			assert_int_equal(jz_message_encode(&f.m, JZ_SIGNED, &b),
			    fits ? 0 : JZ_ERR_SPACE);
			assert_int_equal(b.len, 1 + (fits ? len : 0));
			assert_int_equal(b.bad, !fits);
			assert_int_equal(mem[0], 0x77);
		}
	}
}

/* A span longer than its field allows, and one that is too short. */
static void
test_encode_spans_out_of_range(void **state)
{
	static const uint8_t FIVES[70000] = {5, 5, 5};

	(void)state;
	for (size_t i = 0; i < COUNT(LAYOUTS); i++) {
		const struct layout *l = &LAYOUTS[i];

		for (size_t j = 0; j < fields(l); j++) {
			const struct sample *s = sample(l->tags[j]);
			size_t min, max;
			struct jz_span v;
			struct full f;

			if (s->type != SPAN && s->type != WHOLE)
				continue;
			bounds(s, &min, &max);
			fill(&f, l->kind);
			v = jz_span(
			    FIVES, max > 0 ? max + 1 : JZ_TLV_MAX_LENGTH + 1);
			memcpy((uint8_t *)&f.m + s->offset, &v, sizeof(v));
			assert_range(&f.m);
			if ((l->tags[j] & OPT) != 0)
				continue;
			v.len = min - 1;
			memcpy((uint8_t *)&f.m + s->offset, &v, sizeof(v));
			assert_range(&f.m);
		}
	}
}

static void
test_encode_numbers_out_of_range(void **state)
{
	static const int64_t TIMES[] = {
	    -1, INT64_MIN, INT64_MAX, INT64_C(253402300800)};
	struct full f;

	(void)state;
	for (size_t i = 0; i < COUNT(TIMES); i++) {
		fill(&f, JZ_KIND_RECORD_RECEIVED);
		f.m.payment.time = TIMES[i];
		assert_range(&f.m);
		fill(&f, JZ_KIND_RECORD_RECEIVED);
		f.m.payee_time = TIMES[i];
		assert_range(&f.m);
	}
	fill(&f, JZ_KIND_RECORD_RECEIVED);
	f.m.payment.currency = 1000;
	assert_range(&f.m);
	f.m.payment.currency = UINT16_MAX;
	assert_range(&f.m);
}

static void
test_every_currency_comes_back(void **state)
{
	struct full f;

	(void)state;
	fill(&f, JZ_KIND_RECORD_LOAD);
	for (uint16_t v = 0; v <= 999; v++) {
		uint8_t mem[MEM_MAX];
		struct jz_buffer b = jz_buffer(mem, sizeof(mem));
		struct jz_message m;

		f.m.payment.currency = v;
		assert_int_equal(jz_message_encode(&f.m, JZ_SIGNED, &b), 0);
		assert_int_equal(
		    jz_message_decode(jz_buffer_span(&b), f.m.kind, &m), 0);
		assert_int_equal(m.payment.currency, v);
	}
}

static void
test_certificate_is_one_object(void **state)
{
	static const char *const BAD[] = {"7F21 00", "7F21 01", "7F21 8101AA",
	    "7F21 01AA 00", "7F21 01AA 8000", "7F4E 01AA", "80 01AA"};
	struct hex good = hex("7F21 01 AA");
	uint8_t mem[MEM_MAX];
	struct jz_buffer b = jz_buffer(mem, sizeof(mem));
	struct full f;

	(void)state;
	fill(&f, JZ_KIND_AGREEMENT);
	for (size_t i = 0; i < COUNT(BAD); i++) {
		struct hex h = hex(BAD[i]);

		f.m.certificate = hex_span(&h);
		assert_range(&f.m);
	}
	f.m.certificate = hex_span(&good);
	assert_int_equal(jz_message_encode(&f.m, JZ_SIGNED, &b), 0);
}

/* JZ_MESSAGE_MAX holds the longest message of each kind but the batch. */
static void
test_longest_messages_fit(void **state)
{
	static const uint8_t TEXT[256] = {1};
	uint8_t certificate[256], mem[JZ_MESSAGE_MAX];
	struct jz_buffer c = jz_buffer(certificate, sizeof(certificate));

	(void)state;
	jz_tlv_put(&c, 0x7F21, TEXT, sizeof(certificate) - 4);
	for (size_t i = 0; i < COUNT(LAYOUTS); i++) {
		struct jz_buffer b = jz_buffer(mem, sizeof(mem));
		struct full f;

		fill(&f, LAYOUTS[i].kind);
		f.m.certificate = jz_buffer_span(&c);
		f.m.account = jz_span(TEXT, JZ_ACCOUNT_MAX);
		f.m.identity = jz_span(TEXT, JZ_IDENTITY_MAX);
		f.m.reference = jz_span(TEXT, JZ_REFERENCE_MAX);
		f.m.pin = jz_span(TEXT, JZ_PIN_BYTES_MAX);
		assert_int_equal(jz_message_encode(&f.m, JZ_SIGNED, &b), 0);
	}
}

/* JZ_BATCH_MAX holds JZ_BATCH_RECORDS of the longest record. */
static void
test_longest_batch_fits(void **state)
{
	uint8_t mem[JZ_BATCH_MAX], records[JZ_BATCH_MAX];
	struct jz_buffer all = jz_buffer(records, sizeof(records));
	struct jz_buffer b = jz_buffer(mem, sizeof(mem));
	struct full f;

	(void)state;
	fill(&f, JZ_KIND_RECORD_RECEIVED);
	for (size_t i = 0; i < JZ_BATCH_RECORDS; i++)
		assert_int_equal(jz_message_encode(&f.m, JZ_SIGNED, &all), 0);
	fill(&f, JZ_KIND_BATCH);
	f.m.records = jz_buffer_span(&all);
	assert_int_equal(jz_message_encode(&f.m, JZ_SIGNED, &b), 0);
}

struct walk {
	const struct layout *layout;
	size_t n;
};

static void
each_field(const struct jz_field *field, void *arg)
{
	struct walk *w = arg;
	uint32_t tag = w->layout->tags[w->n++];
	size_t min, max;

	assert_int_equal(field->tag, TAG(tag));
	assert_true(strlen(field->name) > 0);
	bounds(sample(tag), &min, &max);
	assert_int_equal(field->min, (tag & OPT) != 0 ? 0 : min);
	assert_int_equal(field->max, max);
}

static void
test_fields_can_be_walked(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(LAYOUTS); i++) {
		struct walk w = {&LAYOUTS[i], 0};

		assert_int_equal(
		    jz_kind_fields(LAYOUTS[i].kind, each_field, &w), 0);
		assert_int_equal(w.n, fields(&LAYOUTS[i]));
		assert_int_equal(
		    jz_kind_signed(LAYOUTS[i].kind), LAYOUTS[i].is_signed);
	}
}

static void
test_kinds_have_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(LAYOUTS); i++) {
		for (int lang = JZ_LANG_EN; lang <= JZ_LANG_ZH; lang++) {
			const char *name = jz_kind_name(LAYOUTS[i].kind, lang);

			assert_true(strlen(name) > 0);
			for (size_t j = 0; j < i; j++)
				assert_string_not_equal(
				    name, jz_kind_name(LAYOUTS[j].kind, lang));
		}
	}
	assert_string_equal(
	    jz_kind_name(JZ_KIND_REQUEST, JZ_LANG_EN), "payment request");
	assert_string_equal(jz_kind_name(JZ_KIND_PERSONALISATION, JZ_LANG_EN),
	    "personalisation");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_encoder_writes_the_protocol),
	    cmocka_unit_test(test_decoder_reads_the_protocol),
	    cmocka_unit_test(test_unsigned_form_lacks_only_the_signature),
	    cmocka_unit_test(test_zero_values_are_written),
	    cmocka_unit_test(test_optional_fields_are_left_out),
	    cmocka_unit_test(test_peek_of_no_message),
	    cmocka_unit_test(test_unknown_kind),
	    cmocka_unit_test(test_encode_without_room),
	    cmocka_unit_test(test_encode_spans_out_of_range),
	    cmocka_unit_test(test_encode_numbers_out_of_range),
	    cmocka_unit_test(test_every_currency_comes_back),
	    cmocka_unit_test(test_certificate_is_one_object),
	    cmocka_unit_test(test_longest_messages_fit),
	    cmocka_unit_test(test_longest_batch_fits),
	    cmocka_unit_test(test_fields_can_be_walked),
	    cmocka_unit_test(test_kinds_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
