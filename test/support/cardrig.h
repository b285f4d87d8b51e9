/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cards in memory for tests: a clock that stands still, a store whose power
 * fails on command, snapshots to go back to, and the sum of all money.
 *
 * Everything here fails the running test when it cannot do what it says.
 */
#ifndef JZ_TEST_SUPPORT_CARDRIG_H
#define JZ_TEST_SUPPORT_CARDRIG_H

#include "../../applet/purse/purse.h"
#include "../../applet/runtime/card.h"
#include "../../applet/virtual/guard.h"
#include "../../applet/virtual/storage.h"
#include "bank.h"
#include "memo.h"
#include "payment.h"
#include "port.h"

#define RIG_NOW	      ((int64_t)1768478400) /* 2026-01-15T12:00:00Z */
#define RIG_NVM_BYTES (64u * 1024u)
#define RIG_RAM_BYTES (32u * 1024u)
/* Cards begin on a page of most systems.  Where pages are larger, there is no
 * strict mode, and its own test says so. */
#define RIG_PAGE_BYTES 4096u

bool rig_can_be_strict(void);

/* What all cards of a test share. */
struct rig {
	struct jz_engine openssl;
	struct memo *memo;
	struct jz_engine engine; /* the remembering one over OpenSSL */
	struct bank bank;
	/* Cards made from now on are not in strict mode, as all others are. */
	bool loose;
};

/* Of the suite that the program runs on. */
void rig_new(struct rig *rig);
void rig_new_of(struct rig *rig, enum jz_suite suite);
/* The same keys and signatures in every run. */
void rig_new_seeded(struct rig *rig);
void rig_new_seeded_of(struct rig *rig, enum jz_suite suite);
void rig_free(struct rig *rig);

struct rig_card {
	struct port port;
	struct memo *memo;	/* lent */
	struct jz_fault *fault; /* NULL: a card without storage */
	int64_t now;		/* of a card without storage */
	struct jz_card_setup setup;
	struct jz_card card;
	struct jz_journal journal;
	uint32_t wear[RIG_NVM_BYTES / JZ_WEAR_BYTES + 1];
	struct jz_page_guard guard;
	_Alignas(RIG_PAGE_BYTES) uint8_t nvm[RIG_NVM_BYTES];
	_Alignas(RIG_PAGE_BYTES) uint8_t ram[RIG_RAM_BYTES];
};

/* A card with an applet of each class, nothing selected. */
struct rig_card *rig_card_new(struct rig *rig,
    const struct jz_applet_class *const *classes, size_t n, bool storage);
/* The issuer's domain with the well-known keys; its class must be there. */
void rig_install_domain(struct rig_card *c);
/* A purse that nobody has personalised, and the issuer's domain with the
 * well-known keys, which is selected. */
struct rig_card *rig_empty_purse_new(struct rig *rig, bool storage);
/* A purse, personalised and selected, and the domain. */
struct rig_card *rig_purse_new(struct rig *rig, const struct profile *p);
/* The same without storage: quick, and lost with its memory. */
struct rig_card *rig_bare_purse_new(struct rig *rig, const struct profile *p);
void rig_card_free(struct rig_card **c);

/* Sets the card's clock; 0: the card has none. */
void rig_set_time(struct rig_card *c, int64_t utc);

/* Power off and on, from the storage.  0 or why it does not open. */
int rig_reopen(struct rig_card *c);
/* The same, the purse selected again; what must succeed. */
void rig_restart(struct rig_card *c);
/* Reset without loss of power, the purse selected again. */
void rig_reset(struct rig_card *c);

static inline const struct purse_nvm *
rig_purse(const struct rig_card *c)
{
	return (const struct purse_nvm *)c->card.applet[0].nvm;
}

static inline enum jz_purse_state
rig_purse_state(const struct rig_card *c)
{
	return purse_state(&c->card.applet[0]);
}

/* Changes persistent state behind the purse's back, durably. */
void
rig_poke(struct rig_card *c, const void *field, const void *value, size_t len);
void rig_poke_u32(struct rig_card *c, const uint32_t *field, uint32_t value);

/* ---- going back --------------------------------------------------------- */

/* The card with its memory and storage, and where randomness stood. */
struct rig_snapshot;

struct rig_snapshot *rig_save(const struct rig_card *c);
/* To the same card only.  A card that is dead or without power lives again. */
void rig_restore(struct rig_card *c, const struct rig_snapshot *s);
void rig_snapshot_free(struct rig_snapshot **s);
/* Its persistent state, RIG_NVM_BYTES; lent. */
const uint8_t *rig_image(const struct rig_snapshot *s);

/* Two images, RIG_NVM_BYTES each, but for statistics and the generator. */
bool rig_same_image(const uint8_t *a, const uint8_t *b);

void rig_hash(const struct rig_card *c, uint8_t out[static 32]);
/* Whether the persistent state is that of the snapshot. */
bool rig_unchanged(const struct rig_card *c, const struct rig_snapshot *s);

/* The card refuses this with this status word, says nothing, changes nothing. */
void rig_refuses(
    struct rig_card *c, uint32_t header, struct jz_span data, uint16_t sw);
/* The card takes this; the answer may be NULL. */
void rig_accepts(struct rig_card *c, uint32_t header, struct jz_span data,
    struct answer *out);

/* ---- money -------------------------------------------------------------- */

/* Paid by one of these cards, and another one waits for it: what is lost for
 * good is not in flight. */
uint64_t rig_in_flight(struct rig_card *const *cards, size_t n);
/* All balances and what is in flight. */
uint64_t rig_total(struct rig_card *const *cards, size_t n);

#endif
