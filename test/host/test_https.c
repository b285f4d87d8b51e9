/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cards and their issuer's daemon over TLS: LOD-4 to LOD-7 end to end; and
 * several daemons of one issuer.
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
#define THREADS	  8
#define EACH	  20
#define ANSWER	  16384
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

/* ---- many at once -------------------------------------------------------- */

struct customer {
	struct rig *rig;
	struct fakecard card;
	const struct daemon *d;
	unsigned done;
};

static bool
one_load(struct customer *u, struct jz_bank *bank)
{
	struct jz_message m = fakecard_load_request(&u->card, 1);
	struct letter l = fakecard_sign(&u->card, &m);
	struct jz_buffer b;

	b = jz_buffer(l.data, sizeof(l.data));
	if (bank->ops->permit(bank, letter_span(&l), &b) != 0)
		return false;
	l.len = b.len;
	m = fakecard_load_report(&u->card, &l);
	l = letter_of(&m);
	return bank->ops->report(bank, letter_span(&l)) == 0;
}

static void *
load_many(void *arg)
{
	struct customer *u = arg;
	struct jz_bank *bank = daemon_bank(u->d, TIMEOUT_S);

	for (unsigned n = 0; n < EACH; n++)
		u->done += one_load(u, bank);
	jz_bank_free(&bank);
	return NULL;
}

static void
run_customers(struct rig *r, const struct daemon *d, unsigned daemons)
{
	struct customer *u = calloc(THREADS, sizeof(*u));
	pthread_t thread[THREADS];

	assert_non_null(u);
	for (unsigned n = 0; n < THREADS; n++) {
		rig_card(r, &u[n].card, DEPOSIT);
		/* An engine is one thread's. */
		assert_int_equal(
		    jz_openssl_new(test_suite(), &u[n].card.engine), 0);
		u[n].d = &d[n % daemons];
	}
	for (unsigned n = 0; n < THREADS; n++)
		assert_int_equal(
		    pthread_create(&thread[n], NULL, load_many, &u[n]), 0);
	for (unsigned n = 0; n < THREADS; n++)
		assert_int_equal(pthread_join(thread[n], NULL), 0);
	for (unsigned n = 0; n < THREADS; n++) {
		jz_openssl_free(&u[n].card.engine);
		assert_int_equal(u[n].done, EACH);
		assert_int_equal(rig_shadow(r, &u[n].card), EACH);
		assert_int_equal(rig_balance(r, &u[n].card), DEPOSIT - EACH);
	}
	free(u);
}

/* Many threads, one issuer; and what was committed together is counted. */
static void
test_many_customers(void **state)
{
	struct rig *r = *state;
	struct daemon d;

	daemon_new(&d);
	daemon_start(&d, r->issuer, (struct jz_server_options){0});
	run_customers(r, &d, 1);
	daemon_free(&d);
}

/* Two daemons of one issuer, side by side. */
static void
test_two_daemons(void **state)
{
	struct rig *r = *state;
	struct jz_issuer *other = rig_open(r);
	struct daemon d[2];

	for (unsigned k = 0; k < 2; k++) {
		daemon_new(&d[k]);
		daemon_start(&d[k], k == 0 ? r->issuer : other,
		    (struct jz_server_options){0});
	}
	run_customers(r, d, 2);
	daemon_free(&d[0]);
	daemon_free(&d[1]);
	jz_issuer_free(&other);
}

struct racer {
	const struct daemon *d;
	const struct letter *request;
	struct letter permission;
	int err;
	enum jz_refusal refusal;
};

static void *
race(void *arg)
{
	struct racer *x = arg;
	struct jz_bank *bank = daemon_bank(x->d, TIMEOUT_S);
	struct jz_buffer b =
	    jz_buffer(x->permission.data, sizeof(x->permission.data));

	x->err = bank->ops->permit(bank, letter_span(x->request), &b);
	x->permission.len = b.len;
	jz_bank_free(&bank);
	return NULL;
}

/* A proof for an acknowledgement, at either daemon. */
static void *
race_proof(void *arg)
{
	struct racer *x = arg;
	struct jz_bank *bank = daemon_bank(x->d, TIMEOUT_S);
	struct jz_buffer b =
	    jz_buffer(x->permission.data, sizeof(x->permission.data));

	x->err = bank->ops->unload(bank, letter_span(x->request), &b);
	x->refusal = jz_bank_refusal(bank);
	x->permission.len = b.len;
	jz_bank_free(&bank);
	return NULL;
}

/* Four at once, two at each; all get the same answer. */
static void
race_all(const struct daemon d[static 2], const struct letter *request,
    void *(*how)(void *arg))
{
	struct racer x[4];
	pthread_t thread[4];

	for (unsigned k = 0; k < 4; k++) {
		x[k].d = &d[k % 2];
		x[k].request = request;
		assert_int_equal(
		    pthread_create(&thread[k], NULL, how, &x[k]), 0);
	}
	for (unsigned k = 0; k < 4; k++) {
		assert_int_equal(pthread_join(thread[k], NULL), 0);
		assert_int_equal(x[k].err, 0);
		assert_int_equal(x[k].permission.len, x[0].permission.len);
		assert_memory_equal(x[k].permission.data, x[0].permission.data,
		    x[0].permission.len);
	}
}

/* One card's request at two daemons at once: one debit, one answer for both. */
static void
test_same_load_at_both(void **state)
{
	struct rig *r = *state;
	struct jz_issuer *other = rig_open(r);
	struct daemon d[2];
	struct fakecard c;

	rig_card(r, &c, DEPOSIT);
	for (unsigned k = 0; k < 2; k++) {
		daemon_new(&d[k]);
		daemon_start(&d[k], k == 0 ? r->issuer : other,
		    (struct jz_server_options){0});
	}
	for (unsigned round = 1; round <= 5; round++) {
		struct jz_message m = fakecard_load_request(&c, AMOUNT);
		struct letter request = fakecard_sign(&c, &m);

		race_all(d, &request, race);
		assert_int_equal(rig_balance(r, &c), DEPOSIT - round * AMOUNT);
	}
	daemon_free(&d[0]);
	daemon_free(&d[1]);
	jz_issuer_free(&other);
}

/* The same of an unload's proof: one credit. */
static void
test_same_unload_at_both(void **state)
{
	struct rig *r = *state;
	struct jz_issuer *other = rig_open(r);
	struct daemon d[2];
	struct fakecard c;

	rig_card(r, &c, DEPOSIT);
	(void)rig_load(r, &c, DEPOSIT);
	for (unsigned k = 0; k < 2; k++) {
		daemon_new(&d[k]);
		daemon_start(&d[k], k == 0 ? r->issuer : other,
		    (struct jz_server_options){0});
	}
	for (unsigned round = 1; round <= 5; round++) {
		struct letter proof = rig_debit_card(r, &c, AMOUNT);

		race_all(d, &proof, race_proof);
		assert_int_equal(rig_balance(r, &c), round * AMOUNT);
		assert_int_equal(rig_shadow(r, &c), DEPOSIT - round * AMOUNT);
	}
	daemon_free(&d[0]);
	daemon_free(&d[1]);
	jz_issuer_free(&other);
}

static void *
race_report(void *arg)
{
	struct racer *x = arg;
	struct jz_bank *bank = daemon_bank(x->d, TIMEOUT_S);

	x->err = bank->ops->report(bank, letter_span(x->request));
	x->refusal = jz_bank_refusal(bank);
	jz_bank_free(&bank);
	return NULL;
}

/* A card and its copy use one counter, for a load here and an unload there. */
static void
load_or_unload(struct rig *r, const struct daemon d[static 2], unsigned first)
{
	struct fakecard c, copy;
	struct letter permission, request, report, proof;
	struct racer x[2] = {{.d = &d[0]}, {.d = &d[1]}};
	void *(*const how[2])(void *arg) = {race_report, race_proof};
	pthread_t thread[2];
	struct jz_message m;

	rig_card(r, &c, DEPOSIT);
	(void)rig_load(r, &c, AMOUNT);
	copy = c;
	m = fakecard_load_request(&c, 1);
	request = fakecard_sign(&c, &m);
	permission = rig_permit(r, &request);
	m = fakecard_load_report(&c, &permission);
	report = letter_of(&m);
	proof = rig_debit_card(r, &copy, AMOUNT);
	x[0].request = &report;
	x[1].request = &proof;
	for (unsigned k = first; k < first + 2; k++)
		assert_int_equal(
		    pthread_create(&thread[k % 2], NULL, how[k % 2], &x[k % 2]),
		    0);
	for (unsigned k = 0; k < 2; k++)
		assert_int_equal(pthread_join(thread[k], NULL), 0);
	assert_true((x[0].err == 0) != (x[1].err == 0));
	for (unsigned k = 0; k < 2; k++)
		if (x[k].err != 0) {
			assert_int_equal(x[k].err, JZ_ERR_REFUSED);
			assert_int_equal(x[k].refusal, JZ_REFUSAL_CONFLICT);
		}
	assert_int_equal(rig_balance(r, &c),
	    DEPOSIT - AMOUNT - 1 + (x[1].err == 0 ? AMOUNT : 0));
	assert_int_equal(rig_shadow(r, &c), x[1].err == 0 ? 0 : AMOUNT + 1);
}

/* LOD-12: one of them is booked, at whichever daemon, and the other refused. */
static void
test_load_or_unload(void **state)
{
	struct rig *r = *state;
	struct jz_issuer *other = rig_open(r);
	struct daemon d[2];

	for (unsigned k = 0; k < 2; k++) {
		daemon_new(&d[k]);
		daemon_start(&d[k], k == 0 ? r->issuer : other,
		    (struct jz_server_options){0});
	}
	for (unsigned round = 0; round < 6; round++)
		load_or_unload(r, d, round);
	daemon_free(&d[0]);
	daemon_free(&d[1]);
	jz_issuer_free(&other);
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
	    cmocka_unit_test_teardown(test_many_customers, rig_after),
	    cmocka_unit_test_teardown(test_two_daemons, rig_after),
	    cmocka_unit_test_teardown(test_same_load_at_both, rig_after),
	    cmocka_unit_test_teardown(test_same_unload_at_both, rig_after),
	    cmocka_unit_test_teardown(test_load_or_unload, rig_after),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
