/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of an applet between install and deletion: what is called when,
 * what a refusal leaves, what a reset selects.  Java Card 3 JCRE 3, 4.
 */
#include "../../../apdu/error.h"
#include "../../support/probe.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOTHING '-'

struct fixture {
	struct rig rig;
	struct rig_card *card;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	probe_reset();
	rig_new(&f->rig);
	f->card = probe_card_new(&f->rig, 0);
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

static struct rig_card *
card_of(void **state)
{
	const struct fixture *f = *state;

	return f->card;
}

/* a and b, nothing selected, nothing traced. */
static struct rig_card *
with_two(void **state)
{
	struct rig_card *c = card_of(state);

	probe_add(c, &probe_single, 'a');
	probe_add(c, &probe_multi, 'b');
	probe_reset();
	return c;
}

static bool
all_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != 0)
			return false;
	return true;
}

/* ---- what is called ----------------------------------------------------- */

static void
test_the_order_of_calls(void **state)
{
	struct rig_card *c = card_of(state);

	probe_add(c, &probe_single, 'a');
	probe_add(c, &probe_single, 'b');
	probe_expect("Ia Ib ");
	probe_choose(c, 0, 'a');
	probe_expect("Sa0 ");
	probe_send(c, 0, PROBE_PATTERN, 0, 0, NULL);
	probe_expect("Pa0 ");
	probe_choose(c, 0, 'b');
	probe_expect("Da Sb0 ");
	/* Itself again. */
	probe_choose(c, 0, 'b');
	probe_expect("Db Sb0 ");
	jz_card_reset(&c->card);
	assert_int_equal(rig_reopen(c), 0);
	probe_expect("");
}

/* The runtime's own commands do not reach the applet. */
static void
test_the_runtimes_commands_are_its_own(void **state)
{
	struct rig_card *c = with_two(state);

	probe_choose(c, 0, 'b');
	probe_reset();
	port_hex(&c->port, "00C00000 00", NULL);
	port_hex(&c->port, "00700003", NULL);
	port_hex(&c->port, "00708003", NULL);
	port_hex(&c->port, "FF000000", NULL);
	port_hex(&c->port, "00", NULL);
	probe_expect("");
}

static void
test_a_refused_select_leaves_nothing_selected(void **state)
{
	static const uint16_t refusals[] = {0x6985, 0x6999, 0x6F00, 0x6A82,
	    0x6100, 0x6C00, 0x6400, 0x9001, 0x9100, 0x0001, 0xFFFF};
	struct rig_card *c = with_two(state);

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct answer a;

		probe_reset();
		assert_int_equal(probe_choose(c, 0, 'b'), JZ_SW_OK);
		probe_reset();
		probe_refuse(PROBE_SELECT, refusals[i]);
		assert_int_equal(
		    port_hex(&c->port, "00A4040006 F050524F4261 00", &a),
		    JZ_SW_SELECT_FAILED);
		assert_int_equal(a.len, 0);
		/* The other one was deselected; this one is not. */
		probe_expect("Db Sa0 ");
		assert_int_equal(probe_who(c, 0), NOTHING);
		assert_true(c->card.channel[0].open);
		assert_int_equal(c->card.channel[0].cod_bytes, 0);
	}
}

static uint16_t
mark_and_refuse(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	const struct probe_nvm *n = self->nvm;

	(void)in;
	if (event != PROBE_SELECT)
		return 0;
	memset(self->cod, 0xCD, PROBE_RAM_BYTES);
	jz_put(&apdu->out, "secret", 6);
	assert_int_equal(jz_begin(self), 0);
	assert_int_equal(jz_write_u32(self, &n->value, 0xBAD), 0);
	return JZ_SW_CONDITIONS;
}

static void
test_nor_anything_of_its_memory(void **state)
{
	struct rig_card *c = with_two(state);
	const struct jz_applet *a = probe_find(c, 'a');

	probe.hook = mark_and_refuse;
	assert_int_equal(probe_choose(c, 0, 'a'), JZ_SW_SELECT_FAILED);
	assert_true(all_zero(c->ram, sizeof(c->ram)));
	/* The transaction that it left open is rolled back. */
	assert_int_equal(probe_nvm(a)->value, 0);
	assert_false(c->journal.open);
}

static uint16_t warning;

static uint16_t
warn(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	(void)self;
	(void)in;
	if (event != PROBE_SELECT)
		return 0;
	jz_put(&apdu->out, "FCI", 3);
	return warning;
}

static void
test_a_warning_selects(void **state)
{
	static const uint16_t warnings[] = {
	    0x6200, 0x6283, 0x62FF, 0x6300, 0x63C2, 0x63FF};
	struct rig_card *c = with_two(state);

	probe.hook = warn;
	for (size_t i = 0; i < sizeof(warnings) / sizeof(warnings[0]); i++) {
		struct answer a;

		warning = warnings[i];
		jz_card_reset(&c->card);
		assert_int_equal(
		    port_hex(&c->port, "00A4040006 F050524F4261 00", &a),
		    warnings[i]);
		assert_int_equal(a.len, 3);
		assert_memory_equal(a.data, "FCI", 3);
		assert_int_equal(probe_who(c, 0), 'a');
	}
}

static uint16_t
leave_open(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	const struct probe_nvm *n = self->nvm;

	(void)apdu;
	(void)in;
	if (event == PROBE_DESELECT) {
		assert_int_equal(jz_write_u32(self, &n->count, 7), 0);
		assert_int_equal(jz_begin(self), 0);
		assert_int_equal(jz_write_u32(self, &n->value, 0xBAD), 0);
	}
	return 0;
}

static void
test_what_deselect_wrote_is_kept_and_what_it_left_open_is_not(void **state)
{
	struct rig_card *c = with_two(state);

	probe_choose(c, 0, 'a');
	probe.hook = leave_open;
	assert_int_equal(probe_choose(c, 0, 'b'), JZ_SW_OK);
	assert_int_equal(probe_nvm(probe_find(c, 'a'))->count, 7);
	assert_int_equal(probe_nvm(probe_find(c, 'a'))->value, 0);
	assert_false(c->journal.open);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(probe_nvm(probe_find(c, 'a'))->count, 7);
	assert_int_equal(probe_nvm(probe_find(c, 'a'))->value, 0);
}

static void
test_an_applet_without_select_and_deselect(void **state)
{
	static const struct jz_applet_class plain = {
	    .abi = JZ_ABI,
	    .layout = 1,
	    .name = "plain",
	    .aid = {6, {0xF0, 'P', 'L', 'A', 'I', 'N'}},
	    PROBE_MEMORIES,
	    .process = probe_on_process,
	};
	static const struct jz_applet_class *const classes[] = {&plain};
	struct rig_card *c = card_of(state);
	struct answer a;

	c->setup.classes = classes;
	c->setup.n_classes = 1;
	probe_format(c);
	probe_add(c, &plain, 'p');
	assert_int_equal(
	    port_hex(&c->port, "00A4040006 F050524F4270 00", &a), JZ_SW_OK);
	assert_int_equal(a.len, 10);
	assert_memory_equal(a.data, "\x6F\x08\x84\x06\xF0PROBp", 10);
	assert_int_equal(probe_choose(c, 0, 'p'), JZ_SW_OK);
	assert_int_equal(probe_who(c, 0), 'p');
}

/* ---- nothing selected, and names unknown -------------------------------- */

static void
test_with_nothing_selected_every_command_is_6986(void **state)
{
	struct rig_card *c = with_two(state);

	for (unsigned ins = 0; ins < 256; ins++) {
		if (ins == 0xA4 || ins == 0x70 || ins == 0xC0)
			continue;
		assert_int_equal(
		    probe_send(c, 0, (uint8_t)ins, 0, 0, NULL), JZ_SW_NO_EF);
	}
	assert_int_equal(port_hex(&c->port, "80A40400 00", NULL), JZ_SW_NO_EF);
	/* SELECT that is not by name is a command as any other. */
	assert_int_equal(
	    port_hex(&c->port, "00A4000002 3F00 00", NULL), JZ_SW_NO_EF);
	assert_int_equal(
	    port_hex(&c->port, "00A4040006 F050524F42FF 00", NULL), JZ_SW_FILE);
	assert_int_equal(port_hex(&c->port, "00A40400 00", NULL), JZ_SW_FILE);
	assert_int_equal(port_hex(&c->port, "00A40402 00", NULL), JZ_SW_FILE);
	probe_expect("");
}

static uint16_t
know_the_name(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	(void)self;
	(void)in;
	if (event != PROBE_PROCESS || apdu->command.ins != 0xA4)
		return 0;
	assert_false(apdu->selecting);
	jz_put(&apdu->out, "file", 4);
	return apdu->command.data.len == 6 ? JZ_SW_OK : JZ_SW_FILE;
}

/* JCRE 4.5.2: a name that is no applet's is the current applet's business. */
static void
test_an_unknown_name_goes_to_the_current_applet(void **state)
{
	struct rig_card *c = with_two(state);
	struct answer a;

	probe_choose(c, 0, 'a');
	probe_reset();
	probe.hook = know_the_name;
	assert_int_equal(
	    port_hex(&c->port, "00A4040006 F050524F42FF 00", &a), JZ_SW_OK);
	assert_memory_equal(a.data, "file", 4);
	probe_expect("Pa0 ");
	assert_int_equal(
	    port_hex(&c->port, "00A4040003 F05052FF 00", &a), JZ_SW_LENGTH);
	assert_int_equal(
	    port_hex(&c->port, "00A4040004 F05052FF 00", &a), JZ_SW_FILE);
	assert_int_equal(probe_who(c, 0), 'a');
	/* One that knows no SELECT has no such file either. */
	probe.hook = NULL;
	assert_int_equal(
	    port_hex(&c->port, "00A4040006 F050524F42FF 00", &a), JZ_SW_FILE);
	probe_refuse(PROBE_PROCESS, JZ_SW_CLA);
	assert_int_equal(
	    port_hex(&c->port, "00A4040006 F050524F42FF 00", &a), JZ_SW_FILE);
}

static uint16_t
write_and_leave(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	const struct probe_nvm *n = self->nvm;

	(void)apdu;
	(void)in;
	if (event != PROBE_PROCESS)
		return 0;
	assert_int_equal(jz_begin(self), 0);
	assert_int_equal(jz_write_u32(self, &n->value, 0xBAD), 0);
	return JZ_SW_OK;
}

static void
test_what_it_leaves_open_there_is_rolled_back(void **state)
{
	struct rig_card *c = with_two(state);

	probe_choose(c, 0, 'a');
	probe.hook = write_and_leave;
	assert_int_equal(
	    port_hex(&c->port, "00A4040006 F050524F42FF 00", NULL), JZ_SW_OK);
	assert_int_equal(probe_nvm(probe_find(c, 'a'))->value, 0);
}

/* ---- the default applet ------------------------------------------------- */

/* By an empty name, by a reset, and by power. */
static void
check_default(struct rig_card *c, char name)
{
	assert_int_equal(port_hex(&c->port, "00A40400 00", NULL),
	    name == NOTHING ? JZ_SW_FILE : JZ_SW_OK);
	assert_int_equal(probe_who(c, 0), name);
	jz_card_reset(&c->card);
	assert_int_equal(probe_who(c, 0), name);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(probe_who(c, 0), name);
}

static void
test_without_privileges_there_is_no_default(void **state)
{
	check_default(with_two(state), NOTHING);
}

static void
test_the_security_domain_is_the_default(void **state)
{
	struct rig_card *c = with_two(state);

	probe_add_privileged(c, &probe_multi, 's', JZ_PRIV_SECURITY_DOMAIN);
	check_default(c, 's');
	/* The first one. */
	probe_add_privileged(c, &probe_multi, 'A', JZ_PRIV_SECURITY_DOMAIN);
	check_default(c, 's');
}

static void
test_card_reset_goes_before_the_security_domain(void **state)
{
	struct rig_card *c = with_two(state);
	struct jz_applet *sd;
	const struct jz_aid d = probe_aid('d');

	sd =
	    probe_add_privileged(c, &probe_multi, 's', JZ_PRIV_SECURITY_DOMAIN);
	probe_add_privileged(c, &probe_multi, 'd', JZ_PRIV_CARD_RESET);
	check_default(c, 'd');
	/* Not when it is locked. */
	assert_int_equal(jz_admin_lock(sd, &d, true), JZ_SW_OK);
	check_default(c, 's');
	assert_int_equal(jz_admin_lock(sd, &d, false), JZ_SW_OK);
	check_default(c, 'd');
}

static void
test_a_domain_with_card_reset_is_the_default_of_its_kind(void **state)
{
	struct rig_card *c = with_two(state);

	probe_add_privileged(
	    c, &probe_multi, 's', JZ_PRIV_SECURITY_DOMAIN | JZ_PRIV_CARD_RESET);
	check_default(c, 's');
	probe_add_privileged(c, &probe_multi, 'd', JZ_PRIV_CARD_RESET);
	check_default(c, 'd');
}

static void
test_an_installed_default_waits_until_it_is_selectable(void **state)
{
	struct rig_card *c = with_two(state);
	struct jz_applet *sd =
	    probe_add_privileged(c, &probe_multi, 's', JZ_PRIV_SECURITY_DOMAIN);
	struct jz_install order = {.module = probe_multi.aid,
	    .instance = probe_aid('d'),
	    .privileges = {JZ_PRIV_CARD_RESET}};

	assert_int_equal(jz_admin_install(sd, &order), JZ_SW_OK);
	check_default(c, 's');
	assert_int_equal(
	    jz_admin_make_selectable(probe_find(c, 's'), &order.instance, NULL),
	    JZ_SW_OK);
	check_default(c, 'd');
}

static void
test_the_next_default_is_none(void **state)
{
	struct rig_card *c = with_two(state);

	probe_add_privileged(c, &probe_multi, 'd', JZ_PRIV_CARD_RESET);
	assert_int_equal(port_hex(&c->port, "00A40402 00", NULL), JZ_SW_FILE);
	/* Nor is an empty name the beginning of every name. */
	check_default(c, 'd');
}

static void
test_a_default_that_refuses_leaves_nothing_selected(void **state)
{
	struct rig_card *c = with_two(state);

	probe_add_privileged(c, &probe_multi, 'd', JZ_PRIV_CARD_RESET);
	probe.hook = mark_and_refuse;
	jz_card_reset(&c->card);
	assert_int_equal(probe_who(c, 0), NOTHING);
	assert_true(all_zero(c->ram, sizeof(c->ram)));
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(probe_who(c, 0), NOTHING);
	assert_int_equal(
	    port_hex(&c->port, "00A40400 00", NULL), JZ_SW_SELECT_FAILED);
	/* The card is well. */
	assert_int_equal(probe_choose(c, 0, 'b'), JZ_SW_SELECT_FAILED);
	probe.hook = NULL;
	assert_int_equal(probe_choose(c, 0, 'b'), JZ_SW_OK);
}

static void
test_a_reset_calls_select_of_the_default_alone(void **state)
{
	struct rig_card *c = with_two(state);

	probe_add_privileged(c, &probe_multi, 'd', JZ_PRIV_CARD_RESET);
	probe_choose(c, 0, 'a');
	probe_reset();
	jz_card_reset(&c->card);
	probe_expect("Sd0 ");
	assert_int_equal(rig_reopen(c), 0);
	probe_expect("Sd0 ");
}

/* A class that the program no longer has: the next default. */
static void
test_an_absent_default_is_passed_over(void **state)
{
	static const struct jz_applet_class *const single[] = {&probe_single};
	struct rig_card *c = with_two(state);

	probe_add_privileged(c, &probe_multi, 'd', JZ_PRIV_CARD_RESET);
	probe_add_privileged(c, &probe_single, 's', JZ_PRIV_SECURITY_DOMAIN);
	c->setup.classes = single;
	c->setup.n_classes = 1;
	assert_int_equal(rig_reopen(c), 0);
	check_default(c, 's');
}

/* ---- a deselect that changes the card ----------------------------------- */

static uint16_t
delete_candidate(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	const struct jz_aid a = probe_aid('a');

	(void)apdu;
	(void)in;
	if (event == PROBE_DESELECT && self->privileges[0] != 0)
		assert_int_equal(jz_admin_delete(self, &a, false), JZ_SW_OK);
	return 0;
}

static void
test_an_applet_deleted_by_the_one_before_it(void **state)
{
	struct rig_card *c = with_two(state);

	probe_add_privileged(c, &probe_multi, 's', JZ_PRIV_SECURITY_DOMAIN);
	probe_choose(c, 0, 's');
	probe_reset();
	probe.hook = delete_candidate;
	assert_int_equal(probe_choose(c, 0, 'a'), JZ_SW_CONDITIONS);
	probe_expect("Ds Ua ");
	assert_int_equal(probe_who(c, 0), NOTHING);
	assert_null(probe_find(c, 'a'));
	assert_int_equal(probe_choose(c, 0, 'b'), JZ_SW_OK);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_the_order_of_calls),
	    TEST(test_the_runtimes_commands_are_its_own),
	    TEST(test_a_refused_select_leaves_nothing_selected),
	    TEST(test_nor_anything_of_its_memory),
	    TEST(test_a_warning_selects),
	    TEST(test_what_deselect_wrote_is_kept_and_what_it_left_open_is_not),
	    TEST(test_an_applet_without_select_and_deselect),
	    TEST(test_with_nothing_selected_every_command_is_6986),
	    TEST(test_an_unknown_name_goes_to_the_current_applet),
	    TEST(test_what_it_leaves_open_there_is_rolled_back),
	    TEST(test_without_privileges_there_is_no_default),
	    TEST(test_the_security_domain_is_the_default),
	    TEST(test_card_reset_goes_before_the_security_domain),
	    TEST(test_a_domain_with_card_reset_is_the_default_of_its_kind),
	    TEST(test_an_installed_default_waits_until_it_is_selectable),
	    TEST(test_the_next_default_is_none),
	    TEST(test_a_default_that_refuses_leaves_nothing_selected),
	    TEST(test_a_reset_calls_select_of_the_default_alone),
	    TEST(test_an_absent_default_is_passed_over),
	    TEST(test_an_applet_deleted_by_the_one_before_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
