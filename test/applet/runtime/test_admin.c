/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a security domain may do: the card's life cycle, its applications',
 * listing, personalisation.  GlobalPlatform 5.1, 5.3, 9.3, 9.6.
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

struct fixture {
	struct rig rig;
	struct rig_card *card;
	struct jz_applet *sd;
	struct rig_snapshot *before;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	probe_reset();
	rig_new(&f->rig);
	f->card = probe_card_new(&f->rig, 0);
	f->sd = probe_add_privileged(
	    f->card, &probe_multi, 's', JZ_PRIV_SECURITY_DOMAIN);
	probe_add(f->card, &probe_single, 'a');
	probe_add_privileged(f->card, &probe_multi, 'b', JZ_PRIV_CARD_LOCK);
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

static struct jz_applet *
domain(void **state)
{
	const struct fixture *f = *state;

	return f->sd;
}

static uint8_t
stored_state(void **state, char name)
{
	struct rig_card *c = card_of(state);
	const struct jz_nvm_root *root =
	    (const struct jz_nvm_root *)(const void *)c->nvm;

	return root->entry[probe_find(c, name)->index].state;
}

/* ---- the card's life cycle ---------------------------------------------- */

static const uint8_t STATES[] = {JZ_CARD_OP_READY, JZ_CARD_INITIALIZED,
    JZ_CARD_SECURED, JZ_CARD_LOCKED, JZ_CARD_TERMINATED};
#define N_STATES 5

/* From the row to the column. */
static const bool ALLOWED[N_STATES][N_STATES] = {
    {false, true, false, false, true},
    {false, false, true, false, true},
    {false, false, false, true, true},
    {false, false, true, false, true},
    {false, false, false, false, false},
};

/* Brings a card to this state from OP_READY. */
static void
bring_to(void **state, uint8_t to)
{
	struct fixture *f = *state;
	static const uint8_t way[] = {
	    JZ_CARD_INITIALIZED, JZ_CARD_SECURED, JZ_CARD_LOCKED};

	rig_restore(f->card, f->before);
	assert_int_equal(jz_admin_card_state(f->sd), JZ_CARD_OP_READY);
	for (size_t i = 0; i < sizeof(way); i++) {
		if (jz_admin_card_state(f->sd) == to)
			return;
		if (to == JZ_CARD_TERMINATED)
			break;
		assert_int_equal(
		    jz_admin_set_card_state(f->sd, way[i]), JZ_SW_OK);
	}
	if (to == JZ_CARD_TERMINATED)
		assert_int_equal(jz_admin_set_card_state(f->sd, to), JZ_SW_OK);
	assert_int_equal(jz_admin_card_state(f->sd), to);
}

static void
test_every_transition_of_the_card(void **state)
{
	struct fixture *f = *state;

	for (unsigned from = 0; from < N_STATES; from++)
		for (unsigned to = 0; to < N_STATES; to++) {
			uint8_t end =
			    ALLOWED[from][to] ? STATES[to] : STATES[from];

			bring_to(state, STATES[from]);
			assert_int_equal(
			    jz_admin_set_card_state(f->sd, STATES[to]),
			    ALLOWED[from][to] ? JZ_SW_OK : JZ_SW_CONDITIONS);
			assert_int_equal(jz_admin_card_state(f->sd), end);
			assert_int_equal(rig_reopen(f->card), 0);
			assert_int_equal(jz_admin_card_state(f->sd), end);
		}
}

static void
test_no_other_state_is_taken(void **state)
{
	struct fixture *f = *state;

	for (unsigned from = 0; from < N_STATES; from++) {
		bring_to(state, STATES[from]);
		for (unsigned to = 0; to < 256; to++)
			if (memchr(STATES, (int)to, N_STATES) == NULL)
				assert_int_equal(
				    jz_admin_set_card_state(f->sd, (uint8_t)to),
				    JZ_SW_CONDITIONS);
		assert_int_equal(jz_admin_card_state(f->sd), STATES[from]);
	}
}

/* Only the domain can be selected, and no channel be opened; what is selected
 * stays so. */
static void
check_shut(void **state)
{
	struct rig_card *c = card_of(state);

	/* What was selected before is stopped as well. */
	assert_int_equal(
	    probe_send(c, 1, PROBE_WHO, 0, 0, NULL), JZ_SW_CONDITIONS);
	assert_int_equal(probe_choose(c, 0, 'a'), JZ_SW_FILE);
	assert_int_equal(probe_choose(c, 2, 'b'), JZ_SW_FILE);
	assert_int_equal(
	    port_hex(&c->port, "01700000 01", NULL), JZ_SW_FUNCTION);
	assert_int_equal(probe_choose(c, 2, 's'), JZ_SW_FUNCTION);
	assert_int_equal(probe_choose(c, 0, 's'), JZ_SW_OK);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(probe_who(c, 0), 's');
	assert_int_equal(probe_choose(c, 0, 'a'), JZ_SW_FILE);
	/* By the beginning of its name too, and as the default. */
	assert_int_equal(
	    port_hex(&c->port, "00A4040004 F050524F 00", NULL), JZ_SW_OK);
	assert_int_equal(probe_who(c, 0), 's');
	assert_int_equal(port_hex(&c->port, "00A40400 00", NULL), JZ_SW_OK);
	assert_int_equal(probe_who(c, 0), 's');
}

static void
test_a_locked_card_has_its_domain_alone(void **state)
{
	struct fixture *f = *state;

	bring_to(state, JZ_CARD_SECURED);
	assert_int_equal(probe_choose(f->card, 1, 'b'), JZ_SW_OK);
	assert_int_equal(
	    jz_admin_set_card_state(f->sd, JZ_CARD_LOCKED), JZ_SW_OK);
	check_shut(state);
	assert_int_equal(
	    jz_admin_set_card_state(f->sd, JZ_CARD_SECURED), JZ_SW_OK);
	assert_int_equal(probe_choose(f->card, 0, 'a'), JZ_SW_OK);
}

static void
test_so_has_a_terminated_one(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(probe_choose(f->card, 1, 'b'), JZ_SW_OK);
	assert_int_equal(
	    jz_admin_set_card_state(f->sd, JZ_CARD_TERMINATED), JZ_SW_OK);
	check_shut(state);
}

/* ---- locking applications ----------------------------------------------- */

static uint16_t
lock(void **state, char name, bool on)
{
	const struct jz_aid aid = probe_aid(name);

	return jz_admin_lock(domain(state), &aid, on);
}

static void
test_a_locked_application_is_not_selected(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(lock(state, 'a', true), JZ_SW_OK);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(stored_state(state, 'a'), 0x87);
		assert_int_equal(probe_find(c, 'a')->state, 0x87);
		assert_int_equal(probe_choose(c, 0, 'a'), JZ_SW_FILE);
		assert_int_equal(rig_reopen(c), 0);
	}
	assert_int_equal(lock(state, 'a', true), JZ_SW_CONDITIONS);
	assert_int_equal(lock(state, 'a', false), JZ_SW_OK);
	assert_int_equal(stored_state(state, 'a'), JZ_APP_SELECTABLE);
	assert_int_equal(lock(state, 'a', false), JZ_SW_CONDITIONS);
	assert_int_equal(probe_choose(c, 0, 'a'), JZ_SW_OK);
}

/* It ends when the terminal ends it: GlobalPlatform forbids selection. */
static void
test_a_lock_stops_what_is_selected(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(probe_choose(c, 1, 'a'), JZ_SW_OK);
	assert_int_equal(probe_who(c, 1), 'a');
	assert_int_equal(lock(state, 'a', true), JZ_SW_OK);
	assert_int_equal(
	    probe_send(c, 1, PROBE_WHO, 0, 0, NULL), JZ_SW_CONDITIONS);
	assert_int_equal(probe_choose(c, 1, 'a'), JZ_SW_FILE);
	assert_int_equal(probe_choose(c, 1, 'b'), JZ_SW_OK);
	assert_int_equal(probe_choose(c, 1, 'a'), JZ_SW_FILE);
	assert_int_equal(probe_who(c, 1), 'b');
}

static void
test_a_locked_card_stops_what_is_selected(void **state)
{
	static const uint8_t states[] = {JZ_CARD_LOCKED, JZ_CARD_TERMINATED};
	struct rig_card *c = card_of(state);

	assert_int_equal(probe_choose(c, 1, 'a'), JZ_SW_OK);
	assert_int_equal(
	    jz_admin_set_card_state(domain(state), JZ_CARD_INITIALIZED),
	    JZ_SW_OK);
	assert_int_equal(
	    jz_admin_set_card_state(domain(state), JZ_CARD_SECURED), JZ_SW_OK);
	for (unsigned i = 0; i < sizeof(states); i++) {
		assert_int_equal(probe_who(c, 1), 'a');
		assert_int_equal(
		    jz_admin_set_card_state(domain(state), states[i]),
		    JZ_SW_OK);
		assert_int_equal(
		    probe_send(c, 1, PROBE_WHO, 0, 0, NULL), JZ_SW_CONDITIONS);
		if (states[i] == JZ_CARD_LOCKED)
			assert_int_equal(jz_admin_set_card_state(
					     domain(state), JZ_CARD_SECURED),
			    JZ_SW_OK);
	}
}

static void
test_a_lock_keeps_the_state_below_it(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_install order = {
	    .module = probe_multi.aid, .instance = probe_aid('n')};

	assert_int_equal(jz_set_state(probe_find(c, 'a'), 0x1F), 0);
	assert_int_equal(lock(state, 'a', true), JZ_SW_OK);
	assert_int_equal(stored_state(state, 'a'), 0x9F);
	/* The applet itself goes on below the lock. */
	assert_int_equal(jz_set_state(probe_find(c, 'a'), 0x2F), 0);
	assert_int_equal(stored_state(state, 'a'), 0xAF);
	assert_int_equal(lock(state, 'a', false), JZ_SW_OK);
	assert_int_equal(stored_state(state, 'a'), 0x2F);
	/* One that was never selectable does not become so. */
	assert_int_equal(jz_admin_install(domain(state), &order), JZ_SW_OK);
	assert_int_equal(lock(state, 'n', true), JZ_SW_OK);
	assert_int_equal(stored_state(state, 'n'), 0x83);
	assert_int_equal(lock(state, 'n', false), JZ_SW_OK);
	assert_int_equal(stored_state(state, 'n'), JZ_APP_INSTALLED);
	assert_int_equal(probe_choose(c, 0, 'n'), JZ_SW_FILE);
}

static void
test_neither_itself_nor_the_unknown_is_locked(void **state)
{
	assert_int_equal(lock(state, 's', true), JZ_SW_CONDITIONS);
	assert_int_equal(lock(state, 's', false), JZ_SW_CONDITIONS);
	assert_int_equal(lock(state, 'z', true), JZ_SW_REFERENCE);
	assert_int_equal(lock(state, 'z', false), JZ_SW_REFERENCE);
}

/* ---- making selectable -------------------------------------------------- */

static void
test_make_selectable_gives_state_and_privileges(void **state)
{
	static const uint8_t privileges[] = {JZ_PRIV_CARD_RESET, 0x12, 0x34};
	struct rig_card *c = card_of(state);
	struct jz_install order = {.module = probe_multi.aid,
	    .instance = probe_aid('n'),
	    .privileges = {0, 0x56, 0}};
	const struct jz_aid z = probe_aid('z');

	assert_int_equal(jz_admin_install(domain(state), &order), JZ_SW_OK);
	assert_int_equal(jz_admin_make_selectable(
			     domain(state), &order.instance, privileges),
	    JZ_SW_OK);
	for (unsigned i = 0; i < 2; i++) {
		const struct jz_applet *n = probe_find(c, 'n');

		assert_int_equal(n->state, JZ_APP_SELECTABLE);
		assert_memory_equal(n->privileges, privileges, 3);
		assert_int_equal(probe_choose(c, 0, 'n'), JZ_SW_OK);
		assert_int_equal(rig_reopen(c), 0);
		assert_int_equal(probe_who(c, 0), 'n'); /* the default */
	}
	/* Once. */
	assert_int_equal(
	    jz_admin_make_selectable(domain(state), &order.instance, NULL),
	    JZ_SW_CONDITIONS);
	assert_int_equal(
	    jz_admin_make_selectable(domain(state), &z, NULL), JZ_SW_REFERENCE);
}

static void
test_make_selectable_keeps_privileges_when_none_are_given(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_install order = {.module = probe_multi.aid,
	    .instance = probe_aid('n'),
	    .privileges = {0, 0x56, 0x78}};

	assert_int_equal(jz_admin_install(domain(state), &order), JZ_SW_OK);
	assert_int_equal(lock(state, 'n', true), JZ_SW_OK);
	assert_int_equal(
	    jz_admin_make_selectable(domain(state), &order.instance, NULL),
	    JZ_SW_CONDITIONS);
	assert_int_equal(lock(state, 'n', false), JZ_SW_OK);
	assert_int_equal(
	    jz_admin_make_selectable(domain(state), &order.instance, NULL),
	    JZ_SW_OK);
	assert_memory_equal(
	    probe_find(c, 'n')->privileges, order.privileges, 3);
}

/* ---- an application's own states ---------------------------------------- */

static void
test_an_application_sets_its_own_state(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_applet *a = probe_find(c, 'a');

	for (unsigned to = 0; to < 256; to++) {
		bool allowed = (to & 0x87) == JZ_APP_SELECTABLE;
		uint8_t was = a->state;

		assert_int_equal(
		    jz_set_state(a, (uint8_t)to), allowed ? 0 : JZ_ERR_RANGE);
		assert_int_equal(a->state, allowed ? to : was);
		assert_int_equal(stored_state(state, 'a'), a->state);
	}
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(probe_find(c, 'a')->state, 0x7F);
	assert_int_equal(probe_choose(c, 0, 'a'), JZ_SW_OK);
}

static void
test_its_state_is_part_of_its_transaction(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_applet *a = probe_find(c, 'a');

	assert_int_equal(jz_begin(a), 0);
	assert_int_equal(jz_set_state(a, 0x0F), 0);
	assert_int_equal(a->state, 0x0F);
	assert_int_equal(jz_abort(a), 0);
	assert_int_equal(a->state, JZ_APP_SELECTABLE);
	assert_int_equal(stored_state(state, 'a'), JZ_APP_SELECTABLE);
	assert_int_equal(jz_begin(a), 0);
	assert_int_equal(jz_set_state(a, 0x0F), 0);
	assert_int_equal(jz_commit(a), 0);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(probe_find(c, 'a')->state, 0x0F);
}

static void
test_a_state_that_cannot_be_stored_is_not_taken(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_applet *a = probe_find(c, 'a');

	jz_fault_power_cut(c->fault);
	assert_int_equal(jz_set_state(a, 0x0F), JZ_ERR_CARD_STORAGE);
	assert_int_equal(a->state, JZ_APP_SELECTABLE);
	assert_int_equal(jz_set_state(a, 0x0F), JZ_ERR_CARD_DEAD);
	assert_int_equal(
	    jz_admin_set_card_state(domain(state), JZ_CARD_INITIALIZED),
	    JZ_SW_MEMORY_FAILURE);
	assert_int_equal(lock(state, 'a', true), JZ_SW_MEMORY_FAILURE);
}

/* ---- listing ------------------------------------------------------------ */

static void
test_applications_are_listed(void **state)
{
	static const struct jz_applet_class *const multi[] = {&probe_multi};
	struct rig_card *c = card_of(state);
	const struct jz_aid names[] = {
	    probe_aid('s'), probe_aid('a'), probe_aid('b')};
	struct jz_app_info info;

	assert_int_equal(lock(state, 'a', true), JZ_SW_OK);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(jz_admin_app(domain(state), i, &info), 0);
		assert_memory_equal(
		    &info.instance, &names[i], sizeof(info.instance));
		assert_memory_equal(&info.module,
		    i == 1 ? &probe_single.aid : &probe_multi.aid,
		    sizeof(info.module));
		assert_int_equal(info.state, i == 1 ? 0x87 : 0x07);
		assert_int_equal(info.privileges[0],
		    i == 0	 ? JZ_PRIV_SECURITY_DOMAIN
			: i == 2 ? JZ_PRIV_CARD_LOCK
				 : 0);
		assert_true(info.present);
	}
	for (unsigned i = 3; i < JZ_MAX_APPLETS; i++)
		assert_int_equal(
		    jz_admin_app(domain(state), i, &info), JZ_ERR_NOT_FOUND);
	assert_int_equal(
	    jz_admin_app(domain(state), JZ_MAX_APPLETS, &info), JZ_ERR_RANGE);
	assert_int_equal(info.instance.len, 0);
	/* One whose class is gone is listed, and can be locked. */
	c->setup.classes = multi;
	c->setup.n_classes = 1;
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(jz_admin_app(domain(state), 1, &info), 0);
	assert_false(info.present);
	assert_int_equal(lock(state, 'a', false), JZ_SW_OK);
	assert_int_equal(jz_admin_app(domain(state), 1, &info), 0);
	assert_int_equal(info.state, 0x07);
}

static void
test_modules_are_listed(void **state)
{
	struct jz_aid aid;

	assert_int_equal(jz_admin_module(domain(state), 0, &aid), 0);
	assert_memory_equal(&aid, &probe_single.aid, sizeof(aid));
	assert_int_equal(jz_admin_module(domain(state), 1, &aid), 0);
	assert_memory_equal(&aid, &probe_multi.aid, sizeof(aid));
	for (unsigned i = 2; i < 2 + JZ_MAX_FILES; i++)
		assert_int_equal(
		    jz_admin_module(domain(state), i, &aid), JZ_ERR_NOT_FOUND);
	assert_int_equal(jz_admin_module(domain(state), 2 + JZ_MAX_FILES, &aid),
	    JZ_ERR_RANGE);
	assert_int_equal(aid.len, 0);
}

/* ---- personalisation ---------------------------------------------------- */

static uint16_t
store(struct jz_applet *sd, char name, struct answer *out)
{
	const struct jz_aid aid = probe_aid(name);
	struct jz_apdu apdu = {
	    .command = {.ins = 0xE2, .data = jz_span("data", 4)},
	    .out = jz_buffer(out->data, sizeof(out->data))};

	out->sw = jz_admin_store_data(sd, &aid, &apdu);
	out->len = apdu.out.len;
	return out->sw;
}

static uint16_t
take_data(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	const struct probe_nvm *n = self->nvm;

	if (event != PROBE_STORE)
		return 0;
	assert_null(self->cod);
	assert_int_equal(in.len, 4);
	assert_memory_equal(in.data, "data", 4);
	jz_put(&apdu->out, "taken", 5);
	assert_int_equal(jz_write_u32(self, &n->count, 9), 0);
	assert_int_equal(jz_begin(self), 0);
	assert_int_equal(jz_write_u32(self, &n->value, 0xBAD), 0);
	return 0x6310;
}

static void
test_data_are_handed_on(void **state)
{
	struct rig_card *c = card_of(state);
	struct answer a;

	probe.hook = take_data;
	assert_int_equal(store(domain(state), 'a', &a), 0x6310);
	assert_int_equal(a.len, 5);
	assert_memory_equal(a.data, "taken", 5);
	/* What it wrote is there, what it left open is not. */
	assert_false(c->journal.open);
	assert_int_equal(probe_nvm(probe_find(c, 'a'))->count, 9);
	assert_int_equal(probe_nvm(probe_find(c, 'a'))->value, 0);
}

static void
test_data_for_nobody_are_refused(void **state)
{
	static const struct jz_applet_class deaf = {
	    .abi = JZ_ABI,
	    .layout = 1,
	    .name = "deaf",
	    .aid = {6, {0xF0, 'D', 'E', 'A', 'F', 1}},
	    PROBE_MEMORIES,
	    .process = probe_on_process,
	};
	static const struct jz_applet_class *const classes[] = {
	    &probe_multi, &deaf};
	struct rig_card *c = card_of(state);
	struct answer a;

	assert_int_equal(store(domain(state), 'z', &a), JZ_SW_REFERENCE);
	assert_int_equal(lock(state, 'b', true), JZ_SW_OK);
	assert_int_equal(store(domain(state), 'b', &a), JZ_SW_CONDITIONS);
	probe_expect("");
	c->setup.classes = classes;
	c->setup.n_classes = 2;
	assert_int_equal(rig_reopen(c), 0);
	/* Its class is absent. */
	assert_int_equal(store(domain(state), 'a', &a), JZ_SW_CONDITIONS);
	probe_add(c, &deaf, 'd');
	assert_int_equal(store(domain(state), 'd', &a), JZ_SW_CONDITIONS);
	probe_expect("Ss0 "); /* by the reset */
}

static uint16_t deep_sw;

static uint16_t
store_to_itself(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	const struct jz_aid own = self->aid;

	(void)in;
	if (event != PROBE_PROCESS)
		return 0;
	deep_sw = jz_admin_store_data(self, &own, apdu);
	return JZ_SW_OK;
}

/* It would call itself without end. */
static void
test_a_domain_does_not_hand_data_to_itself(void **state)
{
	struct rig_card *c = card_of(state);

	probe_choose(c, 0, 's');
	probe.hook = store_to_itself;
	assert_int_equal(port_hex(&c->port, "00E20000 01 00", NULL), JZ_SW_OK);
	assert_int_equal(deep_sw, JZ_SW_CONDITIONS);
}

/* ---- who may ------------------------------------------------------------ */

/* Every function but jz_admin_delete(), which test_delete has. */
static void
check_all(void **state, struct jz_applet *by, uint16_t sw)
{
	struct fixture *f = *state;
	const struct jz_install order = {
	    .module = probe_multi.aid, .instance = probe_aid('n')};
	const struct jz_aid a = probe_aid('a');
	struct jz_app_info info;
	struct jz_aid aid;
	struct answer out;

	assert_int_equal(jz_admin_app(by, 0, &info), JZ_ERR_STATE);
	assert_int_equal(jz_admin_module(by, 0, &aid), JZ_ERR_STATE);
	assert_int_equal(jz_admin_install(by, &order), sw);
	assert_int_equal(jz_admin_make_selectable(by, &a, NULL), sw);
	assert_int_equal(jz_admin_delete(by, &a, false), sw);
	assert_int_equal(jz_admin_lock(by, &a, true), sw);
	assert_int_equal(jz_admin_set_card_state(by, JZ_CARD_SECURED), sw);
	assert_int_equal(store(by, 'a', &out), sw);
	assert_int_equal(out.len, 0);
	assert_true(rig_unchanged(f->card, f->before));
	probe_expect("");
}

static void
test_nobody_may_without_the_privilege(void **state)
{
	check_all(state, probe_find(card_of(state), 'a'), JZ_SW_SECURITY);
	/* Another privilege is not this one. */
	check_all(state, probe_find(card_of(state), 'b'), JZ_SW_SECURITY);
}

static void
test_nor_within_a_transaction(void **state)
{
	assert_int_equal(jz_begin(domain(state)), 0);
	check_all(state, domain(state), JZ_SW_UNKNOWN);
	assert_int_equal(jz_abort(domain(state)), 0);
	/* Nor within another's: a service that it was asked for. */
	assert_int_equal(jz_begin(probe_find(card_of(state), 'a')), 0);
	check_all(state, domain(state), JZ_SW_UNKNOWN);
}

/* The card's state may be read by anybody. */
static void
test_the_cards_state_is_no_secret(void **state)
{
	assert_int_equal(jz_admin_card_state(probe_find(card_of(state), 'a')),
	    JZ_CARD_OP_READY);
}

static void
test_a_domain_installs(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_install order = {.module = probe_multi.aid,
	    .instance = probe_aid('n'),
	    .selectable = true,
	    .params = jz_span("\x2A", 1)};

	assert_int_equal(jz_admin_install(domain(state), &order), JZ_SW_OK);
	assert_int_equal(probe_nvm(probe_find(c, 'n'))->value, 0x2A);
	assert_int_equal(jz_admin_install(domain(state), &order), JZ_SW_EXISTS);
	order.instance = probe_aid('m');
	order.module = probe_aid('?');
	assert_int_equal(
	    jz_admin_install(domain(state), &order), JZ_SW_REFERENCE);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_every_transition_of_the_card),
	    TEST(test_no_other_state_is_taken),
	    TEST(test_a_locked_card_has_its_domain_alone),
	    TEST(test_so_has_a_terminated_one),
	    TEST(test_a_locked_application_is_not_selected),
	    TEST(test_a_lock_stops_what_is_selected),
	    TEST(test_a_locked_card_stops_what_is_selected),
	    TEST(test_a_lock_keeps_the_state_below_it),
	    TEST(test_neither_itself_nor_the_unknown_is_locked),
	    TEST(test_make_selectable_gives_state_and_privileges),
	    TEST(test_make_selectable_keeps_privileges_when_none_are_given),
	    TEST(test_an_application_sets_its_own_state),
	    TEST(test_its_state_is_part_of_its_transaction),
	    TEST(test_a_state_that_cannot_be_stored_is_not_taken),
	    TEST(test_applications_are_listed),
	    TEST(test_modules_are_listed),
	    TEST(test_data_are_handed_on),
	    TEST(test_data_for_nobody_are_refused),
	    TEST(test_a_domain_does_not_hand_data_to_itself),
	    TEST(test_nobody_may_without_the_privilege),
	    TEST(test_nor_within_a_transaction),
	    TEST(test_the_cards_state_is_no_secret),
	    TEST(test_a_domain_installs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
