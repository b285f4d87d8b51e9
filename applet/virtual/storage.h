/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chips for virtual cards: the tables of applet/runtime/chip.h, filled for a
 * file, for memory, and for memory whose power fails on command.
 *
 * Each kind has a state that is made and freed here and goes where the table's
 * functions want `chip`.  A state is used by one thread at a time.  Every kind
 * has a clock: the system's, or for the two in memory a time set by a test.
 */
#ifndef JZ_VIRTUAL_STORAGE_H
#define JZ_VIRTUAL_STORAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../runtime/chip.h"

/* The system's clock; `chip` is not looked at. */
int jz_system_now(void *chip, int64_t *utc);

/* Memory of the heap, for chaining; `chip` is not looked at. */
void *jz_heap_take(void *chip, size_t bytes);
void jz_heap_give(void *chip, void *block, size_t bytes);

/* ---- a chip without storage --------------------------------------------- */

/* Its state is the time, an int64_t, or NULL; where that is 0 or there is none,
 * the system's counts. */
extern const struct jz_chip jz_bare_chip;

/* ---- a file ------------------------------------------------------------- */

/*
 * A card file, locked with flock(2) for as long as it is open, also across
 * replace().  Its mode is 0600.  replace() writes .FILE.new beside it.
 */
struct jz_file;
extern const struct jz_chip jz_file_chip;

/*
 * JZ_ERR_NOT_FOUND, JZ_ERR_CARD_LOCKED (another handle has it open),
 * JZ_ERR_CARD_HEADER (not a regular file), JZ_ERR_SYSTEM, JZ_ERR_MEMORY.
 */
int jz_file_open(const char *path, struct jz_file **out);

/*
 * A file to be: everything is written to .FILE.new, and nobody sees FILE until
 * jz_file_publish().  Freed before, it leaves nothing behind.  JZ_ERR_EXISTS,
 * JZ_ERR_CARD_LOCKED (another program is making it), JZ_ERR_NOT_FOUND (no such
 * folder).
 */
int jz_file_create(const char *path, struct jz_file **out);

/* Gives the file its name, durably.  JZ_ERR_EXISTS, JZ_ERR_CARD_STORAGE. */
int jz_file_publish(struct jz_file *f);

void jz_file_free(struct jz_file **f);

/*
 * For opening many cards: sync() of such a file does nothing until
 * jz_file_sync_all() has synced them all, with one flush for each file system
 * in place of two for each file.  Until that has returned 0, nothing that was
 * read from the files may be told: it could still be lost.
 * JZ_ERR_CARD_STORAGE: none of them can be written any more.
 */
void jz_file_sync_later(struct jz_file *f);
int jz_file_sync_all(struct jz_file *const *files, size_t n);

/*
 * The same for new files: written after jz_file_sync_later(), synced all at
 * once, and then named, in this order, with one flush of each folder.  An
 * error leaves those before it named.  As jz_file_publish().
 */
int jz_file_publish_all(struct jz_file *const *files, size_t n);

/*
 * What a program that was killed left of a file to be: gives it the name, for
 * who knows that it was written and synced, or removes it.  JZ_ERR_NOT_FOUND:
 * there is none; JZ_ERR_EXISTS: the name is taken, and what was left is
 * removed; JZ_ERR_CARD_LOCKED: the program lives.
 */
int jz_file_left(const char *path, bool keep);

/* ---- memory ------------------------------------------------------------- */

struct jz_memory;
extern const struct jz_chip jz_memory_chip;

int jz_memory_new(struct jz_memory **out);
void jz_memory_free(struct jz_memory **m);
/* What is stored; lent until the next write. */
struct jz_span jz_memory_content(const struct jz_memory *m);
/* Puts other content in its place: a snapshot, a damaged copy. */
int jz_memory_set(struct jz_memory *m, struct jz_span content);
/* The time that the chip's clock shows; 0: the system's. */
void jz_memory_set_time(struct jz_memory *m, int64_t utc);

/* ---- memory with faults ------------------------------------------------- */

/*
 * A store as a disk behind a write cache: what append() wrote is read back at
 * once, but survives a power cut for certain only after sync().
 *
 * After a cut each sector of 512 bytes that was written since the last sync is
 * there or is not.  A lost one shows what it held at the last sync, zeroes
 * when it held nothing, and ends the content when nothing behind it survived.
 * replace() is atomic: a cut within its bytes leaves the old content, a cut at
 * its last byte the new.
 */
#define JZ_FAULT_SECTOR_BYTES 512u
#define JZ_FAULT_NEVER	      UINT64_MAX

struct jz_fault_plan {
	/* Power fails when so many bytes were written since this plan was
	 * set: with the last of them, or at 0 before the first. */
	uint64_t cut_after;
	/* Bit i: the i-th unsynced sector survives the cut; later ones do
	 * not. */
	uint64_t keep;
	/* The n-th sync since this plan was set fails, from 1; 0: none. */
	uint64_t fail_sync;
	/* The disk holds so many bytes of content. */
	uint64_t disk_bytes;
};

/* No faults. */
#define JZ_FAULT_NO_PLAN                                                       \
	((struct jz_fault_plan){JZ_FAULT_NEVER, UINT64_MAX, 0, JZ_FAULT_NEVER})

/* Since the store was made. */
struct jz_fault_count {
	uint64_t bytes; /* written, by append and replace */
	uint64_t appends;
	uint64_t syncs;
	uint64_t replaces;
};

struct jz_fault;
extern const struct jz_chip jz_fault_chip;

int jz_fault_new(struct jz_fault **out);
void jz_fault_free(struct jz_fault **f);
void jz_fault_plan(struct jz_fault *f, const struct jz_fault_plan *plan);
/* Power fails now; every call fails until power comes back. */
void jz_fault_power_cut(struct jz_fault *f);
/* Power is back, and the plan is gone.  Without a cut before, nothing but the
 * plan changes. */
void jz_fault_power_up(struct jz_fault *f);
bool jz_fault_is_cut(const struct jz_fault *f);
struct jz_fault_count jz_fault_counters(const struct jz_fault *f);
/* What a reader sees now; lent until the next call. */
struct jz_span jz_fault_content(const struct jz_fault *f);
/* Puts synced content in its place. */
int jz_fault_set(struct jz_fault *f, struct jz_span content);
void jz_fault_set_time(struct jz_fault *f, int64_t utc);

#endif
