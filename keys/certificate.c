/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Card-verifiable certificates: BSI TR-03110 part 3, C.1 (profile), D.2
 * (data objects), with our own role object in place of a terminal's rights.
 *
 * There is one encoding of each certificate: objects in order, nothing left
 * over, and no value that two encodings could stand for.
 */
#include "certificate.h"

#include <string.h>

#include "../apdu/error.h"
#include "../apdu/status.h"
#include "../apdu/time.h"
#include "../apdu/tlv.h"
#include "cvc_tags.h"

#define PROFILE_VERSION	   0x00
#define POINT_UNCOMPRESSED 0x04
#define DAY_SECONDS	   86400
#define COUNTRY_LETTERS	   2
#define SEQUENCE_DIGITS	   5
/* Country, at least one letter of a mnemonic, sequence number. */
#define REFERENCE_MIN (COUNTRY_LETTERS + 1 + SEQUENCE_DIGITS)

/*
 * The role object's OID: 2.25.99160136364661274163552937783931666864, an arc
 * that ITU-T X.667 7 gives to the holder of a UUID, ours being
 * 4a998c2e-f392-4480-b640-0634930f81b0.
 */
static const uint8_t ROLE_OID[] = {0x69, 0x81, 0x95, 0x99, 0xC6, 0x8B, 0xDE,
    0xB9, 0x92, 0x92, 0x81, 0xB6, 0xA0, 0x81, 0xC6, 0xC9, 0x98, 0xBE, 0x83,
    0x30};

/*
 * The algorithms we know by name, so that the other suite's certificate is
 * told from a malformed one: ECDSA with SHA-256 (TR-03110), SM2 with SM3
 * (1.2.156.10197.1.501, GM/T 0006).
 */
static const struct {
	uint8_t len;
	uint8_t oid[10];
} ALGORITHMS[] = {
    {10, {0x04, 0x00, 0x7F, 0x00, 0x07, 0x02, 0x02, 0x02, 0x02, 0x03}},
    {8, {0x2A, 0x81, 0x1C, 0xCF, 0x55, 0x01, 0x83, 0x75}},
};

static bool
is_upper(uint8_t c)
{
	return c >= 'A' && c <= 'Z';
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alphanumeric(uint8_t c)
{
	return is_upper(c) || is_digit(c) || (c >= 'a' && c <= 'z');
}

/* Country, mnemonic, sequence number: TR-03110 part 3, A.6.1. */
static bool
reference_valid(struct jz_span r)
{
	bool good = r.len >= REFERENCE_MIN && r.len <= JZ_REFERENCE_BYTES;

	for (size_t i = 0; good && i < r.len; i++) {
		if (i < COUNTRY_LETTERS)
			good = is_upper(r.data[i]);
		else if (i >= r.len - SEQUENCE_DIGITS)
			good = is_digit(r.data[i]);
		else
			good = is_alphanumeric(r.data[i]);
	}
	return good;
}

static size_t
reference_len(const uint8_t ref[static JZ_REFERENCE_BYTES])
{
	size_t len = 0;

	while (len < JZ_REFERENCE_BYTES && ref[len] != 0)
		len++;
	return len;
}

/* The reference as it is written, or nothing when it is not a valid one. */
static struct jz_span
reference_span(const uint8_t ref[static JZ_REFERENCE_BYTES])
{
	struct jz_span r = jz_span(ref, reference_len(ref));

	/* Bytes behind the padding would be lost on the way. */
	for (size_t i = r.len; i < JZ_REFERENCE_BYTES; i++) {
		if (ref[i] != 0)
			return jz_span(NULL, 0);
	}
	return reference_valid(r) ? r : jz_span(NULL, 0);
}

bool
jz_reference_valid(const uint8_t ref[static JZ_REFERENCE_BYTES])
{
	return reference_span(ref).len > 0;
}

static int
take_reference(
    struct jz_cursor *c, uint32_t tag, uint8_t out[static JZ_REFERENCE_BYTES])
{
	struct jz_span r;

	if (jz_tlv_expect(c, tag, &r) != 0 || !reference_valid(r))
		return JZ_ERR_CERT_MALFORMED;
	memset(out, 0, JZ_REFERENCE_BYTES);
	memcpy(out, r.data, r.len);
	return 0;
}

static int
check_algorithm(struct jz_span oid, const struct jz_crypto *crypto)
{
	if (jz_span_equal(oid, jz_span(crypto->oid, crypto->oid_len)))
		return 0;
	for (size_t i = 0; i < sizeof(ALGORITHMS) / sizeof(ALGORITHMS[0]);
	     i++) {
		if (jz_span_equal(
			oid, jz_span(ALGORITHMS[i].oid, ALGORITHMS[i].len)))
			return JZ_ERR_CERT_SUITE;
	}
	return JZ_ERR_CERT_MALFORMED;
}

static int
take_public_key(struct jz_cursor *body, const struct jz_crypto *crypto,
    struct jz_certificate *out)
{
	struct jz_span content, oid;
	struct jz_cursor c;

	if (jz_tlv_expect(body, JZ_CVC_PUBLIC_KEY, &content) != 0)
		return JZ_ERR_CERT_MALFORMED;
	c = jz_cursor(content);
	if (jz_tlv_expect(&c, JZ_CVC_OID, &oid) != 0 ||
	    jz_tlv_expect_bytes(
		&c, JZ_CVC_POINT, out->public_key, JZ_PUBLIC_BYTES_EC) != 0 ||
	    !jz_cursor_end(&c) || out->public_key[0] != POINT_UNCOMPRESSED)
		return JZ_ERR_CERT_MALFORMED;
	out->suite = crypto->suite;
	return check_algorithm(oid, crypto);
}

static bool
role_valid(const struct jz_certificate *c)
{
	bool role = c->role == JZ_ROLE_CARD || c->role == JZ_ROLE_HOST ||
	    c->role == JZ_ROLE_CA || c->role == JZ_ROLE_ROOT;

	/* An unknown flag may restrict: it is not for us to overlook it. */
	return role && c->assurance >= JZ_ASSURANCE_TEST &&
	    c->assurance <= JZ_ASSURANCE_HARDWARE &&
	    (c->flags & ~JZ_FLAGS) == 0;
}

static int
take_role(struct jz_cursor *body, struct jz_certificate *out)
{
	struct jz_span content, oid;
	uint8_t role[JZ_CVC_ROLE_BYTES];
	struct jz_cursor c;

	if (jz_tlv_expect(body, JZ_CVC_TEMPLATE, &content) != 0)
		return JZ_ERR_CERT_MALFORMED;
	c = jz_cursor(content);
	if (jz_tlv_expect(&c, JZ_CVC_OID, &oid) != 0 ||
	    !jz_span_equal(oid, jz_span(ROLE_OID, sizeof(ROLE_OID))) ||
	    jz_tlv_expect_bytes(&c, JZ_CVC_ROLE, role, sizeof(role)) != 0 ||
	    !jz_cursor_end(&c))
		return JZ_ERR_CERT_MALFORMED;
	out->role = (enum jz_role)role[0];
	out->assurance = (enum jz_assurance)role[1];
	out->flags = role[2];
	out->generation = (uint16_t)jz_get_be(role + 3, 2);
	return role_valid(out) ? 0 : JZ_ERR_CERT_MALFORMED;
}

static int
take_dates(struct jz_cursor *body, struct jz_certificate *out)
{
	uint8_t from[JZ_CVC_DATE_BYTES], to[JZ_CVC_DATE_BYTES];

	if (jz_tlv_expect_bytes(body, JZ_CVC_FROM, from, sizeof(from)) != 0 ||
	    jz_tlv_expect_bytes(body, JZ_CVC_TO, to, sizeof(to)) != 0 ||
	    jz_date_from_digits(from, &out->from) != 0 ||
	    jz_date_from_digits(to, &out->to) != 0 || out->from > out->to)
		return JZ_ERR_CERT_MALFORMED;
	/* The day of expiry still counts. */
	out->to += DAY_SECONDS;
	return 0;
}

static int
parse_body(struct jz_span content, const struct jz_crypto *crypto,
    struct jz_certificate *out)
{
	struct jz_cursor c = jz_cursor(content);
	uint64_t profile;
	int rc, suite;

	if (jz_tlv_expect_uint(&c, JZ_CVC_PROFILE, 1, &profile) != 0 ||
	    profile != PROFILE_VERSION)
		return JZ_ERR_CERT_MALFORMED;
	rc = take_reference(&c, JZ_CVC_AUTHORITY, out->authority);
	if (rc != 0)
		return rc;
	suite = take_public_key(&c, crypto, out);
	if (suite != 0 && suite != JZ_ERR_CERT_SUITE)
		return suite;
	rc = take_reference(&c, JZ_CVC_HOLDER, out->holder);
	if (rc == 0)
		rc = take_role(&c, out);
	if (rc == 0)
		rc = take_dates(&c, out);
	if (rc == 0 && !jz_cursor_end(&c))
		rc = JZ_ERR_CERT_MALFORMED;
	/* The form comes first: the suite is judged of a sound certificate. */
	return rc != 0 ? rc : suite;
}

int
jz_certificate_parse(struct jz_span in, const struct jz_crypto *crypto,
    struct jz_certificate *out)
{
	struct jz_cursor c = jz_cursor(in);
	struct jz_span content;
	struct jz_tlv body;
	int rc = JZ_ERR_CERT_MALFORMED;

	memset(out, 0, sizeof(*out));
	if (in.len > JZ_CERTIFICATE_MAX ||
	    jz_tlv_expect(&c, JZ_CVC_CERTIFICATE, &content) != 0 ||
	    !jz_cursor_end(&c))
		return rc;
	c = jz_cursor(content);
	if (jz_tlv_next(&c, &body) == 0 && body.tag == JZ_CVC_BODY &&
	    jz_tlv_expect_bytes(
		&c, JZ_CVC_SIGNATURE, out->signature, JZ_SIG_BYTES) == 0 &&
	    jz_cursor_end(&c))
		rc = parse_body(body.value, crypto, out);
	if (rc != 0)
		memset(out, 0, sizeof(*out));
	else
		out->body = body.whole;
	return rc;
}

int
jz_certificate_verify(const struct jz_engine *e, const struct jz_certificate *c,
    const struct jz_authority *by, enum jz_role role, int64_t now)
{
	int rc;

	if (memcmp(c->authority, by->reference, JZ_REFERENCE_BYTES) != 0)
		return JZ_ERR_CERT_ISSUER;
	if (c->role != role)
		return JZ_ERR_CERT_ROLE;
	rc = e->crypto->verify(
	    e->state, by->public_key, &c->body, 1, c->signature);
	if (rc != 0)
		return rc == JZ_ERR_SIGNATURE ? JZ_ERR_CERT_FORGED : rc;
	if (now != 0 && now < c->from)
		return JZ_ERR_CERT_NOT_YET;
	if (now != 0 && now >= c->to)
		return JZ_ERR_CERT_EXPIRED;
	return 0;
}

static int
put_body(const struct jz_crypto *crypto, const struct jz_certificate *c,
    struct jz_buffer *out)
{
	struct jz_span authority = reference_span(c->authority);
	struct jz_span holder = reference_span(c->holder);
	uint8_t from[JZ_CVC_DATE_BYTES], to[JZ_CVC_DATE_BYTES];
	const uint8_t role[JZ_CVC_ROLE_BYTES] = {(uint8_t)c->role,
	    (uint8_t)c->assurance, c->flags, (uint8_t)(c->generation >> 8),
	    (uint8_t)c->generation};
	size_t body, inner;

	if (authority.len == 0 || holder.len == 0 || !role_valid(c) ||
	    c->public_key[0] != POINT_UNCOMPRESSED || c->from >= c->to ||
	    jz_date_to_digits(c->from, from) != 0 ||
	    jz_date_to_digits(c->to - 1, to) != 0)
		return JZ_ERR_RANGE;
	body = jz_tlv_open(out, JZ_CVC_BODY);
	jz_tlv_put_uint(out, JZ_CVC_PROFILE, PROFILE_VERSION, 1);
	jz_tlv_put(out, JZ_CVC_AUTHORITY, authority.data, authority.len);
	inner = jz_tlv_open(out, JZ_CVC_PUBLIC_KEY);
	jz_tlv_put(out, JZ_CVC_OID, crypto->oid, crypto->oid_len);
	jz_tlv_put(out, JZ_CVC_POINT, c->public_key, JZ_PUBLIC_BYTES_EC);
	jz_tlv_close(out, inner);
	jz_tlv_put(out, JZ_CVC_HOLDER, holder.data, holder.len);
	inner = jz_tlv_open(out, JZ_CVC_TEMPLATE);
	jz_tlv_put(out, JZ_CVC_OID, ROLE_OID, sizeof(ROLE_OID));
	jz_tlv_put(out, JZ_CVC_ROLE, role, sizeof(role));
	jz_tlv_close(out, inner);
	jz_tlv_put(out, JZ_CVC_FROM, from, sizeof(from));
	jz_tlv_put(out, JZ_CVC_TO, to, sizeof(to));
	jz_tlv_close(out, body);
	return out->bad ? JZ_ERR_INTERNAL : 0;
}

int
jz_certificate_sign(const struct jz_engine *e, const struct jz_certificate *c,
    const struct jz_key_pair *by, struct jz_buffer *out)
{
	uint8_t bytes[JZ_CERTIFICATE_MAX];
	struct jz_buffer body = jz_buffer(bytes, sizeof(bytes));
	uint8_t signature[JZ_SIG_BYTES];
	struct jz_span signed_bytes;
	size_t start = out->len;
	size_t mark;
	int rc;

	if (c->suite != e->crypto->suite)
		return JZ_ERR_CERT_SUITE;
	rc = put_body(e->crypto, c, &body);
	if (rc != 0)
		return rc;
	signed_bytes = jz_buffer_span(&body);
	rc = e->crypto->sign(e->state, by, &signed_bytes, 1, signature);
	if (rc != 0)
		return rc;
	mark = jz_tlv_open(out, JZ_CVC_CERTIFICATE);
	jz_put(out, body.data, body.len);
	jz_tlv_put(out, JZ_CVC_SIGNATURE, signature, sizeof(signature));
	jz_tlv_close(out, mark);
	if (!out->bad)
		return 0;
	out->len = start;
	return JZ_ERR_SPACE;
}

uint16_t
jz_certificate_status(int error)
{
	switch (error) {
	case 0:
		return JZ_SW_OK;
	case JZ_ERR_CERT_MALFORMED:
		return JZ_SW_CERT_MALFORMED;
	case JZ_ERR_CERT_SUITE:
		return JZ_SW_CERT_SUITE;
	case JZ_ERR_CERT_ISSUER:
		return JZ_SW_CERT_ISSUER;
	case JZ_ERR_CERT_ROLE:
		return JZ_SW_CERT_ROLE;
	case JZ_ERR_CERT_FORGED:
		return JZ_SW_CERT_FORGED;
	case JZ_ERR_CERT_NOT_YET:
		return JZ_SW_CERT_NOT_YET;
	case JZ_ERR_CERT_EXPIRED:
		return JZ_SW_CERT_EXPIRED;
	case JZ_ERR_CERT_REVOKED:
		return JZ_SW_CERT_REVOKED;
	default:
		/* Not the certificate's fault: nothing was done. */
		return JZ_SW_EXECUTION;
	}
}
