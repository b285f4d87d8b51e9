/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules that bind everything (ALL): whatever a host sends, loses, repeats
 * or cuts off, no money is made or lost, and bad input changes nothing.
 */
#define _POSIX_C_SOURCE 200809L

#include "../support/cardrig.h"
#include "../support/conform.h"

#include "../../apdu/error.h"
#include "../../reader/virtual.h"
#include "../support/suite.h"
#include "../support/temp.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NOTHING	    jz_span(NULL, 0)
#define COMMAND_MAX 64u
#define ROUNDS	    4000u
#define PAYMENTS    12u
#define TRIES	    60u
#define FILE_MAX    (64u * 1024u)

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Whether a command may change the purse when it is accepted. */
static bool
may_change(const uint8_t *cmd, size_t len)
{
	return len >= 2 && (cmd[1] == JZ_INS_VERIFY || cmd[1] == 0xA4);
}

/*
 * Random commands, most of them with a class and an instruction that exist.
 * None of them is signed by anybody, so none may change what the purse tells
 * of itself.  proves: ALL-4 ALL-1
 */
static void
test_random_commands_get_an_answer_and_change_nothing(void **state)
{
	static const uint8_t ins[] = {0xB0, 0xB2, 0xCA, 0x47, 0x50, 0x52, 0x5C,
	    0xE2, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x79, 0x7A, 0xC0};
	struct conform *c = conform_begin(state);
	uint8_t cmd[COMMAND_MAX];
	struct answer before, after;
	uint32_t seed = 1;

	port_send(&c->card, AT_INFO, NOTHING, &before);
	for (unsigned i = 0; i < ROUNDS; i++) {
		/* A reader carries no fewer than four bytes. */
		size_t len = 4 + next_random(&seed) % (sizeof(cmd) - 4);

		for (size_t k = 0; k < len; k++)
			cmd[k] = (uint8_t)next_random(&seed);
		if (len >= 5 && i % 4 != 0) {
			cmd[0] = i % 2 == 0 ? 0x80 : 0x00;
			cmd[1] = ins[next_random(&seed) % sizeof(ins)];
			cmd[2] &= 0x81;
			cmd[3] &= 0x02;
			cmd[4] = (uint8_t)(len - 5);
		}
		if (!may_change(cmd, len))
			port_raw(&c->card, jz_span(cmd, len), NULL);
	}
	port_select(&c->card);
	port_send(&c->card, AT_INFO, NOTHING, &after);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, before.len);
}

/* proves: ALL-4 (lengths that do not add up, classes, channels) */
static void
test_malformed_commands_have_their_status_words(void **state)
{
	static const struct {
		const char *command;
		uint16_t sw;
	} cases[] = {
	    {"805C0002 00000400", JZ_SW_LENGTH},
	    {"80700000 10 00", JZ_SW_LENGTH},
	    {"A05C000204", JZ_SW_CLA},
	    {"80FF000004", JZ_SW_INS},
	    {"805C000304", JZ_SW_P1P2},
	    {"805C0002 01 00 04", JZ_SW_LENGTH},
	    {"845C000204", JZ_SW_SECURE_MESSAGING},
	    {"815C000204", JZ_SW_CHANNEL},
	    {"00A4040005 F0FFFFFFFF 00", JZ_SW_FILE},
	};
	struct conform *c = conform_begin(state);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (port_hex(&c->card, cases[i].command, NULL) != cases[i].sw)
			fail_msg("%s", cases[i].command);
	/* The purse is still selected. */
	port_balance(&c->card);
}

/* Brings a payment to its end, whatever has been lost. */
static void
finish(struct conform *c, struct payment *pay)
{
	uint8_t digest[JZ_DIGEST_BYTES];
	struct blob fetch;
	struct answer a;

	(void)c;
	if (pay->next == STEP_COMPLETE &&
	    payment_run(pay, STEP_COMPLETE) != JZ_SW_OK) {
		payment_digest(pay, digest);
		fetch = fetch_of(digest);
		assert_int_equal(
		    port_send(pay->payer, AT_FETCH, blob_span(&fetch), &a),
		    JZ_SW_OK);
		blob_set(&pay->message[STEP_COMPLETE], answer_span(&a));
		pay->next = STEP_CREDIT;
	}
	if (pay->next == STEP_ACKNOWLEDGE) {
		/* Already acknowledged, or now. */
		payment_run(pay, STEP_ACKNOWLEDGE);
		return;
	}
	assert_int_equal(payment_run(pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
}

/*
 * Answers lost, messages repeated and cards switched off at random: at no time
 * is there more money than before, and at the end there is as much.
 * proves: ALL-1 ALL-2 ALL-3
 */
static void
test_losses_and_repeats_make_and_lose_no_money(void **state)
{
	struct conform *c = conform_begin(state);
	uint64_t total = conform_total(c);
	uint32_t seed = 7;

	for (unsigned i = 0; i < PAYMENTS; i++) {
		struct payment pay = i % 2 == 0
		    ? payment_of(&c->card, &c->other, 10 + i, c->bank.now)
		    : payment_of(&c->other, &c->card, 10 + i, c->bank.now);

		assert_int_equal(payment_run(&pay, STEP_CONFIRM), JZ_SW_OK);
		for (unsigned k = 0; k < TRIES && pay.next < STEPS; k++) {
			enum step s = (enum step)(STEP_AGREE +
			    next_random(&seed) % (STEPS - STEP_AGREE));

			if (next_random(&seed) % 8 == 0)
				conform_power(c);
			if (s == STEP_AGREE)
				continue; /* would end the agreement */
			if (s > pay.next || pay.message[s - 1].len == 0)
				continue;
			/* Sent, and half of the answers lost. */
			if (next_random(&seed) % 2 == 0)
				port_send(payment_card(&pay, s),
				    payment_header(s), payment_data(&pay, s),
				    NULL);
			else if (s == pay.next)
				payment_run(&pay, s);
			assert_true(conform_total(c) <= total);
		}
		if (pay.next < STEPS)
			finish(c, &pay);
		assert_int_equal(conform_total(c), total);
	}
}

/* proves: ALL-3 (power off between any two steps) */
static void
test_power_off_between_any_two_steps(void **state)
{
	struct conform *c = conform_begin(state);
	uint64_t total = conform_total(c);
	struct payment in = payment_of(&c->card, &c->other, 77, c->bank.now);
	struct payment out = payment_of(&c->other, &c->card, 78, c->bank.now);

	for (enum step s = STEP_REQUEST; s < STEPS; s++) {
		conform_power(c);
		assert_int_equal(payment_run(&in, s), JZ_SW_OK);
	}
	for (enum step s = STEP_REQUEST; s < STEPS; s++) {
		conform_power(c);
		assert_int_equal(payment_run(&out, s), JZ_SW_OK);
	}
	assert_int_equal(conform_total(c), total);
}

/* ---- the card's file ---------------------------------------------------- */

static size_t
read_file(const char *path, uint8_t *out, size_t cap)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(out, 1, cap, f);
	assert_true(n < cap);
	fclose(f);
	return n;
}

static bool
contains(const uint8_t *in, size_t len, const void *what, size_t what_len)
{
	for (size_t i = 0; i + what_len <= len; i++)
		if (memcmp(in + i, what, what_len) == 0)
			return true;
	return false;
}

/*
 * Nothing that the card was told is in its file in clear: cash, PIN, account,
 * IDs.  proves: BND-10 (cash is stored encrypted)
 */
static void
test_the_card_file_shows_nothing(void **state)
{
	struct conform *c = conform_begin(state);
	char dir[256], path[300], key[310];
	struct jz_virtual_options o = {.suite = test_suite()};
	struct jz_virtual *v = NULL;
	struct jz_reader *r = NULL;
	struct profile p = profile_of("CN00000007700001");
	static const uint8_t cash[] = {0, 0x0D, 0xBB, 0xA1}; /* 900001 */
	struct port port;
	uint8_t *file = malloc(FILE_MAX);
	size_t n;

	assert_non_null(file);
	assert_true(temp_new(dir, sizeof(dir), "jiaozi"));
	snprintf(path, sizeof(path), "%s/card", dir);
	snprintf(key, sizeof(key), "%s.key", path);
	o.path = path;
	o.strict = rig_can_be_strict();
	assert_int_equal(jz_virtual_create(&o, &v), 0);
	assert_int_equal(jz_reader_take_virtual(&v, &r), 0);
	port = (struct port){c->card.transmit, r};
	assert_int_equal(bank_personalise(&c->bank, &port, &p), JZ_SW_OK);
	assert_int_equal(
	    bank_load(&c->bank, &port, CONFORM_PIN, 900001), JZ_SW_OK);
	jz_reader_free(&r);
	n = read_file(path, file, FILE_MAX);
	unlink(path);
	unlink(key);
	rmdir(dir);
	assert_true(n > 1000);
	assert_false(contains(file, n, "CN000000077", 11));
	assert_false(contains(file, n, "6222020000000001234", 19));
	assert_false(contains(file, n, "\x12\x34\x56\0\0\0\0", 7));
	/* In either byte order. */
	assert_false(contains(file, n, cash, sizeof(cash)));
	assert_false(contains(file, n, "\xA1\xBB\x0D\0\0\0\0\0", 8));
	free(file);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		test_random_commands_get_an_answer_and_change_nothing),
	    cmocka_unit_test(test_malformed_commands_have_their_status_words),
	    cmocka_unit_test(test_losses_and_repeats_make_and_lose_no_money),
	    cmocka_unit_test(test_power_off_between_any_two_steps),
	    cmocka_unit_test(test_the_card_file_shows_nothing),
	};

	conform_arguments(argc, argv);
	return cmocka_run_group_tests(tests, conform_setup, conform_teardown);
}
