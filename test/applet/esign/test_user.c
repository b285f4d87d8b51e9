/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After the contact: what the user sees and presses, and every way it ends.
 */
#include "../../support/esignrig.h"

#include "../../../apdu/error.h"
#include "../../../apdu/tlv.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOTHING jz_span(NULL, 0)
#define LARGE	1000001u /* needs the PIN */

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

/* A contact over this amount; what the issuer will read. */
static struct jz_joint
contact(uint64_t amount)
{
	struct jz_esign_order o = esign_order();
	struct blob order, signature;

	o.amount = amount;
	order = esign_encode(&o);
	signature = esign_contact(&rig, &order);
	return esign_open(&rig, &order, &signature);
}

static void
shows_password(const struct jz_joint *j)
{
	char text[JZ_JOINT_MAX + 1] = {0};

	memcpy(text, j->password, j->len);
	esign_shows(&rig, 0, "Joint password");
	esign_shows(&rig, 1, text);
}

/* Whether the display has the joint password anywhere. */
static bool
on_display(const struct jz_joint *j)
{
	char text[JZ_JOINT_MAX + 1] = {0};

	memcpy(text, j->password, j->len);
	for (unsigned i = 0; i < JZ_SCREEN_LINES; i++)
		if (strstr(rig.screen.line[i], text) != NULL)
			return true;
	return false;
}

/* E4: nothing is left of it, and nothing is going on. */
static void
is_over(const struct jz_joint *j, const char *why)
{
	static const struct esign_pending none;

	esign_shows(&rig, 0, why);
	assert_false(on_display(j));
	assert_memory_equal(&esign_rig_nvm(&rig)->pending, &none, sizeof(none));
	assert_null(rig.card->card.alone.go_on);
	for (size_t i = 0; i < JZ_STANDBY_BYTES; i++)
		assert_int_equal(rig.card->card.alone.standby[i], 0);
	assert_false(esign_press(&rig, "O123456OUD"));
	assert_false(on_display(j));
}

/* proves: JPS-9 JPS-11 (small amounts: a key) */
static void
test_a_key_shows_the_password_of_a_small_amount(void **state)
{
	struct jz_joint j = contact(1234);

	(void)state;
	/* The reader is gone. */
	jz_card_reset(&rig.card->card);
	assert_true(esign_press(&rig, ""));
	esign_shows(&rig, 0, "PAY");
	esign_shows(&rig, 1, "CNY 12.34");
	esign_shows(&rig, 2, "FROM");
	esign_shows(&rig, 3, "6222020000000001234");
	esign_shows(&rig, 4, "TO");
	esign_shows(&rig, 5, "-- key DOWN --");
	assert_true(esign_press(&rig, "D"));
	esign_shows(&rig, 0, "CNY 12.34");
	assert_true(esign_press(&rig, "D"));
	esign_shows(&rig, 3, "6217000000000005678");
	esign_shows(&rig, 4, "张三");
	esign_shows(&rig, 5, "OK or CANCEL?");
	assert_false(on_display(&j));
	assert_true(esign_press(&rig, "O"));
	shows_password(&j);
	/* It is nowhere but on the display. */
	assert_int_equal(esign_rig_nvm(&rig)->pending.open, 0);
	assert_true(esign_wait(&rig, 29));
	shows_password(&j);
	assert_false(esign_wait(&rig, 1));
	is_over(&j, "Finished");
}

/* proves: JPS-9 (not before all of the message was on the display) */
static void
test_ok_counts_when_all_was_seen(void **state)
{
	struct jz_joint j = contact(1234);

	(void)state;
	assert_true(esign_press(&rig, "OOO"));
	esign_shows(&rig, 0, "PAY");
	assert_true(esign_press(&rig, "DO"));
	assert_false(on_display(&j));
	/* Up again is no matter once all was there. */
	assert_true(esign_press(&rig, "DUUUU"));
	esign_shows(&rig, 0, "PAY");
	esign_shows(&rig, 5, "OK or CANCEL?");
	assert_true(esign_press(&rig, "O"));
	shows_password(&j);
	assert_false(esign_press(&rig, "O"));
	is_over(&j, "Finished");
}

/* proves: JPS-9 JPS-11 (large amounts: the PIN, on the card's own keys) */
static void
test_the_pin_shows_the_password_of_a_large_amount(void **state)
{
	struct jz_joint j = contact(LARGE);

	(void)state;
	assert_true(esign_press(&rig, "DDO"));
	esign_shows(&rig, 0, "PIN, then OK");
	esign_shows(&rig, 1, "");
	assert_true(esign_press(&rig, "129"));
	esign_shows(&rig, 1, "***");
	/* Down takes one back. */
	assert_true(esign_press(&rig, "D3456"));
	esign_shows(&rig, 1, "******");
	assert_false(on_display(&j));
	assert_true(esign_press(&rig, "O"));
	shows_password(&j);
	assert_int_equal(esign_rig_nvm(&rig)->pin.tries, 3);
	assert_false(esign_press(&rig, "C"));
	is_over(&j, "Finished");
}

/* proves: JPS-11 (the boundary, and another currency) */
static void
test_the_amount_decides(void **state)
{
	static const struct {
		uint64_t amount;
		uint16_t currency;
		bool pin;
	} cases[] = {
	    {1, 156, false},
	    {1000000, 156, false},
	    {1000001, 156, true},
	    {UINT64_MAX, 156, true},
	    {1, 840, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct jz_esign_order o = esign_order();
		struct blob order;

		o.amount = cases[i].amount;
		o.currency = cases[i].currency;
		order = esign_encode(&o);
		esign_contact(&rig, &order);
		esign_press(&rig, "DDDO");
		esign_shows(
		    &rig, 0, cases[i].pin ? "PIN, then OK" : "Joint password");
		esign_press(&rig, "C");
	}
}

/* proves: JPS-9 (PIN and key) */
static void
test_pin_and_then_a_key(void **state)
{
	uint8_t flags = JZ_ESIGN_KEY_AFTER_PIN;
	struct jz_joint j;

	(void)state;
	rig_poke(rig.card, &esign_rig_nvm(&rig)->flags, &flags, 1);
	j = contact(LARGE);
	assert_true(esign_press(&rig, "DDO123456O"));
	esign_shows(&rig, 0, "OK to show it");
	assert_false(on_display(&j));
	assert_true(esign_press(&rig, "15UD"));
	assert_false(on_display(&j));
	assert_true(esign_press(&rig, "O"));
	shows_password(&j);
}

/* proves: JPS-9 (a wrong PIN counts a try and never shows it) */
static void
test_wrong_pins_are_counted_and_end_it(void **state)
{
	struct jz_joint j = contact(LARGE);
	struct jz_esign_order o = esign_order();
	struct blob order;

	(void)state;
	assert_true(esign_press(&rig, "DDO000000O"));
	esign_shows(&rig, 5, "Wrong. Left: 2");
	assert_false(on_display(&j));
	/* Too short a one is no try. */
	assert_true(esign_press(&rig, "123O"));
	assert_int_equal(esign_rig_nvm(&rig)->pin.tries, 2);
	assert_true(esign_press(&rig, "DDD"));
	/* The right one brings the tries back. */
	assert_true(esign_press(&rig, "12345O"));
	assert_int_equal(esign_rig_nvm(&rig)->pin.tries, 1);
	assert_false(esign_press(&rig, "1234567O"));
	is_over(&j, "PIN blocked");
	assert_int_equal(esign_rig_nvm(&rig)->pin.tries, 0);
	/* A small amount is signed still, a large one no more. */
	o.amount = LARGE;
	order = esign_encode(&o);
	rig_refuses(rig.card, AT_SIGN, blob_span(&order), JZ_SW_BLOCKED);
	contact(1);
}

/* A try is taken before the comparison: what was told is durable. */
static void
test_a_try_is_gone_whatever_happens_to_the_power(void **state)
{
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
	struct rig_snapshot *start;

	(void)state;
	contact(LARGE);
	assert_true(esign_press(&rig, "DDO000000"));
	start = rig_save(rig.card);
	for (plan.cut_after = 0; plan.cut_after < 200; plan.cut_after++) {
		bool told;

		rig_restore(rig.card, start);
		jz_fault_plan(rig.card->fault, &plan);
		esign_press(&rig, "O");
		told = strncmp(rig.screen.line[5], "Wrong", 5) == 0;
		assert_int_equal(rig_reopen(rig.card), 0);
		assert_in_range(
		    esign_rig_nvm(&rig)->pin.tries, 2, told ? 2 : 3);
		assert_true(esign_blank(&rig));
	}
	assert_int_equal(esign_rig_nvm(&rig)->pin.tries, 2);
	rig_snapshot_free(&start);
}

static void
test_cancel_ends_it_at_every_stage(void **state)
{
	static const char *const ways[] = {
	    "C", "DC", "DDC", "DDOC", "DDO123C", "DDO000000OC"};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct jz_joint j = contact(LARGE);

		assert_false(esign_press(&rig, ways[i]));
		is_over(&j, "Cancelled");
	}
}

/* proves: JPS-18 (each stage has its time) */
static void
test_time_ends_it_at_every_stage(void **state)
{
	static const char *const ways[] = {"", "D", "DDO", "DDO12"};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct jz_joint j = contact(LARGE);

		assert_true(esign_press(&rig, ways[i]));
		assert_true(esign_wait(&rig, 119));
		/* A key begins the time anew. */
		assert_true(esign_press(&rig, "U"));
		assert_true(esign_wait(&rig, 119));
		assert_false(esign_wait(&rig, 1));
		is_over(&j, "Time is over");
	}
}

/* The time of the password is its own, whatever is pressed. */
static void
test_no_key_keeps_the_password_on_the_display(void **state)
{
	struct jz_joint j = contact(1);

	(void)state;
	assert_true(esign_press(&rig, "DDO"));
	assert_true(esign_wait(&rig, 20));
	assert_true(esign_press(&rig, "U1D5"));
	assert_false(esign_wait(&rig, 10));
	is_over(&j, "Finished");
}

/* proves: JPS-18 (a new contact ends what was; the card tells nothing of it) */
static void
test_a_new_contact_ends_it_at_every_stage(void **state)
{
	static const char *const ways[] = {"", "D", "DDO", "DDO12", NULL};
	struct jz_joint j;

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		j = contact(ways[i] == NULL ? 1 : LARGE);
		assert_true(
		    esign_press(&rig, ways[i] == NULL ? "DDO" : ways[i]));
		assert_int_equal(esign_select(&rig), JZ_SW_OK);
		assert_true(esign_blank(&rig));
		is_over(&j, "");
	}
	/* The next one has a password of its own. */
	j = contact(1);
	assert_true(esign_press(&rig, "DDO"));
	shows_password(&j);
}

/*
 * Every command there is, at every stage: none answers with anything of the
 * transaction, and what GET DATA says is what it said before.
 * proves: JPS-18
 */
static void
test_no_command_answers_about_a_transaction(void **state)
{
	static const char *const ways[] = {"", "DDO", "DDO12", NULL};
	struct answer before, a;

	(void)state;
	port_send(&rig.card->port, AT_ESIGN_INFO, NOTHING, &before);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		for (unsigned ins = 0; ins < 256; ins++) {
			uint8_t cmd[5] = {0x80, (uint8_t)ins, 0, 0, 0};
			struct jz_joint j;

			if (ins % 16 != 0 && ins != JZ_INS_GET_DATA)
				continue;
			j = contact(ways[i] == NULL ? 1 : LARGE);
			esign_press(&rig, ways[i] == NULL ? "DDO" : ways[i]);
			cmd[0] = ins == JZ_INS_GET_DATA ? 0x00 : 0x80;
			port_raw(
			    &rig.card->port, jz_span(cmd, sizeof(cmd)), &a);
			assert_int_equal(a.len, 0);
			is_over(&j, "");
		}
	}
	port_send(&rig.card->port, AT_ESIGN_INFO, NOTHING, &a);
	assert_int_equal(a.len, before.len);
	assert_memory_equal(a.data, before.data, a.len);
}

/* proves: JPS-10 (what is left without the battery opens nothing) */
static void
test_an_empty_battery_ends_it(void **state)
{
	struct jz_joint j = contact(LARGE);

	(void)state;
	assert_true(esign_press(&rig, "DDO"));
	assert_int_equal(rig_reopen(rig.card), 0);
	assert_true(esign_blank(&rig));
	assert_false(esign_press(&rig, "O123456O"));
	assert_true(esign_blank(&rig));
	assert_int_equal(esign_rig_nvm(&rig)->pin.tries, 3);
	/* Its rest goes at the next SELECT. */
	assert_int_equal(esign_rig_nvm(&rig)->pending.open, 1);
	assert_int_equal(esign_select(&rig), JZ_SW_OK);
	is_over(&j, "");
}

/* When it cannot be erased, it is not shown either. */
static void
test_a_failing_store_shows_nothing(void **state)
{
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
	struct jz_joint j = contact(1);

	(void)state;
	assert_true(esign_press(&rig, "DD"));
	plan.fail_sync = 1;
	jz_fault_plan(rig.card->fault, &plan);
	esign_press(&rig, "O");
	assert_false(on_display(&j));
	esign_shows(&rig, 0, "Card failure");
}

/* proves: JPS-9 (what you see is what is signed, and nothing hides) */
static void
test_strange_text_is_shown_by_its_number(void **state)
{
	static const char name[] = "Bob\xE2\x80\xAE";
	struct jz_esign_order o = esign_order();
	struct blob order;

	(void)state;
	o.to_name = jz_span(name, sizeof(name) - 1);
	o.details = jz_span("a\nPAY\nCNY 1.00", 14);
	order = esign_encode(&o);
	esign_contact(&rig, &order);
	esign_press(&rig, "DDD");
	esign_shows(&rig, 3, "Bob\\u{202E}");
	esign_shows(&rig, 4, "DETAILS");
	esign_press(&rig, "D");
	/* No line of the message's own. */
	esign_shows(&rig, 4, "a\\u{A}PAY\\u{A}CNY 1.00");
	esign_press(&rig, "DDDDDDDD");
	esign_shows(&rig, 4, "a\\u{A}PAY\\u{A}CNY 1.00");
}

static void
test_amounts_are_shown_exactly(void **state)
{
	static const struct {
		uint64_t amount;
		uint16_t currency;
		const char *text;
	} cases[] = {
	    {1, 156, "CNY 0.01"},
	    {100, 840, "USD 1.00"},
	    {123456, 392, "JPY 123456"},
	    {1, 414, "KWD 0.001"},
	    {7, 999, "999 7 minor units"},
	    {5, 8, "008 5 minor units"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct jz_esign_order o = esign_order();
		struct blob order;

		o.amount = cases[i].amount;
		o.currency = cases[i].currency;
		order = esign_encode(&o);
		esign_contact(&rig, &order);
		esign_press(&rig, "");
		esign_shows(&rig, 1, cases[i].text);
	}
}

/*
 * A host in the middle alters a field: the altered one is on the display, and
 * the signature is over what is there, not over what the user wanted.
 * proves: JPS-9 JPS-13
 */
static void
test_an_altered_message_is_seen(void **state)
{
	struct jz_esign_order wanted = esign_order(), altered = esign_order();
	const struct jz_engine *e = &rig.rig.openssl;
	struct blob a = esign_encode(&wanted), b, signature;
	struct jz_esign_signature s;
	struct jz_esign_ends ends;

	(void)state;
	altered.amount = 99900;
	altered.to_account = jz_span("6217999999999999999", 19);
	b = esign_encode(&altered);
	signature = esign_contact(&rig, &b);
	esign_press(&rig, "");
	esign_shows(&rig, 1, "CNY 999.00");
	esign_press(&rig, "DD");
	esign_shows(&rig, 3, "6217999999999999999");
	assert_int_equal(jz_esign_get_signature(blob_span(&signature), &s), 0);
	jz_esign_meet(e, &s, &rig.issuer, rig.point, &ends);
	jz_esign_order(e, blob_span(&a), &s);
	assert_int_equal(jz_esign_verify(e, &s, &ends), JZ_ERR_SIGNATURE);
	jz_esign_order(e, blob_span(&b), &s);
	assert_int_equal(jz_esign_verify(e, &s, &ends), 0);
}

static void
test_the_card_speaks_chinese(void **state)
{
	uint8_t language = 1;
	struct jz_joint j;

	(void)state;
	rig_poke(rig.card, &esign_rig_nvm(&rig)->language, &language, 1);
	j = contact(LARGE);
	esign_press(&rig, "");
	esign_shows(&rig, 0, "付款");
	esign_shows(&rig, 2, "付款账户");
	esign_press(&rig, "DDO");
	esign_shows(&rig, 0, "输入PIN后确认");
	esign_press(&rig, "000000O");
	esign_shows(&rig, 5, "PIN错，还剩 2");
	assert_false(esign_press(&rig, "C"));
	is_over(&j, "已取消");
}

static void
test_every_text_of_the_card_fits_on_the_narrowest_display(void **state)
{
	struct esign_nvm p;

	(void)state;
	memset(&p, 0, sizeof(p));
	for (unsigned l = 0; l < 2; l++) {
		p.language = (uint8_t)l;
		for (unsigned t = 0; t < TEXTS; t++) {
			struct jz_span s = esign_text(&p, (enum esign_text)t);
			struct jz_wrap w = jz_wrap(s);
			struct jz_line line;

			/* And all of it is of characters that are shown. */
			assert_true(
			    jz_wrap_line(&w, JZ_PANEL_COLUMNS_MIN, &line));
			assert_int_equal(line.len, s.len);
			assert_memory_equal(line.bytes, s.data, s.len);
			assert_false(
			    jz_wrap_line(&w, JZ_PANEL_COLUMNS_MIN, &line));
		}
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_key_shows_the_password_of_a_small_amount),
	    TEST(test_ok_counts_when_all_was_seen),
	    TEST(test_the_pin_shows_the_password_of_a_large_amount),
	    TEST(test_the_amount_decides),
	    TEST(test_pin_and_then_a_key),
	    TEST(test_wrong_pins_are_counted_and_end_it),
	    TEST(test_a_try_is_gone_whatever_happens_to_the_power),
	    TEST(test_cancel_ends_it_at_every_stage),
	    TEST(test_time_ends_it_at_every_stage),
	    TEST(test_no_key_keeps_the_password_on_the_display),
	    TEST(test_a_new_contact_ends_it_at_every_stage),
	    TEST(test_no_command_answers_about_a_transaction),
	    TEST(test_an_empty_battery_ends_it),
	    TEST(test_a_failing_store_shows_nothing),
	    TEST(test_strange_text_is_shown_by_its_number),
	    TEST(test_amounts_are_shown_exactly),
	    TEST(test_an_altered_message_is_seen),
	    TEST(test_the_card_speaks_chinese),
	    cmocka_unit_test(
		test_every_text_of_the_card_fits_on_the_narrowest_display),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
