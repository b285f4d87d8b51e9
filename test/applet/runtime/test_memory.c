/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quotas: GlobalPlatform 11.5.2.3.7, tags C7 (transient memory) and C8
 * (persistent memory), and what an applet takes of its region.
 */
#include "card_bench.h"

#define EXTRA 600u

struct heap_nvm {
	struct jz_nvm_head head;
	uint32_t block; /* offset of what was taken, in the region */
	uint8_t text[3];
	uint8_t reserved; /* the struct ends at no multiple of eight */
};
_Static_assert(sizeof(struct heap_nvm) % 8 == 0, "taken memory is aligned");

/* One parameter: so many bytes are taken, and their first is set. */
static uint16_t
heap_install(struct jz_applet *self, struct jz_span params)
{
	const void *p;
	int e;

	if (params.len == 0)
		return JZ_SW_OK;
	e = jz_nvm_take(self, params.data[0], &p);
	if (e == 0)
		e = jz_write(self, p, "\xC8", 1);
	if (e == 0)
		e = jz_write_nonatomic(
		    self, ((const struct heap_nvm *)self->nvm)->text, "abc", 3);
	return jz_runtime_status(e);
}

/* Takes as many bytes as P1 P2 say. */
static uint16_t
heap_process(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct jz_command *c = &apdu->command;
	const void *p;

	return jz_runtime_status(
	    jz_nvm_take(self, (uint32_t)c->p1 << 8 | c->p2, &p));
}

/* An applet that was taken 16 bytes takes as many again. */
static int
heap_upgrade(struct jz_applet *self, uint16_t from, struct jz_span old)
{
	const struct jz_nvm_head *was =
	    (const struct jz_nvm_head *)(const void *)old.data;
	const struct heap_nvm *n = self->nvm;
	const void *p = NULL;
	int e = jz_nvm_take(self, was->taken - (uint32_t)sizeof(*n), &p);

	assert_int_equal(from, 1);
	return e != 0 ? e : jz_write(self, p, old.data + sizeof(*n), 16);
}

static const struct jz_applet_class HEAP = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "heap",
    .aid = {6, {0xF0, 'H', 'E', 'A', 'P', 1}},
    .nvm_bytes = sizeof(struct heap_nvm),
    .cor_bytes = 10,
    .cod_bytes = 20,
    .install = heap_install,
    .process = heap_process,
};
static const struct jz_applet_class HEAP_NEWER = {
    .abi = JZ_ABI,
    .layout = 2,
    .name = "heap",
    .aid = {6, {0xF0, 'H', 'E', 'A', 'P', 1}},
    .nvm_bytes = sizeof(struct heap_nvm),
    .process = heap_process,
    .upgrade = heap_upgrade,
};
/* Its struct is not a multiple of eight. */
static const struct jz_applet_class ODD = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "odd",
    .aid = {6, {0xF0, 'H', 'E', 'A', 'P', 2}},
    .nvm_bytes = sizeof(struct jz_nvm_head) + 5,
    .process = heap_process,
};
/* No room for the head. */
static const struct jz_applet_class HEADLESS = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "headless",
    .aid = {6, {0xF0, 'H', 'E', 'A', 'P', 3}},
    .nvm_bytes = sizeof(struct jz_nvm_head) - 1,
    .process = heap_process,
};
static const struct jz_applet_class *const CLASSES[] = {&HEAP, &ODD, &HEADLESS};

static int
setup(void **state)
{
	return bench_empty(state, CLASSES, 3);
}

static uint16_t
install_as(struct rig_card *c, const struct jz_applet_class *class,
    uint32_t nvm_quota, uint32_t ram_quota)
{
	struct jz_install order = {0};

	order.module = class->aid;
	order.instance = class->aid;
	order.selectable = true;
	order.nvm_quota = nvm_quota;
	order.ram_quota = ram_quota;
	return jz_card_install_as(&c->card, &order);
}

static struct jz_applet *
heap(struct rig_card *c)
{
	return &c->card.applet[0];
}

static const struct heap_nvm *
nvm(struct rig_card *c)
{
	return (const struct heap_nvm *)heap(c)->nvm;
}

/* A heap with room for EXTRA bytes beyond its struct. */
static void
install(struct rig_card *c)
{
	assert_int_equal(
	    install_as(c, &HEAP, sizeof(struct heap_nvm) + EXTRA, 0), JZ_SW_OK);
}

static const uint8_t *
take(struct rig_card *c, uint32_t bytes)
{
	const void *p = NULL;

	assert_int_equal(jz_nvm_take(heap(c), bytes, &p), 0);
	assert_non_null(p);
	return p;
}

static void
assert_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		assert_int_equal(p[i], 0);
}

/* ---- INSTALL ------------------------------------------------------------ */

static void
test_a_quota_is_the_size_of_the_region(void **state)
{
	struct rig_card *c = card_of(state);

	install(c);
	assert_int_equal(nvm(c)->head.size, sizeof(struct heap_nvm) + EXTRA);
	assert_int_equal(nvm(c)->head.taken, sizeof(struct heap_nvm));
	assert_int_equal(heap(c)->nvm_bytes, nvm(c)->head.size);
}

static void
test_without_a_quota_the_region_is_the_struct(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(install_as(c, &HEAP, 0, 0), JZ_SW_OK);
	assert_int_equal(nvm(c)->head.size, sizeof(struct heap_nvm));
	assert_int_equal(
	    port_hex(&c->port, "00A4040006 F04845415001 00", NULL), JZ_SW_OK);
	assert_int_equal(port_hex(&c->port, "80100001", NULL), JZ_SW_SPACE);
}

/* The status word, and nothing of it is left. */
static void
check_refused(struct rig_card *c, const struct jz_applet_class *class,
    uint32_t nvm_quota, uint32_t ram_quota, uint16_t sw)
{
	uint8_t before[32], after[32];

	rig_hash(c, before);
	assert_int_equal(install_as(c, class, nvm_quota, ram_quota), sw);
	rig_hash(c, after);
	assert_memory_equal(before, after, 32);
	assert_false(heap(c)->present);
	assert_false(c->card.dead);
}

static void
test_a_quota_below_the_struct_is_6a84(void **state)
{
	struct rig_card *c = card_of(state);

	check_refused(c, &HEAP, 1, 0, JZ_SW_SPACE);
	check_refused(c, &HEAP, sizeof(struct heap_nvm) - 1, 0, JZ_SW_SPACE);
	assert_int_equal(
	    install_as(c, &HEAP, sizeof(struct heap_nvm), 0), JZ_SW_OK);
}

static void
test_a_quota_above_what_is_free_is_6a84(void **state)
{
	struct rig_card *c = card_of(state);
	uint32_t room = jz_card_nvm_free(&c->card);

	check_refused(c, &HEAP, UINT32_MAX, 0, JZ_SW_SPACE);
	check_refused(c, &HEAP, room + 1, 0, JZ_SW_SPACE);
	/* All of it, rounded down to where a region may end. */
	room &= ~(uint32_t)(JZ_REGION_ALIGN - 1);
	assert_int_equal(install_as(c, &HEAP, room, 0), JZ_SW_OK);
	assert_true(jz_card_nvm_free(&c->card) < JZ_REGION_ALIGN);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(heap(c)->nvm_bytes, room);
}

static void
test_transient_memory_above_its_quota_is_6a84(void **state)
{
	struct rig_card *c = card_of(state);
	uint32_t wants = HEAP.cor_bytes + HEAP.cod_bytes;

	check_refused(c, &HEAP, 0, wants - 1, JZ_SW_SPACE);
	check_refused(c, &HEAP, 0, 1, JZ_SW_SPACE);
	assert_int_equal(install_as(c, &HEAP, 0, wants), JZ_SW_OK);
}

static void
test_a_class_without_room_for_its_head_is_6a80(void **state)
{
	struct rig_card *c = card_of(state);

	check_refused(c, &HEADLESS, 0, 0, JZ_SW_DATA);
	check_refused(c, &HEADLESS, 4096, 0, JZ_SW_DATA);
}

/* ---- taking ------------------------------------------------------------- */

static void
test_taken_memory_is_aligned_zero_and_the_applets_own(void **state)
{
	struct rig_card *c = card_of(state);
	const uint8_t *end, *last = NULL;

	assert_int_equal(install_as(c, &ODD, 4096, 0), JZ_SW_OK);
	end = (const uint8_t *)heap(c)->nvm + ODD.nvm_bytes;
	for (uint32_t n = 1; n < 40; n += 3) {
		const uint8_t *p = take(c, n);

		assert_int_equal((uintptr_t)p % sizeof(uint64_t), 0);
		assert_true(p >= end);
		assert_zero(p, n);
		assert_int_equal(jz_fill(heap(c), p, 0xAA, n), 0);
		if (last != NULL)
			assert_int_equal(*last, 0xAA);
		last = p;
		end = p + n;
	}
	assert_int_equal(((const struct jz_nvm_head *)heap(c)->nvm)->taken,
	    (size_t)(end - (const uint8_t *)heap(c)->nvm));
}

static void
test_memory_is_taken_until_the_quota_is_full(void **state)
{
	struct rig_card *c = card_of(state);
	const void *p = state;
	uint32_t full;

	install(c);
	for (uint32_t left = EXTRA; left > 0; left -= 8)
		take(c, 8);
	full = nvm(c)->head.taken;
	assert_int_equal(full, nvm(c)->head.size);
	assert_int_equal(jz_nvm_take(heap(c), 1, &p), JZ_ERR_CARD_FULL);
	assert_null(p);
	assert_int_equal(
	    jz_nvm_take(heap(c), UINT32_MAX, &p), JZ_ERR_CARD_FULL);
	assert_int_equal(nvm(c)->head.taken, full);
	assert_int_equal(jz_nvm_take(heap(c), 0, &p), 0);
	/* Nothing beyond the region was touched. */
	assert_int_equal(install_as(c, &ODD, 0, 0), JZ_SW_OK);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(nvm(c)->head.taken, full);
}

static void
test_a_full_quota_is_6a84_to_the_host(void **state)
{
	struct rig_card *c = card_of(state);

	install(c);
	assert_int_equal(select_on(c, &HEAP.aid, 0), JZ_SW_OK);
	assert_int_equal(port_hex(&c->port, "8010025A", NULL), JZ_SW_SPACE);
	assert_int_equal(port_hex(&c->port, "80100258", NULL), JZ_SW_OK);
	assert_int_equal(port_hex(&c->port, "80100001", NULL), JZ_SW_SPACE);
}

static void
test_what_was_taken_survives_power_off(void **state)
{
	struct rig_card *c = card_of(state);
	const uint8_t *p;
	size_t at;

	install(c);
	p = take(c, 16);
	at = (size_t)(p - (const uint8_t *)heap(c)->nvm);
	assert_int_equal(jz_write(heap(c), p, "0123456789ABCDEF", 16), 0);
	assert_int_equal(rig_reopen(c), 0);
	assert_memory_equal(
	    (const uint8_t *)heap(c)->nvm + at, "0123456789ABCDEF", 16);
	/* What is taken next comes behind it. */
	assert_ptr_equal(take(c, 8), (const uint8_t *)heap(c)->nvm + at + 16);
}

static void
test_memory_taken_in_a_transaction_goes_with_it(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t before[32], after[32];
	const uint8_t *p;

	install(c);
	rig_hash(c, before);
	jz_begin(heap(c));
	p = take(c, 32);
	assert_int_equal(jz_write(heap(c), p, "gone", 4), 0);
	assert_int_equal(jz_abort(heap(c)), 0);
	rig_hash(c, after);
	assert_memory_equal(before, after, 32);
	/* It is not the applet's any more. */
	assert_int_equal(jz_write(heap(c), p, "gone", 4), JZ_ERR_ARGUMENT);
	/* A power cut does the same. */
	jz_begin(heap(c));
	take(c, 32);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(nvm(c)->head.taken, sizeof(struct heap_nvm));
	assert_ptr_equal(take(c, 32), p);
}

/* What is written beside a transaction outlives the taking that it undoes. */
static void
test_memory_taken_again_is_zero(void **state)
{
	struct rig_card *c = card_of(state);
	static uint8_t dirt[EXTRA];
	const uint8_t *p;

	install(c);
	memset(dirt, 0xD1, sizeof(dirt));
	jz_begin(heap(c));
	p = take(c, EXTRA);
	assert_int_equal(jz_write_nonatomic(heap(c), p, dirt, EXTRA), 0);
	jz_abort(heap(c));
	assert_int_equal(p[EXTRA - 1], 0xD1);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(p[EXTRA - 1], 0xD1);
	jz_begin(heap(c));
	assert_ptr_equal(take(c, EXTRA), p);
	assert_zero(p, EXTRA);
	assert_int_equal(jz_commit(heap(c)), 0);
	assert_int_equal(rig_reopen(c), 0);
	assert_zero(p, EXTRA);
}

static void
test_a_transaction_without_room_takes_nothing(void **state)
{
	struct rig_card *c = card_of(state);
	const void *p = state;

	install(c);
	jz_begin(heap(c));
	for (unsigned i = 0; i < JZ_JOURNAL_PATCHES; i++)
		jz_write(heap(c), nvm(c)->text, "x", 1);
	assert_int_equal(jz_nvm_take(heap(c), 8, &p), JZ_ERR_CARD_FULL);
	assert_null(p);
	assert_int_equal(jz_commit(heap(c)), JZ_ERR_CARD_FULL);
	assert_int_equal(nvm(c)->head.taken, sizeof(struct heap_nvm));
}

/* proves: ALL-3 (memory is taken and filled, or not) */
static void
test_a_cut_at_any_byte_takes_all_or_nothing(void **state)
{
	struct rig_card *c = card_of(state);
	struct rig_snapshot *s;
	bool done = false;
	unsigned taken = 0, not_taken = 0;

	install(c);
	s = rig_save(c);
	for (uint64_t at = 0; !done; at++) {
		uint32_t from = sizeof(struct heap_nvm);

		rig_restore(c, s);
		fault(c, at, at % 2);
		jz_begin(heap(c));
		jz_write(heap(c), take(c, 16), "0123456789ABCDEF", 16);
		jz_write(heap(c), &nvm(c)->block, &from, sizeof(from));
		done = jz_commit(heap(c)) == 0;
		assert_int_equal(rig_reopen(c), 0);
		if (nvm(c)->head.taken == from) {
			assert_true(rig_unchanged(c, s));
			not_taken++;
			continue;
		}
		assert_int_equal(nvm(c)->head.taken, from + 16);
		assert_int_equal(nvm(c)->block, from);
		assert_memory_equal((const uint8_t *)heap(c)->nvm + from,
		    "0123456789ABCDEF", 16);
		taken++;
	}
	assert_true(taken >= 1 && not_taken > 100);
	rig_snapshot_free(&s);
}

/* ---- in install and upgrade --------------------------------------------- */

static uint16_t
install_taking(struct rig_card *c, uint8_t bytes)
{
	struct jz_install order = {0};

	order.module = HEAP.aid;
	order.instance = HEAP.aid;
	order.selectable = true;
	order.nvm_quota = sizeof(struct heap_nvm) + 16;
	order.params = jz_span(&bytes, 1);
	return jz_card_install_as(&c->card, &order);
}

static void
test_install_takes_and_writes_beside(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(install_taking(c, 16), JZ_SW_OK);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(nvm(c)->head.taken, sizeof(struct heap_nvm) + 16);
	assert_int_equal(((const uint8_t *)(nvm(c) + 1))[0], 0xC8);
	assert_memory_equal(nvm(c)->text, "abc", 3);
}

static void
test_an_install_that_takes_too_much_is_6a84(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t before[32], after[32];

	rig_hash(c, before);
	assert_int_equal(install_taking(c, 17), JZ_SW_SPACE);
	rig_hash(c, after);
	assert_memory_equal(before, after, 32);
	assert_int_equal(install_taking(c, 16), JZ_SW_OK);
}

static void
test_upgrade_takes_again(void **state)
{
	static const struct jz_applet_class *const newer[] = {&HEAP_NEWER};
	struct rig_card *c = card_of(state);

	assert_int_equal(install_taking(c, 16), JZ_SW_OK);
	c->setup.classes = newer;
	c->setup.n_classes = 1;
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(nvm(c)->head.layout, 2);
	assert_int_equal(nvm(c)->head.taken, sizeof(struct heap_nvm) + 16);
	assert_int_equal(((const uint8_t *)(nvm(c) + 1))[0], 0xC8);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(((const uint8_t *)(nvm(c) + 1))[0], 0xC8);
}

/* ---- the image's layout ------------------------------------------------- */

static void
test_another_layout_of_the_image_is_a_version_and_is_left_alone(void **state)
{
	static const uint32_t others[] = {
	    0, JZ_NVM_LAYOUT - 1, JZ_NVM_LAYOUT + 1, UINT32_MAX};
	struct rig_card *c = card_of(state);
	struct jz_log_env env = {.chip = &jz_fault_chip,
	    .chip_state = c->fault,
	    .engine = &c->setup.engine,
	    .image = c->nvm,
	    .image_bytes = sizeof(c->nvm),
	    .seal_key = c->setup.seal_key,
	    .hint = c->setup.hint};
	uint32_t used = ((const struct jz_nvm_root *)(void *)c->nvm)->used;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		uint8_t before[32], after[32];
		struct jz_span stored;
		struct jz_log log;

		/* Also one whose other fields are elsewhere, or not there. */
		memset(c->nvm, 0x22, used);
		memcpy(c->nvm, &others[i], sizeof(others[i]));
		assert_int_equal(
		    jz_log_format(&log, &env, i % 2 == 0 ? used : 32), 0);
		stored = jz_fault_content(c->fault);
		c->setup.engine.crypto->hash(
		    c->setup.engine.state, &stored, 1, before);
		assert_int_equal(rig_reopen(c), JZ_ERR_CARD_VERSION);
		stored = jz_fault_content(c->fault);
		c->setup.engine.crypto->hash(
		    c->setup.engine.state, &stored, 1, after);
		assert_memory_equal(before, after, 32);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_a_quota_is_the_size_of_the_region),
	    T(test_without_a_quota_the_region_is_the_struct),
	    T(test_a_quota_below_the_struct_is_6a84),
	    T(test_a_quota_above_what_is_free_is_6a84),
	    T(test_transient_memory_above_its_quota_is_6a84),
	    T(test_a_class_without_room_for_its_head_is_6a80),
	    T(test_taken_memory_is_aligned_zero_and_the_applets_own),
	    T(test_memory_is_taken_until_the_quota_is_full),
	    T(test_a_full_quota_is_6a84_to_the_host),
	    T(test_what_was_taken_survives_power_off),
	    T(test_memory_taken_in_a_transaction_goes_with_it),
	    T(test_memory_taken_again_is_zero),
	    T(test_a_transaction_without_room_takes_nothing),
	    T(test_a_cut_at_any_byte_takes_all_or_nothing),
	    T(test_install_takes_and_writes_beside),
	    T(test_an_install_that_takes_too_much_is_6a84),
	    T(test_upgrade_takes_again),
	    T(test_another_layout_of_the_image_is_a_version_and_is_left_alone),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
