/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card's log on memory whose power, syncs and space fail on command, and a
 * small history to read back: for test_log*.c.
 */
#ifndef JZ_TEST_LOG_BENCH_H
#define JZ_TEST_LOG_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../apdu/bytes.h"
#include "../../../apdu/error.h"
#include "../../../applet/runtime/log.h"
#include "../../../applet/runtime/log_format.h"
#include "../../../applet/virtual/storage.h"
#include "../../../keys/openssl/openssl.h"
#include "../../support/suite.h"

#define IMAGE_CAP   512u
#define USED	    200u
#define IMAGE_END   (JZ_LOG_HEADER_BYTES + USED + JZ_SEAL_TAG_BYTES)
#define CONTENT_MAX (JZ_LOG_FOLD_BYTES + 4096u)
#define COMMITS	    4

/* One card on a chip with faults. */
struct bench {
	struct jz_fault *chip;
	struct jz_engine engine;
	struct jz_log log;
	struct jz_log_env env;
	uint32_t used;
	uint8_t image[IMAGE_CAP];
	uint8_t key[32];
	uint8_t hint[JZ_LOG_HINT_BYTES];
	/* What was stored after each commit. */
	uint8_t state[COMMITS + 1][IMAGE_CAP];
	size_t end[COMMITS + 1];
	uint8_t *content; /* a copy to damage */
	size_t len;
};

static inline int
setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	assert_int_equal(jz_openssl_new(test_suite(), &b->engine), 0);
	assert_int_equal(jz_fault_new(&b->chip), 0);
	b->content = malloc(CONTENT_MAX);
	assert_non_null(b->content);
	for (unsigned i = 0; i < USED; i++)
		b->image[i] = (uint8_t)(i * 7 + 1);
	for (unsigned i = 0; i < sizeof(b->key); i++)
		b->key[i] = (uint8_t)(0xA0 + i);
	memcpy(b->hint, "hint of thirty-two bytes, clear.", sizeof(b->hint));
	b->used = USED;
	b->env = (struct jz_log_env){
	    .chip = &jz_fault_chip,
	    .chip_state = b->chip,
	    .engine = &b->engine,
	    .image = b->image,
	    .image_bytes = sizeof(b->image),
	    .seal_key = b->key,
	    .hint = b->hint,
	};
	*state = b;
	return 0;
}

static inline int
teardown(void **state)
{
	struct bench *b = *state;

	jz_fault_free(&b->chip);
	jz_openssl_free(&b->engine);
	free(b->content);
	free(b);
	return 0;
}

/* Writes v over a patch of the image, and commits it. */
static inline int
commit(struct bench *b, uint32_t offset, uint32_t len, uint8_t v)
{
	struct jz_patch patch = {offset, len};

	memset(b->image + offset, v, len);
	return jz_log_commit(&b->log, &b->env, b->used, &patch, 1);
}

static inline void
remember(struct bench *b, unsigned i)
{
	struct jz_span s = jz_fault_content(b->chip);

	memcpy(b->state[i], b->image, IMAGE_CAP);
	b->end[i] = s.len;
	assert_true(s.len <= CONTENT_MAX);
	memcpy(b->content, s.data, s.len);
	b->len = s.len;
}

/* A card with a few commits, of one patch and of several, and its history. */
static inline void
make_card(struct bench *b)
{
	static const struct jz_patch several[] = {
	    {0, 8}, {150, 50}, {4, 8}, {100, 0}};

	assert_int_equal(jz_log_format(&b->log, &b->env, b->used), 0);
	remember(b, 0);
	assert_int_equal(b->end[0], IMAGE_END);
	for (unsigned i = 1; i <= COMMITS; i++) {
		if (i % 2 != 0) {
			assert_int_equal(
			    commit(b, 10 * i, 30, (uint8_t)(0x10 * i)), 0);
		} else {
			memset(b->image, (int)i, 12);
			memset(b->image + 150, (int)i, 50);
			assert_int_equal(jz_log_commit(&b->log, &b->env,
					     b->used, several, 4),
			    0);
		}
		remember(b, i);
	}
	assert_int_equal(jz_fault_counters(b->chip).replaces, 1);
}

/* Opens what is stored, into an image full of rubbish. */
static inline int
reopen(struct bench *b)
{
	memset(b->image, 0xEE, sizeof(b->image));
	memset(b->hint, 0xEE, sizeof(b->hint));
	return jz_log_open(&b->log, &b->env, &b->used);
}

static inline int
open_copy(struct bench *b, size_t len)
{
	struct jz_span after;
	int e;

	assert_int_equal(jz_fault_set(b->chip, jz_span(b->content, len)), 0);
	e = reopen(b);
	/* Opening, well or not, leaves the storage as it is. */
	after = jz_fault_content(b->chip);
	assert_int_equal(after.len, len);
	assert_memory_equal(after.data, b->content, len);
	return e;
}

static inline void
assert_opened(const struct bench *b, unsigned i, bool torn)
{
	assert_memory_equal(b->image, b->state[i], IMAGE_CAP);
	assert_int_equal(b->log.torn, torn);
	assert_true(b->log.present);
}

static inline void
assert_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		assert_int_equal(p[i], 0);
}

/* A failed opening leaves nothing of the card in memory. */
static inline void
assert_refused(struct bench *b, int e, int expected)
{
	assert_string_equal(jz_error_name(e), jz_error_name(expected));
	assert_zero(b->image, sizeof(b->image));
	assert_int_equal(b->used, 0);
	assert_false(b->log.present);
}

/* A test with a bench of its own. */
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
