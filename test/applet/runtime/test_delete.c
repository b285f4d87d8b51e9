/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deletion: nothing of the deleted is left, all of the others is, and a power
 * cut leaves the one state or the other.  GlobalPlatform 9.5, JCRE 11.3.
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

#define OTHERS 4
/* In the fill of the deleted, and nowhere else. */
#define MARK 0xC3

/* The domain is the first; a and d stand before and behind b, c. */
static const char NAMES[OTHERS] = {'a', 'b', 'c', 'd'};

struct fixture {
	struct rig rig;
	struct rig_card *card;
	struct jz_applet *sd;
	struct rig_snapshot *before;
};

static uint8_t
mark_of(char name)
{
	return (uint8_t)(MARK + (name - 'a'));
}

static int
setup_in(void **state, bool loose)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct rig_card *c;

	assert_non_null(f);
	probe_reset();
	rig_new(&f->rig);
	f->rig.loose = loose;
	f->card = c = probe_card_new(&f->rig, 0);
	f->sd =
	    probe_add_privileged(c, &probe_multi, 's', JZ_PRIV_SECURITY_DOMAIN);
	for (unsigned i = 0; i < OTHERS; i++) {
		struct jz_applet *a = probe_add(
		    c, i == 1 ? &probe_single : &probe_multi, NAMES[i]);
		const struct probe_nvm *n = probe_nvm(a);

		assert_int_equal(
		    jz_fill(a, n->fill, mark_of(NAMES[i]), PROBE_FILL_BYTES),
		    0);
		assert_int_equal(jz_write_u32(a, &n->value, i + 1), 0);
	}
	assert_int_equal(probe_choose(c, 0, 's'), JZ_SW_OK);
	f->before = rig_save(c);
	probe_reset();
	*state = f;
	return 0;
}

static int
setup(void **state)
{
	return setup_in(state, false);
}

/* Regions are not pages: fewer bytes to cut at. */
static int
setup_small(void **state)
{
	return setup_in(state, true);
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

static uint16_t delete (void **state, char name)
{
	const struct fixture *f = *state;
	const struct jz_aid aid = probe_aid(name);

	return jz_admin_delete(f->sd, &aid, false);
}

/* This one is there, whole, and works. */
static void
check_alive(struct rig_card *c, char name)
{
	const struct jz_applet *a = probe_find(c, name);

	assert_non_null(a);
	assert_int_equal(probe_nvm(a)->value, name - 'a' + 1);
	for (unsigned i = 0; i < PROBE_FILL_BYTES; i++)
		assert_int_equal(probe_nvm(a)->fill[i], mark_of(name));
	assert_memory_equal(probe_nvm(a)->head.aid, a->aid.bytes, 6);
}

static void
check_works(struct rig_card *c, char name)
{
	struct jz_applet *a = probe_find(c, name);
	uint32_t count = probe_nvm(a)->count;

	assert_int_equal(probe_choose(c, 3, name), JZ_SW_OK);
	assert_int_equal(probe_who(c, 3), name);
	assert_int_equal(probe_nvm(a)->count, count + 1);
	port_hex(&c->port, "00708003", NULL);
}

/* Not four bytes in a row of its fill, nor its AID, anywhere in memory. */
static void
check_erased(struct rig_card *c, char name)
{
	const struct jz_aid aid = probe_aid(name);
	uint8_t row[4];

	memset(row, mark_of(name), sizeof(row));
	for (size_t i = 0; i + 6 <= sizeof(c->nvm); i++)
		assert_true(memcmp(c->nvm + i, row, sizeof(row)) != 0 &&
		    memcmp(c->nvm + i, aid.bytes, aid.len) != 0);
	for (size_t i = 0; i + 4 <= sizeof(c->journal.undo); i++)
		assert_memory_not_equal(c->journal.undo + i, row, sizeof(row));
}

static uint32_t
used(const struct rig_card *c)
{
	return ((const struct jz_nvm_root *)(const void *)c->nvm)->used;
}

/* ---- what is deleted and what stays ------------------------------------- */

static void
test_nothing_of_the_deleted_is_left(void **state)
{
	struct fixture *f = *state;
	struct rig_card *c = f->card;

	for (unsigned i = 0; i < OTHERS; i++) {
		uint32_t bytes;

		rig_restore(c, f->before);
		bytes = used(c);
		assert_int_equal(delete (state, NAMES[i]), JZ_SW_OK);
		assert_null(probe_find(c, NAMES[i]));
		check_erased(c, NAMES[i]);
		assert_true(used(c) <= bytes - sizeof(struct probe_nvm));
		for (uint32_t k = used(c); k < sizeof(c->nvm); k++)
			assert_int_equal(c->nvm[k], 0);
		assert_int_equal(probe_choose(c, 1, NAMES[i]), JZ_SW_FILE);
		assert_int_equal(rig_reopen(c), 0);
		check_erased(c, NAMES[i]);
		assert_int_equal(probe_choose(c, 1, NAMES[i]), JZ_SW_FILE);
	}
}

static void
test_the_others_stay_whole_and_work(void **state)
{
	struct fixture *f = *state;
	struct rig_card *c = f->card;

	for (unsigned i = 0; i < OTHERS; i++) {
		rig_restore(c, f->before);
		assert_int_equal(delete (state, NAMES[i]), JZ_SW_OK);
		for (unsigned round = 0; round < 2; round++) {
			for (unsigned k = 0; k < OTHERS; k++) {
				if (k == i)
					continue;
				check_alive(c, NAMES[k]);
				check_works(c, NAMES[k]);
			}
			assert_int_equal(rig_reopen(c), 0);
			assert_non_null(probe_find(c, 's'));
		}
	}
}

/* Whatever the order, the card is empty again. */
static void
test_all_may_go_in_any_order(void **state)
{
	static const char *const orders[] = {"abcd", "dcba", "bdac", "cadb"};
	struct fixture *f = *state;
	struct rig_card *c = f->card;
	/* The domain's region is the first. */
	const uint32_t alone =
	    (uint32_t)((const uint8_t *)probe_find(c, 'a')->nvm - c->nvm);

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		uint32_t nvm, ram;

		rig_restore(c, f->before);
		nvm = jz_card_nvm_free(&c->card);
		ram = jz_card_ram_free(&c->card);
		for (const char *p = orders[i]; *p != '\0'; p++) {
			assert_int_equal(delete (state, *p), JZ_SW_OK);
			assert_true(jz_card_nvm_free(&c->card) > nvm);
			assert_true(jz_card_ram_free(&c->card) > ram);
			nvm = jz_card_nvm_free(&c->card);
			ram = jz_card_ram_free(&c->card);
		}
		assert_int_equal(used(c), alone);
		assert_int_equal(rig_reopen(c), 0);
		assert_non_null(probe_find(c, 's'));
	}
}

/* What was selected elsewhere goes on in its moved memory. */
static void
test_an_applet_selected_elsewhere_goes_on(void **state)
{
	struct fixture *f = *state;
	struct rig_card *c = f->card;
	struct answer a;

	assert_int_equal(probe_choose(c, 2, 'd'), JZ_SW_OK);
	probe_send(c, 2, PROBE_MARK, 0x11, 0x22, NULL);
	assert_int_equal(delete (state, 'a'), JZ_SW_OK);
	assert_int_equal(probe_send(c, 2, PROBE_MEMORY, 0, 0, &a), JZ_SW_OK);
	assert_memory_equal(a.data, "\x11\x11\x11\x11\x22\x22\x22\x22", 8);
	assert_int_equal(probe_send(c, 2, PROBE_WRITE, 5, 0, NULL), JZ_SW_OK);
	assert_int_equal(probe_nvm(probe_find(c, 'd'))->value, 5);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(probe_nvm(probe_find(c, 'd'))->value, 5);
	check_alive(c, 'b');
	check_alive(c, 'c');
}

static void
test_statistics_of_the_deleted_go_too(void **state)
{
	struct fixture *f = *state;
	const struct jz_nvm_root *root =
	    (const struct jz_nvm_root *)(const void *)f->card->nvm;
	unsigned i = probe_find(f->card, 'b')->index;

	assert_true(root->count[i].writes > 0);
	assert_int_equal(delete (state, 'b'), JZ_SW_OK);
	assert_int_equal(root->count[i].writes, 0);
	assert_int_equal(root->count[i].written, 0);
	assert_true(root->count[probe_find(f->card, 'c')->index].writes > 0);
}

/* ---- what is refused ---------------------------------------------------- */

/* With this status word, and nothing changed, now and after power off. */
static void
check_refused(void **state, uint16_t sw, uint16_t expected)
{
	struct fixture *f = *state;

	assert_int_equal(sw, expected);
	assert_true(rig_unchanged(f->card, f->before));
	assert_false(f->card->card.dead);
	assert_false(f->card->card.held);
	assert_false(f->card->journal.open);
	for (unsigned i = 0; i < OTHERS; i++)
		check_alive(f->card, NAMES[i]);
}

static void
test_a_selected_applet_is_not_deleted(void **state)
{
	struct fixture *f = *state;
	struct rig_card *c = f->card;

	for (unsigned i = 1; i < JZ_MAX_CHANNELS; i++) {
		assert_int_equal(probe_choose(c, i, 'a'), JZ_SW_OK);
		probe_reset();
		check_refused(state, delete (state, 'a'), JZ_SW_CONDITIONS);
		probe_expect(""); /* not even asked */
		assert_int_equal(probe_who(c, i), 'a');
		/* The count of that command is its own. */
		rig_restore(c, f->before);
	}
	assert_int_equal(delete (state, 'a'), JZ_SW_OK);
}

static void
test_unknown_names_built_in_classes_and_itself(void **state)
{
	struct fixture *f = *state;
	const struct jz_aid none = {0, {0}};

	check_refused(state, delete (state, 'z'), JZ_SW_REFERENCE);
	check_refused(
	    state, jz_admin_delete(f->sd, &none, false), JZ_SW_REFERENCE);
	check_refused(state, delete (state, 's'), JZ_SW_CONDITIONS);
	for (int related = 0; related < 2; related++)
		check_refused(state,
		    jz_admin_delete(f->sd, &probe_single.aid, related != 0),
		    JZ_SW_CONDITIONS);
}

static void
test_without_privilege_or_within_a_transaction(void **state)
{
	struct fixture *f = *state;
	const struct jz_aid b = probe_aid('b');

	check_refused(state,
	    jz_admin_delete(probe_find(f->card, 'a'), &b, false),
	    JZ_SW_SECURITY);
	assert_int_equal(jz_begin(f->sd), 0);
	assert_int_equal(delete (state, 'b'), JZ_SW_UNKNOWN);
	assert_int_equal(jz_abort(f->sd), 0);
	check_refused(state, JZ_SW_OK, JZ_SW_OK);
}

/* Whether it holds money cannot be asked. */
static void
test_an_applet_without_its_class_is_not_deleted(void **state)
{
	static const struct jz_applet_class *const multi[] = {&probe_multi};
	struct fixture *f = *state;

	f->card->setup.classes = multi;
	f->card->setup.n_classes = 1;
	assert_int_equal(rig_reopen(f->card), 0);
	assert_null(probe_find(f->card, 'b'));
	assert_int_equal(delete (state, 'b'), JZ_SW_CONDITIONS);
	assert_true(rig_unchanged(f->card, f->before));
}

static void
test_an_applet_that_refuses_stays(void **state)
{
	static const uint16_t refusals[] = {
	    JZ_SW_CONDITIONS, 0x6F00, 0x6200, 0x6310, 0x9001};

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		probe_reset();
		probe_refuse(PROBE_UNINSTALL, refusals[i]);
		check_refused(state, delete (state, 'b'), refusals[i]);
		probe_expect("Ub ");
	}
	probe_reset();
	assert_int_equal(delete (state, 'b'), JZ_SW_OK);
}

static void
test_an_applet_without_uninstall_is_deleted(void **state)
{
	static const struct jz_applet_class mute = {
	    .abi = JZ_ABI,
	    .layout = 1,
	    .name = "mute",
	    .aid = {6, {0xF0, 'M', 'U', 'T', 'E', 1}},
	    .nvm_bytes = sizeof(struct jz_nvm_head),
	    .process = probe_on_process,
	};
	static const struct jz_applet_class *const classes[] = {
	    &probe_single, &probe_multi, &mute};
	struct fixture *f = *state;

	f->card->setup.classes = classes;
	f->card->setup.n_classes = 3;
	assert_int_equal(rig_reopen(f->card), 0);
	probe_add(f->card, &mute, 'm');
	assert_int_equal(delete (state, 'm'), JZ_SW_OK);
	assert_null(probe_find(f->card, 'm'));
}

static void
test_a_dead_card_deletes_nothing(void **state)
{
	struct fixture *f = *state;

	jz_fault_power_cut(f->card->fault);
	assert_int_equal(delete (state, 'b'), JZ_SW_MEMORY_FAILURE);
	assert_true(f->card->card.dead);
	assert_int_equal(delete (state, 'c'), JZ_SW_MEMORY_FAILURE);
	assert_int_equal(rig_reopen(f->card), 0);
	assert_true(rig_unchanged(f->card, f->before));
}

/* ---- what uninstall writes ---------------------------------------------- */

static uint16_t verdict;

static uint16_t
say_goodbye(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	const struct probe_nvm *n = self->nvm;
	const struct jz_aid d = probe_aid('d');
	uint8_t bytes[8];
	struct jz_buffer out = jz_buffer(bytes, sizeof(bytes));

	(void)apdu;
	(void)in;
	if (event == PROBE_SERVICE) {
		assert_int_equal(jz_begin(self), JZ_ERR_STATE);
		assert_int_equal(jz_commit(self), JZ_ERR_STATE);
		return 0;
	}
	if (event != PROBE_UNINSTALL)
		return 0;
	assert_null(self->cod);
	assert_int_equal(jz_begin(self), JZ_ERR_STATE);
	assert_int_equal(jz_fill(self, n->fill, 0, PROBE_FILL_BYTES), 0);
	assert_int_equal(
	    jz_call(self, &d, 0x77, jz_span("bye", 3), &out), JZ_SW_OK);
	assert_int_equal(jz_commit(self), JZ_ERR_STATE);
	assert_int_equal(jz_abort(self), JZ_ERR_STATE);
	return verdict;
}

static void
test_what_a_refusing_applet_wrote_is_undone(void **state)
{
	probe.hook = say_goodbye;
	verdict = JZ_SW_CONDITIONS;
	check_refused(state, delete (state, 'b'), JZ_SW_CONDITIONS);
}

/* proves: ALL-3 (a deletion that changes another applet) */
static void
test_what_a_leaving_applet_wrote_elsewhere_comes_with_it(void **state)
{
	struct fixture *f = *state;
	struct rig_card *c = f->card;
	bool done = false;
	unsigned cuts = 0;

	verdict = JZ_SW_OK;
	for (uint64_t at = 0; !done; at++) {
		struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
		bool there;

		rig_restore(c, f->before);
		probe.hook = say_goodbye;
		plan.cut_after = at;
		jz_fault_plan(c->fault, &plan);
		done = delete (state, 'b') == JZ_SW_OK;
		probe.hook = NULL;
		assert_int_equal(rig_reopen(c), 0);
		there = probe_find(c, 'b') != NULL;
		assert_int_equal(
		    probe_nvm(probe_find(c, 'd'))->value, there ? 4 : 0x77);
		assert_true(!done || !there);
		assert_true(!there || rig_unchanged(c, f->before));
		cuts += !done;
	}
	print_message("          %u cuts\n", cuts);
	assert_true(cuts > 0);
}

static uint16_t
write_too_much(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	const struct probe_nvm *n = self->nvm;

	(void)apdu;
	(void)in;
	if (event != PROBE_UNINSTALL)
		return 0;
	for (unsigned i = 0; i < JZ_JOURNAL_PATCHES + 1; i++)
		(void)jz_write_u32(self, &n->value, i);
	return JZ_SW_OK;
}

static void
test_an_uninstall_whose_writes_fail_refuses(void **state)
{
	probe.hook = write_too_much;
	check_refused(state, delete (state, 'b'), JZ_SW_SPACE);
}

/* ---- power cuts --------------------------------------------------------- */

/* proves: ALL-3 (deletion) */
static void
test_a_cut_at_any_byte_deletes_all_or_nothing(void **state)
{
	struct fixture *f = *state;
	struct rig_card *c = f->card;
	bool done = false;
	unsigned kept = 0, gone = 0;

	for (uint64_t at = 0; !done; at++) {
		struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;

		rig_restore(c, f->before);
		plan.cut_after = at;
		jz_fault_plan(c->fault, &plan);
		done = delete (state, 'b') == JZ_SW_OK;
		assert_int_equal(rig_reopen(c), 0);
		check_alive(c, 'a');
		check_alive(c, 'c');
		check_alive(c, 'd');
		if (probe_find(c, 'b') != NULL) {
			assert_true(!done && rig_unchanged(c, f->before));
			kept++;
		} else {
			check_erased(c, 'b');
			gone++;
		}
	}
	print_message("          %u cuts\n", kept + gone - 1);
	assert_true(kept > sizeof(struct jz_nvm_root) && gone > 0);
}

/* ---- code under way ----------------------------------------------------- */

/* What each of three domains does when it is handed data. */
static uint16_t deep_sw[2];

static uint16_t
chain_of_domains(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	const struct jz_aid x = probe_aid('x'), y = probe_aid('y');
	char name = (char)self->aid.bytes[5];

	(void)in;
	if (event == PROBE_PROCESS && name == 's')
		return jz_admin_store_data(self, &x, apdu);
	if (event != PROBE_STORE)
		return 0;
	if (name == 'x')
		return jz_admin_store_data(self, &y, apdu);
	/* y: x's code is under way, and so is its own. */
	deep_sw[0] = jz_admin_delete(self, &x, false);
	deep_sw[1] = jz_admin_store_data(self, &x, apdu);
	return JZ_SW_OK;
}

static void
test_an_applet_whose_code_is_under_way_is_not_deleted(void **state)
{
	struct fixture *f = *state;
	struct rig_card *c = f->card;
	const struct jz_aid x = probe_aid('x');

	probe_add_privileged(c, &probe_multi, 'x', JZ_PRIV_SECURITY_DOMAIN);
	probe_add_privileged(c, &probe_multi, 'y', JZ_PRIV_SECURITY_DOMAIN);
	probe_reset();
	probe.hook = chain_of_domains;
	memset(deep_sw, 0, sizeof(deep_sw));
	assert_int_equal(port_hex(&c->port, "00E20000 01 00", NULL), JZ_SW_OK);
	probe_expect("Ps0 Tx Ty ");
	assert_int_equal(deep_sw[0], JZ_SW_CONDITIONS);
	assert_int_equal(deep_sw[1], JZ_SW_CONDITIONS);
	/* Afterwards it may go. */
	assert_int_equal(
	    jz_admin_delete(probe_find(c, 'y'), &x, false), JZ_SW_OK);
}

static struct jz_applet *named;
static uint16_t named_sw[3];

static uint16_t
administer_in_anothers_name(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	const struct jz_aid b = probe_aid('b');

	(void)self;
	(void)apdu;
	(void)in;
	if (event != PROBE_PROCESS)
		return 0;
	named_sw[0] = jz_admin_delete(named, &b, false);
	named_sw[1] = jz_admin_lock(named, &b, true);
	named_sw[2] = jz_admin_set_card_state(named, JZ_CARD_SECURED);
	return JZ_SW_OK;
}

/* An applet that hands over the domain for itself. */
static void
test_nobody_administers_in_the_domains_name(void **state)
{
	struct fixture *f = *state;

	named = f->sd;
	assert_int_equal(probe_choose(f->card, 0, 'a'), JZ_SW_OK);
	probe.hook = administer_in_anothers_name;
	assert_int_equal(
	    port_hex(&f->card->port, "00E20000 01 00", NULL), JZ_SW_OK);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(named_sw[i], JZ_SW_UNKNOWN);
	assert_true(rig_unchanged(f->card, f->before));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define CUT(f)	cmocka_unit_test_setup_teardown(f, setup_small, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_nothing_of_the_deleted_is_left),
	    TEST(test_the_others_stay_whole_and_work),
	    TEST(test_all_may_go_in_any_order),
	    TEST(test_an_applet_selected_elsewhere_goes_on),
	    TEST(test_statistics_of_the_deleted_go_too),
	    TEST(test_a_selected_applet_is_not_deleted),
	    TEST(test_unknown_names_built_in_classes_and_itself),
	    TEST(test_without_privilege_or_within_a_transaction),
	    TEST(test_an_applet_without_its_class_is_not_deleted),
	    TEST(test_an_applet_that_refuses_stays),
	    TEST(test_an_applet_without_uninstall_is_deleted),
	    TEST(test_a_dead_card_deletes_nothing),
	    TEST(test_what_a_refusing_applet_wrote_is_undone),
	    CUT(test_what_a_leaving_applet_wrote_elsewhere_comes_with_it),
	    TEST(test_an_uninstall_whose_writes_fail_refuses),
	    CUT(test_a_cut_at_any_byte_deletes_all_or_nothing),
	    TEST(test_an_applet_whose_code_is_under_way_is_not_deleted),
	    TEST(test_nobody_administers_in_the_domains_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
