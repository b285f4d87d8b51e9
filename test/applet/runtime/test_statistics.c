/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics of memory, writes and wear, by region.
 */
#include "card_bench.h"
#include "../../../applet/runtime/admin.h"

#define TEXT_BYTES 1024u
#define RUNTIME	   JZ_MAX_APPLETS

struct item_nvm {
	struct jz_nvm_head head;
	uint8_t text[TEXT_BYTES];
};

static uint16_t
item_process(struct jz_applet *self, struct jz_apdu *apdu)
{
	(void)self;
	(void)apdu;
	return JZ_SW_OK;
}

static const struct jz_applet_class ITEM = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "item",
    .aid = {6, {0xF0, 'I', 'T', 'E', 'M', 1}},
    .nvm_bytes = sizeof(struct item_nvm),
    .cor_bytes = 20,
    .cod_bytes = 30,
    .multi_selectable = true,
    .process = item_process,
};
static const struct jz_applet_class *const CLASSES[] = {&ITEM};
static const struct jz_aid SECOND = {6, {0xF0, 'I', 'T', 'E', 'M', 2}};

static int
setup(void **state)
{
	return bench_new(state, CLASSES, 1);
}

static struct jz_applet *
item(struct rig_card *c, unsigned i)
{
	return &c->card.applet[i];
}

static const struct item_nvm *
nvm(struct rig_card *c, unsigned i)
{
	return (const struct item_nvm *)item(c, i)->nvm;
}

static struct jz_region_info
region(const struct rig_card *c, unsigned i)
{
	struct jz_region_info info;

	assert_int_equal(jz_card_region(&c->card, i, &info), 0);
	return info;
}

static uint16_t
install_second(struct rig_card *c, uint32_t quota, uint8_t privileges)
{
	struct jz_install order = {0};

	order.module = ITEM.aid;
	order.instance = SECOND;
	order.selectable = true;
	order.nvm_quota = quota;
	order.privileges[0] = privileges;
	return jz_card_install_as(&c->card, &order);
}

/* ---- memory ------------------------------------------------------------- */

static void
test_each_region_says_whose_it_is_and_how_large(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_region_info info;
	const void *p;

	assert_int_equal(
	    install_second(c, sizeof(struct item_nvm) + 100, 0), JZ_SW_OK);
	info = region(c, 0);
	assert_int_equal(info.aid.len, ITEM.aid.len);
	assert_memory_equal(info.aid.bytes, ITEM.aid.bytes, ITEM.aid.len);
	assert_int_equal(info.nvm_bytes, sizeof(struct item_nvm));
	assert_int_equal(info.nvm_taken, sizeof(struct item_nvm));
	assert_int_equal(info.cor_bytes, 20);
	assert_int_equal(info.cod_bytes, 30);
	assert_int_equal(jz_nvm_take(item(c, 1), 60, &p), 0);
	info = region(c, 1);
	assert_memory_equal(info.aid.bytes, SECOND.bytes, SECOND.len);
	assert_int_equal(info.nvm_bytes, sizeof(struct item_nvm) + 100);
	assert_int_equal(info.nvm_taken, sizeof(struct item_nvm) + 60);
	info = region(c, RUNTIME);
	assert_int_equal(info.aid.len, 0);
	assert_int_equal(info.nvm_bytes, sizeof(struct jz_nvm_root));
	assert_int_equal(info.cor_bytes + info.cod_bytes, 0);
}

static void
test_a_free_place_and_one_that_is_none(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_region_info info;

	for (unsigned i = 1; i < JZ_MAX_APPLETS; i++)
		assert_int_equal(
		    jz_card_region(&c->card, i, &info), JZ_ERR_NOT_FOUND);
	assert_int_equal(
	    jz_card_region(&c->card, RUNTIME + 1, &info), JZ_ERR_RANGE);
	assert_int_equal(
	    jz_card_region(&c->card, UINT32_MAX, &info), JZ_ERR_RANGE);
	assert_int_equal(info.nvm_bytes, 0);
}

static void
test_an_applet_without_its_class_keeps_its_region(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_region_info info;

	c->setup.n_classes = 0;
	assert_int_equal(rig_reopen(c), 0);
	info = region(c, 0);
	assert_int_equal(info.nvm_bytes, sizeof(struct item_nvm));
	assert_int_equal(info.cor_bytes, 0);
	assert_int_equal(info.cod_bytes, 0);
	assert_int_equal(jz_card_ram_free(&c->card), RIG_RAM_BYTES);
}

static void
test_free_persistent_memory(void **state)
{
	struct rig_card *c = card_of(state);
	uint32_t before = jz_card_nvm_free(&c->card);

	/* All but the runtime's, the applet's, and the seal's. */
	assert_int_equal(before,
	    RIG_NVM_BYTES - sizeof(struct jz_nvm_root) -
		sizeof(struct item_nvm) - JZ_LOG_SLACK_BYTES);
	assert_int_equal(
	    install_second(c, sizeof(struct item_nvm) + 1, 0), JZ_SW_OK);
	assert_int_equal(jz_card_nvm_free(&c->card),
	    before - sizeof(struct item_nvm) - JZ_REGION_ALIGN);
	/* A region that takes the last of it. */
	assert_int_equal(jz_card_nvm_free(&c->card) % JZ_REGION_ALIGN, 0);
}

/* Blocks begin at multiples of eight. */
static void
test_free_transient_memory(void **state)
{
	struct rig_card *c = card_of(state);
	uint32_t n = RIG_RAM_BYTES - 24;

	assert_int_equal(jz_card_ram_free(&c->card), n);
	assert_int_equal(select_on(c, &ITEM.aid, 0), JZ_SW_OK);
	assert_int_equal(jz_card_ram_free(&c->card), n - 32);
	assert_int_equal(select_on(c, &ITEM.aid, 1), JZ_SW_OK);
	assert_int_equal(jz_card_ram_free(&c->card), n - 64);
	assert_int_equal(select_on(c, &ITEM.aid, 1), JZ_SW_OK);
	assert_int_equal(jz_card_ram_free(&c->card), n - 64);
	assert_int_equal(port_hex(&c->port, "01708000", NULL), JZ_SW_OK);
	assert_int_equal(jz_card_ram_free(&c->card), n - 32);
	jz_card_reset(&c->card);
	assert_int_equal(jz_card_ram_free(&c->card), n);
	assert_int_equal(install_second(c, 0, 0), JZ_SW_OK);
	assert_int_equal(jz_card_ram_free(&c->card), n - 24);
}

/* ---- writes ------------------------------------------------------------- */

static void
test_writes_are_counted_where_they_happen(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_region_info was[3], is;

	assert_int_equal(install_second(c, 0, 0), JZ_SW_OK);
	was[0] = region(c, 0);
	was[1] = region(c, 1);
	was[2] = region(c, RUNTIME);
	jz_write(item(c, 0), nvm(c, 0)->text, "12345", 5);
	jz_begin(item(c, 0));
	jz_write(item(c, 0), nvm(c, 0)->text, "1", 1);
	jz_write(item(c, 0), nvm(c, 0)->text, "23", 2);
	jz_write_nonatomic(item(c, 0), nvm(c, 0)->text, "789", 3);
	jz_commit(item(c, 0));
	is = region(c, 0);
	assert_int_equal(is.writes, was[0].writes + 4);
	assert_int_equal(is.written, was[0].written + 11);
	is = region(c, 1);
	assert_int_equal(is.writes, was[1].writes);
	assert_int_equal(is.written, was[1].written);
	is = region(c, RUNTIME);
	assert_int_equal(is.writes, was[2].writes);
	/* The registry is the runtime's. */
	assert_int_equal(jz_set_state(item(c, 0), 0x0F), 0);
	assert_int_equal(region(c, RUNTIME).writes, was[2].writes + 1);
	assert_int_equal(region(c, RUNTIME).written, was[2].written + 1);
}

static void
test_what_is_rolled_back_was_not_written(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_region_info was = region(c, 0), is;

	jz_begin(item(c, 0));
	jz_write(item(c, 0), nvm(c, 0)->text, "12345", 5);
	jz_abort(item(c, 0));
	is = region(c, 0);
	assert_int_equal(is.writes, was.writes);
	assert_int_equal(is.written, was.written);
	assert_int_equal(is.wear, was.wear);
}

/* Some of everything that counts. */
static void
live(struct rig_card *c)
{
	const void *p;

	assert_int_equal(
	    install_second(c, sizeof(struct item_nvm) + 64, 0), JZ_SW_OK);
	for (unsigned i = 0; i < 10; i++)
		jz_write(item(c, 0), nvm(c, 0)->text + 100, "12345", 5);
	jz_begin(item(c, 1));
	jz_fill(item(c, 1), nvm(c, 1)->text, 9, 300);
	jz_nvm_take(item(c, 1), 40, &p);
	jz_write_now(item(c, 1), nvm(c, 1)->text + 7, "now", 3);
	jz_commit(item(c, 1));
	jz_begin(item(c, 1));
	jz_write_nonatomic(
	    item(c, 1), nvm(c, 1)->text + 400, nvm(c, 1)->text, 300);
	jz_abort(item(c, 1));
	jz_set_state(item(c, 0), 0x0F);
}

static void
check_equal(const struct rig_card *c, const struct jz_region_info *was,
    unsigned i, bool wear)
{
	struct jz_region_info is = region(c, i);

	assert_int_equal(is.nvm_bytes, was->nvm_bytes);
	assert_int_equal(is.nvm_taken, was->nvm_taken);
	assert_int_equal(is.writes, was->writes);
	assert_int_equal(is.written, was->written);
	if (wear)
		assert_int_equal(is.wear, was->wear);
}

static void
test_they_are_the_same_after_power_off(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_region_info was[3];

	live(c);
	was[0] = region(c, 0);
	was[1] = region(c, 1);
	was[2] = region(c, RUNTIME);
	for (unsigned i = 0; i < 3; i++)
		assert_true(was[i].writes > 0 && was[i].wear > 0);
	assert_int_equal(rig_reopen(c), 0);
	check_equal(c, &was[0], 0, true);
	check_equal(c, &was[1], 1, true);
	check_equal(c, &was[2], RUNTIME, true);
}

/* Wear is counted as far back as the log tells. */
static void
test_they_are_the_same_after_a_fold(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_region_info was[3];
	uint64_t folds;

	live(c);
	fill_log(c, item(c, 0), nvm(c, 0)->text);
	folds = jz_fault_counters(c->fault).replaces;
	jz_write(item(c, 0), nvm(c, 0)->text, "fold", 4);
	assert_int_equal(jz_fault_counters(c->fault).replaces, folds + 1);
	was[0] = region(c, 0);
	was[1] = region(c, 1);
	was[2] = region(c, RUNTIME);
	assert_true(was[0].writes > 3000);
	assert_int_equal(rig_reopen(c), 0);
	check_equal(c, &was[0], 0, false);
	check_equal(c, &was[1], 1, false);
	check_equal(c, &was[2], RUNTIME, false);
	assert_int_equal(region(c, 0).wear, 0);
	/* And again with records behind the image. */
	jz_write(item(c, 0), nvm(c, 0)->text, "12", 2);
	was[0] = region(c, 0);
	assert_int_equal(rig_reopen(c), 0);
	check_equal(c, &was[0], 0, true);
	assert_int_equal(region(c, 0).wear, 1);
}

/* The image, which a fold writes, and the records say the same. */
static void
test_a_fold_beside_a_transaction_counts_what_is_stored(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_region_info was;

	fill_log(c, item(c, 0), nvm(c, 0)->text);
	jz_begin(item(c, 0));
	jz_fill(item(c, 0), nvm(c, 0)->text, 1, 500);
	jz_write_now(item(c, 0), nvm(c, 0)->text, "0123456789", 10);
	jz_abort(item(c, 0));
	was = region(c, 0);
	assert_int_equal(rig_reopen(c), 0);
	check_equal(c, &was, 0, false);
}

static void
test_a_torn_commit_is_not_counted(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_region_info was = region(c, 0);

	fault(c, 20, UINT64_MAX);
	jz_write(item(c, 0), nvm(c, 0)->text, "12345", 5);
	assert_int_equal(rig_reopen(c), 0);
	check_equal(c, &was, 0, true);
}

static void
test_they_are_not_part_of_the_image_hash(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t before[32], after[32];

	rig_hash(c, before);
	jz_write(item(c, 0), nvm(c, 0)->text, "\0\0\0\0", 4);
	assert_true(region(c, 0).writes > 0);
	rig_hash(c, after);
	assert_memory_equal(before, after, 32);
	jz_write(item(c, 0), nvm(c, 0)->text, "\1", 1);
	rig_hash(c, after);
	assert_memory_not_equal(before, after, 32);
	/* The registry is. */
	jz_write(item(c, 0), nvm(c, 0)->text, "\0", 1);
	jz_set_state(item(c, 0), 0x0F);
	rig_hash(c, after);
	assert_memory_not_equal(before, after, 32);
}

static void
test_a_new_instance_counts_from_its_installation(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_region_info was, is;

	assert_int_equal(
	    install_second(c, 0, JZ_PRIV_SECURITY_DOMAIN), JZ_SW_OK);
	was = region(c, 1);
	for (unsigned i = 0; i < 10; i++)
		jz_write(item(c, 0), nvm(c, 0)->text, "12345", 5);
	assert_int_equal(
	    jz_admin_delete(item(c, 1), &ITEM.aid, false), JZ_SW_OK);
	assert_int_equal(
	    jz_card_install(&c->card, &ITEM.aid, &ITEM.aid, NO_BYTES),
	    JZ_SW_OK);
	is = region(c, 0);
	assert_int_equal(is.writes, was.writes);
	assert_int_equal(is.written, was.written);
	was = is;
	assert_int_equal(rig_reopen(c), 0);
	check_equal(c, &was, 0, false);
}

/* ---- wear --------------------------------------------------------------- */

static void
test_wear_is_that_of_the_most_written_page(void **state)
{
	struct rig_card *c = card_of(state);
	uint32_t before = region(c, 0).wear;
	const uint8_t *text = nvm(c, 0)->text;
	/* Bytes up to the next page of the image. */
	size_t at = JZ_WEAR_BYTES - (size_t)(text - c->nvm) % JZ_WEAR_BYTES;

	for (unsigned i = 0; i < 5; i++)
		jz_write(item(c, 0), text + at + 128 + i, "x", 1);
	assert_int_equal(region(c, 0).wear, before > 5 ? before : 5);
	/* A write across a border wears two pages. */
	for (unsigned i = 0; i < 20; i++)
		jz_write(item(c, 0), text + at + 127, "xy", 2);
	assert_int_equal(region(c, 0).wear, 25);
	for (unsigned i = 0; i < 10; i++)
		jz_write(item(c, 0), text + at + 127, "x", 1);
	assert_int_equal(region(c, 0).wear, 30);
}

static void
test_a_card_that_counts_no_wear(void **state)
{
	struct rig_card *c = card_of(state);

	c->setup.wear = NULL;
	assert_int_equal(rig_reopen(c), 0);
	jz_write(item(c, 0), nvm(c, 0)->text, "x", 1);
	assert_int_equal(region(c, 0).wear, 0);
	assert_int_equal(region(c, RUNTIME).wear, 0);
	assert_true(region(c, 0).writes > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_each_region_says_whose_it_is_and_how_large),
	    T(test_a_free_place_and_one_that_is_none),
	    T(test_an_applet_without_its_class_keeps_its_region),
	    T(test_free_persistent_memory),
	    T(test_free_transient_memory),
	    T(test_writes_are_counted_where_they_happen),
	    T(test_what_is_rolled_back_was_not_written),
	    T(test_they_are_the_same_after_power_off),
	    T(test_they_are_the_same_after_a_fold),
	    T(test_a_fold_beside_a_transaction_counts_what_is_stored),
	    T(test_a_torn_commit_is_not_counted),
	    T(test_they_are_not_part_of_the_image_hash),
	    T(test_a_new_instance_counts_from_its_installation),
	    T(test_wear_is_that_of_the_most_written_page),
	    T(test_a_card_that_counts_no_wear),
	};

	return cmocka_run_group_tests_name("statistics", tests, NULL, NULL);
}
