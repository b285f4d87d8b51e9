/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader handle: names, ownership, and what holds for every kind, tried
 * on a kind of our own.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../apdu/apdu.h"
#include "../../apdu/error.h"
#include "../../reader/reader.h"

#define CAPACITY 258u

/* A card that answers what it is told to. */
struct fake {
	uint8_t answer[CAPACITY];
	size_t answer_len;
	int error;
	unsigned commands, closed, begun, ended;
	uint8_t last[8];
	size_t last_len;
	uint8_t atr[2];
	bool cold;
};

static int
fake_transmit(void *state, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp,
    size_t *rsp_len)
{
	struct fake *f = state;

	f->commands++;
	f->last_len = cmd_len;
	if (cmd_len <= sizeof(f->last))
		memcpy(f->last, cmd, cmd_len);
	assert_true(*rsp_len >= f->answer_len);
	memcpy(rsp, f->answer, f->answer_len);
	*rsp_len = f->answer_len;
	return f->error;
}

static int
fake_reset(void *state, bool cold)
{
	struct fake *f = state;

	f->cold = cold;
	f->atr[1]++;
	return f->error;
}

static struct jz_span
fake_atr(void *state)
{
	struct fake *f = state;

	return jz_span(f->atr, sizeof(f->atr));
}

static int
fake_begin(void *state)
{
	((struct fake *)state)->begun++;
	return 0;
}

static int
fake_end(void *state)
{
	((struct fake *)state)->ended++;
	return JZ_ERR_CARD_RESET;
}

static void
fake_close(void *state)
{
	((struct fake *)state)->closed++;
}

static const struct jz_reader_ops shared_ops = {
    .scheme = "fake",
    .transmit = fake_transmit,
    .reset = fake_reset,
    .atr = fake_atr,
    .begin = fake_begin,
    .end = fake_end,
    .close = fake_close,
};

static const struct jz_reader_ops private_ops = {
    .scheme = "fake",
    .transmit = fake_transmit,
    .reset = fake_reset,
    .atr = fake_atr,
    .close = fake_close,
};

static const uint8_t command[] = {0x80, 0x5C, 0x00, 0x02, 0x04};

static struct jz_reader *
open_fake(struct fake *f, const struct jz_reader_ops *ops)
{
	struct jz_reader *r = NULL;

	memset(f, 0, sizeof(*f));
	assert_int_equal(jz_reader_take("fake:1", ops, f, &r), 0);
	assert_non_null(r);
	return r;
}

static void
set_answer(struct fake *f, const char *bytes, size_t len)
{
	memcpy(f->answer, bytes, len);
	f->answer_len = len;
}

static void
malformed_names_are_refused(void **state)
{
	static const char *const names[] = {"", "virtual", "virtual:", "pcsc",
	    "pcsc:", "pcsc:serial=", "nfc:", "VIRTUAL:a.card", "a.card",
	    " pcsc:*", ":", "pcscd:*"};
	struct jz_reader *r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		r = (struct jz_reader *)(void *)&i;
		assert_int_equal(
		    jz_reader_open(names[i], &r), JZ_ERR_READER_NAME);
		assert_null(r);
	}
	assert_int_equal(jz_reader_open(NULL, &r), JZ_ERR_READER_NAME);
	assert_null(r);
}

static void
a_scheme_reaches_its_kind(void **state)
{
	struct jz_reader *r;
	int e;

	(void)state;
	(void)setenv("PCSCLITE_CSOCK_NAME", "/nonexistent/socket", 1);
	assert_int_equal(jz_reader_open("pcsc:*", &r), JZ_ERR_NO_DAEMON);
	assert_null(r);
	e = jz_reader_open("virtual:/nonexistent/alice.card", &r);
	assert_int_not_equal(e, 0);
	assert_int_not_equal(e, JZ_ERR_READER_NAME);
	assert_null(r);
}

static int
count_reader(const char *name, bool card, struct jz_span atr, void *arg)
{
	(void)name;
	(void)card;
	(void)atr;
	++*(unsigned *)arg;
	return 0;
}

static void
listing_without_a_daemon_says_so(void **state)
{
	unsigned n = 0;

	(void)state;
	(void)setenv("PCSCLITE_CSOCK_NAME", "/nonexistent/socket", 1);
	assert_int_equal(jz_reader_list(count_reader, &n), JZ_ERR_NO_DAEMON);
	assert_int_equal(n, 0);
}

static void
bytes_pass_unchanged(void **state)
{
	struct fake f;
	struct jz_reader *r = open_fake(&f, &private_ops);
	uint8_t rsp[CAPACITY];
	size_t len = sizeof(rsp);

	(void)state;
	set_answer(&f, "\x01\x02\x61\x10", 4);
	assert_int_equal(
	    jz_reader_transmit(r, command, sizeof(command), rsp, &len), 0);
	assert_int_equal(len, 4);
	assert_memory_equal(rsp, "\x01\x02\x61\x10", 4);
	assert_int_equal(f.last_len, sizeof(command));
	assert_memory_equal(f.last, command, sizeof(command));
	/* 61xx is not followed. */
	assert_int_equal(f.commands, 1);
	jz_reader_free(&r);
}

/* ALL-4: an answer without a status word is no answer. */
static void
fewer_than_two_bytes_are_an_error(void **state)
{
	struct fake f;
	struct jz_reader *r = open_fake(&f, &private_ops);
	uint8_t rsp[CAPACITY];
	size_t len, n;

	(void)state;
	for (n = 0; n < 2; n++) {
		set_answer(&f, "\x90", n);
		len = sizeof(rsp);
		assert_int_equal(
		    jz_reader_transmit(r, command, sizeof(command), rsp, &len),
		    JZ_ERR_TRANSMIT);
		assert_int_equal(len, 0);
	}
	set_answer(&f, "\x90\x00", 2);
	len = sizeof(rsp);
	assert_int_equal(
	    jz_reader_transmit(r, command, sizeof(command), rsp, &len), 0);
	assert_int_equal(len, 2);
	jz_reader_free(&r);
}

static void
an_error_leaves_no_answer_and_is_not_retried(void **state)
{
	struct fake f;
	struct jz_reader *r = open_fake(&f, &private_ops);
	uint8_t rsp[CAPACITY];
	size_t len = sizeof(rsp);

	(void)state;
	set_answer(&f, "\x90\x00", 2);
	f.error = JZ_ERR_CARD_RESET;
	assert_int_equal(
	    jz_reader_transmit(r, command, sizeof(command), rsp, &len),
	    JZ_ERR_CARD_RESET);
	assert_int_equal(len, 0);
	assert_int_equal(f.commands, 1);
	jz_reader_free(&r);
}

static void
impossible_arguments_do_not_reach_the_card(void **state)
{
	struct fake f;
	struct jz_reader *r = open_fake(&f, &private_ops);
	static const uint8_t big[JZ_APDU_MAX_COMMAND + 1u];
	uint8_t rsp[CAPACITY];
	size_t len;

	(void)state;
	len = CAPACITY - 1u;
	assert_int_equal(
	    jz_reader_transmit(r, command, sizeof(command), rsp, &len),
	    JZ_ERR_SPACE);
	len = CAPACITY;
	assert_int_equal(
	    jz_reader_transmit(r, command, 0, rsp, &len), JZ_ERR_ARGUMENT);
	len = CAPACITY;
	assert_int_equal(
	    jz_reader_transmit(r, NULL, 4, rsp, &len), JZ_ERR_ARGUMENT);
	len = CAPACITY;
	assert_int_equal(jz_reader_transmit(r, big, sizeof(big), rsp, &len),
	    JZ_ERR_ARGUMENT);
	assert_int_equal(f.commands, 0);
	jz_reader_free(&r);
}

static void
a_reset_gives_the_atr_anew(void **state)
{
	struct fake f;
	struct jz_reader *r = open_fake(&f, &private_ops);

	(void)state;
	assert_int_equal(jz_reader_atr(r).data[1], 0);
	assert_int_equal(jz_reader_reset(r, true), 0);
	assert_true(f.cold);
	assert_int_equal(jz_reader_atr(r).data[1], 1);
	assert_int_equal(jz_reader_reset(r, false), 0);
	assert_false(f.cold);
	assert_int_equal(jz_reader_atr(r).data[1], 2);
	f.error = JZ_ERR_CARD_REMOVED;
	assert_int_equal(jz_reader_reset(r, false), JZ_ERR_CARD_REMOVED);
	jz_reader_free(&r);
}

static void
begin_and_end_are_for_shared_cards(void **state)
{
	struct fake f;
	struct jz_reader *r = open_fake(&f, &private_ops);

	(void)state;
	assert_int_equal(jz_reader_begin(r), 0);
	assert_int_equal(jz_reader_end(r), 0);
	jz_reader_free(&r);

	r = open_fake(&f, &shared_ops);
	assert_int_equal(jz_reader_begin(r), 0);
	assert_int_equal(f.begun, 1);
	assert_int_equal(jz_reader_end(r), JZ_ERR_CARD_RESET);
	assert_int_equal(f.ended, 1);
	jz_reader_free(&r);
}

static void
freeing_closes_once_and_clears(void **state)
{
	struct fake f;
	struct jz_reader *r = open_fake(&f, &private_ops);

	(void)state;
	assert_string_equal(jz_reader_name(r), "fake:1");
	jz_reader_free(&r);
	assert_null(r);
	assert_int_equal(f.closed, 1);
	jz_reader_free(&r);
	jz_reader_free(NULL);
	assert_int_equal(f.closed, 1);
}

static void
a_failed_take_closes_what_it_took(void **state)
{
	struct fake f;
	struct jz_reader *r = NULL;

	(void)state;
	memset(&f, 0, sizeof(f));
	(void)setenv("JIAOZI_TRACE", "/nonexistent/trace", 1);
	assert_int_equal(
	    jz_reader_take("fake:1", &private_ops, &f, &r), JZ_ERR_SYSTEM);
	(void)unsetenv("JIAOZI_TRACE");
	assert_null(r);
	assert_int_equal(f.closed, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(malformed_names_are_refused),
	    cmocka_unit_test(a_scheme_reaches_its_kind),
	    cmocka_unit_test(listing_without_a_daemon_says_so),
	    cmocka_unit_test(bytes_pass_unchanged),
	    cmocka_unit_test(fewer_than_two_bytes_are_an_error),
	    cmocka_unit_test(an_error_leaves_no_answer_and_is_not_retried),
	    cmocka_unit_test(impossible_arguments_do_not_reach_the_card),
	    cmocka_unit_test(a_reset_gives_the_atr_anew),
	    cmocka_unit_test(begin_and_end_are_for_shared_cards),
	    cmocka_unit_test(freeing_closes_once_and_clears),
	    cmocka_unit_test(a_failed_take_closes_what_it_took),
	};

	(void)unsetenv("JIAOZI_TRACE");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
