/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers: the way to a card.
 *
 * A reader is opened by name:
 *
 *   virtual:FILE[?key=FILE|?passphrase=env:NAME|file:FILE|fd:N]
 *                        a virtual card, in this process
 *   pcsc:GLOB            the reader of the PC/SC daemon whose name matches;
 *                        JZ_ERR_READER_MANY when several with a card do
 *   pcsc:serial=NAME     exactly that reader name
 *
 * and everything above takes an open reader and does not care which.  Opening
 * connects to the card and powers it.
 *
 * A handle is used by one thread at a time; different handles are independent.
 * Errors are those of apdu/error.h, ranges 300 (virtual) and 400.
 */
#ifndef JZ_READER_H
#define JZ_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../apdu/bytes.h"

struct jz_reader;

/* A kind of reader; the simulator and the fuzzer bring their own. */
struct jz_reader_ops {
	const char *scheme; /* "virtual", "pcsc" */
	/* *rsp_len holds the capacity of rsp and gets the response's length,
	 * status word included; fewer than 2 bytes never leave as success. */
	int (*transmit)(void *state, const uint8_t *cmd, size_t cmd_len,
	    uint8_t *rsp, size_t *rsp_len);
	/* cold: power off and on.  Gives the ATR anew. */
	int (*reset)(void *state, bool cold);
	struct jz_span (*atr)(void *state);
	/* Keeps other programs off the card between begin and end; NULL when
	 * nobody else can reach it. */
	int (*begin)(void *state);
	int (*end)(void *state);
	void (*close)(void *state);
};

/* Opens by name.  *out is NULL on error. */
int jz_reader_open(const char *name, struct jz_reader **out);

/* Wraps a reader of another kind; takes `state` also when it fails. */
int jz_reader_take(const char *name, const struct jz_reader_ops *ops,
    void *state, struct jz_reader **out);

void jz_reader_free(struct jz_reader **reader);

/*
 * Sends a command APDU as it is and gives the card's response as it is (no
 * GET RESPONSE, no resending).  After JZ_ERR_CARD_RESET the card is connected
 * again, its session is lost, and the command was NOT sent again: the caller
 * decides.  *rsp_len: in, the capacity (258 at least); out, the length.
 */
int jz_reader_transmit(struct jz_reader *r, const uint8_t *cmd, size_t cmd_len,
    uint8_t *rsp, size_t *rsp_len);

int jz_reader_reset(struct jz_reader *r, bool cold);
int jz_reader_begin(struct jz_reader *r);
int jz_reader_end(struct jz_reader *r);
struct jz_span jz_reader_atr(const struct jz_reader *r);
const char *jz_reader_name(const struct jz_reader *r);

/*
 * Calls `each` for every PC/SC reader: its name, whether a card is present,
 * and its ATR.  Stops when `each` returns other than 0 and returns that.
 * JZ_ERR_NO_DAEMON, JZ_ERR_NO_READER.
 */
int jz_reader_list(
    int (*each)(const char *name, bool card, struct jz_span atr, void *arg),
    void *arg);

/*
 * Every APDU that passes any reader of this thread goes to this function, both
 * ways, until it is set to NULL.  PINs (VERIFY's data) are replaced by stars
 * before.  The environment variable JIAOZI_TRACE=FILE does the same to a file.
 */
typedef void
jz_trace_fn(const char *reader, bool command, struct jz_span apdu, void *arg);
void jz_reader_trace(jz_trace_fn *fn, void *arg);

#endif
