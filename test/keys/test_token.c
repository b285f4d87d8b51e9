/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys in a PKCS#11 token: SoftHSM2 with a token of this test's own.  Without
 * SoftHSM2 the tests that need it are skipped, and say so.
 */
#define _DEFAULT_SOURCE

#include "fixture.h"

#include <sys/stat.h>

#include "../../keys/store/pki.h"
#include "../../keys/store/token.h"

#define NOW    INT64_C(1769860800) /* 2026-01-31T12:00:00Z */
#define MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define PREFIX "jiaozi-test/"

#define PIN JZ_SECRET("4711")

struct world {
	struct jz_engine engine;
	char dir[FX_PATH_MAX];
	struct jz_token *token; /* NULL: no SoftHSM2 */
};

/* A store with one token in it, "bank". */
static bool
make_token(const struct world *w)
{
	char path[FX_PATH_MAX], text[2 * FX_PATH_MAX];

	if (access(MODULE, R_OK) != 0)
		return false;
	fx_path(path, w->dir, ".conf");
	snprintf(text, sizeof(text),
	    "directories.tokendir = %s/.tokens\n"
	    "objectstore.backend = file\nlog.level = ERROR\n",
	    w->dir);
	fx_write(path, text, strlen(text));
	assert_int_equal(setenv("SOFTHSM2_CONF", path, 1), 0);
	fx_path(path, w->dir, ".tokens");
	assert_int_equal(mkdir(path, 0700), 0);
	return system("softhsm2-util --init-token --free --label bank "
		      "--so-pin 12345678 --pin 4711 >/dev/null 2>&1") == 0;
}

static int
open_token(const struct world *w, const char *label,
    const struct jz_secret *pin, struct jz_token **out)
{
	struct jz_token_uri uri = {"", MODULE};

	snprintf(uri.token, sizeof(uri.token), "%s", label);
	return jz_token_open(&w->engine, &uri, PREFIX, pin, out);
}

static int
open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	*state = w;
	if (w == NULL || jz_openssl_new(JZ_SUITE_NIST, &w->engine) != 0)
		return -1;
	fx_make_dir(w->dir);
	if (make_token(w))
		/* A login is the process's: the wrong PIN comes first. */
		return open_token(w, "bank", JZ_SECRET("4712"), &w->token) ==
			    JZ_ERR_TOKEN_PIN &&
			w->token == NULL &&
			open_token(w, "bank", PIN, &w->token) == 0
		    ? 0
		    : -1;
	print_message("SKIPPED: no SoftHSM2 (Debian: softhsm2)\n");
	return 0;
}

static int
close_world(void **state)
{
	struct world *w = *state;
	char command[2 * FX_PATH_MAX];

	jz_token_free(&w->token);
	snprintf(command, sizeof(command), "rm -rf '%s'", w->dir);
	assert_int_equal(system(command), 0);
	jz_openssl_free(&w->engine);
	free(w);
	return 0;
}

static void
need_token(const struct world *w)
{
	if (w->token == NULL)
		skip();
}

/* ---- names --------------------------------------------------------------- */

static void
test_uris(void **state)
{
	static const struct {
		const char *text, *token, *module; /* token NULL: refused */
	} CASES[] = {
	    {"pkcs11:token=bank", "bank", "p11-kit-proxy.so"},
	    {"pkcs11:token=bank?module-path=/a/b.so", "bank", "/a/b.so"},
	    {"pkcs11:token=My%20bank%3f", "My bank?", "p11-kit-proxy.so"},
	    {"pkcs11:token=bank?module-path=%2Fa%2fb", "bank", "/a/b"},
	    {"pkcs11:token=12345678901234567890123456789012",
		"12345678901234567890123456789012", "p11-kit-proxy.so"},
	    {"pkcs11:token=123456789012345678901234567890123", NULL, NULL},
	    {"", NULL, NULL},
	    {"pkcs11:", NULL, NULL},
	    {"pkcs11:token=", NULL, NULL},
	    {"token=bank", NULL, NULL},
	    {"pkcs11:token=bank;object=x", NULL, NULL},
	    {"pkcs11:token=bank?", NULL, NULL},
	    {"pkcs11:token=bank?pin-value=1234", NULL, NULL},
	    {"pkcs11:token=bank?module-path=", NULL, NULL},
	    {"pkcs11:token=bank?module-path=/a&pin-value=1234", NULL, NULL},
	    {"pkcs11:token=%", NULL, NULL},
	    {"pkcs11:token=%4", NULL, NULL},
	    {"pkcs11:token=%4x", NULL, NULL},
	    {"pkcs11:token=a%00b", NULL, NULL},
	};
	struct jz_token_uri uri;

	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		int rc = jz_token_uri_parse(CASES[i].text, &uri);

		if (CASES[i].token == NULL) {
			assert_int_equal(rc, JZ_ERR_ARGUMENT);
			fx_assert_zero(&uri, sizeof(uri));
			continue;
		}
		assert_int_equal(rc, 0);
		assert_string_equal(uri.token, CASES[i].token);
		assert_string_equal(uri.module, CASES[i].module);
	}
}

static void
test_no_module(void **state)
{
	static const char *const MODULES[] = {"/nowhere.so", "libm.so.6"};
	const struct world *w = *state;
	struct jz_token_uri uri = {"bank", ""};
	struct jz_token *t;

	for (size_t i = 0; i < 2; i++) {
		snprintf(uri.module, sizeof(uri.module), "%s", MODULES[i]);
		assert_int_equal(
		    jz_token_open(&w->engine, &uri, PREFIX, PIN, &t),
		    JZ_ERR_TOKEN_MODULE);
		assert_null(t);
	}
	assert_null(jz_token_of(&w->engine));
	jz_token_free(&t);
}

static void
test_no_token(void **state)
{
	const struct world *w = *state;
	struct jz_token *t;

	need_token(w);
	assert_int_equal(open_token(w, "bank2", PIN, &t), JZ_ERR_TOKEN_ABSENT);
	assert_int_equal(open_token(w, "ban", PIN, &t), JZ_ERR_TOKEN_ABSENT);
	assert_null(t);
}

/* ---- keys ---------------------------------------------------------------- */

static void
test_the_token_signs(void **state)
{
	struct world *w = *state;
	struct jz_span parts[2] = {jz_span("one", 3), jz_span("two", 3)};
	struct jz_key_pair key = {{0}, {0}};
	uint8_t sig[JZ_SIG_BYTES], again[JZ_PUBLIC_BYTES_EC];
	struct jz_engine e;

	need_token(w);
	e = jz_token_engine(w->token);
	assert_ptr_equal(jz_token_of(&e), w->token);
	assert_int_equal(jz_token_generate(w->token, "a", key.public_key), 0);
	assert_int_equal(e.crypto->sign(e.state, &key, parts, 2, sig), 0);
	/* By OpenSSL's judgement. */
	assert_int_equal(w->engine.crypto->verify(
			     w->engine.state, key.public_key, parts, 2, sig),
	    0);
	parts[1].len--;
	assert_int_equal(w->engine.crypto->verify(
			     w->engine.state, key.public_key, parts, 2, sig),
	    JZ_ERR_SIGNATURE);
	assert_int_equal(jz_token_find(w->token, "a", again), 0);
	assert_memory_equal(again, key.public_key, sizeof(again));
	/* A key made anew takes the place of the one before. */
	assert_int_equal(jz_token_generate(w->token, "a", again), 0);
	assert_memory_not_equal(again, key.public_key, sizeof(again));
	jz_token_destroy(w->token, "a");
	assert_int_equal(jz_token_find(w->token, "a", again), JZ_ERR_TOKEN_KEY);
	fx_assert_zero(again, sizeof(again));
}

/* Whose public key is not the token's is signed for beneath. */
static void
test_other_keys_are_signed_for_beneath(void **state)
{
	struct world *w = *state;
	const struct jz_span part = jz_span("text", 4);
	uint8_t sig[JZ_SIG_BYTES];
	struct jz_key_pair key;
	struct jz_engine e;

	need_token(w);
	e = jz_token_engine(w->token);
	assert_int_equal(e.crypto->generate(e.state, &key), 0);
	assert_int_equal(e.crypto->sign(e.state, &key, &part, 1, sig), 0);
	assert_int_equal(
	    e.crypto->verify(e.state, key.public_key, &part, 1, sig), 0);
}

static void
test_the_seal_is_the_tokens(void **state)
{
	struct world *w = *state;
	struct jz_secret a, b;

	need_token(w);
	assert_int_equal(
	    jz_token_seal_key(w->token, false, &a), JZ_ERR_TOKEN_KEY);
	fx_assert_zero(&a, sizeof(a));
	assert_int_equal(jz_token_seal_key(w->token, true, &a), 0);
	assert_int_equal(jz_token_seal_key(w->token, false, &b), 0);
	assert_int_equal(a.len, JZ_TOKEN_SEAL_BYTES);
	assert_true(jz_secret_equal(&a, &b));
	assert_memory_not_equal(a.hidden.bytes, a.hidden.bytes + 16, 16);
	jz_token_destroy(w->token, "seal");
}

/* ---- the issuer's ------------------------------------------------------- */

static void
test_an_issuers_keys(void **state)
{
	struct world *w = *state;
	uint8_t key[JZ_PUBLIC_BYTES_EC];
	struct jz_secret seal;
	struct jz_pki made, got;
	struct jz_engine e;

	need_token(w);
	e = jz_token_engine(w->token);
	assert_int_equal(jz_token_seal_key(w->token, true, &seal), 0);
	assert_int_equal(jz_pki_create(&e, w->dir, &seal, NOW, &made), 0);
	/* Three certificates, the cards' master; and no key. */
	assert_int_equal(fx_count_files(w->dir), 4);
	fx_assert_zero(made.ca.key.private_key, JZ_PRIVATE_BYTES);
	assert_int_equal(jz_pki_load(&e, w->dir, &seal, &got), 0);
	fx_assert_zero(got.root.key.private_key, JZ_PRIVATE_BYTES);
	assert_memory_equal(&got.masters, &made.masters, sizeof(got.masters));
	assert_int_equal(jz_pki_roll(&e, w->dir, &seal, true, NOW, &got), 0);
	assert_int_equal(got.ca_version, 2);
	assert_int_equal(
	    jz_token_find(w->token, "ca-1", key), JZ_ERR_TOKEN_KEY);
	assert_int_equal(jz_token_find(w->token, "ca-2", key), 0);
	assert_int_equal(jz_pki_load(&e, w->dir, &seal, &got), 0);
	/* A key of the same name that is not the one certified. */
	assert_int_equal(jz_token_generate(w->token, "host-2", key), 0);
	assert_int_equal(
	    jz_pki_load(&e, w->dir, &seal, &got), JZ_ERR_TOKEN_KEY);
	jz_token_destroy(w->token, "host-2");
	assert_int_equal(
	    jz_pki_load(&e, w->dir, &seal, &got), JZ_ERR_TOKEN_KEY);
	/* Without the token there are no keys at all. */
	assert_int_equal(
	    jz_pki_load(&w->engine, w->dir, &seal, &got), JZ_ERR_NOT_FOUND);
	for (const char *const *name =
		 (const char *const[]){"root-1", "ca-2", "seal", NULL};
	     *name != NULL; name++)
		jz_token_destroy(w->token, *name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_uris),
	    cmocka_unit_test(test_no_module),
	    cmocka_unit_test(test_no_token),
	    cmocka_unit_test(test_the_token_signs),
	    cmocka_unit_test(test_other_keys_are_signed_for_beneath),
	    cmocka_unit_test(test_the_seal_is_the_tokens),
	    cmocka_unit_test(test_an_issuers_keys),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
