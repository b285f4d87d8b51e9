/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the issuer share and no user of it sees.
 */
#ifndef JZ_HOST_ISSUER_INTERNAL_H
#define JZ_HOST_ISSUER_INTERNAL_H

#include "../../keys/online.h"
#include "../../keys/revocation.h"
#include "../../keys/signed.h"
#include "../../keys/store/pki.h"
#include "../../keys/store/token.h"
#include "ahead.h"
#include "control.h"
#include "issuer.h"
#include "store.h"
#include "store_control.h"

/* The highest amount of one load or payment: four bytes in JR/T 0025. */
#define JZ_ISSUER_AMOUNT_MAX 0x7FFFFFFFu
/* The highest single deposit: ten million million in most currencies. */
#define JZ_ISSUER_DEPOSIT_MAX UINT64_C(1000000000000000)

struct jz_card_memo; /* below */

/* What a refusal is about, until the batch that caused it is rolled back. */
struct jz_alarm {
	enum jz_incident_kind kind;
	uint8_t card_id[JZ_ID_BYTES];
	uint32_t number;
	bool has_payment;
	uint8_t request_digest[JZ_DIGEST_BYTES];
};

struct jz_issuer {
	struct jz_store *store;
	struct jz_card_memo *memo; /* lent; NULL but during a stream */
	struct jz_engine base;	   /* owned */
	struct jz_engine engine;   /* the same, or over the token */
	struct jz_token *token;	   /* NULL: the keys are in files */
	struct jz_secret seal;	   /* the token's */
	struct jz_pki pki;
	uint16_t currency;
	int64_t (*now)(void *arg);
	void *now_arg;
	enum jz_refusal refusal;
	bool again; /* the last call found it done */
	struct jz_alarm alarm;
};

/* Another clock: seconds since 1970 UTC.  NULL: the system's. */
void
jz_issuer_set_clock(struct jz_issuer *i, int64_t (*now)(void *arg), void *arg);
int64_t jz_issuer_now(const struct jz_issuer *i);

/* A blocked card gets no money. */
int jz_issuer_block_card(
    struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES], bool blocked);

/* What the key files are sealed under: the passphrase, or what the token says;
 * lent. */
const struct jz_secret *
jz_issuer_secret(const struct jz_issuer *i, const struct jz_secret *passphrase);

/* ---- token.c ------------------------------------------------------------ */

/* *out NULL and 0: the keys are in files.  Errors as jz_token_open(),
 * JZ_ERR_TOKEN_KEY, JZ_ERR_KEYFILE; the caller frees *out also then. */
int jz_issuer_token_open(const struct jz_engine *base, const char *keys,
    const struct jz_secret *pin, struct jz_token **out, struct jz_secret *seal);
/* For a new issuer.  JZ_ERR_ARGUMENT: the URI. */
int jz_issuer_token_create(const struct jz_engine *base, const char *keys,
    const struct jz_secret *pin, const char *uri, struct jz_token **out,
    struct jz_secret *seal);
/* Takes the keys of a new issuer away again. */
void jz_issuer_token_undo(struct jz_token *token);

/* Forgets the last refusal: the first thing that every call does. */
void jz_issuer_start(struct jz_issuer *i);
/* Remembers the refusal; gives JZ_ERR_REFUSED. */
int jz_refuse(struct jz_issuer *i, enum jz_refusal why);

/* ---- card.c ------------------------------------------------------------- */

/* A registered card whose certificate has been verified. */
struct jz_known_card {
	struct jz_card_row row;
	uint8_t public_key[JZ_POINT_BYTES];
};

enum jz_judgement {
	JZ_JUDGE_ALL,	    /* refuse a blocked card, an expired or revoked
	                     * certificate */
	JZ_JUDGE_SIGNATURE, /* what has happened already is booked for those */
};

/* Cards seen in one transaction, as JZ_JUDGE_SIGNATURE gives them. */
#define JZ_CARD_MEMO 256u
struct jz_card_memo {
	bool there[JZ_CARD_MEMO];
	struct jz_known_card card[JZ_CARD_MEMO];
};
/* Another transaction begins. */
void jz_card_memo_clear(struct jz_card_memo *m);

/* ID "CN" and 14 digits, ASN the IIN and the same digits. */
void jz_issuer_number_card(int64_t number, struct jz_card_row *card);
/* The row's certificate, from what else is in it. */
int jz_issuer_certify_row(
    struct jz_issuer *i, struct jz_card_row *card, int64_t now);
/* JZ_ERR_KEY: no point of the curve. */
int jz_issuer_check_key(
    const struct jz_engine *e, const uint8_t public_key[static JZ_POINT_BYTES]);
/* Into the database, with an account of the ledger. */
int jz_issuer_add_row(struct jz_issuer *i, const struct jz_card_row *card);
/* 1 to 34 printable characters; opens one that must not be there. */
int jz_issuer_check_account(const char *account);
int jz_issuer_check_holder(const char *holder);
int jz_issuer_add_account(
    struct jz_issuer *i, const char *account, const char *holder);
/* Refuses UNKNOWN_ACCOUNT, ACCOUNT_BLOCKED. */
int jz_issuer_check_customer(struct jz_issuer *i, const char *account);

/* Refuses UNKNOWN_CARD, CARD_BLOCKED, CERT_EXPIRED, CARD_REVOKED. */
int jz_issuer_card(struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES],
    enum jz_judgement judgement, struct jz_known_card *out);
/*
 * The newest list, verified, its bytes in *story; without one, a list of
 * version 0.  A list in the database that is none is JZ_ERR_DATABASE.
 */
int jz_issuer_list(struct jz_issuer *i, struct jz_revocation_story *story,
    struct jz_message *list);
/* A card by its certificate, verified, whatever its dates. */
int jz_issuer_read_certificate(
    struct jz_issuer *i, struct jz_span bytes, struct jz_certificate *out);
/* Refuses SIGNATURE. */
int jz_issuer_verify(struct jz_issuer *i, const struct jz_message *m,
    const struct jz_known_card *card);
/* Puts its verification into a list instead. */
void jz_issuer_ahead(const struct jz_message *m,
    const struct jz_known_card *card, struct jz_ahead_list *out);
/* Signs as the host and appends the message. */
int jz_issuer_answer(
    struct jz_issuer *i, struct jz_message *m, struct jz_buffer *out);
/* Refuses CURRENCY, AMOUNT. */
int jz_issuer_check_amount(struct jz_issuer *i, const struct jz_payment *p);

/* ---- load.c ------------------------------------------------------------- */

#define JZ_LOAD_REFERENCE_CAP 32 /* ID, colon, ten digits */

/* What a load is called in the ledger: its card and counter. */
void jz_issuer_load_reference(
    const struct jz_message *m, char out[static JZ_LOAD_REFERENCE_CAP]);
/* Refuses NO_LOAD: there is no permission of this digest. */
int jz_issuer_find_load(struct jz_issuer *i, const struct jz_message *report,
    struct jz_load_row *out);
/*
 * Books a report whose signature has been verified, unless it is booked.
 * Refuses CONFLICT.
 */
int jz_issuer_book_load(struct jz_issuer *i, const struct jz_message *report,
    const struct jz_load_row *load);

/* Account and user are those that the card's certificate was made for.
 * Refuses WRONG_ACCOUNT, WRONG_USER, UNKNOWN_ACCOUNT, ACCOUNT_BLOCKED. */
int jz_issuer_check_binding(struct jz_issuer *i, const struct jz_message *m,
    const struct jz_known_card *card);

/* ---- sealed.c ----------------------------------------------------------- */

/* A message of a load, as it came; the keys are wiped by its holder. */
struct jz_online {
	bool sealed;
	struct jz_online_keys keys;
	struct jz_span clear; /* its bytes, in plain or as they came */
	uint8_t plain[JZ_MESSAGE_MAX];
};
/* Opens and decodes it; m points into it.  Refuses MALFORMED. */
int jz_issuer_take_online(struct jz_issuer *i, struct jz_span bytes,
    enum jz_kind kind, struct jz_message *m, struct jz_online *o);
/* Enciphered or not, as the card's certificate has it.  Refuses MALFORMED. */
int jz_issuer_check_online(struct jz_issuer *i,
    const struct jz_known_card *card, const struct jz_online *o);
/* A permission, in the keys of its request; one that is so already, as it is. */
int jz_issuer_put_online(struct jz_issuer *i, struct jz_span permission,
    const struct jz_online *o, struct jz_buffer *out);

/* ---- unload.c ----------------------------------------------------------- */

/*
 * Books a proof whose signature has been verified, unless it is booked; *row
 * gets its answer.  Refuses CONFLICT, and `different` when another proof of
 * this counter is booked.
 */
int jz_issuer_book_unload(struct jz_issuer *i, const struct jz_message *proof,
    const struct jz_known_card *card, enum jz_refusal different,
    struct jz_unload_row *row);

/* ---- evidence.c --------------------------------------------------------- */

/* Of the card with its issuer, not with another card. */
static inline bool
jz_record_online(enum jz_kind kind)
{
	return kind == JZ_KIND_RECORD_LOAD || kind == JZ_KIND_RECORD_UNLOAD;
}

struct jz_record {
	struct jz_message m;
	struct jz_span bytes; /* as uploaded */
	uint32_t number;
	struct jz_message report;     /* of a load; the proof of an unload */
	struct jz_load_row load;      /* of a load */
	bool before_restore;	      /* made before the ledger was put back */
	bool lost_load;		      /* and unknown to it, or as another's */
	bool from_payee_only;	      /* a payment's payer may only refund */
	struct jz_message completion; /* of a payment */
	uint8_t completion_digest[JZ_DIGEST_BYTES];
};

/* The messages that a payment's record carries the signatures of: the
 * completion; and the payee's word, which is before the payment the
 * confirmation, after it the receipt, or that it was given up. */
void
jz_record_completion(const struct jz_message *record, struct jz_message *out);
void jz_record_word(const struct jz_message *record,
    const uint8_t completion_digest[static JZ_DIGEST_BYTES],
    struct jz_message *out);
/* Decodes one record.  Refuses MALFORMED. */
int jz_record_read(struct jz_issuer *i, struct jz_span bytes,
    const uint8_t card_id[static JZ_ID_BYTES], struct jz_record *out);
/* Verifies the signatures that a record carries.  Refuses EVIDENCE. */
int jz_record_verify(
    struct jz_issuer *i, struct jz_record *r, const struct jz_known_card *card);
/* Puts what jz_record_verify() will verify into a list. */
int jz_record_ahead(struct jz_issuer *i, struct jz_record *r,
    const struct jz_known_card *card, struct jz_ahead_list *out);
/* Posts it.  Refuses CONFLICT, with the incident of this card. */
int jz_record_post(struct jz_issuer *i, const struct jz_record *r,
    const struct jz_known_card *card);

/* ---- batch.c ------------------------------------------------------------ */

/* jz_issuer_batch() within a transaction of the caller's. */
int jz_batch_settle(
    struct jz_issuer *i, struct jz_span batch, struct jz_buffer *processed);
/* Puts what it will verify into a list, as far as it gets. */
void jz_batch_ahead(
    struct jz_issuer *i, struct jz_span batch, struct jz_ahead_list *out);

/* ---- exception.c: payments that the payee has given up ------------------- */

/* Keeps an exception, verified.  Refuses CONFLICT: the payee has received it,
 * or what the payer's card signed is another payment. */
int jz_exception_post(struct jz_issuer *i, const struct jz_record *r);
/* A payment's record goes with the exception, if there is one.  Refuses
 * CONFLICT. */
int jz_exception_check(struct jz_issuer *i, const struct jz_record *r);
/* Pays out, once, when the payer has paid and the payee has given it up. */
int jz_exception_pay(
    struct jz_issuer *i, const uint8_t request_digest[static JZ_DIGEST_BYTES]);

/* ---- audit.c ------------------------------------------------------------ */

#define JZ_ACTOR_ISSUER "issuer"

/* The next entry, in the transaction of what it tells. */
int jz_audit_note(struct jz_issuer *i, const char *actor, const char *format,
    ...) __attribute__((format(printf, 3, 4)));
/* Signs as the host what is prefixed by its purpose; host gets its name. */
int jz_host_sign(struct jz_issuer *i, const char *purpose, struct jz_span what,
    uint8_t host[static JZ_ID_BYTES],
    uint8_t signature[static JZ_SIGNATURE_BYTES]);
/* By whichever version of the host.  JZ_ERR_CERT_ISSUER, JZ_ERR_SIGNATURE. */
int jz_host_verify(const struct jz_issuer *i, const char *purpose,
    struct jz_span what, const uint8_t host[static JZ_ID_BYTES],
    const uint8_t signature[static JZ_SIGNATURE_BYTES]);

/* ---- incident.c ---------------------------------------------------------- */

/* Refuses, and remembers what for; digest may be NULL.  An alarm that stands
 * is not replaced. */
int jz_alarm(struct jz_issuer *i, enum jz_refusal why,
    enum jz_incident_kind kind, const uint8_t card[static JZ_ID_BYTES],
    uint32_t number, const uint8_t *request_digest);
/* Books the alarm of a call that was rolled back, in a commit of its own; the
 * refusal stays. */
int jz_alarm_keep(struct jz_issuer *i, struct jz_span evidence);
/* Books an incident once, within a transaction; blacklists its card. */
int jz_incident_book(
    struct jz_issuer *i, const struct jz_alarm *what, struct jz_span evidence);

/* ---- restore.c: a ledger that was put back from a backup ----------------- */

/*
 * Whether a gap before record `number` of a card is due to that, `next` being
 * the one expected; *restored gets the restoration's number, 0: not.  The
 * card's first gap since alone.
 */
int jz_restore_gap(struct jz_issuer *i, const uint8_t card[static JZ_ID_BYTES],
    int64_t next, uint32_t number, int64_t *restored);
/* Books that gap with an alarm. */
int
jz_restore_book_gap(struct jz_issuer *i, const uint8_t card[static JZ_ID_BYTES],
    int64_t next, uint32_t number, int64_t restored, struct jz_span evidence);
/* Books a load that the ledger has lost, with an alarm.  Refuses CONFLICT. */
int jz_restore_load(struct jz_issuer *i, const struct jz_record *r,
    const struct jz_known_card *card);
/* The alarm about a record that is booked though the ledger had lost it. */
int jz_restore_alarm(struct jz_issuer *i, const struct jz_record *r);

/* ---- loss.c: payments whose other half will not come --------------------- */

/* The account that a payment's half goes through: transit, or the fraud
 * account when it was written off.  *target gets whose account the amount went
 * to, "" nobody's. */
int jz_payment_transit(struct jz_issuer *i,
    const uint8_t request_digest[static JZ_DIGEST_BYTES], const char **account,
    char target[static JZ_LEDGER_NAME_MAX]);
/* Takes what is in transit of a payment to the fraud account, for good. */
int jz_payment_write_off(struct jz_issuer *i,
    const uint8_t request_digest[static JZ_DIGEST_BYTES], int64_t in_transit,
    const char *target, int64_t proposal);
/* A payment has been posted from one side: doubled counters, what is no refund,
 * a shadow below zero, what comes late. */
int jz_payment_watch(struct jz_issuer *i, const struct jz_record *r);

/* ---- revocation.c -------------------------------------------------------- */

/* Puts a card on the next list, within a transaction; one that is void already
 * stays so, and when the list is full the card is blocked. */
int jz_blacklist(struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES],
    const char *reason);

/* A reference of the ledger: a request's digest in hexadecimal. */
#define JZ_PAYMENT_REFERENCE_CAP (2 * JZ_DIGEST_BYTES + 1)
void jz_payment_reference(const uint8_t request_digest[static JZ_DIGEST_BYTES],
    char out[static JZ_PAYMENT_REFERENCE_CAP]);

#endif
