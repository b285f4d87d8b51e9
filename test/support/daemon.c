/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L

#include "daemon.h"
#include "temp.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY 86400L

static void
add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static X509 *
certify(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name;

	assert_non_null(x);
	assert_int_equal(X509_set_version(x, 2), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -DAY);
	X509_gmtime_adj(X509_getm_notAfter(x), DAY);
	name = X509_get_subject_name(x);
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
			     (const unsigned char *)"test", -1, -1, 0),
	    1);
	assert_int_equal(X509_set_issuer_name(x, name), 1);
	assert_int_equal(X509_set_pubkey(x, key), 1);
	add_extension(x, NID_subject_alt_name, "IP:127.0.0.1");
	add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static void
make_files(const char *certificate, const char *key_file)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x;
	FILE *f;

	assert_non_null(key);
	x = certify(key);
	f = fopen(certificate, "w");
	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, x), 1);
	fclose(f);
	f = fopen(key_file, "w");
	assert_non_null(f);
	assert_int_equal(
	    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(key);
}

void
daemon_new(struct daemon *d)
{
	memset(d, 0, sizeof(*d));
	assert_true(temp_new(d->dir, sizeof(d->dir), "jz-daemon"));
	snprintf(d->certificate, sizeof(d->certificate), "%s/a.pem", d->dir);
	snprintf(d->key, sizeof(d->key), "%s/a.key", d->dir);
	snprintf(d->other, sizeof(d->other), "%s/b.pem", d->dir);
	snprintf(d->other_key, sizeof(d->other_key), "%s/b.key", d->dir);
	make_files(d->certificate, d->key);
	make_files(d->other, d->other_key);
}

void
daemon_start(struct daemon *d, struct jz_issuer *i, struct jz_server_options o)
{
	o.issuer = i;
	o.certificate = d->certificate;
	o.key = d->key;
	assert_int_equal(jz_server_start(&o, &d->server), 0);
	snprintf(d->url, sizeof(d->url), "https://127.0.0.1:%u",
	    (unsigned)jz_server_port(d->server));
}

void
daemon_free(struct daemon *d)
{
	jz_server_stop(&d->server);
	(void)unlink(d->certificate);
	(void)unlink(d->key);
	(void)unlink(d->other);
	(void)unlink(d->other_key);
	assert_int_equal(rmdir(d->dir), 0);
}

struct jz_bank *
daemon_bank(const struct daemon *d, unsigned timeout_s)
{
	const struct jz_https_options o = {
	    .url = d->url, .ca = d->certificate, .timeout_s = timeout_s};
	struct jz_bank *b = NULL;

	assert_int_equal(jz_bank_of_url(&o, &b), 0);
	return b;
}

struct text {
	char *at;
	size_t len, cap;
};

static size_t
take(char *data, size_t size, size_t n, void *arg)
{
	struct text *t = arg;

	n *= size;
	if (n >= t->cap - t->len)
		return 0;
	memcpy(t->at + t->len, data, n);
	t->len += n;
	t->at[t->len] = '\0';
	return n;
}

long
daemon_ask(const struct daemon *d, const char *method, const char *path,
    const char *body, size_t len, char *text, size_t cap)
{
	struct text t = {text, 0, cap};
	CURL *c = curl_easy_init();
	char url[256];
	long status = 0;

	assert_non_null(c);
	text[0] = '\0';
	snprintf(url, sizeof(url), "%s%s", d->url, path);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_CAINFO, d->certificate);
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &t);
	if (body != NULL) {
		curl_easy_setopt(
		    c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	}
	if (curl_easy_perform(c) == CURLE_OK)
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(c);
	return status;
}
