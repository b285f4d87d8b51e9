/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Personalisation in two steps, for who makes many cards: what a card does
 * until its public key is known, and what it does with its certificate.  What
 * stands between them, the issuer's part, may be done for many cards at once.
 *
 * One thread at a time per struct jz_personalising; `keys` is called by it.
 */
#ifndef JZ_HOST_PERSONALISE_H
#define JZ_HOST_PERSONALISE_H

#include "pay.h"

struct jz_personalising {
	/* Set by the caller before the first step, lent until the last. */
	const struct jz_personal *personal;
	/* The issuer's administration keys for a card. */
	int (*keys)(void *arg, const uint8_t kdd[static JZ_GP_KDD_BYTES],
	    uint8_t kvn, struct jz_scp03_keys *out);
	void *arg;
	uint8_t kvn;	     /* the version of the keys that new cards get */
	struct jz_span root; /* certificate */
	struct jz_span ca, host;	  /* needed by the last step alone */
	uint8_t load_key[JZ_POINT_BYTES]; /* likewise, for sealed loads */

	/* Set by the first step. */
	struct jz_gp gp; /* with a session: jz_gp_close() on every path */
	struct jz_purse_info info;
	uint8_t public_key[JZ_POINT_BYTES]; /* of the card; not when done */
	bool done; /* the purse has everything; only the card's state lacks */
	uint32_t capacity;
	uint8_t block; /* the next one's number */
	uint8_t state; /* of the card */
};

/* What is wrong with an order before any card is touched: JZ_ERR_ARGUMENT (the
 * PIN), JZ_ERR_RANGE. */
int jz_personal_check(const struct jz_personal *p);

/*
 * From a selected purse to its public key: the issuer's keys are on the card,
 * the channel is open.  Session and engine are lent.  Errors as
 * jz_personalise().
 */
int jz_personal_begin(struct jz_personalising *r, struct jz_session *s,
    const struct jz_engine *engine);
/* Certificates, parameters and PIN; the card is SECURED. */
int jz_personal_finish(struct jz_personalising *r, struct jz_span certificate,
    const uint8_t asn[static 10]);

#endif
