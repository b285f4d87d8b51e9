/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transaction on its way to an e-signature card (JPS-21), and jiaozi qr.
 */
#include "order.h"

#include <stdlib.h>
#include <string.h>

#include "qr.h"

#define CURRENCY "CNY"

/* ---- a JSON object ------------------------------------------------------ */

static const char *
member(const struct jz_cli_order *o, const char *name)
{
	return json_string_value(json_object_get(o->json, name));
}

/* Only texts, so that no amount is rounded; and none that is not known. */
static bool
is_member(const char *key, const json_t *value)
{
	static const char *const names[] = {
	    "account", "amount", "currency", "to", "name", "details"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(key, names[i]) == 0)
			return json_is_string(value);
	return false;
}

static int
check_members(struct jz_cli *c, const struct jz_cli_order *o, const char *path)
{
	const char *key;
	json_t *v;

	if (!json_is_object(o->json))
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "%s: no JSON object", "%s：不是 JSON 对象"), path);
	json_object_foreach(o->json, key, v)
	{
		if (!is_member(key, v))
			return jz_cli_fail(c, JZ_ERR_ARGUMENT,
			    jz_tr(c, "%s: \"%s\" is no text of a transaction",
				"%s：“%s”不是交易的文本项"),
			    path, key);
	}
	return 0;
}

static int
read_file(struct jz_cli *c, struct jz_cli_order *o, const char *path)
{
	json_error_t e;

	o->json = strcmp(path, "-") == 0
	    ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &e)
	    : json_load_file(path, JSON_REJECT_DUPLICATES, &e);
	if (o->json != NULL)
		return check_members(c, o, path);
	return jz_cli_fail(c,
	    json_error_code(&e) == json_error_cannot_open_file
		? JZ_ERR_NOT_FOUND
		: JZ_ERR_ARGUMENT,
	    "%s: %s", path, e.text);
}

static int
read_qr(struct jz_cli *c, struct jz_cli_order *o, const char *path)
{
	char text[JZ_QR_TEXT_MAX];
	struct jz_buffer b = jz_buffer(text, sizeof(text));
	json_error_t e;
	int err = jz_cli_qr_read(c, path, &b);

	if (err != 0)
		return err;
	o->json = json_loadb(text, b.len, JSON_REJECT_DUPLICATES, &e);
	if (o->json == NULL)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "%s: the QR code has no transaction: %s",
			"%s：二维码中没有交易：%s"),
		    path, e.text);
	return check_members(c, o, path);
}

/* ---- what is said ------------------------------------------------------- */

/* Once: nobody is to guess which of two amounts is meant. */
static int
take(struct jz_cli *c, const struct jz_cli_order *o, enum jz_option option,
    const char *name, const char **out)
{
	const char *said = member(o, name);

	if (said != NULL && c->value[option] != NULL)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "--%s is in the transaction that is read, too",
			"所读取的交易已含 --%s"),
		    name);
	*out = said != NULL ? said : c->value[option];
	return 0;
}

static int
take_all(struct jz_cli *c, struct jz_cli_order *o)
{
	int err = take(c, o, JZ_OPT_ACCOUNT, "account", &o->account);

	if (err == 0)
		err = take(c, o, JZ_OPT_AMOUNT, "amount", &o->amount);
	if (err == 0)
		err = take(c, o, JZ_OPT_CURRENCY, "currency", &o->currency);
	if (err == 0)
		err = take(c, o, JZ_OPT_TO, "to", &o->to);
	if (err == 0)
		err = take(c, o, JZ_OPT_NAME, "name", &o->name);
	if (err == 0)
		err = take(c, o, JZ_OPT_DETAILS, "details", &o->details);
	return err;
}

static int
check_amount(struct jz_cli *c, struct jz_cli_order *o)
{
	const struct jz_currency *currency =
	    jz_currency_find(o->currency != NULL ? o->currency : CURRENCY);

	if (currency == NULL)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "unknown currency \"%s\"", "未知货币“%s”"),
		    o->currency);
	o->code = currency->code;
	return jz_cli_amount(c, o->amount, o->code, &o->minor);
}

int
jz_cli_order_read(struct jz_cli *c, struct jz_cli_order *o)
{
	const char *order = c->value[JZ_OPT_ORDER], *qr = c->value[JZ_OPT_QR];
	int err = 0;

	if (order != NULL && qr != NULL)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "--order or --qr, not both",
			"--order 与 --qr 只能用一个"));
	if (order != NULL)
		err = read_file(c, o, order);
	else if (qr != NULL)
		err = read_qr(c, o, qr);
	if (err == 0)
		err = take_all(c, o);
	if (err == 0 && (o->amount == NULL || o->to == NULL))
		err = jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "amount and payee's account are needed",
			"须给出金额和收款账户"));
	return err != 0 ? err : check_amount(c, o);
}

static struct jz_span
span_of(const char *s)
{
	return s == NULL ? jz_span(NULL, 0) : jz_span(s, strlen(s));
}

int
jz_cli_order_make(struct jz_cli *c, struct jz_cli_order *o)
{
	struct jz_buffer b = jz_buffer(o->bytes, sizeof(o->bytes));
	struct jz_esign_order m;
	int err = jz_cli_order_read(c, o);

	if (err == 0 && o->account == NULL)
		err = jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "the payer's account is needed: --account",
			"须给出付款账户：--account"));
	if (err != 0)
		return err;
	m = (struct jz_esign_order){span_of(o->account), o->minor, o->code,
	    span_of(o->to), span_of(o->name), span_of(o->details)};
	if (jz_esign_put_order(&m, &b) != 0)
		err = jz_cli_fail(c, JZ_ERR_RANGE,
		    jz_tr(c,
			"accounts have 1 to 34 letters, a name up to 64 "
			"bytes, details up to 1024, an amount is not 0",
			"账户为 1 至 34 个字符，收款人最多 64 字节，说明最多 "
			"1024 字节，金额不为 0"));
	o->len = b.len;
	return err;
}

void
jz_cli_order_free(struct jz_cli_order *o)
{
	json_decref(o->json);
	o->json = NULL;
}

/* ---- jiaozi qr ---------------------------------------------------------- */

static void
put_member(json_t *object, const char *key, const char *value)
{
	if (value != NULL)
		json_object_set_new(object, key, jz_cli_string(value));
}

/* Escaped where it is not ASCII: no reader has to guess a character set. */
static char *
text_of(const struct jz_cli_order *o)
{
	json_t *object = json_object();
	char *text;

	put_member(object, "account", o->account);
	put_member(object, "amount", o->amount);
	put_member(object, "currency", o->currency);
	put_member(object, "to", o->to);
	put_member(object, "name", o->name);
	put_member(object, "details", o->details);
	text = json_dumps(
	    object, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_PRESERVE_ORDER);
	json_decref(object);
	return text;
}

int
jz_cmd_qr(struct jz_cli *c)
{
	const char *out = c->value[JZ_OPT_OUT];
	struct jz_cli_order o = {0};
	char *text = NULL;
	int err = jz_cli_order_read(c, &o);

	if (err == 0 && out == NULL && c->json)
		err = jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "--json needs --out FILE",
			"--json 须与 --out 文件同用"));
	if (err == 0 && (text = text_of(&o)) == NULL)
		err = JZ_ERR_MEMORY;
	if (err == 0)
		err = jz_cli_qr_write(c, out, text);
	if (err == 0)
		jz_cli_put(c, "text", jz_cli_string(text));
	free(text);
	jz_cli_order_free(&o);
	return err;
}
