/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an applet writes: the firewall of Java Card 3 JCRE 6 in front of the
 * transactions of transaction.c.
 *
 * An applet writes into what it has taken of its own region, and hands over
 * bytes from anywhere but the memory of another applet or of the runtime.  A
 * refused call spoils an open transaction, as a failed write does.
 */
#include "internal.h"

/* Whether [p, p + len) lies in [from, from + n). */
static bool
within(const void *p, size_t len, const void *from, size_t n)
{
	uintptr_t at = (uintptr_t)p, start = (uintptr_t)from;

	return at >= start && at - start <= n && len <= n - (at - start);
}

/* Whether they have a byte in common. */
static bool
meets(const void *p, size_t len, const void *from, size_t n)
{
	uintptr_t at = (uintptr_t)p, start = (uintptr_t)from;

	return len > 0 && (at >= start ? at - start < n : start - at < len);
}

bool
jz_is_caller(const struct jz_applet *self)
{
	const struct jz_applet *running = self->card->running;

	return running == NULL || running == self;
}

bool
jz_owns(const struct jz_applet *self, const void *dst, size_t len)
{
	/* Read at its own place: the runtime's may be closed. */
	const struct jz_nvm_head *head = self->nvm;

	return jz_is_caller(self) &&
	    within(jz_as_runtime(self->card, dst), len,
		jz_as_runtime(self->card, head + 1),
		head->taken - sizeof(*head));
}

/* Transient memory of the applet. */
static bool
is_transient(const struct jz_applet *self, const void *p, size_t len)
{
	const struct jz_card *card = self->card;

	return (self->cor != NULL &&
		   within(p, len, jz_as_runtime(card, self->cor),
		       self->class->cor_bytes)) ||
	    (self->cod != NULL &&
		within(p, len, jz_as_runtime(card, self->cod),
		    self->class->cod_bytes));
}

/* The region that an applet is upgraded from. */
static bool
is_old_region(const struct jz_applet *self, const void *p, size_t len)
{
	const struct jz_span old = self->card->old;

	return old.len != 0 && within(p, len, old.data, old.len);
}

bool
jz_may_read(const struct jz_applet *self, const void *src, size_t len)
{
	const struct jz_card_setup *s = &self->card->setup;
	const void *p = jz_as_runtime(self->card, src);

	if (!jz_is_caller(self))
		return false;
	if (src == NULL)
		return len == 0;
	if (meets(p, len, s->nvm, s->nvm_bytes))
		return within(p, len, jz_as_runtime(self->card, self->nvm),
			   self->nvm_bytes) ||
		    is_old_region(self, p, len);
	return !meets(p, len, s->ram, s->ram_bytes) ||
	    is_transient(self, p, len);
}

bool
jz_may_write(const struct jz_applet *self, const void *dst, size_t len)
{
	const struct jz_card_setup *s = &self->card->setup;
	const void *p = jz_as_runtime(self->card, dst);

	if (!jz_is_caller(self))
		return false;
	if (dst == NULL)
		return len == 0;
	if (meets(p, len, s->nvm, s->nvm_bytes))
		return false;
	return !meets(p, len, s->ram, s->ram_bytes) ||
	    is_transient(self, p, len);
}

int
jz_refuse_call(const struct jz_applet *self)
{
	jz_card_spoil(self->card, JZ_ERR_ARGUMENT);
	return JZ_ERR_ARGUMENT;
}

/* 0, or the refusal. */
static int
check(
    const struct jz_applet *self, const void *dst, const void *src, size_t len)
{
	if (jz_owns(self, dst, len) && jz_may_read(self, src, len))
		return 0;
	return jz_refuse_call(self);
}

int
jz_write(struct jz_applet *self, const void *dst, const void *src, size_t len)
{
	int e;

	jz_runtime_open(self->card);
	if ((e = check(self, dst, src, len)) == 0)
		e = jz_card_write(self->card, dst, src, len);
	jz_runtime_close(self->card);
	return e;
}

int
jz_write_u8(struct jz_applet *self, const uint8_t *dst, uint8_t v)
{
	return jz_write(self, dst, &v, sizeof(v));
}

int
jz_write_u32(struct jz_applet *self, const uint32_t *dst, uint32_t v)
{
	return jz_write(self, dst, &v, sizeof(v));
}

int
jz_write_u64(struct jz_applet *self, const uint64_t *dst, uint64_t v)
{
	return jz_write(self, dst, &v, sizeof(v));
}

int
jz_fill(struct jz_applet *self, const void *dst, uint8_t v, size_t len)
{
	int e;

	jz_runtime_open(self->card);
	if ((e = check(self, dst, dst, len)) == 0)
		e = jz_card_fill(self->card, dst, v, len);
	jz_runtime_close(self->card);
	return e;
}

int
jz_write_piece(
    struct jz_applet *self, const void *dst, const void *src, size_t len)
{
	struct jz_card *card = self->card;

	/* A region that is not committed yet has nothing beside it. */
	return card->installing == self->index
	    ? jz_card_write(card, dst, src, len)
	    : jz_card_write_beside(card, dst, src, len);
}

int
jz_write_now(
    struct jz_applet *self, const void *dst, const void *src, size_t len)
{
	int e;

	jz_runtime_open(self->card);
	e = check(self, dst, src, len);
	if (e == 0 && len > JZ_PIN_MAX)
		e = jz_refuse_call(self);
	if (e == 0)
		e = jz_write_piece(self, dst, src, len);
	jz_runtime_close(self->card);
	return e;
}

int
jz_write_nonatomic(
    struct jz_applet *self, const void *dst, const void *src, size_t len)
{
	const uint8_t *to = dst, *from = src;
	/* Bytes that move up within the region are moved from the end. */
	bool up = len > 0 && within(dst, 1, src, len);
	int e;

	jz_runtime_open(self->card);
	e = check(self, dst, src, len);
	for (size_t done = 0, n = 0; e == 0 && done < len; done += n) {
		size_t at = done;

		n = len - done;
		if (n > JZ_NONATOMIC_BYTES)
			n = JZ_NONATOMIC_BYTES;
		if (up)
			at = len - done - n;
		e = jz_write_piece(self, to + at, from + at, n);
	}
	jz_runtime_close(self->card);
	return e;
}
