/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cards that a fuzzed session begins with.
 */
#include "session.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define CARD_ID "CN00000000100001"

struct session *
session_new(void)
{
	struct profile p = profile_of(CARD_ID);
	struct session *s = calloc(1, sizeof(*s));
	struct rig_card *c;

	assert_non_null(s);
	rig_new_seeded(&s->rig);
	c = rig_bare_purse_new(&s->rig, &p);
	assert_int_equal(
	    bank_load(&s->rig.bank, &c->port, SESSION_PIN, SESSION_FUNDS),
	    JZ_SW_OK);
	s->card[SESSION_READY] = c;
	s->start[SESSION_READY] = rig_save(c);
	c = rig_empty_purse_new(&s->rig, false);
	s->card[SESSION_EMPTY] = c;
	s->start[SESSION_EMPTY] = rig_save(c);
	return s;
}

void
session_free(struct session **s)
{
	for (unsigned i = 0; i < SESSION_STARTS; i++) {
		rig_snapshot_free(&(*s)->start[i]);
		rig_card_free(&(*s)->card[i]);
	}
	rig_free(&(*s)->rig);
	free(*s);
	*s = NULL;
}
