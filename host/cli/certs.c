/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of certificates: BER-TLV and DER objects, PEM (RFC 7468), hexadecimal.
 */
#include "certs.h"

#include <string.h>

#include "../../apdu/tlv.h"
#include "../../keys/secret.h"
#include "../../keys/store/x509.h"

#define TAG_CVC	     0x7F21
#define TAG_SEQUENCE 0x30

static const struct {
	enum jz_cert_kind kind;
	const char *label; /* of PEM */
	const char *text[2];
} KINDS[] = {
    {JZ_CERT_CVC, "CV CERTIFICATE",
	{"card-verifiable certificate", "卡可验证证书 (CVC)"}},
    {JZ_CERT_X509, "CERTIFICATE", {"X.509 certificate", "X.509 证书"}},
    {JZ_CERT_LIST, "CV REVOCATION LIST", {"revocation list", "证书吊销列表"}},
    {JZ_CERT_CRL, "X509 CRL", {"X.509 revocation list", "X.509 吊销列表"}},
    {JZ_CERT_REQUEST, "CERTIFICATE REQUEST",
	{"certificate request (PKCS #10)", "证书请求 (PKCS #10)"}},
    {JZ_CERT_KEY, "PUBLIC KEY", {"public key", "公钥"}},
    {JZ_CERT_BROKEN, NULL, {"nothing that is known", "无法识别的数据"}},
};
#define KINDS_COUNT (sizeof(KINDS) / sizeof(KINDS[0]))

const char *
jz_cert_kind_text(const struct jz_cli *c, enum jz_cert_kind kind)
{
	return KINDS[kind].text[c->lang];
}

const char *
jz_cert_label(enum jz_cert_kind kind)
{
	return KINDS[kind].label;
}

static int
add(struct jz_cli *c, struct jz_certs *out, enum jz_cert_kind kind,
    size_t offset, struct jz_span bytes)
{
	if (out->n == JZ_CERTS_MAX)
		return jz_cli_fail(c, JZ_ERR_SPACE,
		    jz_tr(c, "more than %d objects in a file",
			"文件中的对象多于 %d 个"),
		    JZ_CERTS_MAX);
	out->item[out->n++] = (struct jz_cert_item){kind, offset, bytes};
	return 0;
}

/* Which of the things that DER begins with a SEQUENCE. */
static enum jz_cert_kind
kind_of_der(struct jz_span der)
{
	uint8_t point[JZ_PUBLIC_BYTES_EC];
	struct jz_x509_view view;
	struct jz_x509_wish wish;
	enum jz_suite suite;
	int rc;

	if (jz_x509_read(der, &view) == 0)
		return JZ_CERT_X509;
	rc = jz_x509_request_read(der, &wish);
	if (rc != JZ_ERR_CERT_MALFORMED)
		return JZ_CERT_REQUEST;
	if (jz_spki_read(der, &suite, point) == 0)
		return JZ_CERT_KEY;
	return jz_x509_is_crl(der) ? JZ_CERT_CRL : JZ_CERT_X509;
}

static enum jz_cert_kind
kind_of(struct jz_span bytes, uint32_t tag)
{
	if (tag == TAG_CVC)
		return JZ_CERT_CVC;
	if (tag == JZ_KIND_REVOCATION)
		return JZ_CERT_LIST;
	return tag == TAG_SEQUENCE ? kind_of_der(bytes) : JZ_CERT_BROKEN;
}

/* An object that is cut off has no tag to go by. */
static bool
begins_cvc(struct jz_span in)
{
	return in.len >= 2 && jz_get_be(in.data, 2) == TAG_CVC;
}

/* Objects, one after the other; what is none is the last. */
static int
read_binary(struct jz_cli *c, struct jz_span in, struct jz_certs *out)
{
	struct jz_cursor cur = jz_cursor(in);
	int err = 0;

	while (err == 0 && cur.len > 0) {
		struct jz_span rest = jz_span(cur.data, cur.len);
		size_t offset = (size_t)(cur.data - in.data);
		struct jz_tlv t;

		if (jz_tlv_next(&cur, &t) == 0)
			err = add(
			    c, out, kind_of(t.whole, t.tag), offset, t.whole);
		else
			/* The walk through a certificate says where. */
			return add(c, out,
			    begins_cvc(rest) ? JZ_CERT_CVC : JZ_CERT_BROKEN,
			    offset, rest);
	}
	return err;
}

static enum jz_cert_kind
kind_of_label(const char *label)
{
	for (size_t i = 0; i < KINDS_COUNT; i++) {
		if (KINDS[i].label != NULL &&
		    strcmp(KINDS[i].label, label) == 0)
			return KINDS[i].kind;
	}
	if (strcmp(label, "NEW CERTIFICATE REQUEST") == 0)
		return JZ_CERT_REQUEST;
	return strcmp(label, "X509 CERTIFICATE") == 0 ||
		strcmp(label, "TRUSTED CERTIFICATE") == 0
	    ? JZ_CERT_X509
	    : JZ_CERT_BROKEN;
}

static int
private_key(struct jz_cli *c, struct jz_certs *out)
{
	jz_wipe(out, sizeof(*out));
	return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
	    jz_tr(c, "there is a private key in it: nothing of it is shown",
		"其中有私钥，不予显示"));
}

static int
read_pem(struct jz_cli *c, struct jz_span in, struct jz_certs *out)
{
	struct jz_buffer der = jz_buffer(out->decoded, sizeof(out->decoded));
	char label[JZ_PEM_LABEL_MAX];
	int err = 0;

	while (err == 0) {
		size_t before = der.len;

		err = jz_pem_read(&in, label, &der);
		if (err == JZ_ERR_NOT_FOUND)
			return 0;
		if (strstr(label, "PRIVATE KEY") != NULL)
			return private_key(c, out);
		if (err == 0)
			err = add(c, out, kind_of_label(label), 0,
			    jz_span(der.data + before, der.len - before));
	}
	return c->detail[0] != '\0'
	    ? err
	    : jz_cli_fail(c, err, "%s",
		  jz_tr(
		      c, "PEM that is cut off or damaged", "PEM 不完整或损坏"));
}

static bool
is_pem(struct jz_span in)
{
	static const char begin[] = "-----BEGIN ";
	const size_t n = sizeof(begin) - 1;

	for (size_t i = 0; i + n <= in.len; i++) {
		if (memcmp(in.data + i, begin, n) == 0)
			return true;
	}
	return false;
}

int
jz_certs_read(struct jz_cli *c, const char *name, struct jz_certs *out)
{
	struct jz_buffer b = jz_buffer(out->file, sizeof(out->file));
	int err;

	out->n = 0;
	err = jz_cli_read_file(c, name, &b);
	if (err != 0)
		return err;
	if (is_pem(jz_buffer_span(&b))) {
		err = read_pem(c, jz_buffer_span(&b), out);
	} else {
		/* 30 is "0" too: hexadecimal, if all of it is. */
		jz_cli_unhex(&b);
		err = read_binary(c, jz_buffer_span(&b), out);
	}
	if (err == 0 && out->n == 0)
		return jz_cli_fail(c, JZ_ERR_CERT_MALFORMED, "%s",
		    jz_tr(c, "the file is empty", "文件为空"));
	return err;
}
