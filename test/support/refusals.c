/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of the tables of refusals.
 */
#include "refusals.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PIN "123456"

static int
set_up(void **state, enum jz_profile profile)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct profile a = profile_of(REFUSAL_PAYEE),
		       b = profile_of(REFUSAL_PAYER);

	assert_non_null(f);
	a.profile = b.profile = profile;
	rig_new(&f->rig);
	f->bank = &f->rig.bank;
	f->payee = rig_purse_new(&f->rig, &a);
	f->payer = rig_purse_new(&f->rig, &b);
	assert_int_equal(
	    bank_load(f->bank, &f->payer->port, PIN, REFUSAL_FUNDS), JZ_SW_OK);
	f->pay = payment_of(
	    &f->payee->port, &f->payer->port, REFUSAL_AMOUNT, RIG_NOW);
	f->pay.encrypted = profile == JZ_PROFILE_ENCRYPTED;
	*state = f;
	return 0;
}

int
refusal_setup(void **state)
{
	return set_up(state, JZ_PROFILE_CLEAR);
}

int
refusal_setup_encrypted(void **state)
{
	return set_up(state, JZ_PROFILE_ENCRYPTED);
}

int
refusal_teardown(void **state)
{
	struct fixture *f = *state;

	rig_snapshot_free(&f->payee_was);
	rig_snapshot_free(&f->payer_was);
	rig_card_free(&f->payee);
	rig_card_free(&f->payer);
	rig_free(&f->rig);
	free(f);
	return 0;
}

/* The payment up to here, and the cards as they are then. */
void
refusal_begin(struct fixture *f, int done)
{
	if (done >= 0)
		assert_int_equal(
		    payment_run(&f->pay, (enum step)done), JZ_SW_OK);
	f->payee_was = rig_save(f->payee);
	f->payer_was = rig_save(f->payer);
}

void
refusal_rewind(struct fixture *f)
{
	rig_restore(f->payee, f->payee_was);
	rig_restore(f->payer, f->payer_was);
	forger_new(&f->forger, f->bank, REFUSAL_FORGER);
}

/* The genuine payment goes on. */
void
refusal_goes_on(struct fixture *f)
{
	struct payment pay = f->pay;

	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
}

/* The row's name stands before what went wrong. */
static void
check_row(struct rig_card *card, enum step step, const struct blob *data,
    const struct row *row)
{
	struct answer a;
	uint8_t before[32], after[32];

	rig_hash(card, before);
	port_send(&card->port, payment_header(step), blob_span(data), &a);
	rig_hash(card, after);
	if (a.sw != row->sw || a.len != 0)
		fail_msg("%s: %04X, not %04X", row->what, a.sw, row->sw);
	if (memcmp(before, after, sizeof(before)) != 0)
		fail_msg("%s: something changed", row->what);
}

void
refusal_check(struct fixture *f, struct rig_card *card, enum step step,
    const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct blob data;

		refusal_rewind(f);
		blob_set(&data, payment_data(&f->pay, step));
		rows[i].prepare(f, &data);
		check_row(card, step, &data, &rows[i]);
	}
}

/* ---- what makes several messages bad ------------------------------------ */

void
surplus(struct fixture *f, struct blob *data)
{
	(void)f;
	data->data[data->len++] = 0;
}

void
fill_pending(struct rig_card *c, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct purse_pending p = {0};

		p.used = 1;
		p.payment.peer_id[0] = (uint8_t)i;
		p.payment.amount = 1;
		rig_poke(c, &rig_purse(c)->pending[i], &p, sizeof(p));
	}
}

void
cut_short(struct fixture *f, struct blob *data)
{
	(void)f;
	data->len--;
}

/* The envelope of the right payment around anything. */
static void
envelope(struct fixture *f, struct blob *data, const uint8_t *payer_key)
{
	static const uint8_t anything[100];
	struct jz_message m;

	memset(&m, 0, sizeof(m));
	m.kind = JZ_KIND_SEALED;
	payment_digest(&f->pay, m.payment.request_digest);
	if (payer_key != NULL)
		memcpy(m.payer_key, payer_key, JZ_POINT_BYTES);
	m.sealed = jz_span(anything, sizeof(anything));
	*data = bank_encode(&m);
}

void
other_digest_outside(struct fixture *f, struct blob *data)
{
	(void)f;
	data->data[7] ^= 1;
}

void
with_payer_key(struct fixture *f, struct blob *data)
{
	envelope(f, data, f->forger.ephemeral.public_key);
}

void
without_payer_key(struct fixture *f, struct blob *data)
{
	envelope(f, data, NULL);
}
