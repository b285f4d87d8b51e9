/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services between applets (jz_call): Java Card 3 JCRE 6.2, shareable
 * interfaces.
 */
#include "card_bench.h"

enum function {
	FN_ECHO,  /* the client's AID, then the question */
	FN_LONG,  /* one byte too many */
	FN_WARN,  /* 6282, with an answer */
	FN_WRITE, /* the question's first byte to the number */
	FN_LEAVE_OPEN,
	FN_COMMIT,
	FN_ABORT,
	FN_ASK,	  /* asks the client's neighbour in turn */
	FN_REACH, /* writes to the client's memory; the error, negated */
	FN_STATE, /* bit 0: in a transaction, bit 1: has COD memory */
	FN_KEEP,  /* counts in COR memory */
};

struct peer_nvm {
	struct jz_nvm_head head;
	uint32_t number;
	uint8_t reserved[4];
};

/* What a server saw: a test asks afterwards. */
struct seen {
	const uint8_t *question;
	const void *client_nvm;
	unsigned calls;
};
static struct seen seen;

static const struct jz_aid CLIENT_AID = {6, {0xF0, 'P', 'E', 'E', 'R', 1}};
static const struct jz_aid SERVER_AID = {6, {0xF0, 'P', 'E', 'E', 'R', 2}};
static const struct jz_aid SINGLE_AID = {6, {0xF0, 'P', 'E', 'E', 'R', 3}};
static const struct jz_aid SILENT_AID = {6, {0xF0, 'P', 'E', 'E', 'R', 4}};
static const struct jz_aid UNKNOWN_AID = {6, {0xF0, 'P', 'E', 'E', 'R', 9}};

static uint16_t
peer_process(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct jz_command *c = &apdu->command;

	/* The function is P1, and P2 a transaction around the call. */
	if (c->p2 != 0) {
		const struct peer_nvm *n = self->nvm;

		jz_begin(self);
		jz_write_u32(self, &n->number, 100);
	}
	return jz_call(self, &SERVER_AID, c->p1, c->data, &apdu->out);
}

static uint16_t
leave_open(struct jz_applet *self)
{
	const struct peer_nvm *n = self->nvm;

	jz_begin(self);
	jz_write_u32(self, &n->number, 50);
	return JZ_SW_OK;
}

static uint16_t
reach(struct jz_applet *self, struct jz_span in, struct jz_buffer *out)
{
	const struct jz_nvm_head *other = seen.client_nvm;

	jz_put_u8(out, (uint8_t)-jz_write(self, other + 1, "x", 1));
	jz_put_u8(out, (uint8_t)-jz_write(self, in.data, "x", 1));
	return JZ_SW_OK;
}

static uint16_t
peer_service(struct jz_applet *self, const struct jz_aid *client,
    uint16_t function, struct jz_span in, struct jz_buffer *out)
{
	static const uint8_t long_answer[JZ_SERVICE_BYTES + 1] = {0};
	const struct peer_nvm *n = self->nvm;

	seen.question = in.data;
	seen.calls++;
	switch (function) {
	case FN_ECHO:
		jz_put(out, client->bytes, client->len);
		jz_put(out, in.data, in.len);
		return JZ_SW_OK;
	case FN_LONG:
		jz_put(out, long_answer, sizeof(long_answer));
		return JZ_SW_OK;
	case FN_WARN:
		jz_put_u8(out, 1);
		return 0x6282;
	case FN_WRITE:
		return jz_runtime_status(
		    jz_write_u32(self, &n->number, in.data[0]));
	case FN_LEAVE_OPEN:
		return leave_open(self);
	case FN_COMMIT:
		return jz_runtime_status(jz_commit(self));
	case FN_ABORT:
		return jz_runtime_status(jz_abort(self));
	case FN_ASK:
		return jz_call(self, &SINGLE_AID, FN_ECHO, in, out);
	case FN_REACH:
		return reach(self, in, out);
	case FN_STATE:
		jz_put_u8(out,
		    (jz_in_transaction(self) ? 1 : 0) |
			(self->cod != NULL ? 2 : 0));
		return JZ_SW_OK;
	case FN_KEEP:
		jz_put_u8(out, ++*(uint8_t *)self->cor);
		return JZ_SW_OK;
	default:
		return JZ_SW_FUNCTION;
	}
}

#define PEER_AID(n)                                                            \
	{                                                                      \
		6,                                                             \
		{                                                              \
			0xF0, 'P', 'E', 'E', 'R', n                            \
		}                                                              \
	}

static const struct jz_applet_class CLIENT = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "client",
    .aid = PEER_AID(1),
    .nvm_bytes = sizeof(struct peer_nvm),
    .cod_bytes = 8,
    .multi_selectable = true,
    .process = peer_process,
    .service = peer_service,
};
static const struct jz_applet_class SERVER = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "server",
    .aid = PEER_AID(2),
    .nvm_bytes = sizeof(struct peer_nvm),
    .cor_bytes = 8,
    .cod_bytes = 8,
    .multi_selectable = true,
    .process = peer_process,
    .service = peer_service,
};
static const struct jz_applet_class SINGLE = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "single",
    .aid = PEER_AID(3),
    .nvm_bytes = sizeof(struct peer_nvm),
    .process = peer_process,
    .service = peer_service,
};
static const struct jz_applet_class SILENT = {
    .abi = JZ_ABI,
    .layout = 1,
    .name = "silent",
    .aid = PEER_AID(4),
    .nvm_bytes = sizeof(struct peer_nvm),
    .process = peer_process,
};
static const struct jz_applet_class *const CLASSES[] = {
    &CLIENT, &SERVER, &SINGLE, &SILENT};

static int
setup(void **state)
{
	memset(&seen, 0, sizeof(seen));
	return bench_new(state, CLASSES, 4);
}

static struct jz_applet *
peer(struct rig_card *c, unsigned i)
{
	return &c->card.applet[i];
}

static uint32_t
number(struct rig_card *c, unsigned i)
{
	return ((const struct peer_nvm *)peer(c, i)->nvm)->number;
}

/* The client asks; the answer is thrown away. */
static uint16_t
ask(struct rig_card *c, const struct jz_aid *server, uint16_t function)
{
	uint8_t bytes[JZ_SERVICE_BYTES];
	struct jz_buffer out = jz_buffer(bytes, sizeof(bytes));
	static const uint8_t question[] = {9};

	return jz_call(peer(c, 0), server, function,
	    jz_span(question, sizeof(question)), &out);
}

/* ---- who asks whom ------------------------------------------------------ */

static void
test_the_server_knows_who_asks(void **state)
{
	struct rig_card *c = card_of(state);
	struct answer a;

	assert_int_equal(select_on(c, &CLIENT_AID, 0), JZ_SW_OK);
	assert_int_equal(
	    port_hex(&c->port, "80100000 03 AABBCC 00", &a), JZ_SW_OK);
	assert_int_equal(a.len, 9);
	assert_memory_equal(a.data, CLIENT_AID.bytes, 6);
	assert_memory_equal(a.data + 6, "\xAA\xBB\xCC", 3);
	/* Another client. */
	assert_int_equal(select_on(c, &SILENT_AID, 0), JZ_SW_OK);
	assert_int_equal(port_hex(&c->port, "8010000000", &a), JZ_SW_OK);
	assert_int_equal(a.len, 6);
	assert_memory_equal(a.data, SILENT_AID.bytes, 6);
}

static void
test_an_unknown_server_is_6a88(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(ask(c, &UNKNOWN_AID, FN_ECHO), JZ_SW_REFERENCE);
	assert_int_equal(seen.calls, 0);
}

static void
test_a_server_without_a_service_is_6a81(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(ask(c, &SILENT_AID, FN_ECHO), JZ_SW_FUNCTION);
}

/* Writes the life cycle state of an instance. */
static void
set_state(struct rig_card *c, unsigned i, uint8_t app_state)
{
	struct jz_nvm_root *root = (struct jz_nvm_root *)(void *)c->nvm;

	root->entry[i].state = app_state;
	jz_card_reset(&c->card);
	peer(c, i)->state = app_state;
}

static void
test_a_server_that_cannot_be_selected_is_6a88(void **state)
{
	static const uint8_t states[] = {JZ_APP_INSTALLED,
	    JZ_APP_SELECTABLE | JZ_APP_LOCKED, 0x0F | JZ_APP_LOCKED};
	struct rig_card *c = card_of(state);

	for (size_t i = 0; i < sizeof(states); i++) {
		set_state(c, 1, states[i]);
		assert_int_equal(ask(c, &SERVER_AID, FN_ECHO), JZ_SW_REFERENCE);
	}
	assert_int_equal(seen.calls, 0);
	set_state(c, 1, 0x0F);
	assert_int_equal(ask(c, &SERVER_AID, FN_ECHO), JZ_SW_OK);
	/* GlobalPlatform: a locked card has its security domain alone. */
	((struct jz_nvm_root *)(void *)c->nvm)->state = JZ_CARD_LOCKED;
	assert_int_equal(ask(c, &SERVER_AID, FN_ECHO), JZ_SW_REFERENCE);
}

static void
test_a_server_without_its_class_is_6a88(void **state)
{
	struct rig_card *c = card_of(state);

	c->setup.n_classes = 1;
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(ask(c, &SERVER_AID, FN_ECHO), JZ_SW_REFERENCE);
}

static void
test_a_single_server_is_asked_while_nobody_has_it(void **state)
{
	struct rig_card *c = card_of(state);
	static const struct jz_aid second = {6, {0xF0, 'P', 'E', 'E', 'R', 5}};

	assert_int_equal(
	    jz_card_install(&c->card, &SINGLE_AID, &second, NO_BYTES),
	    JZ_SW_OK);
	assert_int_equal(ask(c, &SINGLE_AID, FN_ECHO), JZ_SW_OK);
	assert_int_equal(select_on(c, &CLIENT_AID, 0), JZ_SW_OK);
	assert_int_equal(ask(c, &SINGLE_AID, FN_ECHO), JZ_SW_OK);
	assert_int_equal(select_on(c, &SINGLE_AID, 1), JZ_SW_OK);
	assert_int_equal(ask(c, &SINGLE_AID, FN_ECHO), JZ_SW_CONDITIONS);
	/* Its class stands for the package: the other one is not to be had
	 * either, but to the one that is selected. */
	assert_int_equal(ask(c, &second, FN_ECHO), JZ_SW_CONDITIONS);
	{
		uint8_t bytes[16];
		struct jz_buffer out = jz_buffer(bytes, sizeof(bytes));

		assert_int_equal(
		    jz_call(peer(c, 2), &second, FN_ECHO, NO_BYTES, &out),
		    JZ_SW_OK);
	}
	assert_int_equal(port_hex(&c->port, "01708000", NULL), JZ_SW_OK);
	assert_int_equal(ask(c, &SINGLE_AID, FN_ECHO), JZ_SW_OK);
}

static void
test_a_multi_selectable_server_is_asked_while_it_is_selected(void **state)
{
	struct rig_card *c = card_of(state);
	struct answer a;

	assert_int_equal(select_on(c, &CLIENT_AID, 0), JZ_SW_OK);
	assert_int_equal(select_on(c, &SERVER_AID, 1), JZ_SW_OK);
	/* No channel is the service's: no CLEAR_ON_DESELECT memory. */
	assert_int_equal(port_hex(&c->port, "8010090000", &a), JZ_SW_OK);
	assert_int_equal(a.data[0], 0);
	/* CLEAR_ON_RESET memory is its own, and the same each time. */
	for (unsigned i = 1; i < 4; i++) {
		assert_int_equal(
		    port_hex(&c->port, "80100A0000", &a), JZ_SW_OK);
		assert_int_equal(a.data[0], i);
	}
	/* The client's own memory of the channel is there again. */
	assert_ptr_equal(peer(c, 0)->cod, c->ram + c->card.channel[0].cod_at);
}

static void
test_nobody_asks_himself(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(ask(c, &CLIENT_AID, FN_ECHO), JZ_SW_CONDITIONS);
	assert_int_equal(seen.calls, 0);
}

static void
test_a_service_asks_nobody(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(ask(c, &SERVER_AID, FN_ASK), JZ_SW_CONDITIONS);
	assert_int_equal(seen.calls, 1);
	/* The next one is a first one again. */
	assert_int_equal(ask(c, &SINGLE_AID, FN_ECHO), JZ_SW_OK);
}

/* ---- what is said ------------------------------------------------------- */

static void
test_a_question_of_any_allowed_length(void **state)
{
	struct rig_card *c = card_of(state);
	static const uint8_t question[JZ_SERVICE_BYTES + 1] = {1, 2, 3};
	uint8_t bytes[2 * JZ_SERVICE_BYTES];
	struct jz_buffer out = jz_buffer(bytes, sizeof(bytes));

	assert_int_equal(jz_call(peer(c, 0), &SERVER_AID, FN_STATE,
			     jz_span(question, JZ_SERVICE_BYTES), &out),
	    JZ_SW_OK);
	assert_int_equal(jz_call(peer(c, 0), &SERVER_AID, FN_STATE,
			     jz_span(question, JZ_SERVICE_BYTES + 1), &out),
	    JZ_SW_LENGTH);
	assert_int_equal(seen.calls, 1);
	/* 250 bytes and the client's six. */
	out.len = 0;
	assert_int_equal(jz_call(peer(c, 0), &SERVER_AID, FN_ECHO,
			     jz_span(question, 250), &out),
	    JZ_SW_OK);
	assert_int_equal(out.len, JZ_SERVICE_BYTES);
	assert_int_equal(jz_call(peer(c, 0), &SERVER_AID, FN_ECHO,
			     jz_span(question, 251), &out),
	    JZ_SW_UNKNOWN);
	assert_int_equal(out.len, JZ_SERVICE_BYTES);
}

static void
test_an_answer_that_is_too_long_is_6f00(void **state)
{
	struct rig_card *c = card_of(state);
	struct answer a;

	assert_int_equal(select_on(c, &CLIENT_AID, 0), JZ_SW_OK);
	assert_int_equal(port_hex(&c->port, "8010010000", &a), JZ_SW_UNKNOWN);
	assert_int_equal(a.len, 0);
}

static void
test_an_answer_without_room_is_marked(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t bytes[5] = {0};
	struct jz_buffer out = jz_buffer(bytes, sizeof(bytes));

	assert_int_equal(
	    jz_call(peer(c, 0), &SERVER_AID, FN_ECHO, NO_BYTES, &out),
	    JZ_SW_OK);
	assert_true(out.bad);
}

static void
test_an_answer_comes_with_9000_alone(void **state)
{
	struct rig_card *c = card_of(state);
	uint8_t bytes[16];
	struct jz_buffer out = jz_buffer(bytes, sizeof(bytes));

	assert_int_equal(
	    jz_call(peer(c, 0), &SERVER_AID, FN_WARN, NO_BYTES, &out), 0x6282);
	assert_int_equal(out.len, 0);
}

static void
test_the_server_is_not_handed_the_clients_memory(void **state)
{
	struct rig_card *c = card_of(state);
	const struct peer_nvm *n = peer(c, 0)->nvm;
	uint8_t bytes[16];
	struct jz_buffer out = jz_buffer(bytes, sizeof(bytes));
	struct rig_snapshot *s = rig_save(c);

	seen.client_nvm = n;
	assert_int_equal(jz_call(peer(c, 0), &SERVER_AID, FN_REACH,
			     jz_span(&n->number, 4), &out),
	    JZ_SW_OK);
	/* A copy, and neither it nor the original is the server's to write. */
	assert_true(
	    seen.question < c->nvm || seen.question >= c->nvm + sizeof(c->nvm));
	assert_int_equal(out.data[0], (uint8_t)-JZ_ERR_ARGUMENT);
	assert_int_equal(out.data[1], (uint8_t)-JZ_ERR_ARGUMENT);
	assert_true(rig_unchanged(c, s));
	rig_snapshot_free(&s);
}

/* ---- transactions ------------------------------------------------------- */

static void
test_a_server_writes_on_its_own(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(ask(c, &SERVER_AID, FN_WRITE), JZ_SW_OK);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(number(c, 1), 9);
}

static void
test_a_transaction_across_the_call_commits_both(void **state)
{
	struct rig_card *c = card_of(state);
	const struct peer_nvm *n = peer(c, 0)->nvm;
	struct jz_fault_count was, is;

	was = jz_fault_counters(c->fault);
	jz_begin(peer(c, 0));
	jz_write_u32(peer(c, 0), &n->number, 5);
	assert_int_equal(ask(c, &SERVER_AID, FN_WRITE), JZ_SW_OK);
	assert_true(jz_in_transaction(peer(c, 0)));
	assert_int_equal(number(c, 1), 9);
	assert_int_equal(jz_commit(peer(c, 0)), 0);
	is = jz_fault_counters(c->fault);
	assert_int_equal(is.syncs, was.syncs + 1);
	assert_int_equal(rig_reopen(c), 0);
	assert_int_equal(number(c, 0), 5);
	assert_int_equal(number(c, 1), 9);
}

static void
test_a_transaction_across_the_call_rolls_back_both(void **state)
{
	struct rig_card *c = card_of(state);
	const struct peer_nvm *n = peer(c, 0)->nvm;

	jz_begin(peer(c, 0));
	jz_write_u32(peer(c, 0), &n->number, 5);
	assert_int_equal(ask(c, &SERVER_AID, FN_WRITE), JZ_SW_OK);
	jz_abort(peer(c, 0));
	assert_int_equal(number(c, 0), 0);
	assert_int_equal(number(c, 1), 0);
}

/* proves: ALL-3 (two applets, one commit) */
static void
test_a_cut_at_any_byte_leaves_both_or_neither(void **state)
{
	struct rig_card *c = card_of(state);
	const struct peer_nvm *n = peer(c, 0)->nvm;
	struct rig_snapshot *s = rig_save(c);
	unsigned both = 0, neither = 0;
	bool done = false;

	for (uint64_t at = 0; !done; at++) {
		rig_restore(c, s);
		fault(c, at, 0);
		jz_begin(peer(c, 0));
		jz_write_u32(peer(c, 0), &n->number, 5);
		ask(c, &SERVER_AID, FN_WRITE);
		done = jz_commit(peer(c, 0)) == 0;
		assert_int_equal(rig_reopen(c), 0);
		assert_int_equal(number(c, 0) == 5, number(c, 1) == 9);
		both += number(c, 0) == 5;
		neither += number(c, 0) == 0;
	}
	assert_true(both > 0 && neither > 0);
	rig_snapshot_free(&s);
}

static void
test_what_a_server_leaves_open_is_rolled_back(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(ask(c, &SERVER_AID, FN_LEAVE_OPEN), JZ_SW_OK);
	assert_false(jz_in_transaction(peer(c, 0)));
	assert_int_equal(number(c, 1), 0);
}

static void
test_the_clients_transaction_is_the_servers_too(void **state)
{
	struct rig_card *c = card_of(state);
	const struct peer_nvm *n = peer(c, 0)->nvm;

	/* Its begin is refused, its write is part of the client's. */
	jz_begin(peer(c, 0));
	assert_int_equal(ask(c, &SERVER_AID, FN_LEAVE_OPEN), JZ_SW_OK);
	assert_true(jz_in_transaction(peer(c, 0)));
	jz_abort(peer(c, 0));
	assert_int_equal(number(c, 1), 0);
	/* It may end it: then the client's commit has nothing to commit. */
	jz_begin(peer(c, 0));
	jz_write_u32(peer(c, 0), &n->number, 5);
	assert_int_equal(ask(c, &SERVER_AID, FN_COMMIT), JZ_SW_OK);
	assert_int_equal(jz_commit(peer(c, 0)), JZ_ERR_STATE);
	assert_int_equal(number(c, 0), 5);
	jz_begin(peer(c, 0));
	jz_write_u32(peer(c, 0), &n->number, 6);
	assert_int_equal(ask(c, &SERVER_AID, FN_ABORT), JZ_SW_OK);
	assert_int_equal(jz_commit(peer(c, 0)), JZ_ERR_STATE);
	assert_int_equal(number(c, 0), 5);
}

/* process returns without commit: what the server wrote goes too. */
static void
test_the_end_of_process_rolls_back_what_the_server_wrote(void **state)
{
	struct rig_card *c = card_of(state);

	assert_int_equal(select_on(c, &CLIENT_AID, 0), JZ_SW_OK);
	assert_int_equal(port_hex(&c->port, "80100301 01 09", NULL), JZ_SW_OK);
	assert_int_equal(number(c, 0), 0);
	assert_int_equal(number(c, 1), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_the_server_knows_who_asks),
	    T(test_an_unknown_server_is_6a88),
	    T(test_a_server_without_a_service_is_6a81),
	    T(test_a_server_that_cannot_be_selected_is_6a88),
	    T(test_a_server_without_its_class_is_6a88),
	    T(test_a_single_server_is_asked_while_nobody_has_it),
	    T(test_a_multi_selectable_server_is_asked_while_it_is_selected),
	    T(test_nobody_asks_himself),
	    T(test_a_service_asks_nobody),
	    T(test_a_question_of_any_allowed_length),
	    T(test_an_answer_that_is_too_long_is_6f00),
	    T(test_an_answer_without_room_is_marked),
	    T(test_an_answer_comes_with_9000_alone),
	    T(test_the_server_is_not_handed_the_clients_memory),
	    T(test_a_server_writes_on_its_own),
	    T(test_a_transaction_across_the_call_commits_both),
	    T(test_a_transaction_across_the_call_rolls_back_both),
	    T(test_a_cut_at_any_byte_leaves_both_or_neither),
	    T(test_what_a_server_leaves_open_is_rolled_back),
	    T(test_the_clients_transaction_is_the_servers_too),
	    T(test_the_end_of_process_rolls_back_what_the_server_wrote),
	};

	return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
