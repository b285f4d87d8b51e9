/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answer to reset: ISO/IEC 7816-3:2006 8.
 */
#ifndef JZ_APDU_ATR_H
#define JZ_APDU_ATR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

#define JZ_ATR_MAX 33

enum jz_protocol {
	JZ_PROTOCOL_T0 = 1, /* bit mask */
	JZ_PROTOCOL_T1 = 2,
};

struct jz_atr {
	unsigned protocols; /* mask of enum jz_protocol offered */
	unsigned first;	    /* the one used without negotiation */
	bool inverse;	    /* TS is 3F */
	struct jz_span historical;
	bool extended_length; /* card capabilities, third byte bit 7 */
	bool chaining;	      /* card capabilities, third byte bit 8 */
};

/*
 * Parses and checks the ATR, the check byte TCK included (absent only when
 * T=0 is the one protocol).  Returns 0 or JZ_ERR_ATR.  The historical bytes
 * are lent from `in`.
 */
int jz_atr_parse(struct jz_span in, struct jz_atr *out);

/*
 * Appends an ATR that offers one protocol with default parameters (direct
 * convention, F=372 D=1) and these historical bytes (at most 15).
 * Returns 0, JZ_ERR_RANGE or JZ_ERR_SPACE.
 */
int jz_atr_build(enum jz_protocol protocol, struct jz_span historical,
    struct jz_buffer *out);

#endif
