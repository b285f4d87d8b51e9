/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi recover: finishes what two cards have left half-way.
 */
#include "cli.h"

#include "../pay.h"

struct recovery {
	struct jz_cli *c;
	json_t *list;
};

static const struct {
	const char *name;
	const char *text[2];
} WHAT[] = {
    [JZ_RECOVERY_CREDITED] = {"credited",
	{"paid, and the payee's card has the money now",
	    "已付款，收款卡现已入账"}},
    [JZ_RECOVERY_ACKNOWLEDGED] = {"acknowledged",
	{"paid, and the payer's card has the receipt now",
	    "已付款，付款卡现已收下收据"}},
    [JZ_RECOVERY_DROPPED] = {"not paid",
	{"not paid, and it no longer can be", "未付款，且不会再付"}},
    [JZ_RECOVERY_GIVEN_UP] = {"given up",
	{"paid, and given up by the payee: the issuer settles it",
	    "已付款但收款方已放弃，由发卡行处理"}},
    [JZ_RECOVERY_ISSUER] = {"ask the issuer",
	{"the payer's card does not know any more: settle both cards",
	    "付款卡已无记录，请两卡都与发卡行结算"}},
};

static void
told(enum jz_recovery what, const struct jz_payment *p, void *arg)
{
	struct recovery *r = arg;
	struct jz_cli *c = r->c;
	json_t *row = json_object();
	char money[JZ_MONEY_TEXT] = "";

	if (p->amount != 0) {
		(void)jz_money_name((int64_t)p->amount, p->currency, money);
		jz_cli_put_money(
		    row, "amount", (int64_t)p->amount, p->currency);
	}
	jz_cli_say(c, "  %s%s%s\n", money, money[0] != '\0' ? "  " : "",
	    WHAT[what].text[c->lang]);
	json_object_set_new(row, "outcome", json_string(WHAT[what].name));
	json_object_set_new(row, "request_digest",
	    jz_cli_hex(jz_span(p->request_digest, JZ_DIGEST_BYTES)));
	json_array_append_new(r->list, row);
}

static int
recover(struct jz_cli *c, struct jz_cli_card *payer, struct jz_cli_card *payee)
{
	struct recovery r = {c, json_array()};
	int err;

	jz_cli_put(c, "payments", r.list);
	err = jz_recover(&payer->session, &payee->session, told, &r);
	if (err != 0)
		return jz_cli_card_error(c,
		    payee->session.sw != JZ_SW_OK ? &payee->session
						  : &payer->session,
		    err);
	if (json_array_size(r.list) == 0)
		jz_cli_say(c, "%s\n",
		    jz_tr(c, "nothing is left to be done between these cards",
			"两卡之间没有未完成的交易"));
	return 0;
}

int
jz_cmd_recover(struct jz_cli *c)
{
	struct jz_cli_card payer = {0}, payee = {0};
	int err = 0;

	if (!jz_cli_has(c, JZ_OPT_PIN) && !jz_cli_has(c, JZ_OPT_PAYEE_PIN))
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "one PIN at least: --pin or --payee-pin",
			"至少需要一个 PIN：--pin 或 --payee-pin"));
	err = jz_cli_open(c, JZ_OPT_PAYER, &payer);
	if (err == 0)
		err = jz_cli_open(c, JZ_OPT_PAYEE, &payee);
	if (err == 0 && jz_cli_has(c, JZ_OPT_PIN))
		err = jz_cli_verify_pin(c, &payer);
	if (err == 0 && jz_cli_has(c, JZ_OPT_PAYEE_PIN))
		err = jz_cli_verify_pin_of(c, JZ_OPT_PAYEE_PIN, &payee);
	if (err == 0)
		err = recover(c, &payer, &payee);
	jz_cli_close(&payer);
	jz_cli_close(&payee);
	return err;
}
