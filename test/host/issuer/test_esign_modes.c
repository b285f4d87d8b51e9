/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every mode and scheme of the e-signature card against every alteration, every
 * wrong order of steps and the guess: the right one is executed once, all others
 * change nothing and have their verdict.  What comes out is the table of
 * docs/esign.md.
 *
 *   test_esign_modes            checks ../docs/esign.md
 *   test_esign_modes --write    writes the table into it
 */
#include "../../support/esignrig.h"
#include "../../support/page.h"
#include "../../support/suite.h"

#include "../../../apdu/error.h"
#include "../../../apdu/tlv.h"
#include "../../../host/issuer/esign.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PAGE	    "docs/esign.md"
#define ACCOUNT	    "6222020000000001234"
#define COUNT(a)    (sizeof(a) / sizeof((a)[0]))
#define GUESSES	    8
#define EPHEMERAL   64 /* bytes of its key */
#define SCHEME_LAST (JZ_SCHEME_DIGESTS | JZ_SCHEME_SYMMETRIC | JZ_SCHEME_BARE)

static const struct {
	enum jz_esign_kind kind;
	const char *name;
	/* Of a ciphertext that is another one, or somebody else's. */
	enum jz_esign_verdict other_block;
} MODES[] = {
    {JZ_ESIGN_DIRECT, "JPS-2", JZ_ESIGN_BAD_SIGNATURE},
    {JZ_ESIGN_DIGESTS, "JPS-3", JZ_ESIGN_BAD_SIGNATURE},
    {JZ_ESIGN_SIGNATURE, "JPS-4", JZ_ESIGN_BAD_SIGNATURE},
    {JZ_ESIGN_SEALED_DIGEST, "JPS-5", JZ_ESIGN_BAD_SIGNATURE},
    {JZ_ESIGN_SEPARATE, "JPS-7", JZ_ESIGN_KEY},
};

static struct esign_rig rig;
static struct jz_esign_db *db;
static struct jz_esign_verifier verifier;
static unsigned executed;
static uint64_t sum;

static int
execute(void *arg, const struct jz_esign_transfer *t)
{
	(void)arg;
	executed++;
	sum += t->order.amount;
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	esign_rig_new(&rig);
	executed = 0;
	sum = 0;
	assert_int_equal(jz_esign_db_open(":memory:", &db), 0);
	verifier = (struct jz_esign_verifier){.engine = rig.rig.openssl,
	    .key = &rig.issuer,
	    .key_version = 1,
	    .limit = JZ_ESIGN_FAILURES_DEFAULT,
	    .store = &jz_esign_sqlite,
	    .store_state = db,
	    .executor = {.execute = execute}};
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

/* ---- what a terminal holds ---------------------------------------------- */

/* After a contact, taken apart. */
struct held {
	struct jz_esign_order order;
	struct blob order_bytes;
	struct jz_esign_signature signature;
	struct blob sealed, typed;
	struct blob bytes; /* of the signature as it came */
};

static void
set_mode(unsigned mode, uint8_t scheme)
{
	const struct esign_nvm *p = esign_rig_nvm(&rig);
	bool guessable = jz_esign_guessable(MODES[mode].kind, scheme);
	uint8_t kind = (uint8_t)MODES[mode].kind;
	uint8_t alphabet = guessable ? 0x0F : JZ_ALPHABET_DIGITS;
	uint8_t length = guessable ? 10 : 6;

	rig_poke(rig.card, &p->mode, &kind, 1);
	rig_poke(rig.card, &p->scheme, &scheme, 1);
	rig_poke(rig.card, &p->alphabet, &alphabet, 1);
	rig_poke(rig.card, &p->length, &length, 1);
}

/* SIGN alone: the user has not looked yet. */
static void
sign(struct held *h)
{
	h->order = esign_order();
	h->order_bytes = esign_encode(&h->order);
	h->bytes = esign_contact(&rig, &h->order_bytes);
	assert_int_equal(
	    jz_esign_get_signature(blob_span(&h->bytes), &h->signature), 0);
	blob_set(&h->sealed, h->signature.sealed);
	blob_set(&h->typed, jz_span("000000", 6));
}

/* The user agrees, and reads the password off the display. */
static void
look(struct held *h)
{
	esign_press(&rig, "DDDDO");
	esign_shows(&rig, 0, "Joint password");
	blob_set(
	    &h->typed, jz_span(rig.screen.line[1], strlen(rig.screen.line[1])));
}

static void
contact(struct held *h)
{
	sign(h);
	look(h);
	assert_int_equal(esign_select(&rig), JZ_SW_OK);
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
	assert_int_equal(jz_esign_put_signature(&h->signature, &s), 0);
	m.signature = jz_buffer_span(&s);
	assert_int_equal(jz_esign_put_submission(&m, &b), 0);
	assert_int_equal(jz_esign_submit(&verifier, jz_buffer_span(&b), &v), 0);
	return v;
}

static struct jz_esign_card
card_row(void)
{
	struct jz_esign_card c;

	assert_int_equal(
	    jz_esign_sqlite.card(db, (const uint8_t *)ESIGN_ID, &c), 0);
	return c;
}

/* It has this verdict, is not executed, and changes nothing but the count of
 * wrong passwords. */
static void
refused(struct held *h, enum jz_esign_verdict want)
{
	struct jz_esign_card before = card_row(), after;
	unsigned done = executed;

	assert_int_equal(submit(h), want);
	after = card_row();
	assert_int_equal(executed, done);
	assert_int_equal(after.counter, before.counter);
	assert_int_equal(after.failures,
	    before.failures + (want == JZ_ESIGN_PASSWORD ? 1 : 0));
	assert_false(after.locked);
}

/* ---- alterations -------------------------------------------------------- */

typedef void alter_fn(struct held *h);

/* clang-format off */
#define ALTER(name, change)                                                    \
	static void                                                            \
	alter_##name(struct held *h)                                           \
	{                                                                      \
		change;                                                        \
	}

ALTER(amount, h->order.amount++)
ALTER(account, h->order.account = jz_span("6222020000000001235", 19))
ALTER(currency, h->order.currency = 840)
ALTER(payee, h->order.to_account = jz_span("6217000000000005679", 19))
ALTER(name, h->order.to_name = jz_span("Mallory", 7))
ALTER(details, h->order.details = jz_span("more", 4))
ALTER(card, h->signature.card_id[15] ^= 1)
ALTER(counter, h->signature.counter++)
ALTER(nonce, h->signature.nonce[0] ^= 1)
ALTER(key_version, h->signature.key_version++)
ALTER(signature, h->signature.signature[40] ^= 1)
ALTER(first, h->sealed.data[0] ^= 1)
ALTER(middle, h->sealed.data[h->sealed.len / 2] ^= 1)
ALTER(last, h->sealed.data[h->sealed.len - 1] ^= 1)
/* clang-format on */

/* Another digest; encryption and random number would make another length. */
static void
alter_scheme(struct held *h)
{
	uint8_t digests = h->signature.scheme & JZ_SCHEME_DIGESTS;

	h->signature.scheme ^=
	    digests == JZ_SCHEME_DIGESTS ? JZ_SCHEME_HASH : JZ_SCHEME_DIGESTS;
}

static void
alter_typed(struct held *h)
{
	h->typed.data[0] = h->typed.data[0] == '0' ? '1' : '0';
}

/* A block of the terminal's own, for the very same signature: anybody has the
 * issuer's public key.  The password in it is the terminal's. */
static void
alter_block(struct held *h)
{
	const struct jz_engine *e = &rig.rig.openssl;
	struct jz_joint j = {.len = h->typed.len, .password = "0000000000"};
	struct jz_esign_ends ends;
	struct jz_key_pair own;

	assert_int_equal(e->crypto->generate(e->state, &own), 0);
	assert_int_equal(
	    jz_esign_order(e, blob_span(&h->order_bytes), &h->signature), 0);
	memcpy(
	    j.order_digest, h->signature.order_digest, sizeof(j.order_digest));
	jz_esign_meet(e, &h->signature, &own, rig.issuer.public_key, &ends);
	assert_int_equal(
	    jz_joint_seal(e, &h->signature, &ends, &j, h->sealed.data), 0);
	blob_set(&h->typed, jz_span("0000000000", h->typed.len));
}

static const struct {
	const char *name;
	alter_fn *alter;
	enum jz_esign_verdict verdict; /* JZ_ESIGN_EXECUTED: by the mode */
} ALTERATIONS[] = {
    {"amount", alter_amount, JZ_ESIGN_BAD_SIGNATURE},
    {"account", alter_account, JZ_ESIGN_BAD_SIGNATURE},
    {"currency", alter_currency, JZ_ESIGN_BAD_SIGNATURE},
    {"payee's account", alter_payee, JZ_ESIGN_BAD_SIGNATURE},
    {"payee's name", alter_name, JZ_ESIGN_BAD_SIGNATURE},
    {"details", alter_details, JZ_ESIGN_BAD_SIGNATURE},
    {"card ID", alter_card, JZ_ESIGN_UNKNOWN_CARD},
    {"counter", alter_counter, JZ_ESIGN_BAD_SIGNATURE},
    {"nonce", alter_nonce, JZ_ESIGN_BAD_SIGNATURE},
    {"key version", alter_key_version, JZ_ESIGN_BAD_SIGNATURE},
    {"scheme", alter_scheme, JZ_ESIGN_BAD_SIGNATURE},
    {"signature", alter_signature, JZ_ESIGN_BAD_SIGNATURE},
    {"typed password", alter_typed, JZ_ESIGN_PASSWORD},
    {"block: first byte", alter_first, JZ_ESIGN_EXECUTED},
    {"block: middle byte", alter_middle, JZ_ESIGN_EXECUTED},
    {"block: last byte", alter_last, JZ_ESIGN_EXECUTED},
    {"block: the terminal's own", alter_block, JZ_ESIGN_EXECUTED},
};

static void
try_alterations(unsigned mode, struct held *h)
{
	for (unsigned k = 0; k < COUNT(ALTERATIONS); k++) {
		enum jz_esign_verdict want = ALTERATIONS[k].verdict;
		struct held altered = *h;

		if (want == JZ_ESIGN_EXECUTED)
			want = MODES[mode].other_block;
		ALTERATIONS[k].alter(&altered);
		refused(&altered, want);
	}
}

/* A signature of one mode is none of another. */
static void
try_other_modes(unsigned mode, struct held *h)
{
	for (unsigned k = 0; k < COUNT(MODES); k++) {
		struct held altered = *h;

		altered.signature.kind = MODES[k].kind;
		if (k != mode &&
		    jz_scheme_is_good(MODES[k].kind, h->signature.scheme))
			refused(&altered, JZ_ESIGN_BAD_SIGNATURE);
	}
}

/* ---- wrong orders of steps ---------------------------------------------- */

/* The steps are SIGN, look, type and submit.  Each begins with the signature of
 * a contact that is not executed, and leaves one that can be. */

static void
submit_before_looking(unsigned mode, struct held *h)
{
	(void)mode;
	sign(h);
	/* A terminal that does not wait for the user. */
	refused(h, JZ_ESIGN_PASSWORD);
	look(h);
}

static void
sign_again_before_looking(unsigned mode, struct held *h)
{
	struct held first = *h;

	(void)mode;
	sign(&first);
	sign(h);
	/* The new contact has ended the first: its password is nowhere. */
	look(h);
	first.typed = h->typed;
	refused(&first, JZ_ESIGN_PASSWORD);
}

static void
ok_before_all_was_seen(unsigned mode, struct held *h)
{
	(void)mode;
	sign(h);
	esign_press(&rig, "O");
	assert_string_not_equal(rig.screen.line[0], "Joint password");
	look(h);
}

static void
select_before_looking(unsigned mode, struct held *h)
{
	(void)mode;
	sign(h);
	assert_int_equal(esign_select(&rig), JZ_SW_OK);
	esign_press(&rig, "DDDDO");
	assert_true(esign_blank(&rig));
	contact(h);
}

static void
parts_of_two(unsigned mode, struct held *h)
{
	struct held first = *h, mixed;

	contact(&first);
	contact(h);
	if (first.typed.len == h->typed.len &&
	    memcmp(first.typed.data, h->typed.data, h->typed.len) == 0)
		contact(h);
	mixed = first;
	mixed.sealed = h->sealed;
	refused(&mixed, MODES[mode].other_block);
	mixed.typed = h->typed;
	refused(&mixed, MODES[mode].other_block);
	mixed = first;
	mixed.typed = h->typed;
	refused(&mixed, JZ_ESIGN_PASSWORD);
}

static const struct {
	const char *name;
	void (*run)(unsigned mode, struct held *h);
} ORDERS[] = {
    {"submitted before the user has looked", submit_before_looking},
    {"SIGN again before the user has looked", sign_again_before_looking},
    {"OK before all was on the display", ok_before_all_was_seen},
    {"SELECT before the user has looked", select_before_looking},
    {"parts of two contacts", parts_of_two},
};

static void
try_orders(unsigned mode)
{
	for (unsigned k = 0; k < COUNT(ORDERS); k++) {
		struct held h, older;
		unsigned before = executed;

		memset(&h, 0, sizeof(h));
		contact(&older);
		ORDERS[k].run(mode, &h);
		assert_int_equal(executed, before);
		assert_int_equal(submit(&h), JZ_ESIGN_EXECUTED);
		assert_int_equal(executed, before + 1);
		/* What a later one has passed over comes too late; and once is
		 * once. */
		refused(&older, JZ_ESIGN_REPLAY);
		refused(&h, JZ_ESIGN_EXECUTED_BEFORE);
		alter_typed(&h);
		refused(&h, JZ_ESIGN_REPLAY);
	}
}

/* ---- the guess ---------------------------------------------------------- */

/*
 * All that a terminal can do with a guess: compute from it, and from what is
 * public, what the card has computed, and compare.
 */
static bool
guess_fits(const struct held *h, const struct jz_joint *guess)
{
	const struct jz_engine *e = &rig.rig.openssl;
	const struct jz_key_pair nobody = {{0}, {0}};
	struct jz_esign_ends ends = {
	    .own = &nobody, .peer = rig.issuer.public_key};
	uint8_t again[JZ_JOINT_SEALED_BYTES(JZ_JOINT_MAX)];
	struct jz_esign_signature s = h->signature;
	/* The ephemeral key alone says enough. */
	bool symmetric = (s.scheme & JZ_SCHEME_SYMMETRIC) != 0;
	size_t len = symmetric ? h->sealed.len : EPHEMERAL;

	s.sealed = blob_span(&h->sealed);
	assert_int_equal(jz_esign_order(e, blob_span(&h->order_bytes), &s), 0);
	if (jz_joint_seal(e, &s, &ends, guess, again) == 0 &&
	    memcmp(again, h->sealed.data, len) == 0)
		return true;
	if (!jz_esign_binds_password(s.kind))
		return false;
	jz_esign_bind(&s, guess);
	ends.peer = rig.point;
	return jz_esign_verify(e, &s, &ends) == 0;
}

/* Whether the terminal knows the right one out of a few. */
static bool
guess(const struct held *h)
{
	struct jz_joint j = {.len = h->typed.len};
	struct jz_esign_signature s;
	unsigned fitting = 0;
	bool right;

	assert_int_equal(
	    jz_esign_order(&rig.rig.openssl, blob_span(&h->order_bytes), &s),
	    0);
	memcpy(j.order_digest, s.order_digest, sizeof(j.order_digest));
	memcpy(j.password, h->typed.data, j.len);
	right = guess_fits(h, &j);
	for (unsigned i = 0; i < GUESSES; i++) {
		j.password[j.len - 1] = (uint8_t)('a' + i);
		if (j.password[j.len - 1] != h->typed.data[j.len - 1])
			fitting += guess_fits(h, &j) ? 1 : 0;
	}
	assert_int_equal(fitting, 0);
	return right;
}

/* Whether who knows what is public can verify: what a judge is shown. */
static bool
anybody_verifies(const struct held *h)
{
	const struct jz_engine *e = &rig.rig.openssl;
	struct jz_esign_ends ends = {.peer = rig.point};
	struct jz_esign_signature s = h->signature;

	s.sealed = blob_span(&h->sealed);
	assert_int_equal(jz_esign_order(e, blob_span(&h->order_bytes), &s), 0);
	return jz_esign_verify(e, &s, &ends) == 0;
}

/* ---- the table ---------------------------------------------------------- */

/*
 * Every mode, every scheme: JPS-8's digests and encryptions, JPS-6's random
 * number.
 * proves: JPS-2 JPS-3 JPS-4 JPS-5 JPS-6 JPS-7 JPS-8 JPS-13 JPS-14 JPS-15 JPS-17
 * proves: JPS-19
 */
static void
test_every_mode_and_scheme(void **state)
{
	(void)state;
	for (unsigned mode = 0; mode < COUNT(MODES); mode++)
		for (unsigned s = 0; s <= SCHEME_LAST; s++) {
			struct held h;
			unsigned before = executed;

			if (!jz_scheme_is_good(MODES[mode].kind, (uint8_t)s))
				continue;
			set_mode(mode, (uint8_t)s);
			contact(&h);
			assert_int_equal(h.signature.kind, MODES[mode].kind);
			assert_int_equal(h.signature.scheme, s);
			try_alterations(mode, &h);
			try_other_modes(mode, &h);
			assert_int_equal(guess(&h),
			    jz_esign_guessable(MODES[mode].kind, (uint8_t)s));
			assert_int_equal(anybody_verifies(&h),
			    !jz_esign_binds_password(MODES[mode].kind) &&
				(s & JZ_SCHEME_DIGESTS) <= JZ_SCHEME_HASH);
			/* The right one is none the worse for it. */
			assert_int_equal(submit(&h), JZ_ESIGN_EXECUTED);
			refused(&h, JZ_ESIGN_EXECUTED_BEFORE);
			assert_int_equal(executed, before + 1);
		}
	assert_int_equal(sum, 1234 * (uint64_t)executed);
}

/* proves: JPS-9 JPS-12 JPS-13 JPS-15 JPS-18 */
static void
test_every_wrong_order_of_steps(void **state)
{
	(void)state;
	for (unsigned mode = 0; mode < COUNT(MODES); mode++)
		for (unsigned s = 0; s <= SCHEME_LAST; s++) {
			/* Orders do not ask how a digest is made. */
			if ((s & JZ_SCHEME_DIGESTS) > JZ_SCHEME_HASH &&
			    (s & JZ_SCHEME_DIGESTS) != JZ_SCHEME_DIGESTS)
				continue;
			if (!jz_scheme_is_good(MODES[mode].kind, (uint8_t)s))
				continue;
			set_mode(mode, (uint8_t)s);
			try_orders(mode);
		}
}

/* Three wrong passwords that the card has signed lock it; forged requests, of
 * which the issuer has seen some by then, do not.  proves: JPS-14 JPS-17 */
static void
test_guessing_online_locks(void **state)
{
	(void)state;
	for (unsigned mode = 0; mode < COUNT(MODES); mode++)
		for (unsigned s = JZ_SCHEME_HASH; s <= SCHEME_LAST;
		     s += JZ_SCHEME_SYMMETRIC) {
			struct held h, wrong;

			set_mode(mode, (uint8_t)s);
			contact(&h);
			for (unsigned i = 0; i < 3; i++) {
				wrong = h;
				alter_signature(&wrong);
				alter_typed(&wrong);
				refused(&wrong, JZ_ESIGN_BAD_SIGNATURE);
				wrong = h;
				alter_last(&wrong);
				refused(&wrong, MODES[mode].other_block);
			}
			wrong = h;
			for (unsigned i = 0; i < 3; i++) {
				wrong.typed.data[1] = (uint8_t)('a' + i);
				assert_int_equal(
				    submit(&wrong), JZ_ESIGN_PASSWORD);
			}
			assert_true(card_row().locked);
			assert_int_equal(submit(&h), JZ_ESIGN_LOCKED);
			assert_int_equal(jz_esign_unlock(&verifier,
					     (const uint8_t *)ESIGN_ID),
			    0);
			assert_int_equal(submit(&h), JZ_ESIGN_EXECUTED);
		}
}

/* ---- the page ----------------------------------------------------------- */

static const char *
guessed(unsigned mode, unsigned s)
{
	bool hash =
	    jz_esign_guessable(MODES[mode].kind, (uint8_t)(s | JZ_SCHEME_HASH));
	bool mac =
	    jz_esign_guessable(MODES[mode].kind, (uint8_t)(s | JZ_SCHEME_MAC));

	return hash && mac ? "can be tested"
	    : hash	   ? "with hash alone"
			   : "cannot be tested";
}

static void
put_modes(struct page *page)
{
	char line[128];

	page_begin(page, "modes");
	snprintf(line, sizeof(line), "%-6s %-10s %-6s %-17s %-16s %s\n", "mode",
	    "encryption", "random", "a guess offline", "guesses online",
	    "another block");
	page_text(page, line);
	for (unsigned mode = 0; mode < COUNT(MODES); mode++)
		for (unsigned s = 0; s <= SCHEME_LAST;
		     s += JZ_SCHEME_SYMMETRIC) {
			snprintf(line, sizeof(line),
			    "%-6s %-10s %-6s %-17s %-16s %s\n",
			    MODES[mode].name,
			    (s & JZ_SCHEME_SYMMETRIC) != 0 ? "symmetric"
							   : "public key",
			    (s & JZ_SCHEME_BARE) != 0 ? "no" : "yes",
			    guessed(mode, s), "3, then LOCKED",
			    jz_esign_verdict_name(MODES[mode].other_block));
			page_text(page, line);
		}
	page_begin(page, "alterations");
	for (unsigned k = 0; k < COUNT(ALTERATIONS); k++) {
		snprintf(line, sizeof(line), "%-26s %s\n", ALTERATIONS[k].name,
		    ALTERATIONS[k].verdict == JZ_ESIGN_EXECUTED
			? "SIGNATURE; JPS-7: KEY"
			: jz_esign_verdict_name(ALTERATIONS[k].verdict));
		page_text(page, line);
	}
	page_begin(page, "orders");
	for (unsigned k = 0; k < COUNT(ORDERS); k++) {
		page_text(page, ORDERS[k].name);
		page_text(page, "\n");
	}
}

static void
test_the_page_has_the_table(void **state)
{
	struct page *page = page_new();

	(void)state;
	put_modes(page);
	page_check(page, PAGE);
	page_check_marks(page, PAGE);
	page_free(&page);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_every_mode_and_scheme),
	    TEST(test_every_wrong_order_of_steps),
	    TEST(test_guessing_online_locks),
	    cmocka_unit_test(test_the_page_has_the_table),
	};

	if (argc == 2 && strcmp(argv[1], "--write") == 0) {
		struct page *page = page_new();

		put_modes(page);
		page_write(page, PAGE);
		page_free(&page);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
