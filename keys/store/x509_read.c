/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an X.509 certificate or request says, read by OpenSSL.
 */
#define _POSIX_C_SOURCE 200809L

#include "x509.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "../../apdu/error.h"
#include "../../apdu/time.h"
#include "der.h"
#include "openssl_x509.h"

#define TIME_DIGITS  14
#define IPV4_BYTES   4
#define IPV6_BYTES   16
#define ADDRESS_TEXT 48

/* ---- certificates, of the whole span ------------------------------------ */

X509 *
jz_x509_parse(struct jz_span der)
{
	const unsigned char *p = der.data;
	X509 *x = der.len > 0 && der.len <= JZ_X509_DER_MAX
	    ? d2i_X509(NULL, &p, (long)der.len)
	    : NULL;

	if (x != NULL && p != der.data + der.len) {
		X509_free(x);
		x = NULL;
	}
	if (x != NULL)
		jz_x509_identify(x);
	return x;
}

/* SM2 signs its signer's identifier too; there is one by convention. */
void
jz_x509_identify(X509 *x)
{
	const struct jz_x509_suite *gm = jz_x509_suite(JZ_SUITE_GM);
	ASN1_OCTET_STRING *id;

	if (gm == NULL || gm->id == NULL ||
	    OBJ_obj2nid(X509_get0_tbs_sigalg(x)->algorithm) != NID_SM2_with_SM3)
		return;
	id = ASN1_OCTET_STRING_new();
	if (id != NULL &&
	    ASN1_OCTET_STRING_set(
		id, (const unsigned char *)gm->id, (int)strlen(gm->id)) == 1)
		X509_set0_distinguishing_id(x, id);
	else
		ASN1_OCTET_STRING_free(id);
}

/* A key of one of our suites, uncompressed; false for any other. */
bool
jz_x509_key(
    EVP_PKEY *key, enum jz_suite *suite, uint8_t out[static JZ_PUBLIC_BYTES_EC])
{
	const struct jz_x509_suite *s;
	unsigned char *der = NULL;
	char group[64] = "";
	size_t unused;
	int len;
	bool good = false;

	if (key == NULL ||
	    EVP_PKEY_get_group_name(key, group, sizeof(group), &unused) != 1)
		return false;
	s = jz_x509_suite_of_curve(OBJ_sn2nid(group));
	len = i2d_PUBKEY(key, &der);
	if (s != NULL && len > 0)
		good = jz_spki_read(jz_span(der, (size_t)len), suite, out) == 0;
	OPENSSL_free(der);
	return good;
}

/* ---- texts -------------------------------------------------------------- */

/* Appends text, after a comma where there is some already. */
static void
add_text(char *out, size_t cap, const char *text)
{
	size_t len = strlen(out);

	if (len < cap)
		snprintf(
		    out + len, cap - len, "%s%s", len > 0 ? ", " : "", text);
}

/* What a memory BIO holds, as a text. */
static void
take_bio(BIO *bio, char *out, size_t cap)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);

	snprintf(
	    out, cap, "%.*s", len > 0 ? (int)len : 0, data != NULL ? data : "");
}

static void
name_text(const X509_NAME *name, char *out, size_t cap)
{
	BIO *bio = BIO_new(BIO_s_mem());

	out[0] = '\0';
	if (bio != NULL &&
	    X509_NAME_print_ex(
		bio, name, 0, (XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB)) >= 0)
		take_bio(bio, out, cap);
	BIO_free(bio);
}

static int64_t
time_of(const ASN1_TIME *t)
{
	struct tm tm = {0};
	uint8_t bcd[JZ_TIME_BYTES];
	int64_t utc = 0;
	char text[TIME_DIGITS + 1];

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1 ||
	    strftime(text, sizeof(text), "%Y%m%d%H%M%S", &tm) != TIME_DIGITS)
		return 0;
	for (size_t i = 0; i < JZ_TIME_BYTES; i++)
		bcd[i] = (uint8_t)((text[2 * i] - '0') << 4 |
		    (text[2 * i + 1] - '0'));
	return jz_time_from_bcd(bcd, &utc) == 0 ? utc : 0;
}

static void
address_text(const ASN1_OCTET_STRING *ip, char out[static ADDRESS_TEXT])
{
	const unsigned char *p = ASN1_STRING_get0_data(ip);
	int len = ASN1_STRING_length(ip);
	size_t at = 0;

	out[0] = '\0';
	if (len == IPV4_BYTES)
		snprintf(out, ADDRESS_TEXT, "%u.%u.%u.%u", (unsigned)p[0],
		    (unsigned)p[1], (unsigned)p[2], (unsigned)p[3]);
	for (int i = 0; len == IPV6_BYTES && i < len; i += 2)
		at += (size_t)snprintf(out + at, ADDRESS_TEXT - at, "%s%x",
		    i > 0 ? ":" : "", (unsigned)p[i] << 8 | (unsigned)p[i + 1]);
}

/* A name of another form, or with a byte that would end it early: not told. */
static bool
plain_text(const ASN1_STRING *s, char *out, size_t cap)
{
	const unsigned char *p = ASN1_STRING_get0_data(s);
	int len = ASN1_STRING_length(s);

	if (len <= 0 || (size_t)len >= cap)
		return false;
	for (int i = 0; i < len; i++) {
		if (p[i] <= 0x20 || p[i] >= 0x7F)
			return false;
	}
	memcpy(out, p, (size_t)len);
	out[len] = '\0';
	return true;
}

/* ---- the view ----------------------------------------------------------- */

static void
view_names(X509 *x, struct jz_x509_view *out)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
		char text[JZ_X509_HOST_MAX + 16] = "";
		char one[JZ_X509_HOST_MAX + 1] = "";

		if (n->type == GEN_DNS &&
		    plain_text(n->d.dNSName, one, sizeof(one)))
			snprintf(text, sizeof(text), "DNS:%s", one);
		else if (n->type == GEN_EMAIL &&
		    plain_text(n->d.rfc822Name, one, sizeof(one)))
			snprintf(text, sizeof(text), "email:%s", one);
		else if (n->type == GEN_IPADD) {
			address_text(n->d.iPAddress, one);
			snprintf(text, sizeof(text), "IP:%s", one);
		}
		add_text(out->names, sizeof(out->names),
		    text[0] != '\0' ? text : "?");
	}
	GENERAL_NAMES_free(names);
}

static void
view_usage(X509 *x, struct jz_x509_view *out)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} USAGES[] = {{KU_DIGITAL_SIGNATURE, "digitalSignature"},
	    {KU_NON_REPUDIATION, "nonRepudiation"},
	    {KU_KEY_ENCIPHERMENT, "keyEncipherment"},
	    {KU_DATA_ENCIPHERMENT, "dataEncipherment"},
	    {KU_KEY_AGREEMENT, "keyAgreement"},
	    {KU_KEY_CERT_SIGN, "keyCertSign"}, {KU_CRL_SIGN, "cRLSign"},
	    {KU_ENCIPHER_ONLY, "encipherOnly"},
	    {KU_DECIPHER_ONLY, "decipherOnly"}};
	EXTENDED_KEY_USAGE *eku =
	    X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
	uint32_t usage = X509_get_key_usage(x);

	/* All bits: the extension is not there. */
	for (size_t i = 0;
	     usage != UINT32_MAX && i < sizeof(USAGES) / sizeof(USAGES[0]);
	     i++) {
		if ((usage & USAGES[i].bit) != 0)
			add_text(
			    out->usage, sizeof(out->usage), USAGES[i].name);
	}
	for (int i = 0; i < sk_ASN1_OBJECT_num(eku); i++) {
		char text[80] = "";

		OBJ_obj2txt(
		    text, sizeof(text), sk_ASN1_OBJECT_value(eku, i), 0);
		add_text(out->purposes, sizeof(out->purposes), text);
	}
	sk_ASN1_OBJECT_pop_free(eku, ASN1_OBJECT_free);
}

static void
view_key(X509 *x, struct jz_x509_view *out)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	char group[64] = "";
	size_t unused;

	OBJ_obj2txt(out->algorithm, sizeof(out->algorithm),
	    X509_get0_tbs_sigalg(x)->algorithm, 0);
	if (key == NULL)
		return;
	if (EVP_PKEY_get_group_name(key, group, sizeof(group), &unused) == 1)
		snprintf(out->key, sizeof(out->key), "%s", group);
	else
		snprintf(out->key, sizeof(out->key), "%s, %d bits",
		    EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
	out->ours = jz_x509_key(key, &out->suite, out->public_key);
}

static void
view_serial(X509 *x, struct jz_x509_view *out)
{
	const ASN1_INTEGER *n = X509_get0_serialNumber(x);
	int len = ASN1_STRING_length(n);

	if (len > (int)sizeof(out->serial))
		len = (int)sizeof(out->serial);
	memcpy(out->serial, ASN1_STRING_get0_data(n), (size_t)len);
	out->serial_len = (size_t)len;
}

static void
view(X509 *x, struct jz_x509_view *out)
{
	unsigned len = sizeof(out->fingerprint);

	name_text(X509_get_subject_name(x), out->subject, sizeof(out->subject));
	name_text(X509_get_issuer_name(x), out->issuer, sizeof(out->issuer));
	view_serial(x, out);
	out->from = time_of(X509_get0_notBefore(x));
	out->to = time_of(X509_get0_notAfter(x));
	out->to += out->to != 0;
	view_key(x, out);
	out->ca = X509_check_ca(x) == 1;
	out->path = (int)X509_get_pathlen(x);
	view_usage(x, out);
	view_names(x, out);
	(void)X509_digest(x, EVP_sha256(), out->fingerprint, &len);
}

int
jz_x509_read(struct jz_span der, struct jz_x509_view *out)
{
	int rc = JZ_ERR_CERT_MALFORMED;
	X509 *x;

	memset(out, 0, sizeof(*out));
	(void)ERR_set_mark();
	x = jz_x509_parse(der);
	if (x != NULL) {
		view(x, out);
		rc = 0;
	}
	(void)ERR_pop_to_mark();
	X509_free(x);
	return rc;
}

/* ---- requests ----------------------------------------------------------- */

static void
one_part(X509_NAME *name, int nid, char *out, size_t cap)
{
	int at = X509_NAME_get_index_by_NID(name, nid, -1);
	unsigned char *text = NULL;
	int len = at < 0
	    ? -1
	    : ASN1_STRING_to_UTF8(&text,
		  X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));

	if (len > 0 && (size_t)len < cap &&
	    memchr(text, '\0', (size_t)len) == NULL) {
		memcpy(out, text, (size_t)len);
		out[len] = '\0';
	}
	OPENSSL_free(text);
}

static void
wish_name(const GENERAL_NAME *n, struct jz_x509_wish *out)
{
	if (n->type == GEN_DNS && out->n_dns < JZ_X509_NAMES_MAX &&
	    plain_text(n->d.dNSName, out->dns[out->n_dns], sizeof(out->dns[0])))
		out->n_dns++;
	if (n->type == GEN_EMAIL)
		(void)plain_text(
		    n->d.rfc822Name, out->email, sizeof(out->email));
	if (n->type == GEN_IPADD && out->n_ip < JZ_X509_NAMES_MAX) {
		address_text(n->d.iPAddress, out->ip[out->n_ip]);
		out->n_ip += out->ip[out->n_ip][0] != '\0';
	}
}

static void
wish_names(X509_REQ *req, struct jz_x509_wish *out)
{
	STACK_OF(X509_EXTENSION) *exts = X509_REQ_get_extensions(req);
	GENERAL_NAMES *names =
	    X509V3_get_d2i(exts, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		wish_name(sk_GENERAL_NAME_value(names, i), out);
	GENERAL_NAMES_free(names);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
}

static int
read_wish(X509_REQ *req, struct jz_x509_wish *out)
{
	const struct jz_x509_suite *gm = jz_x509_suite(JZ_SUITE_GM);
	X509_NAME *name = X509_REQ_get_subject_name(req);
	ASN1_OCTET_STRING *id;

	if (!jz_x509_key(
		X509_REQ_get0_pubkey(req), &out->suite, out->public_key))
		return JZ_ERR_KEY;
	if (out->suite == JZ_SUITE_GM && gm != NULL) {
		id = ASN1_OCTET_STRING_new();
		if (id == NULL ||
		    ASN1_OCTET_STRING_set(id, (const unsigned char *)gm->id,
			(int)strlen(gm->id)) != 1) {
			ASN1_OCTET_STRING_free(id);
			return JZ_ERR_MEMORY;
		}
		X509_REQ_set0_distinguishing_id(req, id);
	}
	if (X509_REQ_verify(req, X509_REQ_get0_pubkey(req)) != 1)
		return JZ_ERR_SIGNATURE;
	one_part(name, NID_countryName, out->country, sizeof(out->country));
	one_part(name, NID_organizationName, out->organisation,
	    sizeof(out->organisation));
	one_part(
	    name, NID_organizationalUnitName, out->unit, sizeof(out->unit));
	one_part(name, NID_commonName, out->common, sizeof(out->common));
	wish_names(req, out);
	return 0;
}

int
jz_x509_request_read(struct jz_span in, struct jz_x509_wish *out)
{
	uint8_t bytes[JZ_X509_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	char label[JZ_PEM_LABEL_MAX];
	const unsigned char *p;
	X509_REQ *req = NULL;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	if (in.len == 0)
		return JZ_ERR_CERT_MALFORMED;
	if (in.data[0] != DER_SEQUENCE) {
		if (jz_pem_read(&in, label, &b) != 0 ||
		    strstr(label, "CERTIFICATE REQUEST") == NULL)
			return JZ_ERR_CERT_MALFORMED;
		in = jz_buffer_span(&b);
	}
	(void)ERR_set_mark();
	p = in.data;
	if (in.len <= JZ_X509_DER_MAX)
		req = d2i_X509_REQ(NULL, &p, (long)in.len);
	if (req == NULL || p != in.data + in.len)
		rc = JZ_ERR_CERT_MALFORMED;
	else
		rc = read_wish(req, out);
	(void)ERR_pop_to_mark();
	X509_REQ_free(req);
	if (rc != 0)
		memset(out, 0, sizeof(*out));
	return rc;
}
