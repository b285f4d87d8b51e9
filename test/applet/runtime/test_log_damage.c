/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card's storage cut short, changed and rearranged: each kind of damage has
 * its own error, and opening leaves the storage as it is.
 */
#include "../../../applet/runtime/log_format.h"
#include "log_bench.h"

/* Mends the checksum of a header that was changed. */
static void
mend(uint8_t *header)
{
	jz_set_be(header + JZ_LOG_AT_CRC, 4, jz_log_crc(header, JZ_LOG_AT_CRC));
}

/* ---- cut and damaged files ---------------------------------------------- */

/* ALL-3, ALL-4: the file cut to every length. */
static void
every_cut_is_told(void **state)
{
	struct bench *b = *state;
	unsigned at = 0;

	make_card(b);
	for (size_t len = 0; len <= b->len; len++) {
		int e = open_copy(b, len);

		if (len < IMAGE_END) {
			assert_refused(b, e, JZ_ERR_CARD_CUT);
			continue;
		}
		if (at < COMMITS && len == b->end[at + 1])
			at++;
		assert_int_equal(e, 0);
		assert_opened(b, at, len != b->end[at]);
	}
	assert_int_equal(at, COMMITS);
}

static int
expected_of_flip(const struct bench *b, size_t at)
{
	if (at >= JZ_LOG_AT_VERSION && at < JZ_LOG_AT_SUITE)
		return JZ_ERR_CARD_VERSION;
	if (at < JZ_LOG_HEADER_BYTES)
		return JZ_ERR_CARD_HEADER;
	return at < b->end[COMMITS - 1] ? JZ_ERR_CARD_TAMPERED : 0;
}

/* ALL-3, ALL-4: every byte of the file changed, in three ways. */
static void
every_flipped_byte_is_told(void **state)
{
	struct bench *b = *state;
	static const uint8_t change[] = {0x01, 0x80, 0xFF};

	make_card(b);
	for (size_t at = 0; at < b->len; at++)
		for (unsigned k = 0; k < sizeof(change); k++) {
			int expected = expected_of_flip(b, at);
			int e;

			b->content[at] ^= change[k];
			e = open_copy(b, b->len);
			b->content[at] ^= change[k];
			if (expected != 0) {
				assert_refused(b, e, expected);
				continue;
			}
			/* The last record: as if it had been torn. */
			assert_int_equal(e, 0);
			assert_opened(b, COMMITS - 1, true);
		}
}

/* Writes whole records in another order: pick[i] counts from 1. */
static void
rearrange(struct bench *b, const unsigned *pick, unsigned n)
{
	uint8_t *copy = malloc(b->len);
	size_t at = IMAGE_END;

	assert_non_null(copy);
	memcpy(copy, b->content, b->len);
	for (unsigned i = 0; i < n; i++) {
		size_t from = b->end[pick[i] - 1];
		size_t len = b->end[pick[i]] - from;

		memcpy(b->content + at, copy + from, len);
		at += len;
	}
	b->len = at;
	free(copy);
}

/* ALL-4: genuine records, but not where they were written. */
static void
misplaced_records_are_tampering(void **state)
{
	static const struct {
		unsigned pick[COMMITS + 1], n;
	} cases[] = {
	    {{2, 3, 4}, 3},	  /* the first left out */
	    {{1, 3, 4}, 3},	  /* one in the middle left out */
	    {{1, 2, 4}, 3},	  /* the last but one left out */
	    {{2, 1, 3, 4}, 4},	  /* exchanged */
	    {{1, 2, 4, 3}, 4},	  /* exchanged at the end */
	    {{1, 2, 3, 4, 4}, 5}, /* the last twice */
	    {{1, 2, 3, 4, 1}, 5}, /* the first once more */
	};
	struct bench *b = *state;

	make_card(b);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct jz_span whole = {NULL, 0};
		uint8_t *keep = malloc(b->len);
		size_t len = b->len;

		assert_non_null(keep);
		memcpy(keep, b->content, len);
		whole = jz_span(keep, len);
		rearrange(b, cases[i].pick, cases[i].n);
		assert_refused(b, open_copy(b, b->len), JZ_ERR_CARD_TAMPERED);
		memcpy(b->content, whole.data, len);
		b->len = len;
		free(keep);
	}
}

/*
 * ALL-4: a card is copied and both copies are used; the second record of one
 * behind the first of the other has the right sequence and no right to it.
 */
static void
histories_cannot_be_spliced(void **state)
{
	struct bench *b = *state;
	uint8_t first[256];
	struct jz_span s;
	size_t len;

	make_card(b);
	assert_int_equal(open_copy(b, b->len), 0);
	assert_int_equal(commit(b, 0, 16, 1), 0);
	s = jz_fault_content(b->chip);
	len = s.len - b->len;
	assert_true(len <= sizeof(first));
	memcpy(first, s.data + b->len, len);

	assert_int_equal(open_copy(b, b->len), 0);
	assert_int_equal(commit(b, 0, 16, 2), 0);
	assert_int_equal(commit(b, 0, 16, 3), 0);
	s = jz_fault_content(b->chip);
	assert_int_equal(s.len, b->len + 2 * len);
	memcpy(b->content, s.data, s.len);
	assert_int_equal(open_copy(b, s.len), 0);
	assert_int_equal(b->image[0], 3);
	memcpy(b->content + b->len, first, len);
	assert_refused(b, open_copy(b, b->len + 2 * len), JZ_ERR_CARD_TAMPERED);
	assert_int_equal(open_copy(b, b->len + len), 0);
	assert_int_equal(b->image[0], 1);
}

/* ALL-4: bytes put between records, or taken out, hide nothing behind. */
static void
shifted_records_are_tampering(void **state)
{
	struct bench *b = *state;
	size_t at, tail;

	make_card(b);
	at = b->end[1];
	tail = b->len - at;
	memmove(b->content + at + 5, b->content + at, tail);
	memset(b->content + at, 0, 5);
	assert_refused(b, open_copy(b, b->len + 5), JZ_ERR_CARD_TAMPERED);
	memmove(b->content + at, b->content + at + 5, tail);
	assert_int_equal(open_copy(b, b->len), 0);
	memmove(b->content + at, b->content + at + 3, tail - 3);
	assert_refused(b, open_copy(b, b->len - 3), JZ_ERR_CARD_TAMPERED);
}

/*
 * ALL-4: rubbish after the last record is a torn record, as long as one record
 * can have left it; more is tampering.
 */
static void
rubbish_at_the_end(void **state)
{
	static const size_t lens[] = {1, 4, 67, 68, 69, 500, JZ_LOG_RECORD_MAX};
	struct bench *b = *state;
	size_t room;

	make_card(b);
	memset(b->content + b->len, 0xA5, CONTENT_MAX - b->len);
	/* Something that looks like a record's head, too. */
	memcpy(b->content + b->len, b->content + IMAGE_END, 48);
	for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		assert_int_equal(open_copy(b, b->len + lens[i]), 0);
		assert_opened(b, COMMITS, true);
	}
	room = IMAGE_END + JZ_LOG_FOLD_BYTES;
	assert_refused(b, open_copy(b, b->len + JZ_LOG_RECORD_MAX + 1),
	    JZ_ERR_CARD_TAMPERED);
	assert_refused(b, open_copy(b, room), JZ_ERR_CARD_TAMPERED);
	assert_refused(b, open_copy(b, room + 1), JZ_ERR_CARD_TAMPERED);
}

/* A record of the same card's file before it was last folded is no record. */
static void
old_records_do_not_count(void **state)
{
	struct bench *b = *state;
	uint8_t old[1024];
	size_t len;

	make_card(b);
	len = b->len - b->end[1];
	assert_true(len <= sizeof(old));
	memcpy(old, b->content + b->end[1], len);
	assert_int_equal(jz_log_format(&b->log, &b->env, b->used), 0);
	assert_int_equal(commit(b, 0, 4, 9), 0);
	remember(b, 0);
	memcpy(b->content + b->len, old, len);
	assert_int_equal(open_copy(b, b->len + len), 0);
	assert_opened(b, 0, true);
}

static void
what_is_no_card_is_told(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		int expected;
	} cases[] = {
	    {"", 0, JZ_ERR_CARD_CUT},
	    {"JZCARD", 6, JZ_ERR_CARD_CUT},
	    {"JZCARD\n", 7, JZ_ERR_CARD_HEADER}, /* mangled line ends */
	    {"hello", 5, JZ_ERR_CARD_HEADER},
	    {"\0", 1, JZ_ERR_CARD_HEADER},
	};
	struct bench *b = *state;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memcpy(b->content, cases[i].text, cases[i].len);
		assert_refused(
		    b, open_copy(b, cases[i].len), cases[i].expected);
	}
}

/* Each bit of the key counts. */
static void
a_wrong_key_is_told(void **state)
{
	struct bench *b = *state;

	make_card(b);
	for (unsigned i = 0; i < 32; i++) {
		b->key[i] ^= (uint8_t)(1u << (i % 8));
		assert_refused(b, open_copy(b, b->len), JZ_ERR_CARD_KEY);
		b->key[i] ^= (uint8_t)(1u << (i % 8));
	}
	assert_int_equal(open_copy(b, b->len), 0);
}

/* ALL-4: a header changed by somebody who mends its checksum. */
static void
an_altered_header_is_told(void **state)
{
	static const struct {
		unsigned at, value;
		int expected;
	} cases[] = {
	    {JZ_LOG_AT_VERSION + 1, 2, JZ_ERR_CARD_VERSION},
	    {JZ_LOG_AT_VERSION, 1, JZ_ERR_CARD_VERSION},
	    {JZ_LOG_AT_SUITE, JZ_SUITE_GM, JZ_ERR_CARD_VERSION},
	    {JZ_LOG_AT_ORDER, 0, JZ_ERR_CARD_VERSION},
	    {JZ_LOG_AT_LENGTH, 0xFF, JZ_ERR_CARD_CUT},
	    {JZ_LOG_AT_LENGTH + 3, USED - 1, JZ_ERR_CARD_TAMPERED},
	    {JZ_LOG_AT_SEQUENCE + 7, 1, JZ_ERR_CARD_TAMPERED},
	    {JZ_LOG_AT_HINT, 'H', JZ_ERR_CARD_TAMPERED},
	    {JZ_LOG_AT_SALT, 0, JZ_ERR_CARD_KEY},
	    {JZ_LOG_AT_CHECK, 0, JZ_ERR_CARD_KEY},
	    {JZ_LOG_AT_CHECK + 8, 1, JZ_ERR_CARD_TAMPERED},
	};
	struct bench *b = *state;

	make_card(b);
	/* So that 0 is a change in the random fields as well. */
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t keep[JZ_LOG_HEADER_BYTES];

		memcpy(keep, b->content, sizeof(keep));
		if (b->content[cases[i].at] == cases[i].value)
			b->content[cases[i].at] ^= 0xFF;
		else
			b->content[cases[i].at] = (uint8_t)cases[i].value;
		mend(b->content);
		assert_refused(b, open_copy(b, b->len), cases[i].expected);
		memcpy(b->content, keep, sizeof(keep));
	}
}

static void
a_larger_card_does_not_fit(void **state)
{
	struct bench *b = *state;

	make_card(b);
	b->env.image_bytes = USED + JZ_LOG_SLACK_BYTES;
	assert_int_equal(open_copy(b, b->len), 0);
	b->env.image_bytes--;
	memset(b->image + USED + JZ_LOG_SLACK_BYTES - 1, 0, 1);
	assert_int_equal(
	    jz_log_open(&b->log, &b->env, &b->used), JZ_ERR_CARD_FULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(every_cut_is_told),
	    T(every_flipped_byte_is_told),
	    T(misplaced_records_are_tampering),
	    T(histories_cannot_be_spliced),
	    T(shifted_records_are_tampering),
	    T(rubbish_at_the_end),
	    T(old_records_do_not_count),
	    T(what_is_no_card_is_told),
	    T(a_wrong_key_is_told),
	    T(an_altered_header_is_told),
	    T(a_larger_card_does_not_fit),
	};

	return cmocka_run_group_tests_name("log damage", tests, NULL, NULL);
}
