/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing an applet.
 *
 * An applet class is one const table: its AID, how much memory an instance
 * needs, and what to call.  The model is Java Card 3 (install, select,
 * deselect, process, uninstall), in C: process returns the status word.
 *
 * Memory.  An instance owns one region of the card's non-volatile memory: a C
 * struct of fixed-width types without pointers or padding that begins with
 * struct jz_nvm_head.  It is read through self->nvm and changed by jz_write()
 * only.  Transient memory comes zeroed: self->cor (CLEAR_ON_RESET) and
 * self->cod (CLEAR_ON_DESELECT) are read and written directly.
 *
 * Transactions.  jz_write() alone is atomic and durable when it returns.
 * Between jz_begin() and jz_commit() writes are collected, reads see the new
 * values, and jz_commit() makes all of them durable at once: after a power cut
 * the card has all or none.  A handler that returns without commit has its
 * transaction rolled back.
 *
 * Errors.  A write that fails makes every later write of the transaction and
 * its commit fail with the same error, so a handler may write on and test
 * jz_commit() alone.
 *
 * One thread at a time per card.
 */
#ifndef JZ_RUNTIME_APPLET_H
#define JZ_RUNTIME_APPLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../apdu/apdu.h"
#include "../../apdu/bytes.h"
#include "../../apdu/status.h"
#include "../../keys/crypto.h"

#define JZ_ABI	   1 /* of struct jz_applet_class */
#define JZ_AID_MAX 16
#define JZ_AID_MIN 5

struct jz_card;
struct jz_applet;

struct jz_aid {
	uint8_t len;
	uint8_t bytes[JZ_AID_MAX];
};

/* Heads every applet's persistent struct; written by the runtime. */
struct jz_nvm_head {
	uint8_t aid_len;
	uint8_t aid[JZ_AID_MAX]; /* of the instance */
	uint8_t reserved;
	uint16_t layout; /* version of the struct */
	uint32_t size;	 /* of the whole region */
};
_Static_assert(sizeof(struct jz_nvm_head) == 24, "no padding");

/* A command on its way through an applet. */
struct jz_apdu {
	struct jz_command command;
	struct jz_buffer out; /* response data go here */
	unsigned channel;
	bool selecting; /* the SELECT that selected this applet */
};

struct jz_applet_class {
	uint16_t abi; /* JZ_ABI */
	uint16_t layout;
	const char *name;
	struct jz_aid aid;  /* of the module; default for an instance */
	uint32_t nvm_bytes; /* sizeof the persistent struct */
	uint32_t cor_bytes;
	uint32_t cod_bytes;
	bool multi_selectable;
	bool secure_messaging; /* takes commands with the class's SM bits */
	/* Returns JZ_SW_OK or the reason to refuse; may be NULL. */
	uint16_t (*install)(struct jz_applet *self, struct jz_span params);
	/* Appends the FCI; other than 9000 refuses.  NULL: a plain FCI. */
	uint16_t (*select)(struct jz_applet *self, struct jz_apdu *apdu);
	void (*deselect)(struct jz_applet *self);
	uint16_t (*process)(struct jz_applet *self, struct jz_apdu *apdu);
	/* 9000 allows deletion. */
	uint16_t (*uninstall)(struct jz_applet *self);
	/* Personalisation, handed on by the issuer security domain out of an
	 * authenticated channel; may be NULL. */
	uint16_t (*store_data)(struct jz_applet *self, struct jz_apdu *apdu);
};

/* An instance.  Handed to every call; its memory and nobody else's. */
struct jz_applet {
	const struct jz_applet_class *class;
	struct jz_card *card;
	struct jz_aid aid;
	const void *nvm;
	void *cor;
	void *cod;
	uint32_t nvm_bytes;
	uint8_t index; /* in the card's registry */
	uint8_t state; /* GlobalPlatform application life cycle */
	bool present;
};

/* ---- instruction tables ------------------------------------------------ */

enum {
	JZ_ANY = -1, /* P1, P2: the handler looks itself */
};

/*
 * One row an instruction.  jz_dispatch() looks at them in order and calls the
 * first whose class, code and parameters fit, after checking the lengths.
 */
struct jz_instruction {
	uint8_t cla, ins;
	int16_t p1, p2;
	uint16_t nc_min, nc_max;
	uint8_t states; /* mask for the applet's own use; 0: always */
	uint16_t (*handle)(struct jz_applet *self, struct jz_apdu *apdu);
};

/*
 * The answer of the row that fits.  Otherwise, in this order: 6E00 when no row
 * has the class, 6D00 when none has the instruction, 6A86 when none has the
 * parameters, 6700 when the data length is outside the row's bounds, 6985 when
 * the row's states do not include `state`.
 */
uint16_t jz_dispatch(const struct jz_instruction *table, size_t n,
    uint8_t state, struct jz_applet *self, struct jz_apdu *apdu);

/* ---- memory and transactions ------------------------------------------- */

/*
 * Writes len bytes to dst, which must lie in self->nvm (after its head).
 * Returns 0; JZ_ERR_ARGUMENT outside the region; JZ_ERR_CARD_FULL when the
 * commit capacity would be passed (nothing is changed); JZ_ERR_CARD_DEAD.
 */
int
jz_write(struct jz_applet *self, const void *dst, const void *src, size_t len);
int jz_write_u8(struct jz_applet *self, const uint8_t *dst, uint8_t v);
int jz_write_u32(struct jz_applet *self, const uint32_t *dst, uint32_t v);
int jz_write_u64(struct jz_applet *self, const uint64_t *dst, uint64_t v);
int jz_fill(struct jz_applet *self, const void *dst, uint8_t v, size_t len);

/* As jz_write for at most JZ_PIN_MAX bytes, durable at once even inside a
 * transaction, and not undone by its end: for try counters. */
int jz_write_now(
    struct jz_applet *self, const void *dst, const void *src, size_t len);

/* JZ_ERR_STATE when one is open (begin) or none is (commit, abort). */
int jz_begin(struct jz_applet *self);
int jz_commit(struct jz_applet *self);
int jz_abort(struct jz_applet *self);
bool jz_in_transaction(const struct jz_applet *self);
/* Bytes that may still be written in one transaction; 0 when it has as many
 * separate writes as it can hold. */
size_t jz_commit_capacity_left(const struct jz_applet *self);

/* The status word for a failed runtime call: 6581, 6A84 or 6F00. */
uint16_t jz_runtime_status(int error);

/* ---- PIN ---------------------------------------------------------------- */

#define JZ_PIN_MAX 16

/*
 * A PIN in an applet's persistent struct.  The try counter is decremented,
 * durably, before the comparison; no transaction rolls it back.
 */
struct jz_pin {
	uint8_t limit;
	uint8_t tries; /* left; 0: blocked */
	uint8_t len;
	uint8_t reserved;
	uint8_t value[JZ_PIN_MAX];
};
_Static_assert(sizeof(struct jz_pin) == 20, "no padding");

/* Sets value and limit (1-15), tries to the limit; part of a transaction. */
int jz_pin_update(struct jz_applet *self, const struct jz_pin *pin,
    struct jz_span value, uint8_t limit);

/*
 * Checks.  *validated is in transient memory and is cleared first.  Returns
 * 9000, 63Cx with the tries left (a wrong length counts too), 6983 when
 * blocked, or jz_runtime_status().
 */
uint16_t jz_pin_check(struct jz_applet *self, const struct jz_pin *pin,
    uint8_t *validated, struct jz_span value);

/* Tries back to the limit, whatever they were. */
int jz_pin_unblock(struct jz_applet *self, const struct jz_pin *pin);

/* ---- the card's services ------------------------------------------------ */

const struct jz_engine *jz_card_engine(const struct jz_applet *self);
#define JZ_NO_CLOCK	0
#define JZ_CLOCK_FAILED (-1)
/* Time by the card's clock, JZ_NO_CLOCK, or JZ_CLOCK_FAILED (also for a time
 * before 1970 or after 9999). */
int64_t jz_card_now(const struct jz_applet *self);
/* Fills with random bytes; 0 or JZ_ERR_CRYPTO. */
int jz_card_random(const struct jz_applet *self, void *out, size_t len);

#endif
