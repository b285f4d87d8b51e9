/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command of a secure channel that protects everything (SCP03, level 33),
 * from the host's session to a card in this process and back, against the
 * cryptography of it alone on both sides.
 */
#include "bench.h"
#include "world.h"

#include <string.h>

#include "../../apdu/error.h"
#include "../../host/gp.h"
#include "../../keys/openssl/openssl.h"

#define TEST_KEY 0x40 /* 40..4F: of a new card */
#define BLOCK	 JZ_KEY_BYTES

/*
 * GET STATUS of the domain: two bytes of data, one entry of 21 to 32 bytes in
 * the answer.
 */
#define COMMAND_BYTES BLOCK	  /* padded */
#define ANSWER_BYTES  (2 * BLOCK) /* padded */
#define COMMAND_MACED (BLOCK + 5 + COMMAND_BYTES)
#define ANSWER_MACED  (BLOCK + ANSWER_BYTES + 2)

struct talking {
	struct jz_reader *reader;
	struct jz_session session;
	struct jz_gp gp;
	struct jz_engine host, card;
	uint8_t enc[BLOCK], mac[BLOCK], rmac[BLOCK];
};

static int
send_ours(void *arg)
{
	static const uint8_t all[] = {0x4F, 0x00};
	struct talking *t = arg;
	const struct jz_command c = {.cla = 0x80,
	    .ins = 0xF2,
	    .p1 = 0x80,
	    .p2 = 0x02,
	    .data = jz_span(all, sizeof(all)),
	    .has_le = true,
	    .ne = 256};
	struct jz_answer answer;

	return jz_gp_command(&t->gp, &c, &answer);
}

/* One side's share of a message: an initial vector, the blocks, the MAC. */
static int
protect(const struct jz_engine *e, bool encrypt, const struct talking *t,
    const uint8_t *mac_key, size_t bytes, size_t maced)
{
	static const uint8_t zero[BLOCK];
	uint8_t text[ANSWER_MACED] = {0}, iv[BLOCK] = {0}, mac[BLOCK];
	const struct jz_span part = jz_span(text, maced);
	int err =
	    e->crypto->cbc(e->state, true, t->enc, zero, iv, iv, sizeof(iv));

	if (err == 0)
		err = e->crypto->cbc(
		    e->state, encrypt, t->enc, iv, text, text, bytes);
	if (err == 0)
		err = e->crypto->cmac(e->state, mac_key, &part, 1, mac);
	return err;
}

static int
send_least(void *arg)
{
	struct talking *t = arg;
	int e;

	if ((e = protect(&t->host, true, t, t->mac, COMMAND_BYTES,
		 COMMAND_MACED)) != 0 ||
	    (e = protect(&t->card, false, t, t->mac, COMMAND_BYTES,
		 COMMAND_MACED)) != 0 ||
	    (e = protect(
		 &t->card, true, t, t->rmac, ANSWER_BYTES, ANSWER_MACED)) != 0)
		return e;
	return protect(&t->host, false, t, t->rmac, ANSWER_BYTES, ANSWER_MACED);
}

static int
log_in(struct talking *t)
{
	const struct jz_virtual_options o = {.compact = true};
	struct jz_scp03_keys keys;
	struct jz_virtual *v = NULL;
	int e;

	for (uint8_t i = 0; i < JZ_KEY_BYTES; i++)
		keys.enc[i] = keys.mac[i] = keys.dek[i] =
		    (uint8_t)(TEST_KEY + i);
	if ((e = jz_virtual_create(&o, &v)) != 0 ||
	    (e = jz_reader_take_virtual(&v, &t->reader)) != 0)
		return e;
	jz_session_init(&t->session, t->reader);
	jz_gp_init(&t->gp, &t->session, &t->host);
	if ((e = jz_gp_select(&t->gp, NULL)) != 0)
		return e;
	return jz_gp_open(&t->gp, &keys, 0, JZ_GP_LEVEL_ALL);
}

int
bench_channel(struct bench *b, struct world *w)
{
	struct talking t = {.enc = {1}, .mac = {2}, .rmac = {3}};
	const struct bench_case what = {"GET STATUS by SCP03, level 33",
	    "both sides' 4 MACs, 4 initial vectors, 4 encryptions", send_ours,
	    send_least, &t, 0, NULL, 0, BENCH_CPU};
	int e = jz_openssl_new(JZ_SUITE_NIST, &t.host);

	(void)w;
	if (e == 0)
		e = jz_openssl_new(JZ_SUITE_NIST, &t.card);
	if (e == 0)
		e = log_in(&t);
	if (e == 0)
		e = bench_run(b, &what);
	jz_gp_close(&t.gp);
	jz_reader_free(&t.reader);
	jz_openssl_free(&t.card);
	jz_openssl_free(&t.host);
	return e;
}
