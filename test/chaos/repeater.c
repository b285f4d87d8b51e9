/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L

#include "repeater.h"

#include <curl/curl.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../host/wire.h"
#include "random.h"

#define PEM_CAP	   16384
#define OLD	   32 /* questions that are kept */
#define PATH_CAP   64
#define TIMEOUT_MS 5000L

struct question {
	char path[PATH_CAP];
	bool post;
	size_t len;
	char body[JZ_WIRE_REQUEST_MAX];
};

struct answer {
	long status; /* 0: none */
	size_t len;
	char text[JZ_WIRE_ANSWER_MAX / 4];
};

struct repeater {
	struct MHD_Daemon *daemon;
	CURL *curl;
	struct curl_slist *headers;
	pthread_mutex_t lock; /* of what is planned and met */
	uint64_t state;
	unsigned met;
	char url[64], pem[PEM_CAP], key[PEM_CAP];
	struct question old[OLD];
	unsigned old_n;
	struct answer answer;
};

static size_t
take(char *data, size_t size, size_t n, void *arg)
{
	struct answer *a = arg;

	n *= size;
	if (n > sizeof(a->text) - a->len)
		return 0;
	memcpy(a->text + a->len, data, n);
	a->len += n;
	return n;
}

/* To the daemon, and what it says. */
static void
ask(struct repeater *r, const struct question *q)
{
	char url[sizeof(r->url) + PATH_CAP];

	r->answer.len = 0;
	r->answer.status = 0;
	snprintf(url, sizeof(url), "%s%s", r->url, q->path);
	(void)curl_easy_setopt(r->curl, CURLOPT_URL, url);
	if (q->post) {
		(void)curl_easy_setopt(
		    r->curl, CURLOPT_POSTFIELDSIZE, (long)q->len);
		(void)curl_easy_setopt(r->curl, CURLOPT_POSTFIELDS, q->body);
	} else {
		(void)curl_easy_setopt(r->curl, CURLOPT_HTTPGET, 1L);
	}
	if (curl_easy_perform(r->curl) == CURLE_OK)
		(void)curl_easy_getinfo(
		    r->curl, CURLINFO_RESPONSE_CODE, &r->answer.status);
}

enum fate { FATE_PASSES, FATE_LOST, FATE_UNANSWERED, FATE_TWICE, FATE_OLD };

/* Half of them pass. */
static enum fate
fate(struct repeater *r, unsigned *which)
{
	enum fate f = FATE_PASSES;

	(void)pthread_mutex_lock(&r->lock);
	if (r->state != 0) {
		unsigned n = (unsigned)(random_next(&r->state) % 8);

		*which = (unsigned)random_next(&r->state);
		f = n <= FATE_OLD ? (enum fate)n : FATE_PASSES;
		r->met += f != FATE_PASSES;
	}
	(void)pthread_mutex_unlock(&r->lock);
	return f;
}

/* False: no answer comes. */
static bool
relay(struct repeater *r, const struct question *q)
{
	unsigned which = 0;
	enum fate f = fate(r, &which);
	unsigned kept = r->old_n < OLD ? r->old_n : OLD;

	if (f == FATE_OLD && kept > 0)
		ask(r, &r->old[which % kept]);
	if (f == FATE_TWICE)
		ask(r, q);
	if (f != FATE_LOST)
		ask(r, q);
	r->old[r->old_n++ % OLD] = *q;
	return f != FATE_LOST && f != FATE_UNANSWERED && r->answer.status != 0;
}

static enum MHD_Result
give(struct repeater *r, struct MHD_Connection *connection)
{
	struct MHD_Response *m = MHD_create_response_from_buffer(
	    r->answer.len, r->answer.text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result rc;

	if (m == NULL)
		return MHD_NO;
	rc = MHD_queue_response(connection, (unsigned)r->answer.status, m);
	MHD_destroy_response(m);
	return rc;
}

/* One thread: one question after the other. */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *data, size_t *len,
    void **state)
{
	struct repeater *r = arg;
	struct question *q = *state;

	(void)version;
	if (q == NULL) {
		*state = q = calloc(1, sizeof(*q));
		if (q == NULL)
			return MHD_NO;
		snprintf(q->path, sizeof(q->path), "%s", url);
		q->post = strcmp(method, "POST") == 0;
		return MHD_YES;
	}
	if (*len > 0) {
		if (*len > sizeof(q->body) - q->len)
			return MHD_NO;
		memcpy(q->body + q->len, data, *len);
		q->len += *len;
		*len = 0;
		return MHD_YES;
	}
	return relay(r, q) ? give(r, connection) : MHD_NO;
}

static void
on_end(void *arg, struct MHD_Connection *connection, void **state,
    enum MHD_RequestTerminationCode why)
{
	(void)arg;
	(void)connection;
	(void)why;
	free(*state);
	*state = NULL;
}

static bool
read_file(const char *path, char out[static PEM_CAP])
{
	FILE *f = fopen(path, "re");
	size_t n = f != NULL ? fread(out, 1, PEM_CAP - 1, f) : 0;

	if (f != NULL)
		fclose(f);
	out[n] = '\0';
	return n > 0;
}

static void
free_all(struct repeater *r)
{
	curl_easy_cleanup(r->curl);
	curl_slist_free_all(r->headers);
	(void)pthread_mutex_destroy(&r->lock);
	free(r);
}

struct repeater *
repeater_new(unsigned short to, const char *certificate, const char *key)
{
	struct repeater *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	(void)pthread_mutex_init(&r->lock, NULL);
	snprintf(r->url, sizeof(r->url), "https://127.0.0.1:%u", (unsigned)to);
	r->curl = curl_easy_init();
	r->headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (r->curl == NULL || !read_file(certificate, r->pem) ||
	    !read_file(key, r->key)) {
		free_all(r);
		return NULL;
	}
	(void)curl_easy_setopt(r->curl, CURLOPT_CAINFO, certificate);
	(void)curl_easy_setopt(r->curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(r->curl, CURLOPT_HTTPHEADER, r->headers);
	(void)curl_easy_setopt(r->curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
	(void)curl_easy_setopt(r->curl, CURLOPT_WRITEFUNCTION, take);
	(void)curl_easy_setopt(r->curl, CURLOPT_WRITEDATA, &r->answer);
	r->daemon =
	    MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS, 0,
		NULL, NULL, on_request, r, MHD_OPTION_NOTIFY_COMPLETED, on_end,
		r, MHD_OPTION_HTTPS_MEM_CERT, r->pem, MHD_OPTION_HTTPS_MEM_KEY,
		r->key, MHD_OPTION_END);
	if (r->daemon == NULL) {
		free_all(r);
		return NULL;
	}
	return r;
}

void
repeater_free(struct repeater *r)
{
	MHD_stop_daemon(r->daemon);
	free_all(r);
}

unsigned short
repeater_port(const struct repeater *r)
{
	const union MHD_DaemonInfo *i =
	    MHD_get_daemon_info(r->daemon, MHD_DAEMON_INFO_BIND_PORT);

	return i != NULL ? i->port : 0;
}

void
repeater_plan(struct repeater *r, uint64_t seed)
{
	(void)pthread_mutex_lock(&r->lock);
	r->state = seed;
	(void)pthread_mutex_unlock(&r->lock);
}

unsigned
repeater_met(const struct repeater *r)
{
	return r->met;
}
