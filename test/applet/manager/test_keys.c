/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PUT KEY and DELETE [key]: GlobalPlatform 11.8, 11.2.
 */
#include "group.h"

#include <string.h>

#define KEY_FIELD 23 /* 88 11 10, key, 03, value */

/* The keys of a version are gp_keys() of it. */
static uint16_t
put(struct gp *g, uint8_t old, uint8_t kvn)
{
	struct jz_scp03_keys keys = gp_keys(kvn);
	struct blob b = gp_put_key_data(g, kvn, &keys);

	return gp_send(g, GP_AT_PUT_KEY(old), blob_span(&b), NULL);
}

static bool
opens(struct rig_card *c, uint8_t kvn)
{
	struct gp g = gp_host(c);
	struct jz_scp03_keys keys =
	    kvn == JZ_GP_KVN_INITIAL ? gp_test_keys() : gp_keys(kvn);

	g.number = 1; /* beside the session that is tested */
	assert_int_equal(gp_select(&g, &GP_ISD, NULL), JZ_SW_OK);
	if (gp_begin(&g, kvn, &keys) != JZ_SW_OK)
		return false;
	assert_int_equal(gp_authenticate(&g, 0x33), JZ_SW_OK);
	return true;
}

static void
has_versions(struct rig_card *c, const char *hex)
{
	struct blob want = gp_bytes(hex);

	assert_int_equal(gp_nvm(c)->sets.count, want.len);
	for (size_t i = 0; i < want.len; i++) {
		assert_int_equal(gp_nvm(c)->sets.set[i].kvn, want.data[i]);
		assert_true(opens(c, want.data[i]));
	}
}

static void
answer_is_version_and_check_values(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);
	struct jz_scp03_keys keys;
	struct blob b, want;
	struct answer a;

	/* pySim's keys and their published values */
	b = gp_bytes("000102030405060708090A0B0C0D0E0F"
		     "101112131415161718191A1B1C1D1E1F"
		     "202122232425262728292A2B2C2D2E2F");
	memcpy(&keys, b.data, sizeof(keys));
	gp_login(&g);
	b = gp_put_key_data(&g, 0x01, &keys);
	assert_int_equal(
	    gp_send(&g, GP_AT_PUT_KEY(0), blob_span(&b), &a), JZ_SW_OK);
	want = gp_bytes("01 C35280 013808 840DE5");
	assert_int_equal(a.len, want.len);
	assert_memory_equal(a.data, want.data, want.len);
}

/* The initial set goes with the first that is put, by either P1. */
static void
the_initial_set_is_replaced(void **state)
{
	static const uint8_t old[] = {0x00, 0xFF};

	(void)state;
	for (size_t i = 0; i < sizeof(old); i++) {
		struct rig_card *c = gp_card_new(&rig, true);
		struct gp g = gp_host(c);

		gp_login(&g);
		assert_int_equal(put(&g, old[i], 0x01), JZ_SW_OK);
		has_versions(c, "01");
		assert_false(opens(c, JZ_GP_KVN_INITIAL));
		assert_int_equal(put(&g, 0xFF, 0x02), JZ_SW_REFERENCE);
		rig_card_free(&c);
	}
}

static void
up_to_three_sets_stand_beside_each_other(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);

	gp_login(&g);
	assert_int_equal(put(&g, 0, 0x05), JZ_SW_OK);
	assert_int_equal(put(&g, 0, 0x7F), JZ_SW_OK);
	assert_int_equal(put(&g, 0, 0x01), JZ_SW_OK);
	has_versions(c, "05 7F 01");
	assert_int_equal(put(&g, 0, 0x02), JZ_SW_SPACE);
	assert_int_equal(put(&g, 0x7F, 0x02), JZ_SW_OK);
	has_versions(c, "05 01 02");
	/* the same version, other keys */
	assert_int_equal(put(&g, 0x05, 0x05), JZ_SW_OK);
	has_versions(c, "01 02 05");
	assert_int_equal(rig_reopen(c), 0);
	has_versions(c, "01 02 05");
}

/* Version 00 means the set that came last. */
static void
the_newest_set_is_the_one_that_is_not_named(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);
	struct jz_scp03_keys keys = gp_keys(0x03);

	gp_login(&g);
	assert_int_equal(put(&g, 0, 0x05), JZ_SW_OK);
	assert_int_equal(put(&g, 0, 0x03), JZ_SW_OK);
	gp_open(&g, 0x00, &keys, 0x33);
	assert_int_equal(gp_hex(&g, GP_AT_DELETE, "D20103", NULL), JZ_SW_OK);
	keys = gp_keys(0x05);
	gp_open(&g, 0x00, &keys, 0x33);
}

/* The set under a running session may go: it keeps its keys and its DEK. */
static void
the_running_session_goes_on(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);

	gp_login(&g);
	assert_int_equal(put(&g, 0, 0x01), JZ_SW_OK);
	assert_int_equal(put(&g, 0x01, 0x02), JZ_SW_OK);
	assert_int_equal(put(&g, 0, 0x03), JZ_SW_OK);
	assert_int_equal(
	    gp_hex(&g, GP_AT_STATUS(0x80), "4F00", NULL), JZ_SW_OK);
	has_versions(c, "02 03");
}

/* The key may stand alone, without its length in clear. */
static void
the_short_form_is_taken(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);
	struct jz_scp03_keys keys = gp_keys(0x04);
	struct blob full, b = {.len = 1};
	struct jz_buffer out = jz_buffer(b.data, sizeof(b.data));

	gp_login(&g);
	full = gp_put_key_data(&g, 0x04, &keys);
	jz_put(&out, full.data, 1);
	for (size_t i = 0; i < 3; i++) {
		const uint8_t *field = full.data + 1 + KEY_FIELD * i;

		jz_put_u8(&out, field[0]);
		jz_put(&out, field + 2, KEY_FIELD - 2);
	}
	b.len = out.len;
	assert_int_equal(b.len, 67);
	assert_int_equal(
	    gp_send(&g, GP_AT_PUT_KEY(0), blob_span(&b), NULL), JZ_SW_OK);
	has_versions(c, "04");
}

/* GlobalPlatform 11.8.3.2: of byte `at` of a set that is wrong. */
static uint16_t
wrong_byte(size_t at)
{
	size_t in_field = (at - 1) % KEY_FIELD; /* behind the version */

	if (in_field == 0)
		return JZ_SW_ALGORITHM;
	/* Type, two lengths; the key; a length; the check value. */
	return in_field < 3 || in_field == 3 + JZ_KEY_BYTES ? JZ_SW_DATA
							    : JZ_SW_KEY_CHECK;
}

/* proves: ALL-4 (of a set with one bit wrong nothing is taken). */
static void
every_bit_is_checked(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c), was;
	struct jz_scp03_keys keys = gp_keys(0x04);
	struct blob good;
	struct rig_snapshot *s;

	gp_login(&g);
	good = gp_put_key_data(&g, 0x04, &keys);
	s = rig_save(c);
	was = g;
	for (size_t bit = 8; bit < 8 * good.len; bit++) {
		struct blob b = good;
		struct answer a;

		b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		g = was;
		assert_int_equal(
		    gp_send(&g, GP_AT_PUT_KEY(0), blob_span(&b), &a),
		    wrong_byte(bit / 8));
		assert_int_equal(a.len, 0);
		assert_true(rig_unchanged(c, s));
		rig_restore(c, s);
	}
	rig_snapshot_free(&s);
}

static void
malformed_sets_are_refused(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c), was;
	struct jz_scp03_keys keys = gp_keys(0x04);
	struct blob good;
	struct rig_snapshot *s;

	gp_login(&g);
	assert_int_equal(put(&g, 0, 0x01), JZ_SW_OK);
	assert_int_equal(put(&g, 0, 0x02), JZ_SW_OK);
	good = gp_put_key_data(&g, 0x04, &keys);
	s = rig_save(c);
	was = g;
	for (unsigned row = 0; row < 14; row++) {
		struct blob b = good;
		uint32_t header = GP_AT_PUT_KEY(0);
		uint16_t want = JZ_SW_DATA;

		switch (row) {
		case 0: /* version 00, 80, FF */
			b.data[0] = 0;
			break;
		case 1:
			b.data[0] = 0x80;
			break;
		case 2:
			b.data[0] = 0xFF;
			break;
		case 3: /* one that is there */
			b.data[0] = 0x02;
			break;
		case 4: /* in the place of another */
			b.data[0] = 0x02;
			header = GP_AT_PUT_KEY(0x01);
			break;
		case 5: /* of one that is not */
			header = GP_AT_PUT_KEY(0x09);
			want = JZ_SW_REFERENCE;
			break;
		case 6: /* more commands to come */
			header = GP_AT_PUT_KEY(0x81);
			want = JZ_SW_P1P2;
			break;
		case 7: /* one key alone */
			header = GP_AT_PUT_KEY(0) & ~0x80u;
			want = JZ_SW_P1P2;
			break;
		case 8:
			header = GP_AT_PUT_KEY(0) + 1;
			want = JZ_SW_P1P2;
			break;
		case 9:
			b.len -= 4;
			want = JZ_SW_LENGTH;
			break;
		case 10:
			b.len--;
			break;
		case 11:
			b.data[b.len++] = 0;
			want = JZ_SW_LENGTH;
			break;
		case 12: /* DES */
			b.data[1] = 0x80;
			want = JZ_SW_ALGORITHM;
			break;
		default: /* two bytes of check value, and one too many */
			b.data[1 + KEY_FIELD - 4] = 2;
			break;
		}
		g = was;
		assert_int_equal(
		    gp_send(&g, header, blob_span(&b), NULL), want);
		assert_true(rig_unchanged(c, s));
		rig_restore(c, s);
	}
	rig_snapshot_free(&s);
}

static void
delete_takes_a_set(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);
	struct answer a;

	gp_login(&g);
	assert_int_equal(put(&g, 0, 0x01), JZ_SW_OK);
	assert_int_equal(put(&g, 0, 0x02), JZ_SW_OK);
	assert_int_equal(put(&g, 0, 0x03), JZ_SW_OK);
	assert_int_equal(gp_hex(&g, GP_AT_DELETE, "D20102", &a), JZ_SW_OK);
	assert_int_equal(a.len, 1);
	assert_int_equal(a.data[0], 0);
	has_versions(c, "01 03");
	assert_false(opens(c, 0x02));
	gp_refuses(c, &g, GP_AT_DELETE, "D20102", JZ_SW_REFERENCE);
	gp_refuses(c, &g, GP_AT_DELETE, "D20100", JZ_SW_REFERENCE);
	gp_refuses(c, &g, GP_AT_DELETE, "D0010103", JZ_SW_DATA);
	gp_refuses(c, &g, GP_AT_DELETE, "D00101D20101", JZ_SW_DATA);
	gp_refuses(c, &g, GP_AT_DELETE, "D2020103", JZ_SW_DATA);
	gp_refuses(c, &g, GP_AT_DELETE, "D2010100", JZ_SW_DATA);
	assert_int_equal(gp_hex(&g, GP_AT_DELETE, "D20101", NULL), JZ_SW_OK);
	gp_refuses(c, &g, GP_AT_DELETE, "D20103", JZ_SW_CONDITIONS);
	has_versions(c, "03");
}

/* proves: ALL-5 (what is deleted or replaced is not left in memory). */
static void
no_trace_of_a_set_is_left(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);
	struct jz_scp03_keys keys = gp_keys(0x02);
	bool found = false;

	gp_login(&g);
	assert_int_equal(put(&g, 0, 0x01), JZ_SW_OK);
	assert_int_equal(put(&g, 0, 0x02), JZ_SW_OK);
	for (size_t at = 0; at + sizeof(keys) <= sizeof(c->nvm); at++)
		found |= memcmp(c->nvm + at, &keys, sizeof(keys)) == 0;
	assert_true(found);
	assert_int_equal(gp_hex(&g, GP_AT_DELETE, "D20102", NULL), JZ_SW_OK);
	for (size_t at = 0; at + 16 <= sizeof(c->nvm); at++) {
		assert_memory_not_equal(c->nvm + at, keys.enc, 16);
		assert_memory_not_equal(c->nvm + at, keys.dek, 16);
	}
}

/* One sequence counter for all sets: no challenge is made twice. */
static void
sets_share_the_counter(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);
	struct jz_scp03_keys one = gp_keys(0x01), two = gp_keys(0x02);

	gp_login(&g);
	assert_int_equal(put(&g, 0, 0x01), JZ_SW_OK);
	assert_int_equal(put(&g, 0, 0x02), JZ_SW_OK);
	gp_open(&g, 0x01, &one, 0x33);
	assert_int_equal(jz_get_be(g.sequence, 3), 2);
	gp_open(&g, 0x02, &two, 0x33);
	assert_int_equal(jz_get_be(g.sequence, 3), 3);
	assert_int_equal(put(&g, 0x01, 0x01), JZ_SW_OK);
	gp_open(&g, 0x01, &one, 0x33);
	assert_int_equal(jz_get_be(g.sequence, 3), 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CARD(answer_is_version_and_check_values),
	    cmocka_unit_test(the_initial_set_is_replaced),
	    CARD(up_to_three_sets_stand_beside_each_other),
	    CARD(the_newest_set_is_the_one_that_is_not_named),
	    CARD(the_running_session_goes_on),
	    CARD(the_short_form_is_taken),
	    CARD(every_bit_is_checked),
	    CARD(malformed_sets_are_refused),
	    CARD(delete_takes_a_set),
	    CARD(no_trace_of_a_set_is_left),
	    CARD(sets_share_the_counter),
	};

	return cmocka_run_group_tests_name("keys", tests, set_up, tear_down);
}
