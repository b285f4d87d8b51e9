/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card's random generator (applet/runtime/random.c): its construction, its
 * persisted state, and that it does not go back.
 */
#include "dice_bench.h"

#define SESSIONS_MAX 4096u

/* ---- construction ------------------------------------------------------- */

/* H(label || K || a || b), written anew from random.c's first comment. */
static void
hash_of(struct rig_card *c, const char *label, const uint8_t *k,
    struct jz_span a, struct jz_span b, uint8_t *out)
{
	const struct jz_span parts[] = {
	    jz_span(label, 8), jz_span(k, 32), a, b};
	uint8_t hash[32];

	assert_int_equal(real->hash(c->setup.engine.state, parts, 4, hash), 0);
	memcpy(out, hash, 32);
}

static struct jz_span
entropy(struct rig_card *c, uint64_t *at, uint8_t out[static ENTROPY])
{
	for (unsigned i = 0; i < ENTROPY; i++)
		out[i] = good_byte(c->setup.engine.state, (*at)++);
	return jz_span(out, ENTROPY);
}

/* Two draws of a power session, and the persisted state. */
static void
test_the_bytes_are_those_of_the_description(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t k[32] = {0}, p[32], e[ENTROPY], out[80], expected[96], at[4],
		salt[32];
	uint64_t from = 0;

	begin(GOOD);
	assert_int_equal(rig_reopen(c), 0);
	memcpy(p, persisted(c), sizeof(p));
	for (unsigned i = 0; i < 16; i++)
		hash_of(c, "jz start", k, entropy(c, &from, e), NO_BYTES, k);
	hash_of(c, "jz seed ", k, jz_span(p, 32), entropy(c, &from, e), k);
	hash_of(c, "jz keep ", k, NO_BYTES, NO_BYTES, p);
	hash_of(c, "jz work ", k, NO_BYTES, NO_BYTES, k);
	/* The log begins a session, under a salt of its own. */
	hash_of(c, "jz salt ", k, NO_BYTES, entropy(c, &from, e), salt);
	for (unsigned n = 0; n < 2; n++) {
		hash_of(c, "jz mix  ", k, entropy(c, &from, e), NO_BYTES, k);
		for (uint8_t i = 0; i < 3; i++) {
			jz_set_be(at, 4, i);
			hash_of(c, "jz out  ", k, jz_span(at, 4), NO_BYTES,
			    expected + (size_t)32 * i);
		}
		hash_of(c, "jz next ", k, NO_BYTES, NO_BYTES, k);
		assert_int_equal(jz_card_random(dice(c), out, sizeof(out)), 0);
		assert_memory_equal(out, expected, sizeof(out));
	}
	assert_memory_equal(persisted(c), p, 32);
	assert_memory_equal(c->card.log.salt, salt, JZ_LOG_SALT_BYTES);
	assert_int_equal(source.at, from);
}

static void
test_any_length_and_never_the_same_twice(void **state)
{
	static const size_t lengths[] = {0, 1, 15, 16, 31, 32, 33, 64, 1000};
	static uint8_t out[64][OUT];
	struct rig_card *c = card_of(state);
	uint8_t bytes[1001];

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t n = lengths[i];

		memset(bytes, 0, sizeof(bytes));
		assert_int_equal(jz_card_random(dice(c), bytes, n), 0);
		assert_int_equal(bytes[n], 0);
	}
	for (unsigned i = 0; i < 64; i++) {
		assert_int_equal(draw(c, out[i]), 0);
		for (unsigned k = 0; k < i; k++)
			assert_memory_not_equal(out[i], out[k], OUT);
	}
	/* Nor within one answer: blocks of a long one differ. */
	for (unsigned i = 32; i < 960; i += 32)
		assert_memory_not_equal(bytes, bytes + i, 32);
}

static void
test_the_same_source_and_script_give_the_same_bytes(void **state)
{
	struct bench *b = *state;
	uint8_t first[4 * OUT], second[4 * OUT];
	struct rig_card *c;

	for (unsigned run = 0; run < 2; run++) {
		uint8_t *out = run == 0 ? first : second;

		b->rig.engine.crypto = real;
		c = new_card(b, true);
		for (unsigned i = 0; i < 2; i++) {
			assert_int_equal(draw(c, out + OUT * i), 0);
			assert_int_equal(rig_reopen(c), 0);
			assert_int_equal(draw(c, out + OUT * (2 + i)), 0);
		}
		rig_card_free(&c);
	}
	assert_memory_equal(first, second, sizeof(first));
}

/* ---- the persisted state ------------------------------------------------ */

static void
test_opening_draws_and_writes_nothing(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_fault_count was = jz_fault_counters(c->fault);

	begin(ERROR);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(select_on(c, &DICE.aid, 0), JZ_SW_OK);
	assert_int_equal(say(c, INS_NOT), JZ_SW_OK);
	assert_int_equal(source.at, 0);
	assert_int_equal(jz_fault_counters(c->fault).bytes, was.bytes);
}

static void
test_one_write_a_power_session(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_fault_count was, is;
	uint8_t out[OUT], p[32];

	for (unsigned session = 0; session < 3; session++) {
		assert_int_equal(rig_reopen(c), 0);
		memcpy(p, persisted(c), sizeof(p));
		was = jz_fault_counters(c->fault);
		assert_int_equal(draw(c, out), 0);
		is = jz_fault_counters(c->fault);
		assert_int_equal(is.appends, was.appends + 1);
		assert_int_equal(is.syncs, was.syncs + 1);
		assert_memory_not_equal(p, persisted(c), sizeof(p));
		for (unsigned i = 0; i < 20; i++)
			assert_int_equal(draw(c, out), 0);
		jz_card_reset(&c->card);
		assert_int_equal(draw(c, out), 0);
		assert_int_equal(jz_fault_counters(c->fault).syncs, is.syncs);
	}
}

static void
test_the_renewal_is_no_part_of_a_transaction(void **state)
{
	struct rig_card *c = card_of(state);
	const struct dice_nvm *n = dice(c)->nvm;
	uint8_t out[OUT], p[32];

	assert_int_equal(rig_reopen(c), 0);
	jz_begin(dice(c));
	jz_write_u32(dice(c), &n->number, 7);
	assert_int_equal(draw(c, out), 0);
	memcpy(p, persisted(c), sizeof(p));
	assert_int_equal(n->number, 7);
	jz_abort(dice(c));
	assert_int_equal(n->number, 0);
	assert_memory_equal(p, persisted(c), sizeof(p));
	assert_int_equal(rig_reopen(c), 0);
	assert_memory_equal(p, persisted(c), sizeof(p));
	assert_int_equal(n->number, 0);
}

static void
test_install_may_draw(void **state)
{
	static const struct jz_aid second = {6, {0xF0, 'D', 'I', 'C', 'E', 2}};
	struct rig_card *c = card_of(state);
	const struct dice_nvm *n;

	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(jz_card_install(&c->card, &DICE.aid, &second,
			     jz_span((const uint8_t *)"x", 1)),
	    JZ_SW_OK);
	assert_int_equal(rig_reopen(c), 0);
	n = c->card.applet[1].nvm;
	assert_int_not_equal(n->number, 0);
}

/* A new card has one of its own. */
static void
test_a_new_card_begins_with_a_random_state(void **state)
{
	struct bench *b = *state;
	uint8_t p[32];
	struct rig_card *c;

	memcpy(p, persisted(card_of(state)), sizeof(p));
	b->rig.engine.crypto = real;
	c = new_card(b, true);
	/* The same source gives the same, another one another. */
	assert_memory_equal(p, persisted(c), sizeof(p));
	source.seed = 2;
	assert_int_equal(jz_card_format(&c->card, &c->setup), 0);
	assert_memory_not_equal(p, persisted(c), sizeof(p));
	rig_card_free(&c);
}

static void
test_it_is_no_part_of_the_image_hash(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t before[32], after[32], out[OUT];

	assert_int_equal(rig_reopen(c), 0);
	rig_hash(c, before);
	assert_int_equal(draw(c, out), 0);
	rig_hash(c, after);
	assert_memory_equal(before, after, 32);
}

/* What was told so far. */
struct told {
	size_t n;
	uint8_t out[SESSIONS_MAX][OUT];
};

static void
tell(struct told *t, const uint8_t out[static OUT])
{
	assert_true(t->n < SESSIONS_MAX);
	for (size_t i = 0; i < t->n; i++)
		assert_memory_not_equal(t->out[i], out, OUT);
	memcpy(t->out[t->n++], out, OUT);
}

/*
 * proves: ALL-3.  A source that says the same after each power-up, and power
 * cut at each byte that the first draw writes: what was drawn before the cut is
 * never drawn again.
 */
static void
test_a_broken_source_repeats_nothing_across_power_ups(void **state)
{
	static struct told told;
	struct rig_card *c = card_of(state);
	uint8_t out[OUT];
	unsigned cut = 0;

	memset(&told, 0, sizeof(told));
	for (uint64_t at = 0; at < 1500; at++) {
		begin(GOOD);
		assert_int_equal(rig_reopen(c), 0);
		fault(c, at, at % 2 == 0 ? UINT64_MAX : 0);
		if (draw(c, out) != 0) {
			cut++;
			continue;
		}
		tell(&told, out);
		assert_int_equal(draw(c, out), 0);
		tell(&told, out);
	}
	assert_true(cut > 100 && told.n > 400);
}

static void
test_a_draw_that_cannot_be_stored_says_nothing(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_fault_plan plan = JZ_FAULT_NO_PLAN;
	uint8_t out[OUT], zero[OUT] = {0};

	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(select_on(c, &DICE.aid, 0), JZ_SW_OK);
	plan.fail_sync = 1;
	jz_fault_plan(c->fault, &plan);
	memset(out, 0xEE, sizeof(out));
	assert_int_equal(draw(c, out), JZ_ERR_CARD_STORAGE);
	assert_memory_equal(out, zero, sizeof(out));
	assert_int_equal(say(c, INS_DRAW), JZ_SW_MEMORY_FAILURE);
	assert_int_equal(draw(c, out), JZ_ERR_CARD_DEAD);
}

/* ---- it does not go back ------------------------------------------------ */

/* Draws some, in this session and the next two. */
static void
draw_on(struct rig_card *c, struct told *told)
{
	uint8_t out[OUT];

	for (unsigned session = 0; session < 3; session++) {
		for (unsigned i = 0; i < 5; i++) {
			assert_int_equal(draw(c, out), 0);
			tell(told, out);
		}
		if (c->fault == NULL)
			continue;
		begin(GOOD); /* the same again */
		assert_int_equal(rig_reopen(c), 0);
	}
}

/* The source, too, is where it was: all that could repeat does. */
static void
test_a_rewound_card_draws_nothing_again(void **state)
{
	static struct told told;
	struct rig_card *c = card_of(state);
	uint8_t out[OUT];
	struct source then;
	void *s;

	for (unsigned drawn = 0; drawn < 2; drawn++) {
		memset(&told, 0, sizeof(told));
		begin(GOOD);
		if (c->fault != NULL)
			assert_int_equal(rig_reopen(c), 0);
		if (drawn != 0)
			assert_int_equal(draw(c, out), 0);
		s = save(c);
		then = source;
		for (unsigned i = 0; i < 4; i++) {
			draw_on(c, &told);
			source = then;
			assert_int_equal(jz_card_rewind(&c->card, s), 0);
		}
		draw_on(c, &told);
		free(s);
	}
}

static void
test_a_restored_card_draws_nothing_again(void **state)
{
	static struct told told;
	struct rig_card *c = card_of(state);
	struct source then = source;
	void *s = save(c);

	memset(&told, 0, sizeof(told));
	for (unsigned i = 0; i < 4; i++) {
		draw_on(c, &told);
		source = then;
		jz_card_restore(&c->card, s);
	}
	free(s);
}

/* Each power session of either finds the source where every other did. */
static void
test_a_fork_draws_what_its_origin_does_not(void **state)
{
	static struct told told;
	struct bench *b = *state;
	struct rig_card *c = card_of(state), *f;
	void *s;

	memset(&told, 0, sizeof(told));
	f = rig_card_new(&b->rig, NULL, 0, true);
	f->setup.classes = CLASSES;
	f->setup.n_classes = 1;
	jz_card_close(&f->card);
	begin(GOOD);
	assert_int_equal(rig_reopen(c), 0);
	s = save(c);
	draw_on(c, &told);
	for (unsigned i = 0; i < 2; i++) {
		/* A second one, of a source that says something else. */
		begin(GOOD);
		source.seed += i;
		assert_int_equal(jz_card_fork(&f->card, &f->setup, s), 0);
		begin(GOOD);
		assert_int_equal(rig_reopen(f), 0);
		draw_on(f, &told);
	}
	/* None at all of one that is broken. */
	begin(CONSTANT);
	assert_int_equal(jz_card_fork(&f->card, &f->setup, s), JZ_ERR_CRYPTO);
	free(s);
	rig_card_free(&f);
}

/* Copied as bytes, without a word to the runtime: a source that works parts
 * them at the next draw. */
static void
test_a_copy_of_a_running_card_draws_something_else(void **state)
{
	struct rig_card *c = card_of(state), *copy;
	uint8_t a[OUT], b[OUT];

	assert_int_equal(draw(c, a), 0);
	copy = aligned_alloc(_Alignof(struct rig_card), sizeof(*copy));
	assert_non_null(copy);
	*copy = *c;
	copy->card.applet[0].card = &copy->card;
	assert_int_equal(draw(c, a), 0);
	assert_int_equal(draw(copy, b), 0);
	assert_memory_not_equal(a, b, OUT);
	free(copy);
}

int
main(void)
{
#define BARE(f) cmocka_unit_test_setup_teardown(f, setup_bare, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_the_bytes_are_those_of_the_description),
	    T(test_any_length_and_never_the_same_twice),
	    T(test_the_same_source_and_script_give_the_same_bytes),
	    T(test_opening_draws_and_writes_nothing),
	    T(test_one_write_a_power_session),
	    T(test_the_renewal_is_no_part_of_a_transaction),
	    T(test_install_may_draw),
	    T(test_a_new_card_begins_with_a_random_state),
	    T(test_it_is_no_part_of_the_image_hash),
	    T(test_a_broken_source_repeats_nothing_across_power_ups),
	    T(test_a_draw_that_cannot_be_stored_says_nothing),
	    T(test_a_rewound_card_draws_nothing_again),
	    BARE(test_a_restored_card_draws_nothing_again),
	    T(test_a_fork_draws_what_its_origin_does_not),
	    BARE(test_a_copy_of_a_running_card_draws_something_else),
	};

	return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
