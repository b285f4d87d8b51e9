/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a fuzzed session of APDUs begins: the same two cards in every run, to
 * the last byte, so that a message that was genuine when a seed was made is
 * genuine again.
 */
#ifndef JZ_TEST_SUPPORT_SESSION_H
#define JZ_TEST_SUPPORT_SESSION_H

#include "cardrig.h"

#define SESSION_PIN	"123456"
#define SESSION_FUNDS	50000u
#define SESSION_LOAD	2500u /* the one load whose permission is in a seed */
#define SESSION_RECEIVE 700u  /* the one payment to the card in a seed */

/*
 * An input: one byte, the start; then commands, each with its length before it
 * in two bytes.  What is announced and not there is left out.
 */
enum session_start {
	SESSION_READY, /* personalised, with funds, selected */
	SESSION_EMPTY, /* a new purse; the domain is selected */
	SESSION_STARTS,
};

struct session {
	struct rig rig;
	struct rig_card *card[SESSION_STARTS];
	struct rig_snapshot *start[SESSION_STARTS];
};

struct session *session_new(void);
void session_free(struct session **s);

#endif
