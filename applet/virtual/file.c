/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage in a file: POSIX.1-2008, and flock(2) of 4.4BSD and Linux.
 *
 * The lock lies on the file itself, not on a file beside it, so that it holds
 * under every name of the folder and leaves nothing behind.  Since replace()
 * gives the name to another file, three rules keep it sound:
 *
 *   F1  The new file is locked before it gets the name: at no instant does the
 *       name stand for an unlocked file.
 *   F2  The old file is let go only after that.
 *   F3  Whoever gets a lock looks whether the name still stands for the file
 *       that he has locked, and begins again if not: he may have opened the
 *       old one just before F1 and locked it just after F2.
 *
 * The temporary file, .FILE.new, is made under the same rules (two programs may
 * be creating the same card), and never through a link that somebody put there.
 *
 * syncfs(2), of Linux, syncs many files at once.
 *
 * After fsync() has failed, Linux may show data that is not on the disk, and a
 * later sync may succeed all the same; so a failed sync ends the handle's
 * writing, and the user is told that storage failed.
 */
#define _GNU_SOURCE /* syncfs */

#include "storage.h"
#include "../../apdu/error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define LOCK_TRIES  8 /* each one lost: F3, another program */
#define TEMP_PREFIX "."
#define TEMP_SUFFIX ".new"
#define TEMP_EXTRA  (sizeof(TEMP_PREFIX TEMP_SUFFIX) - 1)
#define FILE_MODE   (S_IRUSR | S_IWUSR)

struct jz_file {
	int fd;	 /* the file; .FILE.new until published */
	int dir; /* its folder */
	bool published;
	bool synced_dir; /* the name is durable */
	bool failed;
	bool later; /* jz_file_sync_all() is to come */
	off_t end;
	char name[]; /* no longer than it need be: there are many cards */
};

/* Of a file whose name open_dir() found short enough. */
struct temp_name {
	char text[NAME_MAX + 1];
};

static struct temp_name
temp_of(const struct jz_file *f)
{
	struct temp_name t;

	snprintf(t.text, sizeof(t.text), TEMP_PREFIX "%s" TEMP_SUFFIX, f->name);
	return t;
}

static int
system_error(void)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return JZ_ERR_NOT_FOUND;
	case EEXIST:
		return JZ_ERR_EXISTS;
	case EWOULDBLOCK:
		return JZ_ERR_CARD_LOCKED;
	case ENOMEM:
		return JZ_ERR_MEMORY;
	default:
		return JZ_ERR_SYSTEM;
	}
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Some file systems cannot sync a folder and need not: EINVAL. */
static int
sync_dir(struct jz_file *f)
{
	if (!f->published || f->synced_dir)
		return 0;
	if (fsync(f->dir) != 0 && errno != EINVAL)
		return JZ_ERR_CARD_STORAGE;
	f->synced_dir = true;
	return 0;
}

/* F3: 1 when the name stands for this file, 0 when not, or an error. */
static int
is_named(const struct jz_file *f, const char *name, int fd)
{
	struct stat by_fd, by_name;

	if (fstat(fd, &by_fd) != 0)
		return JZ_ERR_SYSTEM;
	if (!S_ISREG(by_fd.st_mode))
		return JZ_ERR_CARD_HEADER;
	if (fstatat(f->dir, name, &by_name, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : JZ_ERR_SYSTEM;
	return by_fd.st_dev == by_name.st_dev && by_fd.st_ino == by_name.st_ino;
}

/* Opens and locks; 1 when the file has lost its name meanwhile. */
static int
open_locked(const struct jz_file *f, const char *name, int flags, int *out)
{
	int fd, e;

	*out = -1;
	/* O_NONBLOCK: a FIFO of that name shall not hold us up. */
	fd = openat(f->dir, name,
	    flags | O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
	    FILE_MODE);
	if (fd < 0)
		return errno == EISDIR || errno == ELOOP || errno == ENXIO
		    ? JZ_ERR_CARD_HEADER
		    : system_error();
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		e = system_error();
	} else {
		e = is_named(f, name, fd);
		if (e == 1) {
			*out = fd;
			return 0;
		}
		e = e == 0 ? 1 : e;
	}
	close(fd);
	return e;
}

/*
 * A new temporary file, locked and empty.  One that an earlier crash left is
 * removed first, once its lock proves that nobody is writing it.
 */
static int
open_temp(const struct jz_file *f, int *out)
{
	int e = 1;

	for (unsigned i = 0; i < LOCK_TRIES; i++) {
		e = open_locked(f, temp_of(f).text, O_CREAT | O_EXCL, out);
		if (e == 0)
			break;
		if (e == JZ_ERR_EXISTS) {
			e = open_locked(f, temp_of(f).text, 0, out);
			if (e == 0)
				unlinkat(f->dir, temp_of(f).text, 0);
			close_fd(out);
		}
		if (e < 0 && e != JZ_ERR_NOT_FOUND)
			return e;
	}
	if (*out < 0)
		return JZ_ERR_CARD_LOCKED;
	/* Whatever the umask. */
	return fchmod(*out, FILE_MODE) == 0 ? 0 : JZ_ERR_SYSTEM;
}

/* A write that is cut short has met a full disk or a limit: an error. */
static int
write_at(int fd, off_t at, const void *data, size_t len)
{
	ssize_t n;

	if (len == 0)
		return 0;
	do
		n = pwrite(fd, data, len, at);
	while (n < 0 && errno == EINTR);
	return n >= 0 && (size_t)n == len ? 0 : JZ_ERR_CARD_STORAGE;
}

static int
write_parts(
    int fd, const struct jz_span *parts, size_t n, bool later, off_t *end)
{
	int e = 0;

	*end = 0;
	for (size_t i = 0; i < n && e == 0; i++) {
		e = write_at(fd, *end, parts[i].data, parts[i].len);
		*end += (off_t)parts[i].len;
	}
	if (e == 0 && !later && fsync(fd) != 0)
		e = JZ_ERR_CARD_STORAGE;
	return e;
}

/* ---- the table ---------------------------------------------------------- */

static int
file_size(void *chip, uint64_t *out)
{
	const struct jz_file *f = chip;
	struct stat st;

	*out = 0;
	if (fstat(f->fd, &st) != 0 || st.st_size < 0)
		return JZ_ERR_CARD_STORAGE;
	*out = (uint64_t)st.st_size;
	return 0;
}

static int
file_read(void *chip, uint64_t offset, void *out, size_t len)
{
	const struct jz_file *f = chip;
	uint8_t *to = out;
	ssize_t n;

	while (len > 0) {
		n = pread(f->fd, to, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return JZ_ERR_CARD_STORAGE;
		to += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int
file_append(void *chip, const void *data, size_t len)
{
	struct jz_file *f = chip;

	if (f->failed || write_at(f->fd, f->end, data, len) != 0) {
		f->failed = true;
		return JZ_ERR_CARD_STORAGE;
	}
	f->end += (off_t)len;
	return 0;
}

static int
file_sync(void *chip)
{
	struct jz_file *f = chip;

	if (f->later && !f->failed)
		return 0;
	if (f->failed || fdatasync(f->fd) != 0 || sync_dir(f) != 0) {
		f->failed = true;
		return JZ_ERR_CARD_STORAGE;
	}
	return 0;
}

/* Before the name is given nothing can be lost: written in place. */
static int
replace_unpublished(struct jz_file *f, const struct jz_span *parts, size_t n)
{
	if (ftruncate(f->fd, 0) != 0)
		return JZ_ERR_CARD_STORAGE;
	return write_parts(f->fd, parts, n, f->later, &f->end);
}

static int
replace_published(struct jz_file *f, const struct jz_span *parts, size_t n)
{
	int fd = -1, old;
	off_t end = 0;
	int e;

	if ((e = open_temp(f, &fd)) != 0)
		goto out;
	if ((e = write_parts(fd, parts, n, false, &end)) != 0)
		goto out;
	if (renameat(f->dir, temp_of(f).text, f->dir, f->name) != 0) {
		e = JZ_ERR_CARD_STORAGE;
		goto out;
	}
	/* F1 holds since open_temp(); now F2. */
	old = f->fd;
	f->fd = fd;
	fd = old;
	f->end = end;
	f->synced_dir = false;
	close_fd(&fd);
	return sync_dir(f);
out:
	if (fd >= 0)
		unlinkat(f->dir, temp_of(f).text, 0);
	close_fd(&fd);
	return e;
}

static int
file_replace(void *chip, const struct jz_span *parts, size_t n)
{
	struct jz_file *f = chip;

	if (f->failed ||
	    (f->published ? replace_published(f, parts, n)
			  : replace_unpublished(f, parts, n)) != 0) {
		f->failed = true;
		return JZ_ERR_CARD_STORAGE;
	}
	return 0;
}

const struct jz_chip jz_file_chip = {
    .size = file_size,
    .read = file_read,
    .append = file_append,
    .sync = file_sync,
    .replace = file_replace,
    .now = jz_system_now,
    .take = jz_heap_take,
    .give = jz_heap_give,
};

/* ---- opening and creating ----------------------------------------------- */

/* Splits a path whose last part is the name; opens the folder. */
static int
open_dir(struct jz_file *f, char *path)
{
	char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	const char *dir = slash == NULL ? "." : path;
	size_t len = strlen(name);

	if (len == 0 || len > NAME_MAX - TEMP_EXTRA)
		return JZ_ERR_ARGUMENT;
	memcpy(f->name, name, len + 1);
	if (slash == path)
		dir = "/";
	else if (slash != NULL)
		*slash = '\0';
	f->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return f->dir < 0 ? system_error() : 0;
}

static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static struct jz_file *
file_alloc(const char *path)
{
	size_t name = strlen(last_part(path)) + 1;
	struct jz_file *f = calloc(1, sizeof(*f) + name);

	if (f != NULL) {
		f->fd = -1;
		f->dir = -1;
	}
	return f;
}

static int
open_existing(struct jz_file *f, char *path)
{
	uint64_t size = 0;
	int e = 1;

	if ((e = open_dir(f, path)) != 0)
		return e;
	f->published = true;
	e = 1;
	for (unsigned i = 0; i < LOCK_TRIES && e == 1; i++)
		e = open_locked(f, f->name, 0, &f->fd);
	if (e != 0)
		return e == 1 ? JZ_ERR_CARD_LOCKED : e;
	e = file_size(f, &size);
	f->end = (off_t)size;
	return e;
}

int
jz_file_open(const char *path, struct jz_file **out)
{
	struct jz_file *f = NULL;
	char *real = NULL;
	int e;

	*out = NULL;
	/* A symbolic link leads to the file that replace() shall replace. */
	real = realpath(path, NULL);
	if (real == NULL)
		return system_error();
	f = file_alloc(real);
	e = f == NULL ? JZ_ERR_MEMORY : open_existing(f, real);
	if (e == 0) {
		*out = f;
		f = NULL;
	}
	free(real);
	jz_file_free(&f);
	return e;
}

static bool
name_taken(const struct jz_file *f)
{
	struct stat st;

	return fstatat(f->dir, f->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int
create_temp(struct jz_file *f, char *path)
{
	int e;

	if ((e = open_dir(f, path)) != 0)
		return e;
	if (name_taken(f))
		return JZ_ERR_EXISTS;
	return open_temp(f, &f->fd);
}

int
jz_file_create(const char *path, struct jz_file **out)
{
	struct jz_file *f = NULL;
	char *copy = NULL;
	int e = JZ_ERR_MEMORY;

	*out = NULL;
	copy = strdup(path);
	f = file_alloc(path);
	if (copy != NULL && f != NULL)
		e = create_temp(f, copy);
	if (e == 0) {
		*out = f;
		f = NULL;
	}
	free(copy);
	jz_file_free(&f);
	return e;
}

/* Other programs that create the card are held off by the lock on .FILE.new,
 * so between the look and the rename nobody takes the name. */
int
jz_file_publish(struct jz_file *f)
{
	if (f->failed || f->published)
		return JZ_ERR_CARD_STORAGE;
	if (name_taken(f))
		return JZ_ERR_EXISTS;
	if (fsync(f->fd) != 0 ||
	    renameat(f->dir, temp_of(f).text, f->dir, f->name) != 0)
		return JZ_ERR_CARD_STORAGE;
	f->published = true;
	return sync_dir(f);
}

void
jz_file_free(struct jz_file **file)
{
	struct jz_file *f;

	if (file == NULL || *file == NULL)
		return;
	f = *file;
	*file = NULL;
	if (!f->published && f->fd >= 0)
		unlinkat(f->dir, temp_of(f).text, 0);
	close_fd(&f->fd);
	close_fd(&f->dir);
	free(f);
}

/* ---- many at once ------------------------------------------------------- */

void
jz_file_sync_later(struct jz_file *f)
{
	f->later = true;
}

/* The file systems of files that stand together, one after the other. */
static int
sync_file_systems(struct jz_file *const *files, size_t n)
{
	dev_t synced = 0;
	struct stat st;

	for (size_t i = 0; i < n; i++) {
		if (fstat(files[i]->fd, &st) != 0)
			return JZ_ERR_CARD_STORAGE;
		if (i > 0 && st.st_dev == synced)
			continue;
		if (syncfs(files[i]->fd) != 0)
			return JZ_ERR_CARD_STORAGE;
		synced = st.st_dev;
	}
	return 0;
}

int
jz_file_sync_all(struct jz_file *const *files, size_t n)
{
	int e = sync_file_systems(files, n);

	for (size_t i = 0; i < n; i++) {
		files[i]->later = false;
		files[i]->failed |= e != 0;
		files[i]->synced_dir |= e == 0;
	}
	return e;
}

/* Gives one file its name, which is durable when its folder is. */
static int
name_file(struct jz_file *f)
{
	if (f->failed || f->published)
		return JZ_ERR_CARD_STORAGE;
	if (name_taken(f))
		return JZ_ERR_EXISTS;
	if (renameat(f->dir, temp_of(f).text, f->dir, f->name) != 0)
		return JZ_ERR_CARD_STORAGE;
	f->published = true;
	return 0;
}

int
jz_file_publish_all(struct jz_file *const *files, size_t n)
{
	struct stat st, synced = {0};
	int e = 0;

	for (size_t i = 0; i < n && e == 0; i++)
		e = name_file(files[i]);
	for (size_t i = 0; i < n && e == 0; i++) {
		if (fstat(files[i]->dir, &st) != 0)
			return JZ_ERR_CARD_STORAGE;
		files[i]->synced_dir = i > 0 && st.st_dev == synced.st_dev &&
		    st.st_ino == synced.st_ino;
		e = sync_dir(files[i]);
		synced = st;
	}
	return e;
}

int
jz_file_left(const char *path, bool keep)
{
	struct jz_file *f = file_alloc(path);
	char *copy = strdup(path);
	int e = JZ_ERR_MEMORY;

	if (f != NULL && copy != NULL)
		e = open_dir(f, copy);
	if (e == 0)
		e = open_locked(f, temp_of(f).text, 0, &f->fd);
	if (e == 1)
		e = JZ_ERR_NOT_FOUND;
	/* Freed without a name it is removed. */
	if (e == 0 && keep)
		e = jz_file_publish_all(&f, 1);
	free(copy);
	jz_file_free(&f);
	return e;
}
