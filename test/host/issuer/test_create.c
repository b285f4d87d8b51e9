/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An issuer's directory: made whole or not at all, opened by its passphrase.
 */
#define _XOPEN_SOURCE 700

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../../apdu/error.h"
#include "../../../host/issuer/sql.h"
#include "../../support/issuerrig.h"

struct path {
	char text[128];
};

static struct path
beside(const struct rig *r, const char *name)
{
	struct path p;

	snprintf(p.text, sizeof(p.text), "%s/%s", r->parent, name);
	return p;
}

static unsigned
entries(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
test_what_is_made(void **state)
{
	struct rig *r = *state;
	struct stat st;

	assert_int_equal(stat(r->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(r->database, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(jz_issuer_currency(r->issuer), RIG_CURRENCY);
	assert_int_equal(jz_issuer_refusal(r->issuer), JZ_REFUSAL_NONE);
	assert_string_equal(jz_issuer_detail(r->issuer), "");
}

/* What the handle itself asks of SQLite: durable, strict, patient. */
static void
test_how_the_database_is_used(void **state)
{
	static const struct {
		const char *pragma, *value;
	} CASES[] = {
	    {"PRAGMA journal_mode", "wal"},
	    {"PRAGMA synchronous", "2"},
	    {"PRAGMA foreign_keys", "1"},
	    {"PRAGMA recursive_triggers", "1"},
	    {"PRAGMA busy_timeout", "10000"},
	    {"PRAGMA user_version", "8"},
	    {"PRAGMA integrity_check", "ok"},
	};
	struct rig *r = *state;
	sqlite3_stmt *st = NULL;

	for (size_t k = 0; k < sizeof(CASES) / sizeof(CASES[0]); k++) {
		assert_int_equal(
		    sqlite3_prepare_v2(r->issuer->store->connection,
			CASES[k].pragma, -1, &st, NULL),
		    SQLITE_OK);
		assert_int_equal(sqlite3_step(st), SQLITE_ROW);
		assert_string_equal(
		    (const char *)sqlite3_column_text(st, 0), CASES[k].value);
		sqlite3_finalize(st);
	}
}

static void
check_certificate(const struct rig *r, struct jz_span bytes,
    const struct jz_certificate *by, enum jz_role role,
    struct jz_certificate *out)
{
	struct jz_authority authority;

	assert_int_equal(jz_certificate_parse(bytes, r->engine.crypto, out), 0);
	if (by == NULL)
		by = out;
	memcpy(authority.reference, by->holder, JZ_REFERENCE_BYTES);
	memcpy(authority.public_key, by->public_key, JZ_POINT_BYTES);
	assert_int_equal(
	    jz_certificate_verify(&r->engine, out, &authority, role, r->now),
	    0);
}

static void
test_chain_of_certificates(void **state)
{
	struct rig *r = *state;
	struct jz_certificate root, ca, host;

	check_certificate(
	    r, jz_issuer_root(r->issuer), NULL, JZ_ROLE_ROOT, &root);
	check_certificate(r, jz_issuer_ca(r->issuer), &root, JZ_ROLE_CA, &ca);
	check_certificate(
	    r, jz_issuer_host(r->issuer), &ca, JZ_ROLE_HOST, &host);
}

static void
test_nothing_is_overwritten(void **state)
{
	struct rig *r = *state;
	struct path file = beside(r, "file");
	uint64_t before = rig_snapshot(r);
	FILE *f = fopen(file.text, "w");
	unsigned n;

	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
	n = entries(r->parent);
	assert_int_equal(
	    jz_issuer_create(r->dir, rig_passphrase(), RIG_CURRENCY),
	    JZ_ERR_EXISTS);
	assert_int_equal(
	    jz_issuer_create(file.text, rig_passphrase(), RIG_CURRENCY),
	    JZ_ERR_EXISTS);
	assert_true(rig_snapshot(r) == before);
	/* Nor is anything left beside it. */
	assert_int_equal(entries(r->parent), n);
	assert_int_equal(unlink(file.text), 0);
}

static void
test_refused_arguments(void **state)
{
	struct rig *r = *state;
	struct path p = beside(r, "new");
	struct path deep = beside(r, "no/such/place");

	assert_int_equal(
	    jz_issuer_create(p.text, rig_passphrase(), 0), JZ_ERR_RANGE);
	assert_int_equal(
	    jz_issuer_create(p.text, rig_passphrase(), 1000), JZ_ERR_RANGE);
	assert_int_equal(jz_issuer_create("", rig_passphrase(), RIG_CURRENCY),
	    JZ_ERR_ARGUMENT);
	assert_int_equal(
	    jz_issuer_create(deep.text, rig_passphrase(), RIG_CURRENCY),
	    JZ_ERR_NOT_FOUND);
	assert_int_not_equal(access(p.text, F_OK), 0);
}

static void
test_empty_directory_will_do(void **state)
{
	struct rig *r = *state;
	struct path p = beside(r, "empty/");
	struct jz_issuer *i = NULL;

	assert_int_equal(mkdir(p.text, 0700), 0);
	assert_int_equal(jz_issuer_create(p.text, rig_passphrase(), 840), 0);
	assert_int_equal(jz_issuer_open(p.text, rig_passphrase(), &i), 0);
	assert_int_equal(jz_issuer_currency(i), 840);
	jz_issuer_free(&i);
	assert_null(i);
}

static void
test_wrong_passphrase(void **state)
{
	struct rig *r = *state;
	struct jz_issuer *i = r->issuer;

	assert_int_equal(
	    jz_issuer_open(r->dir, JZ_SECRET("wrong"), &i), JZ_ERR_PASSPHRASE);
	assert_null(i);
}

static void
test_not_an_issuer(void **state)
{
	struct rig *r = *state;
	struct jz_issuer *i = NULL;
	struct path p = beside(r, "nowhere");

	assert_int_equal(
	    jz_issuer_open(p.text, rig_passphrase(), &i), JZ_ERR_NOT_FOUND);
	assert_int_equal(
	    jz_issuer_open(r->parent, rig_passphrase(), &i), JZ_ERR_NOT_FOUND);
	assert_null(i);
	jz_issuer_free(&i);
}

static void
test_newer_and_foreign_databases(void **state)
{
	struct rig *r = *state;
	struct jz_issuer *i = NULL;

	assert_int_equal(rig_sql(r, "PRAGMA user_version = 999"), SQLITE_OK);
	assert_int_equal(
	    jz_issuer_open(r->dir, rig_passphrase(), &i), JZ_ERR_UNSUPPORTED);
	assert_int_equal(rig_sql(r, "PRAGMA user_version = 8"), SQLITE_OK);
	assert_int_equal(rig_sql(r, "PRAGMA application_id = 7"), SQLITE_OK);
	assert_int_equal(
	    jz_issuer_open(r->dir, rig_passphrase(), &i), JZ_ERR_DATABASE);
	assert_null(i);
	assert_int_equal(
	    rig_sql(r, "PRAGMA application_id = 1247430995"), SQLITE_OK);
	i = rig_open(r);
	jz_issuer_free(&i);
}

static void
test_database_of_garbage(void **state)
{
	struct rig *r = *state;
	struct path p = beside(r, "garbage"), db;
	struct jz_issuer *i = NULL;
	FILE *f;

	assert_int_equal(mkdir(p.text, 0700), 0);
	db = beside(r, "garbage/issuer.db");
	f = fopen(db.text, "w");
	assert_non_null(f);
	for (unsigned k = 0; k < 1000; k++)
		assert_int_equal(fputc('x', f), 'x');
	assert_int_equal(fclose(f), 0);
	assert_int_equal(
	    jz_issuer_open(p.text, rig_passphrase(), &i), JZ_ERR_DATABASE);
	assert_null(i);
}

static void
test_opened_again_it_is_the_same(void **state)
{
	struct rig *r = *state;
	struct fakecard c;
	struct jz_issuer *i;
	int64_t minor;

	rig_card(r, &c, 12345);
	i = rig_open(r);
	assert_int_equal(jz_issuer_account_balance(i, c.account, &minor), 0);
	assert_int_equal(minor, 12345);
	assert_int_equal(jz_issuer_shadow(i, c.id, &minor), 0);
	assert_int_equal(minor, 0);
	jz_issuer_free(&i);
}

/* ---- the cards' administration keys ------------------------------------- */

static void
set_admin(struct jz_issuer *i)
{
	for (uint8_t k = 0; k < JZ_MASTER_BYTES; k++)
		i->pki.masters.list[0].key.hidden.bytes[k] = k;
}

/*
 * SHA-256(admin || 00000001 || "jiaozi card administration" || n || kvn ||
 * kdd), the first 16 bytes: ANSI X9.63 written out.
 */
static void
test_card_keys(void **state)
{
	static const uint8_t counter[4] = {0, 0, 0, 1};
	const uint8_t kdd[JZ_GP_KDD_BYTES] = {0x4A, 0x5A, 1, 2, 3, 4, 5, 6, 7};
	struct rig *r = *state;
	struct jz_issuer *i = rig_open(r);
	struct jz_scp03_keys keys;
	const uint8_t *const got[] = {keys.enc, keys.mac, keys.dek};
	uint8_t want[JZ_HASH_BYTES];

	set_admin(i);
	assert_int_equal(jz_issuer_card_keys(i, kdd, 7, &keys), 0);
	for (uint8_t n = 1; n <= 3; n++) {
		const uint8_t which[] = {n, 7};
		const struct jz_span parts[] = {
		    jz_secret_span(&i->pki.masters.list[0].key),
		    jz_span(counter, sizeof(counter)),
		    jz_span("jiaozi card administration", 26),
		    jz_span(which, sizeof(which)), jz_span(kdd, sizeof(kdd))};

		assert_int_equal(
		    r->engine.crypto->hash(r->engine.state, parts, 5, want), 0);
		assert_memory_equal(got[n - 1], want, JZ_KEY_BYTES);
	}
	jz_issuer_free(&i);
}

/* No two cards, versions or issuers share a key. */
static void
test_card_keys_differ(void **state)
{
	uint8_t kdd[JZ_GP_KDD_BYTES] = {0x4A, 0x5A};
	struct rig *r = *state;
	struct jz_issuer *i = rig_open(r);
	struct jz_scp03_keys keys[4];
	const uint8_t *all[12];

	assert_int_equal(jz_issuer_card_keys(i, kdd, 1, &keys[0]), 0);
	assert_int_equal(jz_issuer_card_keys(i, kdd, 2, &keys[1]), 0);
	kdd[9] ^= 1;
	assert_int_equal(jz_issuer_card_keys(i, kdd, 1, &keys[2]), 0);
	set_admin(i);
	assert_int_equal(jz_issuer_card_keys(i, kdd, 1, &keys[3]), 0);
	for (size_t k = 0; k < 4; k++) {
		all[3 * k] = keys[k].enc;
		all[3 * k + 1] = keys[k].mac;
		all[3 * k + 2] = keys[k].dek;
	}
	for (size_t a = 0; a < 12; a++)
		for (size_t b = a + 1; b < 12; b++)
			assert_memory_not_equal(all[a], all[b], JZ_KEY_BYTES);
	jz_issuer_free(&i);
}

/* An issuer of an earlier release opens and settles, but administers nothing
 * until it is given a key; and only once. */
static void
test_issuer_without_admin_key(void **state)
{
	static const uint8_t zero[sizeof(struct jz_scp03_keys)];
	const uint8_t kdd[JZ_GP_KDD_BYTES] = {0};
	struct rig *r = *state;
	struct path key = beside(r, "bank/keys/admin.key");
	struct path away = beside(r, "admin.key");
	struct jz_scp03_keys keys;
	struct jz_issuer *i;

	assert_int_equal(rename(key.text, away.text), 0);
	i = rig_open(r);
	memset(&keys, 0xEE, sizeof(keys));
	assert_int_equal(
	    jz_issuer_card_keys(i, kdd, 1, &keys), JZ_ERR_NOT_FOUND);
	assert_memory_equal(&keys, zero, sizeof(zero));
	jz_issuer_free(&i);
	assert_int_equal(
	    jz_issuer_add_admin(r->dir, JZ_SECRET("wrong")), JZ_ERR_PASSPHRASE);
	assert_int_equal(jz_issuer_add_admin(r->dir, rig_passphrase()), 0);
	assert_int_equal(
	    jz_issuer_add_admin(r->dir, rig_passphrase()), JZ_ERR_EXISTS);
	i = rig_open(r);
	assert_int_equal(jz_issuer_card_keys(i, kdd, 1, &keys), 0);
	jz_issuer_free(&i);
	assert_int_equal(rename(away.text, key.text), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_what_is_made, rig_after),
	    cmocka_unit_test(test_how_the_database_is_used),
	    cmocka_unit_test(test_chain_of_certificates),
	    cmocka_unit_test_teardown(test_nothing_is_overwritten, rig_after),
	    cmocka_unit_test(test_refused_arguments),
	    cmocka_unit_test(test_empty_directory_will_do),
	    cmocka_unit_test(test_wrong_passphrase),
	    cmocka_unit_test(test_not_an_issuer),
	    cmocka_unit_test(test_newer_and_foreign_databases),
	    cmocka_unit_test(test_database_of_garbage),
	    cmocka_unit_test_teardown(
		test_opened_again_it_is_the_same, rig_after),
	    cmocka_unit_test(test_card_keys),
	    cmocka_unit_test(test_card_keys_differ),
	    cmocka_unit_test(test_issuer_without_admin_key),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
