/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the groups of tests in this folder begin and end with: one rig for all,
 * and a card with the domain for each test.
 */
#ifndef JZ_TEST_MANAGER_GROUP_H
#define JZ_TEST_MANAGER_GROUP_H

#include "../../support/gpclient.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct rig rig;

static inline int
set_up(void **state)
{
	(void)state;
	rig_new(&rig);
	return 0;
}

static inline int
tear_down(void **state)
{
	(void)state;
	rig_free(&rig);
	return 0;
}

static inline int
new_card(void **state)
{
	*state = gp_card_new(&rig, true);
	return 0;
}

/* Without storage. */
static inline int
new_bare_card(void **state)
{
	*state = gp_card_new(&rig, false);
	return 0;
}

static inline int
free_card(void **state)
{
	struct rig_card *c = *state;

	rig_card_free(&c);
	return 0;
}

#define CARD(test) cmocka_unit_test_setup_teardown(test, new_card, free_card)
#define BARE(test)                                                             \
	cmocka_unit_test_setup_teardown(test, new_bare_card, free_card)

#endif
