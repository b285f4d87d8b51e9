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

void
jz_record_completion(const struct jz_message *record, struct jz_message *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = JZ_KIND_COMPLETION;
	out->payment = record->payment;
	out->payer_record = record->payer_record;
	out->payer_time = record->payer_time;
	memcpy(out->signature, record->payer_signature, JZ_SIGNATURE_BYTES);
}

void
jz_record_word(const struct jz_message *record,
    const uint8_t completion_digest[static JZ_DIGEST_BYTES],
    struct jz_message *out)
{
	memset(out, 0, sizeof(*out));
	out->payment = record->payment;
	memcpy(out->signature, record->payee_signature, JZ_SIGNATURE_BYTES);
	out->kind = JZ_KIND_CONFIRMATION;
	if (record->kind == JZ_KIND_RECORD_PAID)
		return;
	out->payee_record = record->payee_record;
	out->payee_time = record->payee_time;
	if (record->kind == JZ_KIND_RECORD_EXCEPTION) {
		out->kind = JZ_KIND_EXCEPTION;
		out->outcome = record->outcome;
		return;
	}
	out->kind = JZ_KIND_RECEIPT;
	memcpy(out->completion_digest, completion_digest, JZ_DIGEST_BYTES);
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
	if (jz_record_online(kind)) {
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
	jz_record_completion(&out->m, &out->completion);
	return jz_message_digest(
	    &i->engine, &out->completion, out->completion_digest);
}

/* ---- verifying ---------------------------------------------------------- */

/* What is done with each signature that a record carries. */
typedef int judge_fn(struct jz_issuer *i, const struct jz_message *m,
    const struct jz_known_card *card, void *arg);

/* A signature inside a record that does not verify is bad evidence. */
static int
verify(struct jz_issuer *i, const struct jz_message *m,
    const struct jz_known_card *card, void *arg)
{
	int err = jz_message_verify(&i->engine, m, card->public_key);

	(void)arg;
	return err == JZ_ERR_SIGNATURE ? jz_refuse(i, JZ_REFUSAL_EVIDENCE)
				       : err;
}

static int
each_of_payment(struct jz_issuer *i, struct jz_record *r,
    const struct jz_known_card *card, judge_fn *judge, void *arg)
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
		return jz_alarm(i, JZ_REFUSAL_EVIDENCE,
		    JZ_INCIDENT_UNKNOWN_CARD, other, r->number,
		    p->request_digest);
	r->from_payee_only = err == 0 &&
	    ((paid ? card : &peer)->row.flags & JZ_FLAG_PAYEE_ONLY) != 0;
	if (err == 0 && r->m.kind != JZ_KIND_RECORD_EXCEPTION)
		err = judge(i, &r->completion, paid ? card : &peer, arg);
	if (err != 0)
		return err;
	jz_record_word(&r->m, r->completion_digest, &word);
	return judge(i, &word, paid ? &peer : card, arg);
}

static int
each_signature(struct jz_issuer *i, struct jz_record *r,
    const struct jz_known_card *card, judge_fn *judge, void *arg)
{
	if (jz_record_online(r->m.kind))
		return judge(i, &r->report, card, arg);
	return each_of_payment(i, r, card, judge, arg);
}

int
jz_record_verify(
    struct jz_issuer *i, struct jz_record *r, const struct jz_known_card *card)
{
	bool load = jz_record_online(r->m.kind);
	int err = each_signature(i, r, card, verify, NULL);

	/* The card has signed a batch with it: it is the card's doing. */
	return err != JZ_ERR_REFUSED
	    ? err
	    : jz_alarm(i, JZ_REFUSAL_EVIDENCE, JZ_INCIDENT_ALTERED_RECORD,
		  card->row.id, r->number,
		  load ? NULL : r->m.payment.request_digest);
}

static int
put_ahead(struct jz_issuer *i, const struct jz_message *m,
    const struct jz_known_card *card, void *arg)
{
	(void)i;
	jz_issuer_ahead(m, card, arg);
	return 0;
}

int
jz_record_ahead(struct jz_issuer *i, struct jz_record *r,
    const struct jz_known_card *card, struct jz_ahead_list *out)
{
	return each_signature(i, r, card, put_ahead, out);
}

/* ---- posting ------------------------------------------------------------ */

/* The server's time in the record is the permission's. */
static int
post_load(struct jz_issuer *i, const struct jz_record *r,
    const struct jz_known_card *card)
{
	if (r->lost_load)
		return jz_restore_load(i, r, card);
	if (r->m.payment.time != r->load.time)
		return jz_refuse(i, JZ_REFUSAL_CONFLICT);
	return jz_issuer_book_load(i, &r->report, &r->load);
}

/* Its proof may have been acknowledged by a ledger that is no more. */
static int
post_unload(struct jz_issuer *i, const struct jz_record *r,
    const struct jz_known_card *card)
{
	struct jz_unload_row row;
	int known = jz_store_unload(
	    i->store, r->report.card_id, r->report.online_counter, &row);
	int err = jz_issuer_book_unload(
	    i, &r->report, card, JZ_REFUSAL_CONFLICT, &row);

	return err == 0 && known == JZ_ERR_NOT_FOUND && r->before_restore
	    ? jz_restore_alarm(i, r)
	    : err;
}

/* Each side of a payment moves it half the way, once. */
static int
move(struct jz_issuer *i, const struct jz_record *r, enum jz_side side)
{
	const struct jz_payment *p = &r->m.payment;
	struct jz_ledger_name payer = jz_ledger_card(p->payer_id);
	struct jz_ledger_name payee = jz_ledger_card(p->payee_id);
	char reference[JZ_PAYMENT_REFERENCE_CAP], target[JZ_LEDGER_NAME_MAX];
	const char *transit;
	int err = jz_payment_transit(i, p->request_digest, &transit, target);

	if (err != 0)
		return err;
	jz_payment_reference(p->request_digest, reference);
	if (side == JZ_SIDE_PAYER)
		return jz_ledger_move(i->store, jz_issuer_now(i),
		    JZ_LEDGER_PAID, reference, payer.text, transit,
		    (int64_t)p->amount);
	return jz_ledger_move(i->store, jz_issuer_now(i), JZ_LEDGER_RECEIVED,
	    reference, transit, payee.text, (int64_t)p->amount);
}

/* Posts one side, whose payment is known and agrees. */
static int
post_side(struct jz_issuer *i, const struct jz_record *r, enum jz_side side)
{
	int err = jz_store_payment_side_add(i->store, &r->m, side);

	if (err == 0)
		err = move(i, r, side);
	if (err == 0 && side == JZ_SIDE_PAYER)
		err = jz_exception_pay(i, r->m.payment.request_digest);
	return err != 0 ? err : jz_payment_watch(i, r);
}

static int
post_payment(struct jz_issuer *i, const struct jz_record *r)
{
	enum jz_side side =
	    r->m.kind == JZ_KIND_RECORD_PAID ? JZ_SIDE_PAYER : JZ_SIDE_PAYEE;
	const struct jz_payment *p = &r->m.payment;
	uint8_t known[JZ_DIGEST_BYTES];
	bool has;
	int err = jz_store_payment(i->store, p->request_digest, known);

	/* The completion's digest covers all that both sides must agree on;
	 * the payer has signed both. */
	if (err == 0 &&
	    memcmp(known, r->completion_digest, JZ_DIGEST_BYTES) != 0)
		return jz_alarm(i, JZ_REFUSAL_CONFLICT,
		    JZ_INCIDENT_ALTERED_RECORD, p->payer_id, r->number,
		    p->request_digest);
	if (err == JZ_ERR_NOT_FOUND)
		err =
		    jz_store_payment_add(i->store, &r->m, r->completion_digest);
	if (err == 0)
		err = jz_exception_check(i, r);
	if (err == 0)
		err = jz_store_payment_has(
		    i->store, p->request_digest, side, &has);
	if (err == 0 && has)
		return jz_alarm(i, JZ_REFUSAL_CONFLICT,
		    JZ_INCIDENT_DOUBLED_RECORD,
		    side == JZ_SIDE_PAYER ? p->payer_id : p->payee_id,
		    r->number, p->request_digest);
	return err != 0 ? err : post_side(i, r, side);
}

static int
post(struct jz_issuer *i, const struct jz_record *r,
    const struct jz_known_card *card)
{
	if (r->m.kind == JZ_KIND_RECORD_UNLOAD)
		return post_unload(i, r, card);
	if (r->m.kind == JZ_KIND_RECORD_LOAD)
		return post_load(i, r, card);
	if (r->m.kind == JZ_KIND_RECORD_EXCEPTION)
		return jz_exception_post(i, r);
	return post_payment(i, r);
}

int
jz_record_post(struct jz_issuer *i, const struct jz_record *r,
    const struct jz_known_card *card)
{
	int err = post(i, r, card);

	/* What contradicts and has no name of its own. */
	if (err == JZ_ERR_REFUSED)
		return jz_alarm(i, jz_issuer_refusal(i),
		    JZ_INCIDENT_ALTERED_RECORD, card->row.id, r->number,
		    jz_record_online(r->m.kind) ? NULL
						: r->m.payment.request_digest);
	return err;
}
