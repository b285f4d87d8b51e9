/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCP03: GlobalPlatform Card Specification 2.3, Amendment D 1.1.2, clauses 4.1
 * (key derivation, NIST SP 800-108 in counter mode over CMAC), 6.2 (protocol).
 */
#include "scp03.h"

#include <string.h>

#include "../apdu/error.h"
#include "secret.h"

/* Derivation constants, table 4-1. */
enum {
	DERIVE_CARD_CRYPTOGRAM = 0x00,
	DERIVE_HOST_CRYPTOGRAM = 0x01,
	DERIVE_CHALLENGE = 0x02,
	DERIVE_S_ENC = 0x04,
	DERIVE_S_MAC = 0x06,
	DERIVE_S_RMAC = 0x07,
};

#define LABEL_ZEROS  11
#define CLA_SECURE   0x04 /* in the coding of channels 0-3, */
#define CLA_CHANNEL  0x03
#define CLA_FURTHER  0x40 /* and in that of channels 4-19 */
#define CLA_SECURE_4 0x20
#define CLA_KEPT     0x90 /* of the latter: proprietary, and chaining */
#define PAD_BYTE     0x80
#define RESPONSE_ICV 0x80
#define SHORT_NC_MAX 255u
#define SHORT_NE_MAX 256u

/* One block of output: at most 16 bytes. */
static int
derive(const struct jz_engine *e, const uint8_t *key, uint8_t constant,
    struct jz_span context1, struct jz_span context2, uint8_t *out,
    size_t out_len)
{
	uint8_t head[LABEL_ZEROS + 5] = {0};
	uint8_t mac[JZ_KEY_BYTES];
	const struct jz_span parts[] = {
	    jz_span(head, sizeof(head)), context1, context2};
	int err;

	head[LABEL_ZEROS] = constant;
	/* a zero separator, the length in bits, the block counter */
	jz_set_be(head + LABEL_ZEROS + 2, 2, out_len * 8);
	head[LABEL_ZEROS + 4] = 1;
	err = e->crypto->aes_cmac(e->state, key, parts, 3, mac);
	if (err == 0)
		memcpy(out, mac, out_len);
	jz_wipe(mac, sizeof(mac));
	return err;
}

int
jz_scp03_start(const struct jz_engine *e, const struct jz_scp03_keys *keys,
    const uint8_t host_challenge[static JZ_SCP03_CHALLENGE_BYTES],
    const uint8_t card_challenge[static JZ_SCP03_CHALLENGE_BYTES],
    struct jz_scp03 *out)
{
	struct jz_span host = jz_span(host_challenge, JZ_SCP03_CHALLENGE_BYTES);
	struct jz_span card = jz_span(card_challenge, JZ_SCP03_CHALLENGE_BYTES);
	int err;

	memset(out, 0, sizeof(*out));
	if ((err = derive(e, keys->enc, DERIVE_S_ENC, host, card, out->s_enc,
		 JZ_KEY_BYTES)) != 0 ||
	    (err = derive(e, keys->mac, DERIVE_S_MAC, host, card, out->s_mac,
		 JZ_KEY_BYTES)) != 0 ||
	    (err = derive(e, keys->mac, DERIVE_S_RMAC, host, card, out->s_rmac,
		 JZ_KEY_BYTES)) != 0 ||
	    (err = derive(e, out->s_mac, DERIVE_CARD_CRYPTOGRAM, host, card,
		 out->card_cryptogram, JZ_SCP03_CHALLENGE_BYTES)) != 0 ||
	    (err = derive(e, out->s_mac, DERIVE_HOST_CRYPTOGRAM, host, card,
		 out->host_cryptogram, JZ_SCP03_CHALLENGE_BYTES)) != 0)
		jz_wipe(out, sizeof(*out));
	return err;
}

int
jz_scp03_challenge(const struct jz_engine *e, const struct jz_scp03_keys *keys,
    const uint8_t sequence[static JZ_SCP03_SEQUENCE_BYTES],
    struct jz_span sd_aid, uint8_t out[static JZ_SCP03_CHALLENGE_BYTES])
{
	return derive(e, keys->enc, DERIVE_CHALLENGE,
	    jz_span(sequence, JZ_SCP03_SEQUENCE_BYTES), sd_aid, out,
	    JZ_SCP03_CHALLENGE_BYTES);
}

/* The class's bit for secure messaging. */
static uint8_t
secure_bit(uint8_t cla)
{
	return (cla & CLA_FURTHER) != 0 ? CLA_SECURE_4 : CLA_SECURE;
}

/* The class as it is authenticated: without the channel's number, whose coding
 * is then that of the basic channel (6.2.4, GlobalPlatform 11.1.4). */
static uint8_t
authenticated_class(uint8_t cla)
{
	if ((cla & CLA_FURTHER) != 0)
		return (cla & CLA_KEPT) | CLA_SECURE;
	return (uint8_t)((cla & ~CLA_CHANNEL) | CLA_SECURE);
}

/* The whole MAC of a command; its first eight bytes are sent. */
static int
command_mac(const struct jz_engine *e, const struct jz_scp03 *s,
    const struct jz_command *c, struct jz_span data,
    uint8_t mac[static JZ_KEY_BYTES])
{
	size_t nc = data.len + JZ_SCP03_MAC_BYTES;
	uint8_t head[7];
	size_t n = 0;

	head[n++] = authenticated_class(c->cla);
	head[n++] = c->ins;
	head[n++] = c->p1;
	head[n++] = c->p2;
	/* Lc as it is sent. */
	if (c->extended || nc > SHORT_NC_MAX || c->ne > SHORT_NE_MAX) {
		head[n++] = 0;
		head[n++] = (uint8_t)(nc >> 8);
	}
	head[n++] = (uint8_t)nc;
	const struct jz_span parts[] = {
	    jz_span(s->chaining, sizeof(s->chaining)), jz_span(head, n), data};

	return e->crypto->aes_cmac(e->state, s->s_mac, parts, 3, mac);
}

/* The initial chaining vector: the counter's block, enciphered (6.2.6). */
static int
chaining_vector(const struct jz_engine *e, const struct jz_scp03 *s,
    uint8_t first, uint8_t iv[static JZ_KEY_BYTES])
{
	static const uint8_t zero[JZ_KEY_BYTES];
	uint8_t block[JZ_KEY_BYTES] = {0};

	block[0] = first;
	jz_set_be(block + JZ_KEY_BYTES - 4, 4, s->counter);
	return e->crypto->aes_cbc(
	    e->state, true, s->s_enc, zero, block, iv, sizeof(block));
}

/* Pads b from `from` on and enciphers it there. */
static int
encipher(const struct jz_engine *e, const struct jz_scp03 *s, uint8_t first,
    struct jz_buffer *b, size_t from)
{
	uint8_t iv[JZ_KEY_BYTES];
	int err;

	jz_put_u8(b, PAD_BYTE);
	while (!b->bad && (b->len - from) % JZ_KEY_BYTES != 0)
		jz_put_u8(b, 0);
	if (b->bad)
		return JZ_ERR_SPACE;
	if ((err = chaining_vector(e, s, first, iv)) != 0)
		return err;
	return e->crypto->aes_cbc(e->state, true, s->s_enc, iv, b->data + from,
	    b->data + from, b->len - from);
}

/* Deciphers `in` to the end of b and takes the padding off. */
static int
decipher(const struct jz_engine *e, const struct jz_scp03 *s, uint8_t first,
    struct jz_span in, struct jz_buffer *b)
{
	uint8_t iv[JZ_KEY_BYTES];
	uint8_t *out;
	size_t n = in.len;
	int err;

	if (n == 0 || n % JZ_KEY_BYTES != 0)
		return JZ_ERR_DECRYPT;
	if ((out = jz_reserve(b, n)) == NULL)
		return JZ_ERR_SPACE;
	if ((err = chaining_vector(e, s, first, iv)) != 0)
		return err;
	err = e->crypto->aes_cbc(
	    e->state, false, s->s_enc, iv, in.data, out, in.len);
	if (err != 0)
		return err;
	for (unsigned i = 0; i < JZ_KEY_BYTES && n > 0 && out[n - 1] == 0; i++)
		n--;
	if (n == 0 || out[n - 1] != PAD_BYTE || in.len - (n - 1) > JZ_KEY_BYTES)
		return JZ_ERR_DECRYPT;
	b->len -= in.len - (n - 1);
	return 0;
}

int
jz_scp03_wrap(const struct jz_engine *e, struct jz_scp03 *s,
    struct jz_command *c, struct jz_buffer *room)
{
	size_t from = room->len;
	uint8_t mac[JZ_KEY_BYTES];
	int err;

	s->counter++;
	jz_put(room, c->data.data, c->data.len);
	if ((s->level & JZ_LEVEL_C_ENC) != 0 && c->data.len > 0 &&
	    (err = encipher(e, s, 0, room, from)) != 0)
		return err;
	c->cla |= secure_bit(c->cla);
	err = command_mac(
	    e, s, c, jz_span(room->data + from, room->len - from), mac);
	if (err != 0)
		return err;
	memcpy(s->chaining, mac, sizeof(mac));
	jz_put(room, mac, JZ_SCP03_MAC_BYTES);
	c->data = jz_span(room->data + from, room->len - from);
	return room->bad ? JZ_ERR_SPACE : 0;
}

int
jz_scp03_unwrap(const struct jz_engine *e, struct jz_scp03 *s,
    struct jz_command *c, struct jz_buffer *room)
{
	uint8_t mac[JZ_KEY_BYTES];
	struct jz_span body;
	size_t from = room->len;
	int err;

	if ((c->cla & secure_bit(c->cla)) == 0 ||
	    c->data.len < JZ_SCP03_MAC_BYTES)
		return JZ_ERR_SIGNATURE;
	body = jz_span(c->data.data, c->data.len - JZ_SCP03_MAC_BYTES);
	if ((err = command_mac(e, s, c, body, mac)) != 0)
		return err;
	if (!jz_equal_secret(mac, c->data.data + body.len, JZ_SCP03_MAC_BYTES))
		return JZ_ERR_SIGNATURE;
	memcpy(s->chaining, mac, sizeof(mac));
	s->counter++;
	if ((s->level & JZ_LEVEL_C_ENC) != 0 && body.len > 0) {
		if ((err = decipher(e, s, 0, body, room)) != 0)
			return err;
	} else {
		jz_put(room, body.data, body.len);
	}
	if (room->bad)
		return JZ_ERR_SPACE;
	c->cla &= (uint8_t)~secure_bit(c->cla);
	c->data = jz_span(room->data + from, room->len - from);
	return 0;
}

/* The status words whose response is protected: 6.2.5. */
static bool
protects(uint16_t sw)
{
	return sw == 0x9000 || (sw >> 8) == 0x62 || (sw >> 8) == 0x63;
}

static int
response_mac(const struct jz_engine *e, const struct jz_scp03 *s, uint16_t sw,
    struct jz_span data, uint8_t mac[static JZ_KEY_BYTES])
{
	const uint8_t status[2] = {(uint8_t)(sw >> 8), (uint8_t)sw};
	const struct jz_span parts[] = {
	    jz_span(s->chaining, sizeof(s->chaining)), data,
	    jz_span(status, sizeof(status))};

	return e->crypto->aes_cmac(e->state, s->s_rmac, parts, 3, mac);
}

int
jz_scp03_wrap_response(const struct jz_engine *e, struct jz_scp03 *s,
    uint16_t sw, struct jz_buffer *data)
{
	uint8_t mac[JZ_KEY_BYTES];
	int err;

	if ((s->level & JZ_LEVEL_R_MAC) == 0)
		return 0;
	if (!protects(sw)) {
		data->len = 0;
		return 0;
	}
	if ((s->level & JZ_LEVEL_R_ENC) != 0 && data->len > 0 &&
	    (err = encipher(e, s, RESPONSE_ICV, data, 0)) != 0)
		return err;
	if ((err = response_mac(e, s, sw, jz_buffer_span(data), mac)) != 0)
		return err;
	jz_put(data, mac, JZ_SCP03_MAC_BYTES);
	return data->bad ? JZ_ERR_SPACE : 0;
}

int
jz_scp03_unwrap_response(const struct jz_engine *e, struct jz_scp03 *s,
    uint16_t sw, struct jz_span data, struct jz_buffer *out)
{
	uint8_t mac[JZ_KEY_BYTES];
	struct jz_span body;
	int err;

	if ((s->level & JZ_LEVEL_R_MAC) == 0 || !protects(sw)) {
		jz_put(out, data.data, data.len);
		return out->bad ? JZ_ERR_SPACE : 0;
	}
	if (data.len < JZ_SCP03_MAC_BYTES)
		return JZ_ERR_SIGNATURE;
	body = jz_span(data.data, data.len - JZ_SCP03_MAC_BYTES);
	if ((err = response_mac(e, s, sw, body, mac)) != 0)
		return err;
	if (!jz_equal_secret(mac, data.data + body.len, JZ_SCP03_MAC_BYTES))
		return JZ_ERR_SIGNATURE;
	if ((s->level & JZ_LEVEL_R_ENC) != 0 && body.len > 0)
		return decipher(e, s, RESPONSE_ICV, body, out);
	jz_put(out, body.data, body.len);
	return out->bad ? JZ_ERR_SPACE : 0;
}

int
jz_key_check_value(const struct jz_engine *e,
    const uint8_t key[static JZ_KEY_BYTES], uint8_t out[static 3])
{
	static const uint8_t zero[JZ_KEY_BYTES];
	uint8_t block[JZ_KEY_BYTES];
	int err;

	memset(block, 1, sizeof(block));
	err = e->crypto->aes_cbc(
	    e->state, true, key, zero, block, block, sizeof(block));
	if (err == 0)
		memcpy(out, block, 3);
	jz_wipe(block, sizeof(block));
	return err;
}
