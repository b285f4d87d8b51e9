/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A coprocessor that fails at any one of its operations: the command is refused
 * with 6F00, nothing is half done, and no session is left half open.
 */
#include "group.h"

#include <string.h>

#include "../../../apdu/error.h"

#define OPERATIONS_MAX 200

struct failing {
	struct jz_engine under;
	struct jz_crypto table;
	unsigned count, fail_at; /* from 1; 0: never */
};

static bool
fails(struct failing *f)
{
	return ++f->count == f->fail_at;
}

static int
cmac(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const struct jz_span *parts, size_t n, uint8_t out[static JZ_KEY_BYTES])
{
	struct failing *f = state;

	if (fails(f)) {
		memset(out, 0, JZ_KEY_BYTES);
		return JZ_ERR_CRYPTO;
	}
	return f->under.crypto->aes_cmac(f->under.state, key, parts, n, out);
}

static int
cbc(void *state, bool encrypt, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t iv[static JZ_KEY_BYTES], const uint8_t *in, uint8_t *out,
    size_t len)
{
	struct failing *f = state;

	if (fails(f)) {
		memset(out, 0, len);
		return JZ_ERR_CRYPTO;
	}
	return f->under.crypto->aes_cbc(
	    f->under.state, encrypt, key, iv, in, out, len);
}

struct fixture {
	struct rig_card *card;
	struct failing engine;
	struct gp host;
};

static void
fixture_new(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->card = gp_card_new(&rig, false);
	f->host = gp_host(f->card); /* whose engine does not fail */
	f->engine.under = rig.engine;
	f->engine.table = *rig.engine.crypto;
	f->engine.table.aes_cmac = cmac;
	f->engine.table.aes_cbc = cbc;
	f->card->card.setup.engine =
	    (struct jz_engine){&f->engine.table, &f->engine};
}

static const uint8_t HOST_CHALLENGE[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static void
no_session_begins(void **state)
{
	unsigned n = 0;

	(void)state;
	for (unsigned at = 1; at <= OPERATIONS_MAX; at++) {
		struct fixture f;
		uint16_t sw;

		fixture_new(&f);
		f.engine.fail_at = at;
		sw = port_send(&f.card->port, GP_AT_INITIALIZE(0),
		    jz_span(HOST_CHALLENGE, 8), NULL);
		if (f.engine.count < at) {
			assert_int_equal(sw, JZ_SW_OK);
			rig_card_free(&f.card);
			break;
		}
		assert_int_equal(sw, JZ_SW_UNKNOWN);
		/* the counter is not used again */
		assert_int_equal(gp_nvm(f.card)->sequence, 1);
		f.host.channel.level = 0;
		assert_int_equal(
		    gp_authenticate(&f.host, 0x33), JZ_SW_CONDITIONS);
		rig_card_free(&f.card);
		n++;
	}
	assert_int_equal(n, 6); /* challenge, three keys, two cryptograms */
}

static void
authentication_fails(void **state)
{
	struct jz_scp03_keys keys = gp_test_keys();
	struct fixture f;

	(void)state;
	fixture_new(&f);
	assert_int_equal(gp_begin(&f.host, 0, &keys), JZ_SW_OK);
	f.engine.fail_at = f.engine.count + 1;
	assert_int_equal(gp_authenticate(&f.host, 0x33), JZ_SW_UNKNOWN);
	assert_int_equal(gp_authenticate(&f.host, 0x33), JZ_SW_CONDITIONS);
	rig_card_free(&f.card);
}

/* PUT KEY, which uses every operation that a session has. */
static void
keys_are_put_whole_or_not_at_all(void **state)
{
	unsigned refused = 0, over = 0;

	(void)state;
	for (unsigned at = 1; at <= OPERATIONS_MAX; at++) {
		struct jz_scp03_keys keys = gp_keys(1);
		struct fixture f;
		struct blob b;
		uint16_t sw;
		bool done, goes_on;

		fixture_new(&f);
		gp_login(&f.host);
		b = gp_put_key_data(&f.host, 1, &keys);
		b = gp_wrap(&f.host, GP_AT_PUT_KEY(0), blob_span(&b));
		f.engine.count = 0;
		f.engine.fail_at = at;
		sw = port_raw(&f.card->port, blob_span(&b), NULL);
		done = gp_nvm(f.card)->sets.set[0].kvn == 1;
		assert_int_equal(gp_nvm(f.card)->sets.count, 1);
		goes_on =
		    gp_hex(&f.host, GP_AT_GET_DATA(0xCF), "", NULL) == JZ_SW_OK;
		rig_card_free(&f.card);
		if (f.engine.count < at)
			break;
		if (sw == JZ_SW_OK) {
			assert_true(done); /* the next command failed */
			continue;
		}
		assert_int_equal(sw, JZ_SW_UNKNOWN);
		/* what fails before or after the handler ends the session */
		refused += !done && goes_on;
		over += !goes_on;
		assert_true(!done || !goes_on);
	}
	assert_int_equal(refused, 6); /* three keys, three check values */
	assert_int_equal(over, 6);    /* MAC, counter, text; the same back */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_session_begins),
	    cmocka_unit_test(authentication_fails),
	    cmocka_unit_test(keys_are_put_whole_or_not_at_all),
	};

	return cmocka_run_group_tests_name("failing", tests, set_up, tear_down);
}
