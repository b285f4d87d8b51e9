/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settlement at the issuer, on all CPUs: a stream of batches, against the
 * verification of every signature in it, the signatures of the answers and the
 * bare rows.
 */
#include "bench.h"
#include "traffic.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../apdu/error.h"
#include "../../host/issuer/internal.h"
#include "../../keys/openssl/openssl.h"

#define THREADS_MAX 16u
#define GROUP	    128u /* batches of a transaction, on both sides */
/* Records of a sample, of either suite: a tenth of a second. */
#define NIST_RECORDS 1024u
#define GM_RECORDS   256u
#define SAMPLES	     (2 * BENCH_SAMPLES)
#define ANSWER_BYTES 150u
#define SIGNATURES   (1 + 2 * JZ_BATCH_RECORDS)

/* One signature. */
struct seal {
	uint8_t public_key[JZ_POINT_BYTES], signature[JZ_SIGNATURE_BYTES];
	uint8_t message[JZ_BATCH_MAX];
	size_t len;
};

struct settling;

struct hand {
	struct settling *s;
	unsigned number;
	struct jz_engine engine;
	pthread_t thread;
	int err;
};

struct settling {
	struct world *world;
	struct traffic traffic;
	unsigned each; /* batches of a sample */
	struct letter *batch;
	struct bare_batch *bare; /* the same */
	size_t n, next;		 /* ours */
	size_t next_least;
	unsigned left; /* of the sample that is fed */
	/* the floor */
	struct seal *seal; /* of one sample */
	size_t n_seals;
	struct hand hand[THREADS_MAX];
	unsigned n_hands;
	struct rows *rows;
};

/* ---- ours --------------------------------------------------------------- */

static int
feed_next(void *arg, struct jz_buffer *out)
{
	struct settling *s = arg;
	const struct letter *l;

	if (s->left == 0)
		return JZ_ERR_NOT_FOUND;
	if (s->next == s->n)
		return JZ_ERR_INTERNAL;
	s->left--;
	l = &s->batch[s->next++];
	jz_put(out, l->data, l->len);
	return 0;
}

static int
feed_told(void *arg, uint64_t n, int err, enum jz_refusal why,
    struct jz_span processed)
{
	(void)arg;
	(void)n;
	(void)why;
	(void)processed;
	return err;
}

static int
settle_ours(void *arg)
{
	struct settling *s = arg;
	const struct jz_batch_feed feed = {feed_next, feed_told, s};

	s->left = s->each;
	return jz_issuer_batches(s->world->issuer, &feed, 0);
}

/* ---- the floor ---------------------------------------------------------- */

static void *
verify_share(void *arg)
{
	struct hand *h = arg;
	struct settling *s = h->s;

	for (size_t k = h->number; k < s->n_seals && h->err == 0;
	     k += s->n_hands) {
		const struct seal *x = &s->seal[k];
		const struct jz_span part = jz_span(x->message, x->len);

		h->err = h->engine.crypto->verify(
		    h->engine.state, x->public_key, &part, 1, x->signature);
	}
	return NULL;
}

/* The answer's signature. */
static int
answer(struct settling *s, const struct bare_batch *b)
{
	const struct jz_engine *e = &s->hand[0].engine;
	const struct jz_span part = jz_span(b->batch->data, ANSWER_BYTES);
	uint8_t out[JZ_SIGNATURE_BYTES];

	return e->crypto->sign(
	    e->state, &s->traffic.payer[0].key, &part, 1, out);
}

static int
settle_least(void *arg)
{
	struct settling *s = arg;
	int e = 0;

	for (unsigned i = 0; i < s->n_hands; i++)
		if (pthread_create(&s->hand[i].thread, NULL, verify_share,
			&s->hand[i]) != 0)
			return JZ_ERR_SYSTEM;
	for (unsigned i = 0; i < s->n_hands; i++) {
		(void)pthread_join(s->hand[i].thread, NULL);
		if (e == 0)
			e = s->hand[i].err;
	}
	for (unsigned i = 0; i < s->each && e == 0; i++) {
		const struct bare_batch *b = &s->bare[s->next_least];

		if (s->next_least++ == s->n)
			return JZ_ERR_INTERNAL;
		e = answer(s, b);
		if (e != 0)
			return e;
		if (i % GROUP == 0)
			e = rows_begin(s->rows);
		if (e == 0)
			e = rows_batch(s->rows, b);
		if (e == 0 && (i % GROUP == GROUP - 1 || i == s->each - 1))
			e = rows_end(s->rows);
	}
	return e;
}

/* ---- what is settled ---------------------------------------------------- */

static void
add_seal(struct settling *s, struct jz_message *m, const struct fakecard *by)
{
	struct seal *x = &s->seal[s->n_seals++];
	struct jz_buffer b = jz_buffer(x->message, sizeof(x->message));

	(void)jz_message_encode(m, JZ_UNSIGNED, &b);
	x->len = b.len;
	memcpy(x->public_key, by->key.public_key, JZ_POINT_BYTES);
	memcpy(x->signature, m->signature, JZ_SIGNATURE_BYTES);
}

/* What the issuer verifies in two batches of a pair. */
static void
add_seals(struct settling *s, unsigned pair, const struct letter l[static 2])
{
	struct fakecard *payer = &s->traffic.payer[pair];
	struct fakecard *payee = &s->traffic.payee[pair];
	struct jz_message m;

	for (uint32_t k = 1; k <= JZ_BATCH_RECORDS; k++) {
		struct jz_message *paid =
		    fakecard_record(payer, payer->next_record - k);
		struct jz_message *got =
		    fakecard_record(payee, payee->next_record - k);

		m = fakecard_completion_of(paid);
		add_seal(s, &m, payer);
		add_seal(s, &m, payer);
		m = fakecard_confirmation_of(paid);
		add_seal(s, &m, payee);
		m = fakecard_receipt_of(&s->traffic.engine, got);
		add_seal(s, &m, payee);
	}
	if (jz_message_decode(letter_span(&l[0]), JZ_KIND_BATCH, &m) == 0)
		add_seal(s, &m, payer);
	if (jz_message_decode(letter_span(&l[1]), JZ_KIND_BATCH, &m) == 0)
		add_seal(s, &m, payee);
}

static int
prepare(struct settling *s, struct world *w)
{
	char path[WORLD_PATH_MAX], database[2 * WORLD_PATH_MAX];
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int e;

	s->world = w;
	s->each = (w->suite == JZ_SUITE_GM ? GM_RECORDS : NIST_RECORDS) /
	    JZ_BATCH_RECORDS;
	s->n = (size_t)s->each * SAMPLES;
	s->batch = calloc(s->n, sizeof(*s->batch));
	s->bare = calloc(s->n, sizeof(*s->bare));
	s->seal = calloc((size_t)s->each * SIGNATURES, sizeof(*s->seal));
	if (s->batch == NULL || s->bare == NULL || s->seal == NULL)
		return JZ_ERR_MEMORY;
	s->n_hands = cpus < 1	 ? 1
	    : cpus > THREADS_MAX ? THREADS_MAX
				 : (unsigned)cpus;
	e = traffic_new(&s->traffic, w, TRAFFIC_PAIRS);
	for (unsigned i = 0; i < s->n_hands && e == 0; i++) {
		s->hand[i].s = s;
		s->hand[i].number = i;
		e = jz_openssl_new(w->suite, &s->hand[i].engine);
	}
	for (size_t k = 0; k < s->n && e == 0; k += 2) {
		unsigned pair = (unsigned)(k / 2) % TRAFFIC_PAIRS;

		traffic_batches(
		    &s->traffic, &s->traffic.engine, pair, &s->batch[k]);
		if (k < s->each)
			add_seals(s, pair, &s->batch[k]);
	}
	for (size_t k = 0; k < s->n && e == 0; k++)
		e = bare_batch(&s->traffic.engine, &s->batch[k], &s->bare[k]);
	world_path(w, "rows.db", path);
	(void)snprintf(
	    database, sizeof(database), "%s/issuer.db", w->issuer_dir);
	return e != 0 ? e : rows_open(database, path, &s->rows);
}

int
bench_settle(struct bench *b, struct world *w)
{
	static const char floor[] =
	    "4 records' 9 verifications on all CPUs, answer's signature, rows";
	static const char aim[] = "90 % of the floor's speed";
	struct settling s = {0};
	const bool gm = w->suite == JZ_SUITE_GM;
	const struct bench_case what[] = {
	    {gm ? "a record settled, suite gm" : "a record settled, suite nist",
		floor, settle_ours, settle_least, &s, 0, aim, 1 / 0.9,
		BENCH_WALL},
	    {gm ? "a record settled, CPU time of all threads, suite gm"
		: "a record settled, CPU time of all threads, suite nist",
		floor, settle_ours, settle_least, &s, 0, aim, 1 / 0.9,
		BENCH_PROCESS},
	};
	int e = prepare(&s, w);

	bench_unpin();
	for (int i = 0; i < 2 && e == 0; i++)
		e = bench_run_parts(b, &what[i], s.each * JZ_BATCH_RECORDS);
	bench_pin(b);
	rows_close(&s.rows);
	for (unsigned i = 0; i < s.n_hands; i++)
		jz_openssl_free(&s.hand[i].engine);
	traffic_free(&s.traffic);
	free(s.batch);
	free(s.bare);
	free(s.seal);
	return e;
}
