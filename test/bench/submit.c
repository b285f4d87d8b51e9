/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an e-signature card has signed, judged by its issuer and executed in its
 * books, one after the other: against the verification, the agreement that
 * opens the joint password, and the bare rows in three transactions (used up,
 * posted, done).
 */
#include "bench.h"
#include "world.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../host/sign.h"
#include "../support/contact.h"

#define EACH  4u /* of a sample */
#define COUNT (2 * EACH * BENCH_SAMPLES)
#define OTHER "other"

static const struct world_list submission = {0, 1, 0, 1};

enum {
	BEGIN,
	USE_UP,
	ACCEPT,
	COMMIT,
	DONE,
	ESIGN_STATEMENTS,
};

static const char *const ESIGN_TEXT[ESIGN_STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [USE_UP] = "UPDATE esign_card SET counter = ?",
    [ACCEPT] = ("INSERT INTO esign_entry (card, counter, state, digest)"
		" SELECT id, ?, 1, zeroblob(32) FROM esign_card"),
    [COMMIT] = "COMMIT",
    [DONE] = "UPDATE esign_entry SET state = 2 WHERE counter = ?",
};

enum {
	BOOKS_BEGIN,
	SEQUENCE,
	TRANSACTION,
	ENTRY_FROM,
	ENTRY_TO,
	BALANCE_FROM,
	BALANCE_TO,
	BOOKS_COMMIT,
	BOOKS_STATEMENTS,
};

#define ACCOUNT_ID(name)                                                       \
	"(SELECT id FROM ledger_account WHERE name = 'account:" name "')"

/* Each with the number of the posting. */
static const char *const BOOKS_TEXT[BOOKS_STATEMENTS] = {
    [BOOKS_BEGIN] = "BEGIN IMMEDIATE",
    [SEQUENCE] = "UPDATE sequence SET next = ? WHERE name = 'posting'",
    [TRANSACTION] = "INSERT INTO ledger_transaction (id, time, kind,"
		    " reference) VALUES (?1, 1, 'transfer', 'x' || ?1)",
    [ENTRY_FROM] = "INSERT INTO ledger_entry (posting, account, amount)"
		   " VALUES (?, " ACCOUNT_ID(WORLD_ACCOUNT) ", -1)",
    [ENTRY_TO] = "INSERT INTO ledger_entry (posting, account, amount)"
		 " VALUES (?, " ACCOUNT_ID(OTHER) ", 1)",
    [BALANCE_FROM] = "UPDATE ledger_balance SET balance = ?"
		     " WHERE account = " ACCOUNT_ID(WORLD_ACCOUNT),
    [BALANCE_TO] = "UPDATE ledger_balance SET balance = ?"
		   " WHERE account = " ACCOUNT_ID(OTHER),
    [BOOKS_COMMIT] = "COMMIT",
};

struct bare {
	sqlite3 *db;
	sqlite3_stmt *st[BOOKS_STATEMENTS];
	int n;
};

struct submitting {
	struct jz_issuer_esign desk;
	struct contact_card card;
	struct world_keys keys;
	uint8_t bytes[COUNT][JZ_ESIGN_SUBMISSION_MAX];
	size_t len[COUNT];
	unsigned next;
	sqlite3_int64 number;
	struct bare esign, books;
};

static int
submit_ours(void *arg)
{
	struct submitting *s = arg;
	enum jz_esign_verdict v = JZ_ESIGN_EXECUTED;
	int e = 0;

	for (unsigned i = 0; i < EACH && e == 0; i++, s->next++) {
		if (s->next == COUNT)
			return JZ_ERR_INTERNAL;
		e = jz_esign_submit(&s->desk.verifier,
		    jz_span(s->bytes[s->next], s->len[s->next]), &v);
		if (e == 0 && v != JZ_ESIGN_EXECUTED)
			e = JZ_ERR_REFUSED;
	}
	return e;
}

/* ---- the floor ---------------------------------------------------------- */

static int
run(struct bare *b, int from, int to, sqlite3_int64 n)
{
	int rc = SQLITE_DONE;

	for (int i = from; i <= to && rc == SQLITE_DONE; i++) {
		if (sqlite3_bind_parameter_count(b->st[i]) > 0)
			(void)sqlite3_bind_int64(b->st[i], 1, n);
		rc = sqlite3_step(b->st[i]);
		(void)sqlite3_reset(b->st[i]);
	}
	return rc == SQLITE_DONE ? 0 : JZ_ERR_DATABASE;
}

static int
submit_least(void *arg)
{
	struct submitting *s = arg;
	int e = 0;

	for (unsigned i = 0; i < EACH && e == 0; i++) {
		const sqlite3_int64 n = ++s->number;

		e = world_crypto(&s->keys, &submission);
		if (e == 0)
			e = run(&s->esign, BEGIN, COMMIT, n);
		if (e == 0)
			e = run(&s->books, 0, BOOKS_COMMIT, n);
		if (e == 0)
			e = run(&s->esign, BEGIN, BEGIN, n);
		if (e == 0)
			e = run(&s->esign, DONE, DONE, n);
		if (e == 0)
			e = run(&s->esign, COMMIT, COMMIT, n);
	}
	return e;
}

static int
open_bare(struct bare *b, const char *from, const char *to,
    const char *const *text, int n)
{
	char sql[4 * WORLD_PATH_MAX];
	bool good;

	(void)snprintf(sql, sizeof(sql), "VACUUM INTO '%s'", to);
	good = sqlite3_open(from, &b->db) == SQLITE_OK &&
	    sqlite3_exec(b->db, sql, NULL, NULL, NULL) == SQLITE_OK;
	(void)sqlite3_close(b->db);
	b->db = NULL;
	good = good && sqlite3_open(to, &b->db) == SQLITE_OK &&
	    sqlite3_exec(b->db,
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		"PRAGMA foreign_keys = ON",
		NULL, NULL, NULL) == SQLITE_OK;
	for (; good && b->n < n; b->n++)
		good = sqlite3_prepare_v2(b->db, text[b->n], -1, &b->st[b->n],
			   NULL) == SQLITE_OK;
	return good ? 0 : JZ_ERR_DATABASE;
}

static void
close_bare(struct bare *b)
{
	for (int i = 0; i < b->n; i++)
		(void)sqlite3_finalize(b->st[i]);
	(void)sqlite3_close(b->db);
}

static int
open_floor(struct submitting *s, struct world *w)
{
	char from[2 * WORLD_PATH_MAX], to[WORLD_PATH_MAX];
	int e;

	(void)snprintf(from, sizeof(from), "%s/esign.db", w->issuer_dir);
	world_path(w, "esign-rows.db", to);
	e = open_bare(&s->esign, from, to, ESIGN_TEXT, ESIGN_STATEMENTS);
	if (e != 0)
		return e;
	(void)snprintf(from, sizeof(from), "%s/issuer.db", w->issuer_dir);
	world_path(w, "books-rows.db", to);
	/* Above every number in the copies. */
	s->number = 1000000000;
	return open_bare(&s->books, from, to, BOOKS_TEXT, BOOKS_STATEMENTS);
}

/* ---- what is submitted -------------------------------------------------- */

/* A contact, and what the user reads off the card. */
static int
sign_one(struct submitting *s, unsigned k)
{
	uint8_t order[JZ_ESIGN_ORDER_MAX], signature[JZ_ESIGN_SIGNATURE_MAX];
	char password[JZ_VIRTUAL_LINE_BYTES];
	struct jz_buffer b = jz_buffer(signature, sizeof(signature));
	struct jz_buffer out = jz_buffer(s->bytes[k], sizeof(s->bytes[k]));
	struct jz_esign_submission m;
	size_t len;
	int e = contact_order(WORLD_ACCOUNT, OTHER, order, sizeof(order), &len);

	if (e == 0)
		e = jz_sign_contact(&s->card.session, jz_span(order, len), &b);
	if (e == 0 && !contact_password(&s->card, password))
		e = JZ_ERR_INTERNAL;
	if (e != 0)
		return e;
	m = (struct jz_esign_submission){.order = jz_span(order, len),
	    .signature = jz_buffer_span(&b),
	    .typed = jz_span(password, strlen(password))};
	e = jz_esign_put_submission(&m, &out);
	s->len[k] = out.len;
	return e;
}

static int
prepare(struct submitting *s, struct world *w)
{
	int e = jz_issuer_account_open(w->issuer, OTHER, OTHER);

	if (e == 0)
		e = jz_issuer_deposit(w->issuer, WORLD_ACCOUNT, COUNT);
	if (e == 0)
		e = jz_issuer_esign_open(
		    w->issuer, w->issuer_dir, WORLD_PASSPHRASE, &s->desk);
	if (e == 0)
		e = world_keys_new(&s->keys, w->suite);
	if (e == 0)
		e = contact_card_new(&s->card, w->issuer, &s->desk.verifier,
		    WORLD_ACCOUNT, w->suite, 0);
	for (unsigned k = 0; k < COUNT && e == 0; k++)
		e = sign_one(s, k);
	return e != 0 ? e : open_floor(s, w);
}

int
bench_submit(struct bench *b, struct world *w)
{
	static const char floor[] =
	    "verification, agreement, its rows in three transactions";
	static const char aim[] = "90 % of the floor's speed";
	struct submitting *s = calloc(1, sizeof(*s));
	const bool gm = w->suite == JZ_SUITE_GM;
	const struct bench_case what[] = {
	    {gm ? "an e-signature judged and executed, suite gm"
		: "an e-signature judged and executed, suite nist",
		floor, submit_ours, submit_least, s, 0, aim, 1 / 0.9,
		BENCH_WALL},
	    {gm ? "an e-signature judged and executed, CPU time, suite gm"
		: "an e-signature judged and executed, CPU time, suite nist",
		floor, submit_ours, submit_least, s, 0, aim, 1 / 0.9,
		BENCH_CPU},
	};
	int e = s == NULL ? JZ_ERR_MEMORY : prepare(s, w);

	for (int i = 0; i < 2 && e == 0; i++)
		e = bench_run_parts(b, &what[i], EACH);
	if (s != NULL) {
		close_bare(&s->esign);
		close_bare(&s->books);
		contact_card_free(&s->card);
		world_keys_free(&s->keys);
		jz_issuer_esign_close(&s->desk);
	}
	free(s);
	return e;
}
