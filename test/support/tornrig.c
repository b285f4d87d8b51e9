/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cards in memory behind a reader that loses what it is told to lose, and a
 * bank in a directory of its own.
 */
#define _XOPEN_SOURCE 700

#include "tornrig.h"
#include "cardrig.h"
#include "suite.h"
#include "temp.h"

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

const uint8_t TORN_TERMINAL[JZ_TERMINAL_BYTES] = {0, 0, 0, 0, 0, 1};
static const struct jz_secret PASSPHRASE = {
    {"canary of a torn world 2c77"}, 27};

const struct jz_secret *
torn_passphrase(void)
{
	return &PASSPHRASE;
}

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
card_of(struct torn *t, bool key)
{
	const struct jz_virtual_options in_memory = {
	    .strict = rig_can_be_strict(), .panel = key, .suite = test_suite()};

	memset(t, 0, sizeof(*t));
	t->key = key;
	assert_int_equal(jz_virtual_create(&in_memory, &t->card), 0);
	assert_int_equal(jz_reader_take("torn:", &OPS, t, &t->reader), 0);
	jz_session_init(&t->session, t->reader);
	assert_int_equal(jz_purse_select(&t->session), 0);
}

static void
card_new(struct torn *t)
{
	card_of(t, false);
}

void
torn_new_card(struct torn *t)
{
	jz_reader_free(&t->reader);
	card_new(t);
}

void
torn_new_key(struct torn *t)
{
	jz_reader_free(&t->reader);
	card_of(t, true);
}

void
torn_cut_at(struct torn *t, unsigned n, bool carried_out)
{
	t->count = 0;
	t->cut = n;
	t->carried_out = carried_out;
}

bool
torn_was_cut(struct torn *t)
{
	bool yes = t->cut != 0 && t->count >= t->cut;

	t->cut = 0;
	assert_int_equal(jz_purse_select(&t->session), 0);
	return yes;
}

/* ---- the bank ----------------------------------------------------------- */

int
world_personalise(struct world *w, struct torn *t, const char *account)
{
	const struct jz_personal p = {.holder = account,
	    .account = account,
	    .pin = TORN_PIN,
	    .currency = TORN_CNY,
	    .max_balance_minor = 500000,
	    .max_single_minor = 500000,
	    .sealed_loads = t->sealed,
	    .confirm_loads = t->key,
	    .confirm_payments = t->key};
	uint8_t id[JZ_ID_BYTES];

	return jz_personalise(&t->session, w->issuer, &p, id);
}

int
world_load(struct world *w, struct torn *t, uint64_t amount)
{
	unsigned tries;
	int err = jz_purse_verify_pin(&t->session, TORN_PIN, &tries);

	return err != 0
	    ? err
	    : jz_load(&t->session, w->issuer, amount, TORN_TERMINAL);
}

uint64_t
torn_balance(struct torn *t)
{
	uint64_t minor;

	assert_int_equal(jz_purse_balance(&t->session, &minor), 0);
	return minor;
}

struct jz_books
world_books(struct world *w)
{
	struct jz_books b;

	assert_int_equal(jz_issuer_books(w->issuer, &b), 0);
	assert_true(b.balanced);
	assert_int_equal(b.cash, w->cash);
	assert_int_equal(
	    b.cash, b.accounts + b.cards + b.transit_load + b.transit_payment);
	return b;
}

void
world_assert_settled(struct world *w)
{
	struct jz_settle_result r;
	struct jz_books b;

	assert_int_equal(jz_settle(&w->alice.session, w->issuer, &r), 0);
	assert_int_equal(jz_settle(&w->bob.session, w->issuer, &r), 0);
	b = world_books(w);
	assert_int_equal(b.transit_load, 0);
	assert_int_equal(b.transit_payment, 0);
	assert_int_equal(
	    b.cards, torn_balance(&w->alice) + torn_balance(&w->bob));
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

void
world_customer(struct world *w, const char *account, uint64_t deposit)
{
	assert_int_equal(
	    jz_issuer_account_open(w->issuer, account, account), 0);
	assert_int_equal(jz_issuer_deposit(w->issuer, account, deposit), 0);
	w->cash += (int64_t)deposit;
}

void
world_new(struct world *w)
{
	assert_true(temp_new(w->dir, sizeof(w->dir), "jz-torn"));
	assert_int_equal(rmdir(w->dir), 0);
	assert_int_equal(
	    jz_issuer_create_suite(w->dir, &PASSPHRASE, TORN_CNY, test_suite()),
	    0);
	assert_int_equal(jz_issuer_open(w->dir, &PASSPHRASE, &w->issuer), 0);
	w->cash = 0;
	world_customer(w, "alice", TORN_DEPOSIT);
	world_customer(w, "bob", TORN_DEPOSIT);
	card_new(&w->alice);
	card_new(&w->bob);
}

void
world_remove(const char *dir)
{
	char keys[104];

	snprintf(keys, sizeof(keys), "%.90s/keys", dir);
	remove_all(keys);
	remove_all(dir);
	assert_int_not_equal(access(dir, F_OK), 0);
}

void
world_free(struct world *w)
{
	jz_reader_free(&w->alice.reader);
	jz_reader_free(&w->bob.reader);
	jz_issuer_free(&w->issuer);
	world_remove(w->dir);
}
