/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A public key known another way (OFP-13): messages that come with the sender's
 * ID alone, and the certificates that a card keeps for them.
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

#define AMOUNT	1300u
#define NOTHING jz_span(NULL, 0)
#define KEPT	4u

static void
pin(const struct port *p)
{
	assert_int_equal(port_verify(p, CONFORM_PIN), JZ_SW_OK);
}

static struct blob
id_of(const uint8_t *id)
{
	struct blob out;
	struct jz_buffer b = jz_buffer(out.data, sizeof(out.data));

	jz_tlv_put(&b, JZ_TAG_CARD_ID, id, JZ_ID_BYTES);
	out.len = b.len;
	return out;
}

/* Nothing that a test before, or another run, has left. */
static void
forget_all(const struct port *p)
{
	struct answer a;

	pin(p);
	assert_int_equal(
	    port_send(p, AT_PEER(JZ_PEER_LIST), NOTHING, &a), JZ_SW_OK);
	for (size_t i = 0; i + JZ_ID_BYTES <= a.len; i += JZ_ID_BYTES) {
		struct blob id = id_of(a.data + i);

		assert_int_equal(
		    port_send(p, AT_PEER(JZ_PEER_REMOVE), blob_span(&id), NULL),
		    JZ_SW_OK);
	}
}

static uint16_t
keep(const struct port *p, struct jz_span certificate)
{
	pin(p);
	return port_send(p, AT_PEER(JZ_PEER_PUT), certificate, NULL);
}

static struct answer
certificate_of(const struct port *p)
{
	struct answer a;

	assert_int_equal(port_send(p, AT_CERTIFICATE, NOTHING, &a), JZ_SW_OK);
	return a;
}

/* One step of a payment by ID alone. */
static uint16_t
by_id(struct payment *pay, enum step s)
{
	struct answer a;
	uint16_t sw = port_send(payment_card(pay, s),
	    payment_header(s) | AT_ID_ALONE, payment_data(pay, s), &a);

	if (sw == JZ_SW_OK) {
		blob_set(&pay->message[s], answer_span(&a));
		pay->next = (enum step)(s + 1);
	}
	return sw;
}

static bool
has_certificate(const struct blob *message, const struct port *card)
{
	struct answer a = certificate_of(card);

	for (size_t i = 0; i + a.len <= message->len; i++)
		if (memcmp(message->data + i, a.data, a.len) == 0)
			return true;
	return false;
}

/* proves: OFP-13 (the payee's certificate is known) */
static void
test_a_request_without_certificate(void **state)
{
	struct conform *c = conform_begin(state);
	struct payment pay =
	    payment_of(&c->other, &c->card, AMOUNT, c->bank.now);
	struct answer theirs = certificate_of(&c->other);
	uint64_t total = conform_total(c);

	forget_all(&c->card);
	assert_int_equal(by_id(&pay, STEP_REQUEST), JZ_SW_OK);
	assert_false(has_certificate(&pay.message[STEP_REQUEST], &c->other));
	/* Nobody that it knows: authentication failed. */
	conform_refuses(
	    c, AT_AGREE, blob_span(&pay.message[STEP_REQUEST]), JZ_SW_STRANGER);
	assert_int_equal(keep(&c->card, answer_span(&theirs)), JZ_SW_OK);
	conform_power(c);
	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(conform_total(c), total);
}

/* proves: OFP-13 (the payer's certificate is known) */
static void
test_an_agreement_without_certificate(void **state)
{
	struct conform *c = conform_begin(state);
	struct payment pay =
	    payment_of(&c->card, &c->other, AMOUNT, c->bank.now);
	struct answer theirs = certificate_of(&c->other);
	uint64_t total = conform_total(c);

	forget_all(&c->card);
	assert_int_equal(payment_run(&pay, STEP_REQUEST), JZ_SW_OK);
	assert_int_equal(by_id(&pay, STEP_AGREE), JZ_SW_OK);
	conform_refuses(
	    c, AT_CONFIRM, blob_span(&pay.message[STEP_AGREE]), JZ_SW_STRANGER);
	assert_int_equal(keep(&c->card, answer_span(&theirs)), JZ_SW_OK);
	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(conform_total(c), total);
}

/* proves: OFP-13 (only what the issuer signed is kept, after the PIN) */
static void
test_what_is_kept(void **state)
{
	struct conform *c = conform_begin(state);
	struct answer theirs = certificate_of(&c->other);
	struct answer own = certificate_of(&c->card), a;
	struct jz_message info = port_info(&c->other);
	struct blob id = id_of(info.card_id);

	forget_all(&c->card);
	assert_int_equal(port_select(&c->card), JZ_SW_OK);
	conform_refuses(
	    c, AT_PEER(JZ_PEER_PUT), answer_span(&theirs), JZ_SW_SECURITY);
	conform_refuses(c, AT_PEER(JZ_PEER_LIST), NOTHING, JZ_SW_SECURITY);
	conform_refuses(
	    c, AT_PEER(JZ_PEER_REMOVE), blob_span(&id), JZ_SW_SECURITY);
	pin(&c->card);
	theirs.data[theirs.len - 1] ^= 1;
	conform_refuses(
	    c, AT_PEER(JZ_PEER_PUT), answer_span(&theirs), JZ_SW_CERT_FORGED);
	theirs.data[theirs.len - 1] ^= 1;
	conform_refuses(
	    c, AT_PEER(JZ_PEER_PUT), answer_span(&own), JZ_SW_SAME_CARD);
	assert_int_equal(keep(&c->card, answer_span(&theirs)), JZ_SW_OK);
	/* Again is the same one. */
	assert_int_equal(keep(&c->card, answer_span(&theirs)), JZ_SW_OK);
	assert_int_equal(
	    port_send(&c->card, AT_PEER(JZ_PEER_LIST), NOTHING, &a), JZ_SW_OK);
	assert_int_equal(a.len, JZ_ID_BYTES);
	assert_memory_equal(a.data, info.card_id, JZ_ID_BYTES);
	assert_int_equal(
	    port_send(&c->card, AT_PEER(JZ_PEER_REMOVE), blob_span(&id), NULL),
	    JZ_SW_OK);
	conform_refuses(
	    c, AT_PEER(JZ_PEER_REMOVE), blob_span(&id), JZ_SW_REFERENCE);
}

static void
test_there_is_room_for_four(void **state)
{
	struct conform *c = conform_begin(state);
	char id[] = "CN00000001100001";
	struct forger f;

	forget_all(&c->card);
	for (unsigned i = 0; i < KEPT; i++, id[10]++) {
		forger_new(&f, &c->bank, id);
		assert_int_equal(
		    keep(&c->card, blob_span(&f.certificate)), JZ_SW_OK);
	}
	forger_new(&f, &c->bank, id);
	conform_refuses(
	    c, AT_PEER(JZ_PEER_PUT), blob_span(&f.certificate), JZ_SW_SPACE);
	/* A new key pair of a card that is kept takes the place of the old. */
	forger_new(&f, &c->bank, "CN00000001100002");
	assert_int_equal(keep(&c->card, blob_span(&f.certificate)), JZ_SW_OK);
	forget_all(&c->card);
}

/* proves: OFP-13 (another's signature under a known ID is nobody's) */
static void
test_the_key_that_is_kept_must_have_signed(void **state)
{
	struct conform *c = conform_begin(state);
	struct forger known, other;
	struct jz_message request;
	struct blob data;

	forget_all(&c->card);
	forger_new(&known, &c->bank, "CN00000000900001");
	forger_new(&other, &c->bank, "CN00000000900001");
	assert_int_equal(
	    keep(&c->card, blob_span(&known.certificate)), JZ_SW_OK);
	request = forger_request(&other, AMOUNT, c->bank.now);
	request.certificate = NOTHING;
	data = forger_sign(&other, &request);
	conform_refuses(c, AT_AGREE, blob_span(&data), JZ_SW_MAC);
	data = forger_sign(&known, &request);
	assert_int_equal(
	    port_send(&c->card, AT_AGREE, blob_span(&data), NULL), JZ_SW_OK);
	forget_all(&c->card);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_request_without_certificate),
	    cmocka_unit_test(test_an_agreement_without_certificate),
	    cmocka_unit_test(test_what_is_kept),
	    cmocka_unit_test(test_there_is_room_for_four),
	    cmocka_unit_test(test_the_key_that_is_kept_must_have_signed),
	};

	conform_arguments(argc, argv);
	return cmocka_run_group_tests(tests, conform_setup, conform_teardown);
}
