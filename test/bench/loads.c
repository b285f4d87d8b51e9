/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L

#include "loads.h"

#include <pthread.h>
#include <time.h>

#include "../../apdu/error.h"
#include "../../keys/openssl/openssl.h"

#define DEPOSIT	  100000000u
#define TIMEOUT_S 30u

double
loads_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void
buyer_new(
    struct buyer *u, struct rig *r, const struct daemon *d, enum jz_suite suite)
{
	rig_card(r, &u->card, DEPOSIT);
	(void)jz_openssl_new(suite, &u->card.engine);
	u->bank = daemon_bank(d, TIMEOUT_S);
}

void
buyer_free(struct buyer *u)
{
	jz_bank_free(&u->bank);
	jz_bank_free(&u->same);
	jz_openssl_free(&u->card.engine);
}

/* Request, permission, report. */
static int
one_load(struct buyer *u, double *signing)
{
	double began = loads_now(), asked, answered;
	struct jz_message m = fakecard_load_request(&u->card, 1);
	struct letter permission;
	struct jz_buffer b =
	    jz_buffer(permission.data, sizeof(permission.data));
	int e;

	u->request = fakecard_sign(&u->card, &m);
	asked = loads_now();
	e = u->bank->ops->permit(u->bank, letter_span(&u->request), &b);
	if (e != 0)
		return e;
	answered = loads_now();
	permission.len = b.len;
	m = fakecard_load_report(&u->card, &permission);
	u->report = letter_of(&m);
	*signing = asked - began + loads_now() - answered;
	return u->bank->ops->report(u->bank, letter_span(&u->report));
}

/* Request, permission, proof, acknowledgement. */
static int
one_unload(struct buyer *u)
{
	struct jz_message m = fakecard_unload_request(&u->card, 1);
	struct letter request = fakecard_sign(&u->card, &m), in, out;
	struct jz_buffer b = jz_buffer(in.data, sizeof(in.data));
	int e = u->bank->ops->unload_permit(u->bank, letter_span(&request), &b);

	if (e != 0)
		return e;
	in.len = b.len;
	m = fakecard_unload_proof(&u->card, &in);
	out = letter_of(&m);
	b = jz_buffer(in.data, sizeof(in.data));
	return u->bank->ops->unload(u->bank, letter_span(&out), &b);
}

static int
same_again(struct buyer *u)
{
	struct letter in;
	struct jz_buffer b = jz_buffer(in.data, sizeof(in.data));
	int e = u->same->ops->permit(u->same, letter_span(&u->request), &b);

	return e != 0 ? e
		      : u->same->ops->report(u->same, letter_span(&u->report));
}

static void *
run_buyer(void *arg)
{
	struct buyer *u = arg;

	for (unsigned n = 0; n < u->count && u->error == 0; n++) {
		double began = loads_now();

		u->signing[n] = 0;
		u->error = u->kind == LOADS_LOAD ? one_load(u, &u->signing[n])
		    : u->kind == LOADS_UNLOAD	 ? one_unload(u)
						 : same_again(u);
		u->seconds[n] = loads_now() - began;
	}
	return NULL;
}

int
loads_run(struct buyer *u, unsigned n, enum loads_kind kind, unsigned count)
{
	pthread_t thread[LOADS_CLIENTS];
	unsigned started = 0;
	int e = 0;

	for (; started < n && e == 0; started++) {
		u[started].kind = kind;
		u[started].count = count;
		u[started].error = 0;
		if (pthread_create(
			&thread[started], NULL, run_buyer, &u[started]) != 0) {
			e = JZ_ERR_SYSTEM;
			break;
		}
	}
	for (unsigned k = 0; k < started; k++) {
		(void)pthread_join(thread[k], NULL);
		if (e == 0)
			e = u[k].error;
	}
	return e;
}
