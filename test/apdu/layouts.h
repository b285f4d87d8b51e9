/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message formats once more, written from docs/protocol.md and knowing
 * nothing of the tables in message.c: each kind is put together byte by byte,
 * for tests that compare this with what the encoder writes and the decoder
 * reads.
 */
#ifndef JZ_TEST_APDU_LAYOUTS_H
#define JZ_TEST_APDU_LAYOUTS_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "../../apdu/message.h"
#include "../../apdu/tlv.h"
#include "hex.h"

#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define FIELDS_MAX 20
#define OPT	   0x10000u /* in a list of tags: may be absent */
#define TAG(t)	   ((t)&0xFFFFu)

#define PAYMENT 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x8A, 0x8B

static const struct layout {
	enum jz_kind kind;
	bool is_signed;
	uint32_t tags[FIELDS_MAX]; /* ended by 0 */
} LAYOUTS[] = {
    {JZ_KIND_HELLO, false, {0x89, 0x87}},
    {JZ_KIND_REQUEST, true,
	{0x80, 0x81, 0x82, 0x84, 0x86, 0x87, 0x88, 0x89 | OPT, 0x8C, 0x8E | OPT,
	    0x9F51 | OPT, 0x7F21 | OPT, 0x5F37}},
    {JZ_KIND_AGREEMENT, true,
	{0x8A, 0x83, 0x85, 0x88, 0x89, 0x8C, 0x7F21 | OPT, 0x5F37}},
    {JZ_KIND_CONFIRMATION, true, {PAYMENT, 0x5F37}},
    {JZ_KIND_COMPLETION, true, {PAYMENT, 0x8F, 0x90, 0x5F37}},
    {JZ_KIND_RECEIPT, true, {PAYMENT, 0x91, 0x92, 0x93, 0x5F37}},
    {JZ_KIND_NOT_PAID, true, {0x82, 0x83, 0x84, 0x85, 0x8A, 0x5F37}},
    {JZ_KIND_EXCEPTION, true, {PAYMENT, 0x91, 0x92, 0x9F3C, 0x5F37}},
    {JZ_KIND_IDENTIFICATION, true, {0x94, 0x9F48, 0x87, 0x7F21, 0x5F37}},
    {JZ_KIND_SEALED, false, {0x8A, 0x88 | OPT, 0x89 | OPT, 0x8D}},
    {JZ_KIND_LOAD_REQUEST, true,
	{0x94, 0x96, 0x95, 0x97, 0x80, 0x81, 0x98, 0x99, 0x9A, 0x87, 0x86, 0x9B,
	    0x5F37}},
    {JZ_KIND_LOAD_PERMISSION, true,
	{0x94, 0x98, 0x8A, 0x80, 0x81, 0x86, 0x9C, 0x5F37}},
    {JZ_KIND_LOAD_REPORT, true,
	{0x94, 0x98, 0x8B, 0x80, 0x81, 0x97, 0x9D, 0x5F37}},
    {JZ_KIND_LOAD_CANCEL, true, {0x94, 0x98, 0x8A, 0x5F37}},
    {JZ_KIND_UNLOAD_REQUEST, true,
	{0x94, 0x96, 0x95, 0x97, 0x80, 0x81, 0x98, 0x99, 0x9A, 0x87, 0x86, 0x9B,
	    0x5F37}},
    {JZ_KIND_UNLOAD_PERMISSION, true,
	{0x94, 0x98, 0x8A, 0x80, 0x81, 0x86, 0x9C, 0x5F37}},
    {JZ_KIND_UNLOAD_PROOF, true,
	{0x94, 0x98, 0x8B, 0x80, 0x81, 0x97, 0x9D, 0x5F37}},
    {JZ_KIND_UNLOAD_ACKNOWLEDGED, true, {0x94, 0x98, 0x93, 0x9C, 0x5F37}},
    {JZ_KIND_ONLINE_SEALED, false, {0x94, 0x89 | OPT, 0x8D}},
    {JZ_KIND_SIGN_IN_REQUEST, false, {0x94, 0x87}},
    {JZ_KIND_CHALLENGE, false, {0x9C, 0x9F21}},
    {JZ_KIND_SIGN_IN, true,
	{0x94, 0x87, 0x9F21, 0x9D, 0x9E, 0x97, 0x8C, 0x5F37}},
    {JZ_KIND_SIGN_IN_CONFIRMED, true, {0x94, 0x87, 0x9F21, 0x86, 0x9C, 0x5F37}},
    {JZ_KIND_BATCH, true, {0x94, 0x9F21, 0x9D, 0x9E, 0xE1, 0x5F37}},
    {JZ_KIND_RECORD_PAID, false,
	{0x8F, PAYMENT, 0x90, 0x9F25, 0x9F24, 0x9F51 | OPT}},
    {JZ_KIND_RECORD_RECEIVED, false,
	{0x91, PAYMENT, 0x8F, 0x90, 0x92, 0x9F25, 0x9F24, 0x9F51 | OPT}},
    {JZ_KIND_RECORD_LOAD, false,
	{0x9D, 0x80, 0x81, 0x98, 0x86, 0x97, 0x8B, 0x9F25}},
    {JZ_KIND_PROCESSED, true, {0x94, 0x9F21, 0x9D, 0x9E, 0x93, 0x9C, 0x5F37}},
    {JZ_KIND_RECORD_EXCEPTION, false, {0x91, PAYMENT, 0x92, 0x9F3C, 0x9F24}},
    {JZ_KIND_RECORD_UNLOAD, false,
	{0x9D, 0x80, 0x81, 0x98, 0x86, 0x97, 0x8B, 0x9F25}},
    {JZ_KIND_PURSE_INFO, false,
	{0x9F38, 0x94 | OPT, 0x5A | OPT, 0x81, 0x97, 0x9F31, 0x9F32, 0x98, 0x84,
	    0x9D, 0x9E, 0x9F39, 0x8C | OPT, 0x9F50 | OPT}},
    {JZ_KIND_UNFINISHED, false, {PAYMENT}},
    {JZ_KIND_PERSONALISATION, false,
	{0x5A, 0x81, 0x9F31, 0x9F32, 0x9F33, 0x9F34, 0x9F35, 0x95, 0x96, 0x9F36,
	    0x9F37, 0x9F3D | OPT, 0x9F3E | OPT, 0x9F3F | OPT, 0x9F40 | OPT,
	    0x9F50 | OPT, 0x9F49 | OPT, 0x88 | OPT}},
    {JZ_KIND_REVOCATION, true,
	{0x9C, 0x8C, 0x86, 0x9F3A, 0x9F3B | OPT, 0x5F37}},
};

/* What a field holds: bytes on the wire, and where they end up. */
enum type { NUMBER, BYTES, TIME, CURRENCY, SPAN, WHOLE };

static const struct sample {
	uint32_t tag;
	enum type type;
	size_t offset;
	size_t len; /* of the value; a byte string is made of the tag */
} SAMPLES[] = {
#define AT(member) offsetof(struct jz_message, member)
    {0x80, NUMBER, AT(payment.amount), 8},
    {0x81, CURRENCY, AT(payment.currency), 2},
    {0x82, BYTES, AT(payment.payee_id), 16},
    {0x83, BYTES, AT(payment.payer_id), 16},
    {0x84, NUMBER, AT(payment.payee_counter), 4},
    {0x85, NUMBER, AT(payment.payer_counter), 4},
    {0x86, TIME, AT(payment.time), 7},
    {0x87, BYTES, AT(nonce), 16},
    {0x88, BYTES, AT(payee_key), 65},
    {0x89, BYTES, AT(payer_key), 65},
    {0x8A, BYTES, AT(payment.request_digest), 32},
    {0x8B, BYTES, AT(payment.agreement_digest), 32},
    {0x8C, NUMBER, AT(list_version), 4},
    {0x8D, SPAN, AT(sealed), 200},
    {0x8E, SPAN, AT(reference), 7},
    {0x8F, NUMBER, AT(payer_record), 4},
    {0x90, TIME, AT(payer_time), 7},
    {0x91, NUMBER, AT(payee_record), 4},
    {0x92, TIME, AT(payee_time), 7},
    {0x93, BYTES, AT(completion_digest), 32},
    {0x94, BYTES, AT(card_id), 16},
    {0x95, SPAN, AT(account), 22},
    {0x96, SPAN, AT(identity), 12},
    {0x97, NUMBER, AT(balance), 8},
    {0x98, NUMBER, AT(online_counter), 4},
    {0x99, NUMBER, AT(key_version), 1},
    {0x9A, NUMBER, AT(algorithm), 1},
    {0x9B, BYTES, AT(terminal), 6},
    {0x9C, BYTES, AT(host_id), 16},
    {0x9D, NUMBER, AT(record), 4},
    {0x9E, NUMBER, AT(count), 4},
    {0x9F21, BYTES, AT(host_nonce), 16},
    {0x9F24, BYTES, AT(payee_signature), 64},
    {0x9F25, BYTES, AT(payer_signature), 64},
    {0x9F31, NUMBER, AT(max_balance), 8},
    {0x9F32, NUMBER, AT(max_single), 8},
    {0x9F33, NUMBER, AT(max_offline_sum), 8},
    {0x9F34, NUMBER, AT(max_offline_count), 4},
    {0x9F35, NUMBER, AT(pin_above), 8},
    {0x9F36, SPAN, AT(pin), 3},
    {0x9F37, NUMBER, AT(pin_limit), 1},
    {0x9F38, NUMBER, AT(state), 1},
    {0x9F39, NUMBER, AT(capacity), 4},
    {0x9F3A, NUMBER, AT(generation), 2},
    {0x9F3B, SPAN, AT(revoked), 32},
    {0x9F3C, NUMBER, AT(outcome), 1},
    {0x9F3D, NUMBER, AT(pin_sum), 8},
    {0x9F3E, NUMBER, AT(pin_count), 4},
    {0x9F3F, NUMBER, AT(payer_level), 1},
    {0x9F40, NUMBER, AT(payer_cap), 8},
    {0x9F50, NUMBER, AT(profile), 1},
    {0x9F51, NUMBER, AT(refund_of), 4},
    {0x9F49, NUMBER, AT(confirm), 1},
    {0x9F48, BYTES, AT(peer_id), 16},
    {0x5A, BYTES, AT(asn), 10},
    {0xE1, SPAN, AT(records), 0},
    {0x7F21, WHOLE, AT(certificate), 150},
    {0x5F37, BYTES, AT(signature), 64},
#undef AT
};

#define MEM_MAX	 2048
#define FILL_MAX 256

static inline const struct sample *
sample(uint32_t tag)
{
	for (size_t i = 0; i < COUNT(SAMPLES); i++) {
		if (SAMPLES[i].tag == TAG(tag))
			return &SAMPLES[i];
	}
	fail_msg("no sample for tag %X", (unsigned)tag);
	return NULL;
}

/* Two records in a batch: what is in them is not looked at here. */
static const uint8_t TWO_RECORDS[] = {
    0xFF, 0x56, 0x02, 0x80, 0x00, 0xFF, 0x58, 0x00};

/* The value of a field on the wire; a time stands for 2026-01-MM. */
static inline struct jz_span
value(const struct sample *s, uint8_t mem[static FILL_MAX])
{
	if (s->tag == 0xE1)
		return jz_span(TWO_RECORDS, sizeof(TWO_RECORDS));
	for (size_t i = 0; i < s->len; i++)
		mem[i] = (uint8_t)((s->tag >> 8) * 5 + s->tag * 3 + i * 7 + 1);
	if (s->type == CURRENCY)
		memcpy(mem, "\x01\x56", 2);
	if (s->type == TIME)
		memcpy(mem, "\x20\x26\x01\x02\x03\x04", 6);
	if (s->type == TIME)
		mem[6] = (uint8_t)(s->tag & 0x0F);
	return jz_span(mem, s->len);
}

/* 2026-01-02T03:04:0xZ, x the last digit of the tag. */
#define TIME_OF(tag) (INT64_C(1767323040) + ((tag)&0x0F))

/* Appends one field as the protocol writes it. */
static inline void
put_sample(struct jz_buffer *b, uint32_t tag)
{
	uint8_t mem[FILL_MAX];
	struct jz_span v = value(sample(tag), mem);

	jz_tlv_put(b, TAG(tag), v.data, v.len);
}

/* A message of this layout without the field number `leave_out`. */
static inline struct jz_span
build(const struct layout *l, size_t leave_out, uint8_t mem[static MEM_MAX])
{
	struct jz_buffer b = jz_buffer(mem, MEM_MAX);
	size_t mark = jz_tlv_open(&b, l->kind);

	for (size_t i = 0; i < FIELDS_MAX && l->tags[i] != 0; i++) {
		if (i != leave_out)
			put_sample(&b, l->tags[i]);
	}
	jz_tlv_close(&b, mark);
	assert_false(b.bad);
	return jz_buffer_span(&b);
}

#define ALL_FIELDS FIELDS_MAX

static inline size_t
fields(const struct layout *l)
{
	size_t n = 0;

	while (n < FIELDS_MAX && l->tags[n] != 0)
		n++;
	return n;
}

static inline bool
has(const struct layout *l, uint32_t tag)
{
	for (size_t i = 0; i < fields(l); i++) {
		if (TAG(l->tags[i]) == tag)
			return true;
	}
	return false;
}

static inline void
store_number(uint8_t *member, struct jz_span v)
{
	uint64_t n = jz_get_be(v.data, v.len);
	uint32_t n32 = (uint32_t)n;
	uint16_t n16 = (uint16_t)n;

	if (v.len == 8)
		memcpy(member, &n, 8);
	else if (v.len == 4)
		memcpy(member, &n32, 4);
	else if (v.len == 2)
		memcpy(member, &n16, 2);
	else
		*member = (uint8_t)n;
}

/* A message in which every member holds its sample. */
struct full {
	struct jz_message m;
	uint8_t mem[COUNT(SAMPLES)][FILL_MAX];
	uint8_t certificate[FILL_MAX];
};

static inline void
fill(struct full *f, enum jz_kind kind)
{
	memset(f, 0, sizeof(*f));
	f->m.kind = kind;
	for (size_t i = 0; i < COUNT(SAMPLES); i++) {
		const struct sample *s = &SAMPLES[i];
		struct jz_span v = value(s, f->mem[i]);
		uint8_t *member = (uint8_t *)&f->m + s->offset;
		struct jz_buffer b =
		    jz_buffer(f->certificate, sizeof(f->certificate));
		int64_t t = TIME_OF(s->tag);
		uint16_t currency = 156;

		if (s->type == NUMBER)
			store_number(member, v);
		if (s->type == BYTES)
			memcpy(member, v.data, v.len);
		if (s->type == TIME)
			memcpy(member, &t, sizeof(t));
		if (s->type == CURRENCY)
			memcpy(member, &currency, sizeof(currency));
		if (s->type == WHOLE)
			jz_tlv_put(&b, s->tag, v.data, v.len);
		if (s->type == WHOLE)
			v = jz_buffer_span(&b);
		if (s->type == SPAN || s->type == WHOLE)
			memcpy(member, &v, sizeof(v));
	}
}

static inline bool
zero(const void *p, size_t len)
{
	const uint8_t *byte = p;

	for (size_t i = 0; i < len; i++) {
		if (byte[i] != 0)
			return false;
	}
	return true;
}

static inline void
assert_all_zero(const struct jz_message *m)
{
	static const struct jz_message NONE;

	assert_memory_equal(m, &NONE, sizeof(*m));
}

static inline size_t
member_size(const struct sample *s)
{
	switch (s->type) {
	case TIME:
		return sizeof(int64_t);
	case CURRENCY:
		return sizeof(uint16_t);
	case SPAN:
	case WHOLE:
		return sizeof(struct jz_span);
	default:
		return s->len;
	}
}

/* Encodes again and compares; the property that signatures rest on. */
static inline void
assert_same_bytes(const struct jz_message *m, struct jz_span in)
{
	uint8_t mem[MEM_MAX];
	struct jz_buffer b = jz_buffer(mem, sizeof(mem));

	assert_int_equal(jz_message_encode(m, JZ_SIGNED, &b), 0);
	assert_true(jz_span_equal(jz_buffer_span(&b), in));
}

/* A message in which the field with this tag has another value. */
static inline struct jz_span
build_with(const struct layout *l, uint32_t tag, const void *v, size_t len,
    uint8_t mem[static MEM_MAX])
{
	struct jz_buffer b = jz_buffer(mem, MEM_MAX);
	size_t mark = jz_tlv_open(&b, l->kind);

	for (size_t i = 0; i < fields(l); i++) {
		if (TAG(l->tags[i]) == tag)
			jz_tlv_put(&b, tag, v, len);
		else
			put_sample(&b, l->tags[i]);
	}
	jz_tlv_close(&b, mark);
	assert_false(b.bad);
	return jz_buffer_span(&b);
}

/* The lengths a field may have; max 0: no upper bound. */
static inline void
bounds(const struct sample *s, size_t *min, size_t *max)
{
	static const struct {
		uint32_t tag;
		size_t min, max;
	} FREE[] = {
	    {0x8D, 17, 0},
	    {0x8E, 1, 32},
	    {0x95, 1, 34},
	    {0x96, 1, 32},
	    {0x9F36, 2, 6},
	    {0x9F3B, 16, 0},
	    {0x7F21, 1, 0},
	    {0xE1, 1, 0},
	};

	*min = s->len;
	*max = s->len;
	for (size_t i = 0; i < COUNT(FREE); i++) {
		if (FREE[i].tag == s->tag) {
			*min = FREE[i].min;
			*max = FREE[i].max;
		}
	}
}

/* The encoder refuses it, appends nothing, and the buffer stays good. */
static inline void
assert_range(const struct jz_message *m)
{
	uint8_t mem[MEM_MAX];
	struct jz_buffer b = jz_buffer(mem, sizeof(mem));

	assert_int_equal(jz_message_encode(m, JZ_SIGNED, &b), JZ_ERR_RANGE);
	assert_int_equal(b.len, 0);
	assert_false(b.bad);
}

static inline const struct layout *
layout(enum jz_kind kind)
{
	for (size_t i = 0; i < COUNT(LAYOUTS); i++) {
		if (LAYOUTS[i].kind == kind)
			return &LAYOUTS[i];
	}
	fail_msg("no layout for kind %X", (unsigned)kind);
	return NULL;
}

#endif
