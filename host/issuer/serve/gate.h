/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many threads at one issuer: what waits is done together, in one commit.
 *
 * The first who comes leads: he does his own and whatever has come meanwhile,
 * one after the other and each judged for itself, and commits it all at once.
 * Those who come while he does are the next group.  So a lone request waits for
 * nobody, and under load one flush of the disk serves a whole group.
 */
#ifndef JZ_HOST_ISSUER_SERVE_GATE_H
#define JZ_HOST_ISSUER_SERVE_GATE_H

#include "../issuer.h"

struct jz_gate;

#define JZ_GATE_GROUP_MAX 64

/* The issuer is the gate's until jz_gate_free(), which does not free it. */
int jz_gate_new(struct jz_issuer *i, struct jz_gate **out);
void jz_gate_free(struct jz_gate **gate);

/*
 * Does f with the issuer and commits it.  Returns what f returned, or why it
 * could not be committed: then nobody knows whether it was (a database that
 * went away), and the same may be asked for again.  f is called again when its
 * group was in the way of another daemon's: it starts from the beginning.  Any
 * thread.
 */
/* The same for what commits by itself: in a turn of its own, in no group. */
int jz_gate_do_alone(
    struct jz_gate *g, int (*f)(void *arg, struct jz_issuer *i), void *arg);
int jz_gate_do(
    struct jz_gate *g, int (*f)(void *arg, struct jz_issuer *i), void *arg);

/* Groups committed so far, and what was in them. */
void jz_gate_counts(struct jz_gate *g, uint64_t *groups, uint64_t *done);

#endif
