/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The APDU trace: to a function of the thread, and to the file that
 * JIAOZI_TRACE names.
 *
 * The file gets one line an APDU, after the commands of GlobalPlatformPro's
 * trace: header, Lc, data and Le apart, the status word last and by name.
 *
 *   >> virtual:alice.card: 00A40400 08 F04A49414F5A4901 00
 *   << virtual:alice.card: 6F2B8408... 9000 OK
 *   >> virtual:alice.card: 00200001 03 ******
 *   << virtual:alice.card: 63C2 PIN_TRIES
 *   << virtual:alice.card: no answer: CARD_REMOVED
 *   -- virtual:alice.card: warm reset, ATR 3B80...
 *
 * A line is appended with one write, so that several programs may share a
 * file.  No times, so that two traces can be compared.
 *
 * PINs never get here in clear (VERIFY, CHANGE REFERENCE DATA and RESET RETRY
 * COUNTER of ISO/IEC 7816-4:2013 11.5, STORE DATA and PUT KEY of
 * GlobalPlatform 11, and whatever carries our PIN object 9F36): their data are
 * stars.  The function gets the byte 2A for each of them, the file two stars.
 */
#define _POSIX_C_SOURCE 200809L

#include "reader.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../apdu/apdu.h"
#include "../apdu/error.h"
#include "../apdu/status.h"
#include "internal.h"

#define TRACE_VARIABLE "JIAOZI_TRACE"
#define HEADER_BYTES   4u
#define STATUS_BYTES   2u
#define STAR	       0x2A
/* A reader's name in a line is cut after this many bytes. */
#define NAME_SHOWN_MAX 160u
/* Arrows, colons, blanks, the status word's name, the line's end. */
#define LINE_EXTRA     128u
#define LINE_MAX_BYTES (NAME_SHOWN_MAX + LINE_EXTRA + 2u * JZ_APDU_MAX_RESPONSE)

_Static_assert(JZ_APDU_MAX_RESPONSE + LINE_EXTRA / 2u > JZ_APDU_MAX_COMMAND,
    "a line holds the longest command");

enum sensitive_ins {
	INS_VERIFY = 0x20,	     /* and 21 with BER-TLV data */
	INS_CHANGE_REFERENCE = 0x24, /* and 25 */
	INS_RESET_RETRY = 0x2C,	     /* and 2D */
	INS_PUT_KEY = 0xD8,
	INS_STORE_DATA = 0xE2,
};

#define CLA_PROPRIETARY 0x80
#define INS_ODD		0x01 /* the same command with BER-TLV data */

static const uint8_t pin_object[] = {0x9F, 0x36};

struct jz_trace_file {
	int fd;
	size_t len;
	char line[LINE_MAX_BYTES];
};

/*
 * The one state outside a handle: the interface asks for every reader of this
 * thread, whichever library call opens it.
 */
static _Thread_local struct {
	jz_trace_fn *fn;
	void *arg;
} observer;

void
jz_reader_trace(jz_trace_fn *fn, void *arg)
{
	observer.fn = fn;
	observer.arg = arg;
}

/* ---- what must not be seen ---------------------------------------------- */

static bool
carries_pin_object(struct jz_span data)
{
	size_t i;

	for (i = 0; i + sizeof(pin_object) <= data.len; i++)
		if (memcmp(data.data + i, pin_object, sizeof(pin_object)) == 0)
			return true;
	return false;
}

static bool
is_sensitive(struct jz_span apdu)
{
	const uint8_t cla = apdu.data[0];
	const uint8_t ins = apdu.data[1];

	switch (ins & ~INS_ODD) {
	case INS_VERIFY:
	case INS_CHANGE_REFERENCE:
	case INS_RESET_RETRY:
		return true;
	case INS_PUT_KEY:
	case INS_STORE_DATA:
		if ((cla & CLA_PROPRIETARY) != 0)
			return true;
		break;
	default:
		break;
	}
	return carries_pin_object(
	    jz_span(apdu.data + HEADER_BYTES, apdu.len - HEADER_BYTES));
}

/*
 * The part of a command to star: its data, or, when its lengths do not add
 * up and nobody can say where the data are, all after the header.
 */
static struct jz_span
secret_part(struct jz_span apdu)
{
	struct jz_command c;

	if (apdu.len <= HEADER_BYTES || !is_sensitive(apdu))
		return jz_span(apdu.data, 0);
	if (jz_command_parse(apdu, &c) == 0)
		return c.data;
	return jz_span(apdu.data + HEADER_BYTES, apdu.len - HEADER_BYTES);
}

/* ---- the thread's function ---------------------------------------------- */

static void
observe_command(const char *reader, struct jz_span apdu, struct jz_span secret)
{
	uint8_t *copy = NULL;

	if (secret.len == 0) {
		observer.fn(reader, true, apdu, observer.arg);
		return;
	}
	copy = malloc(apdu.len);
	if (copy == NULL) {
		/* The header shows that there was a command. */
		apdu.len = HEADER_BYTES;
		observer.fn(reader, true, apdu, observer.arg);
		return;
	}
	memset(copy, STAR, apdu.len);
	memcpy(copy, apdu.data, (size_t)(secret.data - apdu.data));
	memcpy(copy + (secret.data - apdu.data) + secret.len,
	    secret.data + secret.len,
	    apdu.len - (size_t)(secret.data - apdu.data) - secret.len);
	observer.fn(reader, true, jz_span(copy, apdu.len), observer.arg);
	free(copy);
}

/* ---- the file ----------------------------------------------------------- */

int
jz_trace_open(struct jz_trace_file **out)
{
	const char *path = getenv(TRACE_VARIABLE);
	struct jz_trace_file *f = NULL;

	*out = NULL;
	if (path == NULL || path[0] == '\0')
		return 0;
	f = malloc(sizeof(*f));
	if (f == NULL)
		return JZ_ERR_MEMORY;
	f->len = 0;
	f->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (f->fd < 0) {
		free(f);
		return JZ_ERR_SYSTEM;
	}
	*out = f;
	return 0;
}

void
jz_trace_free(struct jz_trace_file **f)
{
	if (*f == NULL)
		return;
	(void)close((*f)->fd);
	free(*f);
	*f = NULL;
}

static void
put_char(struct jz_trace_file *f, char c)
{
	if (f->len < sizeof(f->line))
		f->line[f->len++] = c;
}

static void
put_text(struct jz_trace_file *f, const char *s)
{
	for (; *s != '\0'; s++)
		put_char(f, *s);
}

static void
put_hex(struct jz_trace_file *f, struct jz_span s)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t i;

	for (i = 0; i < s.len; i++) {
		put_char(f, digits[s.data[i] >> 4]);
		put_char(f, digits[s.data[i] & 0x0F]);
	}
}

static bool
is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7F;
}

/* "<< NAME: "; a name cannot start a line of its own. */
static void
start_line(struct jz_trace_file *f, const char *arrow, const char *reader)
{
	size_t i;

	f->len = 0;
	put_text(f, arrow);
	put_char(f, ' ');
	for (i = 0; i < NAME_SHOWN_MAX && reader[i] != '\0'; i++)
		put_char(f, is_control(reader[i]) ? '?' : reader[i]);
	put_text(f, ": ");
}

static void
end_line(struct jz_trace_file *f)
{
	ssize_t n;

	put_char(f, '\n');
	/* A full disk loses the trace and must not lose the payment. */
	n = write(f->fd, f->line, f->len);
	(void)n;
}

/*
 * Header, Lc, data, Le, or, when the lengths do not add up, header and rest,
 * with blanks between.
 */
static void
put_command(struct jz_trace_file *f, struct jz_span apdu, struct jz_span secret)
{
	size_t cut[] = {0, HEADER_BYTES, HEADER_BYTES, HEADER_BYTES, apdu.len};
	struct jz_command c;
	size_t i, j;

	if (apdu.len < HEADER_BYTES) {
		put_hex(f, apdu);
		return;
	}
	if (jz_command_parse(apdu, &c) == 0 && c.data.len > 0) {
		cut[2] = (size_t)(c.data.data - apdu.data);
		cut[3] = cut[2] + c.data.len;
	}
	for (i = 0; i + 1 < sizeof(cut) / sizeof(cut[0]); i++) {
		if (cut[i] == cut[i + 1])
			continue;
		if (i > 0)
			put_char(f, ' ');
		if (secret.len > 0 && apdu.data + cut[i] == secret.data)
			for (j = cut[i]; j < cut[i + 1]; j++)
				put_text(f, "**");
		else
			put_hex(f,
			    jz_span(apdu.data + cut[i], cut[i + 1] - cut[i]));
	}
}

static void
put_response(struct jz_trace_file *f, struct jz_span apdu)
{
	struct jz_response r;

	if (jz_response_parse(apdu, &r) != 0) {
		put_hex(f, apdu);
		return;
	}
	put_hex(f, r.data);
	if (r.data.len > 0)
		put_char(f, ' ');
	put_hex(f, jz_span(apdu.data + r.data.len, STATUS_BYTES));
	put_char(f, ' ');
	put_text(f, jz_status_find(r.sw)->name);
}

/* ---- what the reader handle calls --------------------------------------- */

void
jz_trace_apdu(struct jz_trace_file *f, const char *reader, bool command,
    struct jz_span apdu)
{
	struct jz_span secret;

	if (f == NULL && observer.fn == NULL)
		return;
	secret = command ? secret_part(apdu) : jz_span(apdu.data, 0);
	if (observer.fn != NULL && command)
		observe_command(reader, apdu, secret);
	else if (observer.fn != NULL)
		observer.fn(reader, false, apdu, observer.arg);
	if (f == NULL)
		return;
	start_line(f, command ? ">>" : "<<", reader);
	if (command)
		put_command(f, apdu, secret);
	else
		put_response(f, apdu);
	end_line(f);
}

void
jz_trace_error(struct jz_trace_file *f, const char *reader, int error)
{
	if (f == NULL)
		return;
	start_line(f, "<<", reader);
	put_text(f, "no answer: ");
	put_text(f, jz_error_name(error));
	end_line(f);
}

void
jz_trace_reset(
    struct jz_trace_file *f, const char *reader, bool cold, struct jz_span atr)
{
	if (f == NULL)
		return;
	start_line(f, "--", reader);
	put_text(f, cold ? "cold reset, ATR " : "warm reset, ATR ");
	put_hex(f, atr);
	end_line(f);
}
