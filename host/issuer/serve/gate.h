/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many requests at one issuer: what waits is done together, in one commit.
 *
 * A thread of the gate's own does what waits, one after the other and each
 * judged for itself, and commits it all at once.  What comes while it does is
 * the next group.  So a lone request waits for nobody, and under load one flush
 * of the disk serves a whole group.  Whoever brings work need not stand there:
 * a thread that serves many connections goes on with the others.
 */
#ifndef JZ_HOST_ISSUER_SERVE_GATE_H
#define JZ_HOST_ISSUER_SERVE_GATE_H

#include "../issuer.h"

struct jz_gate;

#define JZ_GATE_GROUP_MAX 64

/*
 * What is to be done: f with the issuer, committed, and then told.  It is the
 * gate's until told() is called.
 *
 * f is called again when its group was in the way of another daemon's: it
 * starts from the beginning.
 */
struct jz_gate_work {
	int (*f)(void *arg, struct jz_issuer *i); /* of jz_gate_new() alone */
	void *arg;
	/* By the gate's thread, not to be held up; err is there, the work is
	 * the caller's again. */
	void (*told)(struct jz_gate_work *w);
	/*
	 * What f returned, or why it could not be committed: then nobody knows
	 * whether it was (a database that went away), and the same may be asked
	 * for again.  JZ_ERR_CONTENDED: others were in the way for too long, or
	 * the gate is closed; nothing has changed.
	 */
	int err;
	struct jz_gate_work *next; /* the gate's */
};

/* The issuer is the gate's until jz_gate_free(), which does not free it.
 * JZ_ERR_MEMORY, JZ_ERR_SYSTEM. */
int jz_gate_new(struct jz_issuer *i, struct jz_gate **out);
/*
 * A gate to something else: together() does a group, 1 to JZ_GATE_GROUP_MAX
 * linked by `next`, in the gate's thread, and leaves in each its err.
 */
typedef void jz_gate_group(void *state, struct jz_gate_work *group);
int jz_gate_new_to(jz_gate_group *together, void *state, struct jz_gate **out);
/* Does what waits and takes no more: what comes is told so at once. */
void jz_gate_close(struct jz_gate *g);
/* Closes it first. */
void jz_gate_free(struct jz_gate **gate);

/* Any thread, these three. */

void jz_gate_post(struct jz_gate *g, struct jz_gate_work *w);
/* Does f, waits for it and returns its err. */
int jz_gate_do(
    struct jz_gate *g, int (*f)(void *arg, struct jz_issuer *i), void *arg);
/* Groups committed so far, and what was in them. */
void jz_gate_counts(struct jz_gate *g, uint64_t *groups, uint64_t *done);

#endif
