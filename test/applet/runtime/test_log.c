/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card's storage (applet/runtime/log.c, replay.c): what is written is read,
 * in the format that log.c describes, and no key meets a nonce twice.
 */
#include "log_bench.h"

/* ---- what is written is read -------------------------------------------- */

static void
a_formatted_card_opens(void **state)
{
	struct bench *b = *state;

	assert_int_equal(jz_log_format(&b->log, &b->env, b->used), 0);
	remember(b, 0);
	assert_int_equal(reopen(b), 0);
	assert_opened(b, 0, false);
	assert_int_equal(b->used, USED);
	assert_memory_equal(b->hint, "hint of thirty-two bytes, clear.", 32);
}

static void
commits_are_replayed(void **state)
{
	struct bench *b = *state;

	make_card(b);
	for (unsigned i = 0; i <= COMMITS; i++) {
		assert_int_equal(open_copy(b, b->end[i]), 0);
		assert_opened(b, i, false);
		assert_int_equal(b->log.sequence, i + 1);
	}
}

/* The image grows by an installation and shrinks by a deletion. */
static void
bytes_in_use_are_replayed(void **state)
{
	struct bench *b = *state;

	make_card(b);
	b->used = 300;
	assert_int_equal(commit(b, 280, 20, 0x77), 0);
	remember(b, 0);
	assert_int_equal(reopen(b), 0);
	assert_int_equal(b->used, 300);
	assert_opened(b, 0, false);

	memset(b->image + 120, 0, 300 - 120);
	b->used = 120;
	assert_int_equal(commit(b, 0, 1, 0x55), 0);
	b->used = 320;
	assert_int_equal(commit(b, 319, 1, 0x66), 0);
	remember(b, 0);
	assert_int_equal(reopen(b), 0);
	assert_int_equal(b->used, 320);
	assert_opened(b, 0, false);
}

/* A record as large as one may be, and one after it, through the window. */
static void
the_largest_commit_is_replayed(void **state)
{
	struct bench *b = *state;
	struct jz_patch patch[JZ_JOURNAL_PATCHES];
	const uint32_t each = JZ_LOG_COMMIT_BYTES / JZ_JOURNAL_PATCHES;

	make_card(b);
	for (unsigned i = 0; i < JZ_JOURNAL_PATCHES; i++)
		patch[i] = (struct jz_patch){i, each};
	patch[0].len += JZ_LOG_COMMIT_BYTES % JZ_JOURNAL_PATCHES;
	memset(b->image, 0x5A, each + JZ_JOURNAL_PATCHES - 1);
	assert_int_equal(
	    jz_log_commit(&b->log, &b->env, b->used, patch, JZ_JOURNAL_PATCHES),
	    0);
	assert_int_equal(commit(b, 3, 3, 0x33), 0);
	remember(b, 0);
	assert_int_equal(reopen(b), 0);
	assert_opened(b, 0, false);
}

/* The comment at the head of log.c, taken at its word. */
static void
the_format_is_as_described(void **state)
{
	struct bench *b = *state;
	const struct jz_crypto *c = b->engine.crypto;
	static const uint8_t counter[4] = {0, 0, 0, 1};
	uint8_t nonce[12] = {0}, key[32], plain[IMAGE_CAP];
	const uint8_t *p, *r;
	size_t m;

	make_card(b);
	p = b->content;
	r = p + IMAGE_END;
	assert_memory_equal(p, "JZCARD\r\n\0\1", 10);
	assert_int_equal(p[10], test_suite());
	assert_int_equal(jz_get_be(p + 12, 4), USED);
	assert_int_equal(jz_get_be(p + 16, 8), 0);
	assert_memory_equal(p + 24, "hint of thirty-two bytes, clear.", 32);
	assert_zero(p + 80, 12);
	struct jz_span image[] = {jz_span(b->key, 32), jz_span(counter, 4),
	    jz_span("jiaozi card image ", 18), jz_span(p + 56, 16)};
	assert_int_equal(c->hash(b->engine.state, image, 4, key), 0);
	assert_int_equal(c->open(b->engine.state, key, nonce, jz_span(p, 96),
			     p + 96, USED + 16, plain),
	    0);
	assert_memory_equal(plain, b->state[0], USED);

	m = (size_t)jz_get_be(r + 6, 2);
	assert_memory_equal(r, "JZR\n\0\0", 6);
	assert_int_equal(m, 4 + 8 + 30);
	assert_int_equal(jz_get_be(r + 8, 8), 1);
	assert_memory_equal(r + 32, r - 16, 16);
	struct jz_span record[] = {jz_span(b->key, 32), jz_span(counter, 4),
	    jz_span("jiaozi card record", 18), jz_span(p + 56, 16),
	    jz_span(r + 16, 16)};
	assert_int_equal(c->hash(b->engine.state, record, 5, key), 0);
	memcpy(nonce + 4, r + 8, 8);
	assert_int_equal(c->open(b->engine.state, key, nonce, jz_span(r, 48),
			     r + 48, m + 16, plain),
	    0);
	assert_int_equal(jz_get_be(plain, 4), USED);
	assert_int_equal(jz_get_be(plain + 4, 4), 10);
	assert_int_equal(jz_get_be(plain + 8, 4), 30);
	assert_memory_equal(plain + 12, b->state[1] + 10, 30);
}

/* The check value that the CRC's catalogues give for CRC-32/ISO-HDLC. */
static void
the_checksum_is_crc_32(void **state)
{
	(void)state;
	assert_int_equal(
	    jz_log_crc((const uint8_t *)"123456789", 9), 0xCBF43926u);
}

static void
the_hint_is_read_without_a_key(void **state)
{
	struct bench *b = *state;
	uint8_t hint[JZ_LOG_HINT_BYTES];

	make_card(b);
	memset(hint, 0xEE, sizeof(hint));
	assert_int_equal(jz_log_read_hint(&jz_fault_chip, b->chip, hint), 0);
	assert_memory_equal(hint, "hint of thirty-two bytes, clear.", 32);
	b->content[30] ^= 1;
	jz_fault_set(b->chip, jz_span(b->content, b->len));
	assert_int_equal(jz_log_read_hint(&jz_fault_chip, b->chip, hint),
	    JZ_ERR_CARD_HEADER);
	assert_zero(hint, sizeof(hint));
}

/* ALL-5: nothing of the image stands in clear in the storage. */
static void
the_storage_shows_nothing(void **state)
{
	struct bench *b = *state;
	static const char secret[] = "the PIN is 4711 ";
	struct jz_patch patch = {64, 16};

	memcpy(b->image + 32, secret, 16);
	assert_int_equal(jz_log_format(&b->log, &b->env, b->used), 0);
	memcpy(b->image + 64, secret, 16);
	assert_int_equal(
	    jz_log_commit(&b->log, &b->env, b->used, &patch, 1), 0);
	remember(b, 0);
	assert_memory_equal(b->image + 32, secret, 16);
	for (size_t i = 0; i + 4 <= b->len; i++)
		assert_memory_not_equal(b->content + i, secret, 4);
}

/* ---- salts -------------------------------------------------------------- */

/* Two openings of one file write under different salts and keys. */
static void
each_opening_has_its_own_key(void **state)
{
	struct bench *b = *state;
	uint8_t key[JZ_KEY_BYTES], record[128];
	const uint8_t *r;
	size_t len;

	make_card(b);
	assert_int_equal(open_copy(b, b->len), 0);
	assert_zero(b->log.record_key, JZ_KEY_BYTES);
	assert_int_equal(commit(b, 0, 16, 1), 0);
	memcpy(key, b->log.record_key, sizeof(key));
	r = jz_fault_content(b->chip).data + b->len;
	len = jz_fault_content(b->chip).len - b->len;
	assert_true(len <= sizeof(record));
	memcpy(record, r, len);

	/* The same file, the same commit. */
	assert_int_equal(open_copy(b, b->len), 0);
	assert_int_equal(commit(b, 0, 16, 1), 0);
	r = jz_fault_content(b->chip).data + b->len;
	assert_memory_equal(r, record, 16); /* magic to sequence */
	assert_memory_not_equal(r + 16, record + 16, JZ_LOG_SALT_BYTES);
	assert_memory_not_equal(key, b->log.record_key, sizeof(key));
	assert_memory_not_equal(r + 48, record + 48, len - 48);
	/* And neither is that of the commits before. */
	assert_memory_not_equal(
	    r + 16, b->content + IMAGE_END + 16, JZ_LOG_SALT_BYTES);
}

/* Within one opening the salt stays, and the sequence makes the nonce. */
static void
one_opening_has_one_key(void **state)
{
	struct bench *b = *state;

	make_card(b);
	for (unsigned i = 1; i < COMMITS; i++) {
		const uint8_t *r = b->content + b->end[i];

		assert_memory_equal(r + 16, b->content + IMAGE_END + 16, 16);
		assert_int_equal(jz_get_be(r + 8, 8), i + 1);
	}
}

/* Every writing of the image has its own salt, so its nonce may be fixed. */
static void
each_image_has_its_own_key(void **state)
{
	struct bench *b = *state;
	uint8_t first[IMAGE_END];

	assert_int_equal(jz_log_format(&b->log, &b->env, b->used), 0);
	memcpy(first, jz_fault_content(b->chip).data, IMAGE_END);
	assert_int_equal(jz_log_format(&b->log, &b->env, b->used), 0);
	remember(b, 0);
	assert_memory_not_equal(
	    b->content + JZ_LOG_AT_SALT, first + JZ_LOG_AT_SALT, 16);
	assert_memory_not_equal(b->content + 96, first + 96, USED);
}

/* ---- folding ------------------------------------------------------------ */

static void
the_log_folds_when_it_is_full(void **state)
{
	struct bench *b = *state;
	uint64_t most = 0, len = 0;
	unsigned n = 0;
	uint8_t salt[16];

	make_card(b);
	while (jz_fault_counters(b->chip).replaces < 2) {
		most = len;
		memcpy(salt, b->log.salt, sizeof(salt));
		assert_int_equal(commit(b, 0, USED, (uint8_t)n), 0);
		len = jz_fault_content(b->chip).len;
		assert_true(len <= IMAGE_END + JZ_LOG_FOLD_BYTES);
		n++;
	}
	assert_int_equal(len, IMAGE_END);
	assert_true(most > IMAGE_END + JZ_LOG_FOLD_BYTES - 2 * USED);
	assert_int_equal(b->log.sequence, COMMITS + n + 1);
	remember(b, 0);
	assert_int_equal(reopen(b), 0);
	assert_opened(b, 0, false);
	assert_int_equal(b->log.sequence, COMMITS + n + 1);
	/* The records after it have another salt. */
	assert_int_equal(commit(b, 1, 1, 1), 0);
	assert_memory_not_equal(salt, b->log.salt, sizeof(salt));
	remember(b, 1);
	assert_int_equal(reopen(b), 0);
	assert_opened(b, 1, false);
}

/* The same without a reopening between fold and commit. */
static void
commits_go_on_after_a_fold(void **state)
{
	struct bench *b = *state;

	make_card(b);
	b->log.torn = true; /* makes the next commit a fold */
	assert_int_equal(commit(b, 20, 20, 0x20), 0);
	assert_int_equal(jz_fault_counters(b->chip).replaces, 2);
	assert_int_equal(commit(b, 30, 20, 0x30), 0);
	assert_int_equal(commit(b, 40, 20, 0x40), 0);
	assert_int_equal(jz_fault_counters(b->chip).replaces, 2);
	remember(b, 0);
	assert_int_equal(reopen(b), 0);
	assert_opened(b, 0, false);
}

/* ALL-3: after a torn record nothing is appended to it. */
static void
a_torn_record_is_folded_away(void **state)
{
	struct bench *b = *state;

	make_card(b);
	for (size_t len = b->end[COMMITS - 1] + 1; len < b->len; len++) {
		struct jz_fault_count before = jz_fault_counters(b->chip);
		struct jz_fault_count after;

		assert_int_equal(open_copy(b, len), 0);
		assert_opened(b, COMMITS - 1, true);
		assert_int_equal(commit(b, 50, 3, 0xCC), 0);
		assert_false(b->log.torn);
		after = jz_fault_counters(b->chip);
		assert_int_equal(after.replaces, before.replaces + 1);
		assert_int_equal(after.appends, before.appends);
		assert_int_equal(reopen(b), 0);
		assert_memory_equal(b->image + 50, "\xCC\xCC\xCC", 3);
		assert_memory_equal(b->image, b->state[COMMITS - 1], 50);
		assert_false(b->log.torn);
		assert_int_equal(b->log.sequence, COMMITS + 1);
	}
}

/* ---- limits ------------------------------------------------------------- */

static void
limits_are_kept(void **state)
{
	struct bench *b = *state;
	struct jz_patch many[JZ_JOURNAL_PATCHES + 1] = {{0, 0}};
	struct jz_patch large[JZ_JOURNAL_PATCHES];
	const struct {
		uint32_t used;
		struct jz_patch patch;
		int expected;
	} cases[] = {
	    {USED, {USED, 1}, JZ_ERR_ARGUMENT},
	    {USED, {USED + 1, 0}, JZ_ERR_ARGUMENT},
	    {USED, {0, USED + 1}, JZ_ERR_ARGUMENT},
	    {USED, {1, UINT32_MAX}, JZ_ERR_ARGUMENT},
	    {USED, {UINT32_MAX, 2}, JZ_ERR_ARGUMENT},
	    {IMAGE_CAP - 15, {0, 1}, JZ_ERR_CARD_FULL},
	    {UINT32_MAX, {0, 1}, JZ_ERR_CARD_FULL},
	    {IMAGE_CAP - 16, {0, 1}, 0},
	    {USED, {USED, 0}, 0},
	};

	for (unsigned i = 0; i < JZ_JOURNAL_PATCHES; i++)
		large[i] = (struct jz_patch){0, USED};
	make_card(b);
	assert_int_equal(jz_log_commit(&b->log, &b->env, b->used, many,
			     JZ_JOURNAL_PATCHES + 1),
	    JZ_ERR_CARD_FULL);
	assert_int_equal(jz_log_commit(&b->log, &b->env, b->used, large, 21),
	    JZ_ERR_CARD_FULL);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = jz_fault_content(b->chip).len;

		assert_int_equal(jz_log_commit(&b->log, &b->env, cases[i].used,
				     &cases[i].patch, 1),
		    cases[i].expected);
		if (cases[i].expected != 0)
			assert_int_equal(jz_fault_content(b->chip).len, len);
	}
	assert_int_equal(
	    jz_log_commit(&b->log, &b->env, b->used, large, 20), 0);
	assert_int_equal(
	    jz_log_format(&b->log, &b->env, IMAGE_CAP - 15), JZ_ERR_CARD_FULL);
}

/* A card without storage commits at once and cannot be opened again. */
static void
a_card_in_memory_stores_nothing(void **state)
{
	struct bench *b = *state;

	b->env.chip = &jz_bare_chip;
	b->env.chip_state = NULL;
	assert_int_equal(jz_log_format(&b->log, &b->env, b->used), 0);
	assert_false(b->log.present);
	assert_int_equal(commit(b, 0, 4, 1), 0);
	assert_refused(b, reopen(b), JZ_ERR_UNSUPPORTED);
	assert_int_equal(jz_fault_counters(b->chip).bytes, 0);
}

/* ALL-6: a card of the one suite is none of the other. */
static void
the_other_suite_opens_nothing(void **state)
{
	struct bench *b = *state;
	struct jz_engine engine;
	uint8_t suite = 0;

	assert_int_equal(jz_openssl_new(test_other_suite(), &engine), 0);
	make_card(b);
	assert_int_equal(
	    jz_log_read_suite(b->env.chip, b->env.chip_state, &suite), 0);
	assert_int_equal(suite, test_suite());
	b->env.engine = &engine;
	assert_refused(b, open_copy(b, b->len), JZ_ERR_CARD_VERSION);
	jz_openssl_free(&engine);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_formatted_card_opens),
	    T(commits_are_replayed),
	    T(bytes_in_use_are_replayed),
	    T(the_largest_commit_is_replayed),
	    T(the_format_is_as_described),
	    T(the_checksum_is_crc_32),
	    T(the_hint_is_read_without_a_key),
	    T(the_storage_shows_nothing),
	    T(each_opening_has_its_own_key),
	    T(one_opening_has_one_key),
	    T(each_image_has_its_own_key),
	    T(the_log_folds_when_it_is_full),
	    T(commits_go_on_after_a_fold),
	    T(a_torn_record_is_folded_away),
	    T(limits_are_kept),
	    T(a_card_in_memory_stores_nothing),
	    T(the_other_suite_opens_nothing),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
