/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of the conformance tests.
 */
#define _POSIX_C_SOURCE 200809L

#include "conform.h"
#include "cardrig.h"
#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"
#include "../../reader/virtual.h"
#include "suite.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define VARIABLE "JIAOZI_READER"
#define NOTHING	 jz_span(NULL, 0)

void
conform_arguments(int argc, char **argv)
{
	if (argc == 1)
		return;
	if (argc == 3 && strcmp(argv[1], "--reader") == 0 &&
	    setenv(VARIABLE, argv[2], 1) == 0)
		return;
	fprintf(stderr, "usage: %s [--reader NAME]\n", argv[0]);
	exit(2);
}

static size_t
transmit(void *state, const uint8_t *cmd, size_t len, uint8_t *rsp, size_t cap)
{
	int e = jz_reader_transmit(state, cmd, len, rsp, &cap);

	if (e != 0)
		fail_msg("reader: %s", jz_error_text(e, JZ_LANG_EN));
	return cap;
}

static struct jz_reader *
card_in_process(void)
{
	struct jz_virtual_options o = {
	    .strict = rig_can_be_strict(), .suite = test_suite()};
	struct jz_virtual *v = NULL;
	struct jz_reader *r = NULL;

	assert_int_equal(jz_virtual_create(&o, &v), 0);
	assert_int_equal(jz_reader_take_virtual(&v, &r), 0);
	return r;
}

static struct jz_reader *
open_reader(void)
{
	const char *name = getenv(VARIABLE);
	struct jz_reader *r = NULL;
	int e;

	if (name == NULL || name[0] == '\0')
		return card_in_process();
	e = jz_reader_open(name, &r);
	if (e != 0)
		fail_msg("%s: %s", name, jz_error_text(e, JZ_LANG_EN));
	return r;
}

/* Whether the card's certificate is of our CA; then keeps its key and ID. */
static bool
is_ours(struct conform *c)
{
	struct jz_certificate cert;
	struct jz_authority ca;
	struct answer a;

	if (port_send(&c->card, AT_CERTIFICATE, NOTHING, &a) != JZ_SW_OK ||
	    jz_certificate_parse(answer_span(&a), c->engine.crypto, &cert) != 0)
		return false;
	memcpy(ca.reference, c->bank.ca_fields.holder, sizeof(ca.reference));
	memcpy(ca.public_key, c->bank.ca.public_key, sizeof(ca.public_key));
	if (jz_certificate_verify(
		&c->engine, &cert, &ca, JZ_ROLE_CARD, c->bank.now) != 0)
		return false;
	memcpy(c->card_id, cert.holder, sizeof(c->card_id));
	memcpy(c->card_key, cert.public_key, sizeof(c->card_key));
	return true;
}

static const char *
prepare_card(struct conform *c)
{
	struct profile p = profile_of(CONFORM_ID);

	p.profile = c->profile;
	if (port_select(&c->card) != JZ_SW_OK)
		return "the card has no purse";
	if (port_info(&c->card).state == JZ_PURSE_SELECTABLE)
		assert_int_equal(
		    bank_personalise(&c->bank, &c->card, &p), JZ_SW_OK);
	if (!is_ours(c))
		return "the purse is another issuer's";
	return port_info(&c->card).profile == c->profile
	    ? NULL
	    : "the purse is of the other profile";
}

static int
set_up(void **state, enum jz_profile profile)
{
	struct conform *c = calloc(1, sizeof(*c));
	struct profile other = profile_of(CONFORM_OTHER);

	assert_non_null(c);
	*state = c;
	c->profile = other.profile = profile;
	assert_int_equal(jz_openssl_new(test_suite(), &c->openssl), 0);
	assert_int_equal(memo_new(&c->openssl, &c->memo), 0);
	c->engine = memo_engine(c->memo);
	bank_new(&c->bank, &c->engine, (int64_t)time(NULL));
	c->other_reader = card_in_process();
	c->other = (struct port){transmit, c->other_reader};
	assert_int_equal(
	    bank_personalise(&c->bank, &c->other, &other), JZ_SW_OK);
	c->reader = open_reader();
	c->card = (struct port){transmit, c->reader};
	c->why = prepare_card(c);
	return 0;
}

int
conform_setup(void **state)
{
	return set_up(state, JZ_PROFILE_CLEAR);
}

int
conform_setup_encrypted(void **state)
{
	return set_up(state, JZ_PROFILE_ENCRYPTED);
}

struct jz_reader *
conform_card(struct conform *c, const struct profile *p, struct port *port)
{
	struct jz_reader *r = card_in_process();

	*port = (struct port){transmit, r};
	assert_int_equal(bank_personalise(&c->bank, port, p), JZ_SW_OK);
	return r;
}

struct payment
conform_payment(const struct conform *c, const struct port *payee,
    const struct port *payer, uint64_t amount)
{
	struct payment pay = payment_of(payee, payer, amount, c->bank.now);

	pay.encrypted = c->profile == JZ_PROFILE_ENCRYPTED;
	return pay;
}

int
conform_teardown(void **state)
{
	struct conform *c = *state;

	jz_reader_free(&c->reader);
	jz_reader_free(&c->other_reader);
	memo_free(&c->memo);
	jz_openssl_free(&c->openssl);
	free(c);
	return 0;
}

static void
bring_to_funds(struct conform *c, const struct port *p)
{
	uint32_t n, have = port_balance(p);

	assert_int_equal(bank_settle(&c->bank, p, &n), JZ_SW_OK);
	if (have < CONFORM_FUNDS)
		assert_int_equal(
		    bank_load(&c->bank, p, CONFORM_PIN, CONFORM_FUNDS - have),
		    JZ_SW_OK);
}

struct conform *
conform_begin(void **state)
{
	struct conform *c = *state;

	if (c->why != NULL) {
		print_message("%s\n", c->why);
		skip();
	}
	assert_int_equal(port_select(&c->other), JZ_SW_OK);
	assert_int_equal(port_select(&c->card), JZ_SW_OK);
	/* What a test before has left open. */
	port_send(&c->card, AT_CANCEL, NOTHING, NULL);
	bring_to_funds(c, &c->other);
	bring_to_funds(c, &c->card);
	return c;
}

void
conform_power(struct conform *c)
{
	assert_int_equal(jz_reader_reset(c->reader, true), 0);
	assert_int_equal(port_select(&c->card), JZ_SW_OK);
}

uint64_t
conform_total(const struct conform *c)
{
	return (uint64_t)port_balance(&c->card) + port_balance(&c->other);
}

void
conform_refuses(
    struct conform *c, uint32_t header, struct jz_span data, uint16_t sw)
{
	struct answer before, after, a;

	port_send(&c->card, AT_INFO, NOTHING, &before);
	if (port_send(&c->card, header, data, &a) != sw)
		fail_msg("%08X: %04X, not %04X", header, a.sw, sw);
	assert_int_equal(a.len, 0);
	port_send(&c->card, AT_INFO, NOTHING, &after);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, before.len);
}

struct jz_message
conform_open(struct conform *c, const struct answer *sealed, enum jz_kind kind,
    const uint8_t *key)
{
	struct jz_message m;
	struct jz_sealed s;

	assert_int_equal(jz_sealed_parse(answer_span(sealed), &s), 0);
	assert_int_equal(
	    jz_message_open(&c->engine, &s, kind, key, c->plain, &m), 0);
	return m;
}

void
conform_signed(const struct conform *c, const struct jz_message *m)
{
	assert_int_equal(jz_message_verify(&c->engine, m, c->card_key), 0);
}
