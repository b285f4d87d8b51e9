/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be wrong with a certificate, each by its own name at host and card:
 * the error of the library, the status word of a payer's and of a payee's card
 * that is shown it, and the error that a terminal makes of that word again.
 */
#include "../support/refusals.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "../../host/card.h"

/* The other suite's name is all that makes a certificate the other suite's. */
static const uint8_t OTHER_OID[] = {
    0x2A, 0x81, 0x1C, 0xCF, 0x55, 0x01, 0x83, 0x75};

struct world {
	struct fixture *f;
	struct jz_authority ca;
	struct jz_message list; /* that the cards have */
	struct blob list_bytes;
};

static void
malformed(struct fixture *f)
{
	f->forger.certificate.data[10] ^= 0x80; /* a tag in it */
}

static void
other_suite(struct fixture *f)
{
	struct jz_crypto crypto = *f->bank->engine.crypto;
	struct bank other = *f->bank;

	crypto.suite = JZ_SUITE_GM;
	memcpy(crypto.oid, OTHER_OID, sizeof(OTHER_OID));
	crypto.oid_len = sizeof(OTHER_OID);
	other.engine.crypto = &crypto;
	f->forger.fields.suite = JZ_SUITE_GM;
	forger_certify(&f->forger, &other, &f->bank->ca);
}

static void
other_issuer(struct fixture *f)
{
	f->forger.fields.authority[14] ^= 1;
	forger_certify(&f->forger, f->bank, &f->bank->ca);
}

static void
wrong_role(struct fixture *f)
{
	f->forger.fields.role = JZ_ROLE_HOST;
	forger_certify(&f->forger, f->bank, &f->bank->ca);
}

static void
forged(struct fixture *f)
{
	forger_certify(&f->forger, f->bank, &f->bank->host);
}

static void
not_yet(struct fixture *f)
{
	f->forger.fields.from = RIG_NOW + 2 * BANK_DAY;
	forger_certify(&f->forger, f->bank, &f->bank->ca);
}

static void
expired(struct fixture *f)
{
	f->forger.fields.to = f->forger.fields.from + 2 * BANK_DAY;
	forger_certify(&f->forger, f->bank, &f->bank->ca);
}

static void
revoked(struct fixture *f)
{
	forger_certify(&f->forger, f->bank, &f->bank->ca);
}

static void
old_generation(struct fixture *f)
{
	memcpy(f->forger.fields.holder, "CN00000000950001", JZ_ID_BYTES);
	f->forger.fields.generation = 0;
	forger_certify(&f->forger, f->bank, &f->bank->ca);
}

static void
good(struct fixture *f)
{
	memcpy(f->forger.fields.holder, "CN00000000950001", JZ_ID_BYTES);
	forger_certify(&f->forger, f->bank, &f->bank->ca);
}

static const struct {
	const char *what;
	void (*spoil)(struct fixture *f);
	int error;
	uint16_t sw;
} ROWS[] = {
    {"malformed", malformed, JZ_ERR_CERT_MALFORMED, JZ_SW_CERT_MALFORMED},
    {"wrong suite", other_suite, JZ_ERR_CERT_SUITE, JZ_SW_CERT_SUITE},
    {"unknown issuer", other_issuer, JZ_ERR_CERT_ISSUER, JZ_SW_CERT_ISSUER},
    {"wrong role", wrong_role, JZ_ERR_CERT_ROLE, JZ_SW_CERT_ROLE},
    {"forged", forged, JZ_ERR_CERT_FORGED, JZ_SW_CERT_FORGED},
    {"not yet valid", not_yet, JZ_ERR_CERT_NOT_YET, JZ_SW_CERT_NOT_YET},
    {"expired", expired, JZ_ERR_CERT_EXPIRED, JZ_SW_CERT_EXPIRED},
    {"revoked by name", revoked, JZ_ERR_CERT_REVOKED, JZ_SW_CERT_REVOKED},
    {"revoked by generation", old_generation, JZ_ERR_CERT_REVOKED,
	JZ_SW_CERT_REVOKED},
    {"good", good, 0, JZ_SW_OK},
};
#define ROWS_COUNT (sizeof(ROWS) / sizeof(ROWS[0]))

static int
setup(void **state)
{
	static const char *const ids[] = {REFUSAL_FORGER, NULL};
	static struct world w;
	void *inner = NULL;
	struct fixture *f;

	if (refusal_setup(&inner) != 0)
		return -1;
	w.f = f = inner;
	memcpy(
	    w.ca.reference, f->bank->ca_fields.holder, sizeof(w.ca.reference));
	memcpy(
	    w.ca.public_key, f->bank->ca.public_key, sizeof(w.ca.public_key));
	w.list_bytes = bank_revoke(f->bank, 1, 1, ids);
	assert_int_equal(
	    jz_revocation_parse(blob_span(&w.list_bytes), &w.list), 0);
	rig_accepts(f->payer, AT_PUT_LIST, blob_span(&w.list_bytes), NULL);
	rig_accepts(f->payee, AT_PUT_LIST, blob_span(&w.list_bytes), NULL);
	refusal_begin(f, STEP_REQUEST);
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;
	void *inner = w->f;

	return refusal_teardown(&inner);
}

static int
at_host(struct world *w)
{
	const struct jz_engine *e = &w->f->bank->engine;
	struct jz_certificate c;
	int err = jz_certificate_parse(
	    blob_span(&w->f->forger.certificate), e->crypto, &c);

	if (err == 0)
		err =
		    jz_certificate_verify(e, &c, &w->ca, JZ_ROLE_CARD, RIG_NOW);
	return err != 0
	    ? err
	    : jz_revocation_judge(w->list.generation, w->list.revoked, &c);
}

/* Whom a forged card asks for money. */
static uint16_t
at_payer(struct fixture *f)
{
	struct jz_message m =
	    forger_request(&f->forger, REFUSAL_AMOUNT, RIG_NOW);
	struct blob request = forger_sign(&f->forger, &m);

	return port_send(&f->payer->port, AT_AGREE, blob_span(&request), NULL);
}

/* Whom a forged card agrees to pay. */
static uint16_t
at_payee(struct fixture *f)
{
	struct jz_message m =
	    forger_agreement(&f->forger, &f->pay.message[STEP_REQUEST]);
	struct blob sealed = forge_sealed(&f->bank->engine, &m, &f->forger.key,
	    f->forger.keys.to_payee, m.payer_key, NULL);

	return port_send(&f->payee->port, AT_CONFIRM, blob_span(&sealed), NULL);
}

/* proves: ALL-4, OFP-8, LOD-1 (each fault of a certificate by its name) */
static void
test_each_fault_has_its_name_everywhere(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < ROWS_COUNT; i++) {
		int error;
		uint16_t sw;

		refusal_rewind(w->f);
		ROWS[i].spoil(w->f);
		error = at_host(w);
		if (error != ROWS[i].error)
			fail_msg("%s: host says %s", ROWS[i].what,
			    jz_error_name(error));
		assert_int_equal(jz_certificate_status(error), ROWS[i].sw);
		assert_int_equal(jz_status_error(ROWS[i].sw), error);
		sw = at_payer(w->f);
		if (sw != ROWS[i].sw)
			fail_msg("%s: payer says %04X", ROWS[i].what, sw);
		sw = at_payee(w->f);
		if (sw != ROWS[i].sw)
			fail_msg("%s: payee says %04X", ROWS[i].what, sw);
	}
}

/* In both languages, no two alike. */
static void
test_each_fault_has_its_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS_COUNT; i++) {
		for (size_t k = 0; k < i; k++) {
			if (ROWS[i].error == ROWS[k].error)
				continue;
			for (int lang = 0; lang < 2; lang++)
				assert_string_not_equal(
				    jz_error_text(
					ROWS[i].error, (enum jz_lang)lang),
				    jz_error_text(
					ROWS[k].error, (enum jz_lang)lang));
		}
		assert_string_not_equal(
		    jz_error_text(ROWS[i].error, JZ_LANG_EN),
		    jz_error_text(ROWS[i].error, JZ_LANG_ZH));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_fault_has_its_name_everywhere),
	    cmocka_unit_test(test_each_fault_has_its_texts),
	};

	return cmocka_run_group_tests_name(
	    "certificates", tests, setup, teardown);
}
