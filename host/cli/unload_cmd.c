/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi unload: from a card to its account.
 */
#include "cli.h"

#include <string.h>

#include "../bank.h"

/* Whether the card has debited itself and nobody has been told. */
static bool
debited(struct jz_cli_card *card)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer proof = jz_buffer(bytes, sizeof(bytes));

	return jz_purse_select(&card->session) == 0 &&
	    jz_purse_fetch_unload(&card->session, &proof) == 0;
}

static int
failed(
    struct jz_cli *c, struct jz_cli_card *card, struct jz_bank *bank, int err)
{
	char why[JZ_CLI_DETAIL_MAX];

	err = jz_cli_server_error(c, card, bank, err);
	if (!debited(card))
		return err;
	jz_cli_more(c, "debited", json_true());
	memcpy(why, c->detail, sizeof(why));
	return jz_cli_fail(c, err, "%.300s%s%s", why,
	    why[0] != '\0' ? "; " : "",
	    jz_tr(c,
		"the card has debited itself and keeps the proof: finish with "
		"`jiaozi unload --resume`",
		"卡已扣款并保存证明，请用 jiaozi unload --resume 完成"));
}

static void
put_outcome(struct jz_cli *c, const struct jz_unload_result *r,
    const struct jz_purse_info *after, const char *outcome)
{
	jz_cli_put(c, "outcome", json_string(outcome));
	jz_cli_put_money(
	    c->result, "credited", (int64_t)r->credited_minor, after->currency);
	jz_cli_put_money(c->result, "balance", (int64_t)after->balance_minor,
	    after->currency);
	jz_cli_put(
	    c, "currency", json_string(jz_currency_of(after->currency).name));
}

static int
say(struct jz_cli *c, struct jz_cli_card *card,
    const struct jz_unload_result *r)
{
	char x[JZ_MONEY_TEXT], y[JZ_MONEY_TEXT];
	struct jz_purse_info after;
	int err = jz_purse_info(&card->session, &after);

	if (err != 0)
		return jz_cli_card_error(c, &card->session, err);
	if (r->counter == 0) {
		jz_cli_say(c, "%s\n",
		    jz_tr(c, "no unload was cut off: nothing to finish",
			"没有中断的圈提，无需处理"));
		put_outcome(c, r, &after, "nothing_open");
		return 0;
	}
	jz_cli_say(c,
	    jz_tr(c, "unload succeeded: %s to the account, the card holds %s\n",
		"圈提成功：%s 已入账户，卡内余额 %s\n"),
	    jz_money_name((int64_t)r->credited_minor, after.currency, x),
	    jz_money_name((int64_t)after.balance_minor, after.currency, y));
	put_outcome(c, r, &after, "unloaded");
	return 0;
}

static int
unload(struct jz_cli *c, struct jz_cli_card *card, struct jz_bank *bank)
{
	uint8_t where[JZ_TERMINAL_BYTES];
	struct jz_unload_result r;
	struct jz_purse_info info;
	uint64_t minor;
	int err = jz_cli_terminal(c, where);

	if (err != 0)
		return err;
	err = jz_purse_info(&card->session, &info);
	if (err != 0)
		return jz_cli_card_error(c, &card->session, err);
	err = jz_cli_amount(c, c->value[JZ_OPT_AMOUNT], info.currency, &minor);
	if (err == 0)
		err = jz_cli_verify_pin(c, card);
	if (err != 0)
		return err;
	err = jz_bank_unload(&card->session, bank, minor, where, &r);
	return err != 0 ? failed(c, card, bank, err) : say(c, card, &r);
}

static int
resume(struct jz_cli *c, struct jz_cli_card *card, struct jz_bank *bank)
{
	struct jz_unload_result r;
	int err = jz_bank_unload_resume(&card->session, bank, &r);

	return err != 0 ? failed(c, card, bank, err) : say(c, card, &r);
}

int
jz_cmd_unload(struct jz_cli *c)
{
	bool amount = jz_cli_has(c, JZ_OPT_AMOUNT);

	if (amount == jz_cli_has(c, JZ_OPT_RESUME))
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "one of --amount AMOUNT and --resume",
			"--amount 金额 与 --resume 须且只能给出一个"));
	if (!amount &&
	    (jz_cli_has(c, JZ_OPT_PIN) || jz_cli_has(c, JZ_OPT_TERMINAL)))
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "--resume takes no --pin or --terminal",
			"--resume 不能与 --pin、--terminal 同用"));
	return jz_cli_with_bank(c, amount ? unload : resume);
}
