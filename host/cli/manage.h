/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands that administer a card share among themselves.
 */
#ifndef JZ_CLI_MANAGE_H
#define JZ_CLI_MANAGE_H

#include <stdint.h>

/* The name of a card's state: GlobalPlatform 5.1. */
const char *jz_card_state_name(uint8_t state);

#endif
