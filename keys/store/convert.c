/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversions of public keys, signatures and PEM: RFC 5480, RFC 3279 2.2.3,
 * RFC 7468.
 */
#include "x509.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "../../apdu/error.h"
#include "../../apdu/tlv.h"
#include "der.h"

#define HALF	      (JZ_SIG_BYTES / 2)
#define INT_TEXT_MAX  65536u /* of PEM */
#define LABEL_PUBLIC  "PUBLIC KEY"
#define POINT_PLAIN   0x04
#define PEM_BEGINNING "-----BEGIN "

/* ---- public keys -------------------------------------------------------- */

int
jz_spki_write(enum jz_suite suite,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC], struct jz_buffer *der)
{
	const struct jz_x509_suite *s = jz_x509_suite(suite);

	if (s == NULL)
		return JZ_ERR_UNSUPPORTED;
	if (public_key[0] != POINT_PLAIN)
		return JZ_ERR_KEY;
	der_key(der, s, public_key);
	return der->bad ? JZ_ERR_SPACE : 0;
}

/* The point is on the curve: OpenSSL would take it without looking. */
static bool
on_curve(int curve, const uint8_t *point)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(curve);
	EC_POINT *p = group != NULL ? EC_POINT_new(group) : NULL;
	bool good = p != NULL &&
	    EC_POINT_oct2point(group, p, point, JZ_PUBLIC_BYTES_EC, NULL) == 1;

	EC_POINT_free(p);
	EC_GROUP_free(group);
	return good;
}

static int
read_der(struct jz_span der, enum jz_suite *suite, uint8_t *public_key)
{
	static const enum jz_suite suites[] = {JZ_SUITE_NIST, JZ_SUITE_GM};

	/* There is one encoding of a key: the end of it is the point. */
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		const struct jz_x509_suite *s = jz_x509_suite(suites[i]);
		uint8_t bytes[JZ_SPKI_MAX];
		struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

		if (der.len < JZ_PUBLIC_BYTES_EC)
			return JZ_ERR_KEY;
		memcpy(public_key, der.data + der.len - JZ_PUBLIC_BYTES_EC,
		    JZ_PUBLIC_BYTES_EC);
		der_key(&b, s, public_key);
		if (public_key[0] == POINT_PLAIN && !b.bad &&
		    jz_span_equal(jz_buffer_span(&b), der) &&
		    on_curve(s->curve, public_key)) {
			*suite = suites[i];
			return 0;
		}
	}
	memset(public_key, 0, JZ_PUBLIC_BYTES_EC);
	return JZ_ERR_KEY;
}

int
jz_spki_read(struct jz_span in, enum jz_suite *suite,
    uint8_t public_key[static JZ_PUBLIC_BYTES_EC])
{
	uint8_t bytes[JZ_SPKI_MAX];
	struct jz_buffer der = jz_buffer(bytes, sizeof(bytes));
	char label[JZ_PEM_LABEL_MAX];
	int rc;

	memset(public_key, 0, JZ_PUBLIC_BYTES_EC);
	(void)ERR_set_mark();
	if (in.len > 0 && in.data[0] == DER_SEQUENCE)
		rc = read_der(in, suite, public_key);
	else if (jz_pem_read(&in, label, &der) != 0 ||
	    strcmp(label, LABEL_PUBLIC) != 0)
		rc = JZ_ERR_KEY;
	else
		rc = read_der(jz_buffer_span(&der), suite, public_key);
	(void)ERR_pop_to_mark();
	return rc;
}

/* ---- signatures --------------------------------------------------------- */

int
jz_signature_to_der(
    const uint8_t raw[static JZ_SIG_BYTES], struct jz_buffer *der)
{
	size_t mark = jz_tlv_open(der, DER_SEQUENCE);

	der_integer(der, raw, HALF);
	der_integer(der, raw + HALF, HALF);
	jz_tlv_close(der, mark);
	return der->bad ? JZ_ERR_SPACE : 0;
}

static bool
take_half(struct jz_cursor *c, uint8_t half[static HALF])
{
	struct jz_span v;

	if (jz_tlv_expect(c, DER_INTEGER, &v) != 0)
		return false;
	if (v.len == HALF + 1 && v.data[0] == 0)
		v = jz_span(v.data + 1, HALF);
	if (v.len == 0 || v.len > HALF)
		return false;
	memset(half, 0, HALF - v.len);
	memcpy(half + HALF - v.len, v.data, v.len);
	return true;
}

int
jz_signature_from_der(struct jz_span der, uint8_t raw[static JZ_SIG_BYTES])
{
	uint8_t bytes[JZ_DER_SIG_MAX_BYTES];
	struct jz_buffer again = jz_buffer(bytes, sizeof(bytes));
	struct jz_cursor c = jz_cursor(der);
	struct jz_span content = {NULL, 0};
	bool good = jz_tlv_expect(&c, DER_SEQUENCE, &content) == 0;

	c = jz_cursor(content);
	good = good && take_half(&c, raw) && take_half(&c, raw + HALF) &&
	    /* Signs, leading zeros, bytes behind: written again, all show. */
	    jz_signature_to_der(raw, &again) == 0 &&
	    jz_span_equal(jz_buffer_span(&again), der);
	if (!good)
		memset(raw, 0, JZ_SIG_BYTES);
	return good ? 0 : JZ_ERR_SIGNATURE;
}

/* ---- PEM ---------------------------------------------------------------- */

int
jz_pem_write(const char *label, struct jz_span der, struct jz_buffer *text)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	long len = 0;
	int rc = JZ_ERR_MEMORY;

	if (bio != NULL && der.len <= INT_TEXT_MAX &&
	    PEM_write_bio(bio, label, "", der.data, (long)der.len) > 0)
		len = BIO_get_mem_data(bio, &data);
	if (len > 0) {
		jz_put(text, data, (size_t)len);
		rc = text->bad ? JZ_ERR_SPACE : 0;
	}
	BIO_free(bio);
	return rc;
}

static int
decode_block(BIO *bio, char *label, struct jz_buffer *der)
{
	char *name = NULL, *header = NULL;
	unsigned char *data = NULL;
	long len = 0;
	int rc = JZ_ERR_CERT_MALFORMED;

	if (PEM_read_bio(bio, &name, &header, &data, &len) == 1 &&
	    strlen(name) < JZ_PEM_LABEL_MAX && header[0] == '\0' && len >= 0) {
		memcpy(label, name, strlen(name) + 1);
		jz_put(der, data, (size_t)len);
		rc = der->bad ? JZ_ERR_SPACE : 0;
	}
	OPENSSL_free(name);
	OPENSSL_free(header);
	/* A private key may have stood there by mistake. */
	OPENSSL_clear_free(data, len > 0 ? (size_t)len : 0);
	return rc;
}

static bool
has_block(struct jz_span in)
{
	const size_t n = sizeof(PEM_BEGINNING) - 1;

	for (size_t i = 0; i + n <= in.len; i++) {
		if (memcmp(in.data + i, PEM_BEGINNING, n) == 0)
			return true;
	}
	return false;
}

int
jz_pem_read(struct jz_span *in, char label[static JZ_PEM_LABEL_MAX],
    struct jz_buffer *der)
{
	char *left = NULL;
	long len;
	BIO *bio;
	int rc;

	label[0] = '\0';
	if (!has_block(*in))
		return JZ_ERR_NOT_FOUND;
	if (in->len > INT_TEXT_MAX)
		return JZ_ERR_SPACE;
	bio = BIO_new_mem_buf(in->data, (int)in->len);
	if (bio == NULL)
		return JZ_ERR_MEMORY;
	(void)ERR_set_mark();
	rc = decode_block(bio, label, der);
	(void)ERR_pop_to_mark();
	len = BIO_get_mem_data(bio, &left);
	*in = jz_span(
	    in->data + in->len - (size_t)len, len > 0 ? (size_t)len : 0);
	BIO_free(bio);
	return rc;
}
