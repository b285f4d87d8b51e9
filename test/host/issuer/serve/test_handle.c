/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's requests without a network: each body has one answer, and what
 * is refused changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../../../apdu/error.h"
#include "../../../../host/issuer/serve/gate.h"
#include "../../../../host/issuer/serve/handle.h"
#include "../../../../host/issuer/internal.h"
#include "../../../../host/issuer/sql.h"
#include "../../../support/issuerrig.h"

#define DEPOSIT 10000
#define AMOUNT	2500
#define BODY	8192

static void
body_of(const struct letter *l, const char *more, char out[static BODY])
{
	json_t *hex = jz_wire_hex(letter_span(l));

	snprintf(
	    out, BODY, "{\"message\":\"%s\"%s}", json_string_value(hex), more);
	json_decref(hex);
}

/* Asks, and keeps the answer in *c; the caller frees it. */
static void
ask(struct rig *r, const char *method, const char *path, const char *body,
    struct jz_call *c)
{
	struct jz_span text = jz_span(body, strlen(body));

	if (!jz_call_read(c, method, path, text))
		;
	else if (jz_call_is_submission(c))
		jz_call_finish(c, jz_call_judge(c, NULL, NULL));
	else {
		int err = jz_call_run(c, r->issuer);

		/* As after a contended group: the same again. */
		if (err == 0)
			err = jz_call_run(c, r->issuer);
		jz_call_finish(c, err);
	}
	assert_non_null(c->text);
	assert_int_equal(c->len, strlen(c->text));
}

static void
assert_answer(struct rig *r, const char *path, const struct letter *l,
    unsigned status, const char *part)
{
	char body[BODY];
	struct jz_call c;

	body_of(l, "", body);
	ask(r, "POST", path, body, &c);
	if (c.status != status || strstr(c.text, part) == NULL)
		fail_msg("%s: %u %s", path, c.status, c.text);
	jz_call_free(&c);
}

/* LOD-5: what is refused, by status and name; nothing of it is booked. */
static void
test_refusals(void **state)
{
	struct rig *r = *state;
	struct fakecard c, other;
	struct jz_message m;
	struct letter l;
	uint64_t before;

	rig_card(r, &c, DEPOSIT);
	rig_card(r, &other, DEPOSIT);
	before = rig_snapshot(r);
	m = fakecard_load_request(&c, DEPOSIT + 1);
	l = fakecard_sign(&c, &m);
	assert_answer(r, JZ_WIRE_PERMIT, &l, 402, "\"FUNDS\"");
	l = fakecard_sign(&other, &m);
	assert_answer(r, JZ_WIRE_PERMIT, &l, 403, "\"SIGNATURE\"");
	m = fakecard_load_request(&c, 0);
	l = fakecard_sign(&c, &m);
	assert_answer(r, JZ_WIRE_PERMIT, &l, 422, "\"AMOUNT\"");
	/* Another kind than this path's. */
	assert_answer(r, JZ_WIRE_REPORT, &l, 400, "\"MALFORMED\"");
	memcpy(c.id, "CN99999999999999", JZ_ID_BYTES);
	m = fakecard_load_request(&c, 1);
	l = fakecard_sign(&c, &m);
	assert_answer(r, JZ_WIRE_PERMIT, &l, 403, "\"UNKNOWN_CARD\"");
	assert_true(rig_snapshot(r) == before);
}

/* LOD-7: by card and counter: done, exists, exists with different ... */
static void
test_exists(void **state)
{
	struct rig *r = *state;
	struct letter request, different, permission, report, proof;
	struct jz_message m;
	struct fakecard c;
	uint64_t before;

	rig_card(r, &c, DEPOSIT);
	m = fakecard_load_request(&c, AMOUNT);
	request = fakecard_sign(&c, &m);
	assert_answer(r, JZ_WIRE_PERMIT, &request, 200, "\"exists\"");
	before = rig_snapshot(r);
	m.payment.amount = AMOUNT + 1;
	different = fakecard_sign(&c, &m);
	assert_answer(r, JZ_WIRE_PERMIT, &different, 409,
	    "\"EXISTS_DIFFERENT\",\"text\"");
	assert_answer(
	    r, JZ_WIRE_PERMIT, &different, 409, "\"different\":\"amount\"");
	m.payment.amount = AMOUNT;
	m.nonce[0] ^= 1;
	different = fakecard_sign(&c, &m);
	assert_answer(
	    r, JZ_WIRE_PERMIT, &different, 409, "\"different\":\"request\"");
	assert_true(rig_snapshot(r) == before);
	permission = rig_permit(r, &request);
	m = fakecard_load_report(&c, &permission);
	report = letter_of(&m);
	assert_answer(r, JZ_WIRE_REPORT, &report, 200, "\"exists\"");
	assert_int_equal(
	    jz_message_decode(letter_span(&request), JZ_KIND_LOAD_REQUEST, &m),
	    0);
	m = fakecard_load_cancel(&c, &m);
	proof = fakecard_sign(&c, &m);
	assert_answer(r, JZ_WIRE_CANCEL, &proof, 409, "\"CONFLICT\"");
	assert_int_equal(rig_balance(r, &c), DEPOSIT - AMOUNT);
}

/* Unloads likewise: the proof is taken once, and what is no proof moves
 * nothing. */
static void
test_unload(void **state)
{
	struct rig *r = *state;
	struct letter request, permission, proof, bad;
	struct jz_message m;
	struct fakecard c, other;
	uint64_t before;

	rig_card(r, &c, DEPOSIT);
	rig_card(r, &other, DEPOSIT);
	(void)rig_load(r, &c, AMOUNT);
	before = rig_snapshot(r);
	m = fakecard_unload_request(&c, AMOUNT);
	request = fakecard_sign(&c, &m);
	bad = fakecard_sign(&other, &m);
	assert_answer(r, JZ_WIRE_UNLOAD_PERMIT, &bad, 403, "\"SIGNATURE\"");
	assert_answer(r, JZ_WIRE_UNLOAD_PROOF, &request, 400, "\"MALFORMED\"");
	assert_answer(r, JZ_WIRE_PERMIT, &request, 400, "\"MALFORMED\"");
	assert_answer(r, JZ_WIRE_UNLOAD_PERMIT, &request, 200, "\"done\"");
	assert_true(rig_snapshot(r) == before);
	permission = rig_permit_unload(r, &request);
	m = fakecard_unload_proof(&c, &permission);
	proof = letter_of(&m);
	m.payment.amount--;
	bad = letter_of(&m);
	assert_answer(r, JZ_WIRE_UNLOAD_PROOF, &bad, 403, "\"SIGNATURE\"");
	assert_true(rig_snapshot(r) == before);
	assert_answer(r, JZ_WIRE_UNLOAD_PROOF, &proof, 200, "\"exists\"");
	before = rig_snapshot(r);
	assert_int_equal(
	    jz_message_decode(letter_span(&proof), JZ_KIND_UNLOAD_PROOF, &m),
	    0);
	m.payment.amount--;
	bad = fakecard_sign(&c, &m);
	assert_answer(
	    r, JZ_WIRE_UNLOAD_PROOF, &bad, 409, "\"EXISTS_DIFFERENT\"");
	assert_true(rig_snapshot(r) == before);
	assert_int_equal(rig_balance(r, &c), DEPOSIT);
}

/* LOD-13: a load is told of to the card that signs, and to nobody else. */
static void
test_find(void **state)
{
	struct rig *r = *state;
	struct fakecard c, thief;
	struct jz_message m;
	struct letter l, request;
	char body[BODY];
	struct jz_call call;

	rig_card(r, &c, DEPOSIT);
	rig_card(r, &thief, 0);
	m = fakecard_load_request(&c, AMOUNT);
	request = fakecard_sign(&c, &m);
	(void)rig_permit(r, &request);
	rig_sign_in(r, &c);
	m = (struct jz_message){0};
	m.kind = JZ_KIND_SIGN_IN;
	memcpy(m.card_id, c.id, JZ_ID_BYTES);
	memcpy(m.nonce, c.card_nonce, JZ_NONCE_BYTES);
	memcpy(m.host_nonce, c.host_nonce, JZ_NONCE_BYTES);
	l = fakecard_sign(&thief, &m);
	body_of(&l, ",\"counter\":1", body);
	ask(r, "POST", JZ_WIRE_FIND, body, &call);
	assert_int_equal(call.status, 403);
	assert_null(strstr(call.text, "amount"));
	jz_call_free(&call);
	body_of(&request, ",\"counter\":1", body);
	ask(r, "POST", JZ_WIRE_FIND, body, &call);
	assert_int_equal(call.status, 400);
	jz_call_free(&call);
}

/* ---- a card in the place of another --------------------------------------- */

static struct letter
sign_in_of(struct rig *r, struct fakecard *c)
{
	struct jz_message m = fakecard_sign_in_request(c);
	struct letter l = letter_of(&m);
	struct jz_buffer b = jz_buffer(l.data, sizeof(l.data));
	struct letter question = l;

	assert_int_equal(
	    jz_issuer_challenge(r->issuer, letter_span(&question), &b), 0);
	l.len = b.len;
	m = fakecard_sign_in(c, &l);
	return fakecard_sign(c, &m);
}

/* Another card of this one's account and holder. */
static void
successor(struct rig *r, const struct fakecard *old, struct fakecard *c)
{
	struct jz_buffer b;

	fakecard_new(c, &r->engine, r->now);
	memcpy(c->account, old->account, sizeof(c->account));
	memcpy(c->holder, old->holder, sizeof(c->holder));
	b = jz_buffer(c->certificate, sizeof(c->certificate));
	assert_int_equal(jz_issuer_certify(r->issuer, c->account, c->holder,
			     c->key.public_key, 0, c->id, c->asn, &b),
	    0);
	c->certificate_len = b.len;
}

/* Both sign in, `new` by this key; the answer must be so. */
static void
assert_pair(struct rig *r, const char *path, struct fakecard *old,
    struct fakecard *new, const char *more, unsigned status, const char *part)
{
	struct letter one = sign_in_of(r, old), two = sign_in_of(r, new);
	json_t *hex = jz_wire_hex(letter_span(&two));
	char tail[BODY], body[2 * BODY];
	struct jz_call c;

	snprintf(tail, sizeof(tail), ",\"successor\":\"%s\"%s",
	    json_string_value(hex), more);
	json_decref(hex);
	hex = jz_wire_hex(letter_span(&one));
	snprintf(body, sizeof(body), "{\"message\":\"%s\"%s}",
	    json_string_value(hex), tail);
	json_decref(hex);
	ask(r, "POST", path, body, &c);
	if (c.status != status || strstr(c.text, part) == NULL)
		fail_msg("%s: %u %s", path, c.status, c.text);
	jz_call_free(&c);
}

/* Two cards of one account, both of which ask; revoked is the old one only when
 * what it has unloaded is on the new one. */
static void
test_replace(void **state)
{
	struct rig *r = *state;
	struct fakecard old, new, other, stranger, thief;
	struct letter proof;
	bool revoked;

	rig_card(r, &old, DEPOSIT);
	rig_card(r, &stranger, DEPOSIT);
	successor(r, &old, &new);
	successor(r, &old, &other);
	(void)rig_load(r, &old, AMOUNT);
	assert_pair(r, JZ_WIRE_REPLACE, &old, &stranger, ",\"counter\":1", 403,
	    "WRONG_ACCOUNT");
	assert_pair(
	    r, JZ_WIRE_REPLACE, &old, &old, ",\"counter\":1", 422, "SESSION");
	/* Who has the number of a card and not its key. */
	thief = new;
	thief.key = stranger.key;
	assert_pair(r, JZ_WIRE_REPLACE, &old, &thief, ",\"counter\":1", 403,
	    "SIGNATURE");
	thief = old;
	thief.key = stranger.key;
	assert_pair(r, JZ_WIRE_REPLACE, &thief, &new, ",\"counter\":1", 403,
	    "SIGNATURE");
	assert_pair(r, JZ_WIRE_REPLACED, &old, &new, "", 409, "CONFLICT");
	assert_pair(r, JZ_WIRE_REPLACE, &old, &new, "", 400, "MALFORMED");
	assert_pair(r, JZ_WIRE_REPLACE, &old, &new, ",\"counter\":1", 200,
	    "\"amount_minor\":0");
	assert_pair(r, JZ_WIRE_REPLACED, &old, &new, "", 422, "AMOUNT");
	proof = rig_debit_card(r, &old, AMOUNT);
	assert_answer(r, JZ_WIRE_UNLOAD_PROOF, &proof, 200, "exists");
	assert_pair(r, JZ_WIRE_REPLACE, &old, &new, ",\"counter\":2", 200,
	    "\"amount_minor\":2500");
	assert_pair(r, JZ_WIRE_REPLACE, &old, &other, ",\"counter\":2", 409,
	    "EXISTS_DIFFERENT");
	assert_pair(r, JZ_WIRE_REPLACE_LOAD, &old, &other, ",\"counter\":1",
	    409, "CONFLICT");
	assert_pair(r, JZ_WIRE_REPLACE_LOAD, &old, &new, ",\"counter\":1", 200,
	    "\"counter\":1");
	assert_pair(r, JZ_WIRE_REPLACED, &old, &new, "", 409, "CONFLICT");
	(void)rig_load(r, &new, AMOUNT);
	assert_pair(r, JZ_WIRE_REPLACED, &old, &other, "", 409, "CONFLICT");
	assert_int_equal(jz_issuer_revoked(r->issuer, old.id, &revoked), 0);
	assert_false(revoked);
	assert_pair(r, JZ_WIRE_REPLACED, &old, &new, "", 200, "\"exists\"");
	assert_int_equal(jz_issuer_revoked(r->issuer, old.id, &revoked), 0);
	assert_true(revoked);
	assert_int_equal(jz_issuer_revoked(r->issuer, new.id, &revoked), 0);
	assert_false(revoked);
}

/* Whatever comes that is no request: 400 with a code, and nothing happens. */
static void
test_malformed(void **state)
{
	static const char *const BODIES[] = {"", "{", "[]", "null", "1",
	    "\"message\"", "{}", "{\"message\":1}", "{\"message\":null}",
	    "{\"message\":\"\"}", "{\"message\":\"f\"}", "{\"message\":\"xx\"}",
	    "{\"message\":\"ff4100\"}",
	    "{\"message\":\"ff41\",\"message\":\"ff41\"}",
	    "{\"message\":\"ff41\",\"more\":1}", "{\"message\":\"ff41\"} x",
	    "{\"message\":\"\\u0000\"}", "{\"message\":\"\xff\"}",
	    "{\"message\":[\"ff41\"]}", "[[[[[[[[[[[[[[[[[[[["};
	struct rig *r = *state;
	uint64_t before = rig_snapshot(r);
	struct jz_call c;

	for (unsigned p = 0; p < jz_routes(); p++) {
		const char *path = jz_route_path(p);

		if (strncmp(path, "/v1/load", 8) != 0 &&
		    strncmp(path, "/v1/unload", 10) != 0 &&
		    strncmp(path, "/v1/replace", 11) != 0 &&
		    strncmp(path, "/v1/settle", 10) != 0)
			continue;
		for (size_t k = 0; k < sizeof(BODIES) / sizeof(BODIES[0]);
		     k++) {
			ask(r, "POST", path, BODIES[k], &c);
			assert_int_equal(c.status, 400);
			assert_string_equal(
			    c.text, "{\"error\":\"MALFORMED\"}");
			jz_call_free(&c);
		}
		ask(r, "GET", path, "", &c);
		assert_int_equal(c.status, 405);
		jz_call_free(&c);
	}
	ask(r, "POST", "/v1/load/permit/", "{}", &c);
	assert_int_equal(c.status, 404);
	jz_call_free(&c);
	ask(r, "GET", JZ_WIRE_ISSUER, "{}", &c);
	assert_int_equal(c.status, 400);
	jz_call_free(&c);
	assert_true(rig_snapshot(r) == before);
}

/* Nothing of a body but card and counter can come into a log line. */
static void
test_what_is_noted(void **state)
{
	struct rig *r = *state;
	struct fakecard c;
	struct jz_message m;
	struct letter l;
	struct jz_call call;
	char body[BODY];

	rig_card(r, &c, DEPOSIT);
	memcpy(c.id, "\"\n\\\xff{}\0 6789012", JZ_ID_BYTES);
	m = fakecard_load_request(&c, 1);
	l = fakecard_sign(&c, &m);
	body_of(&l, "", body);
	ask(r, "POST", JZ_WIRE_PERMIT, body, &call);
	assert_int_equal(call.status, 403);
	assert_string_equal(call.card, "\"?\\?{}??6789012?");
	jz_call_free(&call);
}

/* ---- many in one commit -------------------------------------------------- */

static int
permit(struct rig *r, struct fakecard *c, uint64_t amount)
{
	struct jz_message m = fakecard_load_request(c, amount);
	struct letter l = fakecard_sign(c, &m);

	return rig_give_permit(r, &l);
}

/* Each is judged for itself: what is refused takes nobody with it. */
static void
test_group(void **state)
{
	struct rig *r = *state;
	struct fakecard a, b, c;

	rig_card(r, &a, DEPOSIT);
	rig_card(r, &b, 1);
	rig_card(r, &c, DEPOSIT);
	assert_int_equal(jz_issuer_group_begin(r->issuer), 0);
	assert_int_equal(permit(r, &a, AMOUNT), 0);
	assert_int_equal(permit(r, &b, AMOUNT), JZ_ERR_REFUSED);
	assert_int_equal(permit(r, &c, AMOUNT), 0);
	assert_int_equal(jz_issuer_group_end(r->issuer, 0), 0);
	assert_int_equal(rig_balance(r, &a), DEPOSIT - AMOUNT);
	assert_int_equal(rig_balance(r, &b), 1);
	assert_int_equal(rig_balance(r, &c), DEPOSIT - AMOUNT);
}

/* A group that is not committed has not been. */
static void
test_group_undone(void **state)
{
	struct rig *r = *state;
	uint64_t before;
	struct fakecard a;

	rig_card(r, &a, DEPOSIT);
	before = rig_snapshot(r);
	assert_int_equal(jz_issuer_group_begin(r->issuer), 0);
	assert_int_equal(permit(r, &a, AMOUNT), 0);
	assert_int_equal(
	    jz_issuer_group_end(r->issuer, JZ_ERR_CONTENDED), JZ_ERR_CONTENDED);
	assert_true(rig_snapshot(r) == before);
}

struct twice {
	unsigned calls;
	int then;
};

static int
contended_once(void *arg, struct jz_issuer *i)
{
	struct twice *t = arg;

	(void)i;
	return t->calls++ == 0 ? JZ_ERR_CONTENDED : t->then;
}

/* What was in the way of another daemon's is done once more. */
static void
test_gate_again(void **state)
{
	struct rig *r = *state;
	struct twice t = {0, JZ_ERR_REFUSED};
	struct jz_gate *g = NULL;
	uint64_t groups, done;

	assert_int_equal(jz_gate_new(r->issuer, &g), 0);
	assert_int_equal(jz_gate_do(g, contended_once, &t), JZ_ERR_REFUSED);
	assert_int_equal(t.calls, 2);
	jz_gate_counts(g, &groups, &done);
	assert_int_equal(groups, 1);
	assert_int_equal(done, 1);
	jz_gate_free(&g);
}

/* A card's certificate: of one that is known, and what is none. */
static void
test_readmit(void **state)
{
	struct rig *r = *state;
	struct fakecard c;
	struct letter l;

	rig_card(r, &c, DEPOSIT);
	l.len = c.certificate_len;
	memcpy(l.data, c.certificate, l.len);
	assert_answer(r, JZ_WIRE_READMIT, &l, 200, "\"done\"");
	l.data[l.len - 1] ^= 1;
	assert_answer(r, JZ_WIRE_READMIT, &l, 403, "CERT_FORGED");
}

static int
submit_by(void *arg, struct jz_span submission, enum jz_esign_verdict *verdict)
{
	return jz_esign_submit(arg, submission, verdict);
}

/* Submissions: where nobody judges them there is no such path. */
static void
test_submit(void **state)
{
	struct rig *r = *state;
	struct jz_issuer_esign desk;
	struct jz_call c;
	uint64_t before;

	ask(r, "POST", JZ_WIRE_SUBMIT, "{\"message\":\"FF37\"}", &c);
	assert_int_equal(c.status, 404);
	jz_call_free(&c);
	assert_int_equal(
	    jz_issuer_esign_open(r->issuer, r->dir, rig_passphrase(), &desk),
	    0);
	before = rig_snapshot(r);
	assert_true(jz_call_read(
	    &c, "POST", JZ_WIRE_SUBMIT, jz_span("{\"message\":\"FF37\"}", 18)));
	assert_true(jz_call_is_submission(&c));
	jz_call_finish(&c, jz_call_judge(&c, submit_by, &desk.verifier));
	assert_int_equal(c.status, 400);
	assert_non_null(strstr(c.text, "MALFORMED"));
	jz_call_free(&c);
	jz_issuer_esign_close(&desk);
	assert_true(rig_snapshot(r) == before);
}

/* An account's owner, as the server goes about it. */
static void
assert_owner(struct rig *r, const char *account, const char *password,
    unsigned status, const char *part)
{
	json_t *hex = jz_wire_hex(jz_span(password, strlen(password)));
	char body[BODY];
	struct jz_call c;
	int err;

	snprintf(body, sizeof(body), "{\"account\":\"%s\",\"password\":\"%s\"}",
	    account, json_string_value(hex));
	json_decref(hex);
	assert_true(jz_call_read(
	    &c, "POST", JZ_WIRE_ACCOUNT, jz_span(body, strlen(body))));
	do {
		err = jz_call_run(&c, r->issuer);
	} while (jz_call_goes_on(&c, &err));
	jz_call_finish(&c, err);
	if (c.status != status || strstr(c.text, part) == NULL)
		fail_msg("%s: %u %s", account, c.status, c.text);
	/* What a log may say of it. */
	assert_string_equal(c.card, "");
	assert_null(strstr(c.text, password));
	jz_call_free(&c);
}

/* LOD-5: the password is asked for, a wrong one is counted, the fifth locks;
 * whoever asks about nobody's account learns as much as with a wrong one. */
static void
test_owner(void **state)
{
	static const char word[] = "open sesame";
	struct rig *r = *state;
	struct jz_secret s = {0};
	struct fakecard c;
	struct jz_call call;
	uint64_t before;

	rig_card(r, &c, DEPOSIT);
	assert_int_equal(jz_secret_set(&s, jz_span(word, strlen(word))), 0);
	assert_int_equal(
	    jz_issuer_account_password(r->issuer, c.account, &s), 0);
	before = rig_snapshot(r);
	assert_owner(r, c.account, word, 200, "\"balance_minor\":10000");
	assert_owner(r, "nobody", word, 403, "\"PASSWORD\"");
	assert_true(rig_snapshot(r) == before);
	assert_owner(r, c.account, "open sesame!", 403, "\"PASSWORD\"");
	assert_false(rig_snapshot(r) == before);
	assert_owner(r, c.account, word, 200, "\"reason\":\"deposit\"");
	for (unsigned n = 0; n < JZ_PASSWORD_TRIES; n++)
		assert_owner(r, c.account, "guess", 403, "\"PASSWORD\"");
	assert_owner(r, c.account, word, 403, "PASSWORD_LOCKED");
	/* The card does not need it. */
	assert_int_equal(permit(r, &c, AMOUNT), 0);
	/* Not in this form. */
	ask(r, "POST", JZ_WIRE_ACCOUNT, "{\"account\":\"alice\"}", &call);
	assert_int_equal(call.status, 400);
	jz_call_free(&call);
	ask(r, "POST", JZ_WIRE_ACCOUNT,
	    "{\"account\":\"alice\",\"password\":\"\"}", &call);
	assert_int_equal(call.status, 400);
	jz_call_free(&call);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_owner, rig_after),
	    cmocka_unit_test_teardown(test_refusals, rig_after),
	    cmocka_unit_test_teardown(test_exists, rig_after),
	    cmocka_unit_test_teardown(test_unload, rig_after),
	    cmocka_unit_test_teardown(test_replace, rig_after),
	    cmocka_unit_test_teardown(test_find, rig_after),
	    cmocka_unit_test_teardown(test_readmit, rig_after),
	    cmocka_unit_test_teardown(test_submit, rig_after),
	    cmocka_unit_test_teardown(test_malformed, rig_after),
	    cmocka_unit_test_teardown(test_what_is_noted, rig_after),
	    cmocka_unit_test_teardown(test_group, rig_after),
	    cmocka_unit_test_teardown(test_group_undone, rig_after),
	    cmocka_unit_test_teardown(test_gate_again, rig_after),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
