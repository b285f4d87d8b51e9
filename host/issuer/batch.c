/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch of records: judged as a whole, posted as a whole, confirmed by its
 * digest.
 *
 * The same batch gives the same answer.  Records that have been posted may
 * come again in another batch, when an answer was lost on its way to the card:
 * they must be the same bytes, and are confirmed and not posted again.
 */
#include "internal.h"

#include <string.h>

#include "../../apdu/error.h"
#include "../../apdu/tlv.h"

struct batch {
	struct jz_message m;
	struct jz_span bytes;
	uint8_t digest[JZ_DIGEST_BYTES];
	struct jz_known_card card;
	struct jz_record record[JZ_BATCH_RECORDS];
	size_t n;
	int64_t next;	  /* the first record number that has not been posted */
	int64_t restored; /* the gap before it is a restored ledger's, or 0 */
	int64_t restored_at; /* when that was declared, or 0 */
};

/* Calls f for each record until one is refused. */
static int
each_record(struct jz_issuer *i, struct batch *b,
    int (*f)(struct jz_issuer *i, struct batch *b, struct jz_record *r))
{
	int err = 0;

	for (size_t k = 0; err == 0 && k < b->n; k++)
		err = f(i, b, &b->record[k]);
	return err;
}

static int
decode(struct jz_issuer *i, struct jz_span bytes, struct batch *b)
{
	struct jz_cursor c;
	struct jz_tlv t;
	int err = 0;

	memset(b, 0, sizeof(*b));
	b->bytes = bytes;
	if (bytes.len > JZ_BATCH_MAX ||
	    jz_message_decode(bytes, JZ_KIND_BATCH, &b->m) != 0)
		return jz_refuse(i, JZ_REFUSAL_MALFORMED);
	c = jz_cursor(b->m.records);
	while (err == 0 && jz_tlv_next(&c, &t) == 0) {
		if (b->n == JZ_BATCH_RECORDS)
			return jz_refuse(i, JZ_REFUSAL_MALFORMED);
		err = jz_record_read(
		    i, t.whole, b->m.card_id, &b->record[b->n++]);
	}
	if (err == 0 && (!jz_cursor_end(&c) || b->n != b->m.count))
		return jz_refuse(i, JZ_REFUSAL_MALFORMED);
	return err;
}

static int
check_currency(struct jz_issuer *i, struct batch *b, struct jz_record *r)
{
	(void)b;
	if (r->m.payment.currency != i->currency)
		return jz_refuse(i, JZ_REFUSAL_CURRENCY);
	return 0;
}

static int
check_amount(struct jz_issuer *i, struct batch *b, struct jz_record *r)
{
	(void)b;
	return jz_issuer_check_amount(i, &r->m.payment);
}

static int
check_load(struct jz_issuer *i, struct batch *b, struct jz_record *r)
{
	int err;

	if (!jz_record_online(r->m.kind))
		return 0;
	r->before_restore =
	    b->restored_at != 0 && r->m.payment.time <= b->restored_at;
	if (r->m.kind == JZ_KIND_RECORD_UNLOAD)
		return 0;
	err = jz_issuer_find_load(i, &r->report, &r->load);
	if (err == JZ_ERR_REFUSED && r->before_restore) {
		r->lost_load = true;
		jz_issuer_recall(i, JZ_REFUSAL_NONE);
		return 0;
	}
	return err;
}

static int
check_session(struct jz_issuer *i, struct batch *b)
{
	struct jz_session_row row;
	int err = jz_store_session(i->store, b->m.card_id, &row);

	if (err != 0)
		return err;
	if (!row.open ||
	    memcmp(row.host_nonce, b->m.host_nonce, JZ_NONCE_BYTES) != 0)
		return jz_refuse(i, JZ_REFUSAL_NO_SESSION);
	return 0;
}

/* Where the card's records go on, and whether some are missing since the
 * ledger was put back. */
static int
find_place(struct jz_issuer *i, struct batch *b)
{
	const uint8_t *card = b->m.card_id;
	int err = jz_store_next_record(i->store, card, &b->next);

	if (err == 0)
		err =
		    jz_restore_gap(i, card, b->next, b->m.record, &b->restored);
	if (err == 0)
		err = jz_store_restored_at(i->store, &b->restored_at);
	return err;
}

/* Consecutive, from 1, and none left out before the first. */
static int
check_numbers(struct jz_issuer *i, struct batch *b)
{
	uint32_t first = b->m.record;

	if (first == 0 || (first > b->next && b->restored == 0))
		return jz_alarm(i, JZ_REFUSAL_RECORD_NUMBER,
		    JZ_INCIDENT_MISSING_RECORD, b->m.card_id, first, NULL);
	for (size_t k = 0; k < b->n; k++) {
		if (b->record[k].number != (uint64_t)first + k)
			return jz_alarm(i, JZ_REFUSAL_RECORD_NUMBER,
			    JZ_INCIDENT_MISSING_RECORD, b->m.card_id,
			    b->record[k].number, NULL);
	}
	return 0;
}

static int
check_evidence(struct jz_issuer *i, struct batch *b, struct jz_record *r)
{
	return jz_record_verify(i, r, &b->card);
}

/* A posted record's number with other bytes: of the same transaction, or of
 * another, which the card or its copy has made. */
static int
other_record(struct jz_issuer *i, struct batch *b, const struct jz_record *r)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer posted = jz_buffer(bytes, sizeof(bytes));
	struct jz_record old;
	bool load = jz_record_online(r->m.kind);
	bool same;
	int err =
	    jz_store_record_bytes(i->store, b->m.card_id, r->number, &posted);

	memset(&old, 0, sizeof(old));
	if (err == 0)
		err = jz_record_read(
		    i, jz_buffer_span(&posted), b->m.card_id, &old);
	/* None: in a gap that the card has left before. */
	if (err != 0 && err != JZ_ERR_NOT_FOUND)
		return err;
	same = old.m.kind == r->m.kind &&
	    (load ? old.m.online_counter == r->m.online_counter
		  : memcmp(old.m.payment.request_digest,
			r->m.payment.request_digest, JZ_DIGEST_BYTES) == 0);
	return jz_alarm(i, JZ_REFUSAL_CONFLICT,
	    same ? JZ_INCIDENT_ALTERED_RECORD : JZ_INCIDENT_CLONED_CARD,
	    b->m.card_id, r->number, load ? NULL : r->m.payment.request_digest);
}

/* Posts a new record; one that was posted must be what it was. */
static int
post(struct jz_issuer *i, struct batch *b, struct jz_record *r)
{
	bool equal;
	int err;

	if (r->number < b->next) {
		err = jz_store_record_equals(
		    i->store, b->m.card_id, r->number, r->bytes, &equal);
		return err == 0 && !equal ? other_record(i, b, r) : err;
	}
	err = jz_record_post(i, r, &b->card);
	if (err == 0)
		err = jz_store_record_add(
		    i->store, b->m.card_id, r->number, r->bytes, b->digest);
	return err;
}

/* The checks, in the order of enum jz_refusal, each for all records. */
static int
check(struct jz_issuer *i, struct batch *b)
{
	int err = find_place(i, b);

	if (err == 0)
		err = each_record(i, b, check_currency);
	if (err == 0)
		err = each_record(i, b, check_amount);
	if (err == 0)
		err = each_record(i, b, check_load);
	if (err == 0)
		err = check_session(i, b);
	if (err == 0)
		err = check_numbers(i, b);
	if (err == 0)
		err = each_record(i, b, check_evidence);
	return err;
}

static int
confirm(struct jz_issuer *i, const struct batch *b, struct jz_buffer *out)
{
	struct jz_message m = {0};

	m.kind = JZ_KIND_PROCESSED;
	memcpy(m.card_id, b->m.card_id, JZ_ID_BYTES);
	memcpy(m.host_nonce, b->m.host_nonce, JZ_NONCE_BYTES);
	m.record = b->m.record;
	m.count = b->m.count;
	memcpy(m.completion_digest, b->digest, JZ_DIGEST_BYTES);
	return jz_issuer_answer(i, &m, out);
}

static int
process(struct jz_issuer *i, struct batch *b, struct jz_buffer *out)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer answer = jz_buffer(bytes, sizeof(bytes));
	int err = check(i, b);

	if (err == 0)
		err = confirm(i, b, &answer);
	if (err == 0)
		err = jz_store_batch_add(i->store, &b->m, b->digest, b->bytes,
		    jz_buffer_span(&answer), jz_issuer_now(i));
	if (err == 0 && b->restored != 0) {
		err = jz_restore_book_gap(i, b->m.card_id, b->next, b->m.record,
		    b->restored, b->bytes);
		b->next = b->m.record;
	}
	if (err == 0)
		err = each_record(i, b, post);
	if (err != 0)
		return err;
	jz_put(out, bytes, answer.len);
	return out->bad ? JZ_ERR_SPACE : 0;
}

int
jz_batch_settle(
    struct jz_issuer *i, struct jz_span bytes, struct jz_buffer *out)
{
	struct batch b;
	int err = decode(i, bytes, &b);

	if (err == 0)
		err =
		    jz_issuer_card(i, b.m.card_id, JZ_JUDGE_SIGNATURE, &b.card);
	if (err == 0)
		err = jz_issuer_verify(i, &b.m, &b.card);
	if (err == 0)
		err = jz_message_digest(&i->engine, &b.m, b.digest);
	if (err != 0)
		return err;
	err = jz_store_batch(i->store, b.m.card_id, b.digest, out);
	if (err != JZ_ERR_NOT_FOUND) {
		i->again = err == 0;
		return err;
	}
	err = process(i, &b, out);
	/* A record that was known does not make it a batch that was. */
	i->again = false;
	return err;
}

int
jz_issuer_batch(
    struct jz_issuer *i, struct jz_span batch, struct jz_buffer *processed)
{
	size_t start = processed->len;
	int err;

	jz_issuer_start(i);
	err = jz_store_begin(i->store, true);
	if (err == 0)
		err = jz_store_end(
		    i->store, jz_batch_settle(i, batch, processed));
	if (err == JZ_ERR_REFUSED) {
		int kept = jz_alarm_keep(i, batch);

		err = kept != 0 ? kept : err;
	}
	if (err != 0)
		processed->len = start;
	return err;
}

void
jz_batch_ahead(
    struct jz_issuer *i, struct jz_span bytes, struct jz_ahead_list *out)
{
	struct batch b;
	int err = decode(i, bytes, &b);

	if (err == 0)
		err =
		    jz_issuer_card(i, b.m.card_id, JZ_JUDGE_SIGNATURE, &b.card);
	if (err != 0)
		return;
	jz_issuer_ahead(&b.m, &b.card, out);
	for (size_t k = 0; err == 0 && k < b.n; k++)
		err = jz_record_ahead(i, &b.record[k], &b.card, out);
}
