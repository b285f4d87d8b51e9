/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads that are enciphered between card and issuer (LOD-8), for a card whose
 * certificate says so: request and report are signed, then sealed; a permission
 * is opened, then verified; and one in clear is none.
 *
 * The keys are made with the request and stay until the next load, so that a
 * lost request or report is given again as the same bytes.
 */
#include "purse.h"
#include "../../apdu/time.h"
#include "../../keys/secret.h"

#include <string.h>

bool
purse_seals_loads(const struct purse_nvm *p)
{
	return (p->flags & JZ_FLAG_SEALED_LOADS) != 0;
}

int
purse_load_keys(struct jz_applet *self)
{
	const struct purse_online *o = &purse_nvm(self)->online;
	const struct jz_engine *e = jz_card_engine(self);
	struct jz_key_pair once;
	struct jz_online_keys keys;
	int err;

	if (!purse_seals_loads(purse_nvm(self)))
		return 0;
	err = e->crypto->generate(e->state, &once);
	if (err == 0)
		err = jz_online_keys(e, once.private_key, o->issuer_key,
		    once.public_key, o->issuer_key, &keys);
	if (err == 0)
		jz_write(self, o->load_point, once.public_key, JZ_POINT_BYTES);
	if (err == 0)
		err = jz_write(self, &o->load_keys, &keys, sizeof(keys));
	jz_wipe(&once, sizeof(once));
	jz_wipe(&keys, sizeof(keys));
	return err;
}

uint16_t
purse_put_online(
    struct jz_applet *self, const struct jz_message *m, struct jz_buffer *out)
{
	const struct purse_nvm *p = purse_nvm(self);

	return purse_status(purse_seals_loads(p)
		? jz_online_seal(jz_card_engine(self), m,
		      p->online.load_keys.to_host, p->online.load_point, out)
		: jz_message_encode(m, JZ_SIGNED, out));
}

/* Whoever has no key for it learns whether a load is open, and no more. */
static uint16_t
open_permission(const struct jz_applet *self, struct jz_span in,
    uint8_t plain[static JZ_MESSAGE_MAX], struct jz_message *m)
{
	const struct purse_nvm *p = purse_nvm(self);
	struct jz_message sealed;

	if (jz_message_decode(in, JZ_KIND_ONLINE_SEALED, &sealed) != 0 ||
	    sealed.payer_key[0] != 0)
		return JZ_SW_DATA;
	if (jz_online_open(jz_card_engine(self), &sealed,
		JZ_KIND_LOAD_PERMISSION, p->online.load_keys.to_card, plain,
		m) == 0)
		return JZ_SW_OK;
	return p->load.open == LOAD_OPEN ? JZ_SW_DECRYPT : JZ_SW_CONDITIONS;
}

/* Date and time of JR/T 0025 are the permission's; in front of one that the
 * terminal cannot read they are not known. */
uint16_t
purse_take_online(const struct jz_applet *self, struct jz_span data,
    uint8_t plain[static JZ_MESSAGE_MAX], struct jz_message *m)
{
	struct jz_cursor c = jz_cursor(data);
	struct jz_span host_time = jz_take(&c, JZ_TIME_BYTES);
	const struct jz_span in = jz_span(c.data, c.len);
	uint8_t bcd[JZ_TIME_BYTES] = {0};
	uint16_t sw;

	if (purse_seals_loads(purse_nvm(self))) {
		sw = open_permission(self, in, plain, m);
		if (sw != JZ_SW_OK)
			return sw;
	} else {
		if (jz_message_decode(in, JZ_KIND_LOAD_PERMISSION, m) != 0)
			return JZ_SW_DATA;
		jz_time_to_bcd(m->payment.time, bcd);
	}
	return memcmp(host_time.data, bcd, sizeof(bcd)) != 0 ? JZ_SW_MISMATCH
							     : JZ_SW_OK;
}
