/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A load up to its permission.
 */
#include "loading.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

int
loading_setup(void **state)
{
	struct loading *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	rig_new(&f->rig);
	f->bank = &f->rig.bank;
	f->profile = profile_of(LOADING_ID);
	f->card = rig_purse_new(&f->rig, &f->profile);
	f->port = &f->card->port;
	f->purse = rig_purse(f->card);
	*state = f;
	return 0;
}

int
loading_teardown(void **state)
{
	struct loading *f = *state;

	rig_card_free(&f->card);
	rig_free(&f->rig);
	free(f);
	return 0;
}

/* CREDIT FOR LOAD's data from f->permission, signed by the host. */
void
loading_permit(struct loading *f)
{
	f->data = bank_sign(f->bank, &f->permission);
	f->data = bank_credit_data(f->permission.payment.time, &f->data);
}

void
loading_initialize(struct loading *f, uint32_t amount)
{
	struct blob data = load_of(amount);

	assert_int_equal(port_verify(f->port, LOADING_PIN), JZ_SW_OK);
	rig_accepts(f->card, AT_INITIALIZE, blob_span(&data), &f->initialized);
	f->request = bank_read_load_request(
	    f->bank, f->port, &f->initialized, f->digest);
	f->permission = bank_permission(f->bank, &f->request, f->digest);
	loading_permit(f);
}

void
loading_refuses(struct loading *f, uint16_t sw)
{
	rig_refuses(f->card, AT_CREDIT_LOAD, blob_span(&f->data), sw);
}

/* The genuine permission still credits, once. */
void
loading_still_credits(struct loading *f)
{
	uint64_t before = f->purse->balance;

	f->permission = bank_permission(f->bank, &f->request, f->digest);
	loading_permit(f);
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&f->data), NULL);
	assert_int_equal(f->purse->balance, before + f->request.payment.amount);
}
