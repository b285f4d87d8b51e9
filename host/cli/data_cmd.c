/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi card data: what a card tells everybody about itself.  GlobalPlatform
 * 11.3 and H.2, H.3 (card recognition data), H.4 (capabilities); CPLC after
 * Visa's Card Production Life Cycle data; ETSI TS 102 226 8.2.1.7.2.
 */
#include "cli.h"

#include <string.h>

#include "../../apdu/tlv.h"
#include "manage.h"

#define DATA_MAX   1024
#define TEXT_MAX   160
#define CPLC_BYTES 42u
/* The arc of GlobalPlatform: 1.2.840.114283, and what stands below it. */
#define ARC_BYTES 7u
#define ARC_CARD  0x02 /* the specification's version */
#define ARC_SCP	  0x04 /* a secure channel protocol, and its i */

enum {
	TAG_OID = 0x06,
	TAG_VERSION = 0x60,
	TAG_PROTOCOL = 0x64,
	TAG_INSTALLED = 0x81,
	TAG_FREE_NON_VOLATILE = 0x82,
	TAG_FREE_VOLATILE = 0x83,
};

/* What a row adds to its object, and to its line of text. */
typedef int decode_fn(struct jz_span value, json_t *o, char *text);

/* ---- 66: card recognition data ------------------------------------------ */

static const uint8_t ARC[ARC_BYTES - 1] = {0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B};

/* The bytes after the arc and its first branch; false for another OID. */
static bool
below_arc(struct jz_span content, uint8_t branch, struct jz_span *out)
{
	struct jz_span oid;

	if (jz_tlv_find(content, TAG_OID, &oid) != 0 || oid.len <= ARC_BYTES ||
	    memcmp(oid.data, ARC, sizeof(ARC)) != 0 ||
	    oid.data[sizeof(ARC)] != branch)
		return false;
	*out = jz_span(oid.data + ARC_BYTES, oid.len - ARC_BYTES);
	return true;
}

static void
say_version(struct jz_span v, json_t *o, char *text)
{
	char version[TEXT_MAX / 4] = "";
	size_t at = 0;

	for (size_t i = 0; i < v.len && at + 5 < sizeof(version); i++)
		at += (size_t)snprintf(version + at, sizeof(version) - at,
		    "%s%u", i > 0 ? "." : "", (unsigned)v.data[i]);
	json_object_set_new(o, "globalplatform", json_string(version));
	snprintf(text, TEXT_MAX, "GlobalPlatform %s", version);
}

static void
say_protocol(struct jz_span v, json_t *list, char *text)
{
	size_t at = strlen(text);
	char name[24];

	if (v.len < 2)
		return;
	snprintf(name, sizeof(name), "SCP%02X i=%02X", (unsigned)v.data[0],
	    (unsigned)v.data[v.len - 1]);
	json_array_append_new(list, json_string(name));
	snprintf(text + at, TEXT_MAX - at, ", %s", name);
}

static int
decode_card_data(struct jz_span value, json_t *o, char *text)
{
	json_t *protocols = json_array();
	struct jz_span inner, v;
	struct jz_cursor c;
	struct jz_tlv t;

	json_object_set_new(o, "protocols", protocols);
	if (jz_tlv_find(value, JZ_GP_TAG_RECOGNITION, &inner) != 0)
		return JZ_ERR_ANSWER;
	c = jz_cursor(inner);
	while (c.len > 0) {
		if (jz_tlv_next(&c, &t) != 0)
			return JZ_ERR_ANSWER;
		if (t.tag == TAG_VERSION && below_arc(t.value, ARC_CARD, &v))
			say_version(v, o, text);
		if (t.tag == TAG_PROTOCOL && below_arc(t.value, ARC_SCP, &v))
			say_protocol(v, protocols, text);
	}
	return 0;
}

/* ---- the others --------------------------------------------------------- */

/* A0 { 80 protocol, 81 its i ... } for each secure channel protocol. */
static int
decode_capabilities(struct jz_span value, json_t *o, char *text)
{
	json_t *list = json_array();
	struct jz_cursor c = jz_cursor(value);
	struct jz_span scp, option;
	struct jz_tlv t;
	char name[24];

	json_object_set_new(o, "protocols", list);
	while (c.len > 0) {
		if (jz_tlv_next(&c, &t) != 0)
			return JZ_ERR_ANSWER;
		if (t.tag != 0xA0 || jz_tlv_find(t.value, 0x80, &scp) != 0 ||
		    jz_tlv_find(t.value, 0x81, &option) != 0 || scp.len != 1)
			continue;
		for (size_t i = 0; i < option.len; i++) {
			size_t at = strlen(text);

			snprintf(name, sizeof(name), "SCP%02X i=%02X",
			    (unsigned)scp.data[0], (unsigned)option.data[i]);
			json_array_append_new(list, json_string(name));
			snprintf(text + at, TEXT_MAX - at, "%s%s",
			    at > 0 ? ", " : "", name);
		}
	}
	return 0;
}

struct keys {
	json_t *list;
	char *text;
};

static void
add_key(const struct jz_card_key *k, void *arg)
{
	struct keys *keys = arg;
	size_t at = strlen(keys->text);
	char name[24];

	snprintf(name, sizeof(name), "%02X/%02X %s %u", (unsigned)k->version,
	    (unsigned)k->id, k->type, k->bits);
	json_array_append_new(keys->list, json_string(name));
	snprintf(
	    keys->text + at, TEXT_MAX - at, "%s%s", at > 0 ? ", " : "", name);
}

/* Version and number of each, its type and length. */
static int
decode_keys(struct jz_span value, json_t *o, char *text)
{
	struct keys keys = {json_array(), text};

	json_object_set_new(o, "keys", keys.list);
	return jz_card_keys(value, add_key, &keys);
}

static int
decode_cplc(struct jz_span value, json_t *o, char *text)
{
	static const struct {
		const char *key;
		size_t len;
	} FIELDS[] = {
	    {"ic_fabricator", 2},
	    {"ic_type", 2},
	    {"os_id", 2},
	    {"os_date", 2},
	    {"os_level", 2},
	    {"ic_date", 2},
	    {"ic_serial", 4},
	    {"ic_batch", 2},
	    {"module_fabricator", 2},
	    {"module_date", 2},
	    {"icc_manufacturer", 2},
	    {"embedding_date", 2},
	    {"pre_personalizer", 2},
	    {"pre_personalization_date", 2},
	    {"pre_personalization_equipment", 4},
	    {"personalizer", 2},
	    {"personalization_date", 2},
	    {"personalization_equipment", 4},
	};
	struct jz_cursor c = jz_cursor(value);

	if (value.len != CPLC_BYTES)
		return JZ_ERR_ANSWER;
	for (size_t i = 0; i < sizeof(FIELDS) / sizeof(FIELDS[0]); i++)
		json_object_set_new(
		    o, FIELDS[i].key, jz_cli_hex(jz_take(&c, FIELDS[i].len)));
	snprintf(text, TEXT_MAX, "IC %02X%02X/%02X%02X, %02X%02X%02X%02X",
	    (unsigned)value.data[0], (unsigned)value.data[1],
	    (unsigned)value.data[2], (unsigned)value.data[3],
	    (unsigned)value.data[12], (unsigned)value.data[13],
	    (unsigned)value.data[14], (unsigned)value.data[15]);
	return jz_cursor_end(&c) ? 0 : JZ_ERR_ANSWER;
}

static int
number(struct jz_span value, uint32_t tag, uint64_t *out)
{
	struct jz_span v;

	if (jz_tlv_find(value, tag, &v) != 0 || v.len < 1 || v.len > 8)
		return JZ_ERR_ANSWER;
	*out = jz_get_be(v.data, v.len);
	return 0;
}

static int
decode_resources(struct jz_span value, json_t *o, char *text)
{
	uint64_t n, persistent, transient;

	if (number(value, TAG_INSTALLED, &n) != 0 ||
	    number(value, TAG_FREE_NON_VOLATILE, &persistent) != 0 ||
	    number(value, TAG_FREE_VOLATILE, &transient) != 0)
		return JZ_ERR_ANSWER;
	json_object_set_new(o, "applications", json_integer((json_int_t)n));
	json_object_set_new(
	    o, "free_non_volatile", json_integer((json_int_t)persistent));
	json_object_set_new(
	    o, "free_volatile", json_integer((json_int_t)transient));
	snprintf(text, TEXT_MAX, "%llu: %llu B + %llu B", (unsigned long long)n,
	    (unsigned long long)persistent, (unsigned long long)transient);
	return 0;
}

static const struct row {
	uint16_t tag;
	const char *key;
	const char *name[2];
	decode_fn *decode; /* NULL: what it is, in hexadecimal */
} ROWS[] = {
    {JZ_GP_TAG_IIN, "iin", {"issuer (IIN)", "发卡方 (IIN)"}, NULL},
    {JZ_GP_TAG_CIN, "cin", {"card image (CIN)", "卡标识 (CIN)"}, NULL},
    {JZ_GP_TAG_CARD_DATA, "card_data", {"card", "卡"}, decode_card_data},
    {JZ_GP_TAG_CAPABILITIES, "capabilities", {"channels", "安全通道"},
	decode_capabilities},
    {JZ_GP_TAG_KEYS, "keys", {"keys", "密钥"}, decode_keys},
    {JZ_GP_TAG_CPLC, "cplc", {"production", "生产数据"}, decode_cplc},
    {JZ_GP_TAG_RESOURCES, "resources", {"free memory", "剩余存储"},
	decode_resources},
};

static int
show(struct jz_cli *c, const struct row *row, struct jz_span answer)
{
	json_t *o = json_object(), *raw;
	char text[TEXT_MAX] = "";
	struct jz_span value;
	struct jz_cursor in = jz_cursor(answer);
	int err = jz_tlv_expect(&in, row->tag, &value);

	jz_cli_put(c, row->key, o);
	if (err != 0 || !jz_cursor_end(&in))
		return JZ_ERR_ANSWER;
	raw = jz_cli_hex(value);
	json_object_set_new(o, "value", raw);
	if (row->decode != NULL)
		err = row->decode(value, o, text);
	else
		snprintf(text, sizeof(text), "%s", json_string_value(raw));
	if (err == 0)
		jz_cli_line(c, row->name[c->lang], "%s", text);
	return err;
}

/* What a card does not have, most cards do not: it is left out. */
static int
show_all(struct jz_cli *c, struct jz_gp *gp)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < sizeof(ROWS) / sizeof(ROWS[0]);
	     i++) {
		uint8_t bytes[DATA_MAX];
		struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

		err = jz_gp_get_data(gp, ROWS[i].tag, &b);
		if (err == 0)
			err = show(c, &ROWS[i], jz_buffer_span(&b));
		else if (err == JZ_ERR_NOT_FOUND)
			err = 0;
	}
	return err;
}

int
jz_cmd_card_data(struct jz_cli *c)
{
	struct jz_cli_gp g;
	int err = jz_cli_gp_select(c, &g);

	if (err == 0) {
		jz_cli_put(
		    c, "fci", jz_cli_hex(jz_span(g.gp.fci, g.gp.fci_len)));
		err = jz_cli_gp_error(c, &g, show_all(c, &g.gp));
	}
	jz_cli_gp_close(&g);
	return err;
}
