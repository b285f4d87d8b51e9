/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host/pay.c: the order of the steps, where a payment stops, and what is done
 * when the answer to a step that moves money is lost.
 */
#include "../support/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../host/pay.h"

/* FF2F { 8A digest }: as much of a sealed message as the host looks at. */
#define SEALED	"FF2F22 8A20 05*32 9000"
#define DIGEST	"8A20 05*32"
#define SELECT	"00A40400 08 F04A49414F5A4901 00"
#define SEALED_ "25 FF2F22 8A20 05*32 00"

static const struct jz_terms TERMS = {
    .amount_minor = 100, .currency = 156, .time = 0, .reference = NULL};

/* Purse information: the clear profile, no revocation list. */
#define INFO                                                                   \
	"FF6147 9F38010F 81020156 9708 00*8 9F3108 00*8 9F3208 00*8"           \
	" 9804 00*4 8404 00*4 9D04 00*4 9E04 00*4 9F3904 00*4 9000"
#define ASKED                                                                  \
	{                                                                      \
		"00CAFF61 00", INFO, 0                                         \
	}
#define LINES_MAX 8

struct pair {
	struct script payer, payee;
	struct jz_pay_result result;
	char told[16];
};

static void
told(enum jz_step step, struct jz_span message, void *arg)
{
	struct pair *p = arg;

	if (step != JZ_STEP_DONE)
		assert_int_equal(step == JZ_STEP_REQUEST, message.len == 0);
	p->told[strlen(p->told)] = (char)('0' + (int)step);
}

static int
run(struct pair *p, const struct line *payer, size_t n_payer,
    const struct line *payee, size_t n_payee)
{
	/* Before the first message both cards are asked what they are. */
	struct line from[LINES_MAX] = {ASKED}, to[LINES_MAX] = {ASKED};
	int err;

	assert_in_range(n_payer, 0, LINES_MAX - 1);
	assert_in_range(n_payee, 0, LINES_MAX - 1);
	memcpy(from + 1, payer, n_payer * sizeof(*payer));
	memcpy(to + 1, payee, n_payee * sizeof(*payee));
	memset(p->told, 0, sizeof(p->told));
	script_open(&p->payer, false, from, n_payer + 1);
	script_open(&p->payee, false, to, n_payee + 1);
	err = jz_pay(
	    &p->payer.session, &p->payee.session, &TERMS, &p->result, told, p);
	script_close(&p->payer);
	script_close(&p->payee);
	return err;
}

static void
test_all_steps(void **state)
{
	static const struct line payee[] = {
	    {NULL, "FF2202 AABB 9000", 0},
	    {"80720000 " SEALED_, SEALED, 0},
	    {"80740000 " SEALED_, SEALED, 0},
	};
	static const struct line payer[] = {
	    {"80710000 05 FF2202 AABB 00", SEALED, 0},
	    {"80730000 " SEALED_, SEALED, 0},
	    {"80750000 " SEALED_, "9000", 0},
	};
	struct pair p;

	(void)state;
	assert_int_equal(run(&p, payer, 3, payee, 3), 0);
	assert_int_equal(p.result.step, JZ_STEP_DONE);
	assert_string_equal(p.told, "1234567");
	assert_false(p.result.in_doubt);
}

/* OFP-2, OFP-3, OFP-6: a refusal ends the payment where it is made. */
static void
test_refusals(void **state)
{
	static const struct line payee[] = {
	    {NULL, "FF2202 AABB 9000", 0},
	    {NULL, SEALED, 0},
	    {NULL, "9302", 0},
	};
	static const struct line payer[] = {
	    {NULL, SEALED, 0},
	    {NULL, SEALED, 0},
	};
	static const struct line no[] = {{NULL, "9421", 0}};
	struct pair p;

	(void)state;
	assert_int_equal(run(&p, payer, 2, payee, 3), JZ_ERR_AUTHENTICATION);
	assert_int_equal(p.result.step, JZ_STEP_CREDIT);
	assert_int_equal(p.result.sw, 0x9302);
	assert_true(p.result.in_doubt);
	assert_int_equal(run(&p, no, 1, payee, 1), JZ_ERR_CERT_EXPIRED);
	assert_int_equal(p.result.step, JZ_STEP_AGREE);
	assert_int_equal(p.result.sw, 0x9421);
	assert_false(p.result.in_doubt);
	assert_string_equal(p.told, "12");
}

/* ALL-2: a completion that was lost after the debit is fetched, once. */
static void
test_lost_completion_is_fetched(void **state)
{
	static const struct line payee[] = {
	    {NULL, "FF2202 AABB 9000", 0},
	    {NULL, SEALED, 0},
	    {"80740000 " SEALED_, SEALED, 0},
	};
	static const struct line payer[] = {
	    {NULL, SEALED, 0},
	    {"80730000 " SEALED_, NULL, JZ_ERR_CARD_RESET},
	    {SELECT, "9000", 0},
	    {"80767300 22 " DIGEST " 00", SEALED, 0},
	    {NULL, "9000", 0},
	};
	struct pair p;

	(void)state;
	assert_int_equal(run(&p, payer, 5, payee, 3), 0);
}

/* ALL-1: COMPLETE is sent again only to a card that has no completion. */
static void
test_completion_never_made_is_made(void **state)
{
	static const struct line payee[] = {
	    {NULL, "FF2202 AABB 9000", 0},
	    {NULL, SEALED, 0},
	    {NULL, SEALED, 0},
	};
	static const struct line payer[] = {
	    {NULL, SEALED, 0},
	    {"80730000 " SEALED_, NULL, JZ_ERR_CARD_RESET},
	    {SELECT, "9000", 0},
	    {"80767300 22 " DIGEST " 00", "942B", 0},
	    {"80730000 " SEALED_, SEALED, 0},
	    {NULL, "9000", 0},
	};
	struct pair p;

	(void)state;
	assert_int_equal(run(&p, payer, 6, payee, 3), 0);
}

/* Another refusal of FETCH says nothing about a debit: it ends there. */
static void
test_fetch_refused_otherwise(void **state)
{
	static const struct line payee[] = {
	    {NULL, "FF2202 AABB 9000", 0},
	    {NULL, SEALED, 0},
	};
	static const struct line payer[] = {
	    {NULL, SEALED, 0},
	    {NULL, NULL, JZ_ERR_TRANSMIT},
	    {SELECT, "9000", 0},
	    {NULL, "6F00", 0},
	};
	struct pair p;

	(void)state;
	assert_int_equal(run(&p, payer, 4, payee, 2), JZ_ERR_STATUS);
	assert_int_equal(p.result.step, JZ_STEP_COMPLETE);
	assert_int_equal(p.result.sw, 0x6F00);
	assert_true(p.result.in_doubt);
}

static void
test_lost_confirmation_is_asked_again(void **state)
{
	static const struct line payee[] = {
	    {NULL, "FF2202 AABB 9000", 0},
	    {"80720000 " SEALED_, NULL, JZ_ERR_CARD_RESET},
	    {SELECT, "9000", 0},
	    {"80720000 " SEALED_, SEALED, 0},
	    {NULL, SEALED, 0},
	};
	static const struct line payer[] = {
	    {NULL, SEALED, 0},
	    {NULL, SEALED, 0},
	    {NULL, "9000", 0},
	};
	struct pair p;

	(void)state;
	assert_int_equal(run(&p, payer, 3, payee, 5), 0);
}

static void
test_lost_receipt_is_asked_again(void **state)
{
	static const struct line payee[] = {
	    {NULL, "FF2202 AABB 9000", 0},
	    {NULL, SEALED, 0},
	    {"80740000 " SEALED_, NULL, JZ_ERR_TRANSMIT},
	    {SELECT, "9000", 0},
	    {"80740000 " SEALED_, SEALED, 0},
	};
	static const struct line payer[] = {
	    {NULL, SEALED, 0},
	    {NULL, SEALED, 0},
	    {NULL, "9000", 0},
	};
	struct pair p;

	(void)state;
	assert_int_equal(run(&p, payer, 3, payee, 5), 0);
}

/* Before the debit nothing is worth a second try. */
static void
test_lost_agreement_ends_it(void **state)
{
	static const struct line payee[] = {{NULL, "FF2202 AABB 9000", 0}};
	static const struct line payer[] = {{NULL, NULL, JZ_ERR_CARD_RESET}};
	struct pair p;

	(void)state;
	assert_int_equal(run(&p, payer, 1, payee, 1), JZ_ERR_CARD_RESET);
	assert_int_equal(p.result.step, JZ_STEP_AGREE);
	assert_int_equal(p.result.sw, 0);
}

/* ---- before the first message ------------------------------------------- */

#define FIELDS                                                                 \
	" 9F38010F 81020156 9708 00*8 9F3108 00*8 9F3208 00*8"                 \
	" 9804 00*4 8404 00*4 9D04 00*4 9E04 00*4 9F3904 00*4"
#define INFO_LIST(n)   "FF614D" FIELDS " 8C04 000000" n " 9000"
#define INFO_ENCRYPTED "FF614B" FIELDS " 9F500101 9000"
#define LIST	       "FF6A03 112233"

static int
prepare(const struct line *payer, size_t n_payer, const struct line *payee,
    size_t n_payee, struct jz_buffer *hello)
{
	const struct jz_session *at = NULL;
	struct script from, to;
	int err;

	script_open(&from, false, payer, n_payer);
	script_open(&to, false, payee, n_payee);
	err = jz_pay_prepare(&from.session, &to.session, hello, &at);
	assert_non_null(at);
	script_close(&from);
	script_close(&to);
	return err;
}

/* Whichever card has the newer list, the other is given it. */
static void
test_the_newer_list_goes_along(void **state)
{
	static const struct line newer[] = {
	    {"00CAFF61 00", INFO_LIST("03"), 0},
	    {"00CAFF6A 00", LIST " 9000", 0},
	};
	static const struct line older[] = {
	    {"00CAFF61 00", INFO_LIST("02"), 0},
	    {"807E0000 06 " LIST " 00", "9000", 0},
	};
	static const struct line none[] = {
	    {"00CAFF61 00", INFO, 0},
	    /* It may know better: the payment goes on without. */
	    {"807E0000 06 " LIST " 00", "9425", 0},
	};
	static const struct line same[] = {
	    {"00CAFF61 00", INFO_LIST("03"), 0},
	};
	static const struct line lost[] = {
	    {"00CAFF61 00", INFO_LIST("02"), 0},
	    {"807E0000 06 " LIST " 00", NULL, JZ_ERR_CARD_REMOVED},
	};
	struct jz_buffer hello = jz_buffer(NULL, 0);

	(void)state;
	assert_int_equal(prepare(newer, 2, older, 2, &hello), 0);
	assert_int_equal(prepare(older, 2, newer, 2, &hello), 0);
	assert_int_equal(prepare(newer, 2, none, 2, &hello), 0);
	assert_int_equal(prepare(newer, 1, same, 1, &hello), 0);
	assert_int_equal(
	    prepare(newer, 2, lost, 2, &hello), JZ_ERR_CARD_REMOVED);
}

static void
test_the_profile_is_found_out(void **state)
{
	static const struct line clear[] = {{"00CAFF61 00", INFO, 0}};
	static const struct line encrypted[] = {
	    {"00CAFF61 00", INFO_ENCRYPTED, 0},
	    {"807C0000 00", "FF2102 AABB 9000", 0},
	};
	static const struct line other[] = {
	    {"00CAFF61 00", INFO_ENCRYPTED, 0},
	    {"807C0000 00", "FF2202 AABB 9000", 0},
	};
	uint8_t bytes[JZ_MESSAGE_MAX];
	struct jz_buffer hello = jz_buffer(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(
	    prepare(clear, 1, encrypted, 1, &hello), JZ_ERR_PROFILE);
	assert_int_equal(
	    prepare(encrypted, 1, clear, 1, &hello), JZ_ERR_PROFILE);
	assert_int_equal(prepare(encrypted, 2, encrypted, 1, &hello), 0);
	assert_int_equal(hello.len, 5);
	assert_int_equal(
	    prepare(other, 2, encrypted, 1, &hello), JZ_ERR_ANSWER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_steps),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_lost_completion_is_fetched),
	    cmocka_unit_test(test_completion_never_made_is_made),
	    cmocka_unit_test(test_fetch_refused_otherwise),
	    cmocka_unit_test(test_lost_confirmation_is_asked_again),
	    cmocka_unit_test(test_lost_receipt_is_asked_again),
	    cmocka_unit_test(test_lost_agreement_ends_it),
	    cmocka_unit_test(test_the_newer_list_goes_along),
	    cmocka_unit_test(test_the_profile_is_found_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
