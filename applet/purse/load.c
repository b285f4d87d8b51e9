/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load (圈存): JR/T 0025 INITIALIZE FOR LOAD and CREDIT FOR LOAD, with the
 * field's fields first and one signed template in place of MAC and TAC.
 *
 * INITIALIZE commits the counter and the one open load before it answers; it
 * survives reset, and the same command gives the same request again.  (In
 * JR/T 0025 INITIALIZE changes nothing: then a resumed load could only be
 * cancelled.)  CREDIT executes it once; the same permission again gives the
 * same report.  CANCEL closes it and signs that it was not executed and never
 * will be: the one thing against which the issuer pays back.
 */
#include "purse.h"
#include "../../keys/secret.h"

#include <string.h>

#define JZ_LOAD_KEY_INDEX 0x01
#define JZ_KEY_VERSION	  0x01

void
purse_request_of(const struct jz_applet *self, enum jz_kind kind,
    const struct purse_load *l, struct jz_message *m)
{
	const struct purse_nvm *p = purse_nvm(self);

	memset(m, 0, sizeof(*m));
	m->kind = kind;
	memcpy(m->card_id, p->id, sizeof(m->card_id));
	m->identity = jz_span(p->identity, p->identity_len);
	m->account = jz_span(p->account, p->account_len);
	m->balance = l->balance;
	m->payment.amount = l->amount;
	m->payment.currency = p->currency;
	m->online_counter = l->counter;
	m->key_version = JZ_KEY_VERSION;
	m->algorithm = (uint8_t)jz_card_engine(self)->crypto->suite;
	memcpy(m->nonce, l->nonce, sizeof(m->nonce));
	m->payment.time = l->time;
	memcpy(m->terminal, l->terminal, sizeof(m->terminal));
	memcpy(m->signature, l->signature, sizeof(m->signature));
}

/* balance, counter, key version, algorithm, random; then the template. */
uint16_t
purse_answer_request(struct jz_applet *self, enum jz_kind kind,
    const struct purse_load *l, struct jz_apdu *apdu)
{
	struct jz_message m;

	purse_request_of(self, kind, l, &m);
	jz_put_u32(&apdu->out, (uint32_t)m.balance);
	jz_put_u16(&apdu->out, (uint16_t)m.online_counter);
	jz_put_u8(&apdu->out, m.key_version);
	jz_put_u8(&apdu->out, m.algorithm);
	jz_put(&apdu->out, m.nonce, 4);
	return kind == JZ_KIND_LOAD_REQUEST
	    ? purse_put_online(self, &m, &apdu->out)
	    : purse_status(jz_message_encode(&m, JZ_SIGNED, &apdu->out));
}

/* The refusals, in the order of docs/protocol.md. */
uint16_t
purse_may_ask(const struct jz_applet *self, uint8_t key_index, uint32_t amount)
{
	if (key_index != JZ_LOAD_KEY_INDEX)
		return JZ_SW_KEY_INDEX;
	if (purse_cod(self)->pin_ok == 0)
		return JZ_SW_SECURITY;
	if (amount == 0 || amount > JZ_PURSE_AMOUNT_MAX)
		return JZ_SW_DATA;
	return JZ_SW_OK;
}

static uint16_t
has_room(const struct purse_nvm *p, uint32_t amount)
{
	if (amount > p->max_balance ||
	    p->balance + purse_promised(p) > p->max_balance - amount)
		return JZ_SW_BALANCE_LIMIT;
	if (p->online_counter >= JZ_PURSE_LOADS_MAX)
		return JZ_SW_COUNTER;
	if (purse_log_room(p) == 0)
		return JZ_SW_LOG_FULL;
	return JZ_SW_OK;
}

int
purse_prepare_request(struct jz_applet *self, uint32_t counter, uint32_t amount,
    const uint8_t terminal[static JZ_TERMINAL_BYTES], struct purse_load *out)
{
	int64_t now = jz_card_now(self);

	memset(out, 0, sizeof(*out));
	out->amount = amount;
	out->balance = purse_nvm(self)->balance;
	out->time = now > 0 ? now : 0;
	out->counter = counter;
	out->open = LOAD_OPEN;
	memcpy(out->terminal, terminal, sizeof(out->terminal));
	return jz_card_random(self, out->nonce, sizeof(out->nonce));
}

int
purse_sign_request(
    struct jz_applet *self, enum jz_kind kind, struct purse_load *l)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct jz_engine *e = jz_card_engine(self);
	struct jz_message m;
	int err;

	purse_request_of(self, kind, l, &m);
	if ((err = jz_message_sign(e, &m, &p->key)) != 0 ||
	    (err = jz_message_digest(e, &m, l->digest)) != 0)
		return err;
	memcpy(l->signature, m.signature, sizeof(l->signature));
	return 0;
}

/* Makes and signs the request, then commits it: nothing leaves before (P3). */
static uint16_t
open_load(struct jz_applet *self, uint32_t amount,
    const uint8_t terminal[static JZ_TERMINAL_BYTES])
{
	const struct purse_nvm *p = purse_nvm(self);
	struct purse_load l;
	int err = purse_prepare_request(
	    self, p->online_counter + 1, amount, terminal, &l);

	if (err != 0)
		return purse_status(err);
	jz_begin(self);
	jz_write_u32(self, &p->online_counter, l.counter);
	err = purse_load_keys(self);
	if (err == 0)
		err = purse_sign_request(self, JZ_KIND_LOAD_REQUEST, &l);
	if (err == 0)
		err = jz_write(self, &p->load, &l, sizeof(l));
	return purse_status(err != 0 ? err : jz_commit(self));
}

uint16_t
purse_initialize_load(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct jz_cursor c = jz_cursor(apdu->command.data);
	uint8_t key_index = jz_take_u8(&c);
	uint32_t amount = jz_take_u32(&c);
	uint8_t terminal[JZ_TERMINAL_BYTES];
	uint16_t sw;

	jz_take_bytes(&c, terminal, sizeof(terminal));
	if (!jz_cursor_end(&c))
		return JZ_SW_LENGTH;
	if ((sw = purse_may_ask(self, key_index, amount)) != JZ_SW_OK)
		return sw;
	if (p->load.open == LOAD_OPEN) {
		/* The one open load, unchanged, or none. */
		if (p->load.amount != amount ||
		    memcmp(p->load.terminal, terminal, sizeof(terminal)) != 0)
			return JZ_SW_CONDITIONS;
		purse_cod(self)->pin_ok = 0;
		return purse_answer_request(
		    self, JZ_KIND_LOAD_REQUEST, &p->load, apdu);
	}
	if ((sw = has_room(p, amount)) != JZ_SW_OK ||
	    (sw = purse_load_confirmed(self, amount, terminal)) != JZ_SW_OK)
		return sw;
	purse_cod(self)->pin_ok = 0;
	if ((sw = open_load(self, amount, terminal)) != JZ_SW_OK)
		return sw;
	return purse_answer_request(self, JZ_KIND_LOAD_REQUEST, &p->load, apdu);
}

void
purse_report_of(const struct purse_nvm *p, const struct purse_record *r,
    struct jz_message *m)
{
	memset(m, 0, sizeof(*m));
	m->kind = r->type == JZ_TYPE_UNLOAD ? JZ_KIND_UNLOAD_PROOF
					    : JZ_KIND_LOAD_REPORT;
	memcpy(m->card_id, p->id, sizeof(m->card_id));
	m->online_counter = r->payment.payee_counter;
	memcpy(m->payment.agreement_digest, r->payment.agreement_digest,
	    JZ_DIGEST_BYTES);
	m->payment.amount = r->payment.amount;
	m->payment.currency = p->currency;
	m->balance = r->balance;
	m->record = r->number;
	memcpy(m->signature, r->payer_signature, sizeof(m->signature));
}

const struct purse_record *
purse_executed(const struct purse_nvm *p, uint8_t type,
    const uint8_t permission_digest[static JZ_DIGEST_BYTES])
{
	for (unsigned i = 0; i < JZ_PURSE_RECORDS; i++) {
		const struct purse_record *r = &p->record[i];

		if (r->number != 0 && r->type == type &&
		    memcmp(r->payment.agreement_digest, permission_digest,
			JZ_DIGEST_BYTES) == 0)
			return r;
	}
	return NULL;
}

/* Field by field; and it was given while the host's certificate was valid:
 * judged by its own time, not by the card's. */
uint16_t
purse_permission_fits(const struct jz_applet *self, const struct purse_load *l,
    const struct jz_message *m)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct purse_authority *host = purse_host(self, m->host_id);

	if (l->open != LOAD_OPEN)
		return JZ_SW_CONDITIONS;
	if (memcmp(m->card_id, p->id, sizeof(p->id)) != 0 ||
	    m->online_counter != l->counter ||
	    memcmp(m->payment.request_digest, l->digest, JZ_DIGEST_BYTES) !=
		0 ||
	    m->payment.amount != l->amount ||
	    m->payment.currency != p->currency)
		return JZ_SW_MISMATCH;
	/* A stranger is found out by purse_host_verify(): the dates come first
	 * (docs/protocol.md), and by ours. */
	if (host == NULL)
		host = &p->host;
	if (m->payment.time < host->from)
		return JZ_SW_CERT_NOT_YET;
	if (m->payment.time >= host->to)
		return JZ_SW_CERT_EXPIRED;
	return JZ_SW_OK;
}

int
purse_report(struct jz_applet *self, const struct purse_load *l,
    const struct jz_message *permission,
    const uint8_t permission_digest[static JZ_DIGEST_BYTES],
    struct purse_record *r)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct jz_message report;
	int err;

	memcpy(r->payment.peer_id, l->terminal, sizeof(l->terminal));
	r->number = p->next_record;
	purse_time_set(r->payer_time, permission->payment.time);
	purse_time_set(r->payment.time, permission->payment.time);
	r->payment.amount = (uint32_t)l->amount;
	r->payment.payee_counter = l->counter;
	memcpy(r->payment.agreement_digest, permission_digest, JZ_DIGEST_BYTES);
	purse_report_of(p, r, &report);
	err = jz_message_sign(jz_card_engine(self), &report, &p->key);
	memcpy(r->payer_signature, report.signature, sizeof(report.signature));
	return err;
}

/* Credit, record, and the end of the open load: one commit. */
static int
credit_for_load(struct jz_applet *self, const struct jz_message *permission,
    const uint8_t *permission_digest)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct purse_record r = {0};
	int err;

	r.type = JZ_TYPE_EP_LOAD;
	r.balance = (uint32_t)(p->balance + p->load.amount);
	err = purse_report(self, &p->load, permission, permission_digest, &r);
	if (err != 0)
		return err;
	jz_begin(self);
	jz_write_u64(self, &p->balance, r.balance);
	purse_append_record(self, &r);
	jz_fill(self, &p->load, 0, sizeof(p->load));
	return jz_commit(self);
}

uint16_t
purse_credit_for_load(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct jz_engine *e = jz_card_engine(self);
	uint8_t digest[JZ_DIGEST_BYTES], plain[JZ_MESSAGE_MAX];
	const struct purse_record *r;
	struct jz_message m;
	uint16_t sw;
	int err;

	sw = purse_take_online(self, apdu->command.data, plain, &m);
	if (sw != JZ_SW_OK)
		return sw;
	if ((err = jz_message_digest(e, &m, digest)) != 0)
		return purse_status(err);
	r = purse_executed(p, JZ_TYPE_EP_LOAD, digest);
	if (r == NULL &&
	    (sw = purse_permission_fits(self, &p->load, &m)) != JZ_SW_OK)
		return sw;
	if ((sw = purse_host_verify(self, &m)) != JZ_SW_OK)
		return sw;
	if (r == NULL) {
		if ((err = credit_for_load(self, &m, digest)) != 0)
			return purse_status(err);
		r = purse_slot(p, p->next_record - 1);
	}
	purse_report_of(p, r, &m);
	return purse_put_online(self, &m, &apdu->out);
}

uint16_t
purse_cancel_load(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct jz_message m;
	int err;

	if (p->load.open == LOAD_NONE)
		return JZ_SW_CONDITIONS;
	err = jz_write_u8(self, &p->load.open, LOAD_CANCELLED);
	if (err != 0)
		return purse_status(err);
	memset(&m, 0, sizeof(m));
	m.kind = JZ_KIND_LOAD_CANCEL;
	memcpy(m.card_id, p->id, sizeof(m.card_id));
	m.online_counter = p->load.counter;
	memcpy(m.payment.request_digest, p->load.digest, JZ_DIGEST_BYTES);
	if ((err = jz_message_sign(jz_card_engine(self), &m, &p->key)) != 0)
		return purse_status(err);
	return purse_status(jz_message_encode(&m, JZ_SIGNED, &apdu->out));
}
