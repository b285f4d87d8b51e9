/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual cards from outside: their files, their keys, and the reader names
 * that lead to them.
 */
#define _DEFAULT_SOURCE

#include "../../keys/secret.h"
#include "../../reader/virtual.h"

#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "../../apdu/purse.h"
#include "../support/temp.h"

#define FILE_MAX   (512u * 1024u)
#define HASH_BYTES 32

struct place {
	char dir[PATH_MAX / 4];
	char card[PATH_MAX / 2];
	char key[PATH_MAX / 2];
	char other[PATH_MAX / 2];
	char name[2 * PATH_MAX]; /* of a reader */
};

static int
setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	assert_true(temp_new(p->dir, sizeof(p->dir), "jiaozi-virtual"));
	snprintf(p->card, sizeof(p->card), "%s/alice.card", p->dir);
	snprintf(p->key, sizeof(p->key), "%s/alice.card.key", p->dir);
	snprintf(p->other, sizeof(p->other), "%s/other", p->dir);
	*state = p;
	return 0;
}

/* How many files there are, hidden ones too; removes them if asked. */
static int
files(const struct place *p, bool remove)
{
	struct dirent *d;
	DIR *dir = opendir(p->dir);
	int n = 0;

	assert_non_null(dir);
	while ((d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (remove)
			unlinkat(dirfd(dir), d->d_name, 0);
		n++;
	}
	closedir(dir);
	return n;
}

static int
teardown(void **state)
{
	struct place *p = *state;

	files(p, true);
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

/* A file's bytes, to be freed. */
static uint8_t *
get(const char *path, size_t *len)
{
	uint8_t *bytes = malloc(FILE_MAX);
	FILE *f = fopen(path, "rb");

	assert_non_null(bytes);
	assert_non_null(f);
	*len = fread(bytes, 1, FILE_MAX, f);
	fclose(f);
	return bytes;
}

static void
put(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void
create(const struct jz_virtual_options *o)
{
	struct jz_virtual *v = NULL;

	assert_int_equal(jz_virtual_create(o, &v), 0);
	jz_virtual_free(&v);
	assert_null(v);
}

static void
assert_open(const struct jz_virtual_options *o, int expected)
{
	struct jz_virtual *v = NULL;
	int e = jz_virtual_open(o, &v);

	assert_string_equal(jz_error_name(e), jz_error_name(expected));
	assert_int_equal(v != NULL, expected == 0);
	jz_virtual_free(&v);
}

static void
assert_reader(const char *name, int expected)
{
	struct jz_reader *r = NULL;
	int e = jz_reader_open(name, &r);

	assert_string_equal(jz_error_name(e), jz_error_name(expected));
	assert_int_equal(r != NULL, expected == 0);
	jz_reader_free(&r);
}

static const uint8_t SELECT_PURSE[] = {0x00, 0xA4, 0x04, 0x00, 0x08, 0xF0, 'J',
    'I', 'A', 'O', 'Z', 'I', 0x01, 0x00};
/* Known to the purse alone. */
static const uint8_t GET_BALANCE[] = {0x80, 0x5C, 0x00, 0x02, 0x04};

static unsigned
sw_of(const uint8_t *rsp, size_t len)
{
	assert_true(len >= 2);
	return (unsigned)(rsp[len - 2] << 8 | rsp[len - 1]);
}

static unsigned
process(struct jz_virtual *v, const uint8_t *cmd, size_t len)
{
	uint8_t rsp[512];

	return sw_of(rsp, jz_virtual_process(v, cmd, len, rsp, sizeof(rsp)));
}

static unsigned
transmit(struct jz_reader *r, const uint8_t *cmd, size_t len)
{
	uint8_t rsp[512];
	size_t n = sizeof(rsp);

	assert_int_equal(jz_reader_transmit(r, cmd, len, rsp, &n), 0);
	return sw_of(rsp, n);
}

/* ---- cards in files ------------------------------------------------------ */

static void
a_new_card_has_a_purse(void **state)
{
	struct place *p = *state;
	const struct jz_virtual_options o = {.path = p->card};
	uint8_t first[HASH_BYTES], second[HASH_BYTES];
	struct jz_virtual *v = NULL;

	assert_int_equal(jz_virtual_create(&o, &v), 0);
	assert_int_equal(
	    process(v, SELECT_PURSE, sizeof(SELECT_PURSE)), 0x9000);
	assert_int_equal(jz_virtual_image_hash(v, first), 0);
	jz_virtual_free(&v);
	/* And still has it when opened again. */
	assert_int_equal(jz_virtual_open(&o, &v), 0);
	assert_int_equal(jz_virtual_image_hash(v, second), 0);
	assert_memory_equal(first, second, HASH_BYTES);
	assert_int_equal(
	    process(v, SELECT_PURSE, sizeof(SELECT_PURSE)), 0x9000);
	assert_int_equal(jz_virtual_atr(v).data[0], 0x3B);
	jz_virtual_free(&v);
	assert_int_equal(files(p, false), 2);
}

static void
files_are_private(void **state)
{
	struct place *p = *state;
	const struct jz_virtual_options o = {.path = p->card};
	mode_t mask = umask(0);
	struct stat st;

	create(&o);
	umask(mask);
	assert_int_equal(stat(p->card, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(p->key, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void
a_card_is_not_overwritten(void **state)
{
	struct place *p = *state;
	const struct jz_virtual_options o = {.path = p->card};
	struct jz_virtual *v = NULL;

	put(p->card, "precious", 8);
	assert_int_equal(jz_virtual_create(&o, &v), JZ_ERR_EXISTS);
	assert_null(v);
	/* Nor is a key file made for it. */
	assert_int_equal(files(p, false), 1);
}

static void
a_failed_creation_leaves_nothing(void **state)
{
	struct place *p = *state;
	struct jz_virtual_options o = {
	    .path = p->card, .passphrase = JZ_SECRET("")};
	struct jz_virtual *v = NULL;

	assert_int_equal(jz_virtual_create(&o, &v), JZ_ERR_ARGUMENT);
	assert_int_equal(files(p, false), 0);
	/* A damaged key file is no key, and is kept. */
	o.passphrase = NULL;
	put(p->key, "no key", 6);
	assert_int_equal(jz_virtual_create(&o, &v), JZ_ERR_KEYFILE);
	assert_int_equal(files(p, false), 1);
	assert_null(v);
}

static void
one_process_at_a_time(void **state)
{
	struct place *p = *state;
	const struct jz_virtual_options o = {.path = p->card};
	struct jz_virtual *v = NULL;

	assert_int_equal(jz_virtual_create(&o, &v), 0);
	assert_open(&o, JZ_ERR_CARD_LOCKED);
	jz_virtual_free(&v);
	assert_open(&o, 0);
}

static void
a_card_in_memory_leaves_no_file(void **state)
{
	struct place *p = *state;
	const struct jz_virtual_options o = {.path = NULL};
	struct jz_virtual *v = NULL;
	struct jz_reader *r = NULL;

	assert_int_equal(jz_virtual_create(&o, &v), 0);
	assert_int_equal(
	    process(v, SELECT_PURSE, sizeof(SELECT_PURSE)), 0x9000);
	assert_int_equal(jz_reader_take_virtual(&v, &r), 0);
	assert_null(v);
	assert_string_equal(jz_reader_name(r), "virtual:");
	jz_reader_free(&r);
	assert_open(&o, JZ_ERR_ARGUMENT);
	assert_int_equal(files(p, false), 0);
}

/* ---- keys ---------------------------------------------------------------- */

static void
the_key_file_opens_its_card_alone(void **state)
{
	struct place *p = *state;
	struct jz_virtual_options o = {.path = p->card};
	const struct jz_virtual_options other = {.path = p->other};

	create(&o);
	create(&other);
	snprintf(p->name, sizeof(p->name), "%s.key", p->other);
	o.key_path = p->name;
	assert_open(&o, JZ_ERR_CARD_KEY);
	o.key_path = p->key;
	assert_open(&o, 0);
	o.key_path = "/no/such/file";
	assert_open(&o, JZ_ERR_PASSPHRASE);
	o.key_path = NULL;
	o.passphrase = JZ_SECRET("secret");
	assert_open(&o, JZ_ERR_PASSPHRASE);
	put(p->key, "damaged", 7);
	o.passphrase = NULL;
	assert_open(&o, JZ_ERR_KEYFILE);
	assert_int_equal(unlink(p->key), 0);
	assert_open(&o, JZ_ERR_PASSPHRASE);
}

/* An existing key file serves several cards; no two files are alike. */
static void
cards_can_share_a_key_file(void **state)
{
	struct place *p = *state;
	const struct jz_virtual_options a = {.path = p->card};
	const struct jz_virtual_options b = {
	    .path = p->other, .key_path = p->key};
	uint8_t *one, *two;
	size_t n, m;

	create(&a);
	create(&b);
	assert_int_equal(files(p, false), 3);
	assert_open(&a, 0);
	assert_open(&b, 0);
	one = get(p->card, &n);
	two = get(p->other, &m);
	assert_int_equal(n, m);
	/* Salt and key check in the header, then the sealed image. */
	assert_memory_not_equal(one + 56, two + 56, 24);
	assert_memory_not_equal(one + 96, two + 96, 64);
	free(one);
	free(two);
}

static void
a_passphrase_opens_its_card(void **state)
{
	struct place *p = *state;
	struct jz_virtual_options o = {
	    .path = p->card, .passphrase = JZ_SECRET("correct horse")};

	create(&o);
	assert_int_equal(files(p, false), 1);
	assert_open(&o, 0);
	o.passphrase = JZ_SECRET("correct hors");
	assert_open(&o, JZ_ERR_CARD_KEY);
	o.passphrase = JZ_SECRET("");
	assert_open(&o, JZ_ERR_ARGUMENT);
	o.passphrase = NULL;
	assert_open(&o, JZ_ERR_PASSPHRASE);
}

/* ---- damaged files ------------------------------------------------------- */

/* ALL-3, ALL-4: whatever the file holds, opening it leaves it so. */
static void
opening_does_not_change_the_file(void **state)
{
	struct place *p = *state;
	const struct jz_virtual_options o = {.path = p->card};
	uint8_t *whole, *after;
	size_t len, n;

	create(&o);
	whole = get(p->card, &len);
	for (size_t cut = 0; cut <= len; cut += 1 + cut / 8) {
		struct jz_virtual *v = NULL;
		int e;

		put(p->card, whole, cut);
		e = jz_virtual_open(&o, &v);
		assert_int_equal(e != 0, v == NULL);
		assert_true(e == 0 || e == JZ_ERR_CARD_CUT ||
		    cut >= 96); /* a card without its purse's record */
		jz_virtual_free(&v);
		after = get(p->card, &n);
		assert_int_equal(n, cut);
		assert_memory_equal(after, whole, cut);
		free(after);
	}
	put(p->card, whole, len);
	assert_open(&o, 0);
	free(whole);
	assert_int_equal(files(p, false), 2);
}

/* ALL-4: the error says what is wrong. */
static void
damage_is_told(void **state)
{
	static const struct {
		size_t at;
		int expected;
	} cases[] = {
	    {0, JZ_ERR_CARD_HEADER},
	    {9, JZ_ERR_CARD_VERSION},
	    {24, JZ_ERR_CARD_HEADER}, /* hint */
	    {72, JZ_ERR_CARD_HEADER}, /* key check */
	    {95, JZ_ERR_CARD_HEADER},
	    {96, JZ_ERR_CARD_TAMPERED},
	};
	struct place *p = *state;
	const struct jz_virtual_options o = {.path = p->card};
	uint8_t *whole;
	size_t len;

	create(&o);
	whole = get(p->card, &len);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		whole[cases[i].at] ^= 0x04;
		put(p->card, whole, len);
		assert_open(&o, cases[i].expected);
		whole[cases[i].at] ^= 0x04;
	}
	put(p->card, whole, 95);
	assert_open(&o, JZ_ERR_CARD_CUT);
	put(p->card, "#!/bin/sh\n", 10);
	assert_open(&o, JZ_ERR_CARD_HEADER);
	assert_int_equal(unlink(p->card), 0);
	assert_open(&o, JZ_ERR_NOT_FOUND);
	free(whole);
}

/* ---- readers ------------------------------------------------------------- */

static void
a_reader_reaches_the_card(void **state)
{
	struct place *p = *state;
	const struct jz_virtual_options o = {.path = p->card};
	struct jz_reader *r = NULL;

	create(&o);
	snprintf(p->name, sizeof(p->name), "virtual:%s", p->card);
	assert_int_equal(jz_reader_open(p->name, &r), 0);
	assert_string_equal(jz_reader_name(r), p->name);
	assert_int_equal(jz_reader_atr(r).data[0], 0x3B);
	assert_int_equal(jz_reader_begin(r), 0);
	assert_int_equal(
	    transmit(r, SELECT_PURSE, sizeof(SELECT_PURSE)), 0x9000);
	assert_int_equal(jz_reader_end(r), 0);
	/* The reader holds the card's lock, and lets it go. */
	assert_open(&o, JZ_ERR_CARD_LOCKED);
	jz_reader_free(&r);
	assert_open(&o, 0);
}

/* Either reset deselects. */
static void
a_reset_forgets_the_selection(void **state)
{
	struct place *p = *state;
	const struct jz_virtual_options o = {.path = NULL};
	struct jz_virtual *v = NULL;
	struct jz_reader *r = NULL;

	(void)p;
	assert_int_equal(jz_virtual_create(&o, &v), 0);
	assert_int_equal(jz_reader_take_virtual(&v, &r), 0);
	for (unsigned cold = 0; cold < 2; cold++) {
		unsigned before, selected, after;

		before = transmit(r, GET_BALANCE, sizeof(GET_BALANCE));
		assert_int_equal(
		    transmit(r, SELECT_PURSE, sizeof(SELECT_PURSE)), 0x9000);
		selected = transmit(r, GET_BALANCE, sizeof(GET_BALANCE));
		assert_int_not_equal(before, selected);
		assert_int_equal(jz_reader_reset(r, cold != 0), 0);
		after = transmit(r, GET_BALANCE, sizeof(GET_BALANCE));
		assert_int_equal(before, after);
	}
	jz_reader_free(&r);
}

static void
a_reader_name_can_carry_the_key(void **state)
{
	struct place *p = *state;
	const struct jz_virtual_options o = {
	    .path = p->card, .key_path = p->other};

	create(&o);
	snprintf(
	    p->name, sizeof(p->name), "virtual:%s?key=%s", p->card, p->other);
	assert_reader(p->name, 0);
	snprintf(p->name, sizeof(p->name), "virtual:%s", p->card);
	assert_reader(p->name, JZ_ERR_PASSPHRASE);
}

/* ALL-5: and where the passphrase is, but not the passphrase. */
static void
a_reader_name_can_carry_the_passphrases_source(void **state)
{
	struct place *p = *state;
	const struct jz_virtual_options o = {
	    .path = p->card, .passphrase = JZ_SECRET("correct horse")};
	struct jz_reader *r = NULL;

	create(&o);
	assert_int_equal(setenv("JIAOZI_TEST_SECRET", "correct horse", 1), 0);
	snprintf(p->name, sizeof(p->name),
	    "virtual:%s?passphrase=env:JIAOZI_TEST_SECRET", p->card);
	assert_int_equal(jz_reader_open(p->name, &r), 0);
	assert_null(strchr(jz_reader_name(r), '?'));
	jz_reader_free(&r);
	assert_int_equal(setenv("JIAOZI_TEST_SECRET", "wrong", 1), 0);
	assert_reader(p->name, JZ_ERR_CARD_KEY);
	assert_int_equal(unsetenv("JIAOZI_TEST_SECRET"), 0);
	assert_reader(p->name, JZ_ERR_NOT_FOUND);

	put(p->other, "correct horse\n", 14);
	snprintf(p->name, sizeof(p->name), "virtual:%s?passphrase=file:%s",
	    p->card, p->other);
	assert_reader(p->name, 0);
	snprintf(p->name, sizeof(p->name),
	    "virtual:%s?passphrase=correct horse", p->card);
	assert_reader(p->name, JZ_ERR_ARGUMENT);
}

/* ALL-4 */
static void
bad_reader_names_are_told(void **state)
{
	static const struct {
		const char *rest;
		int expected;
	} cases[] = {
	    {"", JZ_ERR_NOT_FOUND},
	    {"?", JZ_ERR_READER_NAME},
	    {"?kee=x", JZ_ERR_READER_NAME},
	    {"?key=", JZ_ERR_READER_NAME},
	    {"?passphrase=", JZ_ERR_READER_NAME},
	    {"?key=/dev/null", JZ_ERR_NOT_FOUND},
	};
	struct place *p = *state;

	assert_reader("virtual:", JZ_ERR_READER_NAME);
	assert_reader("virtual:?key=x", JZ_ERR_READER_NAME);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(p->name, sizeof(p->name), "virtual:%s%s", p->card,
		    cases[i].rest);
		assert_reader(p->name, cases[i].expected);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_new_card_has_a_purse),
	    T(files_are_private),
	    T(a_card_is_not_overwritten),
	    T(a_failed_creation_leaves_nothing),
	    T(one_process_at_a_time),
	    T(a_card_in_memory_leaves_no_file),
	    T(the_key_file_opens_its_card_alone),
	    T(cards_can_share_a_key_file),
	    T(a_passphrase_opens_its_card),
	    T(opening_does_not_change_the_file),
	    T(damage_is_told),
	    T(a_reader_reaches_the_card),
	    T(a_reset_forgets_the_selection),
	    T(a_reader_name_can_carry_the_key),
	    T(a_reader_name_can_carry_the_passphrases_source),
	    T(bad_reader_names_are_told),
	};

	return cmocka_run_group_tests_name("virtual", tests, NULL, NULL);
}
