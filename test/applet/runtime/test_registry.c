/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Installing applets: their memory, what is refused, what survives.
 */
#include "../../support/cardrig.h"
#include "../../../apdu/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SELECTABLE 0x07

struct item_nvm {
	struct jz_nvm_head head;
	uint32_t number;
	uint8_t text[20];
};

/* Parameters: one byte, stored as the number; FF is refused. */
static uint16_t
item_install(struct jz_applet *self, struct jz_span params)
{
	const struct item_nvm *n = self->nvm;

	jz_write_u32(self, &n->number, params.len > 0 ? params.data[0] : 0);
	return params.len > 0 && params.data[0] == 0xFF ? JZ_SW_DATA : JZ_SW_OK;
}

static uint16_t
item_process(struct jz_applet *self, struct jz_apdu *apdu)
{
	(void)self;
	(void)apdu;
	return JZ_SW_OK;
}

#define ITEM_AID                                                               \
	{                                                                      \
		6,                                                             \
		{                                                              \
			0xF0, 'I', 'T', 'E', 'M', 1                            \
		}                                                              \
	}

static const struct jz_applet_class ITEM = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "item",
    .aid = ITEM_AID,
    .nvm_bytes = sizeof(struct item_nvm),
    .cor_bytes = 3,
    .cod_bytes = 5,
    .install = item_install,
    .process = item_process,
};
static const struct jz_applet_class ITEM_NEWER = {
    .abi = JZ_ABI,
    .layout = 2,
    .name = "item",
    .aid = ITEM_AID,
    .nvm_bytes = sizeof(struct item_nvm),
    .process = item_process,
};
static const struct jz_applet_class FOREIGN = {
    .abi = JZ_ABI + 1,
    .layout = 1,
    .name = "foreign",
    .aid = {6, {0xF0, 'A', 'L', 'I', 'E', 'N'}},
    .nvm_bytes = sizeof(struct item_nvm),
    .process = item_process,
};
static const struct jz_applet_class GREEDY = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "greedy",
    .aid = {6, {0xF0, 'G', 'R', 'E', 'E', 'D'}},
    .nvm_bytes = sizeof(struct item_nvm),
    .cor_bytes = RIG_RAM_BYTES + 1,
    .process = item_process,
};
static const struct jz_applet_class HUGE = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "huge",
    .aid = {6, {0xF0, 'H', 'U', 'G', 'E', 1}},
    .nvm_bytes = RIG_NVM_BYTES,
    .process = item_process,
};
/* Would fill the image to its last byte: no room for the seal. */
static const struct jz_applet_class SNUG = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "snug",
    .aid = {6, {0xF0, 'S', 'N', 'U', 'G', 1}},
    .nvm_bytes = RIG_NVM_BYTES - sizeof(struct jz_nvm_root),
    .process = item_process,
};
static const struct jz_applet_class *const CLASSES[] = {
    &ITEM, &FOREIGN, &GREEDY, &HUGE, &SNUG};
#define N_CLASSES (sizeof(CLASSES) / sizeof(CLASSES[0]))

struct fixture {
	struct rig rig;
	struct rig_card *card;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	rig_new(&f->rig);
	f->card = rig_card_new(&f->rig, NULL, 0, true);
	f->card->setup.classes = CLASSES;
	f->card->setup.n_classes = N_CLASSES;
	assert_int_equal(rig_reopen(f->card), 0);
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

static uint16_t
install(struct rig_card *c, const struct jz_applet_class *class, uint8_t last,
    uint8_t param)
{
	struct jz_aid instance = {6, {0xF0, 'I', 'N', 'S', 'T', last}};

	return jz_card_install(
	    &c->card, &class->aid, &instance, jz_span(&param, 1));
}

static const struct item_nvm *
item(struct rig_card *c, unsigned i)
{
	return (const struct item_nvm *)c->card.applet[i].nvm;
}

static void
test_an_instance_gets_memory_with_its_head(void **state)
{
	struct rig_card *c = card_of(state);
	const struct jz_applet *a = &c->card.applet[0];

	assert_int_equal(install(c, &ITEM, 'a', 5), JZ_SW_OK);
	assert_true(a->present);
	assert_int_equal(a->state, SELECTABLE);
	assert_int_equal(item(c, 0)->head.aid_len, 6);
	assert_memory_equal(item(c, 0)->head.aid, "\xF0INSTa", 6);
	assert_int_equal(item(c, 0)->head.layout, 1);
	assert_int_equal(item(c, 0)->head.size, sizeof(struct item_nvm));
	assert_int_equal(item(c, 0)->number, 5);
	assert_int_equal((uintptr_t)a->nvm % 8, 0);
	assert_int_equal((uintptr_t)a->cor % 8, 0);
	assert_int_equal((uintptr_t)a->cod % 8, 0);
}

static void
test_instances_share_nothing(void **state)
{
	struct rig_card *c = card_of(state);
	const struct jz_applet *a = c->card.applet;

	assert_int_equal(install(c, &ITEM, 'a', 5), JZ_SW_OK);
	assert_int_equal(install(c, &ITEM, 'b', 6), JZ_SW_OK);
	assert_int_equal(item(c, 0)->number, 5);
	assert_int_equal(item(c, 1)->number, 6);
	assert_true((uintptr_t)a[1].nvm >=
	    (uintptr_t)a[0].nvm + sizeof(struct item_nvm));
	assert_true((uintptr_t)a[1].cor >= (uintptr_t)a[0].cor + 3);
	assert_int_equal(
	    port_hex(&c->port, "00A4040006 F0494E535462 00", NULL), JZ_SW_OK);
	assert_int_equal(c->card.channel[0].selected, 1);
	assert_true((uintptr_t)a[1].cod >= (uintptr_t)a[1].cor + 3);
}

static void
test_what_is_installed_survives_power_off(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t before[32], after[32];

	assert_int_equal(install(c, &ITEM, 'a', 5), JZ_SW_OK);
	rig_hash(c, before);
	assert_int_equal(rig_reopen(c), 0);
	rig_hash(c, after);
	assert_memory_equal(before, after, 32);
	assert_true(c->card.applet[0].present);
	assert_int_equal(item(c, 0)->number, 5);
}

/* Refused with this status word, nothing changed, and the card lives on. */
static void
check_refused(struct rig_card *c, uint16_t sw, uint16_t expected,
    const uint8_t before[static 32])
{
	uint8_t after[32];

	assert_int_equal(sw, expected);
	rig_hash(c, after);
	assert_memory_equal(before, after, 32);
	assert_false(c->card.dead);
	assert_int_equal(install(c, &ITEM, 'z', 9), JZ_SW_OK);
}

static void
test_an_applet_that_refuses_leaves_nothing(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t before[32];

	rig_hash(c, before);
	check_refused(c, install(c, &ITEM, 'a', 0xFF), JZ_SW_DATA, before);
}

static void
test_an_unknown_class_is_6a88(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t before[32];

	rig_hash(c, before);
	check_refused(
	    c, install(c, &jz_purse_class, 'a', 0), JZ_SW_REFERENCE, before);
}

static void
test_a_class_of_another_abi_is_unknown(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t before[32];

	rig_hash(c, before);
	check_refused(c, install(c, &FOREIGN, 'a', 0), JZ_SW_REFERENCE, before);
}

static void
test_a_name_that_is_taken_is_6a89(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t before[32];

	assert_int_equal(install(c, &ITEM, 'a', 5), JZ_SW_OK);
	rig_hash(c, before);
	check_refused(c, install(c, &ITEM, 'a', 6), JZ_SW_EXISTS, before);
	assert_int_equal(item(c, 0)->number, 5);
}

static void
test_a_name_of_no_allowed_length_is_refused(void **state)
{
	static const uint8_t lengths[] = {0, 4, 17, 255};
	struct rig_card *c = card_of(state);
	struct jz_aid bad = {0, {0xF0, 'I', 'N', 'S', 'T'}};
	uint8_t before[32], after[32];

	rig_hash(c, before);
	for (size_t i = 0; i < sizeof(lengths); i++) {
		bad.len = lengths[i];
		assert_int_equal(jz_card_install(&c->card, &ITEM.aid, &bad,
				     jz_span(NULL, 0)),
		    JZ_SW_DATA);
		rig_hash(c, after);
		assert_memory_equal(before, after, 32);
	}
}

static void
test_more_memory_than_there_is_is_6a84(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t before[32];

	rig_hash(c, before);
	check_refused(c, install(c, &HUGE, 'a', 0), JZ_SW_SPACE, before);
}

/* The image's last bytes belong to its seal. */
static void
test_an_applet_in_the_slack_is_6a84_and_does_not_kill_the_card(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t before[32];

	rig_hash(c, before);
	check_refused(c, install(c, &SNUG, 'a', 0), JZ_SW_SPACE, before);
}

static void
test_more_transient_memory_than_there_is_is_6a84(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t before[32];

	rig_hash(c, before);
	check_refused(c, install(c, &GREEDY, 'a', 0), JZ_SW_SPACE, before);
}

static void
test_as_many_instances_as_there_are_places(void **state)
{
	struct rig_card *c = card_of(state);

	for (unsigned i = 0; i < JZ_MAX_APPLETS; i++)
		assert_int_equal(
		    install(c, &ITEM, (uint8_t)('a' + i), 0), JZ_SW_OK);
	assert_int_equal(install(c, &ITEM, 'z', 0), JZ_SW_SPACE);
}

static void
test_an_applet_whose_class_is_gone_keeps_its_memory(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(install(c, &ITEM, 'a', 5), JZ_SW_OK);
	c->setup.n_classes = 0;
	assert_int_equal(rig_reopen(c), 0);
	assert_false(c->card.applet[0].present);
	assert_int_equal(
	    port_hex(&c->port, "00A4040006 F0494E535461 00", NULL), JZ_SW_FILE);
	c->setup.n_classes = N_CLASSES;
	assert_int_equal(rig_reopen(c), 0);
	assert_true(c->card.applet[0].present);
	assert_int_equal(item(c, 0)->number, 5);
}

static void
test_memory_of_another_layout_is_not_opened(void **state)
{
	static const struct jz_applet_class *const newer[] = {&ITEM_NEWER};
	struct rig_card *c = card_of(state);

	assert_int_equal(install(c, &ITEM, 'a', 5), JZ_SW_OK);
	c->setup.classes = newer;
	c->setup.n_classes = 1;
	assert_int_equal(rig_reopen(c), JZ_ERR_CARD_VERSION);
	c->setup.classes = CLASSES;
	c->setup.n_classes = N_CLASSES;
	assert_int_equal(rig_reopen(c), 0);
}

/* proves: ALL-3 (installation) */
static void
test_a_cut_at_any_byte_installs_all_or_nothing(void **state)
{
	struct rig_card *c = card_of(state);
	struct rig_snapshot *s = rig_save(c);
	bool done = false;

	for (uint64_t at = 0; !done; at++) {
		struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;

		rig_restore(c, s);
		plan.cut_after = at;
		jz_fault_plan(c->fault, &plan);
		done = install(c, &ITEM, 'a', 5) == JZ_SW_OK;
		assert_int_equal(rig_reopen(c), 0);
		if (c->card.applet[0].present)
			assert_int_equal(item(c, 0)->number, 5);
		else
			assert_true(!done && rig_unchanged(c, s));
	}
	rig_snapshot_free(&s);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_an_instance_gets_memory_with_its_head),
	    TEST(test_instances_share_nothing),
	    TEST(test_what_is_installed_survives_power_off),
	    TEST(test_an_applet_that_refuses_leaves_nothing),
	    TEST(test_an_unknown_class_is_6a88),
	    TEST(test_a_class_of_another_abi_is_unknown),
	    TEST(test_a_name_that_is_taken_is_6a89),
	    TEST(test_a_name_of_no_allowed_length_is_refused),
	    TEST(test_more_memory_than_there_is_is_6a84),
	    TEST(
		test_an_applet_in_the_slack_is_6a84_and_does_not_kill_the_card),
	    TEST(test_more_transient_memory_than_there_is_is_6a84),
	    TEST(test_as_many_instances_as_there_are_places),
	    TEST(test_an_applet_whose_class_is_gone_keeps_its_memory),
	    TEST(test_memory_of_another_layout_is_not_opened),
	    TEST(test_a_cut_at_any_byte_installs_all_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
