/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payer's side of an offline payment: agree, complete, acknowledge, and
 * fetch a completion again.
 *
 *   AGREE        judges the request, commits counter and open agreement, then
 *                answers: certificate and signature under the working key.
 *   COMPLETE     debits, records, closes the agreement in one commit, then
 *                answers.
 *   FETCH        gives an unacknowledged completion again, byte for byte.
 *   ACKNOWLEDGE  the payee has credited: the working keys are erased.
 *
 * There is one open agreement on the card.  It survives reset; a new one takes
 * its place, and then the old one can never be completed.
 */
#include "purse.h"
#include "../../apdu/tlv.h"
#include "../../keys/secret.h"

#include <string.h>

/* The request is well-formed, from a good card, and signed by it. */
static uint16_t
check_request(const struct jz_applet *self, const struct jz_message *m,
    struct jz_certificate *peer)
{
	const struct jz_engine *e = jz_card_engine(self);
	uint16_t sw = purse_sender(self, m, m->payment.payee_id, peer);

	if (sw != JZ_SW_OK)
		return sw;
	return purse_status(jz_message_verify(e, m, peer->public_key));
}

/* Clear profile: our point, and the keys.  The other has them by the hello. */
static int
make_keys(const struct jz_applet *self, const struct jz_message *request,
    const uint8_t *request_digest, struct jz_message *m,
    struct purse_agreement *a)
{
	const struct jz_engine *e = jz_card_engine(self);
	struct jz_key_pair ephemeral;
	int err;

	if (purse_encrypted(purse_nvm(self))) {
		memcpy(m->payer_key, request->payer_key, sizeof(m->payer_key));
		return 0;
	}
	if ((err = e->crypto->generate(e->state, &ephemeral)) != 0)
		return err;
	memcpy(m->payer_key, ephemeral.public_key, sizeof(m->payer_key));
	err = jz_working_keys(e, ephemeral.private_key, request->payee_key,
	    request_digest, m->payer_key, &a->keys);
	jz_wipe(&ephemeral, sizeof(ephemeral));
	return err;
}

/* Fills the agreement message and its persistent form. */
static int
make_agreement(const struct jz_applet *self, const struct jz_message *request,
    struct jz_span certificate, struct jz_message *m, struct purse_agreement *a)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct jz_engine *e = jz_card_engine(self);
	struct jz_payment pay = request->payment;
	int err;

	memset(m, 0, sizeof(*m));
	m->kind = JZ_KIND_AGREEMENT;
	pay.payer_counter = p->offline_counter + 1;
	memcpy(pay.payer_id, p->id, sizeof(pay.payer_id));
	if ((err = jz_message_digest(e, request, pay.request_digest)) != 0 ||
	    (err = make_keys(self, request, pay.request_digest, m, a)) != 0)
		return err;
	m->payment = pay;
	memcpy(m->payee_key, request->payee_key, sizeof(m->payee_key));
	m->list_version = p->list_version;
	m->certificate = certificate;
	if ((err = jz_message_digest(e, m, pay.agreement_digest)) != 0 ||
	    (err = jz_message_sign(e, m, &p->key)) != 0)
		return err;
	purse_payment_store(&a->payment, &pay, PURSE_PAYER);
	purse_refund_set(a->payment.refund_of, request->refund_of);
	a->open = 1;
	return 0;
}

/* Counter, agreement, and the end of the hello: one commit. */
static int
commit_agreement(struct jz_applet *self, const struct purse_agreement *a)
{
	const struct purse_nvm *p = purse_nvm(self);
	bool pin = purse_cod(self)->pin_ok != 0;

	purse_cod(self)->pin_ok = 0;
	jz_begin(self);
	purse_count_agreement(self, a->payment.amount, pin);
	jz_write_u32(self, &p->offline_counter, p->offline_counter + 1);
	jz_write(self, &p->agreement, a, sizeof(*a));
	if (purse_encrypted(p))
		jz_fill(self, &p->hello, 0, sizeof(p->hello));
	return jz_commit(self);
}

/*
 * [80 amount] before the request: what the cardholder was told, for a terminal
 * that cannot read it out of a sealed one.  0: nothing.
 */
static bool
parse_told(struct jz_span *in, uint64_t *amount)
{
	struct jz_cursor c = jz_cursor(*in);

	*amount = 0;
	if (jz_tlv_peek(&c) != JZ_TAG_AMOUNT)
		return true;
	if (jz_tlv_expect_uint(&c, JZ_TAG_AMOUNT, 8, amount) != 0 ||
	    *amount == 0)
		return false;
	*in = jz_span(c.data, c.len);
	return true;
}

/* In clear, or under the keys that the hello gives, as the profile wants. */
static uint16_t
read_request(const struct jz_applet *self, struct jz_span in,
    uint8_t plain[static JZ_MESSAGE_MAX], struct jz_working_keys *keys,
    struct jz_message *out)
{
	static const uint8_t none[JZ_POINT_BYTES];
	bool sealed = jz_message_peek(in) == JZ_KIND_SEALED;

	if (sealed != purse_encrypted(purse_nvm(self)) &&
	    (sealed || jz_message_decode(in, JZ_KIND_REQUEST, out) == 0))
		return JZ_SW_PROFILE;
	if (sealed)
		return purse_open_request(self, in, plain, keys, out);
	return jz_message_decode(in, JZ_KIND_REQUEST, out) != 0 ||
		memcmp(out->payer_key, none, sizeof(none)) != 0
	    ? JZ_SW_DATA
	    : JZ_SW_OK;
}

uint16_t
purse_agree(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct jz_span own = jz_span(NULL, 0), in = apdu->command.data;
	uint8_t plain[JZ_MESSAGE_MAX];
	struct jz_message request, m;
	struct jz_certificate peer;
	struct purse_agreement a = {0};
	uint64_t amount;
	uint16_t sw;
	int err;

	if (!parse_told(&in, &amount))
		return JZ_SW_DATA;
	sw = read_request(self, in, plain, &a.keys, &request);
	if (sw == JZ_SW_OK && amount != 0 && amount != request.payment.amount)
		sw = JZ_SW_MISMATCH;
	if (sw != JZ_SW_OK ||
	    (sw = check_request(self, &request, &peer)) != JZ_SW_OK ||
	    (sw = purse_can_pay(self, &request)) != JZ_SW_OK)
		goto out;
	if (apdu->command.p1 == JZ_WITH_CERTIFICATE)
		own = jz_span(p->certificate, p->certificate_len);
	if ((err = make_agreement(self, &request, own, &m, &a)) == 0) {
		memcpy(a.payee_key, peer.public_key, sizeof(a.payee_key));
		err = commit_agreement(self, &a);
	}
	if (err == 0)
		err = jz_message_seal(jz_card_engine(self), &m, a.keys.to_payee,
		    purse_encrypted(p) ? NULL : m.payer_key, &apdu->out);
	sw = purse_status(err);
out:
	jz_wipe(&a, sizeof(a));
	jz_wipe(plain, sizeof(plain));
	return sw;
}

static uint16_t
answer_completion(const struct jz_applet *self, const struct purse_record *r,
    struct jz_apdu *apdu)
{
	struct jz_message m;

	purse_completion_of(purse_nvm(self), r, &m);
	return purse_status(jz_message_seal(
	    jz_card_engine(self), &m, r->keys.to_payee, NULL, &apdu->out));
}

/* Debit, record, and the end of the agreement: one commit. */
static int
complete(struct jz_applet *self, const struct jz_message *confirmation)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct purse_record r = {0};
	struct jz_message m;
	int64_t now = jz_card_now(self);
	int err;

	r.type = JZ_TYPE_EP_PURCHASE;
	r.keys_held = 1;
	r.number = p->next_record;
	purse_time_set(r.payer_time,
	    now > 0 ? now : purse_time(p->agreement.payment.time));
	r.balance = (uint32_t)p->balance - p->agreement.payment.amount;
	r.payment = p->agreement.payment;
	r.keys = p->agreement.keys;
	memcpy(r.payee_signature, confirmation->signature,
	    sizeof(r.payee_signature));
	purse_completion_of(p, &r, &m);
	err = jz_message_sign(jz_card_engine(self), &m, &p->key);
	if (err != 0)
		goto out;
	memcpy(r.payer_signature, m.signature, sizeof(r.payer_signature));
	jz_begin(self);
	jz_write_u64(self, &p->balance, r.balance);
	purse_append_record(self, &r);
	jz_fill(self, &p->agreement, 0, sizeof(p->agreement));
	err = jz_commit(self);
out:
	jz_wipe(&r, sizeof(r));
	return err;
}

uint16_t
purse_complete(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct purse_agreement *a = &p->agreement;
	const struct jz_engine *e = jz_card_engine(self);
	uint8_t plain[JZ_MESSAGE_MAX];
	struct jz_message m;
	struct jz_sealed s;
	int err;

	if (jz_sealed_parse(apdu->command.data, &s) != 0 || s.has_payer_key ||
	    s.has_payee_key)
		return JZ_SW_DATA;
	if (a->open == 0 ||
	    memcmp(a->payment.request_digest, s.request_digest,
		JZ_DIGEST_BYTES) != 0)
		return JZ_SW_NO_PAYMENT;
	err = jz_message_open(
	    e, &s, JZ_KIND_CONFIRMATION, a->keys.to_payer, plain, &m);
	if (err != 0)
		return purse_status(err);
	if (!purse_payment_equal(p, &a->payment, PURSE_PAYER, &m.payment))
		return JZ_SW_MISMATCH;
	if ((err = jz_message_verify(e, &m, a->payee_key)) != 0)
		return purse_status(err);
	if (a->payment.amount > p->balance)
		return JZ_SW_AMOUNT;
	if ((err = complete(self, &m)) != 0)
		return purse_status(err);
	return answer_completion(self, purse_slot(p, p->next_record - 1), apdu);
}

/* The n-th newest completion that is not acknowledged, 0 the newest. */
static const struct purse_record *
unacknowledged(const struct purse_nvm *p, unsigned n)
{
	for (uint32_t back = 1;
	     back <= JZ_PURSE_RECORDS && back < p->next_record; back++) {
		const struct purse_record *r =
		    purse_slot(p, p->next_record - back);

		if (r->type == JZ_TYPE_EP_PURCHASE && r->keys_held != 0 &&
		    n-- == 0)
			return r;
	}
	return NULL;
}

/*
 * By the request's digest, which only the two terminals know; or, when a
 * terminal has lost it, after the PIN, by age.
 */
uint16_t
purse_fetch_completion(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct jz_cursor c = jz_cursor(apdu->command.data);
	uint8_t digest[JZ_DIGEST_BYTES];
	const struct purse_record *r;

	if (c.len == 0) {
		if (purse_cod(self)->pin_ok == 0)
			return JZ_SW_SECURITY;
		r = unacknowledged(p, apdu->command.p2);
	} else {
		if (jz_tlv_expect_bytes(&c, JZ_TAG_REQUEST_DIGEST, digest,
			sizeof(digest)) != 0 ||
		    !jz_cursor_end(&c))
			return JZ_SW_DATA;
		r = purse_find_record(p, JZ_TYPE_EP_PURCHASE, digest);
	}
	if (r == NULL || r->keys_held == 0)
		return JZ_SW_NO_PAYMENT;
	return answer_completion(self, r, apdu);
}

/*
 * The working key shows that the receipt is the payee card's; its signature is
 * evidence for the issuer.
 */
uint16_t
purse_acknowledge(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct jz_engine *e = jz_card_engine(self);
	uint8_t plain[JZ_MESSAGE_MAX], digest[JZ_DIGEST_BYTES];
	uint8_t payee_time[JZ_PURSE_TIME_BYTES];
	const struct purse_record *r;
	struct jz_message m, completion;
	struct jz_sealed s;
	int err;

	if (jz_sealed_parse(apdu->command.data, &s) != 0 || s.has_payer_key ||
	    s.has_payee_key)
		return JZ_SW_DATA;
	r = purse_find_record(p, JZ_TYPE_EP_PURCHASE, s.request_digest);
	if (r == NULL || r->keys_held == 0)
		return JZ_SW_NO_PAYMENT;
	err = jz_message_open(
	    e, &s, JZ_KIND_RECEIPT, r->keys.to_payer, plain, &m);
	if (err != 0)
		return purse_status(err);
	purse_completion_of(p, r, &completion);
	if ((err = jz_message_digest(e, &completion, digest)) != 0)
		return purse_status(err);
	if (!purse_payment_equal(p, &r->payment, PURSE_PAYER, &m.payment) ||
	    memcmp(digest, m.completion_digest, sizeof(digest)) != 0)
		return JZ_SW_MISMATCH;
	purse_time_set(payee_time, m.payee_time);
	jz_begin(self);
	jz_write_u32(self, &r->peer_number, m.payee_record);
	jz_write(self, r->payee_time, payee_time, sizeof(payee_time));
	jz_fill(self, &r->keys, 0, sizeof(r->keys));
	jz_write_u8(self, &r->keys_held, 0);
	return purse_status(jz_commit(self));
}
