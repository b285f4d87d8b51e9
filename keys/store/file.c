/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing small files whole: POSIX.1-2008 open, fsync, link and
 * rename.  A rename is durable only once its directory has been synced.
 */
#define _POSIX_C_SOURCE 200809L

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../apdu/error.h"

#define TEMPORARY_SUFFIX ".XXXXXX"

static int
error_of_errno(void)
{
	if (errno == EEXIST)
		return JZ_ERR_EXISTS;
	return errno == ENOENT ? JZ_ERR_NOT_FOUND : JZ_ERR_SYSTEM;
}

static int
write_all(int fd, struct jz_span bytes)
{
	struct jz_cursor c = jz_cursor(bytes);
	ssize_t n;

	while (c.len > 0) {
		n = write(fd, c.data, c.len);
		if (n < 0 && errno != EINTR)
			return JZ_ERR_SYSTEM;
		if (n > 0)
			(void)jz_take(&c, (size_t)n);
	}
	return 0;
}

static int
sync_directory(const char *path)
{
	char dir[JZ_PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = 1; /* the root, or "." */
	int fd, rc;

	if (slash != NULL && slash != path)
		len = (size_t)(slash - path);
	memcpy(dir, slash != NULL ? path : ".", len);
	dir[len] = 0;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return JZ_ERR_SYSTEM;
	rc = fsync(fd) == 0 ? 0 : JZ_ERR_SYSTEM;
	(void)close(fd);
	return rc;
}

/* Fills and syncs the temporary file; mkstemp made it 0600. */
static int
fill(int fd, mode_t mode, struct jz_span bytes)
{
	int rc = write_all(fd, bytes);

	if (rc == 0 && (fchmod(fd, mode) != 0 || fsync(fd) != 0))
		rc = JZ_ERR_SYSTEM;
	if (close(fd) != 0 && rc == 0)
		rc = JZ_ERR_SYSTEM;
	return rc;
}

/* link refuses a name that exists, which rename would silently replace. */
static int
publish(const char *temporary, const char *path, enum jz_file_write how)
{
	int failed = how == JZ_FILE_NEW ? link(temporary, path)
					: rename(temporary, path);

	return failed ? error_of_errno() : sync_directory(path);
}

int
jz_file_write(
    const char *path, mode_t mode, enum jz_file_write how, struct jz_span bytes)
{
	char temporary[JZ_PATH_MAX];
	size_t len = strlen(path);
	int fd, rc;

	if (len + sizeof(TEMPORARY_SUFFIX) > sizeof(temporary))
		return JZ_ERR_SPACE;
	memcpy(temporary, path, len);
	memcpy(temporary + len, TEMPORARY_SUFFIX, sizeof(TEMPORARY_SUFFIX));
	fd = mkstemp(temporary);
	if (fd < 0)
		return error_of_errno();
	rc = fill(fd, mode, bytes);
	if (rc == 0)
		rc = publish(temporary, path, how);
	/* After a rename there is nothing left to remove. */
	(void)unlink(temporary);
	return rc;
}

int
jz_file_read(const char *path, struct jz_buffer *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t start = out->len;
	int rc = JZ_ERR_SPACE;
	ssize_t n;

	if (fd < 0)
		return error_of_errno();
	/* Each turn reads at least one byte, or ends the loop. */
	while (out->len < out->cap) {
		n = read(fd, out->data + out->len, out->cap - out->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			rc = n == 0 ? 0 : JZ_ERR_SYSTEM;
			break;
		}
		out->len += (size_t)n;
	}
	(void)close(fd);
	if (rc != 0)
		out->len = start;
	return rc;
}
