/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated world: real purses on storage whose power fails on command, the
 * real issuer on a database in memory, and the sum of all money, read from
 * cards and ledger after each step.
 *
 * What a card did is not believed but seen: the purse before and after a step
 * is compared, and what has become different is written as steps of the model
 * (docs/model.md, docs/simulator.md).
 *
 * Everything here fails the running test when it cannot do what it says.
 */
#ifndef JZ_TEST_SIM_SIM_H
#define JZ_TEST_SIM_SIM_H

#include "../../host/issuer/internal.h"
#include "../support/cardrig.h"

#define SIM_CARDS_MAX	      8u
#define SIM_DEPOSIT	      5000000u /* of each customer */
#define SIM_ACCOUNT	      "62220"
#define SIM_FIELDS_BEFORE     12u /* of FF41 in INITIALIZE's answer */
#define AT_FETCH_CONFIRMATION 0x80767200u

struct sim_card {
	struct rig_card *rig;
	char name; /* in traces */
	uint8_t id[JZ_ID_BYTES];
	char account[16];
	bool payee_only;
	/* Records up to this one are in the issuer's books; a hash over them. */
	uint32_t booked;
	uint8_t posted[JZ_HASH_BYTES];
};

/* What is known of a payment, by its request's digest. */
enum sim_bit {
	SIM_PAID = 1,	    /* the payer's card has the record */
	SIM_RECEIVED = 2,   /* the payee's card has the record */
	SIM_PENDING = 4,    /* the payee's card awaits it */
	SIM_GIVEN_UP = 8,   /* the payee's card has the exception */
	SIM_ON_CARDS = 15,  /* all of these */
	SIM_BOOK_PAID = 16, /* the issuer has the completion */
	SIM_BOOK_RECEIVED = 32,
	SIM_BOOK_GIVEN_UP = 64,
	SIM_BOOK_OUT = 128,   /* paid out of transit */
	SIM_BOOK_CLAIM = 256, /* to the payee */
};

struct sim_fact {
	struct jz_payment payment;
	unsigned bits;
};

struct sim_load {
	unsigned card;
	uint32_t counter;
	struct jz_load_story story;
};

struct sqlite3;

struct sim_text {
	char *data;
	size_t len, cap;
};

struct sim {
	struct rig rig;
	int64_t now;
	char dir[80];
	bool encrypted; /* cards that are added from now on */
	struct jz_issuer *issuer;
	struct sqlite3 *empty; /* its database at first */
	uint64_t position;     /* of randomness, then */
	struct sim_card card[SIM_CARDS_MAX];
	unsigned n;
	uint64_t total; /* deposited */
	struct sim_fact *fact;
	size_t facts, facts_cap;
	struct sim_load *load;
	size_t loads, loads_cap;
	struct sim_text trace;
	unsigned long steps;
	enum jz_refusal refusal; /* of the last message to the issuer */
	/* Why the last check failed; then the run is over. */
	char wrong[160];
};

struct sim_terms {
	uint64_t max_balance, max_single, pin_above;
	uint64_t max_offline_sum;
	uint32_t max_offline_count;
};

/* A world without cards, of a suite; the same in every run. */
void sim_new(struct sim *s, enum jz_suite suite);
void sim_free(struct sim *s);
/* As it was when it was new: to make another issuer takes its time. */
void sim_clear(struct sim *s);
/* The issuer's database, lent: SQLite's, in memory. */
struct sqlite3 *sim_books(const struct sim *s);
/* It as it is now, and back to what it was then. */
struct sqlite3 *sim_save_books(const struct sim *s);
void sim_restore_books(struct sim *s, struct sqlite3 *books);
void sim_free_books(struct sqlite3 **books);
/* A customer with SIM_DEPOSIT, and a purse certified by the issuer.  Before the
 * first step. */
unsigned sim_add(struct sim *s, const struct sim_terms *terms, bool payee_only);
/* The world as a trace begins it, after all cards are there. */
void sim_begin_trace(struct sim *s);
/* By all clocks. */
void sim_set_time(struct sim *s, int64_t now);
/* The card of an ID; s->n: there is none. */
unsigned sim_find(const struct sim *s, const uint8_t *id);

static inline const struct purse_nvm *
sim_purse(const struct sim *s, unsigned card)
{
	return rig_purse(s->card[card].rig);
}

/* ---- steps -------------------------------------------------------------- */

/*
 * One command to a card, and all that follows: the card as it is afterwards,
 * the trace, the sum.  With a plan, its power may fail in between; then it is
 * opened again, the purse selected, and the answer is none: JZ_SW_MEMORY_FAILURE.
 * The SW.
 */
uint16_t sim_command(struct sim *s, unsigned card, uint32_t header,
    struct jz_span data, const struct jz_fault_plan *plan, struct answer *out);
/* The command that takes the answer of this one, or 0. */
uint32_t sim_next_header(uint32_t header);
/* Power off and on. */
void sim_reset(struct sim *s, unsigned card);

/* One message to the issuer. */
enum sim_office {
	SIM_CHALLENGE,
	SIM_SIGN_IN,
	SIM_BATCH,
	SIM_PERMIT,
	SIM_REPORT,
	SIM_CANCEL,
};
/* 0, or what the issuer said; the answer's bytes. */
int sim_office(
    struct sim *s, enum sim_office what, struct jz_span in, struct answer *out);
/* The completions that a payee's card is owed; `each` gets one at a time. */
void sim_relay(struct sim *s, unsigned card,
    void (*each)(
	struct sim *s, unsigned card, struct jz_span completion, void *arg),
    void *arg);

/* A load, without any mishap. */
void sim_fund(struct sim *s, unsigned card, uint32_t amount);

/* A line of the trace. */
void sim_say(struct sim *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Its last lines, for people. */
void sim_show(const struct sim_text *t, unsigned lines);
/* "VERB payer counter payee counter" */
void
sim_say_payment(struct sim *s, const char *verb, const struct jz_payment *p);

/* ways.c: writes many worlds as one trace, every-NAME.trace in the folder
 * JIAOZI_SIM_TRACES, if there is one: the cards of the k-th are A<k> and B<k>. */
void sim_write_ways(const struct sim_text *ways, unsigned n, const char *name);

/* note.c: what a step has changed, as steps of the model. */
void sim_note(struct sim *s, unsigned card, const struct purse_nvm *before,
    uint32_t header, struct jz_span data, bool accepted);

/* ---- money -------------------------------------------------------------- */

/* The fact of a payment, made when it is new. */
struct sim_fact *sim_fact(struct sim *s, const struct jz_payment *p);
/* Reads the issuer's books anew. */
void sim_read_books(struct sim *s);
/*
 * ALL-1, ALL-2: accounts + balances + in transit is what was deposited; each
 * unit in transit has its evidence on both sides; no purse breaks P1 or P2.
 * Else false, and s->wrong says why.
 */
bool sim_check(struct sim *s);

#endif
