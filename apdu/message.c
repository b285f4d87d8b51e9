/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message formats: one table of fields, one table of kinds, and a writer
 * and a reader that walk them.  The encoding is BER-TLV, ISO/IEC 7816-4:2013
 * 5.2.2; the tables are what docs/protocol.md shows.
 *
 * There is one encoding of each message.  So a field is never written in two
 * ways: an optional field of value zero is absent, and refused when present.
 */
#include "message.h"

#include <string.h>

#include "error.h"
#include "time.h"
#include "tlv.h"

/* How a field stands in struct jz_message and on the wire. */
enum form {
	FORM_UINT,	  /* uint8_t to uint64_t, by its size */
	FORM_BYTES,	  /* an array of fixed size */
	FORM_SPAN,	  /* a struct jz_span */
	FORM_TIME,	  /* int64_t, BCD */
	FORM_CURRENCY,	  /* uint16_t, BCD */
	FORM_CERTIFICATE, /* a struct jz_span of the whole object */
	FORM_RECORDS,	  /* a struct jz_span of record objects */
};

struct field {
	uint16_t tag;
	uint16_t offset;
	uint8_t form;
	uint8_t min, max; /* bytes; max 0: any length */
};

/*
 * All fields: X(name, tag, member, form, min, max).  A tag means the same
 * member in every kind.
 */
/* clang-format off */
#define FIELD_LIST(X)                                                          \
	X(AMOUNT, "amount", payment.amount, UINT, 8, 8)                        \
	X(CURRENCY, "currency", payment.currency, CURRENCY, 2, 2)              \
	X(PAYEE_ID, "payee ID", payment.payee_id, BYTES, 16, 16)               \
	X(PAYER_ID, "payer ID", payment.payer_id, BYTES, 16, 16)               \
	X(PAYEE_COUNTER, "payee counter", payment.payee_counter, UINT, 4, 4)   \
	X(PAYER_COUNTER, "payer counter", payment.payer_counter, UINT, 4, 4)   \
	X(TIME, "time", payment.time, TIME, 7, 7)                              \
	X(NONCE, "nonce", nonce, BYTES, 16, 16)                                \
	X(PAYEE_KEY, "payee ephemeral key", payee_key, BYTES, 65, 65)          \
	X(PAYER_KEY, "payer ephemeral key", payer_key, BYTES, 65, 65)          \
	X(REQUEST_DIGEST, "request digest", payment.request_digest, BYTES,     \
	    32, 32)                                                            \
	X(AGREEMENT_DIGEST, "agreement digest", payment.agreement_digest,      \
	    BYTES, 32, 32)                                                     \
	X(LIST_VERSION, "list version", list_version, UINT, 4, 4)              \
	X(SEALED, "ciphertext", sealed, SPAN, 17, 0)                           \
	X(REFERENCE, "reference", reference, SPAN, 1, JZ_REFERENCE_MAX)        \
	X(PAYER_RECORD, "payer record", payer_record, UINT, 4, 4)              \
	X(PAYER_TIME, "payer time", payer_time, TIME, 7, 7)                    \
	X(PAYEE_RECORD, "payee record", payee_record, UINT, 4, 4)              \
	X(PAYEE_TIME, "payee time", payee_time, TIME, 7, 7)                    \
	X(COMPLETION_DIGEST, "completion digest", completion_digest, BYTES,    \
	    32, 32)                                                            \
	X(CARD_ID, "card ID", card_id, BYTES, 16, 16)                          \
	X(ACCOUNT, "account", account, SPAN, 1, JZ_ACCOUNT_MAX)                \
	X(IDENTITY, "identity", identity, SPAN, 1, JZ_IDENTITY_MAX)            \
	X(BALANCE, "balance", balance, UINT, 8, 8)                             \
	X(ONLINE_COUNTER, "online counter", online_counter, UINT, 4, 4)        \
	X(KEY_VERSION, "key version", key_version, UINT, 1, 1)                 \
	X(ALGORITHM, "algorithm", algorithm, UINT, 1, 1)                       \
	X(TERMINAL, "terminal", terminal, BYTES, 6, 6)                         \
	X(HOST_ID, "host ID", host_id, BYTES, 16, 16)                          \
	X(RECORD, "record", record, UINT, 4, 4)                                \
	X(COUNT, "count", count, UINT, 4, 4)                                   \
	X(HOST_NONCE, "host nonce", host_nonce, BYTES, 16, 16)                 \
	X(PAYEE_SIGNATURE, "payee signature", payee_signature, BYTES, 64, 64)  \
	X(PAYER_SIGNATURE, "payer signature", payer_signature, BYTES, 64, 64)  \
	X(MAX_BALANCE, "highest balance", max_balance, UINT, 8, 8)             \
	X(MAX_SINGLE, "highest single amount", max_single, UINT, 8, 8)         \
	X(MAX_OFFLINE_SUM, "highest offline sum", max_offline_sum, UINT, 8, 8) \
	X(MAX_OFFLINE_COUNT, "highest offline count", max_offline_count,       \
	    UINT, 4, 4)                                                        \
	X(PIN_ABOVE, "PIN above", pin_above, UINT, 8, 8)                       \
	X(PIN, "PIN", pin, SPAN, 2, JZ_PIN_BYTES_MAX)                          \
	X(PIN_LIMIT, "PIN tries", pin_limit, UINT, 1, 1)                       \
	X(STATE, "state", state, UINT, 1, 1)                                   \
	X(CAPACITY, "log capacity", capacity, UINT, 4, 4)                      \
	X(GENERATION, "generation", generation, UINT, 2, 2)                    \
	X(REVOKED, "revoked", revoked, SPAN, JZ_ID_BYTES, 0)                   \
	X(OUTCOME, "outcome", outcome, UINT, 1, 1)                             \
	X(PIN_SUM, "PIN after sum", pin_sum, UINT, 8, 8)                       \
	X(PIN_COUNT, "PIN after count", pin_count, UINT, 4, 4)                 \
	X(PAYER_LEVEL, "payer assurance", payer_level, UINT, 1, 1)             \
	X(PAYER_CAP, "cap below it", payer_cap, UINT, 8, 8)                    \
	X(PROFILE, "profile", profile, UINT, 1, 1)                             \
	X(REFUND_OF, "refund of", refund_of, UINT, 4, 4)                       \
	X(CONFIRM, "confirmed on the card", confirm, UINT, 1, 1)                     \
	X(PEER_ID, "peer ID", peer_id, BYTES, 16, 16)                          \
	X(ASN, "ASN", asn, BYTES, 10, 10)                                      \
	X(RECORDS, "records", records, RECORDS, 1, 0)                          \
	X(CERTIFICATE, "certificate", certificate, CERTIFICATE, 1, 0)          \
	X(SIGNATURE, "signature", signature, BYTES, 64, 64)
/* clang-format on */

enum {
	NO_FIELD, /* ends the list of a kind */
#define X(name, text, member, form, min, max) F_##name,
	FIELD_LIST(X)
#undef X
	    FIELDS_END,
	OPT = 0x80, /* in the list of a kind: absent when zero or empty */
};

_Static_assert(
    (unsigned)FIELDS_END <= (unsigned)OPT, "OPT is a bit of its own");

static const struct field FIELDS[] = {{0, 0, 0, 0, 0},
#define X(name, text, member, form, min, max)                                  \
	{JZ_TAG_##name, offsetof(struct jz_message, member), FORM_##form, min, \
	    max},
    FIELD_LIST(X)
#undef X
};

/* Only documents and dumps need these: a card's linker drops them. */
static const char *const FIELD_NAMES[] = {"",
#define X(name, text, member, form, min, max) text,
    FIELD_LIST(X)
#undef X
};

/* A member of fixed size and its field agree on the number of bytes. */
#define SIZE_UINT(member, n)	    (sizeof(member) == (n))
#define SIZE_BYTES(member, n)	    (sizeof(member) == (n))
#define SIZE_TIME(member, n)	    ((n) == JZ_TIME_BYTES)
#define SIZE_CURRENCY(member, n)    ((n) == 2)
#define SIZE_SPAN(member, n)	    1
#define SIZE_CERTIFICATE(member, n) 1
#define SIZE_RECORDS(member, n)	    1
#define X(name, text, member, form, min, max)                                  \
	_Static_assert(                                                        \
	    SIZE_##form(((struct jz_message *)0)->member, max), text);
FIELD_LIST(X)
#undef X

#define KIND_FIELDS_MAX 20

struct kind {
	uint16_t kind;
	uint8_t fields[KIND_FIELDS_MAX]; /* ended by NO_FIELD */
};

/* The data of one payment, in the order of struct jz_payment. */
#define PAYMENT                                                                \
	F_AMOUNT, F_CURRENCY, F_PAYEE_ID, F_PAYER_ID, F_PAYEE_COUNTER,         \
	    F_PAYER_COUNTER, F_TIME, F_REQUEST_DIGEST, F_AGREEMENT_DIGEST
/* Load and unload say the same, under tags of their own. */
#define REQUEST_TO_HOST                                                        \
	F_CARD_ID, F_IDENTITY, F_ACCOUNT, F_BALANCE, F_AMOUNT, F_CURRENCY,     \
	    F_ONLINE_COUNTER, F_KEY_VERSION, F_ALGORITHM, F_NONCE, F_TIME,     \
	    F_TERMINAL, F_SIGNATURE
#define PERMISSION                                                             \
	F_CARD_ID, F_ONLINE_COUNTER, F_REQUEST_DIGEST, F_AMOUNT, F_CURRENCY,   \
	    F_TIME, F_HOST_ID, F_SIGNATURE
#define REPORT_TO_HOST                                                         \
	F_CARD_ID, F_ONLINE_COUNTER, F_AGREEMENT_DIGEST, F_AMOUNT, F_CURRENCY, \
	    F_BALANCE, F_RECORD, F_SIGNATURE
#define RECORD_OF_HOST                                                         \
	F_RECORD, F_AMOUNT, F_CURRENCY, F_ONLINE_COUNTER, F_TIME, F_BALANCE,   \
	    F_AGREEMENT_DIGEST, F_PAYER_SIGNATURE

/* clang-format off */
static const struct kind KINDS[] = {
	{JZ_KIND_HELLO, {F_PAYER_KEY, F_NONCE}},
	{JZ_KIND_REQUEST,
	    {F_AMOUNT, F_CURRENCY, F_PAYEE_ID, F_PAYEE_COUNTER, F_TIME,
	    F_NONCE, F_PAYEE_KEY, F_PAYER_KEY | OPT, F_LIST_VERSION,
	    F_REFERENCE | OPT, F_REFUND_OF | OPT, F_CERTIFICATE | OPT,
	    F_SIGNATURE}},
	{JZ_KIND_AGREEMENT,
	    {F_REQUEST_DIGEST, F_PAYER_ID, F_PAYER_COUNTER, F_PAYEE_KEY,
	    F_PAYER_KEY, F_LIST_VERSION, F_CERTIFICATE | OPT, F_SIGNATURE}},
	{JZ_KIND_CONFIRMATION, {PAYMENT, F_SIGNATURE}},
	{JZ_KIND_COMPLETION,
	    {PAYMENT, F_PAYER_RECORD, F_PAYER_TIME, F_SIGNATURE}},
	{JZ_KIND_RECEIPT,
	    {PAYMENT, F_PAYEE_RECORD, F_PAYEE_TIME, F_COMPLETION_DIGEST,
	    F_SIGNATURE}},
	{JZ_KIND_NOT_PAID,
	    {F_PAYEE_ID, F_PAYER_ID, F_PAYEE_COUNTER, F_PAYER_COUNTER,
	    F_REQUEST_DIGEST, F_SIGNATURE}},
	{JZ_KIND_EXCEPTION,
	    {PAYMENT, F_PAYEE_RECORD, F_PAYEE_TIME, F_OUTCOME, F_SIGNATURE}},
	{JZ_KIND_IDENTIFICATION,
	    {F_CARD_ID, F_PEER_ID, F_NONCE, F_CERTIFICATE, F_SIGNATURE}},
	{JZ_KIND_SEALED,
	    {F_REQUEST_DIGEST, F_PAYEE_KEY | OPT, F_PAYER_KEY | OPT,
	    F_SEALED}},
	{JZ_KIND_LOAD_REQUEST, {REQUEST_TO_HOST}},
	{JZ_KIND_LOAD_PERMISSION, {PERMISSION}},
	{JZ_KIND_LOAD_REPORT, {REPORT_TO_HOST}},
	{JZ_KIND_LOAD_CANCEL,
	    {F_CARD_ID, F_ONLINE_COUNTER, F_REQUEST_DIGEST, F_SIGNATURE}},
	{JZ_KIND_UNLOAD_REQUEST, {REQUEST_TO_HOST}},
	{JZ_KIND_UNLOAD_PERMISSION, {PERMISSION}},
	{JZ_KIND_UNLOAD_PROOF, {REPORT_TO_HOST}},
	{JZ_KIND_UNLOAD_ACKNOWLEDGED,
	    {F_CARD_ID, F_ONLINE_COUNTER, F_COMPLETION_DIGEST, F_HOST_ID,
	    F_SIGNATURE}},
	{JZ_KIND_ONLINE_SEALED, {F_CARD_ID, F_PAYER_KEY | OPT, F_SEALED}},
	{JZ_KIND_SIGN_IN_REQUEST, {F_CARD_ID, F_NONCE}},
	{JZ_KIND_CHALLENGE, {F_HOST_ID, F_HOST_NONCE}},
	{JZ_KIND_SIGN_IN,
	    {F_CARD_ID, F_NONCE, F_HOST_NONCE, F_RECORD, F_COUNT, F_BALANCE,
	    F_LIST_VERSION, F_SIGNATURE}},
	{JZ_KIND_SIGN_IN_CONFIRMED,
	    {F_CARD_ID, F_NONCE, F_HOST_NONCE, F_TIME, F_HOST_ID,
	    F_SIGNATURE}},
	{JZ_KIND_BATCH,
	    {F_CARD_ID, F_HOST_NONCE, F_RECORD, F_COUNT, F_RECORDS,
	    F_SIGNATURE}},
	{JZ_KIND_RECORD_PAID,
	    {F_PAYER_RECORD, PAYMENT, F_PAYER_TIME, F_PAYER_SIGNATURE,
	    F_PAYEE_SIGNATURE, F_REFUND_OF | OPT}},
	{JZ_KIND_RECORD_RECEIVED,
	    {F_PAYEE_RECORD, PAYMENT, F_PAYER_RECORD, F_PAYER_TIME,
	    F_PAYEE_TIME, F_PAYER_SIGNATURE, F_PAYEE_SIGNATURE,
	    F_REFUND_OF | OPT}},
	{JZ_KIND_RECORD_LOAD, {RECORD_OF_HOST}},
	{JZ_KIND_PROCESSED,
	    {F_CARD_ID, F_HOST_NONCE, F_RECORD, F_COUNT, F_COMPLETION_DIGEST,
	    F_HOST_ID, F_SIGNATURE}},
	{JZ_KIND_RECORD_EXCEPTION,
	    {F_PAYEE_RECORD, PAYMENT, F_PAYEE_TIME, F_OUTCOME,
	    F_PAYEE_SIGNATURE}},
	{JZ_KIND_RECORD_UNLOAD, {RECORD_OF_HOST}},
	{JZ_KIND_PURSE_INFO,
	    {F_STATE, F_CARD_ID | OPT, F_ASN | OPT, F_CURRENCY, F_BALANCE,
	    F_MAX_BALANCE, F_MAX_SINGLE, F_ONLINE_COUNTER, F_PAYEE_COUNTER,
	    F_RECORD, F_COUNT, F_CAPACITY, F_LIST_VERSION | OPT,
	    F_PROFILE | OPT}},
	{JZ_KIND_UNFINISHED, {PAYMENT}},
	{JZ_KIND_PERSONALISATION,
	    {F_ASN, F_CURRENCY, F_MAX_BALANCE, F_MAX_SINGLE,
	    F_MAX_OFFLINE_SUM, F_MAX_OFFLINE_COUNT, F_PIN_ABOVE, F_ACCOUNT,
	    F_IDENTITY, F_PIN, F_PIN_LIMIT, F_PIN_SUM | OPT,
	    F_PIN_COUNT | OPT, F_PAYER_LEVEL | OPT, F_PAYER_CAP | OPT,
	    F_PROFILE | OPT, F_CONFIRM | OPT, F_PAYEE_KEY | OPT}},
	{JZ_KIND_REVOCATION,
	    {F_HOST_ID, F_LIST_VERSION, F_TIME, F_GENERATION, F_REVOKED | OPT,
	    F_SIGNATURE}},
};
/* clang-format on */

#define KINDS_COUNT (sizeof(KINDS) / sizeof(KINDS[0]))

/* In the order of KINDS, by enum jz_lang. */
static const char *const KIND_NAMES[][2] = {
    {"hello", "支付问候"},
    {"payment request", "支付请求"},
    {"payment agreement", "支付同意"},
    {"payment confirmation", "支付确认"},
    {"payment completion", "支付完成"},
    {"payment receipt", "收款回执"},
    {"proof of non-payment", "未付款证明"},
    {"exception", "异常声明"},
    {"identification", "身份证明"},
    {"sealed message", "加密报文"},
    {"load request", "圈存请求"},
    {"load permission", "圈存许可"},
    {"load report", "圈存报告"},
    {"load cancel", "圈存取消证明"},
    {"unload request", "圈提请求"},
    {"unload permission", "圈提许可"},
    {"unload proof", "圈提证明"},
    {"unload acknowledgement", "圈提入账确认"},
    {"sealed load message", "加密圈存报文"},
    {"sign-in request", "签到请求"},
    {"sign-in challenge", "签到质询"},
    {"sign-in", "签到"},
    {"sign-in confirmation", "签到确认"},
    {"settlement batch", "结算批次"},
    {"record of a payment made", "付款记录"},
    {"record of a payment received", "收款记录"},
    {"record of a load", "圈存记录"},
    {"settlement confirmation", "结算确认"},
    {"record of an exception", "异常记录"},
    {"record of an unload", "圈提记录"},
    {"purse information", "钱包信息"},
    {"unfinished payment", "未完成交易"},
    {"personalisation", "个人化数据"},
    {"revocation list", "证书吊销列表"},
};

_Static_assert(
    sizeof(KIND_NAMES) / sizeof(KIND_NAMES[0]) == KINDS_COUNT, "a name each");

static const struct kind *
find_kind(uint32_t kind)
{
	for (size_t i = 0; i < KINDS_COUNT; i++) {
		if (KINDS[i].kind == kind)
			return &KINDS[i];
	}
	return NULL;
}

static bool
all_zero(const uint8_t *p, size_t len)
{
	uint8_t any = 0;

	for (size_t i = 0; i < len; i++)
		any |= p[i];
	return any == 0;
}

/* Whether these bytes are one object with this tag and nothing else. */
static bool
is_object(struct jz_span in, uint32_t tag)
{
	struct jz_cursor c = jz_cursor(in);
	struct jz_span value;

	return jz_tlv_expect(&c, tag, &value) == 0 && value.len > 0 &&
	    jz_cursor_end(&c);
}

/* Whether these bytes are record objects, one or more, and nothing else. */
static bool
are_records(struct jz_span in)
{
	struct jz_cursor c = jz_cursor(in);
	struct jz_tlv t;

	/* Each turn takes at least two bytes or ends the loop. */
	while (jz_tlv_next(&c, &t) == 0) {
		if (t.tag != JZ_KIND_RECORD_PAID &&
		    t.tag != JZ_KIND_RECORD_RECEIVED &&
		    t.tag != JZ_KIND_RECORD_LOAD &&
		    t.tag != JZ_KIND_RECORD_EXCEPTION &&
		    t.tag != JZ_KIND_RECORD_UNLOAD)
			return false;
	}
	return in.len > 0 && jz_cursor_end(&c);
}

static bool
length_fits(const struct field *f, size_t len)
{
	return len >= f->min &&
	    len <= (f->max > 0 ? f->max : JZ_TLV_MAX_LENGTH);
}

static int
put_uint(const struct field *f, const uint8_t *member, struct jz_buffer *b)
{
	uint64_t v = 0;

	if (f->min == sizeof(uint64_t)) {
		memcpy(&v, member, sizeof(v));
	} else if (f->min == sizeof(uint32_t)) {
		uint32_t v32;

		memcpy(&v32, member, sizeof(v32));
		v = v32;
	} else if (f->min == sizeof(uint16_t)) {
		uint16_t v16;

		memcpy(&v16, member, sizeof(v16));
		v = v16;
	} else {
		v = *member;
	}
	jz_tlv_put_uint(b, f->tag, v, f->min);
	return 0;
}

static int
put_time(const struct field *f, const uint8_t *member, struct jz_buffer *b)
{
	uint8_t bcd[JZ_TIME_BYTES];
	int64_t t, again;

	memcpy(&t, member, sizeof(t));
	jz_time_to_bcd(t, bcd);
	/* A time out of range comes out as zeros, which say "not known". */
	if (jz_time_from_bcd(bcd, &again) != 0 || again != t)
		return JZ_ERR_RANGE;
	jz_tlv_put(b, f->tag, bcd, sizeof(bcd));
	return 0;
}

static int
put_currency(const struct field *f, const uint8_t *member, struct jz_buffer *b)
{
	uint16_t v;
	uint8_t bcd[2];

	memcpy(&v, member, sizeof(v));
	if (v > 999)
		return JZ_ERR_RANGE;
	bcd[0] = (uint8_t)(v / 100);
	bcd[1] = (uint8_t)(v / 10 % 10 << 4 | v % 10);
	jz_tlv_put(b, f->tag, bcd, sizeof(bcd));
	return 0;
}

static int
put_span(const struct field *f, struct jz_span v, bool opt, struct jz_buffer *b)
{
	if (opt && v.len == 0)
		return 0;
	if (!length_fits(f, v.len))
		return JZ_ERR_RANGE;
	if (f->form == FORM_CERTIFICATE) {
		if (!is_object(v, f->tag))
			return JZ_ERR_RANGE;
		jz_put(b, v.data, v.len);
		return 0;
	}
	if (f->form == FORM_RECORDS && !are_records(v))
		return JZ_ERR_RANGE;
	jz_tlv_put(b, f->tag, v.data, v.len);
	return 0;
}

static int
put_field(const struct jz_message *m, uint8_t id, struct jz_buffer *b)
{
	bool opt = (id & OPT) != 0;
	const struct field *f = &FIELDS[id & ~OPT];
	const uint8_t *member = (const uint8_t *)m + f->offset;
	struct jz_span span;

	switch (f->form) {
	case FORM_UINT:
		return opt && all_zero(member, f->min) ? 0
						       : put_uint(f, member, b);
	case FORM_TIME:
		return put_time(f, member, b);
	case FORM_CURRENCY:
		return put_currency(f, member, b);
	case FORM_BYTES:
		if (!opt || !all_zero(member, f->min))
			jz_tlv_put(b, f->tag, member, f->min);
		return 0;
	default:
		memcpy(&span, member, sizeof(span));
		return put_span(f, span, opt, b);
	}
}

int
jz_message_encode(
    const struct jz_message *m, enum jz_form form, struct jz_buffer *out)
{
	const struct kind *k = find_kind(m->kind);
	size_t start = out->len;
	size_t mark;
	int rc = 0;

	if (k == NULL)
		return JZ_ERR_ARGUMENT;
	mark = jz_tlv_open(out, k->kind);
	for (size_t i = 0; rc == 0 && k->fields[i] != NO_FIELD; i++) {
		if (k->fields[i] != F_SIGNATURE || form == JZ_SIGNED)
			rc = put_field(m, k->fields[i], out);
	}
	if (rc == 0) {
		jz_tlv_close(out, mark);
		rc = out->bad ? JZ_ERR_SPACE : 0;
	}
	if (rc != 0)
		out->len = start;
	return rc;
}

static void
get_uint(const struct field *f, struct jz_span v, uint8_t *member)
{
	uint64_t n = jz_get_be(v.data, v.len);
	uint32_t n32 = (uint32_t)n;
	uint16_t n16 = (uint16_t)n;

	if (f->min == sizeof(uint64_t))
		memcpy(member, &n, sizeof(n));
	else if (f->min == sizeof(uint32_t))
		memcpy(member, &n32, sizeof(n32));
	else if (f->min == sizeof(uint16_t))
		memcpy(member, &n16, sizeof(n16));
	else
		*member = (uint8_t)n;
}

static bool
get_time(struct jz_span v, uint8_t *member)
{
	int64_t t;
	int rc = jz_time_from_bcd(v.data, &t);

	memcpy(member, &t, sizeof(t));
	return rc == 0;
}

static bool
get_currency(struct jz_span v, uint8_t *member)
{
	unsigned hundreds = v.data[0];
	unsigned tens = v.data[1] >> 4;
	unsigned ones = v.data[1] & 0x0F;
	uint16_t n = (uint16_t)(hundreds * 100 + tens * 10 + ones);

	if (hundreds > 9 || tens > 9 || ones > 9)
		return false;
	memcpy(member, &n, sizeof(n));
	return true;
}

static bool
get_value(const struct field *f, const struct jz_tlv *t, uint8_t *member)
{
	switch (f->form) {
	case FORM_UINT:
		get_uint(f, t->value, member);
		return true;
	case FORM_TIME:
		return get_time(t->value, member);
	case FORM_CURRENCY:
		return get_currency(t->value, member);
	case FORM_BYTES:
		memcpy(member, t->value.data, f->min);
		return true;
	case FORM_RECORDS:
		memcpy(member, &t->value, sizeof(t->value));
		return are_records(t->value);
	case FORM_CERTIFICATE:
		memcpy(member, &t->whole, sizeof(t->whole));
		return true;
	default:
		memcpy(member, &t->value, sizeof(t->value));
		return true;
	}
}

static bool
get_field(struct jz_cursor *c, uint8_t id, struct jz_message *out)
{
	bool opt = (id & OPT) != 0;
	const struct field *f = &FIELDS[id & ~OPT];
	struct jz_tlv t;

	if (opt && jz_tlv_peek(c) != f->tag)
		return true;
	if (jz_tlv_next(c, &t) != 0 || t.tag != f->tag ||
	    !length_fits(f, t.value.len))
		return false;
	if (opt && (f->form == FORM_BYTES || f->form == FORM_UINT) &&
	    all_zero(t.value.data, f->min))
		return false;
	return get_value(f, &t, (uint8_t *)out + f->offset);
}

int
jz_message_decode(struct jz_span in, enum jz_kind kind, struct jz_message *out)
{
	const struct kind *k = find_kind(kind);
	struct jz_cursor whole = jz_cursor(in);
	struct jz_cursor c;
	struct jz_span content;
	bool good;

	memset(out, 0, sizeof(*out));
	good = k != NULL && jz_tlv_expect(&whole, kind, &content) == 0 &&
	    jz_cursor_end(&whole);
	if (!good)
		return JZ_ERR_MESSAGE;
	c = jz_cursor(content);
	for (size_t i = 0; good && k->fields[i] != NO_FIELD; i++)
		good = get_field(&c, k->fields[i], out);
	if (!good || !jz_cursor_end(&c)) {
		memset(out, 0, sizeof(*out));
		return JZ_ERR_MESSAGE;
	}
	out->kind = kind;
	return 0;
}

enum jz_kind
jz_message_peek(struct jz_span in)
{
	struct jz_cursor c = jz_cursor(in);
	const struct kind *k = find_kind(jz_tlv_peek(&c));

	return k != NULL ? (enum jz_kind)k->kind : (enum jz_kind)0;
}

const char *
jz_kind_name(enum jz_kind kind, int lang)
{
	static const char *const UNKNOWN[2] = {"unknown message", "未知报文"};
	const struct kind *k = find_kind(kind);
	const char *const *names = UNKNOWN;

	if (k != NULL)
		names = KIND_NAMES[k - KINDS];
	return names[lang == JZ_LANG_ZH];
}

bool
jz_payment_equal(const struct jz_payment *a, const struct jz_payment *b)
{
	return a->amount == b->amount && a->currency == b->currency &&
	    a->time == b->time && a->payer_counter == b->payer_counter &&
	    a->payee_counter == b->payee_counter &&
	    memcmp(a->payer_id, b->payer_id, JZ_ID_BYTES) == 0 &&
	    memcmp(a->payee_id, b->payee_id, JZ_ID_BYTES) == 0 &&
	    memcmp(a->request_digest, b->request_digest, JZ_DIGEST_BYTES) ==
	    0 &&
	    memcmp(a->agreement_digest, b->agreement_digest, JZ_DIGEST_BYTES) ==
	    0;
}

bool
jz_kind_signed(enum jz_kind kind)
{
	const struct kind *k = find_kind(kind);

	if (k == NULL)
		return false;
	for (size_t i = 0; k->fields[i] != NO_FIELD; i++) {
		if (k->fields[i] == F_SIGNATURE)
			return true;
	}
	return false;
}

int
jz_kind_fields(
    enum jz_kind kind, void (*each)(const struct jz_field *, void *), void *arg)
{
	const struct kind *k = find_kind(kind);

	if (k == NULL)
		return JZ_ERR_ARGUMENT;
	for (size_t i = 0; k->fields[i] != NO_FIELD; i++) {
		uint8_t id = k->fields[i] & (uint8_t)~OPT;
		bool opt = (k->fields[i] & OPT) != 0;
		const struct jz_field field = {FIELDS[id].tag,
		    opt ? 0 : FIELDS[id].min, FIELDS[id].max, FIELD_NAMES[id]};

		each(&field, arg);
	}
	return 0;
}
