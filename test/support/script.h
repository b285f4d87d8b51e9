/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader that follows a script: each command must be the one that stands
 * there, and gets the answer that stands beside it.  What is expected and
 * answered is written in hexadecimal.
 */
#ifndef JZ_TEST_SUPPORT_SCRIPT_H
#define JZ_TEST_SUPPORT_SCRIPT_H

#include "../../host/card.h"

#define SCRIPT_SEEN_MAX 70000

struct line {
	const char *command; /* NULL: any */
	const char *answer;
	int error; /* instead of an answer */
};

struct script {
	const struct line *lines;
	size_t n, at;
	uint8_t atr[33];
	size_t atr_len;
	uint8_t seen[SCRIPT_SEEN_MAX]; /* the last command */
	size_t seen_len;
	struct jz_reader *reader;
	struct jz_session session;
};

/* Opens a session on a reader with this script; extended: the ATR says so. */
void script_open(
    struct script *s, bool extended, const struct line *lines, size_t n);
/* The whole script was played; frees. */
void script_close(struct script *s);

/* "xx*256" repeats a byte; blanks are skipped.  How many bytes. */
size_t script_unhex(const char *text, uint8_t *out, size_t cap);

#define SCRIPT_OPEN(s, extended, lines)                                        \
	script_open(                                                           \
	    (s), (extended), (lines), sizeof(lines) / sizeof((lines)[0]))

#endif
