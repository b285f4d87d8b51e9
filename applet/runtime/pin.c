/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PIN object: javacard.framework.OwnerPIN, with the one order that survives a
 * power cut: count the try, durably, then compare (Java Card 3.0.5
 * OwnerPINxWithPredecrement asks for the same).
 */
#include "internal.h"
#include "../../keys/secret.h"

#include <string.h>

#define JZ_PIN_LIMIT_MAX 15 /* 63Cx has room for one digit */

int
jz_pin_update(struct jz_applet *self, const struct jz_pin *pin,
    struct jz_span value, uint8_t limit)
{
	struct jz_pin new = {0};
	int e;

	if (value.len == 0 || value.len > JZ_PIN_MAX || limit == 0 ||
	    limit > JZ_PIN_LIMIT_MAX) {
		jz_card_spoil(self->card, JZ_ERR_RANGE);
		return JZ_ERR_RANGE;
	}
	if (!jz_may_read(self, value.data, value.len))
		return jz_refuse_call(self);
	new.limit = limit;
	new.tries = limit;
	new.len = (uint8_t)value.len;
	memcpy(new.value, value.data, value.len);
	e = jz_write(self, pin, &new, sizeof(new));
	jz_wipe(&new, sizeof(new));
	return e;
}

/*
 * Tries of a PIN, durable at once.  The open transaction may have changed the
 * PIN: then there are two, and the one that a rollback would bring back loses
 * a try too, and gets none back.
 */
static int
set_tries(struct jz_applet *self, const struct jz_pin *pin, uint8_t tries,
    uint8_t lost)
{
	struct jz_card *card = self->card;
	uint8_t old;
	int e;

	jz_runtime_open(card);
	if (card->installing == self->index ||
	    !jz_card_changed(card, &pin->tries, &old))
		e = jz_write_piece(self, &pin->tries, &tries, 1);
	else
		e = jz_card_write_both(card, &pin->tries,
		    old < lost ? 0 : (uint8_t)(old - lost), tries);
	jz_runtime_close(card);
	return e;
}

static bool
owns(struct jz_applet *self, const struct jz_pin *pin)
{
	if (jz_owns(self, pin, sizeof(*pin)))
		return true;
	(void)jz_refuse_call(self);
	return false;
}

uint16_t
jz_pin_install(struct jz_applet *self, struct jz_span params)
{
	const struct jz_pin_head *h = self->nvm;
	struct jz_cursor c = jz_cursor(params);
	uint8_t limit = jz_take_u8(&c);
	struct jz_span value = jz_span(c.data, c.len);
	int e;

	if (c.bad || self->nvm_bytes < sizeof(*h))
		return JZ_SW_DATA;
	e = jz_pin_update(self, &h->pin, value, limit);
	return e == JZ_ERR_RANGE ? JZ_SW_DATA : jz_runtime_status(e);
}

uint16_t
jz_pin_check(struct jz_applet *self, const struct jz_pin *pin,
    uint8_t *validated, struct jz_span value)
{
	uint8_t entered[JZ_PIN_MAX] = {0};
	uint8_t tries;
	bool same;
	int e;

	if (!jz_may_write(self, validated, sizeof(*validated)))
		return jz_runtime_status(jz_refuse_call(self));
	*validated = 0;
	if (!owns(self, pin) || !jz_may_read(self, value.data, value.len))
		return jz_runtime_status(jz_refuse_call(self));
	pin = jz_as_seen(self->card, pin);
	tries = pin->tries;
	if (tries == 0)
		return JZ_SW_BLOCKED;
	tries--;
	e = set_tries(self, pin, tries, 1);
	if (e != 0)
		return jz_runtime_status(e);
	if (value.len <= JZ_PIN_MAX && value.len > 0)
		memcpy(entered, jz_as_seen(self->card, value.data), value.len);
	same = jz_equal_secret(entered, pin->value, JZ_PIN_MAX);
	same = same && value.len == pin->len;
	jz_wipe(entered, sizeof(entered));
	if (!same)
		return tries == 0 ? JZ_SW_BLOCKED
				  : (uint16_t)(JZ_SW_PIN_TRIES | tries);
	e = set_tries(self, pin, pin->limit, 0);
	if (e != 0)
		return jz_runtime_status(e);
	*validated = 1;
	return JZ_SW_OK;
}

int
jz_pin_unblock(struct jz_applet *self, const struct jz_pin *pin)
{
	if (!owns(self, pin))
		return JZ_ERR_ARGUMENT;
	pin = jz_as_seen(self->card, pin);
	return set_tries(self, pin, pin->limit, 0);
}
