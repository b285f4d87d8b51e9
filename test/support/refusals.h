/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two purses, a payment between them carried so far, and a forged card: where
 * each row of a table of refusals starts from.
 */
#ifndef JZ_TEST_SUPPORT_REFUSALS_H
#define JZ_TEST_SUPPORT_REFUSALS_H

#include "cardrig.h"
#include "forge.h"

#define REFUSAL_PAYEE  "CN00000000100001"
#define REFUSAL_PAYER  "CN00000000200001"
#define REFUSAL_FORGER "CN00000000900001"
#define REFUSAL_FUNDS  50000u
#define REFUSAL_AMOUNT 1200u

struct fixture {
	struct rig rig;
	struct bank *bank;
	struct rig_card *payee, *payer;
	struct rig_snapshot *payee_was, *payer_was;
	struct forger forger;
	struct payment pay;
};

/* For cmocka: *state is a struct fixture. */
int refusal_setup(void **state);
/* Both cards of the encrypted profile. */
int refusal_setup_encrypted(void **state);
int refusal_teardown(void **state);

/* Carries the payment up to a step (-1: none) and keeps the cards. */
void refusal_begin(struct fixture *f, int done);
/* The cards as they were then, and a new forger. */
void refusal_rewind(struct fixture *f);
/* The genuine payment goes on to its end. */
void refusal_goes_on(struct fixture *f);

struct row {
	const char *what;
	/* Brings the cards and *data to where it will be refused. */
	void (*prepare)(struct fixture *f, struct blob *data);
	uint16_t sw;
};

/* Every row is refused with its status word and changes nothing. */
void refusal_check(struct fixture *f, struct rig_card *card, enum step step,
    const struct row *rows, size_t n);

/* ---- what makes several messages bad ------------------------------------ */

void surplus(struct fixture *f, struct blob *data);
void cut_short(struct fixture *f, struct blob *data);
/* A sealed message under another request's digest. */
void other_digest_outside(struct fixture *f, struct blob *data);
/* A sealed message with and without field 89. */
void with_payer_key(struct fixture *f, struct blob *data);
void without_payer_key(struct fixture *f, struct blob *data);
void fill_pending(struct rig_card *c, unsigned n);

#endif
