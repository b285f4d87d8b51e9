/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation at the issuer: each act makes a list of everything that is void,
 * signed and never taken back; a revoked card is not loaded and may settle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../../apdu/error.h"
#include "../../support/issuerrig.h"

#define AMOUNT 2500

static struct jz_message
newest(struct rig *r, uint8_t bytes[static JZ_MESSAGE_MAX])
{
	struct jz_buffer b = jz_buffer(bytes, JZ_MESSAGE_MAX);
	struct jz_certificate ca;
	struct jz_authority by;
	struct jz_message m;

	assert_int_equal(jz_issuer_revocation(r->issuer, &b), 0);
	assert_int_equal(jz_revocation_parse(jz_buffer_span(&b), &m), 0);
	assert_int_equal(jz_certificate_parse(
			     jz_issuer_ca(r->issuer), r->engine.crypto, &ca),
	    0);
	memcpy(by.reference, ca.holder, sizeof(by.reference));
	memcpy(by.public_key, ca.public_key, sizeof(by.public_key));
	assert_int_equal(jz_revocation_verify(&r->engine, &m, &by), 0);
	return m;
}

static bool
names(const struct jz_message *m, const struct fakecard *c)
{
	for (size_t at = 0; at < m->revoked.len; at += JZ_ID_BYTES) {
		if (memcmp(m->revoked.data + at, c->id, JZ_ID_BYTES) == 0)
			return true;
	}
	return false;
}

/* The first test: there is nothing yet. */
static void
test_an_issuer_begins_without(void **state)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct rig *r = *state;
	struct fakecard c;
	bool revoked = true;

	rig_card(r, &c, 1);
	assert_int_equal(jz_issuer_revocation(r->issuer, &b), JZ_ERR_NOT_FOUND);
	assert_int_equal(jz_issuer_revoked(r->issuer, c.id, &revoked), 0);
	assert_false(revoked);
	assert_int_equal(jz_issuer_revocation_audit(r->issuer), 0);
}

/* proves: LOD-5 (a revoked certificate is refused by name) */
static void
test_a_revoked_card_is_not_loaded_and_settles(void **state)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct rig *r = *state;
	struct fakecard a, b;
	struct jz_message m, list;
	struct letter l;
	uint64_t before;
	bool revoked;

	rig_card(r, &a, RIG_DEPOSIT);
	rig_card(r, &b, RIG_DEPOSIT);
	rig_load(r, &a, AMOUNT);
	fakecard_pay(&a, &b, 400);
	m = fakecard_load_request(&a, AMOUNT);
	l = fakecard_sign(&a, &m);
	assert_int_equal(jz_issuer_revoke(r->issuer, a.id, "stolen"), 0);
	before = rig_snapshot(r);
	rig_refused(r, rig_give_permit(r, &l), JZ_REFUSAL_CARD_REVOKED, before);
	assert_int_equal(jz_issuer_revoked(r->issuer, a.id, &revoked), 0);
	assert_true(revoked);
	list = newest(r, bytes);
	assert_true(names(&list, &a) && !names(&list, &b));
	/* What has happened is booked. */
	rig_settle(r, &a);
	rig_settle(r, &b);
	assert_int_equal(rig_shadow(r, &a), AMOUNT - 400);
	rig_load(r, &b, AMOUNT);
}

static void
test_what_cannot_be_revoked(void **state)
{
	static const uint8_t nobody[] = "CN99999999900001";
	char reason[JZ_REASON_MAX + 2];
	struct rig *r = *state;
	struct fakecard c;
	uint64_t before;

	rig_card(r, &c, 1);
	assert_int_equal(jz_issuer_revoke(r->issuer, c.id, ""), 0);
	before = rig_snapshot(r);
	assert_int_equal(jz_issuer_revoke(r->issuer, c.id, ""), JZ_ERR_EXISTS);
	assert_int_equal(
	    jz_issuer_revoke(r->issuer, nobody, ""), JZ_ERR_NOT_FOUND);
	assert_int_equal(
	    jz_issuer_revoke_below(r->issuer, 0, ""), JZ_ERR_EXISTS);
	memset(reason, 'x', sizeof(reason));
	reason[sizeof(reason) - 1] = '\0';
	rig_card(r, &c, 1);
	before = rig_snapshot(r);
	assert_int_equal(
	    jz_issuer_revoke(r->issuer, c.id, reason), JZ_ERR_RANGE);
	assert_true(rig_snapshot(r) == before);
}

/* A full list, then a generation that empties it. */
static void
test_a_full_list_makes_room_by_the_generation(void **state)
{
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct rig *r = *state;
	struct jz_message list = newest(r, bytes);
	struct fakecard c, next;
	uint32_t version = list.list_version;

	for (size_t n = list.revoked.len / JZ_ID_BYTES; n < JZ_REVOCATION_MAX;
	     n++) {
		rig_card(r, &c, 1);
		assert_int_equal(jz_issuer_revoke(r->issuer, c.id, ""), 0);
		list = newest(r, bytes);
		assert_int_equal(list.list_version, ++version);
	}
	rig_card(r, &next, 1);
	assert_int_equal(
	    jz_issuer_revoke(r->issuer, next.id, ""), JZ_ERR_LIST_FULL);
	assert_int_equal(jz_issuer_revoke_below(r->issuer, 2, "all old"), 0);
	list = newest(r, bytes);
	assert_int_equal(list.generation, 2);
	assert_int_equal(list.revoked.len, 0);
	/* New cards are of the new generation, and may load. */
	assert_int_equal(
	    jz_issuer_revoke(r->issuer, next.id, ""), JZ_ERR_EXISTS);
	rig_card(r, &next, RIG_DEPOSIT);
	rig_load(r, &next, AMOUNT);
	/* And can be revoked, one after the other. */
	rig_card(r, &c, 1);
	assert_int_equal(jz_issuer_revoke(r->issuer, next.id, ""), 0);
	assert_int_equal(jz_issuer_revoke(r->issuer, c.id, ""), 0);
	list = newest(r, bytes);
	assert_true(names(&list, &next) && names(&list, &c));
	assert_int_equal(jz_issuer_revocation_audit(r->issuer), 0);
}

/* ---- the database from outside ------------------------------------------ */

static void
test_nothing_can_be_taken_back(void **state)
{
	static const char *const STATEMENTS[] = {
	    "DELETE FROM revocation",
	    "UPDATE revocation SET reason = 'mistake'",
	    "UPDATE revocation SET card = NULL",
	    "INSERT OR REPLACE INTO revocation (version, time, generation,"
	    " card, reason, list) SELECT version, 0, 0, NULL, '', x'00'"
	    " FROM revocation",
	    "INSERT INTO revocation (version, time, generation, card, reason,"
	    " list) VALUES (999, 0, 99, NULL, '', x'00')",
	    "INSERT INTO revocation (version, time, generation, card, reason,"
	    " list) SELECT MAX(version) + 1, 0, 0, NULL, '', x'00'"
	    " FROM revocation",
	};
	struct rig *r = *state;
	uint64_t before = rig_snapshot(r);

	for (size_t k = 0; k < sizeof(STATEMENTS) / sizeof(STATEMENTS[0]); k++)
		assert_int_equal(rig_sql(r, STATEMENTS[k]), SQLITE_CONSTRAINT);
	assert_true(rig_snapshot(r) == before);
}

/* What triggers do not stop, the audit and the next load find. */
static void
test_a_forged_list_is_found(void **state)
{
	struct rig *r = *state;
	struct fakecard c;
	struct jz_message m;
	struct letter l;

	rig_card(r, &c, RIG_DEPOSIT);
	assert_int_equal(jz_issuer_revocation_audit(r->issuer), 0);
	assert_int_equal(rig_sql(r, "DROP TRIGGER revocation_no_update"), 0);
	assert_int_equal(
	    rig_sql(r,
		"UPDATE revocation SET generation = 1, list ="
		" (SELECT list FROM revocation WHERE version = 1)"
		" WHERE version = (SELECT MAX(version) FROM revocation)"),
	    0);
	assert_int_equal(jz_issuer_revocation_audit(r->issuer), JZ_ERR_AUDIT);
	assert_true(strlen(jz_issuer_detail(r->issuer)) > 0);
	m = fakecard_load_request(&c, AMOUNT);
	l = fakecard_sign(&c, &m);
	assert_int_equal(rig_give_permit(r, &l), JZ_ERR_DATABASE);
}

/* After all others: as an earlier release left its database. */
static void
test_an_issuer_of_before_is_taken_along(void **state)
{
	struct rig *r = *state;
	struct jz_issuer *again;
	struct fakecard c;

	assert_int_equal(rig_sql(r,
			     "DROP TRIGGER load_report_not_after_unload;"
			     "DROP TABLE replacement_load;"
			     "DROP TABLE replacement;"
			     "DROP TABLE unload;"
			     "DROP TRIGGER received_not_after_exception;"
			     "DROP TABLE exception_paid;"
			     "DROP TABLE exception;"
			     "DROP TABLE revocation"),
	    0);
	assert_int_equal(rig_sql(r, "PRAGMA user_version = 1"), 0);
	again = rig_open(r);
	rig_card(r, &c, 1);
	assert_int_equal(jz_issuer_revoke(again, c.id, ""), 0);
	assert_int_equal(jz_issuer_revocation_audit(again), 0);
	jz_issuer_free(&again);
}

int
main(void)
{
#define T(f) cmocka_unit_test_teardown(f, rig_after)
	const struct CMUnitTest tests[] = {
	    T(test_an_issuer_begins_without),
	    T(test_a_revoked_card_is_not_loaded_and_settles),
	    T(test_what_cannot_be_revoked),
	    T(test_a_full_list_makes_room_by_the_generation),
	    T(test_nothing_can_be_taken_back),
	    cmocka_unit_test(test_a_forged_list_is_found),
	    cmocka_unit_test(test_an_issuer_of_before_is_taken_along),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
