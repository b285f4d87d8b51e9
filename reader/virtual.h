/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual cards, seen from outside: the one bridge between the host side and
 * applet/.
 *
 * A virtual card lives in a file or in memory.  Its file is sealed under a key
 * file (32 random bytes; by default FILE.key beside it, made with mode 0600)
 * or under a passphrase (scrypt).  Who holds both files holds the money: a
 * virtual card's value can be copied with its file, and its certificate says
 * "software" or "test" so that other cards may refuse or cap it.
 */
#ifndef JZ_READER_VIRTUAL_H
#define JZ_READER_VIRTUAL_H

#include "../apdu/atr.h"
#include "reader.h"

struct jz_virtual; /* an open virtual card */

struct jz_virtual_options {
	const char *path;	/* NULL: in memory */
	const char *key_path;	/* NULL: path + ".key" */
	const char *passphrase; /* not NULL: instead of a key file */
	/* Of a new card, whose ATR offers it for good; 0: T=1. */
	enum jz_protocol protocol;
};

/*
 * Creates a new card with an empty purse on it and opens it.  Makes the key
 * file when there is none.  JZ_ERR_EXISTS when the card's file exists.
 */
int
jz_virtual_create(const struct jz_virtual_options *o, struct jz_virtual **out);

/*
 * Opens an existing card file and holds a lock on it: JZ_ERR_CARD_LOCKED when
 * another process has it open.  The file is not changed by opening.
 */
int
jz_virtual_open(const struct jz_virtual_options *o, struct jz_virtual **out);

/* Power off, release, clear the pointer. */
void jz_virtual_free(struct jz_virtual **v);

/* One command; as jz_card_process (rsp_cap at least 258). */
size_t jz_virtual_process(struct jz_virtual *v, const uint8_t *cmd,
    size_t cmd_len, uint8_t *rsp, size_t rsp_cap);
void jz_virtual_reset(struct jz_virtual *v);
struct jz_span jz_virtual_atr(const struct jz_virtual *v);
/* Hash over the persistent image: equal hashes, equal persistent state. */
int jz_virtual_image_hash(const struct jz_virtual *v, uint8_t out[static 32]);

/* A reader with this card in it; takes the card, also on error. */
int jz_reader_take_virtual(struct jz_virtual **v, struct jz_reader **out);

/*
 * Shows cards to a PC/SC daemon through vpcd: card i connects to the driver's
 * TCP port ports[i] on 127.0.0.1.  Serves until *stop is set (by a signal
 * handler) or every connection is lost; reconnects with patience when the
 * driver is not there yet.  Cards are lent.
 */
struct jz_serve {
	struct jz_virtual *const *cards;
	const unsigned short *ports;
	size_t n;
	const volatile int *stop;
	/* Told of plug, unplug, power on/off and reset; may be NULL. */
	void (*event)(size_t card, const char *what, void *arg);
	void *arg;
};
int jz_virtual_serve(const struct jz_serve *s);

#endif
