/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card that is no card: a key pair, counters and a log of records, which
 * says what a purse says to its issuer.  Nothing of it is checked, so it can
 * be made to say anything: each message is handed out as a struct first, for a
 * test to alter, and signed by fakecard_sign().
 *
 * It knows no issuer: its certificate and names are set from outside.
 */
#ifndef JZ_TEST_SUPPORT_FAKECARD_H
#define JZ_TEST_SUPPORT_FAKECARD_H

#include "../../keys/certificate.h"
#include "../../keys/signed.h"

#define FAKECARD_RECORDS    32
#define FAKECARD_RECORD_MAX 400

/* An encoded message. */
struct letter {
	size_t len;
	uint8_t data[JZ_BATCH_MAX];
};

static inline struct jz_span
letter_span(const struct letter *l)
{
	return jz_span(l->data, l->len);
}

struct fakecard {
	struct jz_engine engine; /* lent */
	struct jz_key_pair key;
	uint8_t id[JZ_ID_BYTES];
	uint8_t asn[10];
	uint8_t certificate[JZ_CERTIFICATE_MAX];
	size_t certificate_len;
	char account[JZ_ACCOUNT_MAX + 1];
	char holder[JZ_IDENTITY_MAX + 1];
	uint16_t currency;
	int64_t now;
	uint64_t balance;
	uint32_t online_counter, offline_counter;
	/* As in a purse: records first_unsettled to next_record - 1. */
	uint32_t next_record, first_unsettled;
	struct jz_message record[FAKECARD_RECORDS]; /* n at n % RECORDS */
	uint8_t card_nonce[JZ_NONCE_BYTES], host_nonce[JZ_NONCE_BYTES];
};

/* A new key pair, counters at zero, first record 1, currency CNY. */
void fakecard_new(struct fakecard *c, const struct jz_engine *e, int64_t now);

/* Any message, signed by this card where its kind is signed. */
struct letter fakecard_sign(const struct fakecard *c, struct jz_message *m);
/* As it stands. */
struct letter letter_of(const struct jz_message *m);

/* FF41: raises the online counter. */
struct jz_message fakecard_load_request(struct fakecard *c, uint64_t amount);
/* FF43 for a permission: raises the balance, adds the record. */
struct jz_message
fakecard_load_report(struct fakecard *c, const struct letter *permission);

/* FF44 for a request, whatever became of it. */
struct jz_message fakecard_load_cancel(
    const struct fakecard *c, const struct jz_message *request);

/* FF45: the counter is the next one, and is not raised. */
struct jz_message
fakecard_unload_request(const struct fakecard *c, uint64_t amount);
/* FF47 for a permission: raises the counter, lowers the balance, adds the
 * record. */
struct jz_message
fakecard_unload_proof(struct fakecard *c, const struct letter *permission);

/*
 * A whole payment: both balances and both records.  The digests of request and
 * agreement are random: the issuer never sees these messages.
 */
void
fakecard_pay(struct fakecard *payer, struct fakecard *payee, uint64_t amount);

/*
 * A payment that the payee gives up, with FF5A in its log; the payer has paid
 * it, or has not.
 */
void fakecard_give_up(struct fakecard *payer, struct fakecard *payee,
    uint64_t amount, bool paid, enum jz_outcome outcome);
/* FF28 of a record FF5A. */
struct jz_message fakecard_exception_of(const struct jz_message *record);

/* FF51 with a new nonce, FF53 for a challenge. */
struct jz_message fakecard_sign_in_request(struct fakecard *c);
struct jz_message
fakecard_sign_in(struct fakecard *c, const struct letter *challenge);
/* FF55 with `n` records from `first`; `records` holds them encoded. */
struct jz_message fakecard_batch(const struct fakecard *c, uint32_t first,
    uint32_t n, struct letter *records);
/* FF59: clears what it confirms. */
void fakecard_processed(struct fakecard *c, const struct letter *processed);

/* The record of this number, to be altered. */
struct jz_message *fakecard_record(struct fakecard *c, uint32_t number);

/* The messages that a record's signatures belong to. */
struct jz_message fakecard_completion_of(const struct jz_message *record);
struct jz_message fakecard_confirmation_of(const struct jz_message *record);
struct jz_message
fakecard_receipt_of(const struct jz_engine *e, const struct jz_message *record);

#endif
