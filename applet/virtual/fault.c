/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage in memory whose power, syncs and space fail on command: what the
 * power-cut tests stand on.
 *
 * The content only ever grows by append() or changes as a whole by replace(),
 * so what is durable is always its first `synced` bytes.
 */
#include "storage.h"
#include "../../apdu/error.h"

#include <stdlib.h>
#include <string.h>

#define SECTOR	  JZ_FAULT_SECTOR_BYTES
#define KEEP_BITS 64u

struct jz_fault {
	struct jz_memory *memory; /* what a reader sees */
	uint64_t synced;
	struct jz_fault_plan plan;
	struct jz_fault_count count;
	uint64_t plan_bytes, plan_syncs; /* since the plan was set */
	bool cut;
};

/* Which unsynced sectors survive is settled at the cut. */
void
jz_fault_power_cut(struct jz_fault *f)
{
	struct jz_span seen = jz_memory_content(f->memory);
	uint64_t first = f->synced / SECTOR, end = f->synced;
	uint8_t *after = NULL;

	if (f->cut)
		return;
	f->cut = true;
	if (seen.len > 0 && (after = malloc(seen.len)) == NULL)
		return; /* then everything survives, which is one of the ways */
	if (seen.len > 0)
		memcpy(after, seen.data, seen.len);
	for (uint64_t s = first; s * SECTOR < seen.len; s++) {
		uint64_t from = s * SECTOR, to = from + SECTOR;

		from = from < f->synced ? f->synced : from;
		to = to > seen.len ? seen.len : to;
		if (s - first < KEEP_BITS &&
		    ((f->plan.keep >> (s - first)) & 1u) != 0)
			end = to;
		else if (to > from)
			memset(after + from, 0, (size_t)(to - from));
	}
	jz_memory_set(f->memory, jz_span(after, (size_t)end));
	f->synced = end;
	free(after);
}

/* How many of len bytes are written before power fails. */
static size_t
spend(struct jz_fault *f, size_t len, bool *cut)
{
	uint64_t left = JZ_FAULT_NEVER;

	*cut = false;
	if (f->plan.cut_after != JZ_FAULT_NEVER)
		left = f->plan.cut_after - f->plan_bytes;
	if (len >= left) {
		*cut = true;
		len = (size_t)left;
	}
	f->plan_bytes += len;
	f->count.bytes += len;
	return len;
}

static int
fault_size(void *chip, uint64_t *out)
{
	struct jz_fault *f = chip;

	return f->cut ? JZ_ERR_CARD_STORAGE
		      : jz_memory_chip.size(f->memory, out);
}

static int
fault_read(void *chip, uint64_t offset, void *out, size_t len)
{
	struct jz_fault *f = chip;

	return f->cut ? JZ_ERR_CARD_STORAGE
		      : jz_memory_chip.read(f->memory, offset, out, len);
}

static int
fault_append(void *chip, const void *data, size_t len)
{
	struct jz_fault *f = chip;
	uint64_t room;
	size_t n = len;
	bool cut;
	int e;

	if (f->cut)
		return JZ_ERR_CARD_STORAGE;
	f->count.appends++;
	room = jz_memory_content(f->memory).len;
	room = f->plan.disk_bytes > room ? f->plan.disk_bytes - room : 0;
	if (n > room)
		n = (size_t)room;
	n = spend(f, n, &cut);
	e = jz_memory_chip.append(f->memory, data, n);
	if (cut)
		jz_fault_power_cut(f);
	return cut || n < len ? JZ_ERR_CARD_STORAGE : e;
}

static int
fault_sync(void *chip)
{
	struct jz_fault *f = chip;

	if (f->cut)
		return JZ_ERR_CARD_STORAGE;
	f->count.syncs++;
	f->plan_syncs++;
	if (f->plan_syncs == f->plan.fail_sync)
		return JZ_ERR_CARD_STORAGE;
	f->synced = jz_memory_content(f->memory).len;
	return 0;
}

/* Old and new stand side by side on the disk until the old is let go. */
static int
fault_replace(void *chip, const struct jz_span *parts, size_t n)
{
	struct jz_fault *f = chip;
	size_t total = 0, written;
	bool cut;
	int e = JZ_ERR_CARD_STORAGE;

	if (f->cut)
		return JZ_ERR_CARD_STORAGE;
	f->count.replaces++;
	for (size_t i = 0; i < n; i++)
		total += parts[i].len;
	if (f->plan.disk_bytes - jz_memory_content(f->memory).len < total)
		return JZ_ERR_CARD_STORAGE;
	written = spend(f, total, &cut);
	if (written == total)
		e = jz_memory_chip.replace(f->memory, parts, n);
	if (e == 0)
		f->synced = total;
	if (cut)
		jz_fault_power_cut(f);
	return cut ? JZ_ERR_CARD_STORAGE : e;
}

static int
fault_now(void *chip, int64_t *utc)
{
	struct jz_fault *f = chip;

	*utc = 0;
	return f->cut ? JZ_ERR_CARD_STORAGE
		      : jz_memory_chip.now(f->memory, utc);
}

const struct jz_chip jz_fault_chip = {
    .size = fault_size,
    .read = fault_read,
    .append = fault_append,
    .sync = fault_sync,
    .replace = fault_replace,
    .now = fault_now,
    .take = jz_heap_take,
    .give = jz_heap_give,
};

int
jz_fault_new(struct jz_fault **out)
{
	struct jz_fault *f = calloc(1, sizeof(*f));

	*out = NULL;
	if (f == NULL)
		return JZ_ERR_MEMORY;
	f->plan = JZ_FAULT_NO_PLAN;
	if (jz_memory_new(&f->memory) != 0) {
		jz_fault_free(&f);
		return JZ_ERR_MEMORY;
	}
	*out = f;
	return 0;
}

void
jz_fault_free(struct jz_fault **f)
{
	if (f == NULL || *f == NULL)
		return;
	jz_memory_free(&(*f)->memory);
	free(*f);
	*f = NULL;
}

void
jz_fault_plan(struct jz_fault *f, const struct jz_fault_plan *plan)
{
	f->plan = *plan;
	f->plan_bytes = 0;
	f->plan_syncs = 0;
}

void
jz_fault_power_up(struct jz_fault *f)
{
	f->cut = false;
	jz_fault_plan(f, &JZ_FAULT_NO_PLAN);
}

bool
jz_fault_is_cut(const struct jz_fault *f)
{
	return f->cut;
}

struct jz_fault_count
jz_fault_counters(const struct jz_fault *f)
{
	return f->count;
}

struct jz_span
jz_fault_content(const struct jz_fault *f)
{
	return jz_memory_content(f->memory);
}

int
jz_fault_set(struct jz_fault *f, struct jz_span content)
{
	int e = jz_memory_set(f->memory, content);

	if (e == 0)
		f->synced = content.len;
	return e;
}

void
jz_fault_set_time(struct jz_fault *f, int64_t utc)
{
	jz_memory_set_time(f->memory, utc);
}
