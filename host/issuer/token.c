/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An issuer whose private keys are in a PKCS#11 token: the file keys/token says
 * in which, and under which names:
 *
 *   pkcs11:token=LABEL?module-path=FILE    (as it was given)
 *   PREFIX
 *
 * Nothing of it is secret.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../keys/secret.h"
#include "../../keys/store/file.h"

#define TOKEN	 "token"
#define MODE	 0600
#define PREFIX	 "jiaozi-"
#define ID_BYTES 4
#define URI_MAX	 2048
#define FILE_MAX (URI_MAX + JZ_TOKEN_LABEL_MAX + 2)

static int
token_path(char out[static JZ_PATH_MAX], const char *keys)
{
	int n = snprintf(out, JZ_PATH_MAX, "%s/%s", keys, TOKEN);

	return n < 0 || n >= JZ_PATH_MAX ? JZ_ERR_RANGE : 0;
}

/* One line into a string; JZ_ERR_KEYFILE. */
static int
take_line(struct jz_cursor *c, char *out, size_t cap)
{
	size_t n = 0;
	uint8_t b;

	while ((b = jz_take_u8(c)) != '\n') {
		if (c->bad || b == 0 || n + 1 >= cap)
			return JZ_ERR_KEYFILE;
		out[n++] = (char)b;
	}
	out[n] = '\0';
	return 0;
}

/* JZ_ERR_NOT_FOUND: the keys are in files. */
static int
read_file(const char *keys, struct jz_token_uri *uri,
    char prefix[static JZ_TOKEN_LABEL_MAX])
{
	uint8_t bytes[FILE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	char path[JZ_PATH_MAX], text[URI_MAX];
	struct jz_cursor c;
	int err = token_path(path, keys);

	if (err == 0)
		err = jz_file_read(path, &b);
	if (err != 0)
		return err == JZ_ERR_SPACE ? JZ_ERR_KEYFILE : err;
	c = jz_cursor(jz_buffer_span(&b));
	err = take_line(&c, text, sizeof(text));
	if (err == 0)
		err = take_line(&c, prefix, JZ_TOKEN_LABEL_MAX);
	if (err == 0 &&
	    (!jz_cursor_end(&c) || jz_token_uri_parse(text, uri) != 0))
		err = JZ_ERR_KEYFILE;
	return err;
}

static int
write_file(const char *keys, const char *uri, const char *prefix)
{
	char path[JZ_PATH_MAX], text[FILE_MAX];
	int n = snprintf(text, sizeof(text), "%s\n%s\n", uri, prefix);
	int err = token_path(path, keys);

	if (n < 0 || (size_t)n >= sizeof(text))
		return JZ_ERR_RANGE;
	return err != 0
	    ? err
	    : jz_file_write(path, MODE, JZ_FILE_NEW, jz_span(text, (size_t)n));
}

int
jz_issuer_token_open(const struct jz_engine *base, const char *keys,
    const struct jz_secret *pin, struct jz_token **out, struct jz_secret *seal)
{
	char prefix[JZ_TOKEN_LABEL_MAX] = "";
	struct jz_token_uri uri;
	int err = read_file(keys, &uri, prefix);

	*out = NULL;
	if (err == JZ_ERR_NOT_FOUND)
		return 0;
	if (err == 0)
		err = jz_token_open(base, &uri, prefix, pin, out);
	if (err == 0)
		err = jz_token_seal_key(*out, false, seal);
	return err;
}

int
jz_issuer_token_create(const struct jz_engine *base, const char *keys,
    const struct jz_secret *pin, const char *uri, struct jz_token **out,
    struct jz_secret *seal)
{
	char prefix[JZ_TOKEN_LABEL_MAX];
	uint8_t id[ID_BYTES];
	struct jz_token_uri u;
	int err = jz_token_uri_parse(uri, &u);

	*out = NULL;
	if (err == 0)
		err = base->crypto->random(base->state, id, sizeof(id));
	if (err != 0)
		return err;
	snprintf(prefix, sizeof(prefix), PREFIX "%02x%02x%02x%02x/", id[0],
	    id[1], id[2], id[3]);
	err = jz_token_open(base, &u, prefix, pin, out);
	if (err == 0)
		err = write_file(keys, uri, prefix);
	if (err == 0)
		err = jz_token_seal_key(*out, true, seal);
	return err;
}

void
jz_issuer_token_undo(struct jz_token *token)
{
	static const char *const NAMES[] = {"root-1", "ca-1", "host-1", "seal"};

	for (size_t k = 0; k < sizeof(NAMES) / sizeof(NAMES[0]); k++)
		jz_token_destroy(token, NAMES[k]);
}
