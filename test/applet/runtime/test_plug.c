/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plug-ins as the card sees them: a module's class under the hash of its file,
 * for good; another file takes its place and brings its applets along.
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

#define MODULE(last)                                                           \
	{                                                                      \
		6,                                                             \
		{                                                              \
			0xF0, 'P', 'L', 'U', 'G', last                         \
		}                                                              \
	}
#define PLUGIN(number, version, last)                                          \
	{                                                                      \
		.abi = number, .layout = version, .name = "plugin",            \
		.aid = MODULE(last), .multi_selectable = true, PROBE_MEMORIES, \
		.upgrade = probe_on_upgrade, PROBE_FUNCTIONS,                  \
	}

static const struct jz_applet_class V1 = PLUGIN(JZ_ABI, 1, 'x');
static const struct jz_applet_class V1_AGAIN = PLUGIN(JZ_ABI, 1, 'x');
static const struct jz_applet_class V2 = PLUGIN(JZ_ABI, 2, 'x');
static const struct jz_applet_class OTHER_ABI = PLUGIN(JZ_ABI + 1, 1, 'x');
static const struct jz_applet_class NAMELESS = {
    .abi = JZ_ABI,
    .layout = 1,
    .aid = {4, {0xF0, 'P', 'L', 'U'}},
    PROBE_MEMORIES,
    PROBE_FUNCTIONS,
};
static const struct jz_applet_class WIDER = {
    .abi = JZ_ABI,
    .layout = 1,
    .aid = MODULE('x'),
    .nvm_bytes = sizeof(struct probe_nvm) + 8,
    .upgrade = probe_on_upgrade,
    PROBE_FUNCTIONS,
};
static const struct jz_applet_class GREEDY = {
    .abi = JZ_ABI,
    .layout = 2,
    .aid = MODULE('x'),
    .nvm_bytes = sizeof(struct probe_nvm),
    .cor_bytes = RIG_RAM_BYTES,
    .upgrade = probe_on_upgrade,
    PROBE_FUNCTIONS,
};
static const struct jz_applet_class MORE[] = {
    PLUGIN(JZ_ABI, 1, '1'),
    PLUGIN(JZ_ABI, 1, '2'),
    PLUGIN(JZ_ABI, 1, '3'),
    PLUGIN(JZ_ABI, 1, '4'),
};

/* Files are told apart by one byte of their hash. */
#define KNOWN_FILES 16
struct files {
	const struct jz_applet_class *class[KNOWN_FILES];
};

struct fixture {
	struct rig rig;
	struct rig_card *card;
	struct jz_applet *sd;
	struct files files;
};

static const struct jz_applet_class *
find_file(void *plugs, const struct jz_aid *module,
    const uint8_t hash[static JZ_FILE_HASH_BYTES])
{
	const struct files *f = plugs;
	const struct jz_applet_class *class =
	    hash[0] < KNOWN_FILES ? f->class[hash[0]] : NULL;

	for (unsigned i = 1; i < JZ_FILE_HASH_BYTES; i++)
		assert_int_equal(hash[i], 0xF1);
	return class != NULL &&
		memcmp(&class->aid, module, sizeof(*module)) == 0
	    ? class
	    : NULL;
}

static int
setup_in(void **state, bool loose)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	probe_reset();
	rig_new(&f->rig);
	f->rig.loose = loose;
	f->card = probe_card_new(&f->rig, 0);
	f->card->setup.plug = find_file;
	f->card->setup.plugs = &f->files;
	probe_format(f->card);
	f->sd = probe_add_privileged(
	    f->card, &probe_multi, 's', JZ_PRIV_SECURITY_DOMAIN);
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

/* As the creator does it: the file is known to him before the card asks. */
static int
plug(void **state, const struct jz_applet_class *class, uint8_t file)
{
	struct fixture *f = *state;
	uint8_t hash[JZ_FILE_HASH_BYTES];

	memset(hash, 0xF1, sizeof(hash));
	hash[0] = file;
	f->files.class[file] = class;
	return jz_card_plug(&f->card->card, class, hash);
}

static const struct jz_nvm_root *
root_of(const struct rig_card *c)
{
	return (const struct jz_nvm_root *)(const void *)c->nvm;
}

/* The hash byte of the module's file; -1: no such module. */
static int
file_of(const struct rig_card *c, const struct jz_applet_class *class)
{
	for (unsigned i = 0; i < JZ_MAX_FILES; i++) {
		const struct jz_nvm_file *f = &root_of(c)->file[i];

		if (f->module_len == class->aid.len &&
		    memcmp(f->module, class->aid.bytes, f->module_len) == 0)
			return f->hash[0];
	}
	return -1;
}

/* An instance p of file 1, with a value. */
static struct jz_applet *
with_instance(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_applet *p;

	assert_int_equal(plug(state, &V1, 1), 0);
	p = probe_add(c, &V1, 'p');
	assert_int_equal(jz_write_u32(p, &probe_nvm(p)->value, 1234), 0);
	probe_reset();
	return p;
}

/* ---- known for good ----------------------------------------------------- */

static void
test_a_plugged_class_is_installed_and_survives(void **state)
{
	struct rig_card *c = card_of(state);
	const struct jz_aid p = probe_aid('p');

	assert_int_equal(
	    jz_card_install(&c->card, &V1.aid, &p, jz_span(NULL, 0)),
	    JZ_SW_REFERENCE);
	with_instance(state);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(file_of(c, &V1), 1);
		assert_int_equal(probe_choose(c, 0, 'p'), JZ_SW_OK);
		assert_int_equal(probe_who(c, 0), 'p');
		assert_int_equal(probe_nvm(probe_find(c, 'p'))->value, 1234);
		assert_int_equal(rig_reopen(c), 0);
	}
}

static void
test_plugging_resets_the_card(void **state)
{
	struct rig_card *c = card_of(state);

	with_instance(state);
	assert_int_equal(probe_choose(c, 3, 'p'), JZ_SW_OK);
	probe_reset();
	assert_int_equal(plug(state, &MORE[0], 2), 0);
	probe_expect("Ss0 ");
	assert_int_equal(probe_who(c, 3), '!');
	assert_int_equal(probe_who(c, 0), 's');
}

static void
test_the_same_file_again_changes_nothing(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_fault_count was;

	with_instance(state);
	was = jz_fault_counters(c->fault);
	assert_int_equal(plug(state, &V1, 1), 0);
	assert_int_equal(jz_fault_counters(c->fault).bytes, was.bytes);
	assert_int_equal(probe_nvm(probe_find(c, 'p'))->value, 1234);
	assert_int_equal(probe_choose(c, 0, 'p'), JZ_SW_OK);
}

static void
test_plug_ins_are_listed_behind_the_classes(void **state)
{
	struct fixture *f = *state;
	struct jz_aid aid;

	assert_int_equal(plug(state, &V1, 1), 0);
	assert_int_equal(plug(state, &MORE[0], 2), 0);
	assert_int_equal(jz_admin_module(f->sd, 2, &aid), 0);
	assert_memory_equal(&aid, &V1.aid, sizeof(aid));
	assert_int_equal(jz_admin_module(f->sd, 3, &aid), 0);
	assert_memory_equal(&aid, &MORE[0].aid, sizeof(aid));
	assert_int_equal(jz_admin_module(f->sd, 4, &aid), JZ_ERR_NOT_FOUND);
}

/* ---- another file ------------------------------------------------------- */

static void
test_another_file_of_the_same_layout_takes_its_place(void **state)
{
	struct rig_card *c = card_of(state);

	with_instance(state);
	assert_int_equal(plug(state, &V1_AGAIN, 2), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(file_of(c, &V1), 2);
		assert_ptr_equal(probe_find(c, 'p')->class, &V1_AGAIN);
		assert_int_equal(probe_nvm(probe_find(c, 'p'))->value, 1234);
		assert_int_equal(rig_reopen(c), 0);
	}
	/* The file before serves no more. */
	((struct fixture *)*state)->files.class[2] = NULL;
	assert_int_equal(rig_reopen(c), 0);
	assert_null(probe_find(c, 'p'));
}

static void
test_another_file_of_a_newer_layout_upgrades(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_fault_count was;

	with_instance(state);
	was = jz_fault_counters(c->fault);
	assert_int_equal(plug(state, &V2, 2), 0);
	probe_expect("Vp Ss0 ");
	/* All of it in one commit. */
	assert_int_equal(
	    jz_fault_counters(c->fault).replaces, was.replaces + 1);
	assert_int_equal(jz_fault_counters(c->fault).appends, was.appends);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(file_of(c, &V1), 2);
		assert_int_equal(probe_nvm(probe_find(c, 'p'))->head.layout, 2);
		assert_int_equal(probe_nvm(probe_find(c, 'p'))->value, 1234);
		assert_int_equal(rig_reopen(c), 0);
	}
}

/* proves: ALL-3 (a plug-in's upgrade) */
static void
test_a_cut_at_any_byte_plugs_all_or_nothing(void **state)
{
	struct rig_card *c = card_of(state);
	struct rig_snapshot *before;
	unsigned old = 0, new = 0;
	int e = -1;

	with_instance(state);
	before = rig_save(c);
	for (uint64_t at = 0; e != 0; at++) {
		struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
		const struct jz_applet *p;

		rig_restore(c, before);
		plan.cut_after = at;
		jz_fault_plan(c->fault, &plan);
		e = plug(state, &V2, 2);
		assert_int_equal(rig_reopen(c), 0);
		p = probe_find(c, 'p');
		assert_int_equal(probe_nvm(p)->value, 1234);
		if (file_of(c, &V1) == 1) {
			assert_true(e != 0 && rig_unchanged(c, before));
			assert_ptr_equal(p->class, &V1);
			old++;
		} else {
			assert_int_equal(file_of(c, &V1), 2);
			assert_ptr_equal(p->class, &V2);
			assert_int_equal(probe_nvm(p)->head.layout, 2);
			new ++;
		}
	}
	print_message("          %u cuts\n", old + new - 1);
	assert_true(old > sizeof(struct jz_nvm_root) && new > 0);
	rig_snapshot_free(&before);
}

/* ---- what is refused ---------------------------------------------------- */

/* Refused before anything has happened: the card goes on. */
static void
check_refused(void **state, const struct jz_applet_class *class, int error)
{
	struct rig_card *c = card_of(state);
	struct rig_snapshot *before;

	assert_int_equal(probe_choose(c, 0, 's'), JZ_SW_OK);
	before = rig_save(c);
	assert_int_equal(plug(state, class, 9), error);
	assert_true(rig_unchanged(c, before));
	assert_int_equal(probe_who(c, 0), 's');
	rig_snapshot_free(&before);
}

static void
test_another_abi_is_refused(void **state)
{
	check_refused(state, &OTHER_ABI, JZ_ERR_UNSUPPORTED);
}

static void
test_a_module_name_that_is_none_is_refused(void **state)
{
	check_refused(state, &NAMELESS, JZ_ERR_UNSUPPORTED);
}

static void
test_a_built_in_name_is_refused(void **state)
{
	check_refused(state, &probe_multi, JZ_ERR_EXISTS);
	check_refused(state, &probe_single, JZ_ERR_EXISTS);
}

static void
test_an_older_layout_is_refused(void **state)
{
	with_instance(state);
	assert_int_equal(plug(state, &V2, 2), 0);
	check_refused(state, &V1, JZ_ERR_UNSUPPORTED);
	assert_int_equal(file_of(card_of(state), &V1), 2);
	assert_ptr_equal(probe_find(card_of(state), 'p')->class, &V2);
}

/* Without instances there is nothing that is newer. */
static void
test_an_older_layout_without_instances_is_taken(void **state)
{
	assert_int_equal(plug(state, &V2, 2), 0);
	assert_int_equal(plug(state, &V1, 1), 0);
	assert_int_equal(file_of(card_of(state), &V1), 1);
	probe_add(card_of(state), &V1, 'p');
}

static void
test_the_same_layout_of_another_size_is_refused(void **state)
{
	with_instance(state);
	check_refused(state, &WIDER, JZ_ERR_UNSUPPORTED);
	assert_int_equal(rig_reopen(card_of(state)), 0);
	assert_ptr_equal(probe_find(card_of(state), 'p')->class, &V1);
}

static void
test_there_is_room_for_four(void **state)
{
	struct rig_card *c = card_of(state);

	for (unsigned i = 0; i < JZ_MAX_FILES; i++)
		assert_int_equal(plug(state, &MORE[i], (uint8_t)(i + 1)), 0);
	check_refused(state, &V1, JZ_ERR_CARD_FULL);
	/* A known module needs no new place. */
	assert_int_equal(plug(state, &MORE[2], 7), 0);
	assert_int_equal(file_of(c, &MORE[2]), 7);
	assert_int_equal(rig_reopen(c), 0);
	for (unsigned i = 0; i < JZ_MAX_FILES; i++)
		assert_true(file_of(c, &MORE[i]) > 0);
}

/* It closes the card, whose storage is as before. */
static void
check_closes(void **state, const struct jz_applet_class *class, int error)
{
	struct rig_card *c = card_of(state);
	struct jz_fault_count was = jz_fault_counters(c->fault);
	struct rig_snapshot *before = rig_save(c);

	assert_int_equal(plug(state, class, 9), error);
	assert_int_equal(jz_fault_counters(c->fault).bytes, was.bytes);
	assert_int_equal(probe_choose(c, 0, 's'), JZ_SW_MEMORY_FAILURE);
	assert_int_equal(rig_reopen(c), 0);
	assert_true(rig_unchanged(c, before));
	assert_int_equal(probe_choose(c, 0, 'p'), JZ_SW_OK);
	rig_snapshot_free(&before);
}

/* proves: ALL-3 (a plug-in that cannot upgrade) */
static void
test_a_failing_upgrade_keeps_the_file_before(void **state)
{
	with_instance(state);
	probe_refuse(PROBE_UPGRADE, JZ_SW_CONDITIONS);
	check_closes(state, &V2, JZ_ERR_CARD_VERSION);
	assert_int_equal(file_of(card_of(state), &V1), 1);
}

static void
test_no_transient_memory_for_the_new_file(void **state)
{
	with_instance(state);
	check_closes(state, &GREEDY, JZ_ERR_CARD_FULL);
	assert_int_equal(file_of(card_of(state), &V1), 1);
}

static void
test_a_dead_card_takes_no_plug_in(void **state)
{
	struct rig_card *c = card_of(state);

	with_instance(state);
	jz_fault_power_cut(c->fault);
	assert_int_equal(plug(state, &V2, 2), JZ_ERR_CARD_STORAGE);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(file_of(c, &V1), 1);
	c->card.dead = true;
	assert_int_equal(plug(state, &V2, 2), JZ_ERR_CARD_DEAD);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(file_of(c, &V1), 1);
}

/* ---- absent ------------------------------------------------------------- */

static void
test_without_its_file_an_applet_waits(void **state)
{
	struct fixture *f = *state;
	struct rig_card *c = f->card;
	const struct jz_aid p = probe_aid('p');

	with_instance(state);
	f->files.class[1] = NULL;
	assert_int_equal(rig_reopen(c), 0);
	assert_null(probe_find(c, 'p'));
	assert_int_equal(probe_choose(c, 0, 'p'), JZ_SW_FILE);
	assert_int_equal(
	    jz_card_install(&c->card, &V1.aid, &p, jz_span(NULL, 0)),
	    JZ_SW_REFERENCE);
	/* Its name is taken, its memory stays. */
	assert_int_equal(
	    jz_card_install(&c->card, &probe_multi.aid, &p, jz_span(NULL, 0)),
	    JZ_SW_EXISTS);
	f->files.class[1] = &V1;
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(probe_nvm(probe_find(c, 'p'))->value, 1234);
	/* Nor when nobody looks for files. */
	c->setup.plug = NULL;
	assert_int_equal(rig_reopen(c), 0);
	assert_null(probe_find(c, 'p'));
}

/* A class that was built in comes back as a plug-in. */
static void
test_an_applet_of_a_former_class(void **state)
{
	static const struct jz_applet_class *const built_in[] = {
	    &probe_multi, &V1};
	struct rig_card *c = card_of(state);
	struct jz_applet *p;

	c->setup.classes = built_in;
	c->setup.n_classes = 2;
	assert_int_equal(rig_reopen(c), 0);
	p = probe_add(c, &V1, 'p');
	assert_int_equal(jz_write_u32(p, &probe_nvm(p)->value, 1234), 0);
	c->setup.n_classes = 1;
	assert_int_equal(rig_reopen(c), 0);
	assert_null(probe_find(c, 'p'));
	assert_int_equal(plug(state, &WIDER, 9), JZ_ERR_UNSUPPORTED);
	assert_int_equal(plug(state, &V2, 2), 0);
	assert_ptr_equal(probe_find(c, 'p')->class, &V2);
	assert_int_equal(probe_nvm(probe_find(c, 'p'))->value, 1234);
}

/* ---- deletion ----------------------------------------------------------- */

static uint16_t delete (void **state, const struct jz_aid *aid, bool related)
{
	const struct fixture *f = *state;

	return jz_admin_delete(f->sd, aid, related);
}

static void
test_a_file_in_use_is_deleted_with_its_applets_alone(void **state)
{
	struct rig_card *c = card_of(state);

	with_instance(state);
	probe_add(c, &V1, 'q');
	probe_reset();
	assert_int_equal(delete (state, &V1.aid, false), JZ_SW_CONDITIONS);
	probe_expect("");
	/* One of them is selected. */
	assert_int_equal(probe_choose(c, 4, 'q'), JZ_SW_OK);
	assert_int_equal(delete (state, &V1.aid, true), JZ_SW_CONDITIONS);
	assert_non_null(probe_find(c, 'p'));
	port_hex(&c->port, "00708004", NULL);
	/* One of them refuses. */
	probe_refuse(PROBE_UNINSTALL, 0x6984);
	assert_int_equal(delete (state, &V1.aid, true), 0x6984);
	assert_non_null(probe_find(c, 'p'));
	probe_reset();
	assert_int_equal(delete (state, &V1.aid, true), JZ_SW_OK);
	probe_expect("Up Uq ");
	for (unsigned i = 0; i < 2; i++) {
		assert_null(probe_find(c, 'p'));
		assert_null(probe_find(c, 'q'));
		assert_int_equal(file_of(c, &V1), -1);
		assert_non_null(probe_find(c, 's'));
		assert_int_equal(rig_reopen(c), 0);
	}
}

static void
test_a_file_without_applets_is_deleted(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(plug(state, &V1, 1), 0);
	assert_int_equal(plug(state, &MORE[0], 2), 0);
	/* Also when it is not to be found. */
	f->files.class[1] = NULL;
	assert_int_equal(rig_reopen(f->card), 0);
	assert_int_equal(delete (state, &V1.aid, false), JZ_SW_OK);
	assert_int_equal(file_of(f->card, &V1), -1);
	assert_int_equal(file_of(f->card, &MORE[0]), 2);
	assert_int_equal(delete (state, &V1.aid, false), JZ_SW_REFERENCE);
	assert_int_equal(plug(state, &V1, 3), 0);
}

/* An instance goes before the module of the same name. */
static void
test_an_instance_named_as_its_module(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(plug(state, &V1, 1), 0);
	assert_int_equal(
	    jz_card_install(&c->card, &V1.aid, &V1.aid, jz_span(NULL, 0)),
	    JZ_SW_OK);
	assert_int_equal(delete (state, &V1.aid, false), JZ_SW_OK);
	assert_int_equal(file_of(c, &V1), 1);
	assert_null(probe_find(c, 'x'));
	assert_int_equal(delete (state, &V1.aid, false), JZ_SW_OK);
	assert_int_equal(file_of(c, &V1), -1);
}

/* The first one agrees, the second refuses: what the first wrote is undone. */
static uint16_t
agree_then_refuse(
    struct jz_applet *self, char event, struct jz_apdu *apdu, struct jz_span in)
{
	const struct probe_nvm *n = self->nvm;

	(void)apdu;
	(void)in;
	if (event != PROBE_UNINSTALL)
		return 0;
	assert_int_equal(jz_write_u32(self, &n->value, 0), 0);
	return self->aid.bytes[5] == 'q' ? JZ_SW_CONDITIONS : JZ_SW_OK;
}

static void
test_what_the_first_of_two_wrote_is_undone_with_the_second(void **state)
{
	struct rig_card *c = card_of(state);

	with_instance(state);
	probe_add(c, &V1, 'q');
	probe.hook = agree_then_refuse;
	assert_int_equal(delete (state, &V1.aid, true), JZ_SW_CONDITIONS);
	assert_int_equal(probe_nvm(probe_find(c, 'p'))->value, 1234);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define CUT(f)	cmocka_unit_test_setup_teardown(f, setup_small, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_plugged_class_is_installed_and_survives),
	    TEST(test_plugging_resets_the_card),
	    TEST(test_the_same_file_again_changes_nothing),
	    TEST(test_plug_ins_are_listed_behind_the_classes),
	    TEST(test_another_file_of_the_same_layout_takes_its_place),
	    TEST(test_another_file_of_a_newer_layout_upgrades),
	    CUT(test_a_cut_at_any_byte_plugs_all_or_nothing),
	    TEST(test_another_abi_is_refused),
	    TEST(test_a_module_name_that_is_none_is_refused),
	    TEST(test_a_built_in_name_is_refused),
	    TEST(test_an_older_layout_is_refused),
	    TEST(test_an_older_layout_without_instances_is_taken),
	    TEST(test_the_same_layout_of_another_size_is_refused),
	    TEST(test_there_is_room_for_four),
	    TEST(test_a_failing_upgrade_keeps_the_file_before),
	    TEST(test_no_transient_memory_for_the_new_file),
	    TEST(test_a_dead_card_takes_no_plug_in),
	    TEST(test_without_its_file_an_applet_waits),
	    TEST(test_an_applet_of_a_former_class),
	    TEST(test_a_file_in_use_is_deleted_with_its_applets_alone),
	    TEST(test_a_file_without_applets_is_deleted),
	    TEST(test_an_instance_named_as_its_module),
	    TEST(test_what_the_first_of_two_wrote_is_undone_with_the_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
