/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network between two programs: a TCP relay that does something when so many
 * bytes have passed, or is down.
 */
#ifndef JZ_TEST_CHAOS_PROXY_H
#define JZ_TEST_CHAOS_PROXY_H

#include <stdbool.h>
#include <stdint.h>

struct proxy;

/* Listens on 127.0.0.1, and goes on to 127.0.0.1:to.  NULL: it cannot. */
struct proxy *proxy_new(unsigned short to);
void proxy_free(struct proxy *p);
unsigned short proxy_port(const struct proxy *p);

/*
 * When `bytes` have passed from now on, in both directions together, all
 * connections are cut, if asked for, and `then` is called, once, from a thread
 * of the proxy's; it may be NULL.  bytes UINT64_MAX: never.
 */
void proxy_plan(struct proxy *p, uint64_t bytes, bool cut,
    void (*then)(void *arg), void *arg);
#endif
