/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing of what strangers send to an e-signature card and its issuer: the
 * messages of apdu/esign.h, each of which has one form, and text on its way to
 * the display, of which nothing but what may be shown comes through.
 */
#include "../../apdu/esign.h"
#include "../../apdu/error.h"
#include "../../applet/runtime/text.h"

#include <stdlib.h>
#include <string.h>

#define OUT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static void
require_same(int err, const struct jz_buffer *b, struct jz_span in)
{
	require(err == 0 && !b->bad);
	require(jz_span_equal(jz_buffer_span(b), in));
}

static void
messages(struct jz_span in, uint8_t *mem)
{
	struct jz_buffer b = jz_buffer(mem, OUT_MAX);
	struct jz_esign_order o;
	struct jz_esign_signature s;
	struct jz_esign_submission m;
	struct jz_esign_profile p;
	struct jz_esign_info i;

	if (jz_esign_get_order(in, &o) == 0)
		require_same(jz_esign_put_order(&o, &b), &b, in);
	else if (jz_esign_get_signature(in, &s) == 0)
		require_same(jz_esign_put_signature(&s, &b), &b, in);
	else if (jz_esign_get_submission(in, &m) == 0)
		require_same(jz_esign_put_submission(&m, &b), &b, in);
	else if (jz_esign_get_profile(in, &p) == 0)
		require_same(jz_esign_put_profile(&p, &b), &b, in);
	else if (jz_esign_get_info(in, &i) == 0)
		require_same(jz_esign_put_info(&i, &b), &b, in);
}

/* A line shown is itself shown as it is, but for our own escapes. */
static void
line_is_clean(const struct jz_line *line, unsigned columns)
{
	struct jz_cursor c = jz_cursor(jz_span(line->bytes, line->len));
	unsigned width = 0;
	struct jz_glyph g;

	require(line->len > 0);
	while (c.len > 0) {
		const uint8_t *at = c.data;

		if (*at == '\\' || *at == ' ') {
			(void)jz_take_u8(&c);
			width++;
			continue;
		}
		jz_glyph_take(&c, 'x', &g);
		require(g.bytes[0] != '\\');
		require(memcmp(g.bytes, at, g.len) == 0);
		width += g.columns;
	}
	require(width <= columns);
}

static void
text(struct jz_span in)
{
	for (unsigned columns = JZ_PANEL_COLUMNS_MIN;
	     columns <= JZ_PANEL_COLUMNS_MAX; columns += 12) {
		struct jz_wrap w = jz_wrap(in);
		struct jz_line line;
		size_t lines = 0;

		while (jz_wrap_line(&w, columns, &line)) {
			line_is_clean(&line, columns);
			lines++;
		}
		require(lines <= in.len && w.left.len == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t mem[OUT_MAX];
	struct jz_span in = jz_span(data, size);

	messages(in, mem);
	text(in);
	return 0;
}
