/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host/bureau/mailer.c: letters come out as they went in, once each, for who
 * has the passphrase, and no byte of the file can be altered.
 */
#define _XOPEN_SOURCE 700

#include <fcntl.h>
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

#include "../../../apdu/error.h"
#include "../../../host/bureau/bureau.h"
#include "../../support/temp.h"

#define PIN_A "271828"
#define PIN_B "314159"

struct fixture {
	char dir[64], path[96];
	unsigned seen;
	struct jz_secret pins[8];
};

#define PASSPHRASE JZ_SECRET("paper")

static struct jz_letter
letter(unsigned number, const char *pin)
{
	struct jz_letter l = {.holder = "Li Mei"};

	snprintf(l.number, sizeof(l.number), "%020u", number);
	assert_int_equal(jz_secret_set(&l.pin, jz_span(pin, strlen(pin))), 0);
	return l;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_true(temp_new(f->dir, sizeof(f->dir), "jz-mailer"));
	snprintf(f->path, sizeof(f->path), "%s/pins", f->dir);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void
write_letters(struct fixture *f, const struct jz_letter *l, size_t n)
{
	struct jz_mailer *m = NULL;

	assert_int_equal(jz_mailer_open(f->path, PASSPHRASE, &m), 0);
	assert_int_equal(jz_mailer_write(m, l, n), 0);
	assert_int_equal(jz_mailer_close(&m), 0);
}

static int
see(const struct jz_letter *l, void *arg)
{
	struct fixture *f = arg;

	assert_string_equal(l->holder, "Li Mei");
	f->pins[f->seen++ % 8] = l->pin;
	return 0;
}

static int
read_letters(struct fixture *f)
{
	f->seen = 0;
	return jz_mailer_read(f->path, PASSPHRASE, see, f);
}

static void
test_letters(void **state)
{
	struct fixture *f = *state;
	const struct jz_letter l[] = {letter(2, PIN_A), letter(1, PIN_B)};
	struct stat st;

	write_letters(f, l, 2);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(read_letters(f), 0);
	assert_int_equal(f->seen, 2);
	assert_true(jz_secret_equal(&f->pins[0], JZ_SECRET(PIN_B)));
	/* Appended to, and the last for a number counts. */
	write_letters(f, &(struct jz_letter){0}, 0);
	write_letters(
	    f, (struct jz_letter[]){letter(2, "161803"), letter(3, PIN_A)}, 2);
	assert_int_equal(read_letters(f), 0);
	assert_int_equal(f->seen, 3);
	assert_true(jz_secret_equal(&f->pins[1], JZ_SECRET("161803")));
}

static void
test_many_letters(void **state)
{
	struct fixture *f = *state;
	struct jz_letter *l = calloc(1000, sizeof(*l));

	for (unsigned k = 0; k < 1000; k++)
		l[k] = letter(k, PIN_A);
	write_letters(f, l, 1000);
	assert_int_equal(read_letters(f), 0);
	assert_int_equal(f->seen, 1000);
	free(l);
}

static void
test_wrong_passphrase_and_mode(void **state)
{
	struct fixture *f = *state;
	const struct jz_letter l = letter(1, PIN_A);
	struct jz_mailer *m = NULL;

	write_letters(f, &l, 1);
	assert_int_equal(
	    jz_mailer_open(f->path, JZ_SECRET("papen"), &m), JZ_ERR_PASSPHRASE);
	assert_null(m);
	assert_int_equal(jz_mailer_read(f->path, JZ_SECRET("papen"), see, f),
	    JZ_ERR_PASSPHRASE);
	assert_int_equal(chmod(f->path, 0644), 0);
	assert_int_equal(jz_mailer_open(f->path, PASSPHRASE, &m), JZ_ERR_STATE);
	assert_int_equal(jz_mailer_read("/nowhere/pins", PASSPHRASE, see, f),
	    JZ_ERR_NOT_FOUND);
}

/* Each byte of a parcel altered; and no letter is told before. */
static void
test_altered(void **state)
{
	struct fixture *f = *state;
	const struct jz_letter l = letter(1, PIN_A);
	struct stat st;
	uint8_t byte;
	int fd, err;

	write_letters(f, &l, 1);
	assert_int_equal(stat(f->path, &st), 0);
	fd = open(f->path, O_RDWR);
	assert_true(fd >= 0);
	for (off_t at = 0; at < st.st_size; at += at < 37 ? 4 : 7) {
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		err = read_letters(f);
		/* A parcel that claims to be longer is one cut off. */
		assert_true(err != 0 || f->seen == 0);
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	close(fd);
	assert_int_equal(read_letters(f), 0);
	assert_int_equal(f->seen, 1);
}

/* Two parcels of one length change places. */
static void
test_moved(void **state)
{
	struct fixture *f = *state;
	const struct jz_letter a = letter(1, PIN_A), b = letter(2, PIN_B);
	uint8_t first[256], second[256];
	struct stat st;
	size_t len;
	off_t at;
	int fd;

	write_letters(f, NULL, 0);
	assert_int_equal(stat(f->path, &st), 0);
	at = st.st_size;
	write_letters(f, &a, 1);
	assert_int_equal(stat(f->path, &st), 0);
	len = (size_t)(st.st_size - at);
	assert_true(len <= sizeof(first));
	write_letters(f, &b, 1);
	fd = open(f->path, O_RDWR);
	assert_int_equal(pread(fd, first, len, at), len);
	assert_int_equal(pread(fd, second, len, at + (off_t)len), len);
	assert_int_equal(pwrite(fd, second, len, at), len);
	assert_int_equal(pwrite(fd, first, len, at + (off_t)len), len);
	close(fd);
	assert_int_equal(read_letters(f), JZ_ERR_DECRYPT);
	assert_int_equal(f->seen, 0);
}

/* A parcel that a crash cut off is written over. */
static void
test_cut_off(void **state)
{
	struct fixture *f = *state;
	const struct jz_letter l = letter(1, PIN_A), second = letter(2, PIN_B);
	struct stat st;

	write_letters(f, &l, 1);
	assert_int_equal(stat(f->path, &st), 0);
	write_letters(f, &second, 1);
	assert_int_equal(truncate(f->path, st.st_size + 20), 0);
	assert_int_equal(read_letters(f), 0);
	assert_int_equal(f->seen, 1);
	write_letters(f, &second, 1);
	assert_int_equal(read_letters(f), 0);
	assert_int_equal(f->seen, 2);
	assert_int_equal(truncate(f->path, 10), 0);
	assert_int_equal(read_letters(f), JZ_ERR_KEYFILE);
}

/* The file tells nobody a PIN. */
static void
test_sealed(void **state)
{
	struct fixture *f = *state;
	const struct jz_letter l = letter(1, PIN_A);
	char bytes[512] = {0};
	FILE *file;
	size_t n;

	write_letters(f, &l, 1);
	file = fopen(f->path, "r");
	assert_non_null(file);
	n = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	for (size_t k = 0; k + 6 <= n; k++)
		assert_memory_not_equal(bytes + k, PIN_A, 6);
}

static void
test_printer(void **state)
{
	struct fixture *f = *state;
	const struct jz_letter l[] = {letter(1, PIN_A), letter(2, PIN_B)};
	char command[128], line[128];
	struct jz_mailer *m = NULL;
	FILE *file;

	snprintf(command, sizeof(command), "cat >%s", f->path);
	assert_int_equal(jz_mailer_printer(command, &m), 0);
	assert_int_equal(jz_mailer_write(m, l, 2), 0);
	assert_int_equal(jz_mailer_close(&m), 0);
	file = fopen(f->path, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	assert_string_equal(line, "00000000000000000001\tLi Mei\t" PIN_A "\n");
	fclose(file);
	assert_int_equal(jz_mailer_printer("exit 3", &m), 0);
	assert_int_equal(jz_mailer_close(&m), JZ_ERR_SYSTEM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_letters, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_many_letters, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_wrong_passphrase_and_mode, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_altered, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_moved, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_cut_off, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_sealed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_printer, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
