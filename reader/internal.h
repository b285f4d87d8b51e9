/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of reader/ share and nobody else sees.
 */
#ifndef JZ_READER_INTERNAL_H
#define JZ_READER_INTERNAL_H

#include <stdbool.h>

#include "reader.h"

/*
 * Each opens a reader of its kind; `rest` is the name after its scheme and
 * colon, never empty.  On error *out is NULL.  Besides the errors of
 * reader.h: JZ_ERR_READER_NAME.
 */
int jz_reader_open_virtual(const char *rest, struct jz_reader **out);
int jz_reader_open_pcsc(const char *rest, struct jz_reader **out);

/* What jz_reader_take() was given with this table; NULL: with another. */
void *
jz_reader_state(const struct jz_reader *r, const struct jz_reader_ops *ops);

/* ---- trace.c ------------------------------------------------------------ */

/* The file named by JIAOZI_TRACE, open for one reader handle. */
struct jz_trace_file;

/*
 * *out is NULL when the variable is not set or empty.  JZ_ERR_SYSTEM when the
 * file cannot be opened: who asks for a trace shall not go without one.
 */
int jz_trace_open(struct jz_trace_file **out);
void jz_trace_free(struct jz_trace_file **f);

/* One APDU, to this thread's function and to the file; f may be NULL. */
void jz_trace_apdu(struct jz_trace_file *f, const char *reader, bool command,
    struct jz_span apdu);
/* To the file alone: no answer came; the card was reset. */
void jz_trace_error(struct jz_trace_file *f, const char *reader, int error);
void jz_trace_reset(
    struct jz_trace_file *f, const char *reader, bool cold, struct jz_span atr);

#endif
