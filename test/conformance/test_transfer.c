/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the key to an IC card (LOD-9), separate or built into the key (LOD-15);
 * and the key alone at a terminal (LOD-14).
 *
 * proves: LOD-9 LOD-14 LOD-15
 */
#include "../support/tornrig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "../../host/issuer/internal.h"

#define FUNDS  50000u
#define AMOUNT 4000u
#define WRONG  JZ_SECRET("000000")

/* A key with money, and a card: two sessions, of one card or of two. */
struct pair {
	struct world w;
	struct jz_session *key, *card;
	struct jz_session built_in; /* of the key's second purse */
	struct jz_session *turn;
	uint8_t key_id[JZ_ID_BYTES], card_id[JZ_ID_BYTES];
};

static void
read_ids(struct pair *p)
{
	struct jz_purse_info info;

	assert_int_equal(jz_purse_info(p->key, &info), 0);
	memcpy(p->key_id, info.id, sizeof(p->key_id));
	assert_int_equal(jz_purse_info(p->card, &info), 0);
	memcpy(p->card_id, info.id, sizeof(p->card_id));
}

static int
separate_setup(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	world_new(&p->w);
	assert_int_equal(world_personalise(&p->w, &p->w.alice, "alice"), 0);
	assert_int_equal(world_personalise(&p->w, &p->w.bob, "bob"), 0);
	assert_int_equal(world_load(&p->w, &p->w.alice, FUNDS), 0);
	p->key = &p->w.alice.session;
	p->card = &p->w.bob.session;
	read_ids(p);
	*state = p;
	return 0;
}

/* Another purse on the key, by its issuer. */
static void
install(struct pair *p, const struct jz_gp_aid *instance)
{
	static const struct jz_gp_aid purse = {
	    JZ_AID_PURSE_BYTES, JZ_AID_PURSE};
	const struct jz_gp_install what = {
	    .load_file = purse, .module = purse, .instance = *instance};
	struct jz_scp03_keys keys;
	struct jz_gp gp;

	jz_gp_init(&gp, p->key, jz_issuer_engine(p->w.issuer));
	assert_int_equal(jz_gp_select(&gp, NULL), 0);
	assert_int_equal(jz_gp_begin(&gp, 0), 0);
	assert_int_equal(
	    jz_issuer_card_keys(p->w.issuer, gp.kdd, gp.kvn, &keys), 0);
	assert_int_equal(jz_gp_authenticate(&gp, &keys, 0x33), 0);
	assert_int_equal(jz_gp_install(&gp, &what), 0);
	jz_gp_close(&gp);
}

static int
built_in_setup(void **state)
{
	static const struct jz_gp_aid second = {
	    9, {0xF0, 'J', 'I', 'A', 'O', 'Z', 'I', 0x01, 0x02}};
	const struct jz_personal who = {.holder = "alice",
	    .account = "alice",
	    .pin = TORN_PIN,
	    .currency = TORN_CNY,
	    .max_balance_minor = 500000,
	    .max_single_minor = 500000};
	struct pair *p;

	separate_setup(state);
	p = *state;
	install(p, &second);
	jz_session_init(&p->built_in, p->w.alice.reader);
	memcpy(p->built_in.purse, second.bytes, second.len);
	p->built_in.purse_len = second.len;
	assert_int_equal(jz_purse_select(&p->built_in), 0);
	assert_int_equal(
	    jz_personalise(&p->built_in, p->w.issuer, &who, p->card_id), 0);
	memcpy(p->key->purse, second.bytes, JZ_AID_PURSE_BYTES);
	p->key->purse_len = JZ_AID_PURSE_BYTES;
	p->card = &p->built_in;
	p->turn = p->card;
	p->key->turn = p->card->turn = &p->turn;
	read_ids(p);
	return 0;
}

static int
teardown(void **state)
{
	struct pair *p = *state;

	world_free(&p->w);
	free(p);
	return 0;
}

static uint64_t
balance(struct jz_session *s)
{
	uint64_t minor;

	assert_int_equal(jz_purse_balance(s, &minor), 0);
	return minor;
}

static void
verify(struct jz_session *s)
{
	unsigned tries;

	assert_int_equal(jz_purse_verify_pin(s, TORN_PIN, &tries), 0);
}

static void
pair_up(struct pair *p)
{
	verify(p->key);
	assert_int_equal(jz_purse_pair(p->key, p->card_id, true), 0);
	verify(p->card);
	assert_int_equal(jz_purse_pair(p->card, p->key_id, true), 0);
}

/* The key's PIN is wanted by AGREE, and gone when the card had its turn. */
static void
before_step(enum jz_step step, struct jz_span message, void *arg)
{
	(void)message;
	if (step == JZ_STEP_AGREE)
		verify(arg);
}

static int
move(struct pair *p, const struct jz_secret *pin)
{
	const struct jz_terms terms = {.amount_minor = AMOUNT,
	    .currency = TORN_CNY,
	    .time = (int64_t)time(NULL)};
	struct jz_pay_result result;
	unsigned tries;
	int err = jz_identify(p->key, p->card);

	if (err == 0)
		err = jz_purse_verify_pin(p->card, pin, &tries);
	if (err == 0)
		err = jz_pay(
		    p->key, p->card, &terms, &result, before_step, p->key);
	return err;
}

static void
test_the_right_pin_moves_the_amount(void **state)
{
	struct pair *p = *state;

	pair_up(p);
	assert_int_equal(move(p, TORN_PIN), 0);
	assert_int_equal(balance(p->key), FUNDS - AMOUNT);
	assert_int_equal(balance(p->card), AMOUNT);
}

static void
test_a_wrong_pin_moves_nothing(void **state)
{
	struct pair *p = *state;

	pair_up(p);
	assert_int_equal(move(p, WRONG), JZ_ERR_PIN);
	assert_int_equal(balance(p->key), FUNDS);
	assert_int_equal(balance(p->card), 0);
}

/* On one list is not enough, whichever it is. */
static void
test_strangers(void **state)
{
	struct pair *p = *state;

	assert_int_equal(move(p, TORN_PIN), JZ_ERR_STATUS);
	assert_int_equal(p->key->sw, JZ_SW_NOT_LISTED);
	verify(p->key);
	assert_int_equal(jz_purse_pair(p->key, p->card_id, true), 0);
	assert_int_equal(move(p, TORN_PIN), JZ_ERR_STATUS);
	assert_int_equal(p->card->sw, JZ_SW_NOT_LISTED);
	pair_up(p);
	assert_int_equal(move(p, TORN_PIN), 0);
	verify(p->key);
	assert_int_equal(jz_purse_pair(p->key, p->card_id, false), 0);
	assert_int_equal(
	    jz_purse_pair(p->key, p->card_id, false), JZ_ERR_NOT_FOUND);
	assert_int_equal(move(p, TORN_PIN), JZ_ERR_STATUS);
	assert_int_equal(p->key->sw, JZ_SW_NOT_LISTED);
	assert_int_equal(balance(p->card), AMOUNT);
}

/* LOD-14: a terminal's card is nobody's friend; the key pays it all the same. */
static void
test_the_key_pays_a_terminal(void **state)
{
	struct pair *p = *state;
	const struct jz_terms terms = {.amount_minor = AMOUNT,
	    .currency = TORN_CNY,
	    .time = (int64_t)time(NULL),
	    .reference = "till 7"};
	struct jz_pay_result result;

	assert_int_equal(
	    jz_pay(p->key, p->card, &terms, &result, before_step, p->key), 0);
	assert_int_equal(balance(p->key), FUNDS - AMOUNT);
	assert_int_equal(balance(p->card), AMOUNT);
}

int
main(void)
{
#define T(f, how)                                                              \
	{                                                                      \
#f " (" #how ")", f, how##_setup, teardown, NULL               \
	}
	const struct CMUnitTest tests[] = {
	    T(test_the_right_pin_moves_the_amount, separate),
	    T(test_the_right_pin_moves_the_amount, built_in),
	    T(test_a_wrong_pin_moves_nothing, separate),
	    T(test_a_wrong_pin_moves_nothing, built_in),
	    T(test_strangers, separate),
	    T(test_strangers, built_in),
	    T(test_the_key_pays_a_terminal, separate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
