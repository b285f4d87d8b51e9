/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a purse as a list of steps, each of which a host can begin again
 * after the card lost power in it: personalisation, load, a cancelled load, an
 * unload, a payment that is proved not to be paid and dropped, one that is given up, one
 * that is made, a revocation list, settlement of both cards.
 *
 * Everything that a step needs is in struct story, so a copy of it and
 * snapshots of the two cards are a place to go back to.
 */
#ifndef JZ_TEST_SUPPORT_STORY_H
#define JZ_TEST_SUPPORT_STORY_H

#include "gpclient.h"

#define STORY_LOAD    5000u
#define STORY_FUNDS   50000u
#define STORY_AMOUNT  12000u /* above the PIN limit */
#define STORY_STOPPED 700u   /* and below: never paid */
#define STORY_UNLOAD  1500u
#define STORY_TOTAL   (STORY_LOAD + STORY_FUNDS - STORY_UNLOAD)

struct story {
	struct rig *rig;
	struct rig_card *payee, *payer;
	struct profile profile;
	struct gp session;  /* with the payee's domain */
	uint8_t block;	    /* the next one of STORE DATA */
	bool again;	    /* the step was begun before: parts may be done */
	struct blob own;    /* the payee's certificate */
	struct blob credit; /* CREDIT FOR LOAD's data */
	struct blob debit;  /* DEBIT FOR UNLOAD's */
	struct blob word;   /* that the account was credited */
	struct payment pay;
	struct blob proof; /* of non-payment */
};

/* The payee's card is empty, the payer's has its money. */
void story_new(struct story *s, struct rig *rig);
void story_free(struct story *s);

unsigned story_steps(void);
const char *story_name(unsigned step);
/* Whose step it is. */
struct rig_card *story_card(const struct story *s, unsigned step);
/* Whether it is a VERIFY, whose try may be counted and not given back. */
bool story_verifies(unsigned step);
/*
 * Carries out a step, sending again what must be sent again.  9000, or the
 * status word that no sensible host gets over: 6581.
 */
uint16_t story_step(struct story *s, unsigned step);
/* What must be true when all steps are done. */
void story_check_end(const struct story *s);

#endif
