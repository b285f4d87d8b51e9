/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bank as executor: a signed transfer in its own books, once.
 */
#include "../../support/issuerrig.h"

#include "../../../apdu/error.h"
#include "../../../host/issuer/esign.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct jz_span
text(const char *s)
{
	return jz_span(s, strlen(s));
}

static struct jz_esign_transfer
transfer(const char *reference, uint64_t amount)
{
	struct jz_esign_transfer t = {.order = {.account = text("payer"),
					  .amount = amount,
					  .currency = RIG_CURRENCY,
					  .to_account = text("payee")}};

	strcpy(t.reference, reference);
	return t;
}

static int64_t
balance(struct rig *r, const char *account)
{
	int64_t minor;

	assert_int_equal(
	    jz_issuer_account_balance(r->issuer, account, &minor), 0);
	return minor;
}

static int
setup(void **state)
{
	struct rig *r;

	rig_setup(state);
	r = *state;
	assert_int_equal(
	    jz_issuer_account_open(r->issuer, "payer", "Alice"), 0);
	assert_int_equal(jz_issuer_account_open(r->issuer, "payee", "张三"), 0);
	assert_int_equal(jz_issuer_deposit(r->issuer, "payer", 10000), 0);
	return 0;
}

/* proves: JPS-13 JPS-15 JPS-20 */
static void
test_a_transfer_is_booked_once(void **state)
{
	struct rig *r = *state;
	struct jz_esign_executor bank = jz_esign_bank(r->issuer);
	struct jz_esign_transfer t = transfer("CN00000000300001:1", 1234);

	assert_int_equal(bank.execute(bank.arg, &t), 0);
	assert_int_equal(bank.execute(bank.arg, &t), 0);
	assert_int_equal(balance(r, "payer"), 10000 - 1234);
	assert_int_equal(balance(r, "payee"), 1234);
	assert_true(rig_books(r).balanced);
	strcpy(t.reference, "CN00000000300001:2");
	assert_int_equal(bank.execute(bank.arg, &t), 0);
	assert_int_equal(balance(r, "payee"), 2 * 1234);
}

static void
test_what_cannot_be_booked_is_refused_by_name(void **state)
{
	struct rig *r = *state;
	struct jz_esign_executor bank = jz_esign_bank(r->issuer);
	struct jz_esign_transfer t;
	int64_t before = balance(r, "payer");

	t = transfer("a:1", 1000000);
	assert_int_equal(bank.execute(bank.arg, &t), JZ_ERR_REFUSED);
	assert_int_equal(jz_issuer_refusal(r->issuer), JZ_REFUSAL_FUNDS);
	t = transfer("a:2", UINT64_MAX);
	assert_int_equal(bank.execute(bank.arg, &t), JZ_ERR_REFUSED);
	assert_int_equal(jz_issuer_refusal(r->issuer), JZ_REFUSAL_AMOUNT);
	t = transfer("a:3", 1);
	t.order.currency = 840;
	assert_int_equal(bank.execute(bank.arg, &t), JZ_ERR_REFUSED);
	assert_int_equal(jz_issuer_refusal(r->issuer), JZ_REFUSAL_CURRENCY);
	t = transfer("a:4", 1);
	t.order.to_account = text("nobody");
	assert_int_equal(bank.execute(bank.arg, &t), JZ_ERR_REFUSED);
	assert_int_equal(
	    jz_issuer_refusal(r->issuer), JZ_REFUSAL_UNKNOWN_ACCOUNT);
	t = transfer("a:5", 1);
	t.order.to_account = text("payer");
	assert_int_equal(bank.execute(bank.arg, &t), JZ_ERR_REFUSED);
	assert_int_equal(
	    jz_issuer_refusal(r->issuer), JZ_REFUSAL_WRONG_ACCOUNT);
	assert_int_equal(jz_issuer_block_account(r->issuer, "payer", true), 0);
	t = transfer("a:6", 1);
	assert_int_equal(bank.execute(bank.arg, &t), JZ_ERR_REFUSED);
	assert_int_equal(
	    jz_issuer_refusal(r->issuer), JZ_REFUSAL_ACCOUNT_BLOCKED);
	assert_int_equal(jz_issuer_block_account(r->issuer, "payer", false), 0);
	assert_int_equal(balance(r, "payer"), before);
	assert_true(rig_books(r).balanced);
}

/* Its user may have been told to sign anew.  proves: JPS-15 JPS-20 */
static void
test_what_was_refused_stays_refused(void **state)
{
	struct rig *r = *state;
	struct jz_esign_executor bank = jz_esign_bank(r->issuer);
	struct jz_esign_transfer t = transfer("b:1", 50000);
	int64_t payer, payee = balance(r, "payee");

	assert_int_equal(bank.execute(bank.arg, &t), JZ_ERR_REFUSED);
	assert_int_equal(jz_issuer_deposit(r->issuer, "payer", 100000), 0);
	payer = balance(r, "payer");
	assert_int_equal(bank.execute(bank.arg, &t), JZ_ERR_REFUSED);
	assert_int_equal(jz_issuer_refusal(r->issuer), JZ_REFUSAL_FUNDS);
	assert_int_equal(balance(r, "payer"), payer);
	/* Signed anew it is another transfer. */
	strcpy(t.reference, "b:2");
	assert_int_equal(bank.execute(bank.arg, &t), 0);
	assert_int_equal(balance(r, "payee"), payee + 50000);
	assert_true(rig_books(r).balanced);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_transfer_is_booked_once),
	    cmocka_unit_test(test_what_cannot_be_booked_is_refused_by_name),
	    cmocka_unit_test(test_what_was_refused_stays_refused),
	};

	return cmocka_run_group_tests(tests, setup, rig_teardown);
}
