/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a bank that is a daemon: https.c asks, https_bank.c knows what.
 */
#ifndef JZ_HOST_HTTPS_H
#define JZ_HOST_HTTPS_H

#include "bank.h"

#include <curl/curl.h>
#include <jansson.h>

#define JZ_HTTPS_URL_MAX 512

struct jz_https {
	struct jz_bank bank;
	CURL *curl;
	struct curl_slist *headers;
	struct jz_https_options o; /* its texts are copied below */
	char *ca, *certificate, *key;
	char url[JZ_HTTPS_URL_MAX];
	char error[CURL_ERROR_SIZE];
	uint8_t *answer;
	size_t answer_len;
	uint8_t ca_bytes[JZ_CERTIFICATE_MAX], host_bytes[JZ_CERTIFICATE_MAX];
	struct jz_known known; /* n 0: not asked yet */
	bool once;	       /* what is asked counts, and is not repeated */
};

/*
 * Asks one question until there is an answer, an object; body NULL: GET.  *out
 * is the caller's, when 0 is returned.  A refusal is kept in the bank.
 */
int
jz_https_ask(struct jz_https *h, const char *path, json_t *body, json_t **out);
void jz_https_free(struct jz_bank *b);

extern const struct jz_bank_ops jz_https_ops;

#endif
