/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A submission on its way through the issuer, for who judges many at once:
 *
 *   jz_esign_take()	 takes it apart
 *   jz_esign_look()	 looks up the card's key
 *   jz_esign_examine()	 signature and joint password, under that key: nearly all
 *			 of the work, and nobody else's business; any thread
 *   jz_esign_write()	 judges, with what is remembered; used up is kept here
 *   jz_esign_execute()	 asks the executor
 *   jz_esign_write()	 writes down what it has said
 *
 * What was examined under a key that is not the card's, or not at all, is
 * examined where it is judged.  So the first three steps decide nothing but
 * whether a text is a submission.
 *
 * Several are written in one transaction, in their order, which comes to the
 * same as one after the other: a verdict depends on what is written by
 * jz_esign_write() alone.  A transaction that fails is undone, and each of its
 * cases gets one of its own.
 */
#ifndef JZ_HOST_ISSUER_ESIGN_CASE_H
#define JZ_HOST_ISSUER_ESIGN_CASE_H

#include "../../keys/esign.h"
#include "esign.h"

#define JZ_ESIGN_GROUP 128 /* in one transaction */

struct jz_esign_case {
	uint8_t bytes[JZ_ESIGN_SUBMISSION_MAX];
	size_t len;
	/* In these bytes. */
	struct jz_esign_submission parts;
	struct jz_esign_order order;
	struct jz_esign_signature signature;
	/* Examined under this key. */
	uint8_t key[JZ_POINT_BYTES];
	bool looked, examined;
	uint8_t digest[JZ_DIGEST_BYTES]; /* of the whole */
	struct jz_esign_ends ends;
	struct jz_joint joint;
	int found;  /* 0: the card's; JZ_ERR_SIGNATURE: not; or an error */
	int opened; /* 0: the block was for us; JZ_ERR_DECRYPT; or an error */
	/* Judged. */
	struct jz_esign_card card;
	struct jz_esign_entry entry;
	enum jz_esign_state said; /* by the executor; 0: nothing as yet */
	enum jz_esign_verdict verdict;
	int err; /* nothing was decided */
};

/* Whether there is no verdict against it. */
static inline bool
jz_esign_goes_on(const struct jz_esign_case *c)
{
	return c->err == 0 && c->verdict == JZ_ESIGN_EXECUTED;
}

/* Copies the submission. */
void jz_esign_take(struct jz_esign_case *c, struct jz_span submission);
/* Within no transaction; state: the store's, or another handle on it. */
void jz_esign_look(
    const struct jz_esign_verifier *v, void *state, struct jz_esign_case *c);
/* Of v it uses the key alone. */
void jz_esign_examine(const struct jz_esign_verifier *v,
    const struct jz_engine *e, struct jz_esign_case *c);
/* Those of n that go on: judged, or written down if the executor has said
 * something.  Errors and verdicts are in the cases. */
void jz_esign_write(const struct jz_esign_verifier *v,
    struct jz_esign_case *const *c, size_t n);
/* Those of n that go on; the same submission twice is asked for once.  Then all
 * of these are to be written. */
void jz_esign_execute(const struct jz_esign_verifier *v,
    struct jz_esign_case *const *c, size_t n);
void jz_esign_wipe(struct jz_esign_case *c);

/* One of jz_esign_write(), within a transaction of the store: returns and keeps
 * its error. */
int jz_esign_step(const struct jz_esign_verifier *v, struct jz_esign_case *c);

#endif
