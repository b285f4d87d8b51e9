/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OpenSSL 3 provider (provider(7)) for the keys of one token: key management
 * (provider-keymgmt(7)) of EC keys on P-256 whose private half is an object of
 * the token, and ECDSA (provider-signature(7)) with SHA-256, for which the
 * digest goes to the token and r || s comes back.
 *
 * Everything else that is done with such a key OpenSSL does with its own
 * algorithms, for which it asks for the public half; a request for the private
 * one is refused, and that is how OpenSSL finds that it must sign here.
 */
#include "token_provider.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <string.h>
#include <strings.h>

#include "../../apdu/error.h"
#include "../secret.h"
#include "token_engine.h"
#include "x509.h"

#define PROVIDER   "jiaozi-token"
#define PROPERTIES "provider=" PROVIDER
#define NAMES	   "EC:id-ecPublicKey:1.2.840.10045.2.1"
#define GROUP	   "prime256v1"
#define DIGEST	   "SHA256"
/* A parameter of our own: the token's object. */
#define PARAM_OBJECT  "jiaozi-object"
#define BITS	      256
#define SECURITY_BITS 128

/* ecdsa-with-SHA256 (RFC 5758 3.2), an AlgorithmIdentifier in DER. */
static const uint8_t ALGORITHM[] = {
    0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02};

/* What a provider's functions get: whose it is. */
struct whose {
	struct jz_token *token;
};

struct key {
	struct whose *whose;
	bool pub, priv;
	ck_ulong object;
	uint8_t public_key[JZ_PUBLIC_BYTES_EC];
};

/* The casts to void (*)(void) are how OpenSSL's dispatch tables are made. */
#define CALL(id, function)                                                     \
	{                                                                      \
		id, (void (*)(void))(function)                                 \
	}

/* ---- keys --------------------------------------------------------------- */

static void *
key_new(void *whose)
{
	struct key *k = OPENSSL_zalloc(sizeof(*k));

	if (k != NULL)
		k->whose = whose;
	return k;
}

static void
key_free(void *key)
{
	OPENSSL_free(key);
}

static void *
key_dup(const void *from, int selection)
{
	struct key *k = OPENSSL_memdup(from, sizeof(*k));

	if (k != NULL && (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0)
		k->priv = false;
	return k;
}

static int
key_has(const void *key, int selection)
{
	const struct key *k = key;

	return k != NULL &&
	    ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0 || k->pub) &&
	    ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 || k->priv);
}

/* Which private half it is, the public one says. */
static int
key_match(const void *a, const void *b, int selection)
{
	const struct key *x = a, *y = b;

	(void)selection;
	return x->pub && y->pub &&
	    memcmp(x->public_key, y->public_key, JZ_PUBLIC_BYTES_EC) == 0;
}

static int
key_import(void *key, int selection, const OSSL_PARAM params[])
{
	const OSSL_PARAM *point =
	    OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PUB_KEY);
	const OSSL_PARAM *object =
	    OSSL_PARAM_locate_const(params, PARAM_OBJECT);
	struct key *k = key;

	if (point == NULL || point->data_size != JZ_PUBLIC_BYTES_EC)
		return 0;
	memcpy(k->public_key, point->data, JZ_PUBLIC_BYTES_EC);
	k->pub = true;
	if (object != NULL &&
	    (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0)
		k->priv = OSSL_PARAM_get_ulong(object, &k->object) == 1;
	return 1;
}

static const OSSL_PARAM *
key_import_types(int selection)
{
	static const OSSL_PARAM TYPES[] = {
	    OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
	    OSSL_PARAM_ulong(PARAM_OBJECT, NULL), OSSL_PARAM_END};

	(void)selection;
	return TYPES;
}

/* The public half; whoever wants the private one gets nothing. */
static int
key_export(void *key, int selection, OSSL_CALLBACK *take, void *arg)
{
	char group[] = GROUP;
	struct key *k = key;
	OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(
				   OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
	    OSSL_PARAM_construct_octet_string(
		OSSL_PKEY_PARAM_PUB_KEY, k->public_key, JZ_PUBLIC_BYTES_EC),
	    OSSL_PARAM_construct_end()};

	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 || !k->pub)
		return 0;
	/* Of the domain parameters alone there is no public key. */
	if ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0)
		params[1] = OSSL_PARAM_construct_end();
	return take(params, arg);
}

static const OSSL_PARAM *
key_export_types(int selection)
{
	static const OSSL_PARAM TYPES[] = {
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	    OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
	    OSSL_PARAM_END};

	return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ? NULL
								  : TYPES;
}

static int
put_int(OSSL_PARAM params[], const char *name, int value)
{
	OSSL_PARAM *p = OSSL_PARAM_locate(params, name);

	return p == NULL || OSSL_PARAM_set_int(p, value) == 1;
}

static int
put_text(OSSL_PARAM params[], const char *name, const char *text)
{
	OSSL_PARAM *p = OSSL_PARAM_locate(params, name);

	return p == NULL || OSSL_PARAM_set_utf8_string(p, text) == 1;
}

static int
put_octets(OSSL_PARAM params[], const char *name, const void *p, size_t len)
{
	OSSL_PARAM *to = OSSL_PARAM_locate(params, name);

	return to == NULL || OSSL_PARAM_set_octet_string(to, p, len) == 1;
}

static int
key_get(void *key, OSSL_PARAM params[])
{
	const struct key *k = key;

	return put_int(params, OSSL_PKEY_PARAM_BITS, BITS) &&
	    put_int(params, OSSL_PKEY_PARAM_SECURITY_BITS, SECURITY_BITS) &&
	    put_int(params, OSSL_PKEY_PARAM_MAX_SIZE, JZ_DER_SIG_MAX_BYTES) &&
	    put_text(params, OSSL_PKEY_PARAM_GROUP_NAME, GROUP) &&
	    put_text(params, OSSL_PKEY_PARAM_DEFAULT_DIGEST, DIGEST) &&
	    put_octets(params, OSSL_PKEY_PARAM_PUB_KEY, k->public_key,
		JZ_PUBLIC_BYTES_EC) &&
	    put_octets(params, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
		k->public_key, JZ_PUBLIC_BYTES_EC);
}

static const OSSL_PARAM *
key_gettable(void *whose)
{
	static const OSSL_PARAM TYPES[] = {
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
	    OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
	    OSSL_PARAM_octet_string(
		OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
	    OSSL_PARAM_END};

	(void)whose;
	return TYPES;
}

static const char *
key_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

static const OSSL_DISPATCH KEY_CALLS[] = {
    CALL(OSSL_FUNC_KEYMGMT_NEW, key_new),
    CALL(OSSL_FUNC_KEYMGMT_FREE, key_free),
    CALL(OSSL_FUNC_KEYMGMT_DUP, key_dup),
    CALL(OSSL_FUNC_KEYMGMT_HAS, key_has),
    CALL(OSSL_FUNC_KEYMGMT_MATCH, key_match),
    CALL(OSSL_FUNC_KEYMGMT_IMPORT, key_import),
    CALL(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_import_types),
    CALL(OSSL_FUNC_KEYMGMT_EXPORT, key_export),
    CALL(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, key_export_types),
    CALL(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get),
    CALL(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable),
    CALL(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, key_operation),
    {0, NULL},
};

/* ---- signatures --------------------------------------------------------- */

struct signing {
	const struct key *key; /* lent, as long as the operation goes on */
	EVP_MD_CTX *digest;
};

static void *
signing_new(void *whose, const char *properties)
{
	(void)whose;
	(void)properties;
	return OPENSSL_zalloc(sizeof(struct signing));
}

static void
signing_free(void *state)
{
	struct signing *s = state;

	if (s != NULL)
		EVP_MD_CTX_free(s->digest);
	OPENSSL_free(s);
}

static int
sign_begin(void *state, void *key, const OSSL_PARAM params[])
{
	struct signing *s = state;

	(void)params;
	if (key != NULL)
		s->key = key;
	return s->key != NULL && s->key->priv;
}

/* A digest of the right length, as the token wants it. */
static int
sign_digest(void *state, unsigned char *out, size_t *len, size_t cap,
    const unsigned char *digest, size_t digest_len)
{
	const struct signing *s = state;
	uint8_t raw[JZ_SIG_BYTES];
	struct jz_buffer der = jz_buffer(out, cap);

	if (out == NULL) {
		*len = JZ_DER_SIG_MAX_BYTES;
		return 1;
	}
	if (digest_len != JZ_HASH_BYTES ||
	    jz_token_sign(s->key->whose->token, s->key->object, CK_M_ECDSA,
		jz_span(digest, digest_len), raw, sizeof(raw)) != 0 ||
	    jz_signature_to_der(raw, &der) != 0)
		return 0;
	*len = der.len;
	return 1;
}

static int
digest_begin(
    void *state, const char *digest, void *key, const OSSL_PARAM params[])
{
	struct signing *s = state;

	if (digest != NULL && digest[0] != '\0' &&
	    strcasecmp(digest, DIGEST) != 0 &&
	    strcasecmp(digest, "SHA2-256") != 0 &&
	    strcasecmp(digest, "SHA-256") != 0)
		return 0;
	if (s->digest == NULL)
		s->digest = EVP_MD_CTX_new();
	return sign_begin(s, key, params) && s->digest != NULL &&
	    EVP_DigestInit_ex(s->digest, EVP_sha256(), NULL) == 1;
}

static int
digest_more(void *state, const unsigned char *data, size_t len)
{
	struct signing *s = state;

	return EVP_DigestUpdate(s->digest, data, len);
}

static int
digest_end(void *state, unsigned char *out, size_t *len, size_t cap)
{
	struct signing *s = state;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	/* Asked for the length, the digest goes on. */
	if (out == NULL)
		return sign_digest(s, NULL, len, 0, NULL, 0);
	return EVP_DigestFinal_ex(s->digest, digest, &n) == 1 &&
	    sign_digest(s, out, len, cap, digest, n);
}

static void *
signing_dup(void *state)
{
	const struct signing *from = state;
	struct signing *s = OPENSSL_zalloc(sizeof(*s));

	if (s == NULL)
		return NULL;
	s->key = from->key;
	if (from->digest != NULL) {
		s->digest = EVP_MD_CTX_new();
		if (s->digest == NULL ||
		    EVP_MD_CTX_copy_ex(s->digest, from->digest) != 1) {
			signing_free(s);
			return NULL;
		}
	}
	return s;
}

/* What a certificate says that it is signed with. */
static int
signing_get(void *state, OSSL_PARAM params[])
{
	(void)state;
	return put_octets(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID, ALGORITHM,
		   sizeof(ALGORITHM)) &&
	    put_text(params, OSSL_SIGNATURE_PARAM_DIGEST, DIGEST);
}

static const OSSL_PARAM *
signing_gettable(void *state, void *whose)
{
	static const OSSL_PARAM TYPES[] = {
	    OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
	    OSSL_PARAM_END};

	(void)state;
	(void)whose;
	return TYPES;
}

static const OSSL_DISPATCH SIGNATURE_CALLS[] = {
    CALL(OSSL_FUNC_SIGNATURE_NEWCTX, signing_new),
    CALL(OSSL_FUNC_SIGNATURE_FREECTX, signing_free),
    CALL(OSSL_FUNC_SIGNATURE_DUPCTX, signing_dup),
    CALL(OSSL_FUNC_SIGNATURE_SIGN_INIT, sign_begin),
    CALL(OSSL_FUNC_SIGNATURE_SIGN, sign_digest),
    CALL(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, digest_begin),
    CALL(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, digest_more),
    CALL(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, digest_end),
    CALL(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, signing_get),
    CALL(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, signing_gettable),
    {0, NULL},
};

/* ---- the provider ------------------------------------------------------- */

static const OSSL_ALGORITHM KEYS[] = {
    {NAMES, PROPERTIES, KEY_CALLS, NULL}, {NULL, NULL, NULL, NULL}};
static const OSSL_ALGORITHM SIGNATURES[] = {
    {"ECDSA", PROPERTIES, SIGNATURE_CALLS, NULL}, {NULL, NULL, NULL, NULL}};

static const OSSL_ALGORITHM *
query(void *whose, int operation, int *no_cache)
{
	(void)whose;
	*no_cache = 0;
	if (operation == OSSL_OP_KEYMGMT)
		return KEYS;
	return operation == OSSL_OP_SIGNATURE ? SIGNATURES : NULL;
}

static void
teardown(void *whose)
{
	OPENSSL_free(whose);
}

static const OSSL_DISPATCH PROVIDER_CALLS[] = {
    CALL(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
    CALL(OSSL_FUNC_PROVIDER_TEARDOWN, teardown),
    {0, NULL},
};

static int
provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **provider)
{
	(void)handle;
	(void)in;
	*provider = OPENSSL_zalloc(sizeof(struct whose));
	*out = PROVIDER_CALLS;
	return *provider != NULL;
}

int
jz_token_provider_load(struct jz_token *token, struct jz_token_provider *out)
{
	struct whose *w;

	memset(out, 0, sizeof(*out));
	out->lib = OSSL_LIB_CTX_new();
	if (out->lib == NULL ||
	    OSSL_PROVIDER_add_builtin(out->lib, PROVIDER, provider_init) != 1 ||
	    (out->own = OSSL_PROVIDER_load(out->lib, PROVIDER)) == NULL ||
	    (out->algorithms = OSSL_PROVIDER_load(out->lib, "default")) ==
		NULL) {
		jz_token_provider_unload(out);
		return JZ_ERR_CRYPTO;
	}
	w = OSSL_PROVIDER_get0_provider_ctx(out->own);
	w->token = token;
	return 0;
}

void
jz_token_provider_unload(struct jz_token_provider *p)
{
	if (p->own != NULL)
		(void)OSSL_PROVIDER_unload(p->own);
	if (p->algorithms != NULL)
		(void)OSSL_PROVIDER_unload(p->algorithms);
	OSSL_LIB_CTX_free(p->lib);
	memset(p, 0, sizeof(*p));
}

int
jz_token_provider_key(const struct jz_token_provider *p, unsigned long object,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC], EVP_PKEY **out)
{
	uint8_t point[JZ_PUBLIC_BYTES_EC];
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_octet_string(
		OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
	    OSSL_PARAM_construct_ulong(PARAM_OBJECT, &object),
	    OSSL_PARAM_construct_end()};
	EVP_PKEY_CTX *ctx;
	int rc = JZ_ERR_CRYPTO;

	memcpy(point, public_key, sizeof(point));
	*out = NULL;
	(void)ERR_set_mark();
	ctx = EVP_PKEY_CTX_new_from_name(p->lib, "EC", PROPERTIES);
	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, out, EVP_PKEY_KEYPAIR, params) == 1)
		rc = 0;
	(void)ERR_pop_to_mark();
	EVP_PKEY_CTX_free(ctx);
	return rc;
}
