/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Display and keys in memory.
 */
#define _POSIX_C_SOURCE 200809L

#include "panel.h"
#include "../../keys/secret.h"

#include <string.h>
#include <time.h>

static void
screen_show(void *panel, unsigned line, struct jz_span text)
{
	struct jz_screen *s = panel;

	if (line >= JZ_SCREEN_LINES || text.len > JZ_PANEL_LINE_BYTES)
		return;
	/* It may have been a joint password. */
	jz_wipe(s->line[line], sizeof(s->line[line]));
	if (text.len > 0)
		memcpy(s->line[line], text.data, text.len);
	s->changes++;
}

static void
screen_clear(void *panel)
{
	struct jz_screen *s = panel;

	jz_wipe(s->line, sizeof(s->line));
	s->changes++;
}

static enum jz_key
screen_key(void *panel)
{
	struct jz_screen *s = panel;
	enum jz_key key;

	if (s->keys == 0)
		return JZ_KEY_NONE;
	key = (enum jz_key)s->key[0];
	s->keys--;
	memmove(s->key, s->key + 1, s->keys);
	/* PIN digits do not stay. */
	s->key[s->keys] = JZ_KEY_NONE;
	return key;
}

static uint32_t
screen_seconds(void *panel)
{
	const struct jz_screen *s = panel;
	struct timespec t = {0};

	if (s->own_time)
		return s->seconds;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint32_t)t.tv_sec;
}

static void
screen_sound(void *panel)
{
	struct jz_screen *s = panel;

	s->sounds++;
	s->changes++;
}

const struct jz_panel jz_screen_panel = {
    .lines = JZ_SCREEN_LINES,
    .columns = JZ_SCREEN_COLUMNS,
    .show = screen_show,
    .clear = screen_clear,
    .key = screen_key,
    .seconds = screen_seconds,
    .sound = screen_sound,
};

bool
jz_screen_press(struct jz_screen *s, enum jz_key key)
{
	if (s->keys == JZ_SCREEN_KEYS || key <= JZ_KEY_NONE ||
	    key > JZ_KEY_DOWN)
		return false;
	s->key[s->keys++] = (uint8_t)key;
	return true;
}
