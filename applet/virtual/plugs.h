/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plug-ins of one virtual card.
 *
 * Those of a card in CARD live beside it, in the folder CARD.applets (mode
 * 0700), each named by its hash in hexadecimal and ".so".  The card's image,
 * which is sealed, says which hashes it wants; so a file that was altered or
 * exchanged is refused, and only the card knows which of them are in use.
 * Files that no card wants any more do no harm.
 *
 * A card in memory has no folder: what was plugged in stays until it is freed.
 */
#ifndef JZ_VIRTUAL_PLUGS_H
#define JZ_VIRTUAL_PLUGS_H

#include <stdint.h>

#include "../runtime/card.h"

struct jz_plugs;

/* Why the applets of a plug-in cannot be selected. */
struct jz_plugs_problem {
	struct jz_aid module;
	int error;
};

/* card_path NULL: a card in memory.  The engine is lent. */
int jz_plugs_new(const struct jz_engine *engine, const char *card_path,
    struct jz_plugs **out);
/* After the card was closed: its applets' code goes, unless it is shared. */
void jz_plugs_free(struct jz_plugs **p);

/*
 * One more owner, who frees it too, for a snapshot that may outlive its card.
 * He may only hand it to jz_plugs_adopt(), and not while the card is used by
 * another thread.  NULL gives NULL.
 */
struct jz_plugs *jz_plugs_share(struct jz_plugs *p);
/* For a fork of a card: what is loaded in `from`, copies included. */
int jz_plugs_adopt(struct jz_plugs *p, const struct jz_plugs *from);

/* For struct jz_card_setup: `plug`, with the plug-ins as `plugs`. */
const struct jz_applet_class *jz_plugs_find(void *plugs,
    const struct jz_aid *module, const uint8_t hash[static JZ_FILE_HASH_BYTES]);

/*
 * Loads a plug-in from a file, keeps a copy of it with the card, durably, and
 * then makes it known to the card; *module is the AID of its class.  On error
 * the card is as before.  Errors of jz_plugin_load() and jz_card_plug();
 * JZ_ERR_CARD_STORAGE when the copy cannot be written.
 */
int jz_plugs_add(struct jz_plugs *p, struct jz_card *card, const char *path,
    struct jz_aid *module);

/* The i-th plug-in that the card wants and that cannot be had, or NULL after
 * the last. */
const struct jz_plugs_problem *
jz_plugs_problem(const struct jz_plugs *p, unsigned i);

#endif
