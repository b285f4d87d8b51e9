/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seeds of a fuzz target that a program can make anew: compared with what
 * is in the tree, or written.
 */
#ifndef JZ_TEST_SUPPORT_SEEDS_H
#define JZ_TEST_SUPPORT_SEEDS_H

#include "../../apdu/bytes.h"

#define SEED_MAX (64u * 1024u)

struct seeds {
	const char *folder; /* in the tree: where they are */
	const char *write;  /* where they shall be written; NULL: compare */
	unsigned stale;
};

/* Tells of a seed that it is as it should be, or not. */
void seeds_end(struct seeds *s, const char *name, struct jz_span bytes);

#endif
