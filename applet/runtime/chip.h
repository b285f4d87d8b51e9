/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chip under the runtime, as a const table given at the card's creation.
 *
 * Real, in-memory and fault-injecting versions exist (applet/virtual); a
 * microcontroller brings its own.  All functions take the chip's own state
 * and return 0 or a negative jz_error.
 */
#ifndef JZ_RUNTIME_CHIP_H
#define JZ_RUNTIME_CHIP_H

#include <stddef.h>
#include <stdint.h>

#include "../../apdu/bytes.h"

struct jz_chip {
	/*
	 * Storage: one byte string that survives a power cut.  All four are
	 * NULL for a card that lives in memory only.
	 *
	 * append() adds to the end and may be torn by a power cut until sync()
	 * has returned 0.  replace() puts new content in the place of all of
	 * the old, durably and atomically: after a cut the storage holds the
	 * one or the other.
	 */
	int (*size)(void *chip, uint64_t *out);
	int (*read)(void *chip, uint64_t offset, void *out, size_t len);
	int (*append)(void *chip, const void *data, size_t len);
	int (*sync)(void *chip);
	int (*replace)(void *chip, const struct jz_span *parts, size_t n);

	/* Seconds since 1970 UTC.  NULL: the card has no clock. */
	int (*now)(void *chip, int64_t *utc);

	/*
	 * Memory for a chained command or the rest of an answer, for as long as
	 * there is one: at most one block at a time.  take() gives NULL when it
	 * has none, and the command is refused.  Both NULL: a card without
	 * command and response chaining.
	 */
	void *(*take)(void *chip, size_t bytes);
	void (*give)(void *chip, void *block, size_t bytes);
};

/*
 * The memory protection unit, where there is one: strict mode.  While an
 * applet's code runs, its persistent region can only be read, its transient
 * memory read and written, and no other byte of the card's memory touched.
 */
/* What an applet may touch; each may be empty. */
struct jz_limits {
	struct jz_span nvm, old; /* read; old: what it is upgraded from */
	struct jz_span cor, cod; /* read and written */
};

struct jz_guard {
	uint32_t page; /* regions begin at multiples of it; a power of two */
	/* Where applets see the two memories of the card.  NULL: where the
	 * runtime does. */
	uint8_t *nvm, *ram;
	/* All of the card's memory, for the runtime, where it has it. */
	void (*open)(void *guard);
	/* Only this, where applets see it.  Nothing at the runtime's place,
	 * when that is another. */
	void (*limit)(void *guard, const struct jz_limits *open);
};

/*
 * Display and keys of a card that works when no reader is there.  The host has
 * no way to either: the runtime uses them in jz_card_run() alone.
 */
enum jz_key {
	JZ_KEY_NONE,
	JZ_KEY_0, /* to 9, in order */
	JZ_KEY_9 = JZ_KEY_0 + 9,
	JZ_KEY_OK,
	JZ_KEY_CANCEL,
	JZ_KEY_UP,
	JZ_KEY_DOWN,
};

#define JZ_PANEL_LINES_MIN   2
#define JZ_PANEL_LINES_MAX   16
#define JZ_PANEL_COLUMNS_MIN 16
#define JZ_PANEL_COLUMNS_MAX 40
/* A line in UTF-8: no column takes more than three bytes. */
#define JZ_PANEL_LINE_BYTES (3 * JZ_PANEL_COLUMNS_MAX)

struct jz_panel {
	/* A Chinese character is two columns wide. */
	uint8_t lines, columns;
	/* Puts text in the place of a whole line, from 0.  What comes is UTF-8,
	 * as wide as the display at most, and of text.h's characters alone. */
	void (*show)(void *panel, unsigned line, struct jz_span text);
	void (*clear)(void *panel);
	/* The key that was pressed next, each once. */
	enum jz_key (*key)(void *panel);
	/* Counts up, whatever the clock says, for as long as there is power. */
	uint32_t (*seconds)(void *panel);
	/* A short sound; NULL: the card has none. */
	void (*sound)(void *panel);
};

#endif
