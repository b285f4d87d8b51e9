/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Test data written as hexadecimal digits; spaces between bytes are skipped.
 */
#ifndef JZ_TEST_APDU_HEX_H
#define JZ_TEST_APDU_HEX_H

#include <stddef.h>
#include <stdint.h>

#include "../../apdu/bytes.h"

#define HEX_MAX 512

struct hex {
	uint8_t bytes[HEX_MAX];
	size_t len;
};

static inline uint8_t
hex_digit(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'A' + 10);
}

/* Upper-case digits in pairs; what passes HEX_MAX is left out. */
static inline struct hex
hex(const char *text)
{
	struct hex h = {{0}, 0};

	while (*text != '\0' && h.len < HEX_MAX) {
		if (*text == ' ') {
			text++;
			continue;
		}
		h.bytes[h.len++] =
		    (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
		text += 2;
	}
	return h;
}

static inline struct jz_span
hex_span(const struct hex *h)
{
	return jz_span(h->bytes, h->len);
}

#endif
