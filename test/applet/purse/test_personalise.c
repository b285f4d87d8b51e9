/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an empty purse to one that can be used, through the issuer's domain: in
 * which order, what may be missing, what stays, and that there is no other way.
 */
#include "../../support/desk.h"
#include "../../support/stride.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOTHING jz_span(NULL, 0)

static void
test_a_purse_is_personalised(void **state)
{
	struct desk *f = *state;
	struct jz_message info;

	desk_store(f, ROOT, OWN);
	assert_int_equal(rig_purse_state(f->card), JZ_PURSE_SELECTABLE);
	desk_stores(f, &f->object[PARAMETERS], true);
	assert_int_equal(port_select(&f->card->port), JZ_SW_OK);
	info = port_info(&f->card->port);
	assert_int_equal(info.state, JZ_PURSE_PERSONALISED);
	assert_memory_equal(info.card_id, DESK_CARD_ID, JZ_ID_BYTES);
	assert_int_equal(info.payment.currency, BANK_CURRENCY);
	assert_int_equal(info.balance, 0);
	assert_int_equal(info.max_balance, f->profile.max_balance);
	assert_int_equal(info.max_single, f->profile.max_single);
	assert_int_equal(info.record, 1);
	assert_int_equal(info.count, 0);
	assert_int_equal(info.capacity, JZ_PURSE_RECORDS);
	rig_restart(f->card);
	assert_int_equal(
	    port_info(&f->card->port).state, JZ_PURSE_PERSONALISED);
}

static void
test_parameters_may_come_first_and_any_object_last(void **state)
{
	struct desk *f = *state;

	desk_store(f, PARAMETERS, PARAMETERS);
	desk_store(f, ROOT, HOST);
	desk_stores(f, &f->object[OWN], true);
	assert_int_equal(rig_purse_state(f->card), JZ_PURSE_PERSONALISED);
}

/* The life cycle of the purse is the card's registry's: GET STATUS tells. */
static void
test_the_domain_shows_the_state(void **state)
{
	static const uint8_t empty[] = {0x9F, 0x70, 0x01, 0x07};
	static const uint8_t ready[] = {0x9F, 0x70, 0x01, 0x0F};
	static const char name[] = "4F08F04A49414F5A4901";
	static const size_t at = 12; /* behind E3 and 4F */
	struct desk *f = *state;
	struct answer a;

	assert_int_equal(
	    gp_hex(&f->g, GP_AT_STATUS(JZ_GP_APPLICATIONS), name, &a),
	    JZ_SW_OK);
	assert_memory_equal(a.data + at, empty, sizeof(empty));
	desk_store(f, ROOT, OWN);
	desk_stores(f, &f->object[PARAMETERS], true);
	assert_int_equal(
	    gp_hex(&f->g, GP_AT_STATUS(JZ_GP_APPLICATIONS), name, &a),
	    JZ_SW_OK);
	assert_memory_equal(a.data + at, ready, sizeof(ready));
}

/* There is no side door: the purse itself takes neither. */
static void
test_the_purse_itself_is_not_personalised(void **state)
{
	struct desk *f = *state;

	assert_int_equal(port_select(&f->card->port), JZ_SW_OK);
	for (enum object o = ROOT; o < OBJECTS; o++)
		rig_refuses(f->card, GP_AT_STORE(JZ_GP_STORE_TLV, 0),
		    blob_span(&f->object[o]), JZ_SW_INS);
	rig_refuses(f->card, AT_GENERATE, NOTHING, JZ_SW_P1P2);
}

/* The last object when something is missing: refused, so not stored. */
static void
test_a_last_object_that_does_not_complete_is_not_stored(void **state)
{
	struct desk *f = *state;

	for (enum object o = ROOT; o < OBJECTS; o++) {
		if (o == PARAMETERS)
			break;
		desk_refuses(f, &f->object[o], true, JZ_SW_CONDITIONS);
		desk_store(f, o, o);
	}
	assert_int_equal(rig_purse_state(f->card), JZ_PURSE_SELECTABLE);
	desk_stores(f, &f->object[PARAMETERS], true);
}

static void
test_each_object_that_may_be_missing(void **state)
{
	struct desk *f = *state;
	struct rig_snapshot *s = rig_save(f->card);
	uint8_t block = f->block;
	struct gp g = f->g;

	/* Leave out one: what hangs on it is left out too. */
	for (enum object o = ROOT; o <= OWN; o++) {
		rig_restore(f->card, s);
		f->g = g;
		f->block = block;
		for (enum object k = ROOT; k < o; k++)
			desk_store(f, k, k);
		if (o == HOST)
			desk_store(f, OWN, OWN);
		desk_refuses(f, &f->object[PARAMETERS], true, JZ_SW_CONDITIONS);
	}
	rig_snapshot_free(&s);
}

static void
test_the_last_object_is_one_commit(void **state)
{
	struct desk *f = *state;
	struct jz_fault_count was, is;

	desk_store(f, ROOT, OWN);
	was = jz_fault_counters(f->card->fault);
	desk_stores(f, &f->object[PARAMETERS], true);
	is = jz_fault_counters(f->card->fault);
	assert_int_equal(is.appends, was.appends + 1);
	assert_int_equal(is.replaces, was.replaces);
}

/* proves: OFP-8 (one key pair, made on the card, public key exported) */
static void
test_the_key_pair_is_made_once(void **state)
{
	struct desk *f = *state;
	uint8_t point[JZ_POINT_BYTES], before[32], after[32];
	struct answer a;

	rig_hash(f->card, before);
	desk_generate(f, point);
	assert_memory_equal(point, f->point, sizeof(point));
	rig_hash(f->card, after);
	assert_memory_equal(before, after, sizeof(before));
	assert_int_equal(port_select(&f->card->port), JZ_SW_OK);
	rig_accepts(f->card, AT_READ_KEY, NOTHING, &a);
	assert_int_equal(a.len, 3 + 2 + JZ_POINT_BYTES);
	assert_memory_equal(a.data, "\x7F\x49\x43\x86\x41", 5);
	assert_memory_equal(a.data + 5, f->point, JZ_POINT_BYTES);
}

static void
test_a_purse_without_a_key_says_so(void **state)
{
	struct desk *f = *state;
	struct rig_card *c = rig_empty_purse_new(&f->rig, false);

	assert_int_equal(port_select(&c->port), JZ_SW_OK);
	rig_refuses(c, AT_READ_KEY, NOTHING, JZ_SW_REFERENCE);
	rig_card_free(&c);
}

static void
test_two_purses_have_two_keys(void **state)
{
	struct desk *f = *state;
	struct rig_card *c = rig_empty_purse_new(&f->rig, false);
	uint8_t point[JZ_POINT_BYTES];

	desk_open(f, c);
	desk_generate(f, point);
	assert_memory_not_equal(point, f->point, sizeof(point));
	rig_card_free(&c);
}

static void
test_personalisation_is_for_good(void **state)
{
	static const struct blob make = {3, {0x7F, 0x49, 0x00}};
	struct desk *f = *state;

	desk_store(f, ROOT, OWN);
	desk_stores(f, &f->object[PARAMETERS], true);
	desk_open(f, f->card);
	for (enum object o = ROOT; o < OBJECTS; o++) {
		desk_refuses(f, &f->object[o], false, JZ_SW_CONDITIONS);
		desk_refuses(f, &f->object[o], true, JZ_SW_CONDITIONS);
	}
	desk_refuses(f, &make, false, JZ_SW_CONDITIONS);
	assert_int_equal(port_select(&f->card->port), JZ_SW_OK);
	rig_accepts(f->card, AT_READ_KEY, NOTHING, NULL);
}

/* A session that ended early is begun again, and what there is stays. */
static void
test_personalisation_is_taken_up_again(void **state)
{
	struct desk *f = *state;
	uint8_t point[JZ_POINT_BYTES];

	desk_store(f, ROOT, HOST);
	assert_int_equal(rig_reopen(f->card), 0);
	desk_open(f, f->card);
	desk_generate(f, point);
	assert_memory_equal(point, f->point, sizeof(point));
	desk_refuses(f, &f->object[ROOT], false, JZ_SW_CONDITIONS);
	desk_store(f, CA, OWN);
	desk_stores(f, &f->object[PARAMETERS], true);
	assert_int_equal(rig_purse_state(f->card), JZ_PURSE_PERSONALISED);
}

static void
test_before_personalisation_nothing_is_paid_loaded_or_verified(void **state)
{
	static const uint32_t headers[] = {AT_VERIFY, AT_REQUEST, AT_AGREE,
	    AT_CONFIRM, AT_COMPLETE, AT_CREDIT, AT_ACKNOWLEDGE, AT_FETCH,
	    AT_CREDIT_LOAD};
	static const uint32_t without_data[] = {
	    AT_CANCEL, AT_SETTLE(1), AT_CERTIFICATE, AT_ASN, AT_READ_LOG(1)};
	static const uint8_t data[34] = {0x12, 0x34};
	struct desk *f = *state;
	struct blob load = load_of(1);

	assert_int_equal(port_select(&f->card->port), JZ_SW_OK);
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		rig_refuses(f->card, headers[i],
		    jz_span(data, headers[i] == AT_VERIFY ? 4 : 34),
		    JZ_SW_CONDITIONS);
	for (size_t i = 0; i < sizeof(without_data) / sizeof(without_data[0]);
	     i++)
		rig_refuses(
		    f->card, without_data[i], NOTHING, JZ_SW_CONDITIONS);
	rig_refuses(f->card, AT_INITIALIZE, blob_span(&load), JZ_SW_CONDITIONS);
	/* What may be read is read. */
	assert_int_equal(port_balance(&f->card->port), 0);
	assert_int_equal(port_info(&f->card->port).state, JZ_PURSE_SELECTABLE);
	rig_accepts(f->card, AT_PUBLIC, NOTHING, NULL);
}

/* Whether any eight bytes in a row of the secret are in the answer. */
static bool
leaks(const struct answer *a, const uint8_t *secret, size_t len)
{
	for (size_t i = 0; i + 8 <= len; i++)
		for (size_t k = 0; k + 8 <= a->len; k++)
			if (memcmp(a->data + k, secret + i, 8) == 0)
				return true;
	return false;
}

/* Every instruction of both classes with many parameters, to what is selected
 * by this AID, after the PIN. */
static void
sweep(struct rig_card *c, const struct jz_aid *aid)
{
	static const uint8_t p2s[] = {
	    0x00, 0x01, 0x02, 0x04, 0x21, 0x5A, 0x61, 0xC4, 0xFF};
	uint8_t secret[JZ_PRIVATE_BYTES];
	struct answer a;

	memcpy(secret, rig_purse(c)->key.private_key, sizeof(secret));
	for (uint32_t ins = 0; ins < 2 * 256; ins++) {
		/* SELECT was one of them. */
		port_send(
		    &c->port, AT_SELECT, jz_span(aid->bytes, aid->len), NULL);
		port_verify(&c->port, "123456");
		for (uint32_t k = 0; k < 256 * sizeof(p2s);
		     k += test_stride()) {
			uint32_t p1 = k / sizeof(p2s);
			uint8_t p2 = p2s[k % sizeof(p2s)];

			port_send(&c->port,
			    (ins >= 256 ? 0x80000000u : 0) |
				(ins & 0xFF) << 16 | p1 << 8 | p2,
			    NOTHING, &a);
			if (leaks(&a, secret, sizeof(secret)))
				fail_msg("%02X %02X %02X", ins & 0xFF, p1, p2);
		}
	}
}

/* proves: OFP-8 (the private key by no command) */
static void
test_no_command_reads_the_private_key(void **state)
{
	struct desk *f = *state;
	struct rig_card *c;

	f->rig.loose = true; /* a million commands */
	c = rig_bare_purse_new(&f->rig, &f->profile);
	sweep(c, &jz_purse_class.aid);
	sweep(c, &GP_ISD);
	rig_card_free(&c);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, desk_setup, desk_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_purse_is_personalised),
	    TEST(test_parameters_may_come_first_and_any_object_last),
	    TEST(test_the_domain_shows_the_state),
	    TEST(test_the_purse_itself_is_not_personalised),
	    TEST(test_a_last_object_that_does_not_complete_is_not_stored),
	    TEST(test_each_object_that_may_be_missing),
	    TEST(test_the_last_object_is_one_commit),
	    TEST(test_the_key_pair_is_made_once),
	    TEST(test_a_purse_without_a_key_says_so),
	    TEST(test_two_purses_have_two_keys),
	    TEST(test_personalisation_is_for_good),
	    TEST(test_personalisation_is_taken_up_again),
	    TEST(
		test_before_personalisation_nothing_is_paid_loaded_or_verified),
	    TEST(test_no_command_reads_the_private_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
