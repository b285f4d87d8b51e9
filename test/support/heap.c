/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap's use, by glibc's mallinfo2(3).
 */
#include "heap.h"

#include <malloc.h>
#include <stdlib.h>

#if defined(__GLIBC__) && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 33)
#define HAVE_MALLINFO2 1
#endif
#endif

#define PROBE_BYTES 10000u

size_t
heap_taken(void)
{
#ifdef HAVE_MALLINFO2
	const struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
#else
	return 0;
#endif
}

bool
heap_known(void)
{
	const size_t before = heap_taken();
	/* The compiler would leave the pair out. */
	void *volatile probe = malloc(PROBE_BYTES);
	const size_t with = heap_taken();

	free(probe);
	return with >= before + PROBE_BYTES;
}
