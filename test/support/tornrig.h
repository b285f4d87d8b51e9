/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real purses and a real issuer, for tests of whole transactions; each card can
 * be torn from its power at any command, before it is carried out or after.
 */
#ifndef JZ_TEST_SUPPORT_TORNRIG_H
#define JZ_TEST_SUPPORT_TORNRIG_H

#include "../../host/pay.h"
#include "../../reader/virtual.h"

#define TORN_CNY      156
#define TORN_DEPOSIT  1000000 /* of each customer */
#define TORN_DIGITS   "904726158339"
#define TORN_PIN      JZ_SECRET(TORN_DIGITS)
#define TORN_CUTS_MAX 64u /* more commands than any transaction has */

extern const uint8_t TORN_TERMINAL[JZ_TERMINAL_BYTES];

/* A virtual card in memory, whose reader can lose one exchange. */
struct torn {
	struct jz_virtual *card;
	unsigned count;	  /* commands so far */
	unsigned cut;	  /* the one to lose, from 1; 0: none */
	bool carried_out; /* lose the answer, not the command */
	struct jz_reader *reader;
	struct jz_session session;
	bool key; /* with display and keys, which confirm loads and payments */
	bool sealed; /* loads are enciphered; set before it is personalised */
};

/* Another card in its place, new. */
void torn_new_card(struct torn *t);
/* The same, a USB key: with display and keys. */
void torn_new_key(struct torn *t);
/* The next cut: command n of what follows. */
void torn_cut_at(struct torn *t, unsigned n, bool carried_out);
/* Whether the cut came; from now on there is none. */
bool torn_was_cut(struct torn *t);
uint64_t torn_balance(struct torn *t);

/* Of every bank here. */
const struct jz_secret *torn_passphrase(void);

/*
 * A bank and two customers, each with a card that is not personalised; all of
 * test_suite().
 */
struct world {
	char dir[64];
	struct jz_issuer *issuer;
	int64_t cash; /* brought in by all customers */
	struct torn alice, bob;
};

void world_new(struct world *w);
void world_free(struct world *w);
/* An issuer's directory that is open no more. */
void world_remove(const char *dir);
/* Another customer, with this much in the account. */
void world_customer(struct world *w, const char *account, uint64_t deposit);
int world_personalise(struct world *w, struct torn *t, const char *account);
/* VERIFY, and a load of this much. */
int world_load(struct world *w, struct torn *t, uint64_t amount);
/* The books, which must balance. */
struct jz_books world_books(struct world *w);
/* Both cards settle: shadows are balances, nothing is in transit. */
void world_assert_settled(struct world *w);

#endif
