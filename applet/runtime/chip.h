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

#endif
