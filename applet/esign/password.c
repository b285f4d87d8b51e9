/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The joint password (JPS-1): each character by rejection, so that no one is
 * likelier than another.
 */
#include "esign.h"
#include "../../keys/secret.h"

#include <string.h>

/* The rarest alphabet takes more than half of all bytes. */
#define BLOCK_BYTES 32
#define BLOCKS_MAX  64

static const char DIGITS[] = "0123456789";
static const char SMALL[] = "abcdefghijklmnopqrstuvwxyz";
static const char CAPITALS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/* No blank, no quotation mark, no backslash: people type it. */
static const char SYMBOLS[] = "!#$%&()*+-./:;<=>?@[]^_{|}~";

static const struct set {
	uint8_t bit;
	uint8_t n;
	const char *characters;
} SETS[] = {
    {JZ_ALPHABET_DIGITS, sizeof(DIGITS) - 1, DIGITS},
    {JZ_ALPHABET_SMALL, sizeof(SMALL) - 1, SMALL},
    {JZ_ALPHABET_CAPITALS, sizeof(CAPITALS) - 1, CAPITALS},
    {JZ_ALPHABET_SYMBOLS, sizeof(SYMBOLS) - 1, SYMBOLS},
};
#define SETS_COUNT   (sizeof(SETS) / sizeof(SETS[0]))
#define ALPHABET_ALL ((1u << SETS_COUNT) - 1)

unsigned
esign_alphabet(uint8_t alphabet)
{
	unsigned n = 0;

	if (alphabet > ALPHABET_ALL)
		return 0;
	for (size_t i = 0; i < SETS_COUNT; i++)
		if ((alphabet & SETS[i].bit) != 0)
			n += SETS[i].n;
	return n;
}

uint8_t
esign_choose(uint8_t alphabet, uint8_t random)
{
	unsigned n = esign_alphabet(alphabet), index;

	/* Above the last whole multiple of n the first ones would be
	 * likelier. */
	if (n == 0 || random >= 256 - 256 % n)
		return 0;
	index = random % n;
	for (size_t i = 0; i < SETS_COUNT; i++) {
		if ((alphabet & SETS[i].bit) == 0)
			continue;
		if (index < SETS[i].n)
			return (uint8_t)SETS[i].characters[index];
		index -= SETS[i].n;
	}
	return 0;
}

bool
esign_strong(uint8_t alphabet, unsigned length, bool guessable)
{
	unsigned n = esign_alphabet(alphabet);
	uint64_t choices = 1;
	bool more = false; /* than 64 bits can say */

	if (n == 0)
		return false;
	for (unsigned i = 0; i < length && !more; i++) {
		more = choices > UINT64_MAX / n;
		choices *= n;
	}
	return more || (!guessable && choices >= JZ_JOINT_CHOICES_MIN);
}

int
esign_draw(
    struct jz_applet *self, uint8_t alphabet, uint8_t *out, unsigned length)
{
	uint8_t block[BLOCK_BYTES];
	unsigned n = 0;
	int err = 0;

	for (unsigned i = 0; i < BLOCKS_MAX && n < length && err == 0; i++) {
		err = jz_card_random(self, block, sizeof(block));
		for (size_t k = 0; k < sizeof(block) && n < length; k++) {
			out[n] = esign_choose(alphabet, block[k]);
			n += out[n] != 0 ? 1u : 0u;
		}
	}
	jz_wipe(block, sizeof(block));
	if (err == 0 && n < length)
		err = JZ_ERR_CRYPTO;
	if (err != 0)
		jz_wipe(out, length);
	return err;
}
