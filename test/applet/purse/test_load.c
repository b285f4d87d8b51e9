/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load: exactly once, only against the host's permission for this very
 * request, and never after its cancellation was signed.
 */
#include "../../support/cardrig.h"
#include "../../../apdu/error.h"
#include "../../../apdu/time.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CARD_ID "CN00000000100001"
#define PIN	"123456"
#define AMOUNT	2500u
#define NOTHING jz_span(NULL, 0)

struct fixture {
	struct rig rig;
	struct bank *bank;
	struct profile profile;
	struct rig_card *card;
	const struct port *port;
	const struct purse_nvm *purse;
	/* the load that is open, and its permission */
	struct answer initialized;
	uint8_t digest[JZ_DIGEST_BYTES];
	struct jz_message request, permission;
	struct blob data;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	rig_new(&f->rig);
	f->bank = &f->rig.bank;
	f->profile = profile_of(CARD_ID);
	f->card = rig_purse_new(&f->rig, &f->profile);
	f->port = &f->card->port;
	f->purse = rig_purse(f->card);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	rig_card_free(&f->card);
	rig_free(&f->rig);
	free(f);
	return 0;
}

/* CREDIT FOR LOAD's data from f->permission, signed by the host. */
static void
permit(struct fixture *f)
{
	f->data = bank_sign(f->bank, &f->permission);
	f->data = bank_credit_data(f->permission.payment.time, &f->data);
}

static void
initialize(struct fixture *f, uint32_t amount)
{
	struct blob data = load_of(amount);

	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	rig_accepts(f->card, AT_INITIALIZE, blob_span(&data), &f->initialized);
	f->request = bank_read_load_request(
	    f->bank, f->port, &f->initialized, f->digest);
	f->permission = bank_permission(f->bank, &f->request, f->digest);
	permit(f);
}

static void
refuses_credit(struct fixture *f, uint16_t sw)
{
	rig_refuses(f->card, AT_CREDIT_LOAD, blob_span(&f->data), sw);
}

/* The genuine permission still credits, once. */
static void
still_credits(struct fixture *f)
{
	uint64_t before = f->purse->balance;

	f->permission = bank_permission(f->bank, &f->request, f->digest);
	permit(f);
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&f->data), NULL);
	assert_int_equal(f->purse->balance, before + f->request.payment.amount);
}

static void
refuses_initialize(struct fixture *f, const struct blob *data, uint16_t sw)
{
	rig_refuses(f->card, AT_INITIALIZE, blob_span(data), sw);
}

static void
test_a_load(void **state)
{
	struct fixture *f = *state;
	const uint8_t *answer = f->initialized.data;
	struct jz_message report;
	struct answer a;

	assert_int_equal(bank_load(f->bank, f->port, PIN, 700), JZ_SW_OK);
	initialize(f, AMOUNT);
	assert_int_equal(jz_get_be(answer, 4), 700);
	assert_int_equal(jz_get_be(answer + 4, 2), 2);
	assert_int_equal(answer[6], 1);
	assert_int_equal(answer[7], JZ_SUITE_NIST);
	assert_memory_equal(answer + 8, f->request.nonce, 4);
	assert_int_equal(f->purse->balance, 700);
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&f->data), &a);
	assert_int_equal(port_balance(f->port), 700 + AMOUNT);
	assert_int_equal(
	    jz_message_decode(answer_span(&a), JZ_KIND_LOAD_REPORT, &report),
	    0);
	assert_int_equal(jz_message_verify(
			     &f->rig.engine, &report, f->purse->key.public_key),
	    0);
	assert_memory_equal(report.card_id, CARD_ID, JZ_ID_BYTES);
	assert_int_equal(report.online_counter, 2);
	assert_int_equal(report.payment.amount, AMOUNT);
	assert_int_equal(report.payment.currency, BANK_CURRENCY);
	assert_int_equal(report.balance, 700 + AMOUNT);
	assert_int_equal(report.record, 2);
	assert_int_equal(
	    jz_message_digest(&f->rig.engine, &f->permission, f->digest), 0);
	assert_memory_equal(
	    report.payment.agreement_digest, f->digest, JZ_DIGEST_BYTES);
}

/* proves: LOD-4 (what the request carries) */
static void
test_the_request_says_what_it_must(void **state)
{
	struct fixture *f = *state;
	const struct jz_message *m = &f->request;

	initialize(f, AMOUNT);
	assert_memory_equal(m->card_id, CARD_ID, JZ_ID_BYTES);
	assert_int_equal(m->identity.len, strlen(CARD_ID));
	assert_memory_equal(m->identity.data, CARD_ID, m->identity.len);
	assert_int_equal(m->account.len, f->purse->account_len);
	assert_memory_equal(m->account.data, f->purse->account, m->account.len);
	assert_int_equal(m->balance, 0);
	assert_int_equal(m->payment.amount, AMOUNT);
	assert_int_equal(m->payment.currency, BANK_CURRENCY);
	assert_int_equal(m->online_counter, 1);
	assert_int_equal(m->key_version, 1);
	assert_int_equal(m->algorithm, JZ_SUITE_NIST);
	assert_int_equal(m->payment.time, RIG_NOW);
	assert_memory_equal(m->terminal, PORT_TERMINAL, JZ_TERMINAL_BYTES);
}

static void
test_two_requests_have_two_random_numbers(void **state)
{
	struct fixture *f = *state;
	uint8_t nonce[JZ_NONCE_BYTES];

	initialize(f, AMOUNT);
	memcpy(nonce, f->request.nonce, sizeof(nonce));
	rig_accepts(f->card, AT_CANCEL, NOTHING, NULL);
	initialize(f, AMOUNT);
	assert_memory_not_equal(nonce, f->request.nonce, sizeof(nonce));
}

/* Each breaks the rule named and all that come after it. */
static void
test_refusals_of_initialize_in_their_order(void **state)
{
	struct fixture *f = *state;
	struct blob bad = load_of(0), over = load_of(0x80000000u);
	struct blob high = load_of((uint32_t)f->profile.max_balance + 1);

	rig_poke_u32(f->card, &f->purse->online_counter, JZ_PURSE_COUNTER_MAX);
	rig_poke_u32(f->card, &f->purse->next_record, JZ_PURSE_RECORDS + 1);
	bad.data[0] = 2;
	refuses_initialize(f, &bad, JZ_SW_KEY_INDEX);
	bad.data[0] = 1;
	refuses_initialize(f, &bad, JZ_SW_SECURITY);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	refuses_initialize(f, &bad, JZ_SW_DATA);
	refuses_initialize(f, &over, JZ_SW_DATA);
	refuses_initialize(f, &high, JZ_SW_BALANCE_LIMIT);
	high = load_of((uint32_t)f->profile.max_balance);
	refuses_initialize(f, &high, JZ_SW_COUNTER);
	rig_poke_u32(
	    f->card, &f->purse->online_counter, JZ_PURSE_COUNTER_MAX - 1);
	refuses_initialize(f, &high, JZ_SW_LOG_FULL);
	rig_poke_u32(f->card, &f->purse->next_record, JZ_PURSE_RECORDS);
	/* A refusal has not used up the PIN; and this is the last counter. */
	rig_accepts(f->card, AT_INITIALIZE, blob_span(&high), NULL);
	assert_int_equal(f->purse->online_counter, JZ_PURSE_COUNTER_MAX);
}

static void
test_lengths_of_initialize(void **state)
{
	struct fixture *f = *state;
	struct blob data = load_of(AMOUNT);

	data.len--;
	refuses_initialize(f, &data, JZ_SW_LENGTH);
	data.len += 2;
	refuses_initialize(f, &data, JZ_SW_LENGTH);
}

static void
test_the_highest_balance_is_reached_and_not_passed(void **state)
{
	struct fixture *f = *state;
	struct blob data;

	assert_int_equal(bank_load(f->bank, f->port, PIN,
			     (uint32_t)f->profile.max_balance - 10),
	    JZ_SW_OK);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	data = load_of(11);
	refuses_initialize(f, &data, JZ_SW_BALANCE_LIMIT);
	assert_int_equal(bank_load(f->bank, f->port, PIN, 10), JZ_SW_OK);
	assert_int_equal(f->purse->balance, f->profile.max_balance);
}

/* What is pending counts as if it were there (P1). */
static void
test_a_pending_payment_counts_towards_the_highest_balance(void **state)
{
	struct fixture *f = *state;
	struct profile other = profile_of("CN00000000200001");
	struct rig_card *payer = rig_bare_purse_new(&f->rig, &other);
	struct payment pay = payment_of(f->port, &payer->port, 1000, RIG_NOW);
	struct blob data = load_of((uint32_t)f->profile.max_balance - 999);

	assert_int_equal(bank_load(f->bank, &payer->port, PIN, 1000), JZ_SW_OK);
	assert_int_equal(payment_run(&pay, STEP_CONFIRM), JZ_SW_OK);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	refuses_initialize(f, &data, JZ_SW_BALANCE_LIMIT);
	data = load_of((uint32_t)f->profile.max_balance - 1000);
	rig_accepts(f->card, AT_INITIALIZE, blob_span(&data), NULL);
	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	rig_card_free(&payer);
}

static void
test_one_pin_serves_one_initialize(void **state)
{
	struct fixture *f = *state;
	struct blob data = load_of(AMOUNT);

	initialize(f, AMOUNT);
	refuses_initialize(f, &data, JZ_SW_SECURITY);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	rig_accepts(f->card, AT_INITIALIZE, blob_span(&data), NULL);
	refuses_initialize(f, &data, JZ_SW_SECURITY);
}

static void
test_deselection_and_reset_forget_the_pin(void **state)
{
	struct fixture *f = *state;
	struct blob data = load_of(AMOUNT);

	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	assert_int_equal(port_select(f->port), JZ_SW_OK);
	refuses_initialize(f, &data, JZ_SW_SECURITY);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	rig_reset(f->card);
	refuses_initialize(f, &data, JZ_SW_SECURITY);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	rig_restart(f->card);
	refuses_initialize(f, &data, JZ_SW_SECURITY);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	port_verify(f->port, "123457");
	refuses_initialize(f, &data, JZ_SW_SECURITY);
}

/* proves: LOD-4 (the same request after a lost answer) */
static void
test_the_same_initialize_gives_the_same_request_again(void **state)
{
	struct fixture *f = *state;
	struct blob data = load_of(AMOUNT);
	uint8_t before[32], after[32];
	struct answer a;

	initialize(f, AMOUNT);
	rig_hash(f->card, before);
	for (unsigned i = 0; i < 3; i++) {
		if (i == 1)
			rig_reset(f->card);
		if (i == 2)
			rig_restart(f->card);
		assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
		rig_accepts(f->card, AT_INITIALIZE, blob_span(&data), &a);
		assert_int_equal(a.len, f->initialized.len);
		assert_memory_equal(a.data, f->initialized.data, a.len);
		rig_hash(f->card, after);
		assert_memory_equal(before, after, 32);
	}
	/* The request is of then, whatever the clock says now. */
	rig_set_time(f->card, RIG_NOW + 3600);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	rig_accepts(f->card, AT_INITIALIZE, blob_span(&data), &a);
	assert_memory_equal(a.data, f->initialized.data, a.len);
	still_credits(f);
}

static void
test_another_initialize_while_one_is_open_is_6985(void **state)
{
	struct fixture *f = *state;
	struct blob data = load_of(AMOUNT + 1);

	initialize(f, AMOUNT);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	refuses_initialize(f, &data, JZ_SW_CONDITIONS);
	data = load_of(AMOUNT);
	data.data[data.len - 1] ^= 1;
	refuses_initialize(f, &data, JZ_SW_CONDITIONS);
	still_credits(f);
}

struct spoilt {
	const char *what;
	void (*spoil)(struct fixture *f, struct jz_message *m);
	uint16_t sw;
};

static void
spoil_card(struct fixture *f, struct jz_message *m)
{
	(void)f;
	m->card_id[15] ^= 1;
}

static void
spoil_counter(struct fixture *f, struct jz_message *m)
{
	(void)f;
	m->online_counter++;
}

static void
spoil_digest(struct fixture *f, struct jz_message *m)
{
	(void)f;
	m->payment.request_digest[31] ^= 1;
}

static void
spoil_amount(struct fixture *f, struct jz_message *m)
{
	(void)f;
	m->payment.amount++;
}

static void
spoil_currency(struct fixture *f, struct jz_message *m)
{
	(void)f;
	m->payment.currency = 840;
}

static void
spoil_host(struct fixture *f, struct jz_message *m)
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
	struct fixture *f = *state;

	initialize(f, AMOUNT);
	for (size_t i = 0; i < sizeof(SPOILT) / sizeof(SPOILT[0]); i++) {
		f->permission =
		    bank_permission(f->bank, &f->request, f->digest);
		SPOILT[i].spoil(f, &f->permission);
		permit(f);
		refuses_credit(f, SPOILT[i].sw);
	}
	still_credits(f);
}

static void
test_a_permission_without_open_load_is_6985(void **state)
{
	struct fixture *f = *state;
	struct rig_snapshot *s = rig_save(f->card);

	initialize(f, AMOUNT);
	rig_restore(f->card, s);
	refuses_credit(f, JZ_SW_CONDITIONS);
	rig_snapshot_free(&s);
}

/* 6A80, 9429 (time), then the rest: the order of the refusals. */
static void
test_refusals_of_credit_in_their_order(void **state)
{
	struct fixture *f = *state;
	struct jz_message good;
	struct blob data;

	initialize(f, AMOUNT);
	rig_set_time(f->card, f->purse->host.from - 1);
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
	f->data = bank_encode(&f->permission);
	f->data = bank_credit_data(RIG_NOW, &f->data);
	refuses_credit(f, JZ_SW_CERT_ISSUER);
	f->permission = good;
	f->data = bank_encode(&f->permission);
	f->data = bank_credit_data(RIG_NOW, &f->data);
	refuses_credit(f, JZ_SW_CERT_NOT_YET);
	rig_set_time(f->card, f->purse->host.to);
	refuses_credit(f, JZ_SW_CERT_EXPIRED);
	rig_set_time(f->card, f->purse->host.to - 1);
	refuses_credit(f, JZ_SW_MAC);
	still_credits(f);
}

static void
test_the_time_beside_the_permission_is_the_permissions(void **state)
{
	struct fixture *f = *state;

	initialize(f, AMOUNT);
	for (size_t i = 0; i < JZ_TIME_BYTES * 8; i++) {
		f->data.data[i / 8] ^= (uint8_t)(1u << i % 8);
		refuses_credit(f, JZ_SW_MISMATCH);
		f->data.data[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	still_credits(f);
}

/* proves: LOD-6 (a bad permission credits nothing), ALL-4 */
static void
test_no_flipped_bit_in_a_permission_is_accepted(void **state)
{
	struct fixture *f = *state;
	struct rig_snapshot *s;
	struct answer a;

	initialize(f, AMOUNT);
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
	still_credits(f);
	rig_snapshot_free(&s);
}

static void
test_only_the_hosts_signature_counts(void **state)
{
	struct fixture *f = *state;
	const struct jz_key_pair *keys[] = {
	    &f->bank->ca, &f->bank->root, &f->purse->key};

	initialize(f, AMOUNT);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		assert_int_equal(
		    jz_message_sign(&f->rig.engine, &f->permission, keys[i]),
		    0);
		f->data = bank_encode(&f->permission);
		f->data = bank_credit_data(RIG_NOW, &f->data);
		refuses_credit(f, JZ_SW_MAC);
	}
	still_credits(f);
}

static void
test_without_a_clock_no_date_is_judged(void **state)
{
	struct fixture *f = *state;
	struct rig_card *bare = rig_bare_purse_new(&f->rig, &f->profile);

	rig_set_time(bare, 0);
	f->bank->now = RIG_NOW + 5000 * BANK_DAY;
	assert_int_equal(
	    bank_load(f->bank, &bare->port, PIN, AMOUNT), JZ_SW_OK);
	assert_int_equal(
	    rig_purse(bare)->record[1].payment.time, RIG_NOW + 5000 * BANK_DAY);
	rig_card_free(&bare);
}

/* proves: LOD-6 (exactly once) */
static void
test_the_same_permission_again_gives_the_same_report(void **state)
{
	struct fixture *f = *state;
	uint8_t before[32], after[32];
	struct answer first, again;

	initialize(f, AMOUNT);
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
	struct fixture *f = *state;
	struct blob old;
	struct answer first, again;

	initialize(f, AMOUNT);
	old = f->data;
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&old), &first);
	initialize(f, AMOUNT);
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&old), &again);
	assert_memory_equal(first.data, again.data, first.len);
	assert_int_equal(port_balance(f->port), AMOUNT);
	still_credits(f);
	assert_int_equal(port_balance(f->port), 2 * AMOUNT);
}

static void
test_a_settled_permission_is_6985(void **state)
{
	struct fixture *f = *state;
	uint32_t n;

	initialize(f, AMOUNT);
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&f->data), NULL);
	assert_int_equal(bank_settle(f->bank, f->port, &n), JZ_SW_OK);
	assert_int_equal(n, 1);
	refuses_credit(f, JZ_SW_CONDITIONS);
}

/* Checks the proof that this counter was not executed. */
static void
check_cancel(struct fixture *f, const struct answer *a)
{
	struct jz_message m;

	assert_int_equal(
	    jz_message_decode(answer_span(a), JZ_KIND_LOAD_CANCEL, &m), 0);
	assert_int_equal(
	    jz_message_verify(&f->rig.engine, &m, f->purse->key.public_key), 0);
	assert_memory_equal(m.card_id, CARD_ID, JZ_ID_BYTES);
	assert_int_equal(m.online_counter, f->request.online_counter);
	assert_memory_equal(
	    m.payment.request_digest, f->digest, JZ_DIGEST_BYTES);
}

/* proves: LOD-7 (the card's proof: not executed, and no longer can be) */
static void
test_a_cancelled_load_can_never_be_executed(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	initialize(f, AMOUNT);
	rig_accepts(f->card, AT_CANCEL, NOTHING, &a);
	check_cancel(f, &a);
	refuses_credit(f, JZ_SW_CONDITIONS);
	rig_restart(f->card);
	refuses_credit(f, JZ_SW_CONDITIONS);
	/* The proof may be asked for again. */
	rig_accepts(f->card, AT_CANCEL, NOTHING, &a);
	check_cancel(f, &a);
	/* Nor when the next load is open. */
	{
		struct blob old = f->data;

		initialize(f, AMOUNT);
		rig_refuses(
		    f->card, AT_CREDIT_LOAD, blob_span(&old), JZ_SW_MISMATCH);
	}
	assert_int_equal(port_balance(f->port), 0);
	still_credits(f);
}

static void
test_there_is_no_cancel_without_a_load(void **state)
{
	struct fixture *f = *state;

	rig_refuses(f->card, AT_CANCEL, NOTHING, JZ_SW_CONDITIONS);
}

/* proves: LOD-7 (no proof for a load that was executed) */
static void
test_there_is_no_cancel_after_the_credit(void **state)
{
	struct fixture *f = *state;

	initialize(f, AMOUNT);
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&f->data), NULL);
	rig_refuses(f->card, AT_CANCEL, NOTHING, JZ_SW_CONDITIONS);
	rig_restart(f->card);
	rig_refuses(f->card, AT_CANCEL, NOTHING, JZ_SW_CONDITIONS);
}

static void
test_a_cancelled_load_asked_for_again_changes_nothing(void **state)
{
	struct fixture *f = *state;
	uint8_t before[32], after[32];

	initialize(f, AMOUNT);
	rig_accepts(f->card, AT_CANCEL, NOTHING, NULL);
	rig_hash(f->card, before);
	rig_accepts(f->card, AT_CANCEL, NOTHING, NULL);
	rig_hash(f->card, after);
	assert_memory_equal(before, after, 32);
}

static void
test_the_counter_rises_by_one_with_each_load(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 1; i <= 4; i++) {
		initialize(f, AMOUNT);
		assert_int_equal(f->request.online_counter, i);
		assert_int_equal(f->purse->online_counter, i);
		if (i % 2 == 0)
			rig_accepts(f->card, AT_CANCEL, NOTHING, NULL);
		else
			still_credits(f);
		rig_restart(f->card);
		assert_int_equal(f->purse->online_counter, i);
	}
}

static void
test_at_the_highest_counter_all_but_loading_works(void **state)
{
	struct fixture *f = *state;
	struct blob data = load_of(AMOUNT);
	uint32_t n;

	rig_poke_u32(
	    f->card, &f->purse->online_counter, JZ_PURSE_COUNTER_MAX - 1);
	assert_int_equal(bank_load(f->bank, f->port, PIN, AMOUNT), JZ_SW_OK);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	refuses_initialize(f, &data, JZ_SW_COUNTER);
	assert_int_equal(port_balance(f->port), AMOUNT);
	assert_int_equal(
	    port_info(f->port).online_counter, JZ_PURSE_COUNTER_MAX);
	assert_int_equal(bank_settle(f->bank, f->port, &n), JZ_SW_OK);
	assert_int_equal(n, 1);
}

static void
test_a_full_log_loads_nothing_until_it_is_settled(void **state)
{
	struct fixture *f = *state;
	struct blob data = load_of(1);
	uint32_t n;

	for (unsigned i = 0; i < JZ_PURSE_RECORDS; i++)
		assert_int_equal(bank_load(f->bank, f->port, PIN, 1), JZ_SW_OK);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	refuses_initialize(f, &data, JZ_SW_LOG_FULL);
	assert_int_equal(port_info(f->port).count, JZ_PURSE_RECORDS);
	assert_int_equal(bank_settle(f->bank, f->port, &n), JZ_SW_OK);
	assert_int_equal(n, JZ_PURSE_RECORDS);
	assert_int_equal(bank_load(f->bank, f->port, PIN, 1), JZ_SW_OK);
	assert_int_equal(port_balance(f->port), JZ_PURSE_RECORDS + 1);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_load),
	    TEST(test_the_request_says_what_it_must),
	    TEST(test_two_requests_have_two_random_numbers),
	    TEST(test_refusals_of_initialize_in_their_order),
	    TEST(test_lengths_of_initialize),
	    TEST(test_the_highest_balance_is_reached_and_not_passed),
	    TEST(test_a_pending_payment_counts_towards_the_highest_balance),
	    TEST(test_one_pin_serves_one_initialize),
	    TEST(test_deselection_and_reset_forget_the_pin),
	    TEST(test_the_same_initialize_gives_the_same_request_again),
	    TEST(test_another_initialize_while_one_is_open_is_6985),
	    TEST(test_a_permission_for_another_load_is_refused),
	    TEST(test_a_permission_without_open_load_is_6985),
	    TEST(test_refusals_of_credit_in_their_order),
	    TEST(test_the_time_beside_the_permission_is_the_permissions),
	    TEST(test_no_flipped_bit_in_a_permission_is_accepted),
	    TEST(test_only_the_hosts_signature_counts),
	    TEST(test_without_a_clock_no_date_is_judged),
	    TEST(test_the_same_permission_again_gives_the_same_report),
	    TEST(test_an_old_permission_while_a_new_load_is_open),
	    TEST(test_a_settled_permission_is_6985),
	    TEST(test_a_cancelled_load_can_never_be_executed),
	    TEST(test_there_is_no_cancel_without_a_load),
	    TEST(test_there_is_no_cancel_after_the_credit),
	    TEST(test_a_cancelled_load_asked_for_again_changes_nothing),
	    TEST(test_the_counter_rises_by_one_with_each_load),
	    TEST(test_at_the_highest_counter_all_but_loading_works),
	    TEST(test_a_full_log_loads_nothing_until_it_is_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
