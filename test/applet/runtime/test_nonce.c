/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No nonce of a card's storage comes twice, in whatever lives it has.
 */
#include "../../../applet/runtime/log_format.h"
#include "cell_bench.h"

#define RECORDS_MAX 256u

/*
 * What decides over a record's key and nonce: the file's salt, its own, its
 * number.  The image counts as a record of number 0 without a salt.
 */
struct use {
	uint8_t id[2 * JZ_LOG_SALT_BYTES + 8];
};

static size_t
uses_of(const struct rig_card *c, struct use *out)
{
	struct jz_span s = jz_fault_content(c->fault);
	uint32_t image = (uint32_t)jz_get_be(s.data + JZ_LOG_AT_LENGTH, 4);
	size_t at = JZ_LOG_HEADER_BYTES + image + JZ_SEAL_TAG_BYTES, n = 1;
	const uint8_t *file_salt = s.data + JZ_LOG_AT_SALT;

	memset(out, 0, sizeof(*out));
	memcpy(out->id, file_salt, JZ_LOG_SALT_BYTES);
	for (; at < s.len; n++) {
		const uint8_t *r = s.data + at;

		assert_true(n < RECORDS_MAX);
		assert_memory_equal(r, JZ_LOG_RECORD_MAGIC, 4);
		memcpy(out[n].id, file_salt, JZ_LOG_SALT_BYTES);
		memcpy(out[n].id + JZ_LOG_SALT_BYTES, r + JZ_LOG_AT_R_SALT,
		    JZ_LOG_SALT_BYTES);
		memcpy(out[n].id + (size_t)2 * JZ_LOG_SALT_BYTES,
		    r + JZ_LOG_AT_R_SEQUENCE, 8);
		at += JZ_LOG_RECORD_HEAD_BYTES + JZ_SEAL_TAG_BYTES +
		    (size_t)jz_get_be(r + JZ_LOG_AT_R_LENGTH, 2);
	}
	assert_int_equal(at, s.len);
	return n;
}

/* One of the two lives has so many more than `common`, and no two are one. */
static void
check_disjoint(const struct use *a, size_t n_a, const struct use *b, size_t n_b,
    size_t common)
{
	unsigned same_number = 0;

	assert_true(n_a > common && n_b > common);
	for (size_t i = common; i < n_a; i++)
		for (size_t k = common; k < n_b; k++) {
			assert_memory_not_equal(
			    a[i].id, b[k].id, sizeof(a[i].id));
			same_number +=
			    memcmp(a[i].id + 2 * JZ_LOG_SALT_BYTES,
				b[k].id + 2 * JZ_LOG_SALT_BYTES, 8) == 0;
		}
	/* The numbers do come again: the salts alone tell them apart. */
	assert_true(same_number > 3);
}

static void
write_some(struct rig_card *c, unsigned n, uint8_t first)
{
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(
		    say(c, 0, INS_WRITE, (uint8_t)(first + i)), JZ_SW_OK);
}

static void
test_no_nonce_repeats_after_a_rewind(void **state)
{
	static struct use a[RECORDS_MAX], b[RECORDS_MAX];
	struct rig_card *c = card_of(state);
	size_t n_a, n_b;
	void *s;

	write_some(c, 5, 10);
	s = save(c);
	write_some(c, 8, 20);
	n_a = uses_of(c, a);
	assert_int_equal(jz_card_rewind(&c->card, s), 0);
	write_some(c, 8, 30);
	n_b = uses_of(c, b);
	assert_int_equal(n_b, 9);
	check_disjoint(a, n_a, b, n_b, 0);
	/* Again to the same moment. */
	assert_int_equal(jz_card_rewind(&c->card, s), 0);
	write_some(c, 8, 40);
	n_a = uses_of(c, a);
	check_disjoint(a, n_a, b, n_b, 0);
	free(s);
}

/* The caller sets the storage back: the file's salt is the same. */
static void
test_no_nonce_repeats_after_a_restore(void **state)
{
	static struct use a[RECORDS_MAX], b[RECORDS_MAX];
	struct rig_card *c = card_of(state);
	struct content then;
	size_t common, n_a, n_b;
	void *s;

	write_some(c, 5, 10);
	s = save(c);
	then = copy_content(c);
	common = uses_of(c, a);
	write_some(c, 8, 20);
	n_a = uses_of(c, a);
	jz_fault_set(c->fault, jz_span(then.bytes, then.len));
	jz_card_restore(&c->card, s);
	write_some(c, 8, 30);
	n_b = uses_of(c, b);
	assert_memory_equal(a[0].id, b[0].id, JZ_LOG_SALT_BYTES);
	check_disjoint(a, n_a, b, n_b, common);
	free(then.bytes);
	free(s);
}

static void
test_no_nonce_repeats_in_a_fork_under_the_same_key(void **state)
{
	static struct use a[RECORDS_MAX], b[RECORDS_MAX];
	struct bench *bench = *state;
	struct rig_card *c = card_of(state), *f = empty_card(bench, true);
	size_t n_a, n_b;
	void *s;

	write_some(c, 5, 10);
	s = save(c);
	assert_int_equal(jz_card_fork(&f->card, &f->setup, s), 0);
	write_some(c, 8, 20);
	write_some(f, 14, 30);
	n_a = uses_of(c, a);
	n_b = uses_of(f, b);
	check_disjoint(a, n_a, b, n_b, 0);
	free(s);
	rig_card_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_no_nonce_repeats_after_a_rewind),
	    T(test_no_nonce_repeats_after_a_restore),
	    T(test_no_nonce_repeats_in_a_fork_under_the_same_key),
	};

	return cmocka_run_group_tests_name("nonce", tests, NULL, NULL);
}
