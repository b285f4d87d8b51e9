/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plug-ins of one virtual card: a list of what was loaded, and of what
 * could not be.
 *
 * What was loaded stays loaded until the card is freed, even when another file
 * has taken its place: applets of the card may still stand on its code.
 */
#define _POSIX_C_SOURCE 200809L

#include "plugs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../apdu/error.h"
#include "../../keys/store/file.h"
#include "plugin.h"

#define FOLDER_SUFFIX ".applets"
#define FILE_SUFFIX   ".so"
#define FOLDER_MODE   S_IRWXU
#define HEX_CHARS     (2u * JZ_FILE_HASH_BYTES)

_Static_assert(JZ_FILE_HASH_BYTES == JZ_HASH_BYTES, "a file's hash");

struct plug {
	struct plug *next;
	uint8_t hash[JZ_FILE_HASH_BYTES];
	struct jz_plugin *plugin; /* NULL: problem.error says why */
	struct jz_plugs_problem problem;
};

struct jz_plugs {
	const struct jz_engine *engine;
	char *folder; /* NULL: a card in memory */
	struct plug *first;
	atomic_uint owners;
};

int
jz_plugs_new(const struct jz_engine *engine, const char *card_path,
    struct jz_plugs **out)
{
	struct jz_plugs *p = calloc(1, sizeof(*p));

	*out = NULL;
	if (p == NULL)
		return JZ_ERR_MEMORY;
	p->engine = engine;
	atomic_init(&p->owners, 1);
	if (card_path != NULL) {
		size_t size = strlen(card_path) + sizeof(FOLDER_SUFFIX);

		p->folder = malloc(size);
		if (p->folder == NULL) {
			free(p);
			return JZ_ERR_MEMORY;
		}
		snprintf(p->folder, size, "%s%s", card_path, FOLDER_SUFFIX);
	}
	*out = p;
	return 0;
}

static void
plug_free(struct plug *e)
{
	jz_plugin_free(&e->plugin);
	free(e);
}

void
jz_plugs_free(struct jz_plugs **plugs)
{
	struct jz_plugs *p;

	if (plugs == NULL || *plugs == NULL)
		return;
	p = *plugs;
	*plugs = NULL;
	if (atomic_fetch_sub(&p->owners, 1) != 1)
		return;
	while (p->first != NULL) {
		struct plug *e = p->first;

		p->first = e->next;
		plug_free(e);
	}
	free(p->folder);
	free(p);
}

struct jz_plugs *
jz_plugs_share(struct jz_plugs *p)
{
	if (p != NULL)
		atomic_fetch_add(&p->owners, 1);
	return p;
}

/* Where the copy of the plug-in with this hash is; JZ_ERR_SPACE. */
static int
copy_path(const struct jz_plugs *p, const uint8_t *hash, char out[JZ_PATH_MAX])
{
	char hex[HEX_CHARS + 1];
	int n;

	for (size_t i = 0; i < JZ_FILE_HASH_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	n = snprintf(out, JZ_PATH_MAX, "%s/%s%s", p->folder, hex, FILE_SUFFIX);
	return n < 0 || n >= JZ_PATH_MAX ? JZ_ERR_SPACE : 0;
}

/* ---- finding ------------------------------------------------------------ */

static struct plug *
find(const struct jz_plugs *p, const uint8_t *hash)
{
	for (struct plug *e = p->first; e != NULL; e = e->next)
		if (memcmp(e->hash, hash, JZ_FILE_HASH_BYTES) == 0)
			return e;
	return NULL;
}

static int
load_copy(const struct jz_plugs *p, const uint8_t *hash, struct jz_plugin **out)
{
	char path[JZ_PATH_MAX];
	int e;

	if (p->folder == NULL)
		return JZ_ERR_NOT_FOUND;
	if ((e = copy_path(p, hash, path)) != 0)
		return e;
	return jz_plugin_load(p->engine, path, hash, out);
}

static bool
is_module(const struct jz_plugin *plugin, const struct jz_aid *module)
{
	const struct jz_aid *aid = &jz_plugin_class(plugin)->aid;

	return aid->len == module->len &&
	    memcmp(aid->bytes, module->bytes, aid->len) == 0;
}

/* Looked for once in the life of the list: a card asks at every turn. */
static struct plug *
look(struct jz_plugs *p, const struct jz_aid *module, const uint8_t *hash)
{
	struct plug *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	memcpy(e->hash, hash, sizeof(e->hash));
	e->problem.module = *module;
	e->problem.error = load_copy(p, hash, &e->plugin);
	if (e->plugin != NULL && !is_module(e->plugin, module)) {
		jz_plugin_free(&e->plugin);
		e->problem.error = JZ_ERR_PLUGIN_CLASS;
	}
	e->next = p->first;
	p->first = e;
	return e;
}

const struct jz_applet_class *
jz_plugs_find(void *plugs, const struct jz_aid *module,
    const uint8_t hash[static JZ_FILE_HASH_BYTES])
{
	struct jz_plugs *p = plugs;
	struct plug *e = find(p, hash);

	if (e == NULL)
		e = look(p, module, hash);
	if (e == NULL || e->plugin == NULL || !is_module(e->plugin, module))
		return NULL;
	return jz_plugin_class(e->plugin);
}

const struct jz_plugs_problem *
jz_plugs_problem(const struct jz_plugs *p, unsigned i)
{
	for (const struct plug *e = p->first; e != NULL; e = e->next)
		if (e->plugin == NULL && i-- == 0)
			return &e->problem;
	return NULL;
}

/* ---- adding ------------------------------------------------------------- */

static int
sync_parent(const char *path)
{
	char parent[JZ_PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - path) + 1;
	int fd, e = 0;

	if (len >= sizeof(parent))
		return JZ_ERR_SPACE;
	memcpy(parent, path, len);
	parent[len] = '\0';
	fd = open(len == 0 ? "." : parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return JZ_ERR_CARD_STORAGE;
	/* Some file systems cannot sync a folder and need not: EINVAL. */
	if (fsync(fd) != 0 && errno != EINVAL)
		e = JZ_ERR_CARD_STORAGE;
	close(fd);
	return e;
}

static int
make_folder(const char *path)
{
	if (mkdir(path, FOLDER_MODE) != 0)
		return errno == EEXIST ? 0 : JZ_ERR_CARD_STORAGE;
	return sync_parent(path);
}

/* The entry of a plug-in; the list takes it, or has the same one already. */
static int
enter(struct jz_plugs *p, struct jz_plugin **plugin, struct plug **out)
{
	struct plug *e = find(p, jz_plugin_hash(*plugin));

	if (e == NULL) {
		e = calloc(1, sizeof(*e));
		if (e == NULL)
			return JZ_ERR_MEMORY;
		memcpy(e->hash, jz_plugin_hash(*plugin), sizeof(e->hash));
		e->next = p->first;
		p->first = e;
	}
	if (e->plugin == NULL) {
		e->plugin = *plugin;
		*plugin = NULL;
	}
	*out = e;
	return 0;
}

/* The card has forgotten what it could not get: another file came for it. */
static void
forget_problems(struct jz_plugs *p, const struct jz_aid *module)
{
	struct plug **at = &p->first;

	while (*at != NULL) {
		struct plug *e = *at;

		if (e->plugin == NULL && e->problem.module.len == module->len &&
		    memcmp(e->problem.module.bytes, module->bytes,
			module->len) == 0) {
			*at = e->next;
			plug_free(e);
		} else {
			at = &e->next;
		}
	}
}

/* These leave the card's storage alone; after others it may name the copy. */
static bool
is_refusal(int error)
{
	return error == JZ_ERR_EXISTS || error == JZ_ERR_UNSUPPORTED ||
	    error == JZ_ERR_CARD_FULL || error == JZ_ERR_CARD_VERSION ||
	    error == JZ_ERR_STATE;
}

/* The copy is durable before the card knows of it. */
static int
keep_copy(const struct jz_plugs *p, const struct jz_plugin *plugin,
    char path[JZ_PATH_MAX], bool *fresh)
{
	int e;

	*fresh = false;
	if (p->folder == NULL)
		return 0;
	if ((e = copy_path(p, jz_plugin_hash(plugin), path)) != 0 ||
	    (e = make_folder(p->folder)) != 0)
		return e;
	*fresh = access(path, F_OK) != 0;
	return jz_plugin_store(plugin, path) == 0 ? 0 : JZ_ERR_CARD_STORAGE;
}

static int
make_known(
    struct jz_plugs *p, struct jz_card *card, const struct jz_plugin *plugin)
{
	char path[JZ_PATH_MAX];
	bool fresh = false;
	int e;

	if ((e = keep_copy(p, plugin, path, &fresh)) != 0)
		return e;
	e = jz_card_plug(card, jz_plugin_class(plugin), jz_plugin_hash(plugin));
	if (fresh && is_refusal(e)) {
		unlink(path);
		rmdir(p->folder); /* when it is empty */
	}
	return e;
}

int
jz_plugs_add(struct jz_plugs *p, struct jz_card *card, const char *path,
    struct jz_aid *module)
{
	struct jz_plugin *plugin = NULL;
	struct plug *entry = NULL;
	int e;

	if ((e = jz_plugin_load(p->engine, path, NULL, &plugin)) != 0)
		return e;
	/* The card asks for it while it is made known. */
	if ((e = enter(p, &plugin, &entry)) == 0 &&
	    (e = make_known(p, card, entry->plugin)) == 0) {
		*module = jz_plugin_class(entry->plugin)->aid;
		forget_problems(p, module);
	}
	jz_plugin_free(&plugin);
	return e;
}

int
jz_plugs_adopt(struct jz_plugs *p, const struct jz_plugs *from)
{
	char path[JZ_PATH_MAX];
	bool fresh = false;
	int e = 0;

	for (struct plug *f = from->first; f != NULL && e == 0; f = f->next) {
		struct jz_plugin *plugin;
		struct plug *entry = NULL;

		if (f->plugin == NULL)
			continue;
		plugin = jz_plugin_share(f->plugin);
		if ((e = keep_copy(p, plugin, path, &fresh)) == 0)
			e = enter(p, &plugin, &entry);
		jz_plugin_free(&plugin);
	}
	return e;
}
