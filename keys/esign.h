/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cryptography of the joint password, shared by card and issuer.
 *
 * The joint password goes to the issuer encrypted, in a block of
 *
 *	joint password || 16 random bytes || digest of the message
 *
 * which the scheme (enum jz_scheme) makes in one of two ways:
 *
 *   public key  ephemeral key without 04 || seal of the block: ECIES of the
 *		 suite's own parts (ISO/IEC 18033-2 8, SEC 1 5.1)
 *   symmetric   seal of the block
 *
 * The key of the seal is ANSI X9.63 over the secrets below, info "jiaozi joint
 * password" || ephemeral key || issuer's key || associated data; its nonce is
 * zero, since no key is used twice; the associated data are kind || card ID ||
 * counter || nonce || key version || scheme || hash of the message.  Secrets:
 *
 *   the x coordinate shared by ephemeral and issuer's key	public key
 *   the x coordinate shared by the card's and the issuer's	symmetric; FF32,
 *   static keys						FF33, FF36
 *
 * JPS-7 (FF36) signs no ciphertext, and whoever has a public key can encrypt to
 * it; JPS-2 and -3 (FF32, FF33) sign none either, and there a wrong password
 * looks like a forged signature until the block proves who made it (JPS-14).  So
 * in these three only the card can have made the block.
 *
 * Without random number (JZ_SCHEME_BARE) the block has none, and the ephemeral
 * private key is ANSI X9.63 over the password and the static secret where there
 * is one, info "jiaozi joint scalar" || issuer's key || associated data || a
 * byte, the first from 0 that makes it a key: encryption that gives the same for
 * the same, so that a guess can be tested where all else is public.
 *
 * A digest (JPS-8) is of these what the scheme says, joined: the suite's hash;
 * CMAC; CBC with a zero IV after padding with 80 and zeros.  Their keys are the
 * halves of ANSI X9.63 over the static secret, info "jiaozi joint digest" ||
 * card ID.  Signed is a template of the mode's kind: jz_esign_put_head(), then
 *
 *   FF32  whole message, 9F70 joint password, 9F71 random number
 *   FF33  9F65 digest(message), 9F72 digest(joint password || random number)
 *   FF34  9F65 digest(message), the encrypted joint password
 *   FF35  9F65 digest(message), 9F66 digest(encrypted joint password)
 *   FF36  9F65 digest(message), or the whole message where the scheme has no
 *	   digest
 */
#ifndef JZ_KEYS_ESIGN_H
#define JZ_KEYS_ESIGN_H

#include "../apdu/esign.h"
#include "crypto.h"

struct jz_joint {
	uint8_t password[JZ_JOINT_MAX];
	size_t len; /* JZ_JOINT_MIN to JZ_JOINT_MAX */
	uint8_t random[JZ_JOINT_RANDOM_BYTES]; /* zero in a bare scheme */
	uint8_t order_digest[JZ_DIGEST_BYTES];
};

/* Card and issuer, as one of them sees it. */
struct jz_esign_ends {
	const struct jz_key_pair *own; /* lent; the issuer's to decrypt with */
	const uint8_t *peer;	       /* lent: the other's public key */
	uint8_t shared[32];	       /* zero where nothing needs it */
};

/* Room for what is signed. */
#define JZ_ESIGN_SIGNED_MAX (400 + JZ_ESIGN_ORDER_MAX)

/* Whether only card and issuer know what is signed in this mode and scheme. */
bool jz_esign_is_secret(uint32_t kind, uint8_t scheme);

/*
 * The keys of both for a signature of this kind and scheme; *out is wiped by
 * the caller.  JZ_ERR_KEY: the peer's is no point of the curve.
 */
int jz_esign_meet(const struct jz_engine *e, const struct jz_esign_signature *s,
    const struct jz_key_pair *own, const uint8_t peer[static JZ_POINT_BYTES],
    struct jz_esign_ends *out);

/* The message that s is about, lent, and its hash. */
int jz_esign_order(const struct jz_engine *e, struct jz_span order,
    struct jz_esign_signature *s);
/* What JPS-2 and JPS-3 sign besides.  The caller wipes s. */
void jz_esign_bind(struct jz_esign_signature *s, const struct jz_joint *j);

/* By the card: jz_joint_sealed_bytes() of s->scheme and j->len into out.
 * s->sealed is not looked at.  JZ_ERR_RANGE. */
int jz_joint_seal(const struct jz_engine *e, const struct jz_esign_signature *s,
    const struct jz_esign_ends *card, const struct jz_joint *j, uint8_t *out);
/* By the issuer.  JZ_ERR_DECRYPT: made for another key, or for other fields of
 * s. */
int jz_joint_open(const struct jz_engine *e, const struct jz_esign_signature *s,
    const struct jz_esign_ends *issuer, struct jz_joint *out);

/*
 * Appends what is signed.  Order, sealed block, and in JPS-2 and JPS-3 the
 * password are in s; a terminal can do without `ends` where no digest is keyed
 * and no password is in it, and gets JZ_ERR_ARGUMENT where one is.
 * JZ_ERR_SPACE.
 */
int
jz_esign_signed(const struct jz_engine *e, const struct jz_esign_signature *s,
    const struct jz_esign_ends *ends, struct jz_buffer *out);
/* By the card: fills s->signature. */
int jz_esign_sign(const struct jz_engine *e, struct jz_esign_signature *s,
    const struct jz_esign_ends *card);
/* By the issuer.  JZ_ERR_SIGNATURE. */
int jz_esign_verify(const struct jz_engine *e,
    const struct jz_esign_signature *s, const struct jz_esign_ends *issuer);

#endif
