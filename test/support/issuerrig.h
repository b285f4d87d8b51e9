/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An issuer in a directory of its own, for the tests of one program, and its
 * database from outside.
 */
#ifndef JZ_TEST_SUPPORT_ISSUERRIG_H
#define JZ_TEST_SUPPORT_ISSUERRIG_H

#include "../../host/issuer/internal.h"
#include "fakecard.h"

#define RIG_CURRENCY   156
#define RIG_PASSPHRASE "canary of a rig 90ab"
#define RIG_DEPOSIT    10000 /* of rig_paid_and_loaded() */
#define RIG_AMOUNT     2000
#define RIG_DAY	       ((int64_t)24 * 60 * 60)

struct rig {
	char parent[64];   /* a directory made for this program */
	char dir[80];	   /* the issuer's, in it */
	char database[96]; /* its issuer.db */
	char store[256];   /* instead: a URI, or "" */
	struct jz_issuer *issuer;
	struct jz_engine engine;	   /* the cards' */
	int64_t now;			   /* by the issuer's clock */
	int64_t begin;			   /* what it was at first */
	unsigned named;			   /* accounts opened so far */
	bool met[JZ_REFUSAL_CONFLICT + 1]; /* by rig_refused() */
};

const struct jz_secret *rig_passphrase(void);

/* For cmocka_run_group_tests: one issuer for all; *state is the rig. */
int rig_setup(void **state);
int rig_teardown(void **state);
/*
 * After each test: the clock back, and ALL-1, ALL-2: every transaction sums to
 * zero and the books balance.
 */
int rig_after(void **state);

/* Another handle on the same directory. */
struct jz_issuer *rig_open(struct rig *r);

/* A new account with this much in it, and a card bound to it. */
void rig_card(struct rig *r, struct fakecard *c, uint64_t deposit);
/* The same, payee-only, with nothing in its account. */
void rig_shop(struct rig *r, struct fakecard *c);
int64_t rig_balance(struct rig *r, const struct fakecard *c);
int64_t rig_shadow(struct rig *r, const struct fakecard *c);
struct jz_books rig_books(struct rig *r);

/* Permission for a request, which must be given. */
struct letter rig_permit(struct rig *r, const struct letter *request);
/* The same of an unload. */
struct letter rig_permit_unload(struct rig *r, const struct letter *request);
/* Request, permission, proof: the proof, which nobody has been given. */
struct letter
rig_debit_card(struct rig *r, struct fakecard *c, uint64_t amount);
/* Request, permission, report.  The report. */
struct letter rig_load(struct rig *r, struct fakecard *c, uint64_t amount);
/* Request, challenge, sign-in, confirmation. */
void rig_sign_in(struct rig *r, struct fakecard *c);
/* The next batch of up to n records, signed. */
struct letter rig_batch(struct fakecard *c, uint32_t n);
/* Uploads it, which must be accepted, and clears the card's records. */
struct letter
rig_upload(struct rig *r, struct fakecard *c, const struct letter *batch);
/* Sign-in and all that is unsettled. */
void rig_settle(struct rig *r, struct fakecard *c);

/* Loaded, settled, signed in; then a payment and a load, not uploaded. */
void
rig_paid_and_loaded(struct rig *r, struct fakecard *c, struct fakecard *peer);
/* A batch of these records, whatever they say, signed. */
struct letter rig_batch_of(struct fakecard *c, uint32_t first, uint32_t n);

/* Hands a message in; the answer is dropped, and none after an error. */
typedef int rig_give(struct rig *r, const struct letter *l);
rig_give rig_give_permit, rig_give_report, rig_give_cancel, rig_give_challenge,
    rig_give_sign_in, rig_give_batch, rig_give_unload_request, rig_give_unload;

/* ---- the database from outside ------------------------------------------ */

/* A hash of every row of every table. */
uint64_t rig_snapshot(const struct rig *r);
/* The same without what is written about a refusal: incidents, the audit log,
 * revocation, and the numbers of these. */
uint64_t rig_booked(const struct rig *r);
/* Takes a database back to the schema before incidents and decisions. */
#define RIG_BEFORE_CONTROLS                                                    \
	"DROP TRIGGER load_report_not_after_unload;"                           \
	"DROP TABLE load_key;"                                                 \
	"DROP TABLE replacement_load; DROP TABLE replacement;"                 \
	"DROP TABLE unload;"                                                   \
	"DROP TABLE account_password;"                                         \
	"DROP TABLE transfer_refused;"                                         \
	"DROP TABLE card_closed; DROP TABLE written_off;"                      \
	"DROP TABLE decision; DROP TABLE proposal; DROP TABLE operator_end;"   \
	"DROP TABLE operator; DROP TABLE gap; DROP TABLE restored;"            \
	"DROP INDEX payment_payer; DROP TABLE incident; DROP TABLE audit;"     \
	"DELETE FROM sequence WHERE name IN ('audit', 'incident',"             \
	" 'proposal');"                                                        \
	"DROP TRIGGER ledger_account_no_delete;"                               \
	"DELETE FROM ledger_balance WHERE account IN (SELECT id FROM"          \
	" ledger_account WHERE kind IN ('fraud', 'lost'));"                    \
	"DELETE FROM ledger_account WHERE kind IN ('fraud', 'lost');"
/* Statements by another program: SQLite's result.  With PostgreSQL, which has no
 * triggers of ours, this leaves the test out. */
int rig_sql(const struct rig *r, const char *sql);
/* Leaves the test out with PostgreSQL. */
void rig_sqlite_only(const struct rig *r);
/* Keeps a copy of the database, or makes it what that was, while no issuer has
 * it open. */
void rig_backup(const struct rig *r);
void rig_put_back(const struct rig *r);
/* The first column of the first row. */
int64_t rig_number(const struct rig *r, const char *sql);

/*
 * A call gave `err`: it must have refused for this reason, and the database
 * must be what it was, by rig_snapshot() or rig_booked().
 */
void rig_refused(struct rig *r, int err, enum jz_refusal why, uint64_t before);

#endif
