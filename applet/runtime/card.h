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

#include "alone.h"
#include "applet.h"
#include "chip.h"
#include "journal.h"
#include "log.h"

#define JZ_MAX_APPLETS	   8
#define JZ_MAX_FILES	   4 /* plug-ins */
#define JZ_MAX_CHANNELS	   20
#define JZ_NO_APPLET	   0xFF
#define JZ_ATR_BYTES_MAX   33
#define JZ_FILE_HASH_BYTES 32
#define JZ_GENERATOR_BYTES 32
/* Longest command after chaining, longest response before it. */
#define JZ_CARD_COMMAND_MAX  2304
#define JZ_CARD_RESPONSE_MAX 2304
#define JZ_CARD_FCI_MAX	     256
#define JZ_NVM_LAYOUT	     2 /* of struct jz_nvm_root */
#define JZ_REGION_ALIGN	     8
#define JZ_RAM_BLOCK_MAX     0xFFFF /* of one applet's transient memory */
#define JZ_WEAR_BYTES	     64	    /* a page of the statistics of wear */

/* GlobalPlatform 5.1.1: card life cycle states. */
enum jz_card_state {
	JZ_CARD_OP_READY = 0x01,
	JZ_CARD_INITIALIZED = 0x07,
	JZ_CARD_SECURED = 0x0F,
	JZ_CARD_LOCKED = 0x7F,
	JZ_CARD_TERMINATED = 0xFF,
};

struct jz_card_setup {
	const struct jz_chip *chip;
	void *chip_state;
	struct jz_engine engine;
	/* The classes whose applets may live on this card. */
	const struct jz_applet_class *const *classes;
	size_t n_classes;
	/*
	 * Finds the class of a plug-in that jz_card_plug() registered, or NULL:
	 * its applets then stay on the card and cannot be selected.
	 */
	const struct jz_applet_class *(*plug)(void *plugs,
	    const struct jz_aid *module,
	    const uint8_t hash[static JZ_FILE_HASH_BYTES]);
	void *plugs;
	/* The image of the non-volatile memory, aligned for uint64_t. */
	uint8_t *nvm;
	/* Transient memory of all applets, likewise aligned. */
	uint8_t *ram;
	uint32_t nvm_bytes;
	uint32_t ram_bytes;
	/* The open transaction; lent, shared by the cards of a thread. */
	struct jz_journal *journal;
	/* How often each JZ_WEAR_BYTES of the image were written since the card
	 * was opened, and before, as far as the log tells; NULL: not counted. */
	uint32_t *wear;
	/* Strict mode; NULL: none.  The card must have been formatted with a
	 * guard of the same page. */
	const struct jz_guard *guard;
	void *guard_state;
	/* Display and keys; NULL: none. */
	const struct jz_panel *panel;
	void *panel_state;
	/* For jz_card_format: enum jz_protocol of the ATR; 0: T=1. */
	uint8_t protocol;
	/* What the storage is sealed under; 32 random or derived bytes. */
	uint8_t seal_key[32];
	/* Opaque bytes kept in clear in the storage's header (a key
	 * derivation's parameters); len up to JZ_LOG_HINT_BYTES. */
	uint8_t hint[JZ_LOG_HINT_BYTES];
};

/* An instance, as the card remembers it. */
struct jz_nvm_entry {
	uint8_t module_len;
	uint8_t module[JZ_AID_MAX];
	uint8_t instance_len;
	uint8_t instance[JZ_AID_MAX];
	uint8_t state; /* enum jz_app_state; 0: free */
	uint8_t privileges[JZ_PRIVILEGE_BYTES];
	uint8_t reserved[2];
	uint32_t offset; /* of the region in the image */
	uint32_t bytes;
	uint32_t extra; /* of them, beyond the class's struct */
};
_Static_assert(sizeof(struct jz_nvm_entry) == 52, "no padding");

/*
 * Statistics of a region.  They follow from the commits, so no
 * commit holds them: the live card counts, and replay counts again.
 */
struct jz_nvm_count {
	uint64_t written; /* bytes */
	uint32_t writes;
	uint8_t reserved[4];
};
_Static_assert(sizeof(struct jz_nvm_count) == 16, "no padding");

/* A plug-in, as the card remembers it. */
struct jz_nvm_file {
	uint8_t module_len; /* 0: free */
	uint8_t module[JZ_AID_MAX];
	uint8_t reserved[7];
	uint8_t hash[JZ_FILE_HASH_BYTES]; /* of the file, by the suite */
};
_Static_assert(sizeof(struct jz_nvm_file) == 56, "no padding");

/* The first struct of the image: what the runtime itself remembers. */
struct jz_nvm_root {
	uint32_t layout;
	uint32_t used;	/* bytes of the image in use, this struct included */
	uint32_t align; /* of regions */
	uint8_t protocol;
	uint8_t state; /* enum jz_card_state */
	uint8_t reserved[2];
	uint8_t generator[JZ_GENERATOR_BYTES];
	struct jz_nvm_entry entry[JZ_MAX_APPLETS];
	struct jz_nvm_file file[JZ_MAX_FILES];
	/* Last, and not hashed; one more for the runtime itself. */
	struct jz_nvm_count count[JZ_MAX_APPLETS + 1];
};
_Static_assert(sizeof(struct jz_nvm_root) ==
	16 + JZ_GENERATOR_BYTES + 52 * JZ_MAX_APPLETS + 56 * JZ_MAX_FILES +
	    16 * (JZ_MAX_APPLETS + 1),
    "no padding");

struct jz_channel_state {
	/* CLEAR_ON_DESELECT memory of the applet selected here. */
	uint32_t cod_at;
	uint16_t cod_bytes;
	uint8_t selected; /* index in the registry or JZ_NO_APPLET */
	bool open;
};

/* The random generator in this power session: random.c. */
struct jz_generator {
	uint8_t key[JZ_GENERATOR_BYTES];
	/* Health: how the entropy before began; the samples that are counted,
	 * and how often they came. */
	uint8_t before[8];
	uint8_t repeated, run;
	uint8_t counted;
	uint8_t state;
	uint16_t seen, same;
};

/* Who works without a reader: alone.c. */
struct jz_alone {
	jz_alone_fn *go_on; /* NULL: nobody */
	uint8_t owner;	    /* index in the registry */
	bool begun;	    /* the first event has come */
	bool running;	    /* the display may be written */
	uint8_t standby[JZ_STANDBY_BYTES];
};

struct jz_card {
	struct jz_card_setup setup;
	struct jz_log log;
	struct jz_generator generator;
	struct jz_alone alone;
	struct jz_channel_state channel[JZ_MAX_CHANNELS];
	struct jz_applet applet[JZ_MAX_APPLETS];
	/* Whose code runs, and whose service was asked; NULL: the runtime's. */
	struct jz_applet *running;
	bool serving;
	bool powered;
	/* Storage or randomness failed: mute until opened again. */
	bool dead;
	/* The image is changed in place, outside transactions: an upgrade or a
	 * deletion, which the writing of the whole image commits. */
	bool rewriting;
	struct jz_span old; /* what an applet is being upgraded from */
	/* The open transaction is the runtime's own, around an install or an
	 * uninstall: no applet ends it. */
	bool held;
	bool registered;    /* jz_register() was called */
	uint8_t installing; /* index or JZ_NO_APPLET */
	/* Command chaining and response chaining. */
	bool chaining;
	bool rest_repeats; /* waits for its command again, not GET RESPONSE */
	uint8_t chain_header[4];
	uint8_t rest_header[4]; /* of the command whose answer is kept */
	uint16_t rest_sw;	/* comes with the last byte of it */
	uint32_t chain_len;
	uint32_t rest_offset, rest_len;
	uint8_t atr[JZ_ATR_BYTES_MAX];
	uint8_t atr_len;
	/* A chained command on its way in, or an answer's rest; from the chip,
	 * JZ_CARD_COMMAND_MAX bytes, NULL when there is neither. */
	uint8_t *buffer;
};

/* Makes a new, empty card in setup's storage and opens it.  A card that is
 * open is closed first, by the caller. */
int jz_card_format(struct jz_card *card, const struct jz_card_setup *setup);

/*
 * Opens a card from its storage (replaying the log) and powers it.  Errors
 * JZ_ERR_CARD_*: see apdu/error.h.  The storage is not changed, unless an
 * applet's layout is older than its class: then it is upgraded.
 */
int jz_card_open(struct jz_card *card, const struct jz_card_setup *setup);

/* Wipes the setup's key and the transient memory.  The storage is left. */
void jz_card_close(struct jz_card *card);

/* Reset: transient memory cleared, channel 0 alone open, nothing selected. */
void jz_card_reset(struct jz_card *card);

/*
 * Carries out one command APDU.  Writes at most rsp_cap bytes (at least 258)
 * and returns how many; always at least a status word.  A card whose storage
 * has failed answers 6581 to everything, one whose source of randomness has
 * failed its health tests 6F00, until it is opened again.
 */
size_t jz_card_process(struct jz_card *card, const uint8_t *cmd, size_t cmd_len,
    uint8_t *rsp, size_t rsp_cap);

/*
 * What the chip of a card with a panel calls on a key or about once a second,
 * when no command is under way: whoever is alone goes on.  Returns whether
 * somebody still is.  Keys that nobody waits for are thrown away.
 */
bool jz_card_run(struct jz_card *card);

/* ---- before the card is issued ------------------------------------------ */

/* What is to be installed: GlobalPlatform 11.5.2.3. */
struct jz_install {
	struct jz_aid module;
	struct jz_aid instance;
	uint8_t privileges[JZ_PRIVILEGE_BYTES];
	bool selectable; /* made selectable at once */
	/* C8: bytes of the region; 0: as many as the class's struct has.
	 * C7: transient bytes at most; 0: as many as the class wants. */
	uint32_t nvm_quota, ram_quota;
	struct jz_span params; /* C9 */
};

/*
 * Installs: what the maker of a card does before there is an issuer security
 * domain, and what that does when it is told to.  9000; 6A80 malformed; 6A88
 * no such class; 6A89 the AID is taken; 6A84 no room, or a quota too small;
 * or what the class's install said.
 */
uint16_t
jz_card_install_as(struct jz_card *card, const struct jz_install *order);
/* The same with no privileges and no quotas, selectable at once. */
uint16_t jz_card_install(struct jz_card *card, const struct jz_aid *module,
    const struct jz_aid *instance, struct jz_span params);

/*
 * Makes a plug-in's class known to the card, for good, under the hash of its
 * file: from now on this file alone serves.  With a module that is known, the
 * file takes the place of the one before and its applets are upgraded, all in
 * one commit.  The card is reset then.
 *
 * JZ_ERR_EXISTS (a class of the setup has the AID), JZ_ERR_UNSUPPORTED (another
 * ABI, an older layout, or the same layout of another size), JZ_ERR_CARD_FULL
 * (JZ_MAX_FILES others are known): nothing has happened.  After any other
 * error, and JZ_ERR_CARD_FULL for want of memory, the card is closed, so its
 * creator opens it again; its storage is as before, but after
 * JZ_ERR_CARD_STORAGE.  JZ_ERR_CARD_VERSION: an applet cannot be upgraded.
 */
int jz_card_plug(struct jz_card *card, const struct jz_applet_class *class,
    const uint8_t hash[static JZ_FILE_HASH_BYTES]);

/* ---- statistics --------------------------------------------------------- */

/* Of one region of the image: an applet's, or the runtime's own (index
 * JZ_MAX_APPLETS, whose AID is empty). */
struct jz_region_info {
	struct jz_aid aid;
	uint32_t nvm_bytes, nvm_taken;
	uint32_t cor_bytes, cod_bytes;
	uint32_t writes;  /* of the card's life */
	uint64_t written; /* bytes, of the card's life */
	uint32_t wear;	  /* of its most written page; see setup.wear */
};
/* JZ_ERR_NOT_FOUND: nothing there; JZ_ERR_RANGE: index. */
int jz_card_region(
    const struct jz_card *card, unsigned index, struct jz_region_info *out);
/* Bytes that may still be given to applets. */
uint32_t jz_card_nvm_free(const struct jz_card *card);
uint32_t jz_card_ram_free(const struct jz_card *card);

/* ---- snapshots ---------------------------------------------------------- */

/*
 * A card is one value: its state is copied to memory and back.  What the
 * storage holds is not part of it, so only a card without storage (or one whose
 * storage is set back to the same moment by the caller) may be restored with
 * jz_card_restore(); jz_card_rewind() also writes the image to the storage, as
 * a fold does, under a fresh salt.
 *
 * A snapshot belongs to the card it was taken from, or goes into a fork: a card
 * with an own setup of the same sizes.
 */
size_t jz_card_snapshot_bytes(const struct jz_card *card);
/* `out` is aligned for uint64_t. */
void jz_card_save(const struct jz_card *card, void *out);
void jz_card_restore(struct jz_card *card, const void *snapshot);
/* JZ_ERR_ARGUMENT: the snapshot of a card of other sizes. */
int jz_card_rewind(struct jz_card *card, const void *snapshot);
/* A second card from the snapshot of another, in the memory of its own setup
 * and with an empty storage, which gets the image.  JZ_ERR_ARGUMENT: other
 * sizes. */
int jz_card_fork(struct jz_card *card, const struct jz_card_setup *setup,
    const void *snapshot);

/* The ATR that this card answers to a reset. */
struct jz_span jz_card_atr(const struct jz_card *card);

/* Whether two images are equal is asked by tests: the suite's hash of it,
 * statistics and the generator's state left out. */
int jz_card_image_hash(const struct jz_card *card, uint8_t out[static 32]);

#endif
