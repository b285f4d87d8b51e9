/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card with one applet, and commands of every case that ask it for answers
 * of any length: for test_answer*.c.
 */
#ifndef JZ_TEST_ANSWER_BENCH_H
#define JZ_TEST_ANSWER_BENCH_H

#include "../../../apdu/apdu.h"
#include "../../../apdu/atr.h"
#include "../../../apdu/error.h"
#include "../../support/probe.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD	    0x00180000u /* PROBE_PATTERN, class 00 */
#define EXTENDED_NE 65536u

struct fixture {
	struct rig rig;
	struct rig_card *card;
	struct jz_applet *probe;
};

static inline int
setup(void **state, uint8_t protocol)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	probe_reset();
	rig_new(&f->rig);
	f->card = probe_card_new(&f->rig, protocol);
	f->probe = probe_add(f->card, &probe_multi, 'a');
	/* Without Le: on neither protocol is there an answer to fetch, as long
	 * as nobody asks for it. */
	port_hex(&f->card->port, "00A4040006 F050524F4261", NULL);
	assert_int_equal(f->card->card.channel[0].selected, 0);
	*state = f;
	return 0;
}

static inline int
setup_t1(void **state)
{
	return setup(state, 0);
}

static inline int
setup_t0(void **state)
{
	return setup(state, JZ_PROTOCOL_T0);
}

static inline int
teardown(void **state)
{
	struct fixture *f = *state;

	rig_card_free(&f->card);
	rig_free(&f->rig);
	free(f);
	return 0;
}

static const struct port *
port_of(void **state)
{
	const struct fixture *f = *state;

	return &f->card->port;
}

/* Commands that the applet has carried out. */
static inline uint32_t
count(void **state)
{
	const struct fixture *f = *state;

	return probe_nvm(f->probe)->count;
}

static inline void
check_pattern(const struct answer *a, size_t at, size_t n)
{
	assert_int_equal(a->len, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(a->data[i], probe_pattern(at + i));
}

/* ---- commands of every case --------------------------------------------- */

enum form {
	NO_LE,
	SHORT,
	EXTENDED,
};

/* PROBE_PATTERN of n bytes, `ne` as the form has it, with or without data. */
static inline uint16_t
ask(void **state, size_t n, enum form form, uint32_t ne, bool data,
    struct answer *out)
{
	uint8_t cmd[16];
	struct jz_buffer b = jz_buffer(cmd, sizeof(cmd));

	jz_put_u32(&b, HEAD | (uint32_t)n);
	if (form == EXTENDED)
		jz_put_u8(&b, 0);
	if (data && form == EXTENDED)
		jz_put_u8(&b, 0);
	if (data)
		jz_put(&b, "\x01\xDA", 2);
	if (form == EXTENDED)
		jz_put_u16(&b, (uint16_t)ne);
	else if (form == SHORT)
		jz_put_u8(&b, (uint8_t)ne);
	assert_false(b.bad);
	return port_raw(port_of(state), jz_buffer_span(&b), out);
}

static const size_t LENGTHS[] = {
    1, 2, 3, 15, 127, 255, 256, 257, 258, 511, 512, 513, 2303, 2304};
#define N_LENGTHS (sizeof(LENGTHS) / sizeof(LENGTHS[0]))

/* GET RESPONSE with the xx of 61xx until the end; what was got. */
static inline size_t
collect(const struct port *p, uint16_t sw, uint8_t *out, size_t room)
{
	size_t n = 0;

	while ((sw & 0xFF00) == JZ_SW_MORE_DATA) {
		const uint8_t get[] = {0, 0xC0, 0, 0, (uint8_t)sw};
		struct answer a;

		sw = port_raw(p, jz_span(get, sizeof(get)), &a);
		assert_true(a.len > 0 && a.len <= room - n);
		memcpy(out + n, a.data, a.len);
		n += a.len;
	}
	assert_int_equal(sw, JZ_SW_OK);
	return n;
}

#endif
