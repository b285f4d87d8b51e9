/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes after the contact (JPS-9, JPS-11): the card shows the message,
 * asks for key or PIN, and shows the joint password for a while.
 *
 *	MESSAGE --OK--> SHOWN			small amounts
 *	MESSAGE --OK--> PIN --right--> SHOWN	large ones
 *	MESSAGE --OK--> PIN --right--> KEY --OK--> SHOWN
 *
 * From each of them time, Cancel and a new contact lead to the end.
 */
#include "esign.h"
#include "../../apdu/error.h"
#include "../../keys/secret.h"

#include <string.h>

#define PIN_DIGITS_MIN 4
#define PIN_FILL       0xF

enum stage {
	STAGE_MESSAGE,
	STAGE_PIN,
	STAGE_KEY,
	STAGE_SHOWN, /* nothing is stored any more (E2) */
};

int
esign_erase(struct jz_applet *self)
{
	const struct esign_nvm *p = esign_nvm(self);

	return jz_fill(self, &p->pending, 0, sizeof(p->pending));
}

static void
show_text(struct jz_applet *self, unsigned line, enum esign_text text)
{
	(void)jz_show(self, line, esign_text(esign_nvm(self), text));
}

/* E4 */
static void
end(struct jz_applet *self, struct esign_standby *s, enum esign_text why)
{
	int err = esign_nvm(self)->pending.open != 0 ? esign_erase(self) : 0;

	jz_alone_end(self);
	jz_wipe(s, sizeof(*s));
	(void)jz_show_clear(self);
	show_text(self, 0, err == 0 ? why : TEXT_FAILED);
}

/* ---- the message -------------------------------------------------------- */

/* Lines of text: the last one is for the question. */
static unsigned
rows(const struct jz_applet *self)
{
	return jz_panel_lines(self) - 1;
}

static void
draw_message(struct jz_applet *self, struct esign_standby *s)
{
	const struct esign_nvm *p = esign_nvm(self);
	unsigned columns = jz_panel_columns(self);
	struct jz_line line;

	(void)jz_show_clear(self);
	for (unsigned i = 0; i < rows(self); i++)
		if (esign_line(p, columns, s->top + i, &line))
			(void)jz_show(self, i, jz_span(line.bytes, line.len));
	if (s->top + rows(self) >= esign_lines(p, columns))
		s->seen = 1;
	show_text(self, rows(self), s->seen != 0 ? TEXT_QUESTION : TEXT_MORE);
}

static void
scroll(struct jz_applet *self, struct esign_standby *s, bool down)
{
	unsigned total = esign_lines(esign_nvm(self), jz_panel_columns(self));

	if (down && s->top + rows(self) < total)
		s->top++;
	else if (!down && s->top > 0)
		s->top--;
	draw_message(self, s);
}

/* ---- the joint password ------------------------------------------------- */

static int
decipher(struct jz_applet *self, const struct esign_standby *s,
    uint8_t password[static JZ_JOINT_MAX])
{
	const struct esign_pending *w = &esign_nvm(self)->pending;
	const struct jz_engine *e = jz_card_engine(self);
	uint8_t digest[JZ_DIGEST_BYTES];
	struct jz_span order = jz_span(w->order, w->order_len);
	int err = e->crypto->hash(e->state, &order, 1, digest);

	return err != 0 ? err
			: e->crypto->open(e->state, s->key, ESIGN_NONCE,
			      jz_span(digest, sizeof(digest)), w->sealed,
			      sizeof(w->sealed), password);
}

/* What is on the display is nowhere else any more. */
static void
reveal(struct jz_applet *self, struct esign_standby *s)
{
	size_t len = esign_nvm(self)->pending.password_len;
	uint8_t password[JZ_JOINT_MAX];
	int err = decipher(self, s, password);

	if (err == 0)
		err = esign_erase(self);
	if (err != 0 || len > sizeof(password)) {
		end(self, s, TEXT_FAILED);
	} else {
		jz_wipe(s->key, sizeof(s->key));
		s->stage = STAGE_SHOWN;
		(void)jz_show_clear(self);
		show_text(self, 0, TEXT_JOINT);
		(void)jz_show(self, 1, jz_span(password, len));
	}
	jz_wipe(password, sizeof(password));
}

/* ---- the PIN ------------------------------------------------------------ */

static void
draw_pin(struct jz_applet *self, const struct esign_standby *s)
{
	static const char stars[] = "************";

	_Static_assert(sizeof(stars) - 1 == sizeof(s->pin), "a star each");
	show_text(self, 0, TEXT_PIN);
	(void)jz_show(self, 1, jz_span(stars, s->digits));
}

static void
ask_pin(struct jz_applet *self, struct esign_standby *s)
{
	s->stage = STAGE_PIN;
	s->digits = 0;
	(void)jz_show_clear(self);
	draw_pin(self, s);
}

/* "Wrong. Left: 2" in the place of the question. */
static void
ask_again(struct jz_applet *self, struct esign_standby *s, unsigned left)
{
	struct jz_span text = esign_text(esign_nvm(self), TEXT_PIN_AGAIN);
	uint8_t line[JZ_PANEL_LINE_BYTES];
	struct jz_buffer b = jz_buffer(line, sizeof(line));

	jz_wipe(s->pin, sizeof(s->pin));
	ask_pin(self, s);
	jz_put(&b, text.data, text.len);
	if (left >= 10)
		jz_put_u8(&b, (uint8_t)('0' + left / 10));
	jz_put_u8(&b, (uint8_t)('0' + left % 10));
	(void)jz_show(self, rows(self), jz_buffer_span(&b));
}

/* Two digits a byte, F behind an odd number of them. */
static uint16_t
check_pin(struct jz_applet *self, const struct esign_standby *s)
{
	uint8_t bcd[JZ_PIN_BYTES_MAX] = {0}, good = 0;
	size_t n = (s->digits + 1u) / 2;
	uint16_t sw;

	for (size_t i = 0; i < 2 * n; i++)
		bcd[i / 2] = (uint8_t)(bcd[i / 2] << 4 |
		    (i < s->digits ? s->pin[i] : PIN_FILL));
	sw = jz_pin_check(self, &esign_nvm(self)->pin, &good, jz_span(bcd, n));
	jz_wipe(bcd, sizeof(bcd));
	return sw == JZ_SW_OK && good == 0 ? JZ_SW_UNKNOWN : sw;
}

static void
judge_pin(struct jz_applet *self, struct esign_standby *s)
{
	uint16_t sw;

	if (s->digits < PIN_DIGITS_MIN)
		return;
	sw = check_pin(self, s);
	jz_wipe(s->pin, sizeof(s->pin));
	if (sw == JZ_SW_BLOCKED) {
		end(self, s, TEXT_PIN_BLOCKED);
	} else if ((sw & 0xFFF0) == JZ_SW_PIN_TRIES) {
		ask_again(self, s, sw & 0xFu);
	} else if (sw != JZ_SW_OK) {
		end(self, s, TEXT_FAILED);
	} else if (esign_nvm(self)->pending.need == NEED_PIN_AND_KEY) {
		s->stage = STAGE_KEY;
		(void)jz_show_clear(self);
		show_text(self, 0, TEXT_PRESS_OK);
	} else {
		reveal(self, s);
	}
}

static void
pin_key(struct jz_applet *self, struct esign_standby *s, enum jz_key key)
{
	if (key == JZ_KEY_OK) {
		judge_pin(self, s);
		return;
	}
	if (key == JZ_KEY_DOWN && s->digits > 0)
		s->pin[--s->digits] = 0;
	else if (key >= JZ_KEY_0 && key <= JZ_KEY_9 &&
	    s->digits < sizeof(s->pin))
		s->pin[s->digits++] = (uint8_t)(key - JZ_KEY_0);
	draw_pin(self, s);
}

/* ---- events ------------------------------------------------------------- */

static void
message_key(struct jz_applet *self, struct esign_standby *s, enum jz_key key)
{
	if (key == JZ_KEY_UP || key == JZ_KEY_DOWN)
		scroll(self, s, key == JZ_KEY_DOWN);
	/* Nobody agrees to what was not on the display. */
	if (key != JZ_KEY_OK || s->seen == 0)
		return;
	if (esign_nvm(self)->pending.need == NEED_KEY)
		reveal(self, s);
	else
		ask_pin(self, s);
}

static void
on_key(struct jz_applet *self, struct esign_standby *s, enum jz_key key)
{
	if (key == JZ_KEY_CANCEL) {
		end(self, s,
		    s->stage == STAGE_SHOWN ? TEXT_DONE : TEXT_CANCELLED);
		return;
	}
	if (s->stage != STAGE_SHOWN)
		s->since = jz_panel_seconds(self);
	switch ((enum stage)s->stage) {
	case STAGE_MESSAGE:
		message_key(self, s, key);
		break;
	case STAGE_PIN:
		pin_key(self, s, key);
		break;
	case STAGE_KEY:
		if (key == JZ_KEY_OK)
			reveal(self, s);
		break;
	case STAGE_SHOWN:
		if (key == JZ_KEY_OK)
			end(self, s, TEXT_DONE);
		break;
	}
}

static void
on_timer(struct jz_applet *self, struct esign_standby *s)
{
	const struct esign_nvm *p = esign_nvm(self);
	bool shown = s->stage == STAGE_SHOWN;
	uint32_t passed = jz_panel_seconds(self) - s->since;

	if (passed >= (shown ? p->show_s : p->wait_s))
		end(self, s, shown ? TEXT_DONE : TEXT_TIME_OUT);
}

void
esign_go_on(struct jz_applet *self, enum jz_event event, enum jz_key key)
{
	struct esign_standby s;

	if (event == JZ_EVENT_CONTACT) {
		if (esign_nvm(self)->pending.open != 0)
			(void)esign_erase(self);
		return;
	}
	if (jz_standby_read(self, &s, sizeof(s)) != 0)
		return;
	if (event == JZ_EVENT_BEGIN) {
		s.since = jz_panel_seconds(self);
		draw_message(self, &s);
	} else if (event == JZ_EVENT_KEY) {
		on_key(self, &s, key);
	} else {
		on_timer(self, &s);
	}
	/* Not for who has ended. */
	(void)jz_standby_write(self, &s, sizeof(s));
	jz_wipe(&s, sizeof(s));
}
