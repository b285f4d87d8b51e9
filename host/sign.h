/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The e-signature card, as a terminal and as its issuer's desk see it.
 * docs/adr/0014-esign.md
 */
#ifndef JZ_HOST_SIGN_H
#define JZ_HOST_SIGN_H

#include "../apdu/esign.h"
#include "../keys/secret.h"
#include "card.h"
#include "gp.h"
#include "issuer/esign.h"

/*
 * The one contact: SELECT and SIGN.  Appends the signature (FF34), for which
 * JZ_ESIGN_SIGNATURE_MAX bytes are always enough.  After it the card is on its
 * own, and any other command to it ends what it does.  JZ_ERR_STATUS: 6A82 no
 * such applet, 6985 not personalised, 6A81 no display, 9402 counter at its end;
 * JZ_ERR_PIN_BLOCKED for an amount that needs it.
 */
int jz_sign_contact(
    struct jz_session *s, struct jz_span order, struct jz_buffer *signature);

/* What the card says of itself: SELECT and GET DATA FF3A.  A contact like any
 * other: it ends what waits for the user. */
int jz_sign_info(struct jz_session *s, struct jz_esign_info *out);

/*
 * The user's certificate in X.509 form: SELECT and GET DATA; appends the DER.
 * JZ_ERR_NOT_FOUND: the card has none.
 */
int jz_sign_certificate(struct jz_session *s, struct jz_buffer *der);

/*
 * What was signed, for who has nothing but the certificate: the bytes under the
 * signature, and the signature in DER.  JZ_ERR_UNSUPPORTED: in this mode and
 * scheme only card and issuer know them (docs/esign.md).
 */
int jz_sign_evidence(const struct jz_engine *e, struct jz_span order,
    struct jz_span signature, struct jz_buffer *to_be_signed,
    struct jz_buffer *der);

struct jz_sign_personal {
	const char *holder;  /* up to 32 bytes */
	const char *account; /* at the issuer: what the card signs for */
	const struct jz_secret *pin; /* 4-12 digits, for the card's own keys */
	uint64_t pin_above_minor;
	enum jz_esign_kind mode;  /* FF32 to FF36 */
	uint8_t scheme;		  /* enum jz_scheme */
	bool may_be_guessed;	  /* JZ_ESIGN_MAY_BE_GUESSED */
	uint8_t length, alphabet; /* of joint passwords */
	uint8_t language;	  /* of the card: 0 English, 1 Chinese */
	uint16_t wait_s, show_s;
	bool key_after_pin;
};

/*
 * Over an authenticated channel to the issuer's domain: installs the applet
 * when it is not there, has it make its key pair, certifies and registers it,
 * and stores the rest.  What was cut off is done by the same call once more.
 * JZ_ERR_STATUS with 6985: personalised already.
 */
int jz_sign_personalise(struct jz_gp *g, struct jz_issuer *issuer,
    const struct jz_esign_verifier *verifier, const struct jz_sign_personal *p,
    uint8_t id[static JZ_ID_BYTES]);

#endif
