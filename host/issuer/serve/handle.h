/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request to the issuer's daemon, without a network: a body in, a status
 * and a body out.
 *
 *   jz_call_read()    reads it; false: it is answered already (400, 404, 405)
 *   jz_call_run()     does it, with an issuer; may be called again
 *   jz_call_judge()   does a submission instead, without one
 *   jz_call_goes_on() after it: what takes its time; true: run it once more
 *   jz_call_finish()  makes the answer of what came of it
 *   jz_call_free()
 *
 * The answers, all JSON objects:
 *   200  what was asked for; "outcome" is "done", or "exists" when the same
 *        was done before
 *   400  no request of this kind         404  no such path
 *   402  not enough money                405  another method
 *   403  the card, its user or its signature is refused
 *   409  contradicts what is booked      422  otherwise refused
 *   500, 503  our own fault: the same again may be answered
 * A submission's are jz_esign_json()'s, of esign.h.
 * Of the others those above 299 have "error", which is a refusal's name (issuer.h) or one of
 * enum jz_error's, and "text"; "incident", when one is why (control.h).
 */
#ifndef JZ_HOST_ISSUER_SERVE_HANDLE_H
#define JZ_HOST_ISSUER_SERVE_HANDLE_H

#include "../../wire.h"
#include "../control.h"
#include "../esign.h"
#include "../issuer.h"

struct jz_route;

struct jz_call {
	const struct jz_route *route; /* NULL: none */
	uint8_t in[JZ_BATCH_MAX];
	size_t in_len;
	/* A second sign-in, where two cards ask together. */
	uint8_t other[JZ_MESSAGE_MAX];
	size_t other_len;
	uint32_t counter;
	char *
	    body; /* of a submission, which is read where it is judged; owned */
	size_t body_len;
	/* What a log may say of it: the card and counter that it names. */
	char card[JZ_ID_BYTES + 1];
	/* An account's password, wiped by jz_call_free(): first it is counted,
	 * then compared, then it has been right. */
	struct jz_owner {
		char account[JZ_ACCOUNT_MAX + 1];
		struct jz_secret password;
		struct jz_password_try kept;
		bool nobody, right;
	} owner;
	/* By jz_call_run(). */
	json_t *result;
	enum jz_refusal refusal;
	enum jz_incident_kind incident;
	char detail[64];
	/* The answer. */
	unsigned status;
	const char *code; /* "", or what "error" is; static */
	char *text;	  /* owned */
	size_t len;
};

/* The number of paths, at most JZ_ROUTES_MAX, and the i-th, for counting. */
#define JZ_ROUTES_MAX 32u
unsigned jz_routes(void);
const char *jz_route_path(unsigned i);
/* Its number; jz_routes() for a call of none. */
unsigned jz_route_of(const struct jz_call *c);

bool jz_call_read(struct jz_call *c, const char *method, const char *path,
    struct jz_span body);
/* Whether it is a joint password with what was signed. */
bool jz_call_is_submission(const struct jz_call *c);
/* Any other. */
int jz_call_run(struct jz_call *c, struct jz_issuer *i);
/* Such a one; submit NULL: nobody judges any, and there is no such path. */
int jz_call_judge(struct jz_call *c, jz_esign_submit_fn *submit, void *arg);
/* Without an issuer, and outside of its turn; *err is what the run came to. */
bool jz_call_goes_on(struct jz_call *c, int *err);
void jz_call_finish(struct jz_call *c, int err);
/* Answers at once, without an issuer. */
void jz_call_answer(struct jz_call *c, unsigned status, const char *code);
void jz_call_free(struct jz_call *c);

/* ---- owner.c: an account's owner, by its password ------------------------- */

/* {"account": TEXT, "password": HEX}, and nothing else. */
bool jz_owner_read(struct jz_owner *o, struct jz_span text);
/* Counts; once it has been right, answers with the account's balance and last
 * movements. */
int jz_owner_run(struct jz_owner *o, struct jz_issuer *i, json_t *result);
/* Whether it was counted, and is right: then it is run once more. */
bool jz_owner_compare(struct jz_owner *o, int *err);

#endif
