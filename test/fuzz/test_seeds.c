/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seeds of fuzz_session.c: sessions with genuine messages, as a host would
 * carry them.
 *
 *	test_seeds		whether they are so still
 *	test_seeds DIRECTORY	makes them anew, when the protocol has changed
 */
#include "../support/seeds.h"
#include "../support/session.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OTHER_ID  "CN00000000200001"
#define SEEDS	  "test/fuzz/seeds/session"
#define ELSEWHERE (UINT64_C(1) << 32) /* randomness of everybody else */
#define NOTHING	  jz_span(NULL, 0)

struct recorder {
	struct session *session;
	struct rig_card *other;
	struct rig_snapshot *other_start;
	enum session_start start;
	uint64_t position; /* of the card's randomness */
	struct port port;
	size_t len;
	uint8_t bytes[SEED_MAX];
	struct seeds seeds;
};

/* Passes a command on, with the randomness that the card will have when only
 * its own commands are carried out again. */
static size_t
transmit(void *state, const uint8_t *cmd, size_t len, uint8_t *rsp, size_t cap)
{
	struct recorder *r = state;
	struct memo *memo = r->session->rig.memo;
	struct jz_buffer b = jz_buffer(r->bytes, sizeof(r->bytes));
	uint64_t elsewhere = memo_position(memo);
	size_t n;

	b.len = r->len;
	jz_put_u16(&b, (uint16_t)len);
	jz_put(&b, cmd, len);
	assert_false(b.bad);
	r->len = b.len;
	memo_rewind(memo, r->position);
	n = jz_card_process(
	    &r->session->card[r->start]->card, cmd, len, rsp, cap);
	r->position = memo_position(memo);
	memo_rewind(memo, elsewhere);
	return n;
}

static void
begin(struct recorder *r, enum session_start start)
{
	struct memo *memo = r->session->rig.memo;

	rig_restore(r->other, r->other_start);
	rig_restore(r->session->card[start], r->session->start[start]);
	r->start = start;
	r->position = memo_position(memo);
	memo_rewind(memo, ELSEWHERE);
	r->port = (struct port){transmit, r};
	r->bytes[0] = (uint8_t)start;
	r->len = 1;
}

static void
end(struct recorder *r, const char *name)
{
	seeds_end(&r->seeds, name, jz_span(r->bytes, r->len));
}

static void
reads(struct recorder *r)
{
	static const uint32_t headers[] = {AT_BALANCE, AT_INFO, AT_CERTIFICATE,
	    AT_ASN, AT_PUBLIC, AT_READ_KEY, AT_READ_LOG(1), AT_READ_LOG(2)};

	begin(r, SESSION_READY);
	port_select(&r->port);
	port_verify(&r->port, SESSION_PIN);
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		port_send(&r->port, headers[i], NOTHING, NULL);
	end(r, "reads");
}

static void
load(struct recorder *r)
{
	begin(r, SESSION_READY);
	assert_int_equal(bank_load(&r->session->rig.bank, &r->port, SESSION_PIN,
			     SESSION_LOAD),
	    JZ_SW_OK);
	end(r, "load");
}

static void
cancel(struct recorder *r)
{
	struct blob data = load_of(SESSION_LOAD);

	begin(r, SESSION_READY);
	for (unsigned i = 0; i < 2; i++) {
		port_verify(&r->port, SESSION_PIN);
		port_send(&r->port, AT_INITIALIZE, blob_span(&data), NULL);
	}
	port_send(&r->port, AT_CANCEL, NOTHING, NULL);
	port_send(&r->port, AT_CANCEL, NOTHING, NULL);
	end(r, "cancel");
}

static void
unload(struct recorder *r)
{
	static const uint8_t serial[] = {0, 2};
	const struct bank *b = &r->session->rig.bank;
	uint8_t digest[JZ_DIGEST_BYTES];
	struct blob data = load_of(SESSION_LOAD);
	struct jz_message m;
	struct answer a;

	begin(r, SESSION_READY);
	port_verify(&r->port, SESSION_PIN);
	port_send(&r->port, AT_UNLOAD, blob_span(&data), &a);
	assert_int_equal(a.sw, JZ_SW_OK);
	m = bank_read_unload_request(
	    b, &r->session->card[r->start]->port, &a, digest);
	m = bank_permission(b, &m, digest);
	data = bank_sign(b, &m);
	data = bank_credit_data(m.payment.time, &data);
	port_send(&r->port, AT_DEBIT, blob_span(&data), &a);
	assert_int_equal(a.sw, JZ_SW_OK);
	port_send(&r->port, AT_FETCH_UNLOAD, NOTHING, NULL);
	assert_int_equal(
	    jz_message_decode(answer_span(&a), JZ_KIND_UNLOAD_PROOF, &m), 0);
	m = bank_acknowledged(b, &m);
	data = bank_sign(b, &m);
	port_send(&r->port, AT_DEBITED, blob_span(&data), NULL);
	port_verify(&r->port, SESSION_PIN);
	port_send(
	    &r->port, AT_SERIAL(JZ_TYPE_UNLOAD), jz_span(serial, 2), NULL);
	end(r, "unload");
}

static void
receive(struct recorder *r)
{
	struct payment pay;

	begin(r, SESSION_READY);
	pay = payment_of(&r->port, &r->other->port, SESSION_RECEIVE, RIG_NOW);
	assert_int_equal(payment_run(&pay, STEP_ACKNOWLEDGE), JZ_SW_OK);
	/* The completion once more. */
	port_send(&r->port, AT_CREDIT, payment_data(&pay, STEP_CREDIT), NULL);
	end(r, "receive");
}

static void
pay(struct recorder *r, uint64_t amount, const char *name)
{
	uint8_t digest[JZ_DIGEST_BYTES];
	struct payment p;
	struct blob fetch;

	begin(r, SESSION_READY);
	port_verify(&r->port, SESSION_PIN);
	p = payment_of(&r->other->port, &r->port, amount, RIG_NOW);
	assert_int_equal(payment_run(&p, STEP_COMPLETE), JZ_SW_OK);
	payment_digest(&p, digest);
	fetch = fetch_of(digest);
	port_send(&r->port, AT_FETCH, blob_span(&fetch), NULL);
	assert_int_equal(payment_run(&p, STEP_ACKNOWLEDGE), JZ_SW_OK);
	end(r, name);
}

static void
settle(struct recorder *r)
{
	uint32_t n;

	begin(r, SESSION_READY);
	assert_int_equal(
	    bank_settle(&r->session->rig.bank, &r->port, &n), JZ_SW_OK);
	assert_int_equal(n, 1);
	end(r, "settle");
}

static void
block(struct recorder *r)
{
	begin(r, SESSION_READY);
	for (unsigned i = 0; i < 4; i++)
		port_verify(&r->port, "123457");
	port_verify(&r->port, SESSION_PIN);
	end(r, "block");
}

static void
lengths(struct recorder *r)
{
	static const char *const commands[] = {"00CA7F21", "00C0000010",
	    "00C0000000", "00CA7F21 000010", "00C00000 000000",
	    "90700000 03 800800", "80700000 03 000000 00", "00A40400 01 F0 00",
	    "00A40402 01 F0 00", "01A40400", "FF000000", "0020"};

	begin(r, SESSION_READY);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		port_hex(&r->port, commands[i], NULL);
	end(r, "lengths");
}

static void
personalise(struct recorder *r)
{
	struct profile p = profile_of("CN00000000300001");

	begin(r, SESSION_EMPTY);
	assert_int_equal(
	    bank_personalise(&r->session->rig.bank, &r->port, &p), JZ_SW_OK);
	port_verify(&r->port, p.pin);
	end(r, "personalise");
}

/* Another card's certificate, kept, used and dropped; a record whole. */
static void
known(struct recorder *r)
{
	struct answer certificate, ids;
	struct payment p;
	uint8_t bytes[2 + JZ_ID_BYTES] = {JZ_TAG_CARD_ID, JZ_ID_BYTES};

	begin(r, SESSION_READY);
	port_send(&r->other->port, AT_CERTIFICATE, NOTHING, &certificate);
	port_verify(&r->port, SESSION_PIN);
	assert_int_equal(port_send(&r->port, AT_PEER(JZ_PEER_PUT),
			     answer_span(&certificate), NULL),
	    JZ_SW_OK);
	port_send(&r->port, AT_PEER(JZ_PEER_LIST), NOTHING, &ids);
	port_send(&r->port, AT_RECORD(1), NOTHING, NULL);
	p = payment_of(&r->port, &r->other->port, SESSION_RECEIVE, RIG_NOW);
	assert_int_equal(payment_run(&p, STEP_ACKNOWLEDGE), JZ_SW_OK);
	port_send(
	    &r->port, AT_REQUEST | AT_ID_ALONE, blob_span(&p.terms), NULL);
	memcpy(bytes + 2, ids.data, JZ_ID_BYTES);
	assert_int_equal(port_send(&r->port, AT_PEER(JZ_PEER_REMOVE),
			     jz_span(bytes, sizeof(bytes)), NULL),
	    JZ_SW_OK);
	end(r, "known");
}

/* A card of the encrypted profile, its hello, and a request that answers it. */
static void
hello(struct recorder *r)
{
	struct profile p = profile_of("CN00000000300001");
	struct payment pay;

	begin(r, SESSION_EMPTY);
	p.profile = JZ_PROFILE_ENCRYPTED;
	assert_int_equal(
	    bank_personalise(&r->session->rig.bank, &r->port, &p), JZ_SW_OK);
	/* Its own hello will do: it has a point and a number. */
	pay = payment_of(&r->port, &r->port, SESSION_RECEIVE, RIG_NOW);
	pay.encrypted = true;
	assert_int_equal(payment_run(&pay, STEP_AGREE), JZ_SW_SAME_CARD);
	end(r, "hello");
}

int
main(int argc, char **argv)
{
	static struct recorder r; /* too large for the stack */
	struct profile other = profile_of(OTHER_ID);

	r.seeds.folder = SEEDS;
	r.seeds.write = argc > 1 ? argv[1] : NULL;
	r.session = session_new();
	memo_rewind(r.session->rig.memo, ELSEWHERE);
	r.other = rig_bare_purse_new(&r.session->rig, &other);
	assert_int_equal(bank_load(&r.session->rig.bank, &r.other->port,
			     SESSION_PIN, SESSION_FUNDS),
	    JZ_SW_OK);
	r.other_start = rig_save(r.other);
	reads(&r);
	load(&r);
	cancel(&r);
	unload(&r);
	receive(&r);
	pay(&r, 300, "pay");
	pay(&r, 20000, "pay-pin");
	settle(&r);
	block(&r);
	lengths(&r);
	personalise(&r);
	known(&r);
	hello(&r);
	rig_snapshot_free(&r.other_start);
	rig_card_free(&r.other);
	session_free(&r.session);
	return r.seeds.stale != 0;
}
