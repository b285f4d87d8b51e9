/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the runtime share and no applet sees.
 */
#ifndef JZ_RUNTIME_INTERNAL_H
#define JZ_RUNTIME_INTERNAL_H

#include "admin.h"
#include "card.h"

static inline const struct jz_nvm_root *
jz_root(const struct jz_card *card)
{
	return (const struct jz_nvm_root *)(const void *)card->setup.nvm;
}

/* Regions and transient memory are aligned for the widest field, or to pages
 * that can be protected. */
static inline uint32_t
jz_align(uint32_t n, uint32_t align)
{
	return (n + align - 1) & ~(align - 1);
}

/* ---- card.c ------------------------------------------------------------- */

/* An empty card with this setup.  JZ_ERR_ARGUMENT. */
int jz_card_prepare(struct jz_card *card, const struct jz_card_setup *setup);

/* ---- context.c ---------------------------------------------------------- */

/* What ran before, to go back to. */
struct jz_context {
	struct jz_applet *applet;
	void *cod;
};

/*
 * Around every call of an applet's code: its memory and no other's.  cod NULL:
 * no CLEAR_ON_DESELECT memory.
 */
struct jz_context jz_enter(struct jz_applet *a, void *cod);
/* Back; whose transaction was left open is the caller's business. */
void jz_leave(struct jz_card *card, struct jz_context before);
/* An applet's code calls the runtime, and returns to the applet. */
void jz_runtime_open(struct jz_card *card);
void jz_runtime_close(struct jz_card *card);
/* Where the runtime, or the applets, see a byte of the card's memory: see
 * struct jz_guard.  Other pointers stay as they are. */
void *jz_as_runtime(const struct jz_card *card, const void *p);
void *jz_as_applet(const struct jz_card *card, const void *p);
/* Where it can be read now: an applet's place while one runs. */
const void *jz_as_seen(const struct jz_card *card, const void *p);
/* Turns the pointers of an applet that is entered. */
void jz_show_as_applet(struct jz_applet *a);
/* CLEAR_ON_DESELECT memory of a channel. */
void *jz_channel_cod(const struct jz_card *card, unsigned channel);

/* ---- transaction.c ------------------------------------------------------ */

struct jz_log_env jz_card_log_env(struct jz_card *card);
int jz_card_begin(struct jz_card *card);
int jz_card_commit(struct jz_card *card);
/* Rolls back an open transaction; nothing when none is open. */
void jz_card_rollback(struct jz_card *card);
/* Ends the open transaction and leaves its changes in the image, for a
 * rewriting to commit; the error of a write rolls it back instead. */
int jz_card_keep(struct jz_card *card);
/* Whatever comes after in an open transaction fails with this error, unless
 * another came before. */
void jz_card_spoil(struct jz_card *card, int error);
/* As jz_write and jz_fill, anywhere in the image. */
int jz_card_write(
    struct jz_card *card, const void *dst, const void *src, size_t len);
int jz_card_fill(struct jz_card *card, const void *dst, uint8_t v, size_t len);
/* At most JZ_NONATOMIC_BYTES, durable at once, beside an open transaction. */
int jz_card_write_beside(
    struct jz_card *card, const void *dst, const void *src, size_t len);
/* Whether the open transaction has changed this byte, and from what. */
bool
jz_card_changed(const struct jz_card *card, const uint8_t *at, uint8_t *old);
/* Such a byte: what a rollback will restore, durable at once, and what it is
 * in the transaction. */
int jz_card_write_both(
    struct jz_card *card, const uint8_t *at, uint8_t beside, uint8_t within);

/* ---- write.c ------------------------------------------------------------ */

/* Whether it is the applet whose code runs; when none does, the card's maker may
 * speak for any.  The three that follow refuse whoever speaks for another. */
bool jz_is_caller(const struct jz_applet *self);
/* Whether [dst, dst + len) is taken memory of the applet's region, after its
 * head. */
bool jz_owns(const struct jz_applet *self, const void *dst, size_t len);
/* Whether the applet may hand these bytes over: not out of the memory of
 * another applet or of the runtime. */
bool jz_may_read(const struct jz_applet *self, const void *src, size_t len);
/* Whether the runtime may write there for it: into its transient memory, or
 * outside the card's memory. */
bool jz_may_write(const struct jz_applet *self, const void *dst, size_t len);
/* What such a call answers: JZ_ERR_ARGUMENT, which spoils an open transaction
 * too. */
int jz_refuse_call(const struct jz_applet *self);
/* At most JZ_NONATOMIC_BYTES of the applet's memory, durable at once; inside
 * install part of its transaction. */
int jz_write_piece(
    struct jz_applet *self, const void *dst, const void *src, size_t len);

/* ---- rewrite.c ---------------------------------------------------------- */

/*
 * Changes that no record can hold: the image is changed in place, and written
 * as a whole.  A rewriting that is not committed ends the card's life in
 * memory; its storage is as before.
 */
int jz_rewrite_begin(struct jz_card *card);
int jz_rewrite_commit(struct jz_card *card);
/* Erases an entry's region and closes the gap; the entry is free then. */
void jz_rewrite_remove(struct jz_card *card, unsigned i);
/* Brings an entry to its class's layout.  JZ_ERR_CARD_VERSION,
 * JZ_ERR_CARD_FULL. */
int jz_rewrite_upgrade(
    struct jz_card *card, unsigned i, const struct jz_applet_class *class);

/* ---- registry.c --------------------------------------------------------- */

/* Whether the registry of the image can be.  JZ_ERR_CARD_TAMPERED;
 * JZ_ERR_UNSUPPORTED: not made for this guard. */
int jz_registry_check(const struct jz_card *card);
/* Builds card->applet[] from the image; zeroes all transient memory.  Entries
 * of an older layout are upgraded, and a rewriting is committed. */
int jz_registry_bind(struct jz_card *card);
/* After regions have moved, or states have changed. */
void jz_registry_rebind(struct jz_card *card);
/* Binds one entry that has just been written. */
int jz_registry_bind_one(struct jz_card *card, unsigned i);
void jz_registry_unbind(struct jz_card *card, unsigned i);
const struct jz_applet_class *
jz_registry_class(const struct jz_card *card, const struct jz_aid *module);
/* The entry with this AID, or -1. */
int jz_registry_index(const struct jz_card *card, const struct jz_aid *aid);
/*
 * The first applet in AID order whose AID begins with `name`, that may be
 * selected, and, for the next occurrence, comes after `after` (NULL: from the
 * start).
 */
struct jz_applet *jz_registry_find(
    struct jz_card *card, struct jz_span name, const struct jz_applet *after);
/* Neither the applet's state nor the card's forbids it. */
bool
jz_registry_selectable(const struct jz_card *card, const struct jz_applet *a);
/* The applet that a reset selects, or NULL. */
struct jz_applet *jz_registry_default(struct jz_card *card);
bool jz_aid_equal(const struct jz_aid *a, const struct jz_aid *b);
struct jz_aid jz_aid_of(const uint8_t *bytes, uint8_t len);

/* ---- random.c ----------------------------------------------------------- */

/* Up to 32 bytes that are not secret and come only once; of `card`.
 * JZ_ERR_CRYPTO: the card is mute then. */
int jz_generator_salt(void *card, uint8_t *out, size_t len);
/* Parts a fork's persisted state from its origin's. */
int jz_generator_fork(struct jz_card *card);
bool jz_generator_failed(const struct jz_card *card);

/* ---- memory.c ----------------------------------------------------------- */

/* A free place in transient memory, zeroed; false when there is none. */
bool jz_ram_take(struct jz_card *card, uint32_t bytes, uint32_t *at);
/* A commit has changed these bytes. */
void jz_count_write(void *card, uint32_t offset, uint32_t len);
/* The log needs some slack behind what is in use, to seal the image. */
bool jz_nvm_fits(const struct jz_card *card, uint32_t bytes);

/* ---- select.c, channel.c ------------------------------------------------ */

/* SELECT by DF name (00 A4 04 xx): ISO/IEC 7816-4:2013 11.1.1. */
uint16_t jz_card_select(struct jz_card *card, struct jz_apdu *apdu);
/* Selects on a channel: 9000, a warning, 6999, 6985, 6A84. */
uint16_t jz_select_applet(struct jz_applet *a, struct jz_apdu *apdu);
/* Deselects whatever a channel has selected. */
void jz_card_deselect(struct jz_card *card, unsigned channel);
/* What a reset selects on the basic channel. */
void jz_select_default(struct jz_card *card, unsigned channel);
struct jz_applet *jz_selected(struct jz_card *card, unsigned channel);
bool
jz_selected_on(const struct jz_card *card, unsigned index, int besides_channel);
/* MANAGE CHANNEL: ISO/IEC 7816-4:2013 11.1.2. */
uint16_t jz_manage_channel(struct jz_card *card, struct jz_apdu *apdu);
/* Whether the card's life cycle lets channels be opened. */
bool jz_channels_may_open(const struct jz_card *card);

/* ---- alone.c ------------------------------------------------------------ */

/* A new contact: who is alone erases what it has, and the display is blank. */
void jz_alone_contact(struct jz_card *card);
/* The applet with this index is gone: so is what it had. */
void jz_alone_forget(struct jz_card *card, unsigned index);

/* ---- answer.c ----------------------------------------------------------- */

/* Fits the answer to Le and to the transport; returns its length. */
size_t jz_answer_finish(
    struct jz_card *card, struct jz_apdu *apdu, uint16_t sw, size_t room);
/* GET RESPONSE, or the same command with the right Le: true when it was one,
 * *sw then has the answer's. */
bool jz_answer_continue(
    struct jz_card *card, struct jz_apdu *apdu, size_t room, uint16_t *sw);
void jz_answer_forget(struct jz_card *card);
/* The memory of chaining: NULL when there is none to have. */
uint8_t *jz_buffer_take(struct jz_card *card);
void jz_buffer_give(struct jz_card *card);

#endif
