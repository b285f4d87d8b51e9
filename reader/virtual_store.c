/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cards made in memory, stored in files: many with one flush of the disk.
 *
 * A key file gets its name before its card does: a card is never there without
 * its key.
 */
#include "virtual_card.h"

#include <stdlib.h>
#include <string.h>

#include "../apdu/error.h"
#include "../keys/secret.h"
#include "../keys/store/keyfile.h"

#define KEY_SUFFIX ".key"

/* Two for each card: the key's, then the card's. */
struct jz_virtual_stored {
	size_t n;
	struct jz_file *files[];
};

static char *
key_path(const char *path)
{
	size_t len = strlen(path);
	char *out = malloc(len + sizeof(KEY_SUFFIX));

	if (out == NULL)
		return NULL;
	memcpy(out, path, len);
	memcpy(out + len, KEY_SUFFIX, sizeof(KEY_SUFFIX));
	return out;
}

static int
new_file(const char *path, struct jz_file **out)
{
	int e = jz_file_create(path, out);

	if (e == 0)
		jz_file_sync_later(*out);
	return e;
}

static int
write_key(const struct jz_engine *e, struct jz_file *f, struct jz_secret *key)
{
	uint8_t text[JZ_RAW_KEY_TEXT_BYTES];
	int err = e->crypto->random(
	    e->state, jz_secret_fill(key, JZ_RAW_KEY_BYTES), JZ_RAW_KEY_BYTES);

	if (err == 0) {
		jz_rawkey_text(key, text);
		err = jz_file_chip.append(f, text, sizeof(text));
	}
	jz_wipe(text, sizeof(text));
	return err;
}

/* The file takes a card like this one, which is closed again at once. */
static int
write_card(
    const struct jz_virtual *v, struct jz_file *f, const struct jz_secret *key)
{
	const struct jz_virtual_options o = {.pool = v->pool};
	struct jz_virtual_snapshot *s = NULL;
	struct jz_virtual *copy = NULL;
	struct jz_card_setup setup;
	int e = jz_virtual_save(v, &s);

	if (e == 0)
		e = jz_virtual_begin(&o, &copy, &setup);
	if (e != 0)
		goto out;
	setup.chip = &jz_file_chip;
	setup.chip_state = f;
	memcpy(
	    setup.seal_key, jz_secret_span(key).data, sizeof(setup.seal_key));
	e = jz_virtual_engine(copy, v->engine->crypto->suite, &setup);
	if (e == 0)
		e = jz_virtual_memory(copy, v->nvm_bytes, v->ram_bytes, &setup);
	if (e == 0)
		e = jz_virtual_fork_into(copy, &setup, s);
	jz_wipe(&setup, sizeof(setup));
out:
	jz_virtual_drop(&copy);
	jz_virtual_snapshot_free(&s);
	return e;
}

static int
store_one(const struct jz_virtual *v, const char *path, struct jz_file **files)
{
	struct jz_secret key = {0};
	char *key_file = key_path(path);
	int e = key_file == NULL ? JZ_ERR_MEMORY : 0;

	if (e == 0)
		e = new_file(key_file, &files[0]);
	if (e == 0)
		e = new_file(path, &files[1]);
	if (e == 0)
		e = write_key(v->engine, files[0], &key);
	if (e == 0)
		e = write_card(v, files[1], &key);
	jz_secret_wipe(&key);
	free(key_file);
	return e;
}

int
jz_virtual_store(struct jz_virtual *const *cards, const char *const *paths,
    size_t n, struct jz_virtual_stored **out, size_t *failed)
{
	struct jz_virtual_stored *s =
	    calloc(1, sizeof(*s) + 2 * n * sizeof(struct jz_file *));
	size_t done = 0;
	int e = s == NULL ? JZ_ERR_MEMORY : 0;

	*out = NULL;
	if (s != NULL)
		s->n = 2 * n;
	while (e == 0 && done < n) {
		e = store_one(cards[done], paths[done], s->files + 2 * done);
		if (e == 0)
			done++;
	}
	*failed = done;
	if (e == 0 && n > 0)
		e = jz_file_sync_all(s->files, s->n);
	if (e == 0)
		*out = s;
	else
		jz_virtual_stored_free(&s);
	return e;
}

void
jz_virtual_stored_drop(struct jz_virtual_stored *s, size_t i)
{
	jz_file_free(&s->files[2 * i]);
	jz_file_free(&s->files[2 * i + 1]);
}

int
jz_virtual_stored_publish(struct jz_virtual_stored *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct jz_file *f = s->files[i];

		s->files[i] = NULL;
		if (f != NULL)
			s->files[n++] = f;
	}
	s->n = n;
	return jz_file_publish_all(s->files, n);
}

void
jz_virtual_stored_free(struct jz_virtual_stored **stored)
{
	struct jz_virtual_stored *s;

	if (stored == NULL || *stored == NULL)
		return;
	s = *stored;
	*stored = NULL;
	for (size_t i = 0; i < s->n; i++)
		jz_file_free(&s->files[i]);
	free(s);
}

/* Named were first the key, then the card: either may be left alone. */
int
jz_virtual_left(const char *path, bool keep)
{
	char *key_file = key_path(path);
	int e, k;

	if (key_file == NULL)
		return JZ_ERR_MEMORY;
	k = jz_file_left(key_file, keep);
	e = k == 0 || k == JZ_ERR_NOT_FOUND ? jz_file_left(path, keep) : k;
	free(key_file);
	return e == JZ_ERR_NOT_FOUND && k == 0 ? 0 : e;
}
