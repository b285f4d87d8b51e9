/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES of single blocks, for key derivation (keys/dukpt.h): keys of 128, 192
 * and 256 bits, whatever the suite.  One is used by one thread at a time.
 */
#ifndef JZ_KEYS_OPENSSL_AES_H
#define JZ_KEYS_OPENSSL_AES_H

#include "../dukpt.h"

/* JZ_ERR_MEMORY; then out is zeroed. */
int jz_aes_new(struct jz_block_cipher *out);
/* Wipes what is left of the last key and clears *c; takes NULL. */
void jz_aes_free(struct jz_block_cipher *c);

#endif
