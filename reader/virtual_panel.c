/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Display and keys of a virtual card, for front ends.
 */
#include "virtual_card.h"

#include <stdlib.h>

#include "../apdu/error.h"
#include "../keys/secret.h"

_Static_assert(JZ_VIRTUAL_LINES == JZ_SCREEN_LINES &&
	JZ_VIRTUAL_COLUMNS == JZ_SCREEN_COLUMNS &&
	JZ_VIRTUAL_LINE_BYTES == JZ_PANEL_LINE_BYTES + 1,
    "one display");
_Static_assert((unsigned)JZ_VIRTUAL_KEY_0 == (unsigned)JZ_KEY_0 &&
	(unsigned)JZ_VIRTUAL_KEY_OK == (unsigned)JZ_KEY_OK &&
	(unsigned)JZ_VIRTUAL_KEY_DOWN == (unsigned)JZ_KEY_DOWN,
    "the same keys");

int
jz_virtual_panel(struct jz_virtual *v, struct jz_card_setup *setup)
{
	v->screen = calloc(1, sizeof(*v->screen));
	if (v->screen == NULL)
		return JZ_ERR_MEMORY;
	setup->panel = &jz_screen_panel;
	setup->panel_state = v->screen;
	return 0;
}

void
jz_virtual_panel_free(struct jz_virtual *v)
{
	if (v->screen != NULL)
		jz_wipe(v->screen, sizeof(*v->screen));
	free(v->screen);
	v->screen = NULL;
}

bool
jz_virtual_run(struct jz_virtual *v)
{
	return jz_card_run(&v->card);
}

int
jz_virtual_press(struct jz_virtual *v, enum jz_virtual_key key)
{
	if (v->screen == NULL)
		return JZ_ERR_UNSUPPORTED;
	if (key < JZ_VIRTUAL_KEY_0 || key > JZ_VIRTUAL_KEY_DOWN)
		return JZ_ERR_RANGE;
	return jz_screen_press(v->screen, (enum jz_key)key) ? 0 : JZ_ERR_SPACE;
}

const char *
jz_virtual_line(const struct jz_virtual *v, unsigned line)
{
	return v->screen == NULL || line >= JZ_SCREEN_LINES
	    ? ""
	    : v->screen->line[line];
}

uint32_t
jz_virtual_shown(const struct jz_virtual *v)
{
	return v->screen == NULL ? 0 : v->screen->changes;
}

uint32_t
jz_virtual_sounds(const struct jz_virtual *v)
{
	return v->screen == NULL ? 0 : v->screen->sounds;
}

void
jz_virtual_set_seconds(struct jz_virtual *v, uint32_t seconds)
{
	if (v->screen == NULL)
		return;
	v->screen->own_time = true;
	v->screen->seconds = seconds;
}
