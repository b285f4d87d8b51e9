/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card whose one applet has a cell of each kind of memory, and its snapshots:
 * for test_snapshot.c and test_nonce.c.
 */
#ifndef JZ_TEST_CELL_BENCH_H
#define JZ_TEST_CELL_BENCH_H

#include "card_bench.h"

#define TEXT_BYTES 600u

#define INS_WRITE  0x10 /* P1 into persistent memory */
#define INS_MARK   0x12 /* P1 into both kinds of transient memory */
#define INS_READ   0x14 /* all three */
#define INS_LONG   0x16 /* TEXT_BYTES that say where they are */
#define INS_COUNT  0x18 /* how many bytes of data came */
#define INS_RANDOM 0x1A /* 16 random bytes */

struct cell_nvm {
	struct jz_nvm_head head;
	uint8_t text[TEXT_BYTES];
};

static inline uint16_t
long_answer(struct jz_apdu *apdu)
{
	for (unsigned i = 0; i < TEXT_BYTES; i++)
		jz_put_u8(&apdu->out, (uint8_t)(i / 2));
	return JZ_SW_OK;
}

static inline uint16_t
random_answer(struct jz_applet *self, struct jz_apdu *apdu)
{
	uint8_t bytes[16];
	int e = jz_card_random(self, bytes, sizeof(bytes));

	jz_put(&apdu->out, bytes, sizeof(bytes));
	return jz_runtime_status(e);
}

static inline uint16_t
cell_process(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct jz_command *c = &apdu->command;
	const struct cell_nvm *n = self->nvm;
	uint8_t *cor = self->cor, *cod = self->cod;

	switch (c->ins) {
	case INS_WRITE:
		return jz_runtime_status(
		    jz_fill(self, n->text, c->p1, TEXT_BYTES));
	case INS_MARK:
		*cor = *cod = c->p1;
		return JZ_SW_OK;
	case INS_READ:
		jz_put_u8(&apdu->out, n->text[0]);
		jz_put_u8(&apdu->out, *cor);
		jz_put_u8(&apdu->out, *cod);
		return JZ_SW_OK;
	case INS_LONG:
		return long_answer(apdu);
	case INS_COUNT:
		jz_put_u16(&apdu->out, (uint16_t)c->data.len);
		return JZ_SW_OK;
	case INS_RANDOM:
		return random_answer(self, apdu);
	default:
		return JZ_SW_INS;
	}
}

static const struct jz_applet_class CELL = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "cell",
    .aid = {6, {0xF0, 'C', 'E', 'L', 'L', 1}},
    .nvm_bytes = sizeof(struct cell_nvm),
    .cor_bytes = 1,
    .cod_bytes = 1,
    .multi_selectable = true,
    .process = cell_process,
};
static const struct jz_applet_class *const CLASSES[] = {&CELL};

static inline int
setup(void **state)
{
	bench_new(state, CLASSES, 1);
	assert_int_equal(select_on(card_of(state), &CELL.aid, 0), JZ_SW_OK);
	return 0;
}

/* The same card without storage. */
static inline int
setup_bare(void **state)
{
	struct bench *b = bench_loose();

	b->card = rig_card_new(&b->rig, CLASSES, 1, false);
	assert_int_equal(select_on(b->card, &CELL.aid, 0), JZ_SW_OK);
	*state = b;
	return 0;
}

static inline uint16_t
say(struct rig_card *c, uint8_t channel, uint8_t ins, uint8_t p1)
{
	const uint8_t cmd[] = {0x80 | channel, ins, p1, 0, 0};

	return port_raw(&c->port, jz_span(cmd, sizeof(cmd)), NULL);
}

/* Persistent, COR and COD on a channel. */
static inline void
check_cell(
    struct rig_card *c, uint8_t channel, uint8_t nvm, uint8_t cor, uint8_t cod)
{
	const uint8_t cmd[] = {0x80 | channel, INS_READ, 0, 0, 3};
	struct answer a;

	assert_int_equal(
	    port_raw(&c->port, jz_span(cmd, sizeof(cmd)), &a), JZ_SW_OK);
	assert_int_equal(a.len, 3);
	assert_int_equal(a.data[0], nvm);
	assert_int_equal(a.data[1], cor);
	assert_int_equal(a.data[2], cod);
}

static inline void *
save(const struct rig_card *c)
{
	void *p = malloc(jz_card_snapshot_bytes(&c->card));

	assert_non_null(p);
	jz_card_save(&c->card, p);
	return p;
}

/* Two channels, all kinds of memory, and then something else. */
static inline void *
live_and_save(struct rig_card *c)
{
	void *s;

	assert_int_equal(select_on(c, &CELL.aid, 2), JZ_SW_OK);
	assert_int_equal(say(c, 0, INS_WRITE, 1), JZ_SW_OK);
	assert_int_equal(say(c, 0, INS_MARK, 3), JZ_SW_OK);
	assert_int_equal(say(c, 2, INS_MARK, 2), JZ_SW_OK);
	s = save(c);
	assert_int_equal(say(c, 0, INS_WRITE, 9), JZ_SW_OK);
	assert_int_equal(say(c, 2, INS_MARK, 9), JZ_SW_OK);
	assert_int_equal(port_hex(&c->port, "02708000", NULL), JZ_SW_OK);
	assert_int_equal(select_on(c, &CELL.aid, 3), JZ_SW_OK);
	assert_int_equal(
	    port_hex(&c->port, "00A40400 01 F1 00", NULL), JZ_SW_FILE);
	return s;
}

/* The card as it was saved. */
static inline void
check_then(struct rig_card *c)
{
	check_cell(c, 0, 1, 2, 3);
	check_cell(c, 2, 1, 2, 2);
	assert_int_equal(say(c, 3, INS_READ, 0), JZ_SW_CHANNEL);
}

/* Puts a chip's content back to what it was. */
struct content {
	size_t len;
	uint8_t *bytes;
};

static inline struct content
copy_content(const struct rig_card *c)
{
	struct jz_span s = jz_fault_content(c->fault);
	struct content out = {s.len, malloc(s.len)};

	assert_non_null(out.bytes);
	memcpy(out.bytes, s.data, s.len);
	return out;
}

static inline struct rig_card *
empty_card(struct bench *b, bool storage)
{
	struct rig_card *c = rig_card_new(&b->rig, NULL, 0, storage);

	c->setup.classes = CLASSES;
	c->setup.n_classes = 1;
	jz_card_close(&c->card);
	return c;
}

#endif
