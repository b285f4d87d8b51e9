/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi load, jiaozi settle: a card and its issuer.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../apdu/status.h"
#include "../../apdu/time.h"
#include "../pay.h"

#define DAY (24 * 60 * 60)

/* Errors that the issuer's library gives, and the card never. */
static bool
from_issuer(int err)
{
	return err == JZ_ERR_REFUSED || err == JZ_ERR_DATABASE ||
	    err == JZ_ERR_CONTENDED ||
	    (err <= JZ_ERR_NETWORK && err >= JZ_ERR_SERVER_ANSWER) ||
	    err == JZ_ERR_CANCELLED;
}

/* The card found the issuer's answer not genuine. */
static bool
bad_server(int err)
{
	return err == JZ_ERR_AUTHENTICATION || err == JZ_ERR_DATA ||
	    (err <= JZ_ERR_CERT_MALFORMED && err >= JZ_ERR_CERT_SUITE);
}

/* How to go on when nobody knows what the issuer has done. */
static int
cut_off(struct jz_cli *c, const struct jz_bank *bank, int err)
{
	const char *detail = jz_bank_detail(bank);

	return jz_cli_fail(c, err, "%s%s%s", detail,
	    detail[0] != '\0' ? "; " : "",
	    jz_tr(c, "`jiaozi load --resume` finishes it",
		"可用 jiaozi load --resume 续完"));
}

int
jz_cli_server_error(
    struct jz_cli *c, struct jz_cli_card *card, struct jz_bank *bank, int err)
{
	if (from_issuer(err))
		return jz_cli_bank_error(c, bank, err);
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
load_error(
    struct jz_cli *c, struct jz_cli_card *card, struct jz_bank *bank, int err)
{
	return err == JZ_ERR_NETWORK || err == JZ_ERR_SERVER_BUSY ||
		err == JZ_ERR_CANCELLED
	    ? cut_off(c, bank, err)
	    : jz_cli_server_error(c, card, bank, err);
}

/* The issuer's reason; and whether the card is rid of the load. */
static int
load_refused(struct jz_cli *c, struct jz_cli_card *card,
    const struct jz_bank *bank, int err)
{
	enum jz_refusal r = jz_bank_refusal(bank);
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
load_open(struct jz_cli *c, struct jz_cli_card *card, struct jz_bank *bank,
    const struct jz_purse_info *p)
{
	char amount[JZ_MONEY_TEXT] = "";
	struct jz_load_story story;

	(void)jz_cli_card_error(c, &card->session, JZ_ERR_STATUS);
	if (jz_bank_look(&card->session, bank, &story) == 0 &&
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
load_failed(struct jz_cli *c, struct jz_cli_card *card, struct jz_bank *bank,
    const struct jz_purse_info *p, int err)
{
	if (jz_bank_refusal(bank) != JZ_REFUSAL_NONE)
		return load_refused(c, card, bank, err);
	if (err == JZ_ERR_STATUS && card->session.sw == JZ_SW_CONDITIONS)
		return load_open(c, card, bank, p);
	return load_error(c, card, bank, err);
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

/* To whoever watches. */
static void
told(enum jz_load_step step, void *arg)
{
	static const struct {
		enum jz_load_step step;
		const char *text[2];
	} STEPS[] = {
	    {JZ_LOAD_REQUEST, {"the card signs the request", "卡签发圈存请求"}},
	    {JZ_LOAD_PERMIT, {"the issuer debits the account", "发卡行扣账户"}},
	    {JZ_LOAD_CREDIT, {"the card credits", "卡入账"}},
	    {JZ_LOAD_REPORT, {"the issuer gets the report", "向发卡行报告"}},
	};
	const struct jz_cli *c = arg;

	if (c->json || isatty(STDERR_FILENO) == 0)
		return;
	for (size_t k = 0; k < sizeof(STEPS) / sizeof(STEPS[0]); k++)
		if (STEPS[k].step == step)
			fprintf(stderr, "%zu/%zu %s\n", k + 1,
			    sizeof(STEPS) / sizeof(STEPS[0]),
			    STEPS[k].text[c->lang]);
}

bool
jz_cli_confirmed(void *cli)
{
	const struct jz_cli *c = cli;
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
load(struct jz_cli *c, struct jz_cli_card *card, struct jz_bank *bank)
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
		err = jz_bank_load(&card->session, bank, minor, where, told, c);
	} while (err == JZ_ERR_STATUS && card->session.sw == JZ_SW_CONFIRM &&
	    jz_cli_confirmed(c));
	if (err != 0)
		return load_failed(c, card, bank, &before, err);
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
cancel(struct jz_cli *c, struct jz_cli_card *card, struct jz_bank *bank)
{
	struct jz_cancel_result r;
	struct jz_purse_info p;
	int err = jz_purse_info(&card->session, &p);

	if (err != 0)
		return jz_cli_card_error(c, &card->session, err);
	err = jz_bank_load_cancel(&card->session, bank, &r);
	if (err != 0 && err != JZ_ERR_NOT_FOUND)
		return load_error(c, card, bank, err);
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

static void
say_resumed(const struct jz_cli *c, enum jz_resumption what, const char *money)
{
	if (what == JZ_RESUME_FINISHED)
		jz_cli_say(c,
		    jz_tr(c,
			"the issuer had permitted a load: the card is "
			"credited with %s now\n",
			"发卡行已许可圈存：现已入账 %s\n"),
		    money);
	else if (what == JZ_RESUME_REPORTED)
		jz_cli_say(c,
		    jz_tr(c,
			"a load of %s was on the card: the issuer knows it "
			"now\n",
			"卡已入账 %s：现已报告发卡行\n"),
		    money);
	else if (what == JZ_RESUME_CANCELLED)
		jz_cli_say(c,
		    jz_tr(c,
			"the load is cancelled: %s went back to the account\n",
			"圈存已撤销：%s 已退回账户\n"),
		    money);
	else if (what == JZ_RESUME_RETURNED)
		jz_cli_say(c,
		    jz_tr(c,
			"the load had been cancelled: %s went back to the "
			"account now\n",
			"圈存此前已撤销：%s 现已退回账户\n"),
		    money);
	else
		jz_cli_say(c, "%s\n",
		    jz_tr(c, "no load was cut off: nothing to do",
			"没有中断的圈存"));
}

static const char *
resumption_name(enum jz_resumption what)
{
	static const char *const NAMES[] = {
	    [JZ_RESUME_NOTHING] = "nothing",
	    [JZ_RESUME_FINISHED] = "finished",
	    [JZ_RESUME_REPORTED] = "reported",
	    [JZ_RESUME_CANCELLED] = "cancelled",
	    [JZ_RESUME_RETURNED] = "returned",
	};

	return NAMES[what];
}

static int
resume(struct jz_cli *c, struct jz_cli_card *card, struct jz_bank *bank)
{
	char money[JZ_MONEY_TEXT];
	struct jz_resume_result r;
	struct jz_purse_info p;
	int err = jz_bank_resume(&card->session, bank, &r);

	if (err != 0)
		return load_error(c, card, bank, err);
	err = jz_purse_info(&card->session, &p);
	if (err != 0)
		return jz_cli_card_error(c, &card->session, err);
	say_resumed(c, r.what,
	    jz_money_name((int64_t)r.amount_minor, p.currency, money));
	jz_cli_put(c, "outcome", json_string(resumption_name(r.what)));
	jz_cli_put_money(
	    c->result, "amount", (int64_t)r.amount_minor, p.currency);
	jz_cli_put_money(
	    c->result, "balance", (int64_t)p.balance_minor, p.currency);
	jz_cli_put(c, "currency", json_string(jz_currency_of(p.currency).name));
	return 0;
}

/* A card that has nothing to settle has no bar. */
static void
show_settled(unsigned records, unsigned all, void *arg)
{
	bool *open = arg;

	if (all > 0)
		jz_cli_bar(records, all, "");
	*open = records < all;
}

static int
settle(struct jz_cli *c, struct jz_cli_card *card, struct jz_bank *bank)
{
	struct jz_settle_result r;
	bool open = false; /* the bar's line */
	int err;

	if (isatty(STDERR_FILENO) == 1)
		jz_bank_watch(bank, show_settled, &open);
	err = jz_bank_settle(&card->session, bank, &r);
	if (open)
		fputc('\n', stderr);

	jz_cli_put(c, "records", json_integer(r.records));
	jz_cli_put(c, "batches", json_integer(r.batches));
	jz_cli_put(c, "relayed", json_integer(r.relayed));
	if (r.relayed > 0)
		jz_cli_say(c,
		    jz_tr(c, "credited, what had not reached the card: %u\n",
			"补入此前未送达本卡的款项：%u 笔\n"),
		    r.relayed);
	if (err != 0)
		return load_error(c, card, bank, err);
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
jz_cli_with_bank(struct jz_cli *c,
    int (*work)(struct jz_cli *, struct jz_cli_card *, struct jz_bank *))
{
	struct jz_cli_bank bank = {0};
	struct jz_cli_card card = {0};
	const char *unused;
	int err = jz_cli_issuer_dir(c, &unused);

	if (err == 0)
		err = jz_cli_open(c, JZ_OPT_CARD, &card);
	if (err == 0)
		err = jz_cli_bank(c, &bank);
	if (err == 0)
		err = work(c, &card, bank.bank);
	jz_cli_bank_close(&bank);
	jz_cli_close(&card);
	return err;
}

/* --cancel and --resume stand for themselves: what they would ignore is
 * refused. */
static int
alone(struct jz_cli *c)
{
	if (!jz_cli_has(c, JZ_OPT_AMOUNT) && !jz_cli_has(c, JZ_OPT_PIN) &&
	    !jz_cli_has(c, JZ_OPT_TERMINAL) &&
	    !(jz_cli_has(c, JZ_OPT_CANCEL) && jz_cli_has(c, JZ_OPT_RESUME)))
		return 0;
	return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
	    jz_tr(c,
		"--cancel or --resume takes no --amount, --pin or --terminal",
		"--cancel 与 --resume 不能同用，亦不能与 --amount、--pin、"
		"--terminal 同用"));
}

int
jz_cmd_load(struct jz_cli *c)
{
	bool cancels = jz_cli_has(c, JZ_OPT_CANCEL);
	int err;

	if (cancels || jz_cli_has(c, JZ_OPT_RESUME)) {
		err = alone(c);
		return err != 0
		    ? err
		    : jz_cli_with_bank(c, cancels ? cancel : resume);
	}
	if (!jz_cli_has(c, JZ_OPT_AMOUNT))
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "--amount AMOUNT is missing, or --cancel",
			"缺少 --amount 金额，或 --cancel"));
	return jz_cli_with_bank(c, load);
}

/* Seconds of the day of HH:MM; -1 for what is none. */
static long
time_of_day(const char *text)
{
	unsigned n[5] = {0};

	if (strlen(text) != 5 || text[2] != ':')
		return -1;
	for (unsigned k = 0; k < 5; k++) {
		if (k == 2)
			continue;
		if (text[k] < '0' || text[k] > '9')
			return -1;
		n[k] = (unsigned)(text[k] - '0');
	}
	n[0] = n[0] * 10 + n[1];
	n[3] = n[3] * 10 + n[4];
	return n[0] > 23 || n[3] > 59 ? -1 : (long)(n[0] * 3600 + n[3] * 60);
}

/*
 * Until the clock, which may be set meanwhile, says that it is this time of the
 * day.  The card is not touched before.
 */
static int
wait_until(struct jz_cli *c)
{
	const char *text = c->value[JZ_OPT_AT];
	long at = time_of_day(text);
	int64_t now = (int64_t)time(NULL), due;
	char when[21];

	if (at < 0)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "--at %s: HH:MM", text);
	due = now - now % DAY + at;
	if (due + 59 < now) /* a whole minute is "at" */
		due += DAY;
	jz_time_to_text(due, when);
	if (due > now)
		jz_cli_say(
		    c, jz_tr(c, "settles at %s\n", "将于 %s 结算\n"), when);
	fflush(stdout);
	while ((int64_t)time(NULL) < due) {
		const struct timespec second = {1, 0};

		(void)nanosleep(&second, NULL);
	}
	return 0;
}

int
jz_cmd_settle(struct jz_cli *c)
{
	int err = jz_cli_has(c, JZ_OPT_AT) ? wait_until(c) : 0;

	return err != 0 ? err : jz_cli_with_bank(c, settle);
}
