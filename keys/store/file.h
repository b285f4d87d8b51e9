/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files, read whole and written whole.
 */
#ifndef JZ_KEYS_STORE_FILE_H
#define JZ_KEYS_STORE_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "../crypto.h"
#include "../secret.h"

#define JZ_PATH_MAX 4096

enum jz_file_write {
	JZ_FILE_NEW, /* JZ_ERR_EXISTS when there is one */
	JZ_FILE_REPLACE,
};

/*
 * Writes a temporary file beside it, syncs, renames, and syncs the directory:
 * at each instant there is the old file or the new one.  JZ_ERR_EXISTS,
 * JZ_ERR_SPACE (path too long), JZ_ERR_NOT_FOUND (no such directory),
 * JZ_ERR_SYSTEM.
 */
int jz_file_write(const char *path, mode_t mode, enum jz_file_write how,
    struct jz_span bytes);

/*
 * Appends the whole file to out.  JZ_ERR_NOT_FOUND, JZ_ERR_SPACE (longer than
 * what is free in out), JZ_ERR_SYSTEM.
 */
int jz_file_read(const char *path, struct jz_buffer *out);

/* As jz_keyfile_write, which replaces, or for a new file only. */
int jz_keyfile_store(const struct jz_engine *e, const char *path,
    enum jz_file_write how, const struct jz_secret *passphrase,
    struct jz_span secret);

#endif
