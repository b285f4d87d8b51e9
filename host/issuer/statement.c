/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A payment's story put together from what cards have uploaded, and verified
 * with nothing but its certificates.
 */
#include "statement.h"

#include <string.h>

#include "../../apdu/error.h"
#include "internal.h"

/* ---- putting together --------------------------------------------------- */

static int
take(struct jz_statement_part *part, struct jz_span bytes)
{
	if (bytes.len > sizeof(part->bytes))
		return JZ_ERR_SPACE;
	memcpy(part->bytes, bytes.data, bytes.len);
	part->len = bytes.len;
	return 0;
}

/* A record by the number that `err` is about; none is no error. */
static int
take_record(struct jz_issuer *i, const uint8_t card[static JZ_ID_BYTES],
    int err, int64_t number, struct jz_statement_part *part)
{
	struct jz_buffer b = jz_buffer(part->bytes, sizeof(part->bytes));

	if (err == 0)
		err =
		    jz_store_record_bytes(i->store, card, (uint32_t)number, &b);
	part->len = err == 0 ? b.len : 0;
	return err == JZ_ERR_NOT_FOUND ? 0 : err;
}

static int
take_records(struct jz_issuer *i, const struct jz_payment *p,
    struct jz_bank_statement *out)
{
	const uint8_t *d = out->request_digest;
	int64_t n = 0;
	int err = jz_store_side_number(i->store, d, JZ_SIDE_PAYER, &n);

	err = take_record(i, p->payer_id, err, n, &out->payer_record);
	if (err != 0)
		return err;
	err = jz_store_side_number(i->store, d, JZ_SIDE_PAYEE, &n);
	err = take_record(i, p->payee_id, err, n, &out->payee_record);
	if (err != 0)
		return err;
	err = jz_store_exception_number(i->store, d, &n);
	return take_record(i, p->payee_id, err, n, &out->exception);
}

static int
take_certificate(struct jz_issuer *i, const uint8_t id[static JZ_ID_BYTES],
    struct jz_statement_part *card, struct jz_statement_part *ca)
{
	struct jz_span by = {NULL, 0}, host;
	struct jz_card_row row;
	int err = jz_store_card(i->store, id, &row);

	if (err == 0)
		err = take(card, jz_span(row.certificate, row.certificate_len));
	if (err == 0)
		err = jz_issuer_chain(i,
		    jz_span(row.certificate, row.certificate_len), &by, &host);
	return err != 0 ? err : take(ca, by);
}

static int
add_posting(const struct jz_posting *p, void *arg)
{
	struct jz_bank_statement *out = arg;

	if (out->postings == JZ_STATEMENT_POSTINGS_MAX)
		return JZ_ERR_SPACE;
	out->posting[out->postings++] = *p;
	return 0;
}

static int
gather(struct jz_issuer *i, struct jz_bank_statement *out)
{
	char reference[JZ_PAYMENT_REFERENCE_CAP];
	enum jz_outcome outcome;
	struct jz_payment p;
	int err = jz_store_payment_data(i->store, out->request_digest, &p);

	if (err == JZ_ERR_NOT_FOUND)
		err = jz_store_exception(
		    i->store, out->request_digest, &p, &outcome);
	if (err == 0)
		err = take_records(i, &p, out);
	if (err == 0)
		err = take_certificate(
		    i, p.payer_id, &out->payer, &out->payer_ca);
	if (err == 0)
		err = take_certificate(
		    i, p.payee_id, &out->payee, &out->payee_ca);
	if (err == 0)
		err = take(&out->root, jz_issuer_root(i));
	if (err != 0)
		return err;
	jz_payment_reference(out->request_digest, reference);
	return jz_store_each_posting(i->store, reference, add_posting, out);
}

int
jz_issuer_statement(struct jz_issuer *i,
    const uint8_t request_digest[static JZ_DIGEST_BYTES],
    struct jz_bank_statement *out)
{
	int err;

	jz_issuer_start(i);
	memset(out, 0, sizeof(*out));
	memcpy(out->request_digest, request_digest, JZ_DIGEST_BYTES);
	err = jz_store_begin(i->store, false);
	return err != 0 ? err : jz_store_end(i->store, gather(i, out));
}

int
jz_issuer_each_traced(struct jz_issuer *i, const uint8_t *card,
    int (*each)(
	const uint8_t request_digest[static JZ_DIGEST_BYTES], void *arg),
    void *arg)
{
	jz_issuer_start(i);
	return jz_store_each_traced(i->store, card, each, arg);
}

/* ---- verifying ---------------------------------------------------------- */

static struct jz_span
span_of(const struct jz_statement_part *p)
{
	return jz_span(p->bytes, p->len);
}

static struct jz_authority
authority(const struct jz_certificate *c)
{
	struct jz_authority a;

	memcpy(a.reference, c->holder, JZ_REFERENCE_BYTES);
	memcpy(a.public_key, c->public_key, JZ_PUBLIC_BYTES_EC);
	return a;
}

/* A card's certificate under its CA's, under the root that is trusted. */
static int
verify_chain(const struct jz_engine *e, const struct jz_certificate *root,
    const struct jz_statement_part *ca, const struct jz_statement_part *card,
    struct jz_certificate *out)
{
	struct jz_authority by = authority(root);
	struct jz_certificate c;
	int err = jz_certificate_parse(span_of(ca), e->crypto, &c);

	if (err == 0)
		err = jz_certificate_verify(e, &c, &by, JZ_ROLE_CA, 0);
	if (err == 0)
		err = jz_certificate_parse(span_of(card), e->crypto, out);
	by = authority(&c);
	return err != 0 ? err
			: jz_certificate_verify(e, out, &by, JZ_ROLE_CARD, 0);
}

struct check {
	const struct jz_engine *e;
	const struct jz_bank_statement *s;
	struct jz_certificate payer, payee;
	struct jz_verdict *v;
	bool known; /* v->payment */
};

/* The first fault is the verdict. */
static void
fail(struct check *c, int err)
{
	if (c->v->err == 0)
		c->v->err = err;
}

static void
check_certificates(struct check *c, struct jz_span trusted)
{
	struct jz_certificate root;
	struct jz_authority self;
	int err = jz_span_equal(trusted, span_of(&c->s->root))
	    ? 0
	    : JZ_ERR_CERT_ISSUER;

	if (err == 0)
		err = jz_certificate_parse(trusted, c->e->crypto, &root);
	if (err == 0) {
		self = authority(&root);
		err =
		    jz_certificate_verify(c->e, &root, &self, JZ_ROLE_ROOT, 0);
	}
	if (err == 0)
		err = verify_chain(
		    c->e, &root, &c->s->payer_ca, &c->s->payer, &c->payer);
	if (err == 0)
		err = verify_chain(
		    c->e, &root, &c->s->payee_ca, &c->s->payee, &c->payee);
	if (err != 0)
		fail(c, err);
}

/* What the record says must be what all of it is about. */
static int
check_data(struct check *c, const struct jz_payment *p)
{
	if (!c->known)
		c->v->payment = *p;
	c->known = true;
	return jz_payment_equal(&c->v->payment, p) &&
		memcmp(p->request_digest, c->s->request_digest,
		    JZ_DIGEST_BYTES) == 0 &&
		memcmp(p->payer_id, c->payer.holder, JZ_ID_BYTES) == 0 &&
		memcmp(p->payee_id, c->payee.holder, JZ_ID_BYTES) == 0
	    ? 0
	    : JZ_ERR_DATA;
}

static void
prove(struct check *c, const struct jz_message *m, bool by_payer,
    bool from_payer, int64_t time)
{
	struct jz_proof *p = &c->v->proof[c->v->n++];
	struct jz_buffer b =
	    jz_buffer(p->message.bytes, sizeof(p->message.bytes));

	p->kind = m->kind;
	p->by_payer = by_payer;
	p->from_payer = from_payer;
	p->time = time;
	memcpy(p->signature, m->signature, JZ_SIGNATURE_BYTES);
	p->err = jz_message_encode(m, JZ_SIGNED, &b);
	p->message.len = b.len;
	if (p->err == 0)
		p->err = jz_message_verify(c->e, m,
		    by_payer ? c->payer.public_key : c->payee.public_key);
	if (p->err != 0)
		fail(c, p->err);
}

static void
check_record(
    struct check *c, const struct jz_statement_part *part, enum jz_kind kind)
{
	uint8_t digest[JZ_DIGEST_BYTES] = {0};
	bool paid = kind == JZ_KIND_RECORD_PAID;
	struct jz_message record, completion, word;
	int err;

	if (part->len == 0)
		return;
	err = jz_message_decode(span_of(part), kind, &record);
	if (err == 0)
		err = check_data(c, &record.payment);
	if (err != 0) {
		fail(c, err);
		return;
	}
	if (c->v->refund_of == 0)
		c->v->refund_of = record.refund_of;
	jz_record_completion(&record, &completion);
	if (kind == JZ_KIND_RECORD_EXCEPTION)
		c->v->outcome = (enum jz_outcome)record.outcome;
	else if (jz_message_digest(c->e, &completion, digest) != 0)
		fail(c, JZ_ERR_CRYPTO);
	jz_record_word(&record, digest, &word);
	if (kind == JZ_KIND_RECORD_PAID)
		prove(c, &word, false, paid, record.payment.time);
	if (kind != JZ_KIND_RECORD_EXCEPTION)
		prove(c, &completion, true, paid, record.payer_time);
	if (kind != JZ_KIND_RECORD_PAID)
		prove(c, &word, false, paid, record.payee_time);
}

void
jz_statement_verify(const struct jz_engine *e, struct jz_span root,
    const struct jz_bank_statement *s, struct jz_verdict *out)
{
	struct check c = {.e = e, .s = s, .v = out};

	memset(out, 0, sizeof(*out));
	check_certificates(&c, root);
	if (out->err != 0)
		return;
	check_record(&c, &s->payer_record, JZ_KIND_RECORD_PAID);
	check_record(&c, &s->payee_record, JZ_KIND_RECORD_RECEIVED);
	check_record(&c, &s->exception, JZ_KIND_RECORD_EXCEPTION);
	if (out->n == 0)
		fail(&c, JZ_ERR_MESSAGE);
}
