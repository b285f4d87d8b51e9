/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of submissions: what comes of it is what would have come of each
 * alone, also where a commit is lost.
 */
#include "../../support/signer.h"
#include "../../support/suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../apdu/error.h"
#include "../../../keys/openssl/openssl.h"

#define CARDS	 8u
#define MIXED	 700u /* several groups */
#define SHORT	 24u
#define JOURNAL	 1024u
#define CURRENCY 156

struct letter {
	uint8_t data[JZ_ESIGN_SUBMISSION_MAX + 1];
	size_t len;
};

/* A third party with a journal, and a transaction around it if asked to. */
struct server {
	struct {
		char reference[JZ_ESIGN_REFERENCE_CAP];
		int said; /* JZ_ERR_TIMEOUT: it was asked, and did nothing */
	} journal[JOURNAL];
	unsigned entries, asked, done;
	uint64_t sum;
};

enum losing { KEEPS, UNDOES, FORGETS_TO_SAY };

struct desk {
	struct jz_esign_db *db;
	struct jz_esign_verifier verifier;
	struct server server, before;
	/* end() of the store or the executor, which one, and how. */
	unsigned ends, lost_at;
	enum losing how;
};

static struct jz_engine engine;
static struct jz_key_pair key;
static struct signer card[CARDS];
static struct letter *letters;
static size_t n_letters;

/* ---- the executor -------------------------------------------------------- */

static int
judge(struct server *s, const struct jz_esign_transfer *t, int before)
{
	if (t->order.amount % 23 == 5)
		return JZ_ERR_REFUSED;
	/* Out of order the first time. */
	if (t->order.amount % 23 == 7 && before == 0)
		return JZ_ERR_TIMEOUT;
	s->done++;
	s->sum += t->order.amount;
	return 0;
}

static int
execute(void *arg, const struct jz_esign_transfer *t)
{
	struct desk *d = arg;
	struct server *s = &d->server;
	unsigned k = 0;

	s->asked++;
	while (k < s->entries &&
	    strcmp(s->journal[k].reference, t->reference) != 0)
		k++;
	assert_in_range(k, 0, JOURNAL - 1);
	if (k < s->entries && s->journal[k].said != JZ_ERR_TIMEOUT)
		return s->journal[k].said;
	s->journal[k].said = judge(s, t, s->journal[k].said);
	if (k == s->entries)
		strcpy(s->journal[s->entries++].reference, t->reference);
	return s->journal[k].said;
}

static int
begin_executor(void *arg)
{
	struct desk *d = arg;

	d->before = d->server;
	return 0;
}

static int
end_executor(void *arg, int rc)
{
	struct desk *d = arg;
	bool lost = ++d->ends == d->lost_at;

	if (rc != 0 || (lost && d->how == UNDOES)) {
		unsigned asked = d->server.asked;

		d->server = d->before;
		d->server.asked = asked;
	}
	return rc != 0 ? rc : lost && d->how != KEEPS ? JZ_ERR_SERVER : 0;
}

/* ---- the store ----------------------------------------------------------- */

static int
begin_store(void *arg)
{
	return jz_esign_sqlite.begin(((struct desk *)arg)->db);
}

static int
end_store(void *arg, int rc)
{
	struct desk *d = arg;
	bool lost = ++d->ends == d->lost_at && rc == 0;

	if (lost && d->how == UNDOES)
		return jz_esign_sqlite.end(d->db, JZ_ERR_DATABASE);
	rc = jz_esign_sqlite.end(d->db, rc);
	return rc != 0 ? rc : lost && d->how != KEEPS ? JZ_ERR_DATABASE : 0;
}

static int
card_of(
    void *arg, const uint8_t id[static JZ_ID_BYTES], struct jz_esign_card *out)
{
	return jz_esign_sqlite.card(((struct desk *)arg)->db, id, out);
}

static int
card_set(void *arg, const struct jz_esign_card *c)
{
	return jz_esign_sqlite.card_set(((struct desk *)arg)->db, c);
}

static int
entry(void *arg, const uint8_t id[static JZ_ID_BYTES], uint32_t counter,
    struct jz_esign_entry *out)
{
	return jz_esign_sqlite.entry(
	    ((struct desk *)arg)->db, id, counter, out);
}

static int
entry_set(void *arg, const struct jz_esign_entry *e)
{
	return jz_esign_sqlite.entry_set(((struct desk *)arg)->db, e);
}

static int
lock(void *arg, const char *account, bool locked)
{
	return jz_esign_sqlite.lock(((struct desk *)arg)->db, account, locked);
}

static const struct jz_esign_store STORE = {
    begin_store, end_store, card_of, card_set, entry, entry_set, lock};

/* With the cards there are. */
static struct desk *
desk_new(void)
{
	struct desk *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	assert_int_equal(jz_esign_db_open(":memory:", &d->db), 0);
	d->verifier = (struct jz_esign_verifier){.engine = engine,
	    .key = &key,
	    .key_version = 1,
	    .limit = JZ_ESIGN_FAILURES_DEFAULT,
	    .store = &STORE,
	    .store_state = d,
	    .executor = {.execute = execute, .arg = d}};
	for (unsigned k = 0; k < CARDS; k++)
		if (card[k].engine.crypto != NULL)
			assert_int_equal(
			    jz_esign_register(&d->verifier, card[k].id,
				card[k].key.public_key, card[k].account),
			    0);
	d->ends = 0;
	return d;
}

static void
desk_free(struct desk *d)
{
	jz_esign_db_free(&d->db);
	free(d);
}

/* ---- what is submitted --------------------------------------------------- */

static uint32_t
draw(uint32_t n)
{
	static uint64_t state = 0x853C49E6748FEA9B;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % n;
}

static struct letter *
sign(const struct jz_esign_verifier *v, struct signer *s, uint64_t amount)
{
	static const enum jz_esign_kind KINDS[] = {JZ_ESIGN_DIRECT,
	    JZ_ESIGN_DIGESTS, JZ_ESIGN_SIGNATURE, JZ_ESIGN_SEALED_DIGEST,
	    JZ_ESIGN_SEPARATE};
	static const uint8_t SCHEMES[] = {JZ_SCHEME_HASH, JZ_SCHEME_MAC,
	    JZ_SCHEME_HASH | JZ_SCHEME_SYMMETRIC};
	struct letter *l = &letters[n_letters++];
	struct jz_buffer b = jz_buffer(l->data, sizeof(l->data));
	const struct signer_order o = {.to = "shop",
	    .amount = amount,
	    .currency = CURRENCY,
	    .kind = KINDS[draw(5)],
	    .scheme = SCHEMES[draw(3)]};

	assert_int_equal(signer_sign(s, v, &o, &b), 0);
	l->len = b.len;
	return l;
}

static struct letter *
again(void)
{
	struct letter *l = &letters[n_letters];

	*l = letters[draw((uint32_t)n_letters)];
	n_letters++;
	return l;
}

/* A joint password of digits, and another one. */
static void
mistype(struct letter *l)
{
	uint8_t *last = &l->data[l->len - 1];

	*last = *last == '9' ? '0' : (uint8_t)(*last + 1);
}

static void
one_more(const struct jz_esign_verifier *v)
{
	struct jz_esign_verifier other = *v;
	struct signer *s = &card[draw(CARDS - 1)];
	struct letter *l;
	const char *account = s->account;

	other.key_version = 2;
	switch (n_letters == 0 ? 20 : draw(20)) {
	case 0:
	case 1:
	case 2:
		(void)again();
		break;
	case 3:
		mistype(again());
		break;
	case 4:
		mistype(sign(v, s, 1 + draw(1000)));
		break;
	case 5: /* a byte of the signature */
		l = again();
		l->data[l->len - SIGNER_PASSWORD - 4] ^= 1;
		break;
	case 6: /* not what was signed */
		again()->data[20] ^= 1;
		break;
	case 7:
		again()->len -= 1 + draw(100);
		break;
	case 8: /* nobody knows this card */
		sign(v, &card[CARDS - 1], 1);
		break;
	case 9:
		s->account = "6222020000000009999";
		sign(v, s, 1);
		s->account = account;
		break;
	case 10:
		sign(&other, s, 1);
		break;
	default:
		sign(v, s, 1 + draw(1000));
	}
}

static void
make_cards(const struct jz_esign_verifier *v)
{
	static char id[CARDS][JZ_ID_BYTES + 1];
	static const char *const ACCOUNTS[CARDS] = {
	    "a", "a", "b", "c", "d", "e", "f", "stranger"};

	for (unsigned k = 0; k < CARDS; k++) {
		sprintf(id[k], "CN0000000030%04u", k);
		assert_int_equal(
		    signer_new(&card[k], v, id[k], ACCOUNTS[k]), 0);
	}
}

static int
setup(void **state)
{
	struct desk *d;

	(void)state;
	assert_int_equal(jz_openssl_new(test_suite(), &engine), 0);
	assert_int_equal(engine.crypto->generate(engine.state, &key), 0);
	letters = calloc(MIXED, sizeof(*letters));
	assert_non_null(letters);
	d = desk_new();
	make_cards(&d->verifier);
	desk_free(d);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (unsigned k = 0; k < CARDS; k++)
		signer_free(&card[k]);
	memset(card, 0, sizeof(card));
	free(letters);
	n_letters = 0;
	jz_openssl_free(&engine);
	return 0;
}

/* ---- a stream ------------------------------------------------------------ */

struct outcome {
	int err;
	enum jz_esign_verdict verdict;
};

struct stream {
	size_t next;
	uint64_t told, stop_at;
	int fail; /* of next(), at the end */
	struct outcome out[MIXED];
};

static int
next_letter(void *arg, struct jz_buffer *out)
{
	struct stream *s = arg;

	if (s->next == n_letters)
		return s->fail != 0 ? s->fail : JZ_ERR_NOT_FOUND;
	jz_put(out, letters[s->next].data, letters[s->next].len);
	s->next++;
	return 0;
}

static int
told(void *arg, uint64_t n, int err, enum jz_esign_verdict verdict)
{
	struct stream *s = arg;

	assert_true(n == s->told);
	s->out[n] = (struct outcome){err, verdict};
	s->told++;
	return s->told == s->stop_at ? JZ_ERR_SYSTEM : 0;
}

static int
run(struct desk *d, struct stream *s, unsigned threads)
{
	const struct jz_esign_feed feed = {next_letter, told, s};

	s->next = 0;
	s->told = 0;
	return jz_esign_many(&d->verifier, &feed, threads);
}

static void
one_by_one(struct desk *d, struct outcome *out)
{
	for (size_t k = 0; k < n_letters; k++)
		out[k].err = jz_esign_submit(&d->verifier,
		    jz_span(letters[k].data, letters[k].len), &out[k].verdict);
}

static void
assert_same_rows(struct desk *a, struct desk *b)
{
	for (unsigned k = 0; k < CARDS - 1; k++) {
		struct jz_esign_card x, y;

		assert_int_equal(
		    jz_esign_sqlite.card(a->db, card[k].id, &x), 0);
		assert_int_equal(
		    jz_esign_sqlite.card(b->db, card[k].id, &y), 0);
		assert_int_equal(x.counter, y.counter);
		assert_int_equal(x.failures, y.failures);
		assert_int_equal(x.locked, y.locked);
		assert_memory_equal(x.failed, y.failed, sizeof(x.failed));
	}
	assert_int_equal(a->server.done, b->server.done);
	assert_int_equal(a->server.sum, b->server.sum);
	assert_int_equal(a->server.entries, b->server.entries);
}

/* No verdict is missing, or this shows nothing. */
static void
assert_all_met(const struct outcome *out)
{
	unsigned met[JZ_ESIGN_VERDICTS] = {0}, errors = 0;

	for (size_t k = 0; k < n_letters; k++) {
		if (out[k].err != 0)
			errors++;
		else
			met[out[k].verdict]++;
	}
	assert_int_not_equal(errors, 0);
	for (unsigned v = 0; v < JZ_ESIGN_VERDICTS; v++)
		if (met[v] == 0)
			fail_msg("%s", jz_esign_verdict_name(v));
}

static void
assert_same(const struct outcome *a, const struct outcome *b)
{
	for (size_t k = 0; k < n_letters; k++) {
		assert_int_equal(a[k].err, b[k].err);
		if (a[k].err == 0)
			assert_int_equal(a[k].verdict, b[k].verdict);
	}
}

/* proves: JPS-13 JPS-14 JPS-15 JPS-20 (many at once) */
static void
test_a_mix_comes_to_the_same(void **state)
{
	static struct stream s;
	struct desk *alone = desk_new(), *many = desk_new();
	struct desk *grouped = desk_new();
	struct outcome *out = calloc(MIXED, sizeof(*out));
	struct signer stranger = card[CARDS - 1];

	(void)state;
	assert_non_null(out);
	memcpy(stranger.id, "CN00000000409999", JZ_ID_BYTES);
	card[CARDS - 1] = stranger;
	while (n_letters < MIXED)
		one_more(&alone->verifier);
	one_by_one(alone, out);
	assert_all_met(out);
	assert_int_equal(run(many, &s, 3), 0);
	assert_true(s.told == n_letters);
	assert_same(out, s.out);
	assert_same_rows(alone, many);
	grouped->verifier.executor.begin = begin_executor;
	grouped->verifier.executor.end = end_executor;
	assert_int_equal(run(grouped, &s, 2), 0);
	assert_true(s.told == n_letters);
	assert_same_rows(alone, grouped);
	/* Again: nothing more is done but what was not. */
	one_by_one(alone, out);
	assert_int_equal(run(many, &s, 1), 0);
	assert_same(out, s.out);
	assert_same_rows(alone, many);
	free(out);
	desk_free(alone);
	desk_free(many);
	desk_free(grouped);
}

/* proves: JPS-15 (the same twice in one group) */
static void
test_twice_in_one_group_is_executed_once(void **state)
{
	static struct stream s;
	struct desk *d = desk_new();

	(void)state;
	sign(&d->verifier, &card[0], 100);
	letters[n_letters++] = letters[0];
	letters[n_letters] = letters[0];
	mistype(&letters[n_letters++]);
	letters[n_letters++] = letters[0];
	assert_int_equal(run(d, &s, 2), 0);
	assert_int_equal(s.out[0].verdict, JZ_ESIGN_EXECUTED);
	assert_int_equal(s.out[1].verdict, JZ_ESIGN_EXECUTED_BEFORE);
	assert_int_equal(s.out[2].verdict, JZ_ESIGN_REPLAY);
	assert_int_equal(s.out[3].verdict, JZ_ESIGN_EXECUTED_BEFORE);
	assert_int_equal(d->server.asked, 1);
	assert_int_equal(d->server.sum, 100);
	desk_free(d);
}

/* proves: JPS-14 (three failures of a group lock the rest of it) */
static void
test_a_group_locks_its_rest(void **state)
{
	static struct stream s;
	struct desk *d = desk_new();

	(void)state;
	sign(&d->verifier, &card[0], 100);
	for (unsigned k = 0; k < 5; k++) {
		letters[n_letters] = letters[n_letters - 1];
		mistype(&letters[n_letters++]);
	}
	letters[n_letters++] = letters[0];
	/* The account's other card. */
	sign(&d->verifier, &card[1], 100);
	letters[0] = letters[1];
	assert_int_equal(run(d, &s, 2), 0);
	for (unsigned k = 0; k < 4; k++)
		assert_int_equal(s.out[k].verdict, JZ_ESIGN_PASSWORD);
	for (unsigned k = 4; k < n_letters; k++)
		assert_int_equal(s.out[k].verdict, JZ_ESIGN_LOCKED);
	assert_int_equal(d->server.asked, 0);
	desk_free(d);
}

/* A commit is lost, whichever it is: undone, or done and not told.  What was
 * not decided is sent again, and all is executed once. */
static void
lose(unsigned at, enum losing how, bool grouped)
{
	static struct stream s;
	struct desk *d = desk_new();
	unsigned errors = 0;

	if (grouped) {
		d->verifier.executor.begin = begin_executor;
		d->verifier.executor.end = end_executor;
	}
	d->lost_at = at;
	d->how = how;
	assert_int_equal(run(d, &s, 2), 0);
	for (size_t k = 0; k < n_letters; k++)
		errors += s.out[k].err != 0;
	assert_int_equal(errors, 0); /* one lost commit is made up for */
	assert_true(d->ends >= at);
	for (size_t k = 0; k < n_letters; k++)
		if (s.out[k].verdict == JZ_ESIGN_EXECUTOR_REFUSED ||
		    s.out[k].verdict == JZ_ESIGN_EXECUTED)
			continue;
		else if (how != FORGETS_TO_SAY ||
		    s.out[k].verdict != JZ_ESIGN_EXECUTED_BEFORE)
			fail_msg("%s", jz_esign_verdict_name(s.out[k].verdict));
	assert_int_equal(d->server.done, SHORT);
	assert_int_equal(d->server.sum, 100 * SHORT);
	d->lost_at = 0;
	assert_int_equal(run(d, &s, 2), 0);
	for (size_t k = 0; k < n_letters; k++)
		assert_int_equal(s.out[k].verdict, JZ_ESIGN_EXECUTED_BEFORE);
	assert_int_equal(d->server.done, SHORT);
	desk_free(d);
}

/* proves: JPS-15 JPS-20 */
static void
test_a_lost_commit_executes_nothing_twice(void **state)
{
	struct desk *d = desk_new();

	(void)state;
	for (unsigned k = 0; k < SHORT; k++)
		sign(&d->verifier, &card[k % (CARDS - 1)], 100);
	desk_free(d);
	for (unsigned at = 1; at <= 2; at++)
		for (int how = UNDOES; how <= FORGETS_TO_SAY; how++)
			lose(at, (enum losing)how, false);
	for (unsigned at = 1; at <= 3; at++)
		for (int how = UNDOES; how <= FORGETS_TO_SAY; how++)
			lose(at, (enum losing)how, true);
}

/* One that is alone in its group has nobody to stand by itself for: nothing was
 * decided, and it says so. */
static void
test_one_alone_says_what_failed(void **state)
{
	static struct stream s;

	(void)state;
	for (unsigned at = 1; at <= 2; at++) {
		struct desk *d = desk_new();

		n_letters = 0;
		sign(&d->verifier, &card[at], 100);
		d->lost_at = at;
		d->how = UNDOES;
		assert_int_equal(run(d, &s, 1), 0);
		assert_int_equal(s.out[0].err, JZ_ERR_DATABASE);
		assert_int_equal(d->server.done, at - 1);
		assert_int_equal(run(d, &s, 1), 0);
		assert_int_equal(s.out[0].err, 0);
		assert_int_equal(s.out[0].verdict, JZ_ESIGN_EXECUTED);
		assert_int_equal(d->server.done, 1);
		desk_free(d);
	}
}

/* Its key was looked up before the card was another's. */
static int
another_card(
    void *arg, const uint8_t id[static JZ_ID_BYTES], struct jz_esign_card *out)
{
	struct desk *d = arg;
	int err = card_of(arg, id, out);

	if (d->ends++ == 0 && err == 0)
		memcpy(out->public_key, card[1].key.public_key, JZ_POINT_BYTES);
	return err;
}

static void
test_what_was_examined_under_another_key_does_not_count(void **state)
{
	static struct stream s;
	struct jz_esign_store store = STORE;
	struct desk *d = desk_new();

	(void)state;
	sign(&d->verifier, &card[0], 100);
	store.card = another_card;
	d->verifier.store = &store;
	assert_int_equal(run(d, &s, 1), 0);
	assert_int_equal(s.out[0].verdict, JZ_ESIGN_EXECUTED);
	/* And the other way round: by a stranger's key it looked good. */
	n_letters = 0;
	memcpy(card[1].id, card[0].id, JZ_ID_BYTES);
	card[1].counter = 5;
	sign(&d->verifier, &card[1], 100);
	d->ends = 0;
	assert_int_equal(run(d, &s, 1), 0);
	assert_int_equal(s.out[0].verdict, JZ_ESIGN_BAD_SIGNATURE);
	assert_int_equal(d->server.done, 1);
	desk_free(d);
}

static void
test_it_stops_where_it_is_told_to(void **state)
{
	static struct stream s;
	struct desk *d = desk_new();

	(void)state;
	while (n_letters < 300)
		sign(&d->verifier, &card[draw(CARDS - 1)], 100);
	/* Longer than any. */
	letters[7].len = sizeof(letters[7].data);
	s.stop_at = 200;
	assert_int_equal(run(d, &s, 2), JZ_ERR_SYSTEM);
	assert_true(s.told == 200);
	assert_int_equal(s.out[7].verdict, JZ_ESIGN_MALFORMED);
	assert_int_equal(s.out[6].verdict, JZ_ESIGN_EXECUTED);
	s.stop_at = 0;
	s.fail = JZ_ERR_CANCELLED;
	assert_int_equal(run(d, &s, 2), JZ_ERR_CANCELLED);
	assert_true(s.told == 300);
	assert_int_equal(s.out[6].verdict, JZ_ESIGN_EXECUTED_BEFORE);
	assert_int_equal(s.out[299].verdict, JZ_ESIGN_EXECUTED);
	assert_int_equal(d->server.done, 299);
	s.fail = 0;
	desk_free(d);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_mix_comes_to_the_same),
	    TEST(test_twice_in_one_group_is_executed_once),
	    TEST(test_a_group_locks_its_rest),
	    TEST(test_a_lost_commit_executes_nothing_twice),
	    TEST(test_one_alone_says_what_failed),
	    TEST(test_what_was_examined_under_another_key_does_not_count),
	    TEST(test_it_stops_where_it_is_told_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
