/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine against the edge cases of Project Wycheproof (C2SP/wycheproof):
 * each case must get its published verdict.  The files are looked for in the
 * directory that JIAOZI_VECTORS names; without them the tests are skipped, and
 * say so.
 *
 * Our interface takes points of 65 bytes, signatures of 64 and keys of 16.  A
 * case of another length cannot be put to it; then the published verdict must
 * not be that it is good.  Signatures in DER are turned into ours; what is not
 * the one DER of two numbers is such a case too.
 *
 * All of suite nist: there are no files of SM2 or of CMAC with SM4, and nothing
 * here uses HKDF.
 */
#define _DEFAULT_SOURCE

#include "fixture.h"

#include <jansson.h>

#include "../../apdu/tlv.h"

#define DEFAULT_DIRECTORY "../shared/vectors"
#define ECDSA_FILE	  "wycheproof-ecdsa_secp256r1_sha256_p1363_test.json"
#define ECDSA_DER_FILE	  "wycheproof-ecdsa_secp256r1_sha256_test.json"
#define ECDH_FILE	  "wycheproof-ecdh_secp256r1_ecpoint_test.json"
#define CMAC_FILE	  "wycheproof-aes_cmac_test.json"
#define BYTES_MAX	  4096
#define DER_MAX		  8192 /* what is not DER can be long */

struct tally {
	size_t good, bad, other;
};

static json_t *
load(const char *name)
{
	const char *dir = getenv("JIAOZI_VECTORS");
	char path[FX_PATH_MAX];
	json_error_t error;
	json_t *root;

	fx_path(path, dir != NULL ? dir : DEFAULT_DIRECTORY, name);
	if (access(path, R_OK) != 0) {
		print_message("SKIPPED: vectors absent (%s)\n", path);
		skip();
	}
	root = json_load_file(path, 0, &error);
	if (root == NULL)
		fail_msg("%s: %s", path, error.text);
	return root;
}

static const char *
text(const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));

	assert_non_null(s);
	return s;
}

/* Calls run for each test of the file, with its group. */
static void
walk(json_t *root, const struct jz_engine *e,
    void (*run)(const struct jz_engine *, const json_t *, const json_t *,
	struct tally *),
    struct tally *tally)
{
	json_t *groups = json_object_get(root, "testGroups");
	json_t *group, *test;
	size_t i, j;

	assert_non_null(groups);
	json_array_foreach(groups, i, group)
	{
		json_array_foreach(json_object_get(group, "tests"), j, test)
		{
			run(e, group, test, tally);
		}
	}
	print_message("%zu good, %zu bad, %zu of other sizes\n", tally->good,
	    tally->bad, tally->other);
	/* A file that has lost its cases would prove nothing. */
	assert_true(tally->good >= 20 && tally->bad >= 10);
}

static void
count(struct tally *tally, const json_t *test, bool good)
{
	if (good != (strcmp(text(test, "result"), "valid") == 0))
		fail_msg("case %lld (%s)",
		    (long long)json_integer_value(
			json_object_get(test, "tcId")),
		    text(test, "comment"));
	if (good)
		tally->good++;
	else
		tally->bad++;
}

static void
count_other(struct tally *tally, const json_t *test)
{
	assert_string_not_equal(text(test, "result"), "valid");
	tally->other++;
}

static void
run_ecdsa(const struct jz_engine *e, const json_t *group, const json_t *test,
    struct tally *tally)
{
	const json_t *key = json_object_get(group, "publicKey");
	uint8_t point[JZ_PUBLIC_BYTES_EC], sig[BYTES_MAX], msg[BYTES_MAX];
	struct jz_span s = fx_span(text(test, "sig"), sig, sizeof(sig));
	struct jz_span m = fx_span(text(test, "msg"), msg, sizeof(msg));
	int rc;

	fx_bytes(text(key, "uncompressed"), point, sizeof(point));
	if (s.len != JZ_SIG_BYTES) {
		count_other(tally, test);
		return;
	}
	rc = e->crypto->verify(e->state, point, &m, 1, sig);
	assert_true(rc == 0 || rc == JZ_ERR_SIGNATURE);
	count(tally, test, rc == 0);
}

static void
test_ecdsa(void **state)
{
	struct tally tally = {0};
	json_t *root = load(ECDSA_FILE);

	walk(root, *state, run_ecdsa, &tally);
	json_decref(root);
}

/* A positive INTEGER of at most 32 bytes, in its shortest form. */
static bool
take_number(struct jz_cursor *c, uint8_t out[static 32])
{
	struct jz_span v;

	if (jz_tlv_expect(c, 0x02, &v) != 0 || v.len == 0 || v.len > 33 ||
	    v.data[0] >= 0x80 ||
	    (v.len > 1 && v.data[0] == 0 && v.data[1] < 0x80))
		return false;
	if (v.len == 33 && v.data[0] == 0)
		v = jz_span(v.data + 1, 32);
	if (v.len > 32)
		return false;
	memset(out, 0, 32);
	memcpy(out + 32 - v.len, v.data, v.len);
	return true;
}

static bool
from_der(struct jz_span der, uint8_t out[static JZ_SIG_BYTES])
{
	struct jz_cursor c = jz_cursor(der);
	struct jz_span both;

	/* The lengths fit into one byte, so no other form is DER. */
	if (der.len < 2 || der.data[1] >= 0x80 ||
	    jz_tlv_expect(&c, 0x30, &both) != 0 || !jz_cursor_end(&c))
		return false;
	c = jz_cursor(both);
	return take_number(&c, out) && take_number(&c, out + 32) &&
	    jz_cursor_end(&c);
}

static void
run_ecdsa_der(const struct jz_engine *e, const json_t *group,
    const json_t *test, struct tally *tally)
{
	const json_t *key = json_object_get(group, "publicKey");
	uint8_t point[JZ_PUBLIC_BYTES_EC], der[DER_MAX], msg[BYTES_MAX];
	uint8_t sig[JZ_SIG_BYTES];
	struct jz_span s = fx_span(text(test, "sig"), der, sizeof(der));
	struct jz_span m = fx_span(text(test, "msg"), msg, sizeof(msg));
	int rc;

	fx_bytes(text(key, "uncompressed"), point, sizeof(point));
	if (!from_der(s, sig)) {
		count_other(tally, test);
		return;
	}
	rc = e->crypto->verify(e->state, point, &m, 1, sig);
	assert_true(rc == 0 || rc == JZ_ERR_SIGNATURE);
	count(tally, test, rc == 0);
}

static void
test_ecdsa_der(void **state)
{
	struct tally tally = {0};
	json_t *root = load(ECDSA_DER_FILE);

	walk(root, *state, run_ecdsa_der, &tally);
	json_decref(root);
}

/* A number of any length as our 32 bytes. */
static void
private_key(const char *hex, uint8_t out[static JZ_PRIVATE_BYTES])
{
	uint8_t bytes[64];
	struct jz_span s = fx_span(hex, bytes, sizeof(bytes));

	while (s.len > JZ_PRIVATE_BYTES && s.data[0] == 0)
		s = jz_span(s.data + 1, s.len - 1);
	assert_true(s.len <= JZ_PRIVATE_BYTES);
	memset(out, 0, JZ_PRIVATE_BYTES);
	memcpy(out + JZ_PRIVATE_BYTES - s.len, s.data, s.len);
}

static void
run_ecdh(const struct jz_engine *e, const json_t *group, const json_t *test,
    struct tally *tally)
{
	uint8_t key[JZ_PRIVATE_BYTES], point[BYTES_MAX], out[32];
	struct jz_span p = fx_span(text(test, "public"), point, sizeof(point));
	int rc;

	(void)group;
	private_key(text(test, "private"), key);
	if (p.len != JZ_PUBLIC_BYTES_EC) {
		count_other(tally, test);
		return;
	}
	rc = e->crypto->agree(e->state, key, point, out);
	assert_true(rc == 0 || rc == JZ_ERR_KEY);
	count(tally, test, rc == 0);
	if (rc == 0)
		fx_assert_hex(out, sizeof(out), text(test, "shared"));
	else
		fx_assert_zero(out, sizeof(out));
}

static void
test_ecdh(void **state)
{
	struct tally tally = {0};
	json_t *root = load(ECDH_FILE);

	walk(root, *state, run_ecdh, &tally);
	json_decref(root);
}

static void
run_cmac(const struct jz_engine *e, const json_t *group, const json_t *test,
    struct tally *tally)
{
	uint8_t key[BYTES_MAX], msg[BYTES_MAX], tag[BYTES_MAX];
	uint8_t mac[JZ_KEY_BYTES];
	struct jz_span k = fx_span(text(test, "key"), key, sizeof(key));
	struct jz_span m = fx_span(text(test, "msg"), msg, sizeof(msg));
	struct jz_span t = fx_span(text(test, "tag"), tag, sizeof(tag));

	(void)group;
	/* AES-192 and AES-256 are not of our suite, rightly keyed or not. */
	if (k.len != JZ_KEY_BYTES) {
		tally->other++;
		return;
	}
	assert_int_equal(e->crypto->cmac(e->state, key, &m, 1, mac), 0);
	count(tally, test,
	    t.len == sizeof(mac) && memcmp(mac, tag, sizeof(mac)) == 0);
}

static void
test_cmac(void **state)
{
	struct tally tally = {0};
	json_t *root = load(CMAC_FILE);

	walk(root, *state, run_cmac, &tally);
	json_decref(root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ecdsa),
	    cmocka_unit_test(test_ecdsa_der),
	    cmocka_unit_test(test_ecdh),
	    cmocka_unit_test(test_cmac),
	};

	return cmocka_run_group_tests(tests, fx_open_engine, fx_close_engine);
}
