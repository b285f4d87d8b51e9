/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The domain's class and its tables of instructions: GlobalPlatform 11, table
 * 11-1.  docs/globalplatform.md describes each row.
 */
#include "manager.h"
#include "../../apdu/tlv.h"

#include <string.h>

/* The card's life cycle as the tables ask for it (GlobalPlatform 5.1.1). */
#define ALIVE	   0x01 /* OP_READY, INITIALIZED, SECURED */
#define LOCKED	   0x02
#define TERMINATED 0x04

#define ANY_LENGTH  UINT16_MAX
#define INS_SELECT  0xA4
#define P1_BY_NAME  0x04
#define MAX_DATA    0xFF /* of one short command */
#define FOR_BOTH    (JZ_GP_FOR_INSTALL | JZ_GP_FOR_MAKE_SELECTABLE)
#define INSTALL_MAX 255
#define PUT_KEY_MIN (1 + JZ_GP_KEYS * (2 + JZ_KEY_BYTES + 1 + JZ_GP_KCV_BYTES))
#define PUT_KEY_MAX (PUT_KEY_MIN + JZ_GP_KEYS)

/* Known, but not in clear. */
static uint16_t
needs_session(struct jz_applet *self, struct jz_apdu *apdu)
{
	(void)self;
	(void)apdu;
	return JZ_SW_SECURITY;
}

/* clang-format off */
static const struct jz_instruction OPENING[] = {
	/* CLA         INS                     P1       P2    Nc from, to  states */
	{ JZ_GP_CLA, JZ_GP_INITIALIZE_UPDATE,  JZ_ANY,  0x00,   8,    8, ALIVE | LOCKED, manager_initialize_update },
	{ JZ_GP_CLA_SECURE, JZ_GP_EXTERNAL_AUTHENTICATE, JZ_ANY, 0x00, 16, 16, ALIVE | LOCKED, manager_external_authenticate },
};

static const struct jz_instruction IN_CLEAR[] = {
	{ JZ_GP_CLA, JZ_GP_GET_DATA,           JZ_ANY,  JZ_ANY, 0,    0, 0,              manager_get_data },
	{ 0x00,      JZ_GP_GET_DATA,           JZ_ANY,  JZ_ANY, 0,    0, 0,              manager_get_data },
	{ JZ_GP_CLA, JZ_GP_GET_STATUS,         JZ_ANY,  JZ_ANY, 0, ANY_LENGTH, ALIVE | LOCKED, needs_session },
	{ JZ_GP_CLA, JZ_GP_SET_STATUS,         JZ_ANY,  JZ_ANY, 0, ANY_LENGTH, ALIVE | LOCKED, needs_session },
	{ JZ_GP_CLA, JZ_GP_INSTALL,            JZ_ANY,  JZ_ANY, 0, ANY_LENGTH, ALIVE,          needs_session },
	{ JZ_GP_CLA, JZ_GP_DELETE,             JZ_ANY,  JZ_ANY, 0, ANY_LENGTH, ALIVE,          needs_session },
	{ JZ_GP_CLA, JZ_GP_PUT_KEY,            JZ_ANY,  JZ_ANY, 0, ANY_LENGTH, ALIVE,          needs_session },
	{ JZ_GP_CLA, JZ_GP_STORE_DATA,         JZ_ANY,  JZ_ANY, 0, ANY_LENGTH, ALIVE,          needs_session },
};

static const struct jz_instruction IN_SESSION[] = {
	{ JZ_GP_CLA, JZ_GP_GET_DATA,           JZ_ANY,  JZ_ANY, 0,    0, 0,              manager_get_data },
	{ 0x00,      JZ_GP_GET_DATA,           JZ_ANY,  JZ_ANY, 0,    0, 0,              manager_get_data },
	{ JZ_GP_CLA, JZ_GP_GET_STATUS,         JZ_ANY,  JZ_GP_FIRST, 2, MANAGER_LIST_MAX, ALIVE | LOCKED, manager_get_status },
	{ JZ_GP_CLA, JZ_GP_GET_STATUS,         JZ_ANY,  JZ_GP_NEXT, 2, MANAGER_LIST_MAX, ALIVE | LOCKED, manager_get_status },
	{ JZ_GP_CLA, JZ_GP_SET_STATUS,         JZ_GP_DOMAIN, JZ_ANY, 0, JZ_AID_MAX, ALIVE | LOCKED, manager_set_card_status },
	{ JZ_GP_CLA, JZ_GP_SET_STATUS,         JZ_GP_APPLICATIONS, JZ_ANY, JZ_AID_MIN, JZ_AID_MAX, ALIVE | LOCKED, manager_set_app_status },
	{ JZ_GP_CLA, JZ_GP_INSTALL,            JZ_GP_FOR_INSTALL, 0x00, 1, INSTALL_MAX, ALIVE, manager_install },
	{ JZ_GP_CLA, JZ_GP_INSTALL,            FOR_BOTH, 0x00,  1, INSTALL_MAX, ALIVE,   manager_install },
	{ JZ_GP_CLA, JZ_GP_INSTALL,            JZ_GP_FOR_MAKE_SELECTABLE, 0x00, 1, INSTALL_MAX, ALIVE, manager_install },
	{ JZ_GP_CLA, JZ_GP_INSTALL,            JZ_GP_FOR_PERSONALISATION, 0x00, 1, INSTALL_MAX, ALIVE, manager_install },
	{ JZ_GP_CLA, JZ_GP_DELETE,             0x00,    JZ_GP_DELETE_ONLY, 3, 2 + JZ_AID_MAX, ALIVE, manager_delete },
	{ JZ_GP_CLA, JZ_GP_DELETE,             0x00,    JZ_GP_DELETE_RELATED, 3, 2 + JZ_AID_MAX, ALIVE, manager_delete },
	{ JZ_GP_CLA, JZ_GP_PUT_KEY,            JZ_ANY,  JZ_GP_KEYS_MANY, PUT_KEY_MIN, PUT_KEY_MAX, ALIVE, manager_put_key },
	{ JZ_GP_CLA, JZ_GP_STORE_DATA,         JZ_ANY,  JZ_ANY, 1, ANY_LENGTH, ALIVE,    manager_store_data },
};
/* clang-format on */

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static uint8_t
gate(const struct jz_applet *self)
{
	switch (jz_admin_card_state(self)) {
	case JZ_CARD_LOCKED:
		return LOCKED;
	case JZ_CARD_TERMINATED:
		return TERMINATED;
	default:
		return ALIVE;
	}
}

/* A command of the session, in clear by now. */
static uint16_t
administer(struct jz_applet *self, struct jz_apdu *apdu)
{
	/* Another command than its own ends a list (11.4.2.2). */
	if (apdu->command.ins != JZ_GP_GET_STATUS)
		manager_cod(self)->list_scope = 0;
	return jz_dispatch(
	    IN_SESSION, ROWS(IN_SESSION), gate(self), self, apdu);
}

/* What begins a session ends the one before, and ends with its first error. */
static uint16_t
open_session(struct jz_applet *self, struct jz_apdu *apdu)
{
	uint16_t sw =
	    jz_dispatch(OPENING, ROWS(OPENING), gate(self), self, apdu);

	if (sw != JZ_SW_OK)
		manager_end_session(self);
	return sw;
}

static uint16_t
process(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct jz_command *c = &apdu->command;
	bool secure = jz_cla_secure(c->cla);

	/* SELECT of an AID that is not on the card comes to us as well. */
	if (!secure && c->ins == INS_SELECT && c->p1 == P1_BY_NAME)
		return JZ_SW_FILE;
	if (secure ? c->ins == JZ_GP_EXTERNAL_AUTHENTICATE
		   : c->ins == JZ_GP_INITIALIZE_UPDATE)
		return open_session(self, apdu);
	if (manager_cod(self)->phase == MANAGER_OPEN)
		return manager_secured(self, apdu, administer);
	manager_end_session(self);
	if (secure)
		return JZ_SW_SECURITY;
	return jz_dispatch(IN_CLEAR, ROWS(IN_CLEAR), gate(self), self, apdu);
}

/* FCI: 6F { 84 AID, A5 { 73 management data, 9F65 longest data } }. */
static uint16_t
answer_select(struct jz_applet *self, struct jz_apdu *apdu)
{
	struct jz_buffer *out = &apdu->out;
	size_t fci = jz_tlv_open(out, JZ_GP_TAG_FCI), own;

	jz_tlv_put(out, JZ_GP_TAG_DF_NAME, self->aid.bytes, self->aid.len);
	own = jz_tlv_open(out, JZ_GP_TAG_PROPRIETARY);
	manager_put_recognition(out);
	jz_tlv_put_uint(out, JZ_GP_TAG_MAX_DATA, MAX_DATA, 1);
	jz_tlv_close(out, own);
	jz_tlv_close(out, fci);
	return gate(self) == LOCKED ? JZ_SW_SELECTED_LOCKED : JZ_SW_OK;
}

static uint16_t
install(struct jz_applet *self, struct jz_span params)
{
	const struct manager_nvm *p = manager_nvm(self);
	struct jz_cursor c = jz_cursor(params);
	uint8_t kvn = jz_take_u8(&c);
	struct jz_span keys = jz_take(&c, sizeof(p->sets.set[0].keys));
	struct jz_span kdd = jz_take(&c, sizeof(p->kdd));

	if (!jz_cursor_end(&c))
		return JZ_SW_DATA;
	if (kvn == JZ_GP_KVN_ANY ||
	    (kvn > JZ_GP_KVN_MAX && kvn != JZ_GP_KVN_INITIAL))
		return JZ_SW_DATA;
	if ((self->privileges[0] & JZ_PRIV_SECURITY_DOMAIN) == 0)
		return JZ_SW_CONDITIONS;
	jz_write_u8(self, &p->sets.count, 1);
	jz_write_u8(self, &p->sets.set[0].kvn, kvn);
	jz_write(self, &p->sets.set[0].keys, keys.data, keys.len);
	return jz_runtime_status(jz_write(self, p->kdd, kdd.data, kdd.len));
}

/* Nothing on the card could be administered without it. */
static uint16_t
uninstall(struct jz_applet *self)
{
	(void)self;
	return JZ_SW_CONDITIONS;
}

bool
manager_aid(struct jz_span bytes, struct jz_aid *out)
{
	memset(out, 0, sizeof(*out));
	if (bytes.len < JZ_AID_MIN || bytes.len > JZ_AID_MAX)
		return false;
	out->len = (uint8_t)bytes.len;
	memcpy(out->bytes, bytes.data, bytes.len);
	return true;
}

bool
manager_find_app(const struct jz_applet *self, const struct jz_aid *aid,
    struct jz_app_info *out)
{
	for (unsigned i = 0; i < JZ_MAX_APPLETS; i++)
		if (jz_admin_app(self, i, out) == 0 &&
		    out->instance.len == aid->len &&
		    memcmp(out->instance.bytes, aid->bytes, aid->len) == 0)
			return true;
	return false;
}

const struct jz_applet_class jz_manager_class = {
    .abi = JZ_ABI,
    .layout = JZ_MANAGER_LAYOUT,
    .name = "manager",
    .aid = {JZ_GP_AID_ISD_BYTES, JZ_GP_AID_ISD},
    .nvm_bytes = sizeof(struct manager_nvm),
    .cod_bytes = sizeof(struct manager_cod),
    .multi_selectable = true,
    .secure_messaging = true,
    .install = install,
    .select = answer_select,
    .process = process,
    .uninstall = uninstall,
};
