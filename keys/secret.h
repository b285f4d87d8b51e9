/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets: wiping and comparing.  Portable, no allocation.
 */
#ifndef JZ_KEYS_SECRET_H
#define JZ_KEYS_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JZ_SECRET_MAX 64

/*
 * A secret of up to 64 bytes.  There is no function that turns it into text:
 * a log has nothing to call.
 */
struct jz_secret {
	uint8_t bytes[JZ_SECRET_MAX];
	size_t len;
};

/* Sets len bytes to zero, also when the compiler sees no use for it. */
void jz_wipe(void *p, size_t len);

/* Whether the bytes are equal, in time that depends on len alone. */
bool jz_equal_secret(const void *a, const void *b, size_t len);

#endif
