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

struct jz_virtual;	/* an open virtual card */
struct jz_virtual_pool; /* what many cards share */
struct jz_secret;	/* keys/secret.h */

struct jz_virtual_options {
	const char *path;     /* NULL: in memory */
	const char *key_path; /* NULL: path + ".key" */
	const struct jz_secret
	    *passphrase; /* not NULL: instead of a key file */
	/* Lent until the card is freed; NULL: the card has its own. */
	struct jz_virtual_pool *pool;
	/* Memory for the issuer's domain and a purse, and no more: nothing else
	 * is installed on such a card.  The file is the
	 * same; each opening chooses, and gives at least what the file needs.
	 * Otherwise a card has 32 KiB and 4 KiB. */
	bool compact;
	/* An applet that touches other memory than its own ends the process
	 * with SIGSEGV.  For tests: takes 96 KiB.  A file that was made
	 * without cannot be opened so, JZ_ERR_UNSUPPORTED. */
	bool strict;
	/* Of a new card, whose ATR offers it for good; 0: T=1. */
	enum jz_protocol protocol;
	/* Of a new card, for good: enum jz_suite (keys/crypto.h), 0: nist.  An
	 * issuer personalises cards of its own suite. */
	unsigned suite;
	/* Display, keys and a battery that lasts as long as the card is open:
	 * see below. */
	bool panel;
};

/*
 * Many cards, of either suite: they share one engine for each suite and one
 * open transaction, so they are used by one thread, and the pool is freed after
 * the last of them.  A compact card of a pool takes less than 16 KiB.
 *
 * Freeing any card of a pool makes its engine forget its keys.
 */
int jz_virtual_pool_new(struct jz_virtual_pool **out);
void jz_virtual_pool_free(struct jz_virtual_pool **pool);

/*
 * A pool for runs that must come out the same: with one seed, the same commands
 * to the same cards in the same order give the same bytes, keys and signatures
 * included.  The cards' clock stands at `now` (UTC, seconds) until it is set.
 * Such cards are in memory: to create one with a file is JZ_ERR_ARGUMENT.
 */
#define JZ_VIRTUAL_SEED_BYTES 32
int jz_virtual_pool_new_seeded(const uint8_t seed[static JZ_VIRTUAL_SEED_BYTES],
    int64_t now, struct jz_virtual_pool **out);
void jz_virtual_pool_set_time(struct jz_virtual_pool *pool, int64_t now);

/*
 * Creates a new card and opens it: an issuer security domain, whose keys (key
 * version FF) are the well-known 40..4F until somebody replaces them, and an
 * empty purse.  Makes the key file when there is none.  JZ_ERR_EXISTS when the
 * card's file exists; JZ_ERR_UNSUPPORTED for a suite that there is not.
 */
int
jz_virtual_create(const struct jz_virtual_options *o, struct jz_virtual **out);

/*
 * Opens an existing card file and holds a lock on it: JZ_ERR_CARD_LOCKED when
 * another process has it open.  The file is not changed by opening.
 */
int
jz_virtual_open(const struct jz_virtual_options *o, struct jz_virtual **out);

/*
 * Opens n cards, each as jz_virtual_open, and syncs what they read at once:
 * where that is a flush or two of the disk for each card, it is one for all.
 * On error none is open, and *failed is the card that was at fault, or n.
 */
int jz_virtual_open_many(const struct jz_virtual_options *o, size_t n,
    struct jz_virtual **cards, size_t *failed);

/*
 * Stores cards that were made in memory in files, as their owners will open
 * them: paths[i], and beside it its own key file, which must not be there.
 * First everything is written under other names and synced, with one flush for
 * all; then, when the caller has done what must come between, all get their
 * names.  What is freed without a name is removed.  The cards stay as they
 * are; a stored card must not be used in both places.
 *
 * JZ_ERR_EXISTS, JZ_ERR_NOT_FOUND (no such folder), JZ_ERR_CARD_LOCKED,
 * JZ_ERR_CARD_STORAGE, JZ_ERR_SYSTEM (too many files), JZ_ERR_MEMORY;
 * *failed: the card, or n.
 */
struct jz_virtual_stored;
int jz_virtual_store(struct jz_virtual *const *cards, const char *const *paths,
    size_t n, struct jz_virtual_stored **out, size_t *failed);
/* Card i is not to be stored after all: removed. */
void jz_virtual_stored_drop(struct jz_virtual_stored *s, size_t i);
int jz_virtual_stored_publish(struct jz_virtual_stored *s);
void jz_virtual_stored_free(struct jz_virtual_stored **s);
/*
 * What a program that was killed left of a stored card: with `keep`, it gets
 * its name, else it is removed.  JZ_ERR_NOT_FOUND: nothing was left.
 */
int jz_virtual_left(const char *path, bool keep);

/* Power off, release, clear the pointer. */
void jz_virtual_free(struct jz_virtual **v);

/* One command; as jz_card_process (rsp_cap at least 258). */
size_t jz_virtual_process(struct jz_virtual *v, const uint8_t *cmd,
    size_t cmd_len, uint8_t *rsp, size_t rsp_cap);
void jz_virtual_reset(struct jz_virtual *v);
struct jz_span jz_virtual_atr(const struct jz_virtual *v);
/* Hash over the persistent image: equal hashes, equal persistent state. */
int jz_virtual_image_hash(const struct jz_virtual *v, uint8_t out[static 32]);

/* ---- display and keys --------------------------------------------------- */

/*
 * What a person has in hand: a front end shows the lines and passes on what is
 * pressed.  No command of a reader does either.  Of a card without a panel:
 * nothing is shown, nothing can be pressed.
 */
#define JZ_VIRTUAL_LINES      6
#define JZ_VIRTUAL_COLUMNS    24
#define JZ_VIRTUAL_LINE_BYTES 121 /* UTF-8, with the NUL */

enum jz_virtual_key {
	JZ_VIRTUAL_KEY_0 = 1, /* to 9, in order */
	JZ_VIRTUAL_KEY_OK = 11,
	JZ_VIRTUAL_KEY_CANCEL,
	JZ_VIRTUAL_KEY_UP,
	JZ_VIRTUAL_KEY_DOWN,
};

/* Lets the card go on by itself: after keys, and about once a second, when no
 * command is under way.  Whether it still has something to do. */
bool jz_virtual_run(struct jz_virtual *v);
/* JZ_ERR_RANGE: no such key; JZ_ERR_SPACE: more than the card can remember;
 * JZ_ERR_UNSUPPORTED: the card has none. */
int jz_virtual_press(struct jz_virtual *v, enum jz_virtual_key key);
/* A line of the display, from 0; "" where there is none.  Lent until the card
 * is used again; it may be a joint password. */
const char *jz_virtual_line(const struct jz_virtual *v, unsigned line);
/* A number that another display has another of. */
uint32_t jz_virtual_shown(const struct jz_virtual *v);
/* How many sounds the card has made. */
uint32_t jz_virtual_sounds(const struct jz_virtual *v);
/* From now on the card's time-outs go by this clock, which the caller moves:
 * for tests. */
void jz_virtual_set_seconds(struct jz_virtual *v, uint32_t seconds);

/* ---- plug-ins ----------------------------------------------------------- */

#define JZ_VIRTUAL_AID_MAX 16

/*
 * Puts a plug-in, an applet class in a shared object, on the card for good, or
 * in the place of one with the same AID, whose applets are upgraded; resets the
 * card.  *aid is the module that INSTALL can make applets of.  A copy of the
 * file is kept in the folder FILE.applets.  A card in memory keeps it until it
 * is freed.  See docs/applet.md.
 *
 * On error the card is as before.  JZ_ERR_NOT_FOUND, JZ_ERR_SYSTEM; what is
 * wrong with the plug-in: JZ_ERR_PLUGIN_*; JZ_ERR_UNSUPPORTED (this program
 * does not export what plug-ins call, or the card has a newer layout of the
 * applet's data), JZ_ERR_EXISTS (the card has a class of its own with this
 * AID), JZ_ERR_CARD_FULL, JZ_ERR_CARD_VERSION (an applet cannot be upgraded),
 * JZ_ERR_MEMORY.  After JZ_ERR_CARD_STORAGE the card is mute until it is opened
 * again.
 */
int jz_virtual_plug(struct jz_virtual *v, const char *path,
    uint8_t aid[static JZ_VIRTUAL_AID_MAX], size_t *aid_len);

/* Why the applets of a plug-in are on the card and cannot be selected. */
struct jz_virtual_problem {
	uint8_t aid[JZ_VIRTUAL_AID_MAX]; /* of the module */
	size_t aid_len;
	int error; /* JZ_ERR_NOT_FOUND: no copy; JZ_ERR_PLUGIN_HASH: altered */
};

/* The i-th of them, from 0; false after the last. */
bool jz_virtual_problem(
    const struct jz_virtual *v, unsigned i, struct jz_virtual_problem *out);

/* ---- snapshots ---------------------------------------------------------- */

/*
 * A card at one moment: its persistent and its transient state, selections
 * included.  It holds the card's keys in clear until it is freed, and so does
 * every fork: two cards spend the same money.  For tests.
 */
struct jz_virtual_snapshot;

int
jz_virtual_save(const struct jz_virtual *v, struct jz_virtual_snapshot **out);
void jz_virtual_snapshot_free(struct jz_virtual_snapshot **s);

/*
 * Puts the card back to a snapshot of its own.  A card with a file writes the
 * whole of it anew, which is durable when this returns; JZ_ERR_CARD_STORAGE,
 * and the card is dead then.  JZ_ERR_ARGUMENT: another card's snapshot.
 */
int
jz_virtual_restore(struct jz_virtual *v, const struct jz_virtual_snapshot *s);

/* A new card, as jz_virtual_create, in the state of the snapshot, as large as
 * its card and of its suite. */
int jz_virtual_fork(const struct jz_virtual_options *o,
    const struct jz_virtual_snapshot *s, struct jz_virtual **out);

/* A reader with this card in it; takes the card, also on error. */
int jz_reader_take_virtual(struct jz_virtual **v, struct jz_reader **out);
/* The card in a virtual reader; lent.  NULL: the reader is of another kind. */
struct jz_virtual *jz_reader_virtual(struct jz_reader *r);

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
	/* Called between commands, ten times a second or more often; the cards
	 * may be used there.  May be NULL. */
	void (*idle)(void *arg);
};
int jz_virtual_serve(const struct jz_serve *s);

#endif
