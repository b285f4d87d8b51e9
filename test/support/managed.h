/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the fuzzing of a card's administration begins: a personalised purse
 * with money, the issuer's domain, and the class of the application for tests,
 * of which one instance is there.  The same in every run.
 */
#ifndef JZ_TEST_SUPPORT_MANAGED_H
#define JZ_TEST_SUPPORT_MANAGED_H

#include "gpclient.h"

#define MANAGED_KVN 0x01
/* Where the applications are in the card's registry. */
enum managed_place {
	MANAGED_PURSE,
	MANAGED_DOMAIN,
	MANAGED_NOTE, /* and more of them behind it */
};

/*
 * An input: one byte, the channel's level (MANAGED_LEVELS); then commands in
 * clear, each with its length before it in two bytes, whose highest bit says
 * that the command is sent as it is and not in the channel.  What is announced
 * and not there is left out.
 */
#define MANAGED_AS_IT_IS 0x8000u
extern const uint8_t MANAGED_LEVELS[];
#define MANAGED_LEVEL_COUNT 5

struct managed {
	struct rig rig;
	/* Of the only set, random: nobody can guess what must not leak. */
	struct jz_scp03_keys keys;
	struct rig_card *card;
	struct rig_snapshot *start;
};

struct managed *managed_new(void);
void managed_free(struct managed **m);

#endif
