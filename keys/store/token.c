/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PKCS#11 2.40 token: sessions (5.6), objects (5.7), signing (5.11), key
 * generation (5.13).
 */
#define _POSIX_C_SOURCE 200809L

#include "token.h"

#include <dlfcn.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../secret.h"
#include "cryptoki.h"
#include "token_engine.h"

#define SLOTS_MAX   64
#define POINT_MAX   (JZ_PUBLIC_BYTES_EC + 2)
#define OBJECTS_MAX 8
#define BLOCK_BYTES 16
#define SEAL_NAME   "seal"
/* An OCTET STRING's header before the point: PKCS#11 wants it, and some
 * tokens leave it out. */
#define TAG_OCTETS 0x04

/* 1.2.840.10045.3.1.7, DER. */
static const uint8_t P256[] = {
    0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};

/* A function of the module, by its place in the list. */
#define CALL(t, function, type) ((type)(t)->functions->at[function])

typedef ck_ulong ck_initialize(void *);
typedef ck_ulong ck_slot_list(unsigned char, ck_ulong *, ck_ulong *);
typedef ck_ulong ck_token_information(ck_ulong, struct ck_token_info *);
typedef ck_ulong ck_open(ck_ulong, ck_ulong, void *, void *, ck_ulong *);
typedef ck_ulong ck_one(ck_ulong);
typedef ck_ulong ck_log_in(ck_ulong, ck_ulong, const uint8_t *, ck_ulong);
typedef ck_ulong ck_two(ck_ulong, ck_ulong);
typedef ck_ulong
ck_attributes(ck_ulong, ck_ulong, struct ck_attribute *, ck_ulong);
typedef ck_ulong ck_find_begin(ck_ulong, struct ck_attribute *, ck_ulong);
typedef ck_ulong ck_find(ck_ulong, ck_ulong *, ck_ulong, ck_ulong *);
typedef ck_ulong ck_sign_begin(ck_ulong, struct ck_mechanism *, ck_ulong);
typedef ck_ulong
ck_signature(ck_ulong, const uint8_t *, ck_ulong, uint8_t *, ck_ulong *);
typedef ck_ulong ck_key(ck_ulong, struct ck_mechanism *, struct ck_attribute *,
    ck_ulong, ck_ulong *);
typedef ck_ulong ck_pair(ck_ulong, struct ck_mechanism *, struct ck_attribute *,
    ck_ulong, struct ck_attribute *, ck_ulong, ck_ulong *, ck_ulong *);
typedef ck_ulong ck_list(struct ck_functions **);

/* ---- opening ------------------------------------------------------------ */

static int
error_of(ck_ulong rv)
{
	switch (rv) {
	case CK_OK:
		return 0;
	case CK_PIN_INCORRECT:
	case CK_PIN_INVALID:
	case CK_PIN_LEN_RANGE:
		return JZ_ERR_TOKEN_PIN;
	case CK_PIN_LOCKED:
		return JZ_ERR_TOKEN_LOCKED;
	default:
		return JZ_ERR_TOKEN;
	}
}

static int
load_module(struct jz_token *t, const char *path)
{
	union {
		void *object;
		ck_list *function;
	} get = {NULL};
	ck_ulong rv;

	t->module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (t->module == NULL)
		return JZ_ERR_TOKEN_MODULE;
	get.object = dlsym(t->module, "C_GetFunctionList");
	if (get.object == NULL || get.function(&t->functions) != CK_OK ||
	    t->functions == NULL)
		return JZ_ERR_TOKEN_MODULE;
	rv = CALL(t, CK_INITIALIZE, ck_initialize *)(NULL);
	return rv == CK_OK || rv == CK_ALREADY_INITIALIZED
	    ? 0
	    : JZ_ERR_TOKEN_MODULE;
}

static bool
labelled(const struct ck_token_info *info, const char *label)
{
	char padded[CK_LABEL_BYTES];

	memset(padded, ' ', sizeof(padded));
	memcpy(padded, label, strlen(label));
	return memcmp(info->label, padded, sizeof(padded)) == 0;
}

static int
find_slot(const struct jz_token *t, const char *label, ck_ulong *out)
{
	ck_ulong slots[SLOTS_MAX], n = SLOTS_MAX;
	struct ck_token_info info;

	if (CALL(t, CK_GET_SLOT_LIST, ck_slot_list *)(1, slots, &n) != CK_OK)
		return JZ_ERR_TOKEN;
	for (ck_ulong k = 0; k < n; k++) {
		if (CALL(t, CK_GET_TOKEN_INFO, ck_token_information *)(
			slots[k], &info) == CK_OK &&
		    labelled(&info, label)) {
			*out = slots[k];
			return 0;
		}
	}
	return JZ_ERR_TOKEN_ABSENT;
}

static int
log_in(struct jz_token *t, const char *label, const struct jz_secret *pin)
{
	struct jz_span typed = jz_secret_span(pin);
	ck_ulong slot, rv;
	int rc = find_slot(t, label, &slot);

	if (rc == 0)
		rc = error_of(CALL(t, CK_OPEN_SESSION, ck_open *)(slot,
		    CK_SERIAL_SESSION | CK_RW_SESSION, NULL, NULL,
		    &t->session));
	if (rc != 0)
		return rc;
	t->open = true;
	rv = CALL(t, CK_LOGIN, ck_log_in *)(
	    t->session, CK_USER, typed.data, typed.len);
	return rv == CK_USER_ALREADY_LOGGED_IN ? 0 : error_of(rv);
}

int
jz_token_open(const struct jz_engine *base, const struct jz_token_uri *uri,
    const char *prefix, const struct jz_secret *pin, struct jz_token **out)
{
	struct jz_token *t = NULL;
	int rc;

	*out = NULL;
	if (base->crypto->suite != JZ_SUITE_NIST)
		return JZ_ERR_UNSUPPORTED;
	if (strlen(prefix) >= sizeof(t->prefix))
		return JZ_ERR_RANGE;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return JZ_ERR_MEMORY;
	t->base = *base;
	memcpy(t->prefix, prefix, strlen(prefix));
	jz_token_engine_init(t);
	t->signing = EVP_MD_CTX_new();
	rc = t->signing == NULL ? JZ_ERR_MEMORY
				: jz_token_provider_load(t, &t->provider);
	if (rc == 0)
		rc = load_module(t, uri->module);
	if (rc == 0)
		rc = log_in(t, uri->token, pin);
	if (rc == 0)
		*out = t;
	else
		jz_token_free(&t);
	return rc;
}

void
jz_token_free(struct jz_token **token)
{
	struct jz_token *t = *token;

	if (t == NULL)
		return;
	EVP_MD_CTX_free(t->signing);
	for (size_t k = 0; k < JZ_TOKEN_KEYS; k++)
		EVP_PKEY_free(t->keys[k].key);
	jz_token_provider_unload(&t->provider);
	if (t->open)
		(void)CALL(t, CK_CLOSE_SESSION, ck_one *)(t->session);
	if (t->module != NULL)
		(void)dlclose(t->module);
	free(t);
	*token = NULL;
}

/* ---- objects ------------------------------------------------------------ */

static void
full_name(const struct jz_token *t, const char *name,
    char out[static JZ_TOKEN_NAME_MAX])
{
	snprintf(out, JZ_TOKEN_NAME_MAX, "%s%.24s", t->prefix, name);
}

/* The objects of this name and class, at most OBJECTS_MAX. */
static ck_ulong
find(const struct jz_token *t, const char *name, ck_ulong class,
    ck_ulong out[static OBJECTS_MAX])
{
	char label[JZ_TOKEN_NAME_MAX];
	struct ck_attribute wanted[] = {
	    {CK_A_CLASS, &class, sizeof(class)}, {CK_A_LABEL, label, 0}};
	ck_ulong n = 0;

	full_name(t, name, label);
	wanted[1].len = strlen(label);
	if (CALL(t, CK_FIND_OBJECTS_INIT, ck_find_begin *)(
		t->session, wanted, 2) != CK_OK)
		return 0;
	if (CALL(t, CK_FIND_OBJECTS, ck_find *)(
		t->session, out, OBJECTS_MAX, &n) != CK_OK)
		n = 0;
	(void)CALL(t, CK_FIND_OBJECTS_FINAL, ck_one *)(t->session);
	return n;
}

static int
read_point(const struct jz_token *t, ck_ulong object,
    uint8_t out[static JZ_PUBLIC_BYTES_EC])
{
	uint8_t bytes[POINT_MAX];
	struct ck_attribute a = {CK_A_EC_POINT, bytes, sizeof(bytes)};
	size_t head;

	if (CALL(t, CK_GET_ATTRIBUTE_VALUE, ck_attributes *)(
		t->session, object, &a, 1) != CK_OK ||
	    a.len < JZ_PUBLIC_BYTES_EC || a.len > sizeof(bytes))
		return JZ_ERR_TOKEN;
	head = a.len - JZ_PUBLIC_BYTES_EC;
	if (head != 0 &&
	    (head != 2 || bytes[0] != TAG_OCTETS ||
		bytes[1] != JZ_PUBLIC_BYTES_EC))
		return JZ_ERR_TOKEN;
	memcpy(out, bytes + head, JZ_PUBLIC_BYTES_EC);
	return 0;
}

/* From now on sign() uses the token for this public key. */
static int
remember(struct jz_token *t, ck_ulong object,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC])
{
	struct jz_token_key *k = &t->keys[t->n_keys % JZ_TOKEN_KEYS];
	EVP_PKEY *key = NULL;
	int rc = jz_token_provider_key(&t->provider, object, public_key, &key);

	if (rc != 0)
		return rc;
	EVP_PKEY_free(k->key);
	k->key = key;
	memcpy(k->public_key, public_key, JZ_PUBLIC_BYTES_EC);
	t->n_keys++;
	return 0;
}

int
jz_token_find(struct jz_token *t, const char *name,
    uint8_t public_key[static JZ_PUBLIC_BYTES_EC])
{
	ck_ulong of_public[OBJECTS_MAX], of_private[OBJECTS_MAX];
	int rc;

	memset(public_key, 0, JZ_PUBLIC_BYTES_EC);
	if (find(t, name, CK_O_PUBLIC_KEY, of_public) != 1 ||
	    find(t, name, CK_O_PRIVATE_KEY, of_private) != 1)
		return JZ_ERR_TOKEN_KEY;
	rc = read_point(t, of_public[0], public_key);
	if (rc == 0)
		rc = remember(t, of_private[0], public_key);
	return rc;
}

void
jz_token_destroy(struct jz_token *t, const char *name)
{
	static const ck_ulong CLASSES[] = {
	    CK_O_PUBLIC_KEY, CK_O_PRIVATE_KEY, CK_O_SECRET_KEY};
	ck_ulong objects[OBJECTS_MAX];

	for (size_t c = 0; c < 3; c++) {
		ck_ulong n = find(t, name, CLASSES[c], objects);

		for (ck_ulong k = 0; k < n; k++)
			(void)CALL(t, CK_DESTROY_OBJECT, ck_two *)(
			    t->session, objects[k]);
	}
}

/* Asked for in the template, and not taken on trust. */
static bool
stays_inside(const struct jz_token *t, ck_ulong object)
{
	unsigned char sensitive = 0, extractable = 1;
	struct ck_attribute a[] = {{CK_A_SENSITIVE, &sensitive, 1},
	    {CK_A_EXTRACTABLE, &extractable, 1}};

	return CALL(t, CK_GET_ATTRIBUTE_VALUE, ck_attributes *)(
		   t->session, object, a, 2) == CK_OK &&
	    sensitive == 1 && extractable == 0;
}

int
jz_token_generate(struct jz_token *t, const char *name,
    uint8_t public_key[static JZ_PUBLIC_BYTES_EC])
{
	struct ck_mechanism mechanism = {CK_M_EC_KEY_PAIR_GEN, NULL, 0};
	unsigned char yes = 1, no = 0;
	uint8_t curve[sizeof(P256)];
	char label[JZ_TOKEN_NAME_MAX];
	struct ck_attribute of_public[] = {{CK_A_TOKEN, &yes, 1},
	    {CK_A_VERIFY, &yes, 1}, {CK_A_EC_PARAMS, curve, sizeof(curve)},
	    {CK_A_LABEL, label, 0}};
	struct ck_attribute of_private[] = {{CK_A_TOKEN, &yes, 1},
	    {CK_A_PRIVATE, &yes, 1}, {CK_A_SENSITIVE, &yes, 1},
	    {CK_A_EXTRACTABLE, &no, 1}, {CK_A_SIGN, &yes, 1},
	    {CK_A_LABEL, label, 0}};
	ck_ulong made[2];

	memcpy(curve, P256, sizeof(curve));
	full_name(t, name, label);
	of_public[3].len = of_private[5].len = strlen(label);
	jz_token_destroy(t, name);
	if (CALL(t, CK_GENERATE_KEY_PAIR, ck_pair *)(t->session, &mechanism,
		of_public, 4, of_private, 6, &made[0], &made[1]) != CK_OK)
		return JZ_ERR_TOKEN;
	if (stays_inside(t, made[1]))
		return jz_token_find(t, name, public_key);
	jz_token_destroy(t, name);
	return JZ_ERR_TOKEN;
}

/* ---- use ---------------------------------------------------------------- */

int
jz_token_sign(struct jz_token *t, ck_ulong object, ck_ulong with,
    struct jz_span in, uint8_t *out, size_t len)
{
	struct ck_mechanism mechanism = {with, NULL, 0};
	ck_ulong n = len;

	if (CALL(t, CK_SIGN_INIT, ck_sign_begin *)(
		t->session, &mechanism, object) == CK_OK &&
	    CALL(t, CK_SIGN, ck_signature *)(
		t->session, in.data, in.len, out, &n) == CK_OK &&
	    n == len)
		return 0;
	jz_wipe(out, len);
	return JZ_ERR_TOKEN;
}

static int
make_seal(struct jz_token *t, ck_ulong *out)
{
	struct ck_mechanism mechanism = {CK_M_AES_KEY_GEN, NULL, 0};
	unsigned char yes = 1, no = 0;
	ck_ulong len = JZ_TOKEN_SEAL_BYTES;
	char label[JZ_TOKEN_NAME_MAX];
	struct ck_attribute a[] = {{CK_A_TOKEN, &yes, 1},
	    {CK_A_PRIVATE, &yes, 1}, {CK_A_SENSITIVE, &yes, 1},
	    {CK_A_EXTRACTABLE, &no, 1}, {CK_A_SIGN, &yes, 1},
	    {CK_A_VALUE_LEN, &len, sizeof(len)}, {CK_A_LABEL, label, 0}};

	full_name(t, SEAL_NAME, label);
	a[6].len = strlen(label);
	if (CALL(t, CK_GENERATE_KEY, ck_key *)(
		t->session, &mechanism, a, 7, out) != CK_OK)
		return JZ_ERR_TOKEN;
	if (stays_inside(t, *out))
		return 0;
	jz_token_destroy(t, SEAL_NAME);
	return JZ_ERR_TOKEN;
}

int
jz_token_seal_key(struct jz_token *t, bool make, struct jz_secret *out)
{
	static const uint8_t LABELS[2][BLOCK_BYTES] = {
	    "jiaozi seal 1", "jiaozi seal 2"};
	uint8_t *bytes = jz_secret_fill(out, JZ_TOKEN_SEAL_BYTES);
	ck_ulong object[OBJECTS_MAX];
	int rc = 0;

	if (make)
		rc = make_seal(t, &object[0]);
	else if (find(t, SEAL_NAME, CK_O_SECRET_KEY, object) != 1)
		rc = JZ_ERR_TOKEN_KEY;
	for (size_t k = 0; rc == 0 && k < 2; k++)
		rc = jz_token_sign(t, object[0], CK_M_AES_CMAC,
		    jz_span(LABELS[k], BLOCK_BYTES), bytes + k * BLOCK_BYTES,
		    BLOCK_BYTES);
	if (rc != 0)
		jz_secret_wipe(out);
	return rc;
}
