/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An issuer with one account, and two purses bound to it.
 */
#define _XOPEN_SOURCE 700

#include "world.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"
#include "../support/temp.h"

#define PIN	   JZ_SECRET("123456")
#define DEPOSIT	   1000000u
#define MAX_MINOR  500000u
#define OPEN_FILES 8

static const uint8_t TERMINAL[JZ_TERMINAL_BYTES] = {0, 0, 0, 0, 0, 1};

void
world_path(
    const struct world *w, const char *name, char out[static WORLD_PATH_MAX])
{
	(void)snprintf(out, WORLD_PATH_MAX, "%.80s/%.40s", w->dir, name);
}

int
world_card(struct world *w, struct jz_virtual **card, struct world_card *out)
{
	const struct jz_personal p = {
	    .holder = WORLD_ACCOUNT,
	    .account = WORLD_ACCOUNT,
	    .pin = PIN,
	    .currency = WORLD_CURRENCY,
	    .max_balance_minor = MAX_MINOR,
	    .max_single_minor = MAX_MINOR,
	    .pin_above_minor = MAX_MINOR,
	};
	uint8_t id[JZ_ID_BYTES];
	unsigned tries;
	int e;

	out->card = *card;
	e = jz_reader_take_virtual(card, &out->reader);
	if (e != 0)
		return e;
	jz_session_init(&out->session, out->reader);
	e = jz_purse_select(&out->session);
	if (e == 0)
		e = jz_personalise(&out->session, w->issuer, &p, id);
	if (e == 0)
		e = jz_purse_verify_pin(&out->session, PIN, &tries);
	if (e == 0)
		e = jz_load(&out->session, w->issuer, WORLD_LOADED, TERMINAL);
	return e;
}

void
world_card_free(struct world_card *c)
{
	jz_reader_free(&c->reader);
}

int
world_new(struct world *w, enum jz_suite suite)
{
	const struct jz_secret *passphrase = WORLD_PASSPHRASE;
	const struct jz_virtual_options in_memory = {.suite = suite};
	struct jz_virtual *card = NULL;
	int e;

	memset(w, 0, sizeof(*w));
	w->suite = suite;
	w->suite_name = suite == JZ_SUITE_GM ? "gm" : "nist";
	if (!temp_new(w->dir, sizeof(w->dir), "jz-bench"))
		return JZ_ERR_SYSTEM;
	world_path(w, "issuer", w->issuer_dir);
	e = jz_issuer_create_suite(
	    w->issuer_dir, passphrase, WORLD_CURRENCY, suite);
	if (e == 0)
		e = jz_issuer_open(w->issuer_dir, passphrase, &w->issuer);
	if (e == 0)
		e = jz_issuer_account_open(
		    w->issuer, WORLD_ACCOUNT, WORLD_ACCOUNT);
	if (e == 0)
		e = jz_issuer_deposit(w->issuer, WORLD_ACCOUNT, DEPOSIT);
	if (e == 0)
		e = jz_virtual_create(&in_memory, &card);
	if (e == 0)
		e = world_card(w, &card, &w->payer);
	if (e == 0)
		e = jz_virtual_create(&in_memory, &card);
	if (e == 0)
		e = world_card(w, &card, &w->payee);
	return e;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

void
world_free(struct world *w)
{
	world_card_free(&w->payer);
	world_card_free(&w->payee);
	jz_issuer_free(&w->issuer);
	if (w->dir[0] != '\0')
		(void)nftw(
		    w->dir, remove_one, OPEN_FILES, FTW_DEPTH | FTW_PHYS);
}

/* ---- cryptography alone -------------------------------------------------- */

static const uint8_t MESSAGE[JZ_HASH_BYTES] = {1};

int
world_keys_new(struct world_keys *k, enum jz_suite suite)
{
	const struct jz_span part = jz_span(MESSAGE, sizeof(MESSAGE));
	int e = jz_openssl_new(suite, &k->engine);

	if (e == 0)
		e = k->engine.crypto->generate(k->engine.state, &k->key);
	if (e == 0)
		e = k->engine.crypto->sign(
		    k->engine.state, &k->key, &part, 1, k->signature);
	return e;
}

void
world_keys_free(struct world_keys *k)
{
	jz_openssl_free(&k->engine);
}

int
world_crypto(struct world_keys *k, const struct world_list *list)
{
	const struct jz_crypto *c = k->engine.crypto;
	const struct jz_span part = jz_span(MESSAGE, sizeof(MESSAGE));
	void *state = k->engine.state;
	struct jz_key_pair ephemeral;
	uint8_t out[JZ_SIG_BYTES], shared[JZ_HASH_BYTES];
	int e = 0;

	for (unsigned i = 0; i < list->signatures && e == 0; i++)
		e = c->sign(state, &k->key, &part, 1, out);
	for (unsigned i = 0; i < list->verifications && e == 0; i++)
		e = c->verify(state, k->key.public_key, &part, 1, k->signature);
	for (unsigned i = 0; i < list->key_pairs && e == 0; i++)
		e = c->generate(state, &ephemeral);
	for (unsigned i = 0; i < list->agreements && e == 0; i++)
		e = c->agree(
		    state, k->key.private_key, k->key.public_key, shared);
	return e;
}
