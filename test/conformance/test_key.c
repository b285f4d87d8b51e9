/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a key to an IC card, and from a key to a terminal, seen from outside:
 * the card that is judged is the one, then the other.
 */
#include "../support/conform.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define AMOUNT	900u
#define NOTHING jz_span(NULL, 0)

static void
id_of(const struct port *p, uint8_t id[static JZ_ID_BYTES])
{
	struct jz_message info = port_info(p);

	memcpy(id, info.card_id, JZ_ID_BYTES);
}

static void
on_the_list(const struct port *p, const struct port *of, bool add)
{
	uint8_t id[JZ_ID_BYTES];

	id_of(of, id);
	assert_int_equal(port_verify(p, CONFORM_PIN), JZ_SW_OK);
	(void)port_send(p, AT_PAIR(add ? JZ_PAIR_ADD : JZ_PAIR_REMOVE),
	    jz_span(id, sizeof(id)), NULL);
}

/* `who` proves to `to` who it is: the SW of the last word. */
static uint16_t
prove(const struct port *who, const struct port *to)
{
	uint8_t question[JZ_NONCE_BYTES + JZ_ID_BYTES];
	struct answer a;

	assert_int_equal(
	    port_send(to, AT_PAIR(JZ_PAIR_CHALLENGE), NOTHING, &a), JZ_SW_OK);
	assert_int_equal(a.len, JZ_NONCE_BYTES);
	memcpy(question, a.data, JZ_NONCE_BYTES);
	id_of(to, question + JZ_NONCE_BYTES);
	assert_int_equal(port_send(who, AT_PAIR(JZ_PAIR_IDENTIFY),
			     jz_span(question, sizeof(question)), &a),
	    JZ_SW_OK);
	return port_send(to, AT_PAIR(JZ_PAIR_VERIFY), answer_span(&a), NULL);
}

static void
pay(struct conform *c, const struct port *key, const struct port *card)
{
	struct payment pay = payment_of(card, key, AMOUNT, (int64_t)time(NULL));

	(void)c;
	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
}

/* proves: LOD-9 (each knows the other, the PIN is right, the amount moves) */
static void
test_the_amount_moves_to_a_card_that_is_known(void **state)
{
	struct conform *c = conform_begin(state);

	for (unsigned k = 0; k < 2; k++) {
		const struct port *key = k == 0 ? &c->card : &c->other;
		const struct port *card = k == 0 ? &c->other : &c->card;
		uint32_t before = port_balance(card);
		uint64_t total = conform_total(c);

		on_the_list(key, card, true);
		on_the_list(card, key, true);
		assert_int_equal(prove(card, key), JZ_SW_OK);
		assert_int_equal(prove(key, card), JZ_SW_OK);
		assert_int_equal(port_verify(card, CONFORM_PIN), JZ_SW_OK);
		pay(c, key, card);
		assert_int_equal(port_balance(card), before + AMOUNT);
		assert_int_equal(conform_total(c), total);
	}
}

/* proves: LOD-9 (the list of each is asked; a wrong PIN moves nothing) */
static void
test_a_stranger_and_a_wrong_pin(void **state)
{
	struct conform *c = conform_begin(state);
	uint32_t before = port_balance(&c->card);

	on_the_list(&c->card, &c->other, false);
	assert_int_equal(prove(&c->other, &c->card), JZ_SW_NOT_LISTED);
	on_the_list(&c->card, &c->other, true);
	assert_int_equal(prove(&c->other, &c->card), JZ_SW_OK);
	assert_int_equal(
	    port_verify(&c->card, "000000") & 0xFFF0, JZ_SW_PIN_TRIES);
	assert_int_equal(port_verify(&c->card, CONFORM_PIN), JZ_SW_OK);
	assert_int_equal(port_balance(&c->card), before);
}

/* proves: LOD-9 (its certificate is verified, and its word is of now) */
static void
test_a_forged_and_an_old_identity(void **state)
{
	struct conform *c = conform_begin(state);
	uint8_t question[JZ_NONCE_BYTES + JZ_ID_BYTES];
	struct answer a, word;
	struct jz_message m;

	on_the_list(&c->card, &c->other, true);
	port_send(&c->card, AT_PAIR(JZ_PAIR_CHALLENGE), NOTHING, &a);
	assert_int_equal(a.sw, JZ_SW_OK);
	memcpy(question, a.data, JZ_NONCE_BYTES);
	id_of(&c->card, question + JZ_NONCE_BYTES);
	port_send(&c->other, AT_PAIR(JZ_PAIR_IDENTIFY),
	    jz_span(question, sizeof(question)), &word);
	assert_int_equal(word.sw, JZ_SW_OK);
	/* A bit of the certificate's signature. */
	assert_int_equal(
	    jz_message_decode(answer_span(&word), JZ_KIND_IDENTIFICATION, &m),
	    0);
	a = word;
	a.data[(size_t)(m.certificate.data - word.data) + m.certificate.len -
	    1] ^= 1;
	conform_refuses(
	    c, AT_PAIR(JZ_PAIR_VERIFY), answer_span(&a), JZ_SW_CERT_FORGED);
	port_send(&c->card, AT_PAIR(JZ_PAIR_CHALLENGE), NOTHING, &a);
	assert_int_equal(a.sw, JZ_SW_OK);
	/* Good as it is, to the question before. */
	conform_refuses(
	    c, AT_PAIR(JZ_PAIR_VERIFY), answer_span(&word), JZ_SW_MISMATCH);
	assert_int_equal(prove(&c->other, &c->card), JZ_SW_OK);
}

/* proves: LOD-14 (a purse pays a terminal's purse with nothing between them) */
static void
test_the_key_pays_a_terminal(void **state)
{
	struct conform *c = conform_begin(state);
	uint32_t before = port_balance(&c->other);

	on_the_list(&c->card, &c->other, false);
	pay(c, &c->card, &c->other);
	assert_int_equal(port_balance(&c->other), before + AMOUNT);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_amount_moves_to_a_card_that_is_known),
	    cmocka_unit_test(test_a_stranger_and_a_wrong_pin),
	    cmocka_unit_test(test_a_forged_and_an_old_identity),
	    cmocka_unit_test(test_the_key_pays_a_terminal),
	};

	conform_arguments(argc, argv);
	return cmocka_run_group_tests(tests, conform_setup, conform_teardown);
}
