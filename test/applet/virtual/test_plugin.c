/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plug-ins: which are loaded, and what each of the others is refused for.
 */
#define _XOPEN_SOURCE 700

#include "../../../applet/virtual/plugin.h"

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
#include "../../../keys/openssl/openssl.h"
#include "../../support/plugins.h"

struct fixture {
	struct jz_engine engine;
	char dir[PATH_MAX / 2];
	char file[PATH_MAX]; /* in it */
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(jz_openssl_new(JZ_SUITE_NIST, &f->engine), 0);
	folder_new(f->dir, sizeof(f->dir));
	snprintf(f->file, sizeof(f->file), "%s/a.so", f->dir);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	folder_remove(f->dir);
	jz_openssl_free(&f->engine);
	free(f);
	return 0;
}

static int
load(const struct fixture *f, const char *path, struct jz_plugin **out)
{
	int e = jz_plugin_load(&f->engine, path, NULL, out);

	assert_int_equal(e == 0, *out != NULL);
	return e;
}

static struct jz_plugin *
must_load(const struct fixture *f, const char *name)
{
	struct jz_plugin *p = NULL;

	assert_int_equal(load(f, plugin_path(name), &p), 0);
	return p;
}

static void
test_a_plug_in_is_loaded(void **state)
{
	struct jz_plugin *p = must_load(*state, "good");
	const struct jz_applet_class *c = jz_plugin_class(p);

	assert_int_equal(c->abi, JZ_ABI);
	assert_string_equal(c->name, "case");
	assert_int_equal(c->aid.len, 5);
	assert_non_null(c->process);
	/* What it calls is this program's. */
	assert_ptr_equal(c->install, jz_pin_install);
	jz_plugin_free(&p);
	assert_null(p);
	jz_plugin_free(&p);
}

/* The C library is there already. */
static void
test_a_plug_in_may_use_the_c_library(void **state)
{
	struct jz_plugin *p = must_load(*state, "libc");

	jz_plugin_free(&p);
}

/* Each make and its error. */
static void
test_each_wrong_make_has_its_error(void **state)
{
	static const struct {
		const char *name;
		int error;
	} cases[] = {
	    {"data", JZ_ERR_PLUGIN_DATA},
	    {"bss", JZ_ERR_PLUGIN_DATA},
	    {"tls", JZ_ERR_PLUGIN_DATA},
	    {"lazy", JZ_ERR_PLUGIN_DATA},
	    {"norelro", JZ_ERR_PLUGIN_DATA},
	    {"start", JZ_ERR_PLUGIN_START},
	    {"stop", JZ_ERR_PLUGIN_START},
	    {"ifunc", JZ_ERR_PLUGIN_START},
	    {"irelative", JZ_ERR_PLUGIN_START},
	    {"crt", JZ_ERR_PLUGIN_DATA},
	    {"link", JZ_ERR_PLUGIN_LINK},
	    {"library", JZ_ERR_PLUGIN_LINK},
	    {"auxiliary", JZ_ERR_PLUGIN_LINK},
	    {"filter", JZ_ERR_PLUGIN_LINK},
	    {"symbol", JZ_ERR_PLUGIN_FORMAT},
	    {"stack", JZ_ERR_PLUGIN_FORMAT},
	    {"abi", JZ_ERR_PLUGIN_ABI},
	    {"name", JZ_ERR_PLUGIN_CLASS},
	    {"process", JZ_ERR_PLUGIN_CLASS},
	    {"short_aid", JZ_ERR_PLUGIN_CLASS},
	    {"long_aid", JZ_ERR_PLUGIN_CLASS},
	    {"small", JZ_ERR_PLUGIN_CLASS},
	    {"huge", JZ_ERR_PLUGIN_CLASS},
	    {"huge_cor", JZ_ERR_PLUGIN_CLASS},
	    {"huge_cod", JZ_ERR_PLUGIN_CLASS},
	};
	struct jz_plugin *p = NULL;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int e = load(*state, plugin_path(cases[i].name), &p);

		if (e != cases[i].error)
			fail_msg("%s: %s", cases[i].name, jz_error_name(e));
	}
}

static void
test_what_is_no_plug_in_is_refused(void **state)
{
	const struct fixture *f = *state;
	struct jz_plugin *p = NULL;

	assert_int_equal(load(f, f->file, &p), JZ_ERR_NOT_FOUND);
	assert_int_equal(load(f, f->dir, &p), JZ_ERR_PLUGIN_FORMAT);
	plugin_write(f->file, "", 0);
	assert_int_equal(load(f, f->file, &p), JZ_ERR_PLUGIN_FORMAT);
	plugin_write(f->file, "#!/bin/sh\n", 10);
	assert_int_equal(load(f, f->file, &p), JZ_ERR_PLUGIN_FORMAT);
	assert_int_equal(truncate(f->file, JZ_PLUGIN_BYTES_MAX + 1), 0);
	assert_int_equal(load(f, f->file, &p), JZ_ERR_PLUGIN_FORMAT);
	assert_int_equal(unlink(f->file), 0);
	assert_int_equal(mkfifo(f->file, S_IRWXU), 0);
	assert_int_equal(load(f, f->file, &p), JZ_ERR_PLUGIN_FORMAT);
}

/* This program is an object of this machine, too; and not a plug-in. */
static void
test_a_program_is_refused(void **state)
{
	struct jz_plugin *p = NULL;

	assert_int_not_equal(load(*state, "/proc/self/exe", &p), 0);
}

static void
test_the_hash_is_that_of_the_file(void **state)
{
	const struct fixture *f = *state;
	struct jz_plugin *p = must_load(f, "good");
	uint8_t hash[JZ_HASH_BYTES];
	struct jz_span file;
	size_t len = 0;
	uint8_t *bytes = plugin_read(plugin_path("good"), &len);

	file = jz_span(bytes, len);
	assert_int_equal(
	    f->engine.crypto->hash(f->engine.state, &file, 1, hash), 0);
	assert_memory_equal(jz_plugin_hash(p), hash, sizeof(hash));
	jz_plugin_free(&p);
	assert_int_equal(
	    jz_plugin_load(&f->engine, plugin_path("good"), hash, &p), 0);
	jz_plugin_free(&p);
	free(bytes);
}

/* Not even whether it is an object is asked of a file that is not expected. */
static void
test_another_hash_is_refused_before_anything_else(void **state)
{
	const struct fixture *f = *state;
	const uint8_t hash[JZ_HASH_BYTES] = {1};
	struct jz_plugin *p = NULL;

	plugin_write(f->file, "no object", 9);
	assert_int_equal(
	    jz_plugin_load(&f->engine, f->file, hash, &p), JZ_ERR_PLUGIN_HASH);
	assert_int_equal(
	    jz_plugin_load(&f->engine, plugin_path("good"), hash, &p),
	    JZ_ERR_PLUGIN_HASH);
	assert_null(p);
}

/* The loader knows an object by its path; ours have the same now and then. */
static void
test_plug_ins_are_not_confused(void **state)
{
	struct jz_plugin *good = must_load(*state, "good"), *other, *again;

	other = must_load(*state, "other");
	assert_int_equal(jz_plugin_class(good)->aid.len, 5);
	assert_int_equal(jz_plugin_class(other)->aid.len, 6);
	jz_plugin_free(&good);
	again = must_load(*state, "later");
	assert_int_equal(jz_plugin_class(again)->layout, 2);
	assert_int_equal(jz_plugin_class(other)->layout, 1);
	good = must_load(*state, "good");
	assert_int_equal(jz_plugin_class(good)->layout, 1);
	assert_ptr_not_equal(jz_plugin_class(good), jz_plugin_class(again));
	jz_plugin_free(&other);
	jz_plugin_free(&again);
	jz_plugin_free(&good);
}

/* What becomes of the file later does not reach what was loaded. */
static void
test_the_file_is_not_needed_any_more(void **state)
{
	const struct fixture *f = *state;
	struct jz_plugin *p = NULL;
	size_t len = 0, stored_len = 0;
	uint8_t *bytes = plugin_read(plugin_path("good"), &len), *stored;

	plugin_write(f->file, bytes, len);
	assert_int_equal(load(f, f->file, &p), 0);
	plugin_write(f->file, "gone", 4);
	assert_string_equal(jz_plugin_class(p)->name, "case");
	assert_int_equal(jz_plugin_store(p, f->file), 0);
	stored = plugin_read(f->file, &stored_len);
	assert_int_equal(stored_len, len);
	assert_memory_equal(stored, bytes, len);
	assert_int_equal(folder_files(f->dir), 1);
	jz_plugin_free(&p);
	free(bytes);
	free(stored);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_plug_in_is_loaded),
	    TEST(test_a_plug_in_may_use_the_c_library),
	    TEST(test_each_wrong_make_has_its_error),
	    TEST(test_what_is_no_plug_in_is_refused),
	    TEST(test_a_program_is_refused),
	    TEST(test_the_hash_is_that_of_the_file),
	    TEST(test_another_hash_is_refused_before_anything_else),
	    TEST(test_plug_ins_are_not_confused),
	    TEST(test_the_file_is_not_needed_any_more),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
