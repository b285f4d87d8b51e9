/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi card keys, put-key: the key sets of a card's security domain.
 */
#include "cli.h"

#include <string.h>

#include "../../apdu/tlv.h"
#include "../../keys/secret.h"
#include "manage.h"

#define TEMPLATE_MAX  256
#define DERIVED	      "issuer"
#define TYPE_EXTENDED 0xFF

/* Key types: GlobalPlatform table 11-16. */
static const char *
type_name(uint8_t type)
{
	switch (type) {
	case 0x80:
		return "DES";
	case 0x82:
		return "3DES";
	case JZ_GP_KEY_AES:
		return "AES";
	case 0x90:
		return "HMAC";
	case 0xA0:
	case 0xA1:
		return "RSA";
	case 0xB0:
	case 0xB1:
		return "ECC";
	default:
		return "?";
	}
}

/* Key ID, version, then type and length; of several components the first. */
static int
parse_key(struct jz_span v, struct jz_card_key *out)
{
	struct jz_cursor in = jz_cursor(v);
	uint8_t type;

	out->id = jz_take_u8(&in);
	out->version = jz_take_u8(&in);
	type = jz_take_u8(&in);
	/* The extended form writes the length in two bytes. */
	if (type == TYPE_EXTENDED) {
		type = jz_take_u8(&in);
		out->bits = 8u * jz_take_u16(&in);
	} else {
		out->bits = 8u * jz_take_u8(&in);
	}
	out->type = type_name(type);
	return in.bad ? JZ_ERR_ANSWER : 0;
}

int
jz_card_keys(struct jz_span content,
    void (*each)(const struct jz_card_key *key, void *arg), void *arg)
{
	struct jz_cursor in = jz_cursor(content);
	struct jz_card_key key;
	struct jz_span v;

	while (in.len > 0) {
		if (jz_tlv_expect(&in, JZ_GP_TAG_KEY, &v) != 0 ||
		    parse_key(v, &key) != 0)
			return JZ_ERR_ANSWER;
		each(&key, arg);
	}
	return 0;
}

/* ---- card keys ---------------------------------------------------------- */

struct listing {
	struct jz_cli *c;
	json_t *list;
};

static void
show_key(const struct jz_card_key *k, void *arg)
{
	struct listing *l = arg;

	jz_cli_say(l->c,
	    jz_tr(l->c, "version %02X  key %02X  %s %u\n",
		"版本 %02X  密钥 %02X  %s %u\n"),
	    (unsigned)k->version, (unsigned)k->id, k->type, k->bits);
	json_array_append_new(l->list,
	    json_pack("{s:i, s:i, s:s, s:i}", "version", (int)k->version, "id",
		(int)k->id, "type", k->type, "bits", (int)k->bits));
}

static int
show_keys(struct jz_cli *c, struct jz_span answer)
{
	struct listing l = {c, json_array()};
	struct jz_cursor in = jz_cursor(answer);
	struct jz_span content;

	jz_cli_put(c, "keys", l.list);
	if (jz_tlv_expect(&in, JZ_GP_TAG_KEYS, &content) != 0 ||
	    !jz_cursor_end(&in))
		return JZ_ERR_ANSWER;
	return jz_card_keys(content, show_key, &l);
}

int
jz_cmd_card_keys(struct jz_cli *c)
{
	uint8_t bytes[TEMPLATE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_cli_gp g;
	int err = jz_cli_gp_select(c, &g);

	if (err == 0) {
		err = jz_gp_get_data(&g.gp, JZ_GP_TAG_KEYS, &b);
		if (err == 0)
			err = show_keys(c, jz_buffer_span(&b));
		err = jz_cli_gp_error(c, &g, err);
	}
	jz_cli_gp_close(&g);
	return err;
}

/* ---- card put-key ------------------------------------------------------- */

static int
new_keys(struct jz_cli *c, const struct jz_gp *gp, uint8_t kvn,
    struct jz_scp03_keys *out)
{
	const char *source = c->value[JZ_OPT_NEW_KEYS];

	if (strcmp(source, DERIVED) == 0)
		return jz_cli_issuer_keys(c, gp->kdd, kvn, true, out);
	return jz_cli_keys(c, JZ_OPT_NEW_KEYS, source, out);
}

static int
put_keys(struct jz_cli *c, struct jz_cli_gp *g, uint8_t kvn)
{
	uint8_t old = jz_cli_has(c, JZ_OPT_ADD) ? 0 : g->gp.kvn;
	struct jz_scp03_keys keys = {0};
	int err = new_keys(c, &g->gp, kvn, &keys);

	if (err == 0) {
		err = jz_gp_put_keys(&g->gp, old, kvn, &keys);
		if (err != 0)
			err = jz_cli_gp_error(c, g, err);
	}
	jz_wipe(&keys, sizeof(keys));
	return err;
}

int
jz_cmd_card_put_key(struct jz_cli *c)
{
	struct jz_cli_gp g = {0};
	uint8_t kvn = 0;
	int err = jz_cli_key_version(c, c->argument[0], 1, JZ_GP_KVN_MAX, &kvn);

	if (err == 0)
		err = jz_cli_gp_open(c, &g);
	if (err == 0)
		err = put_keys(c, &g, kvn);
	if (err == 0) {
		jz_cli_say(c,
		    jz_tr(c, "key set %02X is on the card\n",
			"密钥组 %02X 已写入卡中\n"),
		    (unsigned)kvn);
		jz_cli_put(c, "version", json_integer(kvn));
	}
	jz_cli_gp_close(&g);
	return err;
}
