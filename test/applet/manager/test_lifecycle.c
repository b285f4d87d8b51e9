/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SET STATUS and what each state of card and application allows:
 * GlobalPlatform 5.1, 5.3, 11.10.
 */
#include "group.h"

#include <string.h>

#define NOTE_1 "F04E4F544501"

static uint8_t
card_state(struct rig_card *c)
{
	return jz_admin_card_state(&c->card.applet[0]);
}

static uint8_t
app_state(struct rig_card *c)
{
	struct jz_app_info info;
	struct jz_aid aid = gp_note(1);

	assert_true(manager_find_app(&c->card.applet[0], &aid, &info));
	return info.state;
}

static void
reaches(struct gp *g, uint8_t state)
{
	struct answer a;

	assert_int_equal(gp_hex(g, GP_AT_SET_CARD(state), "", &a), JZ_SW_OK);
	assert_int_equal(a.len, 0);
}

static const uint8_t CARD_STATES[] = {0x01, 0x07, 0x0F, 0x7F, 0xFF};

/* A card that was brought to this state, and a session with it. */
static struct rig_card *
card_in(uint8_t state, struct gp *g)
{
	struct rig_card *c = gp_card_new(&rig, true);

	*g = gp_host(c);
	gp_login(g);
	gp_add_note(g, 1);
	if (state == 0x0F || state == 0x7F)
		reaches(g, 0x07);
	if (state == 0x7F)
		reaches(g, 0x0F);
	if (state != 0x01)
		reaches(g, state);
	assert_int_equal(card_state(c), state);
	return c;
}

/* Every state asked for in every state. */
static void
transitions_of_the_card(void **state)
{
	static const struct {
		uint8_t from, to;
	} allowed[] = {{0x01, 0x07}, {0x01, 0xFF}, {0x07, 0x0F}, {0x07, 0xFF},
	    {0x0F, 0x7F}, {0x0F, 0xFF}, {0x7F, 0x0F}, {0x7F, 0xFF}};
	unsigned taken = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(CARD_STATES); i++) {
		struct gp g;
		struct rig_card *c = card_in(CARD_STATES[i], &g);
		struct rig_snapshot *s = rig_save(c);
		struct gp was = g;

		for (unsigned to = 0; to <= 0xFF; to++) {
			bool may = false;
			uint16_t sw;

			for (size_t k = 0;
			     k < sizeof(allowed) / sizeof(allowed[0]); k++)
				may |= allowed[k].from == CARD_STATES[i] &&
				    allowed[k].to == to;
			rig_restore(c, s);
			g = was;
			sw = gp_hex(&g, GP_AT_SET_CARD(to), "", NULL);
			assert_int_equal(sw, may ? JZ_SW_OK : JZ_SW_CONDITIONS);
			assert_int_equal(
			    card_state(c), may ? to : CARD_STATES[i]);
			taken += may;
		}
		rig_snapshot_free(&s);
		rig_card_free(&c);
	}
	assert_int_equal(taken, sizeof(allowed) / sizeof(allowed[0]));
}

static void
states_survive_the_power(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);

	gp_login(&g);
	gp_add_note(&g, 1);
	reaches(&g, 0x07);
	reaches(&g, 0x0F);
	assert_int_equal(
	    gp_hex(&g, GP_AT_SET_APP(0x83), NOTE_1, NULL), JZ_SW_OK);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(card_state(c), 0x0F);
	assert_int_equal(app_state(c), 0x87);
}

/* What the domain does in which state: every instruction, in session. */
static void
commands_by_state(void **state)
{
	static const struct {
		uint32_t header;
		const char *data;
		uint16_t alive, locked; /* terminated: 6985 */
	} rows[] = {
	    {GP_AT_STATUS(0x80), "4F00", JZ_SW_OK, JZ_SW_OK},
	    {GP_AT_INSTALL(0x0C),
		"05F04E4F5445 05F04E4F5445 06F04E4F544507 0100 02C900 00",
		JZ_SW_OK, JZ_SW_CONDITIONS},
	    {GP_AT_INSTALL(0x20), "00 00 06F04E4F544507 00 00 00", JZ_SW_OK,
		JZ_SW_CONDITIONS},
	    {GP_AT_STORE(0x80, 0), "0102", JZ_SW_OK, JZ_SW_CONDITIONS},
	    {GP_AT_DELETE, "4F06F04E4F544507", JZ_SW_OK, JZ_SW_CONDITIONS},
	    {GP_AT_DELETE, "D20105", JZ_SW_REFERENCE, JZ_SW_CONDITIONS},
	    {GP_AT_SET_APP(0x83), NOTE_1, JZ_SW_OK, JZ_SW_OK},
	    {GP_AT_SET_APP(0x07), NOTE_1, JZ_SW_OK, JZ_SW_OK},
	    {GP_AT_SET_CARD(0x02), "", JZ_SW_CONDITIONS, JZ_SW_CONDITIONS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(CARD_STATES); i++) {
		struct gp g;
		struct rig_card *c = card_in(CARD_STATES[i], &g);
		struct jz_scp03_keys keys = gp_keys(9);
		struct blob put = gp_put_key_data(&g, 0x10, &keys);
		uint16_t sw, want;

		for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
			sw = gp_hex(&g, rows[k].header, rows[k].data, NULL);
			want = CARD_STATES[i] == 0xFF ? JZ_SW_CONDITIONS
			    : CARD_STATES[i] == 0x7F  ? rows[k].locked
						      : rows[k].alive;
			if (sw != want)
				fail_msg("state %02X, %08X: %04X not %04X",
				    CARD_STATES[i], rows[k].header, sw, want);
		}
		sw = gp_send(&g, GP_AT_PUT_KEY(0), blob_span(&put), NULL);
		assert_int_equal(
		    sw, CARD_STATES[i] >= 0x7F ? JZ_SW_CONDITIONS : JZ_SW_OK);
		assert_int_equal(
		    gp_hex(&g, GP_AT_GET_DATA(0x66), "", NULL), JZ_SW_OK);
		rig_card_free(&c);
	}
}

/* GlobalPlatform 6.3.2: neither by MANAGE CHANNEL nor by SELECT. */
static void
opens_no_channel(struct rig_card *c)
{
	static const char *const commands[] = {"0070000001", "00700001",
	    "01A4040008A00000015100000000", "40A4040008A00000015100000000"};

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(
		    port_hex(&c->port, commands[i], NULL), JZ_SW_FUNCTION);
	for (unsigned i = 1; i < JZ_MAX_CHANNELS; i++)
		assert_false(c->card.channel[i].open);
}

/* Only the domain is selected, and says so. */
static void
a_locked_card(void **state)
{
	struct gp g;
	struct rig_card *c = card_in(0x7F, &g);
	struct jz_aid note = gp_note(1), nothing = {0};
	struct answer a;

	(void)state;
	assert_int_equal(gp_select(&g, &note, NULL), JZ_SW_FILE);
	assert_int_equal(gp_select(&g, &GP_ISD, &a), JZ_SW_SELECTED_LOCKED);
	assert_int_equal(a.len, 66);
	assert_int_equal(gp_select(&g, &nothing, NULL), JZ_SW_SELECTED_LOCKED);
	opens_no_channel(c);
	assert_int_equal(rig_reopen(c), 0);
	gp_login(&g);
	reaches(&g, 0x0F);
	assert_int_equal(gp_select(&g, &note, NULL), JZ_SW_OK);
	rig_card_free(&c);
}

/* Nothing but SELECT of the domain and GET DATA, for ever. */
static void
a_terminated_card(void **state)
{
	static const uint8_t ins[] = {0x50, 0xD8, 0xE2, 0xE4, 0xE6, 0xF0, 0xF2};
	struct gp g;
	struct rig_card *c = card_in(0xFF, &g);
	struct jz_aid note = gp_note(1);
	struct jz_scp03_keys keys = gp_test_keys();
	struct blob b = gp_bytes("0102030405060708");

	(void)state;
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(gp_select(&g, &GP_ISD, NULL), JZ_SW_OK);
	assert_int_not_equal(gp_select(&g, &note, NULL), JZ_SW_OK);
	assert_int_equal(gp_select(&g, &GP_ISD, NULL), JZ_SW_OK);
	for (size_t i = 0; i < sizeof(ins); i++)
		rig_refuses(c, 0x80000000u | (uint32_t)ins[i] << 16,
		    blob_span(&b), JZ_SW_CONDITIONS);
	opens_no_channel(c);
	assert_int_equal(gp_begin(&g, 0, &keys), JZ_SW_CONDITIONS);
	assert_int_equal(gp_authenticate(&g, 0x33), JZ_SW_CONDITIONS);
	assert_int_equal(
	    gp_clear(&g, GP_AT_GET_DATA(0x66), jz_span(NULL, 0), NULL),
	    JZ_SW_OK);
	rig_card_free(&c);
}

/* The card's SET STATUS does not look at the AID. */
static void
the_aid_of_the_card_is_not_looked_at(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c);

	gp_login(&g);
	assert_int_equal(
	    gp_hex(&g, GP_AT_SET_CARD(0x07), "A000000151000000", NULL),
	    JZ_SW_OK);
	assert_int_equal(
	    gp_hex(&g, GP_AT_SET_CARD(0x0F), "00", NULL), JZ_SW_OK);
	assert_int_equal(card_state(c), 0x0F);
}

static void
locking_an_application(void **state)
{
	struct rig_card *c = *state;
	struct gp g = gp_host(c), on_1 = gp_host(c);
	struct jz_aid note = gp_note(1);

	gp_login(&g);
	gp_add_note(&g, 1);
	on_1.number = 1;
	assert_int_equal(gp_select(&on_1, &note, NULL), JZ_SW_OK);
	assert_int_equal(/* a state of its own */
	    gp_clear(&on_1, 0x80120000u, jz_span(NULL, 0), NULL), JZ_SW_OK);
	assert_int_equal(app_state(c), 0x27);
	assert_int_equal(gp_select(&on_1, &GP_ISD, NULL), JZ_SW_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    gp_hex(&g, GP_AT_SET_APP(0x83), NOTE_1, NULL), JZ_SW_OK);
		assert_int_equal(app_state(c), 0xA7);
		assert_int_equal(gp_select(&on_1, &note, NULL), JZ_SW_FILE);
		gp_refuses(
		    c, &g, GP_AT_SET_APP(0x83), NOTE_1, JZ_SW_CONDITIONS);
		/* back to the state that it had, whatever is asked for */
		assert_int_equal(
		    gp_hex(&g, GP_AT_SET_APP(0x07), NOTE_1, NULL), JZ_SW_OK);
		assert_int_equal(app_state(c), 0x27);
		assert_int_equal(gp_select(&on_1, &note, NULL), JZ_SW_OK);
		assert_int_equal(gp_select(&on_1, &GP_ISD, NULL), JZ_SW_OK);
	}
}

static void
states_of_an_application_are_its_own(void **state)
{
	static const uint8_t states[] = {0x03, 0x07, 0x0F, 0x27, 0x7F};
	struct rig_card *c = *state;
	struct gp g = gp_host(c);

	gp_login(&g);
	gp_add_note(&g, 1);
	for (size_t i = 0; i < sizeof(states); i++)
		gp_refuses(
		    c, &g, GP_AT_SET_APP(states[i]), NOTE_1, JZ_SW_CONDITIONS);
}

static void
malformed_states_are_refused(void **state)
{
	struct rig_card *c = *state;
	static const struct {
		uint32_t header;
		const char *data;
		uint16_t sw;
	} rows[] = {
	    {0x80F00083u, NOTE_1, JZ_SW_P1P2},
	    {0x80F02083u, NOTE_1, JZ_SW_P1P2},
	    {0x80F06083u, NOTE_1, JZ_SW_P1P2},
	    {0x80F0C083u, NOTE_1, JZ_SW_P1P2},
	    {GP_AT_SET_APP(0x00), NOTE_1, JZ_SW_P1P2},
	    {GP_AT_SET_APP(0x80), NOTE_1, JZ_SW_P1P2},
	    {GP_AT_SET_APP(0x82), NOTE_1, JZ_SW_P1P2},
	    {GP_AT_SET_APP(0x83), "", JZ_SW_LENGTH},
	    {GP_AT_SET_APP(0x83), "F04E4F54", JZ_SW_LENGTH},
	    {GP_AT_SET_APP(0x83), "F04E4F54450102030405060708090A0B0C",
		JZ_SW_LENGTH},
	    {GP_AT_SET_APP(0x83), "F04E4F544502", JZ_SW_REFERENCE},
	    {GP_AT_SET_APP(0x83), "F04E4F5445", JZ_SW_REFERENCE},
	    {GP_AT_SET_APP(0x83), "A000000151000000", JZ_SW_CONDITIONS},
	    {GP_AT_SET_CARD(0x07), "F04E4F54450102030405060708090A0B0C",
		JZ_SW_LENGTH},
	};
	struct gp g = gp_host(c);

	gp_login(&g);
	gp_add_note(&g, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		gp_refuses(c, &g, rows[i].header, rows[i].data, rows[i].sw);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(transitions_of_the_card),
	    CARD(states_survive_the_power),
	    cmocka_unit_test(commands_by_state),
	    cmocka_unit_test(a_locked_card),
	    cmocka_unit_test(a_terminated_card),
	    CARD(the_aid_of_the_card_is_not_looked_at),
	    CARD(locking_an_application),
	    CARD(states_of_an_application_are_its_own),
	    CARD(malformed_states_are_refused),
	};

	return cmocka_run_group_tests_name(
	    "life cycle", tests, set_up, tear_down);
}
