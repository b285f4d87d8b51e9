/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi issuer crl: the CA's X.509 revocation list.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

#include "../../apdu/time.h"
#include "certs.h"

#define PREFIX_SERIAL "serial:"
#define TIME_TEXT     21

static int
by_serial(struct jz_cli *c, const char *text, struct jz_x509_serial *out)
{
	struct jz_buffer b = jz_buffer(out->bytes, sizeof(out->bytes));
	int err = jz_cli_from_hex(text, &b);

	out->len = b.len;
	/* As DER has it: no zero before the first digit that counts. */
	while (out->len > 1 && out->bytes[0] == 0)
		memmove(out->bytes, out->bytes + 1, --out->len);
	if (err != 0 || out->len == 0)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c,
			"\"%s\" is no serial number: up to 20 bytes in "
			"hexadecimal",
			"“%s”不是序列号：应为至多 20 字节的十六进制"),
		    text);
	return 0;
}

/* The certificate must be the CA's, whatever its dates. */
static int
check_issuer(struct jz_issuer *issuer, struct jz_span der)
{
	uint8_t root[JZ_X509_MAX], ca[JZ_X509_MAX];
	struct jz_buffer r = jz_buffer(root, sizeof(root));
	struct jz_buffer b = jz_buffer(ca, sizeof(ca));
	struct jz_x509_view of_ca, v;
	struct jz_x509_trust by = {.n_between = 1, .purpose = JZ_X509_ANY};
	struct jz_span between;
	int err = jz_issuer_x509_root(issuer, &r);

	if (err == 0)
		err = jz_issuer_x509_ca(issuer, &b);
	if (err != 0)
		return err;
	by.root = jz_buffer_span(&r);
	between = jz_buffer_span(&b);
	by.between = &between;
	err = jz_x509_verify(der, &by);
	if (err == 0)
		err = jz_x509_read(between, &of_ca);
	if (err == 0)
		err = jz_x509_read(der, &v);
	return err == 0 && strcmp(v.issuer, of_ca.subject) != 0
	    ? JZ_ERR_CERT_ISSUER
	    : err;
}

static int
by_file(struct jz_cli *c, struct jz_issuer *issuer, const char *name,
    struct jz_x509_serial *out)
{
	struct jz_certs *certs = calloc(1, sizeof(*certs));
	struct jz_x509_view v = {0};
	int err = certs == NULL ? JZ_ERR_MEMORY : jz_certs_read(c, name, certs);

	if (err == 0 && certs->item[0].kind != JZ_CERT_X509)
		err = jz_cli_fail(c, JZ_ERR_CERT_MALFORMED,
		    jz_tr(c, "%s: no X.509 certificate", "%s：不是 X.509 证书"),
		    name);
	else if (err == 0) {
		err = check_issuer(issuer, certs->item[0].bytes);
		if (err == 0)
			err = jz_x509_read(certs->item[0].bytes, &v);
		if (err == 0 && v.serial_len > sizeof(out->bytes))
			err = JZ_ERR_CERT_MALFORMED;
		if (err != 0)
			err = jz_cli_fail(c, err, "%s", name);
	}
	if (err == 0) {
		memcpy(out->bytes, v.serial, v.serial_len);
		out->len = v.serial_len;
	}
	free(certs);
	return err;
}

static int
find_serial(struct jz_cli *c, struct jz_issuer *issuer, const char *text,
    struct jz_x509_serial *out)
{
	const size_t n = sizeof(PREFIX_SERIAL) - 1;

	return strncmp(text, PREFIX_SERIAL, n) == 0
	    ? by_serial(c, text + n, out)
	    : by_file(c, issuer, text, out);
}

static void
tell(struct jz_cli *c, const struct jz_x509_list *l)
{
	json_t *serials = json_array();
	char next[TIME_TEXT];

	jz_time_to_text(l->next, next);
	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(serials,
		    jz_cli_hex(
			jz_span(l->revoked[i].bytes, l->revoked[i].len)));
	jz_cli_put(c, "number", json_integer(l->number));
	jz_cli_put(c, "next", json_string(next));
	jz_cli_put(c, "revoked", serials);
}

/* To --out, or standard output. */
static int
deliver(struct jz_cli *c, struct jz_span der)
{
	uint8_t text[2 * JZ_X509_CRL_MAX];
	struct jz_buffer out = jz_buffer(text, sizeof(text));
	int err = jz_pem_write(jz_cert_label(JZ_CERT_CRL), der, &out);

	if (err != 0)
		return err;
	jz_cli_put(c, "text", json_stringn((const char *)out.data, out.len));
	if (c->json && !jz_cli_has(c, JZ_OPT_OUT))
		return 0;
	return jz_cli_write_file(c, c->value[JZ_OPT_OUT], jz_buffer_span(&out));
}

int
jz_cmd_issuer_crl(struct jz_cli *c)
{
	struct jz_x509_serial serials[JZ_CLI_ARGUMENTS_MAX] = {0};
	uint8_t bytes[JZ_X509_CRL_MAX + JZ_X509_MAX];
	struct jz_buffer der = jz_buffer(bytes, sizeof(bytes));
	struct jz_issuer *issuer = NULL;
	struct jz_x509_list list;
	int err = jz_cli_issuer(c, c->argument[0], &issuer);

	for (unsigned i = 1; err == 0 && i < c->arguments; i++)
		err = find_serial(c, issuer, c->argument[i], &serials[i - 1]);
	if (err == 0) {
		err = jz_issuer_x509_revoke(issuer, c->argument[0], serials,
		    c->arguments - 1, &list, &der);
		if (err != 0)
			err = jz_cli_fail(c, err, "%s", c->argument[0]);
	}
	jz_issuer_free(&issuer);
	if (err != 0)
		return err;
	tell(c, &list);
	return deliver(c, jz_buffer_span(&der));
}
