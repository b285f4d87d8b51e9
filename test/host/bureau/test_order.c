/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host/bureau/order.c: lists of holders, good and bad.
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

static const struct jz_order_line LIKE = {
    .max_balance_minor = 1000, .max_single_minor = 500};

/* Whole units. */
static int
amount(const char *text, void *arg, uint64_t *minor)
{
	char *end;

	(void)arg;
	*minor = strtoull(text, &end, 10) * 100;
	return *end == '\0' ? 0 : JZ_ERR_ARGUMENT;
}

static int
read_list(const char *text, mode_t mode, struct jz_order *o, size_t *bad)
{
	char dir[128], path[160];
	int fd, err;

	assert_true(temp_new(dir, sizeof(dir), "jz-order"));
	snprintf(path, sizeof(path), "%s/list", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	err = jz_order_read(path, &LIKE, 7, amount, NULL, o, bad);
	unlink(path);
	assert_int_equal(rmdir(dir), 0);
	return err;
}

static void
test_list(void **state)
{
	struct jz_order o;
	size_t bad;

	(void)state;
	assert_int_equal(
	    read_list("holder,account,pin,max-balance,payee-only\r\n"
		      "\"Li, \"\"Mei\"\"\",li,271828,20,yes\r\n"
		      "Wang,wang,,,\n"
		      "Zhao,zhao,31415926,,no",
		0600, &o, &bad),
	    0);
	assert_int_equal(o.n, 3);
	assert_int_equal(o.first, 7);
	assert_string_equal(o.lines[0].holder, "Li, \"Mei\"");
	assert_string_equal(o.lines[0].account, "li");
	assert_true(jz_secret_equal(&o.lines[0].pin, JZ_SECRET("271828")));
	assert_int_equal(o.lines[0].max_balance_minor, 2000);
	assert_true(o.lines[0].payee_only);
	assert_int_equal(o.lines[1].pin.len, 0);
	assert_int_equal(o.lines[1].max_balance_minor, 1000);
	assert_true(jz_secret_equal(&o.lines[2].pin, JZ_SECRET("31415926")));
	assert_true(jz_order_needs_mailer(&o));
	jz_order_free(&o);
}

static void
test_bad_lists(void **state)
{
	static const struct {
		const char *text;
		int error;
		size_t row;
	} BAD[] = {
	    {"", JZ_ERR_ARGUMENT, 1},
	    {"account", JZ_ERR_RANGE, 1},
	    {"account,colour\na,red\n", JZ_ERR_ARGUMENT, 1},
	    {"account,account\na,a\n", JZ_ERR_ARGUMENT, 1},
	    {"account,holder\na\n", JZ_ERR_ARGUMENT, 2},
	    {"account,holder\na,b,c\n", JZ_ERR_ARGUMENT, 2},
	    {"account\na\n\"b\n", JZ_ERR_ARGUMENT, 3},
	    {"account,pin\na,12\n", JZ_ERR_ARGUMENT, 2},
	    {"account,pin\na,12ab56\n", JZ_ERR_ARGUMENT, 2},
	    {"account,payee-only\na,maybe\n", JZ_ERR_ARGUMENT, 2},
	    {"account,max-balance\na,x\n", JZ_ERR_ARGUMENT, 2},
	    {"account,max-balance\na,1\n", JZ_ERR_RANGE, 2},
	    {"holder\n123456789012345678901234567890123\n", JZ_ERR_RANGE, 2},
	};
	struct jz_order o;
	size_t bad;

	(void)state;
	for (size_t k = 0; k < sizeof(BAD) / sizeof(BAD[0]); k++) {
		assert_int_equal(
		    read_list(BAD[k].text, 0600, &o, &bad), BAD[k].error);
		assert_int_equal(bad, BAD[k].row);
		assert_null(o.lines);
	}
}

/* PINs that others may read are no PINs any more. */
static void
test_pins_are_private(void **state)
{
	struct jz_order o;
	size_t bad;

	(void)state;
	assert_int_equal(
	    read_list("account,pin\na,271828\n", 0640, &o, &bad), JZ_ERR_STATE);
	assert_int_equal(read_list("account\na\n", 0644, &o, &bad), 0);
	jz_order_free(&o);
}

static void
test_many_rows(void **state)
{
	char *text = malloc(1 << 20);
	size_t len = (size_t)sprintf(text, "account\n"), bad;
	struct jz_order o;

	(void)state;
	for (unsigned k = 0; k < 10000; k++)
		len += (size_t)sprintf(text + len, "a%u\n", k);
	assert_int_equal(read_list(text, 0644, &o, &bad), 0);
	assert_int_equal(o.n, 10000);
	assert_string_equal(o.lines[9999].account, "a9999");
	jz_order_free(&o);
	free(text);
}

static void
test_no_list(void **state)
{
	struct jz_order o;
	size_t bad;

	(void)state;
	assert_int_equal(jz_order_read("/nowhere/list.csv", &LIKE, 0, amount,
			     NULL, &o, &bad),
	    JZ_ERR_NOT_FOUND);
	assert_int_equal(jz_order_of(&LIKE, 0, 0, &o), JZ_ERR_RANGE);
	assert_int_equal(
	    jz_order_of(&LIKE, JZ_BUREAU_LINES_MAX + 1, 0, &o), JZ_ERR_RANGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_list),
	    cmocka_unit_test(test_bad_lists),
	    cmocka_unit_test(test_pins_are_private),
	    cmocka_unit_test(test_many_rows),
	    cmocka_unit_test(test_no_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
