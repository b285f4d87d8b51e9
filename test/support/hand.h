/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has a virtual card with display and keys in hand.
 */
#ifndef JZ_TEST_SUPPORT_HAND_H
#define JZ_TEST_SUPPORT_HAND_H

#include "../../reader/virtual.h"

/* Presses keys and lets the card go on: digits, O for OK, C for Cancel, U and D
 * for up and down. */
void hand_press(struct jz_virtual *v, const char *keys);
/* Whether these bytes stand in a line of the display. */
bool hand_sees(const struct jz_virtual *v, struct jz_span text);

#endif
