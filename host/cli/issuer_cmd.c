/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi issuer ...: accounts, deposits, and what the books say.
 */
#include "statement.h"

#include <inttypes.h>
#include <string.h>

#include "../../apdu/time.h"
#include "../../keys/secret.h"

#define NAME_COLUMNS   28
#define AMOUNT_COLUMNS 16
#define PREFIX_ACCOUNT "account:"
#define PREFIX_CARD    "card:"

int
jz_cmd_issuer_init(struct jz_cli *c)
{
	const struct jz_currency *cur = jz_currency_find("CNY");
	const char *uri = c->value[JZ_OPT_TOKEN];
	struct jz_secret pass = {0};
	enum jz_suite suite;
	int err = jz_cli_suite(c, &suite);

	if (err != 0)
		return err;

	if (jz_cli_has(c, JZ_OPT_CURRENCY))
		cur = jz_currency_find(c->value[JZ_OPT_CURRENCY]);
	if (cur == NULL)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "\"%s\" is no currency that this program knows",
			"本程序没有货币“%s”"),
		    c->value[JZ_OPT_CURRENCY]);
	if (uri != NULL && suite != JZ_SUITE_NIST)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "--token has keys of suite nist alone, not of gm",
			"--token 只支持 nist 套件的密钥，不支持 gm"));
	err = jz_cli_passphrase(c, &pass);
	if (err == 0) {
		const struct jz_issuer_options o = {
		    cur->code, suite, uri, c->value[JZ_OPT_STORE]};

		err = jz_issuer_create_with(c->argument[0], &pass, &o);
		if (err != 0)
			err = jz_cli_fail(c, err, "%s", c->argument[0]);
	}
	jz_secret_wipe(&pass);
	if (err != 0)
		return err;
	jz_cli_say(c,
	    jz_tr(c, "made the issuer in %s: keys, certificates, books in %s\n",
		"已在 %s 建立发卡行：密钥、证书，账目以 %s 记\n"),
	    c->argument[0], cur->name);
	jz_cli_put(c, "issuer", jz_cli_string(c->argument[0]));
	jz_cli_put(c, "currency", json_string(cur->name));
	jz_cli_put(c, "suite", json_string(jz_cli_suite_name(suite)));
	return 0;
}

int
jz_cmd_issuer_admin_key(struct jz_cli *c)
{
	struct jz_secret pass = {0};
	int err = jz_cli_passphrase(c, &pass);

	if (err == 0) {
		err = jz_issuer_add_admin(c->argument[0], &pass);
		if (err != 0)
			err = jz_cli_fail(c, err, "%s", c->argument[0]);
	}
	jz_secret_wipe(&pass);
	if (err != 0)
		return err;
	jz_cli_say(c,
	    jz_tr(c, "%s has an administration key now: keep a copy of it\n",
		"%s 已有管理密钥，请备份\n"),
	    c->argument[0]);
	jz_cli_put(c, "issuer", jz_cli_string(c->argument[0]));
	return 0;
}

/* What every other command of this file begins with. */
static int
begin(struct jz_cli *c, struct jz_issuer **issuer, uint16_t *currency)
{
	int err = jz_cli_issuer(c, c->argument[0], issuer);

	if (err != 0)
		return err;
	*currency = jz_issuer_currency(*issuer);
	jz_cli_put(c, "currency", json_string(jz_currency_of(*currency).name));
	return 0;
}

int
jz_cmd_issuer_account_open(struct jz_cli *c)
{
	const char *name = c->argument[1], *holder = c->value[JZ_OPT_HOLDER];
	struct jz_issuer *issuer = NULL;
	uint16_t currency;
	int err = begin(c, &issuer, &currency);

	if (holder == NULL)
		holder = name;
	if (err == 0) {
		err = jz_issuer_account_open(issuer, name, holder);
		if (err == JZ_ERR_REFUSED || err == JZ_ERR_DATABASE)
			err = jz_cli_issuer_error(c, issuer, err);
		else if (err != 0)
			err = jz_cli_fail(
			    c, err, jz_tr(c, "account %s", "账户 %s"), name);
	}
	if (err == 0) {
		jz_cli_say(c,
		    jz_tr(
			c, "opened account %s of %s\n", "已开户 %s，户主 %s\n"),
		    name, holder);
		jz_cli_put(c, "account", jz_cli_string(name));
		jz_cli_put(c, "holder", jz_cli_string(holder));
	}
	jz_issuer_free(&issuer);
	return err;
}

static int
deposit(struct jz_cli *c, struct jz_issuer *issuer, uint16_t currency)
{
	const char *name = c->argument[1];
	char x[JZ_MONEY_TEXT], y[JZ_MONEY_TEXT];
	int64_t balance = 0;
	uint64_t minor;
	int err = jz_cli_amount(c, c->argument[2], currency, &minor);

	if (err != 0)
		return err;
	err = jz_issuer_deposit(issuer, name, minor);
	if (err == 0)
		err = jz_issuer_account_balance(issuer, name, &balance);
	if (err == JZ_ERR_NOT_FOUND)
		return jz_cli_fail(
		    c, err, jz_tr(c, "account %s", "账户 %s"), name);
	if (err != 0)
		return jz_cli_issuer_error(c, issuer, err);
	jz_cli_say(c, jz_tr(c, "%s: +%s, now %s\n", "%s：+%s，现有 %s\n"), name,
	    jz_money_text((int64_t)minor, currency, x),
	    jz_money_name(balance, currency, y));
	jz_cli_put(c, "account", jz_cli_string(name));
	jz_cli_put_money(c->result, "amount", (int64_t)minor, currency);
	jz_cli_put_money(c->result, "balance", balance, currency);
	return 0;
}

int
jz_cmd_issuer_deposit(struct jz_cli *c)
{
	struct jz_issuer *issuer = NULL;
	uint16_t currency;
	int err = begin(c, &issuer, &currency);

	if (err == 0)
		err = deposit(c, issuer, currency);
	jz_issuer_free(&issuer);
	return err;
}

/* ---- accounts, cards ---------------------------------------------------- */

struct listing {
	struct jz_cli *c;
	uint16_t currency;
	const char *prefix, *key;
	json_t *list;
};

static int
one_row(const char *name, int64_t balance, void *arg)
{
	struct listing *l = arg;
	size_t n = strlen(l->prefix);
	json_t *row;
	char x[JZ_MONEY_TEXT];

	if (strncmp(name, l->prefix, n) != 0)
		return 0;
	jz_cli_cell(l->c, NAME_COLUMNS, name + n);
	jz_cli_cell(
	    l->c, -AMOUNT_COLUMNS, jz_money_name(balance, l->currency, x));
	jz_cli_say(l->c, "\n");
	row = json_object();
	json_object_set_new(row, l->key, jz_cli_string(name + n));
	jz_cli_put_money(row, "balance", balance, l->currency);
	json_array_append_new(l->list, row);
	return 0;
}

static int
list_rows(
    struct jz_cli *c, const char *prefix, const char *key, const char *name)
{
	struct listing l = {c, 0, prefix, key, json_array()};
	struct jz_issuer *issuer = NULL;
	int err = begin(c, &issuer, &l.currency);

	if (err == 0)
		err = jz_cli_issuer_error(
		    c, issuer, jz_issuer_each_account(issuer, one_row, &l));
	jz_cli_put(c, name, l.list);
	jz_issuer_free(&issuer);
	return err;
}

int
jz_cmd_issuer_accounts(struct jz_cli *c)
{
	return list_rows(c, PREFIX_ACCOUNT, "account", "accounts");
}

int
jz_cmd_issuer_cards(struct jz_cli *c)
{
	return list_rows(c, PREFIX_CARD, "card", "cards");
}

/* ---- books -------------------------------------------------------------- */

static void
show_books(struct jz_cli *c, const struct jz_books *b, uint16_t currency)
{
	const struct {
		const char *key, *text;
		int64_t minor;
	} rows[] = {
	    {"cash", jz_tr(c, "cash brought in", "客户存入"), b->cash},
	    {"accounts", jz_tr(c, "accounts", "账户"), b->accounts},
	    {"cards", jz_tr(c, "cards (shadows)", "卡（影子余额）"), b->cards},
	    {"transit_load", jz_tr(c, "loads in transit", "圈存在途"),
		b->transit_load},
	    {"transit_payment", jz_tr(c, "payments in transit", "付款在途"),
		b->transit_payment},
	    {"fraud", jz_tr(c, "lost to copied cards", "复制卡损失"), b->fraud},
	    {"lost", jz_tr(c, "from lost cards", "遗失卡余额"), b->lost},
	};
	char x[JZ_MONEY_TEXT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		jz_cli_cell(c, NAME_COLUMNS, rows[i].text);
		jz_cli_cell(c, -AMOUNT_COLUMNS,
		    jz_money_name(rows[i].minor, currency, x));
		jz_cli_say(c, "\n");
		jz_cli_put_money(
		    c->result, rows[i].key, rows[i].minor, currency);
	}
	jz_cli_put(c, "balanced", json_boolean(b->balanced));
}

/* Every account of the ledger, for programs that add up themselves. */
static int
put_row(const char *name, int64_t balance, void *arg)
{
	struct listing *l = arg;
	json_t *row = json_object();

	json_object_set_new(row, "name", jz_cli_string(name));
	jz_cli_put_money(row, "balance", balance, l->currency);
	json_array_append_new(l->list, row);
	return 0;
}

int
jz_cmd_issuer_books(struct jz_cli *c)
{
	struct listing l = {.c = c, .list = json_array()};
	struct jz_issuer *issuer = NULL;
	struct jz_books b = {0};
	uint16_t currency = 0;
	int err = begin(c, &issuer, &currency);

	l.currency = currency;
	jz_cli_put(c, "ledger", l.list);
	if (err == 0)
		err = jz_issuer_each_account(issuer, put_row, &l);
	if (err == 0)
		err = jz_issuer_books(issuer, &b);
	if (issuer != NULL)
		err = jz_cli_issuer_error(c, issuer, err);
	if (err == 0) {
		show_books(c, &b, currency);
		if (!b.balanced)
			err = JZ_ERR_AUDIT;
	}
	if (err == 0)
		jz_cli_say(c, "%s\n",
		    jz_tr(c,
			"the books balance: cash = accounts + cards + transit",
			"账目相符：存入 = 账户 + 卡 + 在途"));
	jz_issuer_free(&issuer);
	return err;
}

/* ---- statement ---------------------------------------------------------- */

struct statement {
	struct jz_cli *c;
	const char *card; /* NULL: all */
	json_t *list;
};

static const char *
uploaded(const struct jz_cli *c, const struct jz_payment_story *p)
{
	if (p->outcome == JZ_OUTCOME_CLAIM)
		return p->paid_out
		    ? jz_tr(c, "given up, paid to the payee",
			  "已放弃，付予收款方")
		    : jz_tr(c, "given up, claimed", "已放弃，索款中");
	if (p->outcome == JZ_OUTCOME_RELEASE)
		return p->paid_out
		    ? jz_tr(c, "given up, paid back", "已放弃，退还付款方")
		    : jz_tr(c, "given up, released", "已放弃，待退款");
	if (p->from_payer && p->from_payee)
		return jz_tr(c, "both settled", "双方已结算");
	return p->from_payer ? jz_tr(c, "payer settled", "付款方已结算")
			     : jz_tr(c, "payee settled", "收款方已结算");
}

static int
one_payment(const struct jz_payment_story *p, void *arg)
{
	struct statement *s = arg;
	char payer[JZ_ID_BYTES + 1], payee[JZ_ID_BYTES + 1];
	char when[21], x[JZ_MONEY_TEXT];
	json_t *row;

	jz_cli_id(p->payment.payer_id, JZ_ID_BYTES, payer);
	jz_cli_id(p->payment.payee_id, JZ_ID_BYTES, payee);
	if (s->card != NULL && strcmp(s->card, payer) != 0 &&
	    strcmp(s->card, payee) != 0)
		return 0;
	jz_time_to_text(p->payment.time, when);
	jz_cli_say(s->c, "%s  %s -> %s  ", when, payer, payee);
	jz_cli_cell(s->c, -AMOUNT_COLUMNS,
	    jz_money_name((int64_t)p->payment.amount, p->payment.currency, x));
	jz_cli_say(s->c, "  %s\n", uploaded(s->c, p));
	row = json_object();
	json_object_set_new(row, "time", json_string(when));
	json_object_set_new(row, "payer", json_string(payer));
	json_object_set_new(row, "payee", json_string(payee));
	jz_cli_put_money(
	    row, "amount", (int64_t)p->payment.amount, p->payment.currency);
	json_object_set_new(row, "payer_settled", json_boolean(p->from_payer));
	json_object_set_new(row, "payee_settled", json_boolean(p->from_payee));
	if (p->outcome != 0) {
		json_object_set_new(row, "given_up",
		    json_string(
			p->outcome == JZ_OUTCOME_CLAIM ? "claim" : "release"));
		json_object_set_new(row, "paid_out", json_boolean(p->paid_out));
	}
	json_object_set_new(row, "request_digest",
	    jz_cli_hex(jz_span(p->payment.request_digest, JZ_DIGEST_BYTES)));
	json_object_set_new(row, "payer_signature",
	    jz_cli_hex(jz_span(p->payer_signature, JZ_SIGNATURE_BYTES)));
	json_object_set_new(row, "payee_signature",
	    jz_cli_hex(jz_span(p->payee_signature, JZ_SIGNATURE_BYTES)));
	json_array_append_new(s->list, row);
	return 0;
}

/* One line for each payment. */
static int
list_payments(struct jz_cli *c)
{
	struct statement s = {c, NULL, json_array()};
	struct jz_issuer *issuer = NULL;
	uint16_t currency;
	int err = begin(c, &issuer, &currency);

	if (c->arguments > 1)
		s.card = c->argument[1];
	if (err == 0)
		err = jz_cli_issuer_error(
		    c, issuer, jz_issuer_each_payment(issuer, one_payment, &s));
	if (err == 0 && json_array_size(s.list) == 0)
		jz_cli_say(c, "%s\n",
		    jz_tr(c, "no payments settled yet", "尚无已结算的付款"));
	jz_cli_put(c, "payments", s.list);
	jz_issuer_free(&issuer);
	return err;
}

/* The whole story of what `which` names: a payment, a card, or (NULL) all. */
static int
tell_stories(struct jz_cli *c, const char *which)
{
	uint8_t digest[JZ_DIGEST_BYTES];
	struct jz_buffer b = jz_buffer(digest, sizeof(digest));
	struct jz_issuer *issuer = NULL;
	uint16_t currency;
	bool card = which != NULL && strlen(which) == JZ_ID_BYTES;
	bool payment = which != NULL && !card;
	int err = 0;

	if (payment &&
	    (jz_cli_from_hex(which, &b) != 0 || b.bad ||
		b.len != JZ_DIGEST_BYTES))
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s", which);
	err = begin(c, &issuer, &currency);
	if (err == 0)
		err = jz_cli_story(
		    c, issuer, card ? which : NULL, payment ? digest : NULL);
	if (err == JZ_ERR_DATABASE)
		err = jz_cli_issuer_error(c, issuer, err);
	jz_issuer_free(&issuer);
	return err;
}

int
jz_cmd_issuer_statement(struct jz_cli *c)
{
	const char *which = c->arguments > 1 ? c->argument[1] : NULL;
	bool payment = which != NULL && strlen(which) == 2 * JZ_DIGEST_BYTES;

	return payment || jz_cli_has(c, JZ_OPT_FORM) ? tell_stories(c, which)
						     : list_payments(c);
}
