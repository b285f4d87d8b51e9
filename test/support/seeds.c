/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeds of fuzz targets.
 */
#include "seeds.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void
seeds_end(struct seeds *s, const char *name, struct jz_span bytes)
{
	static uint8_t was[SEED_MAX];
	const char *folder = s->write != NULL ? s->write : s->folder;
	char path[512];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, s->write != NULL ? "wb" : "rb");
	assert_non_null(f);
	if (s->write != NULL) {
		assert_int_equal(
		    fwrite(bytes.data, 1, bytes.len, f), bytes.len);
	} else {
		n = fread(was, 1, sizeof(was), f);
		if (n != bytes.len || memcmp(was, bytes.data, n) != 0) {
			printf("not ok %s: stale\n", path);
			s->stale++;
		} else {
			printf("ok %s\n", path);
		}
	}
	assert_int_equal(fclose(f), 0);
}
