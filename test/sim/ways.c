/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces of many worlds in one file, so that they are judged at once.
 */
#include "sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool
begins(const char *line, const char *word)
{
	return strncmp(line, word, strlen(word)) == 0;
}

/* The cards' names get the number of their world. */
static void
write_line(FILE *f, const char *line, size_t len, unsigned k)
{
	for (size_t i = 0; i < len; i++) {
		fputc(line[i], f);
		if (line[i] >= 'A' && line[i] <= 'Z')
			fprintf(f, "%u", k);
	}
}

/* The world's cards, or its steps. */
static void
write_world(FILE *f, const struct sim_text *w, unsigned k, bool cards)
{
	size_t at = 0;

	while (at < w->len) {
		const char *line = w->data + at;
		const char *end = memchr(line, '\n', w->len - at);
		size_t n = end == NULL ? w->len - at : (size_t)(end - line) + 1;

		at += n;
		if (!begins(line, "limits ") && !begins(line, "account ") &&
		    begins(line, "card ") == cards)
			write_line(f, line, n, k);
	}
}

void
sim_write_ways(const struct sim_text *ways, unsigned n, const char *name)
{
	const char *dir = getenv("JIAOZI_SIM_TRACES");
	char path[256];
	FILE *f;

	if (dir == NULL)
		return;
	snprintf(path, sizeof(path), "%s/every-%s.trace", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "limits %d %d %d\n", JZ_PURSE_PENDING, JZ_PURSE_RECORDS,
	    JZ_PURSE_RECORDS);
	for (int cards = 1; cards >= 0; cards--)
		for (unsigned i = 0; i < n; i++)
			write_world(f, &ways[i], i, cards != 0);
	assert_int_equal(fclose(f), 0);
}
