/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of batches: what comes of it is what would have come of each alone
 * (OFP-10).
 */
#include "../../support/issuerrig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../apdu/error.h"
#include "../../../host/issuer/control.h"

#define PAIRS	4u
#define ROUNDS	20u
#define BATCHES (2 * PAIRS * ROUNDS) /* more than a group */
#define BAD_AT	37u

struct stream {
	struct letter *batch;
	size_t n, next;
	int err[BATCHES];
	enum jz_refusal why[BATCHES];
	struct letter *processed;
	uint64_t told;
	uint64_t stop_at; /* told() says stop there */
	int fail;	  /* of next(), at the end */
};

static int
next_batch(void *arg, struct jz_buffer *out)
{
	struct stream *s = arg;

	if (s->next == s->n)
		return s->fail != 0 ? s->fail : JZ_ERR_NOT_FOUND;
	jz_put(out, s->batch[s->next].data, s->batch[s->next].len);
	s->next++;
	return 0;
}

static int
told(void *arg, uint64_t n, int err, enum jz_refusal why,
    struct jz_span processed)
{
	struct stream *s = arg;

	assert_true(n == s->told);
	s->err[n] = err;
	s->why[n] = why;
	s->processed[n].len = processed.len;
	memcpy(s->processed[n].data, processed.data, processed.len);
	s->told++;
	return s->told == s->stop_at ? JZ_ERR_SYSTEM : 0;
}

/* A pair of loaded cards, signed in. */
static void
pair(struct rig *r, struct fakecard *payer, struct fakecard *payee)
{
	rig_card(r, payer, RIG_DEPOSIT);
	rig_card(r, payee, RIG_DEPOSIT);
	(void)rig_load(r, payer, RIG_AMOUNT);
	rig_settle(r, payer);
	rig_sign_in(r, payee);
}

static struct letter
take_batch(struct fakecard *c)
{
	struct letter l = rig_batch(c, JZ_BATCH_RECORDS);

	c->first_unsettled += JZ_BATCH_RECORDS;
	return l;
}

static struct stream *
make_stream(struct rig *r)
{
	struct stream *s = calloc(1, sizeof(*s));
	struct fakecard *c = calloc(2 * PAIRS, sizeof(*c));

	assert_non_null(s);
	assert_non_null(c);
	s->batch = calloc(BATCHES, sizeof(*s->batch));
	s->processed = calloc(BATCHES, sizeof(*s->processed));
	assert_non_null(s->batch);
	assert_non_null(s->processed);
	for (unsigned k = 0; k < PAIRS; k++)
		pair(r, &c[2 * k], &c[2 * k + 1]);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned k = 0; k < PAIRS; k++) {
			struct fakecard *payer = &c[2 * k];
			struct fakecard *payee = &c[2 * k + 1];

			for (unsigned i = 0; i < JZ_BATCH_RECORDS; i++)
				fakecard_pay(payer, payee, 1 + i);
			s->batch[s->n++] = take_batch(payer);
			s->batch[s->n++] = take_batch(payee);
		}
	}
	free(c);
	return s;
}

static void
free_stream(struct stream *s)
{
	free(s->batch);
	free(s->processed);
	free(s);
}

static int
run(struct rig *r, struct stream *s, unsigned threads)
{
	const struct jz_batch_feed feed = {next_batch, told, s};

	s->next = 0;
	s->told = 0;
	return jz_issuer_batches(r->issuer, &feed, threads);
}

static void
test_all_are_posted(void **state)
{
	struct rig *r = *state;
	struct stream *s = make_stream(r);
	int64_t before = rig_number(r, "SELECT COUNT(*) FROM record");
	uint64_t snapshot;

	assert_int_equal(run(r, s, 3), 0);
	assert_true(s->told == BATCHES);
	assert_true(rig_number(r, "SELECT COUNT(*) FROM record") - before ==
	    BATCHES * JZ_BATCH_RECORDS);
	for (size_t k = 0; k < BATCHES; k++)
		assert_int_equal(s->err[k], 0);
	/* Again, whole or one by one: the same answers, and nothing more. */
	snapshot = rig_snapshot(r);
	for (size_t k = 0; k < BATCHES; k++) {
		uint8_t bytes[JZ_MESSAGE_MAX];
		struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));

		assert_int_equal(
		    jz_issuer_batch(r->issuer, letter_span(&s->batch[k]), &b),
		    0);
		assert_int_equal(b.len, s->processed[k].len);
		assert_memory_equal(bytes, s->processed[k].data, b.len);
	}
	assert_int_equal(run(r, s, 1), 0);
	assert_true(rig_snapshot(r) == snapshot);
	free_stream(s);
}

/* A signature that is altered refuses its batch, and what stands on it. */
static void
refuses_only(struct rig *r, struct stream *s, enum jz_refusal why)
{
	unsigned good = 0;

	assert_int_equal(run(r, s, 2), 0);
	assert_true(s->told == BATCHES);
	assert_int_equal(s->err[BAD_AT], JZ_ERR_REFUSED);
	assert_int_equal(s->why[BAD_AT], why);
	assert_int_equal(s->processed[BAD_AT].len, 0);
	for (size_t k = 0; k < BATCHES; k++) {
		/* The same card's later records leave a gap. */
		if (k > BAD_AT && k % (2 * PAIRS) == BAD_AT % (2 * PAIRS)) {
			assert_int_equal(s->err[k], JZ_ERR_REFUSED);
			assert_int_equal(s->why[k], JZ_REFUSAL_RECORD_NUMBER);
		} else if (k != BAD_AT) {
			assert_int_equal(s->err[k], 0);
			good++;
		}
	}
	assert_true(good > BATCHES / 2);
}

static void
test_a_bad_batch_is_alone(void **state)
{
	struct rig *r = *state;
	struct stream *s = make_stream(r);
	struct letter good = s->batch[BAD_AT];

	s->batch[BAD_AT].data[good.len - 1] ^= 1;
	refuses_only(r, s, JZ_REFUSAL_SIGNATURE);
	/* The card sends the right one, and all that followed. */
	s->batch[BAD_AT] = good;
	assert_int_equal(run(r, s, 2), 0);
	for (size_t k = 0; k < BATCHES; k++)
		assert_int_equal(s->err[k], 0);
	free_stream(s);
}

/* A record whose evidence is forged, under its card's own signature. */
static void
test_evidence_is_verified(void **state)
{
	struct rig *r = *state;
	struct stream *s = make_stream(r);
	struct fakecard c;

	rig_card(r, &c, RIG_DEPOSIT);
	rig_sign_in(r, &c);
	for (unsigned i = 0; i < JZ_BATCH_RECORDS; i++) {
		struct fakecard other = c;

		fakecard_pay(&other, &c, 1);
		memcpy(fakecard_record(&c, i + 1)->payment.payer_id,
		    "CN00000000100001", JZ_ID_BYTES);
	}
	s->batch[BAD_AT] = take_batch(&c);
	assert_int_equal(run(r, s, 2), 0);
	assert_int_equal(s->err[BAD_AT], JZ_ERR_REFUSED);
	assert_int_equal(s->why[BAD_AT], JZ_REFUSAL_EVIDENCE);
	free_stream(s);
}

struct seen {
	const uint8_t *card;
	unsigned n;
	enum jz_incident_kind kind;
	struct letter evidence;
};

static int
see(const struct jz_incident *x, void *arg)
{
	struct seen *s = arg;

	if (memcmp(x->card_id, s->card, JZ_ID_BYTES) != 0)
		return 0;
	s->n++;
	s->kind = x->kind;
	s->evidence.len = x->evidence.len;
	assert_true(x->evidence.len <= sizeof(s->evidence.data));
	memcpy(s->evidence.data, x->evidence.data, x->evidence.len);
	return 0;
}

/* The good batch beside it is posted; the copy's is kept, and once. */
static void
test_an_incident_is_booked(void **state)
{
	struct rig *r = *state;
	struct stream *s = calloc(1, sizeof(*s));
	struct fakecard payer, payee, clone;
	struct seen seen = {.card = payer.id};

	assert_non_null(s);
	s->batch = calloc(2, sizeof(*s->batch));
	s->processed = calloc(2, sizeof(*s->processed));
	pair(r, &payer, &payee);
	rig_sign_in(r, &payer);
	clone = payer;
	fakecard_pay(&payer, &payee, 1);
	fakecard_pay(&clone, &payee, 2);
	s->n = 2;
	s->batch[0] = rig_batch(&payer, 1);
	s->batch[1] = rig_batch(&clone, 1);
	for (unsigned again = 0; again < 2; again++) {
		assert_int_equal(run(r, s, 2), 0);
		assert_int_equal(s->err[0], 0);
		assert_int_equal(s->err[1], JZ_ERR_REFUSED);
		assert_int_equal(s->why[1], JZ_REFUSAL_CONFLICT);
		seen.n = 0;
		assert_int_equal(
		    jz_issuer_each_incident(r->issuer, see, &seen), 0);
		assert_int_equal(seen.n, 1);
	}
	assert_int_equal(seen.kind, JZ_INCIDENT_CLONED_CARD);
	assert_int_equal(seen.evidence.len, s->batch[1].len);
	assert_memory_equal(
	    seen.evidence.data, s->batch[1].data, seen.evidence.len);
	free_stream(s);
}

/* A program that is killed has told less than it has posted, or as much. */
static void
test_goes_on_after_a_stop(void **state)
{
	struct rig *r = *state;
	struct stream *s = make_stream(r);

	s->stop_at = 5;
	assert_int_equal(run(r, s, 2), JZ_ERR_SYSTEM);
	assert_true(s->told == 5);
	s->stop_at = 0;
	assert_int_equal(run(r, s, 2), 0);
	assert_true(s->told == BATCHES);
	for (size_t k = 0; k < BATCHES; k++)
		assert_int_equal(s->err[k], 0);
	free_stream(s);
}

/* What came before is posted and told. */
static void
test_an_error_of_the_feed(void **state)
{
	struct rig *r = *state;
	struct stream *s = make_stream(r);

	s->fail = JZ_ERR_SYSTEM;
	assert_int_equal(run(r, s, 2), JZ_ERR_SYSTEM);
	assert_true(s->told == BATCHES);
	s->n = 0;
	s->fail = 0;
	assert_int_equal(run(r, s, 0), 0);
	assert_true(s->told == 0);
	free_stream(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_all_are_posted, rig_after),
	    cmocka_unit_test_teardown(test_a_bad_batch_is_alone, rig_after),
	    cmocka_unit_test_teardown(test_evidence_is_verified, rig_after),
	    cmocka_unit_test_teardown(test_an_incident_is_booked, rig_after),
	    cmocka_unit_test_teardown(test_goes_on_after_a_stop, rig_after),
	    cmocka_unit_test_teardown(test_an_error_of_the_feed, rig_after),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
