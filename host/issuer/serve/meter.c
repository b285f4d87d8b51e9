/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters, and a bucket of tokens for each address.
 *
 * Addresses share a table of fixed size: two that fall on one place share its
 * bucket.  So nobody can fill our memory with addresses.
 */
#include "meter.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../../../apdu/error.h"
#include "handle.h"

#define PATHS_MAX (JZ_ROUTES_MAX + 1) /* and what is no path of ours */
#define STATUSES  6		      /* 1xx to 5xx, and 0 */
#define CODES_MAX 64
#define BUCKETS	  4096u
#define SECOND	  UINT64_C(1000000)
#define BOUNDS_N  (sizeof(BOUNDS) / sizeof(BOUNDS[0]))

/* Upper bounds of the histogram, in microseconds. */
static const uint64_t BOUNDS[] = {
    500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 1000000};

struct path_meter {
	uint64_t status[STATUSES];
	uint64_t below[BOUNDS_N];
	uint64_t n, sum;
};

struct bucket {
	uint64_t full_at; /* when it will have been filled up */
};

struct jz_meter {
	pthread_mutex_t lock;
	struct path_meter path[PATHS_MAX];
	struct {
		const char *code;
		uint64_t n;
	} code[CODES_MAX];
	uint64_t too_fast;
	unsigned rate;
	uint64_t key; /* of the hash: nobody can choose his neighbours */
	struct bucket bucket[BUCKETS];
};

int
jz_meter_new(unsigned rate, struct jz_meter **out)
{
	struct jz_meter *m = calloc(1, sizeof(*m));

	*out = NULL;
	if (m == NULL)
		return JZ_ERR_MEMORY;
	if (pthread_mutex_init(&m->lock, NULL) != 0) {
		free(m);
		return JZ_ERR_SYSTEM;
	}
	m->rate = rate;
	m->key = (uint64_t)(uintptr_t)m; /* as random as the heap */
	*out = m;
	return 0;
}

void
jz_meter_free(struct jz_meter **meter)
{
	if (*meter == NULL)
		return;
	(void)pthread_mutex_destroy(&(*meter)->lock);
	free(*meter);
	*meter = NULL;
}

static void
count_code(struct jz_meter *m, const char *code)
{
	unsigned k = 0;

	while (k < CODES_MAX && m->code[k].code != NULL &&
	    strcmp(m->code[k].code, code) != 0)
		k++;
	if (k == CODES_MAX)
		return;
	m->code[k].code = code;
	m->code[k].n++;
}

void
jz_meter_count(struct jz_meter *m, unsigned route, unsigned status,
    const char *code, uint64_t microseconds)
{
	struct path_meter *p;

	if (route >= PATHS_MAX)
		return;
	p = &m->path[route];
	(void)pthread_mutex_lock(&m->lock);
	p->status[status / 100 < STATUSES ? status / 100 : 0]++;
	for (size_t k = 0; k < BOUNDS_N; k++)
		p->below[k] += microseconds <= BOUNDS[k];
	p->n++;
	p->sum += microseconds;
	if (code[0] != '\0')
		count_code(m, code);
	(void)pthread_mutex_unlock(&m->lock);
}

/* FNV-1a. */
static uint64_t
place(const struct jz_meter *m, const uint8_t *p, size_t len)
{
	uint64_t h = UINT64_C(0xCBF29CE484222325) ^ m->key;

	for (size_t k = 0; k < len; k++)
		h = (h ^ p[k]) * UINT64_C(0x100000001B3);
	return (h ^ h >> 32) % BUCKETS;
}

bool
jz_meter_admits(
    struct jz_meter *m, const void *address, size_t len, uint64_t now)
{
	struct bucket *b;
	uint64_t token, full;
	bool admits;

	if (m->rate == 0)
		return true;
	token = SECOND / m->rate;
	b = &m->bucket[place(m, address, len)];
	(void)pthread_mutex_lock(&m->lock);
	full = b->full_at > now ? b->full_at : now;
	admits = full + token <= now + 2 * SECOND;
	if (admits)
		b->full_at = full + token;
	else
		m->too_fast++;
	(void)pthread_mutex_unlock(&m->lock);
	return admits;
}

/* ---- printing ------------------------------------------------------------ */

static void
print_requests(const struct jz_meter *m, FILE *out)
{
	fprintf(out,
	    "# HELP jiaozi_requests_total Requests answered.\n"
	    "# TYPE jiaozi_requests_total counter\n");
	for (unsigned r = 0; r <= jz_routes(); r++)
		for (unsigned s = 0; s < STATUSES; s++)
			if (m->path[r].status[s] != 0)
				fprintf(out,
				    "jiaozi_requests_total{path=\"%s\","
				    "status=\"%uxx\"} %" PRIu64 "\n",
				    jz_route_path(r), s, m->path[r].status[s]);
}

static void
print_seconds(const struct jz_meter *m, FILE *out)
{
	fprintf(out,
	    "# HELP jiaozi_request_seconds From the request to its answer.\n"
	    "# TYPE jiaozi_request_seconds histogram\n");
	for (unsigned r = 0; r <= jz_routes(); r++) {
		const struct path_meter *p = &m->path[r];
		const char *path = jz_route_path(r);

		if (p->n == 0)
			continue;
		for (size_t k = 0; k < BOUNDS_N; k++)
			fprintf(out,
			    "jiaozi_request_seconds_bucket{path=\"%s\","
			    "le=\"%g\"} %" PRIu64 "\n",
			    path, (double)BOUNDS[k] / (double)SECOND,
			    p->below[k]);
		fprintf(out,
		    "jiaozi_request_seconds_bucket{path=\"%s\",le=\"+Inf\"} "
		    "%" PRIu64 "\n"
		    "jiaozi_request_seconds_sum{path=\"%s\"} %g\n"
		    "jiaozi_request_seconds_count{path=\"%s\"} %" PRIu64 "\n",
		    path, p->n, path, (double)p->sum / (double)SECOND, path,
		    p->n);
	}
}

void
jz_meter_print(struct jz_meter *m, FILE *out)
{
	(void)pthread_mutex_lock(&m->lock);
	print_requests(m, out);
	print_seconds(m, out);
	fprintf(out,
	    "# HELP jiaozi_errors_total Answers by their error.\n"
	    "# TYPE jiaozi_errors_total counter\n");
	for (unsigned k = 0; k < CODES_MAX && m->code[k].code != NULL; k++)
		fprintf(out, "jiaozi_errors_total{error=\"%s\"} %" PRIu64 "\n",
		    m->code[k].code, m->code[k].n);
	fprintf(out,
	    "# HELP jiaozi_too_fast_total Requests refused for their rate.\n"
	    "# TYPE jiaozi_too_fast_total counter\n"
	    "jiaozi_too_fast_total %" PRIu64 "\n",
	    m->too_fast);
	(void)pthread_mutex_unlock(&m->lock);
}
