/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scrypt, RFC 7914, for secrets that people type.
 */
#include "openssl.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "../../apdu/error.h"
#include "../secret.h"

#define N_LOG2_MIN 10
#define N_LOG2_MAX 20
#define R_MAX	   32
#define P_MAX	   16

int
jz_openssl_scrypt(const struct jz_secret *passphrase, struct jz_span salt,
    unsigned n_log2, uint32_t r, uint32_t p, uint8_t *out, size_t len)
{
	struct jz_span typed = jz_secret_span(passphrase);
	uint64_t n, memory;
	int good;

	if (n_log2 < N_LOG2_MIN || n_log2 > N_LOG2_MAX || r < 1 || r > R_MAX ||
	    p < 1 || p > P_MAX) {
		jz_wipe(out, len);
		return JZ_ERR_RANGE;
	}
	n = (uint64_t)1 << n_log2;
	/* B has p blocks of 128 r bytes, V has n, and two more are scratch. */
	memory = 128 * (uint64_t)r * (n + p + 2);
	(void)ERR_set_mark();
	good = EVP_PBE_scrypt((const char *)typed.data, typed.len, salt.data,
	    salt.len, n, r, p, memory, out, len);
	(void)ERR_pop_to_mark();
	if (good == 1)
		return 0;
	jz_wipe(out, len);
	return JZ_ERR_CRYPTO;
}
