/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The e-signature card as a terminal and its issuer use it, from the one
 * contact to the moved money, and how much of a contact it is (JPS-18).
 */
#include "../support/contact.h"
#include "../support/issuerrig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "../support/suite.h"

#define FROM	      "622200001"
#define TO	      "622200002"
#define CONTACT_APDUS 3u /* of a short message */

static struct jz_issuer_esign desk;

static int
setup(void **state)
{
	struct rig *r;

	assert_int_equal(rig_setup(state), 0);
	r = *state;
	assert_int_equal(jz_issuer_account_open(r->issuer, FROM, FROM), 0);
	assert_int_equal(jz_issuer_account_open(r->issuer, TO, TO), 0);
	assert_int_equal(jz_issuer_deposit(r->issuer, FROM, RIG_DEPOSIT), 0);
	assert_int_equal(
	    jz_issuer_esign_open(r->issuer, r->dir, rig_passphrase(), &desk),
	    0);
	return 0;
}

static int
teardown(void **state)
{
	jz_issuer_esign_close(&desk);
	return rig_teardown(state);
}

static void
count(const char *reader, bool command, struct jz_span apdu, void *arg)
{
	(void)reader;
	(void)apdu;
	if (command)
		++*(unsigned *)arg;
}

struct contact {
	uint8_t order[JZ_ESIGN_ORDER_MAX], signature[JZ_ESIGN_SIGNATURE_MAX];
	size_t order_len, signature_len;
	unsigned apdus;
};

static void
touch(struct contact_card *c, struct contact *out)
{
	struct jz_buffer b = jz_buffer(out->signature, sizeof(out->signature));

	assert_int_equal(contact_order(FROM, TO, out->order, sizeof(out->order),
			     &out->order_len),
	    0);
	out->apdus = 0;
	jz_reader_trace(count, &out->apdus);
	assert_int_equal(jz_sign_contact(&c->session,
			     jz_span(out->order, out->order_len), &b),
	    0);
	jz_reader_trace(NULL, NULL);
	out->signature_len = b.len;
}

static enum jz_esign_verdict
submit(const struct contact *c, const char *typed)
{
	uint8_t bytes[JZ_ESIGN_SUBMISSION_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	const struct jz_esign_submission s = {
	    .order = jz_span(c->order, c->order_len),
	    .signature = jz_span(c->signature, c->signature_len),
	    .typed = jz_span(typed, strlen(typed))};
	enum jz_esign_verdict v;

	assert_int_equal(jz_esign_put_submission(&s, &b), 0);
	assert_int_equal(
	    jz_esign_submit(&desk.verifier, jz_buffer_span(&b), &v), 0);
	return v;
}

static void
new_card(struct rig *r, struct contact_card *c, enum jz_protocol protocol)
{
	assert_int_equal(contact_card_new(c, r->issuer, &desk.verifier, FROM,
			     test_suite(), protocol),
	    0);
}

static void
test_one_contact(void **state)
{
	struct rig *r = *state;
	char password[JZ_VIRTUAL_LINE_BYTES];
	int64_t before, after;
	struct contact_card c;
	struct contact x;

	new_card(r, &c, JZ_PROTOCOL_T1);
	touch(&c, &x);
	assert_in_range(x.apdus, 1, CONTACT_APDUS);
	assert_true(contact_password(&c, password));
	assert_int_equal(jz_issuer_account_balance(r->issuer, TO, &before), 0);
	assert_int_equal(submit(&x, password), JZ_ESIGN_EXECUTED);
	assert_int_equal(submit(&x, password), JZ_ESIGN_EXECUTED_BEFORE);
	assert_int_equal(jz_issuer_account_balance(r->issuer, TO, &after), 0);
	assert_true(after == before + 1);
	contact_card_free(&c);
}

/* Where an answer must be fetched (T=0) no more than that is added. */
static void
test_one_contact_t0(void **state)
{
	struct contact_card c;
	struct contact x;

	new_card(*state, &c, JZ_PROTOCOL_T0);
	touch(&c, &x);
	assert_in_range(x.apdus, 1, CONTACT_APDUS);
	contact_card_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_one_contact, rig_after),
	    cmocka_unit_test_teardown(test_one_contact_t0, rig_after),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
