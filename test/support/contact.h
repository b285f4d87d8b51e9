/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An e-signature card made as an issuer makes one: a virtual card with a panel,
 * personalised as a purse and then to sign, by jz_sign_personalise().
 */
#ifndef JZ_TEST_SUPPORT_CONTACT_H
#define JZ_TEST_SUPPORT_CONTACT_H

#include "../../host/pay.h"
#include "../../host/sign.h"
#include "../../reader/virtual.h"

#define CONTACT_PIN JZ_SECRET("123456")

struct contact_card {
	struct jz_virtual *card;
	struct jz_reader *reader; /* with the card */
	struct jz_session session;
	uint8_t id[JZ_ID_BYTES];
};

/* For an account that there is; protocol 0: T=1; a key is enough for any amount.  0 or an error;
 * free it in either case. */
int contact_card_new(struct contact_card *c, struct jz_issuer *issuer,
    const struct jz_esign_verifier *v, const char *account, enum jz_suite suite,
    enum jz_protocol protocol);
void contact_card_free(struct contact_card *c);

/* A short order: one minor unit from the account to another one. */
int contact_order(
    const char *account, const char *to, uint8_t *out, size_t cap, size_t *len);
/* Reads to the end, presses OK until the joint password is shown, and reads it. */
bool contact_password(
    struct contact_card *c, char out[static JZ_VIRTUAL_LINE_BYTES]);

#endif
