/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads that are enciphered between card and issuer (LOD-8): opened first, then
 * verified; answered in the same keys.  Whether a card's loads are is in its
 * certificate, and what comes otherwise is malformed.
 *
 * The load key follows from the first card master, so every handle and daemon
 * of an issuer has it, and no roll of keys takes it from the cards.
 */
#include "internal.h"

#include <string.h>

#include "../../apdu/error.h"
#include "../../keys/secret.h"

#define DRAWS 4u /* a draw is no private key once in 2^32 */

int
jz_issuer_load_key(const struct jz_issuer *i, struct jz_key_pair *out)
{
	static const char purpose[] = "jiaozi load key";
	const struct jz_span info[] = {jz_span(purpose, sizeof(purpose) - 1)};
	const struct jz_engine *e = &i->engine;
	const struct jz_master *m = jz_masters_find(&i->pki.masters, 1);
	uint8_t draws[DRAWS * JZ_PRIVATE_BYTES];
	int err = m != NULL ? 0 : JZ_ERR_NOT_FOUND;

	memset(out, 0, sizeof(*out));
	if (err == 0)
		err = jz_kdf(
		    e, jz_secret_span(&m->key), info, 1, draws, sizeof(draws));
	for (unsigned k = 0; err == 0 && k < DRAWS; k++) {
		memcpy(out->private_key, draws + k * JZ_PRIVATE_BYTES,
		    JZ_PRIVATE_BYTES);
		err = e->crypto->derive_public(
		    e->state, out->private_key, out->public_key);
		if (err != JZ_ERR_KEY)
			break;
		err = k + 1 < DRAWS ? 0 : err;
	}
	jz_wipe(draws, sizeof(draws));
	if (err != 0)
		jz_wipe(out, sizeof(*out));
	return err;
}

int
jz_issuer_online_again(struct jz_issuer *i,
    const uint8_t point[static JZ_POINT_BYTES], struct jz_online *o)
{
	struct jz_key_pair key;
	int err = jz_issuer_load_key(i, &key);

	o->sealed = true;
	memcpy(o->point, point, sizeof(o->point));
	if (err == 0)
		err = jz_online_keys(&i->engine, key.private_key, point, point,
		    key.public_key, &o->keys);
	jz_wipe(&key, sizeof(key));
	return err;
}

static int
open_sealed(struct jz_issuer *i, const struct jz_message *sealed,
    enum jz_kind kind, struct jz_message *m, struct jz_online *o)
{
	int err = jz_issuer_online_again(i, sealed->payer_key, o);

	if (err == 0)
		err = jz_online_open(
		    &i->engine, sealed, kind, o->keys.to_host, o->plain, m);
	o->clear = jz_span(
	    o->plain, err == 0 ? sealed->sealed.len - JZ_SEAL_TAG_BYTES : 0);
	return err == JZ_ERR_KEY || err == JZ_ERR_DECRYPT ||
		err == JZ_ERR_MESSAGE
	    ? jz_refuse(i, JZ_REFUSAL_MALFORMED)
	    : err;
}

int
jz_issuer_take_online(struct jz_issuer *i, struct jz_span bytes,
    enum jz_kind kind, struct jz_message *m, struct jz_online *o)
{
	struct jz_message sealed;

	memset(o, 0, sizeof(*o));
	o->clear = bytes;
	o->sealed = jz_message_peek(bytes) == JZ_KIND_ONLINE_SEALED;
	if (o->sealed) {
		if (jz_message_decode(bytes, JZ_KIND_ONLINE_SEALED, &sealed) !=
			0 ||
		    sealed.payer_key[0] == 0)
			return jz_refuse(i, JZ_REFUSAL_MALFORMED);
		return open_sealed(i, &sealed, kind, m, o);
	}
	return jz_message_decode(bytes, kind, m) != 0
	    ? jz_refuse(i, JZ_REFUSAL_MALFORMED)
	    : 0;
}

int
jz_issuer_check_online(struct jz_issuer *i, const struct jz_known_card *card,
    const struct jz_online *o)
{
	bool must = (card->row.flags & JZ_FLAG_SEALED_LOADS) != 0;

	return must == o->sealed ? 0 : jz_refuse(i, JZ_REFUSAL_MALFORMED);
}

int
jz_issuer_put_online(struct jz_issuer *i, struct jz_span permission,
    const struct jz_online *o, struct jz_buffer *out)
{
	struct jz_message m;

	if (!o->sealed) {
		jz_put(out, permission.data, permission.len);
		return out->bad ? JZ_ERR_SPACE : 0;
	}
	if (jz_message_decode(permission, JZ_KIND_LOAD_PERMISSION, &m) != 0)
		return JZ_ERR_DATABASE;
	return jz_online_seal(&i->engine, &m, o->keys.to_card, NULL, out);
}
