/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of the e-signature card, field by field.
 */
#include "esign.h"

#include <string.h>

#include "error.h"
#include "tlv.h"

#define EPHEMERAL 64 /* a public key without its 04 */

/* ---- fields ------------------------------------------------------------- */

/* Two bytes BCD, ISO 4217 numeric. */
static uint64_t
currency_to_bcd(uint16_t c)
{
	return (uint64_t)(c / 100 % 10) << 8 | (uint64_t)(c / 10 % 10) << 4 |
	    c % 10;
}

static int
take_currency(struct jz_cursor *c, uint16_t *out)
{
	uint64_t v = 0;

	if (jz_tlv_expect_uint(c, JZ_TAG_CURRENCY, 2, &v) != 0 || v > 0x999 ||
	    (v >> 4 & 0xF) > 9 || (v & 0xF) > 9)
		return JZ_ERR_MESSAGE;
	*out = (uint16_t)((v >> 8) * 100 + (v >> 4 & 0xF) * 10 + (v & 0xF));
	return 0;
}

static bool
fits(struct jz_span s, size_t min, size_t max)
{
	return s.len >= min && s.len <= max;
}

static bool
printable(struct jz_span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] <= 0x20 || s.data[i] > 0x7E)
			return false;
	return true;
}

static void
put_span(struct jz_buffer *out, uint32_t tag, struct jz_span s)
{
	if (s.len > 0)
		jz_tlv_put(out, tag, s.data, s.len);
}

static int
take_span(struct jz_cursor *c, uint32_t tag, size_t min, size_t max,
    struct jz_span *out)
{
	return jz_tlv_expect(c, tag, out) == 0 && fits(*out, min, max)
	    ? 0
	    : JZ_ERR_MESSAGE;
}

/* One that may be absent, but is not there empty. */
static int
take_optional(
    struct jz_cursor *c, uint32_t tag, size_t max, struct jz_span *out)
{
	return jz_tlv_peek(c) == tag ? take_span(c, tag, 1, max, out) : 0;
}

static int
take_u8(struct jz_cursor *c, uint32_t tag, uint8_t *out)
{
	return jz_tlv_expect_bytes(c, tag, out, 1);
}

static int
take_u16(struct jz_cursor *c, uint32_t tag, uint16_t *out)
{
	uint64_t v = 0;
	int err = jz_tlv_expect_uint(c, tag, 2, &v);

	*out = (uint16_t)v;
	return err;
}

/* The content of one template and nothing after it. */
static int
open_template(struct jz_span in, uint32_t kind, struct jz_cursor *content)
{
	struct jz_cursor c = jz_cursor(in);
	struct jz_span s = {0};

	if (jz_tlv_expect(&c, kind, &s) != 0 || !jz_cursor_end(&c))
		return JZ_ERR_MESSAGE;
	*content = jz_cursor(s);
	return 0;
}

/* Whether a template has been put whole; else nothing is left of it. */
static int
close_template(struct jz_buffer *out, size_t mark, size_t start)
{
	jz_tlv_close(out, mark);
	if (!out->bad)
		return 0;
	out->len = start;
	return JZ_ERR_SPACE;
}

/* ---- transaction message ------------------------------------------------ */

static bool
order_is_good(const struct jz_esign_order *m)
{
	return fits(m->account, 1, JZ_ACCOUNT_MAX) && printable(m->account) &&
	    m->amount != 0 && m->currency <= 999 &&
	    fits(m->to_account, 1, JZ_ACCOUNT_MAX) &&
	    printable(m->to_account) &&
	    fits(m->to_name, 0, JZ_ESIGN_NAME_MAX) &&
	    fits(m->details, 0, JZ_ESIGN_DETAILS_MAX);
}

int
jz_esign_put_order(const struct jz_esign_order *m, struct jz_buffer *out)
{
	size_t start = out->len, mark;

	if (!order_is_good(m))
		return JZ_ERR_RANGE;
	mark = jz_tlv_open(out, JZ_ESIGN_ORDER);
	put_span(out, JZ_TAG_ACCOUNT, m->account);
	jz_tlv_put_uint(out, JZ_TAG_AMOUNT, m->amount, 8);
	jz_tlv_put_uint(out, JZ_TAG_CURRENCY, currency_to_bcd(m->currency), 2);
	put_span(out, JZ_TAG_TO_ACCOUNT, m->to_account);
	put_span(out, JZ_TAG_TO_NAME, m->to_name);
	put_span(out, JZ_TAG_DETAILS, m->details);
	return close_template(out, mark, start);
}

int
jz_esign_get_order(struct jz_span in, struct jz_esign_order *out)
{
	struct jz_cursor c;

	memset(out, 0, sizeof(*out));
	if (open_template(in, JZ_ESIGN_ORDER, &c) == 0 &&
	    jz_tlv_expect(&c, JZ_TAG_ACCOUNT, &out->account) == 0 &&
	    jz_tlv_expect_uint(&c, JZ_TAG_AMOUNT, 8, &out->amount) == 0 &&
	    take_currency(&c, &out->currency) == 0 &&
	    jz_tlv_expect(&c, JZ_TAG_TO_ACCOUNT, &out->to_account) == 0 &&
	    take_optional(
		&c, JZ_TAG_TO_NAME, JZ_ESIGN_NAME_MAX, &out->to_name) == 0 &&
	    take_optional(
		&c, JZ_TAG_DETAILS, JZ_ESIGN_DETAILS_MAX, &out->details) == 0 &&
	    jz_cursor_end(&c) && order_is_good(out))
		return 0;
	memset(out, 0, sizeof(*out));
	return JZ_ERR_MESSAGE;
}

/* ---- signature ---------------------------------------------------------- */

bool
jz_esign_is_mode(uint32_t kind)
{
	return kind >= JZ_ESIGN_DIRECT && kind <= JZ_ESIGN_SEPARATE;
}

bool
jz_esign_binds_password(uint32_t kind)
{
	return kind == JZ_ESIGN_DIRECT || kind == JZ_ESIGN_DIGESTS;
}

bool
jz_scheme_is_good(uint32_t kind, uint8_t scheme)
{
	const unsigned known =
	    JZ_SCHEME_DIGESTS | JZ_SCHEME_SYMMETRIC | JZ_SCHEME_BARE;

	return (scheme & ~known) == 0 &&
	    ((scheme & JZ_SCHEME_DIGESTS) != 0 || kind == JZ_ESIGN_SEPARATE);
}

bool
jz_esign_guessable(uint32_t kind, uint8_t scheme)
{
	if ((scheme & JZ_SCHEME_BARE) == 0)
		return false;
	switch (kind) {
	case JZ_ESIGN_DIRECT:
		return true;
	case JZ_ESIGN_DIGESTS:
		/* A keyed digest is as unknown as a random number. */
		return (scheme & JZ_SCHEME_DIGESTS) == JZ_SCHEME_HASH;
	case JZ_ESIGN_SIGNATURE:
	case JZ_ESIGN_SEALED_DIGEST:
		return (scheme & JZ_SCHEME_SYMMETRIC) == 0;
	default: /* the card's static key is in the encryption */
		return false;
	}
}

size_t
jz_joint_sealed_bytes(uint8_t scheme, size_t len)
{
	size_t n = JZ_JOINT_SEALED_BYTES(len);

	if ((scheme & JZ_SCHEME_SYMMETRIC) != 0)
		n -= EPHEMERAL;
	return (scheme & JZ_SCHEME_BARE) != 0 ? n - JZ_JOINT_RANDOM_BYTES : n;
}

static bool
sealed_fits(const struct jz_esign_signature *m)
{
	return jz_scheme_is_good(m->kind, m->scheme) &&
	    fits(m->sealed, jz_joint_sealed_bytes(m->scheme, JZ_JOINT_MIN),
		jz_joint_sealed_bytes(m->scheme, JZ_JOINT_MAX));
}

void
jz_esign_put_head(const struct jz_esign_signature *m, struct jz_buffer *out)
{
	jz_tlv_put(out, JZ_TAG_CARD_ID, m->card_id, sizeof(m->card_id));
	jz_tlv_put_uint(out, JZ_TAG_PAYER_COUNTER, m->counter, 4);
	jz_tlv_put(out, JZ_TAG_NONCE, m->nonce, sizeof(m->nonce));
	jz_tlv_put_uint(out, JZ_TAG_KEY_VERSION, m->key_version, 1);
	jz_tlv_put_uint(out, JZ_TAG_SCHEME, m->scheme, 1);
}

int
jz_esign_put_signature(
    const struct jz_esign_signature *m, struct jz_buffer *out)
{
	size_t start = out->len, mark;

	if (!jz_esign_is_mode(m->kind) || !sealed_fits(m))
		return JZ_ERR_RANGE;
	mark = jz_tlv_open(out, m->kind);
	jz_esign_put_head(m, out);
	put_span(out, JZ_TAG_SEALED, m->sealed);
	jz_tlv_put(out, JZ_TAG_SIGNATURE, m->signature, sizeof(m->signature));
	return close_template(out, mark, start);
}

int
jz_esign_get_signature(struct jz_span in, struct jz_esign_signature *out)
{
	struct jz_cursor c = jz_cursor(in);
	uint32_t kind = jz_tlv_peek(&c);
	uint64_t counter = 0;

	memset(out, 0, sizeof(*out));
	out->kind = (enum jz_esign_kind)kind;
	if (jz_esign_is_mode(kind) && open_template(in, kind, &c) == 0 &&
	    jz_tlv_expect_bytes(
		&c, JZ_TAG_CARD_ID, out->card_id, sizeof(out->card_id)) == 0 &&
	    jz_tlv_expect_uint(&c, JZ_TAG_PAYER_COUNTER, 4, &counter) == 0 &&
	    jz_tlv_expect_bytes(
		&c, JZ_TAG_NONCE, out->nonce, sizeof(out->nonce)) == 0 &&
	    take_u8(&c, JZ_TAG_KEY_VERSION, &out->key_version) == 0 &&
	    take_u8(&c, JZ_TAG_SCHEME, &out->scheme) == 0 &&
	    jz_tlv_expect(&c, JZ_TAG_SEALED, &out->sealed) == 0 &&
	    sealed_fits(out) &&
	    jz_tlv_expect_bytes(&c, JZ_TAG_SIGNATURE, out->signature,
		sizeof(out->signature)) == 0 &&
	    jz_cursor_end(&c)) {
		out->counter = (uint32_t)counter;
		return 0;
	}
	memset(out, 0, sizeof(*out));
	return JZ_ERR_MESSAGE;
}

/* ---- submission --------------------------------------------------------- */

int
jz_esign_put_submission(
    const struct jz_esign_submission *m, struct jz_buffer *out)
{
	size_t start = out->len, mark;

	if (!fits(m->typed, 1, JZ_JOINT_MAX) ||
	    !fits(m->order, 1, JZ_ESIGN_ORDER_MAX) ||
	    !fits(m->signature, 1, JZ_ESIGN_SIGNATURE_MAX))
		return JZ_ERR_RANGE;
	mark = jz_tlv_open(out, JZ_ESIGN_SUBMISSION);
	jz_put(out, m->order.data, m->order.len);
	jz_put(out, m->signature.data, m->signature.len);
	put_span(out, JZ_TAG_TYPED, m->typed);
	return close_template(out, mark, start);
}

/* The next object, whole. */
static int
take_whole(struct jz_cursor *c, uint32_t tag, size_t max, struct jz_span *out)
{
	struct jz_tlv t;

	if (jz_tlv_next(c, &t) != 0 || t.tag != tag || t.whole.len > max)
		return JZ_ERR_MESSAGE;
	*out = t.whole;
	return 0;
}

int
jz_esign_get_submission(struct jz_span in, struct jz_esign_submission *out)
{
	struct jz_cursor c;

	memset(out, 0, sizeof(*out));
	if (open_template(in, JZ_ESIGN_SUBMISSION, &c) == 0 &&
	    take_whole(&c, JZ_ESIGN_ORDER, JZ_ESIGN_ORDER_MAX, &out->order) ==
		0 &&
	    jz_esign_is_mode(jz_tlv_peek(&c)) &&
	    take_whole(&c, jz_tlv_peek(&c), JZ_ESIGN_SIGNATURE_MAX,
		&out->signature) == 0 &&
	    take_span(&c, JZ_TAG_TYPED, 1, JZ_JOINT_MAX, &out->typed) == 0 &&
	    jz_cursor_end(&c))
		return 0;
	memset(out, 0, sizeof(*out));
	return JZ_ERR_MESSAGE;
}

/* ---- personalisation ---------------------------------------------------- */

int
jz_esign_put_profile(const struct jz_esign_profile *m, struct jz_buffer *out)
{
	size_t start = out->len, mark;

	if (!fits(m->pin, 2, JZ_PIN_BYTES_MAX) || m->currency > 999)
		return JZ_ERR_RANGE;
	mark = jz_tlv_open(out, JZ_ESIGN_PERSONALISATION);
	jz_tlv_put_uint(out, JZ_TAG_MODE, m->mode, 1);
	jz_tlv_put_uint(out, JZ_TAG_SCHEME, m->scheme, 1);
	jz_tlv_put_uint(out, JZ_TAG_JOINT_LENGTH, m->length, 1);
	jz_tlv_put_uint(out, JZ_TAG_ALPHABET, m->alphabet, 1);
	jz_tlv_put_uint(out, JZ_TAG_ESIGN_FLAGS, m->flags, 1);
	jz_tlv_put_uint(out, JZ_TAG_CURRENCY, currency_to_bcd(m->currency), 2);
	jz_tlv_put_uint(out, JZ_TAG_PIN_ABOVE, m->pin_above, 8);
	jz_tlv_put_uint(out, JZ_TAG_WAIT, m->wait_s, 2);
	jz_tlv_put_uint(out, JZ_TAG_SHOW, m->show_s, 2);
	jz_tlv_put_uint(out, JZ_TAG_LANGUAGE, m->language, 1);
	put_span(out, JZ_TAG_PIN, m->pin);
	jz_tlv_put_uint(out, JZ_TAG_PIN_LIMIT, m->pin_limit, 1);
	jz_tlv_put_uint(out, JZ_TAG_KEY_VERSION, m->key_version, 1);
	jz_tlv_put(
	    out, JZ_TAG_ISSUER_KEY, m->issuer_key, sizeof(m->issuer_key));
	return close_template(out, mark, start);
}

int
jz_esign_get_profile(struct jz_span in, struct jz_esign_profile *out)
{
	struct jz_cursor c;

	memset(out, 0, sizeof(*out));
	if (open_template(in, JZ_ESIGN_PERSONALISATION, &c) == 0 &&
	    take_u8(&c, JZ_TAG_MODE, &out->mode) == 0 &&
	    take_u8(&c, JZ_TAG_SCHEME, &out->scheme) == 0 &&
	    take_u8(&c, JZ_TAG_JOINT_LENGTH, &out->length) == 0 &&
	    take_u8(&c, JZ_TAG_ALPHABET, &out->alphabet) == 0 &&
	    take_u8(&c, JZ_TAG_ESIGN_FLAGS, &out->flags) == 0 &&
	    take_currency(&c, &out->currency) == 0 &&
	    jz_tlv_expect_uint(&c, JZ_TAG_PIN_ABOVE, 8, &out->pin_above) == 0 &&
	    take_u16(&c, JZ_TAG_WAIT, &out->wait_s) == 0 &&
	    take_u16(&c, JZ_TAG_SHOW, &out->show_s) == 0 &&
	    take_u8(&c, JZ_TAG_LANGUAGE, &out->language) == 0 &&
	    take_span(&c, JZ_TAG_PIN, 2, JZ_PIN_BYTES_MAX, &out->pin) == 0 &&
	    take_u8(&c, JZ_TAG_PIN_LIMIT, &out->pin_limit) == 0 &&
	    take_u8(&c, JZ_TAG_KEY_VERSION, &out->key_version) == 0 &&
	    jz_tlv_expect_bytes(&c, JZ_TAG_ISSUER_KEY, out->issuer_key,
		sizeof(out->issuer_key)) == 0 &&
	    jz_cursor_end(&c))
		return 0;
	memset(out, 0, sizeof(*out));
	return JZ_ERR_MESSAGE;
}

/* ---- information -------------------------------------------------------- */

int
jz_esign_put_info(const struct jz_esign_info *m, struct jz_buffer *out)
{
	size_t start = out->len, mark;

	mark = jz_tlv_open(out, JZ_ESIGN_INFO);
	jz_tlv_put_uint(out, JZ_TAG_STATE, m->state, 1);
	jz_tlv_put(out, JZ_TAG_CARD_ID, m->card_id, sizeof(m->card_id));
	jz_tlv_put_uint(out, JZ_TAG_MODE, m->mode, 1);
	jz_tlv_put_uint(out, JZ_TAG_SCHEME, m->scheme, 1);
	jz_tlv_put_uint(out, JZ_TAG_JOINT_LENGTH, m->length, 1);
	jz_tlv_put_uint(out, JZ_TAG_ALPHABET, m->alphabet, 1);
	jz_tlv_put_uint(out, JZ_TAG_KEY_VERSION, m->key_version, 1);
	return close_template(out, mark, start);
}

int
jz_esign_get_info(struct jz_span in, struct jz_esign_info *out)
{
	struct jz_cursor c;

	memset(out, 0, sizeof(*out));
	if (open_template(in, JZ_ESIGN_INFO, &c) == 0 &&
	    take_u8(&c, JZ_TAG_STATE, &out->state) == 0 &&
	    jz_tlv_expect_bytes(
		&c, JZ_TAG_CARD_ID, out->card_id, sizeof(out->card_id)) == 0 &&
	    take_u8(&c, JZ_TAG_MODE, &out->mode) == 0 &&
	    take_u8(&c, JZ_TAG_SCHEME, &out->scheme) == 0 &&
	    take_u8(&c, JZ_TAG_JOINT_LENGTH, &out->length) == 0 &&
	    take_u8(&c, JZ_TAG_ALPHABET, &out->alphabet) == 0 &&
	    take_u8(&c, JZ_TAG_KEY_VERSION, &out->key_version) == 0 &&
	    jz_cursor_end(&c))
		return 0;
	memset(out, 0, sizeof(*out));
	return JZ_ERR_MESSAGE;
}
