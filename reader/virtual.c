/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtual card: the runtime and the applets on a chip of applet/virtual.
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
#include "../apdu/status.h"
#include "../applet/esign/esign.h"
#include "../applet/manager/manager.h"
#include "../applet/purse/purse.h"
#include "../keys/openssl/openssl.h"
#include "../keys/secret.h"
#include "../keys/store/keyfile.h"
#include "virtual_card.h"

#define NVM_BYTES (32u * 1024u)
#define RAM_BYTES (4u * 1024u)
/* Where each region and each block of transient memory has pages. */
#define STRICT_NVM_BYTES (64u * 1024u)
#define STRICT_RAM_BYTES (32u * 1024u)
/* A file that needs more is not opened. */
#define NVM_BYTES_MAX (1024u * 1024u)

/* GlobalPlatform's well-known test keys count up from here, 40 to 4F. */
#define INITIAL_KEY   0x40
#define KDD_AT_RANDOM 2 /* in the key diversification data, after "JZ" */

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

const struct jz_applet_class *const jz_virtual_classes[] = {
    &jz_manager_class, &jz_purse_class, &jz_esign_class};
const size_t jz_virtual_n_classes =
    sizeof(jz_virtual_classes) / sizeof(jz_virtual_classes[0]);

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
passphrase_key(
    const struct jz_secret *passphrase, const uint8_t *hint, uint8_t key[32])
{
	if (passphrase->len == 0)
		return JZ_ERR_ARGUMENT;
	return jz_openssl_scrypt(passphrase,
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

/* One that was just made, or the one that is there. */
static int
file_key(const char *path, bool make, uint8_t out[static JZ_RAW_KEY_BYTES])
{
	struct jz_secret key = {0};
	int e = make ? jz_rawkey_create(path, &key) : JZ_ERR_EXISTS;

	if (e == JZ_ERR_EXISTS)
		e = jz_rawkey_read(path, &key);
	if (e == 0)
		memcpy(out, jz_secret_span(&key).data, JZ_RAW_KEY_BYTES);
	jz_secret_wipe(&key);
	return e;
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
	e = file_key(path, true, setup->seal_key);
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
	e = file_key(path, false, setup->seal_key);
	free(path);
	/* "Not found" would be said of the card. */
	return e == JZ_ERR_NOT_FOUND ? JZ_ERR_PASSPHRASE : e;
}

/* ---- create, open, free ------------------------------------------------- */

int
jz_virtual_begin(const struct jz_virtual_options *o, struct jz_virtual **out,
    struct jz_card_setup *setup)
{
	struct jz_virtual *v = NULL;
	int e = JZ_ERR_MEMORY;

	*out = NULL;
	memset(setup, 0, sizeof(*setup));
	v = calloc(1, sizeof(*v));
	if (v == NULL)
		return e;
	v->name = join(JZ_VIRTUAL_SCHEME, o->path == NULL ? "" : o->path);
	if (v->name == NULL)
		goto out;
	v->strict = o->strict;
	v->pool = o->pool;
	v->own_pool = o->pool == NULL;
	if (v->own_pool && (e = jz_virtual_pool_new(&v->pool)) != 0)
		goto out;
	if (v->pool->seeded && o->path != NULL) {
		e = JZ_ERR_ARGUMENT;
		goto out;
	}
	setup->chip = o->path == NULL ? &jz_bare_chip : &jz_file_chip;
	/* Of a bare chip. */
	setup->chip_state = o->path == NULL ? &v->pool->now : NULL;
	setup->classes = jz_virtual_classes;
	setup->n_classes = jz_virtual_n_classes;
	setup->journal = &v->pool->journal;
	setup->plug = jz_virtual_find_plug;
	setup->plugs = v;
	if (o->panel && (e = jz_virtual_panel(v, setup)) != 0)
		goto out;
	*out = v;
	v = NULL;
	e = 0;
out:
	jz_virtual_free(&v);
	return e;
}

int
jz_virtual_end(int e, struct jz_virtual *v, struct jz_card_setup *setup,
    struct jz_virtual **out)
{
	jz_wipe(setup, sizeof(*setup));
	*out = NULL;
	if (e == 0) {
		*out = v;
		v = NULL;
	}
	jz_virtual_free(&v);
	return e;
}

static void
choose_memory(const struct jz_virtual_options *o, uint32_t *nvm_bytes,
    uint32_t *ram_bytes)
{
	*nvm_bytes = o->strict ? STRICT_NVM_BYTES : NVM_BYTES;
	*ram_bytes = o->strict ? STRICT_RAM_BYTES : RAM_BYTES;
	if (o->compact)
		jz_virtual_compact(nvm_bytes, ram_bytes);
}

static int
status_error(uint16_t sw)
{
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

/* The issuer's domain, under the keys that everybody knows, so that any tool
 * can replace them; and what tells this card from all others. */
static int
install_domain(struct jz_card *card, const struct jz_engine *e)
{
	uint8_t params[JZ_MANAGER_PARAMETER_BYTES];
	uint8_t kdd[JZ_GP_KDD_BYTES] = {'J', 'Z'};
	struct jz_buffer b = jz_buffer(params, sizeof(params));
	struct jz_install order = {.module = jz_manager_class.aid,
	    .instance = jz_manager_class.aid,
	    .privileges = JZ_MANAGER_PRIVILEGES,
	    .selectable = true};
	int err;

	err = e->crypto->random(
	    e->state, kdd + KDD_AT_RANDOM, sizeof(kdd) - KDD_AT_RANDOM);
	if (err != 0)
		return err;
	jz_put_u8(&b, JZ_GP_KVN_INITIAL);
	for (uint8_t i = 0; i < JZ_GP_KEYS * JZ_KEY_BYTES; i++)
		jz_put_u8(&b, (uint8_t)(INITIAL_KEY + i % JZ_KEY_BYTES));
	jz_put(&b, kdd, sizeof(kdd));
	order.params = jz_buffer_span(&b);
	return status_error(jz_card_install_as(card, &order));
}

static int
install_purse(struct jz_card *card)
{
	const struct jz_aid *aid = &jz_purse_class.aid;

	return status_error(jz_card_install(card, aid, aid, jz_span(NULL, 0)));
}

int
jz_virtual_storage(const struct jz_virtual_options *o, struct jz_virtual *v,
    struct jz_card_setup *setup)
{
	int e;

	if (o->path != NULL) {
		if ((e = jz_file_create(o->path, &v->file)) != 0)
			return e;
		setup->chip_state = v->file;
	}
	return create_key(o, v->engine, setup);
}

/* The card gets its name last: a cut before leaves no half-made card. */
static int
create(const struct jz_virtual_options *o, struct jz_virtual *v,
    struct jz_card_setup *setup)
{
	uint32_t nvm_bytes, ram_bytes;
	int e;

	choose_memory(o, &nvm_bytes, &ram_bytes);
	setup->protocol = (uint8_t)o->protocol;
	if ((e = jz_virtual_engine(v,
		 o->suite == 0 ? JZ_SUITE_NIST : (enum jz_suite)o->suite,
		 setup)) != 0 ||
	    (e = jz_virtual_memory(v, nvm_bytes, ram_bytes, setup)) != 0 ||
	    (e = jz_virtual_storage(o, v, setup)) != 0 ||
	    (e = jz_card_format(&v->card, setup)) != 0 ||
	    (e = install_domain(&v->card, v->engine)) != 0 ||
	    (e = install_purse(&v->card)) != 0)
		return e;
	jz_card_reset(&v->card); /* which selects the domain */
	return v->file == NULL ? 0 : jz_file_publish(v->file);
}

int
jz_virtual_create(const struct jz_virtual_options *o, struct jz_virtual **out)
{
	struct jz_card_setup setup;
	struct jz_virtual *v = NULL;
	int e;

	if ((e = jz_virtual_begin(o, &v, &setup)) == 0)
		e = create(o, v, &setup);
	return jz_virtual_end(e, v, &setup, out);
}

/* How much memory a card needs is known when it has it: more is tried. */
static int
open_in_memory(const struct jz_virtual_options *o, struct jz_virtual *v,
    struct jz_card_setup *setup)
{
	uint32_t nvm_bytes, ram_bytes;
	int e;

	choose_memory(o, &nvm_bytes, &ram_bytes);
	do {
		e = jz_virtual_memory(v, nvm_bytes, ram_bytes, setup);
		if (e == 0)
			e = jz_card_open(&v->card, setup);
		nvm_bytes = nvm_bytes < NVM_BYTES ? NVM_BYTES : 2 * nvm_bytes;
		if (ram_bytes < RAM_BYTES)
			ram_bytes = RAM_BYTES;
	} while (e == JZ_ERR_CARD_FULL && nvm_bytes <= NVM_BYTES_MAX);
	return e;
}

/* By the file, which says of what suite its card is. */
static int
find_engine(struct jz_virtual *v, struct jz_card_setup *setup)
{
	uint8_t suite;
	int e = jz_log_read_suite(setup->chip, setup->chip_state, &suite);

	if (e == 0)
		e = jz_virtual_engine(v, (enum jz_suite)suite, setup);
	return e == JZ_ERR_UNSUPPORTED ? JZ_ERR_CARD_VERSION : e;
}

static int
open_card(const struct jz_virtual_options *o, struct jz_virtual *v,
    struct jz_card_setup *setup, bool sync_later)
{
	int e;

	if ((e = jz_file_open(o->path, &v->file)) != 0)
		return e;
	if (sync_later)
		jz_file_sync_later(v->file);
	setup->chip_state = v->file;
	if ((e = jz_log_read_hint(
		 setup->chip, setup->chip_state, setup->hint)) != 0 ||
	    (e = find_key(o, setup)) != 0 || (e = find_engine(v, setup)) != 0)
		return e;
	return open_in_memory(o, v, setup);
}

static int
open_one(const struct jz_virtual_options *o, bool sync_later,
    struct jz_virtual **out)
{
	struct jz_card_setup setup;
	struct jz_virtual *v = NULL;
	int e;

	*out = NULL;
	if (o->path == NULL)
		return JZ_ERR_ARGUMENT;
	if ((e = jz_virtual_begin(o, &v, &setup)) == 0)
		e = open_card(o, v, &setup, sync_later);
	return jz_virtual_end(e, v, &setup, out);
}

int
jz_virtual_open(const struct jz_virtual_options *o, struct jz_virtual **out)
{
	return open_one(o, false, out);
}

/* What the cards have read may be told from then on. */
static int
sync_all(struct jz_virtual *const *cards, size_t n)
{
	struct jz_file **files = calloc(n, sizeof(struct jz_file *));
	int e;

	if (files == NULL)
		return JZ_ERR_MEMORY;
	for (size_t i = 0; i < n; i++)
		files[i] = cards[i]->file;
	e = jz_file_sync_all(files, n);
	free(files);
	return e;
}

int
jz_virtual_open_many(const struct jz_virtual_options *o, size_t n,
    struct jz_virtual **cards, size_t *failed)
{
	size_t opened = 0;
	int e = 0;

	for (size_t i = 0; i < n; i++)
		cards[i] = NULL;
	while (
	    opened < n && (e = open_one(&o[opened], true, &cards[opened])) == 0)
		opened++;
	*failed = opened;
	if (e == 0 && n > 0)
		e = sync_all(cards, n);
	for (size_t i = 0; i < n && e != 0; i++)
		jz_virtual_free(&cards[i]);
	return e;
}

void
jz_virtual_drop(struct jz_virtual **v)
{
	struct jz_virtual *p;

	if (v == NULL || *v == NULL)
		return;
	p = *v;
	*v = NULL;
	jz_card_close(&p->card);
	jz_virtual_panel_free(p);
	jz_virtual_memory_free(p);
	jz_plugs_free(&p->plugs);
	jz_file_free(&p->file);
	if (p->own_pool)
		jz_virtual_pool_free(&p->pool);
	free(p->name);
	jz_wipe(p, sizeof(*p));
	free(p);
}

void
jz_virtual_free(struct jz_virtual **v)
{
	struct jz_engine *shared;

	if (v == NULL || *v == NULL)
		return;
	shared = (*v)->own_pool ? NULL : (*v)->engine;
	jz_virtual_drop(v);
	if (shared != NULL)
		jz_openssl_forget(shared);
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
