/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The e-signature card (JPS), seen from outside: nothing but APDUs to a card in
 * a reader opened by name, and the issuer's verifier for what it signs.
 *
 *	test_esign [--reader NAME]
 *
 * An empty card gets the applet and the usual profile first, under keys that
 * are the same in every run; another issuer's is skipped.  Without a reader a
 * new card in this process is made for each profile, and the test is its user.
 */
#include "../support/bank.h"
#include "../support/conform.h"
#include "../support/esignrig.h"
#include "../support/hand.h"
#include "../support/suite.h"

#include "../../apdu/error.h"
#include "../../apdu/esign.h"
#include "../../host/issuer/esign.h"
#include "../../keys/esign.h"
#include "../../keys/openssl/openssl.h"
#include "../../reader/virtual.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define VARIABLE "JIAOZI_READER"
#define NOTHING	 jz_span(NULL, 0)
#define TEXT(t)	 jz_span(t, sizeof(t) - 1)
#define ID	 "CN00000000300001"
#define ACCOUNT	 "6222020000000001234"
#define LARGE	 1000001u /* above what a key is enough for */
#define MODES	 5
#define DETAILS	 600 /* more than a command without chaining holds */

static const uint8_t AID[] = JZ_AID_ESIGN;

struct world {
	struct jz_engine engine;
	struct memo *memo; /* keys that are the same in every run */
	struct jz_engine same;
	struct bank bank;
	struct jz_key_pair issuer;
	struct jz_reader *reader;
	struct port card;
	uint8_t point[JZ_POINT_BYTES];
	struct jz_esign_db *db;
	struct jz_esign_verifier verifier;
	unsigned executed;
	uint64_t sum;
	const char *why; /* it cannot be judged, or NULL */
};

static struct world w;

static bool
is_foreign(void)
{
	const char *name = getenv(VARIABLE);

	return name != NULL && name[0] != '\0';
}

static size_t
transmit(void *state, const uint8_t *cmd, size_t len, uint8_t *rsp, size_t cap)
{
	int e = jz_reader_transmit(state, cmd, len, rsp, &cap);

	if (e != 0)
		fail_msg("reader: %s", jz_error_text(e, JZ_LANG_EN));
	return cap;
}

static int
execute(void *arg, const struct jz_esign_transfer *t)
{
	struct world *x = arg;

	x->executed++;
	x->sum += t->order.amount;
	return 0;
}

/* ---- the card ----------------------------------------------------------- */

static struct jz_esign_profile
usual(void)
{
	static const uint8_t pin[] = {0x12, 0x34, 0x56};
	struct jz_esign_profile p = {.mode = JZ_ESIGN_SIGNATURE & 0xFF,
	    .scheme = JZ_SCHEME_DEFAULT,
	    .length = 6,
	    .alphabet = JZ_ALPHABET_DIGITS,
	    .currency = 156,
	    .pin_above = LARGE - 1,
	    .wait_s = 60,
	    .show_s = 30,
	    .pin = jz_span(pin, sizeof(pin)),
	    .pin_limit = 3,
	    .key_version = 1};

	memcpy(p.issuer_key, w.issuer.public_key, sizeof(p.issuer_key));
	return p;
}

static uint16_t
select_esign(void)
{
	return port_send(&w.card, AT_SELECT, jz_span(AID, sizeof(AID)), NULL);
}

/* Whether it could be: the domain's keys are the well-known ones. */
static bool
personalise(const struct jz_esign_profile *profile)
{
	struct gp g;

	if (!esign_open_empty(&w.same, &w.card, &g))
		return false;
	assert_int_equal(
	    esign_fill(&w.bank, &g, ID, profile, w.point), JZ_SW_OK);
	return true;
}

static struct jz_esign_info
info(void)
{
	struct jz_esign_info i;
	struct answer a;

	assert_int_equal(
	    port_send(&w.card, AT_ESIGN_INFO, NOTHING, &a), JZ_SW_OK);
	assert_int_equal(jz_esign_get_info(answer_span(&a), &i), 0);
	return i;
}

/* Certified by our CA; then its key is known. */
static bool
is_ours(void)
{
	struct jz_certificate c;
	struct jz_authority ca;
	struct answer a;

	if (port_send(&w.card, 0x00CA7F21u, NOTHING, &a) != JZ_SW_OK ||
	    jz_certificate_parse(answer_span(&a), w.same.crypto, &c) != 0)
		return false;
	memcpy(ca.reference, w.bank.ca_fields.holder, sizeof(ca.reference));
	memcpy(ca.public_key, w.bank.ca.public_key, sizeof(ca.public_key));
	memcpy(w.point, c.public_key, sizeof(w.point));
	return jz_certificate_verify(
		   &w.same, &c, &ca, JZ_ROLE_CARD, w.bank.now) == 0;
}

static void
open_verifier(void)
{
	assert_int_equal(jz_esign_db_open(":memory:", &w.db), 0);
	w.verifier = (struct jz_esign_verifier){.engine = w.engine,
	    .key = &w.issuer,
	    .key_version = 1,
	    .limit = JZ_ESIGN_FAILURES_DEFAULT,
	    .store = &jz_esign_sqlite,
	    .store_state = w.db,
	    .executor = {.execute = execute, .arg = &w}};
	assert_int_equal(jz_esign_register(&w.verifier, (const uint8_t *)ID,
			     w.point, ACCOUNT),
	    0);
}

static void
close_card(void)
{
	jz_esign_db_free(&w.db);
	jz_reader_free(&w.reader);
}

/* A card with this profile: a new one, or the one in the reader. */
static void
open_card(const struct jz_esign_profile *profile)
{
	struct jz_virtual_options o = {.suite = test_suite(), .panel = true};
	struct jz_virtual *v = NULL;

	close_card();
	if (is_foreign()) {
		if (jz_reader_open(getenv(VARIABLE), &w.reader) != 0)
			fail_msg("%s: no such reader", getenv(VARIABLE));
	} else {
		assert_int_equal(jz_virtual_create(&o, &v), 0);
		assert_int_equal(jz_reader_take_virtual(&v, &w.reader), 0);
	}
	w.card = (struct port){transmit, w.reader};
	w.why = NULL;
	if ((select_esign() != JZ_SW_OK || info().state == 0x07) &&
	    !personalise(profile))
		w.why = "the card lets nobody personalise it";
	else if (select_esign() != JZ_SW_OK || !is_ours())
		w.why = "the card is another issuer's";
	else if (info().mode != profile->mode ||
	    info().scheme != profile->scheme)
		w.why = "the card has another profile";
	else
		open_verifier();
}

static int
setup(void **state)
{
	uint8_t private_key[JZ_PRIVATE_BYTES] =
	    "the issuer's key for conforming";

	(void)state;
	memset(&w, 0, sizeof(w));
	assert_int_equal(jz_openssl_new(test_suite(), &w.engine), 0);
	assert_int_equal(memo_new(&w.engine, &w.memo), 0);
	w.same = memo_engine(w.memo);
	bank_new(&w.bank, &w.same, (int64_t)time(NULL));
	memcpy(w.issuer.private_key, private_key, sizeof(private_key));
	assert_int_equal(w.engine.crypto->derive_public(w.engine.state,
			     w.issuer.private_key, w.issuer.public_key),
	    0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	close_card();
	memo_free(&w.memo);
	jz_openssl_free(&w.engine);
	return 0;
}

/* Begins a test on the usual card. */
static void
begin(void)
{
	struct jz_esign_profile p = usual();

	w.executed = 0;
	w.sum = 0;
	open_card(&p);
	if (w.why != NULL) {
		print_message("%s\n", w.why);
		skip();
	}
}

/* ---- contacts ----------------------------------------------------------- */

/* What leaves the card, and what the issuer finds in it. */
struct contact {
	struct blob order, signature;
	struct jz_esign_signature s;
	struct jz_joint joint;
	uint8_t sealed[32]; /* its beginning */
	size_t sealed_len;
};

static struct blob
order_of(uint64_t amount, const char *details)
{
	struct jz_esign_order o = {.account = jz_span(ACCOUNT, strlen(ACCOUNT)),
	    .amount = amount,
	    .currency = 156,
	    .to_account = jz_span("6217000000000005678", 19),
	    .to_name = jz_span("张三", 6),
	    .details = jz_span(details, strlen(details))};
	struct blob out;
	struct jz_buffer b = jz_buffer(out.data, sizeof(out.data));

	assert_int_equal(jz_esign_put_order(&o, &b), 0);
	out.len = b.len;
	return out;
}

/* As the issuer: deciphers, and verifies what the card has signed. */
static void
open_contact(struct contact *c)
{
	struct jz_esign_ends ends;

	assert_int_equal(
	    jz_esign_get_signature(blob_span(&c->signature), &c->s), 0);
	assert_int_equal(
	    jz_esign_order(&w.engine, blob_span(&c->order), &c->s), 0);
	assert_int_equal(
	    jz_esign_meet(&w.engine, &c->s, &w.issuer, w.point, &ends), 0);
	assert_int_equal(jz_joint_open(&w.engine, &c->s, &ends, &c->joint), 0);
	assert_memory_equal(
	    c->joint.order_digest, c->s.order_digest, JZ_DIGEST_BYTES);
	jz_esign_bind(&c->s, &c->joint);
	assert_int_equal(jz_esign_verify(&w.engine, &c->s, &ends), 0);
	/* What is kept lends nothing: it is copied. */
	memcpy(c->sealed, c->s.sealed.data, sizeof(c->sealed));
	c->sealed_len = c->s.sealed.len;
	c->s.sealed = c->s.order = NOTHING;
}

static void
sign_order(struct contact *c, const struct blob *order)
{
	struct answer a;

	c->order = *order;
	if (port_send(&w.card, AT_SIGN, blob_span(order), &a) ==
	    JZ_SW_FUNCTION) {
		print_message("the card has no display\n");
		skip();
	}
	assert_int_equal(a.sw, JZ_SW_OK);
	blob_set(&c->signature, answer_span(&a));
	open_contact(c);
}

static struct contact
sign(uint64_t amount)
{
	struct blob order = order_of(amount, "");
	struct contact c;

	sign_order(&c, &order);
	return c;
}

static enum jz_esign_verdict
submit(const struct contact *c, struct jz_span typed)
{
	uint8_t bytes[JZ_ESIGN_SUBMISSION_MAX];
	struct jz_buffer b = jz_buffer(bytes, sizeof(bytes));
	struct jz_esign_submission m = {.order = blob_span(&c->order),
	    .signature = blob_span(&c->signature),
	    .typed = typed};
	enum jz_esign_verdict v;

	assert_int_equal(jz_esign_put_submission(&m, &b), 0);
	assert_int_equal(
	    jz_esign_submit(&w.verifier, jz_buffer_span(&b), &v), 0);
	return v;
}

static struct jz_span
password(const struct contact *c)
{
	return jz_span(c->joint.password, c->joint.len);
}

/* ---- the user, where the test is one ------------------------------------ */

static struct jz_virtual *
panel(void)
{
	struct jz_virtual *v = jz_reader_virtual(w.reader);

	if (v == NULL || is_foreign()) {
		print_message("left out: its keys are for a person\n");
		skip();
	}
	return v;
}

/* ---- what leaves the card ----------------------------------------------- */

/* proves: JPS-1 */
static void
test_each_contact_has_a_fresh_password(void **state)
{
	struct contact a, b, longest;
	char details[DETAILS + 1] = {0};
	struct blob order;

	(void)state;
	begin();
	a = sign(1234);
	b = sign(1234);
	assert_int_equal(a.joint.len, 6);
	for (size_t i = 0; i < 6; i++)
		assert_in_range(a.joint.password[i], '0', '9');
	assert_memory_not_equal(a.joint.random, b.joint.random, 16);
	assert_memory_not_equal(a.s.nonce, b.s.nonce, sizeof(a.s.nonce));
	assert_memory_not_equal(a.sealed, b.sealed, sizeof(a.sealed));
	assert_int_equal(b.s.counter, a.s.counter + 1);
	/* Details are optional, and may be long. */
	memset(details, 'x', DETAILS);
	order = order_of(1, details);
	sign_order(&longest, &order);
	/* Account and amount are not. */
	order.len = 4;
	assert_int_equal(
	    port_send(&w.card, AT_SIGN, blob_span(&order), NULL), JZ_SW_DATA);
}

/*
 * A card of each mode, with digests and encryptions of each kind; JPS-7 without.
 * proves: JPS-2 JPS-3 JPS-4 JPS-5 JPS-6 JPS-7 JPS-8 JPS-13
 */
static void
test_each_mode_is_verified_and_executed(void **state)
{
	static const uint8_t schemes[] = {
	    0x01, 0x02, 0x04, 0x07, 0x09, 0x0A, 0x0F, 0x1A, 0x00, 0x08};
	unsigned judged = 0, all = 0;

	(void)state;
	begin();
	for (unsigned i = 0; i < MODES * sizeof(schemes); i++) {
		struct jz_esign_profile p = usual();
		struct contact c;

		p.mode = (uint8_t)((JZ_ESIGN_DIRECT + i % MODES) & 0xFF);
		p.scheme = schemes[i / MODES];
		if (!jz_scheme_is_good(0xFF00u | p.mode, p.scheme))
			continue;
		if (jz_esign_guessable(0xFF00u | p.mode, p.scheme))
			p.flags = JZ_ESIGN_MAY_BE_GUESSED, p.alphabet = 0x0F,
			p.length = 10;
		all++;
		open_card(&p);
		if (w.why != NULL)
			continue;
		w.executed = 0;
		c = sign(1234);
		assert_true(
		    (c.s.kind & 0xFF) == p.mode && c.s.scheme == p.scheme);
		assert_int_equal(
		    c.sealed_len, jz_joint_sealed_bytes(p.scheme, p.length));
		assert_int_equal(submit(&c, password(&c)), JZ_ESIGN_EXECUTED);
		judged += w.executed;
	}
	assert_true(judged > 0 && (is_foreign() || judged == all));
}

/* No byte of an answer is the password in clear.  proves: JPS-10 JPS-17 */
static void
test_the_password_is_in_no_answer(void **state)
{
	struct contact c;

	(void)state;
	begin();
	c = sign(1234);
	for (size_t i = 0; i + c.joint.len <= c.signature.len; i++)
		assert_memory_not_equal(
		    c.signature.data + i, c.joint.password, c.joint.len);
}

/* Profiles in which the terminal could guess are refused.  proves: JPS-17 */
static void
test_weak_profiles_are_refused(void **state)
{
	struct jz_esign_profile p;
	struct jz_virtual_options o = {.suite = test_suite(), .panel = true};
	struct jz_virtual *v = NULL;
	struct gp g;

	(void)state;
	if (is_foreign()) {
		print_message("left out: it takes an empty card\n");
		skip();
	}
	close_card();
	assert_int_equal(jz_virtual_create(&o, &v), 0);
	assert_int_equal(jz_reader_take_virtual(&v, &w.reader), 0);
	w.card = (struct port){transmit, w.reader};
	assert_true(esign_open_empty(&w.same, &w.card, &g));
	assert_int_equal(bank_generate(&g, 0, w.point), JZ_SW_OK);
	for (unsigned i = 0; i < 4; i++) {
		struct blob b;
		struct jz_buffer out = jz_buffer(b.data, sizeof(b.data));

		p = usual();
		p.length = i == 0 ? 5 : 6; /* digits: under 10^6 */
		p.scheme =
		    i == 0 ? JZ_SCHEME_HASH : JZ_SCHEME_HASH | JZ_SCHEME_BARE;
		p.mode = (uint8_t)(0x31 + i);
		p.flags = JZ_ESIGN_MAY_BE_GUESSED;
		if (i == 0)
			p.mode = JZ_ESIGN_SIGNATURE & 0xFF;
		assert_int_equal(jz_esign_put_profile(&p, &out), 0);
		b.len = out.len;
		assert_int_equal(bank_store(&g, 1, &b, false), JZ_SW_DATA);
	}
}

/* ---- one contact -------------------------------------------------------- */

/* Every instruction, of both classes: none says anything of a transaction, and
 * what the card says of itself is what it said before.  proves: JPS-18 */
static void
test_the_card_never_answers_about_it(void **state)
{
	struct answer before, after, a;
	struct contact c;

	(void)state;
	begin();
	port_send(&w.card, AT_ESIGN_INFO, NOTHING, &before);
	c = sign(1234);
	for (unsigned i = 0; i < 512; i++) {
		uint8_t cmd[5] = {
		    i < 256 ? 0x80 : 0x00, (uint8_t)i, 0xFF, 0x31, 0};

		if ((cmd[1] & 0xF0) == 0x60 || (cmd[1] & 0xF0) == 0x90)
			continue; /* no instruction: ISO/IEC 7816-3 */
		port_raw(&w.card, jz_span(cmd, sizeof(cmd)), &a);
		for (size_t k = 0; k + c.joint.len <= a.len; k++)
			assert_memory_not_equal(
			    a.data + k, c.joint.password, c.joint.len);
	}
	assert_int_equal(jz_reader_reset(w.reader, true), 0);
	assert_int_equal(select_esign(), JZ_SW_OK);
	port_send(&w.card, AT_ESIGN_INFO, NOTHING, &after);
	assert_int_equal(after.len, before.len);
	assert_memory_equal(after.data, before.data, after.len);
}

/* Three commands for a short message.  proves: JPS-18 */
static void
test_a_short_message_takes_three_commands(void **state)
{
	struct blob order = order_of(1234, "");
	struct answer a;

	(void)state;
	begin();
	(void)sign(1234);
	assert_int_equal(jz_reader_reset(w.reader, true), 0);
	assert_int_equal(select_esign(), JZ_SW_OK);
	assert_int_equal(
	    port_send(&w.card, 0x00CA7F21u, NOTHING, &a), JZ_SW_OK);
	assert_int_equal(
	    port_send(&w.card, AT_SIGN, blob_span(&order), &a), JZ_SW_OK);
	assert_true(a.len <= 256);
}

/* ---- display and keys --------------------------------------------------- */

/* proves: JPS-9 JPS-11 (a key for small amounts, the PIN for large ones) */
static void
test_the_password_is_shown_to_who_agrees(void **state)
{
	struct jz_virtual *v;
	struct contact c;

	(void)state;
	begin();
	v = panel();
	c = sign(1234);
	assert_int_equal(jz_reader_reset(w.reader, true), 0);
	hand_press(v, "");
	assert_true(hand_sees(v, TEXT("CNY 12.34")));
	hand_press(v, "DDD");
	assert_true(hand_sees(v, TEXT("张三")));
	assert_false(hand_sees(v, password(&c)));
	hand_press(v, "O");
	assert_true(hand_sees(v, password(&c)));
	assert_int_equal(select_esign(), JZ_SW_OK);
	assert_false(hand_sees(v, password(&c)));
	/* Large: a key is not enough, and a wrong PIN costs a try. */
	c = sign(LARGE);
	hand_press(v, "DDDO");
	assert_false(hand_sees(v, password(&c)));
	hand_press(v, "000000O");
	assert_true(hand_sees(v, TEXT("Wrong. Left: 2")));
	assert_false(hand_sees(v, password(&c)));
	hand_press(v, "123456O");
	assert_true(hand_sees(v, password(&c)));
	/* Its time. */
	jz_virtual_set_seconds(v, 1000);
	jz_virtual_run(v);
	jz_virtual_set_seconds(v, 1031);
	jz_virtual_run(v);
	assert_false(hand_sees(v, password(&c)));
}

/* A host in the middle alters amount and payee: the user sees the altered ones,
 * and the issuer refuses what was not shown.  proves: JPS-9 JPS-13 JPS-19 */
static void
test_who_alters_the_message_is_seen(void **state)
{
	struct blob wanted = order_of(1234, "");
	struct jz_virtual *v;
	struct contact c;

	(void)state;
	begin();
	c = sign(99900); /* the host's */
	assert_int_equal(
	    submit(&(struct contact){.order = wanted, .signature = c.signature},
		password(&c)),
	    JZ_ESIGN_BAD_SIGNATURE);
	assert_int_equal(w.executed, 0);
	v = panel();
	hand_press(v, "");
	assert_true(hand_sees(v, TEXT("CNY 999.00")));
	assert_false(hand_sees(v, TEXT("CNY 12.34")));
	hand_press(v, "C");
	assert_false(hand_sees(v, password(&c)));
}

/* ---- the issuer --------------------------------------------------------- */

/* proves: JPS-12 JPS-13 JPS-15 JPS-20 */
static void
test_right_ones_are_executed_once(void **state)
{
	struct contact a, b;

	(void)state;
	begin();
	a = sign(1234);
	b = sign(1234);
	/* Without what the user types there is nothing to send. */
	assert_int_equal(submit(&a, jz_span("0", 1)), JZ_ESIGN_PASSWORD);
	assert_int_equal(submit(&a, password(&a)), JZ_ESIGN_EXECUTED);
	assert_int_equal(submit(&a, password(&a)), JZ_ESIGN_EXECUTED_BEFORE);
	assert_int_equal(submit(&a, password(&b)), JZ_ESIGN_REPLAY);
	/* The same purchase, signed anew. */
	assert_int_equal(submit(&b, password(&b)), JZ_ESIGN_EXECUTED);
	assert_int_equal(w.executed, 2);
	assert_int_equal(w.sum, 2 * 1234);
}

/* Who reads and alters all traffic.  proves: JPS-7 JPS-19 */
static void
test_parts_of_two_contacts_are_refused(void **state)
{
	struct contact a, b, mixed;

	(void)state;
	begin();
	a = sign(1234);
	b = sign(99900);
	mixed = a;
	mixed.order = b.order;
	assert_int_equal(submit(&mixed, password(&b)), JZ_ESIGN_BAD_SIGNATURE);
	mixed = a;
	if (!jz_span_equal(password(&a), password(&b)))
		assert_int_equal(
		    submit(&mixed, password(&b)), JZ_ESIGN_PASSWORD);
	assert_int_equal(w.executed, 0);
}

/* proves: JPS-14 */
static void
test_failures_lock_and_forgeries_do_not(void **state)
{
	struct contact c, forged;
	uint8_t typed[] = "000000";

	(void)state;
	begin();
	c = sign(1234);
	for (unsigned i = 0; i < 6; i++) {
		forged = c;
		forged.signature.data[forged.signature.len - 1 - i] ^= 1;
		assert_int_equal(
		    submit(&forged, jz_span("1", 1)), JZ_ESIGN_BAD_SIGNATURE);
	}
	for (unsigned i = 0; i < 3; i++) {
		typed[0] = (uint8_t)('a' + i);
		assert_int_equal(
		    submit(&c, jz_span(typed, 6)), JZ_ESIGN_PASSWORD);
	}
	assert_int_equal(submit(&c, password(&c)), JZ_ESIGN_LOCKED);
	assert_int_equal(w.executed, 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_contact_has_a_fresh_password),
	    cmocka_unit_test(test_each_mode_is_verified_and_executed),
	    cmocka_unit_test(test_the_password_is_in_no_answer),
	    cmocka_unit_test(test_weak_profiles_are_refused),
	    cmocka_unit_test(test_the_card_never_answers_about_it),
	    cmocka_unit_test(test_a_short_message_takes_three_commands),
	    cmocka_unit_test(test_the_password_is_shown_to_who_agrees),
	    cmocka_unit_test(test_who_alters_the_message_is_seen),
	    cmocka_unit_test(test_right_ones_are_executed_once),
	    cmocka_unit_test(test_parts_of_two_contacts_are_refused),
	    cmocka_unit_test(test_failures_lock_and_forgeries_do_not),
	};

	conform_arguments(argc, argv);
	return cmocka_run_group_tests_name(
	    "e-signature", tests, setup, teardown);
}
