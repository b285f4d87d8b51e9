/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict mode by a second mapping of the card's memory.
 */
#define _GNU_SOURCE

#include "guard.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../apdu/error.h"

#define OPEN (PROT_READ | PROT_WRITE)

static bool
same(struct jz_span a, struct jz_span b)
{
	return a.data == b.data && a.len == b.len;
}

/* A span begins on a page; the rest of its last page belongs to it. */
static void
protect(const struct jz_page_guard *g, struct jz_span span, int access)
{
	size_t page = g->guard.page;

	if (span.len == 0)
		return;
	/* Fails when the kernel has no room to note so many pieces of memory.
	 * Going on would let tests pass that prove nothing. */
	if (mprotect((void *)(uintptr_t)span.data,
		(span.len + page - 1) / page * page, access) != 0)
		abort();
}

/* The runtime's own place. */
static void
protect_own(struct jz_page_guard *g, bool closed)
{
	int access = closed ? PROT_NONE : OPEN;

	if (g->closed == closed)
		return;
	g->closed = closed;
	if (g->ram == g->nvm + g->nvm_bytes) { /* in one call */
		protect(
		    g, jz_span(g->nvm, g->nvm_bytes + g->ram_bytes), access);
		return;
	}
	protect(g, jz_span(g->nvm, g->nvm_bytes), access);
	protect(g, jz_span(g->ram, g->ram_bytes), access);
}

static void
guard_open(void *guard)
{
	protect_own(guard, false);
}

static void
guard_limit(void *guard, const struct jz_limits *open)
{
	struct jz_page_guard *g = guard;

	protect_own(g, true);
	if (same(open->nvm, g->open.nvm) && same(open->old, g->open.old) &&
	    same(open->cor, g->open.cor) && same(open->cod, g->open.cod))
		return;
	protect(g, g->open.nvm, PROT_NONE);
	protect(g, g->open.old, PROT_NONE);
	protect(g, g->open.cor, PROT_NONE);
	protect(g, g->open.cod, PROT_NONE);
	protect(g, open->nvm, PROT_READ);
	protect(g, open->old, PROT_READ);
	protect(g, open->cor, OPEN);
	protect(g, open->cod, OPEN);
	g->open = *open;
}

static int
write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno != EINTR)
			return JZ_ERR_SYSTEM;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* Shared memory in the place of what is there, with the same content. */
static int
map_over(void *base, size_t bytes, int fd, size_t offset)
{
	return mmap(base, bytes, OPEN, MAP_SHARED | MAP_FIXED, fd,
		   (off_t)offset) == MAP_FAILED
	    ? JZ_ERR_SYSTEM
	    : 0;
}

static int
map_all(struct jz_page_guard *g, int fd)
{
	void *view;
	int e;

	if ((e = write_all(fd, g->nvm, g->nvm_bytes)) != 0 ||
	    (e = write_all(fd, g->ram, g->ram_bytes)) != 0)
		return e;
	view = mmap(
	    NULL, g->nvm_bytes + g->ram_bytes, PROT_NONE, MAP_SHARED, fd, 0);
	if (view == MAP_FAILED)
		return JZ_ERR_SYSTEM;
	g->guard.nvm = view;
	g->guard.ram = g->guard.nvm + g->nvm_bytes;
	if ((e = map_over(g->nvm, g->nvm_bytes, fd, 0)) != 0)
		return e;
	return map_over(g->ram, g->ram_bytes, fd, g->nvm_bytes);
}

int
jz_page_guard_init(struct jz_page_guard *g, void *nvm, size_t nvm_bytes,
    void *ram, size_t ram_bytes)
{
	long page = sysconf(_SC_PAGESIZE);
	uintptr_t odd;
	int fd, e;

	memset(g, 0, sizeof(*g));
	odd = (uintptr_t)nvm | (uintptr_t)ram | nvm_bytes | ram_bytes;
	if (page <= 0 || nvm_bytes == 0 || ram_bytes == 0 ||
	    odd % (uintptr_t)page != 0)
		return JZ_ERR_ARGUMENT;
	fd = memfd_create("jiaozi-card", MFD_CLOEXEC);
	if (fd < 0)
		return JZ_ERR_SYSTEM;
	g->guard.page = (uint32_t)page;
	g->guard.open = guard_open;
	g->guard.limit = guard_limit;
	g->nvm = nvm;
	g->nvm_bytes = nvm_bytes;
	g->ram = ram;
	g->ram_bytes = ram_bytes;
	e = map_all(g, fd);
	close(fd);
	if (e != 0)
		jz_page_guard_end(g);
	return e;
}

/* Memory of the process alone, with what is in the view. */
static void
take_back(void *base, size_t bytes, const uint8_t *view)
{
	if (mmap(base, bytes, OPEN, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		0) == MAP_FAILED)
		abort(); /* the caller's memory is gone */
	memcpy(base, view, bytes);
}

void
jz_page_guard_end(struct jz_page_guard *g)
{
	uint8_t *view = g->guard.nvm;
	size_t bytes = g->nvm_bytes + g->ram_bytes;

	if (view == NULL)
		return;
	if (mprotect(view, bytes, PROT_READ) != 0)
		abort();
	take_back(g->nvm, g->nvm_bytes, view);
	take_back(g->ram, g->ram_bytes, view + g->nvm_bytes);
	munmap(view, bytes);
	memset(g, 0, sizeof(*g));
}
