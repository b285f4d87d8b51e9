/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages in JSON.
 */
#include "wire.h"

#include <stdlib.h>

#include "../keys/secret.h"

json_t *
jz_wire_hex(struct jz_span bytes)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(2 * bytes.len + 1);
	json_t *j;

	if (text == NULL)
		return NULL;
	for (size_t k = 0; k < bytes.len; k++) {
		text[2 * k] = digits[bytes.data[k] >> 4];
		text[2 * k + 1] = digits[bytes.data[k] & 0xF];
	}
	j = json_stringn(text, 2 * bytes.len);
	jz_wipe(text, 2 * bytes.len);
	free(text);
	return j;
}

bool
jz_wire_bytes(const json_t *hex, struct jz_buffer *out)
{
	const char *text = json_string_value(hex);
	size_t len = json_string_length(hex);

	if (text == NULL || len % 2 != 0)
		return false;
	for (size_t k = 0; k < len; k += 2) {
		int high = jz_hex_digit(text[k]),
		    low = jz_hex_digit(text[k + 1]);

		if (high < 0 || low < 0)
			return false;
		jz_put_u8(out, (uint8_t)(high << 4 | low));
	}
	return !out->bad;
}

void
jz_wire_wipe(json_t *text)
{
	/* The string is ours; jansson only means that it is not to be longer. */
	union {
		const char *given;
		char *own;
	} u = {json_string_value(text)};

	if (u.given != NULL)
		jz_wipe(u.own, json_string_length(text));
}

json_t *
jz_wire_object(struct jz_span text)
{
	json_t *j;

	if (text.len == 0)
		return NULL;
	j = json_loadb(
	    (const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(j))
		return j;
	json_decref(j);
	return NULL;
}
