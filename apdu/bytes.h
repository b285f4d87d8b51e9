/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes in and bytes out, bounds-checked.
 *
 * struct jz_cursor reads: each getter takes from the front, and a getter that
 * would pass the end takes nothing and sets `bad`, after which every getter
 * fails.  So a parser may read straight through and test once, with
 * jz_cursor_end(), that nothing failed and nothing is left.
 *
 * struct jz_buffer writes into memory of the caller: an append that does not
 * fit writes nothing and sets `bad`, after which every append is ignored.
 *
 * Integers are big-endian.  No allocation, no global state; a cursor lends
 * pointers into the memory it reads.
 */
#ifndef JZ_APDU_BYTES_H
#define JZ_APDU_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes lent by somebody else.  data may be NULL when len is 0. */
struct jz_span {
	const uint8_t *data;
	size_t len;
};

struct jz_cursor {
	const uint8_t *data;
	size_t len; /* what is left */
	bool bad;
};

struct jz_buffer {
	uint8_t *data;
	size_t len; /* what is written */
	size_t cap;
	bool bad;
};

static inline struct jz_span
jz_span(const void *data, size_t len)
{
	return (struct jz_span){(const uint8_t *)data, len};
}

static inline struct jz_cursor
jz_cursor(struct jz_span s)
{
	return (struct jz_cursor){s.data, s.len, false};
}

static inline struct jz_buffer
jz_buffer(void *data, size_t cap)
{
	return (struct jz_buffer){(uint8_t *)data, 0, cap, false};
}

/* The next len bytes, or {NULL, 0} and bad. */
struct jz_span jz_take(struct jz_cursor *c, size_t len);
uint8_t jz_take_u8(struct jz_cursor *c);
uint16_t jz_take_u16(struct jz_cursor *c);
uint32_t jz_take_u32(struct jz_cursor *c);
uint64_t jz_take_u64(struct jz_cursor *c);
/* Copies len bytes to out; on failure out is zeroed. */
void jz_take_bytes(struct jz_cursor *c, void *out, size_t len);

/* True when nothing failed and nothing is left. */
static inline bool
jz_cursor_end(const struct jz_cursor *c)
{
	return !c->bad && c->len == 0;
}

void jz_put(struct jz_buffer *b, const void *data, size_t len);
void jz_put_u8(struct jz_buffer *b, uint8_t v);
void jz_put_u16(struct jz_buffer *b, uint16_t v);
void jz_put_u32(struct jz_buffer *b, uint32_t v);
void jz_put_u64(struct jz_buffer *b, uint64_t v);
/* Lends the next len bytes to be written by the caller; NULL when full. */
uint8_t *jz_reserve(struct jz_buffer *b, size_t len);

static inline struct jz_span
jz_buffer_span(const struct jz_buffer *b)
{
	return (struct jz_span){b->data, b->len};
}

/* The value of a hexadecimal digit of either case, or -1. */
static inline int
jz_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The big-endian value of 1 to 8 bytes. */
uint64_t jz_get_be(const uint8_t *p, size_t len);
void jz_set_be(uint8_t *p, size_t len, uint64_t v);

bool jz_span_equal(struct jz_span a, struct jz_span b);

#endif
