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
 * Errors.  A write that fails, and any call with memory that is not the
 * applet's or in the name of another applet (JZ_ERR_ARGUMENT, status word
 * 6F00), makes every later write of the transaction and its commit fail with
 * the same error, so a handler may write on and test jz_commit() alone.
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

#define JZ_ABI	   2 /* of struct jz_applet_class and what it is handed */
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
	uint32_t size;	 /* of the whole region: the applet's quota */
	uint32_t taken;	 /* of it: the struct, and what jz_nvm_take() gave */
	uint8_t reserved2[4];
};
_Static_assert(sizeof(struct jz_nvm_head) == 32, "no padding");

/* GlobalPlatform 5.3: application life cycle states. */
enum jz_app_state {
	JZ_APP_INSTALLED = 0x03,  /* cannot be selected yet */
	JZ_APP_SELECTABLE = 0x07, /* up to 7F with these bits: its own states */
	JZ_APP_LOCKED = 0x80,	  /* this bit beside the state before */
};

/* GlobalPlatform 6.6.1: privileges, first byte. */
enum {
	JZ_PRIV_SECURITY_DOMAIN = 0x80,
	JZ_PRIV_CARD_LOCK = 0x10,
	JZ_PRIV_CARD_TERMINATE = 0x08,
	JZ_PRIV_CARD_RESET = 0x04, /* selected by a reset, if it wants to be */
};
#define JZ_PRIVILEGE_BYTES 3

/* A command on its way through an applet. */
struct jz_apdu {
	struct jz_command command;
	struct jz_buffer out; /* response data go here */
	unsigned channel;
	bool selecting; /* the SELECT that selected this applet */
};

/*
 * None of the functions but process is needed; a transaction that one of them
 * leaves open is rolled back.
 */
struct jz_applet_class {
	uint16_t abi; /* JZ_ABI */
	uint16_t layout;
	const char *name;
	struct jz_aid aid;  /* of the module; default for an instance */
	uint32_t nvm_bytes; /* sizeof the persistent struct */
	uint32_t cor_bytes;
	uint32_t cod_bytes; /* on each channel where it is selected */
	/* May be selected on several channels at once; otherwise only one of
	 * the class's instances is, on one channel. */
	bool multi_selectable;
	bool secure_messaging; /* takes commands with the class's SM bits */
	/*
	 * Returns JZ_SW_OK, which registers the instance, or the reason to
	 * refuse, which leaves nothing of it.  It runs in a transaction of the
	 * runtime's: jz_begin, jz_commit and jz_abort are JZ_ERR_STATE.
	 */
	uint16_t (*install)(struct jz_applet *self, struct jz_span params);
	/* Appends the FCI.  Any status word but 9000, 62xx and 63xx refuses.
	 * NULL: a plain FCI. */
	uint16_t (*select)(struct jz_applet *self, struct jz_apdu *apdu);
	/* Not called by a reset or a loss of power. */
	void (*deselect)(struct jz_applet *self);
	uint16_t (*process)(struct jz_applet *self, struct jz_apdu *apdu);
	/* 9000 allows deletion.  What it writes, and what services that it
	 * asks write, is part of the deletion, or undone when that is refused;
	 * the transaction is the runtime's, as in install. */
	uint16_t (*uninstall)(struct jz_applet *self);
	/* Personalisation, handed on by the issuer security domain out of an
	 * authenticated channel, in clear. */
	uint16_t (*store_data)(struct jz_applet *self, struct jz_apdu *apdu);
	/*
	 * Fills self->nvm, zero but for its head, from `old`: a region of
	 * layout `from`, its head included.  Writes are not bounded by the
	 * commit capacity.  Returns 0; otherwise the card does not open, and
	 * stays as it is.
	 */
	int (*upgrade)(
	    struct jz_applet *self, uint16_t from, struct jz_span old);
	/* Answers another applet; `client` is who asks.  See jz_call(). */
	uint16_t (*service)(struct jz_applet *self, const struct jz_aid *client,
	    uint16_t function, struct jz_span in, struct jz_buffer *out);
};

/*
 * The class of a plug-in (docs/applet.md): its persistent struct, the version
 * of that struct's layout, and the rest of the class by the names of its
 * fields.
 *
 *	JZ_APPLET(struct counter, 1, .name = "counter", .process = process);
 */
#define JZ_APPLET(persistent, version, ...)                                    \
	__attribute__((visibility("default")))                                 \
	const struct jz_applet_class jz_applet = {.abi = JZ_ABI,               \
	    .layout = (version),                                               \
	    .nvm_bytes = sizeof(persistent),                                   \
	    __VA_ARGS__}

/* An instance.  Handed to every call; its memory and nobody else's. */
struct jz_applet {
	const struct jz_applet_class *class;
	struct jz_card *card;
	const void *nvm;
	void *cor;
	/* Of the channel that the command came on; NULL in install, uninstall,
	 * upgrade, store_data and service. */
	void *cod;
	uint32_t nvm_bytes;
	uint32_t cor_at; /* of cor, in the card's transient memory */
	struct jz_aid aid;
	uint8_t privileges[JZ_PRIVILEGE_BYTES];
	uint8_t index; /* in the card's registry */
	uint8_t state; /* enum jz_app_state */
	bool present;
	uint8_t entered; /* how many calls of its code are under way */
};

/* Class, instruction, P1 and P2 in one number, as the basic channel has it. */
static inline uint32_t
jz_apdu_header(const struct jz_apdu *apdu)
{
	const struct jz_command *c = &apdu->command;

	return (uint32_t)jz_cla_on_channel(c->cla, 0) << 24 |
	    (uint32_t)c->ins << 16 | (uint32_t)c->p1 << 8 | c->p2;
}

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
 * Writes len bytes to dst, which must lie in self->nvm, after its head and
 * within what is taken; src must not lie in the memory of another applet.
 * Returns 0; JZ_ERR_ARGUMENT when they do not; JZ_ERR_CARD_FULL when the commit
 * capacity would be passed; JZ_ERR_CARD_DEAD, JZ_ERR_CARD_STORAGE.  On error
 * nothing is changed, but after JZ_ERR_CARD_STORAGE nobody knows before the
 * card is opened again.
 */
int
jz_write(struct jz_applet *self, const void *dst, const void *src, size_t len);
int jz_write_u8(struct jz_applet *self, const uint8_t *dst, uint8_t v);
int jz_write_u32(struct jz_applet *self, const uint32_t *dst, uint32_t v);
int jz_write_u64(struct jz_applet *self, const uint64_t *dst, uint64_t v);
/* The same, with len times v. */
int jz_fill(struct jz_applet *self, const void *dst, uint8_t v, size_t len);

/*
 * Takes `bytes` more of the region, behind the struct and what was taken
 * before, zeroed and aligned for a uint64_t.  JZ_ERR_CARD_FULL (status word
 * 6A84) when the quota, which INSTALL's parameter C8 sets, is used up.  Part of
 * an open transaction.  What was taken is not given back.
 */
int jz_nvm_take(struct jz_applet *self, uint32_t bytes, const void **out);

/* As jz_write for at most JZ_PIN_MAX bytes, durable at once even inside a
 * transaction, and not undone by its end: for try counters.  In install, whose
 * memory is not there yet, it is an ordinary write. */
int jz_write_now(
    struct jz_applet *self, const void *dst, const void *src, size_t len);

/*
 * As jz_write for any length, beside an open transaction and not undone by its
 * end: Util.arrayCopyNonAtomic.  A power cut may leave some of the bytes
 * written, in pieces of JZ_NONATOMIC_BYTES from the start, or from the end when
 * src and dst overlap and dst is behind.  In install as jz_write.
 */
#define JZ_NONATOMIC_BYTES 256
int jz_write_nonatomic(
    struct jz_applet *self, const void *dst, const void *src, size_t len);

/* JZ_ERR_STATE when one is open (begin) or none is (commit, abort), and inside
 * install and uninstall. */
int jz_begin(struct jz_applet *self);
int jz_commit(struct jz_applet *self);
int jz_abort(struct jz_applet *self);
bool jz_in_transaction(const struct jz_applet *self);
/* Bytes that may still be written in one transaction; 0 when it has as many
 * separate writes as it can hold, or has failed. */
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

/* Sets value and limit (1-15), tries to the limit; part of a transaction.
 * JZ_ERR_RANGE: the limit, or a PIN of no or too many bytes. */
int jz_pin_update(struct jz_applet *self, const struct jz_pin *pin,
    struct jz_span value, uint8_t limit);

/*
 * Checks.  *validated is in transient memory and is cleared first.  Returns
 * 9000, 63Cx with the tries left (a wrong length counts too), 6983 when
 * blocked, or jz_runtime_status().
 *
 * In a transaction that has changed the PIN, the new value is asked for and its
 * tries are part of the transaction; each check also takes a try, durably, from
 * the old one, so that no rollback brings tries back.
 */
uint16_t jz_pin_check(struct jz_applet *self, const struct jz_pin *pin,
    uint8_t *validated, struct jz_span value);

/* Heads the persistent struct of an applet with one PIN. */
struct jz_pin_head {
	struct jz_nvm_head head;
	struct jz_pin pin;
};
_Static_assert(sizeof(struct jz_pin_head) == 52, "no padding");

/*
 * An install for such an applet, which sets the PIN.  The parameters are the
 * limit of tries, one byte, and the PIN; 6A80 when they are not.
 */
uint16_t jz_pin_install(struct jz_applet *self, struct jz_span params);

/* Tries back to the limit, whatever they were; part of a transaction that has
 * changed the PIN, otherwise durable at once. */
int jz_pin_unblock(struct jz_applet *self, const struct jz_pin *pin);

/* ---- other applets ------------------------------------------------------ */

#define JZ_SERVICE_BYTES 256 /* of what is asked, and of the answer */

/*
 * Asks the service of another applet, by its AID: Java Card's shareable
 * interface.  The server runs in its own memory and knows the caller's AID, as
 * the runtime tells it; it gets a copy of `in`, and its answer comes with 9000
 * alone (out->bad when there is no room for it).  A transaction goes on across
 * the call, and the server may commit or abort it; one that the server has
 * begun and left open is rolled back.
 *
 * Returns the server's status word; 6A88 no such applet, or one that may not be
 * selected; 6A81 it has no service; 6985 it or another of its class is selected
 * and not multi-selectable, it is the caller itself, or a service already asks,
 * or an upgrade;
 * 6700 `in` is too long; 6F00 the answer is, or `in` is not the caller's.
 */
uint16_t jz_call(struct jz_applet *self, const struct jz_aid *server,
    uint16_t function, struct jz_span in, struct jz_buffer *out);

/*
 * Inside install: another AID than INSTALL's, once.  JZ_ERR_RANGE (length),
 * JZ_ERR_EXISTS, JZ_ERR_STATE (not inside install, or again).
 */
int jz_register(struct jz_applet *self, const struct jz_aid *aid);

/* The applet's own life cycle state, 07-7F with the low bits 111; part of an
 * open transaction.  JZ_ERR_RANGE; JZ_ERR_STATE while it is INSTALLED, which
 * only the security domain ends. */
int jz_set_state(struct jz_applet *self, uint8_t state);

/* Whether the applet is selected on another channel too. */
bool jz_selected_elsewhere(const struct jz_applet *self);

/* ---- the card's services ------------------------------------------------ */

const struct jz_engine *jz_card_engine(const struct jz_applet *self);
#define JZ_NO_CLOCK	0
#define JZ_CLOCK_FAILED (-1)
/* Time by the card's clock, JZ_NO_CLOCK, or JZ_CLOCK_FAILED (also for a time
 * before 1970 or after 9999). */
int64_t jz_card_now(const struct jz_applet *self);
/*
 * Fills with bytes of the card's generator (random.c); the first call after
 * power-up also writes, durably.  JZ_ERR_CRYPTO: the source has failed its
 * health tests, and the card is mute from now on.  JZ_ERR_CARD_DEAD,
 * JZ_ERR_CARD_STORAGE.  On error `out` is zeroed.
 */
int jz_card_random(const struct jz_applet *self, void *out, size_t len);

#endif
