/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secure channel of a card without the card: INITIALIZE UPDATE, EXTERNAL
 * AUTHENTICATE and the protection of commands and responses, with keys/scp03.h
 * alone.  What stands in the clear is a script, written in hexadecimal, as in
 * script.h: each command without its channel's protection and without length
 * fields, and the answer.  A command that ends in "..." may go on.
 */
#ifndef JZ_TEST_SUPPORT_GPCARD_H
#define JZ_TEST_SUPPORT_GPCARD_H

#include "../../host/gp.h"
#include "script.h"

#define GPCARD_CHAIN_MAX 3000

struct gpcard {
	struct jz_engine engine; /* lent */
	struct jz_scp03_keys keys;
	struct jz_gp_aid domain;
	uint8_t kdd[JZ_GP_KDD_BYTES];
	uint8_t kvn, parameter;
	uint32_t sequence;
	const struct line *lines;
	size_t n, at;
	/* What to do wrong. */
	bool wrong_cryptogram, wrong_challenge, wrong_mac, refuse_host;
	bool begun, open;
	struct jz_scp03 channel;
	uint8_t chain[GPCARD_CHAIN_MAX];
	size_t chain_len, blocks; /* blocks: of the last command */
	bool extended;		  /* the last command's form */
	uint8_t atr[33];
	size_t atr_len;
	struct jz_reader *reader;
	struct jz_session session;
	struct jz_gp gp; /* on that session, nothing selected */
};

/*
 * A card with the well-known test keys under version FF and the KDD 4A5A and
 * eight bytes 11; extended: its ATR says that it takes extended length.
 */
void gpcard_open(struct gpcard *c, const struct jz_engine *e, bool extended,
    const struct line *lines, size_t n);
/* The whole script was played; frees. */
void gpcard_close(struct gpcard *c);

/* The well-known test keys of GlobalPlatform cards, 40..4F three times. */
struct jz_scp03_keys gpcard_default_keys(void);

#define GPCARD_OPEN(c, e, extended, lines)                                     \
	gpcard_open(                                                           \
	    (c), (e), (extended), (lines), sizeof(lines) / sizeof((lines)[0]))

#endif
