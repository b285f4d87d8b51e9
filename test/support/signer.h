/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an e-signature card signs and its user types, made without a card: in
 * number, and wrong where a test wants it.
 */
#ifndef JZ_TEST_SUPPORT_SIGNER_H
#define JZ_TEST_SUPPORT_SIGNER_H

#include "../../host/issuer/esign.h"

struct signer {
	struct jz_engine engine; /* owned */
	struct jz_key_pair key;
	uint8_t id[JZ_ID_BYTES];
	const char *account; /* lent */
	uint32_t counter;    /* of the last signature */
};

/* Registers it as well.  0 or an error; free it in either case. */
int signer_new(struct signer *s, const struct jz_esign_verifier *v,
    const char *id, const char *account);
void signer_free(struct signer *s);

struct signer_order {
	const char *to;
	uint64_t amount;
	enum jz_esign_kind kind; /* 0: JZ_ESIGN_SIGNATURE */
	uint8_t scheme;		 /* 0: JZ_SCHEME_DEFAULT */
	uint16_t currency;
};

/* The next counter's, with the right password typed: the last
 * SIGNER_PASSWORD bytes of out. */
#define SIGNER_PASSWORD 6
int signer_sign(struct signer *s, const struct jz_esign_verifier *v,
    const struct signer_order *o, struct jz_buffer *out);

#endif
