/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi recover: finishes what two cards have left half-way, both at hand, or
 * one and the other's messages in a directory.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../keys/store/file.h"
#include "../pay.h"

#define PATH_MAX_ 4096

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
    [JZ_RECOVERY_ASKED] = {"asked",
	{"the payer's card is asked: bring it the messages",
	    "已向付款卡询问，请把报文带到付款卡"}},
    [JZ_RECOVERY_SENT] = {"sent",
	{"paid: bring the messages to the payee's card",
	    "已付款，请把报文带到收款卡"}},
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
	c->stranger = err != 0;
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

/* ---- one card, and the other's messages --------------------------------- */

#define FILES_MAX 1000u

struct mailbox {
	struct jz_cli *c;
	char *name[FILES_MAX];
	unsigned n;
};

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
is_message(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && strcmp(name + len - 4, ".tlv") == 0;
}

/* The names of the messages there are. */
static int
look(struct mailbox *box)
{
	const char *dir = box->c->value[JZ_OPT_MESSAGES];
	DIR *d = opendir(dir);
	struct dirent *e;

	if (d == NULL)
		return jz_cli_fail(box->c,
		    errno == ENOENT ? JZ_ERR_NOT_FOUND : JZ_ERR_SYSTEM,
		    "%s: %s", dir, strerror(errno));
	while (box->n < FILES_MAX && (e = readdir(d)) != NULL) {
		if (is_message(e->d_name) &&
		    (box->name[box->n] = strdup(e->d_name)) != NULL)
			box->n++;
	}
	closedir(d);
	qsort(box->name, box->n, sizeof(box->name[0]), by_name);
	return 0;
}

static void
forget(struct mailbox *box)
{
	for (unsigned k = 0; k < box->n; k++)
		free(box->name[k]);
}

static int
path_of(const struct mailbox *box, const char *name, char out[static PATH_MAX_])
{
	int n = snprintf(
	    out, PATH_MAX_, "%s/%s", box->c->value[JZ_OPT_MESSAGES], name);

	return n < 0 || n >= PATH_MAX_ ? JZ_ERR_RANGE : 0;
}

/* What is no message is passed by, as an empty one. */
static int
get(void *arg, unsigned n, struct jz_buffer *out)
{
	const struct mailbox *box = arg;
	uint8_t bytes[JZ_MESSAGE_MAX + 1];
	char path[PATH_MAX_];
	size_t len;
	FILE *f;

	if (n >= box->n)
		return JZ_ERR_NOT_FOUND;
	if (path_of(box, box->name[n], path) != 0)
		return JZ_ERR_RANGE;
	f = fopen(path, "rb");
	if (f == NULL)
		return errno == ENOENT ? 0 : JZ_ERR_SYSTEM;
	len = fread(bytes, 1, sizeof(bytes), f);
	if (fclose(f) != 0)
		return JZ_ERR_SYSTEM;
	if (len <= JZ_MESSAGE_MAX)
		jz_put(out, bytes, len);
	return 0;
}

static bool
is_there(struct mailbox *box, struct jz_span message)
{
	for (unsigned n = 0; n < box->n; n++) {
		uint8_t bytes[JZ_MESSAGE_MAX];
		struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

		if (get(box, n, &b) == 0 &&
		    jz_span_equal(jz_buffer_span(&b), message))
			return true;
	}
	return false;
}

/* A new file, whole or not at all: "recover-NNN.tlv". */
static int
put(void *arg, struct jz_span message)
{
	struct mailbox *box = arg;
	char name[32], path[PATH_MAX_];
	int err = JZ_ERR_EXISTS;

	if (is_there(box, message))
		return JZ_ERR_EXISTS;
	for (unsigned k = 1; err == JZ_ERR_EXISTS && k < FILES_MAX; k++) {
		snprintf(name, sizeof(name), "recover-%03u.tlv", k);
		err = path_of(box, name, path);
		if (err == 0)
			err = jz_file_write(path, 0600, JZ_FILE_NEW, message);
	}
	if (err == 0 && box->n < FILES_MAX &&
	    (box->name[box->n] = strdup(name)) != NULL)
		box->n++;
	return err == JZ_ERR_EXISTS ? JZ_ERR_SPACE : err;
}

static int
recover_alone(struct jz_cli *c, struct jz_cli_card *card, bool payer)
{
	struct recovery r = {c, json_array()};
	struct mailbox *box = calloc(1, sizeof(*box));
	struct jz_mailbox m = {get, put, box};
	int err = box == NULL ? JZ_ERR_MEMORY : 0;

	jz_cli_put(c, "payments", r.list);
	if (err == 0) {
		box->c = c;
		err = look(box);
	}
	if (err == 0) {
		err = payer ? jz_recover_payer(&card->session, &m, told, &r)
			    : jz_recover_payee(&card->session, &m, told, &r);
		c->stranger = err != 0;
		if (err != 0)
			err = jz_cli_card_error(c, &card->session, err);
	}
	if (err == 0 && json_array_size(r.list) == 0)
		jz_cli_say(c, "%s\n",
		    jz_tr(c, "nothing is left for this card to do",
			"本卡没有未完成的交易"));
	if (box != NULL)
		forget(box);
	free(box);
	return err;
}

static int
with_one(struct jz_cli *c)
{
	bool payer = jz_cli_has(c, JZ_OPT_PAYER);
	enum jz_option pin = payer ? JZ_OPT_PIN : JZ_OPT_PAYEE_PIN;
	struct jz_cli_card card = {0};
	int err;

	if (!jz_cli_has(c, JZ_OPT_MESSAGES) ||
	    payer == jz_cli_has(c, JZ_OPT_PAYEE))
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c,
			"--payer and --payee, or one of them and --messages",
			"给出 --payer 与 --payee，或其中之一与 --messages"));
	err = jz_cli_open(c, payer ? JZ_OPT_PAYER : JZ_OPT_PAYEE, &card);
	if (err == 0 && jz_cli_has(c, pin))
		err = payer ? jz_cli_verify_pin(c, &card)
			    : jz_cli_verify_pin_of(c, pin, &card);
	if (err == 0)
		err = recover_alone(c, &card, payer);
	jz_cli_close(&card);
	return err;
}

static int
with_both(struct jz_cli *c)
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

int
jz_cmd_recover(struct jz_cli *c)
{
	return jz_cli_has(c, JZ_OPT_PAYER) && jz_cli_has(c, JZ_OPT_PAYEE) &&
		!jz_cli_has(c, JZ_OPT_MESSAGES)
	    ? with_both(c)
	    : with_one(c);
}
