/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every mode of the e-signature card against every alteration: the right one is
 * executed once, all others change nothing and have their verdict.
 */
#include "../../support/esignrig.h"

#include "../../../apdu/error.h"
#include "../../../apdu/tlv.h"
#include "../../../host/issuer/esign.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ACCOUNT	 "6222020000000001234"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	enum jz_esign_kind kind;
	/* Of a ciphertext that is another one, or somebody else's. */
	enum jz_esign_verdict other_block;
} MODES[] = {
    {JZ_ESIGN_DIRECT, JZ_ESIGN_BAD_SIGNATURE},	      /* JPS-2 */
    {JZ_ESIGN_DIGESTS, JZ_ESIGN_BAD_SIGNATURE},	      /* JPS-3 */
    {JZ_ESIGN_SIGNATURE, JZ_ESIGN_BAD_SIGNATURE},     /* JPS-4 */
    {JZ_ESIGN_SEALED_DIGEST, JZ_ESIGN_BAD_SIGNATURE}, /* JPS-5 */
    {JZ_ESIGN_SEPARATE, JZ_ESIGN_KEY},		      /* JPS-7 */
};

static struct esign_rig rig;
static struct jz_esign_db *db;
static struct jz_esign_verifier verifier;
static unsigned executed;

static int
execute(void *arg, const struct jz_esign_transfer *t)
{
	(void)arg;
	(void)t;
	executed++;
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	esign_rig_new(&rig);
	executed = 0;
	assert_int_equal(jz_esign_db_open(":memory:", &db), 0);
	verifier = (struct jz_esign_verifier){.engine = rig.rig.openssl,
	    .key = &rig.issuer,
	    .key_version = 1,
	    .limit = JZ_ESIGN_FAILURES_DEFAULT,
	    .store = &jz_esign_sqlite,
	    .store_state = db,
	    .executor = {execute, NULL}};
	assert_int_equal(jz_esign_register(&verifier, (const uint8_t *)ESIGN_ID,
			     rig.point, ACCOUNT),
	    0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	jz_esign_db_free(&db);
	esign_rig_free(&rig);
	return 0;
}

/* What a terminal holds after a contact, taken apart. */
struct held {
	struct jz_esign_order order;
	struct blob order_bytes;
	struct jz_esign_signature signature;
	struct blob sealed, typed;
	struct blob bytes; /* of the signature as it came */
};

static struct held *
contact(enum jz_esign_kind kind, struct held *h)
{
	uint8_t mode = (uint8_t)kind;

	rig_poke(rig.card, &esign_rig_nvm(&rig)->mode, &mode, 1);
	h->order = esign_order();
	h->order_bytes = esign_encode(&h->order);
	h->bytes = esign_contact(&rig, &h->order_bytes);
	esign_press(&rig, "DDDDO");
	esign_shows(&rig, 0, "Joint password");
	blob_set(
	    &h->typed, jz_span(rig.screen.line[1], strlen(rig.screen.line[1])));
	assert_int_equal(esign_select(&rig), JZ_SW_OK);
	assert_int_equal(
	    jz_esign_get_signature(blob_span(&h->bytes), &h->signature), 0);
	assert_int_equal(h->signature.kind, kind);
	blob_set(&h->sealed, h->signature.sealed);
	return h;
}

/* Puts it together and sends it. */
static enum jz_esign_verdict
submit(struct held *h)
{
	uint8_t signature[JZ_ESIGN_SIGNATURE_MAX];
	uint8_t bytes[JZ_ESIGN_SUBMISSION_MAX];
	struct jz_buffer s = jz_buffer(signature, sizeof(signature));
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct blob order = esign_encode(&h->order);
	struct jz_esign_submission m = {
	    .order = blob_span(&order), .typed = blob_span(&h->typed)};
	enum jz_esign_verdict v;

	h->signature.sealed = blob_span(&h->sealed);
	assert_int_equal(
	    jz_esign_put_signature(&h->signature, JZ_SIGNED, &s), 0);
	m.signature = jz_buffer_span(&s);
	assert_int_equal(jz_esign_put_submission(&m, &b), 0);
	assert_int_equal(jz_esign_submit(&verifier, jz_buffer_span(&b), &v), 0);
	return v;
}

/* proves: JPS-2 JPS-3 JPS-4 JPS-5 JPS-7 JPS-13 JPS-15 */
static void
test_the_right_one_of_each_mode_is_executed_once(void **state)
{
	struct held h;

	(void)state;
	for (unsigned i = 0; i < COUNT(MODES); i++) {
		contact(MODES[i].kind, &h);
		assert_int_equal(submit(&h), JZ_ESIGN_EXECUTED);
		assert_int_equal(submit(&h), JZ_ESIGN_EXECUTED_BEFORE);
		assert_int_equal(executed, i + 1);
	}
}

/* ---- alterations -------------------------------------------------------- */

typedef void alter_fn(struct held *h);

static void
alter_amount(struct held *h)
{
	h->order.amount++;
}

static void
alter_account(struct held *h)
{
	h->order.account = jz_span("6222020000000001235", 19);
}

static void
alter_currency(struct held *h)
{
	h->order.currency = 840;
}

static void
alter_payee(struct held *h)
{
	h->order.to_account = jz_span("6217000000000005679", 19);
}

static void
alter_name(struct held *h)
{
	h->order.to_name = jz_span("Mallory", 7);
}

static void
alter_details(struct held *h)
{
	h->order.details = jz_span("more", 4);
}

static void
alter_card(struct held *h)
{
	h->signature.card_id[15] ^= 1;
}

static void
alter_counter(struct held *h)
{
	h->signature.counter++;
}

static void
alter_nonce(struct held *h)
{
	h->signature.nonce[0] ^= 1;
}

static void
alter_key_version(struct held *h)
{
	h->signature.key_version++;
}

static void
alter_signature(struct held *h)
{
	h->signature.signature[40] ^= 1;
}

static void
alter_typed(struct held *h)
{
	h->typed.data[0] = h->typed.data[0] == '0' ? '1' : '0';
}

static void
alter_ephemeral(struct held *h)
{
	h->sealed.data[10] ^= 1;
}

static void
alter_ciphertext(struct held *h)
{
	h->sealed.data[70] ^= 1;
}

static void
alter_tag(struct held *h)
{
	h->sealed.data[h->sealed.len - 1] ^= 1;
}

/* A block of the terminal's own, for the very same signature: anybody has the
 * issuer's public key.  The password in it is the terminal's. */
static void
alter_block(struct held *h)
{
	const struct jz_engine *e = &rig.rig.openssl;
	struct jz_joint j = {.len = 6, .password = "000000"};
	struct jz_key_pair own;

	assert_int_equal(e->crypto->generate(e->state, &own), 0);
	assert_int_equal(jz_esign_digest(e, blob_span(&h->order_bytes),
			     h->signature.order_digest),
	    0);
	memcpy(
	    j.order_digest, h->signature.order_digest, sizeof(j.order_digest));
	assert_int_equal(jz_joint_seal(e, &h->signature, &own,
			     rig.issuer.public_key, &j, h->sealed.data),
	    0);
	blob_set(&h->typed, jz_span("000000", 6));
}

static const struct {
	alter_fn *alter;
	enum jz_esign_verdict verdict; /* JZ_ESIGN_EXECUTED: by the mode */
} ALTERATIONS[] = {
    {alter_amount, JZ_ESIGN_BAD_SIGNATURE},
    {alter_account, JZ_ESIGN_BAD_SIGNATURE},
    {alter_currency, JZ_ESIGN_BAD_SIGNATURE},
    {alter_payee, JZ_ESIGN_BAD_SIGNATURE},
    {alter_name, JZ_ESIGN_BAD_SIGNATURE},
    {alter_details, JZ_ESIGN_BAD_SIGNATURE},
    {alter_card, JZ_ESIGN_UNKNOWN_CARD},
    {alter_counter, JZ_ESIGN_BAD_SIGNATURE},
    {alter_nonce, JZ_ESIGN_BAD_SIGNATURE},
    {alter_key_version, JZ_ESIGN_BAD_SIGNATURE},
    {alter_signature, JZ_ESIGN_BAD_SIGNATURE},
    {alter_typed, JZ_ESIGN_PASSWORD},
    {alter_ephemeral, JZ_ESIGN_EXECUTED},
    {alter_ciphertext, JZ_ESIGN_EXECUTED},
    {alter_tag, JZ_ESIGN_EXECUTED},
    {alter_block, JZ_ESIGN_EXECUTED},
};

/* proves: JPS-2 JPS-3 JPS-4 JPS-5 JPS-7 JPS-13 JPS-14 JPS-19 */
static void
test_no_alteration_is_executed_in_any_mode(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COUNT(MODES); i++) {
		for (unsigned k = 0; k < COUNT(ALTERATIONS); k++) {
			enum jz_esign_verdict want = ALTERATIONS[k].verdict;
			unsigned before = executed;
			struct held h, altered;

			if (want == JZ_ESIGN_EXECUTED)
				want = MODES[i].other_block;
			contact(MODES[i].kind, &h);
			altered = h;
			ALTERATIONS[k].alter(&altered);
			assert_int_equal(submit(&altered), want);
			assert_int_equal(executed, before);
			/* The right one is none the worse for it. */
			assert_int_equal(submit(&h), JZ_ESIGN_EXECUTED);
		}
	}
}

/* A signature of one mode is none of another.  proves: JPS-13 */
static void
test_no_mode_is_taken_for_another(void **state)
{
	struct held h;

	(void)state;
	for (unsigned i = 0; i < COUNT(MODES); i++) {
		contact(MODES[i].kind, &h);
		for (unsigned k = 0; k < COUNT(MODES); k++) {
			h.signature.kind = MODES[k].kind;
			if (k != i)
				assert_int_equal(
				    submit(&h), JZ_ESIGN_BAD_SIGNATURE);
		}
	}
	assert_int_equal(executed, 0);
}

/* Signature of contact 1 with the encrypted password of contact 2, and what the
 * user typed for either.  proves: JPS-7 */
static void
test_parts_of_two_contacts_fit_in_no_mode(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COUNT(MODES); i++) {
		struct held one, two, mixed;
		unsigned before = executed;

		contact(MODES[i].kind, &one);
		contact(MODES[i].kind, &two);
		mixed = one;
		mixed.sealed = two.sealed;
		assert_int_equal(submit(&mixed), MODES[i].other_block);
		mixed.typed = two.typed;
		assert_int_equal(submit(&mixed), MODES[i].other_block);
		assert_int_equal(executed, before);
		assert_int_equal(submit(&one), JZ_ESIGN_EXECUTED);
		assert_int_equal(submit(&two), JZ_ESIGN_EXECUTED);
	}
}

/*
 * The terminal guesses offline: with the right password, and even the right
 * random number, what it can make of them is not what the card gave.
 * proves: JPS-17
 */
static void
test_no_mode_lets_a_guess_be_tested(void **state)
{
	const struct jz_engine *e = &rig.rig.openssl;

	(void)state;
	for (unsigned i = 0; i < COUNT(MODES); i++) {
		uint8_t again[JZ_JOINT_SEALED_BYTES(JZ_JOINT_MAX)];
		struct jz_key_pair own;
		struct jz_joint j;
		struct held h;

		contact(MODES[i].kind, &h);
		j = esign_open(&rig, &h.order_bytes, &h.bytes);
		assert_int_equal(e->crypto->generate(e->state, &own), 0);
		assert_int_equal(jz_joint_seal(e, &h.signature, &own,
				     rig.issuer.public_key, &j, again),
		    0);
		assert_memory_not_equal(again, h.sealed.data, 64);
		assert_memory_not_equal(
		    again + 64, h.sealed.data + 64, h.sealed.len - 64);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_the_right_one_of_each_mode_is_executed_once),
	    TEST(test_no_alteration_is_executed_in_any_mode),
	    TEST(test_no_mode_is_taken_for_another),
	    TEST(test_parts_of_two_contacts_fit_in_no_mode),
	    TEST(test_no_mode_lets_a_guess_be_tested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
