/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card's storage when the engine or a read fails, at whatever call: an
 * error, and never half a card.
 */
#include "log_bench.h"

#define CALLS_MAX 400u

/* The n-th call fails, from 1; 0: none does. */
struct countdown {
	unsigned left;
	unsigned failed;
};
static struct countdown engine_fails, read_fails;
static const struct jz_crypto *whole;
static struct jz_crypto table;
static struct jz_chip chip;

static bool
fails(struct countdown *c)
{
	if (c->left == 0 || --c->left > 0)
		return false;
	c->failed++;
	return true;
}

static int
failing_random(void *state, uint8_t *out, size_t len)
{
	return fails(&engine_fails) ? JZ_ERR_CRYPTO
				    : whole->random(state, out, len);
}

static int
failing_hash(void *state, const struct jz_span *parts, size_t n,
    uint8_t out[static JZ_HASH_BYTES])
{
	return fails(&engine_fails) ? JZ_ERR_CRYPTO
				    : whole->hash(state, parts, n, out);
}

static int
failing_cmac(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const struct jz_span *parts, size_t n, uint8_t out[static JZ_KEY_BYTES])
{
	return fails(&engine_fails) ? JZ_ERR_CRYPTO
				    : whole->cmac(state, key, parts, n, out);
}

static int
failing_seal(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t nonce[static JZ_SEAL_NONCE_BYTES], struct jz_span aad,
    const uint8_t *in, size_t len, uint8_t *out)
{
	return fails(&engine_fails)
	    ? JZ_ERR_CRYPTO
	    : whole->seal(state, key, nonce, aad, in, len, out);
}

static int
failing_open(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t nonce[static JZ_SEAL_NONCE_BYTES], struct jz_span aad,
    const uint8_t *in, size_t len, uint8_t *out)
{
	return fails(&engine_fails)
	    ? JZ_ERR_CRYPTO
	    : whole->open(state, key, nonce, aad, in, len, out);
}

static int
failing_size(void *state, uint64_t *out)
{
	return fails(&read_fails) ? JZ_ERR_CARD_STORAGE
				  : jz_fault_chip.size(state, out);
}

static int
failing_read(void *state, uint64_t offset, void *out, size_t len)
{
	return fails(&read_fails) ? JZ_ERR_CARD_STORAGE
				  : jz_fault_chip.read(state, offset, out, len);
}

static void
make_failing(struct bench *b)
{
	memset(&engine_fails, 0, sizeof(engine_fails));
	memset(&read_fails, 0, sizeof(read_fails));
	whole = b->engine.crypto;
	table = *whole;
	table.random = failing_random;
	table.hash = failing_hash;
	table.cmac = failing_cmac;
	table.seal = failing_seal;
	table.open = failing_open;
	b->engine.crypto = &table;
	chip = jz_fault_chip;
	chip.size = failing_size;
	chip.read = failing_read;
	b->env.chip = &chip;
}

/* What fails while it is opened, at every call, and then again nothing. */
static void
check_opening(struct bench *b, struct countdown *c, int error)
{
	unsigned n = 0;
	int e;

	do {
		c->left = ++n;
		e = open_copy(b, b->len);
		if (c->left != 0)
			break; /* it takes fewer calls */
		assert_refused(b, e, error);
	} while (n < CALLS_MAX);
	assert_true(n > 4 && n < CALLS_MAX);
	assert_int_equal(c->failed, n - 1);
	c->left = 0;
	assert_int_equal(e, 0);
	assert_opened(b, COMMITS, false);
}

static void
an_engine_that_fails_opens_nothing(void **state)
{
	struct bench *b = *state;

	make_card(b);
	make_failing(b);
	check_opening(b, &engine_fails, JZ_ERR_CRYPTO);
}

static void
a_read_that_fails_opens_nothing(void **state)
{
	struct bench *b = *state;

	make_card(b);
	/* More records than one window shows. */
	for (unsigned i = 0; i < 60; i++)
		assert_int_equal(commit(b, 0, 150, (uint8_t)i), 0);
	remember(b, COMMITS);
	make_failing(b);
	check_opening(b, &read_fails, JZ_ERR_CARD_STORAGE);
}

/* Looking for a genuine record behind a bad one reads and derives too. */
static void
a_failure_over_a_torn_record_is_not_taken_for_its_end(void **state)
{
	struct bench *b = *state;
	unsigned n = 0;
	int e;

	make_card(b);
	make_failing(b);
	/* The last record, its magic whole and its content not. */
	b->content[b->len - 1] ^= 1;
	do {
		engine_fails.left = ++n;
		e = open_copy(b, b->len);
		if (engine_fails.left != 0)
			break;
		assert_refused(b, e, JZ_ERR_CRYPTO);
	} while (n < CALLS_MAX);
	assert_true(n < CALLS_MAX);
	assert_int_equal(e, 0);
	assert_opened(b, COMMITS - 1, true);
}

static void
the_hint_is_not_read_by_a_chip_that_fails(void **state)
{
	struct bench *b = *state;
	uint8_t hint[JZ_LOG_HINT_BYTES], zero[JZ_LOG_HINT_BYTES] = {0};

	make_card(b);
	make_failing(b);
	for (unsigned n = 1; n <= 2; n++) {
		read_fails.left = n;
		memset(hint, 0xEE, sizeof(hint));
		assert_int_equal(jz_log_read_hint(&chip, b->chip, hint),
		    JZ_ERR_CARD_STORAGE);
		assert_memory_equal(hint, zero, sizeof(hint));
	}
	assert_int_equal(jz_log_read_hint(&chip, b->chip, hint), 0);
	assert_memory_equal(hint, b->hint, sizeof(hint));
}

/* ---- writing ------------------------------------------------------------ */

/* The stored bytes are those of before. */
static void
check_nothing_written(const struct bench *b)
{
	struct jz_span now = jz_fault_content(b->chip);

	assert_int_equal(now.len, b->len);
	assert_memory_equal(now.data, b->content, b->len);
}

/* A record: nothing is written, and the next commit is as good as any. */
static void
a_commit_whose_engine_fails_writes_nothing(void **state)
{
	struct bench *b = *state;
	unsigned n = 0;
	int e;

	make_card(b);
	make_failing(b);
	do {
		assert_int_equal(open_copy(b, b->len), 0);
		engine_fails.left = ++n;
		e = commit(b, 10, 5, 0x77);
		if (engine_fails.left != 0)
			break;
		assert_int_equal(e, JZ_ERR_CRYPTO);
		check_nothing_written(b);
		assert_int_equal(commit(b, 10, 5, 0x78), 0);
		assert_int_equal(reopen(b), 0);
		assert_int_equal(b->image[10], 0x78);
	} while (n < CALLS_MAX);
	assert_true(n > 2 && n < CALLS_MAX);
	assert_int_equal(e, 0);
}

/* The whole image: it may be spoilt in memory, so the log ends there; what is
 * stored is the state before, or the one after. */
static void
a_rewriting_whose_engine_fails_ends_the_log(void **state)
{
	struct bench *b = *state;
	unsigned n = 0, before = 0;
	int e;

	make_card(b);
	make_failing(b);
	do {
		assert_int_equal(open_copy(b, b->len), 0);
		b->image[10] = 0x77;
		engine_fails.left = ++n;
		e = jz_log_rewrite(&b->log, &b->env, b->used);
		if (engine_fails.left != 0)
			break;
		assert_int_equal(e, JZ_ERR_CRYPTO);
		assert_int_equal(commit(b, 10, 1, 1), JZ_ERR_CARD_DEAD);
		assert_int_equal(jz_log_rewrite(&b->log, &b->env, b->used),
		    JZ_ERR_CARD_DEAD);
		assert_int_equal(reopen(b), 0);
		if (b->image[10] != 0x77) {
			assert_opened(b, COMMITS, false);
			before++;
		}
	} while (n < CALLS_MAX);
	assert_true(before > 2 && n < CALLS_MAX);
	assert_int_equal(e, 0);
	engine_fails.left = 0;
	assert_int_equal(reopen(b), 0);
	assert_int_equal(b->image[10], 0x77);
}

static void
a_rewriting_is_one_commit(void **state)
{
	struct bench *b = *state;
	uint64_t sequence;

	make_card(b);
	sequence = b->log.sequence;
	memset(b->image, 0x31, 100);
	assert_int_equal(jz_log_rewrite(&b->log, &b->env, 100), 0);
	assert_int_equal(b->log.sequence, sequence + 1);
	assert_int_equal(b->log.log_bytes, 0);
	memset(b->image + 100, 0, USED - 100);
	memcpy(b->state[0], b->image, IMAGE_CAP);
	assert_int_equal(reopen(b), 0);
	assert_int_equal(b->used, 100);
	assert_opened(b, 0, false);
	assert_int_equal(b->log.sequence, sequence + 1);
}

static void
a_rewriting_without_slack_is_refused(void **state)
{
	struct bench *b = *state;

	make_card(b);
	b->env.image_bytes = USED + JZ_LOG_SLACK_BYTES - 1;
	assert_int_equal(
	    jz_log_rewrite(&b->log, &b->env, b->used), JZ_ERR_CARD_FULL);
	check_nothing_written(b);
	b->env.image_bytes++;
	assert_int_equal(jz_log_rewrite(&b->log, &b->env, b->used), 0);
}

/* A chip without storage takes all of it, and keeps nothing. */
static void
a_card_without_storage_commits_to_nothing(void **state)
{
	struct bench *b = *state;
	struct jz_patch patch = {0, 4};

	b->env.chip = &jz_bare_chip;
	assert_int_equal(jz_log_format(&b->log, &b->env, b->used), 0);
	assert_false(b->log.present);
	assert_int_equal(
	    jz_log_commit(&b->log, &b->env, b->used, &patch, 1), 0);
	assert_int_equal(jz_log_rewrite(&b->log, &b->env, b->used), 0);
	assert_int_equal(reopen(b), JZ_ERR_UNSUPPORTED);
}

/* A caller that can draw salts itself is asked, and the engine is not. */
static unsigned asked;

static int
draw_salt(void *arg, uint8_t *out, size_t len)
{
	assert_ptr_equal(arg, &asked);
	memset(out, (int)++asked, len);
	return asked == 3 ? JZ_ERR_CRYPTO : 0;
}

static int
no_random(void *state, uint8_t *out, size_t len)
{
	(void)state;
	(void)out;
	(void)len;
	return JZ_ERR_CRYPTO;
}

static void
salts_come_from_the_caller(void **state)
{
	struct bench *b = *state;

	make_failing(b);
	table.random = no_random;
	asked = 0;
	b->env.random = draw_salt;
	b->env.arg = &asked;
	assert_int_equal(jz_log_format(&b->log, &b->env, b->used), 0);
	assert_int_equal(b->log.file_salt[0], 1);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(commit(b, 0, 4, 1), 0);
	assert_int_equal(b->log.salt[0], 2);
	jz_log_new_session(&b->log);
	assert_int_equal(commit(b, 0, 4, 1), JZ_ERR_CRYPTO);
	assert_int_equal(asked, 3);
	assert_int_equal(commit(b, 0, 4, 1), 0);
	assert_int_equal(b->log.salt[0], 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(an_engine_that_fails_opens_nothing),
	    T(a_read_that_fails_opens_nothing),
	    T(a_failure_over_a_torn_record_is_not_taken_for_its_end),
	    T(the_hint_is_not_read_by_a_chip_that_fails),
	    T(a_commit_whose_engine_fails_writes_nothing),
	    T(a_rewriting_whose_engine_fails_ends_the_log),
	    T(a_rewriting_is_one_commit),
	    T(a_rewriting_without_slack_is_refused),
	    T(a_card_without_storage_commits_to_nothing),
	    T(salts_come_from_the_caller),
	};

	return cmocka_run_group_tests_name("log failure", tests, NULL, NULL);
}
