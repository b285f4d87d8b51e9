/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The e-signature applet's class and its table of instructions.
 */
#include "esign.h"
#include "../../apdu/error.h"
#include "../../apdu/tlv.h"

#include <stddef.h>

#define OPERATING 0x01 /* state: personalised */
#define LAYOUT_1  1

#define JZ_TAG_FCI     0x6F
#define JZ_TAG_DF_NAME 0x84

static uint16_t
get_certificate(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct esign_nvm *p = esign_nvm(self);

	jz_put(&apdu->out, p->certificate, p->certificate_len);
	return JZ_SW_OK;
}

static uint16_t
get_x509(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct esign_nvm *p = esign_nvm(self);

	if (p->x509_len == 0)
		return JZ_SW_REFERENCE;
	jz_put(&apdu->out, p->x509, p->x509_len);
	return JZ_SW_OK;
}

/* Nothing that a contact changes: JPS-18. */
static uint16_t
get_info(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct esign_nvm *p = esign_nvm(self);
	struct jz_esign_info info = {.state = (uint8_t)esign_state(self),
	    .mode = p->mode,
	    .scheme = p->scheme,
	    .length = p->length,
	    .alphabet = p->alphabet,
	    .key_version = p->key_version};

	for (size_t i = 0; i < sizeof(info.card_id); i++)
		info.card_id[i] = p->id[i];
	return jz_esign_put_info(&info, &apdu->out) == 0 ? JZ_SW_OK
							 : JZ_SW_UNKNOWN;
}

/* clang-format off */
static const struct jz_instruction TABLE[] = {
	/* CLA   INS                  P1    P2    Nc from, to             states */
	{ 0x80, JZ_INS_SIGN,         0x00, 0x00, 1, JZ_ESIGN_ORDER_MAX,  OPERATING, esign_sign },
	{ 0x00, JZ_INS_GET_DATA,     0x7F, 0x21, 0, 0,                   OPERATING, get_certificate },
	{ 0x00, JZ_INS_GET_DATA,     0xFF, 0x38, 0, 0,                   OPERATING, get_x509 },
	{ 0x00, JZ_INS_GET_DATA,     0xFF, 0x3A, 0, 0,                   0,         get_info },
	{ 0x00, JZ_INS_GENERATE_KEY, 0x81, 0x00, 0, 0,                   0,         esign_read_key },
};
/* clang-format on */

static uint16_t
process(struct jz_applet *self, struct jz_apdu *apdu)
{
	bool ready = esign_state(self) == JZ_PURSE_PERSONALISED;

	return jz_dispatch(TABLE, sizeof(TABLE) / sizeof(TABLE[0]),
	    ready ? OPERATING : 0, self, apdu);
}

/* What waited when the battery was empty has lost its key, and nobody else to
 * erase it. */
static uint16_t
answer_select(struct jz_applet *self, struct jz_apdu *apdu)
{
	struct jz_buffer *out = &apdu->out;
	size_t fci;
	int err;

	if (esign_nvm(self)->pending.open != 0 && !jz_is_alone(self) &&
	    (err = esign_erase(self)) != 0)
		return jz_runtime_status(err);
	fci = jz_tlv_open(out, JZ_TAG_FCI);
	jz_tlv_put(out, JZ_TAG_DF_NAME, self->aid.bytes, self->aid.len);
	jz_tlv_close(out, fci);
	return out->bad ? JZ_SW_UNKNOWN : JZ_SW_OK;
}

static uint16_t
install(struct jz_applet *self, struct jz_span params)
{
	(void)self;
	return params.len == 0 ? JZ_SW_OK : JZ_SW_DATA;
}

/* Layout 1 had neither scheme nor X.509; all before that is where it was. */
static int
upgrade(struct jz_applet *self, uint16_t from, struct jz_span old)
{
	static const uint8_t scheme = JZ_SCHEME_DEFAULT;
	const struct esign_nvm *p = esign_nvm(self);
	const size_t head = offsetof(struct esign_nvm, pin_above);
	const size_t end = offsetof(struct esign_nvm, x509_len);
	int err;

	if (from != LAYOUT_1 || old.len < end)
		return JZ_ERR_CARD_VERSION;
	err = jz_write_nonatomic(
	    self, &p->pin_above, old.data + head, end - head);
	return err != 0 ? err
			: jz_write_nonatomic(self, &p->scheme, &scheme, 1);
}

const struct jz_applet_class jz_esign_class = {
    .abi = JZ_ABI,
    .layout = JZ_ESIGN_LAYOUT,
    .name = "esign",
    .aid = {JZ_AID_ESIGN_BYTES, JZ_AID_ESIGN},
    .nvm_bytes = sizeof(struct esign_nvm),
    .install = install,
    .select = answer_select,
    .process = process,
    .upgrade = upgrade,
    .store_data = esign_store_data,
};
