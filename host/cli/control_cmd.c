/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi issuer incidents, audit, operator, propose, approve: who watches over
 * the issuer, and what two people decide.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

#include "../../apdu/time.h"
#include "../../keys/openssl/openssl.h"
#include "../../keys/secret.h"
#include "../issuer/control.h"

#define TIME_TEXT 21

static int
explain(struct jz_cli *c, struct jz_issuer *issuer, int err)
{
	return err == JZ_ERR_REFUSED || err == JZ_ERR_DATABASE ||
		err == JZ_ERR_LOG_ALTERED
	    ? jz_cli_issuer_error(c, issuer, err)
	    : err;
}

/* What most of these do: open, work, close. */
static int
with_issuer(struct jz_cli *c, int (*work)(struct jz_cli *, struct jz_issuer *))
{
	struct jz_issuer *issuer = NULL;
	int err = jz_cli_issuer(c, c->argument[0], &issuer);

	if (err == 0)
		err = explain(c, issuer, work(c, issuer));
	jz_issuer_free(&issuer);
	return err;
}

struct listing {
	struct jz_cli *c;
	json_t *list;
	uint16_t currency;
};

/* ---- incidents ---------------------------------------------------------- */

static int
one_incident(const struct jz_incident *x, void *arg)
{
	struct listing *l = arg;
	struct jz_cli *c = l->c;
	char when[TIME_TEXT], card[JZ_ID_BYTES + 1];
	json_t *row = json_object();

	jz_time_to_text(x->time, when);
	jz_cli_id(x->card_id, JZ_ID_BYTES, card);
	jz_cli_say(c, "%lld  %s  %s  %s  %s\n", (long long)x->id, when, card,
	    jz_incident_name(x->kind), jz_incident_text(x->kind, (int)c->lang));
	json_object_set_new(row, "id", json_integer(x->id));
	json_object_set_new(row, "time", json_string(when));
	json_object_set_new(row, "card", json_string(card));
	json_object_set_new(
	    row, "kind", json_string(jz_incident_name(x->kind)));
	json_object_set_new(row, "number", json_integer((json_int_t)x->number));
	json_object_set_new(row, "payment", json_string(x->reference));
	json_object_set_new(row, "evidence", jz_cli_hex(x->evidence));
	json_array_append_new(l->list, row);
	return 0;
}

static int
list_incidents(struct jz_cli *c, struct jz_issuer *issuer)
{
	struct listing l = {c, json_array(), 0};

	jz_cli_put(c, "incidents", l.list);
	return jz_issuer_each_incident(issuer, one_incident, &l);
}

int
jz_cmd_issuer_incidents(struct jz_cli *c)
{
	return with_issuer(c, list_incidents);
}

/* ---- audit log ---------------------------------------------------------- */

static json_t *
entry_json(const struct jz_audit_entry *e)
{
	char when[TIME_TEXT], host[JZ_ID_BYTES + 1];
	json_t *row = json_object();

	jz_time_to_text(e->time, when);
	jz_cli_id(e->host, JZ_ID_BYTES, host);
	json_object_set_new(row, "number", json_integer(e->number));
	json_object_set_new(row, "time", json_string(when));
	json_object_set_new(row, "actor", jz_cli_string(e->actor));
	json_object_set_new(row, "text", jz_cli_string(e->text));
	json_object_set_new(row, "host", json_string(host));
	json_object_set_new(
	    row, "hash", jz_cli_hex(jz_span(e->hash, JZ_DIGEST_BYTES)));
	json_object_set_new(row, "signature",
	    jz_cli_hex(jz_span(e->signature, JZ_SIGNATURE_BYTES)));
	return row;
}

static int
one_entry(const struct jz_audit_entry *e, void *arg)
{
	struct listing *l = arg;
	char when[TIME_TEXT];

	jz_time_to_text(e->time, when);
	jz_cli_say(l->c, "%lld  %s  %s: %s\n", (long long)e->number, when,
	    e->actor, e->text);
	json_array_append_new(l->list, entry_json(e));
	return 0;
}

static int
list_audit(struct jz_cli *c, struct jz_issuer *issuer)
{
	struct listing l = {c, json_array(), 0};

	jz_cli_put(c, "entries", l.list);
	return jz_issuer_each_audit(issuer, one_entry, &l);
}

int
jz_cmd_issuer_audit(struct jz_cli *c)
{
	return with_issuer(c, list_audit);
}

static int
write_head(struct jz_cli *c, struct jz_issuer *issuer)
{
	const char *out = c->value[JZ_OPT_OUT];
	struct jz_audit_entry e = {0};
	json_t *head;
	char *text;
	int err = jz_issuer_audit_head(issuer, &e);

	if (err != 0)
		return err;
	head = entry_json(&e);
	text = json_dumps(head, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	if (text == NULL)
		err = JZ_ERR_MEMORY;
	else if (out != NULL || !c->json)
		err = jz_cli_write_file(
		    c, out != NULL ? out : "-", jz_span(text, strlen(text)));
	jz_cli_put(c, "head", head);
	free(text);
	return err;
}

int
jz_cmd_issuer_audit_head(struct jz_cli *c)
{
	return with_issuer(c, write_head);
}

static int
hex_member(const json_t *o, const char *key, uint8_t *out, size_t len)
{
	const char *text = json_string_value(json_object_get(o, key));
	struct jz_buffer b = jz_buffer(out, len);

	return text != NULL && jz_cli_from_hex(text, &b) == 0 && !b.bad &&
		b.len == len
	    ? 0
	    : JZ_ERR_MESSAGE;
}

static int
read_head(struct jz_cli *c, struct jz_audit_entry *e)
{
	const char *name = c->value[JZ_OPT_HEAD], *host;
	json_error_t why;
	json_t *o = json_load_file(name, 0, &why);
	int err = 0;

	memset(e, 0, sizeof(*e));
	host = json_string_value(json_object_get(o, "host"));
	e->number = json_integer_value(json_object_get(o, "number"));
	if (host == NULL || strlen(host) > JZ_ID_BYTES || e->number < 1)
		err = JZ_ERR_MESSAGE;
	else
		memcpy(e->host, host, strlen(host));
	if (err == 0)
		err = hex_member(o, "hash", e->hash, JZ_DIGEST_BYTES);
	if (err == 0)
		err = hex_member(
		    o, "signature", e->signature, JZ_SIGNATURE_BYTES);
	json_decref(o);
	return err == 0 ? 0
			: jz_cli_fail(c, JZ_ERR_MESSAGE,
			      jz_tr(c, "%s: no head of an audit log",
				  "%s：不是审计日志的末条"),
			      name);
}

static int
verify_audit(struct jz_cli *c, struct jz_issuer *issuer)
{
	bool has = jz_cli_has(c, JZ_OPT_HEAD);
	struct jz_audit_entry known = {0};
	int64_t n = 0;
	int err = has ? read_head(c, &known) : 0;

	if (err == 0)
		err = jz_issuer_audit_verify(issuer, has ? &known : NULL, &n);
	jz_cli_put(c, "entries", json_integer(n));
	jz_cli_put(c, "sound", json_boolean(err == 0));
	if (err != 0)
		return err;
	jz_cli_say(c,
	    jz_tr(c, "the audit log is sound: %lld entries\n",
		"审计日志完好：共 %lld 条\n"),
	    (long long)n);
	if (!has)
		jz_cli_say(c, "%s\n",
		    jz_tr(c,
			"whether its end was cut off only a head kept "
			"elsewhere shows: --head",
			"末尾是否被截去，须用另处保存的末条核对：--head"));
	return 0;
}

int
jz_cmd_issuer_audit_verify(struct jz_cli *c)
{
	return with_issuer(c, verify_audit);
}

/* ---- operators ---------------------------------------------------------- */

static void
show_key(struct jz_cli *c, const struct jz_operator *o)
{
	jz_cli_line(c, jz_tr(c, "operator", "操作员"), "%s", o->name);
	jz_cli_put(c, "operator", jz_cli_string(o->name));
	jz_cli_say(c, "%s", jz_tr(c, "public key:  ", "公钥："));
	for (size_t k = 0; k < JZ_POINT_BYTES; k++)
		jz_cli_say(c, "%02x", (unsigned)o->key.public_key[k]);
	jz_cli_say(c, "\n");
	jz_cli_put(c, "public_key",
	    jz_cli_hex(jz_span(o->key.public_key, JZ_POINT_BYTES)));
}

int
jz_cmd_issuer_operator_create(struct jz_cli *c)
{
	struct jz_secret pass = {0};
	struct jz_engine e = {NULL, NULL};
	struct jz_operator o = {0};
	enum jz_suite suite;
	int err = jz_cli_suite(c, &suite);

	if (err == 0)
		err = jz_openssl_new(suite, &e);
	if (err == 0)
		err = jz_cli_passphrase(c, &pass);
	if (err == 0) {
		err = jz_operator_create(
		    &e, c->argument[0], &pass, c->value[JZ_OPT_BY], &o);
		if (err != 0)
			err = jz_cli_fail(c,
			    err == JZ_ERR_RANGE ? JZ_ERR_ARGUMENT : err, "%s",
			    c->argument[0]);
	}
	if (err == 0)
		show_key(c, &o);
	jz_secret_wipe(&pass);
	jz_wipe(&o, sizeof(o));
	if (e.crypto != NULL)
		jz_openssl_free(&e);
	return err;
}

/* The operator's file, by her own passphrase; the caller wipes it. */
static int
read_operator(struct jz_cli *c, const struct jz_engine *e, const char *path,
    struct jz_operator *out)
{
	struct jz_secret pass = {0};
	char prompt[JZ_CLI_DETAIL_MAX];
	int err;

	snprintf(prompt, sizeof(prompt),
	    jz_tr(c, "Passphrase of %s: ", "%s 的口令："), path);
	err = jz_cli_passphrase_by(c, JZ_OPT_OPERATOR_PASSPHRASE,
	    "operator-passphrase", prompt, &pass);
	if (err == 0) {
		err = jz_operator_read(e, path, &pass, out);
		if (err != 0)
			err = jz_cli_fail(c, err, "%s", path);
	}
	jz_secret_wipe(&pass);
	return err;
}

static int
add_operator(struct jz_cli *c, struct jz_issuer *issuer)
{
	struct jz_operator o = {0};
	int err =
	    read_operator(c, jz_issuer_engine(issuer), c->argument[1], &o);

	if (err == 0)
		err =
		    jz_issuer_operator_found(issuer, o.name, o.key.public_key);
	if (err == JZ_ERR_STATE)
		err = jz_cli_fail(c, JZ_ERR_OPERATOR_UNKNOWN, "%s",
		    jz_tr(c,
			"there are two operators: they decide about a third, "
			"`jiaozi issuer propose DIR operator`",
			"已有两名操作员：第三名由二人决定，见 jiaozi issuer "
			"propose DIR operator"));
	if (err == 0)
		show_key(c, &o);
	jz_wipe(&o, sizeof(o));
	return err;
}

int
jz_cmd_issuer_operator_add(struct jz_cli *c)
{
	return with_issuer(c, add_operator);
}

static int
one_operator(const struct jz_operator_story *o, void *arg)
{
	struct listing *l = arg;
	char when[TIME_TEXT];
	json_t *row = json_object();

	jz_time_to_text(o->time, when);
	jz_cli_say(l->c, "%s  %s%s\n", when, o->name,
	    o->retired != 0 ? jz_tr(l->c, "  (one no more)", "（已停用）")
			    : "");
	json_object_set_new(row, "name", jz_cli_string(o->name));
	json_object_set_new(row, "time", json_string(when));
	json_object_set_new(row, "retired", json_boolean(o->retired != 0));
	json_object_set_new(row, "public_key",
	    jz_cli_hex(jz_span(o->public_key, JZ_POINT_BYTES)));
	json_array_append_new(l->list, row);
	return 0;
}

static int
list_operators(struct jz_cli *c, struct jz_issuer *issuer)
{
	struct listing l = {c, json_array(), 0};

	jz_cli_put(c, "operators", l.list);
	return jz_issuer_each_operator(issuer, one_operator, &l);
}

int
jz_cmd_issuer_operators(struct jz_cli *c)
{
	return with_issuer(c, list_operators);
}

/* ---- proposals ---------------------------------------------------------- */

static void
digest_text(
    const struct jz_proposal *p, char out[static 2 * JZ_DIGEST_BYTES + 1])
{
	for (size_t k = 0; k < JZ_DIGEST_BYTES; k++)
		snprintf(out + 2 * k, 3, "%02x", (unsigned)p->digest[k]);
}

static const char *
state_of(const struct jz_proposal *p)
{
	return !p->decided ? "open" : p->approved ? "approved" : "rejected";
}

static int
one_proposal(const struct jz_proposal *p, void *arg)
{
	struct listing *l = arg;
	struct jz_cli *c = l->c;
	char when[TIME_TEXT], until[TIME_TEXT], x[JZ_MONEY_TEXT];
	char digest[2 * JZ_DIGEST_BYTES + 1];
	json_t *row = json_object();

	jz_time_to_text(p->time, when);
	jz_time_to_text(p->expires, until);
	digest_text(p, digest);
	jz_cli_say(c, "%lld  %s  %s %s %s  %s  %s: %s%s%s\n    %s\n",
	    (long long)p->id, when, jz_proposal_name(p->kind), p->subject,
	    p->target, jz_money_name(p->amount, l->currency, x), p->by,
	    state_of(p), p->decided ? ", " : "", p->decided_by, digest);
	jz_cli_say(c, "    %s\n", p->reason);
	json_object_set_new(row, "id", json_integer(p->id));
	json_object_set_new(row, "time", json_string(when));
	json_object_set_new(row, "expires", json_string(until));
	json_object_set_new(
	    row, "kind", json_string(jz_proposal_name(p->kind)));
	json_object_set_new(row, "subject", jz_cli_string(p->subject));
	json_object_set_new(row, "target", jz_cli_string(p->target));
	jz_cli_put_money(row, "amount", p->amount, l->currency);
	json_object_set_new(row, "reason", jz_cli_string(p->reason));
	json_object_set_new(row, "proposed_by", jz_cli_string(p->by));
	json_object_set_new(row, "state", json_string(state_of(p)));
	json_object_set_new(row, "decided_by", jz_cli_string(p->decided_by));
	json_object_set_new(row, "digest", json_string(digest));
	json_array_append_new(l->list, row);
	return 0;
}

static int
list_proposals(struct jz_cli *c, struct jz_issuer *issuer)
{
	struct listing l = {c, json_array(), jz_issuer_currency(issuer)};

	jz_cli_put(c, "proposals", l.list);
	return jz_issuer_each_proposal(issuer, one_proposal, &l);
}

int
jz_cmd_issuer_proposals(struct jz_cli *c)
{
	return with_issuer(c, list_proposals);
}

/* A text of the proposal; one that is too long is none. */
static int
set(struct jz_cli *c, const char *text, char *out, size_t cap)
{
	if (text == NULL)
		return 0;
	if (strlen(text) >= cap)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s", text);
	snprintf(out, cap, "%s", text);
	return 0;
}

static int
read_proposal(struct jz_cli *c, struct jz_proposal *p)
{
	int err = set(c, c->argument[2], p->subject, sizeof(p->subject));

	if (err == 0)
		err = set(c, c->value[JZ_OPT_TO], p->target, sizeof(p->target));
	if (err == 0)
		err = set(
		    c, c->value[JZ_OPT_REASON], p->reason, sizeof(p->reason));
	for (int k = 1; k <= JZ_PROPOSE_LAST; k++) {
		if (strcmp(jz_proposal_name((enum jz_proposal_kind)k),
			c->argument[1]) == 0)
			p->kind = (enum jz_proposal_kind)k;
	}
	if (err == 0 && p->kind == 0)
		err = jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s", c->argument[1]);
	return err;
}

static int
propose(struct jz_cli *c, struct jz_issuer *issuer)
{
	struct listing l = {c, json_array(), jz_issuer_currency(issuer)};
	struct jz_operator o = {0};
	struct jz_proposal p = {0};
	int err = read_proposal(c, &p);

	jz_cli_put(c, "proposals", l.list);
	if (err == 0)
		err = read_operator(
		    c, jz_issuer_engine(issuer), c->value[JZ_OPT_OPERATOR], &o);
	if (err == 0)
		err = jz_issuer_propose(issuer, &o, &p);
	if (err == 0)
		err = one_proposal(&p, &l);
	jz_wipe(&o, sizeof(o));
	return err;
}

int
jz_cmd_issuer_propose(struct jz_cli *c)
{
	return with_issuer(c, propose);
}

static int
decide(struct jz_cli *c, struct jz_issuer *issuer, bool approve)
{
	uint8_t digest[JZ_DIGEST_BYTES];
	struct jz_buffer b = jz_buffer(digest, sizeof(digest));
	struct jz_operator o = {0};
	char *end;
	long long id = strtoll(c->argument[1], &end, 10);
	int err = 0;

	if (*end != '\0' || id < 1)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s", c->argument[1]);
	if (jz_cli_from_hex(c->argument[2], &b) != 0 || b.bad ||
	    b.len != JZ_DIGEST_BYTES)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s", c->argument[2]);
	err = read_operator(
	    c, jz_issuer_engine(issuer), c->value[JZ_OPT_OPERATOR], &o);
	if (err == 0)
		err = jz_issuer_decide(issuer, &o, id, digest, approve);
	if (err == 0)
		jz_cli_say(c,
		    approve ? jz_tr(c, "proposal %lld: approved and done\n",
				  "提议 %lld：已批准并执行\n")
			    : jz_tr(c, "proposal %lld: rejected\n",
				  "提议 %lld：已否决\n"),
		    id);
	jz_cli_put(c, "proposal", json_integer(id));
	jz_wipe(&o, sizeof(o));
	return err;
}

static int
approve_one(struct jz_cli *c, struct jz_issuer *issuer)
{
	return decide(c, issuer, true);
}

static int
reject_one(struct jz_cli *c, struct jz_issuer *issuer)
{
	return decide(c, issuer, false);
}

int
jz_cmd_issuer_approve(struct jz_cli *c)
{
	return with_issuer(c, approve_one);
}

int
jz_cmd_issuer_reject(struct jz_cli *c)
{
	return with_issuer(c, reject_one);
}
