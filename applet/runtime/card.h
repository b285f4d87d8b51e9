/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card: one value, all of its state in struct jz_card and in the memory
 * that its creator hands it.  No allocation, no file-scope state.
 *
 * The creator (applet/virtual, or a microcontroller's main) prepares a struct
 * jz_card_setup, formats the card once, and opens it at each power-up.
 */
#ifndef JZ_RUNTIME_CARD_H
#define JZ_RUNTIME_CARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "applet.h"
#include "chip.h"
#include "journal.h"
#include "log.h"

#define JZ_MAX_APPLETS	 8
#define JZ_MAX_CHANNELS	 20
#define JZ_NO_APPLET	 0xFF
#define JZ_ATR_BYTES_MAX 33
/* Longest command after chaining, longest response before it. */
#define JZ_CARD_COMMAND_MAX  2304
#define JZ_CARD_RESPONSE_MAX 2304
#define JZ_NVM_LAYOUT	     1 /* of struct jz_nvm_root */

struct jz_card_setup {
	const struct jz_chip *chip;
	void *chip_state;
	struct jz_engine engine;
	/* The classes whose applets may live on this card. */
	const struct jz_applet_class *const *classes;
	size_t n_classes;
	/* The image of the non-volatile memory, aligned for uint64_t. */
	uint8_t *nvm;
	uint32_t nvm_bytes;
	/* Transient memory of all applets, likewise aligned. */
	uint8_t *ram;
	uint32_t ram_bytes;
	/* What the storage is sealed under; 32 random or derived bytes. */
	uint8_t seal_key[32];
	/* Opaque bytes kept in clear in the storage's header (a key
	 * derivation's parameters); len up to JZ_LOG_HINT_BYTES. */
	uint8_t hint[JZ_LOG_HINT_BYTES];
};

/* The first struct of the image: what the runtime itself remembers. */
struct jz_nvm_entry {
	uint8_t module_len;
	uint8_t module[JZ_AID_MAX];
	uint8_t instance_len;
	uint8_t instance[JZ_AID_MAX];
	uint8_t state; /* GlobalPlatform life cycle; 0: free */
	uint8_t flags;
	uint32_t offset; /* of the region in the image */
	uint32_t bytes;
};

_Static_assert(sizeof(struct jz_nvm_entry) == 44, "no padding");

struct jz_nvm_root {
	uint32_t layout;
	uint32_t used; /* bytes of the image in use, this struct included */
	struct jz_nvm_entry entry[JZ_MAX_APPLETS];
};
_Static_assert(
    sizeof(struct jz_nvm_root) == 8 + 44 * JZ_MAX_APPLETS, "no padding");

struct jz_channel_state {
	bool open;
	uint8_t selected; /* index in the registry or JZ_NO_APPLET */
};

struct jz_card {
	struct jz_card_setup setup;
	struct jz_journal journal;
	struct jz_log log;
	struct jz_channel_state channel[JZ_MAX_CHANNELS];
	struct jz_applet applet[JZ_MAX_APPLETS];
	bool powered;
	bool dead; /* storage failed: mute until opened again */
	/* Command chaining and response chaining. */
	bool chaining;
	uint8_t chain_header[4];
	uint32_t chain_len;
	uint32_t rest_offset, rest_len;
	uint8_t atr[JZ_ATR_BYTES_MAX];
	uint8_t atr_len;
	/* A chained command on its way in, or an answer's rest. */
	uint8_t buffer[JZ_CARD_COMMAND_MAX];
};

/* Makes a new, empty card in setup's storage and opens it. */
int jz_card_format(struct jz_card *card, const struct jz_card_setup *setup);

/*
 * Opens a card from its storage (replaying the log) and powers it.  Errors
 * JZ_ERR_CARD_*: see apdu/error.h.  The storage is not changed.
 */
int jz_card_open(struct jz_card *card, const struct jz_card_setup *setup);

/* Wipes the setup's key and the transient memory.  The storage is left. */
void jz_card_close(struct jz_card *card);

/* Reset: transient memory cleared, channel 0 alone open, nothing selected. */
void jz_card_reset(struct jz_card *card);

/*
 * Carries out one command APDU.  Writes at most rsp_cap bytes (at least 258)
 * and returns how many; always at least a status word.
 */
size_t jz_card_process(struct jz_card *card, const uint8_t *cmd, size_t cmd_len,
    uint8_t *rsp, size_t rsp_cap);

/* Installs an instance of a class of the setup.  A status word. */
uint16_t jz_card_install(struct jz_card *card, const struct jz_aid *module,
    const struct jz_aid *instance, struct jz_span params);

/* The ATR that this card answers to a reset. */
struct jz_span jz_card_atr(const struct jz_card *card);

/* Whether two images are equal is asked by tests: the suite's hash of it. */
int jz_card_image_hash(const struct jz_card *card, uint8_t out[static 32]);

#endif
