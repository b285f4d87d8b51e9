/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a sensible host does, step by step, and what it does when the answer to
 * a step was lost: docs/protocol.md section 5.
 */
#include "story.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PAYEE_ID "CN00000000100001"
#define PAYER_ID "CN00000000200001"
#define PIN	 "123456"
#define NOTHING	 jz_span(NULL, 0)

void
story_new(struct story *s, struct rig *rig)
{
	struct profile payer = profile_of(PAYER_ID);

	memset(s, 0, sizeof(*s));
	s->rig = rig;
	s->profile = profile_of(PAYEE_ID);
	/* One wrong try, and two that a cut leaves counted, do not block. */
	s->profile.pin_limit = 5;
	s->payee = rig_empty_purse_new(rig, true);
	s->payer = rig_purse_new(rig, &payer);
	assert_int_equal(
	    bank_load(&rig->bank, &s->payer->port, PIN, STORY_FUNDS), JZ_SW_OK);
	s->pay =
	    payment_of(&s->payee->port, &s->payer->port, STORY_AMOUNT, RIG_NOW);
}

void
story_free(struct story *s)
{
	rig_card_free(&s->payee);
	rig_card_free(&s->payer);
}

/* A command that may need the PIN. */
static uint16_t
say_with_pin(
    struct rig_card *c, uint32_t header, struct jz_span data, struct answer *a)
{
	uint16_t sw = port_send(&c->port, header, data, a);

	if (sw != JZ_SW_SECURITY || port_verify(&c->port, PIN) != JZ_SW_OK)
		return sw;
	return port_send(&c->port, header, data, a);
}

/* ---- personalisation ---------------------------------------------------- */

/* INITIALIZE UPDATE, whose counter lasts, and what follows it. */
static uint16_t
open_session(struct story *s)
{
	uint16_t sw = bank_begin(&s->rig->bank, &s->payee->port, &s->session);

	s->block = 0;
	return sw;
}

/* A session that a cut has ended is opened anew, from block 0 on. */
static uint16_t
in_session(struct story *s)
{
	return s->again ? open_session(s) : JZ_SW_OK;
}

static uint16_t
make_key(struct story *s)
{
	const struct bank *b = &s->rig->bank;
	uint8_t point[JZ_POINT_BYTES];
	struct jz_certificate c;
	uint16_t sw = in_session(s);

	if (sw != JZ_SW_OK ||
	    (sw = bank_generate(&s->session, s->block, point)) != JZ_SW_OK)
		return sw;
	s->block++;
	c = bank_card_fields(b, &s->profile, point);
	s->own = bank_certify(b, &c, &b->ca);
	return sw;
}

static uint16_t
store(struct story *s, const struct blob *object, bool last)
{
	uint16_t sw = in_session(s);

	if (sw == JZ_SW_OK)
		sw = bank_store(&s->session, s->block, object, last);
	if (sw == JZ_SW_OK)
		s->block++;
	return sw;
}

static uint16_t
store_root(struct story *s)
{
	uint16_t sw = store(s, &s->rig->bank.root_certificate, false);

	return sw == JZ_SW_CONDITIONS && s->again ? JZ_SW_OK : sw;
}

static uint16_t
store_ca(struct story *s)
{
	return store(s, &s->rig->bank.ca_certificate, false);
}

static uint16_t
store_host(struct story *s)
{
	return store(s, &s->rig->bank.host_certificate, false);
}

static uint16_t
store_own(struct story *s)
{
	return store(s, &s->own, false);
}

static uint16_t
store_parameters(struct story *s)
{
	struct blob data = bank_parameters(&s->profile);
	uint16_t sw = store(s, &data, true);

	if (sw == JZ_SW_MEMORY_FAILURE)
		return sw;
	assert_int_equal(port_select(&s->payee->port), JZ_SW_OK);
	if (sw == JZ_SW_CONDITIONS && s->again &&
	    port_info(&s->payee->port).state == JZ_PURSE_PERSONALISED)
		return JZ_SW_OK;
	return sw;
}

/* ---- load --------------------------------------------------------------- */

static uint16_t
verify_wrong(struct story *s)
{
	static const uint8_t wrong[] = {0x12, 0x34, 0x57};
	uint16_t sw;

	if (s->again)
		return JZ_SW_OK; /* nobody is so foolish twice */
	sw = port_send(
	    &s->payee->port, AT_VERIFY, jz_span(wrong, sizeof(wrong)), NULL);
	return sw == (JZ_SW_PIN_TRIES | 4) ? JZ_SW_OK : sw;
}

static uint16_t
verify(struct rig_card *c)
{
	static const uint8_t pin[] = {0x12, 0x34, 0x56};

	return port_send(&c->port, AT_VERIFY, jz_span(pin, sizeof(pin)), NULL);
}

static uint16_t
verify_payee(struct story *s)
{
	return verify(s->payee);
}

static uint16_t
verify_payer(struct story *s)
{
	return verify(s->payer);
}

static uint16_t
initialize(struct story *s)
{
	const struct bank *b = &s->rig->bank;
	struct blob data = load_of(STORY_LOAD);
	uint8_t digest[JZ_DIGEST_BYTES];
	struct jz_message m;
	struct answer a;
	uint16_t sw =
	    say_with_pin(s->payee, AT_INITIALIZE, blob_span(&data), &a);

	if (sw != JZ_SW_OK)
		return sw;
	m = bank_read_load_request(b, &s->payee->port, &a, digest);
	m = bank_permission(b, &m, digest);
	data = bank_sign(b, &m);
	s->credit = bank_credit_data(m.payment.time, &data);
	return sw;
}

static uint16_t
credit_for_load(struct story *s)
{
	return port_send(
	    &s->payee->port, AT_CREDIT_LOAD, blob_span(&s->credit), NULL);
}

static uint16_t
cancel(struct story *s)
{
	return port_send(&s->payee->port, AT_CANCEL, NOTHING, NULL);
}

/* ---- unload ------------------------------------------------------------- */

static uint16_t
initialize_unload(struct story *s)
{
	const struct bank *b = &s->rig->bank;
	struct blob data = load_of(STORY_UNLOAD);
	uint8_t digest[JZ_DIGEST_BYTES];
	struct jz_message m;
	struct answer a;
	uint16_t sw = say_with_pin(s->payee, AT_UNLOAD, blob_span(&data), &a);

	if (sw != JZ_SW_OK)
		return sw;
	m = bank_read_unload_request(b, &s->payee->port, &a, digest);
	m = bank_permission(b, &m, digest);
	data = bank_sign(b, &m);
	s->debit = bank_credit_data(m.payment.time, &data);
	return sw;
}

/* Whoever lost the proof is given it again. */
static uint16_t
debit_for_unload(struct story *s)
{
	const struct port *p = &s->payee->port;
	const struct bank *b = &s->rig->bank;
	struct answer proof, again;
	struct jz_message m;
	uint16_t sw = port_send(p, AT_DEBIT, blob_span(&s->debit), &proof);

	if (sw != JZ_SW_OK)
		return sw;
	assert_int_equal(
	    port_send(p, AT_FETCH_UNLOAD, NOTHING, &again), JZ_SW_OK);
	assert_int_equal(again.len, proof.len);
	assert_memory_equal(again.data, proof.data, proof.len);
	assert_int_equal(
	    jz_message_decode(answer_span(&proof), JZ_KIND_UNLOAD_PROOF, &m),
	    0);
	m = bank_acknowledged(b, &m);
	s->word = bank_sign(b, &m);
	return sw;
}

static uint16_t
acknowledge_unload(struct story *s)
{
	uint16_t sw =
	    port_send(&s->payee->port, AT_DEBITED, blob_span(&s->word), NULL);

	return sw == JZ_SW_NO_PAYMENT && s->again ? JZ_SW_OK : sw;
}

/* ---- payment ------------------------------------------------------------ */

/* Gives the step what the one before answered; keeps its answer. */
static uint16_t
pay(struct story *s, enum step step, uint32_t header, struct jz_span data)
{
	struct rig_card *c = payment_card(&s->pay, step) == &s->payee->port
	    ? s->payee
	    : s->payer;
	struct answer a;
	uint16_t sw = say_with_pin(c, header, data, &a);

	if (sw == JZ_SW_OK)
		blob_set(&s->pay.message[step], answer_span(&a));
	return sw;
}

static uint16_t
pay_step(struct story *s, enum step step)
{
	return pay(s, step, payment_header(step), payment_data(&s->pay, step));
}

static uint16_t
request(struct story *s)
{
	s->pay =
	    payment_of(&s->payee->port, &s->payer->port, STORY_AMOUNT, RIG_NOW);
	return pay_step(s, STEP_REQUEST);
}

static uint16_t
agree(struct story *s)
{
	return pay_step(s, STEP_AGREE);
}

static uint16_t
confirm(struct story *s)
{
	return pay_step(s, STEP_CONFIRM);
}

static uint16_t
complete(struct story *s)
{
	uint8_t digest[JZ_DIGEST_BYTES];
	uint16_t sw = pay_step(s, STEP_COMPLETE);
	struct blob fetch;

	if (sw != JZ_SW_NO_PAYMENT || !s->again)
		return sw;
	payment_digest(&s->pay, digest);
	fetch = fetch_of(digest);
	return pay(s, STEP_COMPLETE, AT_FETCH, blob_span(&fetch));
}

static uint16_t
credit(struct story *s)
{
	return pay_step(s, STEP_CREDIT);
}

static uint16_t
acknowledge(struct story *s)
{
	uint16_t sw = pay_step(s, STEP_ACKNOWLEDGE);

	return sw == JZ_SW_NO_PAYMENT && s->again ? JZ_SW_OK : sw;
}

/* ---- payments that stop after the confirmation --------------------------- */

static uint16_t
request_another(struct story *s)
{
	s->pay = payment_of(
	    &s->payee->port, &s->payer->port, STORY_STOPPED, RIG_NOW);
	return pay_step(s, STEP_REQUEST);
}

static uint16_t
prove(struct story *s)
{
	const struct purse_nvm *payee = rig_purse(s->payee);
	const struct purse_pending *slot;
	uint8_t digest[JZ_DIGEST_BYTES];
	struct jz_payment which;
	struct answer a;
	struct blob q;
	uint16_t sw;

	payment_digest(&s->pay, digest);
	slot = purse_find_pending(payee, digest);
	assert_non_null(slot);
	purse_payment_load(payee, &which, &slot->payment, PURSE_PAYEE);
	q = question_of(&which);
	sw = port_send(&s->payer->port, AT_PROVE, blob_span(&q), &a);
	if (sw == JZ_SW_OK)
		blob_set(&s->proof, answer_span(&a));
	return sw;
}

static uint16_t
drop(struct story *s)
{
	uint16_t sw =
	    port_send(&s->payee->port, AT_DROP, blob_span(&s->proof), NULL);

	return sw == JZ_SW_NO_PAYMENT && s->again ? JZ_SW_OK : sw;
}

static uint16_t
claim(struct story *s)
{
	uint8_t digest[JZ_DIGEST_BYTES];
	struct blob which;
	uint16_t sw;

	payment_digest(&s->pay, digest);
	which = fetch_of(digest);
	sw = port_send(&s->payee->port, AT_CLAIM, blob_span(&which), NULL);
	return sw == JZ_SW_NO_PAYMENT && s->again
	    ? port_send(&s->payee->port, AT_EXCEPTION, blob_span(&which), NULL)
	    : sw;
}

/* ---- settlement --------------------------------------------------------- */

static uint16_t
settle(struct story *s, struct rig_card *c)
{
	uint16_t sw = port_select(&c->port);
	uint32_t n;

	return sw != JZ_SW_OK ? sw : bank_settle(&s->rig->bank, &c->port, &n);
}

static uint16_t
settle_payee(struct story *s)
{
	return settle(s, s->payee);
}

static uint16_t
settle_payer(struct story *s)
{
	return settle(s, s->payer);
}

/* ---- revocation --------------------------------------------------------- */

/* The payer is revoked when his payment is confirmed: it is due all the same. */
static uint16_t
put_list(struct story *s)
{
	static const char *const ids[] = {PAYER_ID, NULL};
	struct blob list = bank_revoke(&s->rig->bank, 1, 0, ids);
	uint16_t sw =
	    port_send(&s->payee->port, AT_PUT_LIST, blob_span(&list), NULL);

	return sw == JZ_SW_LIST_OLD && s->again ? JZ_SW_OK : sw;
}

/* ---- the list ----------------------------------------------------------- */

static const struct {
	const char *name;
	bool payer, verifies;
	uint16_t (*run)(struct story *s);
} STEPS_OF_STORY[] = {
    {"INITIALIZE UPDATE", false, false, open_session},
    {"STORE DATA key", false, false, make_key},
    {"STORE DATA root", false, false, store_root},
    {"STORE DATA CA", false, false, store_ca},
    {"STORE DATA host", false, false, store_host},
    {"STORE DATA own", false, false, store_own},
    {"STORE DATA parameters", false, false, store_parameters},
    {"VERIFY wrong", false, true, verify_wrong},
    {"VERIFY", false, true, verify_payee},
    {"INITIALIZE", false, false, initialize},
    {"CREDIT FOR LOAD", false, false, credit_for_load},
    {"VERIFY again", false, true, verify_payee},
    {"INITIALIZE again", false, false, initialize},
    {"CANCEL LOAD", false, false, cancel},
    {"VERIFY for unload", false, true, verify_payee},
    {"INITIALIZE FOR UNLOAD", false, false, initialize_unload},
    {"DEBIT FOR UNLOAD", false, false, debit_for_unload},
    {"ACKNOWLEDGE UNLOAD", false, false, acknowledge_unload},
    {"REQUEST another", false, false, request_another},
    {"AGREE another", true, false, agree},
    {"CONFIRM another", false, false, confirm},
    {"PROVE", true, false, prove},
    {"DROP", false, false, drop},
    {"REQUEST a third", false, false, request_another},
    {"AGREE a third", true, false, agree},
    {"CONFIRM a third", false, false, confirm},
    {"ABANDON", false, false, claim},
    {"VERIFY payer", true, true, verify_payer},
    {"REQUEST", false, false, request},
    {"AGREE", true, false, agree},
    {"CONFIRM", false, false, confirm},
    {"PUT REVOCATION LIST", false, false, put_list},
    {"COMPLETE", true, false, complete},
    {"CREDIT", false, false, credit},
    {"ACKNOWLEDGE", true, false, acknowledge},
    {"SETTLE payee", false, false, settle_payee},
    {"SETTLE payer", true, false, settle_payer},
};

unsigned
story_steps(void)
{
	return sizeof(STEPS_OF_STORY) / sizeof(STEPS_OF_STORY[0]);
}

const char *
story_name(unsigned step)
{
	return STEPS_OF_STORY[step].name;
}

struct rig_card *
story_card(const struct story *s, unsigned step)
{
	return STEPS_OF_STORY[step].payer ? s->payer : s->payee;
}

bool
story_verifies(unsigned step)
{
	return STEPS_OF_STORY[step].verifies;
}

uint16_t
story_step(struct story *s, unsigned step)
{
	/* Power was lost, and with it what was selected. */
	if (s->again)
		assert_int_equal(
		    port_select(&story_card(s, step)->port), JZ_SW_OK);
	return STEPS_OF_STORY[step].run(s);
}

void
story_check_end(const struct story *s)
{
	struct rig_card *const cards[] = {s->payee, s->payer};
	const struct purse_nvm *payee = rig_purse(s->payee);
	const struct purse_nvm *payer = rig_purse(s->payer);

	assert_int_equal(rig_purse_state(s->payee), JZ_PURSE_PERSONALISED);
	assert_int_equal(
	    payee->balance, STORY_LOAD - STORY_UNLOAD + STORY_AMOUNT);
	assert_int_equal(payer->balance, STORY_FUNDS - STORY_AMOUNT);
	assert_int_equal(rig_total(cards, 2), STORY_TOTAL);
	assert_int_equal(payee->online_counter, 3);
	assert_int_equal(payee->next_record, 5);
	assert_int_equal(payer->next_record, 3);
	assert_int_equal(payee->first_unsettled, 5);
	assert_int_equal(payer->first_unsettled, 3);
	assert_int_equal(payee->pin.tries, payee->pin.limit);
	assert_int_equal(payer->pin.tries, payer->pin.limit);
	assert_int_equal(payee->load.open, LOAD_CANCELLED);
	assert_int_equal(payee->online.unload.open, LOAD_NONE);
	assert_int_equal(payee->list_version, 1);
	assert_int_equal(payee->list.count, 1);
	assert_int_equal(payee->request.open, 0);
	assert_int_equal(payer->agreement.open, 0);
	for (unsigned i = 0; i < JZ_PURSE_PENDING; i++)
		assert_int_equal(payee->pending[i].used, 0);
}
