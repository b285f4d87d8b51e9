/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of the store in and out of structs: transactions, settings,
 * customers, cards, loads.  Settlement's rows are in store_settle.c.
 */
#include "sql.h"

#include <stdio.h>
#include <string.h>

#include "../../apdu/error.h"

const char *
jz_store_detail(const struct jz_store *s)
{
	return s->detail;
}

void
jz_store_clear_detail(struct jz_store *s)
{
	s->detail[0] = '\0';
}

void
jz_store_set_detail(struct jz_store *s, const char *detail)
{
	snprintf(s->detail, sizeof(s->detail), "%s", detail);
}

/* Within another one, a savepoint: what fails in it is undone alone. */
int
jz_store_begin(struct jz_store *s, bool write)
{
	int err;

	if (s->depth == 0)
		err = s->driver->begin(s, write);
	else if (s->driver->within(s))
		err = jz_sql_run(s, JZ_SQL_SAVEPOINT, NULL, 0);
	else
		err = jz_sql_wrong(s, "the transaction around this is lost");
	if (err == 0)
		s->depth++;
	return err;
}

static int
end_inner(struct jz_store *s, int rc)
{
	int err = 0;

	if (rc != 0)
		err = jz_sql_run(s, JZ_SQL_ROLLBACK_TO, NULL, 0);
	if (err == 0)
		err = jz_sql_run(s, JZ_SQL_RELEASE, NULL, 0);
	return rc != 0 ? rc : err;
}

/* What is undone may have opened an account, whose number another one gets. */
static void
forget(struct jz_store *s)
{
	memset(s->known, 0, sizeof(s->known));
}

int
jz_store_end(struct jz_store *s, int rc)
{
	s->depth--;
	if (rc != 0)
		forget(s);
	if (s->depth > 0)
		return end_inner(s, rc);
	if (rc == 0) {
		rc = jz_sql_run(s, JZ_SQL_COMMIT, NULL, 0);
		if (rc != 0)
			forget(s);
	}
	/* A grave error has rolled back by itself. */
	if (rc != 0 && s->driver->within(s))
		(void)jz_sql_run(s, JZ_SQL_ROLLBACK, NULL, 0);
	return rc;
}

int
jz_store_setting(struct jz_store *s, const char *name, int64_t *value)
{
	return jz_sql_number(
	    s, JZ_SQL_SETTING, JZ_VALUES(jz_v_text(name)), value);
}

int
jz_store_set(struct jz_store *s, const char *name, int64_t value)
{
	return jz_sql_run(
	    s, JZ_SQL_SETTING_ADD, JZ_VALUES(jz_v_text(name), jz_v_int(value)));
}

int
jz_store_next(struct jz_store *s, const char *sequence, int64_t *out)
{
	/* Two statements, for RETURNING takes longer than both; the first
	 * keeps others out until the transaction ends. */
	int err = jz_sql_run(s, JZ_SQL_NEXT, JZ_VALUES(jz_v_text(sequence)));

	*out = 0;
	return err != 0 ? err
			: jz_sql_number(s, JZ_SQL_TAKEN,
			      JZ_VALUES(jz_v_text(sequence)), out);
}

int
jz_store_skip(struct jz_store *s, const char *sequence, int64_t next)
{
	return jz_sql_run(s, JZ_SQL_SKIP,
	    JZ_VALUES(jz_v_int(next), jz_v_text(sequence), jz_v_int(next)));
}

/* ---- transfers ---------------------------------------------------------- */

int
jz_store_refused(struct jz_store *s, const char *reference, int64_t *reason)
{
	return jz_sql_number(s, JZ_SQL_TRANSFER_REFUSED,
	    JZ_VALUES(jz_v_text(reference)), reason);
}

int
jz_store_refuse(
    struct jz_store *s, const char *reference, int64_t reason, int64_t time)
{
	return jz_sql_run(s, JZ_SQL_TRANSFER_REFUSE,
	    JZ_VALUES(jz_v_text(reference), jz_v_int(reason), jz_v_int(time)));
}

/* ---- customers ---------------------------------------------------------- */

int
jz_store_customer(struct jz_store *s, const char *account, bool *blocked)
{
	int64_t v;
	int err = jz_sql_number(
	    s, JZ_SQL_CUSTOMER, JZ_VALUES(jz_v_text(account)), &v);

	*blocked = v != 0;
	return err;
}

int
jz_store_customer_add(
    struct jz_store *s, const char *account, const char *holder)
{
	return jz_sql_run(s, JZ_SQL_CUSTOMER_ADD,
	    JZ_VALUES(jz_v_text(account), jz_v_text(holder)));
}

/* An UPDATE that met no row has found nothing. */
static int
found(struct jz_store *s, int err)
{
	if (err == 0 && jz_sql_changes(s) == 0)
		return JZ_ERR_NOT_FOUND;
	return err;
}

int
jz_store_customer_block(struct jz_store *s, const char *account, bool blocked)
{
	return found(s,
	    jz_sql_run(s, JZ_SQL_CUSTOMER_BLOCK,
		JZ_VALUES(jz_v_int(blocked), jz_v_text(account))));
}

int
jz_store_password(
    struct jz_store *s, const char *account, struct jz_password_row *out)
{
	struct jz_rows *st;
	int err = jz_sql_query(
	    s, JZ_SQL_PASSWORD, JZ_VALUES(jz_v_text(account)), &st);

	memset(out, 0, sizeof(*out));
	if (err == 0)
		err = jz_sql_row(s, st);
	if (err == 0 &&
	    (!jz_sql_bytes(st, 0, out->salt, sizeof(out->salt)) ||
		!jz_sql_bytes(st, 1, out->hash, sizeof(out->hash))))
		err = jz_sql_wrong(s, "a password's row is damaged");
	if (err == 0)
		out->failures = jz_sql_int(st, 2);
	jz_sql_done(st);
	return err;
}

int
jz_store_password_set(struct jz_store *s, const char *account,
    const struct jz_password_row *row, int64_t time)
{
	int err =
	    jz_sql_run(s, JZ_SQL_PASSWORD_DROP, JZ_VALUES(jz_v_text(account)));

	if (err != 0)
		return err;
	return jz_sql_run(s, JZ_SQL_PASSWORD_ADD,
	    JZ_VALUES(jz_v_text(account),
		jz_v_blob(row->salt, sizeof(row->salt)),
		jz_v_blob(row->hash, sizeof(row->hash)), jz_v_int(time)));
}

int
jz_store_password_failures(
    struct jz_store *s, const char *account, int64_t failures)
{
	return found(s,
	    jz_sql_run(s, JZ_SQL_PASSWORD_FAILURES,
		JZ_VALUES(jz_v_int(failures), jz_v_text(account))));
}

/* ---- cards -------------------------------------------------------------- */

/* Printable ASCII: what comes from outside is looked up as text. */
static bool
is_id(const uint8_t id[static JZ_ID_BYTES])
{
	for (size_t k = 0; k < JZ_ID_BYTES; k++) {
		if (id[k] < 0x21 || id[k] > 0x7E)
			return false;
	}
	return true;
}

static bool
card_row(struct jz_rows *st, struct jz_card_row *out)
{
	memset(out, 0, sizeof(*out));
	out->flags = (uint8_t)jz_sql_int(st, 5);
	out->blocked = jz_sql_int(st, 6) != 0;
	return jz_sql_bytes(st, 0, out->id, sizeof(out->id)) &&
	    jz_sql_bytes(st, 1, out->asn, sizeof(out->asn)) &&
	    jz_sql_text(st, 2, out->account, sizeof(out->account)) &&
	    jz_sql_text(st, 3, out->holder, sizeof(out->holder)) &&
	    jz_sql_bytes(st, 4, out->public_key, sizeof(out->public_key)) &&
	    jz_sql_blob(st, 7, out->certificate, sizeof(out->certificate),
		&out->certificate_len);
}

static int
one_card(struct jz_store *s, enum jz_statement which,
    const struct jz_value *values, size_t n, struct jz_card_row *out)
{
	struct jz_rows *st;
	int err = jz_sql_query(s, which, values, n, &st);

	if (err == 0)
		err = jz_sql_row(s, st);
	if (err == 0 && !card_row(st, out))
		err = jz_sql_wrong(s, "a card's row is damaged");
	jz_sql_done(st);
	return err;
}

int
jz_store_card(struct jz_store *s, const uint8_t id[static JZ_ID_BYTES],
    struct jz_card_row *out)
{
	if (!is_id(id))
		return JZ_ERR_NOT_FOUND;
	return one_card(s, JZ_SQL_CARD, JZ_VALUES(jz_v_id(id)), out);
}

int
jz_store_card_same(struct jz_store *s, struct jz_card_row *inout)
{
	struct jz_card_row found_row;
	int err = one_card(s, JZ_SQL_CARD_SAME,
	    JZ_VALUES(jz_v_blob(inout->public_key, JZ_POINT_BYTES),
		jz_v_text(inout->account), jz_v_text(inout->holder),
		jz_v_int(inout->flags)),
	    &found_row);

	if (err == 0)
		*inout = found_row;
	return err;
}

int
jz_store_card_add(
    struct jz_store *s, const struct jz_card_row *card, int64_t time)
{
	return jz_sql_run(s, JZ_SQL_CARD_ADD,
	    JZ_VALUES(jz_v_id(card->id),
		jz_v_blob(card->asn, sizeof(card->asn)),
		jz_v_text(card->account), jz_v_text(card->holder),
		jz_v_blob(card->public_key, JZ_POINT_BYTES),
		jz_v_int(card->flags),
		jz_v_blob(card->certificate, card->certificate_len),
		jz_v_int(time)));
}

int
jz_store_card_block(
    struct jz_store *s, const uint8_t id[static JZ_ID_BYTES], bool blocked)
{
	return found(s,
	    jz_sql_run(s, JZ_SQL_CARD_BLOCK,
		JZ_VALUES(jz_v_int(blocked), jz_v_id(id))));
}

/* ---- loads -------------------------------------------------------------- */

static bool
load_row(struct jz_rows *st, struct jz_load_row *out)
{
	out->amount = (uint64_t)jz_sql_int(st, 0);
	out->time = jz_sql_int(st, 1);
	return jz_sql_text(st, 5, out->account, sizeof(out->account)) &&
	    jz_sql_bytes(
		st, 2, out->request_digest, sizeof(out->request_digest)) &&
	    jz_sql_bytes(st, 3, out->permission_digest,
		sizeof(out->permission_digest)) &&
	    jz_sql_blob(st, 4, out->permission, sizeof(out->permission),
		&out->permission_len);
}

int
jz_store_load(struct jz_store *s, const uint8_t id[static JZ_ID_BYTES],
    uint32_t counter, struct jz_load_row *out)
{
	struct jz_rows *st;
	int err = jz_sql_query(
	    s, JZ_SQL_LOAD, JZ_VALUES(jz_v_id(id), jz_v_int(counter)), &st);

	memset(out, 0, sizeof(*out));
	memcpy(out->card_id, id, JZ_ID_BYTES);
	out->counter = counter;
	if (err == 0)
		err = jz_sql_row(s, st);
	if (err == 0 && !load_row(st, out))
		err = jz_sql_wrong(s, "a load's row is damaged");
	jz_sql_done(st);
	return err;
}

int
jz_store_load_add(
    struct jz_store *s, const struct jz_load_row *load, struct jz_span request)
{
	return jz_sql_run(s, JZ_SQL_LOAD_ADD,
	    JZ_VALUES(jz_v_id(load->card_id), jz_v_int(load->counter),
		jz_v_int((int64_t)load->amount), jz_v_int(load->time),
		jz_v_blob(load->request_digest, JZ_DIGEST_BYTES),
		jz_v_blob(load->permission_digest, JZ_DIGEST_BYTES),
		jz_v_blob(load->permission, load->permission_len),
		jz_v_span(request), jz_v_text(load->account)));
}

/* One blob of fixed size by a query. */
static int
one_blob(struct jz_store *s, enum jz_statement which,
    const struct jz_value *values, size_t n, uint8_t *out, size_t len)
{
	struct jz_rows *st;
	int err = jz_sql_query(s, which, values, n, &st);

	if (err == 0)
		err = jz_sql_row(s, st);
	if (err == 0 && !jz_sql_bytes(st, 0, out, len))
		err = jz_sql_wrong(s, "a digest or key is damaged");
	jz_sql_done(st);
	return err;
}

static int
one_digest(struct jz_store *s, enum jz_statement which,
    const struct jz_value *values, size_t n,
    uint8_t digest[static JZ_DIGEST_BYTES])
{
	return one_blob(s, which, values, n, digest, JZ_DIGEST_BYTES);
}

int
jz_store_load_key(struct jz_store *s, const uint8_t id[static JZ_ID_BYTES],
    uint32_t counter, uint8_t point[static JZ_POINT_BYTES])
{
	return one_blob(s, JZ_SQL_LOAD_KEY,
	    JZ_VALUES(jz_v_id(id), jz_v_int(counter)), point, JZ_POINT_BYTES);
}

int
jz_store_load_key_add(struct jz_store *s, const struct jz_load_row *load,
    const uint8_t point[static JZ_POINT_BYTES])
{
	return jz_sql_run(s, JZ_SQL_LOAD_KEY_ADD,
	    JZ_VALUES(jz_v_id(load->card_id), jz_v_int(load->counter),
		jz_v_blob(point, JZ_POINT_BYTES)));
}

int
jz_store_report(struct jz_store *s, const uint8_t id[static JZ_ID_BYTES],
    uint32_t counter, uint8_t digest[static JZ_DIGEST_BYTES])
{
	return one_digest(s, JZ_SQL_REPORT,
	    JZ_VALUES(jz_v_id(id), jz_v_int(counter)), digest);
}

int
jz_store_report_add(struct jz_store *s,
    const uint8_t digest[static JZ_DIGEST_BYTES],
    const struct jz_message *report, int64_t time)
{
	/* The balance is the card's word: of 64 bits, kept as they are. */
	return jz_sql_run(s, JZ_SQL_REPORT_ADD,
	    JZ_VALUES(jz_v_id(report->card_id),
		jz_v_int(report->online_counter),
		jz_v_blob(digest, JZ_DIGEST_BYTES), jz_v_int(report->record),
		jz_v_int((int64_t)report->balance),
		jz_v_blob(report->signature, JZ_SIGNATURE_BYTES),
		jz_v_int(time)));
}

int
jz_store_cancel(struct jz_store *s, const uint8_t id[static JZ_ID_BYTES],
    uint32_t counter, uint8_t request_digest[static JZ_DIGEST_BYTES])
{
	return one_digest(s, JZ_SQL_CANCEL,
	    JZ_VALUES(jz_v_id(id), jz_v_int(counter)), request_digest);
}

int
jz_store_cancel_add(struct jz_store *s, const struct jz_message *proof,
    struct jz_span bytes, int64_t time)
{
	return jz_sql_run(s, JZ_SQL_CANCEL_ADD,
	    JZ_VALUES(jz_v_id(proof->card_id), jz_v_int(proof->online_counter),
		jz_v_blob(proof->payment.request_digest, JZ_DIGEST_BYTES),
		jz_v_span(bytes), jz_v_int(time)));
}

/* ---- unloads ------------------------------------------------------------ */

int
jz_store_unload(struct jz_store *s, const uint8_t id[static JZ_ID_BYTES],
    uint32_t counter, struct jz_unload_row *out)
{
	struct jz_rows *st;
	int err = jz_sql_query(
	    s, JZ_SQL_UNLOAD, JZ_VALUES(jz_v_id(id), jz_v_int(counter)), &st);

	memset(out, 0, sizeof(*out));
	if (err == 0)
		err = jz_sql_row(s, st);
	if (err == 0) {
		out->amount = (uint64_t)jz_sql_int(st, 0);
		if (!jz_sql_bytes(st, 1, out->digest, sizeof(out->digest)) ||
		    !jz_sql_blob(st, 2, out->acknowledged,
			sizeof(out->acknowledged), &out->acknowledged_len))
			err = jz_sql_wrong(s, "an unload's row is damaged");
	}
	jz_sql_done(st);
	return err;
}

int
jz_store_unload_add(struct jz_store *s, const struct jz_message *proof,
    const char *account, const struct jz_unload_row *row, int64_t time)
{
	return jz_sql_run(s, JZ_SQL_UNLOAD_ADD,
	    JZ_VALUES(jz_v_id(proof->card_id), jz_v_int(proof->online_counter),
		jz_v_int((int64_t)proof->payment.amount), jz_v_text(account),
		jz_v_blob(row->digest, JZ_DIGEST_BYTES),
		jz_v_int(proof->record), jz_v_int((int64_t)proof->balance),
		jz_v_blob(proof->signature, JZ_SIGNATURE_BYTES),
		jz_v_blob(row->acknowledged, row->acknowledged_len),
		jz_v_int(time)));
}

int
jz_store_replacement(struct jz_store *s,
    const uint8_t before[static JZ_ID_BYTES], struct jz_replacement *out)
{
	struct jz_rows *st;
	int err = jz_sql_query(
	    s, JZ_SQL_REPLACEMENT, JZ_VALUES(jz_v_id(before)), &st);

	memset(out, 0, sizeof(*out));
	if (err == 0)
		err = jz_sql_row(s, st);
	if (err == 0) {
		out->amount_minor = (uint64_t)jz_sql_int(st, 1);
		out->load_counter = (uint32_t)jz_sql_int(st, 2);
		if (!jz_sql_bytes(st, 0, out->after, JZ_ID_BYTES))
			err = jz_sql_wrong(s, "a replacement is damaged");
	}
	jz_sql_done(st);
	return err;
}

int
jz_store_replacement_add(struct jz_store *s,
    const uint8_t before[static JZ_ID_BYTES],
    const uint8_t after[static JZ_ID_BYTES], uint32_t counter, int64_t time)
{
	return jz_sql_run(s, JZ_SQL_REPLACEMENT_ADD,
	    JZ_VALUES(jz_v_id(before), jz_v_id(after), jz_v_int(counter),
		jz_v_int(time)));
}

int
jz_store_replacement_load(struct jz_store *s,
    const uint8_t before[static JZ_ID_BYTES], uint32_t counter, int64_t time)
{
	return jz_sql_run(s, JZ_SQL_REPLACEMENT_LOAD,
	    JZ_VALUES(jz_v_id(before), jz_v_int(counter), jz_v_int(time)));
}

int
jz_store_payment(struct jz_store *s,
    const uint8_t request_digest[static JZ_DIGEST_BYTES],
    uint8_t completion_digest[static JZ_DIGEST_BYTES])
{
	return one_digest(s, JZ_SQL_PAYMENT,
	    JZ_VALUES(jz_v_blob(request_digest, JZ_DIGEST_BYTES)),
	    completion_digest);
}
