/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The purse's commands as functions: JR/T 0025 part 2 (INITIALIZE FOR LOAD,
 * CREDIT FOR LOAD, GET BALANCE, SFI 18), ISO/IEC 7816-4:2013 (SELECT, VERIFY,
 * GET DATA, READ RECORD), 7816-8 (GENERATE ASYMMETRIC KEY PAIR, which here
 * reads the public key), and our own, one for each message.
 *
 * What a card answers is checked to have the shape that it must have; whether
 * it is true, the other card and the issuer judge.
 */
#include "purse.h"

#include <string.h>

#include "../apdu/time.h"
#include "../apdu/tlv.h"
#include "../keys/secret.h"

#define CLA_ISO	       0x00
#define CLA_PURSE      0x80
#define INS_SELECT     0xA4
#define P1_BY_NAME     0x04
#define P2_PURSE       0x02 /* electronic purse, not passbook */
#define P1_READ_KEY    0x81
#define P1_LOAD	       0x00
#define P1_UNLOAD      0x05
#define P1_DEBIT       0x03
#define P1_ACKNOWLEDGE 0x04
#define P1_FETCH       0x73
#define P2_CERTIFICATE 0xBE /* data objects of a certificate */
#define P1_SHORT_FILE  0x80 /* with the file's SFI */

#define KEY_INDEX	0x01
#define PIN_DIGITS_MIN	4u
#define PIN_DIGITS_MAX	(2u * JZ_PIN_BYTES_MAX)
#define BALANCE_BYTES	4u
#define OVERDRAFT_BYTES 3u
/* balance 4, counter 2, key version 1, algorithm 1, random 4 */
#define LOAD_FIELDS_BYTES 12u
/* PBOC amounts have four bytes, and terminals take them as signed. */
#define AMOUNT_MAX     0x7FFFFFFFu
#define TERMS_MAX      160u /* with a hello */
#define AMOUNT_OBJECT  10u
#define TAG_PUBLIC_KEY 0x7F49
#define TAG_POINT      0x86

static const struct jz_span nothing = {NULL, 0};

/* Sends a purse command and copies the answer out. */
static int
carry_once(struct jz_session *s, uint8_t ins, uint8_t p1, struct jz_span in,
    struct jz_buffer *out)
{
	struct jz_answer a;
	int err = jz_session_command(s, CLA_PURSE, ins, p1, 0, in, &a);

	if (err != 0)
		return err;
	jz_put(out, a.data.data, a.data.len);
	return out->bad ? JZ_ERR_SPACE : 0;
}

int
jz_purse_show(struct jz_session *s, struct jz_span certificate)
{
	struct jz_cursor c = jz_cursor(certificate);
	struct jz_answer a;
	struct jz_span v;

	if (jz_tlv_expect(&c, JZ_TAG_CERTIFICATE, &v) != 0 ||
	    !jz_cursor_end(&c))
		return JZ_ERR_RANGE;
	return jz_session_command(
	    s, CLA_ISO, JZ_INS_PERFORM, 0x00, P2_CERTIFICATE, v, &a);
}

/* The card has nothing to do with this certificate; the next may be it. */
static bool
unwanted(int err)
{
	return err == JZ_ERR_RANGE || err == JZ_ERR_STATUS ||
	    (err <= JZ_ERR_CERT_MALFORMED && err >= JZ_ERR_CERT_SUITE);
}

/*
 * Once more for each certificate that the card comes to believe, as long as it
 * misses one.  A command refused with 9425 has changed nothing.
 */
static int
carry(struct jz_session *s, uint8_t ins, uint8_t p1, struct jz_span in,
    struct jz_buffer *out)
{
	int err = carry_once(s, ins, p1, in, out);

	for (size_t k = 0; err == JZ_ERR_CERT_ISSUER && k < s->known.n; k++) {
		int shown = jz_purse_show(s, s->known.certificate[k]);

		if (shown == 0)
			err = carry_once(s, ins, p1, in, out);
		else if (!unwanted(shown))
			return shown;
		else
			s->sw = JZ_SW_CERT_ISSUER;
	}
	return err;
}

/* A message of this kind, or one that only the issuer can read. */
static bool
is_kind(struct jz_span in, enum jz_kind kind)
{
	enum jz_kind found = jz_message_peek(in);

	return found == kind ||
	    (found == JZ_KIND_ONLINE_SEALED &&
		(kind == JZ_KIND_LOAD_REQUEST || kind == JZ_KIND_LOAD_REPORT));
}

/* As carry, and the answer must begin with a message of this kind. */
static int
carry_message(struct jz_session *s, uint8_t ins, uint8_t p1, struct jz_span in,
    enum jz_kind kind, struct jz_buffer *out)
{
	size_t before = out->len;
	int err = carry(s, ins, p1, in, out);

	if (err != 0)
		return err;
	return is_kind(jz_span(out->data + before, out->len - before), kind)
	    ? 0
	    : JZ_ERR_ANSWER;
}

struct jz_span
jz_purse_aid(const struct jz_session *s)
{
	static const uint8_t aid[JZ_AID_PURSE_BYTES] = JZ_AID_PURSE;

	return s->purse_len != 0 ? jz_span(s->purse, s->purse_len)
				 : jz_span(aid, sizeof(aid));
}

int
jz_purse_select(struct jz_session *s)
{
	struct jz_answer a;

	return jz_session_command(
	    s, CLA_ISO, INS_SELECT, P1_BY_NAME, 0, jz_purse_aid(s), &a);
}

int
jz_purse_info(struct jz_session *s, struct jz_purse_info *out)
{
	struct jz_answer a;
	struct jz_message m;
	int err;

	memset(out, 0, sizeof(*out));
	err = jz_session_command(
	    s, CLA_ISO, JZ_INS_GET_DATA, 0xFF, 0x61, nothing, &a);
	if (err != 0)
		return err;
	if (jz_message_decode(a.data, JZ_KIND_PURSE_INFO, &m) != 0)
		return JZ_ERR_ANSWER;
	out->state = m.state;
	memcpy(out->id, m.card_id, sizeof(out->id));
	memcpy(out->asn, m.asn, sizeof(out->asn));
	out->currency = m.payment.currency;
	out->balance_minor = m.balance;
	out->max_balance_minor = m.max_balance;
	out->max_single_minor = m.max_single;
	out->online_counter = m.online_counter;
	out->offline_counter = m.payment.payee_counter;
	out->next_record = m.record;
	out->unsettled = m.count;
	out->capacity = m.capacity;
	out->list_version = m.list_version;
	out->profile = m.profile;
	return 0;
}

int
jz_purse_balance(struct jz_session *s, uint64_t *minor)
{
	struct jz_answer a;
	int err;

	*minor = 0;
	err = jz_session_command(
	    s, CLA_PURSE, JZ_INS_GET_BALANCE, 0, P2_PURSE, nothing, &a);
	if (err != 0)
		return err;
	if (a.data.len != BALANCE_BYTES)
		return JZ_ERR_ANSWER;
	*minor = jz_get_be(a.data.data, BALANCE_BYTES);
	return 0;
}

int
jz_purse_suite(struct jz_session *s, uint8_t *suite)
{
	struct jz_answer a;
	int err = jz_session_command(s, CLA_ISO, JZ_INS_READ_BINARY,
	    P1_SHORT_FILE | JZ_SFI_PUBLIC, 0, nothing, &a);

	*suite = 0;
	if (err != 0)
		return err;
	if (a.data.len != JZ_PUBLIC_BYTES)
		return JZ_ERR_ANSWER;
	*suite = a.data.data[JZ_PUBLIC_BYTES - 1];
	return 0;
}

int
jz_purse_certificate(struct jz_session *s, uint8_t *out, size_t *len)
{
	struct jz_buffer b = jz_buffer(out, *len);
	struct jz_answer a;
	int err;

	*len = 0;
	err = jz_session_command(
	    s, CLA_ISO, JZ_INS_GET_DATA, 0x7F, 0x21, nothing, &a);
	if (err != 0)
		return err;
	jz_put(&b, a.data.data, a.data.len);
	if (b.bad)
		return JZ_ERR_SPACE;
	*len = b.len;
	return 0;
}

int
jz_pin_to_bcd(const struct jz_secret *secret,
    uint8_t out[static JZ_PIN_BYTES_MAX], size_t *len)
{
	const uint8_t *pin = jz_secret_span(secret).data;
	size_t n = secret->len, i;

	*len = 0;
	if (n < PIN_DIGITS_MIN || n > PIN_DIGITS_MAX)
		return JZ_ERR_ARGUMENT;
	for (i = 0; i < n; i++)
		if (pin[i] < '0' || pin[i] > '9')
			return JZ_ERR_ARGUMENT;
	memset(out, 0xFF, JZ_PIN_BYTES_MAX);
	for (i = 0; i < n; i++) {
		unsigned d = (unsigned)(pin[i] - '0');

		if (i % 2 == 0)
			out[i / 2] = (uint8_t)(d << 4 | 0x0F);
		else
			out[i / 2] = (uint8_t)((out[i / 2] & 0xF0) | d);
	}
	*len = (n + 1) / 2;
	return 0;
}

int
jz_purse_verify_pin(
    struct jz_session *s, const struct jz_secret *pin, unsigned *tries_left)
{
	uint8_t bcd[JZ_PIN_BYTES_MAX];
	struct jz_answer a;
	size_t len;
	int err;

	*tries_left = 0;
	err = jz_pin_to_bcd(pin, bcd, &len);
	if (err != 0)
		goto out;
	err = jz_session_command(s, CLA_ISO, JZ_INS_VERIFY, 0, JZ_PIN_REFERENCE,
	    jz_span(bcd, len), &a);
	if (err == JZ_ERR_PIN)
		*tries_left = s->sw & 0x0Fu;
out:
	jz_wipe(bcd, sizeof(bcd));
	return err;
}

static int
parse_log_line(struct jz_span record, struct jz_log_line *out)
{
	struct jz_cursor c = jz_cursor(record);
	uint8_t when[JZ_TIME_BYTES];

	out->serial = jz_take_u16(&c);
	(void)jz_take(&c, OVERDRAFT_BYTES);
	out->amount_minor = jz_take_u32(&c);
	out->type = jz_take_u8(&c);
	jz_take_bytes(&c, out->terminal, sizeof(out->terminal));
	jz_take_bytes(&c, when, sizeof(when));
	if (!jz_cursor_end(&c) || jz_time_from_bcd(when, &out->time) != 0)
		return JZ_ERR_ANSWER;
	return 0;
}

int
jz_purse_log(struct jz_session *s, struct jz_log_line *out, size_t *n)
{
	size_t cap = *n < JZ_LOG_RECORDS ? *n : JZ_LOG_RECORDS;
	struct jz_answer a;
	int err = 0;

	for (*n = 0; *n < cap; (*n)++) {
		err = jz_session_send(s, CLA_ISO, JZ_INS_READ_RECORD,
		    (uint8_t)(*n + 1), JZ_SFI_LOG << 3 | 4, nothing, &a);
		if (err == 0 && a.sw == JZ_SW_RECORD)
			return 0;
		if (err == 0)
			err = jz_status_error(a.sw);
		if (err == 0)
			err = parse_log_line(a.data, &out[*n]);
		if (err != 0)
			break;
	}
	return err;
}

/* ---- its key ------------------------------------------------------------ */

int
jz_purse_parse_key(
    struct jz_span answer, uint8_t public_key[static JZ_POINT_BYTES])
{
	struct jz_cursor c = jz_cursor(answer), in;
	struct jz_span inner;

	memset(public_key, 0, JZ_POINT_BYTES);
	if (jz_tlv_expect(&c, TAG_PUBLIC_KEY, &inner) != 0 ||
	    !jz_cursor_end(&c))
		return JZ_ERR_ANSWER;
	in = jz_cursor(inner);
	if (jz_tlv_expect_bytes(&in, TAG_POINT, public_key, JZ_POINT_BYTES) !=
		0 ||
	    !jz_cursor_end(&in)) {
		memset(public_key, 0, JZ_POINT_BYTES);
		return JZ_ERR_ANSWER;
	}
	return 0;
}

int
jz_purse_public_key(
    struct jz_session *s, uint8_t public_key[static JZ_POINT_BYTES])
{
	struct jz_answer a;
	int err = jz_session_command(
	    s, CLA_ISO, JZ_INS_GENERATE_KEY, P1_READ_KEY, 0, nothing, &a);

	memset(public_key, 0, JZ_POINT_BYTES);
	return err != 0 ? err : jz_purse_parse_key(a.data, public_key);
}

/* ---- offline payment ---------------------------------------------------- */

int
jz_purse_request(
    struct jz_session *payee, const struct jz_terms *t, struct jz_buffer *out)
{
	uint8_t data[TERMS_MAX], when[JZ_TIME_BYTES];
	struct jz_buffer b = jz_buffer(data, sizeof(data));
	size_t n = t->reference != NULL ? strlen(t->reference) : 0;

	if (n > JZ_REFERENCE_MAX || t->amount_minor == 0 ||
	    t->amount_minor > AMOUNT_MAX || t->currency > 9999)
		return JZ_ERR_RANGE;
	jz_tlv_put_uint(&b, JZ_TAG_AMOUNT, t->amount_minor, 8);
	jz_tlv_put_uint(&b, JZ_TAG_CURRENCY,
	    (uint64_t)(t->currency / 1000 % 10) << 12 |
		(uint64_t)(t->currency / 100 % 10) << 8 |
		(uint64_t)(t->currency / 10 % 10) << 4 | t->currency % 10,
	    2);
	jz_time_to_bcd(t->time, when);
	jz_tlv_put(&b, JZ_TAG_TIME, when, sizeof(when));
	if (n > 0)
		jz_tlv_put(&b, JZ_TAG_REFERENCE, t->reference, n);
	if (t->refund_of != 0)
		jz_tlv_put_uint(&b, JZ_TAG_REFUND_OF, t->refund_of, 4);
	jz_put(&b, t->hello.data, t->hello.len);
	if (b.bad)
		return JZ_ERR_SPACE;
	return carry_message(payee, JZ_INS_REQUEST,
	    t->id_alone ? JZ_ID_ALONE : JZ_WITH_CERTIFICATE, jz_buffer_span(&b),
	    t->hello.len != 0 ? JZ_KIND_SEALED : JZ_KIND_REQUEST, out);
}

int
jz_purse_hello(struct jz_session *payer, struct jz_buffer *out)
{
	return carry_message(
	    payer, JZ_INS_HELLO, 0, nothing, JZ_KIND_HELLO, out);
}

int
jz_purse_agree_to(struct jz_session *payer, struct jz_span request,
    const struct jz_consent *consent, struct jz_buffer *out)
{
	uint8_t data[AMOUNT_OBJECT + JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(data, sizeof(data));
	const size_t len = out->len;
	int err;

	if (consent->amount_minor != 0)
		jz_tlv_put_uint(&b, JZ_TAG_AMOUNT, consent->amount_minor, 8);
	jz_put(&b, request.data, request.len);
	if (b.bad)
		return JZ_ERR_RANGE;
	do {
		out->len = len;
		err = carry_message(payer, JZ_INS_AGREE,
		    consent->id_alone ? JZ_ID_ALONE : JZ_WITH_CERTIFICATE,
		    jz_buffer_span(&b), JZ_KIND_SEALED, out);
	} while (err == JZ_ERR_STATUS && payer->sw == JZ_SW_CONFIRM &&
	    consent->confirmed != NULL &&
	    consent->confirmed(consent->confirmed_arg));
	return err;
}

int
jz_purse_agree(
    struct jz_session *payer, struct jz_span request, struct jz_buffer *out)
{
	const struct jz_consent none = {0};

	return jz_purse_agree_to(payer, request, &none, out);
}

int
jz_purse_confirm(
    struct jz_session *payee, struct jz_span agreement, struct jz_buffer *out)
{
	return carry_message(
	    payee, JZ_INS_CONFIRM, 0, agreement, JZ_KIND_SEALED, out);
}

int
jz_purse_complete(struct jz_session *payer, struct jz_span confirmation,
    struct jz_buffer *out)
{
	return carry_message(
	    payer, JZ_INS_COMPLETE, 0, confirmation, JZ_KIND_SEALED, out);
}

int
jz_purse_credit(
    struct jz_session *payee, struct jz_span completion, struct jz_buffer *out)
{
	return carry_message(
	    payee, JZ_INS_CREDIT, 0, completion, JZ_KIND_SEALED, out);
}

int
jz_purse_credit_relayed(struct jz_session *payee, struct jz_span completion)
{
	struct jz_answer a;

	return jz_session_command(
	    payee, CLA_PURSE, JZ_INS_CREDIT, 0, 0, completion, &a);
}

int
jz_purse_acknowledge(struct jz_session *payer, struct jz_span receipt)
{
	struct jz_answer a;

	return jz_session_command(
	    payer, CLA_PURSE, JZ_INS_ACKNOWLEDGE, 0, 0, receipt, &a);
}

int
jz_purse_fetch_completion(struct jz_session *payer,
    const uint8_t request_digest[static JZ_DIGEST_BYTES], struct jz_buffer *out)
{
	uint8_t data[2 + JZ_DIGEST_BYTES];
	struct jz_buffer b = jz_buffer(data, sizeof(data));

	jz_tlv_put(&b, JZ_TAG_REQUEST_DIGEST, request_digest, JZ_DIGEST_BYTES);
	return carry_message(payer, JZ_INS_FETCH, P1_FETCH, jz_buffer_span(&b),
	    JZ_KIND_SEALED, out);
}

/* ---- load --------------------------------------------------------------- */

/* INITIALIZE FOR LOAD and FOR UNLOAD. */
static int
initialize(struct jz_session *s, uint8_t p1, enum jz_kind kind,
    uint64_t amount_minor, const uint8_t terminal[static JZ_TERMINAL_BYTES],
    struct jz_buffer *out)
{
	uint8_t data[1 + 4 + JZ_TERMINAL_BYTES];
	struct jz_buffer b = jz_buffer(data, sizeof(data));
	struct jz_cursor c;
	struct jz_answer a;
	int err;

	if (amount_minor == 0 || amount_minor > AMOUNT_MAX)
		return JZ_ERR_RANGE;
	jz_put_u8(&b, KEY_INDEX);
	jz_put_u32(&b, (uint32_t)amount_minor);
	jz_put(&b, terminal, JZ_TERMINAL_BYTES);
	err = jz_session_command(s, CLA_PURSE, JZ_INS_INITIALIZE, p1, P2_PURSE,
	    jz_buffer_span(&b), &a);
	if (err != 0)
		return err;
	/* The field's own fields stand in the signed template once more. */
	c = jz_cursor(a.data);
	(void)jz_take(&c, LOAD_FIELDS_BYTES);
	if (c.bad || !is_kind(jz_span(c.data, c.len), kind))
		return JZ_ERR_ANSWER;
	jz_put(out, c.data, c.len);
	return out->bad ? JZ_ERR_SPACE : 0;
}

/* Date and time of JR/T 0025, then the permission. */
static int
permission_data(
    struct jz_span permission, enum jz_kind kind, struct jz_buffer *out)
{
	bool sealed = kind == JZ_KIND_LOAD_PERMISSION &&
	    jz_message_peek(permission) == JZ_KIND_ONLINE_SEALED;
	uint8_t when[JZ_TIME_BYTES] = {0};
	struct jz_message m;

	if (!sealed && jz_message_decode(permission, kind, &m) != 0)
		return JZ_ERR_MESSAGE;
	/* What the terminal cannot read is not known to it. */
	if (!sealed)
		jz_time_to_bcd(m.payment.time, when);
	jz_put(out, when, sizeof(when));
	jz_put(out, permission.data, permission.len);
	return out->bad ? JZ_ERR_SPACE : 0;
}

int
jz_purse_load_request(struct jz_session *s, uint64_t amount_minor,
    const uint8_t terminal[static JZ_TERMINAL_BYTES], struct jz_buffer *out)
{
	return initialize(
	    s, P1_LOAD, JZ_KIND_LOAD_REQUEST, amount_minor, terminal, out);
}

int
jz_purse_credit_for_load(
    struct jz_session *s, struct jz_span permission, struct jz_buffer *report)
{
	uint8_t data[JZ_TIME_BYTES + JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(data, sizeof(data));
	int err = permission_data(permission, JZ_KIND_LOAD_PERMISSION, &b);

	return err != 0 ? err
			: carry_message(s, JZ_INS_CREDIT_FOR_LOAD, 0,
			      jz_buffer_span(&b), JZ_KIND_LOAD_REPORT, report);
}

/* CREDIT FOR LOAD with a permission that fits none; its SW. */
static int
probe(struct jz_session *s, const struct jz_message *none, uint16_t *sw)
{
	uint8_t data[JZ_TIME_BYTES + JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(data, sizeof(data));
	static const uint8_t unknown[JZ_TIME_BYTES];
	struct jz_answer a = {0};
	int err;

	jz_put(&b, unknown, sizeof(unknown));
	err = jz_message_encode(none, JZ_SIGNED, &b);
	if (err == 0)
		err = jz_session_send(s, CLA_PURSE, JZ_INS_CREDIT_FOR_LOAD, 0,
		    0, jz_buffer_span(&b), &a);
	*sw = a.sw;
	return err;
}

int
jz_purse_load_open(struct jz_session *s, bool *open)
{
	static const uint8_t no_seal[17];
	const struct jz_message clear = {.kind = JZ_KIND_LOAD_PERMISSION};
	const struct jz_message sealed = {.kind = JZ_KIND_ONLINE_SEALED,
	    .sealed = {no_seal, sizeof(no_seal)}};
	uint16_t sw;
	int err = probe(s, &clear, &sw);

	/* A card whose loads are enciphered takes none in clear. */
	if (err == 0 && sw == JZ_SW_DATA)
		err = probe(s, &sealed, &sw);
	*open = err == 0 && (sw == JZ_SW_MISMATCH || sw == JZ_SW_DECRYPT);
	/* 6985 comes before anything in it is compared with a load. */
	if (err != 0 || *open || sw == JZ_SW_CONDITIONS)
		return err;
	return sw == JZ_SW_OK ? JZ_ERR_ANSWER : jz_status_error(sw);
}

int
jz_purse_cancel_load(struct jz_session *s, struct jz_buffer *proof)
{
	int err = carry_message(
	    s, JZ_INS_CANCEL_LOAD, 0, nothing, JZ_KIND_LOAD_CANCEL, proof);

	if (err == JZ_ERR_STATUS && s->sw == JZ_SW_CONDITIONS)
		return JZ_ERR_NOT_FOUND;
	return err;
}

/* ---- unload ------------------------------------------------------------- */

int
jz_purse_unload_request(struct jz_session *s, uint64_t amount_minor,
    const uint8_t terminal[static JZ_TERMINAL_BYTES], struct jz_buffer *out)
{
	return initialize(
	    s, P1_UNLOAD, JZ_KIND_UNLOAD_REQUEST, amount_minor, terminal, out);
}

int
jz_purse_debit_for_unload(
    struct jz_session *s, struct jz_span permission, struct jz_buffer *proof)
{
	uint8_t data[JZ_TIME_BYTES + JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(data, sizeof(data));
	int err = permission_data(permission, JZ_KIND_UNLOAD_PERMISSION, &b);

	return err != 0 ? err
			: carry_message(s, JZ_INS_DEBIT_FOR_UNLOAD, P1_DEBIT,
			      jz_buffer_span(&b), JZ_KIND_UNLOAD_PROOF, proof);
}

/* The card's word for "no such thing" here. */
static int
none_of(const struct jz_session *s, int err)
{
	return err == JZ_ERR_STATUS && s->sw == JZ_SW_NO_PAYMENT
	    ? JZ_ERR_NOT_FOUND
	    : err;
}

int
jz_purse_fetch_unload(struct jz_session *s, struct jz_buffer *proof)
{
	return none_of(s,
	    carry_message(s, JZ_INS_FETCH, JZ_FETCH_UNLOAD, nothing,
		JZ_KIND_UNLOAD_PROOF, proof));
}

int
jz_purse_acknowledge_unload(struct jz_session *s, struct jz_span acknowledged)
{
	struct jz_buffer none = jz_buffer(NULL, 0);

	return none_of(s,
	    carry(s, JZ_INS_DEBIT_FOR_UNLOAD, P1_ACKNOWLEDGE, acknowledged,
		&none));
}

/* ---- settlement --------------------------------------------------------- */

int
jz_purse_settle(struct jz_session *s, unsigned step, struct jz_span in,
    struct jz_buffer *out)
{
	int err;

	if (step < JZ_SETTLE_SIGN_IN_REQUEST || step > JZ_SETTLE_PROCESSED)
		return JZ_ERR_ARGUMENT;
	err = carry(s, JZ_INS_SETTLE, (uint8_t)step, in, out);
	if (step == JZ_SETTLE_BATCH && err == JZ_ERR_STATUS &&
	    s->sw == JZ_SW_RECORD)
		return JZ_ERR_NOT_FOUND;
	return err;
}

int
jz_purse_put_list(struct jz_session *s, struct jz_span list)
{
	struct jz_buffer none = jz_buffer(NULL, 0);

	return carry(s, JZ_INS_PUT_LIST, 0, list, &none);
}

int
jz_purse_list(struct jz_session *s, struct jz_buffer *list)
{
	struct jz_answer a;
	int err = jz_session_command(s, CLA_ISO, JZ_INS_GET_DATA,
	    JZ_KIND_REVOCATION >> 8, JZ_KIND_REVOCATION & 0xFF, nothing, &a);

	if (err == JZ_ERR_STATUS && s->sw == JZ_SW_REFERENCE)
		return JZ_ERR_NOT_FOUND;
	if (err != 0)
		return err;
	if (jz_message_peek(a.data) != JZ_KIND_REVOCATION)
		return JZ_ERR_ANSWER;
	jz_put(list, a.data.data, a.data.len);
	return list->bad ? JZ_ERR_SPACE : 0;
}
