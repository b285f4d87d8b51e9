/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power cuts in a payment of the encrypted profile: in each step, from the hello
 * to the receipt, the card opens in the state before or after it, and the host
 * goes on until the amount has moved once.
 *
 * proves: OFP-9 ALL-1 ALL-2 ALL-3
 */
#include "../support/cardrig.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PIN    "123456"
#define FUNDS  50000u
#define AMOUNT 1234u
/* The hello goes before the other steps. */
#define PLACES (1u + STEPS)

struct place {
	struct payment pay;
	struct rig_snapshot *payee, *payer;
};

struct tear {
	struct rig rig;
	struct rig_card *payee, *payer;
	struct blob terms;
	struct payment pay;
	struct place place[PLACES + 1];
	unsigned long cuts;
};

static struct rig_card *
card_of(const struct tear *t, unsigned place)
{
	return place == 0 ||
		payment_card(&t->pay, (enum step)(place - 1)) == &t->payer->port
	    ? t->payer
	    : t->payee;
}

/* One step: the hello behind the terms, or a message. */
static uint16_t
run(struct tear *t, unsigned place)
{
	struct blob *terms = &t->pay.terms;
	struct answer a;

	if (place > 0) {
		t->pay.next = (enum step)(place - 1);
		t->pay.encrypted = false; /* it has its hello */
		return payment_run(&t->pay, (enum step)(place - 1));
	}
	if (port_send(&t->payer->port, AT_HELLO, jz_span(NULL, 0), &a) !=
	    JZ_SW_OK)
		return a.sw;
	*terms = t->terms;
	memcpy(terms->data + terms->len, a.data, a.len);
	terms->len += a.len;
	return JZ_SW_OK;
}

static int
setup(void **state)
{
	struct tear *t = calloc(1, sizeof(*t));
	struct profile payee = profile_of("CN00000000100001");
	struct profile payer = profile_of("CN00000000200001");

	assert_non_null(t);
	rig_new(&t->rig);
	payee.profile = payer.profile = JZ_PROFILE_ENCRYPTED;
	t->payee = rig_purse_new(&t->rig, &payee);
	t->payer = rig_purse_new(&t->rig, &payer);
	assert_int_equal(
	    bank_load(&t->rig.bank, &t->payer->port, PIN, FUNDS), JZ_SW_OK);
	t->pay = payment_of(&t->payee->port, &t->payer->port, AMOUNT, RIG_NOW);
	t->terms = t->pay.terms;
	for (unsigned i = 0; i <= PLACES; i++) {
		t->place[i].pay = t->pay;
		t->place[i].payee = rig_save(t->payee);
		t->place[i].payer = rig_save(t->payer);
		if (i < PLACES)
			assert_int_equal(run(t, i), JZ_SW_OK);
	}
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct tear *t = *state;

	for (unsigned i = 0; i <= PLACES; i++) {
		rig_snapshot_free(&t->place[i].payee);
		rig_snapshot_free(&t->place[i].payer);
	}
	rig_card_free(&t->payee);
	rig_card_free(&t->payer);
	rig_free(&t->rig);
	free(t);
	return 0;
}

static const struct rig_snapshot *
snapshot(const struct tear *t, unsigned place, const struct rig_card *c)
{
	return c == t->payer ? t->place[place].payer : t->place[place].payee;
}

/* The completion once more. */
static uint16_t
fetch(struct tear *t)
{
	uint8_t digest[JZ_DIGEST_BYTES];
	struct blob data;
	struct answer a;

	payment_digest(&t->pay, digest);
	data = fetch_of(digest);
	if (port_send(&t->payer->port, AT_FETCH, blob_span(&data), &a) ==
	    JZ_SW_OK)
		blob_set(&t->pay.message[STEP_COMPLETE], answer_span(&a));
	return a.sw;
}

/*
 * The step again, and what a host does when the card has carried it out: an
 * agreement that is lost is begun anew, a completion fetched, and a receipt
 * that was taken is no loss.
 */
static void
go_on(struct tear *t, unsigned place)
{
	for (unsigned i = place; i < PLACES; i++) {
		uint16_t sw = run(t, i);

		if (sw == JZ_SW_NO_PAYMENT && i == 1 + STEP_AGREE) {
			i = UINT32_MAX; /* and one more is the hello */
			continue;
		}
		if (sw == JZ_SW_NO_PAYMENT && i == 1 + STEP_COMPLETE)
			sw = fetch(t);
		if (sw == JZ_SW_NO_PAYMENT && i == 1 + STEP_ACKNOWLEDGE)
			sw = JZ_SW_OK;
		assert_int_equal(sw, JZ_SW_OK);
	}
	assert_int_equal(port_balance(&t->payer->port), FUNDS - AMOUNT);
	assert_int_equal(port_balance(&t->payee->port), AMOUNT);
}

/* False: the step was carried out before this byte. */
static bool
cut(struct tear *t, unsigned place, uint64_t at)
{
	struct rig_card *c = card_of(t, place);
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
	uint16_t sw;

	t->pay = t->place[place].pay;
	rig_restore(t->payee, t->place[place].payee);
	rig_restore(t->payer, t->place[place].payer);
	plan.cut_after = at;
	jz_fault_plan(c->fault, &plan);
	sw = run(t, place);
	if (!jz_fault_is_cut(c->fault)) {
		assert_int_equal(sw, JZ_SW_OK);
		jz_fault_power_up(c->fault);
		return false;
	}
	assert_int_equal(sw, JZ_SW_MEMORY_FAILURE);
	assert_int_equal(rig_reopen(c), 0);
	t->cuts++;
	return true;
}

static void
test_a_cut_in_any_step(void **state)
{
	struct tear *t = *state;

	for (unsigned i = 0; i < PLACES; i++) {
		struct rig_card *c = card_of(t, i);

		for (uint64_t at = 0; cut(t, i, at); at++) {
			if (!rig_unchanged(c, snapshot(t, i, c)) &&
			    !rig_unchanged(c, snapshot(t, i + 1, c)))
				fail_msg("step %u, byte %llu: neither before "
					 "nor after",
				    i, (unsigned long long)at);
			assert_int_equal(port_select(&c->port), JZ_SW_OK);
			go_on(t, i);
		}
	}
	print_message("%lu cuts\n", t->cuts);
	assert_in_range(t->cuts, PLACES, UINT32_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_a_cut_in_any_step, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
