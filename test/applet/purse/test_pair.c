/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key and an IC card: the list of each, and how each proves to the other who
 * it is.
 */
#include "../../support/loading.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PIN	 LOADING_PIN
#define OTHER_ID "CN00000000200001"
#define NOTHING	 jz_span(NULL, 0)

static struct jz_span
id_of(const char *text)
{
	return jz_span(text, JZ_ID_BYTES);
}

/* Another card, which shall prove who it is to the one of the fixture. */
struct peer {
	struct loading *f;
	struct rig_card *card;
	struct blob question, word;
};

static void
peer_new(struct loading *f, struct peer *p)
{
	const struct profile profile = profile_of(OTHER_ID);

	p->f = f;
	p->card = rig_bare_purse_new(&f->rig, &profile);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	rig_accepts(f->card, AT_PAIR(JZ_PAIR_ADD), id_of(OTHER_ID), NULL);
}

/* The fixture's challenge, and the other's word to it. */
static void
ask(struct peer *p)
{
	struct answer a;

	rig_accepts(p->f->card, AT_PAIR(JZ_PAIR_CHALLENGE), NOTHING, &a);
	assert_int_equal(a.len, JZ_NONCE_BYTES);
	memcpy(p->question.data, a.data, a.len);
	memcpy(p->question.data + a.len, LOADING_ID, JZ_ID_BYTES);
	p->question.len = a.len + JZ_ID_BYTES;
	rig_accepts(
	    p->card, AT_PAIR(JZ_PAIR_IDENTIFY), blob_span(&p->question), &a);
	blob_set(&p->word, answer_span(&a));
}

static void
refuses(struct peer *p, uint16_t sw)
{
	rig_refuses(
	    p->f->card, AT_PAIR(JZ_PAIR_VERIFY), blob_span(&p->word), sw);
}

static void
test_who_is_on_the_list_is_known(void **state)
{
	struct peer p;

	peer_new(*state, &p);
	ask(&p);
	rig_restart(p.f->card);
	rig_accepts(
	    p.f->card, AT_PAIR(JZ_PAIR_VERIFY), blob_span(&p.word), NULL);
	/* One challenge, one answer. */
	refuses(&p, JZ_SW_CONDITIONS);
	ask(&p);
	rig_accepts(
	    p.f->card, AT_PAIR(JZ_PAIR_VERIFY), blob_span(&p.word), NULL);
	rig_card_free(&p.card);
}

static void
test_a_word_of_yesterday(void **state)
{
	struct peer p;
	struct blob old;

	peer_new(*state, &p);
	ask(&p);
	old = p.word;
	ask(&p);
	p.word = old;
	refuses(&p, JZ_SW_MISMATCH);
	rig_card_free(&p.card);
}

/* Said to another card, or by another, or by nobody. */
static void
test_words_that_are_none(void **state)
{
	struct jz_message m, good;
	struct peer p;

	peer_new(*state, &p);
	ask(&p);
	assert_int_equal(jz_message_decode(
			     blob_span(&p.word), JZ_KIND_IDENTIFICATION, &good),
	    0);
	m = good;
	m.peer_id[15] ^= 1;
	assert_int_equal(
	    jz_message_sign(&p.f->rig.engine, &m, &rig_purse(p.card)->key), 0);
	p.word = bank_encode(&m);
	refuses(&p, JZ_SW_MISMATCH);
	m = good;
	m.card_id[15] ^= 1;
	p.word = bank_encode(&m);
	refuses(&p, JZ_SW_MISMATCH);
	m = good;
	m.signature[40] ^= 1;
	p.word = bank_encode(&m);
	refuses(&p, JZ_SW_MAC);
	p.word.len--;
	refuses(&p, JZ_SW_DATA);
	p.word = bank_encode(&good);
	rig_accepts(
	    p.f->card, AT_PAIR(JZ_PAIR_VERIFY), blob_span(&p.word), NULL);
	rig_card_free(&p.card);
}

static void
test_a_stranger(void **state)
{
	struct peer p;

	peer_new(*state, &p);
	rig_accepts(p.f->card, AT_PAIR(JZ_PAIR_REMOVE), id_of(OTHER_ID), NULL);
	ask(&p);
	refuses(&p, JZ_SW_NOT_LISTED);
	rig_card_free(&p.card);
}

/* A revoked card is refused as in any payment, before the list is asked. */
static void
test_a_revoked_peer(void **state)
{
	static const char *const ids[] = {OTHER_ID, NULL};
	struct blob list;
	struct peer p;

	peer_new(*state, &p);
	list = bank_revoke(p.f->bank, 1, 0, ids);
	rig_accepts(p.f->card, AT_PUT_LIST, blob_span(&list), NULL);
	ask(&p);
	refuses(&p, JZ_SW_CERT_REVOKED);
	rig_card_free(&p.card);
}

static void
test_the_list(void **state)
{
	struct loading *f = *state;
	char id[JZ_ID_BYTES + 1];
	struct answer a;

	rig_refuses(
	    f->card, AT_PAIR(JZ_PAIR_ADD), id_of(OTHER_ID), JZ_SW_SECURITY);
	rig_refuses(
	    f->card, AT_PAIR(JZ_PAIR_REMOVE), id_of(OTHER_ID), JZ_SW_SECURITY);
	rig_refuses(f->card, AT_PAIR(JZ_PAIR_LIST), NOTHING, JZ_SW_SECURITY);
	assert_int_equal(port_verify(f->port, PIN), JZ_SW_OK);
	rig_refuses(
	    f->card, AT_PAIR(JZ_PAIR_ADD), id_of(LOADING_ID), JZ_SW_SAME_CARD);
	for (unsigned i = 0; i < JZ_PURSE_PEERS; i++) {
		snprintf(id, sizeof(id), "CN0000000%02u00001", (i + 7) % 100);
		rig_accepts(f->card, AT_PAIR(JZ_PAIR_ADD), id_of(id), NULL);
		rig_accepts(f->card, AT_PAIR(JZ_PAIR_ADD), id_of(id), NULL);
	}
	rig_refuses(
	    f->card, AT_PAIR(JZ_PAIR_ADD), id_of(OTHER_ID), JZ_SW_SPACE);
	rig_refuses(
	    f->card, AT_PAIR(JZ_PAIR_REMOVE), id_of(OTHER_ID), JZ_SW_REFERENCE);
	rig_accepts(
	    f->card, AT_PAIR(JZ_PAIR_REMOVE), id_of("CN00000000800001"), NULL);
	rig_accepts(f->card, AT_PAIR(JZ_PAIR_ADD), id_of(OTHER_ID), NULL);
	rig_accepts(f->card, AT_PAIR(JZ_PAIR_LIST), NOTHING, &a);
	assert_int_equal(a.len, JZ_PURSE_PEERS * JZ_ID_BYTES);
	assert_memory_equal(a.data, "CN00000000700001", JZ_ID_BYTES);
	/* The last one took the place of the one removed. */
	assert_memory_equal(
	    a.data + JZ_ID_BYTES, "CN00000001000001", JZ_ID_BYTES);
	assert_memory_equal(
	    a.data + a.len - JZ_ID_BYTES, OTHER_ID, JZ_ID_BYTES);
	rig_refuses(
	    f->card, AT_PAIR(JZ_PAIR_VERIFY), id_of(OTHER_ID), JZ_SW_DATA);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, loading_setup, loading_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_who_is_on_the_list_is_known),
	    T(test_a_word_of_yesterday),
	    T(test_words_that_are_none),
	    T(test_a_stranger),
	    T(test_a_revoked_peer),
	    T(test_the_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
