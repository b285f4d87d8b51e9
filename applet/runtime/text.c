/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which characters a display shows: RFC 3629 (UTF-8), Unicode UAX #11 (widths);
 * what may mislead follows UTS #39 and UTR #36 (bidirectional text, invisible
 * characters, look-alikes).
 */
#include "text.h"

#include <string.h>

#define HEX_DIGITS 6 /* of the largest code point */

/* Shown as they are, in order. */
struct range {
	uint32_t from, to;
	uint8_t columns;
};

static const struct range SHOWN[] = {
    {0x20, 0x5B, 1},			      /* the backslash is our own */
    {0x5D, 0x7E, 1},			      /* */
    {0xA1, 0xAC, 1},			      /* not the soft hyphen */
    {0xAE, 0xFF, 1},			      /* Latin-1 */
    {0x100, 0x17F, 1},			      /* Latin Extended-A */
    {0x2013, 0x2014, 1},		      /* dashes */
    {0x2018, 0x2019, 1},		      /* quotation marks */
    {0x201C, 0x201D, 1}, {0x2026, 0x2026, 1}, /* ellipsis */
    {0x20AC, 0x20AC, 1},		      /* euro */
    {0x3001, 0x3003, 2},   /* CJK punctuation; not the blank */
    {0x3005, 0x3029, 2},   /* */
    {0x3041, 0x3096, 2},   /* Hiragana */
    {0x30A1, 0x30FE, 2},   /* Katakana */
    {0x3105, 0x312F, 2},   /* Bopomofo */
    {0x3400, 0x4DBF, 2},   /* CJK, Extension A */
    {0x4E00, 0x9FFF, 2},   /* CJK */
    {0xFF01, 0xFF5E, 2},   /* full-width forms */
    {0xFFE0, 0xFFE1, 2},   /* */
    {0xFFE5, 0xFFE5, 2},   /* full-width yen */
    {0x20000, 0x2A6DF, 2}, /* CJK, Extension B */
};

static const struct range *
shown(uint32_t c)
{
	for (size_t i = 0; i < sizeof(SHOWN) / sizeof(SHOWN[0]); i++)
		if (c >= SHOWN[i].from && c <= SHOWN[i].to)
			return &SHOWN[i];
	return NULL;
}

/* ---- UTF-8 -------------------------------------------------------------- */

/* How many bytes a form has by its first one; 0: no first byte. */
static unsigned
form_bytes(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xC2 && first <= 0xDF)
		return 2;
	if (first >= 0xE0 && first <= 0xEF)
		return 3;
	return first >= 0xF0 && first <= 0xF4 ? 4 : 0;
}

/* Whether so many bytes may stand for c: it has no shorter form, and is no
 * surrogate. */
static bool
is_scalar(uint32_t c, unsigned bytes)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

	return c >= least[bytes] && c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
}

/* The bytes of the character that the text begins with, or 0. */
static unsigned
decode(const struct jz_cursor *text, uint32_t *out)
{
	static const uint8_t mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
	unsigned n = form_bytes(text->data[0]);
	uint32_t c;

	if (n == 0 || n > text->len)
		return 0;
	c = text->data[0] & mask[n];
	for (unsigned i = 1; i < n; i++) {
		if ((text->data[i] & 0xC0) != 0x80)
			return 0;
		c = c << 6 | (text->data[i] & 0x3Fu);
	}
	*out = c;
	return is_scalar(c, n) ? n : 0;
}

/* ---- glyphs ------------------------------------------------------------- */

static void
push(struct jz_glyph *g, char c)
{
	g->bytes[g->len++] = c;
}

/* At least `min` digits. */
static void
push_hex(struct jz_glyph *g, uint32_t v, unsigned min)
{
	static const char digit[] = {'0', '1', '2', '3', '4', '5', '6', '7',
	    '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'};
	unsigned n = HEX_DIGITS;

	while (n > min && v >> (4 * (n - 1)) == 0)
		n--;
	while (n-- > 0)
		push(g, digit[v >> (4 * n) & 0xF]);
}

static void
escape_byte(struct jz_glyph *g, uint8_t byte)
{
	push(g, '\\');
	push(g, 'x');
	push_hex(g, byte, 2);
	g->columns = g->len;
}

static void
escape(struct jz_glyph *g, uint32_t c)
{
	push(g, '\\');
	if (c == '\\') {
		push(g, '\\');
	} else {
		push(g, 'u');
		push(g, '{');
		push_hex(g, c, 1);
		push(g, '}');
	}
	g->columns = g->len;
}

void
jz_glyph_take(struct jz_cursor *text, uint8_t before, struct jz_glyph *out)
{
	const struct range *r;
	struct jz_span raw;
	uint32_t c = 0;
	unsigned n;

	memset(out, 0, sizeof(*out));
	n = decode(text, &c);
	if (n == 0) {
		escape_byte(out, jz_take_u8(text));
		return;
	}
	raw = jz_take(text, n);
	r = shown(c);
	/* Blanks push what follows out of sight. */
	if (r == NULL || (c == ' ' && (before == 0 || before == ' '))) {
		escape(out, c);
		return;
	}
	memcpy(out->bytes, raw.data, raw.len);
	out->len = (uint8_t)raw.len;
	out->columns = r->columns;
}

bool
jz_wrap_line(struct jz_wrap *w, unsigned columns, struct jz_line *out)
{
	struct jz_glyph g;

	out->len = 0;
	if (w->left.len == 0)
		return false;
	while (w->left.len > 0) {
		struct jz_cursor next = w->left;

		jz_glyph_take(&next, w->before, &g);
		if (g.columns > columns ||
		    g.len > sizeof(out->bytes) - out->len)
			break;
		memcpy(out->bytes + out->len, g.bytes, g.len);
		out->len += g.len;
		columns -= g.columns;
		w->before = next.data[-1];
		w->left = next;
	}
	return true;
}
