/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Personalisation, object by object.
 */
#include "desk.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void
desk_open(struct desk *d, struct rig_card *c)
{
	d->card = c;
	d->block = 0;
	assert_int_equal(bank_begin(d->bank, &c->port, &d->g), JZ_SW_OK);
}

void
desk_generate(struct desk *d, uint8_t point[static JZ_POINT_BYTES])
{
	assert_int_equal(bank_generate(&d->g, d->block, point), JZ_SW_OK);
	d->block++;
}

void
desk_stores(struct desk *d, const struct blob *object, bool last)
{
	uint16_t sw = bank_store(&d->g, d->block, object, last);

	if (sw != JZ_SW_OK)
		fail_msg("block %u: %04X", d->block, sw);
	d->block++;
}

void
desk_store(struct desk *d, enum object from, enum object to)
{
	for (enum object o = from; o <= to; o++)
		desk_stores(d, &d->object[o], false);
}

void
desk_refuses(
    struct desk *d, const struct blob *object, bool last, uint16_t expected)
{
	uint8_t before[32], after[32];
	uint16_t sw;

	rig_hash(d->card, before);
	sw = bank_store(&d->g, d->block, object, last);
	if (sw != expected)
		fail_msg("block %u: %04X, not %04X", d->block, sw, expected);
	rig_hash(d->card, after);
	assert_memory_equal(before, after, sizeof(before));
}

int
desk_setup(void **state)
{
	struct desk *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	rig_new(&d->rig);
	d->bank = &d->rig.bank;
	d->profile = profile_of(DESK_CARD_ID);
	d->own_card = rig_empty_purse_new(&d->rig, true);
	desk_open(d, d->own_card);
	desk_generate(d, d->point);
	d->own = bank_card_fields(d->bank, &d->profile, d->point);
	d->object[ROOT] = d->bank->root_certificate;
	d->object[CA] = d->bank->ca_certificate;
	d->object[HOST] = d->bank->host_certificate;
	d->object[OWN] = bank_certify(d->bank, &d->own, &d->bank->ca);
	d->object[PARAMETERS] = bank_parameters(&d->profile);
	*state = d;
	return 0;
}

int
desk_teardown(void **state)
{
	struct desk *d = *state;

	rig_card_free(&d->own_card);
	rig_free(&d->rig);
	free(d);
	return 0;
}
