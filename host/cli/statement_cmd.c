/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi issuer statement: the full story of payments as text, JSON or HTML;
 * jiaozi statement verify: the JSON judged again, without the issuer.
 */
#include "statement.h"

#include <stdlib.h>
#include <string.h>

#include "../../apdu/time.h"
#include "../../keys/openssl/openssl.h"
#include "certs.h"

#define FORMAT	      "jiaozi statement 1"
#define STATEMENT_MAX (64u << 20)

static const struct {
	enum jz_kind kind;
	const char *name;
	unsigned step;
	const char *text[2];
} PROOFS[] = {
    {JZ_KIND_CONFIRMATION, "confirmation", 3,
	{"step 3, confirmation: the payee agreed to be paid",
	    "第三步，支付确认：收款方同意收款"}},
    {JZ_KIND_COMPLETION, "completion", 4,
	{"step 4, completion: the payer has paid",
	    "第四步，支付完成：付款方已付款"}},
    {JZ_KIND_RECEIPT, "receipt", 5,
	{"step 5, receipt: the payee was credited",
	    "第五步，收据：收款方已入账"}},
    {JZ_KIND_EXCEPTION, "exception", 0,
	{"exception: the payee was never credited and never will be",
	    "放弃：收款方从未入账，也不再入账"}},
};

static size_t
row_of(enum jz_kind kind)
{
	size_t k = 0;

	while (k + 1 < sizeof(PROOFS) / sizeof(PROOFS[0]) &&
	    PROOFS[k].kind != kind)
		k++;
	return k;
}

const char *
jz_proof_text(const struct jz_cli *c, enum jz_kind kind)
{
	return PROOFS[row_of(kind)].text[c->lang];
}

/* ---- JSON --------------------------------------------------------------- */

static const struct {
	const char *name;
	size_t offset;
} PARTS[] = {
#define PART(field)                                                            \
	{                                                                      \
#field, offsetof(struct jz_bank_statement, field)              \
	}
    PART(payer_record), PART(payee_record), PART(exception), PART(payer),
    PART(payee), PART(payer_ca), PART(payee_ca), PART(root)};
#define PARTS_COUNT (sizeof(PARTS) / sizeof(PARTS[0]))

static struct jz_statement_part *
part_of(struct jz_bank_statement *s, size_t k)
{
	return (
	    struct jz_statement_part *)(void *)((char *)s + PARTS[k].offset);
}

static json_t *
json_proof(const struct jz_proof *p)
{
	const size_t k = row_of(p->kind);
	char when[21];
	json_t *row = json_object();

	jz_time_to_text(p->time, when);
	json_object_set_new(row, "message", json_string(PROOFS[k].name));
	if (PROOFS[k].step != 0)
		json_object_set_new(row, "step", json_integer(PROOFS[k].step));
	json_object_set_new(
	    row, "signed_by", json_string(p->by_payer ? "payer" : "payee"));
	json_object_set_new(
	    row, "uploaded_by", json_string(p->from_payer ? "payer" : "payee"));
	json_object_set_new(row, "time", json_string(when));
	json_object_set_new(row, "verifies", json_boolean(p->err == 0));
	json_object_set_new(row, "signature",
	    jz_cli_hex(jz_span(p->signature, JZ_SIGNATURE_BYTES)));
	json_object_set_new(row, "signed_message",
	    jz_cli_hex(jz_span(p->message.bytes, p->message.len)));
	return row;
}

static json_t *
json_posting(const struct jz_posting *p, uint16_t currency)
{
	char when[21];
	json_t *row = json_object();

	jz_time_to_text(p->time, when);
	json_object_set_new(row, "transaction", json_integer(p->id));
	json_object_set_new(row, "time", json_string(when));
	json_object_set_new(row, "kind", json_string(p->kind));
	json_object_set_new(row, "account", jz_cli_string(p->account));
	jz_cli_put_money(row, "amount", p->amount, currency);
	return row;
}

static void
put_payment(json_t *row, const struct jz_payment *p)
{
	char payer[JZ_ID_BYTES + 1], payee[JZ_ID_BYTES + 1], when[21];

	jz_cli_id(p->payer_id, JZ_ID_BYTES, payer);
	jz_cli_id(p->payee_id, JZ_ID_BYTES, payee);
	jz_time_to_text(p->time, when);
	json_object_set_new(row, "time", json_string(when));
	json_object_set_new(row, "payer", json_string(payer));
	json_object_set_new(row, "payee", json_string(payee));
	json_object_set_new(
	    row, "payer_counter", json_integer((json_int_t)p->payer_counter));
	json_object_set_new(
	    row, "payee_counter", json_integer((json_int_t)p->payee_counter));
	jz_cli_put_money(row, "amount", (int64_t)p->amount, p->currency);
	json_object_set_new(
	    row, "currency", json_string(jz_currency_of(p->currency).name));
}

static json_t *
json_story(struct jz_bank_statement *s, const struct jz_verdict *v)
{
	json_t *row = json_object(), *proofs = json_array();
	json_t *postings = json_array(), *evidence = json_object();

	json_object_set_new(row, "request_digest",
	    jz_cli_hex(jz_span(s->request_digest, JZ_DIGEST_BYTES)));
	put_payment(row, &v->payment);
	json_object_set_new(row, "verifies", json_boolean(v->err == 0));
	if (v->err != 0)
		json_object_set_new(
		    row, "fault", json_string(jz_error_name(v->err)));
	if (v->outcome != 0)
		json_object_set_new(row, "given_up",
		    json_string(
			v->outcome == JZ_OUTCOME_CLAIM ? "claim" : "release"));
	if (v->refund_of != 0)
		json_object_set_new(
		    row, "refund_of", json_integer((json_int_t)v->refund_of));
	for (size_t k = 0; k < v->n; k++)
		json_array_append_new(proofs, json_proof(&v->proof[k]));
	for (size_t k = 0; k < s->postings; k++)
		json_array_append_new(postings,
		    json_posting(&s->posting[k], v->payment.currency));
	for (size_t k = 0; k < PARTS_COUNT; k++) {
		const struct jz_statement_part *p = part_of(s, k);

		if (p->len > 0)
			json_object_set_new(evidence, PARTS[k].name,
			    jz_cli_hex(jz_span(p->bytes, p->len)));
	}
	json_object_set_new(row, "proofs", proofs);
	json_object_set_new(row, "postings", postings);
	json_object_set_new(row, "evidence", evidence);
	return row;
}

/* ---- text --------------------------------------------------------------- */

static void
say_proof(struct jz_cli *c, const struct jz_proof *p)
{
	char when[21];

	jz_time_to_text(p->time, when);
	jz_cli_say(c, "  %s  %s\n", when, jz_proof_text(c, p->kind));
	jz_cli_say(c,
	    jz_tr(c, "      signed by the %s, from the upload of the %s: %s\n",
		"      %s签名，取自%s的上传：%s\n"),
	    p->by_payer ? jz_tr(c, "payer", "付款方")
			: jz_tr(c, "payee", "收款方"),
	    p->from_payer ? jz_tr(c, "payer", "付款方")
			  : jz_tr(c, "payee", "收款方"),
	    p->err == 0 ? jz_tr(c, "verifies", "验证通过")
			: jz_error_text(p->err, c->lang));
	jz_cli_say(c, "      ");
	for (size_t k = 0; k < JZ_SIGNATURE_BYTES; k++)
		jz_cli_say(c, "%02X", (unsigned)p->signature[k]);
	jz_cli_say(c, "\n");
}

static void
say_verdict(struct jz_cli *c, const struct jz_verdict *v)
{
	if (v->err == 0)
		jz_cli_say(c, "  %s\n",
		    jz_tr(c,
			"all of it verifies with the two certificates and the "
			"root alone",
			"仅凭两张证书与根证书即全部验证通过"));
	else
		jz_cli_say(c,
		    jz_tr(c, "  does NOT verify: %s\n", "  验证不通过：%s\n"),
		    jz_error_text(v->err, c->lang));
}

static void
say_story(struct jz_cli *c, const struct jz_bank_statement *s,
    const struct jz_verdict *v)
{
	char payer[JZ_ID_BYTES + 1], payee[JZ_ID_BYTES + 1];
	char when[21], x[JZ_MONEY_TEXT];

	jz_cli_id(v->payment.payer_id, JZ_ID_BYTES, payer);
	jz_cli_id(v->payment.payee_id, JZ_ID_BYTES, payee);
	jz_time_to_text(v->payment.time, when);
	for (size_t k = 0; k < JZ_DIGEST_BYTES; k++)
		jz_cli_say(c, "%02x", (unsigned)s->request_digest[k]);
	jz_cli_say(c, "\n  %s  %s -> %s  %s\n", when, payer, payee,
	    jz_money_name((int64_t)v->payment.amount, v->payment.currency, x));
	if (v->refund_of != 0)
		jz_cli_say(c,
		    jz_tr(c,
			"  refund of the payer's payment %u, by the upload\n",
			"  据上传记录为退款，付款卡原收款序号 %u\n"),
		    (unsigned)v->refund_of);
	for (size_t k = 0; k < v->n; k++)
		say_proof(c, &v->proof[k]);
	for (size_t k = 0; k < s->postings; k++) {
		const struct jz_posting *p = &s->posting[k];

		jz_time_to_text(p->time, when);
		jz_cli_say(c, "  %s  #%lld %s  %s  %s\n", when,
		    (long long)p->id, jz_ledger_text(p->kind, c->lang),
		    p->account,
		    jz_money_name(p->amount, v->payment.currency, x));
	}
	say_verdict(c, v);
}

/* ---- the command -------------------------------------------------------- */

enum form { TEXT, JSON, HTML };

struct telling {
	struct jz_cli *c;
	struct jz_issuer *issuer;
	enum form form;
	json_t *list;
	uint8_t (*digest)[JZ_DIGEST_BYTES];
	size_t n, room;
	int fault; /* the first that does not verify */
};

static int
remember(const uint8_t request_digest[static JZ_DIGEST_BYTES], void *arg)
{
	struct telling *t = arg;
	size_t room = t->room == 0 ? 64 : 2 * t->room;
	void *more;

	if (t->n == t->room) {
		more = realloc(t->digest, room * sizeof(t->digest[0]));
		if (more == NULL)
			return JZ_ERR_MEMORY;
		t->digest = more;
		t->room = room;
	}
	memcpy(t->digest[t->n++], request_digest, JZ_DIGEST_BYTES);
	return 0;
}

static int
tell(struct telling *t, const uint8_t digest[static JZ_DIGEST_BYTES])
{
	struct jz_bank_statement s;
	struct jz_verdict v;
	int err = jz_issuer_statement(t->issuer, digest, &s);

	if (err != 0)
		return err;
	jz_statement_verify(
	    jz_issuer_engine(t->issuer), jz_issuer_root(t->issuer), &s, &v);
	if (t->fault == 0)
		t->fault = v.err;
	if (t->form == TEXT)
		say_story(t->c, &s, &v);
	json_array_append_new(t->list, json_story(&s, &v));
	return 0;
}

static int
form_of(struct jz_cli *c, enum form *out)
{
	const char *text = c->value[JZ_OPT_FORM];

	*out = TEXT;
	if (text == NULL || strcmp(text, "text") == 0)
		return 0;
	*out = strcmp(text, "json") == 0 ? JSON : HTML;
	if (*out == HTML && strcmp(text, "html") != 0)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "--form: %s",
		    jz_tr(c, "text, json or html", "text、json 或 html"));
	return 0;
}

/* The file that another program, or this one, verifies. */
static int
write_json(struct telling *t)
{
	const char *out = t->c->value[JZ_OPT_OUT];
	json_t *file = json_pack("{s:s, s:s, s:O}", "format", FORMAT, "suite",
	    jz_issuer_engine(t->issuer)->crypto->name, "payments", t->list);
	char *text = json_dumps(file, JSON_INDENT(1) | JSON_SORT_KEYS);
	int err = text == NULL
	    ? JZ_ERR_MEMORY
	    : jz_cli_write_file(
		  t->c, out != NULL ? out : "-", jz_span(text, strlen(text)));

	free(text);
	json_decref(file);
	return err;
}

static int
write_out(struct telling *t)
{
	if (t->form == JSON)
		return t->c->json && !jz_cli_has(t->c, JZ_OPT_OUT)
		    ? 0
		    : write_json(t);
	return t->form == HTML ? jz_statement_html(t->c, t->list) : 0;
}

int
jz_cli_story(struct jz_cli *c, struct jz_issuer *issuer, const char *card,
    const uint8_t *digest)
{
	struct telling t = {.c = c, .issuer = issuer, .list = json_array()};
	int err = form_of(c, &t.form);

	jz_cli_put(c, "payments", t.list);
	if (err == 0 && digest != NULL)
		err = remember(digest, &t);
	else if (err == 0)
		err = jz_issuer_each_traced(
		    issuer, (const uint8_t *)card, remember, &t);
	for (size_t k = 0; err == 0 && k < t.n; k++)
		err = tell(&t, t.digest[k]);
	if (err == 0)
		err = write_out(&t);
	if (err == 0 && t.fault != 0)
		err = t.fault;
	free(t.digest);
	return err;
}

/* ---- verifying a file --------------------------------------------------- */

static int
unhex(const char *text, uint8_t *out, size_t cap, size_t *len)
{
	struct jz_buffer b = jz_buffer(out, cap);
	int err = text == NULL ? JZ_ERR_MESSAGE : jz_cli_from_hex(text, &b);

	*len = b.len;
	return err != 0 || b.bad ? JZ_ERR_MESSAGE : 0;
}

static int
read_story(const json_t *row, struct jz_bank_statement *s)
{
	const json_t *evidence = json_object_get(row, "evidence");
	const char *text =
	    json_string_value(json_object_get(row, "request_digest"));
	size_t len;
	int err;

	memset(s, 0, sizeof(*s));
	err = unhex(text, s->request_digest, JZ_DIGEST_BYTES, &len);
	if (err == 0 && (len != JZ_DIGEST_BYTES || !json_is_object(evidence)))
		err = JZ_ERR_MESSAGE;
	for (size_t k = 0; err == 0 && k < PARTS_COUNT; k++) {
		struct jz_statement_part *p = part_of(s, k);
		const json_t *v = json_object_get(evidence, PARTS[k].name);

		if (v != NULL)
			err = unhex(json_string_value(v), p->bytes,
			    sizeof(p->bytes), &p->len);
	}
	return err;
}

/* But for the postings, the row must say what its evidence says, no more and no
 * less: proofs and outcome, too. */
static bool
says_the_same(
    json_t *row, struct jz_bank_statement *s, const struct jz_verdict *v)
{
	json_t *proved = json_story(s, v);
	json_t *postings = json_object_get(row, "postings");
	bool same;

	if (postings != NULL)
		json_object_set(proved, "postings", postings);
	else
		json_object_del(proved, "postings");
	same = json_equal(row, proved) != 0;
	json_decref(proved);
	return same;
}

static int
verify_all(struct jz_cli *c, const struct jz_engine *e, struct jz_span root,
    const json_t *payments, json_t *list)
{
	struct jz_bank_statement s;
	struct jz_verdict v;
	json_t *row;
	size_t k;
	int err = 0;

	json_array_foreach(payments, k, row)
	{
		int fault = read_story(row, &s);

		memset(&v, 0, sizeof(v));
		v.err = fault;
		if (fault == 0)
			jz_statement_verify(e, root, &s, &v);
		s.postings = 0;
		if (v.err == 0 && !says_the_same(row, &s, &v))
			v.err = JZ_ERR_DATA;
		say_story(c, &s, &v);
		json_array_append_new(list, json_story(&s, &v));
		if (err == 0)
			err = v.err;
	}
	return err;
}

/* The root certificate of a file. */
static int
read_root(struct jz_cli *c, struct jz_certs *certs, struct jz_span *out)
{
	const char *name = c->value[JZ_OPT_ROOT];
	int err = jz_certs_read(c, name, certs);

	if (err == 0 && (certs->n == 0 || certs->item[0].kind != JZ_CERT_CVC))
		err = jz_cli_fail(c, JZ_ERR_CERT_MALFORMED, "%s", name);
	if (err == 0)
		*out = certs->item[0].bytes;
	return err;
}

static int
read_statement(struct jz_cli *c, json_t **out, enum jz_suite *suite)
{
	json_error_t why;
	const char *format, *name;
	json_t *file = json_load_file(c->argument[0], 0, &why);

	*out = file;
	if (file == NULL)
		return jz_cli_fail(
		    c, JZ_ERR_MESSAGE, "%s: %s", c->argument[0], why.text);
	format = json_string_value(json_object_get(file, "format"));
	name = json_string_value(json_object_get(file, "suite"));
	*suite = name != NULL && strcmp(name, "gm") == 0 ? JZ_SUITE_GM
							 : JZ_SUITE_NIST;
	return format != NULL && strcmp(format, FORMAT) == 0 &&
		json_is_array(json_object_get(file, "payments"))
	    ? 0
	    : jz_cli_fail(c, JZ_ERR_MESSAGE,
		  jz_tr(c, "%s: no statement", "%s：不是对账单"),
		  c->argument[0]);
}

int
jz_cmd_statement_verify(struct jz_cli *c)
{
	struct jz_certs *certs = calloc(1, sizeof(*certs));
	struct jz_engine e = {NULL, NULL};
	struct jz_span root = {NULL, 0};
	json_t *file = NULL, *list = json_array();
	enum jz_suite suite = JZ_SUITE_NIST;
	int err = certs == NULL ? JZ_ERR_MEMORY : 0;

	jz_cli_put(c, "payments", list);
	if (err == 0)
		err = read_root(c, certs, &root);
	if (err == 0)
		err = read_statement(c, &file, &suite);
	if (err == 0)
		err = jz_openssl_new(suite, &e);
	if (err == 0)
		err = verify_all(
		    c, &e, root, json_object_get(file, "payments"), list);
	if (e.crypto != NULL)
		jz_openssl_free(&e);
	json_decref(file);
	free(certs);
	return err;
}
