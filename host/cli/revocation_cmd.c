/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi issuer revoke, jiaozi issuer revocation, jiaozi card revocation: what
 * the issuer has revoked, and what a card knows of it.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

#include "../../apdu/time.h"
#include "../../keys/revocation.h"
#include "../../keys/store/file.h"

#define TIME_TEXT 21
#define LIST_FILE (4u * JZ_MESSAGE_MAX)

/* ---- issuer revoke ------------------------------------------------------ */

static int
card_id(struct jz_cli *c, const char *text, uint8_t out[static JZ_ID_BYTES])
{
	if (strlen(text) == JZ_ID_BYTES)
		memcpy(out, text, JZ_ID_BYTES);
	if (strlen(text) == JZ_ID_BYTES && jz_reference_valid(out))
		return 0;
	return jz_cli_fail(c, JZ_ERR_ARGUMENT,
	    jz_tr(c, "\"%s\" is no card's ID: CN and 14 digits",
		"“%s”不是卡号：CN 加 14 位数字"),
	    text);
}

static int
generation(struct jz_cli *c, uint16_t *out)
{
	const char *text = c->value[JZ_OPT_GENERATION];
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || n == 0 ||
	    n > UINT16_MAX)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "--generation %s: a number from 1 to 65535",
			"--generation %s：应为 1 至 65535"),
		    text);
	*out = (uint16_t)n;
	return 0;
}

static int
revoke(struct jz_cli *c, struct jz_issuer *issuer)
{
	const char *reason = c->value[JZ_OPT_REASON];
	uint8_t id[JZ_ID_BYTES];
	uint16_t below = 0;
	int err;

	reason = reason != NULL ? reason : "";
	if (jz_cli_has(c, JZ_OPT_GENERATION)) {
		err = generation(c, &below);
		if (err == 0)
			err = jz_issuer_revoke_below(issuer, below, reason);
	} else {
		err = card_id(c, c->argument[1], id);
		if (err == 0)
			err = jz_issuer_revoke(issuer, id, reason);
	}
	if (err == JZ_ERR_EXISTS)
		return jz_cli_fail(c, err, "%s",
		    jz_tr(c, "that is revoked already", "已被吊销"));
	if (err == JZ_ERR_NOT_FOUND)
		return jz_cli_fail(
		    c, err, jz_tr(c, "card %s", "卡 %s"), c->argument[1]);
	return jz_cli_issuer_error(c, issuer, err);
}

/* What the newest list says now. */
static int
say_newest(struct jz_cli *c, struct jz_issuer *issuer)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_message m;
	int err = jz_issuer_revocation(issuer, &b);

	if (err == 0)
		err = jz_revocation_parse(jz_buffer_span(&b), &m);
	if (err != 0)
		return jz_cli_issuer_error(c, issuer, err);
	jz_cli_say(c,
	    jz_tr(c,
		"revocation list %u: certificates below generation %u and %zu "
		"by name; cards learn of it when they load or settle\n",
		"吊销列表第 %u 版：代次低于 %u 的证书，另 %zu "
		"张指名吊销；卡在圈存或结算时获知\n"),
	    (unsigned)m.list_version, (unsigned)m.generation,
	    m.revoked.len / JZ_ID_BYTES);
	jz_cli_put(c, "version", json_integer(m.list_version));
	jz_cli_put(c, "generation", json_integer(m.generation));
	jz_cli_put(c, "list", jz_cli_hex(jz_buffer_span(&b)));
	return 0;
}

int
jz_cmd_issuer_revoke(struct jz_cli *c)
{
	struct jz_issuer *issuer = NULL;
	int err;

	if ((c->arguments == 2) == jz_cli_has(c, JZ_OPT_GENERATION))
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "either CARD or --generation N",
			"请给出 CARD 或 --generation N 之一"));
	err = jz_cli_issuer(c, c->argument[0], &issuer);
	if (err == 0)
		err = revoke(c, issuer);
	if (err == 0)
		err = say_newest(c, issuer);
	jz_issuer_free(&issuer);
	return err;
}

/* ---- issuer revocation -------------------------------------------------- */

struct history {
	struct jz_cli *c;
	json_t *list;
};

static int
one_act(const struct jz_revocation_story *r, void *arg)
{
	struct history *h = arg;
	char when[TIME_TEXT], id[JZ_ID_BYTES + 1] = "";
	json_t *row = json_object();

	jz_time_to_text(r->time, when);
	if (r->has_card)
		jz_cli_id(r->card_id, JZ_ID_BYTES, id);
	jz_cli_say(h->c, "%6u  %s  ", (unsigned)r->version, when);
	if (r->has_card)
		jz_cli_say(h->c, "%s", id);
	else
		jz_cli_say(h->c,
		    jz_tr(h->c, "below generation %u", "代次低于 %u"),
		    (unsigned)r->generation);
	jz_cli_say(h->c, "%s%s\n", r->reason[0] != '\0' ? "  " : "", r->reason);
	json_object_set_new(row, "version", json_integer(r->version));
	json_object_set_new(row, "time", json_string(when));
	json_object_set_new(row, "generation", json_integer(r->generation));
	json_object_set_new(
	    row, "card", r->has_card ? jz_cli_string(id) : json_null());
	json_object_set_new(row, "reason", jz_cli_string(r->reason));
	json_array_append_new(h->list, row);
	return 0;
}

static int
write_newest(struct jz_cli *c, struct jz_issuer *issuer)
{
	const char *name = c->value[JZ_OPT_OUT];
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int err = jz_issuer_revocation(issuer, &b);

	if (err == JZ_ERR_NOT_FOUND && name == NULL) {
		jz_cli_say(c, "%s\n",
		    jz_tr(c, "nothing has been revoked", "尚未吊销任何证书"));
		return 0;
	}
	if (err == JZ_ERR_NOT_FOUND)
		return jz_cli_fail(c, err, "%s",
		    jz_tr(c, "nothing has been revoked", "尚未吊销任何证书"));
	if (err != 0)
		return jz_cli_issuer_error(c, issuer, err);
	jz_cli_put(c, "list", jz_cli_hex(jz_buffer_span(&b)));
	return name != NULL ? jz_cli_write_file(c, name, jz_buffer_span(&b))
			    : 0;
}

int
jz_cmd_issuer_revocation(struct jz_cli *c)
{
	struct history h = {c, json_array()};
	struct jz_issuer *issuer = NULL;
	int err = jz_cli_issuer(c, c->argument[0], &issuer);

	jz_cli_put(c, "revocations", h.list);
	if (err == 0)
		err = jz_cli_issuer_error(
		    c, issuer, jz_issuer_each_revocation(issuer, one_act, &h));
	if (err == 0) {
		err = jz_issuer_revocation_audit(issuer);
		if (err == JZ_ERR_AUDIT)
			err =
			    jz_cli_fail(c, err, "%s", jz_issuer_detail(issuer));
	}
	if (err == 0)
		err = write_newest(c, issuer);
	jz_issuer_free(&issuer);
	return err;
}

/* ---- card revocation ---------------------------------------------------- */

static void
say_list(struct jz_cli *c, const struct jz_message *m, struct jz_span bytes)
{
	json_t *ids = json_array();
	char id[JZ_ID_BYTES + 1], when[TIME_TEXT];

	jz_time_to_text(m->payment.time, when);
	jz_cli_line(
	    c, jz_tr(c, "version", "版本"), "%u", (unsigned)m->list_version);
	jz_cli_line(c, jz_tr(c, "time", "时间"), "%s", when);
	jz_cli_line(c, jz_tr(c, "void below", "作废代次低于"), "%u",
	    (unsigned)m->generation);
	for (size_t at = 0; at < m->revoked.len; at += JZ_ID_BYTES) {
		jz_cli_id(m->revoked.data + at, JZ_ID_BYTES, id);
		jz_cli_line(c, jz_tr(c, "revoked", "已吊销"), "%s", id);
		json_array_append_new(ids, jz_cli_string(id));
	}
	jz_cli_put(c, "version", json_integer(m->list_version));
	jz_cli_put(c, "time", json_string(when));
	jz_cli_put(c, "generation", json_integer(m->generation));
	jz_cli_put(c, "revoked", ids);
	jz_cli_put(c, "list", jz_cli_hex(bytes));
}

/* The list of --in, which the card is to take. */
static int
bring(struct jz_cli *c, struct jz_cli_card *card, struct jz_span list)
{
	int err = jz_purse_put_list(&card->session, list);

	return err != 0 ? jz_cli_card_error(c, &card->session, err) : 0;
}

static int
show(struct jz_cli *c, struct jz_cli_card *card)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_message m;
	int err = jz_purse_list(&card->session, &b);

	if (err == JZ_ERR_NOT_FOUND)
		return jz_cli_fail(c, err, "%s",
		    jz_tr(c, "the card has no revocation list",
			"卡上没有吊销列表"));
	if (err != 0)
		return jz_cli_card_error(c, &card->session, err);
	if (jz_revocation_parse(jz_buffer_span(&b), &m) != 0)
		return JZ_ERR_ANSWER;
	say_list(c, &m, jz_buffer_span(&b));
	return jz_cli_has(c, JZ_OPT_OUT)
	    ? jz_cli_write_file(c, c->value[JZ_OPT_OUT], jz_buffer_span(&b))
	    : 0;
}

int
jz_cmd_card_revocation(struct jz_cli *c)
{
	uint8_t bytes[LIST_FILE];
	struct jz_buffer in = jz_buffer(bytes, sizeof(bytes));
	struct jz_cli_card card = {0};
	int err = 0;

	if (jz_cli_has(c, JZ_OPT_IN)) {
		err = jz_cli_read_file(c, c->value[JZ_OPT_IN], &in);
		jz_cli_unhex(&in);
	}
	if (err == 0)
		err = jz_cli_open(c, JZ_OPT_CARD, &card);
	if (err == 0 && jz_cli_has(c, JZ_OPT_IN))
		err = bring(c, &card, jz_buffer_span(&in));
	if (err == 0)
		err = show(c, &card);
	jz_cli_close(&card);
	return err;
}
