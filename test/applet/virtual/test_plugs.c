/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plug-ins of a card in a file: kept beside it, found again by the hash
 * that the card names, and refused when they are not what it names.
 */
#define _XOPEN_SOURCE 700

#include "../../../applet/virtual/plugs.h"

#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../apdu/error.h"
#include "../../../applet/virtual/storage.h"
#include "../../../keys/openssl/openssl.h"
#include "../../support/plugins.h"
#include "../../support/port.h"

#define NVM_BYTES 8192u
#define RAM_BYTES 1024u

static const char SELECT[] = "00A4040005 F043415345 00";
static const char ADD[] = "80100000";
static const char READ[] = "8012000004";

/* A class of the card itself has this plug-in's AID. */
static uint16_t
process(struct jz_applet *self, struct jz_apdu *apdu)
{
	(void)self;
	(void)apdu;
	return JZ_SW_INS;
}

static const struct jz_applet_class TAKEN = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "taken",
    .aid = {6, "\360TAKEN"},
    .nvm_bytes = sizeof(struct jz_nvm_head),
    .process = process,
};
static const struct jz_applet_class *const CLASSES[] = {&TAKEN};

struct fixture {
	struct jz_engine engine;
	struct jz_file *file;
	struct jz_plugs *plugs;
	struct jz_card_setup setup;
	struct jz_card card;
	struct port port;
	struct jz_journal journal;
	_Alignas(uint64_t) uint8_t nvm[NVM_BYTES];
	_Alignas(uint64_t) uint8_t ram[RAM_BYTES];
	char dir[PATH_MAX / 4];
	char path[PATH_MAX / 2];    /* of the card */
	char applets[PATH_MAX / 2]; /* the folder beside it */
};

static size_t
transmit(void *state, const uint8_t *cmd, size_t len, uint8_t *rsp, size_t cap)
{
	struct fixture *f = state;

	return jz_card_process(&f->card, cmd, len, rsp, cap);
}

static void
prepare(struct fixture *f, const char *path)
{
	struct jz_card_setup *s = &f->setup;

	assert_int_equal(jz_plugs_new(&f->engine, path, &f->plugs), 0);
	memset(s, 0, sizeof(*s));
	s->chip = path != NULL ? &jz_file_chip : &jz_bare_chip;
	s->chip_state = f->file;
	s->engine = f->engine;
	s->classes = CLASSES;
	s->n_classes = 1;
	s->plug = jz_plugs_find;
	s->plugs = f->plugs;
	s->nvm = f->nvm;
	s->nvm_bytes = sizeof(f->nvm);
	s->ram = f->ram;
	s->ram_bytes = sizeof(f->ram);
	s->journal = &f->journal;
}

static void
power_down(struct fixture *f)
{
	jz_card_close(&f->card);
	jz_plugs_free(&f->plugs);
	jz_file_free(&f->file);
}

static void
power_up(struct fixture *f)
{
	assert_int_equal(jz_file_open(f->path, &f->file), 0);
	prepare(f, f->path);
	assert_int_equal(jz_card_open(&f->card, &f->setup), 0);
}

static void
again(struct fixture *f)
{
	power_down(f);
	power_up(f);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->port = (struct port){transmit, f};
	assert_int_equal(jz_openssl_new(JZ_SUITE_NIST, &f->engine), 0);
	folder_new(f->dir, sizeof(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/a.card", f->dir);
	snprintf(f->applets, sizeof(f->applets), "%s/a.card.applets", f->dir);
	assert_int_equal(jz_file_create(f->path, &f->file), 0);
	prepare(f, f->path);
	assert_int_equal(jz_card_format(&f->card, &f->setup), 0);
	assert_int_equal(jz_file_publish(f->file), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	power_down(f);
	folder_remove(f->dir);
	jz_openssl_free(&f->engine);
	free(f);
	return 0;
}

static int
add(struct fixture *f, const char *name)
{
	struct jz_aid module;

	return jz_plugs_add(f->plugs, &f->card, plugin_path(name), &module);
}

static void
install(struct fixture *f)
{
	static const struct jz_aid aid = {5, "\360CASE"};

	assert_int_equal(
	    jz_card_install(&f->card, &aid, &aid, jz_span("\0031234", 5)),
	    JZ_SW_OK);
}

/* A card with the applet of "good", whose value is 1. */
static void
begin(struct fixture *f)
{
	assert_int_equal(add(f, "good"), 0);
	install(f);
	assert_int_equal(port_hex(&f->port, SELECT, NULL), JZ_SW_OK);
	assert_int_equal(port_hex(&f->port, ADD, NULL), JZ_SW_OK);
}

static void
value_is(struct fixture *f, uint32_t value)
{
	struct answer a;

	assert_int_equal(port_hex(&f->port, SELECT, NULL), JZ_SW_OK);
	assert_int_equal(port_hex(&f->port, READ, &a), JZ_SW_OK);
	assert_int_equal(a.len, 4);
	assert_int_equal(jz_get_be(a.data, 4), value);
	assert_null(jz_plugs_problem(f->plugs, 0));
}

/* The card is open, and says of this one applet why it cannot be had. */
static void
problem_is(struct fixture *f, int error)
{
	const struct jz_plugs_problem *p = jz_plugs_problem(f->plugs, 0);

	assert_non_null(p);
	assert_int_equal(p->error, error);
	assert_int_equal(p->module.len, 5);
	assert_memory_equal(p->module.bytes, "\360CASE", 5);
	assert_null(jz_plugs_problem(f->plugs, 1));
	assert_int_equal(port_hex(&f->port, SELECT, NULL), JZ_SW_FILE);
}

/* The one copy beside the card. */
static void
copy_of(const struct fixture *f, char *out, size_t cap)
{
	DIR *dir = opendir(f->applets);
	struct dirent *d;
	unsigned n = 0;

	assert_non_null(dir);
	while ((d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.') {
			snprintf(out, cap, "%s/%s", f->applets, d->d_name);
			n++;
		}
	closedir(dir);
	assert_int_equal(n, 1);
}

static void
test_a_plug_in_serves_after_power_off(void **state)
{
	struct fixture *f = *state;

	begin(f);
	value_is(f, 1);
	again(f);
	value_is(f, 1);
	assert_int_equal(port_hex(&f->port, ADD, NULL), JZ_SW_OK);
	again(f);
	value_is(f, 2);
}

static void
test_the_copy_is_named_by_its_hash_and_private(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX], hex[2 * JZ_HASH_BYTES + 1];
	uint8_t hash[JZ_HASH_BYTES];
	struct jz_span span;
	struct stat st;
	size_t len = 0;
	uint8_t *bytes;

	begin(f);
	copy_of(f, path, sizeof(path));
	bytes = plugin_read(path, &len);
	span = jz_span(bytes, len);
	assert_int_equal(
	    f->engine.crypto->hash(f->engine.state, &span, 1, hash), 0);
	free(bytes);
	for (unsigned i = 0; i < sizeof(hash); i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	assert_non_null(strstr(path, hex));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
	assert_int_equal(stat(f->applets, &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
}

static void
test_an_altered_copy_is_refused_and_the_card_lives(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];
	size_t len = 0;
	uint8_t *bytes;

	begin(f);
	copy_of(f, path, sizeof(path));
	bytes = plugin_read(path, &len);
	bytes[len - 1] ^= 1;
	plugin_write(path, bytes, len);
	again(f);
	problem_is(f, JZ_ERR_PLUGIN_HASH);
	bytes[len - 1] ^= 1;
	plugin_write(path, bytes, len);
	free(bytes);
	again(f);
	value_is(f, 1);
}

/* A good plug-in, but not the one that the card names. */
static void
test_an_exchanged_copy_is_refused(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];
	size_t len = 0;
	uint8_t *bytes;

	begin(f);
	copy_of(f, path, sizeof(path));
	bytes = plugin_read(plugin_path("later"), &len);
	plugin_write(path, bytes, len);
	free(bytes);
	again(f);
	problem_is(f, JZ_ERR_PLUGIN_HASH);
}

static void
test_a_lost_copy_comes_back_with_the_file(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];

	begin(f);
	copy_of(f, path, sizeof(path));
	assert_int_equal(unlink(path), 0);
	again(f);
	problem_is(f, JZ_ERR_NOT_FOUND);
	assert_int_equal(add(f, "good"), 0);
	value_is(f, 1);
	again(f);
	value_is(f, 1);
}

static void
test_a_later_file_takes_the_place_and_upgrades(void **state)
{
	struct fixture *f = *state;

	begin(f);
	assert_int_equal(add(f, "later"), 0);
	value_is(f, 1001);
	again(f);
	value_is(f, 1001);
	assert_int_equal(port_hex(&f->port, ADD, NULL), JZ_SW_OK);
	value_is(f, 1003);
}

/* What could not be had is no problem any more when another file came. */
static void
test_a_later_file_heals_a_lost_one(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];

	begin(f);
	copy_of(f, path, sizeof(path));
	assert_int_equal(unlink(path), 0);
	again(f);
	problem_is(f, JZ_ERR_NOT_FOUND);
	assert_int_equal(add(f, "later"), 0);
	value_is(f, 1001);
}

static void
test_an_older_layout_is_refused(void **state)
{
	struct fixture *f = *state;
	int e;

	begin(f);
	assert_int_equal(add(f, "later"), 0);
	e = add(f, "good");
	assert_true(e == JZ_ERR_UNSUPPORTED || e == JZ_ERR_CARD_VERSION);
	again(f);
	value_is(f, 1001);
}

/* Refused before the card hears of it, or by the card: nothing is left. */
static void
test_a_refused_plug_in_leaves_nothing(void **state)
{
	static const struct {
		const char *name;
		int error;
	} cases[] = {
	    {"data", JZ_ERR_PLUGIN_DATA},
	    {"abi", JZ_ERR_PLUGIN_ABI},
	    {"taken", JZ_ERR_EXISTS},
	};
	struct fixture *f = *state;
	uint8_t before[32], after[32];

	assert_int_equal(jz_card_image_hash(&f->card, before), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(add(f, cases[i].name), cases[i].error);
		assert_int_equal(folder_files(f->dir), 1);
		assert_int_not_equal(access(f->applets, F_OK), 0);
		assert_int_equal(jz_card_image_hash(&f->card, after), 0);
		assert_memory_equal(before, after, sizeof(before));
	}
	assert_null(jz_plugs_problem(f->plugs, 0));
	begin(f);
	value_is(f, 1);
}

static void
test_a_card_has_room_for_so_many(void **state)
{
	static const char *const names[] = {"good", "other", "third", "fourth"};
	struct fixture *f = *state;
	unsigned files;

	for (unsigned i = 0; i < JZ_MAX_FILES; i++)
		assert_int_equal(add(f, names[i]), 0);
	files = folder_files(f->dir);
	assert_int_equal(add(f, "fifth"), JZ_ERR_CARD_FULL);
	assert_int_equal(folder_files(f->dir), files);
	assert_int_equal(add(f, "later"), 0); /* takes the place of one */
	again(f);
	assert_null(jz_plugs_problem(f->plugs, 0));
}

static void
test_a_copy_that_cannot_be_written(void **state)
{
	struct fixture *f = *state;

	plugin_write(f->applets, "", 0); /* no folder */
	assert_int_equal(add(f, "good"), JZ_ERR_CARD_STORAGE);
	assert_int_equal(unlink(f->applets), 0);
	begin(f);
	value_is(f, 1);
}

static void
test_a_card_in_memory_keeps_them(void **state)
{
	struct fixture *f = *state;

	power_down(f);
	prepare(f, NULL);
	assert_int_equal(jz_card_format(&f->card, &f->setup), 0);
	begin(f);
	value_is(f, 1);
	assert_int_equal(add(f, "later"), 0);
	value_is(f, 1001);
	assert_int_equal(folder_files(f->dir), 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_plug_in_serves_after_power_off),
	    TEST(test_the_copy_is_named_by_its_hash_and_private),
	    TEST(test_an_altered_copy_is_refused_and_the_card_lives),
	    TEST(test_an_exchanged_copy_is_refused),
	    TEST(test_a_lost_copy_comes_back_with_the_file),
	    TEST(test_a_later_file_takes_the_place_and_upgrades),
	    TEST(test_a_later_file_heals_a_lost_one),
	    TEST(test_an_older_layout_is_refused),
	    TEST(test_a_refused_plug_in_leaves_nothing),
	    TEST(test_a_card_has_room_for_so_many),
	    TEST(test_a_copy_that_cannot_be_written),
	    TEST(test_a_card_in_memory_keeps_them),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
