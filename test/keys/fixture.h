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
#include "../support/temp.h"

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

/* The suite that a program's tests run on. */
static enum jz_suite fx_suite = JZ_SUITE_NIST;

/* Of the first suite. */
static inline int *
fx_failed(void)
{
	static int n;

	return &n;
}

/*
 * Runs a group of tests on each suite, with set-up and tear-down of the group;
 * the number of tests that fail.
 */
#define FX_RUN_BOTH(tests, setup, teardown)                                    \
	(fx_suite = JZ_SUITE_NIST,                                             \
	    *fx_failed() =                                                     \
		cmocka_run_group_tests_name("nist", tests, setup, teardown),   \
	    fx_suite = JZ_SUITE_GM,                                            \
	    *fx_failed() +=                                                    \
	    cmocka_run_group_tests_name("gm", tests, setup, teardown))

/* What is published of a suite's curve, and one key pair on it. */
struct fx_curve {
	const char *private_key, *x, *y;
	const char *y_next;	     /* y + 1 */
	const char *order;	     /* n */
	const char *highest, *far_x; /* the highest private key, its point */
	const char *above;	     /* one more than that */
	const char *prime, *prime_y; /* x = p, whose residue 0 has this y */
};

/* RFC 6979 A.2.5, SEC 2 2.4.2; GB/T 32918.5 A.2. */
static inline const struct fx_curve *
fx_curve(void)
{
	static const struct fx_curve NIST = {
	    "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
	    "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6",
	    "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
	    "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D446229A",
	    "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
	    /* n-1: the base point's mirror */
	    "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632550",
	    "6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296",
	    "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
	    "FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF",
	    "66485C780E2F83D72433BD5D84A06BB6541C2AF31DAE871728BF856A174F93F4"};
	static const struct fx_curve GM = {
	    "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8",
	    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020",
	    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13",
	    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD14",
	    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123",
	    /* n-2, since SM2 divides by 1 + d */
	    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54121",
	    "56CEFD60D7C87C000D58EF57FA73BA4D9C0DFA08C08A7331495C2E1DA3F2BD52",
	    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54122",
	    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF",
	    "FD4511E81736A60F07E88A83D6CF5A167FAE6D1A9C9330E76E232E00F5CDC154"};

	return fx_suite == JZ_SUITE_GM ? &GM : &NIST;
}

/* An uncompressed point, or what only looks like one. */
static inline void
fx_point(uint8_t form, const char *x, const char *y, uint8_t out[static 65])
{
	out[0] = form;
	fx_bytes(x, out + 1, 32);
	fx_bytes(y, out + 33, 32);
}

static inline void
fx_sample_pair(struct jz_key_pair *k)
{
	const struct fx_curve *c = fx_curve();

	fx_bytes(c->private_key, k->private_key, JZ_PRIVATE_BYTES);
	fx_point(4, c->x, c->y, k->public_key);
}

static inline int
fx_open_engine(void **state)
{
	struct jz_engine *e = calloc(1, sizeof(*e));

	*state = e;
	return e == NULL ? -1 : jz_openssl_new(fx_suite, e);
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
	assert_true(temp_new(dir, FX_PATH_MAX, "jiaozi-keys"));
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
