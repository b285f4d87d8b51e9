/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading a plug-in: copy, seal, hash, look, and only then load.
 */
#define _GNU_SOURCE

#include "plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../apdu/error.h"
#include "../../keys/store/file.h"
#include "plugin_api.h"
#include "plugin_elf.h"

#define SYMBOL	    "jz_applet"
#define SELF	    "/proc/self/exe"
#define FD_NAME_MAX 32 /* of /proc/self/fd/N */
#define CHUNK_BYTES 16384u
#define FILE_MODE   (S_IRUSR | S_IWUSR)

struct jz_plugin {
	/* Of the sealed copy.  It stays open while the object is loaded: the
	 * loader knows objects by their path, and must not take the next one
	 * with this number for this. */
	int fd;
	size_t len;
	void *handle;
	const struct jz_applet_class *class;
	uint8_t hash[JZ_HASH_BYTES];
	atomic_uint owners;
};

static int
error_of_errno(void)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return JZ_ERR_NOT_FOUND;
	case ENOMEM:
		return JZ_ERR_MEMORY;
	default:
		return JZ_ERR_SYSTEM;
	}
}

/* ---- the copy ----------------------------------------------------------- */

static int
write_all(int fd, struct jz_span bytes)
{
	struct jz_cursor c = jz_cursor(bytes);
	ssize_t n;

	while (c.len > 0) {
		n = write(fd, c.data, c.len);
		if (n < 0 && errno != EINTR)
			return error_of_errno();
		if (n > 0)
			(void)jz_take(&c, (size_t)n);
	}
	return 0;
}

/* Each turn copies at least one byte, or ends the loop. */
static int
copy(int from, int to, size_t *len)
{
	uint8_t chunk[CHUNK_BYTES];
	ssize_t n;
	int e;

	for (*len = 0; *len <= JZ_PLUGIN_BYTES_MAX; *len += (size_t)n) {
		n = read(from, chunk, sizeof(chunk));
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			n = 0;
		if (n < 0)
			return error_of_errno();
		if ((e = write_all(to, jz_span(chunk, (size_t)n))) != 0)
			return e;
	}
	return JZ_ERR_PLUGIN_FORMAT;
}

static int
read_file(const char *path, int to, size_t *len)
{
	struct stat st;
	int fd, e;

	/* O_NONBLOCK: a FIFO of that name shall not hold us up. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return error_of_errno();
	if (fstat(fd, &st) != 0)
		e = error_of_errno();
	else
		e = S_ISREG(st.st_mode) ? copy(fd, to, len)
					: JZ_ERR_PLUGIN_FORMAT;
	close(fd);
	return e;
}

/* From here on the bytes stay as they are. */
static int
take_copy(struct jz_plugin *p, const char *path)
{
	int e;

	p->fd = memfd_create("jiaozi-plugin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (p->fd < 0)
		return error_of_errno();
	if ((e = read_file(path, p->fd, &p->len)) != 0)
		return e;
	if (p->len == 0)
		return JZ_ERR_PLUGIN_FORMAT;
	return fcntl(p->fd, F_ADD_SEALS,
		   F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ==
		0
	    ? 0
	    : error_of_errno();
}

static int
map(const struct jz_plugin *p, struct jz_span *out)
{
	void *bytes = mmap(NULL, p->len, PROT_READ, MAP_PRIVATE, p->fd, 0);

	if (bytes == MAP_FAILED)
		return error_of_errno();
	*out = jz_span(bytes, p->len);
	return 0;
}

static void
unmap(struct jz_span *bytes)
{
	if (bytes->data != NULL)
		munmap((void *)(uintptr_t)bytes->data, bytes->len);
	*bytes = jz_span(NULL, 0);
}

/* ---- the checks --------------------------------------------------------- */

/* e_machine of this program. */
static int
own_machine(unsigned *out)
{
	ElfW(Ehdr) h;
	ssize_t n;
	int fd;

	fd = open(SELF, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return JZ_ERR_SYSTEM;
	n = read(fd, &h, sizeof(h));
	close(fd);
	if (n != sizeof(h))
		return JZ_ERR_SYSTEM;
	*out = h.e_machine;
	return 0;
}

/* A library that the program has not loaded would bring its own state, and
 * code that nobody has hashed. */
static int
check_needs(const struct jz_plugin_needs *needs)
{
	for (size_t i = 0; i < needs->n; i++) {
		void *h = dlopen(needs->name[i], RTLD_LAZY | RTLD_NOLOAD);

		if (h == NULL)
			return JZ_ERR_PLUGIN_LINK;
		dlclose(h);
	}
	return 0;
}

static int
check_file(struct jz_plugin *p, const struct jz_engine *engine,
    const uint8_t *expected)
{
	struct jz_span bytes = jz_span(NULL, 0);
	struct jz_plugin_needs needs;
	unsigned machine = 0;
	int e;

	if ((e = map(p, &bytes)) != 0)
		return e;
	e = engine->crypto->hash(engine->state, &bytes, 1, p->hash);
	if (e != 0)
		goto out;
	if (expected != NULL && memcmp(p->hash, expected, JZ_HASH_BYTES) != 0) {
		e = JZ_ERR_PLUGIN_HASH;
		goto out;
	}
	if ((e = own_machine(&machine)) != 0)
		goto out;
	e = jz_plugin_check(
	    bytes, (size_t)sysconf(_SC_PAGESIZE), machine, &needs);
	if (e == 0)
		e = check_needs(&needs);
out:
	unmap(&bytes);
	return e;
}

static int
check_class(const struct jz_applet_class *c)
{
	if (c->abi != JZ_ABI) /* nothing behind it has a known place */
		return JZ_ERR_PLUGIN_ABI;
	if (c->name == NULL || c->process == NULL || c->aid.len < JZ_AID_MIN ||
	    c->aid.len > JZ_AID_MAX ||
	    c->nvm_bytes < sizeof(struct jz_nvm_head) ||
	    c->nvm_bytes > JZ_PLUGIN_MEMORY_MAX ||
	    c->cor_bytes > JZ_PLUGIN_MEMORY_MAX ||
	    c->cod_bytes > JZ_PLUGIN_MEMORY_MAX)
		return JZ_ERR_PLUGIN_CLASS;
	return 0;
}

/* ---- loading ------------------------------------------------------------ */

/* Else no plug-in can be linked, and none is at fault. */
static int
check_program(void)
{
	for (size_t i = 0; i < jz_plugin_api_n; i++)
		if (dlsym(RTLD_DEFAULT, jz_plugin_api[i].name) == NULL)
			return JZ_ERR_UNSUPPORTED;
	return 0;
}

static int
load(struct jz_plugin *p)
{
	char name[FD_NAME_MAX];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", p->fd);
	if (access(name, R_OK) != 0)
		return JZ_ERR_SYSTEM; /* no /proc */
	p->handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (p->handle == NULL)
		return JZ_ERR_PLUGIN_LINK;
	p->class = dlsym(p->handle, SYMBOL);
	return p->class == NULL ? JZ_ERR_PLUGIN_FORMAT : check_class(p->class);
}

int
jz_plugin_load(const struct jz_engine *engine, const char *path,
    const uint8_t *expected, struct jz_plugin **out)
{
	struct jz_plugin *p = calloc(1, sizeof(*p));
	int e;

	*out = NULL;
	if (p == NULL)
		return JZ_ERR_MEMORY;
	p->fd = -1;
	atomic_init(&p->owners, 1);
	if ((e = check_program()) == 0 && (e = take_copy(p, path)) == 0 &&
	    (e = check_file(p, engine, expected)) == 0 && (e = load(p)) == 0) {
		*out = p;
		p = NULL;
	}
	jz_plugin_free(&p);
	return e;
}

struct jz_plugin *
jz_plugin_share(struct jz_plugin *p)
{
	atomic_fetch_add(&p->owners, 1);
	return p;
}

void
jz_plugin_free(struct jz_plugin **plugin)
{
	struct jz_plugin *p;

	if (plugin == NULL || *plugin == NULL)
		return;
	p = *plugin;
	*plugin = NULL;
	if (atomic_fetch_sub(&p->owners, 1) != 1)
		return;
	if (p->handle != NULL)
		dlclose(p->handle);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

const struct jz_applet_class *
jz_plugin_class(const struct jz_plugin *p)
{
	return p->class;
}

const uint8_t *
jz_plugin_hash(const struct jz_plugin *p)
{
	return p->hash;
}

int
jz_plugin_store(const struct jz_plugin *p, const char *path)
{
	struct jz_span bytes = jz_span(NULL, 0);
	int e;

	if ((e = map(p, &bytes)) != 0)
		return e;
	e = jz_file_write(path, FILE_MODE, JZ_FILE_REPLACE, bytes);
	unmap(&bytes);
	return e;
}
