/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an e-signature card has signed, judged by its issuer and executed in its
 * books: against the verification, the agreement that opens the joint password,
 * and the bare rows in three transactions (used up, posted, done).  One after
 * the other; and a stream on all CPUs, where both sides write a group in these
 * three.
 */
#include "bench.h"
#include "world.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../apdu/error.h"
#include "../../host/sign.h"
#include "../support/contact.h"
#include "../support/signer.h"

#define EACH  4u /* of a sample */
#define COUNT (2 * EACH * BENCH_SAMPLES)
#define OTHER "other"

#define THREADS_MAX 16u
#define GROUP	    128u /* of a transaction, on both sides */
/* Submissions of a sample of the stream. */
#define NIST_MANY 1024u
#define GM_MANY	  512u

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
    [DONE] = ("UPDATE esign_entry SET state = 2 WHERE counter = ?"
	      " AND card = (SELECT id FROM esign_card)"),
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

struct letter {
	uint8_t data[JZ_ESIGN_SUBMISSION_MAX];
	size_t len;
};

struct hand {
	struct world_keys keys;
	unsigned n; /* of each sample */
	int err;
	pthread_t thread;
};

/* A stream. */
struct many {
	struct signer signer;
	unsigned each, left;
	size_t n, next;
	struct letter *letter;
	struct hand hand[THREADS_MAX];
	unsigned n_hands;
};

struct submitting {
	struct jz_issuer_esign desk;
	struct many many;
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

/* ---- a stream ----------------------------------------------------------- */

static int
feed_next(void *arg, struct jz_buffer *out)
{
	struct many *m = arg;
	const struct letter *l;

	if (m->left == 0)
		return JZ_ERR_NOT_FOUND;
	if (m->next == m->n)
		return JZ_ERR_INTERNAL;
	m->left--;
	l = &m->letter[m->next++];
	jz_put(out, l->data, l->len);
	return 0;
}

static int
feed_told(void *arg, uint64_t n, int err, enum jz_esign_verdict verdict)
{
	(void)arg;
	(void)n;
	return err == 0 && verdict != JZ_ESIGN_EXECUTED ? JZ_ERR_REFUSED : err;
}

static int
many_ours(void *arg)
{
	struct submitting *s = arg;
	const struct jz_esign_feed feed = {feed_next, feed_told, &s->many};

	s->many.left = s->many.each;
	return jz_esign_many(&s->desk.verifier, &feed, 0);
}

static void *
verify_share(void *arg)
{
	struct hand *h = arg;

	h->err = 0;
	for (unsigned k = 0; k < h->n && h->err == 0; k++)
		h->err = world_crypto(&h->keys, &submission);
	return NULL;
}

static int
verify_all(struct many *m)
{
	int e = 0;

	for (unsigned k = 0; k < m->n_hands; k++)
		if (pthread_create(&m->hand[k].thread, NULL, verify_share,
			&m->hand[k]) != 0)
			return JZ_ERR_SYSTEM;
	for (unsigned k = 0; k < m->n_hands; k++) {
		(void)pthread_join(m->hand[k].thread, NULL);
		if (e == 0)
			e = m->hand[k].err;
	}
	return e;
}

/* These statements for so many numbers, in one transaction. */
static int
together(struct bare *b, int from, int to, int commit, sqlite3_int64 first,
    unsigned n)
{
	int e = run(b, BEGIN, BEGIN, 0);

	for (unsigned i = 0; i < n && e == 0; i++)
		e = run(b, from, to, first + i);
	return e != 0 ? e : run(b, commit, commit, 0);
}
_Static_assert((int)BEGIN == (int)BOOKS_BEGIN, "of both");

static int
many_least(void *arg)
{
	struct submitting *s = arg;
	unsigned left = s->many.each;
	int e = verify_all(&s->many);

	while (left > 0 && e == 0) {
		const unsigned n = left < GROUP ? left : GROUP;
		const sqlite3_int64 first = s->number + 1;

		e = together(&s->esign, USE_UP, ACCEPT, COMMIT, first, n);
		if (e == 0)
			e = together(&s->books, SEQUENCE, BALANCE_TO,
			    BOOKS_COMMIT, first, n);
		if (e == 0)
			e = together(&s->esign, DONE, DONE, COMMIT, first, n);
		s->number += n;
		left -= n;
	}
	return e;
}

static int
prepare_many(struct submitting *s, enum jz_suite suite)
{
	static const struct signer_order order = {
	    .to = OTHER, .amount = 1, .currency = WORLD_CURRENCY};
	struct many *m = &s->many;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int e = signer_new(
	    &m->signer, &s->desk.verifier, "CN00000000309999", WORLD_ACCOUNT);

	m->letter = calloc(m->n, sizeof(*m->letter));
	if (m->letter == NULL)
		return JZ_ERR_MEMORY;
	for (size_t k = 0; k < m->n && e == 0; k++) {
		struct letter *l = &m->letter[k];
		struct jz_buffer b = jz_buffer(l->data, sizeof(l->data));

		e = signer_sign(&m->signer, &s->desk.verifier, &order, &b);
		l->len = b.len;
	}
	m->n_hands = cpus < 1	 ? 1
	    : cpus > THREADS_MAX ? THREADS_MAX
				 : (unsigned)cpus;
	for (unsigned k = 0; k < m->n_hands && e == 0; k++) {
		m->hand[k].n =
		    m->each / m->n_hands + (k < m->each % m->n_hands ? 1 : 0);
		e = world_keys_new(&m->hand[k].keys, suite);
	}
	return e;
}

static void
free_many(struct many *m)
{
	for (unsigned k = 0; k < m->n_hands; k++)
		world_keys_free(&m->hand[k].keys);
	signer_free(&m->signer);
	free(m->letter);
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

	s->many.each = w->suite == JZ_SUITE_GM ? GM_MANY : NIST_MANY;
	s->many.n = 2 * (size_t)BENCH_SAMPLES * s->many.each;
	if (e == 0)
		e = jz_issuer_deposit(
		    w->issuer, WORLD_ACCOUNT, COUNT + s->many.n);
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
	if (e == 0)
		e = open_floor(s, w);
	/* The floor's copy knows one card. */
	return e != 0 ? e : prepare_many(s, w->suite);
}

int
bench_submit(struct bench *b, struct world *w)
{
	static const char floor[] =
	    "verification, agreement, its rows in three transactions";
	static const char all_floor[] =
	    "the same on all CPUs, its rows in three for each 128";
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
	const struct bench_case many[] = {
	    {gm ? "e-signatures judged and executed, all CPUs, suite gm"
		: "e-signatures judged and executed, all CPUs, suite nist",
		all_floor, many_ours, many_least, s, 0, aim, 1 / 0.9,
		BENCH_WALL},
	    {gm ? "the same, CPU time of all threads, suite gm"
		: "the same, CPU time of all threads, suite nist",
		all_floor, many_ours, many_least, s, 0, aim, 1 / 0.9,
		BENCH_PROCESS},
	};
	int e = s == NULL ? JZ_ERR_MEMORY : prepare(s, w);

	for (int i = 0; i < 2 && e == 0; i++)
		e = bench_run_parts(b, &what[i], EACH);
	bench_unpin();
	for (int i = 0; i < 2 && e == 0; i++)
		e = bench_run_parts(b, &many[i], s->many.each);
	bench_pin(b);
	if (s != NULL) {
		close_bare(&s->esign);
		close_bare(&s->books);
		free_many(&s->many);
		contact_card_free(&s->card);
		world_keys_free(&s->keys);
		jz_issuer_esign_close(&s->desk);
	}
	free(s);
	return e;
}
