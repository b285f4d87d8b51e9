/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X.509 certificates, requests and revocation lists, written by the profile of
 * x509.h: RFC 5280 4 and 5, RFC 2986 4.
 */
#define _POSIX_C_SOURCE 200809L

#include "x509.h"

#include <arpa/inet.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../apdu/tlv.h"
#include "der.h"

#define SERIAL_BYTES 16
#define KEY_ID_BYTES 20
#define IPV6_BYTES   16

enum {
	TAG_EMAIL = 0x81, /* GeneralName, RFC 5280 4.2.1.6 */
	TAG_DNS = 0x82,
	TAG_IP = 0x87,
	TAG_KEY_ID = 0x80, /* in AuthorityKeyIdentifier */
};

/* The last byte of id-ce, 2.5.29. */
enum extension {
	EXT_KEY_ID = 14,
	EXT_KEY_USAGE = 15,
	EXT_NAMES = 17,
	EXT_CONSTRAINTS = 19,
	EXT_CRL_NUMBER = 20,
	EXT_AUTHORITY = 35,
	EXT_PURPOSES = 37,
};

/* Key usage, its unused bits, and the last byte of id-kp, 1.3.6.1.5.5.7.3. */
static const struct {
	uint8_t usage, unused, purpose;
} PROFILE[] = {
    [JZ_X509_CA] = {0x06, 1, 0},
    [JZ_X509_SERVER] = {0x80, 7, 1},
    [JZ_X509_CLIENT] = {0x80, 7, 2},
    [JZ_X509_SIGNER] = {0xC0, 6, 4},
};

/* ---- extensions --------------------------------------------------------- */

/* Opens one; its value is written between this and close_extension(). */
struct open_extension {
	size_t all, value;
};

static struct open_extension
open_extension(struct jz_buffer *b, enum extension which, bool critical)
{
	const uint8_t oid[] = {0x55, 0x1D, (uint8_t)which};
	static const uint8_t yes = 0xFF;
	struct open_extension o;

	o.all = jz_tlv_open(b, DER_SEQUENCE);
	jz_tlv_put(b, DER_OID, oid, sizeof(oid));
	if (critical)
		jz_tlv_put(b, DER_BOOLEAN, &yes, 1);
	o.value = jz_tlv_open(b, DER_OCTETS);
	return o;
}

static void
close_extension(struct jz_buffer *b, struct open_extension o)
{
	jz_tlv_close(b, o.value);
	jz_tlv_close(b, o.all);
}

static void
put_constraints(struct jz_buffer *b, const struct jz_x509_terms *t)
{
	bool ca = t->purpose == JZ_X509_CA;
	struct open_extension o = open_extension(b, EXT_CONSTRAINTS, ca);
	size_t mark = jz_tlv_open(b, DER_SEQUENCE);
	const uint8_t path = (uint8_t)t->path;
	static const uint8_t yes = 0xFF;

	if (ca) {
		jz_tlv_put(b, DER_BOOLEAN, &yes, 1);
		der_integer(b, &path, 1);
	}
	jz_tlv_close(b, mark);
	close_extension(b, o);
}

static void
put_usage(struct jz_buffer *b, enum jz_x509_purpose purpose)
{
	const uint8_t kp[] = {
	    0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, PROFILE[purpose].purpose};
	struct open_extension o = open_extension(b, EXT_KEY_USAGE, true);
	size_t mark;

	der_bits(
	    b, PROFILE[purpose].unused, jz_span(&PROFILE[purpose].usage, 1));
	close_extension(b, o);
	if (purpose == JZ_X509_CA)
		return;
	o = open_extension(b, EXT_PURPOSES, false);
	mark = jz_tlv_open(b, DER_SEQUENCE);
	jz_tlv_put(b, DER_OID, kp, sizeof(kp));
	jz_tlv_close(b, mark);
	close_extension(b, o);
}

/* RFC 7093 2, method 1. */
static int
key_id(const struct jz_engine *e, const uint8_t *point,
    uint8_t out[static JZ_HASH_BYTES])
{
	struct jz_span part = jz_span(point, JZ_PUBLIC_BYTES_EC);

	return e->crypto->hash(e->state, &part, 1, out);
}

static int
put_own_id(const struct jz_engine *e, struct jz_buffer *b, const uint8_t *point)
{
	uint8_t id[JZ_HASH_BYTES];
	int rc = key_id(e, point, id);
	struct open_extension o = open_extension(b, EXT_KEY_ID, false);

	jz_tlv_put(b, DER_OCTETS, id, KEY_ID_BYTES);
	close_extension(b, o);
	return rc;
}

static int
put_authority_id(
    const struct jz_engine *e, struct jz_buffer *b, const uint8_t *point)
{
	uint8_t id[JZ_HASH_BYTES];
	int rc = key_id(e, point, id);
	struct open_extension o = open_extension(b, EXT_AUTHORITY, false);
	size_t mark = jz_tlv_open(b, DER_SEQUENCE);

	jz_tlv_put(b, TAG_KEY_ID, id, KEY_ID_BYTES);
	jz_tlv_close(b, mark);
	close_extension(b, o);
	return rc;
}

/* Letters, digits, hyphens and points; a star for the first label. */
static bool
is_host(const char *text)
{
	size_t len = strlen(text);
	const char *p = strncmp(text, "*.", 2) == 0 ? text + 2 : text;

	if (len == 0 || len > JZ_X509_HOST_MAX || *p == '.' || *p == '-' ||
	    text[len - 1] == '.')
		return false;
	return strspn(p,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "0123456789-.") == strlen(p) &&
	    strstr(p, "..") == NULL;
}

static bool
is_email(const char *text)
{
	const char *at = strchr(text, '@');
	size_t len = strlen(text);

	if (at == NULL || at == text || len > JZ_X509_HOST_MAX ||
	    !is_host(at + 1))
		return false;
	for (const char *p = text; p < at; p++) {
		if (*p <= ' ' || *p >= 0x7F || *p == '<' || *p == '>')
			return false;
	}
	return true;
}

static int
put_address(struct jz_buffer *b, const char *text)
{
	uint8_t bytes[IPV6_BYTES];

	if (inet_pton(AF_INET, text, bytes) == 1)
		jz_tlv_put(b, TAG_IP, bytes, sizeof(struct in_addr));
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		jz_tlv_put(b, TAG_IP, bytes, IPV6_BYTES);
	else
		return JZ_ERR_RANGE;
	return 0;
}

static int
put_names(struct jz_buffer *b, const struct jz_x509_terms *t)
{
	struct open_extension o;
	size_t mark;

	if (t->n_dns == 0 && t->n_ip == 0 && t->email == NULL)
		return 0;
	if (t->n_dns > JZ_X509_NAMES_MAX || t->n_ip > JZ_X509_NAMES_MAX ||
	    (t->email != NULL && !is_email(t->email)))
		return JZ_ERR_RANGE;
	o = open_extension(b, EXT_NAMES, false);
	mark = jz_tlv_open(b, DER_SEQUENCE);
	for (size_t i = 0; i < t->n_dns; i++) {
		if (!is_host(t->dns[i]))
			return JZ_ERR_RANGE;
		jz_tlv_put(b, TAG_DNS, t->dns[i], strlen(t->dns[i]));
	}
	for (size_t i = 0; i < t->n_ip; i++) {
		if (put_address(b, t->ip[i]) != 0)
			return JZ_ERR_RANGE;
	}
	if (t->email != NULL)
		jz_tlv_put(b, TAG_EMAIL, t->email, strlen(t->email));
	jz_tlv_close(b, mark);
	close_extension(b, o);
	return 0;
}

static int
put_extensions(const struct jz_engine *e, struct jz_buffer *b,
    const struct jz_x509_terms *t, const uint8_t *authority)
{
	size_t outer = jz_tlv_open(b, DER_CONTEXT_3);
	size_t mark = jz_tlv_open(b, DER_SEQUENCE);
	int rc;

	put_constraints(b, t);
	put_usage(b, t->purpose);
	rc = put_own_id(e, b, t->public_key);
	if (rc == 0)
		rc = put_authority_id(e, b, authority);
	if (rc == 0)
		rc = put_names(b, t);
	jz_tlv_close(b, mark);
	jz_tlv_close(b, outer);
	return rc;
}

/* ---- certificates ------------------------------------------------------- */

/* Positive and of full length: its first two bits are 01. */
static int
put_serial(const struct jz_engine *e, struct jz_buffer *b)
{
	uint8_t serial[SERIAL_BYTES];
	int rc = e->crypto->random(e->state, serial, sizeof(serial));

	serial[0] = (uint8_t)((serial[0] & 0x3F) | 0x40);
	der_integer(b, serial, sizeof(serial));
	return rc;
}

/* The last second of validity is in a certificate, not the first after it. */
static int
put_dates(struct jz_buffer *b, int64_t from, int64_t to)
{
	size_t mark = jz_tlv_open(b, DER_SEQUENCE);
	int rc = from < to ? der_time(b, from) : JZ_ERR_RANGE;

	if (rc == 0)
		rc = der_time(b, to - 1);
	jz_tlv_close(b, mark);
	return rc;
}

static int
put_body(const struct jz_engine *e, const struct jz_x509_suite *suite,
    const struct jz_x509_issuer *by, const struct jz_x509_terms *t,
    struct jz_buffer *b)
{
	static const uint8_t version_3 = 2;
	size_t mark = jz_tlv_open(b, DER_SEQUENCE);
	size_t version = jz_tlv_open(b, DER_CONTEXT_0);
	int rc;

	der_integer(b, &version_3, 1);
	jz_tlv_close(b, version);
	rc = put_serial(e, b);
	der_algorithm(b, suite);
	if (rc == 0)
		rc = der_name(b, &by->name);
	if (rc == 0)
		rc = put_dates(b, t->from, t->to);
	if (rc == 0)
		rc = der_name(b, &t->subject);
	der_key(b, suite, t->public_key);
	if (rc == 0)
		rc = put_extensions(e, b, t, by->key->public_key);
	jz_tlv_close(b, mark);
	return rc == 0 && b->bad ? JZ_ERR_SPACE : rc;
}

static bool
terms_good(const struct jz_x509_terms *t)
{
	bool server = t->purpose == JZ_X509_SERVER;
	bool user =
	    t->purpose == JZ_X509_CLIENT || t->purpose == JZ_X509_SIGNER;

	return (server || user || t->purpose == JZ_X509_CA) &&
	    (server || (t->n_dns == 0 && t->n_ip == 0)) &&
	    (user || t->email == NULL) && t->path <= INT8_MAX &&
	    t->public_key[0] == 0x04;
}

int
jz_x509_certify(const struct jz_engine *e, const struct jz_x509_issuer *by,
    const struct jz_x509_terms *terms, struct jz_buffer *out)
{
	const struct jz_x509_suite *suite = jz_x509_suite(e->crypto->suite);
	uint8_t bytes[JZ_X509_MAX];
	struct jz_buffer body = jz_buffer(bytes, sizeof(bytes));
	int rc;

	if (suite == NULL)
		return JZ_ERR_UNSUPPORTED;
	if (!terms_good(terms))
		return JZ_ERR_RANGE;
	rc = put_body(e, suite, by, terms, &body);
	return rc != 0 ? rc : der_sign(e, by->key, jz_buffer_span(&body), out);
}

/* ---- the view of a card-verifiable certificate -------------------------- */

static const char *
unit_of(enum jz_role role)
{
	switch (role) {
	case JZ_ROLE_ROOT:
		return "root";
	case JZ_ROLE_CA:
		return "CA";
	case JZ_ROLE_HOST:
		return "host";
	default:
		return "card";
	}
}

struct jz_x509_name
jz_x509_name_of_cvc(const uint8_t reference[static JZ_REFERENCE_BYTES],
    enum jz_role role, char text[static JZ_REFERENCE_BYTES + 1])
{
	struct jz_x509_name name = {0};

	memcpy(text, reference, JZ_REFERENCE_BYTES);
	text[JZ_REFERENCE_BYTES] = '\0';
	name.organisation = "jiaozi";
	name.unit = unit_of(role);
	name.common = text;
	return name;
}

int
jz_x509_of_cvc(const struct jz_engine *e, const struct jz_certificate *c,
    const struct jz_key_pair *key, struct jz_buffer *out)
{
	char holder[JZ_REFERENCE_BYTES + 1], authority[JZ_REFERENCE_BYTES + 1];
	bool ca = c->role == JZ_ROLE_ROOT || c->role == JZ_ROLE_CA;
	struct jz_x509_issuer by = {.key = key};
	struct jz_x509_terms t = {0};

	if (c->suite != e->crypto->suite)
		return JZ_ERR_CERT_SUITE;
	by.name = jz_x509_name_of_cvc(
	    c->authority, ca ? JZ_ROLE_ROOT : JZ_ROLE_CA, authority);
	t.subject = jz_x509_name_of_cvc(c->holder, c->role, holder);
	t.purpose = ca		      ? JZ_X509_CA
	    : c->role == JZ_ROLE_HOST ? JZ_X509_SERVER
				      : JZ_X509_CLIENT;
	/* A root's CAs sign; what they sign does not. */
	t.path = c->role == JZ_ROLE_ROOT ? 1 : 0;
	memcpy(t.public_key, c->public_key, sizeof(t.public_key));
	t.from = c->from;
	t.to = c->to;
	return jz_x509_certify(e, &by, &t, out);
}

/* ---- requests ----------------------------------------------------------- */

/* extensionRequest, RFC 2985 5.4.2. */
static int
put_wishes(struct jz_buffer *b, const struct jz_x509_terms *t)
{
	static const uint8_t oid[] = {
	    0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x0E};
	size_t attributes = jz_tlv_open(b, DER_CONTEXT_0);
	size_t one = jz_tlv_open(b, DER_SEQUENCE), set, list;
	int rc;

	jz_tlv_put(b, DER_OID, oid, sizeof(oid));
	set = jz_tlv_open(b, DER_SET);
	list = jz_tlv_open(b, DER_SEQUENCE);
	put_usage(b, t->purpose);
	rc = put_names(b, t);
	jz_tlv_close(b, list);
	jz_tlv_close(b, set);
	jz_tlv_close(b, one);
	jz_tlv_close(b, attributes);
	return rc;
}

int
jz_x509_request(const struct jz_engine *e, const struct jz_key_pair *key,
    const struct jz_x509_terms *terms, struct jz_buffer *out)
{
	const struct jz_x509_suite *suite = jz_x509_suite(e->crypto->suite);
	static const uint8_t version_1 = 0;
	uint8_t bytes[JZ_X509_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	size_t mark = jz_tlv_open(&b, DER_SEQUENCE);
	int rc;

	if (suite == NULL)
		return JZ_ERR_UNSUPPORTED;
	if (!terms_good(terms))
		return JZ_ERR_RANGE;
	der_integer(&b, &version_1, 1);
	rc = der_name(&b, &terms->subject);
	der_key(&b, suite, key->public_key);
	if (rc == 0)
		rc = put_wishes(&b, terms);
	jz_tlv_close(&b, mark);
	if (rc == 0 && b.bad)
		rc = JZ_ERR_SPACE;
	return rc != 0 ? rc : der_sign(e, key, jz_buffer_span(&b), out);
}

/* ---- revocation lists --------------------------------------------------- */

static int
put_revoked(struct jz_buffer *b, const struct jz_x509_serial *revoked, size_t n,
    int64_t from)
{
	size_t list;
	int rc = 0;

	/* An empty one is left out: RFC 5280 5.1.2.6. */
	if (n == 0)
		return 0;
	list = jz_tlv_open(b, DER_SEQUENCE);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		size_t mark = jz_tlv_open(b, DER_SEQUENCE);

		if (revoked[i].len == 0 || revoked[i].len > JZ_X509_SERIAL_MAX)
			return JZ_ERR_RANGE;
		der_integer(b, revoked[i].bytes, revoked[i].len);
		rc = der_time(b, revoked[i].at != 0 ? revoked[i].at : from);
		jz_tlv_close(b, mark);
	}
	jz_tlv_close(b, list);
	return rc;
}

static int
put_crl_extensions(const struct jz_engine *e, struct jz_buffer *b,
    uint32_t number, const uint8_t *authority)
{
	size_t outer = jz_tlv_open(b, DER_CONTEXT_0);
	size_t mark = jz_tlv_open(b, DER_SEQUENCE);
	struct open_extension o;
	uint8_t bytes[4];
	int rc = put_authority_id(e, b, authority);

	jz_set_be(bytes, sizeof(bytes), number);
	o = open_extension(b, EXT_CRL_NUMBER, false);
	der_integer(b, bytes, sizeof(bytes));
	close_extension(b, o);
	jz_tlv_close(b, mark);
	jz_tlv_close(b, outer);
	return rc;
}

int
jz_x509_crl(const struct jz_engine *e, const struct jz_x509_issuer *by,
    uint32_t number, int64_t from, int64_t next,
    const struct jz_x509_serial *revoked, size_t n, struct jz_buffer *out)
{
	const struct jz_x509_suite *suite = jz_x509_suite(e->crypto->suite);
	static const uint8_t version_2 = 1;
	uint8_t bytes[JZ_X509_CRL_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	size_t mark = jz_tlv_open(&b, DER_SEQUENCE);
	int rc;

	if (suite == NULL)
		return JZ_ERR_UNSUPPORTED;
	if (n > JZ_X509_REVOKED_MAX)
		return JZ_ERR_SPACE;
	if (from >= next)
		return JZ_ERR_RANGE;
	der_integer(&b, &version_2, 1);
	der_algorithm(&b, suite);
	rc = der_name(&b, &by->name);
	if (rc == 0)
		rc = der_time(&b, from);
	if (rc == 0)
		rc = der_time(&b, next);
	if (rc == 0)
		rc = put_revoked(&b, revoked, n, from);
	if (rc == 0)
		rc = put_crl_extensions(e, &b, number, by->key->public_key);
	jz_tlv_close(&b, mark);
	if (rc == 0 && b.bad)
		rc = JZ_ERR_SPACE;
	return rc != 0 ? rc : der_sign(e, by->key, jz_buffer_span(&b), out);
}
