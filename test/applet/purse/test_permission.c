/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CREDIT FOR LOAD: exactly once, and only against the host's permission for
 * this very request.
 */
#include "../../support/loading.h"
#include "../../../apdu/time.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CARD_ID LOADING_ID
#define PIN	LOADING_PIN
#define AMOUNT	LOADING_AMOUNT
#define NOTHING jz_span(NULL, 0)

struct spoilt {
	const char *what;
	void (*spoil)(struct loading *f, struct jz_message *m);
	uint16_t sw;
};

static void
spoil_card(struct loading *f, struct jz_message *m)
{
	(void)f;
	m->card_id[15] ^= 1;
}

static void
spoil_counter(struct loading *f, struct jz_message *m)
{
	(void)f;
	m->online_counter++;
}

static void
spoil_digest(struct loading *f, struct jz_message *m)
{
	(void)f;
	m->payment.request_digest[31] ^= 1;
}

static void
spoil_amount(struct loading *f, struct jz_message *m)
{
	(void)f;
	m->payment.amount++;
}

static void
spoil_currency(struct loading *f, struct jz_message *m)
{
	(void)f;
	m->payment.currency = 840;
}

static void
spoil_host(struct loading *f, struct jz_message *m)
{
	(void)f;
	m->host_id[14] ^= 1;
}

static const struct spoilt SPOILT[] = {
    {"card", spoil_card, JZ_SW_MISMATCH},
    {"counter", spoil_counter, JZ_SW_MISMATCH},
    {"digest", spoil_digest, JZ_SW_MISMATCH},
    {"amount", spoil_amount, JZ_SW_MISMATCH},
    {"currency", spoil_currency, JZ_SW_MISMATCH},
    {"host", spoil_host, JZ_SW_CERT_ISSUER},
};

/* Signed by the host, and yet not for the open load.  proves: LOD-6 */
static void
test_a_permission_for_another_load_is_refused(void **state)
{
	struct loading *f = *state;

	loading_initialize(f, AMOUNT);
	for (size_t i = 0; i < sizeof(SPOILT) / sizeof(SPOILT[0]); i++) {
		f->permission =
		    bank_permission(f->bank, &f->request, f->digest);
		SPOILT[i].spoil(f, &f->permission);
		loading_permit(f);
		loading_refuses(f, SPOILT[i].sw);
	}
	loading_still_credits(f);
}

static void
test_a_permission_without_open_load_is_6985(void **state)
{
	struct loading *f = *state;
	struct rig_snapshot *s = rig_save(f->card);

	loading_initialize(f, AMOUNT);
	rig_restore(f->card, s);
	loading_refuses(f, JZ_SW_CONDITIONS);
	rig_snapshot_free(&s);
}

/* The permission as it is, given at this time. */
static void
refuses_at(struct loading *f, int64_t time, uint16_t sw)
{
	f->permission.payment.time = time;
	f->data = bank_encode(&f->permission);
	f->data = bank_credit_data(time, &f->data);
	loading_refuses(f, sw);
}

/* 6A80, 9429 (time), then the rest: the order of the refusals. */
static void
test_refusals_of_credit_in_their_order(void **state)
{
	struct loading *f = *state;
	struct jz_message good;
	struct blob data;

	loading_initialize(f, AMOUNT);
	good = f->permission;
	memset(good.signature, 0, sizeof(good.signature));
	/* Every rule broken but the one before. */
	f->permission.payment.amount++;
	f->permission.host_id[14] ^= 1;
	f->data = bank_encode(&f->permission);
	data = bank_credit_data(RIG_NOW + 1, &f->data);
	data.len--;
	rig_refuses(f->card, AT_CREDIT_LOAD, blob_span(&data), JZ_SW_DATA);
	data = bank_credit_data(RIG_NOW + 1, &f->data);
	rig_refuses(f->card, AT_CREDIT_LOAD, blob_span(&data), JZ_SW_MISMATCH);
	data = bank_credit_data(RIG_NOW, &f->data);
	rig_refuses(f->card, AT_CREDIT_LOAD, blob_span(&data), JZ_SW_MISMATCH);
	f->permission.payment.amount--;
	refuses_at(f, f->purse->host.from - 1, JZ_SW_CERT_NOT_YET);
	refuses_at(f, f->purse->host.to, JZ_SW_CERT_EXPIRED);
	refuses_at(f, f->purse->host.to - 1, JZ_SW_CERT_ISSUER);
	f->permission = good;
	refuses_at(f, RIG_NOW, JZ_SW_MAC);
	loading_still_credits(f);
}

static void
test_the_time_beside_the_permission_is_the_permissions(void **state)
{
	struct loading *f = *state;

	loading_initialize(f, AMOUNT);
	for (size_t i = 0; i < JZ_TIME_BYTES * 8; i++) {
		f->data.data[i / 8] ^= (uint8_t)(1u << i % 8);
		loading_refuses(f, JZ_SW_MISMATCH);
		f->data.data[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	loading_still_credits(f);
}

/* proves: LOD-6 (a bad permission credits nothing), ALL-4 */
static void
test_no_flipped_bit_in_a_permission_is_accepted(void **state)
{
	struct loading *f = *state;
	struct rig_snapshot *s;
	struct answer a;

	loading_initialize(f, AMOUNT);
	s = rig_save(f->card);
	for (size_t i = 0; i < f->data.len * 8; i++) {
		struct blob b = f->data;

		b.data[i / 8] ^= (uint8_t)(1u << i % 8);
		if (port_send(f->port, AT_CREDIT_LOAD, blob_span(&b), &a) ==
		    JZ_SW_OK)
			fail_msg("bit %zu", i);
		assert_int_equal(a.len, 0);
		assert_true(rig_unchanged(f->card, s));
	}
	loading_still_credits(f);
	rig_snapshot_free(&s);
}

static void
test_only_the_hosts_signature_counts(void **state)
{
	struct loading *f = *state;
	const struct jz_key_pair *keys[] = {
	    &f->bank->ca, &f->bank->root, &f->purse->key};

	loading_initialize(f, AMOUNT);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		assert_int_equal(
		    jz_message_sign(&f->rig.engine, &f->permission, keys[i]),
		    0);
		f->data = bank_encode(&f->permission);
		f->data = bank_credit_data(RIG_NOW, &f->data);
		loading_refuses(f, JZ_SW_MAC);
	}
	loading_still_credits(f);
}

static void
test_a_due_load_goes_through_whatever_the_clock_says(void **state)
{
	struct loading *f = *state;
	const int64_t clocks[] = {
	    0, f->purse->host.from - 1, f->purse->host.to};

	for (unsigned i = 0; i < 3; i++) {
		struct rig_card *bare =
		    rig_bare_purse_new(&f->rig, &f->profile);

		rig_set_time(bare, clocks[i]);
		assert_int_equal(
		    bank_load(f->bank, &bare->port, PIN, AMOUNT), JZ_SW_OK);
		assert_int_equal(
		    purse_time(rig_purse(bare)->record[1].payment.time),
		    RIG_NOW);
		rig_card_free(&bare);
	}
}

/* proves: LOD-6 (exactly once) */
static void
test_the_same_permission_again_gives_the_same_report(void **state)
{
	struct loading *f = *state;
	uint8_t before[32], after[32];
	struct answer first, again;

	loading_initialize(f, AMOUNT);
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&f->data), &first);
	rig_hash(f->card, before);
	for (unsigned i = 0; i < 3; i++) {
		if (i == 1)
			rig_restart(f->card);
		rig_accepts(
		    f->card, AT_CREDIT_LOAD, blob_span(&f->data), &again);
		assert_int_equal(first.len, again.len);
		assert_memory_equal(first.data, again.data, first.len);
		rig_hash(f->card, after);
		assert_memory_equal(before, after, 32);
	}
	assert_int_equal(port_balance(f->port), AMOUNT);
}

static void
test_an_old_permission_while_a_new_load_is_open(void **state)
{
	struct loading *f = *state;
	struct blob old;
	struct answer first, again;

	loading_initialize(f, AMOUNT);
	old = f->data;
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&old), &first);
	loading_initialize(f, AMOUNT);
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&old), &again);
	assert_memory_equal(first.data, again.data, first.len);
	assert_int_equal(port_balance(f->port), AMOUNT);
	loading_still_credits(f);
	assert_int_equal(port_balance(f->port), 2 * AMOUNT);
}

static void
test_a_settled_permission_credits_no_more(void **state)
{
	struct loading *f = *state;
	uint8_t before[32], after[32];
	uint32_t n;

	loading_initialize(f, AMOUNT);
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&f->data), NULL);
	assert_int_equal(bank_settle(f->bank, f->port, &n), JZ_SW_OK);
	assert_int_equal(n, 1);
	rig_hash(f->card, before);
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&f->data), NULL);
	rig_hash(f->card, after);
	assert_memory_equal(before, after, sizeof(before));
}

int
main(void)
{
#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, loading_setup, loading_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_permission_for_another_load_is_refused),
	    TEST(test_a_permission_without_open_load_is_6985),
	    TEST(test_refusals_of_credit_in_their_order),
	    TEST(test_the_time_beside_the_permission_is_the_permissions),
	    TEST(test_no_flipped_bit_in_a_permission_is_accepted),
	    TEST(test_only_the_hosts_signature_counts),
	    TEST(test_a_due_load_goes_through_whatever_the_clock_says),
	    TEST(test_the_same_permission_again_gives_the_same_report),
	    TEST(test_an_old_permission_while_a_new_load_is_open),
	    TEST(test_a_settled_permission_credits_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
