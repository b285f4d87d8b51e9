/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A load that its holder confirms on the card's own display (LOD-3): a card
 * with display and keys, such as a USB key, whose issuer wants it, shows the
 * amount after INITIALIZE FOR LOAD and signs when OK was pressed, no sooner.
 *
 *	INITIALIZE -> 9437, the card shows the amount
 *	    OK                          INITIALIZE again -> the request
 *	    Cancel, or nobody, in time  INITIALIZE again -> 9438, and asks anew
 *	    any other command           nothing was asked
 *
 * What was agreed to holds for one request of this amount and terminal, and for
 * JZ_CONFIRM_SECONDS by the panel's clock, which a loss of power sets back.
 */
#include "purse.h"
#include "../../apdu/currency.h"
#include "../runtime/alone.h"

#include <string.h>

#define TEXT(s) jz_span(s, sizeof(s) - 1)

static const struct {
	uint16_t code;
	char name[4];
	uint8_t digits;
} CURRENCY[] = {
#define X(code, name, digits) {code, name, digits},
    JZ_CURRENCY_LIST(X)
#undef X
};

/* What INITIALIZE FOR LOAD asked for, before it is answered. */
static void
set(struct jz_applet *self, enum purse_confirm state)
{
	const struct purse_confirmation *c = &purse_nvm(self)->online.confirm;

	jz_begin(self);
	jz_write_u8(self, &c->state, (uint8_t)state);
	jz_write_u32(self, &c->since, jz_panel_seconds(self));
	(void)jz_commit(self);
}

/* 25.00 CNY */
static void
put_money(const struct purse_nvm *p, uint32_t amount, struct jz_buffer *out)
{
	uint8_t digit[10];
	unsigned n = 0, point = 0;
	const char *name = "";

	for (size_t i = 0; i < sizeof(CURRENCY) / sizeof(CURRENCY[0]); i++) {
		if (CURRENCY[i].code != p->currency)
			continue;
		point = CURRENCY[i].digits;
		name = CURRENCY[i].name;
	}
	for (; n < sizeof(digit) && (amount > 0 || n <= point); n++) {
		digit[n] = (uint8_t)('0' + amount % 10);
		amount /= 10;
	}
	while (n-- > 0) {
		jz_put_u8(out, digit[n]);
		if (n == point && point > 0)
			jz_put_u8(out, '.');
	}
	jz_put_u8(out, ' ');
	jz_put(out, name, name[0] != 0 ? 3 : 0);
}

static void
show_question(struct jz_applet *self)
{
	const struct purse_nvm *p = purse_nvm(self);
	uint8_t line[JZ_PANEL_COLUMNS_MIN];
	struct jz_buffer b = jz_buffer(line, sizeof(line));

	put_money(p, p->online.confirm.amount, &b);
	(void)jz_show_clear(self);
	(void)jz_show(self, 0, TEXT("圈存 Load"));
	(void)jz_show(self, 1, jz_buffer_span(&b));
	if (jz_panel_lines(self) > 2)
		(void)jz_show(self, jz_panel_lines(self) - 1, TEXT("确认 OK?"));
}

static void
end(struct jz_applet *self, enum purse_confirm state)
{
	set(self, state);
	jz_alone_end(self);
	(void)jz_show_clear(self);
	(void)jz_show(self, 0,
	    state == CONFIRM_AGREED ? TEXT("已确认 OK")
				    : TEXT("未确认 Not OK"));
	/* Who does not look hears it (LOD-10). */
	(void)jz_sound(self);
}

static bool
too_late(const struct jz_applet *self)
{
	return jz_panel_seconds(self) - purse_nvm(self)->online.confirm.since >
	    JZ_CONFIRM_SECONDS;
}

static void
on_event(struct jz_applet *self, enum jz_event event, enum jz_key key)
{
	if (event == JZ_EVENT_BEGIN)
		show_question(self);
	else if (event == JZ_EVENT_CONTACT)
		set(self, CONFIRM_NONE);
	else if (event == JZ_EVENT_KEY && key == JZ_KEY_OK)
		end(self, CONFIRM_AGREED);
	else if (key == JZ_KEY_CANCEL || too_late(self))
		end(self, CONFIRM_DECLINED);
}

static uint16_t
ask(struct jz_applet *self, uint32_t amount,
    const uint8_t terminal[static JZ_TERMINAL_BYTES])
{
	const struct purse_confirmation *slot =
	    &purse_nvm(self)->online.confirm;
	struct purse_confirmation c = {0};
	int err;

	c.amount = amount;
	c.since = jz_panel_seconds(self);
	c.state = CONFIRM_ASKED;
	memcpy(c.terminal, terminal, sizeof(c.terminal));
	/* Without a display nobody can agree, and nothing is signed. */
	if (jz_alone_begin(self, on_event) != 0)
		return JZ_SW_CONDITIONS;
	if ((err = jz_write(self, slot, &c, sizeof(c))) != 0)
		return purse_status(err);
	return JZ_SW_CONFIRM;
}

uint16_t
purse_confirmed(struct jz_applet *self, uint32_t amount,
    const uint8_t terminal[static JZ_TERMINAL_BYTES])
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct purse_confirmation *c = &p->online.confirm;
	bool this_one = c->amount == amount &&
	    memcmp(c->terminal, terminal, sizeof(c->terminal)) == 0;

	if (p->confirm_loads == 0)
		return JZ_SW_OK;
	if (this_one && c->state == CONFIRM_DECLINED) {
		set(self, CONFIRM_NONE);
		return JZ_SW_DECLINED;
	}
	if (this_one && c->state == CONFIRM_AGREED && !too_late(self)) {
		set(self, CONFIRM_NONE);
		return JZ_SW_OK;
	}
	return ask(self, amount, terminal);
}
