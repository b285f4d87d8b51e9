/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi issuer account-...: what an employee does to an account besides
 * opening it.
 */
#include "cli.h"

#include <string.h>

#include "../../apdu/time.h"
#include "../../keys/secret.h"

#define AMOUNT_COLUMNS 16
#define REASON_COLUMNS 18

static int
about(struct jz_cli *c, const struct jz_issuer *issuer, int err)
{
	if (err == JZ_ERR_NOT_FOUND)
		return jz_cli_fail(
		    c, err, jz_tr(c, "account %s", "账户 %s"), c->argument[1]);
	if (err == JZ_ERR_RANGE)
		return jz_cli_fail(c, err, "%s",
		    jz_tr(c, "a password has 6 to 64 bytes",
			"密码长度为 6 至 64 字节"));
	return jz_cli_issuer_error(c, issuer, err);
}

static int
block(struct jz_cli *c, bool blocked)
{
	struct jz_issuer *issuer = NULL;
	int err = jz_cli_issuer(c, c->argument[0], &issuer);

	if (err == 0)
		err = about(c, issuer,
		    jz_issuer_block_account(issuer, c->argument[1], blocked));
	jz_issuer_free(&issuer);
	if (err != 0)
		return err;
	jz_cli_say(c,
	    blocked
		? jz_tr(c, "account %s is blocked: it gives no money\n",
		      "账户 %s 已锁定，不再付款\n")
		: jz_tr(c, "account %s is not blocked\n", "账户 %s 已解锁\n"),
	    c->argument[1]);
	jz_cli_put(c, "account", jz_cli_string(c->argument[1]));
	jz_cli_put(c, "blocked", json_boolean(blocked));
	return 0;
}

int
jz_cmd_issuer_account_block(struct jz_cli *c)
{
	return block(c, true);
}

int
jz_cmd_issuer_account_unblock(struct jz_cli *c)
{
	return block(c, false);
}

int
jz_cmd_issuer_account_password(struct jz_cli *c)
{
	struct jz_secret password = {0};
	struct jz_issuer *issuer = NULL;
	int err = jz_cli_issuer(c, c->argument[0], &issuer);

	if (err == 0)
		err = jz_cli_passphrase_by(c, JZ_OPT_PASSWORD, "password",
		    jz_tr(c, "The account's password: ", "账户密码："),
		    &password);
	if (err == 0)
		err = about(c, issuer,
		    jz_issuer_account_password(
			issuer, c->argument[1], &password));
	jz_secret_wipe(&password);
	jz_issuer_free(&issuer);
	if (err != 0)
		return err;
	jz_cli_say(c,
	    jz_tr(c, "account %s has a new password, and all its tries\n",
		"账户 %s 已设新密码并解除锁定\n"),
	    c->argument[1]);
	jz_cli_put(c, "account", jz_cli_string(c->argument[1]));
	return 0;
}

/* ---- statement ----------------------------------------------------------- */

struct lines {
	struct jz_cli *c;
	uint16_t currency;
	json_t *list;
};

static int
one_line(const struct jz_account_line *line, void *arg)
{
	struct lines *l = arg;
	char when[21], money[JZ_MONEY_TEXT];
	json_t *row = json_object();

	jz_time_to_text(line->time, when);
	jz_cli_say(l->c, "%s  ", when);
	jz_cli_cell(l->c, -AMOUNT_COLUMNS,
	    jz_money_name(line->amount_minor, l->currency, money));
	jz_cli_say(l->c, "  ");
	jz_cli_cell(
	    l->c, REASON_COLUMNS, jz_ledger_text(line->reason, l->c->lang));
	jz_cli_say(l->c, "%s\n", line->reference);
	json_object_set_new(row, "time", json_string(when));
	json_object_set_new(row, "reason", jz_cli_string(line->reason));
	json_object_set_new(row, "reference", jz_cli_string(line->reference));
	jz_cli_put_money(row, "amount", line->amount_minor, l->currency);
	return json_array_append_new(l->list, row) == 0 ? 0 : JZ_ERR_MEMORY;
}

struct owner {
	struct lines l;
	struct jz_account_view view;
};

static void
put_balance(struct jz_cli *c, int64_t minor, uint16_t currency)
{
	jz_cli_put_money(c->result, "balance", minor, currency);
	jz_cli_put(c, "currency", json_string(jz_currency_of(currency).name));
}

/* The lines come before the currency is known: the bank's is told first. */
static int
view_line(const struct jz_account_line *line, void *arg)
{
	struct owner *v = arg;

	v->l.currency = v->view.currency;
	return one_line(line, &v->l);
}

int
jz_cmd_account(struct jz_cli *c)
{
	struct owner v = {.l = {.c = c, .list = json_array()}};
	struct jz_secret password = {0};
	struct jz_cli_bank bank = {0};
	char money[JZ_MONEY_TEXT];
	int err = jz_cli_bank(c, &bank);

	v.view.account = c->argument[0];
	v.view.each = view_line;
	v.view.arg = &v;
	jz_cli_put(c, "lines", v.l.list);
	if (err == 0)
		err = jz_cli_passphrase_by(c, JZ_OPT_PASSWORD, "password",
		    jz_tr(c, "The account's password: ", "账户密码："),
		    &password);
	if (err == 0) {
		err = jz_bank_account(bank.bank, &password, &v.view);
		if (err != 0)
			err = jz_cli_bank_error(c, bank.bank, err);
	}
	jz_secret_wipe(&password);
	jz_cli_bank_close(&bank);
	if (err != 0)
		return err;
	jz_cli_say(c, jz_tr(c, "the account holds %s\n", "账户余额 %s\n"),
	    jz_money_name(v.view.balance_minor, v.view.currency, money));
	put_balance(c, v.view.balance_minor, v.view.currency);
	return 0;
}

int
jz_cmd_issuer_account_statement(struct jz_cli *c)
{
	struct lines l = {.c = c, .list = json_array()};
	struct jz_issuer *issuer = NULL;
	int64_t balance = 0;
	int err = jz_cli_issuer(c, c->argument[0], &issuer);

	jz_cli_put(c, "lines", l.list);
	if (err == 0) {
		l.currency = jz_issuer_currency(issuer);
		err = about(c, issuer,
		    jz_issuer_account_statement(
			issuer, c->argument[1], one_line, &l));
	}
	if (err == 0)
		err = about(c, issuer,
		    jz_issuer_account_balance(
			issuer, c->argument[1], &balance));
	if (err == 0)
		put_balance(c, balance, l.currency);
	jz_issuer_free(&issuer);
	return err;
}
