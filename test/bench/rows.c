/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows that settlement leaves, written and nothing else: the issuer's
 * tables and keys, without a trigger, a check or a question.
 */
#include "traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../apdu/error.h"

#define ACCOUNTS   64
#define REFERENCE  64 /* a digest in hexadecimal */
#define PROCESSED  240
#define BYTES_MAX  512u

enum {
	BATCH,
	RECORD,
	PAYMENT,
	SIDE,
	TRANSACTION,
	ENTRY,
	BALANCE,
	SEQUENCE,
	BEGIN,
	COMMIT,
	STATEMENTS,
};

static const char SCHEMA[] =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
    "CREATE TABLE batch (card TEXT, digest BLOB, first INTEGER, n INTEGER,"
    " bytes BLOB, processed BLOB, time INTEGER, PRIMARY KEY (card, digest));"
    "CREATE TABLE record (card TEXT, number INTEGER, bytes BLOB, batch BLOB,"
    " PRIMARY KEY (card, number));"
    "CREATE TABLE payment (request_digest BLOB PRIMARY KEY, a BLOB, c BLOB,"
    " amount INTEGER, currency INTEGER, payer TEXT, payee TEXT, n INTEGER,"
    " m INTEGER, time INTEGER, record INTEGER, payer_time INTEGER, s BLOB);"
    "CREATE TABLE side (request_digest BLOB, side INTEGER, number INTEGER,"
    " time INTEGER, s BLOB, PRIMARY KEY (request_digest, side));"
    "CREATE TABLE posting (id INTEGER PRIMARY KEY, time INTEGER, kind TEXT,"
    " reference TEXT, UNIQUE (kind, reference));"
    "CREATE TABLE entry (posting INTEGER, account INTEGER, amount INTEGER,"
    " PRIMARY KEY (posting, account));"
    "CREATE INDEX entry_account ON entry (account);"
    "CREATE TABLE balance (account INTEGER PRIMARY KEY, balance INTEGER);"
    "CREATE TABLE sequence (name TEXT PRIMARY KEY, next INTEGER);"
    "INSERT INTO sequence VALUES ('posting', 1);";

static const char *const TEXT[STATEMENTS] = {
    [BATCH] = "INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, 1)",
    [RECORD] = "INSERT INTO record VALUES (?, ?, ?, ?)",
    [PAYMENT] = "INSERT INTO payment VALUES"
		" (?1, ?1, ?1, 1, 156, ?2, ?2, ?3, ?3, 1, ?3, 1, ?4)",
    [SIDE] = "INSERT INTO side VALUES (?1, ?2, ?3, 1, ?4)",
    [TRANSACTION] = "INSERT INTO posting VALUES (?, 1, ?, ?)",
    [ENTRY] = "INSERT INTO entry VALUES (?, ?, ?)",
    [BALANCE] = "UPDATE balance SET balance = ? WHERE account = ?",
    [SEQUENCE] = "UPDATE sequence SET next = next + 1 WHERE name = 'posting'",
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
};

struct rows {
	sqlite3 *db;
	sqlite3_stmt *st[STATEMENTS];
	sqlite3_int64 posting, batches;
};

int
rows_open(const char *path, struct rows **out)
{
	struct rows *r = calloc(1, sizeof(*r));
	char text[80];
	bool good;

	*out = r;
	if (r == NULL)
		return JZ_ERR_MEMORY;
	good = sqlite3_open(path, &r->db) == SQLITE_OK &&
	    sqlite3_exec(r->db, SCHEMA, NULL, NULL, NULL) == SQLITE_OK;
	for (int i = 0; good && i < ACCOUNTS; i++) {
		(void)snprintf(text, sizeof(text),
		    "INSERT INTO balance VALUES (%d, 0)", i);
		good = sqlite3_exec(r->db, text, NULL, NULL, NULL) == SQLITE_OK;
	}
	for (int i = 0; good && i < STATEMENTS; i++)
		good = sqlite3_prepare_v2(
			   r->db, TEXT[i], -1, &r->st[i], NULL) == SQLITE_OK;
	return good ? 0 : JZ_ERR_DATABASE;
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

static int
step(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	(void)sqlite3_reset(st);
	return rc == SQLITE_DONE ? 0 : JZ_ERR_DATABASE;
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
text(sqlite3_stmt *st, int column, const char *p, int len)
{
	(void)sqlite3_bind_text(st, column, p, len, SQLITE_STATIC);
}

/* Two entries, two balances. */
static int
post(struct rows *r, const char *reference, bool paid)
{
	int e;

	r->posting++;
	number(r->st[TRANSACTION], 1, r->posting);
	text(r->st[TRANSACTION], 2, paid ? "paid" : "received", -1);
	text(r->st[TRANSACTION], 3, reference, REFERENCE);
	if ((e = step(r->st[SEQUENCE])) != 0 ||
	    (e = step(r->st[TRANSACTION])) != 0)
		return e;
	for (int side = 0; side < 2 && e == 0; side++) {
		sqlite3_int64 account = side ? 0 : 1 + r->posting % 63;

		number(r->st[ENTRY], 1, r->posting);
		number(r->st[ENTRY], 2, account);
		number(r->st[ENTRY], 3, side ? 1 : -1);
		e = step(r->st[ENTRY]);
		number(r->st[BALANCE], 1, r->posting);
		number(r->st[BALANCE], 2, account);
		if (e == 0)
			e = step(r->st[BALANCE]);
	}
	return e;
}

/* The payer comes first, and with it the payment's own row. */
static int
one_record(struct rows *r, const char *card, bool paid, struct jz_span bytes,
    const uint8_t *digest)
{
	/* Anywhere in the index, as a digest is. */
	const char *hex = (const char *)bytes.data;
	const uint8_t *request = bytes.data;
	int e;

	text(r->st[RECORD], 1, card, JZ_ID_BYTES);
	number(r->st[RECORD], 2, r->posting);
	blob(r->st[RECORD], 3, bytes.data, bytes.len);
	blob(r->st[RECORD], 4, digest, JZ_DIGEST_BYTES);
	if ((e = step(r->st[RECORD])) != 0)
		return e;
	if (paid) {
		blob(r->st[PAYMENT], 1, request, JZ_DIGEST_BYTES);
		text(r->st[PAYMENT], 2, card, JZ_ID_BYTES);
		number(r->st[PAYMENT], 3, r->posting);
		blob(r->st[PAYMENT], 4, bytes.data, JZ_SIGNATURE_BYTES);
		e = step(r->st[PAYMENT]);
	}
	blob(r->st[SIDE], 1, request, JZ_DIGEST_BYTES);
	number(r->st[SIDE], 2, paid ? 1 : 2);
	number(r->st[SIDE], 3, r->posting);
	blob(r->st[SIDE], 4, bytes.data, JZ_SIGNATURE_BYTES);
	if (e == 0)
		e = step(r->st[SIDE]);
	return e != 0 ? e : post(r, hex, paid);
}

int
rows_batch(struct rows *r, const char *card, bool paid, unsigned n,
    struct jz_span batch)
{
	/* The end of a batch is its signature: never the same twice. */
	const uint8_t *signature = batch.data + batch.len - JZ_SIGNATURE_BYTES;
	const size_t each = batch.len / n < BYTES_MAX ? batch.len / n
						      : BYTES_MAX;
	uint8_t bytes[BYTES_MAX];
	int e;

	text(r->st[BATCH], 1, card, JZ_ID_BYTES);
	blob(r->st[BATCH], 2, signature, JZ_DIGEST_BYTES);
	number(r->st[BATCH], 3, r->batches++);
	number(r->st[BATCH], 4, n);
	blob(r->st[BATCH], 5, batch.data, batch.len);
	blob(r->st[BATCH], 6, batch.data, PROCESSED);
	if ((e = step(r->st[BATCH])) != 0)
		return e;
	for (unsigned i = 0; i < n && e == 0; i++) {
		memcpy(bytes, batch.data + i * each, each);
		for (unsigned k = 0; k < REFERENCE; k++)
			bytes[k] = (uint8_t)('a' +
			    (signature[(k + 7 * i) % JZ_SIGNATURE_BYTES] +
				k * i) % 26);
		e = one_record(r, card, paid, jz_span(bytes, each), signature);
	}
	return e;
}
