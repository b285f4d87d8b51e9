/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payee's side of an offline payment: request, confirm, credit.
 *
 *   REQUEST  commits the counter and the open request, then signs it out.
 *   CONFIRM  takes the first good agreement, reserves all that the credit
 *            will need, and commits the pending entry before it answers.
 *   CREDIT   credits, records and frees the pending entry in one commit.
 *   FETCH    gives the confirmation of a pending payment again.
 *
 * Dates, limits and certificates are judged up to CONFIRM.  From the pending
 * entry on only signature and match may refuse: a due credit goes through.
 */
#include "purse.h"
#include "../../apdu/time.h"
#include "../../apdu/tlv.h"
#include "../../keys/secret.h"

#include <string.h>

struct terms {
	uint64_t amount;
	uint16_t currency;
	int64_t time;
	struct jz_span reference;
	uint32_t refund_of;   /* 0: none */
	struct jz_span hello; /* the whole object; encrypted profile */
};

/* Four BCD digits as a number; false when one is no digit. */
static bool
from_bcd(uint64_t bcd, uint16_t *out)
{
	unsigned v = 0;

	for (unsigned shift = 16; shift > 0; shift -= 4) {
		unsigned digit = (unsigned)(bcd >> (shift - 4)) & 0xF;

		if (digit > 9)
			return false;
		v = v * 10 + digit;
	}
	*out = (uint16_t)v;
	return true;
}

/* [9F51 refund of], [FF21 hello]: what ends the terms. */
static bool
parse_rest(struct jz_cursor *c, struct terms *t)
{
	uint64_t refund = 0;

	if (c->len > 0 && jz_tlv_peek(c) == JZ_TAG_REFUND_OF) {
		if (jz_tlv_expect_uint(c, JZ_TAG_REFUND_OF, 4, &refund) != 0 ||
		    refund == 0)
			return false;
		t->refund_of = (uint32_t)refund;
	}
	if (c->len > 0)
		t->hello = jz_take(c, c->len);
	return t->hello.len == 0 || jz_message_peek(t->hello) == JZ_KIND_HELLO;
}

/* 80 amount, 81 currency, 86 time, [8E reference], and the rest. */
static uint16_t
parse_terms(struct jz_span in, struct terms *t)
{
	struct jz_cursor c = jz_cursor(in);
	uint8_t bcd[JZ_TIME_BYTES];
	uint64_t currency = 0;

	memset(t, 0, sizeof(*t));
	if (jz_tlv_expect_uint(&c, JZ_TAG_AMOUNT, 8, &t->amount) != 0 ||
	    jz_tlv_expect_uint(&c, JZ_TAG_CURRENCY, 2, &currency) != 0 ||
	    jz_tlv_expect_bytes(&c, JZ_TAG_TIME, bcd, sizeof(bcd)) != 0 ||
	    jz_time_from_bcd(bcd, &t->time) != 0)
		return JZ_SW_DATA;
	if (c.len > 0 && jz_tlv_peek(&c) == JZ_TAG_REFERENCE &&
	    (jz_tlv_expect(&c, JZ_TAG_REFERENCE, &t->reference) != 0 ||
		t->reference.len == 0 || t->reference.len > JZ_REFERENCE_MAX))
		return JZ_SW_DATA;
	if (!parse_rest(&c, t) || !from_bcd(currency, &t->currency))
		return JZ_SW_DATA;
	if (t->amount == 0 || t->amount > JZ_PURSE_AMOUNT_MAX)
		return JZ_SW_DATA;
	return JZ_SW_OK;
}

const struct purse_pending *
purse_free_pending(const struct purse_nvm *p)
{
	for (unsigned i = 0; i < JZ_PURSE_PENDING; i++)
		if (p->pending[i].used == 0)
			return &p->pending[i];
	return NULL;
}

const struct purse_pending *
purse_find_pending(const struct purse_nvm *p, const uint8_t *request_digest)
{
	for (unsigned i = 0; i < JZ_PURSE_PENDING; i++)
		if (p->pending[i].used != 0 &&
		    memcmp(p->pending[i].payment.request_digest, request_digest,
			JZ_DIGEST_BYTES) == 0)
			return &p->pending[i];
	return NULL;
}

/* The message, and its digest where what seals it looks for it. */
static int
make_request(const struct jz_applet *self, const struct terms *t,
    const struct purse_request *r, struct jz_message *m)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct jz_engine *e = jz_card_engine(self);
	int err;

	m->kind = JZ_KIND_REQUEST;
	m->payment.amount = r->amount;
	m->payment.currency = r->currency;
	m->payment.time = r->time;
	m->payment.payee_counter = r->counter;
	memcpy(m->payment.payee_id, p->id, sizeof(p->id));
	memcpy(m->payee_key, r->ephemeral.public_key, sizeof(m->payee_key));
	m->list_version = p->list_version;
	m->reference = t->reference;
	m->refund_of = t->refund_of;
	err = jz_message_digest(e, m, m->payment.request_digest);
	return err != 0 ? err : jz_message_sign(e, m, &p->key);
}

/*
 * Signs the request and commits it with its counter (P3).  In the encrypted
 * profile the keys are there already, and the ephemeral one is erased.
 */
static int
open_request(struct jz_applet *self, const struct terms *t,
    struct jz_message *m, struct purse_answer *a)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct jz_engine *e = jz_card_engine(self);
	struct purse_request r = {0};
	int err;

	r.amount = t->amount;
	r.time = t->time;
	r.currency = t->currency;
	r.counter = p->offline_counter + 1;
	r.open = 1;
	purse_refund_set(r.refund_of, t->refund_of);
	if ((err = e->crypto->generate(e->state, &r.ephemeral)) != 0 ||
	    (err = jz_card_random(self, m->nonce, sizeof(m->nonce))) != 0)
		goto out;
	if (t->hello.len != 0) {
		err = purse_answer_hello(self, t->hello, &r.ephemeral, a);
		if (err != 0)
			goto out;
		memcpy(m->payer_key, a->payer_key, sizeof(m->payer_key));
		jz_wipe(
		    r.ephemeral.private_key, sizeof(r.ephemeral.private_key));
	}
	if ((err = make_request(self, t, &r, m)) != 0)
		goto out;
	memcpy(r.digest, m->payment.request_digest, sizeof(r.digest));
	jz_begin(self);
	jz_write_u32(self, &p->offline_counter, r.counter);
	jz_write(self, &p->request, &r, sizeof(r));
	if (t->hello.len != 0)
		jz_write(self, &p->answer, a, sizeof(*a));
	err = jz_commit(self);
out:
	jz_wipe(&r, sizeof(r));
	return err;
}

uint16_t
purse_request(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct purse_answer a = {0};
	struct jz_message m;
	struct terms t;
	uint16_t sw;
	int err;

	if ((sw = parse_terms(apdu->command.data, &t)) != JZ_SW_OK)
		return sw;
	if (purse_encrypted(p) != (t.hello.len != 0))
		return JZ_SW_PROFILE;
	if (t.refund_of > JZ_PURSE_REFUND_MAX)
		return JZ_SW_REFUND;
	if (t.currency != p->currency)
		return JZ_SW_CURRENCY;
	if ((sw = purse_can_receive(p, t.amount)) != JZ_SW_OK)
		return sw;
	if (p->offline_counter == JZ_PURSE_COUNTER_MAX)
		return JZ_SW_COUNTER;
	memset(&m, 0, sizeof(m));
	if (apdu->command.p1 == JZ_WITH_CERTIFICATE)
		m.certificate = jz_span(p->certificate, p->certificate_len);
	err = open_request(self, &t, &m, &a);
	if (err == 0)
		err = t.hello.len == 0
		    ? jz_message_encode(&m, JZ_SIGNED, &apdu->out)
		    : jz_message_seal(jz_card_engine(self), &m, a.keys.to_payer,
			  m.payee_key, &apdu->out);
	jz_wipe(&a, sizeof(a));
	return purse_status(err);
}

/* The agreement answers the open request and comes from a good card. */
static uint16_t
check_agreement(const struct jz_applet *self, const struct jz_sealed *s,
    const struct jz_message *m, struct jz_certificate *peer)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct purse_request *r = &p->request;
	uint16_t sw;

	const uint8_t *payer_key =
	    s->has_payer_key ? s->payer_key : p->answer.payer_key;

	if (memcmp(m->payment.request_digest, r->digest, JZ_DIGEST_BYTES) !=
		0 ||
	    memcmp(m->payee_key, r->ephemeral.public_key, JZ_POINT_BYTES) !=
		0 ||
	    memcmp(m->payer_key, payer_key, JZ_POINT_BYTES) != 0)
		return JZ_SW_MISMATCH;
	sw = purse_sender(self, m, m->payment.payer_id, peer);
	if (sw != JZ_SW_OK)
		return sw;
	/* Such a card gives back what it was paid, and pays nothing else. */
	if ((peer->flags & JZ_FLAG_PAYEE_ONLY) != 0 &&
	    purse_refund_get(r->refund_of) == 0)
		return JZ_SW_CERT_ROLE;
	return purse_status(
	    jz_message_verify(jz_card_engine(self), m, peer->public_key));
}

/* One pending entry for each payer card (its number, whatever its key). */
static bool
payer_pending(const struct purse_nvm *p, const uint8_t *payer_id)
{
	for (unsigned i = 0; i < JZ_PURSE_PENDING; i++)
		if (p->pending[i].used != 0 &&
		    purse_same_card(p->pending[i].payment.peer_id, payer_id))
			return true;
	return false;
}

/*
 * Makes the pending entry and the confirmation, and commits both with the end
 * of the request, whose ephemeral key is erased (P4).
 */
static int
open_pending(struct jz_applet *self, const struct jz_message *agreement,
    const struct jz_certificate *peer, const struct jz_working_keys *keys,
    struct jz_message *confirmation)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct jz_engine *e = jz_card_engine(self);
	struct jz_payment *pay = &confirmation->payment;
	struct purse_pending pending = {0};
	int err;

	memset(confirmation, 0, sizeof(*confirmation));
	confirmation->kind = JZ_KIND_CONFIRMATION;
	pay->amount = p->request.amount;
	pay->currency = p->request.currency;
	pay->time = p->request.time;
	pay->payee_counter = p->request.counter;
	pay->payer_counter = agreement->payment.payer_counter;
	memcpy(pay->payee_id, p->id, JZ_ID_BYTES);
	memcpy(pay->payer_id, peer->holder, JZ_ID_BYTES);
	memcpy(pay->request_digest, p->request.digest, JZ_DIGEST_BYTES);
	if ((err = jz_message_digest(e, agreement, pay->agreement_digest)) !=
		0 ||
	    (err = jz_message_sign(e, confirmation, &p->key)) != 0)
		return err;
	purse_payment_store(&pending.payment, pay, PURSE_PAYEE);
	memcpy(pending.payment.refund_of, p->request.refund_of,
	    sizeof(pending.payment.refund_of));
	pending.keys = *keys;
	memcpy(pending.signature, confirmation->signature,
	    sizeof(pending.signature));
	memcpy(pending.payer_key, peer->public_key, sizeof(pending.payer_key));
	pending.used = 1;
	jz_begin(self);
	jz_write(self, purse_free_pending(p), &pending, sizeof(pending));
	jz_fill(self, &p->request, 0, sizeof(p->request));
	if (purse_encrypted(p))
		jz_fill(self, &p->answer, 0, sizeof(p->answer));
	err = jz_commit(self);
	jz_wipe(&pending, sizeof(pending));
	return err;
}

static uint16_t
confirm(struct jz_applet *self, const struct jz_sealed *s,
    const struct jz_working_keys *keys, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct jz_engine *e = jz_card_engine(self);
	uint8_t plain[JZ_MESSAGE_MAX];
	struct jz_message m, confirmation;
	struct jz_certificate peer;
	uint16_t sw;
	int err;

	err =
	    jz_message_open(e, s, JZ_KIND_AGREEMENT, keys->to_payee, plain, &m);
	if (err != 0)
		return purse_status(err);
	if ((sw = check_agreement(self, s, &m, &peer)) != JZ_SW_OK)
		return sw;
	if (payer_pending(p, peer.holder))
		return JZ_SW_PENDING;
	if ((sw = purse_can_receive_from(p, p->request.amount, &peer)) !=
		JZ_SW_OK ||
	    (sw = purse_can_receive(p, p->request.amount)) != JZ_SW_OK)
		return sw;
	err = open_pending(self, &m, &peer, keys, &confirmation);
	if (err != 0)
		return purse_status(err);
	return purse_status(jz_message_seal(
	    e, &confirmation, keys->to_payer, NULL, &apdu->out));
}

static uint16_t
answer_confirmation(const struct jz_applet *self,
    const struct purse_pending *slot, struct jz_apdu *apdu)
{
	struct jz_message m;

	memset(&m, 0, sizeof(m));
	m.kind = JZ_KIND_CONFIRMATION;
	purse_payment_load(
	    purse_nvm(self), &m.payment, &slot->payment, PURSE_PAYEE);
	memcpy(m.signature, slot->signature, sizeof(m.signature));
	return purse_status(jz_message_seal(
	    jz_card_engine(self), &m, slot->keys.to_payer, NULL, &apdu->out));
}

uint16_t
purse_fetch_confirmation(struct jz_applet *self, struct jz_apdu *apdu)
{
	struct jz_cursor c = jz_cursor(apdu->command.data);
	uint8_t digest[JZ_DIGEST_BYTES];
	const struct purse_pending *slot;

	if (jz_tlv_expect_bytes(
		&c, JZ_TAG_REQUEST_DIGEST, digest, sizeof(digest)) != 0 ||
	    !jz_cursor_end(&c))
		return JZ_SW_DATA;
	slot = purse_find_pending(purse_nvm(self), digest);
	return slot == NULL ? JZ_SW_NO_PAYMENT
			    : answer_confirmation(self, slot, apdu);
}

/*
 * The agreement of a payment already confirmed: the same confirmation again.
 * A host that lost it has no other way on, and the payer's card is refused
 * (JZ_SW_PENDING) until this payment is finished.
 */
static uint16_t
confirm_again(const struct jz_applet *self, const struct purse_pending *slot,
    const struct jz_sealed *s, struct jz_apdu *apdu)
{
	const struct jz_engine *e = jz_card_engine(self);
	uint8_t plain[JZ_MESSAGE_MAX], digest[JZ_DIGEST_BYTES];
	struct jz_message m;
	int err;

	err = jz_message_open(
	    e, s, JZ_KIND_AGREEMENT, slot->keys.to_payee, plain, &m);
	if (err == 0)
		err = jz_message_digest(e, &m, digest);
	if (err != 0)
		return purse_status(err);
	if (memcmp(digest, slot->payment.agreement_digest, sizeof(digest)) != 0)
		return JZ_SW_MISMATCH;
	memset(&m, 0, sizeof(m));
	m.kind = JZ_KIND_CONFIRMATION;
	purse_payment_load(
	    purse_nvm(self), &m.payment, &slot->payment, PURSE_PAYEE);
	memcpy(m.signature, slot->signature, sizeof(m.signature));
	return purse_status(
	    jz_message_seal(e, &m, slot->keys.to_payer, NULL, &apdu->out));
}

uint16_t
purse_confirm(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct purse_request *r = &p->request;
	const struct purse_pending *slot;
	struct jz_working_keys keys;
	struct jz_sealed s;
	uint16_t sw;
	int err;

	if (jz_sealed_parse(apdu->command.data, &s) != 0 || s.has_payee_key)
		return JZ_SW_DATA;
	if (purse_encrypted(p) && s.has_payer_key)
		return JZ_SW_PROFILE;
	if (!purse_encrypted(p) && !s.has_payer_key)
		return JZ_SW_DATA;
	if ((slot = purse_find_pending(p, s.request_digest)) != NULL)
		return confirm_again(self, slot, &s, apdu);
	if (r->open == 0 ||
	    memcmp(r->digest, s.request_digest, JZ_DIGEST_BYTES) != 0)
		return JZ_SW_NO_PAYMENT;
	if (purse_encrypted(p)) {
		keys = p->answer.keys;
	} else {
		err = jz_working_keys(jz_card_engine(self),
		    r->ephemeral.private_key, s.payer_key, r->digest,
		    s.payer_key, &keys);
		if (err != 0)
			return purse_status(err);
	}
	sw = confirm(self, &s, &keys, apdu);
	jz_wipe(&keys, sizeof(keys));
	return sw;
}

/* The receipt that a received record is evidence of. */
static int
receipt_of(const struct jz_applet *self, const struct purse_record *r,
    struct jz_message *m)
{
	struct jz_message completion;

	purse_completion_of(purse_nvm(self), r, &completion);
	memset(m, 0, sizeof(*m));
	m->kind = JZ_KIND_RECEIPT;
	m->payment = completion.payment;
	m->payee_record = r->number;
	m->payee_time = purse_time(r->payee_time);
	memcpy(m->signature, r->payee_signature, sizeof(m->signature));
	return jz_message_digest(
	    jz_card_engine(self), &completion, m->completion_digest);
}

/* Credit, record, and the end of the pending entry: one commit. */
static int
credit(struct jz_applet *self, const struct purse_pending *slot,
    const struct jz_message *completion)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct jz_engine *e = jz_card_engine(self);
	struct purse_record r = {0};
	struct jz_message receipt;
	int64_t now = jz_card_now(self);
	int err;

	r.type = JZ_TYPE_EP_RECEIVED;
	r.keys_held = 1;
	r.number = p->next_record;
	r.peer_number = completion->payer_record;
	purse_time_set(r.payer_time, completion->payer_time);
	purse_time_set(
	    r.payee_time, now > 0 ? now : purse_time(slot->payment.time));
	r.balance = (uint32_t)p->balance + slot->payment.amount;
	r.payment = slot->payment;
	r.keys = slot->keys;
	memcpy(r.payer_signature, completion->signature,
	    sizeof(r.payer_signature));
	if ((err = receipt_of(self, &r, &receipt)) != 0 ||
	    (err = jz_message_sign(e, &receipt, &p->key)) != 0)
		goto out;
	memcpy(r.payee_signature, receipt.signature, sizeof(r.payee_signature));
	jz_begin(self);
	jz_write_u64(self, &p->balance, r.balance);
	purse_append_record(self, &r);
	jz_fill(self, slot, 0, sizeof(*slot));
	err = jz_commit(self);
out:
	jz_wipe(&r, sizeof(r));
	return err;
}

static uint16_t
answer_receipt(const struct jz_applet *self, const struct purse_record *r,
    struct jz_apdu *apdu)
{
	struct jz_message m;
	int err;

	if ((err = receipt_of(self, r, &m)) != 0)
		return purse_status(err);
	return purse_status(jz_message_seal(
	    jz_card_engine(self), &m, r->keys.to_payer, NULL, &apdu->out));
}

/* Nothing to credit: why. */
static uint16_t
no_credit(const struct purse_nvm *p, const uint8_t *request_digest)
{
	return purse_find_exception(p, request_digest) != NULL
	    ? JZ_SW_ABANDONED
	    : JZ_SW_NO_PAYMENT;
}

/* The completion of a payment already credited: the same receipt again. */
static uint16_t
credit_again(
    struct jz_applet *self, const struct jz_sealed *s, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct purse_record *r =
	    purse_find_record(p, JZ_TYPE_EP_RECEIVED, s->request_digest);
	uint8_t plain[JZ_MESSAGE_MAX];
	struct jz_message m, known;
	int err;

	if (r == NULL || r->keys_held == 0)
		return no_credit(p, s->request_digest);
	err = jz_message_open(jz_card_engine(self), s, JZ_KIND_COMPLETION,
	    r->keys.to_payee, plain, &m);
	if (err != 0)
		return purse_status(err);
	purse_completion_of(p, r, &known);
	if (!purse_payment_equal(p, &r->payment, PURSE_PAYEE, &m.payment) ||
	    m.payer_record != known.payer_record ||
	    m.payer_time != known.payer_time ||
	    memcmp(m.signature, known.signature, JZ_SIGNATURE_BYTES) != 0)
		return JZ_SW_MISMATCH;
	return answer_receipt(self, r, apdu);
}

static uint16_t
credit_pending(struct jz_applet *self, const struct purse_pending *slot,
    const struct jz_message *m, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	int err;

	if (!purse_payment_equal(p, &slot->payment, PURSE_PAYEE, &m->payment))
		return JZ_SW_MISMATCH;
	err = jz_message_verify(jz_card_engine(self), m, slot->payer_key);
	if (err == 0)
		err = credit(self, slot, m);
	if (err != 0)
		return purse_status(err);
	return answer_receipt(self, purse_slot(p, p->next_record - 1), apdu);
}

/*
 * A completion in clear, as the issuer has it from the payer's settlement: the
 * signature alone makes it good.
 */
static uint16_t
credit_relayed(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_pending *slot;
	struct jz_message m;

	if (jz_message_decode(apdu->command.data, JZ_KIND_COMPLETION, &m) != 0)
		return JZ_SW_DATA;
	slot = purse_find_pending(purse_nvm(self), m.payment.request_digest);
	return slot == NULL
	    ? no_credit(purse_nvm(self), m.payment.request_digest)
	    : credit_pending(self, slot, &m, apdu);
}

uint16_t
purse_credit(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct jz_engine *e = jz_card_engine(self);
	const struct purse_pending *slot;
	uint8_t plain[JZ_MESSAGE_MAX];
	struct jz_message m;
	struct jz_sealed s;
	int err;

	if (jz_message_peek(apdu->command.data) == JZ_KIND_COMPLETION)
		return credit_relayed(self, apdu);
	if (jz_sealed_parse(apdu->command.data, &s) != 0 || s.has_payer_key ||
	    s.has_payee_key)
		return JZ_SW_DATA;
	slot = purse_find_pending(purse_nvm(self), s.request_digest);
	if (slot == NULL)
		return credit_again(self, &s, apdu);
	err = jz_message_open(
	    e, &s, JZ_KIND_COMPLETION, slot->keys.to_payee, plain, &m);
	return err != 0 ? purse_status(err)
			: credit_pending(self, slot, &m, apdu);
}
