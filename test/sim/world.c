/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world is made: the issuer with keys that are the same in every run, its
 * database in memory, and cards that it has certified.
 */
#define _XOPEN_SOURCE 700

#include "sim.h"
#include "../../host/issuer/sql.h"
#include "../../keys/openssl/openssl.h"
#include "../support/gpclient.h"
#include "../support/temp.h"

#include <ftw.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OPEN_FILES 8

#define PASSPHRASE JZ_SECRET("secret")

static int64_t
clock_of(void *arg)
{
	return ((const struct sim *)arg)->now;
}

/* The issuer signs with the keys of the rig's bank, which have a seed. */
static void
put_entry(struct jz_pki_entry *e, const struct bank *b,
    const struct jz_key_pair *key, const struct blob *certificate)
{
	e->key = *key;
	memcpy(e->bytes, certificate->data, certificate->len);
	e->len = certificate->len;
	assert_int_equal(jz_certificate_parse(jz_span(e->bytes, e->len),
			     b->engine.crypto, &e->certificate),
	    0);
}

static void
copy_database(sqlite3 *to, sqlite3 *from)
{
	sqlite3_backup *copy = sqlite3_backup_init(to, "main", from, "main");

	assert_non_null(copy);
	assert_int_equal(sqlite3_backup_step(copy, -1), SQLITE_DONE);
	assert_int_equal(sqlite3_backup_finish(copy), SQLITE_OK);
}

static sqlite3 *
in_memory(sqlite3 *from)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	copy_database(db, from);
	return db;
}

/* A rig's store is SQLite's here, whatever other tests have. */
static sqlite3 *
handle(const struct jz_store *store)
{
	assert_ptr_equal(store->driver, &jz_driver_sqlite);
	return store->connection;
}

struct sqlite3 *
sim_books(const struct sim *s)
{
	return handle(s->issuer->store);
}

struct sqlite3 *
sim_save_books(const struct sim *s)
{
	return in_memory(sim_books(s));
}

void
sim_restore_books(struct sim *s, struct sqlite3 *books)
{
	copy_database(sim_books(s), books);
}

void
sim_free_books(struct sqlite3 **books)
{
	assert_int_equal(sqlite3_close(*books), SQLITE_OK);
	*books = NULL;
}

/* Its database moves into memory: no step waits for a disk. */
static void
into_memory(struct jz_store *store)
{
	sqlite3 *memory;

	for (size_t k = 0; k < JZ_SQL_COUNT; k++) {
		sqlite3_finalize(store->rows[k].made);
		store->rows[k].made = NULL;
	}
	memory = in_memory(handle(store));
	assert_int_equal(sqlite3_close(handle(store)), SQLITE_OK);
	store->connection = memory;
	assert_int_equal(sqlite3_exec(memory,
			     "PRAGMA foreign_keys = ON;"
			     "PRAGMA recursive_triggers = ON",
			     NULL, NULL, NULL),
	    SQLITE_OK);
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
issuer_new(struct sim *s, enum jz_suite suite)
{
	const struct bank *b = &s->rig.bank;
	char dir[96];

	assert_true(temp_new(s->dir, sizeof(s->dir), "jz-sim"));
	snprintf(dir, sizeof(dir), "%s/bank", s->dir);
	assert_int_equal(
	    jz_issuer_create_suite(dir, PASSPHRASE, BANK_CURRENCY, suite), 0);
	assert_int_equal(jz_issuer_open(dir, PASSPHRASE, &s->issuer), 0);
	into_memory(s->issuer->store);
	nftw(s->dir, remove_entry, OPEN_FILES, FTW_DEPTH | FTW_PHYS);
	s->issuer->engine = s->rig.engine;
	put_entry(&s->issuer->pki.root, b, &b->root, &b->root_certificate);
	put_entry(&s->issuer->pki.ca, b, &b->ca, &b->ca_certificate);
	put_entry(&s->issuer->pki.host, b, &b->host, &b->host_certificate);
	jz_issuer_set_clock(s->issuer, clock_of, s);
}

void
sim_new(struct sim *s, enum jz_suite suite)
{
	memset(s, 0, sizeof(*s));
	s->now = RIG_NOW;
	rig_new_seeded_of(&s->rig, suite);
	s->rig.loose = true; /* thousands of steps a second */
	issuer_new(s, suite);
	s->empty = sim_save_books(s);
	s->position = memo_position(s->rig.memo);
}

void
sim_clear(struct sim *s)
{
	while (s->n > 0)
		rig_card_free(&s->card[--s->n].rig);
	memset(s->card, 0, sizeof(s->card));
	sim_restore_books(s, s->empty);
	memo_rewind(s->rig.memo, s->position);
	s->now = RIG_NOW;
	s->total = s->facts = s->loads = s->trace.len = s->steps = 0;
	s->wrong[0] = '\0';
}

void
sim_free(struct sim *s)
{
	for (unsigned i = 0; i < s->n; i++)
		rig_card_free(&s->card[i].rig);
	sim_free_books(&s->empty);
	jz_issuer_free(&s->issuer);
	rig_free(&s->rig);
	free(s->fact);
	free(s->load);
	free(s->trace.data);
	memset(s, 0, sizeof(*s));
}

/* FF71 as the issuer's counter gives it. */
static struct blob
parameters_of(const struct sim_card *c, const struct sim_terms *t,
    const uint8_t asn[static 10], bool encrypted)
{
	struct profile p = profile_of((const char *)c->id);
	char id[JZ_ID_BYTES + 1] = "";
	struct blob plain, out;
	struct jz_message m;
	struct jz_buffer b = jz_buffer(out.data, sizeof(out.data));

	memcpy(id, c->id, JZ_ID_BYTES);
	p.id = id;
	p.max_balance = t->max_balance;
	p.max_single = t->max_single;
	p.pin_above = t->pin_above;
	p.max_offline_sum = t->max_offline_sum;
	p.max_offline_count = t->max_offline_count;
	p.profile = encrypted ? JZ_PROFILE_ENCRYPTED : JZ_PROFILE_CLEAR;
	plain = bank_parameters(&p);
	assert_int_equal(
	    jz_message_decode(blob_span(&plain), JZ_KIND_PERSONALISATION, &m),
	    0);
	m.account = jz_span(c->account, strlen(c->account));
	m.identity = m.account;
	memcpy(m.asn, asn, sizeof(m.asn));
	assert_int_equal(jz_message_encode(&m, JZ_SIGNED, &b), 0);
	out.len = b.len;
	return out;
}

static void
personalise(struct sim *s, struct sim_card *c, const struct sim_terms *t)
{
	const struct bank *b = &s->rig.bank;
	uint8_t point[JZ_POINT_BYTES], asn[10];
	struct blob own, parameters;
	struct jz_buffer out = jz_buffer(own.data, sizeof(own.data));
	struct gp g;

	assert_int_equal(bank_begin(b, &c->rig->port, &g), JZ_SW_OK);
	assert_int_equal(bank_generate(&g, 0, point), JZ_SW_OK);
	assert_int_equal(
	    jz_issuer_certify(s->issuer, c->account, c->account, point,
		c->payee_only ? JZ_FLAG_PAYEE_ONLY : 0, c->id, asn, &out),
	    0);
	own.len = out.len;
	parameters = parameters_of(c, t, asn, s->encrypted);
	const struct blob *const objects[] = {&b->root_certificate,
	    &b->ca_certificate, &b->host_certificate, &own, &parameters};

	for (uint8_t i = 0; i < 5; i++)
		assert_int_equal(
		    bank_store(&g, i + 1, objects[i], i == 4), JZ_SW_OK);
	assert_int_equal(port_select(&c->rig->port), JZ_SW_OK);
}

unsigned
sim_add(struct sim *s, const struct sim_terms *terms, bool payee_only)
{
	struct sim_card *c = &s->card[s->n];

	assert_true(s->n < SIM_CARDS_MAX);
	c->name = (char)('A' + s->n);
	c->payee_only = payee_only;
	snprintf(c->account, sizeof(c->account), SIM_ACCOUNT "%c", c->name);
	assert_int_equal(
	    jz_issuer_account_open(s->issuer, c->account, c->account), 0);
	assert_int_equal(
	    jz_issuer_deposit(s->issuer, c->account, SIM_DEPOSIT), 0);
	s->total += SIM_DEPOSIT;
	c->rig = rig_empty_purse_new(&s->rig, true);
	personalise(s, c, terms);
	return s->n++;
}

void
sim_begin_trace(struct sim *s)
{
	uint64_t loaded = 0;

	s->trace.len = 0;
	for (unsigned i = 0; i < s->n; i++)
		loaded += sim_purse(s, i)->balance;
	/* Exceptions are records of the log here. */
	sim_say(s, "limits %d %d %d\n", JZ_PURSE_PENDING, JZ_PURSE_RECORDS,
	    JZ_PURSE_RECORDS);
	sim_say(s, "account %llu\n", (unsigned long long)(s->total - loaded));
	for (unsigned i = 0; i < s->n; i++) {
		const struct purse_nvm *p = sim_purse(s, i);

		sim_say(s, "card %c %llu %llu %u %u\n", s->card[i].name,
		    (unsigned long long)p->balance,
		    (unsigned long long)p->max_balance, p->offline_counter,
		    p->online_counter);
	}
}

void
sim_set_time(struct sim *s, int64_t now)
{
	s->now = now;
	for (unsigned i = 0; i < s->n; i++)
		rig_set_time(s->card[i].rig, now);
}

unsigned
sim_find(const struct sim *s, const uint8_t *id)
{
	unsigned i = 0;

	while (i < s->n && memcmp(s->card[i].id, id, JZ_ID_BYTES) != 0)
		i++;
	return i;
}
