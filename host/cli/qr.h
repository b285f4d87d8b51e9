/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QR codes (ISO/IEC 18004) in pictures: read by zbar, made by libqrencode, the
 * pictures by libpng.
 */
#ifndef JZ_CLI_QR_H
#define JZ_CLI_QR_H

#include "cli.h"

#define JZ_QR_TEXT_MAX 2953 /* bytes of the largest code, version 40-L */

/*
 * The bytes of the one code in a PNG picture; a file, or - for standard input.
 * Explained: JZ_ERR_NOT_FOUND (no such file), JZ_ERR_ARGUMENT (no picture, one
 * that is too large, no code in it, or more than one).
 */
int jz_cli_qr_read(struct jz_cli *c, const char *path, struct jz_buffer *out);

/* A code with this text, as a PNG picture in a file; without one (NULL), on the
 * terminal, dark on light.  JZ_ERR_RANGE, JZ_ERR_SYSTEM; explained. */
int jz_cli_qr_write(struct jz_cli *c, const char *path, const char *text);

#endif
