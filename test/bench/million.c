/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make bench-million: as many records as the argument says, a million without,
 * signed on all CPUs into a file and settled from there; what memory the
 * process has at 10, 50 and 100 % of them.  Fails when that grows.
 */
#include "traffic.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"

#define RECORDS	     1000000ul
#define PAIRS	     64u
#define ROUND	     ((unsigned long)PAIRS * 2 * JZ_BATCH_RECORDS)
#define THREADS_MAX  16u
#define BAR	     40u
#define BAR_EVERY_S  0.2
#define LINE_EVERY_S 10.0
#define MARKS	     3
/* What the heap and the page cache of the database may still take after a
 * tenth. */
#define GROWTH_KIB 4096
#define NS_PER_S   1e9
#define KIB	   1024
#define PATH_BYTES 512

struct million {
	struct world world;
	struct traffic traffic;
	unsigned long rounds, records, done;
	FILE *file;
	pthread_mutex_t lock;
	unsigned n_threads;
	double begun, told;
	long rss_kib[MARKS];
	int err;
};

static const unsigned MARK_PERCENT[MARKS] = {10, 50, 100};

static double
now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / NS_PER_S;
}

static long
rss_kib(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%*s %ld", &pages) != 1)
		pages = 0;
	(void)fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / KIB);
}

static void
show(struct million *m, const char *what, unsigned long done)
{
	const bool terminal = isatty(STDERR_FILENO) == 1;
	const bool last = done == m->records;
	const double now = now_s(), seconds = now - m->begun;
	const double rate = seconds > 0 ? (double)done / seconds : 0;
	char bar[BAR + 1];

	if (!last && now - m->told < (terminal ? BAR_EVERY_S : LINE_EVERY_S))
		return;
	m->told = now;
	for (unsigned k = 0; k < BAR; k++)
		bar[k] = k < done * BAR / m->records ? '#' : '.';
	bar[BAR] = '\0';
	fprintf(stderr, "%s%s [%s] %lu/%lu  %.0f/s  left %.0f s%s",
	    terminal ? "\r" : "", what, bar, done, m->records, rate,
	    rate > 0 ? (double)(m->records - done) / rate : 0,
	    terminal && !last ? "\033[K" : "\n");
}

/* ---- signing ------------------------------------------------------------ */

static bool
put(FILE *f, const struct letter *l)
{
	const uint8_t head[] = {(uint8_t)(l->len >> 8), (uint8_t)l->len};

	return fwrite(head, 1, sizeof(head), f) == sizeof(head) &&
	    fwrite(l->data, 1, l->len, f) == l->len;
}

struct signer {
	struct million *m;
	unsigned number;
	pthread_t thread;
};

/* Of a pair, the batch that pays comes before the one that receives. */
static void
sign_pair(struct million *m, const struct jz_engine *e, unsigned pair)
{
	struct letter l[2];

	traffic_batches(&m->traffic, e, pair, l);
	(void)pthread_mutex_lock(&m->lock);
	if (!put(m->file, &l[0]) || !put(m->file, &l[1]))
		m->err = JZ_ERR_SYSTEM;
	m->done += 2ul * JZ_BATCH_RECORDS;
	show(m, "signed ", m->done);
	(void)pthread_mutex_unlock(&m->lock);
}

static void *
sign_share(void *arg)
{
	struct signer *s = arg;
	struct million *m = s->m;
	struct jz_engine e;
	int err = jz_openssl_new(JZ_SUITE_NIST, &e);

	if (err != 0) {
		m->err = err;
		return NULL;
	}
	for (unsigned long k = 0; k < m->rounds && m->err == 0; k++)
		for (unsigned p = s->number; p < PAIRS; p += m->n_threads)
			sign_pair(m, &e, p);
	jz_openssl_free(&e);
	return NULL;
}

static int
sign_all(struct million *m)
{
	struct signer s[THREADS_MAX];

	m->begun = now_s();
	for (unsigned i = 0; i < m->n_threads; i++) {
		s[i] = (struct signer){.m = m, .number = i};
		if (pthread_create(&s[i].thread, NULL, sign_share, &s[i]) != 0)
			return JZ_ERR_SYSTEM;
	}
	for (unsigned i = 0; i < m->n_threads; i++)
		(void)pthread_join(s[i].thread, NULL);
	if (m->err == 0 &&
	    (fflush(m->file) != 0 || fseek(m->file, 0, SEEK_SET) != 0))
		m->err = JZ_ERR_SYSTEM;
	return m->err;
}

/* ---- settling ----------------------------------------------------------- */

static int
next(void *arg, struct jz_buffer *out)
{
	struct million *m = arg;
	uint8_t head[2], bytes[JZ_BATCH_MAX];
	size_t len;

	if (fread(head, 1, sizeof(head), m->file) != sizeof(head))
		return feof(m->file) ? JZ_ERR_NOT_FOUND : JZ_ERR_SYSTEM;
	len = (size_t)head[0] << 8 | head[1];
	if (len > sizeof(bytes) || fread(bytes, 1, len, m->file) != len)
		return JZ_ERR_SYSTEM;
	jz_put(out, bytes, len);
	return 0;
}

static int
told(void *arg, uint64_t n, int err, enum jz_refusal why,
    struct jz_span processed)
{
	struct million *m = arg;

	(void)processed;
	if (err != 0) {
		fprintf(stderr, "batch %llu: %s %s\n", (unsigned long long)n,
		    jz_error_text(err, JZ_LANG_EN), jz_refusal_name(why));
		return err;
	}
	m->done += JZ_BATCH_RECORDS;
	for (int i = 0; i < MARKS; i++)
		if (m->rss_kib[i] == 0 &&
		    m->done >= m->records / 100 * MARK_PERCENT[i])
			m->rss_kib[i] = rss_kib();
	show(m, "settled", m->done);
	return 0;
}

static int
settle_all(struct million *m)
{
	const struct jz_batch_feed feed = {next, told, m};

	m->done = 0;
	m->told = 0;
	m->begun = now_s();
	return jz_issuer_batches(m->world.issuer, &feed, 0);
}

/* ---- the whole ---------------------------------------------------------- */

static int
report(const struct million *m, double seconds)
{
	const char *dir = getenv("BUILD");
	char path[PATH_BYTES];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/bench-million.json",
	    dir != NULL ? dir : "build");
	printf("%lu records settled in %.1f s, %.0f/s on %u CPUs\n", m->done,
	    seconds, (double)m->done / seconds, m->n_threads);
	for (int i = 0; i < MARKS; i++)
		printf("memory at %3u %%: %ld KiB\n", MARK_PERCENT[i],
		    m->rss_kib[i]);
	f = fopen(path, "w");
	if (f == NULL)
		return JZ_ERR_SYSTEM;
	fprintf(f,
	    "{\"records\": %lu, \"seconds\": %.1f, \"cpus\": %u, "
	    "\"rss_kib\": {\"10\": %ld, \"50\": %ld, \"100\": %ld}}\n",
	    m->done, seconds, m->n_threads, m->rss_kib[0], m->rss_kib[1],
	    m->rss_kib[2]);
	return fclose(f) == 0 ? 0 : JZ_ERR_SYSTEM;
}

static int
judge(struct million *m)
{
	struct jz_books books;
	int e = jz_issuer_books(m->world.issuer, &books);

	if (e != 0)
		return e;
	if (!books.balanced || m->done != m->records) {
		fprintf(stderr, "the books do not balance\n");
		return JZ_ERR_INTERNAL;
	}
	if (m->rss_kib[MARKS - 1] > m->rss_kib[0] + GROWTH_KIB) {
		fprintf(stderr, "the memory grows\n");
		return JZ_ERR_MEMORY;
	}
	return 0;
}

static int
run(struct million *m)
{
	char path[WORLD_PATH_MAX];
	double begun;
	int e = world_new(&m->world, JZ_SUITE_NIST);

	if (e == 0)
		e = traffic_new(&m->traffic, &m->world, PAIRS);
	if (e != 0)
		return e;
	world_path(&m->world, "batches", path);
	m->file = fopen(path, "w+b");
	if (m->file == NULL)
		return JZ_ERR_SYSTEM;
	e = sign_all(m);
	begun = now_s();
	if (e == 0)
		e = settle_all(m);
	if (e == 0)
		e = report(m, now_s() - begun);
	(void)fclose(m->file);
	return e != 0 ? e : judge(m);
}

int
main(int argc, char **argv)
{
	static struct million m;
	const unsigned long want =
	    argc > 1 ? strtoul(argv[1], NULL, 10) : RECORDS;
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int e;

	m.rounds = (want + ROUND - 1) / ROUND;
	m.records = m.rounds * ROUND;
	m.n_threads = cpus < 1	       ? 1
	    : cpus > (long)THREADS_MAX ? THREADS_MAX
				       : (unsigned)cpus;
	(void)pthread_mutex_init(&m.lock, NULL);
	e = m.records == 0 ? JZ_ERR_ARGUMENT : run(&m);
	traffic_free(&m.traffic);
	world_free(&m.world);
	(void)pthread_mutex_destroy(&m.lock);
	if (e != 0)
		fprintf(stderr, "bench-million: %s\n",
		    jz_error_text(e, JZ_LANG_EN));
	return e == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
