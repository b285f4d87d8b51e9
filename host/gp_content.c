/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a GlobalPlatform session changes on a card: Card Specification 2.3.1,
 * 11.2 (DELETE), 11.5 (INSTALL), 11.8 (PUT KEY), 11.10 (SET STATUS), 11.11
 * (STORE DATA).
 */
#include "gp.h"

#include <string.h>

#include "../apdu/tlv.h"
#include "../keys/secret.h"

#define SHORT_NE 256u

/* LV of four AIDs at most, privileges, parameters, token. */
#define INSTALL_MAX                                                            \
	(3u * (1 + JZ_GP_AID_MAX) + 4 + 1 + 24 + JZ_GP_PARAMETER_MAX)
/* type, length, length in clear, key, length and KCV */
#define KEY_FIELD_BYTES (3u + JZ_KEY_BYTES + 1 + JZ_GP_KCV_BYTES)

/* A command of the security domain; the answer is not looked at. */
static int
carry(
    struct jz_gp *g, uint8_t ins, unsigned p1, unsigned p2, struct jz_span data)
{
	struct jz_command c = {.cla = JZ_GP_CLA,
	    .ins = ins,
	    .p1 = (uint8_t)p1,
	    .p2 = (uint8_t)p2,
	    .data = data,
	    .has_le = true,
	    .ne = SHORT_NE};
	struct jz_answer a;

	return jz_gp_command(g, &c, &a);
}

/* Nothing on a card is changed but through a channel. */
static int
change(struct jz_gp *g, uint8_t ins, unsigned p1, unsigned p2,
    const struct jz_buffer *data)
{
	if (g->phase != JZ_GP_OPEN)
		return JZ_ERR_STATE;
	if (data->bad)
		return JZ_ERR_RANGE;
	return carry(g, ins, p1, p2, jz_buffer_span(data));
}

/* ---- INSTALL ------------------------------------------------------------ */

static void
put_lv(struct jz_buffer *b, const uint8_t *v, size_t len)
{
	jz_put_u8(b, (uint8_t)len);
	jz_put(b, v, len);
}

static void
put_aid(struct jz_buffer *b, const struct jz_gp_aid *aid)
{
	put_lv(b, aid->bytes, aid->len);
}

/* In one byte where one is enough: older cards know no other. */
static void
put_privileges(struct jz_buffer *b, uint32_t privileges)
{
	uint8_t bytes[3];

	jz_set_be(bytes, sizeof(bytes), privileges & 0xFFFFFF);
	put_lv(b, bytes, (privileges & 0xFFFF) != 0 ? sizeof(bytes) : 1);
}

static void
put_quota(struct jz_buffer *b, uint32_t tag, uint32_t bytes)
{
	if (bytes != 0)
		jz_tlv_put_uint(b, tag, bytes, bytes > 0xFFFF ? 4 : 2);
}

/* C9 is always there; EF only when it says something. */
static void
put_parameters(struct jz_buffer *b, const struct jz_gp_install *what)
{
	uint8_t bytes[INSTALL_MAX];
	struct jz_buffer in = jz_buffer(bytes, sizeof(bytes));
	size_t mark;

	jz_tlv_put(&in, JZ_GP_TAG_PARAMETERS, what->parameters.data,
	    what->parameters.len);
	if (what->volatile_quota != 0 || what->non_volatile_quota != 0) {
		mark = jz_tlv_open(&in, JZ_GP_TAG_SYSTEM);
		put_quota(&in, JZ_GP_TAG_VOLATILE, what->volatile_quota);
		put_quota(
		    &in, JZ_GP_TAG_NON_VOLATILE, what->non_volatile_quota);
		jz_tlv_close(&in, mark);
	}
	put_lv(b, in.data, in.len);
	b->bad = b->bad || in.bad;
	jz_wipe(bytes, sizeof(bytes));
}

static int
install(struct jz_gp *g, const struct jz_gp_install *what, unsigned p1)
{
	uint8_t bytes[INSTALL_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	int err;

	if (what->parameters.len > JZ_GP_PARAMETER_MAX)
		return JZ_ERR_RANGE;
	put_aid(&b, &what->load_file);
	put_aid(&b, &what->module);
	put_aid(&b, &what->instance);
	put_privileges(&b, what->privileges);
	put_parameters(&b, what);
	jz_put_u8(&b, 0); /* no token */
	err = change(g, JZ_GP_INSTALL, p1, 0, &b);
	/* Parameters may hold a PIN. */
	jz_wipe(bytes, sizeof(bytes));
	return err;
}

int
jz_gp_install(struct jz_gp *g, const struct jz_gp_install *what)
{
	return install(g, what, JZ_GP_FOR_INSTALL | JZ_GP_FOR_MAKE_SELECTABLE);
}

int
jz_gp_install_only(struct jz_gp *g, const struct jz_gp_install *what)
{
	return install(g, what, JZ_GP_FOR_INSTALL);
}

/* The forms without load file, module, parameters and token. */
static int
install_instance(struct jz_gp *g, unsigned p1, const struct jz_gp_aid *instance,
    const uint32_t *privileges)
{
	uint8_t bytes[INSTALL_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

	jz_put_u16(&b, 0);
	put_aid(&b, instance);
	if (privileges != NULL)
		put_privileges(&b, *privileges);
	else
		jz_put_u8(&b, 0);
	jz_put_u16(&b, 0);
	return change(g, JZ_GP_INSTALL, p1, 0, &b);
}

int
jz_gp_make_selectable(
    struct jz_gp *g, const struct jz_gp_aid *instance, uint32_t privileges)
{
	return install_instance(
	    g, JZ_GP_FOR_MAKE_SELECTABLE, instance, &privileges);
}

int
jz_gp_personalise(struct jz_gp *g, const struct jz_gp_aid *instance)
{
	return install_instance(g, JZ_GP_FOR_PERSONALISATION, instance, NULL);
}

int
jz_gp_store_data(struct jz_gp *g, unsigned p1, uint8_t number,
    struct jz_span block, struct jz_answer *out)
{
	struct jz_command c = {.cla = JZ_GP_CLA,
	    .ins = JZ_GP_STORE_DATA,
	    .p1 = (uint8_t)(p1 | (out != NULL ? JZ_GP_STORE_ANSWER : 0)),
	    .p2 = number,
	    .data = block,
	    .has_le = out != NULL,
	    .ne = out != NULL ? SHORT_NE : 0};
	struct jz_answer none;

	if (g->phase != JZ_GP_OPEN)
		return JZ_ERR_STATE;
	return jz_gp_command(g, &c, out != NULL ? out : &none);
}

/* ---- DELETE, SET STATUS ------------------------------------------------- */

int
jz_gp_delete(struct jz_gp *g, const struct jz_gp_aid *aid, bool related)
{
	uint8_t bytes[2 + JZ_GP_AID_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

	jz_tlv_put(&b, JZ_GP_TAG_AID, aid->bytes, aid->len);
	return change(
	    g, JZ_GP_DELETE, 0, related ? JZ_GP_DELETE_RELATED : 0, &b);
}

int
jz_gp_delete_keys(struct jz_gp *g, uint8_t kvn)
{
	uint8_t bytes[3];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

	jz_tlv_put(&b, JZ_GP_TAG_KEY_VERSION, &kvn, 1);
	return change(g, JZ_GP_DELETE, 0, 0, &b);
}

int
jz_gp_set_card_state(struct jz_gp *g, enum jz_gp_card_state state)
{
	struct jz_buffer none = {NULL, 0, 0, false};

	return change(g, JZ_GP_SET_STATUS, JZ_GP_DOMAIN, state, &none);
}

int
jz_gp_set_state(struct jz_gp *g, const struct jz_gp_aid *aid, uint8_t state)
{
	uint8_t bytes[JZ_GP_AID_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

	jz_put(&b, aid->bytes, aid->len);
	return change(g, JZ_GP_SET_STATUS, JZ_GP_APPLICATIONS, state, &b);
}

/* ---- PUT KEY ------------------------------------------------------------ */

/* 88 11 10, the key under the DEK, 03 and its check value. */
static int
put_key(struct jz_gp *g, const uint8_t key[static JZ_KEY_BYTES],
    struct jz_buffer *b, struct jz_buffer *kcvs)
{
	static const uint8_t zero[JZ_KEY_BYTES];
	uint8_t hidden[JZ_KEY_BYTES], kcv[JZ_GP_KCV_BYTES];
	const struct jz_engine *e = g->engine;
	int err = e->crypto->aes_cbc(
	    e->state, true, g->dek, zero, key, hidden, sizeof(hidden));

	if (err == 0)
		err = jz_key_check_value(e, key, kcv);
	if (err != 0)
		return err;
	jz_put_u8(b, JZ_GP_KEY_AES);
	jz_put_u8(b, JZ_KEY_BYTES + 1);
	put_lv(b, hidden, sizeof(hidden));
	put_lv(b, kcv, sizeof(kcv));
	jz_put(kcvs, kcv, sizeof(kcv));
	return 0;
}

int
jz_gp_put_keys(struct jz_gp *g, uint8_t old_kvn, uint8_t new_kvn,
    const struct jz_scp03_keys *keys)
{
	uint8_t bytes[1 + JZ_GP_KEYS * KEY_FIELD_BYTES],
	    want[1 + JZ_GP_KEYS * JZ_GP_KCV_BYTES];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_buffer kcvs = jz_buffer(want, sizeof(want));
	struct jz_command c = {.cla = JZ_GP_CLA,
	    .ins = JZ_GP_PUT_KEY,
	    .p1 = old_kvn,
	    .p2 = JZ_GP_KEYS_MANY,
	    .has_le = true,
	    .ne = SHORT_NE};
	struct jz_answer a;
	int err;

	if (g->phase != JZ_GP_OPEN)
		return JZ_ERR_STATE;
	if (new_kvn == 0 || new_kvn > JZ_GP_KVN_MAX)
		return JZ_ERR_RANGE;
	jz_put_u8(&b, new_kvn);
	jz_put_u8(&kcvs, new_kvn);
	if ((err = put_key(g, keys->enc, &b, &kcvs)) != 0 ||
	    (err = put_key(g, keys->mac, &b, &kcvs)) != 0 ||
	    (err = put_key(g, keys->dek, &b, &kcvs)) != 0)
		return err;
	c.data = jz_buffer_span(&b);
	err = jz_gp_command(g, &c, &a);
	if (err == 0 && !jz_span_equal(a.data, jz_buffer_span(&kcvs)))
		err = JZ_ERR_ANSWER;
	return err;
}
