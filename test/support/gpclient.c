/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host for an issuer security domain, and cards that have one.
 */
#include "gpclient.h"
#include "../../apdu/tlv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ROOM_MAX   2100u
#define NOTE_GET   0x10
#define NOTE_STAY  0x11
#define NOTE_STATE 0x12
#define OWN_STATE  0x27

const uint8_t GP_KDD[JZ_GP_KDD_BYTES] = {
    0x4A, 0x5A, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
const struct jz_aid GP_ISD = {JZ_GP_AID_ISD_BYTES, JZ_GP_AID_ISD};

/* ---- the application for tests ------------------------------------------ */

static uint16_t
note_install(struct jz_applet *self, struct jz_span params)
{
	const struct note_nvm *n = self->nvm;

	if (params.len > sizeof(n->params))
		return JZ_SW_DATA;
	jz_write_u8(self, &n->params_len, (uint8_t)params.len);
	if (params.len > 0)
		jz_write(self, n->params, params.data, params.len);
	return JZ_SW_OK;
}

static uint16_t
note_process(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct note_nvm *n = self->nvm;

	switch (apdu->command.ins) {
	case NOTE_GET:
		jz_put(&apdu->out, n->block, n->len);
		return JZ_SW_OK;
	case NOTE_STAY:
		return jz_runtime_status(jz_write_u8(self, &n->stays, 1));
	case NOTE_STATE:
		return jz_runtime_status(jz_set_state(self, OWN_STATE));
	default:
		return JZ_SW_INS;
	}
}

static uint16_t
note_uninstall(struct jz_applet *self)
{
	const struct note_nvm *n = self->nvm;

	return n->stays != 0 ? JZ_SW_CONDITIONS : JZ_SW_OK;
}

static uint16_t
note_store_data(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct jz_command *c = &apdu->command;
	const struct note_nvm *n = self->nvm;

	if (c->data.data[0] == 0x6F || c->data.len > sizeof(n->block))
		return JZ_SW_DATA;
	jz_begin(self);
	jz_write(self, n->block, c->data.data, c->data.len);
	jz_write_u8(self, &n->len, (uint8_t)c->data.len);
	jz_write_u8(self, &n->p1, c->p1);
	jz_write_u8(self, &n->p2, c->p2);
	jz_write_u32(self, &n->blocks, n->blocks + 1);
	if ((c->p1 & JZ_GP_STORE_ANSWER) != 0)
		jz_put(&apdu->out, c->data.data, c->data.len);
	return jz_runtime_status(jz_commit(self));
}

const struct jz_applet_class gp_note_class = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "note",
    .aid = {GP_NOTE_AID_BYTES, GP_NOTE_AID},
    .nvm_bytes = sizeof(struct note_nvm),
    .cor_bytes = 8,
    .cod_bytes = 16,
    .multi_selectable = true,
    .install = note_install,
    .process = note_process,
    .uninstall = note_uninstall,
    .store_data = note_store_data,
};

/* ---- cards -------------------------------------------------------------- */

struct jz_scp03_keys
gp_test_keys(void)
{
	struct jz_scp03_keys k;

	for (uint8_t i = 0; i < JZ_KEY_BYTES; i++)
		k.enc[i] = k.mac[i] = k.dek[i] = 0x40 + i;
	return k;
}

struct jz_scp03_keys
gp_keys(uint8_t number)
{
	struct jz_scp03_keys k;

	memset(k.enc, number, sizeof(k.enc));
	memset(k.mac, number ^ 0x55, sizeof(k.mac));
	memset(k.dek, number ^ 0xAA, sizeof(k.dek));
	return k;
}

struct rig_card *
gp_card_with(struct rig *rig, bool storage, uint8_t kvn,
    const struct jz_scp03_keys *keys, const uint8_t kdd[JZ_GP_KDD_BYTES],
    const struct jz_aid *aid)
{
	static const struct jz_applet_class *const classes[] = {
	    &jz_manager_class, &gp_note_class};
	struct rig_card *c = rig_card_new(rig, NULL, 0, storage);
	uint8_t params[JZ_MANAGER_PARAMETER_BYTES];
	struct jz_buffer b = jz_buffer(params, sizeof(params));
	struct jz_install order = {.module = jz_manager_class.aid,
	    .instance = *aid,
	    .privileges = JZ_MANAGER_PRIVILEGES,
	    .selectable = true};

	jz_put_u8(&b, kvn);
	jz_put(&b, keys, sizeof(*keys));
	jz_put(&b, kdd, JZ_GP_KDD_BYTES);
	order.params = jz_buffer_span(&b);
	c->setup.classes = c->card.setup.classes = classes;
	c->setup.n_classes = c->card.setup.n_classes = 2;
	assert_int_equal(jz_card_install_as(&c->card, &order), JZ_SW_OK);
	jz_card_reset(&c->card);
	return c;
}

struct rig_card *
gp_card_new(struct rig *rig, bool storage)
{
	struct jz_scp03_keys keys = gp_test_keys();

	return gp_card_with(
	    rig, storage, JZ_GP_KVN_INITIAL, &keys, GP_KDD, &GP_ISD);
}

/* ---- the host ----------------------------------------------------------- */

struct gp
gp_host(struct rig_card *c)
{
	struct gp g = {.port = &c->port, .domain = GP_ISD};

	g.engine = c->setup.engine;
	memcpy(g.host_challenge, "\x01\x02\x03\x04\x05\x06\x07\x08",
	    sizeof(g.host_challenge));
	return g;
}

uint16_t
gp_clear(const struct gp *g, uint32_t header, struct jz_span data,
    struct answer *out)
{
	uint8_t cla = jz_cla_on_channel((uint8_t)(header >> 24), g->number);
	struct answer own;

	return port_send(g->port, (header & 0xFFFFFF) | (uint32_t)cla << 24,
	    data, out == NULL ? &own : out);
}

uint16_t
gp_select(const struct gp *g, const struct jz_aid *aid, struct answer *out)
{
	return gp_clear(g, AT_SELECT, jz_span(aid->bytes, aid->len), out);
}

/* Where the answer to INITIALIZE UPDATE has its fields. */
enum {
	AT_KVN = 10,
	AT_CHALLENGE = 13,
	AT_CRYPTOGRAM = 21,
	AT_COUNTER = 29,
	AT_END = 32
};

uint16_t
gp_begin(struct gp *g, uint8_t kvn, const struct jz_scp03_keys *keys)
{
	struct answer a;
	uint8_t challenge[JZ_SCP03_CHALLENGE_BYTES];

	if (gp_clear(g, GP_AT_INITIALIZE(kvn),
		jz_span(g->host_challenge, sizeof(g->host_challenge)),
		&a) != JZ_SW_OK)
		return a.sw;
	assert_int_equal(a.len, AT_END);
	if (kvn != JZ_GP_KVN_ANY)
		assert_int_equal(a.data[AT_KVN], kvn);
	assert_int_equal(a.data[AT_KVN + 1], JZ_GP_SCP03);
	assert_int_equal(a.data[AT_KVN + 2], JZ_SCP03_PARAMETER);
	memcpy(g->sequence, a.data + AT_COUNTER, sizeof(g->sequence));
	assert_int_equal(
	    jz_scp03_challenge(&g->engine, keys, g->sequence,
		jz_span(g->domain.bytes, g->domain.len), challenge),
	    0);
	assert_memory_equal(a.data + AT_CHALLENGE, challenge, 8);
	assert_int_equal(jz_scp03_start(&g->engine, keys, g->host_challenge,
			     challenge, &g->channel),
	    0);
	assert_memory_equal(
	    a.data + AT_CRYPTOGRAM, g->channel.card_cryptogram, 8);
	memcpy(g->dek, keys->dek, sizeof(g->dek));
	return a.sw;
}

uint16_t
gp_authenticate(struct gp *g, uint8_t level)
{
	struct answer a;
	struct blob b;
	uint16_t sw;

	g->channel.level = JZ_LEVEL_NONE; /* its MAC is always there */
	b = gp_wrap(g, GP_AT_AUTHENTICATE(level),
	    jz_span(g->channel.host_cryptogram, 8));
	sw = port_raw(g->port, blob_span(&b), &a);
	assert_int_equal(a.len, 0);
	g->channel.level = level;
	g->channel.counter = 0;
	return sw;
}

void
gp_open(
    struct gp *g, uint8_t kvn, const struct jz_scp03_keys *keys, uint8_t level)
{
	assert_int_equal(gp_begin(g, kvn, keys), JZ_SW_OK);
	assert_int_equal(gp_authenticate(g, level), JZ_SW_OK);
}

void
gp_login(struct gp *g)
{
	struct jz_scp03_keys keys = gp_test_keys();

	gp_open(g, JZ_GP_KVN_INITIAL, &keys, GP_LEVEL_ALL);
}

/* Protects the command; its data go to `room`. */
static struct jz_command
protect(
    struct gp *g, uint32_t header, struct jz_span data, struct jz_buffer *room)
{
	struct jz_command c = {.has_le = true, .ne = 256, .data = data};

	c.cla = jz_cla_on_channel((uint8_t)(header >> 24), g->number);
	c.ins = (uint8_t)(header >> 16);
	c.p1 = (uint8_t)(header >> 8);
	c.p2 = (uint8_t)header;
	assert_int_equal(jz_scp03_wrap(&g->engine, &g->channel, &c, room), 0);
	return c;
}

struct blob
gp_wrap(struct gp *g, uint32_t header, struct jz_span data)
{
	uint8_t memory[ROOM_MAX];
	struct jz_buffer room = jz_buffer(memory, sizeof(memory));
	struct jz_command c = protect(g, header, data, &room);
	struct blob out;
	struct jz_buffer b = jz_buffer(out.data, sizeof(out.data));

	assert_int_equal(jz_command_build(&c, &b), 0);
	out.len = b.len;
	return out;
}

uint16_t
gp_send(struct gp *g, uint32_t header, struct jz_span data, struct answer *out)
{
	uint8_t memory[ROOM_MAX];
	struct jz_buffer room = jz_buffer(memory, sizeof(memory));
	struct jz_command c = protect(g, header, data, &room);
	struct answer wire, own;
	struct jz_buffer clear;

	out = out == NULL ? &own : out;
	clear = jz_buffer(out->data, sizeof(out->data));
	header = (header & 0xFFFFFF) | (uint32_t)c.cla << 24;
	out->sw = port_send(g->port, header, c.data, &wire);
	assert_int_equal(jz_scp03_unwrap_response(&g->engine, &g->channel,
			     wire.sw, answer_span(&wire), &clear),
	    0);
	out->len = clear.len;
	return out->sw;
}

uint16_t
gp_hex(struct gp *g, uint32_t header, const char *data, struct answer *out)
{
	struct blob b = gp_bytes(data);

	return gp_send(g, header, blob_span(&b), out);
}

void
gp_refuses(struct rig_card *c, struct gp *g, uint32_t header, const char *data,
    uint16_t sw)
{
	uint8_t before[32], after[32];
	struct answer a;

	rig_hash(c, before);
	if (gp_hex(g, header, data, &a) != sw)
		fail_msg("%08X %s: %04X, not %04X", header, data, a.sw, sw);
	assert_int_equal(a.len, 0);
	rig_hash(c, after);
	if (memcmp(before, after, sizeof(before)) != 0)
		fail_msg("%08X: refused, and yet something changed", header);
	assert_int_equal(gp_hex(g, GP_AT_GET_DATA(0xCF), "", &a), JZ_SW_OK);
}

/* ---- data fields -------------------------------------------------------- */

struct blob
gp_bytes(const char *hex)
{
	static const char digits[] = "0123456789ABCDEF";
	struct blob b = {.len = 0};

	for (; hex[0] != '\0'; hex += hex[0] == ' ' ? 1 : 2) {
		if (hex[0] == ' ')
			continue;
		assert_true(b.len < sizeof(b.data));
		assert_non_null(strchr(digits, hex[0]));
		assert_non_null(strchr(digits, hex[1]));
		b.data[b.len++] =
		    (uint8_t)((strchr(digits, hex[0]) - digits) << 4 |
			(strchr(digits, hex[1]) - digits));
	}
	return b;
}

struct jz_aid
gp_note(uint8_t number)
{
	struct jz_aid aid = {GP_NOTE_AID_BYTES + 1, GP_NOTE_AID};

	aid.bytes[GP_NOTE_AID_BYTES] = number;
	return aid;
}

struct blob
gp_install_note(uint8_t number)
{
	struct blob b =
	    gp_bytes("05F04E4F5445 05F04E4F5445 06F04E4F544500 0100 02C900 00");

	b.data[18] = number;
	return b;
}

void
gp_add_note(struct gp *g, uint8_t number)
{
	struct blob b = gp_install_note(number);

	assert_int_equal(
	    gp_send(g, GP_AT_INSTALL(0x0C), blob_span(&b), NULL), JZ_SW_OK);
}

struct blob
gp_put_key_data(const struct gp *g, uint8_t kvn, const struct jz_scp03_keys *k)
{
	static const uint8_t zero[JZ_KEY_BYTES];
	const uint8_t *const keys[] = {k->enc, k->mac, k->dek};
	struct blob out;
	struct jz_buffer b = jz_buffer(out.data, sizeof(out.data));

	jz_put_u8(&b, kvn);
	for (size_t i = 0; i < JZ_GP_KEYS; i++) {
		uint8_t secret[JZ_KEY_BYTES], value[JZ_GP_KCV_BYTES];

		assert_int_equal(
		    g->engine.crypto->aes_cbc(g->engine.state, true, g->dek,
			zero, keys[i], secret, sizeof(secret)),
		    0);
		assert_int_equal(
		    jz_key_check_value(&g->engine, keys[i], value), 0);
		jz_put_u8(&b, JZ_GP_KEY_AES);
		jz_put_u8(&b, 1 + sizeof(secret));
		jz_put_u8(&b, sizeof(secret));
		jz_put(&b, secret, sizeof(secret));
		jz_put_u8(&b, sizeof(value));
		jz_put(&b, value, sizeof(value));
	}
	out.len = b.len;
	return out;
}
