/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card's messages with its issuer, enciphered end to end (LOD-8): signed
 * first, then sealed; who receives opens, then verifies.
 *
 *   FF4F { 94 card ID, [89 the card's ephemeral key, from the card], 8D sealed }
 *
 * The keys of one load: ANSI X9.63 key derivation over the shared secret of the
 * card's ephemeral and the issuer's load key, info "jiaozi online load" ||
 * ephemeral key || issuer's key; the first half to the issuer, the second to
 * the card.  The nonce is ten zero bytes and the low two bytes of the kind: each
 * key seals each kind at most once.  The associated data are kind || card ID ||
 * ephemeral key if there is one.  docs/adr/0023-sealed-load.md says why.
 */
#ifndef JZ_KEYS_ONLINE_H
#define JZ_KEYS_ONLINE_H

#include "../apdu/message.h"
#include "crypto.h"

struct jz_online_keys {
	uint8_t to_host[JZ_KEY_BYTES];
	uint8_t to_card[JZ_KEY_BYTES];
};

/* One side's private key and the other's public one; point and host_key are
 * both public keys.  JZ_ERR_KEY: no point.  On error out is wiped. */
int jz_online_keys(const struct jz_engine *e,
    const uint8_t own_private[static JZ_PRIVATE_BYTES],
    const uint8_t peer_public[static JZ_POINT_BYTES],
    const uint8_t point[static JZ_POINT_BYTES],
    const uint8_t host_key[static JZ_POINT_BYTES], struct jz_online_keys *out);

/* Appends FF4F of a signed message; point NULL: from the issuer. */
int jz_online_seal(const struct jz_engine *e, const struct jz_message *m,
    const uint8_t key[static JZ_KEY_BYTES], const uint8_t *point,
    struct jz_buffer *out);
/*
 * Opens what jz_message_decode() gave of FF4F, and decodes the message of this
 * kind in it, whose card is the envelope's.  plain gets the clear bytes, which
 * out points into.  JZ_ERR_DECRYPT, JZ_ERR_MESSAGE; both wiped.
 */
int jz_online_open(const struct jz_engine *e, const struct jz_message *sealed,
    enum jz_kind kind, const uint8_t key[static JZ_KEY_BYTES],
    uint8_t plain[static JZ_MESSAGE_MAX], struct jz_message *out);

#endif
