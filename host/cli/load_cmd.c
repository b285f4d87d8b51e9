/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi load, jiaozi settle: a card and its issuer.
 */
#include "cli.h"

#include <string.h>

#include "../pay.h"

/* Errors that the issuer's library gives, and the card never. */
static bool
from_issuer(int err)
{
	return err == JZ_ERR_REFUSED || err == JZ_ERR_DATABASE;
}

/* The card found the issuer's answer not genuine. */
static bool
bad_server(int err)
{
	return err == JZ_ERR_AUTHENTICATION || err == JZ_ERR_DATA ||
	    (err <= JZ_ERR_CERT_MALFORMED && err >= JZ_ERR_CERT_SUITE);
}

static int
explain(struct jz_cli *c, struct jz_cli_card *card, struct jz_issuer *issuer,
    int err)
{
	if (from_issuer(err))
		return jz_cli_issuer_error(c, issuer, err);
	err = jz_cli_card_error(c, &card->session, err);
	if (bad_server(err))
		return jz_cli_fail(c, err, "%s",
		    jz_tr(c,
			"the server is not legitimate; the card was not "
			"changed",
			"服务端不合法，卡未作任何更改"));
	return err;
}

static int
terminal(struct jz_cli *c, uint8_t out[static JZ_TERMINAL_BYTES])
{
	struct jz_buffer b = jz_buffer(out, JZ_TERMINAL_BYTES);
	const char *text = c->value[JZ_OPT_TERMINAL];

	if (jz_cli_from_hex(text != NULL ? text : "000000000001", &b) != 0 ||
	    b.len != JZ_TERMINAL_BYTES)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "a terminal's number is 12 hexadecimal digits",
			"终端号为 12 位十六进制"));
	return 0;
}

/* The card's currency, then the amount in it, then the PIN, then the load. */
static int
load(struct jz_cli *c, struct jz_cli_card *card, struct jz_issuer *issuer)
{
	uint8_t where[JZ_TERMINAL_BYTES];
	char x[JZ_MONEY_TEXT], y[JZ_MONEY_TEXT];
	struct jz_purse_info before, after;
	uint64_t minor;
	int err = terminal(c, where);

	if (err != 0)
		return err;
	err = jz_purse_info(&card->session, &before);
	if (err != 0)
		return jz_cli_card_error(c, &card->session, err);
	err =
	    jz_cli_amount(c, c->value[JZ_OPT_AMOUNT], before.currency, &minor);
	if (err == 0)
		err = jz_cli_verify_pin(c, card);
	if (err != 0)
		return err;
	err = jz_load(&card->session, issuer, minor, where);
	if (err == 0)
		err = jz_purse_info(&card->session, &after);
	if (err != 0)
		return explain(c, card, issuer, err);
	jz_cli_say(c,
	    jz_tr(c, "load succeeded: +%s, the card holds %s\n",
		"圈存成功：+%s，卡内余额 %s\n"),
	    jz_money_text((int64_t)minor, after.currency, x),
	    jz_money_name((int64_t)after.balance_minor, after.currency, y));
	jz_cli_put_money(c->result, "amount", (int64_t)minor, after.currency);
	jz_cli_put_money(
	    c->result, "balance", (int64_t)after.balance_minor, after.currency);
	jz_cli_put(
	    c, "currency", json_string(jz_currency_of(after.currency).name));
	return 0;
}

static int
settle(struct jz_cli *c, struct jz_cli_card *card, struct jz_issuer *issuer)
{
	struct jz_settle_result r;
	int err = jz_settle(&card->session, issuer, &r);

	jz_cli_put(c, "records", json_integer(r.records));
	jz_cli_put(c, "batches", json_integer(r.batches));
	if (err != 0)
		return explain(c, card, issuer, err);
	jz_cli_say(c,
	    jz_tr(c, "settled: records %u, batches %u\n",
		"已结算：记录 %u 条，共 %u 批\n"),
	    r.records, r.batches);
	return 0;
}

static int
with_issuer(struct jz_cli *c,
    int (*work)(struct jz_cli *, struct jz_cli_card *, struct jz_issuer *))
{
	struct jz_issuer *issuer = NULL;
	struct jz_cli_card card = {0};
	const char *dir;
	int err = jz_cli_issuer_dir(c, &dir);

	if (err == 0)
		err = jz_cli_open(c, JZ_OPT_CARD, &card);
	if (err == 0)
		err = jz_cli_issuer(c, dir, &issuer);
	if (err == 0)
		err = work(c, &card, issuer);
	jz_issuer_free(&issuer);
	jz_cli_close(&card);
	return err;
}

int
jz_cmd_load(struct jz_cli *c)
{
	return with_issuer(c, load);
}

int
jz_cmd_settle(struct jz_cli *c)
{
	return with_issuer(c, settle);
}
