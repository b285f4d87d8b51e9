/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict mode on a computer: the memory protection unit of chip.h.
 *
 * One card's memory is mapped twice.  The runtime uses it where it is, and only
 * while it works; applets see it at another place, where mprotect(2) leaves the
 * applet that runs its own memory.  A stray access, at either place, ends the
 * process with SIGSEGV.  It costs a few system calls each time that an applet
 * is entered or calls the runtime.
 *
 * Linux: memfd_create(2).  After fork(2) both processes share the memory.
 */
#ifndef JZ_VIRTUAL_GUARD_H
#define JZ_VIRTUAL_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../runtime/chip.h"

struct jz_page_guard {
	struct jz_guard guard; /* setup.guard; setup.guard_state is this */
	uint8_t *nvm, *ram;    /* where the runtime sees them */
	size_t nvm_bytes, ram_bytes;
	bool closed; /* there */
	/* What the applet that ran last may touch. */
	struct jz_limits open;
};

/*
 * For a card whose non-volatile and transient memory is this; both begin on a
 * page and end with one, else JZ_ERR_ARGUMENT.  The memory is lent, and keeps
 * what is in it.  JZ_ERR_SYSTEM.
 */
int jz_page_guard_init(struct jz_page_guard *g, void *nvm, size_t nvm_bytes,
    void *ram, size_t ram_bytes);
/* The memory is as any other again.  Does nothing after a failed init. */
void jz_page_guard_end(struct jz_page_guard *g);

#endif
