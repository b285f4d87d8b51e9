/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card's storage: a sealed image and a sealed, append-only commit log.
 *
 *   header   96 bytes: magic "JZCARD\r\n", version, hint, salt, key check,
 *            image length, checksum
 *   image    the non-volatile memory, sealed
 *   record*  one for each commit: sealed patches
 *
 * log.c gives the format byte by byte.  Each opening that writes draws a fresh
 * salt, which its records carry; their key is derived from it, so that no
 * nonce repeats after a torn record, a copy or a fork.  A record names the tag
 * of the one before.
 *
 * A cut inside header or image is JZ_ERR_CARD_CUT, other damage there
 * JZ_ERR_CARD_HEADER, JZ_ERR_CARD_VERSION, JZ_ERR_CARD_KEY or
 * JZ_ERR_CARD_TAMPERED.  A bad last record is a torn commit: the card opens at
 * the state before it.  A bad record that a valid one follows is
 * JZ_ERR_CARD_TAMPERED.  A file cut at a record boundary, or an old copy put
 * back, no file can detect.
 */
#ifndef JZ_RUNTIME_LOG_H
#define JZ_RUNTIME_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chip.h"
#include "journal.h"
#include "../../keys/crypto.h"

#define JZ_LOG_MAGIC	    "JZCARD\r\n"
#define JZ_LOG_VERSION	    1
#define JZ_LOG_HINT_BYTES   32
#define JZ_LOG_SALT_BYTES   16
#define JZ_LOG_HEADER_BYTES 96
/* The log is folded into the image when it passes this. */
#define JZ_LOG_FOLD_BYTES (256u * 1024u)

/* The bytes of the image in use leave room for the seal's tag: at most the
 * capacity less this. */
#define JZ_LOG_SLACK_BYTES JZ_SEAL_TAG_BYTES
/* Bytes of one commit: more is JZ_ERR_CARD_FULL. */
#define JZ_LOG_COMMIT_BYTES 4096u

struct jz_log {
	bool present; /* false: memory only */
	bool session; /* this opening has drawn its salt */
	bool torn;    /* a torn record must be folded away first */
	bool failed;  /* the storage failed: no commit until reopened */
	uint8_t file_salt[JZ_LOG_SALT_BYTES];
	uint8_t salt[JZ_LOG_SALT_BYTES]; /* of this opening */
	uint8_t record_key[JZ_KEY_BYTES];
	uint8_t last_tag[JZ_SEAL_TAG_BYTES];
	uint64_t sequence; /* of the next commit */
	uint64_t log_bytes;
};

/* What a log needs; all lent. */
struct jz_log_env {
	const struct jz_chip *chip;
	void *chip_state;
	const struct jz_engine *engine;
	uint8_t *image;
	uint32_t image_bytes;	 /* capacity */
	const uint8_t *seal_key; /* 32 bytes */
	uint8_t *hint; /* JZ_LOG_HINT_BYTES; written by open, read by others */
	/* Draws salts, which are not secret and come only once; NULL: the
	 * engine does. */
	int (*random)(void *arg, uint8_t *out, size_t len);
	/* Told of each patch that replay puts into the image; may be NULL. */
	void (*written)(void *arg, uint32_t offset, uint32_t len);
	void *arg;
};

/*
 * Writes header and image in the place of all that was stored; the log is
 * empty then.  JZ_ERR_CARD_FULL when `used` leaves no slack in the image.
 * With a chip without storage only log->present is set, to false.
 */
int
jz_log_format(struct jz_log *log, const struct jz_log_env *env, uint32_t used);

/*
 * Reads, verifies and replays into env->image; the rest of the image is
 * zeroed, *used gets the bytes in use.  The storage is not changed, but it is
 * synced: what a card has read it may tell, so it must not be lost again.
 * Bytes of the image above those in use are not stored: whoever lowers `used`
 * zeroes them.  On error the image is all zero.  JZ_ERR_UNSUPPORTED for a chip
 * without storage, JZ_ERR_CARD_FULL for a card with a larger image.
 */
int
jz_log_open(struct jz_log *log, const struct jz_log_env *env, uint32_t *used);

/*
 * Makes the patches durable.  Their new values are in env->image already, and
 * every byte of the image outside them HAS ITS COMMITTED VALUE: a commit that
 * finds a torn tail, or the log full, writes the whole image by replace()
 * instead of a record.  So who commits one write inside an open transaction
 * must put the transaction's old bytes back into the image for this call.
 *
 * JZ_ERR_CARD_FULL (too many patches or bytes; nothing was written),
 * JZ_ERR_CARD_STORAGE (the write failed; it may or may not be durable),
 * JZ_ERR_CARD_DEAD (after that), JZ_ERR_CRYPTO (nothing was written).
 */
int jz_log_commit(struct jz_log *log, const struct jz_log_env *env,
    uint32_t used, const struct jz_patch *patches, size_t n);

/*
 * Writes the whole image in the place of all that was stored, as one commit.
 * JZ_ERR_CARD_FULL (nothing was written), JZ_ERR_CARD_STORAGE,
 * JZ_ERR_CARD_DEAD, JZ_ERR_CRYPTO.
 */
int
jz_log_rewrite(struct jz_log *log, const struct jz_log_env *env, uint32_t used);

/*
 * Forgets the key of this opening's records, so that the next commit draws a
 * fresh salt: whoever sets the image back to an earlier moment calls it.
 */
void jz_log_new_session(struct jz_log *log);

/*
 * The hint, before the key is known; magic, version and checksum of the
 * header are checked.
 */
int jz_log_read_hint(const struct jz_chip *chip, void *chip_state,
    uint8_t hint[static JZ_LOG_HINT_BYTES]);
/* The same of the suite (enum jz_suite, or a number that we do not know). */
int
jz_log_read_suite(const struct jz_chip *chip, void *chip_state, uint8_t *suite);

#endif
