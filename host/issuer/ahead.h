/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cryptography done ahead of the transaction that asks for it, on all cores:
 * threads with engines of their own take one thing to do after the other.
 *
 * What a settlement must verify is put into a list; the threads go through it;
 * the issuer's engine is told what is good, and remembers
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
 * threads: how many work at once, the caller's own among them; 0: as many as
 * CPUs may be used.  JZ_ERR_MEMORY, JZ_ERR_SYSTEM (no thread).
 */
int jz_ahead_new(enum jz_suite suite, unsigned threads, struct jz_ahead **out);
/* After jz_ahead_end(), and before the next beginning; takes NULL, clears
 * it. */
void jz_ahead_free(struct jz_ahead **a);
/* How many CPUs this process may use. */
unsigned jz_ahead_cpus(void);

/* One of n, by any of the threads. */
typedef void jz_ahead_work(void *arg, size_t k, const struct jz_engine *e);

/* The threads do f(arg, 0) to f(arg, n - 1), each once and in no order; what
 * they work on is theirs until jz_ahead_end(). */
void jz_ahead_begin(struct jz_ahead *a, size_t n, jz_ahead_work *f, void *arg);
/* Helps them and waits for them. */
void jz_ahead_end(struct jz_ahead *a);

/* ---- a list of signatures ------------------------------------------------ */

int jz_ahead_list_new(size_t entries, struct jz_ahead_list **out);
void jz_ahead_list_free(struct jz_ahead_list **l);
void jz_ahead_list_clear(struct jz_ahead_list *l);
/* Copies all three.  A full list, or a message longer than JZ_BATCH_MAX, takes
 * no more: it is verified later. */
void jz_ahead_add(struct jz_ahead_list *l,
    const uint8_t public_key[static JZ_POINT_BYTES], struct jz_span message,
    const uint8_t signature[static JZ_SIGNATURE_BYTES]);

void jz_ahead_list_begin(struct jz_ahead *a, struct jz_ahead_list *l);
/* base: the engine that is told, of OpenSSL and of this suite; it remembers
 * what its owner has asked it to (jz_openssl_remember()). */
void jz_ahead_list_end(
    struct jz_ahead *a, struct jz_ahead_list *l, struct jz_engine *base);

#endif
