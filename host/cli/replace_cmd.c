/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi card replace: one card in the place of another.
 */
#include "cli.h"

#include "../bank.h"

static int
failed(struct jz_cli *c, struct jz_cli_card *old, struct jz_cli_card *new,
    struct jz_bank *bank, int err)
{
	struct jz_cli_card *which =
	    new->session.sw != 0 && new->session.sw != JZ_SW_OK ? new : old;

	if (err == JZ_ERR_STATE)
		return jz_cli_fail(c, err, "%s",
		    jz_tr(c,
			"a payment to the old card is not finished: `jiaozi "
			"recover`, or `pay claim` or `pay release`",
			"旧卡还有未完成的收款，请先用 jiaozi recover、pay "
			"claim "
			"或 pay release 处理"));
	err = jz_cli_server_error(c, which, bank, err);
	if (err == JZ_ERR_NETWORK || err == JZ_ERR_SERVER_BUSY ||
	    err == JZ_ERR_CANCELLED)
		return jz_cli_fail(c, err, "%s",
		    jz_tr(c, "the same command again goes on",
			"再次执行同一命令即可继续"));
	return err;
}

static int
say(struct jz_cli *c, struct jz_cli_card *new,
    const struct jz_replace_result *r)
{
	char x[JZ_MONEY_TEXT], y[JZ_MONEY_TEXT];
	struct jz_purse_info after;
	int err = jz_purse_info(&new->session, &after);

	if (err != 0)
		return jz_cli_card_error(c, &new->session, err);
	jz_cli_say(c,
	    jz_tr(c,
		"replaced: %s moved, the new card holds %s; the old card is "
		"revoked\n",
		"已换卡：转移 %s，新卡余额 %s；旧卡已吊销\n"),
	    jz_money_name((int64_t)r->moved_minor, after.currency, x),
	    jz_money_name((int64_t)after.balance_minor, after.currency, y));
	jz_cli_put_money(
	    c->result, "moved", (int64_t)r->moved_minor, after.currency);
	jz_cli_put_money(
	    c->result, "balance", (int64_t)after.balance_minor, after.currency);
	jz_cli_put(
	    c, "currency", json_string(jz_currency_of(after.currency).name));
	return 0;
}

static int
replace(struct jz_cli *c, struct jz_cli_card *old, struct jz_bank *bank)
{
	uint8_t where[JZ_TERMINAL_BYTES];
	struct jz_cli_card new = {0};
	struct jz_replace_result r;
	int err = jz_cli_terminal(c, where);

	if (err == 0)
		err = jz_cli_open(c, JZ_OPT_NEW_CARD, &new);
	if (err == 0)
		err = jz_cli_verify_pin(c, old);
	if (err == 0)
		err = jz_cli_verify_pin_of(c, JZ_OPT_NEW_PIN, &new);
	if (err == 0) {
		err = jz_bank_replace(
		    &old->session, &new.session, bank, where, &r);
		err = err != 0 ? failed(c, old, &new, bank, err)
			       : say(c, &new, &r);
	}
	jz_cli_close(&new);
	return err;
}

int
jz_cmd_card_replace(struct jz_cli *c)
{
	return jz_cli_with_bank(c, replace);
}
