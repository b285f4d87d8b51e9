/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Personalisation of the e-signature applet through the issuer's domain.
 */
#include "../../support/esignrig.h"

#include "../../../apdu/error.h"
#include "../../../apdu/tlv.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOTHING jz_span(NULL, 0)

static struct esign_rig rig;

static int
setup(void **state)
{
	esign_rig_empty(&rig);
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

static struct blob
parameters(const struct jz_esign_profile *p)
{
	struct blob out;
	struct jz_buffer b = jz_buffer(out.data, sizeof(out.data));

	assert_int_equal(jz_esign_put_profile(p, &b), 0);
	out.len = b.len;
	return out;
}

static void
test_an_applet_is_personalised_once(void **state)
{
	struct jz_esign_profile p = esign_profile(&rig);
	struct jz_esign_info info;
	struct answer a;

	(void)state;
	assert_int_equal(esign_personalise(&rig, &p), JZ_SW_OK);
	rig_accepts(rig.card, AT_ESIGN_INFO, NOTHING, &a);
	assert_int_equal(jz_esign_get_info(answer_span(&a), &info), 0);
	assert_int_equal(info.state, JZ_PURSE_PERSONALISED);
	assert_memory_equal(info.card_id, ESIGN_ID, sizeof(info.card_id));
	assert_int_equal(info.length, 6);
	assert_int_equal(info.alphabet, JZ_ALPHABET_DIGITS);
	assert_int_equal(info.mode, 0x34);
	/* A second time nothing is taken. */
	assert_int_equal(esign_personalise(&rig, &p), JZ_SW_CONDITIONS);
}

static void
test_before_it_nothing_is_signed(void **state)
{
	struct jz_esign_order o = esign_order();
	struct blob order = esign_encode(&o);

	(void)state;
	assert_int_equal(esign_select(&rig), JZ_SW_OK);
	rig_refuses(rig.card, AT_SIGN, blob_span(&order), JZ_SW_CONDITIONS);
	rig_refuses(rig.card, AT_CERTIFICATE, NOTHING, JZ_SW_CONDITIONS);
	rig_refuses(rig.card, AT_READ_KEY, NOTHING, JZ_SW_REFERENCE);
	rig_accepts(rig.card, AT_ESIGN_INFO, NOTHING, NULL);
}

/* proves: JPS-17 (a password that the issuer's three tries do not protect) */
static void
test_parameters_that_cannot_be_are_refused(void **state)
{
	struct jz_esign_profile good, p;
	struct blob b, certificate;
	struct gp g;

	(void)state;
	esign_begin(&rig, &g);
	assert_int_equal(bank_generate(&g, 0, rig.point), JZ_SW_OK);
	certificate = esign_certificate(&rig, ESIGN_ID);
	assert_int_equal(bank_store(&g, 1, &certificate, false), JZ_SW_OK);
	good = esign_profile(&rig);
#define REFUSED(change)                                                        \
	do {                                                                   \
		p = good;                                                      \
		change;                                                        \
		b = parameters(&p);                                            \
		assert_int_equal(bank_store(&g, 2, &b, true), JZ_SW_DATA);     \
	} while (0)
	REFUSED(p.mode = 0x31);
	REFUSED(p.mode = 0x37);
	/* Signed directly: JPS-7 alone. */
	REFUSED(p.scheme = 0);
	REFUSED(p.scheme = JZ_SCHEME_BARE);
	REFUSED(p.scheme = 0x21);
	REFUSED(p.length = 5);
	REFUSED(p.length = 17);
	REFUSED(p.length = 4; p.alphabet = JZ_ALPHABET_SMALL);
	REFUSED(p.alphabet = 0);
	REFUSED(p.alphabet = 0x10);
	REFUSED(p.flags = 0x04);
	REFUSED(p.language = 2);
	REFUSED(p.wait_s = 4);
	REFUSED(p.show_s = 0);
	REFUSED(p.pin_limit = 0);
	REFUSED(p.pin = jz_span("\xAB\xCD", 2));
	REFUSED(p.issuer_key[0] = 0x02);
	REFUSED(p.issuer_key[40] ^= 1);
#undef REFUSED
	/* 36 to the 4th are enough. */
	p = good;
	p.length = 4;
	p.alphabet = JZ_ALPHABET_SMALL | JZ_ALPHABET_DIGITS;
	b = parameters(&p);
	assert_int_equal(bank_store(&g, 2, &b, true), JZ_SW_OK);
}

/*
 * Where a guess can be tested from what the card emits: only for who asks for
 * it by name, and with 64 bits (89 characters: ten, 36: thirteen).
 * proves: JPS-17
 */
static void
test_guesses_need_the_flag_and_64_bits(void **state)
{
	static const struct {
		uint8_t mode, scheme;
	} guessable[] = {{0x32, 0x11}, {0x32, 0x1F}, {0x33, 0x11}, {0x33, 0x19},
	    {0x34, 0x11}, {0x34, 0x17}, {0x35, 0x11}};
	static const struct {
		uint8_t flags, length, alphabet;
		uint16_t sw;
	} cases[] = {{0, 16, 0x0F, JZ_SW_DATA}, {2, 6, 0x01, JZ_SW_DATA},
	    {2, 16, 0x01, JZ_SW_DATA}, {2, 9, 0x0F, JZ_SW_DATA},
	    {2, 12, 0x03, JZ_SW_DATA}, {2, 13, 0x03, JZ_SW_OK},
	    {2, 10, 0x0F, JZ_SW_OK}};
	struct jz_esign_profile p;
	struct blob b;
	struct gp g;

	(void)state;
	esign_begin(&rig, &g);
	assert_int_equal(bank_generate(&g, 0, rig.point), JZ_SW_OK);
	p = esign_profile(&rig);
	for (unsigned i = 0, block = 1; i < 7 * 7; i++) {
		p.mode = guessable[i / 7].mode;
		p.scheme = guessable[i / 7].scheme;
		p.flags = cases[i % 7].flags;
		p.length = cases[i % 7].length;
		p.alphabet = cases[i % 7].alphabet;
		b = parameters(&p);
		assert_int_equal(
		    bank_store(&g, (uint8_t)block, &b, false), cases[i % 7].sw);
		block += cases[i % 7].sw == JZ_SW_OK ? 1 : 0;
	}
}

static void
test_the_last_block_closes_only_what_is_whole(void **state)
{
	struct jz_esign_profile p = esign_profile(&rig);
	struct blob b, other;
	struct gp g;

	(void)state;
	esign_begin(&rig, &g);
	b = parameters(&p);
	/* Without a key there is nothing to sign with. */
	assert_int_equal(bank_store(&g, 0, &b, true), JZ_SW_DATA);
	assert_int_equal(bank_generate(&g, 0, rig.point), JZ_SW_OK);
	/* Without a certificate nobody believes it. */
	assert_int_equal(bank_store(&g, 1, &b, true), JZ_SW_CONDITIONS);
	/* A certificate of another key, of another role. */
	other = rig.rig.bank.host_certificate;
	assert_int_equal(bank_store(&g, 1, &other, false), JZ_SW_CERT_ROLE);
	rig.point[0] = 0x04;
	memcpy(rig.point, rig.issuer.public_key, sizeof(rig.point));
	other = esign_certificate(&rig, ESIGN_ID);
	assert_int_equal(bank_store(&g, 1, &other, false), JZ_SW_MISMATCH);
}

/* The issuer alone personalises: not without its channel. */
static void
test_store_data_needs_the_channel(void **state)
{
	struct jz_esign_profile p = esign_profile(&rig);
	struct blob b = parameters(&p);

	(void)state;
	assert_int_equal(esign_select(&rig), JZ_SW_OK);
	rig_refuses(rig.card, GP_AT_STORE(0x80, 0), blob_span(&b), JZ_SW_INS);
}

/* Each prefix of each message is none; a byte more neither. */
static void
test_messages_have_one_form(void **state)
{
	struct jz_esign_profile p = esign_profile(&rig), p2;
	struct jz_esign_order o = esign_order(), o2;
	struct jz_esign_info i = {.state = 7}, i2;
	struct blob profile = parameters(&p), order = esign_encode(&o), info;
	struct jz_buffer b = jz_buffer(info.data, sizeof(info.data));

	(void)state;
	assert_int_equal(jz_esign_put_info(&i, &b), 0);
	info.len = b.len;
	for (size_t n = 0; n < profile.len; n++)
		assert_int_equal(
		    jz_esign_get_profile(jz_span(profile.data, n), &p2),
		    JZ_ERR_MESSAGE);
	for (size_t n = 0; n < order.len; n++)
		assert_int_equal(
		    jz_esign_get_order(jz_span(order.data, n), &o2),
		    JZ_ERR_MESSAGE);
	for (size_t n = 0; n < info.len; n++)
		assert_int_equal(jz_esign_get_info(jz_span(info.data, n), &i2),
		    JZ_ERR_MESSAGE);
	assert_int_equal(jz_esign_get_profile(blob_span(&profile), &p2), 0);
	assert_int_equal(p2.pin_above, p.pin_above);
	assert_int_equal(p2.show_s, p.show_s);
	assert_int_equal(jz_esign_get_order(blob_span(&order), &o2), 0);
	assert_int_equal(o2.amount, o.amount);
	assert_int_equal(o2.currency, o.currency);
	assert_int_equal(o2.details.len, 0);
	order.data[order.len++] = 0;
	assert_int_equal(
	    jz_esign_get_order(blob_span(&order), &o2), JZ_ERR_MESSAGE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_an_applet_is_personalised_once),
	    TEST(test_before_it_nothing_is_signed),
	    TEST(test_parameters_that_cannot_be_are_refused),
	    TEST(test_guesses_need_the_flag_and_64_bits),
	    TEST(test_the_last_block_closes_only_what_is_whole),
	    TEST(test_store_data_needs_the_channel),
	    TEST(test_messages_have_one_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
