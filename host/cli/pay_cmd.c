/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi pay: an offline payment between two cards at this machine.
 */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../pay.h"

#define PATH_CHARS_MAX 4096

struct payment {
	struct jz_cli *c;
	json_t *steps;
	FILE *file[JZ_STEP_DONE]; /* for --messages; by step, or NULL */
	unsigned kept;		  /* the last step written */
	bool greeted;		  /* there was a hello */
	int err;		  /* of writing them */
};

static const struct {
	const char *name; /* of the message that the step gives */
	const char *text[2];
	const char *way[2];
} STEPS[] = {
    [0] = {"hello", {"hello", "支付问候"},
	{"payer -> payee", "付款卡 → 收款卡"}},
    [JZ_STEP_REQUEST] = {"request", {"payment request", "支付请求"},
	{"payee -> payer", "收款卡 → 付款卡"}},
    [JZ_STEP_AGREE] = {"agreement", {"agreement", "同意支付"},
	{"payer -> payee", "付款卡 → 收款卡"}},
    [JZ_STEP_CONFIRM] = {"confirmation", {"confirmation", "支付确认"},
	{"payee -> payer", "收款卡 → 付款卡"}},
    [JZ_STEP_COMPLETE] = {"completion",
	{"completion: payer debited", "支付完成：付款卡已扣款"},
	{"payer -> payee", "付款卡 → 收款卡"}},
    [JZ_STEP_CREDIT] = {"receipt",
	{"receipt: payee credited", "收据：收款卡已入账"},
	{"payee -> payer", "收款卡 → 付款卡"}},
    [JZ_STEP_ACKNOWLEDGE] = {"acknowledgement", {"", ""}, {"", ""}},
    [JZ_STEP_DONE] = {"done", {"", ""}, {"", ""}},
};

static int
path_of(struct jz_cli *c, unsigned step, char out[static PATH_CHARS_MAX])
{
	int n = snprintf(out, PATH_CHARS_MAX, "%s/%u-%s.tlv",
	    c->value[JZ_OPT_MESSAGES], step, STEPS[step].name);

	if (n < 0 || n >= PATH_CHARS_MAX)
		return jz_cli_fail(c, JZ_ERR_RANGE, "--messages %s",
		    c->value[JZ_OPT_MESSAGES]);
	return 0;
}

/* Creates the files before any money moves; none may be there. */
static int
make_files(struct payment *p)
{
	char path[PATH_CHARS_MAX];
	struct jz_cli *c = p->c;
	int err = 0;

	for (unsigned i = 0; i <= JZ_STEP_CREDIT; i++) {
		err = path_of(c, i, path);
		if (err != 0)
			return err;
		p->file[i] = fopen(path, "wbx");
		if (p->file[i] == NULL)
			return jz_cli_fail(c,
			    errno == EEXIST ? JZ_ERR_EXISTS : JZ_ERR_SYSTEM,
			    "%s: %s", path, strerror(errno));
	}
	return 0;
}

/* Closes the files; those of messages that never came go away. */
static void
close_files(struct payment *p)
{
	char path[PATH_CHARS_MAX];

	for (unsigned i = 0; i <= JZ_STEP_CREDIT; i++) {
		if (p->file[i] == NULL)
			continue;
		if (fclose(p->file[i]) != 0)
			p->err = JZ_ERR_SYSTEM;
		if ((i > p->kept || (i == 0 && !p->greeted)) &&
		    path_of(p->c, i, path) == 0)
			(void)remove(path);
	}
}

/* Called before each step with the message that the step before gave. */
static void
told(enum jz_step next, struct jz_span message, void *arg)
{
	struct payment *p = arg;
	struct jz_cli *c = p->c;
	unsigned step = (unsigned)next - 1;

	if (step > JZ_STEP_CREDIT || message.len == 0)
		return;
	jz_cli_say(c, "  %u  ", step);
	jz_cli_cell(c, 28, STEPS[step].text[c->lang]);
	jz_cli_cell(c, 18, STEPS[step].way[c->lang]);
	jz_cli_say(c, jz_tr(c, "%4zu bytes\n", "%4zu 字节\n"), message.len);
	json_array_append_new(p->steps,
	    json_pack("{s:s, s:I}", "message", STEPS[step].name, "bytes",
		(json_int_t)message.len));
	if (p->file[step] == NULL)
		return;
	/* The payment goes on: a full disk must not stop it half way. */
	if (fwrite(message.data, 1, message.len, p->file[step]) !=
		message.len ||
	    fflush(p->file[step]) != 0)
		p->err = JZ_ERR_SYSTEM;
	p->kept = step;
	p->greeted = p->greeted || step == 0;
}

/* What a failure at this step means for the money. */
static const char *
aftermath(const struct jz_cli *c, const struct jz_pay_result *r)
{
	if (r->step == JZ_STEP_ACKNOWLEDGE)
		return jz_tr(c,
		    "the money has moved; only the receipt was not taken",
		    "款项已转，仅收据未送达");
	if (!r->in_doubt)
		return jz_tr(c, "no money moved", "款项未动");
	return jz_tr(c,
	    "the payer may have been debited and the payee not credited: "
	    "\"jiaozi pay fetch\" gives the completion again",
	    "付款卡可能已扣款而收款卡未入账：用“jiaozi pay "
	    "fetch”可再次取出支付完成报文");
}

static int
failed(struct jz_cli *c, struct jz_cli_card *card,
    const struct jz_pay_result *r, int err)
{
	char why[JZ_CLI_DETAIL_MAX] = "";

	c->stranger = true;
	err = jz_cli_card_error(c, &card->session, err);
	if (c->detail[0] != '\0')
		snprintf(why, sizeof(why), "%.300s; ", c->detail);
	if (c->sw == JZ_SW_SECURITY && r->step == JZ_STEP_AGREE)
		snprintf(why, sizeof(why), "%s; ",
		    jz_tr(c,
			"6982: this amount needs the PIN: use --pin SOURCE",
			"6982：此金额须输 PIN，请用 --pin SOURCE"));
	jz_cli_more(c, "step", json_string(STEPS[r->step].name));
	return jz_cli_fail(c, err, "%s%s", why, aftermath(c, r));
}

static void
say_card(struct jz_cli *c, const char *name, const char *key,
    struct jz_cli_card *card, json_t *out)
{
	struct jz_purse_info p;
	char id[JZ_ID_BYTES + 1], x[JZ_MONEY_TEXT];
	json_t *row;

	if (jz_purse_info(&card->session, &p) != 0)
		return;
	jz_cli_id(p.id, sizeof(p.id), id);
	jz_cli_say(c, jz_tr(c, "%s %s holds %s\n", "%s %s 余额 %s\n"), name, id,
	    jz_money_name((int64_t)p.balance_minor, p.currency, x));
	row = json_object();
	json_object_set_new(row, "id", json_string(id));
	jz_cli_put_money(row, "balance", (int64_t)p.balance_minor, p.currency);
	json_object_set_new(out, key, row);
}

static int
refund_of(struct jz_cli *c, uint32_t *counter)
{
	const char *text = c->value[JZ_OPT_REFUND_OF];
	char *end = NULL;
	unsigned long n;

	if (text == NULL)
		return 0;
	n = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || n == 0 ||
	    n > UINT32_MAX)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "--refund-of %s", text);
	*counter = (uint32_t)n;
	return 0;
}

int
jz_cli_terms(struct jz_cli *c, struct jz_cli_card *payee, struct jz_terms *t)
{
	struct jz_purse_info info;
	int err = jz_purse_info(&payee->session, &info);

	if (err != 0)
		return jz_cli_card_error(c, &payee->session, err);
	t->currency = info.currency;
	t->time = (int64_t)time(NULL);
	t->reference = c->value[JZ_OPT_REFERENCE];
	t->id_alone = jz_cli_has(c, JZ_OPT_BY_ID);
	t->confirmed = jz_cli_confirmed;
	t->confirmed_arg = c;
	err = refund_of(c, &t->refund_of);
	return err != 0 ? err
			: jz_cli_amount(c, c->value[JZ_OPT_AMOUNT], t->currency,
			      &t->amount_minor);
}

static int
pay(struct jz_cli *c, struct jz_cli_card *payer, struct jz_cli_card *payee,
    const struct jz_terms *t)
{
	struct payment p = {.c = c, .steps = json_array()};
	struct jz_pay_result r = {0};
	bool by_payee;
	int err = 0;

	jz_cli_put(c, "steps", p.steps);
	if (jz_cli_has(c, JZ_OPT_MESSAGES))
		err = make_files(&p);
	if (err == 0) {
		err = jz_pay(&payer->session, &payee->session, t, &r, told, &p);
		by_payee = (r.step == JZ_STEP_REQUEST && !r.payer_refused) ||
		    r.step == JZ_STEP_CONFIRM || r.step == JZ_STEP_CREDIT;
		if (err != 0)
			err = failed(c, by_payee ? payee : payer, &r, err);
	}
	close_files(&p);
	if (err == 0 && p.err != 0)
		err = jz_cli_fail(c, p.err, "%s",
		    jz_tr(c, "paid, but the messages could not all be kept",
			"已付款，但报文未能全部保存"));
	return err;
}

static int
pay_and_tell(
    struct jz_cli *c, struct jz_cli_card *payer, struct jz_cli_card *payee)
{
	struct jz_terms t = {0};
	int err = jz_cli_terms(c, payee, &t);

	if (err == 0 && jz_cli_has(c, JZ_OPT_PIN))
		err = jz_cli_verify_pin(c, payer);
	if (err == 0)
		err = pay(c, payer, payee, &t);
	if (err != 0)
		return err;
	jz_cli_put_money(
	    c->result, "amount", (int64_t)t.amount_minor, t.currency);
	jz_cli_put(c, "currency", json_string(jz_currency_of(t.currency).name));
	say_card(c, jz_tr(c, "payer", "付款卡"), "payer", payer, c->result);
	say_card(c, jz_tr(c, "payee", "收款卡"), "payee", payee, c->result);
	return 0;
}

int
jz_cmd_pay(struct jz_cli *c)
{
	struct jz_cli_card payer = {0}, payee = {0};
	int err = 0;

	if (strcmp(c->value[JZ_OPT_PAYER], c->value[JZ_OPT_PAYEE]) == 0)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "a card does not pay itself", "卡不能付款给自己"));
	err = jz_cli_open(c, JZ_OPT_PAYER, &payer);
	if (err == 0)
		err = jz_cli_open(c, JZ_OPT_PAYEE, &payee);
	if (err == 0)
		err = pay_and_tell(c, &payer, &payee);
	jz_cli_close(&payer);
	jz_cli_close(&payee);
	return err;
}
