/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer's card masters: the secrets from which every card's
 * administration keys are derived, one for each version.
 *
 * All versions stand in one sealed file (admin.key), so that one passphrase
 * opens them and a new one is there with all the others or not at all.  The
 * last is the one that new cards get; those before it stay as long as a card
 * may have keys of them.  A file of an earlier release holds the 32 bytes of
 * one secret: version 1, of an unknown day.
 *
 * A master's version is the key version number (KVN, GlobalPlatform 11.8) of
 * the keys derived from it: the card says which it has.
 */
#ifndef JZ_KEYS_STORE_MASTER_H
#define JZ_KEYS_STORE_MASTER_H

#include "../crypto.h"
#include "file.h"

#define JZ_MASTER_BYTES	     32
#define JZ_MASTERS_MAX	     32
#define JZ_PERSON_MAX	     32 /* bytes of UTF-8 */
#define JZ_CHECK_VALUE_BYTES 3

enum jz_master_origin {
	JZ_MASTER_DRAWN = 0, /* by this program */
	JZ_MASTER_SEEDS = 1, /* of two people's seeds: seed.h */
};

struct jz_master {
	uint8_t version;
	enum jz_master_origin origin;
	int64_t made; /* 0: not known */
	/* Of seeds: the ceremony, and who made which half. */
	uint32_t ceremony;
	char by[2][JZ_PERSON_MAX + 1];
	struct jz_secret key; /* JZ_MASTER_BYTES */
};

struct jz_masters {
	size_t n;
	struct jz_master list[JZ_MASTERS_MAX]; /* versions rise */
};

/* JZ_ERR_NOT_FOUND, JZ_ERR_PASSPHRASE, JZ_ERR_KEYFILE; then out is zeroed. */
int jz_masters_read(const struct jz_engine *e, const char *path,
    const struct jz_secret *passphrase, struct jz_masters *out);
int jz_masters_write(const struct jz_engine *e, const char *path,
    enum jz_file_write how, const struct jz_secret *passphrase,
    const struct jz_masters *m);
/* A key of its own, drawn at random, for a master without. */
int
jz_master_draw(const struct jz_engine *e, int64_t now, struct jz_master *out);
/* Appends it as the next version; JZ_ERR_SPACE: no version is left. */
int jz_masters_add(struct jz_masters *m, const struct jz_master *master);
/* The master of a version; else the first: earlier releases derived keys of
 * any version from it.  NULL when there is none. */
const struct jz_master *
jz_masters_find(const struct jz_masters *m, uint8_t version);

/*
 * Key check value of a secret of 32 bytes: the first three bytes of ANSI X9.63
 * over it with "jiaozi check value" || what.  It tells keys apart, to people;
 * of a random secret it says 24 bits of 256 and not which.
 */
int jz_check_value(const struct jz_engine *e, const char *what,
    const struct jz_secret *secret, uint8_t out[static JZ_CHECK_VALUE_BYTES]);

#endif
