/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader/virtual_store.c: a card made in memory is the same card in its file,
 * which nobody sees before it is named, and what is left of one is found.
 */
#define _XOPEN_SOURCE 700

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
#include "../../reader/virtual.h"
#include "../support/temp.h"

#define CARDS	 3u
#define PATH_CAP 128

struct fixture {
	char dir[64];
	char path[CARDS][PATH_CAP];
	const char *paths[CARDS];
	struct jz_virtual_pool *pool;
	struct jz_virtual *cards[CARDS];
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct jz_virtual_options o = {.compact = true};

	assert_true(temp_new(f->dir, sizeof(f->dir), "jz-store"));
	assert_int_equal(jz_virtual_pool_new(&f->pool), 0);
	o.pool = f->pool;
	for (unsigned i = 0; i < CARDS; i++) {
		snprintf(f->path[i], PATH_CAP, "%s/%u.card", f->dir, i);
		f->paths[i] = f->path[i];
		assert_int_equal(jz_virtual_create(&o, &f->cards[i]), 0);
	}
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char path[PATH_CAP + 8];

	for (unsigned i = 0; i < CARDS; i++) {
		jz_virtual_free(&f->cards[i]);
		unlink(f->path[i]);
		snprintf(path, sizeof(path), "%s.key", f->path[i]);
		unlink(path);
	}
	jz_virtual_pool_free(&f->pool);
	/* Nothing else was left. */
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static void
check_same(const struct fixture *f, unsigned i)
{
	const struct jz_virtual_options o = {.path = f->path[i]};
	struct jz_virtual *v = NULL;
	static const uint8_t get_kdd[] = {0x80, 0xCA, 0x00, 0xCF, 0x00};
	uint8_t a[258], b[258];
	size_t n, m;

	assert_int_equal(jz_virtual_open(&o, &v), 0);
	n = jz_virtual_process(v, get_kdd, sizeof(get_kdd), a, sizeof(a));
	m = jz_virtual_process(
	    f->cards[i], get_kdd, sizeof(get_kdd), b, sizeof(b));
	assert_true(n > 10);
	assert_int_equal(n, m);
	assert_memory_equal(a, b, n);
	jz_virtual_free(&v);
}

static void
test_named_at_last(void **state)
{
	struct fixture *f = *state;
	struct jz_virtual_stored *s = NULL;
	size_t failed;
	struct stat st;

	assert_int_equal(
	    jz_virtual_store(f->cards, f->paths, CARDS, &s, &failed), 0);
	for (unsigned i = 0; i < CARDS; i++)
		assert_int_not_equal(access(f->path[i], F_OK), 0);
	jz_virtual_stored_drop(s, 1);
	assert_int_equal(jz_virtual_stored_publish(s), 0);
	jz_virtual_stored_free(&s);
	assert_null(s);
	check_same(f, 0);
	check_same(f, 2);
	assert_int_not_equal(access(f->path[1], F_OK), 0);
	assert_int_equal(stat(f->path[0], &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
test_freed_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct jz_virtual_stored *s = NULL;
	size_t failed;

	assert_int_equal(
	    jz_virtual_store(f->cards, f->paths, CARDS, &s, &failed), 0);
	jz_virtual_stored_free(&s);
	for (unsigned i = 0; i < CARDS; i++)
		assert_int_equal(
		    jz_virtual_left(f->path[i], true), JZ_ERR_NOT_FOUND);
}

static void
test_nothing_is_overwritten(void **state)
{
	struct fixture *f = *state;
	struct jz_virtual_stored *s = NULL;
	size_t failed;
	FILE *file = fopen(f->path[1], "w");

	assert_non_null(file);
	fclose(file);
	assert_int_equal(
	    jz_virtual_store(f->cards, f->paths, CARDS, &s, &failed),
	    JZ_ERR_EXISTS);
	assert_int_equal(failed, 1);
	assert_null(s);
}

/* What a program that was killed leaves: the files under their other names. */
static void
leave(const struct fixture *f, const char *other)
{
	struct jz_virtual_stored *s = NULL;
	char from[2 * PATH_CAP], to[2 * PATH_CAP];
	size_t failed;

	assert_int_equal(
	    jz_virtual_store(f->cards, f->paths, 1, &s, &failed), 0);
	assert_int_equal(jz_virtual_stored_publish(s), 0);
	jz_virtual_stored_free(&s);
	snprintf(to, sizeof(to), "%s/.0.card.new", f->dir);
	assert_int_equal(rename(f->path[0], to), 0);
	if (other != NULL) {
		snprintf(from, sizeof(from), "%s.key", f->path[0]);
		snprintf(to, sizeof(to), "%s/%s", f->dir, other);
		assert_int_equal(rename(from, to), 0);
	}
}

static void
test_left_and_kept(void **state)
{
	struct fixture *f = *state;
	char key[PATH_CAP + 8];

	leave(f, ".0.card.key.new");
	assert_int_equal(jz_virtual_left(f->path[0], true), 0);
	check_same(f, 0);
	unlink(f->path[0]);
	snprintf(key, sizeof(key), "%s.key", f->path[0]);
	unlink(key);
	/* Between the two names. */
	leave(f, NULL);
	assert_int_equal(jz_virtual_left(f->path[0], true), 0);
	check_same(f, 0);
}

static void
test_left_and_removed(void **state)
{
	struct fixture *f = *state;

	leave(f, ".0.card.key.new");
	assert_int_equal(jz_virtual_left(f->path[0], false), 0);
	assert_int_equal(jz_virtual_left(f->path[0], false), JZ_ERR_NOT_FOUND);
	assert_int_not_equal(access(f->path[0], F_OK), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_named_at_last, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_freed_leaves_nothing, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_nothing_is_overwritten, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_left_and_kept, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_left_and_removed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
