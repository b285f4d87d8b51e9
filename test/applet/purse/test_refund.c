/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A refund is a payment the other way with a reference to the first: what a
 * payee-only card may pay, to whom, and how much (P7).
 */
#include "../../support/cardrig.h"

#include "../../../apdu/tlv.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PIN	"123456"
#define PAID	2000u
#define LOADED	50000u
#define NOTHING jz_span(NULL, 0)

/* A shop that only receives, and two customers. */
struct fixture {
	struct rig rig;
	struct rig_card *shop, *customer, *other;
	uint32_t counter; /* the shop's, of the customer's payment */
};

static void
pay(struct rig_card *payee, struct rig_card *payer, uint32_t amount)
{
	struct payment p =
	    payment_of(&payee->port, &payer->port, amount, RIG_NOW);

	assert_int_equal(payment_run(&p, STEP_ACKNOWLEDGE), JZ_SW_OK);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct profile shop = profile_of("CN00000000100001");
	struct profile customer = profile_of("CN00000000200001");
	struct profile other = profile_of("CN00000000300001");

	assert_non_null(f);
	rig_new(&f->rig);
	shop.flags = JZ_FLAG_PAYEE_ONLY;
	f->shop = rig_bare_purse_new(&f->rig, &shop);
	f->customer = rig_bare_purse_new(&f->rig, &customer);
	f->other = rig_bare_purse_new(&f->rig, &other);
	assert_int_equal(
	    bank_load(&f->rig.bank, &f->customer->port, PIN, LOADED), JZ_SW_OK);
	assert_int_equal(
	    bank_load(&f->rig.bank, &f->other->port, PIN, LOADED), JZ_SW_OK);
	pay(f->shop, f->customer, PAID);
	f->counter = rig_purse(f->shop)->offline_counter;
	pay(f->shop, f->other, PAID);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	rig_card_free(&f->shop);
	rig_card_free(&f->customer);
	rig_card_free(&f->other);
	rig_free(&f->rig);
	free(f);
	return 0;
}

static struct payment
refund_of(struct rig_card *payee, struct rig_card *payer, uint32_t amount,
    uint32_t counter)
{
	struct payment p =
	    payment_of(&payee->port, &payer->port, amount, RIG_NOW);
	struct jz_buffer b = jz_buffer(p.terms.data, sizeof(p.terms.data));

	b.len = p.terms.len;
	jz_tlv_put_uint(&b, JZ_TAG_REFUND_OF, counter, 4);
	p.terms.len = b.len;
	return p;
}

static void
refused(struct fixture *f, struct rig_card *payee, uint32_t amount,
    uint32_t counter, uint16_t sw)
{
	struct payment p = refund_of(payee, f->shop, amount, counter);

	assert_int_equal(payment_run(&p, STEP_REQUEST), JZ_SW_OK);
	rig_refuses(f->shop, AT_AGREE, blob_span(&p.message[STEP_REQUEST]), sw);
}

static struct jz_message
newest(struct rig_card *c, enum jz_kind kind)
{
	struct jz_message m;
	struct answer a;

	assert_int_equal(port_verify(&c->port, PIN), JZ_SW_OK);
	assert_int_equal(
	    port_send(&c->port, AT_RECORD(1), NOTHING, &a), JZ_SW_OK);
	assert_int_equal(jz_message_decode(answer_span(&a), kind, &m), 0);
	return m;
}

/* In two parts, and not a cent more; both records name the first payment. */
static void
test_a_shop_gives_back_what_it_was_paid(void **state)
{
	struct fixture *f = *state;
	struct payment p =
	    refund_of(f->customer, f->shop, PAID - 500, f->counter);

	assert_int_equal(payment_run(&p, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(port_balance(&f->customer->port), LOADED - 500);
	assert_int_equal(port_balance(&f->shop->port), PAID + 500);
	assert_int_equal(
	    newest(f->shop, JZ_KIND_RECORD_PAID).refund_of, f->counter);
	assert_int_equal(
	    newest(f->customer, JZ_KIND_RECORD_RECEIVED).refund_of, f->counter);
	refused(f, f->customer, 501, f->counter, JZ_SW_REFUND);
	p = refund_of(f->customer, f->shop, 500, f->counter);
	assert_int_equal(payment_run(&p, STEP_ACKNOWLEDGE), JZ_SW_OK);
	refused(f, f->customer, 1, f->counter, JZ_SW_REFUND);
	assert_int_equal(port_balance(&f->customer->port), LOADED);
}

static void
test_a_shop_pays_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct payment p =
	    payment_of(&f->customer->port, &f->shop->port, 100, RIG_NOW);

	assert_int_equal(payment_run(&p, STEP_REQUEST), JZ_SW_OK);
	rig_refuses(f->shop, AT_AGREE, blob_span(&p.message[STEP_REQUEST]),
	    JZ_SW_CERT_ROLE);
	/* No such payment, and one of another customer. */
	refused(f, f->customer, 100, f->counter + 7, JZ_SW_REFUND);
	refused(f, f->customer, 100, f->counter + 1, JZ_SW_REFUND);
	refused(f, f->other, 100, f->counter, JZ_SW_REFUND);
	refused(f, f->customer, PAID + 1, f->counter, JZ_SW_REFUND);
}

/* What the customer has not asked for as a refund it takes from no shop. */
static void
test_the_customer_knows_what_it_asked_for(void **state)
{
	struct fixture *f = *state;
	struct payment p = refund_of(f->customer, f->shop, 100, f->counter);
	static const uint8_t none[3];

	assert_int_equal(payment_run(&p, STEP_AGREE), JZ_SW_OK);
	rig_poke(f->customer, rig_purse(f->customer)->request.refund_of, none,
	    sizeof(none));
	rig_refuses(f->customer, AT_CONFIRM, blob_span(&p.message[STEP_AGREE]),
	    JZ_SW_CERT_ROLE);
}

/* Any card that gives back is held to the same. */
static void
test_a_card_that_pays_anything_is_held_to_it_too(void **state)
{
	struct fixture *f = *state;
	struct payment p = refund_of(f->other, f->customer, 100, 1);

	assert_int_equal(payment_run(&p, STEP_REQUEST), JZ_SW_OK);
	rig_refuses(f->customer, AT_AGREE, blob_span(&p.message[STEP_REQUEST]),
	    JZ_SW_REFUND);
}

/* A reference of 0 is none, one above three bytes cannot be kept. */
static void
test_references_that_are_none(void **state)
{
	struct fixture *f = *state;
	struct payment p = refund_of(f->customer, f->shop, 100, 0);

	rig_refuses(f->customer, AT_REQUEST, blob_span(&p.terms), JZ_SW_DATA);
	p = refund_of(f->customer, f->shop, 100, 0x1000000);
	rig_refuses(f->customer, AT_REQUEST, blob_span(&p.terms), JZ_SW_REFUND);
}

/* Given up half-way, it is given back again; settled, it still counts. */
static void
test_what_counts(void **state)
{
	struct fixture *f = *state;
	struct payment p = refund_of(f->customer, f->shop, PAID, f->counter);
	uint32_t n;

	assert_int_equal(payment_run(&p, STEP_AGREE), JZ_SW_OK);
	p = refund_of(f->customer, f->shop, PAID, f->counter);
	assert_int_equal(payment_run(&p, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(
	    bank_settle(&f->rig.bank, &f->shop->port, &n), JZ_SW_OK);
	assert_int_equal(n, 3);
	refused(f, f->customer, 1, f->counter, JZ_SW_REFUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_shop_gives_back_what_it_was_paid),
	    TEST(test_a_shop_pays_nothing_else),
	    TEST(test_the_customer_knows_what_it_asked_for),
	    TEST(test_a_card_that_pays_anything_is_held_to_it_too),
	    TEST(test_references_that_are_none),
	    TEST(test_what_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
