/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the issuer security domain may do to the card and its other applets:
 * GlobalPlatform 6.4, 9.3.  Each function refuses an applet that has not the
 * privilege Security Domain (6982, or JZ_ERR_STATE), and none may be called with a
 * transaction open (6F00, JZ_ERR_STATE).
 *
 * After jz_admin_delete() regions have moved: read self->nvm anew.
 */
#ifndef JZ_RUNTIME_ADMIN_H
#define JZ_RUNTIME_ADMIN_H

#include "card.h"

struct jz_app_info {
	struct jz_aid instance, module;
	uint8_t state; /* enum jz_app_state */
	uint8_t privileges[JZ_PRIVILEGE_BYTES];
	bool present; /* its class is there */
};

/* Instance i of the registry, 0 to JZ_MAX_APPLETS - 1.  JZ_ERR_NOT_FOUND when
 * that place is free, JZ_ERR_RANGE after the last. */
int
jz_admin_app(const struct jz_applet *sd, unsigned i, struct jz_app_info *out);
/* Class i of the card, built in ones first, then plug-ins; the same errors. */
int jz_admin_module(const struct jz_applet *sd, unsigned i, struct jz_aid *out);

uint16_t jz_admin_install(struct jz_applet *sd, const struct jz_install *order);
/* INSTALLED to SELECTABLE; privileges as given (NULL: as they are).  6A88,
 * 6985. */
uint16_t jz_admin_make_selectable(struct jz_applet *sd,
    const struct jz_aid *instance, const uint8_t *privileges);
/*
 * Deletes an instance, its memory erased and closed up, in one commit; or a
 * plug-in, with its instances when `related`.  6A88 unknown; 6985 selected on
 * some channel or its code under way, the caller itself, a built-in class, a
 * plug-in in use or absent; or what the applet's uninstall said.
 */
uint16_t
jz_admin_delete(struct jz_applet *sd, const struct jz_aid *aid, bool related);
/* Locks or unlocks an application; 6A88, 6985.  It cannot be selected any more;
 * where it is selected, it stays so until it is deselected. */
uint16_t
jz_admin_lock(struct jz_applet *sd, const struct jz_aid *instance, bool lock);

uint8_t jz_admin_card_state(const struct jz_applet *sd);
/*
 * By the transitions of GlobalPlatform 5.1.2, where OP_READY may go to SECURED
 * at once; 6985.  CARD_LOCKED and TERMINATED leave only security domains
 * selectable; what else is selected stays so until it is deselected.
 */
uint16_t jz_admin_set_card_state(struct jz_applet *sd, uint8_t state);

/*
 * Hands a command to an application's store_data, in its own memory.  6A88
 * unknown, 6985 it takes none, is locked, or its code is under way.
 */
uint16_t jz_admin_store_data(
    struct jz_applet *sd, const struct jz_aid *instance, struct jz_apdu *apdu);

/* As jz_card_region, jz_card_nvm_free and jz_card_ram_free, for the domain. */
int jz_admin_region(
    const struct jz_applet *sd, unsigned i, struct jz_region_info *out);
uint32_t jz_admin_nvm_free(const struct jz_applet *sd);
uint32_t jz_admin_ram_free(const struct jz_applet *sd);

#endif
