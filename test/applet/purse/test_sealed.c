/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enciphered loads, the card's side: request and report are signed and then
 * sealed to the issuer, a permission is opened and then verified, and in clear
 * none is given or taken.
 *
 * proves: LOD-8
 */
#include "../../support/loading.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../apdu/error.h"
#include "../../../keys/online.h"

#define PIN	LOADING_PIN
#define AMOUNT	LOADING_AMOUNT
#define FIELDS	12u /* before the template */
#define NOTHING jz_span(NULL, 0)

struct sealed {
	struct rig rig;
	struct bank *bank;
	struct profile profile;
	struct jz_key_pair load_key;
	struct rig_card *card;
	const struct port *port;
	const struct purse_nvm *purse;
	/* a load */
	struct answer initialized;
	struct jz_online_keys keys;
	uint8_t plain[JZ_MESSAGE_MAX];
	struct jz_message request, permission;
	struct blob data;
};

static int
setup(void **state)
{
	struct sealed *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	rig_new(&f->rig);
	f->bank = &f->rig.bank;
	assert_int_equal(
	    f->rig.engine.crypto->generate(f->rig.engine.state, &f->load_key),
	    0);
	f->profile = profile_of(LOADING_ID);
	f->profile.flags = JZ_FLAG_SEALED_LOADS;
	f->profile.load_key = f->load_key.public_key;
	f->card = rig_purse_new(&f->rig, &f->profile);
	f->port = &f->card->port;
	f->purse = rig_purse(f->card);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct sealed *f = *state;

	rig_card_free(&f->card);
	rig_free(&f->rig);
	free(f);
	return 0;
}

/* As the issuer: the envelope, its keys, and what is in it. */
static struct jz_message
open_sealed(struct sealed *f, struct jz_span in, enum jz_kind kind)
{
	struct jz_message envelope, m;

	assert_int_equal(
	    jz_message_decode(in, JZ_KIND_ONLINE_SEALED, &envelope), 0);
	assert_memory_equal(envelope.card_id, LOADING_ID, JZ_ID_BYTES);
	assert_int_equal(jz_online_keys(&f->rig.engine, f->load_key.private_key,
			     envelope.payer_key, envelope.payer_key,
			     f->load_key.public_key, &f->keys),
	    0);
	assert_int_equal(jz_online_open(&f->rig.engine, &envelope, kind,
			     f->keys.to_host, f->plain, &m),
	    0);
	assert_int_equal(
	    jz_message_verify(&f->rig.engine, &m, f->purse->key.public_key), 0);
	return m;
}

static void
seal_permission(struct sealed *f, const uint8_t *key, const uint8_t *point)
{
	struct jz_buffer b = jz_buffer(f->data.data, sizeof(f->data.data));
	static const uint8_t unknown[7];

	jz_put(&b, unknown, sizeof(unknown));
	assert_int_equal(
	    jz_online_seal(&f->rig.engine, &f->permission, key, point, &b), 0);
	f->data.len = b.len;
}

static void
initialize(struct sealed *f)
{
	struct blob data = load_of(AMOUNT);
	uint8_t digest[JZ_DIGEST_BYTES];

	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	rig_accepts(f->card, AT_INITIALIZE, blob_span(&data), &f->initialized);
	f->request = open_sealed(f,
	    jz_span(f->initialized.data + FIELDS, f->initialized.len - FIELDS),
	    JZ_KIND_LOAD_REQUEST);
	assert_int_equal(
	    jz_message_digest(&f->rig.engine, &f->request, digest), 0);
	f->permission = bank_permission(f->bank, &f->request, digest);
	assert_int_equal(
	    jz_message_sign(&f->rig.engine, &f->permission, &f->bank->host), 0);
	seal_permission(f, f->keys.to_card, NULL);
}

static void
refuses(struct sealed *f, uint16_t sw)
{
	rig_refuses(f->card, AT_CREDIT_LOAD, blob_span(&f->data), sw);
}

static void
test_an_enciphered_load(void **state)
{
	struct sealed *f = *state;
	struct answer first, again;
	struct jz_message report;

	initialize(f);
	assert_int_equal(f->request.payment.amount, AMOUNT);
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&f->data), &first);
	report = open_sealed(f, answer_span(&first), JZ_KIND_LOAD_REPORT);
	assert_int_equal(report.payment.amount, AMOUNT);
	assert_int_equal(port_balance(f->port), AMOUNT);
	/* Its answer was lost: the same bytes, and no money. */
	rig_restart(f->card);
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&f->data), &again);
	assert_int_equal(again.len, first.len);
	assert_memory_equal(again.data, first.data, first.len);
	assert_int_equal(port_balance(f->port), AMOUNT);
}

/* Nothing of what is signed stands in the answer. */
static void
test_nothing_is_in_clear(void **state)
{
	struct sealed *f = *state;
	const struct answer *a = &f->initialized;

	initialize(f);
	for (size_t i = FIELDS; i + f->purse->account_len <= a->len; i++) {
		assert_memory_not_equal(
		    a->data + i, f->purse->account, f->purse->account_len);
		if (i + JZ_NONCE_BYTES <= a->len)
			assert_memory_not_equal(
			    a->data + i, f->request.nonce, JZ_NONCE_BYTES);
	}
}

static void
test_the_request_is_given_again(void **state)
{
	struct sealed *f = *state;
	struct answer before;

	initialize(f);
	before = f->initialized;
	rig_restart(f->card);
	initialize(f);
	assert_int_equal(f->initialized.len, before.len);
	assert_memory_equal(f->initialized.data, before.data, before.len);
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&f->data), NULL);
}

/* Another load, other keys. */
static void
test_each_load_has_its_keys(void **state)
{
	struct sealed *f = *state;
	struct blob old;
	uint8_t point[JZ_POINT_BYTES];

	initialize(f);
	memcpy(point, f->purse->online.load_point, sizeof(point));
	old = f->data;
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&f->data), NULL);
	initialize(f);
	assert_memory_not_equal(
	    point, f->purse->online.load_point, sizeof(point));
	rig_refuses(f->card, AT_CREDIT_LOAD, blob_span(&old), JZ_SW_DECRYPT);
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&f->data), NULL);
	assert_int_equal(port_balance(f->port), 2 * AMOUNT);
}

static void
test_what_is_refused(void **state)
{
	struct sealed *f = *state;
	struct jz_message good;
	struct blob clear;

	initialize(f);
	good = f->permission;
	/* In clear, with its time and without. */
	clear = bank_encode(&good);
	f->data = bank_credit_data(good.payment.time, &clear);
	refuses(f, JZ_SW_DATA);
	memset(f->data.data, 0, 7);
	refuses(f, JZ_SW_DATA);
	/* With a point, which only a card sends; in the other key. */
	seal_permission(f, f->keys.to_card, f->purse->online.load_point);
	refuses(f, JZ_SW_DATA);
	seal_permission(f, f->keys.to_host, NULL);
	refuses(f, JZ_SW_DECRYPT);
	/* With a time that the terminal cannot know. */
	seal_permission(f, f->keys.to_card, NULL);
	f->data.data[6] = 1;
	refuses(f, JZ_SW_MISMATCH);
	f->data.data[6] = 0;
	for (size_t i = 7; i < f->data.len; i += 11) {
		f->data.data[i] ^= 1;
		rig_refuses(f->card, AT_CREDIT_LOAD, blob_span(&f->data),
		    port_send(
			f->port, AT_CREDIT_LOAD, blob_span(&f->data), NULL));
		f->data.data[i] ^= 1;
	}
	/* Opened, then verified. */
	f->permission.signature[5] ^= 1;
	seal_permission(f, f->keys.to_card, NULL);
	refuses(f, JZ_SW_MAC);
	assert_int_equal(port_balance(f->port), 0);
	f->permission = good;
	seal_permission(f, f->keys.to_card, NULL);
	rig_accepts(f->card, AT_CREDIT_LOAD, blob_span(&f->data), NULL);
	/* Nothing open: 6985 to what cannot be opened. */
	f->data.data[f->data.len - 1] ^= 1;
	refuses(f, JZ_SW_CONDITIONS);
}

/* A card that does not encipher takes nothing enciphered. */
static void
test_a_card_in_clear(void **state)
{
	struct sealed *f = *state;
	const uint8_t none = 0;

	initialize(f);
	rig_poke(f->card, &f->purse->flags, &none, 1);
	refuses(f, JZ_SW_DATA);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_an_enciphered_load),
	    T(test_nothing_is_in_clear),
	    T(test_the_request_is_given_again),
	    T(test_each_load_has_its_keys),
	    T(test_what_is_refused),
	    T(test_a_card_in_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
