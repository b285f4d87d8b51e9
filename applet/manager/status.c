/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET STATUS: GlobalPlatform 11.4.
 *
 * An answer has as many entries as fit in one short response under any
 * protection; 6310 says that there are more, and the same command with P2 03
 * and the same data gives them.
 *
 * A built-in class or a plug-in is one load file with one module, and both
 * have the class's AID.
 */
#include "manager.h"
#include "../../apdu/tlv.h"

#include <string.h>

/* 256 bytes less R-MAC and padding. */
#define PAGE_MAX  239u
#define ENTRY_MAX 96u

struct search {
	const struct jz_applet *self;
	uint8_t scope;
	bool listed;	     /* tags has what is wanted */
	struct jz_span data; /* as it came */
	struct jz_span name; /* the AID begins with it */
	struct jz_span tags;
};

struct entry {
	struct jz_aid aid, load_file;
	uint8_t state;
	uint8_t privileges[JZ_PRIVILEGE_BYTES];
};

/* The next tag of a list, of one or two bytes. */
static uint32_t
take_tag(struct jz_cursor *c)
{
	uint32_t tag = jz_take_u8(c);

	return (tag & 0x1F) == 0x1F ? tag << 8 | jz_take_u8(c) : tag;
}

static bool
tags_are_well_formed(struct jz_span tags)
{
	struct jz_cursor c = jz_cursor(tags);

	while (c.len > 0 && !c.bad)
		(void)take_tag(&c);
	return !c.bad;
}

static bool
wanted(const struct search *s, uint32_t tag)
{
	struct jz_cursor c = jz_cursor(s->tags);

	while (s->listed && c.len > 0)
		if (take_tag(&c) == tag)
			return true;
	return !s->listed;
}

/* 4F, the beginning of the AID, and 5C, if not everything is wanted. */
static bool
parse_search(struct jz_span data, struct search *s)
{
	struct jz_cursor c = jz_cursor(data);

	if (jz_tlv_expect(&c, JZ_GP_TAG_AID, &s->name) != 0 ||
	    s->name.len > JZ_AID_MAX)
		return false;
	s->listed = jz_tlv_peek(&c) == JZ_GP_TAG_LIST &&
	    jz_tlv_expect(&c, JZ_GP_TAG_LIST, &s->tags) == 0;
	return jz_cursor_end(&c) && tags_are_well_formed(s->tags);
}

/* ---- what there is ------------------------------------------------------ */

/* The issuer's domain, whose state is the card's. */
static int
domain(const struct search *s, unsigned i, struct entry *out)
{
	struct jz_app_info info;

	if (i > 0)
		return JZ_ERR_RANGE;
	if (!manager_find_app(s->self, &s->self->aid, &info))
		return JZ_ERR_NOT_FOUND;
	out->aid = info.instance;
	out->load_file = info.module;
	out->state = jz_admin_card_state(s->self);
	memcpy(out->privileges, info.privileges, sizeof(out->privileges));
	return 0;
}

static int
application(const struct search *s, unsigned i, struct entry *out)
{
	struct jz_app_info info;
	int err = jz_admin_app(s->self, i, &info);

	if (err != 0)
		return err;
	if ((info.privileges[0] & JZ_PRIV_SECURITY_DOMAIN) != 0)
		return JZ_ERR_NOT_FOUND;
	out->aid = info.instance;
	out->load_file = info.module;
	out->state = info.state;
	memcpy(out->privileges, info.privileges, sizeof(out->privileges));
	return 0;
}

static int
load_file(const struct search *s, unsigned i, struct entry *out)
{
	out->state = JZ_GP_LOADED;
	return jz_admin_module(s->self, i, &out->aid);
}

/* Number i of the scope.  JZ_ERR_NOT_FOUND: none; JZ_ERR_RANGE: the end. */
static int
number(const struct search *s, unsigned i, struct entry *out)
{
	memset(out, 0, sizeof(*out));
	switch (s->scope) {
	case JZ_GP_DOMAIN:
		return domain(s, i, out);
	case JZ_GP_APPLICATIONS:
		return application(s, i, out);
	default:
		return load_file(s, i, out);
	}
}

static bool
matches(const struct search *s, const struct entry *e)
{
	return e->aid.len >= s->name.len &&
	    (s->name.len == 0 ||
		memcmp(e->aid.bytes, s->name.data, s->name.len) == 0);
}

/* ---- how it is told ----------------------------------------------------- */

static void
put(const struct search *s, struct jz_buffer *b, uint32_t tag, const void *v,
    size_t len)
{
	if (wanted(s, tag))
		jz_tlv_put(b, tag, v, len);
}

/* E3 { 4F AID, 9F70 state, C5 privileges, C4 load file, 84 module, CC domain };
 * the AID always, of the others what there is. */
static void
put_entry(const struct search *s, const struct entry *e, struct jz_buffer *b)
{
	bool instance = e->load_file.len != 0;
	size_t mark = jz_tlv_open(b, JZ_GP_TAG_ENTRY);

	jz_tlv_put(b, JZ_GP_TAG_AID, e->aid.bytes, e->aid.len);
	put(s, b, JZ_GP_TAG_STATE, &e->state, 1);
	if (instance) {
		put(s, b, JZ_GP_TAG_PRIVILEGES, e->privileges,
		    sizeof(e->privileges));
		put(s, b, JZ_GP_TAG_LOAD_FILE, e->load_file.bytes,
		    e->load_file.len);
	}
	if (s->scope == JZ_GP_MODULES)
		put(s, b, JZ_GP_TAG_MODULE, e->aid.bytes, e->aid.len);
	put(s, b, JZ_GP_TAG_ITS_DOMAIN, s->self->aid.bytes, s->self->aid.len);
	jz_tlv_close(b, mark);
}

/* From entry i on, as many as fit; what is left is remembered. */
static uint16_t
list(const struct search *s, unsigned i, struct jz_buffer *out)
{
	struct manager_cod *cod = manager_cod(s->self);
	uint8_t memory[ENTRY_MAX];

	for (; i <= UINT8_MAX; i++) {
		struct jz_buffer b = jz_buffer(memory, sizeof(memory));
		struct entry e;
		int err = number(s, i, &e);

		if (err == JZ_ERR_RANGE)
			break;
		if (err != 0 || !matches(s, &e))
			continue;
		put_entry(s, &e, &b);
		if (out->len + b.len > PAGE_MAX) {
			cod->list_scope = s->scope;
			cod->list_next = (uint8_t)i;
			cod->list_len = (uint8_t)s->data.len;
			memcpy(cod->list_data, s->data.data, s->data.len);
			return JZ_SW_MORE_AVAILABLE;
		}
		jz_put(out, b.data, b.len);
	}
	return out->len > 0 ? JZ_SW_OK : JZ_SW_REFERENCE;
}

static bool
scope_exists(uint8_t scope)
{
	return scope == JZ_GP_DOMAIN || scope == JZ_GP_APPLICATIONS ||
	    scope == JZ_GP_LOAD_FILES || scope == JZ_GP_MODULES;
}

uint16_t
manager_get_status(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct jz_command *c = &apdu->command;
	struct manager_cod *cod = manager_cod(self);
	struct search s = {.self = self, .scope = c->p1, .data = c->data};
	uint8_t going_on = cod->list_scope;

	cod->list_scope = 0;
	if (!scope_exists(c->p1))
		return JZ_SW_P1P2;
	if (!parse_search(c->data, &s))
		return JZ_SW_DATA;
	if (c->p2 == JZ_GP_FIRST)
		return list(&s, 0, &apdu->out);
	if (going_on != c->p1 || c->data.len != cod->list_len ||
	    memcmp(c->data.data, cod->list_data, cod->list_len) != 0)
		return JZ_SW_CONDITIONS;
	return list(&s, cod->list_next, &apdu->out);
}
