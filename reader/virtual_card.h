/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of a virtual card share: its struct, and the memory and
 * engine under it.
 */
#ifndef JZ_READER_VIRTUAL_CARD_H
#define JZ_READER_VIRTUAL_CARD_H

#include "virtual.h"

#include "../applet/runtime/card.h"
#include "../applet/virtual/guard.h"
#include "../applet/virtual/panel.h"
#include "../applet/virtual/plugs.h"
#include "../applet/virtual/storage.h"

#define JZ_VIRTUAL_SCHEME "virtual:"

#define JZ_SUITES 2

struct jz_virtual_pool {
	struct jz_engine engine[JZ_SUITES]; /* each made at its first need */
	struct jz_journal journal;
	bool seeded;
	uint8_t seed[JZ_VIRTUAL_SEED_BYTES];
	int64_t now; /* of cards in memory; 0: the system's */
};

/* What tells a card from one that lay at the same address before. */
#define JZ_VIRTUAL_MARK_BYTES 16

struct jz_virtual {
	struct jz_virtual_pool *pool;
	struct jz_engine *engine; /* of the pool */
	struct jz_file *file;	  /* NULL: in memory */
	char *name; /* of a reader with this card: the scheme and its path */
	uint64_t *memory; /* non-volatile, then transient */
	uint32_t nvm_bytes, ram_bytes;
	struct jz_card card;
	struct jz_plugs *plugs;		     /* NULL: none was asked for yet */
	uint8_t mark[JZ_VIRTUAL_MARK_BYTES]; /* random: which card this is */
	bool own_pool;
	bool strict;
	struct jz_page_guard *guard; /* over the memory; NULL: not strict */
	struct jz_screen *screen;    /* NULL: no panel */
};

/* The classes that every virtual card has. */
extern const struct jz_applet_class *const jz_virtual_classes[];
extern const size_t jz_virtual_n_classes;
/* The first of them, of which a new card has an instance. */
#define JZ_VIRTUAL_INSTALLED 2

/* What a card needs for these. */
void jz_virtual_compact(uint32_t *nvm_bytes, uint32_t *ram_bytes);

/*
 * A card without memory and engine, and the beginning of its setup; o->pool,
 * or one of its own.
 */
int jz_virtual_begin(const struct jz_virtual_options *o,
    struct jz_virtual **out, struct jz_card_setup *setup);
/* Gives it the engine of a suite.  JZ_ERR_UNSUPPORTED. */
int jz_virtual_engine(
    struct jz_virtual *v, enum jz_suite suite, struct jz_card_setup *setup);
/* Gives the card memory in the place of what it had. */
int jz_virtual_memory(struct jz_virtual *v, uint32_t nvm_bytes,
    uint32_t ram_bytes, struct jz_card_setup *setup);
/* Wipes it too. */
void jz_virtual_memory_free(struct jz_virtual *v);
/* For a new card: its file, unnamed as yet, and the key it is sealed under. */
int jz_virtual_storage(const struct jz_virtual_options *o, struct jz_virtual *v,
    struct jz_card_setup *setup);
/* A card that was closed, as it was when the snapshot was taken; its storage
 * must be as it was then. */
void jz_virtual_bring_back(struct jz_virtual *v,
    const struct jz_card_setup *setup, const struct jz_virtual_snapshot *s);
/* For struct jz_card_setup: `plug`, with the card as `plugs`. */
const struct jz_applet_class *jz_virtual_find_plug(void *v,
    const struct jz_aid *module, const uint8_t hash[static JZ_FILE_HASH_BYTES]);
/* The card's plug-ins, made at the first need. */
int jz_virtual_plugs(struct jz_virtual *v, struct jz_plugs **out);
/* A card with memory becomes the snapshot's card, in setup's storage. */
int jz_virtual_fork_into(struct jz_virtual *v,
    const struct jz_card_setup *setup, const struct jz_virtual_snapshot *s);
/* Frees a card; the pool's engine goes on knowing its keys. */
void jz_virtual_drop(struct jz_virtual **v);
/* Gives the card display and keys. */
int jz_virtual_panel(struct jz_virtual *v, struct jz_card_setup *setup);
void jz_virtual_panel_free(struct jz_virtual *v);
/* Hands over what has been made, or frees it when e is not 0; returns e. */
int jz_virtual_end(int e, struct jz_virtual *v, struct jz_card_setup *setup,
    struct jz_virtual **out);

#endif
