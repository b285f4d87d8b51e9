/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the benches work on: an issuer and cards ready to pay, in a directory
 * that goes away.
 */
#ifndef JZ_TEST_BENCH_WORLD_H
#define JZ_TEST_BENCH_WORLD_H

#include "../../host/pay.h"
#include "../../reader/virtual.h"

#define WORLD_PATH_MAX 128
#define WORLD_ACCOUNT  "bench"
#define WORLD_CURRENCY 156
#define WORLD_LOADED   10000u

struct world_card {
	struct jz_reader *reader;
	struct jz_virtual *card; /* in it */
	struct jz_session session;
};

struct world {
	enum jz_suite suite;
	const char *suite_name;
	char dir[WORLD_PATH_MAX];
	char issuer_dir[WORLD_PATH_MAX];
	char many_name[WORLD_PATH_MAX]; /* of a case of many.c */
	struct jz_issuer *issuer;
	struct world *other;		/* of the other suite, or NULL */
	struct world_card payer, payee; /* in memory, the purse selected */
};

/* 0 or an error; free it in either case. */
int world_new(struct world *w, enum jz_suite suite);
void world_free(struct world *w);

#define WORLD_PASSPHRASE JZ_SECRET("bench")

/* DIR/NAME. */
void world_path(
    const struct world *w, const char *name, char out[static WORLD_PATH_MAX]);

/* Personalises the card in a reader and loads it; takes the card. */
int
world_card(struct world *w, struct jz_virtual **card, struct world_card *out);
void world_card_free(struct world_card *c);

/* ---- cryptography alone -------------------------------------------------- */

/* How often a procedure does what. */
struct world_list {
	unsigned signatures, verifications, key_pairs, agreements;
};
extern const struct world_list world_payment; /* pay.c */
extern const struct world_list world_contact; /* sign.c */

struct world_keys {
	struct jz_engine engine;
	struct jz_key_pair key;
	uint8_t signature[JZ_SIG_BYTES];
};
/* Of one signer, whose key the engine has parsed. */
int world_keys_new(struct world_keys *k, enum jz_suite suite);
void world_keys_free(struct world_keys *k);
/* The whole list once. */
int world_crypto(struct world_keys *k, const struct world_list *list);

#endif
