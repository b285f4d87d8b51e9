/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seed files: a key that no one person has ever had (dual control).
 *
 * Two people draw a half each, on machines of their own if they like, and seal
 * it in a file under a passphrase of their own.  Both files together make the
 * key: ANSI X9.63 over the exclusive or of the halves, with the ceremony and
 * both names.  Either half alone says nothing about it:
 * docs/adr/0012-seed-files.md has the proof.
 *
 * Caveat: this program cannot know people.  It takes a person for the name
 * that she gives, and refuses one name for both halves; a check of passports is
 * the ceremony's.
 */
#ifndef JZ_KEYS_STORE_SEED_H
#define JZ_KEYS_STORE_SEED_H

#include "master.h"

struct jz_seed {
	uint8_t part; /* 1 or 2 */
	uint32_t ceremony;
	int64_t made;
	char by[JZ_PERSON_MAX + 1];
	struct jz_secret secret; /* JZ_MASTER_BYTES */
};

/*
 * Draws a half.  JZ_ERR_RANGE: part is not 1 or 2, ceremony is 0, or the name
 * is not 1 to 32 bytes; JZ_ERR_ARGUMENT: the name has control characters, or a
 * blank at an end.  The caller wipes it.
 */
int jz_seed_draw(const struct jz_engine *e, unsigned part, uint32_t ceremony,
    const char *by, int64_t now, struct jz_seed *out);
/* A new file; JZ_ERR_EXISTS, and as jz_keyfile_write(). */
int jz_seed_write(const struct jz_engine *e, const char *path,
    const struct jz_secret *passphrase, const struct jz_seed *seed);
/* JZ_ERR_NOT_FOUND, JZ_ERR_PASSPHRASE, JZ_ERR_KEYFILE (damaged, or no seed). */
int jz_seed_read(const struct jz_engine *e, const char *path,
    const struct jz_secret *passphrase, struct jz_seed *out);
/* What its maker writes down: jz_check_value() of the half. */
int jz_seed_check_value(const struct jz_engine *e, const struct jz_seed *seed,
    uint8_t out[static JZ_CHECK_VALUE_BYTES]);
/*
 * The key of both, in either order.  JZ_ERR_SEED_HALF: the same half twice;
 * JZ_ERR_SEED_CEREMONY: of two ceremonies; JZ_ERR_SEED_PERSON: one name, in
 * whatever letters, for both.  The caller wipes it.
 */
int jz_seed_combine(const struct jz_engine *e, const struct jz_seed *a,
    const struct jz_seed *b, int64_t now, struct jz_master *out);

#endif
