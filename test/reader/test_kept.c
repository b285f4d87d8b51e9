/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card files of all releases, which stay in the tree: each opens, with its
 * key file, in this one.
 *
 *	test_kept		whether they do
 *	test_kept DIRECTORY	makes the one of this release anew, there
 *
 * The card in each: PIN 123456, 50000 loaded, 12000 paid, one wrong try.
 */
#define _DEFAULT_SOURCE

#include "../../apdu/esign.h"
#include "../../applet/purse/purse.h"
#include "../../reader/virtual.h"
#include "../support/bank.h"
#include "../support/payment.h"

#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../keys/openssl/openssl.h"
#include "../support/temp.h"

#define FILES  "test/reader/files"
#define SUFFIX ".card"
/* This release, and the layout of its purse: a release has one, but while it
 * is made. */
#define STRING(x) #x
#define NUMBER(x) STRING(x)
#define NEWEST	  JZ_VERSION "-" NUMBER(JZ_PURSE_LAYOUT) SUFFIX
#define FILE_MAX  (512u * 1024u)
#define CARDS_MAX 64
#define PIN	  "123456"
#define LOADED	  50000u
#define PAID	  12000u
#define AT_AMOUNT 5 /* in a record of the log */
#define AT_TYPE	  9

static size_t
transmit(void *state, const uint8_t *cmd, size_t len, uint8_t *rsp, size_t cap)
{
	return jz_virtual_process(state, cmd, len, rsp, cap);
}

/* ---- making ------------------------------------------------------------- */

/* A new card, loaded; in memory, or in a file. */
static struct jz_virtual *
make_card(const struct bank *bank, const char *path, const char *id)
{
	const struct jz_virtual_options o = {.path = path};
	struct profile profile = profile_of(id);
	struct jz_virtual *v = NULL;
	struct port port;

	assert_int_equal(jz_virtual_create(&o, &v), 0);
	port = (struct port){transmit, v};
	assert_int_equal(port_select(&port), JZ_SW_OK);
	assert_int_equal(bank_personalise(bank, &port, &profile), JZ_SW_OK);
	assert_int_equal(bank_load(bank, &port, PIN, LOADED), JZ_SW_OK);
	return v;
}

static void
make(const char *directory)
{
	char path[PATH_MAX];
	struct jz_virtual *payer, *payee;
	struct port to, from;
	struct payment pay;
	struct jz_engine e;
	struct bank bank;

	snprintf(path, sizeof(path), "%s/" NEWEST, directory);
	unlink(path);
	assert_int_equal(jz_openssl_new(JZ_SUITE_NIST, &e), 0);
	bank_new(&bank, &e, (int64_t)time(NULL));
	payer = make_card(&bank, path, "CN00000000500001");
	payee = make_card(&bank, NULL, "CN00000000600001");
	from = (struct port){transmit, payer};
	to = (struct port){transmit, payee};
	assert_int_equal(port_verify(&from, PIN), JZ_SW_OK);
	pay = payment_of(&to, &from, PAID, (int64_t)time(NULL));
	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(port_verify(&from, "000000"), 0x63C2);
	jz_virtual_free(&payee);
	jz_virtual_free(&payer);
	jz_openssl_free(&e);
	printf("%s and its key are new\n", path);
}

/* ---- opening ------------------------------------------------------------ */

struct kept {
	unsigned n;
	char name[CARDS_MAX][NAME_MAX + 1];
	char dir[PATH_MAX / 4];
	char card[PATH_MAX / 2], key[PATH_MAX / 2];
};

static int
setup(void **state)
{
	struct kept *k = calloc(1, sizeof(*k));
	DIR *dir = opendir(FILES);
	struct dirent *d;

	assert_non_null(k);
	assert_non_null(dir);
	while ((d = readdir(dir)) != NULL) {
		size_t len = strlen(d->d_name), end = sizeof(SUFFIX) - 1;

		if (len <= end || strcmp(d->d_name + len - end, SUFFIX) != 0)
			continue;
		assert_true(k->n < CARDS_MAX);
		snprintf(k->name[k->n++], NAME_MAX + 1, "%s", d->d_name);
	}
	closedir(dir);
	assert_true(temp_new(k->dir, sizeof(k->dir), "jiaozi-kept"));
	snprintf(k->card, sizeof(k->card), "%s/card", k->dir);
	snprintf(k->key, sizeof(k->key), "%s/card.key", k->dir);
	*state = k;
	return 0;
}

static int
teardown(void **state)
{
	struct kept *k = *state;

	unlink(k->card);
	unlink(k->key);
	assert_int_equal(rmdir(k->dir), 0);
	free(k);
	return 0;
}

/* A file's bytes, to be freed. */
static uint8_t *
get(const char *path, size_t *len)
{
	uint8_t *bytes = malloc(FILE_MAX);
	FILE *f = fopen(path, "rb");

	assert_non_null(bytes);
	assert_non_null(f);
	*len = fread(bytes, 1, FILE_MAX, f);
	assert_int_equal(fclose(f), 0);
	return bytes;
}

static void
copy(const char *from, const char *to)
{
	size_t len;
	uint8_t *bytes = get(from, &len);
	FILE *f = fopen(to, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	free(bytes);
}

/* A copy of kept card i and of its key. */
static void
fetch(struct kept *k, unsigned i)
{
	char path[PATH_MAX];

	printf("%s\n", k->name[i]);
	snprintf(path, sizeof(path), FILES "/%s", k->name[i]);
	copy(path, k->card);
	snprintf(path, sizeof(path), FILES "/%s.key", k->name[i]);
	copy(path, k->key);
}

static struct port
open_card(const struct kept *k, struct jz_virtual **v)
{
	const struct jz_virtual_options o = {.path = k->card};
	struct port port;

	assert_int_equal(jz_virtual_open(&o, v), 0);
	port = (struct port){transmit, *v};
	assert_int_equal(port_select(&port), JZ_SW_OK);
	return port;
}

static void
check_record(const struct port *p, unsigned n, uint8_t type, uint32_t amount)
{
	struct answer a;

	assert_int_equal(
	    port_send(p, AT_READ_LOG(n), jz_span(NULL, 0), &a), JZ_SW_OK);
	assert_int_equal(a.len, JZ_LOG_RECORD_BYTES);
	assert_int_equal(jz_get_be(a.data + AT_AMOUNT, 4), amount);
	assert_int_equal(a.data[AT_TYPE], type);
}

static void
test_there_is_one_of_this_release(void **state)
{
	const struct kept *k = *state;
	bool found = false;

	for (unsigned i = 0; i < k->n; i++)
		found = found || strcmp(k->name[i], NEWEST) == 0;
	assert_true(found);
}

static void
test_each_opens_with_its_balance_records_and_pin(void **state)
{
	struct kept *k = *state;
	struct jz_virtual *v;
	struct port p;

	for (unsigned i = 0; i < k->n; i++) {
		fetch(k, i);
		p = open_card(k, &v);
		assert_int_equal(port_balance(&p), LOADED - PAID);
		assert_int_equal(port_verify(&p, "000000"), 0x63C1);
		assert_int_equal(port_verify(&p, PIN), JZ_SW_OK);
		check_record(&p, 1, JZ_TYPE_EP_PURCHASE, PAID);
		check_record(&p, 2, JZ_TYPE_EP_LOAD, LOADED);
		assert_int_equal(
		    port_send(&p, AT_READ_LOG(3), jz_span(NULL, 0), NULL),
		    JZ_SW_RECORD);
		assert_int_equal(port_verify(&p, "000000"), 0x63C2);
		jz_virtual_free(&v);
		/* And again, by what this release has written. */
		p = open_card(k, &v);
		assert_int_equal(port_balance(&p), LOADED - PAID);
		assert_int_equal(port_verify(&p, "000000"), 0x63C1);
		jz_virtual_free(&v);
	}
}

/* It signs, as the card that it is. */
static void
test_each_goes_on_to_ask_for_a_load(void **state)
{
	struct kept *k = *state;
	struct blob data = load_of(100);
	struct jz_virtual *v;
	struct port p;
	struct answer a;

	for (unsigned i = 0; i < k->n; i++) {
		fetch(k, i);
		p = open_card(k, &v);
		assert_int_equal(port_verify(&p, PIN), JZ_SW_OK);
		assert_int_equal(
		    port_send(&p, AT_INITIALIZE, blob_span(&data), &a),
		    JZ_SW_OK);
		assert_true(a.len > JZ_SIGNATURE_BYTES);
		jz_virtual_free(&v);
	}
}

/* Of this release's layout, that is: an older one is upgraded. */
static void
test_opening_does_not_change_the_file(void **state)
{
	struct kept *k = *state;
	uint8_t *before, *after;
	struct jz_virtual *v;
	struct port p;
	size_t n, m;

	for (unsigned i = 0; i < k->n; i++) {
		if (strcmp(k->name[i], NEWEST) != 0)
			continue;
		fetch(k, i);
		before = get(k->card, &n);
		p = open_card(k, &v);
		assert_int_equal(port_balance(&p), LOADED - PAID);
		jz_virtual_free(&v);
		after = get(k->card, &m);
		assert_int_equal(n, m);
		assert_memory_equal(before, after, n);
		free(before);
		free(after);
	}
}

/* A card that signed before there were schemes has the one of that time. */
static void
test_an_esign_card_of_layout_1_signs(void **state)
{
	static const uint8_t aid[] = JZ_AID_ESIGN;
	const struct kept *k = *state;
	struct jz_virtual_options o = {.path = k->card, .panel = true};
	struct jz_esign_order order = {.account = jz_span("alice", 5),
	    .amount = 100,
	    .currency = 156,
	    .to_account = jz_span("bob", 3)};
	struct jz_esign_signature s;
	uint8_t bytes[JZ_ESIGN_ORDER_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_esign_info info;
	struct jz_virtual *v;
	struct port p;
	struct answer a;

	copy(FILES "/esign/layout-1.card", k->card);
	copy(FILES "/esign/layout-1.card.key", k->key);
	assert_int_equal(jz_esign_put_order(&order, &b), 0);
	for (unsigned i = 1; i <= 2; i++) {
		assert_int_equal(jz_virtual_open(&o, &v), 0);
		p = (struct port){transmit, v};
		port_send(&p, AT_SELECT, jz_span(aid, sizeof(aid)), &a);
		assert_int_equal(a.sw, JZ_SW_OK);
		port_send(&p, 0x00CAFF3A, jz_span(NULL, 0), &a);
		assert_int_equal(jz_esign_get_info(answer_span(&a), &info), 0);
		assert_int_equal(info.mode, JZ_ESIGN_SIGNATURE & 0xFF);
		assert_int_equal(info.scheme, JZ_SCHEME_HASH);
		/* It had no X.509 certificate. */
		port_send(&p, 0x00CAFF38, jz_span(NULL, 0), &a);
		assert_int_equal(a.sw, JZ_SW_REFERENCE);
		port_send(&p, 0x80A00000, jz_buffer_span(&b), &a);
		assert_int_equal(a.sw, JZ_SW_OK);
		assert_int_equal(
		    jz_esign_get_signature(answer_span(&a), &s), 0);
		assert_int_equal(s.counter, i);
		jz_virtual_free(&v);
	}
}

int
main(int argc, char **argv)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_there_is_one_of_this_release),
	    T(test_each_opens_with_its_balance_records_and_pin),
	    T(test_each_goes_on_to_ask_for_a_load),
	    T(test_opening_does_not_change_the_file),
	    T(test_an_esign_card_of_layout_1_signs),
	};

	if (argc > 1) {
		make(argv[1]);
		return 0;
	}
	return cmocka_run_group_tests_name("kept", tests, NULL, NULL);
}
