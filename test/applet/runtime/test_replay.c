/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same seed and the same commands give the same bytes, signatures
 * included; and a card that goes back with all of its randomness, and signs
 * something else, does not give its key away.
 *
 * For the latter the attack is carried out.  Two ECDSA signatures with one nonce
 * k have one r, and s1 - s2 = (z1 - z2) / k, d = (s1 k - z1) / r.  For SM2 k is
 * s + (r + s) d, so d = (s2 - s1) / (r1 + s1 - r2 - s2), without a look at the
 * messages.  It succeeds on an engine that is broken for this test and on
 * OpenSSL's SM2 as it is, and fails on ours.
 */
#include "card_bench.h"
#include "../../../keys/openssl/openssl.h"
#include "../../support/suite.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "../../../apdu/tlv.h"
#include "../../../keys/openssl/generator.h"

#define LOG_MAX	   (64u * 1024u)
#define STATE_MAX  (256u * 1024u)
#define PIN	   "123456"
#define HALF	   (JZ_SIG_BYTES / 2)
#define MESSAGES   4
#define MOST_CARDS 2

static struct rig
seeded_rig(uint8_t seed)
{
	uint8_t bytes[JZ_SEED_BYTES] = {seed};
	struct rig rig;

	memset(&rig, 0, sizeof(rig));
	assert_int_equal(
	    jz_openssl_new_seeded(test_suite(), bytes, &rig.openssl), 0);
	rig.engine = rig.openssl;
	bank_new(&rig.bank, &rig.engine, RIG_NOW);
	return rig;
}

/* ---- the same bytes ----------------------------------------------------- */

/* Everything that two cards said, and what they hold at the end. */
struct run {
	size_t said, held;
	uint8_t log[LOG_MAX];
	uint8_t state[STATE_MAX];
};

/* A card that is listened to. */
struct tap {
	struct rig_card *card;
	struct run *run;
};

static size_t
listen(void *state, const uint8_t *cmd, size_t len, uint8_t *rsp, size_t cap)
{
	struct tap *t = state;
	size_t n = jz_card_process(&t->card->card, cmd, len, rsp, cap);

	assert_true(n <= sizeof(t->run->log) - t->run->said);
	memcpy(t->run->log + t->run->said, rsp, n);
	t->run->said += n;
	return n;
}

static void
hold(struct run *r, const void *p, size_t n)
{
	assert_true(n <= sizeof(r->state) - r->held);
	memcpy(r->state + r->held, p, n);
	r->held += n;
}

/* Made, loaded; the one pays the other; both settle; the power goes and comes
 * in between. */
static void
live(struct rig *rig, struct tap *taps)
{
	static const char *const ids[MOST_CARDS] = {
	    "CN00000000700001", "CN00000000800001"};
	const struct port *payee = &taps[0].card->port;
	const struct port *payer = &taps[1].card->port;
	struct payment pay;
	uint32_t n;

	for (unsigned i = 0; i < MOST_CARDS; i++) {
		struct profile p = profile_of(ids[i]);

		assert_int_equal(
		    bank_personalise(&rig->bank, &taps[i].card->port, &p),
		    JZ_SW_OK);
		rig_restart(taps[i].card);
		assert_int_equal(
		    bank_load(&rig->bank, &taps[i].card->port, PIN, 20000),
		    JZ_SW_OK);
	}
	assert_int_equal(port_verify(payer, PIN), JZ_SW_OK);
	pay = payment_of(payee, payer, 15000, RIG_NOW);
	assert_int_equal(payment_run(&pay, STEP_COMPLETE), JZ_SW_OK);
	rig_restart(taps[0].card);
	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	assert_int_equal(port_balance(payee), 35000);
	for (unsigned i = 0; i < MOST_CARDS; i++)
		assert_int_equal(
		    bank_settle(&rig->bank, &taps[i].card->port, &n), JZ_SW_OK);
}

static struct run *
run_of(uint8_t seed)
{
	struct run *r = calloc(1, sizeof(*r));
	struct rig rig = seeded_rig(seed);
	struct tap taps[MOST_CARDS];

	assert_non_null(r);
	for (unsigned i = 0; i < MOST_CARDS; i++) {
		taps[i].card = rig_empty_purse_new(&rig, true);
		taps[i].run = r;
		taps[i].card->port = (struct port){listen, &taps[i]};
	}
	live(&rig, taps);
	for (unsigned i = 0; i < MOST_CARDS; i++) {
		struct jz_span stored = jz_fault_content(taps[i].card->fault);

		hold(r, taps[i].card->nvm, RIG_NVM_BYTES);
		hold(r, stored.data, stored.len);
		rig_card_free(&taps[i].card);
	}
	rig_free(&rig);
	return r;
}

static void
test_the_same_seed_and_script_give_the_same_bytes(void **state)
{
	struct run *a = run_of(1), *b = run_of(1), *other = run_of(2);

	(void)state;
	assert_true(a->said > 4096);
	assert_int_equal(a->said, b->said);
	assert_memory_equal(a->log, b->log, a->said);
	assert_int_equal(a->held, b->held);
	assert_memory_equal(a->state, b->state, a->held);
	/* Of another seed the answers are as long, and others. */
	assert_int_equal(a->said, other->said);
	assert_memory_not_equal(a->log, other->log, a->said);
	free(a);
	free(b);
	free(other);
}

/* ---- what one nonce for two messages gives away ------------------------- */

struct signature {
	uint8_t z[JZ_HASH_BYTES]; /* hash of what was signed */
	uint8_t rs[JZ_SIG_BYTES];
};

/* Room for the arithmetic of the suite's curve. */
struct field {
	EC_GROUP *group;
	BN_CTX *ctx;
	const BIGNUM *n;
	BIGNUM *k, *r, *s, *z, *d, *t;
};

static struct field
field_new(void)
{
	struct field f;

	f.group = EC_GROUP_new_by_curve_name(
	    test_suite() == JZ_SUITE_GM ? NID_sm2 : NID_X9_62_prime256v1);
	f.ctx = BN_CTX_new();
	assert_true(f.group != NULL && f.ctx != NULL);
	BN_CTX_start(f.ctx);
	f.n = EC_GROUP_get0_order(f.group);
	f.k = BN_CTX_get(f.ctx);
	f.r = BN_CTX_get(f.ctx);
	f.s = BN_CTX_get(f.ctx);
	f.z = BN_CTX_get(f.ctx);
	f.d = BN_CTX_get(f.ctx);
	f.t = BN_CTX_get(f.ctx);
	assert_non_null(f.t);
	return f;
}

static void
field_free(struct field *f)
{
	BN_CTX_end(f->ctx);
	BN_CTX_free(f->ctx);
	EC_GROUP_free(f->group);
}

/* d of ECDSA; false when they have not one nonce. */
static bool
extract_ecdsa(
    struct field *f, const struct signature *a, const struct signature *b)
{
	BN_bin2bn(a->rs, HALF, f->r);
	BN_bin2bn(a->rs + HALF, HALF, f->s);
	BN_bin2bn(b->rs + HALF, HALF, f->t);
	BN_mod_sub(f->s, f->s, f->t, f->n, f->ctx); /* s1 - s2 */
	BN_bin2bn(a->z, JZ_HASH_BYTES, f->z);
	BN_bin2bn(b->z, JZ_HASH_BYTES, f->t);
	BN_mod_sub(f->k, f->z, f->t, f->n, f->ctx); /* z1 - z2 */
	if (memcmp(a->rs, b->rs, HALF) != 0 || BN_is_zero(f->s))
		return false;
	BN_mod_inverse(f->s, f->s, f->n, f->ctx);
	BN_mod_mul(f->k, f->k, f->s, f->n, f->ctx);
	BN_bin2bn(a->rs + HALF, HALF, f->s);
	BN_mod_mul(f->d, f->s, f->k, f->n, f->ctx); /* s1 k */
	BN_mod_sub(f->d, f->d, f->z, f->n, f->ctx); /* s1 k - z1 */
	BN_mod_inverse(f->r, f->r, f->n, f->ctx);
	BN_mod_mul(f->d, f->d, f->r, f->n, f->ctx);
	return true;
}

/* d of SM2, if they have one nonce, or a number that is nobody's. */
static bool
extract_sm2(
    struct field *f, const struct signature *a, const struct signature *b)
{
	BN_bin2bn(a->rs, HALF, f->r);
	BN_bin2bn(a->rs + HALF, HALF, f->s);
	BN_mod_add(f->k, f->r, f->s, f->n, f->ctx); /* r1 + s1 */
	BN_bin2bn(b->rs, HALF, f->r);
	BN_bin2bn(b->rs + HALF, HALF, f->t);
	BN_mod_sub(f->d, f->t, f->s, f->n, f->ctx); /* s2 - s1 */
	BN_mod_add(f->t, f->t, f->r, f->n, f->ctx);
	BN_mod_sub(f->k, f->k, f->t, f->n, f->ctx);
	if (BN_is_zero(f->k))
		return false;
	BN_mod_inverse(f->k, f->k, f->n, f->ctx);
	BN_mod_mul(f->d, f->d, f->k, f->n, f->ctx);
	return true;
}

/* Whether two signatures give this private key away. */
static bool
gives_away(const uint8_t key[static JZ_PRIVATE_BYTES],
    const struct signature *a, const struct signature *b)
{
	uint8_t d[JZ_PRIVATE_BYTES];
	struct field f = field_new();
	bool found = (test_suite() == JZ_SUITE_GM ? extract_sm2
						  : extract_ecdsa)(&f, a, b);

	if (found)
		found = BN_bn2binpad(f.d, d, sizeof(d)) == sizeof(d) &&
		    memcmp(d, key, sizeof(d)) == 0;
	field_free(&f);
	return found;
}

/* ---- signers that are broken for the purpose ---------------------------- */

/* What is signed: of SM2 the hash of ZA and the message, GB/T 32918.2 5.5. */
static void
digest_of(const struct jz_engine *e, const struct jz_key_pair *key,
    const struct jz_span *parts, size_t n, uint8_t z[static JZ_HASH_BYTES])
{
	static const char ID[] = "\0\x80"
				 "1234567812345678";
	uint8_t curve[128], g[JZ_PUBLIC_BYTES_EC], za[JZ_HASH_BYTES];
	struct jz_span all[4] = {jz_span(ID, sizeof(ID) - 1),
	    jz_span(curve, sizeof(curve)),
	    jz_span(key->public_key + 1, JZ_PUBLIC_BYTES_EC - 1)};
	struct field f;

	if (test_suite() != JZ_SUITE_GM) {
		assert_int_equal(e->crypto->hash(e->state, parts, n, z), 0);
		return;
	}
	f = field_new();
	EC_GROUP_get_curve(f.group, NULL, f.k, f.r, f.ctx);
	assert_int_equal(BN_bn2binpad(f.k, curve, 32), 32);
	assert_int_equal(BN_bn2binpad(f.r, curve + 32, 32), 32);
	EC_POINT_point2oct(f.group, EC_GROUP_get0_generator(f.group),
	    POINT_CONVERSION_UNCOMPRESSED, g, sizeof(g), f.ctx);
	memcpy(curve + 64, g + 1, 64);
	field_free(&f);
	assert_int_equal(e->crypto->hash(e->state, all, 3, za), 0);
	assert_true(n < 4);
	all[0] = jz_span(za, sizeof(za));
	memcpy(all + 1, parts, n * sizeof(*parts));
	assert_int_equal(e->crypto->hash(e->state, all, n + 1, z), 0);
}

/* f->x in r: the signature of either kind with the nonce in f->k. */
static void
finish_ecdsa(struct field *f)
{
	BN_nnmod(f->r, f->r, f->n, f->ctx);
	BN_mod_mul(f->s, f->r, f->d, f->n, f->ctx);
	BN_mod_add(f->s, f->s, f->z, f->n, f->ctx);
	BN_mod_inverse(f->k, f->k, f->n, f->ctx);
	BN_mod_mul(f->s, f->s, f->k, f->n, f->ctx);
}

static void
finish_sm2(struct field *f)
{
	BN_mod_add(f->r, f->r, f->z, f->n, f->ctx); /* e + x */
	BN_mod_mul(f->t, f->r, f->d, f->n, f->ctx);
	BN_mod_sub(f->s, f->k, f->t, f->n, f->ctx); /* k - r d */
	BN_add_word(f->d, 1);
	BN_mod_inverse(f->d, f->d, f->n, f->ctx);
	BN_mod_mul(f->s, f->s, f->d, f->n, f->ctx);
}

static const struct jz_crypto *whole; /* the table that was broken */

/* A nonce that has nothing of key and message, as if it came from a generator
 * alone, and that one was set back. */
static int
bare_sign(void *state, const struct jz_key_pair *key,
    const struct jz_span *parts, size_t n, uint8_t out[static JZ_SIG_BYTES])
{
	static const uint8_t nonce[JZ_PRIVATE_BYTES] = {0x4B, 0x1D};
	const struct jz_engine e = {whole, state};
	struct field f = field_new();
	EC_POINT *point = EC_POINT_new(f.group);
	uint8_t z[JZ_HASH_BYTES];

	digest_of(&e, key, parts, n, z);
	BN_bin2bn(nonce, sizeof(nonce), f.k);
	BN_bin2bn(z, sizeof(z), f.z);
	BN_bin2bn(key->private_key, JZ_PRIVATE_BYTES, f.d);
	EC_POINT_mul(f.group, point, f.k, NULL, NULL, f.ctx);
	EC_POINT_get_affine_coordinates(f.group, point, f.r, NULL, f.ctx);
	if (test_suite() == JZ_SUITE_GM)
		finish_sm2(&f);
	else
		finish_ecdsa(&f);
	assert_int_equal(BN_bn2binpad(f.r, out, HALF), HALF);
	assert_int_equal(BN_bn2binpad(f.s, out + HALF, HALF), HALF);
	EC_POINT_free(point);
	field_free(&f);
	return 0;
}

/* Both halves of OpenSSL's DER. */
static void
from_der(struct jz_span der, uint8_t rs[static JZ_SIG_BYTES])
{
	struct jz_cursor c = jz_cursor(der);
	struct jz_span v;

	assert_int_equal(jz_tlv_expect(&c, 0x30, &v), 0);
	c = jz_cursor(v);
	memset(rs, 0, JZ_SIG_BYTES);
	for (unsigned half = 0; half < 2; half++) {
		assert_int_equal(jz_tlv_expect(&c, 0x02, &v), 0);
		if (v.len > HALF)
			v = jz_span(v.data + v.len - HALF, HALF);
		memcpy(rs + (half + 1) * HALF - v.len, v.data, v.len);
	}
}

/* OpenSSL's signature with our generator under it, which nobody hedges. */
static struct signature
sign_unhedged(const struct jz_key_pair *key, const uint8_t z[static 32])
{
	static const uint8_t seed[JZ_SEED_BYTES] = {7};
	const char *type = test_suite() == JZ_SUITE_GM ? "SM2" : "EC";
	char group[8] = "P-256";
	OSSL_LIB_CTX *lib = OSSL_LIB_CTX_new();
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *pkey = NULL;
	struct jz_rand g;
	struct signature s;
	uint8_t native[JZ_PRIVATE_BYTES], der[128];
	size_t len = sizeof(der);
	BIGNUM *d = BN_bin2bn(key->private_key, JZ_PRIVATE_BYTES, NULL);
	OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(
				   OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
	    OSSL_PARAM_construct_BN(
		OSSL_PKEY_PARAM_PRIV_KEY, native, sizeof(native)),
	    OSSL_PARAM_construct_end()};

	if (test_suite() == JZ_SUITE_GM)
		memcpy(group, "SM2", 4);
	memcpy(s.z, z, sizeof(s.z));
	assert_int_equal(jz_rand_load(lib, seed, &g), 0);
	BN_bn2nativepad(d, native, sizeof(native));
	ctx = EVP_PKEY_CTX_new_from_name(lib, type, NULL);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params), 1);
	EVP_PKEY_CTX_free(ctx);
	ctx = EVP_PKEY_CTX_new_from_pkey(lib, pkey, NULL);
	assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
	assert_int_equal(EVP_PKEY_sign(ctx, der, &len, z, 32), 1);
	from_der(jz_span(der, len), s.rs);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	BN_free(d);
	jz_rand_unload(&g);
	OSSL_LIB_CTX_free(lib);
	return s;
}

/* ---- the engine --------------------------------------------------------- */

/* The first signature of an engine with this seed. */
static struct signature
sign_text(const struct jz_key_pair *key, const char *text)
{
	static const uint8_t seed[JZ_SEED_BYTES] = {7};
	const struct jz_span part = jz_span(text, strlen(text));
	struct signature s;
	struct jz_engine e;

	assert_int_equal(jz_openssl_new_seeded(test_suite(), seed, &e), 0);
	digest_of(&e, key, &part, 1, s.z);
	assert_int_equal(e.crypto->sign(e.state, key, &part, 1, s.rs), 0);
	assert_int_equal(
	    e.crypto->verify(e.state, key->public_key, &part, 1, s.rs), 0);
	jz_openssl_free(&e);
	return s;
}

static struct jz_key_pair
make_key(void)
{
	struct jz_key_pair key;
	struct jz_engine e;

	assert_int_equal(jz_openssl_new(test_suite(), &e), 0);
	assert_int_equal(e.crypto->generate(e.state, &key), 0);
	jz_openssl_free(&e);
	return key;
}

static void
test_an_engine_at_one_position_signs_with_other_nonces(void **state)
{
	static const char *const messages[MESSAGES] = {
	    "pay 1", "pay 2", "pay 10000", ""};
	struct jz_key_pair key = make_key(), other = make_key();
	struct signature s[MESSAGES], again;

	(void)state;
	for (unsigned i = 0; i < MESSAGES; i++)
		s[i] = sign_text(&key, messages[i]);
	/* It was one position: the same message has the same signature. */
	again = sign_text(&key, messages[0]);
	assert_memory_equal(&s[0], &again, sizeof(again));
	for (unsigned i = 0; i < MESSAGES; i++)
		for (unsigned k = 0; k < i; k++) {
			assert_memory_not_equal(s[i].rs, s[k].rs, HALF);
			assert_false(gives_away(key.private_key, &s[i], &s[k]));
		}
	/* Nor is the nonce the other key's. */
	again = sign_text(&other, messages[0]);
	assert_memory_not_equal(again.rs, s[0].rs, HALF);
}

/* OpenSSL hedges ECDSA and not SM2: why we have to. */
static void
test_openssl_alone_gives_an_sm2_key_away(void **state)
{
	struct jz_key_pair key = make_key();
	struct signature a = sign_text(&key, "pay 1");
	struct signature b = sign_text(&key, "pay 2");

	(void)state;
	assert_false(gives_away(key.private_key, &a, &b));
	a = sign_unhedged(&key, a.z);
	b = sign_unhedged(&key, b.z);
	assert_int_equal(
	    gives_away(key.private_key, &a, &b), test_suite() == JZ_SUITE_GM);
}

/* ---- the card ----------------------------------------------------------- */

struct lives {
	uint8_t private_key[JZ_PRIVATE_BYTES];
	struct signature life[2];
	uint8_t image[2][32]; /* where the lives part */
};

/*
 * A card that asks for a load of this amount: the first signature after the
 * moment to which it is set back.  Everything before is the same in each life,
 * to the byte, and so is the randomness after.
 */
static void
ask_for_load(const struct jz_crypto *crypto, uint32_t amount,
    struct lives *lives, unsigned life)
{
	struct profile p = profile_of("CN00000000700001");
	struct blob data = load_of(amount);
	struct rig rig = seeded_rig(3);
	struct jz_message m;
	struct rig_card *c;
	struct answer a;

	if (crypto != NULL)
		rig.engine.crypto = crypto;
	rig.bank.engine = rig.engine;
	c = rig_purse_new(&rig, &p);
	memcpy(lives->private_key, rig_purse(c)->key.private_key,
	    JZ_PRIVATE_BYTES);
	assert_int_equal(port_verify(&c->port, PIN), JZ_SW_OK);
	rig_hash(c, lives->image[life]);
	rig_accepts(c, AT_INITIALIZE, blob_span(&data), &a);
	m = bank_read_load_request(
	    &rig.bank, &c->port, &a, lives->life[life].z);
	memcpy(lives->life[life].rs, m.signature, JZ_SIG_BYTES);
	rig_card_free(&c);
	rig_free(&rig);
}

static struct lives
two_lives(const struct jz_crypto *crypto)
{
	struct lives l;

	ask_for_load(crypto, 1000, &l, 0);
	ask_for_load(crypto, 2000, &l, 1);
	assert_memory_equal(l.image[0], l.image[1], 32);
	assert_memory_not_equal(l.life[0].z, l.life[1].z, JZ_HASH_BYTES);
	return l;
}

static void
test_a_card_set_back_with_its_randomness_keeps_its_key(void **state)
{
	struct lives l = two_lives(NULL);

	(void)state;
	assert_memory_not_equal(l.life[0].rs, l.life[1].rs, HALF);
	assert_false(gives_away(l.private_key, &l.life[0], &l.life[1]));
}

/* The attack works, or the test above would say nothing. */
static void
test_a_card_whose_nonces_repeat_gives_its_key_away(void **state)
{
	struct rig rig = seeded_rig(1);
	struct jz_crypto broken;
	struct lives l;

	(void)state;
	whole = rig.engine.crypto;
	broken = *whole;
	broken.sign = bare_sign;
	l = two_lives(&broken);
	assert_true(gives_away(l.private_key, &l.life[0], &l.life[1]));
	rig_free(&rig);
}

/* jz_card_rewind, on a card that lives on with its engine. */
static void
test_a_rewound_card_signs_with_other_nonces(void **state)
{
	struct profile p = profile_of("CN00000000700001");
	struct rig rig = seeded_rig(4);
	struct rig_card *c = rig_purse_new(&rig, &p);
	struct signature s[2];
	void *snapshot = malloc(jz_card_snapshot_bytes(&c->card));

	(void)state;
	assert_non_null(snapshot);
	assert_int_equal(port_verify(&c->port, PIN), JZ_SW_OK);
	jz_card_save(&c->card, snapshot);
	for (unsigned i = 0; i < 2; i++) {
		struct blob data = load_of(1000 + i);
		struct jz_message m;
		struct answer a;

		assert_int_equal(jz_card_rewind(&c->card, snapshot), 0);
		rig_accepts(c, AT_INITIALIZE, blob_span(&data), &a);
		m = bank_read_load_request(&rig.bank, &c->port, &a, s[i].z);
		memcpy(s[i].rs, m.signature, JZ_SIG_BYTES);
	}
	assert_memory_not_equal(s[0].rs, s[1].rs, HALF);
	assert_false(gives_away(rig_purse(c)->key.private_key, &s[0], &s[1]));
	free(snapshot);
	rig_card_free(&c);
	rig_free(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_same_seed_and_script_give_the_same_bytes),
	    cmocka_unit_test(
		test_an_engine_at_one_position_signs_with_other_nonces),
	    cmocka_unit_test(test_openssl_alone_gives_an_sm2_key_away),
	    cmocka_unit_test(
		test_a_card_set_back_with_its_randomness_keeps_its_key),
	    cmocka_unit_test(
		test_a_card_whose_nonces_repeat_gives_its_key_away),
	    cmocka_unit_test(test_a_rewound_card_signs_with_other_nonces),
	};

	return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
