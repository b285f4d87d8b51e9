/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES DUKPT against the values of ANSI X9.24-3:2017, its supplement of test
 * vectors; all of them from the file that JIAOZI_VECTORS's directory holds, a
 * few typed in here.  And the properties that vectors do not show: device and
 * host agree, and what has been used is gone.
 */
#define _DEFAULT_SOURCE

#include "fixture.h"

#include <jansson.h>

#include "../../keys/dukpt.h"
#include "../../keys/openssl/aes.h"
#include "../../keys/secret.h"
#include "../support/stride.h"

#define DEFAULT_DIRECTORY "../shared/vectors"
#define FILE_NAME	  "aes-dukpt-x9.24-3-2017.json"
#define BDK_128		  "fedcba9876543210f1f1f1f1f1f1f1f1"
#define BDK_256		  BDK_128 BDK_128
#define IK_128		  "1273671ea26ac29afa4d1084127652a1"
#define MANY		  100000

static const uint8_t ID[JZ_DUKPT_ID_BYTES] = {
    0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56};

static const enum jz_dukpt_type TYPES[] = {
    JZ_DUKPT_AES128, JZ_DUKPT_AES192, JZ_DUKPT_AES256};

static size_t
bytes_of(enum jz_dukpt_type type)
{
	return 8 * (size_t)type;
}

static int
open_cipher(void **state)
{
	struct jz_block_cipher *c = calloc(1, sizeof(*c));

	*state = c;
	return c == NULL ? -1 : jz_aes_new(c);
}

static int
close_cipher(void **state)
{
	jz_aes_free(*state);
	free(*state);
	return 0;
}

static void
make_initial(const struct jz_block_cipher *c, enum jz_dukpt_type type,
    struct jz_dukpt_key *out)
{
	uint8_t bdk[JZ_DUKPT_KEY_MAX];

	fx_bytes(BDK_256, bdk, sizeof(bdk));
	assert_int_equal(jz_dukpt_initial(c, type, bdk, ID, out), 0);
}

/* ---- published values ---------------------------------------------------- */

static void
test_typed_in(void **state)
{
	const struct jz_block_cipher *c = *state;
	struct jz_dukpt_key ik, t;
	uint8_t key[JZ_DUKPT_KEY_MAX];

	make_initial(c, JZ_DUKPT_AES128, &ik);
	fx_assert_hex(ik.key, 16, IK_128);
	assert_int_equal(jz_dukpt_transaction(c, &ik, 1, &t), 0);
	fx_assert_hex(t.key, 16, "4f21b565bad9835e112b6465635eae44");
	assert_int_equal(
	    jz_dukpt_working(c, &t, JZ_DUKPT_PIN, JZ_DUKPT_AES128, key), 0);
	fx_assert_hex(key, 16, "af8cb133a78f8dc2d1359f18527593fb");
	assert_int_equal(jz_dukpt_transaction(c, &ik, JZ_DUKPT_LAST, &t), 0);
	fx_assert_hex(t.key, 16, "f6ba59389bd14a9855be9727e7c52e3c");
	assert_int_equal(jz_dukpt_update(c, &ik, key), 0);
	fx_assert_hex(key, 16, "9a9770aee1acd1b13473d0463a1883b9");

	make_initial(c, JZ_DUKPT_AES256, &ik);
	fx_assert_hex(ik.key, 32,
	    "ce9ce0c101d1138f97fb6cad4df045a7"
	    "083d4eae2d35a31789d01ccf0949550f");
	assert_int_equal(jz_dukpt_transaction(c, &ik, 3, &t), 0);
	fx_assert_hex(t.key, 32,
	    "8eeef7c464ae415bb1d73faed21993cd"
	    "669f7999092a579ec6dd3cc680c65171");
	assert_int_equal(
	    jz_dukpt_working(c, &t, JZ_DUKPT_MAC_MAKE, JZ_DUKPT_AES256, key),
	    0);
	fx_assert_hex(key, 32,
	    "35bd00a46f2a2bd127f565fbf2974b73"
	    "5ae3bb70242c0a415857cf69b2c2691a");
}

/* Of 192 bits no values are published: 6.3.1 by hand, two blocks cut to 24. */
static void
test_192_bits_by_hand(void **state)
{
	const struct jz_block_cipher *c = *state;
	uint8_t data[16], bdk[JZ_DUKPT_KEY_MAX], two[32];
	struct jz_dukpt_key ik;

	fx_bytes(BDK_256, bdk, sizeof(bdk));
	fx_bytes("01 01 8001 0003 00c0 1234567890123456", data, sizeof(data));
	assert_int_equal(c->encrypt(c->state, bdk, 24, data, two), 0);
	data[1] = 2;
	assert_int_equal(c->encrypt(c->state, bdk, 24, data, two + 16), 0);
	make_initial(c, JZ_DUKPT_AES192, &ik);
	assert_memory_equal(ik.key, two, 24);
	fx_assert_zero(ik.key + 24, 8);
}

static const char *
text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static json_t *
load(void)
{
	const char *dir = getenv("JIAOZI_VECTORS");
	char path[FX_PATH_MAX];
	json_error_t error;
	json_t *root;

	fx_path(path, dir != NULL ? dir : DEFAULT_DIRECTORY, FILE_NAME);
	if (access(path, R_OK) != 0) {
		print_message("SKIPPED: vectors absent (%s)\n", path);
		skip();
	}
	root = json_load_file(path, 0, &error);
	if (root == NULL)
		fail_msg("%s: %s", path, error.text);
	return root;
}

/* The PIN block of ISO 9564-1 format 4, for which the PIN key is. */
static void
check_pin_block(const struct jz_block_cipher *c, const json_t *group,
    const uint8_t *key, const char *want)
{
	uint8_t block[16], pan[16];

	fx_bytes(text(group, "pinfield"), block, sizeof(block));
	fx_bytes(text(group, "panfield"), pan, sizeof(pan));
	assert_int_equal(c->encrypt(c->state, key, 16, block, block), 0);
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= pan[i];
	assert_int_equal(c->encrypt(c->state, key, 16, block, block), 0);
	fx_assert_hex(block, sizeof(block), want);
}

static const struct {
	const char *name;
	enum jz_dukpt_usage usage;
	enum jz_dukpt_type type;
} WORKING[] = {
    {"pin_key_aes128_usage1000", JZ_DUKPT_PIN, JZ_DUKPT_AES128},
    {"pin_key_aes256_usage1000", JZ_DUKPT_PIN, JZ_DUKPT_AES256},
    {"cmac_aes128_key_usage2000", JZ_DUKPT_MAC_MAKE, JZ_DUKPT_AES128},
    {"cmac_aes256_key_usage2000", JZ_DUKPT_MAC_MAKE, JZ_DUKPT_AES256},
    {"data_aes128_key_usage3000", JZ_DUKPT_DATA_ENCRYPT, JZ_DUKPT_AES128},
    {"data_aes256_key_usage3000", JZ_DUKPT_DATA_ENCRYPT, JZ_DUKPT_AES256},
};

static size_t
check_case(const struct jz_block_cipher *c, const json_t *group,
    const json_t *test, const struct jz_dukpt_key *ik)
{
	uint8_t ksn[JZ_DUKPT_KSN_BYTES], got[JZ_DUKPT_KSN_BYTES];
	uint8_t key[JZ_DUKPT_KEY_MAX];
	struct jz_dukpt_key t;
	uint32_t counter = 0;
	size_t n = 1;

	fx_bytes(text(test, "ksn"), ksn, sizeof(ksn));
	for (size_t i = JZ_DUKPT_ID_BYTES; i < sizeof(ksn); i++)
		counter = counter << 8 | ksn[i];
	assert_int_equal(jz_dukpt_transaction(c, ik, counter, &t), 0);
	jz_dukpt_ksn(&t, got);
	assert_memory_equal(got, ksn, sizeof(ksn));
	fx_assert_hex(t.key, bytes_of(t.type), text(test, "txn_key"));
	for (size_t i = 0; i < sizeof(WORKING) / sizeof(WORKING[0]); i++) {
		const char *want = text(test, WORKING[i].name);

		if (want == NULL)
			continue;
		assert_int_equal(jz_dukpt_working(c, &t, WORKING[i].usage,
				     WORKING[i].type, key),
		    0);
		fx_assert_hex(key, bytes_of(WORKING[i].type), want);
		n++;
	}
	if (text(test, "encrypted_pinblock") != NULL) {
		assert_int_equal(
		    jz_dukpt_working(c, &t, JZ_DUKPT_PIN, JZ_DUKPT_AES128, key),
		    0);
		check_pin_block(
		    c, group, key, text(test, "encrypted_pinblock"));
		n++;
	}
	return n;
}

static void
check_group(const struct jz_block_cipher *c, const json_t *root,
    const char *name, enum jz_dukpt_type type)
{
	const json_t *group = json_object_get(root, name);
	struct jz_dukpt_key ik;
	size_t i, n = 0;
	json_t *test;

	make_initial(c, type, &ik);
	fx_assert_hex(ik.key, bytes_of(type), text(group, "ik"));
	json_array_foreach(json_object_get(group, "txn"), i, test)
	{
		n += check_case(c, group, test, &ik);
	}
	print_message("%s: %zu keys\n", name, n);
	/* A file that has lost its cases would prove nothing. */
	assert_true(n >= 45);
}

static void
test_published(void **state)
{
	json_t *root = load();

	check_group(*state, root, "AES128", JZ_DUKPT_AES128);
	check_group(*state, root, "AES256", JZ_DUKPT_AES256);
	json_decref(root);
}

/* ---- device and host ----------------------------------------------------- */

static unsigned
ones(uint32_t v)
{
	unsigned n = 0;

	for (; v != 0; v >>= 1)
		n += v & 1;
	return n;
}

/* By counting, as the device does not. */
static uint32_t
next_counter(uint32_t counter)
{
	do {
		counter++;
	} while (ones(counter) > JZ_DUKPT_ONES_MAX);
	return counter;
}

static void
check_next(const struct jz_block_cipher *c, struct jz_dukpt_device *d,
    const struct jz_dukpt_key *ik, uint32_t counter)
{
	struct jz_dukpt_key got, want;

	assert_int_equal(jz_dukpt_next(c, d, &got), 0);
	assert_int_equal(got.counter, counter);
	assert_int_equal(jz_dukpt_transaction(c, ik, counter, &want), 0);
	assert_memory_equal(got.key, want.key, sizeof(got.key));
	assert_memory_equal(got.id, ID, sizeof(ID));
	assert_int_equal(got.type, ik->type);
}

static void
test_device_and_host_agree(void **state)
{
	const struct jz_block_cipher *c = *state;
	struct jz_dukpt_device d;
	struct jz_dukpt_key ik;

	for (size_t i = 0; i < sizeof(TYPES) / sizeof(TYPES[0]); i++) {
		uint32_t counter = 0;

		make_initial(c, TYPES[i], &ik);
		assert_int_equal(jz_dukpt_load(c, &ik, &d), 0);
		for (size_t n = 0; n < (i == 0 ? MANY : 2000) / test_stride();
		     n++) {
			counter = next_counter(counter);
			check_next(c, &d, &ik, counter);
		}
	}
}

/*
 * A device as it stands before a counter: of each bit not below the counter's
 * lowest one, the key that comes next in its register, when there is one.
 */
static void
device_before(const struct jz_block_cipher *c, const struct jz_dukpt_key *ik,
    uint32_t counter, struct jz_dukpt_device *d)
{
	uint32_t lowest = counter & (0 - counter);
	struct jz_dukpt_key key;

	memset(d, 0, sizeof(*d));
	memcpy(d->id, ID, sizeof(ID));
	d->type = ik->type;
	d->counter = counter;
	for (unsigned i = 0; i < JZ_DUKPT_REGISTERS; i++) {
		uint32_t bit = UINT32_C(1) << i;
		uint32_t above = ~(bit | (bit - 1));

		if (bit < lowest || (bit > lowest && (counter & bit) != 0))
			continue;
		if (ones((counter & above) | bit) > JZ_DUKPT_ONES_MAX)
			continue;
		assert_int_equal(
		    jz_dukpt_transaction(c, ik, (counter & above) | bit, &key),
		    0);
		memcpy(d->registers[i], key.key, sizeof(key.key));
		d->in_use |= bit;
	}
}

/* So that the tests that begin in the middle begin where a device gets to. */
static void
test_a_device_gets_there(void **state)
{
	const struct jz_block_cipher *c = *state;
	struct jz_dukpt_device d, built;
	struct jz_dukpt_key ik, t;

	make_initial(c, JZ_DUKPT_AES128, &ik);
	assert_int_equal(jz_dukpt_load(c, &ik, &d), 0);
	for (uint32_t counter = 1; counter < 5000 / test_stride(); counter++) {
		device_before(c, &ik, counter, &built);
		assert_memory_equal(&d, &built, sizeof(d));
		assert_int_equal(jz_dukpt_next(c, &d, &t), 0);
	}
}

static void
test_counters_of_17_ones_are_passed_over(void **state)
{
	static const uint32_t FROM[] = {
	    0xFFF0, 0x1FFF0, 0x7FFF8000, 0xFFE00000, 0x0001FFFE};
	const struct jz_block_cipher *c = *state;
	struct jz_dukpt_device d;
	struct jz_dukpt_key ik;

	make_initial(c, JZ_DUKPT_AES128, &ik);
	for (size_t i = 0; i < sizeof(FROM) / sizeof(FROM[0]); i++) {
		uint32_t counter = next_counter(FROM[i] - 1);

		device_before(c, &ik, counter, &d);
		for (size_t n = 0; n < 300; n++) {
			check_next(c, &d, &ik, counter);
			counter = next_counter(counter);
		}
	}
}

static void
test_the_end(void **state)
{
	const struct jz_block_cipher *c = *state;
	uint32_t counter = UINT32_C(0xFFFC0000);
	struct jz_dukpt_device d, before;
	struct jz_dukpt_key ik, t;
	size_t n = 0;

	make_initial(c, JZ_DUKPT_AES128, &ik);
	device_before(c, &ik, counter, &d);
	while (d.counter != 0) {
		check_next(c, &d, &ik, counter);
		n++;
		if (counter != JZ_DUKPT_LAST)
			counter = next_counter(counter);
	}
	assert_int_equal(counter, JZ_DUKPT_LAST);
	assert_true(n > 100);
	/* Nothing is left of any key. */
	fx_assert_zero(d.registers, sizeof(d.registers));
	assert_int_equal(d.in_use, 0);
	before = d;
	assert_int_equal(jz_dukpt_next(c, &d, &t), JZ_ERR_KEYS_SPENT);
	fx_assert_zero(&t, sizeof(t));
	assert_memory_equal(&d, &before, sizeof(d));
}

/* ---- what has been used is gone ------------------------------------------ */

static bool
contains(const void *memory, size_t len, const uint8_t *what, size_t n)
{
	const uint8_t *p = memory;

	for (size_t i = 0; i + n <= len; i++) {
		if (memcmp(p + i, what, n) == 0)
			return true;
	}
	return false;
}

/*
 * Whoever takes a device apart finds the keys of counters to come and no
 * others: each register that is in use is such a one, each other is zero, and
 * from a key come only those of counters with more ones behind its own, which
 * are higher.
 */
static void
test_used_keys_are_gone(void **state)
{
	const struct jz_block_cipher *c = *state;
	static uint8_t used[2000][16];
	struct jz_dukpt_device d;
	struct jz_dukpt_key ik, t;

	make_initial(c, JZ_DUKPT_AES128, &ik);
	assert_int_equal(jz_dukpt_load(c, &ik, &d), 0);
	assert_false(contains(&d, sizeof(d), ik.key, 16));
	for (size_t n = 0; n < sizeof(used) / sizeof(used[0]); n++) {
		assert_int_equal(jz_dukpt_next(c, &d, &t), 0);
		memcpy(used[n], t.key, 16);
		assert_false(contains(&d, sizeof(d), t.key, 16));
		for (unsigned i = 0; i < JZ_DUKPT_REGISTERS; i++) {
			if ((d.in_use >> i & 1) == 0)
				fx_assert_zero(
				    d.registers[i], sizeof(d.registers[i]));
		}
	}
	for (size_t n = 0; n < sizeof(used) / sizeof(used[0]); n++)
		assert_false(contains(&d, sizeof(d), used[n], 16));
	for (uint32_t lower = 1; lower <= d.counter - 1; lower++) {
		assert_int_equal(jz_dukpt_transaction(c, &ik, lower, &t), 0);
		assert_false(contains(&d, sizeof(d), t.key, 16));
	}
}

/* ---- refusals ------------------------------------------------------------ */

static void
test_counters_that_no_device_uses(void **state)
{
	static const uint32_t BAD[] = {
	    0, 0x1FFFF, 0xFFFF0001, 0xFFFF8000, 0xFFFFFFFF, 0x7FFFC000 | 0xFF};
	const struct jz_block_cipher *c = *state;
	struct jz_dukpt_key ik, t;

	make_initial(c, JZ_DUKPT_AES128, &ik);
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		memset(&t, 0xA5, sizeof(t));
		assert_int_equal(
		    jz_dukpt_transaction(c, &ik, BAD[i], &t), JZ_ERR_RANGE);
		fx_assert_zero(&t, sizeof(t));
	}
}

static void
test_types_and_usages_that_there_are_not(void **state)
{
	const struct jz_block_cipher *c = *state;
	uint8_t key[JZ_DUKPT_KEY_MAX] = {0};
	struct jz_dukpt_device d;
	struct jz_dukpt_key ik, t;

	assert_int_equal(
	    jz_dukpt_initial(c, (enum jz_dukpt_type)1, key, ID, &ik),
	    JZ_ERR_RANGE);
	make_initial(c, JZ_DUKPT_AES128, &ik);
	assert_int_equal(jz_dukpt_transaction(c, &ik, 1, &t), 0);
	/* A stronger key cannot come from a weaker one. */
	assert_int_equal(
	    jz_dukpt_working(c, &t, JZ_DUKPT_PIN, JZ_DUKPT_AES192, key),
	    JZ_ERR_RANGE);
	fx_assert_zero(key, sizeof(key));
	/* Nor does a working key have the usage of the derivation itself. */
	assert_int_equal(jz_dukpt_working(c, &t, (enum jz_dukpt_usage)0x8000,
			     JZ_DUKPT_AES128, key),
	    JZ_ERR_RANGE);
	assert_int_equal(
	    jz_dukpt_working(c, &ik, JZ_DUKPT_PIN, JZ_DUKPT_AES128, key),
	    JZ_ERR_RANGE);
	assert_int_equal(jz_dukpt_load(c, &t, &d), JZ_ERR_RANGE);
	assert_int_equal(jz_dukpt_transaction(c, &t, 3, &ik), JZ_ERR_RANGE);
	assert_int_equal(jz_dukpt_update(c, &t, key), JZ_ERR_RANGE);
	assert_int_equal(c->encrypt(c->state, key, 20, key, key), JZ_ERR_KEY);
}

static int
fail_after(void *state, const uint8_t *key, size_t key_len,
    const uint8_t in[static 16], uint8_t out[static 16])
{
	int *left = state;

	(void)key;
	(void)key_len;
	memcpy(out, in, 16);
	return (*left)-- > 0 ? 0 : JZ_ERR_CRYPTO;
}

static void
test_a_failing_cipher_changes_nothing(void **state)
{
	const struct jz_block_cipher *c = *state;
	struct jz_dukpt_device d, before;
	struct jz_dukpt_key ik, t;
	int left = 0;
	const struct jz_block_cipher bad = {fail_after, &left};

	make_initial(c, JZ_DUKPT_AES256, &ik);
	device_before(c, &ik, 0x1000, &before);
	for (int n = 0; n < 24; n++) {
		d = before;
		left = n;
		assert_int_equal(jz_dukpt_next(&bad, &d, &t), JZ_ERR_CRYPTO);
		assert_memory_equal(&d, &before, sizeof(d));
		fx_assert_zero(&t, sizeof(t));
	}
	left = 5;
	assert_int_equal(jz_dukpt_load(&bad, &ik, &d), JZ_ERR_CRYPTO);
	fx_assert_zero(&d, sizeof(d));
	left = 3;
	assert_int_equal(jz_dukpt_transaction(&bad, &ik, 7, &t), JZ_ERR_CRYPTO);
	fx_assert_zero(&t, sizeof(t));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_typed_in),
	    cmocka_unit_test(test_192_bits_by_hand),
	    cmocka_unit_test(test_published),
	    cmocka_unit_test(test_device_and_host_agree),
	    cmocka_unit_test(test_a_device_gets_there),
	    cmocka_unit_test(test_counters_of_17_ones_are_passed_over),
	    cmocka_unit_test(test_the_end),
	    cmocka_unit_test(test_used_keys_are_gone),
	    cmocka_unit_test(test_counters_that_no_device_uses),
	    cmocka_unit_test(test_types_and_usages_that_there_are_not),
	    cmocka_unit_test(test_a_failing_cipher_changes_nothing),
	};

	return cmocka_run_group_tests(tests, open_cipher, close_cipher);
}
