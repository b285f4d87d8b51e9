/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of the store for settlement: sessions, batches, records,
 * payments.
 */
#include "sql.h"

#include <string.h>

#include "../../apdu/error.h"

static bool
session_row(struct jz_rows *st, struct jz_session_row *out)
{
	out->asked = jz_sql_int(st, 0) != 0;
	out->open = jz_sql_int(st, 3) != 0;
	return jz_sql_bytes(st, 1, out->asked_card_nonce, JZ_NONCE_BYTES) &&
	    jz_sql_bytes(st, 2, out->asked_host_nonce, JZ_NONCE_BYTES) &&
	    jz_sql_bytes(st, 4, out->host_nonce, JZ_NONCE_BYTES) &&
	    jz_sql_bytes(st, 5, out->sign_in_digest, JZ_DIGEST_BYTES) &&
	    jz_sql_blob(st, 6, out->confirmed, sizeof(out->confirmed),
		&out->confirmed_len);
}

int
jz_store_session(struct jz_store *s, const uint8_t id[static JZ_ID_BYTES],
    struct jz_session_row *out)
{
	struct jz_rows *st;
	int err = jz_sql_query(s, JZ_SQL_SESSION, JZ_VALUES(jz_v_id(id)), &st);

	memset(out, 0, sizeof(*out));
	memcpy(out->card_id, id, JZ_ID_BYTES);
	if (err == 0)
		err = jz_sql_row(s, st);
	if (err == 0 && !session_row(st, out))
		err = jz_sql_wrong(s, "a session's row is damaged");
	jz_sql_done(st);
	return err == JZ_ERR_NOT_FOUND ? 0 : err;
}

int
jz_store_session_set(struct jz_store *s, const struct jz_session_row *row)
{
	int err = jz_sql_run(
	    s, JZ_SQL_SESSION_DROP, JZ_VALUES(jz_v_id(row->card_id)));

	if (err != 0)
		return err;
	return jz_sql_run(s, JZ_SQL_SESSION_ADD,
	    JZ_VALUES(jz_v_id(row->card_id), jz_v_int(row->asked),
		jz_v_blob(row->asked_card_nonce, JZ_NONCE_BYTES),
		jz_v_blob(row->asked_host_nonce, JZ_NONCE_BYTES),
		jz_v_int(row->open), jz_v_blob(row->host_nonce, JZ_NONCE_BYTES),
		jz_v_blob(row->sign_in_digest, JZ_DIGEST_BYTES),
		jz_v_blob(row->confirmed, row->confirmed_len)));
}

int
jz_store_batch(struct jz_store *s, const uint8_t id[static JZ_ID_BYTES],
    const uint8_t digest[static JZ_DIGEST_BYTES], struct jz_buffer *processed)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_rows *st;
	size_t len;
	int err = jz_sql_query(s, JZ_SQL_BATCH,
	    JZ_VALUES(jz_v_id(id), jz_v_blob(digest, JZ_DIGEST_BYTES)), &st);

	if (err == 0)
		err = jz_sql_row(s, st);
	if (err == 0 && !jz_sql_blob(st, 0, bytes, sizeof(bytes), &len))
		err = jz_sql_wrong(s, "a batch's row is damaged");
	jz_sql_done(st);
	if (err != 0)
		return err;
	jz_put(processed, bytes, len);
	return processed->bad ? JZ_ERR_SPACE : 0;
}

int
jz_store_batch_add(struct jz_store *s, const struct jz_message *batch,
    const uint8_t digest[static JZ_DIGEST_BYTES], struct jz_span bytes,
    struct jz_span processed, int64_t time)
{
	return jz_sql_run(s, JZ_SQL_BATCH_ADD,
	    JZ_VALUES(jz_v_id(batch->card_id),
		jz_v_blob(digest, JZ_DIGEST_BYTES), jz_v_int(batch->record),
		jz_v_int(batch->count), jz_v_span(bytes), jz_v_span(processed),
		jz_v_int(time)));
}

int
jz_store_next_record(
    struct jz_store *s, const uint8_t id[static JZ_ID_BYTES], int64_t *out)
{
	return jz_sql_number(
	    s, JZ_SQL_NEXT_RECORD, JZ_VALUES(jz_v_id(id)), out);
}

int
jz_store_record_equals(struct jz_store *s, const uint8_t id[static JZ_ID_BYTES],
    uint32_t number, struct jz_span bytes, bool *equal)
{
	int64_t n;
	int err = jz_sql_number(s, JZ_SQL_RECORD,
	    JZ_VALUES(jz_v_id(id), jz_v_int(number), jz_v_span(bytes)), &n);

	*equal = n == 1;
	return err;
}

int
jz_store_record_add(struct jz_store *s, const uint8_t id[static JZ_ID_BYTES],
    uint32_t number, struct jz_span bytes,
    const uint8_t batch_digest[static JZ_DIGEST_BYTES])
{
	return jz_sql_run(s, JZ_SQL_RECORD_ADD,
	    JZ_VALUES(jz_v_id(id), jz_v_int(number), jz_v_span(bytes),
		jz_v_blob(batch_digest, JZ_DIGEST_BYTES)));
}

int
jz_store_payment_add(struct jz_store *s, const struct jz_message *record,
    const uint8_t completion_digest[static JZ_DIGEST_BYTES])
{
	const struct jz_payment *p = &record->payment;

	return jz_sql_run(s, JZ_SQL_PAYMENT_ADD,
	    JZ_VALUES(jz_v_blob(p->request_digest, JZ_DIGEST_BYTES),
		jz_v_blob(p->agreement_digest, JZ_DIGEST_BYTES),
		jz_v_blob(completion_digest, JZ_DIGEST_BYTES),
		jz_v_int((int64_t)p->amount), jz_v_int(p->currency),
		jz_v_id(p->payer_id), jz_v_id(p->payee_id),
		jz_v_int(p->payer_counter), jz_v_int(p->payee_counter),
		jz_v_int(p->time), jz_v_int(record->payer_record),
		jz_v_int(record->payer_time),
		jz_v_blob(record->payer_signature, JZ_SIGNATURE_BYTES)));
}

int
jz_store_payment_has(struct jz_store *s,
    const uint8_t request_digest[static JZ_DIGEST_BYTES], enum jz_side side,
    bool *has)
{
	int64_t n;
	int err = jz_sql_number(s, JZ_SQL_SIDE,
	    JZ_VALUES(
		jz_v_blob(request_digest, JZ_DIGEST_BYTES), jz_v_int(side)),
	    &n);

	*has = n > 0;
	return err;
}

int
jz_store_payment_side_add(
    struct jz_store *s, const struct jz_message *record, enum jz_side side)
{
	bool payer = side == JZ_SIDE_PAYER;

	return jz_sql_run(s, JZ_SQL_SIDE_ADD,
	    JZ_VALUES(
		jz_v_blob(record->payment.request_digest, JZ_DIGEST_BYTES),
		jz_v_int(side),
		jz_v_int(payer ? record->payer_record : record->payee_record),
		jz_v_int(payer ? record->payer_time : record->payee_time),
		jz_v_blob(record->payee_signature, JZ_SIGNATURE_BYTES)));
}

static bool
payment_columns(struct jz_rows *st, struct jz_payment *out)
{
	out->amount = (uint64_t)jz_sql_int(st, 2);
	out->currency = (uint16_t)jz_sql_int(st, 3);
	out->payer_counter = (uint32_t)jz_sql_int(st, 6);
	out->payee_counter = (uint32_t)jz_sql_int(st, 7);
	out->time = jz_sql_int(st, 8);
	return jz_sql_bytes(st, 0, out->request_digest, JZ_DIGEST_BYTES) &&
	    jz_sql_bytes(st, 1, out->agreement_digest, JZ_DIGEST_BYTES) &&
	    jz_sql_bytes(st, 4, out->payer_id, JZ_ID_BYTES) &&
	    jz_sql_bytes(st, 5, out->payee_id, JZ_ID_BYTES);
}

static bool
story_row(struct jz_rows *st, struct jz_payment_story *out)
{
	int column;

	memset(out, 0, sizeof(*out));
	out->from_payer = !jz_sql_null(st, 12);
	out->from_payee = !jz_sql_null(st, 13);
	out->payer_record = (uint32_t)jz_sql_int(st, 9);
	out->payer_time = jz_sql_int(st, 10);
	out->payee_record = (uint32_t)jz_sql_int(st, 13);
	out->payee_time = jz_sql_int(st, 14);
	out->outcome = (enum jz_outcome)jz_sql_int(st, 16);
	out->paid_out = !jz_sql_null(st, 17);
	/* The receipt says more than the confirmation. */
	column = out->from_payee ? 15 : 12;
	return payment_columns(st, &out->payment) &&
	    jz_sql_bytes(st, 11, out->payer_signature, JZ_SIGNATURE_BYTES) &&
	    jz_sql_bytes(st, column, out->payee_signature, JZ_SIGNATURE_BYTES);
}

int
jz_store_each_payment(struct jz_store *s,
    int (*each)(const struct jz_payment_story *p, void *arg), void *arg)
{
	struct jz_payment_story story;
	struct jz_rows *st;
	int stop = 0;
	int err = jz_sql_query(s, JZ_SQL_EACH_PAYMENT, NULL, 0, &st);

	while (err == 0) {
		err = jz_sql_row(s, st);
		if (err != 0)
			break;
		if (!story_row(st, &story))
			err = jz_sql_wrong(s, "a payment's row is damaged");
		else
			stop = each(&story, arg);
		if (stop != 0)
			break;
	}
	jz_sql_done(st);
	return err == 0 || err == JZ_ERR_NOT_FOUND ? stop : err;
}

int
jz_store_payment_data(struct jz_store *s,
    const uint8_t request_digest[static JZ_DIGEST_BYTES],
    struct jz_payment *out)
{
	struct jz_rows *st;
	int err = jz_sql_query(s, JZ_SQL_PAYMENT_DATA,
	    JZ_VALUES(jz_v_blob(request_digest, JZ_DIGEST_BYTES)), &st);

	memset(out, 0, sizeof(*out));
	if (err == 0)
		err = jz_sql_row(s, st);
	if (err == 0 && !payment_columns(st, out))
		err = jz_sql_wrong(s, "a payment's row is damaged");
	jz_sql_done(st);
	return err;
}

static bool
completion_row(struct jz_rows *st, struct jz_message *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = JZ_KIND_COMPLETION;
	out->payer_record = (uint32_t)jz_sql_int(st, 9);
	out->payer_time = jz_sql_int(st, 10);
	return payment_columns(st, &out->payment) &&
	    jz_sql_bytes(st, 11, out->signature, JZ_SIGNATURE_BYTES);
}

int
jz_store_each_owed(struct jz_store *s, const uint8_t payee[static JZ_ID_BYTES],
    int (*each)(const struct jz_message *completion, void *arg), void *arg)
{
	struct jz_message m;
	struct jz_rows *st;
	int stop = 0;
	int err =
	    jz_sql_query(s, JZ_SQL_EACH_OWED, JZ_VALUES(jz_v_id(payee)), &st);

	while (err == 0 && stop == 0) {
		err = jz_sql_row(s, st);
		if (err == 0 && !completion_row(st, &m))
			err = jz_sql_wrong(s, "a payment's row is damaged");
		if (err == 0)
			stop = each(&m, arg);
	}
	jz_sql_done(st);
	return err == 0 || err == JZ_ERR_NOT_FOUND ? stop : err;
}

/* ---- exceptions --------------------------------------------------------- */

int
jz_store_exception(struct jz_store *s,
    const uint8_t request_digest[static JZ_DIGEST_BYTES],
    struct jz_payment *payment, enum jz_outcome *outcome)
{
	struct jz_rows *st;
	int err = jz_sql_query(s, JZ_SQL_EXCEPTION,
	    JZ_VALUES(jz_v_blob(request_digest, JZ_DIGEST_BYTES)), &st);

	memset(payment, 0, sizeof(*payment));
	*outcome = 0;
	if (err == 0)
		err = jz_sql_row(s, st);
	if (err == 0 && !payment_columns(st, payment))
		err = jz_sql_wrong(s, "an exception's row is damaged");
	if (err == 0)
		*outcome = (enum jz_outcome)jz_sql_int(st, 9);
	jz_sql_done(st);
	return err;
}

int
jz_store_exception_add(struct jz_store *s, const struct jz_message *record)
{
	const struct jz_payment *p = &record->payment;

	return jz_sql_run(s, JZ_SQL_EXCEPTION_ADD,
	    JZ_VALUES(jz_v_blob(p->request_digest, JZ_DIGEST_BYTES),
		jz_v_blob(p->agreement_digest, JZ_DIGEST_BYTES),
		jz_v_int((int64_t)p->amount), jz_v_int(p->currency),
		jz_v_id(p->payer_id), jz_v_id(p->payee_id),
		jz_v_int(p->payer_counter), jz_v_int(p->payee_counter),
		jz_v_int(p->time), jz_v_int(record->payee_record),
		jz_v_int(record->payee_time), jz_v_int(record->outcome),
		jz_v_blob(record->payee_signature, JZ_SIGNATURE_BYTES)));
}

int
jz_store_exception_paid(struct jz_store *s,
    const uint8_t request_digest[static JZ_DIGEST_BYTES], int64_t time)
{
	return jz_sql_run(s, JZ_SQL_EXCEPTION_PAID,
	    JZ_VALUES(
		jz_v_blob(request_digest, JZ_DIGEST_BYTES), jz_v_int(time)));
}
