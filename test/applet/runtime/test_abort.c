/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Automatic abort (JCRE 7.6): whatever the runtime calls of an applet, a
 * transaction that it leaves open is rolled back; and the transaction that
 * install runs in is the runtime's.  process and select: test_transaction.c.
 */
#include "card_bench.h"
#include "../../../applet/runtime/admin.h"

struct loose_nvm {
	struct jz_nvm_head head;
	uint32_t number;
	uint8_t limit; /* a PIN's, set by install */
	uint8_t reserved[3];
	struct jz_pin pin;
	uint8_t reserved2[4];
};

/* What install tries to do with the runtime's transaction. */
enum {
	INSTALL_PLAIN,
	INSTALL_REFUSE,
	INSTALL_BEGIN,
	INSTALL_COMMIT,
	INSTALL_ABORT,
	INSTALL_BESIDE,
	INSTALL_BESIDE_AND_REFUSE,
};

static uint16_t
leave_open(struct jz_applet *self)
{
	const struct loose_nvm *n = self->nvm;

	if (jz_begin(self) != 0)
		return JZ_SW_UNKNOWN;
	jz_write_u32(self, &n->number, 1);
	return JZ_SW_OK;
}

/* Counters and PINs, as in any other handler. */
static uint16_t
beside(struct jz_applet *self)
{
	const struct loose_nvm *n = self->nvm;
	static const uint8_t number[] = {7, 0, 0, 0}, pin[] = {1, 2, 3, 4};
	uint8_t ok;

	assert_int_equal(jz_write_now(self, &n->number, number, 4), 0);
	assert_int_equal(
	    jz_pin_update(self, &n->pin, jz_span(pin, sizeof(pin)), 3), 0);
	assert_int_equal(
	    jz_pin_check(self, &n->pin, &ok, jz_span(pin, 3)), 0x63C2);
	assert_int_equal(
	    jz_pin_check(self, &n->pin, &ok, jz_span(pin, 4)), JZ_SW_OK);
	assert_int_equal(
	    jz_pin_check(self, &n->pin, &ok, jz_span(pin, 3)), 0x63C2);
	assert_int_equal(jz_pin_unblock(self, &n->pin), 0);
	return JZ_SW_OK;
}

static uint16_t
loose_install(struct jz_applet *self, struct jz_span params)
{
	const struct loose_nvm *n = self->nvm;

	assert_true(jz_in_transaction(self));
	jz_write_u32(self, &n->number, 5);
	switch (params.len == 0 ? INSTALL_PLAIN : params.data[0]) {
	case INSTALL_REFUSE:
		return JZ_SW_DATA;
	case INSTALL_BEGIN:
		assert_int_equal(jz_begin(self), JZ_ERR_STATE);
		return JZ_SW_OK;
	case INSTALL_COMMIT:
		assert_int_equal(jz_commit(self), JZ_ERR_STATE);
		return JZ_SW_OK;
	case INSTALL_ABORT:
		assert_int_equal(jz_abort(self), JZ_ERR_STATE);
		return JZ_SW_OK;
	case INSTALL_BESIDE:
		return beside(self);
	case INSTALL_BESIDE_AND_REFUSE:
		(void)beside(self);
		return JZ_SW_DATA;
	default:
		return JZ_SW_OK;
	}
}

static uint16_t
loose_process(struct jz_applet *self, struct jz_apdu *apdu)
{
	(void)apdu;
	return leave_open(self);
}

static void
loose_deselect(struct jz_applet *self)
{
	leave_open(self);
}

/* Refuses, so that the test can look at what is left. */
static uint16_t
loose_uninstall(struct jz_applet *self)
{
	leave_open(self);
	return JZ_SW_CONDITIONS;
}

static const struct jz_applet_class LOOSE = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "loose",
    .aid = {6, {0xF0, 'L', 'O', 'O', 'S', 1}},
    .nvm_bytes = sizeof(struct loose_nvm),
    .install = loose_install,
    .deselect = loose_deselect,
    .process = loose_process,
    .uninstall = loose_uninstall,
    .store_data = loose_process,
};
static const struct jz_applet_class *const CLASSES[] = {&LOOSE};

static int
setup(void **state)
{
	return bench_new(state, CLASSES, 1);
}

static struct jz_applet *
loose(struct rig_card *c, unsigned i)
{
	return &c->card.applet[i];
}

static const struct loose_nvm *
nvm(struct rig_card *c, unsigned i)
{
	return (const struct loose_nvm *)loose(c, i)->nvm;
}

static void
check_rolled_back(struct rig_card *c)
{
	assert_false(jz_in_transaction(loose(c, 0)));
	assert_int_equal(nvm(c, 0)->number, 5);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(nvm(c, 0)->number, 5);
}

static void
test_deselect_by_closing_a_channel(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(select_on(c, &LOOSE.aid, 1), JZ_SW_OK);
	assert_int_equal(port_hex(&c->port, "01708000", NULL), JZ_SW_OK);
	check_rolled_back(c);
}

/* A second instance, with the privilege to ask for the first's. */
static struct jz_applet *
domain(struct rig_card *c)
{
	struct jz_install order = {0};

	order.module = LOOSE.aid;
	order.instance = (struct jz_aid){6, {0xF0, 'L', 'O', 'O', 'S', 9}};
	order.privileges[0] = JZ_PRIV_SECURITY_DOMAIN;
	order.selectable = true;
	assert_int_equal(jz_card_install_as(&c->card, &order), JZ_SW_OK);
	return loose(c, 1);
}

static void
test_uninstall(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(
	    jz_admin_delete(domain(c), &LOOSE.aid, false), JZ_SW_CONDITIONS);
	check_rolled_back(c);
}

static void
test_store_data(void **state)
{
	struct rig_card *c = card_of(state);
	struct jz_apdu apdu = {0};

	assert_int_equal(
	    jz_admin_store_data(domain(c), &LOOSE.aid, &apdu), JZ_SW_OK);
	check_rolled_back(c);
}

/* ---- install ------------------------------------------------------------ */

static uint16_t
install(struct rig_card *c, uint8_t what)
{
	static const struct jz_aid second = {6, {0xF0, 'L', 'O', 'O', 'S', 2}};

	return jz_card_install(
	    &c->card, &LOOSE.aid, &second, jz_span(&what, 1));
}

static void
check_nothing_installed(struct rig_card *c, uint8_t what, uint16_t sw)
{
	struct rig_snapshot *s = rig_save(c);

	assert_int_equal(install(c, what), sw);
	assert_true(rig_unchanged(c, s));
	assert_false(loose(c, 1)->present);
	assert_false(jz_in_transaction(loose(c, 0)));
	assert_int_equal(rig_reopen(c), 0);
	assert_true(rig_unchanged(c, s));
	/* The place is as new. */
	assert_int_equal(install(c, INSTALL_PLAIN), JZ_SW_OK);
	assert_int_equal(nvm(c, 1)->number, 5);
	assert_int_equal(nvm(c, 1)->pin.tries, 0);
	rig_snapshot_free(&s);
}

static void
test_an_install_that_refuses_leaves_nothing(void **state)
{
	check_nothing_installed(card_of(state), INSTALL_REFUSE, JZ_SW_DATA);
}

static void
test_an_install_that_writes_beside_and_refuses_leaves_nothing(void **state)
{
	check_nothing_installed(
	    card_of(state), INSTALL_BESIDE_AND_REFUSE, JZ_SW_DATA);
}

static void
check_harmless(struct rig_card *c, uint8_t what)
{
	uint64_t syncs = jz_fault_counters(c->fault).syncs;

	assert_int_equal(install(c, what), JZ_SW_OK);
	assert_int_equal(jz_fault_counters(c->fault).syncs, syncs + 1);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(nvm(c, 1)->number, 5);
}

static void
test_a_begin_in_install_is_refused_and_harmless(void **state)
{
	check_harmless(card_of(state), INSTALL_BEGIN);
}

static void
test_a_commit_in_install_is_refused_and_harmless(void **state)
{
	check_harmless(card_of(state), INSTALL_COMMIT);
}

static void
test_an_abort_in_install_is_refused_and_harmless(void **state)
{
	check_harmless(card_of(state), INSTALL_ABORT);
}

static void
test_counters_and_pins_in_install(void **state)
{
	struct rig_card *c = card_of(state);
	uint64_t syncs = jz_fault_counters(c->fault).syncs;

	assert_int_equal(install(c, INSTALL_BESIDE), JZ_SW_OK);
	assert_int_equal(jz_fault_counters(c->fault).syncs, syncs + 1);
	assert_false(c->card.dead);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(nvm(c, 1)->number, 7);
	assert_int_equal(nvm(c, 1)->pin.tries, 3);
}

/* proves: ALL-3 (an applet is installed whole, or not) */
static void
test_a_cut_at_any_byte_of_such_an_install(void **state)
{
	struct rig_card *c = card_of(state);
	struct rig_snapshot *s = rig_save(c);
	bool done = false;
	unsigned whole = 0, none = 0;

	for (uint64_t at = 0; !done; at++) {
		rig_restore(c, s);
		fault(c, at, 0);
		done = install(c, INSTALL_BESIDE) == JZ_SW_OK;
		assert_int_equal(rig_reopen(c), 0);
		if (loose(c, 1)->present) {
			assert_int_equal(nvm(c, 1)->pin.tries, 3);
			whole++;
		} else {
			assert_true(rig_unchanged(c, s));
			none++;
		}
	}
	assert_true(whole > 0 && none > 0);
	rig_snapshot_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_deselect_by_closing_a_channel),
	    T(test_uninstall),
	    T(test_store_data),
	    T(test_an_install_that_refuses_leaves_nothing),
	    T(test_an_install_that_writes_beside_and_refuses_leaves_nothing),
	    T(test_a_begin_in_install_is_refused_and_harmless),
	    T(test_a_commit_in_install_is_refused_and_harmless),
	    T(test_an_abort_in_install_is_refused_and_harmless),
	    T(test_counters_and_pins_in_install),
	    T(test_a_cut_at_any_byte_of_such_an_install),
	};

	return cmocka_run_group_tests_name("abort", tests, NULL, NULL);
}
