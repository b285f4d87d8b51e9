/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounds-checked cursor and buffer that all parsing and building of this
 * project goes through.  Pointers move here and nowhere else.
 */
#include "bytes.h"

#include <string.h>

struct jz_span
jz_take(struct jz_cursor *c, size_t len)
{
	struct jz_span s = {NULL, 0};

	if (c->bad || len > c->len) {
		c->bad = true;
		return s;
	}
	s = jz_span(c->data, len);
	/* An empty cursor may have no memory at all: NULL is not moved. */
	if (len > 0) {
		c->data += len;
		c->len -= len;
	}
	return s;
}

static uint64_t
take_be(struct jz_cursor *c, size_t len)
{
	struct jz_span s = jz_take(c, len);

	return jz_get_be(s.data, s.len);
}

uint8_t
jz_take_u8(struct jz_cursor *c)
{
	return (uint8_t)take_be(c, 1);
}

uint16_t
jz_take_u16(struct jz_cursor *c)
{
	return (uint16_t)take_be(c, 2);
}

uint32_t
jz_take_u32(struct jz_cursor *c)
{
	return (uint32_t)take_be(c, 4);
}

uint64_t
jz_take_u64(struct jz_cursor *c)
{
	return take_be(c, 8);
}

void
jz_take_bytes(struct jz_cursor *c, void *out, size_t len)
{
	struct jz_span s = jz_take(c, len);

	if (len == 0)
		return;
	if (s.data == NULL)
		memset(out, 0, len);
	else
		memcpy(out, s.data, len);
}

uint8_t *
jz_reserve(struct jz_buffer *b, size_t len)
{
	uint8_t *p;

	if (b->bad || b->data == NULL || len > b->cap - b->len) {
		b->bad = true;
		return NULL;
	}
	p = b->data + b->len;
	b->len += len;
	return p;
}

void
jz_put(struct jz_buffer *b, const void *data, size_t len)
{
	uint8_t *p;

	if (len == 0)
		return;
	p = jz_reserve(b, len);
	if (p != NULL)
		memcpy(p, data, len);
}

static void
put_be(struct jz_buffer *b, uint64_t v, size_t len)
{
	uint8_t *p = jz_reserve(b, len);

	if (p != NULL)
		jz_set_be(p, len, v);
}

void
jz_put_u8(struct jz_buffer *b, uint8_t v)
{
	put_be(b, v, 1);
}

void
jz_put_u16(struct jz_buffer *b, uint16_t v)
{
	put_be(b, v, 2);
}

void
jz_put_u32(struct jz_buffer *b, uint32_t v)
{
	put_be(b, v, 4);
}

void
jz_put_u64(struct jz_buffer *b, uint64_t v)
{
	put_be(b, v, 8);
}

uint64_t
jz_get_be(const uint8_t *p, size_t len)
{
	uint64_t v = 0;

	for (size_t i = 0; i < len; i++)
		v = v << 8 | p[i];
	return v;
}

void
jz_set_be(uint8_t *p, size_t len, uint64_t v)
{
	for (size_t i = len; i > 0; i--) {
		p[i - 1] = (uint8_t)v;
		v >>= 8;
	}
}

bool
jz_span_equal(struct jz_span a, struct jz_span b)
{
	if (a.len != b.len)
		return false;
	return a.len == 0 || memcmp(a.data, b.data, a.len) == 0;
}
