/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation lists: which certificates of a CA are void before their date.
 *
 *   FF6A { 9C CA's reference, 8C version, 86 time, 9F3A generation,
 *          [9F3B holder references], 5F37 r || s }
 *
 * A certificate of that CA is revoked when its generation is below the list's,
 * or its holder reference is on the list.  A list stands for all that the CA
 * has revoked: of two, the one of the higher version holds, and the other says
 * nothing.  It is one of the messages of apdu/message.h, so no signature of
 * another kind can be taken for its own.
 *
 * A list has at most JZ_REVOCATION_MAX references, so that every card can hold
 * it and pass it on: above that, the issuer raises the generation, which voids
 * whole issues of cards by one number.  References are padded with NUL to 16
 * bytes and stand in strictly ascending order: one encoding for one list.
 *
 * docs/adr/0011-revocation.md says why it is so.
 */
#ifndef JZ_KEYS_REVOCATION_H
#define JZ_KEYS_REVOCATION_H

#include "../apdu/message.h"
#include "certificate.h"

#define JZ_REVOCATION_MAX 32

/*
 * Decodes one list and nothing after it; out's spans point into `in`.  Does
 * not verify.  JZ_ERR_MESSAGE for any fault of form: another kind, version 0,
 * too many references, one that is none, or not in order.
 */
int jz_revocation_parse(struct jz_span in, struct jz_message *out);

/* JZ_ERR_CERT_ISSUER (another CA's), JZ_ERR_SIGNATURE. */
int jz_revocation_verify(const struct jz_engine *e,
    const struct jz_message *list, const struct jz_authority *ca);

/*
 * 0 or JZ_ERR_CERT_REVOKED, by the two fields of a list that was verified, of
 * a certificate that was verified under the same CA.
 */
int jz_revocation_judge(uint16_t generation, struct jz_span revoked,
    const struct jz_certificate *c);

/*
 * Signs a list with these fields (version, time, generation, revoked; the rest
 * is set) and appends it.  JZ_ERR_LIST_FULL (more than JZ_REVOCATION_MAX),
 * JZ_ERR_RANGE (whatever jz_revocation_parse() would refuse), JZ_ERR_SPACE, or
 * an error of the signature; then nothing is appended.
 */
int jz_revocation_sign(const struct jz_engine *e, struct jz_message *list,
    const uint8_t reference[static JZ_REFERENCE_BYTES],
    const struct jz_key_pair *ca, struct jz_buffer *out);

#endif
