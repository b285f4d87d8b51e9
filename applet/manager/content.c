/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is on the card and in what state: INSTALL (GlobalPlatform 11.5), DELETE
 * (11.2), SET STATUS (11.10).
 *
 * The domain has authorised management: it needs no token and gives no
 * receipt.  Where the standard answers with a confirmation that may be empty,
 * the answer is its length, 00.
 */
#include "manager.h"
#include "../../apdu/tlv.h"

#include <string.h>

#define NO_CONFIRMATION 0x00
#define APP_STATE_BITS	0x03 /* every state of an application has them */

/* ---- INSTALL ------------------------------------------------------------ */

/* INSTALL's data field; for all but installation the first two are empty. */
struct order {
	struct jz_span load_file, module, instance, privileges, params;
	struct jz_aid aid; /* of the instance */
};

static bool
parse_order(struct jz_span data, struct order *o)
{
	struct jz_cursor c = jz_cursor(data);
	struct jz_span token;

	o->load_file = manager_take_lv(&c);
	o->module = manager_take_lv(&c);
	o->instance = manager_take_lv(&c);
	o->privileges = manager_take_lv(&c);
	o->params = manager_take_lv(&c);
	token = manager_take_lv(&c);
	return jz_cursor_end(&c) && token.len == 0 &&
	    manager_aid(o->instance, &o->aid);
}

/* One byte, or three (table 11-7).  Of what there is, an application can only
 * get to be selected by a reset: nothing else has a use without a domain of
 * its own or an interface to the runtime. */
static bool
take_privileges(struct jz_span in, uint8_t out[JZ_PRIVILEGE_BYTES])
{
	memset(out, 0, JZ_PRIVILEGE_BYTES);
	if (in.len != 1 && in.len != JZ_PRIVILEGE_BYTES)
		return false;
	memcpy(out, in.data, in.len);
	return (out[0] & (uint8_t)~JZ_PRIV_CARD_RESET) == 0 && out[1] == 0 &&
	    out[2] == 0;
}

/* EF { C7 transient, C8 persistent bytes }, each once at the most. */
static bool
take_quotas(struct jz_span in, struct jz_install *out)
{
	struct jz_cursor c = jz_cursor(in);
	struct jz_tlv t;

	while (jz_tlv_next(&c, &t) == 0) {
		uint32_t *quota = t.tag == JZ_GP_TAG_VOLATILE ? &out->ram_quota
		    : t.tag == JZ_GP_TAG_NON_VOLATILE	      ? &out->nvm_quota
							      : NULL;

		if (quota == NULL || *quota != 0 ||
		    (t.value.len != 2 && t.value.len != 4))
			return false;
		*quota = (uint32_t)jz_get_be(t.value.data, t.value.len);
	}
	return jz_cursor_end(&c);
}

/* C9 the applet's own, which must be there, and EF, in any order. */
static bool
take_params(struct jz_span in, struct jz_install *out)
{
	struct jz_cursor c = jz_cursor(in);
	bool own = false, system = false;
	struct jz_tlv t;

	while (jz_tlv_next(&c, &t) == 0) {
		bool *seen = t.tag == JZ_GP_TAG_PARAMETERS ? &own
		    : t.tag == JZ_GP_TAG_SYSTEM		   ? &system
							   : NULL;

		if (seen == NULL || *seen)
			return false;
		*seen = true;
		if (seen == &own)
			out->params = t.value;
		else if (!take_quotas(t.value, out))
			return false;
	}
	return own && jz_cursor_end(&c);
}

/* Only one application is selected by a reset (6.6.2.6). */
static bool
reset_is_taken(const struct jz_applet *self, const struct jz_aid *besides)
{
	struct jz_app_info info;

	for (unsigned i = 0; i < JZ_MAX_APPLETS; i++)
		if (jz_admin_app(self, i, &info) == 0 &&
		    (info.privileges[0] & JZ_PRIV_SECURITY_DOMAIN) == 0 &&
		    (info.privileges[0] & JZ_PRIV_CARD_RESET) != 0 &&
		    (info.instance.len != besides->len ||
			memcmp(info.instance.bytes, besides->bytes,
			    besides->len) != 0))
			return true;
	return false;
}

/* [for install], and [for make selectable] along with it. */
static uint16_t
install_new(struct jz_applet *self, const struct order *o, bool selectable)
{
	struct jz_install i = {.instance = o->aid, .selectable = selectable};

	if (o->load_file.len == 0 || !manager_aid(o->module, &i.module) ||
	    !take_privileges(o->privileges, i.privileges) ||
	    !take_params(o->params, &i))
		return JZ_SW_DATA;
	if (!jz_span_equal(o->load_file, o->module))
		return JZ_SW_REFERENCE;
	if (i.privileges[0] != 0 && reset_is_taken(self, &o->aid))
		return JZ_SW_CONDITIONS;
	return jz_admin_install(self, &i);
}

/* [for make selectable] alone: privileges are added to what it has. */
static uint16_t
make_selectable(struct jz_applet *self, const struct order *o)
{
	uint8_t privileges[JZ_PRIVILEGE_BYTES];
	struct jz_app_info info;

	if (o->load_file.len != 0 || o->module.len != 0 || o->params.len != 0 ||
	    !take_privileges(o->privileges, privileges))
		return JZ_SW_DATA;
	if (!manager_find_app(self, &o->aid, &info))
		return JZ_SW_REFERENCE;
	if (privileges[0] != 0 && reset_is_taken(self, &o->aid))
		return JZ_SW_CONDITIONS;
	for (unsigned i = 0; i < sizeof(privileges); i++)
		privileges[i] |= info.privileges[i];
	return jz_admin_make_selectable(self, &o->aid, privileges);
}

static uint16_t
personalise(struct jz_applet *self, const struct order *o)
{
	struct jz_app_info info;

	if (o->load_file.len != 0 || o->module.len != 0 ||
	    o->privileges.len != 0 || o->params.len != 0)
		return JZ_SW_DATA;
	if (!manager_find_app(self, &o->aid, &info))
		return JZ_SW_REFERENCE;
	if ((info.privileges[0] & JZ_PRIV_SECURITY_DOMAIN) != 0 ||
	    (info.state & JZ_APP_LOCKED) != 0)
		return JZ_SW_CONDITIONS;
	manager_personalise(self, &info.instance);
	return JZ_SW_OK;
}

uint16_t
manager_install(struct jz_applet *self, struct jz_apdu *apdu)
{
	uint8_t what = apdu->command.p1;
	struct order o;
	uint16_t sw;

	manager_personalise(self, NULL);
	if (!parse_order(apdu->command.data, &o))
		return JZ_SW_DATA;
	if ((what & JZ_GP_FOR_INSTALL) != 0)
		sw = install_new(
		    self, &o, (what & JZ_GP_FOR_MAKE_SELECTABLE) != 0);
	else if ((what & JZ_GP_FOR_MAKE_SELECTABLE) != 0)
		sw = make_selectable(self, &o);
	else
		sw = personalise(self, &o);
	if (sw == JZ_SW_OK)
		jz_put_u8(&apdu->out, NO_CONFIRMATION);
	return sw;
}

/* ---- DELETE ------------------------------------------------------------- */

static uint16_t
delete_app(struct jz_applet *self, struct jz_span data, bool related)
{
	struct jz_cursor c = jz_cursor(data);
	struct jz_span name;
	struct jz_aid aid;

	if (jz_tlv_expect(&c, JZ_GP_TAG_AID, &name) != 0 ||
	    !jz_cursor_end(&c) || !manager_aid(name, &aid))
		return JZ_SW_DATA;
	return jz_admin_delete(self, &aid, related);
}

/* An application or load file by its AID, or else keys. */
uint16_t
manager_delete(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct jz_command *c = &apdu->command;
	bool related = c->p2 == JZ_GP_DELETE_RELATED;
	struct jz_cursor in = jz_cursor(c->data);
	uint16_t sw;

	if (related || jz_tlv_peek(&in) == JZ_GP_TAG_AID)
		sw = delete_app(self, c->data, related);
	else
		sw = manager_delete_keys(self, c->data);
	if (sw == JZ_SW_OK)
		jz_put_u8(&apdu->out, NO_CONFIRMATION);
	return sw;
}

/* ---- SET STATUS --------------------------------------------------------- */

/* Which AID is in the data makes no difference (11.10.2.3). */
uint16_t
manager_set_card_status(struct jz_applet *self, struct jz_apdu *apdu)
{
	return jz_admin_set_card_state(self, apdu->command.p2);
}

/*
 * An application is locked by any state with bit 8; a locked one goes back to
 * the state it had, whatever is asked for without that bit.  Its own states
 * are its own to set (5.3.2).
 */
uint16_t
manager_set_app_status(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct jz_command *c = &apdu->command;
	bool lock = (c->p2 & JZ_APP_LOCKED) != 0;
	struct jz_aid aid;

	if ((c->p2 & APP_STATE_BITS) != APP_STATE_BITS)
		return JZ_SW_P1P2;
	if (!manager_aid(c->data, &aid))
		return JZ_SW_DATA;
	return jz_admin_lock(self, &aid, lock);
}
