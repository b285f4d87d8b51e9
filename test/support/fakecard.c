/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of a purse, docs/protocol.md section 4, from a software key.
 */
#include "fakecard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define CURRENCY_CNY 156
#define KEY_VERSION  1

static void
fill_random(const struct jz_engine *e, uint8_t *out, size_t len)
{
	assert_int_equal(e->crypto->random(e->state, out, len), 0);
}

void
fakecard_new(struct fakecard *c, const struct jz_engine *e, int64_t now)
{
	memset(c, 0, sizeof(*c));
	c->engine = *e;
	c->currency = CURRENCY_CNY;
	c->now = now;
	c->next_record = 1;
	c->first_unsettled = 1;
	assert_int_equal(e->crypto->generate(e->state, &c->key), 0);
}

struct letter
letter_of(const struct jz_message *m)
{
	struct letter l;
	struct jz_buffer b = jz_buffer(l.data, sizeof(l.data));

	assert_int_equal(jz_message_encode(m, JZ_SIGNED, &b), 0);
	l.len = b.len;
	return l;
}

struct letter
fakecard_sign(const struct fakecard *c, struct jz_message *m)
{
	if (jz_kind_signed(m->kind))
		assert_int_equal(jz_message_sign(&c->engine, m, &c->key), 0);
	return letter_of(m);
}

struct jz_message *
fakecard_record(struct fakecard *c, uint32_t number)
{
	return &c->record[number % FAKECARD_RECORDS];
}

/* ---- load --------------------------------------------------------------- */

struct jz_message
fakecard_load_request(struct fakecard *c, uint64_t amount)
{
	struct jz_message m = {0};

	m.kind = JZ_KIND_LOAD_REQUEST;
	memcpy(m.card_id, c->id, sizeof(m.card_id));
	m.identity = jz_span(c->holder, strlen(c->holder));
	m.account = jz_span(c->account, strlen(c->account));
	m.balance = c->balance;
	m.payment.amount = amount;
	m.payment.currency = c->currency;
	m.payment.time = c->now;
	m.online_counter = ++c->online_counter;
	m.key_version = KEY_VERSION;
	m.algorithm = (uint8_t)c->engine.crypto->suite;
	fill_random(&c->engine, m.nonce, sizeof(m.nonce));
	memset(m.terminal, 0x31, sizeof(m.terminal));
	return m;
}

struct jz_message
fakecard_unload_request(const struct fakecard *c, uint64_t amount)
{
	struct fakecard copy = *c;
	struct jz_message m = fakecard_load_request(&copy, amount);

	m.kind = JZ_KIND_UNLOAD_REQUEST;
	m.identity = jz_span(c->holder, strlen(c->holder));
	m.account = jz_span(c->account, strlen(c->account));
	return m;
}

static void
add_load_record(
    struct fakecard *c, const struct jz_message *report, int64_t time)
{
	struct jz_message *r = fakecard_record(c, c->next_record);

	memset(r, 0, sizeof(*r));
	r->kind = report->kind == JZ_KIND_UNLOAD_PROOF ? JZ_KIND_RECORD_UNLOAD
						       : JZ_KIND_RECORD_LOAD;
	r->record = c->next_record++;
	r->payment = report->payment;
	r->payment.time = time;
	r->online_counter = report->online_counter;
	r->balance = report->balance;
	memcpy(r->payer_signature, report->signature, JZ_SIGNATURE_BYTES);
}

/* The word about a permission carried out, and its record. */
static struct jz_message
carried_out(struct fakecard *c, const struct letter *permission,
    enum jz_kind permitted, enum jz_kind word)
{
	struct jz_message in, m = {0};

	assert_int_equal(
	    jz_message_decode(letter_span(permission), permitted, &in), 0);
	if (word == JZ_KIND_UNLOAD_PROOF) {
		c->balance -= in.payment.amount;
		c->online_counter = in.online_counter;
	} else {
		c->balance += in.payment.amount;
	}
	m.kind = word;
	memcpy(m.card_id, c->id, sizeof(m.card_id));
	m.online_counter = in.online_counter;
	assert_int_equal(
	    jz_message_digest(&c->engine, &in, m.payment.agreement_digest), 0);
	m.payment.amount = in.payment.amount;
	m.payment.currency = in.payment.currency;
	m.balance = c->balance;
	m.record = c->next_record;
	assert_int_equal(jz_message_sign(&c->engine, &m, &c->key), 0);
	add_load_record(c, &m, in.payment.time);
	return m;
}

struct jz_message
fakecard_load_report(struct fakecard *c, const struct letter *permission)
{
	return carried_out(
	    c, permission, JZ_KIND_LOAD_PERMISSION, JZ_KIND_LOAD_REPORT);
}

struct jz_message
fakecard_unload_proof(struct fakecard *c, const struct letter *permission)
{
	return carried_out(
	    c, permission, JZ_KIND_UNLOAD_PERMISSION, JZ_KIND_UNLOAD_PROOF);
}

struct jz_message
fakecard_load_cancel(const struct fakecard *c, const struct jz_message *request)
{
	struct jz_message m = {0};

	m.kind = JZ_KIND_LOAD_CANCEL;
	memcpy(m.card_id, request->card_id, sizeof(m.card_id));
	m.online_counter = request->online_counter;
	assert_int_equal(
	    jz_message_digest(&c->engine, request, m.payment.request_digest),
	    0);
	return m;
}

/* ---- payment ------------------------------------------------------------ */

struct jz_message
fakecard_completion_of(const struct jz_message *record)
{
	struct jz_message m = {0};

	m.kind = JZ_KIND_COMPLETION;
	m.payment = record->payment;
	m.payer_record = record->payer_record;
	m.payer_time = record->payer_time;
	memcpy(m.signature, record->payer_signature, JZ_SIGNATURE_BYTES);
	return m;
}

struct jz_message
fakecard_confirmation_of(const struct jz_message *record)
{
	struct jz_message m = {0};

	m.kind = JZ_KIND_CONFIRMATION;
	m.payment = record->payment;
	memcpy(m.signature, record->payee_signature, JZ_SIGNATURE_BYTES);
	return m;
}

struct jz_message
fakecard_receipt_of(const struct jz_engine *e, const struct jz_message *record)
{
	struct jz_message completion = fakecard_completion_of(record);
	struct jz_message m = {0};

	m.kind = JZ_KIND_RECEIPT;
	m.payment = record->payment;
	m.payee_record = record->payee_record;
	m.payee_time = record->payee_time;
	assert_int_equal(
	    jz_message_digest(e, &completion, m.completion_digest), 0);
	memcpy(m.signature, record->payee_signature, JZ_SIGNATURE_BYTES);
	return m;
}

static void
agree(struct fakecard *payer, struct fakecard *payee, uint64_t amount,
    struct jz_payment *p)
{
	memset(p, 0, sizeof(*p));
	p->amount = amount;
	p->currency = payee->currency;
	memcpy(p->payee_id, payee->id, JZ_ID_BYTES);
	memcpy(p->payer_id, payer->id, JZ_ID_BYTES);
	p->payee_counter = ++payee->offline_counter;
	p->payer_counter = ++payer->offline_counter;
	p->time = payee->now;
	fill_random(&payee->engine, p->request_digest, JZ_DIGEST_BYTES);
	fill_random(&payer->engine, p->agreement_digest, JZ_DIGEST_BYTES);
}

/* The payer's record, with both signatures. */
static void
add_paid(struct fakecard *payer, const struct fakecard *payee,
    const struct jz_payment *p)
{
	struct jz_message *r = fakecard_record(payer, payer->next_record);
	struct jz_message m;

	memset(r, 0, sizeof(*r));
	r->kind = JZ_KIND_RECORD_PAID;
	r->payment = *p;
	r->payer_record = payer->next_record++;
	r->payer_time = payer->now + 1;
	m = fakecard_completion_of(r);
	(void)fakecard_sign(payer, &m);
	memcpy(r->payer_signature, m.signature, JZ_SIGNATURE_BYTES);
	m = fakecard_confirmation_of(r);
	(void)fakecard_sign(payee, &m);
	memcpy(r->payee_signature, m.signature, JZ_SIGNATURE_BYTES);
}

static void
add_received(struct fakecard *payee, const struct jz_message *paid)
{
	struct jz_message *r = fakecard_record(payee, payee->next_record);
	struct jz_message m;

	*r = *paid;
	r->kind = JZ_KIND_RECORD_RECEIVED;
	r->payee_record = payee->next_record++;
	r->payee_time = payee->now + 2;
	m = fakecard_receipt_of(&payee->engine, r);
	(void)fakecard_sign(payee, &m);
	memcpy(r->payee_signature, m.signature, JZ_SIGNATURE_BYTES);
}

void
fakecard_pay(struct fakecard *payer, struct fakecard *payee, uint64_t amount)
{
	struct jz_payment p;

	agree(payer, payee, amount, &p);
	payer->balance -= amount;
	payee->balance += amount;
	add_paid(payer, payee, &p);
	add_received(payee, fakecard_record(payer, payer->next_record - 1));
}

struct jz_message
fakecard_exception_of(const struct jz_message *record)
{
	struct jz_message m = *record;

	m.kind = JZ_KIND_EXCEPTION;
	memcpy(m.signature, record->payee_signature, JZ_SIGNATURE_BYTES);
	return m;
}

void
fakecard_give_up(struct fakecard *payer, struct fakecard *payee,
    uint64_t amount, bool paid, enum jz_outcome outcome)
{
	struct jz_message *r = fakecard_record(payee, payee->next_record);
	struct jz_payment p;
	struct jz_message m;

	agree(payer, payee, amount, &p);
	if (paid) {
		payer->balance -= amount;
		add_paid(payer, payee, &p);
	}
	memset(r, 0, sizeof(*r));
	r->kind = JZ_KIND_RECORD_EXCEPTION;
	r->payment = p;
	r->payee_record = payee->next_record++;
	r->payee_time = payee->now + 2;
	r->outcome = (uint8_t)outcome;
	m = fakecard_exception_of(r);
	(void)fakecard_sign(payee, &m);
	memcpy(r->payee_signature, m.signature, JZ_SIGNATURE_BYTES);
}

/* ---- settlement --------------------------------------------------------- */

struct jz_message
fakecard_sign_in_request(struct fakecard *c)
{
	struct jz_message m = {0};

	fill_random(&c->engine, c->card_nonce, sizeof(c->card_nonce));
	m.kind = JZ_KIND_SIGN_IN_REQUEST;
	memcpy(m.card_id, c->id, sizeof(m.card_id));
	memcpy(m.nonce, c->card_nonce, sizeof(m.nonce));
	return m;
}

struct jz_message
fakecard_sign_in(struct fakecard *c, const struct letter *challenge)
{
	struct jz_message in, m = {0};

	assert_int_equal(
	    jz_message_decode(letter_span(challenge), JZ_KIND_CHALLENGE, &in),
	    0);
	memcpy(c->host_nonce, in.host_nonce, sizeof(c->host_nonce));
	m.kind = JZ_KIND_SIGN_IN;
	memcpy(m.card_id, c->id, sizeof(m.card_id));
	memcpy(m.nonce, c->card_nonce, sizeof(m.nonce));
	memcpy(m.host_nonce, c->host_nonce, sizeof(m.host_nonce));
	m.record = c->first_unsettled;
	m.count = c->next_record - c->first_unsettled;
	m.balance = c->balance;
	return m;
}

struct jz_message
fakecard_batch(const struct fakecard *c, uint32_t first, uint32_t n,
    struct letter *records)
{
	struct jz_buffer b = jz_buffer(records->data, sizeof(records->data));
	struct jz_message m = {0};

	for (uint32_t k = 0; k < n; k++)
		assert_int_equal(jz_message_encode(
				     &c->record[(first + k) % FAKECARD_RECORDS],
				     JZ_SIGNED, &b),
		    0);
	records->len = b.len;
	m.kind = JZ_KIND_BATCH;
	memcpy(m.card_id, c->id, sizeof(m.card_id));
	memcpy(m.host_nonce, c->host_nonce, sizeof(m.host_nonce));
	m.record = first;
	m.count = n;
	m.records = letter_span(records);
	return m;
}

void
fakecard_processed(struct fakecard *c, const struct letter *processed)
{
	struct jz_message m;

	assert_int_equal(
	    jz_message_decode(letter_span(processed), JZ_KIND_PROCESSED, &m),
	    0);
	assert_memory_equal(m.card_id, c->id, JZ_ID_BYTES);
	assert_memory_equal(m.host_nonce, c->host_nonce, JZ_NONCE_BYTES);
	assert_int_equal(m.record, c->first_unsettled);
	c->first_unsettled += m.count;
}
