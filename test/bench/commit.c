/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A committed update: four bytes of an applet's persistent memory, written by
 * jz_write(), which returns when they are durable.
 *
 * In memory, against the two copies that any roll back needs.  In a file,
 * against the append of as many bytes and fdatasync() alone, on a file of its
 * own that begins anew when it is as long as ours gets; and against the same
 * with the record's authenticated encryption, which is no part of storing.
 */
#define _DEFAULT_SOURCE

#include "bench.h"
#include "world.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../apdu/error.h"
#include "../../applet/runtime/card.h"
#include "../../applet/runtime/log_format.h"
#include "../../applet/virtual/storage.h"
#include "../../keys/openssl/openssl.h"

#define NVM_BYTES  4096u
#define RAM_BYTES  256u
#define RECORD_MAX 512u
#define FILE_MODE  0600

struct tally {
	struct jz_nvm_head head;
	uint32_t n;
	uint8_t reserved[4];
};

static uint16_t
process(struct jz_applet *self, struct jz_apdu *apdu)
{
	(void)self;
	(void)apdu;
	return JZ_SW_INS;
}

#define TALLY_AID                                                              \
	{                                                                      \
		5,                                                             \
		{                                                              \
			0xF0, 'T', 'A', 'L', 'Y'                               \
		}                                                              \
	}

static const struct jz_aid aid = TALLY_AID;
static const struct jz_applet_class tally_class = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "tally",
    .aid = TALLY_AID,
    .nvm_bytes = sizeof(struct tally),
    .process = process,
};
static const struct jz_applet_class *const classes[] = {&tally_class};

typedef void copy_fn(void *undo, void *to, const void *from, size_t len);

struct committing {
	struct jz_engine engine;
	struct jz_journal journal;
	struct jz_file *file; /* NULL: in memory */
	struct jz_card card;
	uint64_t nvm[NVM_BYTES / sizeof(uint64_t)];
	uint64_t ram[RAM_BYTES / sizeof(uint64_t)];
	/* the floor */
	copy_fn *volatile copy; /* not to be seen through */
	uint32_t undo, value;
	int fd;
	size_t record_bytes, written;
	uint8_t record[RECORD_MAX + JZ_SEAL_TAG_BYTES];
};

static const struct tally *
tally(const struct committing *c)
{
	return c->card.applet[0].nvm;
}

static int
new_card(struct committing *c)
{
	struct jz_card_setup setup = {.engine = c->engine,
	    .classes = classes,
	    .n_classes = 1,
	    .nvm = (uint8_t *)c->nvm,
	    .nvm_bytes = sizeof(c->nvm),
	    .ram = (uint8_t *)c->ram,
	    .ram_bytes = sizeof(c->ram),
	    .journal = &c->journal,
	    .chip = c->file == NULL ? &jz_bare_chip : &jz_file_chip,
	    .chip_state = c->file};
	int e = jz_card_format(&c->card, &setup);

	if (e == 0 &&
	    jz_card_install(&c->card, &aid, &aid, jz_span(NULL, 0)) != JZ_SW_OK)
		e = JZ_ERR_STATUS;
	return e;
}

static int
commit_ours(void *arg)
{
	struct committing *c = arg;
	const struct tally *t = tally(c);

	return jz_write_u32(&c->card.applet[0], &t->n, t->n + 1);
}

/* ---- in memory ---------------------------------------------------------- */

static void
copy_both(void *undo, void *to, const void *from, size_t len)
{
	memcpy(undo, to, len);
	memcpy(to, from, len);
}

static int
commit_least(void *arg)
{
	struct committing *c = arg;
	uint32_t next = c->value + 1;

	c->copy(&c->undo, &c->value, &next, sizeof(next));
	return 0;
}

static int
bench_memory(struct bench *b, struct committing *c)
{
	const struct bench_case what = {"committed update, in memory",
	    "the old bytes kept and the new ones copied, by a function pointer",
	    commit_ours, commit_least, c, 0, "500 000 a second: 2 us", 0,
	    BENCH_CPU};
	int e = new_card(c);

	c->copy = copy_both;
	if (e == 0)
		e = bench_run(b, &what);
	jz_card_close(&c->card);
	return e;
}

/* ---- in a file ---------------------------------------------------------- */

static int
append_least(void *arg)
{
	struct committing *c = arg;

	if (c->written + c->record_bytes > JZ_LOG_FOLD_BYTES) {
		if (ftruncate(c->fd, 0) != 0)
			return JZ_ERR_SYSTEM;
		c->written = 0;
	}
	if (pwrite(c->fd, c->record, c->record_bytes, (off_t)c->written) !=
		(ssize_t)c->record_bytes ||
	    fdatasync(c->fd) != 0)
		return JZ_ERR_SYSTEM;
	c->written += c->record_bytes;
	return 0;
}

static int
append_and_seal_least(void *arg)
{
	static const uint8_t key[JZ_KEY_BYTES], nonce[JZ_SEAL_NONCE_BYTES];
	struct committing *c = arg;
	const size_t head = JZ_LOG_RECORD_HEAD_BYTES;
	int e = c->engine.crypto->seal(c->engine.state, key, nonce,
	    jz_span(c->record, head), c->record + head,
	    c->record_bytes - head - JZ_SEAL_TAG_BYTES, c->record + head);

	return e != 0 ? e : append_least(arg);
}

/* A card in a file that has its name, and the other file beside it. */
static int
prepare_files(struct committing *c, struct world *w)
{
	char path[WORLD_PATH_MAX];
	uint64_t before;
	int e;

	world_path(w, "commit.card", path);
	if ((e = jz_file_create(path, &c->file)) != 0 ||
	    (e = new_card(c)) != 0 || (e = jz_file_publish(c->file)) != 0)
		return e;
	world_path(w, "commit.floor", path);
	c->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
	if (c->fd < 0)
		return JZ_ERR_SYSTEM;
	before = c->card.log.log_bytes;
	if ((e = commit_ours(c)) != 0)
		return e;
	c->record_bytes = (size_t)(c->card.log.log_bytes - before);
	return c->record_bytes <= RECORD_MAX ? 0 : JZ_ERR_INTERNAL;
}

static int
bench_file(struct bench *b, struct committing *c, struct world *w)
{
	const struct bench_case what[] = {
	    {"committed update, in a file",
		"append of as many bytes, and fdatasync", commit_ours,
		append_least, c, 0, "at least 90 % of it", 1 / 0.9, BENCH_WALL},
	    {"committed update, in a file, sealed",
		"as many bytes sealed (AES-128-GCM), appended, fdatasync",
		commit_ours, append_and_seal_least, c, 0, NULL, 0, BENCH_WALL},
	};
	int e = prepare_files(c, w);

	if (e == 0)
		e = bench_run(b, &what[0]);
	if (e == 0)
		e = bench_run(b, &what[1]);
	if (c->fd >= 0)
		(void)close(c->fd);
	jz_card_close(&c->card);
	jz_file_free(&c->file);
	return e;
}

int
bench_commit(struct bench *b, struct world *w)
{
	struct committing *c = calloc(1, sizeof(*c));
	int e = c == NULL ? JZ_ERR_MEMORY : 0;

	if (e == 0)
		e = jz_openssl_new(JZ_SUITE_NIST, &c->engine);
	if (e == 0) {
		c->fd = -1;
		e = bench_memory(b, c);
	}
	if (e == 0)
		e = bench_file(b, c, w);
	if (c != NULL)
		jz_openssl_free(&c->engine);
	free(c);
	return e;
}
