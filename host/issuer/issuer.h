/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer: accounts, cards, loads, settlement, books.
 *
 * An issuer lives in a directory: issuer.db (SQLite, WAL, synchronous FULL), or
 * a file that names a PostgreSQL database, and keys/ (keys/store/pki.h).  The ledger is double-entry and append-only:
 * every movement is a transaction of entries that sum to zero; triggers refuse
 * UPDATE and DELETE.  Accounts of the ledger:
 *
 *   cash              what customers have brought in (debit side)
 *   account:NAME      a customer's account
 *   transit:load      debited from an account, not yet reported by the card
 *   transit:payment   paid by one card, not yet claimed by the other (or the
 *                     reverse)
 *   card:ID           shadow of a card's balance
 *   loss:fraud        what copied cards have cost
 *   lost              what was on cards that are lost
 *
 * Amounts are unsigned minor units at this interface; in the ledger an entry
 * is signed.  Everything that a card sends is a byte string and verified here;
 * everything that is refused changes nothing.
 *
 * A handle is used by one thread at a time; several handles and processes may
 * have one directory open.
 */
#ifndef JZ_HOST_ISSUER_H
#define JZ_HOST_ISSUER_H

#include <stdbool.h>
#include <stdint.h>

#include "../../apdu/error.h"
#include "../../apdu/gp.h"
#include "../../apdu/message.h"
#include "../../keys/certificate.h"
#include "../../keys/scp03.h"
#include "../../keys/store/x509.h"
#include "../../keys/store/seed.h"

struct jz_issuer;

/*
 * Why the issuer refused, in order of precedence: the first that applies.  The
 * functions below return JZ_ERR_REFUSED and set it.
 */
enum jz_refusal {
	JZ_REFUSAL_NONE = 0,
	JZ_REFUSAL_MALFORMED, /* not a message of this kind; or, once the card
	                       * is known, in clear where its certificate has
	                       * it enciphered, or the other way round */
	JZ_REFUSAL_SUITE,     /* of a card of the other crypto suite */
	JZ_REFUSAL_UNKNOWN_CARD,
	JZ_REFUSAL_CARD_BLOCKED,
	JZ_REFUSAL_CERT_NOT_YET,
	JZ_REFUSAL_CERT_EXPIRED,
	JZ_REFUSAL_CARD_REVOKED,
	JZ_REFUSAL_SIGNATURE,
	JZ_REFUSAL_WRONG_ACCOUNT, /* not the one bound to the card */
	JZ_REFUSAL_WRONG_USER,
	JZ_REFUSAL_UNKNOWN_ACCOUNT,
	JZ_REFUSAL_ACCOUNT_BLOCKED,
	JZ_REFUSAL_PASSWORD_LOCKED, /* too many wrong ones in a row */
	JZ_REFUSAL_PASSWORD,	    /* not the account's: a try is gone */
	JZ_REFUSAL_CURRENCY,
	JZ_REFUSAL_AMOUNT,	     /* zero, or above the limit */
	JZ_REFUSAL_CANCELLED,	     /* the card has proved: never executed */
	JZ_REFUSAL_EXISTS_DIFFERENT, /* same card and counter, other content */
	JZ_REFUSAL_FUNDS,
	JZ_REFUSAL_NO_LOAD,	  /* report for a load never permitted */
	JZ_REFUSAL_NO_SESSION,	  /* no sign-in, or another nonce */
	JZ_REFUSAL_RECORD_NUMBER, /* gap or repetition in record numbers */
	JZ_REFUSAL_EVIDENCE,	  /* a record's signature does not verify */
	JZ_REFUSAL_CONFLICT,	  /* record contradicts one already posted */
};
const char *jz_refusal_name(enum jz_refusal r);
const char *jz_refusal_text(enum jz_refusal r, int lang);

/*
 * Makes directory, keys and database, all or nothing.  currency: ISO 4217
 * numeric.  JZ_ERR_EXISTS when something is there but an empty directory,
 * JZ_ERR_NOT_FOUND when the directory above is missing, JZ_ERR_RANGE.
 */
int jz_issuer_create(
    const char *dir, const struct jz_secret *passphrase, uint16_t currency);
/* The same of either suite, for good: all of an issuer's cards are of it.
 * jz_issuer_create takes JZ_SUITE_NIST. */
int jz_issuer_create_suite(const char *dir, const struct jz_secret *passphrase,
    uint16_t currency, enum jz_suite suite);
/*
 * jz_issuer_create, with root, CA and host keys generated in a PKCS#11 token,
 * which they never leave (keys/store/token.h).  uri: jz_token_uri_parse().  The
 * token's PIN is the passphrase of this issuer from now on; the card master is
 * sealed under a key of the token's.  JZ_ERR_ARGUMENT, JZ_ERR_TOKEN_*.
 */
int jz_issuer_create_token(const char *dir, const struct jz_secret *pin,
    uint16_t currency, const char *uri);
/*
 * All of that, and the books in PostgreSQL, or whatever speaks like it, instead
 * of a file: store is a URI of libpq's (postgresql://...) which the directory
 * keeps, and whose tables must not be there yet (JZ_ERR_EXISTS).  A password
 * belongs into ~/.pgpass.  JZ_ERR_ARGUMENT, JZ_ERR_DATABASE.
 */
struct jz_issuer_options {
	uint16_t currency;
	enum jz_suite suite;
	const char *token; /* NULL: keys in files */
	const char *store; /* NULL: a SQLite file */
};
int jz_issuer_create_with(const char *dir, const struct jz_secret *passphrase,
    const struct jz_issuer_options *o);
/* JZ_ERR_TOKEN_*; JZ_ERR_NOT_FOUND, JZ_ERR_PASSPHRASE, JZ_ERR_UNSUPPORTED (a newer
 * version), JZ_ERR_DATABASE. */
int jz_issuer_open(const char *dir, const struct jz_secret *passphrase,
    struct jz_issuer **out);
void jz_issuer_free(struct jz_issuer **issuer);
/*
 * Makes the key behind every card's administration keys, for an issuer of an
 * earlier release, which has none.  JZ_ERR_EXISTS, and as jz_issuer_open().
 */
int jz_issuer_add_admin(const char *dir, const struct jz_secret *passphrase);
/*
 * A new version of that key, which cards get that are personalised from now on;
 * *version gets its number.  Those before it stay, for the cards that have keys
 * of them.  Handles that are open go on with what they were opened with.
 * JZ_ERR_SPACE: no version is left; and as jz_issuer_open().
 */
int jz_issuer_roll_master(
    const char *dir, const struct jz_secret *passphrase, uint8_t *version);
/*
 * A new host key and, when asked for, a new CA key for it; *version gets the
 * number of the host, or of the CA.  Cards that were certified by the CA before
 * go on; what they are to believe is shown to them (host/pay.h).  JZ_ERR_SPACE;
 * JZ_ERR_CERT_EXPIRED (root, or CA); and as jz_issuer_open().
 */
int jz_issuer_roll_chain(const char *dir, const struct jz_secret *passphrase,
    bool ca, unsigned *version);
/*
 * A card master of two people's seeds (keys/store/seed.h).  Refusals as
 * jz_seed_combine(); keys/audit.log keeps who made them, and who tried.
 */
int jz_issuer_combine(const char *dir, const struct jz_secret *passphrase,
    const struct jz_seed *a, const struct jz_seed *b, uint8_t *version);
/* The version that new cards get, and of their keys; 0: there is none. */
uint8_t jz_issuer_kvn(const struct jz_issuer *i);
bool jz_issuer_has_master(const struct jz_issuer *i, uint8_t version);

/* One key of the issuer, for people: nothing of it is secret. */
struct jz_issuer_key {
	const char *name; /* "root", "ca", "host", "admin" */
	unsigned version;
	bool current;
	/* A file of the issuer's directory, or "pkcs11:" and its name in the
	 * token; "" when it is there no more.  Good for the call. */
	const char *where;
	/* Of a secret: jz_check_value(); of a key pair, the first bytes of the
	 * hash of its public key. */
	uint8_t check[JZ_CHECK_VALUE_BYTES];
	char reference[JZ_REFERENCE_BYTES + 1]; /* of a key pair, or "" */
	int64_t from, to;		/* 0: not known; a secret has no end */
	const struct jz_master *master; /* of a secret, lent; or NULL */
};
/* Oldest first of each name; `each` as jz_issuer_each_account(). */
int jz_issuer_each_key(struct jz_issuer *i,
    int (*each)(const struct jz_issuer_key *k, void *arg), void *arg);
/* The cryptography of the issuer's suite, lent. */
const struct jz_engine *jz_issuer_engine(const struct jz_issuer *i);
/* The key that enciphered loads go to; the caller wipes it.  JZ_ERR_NOT_FOUND:
 * this issuer has no card master, and takes no such loads. */
int jz_issuer_load_key(const struct jz_issuer *i, struct jz_key_pair *out);
/* The last refusal, and the last database error's text; for messages. */
enum jz_refusal jz_issuer_refusal(const struct jz_issuer *i);
/* Puts a refusal back, for who has more to do here before telling why. */
void jz_issuer_recall(struct jz_issuer *i, enum jz_refusal why);
/* Whether the last call found that it had done this before, and gave the same
 * answer: permission, report, cancel, proof of an unload, sign-in, batch. */
bool jz_issuer_again(const struct jz_issuer *i);
const char *jz_issuer_detail(const struct jz_issuer *i);
uint16_t jz_issuer_currency(const struct jz_issuer *i);

/* ---- accounts ----------------------------------------------------------- */

/* 1-34 printable ASCII characters without blanks; 1-32 bytes of UTF-8.
 * JZ_ERR_EXISTS, JZ_ERR_RANGE (length), JZ_ERR_ARGUMENT (characters). */
int jz_issuer_account_open(
    struct jz_issuer *i, const char *account, const char *holder);
/* Refuses UNKNOWN_ACCOUNT, ACCOUNT_BLOCKED, AMOUNT. */
int jz_issuer_deposit(
    struct jz_issuer *i, const char *account, uint64_t amount_minor);
/* JZ_ERR_NOT_FOUND */
int jz_issuer_account_balance(
    struct jz_issuer *i, const char *account, int64_t *minor);

/*
 * An account is blocked, or it is not any more: a blocked one gives no money.
 * JZ_ERR_NOT_FOUND.
 */
int
jz_issuer_block_account(struct jz_issuer *i, const char *account, bool blocked);

/* A reason of the ledger for people; one that is none is given back. */
const char *jz_ledger_text(const char *reason, enum jz_lang lang);

/* One movement on an account. */
struct jz_account_line {
	int64_t time;
	const char *reason, *reference; /* good for the call */
	int64_t amount_minor;		/* negative: taken from it */
};
/* All of them, the first first; `each` as jz_issuer_each_account(). */
int jz_issuer_account_statement(struct jz_issuer *i, const char *account,
    int (*each)(const struct jz_account_line *line, void *arg), void *arg);

/* The last of them, the last first. */
#define JZ_ACCOUNT_LAST 100
int jz_issuer_account_last(struct jz_issuer *i, const char *account,
    int (*each)(const struct jz_account_line *line, void *arg), void *arg);

#define JZ_PASSWORD_TRIES 5
#define JZ_PASSWORD_MAX	  64

/*
 * The account's password, by which its owner shows himself where he has no card
 * yet: 6 to 64 bytes, kept as scrypt makes it.  Set anew by an employee, which
 * unlocks it as well.  JZ_ERR_RANGE (length), JZ_ERR_NOT_FOUND (account).
 */
int jz_issuer_account_password(
    struct jz_issuer *i, const char *account, const struct jz_secret *password);
/*
 * Whether this is it.  A try is counted before the comparison, and given back
 * only by the right password; the fifth wrong one in a row locks it.  Refuses
 * UNKNOWN_ACCOUNT (also one without a password), ACCOUNT_BLOCKED,
 * PASSWORD_LOCKED, PASSWORD.
 */
int jz_issuer_account_check(
    struct jz_issuer *i, const char *account, const struct jz_secret *password);

/*
 * The same in steps, for who must not keep others waiting while scrypt takes its
 * time.  Counting refuses as above, but PASSWORD; comparing asks no issuer and
 * may be done by any thread; the right one has the count set back.
 */
struct jz_password_try {
	uint8_t salt[16], hash[32];
};
int jz_issuer_password_count(
    struct jz_issuer *i, const char *account, struct jz_password_try *out);
int jz_password_compare(const struct jz_password_try *t,
    const struct jz_secret *password, bool *right);
int jz_issuer_password_right(struct jz_issuer *i, const char *account);

/* ---- cards -------------------------------------------------------------- */

/*
 * Registers a card for this account and holder and certifies its public key.
 * Gives ID, ASN and the certificate (cap JZ_CERTIFICATE_MAX).  JZ_ERR_NOT_FOUND
 * when the account does not exist, JZ_ERR_KEY when the key is no point.  The
 * same key, account, holder and flags again give the same card.
 */
int jz_issuer_certify(struct jz_issuer *i, const char *account,
    const char *holder, const uint8_t public_key[static JZ_POINT_BYTES],
    uint8_t flags, uint8_t id[static JZ_ID_BYTES], uint8_t asn[static 10],
    struct jz_buffer *certificate);
/*
 * The administration keys (SCP03) of one card under key version kvn, derived
 * from the issuer's master of that version (keys/store/master.h: of one that it
 * never had, the first) and the card's key diversification data: ANSI
 * X9.63 with "jiaozi card administration" || 1 ENC, 2 MAC, 3 DEK || kvn || kdd,
 * 16 bytes each.  The caller wipes them.  JZ_ERR_NOT_FOUND when the issuer has
 * no such secret: jz_issuer_add_admin().
 */
int jz_issuer_card_keys(const struct jz_issuer *i,
    const uint8_t kdd[static JZ_GP_KDD_BYTES], uint8_t kvn,
    struct jz_scp03_keys *out);
/*
 * Many cards.  Their numbers are taken from the issuer's sequence first, at
 * once and durably; a certificate needs no more than its number and is kept
 * nowhere yet; then all are registered in one commit.  A card must not be
 * handed out before: what is not registered does not exist for the issuer,
 * and its number may be certified again.
 */

/* The highest number: nine digits. */
#define JZ_ISSUER_NUMBER_MAX   999999999u
#define JZ_ISSUER_ORDER_BYTES  16
#define JZ_ISSUER_SALT_BYTES   32
#define JZ_ISSUER_PIN_DIGITS   6
#define JZ_ISSUER_NUMBER_CHARS 20 /* of a card's number */

struct jz_issuer_card {
	/* By the caller. */
	char account[JZ_ACCOUNT_MAX + 1];
	char holder[JZ_IDENTITY_MAX + 1];
	uint8_t public_key[JZ_POINT_BYTES];
	uint8_t flags;
	uint32_t number;
	bool own_account; /* opened when it is not there */
	/* Made by jz_issuer_certificate(). */
	uint8_t id[JZ_ID_BYTES], asn[10];
	uint8_t certificate[JZ_CERTIFICATE_MAX];
	size_t certificate_len;
	/* By jz_issuer_register(): 0, JZ_ERR_NOT_FOUND (no such account),
	 * JZ_ERR_STATE (it is blocked), JZ_ERR_EXISTS (the number is
	 * registered for another card). */
	int error;
};

/*
 * Takes `count` numbers from `first` on, 0: from the next that is free.  The
 * same order again gives the same numbers.  JZ_ERR_EXISTS: numbers from there
 * on may be in use; JZ_ERR_RANGE; JZ_ERR_DATABASE.
 */
int jz_issuer_reserve(struct jz_issuer *i,
    const uint8_t order[static JZ_ISSUER_ORDER_BYTES], uint32_t first,
    uint32_t count, uint32_t *out);
/* The twenty digits of a number, and the name of its card. */
void jz_issuer_number_text(uint32_t number,
    char text[static JZ_ISSUER_NUMBER_CHARS + 1],
    uint8_t id[static JZ_ID_BYTES]);
/* Fills id, asn and certificate; stores nothing.
 * JZ_ERR_RANGE, JZ_ERR_ARGUMENT (account or holder), JZ_ERR_KEY. */
int jz_issuer_certificate(struct jz_issuer *i, struct jz_issuer_card *card);
/* One commit for all that can be registered; again: the same.  The others have
 * an error each, and are registered as little as all are when this fails. */
int
jz_issuer_register(struct jz_issuer *i, struct jz_issuer_card *cards, size_t n);
/* The certificate that is registered under an ID: JZ_ERR_NOT_FOUND. */
int jz_issuer_registered(struct jz_issuer *i,
    const uint8_t id[static JZ_ID_BYTES], struct jz_issuer_card *out);

/*
 * The PIN of a card, six digits that follow from the issuer's administration
 * secret, the salt and the number, so that an order that is taken up again
 * gives each card the PIN that may be in its holder's letter already.  No PIN
 * is one digit six times or a run such as 123456.  The caller wipes it.
 * JZ_ERR_NOT_FOUND: no such secret.
 */
int jz_issuer_card_pin(const struct jz_issuer *i,
    const uint8_t salt[static JZ_ISSUER_SALT_BYTES], uint32_t number,
    struct jz_secret *pin);

/* Root, CA and host certificates, as they are now; lent. */
struct jz_span jz_issuer_root(const struct jz_issuer *i);
struct jz_span jz_issuer_ca(const struct jz_issuer *i);
struct jz_span jz_issuer_host(const struct jz_issuer *i);
/*
 * The CA that certified a card, and the last host of that CA: what belongs on
 * the card beside its certificate.  Lent.  JZ_ERR_CERT_*.
 */
int jz_issuer_chain(const struct jz_issuer *i, struct jz_span certificate,
    struct jz_span *ca, struct jz_span *host);

/* ---- revocation ---------------------------------------------------------- */

#define JZ_REASON_MAX 64

/*
 * Revokes a card's certificate, or all of a generation below this one, by a new
 * list (keys/revocation.h) that stands beside those before.  A reason: up to 64
 * bytes of UTF-8, may be empty.  From then on the issuer loads no such card,
 * and new cards are of the list's generation.  JZ_ERR_NOT_FOUND (no such card),
 * JZ_ERR_EXISTS (revoked already; or not above the present generation),
 * JZ_ERR_LIST_FULL, JZ_ERR_RANGE.
 */
int jz_issuer_revoke(struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES],
    const char *reason);
int jz_issuer_revoke_below(
    struct jz_issuer *i, uint16_t generation, const char *reason);
/* Appends the newest list; JZ_ERR_NOT_FOUND when there is none yet. */
int jz_issuer_revocation(struct jz_issuer *i, struct jz_buffer *list);
/* Whether the newest list voids a card's certificate; JZ_ERR_NOT_FOUND. */
int jz_issuer_revoked(
    struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES], bool *revoked);

/* One act of revocation. */
struct jz_revocation_story {
	uint32_t version; /* of the list that it made */
	int64_t time;
	uint16_t generation;
	bool has_card; /* else the generation was raised */
	uint8_t card_id[JZ_ID_BYTES];
	char reason[JZ_REASON_MAX + 1];
	uint8_t list[JZ_MESSAGE_MAX];
	size_t list_len;
};
/* All of them, the first first; `each` as below, at the books. */
int jz_issuer_each_revocation(struct jz_issuer *i,
    int (*each)(const struct jz_revocation_story *r, void *arg), void *arg);
/*
 * Whether every list is signed, follows the one before without a gap, names
 * the card that it was made for, and has lost none but by its generation.
 * JZ_ERR_AUDIT; then jz_issuer_detail() says what is wrong.
 */
int jz_issuer_revocation_audit(struct jz_issuer *i);

/* ---- X.509, for servers and users ---------------------------------------- */

/*
 * The issuer's root and CA as X.509 (jz_x509_of_cvc), appended as DER; made
 * anew each time, with the same names and keys.
 */
int jz_issuer_x509_root(struct jz_issuer *i, struct jz_buffer *der);
int jz_issuer_x509_ca(struct jz_issuer *i, struct jz_buffer *der);
/*
 * Certifies a server or a user by the CA, from now for a year: the dates of
 * the terms are set.  JZ_ERR_RANGE, also for a CA.
 */
int jz_issuer_x509_certify(
    struct jz_issuer *i, struct jz_x509_terms *terms, struct jz_buffer *der);
/* The X.509 view of a certificate of this CA, verified: JZ_ERR_CERT_*. */
int jz_issuer_x509_of_card(
    struct jz_issuer *i, struct jz_span certificate, struct jz_buffer *der);
/* A list of what has been revoked of the CA's, valid for 30 days from now. */
int jz_issuer_x509_crl(struct jz_issuer *i, uint32_t number,
    const struct jz_x509_serial *revoked, size_t n, struct jz_buffer *der);
/*
 * The CA's next list: all that the one before names, with their dates, and
 * these; its number is one more.  It is kept in DIR/keys/ca-N.crl, N being the
 * CA's version, in the place of the one before, and appended to der.  *out gets
 * what is in it.  A serial that is named already stays as it is.
 *
 * JZ_ERR_KEYFILE: what is kept is no list; JZ_ERR_SIGNATURE: the CA has not
 * signed it; JZ_ERR_SPACE: no room for more; then the one before stays.
 *
 * Caveat: a CA key that was rolled signs nothing any more, so that its list
 * ends with its last date: revoke before `key roll ca`, or wait for the
 * certificates' own end.
 */
int jz_issuer_x509_revoke(struct jz_issuer *i, const char *dir,
    const struct jz_x509_serial *more, size_t n, struct jz_x509_list *out,
    struct jz_buffer *der);

/* ---- load --------------------------------------------------------------- */

/*
 * Verifies a load request, moves the amount from the account to transit, and
 * gives the permission.  The same request again gives the same permission.
 */
int jz_issuer_load_permit(
    struct jz_issuer *i, struct jz_span request, struct jz_buffer *permission);
/* Verifies the execution report: transit to the card's shadow.  Again: 0. */
int jz_issuer_load_report(struct jz_issuer *i, struct jz_span report);
/*
 * Verifies a load cancel, the card's proof that it has not executed the load
 * of this counter and never will, and gives the amount back to the account it
 * came from; nothing else and no time gives it back.  A proof for a load never
 * seen is remembered: its request is refused from now on.  Again: 0, and
 * nothing moves.  Taken from a blocked card, and from one whose certificate
 * has expired, as well.  Refuses MALFORMED, UNKNOWN_CARD, SIGNATURE, CONFLICT
 * (the load is reported, or the proof is of another request).
 */
int jz_issuer_load_cancel(struct jz_issuer *i, struct jz_span proof);

enum jz_load_state {
	JZ_LOAD_UNKNOWN,   /* neither permitted nor cancelled */
	JZ_LOAD_PERMITTED, /* debited, in transit */
	JZ_LOAD_REPORTED,  /* on the card */
	JZ_LOAD_CANCELLED, /* back in the account */
};
struct jz_load_story {
	enum jz_load_state state;
	uint64_t amount_minor; /* 0 when it was never permitted */
};
/* One load as the issuer knows it, by card and online counter. */
int
jz_issuer_load_story(struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES],
    uint32_t counter, struct jz_load_story *out);

/* The permission of a load, as it was given, enciphered for the same load if
 * its request was; JZ_ERR_NOT_FOUND. */
int jz_issuer_load_permission(struct jz_issuer *i,
    const uint8_t id[static JZ_ID_BYTES], uint32_t counter,
    struct jz_buffer *permission);

/* ---- many at once -------------------------------------------------------- */

/*
 * What is called between these two is committed by jz_issuer_group_end, all of
 * it or none: one wait for the disk serves many.  Each call is judged for
 * itself; what it refuses changes nothing.  No answer may leave before
 * jz_issuer_group_end() has given 0; after JZ_ERR_CONTENDED the same may be
 * called once more.
 */
int jz_issuer_group_begin(struct jz_issuer *i);
int jz_issuer_group_end(struct jz_issuer *i, int rc);
/*
 * From now on it remembers the last few thousand signatures that it has found
 * good, certificates' above all: the same again costs a hash.  For a handle
 * that stays; JZ_ERR_MEMORY.
 */
int jz_issuer_remember(struct jz_issuer *i);

/* ---- unload -------------------------------------------------------------- */

/*
 * Verifies an unload request and gives a permission, which moves nothing.
 * Given to a blocked card, and to one whose certificate has expired or is
 * revoked, as well: money comes back from those too.  Refuses MALFORMED, SUITE,
 * UNKNOWN_CARD, SIGNATURE, WRONG_ACCOUNT, WRONG_USER, UNKNOWN_ACCOUNT,
 * ACCOUNT_BLOCKED, CURRENCY, AMOUNT.
 */
int jz_issuer_unload_permit(
    struct jz_issuer *i, struct jz_span request, struct jz_buffer *permission);
/*
 * Verifies the card's proof that it has debited itself, credits its account,
 * once, and gives the acknowledgement; the same proof again: the same.  The
 * record of the unload in a batch does as well.  Refuses MALFORMED,
 * UNKNOWN_CARD, SIGNATURE, CURRENCY, AMOUNT, EXISTS_DIFFERENT, CONFLICT (a load
 * of this counter was reported).
 */
int jz_issuer_unload(
    struct jz_issuer *i, struct jz_span proof, struct jz_buffer *acknowledged);
/* What was unloaded by card and counter; JZ_ERR_NOT_FOUND. */
int
jz_issuer_unloaded(struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES],
    uint32_t counter, uint64_t *amount_minor);

/* ---- replacement ---------------------------------------------------------- */

struct jz_replacement {
	uint8_t after[JZ_ID_BYTES];
	uint64_t amount_minor; /* unloaded from the old card since it began */
	uint32_t load_counter; /* of the load that brings it; 0: none yet */
};
/*
 * A card takes the place of another, whose online counter is this one now:
 * what it unloads from here on belongs to the replacement.  Again: 0.  Refuses
 * UNKNOWN_CARD, WRONG_ACCOUNT, WRONG_USER, CARD_BLOCKED (the new one),
 * EXISTS_DIFFERENT (another has taken its place).
 */
int
jz_issuer_replace(struct jz_issuer *i, const uint8_t before[static JZ_ID_BYTES],
    const uint8_t after[static JZ_ID_BYTES], uint32_t counter);
/* JZ_ERR_NOT_FOUND: it is not being replaced. */
int jz_issuer_replacement(struct jz_issuer *i,
    const uint8_t before[static JZ_ID_BYTES], struct jz_replacement *out);
/* By the load of this counter the new card gets it; the last word counts. */
int jz_issuer_replacement_load(struct jz_issuer *i,
    const uint8_t before[static JZ_ID_BYTES], uint32_t counter);
/*
 * It is done: the old card is revoked, or blocked when the list is full.  Again:
 * 0.  Refuses CONFLICT while the old card has something, or what it unloaded is not on the new one.
 */
int jz_issuer_replaced(
    struct jz_issuer *i, const uint8_t before[static JZ_ID_BYTES]);

/* ---- settlement ---------------------------------------------------------- */

/*
 * A report or a batch tells what has happened already: it is taken from a
 * blocked card, and from one whose certificate has expired, as well.
 */

/* Sign-in request -> challenge. */
int jz_issuer_challenge(
    struct jz_issuer *i, struct jz_span request, struct jz_buffer *challenge);
/* Sign-in -> sign-in confirmation. */
int jz_issuer_sign_in(
    struct jz_issuer *i, struct jz_span sign_in, struct jz_buffer *confirmed);
/* Batch -> processed confirmation.  The same batch again: the same answer. */
int jz_issuer_batch(
    struct jz_issuer *i, struct jz_span batch, struct jz_buffer *processed);

/*
 * Many batches, of any cards, as a stream: they are committed in groups, and
 * while one group is posted, the signatures of the next are verified by
 * `threads` threads (0: one for each CPU).  Takes a few MiB whatever their
 * number.  Each is judged as by jz_issuer_batch(), in their order.
 */
struct jz_batch_feed {
	/* Appends the next batch to `out` (JZ_BATCH_MAX bytes).
	 * JZ_ERR_NOT_FOUND: that was all. */
	int (*next)(void *arg, struct jz_buffer *out);
	/* What became of batch n, from 0: err is 0, with the confirmation, or
	 * JZ_ERR_REFUSED with why, or another error.  It is durable when this
	 * is called.  0 to go on.  May be NULL. */
	int (*told)(void *arg, uint64_t n, int err, enum jz_refusal why,
	    struct jz_span processed);
	void *arg;
};
/* 0 when all have been told, whatever their verdict; or an error of next(), of
 * told(), of memory or of threads.  What has been told stands; the rest may be
 * sent again. */
int jz_issuer_batches(
    struct jz_issuer *i, const struct jz_batch_feed *feed, unsigned threads);

/*
 * The completions (FF25) of what this card was paid and has not settled, each
 * encoded: a payee's card whose terminal never got it is given it at its
 * settlement.  `each` as jz_issuer_each_account().
 */
int
jz_issuer_each_owed(struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES],
    int (*each)(struct jz_span completion, void *arg), void *arg);

/* ---- books --------------------------------------------------------------- */

struct jz_books {
	int64_t cash;	  /* brought in by customers */
	int64_t accounts; /* sum of all customers' accounts */
	int64_t cards;	  /* sum of all cards' shadows */
	int64_t transit_load;
	int64_t transit_payment;
	int64_t fraud; /* what copied cards have cost: below zero */
	int64_t lost;  /* what was on lost cards, by two people's decision */
	bool balanced; /* cash = all of the others, entry by entry */
};
/* When they do not balance, jz_issuer_detail() says what is wrong. */
int jz_issuer_books(struct jz_issuer *i, struct jz_books *out);

/*
 * Every account of the ledger with the sum of its entries, in name order.  Cash
 * is negative, so all together are zero.  `each` returns 0 to go on; anything
 * else ends the walk and is returned.  It must not call this issuer.
 */
int jz_issuer_each_account(struct jz_issuer *i,
    int (*each)(const char *name, int64_t balance, void *arg), void *arg);
/* Shadow balance of a card; JZ_ERR_NOT_FOUND. */
int jz_issuer_shadow(
    struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES], int64_t *minor);

/* One payment as the issuer knows it, by its request's digest. */
struct jz_payment_story {
	struct jz_payment payment;
	bool from_payer, from_payee; /* who has uploaded */
	/* With the payment: what the completion and the receipt sign. */
	uint32_t payer_record, payee_record;
	int64_t payer_time, payee_time; /* the payee's: 0 until uploaded */
	enum jz_outcome outcome; /* of a payment given up; 0: it was not */
	bool paid_out;		 /* the one who is asked for has it */
	uint8_t payer_signature[JZ_SIGNATURE_BYTES]; /* of the completion */
	/* Of the receipt when the payee has uploaded, else of the
	 * confirmation. */
	uint8_t payee_signature[JZ_SIGNATURE_BYTES];
};
/* In order of time; `each` as above. */
int jz_issuer_each_payment(struct jz_issuer *i,
    int (*each)(const struct jz_payment_story *p, void *arg), void *arg);

#endif
