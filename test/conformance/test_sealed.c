/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enciphered loads end to end: what passes through the terminal and the network
 * is sealed, and what comes in clear is refused by both sides.
 *
 * proves: LOD-8
 */
#include "../support/tornrig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "../../host/issuer/internal.h"

#define AMOUNT 3000u

static void
world_sealed(struct world *w)
{
	world_new(w);
	w->alice.sealed = true;
	assert_int_equal(world_personalise(w, &w->alice, "alice"), 0);
	assert_int_equal(world_personalise(w, &w->bob, "bob"), 0);
}

static int64_t
account(struct world *w)
{
	int64_t minor;

	assert_int_equal(
	    jz_issuer_account_balance(w->issuer, "alice", &minor), 0);
	return minor;
}

static struct jz_span
ask(struct torn *t, uint8_t bytes[static JZ_MESSAGE_MAX])
{
	struct jz_buffer b = jz_buffer(bytes, JZ_MESSAGE_MAX);
	unsigned tries;

	assert_int_equal(jz_purse_verify_pin(&t->session, TORN_PIN, &tries), 0);
	assert_int_equal(
	    jz_purse_load_request(&t->session, AMOUNT, TORN_TERMINAL, &b), 0);
	return jz_buffer_span(&b);
}

static void
test_a_load_and_its_cancellation(void **state)
{
	struct jz_cancel_result r;
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct world w = {0};

	(void)state;
	world_sealed(&w);
	assert_int_equal(world_load(&w, &w.alice, AMOUNT), 0);
	assert_int_equal(torn_balance(&w.alice), AMOUNT);
	assert_int_equal(account(&w), TORN_DEPOSIT - AMOUNT);
	(void)ask(&w.alice, bytes);
	assert_int_equal(jz_load_cancel(&w.alice.session, w.issuer, &r), 0);
	assert_int_equal(world_load(&w, &w.alice, AMOUNT), 0);
	assert_int_equal(world_load(&w, &w.bob, AMOUNT), 0);
	world_assert_settled(&w);
	world_free(&w);
}

/* ALL-3: cut at every command, taken up by the same load again. */
static void
test_cut_at_every_command(void **state)
{
	struct world w = {0};
	uint64_t on_card = 0;
	bool cut = true;
	unsigned n;

	(void)state;
	world_sealed(&w);
	for (n = 1; cut && n < TORN_CUTS_MAX; n++) {
		int err;

		torn_cut_at(&w.alice, n, n % 2 == 0);
		err = world_load(&w, &w.alice, AMOUNT);
		cut = torn_was_cut(&w.alice);
		world_assert_settled(&w);
		if (err != 0 && torn_balance(&w.alice) == on_card)
			assert_int_equal(world_load(&w, &w.alice, AMOUNT), 0);
		on_card += AMOUNT;
		assert_int_equal(torn_balance(&w.alice), on_card);
		assert_int_equal(account(&w), TORN_DEPOSIT - (int64_t)on_card);
	}
	assert_true(n > 4 && n < TORN_CUTS_MAX);
	world_free(&w);
}

/* The same request, the same sealed answer; and nothing in clear. */
static void
test_what_the_issuer_takes(void **state)
{
	uint8_t one[JZ_MESSAGE_MAX], two[JZ_MESSAGE_MAX], three[JZ_MESSAGE_MAX];
	struct jz_buffer a = jz_buffer(two, sizeof(two));
	struct jz_buffer b = jz_buffer(three, sizeof(three));
	struct jz_purse_info p;
	struct jz_span request;
	struct world w = {0};

	(void)state;
	world_sealed(&w);
	request = ask(&w.alice, one);
	assert_int_equal(jz_message_peek(request), JZ_KIND_ONLINE_SEALED);
	assert_int_equal(jz_issuer_load_permit(w.issuer, request, &a), 0);
	assert_int_equal(jz_issuer_load_permit(w.issuer, request, &b), 0);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(two, three, a.len);
	assert_int_equal(
	    jz_message_peek(jz_buffer_span(&a)), JZ_KIND_ONLINE_SEALED);
	assert_int_equal(account(&w), TORN_DEPOSIT - AMOUNT);
	/* Nor does whoever asks for it later see it. */
	assert_int_equal(jz_purse_info(&w.alice.session, &p), 0);
	b.len = 0;
	assert_int_equal(
	    jz_issuer_load_permission(w.issuer, p.id, p.online_counter, &b), 0);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(two, three, a.len);
	/* Each byte counts. */
	for (size_t k = 0; k < request.len; k += 5) {
		one[k] ^= 1;
		b.len = 0;
		assert_int_equal(jz_issuer_load_permit(w.issuer, request, &b),
		    JZ_ERR_REFUSED);
		assert_int_equal(
		    jz_issuer_refusal(w.issuer), JZ_REFUSAL_MALFORMED);
		assert_int_equal(b.len, 0);
		one[k] ^= 1;
	}
	world_free(&w);
}

/* A card whose certificate says so has no loads in clear, another no others. */
static void
test_the_profile_decides(void **state)
{
	struct jz_message sealed;
	struct jz_online_keys keys;
	struct jz_key_pair key;
	uint8_t one[JZ_MESSAGE_MAX], plain[JZ_MESSAGE_MAX];
	uint8_t two[JZ_MESSAGE_MAX];
	struct jz_buffer out = jz_buffer(two, sizeof(two));
	struct jz_message m;
	struct jz_span request;
	struct world w = {0};

	(void)state;
	world_sealed(&w);
	request = ask(&w.alice, one);
	assert_int_equal(
	    jz_message_decode(request, JZ_KIND_ONLINE_SEALED, &sealed), 0);
	assert_int_equal(jz_issuer_load_key(w.issuer, &key), 0);
	assert_int_equal(
	    jz_online_keys(jz_issuer_engine(w.issuer), key.private_key,
		sealed.payer_key, sealed.payer_key, key.public_key, &keys),
	    0);
	assert_int_equal(jz_online_open(jz_issuer_engine(w.issuer), &sealed,
			     JZ_KIND_LOAD_REQUEST, keys.to_host, plain, &m),
	    0);
	/* The card's own request, with its good signature, in clear. */
	request = jz_span(plain, sealed.sealed.len - JZ_SEAL_TAG_BYTES);
	assert_int_equal(
	    jz_issuer_load_permit(w.issuer, request, &out), JZ_ERR_REFUSED);
	assert_int_equal(jz_issuer_refusal(w.issuer), JZ_REFUSAL_MALFORMED);
	assert_int_equal(account(&w), TORN_DEPOSIT);
	/* And a card in clear, sealed by somebody. */
	request = ask(&w.bob, one);
	assert_int_equal(
	    jz_message_decode(request, JZ_KIND_LOAD_REQUEST, &m), 0);
	assert_int_equal(jz_online_seal(jz_issuer_engine(w.issuer), &m,
			     keys.to_host, sealed.payer_key, &out),
	    0);
	assert_int_equal(
	    jz_issuer_load_permit(w.issuer, jz_buffer_span(&out), &out),
	    JZ_ERR_REFUSED);
	assert_int_equal(jz_issuer_refusal(w.issuer), JZ_REFUSAL_MALFORMED);
	world_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_load_and_its_cancellation),
	    cmocka_unit_test(test_cut_at_every_command),
	    cmocka_unit_test(test_what_the_issuer_takes),
	    cmocka_unit_test(test_the_profile_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
