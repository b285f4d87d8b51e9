/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a purse is personalised with: which certificates and parameters it
 * takes, and what it says of the others.
 */
#include "../../support/desk.h"
#include "../../../keys/openssl/openssl.h"
#include "../../support/suite.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
test_a_certificate_needs_the_one_above_it(void **state)
{
	struct desk *f = *state;

	for (enum object o = CA; o <= OWN; o++)
		desk_refuses(f, &f->object[o], false, JZ_SW_CERT_ISSUER);
	desk_store(f, ROOT, ROOT);
	for (enum object o = HOST; o <= OWN; o++)
		desk_refuses(f, &f->object[o], false, JZ_SW_CERT_ISSUER);
	desk_store(f, CA, OWN);
}

static void
test_a_second_root_is_6985(void **state)
{
	struct desk *f = *state;
	struct bank other;

	desk_store(f, ROOT, ROOT);
	desk_refuses(f, &f->object[ROOT], false, JZ_SW_CONDITIONS);
	bank_new(&other, &f->rig.engine, RIG_NOW);
	desk_refuses(f, &other.root_certificate, false, JZ_SW_CONDITIONS);
}

static void
test_certificates_of_another_issuer_are_refused(void **state)
{
	struct desk *f = *state;
	struct bank other;

	bank_new(&other, &f->rig.engine, RIG_NOW);
	desk_store(f, ROOT, ROOT);
	/* The same references, other keys. */
	desk_refuses(f, &other.ca_certificate, false, JZ_SW_CERT_FORGED);
	desk_store(f, CA, CA);
	desk_refuses(f, &other.host_certificate, false, JZ_SW_CERT_FORGED);
}

struct judged {
	const char *what;
	void (*spoil)(struct desk *f, struct jz_certificate *c);
	uint16_t sw;
};

static void
other_authority(struct desk *f, struct jz_certificate *c)
{
	(void)f;
	c->authority[14] ^= 1;
}

static void
not_yet(struct desk *f, struct jz_certificate *c)
{
	(void)f;
	c->from += 31 * BANK_DAY;
}

static void
expired(struct desk *f, struct jz_certificate *c)
{
	c->from = f->bank->now - f->bank->now % BANK_DAY - 30 * BANK_DAY;
	c->to = c->from + 30 * BANK_DAY;
}

static void
by_a_root(struct desk *f, struct jz_certificate *c)
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
	struct desk *f = *state;

	desk_store(f, ROOT, CA);
	for (size_t i = 0; i < sizeof(JUDGED) / sizeof(JUDGED[0]); i++) {
		struct jz_certificate c = f->bank->host_fields;
		struct blob b;

		JUDGED[i].spoil(f, &c);
		b = bank_certify(f->bank, &c, &f->bank->ca);
		desk_refuses(f, &b, false, JUDGED[i].sw);
		c = f->own;
		JUDGED[i].spoil(f, &c);
		b = bank_certify(f->bank, &c, &f->bank->ca);
		desk_refuses(f, &b, false, JUDGED[i].sw);
	}
}

/* Valid on its last day, to the last second, and no longer. */
static void
test_a_certificate_is_valid_through_its_last_day(void **state)
{
	struct desk *f = *state;

	desk_store(f, ROOT, CA);
	rig_set_time(f->card, f->own.to - 1);
	desk_store(f, OWN, OWN);
	rig_set_time(f->card, f->own.to);
	desk_refuses(f, &f->object[OWN], false, JZ_SW_CERT_EXPIRED);
	rig_set_time(f->card, f->own.from - 1);
	desk_refuses(f, &f->object[OWN], false, JZ_SW_CERT_NOT_YET);
	rig_set_time(f->card, f->own.from);
	desk_store(f, OWN, OWN);
}

/* Every bit of the card's own certificate. */
static void
test_no_flipped_bit_in_a_certificate_is_accepted(void **state)
{
	struct desk *f = *state;
	struct rig_snapshot *s;

	desk_store(f, ROOT, HOST);
	s = rig_save(f->card);
	for (size_t i = 0; i < f->object[OWN].len * 8; i++) {
		struct blob b = f->object[OWN];

		b.data[i / 8] ^= (uint8_t)(1u << i % 8);
		if (bank_store(&f->g, f->block, &b, false) == JZ_SW_OK)
			fail_msg("bit %zu", i);
		assert_true(rig_unchanged(f->card, s));
	}
	rig_snapshot_free(&s);
}

static void
test_the_own_certificate_has_the_cards_key(void **state)
{
	struct desk *f = *state;
	struct jz_certificate c = f->own;
	struct blob b;

	desk_store(f, ROOT, CA);
	memcpy(c.public_key, f->bank->host.public_key, sizeof(c.public_key));
	b = bank_certify(f->bank, &c, &f->bank->ca);
	desk_refuses(f, &b, false, JZ_SW_MISMATCH);
}

static void
test_the_own_certificate_needs_the_key_first(void **state)
{
	struct desk *f = *state;
	struct rig_card *c = rig_empty_purse_new(&f->rig, false);

	desk_open(f, c);
	for (enum object o = ROOT; o <= HOST; o++)
		desk_stores(f, &f->object[o], false);
	desk_refuses(f, &f->object[OWN], false, JZ_SW_MISMATCH);
	rig_card_free(&c);
}

static void
test_a_malformed_certificate_is_9427(void **state)
{
	struct desk *f = *state;
	struct blob b;

	desk_store(f, ROOT, CA);
	/* Something after it. */
	b = f->object[OWN];
	b.data[b.len++] = 0;
	desk_refuses(f, &b, false, JZ_SW_CERT_MALFORMED);
	/* 5F29, the profile's version, is not 0. */
	b = f->object[OWN];
	assert_memory_equal(b.data + 8, "\x5F\x29\x01\x00", 4);
	b.data[11] = 1;
	desk_refuses(f, &b, false, JZ_SW_CERT_MALFORMED);
	/* The signature has another tag. */
	b = f->object[OWN];
	b.data[b.len - JZ_SIGNATURE_BYTES - 2]++;
	desk_refuses(f, &b, false, JZ_SW_CERT_MALFORMED);
	/* Cut short: no object at all. */
	b = f->object[OWN];
	b.len--;
	desk_refuses(f, &b, false, JZ_SW_DATA);
	/* Longer than any certificate. */
	b.len = JZ_CERTIFICATE_MAX + 1;
	memset(b.data, 0, sizeof(b.data));
	memcpy(b.data, "\x7F\x21\x81\xFD", 4);
	desk_refuses(f, &b, false, JZ_SW_CERT_MALFORMED);
}

static void
test_a_certificate_of_the_other_suite_is_9426(void **state)
{
	struct desk *f = *state;
	struct jz_certificate c = f->own;
	struct bank other = *f->bank;
	struct jz_key_pair key;
	struct blob b;

	desk_store(f, ROOT, CA);
	assert_int_equal(jz_openssl_new(test_other_suite(), &other.engine), 0);
	assert_int_equal(
	    other.engine.crypto->generate(other.engine.state, &key), 0);
	memcpy(c.public_key, key.public_key, sizeof(c.public_key));
	c.suite = test_other_suite();
	b = bank_certify(&other, &c, &key);
	jz_openssl_free(&other.engine);
	desk_refuses(f, &b, false, JZ_SW_CERT_SUITE);
}

static void
test_what_is_no_object_is_6a80(void **state)
{
	static const uint8_t objects[][4] = {{0x30, 0x02, 0, 0},
	    {0xFF, 0x22, 1, 0}, {0, 0, 0, 0}, {0x7F, 0x20, 1, 0},
	    {0x7F, 0x49, 1, 0}, {0x7F, 0x49, 0, 0}};
	struct desk *f = *state;
	struct blob b = {.len = 4};

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		memcpy(b.data, objects[i], b.len);
		desk_refuses(f, &b, false, JZ_SW_DATA);
	}
	b.len = 0;
	desk_refuses(f, &b, false, JZ_SW_LENGTH);
}

static void
test_parameters_out_of_bounds_are_6a80(void **state)
{
	struct desk *f = *state;
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
		desk_refuses(f, &b, false, JZ_SW_DATA);
	}
	bad[0] = f->profile;
	bad[0].max_balance = JZ_PURSE_AMOUNT_MAX;
	bad[0].max_single = JZ_PURSE_AMOUNT_MAX;
	bad[0].pin_limit = 15;
	b = bank_parameters(&bad[0]);
	desk_stores(f, &b, false);
}

static void
test_malformed_parameters_are_6a80(void **state)
{
	struct desk *f = *state;
	struct blob b = f->object[PARAMETERS];

	b.len--;
	desk_refuses(f, &b, false, JZ_SW_DATA);
	b.len++;
	b.data[b.len++] = 0;
	desk_refuses(f, &b, false, JZ_SW_DATA);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, desk_setup, desk_teardown)
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
