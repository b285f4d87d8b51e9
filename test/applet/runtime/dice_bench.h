/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source of randomness that does as it is told, under a card whose one
 * applet draws: for test_random.c and test_health.c.
 */
#ifndef JZ_TEST_DICE_BENCH_H
#define JZ_TEST_DICE_BENCH_H

#include "card_bench.h"

#define ENTROPY 64u
#define START	1024u
#define WINDOW	512u
#define OUT	16u

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
static inline uint8_t
good_byte(void *state, uint64_t i)
{
	uint8_t in[16] = {0}, out[JZ_HASH_BYTES];
	const struct jz_span part = jz_span(in, sizeof(in));

	jz_set_be(in, 8, source.seed);
	jz_set_be(in + 8, 8, i / sizeof(out));
	assert_int_equal(real->hash(state, &part, 1, out), 0);
	return out[i % sizeof(out)];
}

static inline uint8_t
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

static inline int
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

static inline int
source_hash(void *state, const struct jz_span *parts, size_t n,
    uint8_t out[static JZ_HASH_BYTES])
{
	if (source.hash_fails)
		return JZ_ERR_CRYPTO;
	return real->hash(state, parts, n, out);
}

/* From the next byte on. */
static inline void
turn(enum mode mode)
{
	source.then = mode;
	source.from = source.at;
}

/* A new source, at its beginning. */
static inline void
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

static inline uint16_t
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
static inline uint16_t
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

static inline struct rig_card *
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

static inline int
make(void **state, bool storage)
{
	struct bench *b = bench_loose();

	b->card = new_card(b, storage);
	*state = b;
	return 0;
}

static inline int
setup(void **state)
{
	return make(state, true);
}

static inline int
setup_bare(void **state)
{
	return make(state, false);
}

static inline struct jz_applet *
dice(struct rig_card *c)
{
	return &c->card.applet[0];
}

static inline const uint8_t *
persisted(const struct rig_card *c)
{
	return ((const struct jz_nvm_root *)(const void *)c->nvm)->generator;
}

static inline int
draw(struct rig_card *c, uint8_t out[static OUT])
{
	return jz_card_random(dice(c), out, OUT);
}

static inline uint16_t
say(struct rig_card *c, uint8_t ins)
{
	const uint8_t cmd[] = {0x80, ins, 0, 0, 0};

	return port_raw(&c->port, jz_span(cmd, sizeof(cmd)), NULL);
}

static inline void *
save(const struct rig_card *c)
{
	void *p = malloc(jz_card_snapshot_bytes(&c->card));

	assert_non_null(p);
	jz_card_save(&c->card, p);
	return p;
}

#endif
