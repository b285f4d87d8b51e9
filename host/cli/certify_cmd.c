/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi certificate verify, convert, export; jiaozi issuer x509: judging
 * certificates, bringing them into other forms, and making X.509.
 *
 * Nothing here reads or writes a private key: there is no form for one.
 */
#define _POSIX_C_SOURCE 200809L

#include "certs.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../apdu/time.h"
#include "../../keys/openssl/openssl.h"
#include "../../keys/store/chain.h"
#include "../../keys/store/cvc_view.h"
#include "../../keys/store/x509.h"

#define TIME_TEXT   21
#define TIME_DIGITS 14
#define DAY_DIGITS  8
#define HOSTS_MAX   1024
#define COPIES	    3 /* of a certificate in hexadecimal and line ends */

/* ---- options ------------------------------------------------------------ */

/* 2026-01-31, 2026-01-31T12:00:00Z or none; without it, now. */
static int
judged_at(struct jz_cli *c, int64_t *out)
{
	const char *text = c->value[JZ_OPT_AT];
	uint8_t digits[TIME_DIGITS] = {0}, bcd[JZ_TIME_BYTES];
	size_t n = 0;

	*out = text == NULL ? (int64_t)time(NULL) : 0;
	if (text == NULL || strcmp(text, "none") == 0)
		return 0;
	for (const char *p = text; *p != '\0' && n <= TIME_DIGITS; p++) {
		if (*p >= '0' && *p <= '9' && n < TIME_DIGITS)
			digits[n++] = (uint8_t)(*p - '0');
		else if (strchr("-:TZ", *p) == NULL)
			n = TIME_DIGITS + 1;
	}
	for (size_t i = 0; i < JZ_TIME_BYTES; i++)
		bcd[i] = (uint8_t)(digits[2 * i] << 4 | digits[2 * i + 1]);
	if ((n != TIME_DIGITS && n != DAY_DIGITS) ||
	    jz_time_from_bcd(bcd, out) != 0 || *out == 0)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c,
			"--at %s: a time like 2026-01-31T12:00:00Z, or none",
			"--at %s：应为 2026-01-31T12:00:00Z 之类的时刻或 none"),
		    text);
	return 0;
}

/* What --role may say, and of which kind of certificate. */
static const struct role_name {
	const char *name;
	bool cvc, x509;
	enum jz_role role;
	enum jz_x509_purpose purpose;
} ROLES[] = {
    {"card", true, false, JZ_ROLE_CARD, JZ_X509_ANY},
    {"host", true, false, JZ_ROLE_HOST, JZ_X509_ANY},
    {"ca", true, true, JZ_ROLE_CA, JZ_X509_CA},
    {"root", true, false, JZ_ROLE_ROOT, JZ_X509_ANY},
    {"server", false, true, JZ_ROLE_CARD, JZ_X509_SERVER},
    {"client", false, true, JZ_ROLE_CARD, JZ_X509_CLIENT},
    {"signer", false, true, JZ_ROLE_CARD, JZ_X509_SIGNER},
};

static int
find_role(struct jz_cli *c, bool x509, const struct role_name **out)
{
	const char *text = c->value[JZ_OPT_ROLE];

	*out = NULL;
	if (text == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(ROLES) / sizeof(ROLES[0]); i++) {
		if (strcmp(ROLES[i].name, text) == 0 &&
		    (x509 ? ROLES[i].x509 : ROLES[i].cvc))
			*out = &ROLES[i];
	}
	if (*out != NULL)
		return 0;
	return jz_cli_fail(c, JZ_ERR_ARGUMENT,
	    jz_tr(c, "--role %s is no role of this kind of certificate",
		"--role %s 不是此类证书的角色"),
	    text);
}

/* ---- verify ------------------------------------------------------------- */

struct files {
	struct jz_certs subject, root, list;
	struct jz_span between[2 * JZ_CERTS_MAX];
	size_t n;
};

static struct jz_span
first_of(const struct jz_certs *certs, enum jz_cert_kind kind)
{
	for (size_t i = 0; i < certs->n; i++) {
		if (certs->item[i].kind == kind)
			return certs->item[i].bytes;
	}
	return jz_span(NULL, 0);
}

static int
read_files(struct jz_cli *c, struct files *f)
{
	int err = jz_certs_read(c, c->argument[0], &f->subject);

	if (err == 0)
		err = jz_certs_read(c, c->value[JZ_OPT_ROOT], &f->root);
	if (err == 0 && jz_cli_has(c, JZ_OPT_REVOCATION))
		err = jz_certs_read(c, c->value[JZ_OPT_REVOCATION], &f->list);
	return err;
}

/* Everything else of this kind in the two files may stand between. */
static void
gather(struct files *f, enum jz_cert_kind kind)
{
	const struct jz_certs *const both[] = {&f->subject, &f->root};

	for (size_t k = 0; k < 2; k++) {
		for (size_t i = k == 0; i < both[k]->n; i++) {
			if (both[k]->item[i].kind == kind)
				f->between[f->n++] = both[k]->item[i].bytes;
		}
	}
}

/* The list of --revocation; one that is of another kind is an error. */
static int
list_of(struct jz_cli *c, const struct files *f, enum jz_cert_kind kind,
    struct jz_span *out)
{
	*out = jz_span(NULL, 0);
	if (!jz_cli_has(c, JZ_OPT_REVOCATION))
		return 0;
	*out = first_of(&f->list, kind);
	return out->len > 0
	    ? 0
	    : jz_cli_fail(c, JZ_ERR_MESSAGE,
		  jz_tr(c, "%s: no %s in it", "%s：其中没有%s"),
		  c->value[JZ_OPT_REVOCATION], jz_cert_kind_text(c, kind));
}

static int
no_root(struct jz_cli *c, enum jz_cert_kind kind)
{
	return jz_cli_fail(c, JZ_ERR_CERT_ISSUER,
	    jz_tr(c, "%s: no %s in it", "%s：其中没有%s"),
	    c->value[JZ_OPT_ROOT], jz_cert_kind_text(c, kind));
}

static void
say_valid(struct jz_cli *c, const char *who, const char *what, int64_t to)
{
	char when[TIME_TEXT];

	jz_time_to_text(to, when);
	jz_cli_say(c,
	    jz_tr(c, "valid: %s, %s, until %s\n", "有效：%s，%s，至 %s\n"), who,
	    what, when);
	jz_cli_put(c, "valid", json_true());
	jz_cli_put(c, "subject", jz_cli_string(who));
	jz_cli_put(c, "role", jz_cli_string(what));
	jz_cli_put(c, "to", json_string(when));
}

static int
cvc_failed(struct jz_cli *c, const struct jz_chain_result *r, int err)
{
	char id[JZ_REFERENCE_BYTES + 1];

	if (r->of_list)
		return jz_cli_fail(c, err, "%s",
		    jz_tr(c, "of the revocation list", "吊销列表的问题"));
	if (r->above)
		return jz_cli_fail(c, err, "%s",
		    jz_tr(c, "of what stands above it", "上级证书的问题"));
	jz_cli_id(r->certificate.holder, JZ_REFERENCE_BYTES, id);
	return jz_cli_fail(c, err, "%s", id);
}

static int
verify_cvc(struct jz_cli *c, struct files *f, int64_t now)
{
	struct jz_span whole = first_of(&f->subject, JZ_CERT_CVC);
	const struct role_name *role;
	struct jz_chain_result r;
	struct jz_chain by = {.now = now};
	struct jz_engine e;
	char id[JZ_REFERENCE_BYTES + 1];
	int err = find_role(c, false, &role);

	if (err == 0)
		err = list_of(c, f, JZ_CERT_LIST, &by.list);
	if (err != 0)
		return err;
	by.root = first_of(&f->root, JZ_CERT_CVC);
	if (by.root.len == 0)
		return no_root(c, JZ_CERT_CVC);
	gather(f, JZ_CERT_CVC);
	by.between = f->between;
	by.n_between = f->n;
	by.any_role = role == NULL;
	if (role != NULL)
		by.role = role->role;
	err = jz_openssl_new(jz_cvc_suite(by.root), &e);
	if (err != 0)
		return err == JZ_ERR_UNSUPPORTED ? JZ_ERR_CERT_SUITE : err;
	err = jz_chain_verify(&e, whole, &by, &r);
	jz_openssl_free(&e);
	if (err != 0)
		return cvc_failed(c, &r, err);
	jz_cli_id(r.certificate.holder, JZ_REFERENCE_BYTES, id);
	say_valid(c, id, jz_role_text(r.certificate.role, (int)c->lang),
	    r.certificate.to);
	return 0;
}

static int
verify_x509(struct jz_cli *c, struct files *f, int64_t now)
{
	struct jz_span whole = first_of(&f->subject, JZ_CERT_X509);
	const struct role_name *role;
	struct jz_x509_trust by = {.now = now, .purpose = JZ_X509_ANY};
	struct jz_x509_view v;
	int err = find_role(c, true, &role);

	if (err == 0)
		err = list_of(c, f, JZ_CERT_CRL, &by.crl);
	if (err != 0)
		return err;
	by.root = first_of(&f->root, JZ_CERT_X509);
	if (by.root.len == 0)
		return no_root(c, JZ_CERT_X509);
	gather(f, JZ_CERT_X509);
	by.between = f->between;
	by.n_between = f->n;
	by.host = c->value[JZ_OPT_HOST];
	if (role != NULL)
		by.purpose = role->purpose;
	err = jz_x509_read(whole, &v);
	if (err == 0)
		err = jz_x509_verify(whole, &by);
	if (err != 0)
		return jz_cli_fail(c, err, "%s", v.subject);
	say_valid(c, v.subject,
	    role != NULL ? role->name : jz_tr(c, "any role", "不限角色"), v.to);
	return 0;
}

int
jz_cmd_certificate_verify(struct jz_cli *c)
{
	struct files *f = calloc(1, sizeof(*f));
	int64_t now;
	int err = f == NULL ? JZ_ERR_MEMORY : judged_at(c, &now);

	if (err == 0)
		err = read_files(c, f);
	if (err == 0 && f->subject.item[0].kind == JZ_CERT_CVC)
		err = verify_cvc(c, f, now);
	else if (err == 0 && f->subject.item[0].kind == JZ_CERT_X509)
		err = verify_x509(c, f, now);
	else if (err == 0)
		err = jz_cli_fail(c, JZ_ERR_CERT_MALFORMED,
		    jz_tr(c, "%s: no certificate", "%s：不是证书"),
		    c->argument[0]);
	free(f);
	return err;
}

/* ---- convert, export ---------------------------------------------------- */

enum form { DER, PEM, HEX, KEY_PEM, KEY_DER, FORMS };

static const char *const FORM_NAMES[FORMS] = {
    "der", "pem", "hex", "key-pem", "key-der"};

static int
find_form(struct jz_cli *c, enum form *out)
{
	const char *text = c->value[JZ_OPT_FORM];

	*out = PEM;
	if (text == NULL)
		return 0;
	for (size_t i = 0; i < FORMS; i++) {
		if (strcmp(FORM_NAMES[i], text) == 0) {
			*out = (enum form)i;
			return 0;
		}
	}
	return jz_cli_fail(c, JZ_ERR_ARGUMENT,
	    "--form %s: der, pem, hex, key-pem, key-der", text);
}

static int
cvc_key(struct jz_span whole, enum jz_suite *suite, uint8_t *point)
{
	struct jz_certificate c;
	struct jz_crypto names;
	int err;

	*suite = jz_cvc_suite(whole);
	if (!jz_cvc_crypto(*suite, &names))
		return JZ_ERR_CERT_MALFORMED;
	err = jz_certificate_parse(whole, &names, &c);
	if (err == 0)
		memcpy(point, c.public_key, sizeof(c.public_key));
	return err;
}

/* The public key that is certified, asked for, or stands there alone. */
static int
public_key(const struct jz_cert_item *item, enum jz_suite *suite,
    uint8_t point[static JZ_PUBLIC_BYTES_EC])
{
	struct jz_x509_view v;
	struct jz_x509_wish w;
	int err;

	switch (item->kind) {
	case JZ_CERT_CVC:
		return cvc_key(item->bytes, suite, point);
	case JZ_CERT_X509:
		err = jz_x509_read(item->bytes, &v);
		if (err == 0 && !v.ours)
			err = JZ_ERR_KEY;
		*suite = v.suite;
		memcpy(point, v.public_key, sizeof(v.public_key));
		return err;
	case JZ_CERT_REQUEST:
		err = jz_x509_request_read(item->bytes, &w);
		*suite = w.suite;
		memcpy(point, w.public_key, sizeof(w.public_key));
		return err;
	case JZ_CERT_KEY:
		return jz_spki_read(item->bytes, suite, point);
	default:
		return JZ_ERR_CERT_MALFORMED;
	}
}

static int
put_key(const struct jz_cert_item *item, enum form form, struct jz_buffer *out)
{
	uint8_t point[JZ_PUBLIC_BYTES_EC], bytes[JZ_SPKI_MAX];
	struct jz_buffer der = jz_buffer(bytes, sizeof(bytes));
	enum jz_suite suite;
	int err = public_key(item, &suite, point);

	if (err == 0)
		err = jz_spki_write(suite, point, &der);
	if (err != 0)
		return err;
	if (form == KEY_PEM)
		return jz_pem_write("PUBLIC KEY", jz_buffer_span(&der), out);
	jz_put(out, der.data, der.len);
	return out->bad ? JZ_ERR_SPACE : 0;
}

static int
put_hex(struct jz_span bytes, struct jz_buffer *out)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < bytes.len; i++) {
		jz_put_u8(out, (uint8_t)digits[bytes.data[i] >> 4]);
		jz_put_u8(out, (uint8_t)digits[bytes.data[i] & 0xF]);
	}
	jz_put_u8(out, '\n');
	return out->bad ? JZ_ERR_SPACE : 0;
}

static int
put_item(const struct jz_cert_item *item, enum form form, struct jz_buffer *out)
{
	if (item->kind == JZ_CERT_BROKEN)
		return JZ_ERR_CERT_MALFORMED;
	switch (form) {
	case PEM:
		return jz_pem_write(
		    jz_cert_label(item->kind), item->bytes, out);
	case HEX:
		return put_hex(item->bytes, out);
	case DER:
		jz_put(out, item->bytes.data, item->bytes.len);
		return out->bad ? JZ_ERR_SPACE : 0;
	default:
		return put_key(item, form, out);
	}
}

static bool
is_text(enum form form)
{
	return form == PEM || form == HEX || form == KEY_PEM;
}

/* To --out or standard output; with --json alone, into its object. */
static int
deliver(struct jz_cli *c, enum form form, struct jz_buffer *out)
{
	const char *name = c->value[JZ_OPT_OUT];

	jz_cli_put(c, "form", json_string(FORM_NAMES[form]));
	if (is_text(form))
		jz_cli_put(
		    c, "text", json_stringn((const char *)out->data, out->len));
	else
		jz_cli_put(c, "hex", jz_cli_hex(jz_buffer_span(out)));
	if (c->json && name == NULL)
		return 0;
	return jz_cli_write_file(c, name, jz_buffer_span(out));
}

int
jz_cmd_certificate_convert(struct jz_cli *c)
{
	struct jz_certs *certs = calloc(1, sizeof(*certs));
	uint8_t *bytes = calloc(COPIES, JZ_CLI_FILE_MAX);
	struct jz_buffer out =
	    jz_buffer(bytes, bytes != NULL ? COPIES * JZ_CLI_FILE_MAX : 0);
	enum form form;
	int err = certs == NULL || bytes == NULL ? JZ_ERR_MEMORY
						 : find_form(c, &form);

	if (err == 0)
		err = jz_certs_read(
		    c, c->arguments > 0 ? c->argument[0] : NULL, certs);
	for (size_t i = 0; err == 0 && i < certs->n; i++) {
		err = put_item(&certs->item[i], form, &out);
		/* One file has one public key. */
		if (form == KEY_PEM || form == KEY_DER)
			break;
	}
	if (err == 0)
		err = deliver(c, form, &out);
	free(bytes);
	free(certs);
	return err;
}

int
jz_cmd_certificate_export(struct jz_cli *c)
{
	uint8_t bytes[JZ_CERTIFICATE_MAX], text[4 * JZ_CERTIFICATE_MAX];
	struct jz_buffer out = jz_buffer(text, sizeof(text));
	struct jz_cert_item item = {.kind = JZ_CERT_CVC};
	struct jz_cli_card card = {0};
	size_t len = sizeof(bytes);
	enum form form;
	int err = find_form(c, &form);

	if (err == 0)
		err = jz_cli_open(c, JZ_OPT_CARD, &card);
	if (err == 0) {
		err = jz_purse_certificate(&card.session, bytes, &len);
		err = jz_cli_card_error(c, &card.session, err);
	}
	jz_cli_close(&card);
	item.bytes = jz_span(bytes, len);
	if (err == 0)
		err = put_item(&item, form, &out);
	return err != 0 ? err : deliver(c, form, &out);
}

/* ---- issuer x509 -------------------------------------------------------- */

struct wish {
	struct jz_x509_wish w; /* of a request, else its key alone */
	struct jz_x509_terms t;
	char hosts[HOSTS_MAX];
	const char *dns[JZ_X509_NAMES_MAX], *ip[JZ_X509_NAMES_MAX];
};

/* A colon, or digits and points alone: no host has such a name. */
static bool
is_address(const char *text)
{
	return strchr(text, ':') != NULL ||
	    strspn(text, "0123456789.") == strlen(text);
}

static int
add_host(struct jz_cli *c, struct wish *x, const char *text)
{
	bool ip = is_address(text);

	if ((ip ? x->t.n_ip : x->t.n_dns) == JZ_X509_NAMES_MAX)
		return jz_cli_fail(
		    c, JZ_ERR_RANGE, "--host: %d", JZ_X509_NAMES_MAX);
	if (ip)
		x->ip[x->t.n_ip++] = text;
	else
		x->dns[x->t.n_dns++] = text;
	return 0;
}

/* Those of --host, or else those of the request. */
static int
take_hosts(struct jz_cli *c, struct wish *x)
{
	const char *given = c->value[JZ_OPT_HOST];
	char *save = NULL, *p;
	int err = 0;

	x->t.dns = x->dns;
	x->t.ip = x->ip;
	for (size_t i = 0; given == NULL && i < x->w.n_dns; i++)
		x->dns[x->t.n_dns++] = x->w.dns[i];
	for (size_t i = 0; given == NULL && i < x->w.n_ip; i++)
		x->ip[x->t.n_ip++] = x->w.ip[i];
	if (given == NULL)
		return 0;
	if (strlen(given) >= sizeof(x->hosts))
		return jz_cli_fail(c, JZ_ERR_RANGE, "--host");
	memcpy(x->hosts, given, strlen(given) + 1);
	for (p = strtok_r(x->hosts, ",", &save); err == 0 && p != NULL;
	     p = strtok_r(NULL, ",", &save))
		err = add_host(c, x, p);
	return err;
}

static const char *
or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static int
take_terms(struct jz_cli *c, struct wish *x)
{
	const struct role_name *role;
	int err = find_role(c, true, &role);

	if (err != 0)
		return err;
	if (role == NULL || role->purpose == JZ_X509_CA)
		return jz_cli_fail(
		    c, JZ_ERR_ARGUMENT, "--role server, client, signer");
	x->t.purpose = role->purpose;
	x->t.subject.common = jz_cli_has(c, JZ_OPT_HOLDER)
	    ? c->value[JZ_OPT_HOLDER]
	    : or_null(x->w.common);
	x->t.subject.organisation = or_null(x->w.organisation);
	x->t.subject.unit = or_null(x->w.unit);
	x->t.subject.country = or_null(x->w.country);
	memcpy(x->t.public_key, x->w.public_key, sizeof(x->t.public_key));
	if (role->purpose == JZ_X509_SERVER) {
		err = take_hosts(c, x);
		if (err == 0 && x->t.subject.common == NULL && x->t.n_dns > 0)
			x->t.subject.common = x->dns[0];
	} else {
		x->t.email = jz_cli_has(c, JZ_OPT_EMAIL)
		    ? c->value[JZ_OPT_EMAIL]
		    : or_null(x->w.email);
	}
	if (err == 0 && x->t.subject.common == NULL)
		err = jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "a name is missing: --holder NAME",
			"缺少名称：--holder 名称"));
	return err;
}

/* A request's names and key, or a key whose names are all in the options. */
static int
read_wish(const struct jz_cert_item *item, struct wish *x)
{
	if (item->kind == JZ_CERT_REQUEST)
		return jz_x509_request_read(item->bytes, &x->w);
	return public_key(item, &x->w.suite, x->w.public_key);
}

static int
certify(struct jz_cli *c, struct jz_issuer *issuer,
    const struct jz_cert_item *item, struct jz_buffer *der)
{
	struct wish x = {0};
	int err;

	if (item->kind == JZ_CERT_CVC && !jz_cli_has(c, JZ_OPT_ROLE))
		return jz_issuer_x509_of_card(issuer, item->bytes, der);
	err = read_wish(item, &x);
	if (err == 0 && x.w.suite != jz_issuer_engine(issuer)->crypto->suite)
		err = JZ_ERR_CERT_SUITE;
	if (err == 0)
		err = take_terms(c, &x);
	if (err == 0)
		err = jz_issuer_x509_certify(issuer, &x.t, der);
	return err;
}

static int
add_pem(int (*make)(struct jz_issuer *, struct jz_buffer *),
    struct jz_issuer *issuer, struct jz_buffer *out)
{
	uint8_t bytes[JZ_X509_MAX];
	struct jz_buffer der = jz_buffer(bytes, sizeof(bytes));
	int err = make(issuer, &der);

	return err != 0 ? err
			: jz_pem_write(jz_cert_label(JZ_CERT_X509),
			      jz_buffer_span(&der), out);
}

/* The certificate, and the CA that signed it; or root and CA alone. */
static int
make(struct jz_cli *c, struct jz_issuer *issuer, const struct jz_certs *certs,
    struct jz_buffer *out)
{
	uint8_t bytes[JZ_X509_MAX];
	struct jz_buffer der = jz_buffer(bytes, sizeof(bytes));
	int err;

	if (c->arguments < 2) {
		err = add_pem(jz_issuer_x509_root, issuer, out);
	} else {
		err = certify(c, issuer, &certs->item[0], &der);
		if (err == 0)
			err = jz_pem_write(jz_cert_label(JZ_CERT_X509),
			    jz_buffer_span(&der), out);
	}
	return err != 0 ? err : add_pem(jz_issuer_x509_ca, issuer, out);
}

int
jz_cmd_issuer_x509(struct jz_cli *c)
{
	struct jz_certs *certs = calloc(1, sizeof(*certs));
	uint8_t text[4 * JZ_X509_MAX];
	struct jz_buffer out = jz_buffer(text, sizeof(text));
	struct jz_issuer *issuer = NULL;
	int err = certs == NULL ? JZ_ERR_MEMORY : 0;

	if (err == 0 && c->arguments > 1)
		err = jz_certs_read(c, c->argument[1], certs);
	if (err == 0)
		err = jz_cli_issuer(c, c->argument[0], &issuer);
	if (err == 0) {
		err = make(c, issuer, certs, &out);
		if (err == JZ_ERR_DATABASE)
			err = jz_cli_issuer_error(c, issuer, err);
	}
	jz_issuer_free(&issuer);
	free(certs);
	return err != 0 ? err : deliver(c, PEM, &out);
}
