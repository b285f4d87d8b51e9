/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi card replace: one card in the place of another.
 */
#include "cli.h"

#include "../pay.h"

static int
failed(struct jz_cli *c, struct jz_cli_card *old, struct jz_cli_card *new,
    const struct jz_cli_bank *bank, int err)
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
	/* What it said stands in its handle, and in no bank's. */
	if (err == JZ_ERR_REFUSED || err == JZ_ERR_DATABASE)
		return jz_cli_issuer_error(c, bank->issuer, err);
	return jz_cli_server_error(c, which, bank->bank, err);
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
replace(
    struct jz_cli *c, struct jz_cli_card *old, const struct jz_cli_bank *bank)
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
		err = jz_replace(
		    &old->session, &new.session, bank->issuer, where, &r);
		err = err != 0 ? failed(c, old, &new, bank, err)
			       : say(c, &new, &r);
	}
	jz_cli_close(&new);
	return err;
}

/* What belongs together only the issuer's own library keeps. */
int
jz_cmd_card_replace(struct jz_cli *c)
{
	struct jz_cli_bank bank = {0};
	struct jz_cli_card old = {0};
	const char *unused;
	int err = jz_cli_issuer_dir(c, &unused);

	if (err == 0)
		err = jz_cli_open(c, JZ_OPT_CARD, &old);
	if (err == 0)
		err = jz_cli_bank(c, &bank);
	if (err == 0 && bank.issuer == NULL)
		err = jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "a card is replaced at its issuer's directory",
			"换卡须在发卡行目录处办理"));
	if (err == 0)
		err = replace(c, &old, &bank);
	jz_cli_bank_close(&bank);
	jz_cli_close(&old);
	return err;
}
