/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the card's display to the issuer: what is executed, once, and what
 * nobody gets executed.  The executor is a third party's: a server that
 * recharges bus cards.
 */
#include "../../support/esignrig.h"

#include "../../../apdu/error.h"
#include "../../../apdu/tlv.h"
#include "../../../docs/recharge.c"
#include "../../../host/issuer/esign.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <cmocka.h>

#define SUBMISSION_MAX JZ_ESIGN_SUBMISSION_MAX
#define ACCOUNT	       "6222020000000001234"

/* The third party's server. */
struct recharge {
	unsigned asked, done;
	uint64_t sum;
	char reference[JZ_ESIGN_REFERENCE_CAP];
	int answer;
	bool lost; /* the answer, not the work */
	/* What another process submits meanwhile, and its verdict. */
	struct jz_span meanwhile;
	enum jz_esign_verdict other;
};

static struct esign_rig rig;
static struct recharge server;
static struct jz_esign_db *db;
static struct jz_esign_verifier verifier;

static enum jz_esign_verdict submit_bytes(struct jz_span s);

/* Once for each reference. */
static int
recharge(void *arg, const struct jz_esign_transfer *t)
{
	struct recharge *r = arg;
	struct jz_span s = r->meanwhile;

	r->asked++;
	r->meanwhile = jz_span(NULL, 0);
	if (s.len > 0)
		r->other = submit_bytes(s);
	if (r->answer != 0 || strcmp(r->reference, t->reference) == 0)
		return r->answer;
	memcpy(r->reference, t->reference, sizeof(r->reference));
	r->done++;
	r->sum += t->order.amount;
	return r->lost ? JZ_ERR_TIMEOUT : 0;
}

static int
setup(void **state)
{
	(void)state;
	esign_rig_new(&rig);
	memset(&server, 0, sizeof(server));
	assert_int_equal(jz_esign_db_open(":memory:", &db), 0);
	verifier = (struct jz_esign_verifier){.engine = rig.rig.openssl,
	    .key = &rig.issuer,
	    .key_version = 1,
	    .limit = JZ_ESIGN_FAILURES_DEFAULT,
	    .store = &jz_esign_sqlite,
	    .store_state = db,
	    .executor = {.execute = recharge, .arg = &server}};
	assert_int_equal(jz_esign_register(&verifier, (const uint8_t *)ESIGN_ID,
			     rig.point, ACCOUNT),
	    0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	jz_esign_db_free(&db);
	esign_rig_free(&rig);
	return 0;
}

/* One contact, and what the user then reads off the display. */
struct contact {
	struct blob order, signature;
	char password[JZ_PANEL_LINE_BYTES + 1];
};

static struct contact
sign_order(const struct jz_esign_order *o)
{
	struct contact c = {.order = esign_encode(o)};

	c.signature = esign_contact(&rig, &c.order);
	jz_card_reset(&rig.card->card);
	esign_press(&rig, "DDDDDDDDDDO");
	esign_shows(&rig, 0, "Joint password");
	strcpy(c.password, rig.screen.line[1]);
	assert_int_equal(esign_select(&rig), JZ_SW_OK);
	return c;
}

static struct contact
sign(void)
{
	struct jz_esign_order o = esign_order();

	return sign_order(&o);
}

static enum jz_esign_verdict
submit_bytes(struct jz_span s)
{
	enum jz_esign_verdict v;

	assert_int_equal(jz_esign_submit(&verifier, s, &v), 0);
	return v;
}

static struct jz_span
pack(const struct contact *c, const char *typed,
    uint8_t bytes[static SUBMISSION_MAX])
{
	struct jz_buffer b = jz_buffer(bytes, SUBMISSION_MAX);
	struct jz_esign_submission s = {.order = blob_span(&c->order),
	    .signature = blob_span(&c->signature),
	    .typed = jz_span(typed, strlen(typed))};

	assert_int_equal(jz_esign_put_submission(&s, &b), 0);
	return jz_buffer_span(&b);
}

static enum jz_esign_verdict
submit(const struct contact *c, const char *typed)
{
	uint8_t bytes[SUBMISSION_MAX];

	return submit_bytes(pack(c, typed, bytes));
}

/* Another password than the right one, a different one for each n. */
static const char *
wrong(const struct contact *c, unsigned n, char out[static JZ_JOINT_MAX + 1])
{
	strcpy(out, c->password);
	out[n % 6] = out[n % 6] == '9' ? '0' : (char)(out[n % 6] + 1);
	return out;
}

static struct jz_esign_card
card_row(void)
{
	struct jz_esign_card c;

	assert_int_equal(
	    jz_esign_sqlite.card(db, (const uint8_t *)ESIGN_ID, &c), 0);
	return c;
}

/* proves: JPS-4 JPS-12 JPS-13 JPS-20 */
static void
test_what_the_user_types_executes_once(void **state)
{
	struct contact c = sign();

	(void)state;
	assert_int_equal(submit(&c, c.password), JZ_ESIGN_EXECUTED);
	assert_int_equal(server.done, 1);
	assert_int_equal(server.sum, 1234);
	assert_string_equal(server.reference, ESIGN_ID ":1");
	/* proves: JPS-15 */
	assert_int_equal(submit(&c, c.password), JZ_ESIGN_EXECUTED_BEFORE);
	assert_int_equal(submit(&c, "000000"), JZ_ESIGN_REPLAY);
	assert_int_equal(server.asked, 1);
}

/* proves: JPS-15 (a second purchase with the same account and amount) */
static void
test_the_same_purchase_signed_anew_is_executed(void **state)
{
	struct contact a = sign(), b = sign();

	(void)state;
	assert_int_equal(submit(&a, a.password), JZ_ESIGN_EXECUTED);
	assert_int_equal(submit(&b, b.password), JZ_ESIGN_EXECUTED);
	assert_int_equal(server.sum, 2 * 1234);
}

/* proves: JPS-15 (one that a later one has passed over) */
static void
test_an_older_signature_is_passed_over(void **state)
{
	struct contact a = sign(), b = sign();

	(void)state;
	assert_int_equal(submit(&b, b.password), JZ_ESIGN_EXECUTED);
	assert_int_equal(submit(&a, a.password), JZ_ESIGN_REPLAY);
	assert_int_equal(server.done, 1);
}

/* proves: JPS-13 JPS-14 JPS-17 (guessing online: three tries) */
static void
test_three_wrong_passwords_lock_the_card(void **state)
{
	struct contact c = sign(), next;
	char typed[JZ_JOINT_MAX + 1];

	(void)state;
	for (unsigned n = 0; n < 3; n++) {
		assert_false(card_row().locked);
		assert_int_equal(
		    submit(&c, wrong(&c, n, typed)), JZ_ESIGN_PASSWORD);
		assert_int_equal(card_row().failures, n + 1);
	}
	assert_true(card_row().locked);
	assert_int_equal(submit(&c, c.password), JZ_ESIGN_LOCKED);
	next = sign();
	assert_int_equal(submit(&next, next.password), JZ_ESIGN_LOCKED);
	assert_int_equal(server.asked, 0);
	assert_int_equal(
	    jz_esign_unlock(&verifier, (const uint8_t *)ESIGN_ID), 0);
	assert_int_equal(submit(&next, next.password), JZ_ESIGN_EXECUTED);
}

/* As many as the issuer says.  proves: JPS-14 */
static void
test_the_limit_is_the_issuers(void **state)
{
	char typed[JZ_JOINT_MAX + 1];
	uint32_t limit = 0;

	(void)state;
	assert_int_equal(jz_esign_db_limit(db, &limit), 0);
	assert_int_equal(limit, 3);
	assert_int_equal(jz_esign_db_set_limit(db, 0), JZ_ERR_RANGE);
	assert_int_equal(jz_esign_db_set_limit(db, 11), JZ_ERR_RANGE);
	assert_int_equal(jz_esign_db_limit(db, &limit), 0);
	assert_int_equal(limit, 3);
	for (uint32_t n = 1; n <= 5; n += 4) {
		struct contact c = sign();

		assert_int_equal(jz_esign_db_set_limit(db, n), 0);
		assert_int_equal(jz_esign_db_limit(db, &verifier.limit), 0);
		assert_int_equal(verifier.limit, n);
		for (unsigned k = 0; k < n; k++) {
			assert_false(card_row().locked);
			assert_int_equal(
			    submit(&c, wrong(&c, k, typed)), JZ_ESIGN_PASSWORD);
		}
		assert_true(card_row().locked);
		assert_int_equal(submit(&c, c.password), JZ_ESIGN_LOCKED);
		assert_int_equal(
		    jz_esign_unlock(&verifier, (const uint8_t *)ESIGN_ID), 0);
	}
}

/* The account is locked, not the card alone: its other cards sign for it no
 * more, and another account's do.  proves: JPS-14 */
static void
test_the_lock_is_the_accounts(void **state)
{
	static const uint8_t second[JZ_ID_BYTES] = "CN00000000300002",
			     other[JZ_ID_BYTES] = "CN00000000300003";
	struct contact c = sign();
	char typed[JZ_JOINT_MAX + 1];
	struct jz_esign_card row;

	(void)state;
	assert_int_equal(
	    jz_esign_register(&verifier, second, rig.point, ACCOUNT), 0);
	assert_int_equal(
	    jz_esign_register(&verifier, other, rig.point, "another"), 0);
	for (unsigned n = 0; n < 3; n++)
		submit(&c, wrong(&c, n, typed));
	assert_int_equal(jz_esign_sqlite.card(db, second, &row), 0);
	assert_true(row.locked);
	assert_int_equal(jz_esign_sqlite.card(db, other, &row), 0);
	assert_false(row.locked);
	/* Unlocked by any of its cards. */
	assert_int_equal(jz_esign_unlock(&verifier, second), 0);
	assert_false(card_row().locked);
	assert_int_equal(card_row().failures, 0);
	assert_int_equal(submit(&c, c.password), JZ_ESIGN_EXECUTED);
}

/* A mistyped one is typed again; the right one ends the row of failures. */
static void
test_a_typing_error_costs_a_try(void **state)
{
	struct contact c = sign();
	char typed[JZ_JOINT_MAX + 1];

	(void)state;
	submit(&c, wrong(&c, 0, typed));
	/* The answer was lost, and it is sent again. */
	submit(&c, typed);
	submit(&c, typed);
	assert_int_equal(card_row().failures, 1);
	submit(&c, wrong(&c, 1, typed));
	assert_int_equal(card_row().failures, 2);
	assert_int_equal(submit(&c, c.password), JZ_ESIGN_EXECUTED);
	assert_int_equal(card_row().failures, 0);
	/* Shorter and longer ones are wrong as well. */
	c = sign();
	typed[5] = '\0';
	memcpy(typed, c.password, 5);
	assert_int_equal(submit(&c, typed), JZ_ESIGN_PASSWORD);
	memcpy(typed, c.password, 6);
	strcpy(typed + 6, "0");
	assert_int_equal(submit(&c, typed), JZ_ESIGN_PASSWORD);
}

/* proves: JPS-14 (forged requests lock nobody) */
static void
test_forged_requests_lock_nobody(void **state)
{
	struct contact c = sign(), forged;
	char typed[JZ_JOINT_MAX + 1];

	(void)state;
	for (unsigned n = 0; n < 6; n++) {
		forged = c;
		forged.signature.data[forged.signature.len - 1 - n] ^= 1;
		assert_int_equal(submit(&forged, wrong(&c, n, typed)),
		    JZ_ESIGN_BAD_SIGNATURE);
	}
	assert_int_equal(card_row().failures, 0);
	/* Nor old signatures with other passwords. */
	assert_int_equal(submit(&c, c.password), JZ_ESIGN_EXECUTED);
	for (unsigned n = 0; n < 6; n++)
		assert_int_equal(
		    submit(&c, wrong(&c, n, typed)), JZ_ESIGN_REPLAY);
	assert_int_equal(card_row().failures, 0);
	c = sign();
	assert_int_equal(submit(&c, c.password), JZ_ESIGN_EXECUTED);
}

/*
 * A man in the middle alters what the user has signed: every byte of message
 * and signature.  Nothing is executed, nobody is locked.
 * proves: JPS-13 JPS-19 JPS-9
 */
static void
test_no_altered_byte_is_executed(void **state)
{
	struct contact c = sign();
	uint8_t bytes[SUBMISSION_MAX], altered[SUBMISSION_MAX];
	struct jz_span s = pack(&c, c.password, bytes);
	size_t signed_bytes = s.len - strlen(c.password);

	(void)state;
	for (size_t i = 0; i < signed_bytes; i++) {
		for (unsigned bit = 0; bit < 8; bit += 3) {
			memcpy(altered, s.data, s.len);
			altered[i] ^= (uint8_t)(1u << bit);
			assert_int_not_equal(
			    submit_bytes(jz_span(altered, s.len)),
			    JZ_ESIGN_EXECUTED);
		}
	}
	for (size_t n = 0; n < s.len; n++)
		assert_int_equal(
		    submit_bytes(jz_span(s.data, n)), JZ_ESIGN_MALFORMED);
	assert_int_equal(server.asked, 0);
	assert_int_equal(card_row().failures, 0);
	assert_int_equal(submit_bytes(s), JZ_ESIGN_EXECUTED);
}

/* proves: JPS-7 JPS-19 (parts of two contacts, in every combination) */
static void
test_parts_of_two_contacts_are_refused(void **state)
{
	struct jz_esign_order cheap = esign_order(), dear = esign_order();
	struct contact part[2], mixed;

	(void)state;
	dear.amount = 999900;
	part[0] = sign_order(&cheap);
	part[1] = sign_order(&dear);
	if (strcmp(part[0].password, part[1].password) == 0)
		part[1] = sign_order(&dear);
	for (unsigned i = 1; i < 7; i++) {
		const struct contact *password = &part[i >> 2 & 1];

		mixed.order = part[i & 1].order;
		mixed.signature = part[i >> 1 & 1].signature;
		assert_int_not_equal(
		    submit(&mixed, password->password), JZ_ESIGN_EXECUTED);
	}
	assert_int_equal(server.asked, 0);
	assert_int_equal(submit(&part[0], part[0].password), JZ_ESIGN_EXECUTED);
	assert_int_equal(submit(&part[1], part[1].password), JZ_ESIGN_EXECUTED);
}

static void
test_strangers_are_refused_by_name(void **state)
{
	struct jz_esign_order o = esign_order();
	struct contact c;
	uint8_t id[JZ_ID_BYTES];

	(void)state;
	/* Somebody else's account. */
	o.account = jz_span("6222020000000009999", 19);
	c = sign_order(&o);
	assert_int_equal(submit(&c, c.password), JZ_ESIGN_WRONG_ACCOUNT);
	c = sign();
	/* An issuer with another key, or another version of it. */
	verifier.key_version = 2;
	assert_int_equal(submit(&c, c.password), JZ_ESIGN_KEY);
	verifier.key_version = 1;
	assert_int_equal(card_row().failures, 0);
	/* A card that is not registered. */
	memcpy(id, ESIGN_ID, sizeof(id));
	id[15] = '2';
	memcpy(c.signature.data + 6, id, sizeof(id));
	assert_int_equal(submit(&c, c.password), JZ_ESIGN_UNKNOWN_CARD);
	assert_int_equal(server.asked, 0);
}

/* proves: JPS-20 (an executor that fails, and one that says no) */
static void
test_what_the_executor_says_counts(void **state)
{
	struct contact c = sign();
	enum jz_esign_verdict v;
	uint8_t bytes[SUBMISSION_MAX];
	struct jz_span s = pack(&c, c.password, bytes);

	(void)state;
	server.answer = JZ_ERR_TIMEOUT;
	assert_int_equal(jz_esign_submit(&verifier, s, &v), JZ_ERR_TIMEOUT);
	/* Accepted: nothing else takes its place, and the same goes on. */
	assert_int_equal(submit(&c, "000000"), JZ_ESIGN_REPLAY);
	server.answer = 0;
	assert_int_equal(submit_bytes(s), JZ_ESIGN_EXECUTED);
	assert_int_equal(submit_bytes(s), JZ_ESIGN_EXECUTED_BEFORE);
	assert_int_equal(server.done, 1);
	/* A refusal is for good. */
	server.answer = JZ_ERR_REFUSED;
	c = sign();
	assert_int_equal(submit(&c, c.password), JZ_ESIGN_EXECUTOR_REFUSED);
	server.answer = 0;
	assert_int_equal(submit(&c, c.password), JZ_ESIGN_EXECUTOR_REFUSED);
	assert_int_equal(server.done, 1);
}

/* The same submission by two processes at once: while the one waits for the
 * executor, the other comes to its end.  proves: JPS-15 */
static void
test_two_at_once_execute_once(void **state)
{
	struct contact c = sign();
	uint8_t bytes[SUBMISSION_MAX];
	struct jz_span s = pack(&c, c.password, bytes);

	(void)state;
	server.meanwhile = s;
	assert_int_equal(submit_bytes(s), JZ_ESIGN_EXECUTED_BEFORE);
	assert_int_equal(server.other, JZ_ESIGN_EXECUTED);
	assert_int_equal(server.done, 1);
	/* Both hear the same no. */
	c = sign();
	s = pack(&c, c.password, bytes);
	server.answer = JZ_ERR_REFUSED;
	server.meanwhile = s;
	assert_int_equal(submit_bytes(s), JZ_ESIGN_EXECUTOR_REFUSED);
	assert_int_equal(server.other, JZ_ESIGN_EXECUTOR_REFUSED);
	assert_int_equal(server.done, 1);
}

/* The executor's answer is lost after it has done its work: asked again under
 * the same reference, it does nothing twice. */
static void
test_a_lost_answer_executes_nothing_twice(void **state)
{
	struct contact c = sign();
	enum jz_esign_verdict v;
	uint8_t bytes[SUBMISSION_MAX];
	struct jz_span s = pack(&c, c.password, bytes);

	(void)state;
	server.lost = true;
	assert_int_equal(jz_esign_submit(&verifier, s, &v), JZ_ERR_TIMEOUT);
	assert_int_equal(server.done, 1);
	server.lost = false;
	assert_int_equal(submit_bytes(s), JZ_ESIGN_EXECUTED);
	assert_int_equal(submit_bytes(s), JZ_ESIGN_EXECUTED_BEFORE);
	assert_int_equal(server.done, 1);
	assert_int_equal(server.sum, 1234);
}

/* V2: a store that fails at any of its calls executes nothing that it has not
 * kept. */
static int fail_at, calls;

static int
failing_entry_set(void *store, const struct jz_esign_entry *e)
{
	return ++calls == fail_at ? JZ_ERR_DATABASE
				  : jz_esign_sqlite.entry_set(store, e);
}

static void
test_a_failing_store_executes_nothing_twice(void **state)
{
	struct jz_esign_store failing = jz_esign_sqlite;
	struct contact c = sign();
	enum jz_esign_verdict v;
	uint8_t bytes[SUBMISSION_MAX];
	struct jz_span s = pack(&c, c.password, bytes);

	(void)state;
	failing.entry_set = failing_entry_set;
	verifier.store = &failing;
	calls = 0;
	fail_at = 1; /* accepting */
	assert_int_equal(jz_esign_submit(&verifier, s, &v), JZ_ERR_DATABASE);
	assert_int_equal(server.asked, 0);
	assert_int_equal(card_row().counter, 0);
	fail_at = 3; /* writing down what came of it */
	assert_int_equal(jz_esign_submit(&verifier, s, &v), JZ_ERR_DATABASE);
	assert_int_equal(server.done, 1);
	assert_int_equal(submit_bytes(s), JZ_ESIGN_EXECUTED);
	assert_int_equal(server.done, 1);
	assert_int_equal(submit_bytes(s), JZ_ESIGN_EXECUTED_BEFORE);
}

/* docs/recharge.c, as it stands.  proves: JPS-20 */
static void
test_the_example_recharges_bus_cards(void **state)
{
	static struct bus_operator bus;
	struct jz_esign_order o = esign_order();
	struct contact c;

	(void)state;
	memset(&bus, 0, sizeof(bus));
	strcpy(bus.card[1].number, "3104000000000017");
	verifier.executor = bus_executor(&bus);
	o.to_account = jz_span("3104000000000017", 16);
	o.amount = 5000;
	c = sign_order(&o);
	assert_int_equal(submit(&c, "999999x"), JZ_ESIGN_PASSWORD);
	assert_int_equal(bus.card[1].balance, 0);
	assert_int_equal(submit(&c, c.password), JZ_ESIGN_EXECUTED);
	assert_int_equal(submit(&c, c.password), JZ_ESIGN_EXECUTED_BEFORE);
	assert_int_equal(bus.card[1].balance, 5000);
	/* Above what a bus card holds, and no bus card. */
	o.amount = 95001;
	c = sign_order(&o);
	assert_int_equal(submit(&c, c.password), JZ_ESIGN_EXECUTOR_REFUSED);
	o.amount = 1;
	o.to_account = jz_span("3104000000000018", 16);
	c = sign_order(&o);
	assert_int_equal(submit(&c, c.password), JZ_ESIGN_EXECUTOR_REFUSED);
	assert_int_equal(bus.card[1].balance, 5000);
}

/* ---- as JSON ------------------------------------------------------------- */

static unsigned
submit_json(const char *text, const char *verdict)
{
	char *response = NULL;
	unsigned status = jz_esign_submit_json(
	    &verifier, jz_span(text, strlen(text)), &response);
	json_t *o = json_loads(response, JSON_REJECT_DUPLICATES, NULL);
	const json_t *texts = json_object_get(o, "text");

	assert_string_equal(
	    json_string_value(json_object_get(o, "verdict")), verdict);
	assert_true(json_string_length(json_object_get(texts, "en")) > 0);
	assert_true(json_string_length(json_object_get(texts, "zh")) > 0);
	json_decref(o);
	free(response);
	return status;
}

static const char *
json_of(struct jz_span s, char text[static 2 * SUBMISSION_MAX + 32])
{
	char *at = text + sprintf(text, "{\"message\":\"");

	for (size_t i = 0; i < s.len; i++)
		at += sprintf(at, "%02X", (unsigned)s.data[i]);
	strcpy(at, "\"}");
	return text;
}

/* What a server's handler calls.  proves: JPS-12 JPS-13 JPS-15 */
static void
test_a_server_judges_json(void **state)
{
	static const char *const malformed[] = {"", "{", "[]", "{}", "null",
	    "{\"message\":\"FF37\"}", "{\"message\":\"FF3\"}",
	    "{\"message\":\"GG\"}", "{\"message\":1}",
	    "{\"message\":\"\",\"more\":1}",
	    "{\"message\":\"\",\"message\":\"\"}"};
	char text[2 * SUBMISSION_MAX + 32], typed[JZ_JOINT_MAX + 1];
	uint8_t bytes[SUBMISSION_MAX];
	struct contact c = sign();

	(void)state;
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		assert_int_equal(submit_json(malformed[i], "MALFORMED"), 400);
	json_of(pack(&c, wrong(&c, 0, typed), bytes), text);
	assert_int_equal(submit_json(text, "PASSWORD"), 403);
	json_of(pack(&c, c.password, bytes), text);
	server.answer = JZ_ERR_TIMEOUT;
	assert_int_equal(submit_json(text, "AGAIN"), 503);
	server.answer = 0;
	assert_int_equal(submit_json(text, "EXECUTED"), 200);
	assert_int_equal(submit_json(text, "EXECUTED_BEFORE"), 200);
	assert_int_equal(server.done, 1);
	json_of(pack(&c, "000000", bytes), text);
	assert_int_equal(submit_json(text, "REPLAY"), 409);
	c = sign();
	for (unsigned n = 0; n < 3; n++) {
		json_of(pack(&c, wrong(&c, n, typed), bytes), text);
		submit_json(text, "PASSWORD");
	}
	json_of(pack(&c, c.password, bytes), text);
	assert_int_equal(submit_json(text, "LOCKED"), 423);
}

static void
test_cards_are_registered_once(void **state)
{
	uint8_t id[JZ_ID_BYTES] = {'X'};

	(void)state;
	assert_int_equal(jz_esign_register(&verifier, (const uint8_t *)ESIGN_ID,
			     rig.point, "other"),
	    JZ_ERR_EXISTS);
	assert_string_equal(card_row().account, ACCOUNT);
	assert_int_equal(
	    jz_esign_register(&verifier, id, rig.point, ""), JZ_ERR_RANGE);
	assert_int_equal(jz_esign_unlock(&verifier, id), JZ_ERR_NOT_FOUND);
	for (int i = 0; i <= JZ_ESIGN_EXECUTOR_REFUSED; i++) {
		enum jz_esign_verdict v = (enum jz_esign_verdict)i;

		assert_true(jz_esign_verdict_name(v)[0] != '\0');
		assert_true(jz_esign_verdict_text(v, JZ_LANG_EN)[0] != '\0');
		assert_true(jz_esign_verdict_text(v, JZ_LANG_ZH)[0] != '\0');
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_what_the_user_types_executes_once),
	    TEST(test_the_same_purchase_signed_anew_is_executed),
	    TEST(test_an_older_signature_is_passed_over),
	    TEST(test_three_wrong_passwords_lock_the_card),
	    TEST(test_the_limit_is_the_issuers),
	    TEST(test_the_lock_is_the_accounts),
	    TEST(test_a_typing_error_costs_a_try),
	    TEST(test_forged_requests_lock_nobody),
	    TEST(test_no_altered_byte_is_executed),
	    TEST(test_parts_of_two_contacts_are_refused),
	    TEST(test_strangers_are_refused_by_name),
	    TEST(test_what_the_executor_says_counts),
	    TEST(test_two_at_once_execute_once),
	    TEST(test_a_lost_answer_executes_nothing_twice),
	    TEST(test_a_failing_store_executes_nothing_twice),
	    TEST(test_the_example_recharges_bus_cards),
	    TEST(test_a_server_judges_json),
	    TEST(test_cards_are_registered_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
