/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A counter that only who knows the PIN can advance.
 */
#include <jiaozi/applet/runtime/applet.h>

struct counter {
	struct jz_pin_head head;
	uint32_t value;
};

static uint16_t
process(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct counter *c = self->nvm;
	uint8_t *ok = self->cod; /* the PIN was verified */
	uint32_t header = jz_apdu_header(apdu);

	if (header == 0x00200000) /* VERIFY */
		return jz_pin_check(self, &c->head.pin, ok, apdu->command.data);
	if (header == 0x80100000 && *ok == 0)
		return JZ_SW_SECURITY;
	if (header == 0x80100000) /* INCREMENT */
		return jz_runtime_status(
		    jz_write_u32(self, &c->value, c->value + 1));
	if (header != 0x80120000) /* READ */
		return JZ_SW_INS;
	jz_put_u32(&apdu->out, c->value);
	return JZ_SW_OK;
}

JZ_APPLET(struct counter, 1, .name = "counter", .aid = {6, "\360COUNT"},
    .cod_bytes = 1, .install = jz_pin_install, .process = process);
