/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card that works without a reader: who is alone, when it is called, and that
 * no command reaches display or keys.
 */
#include "card_bench.h"

#include "../../../applet/runtime/internal.h"
#include "../../../applet/virtual/panel.h"

#define AT_ALONE 0x80A00000u /* answers so many bytes as it is told */
#define AT_SHOW	 0x80A10000u /* tries to show something */
#define AT_READ	 0x80A20000u /* standby memory */
#define AT_FAIL	 0x80A30000u /* 6985 */

struct memory {
	struct jz_nvm_head head;
	uint32_t begun, keys, timers, contacts;
	uint32_t last_key, shown;
};

static struct jz_screen screen;

static void
count(struct jz_applet *self, const uint32_t *field)
{
	jz_write_u32(self, field, *field + 1);
}

static void
go_on(struct jz_applet *self, enum jz_event event, enum jz_key key)
{
	const struct memory *m = self->nvm;
	uint8_t text[4] = {'E', (uint8_t)('0' + event), ' ', 0};

	text[3] = (uint8_t)('A' + key);
	/* The contact may not show anything; the others may. */
	if (jz_show(self, 0, jz_span(text, sizeof(text))) == 0)
		count(self, &m->shown);
	switch (event) {
	case JZ_EVENT_BEGIN:
		count(self, &m->begun);
		break;
	case JZ_EVENT_KEY:
		count(self, &m->keys);
		jz_write_u32(self, &m->last_key, key);
		if (key == JZ_KEY_CANCEL)
			jz_alone_end(self);
		break;
	case JZ_EVENT_TIMER:
		count(self, &m->timers);
		break;
	case JZ_EVENT_CONTACT:
		count(self, &m->contacts);
		break;
	}
	if (key == JZ_KEY_UP) { /* left open: rolled back */
		jz_begin(self);
		count(self, &m->begun);
	}
}

static uint16_t
process(struct jz_applet *self, struct jz_apdu *apdu)
{
	uint8_t memory[JZ_STANDBY_BYTES], mark[2] = {0x5A, 0xA5};

	switch (jz_apdu_header(apdu)) {
	case AT_ALONE:
		if (jz_alone_begin(self, go_on) != 0)
			return JZ_SW_UNKNOWN;
		jz_standby_write(self, mark, sizeof(mark));
		for (size_t i = 0; i < apdu->command.data.len * 100; i++)
			jz_put_u8(&apdu->out, 0xAB);
		return JZ_SW_OK;
	case AT_SHOW:
		if (jz_show(self, 1, jz_span("HOST", 4)) != JZ_ERR_STATE ||
		    jz_show_clear(self) != JZ_ERR_STATE)
			return JZ_SW_UNKNOWN;
		return JZ_SW_OK;
	case AT_READ:
		if (jz_standby_read(self, memory, sizeof(memory)) == 0)
			jz_put(&apdu->out, memory, sizeof(memory));
		return JZ_SW_OK;
	case AT_FAIL:
		return JZ_SW_CONDITIONS;
	default:
		return JZ_SW_INS;
	}
}

static const struct jz_applet_class ALONE = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "alone",
    .aid = {5, {0xF0, 'A', 'L', 'O', 'N'}},
    .nvm_bytes = sizeof(struct memory),
    .process = process,
};
static const struct jz_applet_class OTHER = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "other",
    .aid = {5, {0xF0, 'O', 'T', 'H', 'R'}},
    .nvm_bytes = sizeof(struct jz_nvm_head),
    .process = process,
};
static const struct jz_applet_class *const BOTH[] = {&ALONE, &OTHER};

static int
setup(void **state)
{
	struct rig_card *c;

	bench_new(state, BOTH, 2);
	c = card_of(state);
	memset(&screen, 0, sizeof(screen));
	screen.own_time = true;
	c->setup.panel = &jz_screen_panel;
	c->setup.panel_state = &screen;
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(select_on(c, &ALONE.aid, 0), JZ_SW_OK);
	return 0;
}

static const struct memory *
memory(const struct rig_card *c)
{
	return c->card.applet[0].nvm;
}

static void
begin(struct rig_card *c)
{
	rig_accepts(c, AT_ALONE, NO_BYTES, NULL);
}

static bool
blank(void)
{
	for (unsigned i = 0; i < JZ_SCREEN_LINES; i++)
		if (screen.line[i][0] != '\0')
			return false;
	return true;
}

static void
test_events_come_in_order(void **state)
{
	struct rig_card *c = card_of(state);

	begin(c);
	assert_true(jz_card_run(&c->card));
	assert_int_equal(memory(c)->begun, 1);
	assert_int_equal(memory(c)->timers, 1);
	jz_screen_press(&screen, JZ_KEY_OK);
	jz_screen_press(&screen, JZ_KEY_0 + 7);
	assert_true(jz_card_run(&c->card));
	assert_int_equal(memory(c)->begun, 1);
	assert_int_equal(memory(c)->keys, 2);
	assert_int_equal(memory(c)->last_key, JZ_KEY_0 + 7);
	assert_int_equal(memory(c)->timers, 2);
	assert_string_equal(screen.line[0], "E2 A");
	jz_screen_press(&screen, JZ_KEY_CANCEL);
	assert_false(jz_card_run(&c->card));
	/* What was shown last stays. */
	assert_string_equal(screen.line[0], "E1 M");
	assert_false(jz_card_run(&c->card));
	assert_int_equal(memory(c)->timers, 2);
}

/* proves: JPS-9 (no press before the message counts) */
static void
test_keys_pressed_before_are_no_answer(void **state)
{
	struct rig_card *c = card_of(state);

	jz_screen_press(&screen, JZ_KEY_OK);
	assert_false(jz_card_run(&c->card));
	assert_int_equal(screen.keys, 0);
	begin(c);
	jz_screen_press(&screen, JZ_KEY_OK);
	jz_screen_press(&screen, JZ_KEY_OK);
	assert_true(jz_card_run(&c->card));
	assert_int_equal(memory(c)->keys, 0);
	assert_int_equal(screen.keys, 0);
}

/* proves: JPS-9 JPS-18 (the host path writes nothing to the display) */
static void
test_no_command_writes_to_the_display(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t cmd[5] = {0x80, 0, 0, 0, 0};

	rig_accepts(c, AT_SHOW, NO_BYTES, NULL);
	begin(c);
	jz_card_run(&c->card);
	/* One that was called a moment ago may no more. */
	rig_accepts(c, AT_SHOW, NO_BYTES, NULL);
	assert_true(blank());
	for (unsigned ins = 0; ins < 256; ins++) {
		cmd[1] = (uint8_t)ins;
		port_raw(&c->port, jz_span(cmd, sizeof(cmd)), NULL);
		assert_true(blank());
		assert_int_equal(screen.keys, 0);
	}
}

static void
test_any_command_is_a_new_contact(void **state)
{
	static const char *const commands[] = {"80A30000", "00", "80A20000",
	    "00A4040005 F04F544852", "FF000000", "03A30000", "0070000001",
	    "90A30000 01 00"};
	struct rig_card *c = card_of(state);

	for (uint32_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct answer a;

		assert_int_equal(select_on(c, &ALONE.aid, 0), JZ_SW_OK);
		begin(c);
		assert_true(jz_card_run(&c->card));
		assert_false(blank());
		port_hex(&c->port, commands[i], &a);
		assert_int_equal(a.len > 1, false);
		assert_int_equal(memory(c)->contacts, i + 1);
		assert_true(blank());
		assert_false(jz_card_run(&c->card));
	}
	/* The contact showed nothing. */
	assert_int_equal(memory(c)->shown,
	    memory(c)->begun + memory(c)->keys + memory(c)->timers);
}

/* A reset ends the contact, not what goes on after it. */
static void
test_a_reset_is_no_event(void **state)
{
	struct rig_card *c = card_of(state);

	begin(c);
	jz_card_reset(&c->card);
	assert_true(jz_card_run(&c->card));
	jz_card_reset(&c->card);
	assert_true(jz_card_run(&c->card));
	assert_int_equal(memory(c)->begun, 1);
	assert_int_equal(memory(c)->contacts, 0);
	/* Standby memory is there, and goes with the contact. */
	assert_int_equal(c->card.alone.standby[0], 0x5A);
	assert_int_equal(select_on(c, &ALONE.aid, 0), JZ_SW_OK);
	assert_int_equal(memory(c)->contacts, 1);
	assert_int_equal(c->card.alone.standby[0], 0);
}

static void
test_an_empty_battery_forgets(void **state)
{
	struct rig_card *c = card_of(state);

	begin(c);
	jz_card_run(&c->card);
	assert_false(blank());
	jz_card_close(&c->card);
	assert_true(blank());
	jz_fault_power_up(c->fault);
	assert_int_equal(jz_card_open(&c->card, &c->setup), 0);
	assert_false(jz_card_run(&c->card));
	assert_int_equal(c->card.alone.standby[0], 0);
	assert_int_equal(memory(c)->contacts, 0);
}

static void
test_it_begins_when_the_answer_is_out(void **state)
{
	static const uint8_t cmd[] = {0x80, 0xA0, 0, 0, 3, 1, 2, 3, 0};
	static const uint8_t get[] = {0x00, 0xC0, 0, 0, 0};
	struct rig_card *c = card_of(state);
	struct answer a;

	assert_int_equal(
	    port_raw(&c->port, jz_span(cmd, sizeof(cmd)), &a) & 0xFF00, 0x6100);
	assert_true(jz_card_run(&c->card));
	assert_int_equal(memory(c)->begun, 0);
	assert_int_equal(
	    port_raw(&c->port, jz_span(get, sizeof(get)), &a), JZ_SW_OK);
	assert_true(jz_card_run(&c->card));
	assert_int_equal(memory(c)->begun, 1);
	assert_int_equal(memory(c)->contacts, 0);
}

static void
test_what_is_left_open_is_rolled_back(void **state)
{
	struct rig_card *c = card_of(state);

	begin(c);
	jz_card_run(&c->card);
	jz_screen_press(&screen, JZ_KEY_UP);
	jz_card_run(&c->card);
	assert_int_equal(memory(c)->begun, 1);
	assert_false(c->journal.open);
}

static void
test_a_locked_applet_is_not_alone(void **state)
{
	struct rig_card *c = card_of(state);

	begin(c);
	jz_card_run(&c->card);
	c->card.applet[0].state |= JZ_APP_LOCKED;
	assert_false(jz_card_run(&c->card));
	assert_int_equal(memory(c)->contacts, 1);
	assert_true(blank());
}

static void
test_a_card_without_a_panel_is_never_alone(void **state)
{
	struct rig_card *c = card_of(state);

	c->setup.panel = NULL;
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(select_on(c, &ALONE.aid, 0), JZ_SW_OK);
	rig_refuses(c, AT_ALONE, NO_BYTES, JZ_SW_UNKNOWN);
	assert_false(jz_card_run(&c->card));
}

/* The queue of the virtual panel. */
static void
test_keys_wait_in_order(void **state)
{
	(void)state;
	memset(&screen, 0, sizeof(screen));
	assert_false(jz_screen_press(&screen, JZ_KEY_NONE));
	assert_false(jz_screen_press(&screen, (enum jz_key)99));
	for (unsigned i = 0; i < JZ_SCREEN_KEYS; i++)
		assert_true(
		    jz_screen_press(&screen, (enum jz_key)(JZ_KEY_0 + i % 10)));
	assert_false(jz_screen_press(&screen, JZ_KEY_OK));
	for (unsigned i = 0; i < JZ_SCREEN_KEYS; i++)
		assert_int_equal(
		    jz_screen_panel.key(&screen), JZ_KEY_0 + i % 10);
	assert_int_equal(jz_screen_panel.key(&screen), JZ_KEY_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_events_come_in_order),
	    T(test_keys_pressed_before_are_no_answer),
	    T(test_no_command_writes_to_the_display),
	    T(test_any_command_is_a_new_contact),
	    T(test_a_reset_is_no_event),
	    T(test_an_empty_battery_forgets),
	    T(test_it_begins_when_the_answer_is_out),
	    T(test_what_is_left_open_is_rolled_back),
	    T(test_a_locked_applet_is_not_alone),
	    T(test_a_card_without_a_panel_is_never_alone),
	    cmocka_unit_test(test_keys_wait_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
