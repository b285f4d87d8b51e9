/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appending lines: POSIX.1-2008 open with O_APPEND, one write each.
 */
#define _POSIX_C_SOURCE 200809L

#include "audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../apdu/error.h"
#include "../../apdu/time.h"

#define TIME_TEXT    21 /* with a NUL, where a blank comes */
#define MODE_PRIVATE 0600

static int
append(const char *path, const char *line, size_t len)
{
	int fd =
	    open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, MODE_PRIVATE);
	int rc = 0;

	if (fd < 0)
		return errno == ENOENT ? JZ_ERR_NOT_FOUND : JZ_ERR_SYSTEM;
	if (write(fd, line, len) != (ssize_t)len || fsync(fd) != 0)
		rc = JZ_ERR_SYSTEM;
	if (close(fd) != 0)
		rc = JZ_ERR_SYSTEM;
	return rc;
}

int
jz_audit(const char *path, int64_t now, const char *format, ...)
{
	char line[JZ_AUDIT_LINE_MAX];
	size_t len = TIME_TEXT;
	va_list ap;
	int n;

	memset(line, ' ', TIME_TEXT);
	jz_time_to_text(now, line);
	line[strlen(line)] = ' ';
	va_start(ap, format);
	n = vsnprintf(line + len, sizeof(line) - len, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n + 1 >= sizeof(line) - len)
		return JZ_ERR_SPACE;
	len += (size_t)n;
	for (size_t k = 0; k < len; k++) {
		if ((unsigned char)line[k] < 0x20 || line[k] == 0x7F)
			line[k] = '?';
	}
	line[len++] = '\n';
	return append(path, line, len);
}
