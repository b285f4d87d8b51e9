/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi transfer: from a key to an IC card that it knows, in another reader or
 * built into the key.
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../pay.h"

struct transfer {
	struct jz_cli *c;
	struct jz_cli_card key, card;
	struct jz_session *turn; /* of two purses of one card */
	struct jz_purse_info k, b;
	int pin; /* of the key: what came of it */
};

/* A prompt by sound, where somebody may hear it (LOD-10). */
static void
bell(const struct jz_cli *c)
{
	if (!c->json && isatty(STDERR_FILENO))
		(void)fputs("\a", stderr);
}

static int
open_built_in(struct transfer *t)
{
	static const uint8_t usual[] = JZ_AID_PURSE;
	struct jz_session *key = &t->key.session, *card = &t->card.session;
	struct jz_gp_aid aid;
	int err = jz_cli_aid(t->c, t->c->value[JZ_OPT_INSTANCE], &aid);

	if (err != 0)
		return err;
	jz_session_init(card, t->key.reader);
	memcpy(card->purse, aid.bytes, aid.len);
	card->purse_len = (uint8_t)aid.len;
	memcpy(key->purse, usual, sizeof(usual));
	key->purse_len = sizeof(usual);
	t->turn = key;
	key->turn = card->turn = &t->turn;
	return 0;
}

static int
open_both(struct transfer *t)
{
	bool built_in = jz_cli_has(t->c, JZ_OPT_INSTANCE);
	int err;

	if (built_in == jz_cli_has(t->c, JZ_OPT_PAYEE))
		return jz_cli_fail(t->c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(t->c, "one of --payee READER and --instance AID",
			"--payee 读卡器 与 --instance AID 须且只能给出一个"));
	err = jz_cli_open(t->c, JZ_OPT_PAYER, &t->key);
	if (err == 0)
		err = built_in ? open_built_in(t)
			       : jz_cli_open(t->c, JZ_OPT_PAYEE, &t->card);
	if (err == 0)
		err = jz_purse_info(&t->key.session, &t->k);
	if (err == 0)
		err = jz_cli_card_error(t->c, &t->card.session,
		    jz_purse_info(&t->card.session, &t->b));
	return err;
}

static int
failed(struct transfer *t, int err)
{
	struct jz_session *which =
	    t->card.session.sw != JZ_SW_OK ? &t->card.session : &t->key.session;

	bell(t->c);
	t->c->stranger = true;
	return jz_cli_card_error(t->c, which, err);
}

/* ---- --pair ------------------------------------------------------------- */

static int
pair_up(struct transfer *t)
{
	struct jz_session *key = &t->key.session, *card = &t->card.session;
	int err = jz_cli_verify_pin(t->c, &t->key);

	if (err == 0)
		err = jz_cli_card_error(
		    t->c, key, jz_purse_pair(key, t->b.id, true));
	if (err == 0)
		err = jz_cli_verify_pin_of(t->c, JZ_OPT_PAYEE_PIN, &t->card);
	if (err == 0)
		err = jz_cli_card_error(
		    t->c, card, jz_purse_pair(card, t->k.id, true));
	if (err == 0)
		jz_cli_say(t->c, "%s\n",
		    jz_tr(t->c, "key and card know each other now",
			"密钥与卡已互相登记"));
	return err;
}

/* ---- the amount --------------------------------------------------------- */

/* The key's PIN right before it agrees: a turn of the other purse ends it. */
static void
told(enum jz_step step, struct jz_span message, void *arg)
{
	struct transfer *t = arg;

	(void)message;
	if (step == JZ_STEP_AGREE && jz_cli_has(t->c, JZ_OPT_PIN))
		t->pin = jz_cli_verify_pin(t->c, &t->key);
}

static int
pay(struct transfer *t, uint64_t minor)
{
	const struct jz_terms terms = {.amount_minor = minor,
	    .currency = t->b.currency,
	    .time = (int64_t)time(NULL),
	    .confirmed = jz_cli_confirmed,
	    .confirmed_arg = t->c};
	struct jz_pay_result r;
	int err =
	    jz_pay(&t->key.session, &t->card.session, &terms, &r, told, t);

	if (err == 0)
		return 0;
	if (t->pin != 0)
		return t->pin;
	err = failed(t, err);
	if (r.in_doubt)
		return jz_cli_fail(t->c, err, "%s",
		    jz_tr(t->c,
			"the key may have paid: finish with `jiaozi recover`",
			"密钥可能已付款，请用 jiaozi recover 完成"));
	return err;
}

static int
say(struct transfer *t, uint64_t minor)
{
	char x[JZ_MONEY_TEXT], y[JZ_MONEY_TEXT];
	struct jz_cli *c = t->c;
	uint16_t currency = t->b.currency;
	uint64_t key, card;
	int err = jz_purse_balance(&t->key.session, &key);

	if (err == 0)
		err = jz_purse_balance(&t->card.session, &card);
	if (err != 0)
		return failed(t, err);
	jz_cli_say(c,
	    jz_tr(c, "moved: %s, the card holds %s\n",
		"已转移：%s，卡内余额 %s\n"),
	    jz_money_name((int64_t)minor, currency, x),
	    jz_money_name((int64_t)card, currency, y));
	jz_cli_put_money(c->result, "amount", (int64_t)minor, currency);
	jz_cli_put_money(c->result, "key_balance", (int64_t)key, currency);
	jz_cli_put_money(c->result, "balance", (int64_t)card, currency);
	return 0;
}

static int
move(struct transfer *t)
{
	char money[JZ_MONEY_TEXT];
	uint64_t minor;
	int err = jz_cli_amount(
	    t->c, t->c->value[JZ_OPT_AMOUNT], t->b.currency, &minor);

	if (err != 0)
		return err;
	err = jz_identify(&t->key.session, &t->card.session);
	if (err != 0)
		return failed(t, err);
	jz_cli_say(t->c, jz_tr(t->c, "the card holds %s\n", "卡内余额 %s\n"),
	    jz_money_name((int64_t)t->b.balance_minor, t->b.currency, money));
	err = jz_cli_verify_pin_of(t->c, JZ_OPT_PAYEE_PIN, &t->card);
	if (err != 0) {
		bell(t->c);
		return err;
	}
	err = pay(t, minor);
	return err != 0 ? err : say(t, minor);
}

int
jz_cmd_transfer(struct jz_cli *c)
{
	struct transfer t = {.c = c};
	bool pair = jz_cli_has(c, JZ_OPT_PAIR);
	int err;

	if (pair == jz_cli_has(c, JZ_OPT_AMOUNT))
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "one of --amount AMOUNT and --pair",
			"--amount 金额 与 --pair 须且只能给出一个"));
	err = open_both(&t);
	if (err == 0)
		err = pair ? pair_up(&t) : move(&t);
	jz_cli_close(&t.card);
	jz_cli_close(&t.key);
	return err;
}
