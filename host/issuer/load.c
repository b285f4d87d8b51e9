/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads (圈存): the account is debited and the permission stored, in one
 * commit, before the permission leaves; the report moves the amount from
 * transit to the card's shadow, once.
 *
 * No time-out and no missing report ever gives money back: load_cancel.c has
 * the one thing that does.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../keys/secret.h"

void
jz_issuer_load_reference(
    const struct jz_message *m, char out[static JZ_LOAD_REFERENCE_CAP])
{
	snprintf(out, JZ_LOAD_REFERENCE_CAP, "%.*s:%u", JZ_ID_BYTES,
	    (const char *)m->card_id, (unsigned)m->online_counter);
}

/* A card's word that it will never execute this load ends it. */
static int
check_not_cancelled(
    struct jz_issuer *i, const struct jz_message *m, enum jz_refusal why)
{
	uint8_t request[JZ_DIGEST_BYTES];
	int err =
	    jz_store_cancel(i->store, m->card_id, m->online_counter, request);

	if (err == 0)
		return jz_refuse(i, why);
	return err == JZ_ERR_NOT_FOUND ? 0 : err;
}

/* ---- permission --------------------------------------------------------- */

static bool
span_is(struct jz_span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}

int
jz_issuer_check_binding(struct jz_issuer *i, const struct jz_message *m,
    const struct jz_known_card *card)
{
	bool blocked;
	int err;

	if (!span_is(m->account, card->row.account))
		return jz_refuse(i, JZ_REFUSAL_WRONG_ACCOUNT);
	if (!span_is(m->identity, card->row.holder))
		return jz_refuse(i, JZ_REFUSAL_WRONG_USER);
	err = jz_store_customer(i->store, card->row.account, &blocked);
	if (err == JZ_ERR_NOT_FOUND)
		return jz_refuse(i, JZ_REFUSAL_UNKNOWN_ACCOUNT);
	if (err == 0 && blocked)
		return jz_refuse(i, JZ_REFUSAL_ACCOUNT_BLOCKED);
	return err;
}

/* The checks, in the order of enum jz_refusal. */
static int
check_request(struct jz_issuer *i, struct jz_span bytes, struct jz_message *m,
    struct jz_known_card *card, struct jz_online *o)
{
	int err = jz_issuer_take_online(i, bytes, JZ_KIND_LOAD_REQUEST, m, o);

	if (err != 0)
		return err;
	if (m->algorithm != (uint8_t)i->engine.crypto->suite)
		return jz_refuse(i, JZ_REFUSAL_SUITE);
	err = jz_issuer_card(i, m->card_id, JZ_JUDGE_ALL, card);
	if (err == 0)
		err = jz_issuer_verify(i, m, card);
	if (err == 0)
		err = jz_issuer_check_online(i, card, o);
	if (err == 0)
		err = jz_issuer_check_binding(i, m, card);
	if (err == 0)
		err = jz_issuer_check_amount(i, &m->payment);
	return err;
}

static int
make_permission(struct jz_issuer *i, const struct jz_message *request,
    struct jz_load_row *load)
{
	struct jz_buffer b =
	    jz_buffer(load->permission, sizeof(load->permission));
	struct jz_message m = {0};
	int err;

	m.kind = JZ_KIND_LOAD_PERMISSION;
	memcpy(m.card_id, request->card_id, JZ_ID_BYTES);
	m.online_counter = request->online_counter;
	memcpy(m.payment.request_digest, load->request_digest, JZ_DIGEST_BYTES);
	m.payment.amount = request->payment.amount;
	m.payment.currency = request->payment.currency;
	m.payment.time = jz_issuer_now(i);
	err = jz_issuer_answer(i, &m, &b);
	if (err == 0)
		err =
		    jz_message_digest(&i->engine, &m, load->permission_digest);
	load->permission_len = b.len;
	load->amount = m.payment.amount;
	load->time = m.payment.time;
	return err;
}

/* Debit, request and permission: one commit. */
static int
new_load(struct jz_issuer *i, const struct jz_message *m,
    const struct jz_online *o, struct jz_load_row *load)
{
	struct jz_ledger_name account;
	char reference[JZ_LOAD_REFERENCE_CAP];
	int err = make_permission(i, m, load);

	if (err != 0)
		return err;
	jz_issuer_load_reference(m, reference);
	snprintf(load->account, sizeof(load->account), "%.*s",
	    (int)m->account.len, (const char *)m->account.data);
	account = jz_ledger_customer(load->account);
	err = jz_ledger_move(i->store, load->time, JZ_LEDGER_LOAD_PERMITTED,
	    reference, account.text, JZ_LEDGER_LOAD, (int64_t)load->amount);
	if (err == JZ_ERR_FUNDS)
		return jz_refuse(i, JZ_REFUSAL_FUNDS);
	if (err == 0)
		err = jz_store_load_add(i->store, load, o->clear);
	if (err == 0 && o->sealed)
		err = jz_store_load_key_add(i->store, load, o->point);
	return err;
}

/* The detail names the first that differs; both requests are signed. */
static int
exists_different(struct jz_issuer *i, const struct jz_load_row *load,
    const struct jz_message *m)
{
	jz_store_set_detail(i->store,
	    load->amount != m->payment.amount	      ? "amount"
		: !span_is(m->account, load->account) ? "account"
						      : "request");
	return jz_refuse(i, JZ_REFUSAL_EXISTS_DIFFERENT);
}

static int
permit(struct jz_issuer *i, struct jz_span bytes, struct jz_online *o,
    struct jz_buffer *out)
{
	struct jz_known_card card;
	struct jz_load_row load;
	struct jz_message m;
	uint8_t digest[JZ_DIGEST_BYTES];
	int err = check_request(i, bytes, &m, &card, o);

	if (err == 0)
		err = jz_message_digest(&i->engine, &m, digest);
	if (err == 0)
		err = check_not_cancelled(i, &m, JZ_REFUSAL_CANCELLED);
	if (err != 0)
		return err;
	err = jz_store_load(i->store, m.card_id, m.online_counter, &load);
	if (err == 0 &&
	    memcmp(load.request_digest, digest, JZ_DIGEST_BYTES) != 0)
		return exists_different(i, &load, &m);
	i->again = err == 0;
	if (err == JZ_ERR_NOT_FOUND) {
		memcpy(load.request_digest, digest, JZ_DIGEST_BYTES);
		err = new_load(i, &m, o, &load);
	}
	if (err != 0)
		return err;
	return jz_issuer_put_online(
	    i, jz_span(load.permission, load.permission_len), o, out);
}

int
jz_issuer_load_permit(
    struct jz_issuer *i, struct jz_span request, struct jz_buffer *permission)
{
	size_t start = permission->len;
	struct jz_online o;
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, true);
	if (err == 0) {
		err =
		    jz_store_end(i->store, permit(i, request, &o, permission));
		jz_wipe(&o, sizeof(o));
	}
	if (err != 0)
		permission->len = start;
	return err;
}

/* ---- report ------------------------------------------------------------- */

int
jz_issuer_find_load(struct jz_issuer *i, const struct jz_message *report,
    struct jz_load_row *out)
{
	int err = jz_store_load(
	    i->store, report->card_id, report->online_counter, out);

	if (err == JZ_ERR_NOT_FOUND)
		return jz_refuse(i, JZ_REFUSAL_NO_LOAD);
	if (err == 0 &&
	    memcmp(out->permission_digest, report->payment.agreement_digest,
		JZ_DIGEST_BYTES) != 0)
		return jz_refuse(i, JZ_REFUSAL_NO_LOAD);
	return err;
}

/* A card has a counter once, for a load or for an unload. */
static int
check_not_unloaded(struct jz_issuer *i, const struct jz_message *report)
{
	struct jz_unload_row row;
	int err = jz_store_unload(
	    i->store, report->card_id, report->online_counter, &row);

	if (err == 0)
		return jz_refuse(i, JZ_REFUSAL_CONFLICT);
	return err == JZ_ERR_NOT_FOUND ? 0 : err;
}

int
jz_issuer_book_load(struct jz_issuer *i, const struct jz_message *report,
    const struct jz_load_row *load)
{
	struct jz_ledger_name card = jz_ledger_card(report->card_id);
	uint8_t digest[JZ_DIGEST_BYTES], booked[JZ_DIGEST_BYTES];
	char reference[JZ_LOAD_REFERENCE_CAP];
	int64_t now = jz_issuer_now(i);
	int err;

	if (report->payment.amount != load->amount)
		return jz_refuse(i, JZ_REFUSAL_CONFLICT);
	err = check_not_cancelled(i, report, JZ_REFUSAL_CONFLICT);
	if (err == 0)
		err = check_not_unloaded(i, report);
	if (err == 0)
		err = jz_message_digest(&i->engine, report, digest);
	if (err != 0)
		return err;
	err = jz_store_report(
	    i->store, report->card_id, report->online_counter, booked);
	if (err == 0 && memcmp(booked, digest, JZ_DIGEST_BYTES) != 0)
		return jz_refuse(i, JZ_REFUSAL_CONFLICT);
	i->again = err == 0;
	if (err != JZ_ERR_NOT_FOUND)
		return err;
	jz_issuer_load_reference(report, reference);
	err = jz_store_report_add(i->store, digest, report, now);
	if (err == 0)
		err = jz_ledger_move(i->store, now, JZ_LEDGER_LOAD_REPORTED,
		    reference, JZ_LEDGER_LOAD, card.text,
		    (int64_t)load->amount);
	return err;
}

/*
 * What a card has credited is booked whether it has been blocked since or its
 * certificate has expired.
 */
static int
report(struct jz_issuer *i, struct jz_span bytes)
{
	struct jz_known_card card;
	struct jz_load_row load;
	struct jz_online o;
	struct jz_message m;
	int err = jz_issuer_take_online(i, bytes, JZ_KIND_LOAD_REPORT, &m, &o);

	if (err == 0)
		err = jz_issuer_card(i, m.card_id, JZ_JUDGE_SIGNATURE, &card);
	if (err == 0)
		err = jz_issuer_verify(i, &m, &card);
	if (err == 0)
		err = jz_issuer_check_online(i, &card, &o);
	if (err == 0)
		err = jz_issuer_check_amount(i, &m.payment);
	if (err == 0)
		err = jz_issuer_find_load(i, &m, &load);
	if (err == 0)
		err = jz_issuer_book_load(i, &m, &load);
	jz_wipe(&o, sizeof(o));
	return err;
}

int
jz_issuer_load_report(struct jz_issuer *i, struct jz_span bytes)
{
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, true);
	if (err != 0)
		return err;
	return jz_store_end(i->store, report(i, bytes));
}
