/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi card records, card known: what a card keeps of payments, whole, and of
 * other cards.
 */
#include "cli.h"

#include <string.h>

#include "../../apdu/time.h"
#include "../../keys/certificate.h"

#define KNOWN_CARDS_MAX 16u

/* ---- records ------------------------------------------------------------ */

/* What the table and the JSON show of a record. */
struct view {
	const char *name[2];
	bool out; /* it was paid: negative */
	bool payer;
	uint32_t number;
	int64_t time;
};

static struct view
view_of(const struct jz_message *m)
{
	switch ((unsigned)m->kind) {
	case JZ_KIND_RECORD_PAID:
		return (struct view){{"paid", "付款"}, true, true,
		    m->payer_record, m->payer_time};
	case JZ_KIND_RECORD_RECEIVED:
		return (struct view){{"received", "收款"}, false, false,
		    m->payee_record, m->payee_time};
	case JZ_KIND_RECORD_EXCEPTION:
		return (struct view){{"given up", "放弃入账"}, false, false,
		    m->payee_record, m->payee_time};
	default:
		return (struct view){{"loaded", "圈存"}, false, false,
		    m->record, m->payment.time};
	}
}

static void
put_payment(json_t *row, const struct jz_message *m, const struct view *v)
{
	char id[JZ_ID_BYTES + 1];

	jz_cli_id(v->payer ? m->payment.payee_id : m->payment.payer_id,
	    JZ_ID_BYTES, id);
	json_object_set_new(row, "counterparty", json_string(id));
	json_object_set_new(
	    row, "payer_counter", json_integer(m->payment.payer_counter));
	json_object_set_new(
	    row, "payee_counter", json_integer(m->payment.payee_counter));
	json_object_set_new(row, "request_digest",
	    jz_cli_hex(jz_span(m->payment.request_digest, JZ_DIGEST_BYTES)));
	json_object_set_new(row, "agreement_digest",
	    jz_cli_hex(jz_span(m->payment.agreement_digest, JZ_DIGEST_BYTES)));
	if (m->refund_of != 0)
		json_object_set_new(
		    row, "refund_of", json_integer(m->refund_of));
}

static void
say_payment(
    const struct jz_cli *c, const struct jz_message *m, const struct view *v)
{
	char id[JZ_ID_BYTES + 1];

	jz_cli_id(v->payer ? m->payment.payee_id : m->payment.payer_id,
	    JZ_ID_BYTES, id);
	jz_cli_say(c, "  %s  %u/%u", id, (unsigned)m->payment.payer_counter,
	    (unsigned)m->payment.payee_counter);
	if (m->refund_of != 0)
		jz_cli_say(c, jz_tr(c, "  refund of %u", "  退款，原付款 %u"),
		    (unsigned)m->refund_of);
}

static int
show_record(struct jz_cli *c, struct jz_span bytes, json_t *list)
{
	bool load = jz_message_peek(bytes) == JZ_KIND_RECORD_LOAD;
	char when[21], x[JZ_MONEY_TEXT];
	json_t *row = json_object();
	struct jz_message m;
	struct view v;
	int64_t minor;

	json_array_append_new(list, row);
	if (jz_message_decode(bytes, jz_message_peek(bytes), &m) != 0)
		return JZ_ERR_ANSWER;
	v = view_of(&m);
	minor = v.out ? -(int64_t)m.payment.amount : (int64_t)m.payment.amount;
	jz_time_to_text(v.time, when);
	jz_cli_say(c, "%6u  %s  ", (unsigned)v.number, when);
	jz_cli_cell(c, 9, v.name[c->lang]);
	jz_cli_cell(c, -12, jz_money_text(minor, m.payment.currency, x));
	if (!load)
		say_payment(c, &m, &v);
	jz_cli_say(c, "\n");
	json_object_set_new(row, "number", json_integer(v.number));
	json_object_set_new(row, "name", json_string(v.name[JZ_LANG_EN]));
	json_object_set_new(row, "time", json_string(when));
	jz_cli_put_money(row, "amount", minor, m.payment.currency);
	if (!load)
		put_payment(row, &m, &v);
	json_object_set_new(row, "record", jz_cli_hex(bytes));
	return 0;
}

int
jz_cmd_card_records(struct jz_cli *c)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	json_t *list = json_array();
	struct jz_cli_card card = {0};
	unsigned n;
	int err = jz_cli_open(c, JZ_OPT_CARD, &card);

	jz_cli_put(c, "records", list);
	if (err == 0)
		err = jz_cli_verify_pin(c, &card);
	for (n = 1; err == 0; n++) {
		struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

		err = jz_purse_record(&card.session, n, &b);
		if (err == 0)
			err = show_record(c, jz_buffer_span(&b), list);
		else if (err != JZ_ERR_NOT_FOUND)
			err = jz_cli_card_error(c, &card.session, err);
	}
	if (err == JZ_ERR_NOT_FOUND && n > 1)
		err = 0;
	if (err == 0 && json_array_size(list) == 0)
		jz_cli_say(c, "%s\n", jz_tr(c, "no records", "没有记录"));
	jz_cli_close(&card);
	return err;
}

/* ---- other cards -------------------------------------------------------- */

static int
keep(struct jz_cli *c, struct jz_cli_card *card)
{
	uint8_t bytes[JZ_CLI_FILE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int err = jz_cli_read_file(c, c->value[JZ_OPT_KEEP], &b);

	if (err != 0)
		return err;
	jz_cli_unhex(&b);
	err = jz_purse_keep(&card->session, jz_buffer_span(&b));
	return err != 0 ? jz_cli_card_error(c, &card->session, err) : 0;
}

static int
forget(struct jz_cli *c, struct jz_cli_card *card)
{
	const char *text = c->value[JZ_OPT_FORGET];
	uint8_t id[JZ_ID_BYTES] = {0};
	int err;

	if (strlen(text) == 0 || strlen(text) > sizeof(id))
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "--forget %s", text);
	memcpy(id, text, strlen(text));
	err = jz_purse_forget(&card->session, id);
	if (err == JZ_ERR_NOT_FOUND)
		return jz_cli_fail(c, err, "%s", text);
	return err != 0 ? jz_cli_card_error(c, &card->session, err) : 0;
}

static int
list_known(struct jz_cli *c, struct jz_cli_card *card)
{
	uint8_t ids[KNOWN_CARDS_MAX][JZ_ID_BYTES];
	size_t n = KNOWN_CARDS_MAX;
	json_t *list = json_array();
	int err = jz_purse_kept(&card->session, ids, &n);

	jz_cli_put(c, "known", list);
	if (err != 0)
		return jz_cli_card_error(c, &card->session, err);
	for (size_t i = 0; i < n; i++) {
		char id[JZ_ID_BYTES + 1];

		jz_cli_id(ids[i], JZ_ID_BYTES, id);
		jz_cli_say(c, "%s\n", id);
		json_array_append_new(list, json_string(id));
	}
	if (n == 0)
		jz_cli_say(c, "%s\n",
		    jz_tr(c, "it keeps no other card's certificate",
			"卡内没有其他卡的证书"));
	return 0;
}

int
jz_cmd_card_known(struct jz_cli *c)
{
	struct jz_cli_card card = {0};
	int err = jz_cli_open(c, JZ_OPT_CARD, &card);

	if (err == 0)
		err = jz_cli_verify_pin(c, &card);
	if (err == 0 && jz_cli_has(c, JZ_OPT_KEEP))
		err = keep(c, &card);
	if (err == 0 && jz_cli_has(c, JZ_OPT_FORGET))
		err = forget(c, &card);
	if (err == 0)
		err = list_known(c, &card);
	jz_cli_close(&card);
	return err;
}
