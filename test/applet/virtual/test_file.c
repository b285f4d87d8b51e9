/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage in a file: append, sync, replace, and the lock that outlives them.
 */
#define _DEFAULT_SOURCE

#include "../../../applet/virtual/storage.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../apdu/error.h"
#include "../../support/temp.h"

struct place {
	char dir[PATH_MAX / 2];
	char card[PATH_MAX]; /* dir/alice.card */
	char temp[PATH_MAX]; /* dir/.alice.card.new */
	char other[PATH_MAX];
};

static int
setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	assert_true(temp_new(p->dir, sizeof(p->dir), "jiaozi-file"));
	snprintf(p->card, sizeof(p->card), "%s/alice.card", p->dir);
	snprintf(p->temp, sizeof(p->temp), "%s/.alice.card.new", p->dir);
	snprintf(p->other, sizeof(p->other), "%s/other", p->dir);
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	struct place *p = *state;
	struct dirent *d;
	DIR *dir = opendir(p->dir);

	assert_non_null(dir);
	while ((d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			unlinkat(dirfd(dir), d->d_name, 0);
	closedir(dir);
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

/* How many files are in the folder, hidden ones too. */
static int
files(const struct place *p)
{
	struct dirent *d;
	DIR *dir = opendir(p->dir);
	int n = -2;

	assert_non_null(dir);
	while ((d = readdir(dir)) != NULL)
		n++;
	closedir(dir);
	return n;
}

static bool
exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fputs(text, f) >= 0, 1);
	assert_int_equal(fclose(f), 0);
}

/* By the file's name, not by the handle. */
static void
assert_file(const char *path, const char *text)
{
	char got[64] = "";
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(got, 1, sizeof(got) - 1, f);
	fclose(f);
	assert_int_equal(n, strlen(text));
	assert_string_equal(got, text);
}

static int
replace(struct jz_file *f, const char *a, const char *b)
{
	const struct jz_span parts[] = {
	    jz_span(a, strlen(a)), jz_span(b, strlen(b))};

	return jz_file_chip.replace(f, parts, 2);
}

static struct jz_file *
make(const struct place *p, const char *text)
{
	struct jz_file *f = NULL;

	assert_int_equal(jz_file_create(p->card, &f), 0);
	assert_int_equal(replace(f, text, ""), 0);
	assert_int_equal(jz_file_publish(f), 0);
	return f;
}

static void
what_is_written_is_read(void **state)
{
	struct place *p = *state;
	struct jz_file *f = make(p, "abc");
	uint64_t size = 0;
	char got[4];

	assert_int_equal(jz_file_chip.append(f, "def", 3), 0);
	assert_int_equal(jz_file_chip.sync(f), 0);
	assert_int_equal(jz_file_chip.size(f, &size), 0);
	assert_int_equal(size, 6);
	assert_int_equal(jz_file_chip.read(f, 1, got, 4), 0);
	assert_memory_equal(got, "bcde", 4);
	assert_int_equal(jz_file_chip.read(f, 3, got, 4), JZ_ERR_CARD_STORAGE);
	jz_file_free(&f);
	assert_null(f);
	assert_file(p->card, "abcdef");

	/* Opened again, it goes on at the end. */
	assert_int_equal(jz_file_open(p->card, &f), 0);
	assert_int_equal(jz_file_chip.append(f, "g", 1), 0);
	assert_int_equal(jz_file_chip.sync(f), 0);
	jz_file_free(&f);
	assert_file(p->card, "abcdefg");
}

static void
replace_takes_the_place_of_all(void **state)
{
	struct place *p = *state;
	struct jz_file *f = make(p, "a long content");

	assert_int_equal(replace(f, "new", "!"), 0);
	assert_file(p->card, "new!");
	assert_int_equal(jz_file_chip.append(f, "?", 1), 0);
	assert_int_equal(jz_file_chip.sync(f), 0);
	assert_file(p->card, "new!?");
	assert_int_equal(files(p), 1);
	jz_file_free(&f);
}

/* A temporary file that a crash has left is in nobody's way. */
static void
a_leftover_is_overwritten(void **state)
{
	struct place *p = *state;
	struct jz_file *f = make(p, "old");

	put(p->temp, "half of something much longer");
	assert_int_equal(replace(f, "new", ""), 0);
	assert_file(p->card, "new");
	assert_false(exists(p->temp));
	jz_file_free(&f);

	assert_int_equal(unlink(p->card), 0);
	put(p->temp, "half of something much longer");
	f = make(p, "again");
	assert_file(p->card, "again");
	assert_int_equal(files(p), 1);
	jz_file_free(&f);
}

/* A leftover that is another name of the card itself does not harm it. */
static void
a_leftover_link_to_the_card_is_harmless(void **state)
{
	struct place *p = *state;
	struct jz_file *f = make(p, "money");

	put(p->other, "precious");
	assert_int_equal(symlink(p->other, p->temp), 0);
	assert_int_equal(replace(f, "new", ""), JZ_ERR_CARD_STORAGE);
	assert_file(p->card, "money");
	assert_file(p->other, "precious");
	jz_file_free(&f);

	assert_int_equal(unlink(p->temp), 0);
	assert_int_equal(link(p->card, p->temp), 0);
	assert_int_equal(jz_file_open(p->card, &f), 0);
	assert_int_equal(replace(f, "new", ""), JZ_ERR_CARD_STORAGE);
	assert_file(p->card, "money");
	jz_file_free(&f);
}

static void
modes_are_0600(void **state)
{
	struct place *p = *state;
	mode_t mask = umask(0);
	struct jz_file *f = make(p, "abc");
	struct stat st;

	assert_int_equal(stat(p->card, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	umask(0777);
	assert_int_equal(chmod(p->card, 0644), 0);
	assert_int_equal(replace(f, "new", ""), 0);
	assert_int_equal(stat(p->card, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	umask(mask);
	jz_file_free(&f);
}

/* ---- the lock ------------------------------------------------------------ */

/* What another process gets that opens the card. */
static int
open_elsewhere(const char *path)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct jz_file *f = NULL;

		_exit(-jz_file_open(path, &f) % 251);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
an_open_card_is_locked(void **state)
{
	const int locked = -JZ_ERR_CARD_LOCKED % 251;
	struct place *p = *state;
	struct jz_file *f = NULL, *second = NULL;

	/* While it is being made, */
	assert_int_equal(jz_file_create(p->card, &f), 0);
	assert_int_equal(jz_file_create(p->card, &second), JZ_ERR_CARD_LOCKED);
	assert_null(second);
	assert_int_equal(replace(f, "a", ""), 0);
	assert_int_equal(jz_file_publish(f), 0);
	/* when it is made, */
	assert_int_equal(open_elsewhere(p->card), locked);
	assert_int_equal(jz_file_open(p->card, &second), JZ_ERR_CARD_LOCKED);
	/* and after the file under the name has changed, twice. */
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(replace(f, "b", ""), 0);
		assert_int_equal(open_elsewhere(p->card), locked);
		assert_int_equal(
		    jz_file_open(p->card, &second), JZ_ERR_CARD_LOCKED);
	}
	jz_file_free(&f);
	assert_int_equal(open_elsewhere(p->card), 0);
	assert_int_equal(jz_file_open(p->card, &f), 0);
	assert_int_equal(open_elsewhere(p->card), locked);
	jz_file_free(&f);
}

/* Under another name of the same file too. */
static void
a_link_leads_to_the_same_lock(void **state)
{
	struct place *p = *state;
	struct jz_file *f = make(p, "abc"), *second = NULL;
	struct stat st;

	assert_int_equal(symlink("alice.card", p->other), 0);
	assert_int_equal(jz_file_open(p->other, &second), JZ_ERR_CARD_LOCKED);
	jz_file_free(&f);
	/* And replace() replaces the card, not the link. */
	assert_int_equal(jz_file_open(p->other, &f), 0);
	assert_int_equal(replace(f, "new", ""), 0);
	jz_file_free(&f);
	assert_int_equal(lstat(p->other, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_file(p->card, "new");
}

/*
 * One process replaces without pause while another tries to open: it must
 * never get in, however the two fall together.
 */
static void
no_instant_is_unlocked(void **state)
{
	struct place *p = *state;
	struct jz_file *f = make(p, "0");
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct jz_file *other = NULL;

		for (unsigned i = 0; i < 3000; i++)
			if (jz_file_open(p->card, &other) != JZ_ERR_CARD_LOCKED)
				_exit(1);
		_exit(0);
	}
	while (waitpid(pid, &status, WNOHANG) == 0)
		assert_int_equal(replace(f, "1", "2"), 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	jz_file_free(&f);
}

/* ---- creating ------------------------------------------------------------ */

static void
a_card_has_its_name_last(void **state)
{
	struct place *p = *state;
	struct jz_file *f = NULL;

	assert_int_equal(jz_file_create(p->card, &f), 0);
	assert_int_equal(replace(f, "first", ""), 0);
	assert_int_equal(jz_file_chip.append(f, "+", 1), 0);
	assert_int_equal(jz_file_chip.sync(f), 0);
	assert_false(exists(p->card));
	assert_int_equal(jz_file_publish(f), 0);
	assert_file(p->card, "first+");
	assert_int_equal(files(p), 1);
	jz_file_free(&f);
	assert_int_equal(files(p), 1);

	/* Given up before: nothing is left. */
	assert_int_equal(unlink(p->card), 0);
	assert_int_equal(jz_file_create(p->card, &f), 0);
	assert_int_equal(replace(f, "half", ""), 0);
	jz_file_free(&f);
	assert_int_equal(files(p), 0);
}

static void
an_existing_file_is_not_overwritten(void **state)
{
	struct place *p = *state;
	struct jz_file *f = NULL;

	put(p->card, "precious");
	assert_int_equal(jz_file_create(p->card, &f), JZ_ERR_EXISTS);
	assert_null(f);
	assert_int_equal(unlink(p->card), 0);
	/* One that comes while the card is being made neither. */
	assert_int_equal(jz_file_create(p->card, &f), 0);
	put(p->card, "precious");
	assert_int_equal(jz_file_publish(f), JZ_ERR_EXISTS);
	jz_file_free(&f);
	assert_file(p->card, "precious");
	assert_int_equal(files(p), 1);
}

/* ALL-4: what cannot be a card file. */
static void
bad_paths_are_told(void **state)
{
	struct place *p = *state;
	struct jz_file *f = NULL;
	char path[PATH_MAX + 300];

	assert_int_equal(jz_file_open(p->card, &f), JZ_ERR_NOT_FOUND);
	assert_int_equal(jz_file_open("", &f), JZ_ERR_NOT_FOUND);
	assert_int_equal(jz_file_open(p->dir, &f), JZ_ERR_CARD_HEADER);
	assert_int_equal(jz_file_open("/dev/null", &f), JZ_ERR_CARD_HEADER);
	assert_int_equal(mkfifo(p->other, 0600), 0);
	assert_int_equal(jz_file_open(p->other, &f), JZ_ERR_CARD_HEADER);
	snprintf(path, sizeof(path), "%s/no/such", p->dir);
	assert_int_equal(jz_file_create(path, &f), JZ_ERR_NOT_FOUND);
	snprintf(path, sizeof(path), "%s/", p->dir);
	assert_int_equal(jz_file_create(path, &f), JZ_ERR_ARGUMENT);
	/* A name that leaves no room for that of the temporary file. */
	snprintf(path, sizeof(path), "%s/%0*d", p->dir, NAME_MAX - 4, 0);
	assert_int_equal(jz_file_create(path, &f), JZ_ERR_ARGUMENT);
	assert_null(f);
	snprintf(path, sizeof(path), "%s/%0*d", p->dir, NAME_MAX - 5, 0);
	assert_int_equal(jz_file_create(path, &f), 0);
	jz_file_free(&f);
}

/* ---- failures ------------------------------------------------------------ */

/* A short write is an error, and ends the writing. */
static void
a_short_write_is_an_error(void **state)
{
	struct place *p = *state;
	struct jz_file *f = make(p, "abc");
	struct rlimit old, limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 5;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(
	    jz_file_chip.append(f, "defg", 4), JZ_ERR_CARD_STORAGE);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(jz_file_chip.append(f, "h", 1), JZ_ERR_CARD_STORAGE);
	assert_int_equal(jz_file_chip.sync(f), JZ_ERR_CARD_STORAGE);
	assert_int_equal(replace(f, "i", ""), JZ_ERR_CARD_STORAGE);
	jz_file_free(&f);
	assert_file(p->card, "abcde");
}

/* A failed replace leaves the old content and no temporary file. */
static void
a_failed_replace_leaves_the_old(void **state)
{
	struct place *p = *state;
	struct jz_file *f = make(p, "abc");
	struct rlimit old, limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 5;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(replace(f, "more than", " five"), JZ_ERR_CARD_STORAGE);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_file(p->card, "abc");
	assert_int_equal(files(p), 1);
	jz_file_free(&f);
}

static void
the_clock_is_the_systems(void **state)
{
	struct place *p = *state;
	struct jz_file *f = make(p, "abc");
	int64_t before = (int64_t)time(NULL), utc = 0;

	assert_int_equal(jz_file_chip.now(f, &utc), 0);
	assert_true(utc >= before && utc <= before + 60);
	jz_file_free(&f);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(what_is_written_is_read),
	    T(replace_takes_the_place_of_all),
	    T(a_leftover_is_overwritten),
	    T(a_leftover_link_to_the_card_is_harmless),
	    T(modes_are_0600),
	    T(an_open_card_is_locked),
	    T(a_link_leads_to_the_same_lock),
	    T(no_instant_is_unlocked),
	    T(a_card_has_its_name_last),
	    T(an_existing_file_is_not_overwritten),
	    T(bad_paths_are_told),
	    T(a_short_write_is_an_error),
	    T(a_failed_replace_leaves_the_old),
	    T(the_clock_is_the_systems),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
