/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card's display and keys in the user's terminal (ECMA-48 sequences, which
 * every terminal has had for decades; no library).
 */
#ifndef JZ_CLI_SCREEN_H
#define JZ_CLI_SCREEN_H

#include <stdbool.h>
#include <termios.h>

#include "../../reader/virtual.h"
#include "cli.h"

struct jz_cli_screen {
	const struct jz_cli *cli;
	struct jz_virtual *card; /* lent */
	struct termios before;
	bool open;
	bool drawn;
	uint32_t shown;	 /* what was drawn last: jz_virtual_shown() */
	uint32_t sounds; /* that were made until then */
	const char *status;
};

/* JZ_ERR_ARGUMENT, explained: standard input or output is no terminal. */
/* Without `signals` ^C is the cancel key. */
int jz_cli_screen_open(struct jz_cli *c, struct jz_virtual *card, bool signals,
    struct jz_cli_screen *s);
/* Passes keys on, lets the card go on, and draws what has changed.  Whether the
 * card still has something to do. */
bool jz_cli_screen_turn(struct jz_cli_screen *s);
/* A line below the display, about the reader; a static text. */
void jz_cli_screen_status(struct jz_cli_screen *s, const char *text);
/* Gives the terminal back as it was, with nothing of the display left. */
void jz_cli_screen_close(struct jz_cli_screen *s);

#endif
