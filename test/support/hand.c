/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has a virtual card with display and keys in hand.
 */
#include "hand.h"

#include <string.h>

void
hand_press(struct jz_virtual *v, const char *keys)
{
	static const char letters[] = "OCUD";

	jz_virtual_run(v);
	for (; *keys != '\0'; keys++) {
		int key = *keys >= '0' && *keys <= '9'
		    ? JZ_VIRTUAL_KEY_0 + (*keys - '0')
		    : JZ_VIRTUAL_KEY_OK +
			(int)(strchr(letters, *keys) - letters);

		(void)jz_virtual_press(v, (enum jz_virtual_key)key);
		jz_virtual_run(v);
	}
}

bool
hand_sees(const struct jz_virtual *v, struct jz_span text)
{
	for (unsigned i = 0; i < JZ_VIRTUAL_LINES; i++) {
		const char *line = jz_virtual_line(v, i);

		for (; strlen(line) >= text.len; line++)
			if (memcmp(line, text.data, text.len) == 0)
				return true;
	}
	return false;
}
