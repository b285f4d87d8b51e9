/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many cards: the heap that one more takes, against what its image must hold;
 * files opened and their purses selected, all kept open, against reading as
 * many files and the cryptography of opening them; and a card copied and set
 * back, against the copying of as many bytes.
 */
#define _GNU_SOURCE 1

#include "bench.h"
#include "world.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../../apdu/error.h"
#include "../../apdu/status.h"
#include "../../keys/openssl/openssl.h"
#include "../../keys/signed.h"
#include "../../reader/virtual_card.h"
#include "../support/heap.h"

#define FORKS	     200u
#define CARDS_EACH   477u /* of a sample: 10 017 cards in all */
#define FDS_A_CARD   2u
#define FDS_BESIDES  100u
#define FILE_MAX     (64u * 1024u)
#define KEY_MAX	     256u
#define ANSWER_MAX   512u
#define DERIVATIONS  3 /* key check, image, records */
#define SNAPSHOT_MAX (64u * 1024u)

struct many {
	struct world *world;
	struct jz_engine engine;
	struct jz_virtual_pool *pool;
	struct world_card card; /* personalised, in memory */
	struct jz_virtual *v;	/* the card in it */
	struct jz_virtual *fork[FORKS];
	/* files */
	unsigned each, next, next_least;
	struct jz_virtual **opened; /* BENCH_SAMPLES times each */
	struct jz_virtual_options *options;
	char (*path)[WORLD_PATH_MAX];
	size_t file_bytes;
	uint8_t sealed[FILE_MAX + JZ_SEAL_TAG_BYTES];
	/* snapshots */
	size_t snapshot_bytes;
	uint64_t snapshot[SNAPSHOT_MAX / sizeof(uint64_t)];
	uint64_t copy[SNAPSHOT_MAX / sizeof(uint64_t)];
};

/* ---- one more card ------------------------------------------------------ */

static uint32_t
image_bytes(const struct jz_virtual *v)
{
	return ((const struct jz_nvm_root *)(const void *)v->memory)->used;
}

static int
one_more_card(struct bench *b, struct many *m)
{
	const struct jz_virtual_options o = {.pool = m->pool, .compact = true};
	struct bench_result r = {.name = "one more card, personalised",
	    .floor_name = "its image: applets, keys, room for 32 records",
	    .aim = "16384 bytes of heap",
	    .unit = "bytes"};
	struct jz_virtual_snapshot *s = NULL;
	size_t before;
	int e;

	if (!heap_known()) {
		bench_skip(b, "one more card: the allocator does not tell");
		return 0;
	}
	if ((e = jz_virtual_save(m->v, &s)) != 0)
		return e;
	before = heap_taken();
	for (unsigned i = 0; i < FORKS && e == 0; i++)
		e = jz_virtual_fork(&o, s, &m->fork[i]);
	r.value = (double)(heap_taken() - before) / FORKS;
	r.floor = image_bytes(m->v);
	jz_virtual_snapshot_free(&s);
	if (e == 0)
		bench_figure(b, &r);
	for (unsigned i = 0; i < FORKS; i++)
		jz_virtual_free(&m->fork[i]);
	return e;
}

/* ---- snapshots ---------------------------------------------------------- */

static int
save_ours(void *arg)
{
	struct many *m = arg;

	jz_card_save(&m->v->card, m->snapshot);
	return 0;
}

static int
restore_ours(void *arg)
{
	struct many *m = arg;

	jz_card_restore(&m->v->card, m->snapshot);
	return 0;
}

typedef void *copy_fn(void *to, const void *from, size_t len);

static int
copy_least(void *arg)
{
	static copy_fn *volatile const copy = memcpy; /* not to be left out */
	struct many *m = arg;

	(void)copy(m->copy, m->snapshot, m->snapshot_bytes);
	return 0;
}

static int
snapshots(struct bench *b, struct many *m)
{
	const struct bench_case what[] = {
	    {"snapshot of a card", "as many bytes copied", save_ours,
		copy_least, m, 0, "microseconds", 0, BENCH_CPU},
	    {"a card back to a snapshot", "as many bytes copied", restore_ours,
		copy_least, m, 0, "microseconds", 0, BENCH_CPU},
	};
	int e;

	if (jz_card_snapshot_bytes(&m->v->card) > sizeof(m->snapshot))
		return JZ_ERR_INTERNAL;
	m->snapshot_bytes =
	    sizeof(struct jz_card) + image_bytes(m->v) + m->v->ram_bytes;
	if ((e = bench_run(b, &what[0])) != 0)
		return e;
	return bench_run(b, &what[1]);
}

/* ---- ten thousand files ------------------------------------------------- */

static int
read_file(const char *path, uint8_t *out, size_t cap, size_t *len)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : read(fd, out, cap);

	if (fd >= 0)
		(void)close(fd);
	*len = n > 0 ? (size_t)n : 0;
	return *len > 0 && *len < cap ? 0 : JZ_ERR_SYSTEM;
}

static int
write_file(const char *path, const uint8_t *bytes, size_t len)
{
	const int fd =
	    open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	const bool good = fd >= 0 && write(fd, bytes, len) == (ssize_t)len;

	return fd >= 0 && close(fd) == 0 && good ? 0 : JZ_ERR_SYSTEM;
}

static int
select_purse(struct jz_virtual *v)
{
	static const uint8_t select[] = {0x00, 0xA4, 0x04, 0x00,
	    JZ_AID_PURSE_BYTES, 0xF0, 'J', 'I', 'A', 'O', 'Z', 'I', 0x01, 0x00};
	uint8_t rsp[ANSWER_MAX];
	const size_t n =
	    jz_virtual_process(v, select, sizeof(select), rsp, sizeof(rsp));

	return rsp[n - 2] == JZ_SW_OK >> 8 && rsp[n - 1] == 0 ? 0
							      : JZ_ERR_STATUS;
}

static int
open_ours(void *arg)
{
	struct many *m = arg;
	struct jz_virtual **cards = &m->opened[m->next];
	size_t failed;
	int e =
	    jz_virtual_open_many(&m->options[m->next], m->each, cards, &failed);

	for (unsigned i = 0; i < m->each && e == 0; i++)
		e = select_purse(cards[i]);
	m->next += m->each;
	return e;
}

/* Key and card read, three keys derived, the key checked, and as many bytes
 * deciphered and authenticated as the file has. */
static int
open_one_least(const struct many *m, const struct jz_virtual_options *o)
{
	static const uint8_t nonce[JZ_SEAL_NONCE_BYTES];
	const struct jz_engine *e = &m->engine;
	const struct jz_span info = jz_span(o->path, JZ_KEY_BYTES);
	uint8_t bytes[FILE_MAX], secret[KEY_MAX], key[JZ_KEY_BYTES];
	size_t n;
	int err = read_file(o->key_path, secret, sizeof(secret), &n);

	if (err == 0)
		err = read_file(o->path, bytes, sizeof(bytes), &n);
	for (unsigned i = 0; i < DERIVATIONS && err == 0; i++)
		err = jz_kdf(e, jz_span(secret, JZ_HASH_BYTES), &info, 1, key,
		    sizeof(key));
	if (err == 0)
		err = e->crypto->cmac(e->state, key, &info, 1, key);
	memset(key, 0, sizeof(key));
	if (err == 0)
		err = e->crypto->open(e->state, key, nonce, jz_span(NULL, 0),
		    m->sealed, m->file_bytes + JZ_SEAL_TAG_BYTES, bytes);
	return err;
}

static int
open_least(void *arg)
{
	struct many *m = arg;
	int e = 0;

	for (unsigned i = 0; i < m->each && e == 0; i++)
		e = open_one_least(m, &m->options[m->next_least + i]);
	m->next_least += m->each;
	return e;
}

/* As many as may be open at once. */
static void
choose_number(struct many *m)
{
	const rlim_t want =
	    FDS_A_CARD * CARDS_EACH * BENCH_SAMPLES + FDS_BESIDES;
	struct rlimit limit = {want, want};
	rlim_t each;

	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 &&
	    getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur < FDS_BESIDES)
		limit.rlim_cur = FDS_BESIDES;
	each = (limit.rlim_cur - FDS_BESIDES) / (FDS_A_CARD * BENCH_SAMPLES);
	m->each = each < CARDS_EACH ? (unsigned)each : CARDS_EACH;
	(void)snprintf(m->world->many_name, sizeof(m->world->many_name),
	    "each of %u cards, opened and selected", m->each * BENCH_SAMPLES);
}

/* A personalised card in a file, and as many copies of it and its key. */
static int
make_files(struct many *m)
{
	char path[WORLD_PATH_MAX], key_path[WORLD_PATH_MAX];
	const struct jz_virtual_options o = {.path = path,
	    .key_path = key_path,
	    .pool = m->pool,
	    .compact = true};
	const unsigned n = m->each * BENCH_SAMPLES;
	uint8_t card[FILE_MAX], key[KEY_MAX];
	struct world_card made = {0};
	struct jz_virtual *v = NULL;
	char name[sizeof("4294967295.card.key")];
	size_t key_bytes = 0;
	int e;

	world_path(m->world, "many.card", path);
	world_path(m->world, "many.card.key", key_path);
	if ((e = jz_virtual_create(&o, &v)) == 0)
		e = world_card(m->world, &v, &made);
	world_card_free(&made);
	if (e == 0)
		e = read_file(path, card, sizeof(card), &m->file_bytes);
	if (e == 0)
		e = read_file(key_path, key, sizeof(key), &key_bytes);
	for (unsigned i = 0; i < n && e == 0; i++) {
		(void)snprintf(name, sizeof(name), "%u.card", i);
		world_path(m->world, name, m->path[2 * i]);
		(void)snprintf(name, sizeof(name), "%u.card.key", i);
		world_path(m->world, name, m->path[2 * i + 1]);
		m->options[i] =
		    (struct jz_virtual_options){.path = m->path[2 * i],
			.key_path = m->path[2 * i + 1],
			.pool = m->pool,
			.compact = true};
		e = write_file(m->path[2 * i], card, m->file_bytes);
		if (e == 0)
			e = write_file(m->path[2 * i + 1], key, key_bytes);
	}
	sync();
	return e;
}

static int
prepare_least(struct many *m)
{
	static const uint8_t key[JZ_KEY_BYTES], nonce[JZ_SEAL_NONCE_BYTES];

	return m->engine.crypto->seal(m->engine.state, key, nonce,
	    jz_span(NULL, 0), m->sealed, m->file_bytes, m->sealed);
}

static int
ten_thousand(struct bench *b, struct many *m)
{
	const struct bench_case what = {m->world->many_name,
	    "both files read, three keys derived, as many bytes deciphered",
	    open_ours, open_least, m, 0, "10 000 in 2 s: 200 us", 0,
	    BENCH_WALL};
	size_t n;
	int e = JZ_ERR_MEMORY;

	choose_number(m);
	if (m->each == 0) {
		bench_skip(b, "ten thousand cards: too few open files allowed");
		return 0;
	}
	n = (size_t)m->each * BENCH_SAMPLES;
	m->opened = calloc(n, sizeof(*m->opened));
	m->options = calloc(n, sizeof(*m->options));
	m->path = calloc(2 * n, sizeof(*m->path));
	if (m->opened != NULL && m->options != NULL && m->path != NULL)
		e = make_files(m);
	if (e == 0)
		e = prepare_least(m);
	if (e == 0)
		e = bench_run_parts(b, &what, m->each);
	for (size_t i = 0; i < n && m->opened != NULL; i++)
		jz_virtual_free(&m->opened[i]);
	return e;
}

int
bench_many(struct bench *b, struct world *w)
{
	const struct jz_virtual_options o = {.compact = true};
	struct many *m = calloc(1, sizeof(*m));
	struct jz_virtual *v = NULL;
	int e;

	if (m == NULL)
		return JZ_ERR_MEMORY;
	m->world = w;
	if ((e = jz_openssl_new(JZ_SUITE_NIST, &m->engine)) == 0 &&
	    (e = jz_virtual_pool_new(&m->pool)) == 0 &&
	    (e = jz_virtual_create(&o, &v)) == 0) {
		m->v = v;
		e = world_card(w, &v, &m->card);
	}
	if (e == 0)
		e = one_more_card(b, m);
	if (e == 0)
		e = snapshots(b, m);
	if (e == 0)
		e = ten_thousand(b, m);
	world_card_free(&m->card);
	jz_virtual_pool_free(&m->pool);
	jz_openssl_free(&m->engine);
	free(m->opened);
	free(m->options);
	free(m->path);
	free(m);
	return e;
}
