/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settlement (与后台联网): sign-in request, the issuer's random number, signed
 * sign-in, its confirmation, batches of records, each confirmed by its digest.
 *
 * Nothing here changes a balance.  A record is cleared when the issuer's host
 * has signed the digest of the batch that it was in, and not before.
 */
#include "purse.h"
#include "../../keys/secret.h"

#include <string.h>

static bool
ours(const struct jz_applet *self, const struct jz_message *m)
{
	return memcmp(m->card_id, purse_nvm(self)->id, JZ_ID_BYTES) == 0 &&
	    memcmp(m->host_nonce, purse_cod(self)->host_nonce,
		JZ_NONCE_BYTES) == 0;
}

static uint32_t
unsettled(const struct purse_nvm *p)
{
	return p->next_record - p->first_unsettled;
}

static uint16_t
sign_in_request(struct jz_applet *self, struct jz_apdu *apdu)
{
	struct purse_cod *cod = purse_cod(self);
	struct jz_message m;
	int err;

	if (apdu->command.data.len != 0)
		return JZ_SW_LENGTH;
	memset(&m, 0, sizeof(m));
	err = jz_card_random(self, cod->card_nonce, sizeof(cod->card_nonce));
	if (err != 0)
		return purse_status(err);
	m.kind = JZ_KIND_SIGN_IN_REQUEST;
	memcpy(m.card_id, purse_nvm(self)->id, sizeof(m.card_id));
	memcpy(m.nonce, cod->card_nonce, sizeof(m.nonce));
	cod->stage = SETTLE_ASKED;
	return purse_status(jz_message_encode(&m, JZ_SIGNED, &apdu->out));
}

static uint16_t
sign_in(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct purse_cod *cod = purse_cod(self);
	struct jz_message in, m;
	int err;

	if (cod->stage != SETTLE_ASKED)
		return JZ_SW_CONDITIONS;
	if (jz_message_decode(apdu->command.data, JZ_KIND_CHALLENGE, &in) != 0)
		return JZ_SW_DATA;
	if (purse_host(self, in.host_id) == NULL)
		return JZ_SW_CERT_ISSUER;
	memset(&m, 0, sizeof(m));
	m.kind = JZ_KIND_SIGN_IN;
	memcpy(m.card_id, p->id, sizeof(m.card_id));
	memcpy(m.nonce, cod->card_nonce, sizeof(m.nonce));
	memcpy(m.host_nonce, in.host_nonce, sizeof(m.host_nonce));
	m.record = p->first_unsettled;
	m.count = unsettled(p);
	m.balance = p->balance;
	m.list_version = p->list_version;
	if ((err = jz_message_sign(jz_card_engine(self), &m, &p->key)) != 0)
		return purse_status(err);
	memcpy(cod->host_nonce, in.host_nonce, sizeof(cod->host_nonce));
	cod->stage = SETTLE_SIGNED_IN;
	return purse_status(jz_message_encode(&m, JZ_SIGNED, &apdu->out));
}

static uint16_t
confirmed(struct jz_applet *self, struct jz_apdu *apdu)
{
	struct purse_cod *cod = purse_cod(self);
	struct jz_message m;
	uint16_t sw;

	if (cod->stage != SETTLE_SIGNED_IN)
		return JZ_SW_CONDITIONS;
	if (jz_message_decode(
		apdu->command.data, JZ_KIND_SIGN_IN_CONFIRMED, &m) != 0)
		return JZ_SW_DATA;
	if (!ours(self, &m) ||
	    memcmp(m.nonce, cod->card_nonce, sizeof(m.nonce)) != 0)
		return JZ_SW_MISMATCH;
	if ((sw = purse_host_verify(self, &m)) != JZ_SW_OK)
		return sw;
	cod->stage = SETTLE_OPEN;
	return JZ_SW_OK;
}

/* Encodes the next records; returns how many, or 0 with *err set. */
static uint32_t
gather(const struct purse_nvm *p, struct jz_buffer *out, int *err)
{
	uint32_t n = unsettled(p);

	if (n > JZ_BATCH_RECORDS)
		n = JZ_BATCH_RECORDS;
	*err = 0;
	for (uint32_t i = 0; i < n && *err == 0; i++)
		*err = purse_record_encode(
		    p, purse_slot(p, p->first_unsettled + i), out);
	return *err == 0 ? n : 0;
}

static uint16_t
batch(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct jz_engine *e = jz_card_engine(self);
	struct purse_cod *cod = purse_cod(self);
	uint8_t records[JZ_BATCH_MAX];
	struct jz_buffer b = jz_buffer(records, sizeof(records));
	struct jz_message m;
	int err;

	if (apdu->command.data.len != 0)
		return JZ_SW_LENGTH;
	if (cod->stage != SETTLE_OPEN && cod->stage != SETTLE_BATCH)
		return JZ_SW_CONDITIONS;
	if (unsettled(p) == 0)
		return JZ_SW_RECORD;
	memset(&m, 0, sizeof(m));
	m.kind = JZ_KIND_BATCH;
	memcpy(m.card_id, p->id, sizeof(m.card_id));
	memcpy(m.host_nonce, cod->host_nonce, sizeof(m.host_nonce));
	m.record = p->first_unsettled;
	m.count = gather(p, &b, &err);
	m.records = jz_buffer_span(&b);
	if (err != 0 || (err = jz_message_sign(e, &m, &p->key)) != 0 ||
	    (err = jz_message_digest(e, &m, cod->batch_digest)) != 0)
		return purse_status(err);
	cod->batch_first = m.record;
	cod->batch_count = m.count;
	cod->stage = SETTLE_BATCH;
	return purse_status(jz_message_encode(&m, JZ_SIGNED, &apdu->out));
}

/* Of the first records unsettled, the highest counter paid; 0: none. */
static uint32_t
highest_paid(const struct purse_nvm *p, uint32_t count)
{
	uint32_t highest = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct purse_record *r =
		    purse_slot(p, p->first_unsettled + i);

		if (r->type == JZ_TYPE_EP_PURCHASE &&
		    r->payment.payer_counter > highest)
			highest = r->payment.payer_counter;
	}
	return highest;
}

static uint16_t
processed(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct purse_cod *cod = purse_cod(self);
	struct jz_message m;
	uint32_t cleared;
	uint16_t sw;
	int err;

	if (cod->stage != SETTLE_BATCH)
		return JZ_SW_CONDITIONS;
	if (jz_message_decode(apdu->command.data, JZ_KIND_PROCESSED, &m) != 0)
		return JZ_SW_DATA;
	if (!ours(self, &m) || m.record != cod->batch_first ||
	    m.record != p->first_unsettled || m.count != cod->batch_count ||
	    memcmp(m.completion_digest, cod->batch_digest, JZ_DIGEST_BYTES) !=
		0)
		return JZ_SW_MISMATCH;
	if ((sw = purse_host_verify(self, &m)) != JZ_SW_OK)
		return sw;
	/*
	 * The confirmed records may be overwritten now; until they are, an
	 * unacknowledged completion can still be fetched.
	 */
	cleared = highest_paid(p, m.count);
	jz_begin(self);
	if (cleared > p->cleared_counter)
		jz_write_u32(self, &p->cleared_counter, cleared);
	jz_write_u32(self, &p->first_unsettled, m.record + m.count);
	/* The issuer has the record of an unload: its proof, too. */
	if (p->online.unload.open == UNLOAD_DEBITED &&
	    p->online.unload.record - m.record < m.count)
		jz_write_u8(self, &p->online.unload.open, LOAD_NONE);
	if ((err = jz_commit(self)) != 0)
		return purse_status(err);
	cod->stage = SETTLE_OPEN;
	return JZ_SW_OK;
}

uint16_t
purse_settle(struct jz_applet *self, struct jz_apdu *apdu)
{
	switch (apdu->command.p1) {
	case JZ_SETTLE_SIGN_IN_REQUEST:
		return sign_in_request(self, apdu);
	case JZ_SETTLE_SIGN_IN:
		return sign_in(self, apdu);
	case JZ_SETTLE_CONFIRMED:
		return confirmed(self, apdu);
	case JZ_SETTLE_BATCH:
		return batch(self, apdu);
	case JZ_SETTLE_PROCESSED:
		return processed(self, apdu);
	default:
		return JZ_SW_P1P2;
	}
}
