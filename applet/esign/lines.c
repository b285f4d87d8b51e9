/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines on the display (JPS-9, E3): the card's own labels, and the fields
 * of the message that was signed, as jz_wrap_line() shows strangers' text.
 */
#include "esign.h"
#include "../../apdu/currency.h"

#define AMOUNT_MAX 64 /* name, blank, 20 digits, point, " minor units" */
#define CURRENCIES (sizeof(CURRENCY) / sizeof(CURRENCY[0]))
#define LANGUAGES  2
#define DIGITS_MAX 20 /* of 64 bits */

static const struct jz_currency_row CURRENCY[] = {
#define X(code, name, digits) {code, name, digits},
    JZ_CURRENCY_LIST(X)
#undef X
};

/* By enum esign_text; each fits on JZ_PANEL_COLUMNS_MIN columns. */
static const char *const TEXT[TEXTS][LANGUAGES] = {
    [TEXT_PAY] = {"PAY", "付款"},
    [TEXT_FROM] = {"FROM", "付款账户"},
    [TEXT_TO] = {"TO", "收款方"},
    [TEXT_DETAILS] = {"DETAILS", "说明"},
    [TEXT_MINOR] = {"minor units", "最小单位"},
    [TEXT_MORE] = {"-- key DOWN --", "（按下键续看）"},
    [TEXT_QUESTION] = {"OK or CANCEL?", "确认还是取消？"},
    [TEXT_PIN] = {"PIN, then OK", "输入PIN后确认"},
    [TEXT_PIN_AGAIN] = {"Wrong. Left: ", "PIN错，还剩 "},
    [TEXT_PIN_BLOCKED] = {"PIN blocked", "PIN已锁定"},
    [TEXT_JOINT] = {"Joint password", "联合密码"},
    [TEXT_PRESS_OK] = {"OK to show it", "按确认显示"},
    [TEXT_CANCELLED] = {"Cancelled", "已取消"},
    [TEXT_TIME_OUT] = {"Time is over", "超时，已取消"},
    [TEXT_DONE] = {"Finished", "结束"},
    [TEXT_FAILED] = {"Card failure", "卡故障"},
};

struct jz_span
esign_text(const struct esign_nvm *p, enum esign_text text)
{
	const char *s = TEXT[text][p->language % LANGUAGES];
	size_t len = 0;

	while (s[len] != '\0')
		len++;
	return jz_span(s, len);
}

/* ---- the amount --------------------------------------------------------- */

/* The number with so many digits behind a point. */
static void
put_number(struct jz_buffer *out, uint64_t v, unsigned behind)
{
	char digit[DIGITS_MAX];
	unsigned n = 0;

	do {
		digit[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0 || n <= behind);
	while (n > 0) {
		jz_put_u8(out, (uint8_t)digit[--n]);
		if (n == behind && behind > 0)
			jz_put_u8(out, '.');
	}
}

static void
put_code(struct jz_buffer *out, uint16_t code)
{
	jz_put_u8(out, (uint8_t)('0' + code / 100 % 10));
	jz_put_u8(out, (uint8_t)('0' + code / 10 % 10));
	jz_put_u8(out, (uint8_t)('0' + code % 10));
}

/* A currency that is not in the list has no point that could be wrong. */
static void
put_amount(const struct esign_nvm *p, const struct jz_esign_order *m,
    struct jz_buffer *out)
{
	struct jz_span minor = esign_text(p, TEXT_MINOR);

	for (size_t i = 0; i < CURRENCIES; i++) {
		if (CURRENCY[i].code != m->currency)
			continue;
		jz_put(out, CURRENCY[i].name, 3);
		jz_put_u8(out, ' ');
		put_number(out, m->amount, CURRENCY[i].digits);
		return;
	}
	put_code(out, m->currency);
	jz_put_u8(out, ' ');
	put_number(out, m->amount, 0);
	jz_put_u8(out, ' ');
	jz_put(out, minor.data, minor.len);
}

/* ---- lines -------------------------------------------------------------- */

/* The walk over all lines, to the one that is wanted. */
struct walk {
	unsigned columns, wanted, at;
	struct jz_line *out;
	bool found;
};

static void
walk_text(struct walk *w, struct jz_span text)
{
	struct jz_wrap wrap = jz_wrap(text);

	while (!w->found && jz_wrap_line(&wrap, w->columns, w->out))
		w->found = w->at++ == w->wanted;
}

static void
walk_field(struct walk *w, const struct esign_nvm *p, enum esign_text label,
    struct jz_span value)
{
	if (value.len == 0)
		return;
	walk_text(w, esign_text(p, label));
	walk_text(w, value);
}

static void
walk(struct walk *w, const struct esign_nvm *p)
{
	uint8_t amount[AMOUNT_MAX];
	struct jz_buffer b = jz_buffer(amount, sizeof(amount));
	struct jz_esign_order m;

	if (jz_esign_get_order(
		jz_span(p->pending.order, p->pending.order_len), &m) != 0)
		return;
	put_amount(p, &m, &b);
	walk_field(w, p, TEXT_PAY, jz_buffer_span(&b));
	walk_field(w, p, TEXT_FROM, m.account);
	walk_field(w, p, TEXT_TO, m.to_account);
	walk_text(w, m.to_name);
	walk_field(w, p, TEXT_DETAILS, m.details);
}

bool
esign_line(const struct esign_nvm *p, unsigned columns, unsigned index,
    struct jz_line *out)
{
	struct walk w = {columns, index, 0, out, false};

	walk(&w, p);
	if (!w.found)
		out->len = 0;
	return w.found;
}

unsigned
esign_lines(const struct esign_nvm *p, unsigned columns)
{
	struct jz_line line;
	struct walk w = {columns, UINT32_MAX, 0, &line, false};

	walk(&w, p);
	return w.at;
}
