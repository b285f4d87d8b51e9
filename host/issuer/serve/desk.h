/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many threads with submissions of the e-signature card at one verifier
 * (../esign.h): each examines its own, as many at once as there are CPUs; what
 * is judged and written goes through a gate, and several share a commit.
 *
 * An executor that has begin() and end() is the issuer's own books, and is asked
 * at their gate, in a group with whatever else comes there.  Any other one is
 * asked by each thread for itself, so that a server that is slow holds up nobody
 * else.
 */
#ifndef JZ_HOST_ISSUER_SERVE_DESK_H
#define JZ_HOST_ISSUER_SERVE_DESK_H

#include "../esign.h"
#include "gate.h"

struct jz_desk;

/* Both are lent.  The verifier's store is the desk's until jz_desk_free().
 * JZ_ERR_MEMORY, JZ_ERR_SYSTEM. */
int jz_desk_new(const struct jz_esign_verifier *v, struct jz_gate *books,
    struct jz_desk **out);
/* Does what waits and takes no more: what is posted is told so at once. */
void jz_desk_close(struct jz_desk *d);
/* Closes it first.  Takes NULL, clears it. */
void jz_desk_free(struct jz_desk **desk);

/*
 * Does w->f with w->arg in one of the desk's own threads and tells, as
 * jz_gate_post(); there is no group, and f gets no issuer.  For whoever must not
 * stand in jz_desk_submit() himself.  Any thread.
 */
void jz_desk_post(struct jz_desk *d, struct jz_gate_work *w);

/* As jz_esign_submit().  Any thread. */
int jz_desk_submit(struct jz_desk *d, struct jz_span submission,
    enum jz_esign_verdict *verdict);

/* Groups written so far, and what was in them: two for each submission that is
 * executed. */
void jz_desk_counts(struct jz_desk *d, uint64_t *groups, uint64_t *done);

#endif
