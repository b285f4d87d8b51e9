/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X.509 revocation lists, read: RFC 5280 5.  OpenSSL takes them apart; whether
 * a key of ours has signed one the suite's engine judges.
 */
#define _DEFAULT_SOURCE

#include "x509.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "../../apdu/error.h"
#include "der.h"
#include "openssl_x509.h"

X509_CRL *
jz_x509_parse_crl(struct jz_span der)
{
	const unsigned char *p = der.data;
	X509_CRL *crl = der.len <= JZ_X509_DER_MAX
	    ? d2i_X509_CRL(NULL, &p, (long)der.len)
	    : NULL;

	if (crl != NULL && p != der.data + der.len) {
		X509_CRL_free(crl);
		crl = NULL;
	}
	return crl;
}

bool
jz_x509_is_crl(struct jz_span der)
{
	X509_CRL *crl;
	bool is;

	(void)ERR_set_mark();
	crl = jz_x509_parse_crl(der);
	is = crl != NULL;
	(void)ERR_pop_to_mark();
	X509_CRL_free(crl);
	return is;
}

/* Seconds since 1970, or 0 for none. */
static int64_t
time_of(const ASN1_TIME *t)
{
	struct tm tm;

	return t != NULL && ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm)
							 : 0;
}

static uint32_t
number_of(X509_CRL *crl)
{
	ASN1_INTEGER *n = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	uint64_t v = 0;

	if (n == NULL || ASN1_INTEGER_get_uint64(&v, n) != 1 || v > UINT32_MAX)
		v = 0;
	ASN1_INTEGER_free(n);
	return (uint32_t)v;
}

static int
take_revoked(const X509_REVOKED *r, struct jz_x509_serial *out)
{
	const ASN1_INTEGER *n = X509_REVOKED_get0_serialNumber(r);
	int len = ASN1_STRING_length(n);

	if (len < 1 || len > JZ_X509_SERIAL_MAX ||
	    (ASN1_STRING_type(n) & V_ASN1_NEG) != 0)
		return JZ_ERR_CERT_MALFORMED;
	memcpy(out->bytes, ASN1_STRING_get0_data(n), (size_t)len);
	out->len = (size_t)len;
	out->at = time_of(X509_REVOKED_get0_revocationDate(r));
	return out->at != 0 ? 0 : JZ_ERR_CERT_MALFORMED;
}

static int
take(X509_CRL *crl, struct jz_x509_list *out)
{
	STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(crl);
	BIO *bio = BIO_new(BIO_s_mem());
	int rc = bio == NULL ? JZ_ERR_MEMORY : 0;
	int n = sk_X509_REVOKED_num(all);

	out->number = number_of(crl);
	out->from = time_of(X509_CRL_get0_lastUpdate(crl));
	out->next = time_of(X509_CRL_get0_nextUpdate(crl));
	if (rc == 0 &&
	    X509_NAME_print_ex(
		bio, X509_CRL_get_issuer(crl), 0, XN_FLAG_RFC2253) >= 0)
		(void)BIO_read(bio, out->issuer, sizeof(out->issuer) - 1);
	BIO_free(bio);
	if (rc == 0 && n > JZ_X509_REVOKED_MAX)
		rc = JZ_ERR_SPACE;
	for (int i = 0; rc == 0 && i < n; i++)
		rc = take_revoked(
		    sk_X509_REVOKED_value(all, i), &out->revoked[out->n++]);
	return rc;
}

int
jz_x509_crl_read(struct jz_span der, struct jz_x509_list *out)
{
	int rc = JZ_ERR_CERT_MALFORMED;
	X509_CRL *crl;

	memset(out, 0, sizeof(*out));
	(void)ERR_set_mark();
	crl = jz_x509_parse_crl(der);
	if (crl != NULL)
		rc = take(crl, out);
	(void)ERR_pop_to_mark();
	X509_CRL_free(crl);
	if (rc != 0)
		memset(out, 0, sizeof(*out));
	return rc;
}

/* What is signed, and the signature. */
static int
judge(const struct jz_engine *e, X509_CRL *crl,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC])
{
	const ASN1_BIT_STRING *bits = NULL;
	unsigned char *tbs = NULL;
	uint8_t sig[JZ_SIG_BYTES];
	struct jz_span part;
	int len = i2d_re_X509_CRL_tbs(crl, &tbs);
	int rc = JZ_ERR_CERT_MALFORMED;

	X509_CRL_get0_signature(crl, &bits, NULL);
	if (len > 0 && bits != NULL) {
		part = jz_span(tbs, (size_t)len);
		rc =
		    jz_signature_from_der(jz_span(ASN1_STRING_get0_data(bits),
					      (size_t)ASN1_STRING_length(bits)),
			sig);
		if (rc == 0)
			rc = e->crypto->verify(
			    e->state, public_key, &part, 1, sig);
	}
	OPENSSL_free(tbs);
	return rc;
}

int
jz_x509_crl_signed(const struct jz_engine *e, struct jz_span der,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC])
{
	int rc = JZ_ERR_CERT_MALFORMED;
	X509_CRL *crl;

	(void)ERR_set_mark();
	crl = jz_x509_parse_crl(der);
	if (crl != NULL)
		rc = judge(e, crl, public_key);
	(void)ERR_pop_to_mark();
	X509_CRL_free(crl);
	return rc;
}
