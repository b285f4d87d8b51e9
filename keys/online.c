/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope FF4F and its keys: docs/protocol.md.
 */
#include "online.h"

#include <string.h>

#include "../apdu/error.h"
#include "secret.h"
#include "signed.h"

#define KIND_BYTES 2
#define AAD_MAX	   (KIND_BYTES + JZ_ID_BYTES + JZ_POINT_BYTES)
#define SEALED_MAX (JZ_MESSAGE_MAX + JZ_SEAL_TAG_BYTES)

static const uint8_t LABEL[] = {'j', 'i', 'a', 'o', 'z', 'i', ' ', 'o', 'n',
    'l', 'i', 'n', 'e', ' ', 'l', 'o', 'a', 'd'};

int
jz_online_keys(const struct jz_engine *e,
    const uint8_t own_private[static JZ_PRIVATE_BYTES],
    const uint8_t peer_public[static JZ_POINT_BYTES],
    const uint8_t point[static JZ_POINT_BYTES],
    const uint8_t host_key[static JZ_POINT_BYTES], struct jz_online_keys *out)
{
	const struct jz_span info[] = {jz_span(LABEL, sizeof(LABEL)),
	    jz_span(point, JZ_POINT_BYTES), jz_span(host_key, JZ_POINT_BYTES)};
	uint8_t shared[32], keys[2 * JZ_KEY_BYTES];
	int rc = e->crypto->agree(e->state, own_private, peer_public, shared);

	if (rc == 0)
		rc = jz_kdf(e, jz_span(shared, sizeof(shared)), info, 3, keys,
		    sizeof(keys));
	if (rc == 0) {
		memcpy(out->to_host, keys, JZ_KEY_BYTES);
		memcpy(out->to_card, keys + JZ_KEY_BYTES, JZ_KEY_BYTES);
	} else {
		jz_wipe(out, sizeof(*out));
	}
	jz_wipe(shared, sizeof(shared));
	jz_wipe(keys, sizeof(keys));
	return rc;
}

static struct jz_span
associated(enum jz_kind kind, const uint8_t *card_id, const uint8_t *point,
    uint8_t nonce[static JZ_SEAL_NONCE_BYTES], uint8_t aad[static AAD_MAX])
{
	struct jz_buffer b = jz_buffer(aad, AAD_MAX);

	memset(nonce, 0, JZ_SEAL_NONCE_BYTES);
	jz_set_be(nonce + JZ_SEAL_NONCE_BYTES - KIND_BYTES, KIND_BYTES,
	    (uint64_t)kind);
	jz_put_u16(&b, (uint16_t)kind);
	jz_put(&b, card_id, JZ_ID_BYTES);
	if (point != NULL)
		jz_put(&b, point, JZ_POINT_BYTES);
	return jz_buffer_span(&b);
}

int
jz_online_seal(const struct jz_engine *e, const struct jz_message *m,
    const uint8_t key[static JZ_KEY_BYTES], const uint8_t *point,
    struct jz_buffer *out)
{
	uint8_t plain[JZ_MESSAGE_MAX], sealed[SEALED_MAX];
	uint8_t nonce[JZ_SEAL_NONCE_BYTES], aad[AAD_MAX];
	struct jz_buffer p = jz_buffer(plain, sizeof(plain));
	struct jz_message envelope;
	int rc = jz_message_encode(m, JZ_SIGNED, &p);

	if (rc == 0)
		rc = e->crypto->seal(e->state, key, nonce,
		    associated(m->kind, m->card_id, point, nonce, aad), p.data,
		    p.len, sealed);
	jz_wipe(plain, sizeof(plain));
	if (rc != 0)
		return rc;
	memset(&envelope, 0, sizeof(envelope));
	envelope.kind = JZ_KIND_ONLINE_SEALED;
	memcpy(envelope.card_id, m->card_id, JZ_ID_BYTES);
	if (point != NULL)
		memcpy(envelope.payer_key, point, JZ_POINT_BYTES);
	envelope.sealed = jz_span(sealed, p.len + JZ_SEAL_TAG_BYTES);
	return jz_message_encode(&envelope, JZ_SIGNED, out);
}

int
jz_online_open(const struct jz_engine *e, const struct jz_message *sealed,
    enum jz_kind kind, const uint8_t key[static JZ_KEY_BYTES],
    uint8_t plain[static JZ_MESSAGE_MAX], struct jz_message *out)
{
	uint8_t nonce[JZ_SEAL_NONCE_BYTES], aad[AAD_MAX];
	const uint8_t *point =
	    sealed->payer_key[0] != 0 ? sealed->payer_key : NULL;
	const struct jz_span in = sealed->sealed;
	int rc = JZ_ERR_MESSAGE;

	memset(out, 0, sizeof(*out));
	if (in.len <= JZ_SEAL_TAG_BYTES || in.len > SEALED_MAX)
		return rc;
	rc = e->crypto->open(e->state, key, nonce,
	    associated(kind, sealed->card_id, point, nonce, aad), in.data,
	    in.len, plain);
	if (rc == 0)
		rc = jz_message_decode(
		    jz_span(plain, in.len - JZ_SEAL_TAG_BYTES), kind, out);
	if (rc == 0 && memcmp(out->card_id, sealed->card_id, JZ_ID_BYTES) != 0)
		rc = JZ_ERR_MESSAGE;
	if (rc != 0) {
		jz_wipe(plain, JZ_MESSAGE_MAX);
		jz_wipe(out, sizeof(*out));
	}
	return rc;
}
