/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The encrypted profile (OFP-9), seen from outside: what is heard of a whole
 * payment names no amount, no card and no certificate, and the same search does
 * find them in the clear profile.
 */
#include "../support/conform.h"

#include "../../apdu/tlv.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AMOUNT	  1300u
#define RARE	  UINT64_C(0x1A2B) /* 66.99, in few other bytes */
#define FORGER_ID "CN00000000900001"
#define NOTHING	  jz_span(NULL, 0)
#define HEARD_MAX (64u * 1024u)

/* ---- what is heard ------------------------------------------------------ */

/* A port that keeps every byte of what goes by. */
struct tap {
	struct port inner;
	struct heard {
		size_t len;
		uint8_t bytes[HEARD_MAX];
	} * heard;
};

static void
hear(struct heard *h, const uint8_t *bytes, size_t len)
{
	assert_in_range(len, 0, sizeof(h->bytes) - h->len);
	memcpy(h->bytes + h->len, bytes, len);
	h->len += len;
}

/*
 * The terms, which a terminal tells its own card, are no message between the
 * two; all else is: every other command, and every answer.
 */
static size_t
tapped(void *state, const uint8_t *cmd, size_t len, uint8_t *rsp, size_t cap)
{
	struct tap *t = state;
	size_t n = t->inner.transmit(t->inner.state, cmd, len, rsp, cap);

	if (cmd[1] != JZ_INS_REQUEST)
		hear(t->heard, cmd, len);
	hear(t->heard, rsp, n);
	return n;
}

static bool
heard(const struct heard *h, const void *what, size_t len)
{
	for (size_t i = 0; i + len <= h->len; i++)
		if (memcmp(h->bytes + i, what, len) == 0)
			return true;
	return false;
}

/* Any piece of the certificate: what all cards' have in common, too. */
static bool
heard_certificate(const struct heard *h, const struct port *card)
{
	enum { PIECE = 16 };
	struct answer a;

	assert_int_equal(
	    port_send(card, AT_CERTIFICATE, NOTHING, &a), JZ_SW_OK);
	for (size_t i = 0; i + PIECE <= a.len; i++)
		if (heard(h, a.data + i, PIECE))
			return true;
	return false;
}

/* What is found of a payment; the last two are of the payee's card. */
struct found {
	bool amount, payer_id, payee_id, payer_certificate, payee_certificate;
};

static struct found
listen(const struct conform *c, struct port payee, struct port payer,
    bool encrypted)
{
	struct heard *h = calloc(1, sizeof(*h));
	struct tap taps[2] = {{payee, h}, {payer, h}};
	struct port a = {tapped, &taps[0]}, b = {tapped, &taps[1]};
	struct payment pay = payment_of(&a, &b, RARE, c->bank.now);
	struct jz_message payee_info = port_info(&payee);
	struct jz_message payer_info = port_info(&payer);
	struct found f;
	uint8_t amount[8];

	assert_non_null(h);
	pay.encrypted = encrypted;
	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	/* The messages as files have them. */
	for (enum step s = STEP_REQUEST; s < STEPS; s++)
		hear(h, pay.message[s].data, pay.message[s].len);
	jz_set_be(amount, sizeof(amount), RARE);
	f.amount = heard(h, amount, sizeof(amount)) ||
	    heard(h, amount + 4, sizeof(amount) - 4);
	/* "CN" and the number: the rest is the key pair's. */
	f.payee_id = heard(h, payee_info.card_id, 11);
	f.payer_id = heard(h, payer_info.card_id, 11);
	f.payee_certificate = heard_certificate(h, &payee);
	f.payer_certificate = heard_certificate(h, &payer);
	free(h);
	return f;
}

/* proves: OFP-9 (a capture shows no amount, ID or certificate in clear) */
static void
test_a_capture_shows_nothing(void **state)
{
	struct conform *c = conform_begin(state);
	struct found f = listen(c, c->card, c->other, true);

	assert_false(f.amount);
	assert_false(f.payee_id);
	assert_false(f.payer_id);
	assert_false(f.payee_certificate);
	assert_false(f.payer_certificate);
	f = listen(c, c->other, c->card, true);
	assert_false(f.amount || f.payee_id || f.payer_id ||
	    f.payee_certificate || f.payer_certificate);
}

static void
clear_pair(struct conform *c, struct jz_reader *r[2], struct port port[2])
{
	static const char *const ids[2] = {
	    "CN00000000300001", "CN00000000400001"};

	for (unsigned i = 0; i < 2; i++) {
		struct profile p = profile_of(ids[i]);

		r[i] = conform_card(c, &p, &port[i]);
	}
	assert_int_equal(
	    bank_load(&c->bank, &port[1], CONFORM_PIN, CONFORM_FUNDS),
	    JZ_SW_OK);
}

/* The search can fail: in the clear profile it finds what a request names. */
static void
test_the_same_search_finds_it_in_clear(void **state)
{
	struct conform *c = conform_begin(state);
	struct jz_reader *r[2];
	struct port port[2];
	struct found f;

	clear_pair(c, r, port);
	f = listen(c, port[0], port[1], false);
	assert_true(f.amount);
	assert_true(f.payee_id);
	assert_true(f.payee_certificate);
	assert_false(f.payer_id);
	for (unsigned i = 0; i < 2; i++)
		jz_reader_free(&r[i]);
}

/* ---- the other profile -------------------------------------------------- */

/* proves: OFP-9 (a clear message is refused; and the other way about) */
static void
test_the_other_profile_is_refused(void **state)
{
	struct conform *c = conform_begin(state);
	struct payment pay = conform_payment(c, &c->card, &c->other, AMOUNT);
	struct jz_reader *r[2];
	struct port port[2];
	struct payment clear;
	struct blob terms = pay.terms;

	clear_pair(c, r, port);
	clear = payment_of(&port[0], &port[1], AMOUNT, c->bank.now);
	/* No hello, no request. */
	conform_refuses(c, AT_REQUEST, blob_span(&terms), JZ_SW_PROFILE);
	/* A request in clear, a good one. */
	assert_int_equal(payment_run(&clear, STEP_AGREE), JZ_SW_OK);
	conform_refuses(c, AT_AGREE, blob_span(&clear.message[STEP_REQUEST]),
	    JZ_SW_PROFILE);
	/* An agreement with a key of its own, as the clear profile has it. */
	conform_refuses(c, AT_CONFIRM, blob_span(&clear.message[STEP_AGREE]),
	    JZ_SW_PROFILE);
	/* A card of the clear profile says the same, by name. */
	assert_int_equal(
	    port_send(&port[1], AT_HELLO, NOTHING, NULL), JZ_SW_PROFILE);
	assert_int_equal(payment_run(&pay, STEP_REQUEST), JZ_SW_OK);
	assert_int_equal(
	    port_send(&port[0], AT_REQUEST, blob_span(&pay.terms), NULL),
	    JZ_SW_PROFILE);
	assert_int_equal(port_send(&port[1], AT_AGREE,
			     blob_span(&pay.message[STEP_REQUEST]), NULL),
	    JZ_SW_PROFILE);
	for (unsigned i = 0; i < 2; i++)
		jz_reader_free(&r[i]);
}

/* ---- deciphered first, verified then ------------------------------------ */

/* proves: OFP-9 (deciphers first, then verifies; both points are signed) */
static void
test_the_request_is_opened_and_then_judged(void **state)
{
	struct conform *c = conform_begin(state);
	struct jz_message request, m;
	struct forger payee;
	struct answer hello, a;
	struct blob data;

	assert_int_equal(
	    port_send(&c->card, AT_HELLO, NOTHING, &hello), JZ_SW_OK);
	forger_new(&payee, &c->bank, FORGER_ID);
	request = forger_request(&payee, AMOUNT, c->bank.now);
	data = forger_answer(&payee, &hello, &request, &payee.key);
	data.data[data.len - 1] ^= 1;
	conform_refuses(c, AT_AGREE, blob_span(&data), JZ_SW_DECRYPT);
	data = forger_answer(&payee, &hello, &request, &c->bank.host);
	conform_refuses(c, AT_AGREE, blob_span(&data), JZ_SW_MAC);
	/* A point that is not the hello's, signed and sealed as it should be. */
	memcpy(request.payer_key, c->card_key, JZ_POINT_BYTES);
	data = forger_answer(&payee, &hello, &request, &payee.key);
	conform_refuses(c, AT_AGREE, blob_span(&data), JZ_SW_MISMATCH);
	/* A good one, answered under the key that the two points give. */
	memset(request.payer_key, 0, JZ_POINT_BYTES);
	data = forger_answer(&payee, &hello, &request, &payee.key);
	assert_int_equal(
	    port_send(&c->card, AT_AGREE, blob_span(&data), &a), JZ_SW_OK);
	m = conform_open(c, &a, JZ_KIND_AGREEMENT, payee.keys.to_payee);
	assert_memory_equal(m.payee_key, request.payee_key, JZ_POINT_BYTES);
	assert_memory_equal(m.payer_key, request.payer_key, JZ_POINT_BYTES);
	conform_signed(c, &m);
	/* That has used the hello up. */
	conform_refuses(c, AT_AGREE, blob_span(&data), JZ_SW_NO_PAYMENT);
}

/* The terminal cannot read the amount: the card is told what was agreed on. */
static void
test_the_amount_that_was_told(void **state)
{
	struct conform *c = conform_begin(state);
	struct payment pay = conform_payment(c, &c->other, &c->card, AMOUNT);
	struct blob *request = &pay.message[STEP_REQUEST], data;
	struct jz_buffer b = jz_buffer(data.data, sizeof(data.data));

	assert_int_equal(payment_run(&pay, STEP_REQUEST), JZ_SW_OK);
	jz_tlv_put_uint(&b, JZ_TAG_AMOUNT, AMOUNT - 1, 8);
	jz_put(&b, request->data, request->len);
	data.len = b.len;
	conform_refuses(c, AT_AGREE, blob_span(&data), JZ_SW_MISMATCH);
	data.data[9]++;
	assert_int_equal(
	    port_send(&c->card, AT_AGREE, blob_span(&data), NULL), JZ_SW_OK);
}

/* A new hello takes the place of the one before, whose answer opens nothing. */
static void
test_one_hello_is_open(void **state)
{
	struct conform *c = conform_begin(state);
	struct payment pay = conform_payment(c, &c->other, &c->card, AMOUNT);

	assert_int_equal(payment_run(&pay, STEP_REQUEST), JZ_SW_OK);
	assert_int_equal(
	    port_send(&c->card, AT_HELLO, NOTHING, NULL), JZ_SW_OK);
	conform_refuses(
	    c, AT_AGREE, blob_span(&pay.message[STEP_REQUEST]), JZ_SW_DECRYPT);
}

/* ---- far apart, and cut off --------------------------------------------- */

static void
both_off_and_on(struct conform *c)
{
	conform_power(c);
	assert_int_equal(jz_reader_reset(c->other_reader, true), 0);
	assert_int_equal(port_select(&c->other), JZ_SW_OK);
}

/* proves: OFP-9 (a power cycle between any two steps) */
static void
test_power_fails_between_any_two_steps(void **state)
{
	struct conform *c = conform_begin(state);
	uint64_t total = conform_total(c);

	for (unsigned way = 0; way < 2; way++) {
		struct payment pay = way == 0
		    ? conform_payment(c, &c->card, &c->other, AMOUNT)
		    : conform_payment(c, &c->other, &c->card, AMOUNT);

		for (enum step s = STEP_REQUEST; s < STEPS; s++) {
			both_off_and_on(c);
			assert_int_equal(payment_run(&pay, s), JZ_SW_OK);
		}
		assert_int_equal(conform_total(c), total);
	}
}

/* proves: OFP-6 OFP-9 (fetched again, credits once) */
static void
test_a_lost_completion_is_fetched(void **state)
{
	struct conform *c = conform_begin(state);
	uint64_t total = conform_total(c);
	struct payment pay = conform_payment(c, &c->other, &c->card, AMOUNT);
	uint8_t digest[JZ_DIGEST_BYTES];
	struct blob lost, fetch;
	struct answer a;

	assert_int_equal(payment_run(&pay, STEP_COMPLETE), JZ_SW_OK);
	lost = pay.message[STEP_COMPLETE];
	payment_digest(&pay, digest);
	fetch = fetch_of(digest);
	both_off_and_on(c);
	assert_int_equal(
	    port_send(&c->card, AT_FETCH, blob_span(&fetch), &a), JZ_SW_OK);
	assert_int_equal(a.len, lost.len);
	assert_memory_equal(a.data, lost.data, a.len);
	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(
	    port_send(&c->other, AT_CREDIT, blob_span(&lost), NULL), JZ_SW_OK);
	assert_int_equal(conform_total(c), total);
}

/* proves: OFP-9 (the confirmation again, the proof, the end of the entry) */
static void
test_a_payment_that_stops_is_proved_unpaid(void **state)
{
	struct conform *c = conform_begin(state);
	uint64_t total = conform_total(c);
	struct payment pay = conform_payment(c, &c->other, &c->card, AMOUNT);
	struct jz_message pending;
	struct blob question;
	struct answer a, again;

	assert_int_equal(payment_run(&pay, STEP_CONFIRM), JZ_SW_OK);
	assert_int_equal(port_send(&c->other, AT_CONFIRM,
			     blob_span(&pay.message[STEP_AGREE]), &again),
	    JZ_SW_OK);
	assert_memory_equal(again.data, pay.message[STEP_CONFIRM].data,
	    pay.message[STEP_CONFIRM].len);
	both_off_and_on(c);
	assert_int_equal(port_verify(&c->other, CONFORM_PIN), JZ_SW_OK);
	assert_int_equal(
	    port_send(&c->other, AT_PENDING(0), NOTHING, &a), JZ_SW_OK);
	assert_int_equal(
	    jz_message_decode(answer_span(&a), JZ_KIND_UNFINISHED, &pending),
	    0);
	question = question_of(&pending.payment);
	assert_int_equal(
	    port_send(&c->card, AT_PROVE, blob_span(&question), &a), JZ_SW_OK);
	/* It can no longer be paid, and nobody waits for it. */
	conform_refuses(c, AT_COMPLETE, blob_span(&pay.message[STEP_CONFIRM]),
	    JZ_SW_NO_PAYMENT);
	assert_int_equal(
	    port_send(&c->other, AT_DROP, answer_span(&a), NULL), JZ_SW_OK);
	assert_int_equal(conform_total(c), total);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_capture_shows_nothing),
	    cmocka_unit_test(test_the_same_search_finds_it_in_clear),
	    cmocka_unit_test(test_the_other_profile_is_refused),
	    cmocka_unit_test(test_the_request_is_opened_and_then_judged),
	    cmocka_unit_test(test_the_amount_that_was_told),
	    cmocka_unit_test(test_one_hello_is_open),
	    cmocka_unit_test(test_power_fails_between_any_two_steps),
	    cmocka_unit_test(test_a_lost_completion_is_fetched),
	    cmocka_unit_test(test_a_payment_that_stops_is_proved_unpaid),
	};

	conform_arguments(argc, argv);
	return cmocka_run_group_tests(
	    tests, conform_setup_encrypted, conform_teardown);
}
