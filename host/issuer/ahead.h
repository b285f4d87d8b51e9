/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures verified ahead of the transaction that asks for them, on all
 * cores.
 *
 * What must be verified is put into a list; threads with engines of their own
 * go through it; the issuer's engine is told what is good, and remembers
 * (keys/openssl/openssl.h).  The transaction then verifies everything as it
 * always does, and what was found good costs it a hash.  So nothing here
 * decides anything: what is missing from a list, or was not good, is verified
 * there in earnest.
 */
#ifndef JZ_HOST_ISSUER_AHEAD_H
#define JZ_HOST_ISSUER_AHEAD_H

#include "../../apdu/message.h"
#include "../../keys/crypto.h"

struct jz_ahead;
struct jz_ahead_list;

/*
 * threads: how many go through a list at once, the caller's own among them; 0:
 * as many as CPUs may be used.  base: the engine that is told, of OpenSSL;
 * lent, and the caller's thread uses it during jz_ahead_end() alone.
 * entries: the longest list.  JZ_ERR_MEMORY, JZ_ERR_SYSTEM (no thread).
 */
int jz_ahead_new(struct jz_engine *base, unsigned threads, size_t entries,
    struct jz_ahead **out);
/* Between jz_ahead_end() and jz_ahead_begin(); takes NULL, clears it. */
void jz_ahead_free(struct jz_ahead **a);

int jz_ahead_list_new(size_t entries, struct jz_ahead_list **out);
void jz_ahead_list_free(struct jz_ahead_list **l);
void jz_ahead_list_clear(struct jz_ahead_list *l);
/* Copies all three.  A full list, or a message longer than JZ_BATCH_MAX, takes
 * no more: it is verified later. */
void jz_ahead_add(struct jz_ahead_list *l,
    const uint8_t public_key[static JZ_POINT_BYTES], struct jz_span message,
    const uint8_t signature[static JZ_SIGNATURE_BYTES]);

/* The threads go through the list, which is theirs until jz_ahead_end(). */
void jz_ahead_begin(struct jz_ahead *a, struct jz_ahead_list *l);
/* Helps them, waits for them, and tells the base engine. */
void jz_ahead_end(struct jz_ahead *a);

#endif
