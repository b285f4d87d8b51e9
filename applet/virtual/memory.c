/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage in memory, and the chip that has none.
 */
#define _POSIX_C_SOURCE 200809L

#include "storage.h"
#include "../../apdu/error.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A log never grows past this many bytes (applet/runtime/log.h: 256 KiB). */
#define CONTENT_MAX (16u * 1024u * 1024u)
#define CAP_MIN	    4096u

struct jz_memory {
	uint8_t *data;
	size_t len, cap;
	int64_t time;
};

int
jz_system_now(void *chip, int64_t *utc)
{
	struct timespec t;

	(void)chip;
	*utc = 0;
	if (clock_gettime(CLOCK_REALTIME, &t) != 0)
		return JZ_ERR_SYSTEM;
	*utc = (int64_t)t.tv_sec;
	return 0;
}

void *
jz_heap_take(void *chip, size_t bytes)
{
	(void)chip;
	return malloc(bytes);
}

void
jz_heap_give(void *chip, void *block, size_t bytes)
{
	(void)chip;
	(void)bytes;
	free(block);
}

static int
memory_now(void *chip, int64_t *utc)
{
	const struct jz_memory *m = chip;

	if (m->time == 0)
		return jz_system_now(chip, utc);
	*utc = m->time;
	return 0;
}

/* Room for len bytes.  What is stored is sealed, so nothing is wiped. */
static int
grow(struct jz_memory *m, size_t len)
{
	size_t cap = m->cap < CAP_MIN ? CAP_MIN : m->cap;
	uint8_t *p;

	if (len <= m->cap)
		return 0;
	if (len > CONTENT_MAX)
		return JZ_ERR_CARD_STORAGE;
	while (cap < len)
		cap *= 2;
	p = realloc(m->data, cap);
	if (p == NULL)
		return JZ_ERR_MEMORY;
	m->data = p;
	m->cap = cap;
	return 0;
}

static int
memory_size(void *chip, uint64_t *out)
{
	const struct jz_memory *m = chip;

	*out = m->len;
	return 0;
}

static int
memory_read(void *chip, uint64_t offset, void *out, size_t len)
{
	const struct jz_memory *m = chip;

	if (offset > m->len || len > m->len - (size_t)offset)
		return JZ_ERR_CARD_STORAGE;
	if (len > 0)
		memcpy(out, m->data + offset, len);
	return 0;
}

static int
memory_append(void *chip, const void *data, size_t len)
{
	struct jz_memory *m = chip;

	if (len > CONTENT_MAX || grow(m, m->len + len) != 0)
		return JZ_ERR_CARD_STORAGE;
	if (len > 0)
		memcpy(m->data + m->len, data, len);
	m->len += len;
	return 0;
}

static int
memory_sync(void *chip)
{
	(void)chip;
	return 0;
}

static int
memory_replace(void *chip, const struct jz_span *parts, size_t n)
{
	struct jz_memory *m = chip;
	size_t total = 0, at = 0;

	for (size_t i = 0; i < n; i++) {
		if (parts[i].len > CONTENT_MAX - total)
			return JZ_ERR_CARD_STORAGE;
		total += parts[i].len;
	}
	if (grow(m, total) != 0)
		return JZ_ERR_CARD_STORAGE;
	for (size_t i = 0; i < n; i++) {
		if (parts[i].len > 0)
			memmove(m->data + at, parts[i].data, parts[i].len);
		at += parts[i].len;
	}
	m->len = total;
	return 0;
}

const struct jz_chip jz_memory_chip = {
    .size = memory_size,
    .read = memory_read,
    .append = memory_append,
    .sync = memory_sync,
    .replace = memory_replace,
    .now = memory_now,
    .take = jz_heap_take,
    .give = jz_heap_give,
};

static int
bare_now(void *chip, int64_t *utc)
{
	const int64_t *now = chip;

	if (now == NULL || *now == 0)
		return jz_system_now(chip, utc);
	*utc = *now;
	return 0;
}

const struct jz_chip jz_bare_chip = {
    .now = bare_now,
    .take = jz_heap_take,
    .give = jz_heap_give,
};

int
jz_memory_new(struct jz_memory **out)
{
	*out = calloc(1, sizeof(**out));
	return *out == NULL ? JZ_ERR_MEMORY : 0;
}

void
jz_memory_free(struct jz_memory **m)
{
	if (m == NULL || *m == NULL)
		return;
	free((*m)->data);
	free(*m);
	*m = NULL;
}

struct jz_span
jz_memory_content(const struct jz_memory *m)
{
	return jz_span(m->data, m->len);
}

int
jz_memory_set(struct jz_memory *m, struct jz_span content)
{
	return memory_replace(m, &content, 1);
}

void
jz_memory_set_time(struct jz_memory *m, int64_t utc)
{
	m->time = utc;
}
