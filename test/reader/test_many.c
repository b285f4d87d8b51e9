/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many cards in one process: what one more of them takes, that each works, and
 * snapshots and forks, of which they are made.
 */
#define _GNU_SOURCE

#include "../../reader/virtual.h"

#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"
#include "../support/bank.h"
#include "../support/heap.h"
#include "../support/payment.h"
#include "../support/temp.h"

#define CARDS	   1000u
#define WORKING	   100u
#define FILES	   40u
#define CARD_BYTES 16384u /* one more card, personalised */
#define RECORDS	   32u
#define NOW	   INT64_C(1769904000)
#define PIN	   "123456"
#define PAYER_ID   "CN00000000100001"
#define PAYEE_ID   "CN00000000200001"
#define FUNDS	   500000u
#define AMOUNT	   7u
#define HASH_BYTES 32
#define FILE_MAX   (256u * 1024u)

struct many {
	char dir[PATH_MAX / 4];
	char path[PATH_MAX / 2], key[PATH_MAX / 2];
	char copy[FILES][PATH_MAX / 2];
	struct jz_engine engine;
	struct bank bank;
	struct jz_virtual_pool *pool;
	struct jz_virtual_options options; /* compact, of the pool */
	struct jz_virtual *payer, *payee;  /* personalised, funded */
	struct port payer_port, payee_port;
	struct jz_virtual *card[CARDS];
};

/* ---- flushes of the disk, seen from below ------------------------------- */

static unsigned flushes, flushes_of_all;
static bool flush_fails;

/* In the place of the C library's. */
int
fdatasync(int fd)
{
	flushes++;
	return (int)syscall(SYS_fdatasync, fd);
}

int
syncfs(int fd)
{
	flushes_of_all++;
	return flush_fails ? -1 : (int)syscall(SYS_syncfs, fd);
}

/* ---- cards -------------------------------------------------------------- */

static size_t
transmit(void *state, const uint8_t *cmd, size_t len, uint8_t *rsp, size_t cap)
{
	return jz_virtual_process(state, cmd, len, rsp, cap);
}

static struct port
port_of(struct jz_virtual *v)
{
	return (struct port){transmit, v};
}

/* A personalised card with funds, the purse selected. */
static struct jz_virtual *
card_of(struct many *m, const struct jz_virtual_options *o, const char *id)
{
	const struct profile profile = profile_of(id);
	struct jz_virtual *v = NULL;
	struct port port;

	assert_int_equal(jz_virtual_create(o, &v), 0);
	port = port_of(v);
	assert_int_equal(bank_personalise(&m->bank, &port, &profile), JZ_SW_OK);
	assert_int_equal(port_select(&port), JZ_SW_OK);
	assert_int_equal(bank_load(&m->bank, &port, PIN, FUNDS), JZ_SW_OK);
	return v;
}

static int
setup(void **state)
{
	struct many *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	*state = m;
	assert_true(temp_new(m->dir, sizeof(m->dir), "jiaozi-many"));
	snprintf(m->path, sizeof(m->path), "%s/a.card", m->dir);
	snprintf(m->key, sizeof(m->key), "%s/a.card.key", m->dir);
	assert_int_equal(jz_openssl_new(JZ_SUITE_NIST, &m->engine), 0);
	bank_new(&m->bank, &m->engine, NOW);
	assert_int_equal(jz_virtual_pool_new(&m->pool), 0);
	m->options.pool = m->pool;
	m->options.compact = true;
	m->payer = card_of(m, &m->options, PAYER_ID);
	m->payee = card_of(m, &m->options, PAYEE_ID);
	m->payer_port = port_of(m->payer);
	m->payee_port = port_of(m->payee);
	return 0;
}

static int
teardown(void **state)
{
	struct many *m = *state;
	struct dirent *d;
	DIR *dir = opendir(m->dir);

	for (unsigned i = 0; i < CARDS; i++)
		jz_virtual_free(&m->card[i]);
	jz_virtual_free(&m->payer);
	jz_virtual_free(&m->payee);
	jz_virtual_pool_free(&m->pool);
	assert_null(m->pool);
	jz_openssl_free(&m->engine);
	assert_non_null(dir);
	while ((d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.')
			unlinkat(dirfd(dir), d->d_name, 0);
	closedir(dir);
	assert_int_equal(rmdir(m->dir), 0);
	free(m);
	return 0;
}

static void
hash_of(const struct jz_virtual *v, uint8_t out[HASH_BYTES])
{
	assert_int_equal(jz_virtual_image_hash(v, out), 0);
}

static void
pay(const struct port *payee, const struct port *payer)
{
	struct payment p = payment_of(payee, payer, AMOUNT, NOW);

	assert_int_equal(payment_run(&p, STEP_ACKNOWLEDGE), JZ_SW_OK);
}

static size_t
free_record(struct many *m)
{
	const struct jz_message info = port_info(&m->payee_port);

	return info.capacity - info.count;
}

/* Room in the payee's log for one more payment. */
static void
make_room(struct many *m)
{
	uint32_t n;

	if (free_record(m) == 0)
		assert_int_equal(
		    bank_settle(&m->bank, &m->payee_port, &n), JZ_SW_OK);
}

static void
heap_or_skip(void)
{
	if (heap_known())
		return;
	print_message("the allocator does not tell what is taken\n");
	skip();
}

/* Heap that each of n cards takes, made by make(). */
static size_t
each_takes(struct many *m, unsigned n,
    void (*make)(struct many *, unsigned, void *), void *arg)
{
	size_t before = heap_taken(), with;

	for (unsigned i = 0; i < n; i++)
		make(m, i, arg);
	with = heap_taken();
	assert_true(with > before);
	return (with - before + n - 1) / n;
}

static void
make_fork(struct many *m, unsigned i, void *snapshot)
{
	assert_int_equal(
	    jz_virtual_fork(&m->options, snapshot, &m->card[i]), 0);
}

/* Forks of the payer pay the payee, one after the other. */
static void
pay_each(struct many *m, unsigned n)
{
	const uint32_t before = port_balance(&m->payee_port);

	for (unsigned i = 0; i < n; i++) {
		const struct port port = port_of(m->card[i]);

		make_room(m);
		pay(&m->payee_port, &port);
		assert_int_equal(port_balance(&port), FUNDS - AMOUNT);
	}
	assert_int_equal(port_balance(&m->payee_port), before + n * AMOUNT);
}

static void
test_a_thousand_cards_work_in_one_process(void **state)
{
	struct many *m = *state;
	struct jz_virtual_snapshot *s = NULL;

	assert_int_equal(jz_virtual_save(m->payer, &s), 0);
	for (unsigned i = 0; i < CARDS; i++)
		make_fork(m, i, s);
	jz_virtual_snapshot_free(&s);
	assert_null(s);
	pay_each(m, CARDS);
}

/* One more card, personalised, with 32 records of room: 16 KiB of heap, and no
 * more when it has worked. */
static void
test_one_more_card_takes_16_kib(void **state)
{
	struct many *m = *state;
	struct jz_virtual_snapshot *s = NULL;
	size_t bytes, before;

	heap_or_skip();
	assert_int_equal(port_info(&m->payer_port).capacity, RECORDS);
	assert_int_equal(jz_virtual_save(m->payer, &s), 0);
	bytes = each_takes(m, CARDS, make_fork, s);
	jz_virtual_snapshot_free(&s);
	print_message("one more card: %zu bytes\n", bytes);
	assert_true(bytes <= CARD_BYTES);
	before = heap_taken();
	pay_each(m, WORKING);
	/* What OpenSSL keeps for itself is not the cards'. */
	assert_true(heap_taken() <= before + WORKING * (CARD_BYTES - bytes));
}

/* A log of 32 records that are all evidence: both sides' signatures. */
static void
test_a_compact_card_has_room_for_32_records(void **state)
{
	struct many *m = *state;
	uint32_t n = 0;

	for (unsigned left = (unsigned)free_record(m); left > 0; left--) {
		uint32_t settled;

		pay(&m->payee_port, &m->payer_port);
		assert_int_equal(
		    bank_settle(&m->bank, &m->payer_port, &settled), JZ_SW_OK);
	}
	assert_int_equal(port_info(&m->payee_port).count, RECORDS);
	assert_int_equal(bank_settle(&m->bank, &m->payee_port, &n), JZ_SW_OK);
	assert_int_equal(n, RECORDS);
}

/* ---- files -------------------------------------------------------------- */

static void
copy_file(const char *from, const char *to)
{
	static uint8_t bytes[FILE_MAX];
	FILE *f = fopen(from, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(bytes, 1, sizeof(bytes), f);
	assert_int_equal(fclose(f), 0);
	assert_true(n > 0 && n < sizeof(bytes));
	f = fopen(to, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* A copy of the card in m->path, under the same key. */
static struct jz_virtual_options
copy_card(struct many *m, unsigned i)
{
	struct jz_virtual_options o = m->options;
	char path[PATH_MAX / 2];

	snprintf(path, sizeof(path), "%s/%u.card", m->dir, i);
	memcpy(m->copy[i], path, sizeof(path));
	copy_file(m->path, m->copy[i]);
	o.path = m->copy[i];
	o.key_path = m->key;
	return o;
}

static void
open_copy(struct many *m, unsigned i, void *arg)
{
	const struct jz_virtual_options o = copy_card(m, i);

	(void)arg;
	assert_int_equal(jz_virtual_open(&o, &m->card[i]), 0);
}

static struct jz_virtual_options
file_options(const struct many *m)
{
	struct jz_virtual_options o = m->options;

	o.path = m->path;
	return o;
}

static void
test_cards_in_files_take_16_kib_each(void **state)
{
	struct many *m = *state;
	const struct jz_virtual_options o = file_options(m);
	struct jz_virtual *v = card_of(m, &o, PAYER_ID);
	size_t bytes;

	jz_virtual_free(&v);
	heap_or_skip();
	bytes = each_takes(m, FILES, open_copy, NULL);
	print_message("one more card in a file: %zu bytes\n", bytes);
	assert_true(bytes <= CARD_BYTES);
	for (unsigned i = 0; i < FILES; i++) {
		const struct port port = port_of(m->card[i]);

		assert_int_equal(port_select(&port), JZ_SW_OK);
		assert_int_equal(port_balance(&port), FUNDS);
	}
}

/* Each a card of its own, which keeps what it does. */
static void
test_many_files_are_opened_at_once(void **state)
{
	struct many *m = *state;
	const struct jz_virtual_options o = file_options(m);
	struct jz_virtual *v = card_of(m, &o, PAYER_ID);
	struct jz_virtual_options many[FILES];
	size_t failed = FILES;
	struct port port;

	jz_virtual_free(&v);
	for (unsigned i = 0; i < FILES; i++)
		many[i] = copy_card(m, i);
	assert_int_equal(
	    jz_virtual_open_many(many, FILES, m->card, &failed), 0);
	assert_int_equal(failed, FILES);
	port = port_of(m->card[FILES / 2]);
	assert_int_equal(port_select(&port), JZ_SW_OK);
	pay(&m->payee_port, &port);
	for (unsigned i = 0; i < FILES; i++)
		jz_virtual_free(&m->card[i]);
	assert_int_equal(
	    jz_virtual_open_many(many, FILES, m->card, &failed), 0);
	for (unsigned i = 0; i < FILES; i++) {
		port = port_of(m->card[i]);
		assert_int_equal(port_select(&port), JZ_SW_OK);
		assert_int_equal(port_balance(&port),
		    i == FILES / 2 ? FUNDS - AMOUNT : FUNDS);
	}
}

/* What they have read is durable all the same when they are open. */
static void
test_many_files_are_synced_at_once(void **state)
{
	struct many *m = *state;
	const struct jz_virtual_options o = file_options(m);
	struct jz_virtual *v = card_of(m, &o, PAYER_ID);
	struct jz_virtual_options many[3];
	size_t failed = 0;
	struct port port;

	jz_virtual_free(&v);
	for (unsigned i = 0; i < 3; i++)
		many[i] = copy_card(m, i);
	flushes = flushes_of_all = 0;
	assert_int_equal(jz_virtual_open(&many[0], &v), 0);
	assert_int_equal(flushes, 1);
	jz_virtual_free(&v);
	flushes = 0;
	assert_int_equal(jz_virtual_open_many(many, 3, m->card, &failed), 0);
	assert_int_equal(flushes, 0);
	assert_int_equal(flushes_of_all, 1);
	/* From now on each syncs its own commits. */
	port = port_of(m->card[1]);
	assert_int_equal(port_select(&port), JZ_SW_OK);
	assert_int_equal(port_verify(&port, PIN), JZ_SW_OK);
	assert_true(flushes > 0);
	for (unsigned i = 0; i < 3; i++)
		jz_virtual_free(&m->card[i]);
	flush_fails = true;
	assert_int_equal(jz_virtual_open_many(many, 3, m->card, &failed),
	    JZ_ERR_CARD_STORAGE);
	flush_fails = false;
	assert_int_equal(failed, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_null(m->card[i]);
}

/* One that cannot be opened: none is, and it is named. */
static void
test_of_many_files_one_is_missing(void **state)
{
	struct many *m = *state;
	const struct jz_virtual_options o = file_options(m);
	struct jz_virtual *v = card_of(m, &o, PAYER_ID);
	struct jz_virtual_options many[3];
	size_t failed = 0;

	jz_virtual_free(&v);
	for (unsigned i = 0; i < 3; i++)
		many[i] = copy_card(m, i);
	assert_int_equal(unlink(m->copy[1]), 0);
	assert_int_equal(
	    jz_virtual_open_many(many, 3, m->card, &failed), JZ_ERR_NOT_FOUND);
	assert_int_equal(failed, 1);
	for (unsigned i = 0; i < 3; i++)
		assert_null(m->card[i]);
	/* Let go of: not locked. */
	assert_int_equal(jz_virtual_open(&many[0], &v), 0);
	jz_virtual_free(&v);
	assert_int_equal(jz_virtual_open_many(many, 0, m->card, &failed), 0);
}

/* The file does not say how much memory its card has. */
static void
test_a_card_is_opened_with_either_size(void **state)
{
	struct many *m = *state;
	const struct jz_virtual_options compact = file_options(m);
	const struct jz_virtual_options large = {.path = m->path};
	struct jz_virtual *v = card_of(m, &compact, PAYER_ID);
	uint8_t before[HASH_BYTES], now[HASH_BYTES];
	struct port port;

	hash_of(v, before);
	jz_virtual_free(&v);
	assert_int_equal(jz_virtual_open(&large, &v), 0);
	hash_of(v, now);
	assert_memory_equal(before, now, sizeof(now));
	jz_virtual_free(&v);
	assert_int_equal(jz_virtual_open(&compact, &v), 0);
	hash_of(v, now);
	assert_memory_equal(before, now, sizeof(now));
	port = port_of(v);
	assert_int_equal(port_select(&port), JZ_SW_OK);
	assert_int_equal(port_balance(&port), FUNDS);
	jz_virtual_free(&v);
}

/* ---- snapshots ---------------------------------------------------------- */

static void
test_a_card_goes_back_to_its_snapshot(void **state)
{
	struct many *m = *state;
	struct jz_virtual_snapshot *s = NULL;
	uint8_t before[HASH_BYTES], after[HASH_BYTES], back[HASH_BYTES];

	hash_of(m->payer, before);
	assert_int_equal(jz_virtual_save(m->payer, &s), 0);
	pay(&m->payee_port, &m->payer_port);
	hash_of(m->payer, after);
	assert_memory_not_equal(before, after, sizeof(after));
	assert_int_equal(jz_virtual_restore(m->payer, s), 0);
	hash_of(m->payer, back);
	assert_memory_equal(before, back, sizeof(back));
	/* Still selected, and it goes on from there. */
	assert_int_equal(port_balance(&m->payer_port), FUNDS);
	pay(&m->payee_port, &m->payer_port);
	assert_int_equal(port_balance(&m->payer_port), FUNDS - AMOUNT);
	assert_int_equal(jz_virtual_restore(m->payee, s), JZ_ERR_ARGUMENT);
	jz_virtual_snapshot_free(&s);
	jz_virtual_snapshot_free(&s);
}

/* What the file holds goes back, too. */
static void
test_a_card_file_goes_back_to_its_snapshot(void **state)
{
	struct many *m = *state;
	const struct jz_virtual_options o = file_options(m);
	struct jz_virtual *v = card_of(m, &o, PAYER_ID);
	struct port port = port_of(v);
	struct jz_virtual_snapshot *s = NULL;

	assert_int_equal(jz_virtual_save(v, &s), 0);
	pay(&m->payee_port, &port);
	assert_int_equal(jz_virtual_restore(v, s), 0);
	jz_virtual_free(&v);
	jz_virtual_snapshot_free(&s);
	assert_int_equal(jz_virtual_open(&o, &v), 0);
	port = port_of(v);
	assert_int_equal(port_select(&port), JZ_SW_OK);
	assert_int_equal(port_balance(&port), FUNDS);
	pay(&m->payee_port, &port);
	jz_virtual_free(&v);
}

/* In memory or in a file, whatever its origin. */
static void
test_forks_are_cards_of_their_own(void **state)
{
	struct many *m = *state;
	const struct jz_virtual_options o = file_options(m);
	struct jz_virtual_snapshot *s = NULL;
	struct jz_virtual *v = NULL;
	struct port port;

	assert_int_equal(jz_virtual_save(m->payer, &s), 0);
	assert_int_equal(jz_virtual_fork(&o, s, &v), 0);
	assert_int_equal(jz_virtual_fork(&o, s, &m->card[0]), JZ_ERR_EXISTS);
	assert_null(m->card[0]);
	jz_virtual_snapshot_free(&s);
	port = port_of(v);
	pay(&m->payee_port, &port);
	assert_int_equal(port_balance(&m->payer_port), FUNDS);
	jz_virtual_free(&v);
	assert_int_equal(jz_virtual_open(&o, &v), 0);
	port = port_of(v);
	assert_int_equal(port_select(&port), JZ_SW_OK);
	assert_int_equal(port_balance(&port), FUNDS - AMOUNT);
	jz_virtual_free(&v);
}

/* What they share serves the others when one is freed. */
static void
test_cards_of_a_pool_come_and_go(void **state)
{
	struct many *m = *state;
	struct jz_virtual_snapshot *s = NULL;
	struct port port;

	assert_int_equal(jz_virtual_save(m->payer, &s), 0);
	for (unsigned i = 0; i < 3; i++) {
		make_fork(m, 0, s);
		port = port_of(m->card[0]);
		pay(&m->payee_port, &port);
		jz_virtual_free(&m->card[0]);
		assert_int_equal(port_balance(&m->payer_port), FUNDS);
	}
	jz_virtual_snapshot_free(&s);
	pay(&m->payee_port, &m->payer_port);
}

#define WITH_CARDS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_CARDS(test_a_thousand_cards_work_in_one_process),
	    WITH_CARDS(test_one_more_card_takes_16_kib),
	    WITH_CARDS(test_a_compact_card_has_room_for_32_records),
	    WITH_CARDS(test_cards_in_files_take_16_kib_each),
	    WITH_CARDS(test_many_files_are_opened_at_once),
	    WITH_CARDS(test_many_files_are_synced_at_once),
	    WITH_CARDS(test_of_many_files_one_is_missing),
	    WITH_CARDS(test_a_card_is_opened_with_either_size),
	    WITH_CARDS(test_a_card_goes_back_to_its_snapshot),
	    WITH_CARDS(test_a_card_file_goes_back_to_its_snapshot),
	    WITH_CARDS(test_forks_are_cards_of_their_own),
	    WITH_CARDS(test_cards_of_a_pool_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
