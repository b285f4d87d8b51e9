/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card's random generator: hash-based, in the manner of NIST SP 800-90A
 * (10.1.1), with one key K of 32 bytes for a state.  H is the suite's hash, P
 * the persisted state (root.generator), and a text stands for its bytes.
 *
 *   entropy  64 bytes of the engine's random(), tested
 *   start    K = H("jz start" || K || entropy), 16 times, from K = 0
 *   seed     K = H("jz seed " || K || P || entropy)
 *            P = H("jz keep " || K), made durable before
 *            K = H("jz work " || K), which is used
 *   draw     K = H("jz mix  " || K || entropy)
 *            bytes H("jz out  " || K || i), i = 0, 1, … in four bytes
 *            K = H("jz next " || K)
 *   salt     H("jz salt " || K || entropy): of the log, and P of a new card
 *   fork     P = H("jz fork " || K || P || entropy)
 *
 * Start comes before all else in a power session, seed within the first draw:
 * opening a card draws and writes nothing, and one write a session is all that
 * randomness costs.  P makes a session's bytes differ from those of all
 * sessions before, whatever the source does; each draw's entropy makes those of
 * two copies of a running card differ; "next" keeps what was drawn from whoever
 * reads the memory later.
 *
 * Health tests (SP 800-90B 4.4), over bytes, alpha 2^-40, from a source that
 * shall have 6 bits of entropy in a byte, and shall have 8: repetition count,
 * cut off at 8; adaptive proportion, 35 in a window of 512; start-up (4.3), both
 * over 1024 bytes.  And no 64 bytes begin as the 64 before them.  What fails, or
 * an engine that cannot answer, leaves the card mute (6F00) until it is opened
 * again.
 *
 * The engine's generate() and sign() draw from the engine itself, which on a
 * chip is the coprocessor.  OpenSSL's ECDSA hedges its nonce with private key
 * and digest: keys/openssl/signature.c.
 */
#include "internal.h"
#include "../../keys/secret.h"

#include <string.h>

#define ENTROPY_BYTES	64u
#define START_ROUNDS	16u /* 1024 bytes */
#define LABEL_BYTES	8u
#define REPETITIONS	8u
#define WINDOW		512u
#define PROPORTION	35u
#define OF_GENERATOR(c) jz_span(jz_root(c)->generator, JZ_GENERATOR_BYTES)

_Static_assert(JZ_GENERATOR_BYTES == JZ_HASH_BYTES, "K and P are hashes");
_Static_assert(START_ROUNDS *ENTROPY_BYTES >= 1024, "SP 800-90B 4.3");
_Static_assert(sizeof(struct jz_generator) <= 64, "small in a card");

enum {
	OFF, /* nothing drawn in this power session */
	TESTED,
	SEEDED,
	FAILED,
};

/* The card says nothing any more. */
static int
fail(struct jz_card *card)
{
	jz_wipe(&card->generator, sizeof(card->generator));
	card->generator.state = FAILED;
	card->dead = true;
	return JZ_ERR_CRYPTO;
}

bool
jz_generator_failed(const struct jz_card *card)
{
	return card->generator.state == FAILED;
}

/* ---- health ------------------------------------------------------------- */

static bool
repetition_count(struct jz_generator *g, uint8_t sample)
{
	g->run = g->run > 0 && sample == g->repeated ? g->run + 1 : 1;
	g->repeated = sample;
	return g->run < REPETITIONS;
}

static bool
adaptive_proportion(struct jz_generator *g, uint8_t sample)
{
	if (g->seen == 0) {
		g->counted = sample;
		g->same = 0;
	}
	g->same = (uint16_t)(g->same + (sample == g->counted ? 1u : 0u));
	g->seen = (uint16_t)((g->seen + 1u) % WINDOW);
	return g->same < PROPORTION;
}

static bool
healthy(struct jz_generator *g, const uint8_t sample[static ENTROPY_BYTES])
{
	bool good = !jz_equal_secret(g->before, sample, sizeof(g->before));

	for (unsigned i = 0; i < ENTROPY_BYTES; i++) {
		good = repetition_count(g, sample[i]) && good;
		good = adaptive_proportion(g, sample[i]) && good;
	}
	memcpy(g->before, sample, sizeof(g->before));
	return good;
}

/* ---- the state ---------------------------------------------------------- */

/* out = H(label || K || a || b); out may be K. */
static int
derive(struct jz_card *card, const char label[static LABEL_BYTES],
    struct jz_span a, struct jz_span b, uint8_t out[static JZ_HASH_BYTES])
{
	const struct jz_engine *e = &card->setup.engine;
	const struct jz_span in[] = {jz_span(label, LABEL_BYTES),
	    jz_span(card->generator.key, sizeof(card->generator.key)), a, b};
	uint8_t hash[JZ_HASH_BYTES];
	int err = e->crypto->hash(e->state, in, 4, hash);

	if (err == 0)
		memcpy(out, hash, sizeof(hash));
	jz_wipe(hash, sizeof(hash));
	return err;
}

static int
draw(struct jz_card *card, uint8_t out[static ENTROPY_BYTES])
{
	const struct jz_engine *e = &card->setup.engine;
	int err = e->crypto->random(e->state, out, ENTROPY_BYTES);

	return err == 0 && !healthy(&card->generator, out) ? JZ_ERR_CRYPTO
							   : err;
}

/* out = H(label || K || a || entropy), after the start if there was none. */
static int
take_up(struct jz_card *card, const char label[static LABEL_BYTES],
    struct jz_span a, uint8_t out[static JZ_HASH_BYTES])
{
	const struct jz_span none = jz_span(NULL, 0);
	struct jz_generator *g = &card->generator;
	uint8_t entropy[ENTROPY_BYTES];
	int e = 0;

	for (unsigned i = 0; i < START_ROUNDS && g->state == OFF && e == 0;
	     i++) {
		if ((e = draw(card, entropy)) == 0)
			e = derive(card, "jz start",
			    jz_span(entropy, sizeof(entropy)), none, g->key);
	}
	if (e == 0 && g->state == OFF)
		g->state = TESTED;
	if (e == 0 && (e = draw(card, entropy)) == 0)
		e = derive(
		    card, label, a, jz_span(entropy, sizeof(entropy)), out);
	jz_wipe(entropy, sizeof(entropy));
	return e;
}

/* Once a power session.  The state to come is durable before it is used. */
static int
seed(struct jz_card *card)
{
	const struct jz_span none = jz_span(NULL, 0);
	struct jz_generator *g = &card->generator;
	uint8_t keep[JZ_GENERATOR_BYTES];
	int e;

	if (g->state == SEEDED)
		return 0;
	if (take_up(card, "jz seed ", OF_GENERATOR(card), g->key) != 0 ||
	    derive(card, "jz keep ", none, none, keep) != 0 ||
	    derive(card, "jz work ", none, none, g->key) != 0)
		e = fail(card);
	else
		e = jz_card_write_beside(
		    card, jz_root(card)->generator, keep, sizeof(keep));
	if (e == 0)
		g->state = SEEDED;
	jz_wipe(keep, sizeof(keep));
	return e;
}

int
jz_generator_salt(void *arg, uint8_t *out, size_t len)
{
	struct jz_card *card = arg;
	uint8_t salt[JZ_HASH_BYTES];
	int e;

	if (len > sizeof(salt))
		return JZ_ERR_ARGUMENT;
	e = take_up(card, "jz salt ", jz_span(NULL, 0), salt);
	if (e != 0)
		return fail(card);
	memcpy(out, salt, len);
	return 0;
}

int
jz_generator_fork(struct jz_card *card)
{
	struct jz_nvm_root *root =
	    (struct jz_nvm_root *)(void *)card->setup.nvm;

	return take_up(card, "jz fork ", OF_GENERATOR(card), root->generator) ==
		0
	    ? 0
	    : fail(card);
}

/* ---- drawing ------------------------------------------------------------ */

static int
put_blocks(struct jz_card *card, uint8_t *out, size_t len)
{
	const struct jz_span none = jz_span(NULL, 0);
	uint8_t block[JZ_HASH_BYTES], at[4];
	int e = 0;

	for (uint32_t i = 0; len > 0 && e == 0; i++) {
		size_t n = len < sizeof(block) ? len : sizeof(block);

		jz_set_be(at, sizeof(at), i);
		e = derive(
		    card, "jz out  ", jz_span(at, sizeof(at)), none, block);
		if (e == 0)
			memcpy(out, block, n);
		out += n;
		len -= n;
	}
	jz_wipe(block, sizeof(block));
	return e;
}

int
jz_card_random(const struct jz_applet *self, void *out, size_t len)
{
	const struct jz_span none = jz_span(NULL, 0);
	struct jz_card *card = self->card;
	uint8_t *key = card->generator.key;
	int e = card->dead ? JZ_ERR_CARD_DEAD : 0;

	if (!jz_may_write(self, out, len))
		return jz_refuse_call(self);
	jz_runtime_open(card);
	if (e == 0)
		e = seed(card);
	jz_runtime_close(card);
	if (e == 0 &&
	    (take_up(card, "jz mix  ", none, key) != 0 ||
		put_blocks(card, out, len) != 0 ||
		derive(card, "jz next ", none, none, key) != 0))
		e = fail(card);
	if (e != 0)
		jz_wipe(out, len);
	return e;
}
