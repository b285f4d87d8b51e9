/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The revocation list on a card: taken only from its CA and only when newer,
 * given back as it was signed, and asked in steps 1 to 3 of a payment, never
 * after.
 */
#include "../../support/refusals.h"
#include "../../support/gpclient.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../apdu/error.h"

#define NOTHING jz_span(NULL, 0)
#define CARD(n) "CN0000000" n "00001"
#define ROWS(t) t, sizeof(t) / sizeof((t)[0])

static const char *const PAYER[] = {REFUSAL_PAYER, NULL};
static const char *const PAYEE[] = {REFUSAL_PAYEE, NULL};
static const char *const SOMEBODY[] = {CARD("07"), CARD("08"), NULL};

static void
give(struct fixture *f, struct rig_card *card, uint32_t version,
    uint16_t generation, const char *const *ids)
{
	struct blob list = bank_revoke(f->bank, version, generation, ids);

	rig_accepts(card, AT_PUT_LIST, blob_span(&list), NULL);
	assert_int_equal(rig_purse(card)->list_version, version);
}

static void
has(struct rig_card *card, const struct blob *list)
{
	struct answer a;

	rig_accepts(card, AT_LIST, NOTHING, &a);
	assert_int_equal(a.len, list->len);
	assert_memory_equal(a.data, list->data, list->len);
}

/* ---- taking a list ------------------------------------------------------ */

static void
test_a_list_is_given_back_as_it_was_signed(void **state)
{
	struct fixture *f = *state;
	struct blob first = bank_revoke(f->bank, 1, 0, NULL);
	struct blob next = bank_revoke(f->bank, 7, 3, SOMEBODY);

	assert_int_equal(
	    port_send(&f->payee->port, AT_LIST, NOTHING, NULL), 0x6A88);
	rig_accepts(f->payee, AT_PUT_LIST, blob_span(&first), NULL);
	has(f->payee, &first);
	rig_accepts(f->payee, AT_PUT_LIST, blob_span(&next), NULL);
	has(f->payee, &next);
	rig_restart(f->payee);
	has(f->payee, &next);
}

/* The longest one, too, through the shortest commands. */
static void
test_a_full_list(void **state)
{
	struct fixture *f = *state;
	char text[JZ_REVOCATION_MAX][JZ_ID_BYTES + 1];
	const char *ids[JZ_REVOCATION_MAX + 1] = {NULL};
	struct blob list;

	for (unsigned i = 0; i < JZ_REVOCATION_MAX; i++) {
		snprintf(text[i], sizeof(text[i]), "CN%09u00001", 100 + i);
		ids[i] = text[i];
	}
	list = bank_revoke(f->bank, UINT32_MAX, UINT16_MAX, ids);
	rig_accepts(f->payee, AT_PUT_LIST, blob_span(&list), NULL);
	has(f->payee, &list);
}

static void
other_ca(struct fixture *f, struct blob *data)
{
	f->bank->ca_fields.holder[14] ^= 1;
	*data = bank_revoke(f->bank, 9, 0, SOMEBODY);
	f->bank->ca_fields.holder[14] ^= 1;
}

static void
by_the_host(struct fixture *f, struct blob *data)
{
	struct bank b = *f->bank;

	b.ca = b.host;
	*data = bank_revoke(&b, 9, 0, SOMEBODY);
}

static void
altered(struct fixture *f, struct blob *data)
{
	*data = bank_revoke(f->bank, 9, 0, SOMEBODY);
	data->data[data->len - 1 - JZ_SIGNATURE_BYTES - 5] ^= 1; /* a digit */
}

static void
another_kind(struct fixture *f, struct blob *data)
{
	*data = f->bank->ca_certificate;
}

static void
longer(struct fixture *f, struct blob *data)
{
	*data = bank_revoke(f->bank, 9, 0, SOMEBODY);
	data->data[data->len++] = 0;
}

static void
not_in_order(struct fixture *f, struct blob *data)
{
	uint8_t ids[2 * JZ_ID_BYTES];
	struct jz_message m = {.kind = JZ_KIND_REVOCATION, .list_version = 9};

	memcpy(ids, SOMEBODY[1], JZ_ID_BYTES);
	memcpy(ids + JZ_ID_BYTES, SOMEBODY[0], JZ_ID_BYTES);
	memcpy(m.host_id, f->bank->ca_fields.holder, JZ_ID_BYTES);
	m.revoked = jz_span(ids, sizeof(ids));
	assert_int_equal(
	    jz_message_sign(&f->bank->engine, &m, &f->bank->ca), 0);
	*data = bank_encode(&m);
}

static void
older(struct fixture *f, struct blob *data)
{
	*data = bank_revoke(f->bank, 4, 0, SOMEBODY);
}

static void
as_old(struct fixture *f, struct blob *data)
{
	*data = bank_revoke(f->bank, 5, 9, SOMEBODY);
}

static const struct row PUT[] = {
    {"another kind", another_kind, JZ_SW_DATA},
    {"longer", longer, JZ_SW_DATA},
    {"not in order", not_in_order, JZ_SW_DATA},
    {"another CA's", other_ca, JZ_SW_CERT_ISSUER},
    {"altered", altered, JZ_SW_MAC},
    {"signed by the host", by_the_host, JZ_SW_MAC},
    {"older", older, JZ_SW_LIST_OLD},
    {"as old", as_old, JZ_SW_LIST_OLD},
};

/* proves: ALL-4 (revocation lists) */
static void
test_what_is_no_newer_list_of_the_ca_is_refused(void **state)
{
	struct fixture *f = *state;

	give(f, f->payee, 5, 1, PAYER);
	for (size_t i = 0; i < sizeof(PUT) / sizeof(PUT[0]); i++) {
		struct blob data = {0};

		PUT[i].prepare(f, &data);
		rig_refuses(f->payee, AT_PUT_LIST, blob_span(&data), PUT[i].sw);
	}
}

static void
test_a_list_can_come_with_the_personalisation(void **state)
{
	struct fixture *f = *state;
	struct rig_card *card = rig_empty_purse_new(&f->rig, true);
	struct blob list = bank_revoke(f->bank, 3, 0, SOMEBODY);
	struct gp g;

	assert_int_equal(bank_begin(f->bank, &card->port, &g), JZ_SW_OK);
	/* Whose it is cannot be known before the CA is. */
	assert_int_equal(bank_store(&g, 0, &list, false), JZ_SW_CERT_ISSUER);
	assert_int_equal(
	    bank_store(&g, 0, &f->bank->root_certificate, false), JZ_SW_OK);
	assert_int_equal(
	    bank_store(&g, 1, &f->bank->ca_certificate, false), JZ_SW_OK);
	assert_int_equal(bank_store(&g, 2, &list, false), JZ_SW_OK);
	assert_int_equal(bank_store(&g, 3, &list, false), JZ_SW_LIST_OLD);
	port_select(&card->port);
	has(card, &list);
	rig_card_free(&card);
}

/* ---- judging by it ------------------------------------------------------ */

/* proves: OFP-2 (a revoked payee is refused offline) */
static void
test_the_payer_refuses_a_revoked_payee(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(payment_run(&f->pay, STEP_REQUEST), JZ_SW_OK);
	give(f, f->payer, 1, 0, SOMEBODY);
	give(f, f->payer, 2, 0, PAYEE);
	rig_refuses(f->payer, AT_AGREE, payment_data(&f->pay, STEP_AGREE),
	    JZ_SW_CERT_REVOKED);
	/* A newer list may take it off again. */
	give(f, f->payer, 3, 0, SOMEBODY);
	refusal_goes_on(f);
}

/* proves: OFP-3 (a revoked payer is refused offline) */
static void
test_the_payee_refuses_a_revoked_payer(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(payment_run(&f->pay, STEP_AGREE), JZ_SW_OK);
	give(f, f->payee, 1, 0, PAYER);
	rig_refuses(f->payee, AT_CONFIRM, payment_data(&f->pay, STEP_CONFIRM),
	    JZ_SW_CERT_REVOKED);
	give(f, f->payee, 2, 0, NULL);
	refusal_goes_on(f);
}

/* The cards of a test are of generation 1. */
static void
test_a_generation_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(payment_run(&f->pay, STEP_REQUEST), JZ_SW_OK);
	give(f, f->payer, 1, 2, NULL);
	rig_refuses(f->payer, AT_AGREE, payment_data(&f->pay, STEP_AGREE),
	    JZ_SW_CERT_REVOKED);
	give(f, f->payer, 2, 1, NULL);
	refusal_goes_on(f);
}

/* A card's next key pair has a certificate of its own. */
static void
test_a_reference_is_one_certificate(void **state)
{
	static const char *const other_key[] = {"CN00000000100002", NULL};
	struct fixture *f = *state;

	give(f, f->payer, 1, 0, other_key);
	refusal_goes_on(f);
}

/* Once confirmed, the money is due: each card gets a list against the other.
 * proves: OFP-6 (a due credit goes through) */
static void
test_after_the_confirmation_nothing_is_judged(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(payment_run(&f->pay, STEP_CONFIRM), JZ_SW_OK);
	give(f, f->payer, 1, 9, PAYEE);
	give(f, f->payee, 1, 9, PAYER);
	refusal_goes_on(f);
	assert_int_equal(
	    rig_purse(f->payee)->balance, (uint64_t)REFUSAL_AMOUNT);
}

/* Every message that carries a version has the true one. */
static void
test_the_version_is_told(void **state)
{
	struct fixture *f = *state;
	struct jz_message m;

	give(f, f->payee, 6, 0, NULL);
	assert_int_equal(payment_run(&f->pay, STEP_REQUEST), JZ_SW_OK);
	assert_int_equal(jz_message_decode(payment_data(&f->pay, STEP_AGREE),
			     JZ_KIND_REQUEST, &m),
	    0);
	assert_int_equal(m.list_version, 6);
}

/* ---- cards of the layout before ----------------------------------------- */

/* Such a card with an agreement open or not: every byte of it is kept, and of
 * no payment before can it say any more that it was not made. */
static void
upgrade(struct fixture *f, uint8_t agreement_open)
{
	static struct jz_applet_class before;
	const struct jz_applet_class *classes[1] = {&before};
	const size_t head = offsetof(struct purse_nvm, balance);
	const size_t end = offsetof(struct purse_nvm, list);
	static const struct purse_list none;
	uint8_t pattern[64], was[sizeof(struct purse_nvm)];
	const struct purse_nvm *p;
	struct rig_card *c;

	before = jz_purse_class;
	before.layout = 1;
	before.nvm_bytes = (uint32_t)end;
	before.upgrade = NULL;
	c = rig_card_new(&f->rig, classes, 1, true);
	p = rig_purse(c);
	for (size_t at = head; at < end; at += sizeof(pattern)) {
		size_t n =
		    end - at < sizeof(pattern) ? end - at : sizeof(pattern);

		memset(pattern, (int)(at / 64 % 251 + 1), sizeof(pattern));
		rig_poke(c, (const uint8_t *)p + at, pattern, n);
	}
	rig_poke(c, &p->agreement.open, &agreement_open, 1);
	memcpy(was, p, end);
	classes[0] = &jz_purse_class;
	c->setup.classes = classes;
	assert_int_equal(rig_reopen(c), 0);
	p = rig_purse(c);
	assert_int_equal(p->head.layout, JZ_PURSE_LAYOUT);
	assert_memory_equal((const uint8_t *)p + head, was + head, end - head);
	assert_memory_equal(&p->list, &none, sizeof(none));
	assert_int_equal(p->cleared_counter,
	    agreement_open != 0 ? p->agreement.payment.payer_counter - 1
				: p->offline_counter);
	assert_int_equal(rig_reopen(c), 0);
	rig_card_free(&c);
}

static void
test_a_card_of_layout_1_is_upgraded(void **state)
{
	upgrade(*state, 0);
	upgrade(*state, 1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, refusal_setup, refusal_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_a_list_is_given_back_as_it_was_signed),
	    T(test_a_full_list),
	    T(test_what_is_no_newer_list_of_the_ca_is_refused),
	    T(test_a_list_can_come_with_the_personalisation),
	    T(test_the_payer_refuses_a_revoked_payee),
	    T(test_the_payee_refuses_a_revoked_payer),
	    T(test_a_generation_is_refused),
	    T(test_a_reference_is_one_certificate),
	    T(test_after_the_confirmation_nothing_is_judged),
	    T(test_the_version_is_told),
	    T(test_a_card_of_layout_1_is_upgraded),
	};

	return cmocka_run_group_tests_name("revocation", tests, NULL, NULL);
}
