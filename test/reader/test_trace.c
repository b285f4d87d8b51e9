/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The APDU trace: its lines, what it hides, and whose APDUs it sees.
 */
#define _DEFAULT_SOURCE 1

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../apdu/apdu.h"
#include "../../apdu/error.h"
#include "../../reader/reader.h"
#include "../support/temp.h"

#define BYTES_MAX 600u
#define TEXT_MAX  4096u

/* ---- a card that answers what it is told to ----------------------------- */

struct fake {
	uint8_t answer[BYTES_MAX];
	size_t answer_len;
	int error;
	uint8_t last[BYTES_MAX];
	size_t last_len;
};

static int
fake_transmit(void *state, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp,
    size_t *rsp_len)
{
	struct fake *f = state;

	assert_true(cmd_len <= sizeof(f->last));
	memcpy(f->last, cmd, cmd_len);
	f->last_len = cmd_len;
	memcpy(rsp, f->answer, f->answer_len);
	*rsp_len = f->answer_len;
	return f->error;
}

static int
fake_reset(void *state, bool cold)
{
	(void)cold;
	return ((struct fake *)state)->error;
}

static struct jz_span
fake_atr(void *state)
{
	(void)state;
	return jz_span("\x3B\x80\x80\x01\x01", 5);
}

static void
fake_close(void *state)
{
	(void)state;
}

static const struct jz_reader_ops ops = {
    .scheme = "fake",
    .transmit = fake_transmit,
    .reset = fake_reset,
    .atr = fake_atr,
    .close = fake_close,
};

static size_t
from_hex(const char *hex, uint8_t *out)
{
	size_t n = 0;
	unsigned v;

	for (; *hex != '\0'; hex += 2, n++) {
		assert_int_equal(sscanf(hex, "%2x", &v), 1);
		assert_true(n < BYTES_MAX);
		out[n] = (uint8_t)v;
	}
	return n;
}

static void
exchange(struct jz_reader *r, struct fake *f, const char *cmd, const char *rsp)
{
	uint8_t c[BYTES_MAX], answer[BYTES_MAX];
	size_t n, len = sizeof(answer);

	n = from_hex(cmd, c);
	f->answer_len = from_hex(rsp, f->answer);
	assert_int_equal(jz_reader_transmit(r, c, n, answer, &len), f->error);
	/* Whatever the trace shows, the card got the true bytes. */
	assert_int_equal(f->last_len, n);
	assert_memory_equal(f->last, c, n);
}

/* ---- the file ----------------------------------------------------------- */

struct trace_file {
	char dir[64];
	char path[80];
};

static void
make_trace(struct trace_file *t)
{
	assert_true(temp_new(t->dir, sizeof(t->dir), "jz-trace"));
	(void)snprintf(t->path, sizeof(t->path), "%s/trace", t->dir);
	assert_int_equal(setenv("JIAOZI_TRACE", t->path, 1), 0);
}

static void
remove_trace(struct trace_file *t)
{
	(void)unsetenv("JIAOZI_TRACE");
	assert_int_equal(unlink(t->path), 0);
	assert_int_equal(rmdir(t->dir), 0);
}

static void
assert_trace(const struct trace_file *t, const char *expected)
{
	char text[TEXT_MAX];
	FILE *f = fopen(t->path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	assert_int_equal(fclose(f), 0);
	assert_string_equal(text, expected);
}

/* The line that the file gets for a command. */
static const struct {
	const char *command, *line;
} lines[] = {
    /* The four short cases, then the extended ones. */
    {"00B00000", "00B00000"},
    {"805C000204", "805C0002 04"},
    {"00D6000002AABB", "00D60000 02 AABB"},
    {"00A4040002F04A00", "00A40400 02 F04A 00"},
    {"00B00000000000", "00B00000 000000"},
    {"00D60000000002AABB", "00D60000 000002 AABB"},
    {"00D60000000002AABB0000", "00D60000 000002 AABB 0000"},
    /* Lengths that do not add up, and fewer bytes than a header. */
    {"00B0000005AA", "00B00000 05AA"},
    {"00B000", "00B000"},
    {"00", "00"},
    /* VERIFY and its kin, in every class and on every channel. */
    {"0020000103123456", "00200001 03 ******"},
    {"0320000103123456", "03200001 03 ******"},
    {"8020000103123456", "80200001 03 ******"},
    {"0020000100000312345F", "00200001 000003 ******"},
    {"00200001", "00200001"},
    {"0021000103123456", "00210001 03 ******"},
    {"00240001041234567800", "00240001 04 ******** 00"},
    {"002C0001021234", "002C0001 02 ****"},
    /* A VERIFY whose lengths are wrong still carries a PIN. */
    {"0020000104123456", "00200001 ********"},
    {"00200001021234567F", "00200001 **********"},
    /* STORE DATA and PUT KEY of GlobalPlatform; not APPEND RECORD. */
    {"80E28000037F2100", "80E28000 03 ******"},
    {"84E28000037F2100", "84E28000 03 ******"},
    {"80D8018103112233", "80D80181 03 ******"},
    {"00E2000003112233", "00E20000 03 112233"},
    /* The PIN object wherever it is. */
    {"00DA0000059F36021234", "00DA0000 05 **********"},
    {"00DA0000049F371234", "00DA0000 04 9F371234"},
};

static void
every_command_has_its_line(void **state)
{
	struct trace_file t;
	struct jz_reader *r;
	struct fake f;
	char expected[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		memset(&f, 0, sizeof(f));
		make_trace(&t);
		assert_int_equal(jz_reader_take("fake:1", &ops, &f, &r), 0);
		exchange(r, &f, lines[i].command, "9000");
		jz_reader_free(&r);
		(void)snprintf(expected, sizeof(expected),
		    ">> fake:1: %s\n<< fake:1: 9000 OK\n", lines[i].line);
		assert_trace(&t, expected);
		remove_trace(&t);
	}
}

static void
responses_name_their_status_word(void **state)
{
	struct trace_file t;
	struct jz_reader *r;
	struct fake f;

	(void)state;
	memset(&f, 0, sizeof(f));
	make_trace(&t);
	assert_int_equal(jz_reader_take("fake:1", &ops, &f, &r), 0);
	exchange(r, &f, "805C000204", "000003E89000");
	exchange(r, &f, "805C000204", "6985");
	f.error = JZ_ERR_CARD_REMOVED;
	exchange(r, &f, "805C000204", "");
	f.error = 0;
	assert_int_equal(jz_reader_reset(r, false), 0);
	assert_int_equal(jz_reader_reset(r, true), 0);
	jz_reader_free(&r);
	assert_trace(&t,
	    ">> fake:1: 805C0002 04\n"
	    "<< fake:1: 000003E8 9000 OK\n"
	    ">> fake:1: 805C0002 04\n"
	    "<< fake:1: 6985 CONDITIONS\n"
	    ">> fake:1: 805C0002 04\n"
	    "<< fake:1: no answer: CARD_REMOVED\n"
	    "-- fake:1: warm reset, ATR 3B80800101\n"
	    "-- fake:1: cold reset, ATR 3B80800101\n");
	remove_trace(&t);
}

static void
the_file_is_appended_to_and_private(void **state)
{
	struct trace_file t;
	struct jz_reader *r;
	struct fake f;
	struct stat st;
	unsigned i;

	(void)state;
	memset(&f, 0, sizeof(f));
	make_trace(&t);
	for (i = 0; i < 2; i++) {
		assert_int_equal(jz_reader_take("fake:1", &ops, &f, &r), 0);
		exchange(r, &f, "00B00000", "9000");
		jz_reader_free(&r);
	}
	assert_trace(&t,
	    ">> fake:1: 00B00000\n<< fake:1: 9000 OK\n"
	    ">> fake:1: 00B00000\n<< fake:1: 9000 OK\n");
	assert_int_equal(stat(t.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	remove_trace(&t);
}

static void
a_name_cannot_forge_a_line(void **state)
{
	struct trace_file t;
	struct jz_reader *r;
	struct fake f;

	(void)state;
	memset(&f, 0, sizeof(f));
	make_trace(&t);
	assert_int_equal(jz_reader_take("a\n>> b", &ops, &f, &r), 0);
	exchange(r, &f, "00B00000", "9000");
	jz_reader_free(&r);
	assert_trace(&t, ">> a?>> b: 00B00000\n<< a?>> b: 9000 OK\n");
	remove_trace(&t);
}

/* As long an answer as an APDU can be. */
static int
longest_transmit(void *state, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp,
    size_t *rsp_len)
{
	(void)state;
	(void)cmd;
	(void)cmd_len;
	assert_int_equal(*rsp_len, JZ_APDU_MAX_RESPONSE);
	memset(rsp, 0x55, JZ_APDU_MAX_RESPONSE - 2u);
	memcpy(rsp + JZ_APDU_MAX_RESPONSE - 2u, "\x90\x00", 2);
	return 0;
}

static void
the_longest_apdus_fit_a_line(void **state)
{
	static uint8_t cmd[JZ_APDU_MAX_COMMAND], rsp[JZ_APDU_MAX_RESPONSE];
	struct jz_reader_ops longest = ops;
	char name[300], tail[11] = "";
	struct trace_file t;
	struct jz_reader *r;
	struct fake f;
	size_t len = sizeof(rsp);
	FILE *file;

	(void)state;
	longest.transmit = longest_transmit;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	make_trace(&t);
	assert_int_equal(jz_reader_take(name, &longest, &f, &r), 0);
	/* Lc FFFF, all data, Le 0000 */
	memcpy(cmd, "\x00\xB0\x00\x00\x00\xFF\xFF", 7);
	assert_int_equal(jz_reader_transmit(r, cmd, sizeof(cmd), rsp, &len), 0);
	jz_reader_free(&r);
	file = fopen(t.path, "r");
	assert_non_null(file);
	assert_int_equal(fseek(file, -10, SEEK_END), 0);
	/* Names of 160, arrows, colons, blanks, hexadecimal, line ends. */
	assert_int_equal(ftell(file) + 10,
	    (3 + 160 + 2 + 2 * (long)JZ_APDU_MAX_COMMAND + 3 + 1) +
		(3 + 160 + 2 + 2 * (long)JZ_APDU_MAX_RESPONSE + 1 + 3 + 1));
	assert_int_equal(fread(tail, 1, 10, file), 10);
	assert_string_equal(tail, "5 9000 OK\n");
	assert_int_equal(fclose(file), 0);
	remove_trace(&t);
}

/* ---- the thread's function ---------------------------------------------- */

struct seen {
	unsigned commands, responses;
	char reader[32];
	uint8_t bytes[BYTES_MAX];
	size_t len;
};

static void
see(const char *reader, bool command, struct jz_span apdu, void *arg)
{
	struct seen *s = arg;

	(void)snprintf(s->reader, sizeof(s->reader), "%s", reader);
	if (command)
		s->commands++;
	else
		s->responses++;
	assert_true(apdu.len <= sizeof(s->bytes));
	memcpy(s->bytes, apdu.data, apdu.len);
	s->len = apdu.len;
}

static void
the_function_sees_both_ways_until_cleared(void **state)
{
	struct seen s;
	struct jz_reader *r;
	struct fake f;

	(void)state;
	memset(&s, 0, sizeof(s));
	memset(&f, 0, sizeof(f));
	assert_int_equal(jz_reader_take("fake:1", &ops, &f, &r), 0);
	jz_reader_trace(see, &s);
	exchange(r, &f, "805C000204", "000003E89000");
	assert_int_equal(s.commands, 1);
	assert_int_equal(s.responses, 1);
	assert_string_equal(s.reader, "fake:1");
	assert_int_equal(s.len, 6);
	assert_memory_equal(s.bytes, "\x00\x00\x03\xE8\x90\x00", 6);
	jz_reader_trace(NULL, NULL);
	exchange(r, &f, "805C000204", "9000");
	assert_int_equal(s.commands, 1);
	jz_reader_free(&r);
}

/* ALL-5: no PIN in a trace. */
static void
the_function_gets_stars_for_a_pin(void **state)
{
	struct seen s;
	struct jz_reader *r;
	struct fake f;

	(void)state;
	memset(&s, 0, sizeof(s));
	memset(&f, 0, sizeof(f));
	assert_int_equal(jz_reader_take("fake:1", &ops, &f, &r), 0);
	jz_reader_trace(see, &s);
	f.error = JZ_ERR_TRANSMIT; /* so that the command is seen last */
	exchange(r, &f, "00240001041234567800", "");
	assert_int_equal(s.len, 10);
	assert_memory_equal(s.bytes, "\x00\x24\x00\x01\x04****\x00", 10);
	exchange(r, &f, "0020000109123456", "");
	assert_int_equal(s.len, 8);
	assert_memory_equal(s.bytes, "\x00\x20\x00\x01****", 8);
	jz_reader_trace(NULL, NULL);
	jz_reader_free(&r);
}

static void *
exchange_elsewhere(void *arg)
{
	struct jz_reader *r;
	struct fake f;

	(void)arg;
	memset(&f, 0, sizeof(f));
	assert_int_equal(jz_reader_take("fake:2", &ops, &f, &r), 0);
	exchange(r, &f, "805C000204", "9000");
	jz_reader_free(&r);
	return NULL;
}

static void
the_function_does_not_see_other_threads(void **state)
{
	pthread_t thread;
	struct seen s;

	(void)state;
	memset(&s, 0, sizeof(s));
	jz_reader_trace(see, &s);
	assert_int_equal(
	    pthread_create(&thread, NULL, exchange_elsewhere, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(s.commands, 0);
	(void)exchange_elsewhere(NULL);
	assert_int_equal(s.commands, 1);
	jz_reader_trace(NULL, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_command_has_its_line),
	    cmocka_unit_test(responses_name_their_status_word),
	    cmocka_unit_test(the_file_is_appended_to_and_private),
	    cmocka_unit_test(a_name_cannot_forge_a_line),
	    cmocka_unit_test(the_longest_apdus_fit_a_line),
	    cmocka_unit_test(the_function_sees_both_ways_until_cleared),
	    cmocka_unit_test(the_function_gets_stars_for_a_pin),
	    cmocka_unit_test(the_function_does_not_see_other_threads),
	};

	(void)unsetenv("JIAOZI_TRACE");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
