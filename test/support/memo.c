/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The remembering engine: a table from the hash of what was asked to what was
 * answered, errors included.
 */
#include "memo.h"
#include "../../apdu/error.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS	  65536u /* a power of two */
#define SLOTS_MAX (SLOTS - SLOTS / 4)
#define PARTS_MAX 8u
#define OUT_MAX	  JZ_PUBLIC_BYTES_EC

enum operation {
	OP_DERIVE = 1,
	OP_SIGN,
	OP_VERIFY,
	OP_AGREE,
};

struct slot {
	bool used;
	int result;
	uint8_t asked[JZ_HASH_BYTES];
	uint8_t out[OUT_MAX];
};

struct memo {
	struct jz_engine under;
	struct jz_crypto table;
	uint64_t position;
	size_t n;
	struct slot spare; /* when the table is full */
	struct slot slot[SLOTS];
};

/*
 * The slot for what is asked: filled before, or free.  A full table keeps what
 * it has: a test's snapshots stand on it.
 */
static struct slot *
find(struct memo *m, const uint8_t asked[static JZ_HASH_BYTES])
{
	size_t at = (size_t)jz_get_be(asked, 8) % SLOTS;

	while (m->slot[at].used &&
	    memcmp(m->slot[at].asked, asked, JZ_HASH_BYTES) != 0)
		at = (at + 1) % SLOTS; /* ends: a quarter is free */
	if (m->slot[at].used || m->n < SLOTS_MAX)
		return &m->slot[at];
	m->spare.used = false;
	return &m->spare;
}

/* NULL when the question cannot be hashed; then nothing is remembered. */
static struct slot *
ask(struct memo *m, enum operation op, struct jz_span a, struct jz_span b,
    const struct jz_span *parts, size_t n)
{
	uint8_t tag = (uint8_t)op;
	struct jz_span all[PARTS_MAX + 3] = {jz_span(&tag, 1), a, b};
	uint8_t asked[JZ_HASH_BYTES];
	struct slot *s;

	if (n > PARTS_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++)
		all[i + 3] = parts[i];
	if (m->under.crypto->hash(m->under.state, all, n + 3, asked) != 0)
		return NULL;
	s = find(m, asked);
	memcpy(s->asked, asked, sizeof(asked));
	return s;
}

static int
keep(struct memo *m, struct slot *s, int result)
{
	s->used = true;
	s->result = result;
	m->n += s != &m->spare;
	return result;
}

static int
memo_random(void *state, uint8_t *out, size_t len)
{
	static const char seed[] = "jiaozi test";
	struct memo *m = state;
	uint8_t block[JZ_HASH_BYTES], at[8];
	const struct jz_span in[] = {
	    jz_span(seed, sizeof(seed)), jz_span(at, sizeof(at))};
	int e;

	while (len > 0) {
		size_t n = len < sizeof(block) ? len : sizeof(block);

		jz_set_be(at, sizeof(at), m->position++);
		e = m->under.crypto->hash(m->under.state, in, 2, block);
		if (e != 0)
			return e;
		memcpy(out, block, n);
		out += n;
		len -= n;
	}
	return 0;
}

static int
memo_hash(void *state, const struct jz_span *parts, size_t n,
    uint8_t out[static JZ_HASH_BYTES])
{
	struct memo *m = state;

	return m->under.crypto->hash(m->under.state, parts, n, out);
}

static int
memo_derive(void *state, const uint8_t private_key[static JZ_PRIVATE_BYTES],
    uint8_t public_key[static JZ_PUBLIC_BYTES_EC])
{
	struct memo *m = state;
	const struct jz_span none = jz_span(NULL, 0);
	struct slot *s = ask(m, OP_DERIVE,
	    jz_span(private_key, JZ_PRIVATE_BYTES), none, NULL, 0);

	if (s == NULL)
		return JZ_ERR_CRYPTO;
	if (!s->used)
		keep(m, s,
		    m->under.crypto->derive_public(
			m->under.state, private_key, s->out));
	memcpy(public_key, s->out, JZ_PUBLIC_BYTES_EC);
	return s->result;
}

static int
memo_generate(void *state, struct jz_key_pair *out)
{
	int e = memo_random(state, out->private_key, JZ_PRIVATE_BYTES);

	/* Below the order of either suite's curve. */
	out->private_key[0] &= 0x7F;
	return e != 0 ? e
		      : memo_derive(state, out->private_key, out->public_key);
}

static int
memo_sign(void *state, const struct jz_key_pair *key,
    const struct jz_span *parts, size_t n, uint8_t out[static JZ_SIG_BYTES])
{
	struct memo *m = state;
	struct slot *s =
	    ask(m, OP_SIGN, jz_span(key->private_key, JZ_PRIVATE_BYTES),
		jz_span(key->public_key, JZ_PUBLIC_BYTES_EC), parts, n);

	if (s == NULL)
		return JZ_ERR_CRYPTO;
	if (!s->used)
		keep(m, s,
		    m->under.crypto->sign(
			m->under.state, key, parts, n, s->out));
	memcpy(out, s->out, JZ_SIG_BYTES);
	return s->result;
}

static int
memo_verify(void *state, const uint8_t public_key[static JZ_PUBLIC_BYTES_EC],
    const struct jz_span *parts, size_t n,
    const uint8_t sig[static JZ_SIG_BYTES])
{
	struct memo *m = state;
	struct slot *s =
	    ask(m, OP_VERIFY, jz_span(public_key, JZ_PUBLIC_BYTES_EC),
		jz_span(sig, JZ_SIG_BYTES), parts, n);

	if (s == NULL)
		return JZ_ERR_CRYPTO;
	if (!s->used)
		keep(m, s,
		    m->under.crypto->verify(
			m->under.state, public_key, parts, n, sig));
	return s->result;
}

static int
memo_agree(void *state, const uint8_t private_key[static JZ_PRIVATE_BYTES],
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC], uint8_t out[static 32])
{
	struct memo *m = state;
	struct slot *s =
	    ask(m, OP_AGREE, jz_span(private_key, JZ_PRIVATE_BYTES),
		jz_span(public_key, JZ_PUBLIC_BYTES_EC), NULL, 0);

	if (s == NULL)
		return JZ_ERR_CRYPTO;
	if (!s->used)
		keep(m, s,
		    m->under.crypto->agree(
			m->under.state, private_key, public_key, s->out));
	memcpy(out, s->out, 32);
	return s->result;
}

static int
memo_cmac(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const struct jz_span *parts, size_t n, uint8_t out[static JZ_KEY_BYTES])
{
	struct memo *m = state;

	return m->under.crypto->cmac(m->under.state, key, parts, n, out);
}

static int
memo_cbc(void *state, bool encrypt, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t iv[static JZ_KEY_BYTES], const uint8_t *in, uint8_t *out,
    size_t len)
{
	struct memo *m = state;

	return m->under.crypto->cbc(
	    m->under.state, encrypt, key, iv, in, out, len);
}

static int
memo_aes_cmac(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const struct jz_span *parts, size_t n, uint8_t out[static JZ_KEY_BYTES])
{
	struct memo *m = state;

	return m->under.crypto->aes_cmac(m->under.state, key, parts, n, out);
}

static int
memo_aes_cbc(void *state, bool encrypt, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t iv[static JZ_KEY_BYTES], const uint8_t *in, uint8_t *out,
    size_t len)
{
	struct memo *m = state;

	return m->under.crypto->aes_cbc(
	    m->under.state, encrypt, key, iv, in, out, len);
}

static int
memo_seal(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t nonce[static JZ_SEAL_NONCE_BYTES], struct jz_span aad,
    const uint8_t *in, size_t len, uint8_t *out)
{
	struct memo *m = state;

	return m->under.crypto->seal(
	    m->under.state, key, nonce, aad, in, len, out);
}

static int
memo_open(void *state, const uint8_t key[static JZ_KEY_BYTES],
    const uint8_t nonce[static JZ_SEAL_NONCE_BYTES], struct jz_span aad,
    const uint8_t *in, size_t len, uint8_t *out)
{
	struct memo *m = state;

	return m->under.crypto->open(
	    m->under.state, key, nonce, aad, in, len, out);
}

int
memo_new(const struct jz_engine *under, struct memo **out)
{
	struct memo *m = calloc(1, sizeof(*m));

	*out = m;
	if (m == NULL)
		return JZ_ERR_MEMORY;
	m->under = *under;
	m->table = *under->crypto; /* suite, name, OID */
	m->table.random = memo_random;
	m->table.hash = memo_hash;
	m->table.generate = memo_generate;
	m->table.derive_public = memo_derive;
	m->table.sign = memo_sign;
	m->table.verify = memo_verify;
	m->table.agree = memo_agree;
	m->table.cmac = memo_cmac;
	m->table.cbc = memo_cbc;
	m->table.seal = memo_seal;
	m->table.open = memo_open;
	m->table.aes_cmac = memo_aes_cmac;
	m->table.aes_cbc = memo_aes_cbc;
	return 0;
}

void
memo_free(struct memo **m)
{
	free(*m);
	*m = NULL;
}

struct jz_engine
memo_engine(struct memo *m)
{
	return (struct jz_engine){&m->table, m};
}

uint64_t
memo_position(const struct memo *m)
{
	return m->position;
}

void
memo_rewind(struct memo *m, uint64_t position)
{
	m->position = position;
}
