/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the runtime share and no applet sees.
 */
#ifndef JZ_RUNTIME_INTERNAL_H
#define JZ_RUNTIME_INTERNAL_H

#include "card.h"

static inline const struct jz_nvm_root *
jz_root(const struct jz_card *card)
{
	return (const struct jz_nvm_root *)(const void *)card->setup.nvm;
}

/* Regions and transient memory are aligned for the widest field. */
static inline uint32_t
jz_align(uint32_t n)
{
	return (n + 7u) & ~7u;
}

/* ---- transaction.c ------------------------------------------------------ */

struct jz_log_env jz_card_log_env(struct jz_card *card);
int jz_card_begin(struct jz_card *card);
int jz_card_commit(struct jz_card *card);
/* Rolls back an open transaction; nothing when none is open. */
void jz_card_rollback(struct jz_card *card);
/* As jz_write, anywhere in the image. */
int jz_card_write(
    struct jz_card *card, const void *dst, const void *src, size_t len);

/* ---- registry.c --------------------------------------------------------- */

/* Builds card->applet[] from the image; zeroes all transient memory. */
int jz_registry_bind(struct jz_card *card);
void jz_registry_clear_cor(struct jz_card *card);
void jz_registry_clear_cod(struct jz_applet *applet);
/*
 * The first applet in AID order whose AID begins with `name` and, for the next
 * occurrence, comes after `after` (NULL: from the start).
 */
struct jz_applet *jz_registry_find(
    struct jz_card *card, struct jz_span name, const struct jz_applet *after);

/* ---- select.c ----------------------------------------------------------- */

/* SELECT by DF name (00 A4 04 xx): ISO/IEC 7816-4:2013 11.1.1. */
uint16_t jz_card_select(struct jz_card *card, struct jz_apdu *apdu);
/* Deselects whatever a channel has selected. */
void jz_card_deselect(struct jz_card *card, unsigned channel);

#endif
