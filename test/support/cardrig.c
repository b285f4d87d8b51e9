/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cards in memory for tests.
 */
#define _POSIX_C_SOURCE 200809L

#include "cardrig.h"
#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"
#include "gpclient.h"
#include "suite.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The purse in place 0. */
static const struct jz_applet_class *const PURSE_AND_DOMAIN[] = {
    &jz_purse_class, &jz_manager_class};

static void
new_rig(struct rig *rig)
{
	assert_int_equal(memo_new(&rig->openssl, &rig->memo), 0);
	rig->engine = memo_engine(rig->memo);
	bank_new(&rig->bank, &rig->engine, RIG_NOW);
}

void
rig_new_of(struct rig *rig, enum jz_suite suite)
{
	memset(rig, 0, sizeof(*rig));
	assert_int_equal(jz_openssl_new(suite, &rig->openssl), 0);
	new_rig(rig);
}

void
rig_new(struct rig *rig)
{
	rig_new_of(rig, test_suite());
}

void
rig_new_seeded_of(struct rig *rig, enum jz_suite suite)
{
	static const uint8_t seed[JZ_SEED_BYTES] = "jiaozi test rig";

	memset(rig, 0, sizeof(*rig));
	assert_int_equal(jz_openssl_new_seeded(suite, seed, &rig->openssl), 0);
	new_rig(rig);
}

void
rig_new_seeded(struct rig *rig)
{
	rig_new_seeded_of(rig, test_suite());
}

void
rig_free(struct rig *rig)
{
	memo_free(&rig->memo);
	jz_openssl_free(&rig->openssl);
}

/* ---- chips -------------------------------------------------------------- */

static int
bare_now(void *chip, int64_t *utc)
{
	const struct rig_card *c = chip;

	*utc = c->now;
	return 0;
}

static const struct jz_chip BARE = {
    .now = bare_now, .take = jz_heap_take, .give = jz_heap_give};

void
rig_set_time(struct rig_card *c, int64_t utc)
{
	static const struct jz_chip bare_clockless = {
	    .take = jz_heap_take, .give = jz_heap_give};

	if (c->fault == NULL) {
		c->now = utc;
		c->card.setup.chip = utc == 0 ? &bare_clockless : &BARE;
		return;
	}
	/* The chip's 0 is the system's clock. */
	assert_int_not_equal(utc, 0);
	jz_fault_set_time(c->fault, utc);
}

/* ---- cards -------------------------------------------------------------- */

static size_t
transmit(void *state, const uint8_t *cmd, size_t len, uint8_t *rsp, size_t cap)
{
	struct rig_card *c = state;

	return jz_card_process(&c->card, cmd, len, rsp, cap);
}

bool
rig_can_be_strict(void)
{
	return sysconf(_SC_PAGESIZE) <= (long)RIG_PAGE_BYTES;
}

/* Zeroed, and on a page. */
static void *
new_pages(size_t bytes)
{
	size_t size = (bytes + RIG_PAGE_BYTES - 1) & ~(RIG_PAGE_BYTES - 1);
	void *p = aligned_alloc(RIG_PAGE_BYTES, size);

	assert_non_null(p);
	memset(p, 0, size);
	return p;
}

/* Strict mode, unless the system's pages are larger than ours. */
static void
guard(struct rig_card *c)
{
	if (!rig_can_be_strict())
		return;
	assert_int_equal(jz_page_guard_init(&c->guard, c->nvm, sizeof(c->nvm),
			     c->ram, sizeof(c->ram)),
	    0);
	c->setup.guard = &c->guard.guard;
	c->setup.guard_state = &c->guard;
}

struct rig_card *
rig_card_new(struct rig *rig, const struct jz_applet_class *const *classes,
    size_t n, bool storage)
{
	struct rig_card *c = new_pages(sizeof(*c));

	c->port = (struct port){transmit, c};
	c->memo = rig->memo;
	c->now = RIG_NOW;
	if (storage) {
		assert_int_equal(jz_fault_new(&c->fault), 0);
		jz_fault_set_time(c->fault, RIG_NOW);
	}
	c->setup.chip = storage ? &jz_fault_chip : &BARE;
	c->setup.chip_state = storage ? (void *)c->fault : (void *)c;
	c->setup.engine = rig->engine;
	c->setup.classes = classes;
	c->setup.n_classes = n;
	c->setup.nvm = c->nvm;
	c->setup.nvm_bytes = sizeof(c->nvm);
	c->setup.ram = c->ram;
	c->setup.ram_bytes = sizeof(c->ram);
	c->setup.journal = &c->journal;
	c->setup.wear = c->wear;
	if (!rig->loose)
		guard(c);
	memset(c->setup.seal_key, 0x5A, sizeof(c->setup.seal_key));
	assert_int_equal(jz_card_format(&c->card, &c->setup), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(jz_card_install(&c->card, &classes[i]->aid,
				     &classes[i]->aid, jz_span(NULL, 0)),
		    JZ_SW_OK);
	return c;
}

void
rig_install_domain(struct rig_card *c)
{
	struct jz_scp03_keys keys = gp_test_keys();
	uint8_t params[JZ_MANAGER_PARAMETER_BYTES];
	struct jz_buffer b = jz_buffer(params, sizeof(params));
	struct jz_install order = {.module = jz_manager_class.aid,
	    .instance = GP_ISD,
	    .privileges = JZ_MANAGER_PRIVILEGES,
	    .selectable = true};

	jz_put_u8(&b, JZ_GP_KVN_INITIAL);
	jz_put(&b, &keys, sizeof(keys));
	jz_put(&b, GP_KDD, sizeof(GP_KDD));
	order.params = jz_buffer_span(&b);
	assert_int_equal(jz_card_install_as(&c->card, &order), JZ_SW_OK);
}

struct rig_card *
rig_empty_purse_new(struct rig *rig, bool storage)
{
	struct rig_card *c = rig_card_new(rig, PURSE_AND_DOMAIN, 1, storage);

	c->setup.n_classes = c->card.setup.n_classes = 2;
	rig_install_domain(c);
	jz_card_reset(&c->card);
	return c;
}

static struct rig_card *
new_purse(struct rig *rig, const struct profile *p, bool storage)
{
	struct rig_card *c = rig_empty_purse_new(rig, storage);

	assert_int_equal(bank_personalise(&rig->bank, &c->port, p), JZ_SW_OK);
	return c;
}

struct rig_card *
rig_purse_new(struct rig *rig, const struct profile *p)
{
	return new_purse(rig, p, true);
}

struct rig_card *
rig_bare_purse_new(struct rig *rig, const struct profile *p)
{
	return new_purse(rig, p, false);
}

void
rig_card_free(struct rig_card **c)
{
	if (*c == NULL)
		return;
	jz_card_close(&(*c)->card);
	jz_fault_free(&(*c)->fault);
	jz_page_guard_end(&(*c)->guard);
	free(*c);
	*c = NULL;
}

int
rig_reopen(struct rig_card *c)
{
	assert_non_null(c->fault);
	jz_card_close(&c->card);
	memset(c->nvm, 0xEE, sizeof(c->nvm)); /* nothing is left in memory */
	jz_fault_power_up(c->fault);
	return jz_card_open(&c->card, &c->setup);
}

void
rig_restart(struct rig_card *c)
{
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(port_select(&c->port), JZ_SW_OK);
}

void
rig_reset(struct rig_card *c)
{
	jz_card_reset(&c->card);
	assert_int_equal(port_select(&c->port), JZ_SW_OK);
}

void
rig_poke(struct rig_card *c, const void *field, const void *value, size_t len)
{
	assert_int_equal(jz_write(&c->card.applet[0], field, value, len), 0);
}

void
rig_poke_u32(struct rig_card *c, const uint32_t *field, uint32_t value)
{
	rig_poke(c, field, &value, sizeof(value));
}

/* ---- going back --------------------------------------------------------- */

struct rig_snapshot {
	uint64_t position;
	size_t stored;
	uint8_t *storage;
	struct rig_card card;
};

struct rig_snapshot *
rig_save(const struct rig_card *c)
{
	struct rig_snapshot *s = new_pages(sizeof(*s));
	struct jz_span content;

	assert_null(c->card.buffer); /* in the middle of a chain */
	s->position = memo_position(c->memo);
	s->card = *c;
	if (c->fault == NULL)
		return s;
	content = jz_fault_content(c->fault);
	s->stored = content.len;
	s->storage = malloc(content.len);
	assert_non_null(s->storage);
	memcpy(s->storage, content.data, content.len);
	return s;
}

void
rig_restore(struct rig_card *c, const struct rig_snapshot *s)
{
	struct jz_page_guard guard;

	assert_ptr_equal(c->port.state, s->card.port.state);
	if (c->card.buffer != NULL)
		jz_heap_give(NULL, c->card.buffer, JZ_CARD_COMMAND_MAX);
	guard = c->guard; /* it knows what is protected now */
	*c = s->card;
	c->guard = guard;
	memo_rewind(c->memo, s->position);
	if (c->fault == NULL)
		return;
	jz_fault_power_up(c->fault);
	assert_int_equal(
	    jz_fault_set(c->fault, jz_span(s->storage, s->stored)), 0);
}

void
rig_snapshot_free(struct rig_snapshot **s)
{
	if (*s == NULL)
		return;
	free((*s)->storage);
	free(*s);
	*s = NULL;
}

const uint8_t *
rig_image(const struct rig_snapshot *s)
{
	return s->card.nvm;
}

void
rig_hash(const struct rig_card *c, uint8_t out[static 32])
{
	assert_int_equal(jz_card_image_hash(&c->card, out), 0);
}

/* Statistics and the generator's state go their own way. */
bool
rig_same_image(const uint8_t *a, const uint8_t *b)
{
	const size_t generator = offsetof(struct jz_nvm_root, generator);
	const size_t registry = generator + JZ_GENERATOR_BYTES;
	const size_t counts = offsetof(struct jz_nvm_root, count);
	const size_t rest = sizeof(struct jz_nvm_root);

	return memcmp(a, b, generator) == 0 &&
	    memcmp(a + registry, b + registry, counts - registry) == 0 &&
	    memcmp(a + rest, b + rest, RIG_NVM_BYTES - rest) == 0;
}

bool
rig_unchanged(const struct rig_card *c, const struct rig_snapshot *s)
{
	return rig_same_image(c->nvm, s->card.nvm);
}

void
rig_refuses(
    struct rig_card *c, uint32_t header, struct jz_span data, uint16_t sw)
{
	uint8_t before[32], after[32];
	struct answer a;

	rig_hash(c, before);
	if (port_send(&c->port, header, data, &a) != sw)
		fail_msg("%08X: %04X, not %04X", header, a.sw, sw);
	assert_int_equal(a.len, 0);
	rig_hash(c, after);
	if (memcmp(before, after, sizeof(before)) != 0)
		fail_msg("%08X: refused, and yet something changed", header);
}

void
rig_accepts(struct rig_card *c, uint32_t header, struct jz_span data,
    struct answer *out)
{
	struct answer own;

	out = out == NULL ? &own : out;
	if (port_send(&c->port, header, data, out) != JZ_SW_OK)
		fail_msg("%08X: %04X", header, out->sw);
}

/* ---- money -------------------------------------------------------------- */

/* One of the cards has the pending entry that the completion will credit. */
static bool
awaited(struct rig_card *const *cards, size_t n, const uint8_t *digest)
{
	for (size_t i = 0; i < n; i++)
		for (unsigned k = 0; k < JZ_PURSE_PENDING; k++) {
			const struct purse_pending *p =
			    &rig_purse(cards[i])->pending[k];

			if (p->used != 0 &&
			    memcmp(p->payment.request_digest, digest,
				JZ_DIGEST_BYTES) == 0)
				return true;
		}
	return false;
}

uint64_t
rig_in_flight(struct rig_card *const *cards, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		for (unsigned k = 0; k < JZ_PURSE_RECORDS; k++) {
			const struct purse_record *r =
			    &rig_purse(cards[i])->record[k];

			if (r->type == JZ_TYPE_EP_PURCHASE &&
			    awaited(cards, n, r->payment.request_digest))
				sum += r->payment.amount;
		}
	return sum;
}

uint64_t
rig_total(struct rig_card *const *cards, size_t n)
{
	uint64_t sum = rig_in_flight(cards, n);

	for (size_t i = 0; i < n; i++)
		sum += rig_purse(cards[i])->balance;
	return sum;
}
