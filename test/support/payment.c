/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/protocol.md section 5, REQUEST to ACKNOWLEDGE, as a host runs them.
 */
#include "payment.h"
#include "../../keys/signed.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CNY 156

struct payment
payment_of(const struct port *payee, const struct port *payer, uint64_t amount,
    int64_t time)
{
	struct payment pay;

	memset(&pay, 0, sizeof(pay));
	pay.payee = payee;
	pay.payer = payer;
	pay.terms = terms_of(amount, CNY, time, "");
	return pay;
}

const struct port *
payment_card(const struct payment *pay, enum step step)
{
	bool payee =
	    step == STEP_REQUEST || step == STEP_CONFIRM || step == STEP_CREDIT;

	return payee ? pay->payee : pay->payer;
}

uint32_t
payment_header(enum step step)
{
	return AT_REQUEST + ((uint32_t)step << 16);
}

struct jz_span
payment_data(const struct payment *pay, enum step step)
{
	return step == STEP_REQUEST ? blob_span(&pay->terms)
				    : blob_span(&pay->message[step - 1]);
}

/* The payer's hello, behind the terms. */
static uint16_t
greet(struct payment *pay)
{
	struct blob *t = &pay->terms;
	struct answer a;

	if (!pay->encrypted || pay->next != STEP_REQUEST)
		return JZ_SW_OK;
	if (port_send(pay->payer, AT_HELLO, jz_span(NULL, 0), &a) != JZ_SW_OK)
		return a.sw;
	assert_in_range(t->len + a.len, 1, sizeof(t->data));
	memcpy(t->data + t->len, a.data, a.len);
	t->len += a.len;
	return JZ_SW_OK;
}

uint16_t
payment_run(struct payment *pay, enum step last)
{
	uint16_t sw = greet(pay);
	struct answer a;

	if (sw != JZ_SW_OK)
		return sw;
	for (; pay->next <= last; pay->next++) {
		if (port_send(payment_card(pay, pay->next),
			payment_header(pay->next), payment_data(pay, pay->next),
			&a) != JZ_SW_OK)
			return a.sw;
		blob_set(&pay->message[pay->next], answer_span(&a));
	}
	return JZ_SW_OK;
}

void
payment_digest(const struct payment *pay, uint8_t out[static JZ_DIGEST_BYTES])
{
	struct jz_sealed s;

	assert_int_equal(
	    jz_sealed_parse(blob_span(&pay->message[STEP_AGREE]), &s), 0);
	memcpy(out, s.request_digest, JZ_DIGEST_BYTES);
}
