/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys in a PKCS#11 token: SoftHSM2 with a token of this test's own.  Without
 * SoftHSM2 the tests that need it are skipped, and say so.
 */
#define _DEFAULT_SOURCE

#include "fixture.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
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

/* ---- OpenSSL's own calls ------------------------------------------------- */

static EVP_PKEY *
token_key(const struct world *w, const char *name)
{
	uint8_t point[JZ_PUBLIC_BYTES_EC];
	EVP_PKEY *key;

	assert_int_equal(jz_token_generate(w->token, name, point), 0);
	assert_int_equal(jz_token_pkey(w->token, point, &key), 0);
	return key;
}

/* Under `by` (NULL: itself), signed with its key. */
static X509 *
certify(EVP_PKEY *subject, const char *name, X509 *by, EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *n = X509_NAME_new();

	assert_true(X509_NAME_add_entry_by_txt(
	    n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0));
	assert_true(X509_set_version(x, X509_VERSION_1));
	assert_true(ASN1_INTEGER_set(X509_get_serialNumber(x), 1));
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), 0));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 3600));
	assert_true(X509_set_subject_name(x, n));
	assert_true(X509_set_issuer_name(
	    x, by != NULL ? X509_get_subject_name(by) : n));
	assert_true(X509_set_pubkey(x, subject));
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	X509_NAME_free(n);
	return x;
}

static void
write_pem(const struct world *w, const char *name, X509 *x)
{
	char path[FX_PATH_MAX];
	FILE *f;

	fx_path(path, w->dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(PEM_write_X509(f, x));
	assert_int_equal(fclose(f), 0);
}

static void
test_x509_sign(void **state)
{
	const struct world *w = *state;
	char command[6 * FX_PATH_MAX];
	EVP_PKEY *ca, *user = NULL;
	X509 *root, *leaf;

	need_token(w);
	ca = token_key(w, "x-ca");
	user = EVP_EC_gen("P-256");
	root = certify(ca, "token root", NULL, ca);
	leaf = certify(user, "user", root, ca);
	assert_int_equal(X509_check_private_key(root, ca), 1);
	assert_int_equal(X509_check_private_key(leaf, ca), 0);
	write_pem(w, "root.pem", root);
	write_pem(w, "leaf.pem", leaf);
	/* By the judgement of another process. */
	snprintf(command, sizeof(command),
	    "openssl verify -check_ss_sig -CAfile %s/root.pem %s/root.pem "
	    "%s/leaf.pem >/dev/null",
	    w->dir, w->dir, w->dir);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command),
	    "! openssl verify -CAfile %s/leaf.pem %s/leaf.pem >/dev/null 2>&1",
	    w->dir, w->dir);
	assert_int_equal(system(command), 0);
	fx_path(command, w->dir, "root.pem");
	assert_int_equal(unlink(command), 0);
	fx_path(command, w->dir, "leaf.pem");
	assert_int_equal(unlink(command), 0);
	X509_free(leaf);
	X509_free(root);
	EVP_PKEY_free(user);
	EVP_PKEY_free(ca);
	jz_token_destroy(w->token, "x-ca");
}

/* There is no form in which a private key would come out. */
static void
test_no_private_key_comes_out(void **state)
{
	const struct world *w = *state;
	BIO *bio;
	uint8_t other[JZ_PUBLIC_BYTES_EC] = {4};
	BIGNUM *scalar = NULL;
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key;

	need_token(w);
	bio = BIO_new(BIO_s_mem());
	key = token_key(w, "x-private");
	assert_int_equal(
	    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 0);
	assert_int_equal(i2d_PrivateKey_bio(bio, key), 0);
	assert_int_equal(BIO_pending(bio), 0);
	assert_int_equal(EVP_PKEY_get_bn_param(key, "priv", &scalar), 0);
	assert_int_equal(EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &params), 0);
	/* The public one does. */
	assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
	assert_true(BIO_pending(bio) > 0);
	ERR_clear_error();
	EVP_PKEY_free(key);
	BIO_free(bio);
	assert_int_equal(
	    jz_token_pkey(w->token, other, &key), JZ_ERR_TOKEN_KEY);
	assert_null(key);
	jz_token_destroy(w->token, "x-private");
}

/* What one side wrote is the other's to read. */
static void
carry(SSL *from, SSL *to)
{
	char bytes[4096];
	int n;

	while ((n = BIO_read(SSL_get_wbio(from), bytes, sizeof(bytes))) > 0)
		assert_int_equal(BIO_write(SSL_get_rbio(to), bytes, n), n);
}

static SSL *
side(SSL_CTX *ctx)
{
	SSL *s = SSL_new(ctx);

	assert_non_null(s);
	SSL_set_bio(s, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	return s;
}

/* A server whose key is the token's; its client believes its certificate. */
static void
test_tls(void **state)
{
	const struct world *w = *state;
	SSL_CTX *of_server, *of_client;
	SSL *server, *client;
	EVP_PKEY *key;
	X509 *x;
	int done = 0;

	need_token(w);
	of_server = SSL_CTX_new(TLS_server_method());
	of_client = SSL_CTX_new(TLS_client_method());
	key = token_key(w, "x-tls");
	x = certify(key, "server", NULL, key);
	assert_int_equal(SSL_CTX_use_certificate(of_server, x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(of_server, key), 1);
	assert_int_equal(
	    X509_STORE_add_cert(SSL_CTX_get_cert_store(of_client), x), 1);
	SSL_CTX_set_verify(of_client, SSL_VERIFY_PEER, NULL);
	server = side(of_server);
	client = side(of_client);
	for (int turn = 0; turn < 6 && done != 1; turn++) {
		done = SSL_connect(client);
		carry(client, server);
		(void)SSL_accept(server);
		carry(server, client);
	}
	assert_int_equal(done, 1);
	assert_int_equal(SSL_version(client), TLS1_3_VERSION);
	assert_int_equal(SSL_get_verify_result(client), X509_V_OK);
	SSL_free(server);
	SSL_free(client);
	SSL_CTX_free(of_server);
	SSL_CTX_free(of_client);
	X509_free(x);
	EVP_PKEY_free(key);
	jz_token_destroy(w->token, "x-tls");
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
	    cmocka_unit_test(test_x509_sign),
	    cmocka_unit_test(test_no_private_key_comes_out),
	    cmocka_unit_test(test_tls),
	    cmocka_unit_test(test_an_issuers_keys),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
