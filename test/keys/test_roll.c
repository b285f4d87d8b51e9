/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New versions of the issuer's CA and host keys in its directory: each certified
 * as the first was, the old certificates kept, the old keys gone.
 */
#define _DEFAULT_SOURCE

#include "fixture.h"

#include "../../keys/store/file.h"
#include "../../keys/store/pki.h"

#define NOW   INT64_C(1769860800) /* 2026-01-31T12:00:00Z */
#define YEAR  INT64_C(31557600)
#define FILES 7 /* of a new directory */

#define PASSPHRASE JZ_SECRET("correct horse")

struct world {
	struct jz_engine engine;
	char dir[FX_PATH_MAX];
	struct jz_pki first, now;
};

static int
open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	*state = w;
	if (w == NULL || jz_openssl_new(JZ_SUITE_NIST, &w->engine) != 0)
		return -1;
	fx_make_dir(w->dir);
	return jz_pki_create(&w->engine, w->dir, PASSPHRASE, NOW, &w->first);
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

static int
load(struct world *w)
{
	return jz_pki_load(&w->engine, w->dir, PASSPHRASE, &w->now);
}

static int
roll(struct world *w, bool ca, int64_t now)
{
	int rc;

	memset(&w->now, 0xEE, sizeof(w->now));
	rc = jz_pki_roll(&w->engine, w->dir, PASSPHRASE, ca, now, &w->now);
	if (rc != 0)
		fx_assert_zero(&w->now, sizeof(w->now));
	return rc;
}

static bool
there(const struct world *w, const char *name)
{
	char path[FX_PATH_MAX];

	fx_path(path, w->dir, name);
	return access(path, F_OK) == 0;
}

static void
write_versions(const struct world *w, const char *text)
{
	char path[FX_PATH_MAX];

	fx_path(path, w->dir, "versions");
	fx_write(path, text, strlen(text));
}

static void
copy(const struct world *w, const char *from, const char *to)
{
	char path[FX_PATH_MAX];
	uint8_t bytes[512];
	size_t len;

	fx_path(path, w->dir, from);
	len = fx_read(path, bytes, sizeof(bytes));
	fx_path(path, w->dir, to);
	fx_write(path, bytes, len);
}

static void
assert_signed(const struct world *w, const struct jz_pki_entry *e,
    const char *reference, const struct jz_pki_entry *above, enum jz_role role)
{
	uint8_t want[JZ_REFERENCE_BYTES] = {0};
	struct jz_authority by;

	memcpy(want, reference, strlen(reference));
	assert_memory_equal(e->certificate.holder, want, sizeof(want));
	assert_memory_equal(
	    e->certificate.public_key, e->key.public_key, JZ_PUBLIC_BYTES_EC);
	memcpy(by.reference, above->certificate.holder, JZ_REFERENCE_BYTES);
	memcpy(by.public_key, above->key.public_key, JZ_PUBLIC_BYTES_EC);
	assert_int_equal(
	    jz_certificate_verify(&w->engine, &e->certificate, &by, role, 0),
	    0);
}

static void
test_a_new_ca_and_its_host(void **state)
{
	struct world *w = *state;
	struct jz_authority by;
	char path[FX_PATH_MAX], log[256] = "";

	assert_int_equal(roll(w, true, NOW + YEAR), 0);
	assert_int_equal(w->now.ca_version, 2);
	assert_int_equal(w->now.host_version, 2);
	assert_memory_equal(
	    &w->now.root.key, &w->first.root.key, sizeof(w->now.root.key));
	assert_signed(
	    w, &w->now.ca, "CNJZISSUER00002", &w->now.root, JZ_ROLE_CA);
	assert_signed(
	    w, &w->now.host, "CNJZHOST00002", &w->now.ca, JZ_ROLE_HOST);
	assert_memory_not_equal(w->now.ca.key.private_key,
	    w->first.ca.key.private_key, JZ_PRIVATE_BYTES);
	assert_memory_not_equal(w->now.host.key.private_key,
	    w->first.host.key.private_key, JZ_PRIVATE_BYTES);
	/* The one before is known, and nobody else. */
	assert_int_equal(w->now.old_ca[0].len, w->first.ca.len);
	assert_memory_equal(
	    w->now.old_ca[0].bytes, w->first.ca.bytes, w->first.ca.len);
	assert_int_equal(
	    jz_pki_ca(&w->engine, &w->now, w->first.ca.certificate.holder, &by),
	    0);
	assert_memory_equal(
	    by.public_key, w->first.ca.key.public_key, JZ_PUBLIC_BYTES_EC);
	assert_int_equal(
	    jz_pki_ca(&w->engine, &w->now, w->now.ca.certificate.holder, &by),
	    0);
	assert_memory_equal(
	    by.public_key, w->now.ca.key.public_key, JZ_PUBLIC_BYTES_EC);
	assert_int_equal(
	    jz_pki_ca(&w->engine, &w->now, w->now.host.certificate.holder, &by),
	    JZ_ERR_CERT_ISSUER);
	/* What signs nothing any more is gone; its certificate stays. */
	assert_false(there(w, "ca.key") || there(w, "host.key"));
	assert_true(there(w, "ca.cvcert") && there(w, "host.cvcert"));
	assert_true(there(w, "ca-2.key") && there(w, "host-2.key"));
	fx_path(path, w->dir, "versions");
	fx_read(path, log, sizeof(log) - 1);
	assert_string_equal(log, "ca 2\nhost 2\n");
	fx_path(path, w->dir, "audit.log");
	memset(log, 0, sizeof(log));
	fx_read(path, log, sizeof(log) - 1);
	assert_string_equal(log, "2027-01-31T18:00:00Z ca 2, host 2\n");
}

static void
test_a_new_host_alone(void **state)
{
	struct world *w = *state;

	assert_int_equal(roll(w, false, NOW), 0);
	assert_int_equal(w->now.ca_version, 1);
	assert_int_equal(w->now.host_version, 2);
	assert_signed(
	    w, &w->now.host, "CNJZHOST00002", &w->first.ca, JZ_ROLE_HOST);
	assert_true(there(w, "ca.key") && !there(w, "host.key"));
	assert_int_equal(roll(w, true, NOW), 0);
	assert_int_equal(w->now.ca_version, 2);
	assert_int_equal(w->now.host_version, 3);
	assert_int_equal(load(w), 0);
	assert_int_equal(w->now.host_version, 3);
	assert_memory_equal(
	    &w->now.masters, &w->first.masters, sizeof(w->now.masters));
}

/* Nobody's certificate outlives that of whoever signed it. */
static void
test_dates(void **state)
{
	struct world *w = *state;

	assert_int_equal(roll(w, true, NOW + 15 * YEAR), 0);
	assert_int_equal(
	    w->now.ca.certificate.to, w->first.root.certificate.to);
	assert_int_equal(
	    w->now.host.certificate.to, w->first.root.certificate.to);
	assert_int_equal(
	    roll(w, true, w->first.root.certificate.to), JZ_ERR_CERT_EXPIRED);
	assert_int_equal(load(w), 0);
	assert_int_equal(w->now.ca_version, 2);
	/* The CA of the first day ends before the root. */
	write_versions(w, "ca 1\nhost 1\n");
}

static void
test_an_expired_ca_certifies_no_host(void **state)
{
	struct world *w = *state;

	assert_int_equal(
	    roll(w, false, w->first.ca.certificate.to), JZ_ERR_CERT_EXPIRED);
	assert_int_equal(fx_count_files(w->dir), FILES);
	assert_int_equal(roll(w, true, w->first.ca.certificate.to), 0);
}

static void
test_wrong_passphrase(void **state)
{
	struct world *w = *state;

	assert_int_equal(jz_pki_roll(&w->engine, w->dir, JZ_SECRET("wrong"),
			     true, NOW, &w->now),
	    JZ_ERR_PASSPHRASE);
	assert_int_equal(fx_count_files(w->dir), FILES);
	assert_int_equal(
	    jz_pki_roll(&w->engine, "/nowhere", PASSPHRASE, true, NOW, &w->now),
	    JZ_ERR_NOT_FOUND);
}

/* Files of the next version without the word that they count. */
static void
test_a_roll_that_was_cut_off_is_done_again(void **state)
{
	struct world *w = *state;

	copy(w, "ca.key", "ca-2.key");
	copy(w, "host.cvcert", "ca-2.cvcert");
	copy(w, "host.key", "host-2.key");
	assert_int_equal(load(w), 0);
	assert_int_equal(w->now.ca_version, 1);
	assert_int_equal(roll(w, true, NOW), 0);
	assert_int_equal(load(w), 0);
	assert_int_equal(w->now.ca_version, 2);
}

static void
test_versions_that_cannot_be(void **state)
{
	static const char *const BAD[] = {"", "ca 1\n", "ca 1\nhost 1",
	    "host 1\nca 1\n", "ca 0\nhost 1\n", "ca 01\nhost 1\n",
	    "ca 1\nhost 17\n", "ca 1\nhost 1\n\n", "ca  1\nhost 1\n",
	    "ca 1\nhost -1\n", "ca 4294967297\nhost 1\n",
	    "ca 1\nhost 1\nroot 1\nroot 1\nroot 1\nroot 1\nroot 1\nroot 1"};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		write_versions(w, BAD[i]);
		assert_int_equal(load(w), JZ_ERR_KEYFILE);
	}
	write_versions(w, "ca 1\nhost 1\n");
	assert_int_equal(load(w), 0);
	/* A version that there is not; and the old word put back. */
	write_versions(w, "ca 2\nhost 1\n");
	assert_int_equal(load(w), JZ_ERR_NOT_FOUND);
	write_versions(w, "ca 1\nhost 1\n");
	assert_int_equal(roll(w, true, NOW), 0);
	write_versions(w, "ca 1\nhost 1\n");
	assert_int_equal(load(w), JZ_ERR_NOT_FOUND);
}

/* A directory with "versions" is somebody's. */
static void
test_not_made_over(void **state)
{
	static const char *const NAMES[FILES] = {"root.key", "ca.key",
	    "host.key", "root.cvcert", "ca.cvcert", "host.cvcert", "admin.key"};
	struct world *w = *state;
	char path[FX_PATH_MAX];

	write_versions(w, "ca 2\nhost 2\n");
	for (size_t i = 0; i < FILES; i++) {
		fx_path(path, w->dir, NAMES[i]);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(
	    jz_pki_create(&w->engine, w->dir, PASSPHRASE, NOW, &w->now),
	    JZ_ERR_EXISTS);
}

static void
test_damaged_old_certificates(void **state)
{
	static const char *const NAMES[] = {"ca.cvcert", "host.cvcert"};
	struct world *w = *state;
	char path[FX_PATH_MAX];
	uint8_t bytes[512];
	size_t len;

	assert_int_equal(roll(w, true, NOW), 0);
	for (size_t i = 0; i < 2; i++) {
		fx_path(path, w->dir, NAMES[i]);
		len = fx_read(path, bytes, sizeof(bytes));
		bytes[len - 1] ^= 1;
		fx_write(path, bytes, len);
		assert_int_equal(load(w), JZ_ERR_CERT_FORGED);
		bytes[len - 1] ^= 1;
		fx_write(path, bytes, len);
	}
	copy(w, "host.cvcert", "ca.cvcert");
	assert_int_not_equal(load(w), 0);
	fx_path(path, w->dir, "ca.cvcert");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(load(w), JZ_ERR_NOT_FOUND);
}

static void
test_no_more_versions(void **state)
{
	struct world *w = *state;
	char name[32], text[32];

	for (unsigned v = 2; v <= JZ_PKI_VERSIONS_MAX; v++) {
		snprintf(name, sizeof(name), "host-%u.cvcert", v);
		copy(w, "host.cvcert", name);
	}
	snprintf(name, sizeof(name), "host-%d.key", JZ_PKI_VERSIONS_MAX);
	copy(w, "host.key", name);
	snprintf(text, sizeof(text), "ca 1\nhost %d\n", JZ_PKI_VERSIONS_MAX);
	write_versions(w, text);
	assert_int_equal(load(w), 0);
	assert_int_equal(roll(w, false, NOW), JZ_ERR_SPACE);
	assert_int_equal(roll(w, true, NOW), JZ_ERR_SPACE);
	assert_int_equal(load(w), 0);
	assert_int_equal(w->now.ca_version, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_new_ca_and_its_host),
	    TEST(test_a_new_host_alone),
	    TEST(test_dates),
	    TEST(test_an_expired_ca_certifies_no_host),
	    TEST(test_wrong_passphrase),
	    TEST(test_a_roll_that_was_cut_off_is_done_again),
	    TEST(test_versions_that_cannot_be),
	    TEST(test_not_made_over),
	    TEST(test_damaged_old_certificates),
	    TEST(test_no_more_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
