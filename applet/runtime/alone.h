/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For applets of a card with display, keys and a battery: going on when no
 * reader is there.  docs/adr/0014-esign.md says why it is as it is.
 *
 * One applet at a time is alone.  It says so while it carries out a command,
 * and is called with events from then on: with JZ_EVENT_BEGIN when its whole
 * answer is out and jz_card_run() is called for the first time, then with keys
 * and with the timer, until it calls jz_alone_end(), or a command comes to the
 * card, which is the event JZ_EVENT_CONTACT and the end.  A reset and the
 * reader's power are no events.
 *
 * The handler runs in its applet's memory without CLEAR_ON_DESELECT memory; a
 * transaction that it leaves open is rolled back.
 *
 * Caveat: handler and standby memory live as long as the card is open.  What
 * an applet finds in its persistent memory without being alone has lost them.
 */
#ifndef JZ_RUNTIME_ALONE_H
#define JZ_RUNTIME_ALONE_H

#include "applet.h"
#include "chip.h"

#define JZ_STANDBY_BYTES 64

enum jz_event {
	JZ_EVENT_BEGIN,
	JZ_EVENT_KEY,
	JZ_EVENT_TIMER,
	JZ_EVENT_CONTACT, /* the end: what is left is to be erased */
};

/* `key` is JZ_KEY_NONE but with JZ_EVENT_KEY. */
typedef void
jz_alone_fn(struct jz_applet *self, enum jz_event event, enum jz_key key);

/*
 * Alone from now on; standby memory is zero.  JZ_ERR_UNSUPPORTED: the card has
 * no panel; JZ_ERR_STATE: not while a command is carried out.
 */
int jz_alone_begin(struct jz_applet *self, jz_alone_fn *go_on);
/* Not any longer; standby memory is wiped.  Nothing for who is not alone. */
void jz_alone_end(struct jz_applet *self);
bool jz_is_alone(const struct jz_applet *self);

/* Standby memory: survives resets, and no loss of power.  JZ_ERR_STATE for who
 * is not alone, JZ_ERR_RANGE; out is zeroed then. */
int jz_standby_read(const struct jz_applet *self, void *out, size_t len);
int jz_standby_write(struct jz_applet *self, const void *src, size_t len);

/* ---- the panel ---------------------------------------------------------- */

/* Lines and columns of the display; 0 without one. */
unsigned jz_panel_lines(const struct jz_applet *self);
unsigned jz_panel_columns(const struct jz_applet *self);
/*
 * A whole line.  JZ_ERR_STATE for who is not called with BEGIN, KEY or TIMER:
 * no command writes to the display.  JZ_ERR_RANGE: no such line, or too long.
 */
int jz_show(struct jz_applet *self, unsigned line, struct jz_span text);
/* All lines empty; under the same conditions. */
int jz_show_clear(struct jz_applet *self);
/* A short sound, where the card has one; under the same conditions. */
int jz_sound(struct jz_applet *self);
/* Seconds since some moment; 0 without a panel. */
uint32_t jz_panel_seconds(const struct jz_applet *self);

#endif
