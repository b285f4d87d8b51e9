/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the applets share that are personalised by STORE DATA (GlobalPlatform
 * 11.11): a key pair that is made on the card, and the form of a PIN.
 */
#ifndef JZ_RUNTIME_PERSONAL_H
#define JZ_RUNTIME_PERSONAL_H

#include "applet.h"

#define JZ_TAG_PUBLIC 0x7F49 /* ISO/IEC 7816-8; empty: make the key pair */

/*
 * Makes the applet's key pair, in the transaction that is open, for an empty
 * 7F49.  An applet has one: one that is there (*has_key) stays, so that what
 * was cut off can be done again.  Both pointers are into the applet's
 * persistent memory.
 * Returns 9000, 6A80 for another object, or jz_runtime_status().
 */
uint16_t jz_make_key_pair(struct jz_applet *self,
    const struct jz_key_pair *slot, const uint8_t *has_key, struct jz_span in);

/* Appends 7F49 { 86 point }. */
void jz_put_public_key(const struct jz_key_pair *key, struct jz_buffer *out);

/* Digits, two a byte; the very last half may be F. */
bool jz_pin_is_digits(struct jz_span pin);

#endif
