/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One command in this process, against handing out the same answer; and
 * opening a card file, against reading it and deciphering as many bytes.
 */
#include "bench.h"
#include "world.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../../apdu/error.h"
#include "../../apdu/status.h"
#include "../../keys/openssl/openssl.h"

#define ANSWER_MAX 512u
#define FILE_MAX   (64u * 1024u)

static const uint8_t GET_BALANCE[] = {0x80, 0x5C, 0x00, 0x02, 0x04};
static const uint8_t SELECT[] = {0x00, 0xA4, 0x04, 0x00, JZ_AID_PURSE_BYTES,
    0xF0, 'J', 'I', 'A', 'O', 'Z', 'I', 0x01, 0x00};

/* ---- a command ---------------------------------------------------------- */

typedef size_t process_fn(void *card, const uint8_t *cmd, size_t cmd_len,
    uint8_t *rsp, size_t rsp_cap);

struct command {
	struct jz_virtual *card;
	const uint8_t *bytes;
	size_t len;
	uint8_t answer[ANSWER_MAX];
	size_t answer_len;
	process_fn *volatile copy; /* not to be seen through */
};

static int
command_ours(void *arg)
{
	struct command *c = arg;
	uint8_t rsp[ANSWER_MAX];
	size_t n =
	    jz_virtual_process(c->card, c->bytes, c->len, rsp, sizeof(rsp));

	return n == c->answer_len ? 0 : JZ_ERR_INTERNAL;
}

static size_t
copy_answer(void *card, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp,
    size_t rsp_cap)
{
	const struct command *c = card;

	(void)cmd;
	(void)cmd_len;
	(void)rsp_cap;
	memcpy(rsp, c->answer, c->answer_len);
	return c->answer_len;
}

static int
command_least(void *arg)
{
	struct command *c = arg;
	uint8_t rsp[ANSWER_MAX];
	size_t n = c->copy(c, c->bytes, c->len, rsp, sizeof(rsp));

	return n == c->answer_len ? 0 : JZ_ERR_INTERNAL;
}

/* A command that the card must take; its answer is the floor's. */
static int
bench_command(struct bench *b, const char *name, struct jz_virtual *card,
    const uint8_t *bytes, size_t len)
{
	struct command c = {
	    .card = card, .bytes = bytes, .len = len, .copy = copy_answer};
	const struct bench_case what = {name,
	    "the same answer copied through a function pointer", command_ours,
	    command_least, &c, 0, NULL, 0, BENCH_CPU};
	size_t n;

	c.answer_len =
	    jz_virtual_process(card, bytes, len, c.answer, sizeof(c.answer));
	n = c.answer_len;
	if (n < 2 || c.answer[n - 2] != JZ_SW_OK >> 8 || c.answer[n - 1] != 0)
		return JZ_ERR_STATUS;
	return bench_run(b, &what);
}

/* ---- opening a file ----------------------------------------------------- */

struct opening {
	struct jz_virtual_options options;
	struct jz_engine engine;
	char key_path[WORLD_PATH_MAX];
	size_t len; /* of the card's file */
	uint8_t sealed[FILE_MAX + JZ_SEAL_TAG_BYTES];
};

static int
open_ours(void *arg)
{
	struct opening *o = arg;
	struct jz_virtual *card = NULL;
	int e = jz_virtual_open(&o->options, &card);

	jz_virtual_free(&card);
	return e;
}

static int
read_file(const char *path, uint8_t *out, size_t cap, size_t *len)
{
	FILE *f = fopen(path, "rb");

	if (f == NULL)
		return JZ_ERR_SYSTEM;
	*len = fread(out, 1, cap, f);
	return fclose(f) == 0 && *len > 0 && *len < cap ? 0 : JZ_ERR_SYSTEM;
}

static int
open_least(void *arg)
{
	static const uint8_t key[JZ_KEY_BYTES], nonce[JZ_SEAL_NONCE_BYTES];
	struct opening *o = arg;
	uint8_t bytes[FILE_MAX], secret[ANSWER_MAX];
	size_t n;
	int e = read_file(o->key_path, secret, sizeof(secret), &n);

	if (e == 0)
		e = read_file(o->options.path, bytes, sizeof(bytes), &n);
	if (e == 0)
		e = o->engine.crypto->open(o->engine.state, key, nonce,
		    jz_span(NULL, 0), o->sealed, o->len + JZ_SEAL_TAG_BYTES,
		    bytes);
	return e;
}

/* Fills what open_least() deciphers: as many bytes as the file has. */
static int
prepare_least(struct opening *o)
{
	static const uint8_t key[JZ_KEY_BYTES], nonce[JZ_SEAL_NONCE_BYTES];
	int e = jz_openssl_new(JZ_SUITE_NIST, &o->engine);

	if (e == 0)
		e = read_file(o->options.path, o->sealed, FILE_MAX, &o->len);
	if (e == 0)
		e = o->engine.crypto->seal(o->engine.state, key, nonce,
		    jz_span(NULL, 0), o->sealed, o->len, o->sealed);
	return e;
}

static int
bench_open(struct bench *b, struct world *w)
{
	char path[WORLD_PATH_MAX];
	struct opening o = {.options = {.path = path}};
	const struct bench_case what = {"open a personalised card file",
	    "both files read, as many bytes deciphered and authenticated",
	    open_ours, open_least, &o, 0, NULL, 0, BENCH_WALL};
	struct world_card card = {0};
	struct jz_virtual *made = NULL;
	int e;

	world_path(w, "bench.card", path);
	world_path(w, "bench.card.key", o.key_path);
	e = jz_virtual_create(&o.options, &made);
	if (e == 0)
		e = world_card(w, &made, &card);
	world_card_free(&card);
	if (e == 0)
		e = prepare_least(&o);
	if (e == 0)
		e = bench_run(b, &what);
	jz_openssl_free(&o.engine);
	return e;
}

int
bench_card(struct bench *b, struct world *w)
{
	char path[WORLD_PATH_MAX];
	const struct jz_virtual_options options = {.path = path};
	struct jz_virtual *card = NULL;
	uint8_t rsp[ANSWER_MAX];
	int e = bench_open(b, w);

	/* The card of the file that bench_open() has made. */
	world_path(w, "bench.card", path);
	if (e == 0)
		e = jz_virtual_open(&options, &card);
	if (e == 0) {
		(void)jz_virtual_process(
		    card, SELECT, sizeof(SELECT), rsp, sizeof(rsp));
		e = bench_command(b, "GET BALANCE, in process", card,
		    GET_BALANCE, sizeof(GET_BALANCE));
	}
	if (e == 0)
		e = bench_command(b, "SELECT, the purse deselected", card,
		    SELECT, sizeof(SELECT));
	jz_virtual_free(&card);
	return e;
}
