/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon on the network: what a client gets that is no client of it.
 */
#define _POSIX_C_SOURCE 200809L

#include <curl/curl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../../../../apdu/error.h"
#include "../../../../host/wire.h"
#include "../../../support/daemon.h"
#include "../../../support/issuerrig.h"

#define ANSWER	  16384
#define TIMEOUT_S 20

static void
test_limits(void **state)
{
	struct rig *r = *state;
	char *body = malloc(JZ_WIRE_REQUEST_MAX + 1);
	char text[ANSWER];
	uint64_t before = rig_snapshot(r);
	struct daemon d;

	assert_non_null(body);
	memset(body, ' ', JZ_WIRE_REQUEST_MAX + 1);
	daemon_new(&d);
	daemon_start(&d, r->issuer, (struct jz_server_options){0});
	assert_int_equal(daemon_ask(&d, "POST", JZ_WIRE_PERMIT, body,
			     JZ_WIRE_REQUEST_MAX, text, sizeof(text)),
	    400);
	assert_non_null(strstr(text, "MALFORMED"));
	assert_int_equal(daemon_ask(&d, "POST", JZ_WIRE_PERMIT, body,
			     JZ_WIRE_REQUEST_MAX + 1, text, sizeof(text)),
	    413);
	assert_int_equal(
	    daemon_ask(&d, "GET", "/", NULL, 0, text, ANSWER), 404);
	assert_int_equal(
	    daemon_ask(&d, "GET", JZ_WIRE_PERMIT, NULL, 0, text, ANSWER), 405);
	assert_int_equal(
	    daemon_ask(&d, "GET", JZ_WIRE_HEALTH, NULL, 0, text, ANSWER), 200);
	assert_int_equal(
	    daemon_ask(&d, "GET", JZ_WIRE_METRICS, NULL, 0, text, ANSWER), 200);
	assert_non_null(strstr(text,
	    "jiaozi_errors_total{error=\"MALFORMED\"} "
	    "1\n"));
	/* What is no path of ours is counted, and nothing that was not. */
	assert_non_null(strstr(
	    text, "jiaozi_requests_total{path=\"other\",status=\"4xx\"} 2\n"));
	assert_null(strstr(text, "status=\"0xx\""));
	assert_true(rig_snapshot(r) == before);
	daemon_free(&d);
	free(body);
}

/* A body without a length and without an end. */
static size_t
without_end(char *out, size_t size, size_t n, void *arg)
{
	(void)arg;
	memset(out, ' ', size * n);
	return size * n;
}

static void
test_endless_body(void **state)
{
	struct rig *r = *state;
	struct curl_slist *headers =
	    curl_slist_append(NULL, "Transfer-Encoding: chunked");
	CURL *c = curl_easy_init();
	char url[256], text[ANSWER];
	CURLcode code;
	struct daemon d;

	assert_non_null(c);
	assert_non_null(headers);
	daemon_new(&d);
	daemon_start(&d, r->issuer, (struct jz_server_options){0});
	snprintf(url, sizeof(url), "%s%s", d.url, JZ_WIRE_PERMIT);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_CAINFO, d.certificate);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_POST, 1L);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, without_end);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
	code = curl_easy_perform(c);
	assert_true(code != CURLE_OK && code != CURLE_OPERATION_TIMEDOUT);
	curl_easy_cleanup(c);
	curl_slist_free_all(headers);
	assert_int_equal(
	    daemon_ask(&d, "GET", JZ_WIRE_HEALTH, NULL, 0, text, ANSWER), 200);
	daemon_free(&d);
}

/* One address cannot ask faster than it may; another question waits. */
static void
test_rate(void **state)
{
	struct rig *r = *state;
	unsigned good = 0, fast = 0;
	char text[ANSWER];
	struct jz_bank *bank;
	struct jz_known known;
	struct daemon d;
	time_t began = time(NULL);

	daemon_new(&d);
	daemon_start(&d, r->issuer, (struct jz_server_options){.rate = 1});
	for (unsigned n = 0; n < 20; n++) {
		long status = daemon_ask(
		    &d, "GET", JZ_WIRE_HEALTH, NULL, 0, text, sizeof(text));

		good += status == 200;
		fast += status == 429;
	}
	/* Two at once, and one a second. */
	assert_in_range(good, 2, 3 + (unsigned)(time(NULL) - began) + 1);
	assert_int_equal(good + fast, 20);
	/* A client that knows waits, and gets its answer. */
	bank = daemon_bank(&d, TIMEOUT_S);
	assert_int_equal(bank->ops->known(bank, &known), 0);
	jz_bank_free(&bank);
	daemon_free(&d);
}

static void
test_client_certificate(void **state)
{
	struct rig *r = *state;
	struct jz_https_options o = {.timeout_s = 2};
	struct jz_bank *bank = NULL;
	struct jz_known known;
	struct daemon d;

	daemon_new(&d);
	daemon_start(
	    &d, r->issuer, (struct jz_server_options){.client_ca = d.other});
	o.url = d.url;
	o.ca = d.certificate;
	assert_int_equal(jz_bank_of_url(&o, &bank), 0);
	assert_true(bank->ops->known(bank, &known) != 0);
	jz_bank_free(&bank);
	o.certificate = d.certificate;
	o.key = d.key;
	assert_int_equal(jz_bank_of_url(&o, &bank), 0);
	assert_true(bank->ops->known(bank, &known) != 0);
	jz_bank_free(&bank);
	o.certificate = d.other;
	o.key = d.other_key;
	assert_int_equal(jz_bank_of_url(&o, &bank), 0);
	assert_int_equal(bank->ops->known(bank, &known), 0);
	jz_bank_free(&bank);
	daemon_free(&d);
}

/* TLS 1.2 is not spoken. */
static void
test_older_tls(void **state)
{
	struct rig *r = *state;
	CURL *c = curl_easy_init();
	struct daemon d;

	assert_non_null(c);
	daemon_new(&d);
	daemon_start(&d, r->issuer, (struct jz_server_options){0});
	curl_easy_setopt(c, CURLOPT_URL, d.url);
	curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(c, CURLOPT_CAINFO, d.certificate);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	assert_int_equal(curl_easy_perform(c), CURLE_OK);
	curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, CURL_SSLVERSION_MAX_TLSv1_2);
	assert_int_equal(curl_easy_perform(c), CURLE_SSL_CONNECT_ERROR);
	curl_easy_cleanup(c);
	daemon_free(&d);
}

static size_t
unread(char *data, size_t size, size_t n, void *arg)
{
	(void)data;
	(void)arg;
	return size * n;
}

/* The status of a question from one of this machine's addresses. */
static long
ask_from(const struct daemon *d, const char *address)
{
	CURL *c = curl_easy_init();
	char url[256];
	long status = 0;

	assert_non_null(c);
	snprintf(url, sizeof(url), "%s%s", d->url, JZ_WIRE_HEALTH);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_NOBODY, 0L);
	curl_easy_setopt(c, CURLOPT_CAINFO, d->certificate);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_INTERFACE, address);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, unread);
	if (curl_easy_perform(c) == CURLE_OK)
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(c);
	return status;
}

/* At a socket of both kinds, too, nobody takes another's share. */
static void
test_rate_of_ipv4(void **state)
{
	struct rig *r = *state;
	struct jz_server_options o = {
	    .issuer = r->issuer, .address = "::", .rate = 1};
	unsigned fast = 0;
	struct daemon d;

	daemon_new(&d);
	o.certificate = d.certificate;
	o.key = d.key;
	if (jz_server_start(&o, &d.server) != 0) {
		daemon_free(&d);
		skip(); /* no IPv6 here */
	}
	snprintf(d.url, sizeof(d.url), "https://127.0.0.1:%u",
	    (unsigned)jz_server_port(d.server));
	for (unsigned n = 0; n < 10; n++)
		fast += ask_from(&d, "127.0.0.1") == 429;
	assert_true(fast > 0);
	assert_int_equal(ask_from(&d, "127.0.0.2"), 200);
	daemon_free(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_limits, rig_after),
	    cmocka_unit_test_teardown(test_endless_body, rig_after),
	    cmocka_unit_test_teardown(test_rate, rig_after),
	    cmocka_unit_test_teardown(test_rate_of_ipv4, rig_after),
	    cmocka_unit_test_teardown(test_client_certificate, rig_after),
	    cmocka_unit_test_teardown(test_older_tls, rig_after),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
