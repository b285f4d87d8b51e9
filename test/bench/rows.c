/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows that settlement leaves, written and nothing else: into the issuer's
 * own tables, by the statements that need be, without a question.
 */
#include "traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../apdu/tlv.h"

#define PROCESSED 240 /* bytes of an answer */

enum {
	BATCH,
	RECORD,
	PAYMENT,
	SIDE,
	SEQUENCE,
	TRANSACTION,
	ENTRY,
	BALANCE,
	BEGIN,
	COMMIT,
	ACCOUNT,
	STATEMENTS,
};

static const char *const TEXT[STATEMENTS] = {
    [BATCH] = "INSERT INTO batch (card, digest, first, number_of_records,"
	      " bytes, processed, time) VALUES (?, ?, ?, ?, ?, ?, 1)",
    [RECORD] =
	"INSERT INTO record (card, number, bytes, batch) VALUES (?, ?, ?, ?)",
    [PAYMENT] =
	"INSERT INTO payment (request_digest, agreement_digest,"
	" completion_digest, amount, currency, payer, payee, payer_counter,"
	" payee_counter, time, payer_record, payer_time, payer_signature)"
	" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SIDE] = "INSERT INTO payment_side (request_digest, side, number, time,"
	     " payee_signature) VALUES (?, ?, ?, ?, ?)",
    [SEQUENCE] = "UPDATE sequence SET next = ? WHERE name = 'posting'",
    [TRANSACTION] = "INSERT INTO ledger_transaction (id, time, kind,"
		    " reference) VALUES (?, 1, ?, ?)",
    [ENTRY] = "INSERT INTO ledger_entry (posting, account, amount)"
	      " VALUES (?, ?, ?)",
    [BALANCE] = "UPDATE ledger_balance SET balance = ? WHERE account = ?",
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ACCOUNT] = "SELECT id FROM ledger_account WHERE name = ?",
};

#define CARDS (2 * TRAFFIC_PAIRS)

struct rows {
	sqlite3 *db;
	sqlite3_stmt *st[STATEMENTS];
	sqlite3_int64 posting, transit;
	/* Accounts of cards, looked up once. */
	uint8_t card[CARDS][JZ_ID_BYTES];
	sqlite3_int64 account[CARDS];
	size_t n_cards;
};

static int
step(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	(void)sqlite3_reset(st);
	return rc == SQLITE_DONE ? 0 : JZ_ERR_DATABASE;
}

static void
blob(sqlite3_stmt *st, int column, const void *p, size_t len)
{
	(void)sqlite3_bind_blob64(st, column, p, len, SQLITE_STATIC);
}

static void
number(sqlite3_stmt *st, int column, sqlite3_int64 n)
{
	(void)sqlite3_bind_int64(st, column, n);
}

static void
text(sqlite3_stmt *st, int column, const void *p, int len)
{
	(void)sqlite3_bind_text(st, column, p, len, SQLITE_STATIC);
}

static sqlite3_int64
account_of(struct rows *r, const char *name)
{
	sqlite3_int64 id = 0;

	text(r->st[ACCOUNT], 1, name, -1);
	if (sqlite3_step(r->st[ACCOUNT]) == SQLITE_ROW)
		id = sqlite3_column_int64(r->st[ACCOUNT], 0);
	(void)sqlite3_reset(r->st[ACCOUNT]);
	return id;
}

static bool
copy_database(const char *from, const char *to)
{
	sqlite3 *db = NULL;
	char sql[2 * WORLD_PATH_MAX];
	bool good;

	(void)snprintf(sql, sizeof(sql), "VACUUM INTO '%s'", to);
	good = sqlite3_open(from, &db) == SQLITE_OK &&
	    sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
	(void)sqlite3_close(db);
	return good;
}

int
rows_open(const char *database, const char *copy, struct rows **out)
{
	struct rows *r = calloc(1, sizeof(*r));
	bool good;

	*out = r;
	if (r == NULL)
		return JZ_ERR_MEMORY;
	/* As the issuer opens its own. */
	good = copy_database(database, copy) &&
	    sqlite3_open(copy, &r->db) == SQLITE_OK &&
	    sqlite3_exec(r->db,
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		"PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON;",
		NULL, NULL, NULL) == SQLITE_OK;
	for (int i = 0; good && i < STATEMENTS; i++)
		good = sqlite3_prepare_v2(
			   r->db, TEXT[i], -1, &r->st[i], NULL) == SQLITE_OK;
	if (good)
		r->transit = account_of(r, "transit:payment");
	/* Above what is in the copy. */
	r->posting = 1000000000;
	return good && r->transit != 0 ? 0 : JZ_ERR_DATABASE;
}

void
rows_close(struct rows **r)
{
	if (*r == NULL)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		(void)sqlite3_finalize((*r)->st[i]);
	(void)sqlite3_close((*r)->db);
	free(*r);
	*r = NULL;
}

int
rows_begin(struct rows *r)
{
	return step(r->st[BEGIN]);
}

int
rows_end(struct rows *r)
{
	return step(r->st[COMMIT]);
}

static sqlite3_int64
card_account(struct rows *r, const uint8_t id[static JZ_ID_BYTES])
{
	char name[sizeof("card:") + JZ_ID_BYTES];

	for (size_t i = 0; i < r->n_cards; i++)
		if (memcmp(r->card[i], id, JZ_ID_BYTES) == 0)
			return r->account[i];
	if (r->n_cards == CARDS)
		return 0;
	(void)snprintf(
	    name, sizeof(name), "card:%.*s", JZ_ID_BYTES, (const char *)id);
	memcpy(r->card[r->n_cards], id, JZ_ID_BYTES);
	return r->account[r->n_cards++] = account_of(r, name);
}

int
bare_batch(const struct jz_engine *e, const struct letter *batch,
    struct bare_batch *out)
{
	struct jz_message m;
	struct jz_cursor c;
	struct jz_tlv t;
	int err;

	memset(out, 0, sizeof(*out));
	out->batch = batch;
	if ((err = jz_message_decode(letter_span(batch), JZ_KIND_BATCH, &m)) !=
		0 ||
	    (err = jz_message_digest(e, &m, out->digest)) != 0)
		return err;
	c = jz_cursor(m.records);
	while (out->n < JZ_BATCH_RECORDS && jz_tlv_next(&c, &t) == 0) {
		struct bare_record *r = &out->record[out->n++];

		r->bytes = t.whole;
		err =
		    jz_message_decode(t.whole, jz_message_peek(t.whole), &r->m);
		if (err != 0)
			return err;
	}
	return 0;
}

static int
add_payment(struct rows *r, const struct jz_message *m)
{
	const struct jz_payment *p = &m->payment;
	sqlite3_stmt *st = r->st[PAYMENT];

	blob(st, 1, p->request_digest, JZ_DIGEST_BYTES);
	blob(st, 2, p->agreement_digest, JZ_DIGEST_BYTES);
	blob(st, 3, p->agreement_digest, JZ_DIGEST_BYTES);
	number(st, 4, (sqlite3_int64)p->amount);
	number(st, 5, p->currency);
	text(st, 6, p->payer_id, JZ_ID_BYTES);
	text(st, 7, p->payee_id, JZ_ID_BYTES);
	number(st, 8, p->payer_counter);
	number(st, 9, p->payee_counter);
	number(st, 10, p->time);
	number(st, 11, m->payer_record);
	number(st, 12, m->payer_time);
	blob(st, 13, m->payer_signature, JZ_SIGNATURE_BYTES);
	return step(st);
}

static int
add_side(struct rows *r, const struct jz_message *m, bool paid)
{
	sqlite3_stmt *st = r->st[SIDE];

	blob(st, 1, m->payment.request_digest, JZ_DIGEST_BYTES);
	number(st, 2, paid ? 1 : 2);
	number(st, 3, paid ? m->payer_record : m->payee_record);
	number(st, 4, paid ? m->payer_time : m->payee_time);
	blob(st, 5, m->payee_signature, JZ_SIGNATURE_BYTES);
	return step(st);
}

/* Two entries, two balances. */
static int
post(struct rows *r, const struct jz_message *m, bool paid)
{
	static const char DIGITS[] = "0123456789abcdef";
	const uint8_t *digest = m->payment.request_digest;
	const sqlite3_int64 card =
	    card_account(r, paid ? m->payment.payer_id : m->payment.payee_id);
	char reference[2 * JZ_DIGEST_BYTES];
	int e;

	for (size_t k = 0; k < sizeof(reference); k++)
		reference[k] = DIGITS[k % 2 == 0 ? digest[k / 2] >> 4
						 : digest[k / 2] & 0xF];
	r->posting++;
	number(r->st[SEQUENCE], 1, r->posting + 1);
	number(r->st[TRANSACTION], 1, r->posting);
	text(r->st[TRANSACTION], 2, paid ? "paid" : "received", -1);
	text(r->st[TRANSACTION], 3, reference, sizeof(reference));
	if ((e = step(r->st[SEQUENCE])) != 0 ||
	    (e = step(r->st[TRANSACTION])) != 0)
		return e;
	for (int side = 0; side < 2 && e == 0; side++) {
		const sqlite3_int64 account = side == 0 ? card : r->transit;

		number(r->st[ENTRY], 1, r->posting);
		number(r->st[ENTRY], 2, account);
		number(r->st[ENTRY], 3, paid == (side == 0) ? -1 : 1);
		e = step(r->st[ENTRY]);
		number(r->st[BALANCE], 1, r->posting);
		number(r->st[BALANCE], 2, account);
		if (e == 0)
			e = step(r->st[BALANCE]);
	}
	return e;
}

static int
add_record(struct rows *r, const struct bare_batch *b, size_t k, bool paid)
{
	const struct jz_message *m = &b->record[k].m;
	int e;

	text(r->st[RECORD], 1, paid ? m->payment.payer_id : m->payment.payee_id,
	    JZ_ID_BYTES);
	number(r->st[RECORD], 2, paid ? m->payer_record : m->payee_record);
	blob(r->st[RECORD], 3, b->record[k].bytes.data, b->record[k].bytes.len);
	blob(r->st[RECORD], 4, b->digest, JZ_DIGEST_BYTES);
	e = step(r->st[RECORD]);
	if (e == 0 && paid)
		e = add_payment(r, m);
	if (e == 0)
		e = add_side(r, m, paid);
	return e != 0 ? e : post(r, m, paid);
}

int
rows_batch(struct rows *r, const struct bare_batch *b)
{
	const struct jz_message *first = &b->record[0].m;
	const bool paid = first->kind == JZ_KIND_RECORD_PAID;
	int e;

	text(r->st[BATCH], 1,
	    paid ? first->payment.payer_id : first->payment.payee_id,
	    JZ_ID_BYTES);
	blob(r->st[BATCH], 2, b->digest, JZ_DIGEST_BYTES);
	number(
	    r->st[BATCH], 3, paid ? first->payer_record : first->payee_record);
	number(r->st[BATCH], 4, (sqlite3_int64)b->n);
	blob(r->st[BATCH], 5, b->batch->data, b->batch->len);
	blob(r->st[BATCH], 6, b->batch->data, PROCESSED);
	e = step(r->st[BATCH]);
	for (size_t k = 0; k < b->n && e == 0; k++)
		e = add_record(r, b, k, paid);
	return e;
}
