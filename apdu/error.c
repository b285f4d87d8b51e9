/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and texts of the errors, made from the one list in error.h.
 */
#include "error.h"

#include <stddef.h>

struct row {
	int value;
	const char *name;
	const char *text[2]; /* by enum jz_lang */
};

static const struct row ROWS[] = {{JZ_OK, "OK", {"success", "成功"}},
#define X(name, value, en, zh) {(value), #name, {en, zh}},
    JZ_ERROR_LIST(X)
#undef X
};

static const struct row UNKNOWN = {1, "UNKNOWN", {"unknown error", "未知错误"}};

static const struct row *
find(int error)
{
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		if (ROWS[i].value == error)
			return &ROWS[i];
	}
	return &UNKNOWN;
}

const char *
jz_error_text(int error, enum jz_lang lang)
{
	return find(error)->text[lang == JZ_LANG_ZH];
}

const char *
jz_error_name(int error)
{
	return find(error)->name;
}
