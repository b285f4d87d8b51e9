/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader that holds a virtual card.
 */
#define _POSIX_C_SOURCE 200809L

#include "virtual_card.h"

#include <stdlib.h>
#include <string.h>

#include "../apdu/error.h"
#include "../keys/secret.h"
#include "../keys/store/keyfile.h"
#include "internal.h"

static int
reader_transmit(void *state, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp,
    size_t *rsp_len)
{
	*rsp_len = jz_virtual_process(state, cmd, cmd_len, rsp, *rsp_len);
	return 0;
}

/* A card of ours forgets the same at either reset. */
static int
reader_reset(void *state, bool cold)
{
	(void)cold;
	jz_virtual_reset(state);
	return 0;
}

static struct jz_span
reader_atr(void *state)
{
	return jz_virtual_atr(state);
}

static void
reader_close(void *state)
{
	struct jz_virtual *v = state;

	jz_virtual_free(&v);
}

static const struct jz_reader_ops virtual_ops = {
    .scheme = "virtual",
    .transmit = reader_transmit,
    .reset = reader_reset,
    .atr = reader_atr,
    .close = reader_close,
};

int
jz_reader_take_virtual(struct jz_virtual **v, struct jz_reader **out)
{
	struct jz_virtual *p = *v;

	*v = NULL;
	return jz_reader_take(p->name, &virtual_ops, p, out);
}

struct jz_virtual *
jz_reader_virtual(struct jz_reader *r)
{
	return jz_reader_state(r, &virtual_ops);
}

/*
 * FILE, FILE?key=FILE or FILE?passphrase=SOURCE; splits the name in its place.
 * A file whose own name has a question mark cannot be named like this.
 */
static int
parse_name(char *name, struct jz_virtual_options *o, const char **source)
{
	static const char key[] = "key=", passphrase[] = "passphrase=";
	char *query = strchr(name, '?');

	memset(o, 0, sizeof(*o));
	*source = NULL;
	o->path = name;
	if (query == name || name[0] == '\0')
		return JZ_ERR_READER_NAME;
	if (query == NULL)
		return 0;
	*query++ = '\0';
	if (strncmp(query, key, sizeof(key) - 1) == 0)
		o->key_path = query += sizeof(key) - 1;
	else if (strncmp(query, passphrase, sizeof(passphrase) - 1) == 0)
		*source = query += sizeof(passphrase) - 1;
	else
		return JZ_ERR_READER_NAME;
	return *query == '\0' ? JZ_ERR_READER_NAME : 0;
}

int
jz_reader_open_virtual(const char *rest, struct jz_reader **out)
{
	struct jz_virtual_options o;
	struct jz_virtual *v = NULL;
	struct jz_secret secret = {0};
	const char *source = NULL;
	char *name = NULL;
	int e = JZ_ERR_MEMORY;

	*out = NULL;
	name = strdup(rest);
	if (name == NULL)
		return e;
	if ((e = parse_name(name, &o, &source)) != 0)
		goto out;
	if (source != NULL) {
		e = jz_secret_source(source, "Passphrase: ", &secret);
		if (e != 0)
			goto out;
		o.passphrase = &secret;
	}
	e = jz_virtual_open(&o, &v);
	if (e == 0)
		e = jz_reader_take_virtual(&v, out);
out:
	jz_secret_wipe(&secret);
	free(name);
	return e;
}
