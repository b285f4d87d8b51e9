/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a typed secret comes from: an environment variable, a file, a
 * descriptor, or the terminal (POSIX.1-2008 11, termios).
 *
 * Reading goes byte by byte, so that a second secret on the same descriptor
 * is still there for the next call.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "../../apdu/error.h"
#include "../secret.h"
#include "keyfile.h"

#define TERMINAL      "/dev/tty"
#define LINE_COMPLETE 1

enum {
	KEY_INTERRUPT = 0x03, /* ^C */
	KEY_END = 0x04,	      /* ^D */
	KEY_BACKSPACE = 0x08,
	KEY_LINE_FEED = 0x0A,
	KEY_RETURN = 0x0D,
	KEY_KILL = 0x15, /* ^U */
	KEY_DELETE = 0x7F,
};

/* 1 for a byte, 0 at the end, or an error. */
static int
read_byte(int fd, uint8_t *c)
{
	ssize_t n;

	do {
		n = read(fd, c, 1);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? JZ_ERR_SYSTEM : (int)n;
}

static int
append(struct jz_secret *line, uint8_t c)
{
	return c == 0 ? JZ_ERR_ARGUMENT : jz_secret_add(line, c);
}

/* The first line of a file or descriptor; the line feed may be missing. */
static int
read_line(int fd, struct jz_secret *line)
{
	uint8_t c = 0;
	int rc = 0;
	int n;

	/* Ends at the latest when the buffer is full. */
	while (rc == 0 && (n = read_byte(fd, &c)) == 1 && c != KEY_LINE_FEED)
		rc = append(line, c);
	if (rc == 0 && n < 0)
		rc = n;
	/* A descriptor that is not open is a name that leads nowhere. */
	if (rc == JZ_ERR_SYSTEM && errno == EBADF)
		rc = JZ_ERR_NOT_FOUND;
	if (rc == 0 && n == 0 && line->len == 0)
		rc = JZ_ERR_CANCELLED;
	return rc;
}

static int
from_environment(const char *name, struct jz_secret *line)
{
	const char *value = getenv(name);
	int rc = 0;

	if (value == NULL)
		return JZ_ERR_NOT_FOUND;
	while (rc == 0 && *value != 0)
		rc = append(line, (uint8_t)*value++);
	return rc;
}

static int
from_file(const char *path, struct jz_secret *line)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return errno == ENOENT ? JZ_ERR_NOT_FOUND : JZ_ERR_SYSTEM;
	rc = read_line(fd, line);
	(void)close(fd);
	return rc;
}

static int
from_descriptor(const char *digits, struct jz_secret *line)
{
	long fd = 0;

	if (*digits == 0)
		return JZ_ERR_ARGUMENT;
	for (; *digits != 0; digits++) {
		if (*digits < '0' || *digits > '9' || fd > INT_MAX / 10 - 1)
			return JZ_ERR_ARGUMENT;
		fd = fd * 10 + (*digits - '0');
	}
	return read_line((int)fd, line);
}

/* Takes back one character: in UTF-8 the bytes 10xxxxxx follow a first one. */
static void
erase(struct jz_secret *line)
{
	const uint8_t *bytes = jz_secret_span(line).data;
	size_t len = line->len;

	while (len > 0 && (bytes[len - 1] & 0xC0) == 0x80)
		len--;
	jz_secret_cut(line, len > 0 ? len - 1 : 0);
}

/* One key: 0, LINE_COMPLETE, or an error. */
static int
type_key(uint8_t c, struct jz_secret *line)
{
	switch (c) {
	case KEY_LINE_FEED:
	case KEY_RETURN:
		return LINE_COMPLETE;
	case KEY_INTERRUPT:
		return JZ_ERR_CANCELLED;
	case KEY_END:
		return line->len == 0 ? JZ_ERR_CANCELLED : LINE_COMPLETE;
	case KEY_BACKSPACE:
	case KEY_DELETE:
		erase(line);
		return 0;
	case KEY_KILL:
		jz_secret_cut(line, 0);
		return 0;
	default:
		return append(line, c);
	}
}

static int
type_line(int fd, struct jz_secret *line)
{
	uint8_t c;
	int rc = 0;
	int n;

	/* As long as the person types; each turn takes one key. */
	while (rc == 0) {
		n = read_byte(fd, &c);
		rc = n == 1 ? type_key(c, line) : JZ_ERR_CANCELLED;
	}
	return rc == LINE_COMPLETE ? 0 : rc;
}

/* Nobody can be told of a prompt that the terminal did not take. */
static void
show(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		return;
}

/*
 * Without echo, and key by key: so ^C arrives here as a key, and the terminal
 * is put right again before anybody acts on it.
 */
static int
from_terminal(const char *prompt, struct jz_secret *line)
{
	struct termios saved, quiet;
	int fd = open(TERMINAL, O_RDWR | O_NOCTTY | O_CLOEXEC);
	int rc = JZ_ERR_CANCELLED;

	if (fd < 0)
		return rc;
	if (tcgetattr(fd, &saved) != 0)
		goto out;
	quiet = saved;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	quiet.c_cc[VMIN] = 1;
	quiet.c_cc[VTIME] = 0;
	if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0)
		goto out;
	show(fd, prompt != NULL ? prompt : "");
	rc = type_line(fd, line);
	show(fd, "\n");
	(void)tcsetattr(fd, TCSAFLUSH, &saved);
out:
	(void)close(fd);
	return rc;
}

/* What follows the scheme, or NULL when the source has another one. */
static const char *
after(const char *source, const char *scheme)
{
	size_t len = strlen(scheme);

	return strncmp(source, scheme, len) == 0 ? source + len : NULL;
}

int
jz_secret_source(const char *source, const char *prompt, struct jz_secret *out)
{
	const char *rest;
	int rc = JZ_ERR_ARGUMENT;

	jz_secret_wipe(out);
	if (source == NULL || strcmp(source, "prompt") == 0)
		rc = from_terminal(prompt, out);
	else if ((rest = after(source, "env:")) != NULL)
		rc = from_environment(rest, out);
	else if ((rest = after(source, "file:")) != NULL)
		rc = from_file(rest, out);
	else if ((rest = after(source, "fd:")) != NULL)
		rc = from_descriptor(rest, out);
	if (rc != 0)
		jz_secret_wipe(out);
	return rc;
}
