/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What its holder confirms on the card's own display: a card with display and
 * keys, such as a USB key, whose issuer wants it, shows what it is asked for
 * and signs when OK was pressed, no sooner.  A load always (LOD-3); a payment
 * when it would need the PIN and has none, since the key stands for it.
 *
 *	INITIALIZE, AGREE -> 9437, the card shows the amount
 *	    OK                          the same again -> load request, agreement
 *	    Cancel, or nobody, in time  the same again -> 9438, and asks anew
 *	    any other command           nothing was asked
 *
 * What was agreed to holds for one load of this amount and terminal, or for
 * this payment request and no other, and for JZ_CONFIRM_SECONDS by the panel's
 * clock, which a loss of power sets back.
 */
#include "purse.h"
#include "../../apdu/currency.h"
#include "../runtime/alone.h"

#include <string.h>

#define TEXT(s) jz_span(s, sizeof(s) - 1)

/* The amount and the payee are seen on the smallest display, too. */
_Static_assert(JZ_ID_BYTES <= JZ_PANEL_COLUMNS_MIN, "an ID is a line");

static const struct {
	uint16_t code;
	char name[4];
	uint8_t digits;
} CURRENCY[] = {
#define X(code, name, digits) {code, name, digits},
    JZ_CURRENCY_LIST(X)
#undef X
};

/* How the question stands. */
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

/* From a verified certificate; but what a terminal prints as '?' so do we. */
static void
put_id(const uint8_t id[static JZ_ID_BYTES], struct jz_buffer *out)
{
	for (size_t i = 0; i < JZ_ID_BYTES && id[i] != 0; i++)
		jz_put_u8(out, id[i] > ' ' && id[i] < 0x7F ? id[i] : '?');
}

/*
 * Title, amount, payee, "OK?"; a display of two lines leaves out the first and
 * the last for a payment, the last for a load.
 */
static void
show_question(struct jz_applet *self)
{
	const struct purse_nvm *p = purse_nvm(self);
	const struct purse_confirmation *c = &p->online.confirm;
	const unsigned lines = jz_panel_lines(self);
	uint8_t line[JZ_PANEL_COLUMNS_MIN];
	struct jz_buffer b = jz_buffer(line, sizeof(line));
	unsigned at = 0;

	(void)jz_show_clear(self);
	if (c->of == CONFIRM_LOAD)
		(void)jz_show(self, at++, TEXT("圈存 Load"));
	else if (lines > 2)
		(void)jz_show(self, at++, TEXT("付款 Pay"));
	put_money(p, c->amount, &b);
	(void)jz_show(self, at++, jz_buffer_span(&b));
	if (c->of == CONFIRM_PAYMENT) {
		b = jz_buffer(line, sizeof(line));
		put_id(c->payee, &b);
		(void)jz_show(self, at++, jz_buffer_span(&b));
	}
	if (at < lines)
		(void)jz_show(self, lines - 1, TEXT("确认 OK?"));
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
ask(struct jz_applet *self, const struct purse_confirmation *question)
{
	struct purse_confirmation c = *question;
	int err;

	c.since = jz_panel_seconds(self);
	c.state = CONFIRM_ASKED;
	/* Without a display nobody can agree, and nothing is signed. */
	if (jz_alone_begin(self, on_event) != 0)
		return JZ_SW_CONDITIONS;
	err = jz_write(self, &purse_nvm(self)->online.confirm, &c, sizeof(c));
	return err != 0 ? purse_status(err) : JZ_SW_CONFIRM;
}

/* The answer to this question, used up; or it is asked. */
static uint16_t
confirmed(struct jz_applet *self, const struct purse_confirmation *question)
{
	const struct purse_confirmation *c = &purse_nvm(self)->online.confirm;
	bool this_one = c->of == question->of &&
	    c->amount == question->amount &&
	    memcmp(c->what, question->what, sizeof(c->what)) == 0 &&
	    memcmp(c->payee, question->payee, sizeof(c->payee)) == 0;

	if (this_one && c->state == CONFIRM_DECLINED) {
		set(self, CONFIRM_NONE);
		return JZ_SW_DECLINED;
	}
	if (this_one && c->state == CONFIRM_AGREED && !too_late(self)) {
		set(self, CONFIRM_NONE);
		return JZ_SW_OK;
	}
	return ask(self, question);
}

uint16_t
purse_load_confirmed(struct jz_applet *self, uint32_t amount,
    const uint8_t terminal[static JZ_TERMINAL_BYTES])
{
	struct purse_confirmation c = {.amount = amount, .of = CONFIRM_LOAD};

	if ((purse_nvm(self)->confirm & JZ_CONFIRM_LOADS) == 0)
		return JZ_SW_OK;
	memcpy(c.what, terminal, JZ_TERMINAL_BYTES);
	return confirmed(self, &c);
}

bool
purse_confirms_payments(const struct jz_applet *self)
{
	return (purse_nvm(self)->confirm & JZ_CONFIRM_PAYMENTS) != 0 &&
	    jz_panel_lines(self) != 0;
}

/* The digest has amount, payee, its counter and its random number. */
uint16_t
purse_payment_confirmed(
    struct jz_applet *self, const struct jz_message *request)
{
	struct purse_confirmation c = {
	    .amount = (uint32_t)request->payment.amount, .of = CONFIRM_PAYMENT};
	uint8_t digest[JZ_DIGEST_BYTES];
	int err = jz_message_digest(jz_card_engine(self), request, digest);

	if (err != 0)
		return purse_status(err);
	memcpy(c.what, digest, sizeof(c.what));
	memcpy(c.payee, request->payment.payee_id, sizeof(c.payee));
	return confirmed(self, &c);
}
