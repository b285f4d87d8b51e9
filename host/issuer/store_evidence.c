/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of the SQLite store: payments of one counter, records as they were
 * uploaded, and what was posted for a payment.
 */
#include "store_control.h"
#include "sql.h"

#include <string.h>

#include "../../apdu/error.h"

#define JZ_KEY_DIGITS 5 /* of an ID, at its end */

int
jz_store_exception_is_paid(struct jz_store *s,
    const uint8_t request_digest[static JZ_DIGEST_BYTES], bool *paid)
{
	int64_t n = 0;
	int err = jz_sql_number(s, JZ_SQL_EXCEPTION_IS_PAID,
	    JZ_VALUES(jz_v_blob(request_digest, JZ_DIGEST_BYTES)), &n);

	*paid = n > 0;
	return err;
}

int
jz_store_has_twin(struct jz_store *s, const struct jz_payment *p, bool *has)
{
	int64_t n = 0;
	int err = jz_sql_number(s, JZ_SQL_TWINS,
	    JZ_VALUES(jz_v_id(p->payer_id), jz_v_int(p->payer_counter),
		jz_v_blob(p->request_digest, JZ_DIGEST_BYTES)),
	    &n);

	*has = n > 0;
	return err;
}

int
jz_store_twin_loss(struct jz_store *s, const struct jz_payment *p,
    uint8_t request_digest[static JZ_DIGEST_BYTES], int64_t *amount)
{
	struct jz_rows *st;
	int err = jz_sql_query(s, JZ_SQL_TWIN_LOSS,
	    JZ_VALUES(jz_v_id(p->payer_id), jz_v_int(p->payer_counter)), &st);

	*amount = 0;
	if (err == 0)
		err = jz_sql_row(s, st);
	if (err == 0 && !jz_sql_bytes(st, 0, request_digest, JZ_DIGEST_BYTES))
		err = jz_sql_wrong(s, "a payment's row is damaged");
	if (err == 0)
		*amount = jz_sql_int(st, 1);
	jz_sql_done(st);
	return err;
}

/* A card's number is followed by that of its key pair. */
static void
any_key(const uint8_t id[static JZ_ID_BYTES], char digit,
    uint8_t out[static JZ_ID_BYTES])
{
	memcpy(out, id, JZ_ID_BYTES - JZ_KEY_DIGITS);
	memset(out + JZ_ID_BYTES - JZ_KEY_DIGITS, digit, JZ_KEY_DIGITS);
}

int
jz_store_refundable(struct jz_store *s, const uint8_t card[static JZ_ID_BYTES],
    const uint8_t other[static JZ_ID_BYTES], int64_t *amount)
{
	uint8_t first[JZ_ID_BYTES], last[JZ_ID_BYTES];

	any_key(other, '0', first);
	any_key(other, '9', last);
	return jz_sql_number(s, JZ_SQL_REFUNDABLE,
	    JZ_VALUES(jz_v_id(card), jz_v_id(first), jz_v_id(last),
		jz_v_id(card), jz_v_id(first), jz_v_id(last)),
	    amount);
}

int
jz_store_record_bytes(struct jz_store *s, const uint8_t id[static JZ_ID_BYTES],
    uint32_t number, struct jz_buffer *out)
{
	uint8_t bytes[JZ_BATCH_MAX];
	struct jz_rows *st;
	size_t len = 0;
	int err = jz_sql_query(s, JZ_SQL_RECORD_BYTES,
	    JZ_VALUES(jz_v_id(id), jz_v_int(number)), &st);

	if (err == 0)
		err = jz_sql_row(s, st);
	if (err == 0 && !jz_sql_blob(st, 0, bytes, sizeof(bytes), &len))
		err = jz_sql_wrong(s, "a record's row is damaged");
	jz_sql_done(st);
	if (err != 0)
		return err;
	jz_put(out, bytes, len);
	return out->bad ? JZ_ERR_SPACE : 0;
}

int
jz_store_side_number(struct jz_store *s,
    const uint8_t request_digest[static JZ_DIGEST_BYTES], enum jz_side side,
    int64_t *number)
{
	return jz_sql_number(s, JZ_SQL_SIDE_NUMBER,
	    JZ_VALUES(
		jz_v_blob(request_digest, JZ_DIGEST_BYTES), jz_v_int(side)),
	    number);
}

int
jz_store_exception_number(struct jz_store *s,
    const uint8_t request_digest[static JZ_DIGEST_BYTES], int64_t *number)
{
	return jz_sql_number(s, JZ_SQL_EXCEPTION_NUMBER,
	    JZ_VALUES(jz_v_blob(request_digest, JZ_DIGEST_BYTES)), number);
}

int
jz_store_each_traced(struct jz_store *s, const uint8_t *card,
    int (*each)(
	const uint8_t request_digest[static JZ_DIGEST_BYTES], void *arg),
    void *arg)
{
	struct jz_value of = card != NULL ? jz_v_id(card) : jz_v_text("");
	uint8_t digest[JZ_DIGEST_BYTES];
	struct jz_rows *st;
	int stop = 0;
	int err = jz_sql_query(
	    s, JZ_SQL_TRACED, JZ_VALUES(of, of, of, of, of, of), &st);

	while (err == 0 && stop == 0) {
		err = jz_sql_row(s, st);
		if (err == 0 && !jz_sql_bytes(st, 0, digest, sizeof(digest)))
			err = jz_sql_wrong(s, "a payment's row is damaged");
		if (err == 0)
			stop = each(digest, arg);
	}
	jz_sql_done(st);
	return err == 0 || err == JZ_ERR_NOT_FOUND ? stop : err;
}

static bool
posting_row(struct jz_rows *st, struct jz_posting *p)
{
	memset(p, 0, sizeof(*p));
	p->id = jz_sql_int(st, 0);
	p->time = jz_sql_int(st, 1);
	p->amount = jz_sql_int(st, 4);
	return jz_sql_text(st, 2, p->kind, sizeof(p->kind)) &&
	    jz_sql_text(st, 3, p->account, sizeof(p->account));
}

int
jz_store_each_posting(struct jz_store *s, const char *reference,
    int (*each)(const struct jz_posting *p, void *arg), void *arg)
{
	struct jz_posting p;
	struct jz_rows *st;
	int stop = 0;
	int err = jz_sql_query(
	    s, JZ_SQL_POSTINGS, JZ_VALUES(jz_v_text(reference)), &st);

	while (err == 0 && stop == 0) {
		err = jz_sql_row(s, st);
		if (err == 0 && !posting_row(st, &p))
			err = jz_sql_wrong(s, "a posting's row is damaged");
		if (err == 0)
			stop = each(&p, arg);
	}
	jz_sql_done(st);
	return err == 0 || err == JZ_ERR_NOT_FOUND ? stop : err;
}
