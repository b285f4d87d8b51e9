/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi card create, info, balance, log, personalise.
 */
#include "cli.h"

#include <string.h>

#include "../../apdu/time.h"
#include "../../keys/secret.h"
#include "../../reader/virtual.h"
#include "../pay.h"

#define ASN_DIGITS	    20
#define MAX_BALANCE_DEFAULT "1000"

static int
protocol(struct jz_cli *c, enum jz_protocol *out)
{
	const char *text = c->value[JZ_OPT_PROTOCOL];

	*out = JZ_PROTOCOL_T1;
	if (text == NULL || strcmp(text, "T=1") == 0)
		return 0;
	*out = JZ_PROTOCOL_T0;
	if (strcmp(text, "T=0") == 0)
		return 0;
	return jz_cli_fail(c, JZ_ERR_ARGUMENT,
	    jz_tr(c, "--protocol is T=0 or T=1, not \"%s\"",
		"--protocol 只能是 T=0 或 T=1，不能是“%s”"),
	    text);
}

int
jz_cmd_card_create(struct jz_cli *c)
{
	struct jz_virtual_options o = {.path = c->argument[0]};
	struct jz_secret pass = {0};
	struct jz_virtual *v = NULL;
	char reader[JZ_CLI_DETAIL_MAX];
	enum jz_suite suite = JZ_SUITE_NIST;
	int err = protocol(c, &o.protocol);

	if (err == 0)
		err = jz_cli_suite(c, &suite);
	o.suite = suite;
	o.key_path = c->value[JZ_OPT_KEY];
	if (err == 0 && jz_cli_has(c, JZ_OPT_PASSPHRASE)) {
		err = jz_cli_passphrase(c, &pass);
		o.passphrase = &pass;
	}
	if (err == 0) {
		err = jz_virtual_create(&o, &v);
		if (err != 0)
			err = jz_cli_fail(c, err, "%s", o.path);
	}
	jz_secret_wipe(&pass);
	jz_virtual_free(&v);
	if (err != 0)
		return err;
	snprintf(reader, sizeof(reader), "virtual:%s", o.path);
	jz_cli_say(c,
	    jz_tr(c, "made %s: an empty purse\n", "已建 %s：空钱包\n"), o.path);
	jz_cli_say(c,
	    jz_tr(c, "next: jiaozi card personalise --card %s ...\n",
		"下一步：jiaozi card personalise --card %s ...\n"),
	    reader);
	jz_cli_put(c, "file", jz_cli_string(o.path));
	jz_cli_put(c, "reader", jz_cli_string(reader));
	jz_cli_put(c, "protocol",
	    json_string(o.protocol == JZ_PROTOCOL_T0 ? "T=0" : "T=1"));
	jz_cli_put(c, "suite", json_string(jz_cli_suite_name(o.suite)));
	return 0;
}

static void
say_info(struct jz_cli *c, const struct jz_purse_info *p, const char *id,
    const char *asn)
{
	char x[JZ_MONEY_TEXT];

	jz_cli_line(c, jz_tr(c, "state", "状态"), "%s",
	    p->state == JZ_PURSE_PERSONALISED
		? jz_tr(c, "personalised", "已个人化")
		: jz_tr(c, "empty, not personalised", "空卡，未个人化"));
	if (p->state != JZ_PURSE_PERSONALISED)
		return;
	jz_cli_line(c, jz_tr(c, "card ID", "卡标识"), "%s", id);
	jz_cli_line(c, jz_tr(c, "card number", "卡号"), "%s", asn);
	jz_cli_line(c, jz_tr(c, "balance", "余额"), "%s",
	    jz_money_name((int64_t)p->balance_minor, p->currency, x));
	jz_cli_line(c, jz_tr(c, "highest balance", "余额上限"), "%s",
	    jz_money_name((int64_t)p->max_balance_minor, p->currency, x));
	jz_cli_line(c, jz_tr(c, "highest payment", "单笔上限"), "%s",
	    jz_money_name((int64_t)p->max_single_minor, p->currency, x));
	jz_cli_line(c, jz_tr(c, "counters", "计数器"),
	    jz_tr(c, "%u online, %u offline", "联机 %u，脱机 %u"),
	    (unsigned)p->online_counter, (unsigned)p->offline_counter);
	jz_cli_line(c, jz_tr(c, "records", "记录"),
	    jz_tr(c, "%u to settle, room for %u, next is number %u",
		"待结算 %u 条，容量 %u 条，下一条编号 %u"),
	    (unsigned)p->unsettled, (unsigned)p->capacity,
	    (unsigned)p->next_record);
}

static void
put_info(struct jz_cli *c, const struct jz_purse_info *p, const char *id,
    const char *asn)
{
	char currency[8];

	snprintf(
	    currency, sizeof(currency), "%s", jz_currency_of(p->currency).name);
	jz_cli_put(
	    c, "personalised", json_boolean(p->state == JZ_PURSE_PERSONALISED));
	jz_cli_put(c, "id", json_string(id));
	jz_cli_put(c, "asn", json_string(asn));
	jz_cli_put(c, "currency", json_string(currency));
	jz_cli_put_money(
	    c->result, "balance", (int64_t)p->balance_minor, p->currency);
	jz_cli_put_money(c->result, "max_balance",
	    (int64_t)p->max_balance_minor, p->currency);
	jz_cli_put_money(
	    c->result, "max_single", (int64_t)p->max_single_minor, p->currency);
	jz_cli_put(c, "online_counter", json_integer(p->online_counter));
	jz_cli_put(c, "offline_counter", json_integer(p->offline_counter));
	jz_cli_put(c, "next_record", json_integer(p->next_record));
	jz_cli_put(c, "unsettled", json_integer(p->unsettled));
	jz_cli_put(c, "capacity", json_integer(p->capacity));
}

int
jz_cmd_card_info(struct jz_cli *c)
{
	char id[JZ_ID_BYTES + 1], asn[ASN_DIGITS + 1];
	struct jz_purse_info p;
	struct jz_cli_card card;
	uint8_t suite = 0;
	int err = jz_cli_open(c, JZ_OPT_CARD, &card);

	if (err != 0)
		goto out;
	err = jz_purse_info(&card.session, &p);
	if (err == 0)
		err = jz_purse_suite(&card.session, &suite);
	if (err != 0) {
		err = jz_cli_card_error(c, &card.session, err);
		goto out;
	}
	jz_cli_id(p.id, sizeof(p.id), id);
	for (size_t i = 0; i < sizeof(p.asn); i++)
		snprintf(asn + 2 * i, 3, "%02X", (unsigned)p.asn[i]);
	jz_cli_line(
	    c, jz_tr(c, "reader", "读卡器"), "%s", jz_reader_name(card.reader));
	jz_cli_put(c, "reader", jz_cli_string(jz_reader_name(card.reader)));
	jz_cli_put(c, "atr", jz_cli_hex(jz_reader_atr(card.reader)));
	jz_cli_line(
	    c, jz_tr(c, "suite", "密码套件"), "%s", jz_cli_suite_name(suite));
	jz_cli_put(c, "suite", json_string(jz_cli_suite_name(suite)));
	say_info(c, &p, id, asn);
	put_info(c, &p, id, asn);
out:
	jz_cli_close(&card);
	return err;
}

int
jz_cmd_card_balance(struct jz_cli *c)
{
	struct jz_purse_info p;
	struct jz_cli_card card;
	char x[JZ_MONEY_TEXT];
	uint64_t minor = 0;
	int err = jz_cli_open(c, JZ_OPT_CARD, &card);

	if (err == 0) {
		err = jz_purse_info(&card.session, &p);
		if (err == 0)
			err = jz_purse_balance(&card.session, &minor);
		err = jz_cli_card_error(c, &card.session, err);
	}
	if (err == 0) {
		jz_cli_say(
		    c, "%s\n", jz_money_name((int64_t)minor, p.currency, x));
		jz_cli_put_money(
		    c->result, "balance", (int64_t)minor, p.currency);
		jz_cli_put(c, "currency",
		    json_string(jz_currency_of(p.currency).name));
	}
	jz_cli_close(&card);
	return err;
}

/* ---- log ---------------------------------------------------------------- */

static const char *
type_name(const struct jz_cli *c, uint8_t type)
{
	switch (type) {
	case JZ_TYPE_EP_LOAD:
		return jz_tr(c, "loaded", "圈存");
	case JZ_TYPE_UNLOAD:
		return jz_tr(c, "unloaded", "圈提");
	case JZ_TYPE_EP_PURCHASE:
		return jz_tr(c, "paid", "付款");
	case JZ_TYPE_EP_RECEIVED:
		return jz_tr(c, "received", "收款");
	case JZ_TYPE_EP_CLAIMED:
		return jz_tr(c, "claimed", "放弃入账（索款）");
	case JZ_TYPE_EP_RELEASED:
		return jz_tr(c, "released", "放弃入账（退款）");
	default:
		return jz_tr(c, "other", "其他");
	}
}

/* Positive is received, negative is paid. */
static void
show_line(const struct jz_cli *c, const struct jz_log_line *l,
    uint16_t currency, json_t *list)
{
	bool out = l->type == JZ_TYPE_EP_PURCHASE || l->type == JZ_TYPE_UNLOAD;
	int64_t minor =
	    out ? -(int64_t)l->amount_minor : (int64_t)l->amount_minor;
	json_t *row = json_object();
	char when[21], x[JZ_MONEY_TEXT], peer[2 * JZ_TERMINAL_BYTES + 1];

	jz_time_to_text(l->time, when);
	for (size_t i = 0; i < sizeof(l->terminal); i++)
		snprintf(peer + 2 * i, 3, "%02X", (unsigned)l->terminal[i]);
	jz_cli_say(c, "%s  ", when);
	jz_cli_cell(c, 9, type_name(c, l->type));
	jz_cli_cell(c, -12, jz_money_text(minor, currency, x));
	jz_cli_say(c, "  %s  %u\n", peer, (unsigned)l->serial);
	json_object_set_new(row, "time", json_string(when));
	json_object_set_new(row, "type", json_integer(l->type));
	json_object_set_new(row, "name", json_string(type_name(c, l->type)));
	jz_cli_put_money(row, "amount", minor, currency);
	json_object_set_new(row, "counterparty", json_string(peer));
	json_object_set_new(row, "serial", json_integer(l->serial));
	json_array_append_new(list, row);
}

int
jz_cmd_card_log(struct jz_cli *c)
{
	struct jz_log_line lines[JZ_LOG_RECORDS] = {0};
	size_t n = JZ_LOG_RECORDS;
	struct jz_purse_info p;
	struct jz_cli_card card;
	json_t *list = json_array();
	int err = jz_cli_open(c, JZ_OPT_CARD, &card);

	if (err == 0)
		err = jz_cli_verify_pin(c, &card);
	if (err == 0) {
		err = jz_purse_info(&card.session, &p);
		if (err == 0)
			err = jz_purse_log(&card.session, lines, &n);
		err = jz_cli_card_error(c, &card.session, err);
	}
	for (size_t i = 0; err == 0 && i < n; i++)
		show_line(c, &lines[i], p.currency, list);
	if (err == 0 && n == 0)
		jz_cli_say(c, "%s\n", jz_tr(c, "no records", "没有记录"));
	jz_cli_put(c, "log", list);
	jz_cli_close(&card);
	return err;
}

/* ---- personalise -------------------------------------------------------- */

/* Limits by option, in the issuer's currency. */
static int
limits(struct jz_cli *c, struct jz_personal *p)
{
	const char *balance = c->value[JZ_OPT_MAX_BALANCE];
	const char *single = c->value[JZ_OPT_MAX_SINGLE];
	const char *pin = c->value[JZ_OPT_PIN_ABOVE];
	int err =
	    jz_cli_amount(c, balance != NULL ? balance : MAX_BALANCE_DEFAULT,
		p->currency, &p->max_balance_minor);

	p->max_single_minor = p->max_balance_minor;
	if (err == 0 && single != NULL)
		err =
		    jz_cli_amount(c, single, p->currency, &p->max_single_minor);
	if (err == 0 && pin != NULL)
		err = jz_cli_amount(c, pin, p->currency, &p->pin_above_minor);
	return err;
}

/* What the issuer has not: the account, or the key for its cards. */
static int
not_found(struct jz_cli *c, struct jz_issuer *issuer, const char *account)
{
	int64_t balance;

	if (jz_issuer_account_balance(issuer, account, &balance) == 0)
		return jz_cli_fail(c, JZ_ERR_NOT_FOUND, "%s",
		    jz_tr(c,
			"the issuer has no administration key: see jiaozi "
			"issuer admin-key",
			"发卡行没有管理密钥，见 jiaozi issuer admin-key"));
	return jz_cli_fail(
	    c, JZ_ERR_NOT_FOUND, jz_tr(c, "account %s", "账户 %s"), account);
}

static int
personalise(struct jz_cli *c, struct jz_cli_card *card,
    struct jz_issuer *issuer, struct jz_personal *p)
{
	uint8_t id[JZ_ID_BYTES];
	char text[JZ_ID_BYTES + 1];
	int err = limits(c, p);

	if (err != 0)
		return err;
	card->session.sw = 0;
	err = jz_personalise(&card->session, issuer, p, id);
	if (err == JZ_ERR_REFUSED)
		return jz_cli_issuer_error(c, issuer, err);
	if (err == JZ_ERR_STATE)
		return jz_cli_fail(c, err, "%s",
		    jz_tr(
			c, "the card is personalised already", "该卡已个人化"));
	if (err == JZ_ERR_NOT_FOUND)
		return not_found(c, issuer, p->account);
	if (err == JZ_ERR_AUTHENTICATION)
		return jz_cli_fail(c, err, "%s",
		    jz_tr(c,
			"the card's administration keys are neither the test "
			"keys nor this issuer's",
			"卡的管理密钥既不是测试密钥，也不是本发卡行的密钥"));
	if (err != 0)
		return jz_cli_card_error(c, &card->session, err);
	jz_cli_id(id, sizeof(id), text);
	jz_cli_say(c,
	    jz_tr(c, "personalised card %s for %s, account %s\n",
		"已个人化：卡 %s，持有人 %s，账户 %s\n"),
	    text, p->holder, p->account);
	jz_cli_put(c, "id", json_string(text));
	jz_cli_put(c, "account", jz_cli_string(p->account));
	jz_cli_put(c, "holder", jz_cli_string(p->holder));
	return 0;
}

/* The keys of a card that did not come with the well-known ones. */
static int
transport_keys(
    struct jz_cli *c, struct jz_scp03_keys *room, struct jz_personal *p)
{
	const char *version = c->value[JZ_OPT_KEY_VERSION];
	int err = 0;

	if (!jz_cli_has(c, JZ_OPT_KEYS))
		return version == NULL
		    ? 0
		    : jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
			  jz_tr(c, "--key-version needs --keys",
			      "--key-version 须与 --keys 同用"));
	p->transport_kvn = JZ_GP_KVN_INITIAL;
	if (version != NULL)
		err = jz_cli_key_version(
		    c, version, 0x01, JZ_GP_KVN_INITIAL, &p->transport_kvn);
	if (err == 0)
		err = jz_cli_keys(c, JZ_OPT_KEYS, c->value[JZ_OPT_KEYS], room);
	p->transport_keys = room;
	return err;
}

int
jz_cmd_card_personalise(struct jz_cli *c)
{
	struct jz_personal p = {0};
	struct jz_scp03_keys keys = {0};
	struct jz_issuer *issuer = NULL;
	struct jz_cli_card card = {0};
	struct jz_secret pin = {0};
	const char *dir;
	int err = jz_cli_issuer_dir(c, &dir);

	if (err == 0)
		err = jz_cli_open(c, JZ_OPT_CARD, &card);
	if (err == 0)
		err = jz_cli_issuer(c, dir, &issuer);
	if (err == 0)
		err = jz_cli_pin(c, &pin);
	if (err == 0)
		err = transport_keys(c, &keys, &p);
	if (err == 0) {
		p.account = c->value[JZ_OPT_ACCOUNT];
		p.holder = jz_cli_has(c, JZ_OPT_HOLDER)
		    ? c->value[JZ_OPT_HOLDER]
		    : p.account;
		p.pin = &pin;
		p.currency = jz_issuer_currency(issuer);
		p.payee_only = jz_cli_has(c, JZ_OPT_PAYEE_ONLY);
		p.encrypted = jz_cli_has(c, JZ_OPT_ENCRYPTED);
		p.sealed_loads = jz_cli_has(c, JZ_OPT_SEALED_LOADS);
		p.confirm_loads = jz_cli_has(c, JZ_OPT_CONFIRM_LOADS);
		p.confirm_payments = jz_cli_has(c, JZ_OPT_CONFIRM_PAYMENTS);
		err = personalise(c, &card, issuer, &p);
	}
	jz_secret_wipe(&pin);
	jz_wipe(&keys, sizeof(keys));
	jz_issuer_free(&issuer);
	jz_cli_close(&card);
	return err;
}
