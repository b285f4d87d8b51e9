/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of what was done to the issuer's keys, and by whom: lines of text
 * at the end of a file, each synced before the call returns.
 *
 *   2026-01-31T23:59:59Z TEXT
 *
 * No secret is ever in it.  Two writers do not mix their lines.
 */
#ifndef JZ_KEYS_STORE_AUDIT_H
#define JZ_KEYS_STORE_AUDIT_H

#include <stdint.h>

#define JZ_AUDIT_LINE_MAX 512

/* Control characters of the text become '?': a name cannot write a line.
 * JZ_ERR_SPACE, JZ_ERR_NOT_FOUND (no such directory), JZ_ERR_SYSTEM. */
int jz_audit(const char *path, int64_t now, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
