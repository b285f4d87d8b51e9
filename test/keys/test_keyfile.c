/* SPDX-License-Identifier: Apache-2.0 */
/* Raw and sealed key files (requirements ALL-4, ALL-5). */
#define _DEFAULT_SOURCE

#include "../../keys/store/keyfile.h"

#include "fixture.h"

#include <sys/stat.h>

#include "../../keys/store/file.h"

#define HEAD_BYTES 22
#define OVERHEAD   (HEAD_BYTES + 16 + 32)

struct world {
	struct jz_engine engine;
	char dir[FX_PATH_MAX];
	char path[FX_PATH_MAX];
};

#define PASSPHRASE JZ_SECRET("correct horse")
#define OTHER	   JZ_SECRET("correct house")
static const struct jz_span SECRET = {(const uint8_t *)"top secret", 10};

static int
open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	*state = w;
	if (w == NULL || jz_openssl_new(fx_suite, &w->engine) != 0)
		return -1;
	fx_make_dir(w->dir);
	fx_path(w->path, w->dir, "a.key");
	return 0;
}

static int
close_world(void **state)
{
	struct world *w = *state;

	fx_remove_dir(w->dir);
	jz_openssl_free(&w->engine);
	free(w);
	return 0;
}

static void
assert_mode(const char *path, mode_t mode)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

static void
test_raw_round_trip(void **state)
{
	const struct world *w = *state;
	struct jz_secret made, got;
	char text[80];

	assert_int_equal(jz_rawkey_create(w->path, &made), 0);
	assert_mode(w->path, 0600);
	assert_int_equal(fx_count_files(w->dir), 1);
	assert_int_equal(jz_rawkey_read(w->path, &got), 0);
	assert_true(jz_secret_equal(&made, &got));
	/* 64 digits and a line feed: what a person can read and copy */
	assert_int_equal(fx_read(w->path, text, sizeof(text)), 65);
	assert_int_equal(text[64], '\n');
	text[64] = 0;
	fx_assert_hex(made.hidden.bytes, made.len, text);
}

static void
test_raw_is_never_replaced(void **state)
{
	const struct world *w = *state;
	struct jz_secret made, again;

	assert_int_equal(jz_rawkey_create(w->path, &made), 0);
	memset(&again, 0xEE, sizeof(again));
	assert_int_equal(jz_rawkey_create(w->path, &again), JZ_ERR_EXISTS);
	fx_assert_zero(&again, sizeof(again));
	assert_int_equal(jz_rawkey_read(w->path, &again), 0);
	assert_true(jz_secret_equal(&made, &again));
	/* and no temporary file stays behind */
	assert_int_equal(fx_count_files(w->dir), 1);
}

static void
test_raw_keys_differ(void **state)
{
	const struct world *w = *state;
	struct jz_secret a, b;
	char path[FX_PATH_MAX];

	fx_path(path, w->dir, "b.key");
	assert_int_equal(jz_rawkey_create(w->path, &a), 0);
	assert_int_equal(jz_rawkey_create(path, &b), 0);
	assert_false(jz_secret_equal(&a, &b));
}

#define DIGITS_31                                                              \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddee"

static void
test_raw_forms(void **state)
{
	static const struct {
		const char *text;
		int expect;
	} CASES[] = {
	    {DIGITS_31 "ff\n", 0},
	    {DIGITS_31 "ff", 0},
	    {DIGITS_31 "FF\n", 0},
	    {DIGITS_31 "f\n", JZ_ERR_KEYFILE},
	    {DIGITS_31 "fff\n", JZ_ERR_KEYFILE},
	    {DIGITS_31 "fg\n", JZ_ERR_KEYFILE},
	    {DIGITS_31 "@f\n", JZ_ERR_KEYFILE},
	    {DIGITS_31 "ff ", JZ_ERR_KEYFILE},
	    {DIGITS_31 "ff\r\n", JZ_ERR_KEYFILE},
	    {DIGITS_31 "ff\nmore and more and more", JZ_ERR_KEYFILE},
	    {"\n", JZ_ERR_KEYFILE},
	    {"", JZ_ERR_KEYFILE},
	};
	const struct world *w = *state;
	struct jz_secret key;

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		fx_write(w->path, CASES[i].text, strlen(CASES[i].text));
		memset(&key, 0xEE, sizeof(key));
		if (jz_rawkey_read(w->path, &key) != CASES[i].expect)
			fail_msg("case %zu", i);
		if (CASES[i].expect == 0)
			fx_assert_hex(
			    key.hidden.bytes, key.len, DIGITS_31 "ff");
		else
			fx_assert_zero(&key, sizeof(key));
	}
}

static void
test_places_that_are_not(void **state)
{
	const struct world *w = *state;
	struct jz_secret key;
	uint8_t bytes[16];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	char path[FX_PATH_MAX];

	assert_int_equal(jz_rawkey_read(w->path, &key), JZ_ERR_NOT_FOUND);
	assert_int_equal(jz_keyfile_read(&w->engine, w->path, PASSPHRASE, &b),
	    JZ_ERR_NOT_FOUND);
	fx_path(path, w->dir, "no/such/place");
	assert_int_equal(jz_rawkey_create(path, &key), JZ_ERR_NOT_FOUND);
	assert_int_equal(jz_keyfile_write(&w->engine, path, PASSPHRASE, SECRET),
	    JZ_ERR_NOT_FOUND);
	/* a directory where a file should be */
	assert_int_equal(jz_rawkey_read(w->dir, &key), JZ_ERR_SYSTEM);
	assert_int_equal(
	    jz_keyfile_write(&w->engine, w->dir, PASSPHRASE, SECRET),
	    JZ_ERR_SYSTEM);
	/* a file where a directory should be */
	fx_write(w->path, "", 0);
	assert_true(snprintf(path, sizeof(path), "%s/x", w->path) > 0);
	assert_int_equal(jz_rawkey_read(path, &key), JZ_ERR_SYSTEM);
	assert_int_equal(jz_rawkey_create(path, &key), JZ_ERR_SYSTEM);
}

static void
test_path_too_long(void **state)
{
	static char path[JZ_PATH_MAX + 1];
	const struct world *w = *state;
	struct jz_secret key;

	(void)w;
	memset(path, 'a', JZ_PATH_MAX);
	assert_int_equal(jz_rawkey_create(path, &key), JZ_ERR_SPACE);
}

/* A name without a directory is a file of the current one. */
static void
test_current_directory(void **state)
{
	const struct world *w = *state;
	struct jz_secret made, got;
	char before[FX_PATH_MAX];

	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(w->dir), 0);
	assert_int_equal(jz_rawkey_create("a.key", &made), 0);
	assert_int_equal(chdir(before), 0);
	assert_int_equal(jz_rawkey_read(w->path, &got), 0);
	assert_true(jz_secret_equal(&made, &got));
}

static void
test_sealed_round_trip(void **state)
{
	static const size_t SIZES[] = {1, 32, JZ_KEYFILE_MAX};
	static uint8_t secret[JZ_KEYFILE_MAX], got[JZ_KEYFILE_MAX];
	const struct world *w = *state;
	struct jz_buffer b;

	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < 3; i++) {
		/* each writes over the one before */
		assert_int_equal(jz_keyfile_write(&w->engine, w->path,
				     PASSPHRASE, jz_span(secret, SIZES[i])),
		    0);
		assert_mode(w->path, 0600);
		assert_int_equal(fx_count_files(w->dir), 1);
		b = jz_buffer(got, sizeof(got));
		assert_int_equal(
		    jz_keyfile_read(&w->engine, w->path, PASSPHRASE, &b), 0);
		assert_int_equal(b.len, SIZES[i]);
		assert_memory_equal(got, secret, SIZES[i]);
	}
}

/* It appends to what is in the buffer, or leaves it as it was. */
static void
test_sealed_room(void **state)
{
	const struct world *w = *state;
	uint8_t bytes[12] = {0};
	struct jz_buffer b;

	assert_int_equal(
	    jz_keyfile_write(&w->engine, w->path, PASSPHRASE, SECRET), 0);
	b = jz_buffer(bytes, 11);
	jz_put_u16(&b, 0xABCD);
	assert_int_equal(
	    jz_keyfile_read(&w->engine, w->path, PASSPHRASE, &b), JZ_ERR_SPACE);
	assert_int_equal(b.len, 2);
	b = jz_buffer(bytes, 12);
	jz_put_u16(&b, 0xABCD);
	assert_int_equal(
	    jz_keyfile_read(&w->engine, w->path, OTHER, &b), JZ_ERR_PASSPHRASE);
	assert_int_equal(b.len, 2);
	assert_false(b.bad);
	assert_int_equal(
	    jz_keyfile_read(&w->engine, w->path, PASSPHRASE, &b), 0);
	assert_int_equal(b.len, 12);
	assert_memory_equal(bytes + 2, SECRET.data, SECRET.len);
}

static void
test_sealed_sizes(void **state)
{
	static uint8_t big[JZ_KEYFILE_MAX + 1];
	const struct world *w = *state;

	assert_int_equal(
	    jz_keyfile_write(&w->engine, w->path, PASSPHRASE, jz_span(big, 0)),
	    JZ_ERR_RANGE);
	assert_int_equal(jz_keyfile_write(&w->engine, w->path, PASSPHRASE,
			     jz_span(big, sizeof(big))),
	    JZ_ERR_RANGE);
	assert_int_equal(fx_count_files(w->dir), 0);
}

static int
read_changed(const struct world *w, const void *bytes, size_t len)
{
	uint8_t out[64];
	struct jz_buffer b = jz_buffer(out, sizeof(out));
	int rc;

	fx_write(w->path, bytes, len);
	rc = jz_keyfile_read(&w->engine, w->path, PASSPHRASE, &b);
	if (rc != 0)
		assert_int_equal(b.len, 0);
	return rc;
}

/* Damage is called damage, not a wrong passphrase: every bit, every length. */
static void
test_sealed_damage(void **state)
{
	const struct world *w = *state;
	uint8_t bytes[OVERHEAD + 11];
	size_t len;

	assert_int_equal(
	    jz_keyfile_write(&w->engine, w->path, PASSPHRASE, SECRET), 0);
	len = fx_read(w->path, bytes, sizeof(bytes));
	assert_int_equal(len, OVERHEAD + SECRET.len);
	assert_int_equal(read_changed(w, bytes, len), 0);
	for (size_t bit = 0; bit < 8 * len; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(read_changed(w, bytes, len), JZ_ERR_KEYFILE);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(read_changed(w, bytes, cut), JZ_ERR_KEYFILE);
	bytes[len] = 0;
	assert_int_equal(read_changed(w, bytes, len + 1), JZ_ERR_KEYFILE);
}

static void
test_sealed_too_long(void **state)
{
	static uint8_t bytes[OVERHEAD + JZ_KEYFILE_MAX + 2];
	const struct world *w = *state;

	assert_int_equal(
	    read_changed(w, bytes, sizeof(bytes) - 1), JZ_ERR_KEYFILE);
	assert_int_equal(read_changed(w, bytes, sizeof(bytes)), JZ_ERR_KEYFILE);
}

/* The hash made right again, as whoever alters a file on purpose would. */
static void
test_sealed_alteration(void **state)
{
	static const struct {
		size_t offset;
		int expect;
	} CASES[] = {
	    {0, JZ_ERR_KEYFILE},     /* magic */
	    {4, JZ_ERR_KEYFILE},     /* version */
	    {5, JZ_ERR_KEYFILE},     /* suite */
	    {6, JZ_ERR_PASSPHRASE},  /* salt */
	    {22, JZ_ERR_PASSPHRASE}, /* ciphertext */
	    {32, JZ_ERR_PASSPHRASE}, /* tag */
	};
	const struct world *w = *state;
	uint8_t bytes[OVERHEAD + 10];
	struct jz_span all = jz_span(bytes, sizeof(bytes) - 32);

	assert_int_equal(
	    jz_keyfile_write(&w->engine, w->path, PASSPHRASE, SECRET), 0);
	assert_int_equal(fx_read(w->path, bytes, sizeof(bytes)), sizeof(bytes));
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		bytes[CASES[i].offset] ^= 0x04;
		assert_int_equal(w->engine.crypto->hash(
				     w->engine.state, &all, 1, bytes + all.len),
		    0);
		assert_int_equal(
		    read_changed(w, bytes, sizeof(bytes)), CASES[i].expect);
		bytes[CASES[i].offset] ^= 0x04;
	}
}

/* The same secret and passphrase: nothing of two files but the head agrees. */
static void
test_sealed_salt_is_fresh(void **state)
{
	const struct world *w = *state;
	uint8_t a[OVERHEAD + 10], b[OVERHEAD + 10];

	assert_int_equal(
	    jz_keyfile_write(&w->engine, w->path, PASSPHRASE, SECRET), 0);
	assert_int_equal(fx_read(w->path, a, sizeof(a)), sizeof(a));
	assert_int_equal(
	    jz_keyfile_write(&w->engine, w->path, PASSPHRASE, SECRET), 0);
	assert_int_equal(fx_read(w->path, b, sizeof(b)), sizeof(b));
	assert_memory_equal(a, b, 6);
	assert_memory_not_equal(a + 6, b + 6, 16);
	assert_memory_not_equal(a + 22, b + 22, SECRET.len);
}

/* An engine whose generator or hash fails: no file, no secret. */

static int
fail_random(void *state, uint8_t *out, size_t len)
{
	(void)state;
	memset(out, 0, len);
	return JZ_ERR_CRYPTO;
}

static int
fail_hash(void *state, const struct jz_span *parts, size_t n,
    uint8_t out[static JZ_HASH_BYTES])
{
	(void)state;
	(void)parts;
	(void)n;
	memset(out, 0, JZ_HASH_BYTES);
	return JZ_ERR_CRYPTO;
}

static void
test_failing_engine(void **state)
{
	const struct world *w = *state;
	struct jz_crypto crypto = *w->engine.crypto;
	const struct jz_engine e = {&crypto, w->engine.state};
	uint8_t out[64];
	struct jz_buffer b = jz_buffer(out, sizeof(out));

	crypto.random = fail_random;
	assert_int_equal(
	    jz_keyfile_write(&e, w->path, PASSPHRASE, SECRET), JZ_ERR_CRYPTO);
	assert_int_equal(fx_count_files(w->dir), 0);
	crypto = *w->engine.crypto;
	crypto.hash = fail_hash;
	assert_int_equal(
	    jz_keyfile_write(&e, w->path, PASSPHRASE, SECRET), JZ_ERR_CRYPTO);
	assert_int_equal(fx_count_files(w->dir), 0);
	assert_int_equal(
	    jz_keyfile_write(&w->engine, w->path, PASSPHRASE, SECRET), 0);
	assert_int_equal(
	    jz_keyfile_read(&e, w->path, PASSPHRASE, &b), JZ_ERR_CRYPTO);
	assert_int_equal(b.len, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_raw_round_trip),
	    TEST(test_raw_is_never_replaced),
	    TEST(test_raw_keys_differ),
	    TEST(test_raw_forms),
	    TEST(test_places_that_are_not),
	    TEST(test_path_too_long),
	    TEST(test_current_directory),
	    TEST(test_sealed_round_trip),
	    TEST(test_sealed_room),
	    TEST(test_sealed_sizes),
	    TEST(test_sealed_damage),
	    TEST(test_sealed_too_long),
	    TEST(test_sealed_alteration),
	    TEST(test_sealed_salt_is_fresh),
	    TEST(test_failing_engine),
	};

	return FX_RUN_BOTH(tests, NULL, NULL);
}
