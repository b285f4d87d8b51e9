/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a record proves.  It carries its data once and the signatures of the
 * messages that the data stood in; those are rebuilt here and verified with
 * the certificates of the cards that they name (docs/protocol.md, Evidence).
 */
#include "internal.h"

#include <string.h>

#include "../../apdu/error.h"

static void
report_of(const struct jz_message *record,
    const uint8_t card_id[static JZ_ID_BYTES], struct jz_message *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = record->kind == JZ_KIND_RECORD_UNLOAD ? JZ_KIND_UNLOAD_PROOF
							  : JZ_KIND_LOAD_REPORT;
	memcpy(out->card_id, card_id, JZ_ID_BYTES);
	out->online_counter = record->online_counter;
	out->payment = record->payment;
	out->balance = record->balance;
	out->record = record->record;
	memcpy(out->signature, record->payer_signature, JZ_SIGNATURE_BYTES);
}

static void
completion_of(const struct jz_message *record, struct jz_message *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = JZ_KIND_COMPLETION;
	out->payment = record->payment;
	out->payer_record = record->payer_record;
	out->payer_time = record->payer_time;
	memcpy(out->signature, record->payer_signature, JZ_SIGNATURE_BYTES);
}

/* The payee's word: before the payment the confirmation, after it the
 * receipt. */
static void
payee_word_of(const struct jz_record *r, struct jz_message *out)
{
	memset(out, 0, sizeof(*out));
	out->payment = r->m.payment;
	memcpy(out->signature, r->m.payee_signature, JZ_SIGNATURE_BYTES);
	out->kind = JZ_KIND_CONFIRMATION;
	if (r->m.kind == JZ_KIND_RECORD_PAID)
		return;
	out->kind = JZ_KIND_RECEIPT;
	out->payee_record = r->m.payee_record;
	out->payee_time = r->m.payee_time;
	memcpy(out->completion_digest, r->completion_digest, JZ_DIGEST_BYTES);
}

int
jz_record_read(struct jz_issuer *i, struct jz_span bytes,
    const uint8_t card_id[static JZ_ID_BYTES], struct jz_record *out)
{
	enum jz_kind kind = jz_message_peek(bytes);

	memset(out, 0, sizeof(*out));
	out->bytes = bytes;
	if ((kind != JZ_KIND_RECORD_LOAD && kind != JZ_KIND_RECORD_PAID &&
		kind != JZ_KIND_RECORD_RECEIVED &&
		kind != JZ_KIND_RECORD_EXCEPTION &&
		kind != JZ_KIND_RECORD_UNLOAD) ||
	    jz_message_decode(bytes, kind, &out->m) != 0)
		return jz_refuse(i, JZ_REFUSAL_MALFORMED);
	if (kind == JZ_KIND_RECORD_LOAD || kind == JZ_KIND_RECORD_UNLOAD) {
		out->number = out->m.record;
		report_of(&out->m, card_id, &out->report);
		return 0;
	}
	out->number = kind == JZ_KIND_RECORD_PAID ? out->m.payer_record
						  : out->m.payee_record;
	if (kind == JZ_KIND_RECORD_EXCEPTION)
		return out->m.outcome == JZ_OUTCOME_CLAIM ||
			out->m.outcome == JZ_OUTCOME_RELEASE
		    ? 0
		    : jz_refuse(i, JZ_REFUSAL_MALFORMED);
	completion_of(&out->m, &out->completion);
	return jz_message_digest(
	    &i->engine, &out->completion, out->completion_digest);
}

/* ---- verifying ---------------------------------------------------------- */

/* A signature inside a record that does not verify is bad evidence. */
static int
verify(struct jz_issuer *i, const struct jz_message *m,
    const struct jz_known_card *card)
{
	int err = jz_message_verify(&i->engine, m, card->public_key);

	return err == JZ_ERR_SIGNATURE ? jz_refuse(i, JZ_REFUSAL_EVIDENCE)
				       : err;
}

static void
exception_of(const struct jz_message *record, struct jz_message *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = JZ_KIND_EXCEPTION;
	out->payment = record->payment;
	out->payee_record = record->payee_record;
	out->payee_time = record->payee_time;
	out->outcome = record->outcome;
	memcpy(out->signature, record->payee_signature, JZ_SIGNATURE_BYTES);
}

static int
verify_payment(
    struct jz_issuer *i, struct jz_record *r, const struct jz_known_card *card)
{
	const struct jz_payment *p = &r->m.payment;
	bool paid = r->m.kind == JZ_KIND_RECORD_PAID;
	const uint8_t *own = paid ? p->payer_id : p->payee_id;
	const uint8_t *other = paid ? p->payee_id : p->payer_id;
	struct jz_known_card peer;
	struct jz_message word;
	int err;

	/* Another card's record, or a payment to oneself, proves nothing. */
	if (memcmp(own, card->row.id, JZ_ID_BYTES) != 0 ||
	    memcmp(own, other, JZ_ID_BYTES) == 0)
		return jz_refuse(i, JZ_REFUSAL_EVIDENCE);
	err = jz_issuer_card(i, other, JZ_JUDGE_SIGNATURE, &peer);
	if (err == JZ_ERR_REFUSED)
		return jz_refuse(i, JZ_REFUSAL_EVIDENCE);
	if (err == 0 && r->m.kind == JZ_KIND_RECORD_EXCEPTION) {
		exception_of(&r->m, &word);
		return verify(i, &word, card);
	}
	if (err == 0)
		err = verify(i, &r->completion, paid ? card : &peer);
	if (err != 0)
		return err;
	payee_word_of(r, &word);
	return verify(i, &word, paid ? &peer : card);
}

int
jz_record_verify(
    struct jz_issuer *i, struct jz_record *r, const struct jz_known_card *card)
{
	if (r->m.kind == JZ_KIND_RECORD_LOAD ||
	    r->m.kind == JZ_KIND_RECORD_UNLOAD)
		return verify(i, &r->report, card);
	return verify_payment(i, r, card);
}

/* ---- posting ------------------------------------------------------------ */

/* The server's time in the record is the permission's. */
static int
post_load(struct jz_issuer *i, const struct jz_record *r)
{
	if (r->m.payment.time != r->load.time)
		return jz_refuse(i, JZ_REFUSAL_CONFLICT);
	return jz_issuer_book_load(i, &r->report, &r->load);
}

/* Each side of a payment moves it half the way, once. */
static int
move(struct jz_issuer *i, const struct jz_record *r, enum jz_side side)
{
	const struct jz_payment *p = &r->m.payment;
	struct jz_ledger_name payer = jz_ledger_card(p->payer_id);
	struct jz_ledger_name payee = jz_ledger_card(p->payee_id);
	char reference[JZ_PAYMENT_REFERENCE_CAP];

	jz_payment_reference(p->request_digest, reference);
	if (side == JZ_SIDE_PAYER)
		return jz_ledger_move(i->store, jz_issuer_now(i),
		    JZ_LEDGER_PAID, reference, payer.text, JZ_LEDGER_PAYMENT,
		    (int64_t)p->amount);
	return jz_ledger_move(i->store, jz_issuer_now(i), JZ_LEDGER_RECEIVED,
	    reference, JZ_LEDGER_PAYMENT, payee.text, (int64_t)p->amount);
}

static int
post_payment(struct jz_issuer *i, const struct jz_record *r)
{
	enum jz_side side =
	    r->m.kind == JZ_KIND_RECORD_PAID ? JZ_SIDE_PAYER : JZ_SIDE_PAYEE;
	const uint8_t *request = r->m.payment.request_digest;
	uint8_t known[JZ_DIGEST_BYTES];
	bool has;
	int err = jz_store_payment(i->store, request, known);

	/* The completion's digest covers all that both sides must agree on. */
	if (err == 0 &&
	    memcmp(known, r->completion_digest, JZ_DIGEST_BYTES) != 0)
		return jz_refuse(i, JZ_REFUSAL_CONFLICT);
	if (err == JZ_ERR_NOT_FOUND)
		err =
		    jz_store_payment_add(i->store, &r->m, r->completion_digest);
	if (err == 0)
		err = jz_exception_check(i, r);
	if (err == 0)
		err = jz_store_payment_has(i->store, request, side, &has);
	if (err == 0 && has)
		return jz_refuse(i, JZ_REFUSAL_CONFLICT);
	if (err == 0)
		err = jz_store_payment_side_add(i->store, &r->m, side);
	if (err == 0)
		err = move(i, r, side);
	if (err == 0 && side == JZ_SIDE_PAYER)
		err = jz_exception_pay(i, request);
	return err;
}

int
jz_record_post(struct jz_issuer *i, const struct jz_record *r,
    const struct jz_known_card *card)
{
	struct jz_unload_row row;

	if (r->m.kind == JZ_KIND_RECORD_UNLOAD)
		return jz_issuer_book_unload(
		    i, &r->report, card, JZ_REFUSAL_CONFLICT, &row);
	if (r->m.kind == JZ_KIND_RECORD_LOAD)
		return post_load(i, r);
	if (r->m.kind == JZ_KIND_RECORD_EXCEPTION)
		return jz_exception_post(i, r);
	return post_payment(i, r);
}
