/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into a program it ends it with SIGABRT when everything else has
 * ended: after main() and the exit handlers.  The core file shows what a
 * program leaves behind of what it has given back.
 */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <stdlib.h>

/* What the program runs itself ends as it likes. */
static void __attribute__((constructor)) alone(void)
{
	(void)unsetenv("LD_PRELOAD");
}

static void __attribute__((destructor)) end_in_core(void)
{
	(void)signal(SIGABRT, SIG_DFL);
	abort();
}
