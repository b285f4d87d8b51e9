/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators and their decisions, among the issuer's own files.
 */
#ifndef JZ_HOST_ISSUER_OPERATOR_H
#define JZ_HOST_ISSUER_OPERATOR_H

#include "internal.h"

/* ---- operator.c ---------------------------------------------------------- */

/* An operator, in service or not, whose row the host has signed; of this key
 * unless NULL.  JZ_ERR_OPERATOR_UNKNOWN. */
int jz_operator_known(struct jz_issuer *i, const char *name,
    const uint8_t *public_key, struct jz_operator_row *out);
/* Whether there can be one of this name and key; errors as
 * jz_issuer_operator_found(). */
int jz_operator_check_new(struct jz_issuer *i, const char *name,
    const uint8_t public_key[static JZ_POINT_BYTES]);
int jz_operator_add(struct jz_issuer *i, const char *actor, const char *name,
    const uint8_t public_key[static JZ_POINT_BYTES]);
/* JZ_ERR_NOT_FOUND, JZ_ERR_EXISTS (is one no more), JZ_ERR_STATE (two must
 * stay). */
int jz_operator_check_retire(struct jz_issuer *i, const char *name);
int
jz_operator_retire(struct jz_issuer *i, const char *actor, const char *name);

/* ---- decision.c ---------------------------------------------------------- */

/*
 * Whether what is proposed can be done now, and how much would move, signed:
 * *amount.  Errors as jz_issuer_propose().
 */
int jz_decision_check(
    struct jz_issuer *i, const struct jz_proposal *p, int64_t *amount);
/* Does it, within a transaction, after the check. */
int jz_decision_carry_out(struct jz_issuer *i, const struct jz_proposal *p);

#endif
