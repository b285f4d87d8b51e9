/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of the conformance tests: programs that talk to one card, in a
 * reader opened by name, with nothing but APDUs.
 *
 *	test_payment [--reader NAME]
 *
 * Without a name, or JIAOZI_READER in the environment, the card is one in this
 * process.  An empty purse is personalised first, under keys that are the same
 * in every run; so a card that these programs have personalised serves again,
 * and another issuer's is skipped.
 */
#ifndef JZ_TEST_SUPPORT_CONFORM_H
#define JZ_TEST_SUPPORT_CONFORM_H

#include "../../reader/reader.h"
#include "bank.h"
#include "forge.h"
#include "memo.h"
#include "payment.h"

#define CONFORM_ID    "CN00000000100001"
#define CONFORM_OTHER "CN00000000200001"
#define CONFORM_PIN   "123456"
/* A session has at most so many payments; each starts with this balance. */
#define CONFORM_FUNDS 20000u

struct conform {
	struct jz_engine openssl;
	struct memo *memo;
	struct jz_engine engine;
	struct bank bank;
	struct jz_reader *reader, *other_reader;
	struct port card;  /* the one that is judged */
	struct port other; /* ours, in this process */
	uint8_t card_id[JZ_ID_BYTES];
	uint8_t card_key[JZ_POINT_BYTES]; /* of its certificate */
	uint8_t plain[JZ_MESSAGE_MAX];	  /* of conform_open() */
	enum jz_profile profile;	  /* of both */
	const char *why;		  /* it cannot be judged, or NULL */
};

/* Reads the arguments; what is wrong with them ends the program. */
void conform_arguments(int argc, char **argv);

/* For cmocka: the group's set-up; *state is a struct conform. */
int conform_setup(void **state);
/* The same with cards of the encrypted profile. */
int conform_setup_encrypted(void **state);
int conform_teardown(void **state);
/*
 * Begins a test: skips it, saying why, when the card cannot be judged; else
 * selects the purses, settles, and brings both to CONFORM_FUNDS or more.
 */
struct conform *conform_begin(void **state);

/* One more card of ours, in this process, personalised; free the reader. */
struct jz_reader *
conform_card(struct conform *c, const struct profile *p, struct port *port);
/* A payment of this session's profile. */
struct payment conform_payment(const struct conform *c,
    const struct port *payee, const struct port *payer, uint64_t amount);
/* Power off and on. */
void conform_power(struct conform *c);
/* Balances of both cards. */
uint64_t conform_total(const struct conform *c);
/* The card refuses, says nothing, and its information is as before. */
void conform_refuses(
    struct conform *c, uint32_t header, struct jz_span data, uint16_t sw);
/* Opens a sealed message with a working key; its spans are good until the next. */
struct jz_message conform_open(struct conform *c, const struct answer *sealed,
    enum jz_kind kind, const uint8_t *key);
/* A message carries the signature of the card that is judged. */
void conform_signed(const struct conform *c, const struct jz_message *m);

#endif
