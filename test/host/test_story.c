/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole transactions over real purses and a real issuer, with the card torn
 * from its power at every command, before it is carried out and after.
 *
 * What must hold each time: no value is created (ALL-1), all of it is
 * accounted for (ALL-2), and doing the same again finishes the work.
 */
#define _XOPEN_SOURCE 700

#include "../../host/pay.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../reader/virtual.h"

#define CNY	 156
#define DEPOSIT	 1000000
#define LOADED	 10000
#define PIN	 "123456"
#define CUTS_MAX 64u /* more commands than any transaction has */

static const uint8_t TERMINAL[JZ_TERMINAL_BYTES] = {0, 0, 0, 0, 0, 1};
static const struct jz_span PASSPHRASE = {(const uint8_t *)"secret", 6};

/* A virtual card in memory, whose reader can lose one exchange. */
struct torn {
	struct jz_virtual *card;
	unsigned count;	  /* commands so far */
	unsigned cut;	  /* the one to lose, from 1; 0: none */
	bool carried_out; /* lose the answer, not the command */
	struct jz_reader *reader;
	struct jz_session session;
};

static int
transmit(void *state, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp,
    size_t *rsp_len)
{
	struct torn *t = state;
	bool cut = ++t->count == t->cut;
	size_t n = *rsp_len;

	if (!cut || t->carried_out)
		n = jz_virtual_process(t->card, cmd, cmd_len, rsp, n);
	if (cut) {
		jz_virtual_reset(t->card);
		return JZ_ERR_CARD_RESET;
	}
	*rsp_len = n;
	return 0;
}

static int
reset(void *state, bool cold)
{
	struct torn *t = state;

	(void)cold;
	jz_virtual_reset(t->card);
	return 0;
}

static struct jz_span
atr(void *state)
{
	struct torn *t = state;

	return jz_virtual_atr(t->card);
}

static void
release(void *state)
{
	struct torn *t = state;

	jz_virtual_free(&t->card);
}

static const struct jz_reader_ops OPS = {
    .scheme = "torn",
    .transmit = transmit,
    .reset = reset,
    .atr = atr,
    .close = release,
};

static void
card_new(struct torn *t)
{
	const struct jz_virtual_options in_memory = {NULL, NULL, NULL};

	memset(t, 0, sizeof(*t));
	assert_int_equal(jz_virtual_create(&in_memory, &t->card), 0);
	assert_int_equal(jz_reader_take("torn:", &OPS, t, &t->reader), 0);
	jz_session_init(&t->session, t->reader);
	assert_int_equal(jz_purse_select(&t->session), 0);
}

/* The next cut: command n of what follows. */
static void
cut_at(struct torn *t, unsigned n, bool carried_out)
{
	t->count = 0;
	t->cut = n;
	t->carried_out = carried_out;
}

/* Whether the cut came; from now on there is none. */
static bool
was_cut(struct torn *t)
{
	bool yes = t->cut != 0 && t->count >= t->cut;

	t->cut = 0;
	assert_int_equal(jz_purse_select(&t->session), 0);
	return yes;
}

/* ---- the bank ----------------------------------------------------------- */

struct world {
	char dir[64];
	struct jz_issuer *issuer;
	struct torn alice, bob;
};

static int
personalise(struct world *w, struct torn *t, const char *account)
{
	const struct jz_personal p = {.holder = account,
	    .account = account,
	    .pin = PIN,
	    .currency = CNY,
	    .max_balance_minor = 500000,
	    .max_single_minor = 500000};
	uint8_t id[JZ_ID_BYTES];

	return jz_personalise(&t->session, w->issuer, &p, id);
}

static int
load(struct world *w, struct torn *t)
{
	unsigned tries;
	int err = jz_purse_verify_pin(&t->session, PIN, &tries);

	return err != 0 ? err
			: jz_load(&t->session, w->issuer, LOADED, TERMINAL);
}

static uint64_t
balance(struct torn *t)
{
	uint64_t minor;

	assert_int_equal(jz_purse_balance(&t->session, &minor), 0);
	return minor;
}

static struct jz_books
books(struct world *w)
{
	struct jz_books b;

	assert_int_equal(jz_issuer_books(w->issuer, &b), 0);
	assert_true(b.balanced);
	assert_int_equal(b.cash, 2 * DEPOSIT);
	assert_int_equal(
	    b.cash, b.accounts + b.cards + b.transit_load + b.transit_payment);
	return b;
}

/* Both cards have settled: shadows are balances, nothing is in transit. */
static void
assert_settled(struct world *w)
{
	struct jz_settle_result r;
	struct jz_books b;

	assert_int_equal(jz_settle(&w->alice.session, w->issuer, &r), 0);
	assert_int_equal(jz_settle(&w->bob.session, w->issuer, &r), 0);
	b = books(w);
	assert_int_equal(b.transit_load, 0);
	assert_int_equal(b.transit_payment, 0);
	assert_int_equal(b.cards, balance(&w->alice) + balance(&w->bob));
}

static void
remove_all(const char *dir)
{
	char path[512];
	struct dirent *e;
	DIR *d = opendir(dir);

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (unlink(path) != 0)
			(void)rmdir(path);
	}
	closedir(d);
	(void)rmdir(dir);
}

static void
world_new(struct world *w)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(w->dir, sizeof(w->dir), "%.40s/jz-story-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(rmdir(w->dir), 0);
	assert_int_equal(jz_issuer_create(w->dir, PASSPHRASE, CNY), 0);
	assert_int_equal(jz_issuer_open(w->dir, PASSPHRASE, &w->issuer), 0);
	assert_int_equal(
	    jz_issuer_account_open(w->issuer, "alice", "alice"), 0);
	assert_int_equal(jz_issuer_account_open(w->issuer, "bob", "bob"), 0);
	assert_int_equal(jz_issuer_deposit(w->issuer, "alice", DEPOSIT), 0);
	assert_int_equal(jz_issuer_deposit(w->issuer, "bob", DEPOSIT), 0);
	card_new(&w->alice);
	card_new(&w->bob);
}

static void
world_free(struct world *w)
{
	char keys[80];

	jz_reader_free(&w->alice.reader);
	jz_reader_free(&w->bob.reader);
	jz_issuer_free(&w->issuer);
	snprintf(keys, sizeof(keys), "%s/keys", w->dir);
	remove_all(keys);
	remove_all(w->dir);
	assert_int_not_equal(access(w->dir, F_OK), 0);
}

/* ---- the stories -------------------------------------------------------- */

static const struct jz_terms TERMS = {2500, CNY, 1769903999, "noodles"};

static int
pay(struct world *w, struct jz_pay_result *r)
{
	unsigned tries;
	int err = jz_purse_verify_pin(&w->alice.session, PIN, &tries);

	return err != 0
	    ? err
	    : jz_pay(&w->alice.session, &w->bob.session, &TERMS, r, NULL, NULL);
}

/* OFP-1 to OFP-6, OFP-10, LOD-4 to LOD-7. */
static void
test_nothing_goes_wrong(void **state)
{
	struct jz_settle_result s;
	struct jz_pay_result r;
	struct world w = {0};

	(void)state;
	world_new(&w);
	assert_int_equal(personalise(&w, &w.alice, "alice"), 0);
	assert_int_equal(personalise(&w, &w.bob, "bob"), 0);
	assert_int_equal(personalise(&w, &w.bob, "bob"), JZ_ERR_STATE);
	assert_int_equal(load(&w, &w.alice), 0);
	assert_int_equal(pay(&w, &r), 0);
	assert_int_equal(balance(&w.alice), LOADED - 2500);
	assert_int_equal(balance(&w.bob), 2500);
	assert_int_equal(books(&w).cards, LOADED);
	assert_int_equal(jz_settle(&w.alice.session, w.issuer, &s), 0);
	assert_int_equal(s.records, 2);
	assert_int_equal(books(&w).transit_payment, 2500);
	assert_settled(&w);
	world_free(&w);
}

static void
test_personalisation_is_cut(void **state)
{
	unsigned n;

	(void)state;
	for (n = 1; n < CUTS_MAX; n += 2) {
		struct world w = {0};
		bool cut;
		int err;

		world_new(&w);
		cut_at(&w.alice, n, (n & 2) != 0);
		err = personalise(&w, &w.alice, "alice");
		cut = was_cut(&w.alice);
		assert_int_equal(err != 0, cut);
		/* Done after all: the answer to the last command was lost. */
		err = cut ? personalise(&w, &w.alice, "alice") : 0;
		assert_true(err == 0 || err == JZ_ERR_STATE);
		assert_int_equal(load(&w, &w.alice), 0);
		books(&w);
		world_free(&w);
		if (!cut)
			break;
	}
	assert_true(n > 8 && n < CUTS_MAX);
}

/* Money is on the card once or not at all; the same again puts it there. */
static void
load_cut_at(struct world *w, unsigned n, bool carried_out, bool *cut)
{
	uint64_t before = balance(&w->alice), after;
	int err;

	cut_at(&w->alice, n, carried_out);
	err = load(w, &w->alice);
	*cut = was_cut(&w->alice);
	after = balance(&w->alice);
	books(w);
	if (err != 0) {
		assert_int_equal(after, before);
		assert_int_equal(load(w, &w->alice), 0);
	}
	assert_int_equal(balance(&w->alice), before + LOADED);
	assert_int_equal(books(w).transit_load, 0);
}

static void
test_load_is_cut(void **state)
{
	struct world w = {0};
	bool cut = true;
	unsigned n;

	(void)state;
	world_new(&w);
	assert_int_equal(personalise(&w, &w.alice, "alice"), 0);
	assert_int_equal(personalise(&w, &w.bob, "bob"), 0);
	for (n = 1; cut && n < CUTS_MAX; n++) {
		load_cut_at(&w, n, false, &cut);
		load_cut_at(&w, n, true, &cut);
	}
	assert_true(n > 3 && n < CUTS_MAX);
	assert_settled(&w);
	world_free(&w);
}

/* Torn on one card at one command: paid, or not; never half. */
static bool
pay_cut_at(struct world *w, struct torn *t, unsigned n, bool carried_out)
{
	uint64_t payer = balance(&w->alice), payee = balance(&w->bob);
	struct jz_pay_result r;
	bool cut, paid;
	int err;

	cut_at(t, n, carried_out);
	err = pay(w, &r);
	cut = was_cut(t);
	paid = balance(&w->alice) != payer;
	assert_int_equal(balance(&w->alice) + balance(&w->bob), payer + payee);
	assert_int_equal(balance(&w->bob), payee + (paid ? 2500 : 0));
	if (err == 0 || r.step == JZ_STEP_ACKNOWLEDGE)
		assert_true(paid);
	if (!paid) {
		assert_int_equal(pay(w, &r), 0);
		assert_int_equal(balance(&w->bob), payee + 2500);
	}
	return cut;
}

static void
test_payment_is_cut(void **state)
{
	struct world w = {0};
	bool cut = true;
	unsigned n;

	(void)state;
	world_new(&w);
	assert_int_equal(personalise(&w, &w.alice, "alice"), 0);
	assert_int_equal(personalise(&w, &w.bob, "bob"), 0);
	for (n = 0; n < 10; n++)
		assert_int_equal(load(&w, &w.alice), 0);
	for (n = 1; cut && n < CUTS_MAX; n++) {
		cut = pay_cut_at(&w, &w.alice, n, false);
		cut = pay_cut_at(&w, &w.alice, n, true) || cut;
		cut = pay_cut_at(&w, &w.bob, n, false) || cut;
		cut = pay_cut_at(&w, &w.bob, n, true) || cut;
		assert_settled(&w);
	}
	assert_true(n > 4 && n < CUTS_MAX);
	world_free(&w);
}

/* Each record is posted once, whenever the card was torn off. */
static void
test_settlement_is_cut(void **state)
{
	struct jz_settle_result s;
	struct jz_pay_result r;
	struct world w = {0};
	bool cut = true;
	unsigned n;

	(void)state;
	world_new(&w);
	assert_int_equal(personalise(&w, &w.alice, "alice"), 0);
	assert_int_equal(personalise(&w, &w.bob, "bob"), 0);
	for (n = 0; n < 10; n++)
		assert_int_equal(load(&w, &w.alice), 0);
	for (n = 1; cut && n < CUTS_MAX; n++) {
		assert_int_equal(pay(&w, &r), 0);
		cut_at(&w.alice, n, (n & 1) != 0);
		assert_int_equal(jz_settle(&w.alice.session, w.issuer, &s) != 0,
		    was_cut(&w.alice));
		cut_at(&w.bob, n, (n & 1) == 0);
		(void)jz_settle(&w.bob.session, w.issuer, &s);
		cut = was_cut(&w.bob);
		books(&w);
		assert_settled(&w);
	}
	assert_true(n > 5 && n < CUTS_MAX);
	world_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing_goes_wrong),
	    cmocka_unit_test(test_personalisation_is_cut),
	    cmocka_unit_test(test_load_is_cut),
	    cmocka_unit_test(test_payment_is_cut),
	    cmocka_unit_test(test_settlement_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
