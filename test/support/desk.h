/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a purse is personalised: a card with a session of its domain open, and
 * the objects for it.
 *
 * Everything here fails the running test when it cannot do what it says.
 */
#ifndef JZ_TEST_SUPPORT_DESK_H
#define JZ_TEST_SUPPORT_DESK_H

#include "gpclient.h"

#define DESK_CARD_ID "CN00000000100001"

enum object {
	ROOT,
	CA,
	HOST,
	OWN,
	PARAMETERS,
	OBJECTS,
};

struct desk {
	struct rig rig;
	struct bank *bank;
	struct profile profile;
	struct rig_card *own_card; /* its key pair is made */
	uint8_t point[JZ_POINT_BYTES];
	struct jz_certificate own;
	struct blob object[OBJECTS];
	struct rig_card *card; /* whose session it is */
	struct gp g;
	uint8_t block; /* the next one's number */
};

/* For cmocka: *state is a struct desk, own_card is on it. */
int desk_setup(void **state);
int desk_teardown(void **state);

/* A session with this card, which is lent. */
void desk_open(struct desk *d, struct rig_card *c);
void desk_generate(struct desk *d, uint8_t point[static JZ_POINT_BYTES]);
void desk_stores(struct desk *d, const struct blob *object, bool last);
/* These of the desk's objects, none of them as the last. */
void desk_store(struct desk *d, enum object from, enum object to);
/* Refused with this, nothing changed; the session goes on. */
void desk_refuses(
    struct desk *d, const struct blob *object, bool last, uint16_t expected);

#endif
