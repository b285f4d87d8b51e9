/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plug-ins and folders for tests.
 */
#define _XOPEN_SOURCE 700

#include "plugins.h"
#include "temp.h"

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define FILE_MAX    (8u * 1024u * 1024u)
#define FOLDERS_MAX 4 /* open at a time */

const char *
plugin_path(const char *name)
{
	static char path[PATH_MAX];
	const char *build = getenv("BUILD");

	snprintf(path, sizeof(path), "%s/test/plugin/%s.so",
	    build != NULL && build[0] != '\0' ? build : "build", name);
	if (access(path, R_OK) != 0)
		fail_msg("%s: run from the top folder, or set BUILD", path);
	return path;
}

uint8_t *
plugin_read(const char *path, size_t *len)
{
	uint8_t *bytes = malloc(FILE_MAX);
	FILE *f = fopen(path, "rb");

	assert_non_null(bytes);
	assert_non_null(f);
	*len = fread(bytes, 1, FILE_MAX, f);
	assert_true(*len < FILE_MAX);
	fclose(f);
	return bytes;
}

void
plugin_write(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

void
folder_new(char *out, size_t cap)
{
	assert_true(temp_new(out, cap, "jiaozi-plugin"));
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void
folder_remove(const char *path)
{
	assert_int_equal(
	    nftw(path, remove_one, FOLDERS_MAX, FTW_DEPTH | FTW_PHYS), 0);
}

static unsigned counted;

static int
count_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)path;
	(void)ftw;
	counted += kind == FTW_F && S_ISREG(st->st_mode);
	return 0;
}

unsigned
folder_files(const char *path)
{
	counted = 0;
	assert_int_equal(nftw(path, count_one, FOLDERS_MAX, FTW_PHYS), 0);
	return counted;
}
