/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi load, jiaozi settle: a card and its issuer.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../apdu/status.h"
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

int
jz_cli_server_error(struct jz_cli *c, struct jz_cli_card *card,
    struct jz_issuer *issuer, int err)
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

/* The issuer's reason; and whether the card is rid of the load. */
static int
load_refused(struct jz_cli *c, struct jz_cli_card *card,
    const struct jz_issuer *issuer, int err)
{
	enum jz_refusal r = jz_issuer_refusal(issuer);
	const char *failed = jz_tr(c, "load failed", "圈存失败");
	const char *why = jz_refusal_text(r, (int)c->lang);

	jz_cli_more(c, "refusal", jz_cli_string(jz_refusal_name(r)));
	if (err == JZ_ERR_REFUSED)
		return jz_cli_fail(c, err, "%s: %s", failed, why);
	(void)jz_cli_card_error(c, &card->session, err);
	return jz_cli_fail(c, err, "%s: %s; %s", failed, why,
	    jz_tr(c,
		"the load is still to be cancelled: `jiaozi load --cancel`",
		"该笔圈存尚待撤销：jiaozi load --cancel"));
}

/* Another load is open: how much it is, where the issuer knows, and the ways
 * out. */
static int
load_open(struct jz_cli *c, struct jz_cli_card *card, struct jz_issuer *issuer,
    const struct jz_purse_info *p)
{
	char amount[JZ_MONEY_TEXT] = "";
	struct jz_load_story story;

	(void)jz_cli_card_error(c, &card->session, JZ_ERR_STATUS);
	if (jz_issuer_load_story(issuer, p->id, p->online_counter, &story) ==
		0 &&
	    story.state == JZ_LOAD_PERMITTED) {
		(void)jz_money_name(
		    (int64_t)story.amount_minor, p->currency, amount);
		jz_cli_put_money(
		    c->more, "open", (int64_t)story.amount_minor, p->currency);
	}
	return jz_cli_fail(c, JZ_ERR_STATUS,
	    jz_tr(c,
		"6985: another load%s%s is open on this card; finish it with "
		"its own amount and terminal, or give it up with `jiaozi load "
		"--cancel`",
		"6985：卡上另有一笔未完成的圈存%s%s；请以其原金额与终端号"
		"再次圈存，或用 jiaozi load --cancel 撤销"),
	    amount[0] != '\0' ? jz_tr(c, " of ", " ") : "", amount);
}

static int
load_failed(struct jz_cli *c, struct jz_cli_card *card,
    struct jz_issuer *issuer, const struct jz_purse_info *p, int err)
{
	if (jz_issuer_refusal(issuer) != JZ_REFUSAL_NONE)
		return load_refused(c, card, issuer, err);
	if (err == JZ_ERR_STATUS && card->session.sw == JZ_SW_CONDITIONS)
		return load_open(c, card, issuer, p);
	return jz_cli_server_error(c, card, issuer, err);
}

int
jz_cli_terminal(struct jz_cli *c, uint8_t out[static JZ_TERMINAL_BYTES])
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

/* Waits until whoever is at this terminal has been at the card's keys. */
static bool
confirmed(const struct jz_cli *c)
{
	int ch;

	if (c->json || !isatty(STDIN_FILENO))
		return false;
	fprintf(stderr, "\a%s",
	    jz_tr(c,
		"the card shows the amount: confirm it there, then press "
		"Enter here ",
		"卡上已显示金额：请在卡上确认，然后在此按回车 "));
	while ((ch = getchar()) != '\n')
		if (ch == EOF)
			return false;
	return true;
}

/* The card's currency, then the amount in it, then the PIN, then the load. */
static int
load(struct jz_cli *c, struct jz_cli_card *card, struct jz_issuer *issuer)
{
	uint8_t where[JZ_TERMINAL_BYTES];
	char x[JZ_MONEY_TEXT], y[JZ_MONEY_TEXT];
	struct jz_purse_info before, after;
	uint64_t minor;
	int err = jz_cli_terminal(c, where);

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
	do {
		err = jz_load(&card->session, issuer, minor, where);
	} while (err == JZ_ERR_STATUS && card->session.sw == JZ_SW_CONFIRM &&
	    confirmed(c));
	if (err != 0)
		return load_failed(c, card, issuer, &before, err);
	err = jz_purse_info(&card->session, &after);
	if (err != 0)
		return jz_cli_card_error(c, &card->session, err);
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

static void
say_cancelled(struct jz_cli *c, const struct jz_cancel_result *r,
    const struct jz_purse_info *p)
{
	char money[JZ_MONEY_TEXT];

	if (r->again)
		jz_cli_say(c, "%s",
		    jz_tr(c, "no load is open; the last one was cancelled: ",
			"没有未完成的圈存；上一笔已撤销："));
	else
		jz_cli_say(
		    c, "%s", jz_tr(c, "load cancelled: ", "圈存已撤销："));
	if (r->returned_minor == 0)
		jz_cli_say(c, "%s\n",
		    jz_tr(c, "nothing had been taken from the account",
			"账户未曾扣款"));
	else
		jz_cli_say(c,
		    jz_tr(
			c, "%s went back to the account\n", "%s 已退回账户\n"),
		    jz_money_name(
			(int64_t)r->returned_minor, p->currency, money));
}

/* Nothing open is what was wanted, too. */
static int
cancel(struct jz_cli *c, struct jz_cli_card *card, struct jz_issuer *issuer)
{
	struct jz_cancel_result r;
	struct jz_purse_info p;
	int err = jz_purse_info(&card->session, &p);

	if (err != 0)
		return jz_cli_card_error(c, &card->session, err);
	err = jz_load_cancel(&card->session, issuer, &r);
	if (err != 0 && err != JZ_ERR_NOT_FOUND)
		return jz_cli_server_error(c, card, issuer, err);
	if (err == 0)
		say_cancelled(c, &r, &p);
	else
		jz_cli_say(c, "%s\n",
		    jz_tr(c, "no load is open: nothing to cancel",
			"没有未完成的圈存，无需撤销"));
	jz_cli_put(c, "outcome",
	    json_string(err != 0 ? "nothing_open"
		    : r.again	 ? "cancelled_before"
				 : "cancelled"));
	jz_cli_put_money(
	    c->result, "returned", (int64_t)r.returned_minor, p.currency);
	jz_cli_put(c, "currency", json_string(jz_currency_of(p.currency).name));
	return 0;
}

static int
settle(struct jz_cli *c, struct jz_cli_card *card, struct jz_issuer *issuer)
{
	struct jz_settle_result r;
	int err = jz_settle(&card->session, issuer, &r);

	jz_cli_put(c, "records", json_integer(r.records));
	jz_cli_put(c, "batches", json_integer(r.batches));
	jz_cli_put(c, "relayed", json_integer(r.relayed));
	if (r.relayed > 0)
		jz_cli_say(c,
		    jz_tr(c, "credited, what had not reached the card: %u\n",
			"补入此前未送达本卡的款项：%u 笔\n"),
		    r.relayed);
	if (err != 0)
		return jz_cli_server_error(c, card, issuer, err);
	jz_cli_say(c,
	    jz_tr(c, "settled: records %u, batches %u\n",
		"已结算：记录 %u 条，共 %u 批\n"),
	    r.records, r.batches);
	if (r.list_version != 0)
		jz_cli_say(c,
		    jz_tr(c, "the card got revocation list %u\n",
			"卡已得到第 %u 版吊销列表\n"),
		    (unsigned)r.list_version);
	if (r.revoked)
		jz_cli_say(c, "%s\n",
		    jz_tr(c, "this card is revoked: keep it",
			"此卡已被吊销，请收回"));
	jz_cli_put(c, "list_version", json_integer(r.list_version));
	jz_cli_put(c, "revoked", json_boolean(r.revoked));
	return 0;
}

int
jz_cli_with_issuer(struct jz_cli *c,
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

/* --cancel stands for itself: what it would ignore is refused. */
static int
cancel_alone(struct jz_cli *c)
{
	if (!jz_cli_has(c, JZ_OPT_AMOUNT) && !jz_cli_has(c, JZ_OPT_PIN) &&
	    !jz_cli_has(c, JZ_OPT_TERMINAL))
		return 0;
	return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
	    jz_tr(c, "--cancel takes no --amount, --pin or --terminal",
		"--cancel 不能与 --amount、--pin、--terminal 同用"));
}

int
jz_cmd_load(struct jz_cli *c)
{
	int err;

	if (jz_cli_has(c, JZ_OPT_CANCEL)) {
		err = cancel_alone(c);
		return err != 0 ? err : jz_cli_with_issuer(c, cancel);
	}
	if (!jz_cli_has(c, JZ_OPT_AMOUNT))
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "--amount AMOUNT is missing, or --cancel",
			"缺少 --amount 金额，或 --cancel"));
	return jz_cli_with_issuer(c, load);
}

int
jz_cmd_settle(struct jz_cli *c)
{
	return jz_cli_with_issuer(c, settle);
}
