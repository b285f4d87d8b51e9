/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card of an older layout, opened by a newer class: all of the upgrade or
 * nothing of it, and nothing of its neighbours.
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

#define UPGRADED_AID                                                           \
	{                                                                      \
		6,                                                             \
		{                                                              \
			0xF0, 'U', 'P', 'G', 'R', 'D'                          \
		}                                                              \
	}
#define MORE_BYTES 3000 /* more than a transaction can write */
#define LESS_BYTES 40	/* head, count, value */
#define QUOTA	   512
#define MARK	   0xC3

/* Layout 2: behind struct probe_nvm, or shorter than it. */
struct more_nvm {
	struct probe_nvm probe;
	uint8_t more[MORE_BYTES];
};
_Static_assert(offsetof(struct probe_nvm, fill) == LESS_BYTES, "less");

#define UPGRADED(version, bytes, up)                                           \
	{                                                                      \
		.abi = JZ_ABI, .layout = version, .name = "upgraded",          \
		.aid = UPGRADED_AID, .nvm_bytes = bytes,                       \
		.cor_bytes = PROBE_RAM_BYTES, .cod_bytes = PROBE_RAM_BYTES,    \
		.multi_selectable = true, .upgrade = up, PROBE_FUNCTIONS,      \
	}
static const struct jz_applet_class OLD =
    UPGRADED(1, sizeof(struct probe_nvm), NULL);
static const struct jz_applet_class SAME =
    UPGRADED(2, sizeof(struct probe_nvm), probe_on_upgrade);
static const struct jz_applet_class MORE =
    UPGRADED(3, sizeof(struct more_nvm), probe_on_upgrade);
static const struct jz_applet_class LESS =
    UPGRADED(9, LESS_BYTES, probe_on_upgrade);
static const struct jz_applet_class MUTE =
    UPGRADED(2, sizeof(struct probe_nvm), NULL);
static const struct jz_applet_class WIDER =
    UPGRADED(1, sizeof(struct probe_nvm) + 8, probe_on_upgrade);
static const struct jz_applet_class GIANT =
    UPGRADED(2, RIG_NVM_BYTES, probe_on_upgrade);
static const struct jz_applet_class GREEDY = {
    .abi = JZ_ABI,
    .layout = 2,
    .name = "upgraded",
    .aid = UPGRADED_AID,
    .nvm_bytes = sizeof(struct probe_nvm),
    .cor_bytes = RIG_RAM_BYTES,
    .upgrade = probe_on_upgrade,
    PROBE_FUNCTIONS,
};

struct fixture {
	struct rig rig;
	struct rig_card *card;
	struct rig_snapshot *before;
	/* Which class the card is opened with, and a neighbour's. */
	const struct jz_applet_class *classes[2];
};

/* a, u (the one that is upgraded), v (another instance of it, with a quota),
 * z: each with a value, a count and a fill of its own. */
static int
setup_in(void **state, bool loose)
{
	static const char names[] = "auvz";
	struct fixture *f = calloc(1, sizeof(*f));
	struct jz_install order = {.module = UPGRADED_AID,
	    .instance = probe_aid('v'),
	    .privileges = {0, 0x55, 0},
	    .nvm_quota = sizeof(struct probe_nvm) + QUOTA};
	struct rig_card *c;

	assert_non_null(f);
	probe_reset();
	rig_new(&f->rig);
	f->rig.loose = loose;
	f->card = c = probe_card_new(&f->rig, 0);
	f->classes[0] = &OLD;
	f->classes[1] = &probe_multi;
	c->setup.classes = f->classes;
	c->setup.n_classes = 2;
	probe_format(c);
	probe_add(c, &probe_multi, 'a');
	probe_add(c, &OLD, 'u');
	assert_int_equal(jz_card_install_as(&c->card, &order), JZ_SW_OK);
	probe_add(c, &probe_multi, 'z');
	for (unsigned i = 0; i < 4; i++) {
		struct jz_applet *a = probe_find(c, names[i]);
		const struct probe_nvm *n = probe_nvm(a);

		assert_int_equal(jz_write_u32(a, &n->value, 100 + i), 0);
		assert_int_equal(jz_write_u32(a, &n->count, 200 + i), 0);
		assert_int_equal(
		    jz_fill(a, n->fill, (uint8_t)(MARK + i), PROBE_FILL_BYTES),
		    0);
	}
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

static struct rig_card *
card_of(void **state)
{
	const struct fixture *f = *state;

	return f->card;
}

static int
open_with(void **state, const struct jz_applet_class *class)
{
	struct fixture *f = *state;

	f->classes[0] = class;
	return rig_reopen(f->card);
}

static void
check_values(struct rig_card *c, char name, unsigned i)
{
	const struct probe_nvm *n = probe_nvm(probe_find(c, name));

	assert_int_equal(n->value, 100 + i);
	assert_int_equal(n->count, 200 + i);
}

/* A neighbour has all that it had, and works. */
static void
check_neighbour(struct rig_card *c, char name, unsigned i)
{
	struct jz_applet *a = probe_find(c, name);

	check_values(c, name, i);
	for (unsigned k = 0; k < PROBE_FILL_BYTES; k++)
		assert_int_equal(probe_nvm(a)->fill[k], MARK + i);
	assert_int_equal(probe_nvm(a)->head.layout, 1);
	assert_int_equal(jz_write_u32(a, &probe_nvm(a)->value, 7), 0);
	assert_int_equal(jz_write_u32(a, &probe_nvm(a)->value, 100 + i), 0);
	assert_int_equal(probe_choose(c, 0, name), JZ_SW_OK);
	assert_int_equal(probe_who(c, 0), name);
	assert_int_equal(jz_write_u32(a, &probe_nvm(a)->count, 200 + i), 0);
}

static void
check_upgraded(struct rig_card *c, const struct jz_applet_class *class)
{
	static const char names[] = "uv";

	for (unsigned i = 0; i < 2; i++) {
		const struct jz_applet *a = probe_find(c, names[i]);
		uint32_t bytes = class->nvm_bytes + (i == 1 ? QUOTA : 0);

		assert_ptr_equal(a->class, class);
		assert_int_equal(probe_nvm(a)->head.layout, class->layout);
		assert_int_equal(probe_nvm(a)->head.size, bytes);
		assert_int_equal(probe_nvm(a)->head.taken, class->nvm_bytes);
		assert_int_equal(a->nvm_bytes, bytes);
		check_values(c, names[i], 1 + i);
		/* Nothing of the old struct but what the hook took. */
		for (uint32_t k = LESS_BYTES; k < bytes; k++)
			assert_int_equal(((const uint8_t *)a->nvm)[k], 0);
	}
	check_neighbour(c, 'a', 0);
	check_neighbour(c, 'z', 3);
	/* State and privileges are what they were. */
	assert_int_equal(probe_find(c, 'v')->state, JZ_APP_INSTALLED);
	assert_int_equal(probe_find(c, 'v')->privileges[1], 0x55);
	assert_int_equal(probe_choose(c, 0, 'u'), JZ_SW_OK);
	assert_int_equal(probe_choose(c, 5, 'v'), JZ_SW_FILE);
}

/* Above what is in use there is nothing. */
static void
check_end(const struct rig_card *c)
{
	const struct jz_nvm_root *root =
	    (const struct jz_nvm_root *)(const void *)c->nvm;

	for (uint32_t i = root->used; i < sizeof(c->nvm); i++)
		assert_int_equal(c->nvm[i], 0);
}

static void
check_upgrade(void **state, const struct jz_applet_class *class)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(open_with(state, class), 0);
	probe_expect("Vu Vv ");
	check_upgraded(c, class);
	check_end(c);
	/* Once; and it is all stored. */
	probe_reset();
	assert_int_equal(rig_reopen(c), 0);
	probe_expect("");
	check_upgraded(c, class);
}

static void
test_a_layout_of_the_same_size(void **state)
{
	check_upgrade(state, &SAME);
}

static void
test_a_larger_layout(void **state)
{
	check_upgrade(state, &MORE);
}

static void
test_a_smaller_layout(void **state)
{
	check_upgrade(state, &LESS);
}

/* From 1 to 2, 3 and 9, in turn. */
static void
test_one_upgrade_after_another(void **state)
{
	check_upgrade(state, &SAME);
	probe_reset();
	check_upgrade(state, &MORE);
	probe_reset();
	check_upgrade(state, &LESS);
}

/* ---- what does not open ------------------------------------------------- */

/* It is told, not one byte of the storage changes, and the old class opens. */
static void
check_refused(void **state, const struct jz_applet_class *class, int error)
{
	struct fixture *f = *state;
	struct rig_card *c = f->card;
	struct jz_fault_count was = jz_fault_counters(c->fault);
	struct jz_span content = jz_fault_content(c->fault);
	uint8_t *copy = malloc(content.len);

	assert_non_null(copy);
	memcpy(copy, content.data, content.len);
	assert_int_equal(open_with(state, class), error);
	assert_int_equal(jz_fault_counters(c->fault).bytes, was.bytes);
	content = jz_fault_content(c->fault);
	assert_memory_equal(content.data, copy, content.len);
	free(copy);
	/* A card that did not open is mute. */
	assert_int_equal(probe_choose(c, 0, 'a'), JZ_SW_MEMORY_FAILURE);
	probe_reset();
	assert_int_equal(open_with(state, &OLD), 0);
	assert_true(rig_unchanged(c, f->before));
}

static void
test_without_upgrade_a_newer_class_does_not_open(void **state)
{
	check_refused(state, &MUTE, JZ_ERR_CARD_VERSION);
}

static uint16_t
fail_the_second(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	(void)apdu;
	(void)in;
	return event == PROBE_UPGRADE && self->aid.bytes[5] == 'v'
	    ? JZ_SW_CONDITIONS
	    : 0;
}

/* proves: ALL-3 (a failing upgrade) */
static void
test_a_failing_upgrade_changes_nothing(void **state)
{
	probe_refuse(PROBE_UPGRADE, JZ_SW_CONDITIONS);
	check_refused(state, &MORE, JZ_ERR_CARD_VERSION);
	/* Nor for the first of two instances. */
	probe.hook = fail_the_second;
	check_refused(state, &MORE, JZ_ERR_CARD_VERSION);
}

static void
test_an_older_class_does_not_open(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(open_with(state, &MORE), 0);
	assert_int_equal(open_with(state, &SAME), JZ_ERR_CARD_VERSION);
	assert_int_equal(open_with(state, &OLD), JZ_ERR_CARD_VERSION);
	assert_int_equal(open_with(state, &MORE), 0);
	check_upgraded(c, &MORE);
}

static void
test_the_same_layout_of_another_size_does_not_open(void **state)
{
	check_refused(state, &WIDER, JZ_ERR_CARD_VERSION);
}

static void
test_no_room_for_the_new_region(void **state)
{
	check_refused(state, &GIANT, JZ_ERR_CARD_FULL);
}

/* Seen before the upgrade is committed: else neither class could open it. */
static void
test_no_transient_memory_for_the_new_class(void **state)
{
	check_refused(state, &GREEDY, JZ_ERR_CARD_FULL);
}

/* ---- what the hook may do ----------------------------------------------- */

static uint16_t
try_everything(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	const struct more_nvm *n = self->nvm;
	const struct probe_nvm *was =
	    (const struct probe_nvm *)(const void *)in.data;
	const struct jz_aid z = probe_aid('z');
	const void *taken = NULL;
	uint8_t ones[MORE_BYTES];
	uint8_t bytes[8];
	struct jz_buffer out = jz_buffer(bytes, sizeof(bytes));

	(void)apdu;
	if (event != PROBE_UPGRADE)
		return 0;
	memset(ones, 0x11, sizeof(ones));
	assert_null(self->cor);
	assert_null(self->cod);
	assert_int_equal(in.len, was->head.size);
	assert_int_equal(was->head.layout, 1);
	assert_int_equal(n->probe.head.layout, 3);
	/* As much as the region holds, and not a byte beside it. */
	assert_int_equal(
	    jz_fill(self, n->probe.fill, 0x11, PROBE_FILL_BYTES + MORE_BYTES),
	    0);
	assert_int_equal(jz_write_now(self, n->more, "now", 3), 0);
	assert_int_equal(
	    jz_write_nonatomic(self, n->more, ones, MORE_BYTES), 0);
	assert_int_equal(
	    jz_write_u8(self, (const uint8_t *)n + self->nvm_bytes, 1),
	    JZ_ERR_ARGUMENT);
	assert_int_equal(jz_write_u32(self, &was->value, 1), JZ_ERR_ARGUMENT);
	assert_int_equal(
	    jz_write_u32(self, &n->probe.head.size, 1), JZ_ERR_ARGUMENT);
	assert_int_equal(jz_nvm_take(self, QUOTA, &taken),
	    self->aid.bytes[5] == 'v' ? 0 : JZ_ERR_CARD_FULL);
	/* There are no transactions, no other applets, no names. */
	assert_int_equal(jz_begin(self), JZ_ERR_STATE);
	assert_int_equal(jz_commit(self), JZ_ERR_STATE);
	assert_int_equal(jz_abort(self), JZ_ERR_STATE);
	assert_int_equal(jz_register(self, &z), JZ_ERR_STATE);
	assert_true(jz_call(self, &z, 1, jz_span("x", 1), &out) != JZ_SW_OK);
	assert_int_equal(jz_admin_delete(self, &z, false), JZ_SW_SECURITY);
	return 0;
}

static void
test_what_the_hook_may_do(void **state)
{
	struct rig_card *c = card_of(state);
	const struct more_nvm *n;

	probe.hook = try_everything;
	assert_int_equal(open_with(state, &MORE), 0);
	probe.hook = NULL;
	for (unsigned i = 0; i < 2; i++) {
		n = (const struct more_nvm *)probe_find(c, 'u')->nvm;
		check_values(c, 'u', 1);
		for (unsigned k = 0; k < PROBE_FILL_BYTES; k++)
			assert_int_equal(n->probe.fill[k], 0x11);
		for (unsigned k = 0; k < MORE_BYTES; k++)
			assert_int_equal(n->more[k], 0x11);
		n = (const struct more_nvm *)probe_find(c, 'v')->nvm;
		check_values(c, 'v', 2);
		assert_int_equal(
		    n->probe.head.taken, sizeof(struct more_nvm) + QUOTA);
		check_neighbour(c, 'a', 0);
		check_neighbour(c, 'z', 3);
		assert_int_equal(rig_reopen(c), 0);
	}
}

/* ---- power cuts --------------------------------------------------------- */

/* proves: ALL-3 (an upgrade) */
static void
check_cuts(void **state, const struct jz_applet_class *class)
{
	struct fixture *f = *state;
	struct rig_card *c = f->card;
	unsigned old = 0, new = 0;
	int e = -1;

	for (uint64_t at = 0; e != 0; at++) {
		struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;

		rig_restore(c, f->before);
		jz_card_close(&c->card);
		plan.cut_after = at;
		jz_fault_plan(c->fault, &plan);
		f->classes[0] = class;
		e = jz_card_open(&c->card, &c->setup);
		/* With the old class it opens as it was, or not at all. */
		if (open_with(state, &OLD) == 0) {
			assert_true(rig_unchanged(c, f->before));
			old++;
		} else {
			new ++;
		}
		/* With the new one always. */
		assert_int_equal(open_with(state, class), 0);
		check_upgraded(c, class);
	}
	print_message("          %u cuts\n", old + new - 1);
	assert_true(old > sizeof(struct jz_nvm_root) && new > 0);
}

static void
test_a_cut_at_any_byte_upgrades_all_or_nothing(void **state)
{
	check_cuts(state, &SAME);
}

static void
test_also_to_a_smaller_layout(void **state)
{
	check_cuts(state, &LESS);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define CUT(f)	cmocka_unit_test_setup_teardown(f, setup_small, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_layout_of_the_same_size),
	    TEST(test_a_larger_layout),
	    TEST(test_a_smaller_layout),
	    TEST(test_one_upgrade_after_another),
	    TEST(test_without_upgrade_a_newer_class_does_not_open),
	    TEST(test_a_failing_upgrade_changes_nothing),
	    TEST(test_an_older_class_does_not_open),
	    TEST(test_the_same_layout_of_another_size_does_not_open),
	    TEST(test_no_room_for_the_new_region),
	    TEST(test_no_transient_memory_for_the_new_class),
	    TEST(test_what_the_hook_may_do),
	    CUT(test_a_cut_at_any_byte_upgrades_all_or_nothing),
	    CUT(test_also_to_a_smaller_layout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
