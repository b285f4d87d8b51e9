/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer's side of the e-signature card (JPS-13, -14, -15, -19, -20): who
 * signs and types the joint password moves money, once.
 *
 * A verifier stands on a store, which remembers cards and counters, and on an
 * executor, which does what was signed: the bank's ledger, or a third party's
 * server.  Both are const tables.
 *
 * A submission (FF37) is judged in one transaction of the store, which is
 * committed before the executor is called; its outcome is written in another.
 * So a crash between the two executes nothing twice: the same submission again
 * asks the executor again, under the same reference, and an executor does the
 * same reference once.
 *
 * A card's counter is used up by the first right submission.  A wrong joint
 * password uses nothing up: the user may type it again, `limit` times in a row.
 * Only what the card has signed counts, so nobody locks an account whose card he
 * does not have; a wrong submission that is sent again counts once.  Locked is
 * the account: all cards that sign for it.
 *
 * Many submissions are judged in groups, on all cores (jz_esign_many()); a
 * daemon does the same with those that come at once (serve/desk.h).  What comes
 * of them is what would have come of one after the other.
 *
 * Used by one thread at a time.
 */
#ifndef JZ_HOST_ISSUER_ESIGN_H
#define JZ_HOST_ISSUER_ESIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "../../apdu/esign.h"
#include "../../keys/crypto.h"
#include "issuer.h"

/* Wrong joint passwords in a row that lock an account (JPS-14).  The most leaves
 * who guesses one of 10^6 a chance of 1 in 10^5. */
#define JZ_ESIGN_FAILURES_DEFAULT 3
#define JZ_ESIGN_FAILURES_MAX	  10

/* In order of precedence: the first that applies. */
enum jz_esign_verdict {
	JZ_ESIGN_EXECUTED = 0,
	JZ_ESIGN_MALFORMED,	   /* not a submission */
	JZ_ESIGN_UNKNOWN_CARD,	   /* not registered */
	JZ_ESIGN_BAD_SIGNATURE,	   /* not this card's, or over other data */
	JZ_ESIGN_EXECUTED_BEFORE,  /* the same again: done then, not now */
	JZ_ESIGN_REPLAY,	   /* the counter was used by another one */
	JZ_ESIGN_LOCKED,	   /* too many wrong passwords */
	JZ_ESIGN_WRONG_ACCOUNT,	   /* not the one bound to the card */
	JZ_ESIGN_KEY,		   /* encrypted to another key */
	JZ_ESIGN_PASSWORD,	   /* not the joint password: a try is gone */
	JZ_ESIGN_EXECUTOR_REFUSED, /* the counter is used up all the same */
	JZ_ESIGN_VERDICTS,
};
const char *jz_esign_verdict_name(enum jz_esign_verdict v);
const char *jz_esign_verdict_text(enum jz_esign_verdict v, int lang);

/* ---- what is remembered ------------------------------------------------- */

struct jz_esign_card {
	uint8_t id[JZ_ID_BYTES];
	uint8_t public_key[JZ_POINT_BYTES];
	char account[JZ_ACCOUNT_MAX + 1];
	uint32_t counter; /* the highest that was used */
	uint32_t failures;
	bool locked;
	/* Of the last submission that failed, and zero without. */
	uint8_t failed[JZ_DIGEST_BYTES];
};

enum jz_esign_state {
	JZ_ESIGN_ACCEPTED = 1, /* the executor has not said yet */
	JZ_ESIGN_DONE,
	JZ_ESIGN_REFUSED,
};

struct jz_esign_entry {
	uint8_t card_id[JZ_ID_BYTES];
	uint32_t counter;
	enum jz_esign_state state;
	uint8_t digest[JZ_DIGEST_BYTES]; /* of the whole submission */
};

/*
 * All return 0, JZ_ERR_NOT_FOUND for a row that is not there, or another error.
 * begin() and end() are around everything else; end() commits when rc is 0, and
 * returns rc or why not.
 */
struct jz_esign_store {
	int (*begin)(void *store);
	int (*end)(void *store, int rc);
	/* Also where no begin() is open. */
	int (*card)(void *store, const uint8_t id[static JZ_ID_BYTES],
	    struct jz_esign_card *out);
	int (*card_set)(void *store, const struct jz_esign_card *card);
	int (*entry)(void *store, const uint8_t id[static JZ_ID_BYTES],
	    uint32_t counter, struct jz_esign_entry *out);
	int (*entry_set)(void *store, const struct jz_esign_entry *entry);
	/* Locks all cards of an account, or unlocks them and forgets their
	 * failures. */
	int (*lock)(void *store, const char *account, bool locked);
};

/* In a SQLite file of its own; made when it is not there. */
struct jz_esign_db;
extern const struct jz_esign_store jz_esign_sqlite;
int jz_esign_db_open(const char *path, struct jz_esign_db **out);
void jz_esign_db_free(struct jz_esign_db **db);
/* The limit that is kept in the file, for all who judge by it; the default until
 * one is set.  1 to JZ_ESIGN_FAILURES_MAX: JZ_ERR_RANGE. */
int jz_esign_db_limit(struct jz_esign_db *db, uint32_t *out);
int jz_esign_db_set_limit(struct jz_esign_db *db, uint32_t limit);

/* ---- what is done ------------------------------------------------------- */

#define JZ_ESIGN_REFERENCE_CAP 32 /* ID, colon, ten digits */

struct jz_esign_transfer {
	char reference[JZ_ESIGN_REFERENCE_CAP]; /* of this card and counter */
	struct jz_esign_order order;		/* lent */
};

struct jz_esign_executor {
	/* Once for each reference; again, also by several at once, it says
	 * what it said.  JZ_ERR_REFUSED: never, whatever changes; any other
	 * error: ask again. */
	int (*execute)(void *arg, const struct jz_esign_transfer *transfer);
	void *arg;
	/*
	 * Around several calls; NULL, both: each stands by itself.  end() with 0
	 * makes all of it durable or says why not; with an error it undoes what
	 * was done since begin(), and returns it.  Whatever it returned, the
	 * same may be asked again.
	 */
	int (*begin)(void *arg);
	int (*end)(void *arg, int rc);
};

/* From account to account in this issuer's books, lent.  What it refuses is
 * told by jz_issuer_refusal(). */
struct jz_esign_executor jz_esign_bank(struct jz_issuer *issuer);

/* ---- the verifier ------------------------------------------------------- */

struct jz_esign_verifier {
	struct jz_engine engine;
	const struct jz_key_pair *key; /* cards encrypt to it; lent */
	uint8_t key_version;
	uint32_t limit; /* of wrong passwords in a row */
	const struct jz_esign_store *store;
	void *store_state;
	/* Another handle on the same store, for card() alone, in another thread
	 * than the rest of it; may be NULL. */
	void *reader;
	struct jz_esign_executor executor;
};

/* A card that signs for this account: JZ_ERR_EXISTS, JZ_ERR_RANGE. */
int jz_esign_register(const struct jz_esign_verifier *v,
    const uint8_t id[static JZ_ID_BYTES],
    const uint8_t public_key[static JZ_POINT_BYTES], const char *account);
/* The account of this card with all its cards, by an employee.
 * JZ_ERR_NOT_FOUND. */
int jz_esign_unlock(
    const struct jz_esign_verifier *v, const uint8_t id[static JZ_ID_BYTES]);

/*
 * Judges a submission and executes it.  0 with the verdict; an error says that
 * nothing was decided, and the same may be sent again.
 */
int jz_esign_submit(const struct jz_esign_verifier *v,
    struct jz_span submission, enum jz_esign_verdict *verdict);

/*
 * Many submissions, of any cards, as a stream: while one group is written and
 * executed, signatures and joint passwords of the next are examined by
 * `threads` threads (0: one for each CPU), with engines of their own of the
 * verifier's suite.  Each gets what it would have got from jz_esign_submit(), in
 * their order.
 */
struct jz_esign_feed {
	/* The next submission into an empty buffer, which has room for any;
	 * JZ_ERR_NOT_FOUND: there is none any more; another error ends it. */
	int (*next)(void *arg, struct jz_buffer *out);
	/* What became of submission n, from 0: what jz_esign_submit() gives.  It
	 * is durable when this is called.  0 to go on.  May be NULL. */
	int (*told)(
	    void *arg, uint64_t n, int err, enum jz_esign_verdict verdict);
	void *arg;
};
/* 0 when all have been told, whatever their verdict; or an error of next(), of
 * told(), of memory or of threads.  What has been told stands; the rest may be
 * sent again. */
int jz_esign_many(const struct jz_esign_verifier *v,
    const struct jz_esign_feed *feed, unsigned threads);

/*
 * The same for a server: the request is a JSON object, {"message": FF37 in
 * hexadecimal}, the response one with a verdict's name and its texts,
 *
 *	{"verdict": "EXECUTED", "text": {"en": "executed", "zh": "已执行"}}
 *
 * which the caller frees with free(); NULL when there is no memory for it.  The
 * status of HTTP: 200 executed, now or before; 400 malformed; 404 an unknown
 * card; 409 a counter that is used up; 423 locked; 403 any other refusal; 503,
 * verdict AGAIN: nothing was decided, the same may be sent again.
 */
unsigned jz_esign_submit_json(
    const struct jz_esign_verifier *v, struct jz_span request, char **response);
/* As jz_esign_submit(), by somebody. */
typedef int jz_esign_submit_fn(
    void *arg, struct jz_span submission, enum jz_esign_verdict *verdict);
unsigned jz_esign_json(jz_esign_submit_fn *submit, void *arg,
    struct jz_span request, char **response);

/* ---- in an issuer's directory ------------------------------------------- */

/*
 * The verifier of an issuer: its key in keys/esign.key, sealed under the
 * passphrase of its other keys and made when it is not there; its store in
 * esign.db, and the limit in it; the issuer's books as executor.  The issuer is lent.
 * JZ_ERR_PASSPHRASE, JZ_ERR_KEYFILE, JZ_ERR_DATABASE.
 */
struct jz_issuer_esign {
	struct jz_esign_verifier verifier;
	struct jz_esign_db *db, *reader;
	struct jz_key_pair key;
};
int jz_issuer_esign_open(struct jz_issuer *issuer, const char *dir,
    const struct jz_secret *passphrase, struct jz_issuer_esign *out);
/* Wipes the key. */
void jz_issuer_esign_close(struct jz_issuer_esign *e);

#endif
