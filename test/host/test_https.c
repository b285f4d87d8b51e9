/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cards and their issuer's daemon over TLS: LOD-4 to LOD-7 end to end.
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "../../host/wire.h"
#include "../../keys/openssl/openssl.h"
#include "../support/contact.h"
#include "../support/daemon.h"
#include "../support/issuerrig.h"
#include "../support/signer.h"
#include "../support/suite.h"
#include "../support/tornrig.h"

#define AMOUNT	  2500u
#define DEPOSIT	  1000000u
#define TIMEOUT_S 20

/* ---- a card and its account ---------------------------------------------- */

/* LOD-4 to LOD-7: loaded, settled, and the books know. */
static void
test_load_and_settle(void **state)
{
	struct jz_settle_result settled;
	struct jz_load_story story;
	struct jz_bank *bank;
	struct world w = {0};
	struct daemon d;
	unsigned tries;

	(void)state;
	world_new(&w);
	assert_int_equal(world_personalise(&w, &w.alice, "alice"), 0);
	daemon_new(&d);
	daemon_start(&d, w.issuer, (struct jz_server_options){0});
	bank = daemon_bank(&d, TIMEOUT_S);
	assert_int_equal(
	    jz_purse_verify_pin(&w.alice.session, TORN_PIN, &tries), 0);
	assert_int_equal(jz_bank_load(&w.alice.session, bank, AMOUNT,
			     TORN_TERMINAL, NULL, NULL),
	    0);
	assert_int_equal(torn_balance(&w.alice), AMOUNT);
	assert_int_equal(jz_bank_look(&w.alice.session, bank, &story), 0);
	assert_int_equal(story.state, JZ_LOAD_REPORTED);
	assert_int_equal(jz_bank_settle(&w.alice.session, bank, &settled), 0);
	assert_int_equal(settled.records, 1);
	assert_false(settled.revoked);
	jz_bank_free(&bank);
	daemon_free(&d);
	assert_int_equal(world_books(&w).transit_load, 0);
	world_free(&w);
}

/* Loaded, unloaded, and nothing left to finish; and refused by name. */
static void
test_unload(void **state)
{
	struct jz_unload_result r;
	struct jz_bank *bank;
	struct world w = {0};
	struct daemon d;
	unsigned tries;
	int64_t minor;

	(void)state;
	world_new(&w);
	assert_int_equal(world_personalise(&w, &w.alice, "alice"), 0);
	assert_int_equal(world_load(&w, &w.alice, AMOUNT), 0);
	daemon_new(&d);
	daemon_start(&d, w.issuer, (struct jz_server_options){0});
	bank = daemon_bank(&d, TIMEOUT_S);
	assert_int_equal(
	    jz_purse_verify_pin(&w.alice.session, TORN_PIN, &tries), 0);
	assert_int_equal(
	    jz_bank_unload(&w.alice.session, bank, 700, TORN_TERMINAL, &r), 0);
	assert_int_equal(r.credited_minor, 700);
	assert_int_equal(torn_balance(&w.alice), AMOUNT - 700);
	assert_int_equal(jz_bank_unload_resume(&w.alice.session, bank, &r), 0);
	assert_false(r.found);
	assert_int_equal(jz_issuer_block_account(w.issuer, "alice", true), 0);
	assert_int_equal(
	    jz_purse_verify_pin(&w.alice.session, TORN_PIN, &tries), 0);
	assert_int_equal(
	    jz_bank_unload(&w.alice.session, bank, 1, TORN_TERMINAL, &r),
	    JZ_ERR_REFUSED);
	assert_int_equal(jz_bank_refusal(bank), JZ_REFUSAL_ACCOUNT_BLOCKED);
	assert_int_equal(torn_balance(&w.alice), AMOUNT - 700);
	assert_int_equal(
	    jz_issuer_account_balance(w.issuer, "alice", &minor), 0);
	assert_int_equal(minor, TORN_DEPOSIT - (int64_t)AMOUNT + 700);
	jz_bank_free(&bank);
	daemon_free(&d);
	world_free(&w);
}

/* One card in the place of another: its money, once, and then it is void. */
static void
test_replace(void **state)
{
	struct jz_replace_result r;
	struct jz_purse_info info;
	struct jz_bank *bank;
	struct world w = {0};
	struct daemon d;
	unsigned tries;
	bool revoked;

	(void)state;
	world_new(&w);
	assert_int_equal(world_personalise(&w, &w.alice, "alice"), 0);
	assert_int_equal(world_personalise(&w, &w.bob, "alice"), 0);
	assert_int_equal(world_load(&w, &w.alice, AMOUNT), 0);
	daemon_new(&d);
	daemon_start(&d, w.issuer, (struct jz_server_options){0});
	bank = daemon_bank(&d, TIMEOUT_S);
	for (unsigned k = 0; k < 2; k++) {
		assert_int_equal(
		    jz_purse_verify_pin(&w.alice.session, TORN_PIN, &tries), 0);
		assert_int_equal(
		    jz_purse_verify_pin(&w.bob.session, TORN_PIN, &tries), 0);
		assert_int_equal(jz_bank_replace(&w.alice.session,
				     &w.bob.session, bank, TORN_TERMINAL, &r),
		    0);
		assert_int_equal(r.moved_minor, AMOUNT);
		assert_int_equal(torn_balance(&w.alice), 0);
		assert_int_equal(torn_balance(&w.bob), AMOUNT);
	}
	jz_bank_free(&bank);
	daemon_free(&d);
	assert_int_equal(jz_purse_info(&w.alice.session, &info), 0);
	assert_int_equal(jz_issuer_revoked(w.issuer, info.id, &revoked), 0);
	assert_true(revoked);
	world_free(&w);
}

/* LOD-5: the reason reaches the user, and the card is free for another. */
static void
test_refused(void **state)
{
	struct jz_bank *bank;
	struct world w = {0};
	struct daemon d;
	unsigned tries;

	(void)state;
	world_new(&w);
	assert_int_equal(world_personalise(&w, &w.alice, "alice"), 0);
	assert_int_equal(jz_issuer_block_account(w.issuer, "alice", true), 0);
	daemon_new(&d);
	daemon_start(&d, w.issuer, (struct jz_server_options){0});
	bank = daemon_bank(&d, TIMEOUT_S);
	assert_int_equal(
	    jz_purse_verify_pin(&w.alice.session, TORN_PIN, &tries), 0);
	assert_int_equal(jz_bank_load(&w.alice.session, bank, AMOUNT,
			     TORN_TERMINAL, NULL, NULL),
	    JZ_ERR_REFUSED);
	assert_string_equal(
	    jz_refusal_name(jz_bank_refusal(bank)), "ACCOUNT_BLOCKED");
	assert_int_equal(torn_balance(&w.alice), 0);
	jz_bank_free(&bank);
	daemon_free(&d);
	world_free(&w);
}

/* What one submission gets, with this typed; asked once more by the client
 * after an answer that was lost. */
static enum jz_esign_verdict
judged(struct jz_bank *bank, struct jz_span order, struct jz_span signature,
    const char *typed)
{
	uint8_t bytes[JZ_ESIGN_SUBMISSION_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	const struct jz_esign_submission s = {.order = order,
	    .signature = signature,
	    .typed = jz_span(typed, strlen(typed))};
	enum jz_esign_verdict v = JZ_ESIGN_VERDICTS;

	assert_int_equal(jz_esign_put_submission(&s, &b), 0);
	assert_int_equal(jz_bank_submit(bank, jz_buffer_span(&b), &v), 0);
	return v;
}

/* JPS-12, JPS-13, JPS-15: judged and executed once, by the daemon. */
static void
test_sign(void **state)
{
	struct rig *r = *state;
	uint8_t order[JZ_ESIGN_ORDER_MAX], bytes[JZ_ESIGN_SIGNATURE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	char password[JZ_VIRTUAL_LINE_BYTES];
	struct jz_issuer_esign desk;
	struct contact_card c = {0};
	struct jz_bank *bank;
	struct daemon d;
	int64_t before, after;
	size_t len;

	assert_int_equal(jz_issuer_account_open(r->issuer, "from", "from"), 0);
	assert_int_equal(jz_issuer_account_open(r->issuer, "to", "to"), 0);
	assert_int_equal(jz_issuer_deposit(r->issuer, "from", DEPOSIT), 0);
	assert_int_equal(
	    jz_issuer_esign_open(r->issuer, r->dir, rig_passphrase(), &desk),
	    0);
	assert_int_equal(contact_card_new(&c, r->issuer, &desk.verifier, "from",
			     test_suite(), 0),
	    0);
	assert_int_equal(
	    contact_order("from", "to", order, sizeof(order), &len), 0);
	assert_int_equal(
	    jz_sign_contact(&c.session, jz_span(order, len), &b), 0);
	assert_true(contact_password(&c, password));

	daemon_new(&d);
	daemon_start(&d, r->issuer,
	    (struct jz_server_options){.signatures = &desk.verifier});
	bank = daemon_bank(&d, TIMEOUT_S);
	assert_int_equal(
	    jz_issuer_account_balance(r->issuer, "to", &before), 0);
	assert_int_equal(
	    judged(bank, jz_span(order, len), jz_buffer_span(&b), "000000x"),
	    JZ_ESIGN_PASSWORD);
	assert_int_equal(
	    judged(bank, jz_span(order, len), jz_buffer_span(&b), password),
	    JZ_ESIGN_EXECUTED);
	assert_int_equal(
	    judged(bank, jz_span(order, len), jz_buffer_span(&b), password),
	    JZ_ESIGN_EXECUTED);
	jz_bank_free(&bank);
	daemon_free(&d);
	assert_int_equal(jz_issuer_account_balance(r->issuer, "to", &after), 0);
	assert_int_equal(after - before, 1);
	contact_card_free(&c);
	jz_issuer_esign_close(&desk);
}

#define CARDS	   4
#define SIGNATURES 6

/* Two clients submit what one card has signed. */
struct client {
	const struct daemon *d;
	const struct submitted {
		uint8_t data[JZ_ESIGN_SUBMISSION_MAX];
		size_t len;
	} * list;
	unsigned executed;
	pthread_t thread;
};

static void *
submit_list(void *arg)
{
	struct client *c = arg;
	struct jz_bank *bank = daemon_bank(c->d, TIMEOUT_S);
	enum jz_esign_verdict v;

	for (unsigned i = 0; i < SIGNATURES; i++)
		if (jz_bank_submit(bank,
			jz_span(c->list[i].data, c->list[i].len), &v) == 0 &&
		    v == JZ_ESIGN_EXECUTED)
			c->executed++;
	jz_bank_free(&bank);
	return NULL;
}

/* JPS-15: many at once, each executed once. */
static void
test_sign_at_once(void **state)
{
	static struct submitted list[CARDS][SIGNATURES];
	struct rig *r = *state;
	struct signer signer[CARDS];
	struct client client[2 * CARDS] = {0};
	struct jz_issuer_esign desk;
	struct daemon d;
	int64_t before, after;

	assert_int_equal(
	    jz_issuer_esign_open(r->issuer, r->dir, rig_passphrase(), &desk),
	    0);
	assert_int_equal(
	    jz_issuer_account_balance(r->issuer, "to", &before), 0);
	for (unsigned k = 0; k < CARDS; k++) {
		char id[JZ_ID_BYTES + 1];

		(void)snprintf(id, sizeof(id), "CN000000005%05u", k);
		assert_int_equal(
		    signer_new(&signer[k], &desk.verifier, id, "from"), 0);
		for (unsigned i = 0; i < SIGNATURES; i++) {
			struct submitted *s = &list[k][i];
			struct jz_buffer b =
			    jz_buffer(s->data, sizeof(s->data));
			const struct signer_order o = {
			    .to = "to", .amount = 1, .currency = RIG_CURRENCY};

			assert_int_equal(
			    signer_sign(&signer[k], &desk.verifier, &o, &b), 0);
			s->len = b.len;
		}
	}
	daemon_new(&d);
	daemon_start(&d, r->issuer,
	    (struct jz_server_options){.signatures = &desk.verifier});
	for (unsigned k = 0; k < 2 * CARDS; k++) {
		client[k] = (struct client){.d = &d, .list = list[k / 2]};
		assert_int_equal(pthread_create(&client[k].thread, NULL,
				     submit_list, &client[k]),
		    0);
	}
	for (unsigned k = 0; k < 2 * CARDS; k++) {
		assert_int_equal(pthread_join(client[k].thread, NULL), 0);
		assert_int_equal(client[k].executed, SIGNATURES);
	}
	daemon_free(&d);
	assert_int_equal(jz_issuer_account_balance(r->issuer, "to", &after), 0);
	assert_int_equal(after - before, CARDS * SIGNATURES);
	for (unsigned k = 0; k < CARDS; k++)
		signer_free(&signer[k]);
	jz_issuer_esign_close(&desk);
}

/* LOD-1, LOD-6: a server that another has certified is not spoken to. */
static void
test_other_server(void **state)
{
	struct rig *r = *state;
	struct jz_https_options o = {.timeout_s = TIMEOUT_S};
	struct jz_bank *bank = NULL;
	struct jz_known known;
	struct daemon d;

	daemon_new(&d);
	daemon_start(&d, r->issuer, (struct jz_server_options){0});
	o.url = d.url;
	o.ca = d.other;
	assert_int_equal(jz_bank_of_url(&o, &bank), 0);
	assert_int_equal(bank->ops->known(bank, &known), JZ_ERR_SERVER);
	jz_bank_free(&bank);
	daemon_free(&d);
}

static void
test_urls(void **state)
{
	static const char *const BAD[] = {"", "https://", "http://a", "ftp://a",
	    "https://a/b", "https://u@a", "https://a?b", "bank", "https://a b",
	    "https:///"};
	struct jz_https_options o = {0};
	struct jz_bank *bank = NULL;

	(void)state;
	for (size_t k = 0; k < sizeof(BAD) / sizeof(BAD[0]); k++) {
		o.url = BAD[k];
		assert_int_equal(jz_bank_of_url(&o, &bank), JZ_ERR_ARGUMENT);
		assert_null(bank);
	}
	o.url = "https://a:1/";
	assert_int_equal(jz_bank_of_url(&o, &bank), 0);
	jz_bank_free(&bank);
}

static bool
at_once(void *arg)
{
	++*(unsigned *)arg;
	return true;
}

/* Nobody there: the time ends it, or whoever waits. */
static void
test_nobody_there(void **state)
{
	unsigned asked = 0;
	struct jz_https_options o = {.url = "https://127.0.0.1:1",
	    .timeout_s = 1,
	    .cancelled = NULL,
	    .arg = &asked};
	struct jz_bank *bank = NULL;
	struct jz_known known;

	(void)state;
	assert_int_equal(jz_bank_of_url(&o, &bank), 0);
	assert_int_equal(bank->ops->known(bank, &known), JZ_ERR_NETWORK);
	jz_bank_free(&bank);
	o.cancelled = at_once;
	assert_int_equal(jz_bank_of_url(&o, &bank), 0);
	assert_int_equal(bank->ops->known(bank, &known), JZ_ERR_CANCELLED);
	assert_true(asked > 0);
	jz_bank_free(&bank);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_load_and_settle),
	    cmocka_unit_test(test_unload),
	    cmocka_unit_test(test_replace),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test_teardown(test_other_server, rig_after),
	    cmocka_unit_test_teardown(test_sign, rig_after),
	    cmocka_unit_test_teardown(test_sign_at_once, rig_after),
	    cmocka_unit_test(test_urls),
	    cmocka_unit_test(test_nobody_there),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
