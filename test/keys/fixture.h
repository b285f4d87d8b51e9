/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of this folder share: published values typed in as
 * hexadecimal, an engine for a group, a directory that is removed again.
 */
#ifndef JZ_TEST_KEYS_FIXTURE_H
#define JZ_TEST_KEYS_FIXTURE_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../apdu/bytes.h"
#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"

static inline unsigned
fx_digit(char c)
{
	static const char DIGITS[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = strchr(DIGITS, c);

	assert_true(c != 0 && at != NULL);
	return (unsigned)(at - DIGITS) % 16;
}

/* The bytes of the digits, spaces left out; exactly `len` of them. */
static inline void
fx_bytes(const char *hex, uint8_t *out, size_t len)
{
	size_t n = 0;

	while (*hex != 0) {
		if (*hex == ' ') {
			hex++;
			continue;
		}
		assert_true(n < len);
		out[n++] = (uint8_t)(fx_digit(hex[0]) << 4 | fx_digit(hex[1]));
		hex += 2;
	}
	assert_int_equal(n, len);
}

/* As fx_bytes, when the length is what comes out. */
static inline struct jz_span
fx_span(const char *hex, uint8_t *memory, size_t cap)
{
	size_t digits = 0;

	for (const char *p = hex; *p != 0; p++)
		digits += *p != ' ';
	assert_true(digits % 2 == 0 && digits / 2 <= cap);
	fx_bytes(hex, memory, digits / 2);
	return jz_span(memory, digits / 2);
}

static inline void
fx_assert_hex(const void *bytes, size_t len, const char *hex)
{
	uint8_t want[1024];

	assert_true(len <= sizeof(want));
	fx_bytes(hex, want, len);
	assert_memory_equal(bytes, want, len);
}

static inline void
fx_assert_zero(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++)
		assert_int_equal(p[i], 0);
}

static inline int
fx_open_engine(void **state)
{
	struct jz_engine *e = calloc(1, sizeof(*e));

	*state = e;
	return e == NULL ? -1 : jz_openssl_new(JZ_SUITE_NIST, e);
}

static inline int
fx_close_engine(void **state)
{
	struct jz_engine *e = *state;

	jz_openssl_free(e);
	free(e);
	return 0;
}

#define FX_PATH_MAX 512

static inline void
fx_make_dir(char dir[static FX_PATH_MAX])
{
	const char *tmp = getenv("TMPDIR");
	int n = snprintf(dir, FX_PATH_MAX, "%s/jiaozi-keys.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");

	assert_true(n > 0 && n < FX_PATH_MAX);
	assert_non_null(mkdtemp(dir));
}

static inline size_t
fx_count_files(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	assert_non_null(d);
	for (struct dirent *f = readdir(d); f != NULL; f = readdir(d))
		n += f->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

static inline void
fx_path(char path[static FX_PATH_MAX], const char *dir, const char *name)
{
	int n = snprintf(path, FX_PATH_MAX, "%s/%s", dir, name);

	assert_true(n > 0 && n < FX_PATH_MAX);
}

static inline void
fx_remove_dir(const char *dir)
{
	char path[FX_PATH_MAX];
	DIR *d = opendir(dir);

	assert_non_null(d);
	for (struct dirent *f = readdir(d); f != NULL; f = readdir(d)) {
		if (f->d_name[0] == '.')
			continue;
		fx_path(path, dir, f->d_name);
		assert_int_equal(unlink(path), 0);
	}
	(void)closedir(d);
	assert_int_equal(rmdir(dir), 0);
}

static inline void
fx_write(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static inline size_t
fx_read(const char *path, void *bytes, size_t cap)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(bytes, 1, cap, f);
	assert_int_equal(fclose(f), 0);
	return n;
}

#endif
