/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an empty purse to one that can be used: the key pair, the certificates
 * in their order, the parameters, and what is refused on the way.
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

#define CARD_ID "CN00000000100001"
#define LAST	0x80
#define NOTHING jz_span(NULL, 0)

static const struct jz_applet_class *const CLASSES[] = {&jz_purse_class};

enum object {
	ROOT,
	CA,
	HOST,
	OWN,
	PARAMETERS,
	OBJECTS,
};

struct fixture {
	struct rig rig;
	struct bank *bank;
	struct profile profile;
	struct rig_card *card;
	uint8_t point[JZ_POINT_BYTES];
	struct jz_certificate own;
	struct blob object[OBJECTS];
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	rig_new(&f->rig);
	f->bank = &f->rig.bank;
	f->profile = profile_of(CARD_ID);
	f->card = rig_card_new(&f->rig, CLASSES, 1, true);
	assert_int_equal(port_select(&f->card->port), JZ_SW_OK);
	assert_int_equal(bank_generate(&f->card->port, f->point), JZ_SW_OK);
	f->own = bank_card_fields(f->bank, &f->profile, f->point);
	f->object[ROOT] = f->bank->root_certificate;
	f->object[CA] = f->bank->ca_certificate;
	f->object[HOST] = f->bank->host_certificate;
	f->object[OWN] = bank_certify(f->bank, &f->own, &f->bank->ca);
	f->object[PARAMETERS] = bank_parameters(&f->profile);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	rig_card_free(&f->card);
	rig_free(&f->rig);
	free(f);
	return 0;
}

static void
store(struct fixture *f, enum object from, enum object to)
{
	for (enum object o = from; o <= to; o++)
		rig_accepts(
		    f->card, AT_STORE(0), blob_span(&f->object[o]), NULL);
}

static void
refuses(struct fixture *f, const struct blob *object, uint16_t sw)
{
	rig_refuses(f->card, AT_STORE(0), blob_span(object), sw);
}

static void
test_a_purse_is_personalised(void **state)
{
	struct fixture *f = *state;
	struct jz_message info;

	store(f, ROOT, OWN);
	assert_int_equal(rig_purse(f->card)->state, JZ_PURSE_SELECTABLE);
	rig_accepts(
	    f->card, AT_STORE(LAST), blob_span(&f->object[PARAMETERS]), NULL);
	info = port_info(&f->card->port);
	assert_int_equal(info.state, JZ_PURSE_PERSONALISED);
	assert_memory_equal(info.card_id, CARD_ID, JZ_ID_BYTES);
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
	struct fixture *f = *state;

	store(f, PARAMETERS, PARAMETERS);
	store(f, ROOT, HOST);
	rig_accepts(f->card, AT_STORE(LAST), blob_span(&f->object[OWN]), NULL);
	assert_int_equal(
	    port_info(&f->card->port).state, JZ_PURSE_PERSONALISED);
}

static void
test_the_block_number_is_not_looked_at(void **state)
{
	struct fixture *f = *state;

	rig_accepts(
	    f->card, AT_STORE(0) | 0x5A, blob_span(&f->object[ROOT]), NULL);
	rig_accepts(f->card, AT_STORE(0x7F), blob_span(&f->object[CA]), NULL);
}

static void
test_a_certificate_needs_the_one_above_it(void **state)
{
	struct fixture *f = *state;

	for (enum object o = CA; o <= OWN; o++)
		refuses(f, &f->object[o], JZ_SW_CERT_ISSUER);
	store(f, ROOT, ROOT);
	for (enum object o = HOST; o <= OWN; o++)
		refuses(f, &f->object[o], JZ_SW_CERT_ISSUER);
	store(f, CA, OWN);
}

static void
test_a_second_root_is_6985(void **state)
{
	struct fixture *f = *state;
	struct bank other;

	store(f, ROOT, ROOT);
	refuses(f, &f->object[ROOT], JZ_SW_CONDITIONS);
	bank_new(&other, &f->rig.engine, RIG_NOW);
	refuses(f, &other.root_certificate, JZ_SW_CONDITIONS);
}

static void
test_certificates_of_another_issuer_are_refused(void **state)
{
	struct fixture *f = *state;
	struct bank other;

	bank_new(&other, &f->rig.engine, RIG_NOW);
	store(f, ROOT, ROOT);
	/* The same references, other keys. */
	refuses(f, &other.ca_certificate, JZ_SW_CERT_FORGED);
	store(f, CA, CA);
	refuses(f, &other.host_certificate, JZ_SW_CERT_FORGED);
}

struct judged {
	const char *what;
	void (*spoil)(struct fixture *f, struct jz_certificate *c);
	uint16_t sw;
};

static void
other_authority(struct fixture *f, struct jz_certificate *c)
{
	(void)f;
	c->authority[14] ^= 1;
}

static void
not_yet(struct fixture *f, struct jz_certificate *c)
{
	(void)f;
	c->from += 31 * BANK_DAY;
}

static void
expired(struct fixture *f, struct jz_certificate *c)
{
	c->from = f->bank->now - f->bank->now % BANK_DAY - 30 * BANK_DAY;
	c->to = c->from + 30 * BANK_DAY;
}

static void
by_a_root(struct fixture *f, struct jz_certificate *c)
{
	(void)f;
	memcpy(c->authority, f->bank->ca_fields.authority, JZ_ID_BYTES);
}

static const struct judged JUDGED[] = {
    {"authority", other_authority, JZ_SW_CERT_ISSUER},
    {"not yet", not_yet, JZ_SW_CERT_NOT_YET},
    {"expired", expired, JZ_SW_CERT_EXPIRED},
    {"by the root", by_a_root, JZ_SW_CERT_ISSUER},
};

static void
test_certificates_are_judged(void **state)
{
	struct fixture *f = *state;

	store(f, ROOT, CA);
	for (size_t i = 0; i < sizeof(JUDGED) / sizeof(JUDGED[0]); i++) {
		struct jz_certificate c = f->bank->host_fields;
		struct blob b;

		JUDGED[i].spoil(f, &c);
		b = bank_certify(f->bank, &c, &f->bank->ca);
		refuses(f, &b, JUDGED[i].sw);
		c = f->own;
		JUDGED[i].spoil(f, &c);
		b = bank_certify(f->bank, &c, &f->bank->ca);
		refuses(f, &b, JUDGED[i].sw);
	}
}

/* Valid on its last day, to the last second, and no longer. */
static void
test_a_certificate_is_valid_through_its_last_day(void **state)
{
	struct fixture *f = *state;

	store(f, ROOT, CA);
	rig_set_time(f->card, f->own.to - 1);
	rig_accepts(f->card, AT_STORE(0), blob_span(&f->object[OWN]), NULL);
	rig_set_time(f->card, f->own.to);
	refuses(f, &f->object[OWN], JZ_SW_CERT_EXPIRED);
	rig_set_time(f->card, f->own.from - 1);
	refuses(f, &f->object[OWN], JZ_SW_CERT_NOT_YET);
	rig_set_time(f->card, f->own.from);
	rig_accepts(f->card, AT_STORE(0), blob_span(&f->object[OWN]), NULL);
}

/* Every bit of the card's own certificate. */
static void
test_no_flipped_bit_in_a_certificate_is_accepted(void **state)
{
	struct fixture *f = *state;
	struct rig_snapshot *s;

	store(f, ROOT, HOST);
	s = rig_save(f->card);
	for (size_t i = 0; i < f->object[OWN].len * 8; i++) {
		struct blob b = f->object[OWN];

		b.data[i / 8] ^= (uint8_t)(1u << i % 8);
		if (port_send(&f->card->port, AT_STORE(0), blob_span(&b),
			NULL) == JZ_SW_OK)
			fail_msg("bit %zu", i);
		assert_true(rig_unchanged(f->card, s));
	}
	rig_snapshot_free(&s);
}

static void
test_the_own_certificate_has_the_cards_key(void **state)
{
	struct fixture *f = *state;
	struct jz_certificate c = f->own;
	struct blob b;

	store(f, ROOT, CA);
	memcpy(c.public_key, f->bank->host.public_key, sizeof(c.public_key));
	b = bank_certify(f->bank, &c, &f->bank->ca);
	refuses(f, &b, JZ_SW_MISMATCH);
}

static void
test_the_own_certificate_needs_the_key_first(void **state)
{
	struct fixture *f = *state;
	struct rig_card *c = rig_card_new(&f->rig, CLASSES, 1, false);

	assert_int_equal(port_select(&c->port), JZ_SW_OK);
	for (enum object o = ROOT; o <= HOST; o++)
		rig_accepts(c, AT_STORE(0), blob_span(&f->object[o]), NULL);
	rig_refuses(c, AT_STORE(0), blob_span(&f->object[OWN]), JZ_SW_MISMATCH);
	rig_card_free(&c);
}

static void
test_a_malformed_certificate_is_9427(void **state)
{
	struct fixture *f = *state;
	struct blob b;

	store(f, ROOT, CA);
	/* Something after it. */
	b = f->object[OWN];
	b.data[b.len++] = 0;
	refuses(f, &b, JZ_SW_CERT_MALFORMED);
	/* 5F29, the profile's version, is not 0. */
	b = f->object[OWN];
	assert_memory_equal(b.data + 8, "\x5F\x29\x01\x00", 4);
	b.data[11] = 1;
	refuses(f, &b, JZ_SW_CERT_MALFORMED);
	/* The signature has another tag. */
	b = f->object[OWN];
	b.data[b.len - JZ_SIGNATURE_BYTES - 2]++;
	refuses(f, &b, JZ_SW_CERT_MALFORMED);
	/* Cut short: no object at all. */
	b = f->object[OWN];
	b.len--;
	refuses(f, &b, JZ_SW_DATA);
	/* Longer than any certificate. */
	b.len = JZ_CERTIFICATE_MAX + 1;
	memset(b.data, 0, sizeof(b.data));
	memcpy(b.data, "\x7F\x21\x81\xFD", 4);
	refuses(f, &b, JZ_SW_CERT_MALFORMED);
}

static void
test_a_certificate_of_the_other_suite_is_9426(void **state)
{
	/* SM2 with SM3, 1.2.156.10197.1.501. */
	static const uint8_t oid[] = {
	    0x2A, 0x81, 0x1C, 0xCF, 0x55, 0x01, 0x83, 0x75};
	struct fixture *f = *state;
	struct jz_crypto table = *f->rig.engine.crypto;
	struct bank gm = *f->bank;
	struct jz_certificate c = f->own;
	struct blob b;

	store(f, ROOT, CA);
	table.suite = JZ_SUITE_GM;
	table.oid_len = sizeof(oid);
	memcpy(table.oid, oid, sizeof(oid));
	gm.engine.crypto = &table;
	c.suite = JZ_SUITE_GM;
	b = bank_certify(&gm, &c, &gm.ca);
	refuses(f, &b, JZ_SW_CERT_SUITE);
}

static void
test_what_is_no_object_is_6a80(void **state)
{
	static const uint8_t objects[][4] = {{0x30, 0x02, 0, 0},
	    {0xFF, 0x22, 1, 0}, {0, 0, 0, 0}, {0x7F, 0x20, 1, 0}};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		rig_refuses(f->card, AT_STORE(0),
		    jz_span(objects[i], sizeof(objects[i])), JZ_SW_DATA);
	rig_refuses(f->card, AT_STORE(0), NOTHING, JZ_SW_LENGTH);
}

static void
test_parameters_out_of_bounds_are_6a80(void **state)
{
	struct fixture *f = *state;
	struct profile bad[5];
	struct blob b;

	for (size_t i = 0; i < 5; i++)
		bad[i] = f->profile;
	bad[0].max_balance = 0;
	bad[0].max_single = 0;
	bad[1].max_balance = JZ_PURSE_AMOUNT_MAX + UINT64_C(1);
	bad[2].max_single = bad[2].max_balance + 1;
	bad[3].pin_limit = 0;
	bad[4].pin_limit = 16;
	for (size_t i = 0; i < 5; i++) {
		b = bank_parameters(&bad[i]);
		refuses(f, &b, JZ_SW_DATA);
	}
	bad[0] = f->profile;
	bad[0].max_balance = JZ_PURSE_AMOUNT_MAX;
	bad[0].max_single = JZ_PURSE_AMOUNT_MAX;
	bad[0].pin_limit = 15;
	b = bank_parameters(&bad[0]);
	rig_accepts(f->card, AT_STORE(0), blob_span(&b), NULL);
}

static void
test_malformed_parameters_are_6a80(void **state)
{
	struct fixture *f = *state;
	struct blob b = f->object[PARAMETERS];

	b.len--;
	refuses(f, &b, JZ_SW_DATA);
	b.len += 2;
	refuses(f, &b, JZ_SW_DATA);
}

/* The last object when something is missing: refused, so not stored. */
static void
test_a_last_object_that_does_not_complete_is_not_stored(void **state)
{
	struct fixture *f = *state;

	for (enum object o = ROOT; o < OBJECTS; o++) {
		if (o == PARAMETERS)
			break;
		rig_refuses(f->card, AT_STORE(LAST), blob_span(&f->object[o]),
		    JZ_SW_CONDITIONS);
		store(f, o, o);
	}
	assert_int_equal(rig_purse(f->card)->state, JZ_PURSE_SELECTABLE);
	rig_accepts(
	    f->card, AT_STORE(LAST), blob_span(&f->object[PARAMETERS]), NULL);
}

static void
test_each_object_that_may_be_missing(void **state)
{
	struct fixture *f = *state;
	struct rig_snapshot *s = rig_save(f->card);

	/* Leave out one: what hangs on it is left out too. */
	for (enum object o = ROOT; o <= OWN; o++) {
		rig_restore(f->card, s);
		for (enum object k = ROOT; k < o; k++)
			store(f, k, k);
		if (o == HOST)
			store(f, OWN, OWN);
		rig_refuses(f->card, AT_STORE(LAST),
		    blob_span(&f->object[PARAMETERS]), JZ_SW_CONDITIONS);
	}
	rig_snapshot_free(&s);
}

static void
test_the_last_object_is_one_commit(void **state)
{
	struct fixture *f = *state;
	struct jz_fault_count was, is;

	store(f, ROOT, OWN);
	was = jz_fault_counters(f->card->fault);
	rig_accepts(
	    f->card, AT_STORE(LAST), blob_span(&f->object[PARAMETERS]), NULL);
	is = jz_fault_counters(f->card->fault);
	assert_int_equal(is.appends, was.appends + 1);
	assert_int_equal(is.replaces, was.replaces);
}

/* proves: OFP-8 (one key pair, made on the card, public key exported) */
static void
test_the_key_pair_is_made_once(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	rig_refuses(f->card, AT_GENERATE, NOTHING, JZ_SW_CONDITIONS);
	rig_accepts(f->card, AT_READ_KEY, NOTHING, &a);
	assert_int_equal(a.len, 3 + 2 + JZ_POINT_BYTES);
	assert_memory_equal(a.data, "\x7F\x49\x43\x86\x41", 5);
	assert_memory_equal(a.data + 5, f->point, JZ_POINT_BYTES);
}

static void
test_a_purse_without_a_key_says_so(void **state)
{
	struct fixture *f = *state;
	struct rig_card *c = rig_card_new(&f->rig, CLASSES, 1, false);

	assert_int_equal(port_select(&c->port), JZ_SW_OK);
	rig_refuses(c, AT_READ_KEY, NOTHING, JZ_SW_REFERENCE);
	rig_card_free(&c);
}

static void
test_two_purses_have_two_keys(void **state)
{
	struct fixture *f = *state;
	struct rig_card *c = rig_card_new(&f->rig, CLASSES, 1, false);
	uint8_t point[JZ_POINT_BYTES];

	assert_int_equal(port_select(&c->port), JZ_SW_OK);
	assert_int_equal(bank_generate(&c->port, point), JZ_SW_OK);
	assert_memory_not_equal(point, f->point, sizeof(point));
	rig_card_free(&c);
}

static void
test_personalisation_is_for_good(void **state)
{
	struct fixture *f = *state;

	store(f, ROOT, OWN);
	rig_accepts(
	    f->card, AT_STORE(LAST), blob_span(&f->object[PARAMETERS]), NULL);
	for (enum object o = ROOT; o < OBJECTS; o++) {
		rig_refuses(f->card, AT_STORE(0), blob_span(&f->object[o]),
		    JZ_SW_CONDITIONS);
		rig_refuses(f->card, AT_STORE(LAST), blob_span(&f->object[o]),
		    JZ_SW_CONDITIONS);
	}
	rig_refuses(f->card, AT_GENERATE, NOTHING, JZ_SW_CONDITIONS);
	rig_accepts(f->card, AT_READ_KEY, NOTHING, NULL);
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
	struct fixture *f = *state;
	struct blob load = load_of(1);

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

/*
 * Every instruction of both classes with many parameters, after the PIN.
 * proves: OFP-8 (the private key by no command)
 */
static void
test_no_command_reads_the_private_key(void **state)
{
	static const uint8_t p2s[] = {
	    0x00, 0x01, 0x02, 0x04, 0x21, 0x5A, 0x61, 0xC4, 0xFF};
	struct fixture *f = *state;
	struct rig_card *c = rig_bare_purse_new(&f->rig, &f->profile);
	uint8_t secret[JZ_PRIVATE_BYTES];
	struct answer a;

	memcpy(secret, rig_purse(c)->key.private_key, sizeof(secret));
	assert_int_equal(port_verify(&c->port, "123456"), JZ_SW_OK);
	for (uint32_t ins = 0; ins < 2 * 256; ins++)
		for (uint32_t p1 = 0; p1 < 256; p1++)
			for (size_t i = 0; i < sizeof(p2s); i++) {
				port_send(&c->port,
				    (ins >= 256 ? 0x80000000u : 0) |
					(ins & 0xFF) << 16 | p1 << 8 | p2s[i],
				    NOTHING, &a);
				if (leaks(&a, secret, sizeof(secret)))
					fail_msg("%02X %02X %02X", ins & 0xFF,
					    p1, p2s[i]);
			}
	rig_card_free(&c);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_purse_is_personalised),
	    TEST(test_parameters_may_come_first_and_any_object_last),
	    TEST(test_the_block_number_is_not_looked_at),
	    TEST(test_a_certificate_needs_the_one_above_it),
	    TEST(test_a_second_root_is_6985),
	    TEST(test_certificates_of_another_issuer_are_refused),
	    TEST(test_certificates_are_judged),
	    TEST(test_a_certificate_is_valid_through_its_last_day),
	    TEST(test_no_flipped_bit_in_a_certificate_is_accepted),
	    TEST(test_the_own_certificate_has_the_cards_key),
	    TEST(test_the_own_certificate_needs_the_key_first),
	    TEST(test_a_malformed_certificate_is_9427),
	    TEST(test_a_certificate_of_the_other_suite_is_9426),
	    TEST(test_what_is_no_object_is_6a80),
	    TEST(test_parameters_out_of_bounds_are_6a80),
	    TEST(test_malformed_parameters_are_6a80),
	    TEST(test_a_last_object_that_does_not_complete_is_not_stored),
	    TEST(test_each_object_that_may_be_missing),
	    TEST(test_the_last_object_is_one_commit),
	    TEST(test_the_key_pair_is_made_once),
	    TEST(test_a_purse_without_a_key_says_so),
	    TEST(test_two_purses_have_two_keys),
	    TEST(test_personalisation_is_for_good),
	    TEST(
		test_before_personalisation_nothing_is_paid_loaded_or_verified),
	    TEST(test_no_command_reads_the_private_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
