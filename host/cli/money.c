/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amounts as people write them, and minor units as the program counts them.
 * Currencies and their minor digits after ISO 4217.  No floating point: 0.1
 * has no exact form in it, and money has no other.
 */
#include "cli.h"

#include <inttypes.h>
#include <string.h>

#include "../../apdu/currency.h"

#define DIGITS_MAX 3u /* of any currency in the table */

static const struct jz_currency TABLE[] = {
#define X(code, name, digits) {code, name, digits},
    JZ_CURRENCY_LIST(X)
#undef X
};
#define TABLE_ROWS (sizeof(TABLE) / sizeof(TABLE[0]))

const struct jz_currency *
jz_currency_find(const char *text)
{
	char number[8];

	for (size_t i = 0; i < TABLE_ROWS; i++) {
		snprintf(
		    number, sizeof(number), "%03u", (unsigned)TABLE[i].code);
		if (strcmp(text, TABLE[i].name) == 0 ||
		    strcmp(text, number) == 0)
			return &TABLE[i];
	}
	return NULL;
}

struct jz_currency
jz_currency_of(uint16_t code)
{
	for (size_t i = 0; i < TABLE_ROWS; i++)
		if (TABLE[i].code == code)
			return TABLE[i];
	return (struct jz_currency){code, "", 0};
}

/* Appends one decimal digit; false when the number would not fit. */
static bool
push(uint64_t *v, unsigned digit)
{
	if (*v > (UINT64_MAX - digit) / 10)
		return false;
	*v = *v * 10 + digit;
	return true;
}

int
jz_money_parse(const char *text, uint16_t currency, uint64_t *minor)
{
	unsigned left = jz_currency_of(currency).digits;
	const char *p = text;
	bool point = false;
	uint64_t v = 0;

	*minor = 0;
	if (*p < '0' || *p > '9')
		return JZ_ERR_ARGUMENT;
	for (; *p != '\0'; p++) {
		if (*p == '.' && !point && left > 0 && p[1] != '\0') {
			point = true;
			continue;
		}
		if (*p < '0' || *p > '9' || (point && left == 0))
			return JZ_ERR_ARGUMENT;
		if (!push(&v, (unsigned)(*p - '0')))
			return JZ_ERR_RANGE;
		left -= point ? 1u : 0u;
	}
	for (; left > 0; left--)
		if (!push(&v, 0))
			return JZ_ERR_RANGE;
	*minor = v;
	return 0;
}

const char *
jz_money_text(int64_t minor, uint16_t currency, char out[static JZ_MONEY_TEXT])
{
	unsigned digits = jz_currency_of(currency).digits, i;
	uint64_t v = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor;
	uint64_t unit = 1;

	_Static_assert(DIGITS_MAX < 19, "a unit fits 64 bits");
	for (i = 0; i < digits; i++)
		unit *= 10;
	if (digits == 0)
		snprintf(
		    out, JZ_MONEY_TEXT, "%s%" PRIu64, minor < 0 ? "-" : "", v);
	else
		snprintf(out, JZ_MONEY_TEXT, "%s%" PRIu64 ".%0*" PRIu64,
		    minor < 0 ? "-" : "", v / unit, (int)digits, v % unit);
	return out;
}

const char *
jz_money_name(int64_t minor, uint16_t currency, char out[static JZ_MONEY_TEXT])
{
	struct jz_currency c = jz_currency_of(currency);
	char text[JZ_MONEY_TEXT];

	jz_money_text(minor, currency, text);
	if (currency == 0)
		snprintf(out, JZ_MONEY_TEXT, "%s", text);
	else if (c.name[0] == '\0')
		snprintf(
		    out, JZ_MONEY_TEXT, "%.30s %03u", text, (unsigned)c.code);
	else
		snprintf(out, JZ_MONEY_TEXT, "%.30s %s", text, c.name);
	return out;
}

int
jz_cli_amount(
    struct jz_cli *c, const char *text, uint16_t currency, uint64_t *minor)
{
	struct jz_currency cur = jz_currency_of(currency);
	int err = jz_money_parse(text, currency, minor);

	if (err == 0 && *minor > INT64_MAX)
		err = JZ_ERR_RANGE;
	if (err != 0)
		return jz_cli_fail(c, err,
		    jz_tr(c,
			"\"%s\" is no amount: digits, with up to %u after a "
			"point (%s)",
			"“%s”不是金额：请用数字，小数点后最多 %u 位（%s）"),
		    text, cur.digits, cur.name);
	return 0;
}
