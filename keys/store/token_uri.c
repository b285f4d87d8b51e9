/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PKCS#11 URIs (RFC 7512), as much as says which token and which module.
 */
#include <string.h>

#include "../../apdu/bytes.h"
#include "../../apdu/error.h"
#include "token.h"

#define SCHEME	       "pkcs11:"
#define DEFAULT_MODULE "p11-kit-proxy.so"

/* Up to the next of `ends`, with %XX read; what is left after it, or NULL. */
static const char *
take(const char *p, const char *ends, char *out, size_t cap)
{
	size_t n = 0;

	for (; *p != '\0' && strchr(ends, *p) == NULL; p++) {
		char c = *p;

		if (c == '%') {
			int high = jz_hex_digit(p[1]);
			int low = high < 0 ? -1 : jz_hex_digit(p[2]);

			if (low < 0 || (high == 0 && low == 0))
				return NULL;
			c = (char)(high << 4 | low);
			p += 2;
		}
		if (n + 1 >= cap)
			return NULL;
		out[n++] = c;
	}
	out[n] = '\0';
	return n > 0 ? p : NULL;
}

/* What follows "NAME=", or NULL. */
static const char *
after(const char *p, const char *name)
{
	size_t len = strlen(name);

	return strncmp(p, name, len) == 0 ? p + len : NULL;
}

int
jz_token_uri_parse(const char *text, struct jz_token_uri *out)
{
	const char *p = after(text, SCHEME "token=");

	memset(out, 0, sizeof(*out));
	memcpy(out->module, DEFAULT_MODULE, sizeof(DEFAULT_MODULE));
	if (p != NULL)
		p = take(p, ";?", out->token, sizeof(out->token));
	if (p != NULL && *p == '?') {
		p = after(p, "?module-path=");
		if (p != NULL)
			p = take(p, "&", out->module, sizeof(out->module));
	}
	if (p != NULL && *p == '\0')
		return 0;
	memset(out, 0, sizeof(*out));
	return JZ_ERR_ARGUMENT;
}
