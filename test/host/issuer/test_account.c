/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Customers' accounts, and the cards that are certified for them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../apdu/error.h"
#include "../../../apdu/time.h"
#include "../../support/issuerrig.h"

#define NO_SUCH "no-such-account"

static void
test_deposit_moves_from_cash(void **state)
{
	struct rig *r = *state;
	struct fakecard c;
	struct jz_books before, after;

	rig_card(r, &c, 0);
	before = rig_books(r);
	assert_int_equal(rig_balance(r, &c), 0);
	assert_int_equal(jz_issuer_deposit(r->issuer, c.account, 700), 0);
	assert_int_equal(jz_issuer_deposit(r->issuer, c.account, 700), 0);
	after = rig_books(r);
	assert_int_equal(rig_balance(r, &c), 1400);
	assert_int_equal(after.cash - before.cash, 1400);
	assert_int_equal(after.accounts - before.accounts, 1400);
	assert_int_equal(after.cards, before.cards);
}

static void
test_account_is_opened_once(void **state)
{
	struct rig *r = *state;
	struct fakecard c;
	uint64_t before;

	rig_card(r, &c, 5);
	before = rig_snapshot(r);
	assert_int_equal(jz_issuer_account_open(r->issuer, c.account, c.holder),
	    JZ_ERR_EXISTS);
	assert_int_equal(
	    jz_issuer_account_open(r->issuer, c.account, "another"),
	    JZ_ERR_EXISTS);
	assert_true(rig_snapshot(r) == before);
}

/* ALL-4 */
static void
test_names_that_no_card_could_carry(void **state)
{
	static const struct {
		const char *account, *holder;
		int err;
	} CASES[] = {
	    {"", "holder", JZ_ERR_RANGE},
	    {"12345678901234567890123456789012345", "holder", JZ_ERR_RANGE},
	    {"with space", "holder", JZ_ERR_ARGUMENT},
	    {"tab\t", "holder", JZ_ERR_ARGUMENT},
	    {"\x7F", "holder", JZ_ERR_ARGUMENT},
	    {"账户", "holder", JZ_ERR_ARGUMENT},
	    {"good1", "", JZ_ERR_RANGE},
	    {"good1", "123456789012345678901234567890123", JZ_ERR_RANGE},
	    {"good1", "line\nfeed", JZ_ERR_ARGUMENT},
	};
	struct rig *r = *state;
	uint64_t before = rig_snapshot(r);

	for (size_t k = 0; k < sizeof(CASES) / sizeof(CASES[0]); k++)
		assert_int_equal(jz_issuer_account_open(r->issuer,
				     CASES[k].account, CASES[k].holder),
		    CASES[k].err);
	assert_true(rig_snapshot(r) == before);
}

/* Names reach the database as values, never as SQL. */
static void
test_names_with_quotes(void **state)
{
	static const char ACCOUNT[] = "a');DROP/**/TABLE/**/card;--";
	struct rig *r = *state;
	int64_t minor;

	assert_int_equal(
	    jz_issuer_account_open(r->issuer, ACCOUNT, "O'Hara 张三"), 0);
	assert_int_equal(jz_issuer_deposit(r->issuer, ACCOUNT, 9), 0);
	assert_int_equal(
	    jz_issuer_account_balance(r->issuer, ACCOUNT, &minor), 0);
	assert_int_equal(minor, 9);
	/* A name is not cut to one that exists. */
	assert_int_equal(jz_issuer_account_balance(r->issuer, "a", &minor),
	    JZ_ERR_NOT_FOUND);
}

static void
test_unknown_account(void **state)
{
	struct rig *r = *state;
	uint64_t before = rig_snapshot(r);
	const uint8_t nobody[JZ_ID_BYTES] = "CN99999999999999";
	int64_t minor;

	rig_refused(r, jz_issuer_deposit(r->issuer, NO_SUCH, 5),
	    JZ_REFUSAL_UNKNOWN_ACCOUNT, before);
	assert_int_equal(jz_issuer_account_balance(r->issuer, NO_SUCH, &minor),
	    JZ_ERR_NOT_FOUND);
	assert_int_equal(
	    jz_issuer_shadow(r->issuer, nobody, &minor), JZ_ERR_NOT_FOUND);
	assert_int_equal(jz_issuer_block_account(r->issuer, NO_SUCH, true),
	    JZ_ERR_NOT_FOUND);
	assert_int_equal(
	    jz_issuer_block_card(r->issuer, nobody, true), JZ_ERR_NOT_FOUND);
}

static void
test_deposit_amounts(void **state)
{
	static const uint64_t AMOUNTS[] = {
	    0, JZ_ISSUER_DEPOSIT_MAX + 1, INT64_MAX, UINT64_MAX};
	struct rig *r = *state;
	struct fakecard c;
	uint64_t before;

	rig_card(r, &c, JZ_ISSUER_DEPOSIT_MAX);
	before = rig_snapshot(r);
	for (size_t k = 0; k < sizeof(AMOUNTS) / sizeof(AMOUNTS[0]); k++)
		rig_refused(r,
		    jz_issuer_deposit(r->issuer, c.account, AMOUNTS[k]),
		    JZ_REFUSAL_AMOUNT, before);
	assert_int_equal(rig_balance(r, &c), JZ_ISSUER_DEPOSIT_MAX);
}

static void
test_blocked_account(void **state)
{
	struct rig *r = *state;
	struct fakecard c;
	uint8_t bytes[JZ_CERTIFICATE_MAX], id[JZ_ID_BYTES], asn[10];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	uint64_t before;

	rig_card(r, &c, 10);
	assert_int_equal(
	    jz_issuer_block_account(r->issuer, c.account, true), 0);
	before = rig_snapshot(r);
	rig_refused(r, jz_issuer_deposit(r->issuer, c.account, 5),
	    JZ_REFUSAL_ACCOUNT_BLOCKED, before);
	rig_refused(r,
	    jz_issuer_certify(r->issuer, c.account, c.holder, c.key.public_key,
		0, id, asn, &b),
	    JZ_REFUSAL_ACCOUNT_BLOCKED, before);
	assert_int_equal(b.len, 0);
	assert_int_equal(
	    jz_issuer_block_account(r->issuer, c.account, false), 0);
	assert_int_equal(jz_issuer_deposit(r->issuer, c.account, 5), 0);
	assert_int_equal(rig_balance(r, &c), 15);
}

/* ---- cards -------------------------------------------------------------- */

static void
check_numbers(const struct fakecard *c)
{
	char digits[21], expected[21];

	for (size_t k = 0; k < sizeof(c->asn); k++)
		snprintf(digits + 2 * k, 3, "%02x", (unsigned)c->asn[k]);
	assert_memory_equal(c->id, "CN", 2);
	assert_memory_equal(c->id + 11, "00001", 5);
	snprintf(
	    expected, sizeof(expected), "860001%.14s", (const char *)c->id + 2);
	assert_string_equal(digits, expected);
}

/* OFP-8, LOD-1: the card gets its own certificate, its ID in it. */
static void
test_certificate(void **state)
{
	struct rig *r = *state;
	struct jz_certificate ca, own;
	struct jz_authority by;
	struct fakecard c;
	char from[21], to[21];

	rig_card(r, &c, 0);
	check_numbers(&c);
	assert_int_equal(jz_certificate_parse(
			     jz_issuer_ca(r->issuer), r->engine.crypto, &ca),
	    0);
	memcpy(by.reference, ca.holder, JZ_REFERENCE_BYTES);
	memcpy(by.public_key, ca.public_key, JZ_POINT_BYTES);
	assert_int_equal(
	    jz_certificate_parse(jz_span(c.certificate, c.certificate_len),
		r->engine.crypto, &own),
	    0);
	assert_int_equal(
	    jz_certificate_verify(&r->engine, &own, &by, JZ_ROLE_CARD, r->now),
	    0);
	assert_memory_equal(own.holder, c.id, JZ_ID_BYTES);
	assert_memory_equal(own.public_key, c.key.public_key, JZ_POINT_BYTES);
	assert_int_equal(own.assurance, JZ_ASSURANCE_SOFTWARE);
	assert_int_equal(own.generation, 1);
	assert_int_equal(own.flags, 0);
	/* From today, for five years. */
	assert_int_equal(own.from, r->now - r->now % RIG_DAY);
	jz_time_to_text(own.from, from);
	jz_time_to_text(own.to, to);
	assert_int_equal(to[3], '0' + (from[3] - '0' + 5) % 10);
	assert_in_range(
	    own.to - own.from, 5 * 365 * RIG_DAY, (5 * 365 + 2) * RIG_DAY);
}

/* The nine digits after "CN". */
static long
card_number(const struct fakecard *c)
{
	char digits[10];

	snprintf(digits, sizeof(digits), "%.9s", (const char *)c->id + 2);
	return strtol(digits, NULL, 10);
}

static void
test_card_numbers_follow_on(void **state)
{
	struct rig *r = *state;
	struct fakecard a, b;

	rig_card(r, &a, 0);
	rig_card(r, &b, 0);
	assert_int_equal(card_number(&b), card_number(&a) + 1);
}

static int
certify(struct rig *r, const struct fakecard *c, const char *holder,
    uint8_t flags, struct fakecard *out)
{
	struct jz_buffer b =
	    jz_buffer(out->certificate, sizeof(out->certificate));
	int err = jz_issuer_certify(r->issuer, c->account, holder,
	    c->key.public_key, flags, out->id, out->asn, &b);

	out->certificate_len = b.len;
	return err;
}

/* A personalisation that was cut off and is done again makes no new card. */
static void
test_same_key_same_card(void **state)
{
	struct rig *r = *state;
	struct fakecard c, again;
	uint64_t before;

	rig_card(r, &c, 0);
	before = rig_snapshot(r);
	memset(&again, 0, sizeof(again));
	assert_int_equal(certify(r, &c, c.holder, 0, &again), 0);
	assert_memory_equal(again.id, c.id, JZ_ID_BYTES);
	assert_memory_equal(again.asn, c.asn, sizeof(c.asn));
	assert_int_equal(again.certificate_len, c.certificate_len);
	assert_memory_equal(
	    again.certificate, c.certificate, c.certificate_len);
	assert_true(rig_snapshot(r) == before);
	/* Bound otherwise, it is another card. */
	assert_int_equal(certify(r, &c, "somebody else", 0, &again), 0);
	assert_memory_not_equal(again.id, c.id, JZ_ID_BYTES);
}

static void
test_payee_only_flag(void **state)
{
	struct rig *r = *state;
	struct fakecard c, merchant;
	struct jz_certificate own;

	rig_card(r, &c, 0);
	assert_int_equal(
	    certify(r, &c, c.holder, JZ_FLAG_PAYEE_ONLY, &merchant), 0);
	assert_int_equal(jz_certificate_parse(jz_span(merchant.certificate,
						  merchant.certificate_len),
			     r->engine.crypto, &own),
	    0);
	assert_int_equal(own.flags, JZ_FLAG_PAYEE_ONLY);
}

/* ALL-4 */
static void
test_refused_certification(void **state)
{
	struct rig *r = *state;
	uint8_t bytes[JZ_CERTIFICATE_MAX], id[JZ_ID_BYTES], asn[10];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_buffer small = jz_buffer(bytes, 20);
	struct fakecard c, other;
	uint64_t before;

	rig_card(r, &c, 0);
	fakecard_new(&other, &r->engine, r->now);
	before = rig_snapshot(r);
	assert_int_equal(jz_issuer_certify(r->issuer, NO_SUCH, "x",
			     other.key.public_key, 0, id, asn, &b),
	    JZ_ERR_NOT_FOUND);
	assert_int_equal(jz_issuer_certify(r->issuer, c.account, "",
			     other.key.public_key, 0, id, asn, &b),
	    JZ_ERR_RANGE);
	assert_int_equal(jz_issuer_certify(r->issuer, c.account, c.holder,
			     other.key.public_key, 0, id, asn, &small),
	    JZ_ERR_SPACE);
	assert_int_equal(jz_issuer_certify(r->issuer, c.account, c.holder,
			     other.key.public_key, 0x80, id, asn, &b),
	    JZ_ERR_RANGE);
	/* Not a point of the curve. */
	other.key.public_key[40] ^= 1;
	assert_int_equal(jz_issuer_certify(r->issuer, c.account, c.holder,
			     other.key.public_key, 0, id, asn, &b),
	    JZ_ERR_KEY);
	assert_int_equal(b.len, 0);
	assert_true(rig_snapshot(r) == before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_deposit_moves_from_cash, rig_after),
	    cmocka_unit_test_teardown(test_account_is_opened_once, rig_after),
	    cmocka_unit_test_teardown(
		test_names_that_no_card_could_carry, rig_after),
	    cmocka_unit_test_teardown(test_names_with_quotes, rig_after),
	    cmocka_unit_test_teardown(test_unknown_account, rig_after),
	    cmocka_unit_test_teardown(test_deposit_amounts, rig_after),
	    cmocka_unit_test_teardown(test_blocked_account, rig_after),
	    cmocka_unit_test_teardown(test_certificate, rig_after),
	    cmocka_unit_test_teardown(test_card_numbers_follow_on, rig_after),
	    cmocka_unit_test_teardown(test_same_key_same_card, rig_after),
	    cmocka_unit_test_teardown(test_payee_only_flag, rig_after),
	    cmocka_unit_test_teardown(test_refused_certification, rig_after),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
