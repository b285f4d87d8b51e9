/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a payment that stops half-way.
 *
 *   PROVE    the payer's card closes agreement n, if it is still open, and then
 *            signs: "n was not paid, and no longer can be".
 *   DROP     with that proof the payee's card ends its pending entry.
 *   ABANDON  without it the payee may give the payment up: a signed record,
 *            "never credited, and never will be", with what is asked of the
 *            issuer.
 *   FETCH    what is not finished, for a terminal that knows nothing of it;
 *            and an exception once more.
 *
 * A proof never comes from absence alone: below cleared_counter the record of
 * the payment may have been there and be gone (P6).
 */
#include "purse.h"
#include "../../apdu/tlv.h"

#include <string.h>

/* ---- the payer's card --------------------------------------------------- */

static bool
was_paid(const struct purse_nvm *p, uint32_t counter)
{
	for (unsigned i = 0; i < JZ_PURSE_RECORDS; i++)
		if (p->record[i].number != 0 &&
		    p->record[i].type == JZ_TYPE_EP_PURCHASE &&
		    p->record[i].payment.payer_counter == counter)
			return true;
	return false;
}

/* 82 payee ID, 84 payee counter, 85 payer counter, 8A request digest. */
static bool
parse_question(struct jz_span in, struct jz_payment *out)
{
	struct jz_cursor c = jz_cursor(in);
	uint64_t payee, payer;

	memset(out, 0, sizeof(*out));
	if (jz_tlv_expect_bytes(
		&c, JZ_TAG_PAYEE_ID, out->payee_id, JZ_ID_BYTES) != 0 ||
	    jz_tlv_expect_uint(&c, JZ_TAG_PAYEE_COUNTER, 4, &payee) != 0 ||
	    jz_tlv_expect_uint(&c, JZ_TAG_PAYER_COUNTER, 4, &payer) != 0 ||
	    jz_tlv_expect_bytes(&c, JZ_TAG_REQUEST_DIGEST, out->request_digest,
		JZ_DIGEST_BYTES) != 0)
		return false;
	out->payee_counter = (uint32_t)payee;
	out->payer_counter = (uint32_t)payer;
	return jz_cursor_end(&c);
}

/* What stands against saying that this was not paid. */
static uint16_t
can_prove(const struct purse_nvm *p, const struct jz_payment *q)
{
	const struct purse_payment *open = &p->agreement.payment;

	if (q->payer_counter == 0 || q->payer_counter > p->offline_counter)
		return JZ_SW_NO_PAYMENT;
	if (was_paid(p, q->payer_counter))
		return JZ_SW_PAID;
	if (q->payer_counter <= p->cleared_counter)
		return JZ_SW_SETTLED;
	if (p->agreement.open != 0 && open->payer_counter == q->payer_counter &&
	    (open->payee_counter != q->payee_counter ||
		memcmp(open->peer_id, q->payee_id, JZ_ID_BYTES) != 0 ||
		memcmp(open->request_digest, q->request_digest,
		    JZ_DIGEST_BYTES) != 0))
		return JZ_SW_MISMATCH;
	return JZ_SW_OK;
}

uint16_t
purse_prove(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct jz_message m;
	uint16_t sw;
	int err;

	memset(&m, 0, sizeof(m));
	m.kind = JZ_KIND_NOT_PAID;
	if (!parse_question(apdu->command.data, &m.payment))
		return JZ_SW_DATA;
	if ((sw = can_prove(p, &m.payment)) != JZ_SW_OK)
		return sw;
	memcpy(m.payment.payer_id, p->id, JZ_ID_BYTES);
	if ((err = jz_message_sign(jz_card_engine(self), &m, &p->key)) != 0)
		return purse_status(err);
	/* Closed first, said then (P3). */
	if (p->agreement.open != 0 &&
	    p->agreement.payment.payer_counter == m.payment.payer_counter) {
		jz_begin(self);
		jz_fill(self, &p->agreement, 0, sizeof(p->agreement));
		if ((err = jz_commit(self)) != 0)
			return purse_status(err);
	}
	return purse_status(jz_message_encode(&m, JZ_SIGNED, &apdu->out));
}

/* ---- the payee's card --------------------------------------------------- */

uint16_t
purse_drop(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct purse_pending *slot;
	struct jz_message m;
	int err;

	if (jz_message_decode(apdu->command.data, JZ_KIND_NOT_PAID, &m) != 0)
		return JZ_SW_DATA;
	slot = purse_find_pending(p, m.payment.request_digest);
	if (slot == NULL)
		return JZ_SW_NO_PAYMENT;
	if (memcmp(m.payment.payee_id, p->id, JZ_ID_BYTES) != 0 ||
	    memcmp(m.payment.payer_id, slot->payment.peer_id, JZ_ID_BYTES) !=
		0 ||
	    m.payment.payee_counter != slot->payment.payee_counter ||
	    m.payment.payer_counter != slot->payment.payer_counter)
		return JZ_SW_MISMATCH;
	err = jz_message_verify(jz_card_engine(self), &m, slot->payer_key);
	if (err != 0)
		return purse_status(err);
	jz_begin(self);
	jz_fill(self, slot, 0, sizeof(*slot));
	return purse_status(jz_commit(self));
}

static void
exception_of(const struct purse_nvm *p, const struct purse_record *r,
    struct jz_message *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = JZ_KIND_EXCEPTION;
	purse_payment_load(p, &out->payment, &r->payment, PURSE_PAYEE);
	out->payee_record = r->number;
	out->payee_time = purse_time(r->payee_time);
	out->outcome = (uint8_t)purse_outcome(r);
	memcpy(out->signature, r->payee_signature, JZ_SIGNATURE_BYTES);
}

static uint16_t
answer_exception(const struct purse_nvm *p, const struct purse_record *r,
    struct jz_apdu *apdu)
{
	struct jz_message m;

	exception_of(p, r, &m);
	return purse_status(jz_message_encode(&m, JZ_SIGNED, &apdu->out));
}

/* The record, and the end of the pending entry, whose room it takes: one
 * commit (P5). */
static int
abandon(struct jz_applet *self, const struct purse_pending *slot, uint8_t type)
{
	const struct purse_nvm *p = purse_nvm(self);
	int64_t now = jz_card_now(self);
	struct purse_record r = {0};
	struct jz_message m;
	int err;

	r.type = type;
	r.number = p->next_record;
	r.balance = (uint32_t)p->balance;
	purse_time_set(
	    r.payee_time, now > 0 ? now : purse_time(slot->payment.time));
	r.payment = slot->payment;
	exception_of(p, &r, &m);
	if ((err = jz_message_sign(jz_card_engine(self), &m, &p->key)) != 0)
		return err;
	memcpy(r.payee_signature, m.signature, sizeof(r.payee_signature));
	jz_begin(self);
	purse_append_record(self, &r);
	jz_fill(self, slot, 0, sizeof(*slot));
	return jz_commit(self);
}

static bool
parse_digest(struct jz_span in, uint8_t digest[static JZ_DIGEST_BYTES])
{
	struct jz_cursor c = jz_cursor(in);

	return jz_tlv_expect_bytes(
		   &c, JZ_TAG_REQUEST_DIGEST, digest, JZ_DIGEST_BYTES) == 0 &&
	    jz_cursor_end(&c);
}

uint16_t
purse_abandon(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	uint8_t digest[JZ_DIGEST_BYTES];
	const struct purse_pending *slot;
	uint8_t type = apdu->command.p1 == JZ_OUTCOME_CLAIM
	    ? JZ_TYPE_EP_CLAIMED
	    : JZ_TYPE_EP_RELEASED;
	int err;

	if (!parse_digest(apdu->command.data, digest))
		return JZ_SW_DATA;
	/* A release gives the money away; a claim must go with a blocked PIN
	 * too. */
	if (type == JZ_TYPE_EP_RELEASED && purse_cod(self)->pin_ok == 0)
		return JZ_SW_SECURITY;
	if ((slot = purse_find_pending(p, digest)) == NULL)
		return JZ_SW_NO_PAYMENT;
	if (type == JZ_TYPE_EP_RELEASED)
		purse_cod(self)->pin_ok = 0;
	if ((err = abandon(self, slot, type)) != 0)
		return purse_status(err);
	return answer_exception(p, purse_slot(p, p->next_record - 1), apdu);
}

/* ---- once more ---------------------------------------------------------- */

uint16_t
purse_fetch_exception(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	uint8_t digest[JZ_DIGEST_BYTES];
	const struct purse_record *r;

	if (!parse_digest(apdu->command.data, digest))
		return JZ_SW_DATA;
	r = purse_find_exception(p, digest);
	return r == NULL ? JZ_SW_NO_PAYMENT : answer_exception(p, r, apdu);
}

/* In clear, so after the PIN, which stays. */
static uint16_t
answer_unfinished(const struct jz_applet *self, const struct purse_payment *pay,
    enum purse_side own, struct jz_apdu *apdu)
{
	struct jz_message m;

	memset(&m, 0, sizeof(m));
	m.kind = JZ_KIND_UNFINISHED;
	purse_payment_load(purse_nvm(self), &m.payment, pay, own);
	return purse_status(jz_message_encode(&m, JZ_SIGNED, &apdu->out));
}

uint16_t
purse_fetch_pending(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	unsigned n = apdu->command.p2;

	if (purse_cod(self)->pin_ok == 0)
		return JZ_SW_SECURITY;
	for (unsigned i = 0; i < JZ_PURSE_PENDING; i++)
		if (p->pending[i].used != 0 && n-- == 0)
			return answer_unfinished(
			    self, &p->pending[i].payment, PURSE_PAYEE, apdu);
	return JZ_SW_RECORD;
}

uint16_t
purse_fetch_agreed(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);

	if (purse_cod(self)->pin_ok == 0)
		return JZ_SW_SECURITY;
	return p->agreement.open == 0
	    ? JZ_SW_RECORD
	    : answer_unfinished(self, &p->agreement.payment, PURSE_PAYER, apdu);
}
