/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs of the chaos test: an issuer's daemon, two cards, a client, the
 * networks between them; and what may happen to them.
 */
#ifndef JZ_TEST_CHAOS_STAGE_H
#define JZ_TEST_CHAOS_STAGE_H

#include <sys/types.h>

#include "../../host/bank.h"
#include "../../reader/reader.h"
#include "../support/daemon.h"
#include "proxy.h"
#include "random.h"
#include "repeater.h"

#define CHAOS_PIN     "123456"
#define CHAOS_DEPOSIT 100000000u
#define CHAOS_HOLDERS 2

enum fault {
	FAULT_NONE,
	FAULT_CUT,
	FAULT_MESSAGES, /* lost and repeated */
	FAULT_DAEMON,
	FAULT_CLIENT,
	FAULT_CARD, /* with JIAOZI_VPCD_PORT: else it dies with the client */
	FAULT_DATABASE, /* with POSTGRES_PIDFILE */
	FAULTS,
};
extern const char *const FAULT_NAMES[FAULTS];

struct holder {
	const char *name;    /* the account's, and the card's */
	const char *profile; /* an option of card personalise, or NULL */
	char file[104], reader[128];
};

struct stage {
	char dir[64];
	struct daemon files; /* of TLS; its server is not used */
	const char *program;
	bool served; /* the cards are in a process of their own */
	struct holder holder[CHAOS_HOLDERS];
	struct proxy *proxy;
	struct repeater *repeater;
	unsigned short port;
	pid_t daemon, client, cards;
	struct jz_issuer *issuer;
	uint64_t seed, state;
	enum fault fault;
	unsigned delay_us;
	unsigned bytes_max; /* where the next command is struck at the latest */
	unsigned made;	    /* cards */
	unsigned met[FAULTS];
};

/* Everything, with the program in JIAOZI; or ends the process. */
void stage_set_up(struct stage *s);
/* The daemon must end well. */
void stage_clean_up(struct stage *s);
/* Says why, with the seed, and ends the process and those it started. */
_Noreturn void stage_die(struct stage *s, const char *what);
/* The plan of this seed begins. */
void stage_seed(struct stage *s, uint64_t seed);
uint64_t stage_draw(struct stage *s);

/*
 * One command of the client, whatever happens to it meanwhile: `more` are its
 * words, and card and issuer are added.  Its exit code; -1: it was killed.
 * Afterwards the daemon and the cards run again.
 */
int stage_client(struct stage *s, const struct holder *h,
    const char *const more[], bool faults);
/* Without faults, and it must be done. */
void
stage_must(struct stage *s, const struct holder *h, const char *const more[]);

/* Another card of this account, for this one's place; not where the cards are
 * served. */
void
stage_successor(struct stage *s, const struct holder *h, struct holder *out);

/* A card, to be asked; the caller frees the reader. */
void stage_card(struct stage *s, const struct holder *h,
    struct jz_reader **reader, struct jz_session *session);
int64_t stage_account(struct stage *s, const struct holder *h);

#endif
