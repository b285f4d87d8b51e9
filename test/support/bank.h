/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer in software: its certificates, the permission of a load, its side
 * of settlement; and what makes a purse ready to use.  It keeps no books: it
 * signs what a test asks for.
 */
#ifndef JZ_TEST_SUPPORT_BANK_H
#define JZ_TEST_SUPPORT_BANK_H

#include "../../keys/certificate.h"
#include "../../keys/revocation.h"
#include "../../keys/signed.h"
#include "port.h"

struct gp;

#define BANK_DAY      ((int64_t)24 * 60 * 60)
#define BANK_CURRENCY 156

struct bank {
	struct jz_engine engine; /* lent */
	int64_t now;
	struct jz_key_pair root, ca, host;
	struct jz_certificate ca_fields, host_fields;
	struct blob root_certificate, ca_certificate, host_certificate;
	uint32_t nonces; /* of challenges, so that no two are equal */
};

/* Makes keys and certificates, valid from a month before `now` for years. */
void bank_new(struct bank *b, const struct jz_engine *e, int64_t now);

/* The same issuer with a CA and a host of new keys and references under the
 * same root: number 2 to 9. */
void bank_roll(struct bank *b, unsigned number);

/* Signs a certificate. */
struct blob bank_certify(const struct bank *b, const struct jz_certificate *c,
    const struct jz_key_pair *by);

/* What a purse is made with. */
struct profile {
	const char *id;	 /* 16 characters */
	const char *pin; /* hexadecimal */
	uint8_t pin_limit;
	uint16_t currency;
	uint64_t max_balance, max_single, pin_above;
	uint64_t max_offline_sum, pin_sum, payer_cap;
	uint32_t max_offline_count, pin_count;
	enum jz_assurance payer_level;
	enum jz_assurance assurance; /* its own */
	uint8_t flags;
	enum jz_profile profile;
	uint8_t confirm;
	const uint8_t *load_key; /* of enciphered loads; NULL: none */
	int64_t from, to;	 /* 0: the bank's */
};

/* A purse of this number: PIN 123456, three tries, at most 1000000, single
 * 500000, PIN above 10000, 1000000 and 100 offline; "test". */
struct profile profile_of(const char *id);

/* The fields of a card's certificate; sign it with the bank's CA. */
struct jz_certificate bank_card_fields(const struct bank *b,
    const struct profile *p, const uint8_t point[static JZ_POINT_BYTES]);

/* FF71 of a profile. */
struct blob bank_parameters(const struct profile *p);

/*
 * A session with the issuer's domain, under the well-known keys, whose STORE
 * DATA goes to the purse: 9000 or the first refusal.  A card that does not know
 * the keys fails the test.
 */
uint16_t
bank_begin(const struct bank *b, const struct port *card, struct gp *g);
/* STORE DATA's number `block`: "make the key pair"; its point.  The SW. */
uint16_t bank_generate(
    struct gp *g, uint8_t block, uint8_t point[static JZ_POINT_BYTES]);
/* STORE DATA's number `block`.  The SW. */
uint16_t
bank_store(struct gp *g, uint8_t block, const struct blob *object, bool last);

/* The whole of it: 9000, the purse selected, or the first refusal. */
uint16_t bank_personalise(
    const struct bank *b, const struct port *card, const struct profile *p);

/* ---- revocation --------------------------------------------------------- */

/* FF6A by the bank's CA; the IDs in ascending order, ended by NULL. */
struct blob bank_revoke(const struct bank *b, uint32_t version,
    uint16_t generation, const char *const *ids);

/* ---- load --------------------------------------------------------------- */

/* FF41 out of INITIALIZE's answer, verified under the card's certificate. */
struct jz_message
bank_read_load_request(const struct bank *b, const struct port *card,
    const struct answer *initialized, uint8_t digest[static JZ_DIGEST_BYTES]);

/* The same, FF45 of INITIALIZE FOR UNLOAD's. */
struct jz_message
bank_read_unload_request(const struct bank *b, const struct port *card,
    const struct answer *initialized, uint8_t digest[static JZ_DIGEST_BYTES]);

/* The permission for a request of either, before it is signed. */
struct jz_message
bank_permission(const struct bank *b, const struct jz_message *request,
    const uint8_t digest[static JZ_DIGEST_BYTES]);

/* Signs with the host's key and encodes. */
struct blob bank_sign(const struct bank *b, struct jz_message *m);

/* FF48 for a proof, before it is signed. */
struct jz_message
bank_acknowledged(const struct bank *b, const struct jz_message *proof);

/* CREDIT FOR LOAD's or DEBIT FOR UNLOAD's data: date and time of field 86, then the permission. */
struct blob bank_credit_data(int64_t time, const struct blob *permission);

/* VERIFY, INITIALIZE, permission, CREDIT.  9000 or the first refusal. */
uint16_t bank_load(const struct bank *b, const struct port *card,
    const char *pin, uint32_t amount);

/* ---- settlement --------------------------------------------------------- */

/* FF52, with a nonce that no other challenge of this bank has. */
struct jz_message bank_challenge(struct bank *b);
/* FF54 for a sign-in. */
struct jz_message
bank_confirmed(const struct bank *b, const struct jz_message *sign_in);
/* FF59 for a batch. */
struct jz_message
bank_processed(const struct bank *b, const struct jz_message *batch);

/* Encodes a message that carries no signature. */
struct blob bank_encode(const struct jz_message *m);

/* Steps 01 to 03: signed in.  9000 or the first refusal. */
uint16_t bank_sign_in(struct bank *b, const struct port *card);
/* Steps 01 to 05 until nothing is left; *n gets the number of records. */
uint16_t bank_settle(struct bank *b, const struct port *card, uint32_t *n);

#endif
