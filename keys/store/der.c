/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces of DER: ITU-T X.690 10 and 11, RFC 5280 4.1.
 */
#include "der.h"

#include <string.h>

#include <openssl/obj_mac.h>

#include "../../apdu/error.h"
#include "../../apdu/time.h"
#include "../../apdu/tlv.h"

#define YEAR_DIGITS 4
#define UTC_LAST    "2049"

static const struct jz_x509_suite SUITES[] = {
    {JZ_SUITE_NIST, NID_X9_62_prime256v1, 8, 8,
	{0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02},
	{0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07}, NULL},
    {JZ_SUITE_GM, NID_sm2, 8, 8,
	{0x2A, 0x81, 0x1C, 0xCF, 0x55, 0x01, 0x83, 0x75},
	{0x2A, 0x81, 0x1C, 0xCF, 0x55, 0x01, 0x82, 0x2D}, "1234567812345678"},
};
#define SUITES_COUNT (sizeof(SUITES) / sizeof(SUITES[0]))

/* id-ecPublicKey, RFC 5480 2.1.1. */
static const uint8_t EC_KEY[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01};

const struct jz_x509_suite *
jz_x509_suite(enum jz_suite suite)
{
	for (size_t i = 0; i < SUITES_COUNT; i++) {
		if (SUITES[i].suite == suite)
			return &SUITES[i];
	}
	return NULL;
}

const struct jz_x509_suite *
jz_x509_suite_of_curve(int curve)
{
	for (size_t i = 0; i < SUITES_COUNT; i++) {
		if (SUITES[i].curve == curve)
			return &SUITES[i];
	}
	return NULL;
}

void
der_integer(struct jz_buffer *b, const uint8_t *bytes, size_t len)
{
	size_t mark = jz_tlv_open(b, DER_INTEGER);

	while (len > 1 && bytes[0] == 0) {
		bytes++;
		len--;
	}
	/* The first bit is the sign. */
	if (len == 0 || bytes[0] >= 0x80)
		jz_put_u8(b, 0);
	jz_put(b, bytes, len);
	jz_tlv_close(b, mark);
}

void
der_bits(struct jz_buffer *b, uint8_t unused, struct jz_span bits)
{
	size_t mark = jz_tlv_open(b, DER_BITS);

	jz_put_u8(b, unused);
	jz_put(b, bits.data, bits.len);
	jz_tlv_close(b, mark);
}

int
der_time(struct jz_buffer *b, int64_t t)
{
	char text[21], digits[16];
	size_t n = 0, skip;

	if (t <= 0 || t > JZ_TIME_LAST)
		return JZ_ERR_RANGE;
	jz_time_to_text(t, text);
	for (const char *p = text; *p != '\0'; p++) {
		if (*p >= '0' && *p <= '9')
			digits[n++] = *p;
	}
	digits[n++] = 'Z';
	skip = memcmp(digits, UTC_LAST, YEAR_DIGITS) <= 0 ? 2 : 0;
	jz_tlv_put(
	    b, skip > 0 ? DER_UTC_TIME : DER_TIME, digits + skip, n - skip);
	return 0;
}

/* ---- names -------------------------------------------------------------- */

static bool
is_country(const char *text)
{
	return strlen(text) == 2 && text[0] >= 'A' && text[0] <= 'Z' &&
	    text[1] >= 'A' && text[1] <= 'Z';
}

/* The length of the character that begins here; 0: no UTF-8, or control. */
static size_t
utf8_character(const uint8_t *p)
{
	size_t more = p[0] < 0x80	  ? 0
	    : p[0] >= 0xC2 && p[0] < 0xE0 ? 1
	    : p[0] >= 0xE0 && p[0] < 0xF0 ? 2
	    : p[0] >= 0xF0 && p[0] < 0xF5 ? 3
					  : SIZE_MAX;

	if (more == SIZE_MAX || p[0] < 0x20 || p[0] == 0x7F)
		return 0;
	for (size_t i = 1; i <= more; i++) {
		if (p[i] < 0x80 || p[i] >= 0xC0)
			return 0;
	}
	return more + 1;
}

static bool
is_text(const char *text)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t len = strlen(text), n;

	if (len == 0 || len > JZ_X509_TEXT_MAX)
		return false;
	for (; *p != 0; p += n) {
		n = utf8_character(p);
		if (n == 0)
			return false;
	}
	return true;
}

static void
put_attribute(struct jz_buffer *b, uint8_t which, uint8_t type, const char *v)
{
	const uint8_t oid[] = {0x55, 0x04, which};
	size_t set = jz_tlv_open(b, DER_SET);
	size_t pair = jz_tlv_open(b, DER_SEQUENCE);

	jz_tlv_put(b, DER_OID, oid, sizeof(oid));
	jz_tlv_put(b, type, v, strlen(v));
	jz_tlv_close(b, pair);
	jz_tlv_close(b, set);
}

int
der_name(struct jz_buffer *b, const struct jz_x509_name *name)
{
	const struct {
		uint8_t which;
		const char *text;
	} parts[] = {{0x0A, name->organisation}, {0x0B, name->unit},
	    {0x03, name->common}};
	size_t mark = jz_tlv_open(b, DER_SEQUENCE);

	if (name->common == NULL ||
	    (name->country != NULL && !is_country(name->country)))
		return JZ_ERR_RANGE;
	if (name->country != NULL)
		put_attribute(b, 0x06, DER_PRINTABLE, name->country);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].text == NULL)
			continue;
		if (!is_text(parts[i].text))
			return JZ_ERR_RANGE;
		put_attribute(b, parts[i].which, DER_UTF8, parts[i].text);
	}
	jz_tlv_close(b, mark);
	return 0;
}

/* ---- keys and signatures ------------------------------------------------ */

void
der_algorithm(struct jz_buffer *b, const struct jz_x509_suite *suite)
{
	size_t mark = jz_tlv_open(b, DER_SEQUENCE);

	jz_tlv_put(b, DER_OID, suite->signature, suite->signature_len);
	jz_tlv_close(b, mark);
}

void
der_key(struct jz_buffer *b, const struct jz_x509_suite *suite,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC])
{
	size_t mark = jz_tlv_open(b, DER_SEQUENCE);
	size_t algorithm = jz_tlv_open(b, DER_SEQUENCE);

	jz_tlv_put(b, DER_OID, EC_KEY, sizeof(EC_KEY));
	jz_tlv_put(b, DER_OID, suite->curve_oid, suite->curve_len);
	jz_tlv_close(b, algorithm);
	der_bits(b, 0, jz_span(public_key, JZ_PUBLIC_BYTES_EC));
	jz_tlv_close(b, mark);
}

int
der_sign(const struct jz_engine *e, const struct jz_key_pair *key,
    struct jz_span body, struct jz_buffer *out)
{
	const struct jz_x509_suite *suite = jz_x509_suite(e->crypto->suite);
	uint8_t raw[JZ_SIG_BYTES], bytes[JZ_DER_SIG_MAX_BYTES];
	struct jz_buffer der = jz_buffer(bytes, sizeof(bytes));
	size_t start = out->len, mark;
	int rc = suite == NULL ? JZ_ERR_UNSUPPORTED
			       : e->crypto->sign(e->state, key, &body, 1, raw);

	if (rc == 0)
		rc = jz_signature_to_der(raw, &der);
	if (rc != 0)
		return rc;
	mark = jz_tlv_open(out, DER_SEQUENCE);
	jz_put(out, body.data, body.len);
	der_algorithm(out, suite);
	der_bits(out, 0, jz_buffer_span(&der));
	jz_tlv_close(out, mark);
	if (!out->bad)
		return 0;
	out->len = start;
	return JZ_ERR_SPACE;
}
