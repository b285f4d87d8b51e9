/* SPDX-License-Identifier: Apache-2.0 */
/* The issuer's keys on disk (requirements ALL-4, ALL-5). */
#define _DEFAULT_SOURCE

#include "../../keys/store/pki.h"

#include "fixture.h"

#include <sys/stat.h>

#include "../../keys/store/file.h"
#include "../../keys/store/keyfile.h"

#define NOW INT64_C(1769860800) /* 2026-01-31T12:00:00Z */
#define DAY 86400

static const char *const FILES[] = {"root.key", "ca.key", "host.key",
    "root.cvcert", "ca.cvcert", "host.cvcert", "admin.key"};
#define N_FILES 7
#define N_CHAIN 6 /* without the administration key */

struct world {
	struct jz_engine engine;
	char dir[FX_PATH_MAX];
	struct jz_pki pki;
};

#define PASSPHRASE JZ_SECRET("correct horse")

static int
open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	*state = w;
	if (w == NULL || jz_openssl_new(fx_suite, &w->engine) != 0)
		return -1;
	fx_make_dir(w->dir);
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
create(struct world *w)
{
	assert_int_equal(
	    jz_pki_create(&w->engine, w->dir, PASSPHRASE, NOW, &w->pki), 0);
}

static int
load(struct world *w, struct jz_pki *out)
{
	int rc;

	memset(out, 0xEE, sizeof(*out));
	rc = jz_pki_load(&w->engine, w->dir, PASSPHRASE, out);
	if (rc != 0)
		fx_assert_zero(out, sizeof(*out));
	return rc;
}

static void
assert_entry(const struct world *w, const struct jz_pki_entry *e,
    const char *reference, const struct jz_pki_entry *above, enum jz_role role,
    int64_t to)
{
	const struct jz_certificate *c = &e->certificate;
	uint8_t want[JZ_REFERENCE_BYTES] = {0};
	struct jz_authority by;

	memcpy(want, reference, strlen(reference));
	assert_memory_equal(c->holder, want, sizeof(want));
	assert_int_equal(c->assurance, JZ_ASSURANCE_SOFTWARE);
	assert_int_equal(c->generation, 1);
	assert_int_equal(c->flags, 0);
	assert_int_equal(c->from, NOW - NOW % DAY);
	assert_int_equal(c->to, to);
	assert_true(c->body.data > e->bytes &&
	    c->body.data + c->body.len < e->bytes + e->len);
	assert_memory_equal(
	    c->public_key, e->key.public_key, JZ_PUBLIC_BYTES_EC);
	memcpy(by.reference, above->certificate.holder, JZ_REFERENCE_BYTES);
	memcpy(by.public_key, above->key.public_key, JZ_PUBLIC_BYTES_EC);
	assert_int_equal(
	    jz_certificate_verify(&w->engine, c, &by, role, NOW), 0);
}

static void
assert_pki(const struct world *w, const struct jz_pki *p)
{
	/* 2046-01-31, 2036-01-31, 2031-01-31, each midnight */
	assert_entry(w, &p->root, "CNJZROOT00001", &p->root, JZ_ROLE_ROOT,
	    INT64_C(2400969600));
	assert_entry(w, &p->ca, "CNJZISSUER00001", &p->root, JZ_ROLE_CA,
	    INT64_C(2085350400));
	assert_entry(w, &p->host, "CNJZHOST00001", &p->ca, JZ_ROLE_HOST,
	    INT64_C(1927584000));
}

static void
test_create_and_load(void **state)
{
	struct world *w = *state;
	struct jz_pki got;

	create(w);
	assert_pki(w, &w->pki);
	assert_int_equal(load(w, &got), 0);
	assert_pki(w, &got);
	assert_memory_equal(
	    &got.root.key, &w->pki.root.key, sizeof(got.root.key));
	assert_memory_equal(&got.ca.key, &w->pki.ca.key, sizeof(got.ca.key));
	assert_memory_equal(
	    &got.host.key, &w->pki.host.key, sizeof(got.host.key));
	assert_int_equal(got.masters.n, 1);
	assert_int_equal(got.masters.list[0].version, 1);
	assert_int_equal(got.masters.list[0].made, NOW);
	assert_memory_equal(&got.masters, &w->pki.masters, sizeof(got.masters));
	jz_pki_wipe(&got);
	fx_assert_zero(&got, sizeof(got));
}

static void
test_files(void **state)
{
	struct world *w = *state;
	char path[FX_PATH_MAX];
	uint8_t bytes[512];
	struct stat st;
	size_t len;

	create(w);
	assert_int_equal(fx_count_files(w->dir), N_FILES);
	for (size_t i = 0; i < N_FILES; i++) {
		bool public = strstr(FILES[i], ".cvcert") != NULL;

		fx_path(path, w->dir, FILES[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, public ? 0644 : 0600);
	}
	fx_path(path, w->dir, "host.cvcert");
	len = fx_read(path, bytes, sizeof(bytes));
	assert_int_equal(len, w->pki.host.len);
	assert_memory_equal(bytes, w->pki.host.bytes, len);
}

static void
test_never_replaced(void **state)
{
	struct world *w = *state;
	struct jz_pki other, got;

	create(w);
	memset(&other, 0xEE, sizeof(other));
	assert_int_equal(
	    jz_pki_create(&w->engine, w->dir, PASSPHRASE, NOW, &other),
	    JZ_ERR_EXISTS);
	fx_assert_zero(&other, sizeof(other));
	assert_int_equal(load(w, &got), 0);
	assert_memory_equal(&got.ca.key, &w->pki.ca.key, sizeof(got.ca.key));
}

/* One file of the seven is enough to refuse, and it is left alone. */
static void
test_any_file_refuses(void **state)
{
	struct world *w = *state;
	char path[FX_PATH_MAX], text[8];

	for (size_t i = 0; i < N_FILES; i++) {
		fx_path(path, w->dir, FILES[i]);
		fx_write(path, "old", 3);
		assert_int_equal(
		    jz_pki_create(&w->engine, w->dir, PASSPHRASE, NOW, &w->pki),
		    JZ_ERR_EXISTS);
		assert_int_equal(fx_count_files(w->dir), 1);
		assert_int_equal(fx_read(path, text, sizeof(text)), 3);
		assert_int_equal(unlink(path), 0);
	}
}

static void
test_wrong_passphrase(void **state)
{
	struct world *w = *state;
	struct jz_pki got;

	create(w);
	memset(&got, 0xEE, sizeof(got));
	assert_int_equal(
	    jz_pki_load(&w->engine, w->dir, JZ_SECRET("wrong"), &got),
	    JZ_ERR_PASSPHRASE);
	fx_assert_zero(&got, sizeof(got));
}

static void
test_missing_file(void **state)
{
	struct world *w = *state;
	char path[FX_PATH_MAX], away[FX_PATH_MAX];
	struct jz_pki got;

	create(w);
	fx_path(away, w->dir, "away");
	for (size_t i = 0; i < N_CHAIN; i++) {
		fx_path(path, w->dir, FILES[i]);
		assert_int_equal(rename(path, away), 0);
		assert_int_equal(load(w, &got), JZ_ERR_NOT_FOUND);
		assert_int_equal(rename(away, path), 0);
	}
	assert_int_equal(load(w, &got), 0);
}

static void
test_damaged_files(void **state)
{
	static const int EXPECT[] = {JZ_ERR_KEYFILE, JZ_ERR_KEYFILE,
	    JZ_ERR_KEYFILE, JZ_ERR_CERT_FORGED, JZ_ERR_CERT_FORGED,
	    JZ_ERR_CERT_FORGED};
	struct world *w = *state;
	char path[FX_PATH_MAX];
	uint8_t bytes[512] = {0};
	struct jz_pki got;
	size_t len;

	create(w);
	for (size_t i = 0; i < N_CHAIN; i++) {
		fx_path(path, w->dir, FILES[i]);
		len = fx_read(path, bytes, sizeof(bytes));
		bytes[len - 1] ^= 1;
		fx_write(path, bytes, len);
		assert_int_equal(load(w, &got), EXPECT[i]);
		bytes[len - 1] ^= 1;
		fx_write(path, bytes, len);
	}
	/* longer than any certificate, by one byte and by more */
	fx_write(path, bytes, JZ_CERTIFICATE_MAX + 1);
	assert_int_equal(load(w, &got), JZ_ERR_CERT_MALFORMED);
	fx_write(path, bytes, JZ_CERTIFICATE_MAX + 2);
	assert_int_equal(load(w, &got), JZ_ERR_CERT_MALFORMED);
	fx_write(path, "", 0);
	assert_int_equal(load(w, &got), JZ_ERR_CERT_MALFORMED);
}

/* Certificates in each other's place: wrong issuer, wrong role. */
static void
test_exchanged_certificates(void **state)
{
	struct world *w = *state;
	char path[FX_PATH_MAX];
	struct jz_pki got;

	create(w);
	fx_path(path, w->dir, "ca.cvcert");
	fx_write(path, w->pki.root.bytes, w->pki.root.len);
	assert_int_equal(load(w, &got), JZ_ERR_CERT_ROLE);
	fx_write(path, w->pki.host.bytes, w->pki.host.len);
	assert_int_equal(load(w, &got), JZ_ERR_CERT_ISSUER);
	fx_path(path, w->dir, "root.cvcert");
	fx_write(path, w->pki.ca.bytes, w->pki.ca.len);
	assert_int_equal(load(w, &got), JZ_ERR_CERT_ISSUER);
}

/* A sound key file that holds another key, no key, or not a key's length. */
static void
test_exchanged_keys(void **state)
{
	static const uint8_t NO_KEY[JZ_PRIVATE_BYTES + 1] = {0};
	struct world *w = *state;
	char path[FX_PATH_MAX];
	struct jz_pki got;
	const struct jz_span wrong[] = {
	    jz_span(w->pki.root.key.private_key, JZ_PRIVATE_BYTES),
	    jz_span(NO_KEY, JZ_PRIVATE_BYTES),
	    jz_span(NO_KEY, JZ_PRIVATE_BYTES - 1),
	    jz_span(NO_KEY, JZ_PRIVATE_BYTES + 1),
	};

	create(w);
	fx_path(path, w->dir, "host.key");
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(
		    jz_keyfile_write(&w->engine, path, PASSPHRASE, wrong[i]),
		    0);
		assert_int_equal(load(w, &got), JZ_ERR_KEYFILE);
	}
}

/* From 29 February: five and ten years on there is none. */
static void
test_leap_day(void **state)
{
	struct world *w = *state;

	assert_int_equal(jz_pki_create(&w->engine, w->dir, PASSPHRASE,
			     INT64_C(1835395200), &w->pki),
	    0);
	assert_int_equal(
	    w->pki.root.certificate.to, INT64_C(2466547200)); /* 2048-02-29 */
	assert_int_equal(
	    w->pki.ca.certificate.to, INT64_C(2151014400)); /* 2038-03-01 */
}

static void
test_times_out_of_range(void **state)
{
	struct world *w = *state;
	static const int64_t TIMES[] = {-1, 0, INT64_C(946684799),
	    INT64_C(3471292800) /* 2080 */, INT64_C(4102444800), INT64_MAX};

	for (size_t i = 0; i < sizeof(TIMES) / sizeof(TIMES[0]); i++) {
		memset(&w->pki, 0xEE, sizeof(w->pki));
		assert_int_equal(jz_pki_create(&w->engine, w->dir, PASSPHRASE,
				     TIMES[i], &w->pki),
		    JZ_ERR_RANGE);
		fx_assert_zero(&w->pki, sizeof(w->pki));
		assert_int_equal(fx_count_files(w->dir), 0);
	}
}

static void
test_no_directory(void **state)
{
	static char path[JZ_PATH_MAX];
	struct world *w = *state;

	fx_path(path, w->dir, "nowhere");
	assert_int_equal(
	    jz_pki_create(&w->engine, path, PASSPHRASE, NOW, &w->pki),
	    JZ_ERR_NOT_FOUND);
	assert_int_equal(jz_pki_load(&w->engine, path, PASSPHRASE, &w->pki),
	    JZ_ERR_NOT_FOUND);
	memset(path, 'a', sizeof(path) - 1);
	assert_int_equal(
	    jz_pki_create(&w->engine, path, PASSPHRASE, NOW, &w->pki),
	    JZ_ERR_SPACE);
	assert_int_equal(
	    jz_pki_load(&w->engine, path, PASSPHRASE, &w->pki), JZ_ERR_SPACE);
}

/* A directory of an earlier release: good for what it was good for. */
static void
test_no_admin_key(void **state)
{
	struct world *w = *state;
	char path[FX_PATH_MAX];
	struct jz_pki got;

	create(w);
	fx_path(path, w->dir, "admin.key");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(load(w, &got), 0);
	assert_int_equal(got.masters.n, 0);
	/* Nobody but its keeper can give it one. */
	assert_int_equal(
	    jz_pki_add_admin(&w->engine, w->dir, JZ_SECRET("wrong"), NOW),
	    JZ_ERR_PASSPHRASE);
	assert_int_equal(fx_count_files(w->dir), N_FILES - 1);
	assert_int_equal(
	    jz_pki_add_admin(&w->engine, w->dir, PASSPHRASE, NOW), 0);
	assert_int_equal(load(w, &got), 0);
	assert_int_equal(got.masters.n, 1);
	assert_false(jz_secret_equal(
	    &got.masters.list[0].key, &w->pki.masters.list[0].key));
}

static void
test_admin_key_is_never_replaced(void **state)
{
	struct world *w = *state;
	struct jz_pki got;

	create(w);
	assert_int_equal(jz_pki_add_admin(&w->engine, w->dir, PASSPHRASE, NOW),
	    JZ_ERR_EXISTS);
	assert_int_equal(load(w, &got), 0);
	assert_memory_equal(&got.masters, &w->pki.masters, sizeof(got.masters));
}

static void
test_wrong_admin_key_files(void **state)
{
	static const size_t LENGTHS[] = {
	    1, JZ_MASTER_BYTES - 1, JZ_MASTER_BYTES + 1};
	const uint8_t bytes[JZ_MASTER_BYTES + 1] = {1};
	struct world *w = *state;
	char path[FX_PATH_MAX];
	struct jz_pki got;

	create(w);
	fx_path(path, w->dir, "admin.key");
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(jz_keyfile_write(&w->engine, path, PASSPHRASE,
				     jz_span(bytes, LENGTHS[i])),
		    0);
		assert_int_equal(load(w, &got), JZ_ERR_KEYFILE);
	}
	assert_int_equal(jz_keyfile_write(&w->engine, path, JZ_SECRET("other"),
			     jz_span(bytes, JZ_MASTER_BYTES)),
	    0);
	assert_int_equal(load(w, &got), JZ_ERR_PASSPHRASE);
	fx_write(path, "damaged", 7);
	assert_int_equal(load(w, &got), JZ_ERR_KEYFILE);
}

/* Fails at the n-th draw of random bytes: the administration key's, and one
 * for each key file's salt. */
struct failing {
	const struct jz_engine *engine;
	int left;
};

static int
fail_random(void *state, uint8_t *out, size_t len)
{
	struct failing *f = state;

	if (f->left-- == 0) {
		memset(out, 0, len);
		return JZ_ERR_CRYPTO;
	}
	return f->engine->crypto->random(f->engine->state, out, len);
}

static int
pass_generate(void *state, struct jz_key_pair *out)
{
	const struct failing *f = state;

	return f->engine->crypto->generate(f->engine->state, out);
}

static int
pass_hash(void *state, const struct jz_span *parts, size_t n,
    uint8_t out[static JZ_HASH_BYTES])
{
	const struct failing *f = state;

	return f->engine->crypto->hash(f->engine->state, parts, n, out);
}

static int
pass_sign(void *state, const struct jz_key_pair *key,
    const struct jz_span *parts, size_t n, uint8_t out[static JZ_SIG_BYTES])
{
	const struct failing *f = state;

	return f->engine->crypto->sign(f->engine->state, key, parts, n, out);
}

static int
pass_seal(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t nonce[static JZ_SEAL_NONCE_BYTES], struct jz_span aad,
    const uint8_t *in, size_t len, uint8_t *out)
{
	const struct failing *f = state;

	return f->engine->crypto->seal(
	    f->engine->state, key, nonce, aad, in, len, out);
}

/* Whatever fails, what had been written is removed: the next try can run. */
static void
test_failure_leaves_nothing(void **state)
{
	struct world *w = *state;
	struct jz_crypto crypto = *w->engine.crypto;

	crypto.random = fail_random;
	crypto.generate = pass_generate;
	crypto.hash = pass_hash;
	crypto.sign = pass_sign;
	crypto.seal = pass_seal;
	for (int n = 0; n < 5; n++) {
		struct failing f = {&w->engine, n};
		const struct jz_engine e = {&crypto, &f};

		memset(&w->pki, 0xEE, sizeof(w->pki));
		assert_int_equal(
		    jz_pki_create(&e, w->dir, PASSPHRASE, NOW, &w->pki),
		    JZ_ERR_CRYPTO);
		fx_assert_zero(&w->pki, sizeof(w->pki));
		assert_int_equal(fx_count_files(w->dir), 0);
	}
	create(w);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_create_and_load),
	    TEST(test_files),
	    TEST(test_never_replaced),
	    TEST(test_any_file_refuses),
	    TEST(test_wrong_passphrase),
	    TEST(test_missing_file),
	    TEST(test_damaged_files),
	    TEST(test_exchanged_certificates),
	    TEST(test_exchanged_keys),
	    TEST(test_no_admin_key),
	    TEST(test_admin_key_is_never_replaced),
	    TEST(test_wrong_admin_key_files),
	    TEST(test_leap_day),
	    TEST(test_times_out_of_range),
	    TEST(test_no_directory),
	    TEST(test_failure_leaves_nothing),
	};

	/* Not all: opening a sealed key takes scrypt its time. */
	const struct CMUnitTest gm[] = {
	    TEST(test_create_and_load),
	    TEST(test_exchanged_certificates),
	    TEST(test_exchanged_keys),
	};
	int failed = cmocka_run_group_tests_name("nist", tests, NULL, NULL);

	fx_suite = JZ_SUITE_GM;
	return failed + cmocka_run_group_tests_name("gm", gm, NULL, NULL);
}
