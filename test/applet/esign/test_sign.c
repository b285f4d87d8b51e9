/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one contact: what SIGN takes, what it gives, and what it leaves behind.
 */
#include "../../support/esignrig.h"

#include "../../../apdu/error.h"
#include "../../../apdu/tlv.h"
#include "../../../keys/openssl/openssl.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOTHING jz_span(NULL, 0)
#define DRAWS	200u

static struct esign_rig rig;

static int
setup(void **state)
{
	esign_rig_new(&rig);
	*state = &rig;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	esign_rig_free(&rig);
	return 0;
}

/* proves: JPS-1 JPS-4 JPS-6 */
static void
test_a_contact_signs_message_and_joint_password(void **state)
{
	struct jz_esign_order o = esign_order();
	struct blob order = esign_encode(&o), signature;
	struct jz_esign_signature s;
	struct jz_joint j;

	(void)state;
	signature = esign_contact(&rig, &order);
	j = esign_open(&rig, &order, &signature);
	assert_int_equal(j.len, 6);
	for (size_t i = 0; i < j.len; i++)
		assert_in_range(j.password[i], '0', '9');
	assert_int_equal(jz_esign_get_signature(blob_span(&signature), &s), 0);
	assert_memory_equal(s.card_id, ESIGN_ID, sizeof(s.card_id));
	assert_int_equal(s.counter, 1);
	assert_int_equal(s.key_version, 1);
}

/* proves: JPS-18 (one exchange of three commands, none of them chained) */
static void
test_a_short_message_takes_three_commands(void **state)
{
	struct jz_esign_order o = esign_order();
	struct blob order = esign_encode(&o);
	uint8_t cmd[5 + 255 + 1] = {0x80, 0xA0, 0, 0, (uint8_t)order.len};
	struct answer a;

	(void)state;
	jz_card_reset(&rig.card->card);
	assert_int_equal(
	    port_hex(&rig.card->port, "00A4040008 F04A49414F5A4902 00", NULL),
	    JZ_SW_OK);
	assert_int_equal(port_hex(&rig.card->port, "00CA7F2100", &a), JZ_SW_OK);
	memcpy(cmd + 5, order.data, order.len);
	/* Short length fields, and the answer fits into one response. */
	assert_int_equal(
	    port_raw(&rig.card->port, jz_span(cmd, 5 + order.len + 1), &a),
	    JZ_SW_OK);
	assert_in_range(a.len, 200, 256);
}

/* proves: JPS-1 (any length through chaining) */
static void
test_the_longest_message_goes_through_chaining(void **state)
{
	static uint8_t details[JZ_ESIGN_DETAILS_MAX];
	static uint8_t bytes[JZ_ESIGN_ORDER_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_esign_order o = esign_order();
	struct jz_esign_signature s;
	struct jz_esign_ends ends;
	struct answer a;

	(void)state;
	memset(details, 'x', sizeof(details));
	o.account = o.to_account =
	    jz_span("1234567890123456789012345678901234", JZ_ACCOUNT_MAX);
	o.to_name = jz_span(details, JZ_ESIGN_NAME_MAX);
	o.details = jz_span(details, sizeof(details));
	assert_int_equal(jz_esign_put_order(&o, &b), 0);
	rig_accepts(rig.card, AT_SIGN, jz_buffer_span(&b), &a);
	assert_int_equal(jz_esign_get_signature(answer_span(&a), &s), 0);
	jz_esign_order(&rig.rig.openssl, jz_buffer_span(&b), &s);
	jz_esign_meet(&rig.rig.openssl, &s, &rig.issuer, rig.point, &ends);
	assert_int_equal(jz_esign_verify(&rig.rig.openssl, &s, &ends), 0);
	/* One byte more is refused. */
	o.details.len++;
	assert_int_equal(jz_esign_put_order(&o, &b), JZ_ERR_RANGE);
}

/* proves: JPS-15 JPS-1 (fresh: the same message twice has nothing in common) */
static void
test_the_same_message_again_is_another_signature(void **state)
{
	struct jz_esign_order o = esign_order();
	struct blob order = esign_encode(&o), one, two;
	struct jz_esign_signature a, b;
	struct jz_joint ja, jb;

	(void)state;
	one = esign_contact(&rig, &order);
	two = esign_contact(&rig, &order);
	assert_int_equal(jz_esign_get_signature(blob_span(&one), &a), 0);
	assert_int_equal(jz_esign_get_signature(blob_span(&two), &b), 0);
	assert_int_equal(b.counter, a.counter + 1);
	assert_memory_not_equal(a.nonce, b.nonce, sizeof(a.nonce));
	assert_memory_not_equal(a.sealed.data, b.sealed.data, 64);
	ja = esign_open(&rig, &order, &one);
	jb = esign_open(&rig, &order, &two);
	assert_memory_not_equal(ja.random, jb.random, sizeof(ja.random));
}

/* proves: JPS-7 (parts of two contacts do not fit) */
static void
test_parts_of_two_contacts_do_not_fit(void **state)
{
	struct jz_esign_order o = esign_order();
	struct blob order = esign_encode(&o), one, two;
	const struct jz_engine *e = &rig.rig.openssl;
	struct jz_esign_signature a, b, mixed;
	struct jz_esign_ends ends;
	struct jz_joint j;

	(void)state;
	one = esign_contact(&rig, &order);
	two = esign_contact(&rig, &order);
	jz_esign_get_signature(blob_span(&one), &a);
	jz_esign_get_signature(blob_span(&two), &b);
	jz_esign_order(e, blob_span(&order), &a);
	jz_esign_meet(e, &a, &rig.issuer, rig.point, &ends);
	mixed = a;
	mixed.sealed = b.sealed;
	assert_int_equal(jz_esign_verify(e, &mixed, &ends), JZ_ERR_SIGNATURE);
	assert_int_equal(jz_joint_open(e, &mixed, &ends, &j), JZ_ERR_DECRYPT);
	/* Nor another message, nor another counter. */
	mixed = a;
	mixed.order_digest[0] ^= 1;
	assert_int_equal(jz_joint_open(e, &mixed, &ends, &j), JZ_ERR_DECRYPT);
	mixed = a;
	mixed.counter++;
	assert_int_equal(jz_joint_open(e, &mixed, &ends, &j), JZ_ERR_DECRYPT);
	assert_int_equal(jz_joint_open(e, &a, &ends, &j), 0);
}

/*
 * Everything that left the card, and every guess: a wrong one looks like the
 * right one, because sealing it again gives other bytes each time.
 * proves: JPS-17
 */
static void
test_a_guess_cannot_be_tested(void **state)
{
	struct jz_esign_order o = esign_order();
	struct blob order = esign_encode(&o), signature;
	const struct jz_engine *e = &rig.rig.openssl;
	struct jz_esign_signature s;
	struct jz_esign_ends ends;
	uint8_t again[JZ_JOINT_SEALED_BYTES(JZ_JOINT_MAX)];
	struct jz_joint j;

	(void)state;
	signature = esign_contact(&rig, &order);
	j = esign_open(&rig, &order, &signature);
	jz_esign_get_signature(blob_span(&signature), &s);
	jz_esign_order(e, blob_span(&order), &s);
	jz_esign_meet(
	    e, &s, &esign_rig_nvm(&rig)->key, rig.issuer.public_key, &ends);
	/* Even with the right password and the right random number. */
	assert_int_equal(jz_joint_seal(e, &s, &ends, &j, again), 0);
	assert_int_equal(s.sealed.len, JZ_JOINT_SEALED_BYTES(j.len));
	assert_memory_not_equal(again, s.sealed.data, 64);
	assert_memory_not_equal(again + 64, s.sealed.data + 64, j.len);
	/* And the card's answer has it nowhere in clear. */
	for (size_t i = 0; i + j.len <= signature.len; i++)
		assert_memory_not_equal(signature.data + i, j.password, j.len);
}

/* proves: JPS-1 (unbiased: every character is chosen by as many bytes) */
static void
test_every_character_is_equally_likely(void **state)
{
	(void)state;
	for (unsigned alphabet = 1; alphabet <= 15; alphabet++) {
		unsigned count[256] = {0};
		unsigned n = esign_alphabet((uint8_t)alphabet), seen = 0;

		for (unsigned byte = 0; byte < 256; byte++)
			count[esign_choose((uint8_t)alphabet, (uint8_t)byte)]++;
		for (unsigned c = 1; c < 256; c++) {
			if (count[c] == 0)
				continue;
			assert_int_equal(count[c], 256 / n);
			assert_in_range(c, 0x21, 0x7E);
			assert_int_not_equal(c, '\\');
			seen++;
		}
		assert_int_equal(seen, n);
	}
	assert_int_equal(esign_alphabet(0), 0);
	assert_int_equal(esign_alphabet(16), 0);
	assert_int_equal(esign_choose(0, 1), 0);
}

/* proves: JPS-1 (each place takes each character; fresh each time) */
static void
test_passwords_use_their_whole_alphabet(void **state)
{
	bool seen[6][10] = {{false}};
	struct jz_esign_order o = esign_order();
	struct blob order = esign_encode(&o);

	(void)state;
	for (unsigned i = 0; i < DRAWS; i++) {
		struct blob s = esign_contact(&rig, &order);
		struct jz_joint j = esign_open(&rig, &order, &s);

		for (size_t k = 0; k < j.len; k++)
			seen[k][j.password[k] - '0'] = true;
	}
	for (unsigned k = 0; k < 6; k++)
		for (unsigned d = 0; d < 10; d++)
			assert_true(seen[k][d]);
}

static void
test_what_is_no_message_is_refused(void **state)
{
	struct jz_esign_order o = esign_order();
	struct blob order = esign_encode(&o), bad;

	(void)state;
	/* Every prefix, and every tag that is another one. */
	for (size_t n = 1; n < order.len; n++)
		rig_refuses(
		    rig.card, AT_SIGN, jz_span(order.data, n), JZ_SW_DATA);
	bad = order;
	bad.data[bad.len++] = 0;
	rig_refuses(rig.card, AT_SIGN, blob_span(&bad), JZ_SW_DATA);
	bad = order;
	bad.data[1] = JZ_ESIGN_SUBMISSION & 0xFF;
	rig_refuses(rig.card, AT_SIGN, blob_span(&bad), JZ_SW_DATA);
	rig_refuses(rig.card, AT_SIGN, NOTHING, JZ_SW_LENGTH);
	rig_refuses(rig.card, AT_SIGN | 1, blob_span(&order), JZ_SW_P1P2);
	assert_int_equal(esign_rig_nvm(&rig)->counter, 0);
	assert_false(esign_press(&rig, ""));
	assert_true(esign_blank(&rig));
}

static void
test_amount_and_account_must_be_there(void **state)
{
	struct jz_esign_order o = esign_order();
	uint8_t bytes[JZ_ESIGN_ORDER_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

	(void)state;
	o.amount = 0;
	assert_int_equal(jz_esign_put_order(&o, &b), JZ_ERR_RANGE);
	o = esign_order();
	o.account.len = 0;
	assert_int_equal(jz_esign_put_order(&o, &b), JZ_ERR_RANGE);
	o = esign_order();
	o.to_account = jz_span("12 34", 5);
	assert_int_equal(jz_esign_put_order(&o, &b), JZ_ERR_RANGE);
	assert_int_equal(b.len, 0);
	/* Name and details need not. */
	o = esign_order();
	o.to_name.len = 0;
	assert_int_equal(jz_esign_put_order(&o, &b), 0);
	rig_accepts(rig.card, AT_SIGN, jz_buffer_span(&b), NULL);
}

static void
test_a_card_without_display_signs_nothing(void **state)
{
	struct jz_esign_order o = esign_order();
	struct blob order = esign_encode(&o);

	(void)state;
	rig.card->card.setup.panel = NULL;
	rig_refuses(rig.card, AT_SIGN, blob_span(&order), JZ_SW_FUNCTION);
}

static void
test_a_counter_at_its_end_signs_nothing(void **state)
{
	struct jz_esign_order o = esign_order();
	struct blob order = esign_encode(&o);

	(void)state;
	rig_poke_u32(
	    rig.card, &esign_rig_nvm(&rig)->counter, JZ_ESIGN_COUNTER_MAX - 1);
	esign_contact(&rig, &order);
	esign_press(&rig, "C");
	rig_refuses(rig.card, AT_SIGN, blob_span(&order), JZ_SW_COUNTER);
}

/* E1: at any cut there is no signature without its counter.  proves: JPS-15 */
static void
test_a_cut_at_any_byte_gives_no_counter_twice(void **state)
{
	struct jz_esign_order o = esign_order();
	struct blob order = esign_encode(&o);
	struct rig_card *c = rig.card;
	struct rig_snapshot *start = rig_save(c);
	struct jz_fault_count before, after;
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
	struct answer a;

	(void)state;
	before = jz_fault_counters(c->fault);
	esign_contact(&rig, &order);
	after = jz_fault_counters(c->fault);
	for (uint64_t cut = 0; cut < after.bytes - before.bytes; cut++) {
		rig_restore(c, start);
		plan.cut_after = cut;
		jz_fault_plan(c->fault, &plan);
		/* Nothing has left the card when the commit is not whole. */
		assert_int_not_equal(
		    port_send(&c->port, AT_SIGN, blob_span(&order), &a),
		    JZ_SW_OK);
		assert_int_equal(a.len, 0);
		assert_int_equal(rig_reopen(c), 0);
		assert_int_equal(esign_select(&rig), JZ_SW_OK);
		assert_in_range(esign_rig_nvm(&rig)->counter, 0, 1);
		assert_int_equal(esign_rig_nvm(&rig)->pending.open, 0);
		esign_contact(&rig, &order);
	}
	rig_snapshot_free(&start);
}

/* proves: JPS-10 */
static void
test_what_waits_is_enciphered_and_its_key_elsewhere(void **state)
{
	struct jz_esign_order o = esign_order();
	struct blob order = esign_encode(&o), signature;
	const uint8_t *nvm = rig.card->nvm;
	struct rig_snapshot *s;
	struct jz_joint j;
	size_t found = 0;

	(void)state;
	signature = esign_contact(&rig, &order);
	j = esign_open(&rig, &order, &signature);
	for (size_t i = 0; i + j.len <= RIG_NVM_BYTES; i++) {
		assert_memory_not_equal(nvm + i, j.password, j.len);
		if (i + JZ_KEY_BYTES <= RIG_NVM_BYTES)
			assert_memory_not_equal(nvm + i,
			    rig.card->card.alone.standby, JZ_KEY_BYTES);
		found += memcmp(nvm + i, order.data, order.len) == 0 ? 1u : 0u;
	}
	/* Nor is it in the card's other memory. */
	s = rig_save(rig.card);
	for (size_t i = 0; i + j.len <= RIG_RAM_BYTES; i++)
		assert_memory_not_equal(rig.card->ram + i, j.password, j.len);
	for (size_t i = 0; i + j.len <= sizeof(rig.card->card); i++)
		assert_memory_not_equal(
		    (const uint8_t *)&rig.card->card + i, j.password, j.len);
	rig_snapshot_free(&s);
	assert_int_equal(found, 1);
}

/*
 * A card that was set back, generator and all, signs another message: under a
 * key of symmetric encryption that is another one, or two ciphertexts would tell
 * what is in them.
 */
static void
test_no_key_is_used_for_two_messages(void **state)
{
	static const uint8_t scheme = JZ_SCHEME_HASH | JZ_SCHEME_SYMMETRIC;
	struct jz_esign_order o = esign_order();
	struct blob order[2], signature[2];
	struct jz_esign_signature s[2];
	struct rig_snapshot *start;
	uint64_t position;
	struct jz_joint j[2];

	(void)state;
	rig_poke(rig.card, &esign_rig_nvm(&rig)->scheme, &scheme, 1);
	start = rig_save(rig.card);
	position = memo_position(rig.rig.memo);
	for (unsigned i = 0; i < 2; i++) {
		o.amount += i;
		order[i] = esign_encode(&o);
		rig_restore(rig.card, start);
		memo_rewind(rig.rig.memo, position);
		assert_int_equal(esign_select(&rig), JZ_SW_OK);
		signature[i] = esign_contact(&rig, &order[i]);
		j[i] = esign_open(&rig, &order[i], &signature[i]);
		jz_esign_get_signature(blob_span(&signature[i]), &s[i]);
	}
	/* The same password, nonce and counter. */
	assert_memory_equal(j[0].password, j[1].password, JZ_JOINT_MAX);
	assert_memory_equal(s[0].nonce, s[1].nonce, sizeof(s[0].nonce));
	assert_int_equal(s[0].counter, s[1].counter);
	assert_memory_not_equal(s[0].sealed.data, s[1].sealed.data, j[0].len);
	rig_snapshot_free(&start);
}

/* Both suites: the table is all that changes. */
static void
test_the_other_suite_seals_and_opens(void **state)
{
	struct jz_esign_signature s = {.kind = JZ_ESIGN_SIGNATURE,
	    .scheme = JZ_SCHEME_DEFAULT,
	    .counter = 7};
	uint8_t sealed[JZ_JOINT_SEALED_BYTES(JZ_JOINT_MAX)];
	struct jz_joint j = {.len = JZ_JOINT_MAX}, out;
	struct jz_esign_ends by_card, by_issuer;
	struct jz_key_pair issuer, card;
	struct jz_engine e;

	(void)state;
	if (jz_openssl_new(JZ_SUITE_GM, &e) != 0) {
		print_message("skipped: this build has no suite gm\n");
		skip();
	}
	assert_int_equal(e.crypto->generate(e.state, &issuer), 0);
	assert_int_equal(e.crypto->generate(e.state, &card), 0);
	memset(j.password, 'p', sizeof(j.password));
	jz_esign_meet(&e, &s, &card, issuer.public_key, &by_card);
	jz_esign_meet(&e, &s, &issuer, card.public_key, &by_issuer);
	assert_int_equal(jz_joint_seal(&e, &s, &by_card, &j, sealed), 0);
	s.sealed = jz_span(sealed, sizeof(sealed));
	assert_int_equal(jz_esign_sign(&e, &s, &by_card), 0);
	assert_int_equal(jz_esign_verify(&e, &s, &by_issuer), 0);
	assert_int_equal(jz_joint_open(&e, &s, &by_issuer, &out), 0);
	assert_memory_equal(&out, &j, sizeof(j));
	for (size_t i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 0x10;
		assert_int_equal(
		    jz_joint_open(&e, &s, &by_issuer, &out), JZ_ERR_DECRYPT);
		assert_int_equal(out.len, 0);
		assert_int_equal(
		    jz_esign_verify(&e, &s, &by_issuer), JZ_ERR_SIGNATURE);
		sealed[i] ^= 0x10;
	}
	jz_openssl_free(&e);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_contact_signs_message_and_joint_password),
	    TEST(test_a_short_message_takes_three_commands),
	    TEST(test_the_longest_message_goes_through_chaining),
	    TEST(test_the_same_message_again_is_another_signature),
	    TEST(test_parts_of_two_contacts_do_not_fit),
	    TEST(test_a_guess_cannot_be_tested),
	    cmocka_unit_test(test_every_character_is_equally_likely),
	    TEST(test_passwords_use_their_whole_alphabet),
	    TEST(test_what_is_no_message_is_refused),
	    TEST(test_amount_and_account_must_be_there),
	    TEST(test_a_card_without_display_signs_nothing),
	    TEST(test_a_counter_at_its_end_signs_nothing),
	    TEST(test_a_cut_at_any_byte_gives_no_counter_twice),
	    TEST(test_what_waits_is_enciphered_and_its_key_elsewhere),
	    TEST(test_no_key_is_used_for_two_messages),
	    cmocka_unit_test(test_the_other_suite_seals_and_opens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
