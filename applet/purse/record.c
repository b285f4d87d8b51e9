/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: a ring of signed records in order of their gapless numbers.
 *
 * Record n lives in slot n mod JZ_PURSE_RECORDS.  Settlement confirms records
 * in order, so what is unsettled is the run from first_unsettled to
 * next_record - 1, and its slots are never written (P2).
 */
#include "purse.h"
#include "../../keys/secret.h"

#include <string.h>

void
purse_time_set(uint8_t out[static JZ_PURSE_TIME_BYTES], int64_t time)
{
	jz_set_be(out, JZ_PURSE_TIME_BYTES, (uint64_t)time);
}

int64_t
purse_time(const uint8_t in[static JZ_PURSE_TIME_BYTES])
{
	return (int64_t)jz_get_be(in, JZ_PURSE_TIME_BYTES);
}

void
purse_payment_store(
    struct purse_payment *out, const struct jz_payment *in, enum purse_side own)
{
	memset(out, 0, sizeof(*out));
	out->amount = (uint32_t)in->amount;
	purse_time_set(out->time, in->time);
	out->payee_counter = in->payee_counter;
	out->payer_counter = in->payer_counter;
	memcpy(out->peer_id, own == PURSE_PAYER ? in->payee_id : in->payer_id,
	    JZ_ID_BYTES);
	memcpy(out->request_digest, in->request_digest, JZ_DIGEST_BYTES);
	memcpy(out->agreement_digest, in->agreement_digest, JZ_DIGEST_BYTES);
}

void
purse_payment_load(const struct purse_nvm *p, struct jz_payment *out,
    const struct purse_payment *in, enum purse_side own)
{
	const bool payer = own == PURSE_PAYER;

	memset(out, 0, sizeof(*out));
	out->amount = in->amount;
	out->time = purse_time(in->time);
	out->payee_counter = in->payee_counter;
	out->payer_counter = in->payer_counter;
	out->currency = p->currency;
	memcpy(out->payer_id, payer ? p->id : in->peer_id, JZ_ID_BYTES);
	memcpy(out->payee_id, payer ? in->peer_id : p->id, JZ_ID_BYTES);
	memcpy(out->request_digest, in->request_digest, JZ_DIGEST_BYTES);
	memcpy(out->agreement_digest, in->agreement_digest, JZ_DIGEST_BYTES);
}

bool
purse_payment_equal(const struct purse_nvm *p, const struct purse_payment *a,
    enum purse_side own, const struct jz_payment *b)
{
	struct jz_payment kept;

	purse_payment_load(p, &kept, a, own);
	return kept.amount == b->amount && kept.time == b->time &&
	    kept.currency == b->currency &&
	    kept.payee_counter == b->payee_counter &&
	    kept.payer_counter == b->payer_counter &&
	    memcmp(kept.payee_id, b->payee_id, JZ_ID_BYTES) == 0 &&
	    memcmp(kept.payer_id, b->payer_id, JZ_ID_BYTES) == 0 &&
	    memcmp(kept.request_digest, b->request_digest, JZ_DIGEST_BYTES) ==
	    0 &&
	    memcmp(kept.agreement_digest, b->agreement_digest,
		JZ_DIGEST_BYTES) == 0;
}

uint32_t
purse_refund_of(const struct purse_payment *pay)
{
	return purse_refund_get(pay->refund_of);
}

uint32_t
purse_refund_get(const uint8_t in[static 3])
{
	return (uint32_t)jz_get_be(in, 3);
}

void
purse_refund_set(uint8_t out[static 3], uint32_t counter)
{
	jz_set_be(out, 3, counter);
}

uint32_t
purse_log_room(const struct purse_nvm *p)
{
	uint32_t taken = p->next_record - p->first_unsettled;

	for (unsigned i = 0; i < JZ_PURSE_PENDING; i++)
		taken += p->pending[i].used != 0;
	taken += p->agreement.open != 0;
	taken += p->load.open == LOAD_OPEN;
	/* Record numbers end, too. */
	if (JZ_PURSE_COUNTER_MAX - p->next_record < JZ_PURSE_RECORDS)
		return 0;
	return JZ_PURSE_RECORDS - taken;
}

uint64_t
purse_promised(const struct purse_nvm *p)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < JZ_PURSE_PENDING; i++)
		if (p->pending[i].used != 0)
			sum += p->pending[i].payment.amount;
	if (p->load.open == LOAD_OPEN)
		sum += p->load.amount;
	return sum;
}

const struct purse_record *
purse_slot(const struct purse_nvm *p, uint32_t number)
{
	return &p->record[number % JZ_PURSE_RECORDS];
}

const struct purse_record *
purse_find_record(const struct purse_nvm *p, uint8_t type,
    const uint8_t digest[static JZ_DIGEST_BYTES])
{
	for (unsigned i = 0; i < JZ_PURSE_RECORDS; i++) {
		const struct purse_record *r = &p->record[i];

		if (r->number != 0 && r->type == type &&
		    memcmp(r->payment.request_digest, digest,
			JZ_DIGEST_BYTES) == 0)
			return r;
	}
	return NULL;
}

static bool
exception(const struct purse_record *r)
{
	return r->type == JZ_TYPE_EP_CLAIMED || r->type == JZ_TYPE_EP_RELEASED;
}

const struct purse_record *
purse_find_exception(
    const struct purse_nvm *p, const uint8_t digest[static JZ_DIGEST_BYTES])
{
	const struct purse_record *r =
	    purse_find_record(p, JZ_TYPE_EP_CLAIMED, digest);

	return r != NULL ? r
			 : purse_find_record(p, JZ_TYPE_EP_RELEASED, digest);
}

enum jz_outcome
purse_outcome(const struct purse_record *r)
{
	return r->type == JZ_TYPE_EP_CLAIMED ? JZ_OUTCOME_CLAIM
					     : JZ_OUTCOME_RELEASE;
}

void
purse_append_record(struct jz_applet *self, struct purse_record *r)
{
	const struct purse_nvm *p = purse_nvm(self);

	r->number = p->next_record;
	jz_write(self, purse_slot(p, r->number), r, sizeof(*r));
	jz_write_u32(self, &p->next_record, p->next_record + 1);
}

bool
purse_paid(const struct purse_record *r)
{
	return r->type == JZ_TYPE_EP_PURCHASE;
}

void
purse_completion_of(const struct purse_nvm *p, const struct purse_record *r,
    struct jz_message *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = JZ_KIND_COMPLETION;
	purse_payment_load(p, &out->payment, &r->payment,
	    purse_paid(r) ? PURSE_PAYER : PURSE_PAYEE);
	out->payer_record = purse_paid(r) ? r->number : r->peer_number;
	out->payer_time = purse_time(r->payer_time);
	memcpy(out->signature, r->payer_signature, JZ_SIGNATURE_BYTES);
}

int
purse_record_encode(const struct purse_nvm *p, const struct purse_record *r,
    struct jz_buffer *out)
{
	struct jz_message m;

	memset(&m, 0, sizeof(m));
	purse_payment_load(p, &m.payment, &r->payment,
	    purse_paid(r) ? PURSE_PAYER : PURSE_PAYEE);
	m.payer_time = purse_time(r->payer_time);
	m.payee_time = purse_time(r->payee_time);
	memcpy(m.payer_signature, r->payer_signature, JZ_SIGNATURE_BYTES);
	memcpy(m.payee_signature, r->payee_signature, JZ_SIGNATURE_BYTES);
	m.refund_of = purse_refund_of(&r->payment);
	if (purse_paid(r)) {
		m.kind = JZ_KIND_RECORD_PAID;
		m.payer_record = r->number;
	} else if (r->type == JZ_TYPE_EP_RECEIVED) {
		m.kind = JZ_KIND_RECORD_RECEIVED;
		m.payee_record = r->number;
		m.payer_record = r->peer_number;
	} else if (exception(r)) {
		m.kind = JZ_KIND_RECORD_EXCEPTION;
		m.payee_record = r->number;
		m.outcome = (uint8_t)purse_outcome(r);
	} else {
		m.kind = r->type == JZ_TYPE_UNLOAD ? JZ_KIND_RECORD_UNLOAD
						   : JZ_KIND_RECORD_LOAD;
		m.record = r->number;
		m.online_counter = r->payment.payee_counter;
		m.balance = r->balance;
	}
	return jz_message_encode(&m, JZ_SIGNED, out);
}
