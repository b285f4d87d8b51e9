/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our SQL in the words of PostgreSQL.  It reads our own texts alone: words are
 * in capitals, and no literal holds a question mark or one of these words.
 */
#include "sql.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *
jz_dialect_query(const char *text)
{
	/* A question mark becomes at most three characters. */
	char *out = malloc(3 * strlen(text) + 1), *p = out;
	unsigned n = 0;

	if (out == NULL)
		return NULL;
	for (; *text != '\0'; text++) {
		if (*text == '?')
			p += snprintf(p, 4, "$%u", ++n);
		else
			*p++ = *text;
	}
	*p = '\0';
	return out;
}

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The word at `text`, of `len`, in theirs. */
static const char *
word_for(const char *text, size_t len)
{
	static const char *const WORDS[][2] = {
	    {"INTEGER", "BIGINT"}, {"BLOB", "BYTEA"}, {"STRICT", ""}};

	for (size_t k = 0; k < sizeof(WORDS) / sizeof(WORDS[0]); k++)
		if (strlen(WORDS[k][0]) == len &&
		    strncmp(WORDS[k][0], text, len) == 0)
			return WORDS[k][1];
	return NULL;
}

/* Where the next statement begins, when this is a trigger. */
static const char *
after_trigger(const char *text)
{
	static const char BEGINS[] = "CREATE TRIGGER", ENDS[] = "END;";
	const char *end;

	if (strncmp(text, BEGINS, strlen(BEGINS)) != 0)
		return text;
	end = strstr(text, ENDS);
	return end != NULL ? end + strlen(ENDS) : text + strlen(text);
}

char *
jz_dialect_schema(const char *text)
{
	/* No word becomes longer by more than a letter in four. */
	char *out = malloc(2 * strlen(text) + 1), *p = out;
	const char *begin;

	if (out == NULL)
		return NULL;
	begin = text;
	while (*text != '\0') {
		const char *ours = text, *theirs;
		size_t len = 0;

		if (text == begin)
			text = begin = after_trigger(text);
		if (text != ours)
			continue;
		while (is_word(text[len]))
			len++;
		theirs = len > 0 ? word_for(text, len) : NULL;
		if (len == 0)
			len = 1;
		if (theirs != NULL)
			p += sprintf(p, "%s", theirs);
		else {
			memcpy(p, text, len);
			p += len;
		}
		text += len;
		if (*ours == ';')
			begin = text;
	}
	*p = '\0';
	return out;
}
