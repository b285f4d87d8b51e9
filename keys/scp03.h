/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secure Channel Protocol 03: GlobalPlatform Card Specification 2.3,
 * Amendment D, in the form with 8-byte challenges, cryptograms and MACs (S8)
 * and 16-byte keys.  Shared by card and host, so that both wrap the same way.
 *
 * A channel begins with INITIALIZE UPDATE and EXTERNAL AUTHENTICATE, whose
 * exchange is the card's and the host's business; here are the keys that come
 * of it and what is done to each command and response afterwards.
 *
 * All functions return 0 or an error; JZ_ERR_SIGNATURE for a wrong MAC or
 * cryptogram, JZ_ERR_DECRYPT for wrong padding: then the channel is to be
 * closed.  A channel's state is wiped with jz_wipe().
 */
#ifndef JZ_KEYS_SCP03_H
#define JZ_KEYS_SCP03_H

#include "../apdu/apdu.h"
#include "crypto.h"

#define JZ_SCP03_CHALLENGE_BYTES 8
#define JZ_SCP03_MAC_BYTES	 8
#define JZ_SCP03_SEQUENCE_BYTES	 3
#define JZ_SCP03_PARAMETER	 0x70 /* i: pseudo-random, R-MAC, R-ENC */

/* Security level: GlobalPlatform 10.6, table 10-1. */
enum {
	JZ_LEVEL_NONE = 0x00,
	JZ_LEVEL_C_MAC = 0x01,
	JZ_LEVEL_C_ENC = 0x02,
	JZ_LEVEL_R_MAC = 0x10,
	JZ_LEVEL_R_ENC = 0x20,
};

/* A key set of a security domain. */
struct jz_scp03_keys {
	uint8_t enc[JZ_KEY_BYTES];
	uint8_t mac[JZ_KEY_BYTES];
	uint8_t dek[JZ_KEY_BYTES];
};

struct jz_scp03 {
	uint8_t level;
	uint8_t s_enc[JZ_KEY_BYTES];
	uint8_t s_mac[JZ_KEY_BYTES];
	uint8_t s_rmac[JZ_KEY_BYTES];
	uint8_t host_cryptogram[JZ_SCP03_CHALLENGE_BYTES];
	uint8_t card_cryptogram[JZ_SCP03_CHALLENGE_BYTES];
	uint8_t chaining[JZ_KEY_BYTES]; /* the last command's whole MAC */
	uint32_t counter;		/* of commands after authentication */
};

/* Session keys and both cryptograms (6.2.1, 6.2.2); level none so far. */
int jz_scp03_start(const struct jz_engine *e, const struct jz_scp03_keys *keys,
    const uint8_t host_challenge[static JZ_SCP03_CHALLENGE_BYTES],
    const uint8_t card_challenge[static JZ_SCP03_CHALLENGE_BYTES],
    struct jz_scp03 *out);

/* The pseudo-random card challenge (6.2.2.1) of a sequence counter. */
int
jz_scp03_challenge(const struct jz_engine *e, const struct jz_scp03_keys *keys,
    const uint8_t sequence[static JZ_SCP03_SEQUENCE_BYTES],
    struct jz_span sd_aid, uint8_t out[static JZ_SCP03_CHALLENGE_BYTES]);

/*
 * Host: protects a command at the channel's level.  c's data move to `room`,
 * which must outlive c; the class byte gets its secure messaging bit.  The MAC
 * is over Lc in the form that jz_command_build() gives it; a command that is to
 * be chained is protected as one.
 * EXTERNAL AUTHENTICATE itself is wrapped with level C-MAC, then the level
 * asked for is set.
 */
int jz_scp03_wrap(const struct jz_engine *e, struct jz_scp03 *s,
    struct jz_command *c, struct jz_buffer *room);

/*
 * Card: checks and opens a protected command in place; `room` gets the clear
 * data, and the class byte loses its bit.
 */
int jz_scp03_unwrap(const struct jz_engine *e, struct jz_scp03 *s,
    struct jz_command *c, struct jz_buffer *room);

/*
 * Card: protects a response's data in place, for a status word of 9000, 62xx
 * or 63xx; others go without protection and without data (6.2.5).
 */
int jz_scp03_wrap_response(const struct jz_engine *e, struct jz_scp03 *s,
    uint16_t sw, struct jz_buffer *data);

/* Host: the reverse; out gets the clear data. */
int jz_scp03_unwrap_response(const struct jz_engine *e, struct jz_scp03 *s,
    uint16_t sw, struct jz_span data, struct jz_buffer *out);

/* Key check value of an AES key: GlobalPlatform B.6, three bytes. */
int jz_key_check_value(const struct jz_engine *e,
    const uint8_t key[static JZ_KEY_BYTES], uint8_t out[static 3]);

#endif
