/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text of strangers on a small display: what cannot mislead is shown as it is,
 * everything else by its number.
 *
 * Shown as they are: printable ASCII but the backslash, Latin letters of
 * Western and Central Europe, common punctuation, Chinese, Japanese, and
 * full-width forms: what the font of such a display has.  Other characters come
 * as \u{202E}, bytes that are no UTF-8 (RFC 3629: overlong forms, surrogates,
 * truncation) as \xC0, the backslash as two of them, so that no text can look
 * like another one escaped.  A blank is shown as one where it begins nothing
 * and follows no other.
 *
 * Widths are in columns: a Chinese character takes two (Unicode UAX #11, East
 * Asian Width W and F).  Pure functions, no allocation.
 */
#ifndef JZ_RUNTIME_TEXT_H
#define JZ_RUNTIME_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../apdu/bytes.h"
#include "chip.h"

/* \u{10FFFF} is the widest of what is shown as one. */
#define JZ_GLYPH_BYTES 10
_Static_assert(JZ_GLYPH_BYTES <= JZ_PANEL_COLUMNS_MIN, "fits on a line");

struct jz_glyph {
	char bytes[JZ_GLYPH_BYTES];
	uint8_t len;
	uint8_t columns;
};

/*
 * The next character of the text, which must not be at its end.  `before` is
 * the byte in front of it, 0 at the beginning.
 */
void
jz_glyph_take(struct jz_cursor *text, uint8_t before, struct jz_glyph *out);

/* Text on its way to lines. */
struct jz_wrap {
	struct jz_cursor left;
	uint8_t before; /* the byte in front of what is left */
};

struct jz_line {
	char bytes[JZ_PANEL_LINE_BYTES];
	size_t len;
};

static inline struct jz_wrap
jz_wrap(struct jz_span text)
{
	return (struct jz_wrap){jz_cursor(text), 0};
}

/* The next line of so many columns, or false when all text is taken.  Characters
 * are not divided, words are. */
bool jz_wrap_line(struct jz_wrap *w, unsigned columns, struct jz_line *out);

#endif
