/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make bench: runs every case, prints a table, and writes bench.json and
 * bench.html into the folder that BUILD names.  No time is ever judged; what
 * does not work is a failure.
 */
#include "bench.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../apdu/error.h"

#define PATH_BYTES 512

static int
write_report(const struct bench *b, const char *name,
    void (*report)(const struct bench *, FILE *))
{
	const char *dir = getenv("BUILD");
	char path[PATH_BYTES];
	FILE *f;

	(void)snprintf(
	    path, sizeof(path), "%s/%s", dir != NULL ? dir : "build", name);
	f = fopen(path, "w");
	if (f == NULL) {
		perror(path);
		return JZ_ERR_SYSTEM;
	}
	report(b, f);
	if (fclose(f) != 0) {
		perror(path);
		return JZ_ERR_SYSTEM;
	}
	printf("%s\n", path);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct bench *b, struct world *w);
	bool gm; /* in suite gm as well */
} CASES[] = {
    {"keys", bench_keys, true},
    {"batch", bench_batch, true},
    {"card", bench_card, false},
    {"commit", bench_commit, false},
    {"many", bench_many, false},
    {"channel", bench_channel, false},
    {"pay", bench_pay, true},
    {"settle", bench_settle, true},
    {"sign", bench_sign, true},
    {"daemon", bench_daemon, true},
    {"daemons", bench_daemons, false},
    {"submit", bench_submit, true},
    {"pcsc", bench_pcsc, false},
};

/* BENCH_ONLY names one of them. */
static bool
wanted(const char *name)
{
	const char *only = getenv("BENCH_ONLY");

	return only == NULL || *only == '\0' || strcmp(name, only) == 0;
}

static int
run_all(struct bench *b, struct world *nist, struct world *gm)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < sizeof(CASES) / sizeof(CASES[0]);
	     i++) {
		if (!wanted(CASES[i].name))
			continue;
		e = CASES[i].run(b, nist);
		if (e == 0 && CASES[i].gm)
			e = CASES[i].run(b, gm);
		if (e != 0)
			fprintf(stderr, "bench: %s\n", CASES[i].name);
	}
	return e;
}

int
main(void)
{
	static struct bench b = {.cpu = -1};
	struct world nist, gm;
	int e, made;

	bench_pin(&b);
	e = world_new(&nist, JZ_SUITE_NIST);
	made = world_new(&gm, JZ_SUITE_GM);
	if (e == 0)
		e = made;
	nist.other = &gm;
	if (e == 0)
		e = run_all(&b, &nist, &gm);
	world_free(&nist);
	world_free(&gm);
	bench_table(&b, stdout);
	if (e == 0)
		e = write_report(&b, "bench.json", bench_json);
	if (e == 0)
		e = write_report(&b, "bench.html", bench_html);
	if (e != 0)
		fprintf(stderr, "bench: %s\n", jz_error_text(e, JZ_LANG_EN));
	return e == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
