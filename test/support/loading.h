/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A purse, a load that is open on it, and the host's permission for it.
 */
#ifndef JZ_TEST_SUPPORT_LOADING_H
#define JZ_TEST_SUPPORT_LOADING_H

#include "cardrig.h"

#define LOADING_ID     "CN00000000100001"
#define LOADING_PIN    "123456"
#define LOADING_AMOUNT 2500u

struct loading {
	struct rig rig;
	struct bank *bank;
	struct profile profile;
	struct rig_card *card;
	const struct port *port;
	const struct purse_nvm *purse;
	/* the load that is open, and its permission */
	struct answer initialized;
	uint8_t digest[JZ_DIGEST_BYTES];
	struct jz_message request, permission;
	struct blob data; /* of CREDIT FOR LOAD */
};

/* For cmocka: *state is a struct loading, with nothing open. */
int loading_setup(void **state);
int loading_teardown(void **state);

/* VERIFY, INITIALIZE, and the permission for it. */
void loading_initialize(struct loading *f, uint32_t amount);
/* Signs f->permission as the host, into f->data. */
void loading_permit(struct loading *f);
/* CREDIT FOR LOAD of f->data is refused and changes nothing. */
void loading_refuses(struct loading *f, uint16_t sw);
/* The genuine permission still credits, once. */
void loading_still_credits(struct loading *f);

#endif
