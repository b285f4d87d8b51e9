/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SELECT and GET DATA: GlobalPlatform 11.9, 11.3.
 */
#include "group.h"

#include <string.h>

#include "../../../apdu/tlv.h"

/* The object's bytes, in both classes and within a session. */
static void
has(struct rig_card *c, uint16_t tag, const char *hex)
{
	struct blob want = gp_bytes(hex);
	struct gp g = gp_host(c);
	struct answer a;

	rig_accepts(c, GP_AT_GET_DATA(tag), jz_span(NULL, 0), &a);
	assert_int_equal(a.len, want.len);
	assert_memory_equal(a.data, want.data, want.len);
	rig_accepts(c, 0x00CA0000u | tag, jz_span(NULL, 0), &a);
	assert_int_equal(a.len, want.len);
	assert_memory_equal(a.data, want.data, want.len);
	if (tag == JZ_GP_TAG_SEQUENCE)
		return; /* which a session changes */
	gp_login(&g);
	assert_int_equal(gp_hex(&g, GP_AT_GET_DATA(tag), "", &a), JZ_SW_OK);
	assert_int_equal(a.len, want.len);
	assert_memory_equal(a.data, want.data, want.len);
	assert_int_equal(gp_select(&g, &GP_ISD, NULL), JZ_SW_OK);
}

static void
recognition_data(void **state)
{
	has(*state, 0x66,
	    "66 30 73 2E 06 07 2A864886FC6B01 60 0B 06 09 2A864886FC6B020203 "
	    "63 09 06 07 2A864886FC6B03 64 0B 06 09 2A864886FC6B040370");
}

static void
fci(void **state)
{
	struct rig_card *c = *state;
	struct blob want =
	    gp_bytes("6F 40 84 08 A000000151000000 A5 34 73 2E "
		     "06 07 2A864886FC6B01 60 0B 06 09 2A864886FC6B020203 "
		     "63 09 06 07 2A864886FC6B03 "
		     "64 0B 06 09 2A864886FC6B040370 9F65 01 FF");
	struct gp g = gp_host(c);
	struct answer a;

	assert_int_equal(gp_select(&g, &GP_ISD, &a), JZ_SW_OK);
	assert_int_equal(a.len, want.len);
	assert_memory_equal(a.data, want.data, want.len);
}

/* By a reset, by an empty name, by the beginning of its name. */
static void
the_domain_is_selected_first(void **state)
{
	struct rig_card *c = *state;
	struct jz_aid begin = GP_ISD, nothing = {0};
	struct gp g = gp_host(c);
	struct answer a, b;

	rig_accepts(c, GP_AT_GET_DATA(0xCF), jz_span(NULL, 0), NULL);
	begin.len = 5;
	assert_int_equal(gp_select(&g, &nothing, &a), JZ_SW_OK);
	assert_int_equal(gp_select(&g, &begin, &b), JZ_SW_OK);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
}

static void
capabilities(void **state)
{
	has(*state, 0x67,
	    "67 10 A0 09 80 01 03 81 01 70 82 01 01 82 03 040000");
}

static void
key_information(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);
	struct jz_scp03_keys one = gp_keys(1), two = gp_keys(2);
	struct answer a;
	struct blob b;

	has(c, 0xE0, "E0 12 C0 04 01FF8810 C0 04 02FF8810 C0 04 03FF8810");
	gp_login(&g);
	b = gp_put_key_data(&g, 0x01, &one);
	assert_int_equal(
	    gp_send(&g, GP_AT_PUT_KEY(0), blob_span(&b), NULL), JZ_SW_OK);
	b = gp_put_key_data(&g, 0x7F, &two);
	assert_int_equal(
	    gp_send(&g, GP_AT_PUT_KEY(0), blob_span(&b), NULL), JZ_SW_OK);
	assert_int_equal(gp_select(&g, &GP_ISD, NULL), JZ_SW_OK);
	b = gp_bytes("E0 24 C0 04 01018810 C0 04 02018810 C0 04 03018810 "
		     "C0 04 017F8810 C0 04 027F8810 C0 04 037F8810");
	rig_accepts(c, GP_AT_GET_DATA(0xE0), jz_span(NULL, 0), &a);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, b.len);
}

static void
sequence_counter(void **state)
{
	struct rig_card *c = *state;
	struct blob b = gp_bytes("0102030405060708");

	has(c, 0xC1, "C1 03 000000");
	rig_accepts(c, GP_AT_INITIALIZE(0), blob_span(&b), NULL);
	has(c, 0xC1, "C1 03 000001");
}

static void
diversification_data(void **state)
{
	has(*state, 0xCF, "CF 0A 4A5A1122334455667788");
}

/* Fabricator and system "JZ", serial number and batch of the KDD. */
static void
production_life_cycle(void **state)
{
	has(*state, 0x9F7F,
	    "9F7F 2A 4A5A 0000 4A5A 0000 0000 0000 33445566 7788 0000 0000 "
	    "0000 0000 0000 0000 00000000 0000 0000 00000000");
}

static void
identification_numbers(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);

	rig_refuses(c, GP_AT_GET_DATA(0x42), jz_span(NULL, 0), JZ_SW_REFERENCE);
	rig_refuses(c, GP_AT_GET_DATA(0x45), jz_span(NULL, 0), JZ_SW_REFERENCE);
	gp_login(&g);
	assert_int_equal(gp_hex(&g, GP_AT_STORE(0x90, 0),
			     "42 03 123456 45 08 0011223344556677", NULL),
	    JZ_SW_OK);
	assert_int_equal(gp_select(&g, &GP_ISD, NULL), JZ_SW_OK);
	has(c, 0x42, "42 03 123456");
	has(c, 0x45, "45 08 0011223344556677");
}

static uint64_t
number_in(const struct answer *a, uint32_t template, uint32_t tag, size_t len)
{
	struct jz_span level, v;

	assert_int_equal(jz_tlv_find(answer_span(a), template, &level), 0);
	assert_int_equal(jz_tlv_find(level, tag, &v), 0);
	assert_int_equal(v.len, len);
	return jz_get_be(v.data, v.len);
}

static void
extended_resources(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);
	struct answer a;

	rig_accepts(c, GP_AT_GET_DATA(0xFF21), jz_span(NULL, 0), &a);
	assert_int_equal(number_in(&a, 0xFF21, 0x81, 1), 0);
	assert_int_equal(
	    number_in(&a, 0xFF21, 0x82, 4), jz_card_nvm_free(&c->card));
	assert_int_equal(
	    number_in(&a, 0xFF21, 0x83, 4), jz_card_ram_free(&c->card));
	gp_login(&g);
	gp_add_note(&g, 1);
	gp_add_note(&g, 2);
	assert_int_equal(gp_hex(&g, GP_AT_GET_DATA(0xFF21), "", &a), JZ_SW_OK);
	assert_int_equal(number_in(&a, 0xFF21, 0x81, 1), 2);
	assert_int_equal(
	    number_in(&a, 0xFF21, 0x82, 4), jz_card_nvm_free(&c->card));
}

/* One template for each region, the runtime's own last, without an AID. */
static void
statistics(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);
	struct jz_region_info r;
	struct jz_span all, one;
	struct jz_cursor in;
	struct answer a;
	uint64_t v;

	gp_login(&g);
	gp_add_note(&g, 1);
	assert_int_equal(gp_hex(&g, GP_AT_GET_DATA(0xDF20), "", &a), JZ_SW_OK);
	assert_int_equal(jz_tlv_find(answer_span(&a), 0xDF20, &all), 0);
	in = jz_cursor(all);
	for (unsigned i = 0; i <= JZ_MAX_APPLETS; i++) {
		struct jz_cursor f;

		if (jz_card_region(&c->card, i, &r) != 0)
			continue;
		assert_int_equal(jz_tlv_expect(&in, 0x61, &one), 0);
		f = jz_cursor(one);
		assert_int_equal(jz_tlv_expect(&f, 0x4F, &one), 0);
		assert_true(
		    jz_span_equal(one, jz_span(r.aid.bytes, r.aid.len)));
		assert_int_equal(jz_tlv_expect_uint(&f, 0x80, 4, &v), 0);
		assert_int_equal(v, r.nvm_bytes);
		assert_int_equal(jz_tlv_expect_uint(&f, 0x81, 4, &v), 0);
		assert_int_equal(v, r.nvm_taken);
		assert_int_equal(jz_tlv_expect_uint(&f, 0x82, 4, &v), 0);
		assert_int_equal(v, r.cor_bytes);
		assert_int_equal(jz_tlv_expect_uint(&f, 0x83, 4, &v), 0);
		assert_int_equal(v, r.cod_bytes);
		assert_int_equal(jz_tlv_expect_uint(&f, 0x84, 4, &v), 0);
		assert_int_equal(v, r.writes);
		assert_int_equal(jz_tlv_expect_uint(&f, 0x85, 8, &v), 0);
		assert_int_equal(v, r.written);
		assert_int_equal(jz_tlv_expect_uint(&f, 0x86, 4, &v), 0);
		assert_int_equal(v, r.wear);
		assert_true(jz_cursor_end(&f));
	}
	assert_true(jz_cursor_end(&in));
}

/* A full card's answer is longer than a short response. */
static void
statistics_of_a_full_card(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);
	struct answer a;
	struct jz_span all, one;
	struct jz_cursor in;
	unsigned n = 0;

	gp_login(&g);
	for (uint8_t i = 1; i < JZ_MAX_APPLETS; i++)
		gp_add_note(&g, i);
	assert_int_equal(gp_hex(&g, GP_AT_GET_DATA(0xDF20), "", &a), JZ_SW_OK);
	assert_true(a.len > 256);
	assert_int_equal(jz_tlv_find(answer_span(&a), 0xDF20, &all), 0);
	for (in = jz_cursor(all); in.len > 0; n++)
		assert_int_equal(jz_tlv_expect(&in, 0x61, &one), 0);
	assert_int_equal(n, JZ_MAX_APPLETS + 1);
}

static void
nothing_else_is_there(void **state)
{
	static const uint16_t known[] = {
	    0x42, 0x45, 0x66, 0x67, 0xE0, 0xC1, 0xCF, 0x9F7F, 0xFF21, 0xDF20};
	struct rig_card *c = *state;
	unsigned found = 0;

	for (unsigned tag = 0; tag <= 0xFFFF; tag++) {
		uint16_t sw = port_send(
		    &c->port, GP_AT_GET_DATA(tag), jz_span(NULL, 0), NULL);
		bool is_known = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			is_known |= known[i] == tag;
		if (tag == 0xDF20) /* only in a session */
			assert_int_equal(sw, JZ_SW_SECURITY);
		else if (sw != JZ_SW_OK)
			assert_int_equal(sw, JZ_SW_REFERENCE);
		else
			assert_true(is_known);
		found += sw == JZ_SW_OK;
	}
	assert_int_equal(found, 7); /* the two numbers are not set */
}

/* proves: ALL-5 (no command reads a key). */
static void
no_answer_holds_a_key(void **state)
{
	struct rig_card *c = *state;
	struct jz_scp03_keys keys = gp_test_keys();
	static const uint16_t tags[] = {
	    0x66, 0x67, 0xE0, 0xC1, 0xCF, 0x9F7F, 0xFF21, 0xDF20};
	struct gp g = gp_host(c);
	struct answer a;

	gp_login(&g);
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		assert_int_equal(
		    gp_hex(&g, GP_AT_GET_DATA(tags[i]), "", &a), JZ_SW_OK);
		for (size_t at = 0; at + 4 <= a.len; at++)
			assert_memory_not_equal(a.data + at, keys.enc, 4);
	}
}

/* ---- installation by the card's maker ----------------------------------- */

static void
install_refuses_other_parameters(void **state)
{
	struct rig_card *c = *state;
	static const uint8_t bad_versions[] = {0x00, 0x80, 0xFE};
	uint8_t params[JZ_MANAGER_PARAMETER_BYTES + 1] = {0x01};
	struct jz_install order = {.module = jz_manager_class.aid,
	    .privileges = JZ_MANAGER_PRIVILEGES,
	    .instance = gp_note(1)};
	uint8_t before[32], after[32];

	rig_hash(c, before);
	for (size_t n = 0; n <= sizeof(params); n++) {
		if (n == JZ_MANAGER_PARAMETER_BYTES)
			continue;
		order.params = jz_span(params, n);
		assert_int_equal(
		    jz_card_install_as(&c->card, &order), JZ_SW_DATA);
	}
	order.params = jz_span(params, JZ_MANAGER_PARAMETER_BYTES);
	for (size_t i = 0; i < sizeof(bad_versions); i++) {
		params[0] = bad_versions[i];
		assert_int_equal(
		    jz_card_install_as(&c->card, &order), JZ_SW_DATA);
	}
	params[0] = 0x01;
	memset(order.privileges, 0, sizeof(order.privileges));
	assert_int_equal(
	    jz_card_install_as(&c->card, &order), JZ_SW_CONDITIONS);
	rig_hash(c, after);
	assert_memory_equal(before, after, sizeof(before));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CARD(recognition_data),
	    CARD(fci),
	    CARD(the_domain_is_selected_first),
	    CARD(capabilities),
	    CARD(key_information),
	    CARD(sequence_counter),
	    CARD(diversification_data),
	    CARD(production_life_cycle),
	    CARD(identification_numbers),
	    CARD(extended_resources),
	    CARD(statistics),
	    CARD(statistics_of_a_full_card),
	    CARD(nothing_else_is_there),
	    CARD(no_answer_holds_a_key),
	    CARD(install_refuses_other_parameters),
	};

	return cmocka_run_group_tests_name("data", tests, set_up, tear_down);
}
