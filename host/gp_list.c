/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a GlobalPlatform session reads from a card: Card Specification 2.3.1,
 * 11.3 (GET DATA) and 11.4 (GET STATUS, table 11-36).
 */
#include "gp.h"

#include <string.h>

#include "../apdu/tlv.h"

#define SHORT_NE 256u
/* GET STATUS in a row: each brings an application at least. */
#define PARTS_MAX 64u

int
jz_gp_get_data(struct jz_gp *g, uint16_t tag, struct jz_buffer *out)
{
	struct jz_command c = {.cla = JZ_GP_CLA,
	    .ins = JZ_GP_GET_DATA,
	    .p1 = (uint8_t)(tag >> 8),
	    .p2 = (uint8_t)tag,
	    .has_le = true,
	    .ne = SHORT_NE};
	struct jz_answer a;
	int err = jz_gp_command(g, &c, &a);

	if (err != 0)
		return err;
	jz_put(out, a.data.data, a.data.len);
	return out->bad ? JZ_ERR_SPACE : 0;
}

/* One or three bytes of privileges; the first is the highest. */
static int
take_privileges(struct jz_span v, uint32_t *out)
{
	if (v.len != 1 && v.len != 3)
		return JZ_ERR_ANSWER;
	*out = (uint32_t)jz_get_be(v.data, v.len) << 8 * (3 - v.len);
	return 0;
}

static int
take_field(const struct jz_tlv *t, struct jz_gp_entry *e)
{
	switch (t->tag) {
	case JZ_GP_TAG_AID:
		return jz_gp_aid(t->value, &e->aid);
	case JZ_GP_TAG_STATE:
		/* Some cards add a second byte, of their own. */
		if (t->value.len < 1 || t->value.len > 2)
			return JZ_ERR_ANSWER;
		e->state = t->value.data[0];
		return 0;
	case JZ_GP_TAG_PRIVILEGES:
		return take_privileges(t->value, &e->privileges);
	case JZ_GP_TAG_LOAD_FILE:
		return jz_gp_aid(t->value, &e->load_file);
	case JZ_GP_TAG_MODULE:
		if (e->modules == JZ_GP_MODULES_MAX)
			return JZ_ERR_ANSWER;
		return jz_gp_aid(t->value, &e->module[e->modules++]);
	default: /* version, domain, and what a later release may add */
		return 0;
	}
}

static int
take_entry(struct jz_span content, struct jz_gp_entry *e)
{
	struct jz_cursor c = jz_cursor(content);
	struct jz_tlv t;
	int err = 0;

	memset(e, 0, sizeof(*e));
	while (err == 0 && c.len > 0) {
		err = jz_tlv_next(&c, &t);
		if (err == 0)
			err = take_field(&t, e);
	}
	return err != 0 || e->aid.len == 0 ? JZ_ERR_ANSWER : 0;
}

static int
take_entries(struct jz_span answer,
    int (*each)(const struct jz_gp_entry *, void *), void *arg)
{
	struct jz_cursor c = jz_cursor(answer);
	struct jz_gp_entry e;
	struct jz_span content;
	int err = 0;

	while (err == 0 && c.len > 0) {
		if (jz_tlv_expect(&c, JZ_GP_TAG_ENTRY, &content) != 0)
			return JZ_ERR_ANSWER;
		err = take_entry(content, &e);
		if (err == 0)
			err = each(&e, arg);
	}
	return err;
}

int
jz_gp_list(struct jz_gp *g, enum jz_gp_scope scope,
    int (*each)(const struct jz_gp_entry *entry, void *arg), void *arg)
{
	/* 4F without a value: all. */
	static const uint8_t all[] = {JZ_GP_TAG_AID, 0x00};
	struct jz_command c = {.cla = JZ_GP_CLA,
	    .ins = JZ_GP_GET_STATUS,
	    .p1 = (uint8_t)scope,
	    .p2 = JZ_GP_FIRST,
	    .data = jz_span(all, sizeof(all)),
	    .has_le = true,
	    .ne = SHORT_NE};
	struct jz_answer a;
	int err;

	for (unsigned i = 0; i < PARTS_MAX; i++) {
		err = jz_gp_send(g, &c, &a);
		if (err != 0)
			return err;
		if (a.sw == JZ_SW_REFERENCE && i == 0)
			return 0;
		if (a.sw != JZ_SW_OK && a.sw != JZ_SW_MORE_AVAILABLE)
			return jz_status_error(a.sw);
		err = take_entries(a.data, each, arg);
		if (err != 0 || a.sw == JZ_SW_OK)
			return err;
		c.p2 = JZ_GP_NEXT;
	}
	return JZ_ERR_ANSWER;
}

static int
keep_state(const struct jz_gp_entry *e, void *arg)
{
	uint8_t *state = arg;

	*state = e->state;
	return 0;
}

int
jz_gp_card_state(struct jz_gp *g, uint8_t *state)
{
	int err;

	*state = 0;
	err = jz_gp_list(g, JZ_GP_DOMAIN, keep_state, state);
	return err != 0 ? err : *state == 0 ? JZ_ERR_ANSWER : 0;
}
