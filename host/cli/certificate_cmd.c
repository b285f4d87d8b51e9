/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi certificate show: what is in a file of certificates, object by
 * object, and what is wrong with it and where.
 */
#include "certs.h"

#include <stdlib.h>
#include <string.h>

#include "../../apdu/time.h"
#include "../../keys/openssl/openssl.h"
#include "../../keys/revocation.h"
#include "../../keys/store/cvc_view.h"
#include "../../keys/store/x509.h"

#define TIME_TEXT    21
#define NAME_COLUMNS 30
#define HEX_LINE     16
#define HEX_TEXT     (3 * HEX_LINE + 1)

struct show {
	struct jz_cli *c;
	json_t *object; /* of one certificate */
	json_t *faults;
};

/* ---- pieces ------------------------------------------------------------- */

/* Long values in lines of sixteen bytes, under their name. */
static void
say_hex(const struct jz_cli *c, struct jz_span v, int indent)
{
	for (size_t at = 0; at < v.len; at += HEX_LINE) {
		char text[HEX_TEXT];
		size_t n = v.len - at < HEX_LINE ? v.len - at : HEX_LINE;

		for (size_t i = 0; i < n; i++)
			snprintf(
			    text + 3 * i, 4, "%02X ", (unsigned)v.data[at + i]);
		text[3 * n - 1] = '\0';
		jz_cli_say(c, "%*s%s\n", indent, "", text);
	}
}

/* SHA-256 of a whole object, as other programs show it. */
static void
put_fingerprint(struct show *s, struct jz_span whole)
{
	uint8_t digest[JZ_HASH_BYTES];
	struct jz_engine e;

	if (jz_openssl_new(JZ_SUITE_NIST, &e) != 0)
		return;
	if (e.crypto->hash(e.state, &whole, 1, digest) == 0) {
		json_object_set_new(s->object, "fingerprint_sha256",
		    jz_cli_hex(jz_span(digest, sizeof(digest))));
		jz_cli_say(s->c, "%s\n",
		    jz_tr(s->c, "fingerprint (SHA-256)", "指纹 (SHA-256)"));
		say_hex(s->c, jz_span(digest, sizeof(digest)), 4);
	}
	jz_openssl_free(&e);
}

static void
put_text(struct show *s, const char *key, const char *name, const char *text)
{
	if (text[0] != '\0')
		jz_cli_line(s->c, name, "%s", text);
	json_object_set_new(s->object, key, jz_cli_string(text));
}

static void
put_time(struct show *s, const char *key, const char *name, int64_t t)
{
	char text[TIME_TEXT];

	jz_time_to_text(t, text);
	put_text(s, key, name, text);
}

static const char *
suite_name(enum jz_suite suite)
{
	return suite == JZ_SUITE_GM ? "gm" : "nist";
}

/* ---- card-verifiable ---------------------------------------------------- */

/* The value where it is short, under the name where it is long. */
static void
say_row(struct show *s, const struct jz_cvc_row *row)
{
	const struct jz_cli *c = s->c;
	const char *text =
	    row->word[0] != NULL ? row->word[c->lang] : row->text;
	char tag[12] = "";
	char name[80];

	if (row->tag != 0)
		snprintf(tag, sizeof(tag), "%02X", (unsigned)row->tag);
	snprintf(name, sizeof(name), "%*s%s", 2 * (int)row->depth, "",
	    row->name[c->lang]);
	jz_cli_say(c, "%5zu  %-4s  ", row->offset, tag);
	jz_cli_cell(c, NAME_COLUMNS, name);
	if (text[0] != '\0')
		jz_cli_say(c, "%s", text);
	else if (row->tag != 0 && row->value.len > 0 &&
	    row->value.len <= HEX_LINE / 2)
		for (size_t i = 0; i < row->value.len; i++)
			jz_cli_say(c, "%02X", (unsigned)row->value.data[i]);
	jz_cli_say(c, "\n");
	if (text[0] == '\0' && row->value.len > HEX_LINE / 2)
		say_hex(c, row->value, 13 + 2 * ((int)row->depth + 1));
	if (row->fault[0] != NULL)
		jz_cli_say(c, "%13s*** %s\n", "", row->fault[c->lang]);
}

static void
one_row(const struct jz_cvc_row *row, void *arg)
{
	struct show *s = arg;
	json_t *fault;

	say_row(s, row);
	if (row->fault[0] == NULL)
		return;
	fault = json_pack("{s:I, s:s, s:s}", "offset", (json_int_t)row->offset,
	    "object", row->name[s->c->lang], "fault", row->fault[s->c->lang]);
	if (row->tag != 0) {
		char tag[12];

		snprintf(tag, sizeof(tag), "%02X", (unsigned)row->tag);
		json_object_set_new(fault, "tag", json_string(tag));
	}
	json_array_append_new(s->faults, fault);
}

/* The fields of a certificate of that suite, for programs. */
static void
put_fields(struct show *s, struct jz_span whole, enum jz_suite suite)
{
	char id[JZ_REFERENCE_BYTES + 1], when[TIME_TEXT];
	json_t *o = s->object;
	struct jz_certificate c;
	struct jz_crypto names;

	if (!jz_cvc_crypto(suite, &names) ||
	    jz_certificate_parse(whole, &names, &c) != 0)
		return;
	jz_cli_id(c.authority, sizeof(c.authority), id);
	json_object_set_new(o, "authority", jz_cli_string(id));
	jz_cli_id(c.holder, sizeof(c.holder), id);
	json_object_set_new(o, "holder", jz_cli_string(id));
	json_object_set_new(
	    o, "role", json_string(jz_role_text(c.role, JZ_LANG_EN)));
	json_object_set_new(o, "assurance",
	    json_string(jz_assurance_text(c.assurance, JZ_LANG_EN)));
	json_object_set_new(
	    o, "payee_only", json_boolean((c.flags & JZ_FLAG_PAYEE_ONLY) != 0));
	json_object_set_new(o, "generation", json_integer(c.generation));
	jz_time_to_text(c.from, when);
	json_object_set_new(o, "from", json_string(when));
	jz_time_to_text(c.to, when);
	json_object_set_new(o, "to", json_string(when));
	json_object_set_new(o, "suite", json_string(suite_name(suite)));
	json_object_set_new(o, "public_key",
	    jz_cli_hex(jz_span(c.public_key, sizeof(c.public_key))));
	json_object_set_new(o, "signature",
	    jz_cli_hex(jz_span(c.signature, sizeof(c.signature))));
}

static int
show_cvc(struct show *s, struct jz_span whole)
{
	int err = jz_cvc_view(whole, one_row, s);

	put_fields(s, whole, jz_cvc_suite(whole));
	put_fingerprint(s, whole);
	return err;
}

static int
show_list(struct show *s, struct jz_span whole)
{
	char id[JZ_ID_BYTES + 1], number[16];
	json_t *ids = json_array();
	struct jz_message m;

	json_object_set_new(s->object, "revoked", ids);
	if (jz_revocation_parse(whole, &m) != 0)
		return JZ_ERR_MESSAGE;
	jz_cli_id(m.host_id, sizeof(m.host_id), id);
	put_text(s, "authority", jz_tr(s->c, "authority", "颁发者"), id);
	snprintf(number, sizeof(number), "%u", (unsigned)m.list_version);
	put_text(s, "version", jz_tr(s->c, "version", "版本"), number);
	put_time(s, "time", jz_tr(s->c, "time", "时间"), m.payment.time);
	snprintf(number, sizeof(number), "%u", (unsigned)m.generation);
	put_text(
	    s, "generation", jz_tr(s->c, "void below", "作废代次低于"), number);
	for (size_t at = 0; at < m.revoked.len; at += JZ_ID_BYTES) {
		jz_cli_id(m.revoked.data + at, JZ_ID_BYTES, id);
		jz_cli_line(s->c, jz_tr(s->c, "revoked", "已吊销"), "%s", id);
		json_array_append_new(ids, jz_cli_string(id));
	}
	put_fingerprint(s, whole);
	return 0;
}

/* ---- X.509 -------------------------------------------------------------- */

static void
show_key(struct show *s, enum jz_suite suite, const uint8_t *public_key)
{
	struct jz_span point = jz_span(public_key, JZ_PUBLIC_BYTES_EC);

	put_text(
	    s, "suite", jz_tr(s->c, "suite", "密码套件"), suite_name(suite));
	jz_cli_line(s->c, jz_tr(s->c, "public key", "公钥"), "%s", "");
	say_hex(s->c, point, 4);
	json_object_set_new(s->object, "public_key", jz_cli_hex(point));
}

static void
show_constraints(struct show *s, const struct jz_x509_view *v)
{
	char text[32];

	json_object_set_new(s->object, "ca", json_boolean(v->ca));
	if (!v->ca)
		return;
	if (v->path >= 0)
		snprintf(text, sizeof(text), "%d", v->path);
	jz_cli_line(s->c, "CA", "%s %s",
	    jz_tr(s->c, "yes, CAs below it:", "是，下级 CA 数："),
	    v->path >= 0 ? text : jz_tr(s->c, "any", "不限"));
	json_object_set_new(s->object, "path",
	    v->path >= 0 ? json_integer(v->path) : json_null());
}

static int
show_x509(struct show *s, struct jz_span whole)
{
	struct jz_x509_view v;
	char serial[2 * sizeof(v.serial) + 1] = "";

	if (jz_x509_read(whole, &v) != 0)
		return JZ_ERR_CERT_MALFORMED;
	for (size_t i = 0; i < v.serial_len; i++)
		snprintf(serial + 2 * i, 3, "%02X", (unsigned)v.serial[i]);
	put_text(s, "subject", jz_tr(s->c, "subject", "主体"), v.subject);
	put_text(s, "issuer", jz_tr(s->c, "issuer", "颁发者"), v.issuer);
	put_text(s, "serial", jz_tr(s->c, "serial", "序列号"), serial);
	put_time(s, "from", jz_tr(s->c, "valid from", "生效时间"), v.from);
	put_time(s, "to", jz_tr(s->c, "valid until", "失效时间"), v.to);
	put_text(s, "algorithm", jz_tr(s->c, "algorithm", "算法"), v.algorithm);
	put_text(s, "key", jz_tr(s->c, "key", "密钥"), v.key);
	show_constraints(s, &v);
	put_text(s, "usage", jz_tr(s->c, "key usage", "密钥用法"), v.usage);
	put_text(s, "purposes", jz_tr(s->c, "purposes", "用途"), v.purposes);
	put_text(s, "names", jz_tr(s->c, "names", "名称"), v.names);
	if (v.ours)
		show_key(s, v.suite, v.public_key);
	put_fingerprint(s, whole);
	return 0;
}

static int
show_crl(struct show *s, struct jz_span whole)
{
	json_t *serials = json_array();
	struct jz_x509_list l;
	int err = jz_x509_crl_read(whole, &l);

	json_object_set_new(s->object, "revoked", serials);
	if (err != 0)
		return err;
	put_text(s, "issuer", jz_tr(s->c, "issuer", "颁发者"), l.issuer);
	jz_cli_line(s->c, jz_tr(s->c, "number", "编号"), "%lu",
	    (unsigned long)l.number);
	json_object_set_new(s->object, "number", json_integer(l.number));
	put_time(s, "from", jz_tr(s->c, "made", "签发时间"), l.from);
	put_time(s, "to", jz_tr(s->c, "next list", "下次更新"), l.next);
	for (size_t i = 0; i < l.n; i++) {
		char serial[2 * JZ_X509_SERIAL_MAX + 1];

		for (size_t k = 0; k < l.revoked[i].len; k++)
			snprintf(serial + 2 * k, 3, "%02X",
			    (unsigned)l.revoked[i].bytes[k]);
		jz_cli_line(
		    s->c, jz_tr(s->c, "revoked", "已吊销"), "%s", serial);
		json_array_append_new(serials, json_string(serial));
	}
	put_fingerprint(s, whole);
	return 0;
}

static int
show_request(struct show *s, struct jz_span whole)
{
	struct jz_x509_wish w;
	int err = jz_x509_request_read(whole, &w);

	if (err != 0)
		return err;
	put_text(s, "common", jz_tr(s->c, "name", "名称"), w.common);
	put_text(s, "organisation", jz_tr(s->c, "organisation", "组织"),
	    w.organisation);
	put_text(s, "country", jz_tr(s->c, "country", "国家"), w.country);
	for (size_t i = 0; i < w.n_dns; i++)
		jz_cli_line(s->c, "DNS", "%s", w.dns[i]);
	for (size_t i = 0; i < w.n_ip; i++)
		jz_cli_line(s->c, "IP", "%s", w.ip[i]);
	put_text(s, "email", jz_tr(s->c, "mail", "邮箱"), w.email);
	show_key(s, w.suite, w.public_key);
	return 0;
}

static int
show_public(struct show *s, struct jz_span whole)
{
	uint8_t point[JZ_PUBLIC_BYTES_EC];
	enum jz_suite suite;
	int err = jz_spki_read(whole, &suite, point);

	if (err == 0)
		show_key(s, suite, point);
	return err;
}

/* ---- the command -------------------------------------------------------- */

static int
show_item(struct show *s, const struct jz_cert_item *item)
{
	switch (item->kind) {
	case JZ_CERT_CVC:
		return show_cvc(s, item->bytes);
	case JZ_CERT_LIST:
		return show_list(s, item->bytes);
	case JZ_CERT_X509:
		return show_x509(s, item->bytes);
	case JZ_CERT_CRL:
		return show_crl(s, item->bytes);
	case JZ_CERT_REQUEST:
		return show_request(s, item->bytes);
	case JZ_CERT_KEY:
		return show_public(s, item->bytes);
	default:
		return JZ_ERR_CERT_MALFORMED;
	}
}

static const char *
kind_key(enum jz_cert_kind kind)
{
	static const char *const KEYS[] = {
	    "cvc", "x509", "list", "crl", "request", "key", "unknown"};

	return KEYS[kind];
}

static int
show_one(struct jz_cli *c, const struct jz_cert_item *item, json_t *list)
{
	struct show s = {c, json_object(), json_array()};
	int err;

	jz_cli_say(c,
	    jz_tr(c, "%s, %zu bytes at %zu\n", "%s，%zu 字节，位于 %zu\n"),
	    jz_cert_kind_text(c, item->kind), item->bytes.len, item->offset);
	json_object_set_new(
	    s.object, "type", json_string(kind_key(item->kind)));
	json_object_set_new(
	    s.object, "offset", json_integer((json_int_t)item->offset));
	err = show_item(&s, item);
	json_object_set_new(s.object, "faults", s.faults);
	json_object_set_new(s.object, "error",
	    err != 0 ? json_string(jz_error_name(err)) : json_null());
	if (err != 0)
		jz_cli_say(c, "*** %s\n", jz_error_text(err, c->lang));
	json_array_append_new(list, s.object);
	return err;
}

int
jz_cmd_certificate_show(struct jz_cli *c)
{
	struct jz_certs *certs = calloc(1, sizeof(*certs));
	const char *name = c->arguments > 0 ? c->argument[0] : NULL;
	json_t *list = json_array();
	int err, first = 0;

	jz_cli_put(c, "objects", list);
	if (certs == NULL)
		return JZ_ERR_MEMORY;
	err = jz_certs_read(c, name, certs);
	for (size_t i = 0; err == 0 && i < certs->n; i++) {
		int rc;

		if (i > 0)
			jz_cli_say(c, "\n");
		rc = show_one(c, &certs->item[i], list);
		if (first == 0)
			first = rc;
	}
	free(certs);
	if (err == 0 && first != 0) {
		jz_cli_more(c, "objects", json_incref(list));
		err = first;
	}
	return err;
}
