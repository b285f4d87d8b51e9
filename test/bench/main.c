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

int
main(void)
{
	struct bench b = {.cpu = -1};
	struct world w;
	int e;

	bench_pin(&b);
	e = world_new(&w);
	if (e == 0)
		e = bench_keys(&b);
	if (e == 0)
		e = bench_batch(&b, &w);
	if (e == 0)
		e = bench_card(&b, &w);
	if (e == 0)
		e = bench_commit(&b, &w);
	if (e == 0)
		e = bench_many(&b, &w);
	if (e == 0)
		e = bench_channel(&b, &w);
	if (e == 0)
		e = bench_pay(&b, &w);
	if (e == 0)
		e = bench_daemon(&b, &w);
	if (e == 0)
		e = bench_pcsc(&b, &w);
	world_free(&w);
	bench_table(&b, stdout);
	if (e == 0)
		e = write_report(&b, "bench.json", bench_json);
	if (e == 0)
		e = write_report(&b, "bench.html", bench_html);
	if (e != 0)
		fprintf(stderr, "bench: %s\n", jz_error_text(e, JZ_LANG_EN));
	return e == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
