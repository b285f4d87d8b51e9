/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of the heap is taken, the allocator's own bytes included.
 */
#ifndef JZ_TEST_SUPPORT_HEAP_H
#define JZ_TEST_SUPPORT_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/* False when the allocator cannot be asked: another C library, a sanitizer,
 * valgrind. */
bool heap_known(void);
size_t heap_taken(void);

#endif
