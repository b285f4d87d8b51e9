/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report: the journal's last word on each line.  CSV (RFC 4180) for a
 * spreadsheet, JSON lines for a program.
 */
#define _POSIX_C_SOURCE 200809L

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define JOURNAL	   "batch.jsonl"
#define SUFFIX	   ".new"
#define ROW_FORM   (JSON_PRESERVE_ORDER | JSON_COMPACT)
#define LINE_CAP   (JZ_LINE_TEXT_MAX + JZ_BUREAU_PATH_CAP)
#define CSV_SUFFIX ".csv"

static const char *const COLUMNS[] = {"line", "number", "id", "account", "card",
    "status", "certificate", "key_version", "kcv", "time", "error", "text"};
#define N_COLUMNS (sizeof(COLUMNS) / sizeof(COLUMNS[0]))

struct report {
	FILE *in, *out;
	long *last; /* of each line: where the journal speaks of it */
	size_t n, done, failed;
	bool csv;
};

static json_t *
next_object(struct report *r)
{
	char line[LINE_CAP];

	return fgets(line, sizeof(line), r->in) == NULL
	    ? NULL
	    : json_loads(line, 0, NULL);
}

static int
find_last(struct report *r)
{
	json_t *o = next_object(r);
	json_int_t n =
	    o == NULL ? 0 : json_integer_value(json_object_get(o, "count"));
	long at = ftell(r->in);

	json_decref(o);
	if (n < 1 || n > JZ_BUREAU_LINES_MAX)
		return JZ_ERR_ORDER_DAMAGED;
	r->n = (size_t)n;
	r->last = calloc(r->n, sizeof(*r->last));
	if (r->last == NULL)
		return JZ_ERR_MEMORY;
	while ((o = next_object(r)) != NULL) {
		n = json_integer_value(json_object_get(o, "line"));
		json_decref(o);
		if (n < 1 || n > (json_int_t)r->n)
			return JZ_ERR_ORDER_DAMAGED;
		r->last[n - 1] = at;
		at = ftell(r->in);
	}
	return 0;
}

static void
put_cell(FILE *f, const json_t *v)
{
	const char *s = json_string_value(v);

	if (json_is_integer(v))
		fprintf(f, "%lld", (long long)json_integer_value(v));
	if (s == NULL)
		return;
	/* A spreadsheet takes what begins so for a formula. */
	if (strpbrk(s, ",\"\r\n") == NULL && strchr("=+-@", s[0]) == NULL) {
		fputs(s, f);
		return;
	}
	fputc('"', f);
	if (s[0] != '\0' && strchr("=+-@", s[0]) != NULL)
		fputc('\'', f);
	for (; *s != '\0'; s++)
		fprintf(f, *s == '"' ? "\"\"" : "%c", *s);
	fputc('"', f);
}

static void
put_row(struct report *r, const json_t *o)
{
	const char *status = json_string_value(json_object_get(o, "status"));

	r->done += status != NULL && strcmp(status, "done") == 0;
	r->failed += status == NULL || strcmp(status, "done") != 0;
	if (!r->csv) {
		json_dumpf(o, r->out, ROW_FORM);
		fputc('\n', r->out);
		return;
	}
	for (size_t k = 0; k < N_COLUMNS; k++) {
		put_cell(r->out, json_object_get(o, COLUMNS[k]));
		fputs(k + 1 < N_COLUMNS ? "," : "\r\n", r->out);
	}
}

static int
put_rows(struct report *r)
{
	json_t *o;

	for (size_t k = 0; r->csv && k < N_COLUMNS; k++)
		fprintf(r->out, "%s%s", COLUMNS[k],
		    k + 1 < N_COLUMNS ? "," : "\r\n");
	for (size_t k = 0; k < r->n; k++) {
		if (r->last[k] == 0)
			continue;
		if (fseek(r->in, r->last[k], SEEK_SET) != 0 ||
		    (o = next_object(r)) == NULL)
			return JZ_ERR_ORDER_DAMAGED;
		put_row(r, o);
		json_decref(o);
	}
	if (!r->csv)
		fprintf(r->out,
		    "{\"total\":%zu,\"done\":%zu,\"failed\":%zu,\"open\":%zu}"
		    "\n",
		    r->n, r->done, r->failed, r->n - r->done - r->failed);
	return 0;
}

static bool
ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* Everything is on the disk before the name changes hands. */
static int
replace(struct report *r, const char *made, const char *path, int err)
{
	if (err == 0 &&
	    (fflush(r->out) != 0 || ferror(r->out) ||
		fsync(fileno(r->out)) != 0))
		err = JZ_ERR_SYSTEM;
	if (fclose(r->out) != 0 && err == 0)
		err = JZ_ERR_SYSTEM;
	if (err == 0 && rename(made, path) != 0)
		err = JZ_ERR_SYSTEM;
	if (err != 0)
		(void)unlink(made);
	return err;
}

int
jz_bureau_report(const char *dir, const char *path)
{
	struct report r = {.csv = ends_in(path, CSV_SUFFIX)};
	char journal[JZ_BUREAU_PATH_CAP], made[JZ_BUREAU_PATH_CAP];
	int n = snprintf(made, sizeof(made), "%s%s", path, SUFFIX);
	int err = jz_bureau_join(journal, dir, JOURNAL, "");

	if (err != 0 || n < 0 || n >= JZ_BUREAU_PATH_CAP)
		return JZ_ERR_RANGE;
	r.in = fopen(journal, "r");
	if (r.in == NULL)
		return JZ_ERR_NOT_FOUND;
	err = find_last(&r);
	if (err == 0) {
		r.out = fopen(made, "w");
		err = r.out == NULL ? JZ_ERR_SYSTEM
				    : replace(&r, made, path, put_rows(&r));
	}
	(void)fclose(r.in);
	free(r.last);
	return err;
}
