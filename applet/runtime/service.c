/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the card does for its applets: cryptography, time, randomness.
 */
#include "internal.h"
#include "../../apdu/time.h"

const struct jz_engine *
jz_card_engine(const struct jz_applet *self)
{
	return &self->card->setup.engine;
}

int64_t
jz_card_now(const struct jz_applet *self)
{
	const struct jz_chip *chip = self->card->setup.chip;
	int64_t utc = 0;

	if (chip == NULL || chip->now == NULL)
		return JZ_NO_CLOCK;
	if (chip->now(self->card->setup.chip_state, &utc) != 0 || utc <= 0 ||
	    utc > JZ_TIME_LAST)
		return JZ_CLOCK_FAILED;
	return utc;
}

int
jz_card_random(const struct jz_applet *self, void *out, size_t len)
{
	const struct jz_engine *e = jz_card_engine(self);

	return e->crypto->random(e->state, out, len);
}
