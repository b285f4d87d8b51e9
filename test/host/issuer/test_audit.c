/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log: whatever somebody does to it in the database shows.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../../apdu/error.h"
#include "../../support/issuerrig.h"

#define ENTRIES 6

/* A few deposits and a revocation: entries, of which the last is returned. */
static struct jz_audit_entry
fill(struct rig *r)
{
	struct jz_audit_entry head;
	struct fakecard c;

	for (unsigned k = 0; k < ENTRIES - 1; k++)
		rig_card(r, &c, 100 + k);
	assert_int_equal(jz_issuer_revoke(r->issuer, c.id, "stolen"), 0);
	assert_int_equal(jz_issuer_audit_head(r->issuer, &head), 0);
	return head;
}

static int64_t
sound(struct rig *r, const struct jz_audit_entry *known)
{
	int64_t n;

	assert_int_equal(jz_issuer_audit_verify(r->issuer, known, &n), 0);
	return n;
}

/* ---- what is in it ------------------------------------------------------ */

struct look {
	const char *text;
	unsigned found;
	int64_t last;
};

static int
look(const struct jz_audit_entry *e, void *arg)
{
	struct look *l = arg;

	l->found += strstr(e->text, l->text) != NULL;
	assert_int_equal(e->number, l->last + 1);
	l->last = e->number;
	return 0;
}

static void
test_acts_are_entered_in_order(void **state)
{
	struct rig *r = *state;
	struct look l = {.text = "stolen"};
	struct jz_audit_entry head;

	assert_int_equal(
	    jz_issuer_audit_head(r->issuer, &head), JZ_ERR_NOT_FOUND);
	assert_int_equal(sound(r, NULL), 0);
	head = fill(r);
	assert_int_equal(jz_issuer_each_audit(r->issuer, look, &l), 0);
	assert_int_equal(l.found, 1);
	assert_int_equal(l.last, ENTRIES);
	assert_int_equal(sound(r, NULL), ENTRIES);
	assert_int_equal(sound(r, &head), ENTRIES);
}

static unsigned
entered(struct rig *r, const char *text)
{
	struct look l = {.text = text};

	assert_int_equal(jz_issuer_each_audit(r->issuer, look, &l), 0);
	return l.found;
}

/* LOD-5: what employees do to accounts and cards; the password is not in it. */
static void
test_accounts_and_replacements_are_entered(void **state)
{
	static const char word[] = "open sesame";
	struct rig *r = *state;
	struct jz_secret s = {0};
	struct jz_buffer out;
	struct fakecard a, b;

	rig_card(r, &a, 0);
	assert_int_equal(jz_secret_set(&s, jz_span(word, strlen(word))), 0);
	assert_int_equal(
	    jz_issuer_account_password(r->issuer, a.account, &s), 0);
	assert_int_equal(
	    jz_issuer_block_account(r->issuer, a.account, true), 0);
	assert_int_equal(
	    jz_issuer_block_account(r->issuer, a.account, false), 0);
	assert_int_equal(jz_issuer_block_account(r->issuer, "nobody", true),
	    JZ_ERR_NOT_FOUND);
	assert_int_equal(entered(r, "has a new password"), 1);
	assert_int_equal(entered(r, " blocked"), 1);
	assert_int_equal(entered(r, " unblocked"), 1);
	assert_int_equal(entered(r, word), 0);
	b = a;
	rig_card(r, &b, 0);
	/* Of another account: refused, and not entered. */
	assert_int_equal(
	    jz_issuer_replace(r->issuer, a.id, b.id, 1), JZ_ERR_REFUSED);
	assert_int_equal(entered(r, "is replaced by"), 0);
	/* Of the same, once. */
	out = jz_buffer(b.certificate, sizeof(b.certificate));
	assert_int_equal(jz_issuer_certify(r->issuer, a.account, a.holder,
			     b.key.public_key, 0, b.id, b.asn, &out),
	    0);
	for (unsigned n = 0; n < 2; n++)
		assert_int_equal(
		    jz_issuer_replace(r->issuer, a.id, b.id, 1), 0);
	assert_int_equal(entered(r, "is replaced by"), 1);
}

/* ALL-3: an act and its entry are one commit. */
static void
test_what_failed_is_not_entered(void **state)
{
	struct rig *r = *state;
	struct fakecard c;
	uint64_t before;

	rig_card(r, &c, 0);
	before = rig_snapshot(r);
	assert_int_equal(rig_sql(r,
			     "CREATE TRIGGER broken BEFORE INSERT ON audit"
			     " BEGIN SELECT RAISE(ABORT, 'broken'); END"),
	    SQLITE_OK);
	assert_int_equal(
	    jz_issuer_deposit(r->issuer, c.account, 5), JZ_ERR_DATABASE);
	assert_int_equal(
	    jz_issuer_revoke(r->issuer, c.id, ""), JZ_ERR_DATABASE);
	assert_int_equal(rig_sql(r, "DROP TRIGGER broken"), SQLITE_OK);
	assert_true(rig_snapshot(r) == before);
}

static void
test_the_database_only_appends(void **state)
{
	static const char *const STATEMENTS[] = {
	    "UPDATE audit SET text = 'x'",
	    "DELETE FROM audit",
	    "INSERT OR REPLACE INTO audit SELECT * FROM audit",
	    "UPDATE incident SET kind = 1",
	    "UPDATE written_off SET amount = 0",
	    "DELETE FROM restored",
	};
	struct rig *r = *state;
	struct jz_audit_entry head = fill(r);

	for (size_t k = 0; k < 3; k++)
		assert_int_equal(rig_sql(r, STATEMENTS[k]), SQLITE_CONSTRAINT);
	for (size_t k = 3; k < sizeof(STATEMENTS) / sizeof(STATEMENTS[0]); k++)
		(void)rig_sql(r, STATEMENTS[k]);
	(void)sound(r, &head);
}

/* ---- who goes round the triggers is found out --------------------------- */

#define LAST "(SELECT MAX(id) FROM audit)"
#define COPY "time, host, actor, text, previous, hash, signature FROM audit"

static const struct {
	const char *what, *sql, *fault;
} ALTERED[] = {
    {"changed", "UPDATE audit SET text = 'nothing' WHERE id = 3",
	"entry 3 was changed"},
    {"its time", "UPDATE audit SET time = time - 1 WHERE id = 3",
	"entry 3 was changed"},
    {"its actor", "UPDATE audit SET actor = 'zhang' WHERE id = 3",
	"entry 3 was changed"},
    {"another hash", "UPDATE audit SET hash = previous WHERE id = 3",
	"entry 3 was changed"},
    {"unsigned", "UPDATE audit SET signature = zeroblob(64) WHERE id = " LAST,
	"is not signed by the issuer's host"},
    {"dropped", "DELETE FROM audit WHERE id = 3", "entry 3 is missing"},
    {"the first", "DELETE FROM audit WHERE id = 1", "entry 1 is missing"},
    {"dropped, numbers closed up",
	"DELETE FROM audit WHERE id = 3;"
	"UPDATE audit SET id = id - 1 WHERE id > 3;"
	"UPDATE sequence SET next = next - 1 WHERE name = 'audit'",
	"entry 3 does not follow the one before"},
    {"inserted",
	"UPDATE audit SET id = id + 1000 WHERE id > 3;"
	"INSERT INTO audit SELECT 4, " COPY " WHERE id = 3;"
	"UPDATE audit SET id = id - 999 WHERE id > 1000;"
	"UPDATE sequence SET next = next + 1 WHERE name = 'audit'",
	"entry 4 does not follow the one before"},
    {"appended",
	"INSERT INTO audit SELECT id + 1, " COPY " WHERE id = " LAST ";"
	"UPDATE sequence SET next = next + 1 WHERE name = 'audit'",
	"does not follow the one before"},
    {"reordered",
	"UPDATE audit SET id = 0 WHERE id = 3;"
	"UPDATE audit SET id = 3 WHERE id = 4;"
	"UPDATE audit SET id = 4 WHERE id = 0",
	"entry 3 does not follow the one before"},
    {"cut off at the end", "DELETE FROM audit WHERE id = " LAST,
	"is missing at the end"},
    {"all of it", "DELETE FROM audit", "entry 1 is missing at the end"},
};

/* Only with a head that is kept elsewhere. */
static const char CUT[] =
    "DELETE FROM audit WHERE id = " LAST ";"
    "UPDATE sequence SET next = next - 1 WHERE name = 'audit'";

#define DROP_TRIGGERS                                                          \
	"DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete;"          \
	"DROP TRIGGER audit_no_replace;"

/* The database as it was, after `f`. */
static void
with_copy(struct rig *r, const char *sql,
    void (*f)(struct rig *r, const void *arg), const void *arg)
{
	char undo[160], text[1200];

	rig_sqlite_only(r);
	snprintf(undo, sizeof(undo), "%s.copy", r->database);
	jz_issuer_free(&r->issuer);
	snprintf(text, sizeof(text), "VACUUM INTO '%s'", undo);
	assert_int_equal(rig_sql(r, text), SQLITE_OK);
	snprintf(text, sizeof(text), DROP_TRIGGERS "%s", sql);
	assert_int_equal(rig_sql(r, text), SQLITE_OK);
	r->issuer = rig_open(r);
	f(r, arg);
	jz_issuer_free(&r->issuer);
	assert_int_equal(rename(undo, r->database), 0);
	r->issuer = rig_open(r);
}

static void
finds(struct rig *r, const void *fault)
{
	int64_t n;

	assert_int_equal(
	    jz_issuer_audit_verify(r->issuer, NULL, &n), JZ_ERR_LOG_ALTERED);
	if (strstr(jz_issuer_detail(r->issuer), fault) == NULL)
		fail_msg("says: %s", jz_issuer_detail(r->issuer));
}

static void
test_tampering_shows(void **state)
{
	struct rig *r = *state;

	(void)fill(r);
	for (size_t k = 0; k < sizeof(ALTERED) / sizeof(ALTERED[0]); k++) {
		print_message("  %s\n", ALTERED[k].what);
		with_copy(r, ALTERED[k].sql, finds, ALTERED[k].fault);
		(void)sound(r, NULL);
	}
}

static void
cut_off(struct rig *r, const void *arg)
{
	const struct jz_audit_entry *head = arg;
	int64_t n = sound(r, NULL); /* nothing in the log itself tells */

	assert_int_equal(n, head->number - 1);
	assert_int_equal(
	    jz_issuer_audit_verify(r->issuer, head, &n), JZ_ERR_LOG_ALTERED);
	assert_non_null(
	    strstr(jz_issuer_detail(r->issuer), "missing at the end"));
	/* Another entry in its place does not help. */
	{
		struct fakecard c;

		rig_card(r, &c, 1);
	}
	(void)sound(r, NULL);
	assert_int_equal(
	    jz_issuer_audit_verify(r->issuer, head, &n), JZ_ERR_LOG_ALTERED);
}

static void
test_a_head_kept_elsewhere_shows_the_cut(void **state)
{
	struct rig *r = *state;
	struct jz_audit_entry head = fill(r), forged;
	int64_t n;

	with_copy(r, CUT, cut_off, &head);
	(void)sound(r, &head);
	/* A head of an earlier day serves as well, a forged one is none. */
	forged = head;
	(void)fill(r);
	(void)sound(r, &head);
	forged.number += 100;
	forged.hash[0] ^= 1;
	assert_int_equal(
	    jz_issuer_audit_verify(r->issuer, &forged, &n), JZ_ERR_LOG_ALTERED);
	assert_non_null(strstr(jz_issuer_detail(r->issuer), "not signed"));
}

/* The host of the day signs; the earlier ones stay good. */
static void
test_it_goes_on_over_a_roll(void **state)
{
	struct rig *r = *state;
	struct jz_audit_entry head = fill(r);
	unsigned version;

	jz_issuer_free(&r->issuer);
	assert_int_equal(
	    jz_issuer_roll_chain(r->dir, rig_passphrase(), true, &version), 0);
	r->issuer = rig_open(r);
	(void)sound(r, &head);
	head = fill(r);
	(void)sound(r, &head);
	assert_int_equal(
	    head.host[strnlen((const char *)head.host, sizeof(head.host)) - 1],
	    '2');
}

int
main(void)
{
#define T(f) cmocka_unit_test_teardown(f, rig_after)
	const struct CMUnitTest tests[] = {
	    T(test_acts_are_entered_in_order),
	    T(test_what_failed_is_not_entered),
	    T(test_accounts_and_replacements_are_entered),
	    T(test_the_database_only_appends),
	    T(test_tampering_shows),
	    T(test_a_head_kept_elsewhere_shows_the_cut),
	    T(test_it_goes_on_over_a_roll),
	};

	return cmocka_run_group_tests_name(
	    "audit log", tests, rig_setup, rig_teardown);
}
