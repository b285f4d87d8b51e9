/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the issuer keeps, behind functions that name it.  schema.c, sql*.c,
 * dialect.c, store*.c and ledger.c are the store; nothing above them says SQL.
 *
 * A handle is used by one thread at a time.  Whatever writes is called between
 * jz_store_begin(…, true) and jz_store_end(), which commits all of it or none.
 *
 * Functions return 0, JZ_ERR_NOT_FOUND where a row is looked for, or
 * JZ_ERR_DATABASE with jz_store_detail() saying why; JZ_ERR_CONTENDED when
 * another one's changes were in the way: the transaction may be tried again.
 */
#ifndef JZ_HOST_ISSUER_STORE_H
#define JZ_HOST_ISSUER_STORE_H

#include "issuer.h"

struct jz_store;

/*
 * A store's name is a file's, or a URI that begins with postgresql:// or
 * postgres:// (libpq's).
 *
 * Makes a new one; JZ_ERR_EXISTS when there is one.
 */
int jz_store_create(const char *name);
/* JZ_ERR_NOT_FOUND; JZ_ERR_UNSUPPORTED for a newer schema than ours. */
int jz_store_open(const char *name, struct jz_store **out);
void jz_store_free(struct jz_store **store);
/* Why the last call failed; "" when it did not. */
const char *jz_store_detail(const struct jz_store *s);
void jz_store_clear_detail(struct jz_store *s);
/* For what is wrong with what the store has, not with the store. */
void jz_store_set_detail(struct jz_store *s, const char *detail);

/*
 * One view of everything until the end; with `write`, as the only writer.
 * Within another one: what fails in the inner one leaves the outer one as it
 * was before, and what succeeds is committed with the outer one.
 */
int jz_store_begin(struct jz_store *s, bool write);
/* Commits when rc is 0, else rolls back.  Returns rc, or why not. */
int jz_store_end(struct jz_store *s, int rc);

int jz_store_setting(struct jz_store *s, const char *name, int64_t *value);
int jz_store_set(struct jz_store *s, const char *name, int64_t value);
/* The next number of a sequence: 1, 2, … without gaps. */
int jz_store_next(struct jz_store *s, const char *sequence, int64_t *out);
/* The numbers below `next` are taken; never back. */
int jz_store_skip(struct jz_store *s, const char *sequence, int64_t next);

/* ---- the ledger (ledger.c) ---------------------------------------------- */

#define JZ_LEDGER_NAME_MAX    64
#define JZ_LEDGER_ENTRIES_MAX 4

#define JZ_LEDGER_CASH	  "cash"
#define JZ_LEDGER_LOAD	  "transit:load"
#define JZ_LEDGER_PAYMENT "transit:payment"
#define JZ_LEDGER_FRAUD	  "loss:fraud"
#define JZ_LEDGER_LOST	  "lost"

enum jz_ledger_kind {
	JZ_LEDGER_KIND_CASH = 1,
	JZ_LEDGER_KIND_CUSTOMER,
	JZ_LEDGER_KIND_CARD,
	JZ_LEDGER_KIND_TRANSIT_LOAD,
	JZ_LEDGER_KIND_TRANSIT_PAYMENT,
	JZ_LEDGER_KIND_FRAUD, /* what copied cards have cost: below zero */
	JZ_LEDGER_KIND_LOST,  /* what was on cards that are lost */
};

/* Names an account of the ledger, "account:NAME" or "card:ID". */
struct jz_ledger_name {
	char text[JZ_LEDGER_NAME_MAX];
};
struct jz_ledger_name jz_ledger_customer(const char *account);
struct jz_ledger_name jz_ledger_card(const uint8_t id[static JZ_ID_BYTES]);

struct jz_ledger_entry {
	const char *account;
	int64_t amount;
};

/* Why value moves; with its reference, what it moves for is unique. */
enum jz_ledger_reason {
	JZ_LEDGER_DEPOSIT = 1,
	JZ_LEDGER_LOAD_PERMITTED,
	JZ_LEDGER_LOAD_REPORTED,
	JZ_LEDGER_LOAD_CANCELLED,
	JZ_LEDGER_PAID,
	JZ_LEDGER_RECEIVED,
	JZ_LEDGER_CLAIMED,  /* given up by the payee: to its account */
	JZ_LEDGER_RELEASED, /* given up by the payee: to the payer's account */
	JZ_LEDGER_TRANSFER, /* from account to account, by a signature */
	JZ_LEDGER_WRITTEN_OFF, /* a payment's transit to the fraud account */
	JZ_LEDGER_RESOLVED,    /* by two people: to somebody's account */
	JZ_LEDGER_CARD_LOST,   /* what was on a lost card */
	JZ_LEDGER_CLONE_LOSS,  /* a shadow below zero is made good */
	JZ_LEDGER_RESTORED,    /* a load that a restored ledger had lost */
	JZ_LEDGER_UNLOADED,    /* from a card to its account */
};

int
jz_ledger_open(struct jz_store *s, enum jz_ledger_kind kind, const char *name);
/*
 * Posts one transaction.  JZ_ERR_FUNDS when a customer's account would go
 * below zero, JZ_ERR_RANGE when a balance would leave 64 bits.  After an error
 * the surrounding transaction has to be rolled back.
 */
int
jz_ledger_post(struct jz_store *s, int64_t time, enum jz_ledger_reason reason,
    const char *reference, const struct jz_ledger_entry *entries, size_t n);
/* Whether this was posted (L2). */
int jz_ledger_posted(struct jz_store *s, enum jz_ledger_reason reason,
    const char *reference, bool *posted);
/* Moves a positive amount from one account to another. */
int
jz_ledger_move(struct jz_store *s, int64_t time, enum jz_ledger_reason reason,
    const char *reference, const char *from, const char *to, int64_t amount);
int jz_ledger_balance(struct jz_store *s, const char *name, int64_t *out);
/* The sum of the entries of all accounts of a kind. */
int jz_ledger_sum(struct jz_store *s, enum jz_ledger_kind kind, int64_t *out);
int jz_ledger_each(struct jz_store *s,
    int (*each)(const char *name, int64_t balance, void *arg), void *arg);
/* The entries of one account, in their order. */
int jz_ledger_lines(struct jz_store *s, const char *name, bool last,
    int (*each)(const struct jz_account_line *line, void *arg), void *arg);
/* What does not add up, counted; the detail names the last of it. */
int jz_ledger_audit(struct jz_store *s, unsigned *faults);

/* Why a transfer was refused for good (enum jz_refusal), or JZ_ERR_NOT_FOUND. */
int
jz_store_refused(struct jz_store *s, const char *reference, int64_t *reason);
int jz_store_refuse(
    struct jz_store *s, const char *reference, int64_t reason, int64_t time);

/* ---- customers ---------------------------------------------------------- */

int jz_store_customer(struct jz_store *s, const char *account, bool *blocked);
int jz_store_customer_add(
    struct jz_store *s, const char *account, const char *holder);
int
jz_store_customer_block(struct jz_store *s, const char *account, bool blocked);

struct jz_password_row {
	uint8_t salt[16], hash[32];
	int64_t failures; /* in a row */
};
int jz_store_password(
    struct jz_store *s, const char *account, struct jz_password_row *out);
int jz_store_password_set(struct jz_store *s, const char *account,
    const struct jz_password_row *row, int64_t time);
int jz_store_password_failures(
    struct jz_store *s, const char *account, int64_t failures);

/* ---- cards -------------------------------------------------------------- */

struct jz_card_row {
	uint8_t id[JZ_ID_BYTES];
	uint8_t asn[10];
	char account[JZ_ACCOUNT_MAX + 1];
	char holder[JZ_IDENTITY_MAX + 1];
	uint8_t public_key[JZ_POINT_BYTES];
	uint8_t flags;
	bool blocked;
	uint8_t certificate[JZ_CERTIFICATE_MAX];
	size_t certificate_len;
};

int jz_store_card(struct jz_store *s, const uint8_t id[static JZ_ID_BYTES],
    struct jz_card_row *out);
/* The card registered with this key, account, holder and flags. */
int jz_store_card_same(struct jz_store *s, struct jz_card_row *inout);
int jz_store_card_add(
    struct jz_store *s, const struct jz_card_row *card, int64_t time);
int jz_store_card_block(
    struct jz_store *s, const uint8_t id[static JZ_ID_BYTES], bool blocked);

/* ---- revocation --------------------------------------------------------- */

/* The newest act of revocation. */
int jz_store_revocation(struct jz_store *s, struct jz_revocation_story *out);
int jz_store_revocation_add(
    struct jz_store *s, const struct jz_revocation_story *r);
int jz_store_each_revocation(struct jz_store *s,
    int (*each)(const struct jz_revocation_story *r, void *arg), void *arg);

/* ---- loads -------------------------------------------------------------- */

struct jz_load_row {
	uint8_t card_id[JZ_ID_BYTES];
	uint32_t counter;
	uint64_t amount;
	int64_t time;			  /* the permission's */
	char account[JZ_ACCOUNT_MAX + 1]; /* debited */
	uint8_t request_digest[JZ_DIGEST_BYTES];
	uint8_t permission_digest[JZ_DIGEST_BYTES];
	uint8_t permission[JZ_MESSAGE_MAX];
	size_t permission_len;
};

int jz_store_load(struct jz_store *s, const uint8_t id[static JZ_ID_BYTES],
    uint32_t counter, struct jz_load_row *out);
int jz_store_load_add(
    struct jz_store *s, const struct jz_load_row *load, struct jz_span request);

/* The digest of the report by which a load was booked. */
int jz_store_report(struct jz_store *s, const uint8_t id[static JZ_ID_BYTES],
    uint32_t counter, uint8_t digest[static JZ_DIGEST_BYTES]);
int jz_store_report_add(struct jz_store *s,
    const uint8_t digest[static JZ_DIGEST_BYTES],
    const struct jz_message *report, int64_t time);

/* The digest of the request that a card has proved never to execute. */
int jz_store_cancel(struct jz_store *s, const uint8_t id[static JZ_ID_BYTES],
    uint32_t counter, uint8_t request_digest[static JZ_DIGEST_BYTES]);
int jz_store_cancel_add(struct jz_store *s, const struct jz_message *proof,
    struct jz_span bytes, int64_t time);

/* ---- unloads ------------------------------------------------------------ */

struct jz_unload_row {
	uint64_t amount;
	uint8_t digest[JZ_DIGEST_BYTES]; /* of the proof */
	uint8_t acknowledged[JZ_MESSAGE_MAX];
	size_t acknowledged_len;
};

int jz_store_unload(struct jz_store *s, const uint8_t id[static JZ_ID_BYTES],
    uint32_t counter, struct jz_unload_row *out);
/* row: digest and acknowledgement. */
int jz_store_unload_add(struct jz_store *s, const struct jz_message *proof,
    const char *account, const struct jz_unload_row *row, int64_t time);

int jz_store_replacement(struct jz_store *s,
    const uint8_t before[static JZ_ID_BYTES], struct jz_replacement *out);
int jz_store_replacement_add(struct jz_store *s,
    const uint8_t before[static JZ_ID_BYTES],
    const uint8_t after[static JZ_ID_BYTES], uint32_t counter, int64_t time);
int jz_store_replacement_load(struct jz_store *s,
    const uint8_t before[static JZ_ID_BYTES], uint32_t counter, int64_t time);

/* ---- settlement --------------------------------------------------------- */

struct jz_session_row {
	uint8_t card_id[JZ_ID_BYTES];
	/* The challenge that waits for its sign-in. */
	bool asked;
	uint8_t asked_card_nonce[JZ_NONCE_BYTES];
	uint8_t asked_host_nonce[JZ_NONCE_BYTES];
	/* The sign-in that batches refer to, and its answer. */
	bool open;
	uint8_t host_nonce[JZ_NONCE_BYTES];
	uint8_t sign_in_digest[JZ_DIGEST_BYTES];
	uint8_t confirmed[JZ_MESSAGE_MAX];
	size_t confirmed_len;
};

/* A card without a session gives 0 and a row with neither. */
int jz_store_session(struct jz_store *s, const uint8_t id[static JZ_ID_BYTES],
    struct jz_session_row *out);
int jz_store_session_set(struct jz_store *s, const struct jz_session_row *row);

/* The processed confirmation that this batch was answered with. */
int jz_store_batch(struct jz_store *s, const uint8_t id[static JZ_ID_BYTES],
    const uint8_t digest[static JZ_DIGEST_BYTES], struct jz_buffer *processed);
int jz_store_batch_add(struct jz_store *s, const struct jz_message *batch,
    const uint8_t digest[static JZ_DIGEST_BYTES], struct jz_span bytes,
    struct jz_span processed, int64_t time);

/* The number after the last record of a card; its first is 1. */
int jz_store_next_record(
    struct jz_store *s, const uint8_t id[static JZ_ID_BYTES], int64_t *out);
/* Whether record `number` of this card has exactly these bytes. */
int
jz_store_record_equals(struct jz_store *s, const uint8_t id[static JZ_ID_BYTES],
    uint32_t number, struct jz_span bytes, bool *equal);
int jz_store_record_add(struct jz_store *s,
    const uint8_t id[static JZ_ID_BYTES], uint32_t number, struct jz_span bytes,
    const uint8_t batch_digest[static JZ_DIGEST_BYTES]);

enum jz_side {
	JZ_SIDE_PAYER = 1,
	JZ_SIDE_PAYEE = 2,
};

/* The digest of the completion that a payment is known by. */
int jz_store_payment(struct jz_store *s,
    const uint8_t request_digest[static JZ_DIGEST_BYTES],
    uint8_t completion_digest[static JZ_DIGEST_BYTES]);
int jz_store_payment_add(struct jz_store *s, const struct jz_message *record,
    const uint8_t completion_digest[static JZ_DIGEST_BYTES]);
int jz_store_payment_has(struct jz_store *s,
    const uint8_t request_digest[static JZ_DIGEST_BYTES], enum jz_side side,
    bool *has);
/* `time` and `signature`: of the completion and confirmation, or receipt. */
/* What the two cards agreed on. */
int jz_store_payment_data(struct jz_store *s,
    const uint8_t request_digest[static JZ_DIGEST_BYTES],
    struct jz_payment *out);
/* The completions of what this card was paid, and neither has received nor
 * given up, as far as the issuer knows.  `each` as jz_issuer_each_account(). */
int
jz_store_each_owed(struct jz_store *s, const uint8_t payee[static JZ_ID_BYTES],
    int (*each)(const struct jz_message *completion, void *arg), void *arg);
int jz_store_exception(struct jz_store *s,
    const uint8_t request_digest[static JZ_DIGEST_BYTES],
    struct jz_payment *payment, enum jz_outcome *outcome);
int jz_store_exception_add(struct jz_store *s, const struct jz_message *record);
int jz_store_exception_paid(struct jz_store *s,
    const uint8_t request_digest[static JZ_DIGEST_BYTES], int64_t time);
int jz_store_payment_side_add(
    struct jz_store *s, const struct jz_message *record, enum jz_side side);
int jz_store_each_payment(struct jz_store *s,
    int (*each)(const struct jz_payment_story *p, void *arg), void *arg);

#endif
