/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate that a card keeps is judged when it is used: by the clock and
 * the revocation list of that day (OFP-13).
 */
#include "../../support/cardrig.h"
#include "../../support/forge.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PIN	 "123456"
#define KNOWN_ID "CN00000000900001"

/* A card with money that keeps the certificate of a forger, and the forger's
 * request without it. */
struct fixture {
	struct rig rig;
	struct rig_card *card;
	struct forger known;
	struct blob request;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct profile p = profile_of("CN00000000100001");
	struct jz_message m;

	assert_non_null(f);
	rig_new(&f->rig);
	f->card = rig_purse_new(&f->rig, &p);
	assert_int_equal(
	    bank_load(&f->rig.bank, &f->card->port, PIN, 50000), JZ_SW_OK);
	forger_new(&f->known, &f->rig.bank, KNOWN_ID);
	assert_int_equal(port_verify(&f->card->port, PIN), JZ_SW_OK);
	rig_accepts(f->card, AT_PEER(JZ_PEER_PUT),
	    blob_span(&f->known.certificate), NULL);
	m = forger_request(&f->known, 100, RIG_NOW);
	m.certificate = jz_span(NULL, 0);
	f->request = forger_sign(&f->known, &m);
	/* It is kept where power does not matter. */
	rig_restart(f->card);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	rig_card_free(&f->card);
	rig_free(&f->rig);
	free(f);
	return 0;
}

/* proves: OFP-13 (unexpired, on the day of the payment) */
static void
test_dates_are_judged_at_use(void **state)
{
	struct fixture *f = *state;
	const struct purse_known *k = &rig_purse(f->card)->known[0];

	rig_set_time(f->card, k->to);
	rig_refuses(
	    f->card, AT_AGREE, blob_span(&f->request), JZ_SW_CERT_EXPIRED);
	rig_set_time(f->card, k->from - 1);
	rig_refuses(
	    f->card, AT_AGREE, blob_span(&f->request), JZ_SW_CERT_NOT_YET);
	rig_set_time(f->card, k->to - 1);
	rig_accepts(f->card, AT_AGREE, blob_span(&f->request), NULL);
}

/* proves: OFP-13 (not revoked since) */
static void
test_the_list_is_asked_at_use(void **state)
{
	static const char *const ids[] = {KNOWN_ID, NULL};
	struct fixture *f = *state;
	struct blob list = bank_revoke(&f->rig.bank, 1, 0, ids);

	rig_accepts(f->card, AT_PUT_LIST, blob_span(&list), NULL);
	rig_refuses(
	    f->card, AT_AGREE, blob_span(&f->request), JZ_SW_CERT_REVOKED);
}

/* A whole generation, too: that of the certificate is kept with it. */
static void
test_the_generation_is_asked_at_use(void **state)
{
	static const char *const none[] = {NULL};
	struct fixture *f = *state;
	uint16_t next = (uint16_t)(f->known.fields.generation + 1);
	struct blob list = bank_revoke(&f->rig.bank, 1, next, none);

	rig_accepts(f->card, AT_PUT_LIST, blob_span(&list), NULL);
	rig_refuses(
	    f->card, AT_AGREE, blob_span(&f->request), JZ_SW_CERT_REVOKED);
}

/* An expired one is not taken in the first place. */
static void
test_an_expired_one_is_not_kept(void **state)
{
	struct fixture *f = *state;

	rig_set_time(f->card, f->known.fields.to + BANK_DAY);
	assert_int_equal(port_verify(&f->card->port, PIN), JZ_SW_OK);
	rig_refuses(f->card, AT_PEER(JZ_PEER_PUT),
	    blob_span(&f->known.certificate), JZ_SW_CERT_EXPIRED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_dates_are_judged_at_use),
	    TEST(test_the_list_is_asked_at_use),
	    TEST(test_the_generation_is_asked_at_use),
	    TEST(test_an_expired_one_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
