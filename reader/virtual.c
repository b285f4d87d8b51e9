/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtual card: the runtime and the purse on a chip of applet/virtual, and
 * the reader that holds it.
 *
 * The hint in the card file's header says where the sealing key comes from:
 *
 *   0  1  0: a key file; 1: scrypt (RFC 7914), r = 8, p = 1
 *   1  1  scrypt: log2 N
 *   2 16  scrypt: salt
 *  18 14  zero
 */
#define _POSIX_C_SOURCE 200809L

#include "virtual.h"

#include <stdlib.h>
#include <string.h>

#include "../apdu/error.h"
#include "../apdu/purse.h"
#include "../apdu/status.h"
#include "../applet/purse/purse.h"
#include "../applet/runtime/card.h"
#include "../applet/virtual/storage.h"
#include "../keys/openssl/openssl.h"
#include "../keys/secret.h"
#include "../keys/store/keyfile.h"
#include "internal.h"

#define NVM_BYTES (32u * 1024u)
#define RAM_BYTES (4u * 1024u)

#define SCHEME	     "virtual:"
#define KEY_SUFFIX   ".key"
#define KDF_KEY_FILE 0
#define KDF_SCRYPT   1
#define SCRYPT_LOG2  15 /* 32 MiB, about a tenth of a second */
/* A file is not believed when it asks for less, or for 256 MiB. */
#define SCRYPT_LOG2_MIN	  10
#define SCRYPT_LOG2_MAX	  17
#define SCRYPT_R	  8
#define SCRYPT_P	  1
#define SCRYPT_SALT_BYTES 16

enum {
	AT_KDF = 0,
	AT_LOG2 = 1,
	AT_SALT = 2,
};
_Static_assert(AT_SALT + SCRYPT_SALT_BYTES <= JZ_LOG_HINT_BYTES, "hint");
_Static_assert(JZ_RAW_KEY_BYTES == 32, "what struct jz_card_setup takes");

struct jz_virtual {
	struct jz_engine engine;
	struct jz_file *file; /* NULL: in memory */
	char *name;	      /* of a reader with this card */
	struct jz_card card;
	struct jz_journal journal;
	_Alignas(uint64_t) uint8_t nvm[NVM_BYTES];
	_Alignas(uint64_t) uint8_t ram[RAM_BYTES];
};

static const struct jz_applet_class *const classes[] = {&jz_purse_class};
static const struct jz_aid purse_aid = {JZ_AID_PURSE_BYTES, JZ_AID_PURSE};

/* a and b in one new string; NULL when memory is out. */
static char *
join(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	char *s = malloc(la + lb + 1);

	if (s == NULL)
		return NULL;
	memcpy(s, a, la);
	memcpy(s + la, b, lb + 1);
	return s;
}

/* ---- the sealing key ---------------------------------------------------- */

static int
passphrase_key(const char *passphrase, const uint8_t *hint, uint8_t key[32])
{
	size_t len = strlen(passphrase);

	if (len == 0 || len > JZ_PASSPHRASE_MAX)
		return JZ_ERR_ARGUMENT;
	return jz_openssl_scrypt(jz_span(passphrase, len),
	    jz_span(hint + AT_SALT, SCRYPT_SALT_BYTES), hint[AT_LOG2], SCRYPT_R,
	    SCRYPT_P, key, JZ_RAW_KEY_BYTES);
}

static int
key_path(const struct jz_virtual_options *o, char **out)
{
	*out = o->key_path != NULL ? strdup(o->key_path)
				   : join(o->path, KEY_SUFFIX);
	return *out == NULL ? JZ_ERR_MEMORY : 0;
}

/*
 * For a new card.  A key file that is made here stays when the creation fails
 * later: another card may have been sealed under it by then.
 */
static int
create_key(const struct jz_virtual_options *o, const struct jz_engine *engine,
    struct jz_card_setup *setup)
{
	uint8_t *hint = setup->hint;
	char *path = NULL;
	int e;

	if (o->path == NULL) /* nothing will be stored */
		return engine->crypto->random(
		    engine->state, setup->seal_key, sizeof(setup->seal_key));
	if (o->passphrase != NULL) {
		hint[AT_KDF] = KDF_SCRYPT;
		hint[AT_LOG2] = SCRYPT_LOG2;
		e = engine->crypto->random(
		    engine->state, hint + AT_SALT, SCRYPT_SALT_BYTES);
		return e != 0
		    ? e
		    : passphrase_key(o->passphrase, hint, setup->seal_key);
	}
	if ((e = key_path(o, &path)) != 0)
		return e;
	e = jz_rawkey_create(path, setup->seal_key);
	if (e == JZ_ERR_EXISTS)
		e = jz_rawkey_read(path, setup->seal_key);
	free(path);
	return e;
}

/* For an existing card, by the hint in its file. */
static int
find_key(const struct jz_virtual_options *o, struct jz_card_setup *setup)
{
	const uint8_t *hint = setup->hint;
	char *path = NULL;
	int e;

	if (hint[AT_KDF] == KDF_SCRYPT) {
		if (hint[AT_LOG2] < SCRYPT_LOG2_MIN ||
		    hint[AT_LOG2] > SCRYPT_LOG2_MAX)
			return JZ_ERR_CARD_HEADER;
		return o->passphrase == NULL
		    ? JZ_ERR_PASSPHRASE
		    : passphrase_key(o->passphrase, hint, setup->seal_key);
	}
	if (hint[AT_KDF] != KDF_KEY_FILE)
		return JZ_ERR_CARD_VERSION;
	if (o->passphrase != NULL)
		return JZ_ERR_PASSPHRASE;
	if ((e = key_path(o, &path)) != 0)
		return e;
	e = jz_rawkey_read(path, setup->seal_key);
	free(path);
	/* "Not found" would be said of the card. */
	return e == JZ_ERR_NOT_FOUND ? JZ_ERR_PASSPHRASE : e;
}

/* ---- create, open, free ------------------------------------------------- */

static int
virtual_new(
    const char *path, struct jz_virtual **out, struct jz_card_setup *setup)
{
	struct jz_virtual *v = NULL;
	int e = JZ_ERR_MEMORY;

	*out = NULL;
	memset(setup, 0, sizeof(*setup));
	v = calloc(1, sizeof(*v));
	if (v == NULL)
		return e;
	v->name = join(SCHEME, path == NULL ? "" : path);
	if (v->name == NULL)
		goto out;
	if ((e = jz_openssl_new(JZ_SUITE_NIST, &v->engine)) != 0)
		goto out;
	setup->chip = path == NULL ? &jz_bare_chip : &jz_file_chip;
	setup->engine = v->engine;
	setup->classes = classes;
	setup->n_classes = sizeof(classes) / sizeof(classes[0]);
	setup->nvm = v->nvm;
	setup->nvm_bytes = sizeof(v->nvm);
	setup->ram = v->ram;
	setup->ram_bytes = sizeof(v->ram);
	setup->journal = &v->journal;
	*out = v;
	v = NULL;
out:
	jz_virtual_free(&v);
	return e;
}

static int
install_purse(struct jz_card *card)
{
	uint16_t sw;

	sw = jz_card_install(card, &purse_aid, &purse_aid, jz_span(NULL, 0));
	switch (sw) {
	case JZ_SW_OK:
		return 0;
	case JZ_SW_SPACE:
		return JZ_ERR_CARD_FULL;
	case JZ_SW_MEMORY_FAILURE:
		return JZ_ERR_CARD_STORAGE;
	default:
		return JZ_ERR_INTERNAL;
	}
}

/* The card gets its name last: a cut before leaves no half-made card. */
static int
create(const struct jz_virtual_options *o, struct jz_virtual *v,
    struct jz_card_setup *setup)
{
	int e;

	if (o->path != NULL && (e = jz_file_create(o->path, &v->file)) != 0)
		return e;
	setup->chip_state = v->file;
	setup->protocol = (uint8_t)o->protocol;
	if ((e = create_key(o, &v->engine, setup)) != 0 ||
	    (e = jz_card_format(&v->card, setup)) != 0 ||
	    (e = install_purse(&v->card)) != 0)
		return e;
	return v->file == NULL ? 0 : jz_file_publish(v->file);
}

int
jz_virtual_create(const struct jz_virtual_options *o, struct jz_virtual **out)
{
	struct jz_card_setup setup;
	struct jz_virtual *v = NULL;
	int e;

	*out = NULL;
	e = virtual_new(o->path, &v, &setup);
	if (e == 0)
		e = create(o, v, &setup);
	jz_wipe(&setup, sizeof(setup));
	if (e == 0) {
		*out = v;
		v = NULL;
	}
	jz_virtual_free(&v);
	return e;
}

static int
open_card(const struct jz_virtual_options *o, struct jz_virtual *v,
    struct jz_card_setup *setup)
{
	int e;

	if ((e = jz_file_open(o->path, &v->file)) != 0)
		return e;
	setup->chip_state = v->file;
	if ((e = jz_log_read_hint(
		 setup->chip, setup->chip_state, setup->hint)) != 0 ||
	    (e = find_key(o, setup)) != 0)
		return e;
	return jz_card_open(&v->card, setup);
}

int
jz_virtual_open(const struct jz_virtual_options *o, struct jz_virtual **out)
{
	struct jz_card_setup setup;
	struct jz_virtual *v = NULL;
	int e;

	*out = NULL;
	if (o->path == NULL)
		return JZ_ERR_ARGUMENT;
	e = virtual_new(o->path, &v, &setup);
	if (e == 0)
		e = open_card(o, v, &setup);
	jz_wipe(&setup, sizeof(setup));
	if (e == 0) {
		*out = v;
		v = NULL;
	}
	jz_virtual_free(&v);
	return e;
}

void
jz_virtual_free(struct jz_virtual **v)
{
	struct jz_virtual *p;

	if (v == NULL || *v == NULL)
		return;
	p = *v;
	*v = NULL;
	jz_card_close(&p->card);
	jz_file_free(&p->file);
	if (p->engine.state != NULL)
		jz_openssl_free(&p->engine);
	free(p->name);
	jz_wipe(p, sizeof(*p));
	free(p);
}

/* ---- use ---------------------------------------------------------------- */

size_t
jz_virtual_process(struct jz_virtual *v, const uint8_t *cmd, size_t cmd_len,
    uint8_t *rsp, size_t rsp_cap)
{
	return jz_card_process(&v->card, cmd, cmd_len, rsp, rsp_cap);
}

void
jz_virtual_reset(struct jz_virtual *v)
{
	jz_card_reset(&v->card);
}

struct jz_span
jz_virtual_atr(const struct jz_virtual *v)
{
	return jz_card_atr(&v->card);
}

int
jz_virtual_image_hash(const struct jz_virtual *v, uint8_t out[static 32])
{
	return jz_card_image_hash(&v->card, out);
}

/* ---- a reader with the card in it --------------------------------------- */

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
	char secret[JZ_PASSPHRASE_MAX + 1];
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
		e = jz_secret_source(
		    source, "Passphrase: ", secret, sizeof(secret));
		if (e != 0)
			goto out;
		o.passphrase = secret;
	}
	e = jz_virtual_open(&o, &v);
	if (e == 0)
		e = jz_reader_take_virtual(&v, out);
out:
	jz_wipe(secret, sizeof(secret));
	free(name);
	return e;
}
