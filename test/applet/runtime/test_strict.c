/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict mode: an applet that touches other memory of the card than its own is
 * stopped by SIGSEGV, and a call of the runtime with such memory is refused.
 */
#define _POSIX_C_SOURCE 200809L

#include "../../support/cardrig.h"
#include "../../../apdu/error.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct note_nvm {
	struct jz_nvm_head head;
	struct jz_pin pin;
	uint8_t text[8];
	uint8_t reserved[4];
};

#define TRANSIENT_BYTES 16u

enum deed {
	NOTHING,
	READ,
	WRITE,
};

/* What the applet is to do, and to whose bytes; what came of it. */
static struct {
	enum deed deed;
	volatile uint8_t *at;
	int (*call)(struct jz_applet *self);
	int error;
	bool server; /* the server of a call does the deed */
} plan;

/* Valgrind leaves out a read whose value nobody looks at. */
static volatile uint8_t looked_at;

static void
act(void)
{
	if (plan.deed == READ)
		looked_at = *plan.at;
	else if (plan.deed == WRITE)
		*plan.at = 1;
}

static uint16_t
note_process(struct jz_applet *self, struct jz_apdu *apdu)
{
	(void)apdu;
	if (!plan.server)
		act();
	if (plan.call != NULL)
		plan.error = plan.call(self);
	return JZ_SW_OK;
}

static uint16_t
note_service(struct jz_applet *self, const struct jz_aid *client,
    uint16_t function, struct jz_span in, struct jz_buffer *out)
{
	const struct note_nvm *n = self->nvm;

	(void)client;
	(void)function;
	if (plan.server)
		act();
	jz_put(out, in.data, in.len);
	jz_put_u8(out, n->text[0]);
	return JZ_SW_OK;
}

#define NOTE(number)                                                           \
	{                                                                      \
		.abi = JZ_ABI, .layout = 1, .name = "note",                    \
		.aid = {6, {0xF0, 'N', 'O', 'T', 'E', (number)}},              \
		.nvm_bytes = sizeof(struct note_nvm),                          \
		.cor_bytes = TRANSIENT_BYTES, .cod_bytes = TRANSIENT_BYTES,    \
		.multi_selectable = true, .process = note_process,             \
		.service = note_service,                                       \
	}

static const struct jz_applet_class MINE = NOTE(1), OTHER = NOTE(2);
static const struct jz_applet_class *const CLASSES[] = {&MINE, &OTHER};

static struct fixture {
	struct rig rig;
	struct rig_card *card;
} fixture;

static struct jz_applet *
mine(void)
{
	return &fixture.card->card.applet[0];
}

static struct jz_applet *
other(void)
{
	return &fixture.card->card.applet[1];
}

static const struct note_nvm *
nvm(const struct jz_applet *a)
{
	return a->nvm;
}

static volatile uint8_t *
bytes(const void *p)
{
	return (volatile uint8_t *)(uintptr_t)p;
}

static int
setup(void **state)
{
	(void)state;
	memset(&plan, 0, sizeof(plan));
	rig_new(&fixture.rig);
	fixture.card = rig_card_new(&fixture.rig, CLASSES, 2, true);
	/* The other one on a channel of its own, so that it has its memory. */
	assert_int_equal(
	    port_hex(&fixture.card->port, "0070000001", NULL), JZ_SW_OK);
	assert_int_equal(
	    port_hex(&fixture.card->port, "01A4040006 F04E4F544502 00", NULL),
	    JZ_SW_OK);
	assert_int_equal(
	    port_hex(&fixture.card->port, "00A4040006 F04E4F544501 00", NULL),
	    JZ_SW_OK);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rig_card_free(&fixture.card);
	rig_free(&fixture.rig);
	return 0;
}

/* The cod of a channel. */
static uint8_t *
cod(unsigned channel)
{
	const struct jz_card *c = &fixture.card->card;

	return c->setup.ram + c->channel[channel].cod_at;
}

static uint16_t
run(void)
{
	return port_hex(&fixture.card->port, "80010000", NULL);
}

static void
child(void)
{
	const struct rlimit none = {0, 0};

	/* Not the handlers of test library or sanitizer, and no core file. */
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	setrlimit(RLIMIT_CORE, &none);
	run();
	_exit(0);
}

/* Where an applet would find a byte of the card's memory, were it its own. */
static void *
seen(const void *p)
{
	const struct rig_card *c = fixture.card;
	size_t at = (size_t)((const uint8_t *)p - c->nvm);

	if (c->setup.guard == NULL || p == NULL)
		return (void *)(uintptr_t)p;
	if (at < sizeof(c->nvm))
		return c->setup.guard->nvm + at;
	return c->setup.guard->ram + ((const uint8_t *)p - c->ram);
}

/* The applet does it in a process of its own, and dies of it. */
static bool
is_stopped_at(enum deed deed, const void *at)
{
	int status = 0;
	pid_t pid;

	plan.deed = deed;
	plan.at = (void *)(uintptr_t)at;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	plan.deed = NOTHING;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSEGV ||
		    WTERMSIG(status) == SIGBUS;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

/* The same where applets see that byte. */
static bool
is_stopped(enum deed deed, const void *at)
{
	return is_stopped_at(deed, at != NULL ? seen(at) : NULL);
}

/* Says why where the pages are too large for the rig. */
static bool
skipped(void)
{
	if (fixture.card->setup.guard != NULL)
		return false;
	print_message("this system's pages are larger than those of the "
		      "test's cards\n");
	skip();
	return true;
}

static void
test_own_memory_can_be_used(void **state)
{
	const struct note_nvm *n = nvm(mine());

	(void)state;
	if (skipped())
		return;
	assert_false(is_stopped(READ, n));
	assert_false(is_stopped(READ, &n->text[7]));
	assert_false(is_stopped(READ, mine()->cor));
	assert_false(is_stopped(WRITE, mine()->cor));
	assert_false(is_stopped(READ, cod(0) + TRANSIENT_BYTES - 1));
	assert_false(is_stopped(WRITE, cod(0)));
}

/* proves: persistent state is changed by runtime calls only */
static void
test_own_persistent_memory_cannot_be_written(void **state)
{
	(void)state;
	if (skipped())
		return;
	assert_true(is_stopped(WRITE, nvm(mine())));
	assert_true(is_stopped(WRITE, nvm(mine())->text));
}

/* An applet that reached for its neighbour's pointers would have these. */
static void
test_nothing_is_open_at_the_runtimes_place(void **state)
{
	const void *places[4];

	(void)state;
	if (skipped())
		return;
	places[0] = nvm(other())->text;
	places[1] = other()->cor;
	places[2] = fixture.card->nvm;
	places[3] = nvm(mine())->text;
	for (unsigned i = 0; i < 4; i++) {
		assert_true(is_stopped_at(READ, places[i]));
		assert_true(is_stopped_at(WRITE, places[i]));
	}
}

static void
test_another_applets_memory_cannot_be_touched(void **state)
{
	const void *places[3];

	(void)state;
	if (skipped())
		return;
	places[0] = nvm(other())->text;
	places[1] = other()->cor;
	places[2] = cod(1);
	for (unsigned i = 0; i < 3; i++) {
		assert_non_null(places[i]);
		assert_true(is_stopped(READ, places[i]));
		assert_true(is_stopped(WRITE, places[i]));
	}
}

static void
test_the_runtimes_memory_cannot_be_touched(void **state)
{
	const struct rig_card *c = fixture.card;
	const void *places[3];

	(void)state;
	if (skipped())
		return;
	places[0] = c->nvm; /* registry, generator */
	places[1] = c->nvm + sizeof(c->nvm) - 1;
	places[2] = c->ram + sizeof(c->ram) - 1;
	for (unsigned i = 0; i < 3; i++) {
		assert_true(is_stopped(READ, places[i]));
		assert_true(is_stopped(WRITE, places[i]));
	}
}

static void
test_between_commands_all_is_open(void **state)
{
	const struct rig_card *c = fixture.card;

	(void)state;
	assert_int_equal(run(), JZ_SW_OK);
	for (size_t i = 0; i < sizeof(c->nvm); i += 512)
		(void)bytes(c->nvm)[i];
	for (size_t i = 0; i < sizeof(c->ram); i += 512)
		bytes(c->ram)[i] = 0;
}

/* ---- calls of the runtime ----------------------------------------------- */

/* The applet makes this call; what it returns. */
static int
called(int (*call)(struct jz_applet *self))
{
	plan.call = call;
	plan.error = 1;
	assert_int_equal(run(), JZ_SW_OK);
	plan.call = NULL;
	return plan.error;
}

/* Another applet's memory, at the place of the runtime or of applets. */
static bool as_seen;

static const struct note_nvm *
others(void)
{
	return as_seen ? seen(other()->nvm) : other()->nvm;
}

static uint8_t *
others_cor(void)
{
	return as_seen ? seen(other()->cor) : other()->cor;
}

static const uint8_t HELLO[4] = {'h', 'e', 'l', 'l'};

static int
write_own(struct jz_applet *self)
{
	return jz_write(self, nvm(self)->text, HELLO, sizeof(HELLO));
}

static int
copy_own(struct jz_applet *self)
{
	return jz_write(self, nvm(self)->text + 4, nvm(self)->text, 4);
}

static int
write_others(struct jz_applet *self)
{
	return jz_write(self, others()->text, HELLO, sizeof(HELLO));
}

static int
write_now_others(struct jz_applet *self)
{
	return jz_write_now(self, others()->text, HELLO, sizeof(HELLO));
}

static int
write_nonatomic_others(struct jz_applet *self)
{
	return jz_write_nonatomic(self, others()->text, HELLO, sizeof(HELLO));
}

static int
fill_others(struct jz_applet *self)
{
	return jz_fill(self, others()->text, 7, 4);
}

static int
write_root(struct jz_applet *self)
{
	return jz_write_u8(self, fixture.card->nvm, 1);
}

static int
write_head(struct jz_applet *self)
{
	return jz_write_u8(self, &nvm(self)->head.aid_len, 1);
}

static int
write_past_own(struct jz_applet *self)
{
	return jz_write(self, nvm(self)->text, nvm(self),
	    sizeof(struct note_nvm)); /* its end is outside */
}

static int
write_from_others(struct jz_applet *self)
{
	return jz_write(self, nvm(self)->text, others()->text, 4);
}

static int
write_from_others_transient(struct jz_applet *self)
{
	return jz_write(self, nvm(self)->text, others_cor(), 4);
}

static int
update_others_pin(struct jz_applet *self)
{
	return jz_pin_update(
	    self, &others()->pin, jz_span(HELLO, sizeof(HELLO)), 3);
}

static int
pin_from_others(struct jz_applet *self)
{
	return jz_pin_update(
	    self, &nvm(self)->pin, jz_span(others()->text, 4), 3);
}

static int
unblock_others_pin(struct jz_applet *self)
{
	return jz_pin_unblock(self, &others()->pin);
}

static int
random_to_others(struct jz_applet *self)
{
	return jz_card_random(self, others_cor(), 4);
}

static void
test_calls_with_own_memory_work(void **state)
{
	(void)state;
	assert_int_equal(called(write_own), 0);
	assert_int_equal(called(copy_own), 0);
	assert_memory_equal(nvm(mine())->text, "hellhell", 8);
}

static void
test_calls_with_other_memory_are_refused(void **state)
{
#define ROW(call)                                                              \
	{                                                                      \
#call, call                                                    \
	}
	static const struct {
		const char *name;
		int (*call)(struct jz_applet *self);
	} rows[] = {
	    ROW(write_others),
	    ROW(write_now_others),
	    ROW(write_nonatomic_others),
	    ROW(fill_others),
	    ROW(write_root),
	    ROW(write_head),
	    ROW(write_past_own),
	    ROW(write_from_others),
	    ROW(write_from_others_transient),
	    ROW(update_others_pin),
	    ROW(pin_from_others),
	    ROW(unblock_others_pin),
	    ROW(random_to_others),
	};
#undef ROW
	uint8_t before[32], after[32];

	(void)state;
	rig_hash(fixture.card, before);
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		int e;

		as_seen = i % 2 != 0;
		e = called(rows[i / 2].call);
		if (e != JZ_ERR_ARGUMENT)
			fail_msg("%s: %s", rows[i / 2].name, jz_error_name(e));
		rig_hash(fixture.card, after);
		assert_memory_equal(before, after, sizeof(before));
	}
}

/* ---- services ----------------------------------------------------------- */

static struct jz_span asked;
static uint8_t answer[JZ_SERVICE_BYTES];
static size_t answer_len;

static int
ask(struct jz_applet *self)
{
	struct jz_buffer out = jz_buffer(answer, sizeof(answer));
	uint16_t sw = jz_call(self, &OTHER.aid, 1, asked, &out);

	answer_len = out.len;
	return sw;
}

/* The server does it while it serves. */
static bool
server_is_stopped(enum deed deed, const void *at)
{
	bool stopped;

	plan.call = ask;
	plan.server = true;
	stopped = is_stopped(deed, at);
	plan.server = false;
	plan.call = NULL;
	return stopped;
}

static void
test_a_service_runs_in_the_servers_memory(void **state)
{
	(void)state;
	if (skipped())
		return;
	assert_false(server_is_stopped(READ, nvm(other())->text));
	assert_false(server_is_stopped(WRITE, other()->cor));
	assert_true(server_is_stopped(READ, nvm(mine())->text));
	assert_true(server_is_stopped(READ, mine()->cor));
	assert_true(server_is_stopped(WRITE, mine()->cor));
	assert_true(server_is_stopped(READ, cod(0)));
	assert_true(server_is_stopped(READ, fixture.card->nvm));
}

static int
ask_then_write_cor(struct jz_applet *self)
{
	int sw = ask(self);

	*(uint8_t *)self->cor = 1;
	*(uint8_t *)self->cod = 1;
	return sw;
}

static int
ask_then_read_others(struct jz_applet *self)
{
	int sw = ask(self);

	return sw + *bytes(seen(nvm(other())->text));
}

static void
test_after_a_service_the_client_is_back_in_its_own(void **state)
{
	(void)state;
	if (skipped())
		return;
	plan.call = ask_then_write_cor;
	assert_false(is_stopped(NOTHING, NULL));
	plan.call = ask_then_read_others;
	assert_true(is_stopped(NOTHING, NULL));
}

/* What the client asks comes from its memory, which the server cannot read. */
static void
test_question_and_answer_cross(void **state)
{
	static const uint8_t text[4] = {1, 2, 3, 4};

	(void)state;
	assert_int_equal(jz_write(mine(), nvm(mine())->text, text, 4), 0);
	assert_int_equal(jz_write(other(), nvm(other())->text, "S", 1), 0);
	asked = jz_span(nvm(mine())->text, 4);
	assert_int_equal(called(ask), JZ_SW_OK);
	assert_int_equal(answer_len, 5);
	assert_memory_equal(answer, text, 4);
	assert_int_equal(answer[4], 'S');
	/* Another applet's memory is not asked with. */
	asked = jz_span(nvm(other())->text, 4);
	assert_int_not_equal(called(ask), JZ_SW_OK);
	asked = jz_span(NULL, 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_own_memory_can_be_used),
	    TEST(test_own_persistent_memory_cannot_be_written),
	    TEST(test_nothing_is_open_at_the_runtimes_place),
	    TEST(test_another_applets_memory_cannot_be_touched),
	    TEST(test_the_runtimes_memory_cannot_be_touched),
	    TEST(test_between_commands_all_is_open),
	    TEST(test_calls_with_own_memory_work),
	    TEST(test_calls_with_other_memory_are_refused),
	    TEST(test_a_service_runs_in_the_servers_memory),
	    TEST(test_after_a_service_the_client_is_back_in_its_own),
	    TEST(test_question_and_answer_cross),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
