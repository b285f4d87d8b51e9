/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scripted reader.
 */
#include "script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../apdu/atr.h"

static unsigned
nibble(char c)
{
	assert_true((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'));
	return (unsigned)(c <= '9' ? c - '0' : c - 'A' + 10);
}

size_t
script_unhex(const char *text, uint8_t *out, size_t cap)
{
	size_t n = 0, times;

	for (const char *p = text; *p != '\0';) {
		uint8_t v;

		if (*p == ' ') {
			p++;
			continue;
		}
		v = (uint8_t)(nibble(p[0]) << 4 | nibble(p[1]));
		p += 2;
		times = 1;
		if (*p == '*')
			for (times = 0, p++; *p >= '0' && *p <= '9'; p++)
				times = times * 10 + (size_t)(*p - '0');
		for (; times > 0; times--) {
			assert_true(n < cap);
			out[n++] = v;
		}
	}
	return n;
}

static int
transmit(void *state, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp,
    size_t *rsp_len)
{
	struct script *s = state;
	const struct line *l;
	uint8_t want[SCRIPT_SEEN_MAX];

	assert_true(s->at < s->n);
	l = &s->lines[s->at++];
	memcpy(s->seen, cmd, cmd_len);
	s->seen_len = cmd_len;
	if (l->command != NULL) {
		assert_int_equal(
		    cmd_len, script_unhex(l->command, want, sizeof(want)));
		assert_memory_equal(cmd, want, cmd_len);
	}
	if (l->error != 0)
		return l->error;
	*rsp_len = script_unhex(l->answer, rsp, *rsp_len);
	return 0;
}

static int
reset(void *state, bool cold)
{
	(void)state;
	(void)cold;
	return 0;
}

static struct jz_span
atr(void *state)
{
	struct script *s = state;

	return jz_span(s->atr, s->atr_len);
}

static void
release(void *state)
{
	(void)state;
}

static const struct jz_reader_ops OPS = {
    .scheme = "script",
    .transmit = transmit,
    .reset = reset,
    .atr = atr,
    .close = release,
};

void
script_open(struct script *s, bool extended, const struct line *lines, size_t n)
{
	const uint8_t historical[] = {
	    0x80, 0x73, 0xC6, 0x21, extended ? 0xC0 : 0x80};
	struct jz_buffer b = jz_buffer(s->atr, sizeof(s->atr));

	memset(s, 0, sizeof(*s));
	assert_int_equal(jz_atr_build(JZ_PROTOCOL_T1,
			     jz_span(historical, sizeof(historical)), &b),
	    0);
	s->atr_len = b.len;
	s->lines = lines;
	s->n = n;
	assert_int_equal(jz_reader_take("script:", &OPS, s, &s->reader), 0);
	jz_session_init(&s->session, s->reader);
	assert_int_equal(s->session.extended, extended);
}

void
script_close(struct script *s)
{
	assert_int_equal(s->at, s->n);
	jz_reader_free(&s->reader);
}
