/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card's random generator (applet/runtime/random.c): its construction, its
 * persisted state, its health tests, and that it does not go back.
 */
#include "card_bench.h"

#define ENTROPY	     64u
#define START	     1024u
#define WINDOW	     512u
#define OUT	     16u
#define SESSIONS_MAX 4096u

/* ---- a source of randomness that does as it is told --------------------- */

enum mode {
	GOOD,
	ERROR,
	CONSTANT, /* one byte, for ever */
	PERIOD,	  /* `n` bytes, over and over */
	STUCK,	  /* the same bytes at every call */
	EIGHTH,	  /* every eighth byte is the same */
	TAPE,	  /* tape[], then GOOD */
};

struct source {
	enum mode mode, then;
	uint64_t from; /* the byte from which on it is in mode `then` */
	unsigned n;
	uint64_t at; /* bytes drawn */
	uint64_t seed;
	bool hash_fails;
	uint8_t tape[4 * START];
};
static struct source source;
static const struct jz_crypto *real; /* the rig's table */
static struct jz_crypto table;

/* Byte i of a good source. */
static uint8_t
good_byte(void *state, uint64_t i)
{
	uint8_t in[16], out[JZ_HASH_BYTES];
	const struct jz_span part = jz_span(in, sizeof(in));

	jz_set_be(in, 8, source.seed);
	jz_set_be(in + 8, 8, i / sizeof(out));
	assert_int_equal(real->hash(state, &part, 1, out), 0);
	return out[i % sizeof(out)];
}

static uint8_t
next_byte(void *state, enum mode mode, size_t in_call)
{
	uint64_t i = source.at++;

	switch (mode) {
	case CONSTANT:
		return 0x5A;
	case PERIOD:
		return good_byte(state, i % source.n);
	case STUCK:
		return good_byte(state, in_call);
	case EIGHTH:
		return i % 8 == 0 ? 0x55 : good_byte(state, i) | 0x80;
	case TAPE:
		return i < sizeof(source.tape) ? source.tape[i]
					       : good_byte(state, i);
	default:
		return good_byte(state, i);
	}
}

static int
source_random(void *state, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		enum mode m =
		    source.at >= source.from ? source.then : source.mode;

		if (m == ERROR) {
			memset(out, 0, len);
			return JZ_ERR_CRYPTO;
		}
		out[i] = next_byte(state, m, i);
	}
	return 0;
}

static int
source_hash(void *state, const struct jz_span *parts, size_t n,
    uint8_t out[static JZ_HASH_BYTES])
{
	if (source.hash_fails)
		return JZ_ERR_CRYPTO;
	return real->hash(state, parts, n, out);
}

/* From the next byte on. */
static void
turn(enum mode mode)
{
	source.then = mode;
	source.from = source.at;
}

/* A new source, at its beginning. */
static void
begin(enum mode mode)
{
	memset(&source, 0, sizeof(source));
	source.mode = mode;
	source.then = mode;
	source.from = UINT64_MAX;
	source.seed = 1;
	source.n = 1;
}

/* ---- an applet that draws ----------------------------------------------- */

struct dice_nvm {
	struct jz_nvm_head head;
	uint32_t number;
	uint8_t reserved[4];
};

#define INS_DRAW 0x10
#define INS_NOT	 0x12

static uint16_t
dice_process(struct jz_applet *self, struct jz_apdu *apdu)
{
	uint8_t bytes[OUT];
	int e;

	if (apdu->command.ins != INS_DRAW)
		return JZ_SW_OK;
	e = jz_card_random(self, bytes, sizeof(bytes));
	jz_put(&apdu->out, bytes, sizeof(bytes));
	return jz_runtime_status(e);
}

/* With a parameter it draws. */
static uint16_t
dice_install(struct jz_applet *self, struct jz_span params)
{
	const struct dice_nvm *n = self->nvm;
	uint32_t v = 0;
	int e = 0;

	if (params.len > 0)
		e = jz_card_random(self, &v, sizeof(v));
	if (e == 0)
		e = jz_write_u32(self, &n->number, v);
	return jz_runtime_status(e);
}

static const struct jz_applet_class DICE = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "dice",
    .aid = {6, {0xF0, 'D', 'I', 'C', 'E', 1}},
    .nvm_bytes = sizeof(struct dice_nvm),
    .install = dice_install,
    .process = dice_process,
};
static const struct jz_applet_class *const CLASSES[] = {&DICE};

static struct rig_card *
new_card(struct bench *b, bool storage)
{
	begin(GOOD);
	real = b->rig.engine.crypto;
	table = *real;
	table.random = source_random;
	table.hash = source_hash;
	b->rig.engine.crypto = &table;
	return rig_card_new(&b->rig, CLASSES, 1, storage);
}

static int
make(void **state, bool storage)
{
	struct bench *b = bench_loose();

	b->card = new_card(b, storage);
	*state = b;
	return 0;
}

static int
setup(void **state)
{
	return make(state, true);
}

static int
setup_bare(void **state)
{
	return make(state, false);
}

static struct jz_applet *
dice(struct rig_card *c)
{
	return &c->card.applet[0];
}

static const uint8_t *
persisted(const struct rig_card *c)
{
	return ((const struct jz_nvm_root *)(const void *)c->nvm)->generator;
}

static int
draw(struct rig_card *c, uint8_t out[static OUT])
{
	return jz_card_random(dice(c), out, OUT);
}

static uint16_t
say(struct rig_card *c, uint8_t ins)
{
	const uint8_t cmd[] = {0x80, ins, 0, 0, 0};

	return port_raw(&c->port, jz_span(cmd, sizeof(cmd)), NULL);
}

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

/* ---- health ------------------------------------------------------------- */

/* Every command, a reset too; until it is opened with a source that works. */
static void
check_mute(struct rig_card *c)
{
	struct jz_fault_count was;
	uint8_t out[OUT] = {1}, zero[OUT] = {0};

	was = jz_fault_counters(c->fault);
	assert_int_equal(say(c, INS_DRAW), JZ_SW_UNKNOWN);
	assert_int_equal(say(c, INS_NOT), JZ_SW_UNKNOWN);
	assert_int_equal(select_on(c, &DICE.aid, 0), JZ_SW_UNKNOWN);
	jz_card_reset(&c->card);
	begin(GOOD);
	assert_int_equal(select_on(c, &DICE.aid, 0), JZ_SW_UNKNOWN);
	assert_int_equal(draw(c, out), JZ_ERR_CARD_DEAD);
	assert_memory_equal(out, zero, OUT);
	assert_int_equal(
	    jz_write_u32(
		dice(c), &((const struct dice_nvm *)dice(c)->nvm)->number, 1),
	    JZ_ERR_CARD_DEAD);
	assert_int_equal(jz_fault_counters(c->fault).bytes, was.bytes);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(select_on(c, &DICE.aid, 0), JZ_SW_OK);
	assert_int_equal(say(c, INS_DRAW), JZ_SW_OK);
}

static const struct {
	enum mode mode;
	unsigned n;
} BROKEN[] = {{ERROR, 0}, {CONSTANT, 0}, {PERIOD, 1}, {PERIOD, 2}, {PERIOD, 13},
    {PERIOD, 16}, {PERIOD, 64}, {STUCK, 0}, {EIGHTH, 0}};
#define N_BROKEN (sizeof(BROKEN) / sizeof(BROKEN[0]))

static void
test_a_source_that_is_broken_at_power_up_makes_the_card_mute(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_fault_count was;

	for (size_t i = 0; i < N_BROKEN; i++) {
		assert_int_equal(rig_reopen(c), 0);
		assert_int_equal(select_on(c, &DICE.aid, 0), JZ_SW_OK);
		begin(BROKEN[i].mode);
		source.n = BROKEN[i].n;
		was = jz_fault_counters(c->fault);
		assert_int_equal(say(c, INS_DRAW), JZ_SW_UNKNOWN);
		assert_int_equal(jz_fault_counters(c->fault).bytes, was.bytes);
		check_mute(c);
	}
}

static void
test_a_source_that_breaks_later_makes_the_card_mute(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t out[OUT];
	unsigned good;
	int e = 0;

	for (size_t i = 0; i < N_BROKEN; i++) {
		begin(GOOD);
		assert_int_equal(rig_reopen(c), 0);
		assert_int_equal(select_on(c, &DICE.aid, 0), JZ_SW_OK);
		for (unsigned k = 0; k < 50; k++)
			assert_int_equal(draw(c, out), 0);
		/* Two windows of the proportion's test and no more. */
		turn(BROKEN[i].mode);
		source.n = BROKEN[i].n;
		for (good = 0; good < 2 * WINDOW / ENTROPY; good++)
			if ((e = draw(c, out)) != 0)
				break;
		assert_int_equal(e, JZ_ERR_CRYPTO);
		check_mute(c);
	}
}

/* The answer of a command in whose course the source breaks is 6F00 alone. */
static void
test_the_command_itself_is_refused(void **state)
{
	struct rig_card *c = card_of(state);
	struct answer a;

	assert_int_equal(select_on(c, &DICE.aid, 0), JZ_SW_OK);
	turn(CONSTANT);
	assert_int_equal(port_hex(&c->port, "8010000000", &a), JZ_SW_UNKNOWN);
	assert_int_equal(a.len, 0);
}

static void
test_a_hash_that_fails_makes_the_card_mute(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t out[OUT];

	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(select_on(c, &DICE.aid, 0), JZ_SW_OK);
	for (unsigned late = 0; late < 2; late++) {
		if (late != 0)
			assert_int_equal(draw(c, out), 0);
		source.hash_fails = true;
		assert_int_equal(draw(c, out), JZ_ERR_CRYPTO);
		source.hash_fails = false;
		check_mute(c);
	}
}

/* SP 800-90B 4.3: over 1024 samples, before the first output. */
static void
test_the_start_up_test_comes_before_the_first_output(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t out[OUT];

	for (uint64_t at = START - 16; at <= START; at += 8) {
		begin(GOOD);
		assert_int_equal(rig_reopen(c), 0);
		source.then = CONSTANT;
		source.from = at;
		assert_int_equal(draw(c, out), JZ_ERR_CRYPTO);
	}
	begin(GOOD);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(draw(c, out), 0);
	assert_true(source.at >= START + ENTROPY);
}

/* Good bytes on the tape, none of which is the one after it. */
static void
fill_tape(struct rig_card *c)
{
	for (size_t i = 0; i < sizeof(source.tape); i++) {
		source.tape[i] = good_byte(c->setup.engine.state, i);
		if (i > 0 && source.tape[i] == source.tape[i - 1])
			source.tape[i] ^= 0xFF;
	}
}

/* A power session on the tape: 0 or why the first draw fails. */
static int
first_draw(struct rig_card *c)
{
	uint8_t out[OUT];

	source.mode = TAPE;
	source.then = TAPE;
	assert_int_equal(rig_reopen(c), 0);
	return draw(c, out);
}

static void
test_seven_equal_bytes_pass_and_eight_do_not(void **state)
{
	static const size_t places[] = {0, 60, 100, START - 8};
	struct rig_card *c = card_of(state);

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		for (size_t n = 7; n <= 8; n++) {
			begin(GOOD);
			fill_tape(c);
			memset(source.tape + places[i],
			    source.tape[places[i] + n] ^ 0x0F, n);
			assert_int_equal(
			    first_draw(c), n == 7 ? 0 : JZ_ERR_CRYPTO);
		}
}

static void
test_34_of_512_equal_bytes_pass_and_35_do_not(void **state)
{
	struct rig_card *c = card_of(state);

	for (size_t window = 0; window < 2; window++)
		for (size_t n = 34; n <= 35; n++) {
			uint8_t *w = source.tape + window * WINDOW, first;

			begin(GOOD);
			fill_tape(c);
			first = w[0];
			for (size_t i = 1; i < WINDOW; i++)
				if (w[i] == first)
					w[i] ^= 0x80;
			/* n in all, the first and the last among them. */
			for (size_t i = 1; i < n; i++)
				w[i == n - 1 ? WINDOW - 1 : i * 14] = first;
			assert_int_equal(
			    first_draw(c), n == 34 ? 0 : JZ_ERR_CRYPTO);
		}
}

/* The window that comes next counts another byte, from the start. */
static void
test_windows_are_counted_apart(void **state)
{
	struct rig_card *c = card_of(state);

	begin(GOOD);
	fill_tape(c);
	for (size_t i = 0; i < 30; i++) {
		source.tape[i * 14] = 0xAB;
		source.tape[WINDOW + i * 14] = 0xAB;
	}
	assert_int_equal(first_draw(c), 0);
}

static void
test_a_block_that_begins_as_the_one_before(void **state)
{
	struct rig_card *c = card_of(state);

	for (size_t n = 7; n <= 8; n++) {
		begin(GOOD);
		fill_tape(c);
		memcpy(source.tape + 5 * ENTROPY, source.tape + 4 * ENTROPY, n);
		assert_int_equal(first_draw(c), n == 7 ? 0 : JZ_ERR_CRYPTO);
	}
}

/* ---- salts -------------------------------------------------------------- */

/* A commit under a salt that comes again would meet a nonce again. */
static void
test_a_broken_source_stores_nothing(void **state)
{
	struct rig_card *c = card_of(state);
	const struct dice_nvm *n = dice(c)->nvm;
	struct jz_fault_count was;

	for (size_t i = 0; i < N_BROKEN; i++) {
		assert_int_equal(rig_reopen(c), 0);
		assert_int_equal(select_on(c, &DICE.aid, 0), JZ_SW_OK);
		begin(BROKEN[i].mode);
		source.n = BROKEN[i].n;
		was = jz_fault_counters(c->fault);
		assert_int_equal(
		    jz_write_u32(dice(c), &n->number, 7), JZ_ERR_CRYPTO);
		assert_int_equal(jz_fault_counters(c->fault).bytes, was.bytes);
		check_mute(c);
		assert_int_equal(n->number, 0);
	}
}

static void
test_a_card_is_not_made_with_a_broken_source(void **state)
{
	struct rig_card *c = card_of(state);

	for (size_t i = 0; i < N_BROKEN; i++) {
		begin(BROKEN[i].mode);
		source.n = BROKEN[i].n;
		assert_int_equal(
		    jz_card_format(&c->card, &c->setup), JZ_ERR_CRYPTO);
		assert_int_equal(
		    select_on(c, &DICE.aid, 0), JZ_SW_MEMORY_FAILURE);
	}
	/* What was there is as before. */
	begin(GOOD);
	assert_int_equal(rig_reopen(c), 0);
	assert_true(dice(c)->present);
}

/* ---- it does not go back ------------------------------------------------ */

static void *
save(const struct rig_card *c)
{
	void *p = malloc(jz_card_snapshot_bytes(&c->card));

	assert_non_null(p);
	jz_card_save(&c->card, p);
	return p;
}

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

static void
test_a_fork_draws_what_its_origin_does_not(void **state)
{
	static struct told told;
	struct bench *b = *state;
	struct rig_card *c = card_of(state), *f;
	struct source then;
	void *s;

	memset(&told, 0, sizeof(told));
	f = rig_card_new(&b->rig, NULL, 0, true);
	f->setup.classes = CLASSES;
	f->setup.n_classes = 1;
	jz_card_close(&f->card);
	s = save(c);
	then = source;
	draw_on(c, &told);
	source = then;
	assert_int_equal(jz_card_fork(&f->card, &f->setup, s), 0);
	source = then;
	draw_on(f, &told);
	/* Another one, of a source that says something else. */
	source.seed = 2;
	assert_int_equal(jz_card_fork(&f->card, &f->setup, s), 0);
	source = then;
	draw_on(f, &told);
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
	copy = malloc(sizeof(*copy));
	assert_non_null(copy);
	*copy = *c;
	copy->card.applet[0].card = &copy->card;
	assert_int_equal(draw(c, a), 0);
	assert_int_equal(draw(copy, b), 0);
	assert_memory_not_equal(a, b, OUT);
	free(copy);
}

static void
test_a_mute_card_stays_mute_when_it_is_rewound(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t out[OUT];
	void *s;

	assert_int_equal(select_on(c, &DICE.aid, 0), JZ_SW_OK);
	s = save(c);
	turn(CONSTANT);
	assert_int_equal(draw(c, out), JZ_ERR_CRYPTO);
	jz_card_restore(&c->card, s);
	assert_int_equal(say(c, INS_NOT), JZ_SW_UNKNOWN);
	assert_int_equal(jz_card_rewind(&c->card, s), JZ_ERR_CRYPTO);
	assert_int_equal(say(c, INS_NOT), JZ_SW_UNKNOWN);
	check_mute(c);
	free(s);
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
	    T(test_a_source_that_is_broken_at_power_up_makes_the_card_mute),
	    T(test_a_source_that_breaks_later_makes_the_card_mute),
	    T(test_the_command_itself_is_refused),
	    T(test_a_hash_that_fails_makes_the_card_mute),
	    T(test_the_start_up_test_comes_before_the_first_output),
	    T(test_seven_equal_bytes_pass_and_eight_do_not),
	    T(test_34_of_512_equal_bytes_pass_and_35_do_not),
	    T(test_windows_are_counted_apart),
	    T(test_a_block_that_begins_as_the_one_before),
	    T(test_a_broken_source_stores_nothing),
	    T(test_a_card_is_not_made_with_a_broken_source),
	    T(test_a_rewound_card_draws_nothing_again),
	    BARE(test_a_restored_card_draws_nothing_again),
	    T(test_a_fork_draws_what_its_origin_does_not),
	    BARE(test_a_copy_of_a_running_card_draws_something_else),
	    T(test_a_mute_card_stays_mute_when_it_is_rewound),
	};

	return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
