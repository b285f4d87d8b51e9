/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unload: INITIALIZE FOR UNLOAD, DEBIT FOR UNLOAD, its proof until somebody
 * has it; and GET TRANSACTION PROVE.
 */
#include "../../support/loading.h"
#include "../../../apdu/time.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PIN	LOADING_PIN
#define FUNDS	9000u
#define AMOUNT	LOADING_AMOUNT
#define NOTHING jz_span(NULL, 0)

/* A purse with money, and an unload open on it. */
struct unload {
	struct answer initialized;
	uint8_t digest[JZ_DIGEST_BYTES];
	struct jz_message request, permission, proof;
	struct blob data, word;
	struct answer debited;
};

static void
permit(struct loading *f, struct unload *u)
{
	u->permission = bank_permission(f->bank, &u->request, u->digest);
	u->data = bank_sign(f->bank, &u->permission);
	u->data = bank_credit_data(u->permission.payment.time, &u->data);
}

static void
initialize(struct loading *f, struct unload *u, uint32_t amount)
{
	struct blob data = load_of(amount);

	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	rig_accepts(f->card, AT_UNLOAD, blob_span(&data), &u->initialized);
	u->request = bank_read_unload_request(
	    f->bank, f->port, &u->initialized, u->digest);
	permit(f, u);
}

static void
debit(struct loading *f, struct unload *u)
{
	rig_accepts(f->card, AT_DEBIT, blob_span(&u->data), &u->debited);
	assert_int_equal(jz_message_decode(answer_span(&u->debited),
			     JZ_KIND_UNLOAD_PROOF, &u->proof),
	    0);
	assert_int_equal(jz_message_verify(&f->rig.engine, &u->proof,
			     f->purse->key.public_key),
	    0);
	u->permission = bank_acknowledged(f->bank, &u->proof);
	u->word = bank_sign(f->bank, &u->permission);
}

static void
fund(struct loading *f)
{
	assert_int_equal(bank_load(f->bank, f->port, PIN, FUNDS), JZ_SW_OK);
}

static void
refuses_initialize(struct loading *f, uint32_t amount, uint16_t sw)
{
	struct blob data = load_of(amount);

	rig_refuses(f->card, AT_UNLOAD, blob_span(&data), sw);
}

static void
refuses_debit(struct loading *f, const struct unload *u, uint16_t sw)
{
	rig_refuses(f->card, AT_DEBIT, blob_span(&u->data), sw);
}

static void
test_an_unload(void **state)
{
	struct loading *f = *state;
	struct unload u;

	fund(f);
	initialize(f, &u, AMOUNT);
	/* Nothing but the open request yet. */
	assert_int_equal(f->purse->online_counter, 1);
	assert_int_equal(jz_get_be(u.initialized.data, 4), FUNDS);
	assert_int_equal(jz_get_be(u.initialized.data + 4, 2), 2);
	assert_memory_equal(u.initialized.data + 8, u.request.nonce, 4);
	assert_int_equal(port_balance(f->port), FUNDS);
	debit(f, &u);
	assert_int_equal(port_balance(f->port), FUNDS - AMOUNT);
	assert_int_equal(f->purse->online_counter, 2);
	assert_memory_equal(u.proof.card_id, LOADING_ID, JZ_ID_BYTES);
	assert_int_equal(u.proof.online_counter, 2);
	assert_int_equal(u.proof.payment.amount, AMOUNT);
	assert_int_equal(u.proof.payment.currency, BANK_CURRENCY);
	assert_int_equal(u.proof.balance, FUNDS - AMOUNT);
	assert_int_equal(u.proof.record, 2);
	rig_accepts(f->card, AT_DEBITED, blob_span(&u.word), NULL);
	rig_refuses(f->card, AT_DEBITED, blob_span(&u.word), JZ_SW_NO_PAYMENT);
	rig_refuses(f->card, AT_FETCH_UNLOAD, NOTHING, JZ_SW_NO_PAYMENT);
}

/* ALL-1: one permission debits once, and its answer is the same. */
static void
test_an_unload_is_executed_once(void **state)
{
	struct loading *f = *state;
	struct answer again;
	struct unload u;

	fund(f);
	initialize(f, &u, AMOUNT);
	debit(f, &u);
	for (unsigned k = 0; k < 3; k++) {
		rig_restart(f->card);
		rig_accepts(f->card, k == 0 ? AT_DEBIT : AT_FETCH_UNLOAD,
		    k == 0 ? blob_span(&u.data) : NOTHING, &again);
		assert_int_equal(again.len, u.debited.len);
		assert_memory_equal(again.data, u.debited.data, again.len);
		assert_int_equal(port_balance(f->port), FUNDS - AMOUNT);
	}
	rig_accepts(f->card, AT_DEBITED, blob_span(&u.word), NULL);
	/* Known by its record, acknowledged as it is. */
	rig_accepts(f->card, AT_DEBIT, blob_span(&u.data), &again);
	assert_memory_equal(again.data, u.debited.data, again.len);
	assert_int_equal(f->purse->balance, FUNDS - AMOUNT);
}

/* Each breaks the rule named and all that come after it. */
static void
test_refusals_of_initialize_in_their_order(void **state)
{
	struct loading *f = *state;
	struct blob data = load_of(0);

	fund(f);
	rig_poke_u32(f->card, &f->purse->online_counter, JZ_PURSE_COUNTER_MAX);
	rig_poke_u32(f->card, &f->purse->next_record, JZ_PURSE_RECORDS + 1);
	data.data[0] = 2;
	rig_refuses(f->card, AT_UNLOAD, blob_span(&data), JZ_SW_KEY_INDEX);
	refuses_initialize(f, 0, JZ_SW_SECURITY);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	refuses_initialize(f, 0, JZ_SW_DATA);
	refuses_initialize(f, 0x80000000u, JZ_SW_DATA);
	refuses_initialize(f, FUNDS + 1, JZ_SW_AMOUNT);
	refuses_initialize(f, FUNDS, JZ_SW_COUNTER);
	rig_poke_u32(f->card, &f->purse->online_counter, 1);
	refuses_initialize(f, FUNDS, JZ_SW_LOG_FULL);
}

/* LOD: the last counters and record numbers are for what brings money back. */
static void
test_where_loads_have_ended_unloads_go_on(void **state)
{
	struct loading *f = *state;
	struct blob data = load_of(1);
	struct unload u;

	fund(f);
	rig_poke_u32(f->card, &f->purse->online_counter, JZ_PURSE_LOADS_MAX);
	rig_poke_u32(
	    f->card, &f->purse->first_unsettled, JZ_PURSE_COUNTER_MAX - 2);
	rig_poke_u32(f->card, &f->purse->next_record, JZ_PURSE_COUNTER_MAX - 2);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	rig_refuses(f->card, AT_INITIALIZE, blob_span(&data), JZ_SW_COUNTER);
	for (unsigned k = 0; k < 2; k++) {
		initialize(f, &u, AMOUNT);
		debit(f, &u);
		rig_accepts(f->card, AT_DEBITED, blob_span(&u.word), NULL);
	}
	assert_int_equal(port_balance(f->port), FUNDS - 2 * AMOUNT);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	refuses_initialize(f, 1, JZ_SW_LOG_FULL);
}

static void
test_the_newest_request_counts(void **state)
{
	struct loading *f = *state;
	struct unload u, again;

	fund(f);
	initialize(f, &u, AMOUNT);
	/* Nothing was promised: another one takes its place. */
	initialize(f, &again, AMOUNT);
	assert_int_equal(again.request.online_counter, 2);
	refuses_debit(f, &u, JZ_SW_MISMATCH);
	rig_restart(f->card);
	debit(f, &again);
	refuses_debit(f, &u, JZ_SW_CONDITIONS);
	assert_int_equal(f->purse->balance, FUNDS - AMOUNT);
}

/* A load that takes the counter makes the request void. */
static void
test_a_counter_serves_one_of_them(void **state)
{
	struct loading *f = *state;
	struct unload u;

	fund(f);
	initialize(f, &u, AMOUNT);
	fund(f);
	assert_int_equal(f->purse->online_counter, 2);
	refuses_debit(f, &u, JZ_SW_CONDITIONS);
	initialize(f, &u, AMOUNT);
	assert_int_equal(u.request.online_counter, 3);
	debit(f, &u);
	assert_int_equal(f->purse->balance, 2 * FUNDS - AMOUNT);
}

/* And an unload leaves the open load as it is. */
static void
test_an_unload_beside_an_open_load(void **state)
{
	struct loading *f = *state;
	struct unload u;

	fund(f);
	loading_initialize(f, AMOUNT);
	initialize(f, &u, FUNDS);
	debit(f, &u);
	assert_int_equal(port_balance(f->port), 0);
	loading_still_credits(f);
}

/* One at a time: while its proof is on the card, there is no other. */
static void
test_the_proof_first(void **state)
{
	struct loading *f = *state;
	struct unload u, next;
	struct jz_message m;
	struct blob bad;

	fund(f);
	initialize(f, &u, AMOUNT);
	debit(f, &u);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	refuses_initialize(f, AMOUNT, JZ_SW_CONDITIONS);
	/* Acknowledgements that are none. */
	m = bank_acknowledged(f->bank, &u.proof);
	m.online_counter++;
	bad = bank_sign(f->bank, &m);
	rig_refuses(f->card, AT_DEBITED, blob_span(&bad), JZ_SW_MISMATCH);
	m.online_counter--;
	m.completion_digest[3] ^= 1;
	bad = bank_sign(f->bank, &m);
	rig_refuses(f->card, AT_DEBITED, blob_span(&bad), JZ_SW_MISMATCH);
	m = bank_acknowledged(f->bank, &u.proof);
	m.card_id[15] ^= 1;
	bad = bank_sign(f->bank, &m);
	rig_refuses(f->card, AT_DEBITED, blob_span(&bad), JZ_SW_MISMATCH);
	m = bank_acknowledged(f->bank, &u.proof);
	assert_int_equal(jz_message_sign(&f->rig.engine, &m, &f->bank->ca), 0);
	bad = bank_encode(&m);
	rig_refuses(f->card, AT_DEBITED, blob_span(&bad), JZ_SW_MAC);
	m.host_id[14] ^= 1;
	bad = bank_sign(f->bank, &m);
	rig_refuses(f->card, AT_DEBITED, blob_span(&bad), JZ_SW_CERT_ISSUER);
	bad.len--;
	rig_refuses(f->card, AT_DEBITED, blob_span(&bad), JZ_SW_DATA);
	rig_accepts(f->card, AT_DEBITED, blob_span(&u.word), NULL);
	initialize(f, &next, AMOUNT);
	debit(f, &next);
	assert_int_equal(f->purse->balance, FUNDS - 2 * AMOUNT);
}

/* The settlement's confirmation of the record is an acknowledgement, too. */
static void
test_settlement_acknowledges(void **state)
{
	struct loading *f = *state;
	struct unload u;
	uint32_t n;

	fund(f);
	initialize(f, &u, AMOUNT);
	debit(f, &u);
	assert_int_equal(bank_settle(f->bank, f->port, &n), JZ_SW_OK);
	assert_int_equal(n, 2);
	rig_refuses(f->card, AT_FETCH_UNLOAD, NOTHING, JZ_SW_NO_PAYMENT);
	rig_refuses(f->card, AT_DEBITED, blob_span(&u.word), JZ_SW_NO_PAYMENT);
	initialize(f, &u, AMOUNT);
	debit(f, &u);
}

/* But not that of the records before it. */
static void
test_the_settlement_of_other_records_does_not(void **state)
{
	struct loading *f = *state;
	struct unload u;
	uint32_t n;

	fund(f);
	initialize(f, &u, AMOUNT);
	debit(f, &u);
	/* As if two records had been there before it. */
	rig_poke_u32(f->card, &f->purse->online.unload.record, 3);
	assert_int_equal(bank_settle(f->bank, f->port, &n), JZ_SW_OK);
	assert_int_equal(n, 2);
	assert_int_equal(f->purse->online.unload.open, UNLOAD_DEBITED);
}

/* Permissions that do not fit, each for its own reason. */
static void
test_refusals_of_debit(void **state)
{
	struct loading *f = *state;
	struct jz_message good;
	struct unload u;
	uint8_t when[JZ_TIME_BYTES];

	fund(f);
	initialize(f, &u, AMOUNT);
	good = u.permission;
#define REFUSES(alter, sw)                                                     \
	do {                                                                   \
		u.permission = good;                                           \
		alter;                                                         \
		u.data = bank_sign(f->bank, &u.permission);                    \
		u.data = bank_credit_data(u.permission.payment.time, &u.data); \
		refuses_debit(f, &u, sw);                                      \
	} while (0)
	REFUSES(u.permission.card_id[15] ^= 1, JZ_SW_MISMATCH);
	REFUSES(u.permission.online_counter++, JZ_SW_MISMATCH);
	REFUSES(u.permission.payment.request_digest[0] ^= 1, JZ_SW_MISMATCH);
	REFUSES(u.permission.payment.amount++, JZ_SW_MISMATCH);
	REFUSES(u.permission.payment.currency++, JZ_SW_MISMATCH);
	REFUSES(u.permission.kind = JZ_KIND_LOAD_PERMISSION, JZ_SW_DATA);
	REFUSES(u.permission.payment.time = f->bank->host_fields.to,
	    JZ_SW_CERT_EXPIRED);
	REFUSES(u.permission.payment.time = f->bank->host_fields.from - 1,
	    JZ_SW_CERT_NOT_YET);
	REFUSES(u.permission.host_id[14] ^= 1, JZ_SW_CERT_ISSUER);
#undef REFUSES
	u.permission = good;
	assert_int_equal(
	    jz_message_sign(&f->rig.engine, &u.permission, &f->bank->ca), 0);
	u.data = bank_encode(&u.permission);
	u.data = bank_credit_data(u.permission.payment.time, &u.data);
	refuses_debit(f, &u, JZ_SW_MAC);
	permit(f, &u);
	memcpy(when, u.data.data, sizeof(when));
	u.data.data[6] ^= 1;
	refuses_debit(f, &u, JZ_SW_MISMATCH);
	memcpy(u.data.data, when, sizeof(when));
	u.data.len = 8;
	refuses_debit(f, &u, JZ_SW_DATA);
	permit(f, &u);
	debit(f, &u);
}

/* What has been paid in between is not there any more. */
static void
test_the_money_was_spent_in_between(void **state)
{
	struct loading *f = *state;
	struct profile other = profile_of("CN00000000200001");
	struct rig_card *payee = rig_bare_purse_new(&f->rig, &other);
	struct payment pay = payment_of(&payee->port, f->port, 1, RIG_NOW);
	struct unload u;

	fund(f);
	initialize(f, &u, FUNDS);
	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	refuses_debit(f, &u, JZ_SW_AMOUNT);
	initialize(f, &u, FUNDS - 1);
	debit(f, &u);
	assert_int_equal(port_balance(f->port), 0);
	rig_card_free(&payee);
}

/* A blocked PIN does not keep what was asked for. */
static void
test_a_blocked_pin_keeps_nothing(void **state)
{
	struct loading *f = *state;
	struct unload u;

	fund(f);
	initialize(f, &u, AMOUNT);
	for (unsigned k = 0; k < 4; k++)
		(void)port_verify(f->port, "000000");
	debit(f, &u);
	rig_restart(f->card);
	rig_accepts(f->card, AT_FETCH_UNLOAD, NOTHING, NULL);
	rig_accepts(f->card, AT_DEBITED, blob_span(&u.word), NULL);
}

/* A purse with a proof that nobody has is not deleted. */
static void
test_the_record_is_in_the_log(void **state)
{
	struct loading *f = *state;
	struct unload u;
	struct answer a;

	fund(f);
	initialize(f, &u, AMOUNT);
	debit(f, &u);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	rig_accepts(f->card, AT_READ_LOG(1), NOTHING, &a);
	assert_int_equal(jz_get_be(a.data, 2), 2);
	assert_int_equal(jz_get_be(a.data + 5, 4), AMOUNT);
	assert_int_equal(a.data[9], JZ_TYPE_UNLOAD);
	assert_memory_equal(a.data + 10, PORT_TERMINAL, JZ_TERMINAL_BYTES);
}

/* 805A: the whole record of a load and an unload, by type and serial. */
static void
test_transaction_prove(void **state)
{
	static const uint8_t first[] = {0, 1}, second[] = {0, 2};
	struct loading *f = *state;
	struct answer a, record;
	struct unload u;

	loading_initialize(f, FUNDS);
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&f->data), &a);
	initialize(f, &u, AMOUNT);
	debit(f, &u);
	rig_refuses(f->card, AT_SERIAL(JZ_TYPE_EP_LOAD), jz_span(first, 2),
	    JZ_SW_SECURITY);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	rig_accepts(f->card, AT_RECORD(2), NOTHING, &record);
	rig_accepts(f->card, AT_SERIAL(JZ_TYPE_EP_LOAD), jz_span(first, 2), &a);
	assert_int_equal(a.len, record.len);
	assert_memory_equal(a.data, record.data, a.len);
	rig_accepts(f->card, AT_RECORD(1), NOTHING, &record);
	rig_accepts(f->card, AT_SERIAL(JZ_TYPE_UNLOAD), jz_span(second, 2), &a);
	assert_int_equal(a.len, record.len);
	assert_memory_equal(a.data, record.data, a.len);
	rig_refuses(f->card, AT_SERIAL(JZ_TYPE_EP_LOAD), jz_span(second, 2),
	    JZ_SW_NO_MAC);
	rig_refuses(f->card, AT_SERIAL(JZ_TYPE_UNLOAD), jz_span(first, 2),
	    JZ_SW_NO_MAC);
	rig_refuses(f->card, AT_SERIAL(JZ_TYPE_UNLOAD), jz_span(first, 1),
	    JZ_SW_LENGTH);
}

/* Layout 3 ended before all this. */
static void
test_a_card_of_layout_3_is_upgraded(void **state)
{
	static struct jz_applet_class before;
	static const struct purse_online none;
	const struct jz_applet_class *classes[1] = {&before};
	const size_t end = offsetof(struct purse_nvm, online);
	const size_t head = offsetof(struct purse_nvm, balance);
	struct loading *f = *state;
	uint8_t was[sizeof(struct purse_nvm)];
	const struct purse_nvm *p;
	struct rig_card *c;

	before = jz_purse_class;
	before.layout = 3;
	before.nvm_bytes = (uint32_t)end;
	before.upgrade = NULL;
	c = rig_card_new(&f->rig, classes, 1, true);
	p = rig_purse(c);
	for (size_t at = head; at < end; at += 4) {
		const uint32_t pattern = (uint32_t)at * 2654435761u;

		rig_poke(c, (const uint8_t *)p + at, &pattern, 4);
	}
	memcpy(was, p, end);
	classes[0] = &jz_purse_class;
	c->setup.classes = classes;
	assert_int_equal(rig_reopen(c), 0);
	p = rig_purse(c);
	assert_int_equal(p->head.layout, JZ_PURSE_LAYOUT);
	assert_memory_equal((const uint8_t *)p + head, was + head, end - head);
	assert_memory_equal(&p->online, &none, sizeof(none));
	rig_card_free(&c);
}

/* No bit of it may be another: nothing is done, and nothing said. */
static void
refuses_flips(struct loading *f, uint32_t header, const struct blob *good)
{
	static struct purse_nvm before;
	struct blob bad = *good;
	struct answer a;

	memcpy(&before, f->purse, sizeof(before));
	for (size_t bit = 0; bit < 8 * good->len; bit++) {
		bad.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		port_send(f->port, header, blob_span(&bad), &a);
		if (a.sw == JZ_SW_OK || a.len != 0)
			fail_msg("%08X: bit %zu is not looked at", header, bit);
		bad.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_memory_equal(&before, f->purse, sizeof(before));
}

/* proves: ALL-4 LOD-13 (every bit of what the server says is checked) */
static void
test_no_flipped_message_of_an_unload(void **state)
{
	struct loading *f = *state;
	struct unload u;

	fund(f);
	initialize(f, &u, AMOUNT);
	refuses_flips(f, AT_DEBIT, &u.data);
	debit(f, &u);
	refuses_flips(f, AT_DEBITED, &u.word);
	rig_accepts(f->card, AT_DEBITED, blob_span(&u.word), NULL);
	assert_int_equal(port_balance(f->port), FUNDS - AMOUNT);
}

/* Nor a message of another unload, or of a load in its place. */
static void
test_no_message_of_another(void **state)
{
	struct loading *f = *state;
	struct unload first, second;

	fund(f);
	initialize(f, &first, AMOUNT);
	debit(f, &first);
	rig_accepts(f->card, AT_DEBITED, blob_span(&first.word), NULL);
	initialize(f, &second, AMOUNT);
	/* The old permission: the old proof again, and no money. */
	rig_accepts(f->card, AT_DEBIT, blob_span(&first.data), NULL);
	assert_int_equal(port_balance(f->port), FUNDS - AMOUNT);
	debit(f, &second);
	rig_refuses(
	    f->card, AT_DEBITED, blob_span(&first.word), JZ_SW_MISMATCH);
	rig_accepts(f->card, AT_DEBITED, blob_span(&second.word), NULL);
	/* One that was asked for by a load, and the other way round. */
	loading_initialize(f, AMOUNT);
	rig_refuses(f->card, AT_DEBIT, blob_span(&f->data), JZ_SW_DATA);
	rig_refuses(
	    f->card, AT_CREDIT_LOAD, blob_span(&second.data), JZ_SW_DATA);
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&f->data), NULL);
	assert_int_equal(port_balance(f->port), FUNDS - AMOUNT);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, loading_setup, loading_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_an_unload),
	    T(test_an_unload_is_executed_once),
	    T(test_refusals_of_initialize_in_their_order),
	    T(test_where_loads_have_ended_unloads_go_on),
	    T(test_the_newest_request_counts),
	    T(test_a_counter_serves_one_of_them),
	    T(test_an_unload_beside_an_open_load),
	    T(test_the_proof_first),
	    T(test_settlement_acknowledges),
	    T(test_the_settlement_of_other_records_does_not),
	    T(test_refusals_of_debit),
	    T(test_the_money_was_spent_in_between),
	    T(test_a_blocked_pin_keeps_nothing),
	    T(test_the_record_is_in_the_log),
	    T(test_transaction_prove),
	    T(test_a_card_of_layout_3_is_upgraded),
	    T(test_no_flipped_message_of_an_unload),
	    T(test_no_message_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
