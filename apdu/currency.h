/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Currencies that terminals and cards show by name and with their minor
 * digits: ISO 4217:2015.  One list, so that both show the same amount.
 */
#ifndef JZ_APDU_CURRENCY_H
#define JZ_APDU_CURRENCY_H

#include <stdint.h>

struct jz_currency_row {
	uint16_t code; /* numeric */
	char name[4];
	uint8_t digits; /* behind the point */
};

/* code, name, digits */
#define JZ_CURRENCY_LIST(X)                                                    \
	X(156, "CNY", 2)                                                       \
	X(840, "USD", 2)                                                       \
	X(978, "EUR", 2)                                                       \
	X(344, "HKD", 2)                                                       \
	X(826, "GBP", 2)                                                       \
	X(392, "JPY", 0)                                                       \
	X(410, "KRW", 0)                                                       \
	X(414, "KWD", 3)

#endif
