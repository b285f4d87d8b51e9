/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing, verifying, sealing and opening the messages of apdu/message.h.
 * Shared by card and host, so that both do the same to the same bytes.
 */
#ifndef JZ_KEYS_SIGNED_H
#define JZ_KEYS_SIGNED_H

#include "../apdu/message.h"
#include "crypto.h"

/* Fills m->signature over the unsigned form.  0 or an error. */
int jz_message_sign(const struct jz_engine *e, struct jz_message *m,
    const struct jz_key_pair *key);

/* JZ_ERR_SIGNATURE when m->signature is not that key's. */
int jz_message_verify(const struct jz_engine *e, const struct jz_message *m,
    const uint8_t public_key[static JZ_POINT_BYTES]);

/* The suite's hash of the unsigned form. */
int jz_message_digest(const struct jz_engine *e, const struct jz_message *m,
    uint8_t out[static JZ_DIGEST_BYTES]);

/*
 * A working key pair: ANSI X9.63 key derivation over the shared secret, info
 * "jiaozi working key" || request digest || payer's ephemeral key.
 */
struct jz_working_keys {
	uint8_t to_payer[JZ_KEY_BYTES];
	uint8_t to_payee[JZ_KEY_BYTES];
};

int jz_working_keys(const struct jz_engine *e,
    const uint8_t own_private[static JZ_PRIVATE_BYTES],
    const uint8_t peer_public[static JZ_POINT_BYTES],
    const uint8_t request_digest[static JZ_DIGEST_BYTES],
    const uint8_t payer_key[static JZ_POINT_BYTES],
    struct jz_working_keys *out);

/*
 * The same for the encrypted profile, where the payer's card has said hello
 * before the request: info "jiaozi sealed payment" || digest of the hello ||
 * digest of the ephemeral part of the request, which is its field 88, tag and
 * length included.
 */
int jz_sealed_keys(const struct jz_engine *e,
    const uint8_t own_private[static JZ_PRIVATE_BYTES],
    const uint8_t peer_public[static JZ_POINT_BYTES],
    const struct jz_message *hello,
    const uint8_t payee_key[static JZ_POINT_BYTES],
    struct jz_working_keys *out);

/*
 * Appends the sealed form of a signed message: FF2F { 8A request digest,
 * [88 or 89 ephemeral key], 8D ciphertext || tag }.  A request carries the
 * payee's key (88); an agreement the payer's (89) in the clear profile, and
 * none in the encrypted one, where the hello had it; no other message has one.
 * A request's own digest must be in m->payment.request_digest.
 * The nonce is ten zero bytes and the low two bytes of the kind; the
 * associated data are the kind (2 bytes) and all of FF2F's content before 8D.
 */
int jz_message_seal(const struct jz_engine *e, const struct jz_message *m,
    const uint8_t key[static JZ_KEY_BYTES], const uint8_t point[JZ_POINT_BYTES],
    struct jz_buffer *out);

/* What can be read of a sealed message without its key. */
struct jz_sealed {
	uint8_t request_digest[JZ_DIGEST_BYTES];
	bool has_payee_key; /* a request */
	bool has_payer_key; /* an agreement of the clear profile */
	uint8_t payee_key[JZ_POINT_BYTES];
	uint8_t payer_key[JZ_POINT_BYTES];
	struct jz_span ciphertext; /* lent */
};

int jz_sealed_parse(struct jz_span in, struct jz_sealed *out);

/*
 * Opens and decodes a message of this kind.  plain (cap JZ_MESSAGE_MAX) gets
 * the clear bytes, which out's spans point into.  A request's digest is worked
 * out, so that out has it.  JZ_ERR_DECRYPT or JZ_ERR_MESSAGE.
 */
int jz_message_open(const struct jz_engine *e, const struct jz_sealed *s,
    enum jz_kind kind, const uint8_t key[static JZ_KEY_BYTES],
    uint8_t plain[static JZ_MESSAGE_MAX], struct jz_message *out);

/*
 * ANSI X9.63-2011 5.6.3 (SEC 1 3.6.1; GM/T 0003 uses the same).  At most six
 * parts of info and 8160 bytes (255 blocks): JZ_ERR_RANGE.
 */
int jz_kdf(const struct jz_engine *e, struct jz_span secret,
    const struct jz_span *info, size_t n_info, uint8_t *out, size_t len);

#endif
