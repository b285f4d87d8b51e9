/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random bytes for applets.
 */
#include "internal.h"

int
jz_card_random(const struct jz_applet *self, void *out, size_t len)
{
	const struct jz_engine *e = jz_card_engine(self);

	if (!jz_may_write(self, out, len))
		return JZ_ERR_ARGUMENT;
	return e->crypto->random(e->state, out, len);
}
