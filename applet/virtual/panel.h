/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Display and keys in memory: the panel of a virtual card, and of a test.
 *
 * Lines are kept as UTF-8 with a NUL behind.  Keys wait in a queue; when it is
 * full, more are dropped.  Used by one thread at a time.
 */
#ifndef JZ_VIRTUAL_PANEL_H
#define JZ_VIRTUAL_PANEL_H

#include <stdbool.h>

#include "../runtime/chip.h"

#define JZ_SCREEN_LINES	  6
#define JZ_SCREEN_COLUMNS 24
#define JZ_SCREEN_KEYS	  32

struct jz_screen {
	char line[JZ_SCREEN_LINES][JZ_PANEL_LINE_BYTES + 1];
	uint8_t key[JZ_SCREEN_KEYS]; /* enum jz_key */
	uint8_t keys;		     /* that wait */
	uint32_t changes;	     /* of what is shown, and sounds */
	uint32_t sounds;
	/* Seconds by the tests' own clock instead of the system's. */
	bool own_time;
	uint32_t seconds;
};

/* The panel_state of it is a struct jz_screen, zero at first. */
extern const struct jz_panel jz_screen_panel;

/* false: the queue is full, or there is no such key. */
bool jz_screen_press(struct jz_screen *s, enum jz_key key);

#endif
