/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proves: LOD-5
 * An account's password is counted and locked; what moved on an account.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../../apdu/error.h"
#include "../../support/issuerrig.h"

#define DEPOSIT 10000
#define AMOUNT	2500

static struct jz_secret word;

static const struct jz_secret *
text(const char *s)
{
	assert_int_equal(jz_secret_set(&word, jz_span(s, strlen(s))), 0);
	return &word;
}

static void
assert_check(struct rig *r, const char *account, const char *password,
    enum jz_refusal why)
{
	int err = jz_issuer_account_check(r->issuer, account, text(password));

	assert_int_equal(err, why == JZ_REFUSAL_NONE ? 0 : JZ_ERR_REFUSED);
	assert_string_equal(jz_refusal_name(jz_issuer_refusal(r->issuer)),
	    jz_refusal_name(why));
}

static void
test_right_and_wrong(void **state)
{
	struct rig *r = *state;
	struct fakecard c;

	rig_card(r, &c, 0);
	assert_check(
	    r, c.account, "no password yet", JZ_REFUSAL_UNKNOWN_ACCOUNT);
	assert_int_equal(jz_issuer_account_password(
			     r->issuer, c.account, text("open sesame")),
	    0);
	assert_check(r, c.account, "open sesame", JZ_REFUSAL_NONE);
	assert_check(r, c.account, "open sesam", JZ_REFUSAL_PASSWORD);
	assert_check(r, c.account, "open sesame!", JZ_REFUSAL_PASSWORD);
	assert_check(r, c.account, "", JZ_REFUSAL_PASSWORD);
	assert_check(r, c.account, "open sesame", JZ_REFUSAL_NONE);
	assert_check(r, "nobody", "open sesame", JZ_REFUSAL_UNKNOWN_ACCOUNT);
}

/* The fifth wrong one in a row locks it, for the right one too. */
static void
test_locked(void **state)
{
	struct rig *r = *state;
	struct jz_issuer *other;
	struct fakecard c;

	rig_card(r, &c, 0);
	assert_int_equal(jz_issuer_account_password(
			     r->issuer, c.account, text("open sesame")),
	    0);
	for (unsigned n = 0; n < JZ_PASSWORD_TRIES - 1; n++)
		assert_check(r, c.account, "guess", JZ_REFUSAL_PASSWORD);
	assert_check(r, c.account, "open sesame", JZ_REFUSAL_NONE);
	for (unsigned n = 0; n < JZ_PASSWORD_TRIES; n++)
		assert_check(r, c.account, "guess", JZ_REFUSAL_PASSWORD);
	assert_check(r, c.account, "open sesame", JZ_REFUSAL_PASSWORD_LOCKED);
	/* Wherever it is asked. */
	other = rig_open(r);
	assert_int_equal(
	    jz_issuer_account_check(other, c.account, text("open sesame")),
	    JZ_ERR_REFUSED);
	jz_issuer_free(&other);
	assert_int_equal(jz_issuer_account_password(
			     r->issuer, c.account, text("another one")),
	    0);
	assert_check(r, c.account, "open sesame", JZ_REFUSAL_PASSWORD);
	assert_check(r, c.account, "another one", JZ_REFUSAL_NONE);
}

static void
test_blocked_and_bad(void **state)
{
	struct rig *r = *state;
	struct fakecard c;
	char longest[JZ_PASSWORD_MAX + 2];

	rig_card(r, &c, 0);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(
	    jz_issuer_account_password(r->issuer, c.account, text(longest)),
	    JZ_ERR_RANGE);
	assert_int_equal(
	    jz_issuer_account_password(r->issuer, c.account, text("short")),
	    JZ_ERR_RANGE);
	assert_int_equal(
	    jz_issuer_account_password(r->issuer, "nobody", text(longest + 1)),
	    JZ_ERR_NOT_FOUND);
	assert_int_equal(
	    jz_issuer_account_password(r->issuer, c.account, text(longest + 1)),
	    0);
	assert_int_equal(
	    jz_issuer_block_account(r->issuer, c.account, true), 0);
	assert_check(r, c.account, longest + 1, JZ_REFUSAL_ACCOUNT_BLOCKED);
	assert_int_equal(
	    jz_issuer_block_account(r->issuer, c.account, false), 0);
	assert_check(r, c.account, longest + 1, JZ_REFUSAL_NONE);
}

struct seen {
	unsigned n;
	int64_t sum;
	char reasons[128];
};

static int
see(const struct jz_account_line *line, void *arg)
{
	struct seen *s = arg;
	size_t len = strlen(s->reasons);

	s->n++;
	s->sum += line->amount_minor;
	snprintf(
	    s->reasons + len, sizeof(s->reasons) - len, "%s;", line->reason);
	return 0;
}

static void
test_statement(void **state)
{
	struct rig *r = *state;
	struct seen s = {0};
	struct fakecard c;

	rig_card(r, &c, DEPOSIT);
	(void)rig_load(r, &c, AMOUNT);
	assert_int_equal(
	    jz_issuer_account_statement(r->issuer, c.account, see, &s), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.sum, DEPOSIT - AMOUNT);
	assert_string_equal(s.reasons, "deposit;load permitted;");
	assert_int_equal(
	    jz_issuer_account_statement(r->issuer, "nobody", see, &s),
	    JZ_ERR_NOT_FOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_right_and_wrong, rig_after),
	    cmocka_unit_test_teardown(test_locked, rig_after),
	    cmocka_unit_test_teardown(test_blocked_and_bad, rig_after),
	    cmocka_unit_test_teardown(test_statement, rig_after),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
