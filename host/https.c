/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer's daemon as a bank, through libcurl.
 *
 * A question whose answer does not come is asked again, the same to the byte,
 * until the time is over: the daemon does each once (bank.h).  It is asked
 * again as well when the daemon is busy (429, 503), never when it has refused.
 */
#define _POSIX_C_SOURCE 200809L

#include "bank.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../apdu/error.h"
#include "../keys/secret.h"
#include "wire.h"

#define URL_MAX		512
#define TIMEOUT_DEFAULT 30u
#define CONNECT_MS	5000L
#define ATTEMPT_MS	10000L
#define WAIT_FIRST_MS	50u
#define WAIT_MAX_MS	1000u
#define TICK_MS		50u

struct https {
	struct jz_bank bank;
	CURL *curl;
	struct curl_slist *headers;
	struct jz_https_options o; /* its texts are copied below */
	char *ca, *certificate, *key;
	char url[URL_MAX];
	char error[CURL_ERROR_SIZE];
	uint8_t *answer;
	size_t answer_len;
	uint8_t ca_bytes[JZ_CERTIFICATE_MAX], host_bytes[JZ_CERTIFICATE_MAX];
	struct jz_known known; /* n 0: not asked yet */
	bool once;	       /* what is asked counts, and is not repeated */
};

static struct https *
of(struct jz_bank *b)
{
	return (struct https *)b;
}

/* ---- one attempt --------------------------------------------------------- */

static size_t
on_data(char *data, size_t size, size_t n, void *arg)
{
	struct https *h = arg;
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
	struct https *h = arg;

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
error_of(struct https *h, CURLcode code)
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
attempt(struct https *h, long left_ms, long *status)
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
wait_ms(const struct https *h, unsigned ms)
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
persist(struct https *h, long *status)
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
incident_of(struct https *h, const json_t *answer)
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
refusal_of(struct https *h, const json_t *answer)
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

/* body NULL: GET.  *out is the caller's, when 0 is returned. */
static int
ask(struct https *h, const char *path, json_t *body, json_t **out)
{
	char url[URL_MAX + 64];
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

/* ---- the questions ------------------------------------------------------- */

static json_t *
letter(struct jz_span message)
{
	json_t *j = json_object();

	if (j != NULL &&
	    json_object_set_new(j, "message", jz_wire_hex(message)) == 0)
		return j;
	json_decref(j);
	return NULL;
}

static int
ask_with(
    struct https *h, const char *path, struct jz_span message, json_t **out)
{
	json_t *body = letter(message);
	int err = body == NULL ? JZ_ERR_MEMORY : ask(h, path, body, out);

	json_decref(body);
	return err;
}

/* A message for a message. */
static int
exchange(struct jz_bank *b, const char *path, struct jz_span message,
    struct jz_buffer *out)
{
	size_t start = out->len;
	json_t *answer = NULL;
	int err = ask_with(of(b), path, message, &answer);

	if (err == 0 &&
	    !jz_wire_bytes(json_object_get(answer, "message"), out)) {
		out->len = start;
		err = JZ_ERR_SERVER_ANSWER;
	}
	json_decref(answer);
	return err;
}

static int
permit(struct jz_bank *b, struct jz_span request, struct jz_buffer *out)
{
	return exchange(b, JZ_WIRE_PERMIT, request, out);
}

static int
unload_permit(struct jz_bank *b, struct jz_span request, struct jz_buffer *out)
{
	return exchange(b, JZ_WIRE_UNLOAD_PERMIT, request, out);
}

static int
unload(struct jz_bank *b, struct jz_span proof, struct jz_buffer *out)
{
	return exchange(b, JZ_WIRE_UNLOAD_PROOF, proof, out);
}

/* counter NULL: it goes without; out NULL: the answer is not looked at. */
static int
ask_with_two(struct jz_bank *b, const char *path,
    const struct jz_replace_pair *pair, const uint32_t *counter, json_t **out)
{
	json_t *body = letter(pair->before), *answer = NULL;
	int err = body != NULL &&
		json_object_set_new(
		    body, "successor", jz_wire_hex(pair->after)) == 0 &&
		(counter == NULL ||
		    json_object_set_new(
			body, "counter", json_integer(*counter)) == 0)
	    ? ask(of(b), path, body, &answer)
	    : JZ_ERR_MEMORY;

	json_decref(body);
	if (out != NULL)
		*out = answer;
	else
		json_decref(answer);
	return err;
}

static int
replace(struct jz_bank *b, const struct jz_replace_pair *pair, uint32_t counter,
    struct jz_replacement *out)
{
	json_t *answer = NULL;
	const json_t *amount, *load;
	int err = ask_with_two(b, JZ_WIRE_REPLACE, pair, &counter, &answer);

	memset(out, 0, sizeof(*out));
	amount = json_object_get(answer, "amount_minor");
	load = json_object_get(answer, "counter");
	if (err == 0 &&
	    (!json_is_integer(amount) || json_integer_value(amount) < 0 ||
		!json_is_integer(load) || json_integer_value(load) < 0 ||
		json_integer_value(load) > UINT32_MAX))
		err = JZ_ERR_SERVER_ANSWER;
	else if (err == 0) {
		out->amount_minor = (uint64_t)json_integer_value(amount);
		out->load_counter = (uint32_t)json_integer_value(load);
	}
	json_decref(answer);
	return err;
}

static int
replacement_load(
    struct jz_bank *b, const struct jz_replace_pair *pair, uint32_t counter)
{
	return ask_with_two(b, JZ_WIRE_REPLACE_LOAD, pair, &counter, NULL);
}

static int
replaced(struct jz_bank *b, const struct jz_replace_pair *pair)
{
	return ask_with_two(b, JZ_WIRE_REPLACED, pair, NULL, NULL);
}

static int
challenge(struct jz_bank *b, struct jz_span request, struct jz_buffer *out)
{
	return exchange(b, JZ_WIRE_CHALLENGE, request, out);
}

static int
sign_in(struct jz_bank *b, struct jz_span bytes, struct jz_buffer *out)
{
	return exchange(b, JZ_WIRE_SIGN_IN, bytes, out);
}

static int
batch(struct jz_bank *b, struct jz_span bytes, struct jz_buffer *out)
{
	return exchange(b, JZ_WIRE_BATCH, bytes, out);
}

/* A message whose answer says no more than that it was taken. */
static int
tell(struct jz_bank *b, const char *path, struct jz_span message)
{
	json_t *answer = NULL;
	int err = ask_with(of(b), path, message, &answer);

	json_decref(answer);
	return err;
}

static int
readmit(struct jz_bank *b, struct jz_span certificate)
{
	return tell(b, JZ_WIRE_READMIT, certificate);
}

static int
report(struct jz_bank *b, struct jz_span bytes)
{
	return tell(b, JZ_WIRE_REPORT, bytes);
}

static int
read_story(const json_t *answer, struct jz_load_story *story)
{
	static const char *const STATES[] = JZ_WIRE_STATES;
	const json_t *amount = json_object_get(answer, "amount_minor");
	const char *state = json_string_value(json_object_get(answer, "state"));

	if (!json_is_integer(amount) || json_integer_value(amount) < 0)
		return JZ_ERR_SERVER_ANSWER;
	story->amount_minor = (uint64_t)json_integer_value(amount);
	for (int k = JZ_LOAD_UNKNOWN; state != NULL && k <= JZ_LOAD_CANCELLED;
	     k++)
		if (strcmp(state, STATES[k]) == 0) {
			story->state = (enum jz_load_state)k;
			return 0;
		}
	return JZ_ERR_SERVER_ANSWER;
}

static int
cancel(struct jz_bank *b, struct jz_span proof, struct jz_cancel_result *result)
{
	struct jz_load_story story;
	json_t *answer = NULL;
	const char *outcome;
	int err = ask_with(of(b), JZ_WIRE_CANCEL, proof, &answer);

	memset(result, 0, sizeof(*result));
	if (err == 0)
		err = read_story(answer, &story);
	outcome = json_string_value(json_object_get(answer, "outcome"));
	if (err == 0 && outcome == NULL)
		err = JZ_ERR_SERVER_ANSWER;
	if (err == 0) {
		result->again = strcmp(outcome, "exists") == 0;
		result->returned_minor = story.amount_minor;
	}
	json_decref(answer);
	return err;
}

static int
find(struct jz_bank *b, struct jz_span signed_in, uint32_t counter,
    struct jz_load_story *story, struct jz_buffer *permission)
{
	json_t *body = letter(signed_in), *answer = NULL;
	const json_t *message;
	int err = body != NULL &&
		json_object_set_new(body, "counter", json_integer(counter)) == 0
	    ? ask(of(b), JZ_WIRE_FIND, body, &answer)
	    : JZ_ERR_MEMORY;

	json_decref(body);
	if (err == 0)
		err = read_story(answer, story);
	message = json_object_get(answer, "message");
	if (err == 0 && message != NULL && !jz_wire_bytes(message, permission))
		err = JZ_ERR_SERVER_ANSWER;
	json_decref(answer);
	return err;
}

static int
each_message(const json_t *list,
    int (*each)(struct jz_span completion, void *arg), void *arg)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	int err = json_is_array(list) ? 0 : JZ_ERR_SERVER_ANSWER;

	for (size_t k = 0; err == 0 && k < json_array_size(list); k++) {
		struct jz_buffer m = jz_buffer(bytes, sizeof(bytes));

		err = jz_wire_bytes(json_array_get(list, k), &m)
		    ? each(jz_buffer_span(&m), arg)
		    : JZ_ERR_SERVER_ANSWER;
	}
	return err;
}

static int
owed(struct jz_bank *b, struct jz_span signed_in,
    int (*each)(struct jz_span completion, void *arg), void *arg, bool *revoked)
{
	json_t *answer = NULL;
	int err = ask_with(of(b), JZ_WIRE_OWED, signed_in, &answer);

	*revoked = json_is_true(json_object_get(answer, "revoked"));
	if (err == 0)
		err = each_message(
		    json_object_get(answer, "messages"), each, arg);
	json_decref(answer);
	return err;
}

static int
submit(struct jz_bank *b, struct jz_span submission,
    enum jz_esign_verdict *verdict)
{
	json_t *answer = NULL;
	int err = ask_with(of(b), JZ_WIRE_SUBMIT, submission, &answer);
	const char *name =
	    json_string_value(json_object_get(answer, "verdict"));
	bool found = false;

	for (int v = 0; name != NULL && !found && v < JZ_ESIGN_VERDICTS; v++) {
		*verdict = (enum jz_esign_verdict)v;
		found = strcmp(name, jz_esign_verdict_name(*verdict)) == 0;
	}
	/* By a question before, whose answer was lost. */
	if (found && *verdict == JZ_ESIGN_EXECUTED_BEFORE)
		*verdict = JZ_ESIGN_EXECUTED;
	json_decref(answer);
	return err == 0 && !found ? JZ_ERR_SERVER_ANSWER : err;
}

static int
read_line(const json_t *row, struct jz_account_line *out)
{
	const json_t *time = json_object_get(row, "time");
	const json_t *amount = json_object_get(row, "amount_minor");

	out->time = json_integer_value(time);
	out->amount_minor = json_integer_value(amount);
	out->reason = json_string_value(json_object_get(row, "reason"));
	out->reference = json_string_value(json_object_get(row, "reference"));
	return json_is_integer(time) && json_is_integer(amount) &&
		out->reason != NULL && out->reference != NULL
	    ? 0
	    : JZ_ERR_SERVER_ANSWER;
}

static int
read_account(const json_t *answer, struct jz_account_view *view)
{
	const json_t *balance = json_object_get(answer, "balance_minor");
	const json_t *currency = json_object_get(answer, "currency");
	const json_t *lines = json_object_get(answer, "lines");
	struct jz_account_line line;
	int err = json_is_integer(balance) && json_is_integer(currency) &&
		json_is_array(lines)
	    ? 0
	    : JZ_ERR_SERVER_ANSWER;

	view->balance_minor = json_integer_value(balance);
	view->currency = (uint16_t)json_integer_value(currency);
	for (size_t k = 0; err == 0 && k < json_array_size(lines); k++) {
		err = read_line(json_array_get(lines, k), &line);
		if (err == 0)
			err = view->each(&line, view->arg);
	}
	return err;
}

static int
account(struct jz_bank *b, const struct jz_secret *password,
    struct jz_account_view *view)
{
	json_t *word = jz_wire_hex(jz_secret_span(password));
	json_t *body =
	    json_pack("{s:s, s:O}", "account", view->account, "password", word);
	json_t *answer = NULL;
	int err = JZ_ERR_MEMORY;

	of(b)->once = true;
	if (body != NULL)
		err = ask(of(b), JZ_WIRE_ACCOUNT, body, &answer);
	of(b)->once = false;
	json_decref(body);
	jz_wire_wipe(word);
	json_decref(word);
	if (err == 0)
		err = read_account(answer, view);
	json_decref(answer);
	return err;
}

static int
list(struct jz_bank *b, struct jz_buffer *out)
{
	json_t *answer = NULL;
	const json_t *message;
	int err = ask(of(b), JZ_WIRE_REVOCATION, NULL, &answer);

	message = json_object_get(answer, "message");
	if (err == 0 && message == NULL)
		err = JZ_ERR_NOT_FOUND;
	if (err == 0 && !jz_wire_bytes(message, out))
		err = JZ_ERR_SERVER_ANSWER;
	json_decref(answer);
	return err;
}

static int
known(struct jz_bank *b, struct jz_known *out)
{
	struct https *h = of(b);
	struct jz_buffer ca = jz_buffer(h->ca_bytes, sizeof(h->ca_bytes));
	struct jz_buffer host = jz_buffer(h->host_bytes, sizeof(h->host_bytes));
	json_t *answer = NULL;
	int err = 0;

	if (h->known.n == 0) {
		err = ask(h, JZ_WIRE_ISSUER, NULL, &answer);
		if (err == 0 &&
		    (!jz_wire_bytes(json_object_get(answer, "ca"), &ca) ||
			!jz_wire_bytes(json_object_get(answer, "host"), &host)))
			err = JZ_ERR_SERVER_ANSWER;
		json_decref(answer);
		if (err == 0)
			h->known = (struct jz_known){
			    {jz_buffer_span(&ca), jz_buffer_span(&host)}, 2};
	}
	*out = h->known;
	return err;
}

/* ---- the handle ---------------------------------------------------------- */

static void
free_https(struct jz_bank *b)
{
	struct https *h = of(b);

	curl_easy_cleanup(h->curl);
	curl_slist_free_all(h->headers);
	free(h->answer);
	free(h->ca);
	free(h->certificate);
	free(h->key);
	free(h);
}

static const struct jz_bank_ops OPS = {
    .known = known,
    .permit = permit,
    .report = report,
    .cancel = cancel,
    .find = find,
    .unload_permit = unload_permit,
    .unload = unload,
    .replace = replace,
    .replacement_load = replacement_load,
    .replaced = replaced,
    .challenge = challenge,
    .sign_in = sign_in,
    .readmit = readmit,
    .batch = batch,
    .owed = owed,
    .account = account,
    .submit = submit,
    .list = list,
    .free = free_https,
};

static bool
copy(const char *text, char **out)
{
	*out = text != NULL ? strdup(text) : NULL;
	return text == NULL || *out != NULL;
}

static bool
set_up(struct https *h)
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
read_url(const char *text, char out[static URL_MAX])
{
	size_t scheme = strlen("https://"), len = strlen(text);

	while (len > scheme && text[len - 1] == '/')
		len--;
	if (strncmp(text, "https://", scheme) != 0 || len == scheme ||
	    len >= URL_MAX || strcspn(text + scheme, "/?#@ ") < len - scheme)
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
	struct https *h = calloc(1, sizeof(*h));

	*out = NULL;
	if (h == NULL)
		return JZ_ERR_MEMORY;
	(void)pthread_once(&once, begin_curl);
	h->bank.ops = &OPS;
	h->o = *o;
	if (h->o.timeout_s == 0)
		h->o.timeout_s = TIMEOUT_DEFAULT;
	if (!read_url(o->url, h->url)) {
		free_https(&h->bank);
		return JZ_ERR_ARGUMENT;
	}
	h->curl = curl_easy_init();
	h->headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (h->curl == NULL || h->headers == NULL || !copy(o->ca, &h->ca) ||
	    !copy(o->certificate, &h->certificate) || !copy(o->key, &h->key) ||
	    !set_up(h)) {
		free_https(&h->bank);
		return JZ_ERR_MEMORY;
	}
	*out = &h->bank;
	return 0;
}
