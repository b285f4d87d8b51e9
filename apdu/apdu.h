/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command and response APDUs: ISO/IEC 7816-4:2013 5.1, 5.2; ISO/IEC 7816-3
 * 12.1 (cases 1, 2S-4S, 2E-4E).
 *
 * A parsed command lends its data from the bytes it was parsed from.
 */
#ifndef JZ_APDU_APDU_H
#define JZ_APDU_APDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

#define JZ_APDU_MAX_NC 65535u
#define JZ_APDU_MAX_NE 65536u
/* header, extended Lc, data, extended Le */
#define JZ_APDU_MAX_COMMAND  (4u + 3u + JZ_APDU_MAX_NC + 2u)
#define JZ_APDU_MAX_RESPONSE (JZ_APDU_MAX_NE + 2u)

#define JZ_CLA_CHAINING 0x10 /* more blocks of this command follow */

struct jz_command {
	uint8_t cla, ins, p1, p2;
	bool extended;	     /* length fields are of the extended form */
	bool has_le;	     /* false in cases 1 and 3 */
	struct jz_span data; /* Nc bytes */
	uint32_t ne;	     /* 0 without Le; Le 00 is 256, 0000 is 65536 */
};

struct jz_response {
	struct jz_span data;
	uint16_t sw;
};

/*
 * Parses a command.  Returns 0, JZ_ERR_APDU_SHORT (under 4 bytes) or
 * JZ_ERR_APDU_LENGTH (the length fields do not add up; also an extended Lc of
 * zero with data announced).  *out is filled only on success.
 */
int jz_command_parse(struct jz_span in, struct jz_command *out);

/*
 * Appends the command.  The extended form is used when c->extended is set, or
 * when the data pass 255 bytes or ne passes 256.  Le is written when has_le
 * is set or ne is not zero.  Returns 0, JZ_ERR_RANGE or JZ_ERR_SPACE.
 */
int jz_command_build(const struct jz_command *c, struct jz_buffer *out);

/* Splits a response.  Fewer than 2 bytes: JZ_ERR_APDU_SHORT. */
int jz_response_parse(struct jz_span in, struct jz_response *out);

/*
 * The logical channel (0-19) that an interindustry or proprietary class byte
 * names, ISO/IEC 7816-4:2013 5.4.1: 0X and 8X carry channels 0-3, 4X-7X and
 * CX-FX channels 4-19.  CLA FF is invalid, 2X and 3X are reserved: -1.
 */
int jz_cla_channel(uint8_t cla);

/* True when the class asks for secure messaging in either coding. */
bool jz_cla_secure(uint8_t cla);

/* The class byte for the same command on another channel (0-19). */
uint8_t jz_cla_on_channel(uint8_t cla, unsigned channel);

#endif
