/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys in files.
 *
 * A raw key file holds 32 random bytes in hexadecimal, mode 0600.  A sealed
 * key file holds any secret under a passphrase: scrypt (RFC 7914, N=2^15, r=8,
 * p=1) and the suite's authenticated encryption.  Files are written to a
 * temporary name, synced and renamed; permissions are 0600 from the start.
 */
#ifndef JZ_KEYS_STORE_KEYFILE_H
#define JZ_KEYS_STORE_KEYFILE_H

#include "../crypto.h"
#include "../secret.h"

#define JZ_RAW_KEY_BYTES  32
#define JZ_KEYFILE_MAX	  4096
#define JZ_PASSPHRASE_MAX JZ_SECRET_MAX

/* Makes a new raw key; JZ_ERR_EXISTS when the file exists. */
int jz_rawkey_create(const char *path, struct jz_secret *out);
/* The file's content, for who writes it himself and wipes it. */
#define JZ_RAW_KEY_TEXT_BYTES (2 * JZ_RAW_KEY_BYTES + 1)
void jz_rawkey_text(
    const struct jz_secret *key, uint8_t text[static JZ_RAW_KEY_TEXT_BYTES]);
/* JZ_ERR_NOT_FOUND, JZ_ERR_KEYFILE. */
int jz_rawkey_read(const char *path, struct jz_secret *out);

/* Writes a secret (1 to JZ_KEYFILE_MAX bytes) under a passphrase. */
int jz_keyfile_write(const struct jz_engine *e, const char *path,
    const struct jz_secret *passphrase, struct jz_span secret);
/* JZ_ERR_NOT_FOUND, JZ_ERR_KEYFILE (damaged), JZ_ERR_PASSPHRASE. */
int jz_keyfile_read(const struct jz_engine *e, const char *path,
    const struct jz_secret *passphrase, struct jz_buffer *out);

/*
 * Where a secret typed by a person comes from: "env:NAME", "file:PATH" (first
 * line), "fd:N" (first line), or NULL or "prompt": asked on the terminal
 * without echo.  A bare value is refused: it would stand in the process list.
 * JZ_ERR_ARGUMENT (also for a NUL in it), JZ_ERR_NOT_FOUND, JZ_ERR_SPACE (more
 * than JZ_SECRET_MAX), JZ_ERR_CANCELLED (no terminal, or end of input); then
 * out is wiped.
 */
int
jz_secret_source(const char *source, const char *prompt, struct jz_secret *out);

#endif
