/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer's X.509: the same root and CA keys as the cards' certificates,
 * and the same names, for its servers and the users of its services.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../keys/store/file.h"

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

/* ---- the list that is kept ---------------------------------------------- */

#define MODE_PUBLIC 0644

static int
list_path(
    const struct jz_issuer *i, const char *dir, char out[static JZ_PATH_MAX])
{
	int n = snprintf(
	    out, JZ_PATH_MAX, "%s/keys/ca-%u.crl", dir, i->pki.ca_version);

	return n < 0 || n >= JZ_PATH_MAX ? JZ_ERR_RANGE : 0;
}

/* The one before; none is an empty one of number 0. */
static int
read_list(struct jz_issuer *i, const char *path, struct jz_x509_list *out)
{
	uint8_t bytes[JZ_X509_CRL_MAX + JZ_X509_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int err = jz_file_read(path, &b);

	memset(out, 0, sizeof(*out));
	if (err == JZ_ERR_NOT_FOUND)
		return 0;
	if (err == 0)
		err = jz_x509_crl_read(jz_buffer_span(&b), out);
	if (err == JZ_ERR_SPACE || err == JZ_ERR_CERT_MALFORMED)
		return JZ_ERR_KEYFILE;
	return err != 0 ? err
			: jz_x509_crl_signed(&i->engine, jz_buffer_span(&b),
			      i->pki.ca.certificate.public_key);
}

static bool
names(const struct jz_x509_list *l, const struct jz_x509_serial *s)
{
	for (size_t k = 0; k < l->n; k++) {
		if (jz_span_equal(
			jz_span(l->revoked[k].bytes, l->revoked[k].len),
			jz_span(s->bytes, s->len)))
			return true;
	}
	return false;
}

static int
add(struct jz_x509_list *l, const struct jz_x509_serial *more, size_t n,
    int64_t now)
{
	for (size_t k = 0; k < n; k++) {
		if (names(l, &more[k]))
			continue;
		if (l->n == JZ_X509_REVOKED_MAX)
			return JZ_ERR_SPACE;
		l->revoked[l->n] = more[k];
		if (l->revoked[l->n].at == 0)
			l->revoked[l->n].at = now;
		l->n++;
	}
	return 0;
}

int
jz_issuer_x509_revoke(struct jz_issuer *i, const char *dir,
    const struct jz_x509_serial *more, size_t n, struct jz_x509_list *out,
    struct jz_buffer *der)
{
	int64_t now = jz_issuer_now(i);
	size_t start = der->len;
	char path[JZ_PATH_MAX];
	int err = list_path(i, dir, path);

	jz_issuer_start(i);
	if (err == 0)
		err = read_list(i, path, out);
	if (err == 0)
		err = add(out, more, n, now);
	if (err == 0 && out->number == UINT32_MAX)
		err = JZ_ERR_RANGE;
	if (err != 0)
		return err;
	out->number++;
	out->from = now;
	out->next = now + CRL_DAYS * DAY;
	err = jz_issuer_x509_crl(i, out->number, out->revoked, out->n, der);
	return err != 0 ? err
			: jz_file_write(path, MODE_PUBLIC, JZ_FILE_REPLACE,
			      jz_span(der->data + start, der->len - start));
}
