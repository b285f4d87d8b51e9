/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card whose administration is fuzzed.
 */
#include "managed.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define CARD_ID "CN00000000100001"
#define FUNDS	50000u

const uint8_t MANAGED_LEVELS[] = {0x33, 0x01, 0x03, 0x11, 0x13};
_Static_assert(sizeof(MANAGED_LEVELS) == MANAGED_LEVEL_COUNT, "all of them");

/* In the order of enum managed_place. */
static const struct jz_applet_class *const CLASSES[] = {
    &jz_purse_class, &jz_manager_class, &gp_note_class};

struct managed *
managed_new(void)
{
	struct profile p = profile_of(CARD_ID);
	struct managed *m = calloc(1, sizeof(*m));
	struct rig_card *c;
	struct blob b;
	struct gp g;

	assert_non_null(m);
	rig_new_seeded(&m->rig);
	c = rig_bare_purse_new(&m->rig, &p);
	c->setup.classes = c->card.setup.classes = CLASSES;
	c->setup.n_classes = c->card.setup.n_classes = 3;
	assert_int_equal(
	    bank_load(&m->rig.bank, &c->port, p.pin, FUNDS), JZ_SW_OK);
	assert_int_equal(m->rig.engine.crypto->random(m->rig.engine.state,
			     (uint8_t *)&m->keys, sizeof(m->keys)),
	    0);
	g = gp_host(c);
	assert_int_equal(gp_select(&g, &GP_ISD, NULL), JZ_SW_OK);
	gp_login(&g);
	b = gp_put_key_data(&g, MANAGED_KVN, &m->keys);
	assert_int_equal(
	    gp_send(&g, GP_AT_PUT_KEY(JZ_GP_KVN_INITIAL), blob_span(&b), NULL),
	    JZ_SW_OK);
	gp_add_note(&g, 1);
	jz_card_reset(&c->card);
	m->card = c;
	m->start = rig_save(c);
	return m;
}

void
managed_free(struct managed **m)
{
	rig_snapshot_free(&(*m)->start);
	rig_card_free(&(*m)->card);
	rig_free(&(*m)->rig);
	free(*m);
	*m = NULL;
}
