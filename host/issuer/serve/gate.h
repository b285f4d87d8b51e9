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

/* A gate to something else: together() does n pieces of work, 1 to
 * JZ_GATE_GROUP_MAX, in the thread of whoever leads, and says in each what came
 * of it. */
typedef void jz_gate_group(void *arg, void *const *work, size_t n);
int jz_gate_new_to(jz_gate_group *together, void *arg, struct jz_gate **out);
/* Returns when it is done.  Any thread. */
void jz_gate_pass(struct jz_gate *g, void *work);

/*
 * Does f with the issuer and commits it.  Returns what f returned, or why it
 * could not be committed: then nobody knows whether it was (a database that
 * went away), and the same may be asked for again.  f is called again when its
 * group was in the way of another daemon's: it starts from the beginning.  Of a
 * gate to an issuer.  Any thread.
 */
int jz_gate_do(
    struct jz_gate *g, int (*f)(void *arg, struct jz_issuer *i), void *arg);

/* Groups committed so far, and what was in them. */
void jz_gate_counts(struct jz_gate *g, uint64_t *groups, uint64_t *done);

#endif
