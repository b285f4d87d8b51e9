/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer's daemon as a bank, through libcurl.
 *
 * A question whose answer does not come is asked again, the same to the byte,
 * until the time is over: the daemon does each once (bank.h).  It is asked
 * again as well when the daemon is busy (429, 503), never when it has refused.
 */
#define _POSIX_C_SOURCE 200809L

#include "https.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../apdu/error.h"
#include "../keys/secret.h"
#include "wire.h"

#define TIMEOUT_DEFAULT 30u
#define CONNECT_MS	5000L
#define ATTEMPT_MS	10000L
#define WAIT_FIRST_MS	50u
#define WAIT_MAX_MS	1000u
#define TICK_MS		50u

static struct jz_https *
of(struct jz_bank *b)
{
	return (struct jz_https *)b;
}

/* ---- one attempt --------------------------------------------------------- */

static size_t
on_data(char *data, size_t size, size_t n, void *arg)
{
	struct jz_https *h = arg;
	uint8_t *grown;

	n *= size;
	if (n > JZ_WIRE_ANSWER_MAX - h->answer_len)
		return 0;
	grown = realloc(h->answer, h->answer_len + n + 1);
	if (grown == NULL)
		return 0;
	memcpy(grown + h->answer_len, data, n);
	h->answer = grown;
	h->answer_len += n;
	return n;
}

static int
on_progress(void *arg, curl_off_t down, curl_off_t down_now, curl_off_t up,
    curl_off_t up_now)
{
	struct jz_https *h = arg;

	(void)down;
	(void)down_now;
	(void)up;
	(void)up_now;
	return h->o.cancelled != NULL && h->o.cancelled(h->o.arg);
}

/* Whose certificate it is, and nothing that trying again would change. */
static bool
not_legitimate(CURLcode code)
{
	return code == CURLE_PEER_FAILED_VERIFICATION ||
	    code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_ISSUER_ERROR;
}

static int
error_of(struct jz_https *h, CURLcode code)
{
	snprintf(h->bank.detail, sizeof(h->bank.detail), "%.150s",
	    h->error[0] != '\0' ? h->error : curl_easy_strerror(code));
	if (not_legitimate(code))
		return JZ_ERR_SERVER;
	switch (code) {
	case CURLE_ABORTED_BY_CALLBACK:
		return JZ_ERR_CANCELLED;
	case CURLE_OUT_OF_MEMORY:
		return JZ_ERR_MEMORY;
	case CURLE_WRITE_ERROR:
		return JZ_ERR_SERVER_ANSWER;
	case CURLE_SSL_CERTPROBLEM:
		return JZ_ERR_KEY;
	default:
		return JZ_ERR_NETWORK;
	}
}

static int
attempt(struct jz_https *h, long left_ms, long *status)
{
	CURLcode code;

	h->answer_len = 0;
	h->error[0] = '\0';
	*status = 0;
	(void)curl_easy_setopt(h->curl, CURLOPT_TIMEOUT_MS,
	    left_ms < ATTEMPT_MS ? left_ms : ATTEMPT_MS);
	code = curl_easy_perform(h->curl);
	if (code != CURLE_OK)
		return error_of(h, code);
	(void)curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, status);
	if (*status == 429 || *status == 502 || *status == 503 ||
	    *status == 504)
		return JZ_ERR_SERVER_BUSY;
	return 0;
}

/* ---- until there is an answer -------------------------------------------- */

static uint64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* False: whoever waits has had enough. */
static bool
wait_ms(const struct jz_https *h, unsigned ms)
{
	const struct timespec tick = {0, (long)TICK_MS * 1000 * 1000};

	for (unsigned done = 0; done < ms; done += TICK_MS) {
		if (h->o.cancelled != NULL && h->o.cancelled(h->o.arg))
			return false;
		(void)nanosleep(&tick, NULL);
	}
	return true;
}

static bool
worth_repeating(int err)
{
	return err == JZ_ERR_NETWORK || err == JZ_ERR_SERVER_BUSY;
}

static int
persist(struct jz_https *h, long *status)
{
	uint64_t end = now_ms() + h->o.timeout_s * 1000u, now;
	unsigned wait = WAIT_FIRST_MS;
	int err;

	for (;;) {
		now = now_ms();
		if (now >= end)
			return JZ_ERR_NETWORK;
		err = attempt(h, (long)(end - now), status);
		if (h->once || !worth_repeating(err) || now_ms() + wait >= end)
			return err;
		if (!wait_ms(h, wait))
			return JZ_ERR_CANCELLED;
		wait = 2 * wait < WAIT_MAX_MS ? 2 * wait : WAIT_MAX_MS;
	}
}

static void
incident_of(struct jz_https *h, const json_t *answer)
{
	const char *name =
	    json_string_value(json_object_get(answer, "incident"));

	for (int k = JZ_INCIDENT_NONE; name != NULL && k <= JZ_INCIDENT_LAST;
	     k++)
		if (strcmp(name, jz_incident_name((enum jz_incident_kind)k)) ==
		    0)
			h->bank.incident = (enum jz_incident_kind)k;
}

/* By its name: one that we do not know is as good as any. */
static int
refusal_of(struct jz_https *h, const json_t *answer)
{
	const char *name = json_string_value(json_object_get(answer, "error"));

	incident_of(h, answer);
	for (int r = JZ_REFUSAL_MALFORMED;
	     name != NULL && r <= JZ_REFUSAL_CONFLICT; r++) {
		if (strcmp(name, jz_refusal_name((enum jz_refusal)r)) != 0)
			continue;
		h->bank.refusal = (enum jz_refusal)r;
		return JZ_ERR_REFUSED;
	}
	snprintf(h->bank.detail, sizeof(h->bank.detail), "%.60s",
	    name != NULL ? name : "");
	return JZ_ERR_SERVER_ANSWER;
}

int
jz_https_ask(struct jz_https *h, const char *path, json_t *body, json_t **out)
{
	char url[JZ_HTTPS_URL_MAX + 64];
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	long status = 0;
	int err;

	*out = NULL;
	h->bank.refusal = JZ_REFUSAL_NONE;
	h->bank.incident = JZ_INCIDENT_NONE;
	h->bank.detail[0] = '\0';
	if (body != NULL && text == NULL)
		return JZ_ERR_MEMORY;
	snprintf(url, sizeof(url), "%s%s", h->url, path);
	(void)curl_easy_setopt(h->curl, CURLOPT_URL, url);
	if (text != NULL) {
		(void)curl_easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)strlen(text));
		(void)curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, text);
	} else
		(void)curl_easy_setopt(h->curl, CURLOPT_HTTPGET, 1L);
	err = persist(h, &status);
	if (text != NULL)
		jz_wipe(text, strlen(text));
	free(text);
	if (err == 0) {
		*out = jz_wire_object(jz_span(h->answer, h->answer_len));
		if (*out == NULL)
			err = JZ_ERR_SERVER_ANSWER;
		else if (status != 200 &&
		    json_object_get(*out, "verdict") == NULL)
			err = refusal_of(h, *out);
	}
	if (err != 0) {
		json_decref(*out);
		*out = NULL;
	}
	return err;
}

/* ---- the handle ---------------------------------------------------------- */

void
jz_https_free(struct jz_bank *b)
{
	struct jz_https *h = of(b);

	curl_easy_cleanup(h->curl);
	curl_slist_free_all(h->headers);
	free(h->answer);
	free(h->ca);
	free(h->certificate);
	free(h->key);
	free(h);
}

static bool
copy(const char *text, char **out)
{
	*out = text != NULL ? strdup(text) : NULL;
	return text == NULL || *out != NULL;
}

static bool
set_up(struct jz_https *h)
{
	CURL *c = h->curl;
	bool good = true;

	good &= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https") == 0;
	good &= curl_easy_setopt(
		    c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3) == 0;
	good &= curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == 0;
	good &= curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == 0;
	if (h->ca != NULL)
		good &= curl_easy_setopt(c, CURLOPT_CAINFO, h->ca) == 0;
	if (h->certificate != NULL)
		good &=
		    curl_easy_setopt(c, CURLOPT_SSLCERT, h->certificate) == 0;
	if (h->key != NULL)
		good &= curl_easy_setopt(c, CURLOPT_SSLKEY, h->key) == 0;
	good &= curl_easy_setopt(c, CURLOPT_HTTPHEADER, h->headers) == 0;
	good &= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == 0;
	good &= curl_easy_setopt(c, CURLOPT_TCP_NODELAY, 1L) == 0;
	good &= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) == 0;
	good &= curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->error) == 0;
	good &= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data) == 0;
	good &= curl_easy_setopt(c, CURLOPT_WRITEDATA, h) == 0;
	good &= curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L) == 0;
	good &= curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress) == 0;
	good &= curl_easy_setopt(c, CURLOPT_XFERINFODATA, h) == 0;
	return good;
}

/* https://HOST[:PORT], with or without a slash after it. */
static bool
read_url(const char *text, char out[static JZ_HTTPS_URL_MAX])
{
	size_t scheme = strlen("https://"), len = strlen(text);

	while (len > scheme && text[len - 1] == '/')
		len--;
	if (strncmp(text, "https://", scheme) != 0 || len == scheme ||
	    len >= JZ_HTTPS_URL_MAX ||
	    strcspn(text + scheme, "/?#@ ") < len - scheme)
		return false;
	memcpy(out, text, len);
	out[len] = '\0';
	return true;
}

/* libcurl's own state is one of a process. */
static void
begin_curl(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

int
jz_bank_of_url(const struct jz_https_options *o, struct jz_bank **out)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct jz_https *h = calloc(1, sizeof(*h));

	*out = NULL;
	if (h == NULL)
		return JZ_ERR_MEMORY;
	(void)pthread_once(&once, begin_curl);
	h->bank.ops = &jz_https_ops;
	h->o = *o;
	if (h->o.timeout_s == 0)
		h->o.timeout_s = TIMEOUT_DEFAULT;
	if (!read_url(o->url, h->url)) {
		jz_https_free(&h->bank);
		return JZ_ERR_ARGUMENT;
	}
	h->curl = curl_easy_init();
	h->headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (h->curl == NULL || h->headers == NULL || !copy(o->ca, &h->ca) ||
	    !copy(o->certificate, &h->certificate) || !copy(o->key, &h->key) ||
	    !set_up(h)) {
		jz_https_free(&h->bank);
		return JZ_ERR_MEMORY;
	}
	*out = &h->bank;
	return 0;
}
