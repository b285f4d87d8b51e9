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
#include "../../apdu/time.h"
#include "../../keys/secret.h"

#include <string.h>

#define JZ_LOAD_KEY_INDEX 0x01
#define JZ_KEY_VERSION	  0x01

static void
load_request_of(const struct jz_applet *self, struct jz_message *m)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct purse_load *l = &p->load;

	memset(m, 0, sizeof(*m));
	m->kind = JZ_KIND_LOAD_REQUEST;
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
static uint16_t
answer_request(struct jz_applet *self, struct jz_apdu *apdu)
{
	struct jz_message m;

	load_request_of(self, &m);
	jz_put_u32(&apdu->out, (uint32_t)m.balance);
	jz_put_u16(&apdu->out, (uint16_t)m.online_counter);
	jz_put_u8(&apdu->out, m.key_version);
	jz_put_u8(&apdu->out, m.algorithm);
	jz_put(&apdu->out, m.nonce, 4);
	return purse_status(jz_message_encode(&m, JZ_SIGNED, &apdu->out));
}

/* The refusals, in the order of docs/protocol.md. */
static uint16_t
may_load(const struct jz_applet *self, uint8_t key_index, uint32_t amount)
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
	if (p->online_counter == JZ_PURSE_COUNTER_MAX)
		return JZ_SW_COUNTER;
	if (purse_log_room(p) == 0)
		return JZ_SW_LOG_FULL;
	return JZ_SW_OK;
}

/* Makes and signs the request, then commits it: nothing leaves before (P3). */
static uint16_t
open_load(struct jz_applet *self, uint32_t amount,
    const uint8_t terminal[static JZ_TERMINAL_BYTES])
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct jz_engine *e = jz_card_engine(self);
	struct purse_load l = {0};
	int64_t now = jz_card_now(self);
	struct jz_message m;
	int err;

	l.amount = amount;
	l.balance = p->balance;
	l.time = now > 0 ? now : 0;
	l.counter = p->online_counter + 1;
	l.open = LOAD_OPEN;
	memcpy(l.terminal, terminal, sizeof(l.terminal));
	if ((err = jz_card_random(self, l.nonce, sizeof(l.nonce))) != 0)
		return purse_status(err);
	jz_begin(self);
	jz_write_u32(self, &p->online_counter, l.counter);
	jz_write(self, &p->load, &l, sizeof(l));
	load_request_of(self, &m);
	if ((err = jz_message_sign(e, &m, &p->key)) != 0 ||
	    (err = jz_message_digest(e, &m, l.digest)) != 0)
		return purse_status(err);
	jz_write(self, p->load.digest, l.digest, sizeof(l.digest));
	jz_write(self, p->load.signature, m.signature, sizeof(m.signature));
	return purse_status(jz_commit(self));
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
	if ((sw = may_load(self, key_index, amount)) != JZ_SW_OK)
		return sw;
	if (p->load.open == LOAD_OPEN) {
		/* The one open load, unchanged, or none. */
		if (p->load.amount != amount ||
		    memcmp(p->load.terminal, terminal, sizeof(terminal)) != 0)
			return JZ_SW_CONDITIONS;
		purse_cod(self)->pin_ok = 0;
		return answer_request(self, apdu);
	}
	if ((sw = has_room(p, amount)) != JZ_SW_OK)
		return sw;
	purse_cod(self)->pin_ok = 0;
	if ((sw = open_load(self, amount, terminal)) != JZ_SW_OK)
		return sw;
	return answer_request(self, apdu);
}

static void
report_of(const struct purse_nvm *p, const struct purse_record *r,
    struct jz_message *m)
{
	memset(m, 0, sizeof(*m));
	m->kind = JZ_KIND_LOAD_REPORT;
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

/* The load that this permission has executed, if the log has it still. */
static const struct purse_record *
executed(const struct purse_nvm *p, const uint8_t *permission_digest)
{
	for (unsigned i = 0; i < JZ_PURSE_RECORDS; i++) {
		const struct purse_record *r = &p->record[i];

		if (r->number != 0 && r->type == JZ_TYPE_EP_LOAD &&
		    memcmp(r->payment.agreement_digest, permission_digest,
			JZ_DIGEST_BYTES) == 0)
			return r;
	}
	return NULL;
}

/* The permission fits the open load, field by field, and was given while the
 * host's certificate was valid: judged by its own time, not by the card's. */
static uint16_t
permission_fits(const struct jz_applet *self, const struct jz_message *m)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct purse_authority *host = purse_host(self, m->host_id);
	const struct purse_load *l = &p->load;

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

/* Credit, record, and the end of the open load: one commit. */
static int
credit_for_load(struct jz_applet *self, const struct jz_message *permission,
    const uint8_t *permission_digest)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct jz_engine *e = jz_card_engine(self);
	struct purse_record r = {0};
	struct jz_message report;
	int err;

	r.type = JZ_TYPE_EP_LOAD;
	memcpy(r.payment.peer_id, p->load.terminal, sizeof(p->load.terminal));
	r.number = p->next_record;
	purse_time_set(r.payer_time, permission->payment.time);
	purse_time_set(r.payment.time, permission->payment.time);
	r.payment.amount = (uint32_t)p->load.amount;
	r.payment.payee_counter = p->load.counter;
	r.balance = (uint32_t)(p->balance + p->load.amount);
	memcpy(r.payment.agreement_digest, permission_digest, JZ_DIGEST_BYTES);
	report_of(p, &r, &report);
	if ((err = jz_message_sign(e, &report, &p->key)) != 0)
		return err;
	memcpy(r.payer_signature, report.signature, sizeof(report.signature));
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
	struct jz_cursor c = jz_cursor(apdu->command.data);
	struct jz_span host_time = jz_take(&c, JZ_TIME_BYTES);
	uint8_t digest[JZ_DIGEST_BYTES], bcd[JZ_TIME_BYTES];
	const struct purse_record *r;
	struct jz_message m;
	uint16_t sw;
	int err;

	if (jz_message_decode(
		jz_span(c.data, c.len), JZ_KIND_LOAD_PERMISSION, &m) != 0)
		return JZ_SW_DATA;
	if ((err = jz_message_digest(e, &m, digest)) != 0)
		return purse_status(err);
	jz_time_to_bcd(m.payment.time, bcd);
	if (memcmp(host_time.data, bcd, sizeof(bcd)) != 0)
		return JZ_SW_MISMATCH;
	r = executed(p, digest);
	if (r == NULL && (sw = permission_fits(self, &m)) != JZ_SW_OK)
		return sw;
	if ((sw = purse_host_verify(self, &m)) != JZ_SW_OK)
		return sw;
	if (r == NULL) {
		if ((err = credit_for_load(self, &m, digest)) != 0)
			return purse_status(err);
		r = purse_slot(p, p->next_record - 1);
	}
	report_of(p, r, &m);
	return purse_status(jz_message_encode(&m, JZ_SIGNED, &apdu->out));
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
