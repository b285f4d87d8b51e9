/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two cards of different suites have nothing to do with each other, and say
 * so: certificate, request, agreement, permission, each way (ALL-6).
 */
#include "../../support/desk.h"
#include "../../support/forge.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../apdu/error.h"

#define PIN    "123456"
#define AMOUNT 2500u
#define SIDES  2

/* A world of each suite, with two cards of whom the one has money. */
struct side {
	struct rig rig;
	struct rig_card *payer, *payee;
};

static int
setup(void **state)
{
	static const enum jz_suite suites[SIDES] = {JZ_SUITE_NIST, JZ_SUITE_GM};
	struct side *side = calloc(SIDES, sizeof(*side));

	assert_non_null(side);
	for (unsigned i = 0; i < SIDES; i++) {
		struct profile payer = profile_of("CN00000000100001");
		struct profile payee = profile_of("CN00000000200001");
		struct side *s = &side[i];

		rig_new_of(&s->rig, suites[i]);
		s->payer = rig_purse_new(&s->rig, &payer);
		s->payee = rig_purse_new(&s->rig, &payee);
		assert_int_equal(
		    bank_load(&s->rig.bank, &s->payer->port, PIN, 50000),
		    JZ_SW_OK);
	}
	*state = side;
	return 0;
}

static int
teardown(void **state)
{
	struct side *side = *state;

	for (unsigned i = 0; i < SIDES; i++) {
		rig_card_free(&side[i].payer);
		rig_card_free(&side[i].payee);
		rig_free(&side[i].rig);
	}
	free(side);
	return 0;
}

/* What the host of either suite says of the other's certificate, by name. */
static void
test_certificates_at_the_host(void **state)
{
	struct side *side = *state;

	for (unsigned i = 0; i < SIDES; i++) {
		const struct blob *theirs =
		    &side[1 - i].rig.bank.ca_certificate;
		struct jz_certificate c;
		int e = jz_certificate_parse(
		    blob_span(theirs), side[i].rig.engine.crypto, &c);

		assert_int_equal(e, JZ_ERR_CERT_SUITE);
		assert_string_equal(jz_error_name(e), "CERT_SUITE");
		assert_string_equal(jz_error_text(e, JZ_LANG_EN),
		    "certificate of the other crypto suite");
		assert_string_equal(
		    jz_error_text(e, JZ_LANG_ZH), "证书密码套件不符");
		assert_int_equal(jz_certificate_status(e), JZ_SW_CERT_SUITE);
	}
}

/* Neither the root, which is taken as it is, nor what hangs on it. */
static void
test_certificates_at_the_card(void **state)
{
	struct side *side = *state;

	for (unsigned i = 0; i < SIDES; i++) {
		const struct bank *theirs = &side[1 - i].rig.bank;
		struct desk d = {.bank = &side[i].rig.bank};
		struct rig_card *card =
		    rig_empty_purse_new(&side[i].rig, false);

		desk_open(&d, card);
		desk_refuses(
		    &d, &theirs->root_certificate, false, JZ_SW_CERT_SUITE);
		desk_stores(&d, &d.bank->root_certificate, false);
		desk_refuses(
		    &d, &theirs->ca_certificate, false, JZ_SW_CERT_SUITE);
		desk_stores(&d, &d.bank->ca_certificate, false);
		desk_refuses(
		    &d, &theirs->host_certificate, false, JZ_SW_CERT_SUITE);
		rig_card_free(&card);
	}
}

static void
test_requests(void **state)
{
	struct side *side = *state;

	for (unsigned i = 0; i < SIDES; i++) {
		struct side *mine = &side[i], *other = &side[1 - i];
		struct payment theirs = payment_of(
		    &other->payee->port, &other->payer->port, AMOUNT, RIG_NOW);
		struct payment ours = payment_of(
		    &mine->payee->port, &mine->payer->port, AMOUNT, RIG_NOW);

		assert_int_equal(payment_run(&theirs, STEP_REQUEST), JZ_SW_OK);
		rig_refuses(mine->payer, payment_header(STEP_AGREE),
		    blob_span(&theirs.message[STEP_REQUEST]), JZ_SW_CERT_SUITE);
		assert_int_equal(
		    payment_run(&ours, STEP_ACKNOWLEDGE), JZ_SW_OK);
	}
}

/* An agreement to our open request, with this key outside, refused. */
static void
refuses_agreement(struct side *mine, struct forger *f, struct jz_message *m,
    const uint8_t payer_key[static JZ_POINT_BYTES])
{
	struct blob data = forge_sealed(
	    &f->engine, m, &f->key, f->keys.to_payee, payer_key, NULL);

	rig_refuses(mine->payee, payment_header(STEP_CONFIRM), blob_span(&data),
	    JZ_SW_CERT_SUITE);
}

static void
test_agreements(void **state)
{
	struct side *side = *state;

	for (unsigned i = 0; i < SIDES; i++) {
		struct side *mine = &side[i], *other = &side[1 - i];
		struct payment ours = payment_of(
		    &mine->payee->port, &mine->payer->port, AMOUNT, RIG_NOW);
		struct forger ally, stranger;
		struct jz_message m;

		assert_int_equal(payment_run(&ours, STEP_REQUEST), JZ_SW_OK);
		forger_new(&ally, &mine->rig.bank, "CN00000000300001");
		forger_new(&stranger, &other->rig.bank, "CN00000000300001");
		/* A key of the other curve. */
		m = forger_agreement(&ally, &ours.message[STEP_REQUEST]);
		refuses_agreement(
		    mine, &ally, &m, stranger.ephemeral.public_key);
		/* A key of ours, and under it a card of the other suite. */
		ally.certificate = stranger.certificate;
		m = forger_agreement(&ally, &ours.message[STEP_REQUEST]);
		refuses_agreement(mine, &ally, &m, ally.ephemeral.public_key);
		assert_int_equal(
		    payment_run(&ours, STEP_ACKNOWLEDGE), JZ_SW_OK);
	}
}

/*
 * The same host, card, counter and amount, signed with the other suite.  A
 * permission does not say of which suite it is: its signature is no host's.
 */
static void
test_permissions(void **state)
{
	struct side *side = *state;

	for (unsigned i = 0; i < SIDES; i++) {
		struct side *mine = &side[i], *other = &side[1 - i];
		struct rig_card *c = mine->payer;
		struct blob terms = load_of(AMOUNT), permission, data;
		uint8_t digest[JZ_DIGEST_BYTES];
		struct jz_message request, m;
		struct answer a;

		assert_int_equal(port_verify(&c->port, PIN), JZ_SW_OK);
		rig_accepts(c, AT_INITIALIZE, blob_span(&terms), &a);
		request = bank_read_load_request(
		    &mine->rig.bank, &c->port, &a, digest);
		assert_int_equal(
		    request.algorithm, mine->rig.engine.crypto->suite);
		m = bank_permission(&other->rig.bank, &request, digest);
		permission = bank_sign(&other->rig.bank, &m);
		data = bank_credit_data(m.payment.time, &permission);
		rig_refuses(c, AT_CREDIT_LOAD, blob_span(&data), JZ_SW_MAC);
		m = bank_permission(&mine->rig.bank, &request, digest);
		permission = bank_sign(&mine->rig.bank, &m);
		data = bank_credit_data(m.payment.time, &permission);
		rig_accepts(c, AT_CREDIT_LOAD, blob_span(&data), NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_certificates_at_the_host),
	    cmocka_unit_test(test_certificates_at_the_card),
	    cmocka_unit_test(test_requests),
	    cmocka_unit_test(test_agreements),
	    cmocka_unit_test(test_permissions),
	};

	return cmocka_run_group_tests_name("suites", tests, setup, teardown);
}
