/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card that is none: it has a key pair and a certificate of the bank, and
 * signs and seals whatever a test makes it say.
 */
#ifndef JZ_TEST_SUPPORT_FORGE_H
#define JZ_TEST_SUPPORT_FORGE_H

#include "bank.h"

struct forger {
	struct jz_engine engine; /* lent */
	struct jz_key_pair key, ephemeral;
	struct jz_certificate fields;
	struct blob certificate;
	struct jz_working_keys keys; /* of its last agreement */
};

void forger_new(struct forger *f, const struct bank *b, const char *id);
/* Has f->fields certified anew, after a test has changed them. */
void forger_certify(
    struct forger *f, const struct bank *b, const struct jz_key_pair *by);

/* A good request for this amount, before it is signed. */
struct jz_message
forger_request(const struct forger *f, uint64_t amount, int64_t time);
/* The encrypted profile: a good request, sealed, in answer to a hello; sets
 * f->keys.  `m` is made by forger_request and may have been changed since. */
struct blob forger_answer(struct forger *f, const struct answer *hello,
    struct jz_message *m, const struct jz_key_pair *signer);
/* A good agreement to a request, before it is signed; sets f->keys. */
struct jz_message
forger_agreement(struct forger *f, const struct blob *request);

/* Signs with the forger's key, and encodes. */
struct blob forger_sign(const struct forger *f, struct jz_message *m);
/*
 * Signs with this key (NULL: it is signed), and seals under this digest (NULL: the message's own);
 * payer_key may be NULL.  Written after docs/protocol.md, not with the code
 * that the cards use.
 */
struct blob forge_sealed(const struct jz_engine *e, struct jz_message *m,
    const struct jz_key_pair *signer, const uint8_t *key,
    const uint8_t *payer_key, const uint8_t *digest);

#endif
