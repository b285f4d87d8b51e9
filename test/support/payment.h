/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One payment between two purses, step by step, by a host that only carries
 * bytes.
 */
#ifndef JZ_TEST_SUPPORT_PAYMENT_H
#define JZ_TEST_SUPPORT_PAYMENT_H

#include <stdbool.h>

#include "port.h"

enum step {
	STEP_REQUEST,	  /* payee: terms -> FF22 */
	STEP_AGREE,	  /* payer: FF22 -> FF2F(FF23) */
	STEP_CONFIRM,	  /* payee: -> FF2F(FF24) */
	STEP_COMPLETE,	  /* payer: -> FF2F(FF25) */
	STEP_CREDIT,	  /* payee: -> FF2F(FF26) */
	STEP_ACKNOWLEDGE, /* payer: -> nothing */
	STEPS,
};

struct payment {
	const struct port *payee, *payer;
	struct blob terms;	    /* the hello goes behind them */
	bool encrypted;		    /* the profile of both cards */
	struct blob message[STEPS]; /* what each step answered */
	enum step next;
};

/* A payment that has not begun; currency CNY. */
struct payment payment_of(const struct port *payee, const struct port *payer,
    uint64_t amount, int64_t time);

/* Who carries a step out, with which header, and what it is given. */
const struct port *payment_card(const struct payment *pay, enum step step);
uint32_t payment_header(enum step step);
struct jz_span payment_data(const struct payment *pay, enum step step);

/*
 * Carries out the steps up to and with `last`, a hello before the request in the
 * encrypted profile.  9000, or the first refusal;
 * then next is the step refused.
 */
uint16_t payment_run(struct payment *pay, enum step last);

/* Field 8A of a sealed message. */
void
payment_digest(const struct payment *pay, uint8_t out[static JZ_DIGEST_BYTES]);

#endif
