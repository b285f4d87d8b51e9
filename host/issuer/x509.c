/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer's X.509: the same root and CA keys as the cards' certificates,
 * and the same names, for its servers and the users of its services.
 */
#include "internal.h"

#include <string.h>

#include "../../apdu/error.h"

#define DAY	     INT64_C(86400)
#define VALID_DAYS   365
#define CRL_DAYS     30
#define NAME_MAX_CVC (JZ_REFERENCE_BYTES + 1)

int
jz_issuer_x509_root(struct jz_issuer *i, struct jz_buffer *der)
{
	jz_issuer_start(i);
	return jz_x509_of_cvc(
	    &i->engine, &i->pki.root.certificate, &i->pki.root.key, der);
}

int
jz_issuer_x509_ca(struct jz_issuer *i, struct jz_buffer *der)
{
	jz_issuer_start(i);
	return jz_x509_of_cvc(
	    &i->engine, &i->pki.ca.certificate, &i->pki.root.key, der);
}

static struct jz_x509_issuer
own_ca(const struct jz_issuer *i, char text[static NAME_MAX_CVC])
{
	struct jz_x509_issuer by = {.key = &i->pki.ca.key};

	by.name =
	    jz_x509_name_of_cvc(i->pki.ca.certificate.holder, JZ_ROLE_CA, text);
	return by;
}

int
jz_issuer_x509_certify(
    struct jz_issuer *i, struct jz_x509_terms *terms, struct jz_buffer *der)
{
	char text[NAME_MAX_CVC];
	struct jz_x509_issuer by = own_ca(i, text);

	jz_issuer_start(i);
	if (terms->purpose == JZ_X509_CA)
		return JZ_ERR_RANGE;
	terms->from = jz_issuer_now(i);
	terms->to = terms->from + VALID_DAYS * DAY;
	/* What outlives its CA is of no use when the CA is gone. */
	if (terms->to > i->pki.ca.certificate.to)
		terms->to = i->pki.ca.certificate.to;
	return jz_x509_certify(&i->engine, &by, terms, der);
}

int
jz_issuer_x509_of_card(
    struct jz_issuer *i, struct jz_span certificate, struct jz_buffer *der)
{
	struct jz_certificate c;
	int err;

	jz_issuer_start(i);
	err = jz_issuer_read_certificate(i, certificate, &c);
	return err != 0 ? err
			: jz_x509_of_cvc(&i->engine, &c, &i->pki.ca.key, der);
}

int
jz_issuer_x509_crl(struct jz_issuer *i, uint32_t number,
    const struct jz_x509_serial *revoked, size_t n, struct jz_buffer *der)
{
	char text[NAME_MAX_CVC];
	struct jz_x509_issuer by = own_ca(i, text);
	int64_t now = jz_issuer_now(i);

	jz_issuer_start(i);
	return jz_x509_crl(&i->engine, &by, number, now, now + CRL_DAYS * DAY,
	    revoked, n, der);
}
