/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cryptography of the joint password, shared by card and issuer.
 *
 * The joint password goes to the issuer's public key (JPS-4, JPS-6, JPS-7):
 *
 *   ephemeral key without 04 || seal of
 *	joint password || 16 random bytes || digest of the message
 *
 * ECIES of the suite's own parts (ISO/IEC 18033-2 8, SEC 1 5.1): the key is
 * ANSI X9.63 over the shared x coordinate, info "jiaozi joint password" ||
 * ephemeral key || issuer's key; the nonce is zero, since the key is used once;
 * the associated data are the kind || card ID || counter || nonce || key version ||
 * digest of the message.
 *
 * JPS-7 (FF36) signs no ciphertext, and whoever has a public key can encrypt to
 * it; JPS-2 and -3 (FF32, FF33) sign none either, and there a wrong password
 * looks like a forged signature until the block proves who made it (JPS-14).  In
 * these three the shared x coordinate of the card's and the issuer's static keys
 * stands behind the other one, so that only the card can have made the block.
 */
#ifndef JZ_KEYS_ESIGN_H
#define JZ_KEYS_ESIGN_H

#include "../apdu/esign.h"
#include "crypto.h"

struct jz_joint {
	uint8_t password[JZ_JOINT_MAX];
	size_t len; /* JZ_JOINT_MIN to JZ_JOINT_MAX */
	uint8_t random[JZ_JOINT_RANDOM_BYTES];
	uint8_t order_digest[JZ_DIGEST_BYTES];
};

/* The suite's hash of the whole FF31. */
int jz_esign_digest(const struct jz_engine *e, struct jz_span order,
    uint8_t out[static JZ_DIGEST_BYTES]);

/* Into JZ_JOINT_SEALED_BYTES(j->len) bytes.  s->sealed is not looked at. */
int jz_joint_seal(const struct jz_engine *e, const struct jz_esign_signature *s,
    const struct jz_key_pair *card,
    const uint8_t issuer_key[static JZ_POINT_BYTES], const struct jz_joint *j,
    uint8_t *out);
/* JZ_ERR_DECRYPT: made for another key, or for other fields of s. */
int jz_joint_open(const struct jz_engine *e, const struct jz_esign_signature *s,
    const struct jz_key_pair *issuer,
    const uint8_t card_key[static JZ_POINT_BYTES], struct jz_joint *out);

/* What JPS-2 and JPS-3 sign besides; the order is lent.  The caller wipes s. */
void jz_esign_bind(struct jz_esign_signature *s, struct jz_span order,
    const struct jz_joint *j);

/* Fills s->signature over the signed form, and s->sealed_digest. */
int jz_esign_sign(const struct jz_engine *e, struct jz_esign_signature *s,
    const struct jz_key_pair *key);
/* s->order_digest is the verifier's own; fills s->sealed_digest.
 * JZ_ERR_SIGNATURE. */
int jz_esign_verify(const struct jz_engine *e, struct jz_esign_signature *s,
    const uint8_t public_key[static JZ_POINT_BYTES]);

#endif
