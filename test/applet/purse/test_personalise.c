/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an empty purse to one that can be used, through the issuer's domain: the
 * key pair, the certificates in their order, the parameters, and what is
 * refused on the way.
 */
#include "../../support/gpclient.h"
#include "../../../apdu/tlv.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CARD_ID "CN00000000100001"
#define NOTHING jz_span(NULL, 0)

enum object {
	ROOT,
	CA,
	HOST,
	OWN,
	PARAMETERS,
	OBJECTS,
};

/* Where a card is personalised: its session, and the next block. */
struct desk {
	struct rig_card *card;
	struct gp g;
	uint8_t block;
};

struct fixture {
	struct rig rig;
	struct bank *bank;
	struct profile profile;
	struct desk desk;
	struct rig_card *card; /* on the desk */
	uint8_t point[JZ_POINT_BYTES];
	struct jz_certificate own;
	struct blob object[OBJECTS];
};

static void
desk_open(struct fixture *f, struct desk *d, struct rig_card *c)
{
	d->card = c;
	d->block = 0;
	assert_int_equal(bank_begin(f->bank, &c->port, &d->g), JZ_SW_OK);
}

static void
desk_generate(struct desk *d, uint8_t point[static JZ_POINT_BYTES])
{
	assert_int_equal(bank_generate(&d->g, d->block, point), JZ_SW_OK);
	d->block++;
}

static void
desk_stores(struct desk *d, const struct blob *object, bool last)
{
	uint16_t sw = bank_store(&d->g, d->block, object, last);

	if (sw != JZ_SW_OK)
		fail_msg("block %u: %04X", d->block, sw);
	d->block++;
}

/* Refused, nothing changed, and the session goes on. */
static void
desk_refuses(
    struct desk *d, const struct blob *object, bool last, uint16_t expected)
{
	uint8_t before[32], after[32];
	uint16_t sw;

	rig_hash(d->card, before);
	sw = bank_store(&d->g, d->block, object, last);
	if (sw != expected)
		fail_msg("block %u: %04X, not %04X", d->block, sw, expected);
	rig_hash(d->card, after);
	assert_memory_equal(before, after, sizeof(before));
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	rig_new(&f->rig);
	f->bank = &f->rig.bank;
	f->profile = profile_of(CARD_ID);
	f->card = rig_empty_purse_new(&f->rig, true);
	desk_open(f, &f->desk, f->card);
	desk_generate(&f->desk, f->point);
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
		desk_stores(&f->desk, &f->object[o], false);
}

static void
store_last(struct fixture *f, enum object o)
{
	desk_stores(&f->desk, &f->object[o], true);
}

static void
refuses(struct fixture *f, const struct blob *object, uint16_t sw)
{
	desk_refuses(&f->desk, object, false, sw);
}

static void
test_a_purse_is_personalised(void **state)
{
	struct fixture *f = *state;
	struct jz_message info;

	store(f, ROOT, OWN);
	assert_int_equal(rig_purse_state(f->card), JZ_PURSE_SELECTABLE);
	store_last(f, PARAMETERS);
	assert_int_equal(port_select(&f->card->port), JZ_SW_OK);
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
	store_last(f, OWN);
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
	struct fixture *f = *state;
	struct answer a;

	assert_int_equal(
	    gp_hex(&f->desk.g, GP_AT_STATUS(JZ_GP_APPLICATIONS), name, &a),
	    JZ_SW_OK);
	assert_memory_equal(a.data + at, empty, sizeof(empty));
	store(f, ROOT, OWN);
	store_last(f, PARAMETERS);
	assert_int_equal(
	    gp_hex(&f->desk.g, GP_AT_STATUS(JZ_GP_APPLICATIONS), name, &a),
	    JZ_SW_OK);
	assert_memory_equal(a.data + at, ready, sizeof(ready));
}

/* There is no side door: the purse itself takes neither. */
static void
test_the_purse_itself_is_not_personalised(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(port_select(&f->card->port), JZ_SW_OK);
	for (enum object o = ROOT; o < OBJECTS; o++)
		rig_refuses(f->card, GP_AT_STORE(JZ_GP_STORE_TLV, 0),
		    blob_span(&f->object[o]), JZ_SW_INS);
	rig_refuses(f->card, AT_GENERATE, NOTHING, JZ_SW_P1P2);
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
	store(f, OWN, OWN);
	rig_set_time(f->card, f->own.to);
	refuses(f, &f->object[OWN], JZ_SW_CERT_EXPIRED);
	rig_set_time(f->card, f->own.from - 1);
	refuses(f, &f->object[OWN], JZ_SW_CERT_NOT_YET);
	rig_set_time(f->card, f->own.from);
	store(f, OWN, OWN);
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
		if (bank_store(&f->desk.g, f->desk.block, &b, false) ==
		    JZ_SW_OK)
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
	struct rig_card *c = rig_empty_purse_new(&f->rig, false);
	struct desk d;

	desk_open(f, &d, c);
	for (enum object o = ROOT; o <= HOST; o++)
		desk_stores(&d, &f->object[o], false);
	desk_refuses(&d, &f->object[OWN], false, JZ_SW_MISMATCH);
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
	    {0xFF, 0x22, 1, 0}, {0, 0, 0, 0}, {0x7F, 0x20, 1, 0},
	    {0x7F, 0x49, 1, 0}, {0x7F, 0x49, 0, 0}};
	struct fixture *f = *state;
	struct blob b = {.len = 4};

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		memcpy(b.data, objects[i], b.len);
		refuses(f, &b, JZ_SW_DATA);
	}
	b.len = 0;
	refuses(f, &b, JZ_SW_LENGTH);
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
	desk_stores(&f->desk, &b, false);
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
		desk_refuses(&f->desk, &f->object[o], true, JZ_SW_CONDITIONS);
		store(f, o, o);
	}
	assert_int_equal(rig_purse_state(f->card), JZ_PURSE_SELECTABLE);
	store_last(f, PARAMETERS);
}

static void
test_each_object_that_may_be_missing(void **state)
{
	struct fixture *f = *state;
	struct rig_snapshot *s = rig_save(f->card);
	struct desk begun = f->desk;

	/* Leave out one: what hangs on it is left out too. */
	for (enum object o = ROOT; o <= OWN; o++) {
		rig_restore(f->card, s);
		f->desk = begun;
		for (enum object k = ROOT; k < o; k++)
			store(f, k, k);
		if (o == HOST)
			store(f, OWN, OWN);
		desk_refuses(
		    &f->desk, &f->object[PARAMETERS], true, JZ_SW_CONDITIONS);
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
	store_last(f, PARAMETERS);
	is = jz_fault_counters(f->card->fault);
	assert_int_equal(is.appends, was.appends + 1);
	assert_int_equal(is.replaces, was.replaces);
}

/* proves: OFP-8 (one key pair, made on the card, public key exported) */
static void
test_the_key_pair_is_made_once(void **state)
{
	struct fixture *f = *state;
	uint8_t point[JZ_POINT_BYTES], before[32], after[32];
	struct answer a;

	rig_hash(f->card, before);
	desk_generate(&f->desk, point);
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
	struct fixture *f = *state;
	struct rig_card *c = rig_empty_purse_new(&f->rig, false);

	assert_int_equal(port_select(&c->port), JZ_SW_OK);
	rig_refuses(c, AT_READ_KEY, NOTHING, JZ_SW_REFERENCE);
	rig_card_free(&c);
}

static void
test_two_purses_have_two_keys(void **state)
{
	struct fixture *f = *state;
	struct rig_card *c = rig_empty_purse_new(&f->rig, false);
	uint8_t point[JZ_POINT_BYTES];
	struct desk d;

	desk_open(f, &d, c);
	desk_generate(&d, point);
	assert_memory_not_equal(point, f->point, sizeof(point));
	rig_card_free(&c);
}

static void
test_personalisation_is_for_good(void **state)
{
	static const struct blob make = {3, {0x7F, 0x49, 0x00}};
	struct fixture *f = *state;

	store(f, ROOT, OWN);
	store_last(f, PARAMETERS);
	desk_open(f, &f->desk, f->card);
	for (enum object o = ROOT; o < OBJECTS; o++) {
		refuses(f, &f->object[o], JZ_SW_CONDITIONS);
		desk_refuses(&f->desk, &f->object[o], true, JZ_SW_CONDITIONS);
	}
	refuses(f, &make, JZ_SW_CONDITIONS);
	assert_int_equal(port_select(&f->card->port), JZ_SW_OK);
	rig_accepts(f->card, AT_READ_KEY, NOTHING, NULL);
}

/* A session that ended early is begun again, and what there is stays. */
static void
test_personalisation_is_taken_up_again(void **state)
{
	struct fixture *f = *state;
	uint8_t point[JZ_POINT_BYTES];

	store(f, ROOT, HOST);
	assert_int_equal(rig_reopen(f->card), 0);
	desk_open(f, &f->desk, f->card);
	desk_generate(&f->desk, point);
	assert_memory_equal(point, f->point, sizeof(point));
	refuses(f, &f->object[ROOT], JZ_SW_CONDITIONS);
	store(f, CA, OWN);
	store_last(f, PARAMETERS);
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
	struct fixture *f = *state;
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
		for (uint32_t k = 0; k < 256 * sizeof(p2s); k++) {
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
	struct fixture *f = *state;
	struct rig_card *c = rig_bare_purse_new(&f->rig, &f->profile);

	sweep(c, &jz_purse_class.aid);
	sweep(c, &GP_ISD);
	rig_card_free(&c);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_purse_is_personalised),
	    TEST(test_parameters_may_come_first_and_any_object_last),
	    TEST(test_the_domain_shows_the_state),
	    TEST(test_the_purse_itself_is_not_personalised),
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
	    TEST(test_personalisation_is_taken_up_again),
	    TEST(
		test_before_personalisation_nothing_is_paid_loaded_or_verified),
	    TEST(test_no_command_reads_the_private_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
