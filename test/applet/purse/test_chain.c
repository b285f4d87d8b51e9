/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An issuer with a new CA and host: the cards of the old one go on, with the
 * new ones' certificates shown to them, and with each other.
 */
#include "../../support/cardrig.h"
#include "../../../apdu/tlv.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OLD_ID	"CN00000000100001"
#define NEW_ID	"CN00000000200001"
#define PIN	"123456"
#define FUNDS	50000u
#define AMOUNT	1200u
#define SHOW	0x002A00BEu
#define NOTHING jz_span(NULL, 0)

struct fixture {
	struct rig rig;	 /* its bank is the new one */
	struct bank old; /* as it was, with its keys */
	struct rig_card *old_card, *new_card;
	struct rig_card *all[2];
	struct payment pay; /* from new to old */
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct profile p = profile_of(OLD_ID);

	assert_non_null(f);
	rig_new(&f->rig);
	f->all[0] = f->old_card = rig_purse_new(&f->rig, &p);
	f->old = f->rig.bank;
	assert_int_equal(
	    bank_load(&f->old, &f->old_card->port, PIN, FUNDS), JZ_SW_OK);
	bank_roll(&f->rig.bank, 2);
	p = profile_of(NEW_ID);
	f->all[1] = f->new_card = rig_purse_new(&f->rig, &p);
	assert_int_equal(
	    bank_load(&f->rig.bank, &f->new_card->port, PIN, FUNDS), JZ_SW_OK);
	f->pay = payment_of(
	    &f->old_card->port, &f->new_card->port, AMOUNT, RIG_NOW - 60);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	rig_card_free(&f->old_card);
	rig_card_free(&f->new_card);
	rig_free(&f->rig);
	free(f);
	return 0;
}

/* What stands in 7F21. */
static struct jz_span
content(const struct blob *certificate)
{
	struct jz_cursor c = jz_cursor(blob_span(certificate));
	struct jz_span v;

	assert_int_equal(jz_tlv_expect(&c, JZ_TAG_CERTIFICATE, &v), 0);
	return v;
}

static void
show(struct rig_card *c, const struct blob *certificate)
{
	rig_accepts(c, SHOW, content(certificate), NULL);
}

static void
refuses(struct rig_card *c, const struct blob *certificate, uint16_t sw)
{
	rig_refuses(c, SHOW, content(certificate), sw);
}

/* ---- cards of two CAs ---------------------------------------------------- */

static void
test_they_do_not_know_each_other(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
	    payment_run(&f->pay, STEP_ACKNOWLEDGE), JZ_SW_CERT_ISSUER);
	assert_int_equal(f->pay.next, STEP_AGREE);
	/* The payer has been told, the payee has not. */
	show(f->new_card, &f->old.ca_certificate);
	assert_int_equal(
	    payment_run(&f->pay, STEP_ACKNOWLEDGE), JZ_SW_CERT_ISSUER);
	assert_int_equal(f->pay.next, STEP_CONFIRM);
	show(f->old_card, &f->rig.bank.ca_certificate);
	assert_int_equal(payment_run(&f->pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(rig_purse(f->old_card)->balance, FUNDS + AMOUNT);
	assert_int_equal(rig_total(f->all, 2), 2 * FUNDS);
}

static void
test_and_the_other_way_round(void **state)
{
	struct fixture *f = *state;

	f->pay = payment_of(
	    &f->new_card->port, &f->old_card->port, AMOUNT, RIG_NOW - 60);
	show(f->old_card, &f->rig.bank.ca_certificate);
	show(f->new_card, &f->old.ca_certificate);
	assert_int_equal(payment_run(&f->pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(rig_purse(f->new_card)->balance, FUNDS + AMOUNT);
	assert_int_equal(rig_total(f->all, 2), 2 * FUNDS);
}

/* What is confirmed goes through, whoever is believed by then. */
static void
test_a_confirmed_payment_needs_no_authority(void **state)
{
	struct fixture *f = *state;

	show(f->new_card, &f->old.ca_certificate);
	show(f->old_card, &f->rig.bank.ca_certificate);
	assert_int_equal(payment_run(&f->pay, STEP_CONFIRM), JZ_SW_OK);
	rig_restart(f->old_card);
	rig_restart(f->new_card);
	assert_int_equal(payment_run(&f->pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(rig_purse(f->old_card)->balance, FUNDS + AMOUNT);
}

/* Its own CA is not forgotten for the one that it was shown. */
static void
test_its_own_ca_stays(void **state)
{
	struct fixture *f = *state;
	struct profile p = profile_of("CN00000000300001");
	struct rig_card *other;
	struct bank now = f->rig.bank;

	f->rig.bank = f->old;
	other = rig_purse_new(&f->rig, &p);
	f->rig.bank = now;
	show(f->old_card, &f->rig.bank.ca_certificate);
	f->pay =
	    payment_of(&other->port, &f->old_card->port, AMOUNT, RIG_NOW - 60);
	assert_int_equal(payment_run(&f->pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	rig_card_free(&other);
}

/* ---- the new host -------------------------------------------------------- */

static void
test_a_load_by_the_new_host(void **state)
{
	struct fixture *f = *state;
	struct rig_card *c = f->old_card;

	assert_int_equal(
	    bank_load(&f->rig.bank, &c->port, PIN, 700), JZ_SW_CERT_ISSUER);
	assert_int_equal(rig_purse(c)->balance, FUNDS);
	show(c, &f->rig.bank.ca_certificate);
	/* A CA is no host. */
	assert_int_equal(
	    bank_load(&f->rig.bank, &c->port, PIN, 700), JZ_SW_CERT_ISSUER);
	show(c, &f->rig.bank.host_certificate);
	assert_int_equal(bank_load(&f->rig.bank, &c->port, PIN, 700), JZ_SW_OK);
	assert_int_equal(rig_purse(c)->balance, FUNDS + 700);
	/* What the old host permitted before the roll is due all the same. */
	assert_int_equal(bank_load(&f->old, &c->port, PIN, 300), JZ_SW_OK);
	assert_int_equal(rig_purse(c)->balance, FUNDS + 1000);
}

/* Records made under the old keys, settled by the new host. */
static void
test_settlement_by_the_new_host(void **state)
{
	struct fixture *f = *state;
	uint32_t n = 0;

	assert_int_equal(bank_settle(&f->rig.bank, &f->old_card->port, &n),
	    JZ_SW_CERT_ISSUER);
	show(f->old_card, &f->rig.bank.ca_certificate);
	show(f->old_card, &f->rig.bank.host_certificate);
	assert_int_equal(
	    bank_settle(&f->rig.bank, &f->old_card->port, &n), JZ_SW_OK);
	assert_int_equal(n, 1);
	assert_int_equal(rig_purse(f->old_card)->first_unsettled,
	    rig_purse(f->old_card)->next_record);
}

/* A host's signature is still asked for. */
static void
test_the_new_host_must_have_signed(void **state)
{
	struct fixture *f = *state;
	struct bank forger = f->rig.bank;

	show(f->old_card, &f->rig.bank.ca_certificate);
	show(f->old_card, &f->rig.bank.host_certificate);
	forger.host = forger.ca;
	assert_int_equal(
	    bank_load(&forger, &f->old_card->port, PIN, 700), JZ_SW_MAC);
	assert_int_equal(rig_purse(f->old_card)->balance, FUNDS);
}

/* ---- what is believed, and how long -------------------------------------- */

static void
test_nothing_is_stored(void **state)
{
	struct fixture *f = *state;
	struct rig_snapshot *s = rig_save(f->old_card);

	show(f->old_card, &f->rig.bank.ca_certificate);
	show(f->old_card, &f->rig.bank.host_certificate);
	assert_true(rig_unchanged(f->old_card, s));
	rig_snapshot_free(&s);
}

static void
test_it_is_forgotten(void **state)
{
	struct fixture *f = *state;
	struct rig_card *c = f->old_card;

	for (int i = 0; i < 3; i++) {
		show(c, &f->rig.bank.ca_certificate);
		show(c, &f->rig.bank.host_certificate);
		if (i == 0)
			rig_reset(c);
		else if (i == 1)
			rig_restart(c);
		else
			assert_int_equal(port_select(&c->port), JZ_SW_OK);
		assert_int_equal(bank_load(&f->rig.bank, &c->port, PIN, 700),
		    JZ_SW_CERT_ISSUER);
		/* Nor is a host believed whose CA is forgotten. */
		refuses(c, &f->rig.bank.host_certificate, JZ_SW_CERT_ISSUER);
	}
}

/* The last CA shown takes the place of the one before; the host stays. */
static void
test_one_ca_at_a_time(void **state)
{
	struct fixture *f = *state;
	struct rig_card *c = f->old_card;
	struct bank third = f->rig.bank;

	bank_roll(&third, 3);
	show(c, &f->rig.bank.ca_certificate);
	show(c, &f->rig.bank.host_certificate);
	show(c, &third.ca_certificate);
	assert_int_equal(bank_load(&f->rig.bank, &c->port, PIN, 700), JZ_SW_OK);
	refuses(c, &f->rig.bank.host_certificate, JZ_SW_CERT_ISSUER);
	show(c, &third.host_certificate);
	assert_int_equal(bank_load(&third, &c->port, PIN, 300), JZ_SW_OK);
}

/* A certificate with other fields, signed as it should be. */
static struct blob
ca_with(const struct fixture *f, int64_t from, int64_t to)
{
	struct jz_certificate c = f->rig.bank.ca_fields;

	c.from = from;
	c.to = to;
	return bank_certify(&f->rig.bank, &c, &f->rig.bank.root);
}

static void
test_what_is_not_believed(void **state)
{
	struct fixture *f = *state;
	const struct bank *b = &f->rig.bank;
	struct rig_card *c = f->old_card;
	struct jz_certificate fields = b->ca_fields;
	struct blob bad;

	/* Under nobody whom it knows. */
	refuses(c, &b->host_certificate, JZ_SW_CERT_ISSUER);
	/* Only CAs and hosts: a second root would be a second issuer. */
	refuses(c, &b->root_certificate, JZ_SW_CERT_ROLE);
	bad = bank_certify(b, &fields, &b->ca);
	refuses(c, &bad, JZ_SW_CERT_FORGED);
	bad = ca_with(f, RIG_NOW + 2 * BANK_DAY, RIG_NOW + 9 * BANK_DAY);
	refuses(c, &bad, JZ_SW_CERT_NOT_YET);
	bad = ca_with(f, RIG_NOW - 9 * BANK_DAY, RIG_NOW - 2 * BANK_DAY);
	refuses(c, &bad, JZ_SW_CERT_EXPIRED);
	/* A host that says it is a CA, signed by a CA. */
	fields = b->host_fields;
	fields.role = JZ_ROLE_CA;
	bad = bank_certify(b, &fields, &b->ca);
	refuses(c, &bad, JZ_SW_CERT_ISSUER);
	/* Nothing of all this is believed now. */
	refuses(c, &b->host_certificate, JZ_SW_CERT_ISSUER);
}

static void
test_another_issuers(void **state)
{
	struct fixture *f = *state;
	struct bank stranger;

	bank_new(&stranger, &f->rig.engine, RIG_NOW);
	bank_roll(&stranger, 2);
	refuses(f->old_card, &stranger.ca_certificate, JZ_SW_CERT_FORGED);
	refuses(f->old_card, &stranger.host_certificate, JZ_SW_CERT_ISSUER);
}

static void
test_any_altered_byte(void **state)
{
	struct fixture *f = *state;
	struct jz_span whole = content(&f->rig.bank.ca_certificate);
	uint8_t bytes[JZ_CERTIFICATE_MAX];

	memcpy(bytes, whole.data, whole.len);
	for (size_t i = 0; i < whole.len; i++) {
		struct answer a;

		bytes[i] ^= 0x04;
		assert_int_not_equal(port_send(&f->old_card->port, SHOW,
					 jz_span(bytes, whole.len), &a),
		    JZ_SW_OK);
		bytes[i] ^= 0x04;
	}
	rig_refuses(f->old_card, SHOW, jz_span(bytes, whole.len - 1),
	    JZ_SW_CERT_MALFORMED);
	rig_accepts(f->old_card, SHOW, jz_span(bytes, whole.len), NULL);
}

/* Under the old issuer; without storage, for its clock can be taken away. */
static void
test_a_clock_that_fails(void **state)
{
	struct fixture *f = *state;
	struct profile p = profile_of("CN00000000300001");
	struct bank now = f->rig.bank;
	struct rig_card *c;

	f->rig.bank = f->old;
	c = rig_bare_purse_new(&f->rig, &p);
	f->rig.bank = now;
	rig_set_time(c, -1);
	refuses(c, &now.ca_certificate, JZ_SW_EXECUTION);
	/* Without a clock no date is looked at. */
	rig_set_time(c, 0);
	show(c, &now.ca_certificate);
	rig_card_free(&c);
}

static void
test_a_purse_that_is_nobodys(void **state)
{
	struct fixture *f = *state;
	struct rig_card *c = rig_empty_purse_new(&f->rig, true);

	assert_int_equal(port_select(&c->port), JZ_SW_OK);
	refuses(c, &f->rig.bank.ca_certificate, JZ_SW_CONDITIONS);
	rig_card_free(&c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_they_do_not_know_each_other),
	    TEST(test_and_the_other_way_round),
	    TEST(test_a_confirmed_payment_needs_no_authority),
	    TEST(test_its_own_ca_stays),
	    TEST(test_a_load_by_the_new_host),
	    TEST(test_settlement_by_the_new_host),
	    TEST(test_the_new_host_must_have_signed),
	    TEST(test_nothing_is_stored),
	    TEST(test_it_is_forgotten),
	    TEST(test_one_ca_at_a_time),
	    TEST(test_what_is_not_believed),
	    TEST(test_another_issuers),
	    TEST(test_any_altered_byte),
	    TEST(test_a_clock_that_fails),
	    TEST(test_a_purse_that_is_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
