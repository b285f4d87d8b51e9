/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The open transaction: which bytes of the image were changed, and what stood
 * there before.  Bounded.  It holds nothing between two commands, so all cards
 * of one thread may share one.
 */
#ifndef JZ_RUNTIME_JOURNAL_H
#define JZ_RUNTIME_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JZ_JOURNAL_PATCHES 40
#define JZ_JOURNAL_BYTES   1760

struct jz_patch {
	uint32_t offset; /* in the image */
	uint32_t len;
};

struct jz_journal {
	bool open;
	int error; /* sticky within the transaction */
	uint16_t n;
	uint32_t used; /* bytes of undo */
	struct jz_patch patch[JZ_JOURNAL_PATCHES];
	uint8_t undo[JZ_JOURNAL_BYTES]; /* old bytes, in patch order */
};

#endif
