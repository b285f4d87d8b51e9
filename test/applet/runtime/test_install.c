/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Installation: what the class is given, what it may do, and that what fails
 * leaves nothing.  Java Card 3 JCRE 3.1, 11.2; GlobalPlatform 9.3.
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

#define SERVER	   's' /* is there before */
#define NAME	   'n'
#define SERVER_OLD 0x5511u

struct fixture {
	struct rig rig;
	struct rig_card *card;
	struct rig_snapshot *before;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct jz_applet *s;

	assert_non_null(f);
	probe_reset();
	rig_new(&f->rig);
	f->card = probe_card_new(&f->rig, 0);
	s = probe_add(f->card, &probe_multi, SERVER);
	rig_poke_u32(f->card, &probe_nvm(s)->value, SERVER_OLD);
	f->before = rig_save(f->card);
	probe_reset();
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	rig_snapshot_free(&f->before);
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

/* With one byte of parameters. */
static uint16_t
install(void **state, uint8_t param, bool selectable)
{
	struct jz_install order = {.module = probe_single.aid,
	    .instance = probe_aid(NAME),
	    .selectable = selectable,
	    .params = jz_span(&param, 1)};

	return jz_card_install_as(&card_of(state)->card, &order);
}

static uint32_t
server_value(void **state)
{
	return probe_nvm(probe_find(card_of(state), SERVER))->value;
}

/* The image is as before, now and after power off, and the card lives. */
static void
check_nothing_left(void **state)
{
	struct fixture *f = *state;
	struct rig_card *c = f->card;

	assert_null(probe_find(c, NAME));
	assert_true(rig_unchanged(c, f->before));
	assert_false(c->card.dead);
	assert_false(c->journal.open);
	assert_int_equal(rig_reopen(c), 0);
	assert_null(probe_find(c, NAME));
	assert_true(rig_unchanged(c, f->before));
	/* The next one finds clean memory. */
	probe.hook = NULL;
	assert_int_equal(install(state, 7, true), JZ_SW_OK);
	assert_int_equal(probe_nvm(probe_find(c, NAME))->value, 7);
	assert_int_equal(probe_nvm(probe_find(c, NAME))->count, 0);
	for (unsigned i = 0; i < PROBE_FILL_BYTES; i++)
		assert_int_equal(probe_nvm(probe_find(c, NAME))->fill[i], 0);
}

/* ---- what it is given --------------------------------------------------- */

static struct {
	size_t len;
	uint8_t params[300];
	uint8_t privileges[JZ_PRIVILEGE_BYTES];
	uint8_t state;
	char name;
	bool memory; /* COR zeroed and there, COD not there */
	bool in_transaction;
} given;

static uint16_t
look(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	const uint8_t *cor = self->cor;

	(void)apdu;
	if (event != PROBE_INSTALL)
		return 0;
	given.len = in.len;
	if (in.len > 0)
		memcpy(given.params, in.data, in.len);
	memcpy(given.privileges, self->privileges, JZ_PRIVILEGE_BYTES);
	given.state = self->state;
	given.name = (char)self->aid.bytes[self->aid.len - 1];
	given.memory =
	    self->cod == NULL && cor[0] == 0 && cor[PROBE_RAM_BYTES - 1] == 0;
	given.in_transaction = jz_in_transaction(self);
	return JZ_SW_OK;
}

static void
test_install_gets_parameters_and_privileges(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t params[300];
	struct jz_install order = {.module = probe_single.aid,
	    .instance = probe_aid(NAME),
	    .privileges = {JZ_PRIV_CARD_RESET, 0x12, 0x34},
	    .selectable = true,
	    .params = jz_span(params, sizeof(params))};

	for (size_t i = 0; i < sizeof(params); i++)
		params[i] = probe_pattern(i);
	memset(&given, 0, sizeof(given));
	probe.hook = look;
	assert_int_equal(jz_card_install_as(&c->card, &order), JZ_SW_OK);
	probe_expect("In ");
	assert_int_equal(given.len, sizeof(params));
	assert_memory_equal(given.params, params, sizeof(params));
	assert_memory_equal(given.privileges, order.privileges, 3);
	assert_int_equal(given.name, NAME);
	assert_true(given.memory);
	assert_true(given.in_transaction);
	assert_memory_equal(
	    probe_find(c, NAME)->privileges, order.privileges, 3);
	assert_int_equal(rig_reopen(c), 0);
	assert_memory_equal(
	    probe_find(c, NAME)->privileges, order.privileges, 3);
}

static void
test_install_without_parameters_gets_none(void **state)
{
	struct rig_card *c = card_of(state);
	const struct jz_aid name = probe_aid(NAME);

	given.len = 99;
	probe.hook = look;
	assert_int_equal(jz_card_install(&c->card, &probe_single.aid, &name,
			     jz_span(NULL, 0)),
	    JZ_SW_OK);
	assert_int_equal(given.len, 0);
	assert_int_equal(given.state, JZ_APP_SELECTABLE);
}

/* GlobalPlatform 5.3.1: INSTALLED is not yet SELECTABLE. */
static void
test_an_installed_applet_is_not_selected(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(install(state, 7, false), JZ_SW_OK);
	assert_int_equal(probe_find(c, NAME)->state, JZ_APP_INSTALLED);
	assert_int_equal(probe_choose(c, 0, NAME), JZ_SW_FILE);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(probe_choose(c, 0, NAME), JZ_SW_FILE);
	/* By the beginning of its name the other one is found alone. */
	assert_int_equal(
	    port_hex(&c->port, "00A4040004 F050524F 00", NULL), JZ_SW_OK);
	assert_int_equal(probe_who(c, 0), SERVER);
	assert_int_equal(
	    port_hex(&c->port, "00A4040204 F050524F 00", NULL), JZ_SW_FILE);
}

static void
test_a_class_without_install_is_installed(void **state)
{
	static const struct jz_applet_class bare = {
	    .abi = JZ_ABI,
	    .layout = 1,
	    .name = "bare",
	    .aid = {6, {0xF0, 'B', 'A', 'R', 'E', 1}},
	    .nvm_bytes = sizeof(struct jz_nvm_head),
	    .process = probe_on_process,
	};
	static const struct jz_applet_class *const classes[] = {&bare};
	struct rig_card *c = card_of(state);

	c->setup.classes = classes;
	c->setup.n_classes = 1;
	probe_format(c);
	assert_int_equal(
	    jz_card_install(&c->card, &bare.aid, &bare.aid, jz_span(NULL, 0)),
	    JZ_SW_OK);
	assert_true(c->card.applet[0].present);
}

/* ---- what fails leaves nothing ------------------------------------------ */

static uint16_t
write_and_refuse(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	const struct probe_nvm *n = self->nvm;
	const struct jz_aid server = probe_aid(SERVER);
	const struct jz_aid other = probe_aid('o');
	uint8_t bytes[8];
	struct jz_buffer out = jz_buffer(bytes, sizeof(bytes));

	(void)apdu;
	(void)in;
	if (event != PROBE_INSTALL)
		return 0;
	jz_fill(self, n->fill, 0xEE, PROBE_FILL_BYTES);
	jz_write_u32(self, &n->value, 0xEEEEEEEE);
	assert_int_equal(jz_register(self, &other), 0);
	assert_int_equal(
	    jz_call(self, &server, 0x1234, jz_span("x", 1), &out), JZ_SW_OK);
	assert_int_equal(bytes[0], 'o'); /* the client, as it is now called */
	return 0x6A80;
}

static void
test_a_refusal_undoes_own_writes_and_those_of_others(void **state)
{
	probe.hook = write_and_refuse;
	assert_int_equal(install(state, 7, true), 0x6A80);
	assert_int_equal(server_value(state), SERVER_OLD);
	check_nothing_left(state);
}

/* proves: ALL-3 (a refused installation) */
static void
test_a_refusal_stores_not_one_byte(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_fault_count was = jz_fault_counters(c->fault);

	probe.hook = write_and_refuse;
	assert_int_equal(install(state, 7, true), 0x6A80);
	assert_int_equal(jz_fault_counters(c->fault).bytes, was.bytes);
}

static uint16_t
call_and_accept(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	const struct jz_aid server = probe_aid(SERVER);
	uint8_t bytes[8];
	struct jz_buffer out = jz_buffer(bytes, sizeof(bytes));

	(void)apdu;
	(void)in;
	if (event != PROBE_INSTALL)
		return 0;
	return jz_call(self, &server, 0x1234, jz_span("x", 1), &out);
}

static void
test_what_it_did_to_others_comes_with_it(void **state)
{
	struct fixture *f = *state;
	struct rig_card *c = f->card;
	bool done = false;

	for (uint64_t at = 0; !done; at++) {
		struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;

		rig_restore(c, f->before);
		plan.cut_after = at;
		jz_fault_plan(c->fault, &plan);
		probe.hook = call_and_accept;
		done = install(state, 7, true) == JZ_SW_OK;
		assert_int_equal(rig_reopen(c), 0);
		assert_int_equal(server_value(state),
		    probe_find(c, NAME) != NULL ? 0x1234 : SERVER_OLD);
		assert_true(!done || probe_find(c, NAME) != NULL);
	}
}

/* The transaction is the runtime's: it cannot be ended before the end. */
static unsigned refused_calls;

static uint16_t
end_transaction(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	const struct probe_nvm *n = self->nvm;

	(void)apdu;
	if (event != PROBE_INSTALL)
		return 0;
	jz_write_u32(self, &n->value, 1);
	refused_calls += jz_begin(self) == JZ_ERR_STATE;
	refused_calls += jz_commit(self) == JZ_ERR_STATE;
	refused_calls += jz_abort(self) == JZ_ERR_STATE;
	assert_true(jz_in_transaction(self));
	jz_write_u32(self, &n->value, 2);
	return in.data[0] == 0xFF ? JZ_SW_DATA : JZ_SW_OK;
}

static void
test_install_cannot_end_its_transaction(void **state)
{
	struct rig_card *c = card_of(state);

	refused_calls = 0;
	probe.hook = end_transaction;
	assert_int_equal(install(state, 0xFF, true), JZ_SW_DATA);
	assert_int_equal(refused_calls, 3);
	check_nothing_left(state);
	rig_restore(c, ((struct fixture *)*state)->before);
	probe.hook = end_transaction;
	assert_int_equal(install(state, 1, true), JZ_SW_OK);
	assert_int_equal(probe_nvm(probe_find(c, NAME))->value, 2);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(probe_nvm(probe_find(c, NAME))->value, 2);
}

/* Nor can a service that install asks. */
static uint16_t
end_in_service(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	if (event == PROBE_SERVICE) {
		refused_calls += jz_commit(self) == JZ_ERR_STATE;
		refused_calls += jz_abort(self) == JZ_ERR_STATE;
		return 0;
	}
	return event == PROBE_INSTALL ? write_and_refuse(self, event, apdu, in)
				      : 0;
}

static void
test_nor_can_a_service_that_it_asks(void **state)
{
	refused_calls = 0;
	probe.hook = end_in_service;
	assert_int_equal(install(state, 7, true), 0x6A80);
	assert_int_equal(refused_calls, 2);
	check_nothing_left(state);
}

/* What is durable at once elsewhere is part of the installation here: its
 * memory is not committed yet. */
static uint16_t
write_at_once(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	const struct probe_nvm *n = self->nvm;
	uint8_t bytes[300];

	(void)apdu;
	if (event != PROBE_INSTALL)
		return 0;
	memset(bytes, 0xAB, sizeof(bytes));
	assert_int_equal(jz_write_now(self, n->fill, bytes, 16), 0);
	assert_int_equal(jz_write_nonatomic(self, n->fill + 16, bytes, 48), 0);
	assert_memory_equal(n->fill, bytes, 64);
	return in.data[0] == 0xFF ? JZ_SW_DATA : JZ_SW_OK;
}

static void
test_durable_writes_are_part_of_the_installation(void **state)
{
	struct rig_card *c = card_of(state);

	probe.hook = write_at_once;
	assert_int_equal(install(state, 0xFF, true), JZ_SW_DATA);
	check_nothing_left(state);
	rig_restore(c, ((struct fixture *)*state)->before);
	probe.hook = write_at_once;
	assert_int_equal(install(state, 1, true), JZ_SW_OK);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(probe_nvm(probe_find(c, NAME))->fill[0], 0xAB);
	assert_int_equal(probe_nvm(probe_find(c, NAME))->fill[63], 0xAB);
}

/* A try of another applet's PIN stays counted, whatever comes of it. */
static uint16_t
count_in_service(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	const struct probe_nvm *n = self->nvm;
	uint8_t less = 2;

	if (event == PROBE_SERVICE) {
		assert_int_equal(jz_write_now(self, n->fill, &less, 1), 0);
		return JZ_SW_OK;
	}
	if (event != PROBE_INSTALL)
		return 0;
	assert_int_equal(call_and_accept(self, event, apdu, in), JZ_SW_OK);
	return JZ_SW_DATA;
}

static void
test_a_try_counted_by_a_service_stays_counted(void **state)
{
	struct rig_card *c = card_of(state);

	probe.hook = count_in_service;
	assert_int_equal(install(state, 7, true), JZ_SW_DATA);
	assert_null(probe_find(c, NAME));
	assert_int_equal(probe_nvm(probe_find(c, SERVER))->fill[0], 2);
	assert_int_equal(rig_reopen(c), 0);
	assert_null(probe_find(c, NAME));
	assert_int_equal(probe_nvm(probe_find(c, SERVER))->fill[0], 2);
}

static uint16_t
write_too_much(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	const struct probe_nvm *n = self->nvm;

	(void)apdu;
	(void)in;
	if (event != PROBE_INSTALL)
		return 0;
	for (unsigned i = 0; i < JZ_JOURNAL_PATCHES + 1; i++)
		(void)jz_write_u32(self, &n->value, i);
	return JZ_SW_OK;
}

static void
test_more_writes_than_a_commit_holds_is_6a84(void **state)
{
	probe.hook = write_too_much;
	assert_int_equal(install(state, 7, true), JZ_SW_SPACE);
	check_nothing_left(state);
}

static uint16_t
write_outside(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	(void)apdu;
	(void)in;
	if (event != PROBE_INSTALL)
		return 0;
	(void)jz_write_u8(self, (const uint8_t *)self->nvm - 1, 1);
	return JZ_SW_OK;
}

static void
test_a_write_outside_its_memory_refuses_it(void **state)
{
	probe.hook = write_outside;
	assert_int_equal(install(state, 7, true), JZ_SW_UNKNOWN);
	check_nothing_left(state);
}

static void
test_a_storage_that_fails_installs_nothing(void **state)
{
	struct fixture *f = *state;
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;

	plan.disk_bytes = 0;
	jz_fault_plan(f->card->fault, &plan);
	assert_int_equal(install(state, 7, true), JZ_SW_MEMORY_FAILURE);
	assert_true(f->card->card.dead);
	assert_int_equal(rig_reopen(f->card), 0);
	assert_true(rig_unchanged(f->card, f->before));
	/* A card that is dead installs nothing either. */
	jz_fault_power_cut(f->card->fault);
	assert_int_equal(install(state, 7, true), JZ_SW_MEMORY_FAILURE);
	assert_int_equal(install(state, 7, true), JZ_SW_MEMORY_FAILURE);
}

/* ---- orders ------------------------------------------------------------- */

static uint16_t
with_quotas(void **state, uint32_t nvm, uint32_t ram)
{
	struct jz_install order = {.module = probe_single.aid,
	    .instance = probe_aid(NAME),
	    .selectable = true,
	    .nvm_quota = nvm,
	    .ram_quota = ram};

	return jz_card_install_as(&card_of(state)->card, &order);
}

static void
test_quotas_are_kept(void **state)
{
	struct rig_card *c = card_of(state);
	struct fixture *f = *state;

	assert_int_equal(
	    with_quotas(state, sizeof(struct probe_nvm) - 1, 0), JZ_SW_SPACE);
	assert_int_equal(
	    with_quotas(state, 0, 2 * PROBE_RAM_BYTES - 1), JZ_SW_SPACE);
	assert_int_equal(with_quotas(state, UINT32_MAX, 0), JZ_SW_SPACE);
	assert_int_equal(
	    with_quotas(state, jz_card_nvm_free(&c->card) + 1, 0), JZ_SW_SPACE);
	assert_true(rig_unchanged(c, f->before));
	assert_int_equal(
	    with_quotas(state, 1000, 2 * PROBE_RAM_BYTES), JZ_SW_OK);
	assert_int_equal(probe_find(c, NAME)->nvm_bytes, 1000);
	assert_int_equal(probe_nvm(probe_find(c, NAME))->head.size, 1000);
	assert_int_equal(probe_nvm(probe_find(c, NAME))->head.taken,
	    sizeof(struct probe_nvm));
}

/* Installed where another was deleted. */
static void
test_a_place_is_used_again(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_applet *sd =
	    probe_add_privileged(c, &probe_multi, 'd', JZ_PRIV_SECURITY_DOMAIN);
	const struct jz_aid name = probe_aid(NAME);

	for (unsigned i = 0; i < 3 * JZ_MAX_APPLETS; i++) {
		assert_int_equal(install(state, (uint8_t)i, true), JZ_SW_OK);
		assert_int_equal(probe_nvm(probe_find(c, NAME))->value, i);
		assert_int_equal(probe_nvm(probe_find(c, NAME))->fill[0], 0);
		rig_poke_u32(c, &probe_nvm(probe_find(c, SERVER))->value, i);
		assert_int_equal(probe_choose(c, 0, NAME), JZ_SW_OK);
		probe_send(c, 0, PROBE_WRITE, 0xEE, 0, NULL);
		assert_int_equal(probe_choose(c, 0, 'd'), JZ_SW_OK);
		assert_int_equal(jz_admin_delete(sd, &name, false), JZ_SW_OK);
		assert_null(probe_find(c, NAME));
		assert_int_equal(server_value(state), i);
	}
	assert_int_equal(rig_reopen(c), 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_install_gets_parameters_and_privileges),
	    TEST(test_install_without_parameters_gets_none),
	    TEST(test_an_installed_applet_is_not_selected),
	    TEST(test_a_class_without_install_is_installed),
	    TEST(test_a_refusal_undoes_own_writes_and_those_of_others),
	    TEST(test_a_refusal_stores_not_one_byte),
	    TEST(test_what_it_did_to_others_comes_with_it),
	    TEST(test_install_cannot_end_its_transaction),
	    TEST(test_nor_can_a_service_that_it_asks),
	    TEST(test_durable_writes_are_part_of_the_installation),
	    TEST(test_a_try_counted_by_a_service_stays_counted),
	    TEST(test_more_writes_than_a_commit_holds_is_6a84),
	    TEST(test_a_write_outside_its_memory_refuses_it),
	    TEST(test_a_storage_that_fails_installs_nothing),
	    TEST(test_quotas_are_kept),
	    TEST(test_a_place_is_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
