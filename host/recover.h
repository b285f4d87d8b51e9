/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two ways of recovering share.
 */
#ifndef JZ_HOST_RECOVER_H
#define JZ_HOST_RECOVER_H

#include "pay.h"

/* The card refused with this. */
static inline bool
jz_recover_said(const struct jz_session *s, int err, uint16_t sw)
{
	return err == JZ_ERR_STATUS && s->sw == sw;
}

/* The request's digest of a sealed message, in *out, which has nothing else.
 * JZ_ERR_ANSWER. */
int jz_recover_digest(struct jz_span sealed, struct jz_payment *out);

#endif
