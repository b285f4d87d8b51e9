/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands that administer a card share among themselves.
 */
#ifndef JZ_CLI_MANAGE_H
#define JZ_CLI_MANAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "cli.h"

#include "../../apdu/bytes.h"

/* The name of a card's state: GlobalPlatform 5.1. */
const char *jz_card_state_name(uint8_t state);

/* One key of a card: GlobalPlatform 11.3.3.1, tag C0. */
struct jz_card_key {
	uint8_t id, version;
	const char *type;
	unsigned bits;
};

/* Calls `each` for every key of an E0 template's content.  JZ_ERR_ANSWER. */
int jz_card_keys(struct jz_span content,
    void (*each)(const struct jz_card_key *key, void *arg), void *arg);

/* ---- plug-ins (plug_cmd.c) ---------------------------------------------- */

/* Whether an argument names a file, not an AID. */
bool jz_cli_is_file(const char *argument);
/*
 * Puts a plug-in on the virtual card and opens the channel again; *module is
 * its AID.
 */
int jz_cli_plug(struct jz_cli *c, struct jz_cli_gp *g, const char *path,
    struct jz_gp_aid *module);

#endif
