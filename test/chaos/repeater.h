/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bad network on the level of messages: it ends the client's TLS and begins
 * its own to the daemon, and each question may be lost, or its answer, or be
 * asked twice, or come after an older one that is asked once more.
 */
#ifndef JZ_TEST_CHAOS_REPEATER_H
#define JZ_TEST_CHAOS_REPEATER_H

#include <stdint.h>

struct repeater;

/* Listens on 127.0.0.1 with this certificate and key, which it trusts in the
 * daemon at 127.0.0.1:to as well.  NULL: it cannot. */
struct repeater *
repeater_new(unsigned short to, const char *certificate, const char *key);
void repeater_free(struct repeater *r);
unsigned short repeater_port(const struct repeater *r);
/* What happens to the questions from now on; 0: nothing. */
void repeater_plan(struct repeater *r, uint64_t seed);
/* How often it has done something. */
unsigned repeater_met(const struct repeater *r);

#endif
