/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates and times: JR/T 0025 (BCD), TR-03110 part 3 D.2.1.3 (six digits).
 * Calendar: proleptic Gregorian, UTC, no leap seconds.
 */
#include "time.h"

#include <stdbool.h>
#include <string.h>

#include "error.h"

#define DAY_SECONDS 86400

/* Days from 0000-03-01 to 1970-01-01. */
#define EPOCH_DAYS 719468
/* Days in 400, 100, 4 and 1 years counted from a March. */
#define DAYS_400 146097
#define DAYS_100 36524
#define DAYS_4	 1461
#define DAYS_1	 365

struct civil {
	unsigned year, month, day, hour, minute, second;
};

static bool
leap(unsigned y)
{
	return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

static unsigned
month_days(unsigned year, unsigned month)
{
	static const uint8_t DAYS[12] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return DAYS[month - 1] + (month == 2 && leap(year) ? 1u : 0u);
}

static bool
civil_valid(const struct civil *c)
{
	return c->year >= 1970 && c->year <= 9999 && c->month >= 1 &&
	    c->month <= 12 && c->day >= 1 &&
	    c->day <= month_days(c->year, c->month) && c->hour < 24 &&
	    c->minute < 60 && c->second < 60;
}

/* Years are counted from March, so that the leap day is a year's last. */
static int64_t
civil_to_utc(const struct civil *c)
{
	unsigned year = c->month > 2 ? c->year : c->year - 1;
	unsigned month = c->month > 2 ? c->month - 3 : c->month + 9;
	int64_t days = (int64_t)year * 365 + year / 4 - year / 100 +
	    year / 400 + (153 * month + 2) / 5 + c->day - 1 - EPOCH_DAYS;

	return days * DAY_SECONDS + c->hour * 3600 + c->minute * 60 + c->second;
}

/* utc is from 0 to JZ_TIME_LAST. */
static void
utc_to_civil(int64_t utc, struct civil *c)
{
	unsigned second = (unsigned)(utc % DAY_SECONDS);
	unsigned days = (unsigned)(utc / DAY_SECONDS) + EPOCH_DAYS;
	unsigned era = days / DAYS_400;
	unsigned in_era = days % DAYS_400;
	unsigned year = (in_era - in_era / (DAYS_4 - 1) + in_era / DAYS_100 -
			    in_era / (DAYS_400 - 1)) /
	    DAYS_1;
	unsigned in_year = in_era - (DAYS_1 * year + year / 4 - year / 100);
	unsigned month = (5 * in_year + 2) / 153;

	c->day = in_year - (153 * month + 2) / 5 + 1;
	c->month = month < 10 ? month + 3 : month - 9;
	c->year = era * 400 + year + (c->month <= 2 ? 1 : 0);
	c->hour = second / 3600;
	c->minute = second / 60 % 60;
	c->second = second % 60;
}

static uint8_t
to_bcd(unsigned v)
{
	return (uint8_t)(v / 10 % 10 << 4 | v % 10);
}

/* 100, which no field of a date allows, when it is not two digits. */
static unsigned
from_bcd(uint8_t b)
{
	unsigned tens = b >> 4, ones = b & 0x0F;

	return tens > 9 || ones > 9 ? 100 : tens * 10 + ones;
}

void
jz_time_to_bcd(int64_t utc, uint8_t out[static JZ_TIME_BYTES])
{
	struct civil c;

	memset(out, 0, JZ_TIME_BYTES);
	if (utc <= 0 || utc > JZ_TIME_LAST)
		return;
	utc_to_civil(utc, &c);
	out[0] = to_bcd(c.year / 100);
	out[1] = to_bcd(c.year);
	out[2] = to_bcd(c.month);
	out[3] = to_bcd(c.day);
	out[4] = to_bcd(c.hour);
	out[5] = to_bcd(c.minute);
	out[6] = to_bcd(c.second);
}

/*
 * The first second of 1970 is refused: its number, 0, says "not known", and
 * that is written in another way.
 */
int
jz_time_from_bcd(const uint8_t in[static JZ_TIME_BYTES], int64_t *utc)
{
	static const uint8_t UNKNOWN[JZ_TIME_BYTES] = {0};
	struct civil c = {from_bcd(in[0]) * 100, from_bcd(in[2]),
	    from_bcd(in[3]), from_bcd(in[4]), from_bcd(in[5]), from_bcd(in[6])};
	unsigned low = from_bcd(in[1]);

	*utc = 0;
	if (memcmp(in, UNKNOWN, JZ_TIME_BYTES) == 0)
		return 0;
	c.year += low;
	if (low > 99 || !civil_valid(&c))
		return JZ_ERR_MESSAGE;
	*utc = civil_to_utc(&c);
	return *utc == 0 ? JZ_ERR_MESSAGE : 0;
}

int
jz_date_from_digits(const uint8_t in[static 6], int64_t *utc)
{
	struct civil c = {0};

	*utc = 0;
	for (size_t i = 0; i < 6; i++) {
		if (in[i] > 9)
			return JZ_ERR_MESSAGE;
	}
	c.year = 2000u + in[0] * 10u + in[1];
	c.month = in[2] * 10u + in[3];
	c.day = in[4] * 10u + in[5];
	if (!civil_valid(&c))
		return JZ_ERR_MESSAGE;
	*utc = civil_to_utc(&c);
	return 0;
}

static void
put_two(uint8_t *out, unsigned v, unsigned zero)
{
	out[0] = (uint8_t)(zero + v / 10 % 10);
	out[1] = (uint8_t)(zero + v % 10);
}

int
jz_date_to_digits(int64_t utc, uint8_t out[static 6])
{
	struct civil c = {0};

	memset(out, 0, 6);
	if (utc < 0 || utc > JZ_TIME_LAST)
		return JZ_ERR_MESSAGE;
	utc_to_civil(utc, &c);
	if (c.year < 2000 || c.year > 2099)
		return JZ_ERR_MESSAGE;
	put_two(out, c.year, 0);
	put_two(out + 2, c.month, 0);
	put_two(out + 4, c.day, 0);
	return 0;
}

void
jz_time_to_text(int64_t utc, char out[static 21])
{
	static const uint8_t FORM[21] = "0000-00-00T00:00:00Z";
	struct civil c;
	uint8_t text[21];

	memcpy(out, "-", 2);
	if (utc <= 0 || utc > JZ_TIME_LAST)
		return;
	utc_to_civil(utc, &c);
	memcpy(text, FORM, sizeof(text));
	put_two(text, c.year / 100, '0');
	put_two(text + 2, c.year, '0');
	put_two(text + 5, c.month, '0');
	put_two(text + 8, c.day, '0');
	put_two(text + 11, c.hour, '0');
	put_two(text + 14, c.minute, '0');
	put_two(text + 17, c.second, '0');
	memcpy(out, text, sizeof(text));
}
