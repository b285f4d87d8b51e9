/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seed files and the card masters made of them (requirement OPR-6): either half
 * alone says nothing, and each thing that can be wrong with two has its error.
 */
#define _DEFAULT_SOURCE

#include "fixture.h"

#include <sys/stat.h>

#include "../../keys/secret.h"
#include "../../keys/store/audit.h"
#include "../../keys/store/keyfile.h"
#include "../../keys/store/pki.h"
#include "../../keys/store/seed.h"

#define NOW	 INT64_C(1769860800) /* 2026-01-31T12:00:00Z */
#define CEREMONY 7
#define SEED_FILE                                                              \
	(22 + 4 + 1 + 1 + 4 + 8 + JZ_PERSON_MAX + JZ_MASTER_BYTES + 16 + 32)

#define PASS_1 JZ_SECRET("Alice's")
#define PASS_2 JZ_SECRET("Bob's")

struct world {
	struct jz_engine engine;
	char dir[FX_PATH_MAX];
	char path[2][FX_PATH_MAX];
	struct jz_seed seed[2];
};

static int
open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	*state = w;
	if (w == NULL || jz_openssl_new(JZ_SUITE_NIST, &w->engine) != 0)
		return -1;
	fx_make_dir(w->dir);
	fx_path(w->path[0], w->dir, "a.seed");
	fx_path(w->path[1], w->dir, "b.seed");
	if (jz_seed_draw(&w->engine, 1, CEREMONY, "Alice", NOW, &w->seed[0]) !=
		0 ||
	    jz_seed_draw(
		&w->engine, 2, CEREMONY, "Bob", NOW + 60, &w->seed[1]) != 0)
		return -1;
	return 0;
}

static int
close_world(void **state)
{
	struct world *w = *state;

	fx_remove_dir(w->dir);
	jz_openssl_free(&w->engine);
	free(w);
	return 0;
}

static void
write_both(const struct world *w)
{
	assert_int_equal(
	    jz_seed_write(&w->engine, w->path[0], PASS_1, &w->seed[0]), 0);
	assert_int_equal(
	    jz_seed_write(&w->engine, w->path[1], PASS_2, &w->seed[1]), 0);
}

static int
combine(struct world *w, struct jz_master *out)
{
	int rc;

	memset(out, 0xEE, sizeof(*out));
	rc = jz_seed_combine(
	    &w->engine, &w->seed[0], &w->seed[1], NOW + 120, out);
	if (rc != 0)
		fx_assert_zero(out, sizeof(*out));
	return rc;
}

/* ---- the files ----------------------------------------------------------- */

static void
test_written_and_read(void **state)
{
	struct world *w = *state;
	struct jz_seed got;
	uint8_t bytes[512];
	struct stat st;

	write_both(w);
	assert_int_equal(jz_seed_read(&w->engine, w->path[0], PASS_1, &got), 0);
	assert_memory_equal(&got, &w->seed[0], sizeof(got));
	assert_int_equal(jz_seed_read(&w->engine, w->path[1], PASS_2, &got), 0);
	assert_memory_equal(&got, &w->seed[1], sizeof(got));
	assert_int_equal(stat(w->path[0], &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* Nothing of it can be read without the passphrase. */
	assert_int_equal(fx_read(w->path[0], bytes, sizeof(bytes)), SEED_FILE);
	for (size_t i = 0; i + 8 <= SEED_FILE; i++)
		assert_memory_not_equal(
		    bytes + i, w->seed[0].secret.hidden.bytes, 8);
	/* A half is not drawn again over the first. */
	assert_int_equal(
	    jz_seed_write(&w->engine, w->path[0], PASS_1, &w->seed[1]),
	    JZ_ERR_EXISTS);
}

static void
test_wrong_passphrase(void **state)
{
	struct world *w = *state;
	struct jz_seed got;

	write_both(w);
	memset(&got, 0xEE, sizeof(got));
	assert_int_equal(jz_seed_read(&w->engine, w->path[0], PASS_2, &got),
	    JZ_ERR_PASSPHRASE);
	fx_assert_zero(&got, sizeof(got));
	assert_int_equal(unlink(w->path[0]), 0);
	assert_int_equal(jz_seed_read(&w->engine, w->path[0], PASS_1, &got),
	    JZ_ERR_NOT_FOUND);
}

static void
test_damaged(void **state)
{
	struct world *w = *state;
	uint8_t bytes[512];
	struct jz_seed got;
	size_t len;

	write_both(w);
	len = fx_read(w->path[0], bytes, sizeof(bytes));
	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= 0x10;
		fx_write(w->path[0], bytes, len);
		assert_int_equal(
		    jz_seed_read(&w->engine, w->path[0], PASS_1, &got),
		    JZ_ERR_KEYFILE);
		fx_assert_zero(&got, sizeof(got));
		bytes[i] ^= 0x10;
	}
}

/* A sound key file that holds something else, or a seed that cannot be. */
static void
test_no_seed(void **state)
{
	static const uint8_t OTHER[200] = {'J', 'Z', 'S', 'D', 1};
	struct world *w = *state;
	struct jz_seed got, bad;
	struct stat st;

	for (size_t len = 1; len <= sizeof(OTHER); len += 67) {
		assert_int_equal(jz_keyfile_write(&w->engine, w->path[0],
				     PASS_1, jz_span(OTHER, len)),
		    0);
		assert_int_equal(
		    jz_seed_read(&w->engine, w->path[0], PASS_1, &got),
		    JZ_ERR_KEYFILE);
	}
	for (int i = 0; i < 3; i++) {
		bad = w->seed[0];
		if (i == 0)
			bad.part = 3;
		if (i == 1)
			bad.ceremony = 0;
		if (i == 2)
			memset(bad.by, 0, sizeof(bad.by));
		if (stat(w->path[0], &st) == 0)
			assert_int_equal(unlink(w->path[0]), 0);
		assert_int_equal(
		    jz_seed_write(&w->engine, w->path[0], PASS_1, &bad), 0);
		assert_int_equal(
		    jz_seed_read(&w->engine, w->path[0], PASS_1, &got),
		    JZ_ERR_KEYFILE);
	}
}

static void
test_bad_orders(void **state)
{
	static const char LONG[] = "123456789012345678901234567890123";
	struct world *w = *state;
	const struct jz_engine *e = &w->engine;
	struct jz_seed s;

	assert_int_equal(jz_seed_draw(e, 0, 1, "Alice", NOW, &s), JZ_ERR_RANGE);
	assert_int_equal(jz_seed_draw(e, 3, 1, "Alice", NOW, &s), JZ_ERR_RANGE);
	assert_int_equal(jz_seed_draw(e, 1, 0, "Alice", NOW, &s), JZ_ERR_RANGE);
	assert_int_equal(jz_seed_draw(e, 1, 1, "", NOW, &s), JZ_ERR_RANGE);
	assert_int_equal(jz_seed_draw(e, 1, 1, LONG, NOW, &s), JZ_ERR_RANGE);
	assert_int_equal(
	    jz_seed_draw(e, 1, 1, "Alice ", NOW, &s), JZ_ERR_ARGUMENT);
	assert_int_equal(
	    jz_seed_draw(e, 1, 1, " Alice", NOW, &s), JZ_ERR_ARGUMENT);
	assert_int_equal(
	    jz_seed_draw(e, 1, 1, "Al\nice", NOW, &s), JZ_ERR_ARGUMENT);
	fx_assert_zero(&s, sizeof(s));
	assert_int_equal(jz_seed_draw(e, 1, 1, "爱丽丝", NOW, &s), 0);
}

/* ---- both together ------------------------------------------------------- */

static void
test_both_make_a_key(void **state)
{
	struct world *w = *state;
	struct jz_master m, again;

	assert_int_equal(combine(w, &m), 0);
	assert_int_equal(m.origin, JZ_MASTER_SEEDS);
	assert_int_equal(m.ceremony, CEREMONY);
	assert_string_equal(m.by[0], "Alice");
	assert_string_equal(m.by[1], "Bob");
	assert_int_equal(m.made, NOW + 120);
	assert_memory_not_equal(m.key.hidden.bytes,
	    w->seed[0].secret.hidden.bytes, JZ_MASTER_BYTES);
	assert_memory_not_equal(m.key.hidden.bytes,
	    w->seed[1].secret.hidden.bytes, JZ_MASTER_BYTES);
	/* In whatever order the files come. */
	assert_int_equal(jz_seed_combine(&w->engine, &w->seed[1], &w->seed[0],
			     NOW + 120, &again),
	    0);
	assert_memory_equal(&m, &again, sizeof(m));
}

/* SHA-256(a xor b || 00000001 || purpose || ceremony || names), written out. */
static void
test_the_derivation(void **state)
{
	static const uint8_t COUNTER[4] = {0, 0, 0, 1};
	static const uint8_t NUMBER[4] = {0, 0, 0, CEREMONY};
	static const char PURPOSE[] = "jiaozi card master of two seeds";
	static const char ALICE[32] = "Alice", BOB[32] = "Bob";
	struct world *w = *state;
	uint8_t both[32], want[JZ_HASH_BYTES];
	const struct jz_span parts[] = {
	    jz_span(both, 32),
	    jz_span(COUNTER, 4),
	    jz_span(PURPOSE, sizeof(PURPOSE) - 1),
	    jz_span(NUMBER, 4),
	    jz_span(ALICE, 32),
	    jz_span(BOB, 32),
	};
	struct jz_master m;

	for (size_t i = 0; i < sizeof(both); i++)
		both[i] = w->seed[0].secret.hidden.bytes[i] ^
		    w->seed[1].secret.hidden.bytes[i];
	assert_int_equal(
	    w->engine.crypto->hash(w->engine.state, parts, 6, want), 0);
	assert_int_equal(combine(w, &m), 0);
	assert_memory_equal(m.key.hidden.bytes, want, JZ_MASTER_BYTES);
}

/*
 * A half rules nothing out: whatever the first half is, for each key that is
 * possible there is a second half that makes it.  So whoever has the first file
 * has learnt nothing; and the same the other way round.
 */
static void
test_with_one_half_any_key_is_possible(void **state)
{
	struct world *w = *state;
	const struct jz_engine *e = &w->engine;
	static const char *const WHO[] = {"Alice", "Bob"};
	struct jz_master target, got;

	for (size_t given = 0; given < 2; given++) {
		for (size_t n = 0; n < 200; n++) {
			struct jz_seed *held = &w->seed[given];
			struct jz_seed *other = &w->seed[1 - given];
			uint8_t sum[JZ_MASTER_BYTES];

			/* A key that two other halves make ... */
			assert_int_equal(jz_seed_draw(e, (unsigned)given + 1,
					     CEREMONY, WHO[given], NOW, held),
			    0);
			assert_int_equal(
			    jz_seed_draw(e, 2 - (unsigned)given, CEREMONY,
				WHO[1 - given], NOW, other),
			    0);
			assert_int_equal(combine(w, &target), 0);
			for (size_t i = 0; i < sizeof(sum); i++)
				sum[i] = held->secret.hidden.bytes[i] ^
				    other->secret.hidden.bytes[i];
			/* ... is one that the half in hand can make, too. */
			assert_int_equal(jz_seed_draw(e, (unsigned)given + 1,
					     CEREMONY, WHO[given], NOW, held),
			    0);
			for (size_t i = 0; i < sizeof(sum); i++)
				other->secret.hidden.bytes[i] =
				    sum[i] ^ held->secret.hidden.bytes[i];
			assert_int_equal(combine(w, &got), 0);
			assert_true(jz_secret_equal(&got.key, &target.key));
		}
	}
}

/* Every bit of each half counts. */
static void
test_any_change_is_another_key(void **state)
{
	struct world *w = *state;
	struct jz_master m, other;

	assert_int_equal(combine(w, &m), 0);
	for (size_t i = 0; i < 2 * 8 * JZ_MASTER_BYTES; i++) {
		struct jz_seed *s = &w->seed[i & 1];

		s->secret.hidden.bytes[i / 16] ^= (uint8_t)(1 << (i / 2 % 8));
		assert_int_equal(combine(w, &other), 0);
		assert_false(jz_secret_equal(&m.key, &other.key));
		s->secret.hidden.bytes[i / 16] ^= (uint8_t)(1 << (i / 2 % 8));
	}
	memcpy(w->seed[1].by, "Ben", 3);
	assert_int_equal(combine(w, &other), 0);
	assert_false(jz_secret_equal(&m.key, &other.key));
	memcpy(w->seed[1].by, "Bob", 3);
	w->seed[0].ceremony = w->seed[1].ceremony = CEREMONY + 1;
	assert_int_equal(combine(w, &other), 0);
	assert_false(jz_secret_equal(&m.key, &other.key));
}

static void
test_the_same_half_twice(void **state)
{
	struct world *w = *state;
	struct jz_master m;
	struct jz_seed kept = w->seed[1];

	w->seed[1] = w->seed[0];
	assert_int_equal(combine(w, &m), JZ_ERR_SEED_HALF);
	/* Two first halves. */
	w->seed[1] = kept;
	w->seed[1].part = 1;
	assert_int_equal(combine(w, &m), JZ_ERR_SEED_HALF);
	/* One half under two numbers: everybody knows what a xor a is. */
	w->seed[1].part = 2;
	memcpy(w->seed[1].secret.hidden.bytes, w->seed[0].secret.hidden.bytes,
	    JZ_MASTER_BYTES);
	assert_int_equal(combine(w, &m), JZ_ERR_SEED_HALF);
}

static void
test_two_ceremonies(void **state)
{
	struct world *w = *state;
	struct jz_master m;

	w->seed[1].ceremony++;
	assert_int_equal(combine(w, &m), JZ_ERR_SEED_CEREMONY);
}

static void
test_one_person(void **state)
{
	static const char *const NAMES[] = {"Alice", "ALICE", "alice", "aLiCe"};
	struct world *w = *state;
	struct jz_master m;

	for (size_t i = 0; i < 4; i++) {
		memset(w->seed[1].by, 0, sizeof(w->seed[1].by));
		memcpy(w->seed[1].by, NAMES[i], strlen(NAMES[i]));
		assert_int_equal(combine(w, &m), JZ_ERR_SEED_PERSON);
	}
	memcpy(w->seed[1].by, "Alice2", 6);
	assert_int_equal(combine(w, &m), 0);
}

static void
test_check_values(void **state)
{
	struct world *w = *state;
	uint8_t a[JZ_CHECK_VALUE_BYTES], b[JZ_CHECK_VALUE_BYTES];
	uint8_t of_key[JZ_CHECK_VALUE_BYTES];

	assert_int_equal(jz_seed_check_value(&w->engine, &w->seed[0], a), 0);
	assert_int_equal(jz_seed_check_value(&w->engine, &w->seed[1], b), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, w->seed[0].secret.hidden.bytes, sizeof(a));
	/* Of the half alone: the other may be anything. */
	w->seed[1].secret.hidden.bytes[0] ^= 1;
	assert_int_equal(jz_seed_check_value(&w->engine, &w->seed[0], b), 0);
	assert_memory_equal(a, b, sizeof(a));
	/* A secret's check value as a seed is not the one as a key. */
	assert_int_equal(
	    jz_check_value(&w->engine, "admin", &w->seed[0].secret, of_key), 0);
	assert_memory_not_equal(a, of_key, sizeof(a));
}

/* ---- the masters --------------------------------------------------------- */

static void
test_versions_of_the_master(void **state)
{
	struct world *w = *state;
	struct jz_pki made, got;
	char path[FX_PATH_MAX], log[1024] = "";
	struct jz_master m;
	uint8_t version;

	assert_int_equal(
	    jz_pki_create(&w->engine, w->dir, PASS_1, NOW, &made), 0);
	assert_int_equal(combine(w, &m), 0);
	assert_int_equal(
	    jz_pki_add_master(&w->engine, w->dir, PASS_1, NOW, &m, &version),
	    0);
	assert_int_equal(version, 2);
	assert_int_equal(jz_pki_add_master(&w->engine, w->dir, PASS_1, NOW + 5,
			     NULL, &version),
	    0);
	assert_int_equal(version, 3);
	assert_int_equal(
	    jz_pki_add_master(&w->engine, w->dir, PASS_2, NOW, NULL, &version),
	    JZ_ERR_PASSPHRASE);
	assert_int_equal(jz_pki_load(&w->engine, w->dir, PASS_1, &got), 0);
	assert_int_equal(got.masters.n, 3);
	assert_memory_equal(&got.masters.list[0], &made.masters.list[0],
	    sizeof(got.masters.list[0]));
	assert_true(jz_secret_equal(&got.masters.list[1].key, &m.key));
	assert_string_equal(got.masters.list[1].by[0], "Alice");
	assert_int_equal(got.masters.list[2].origin, JZ_MASTER_DRAWN);
	assert_int_equal(jz_masters_find(&got.masters, 3)->version, 3);
	/* Of a version never made, the first: see master.h. */
	assert_int_equal(jz_masters_find(&got.masters, 9)->version, 1);
	/* Who made it is written down. */
	fx_path(path, w->dir, "audit.log");
	fx_read(path, log, sizeof(log) - 1);
	assert_non_null(strstr(log, "2026-01-31T12:00:00Z card master 2, "));
	assert_non_null(strstr(log,
	    "of the seeds of ceremony 7: part 1 by \"Alice\", part 2 by "
	    "\"Bob\"\n"));
	assert_non_null(strstr(log, "card master 3, "));
}

static void
test_no_more_versions(void **state)
{
	struct world *w = *state;
	struct jz_masters m = {0}, got;
	struct jz_master one;

	for (size_t n = 0; n < JZ_MASTERS_MAX; n++) {
		assert_int_equal(jz_master_draw(&w->engine, NOW, &one), 0);
		assert_int_equal(jz_masters_add(&m, &one), 0);
	}
	assert_int_equal(jz_masters_add(&m, &one), JZ_ERR_SPACE);
	assert_int_equal(
	    jz_masters_write(&w->engine, w->path[0], JZ_FILE_NEW, PASS_1, &m),
	    0);
	assert_int_equal(
	    jz_masters_read(&w->engine, w->path[0], PASS_1, &got), 0);
	assert_memory_equal(&got, &m, sizeof(m));
}

/* The file of an earlier release: 32 bytes, of an unknown day. */
static void
test_an_earlier_releases_file(void **state)
{
	static const uint8_t KEY[JZ_MASTER_BYTES] = {1, 2, 3};
	struct world *w = *state;
	struct jz_masters got;

	assert_int_equal(jz_keyfile_write(&w->engine, w->path[0], PASS_1,
			     jz_span(KEY, sizeof(KEY))),
	    0);
	assert_int_equal(
	    jz_masters_read(&w->engine, w->path[0], PASS_1, &got), 0);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.list[0].version, 1);
	assert_int_equal(got.list[0].made, 0);
	assert_memory_equal(got.list[0].key.hidden.bytes, KEY, sizeof(KEY));
}

/* Versions that do not rise, an origin that there is not. */
static void
test_masters_that_cannot_be(void **state)
{
	struct world *w = *state;
	struct jz_masters m = {0}, got;

	for (int i = 0; i < 3; i++) {
		memset(&m, 0, sizeof(m));
		m.n = 2;
		m.list[0].version = 2;
		m.list[1].version = i == 0 ? 2 : i == 1 ? 1 : 3;
		if (i == 2)
			m.list[1].origin = (enum jz_master_origin)2;
		assert_int_equal(jz_masters_write(&w->engine, w->path[0],
				     JZ_FILE_REPLACE, PASS_1, &m),
		    0);
		assert_int_equal(
		    jz_masters_read(&w->engine, w->path[0], PASS_1, &got),
		    JZ_ERR_KEYFILE);
		fx_assert_zero(&got, sizeof(got));
	}
}

/* A name cannot write a line of its own, nor can a long one cut another. */
static void
test_audit(void **state)
{
	struct world *w = *state;
	char path[FX_PATH_MAX], log[256] = "", text[JZ_AUDIT_LINE_MAX + 1];

	fx_path(path, w->dir, "log");
	assert_int_equal(jz_audit(path, NOW, "%s", "one\ntwo\x7F"), 0);
	assert_int_equal(jz_audit(path, 0, "%s", "three"), 0);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	assert_int_equal(jz_audit(path, NOW, "%s", text), JZ_ERR_SPACE);
	fx_read(path, log, sizeof(log) - 1);
	assert_string_equal(log,
	    "2026-01-31T12:00:00Z one?two?\n"
	    "-                    three\n");
	fx_path(path, w->dir, "nowhere/log");
	assert_int_equal(jz_audit(path, NOW, "x"), JZ_ERR_NOT_FOUND);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_written_and_read),
	    TEST(test_wrong_passphrase),
	    TEST(test_damaged),
	    TEST(test_no_seed),
	    TEST(test_bad_orders),
	    TEST(test_both_make_a_key),
	    TEST(test_the_derivation),
	    TEST(test_with_one_half_any_key_is_possible),
	    TEST(test_any_change_is_another_key),
	    TEST(test_the_same_half_twice),
	    TEST(test_two_ceremonies),
	    TEST(test_one_person),
	    TEST(test_check_values),
	    TEST(test_versions_of_the_master),
	    TEST(test_no_more_versions),
	    TEST(test_an_earlier_releases_file),
	    TEST(test_masters_that_cannot_be),
	    TEST(test_audit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
