/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a typed secret comes from (requirement ALL-5: a secret stands neither
 * in the process list nor on the screen).
 */
#define _DEFAULT_SOURCE

#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>

#include "../../keys/store/keyfile.h"

#define VARIABLE "JIAOZI_TEST_SECRET"
#define LONG_64                                                                \
	"0123456789012345678901234567890123456789012345678901234567890123"
#define LONGEST LONG_64 LONG_64 LONG_64 LONG_64

struct world {
	char dir[FX_PATH_MAX];
	char path[FX_PATH_MAX];
	char source[FX_PATH_MAX + 8];
};

static int
open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	*state = w;
	if (w == NULL)
		return -1;
	fx_make_dir(w->dir);
	fx_path(w->path, w->dir, "secret");
	return snprintf(w->source, sizeof(w->source), "file:%s", w->path) < 0;
}

static int
close_world(void **state)
{
	struct world *w = *state;

	fx_remove_dir(w->dir);
	free(w);
	return 0;
}

/* A source that must fail leaves nothing in the buffer. */
static void
assert_source(const char *source, int expect, const char *want)
{
	struct jz_secret got;

	memset(&got, 'x', sizeof(got));
	assert_int_equal(jz_secret_source(source, "?", &got), expect);
	if (expect == 0) {
		assert_int_equal(got.len, strlen(want));
		assert_memory_equal(got.hidden.bytes, want, got.len);
		fx_assert_zero(got.hidden.bytes + got.len,
		    sizeof(got.hidden.bytes) - got.len);
	} else {
		fx_assert_zero(&got, sizeof(got));
	}
}

static void
test_bare_values_are_refused(void **state)
{
	static const char *const SOURCES[] = {"", "123456", "secret", "env",
	    "file", "fd", "ENV:X", "envX", ":x", "Prompt",
	    "prompt:", "fd:", "fd:-1", "fd:x", "fd:1x",
	    "fd:99999999999999999999", " env:HOME"};

	(void)state;
	for (size_t i = 0; i < sizeof(SOURCES) / sizeof(SOURCES[0]); i++)
		assert_source(SOURCES[i], JZ_ERR_ARGUMENT, NULL);
}

static void
test_environment(void **state)
{
	(void)state;
	assert_int_equal(unsetenv(VARIABLE), 0);
	assert_source("env:" VARIABLE, JZ_ERR_NOT_FOUND, NULL);
	assert_int_equal(setenv(VARIABLE, "密码 one\ntwo", 1), 0);
	assert_source("env:" VARIABLE, 0, "密码 one\ntwo");
	assert_int_equal(setenv(VARIABLE, "", 1), 0);
	assert_source("env:" VARIABLE, 0, "");
	assert_int_equal(setenv(VARIABLE, LONGEST, 1), 0);
	assert_source("env:" VARIABLE, 0, LONGEST);
	assert_int_equal(setenv(VARIABLE, LONGEST "4", 1), 0);
	assert_source("env:" VARIABLE, JZ_ERR_SPACE, NULL);
	assert_int_equal(unsetenv(VARIABLE), 0);
	assert_source("env:", JZ_ERR_NOT_FOUND, NULL);
}

static void
test_file(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		int expect;
		const char *want;
	} CASES[] = {
	    {"one\ntwo\n", 8, 0, "one"},
	    {"one", 3, 0, "one"},
	    {"\ntwo\n", 5, 0, ""},
	    {" one \n", 6, 0, " one "},
	    {"", 0, JZ_ERR_CANCELLED, NULL},
	    {"a\0b\n", 4, JZ_ERR_ARGUMENT, NULL},
	    {LONGEST "\n", 257, 0, LONGEST},
	    {LONGEST, 256, 0, LONGEST},
	    {LONGEST "4\n", 258, JZ_ERR_SPACE, NULL},
	};
	const struct world *w = *state;

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		fx_write(w->path, CASES[i].text, CASES[i].len);
		assert_source(w->source, CASES[i].expect, CASES[i].want);
	}
}

static void
test_file_that_is_not(void **state)
{
	const struct world *w = *state;
	char source[FX_PATH_MAX + 8];

	assert_source(w->source, JZ_ERR_NOT_FOUND, NULL);
	assert_source("file:", JZ_ERR_NOT_FOUND, NULL);
	assert_true(snprintf(source, sizeof(source), "file:%s", w->dir) > 0);
	assert_source(source, JZ_ERR_SYSTEM, NULL);
	fx_write(w->path, "", 0);
	assert_true(snprintf(source, sizeof(source), "file:%s/x", w->path) > 0);
	assert_source(source, JZ_ERR_SYSTEM, NULL);
}

/* Two secrets on one descriptor, one call each, and then its end. */
static void
test_descriptor(void **state)
{
	char source[16];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "one\ntwo", 7), 7);
	assert_int_equal(close(ends[1]), 0);
	assert_true(snprintf(source, sizeof(source), "fd:%d", ends[0]) > 0);
	assert_source(source, 0, "one");
	assert_source(source, 0, "two");
	assert_source(source, JZ_ERR_CANCELLED, NULL);
	assert_int_equal(close(ends[0]), 0);
	assert_source(source, JZ_ERR_NOT_FOUND, NULL);
}

/* What the child of a terminal's test says back, as its exit code. */
enum {
	CHILD_GOOD = 10,
	CHILD_CANCELLED = 11,
	CHILD_OTHER = 12,
	CHILD_ECHO_LOST = 13, /* the terminal was not put right again */
};

static int
child(const char *source, const char *want)
{
	struct termios t;
	struct jz_secret got;
	int rc = jz_secret_source(source, "PIN: ", &got);

	if (tcgetattr(STDIN_FILENO, &t) != 0 ||
	    (t.c_lflag & (ECHO | ICANON | ISIG)) != (ECHO | ICANON | ISIG))
		return CHILD_ECHO_LOST;
	if (rc == JZ_ERR_CANCELLED)
		return CHILD_CANCELLED;
	return rc == 0 && got.len == strlen(want) &&
		memcmp(got.hidden.bytes, want, got.len) == 0
	    ? CHILD_GOOD
	    : CHILD_OTHER;
}

/* Reads what the terminal shows until it contains the text, or its end. */
static bool
wait_for(int master, char *seen, size_t cap, const char *text)
{
	struct pollfd p = {master, POLLIN, 0};
	size_t len = strlen(seen);
	ssize_t n = 1;

	while (strstr(seen, text) == NULL && n > 0 && len + 1 < cap) {
		if (poll(&p, 1, 10000) != 1)
			return false;
		n = read(master, seen + len, cap - len - 1);
		len += n > 0 ? (size_t)n : 0;
		seen[len] = 0;
	}
	return strstr(seen, text) != NULL;
}

/* Types the keys at a terminal of the child's own; its exit code. */
static int
type(const char *source, const char *keys, size_t len, const char *want)
{
	char seen[256] = "";
	int master, status = 0;
	pid_t pid = forkpty(&master, NULL, NULL, NULL);

	if (pid < 0) {
		print_message("this machine gives no pseudo-terminal\n");
		skip();
	}
	if (pid == 0)
		exit(child(source, want));
	assert_true(wait_for(master, seen, sizeof(seen), "PIN: "));
	assert_int_equal(write(master, keys, len), len);
	/* the line feed that ends the prompt, or the hang-up */
	(void)wait_for(master, seen, sizeof(seen), "\n");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(close(master), 0);
	assert_true(WIFEXITED(status));
	/* Nothing that was typed has been shown. */
	assert_null(strstr(seen, "1234"));
	return WEXITSTATUS(status);
}

static void
test_prompt(void **state)
{
	static const struct {
		const char *keys;
		size_t len;
		int expect;
		const char *want;
	} CASES[] = {
	    {"1234\r", 5, CHILD_GOOD, "1234"},
	    {"1234\n", 5, CHILD_GOOD, "1234"},
	    {"\r", 1, CHILD_GOOD, ""},
	    {"12x\b34\r", 7, CHILD_GOOD, "1234"},
	    {"\x7f"
	     "12x\x7f"
	     "34\r",
		8, CHILD_GOOD, "1234"},
	    {"1\xE5\xAF\x86\x7f"
	     "234\r",
		9, CHILD_GOOD, "1234"},
	    {"wrong\x15"
	     "1234\r",
		11, CHILD_GOOD, "1234"},
	    {"1234\x04", 5, CHILD_GOOD, "1234"},
	    {"\x04", 1, CHILD_CANCELLED, NULL},
	    {"12\x03", 3, CHILD_CANCELLED, NULL},
	    {LONGEST "4\r", 258, CHILD_OTHER, NULL},
	    {"12\0", 3, CHILD_OTHER, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		if (type("prompt", CASES[i].keys, CASES[i].len,
			CASES[i].want) != CASES[i].expect)
			fail_msg("case %zu", i);
	}
	assert_int_equal(type(NULL, "1234\r", 5, "1234"), CHILD_GOOD);
}

/* A session of its own has no terminal: nothing is asked. */
static void
test_no_terminal(void **state)
{
	int status = 0;
	pid_t pid = fork();
	struct jz_secret got;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		if (setsid() < 0)
			exit(CHILD_OTHER);
		exit(jz_secret_source("prompt", NULL, &got) == JZ_ERR_CANCELLED
			? CHILD_CANCELLED
			: CHILD_OTHER);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), CHILD_CANCELLED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bare_values_are_refused),
	    cmocka_unit_test(test_environment),
	    TEST(test_file),
	    TEST(test_file_that_is_not),
	    cmocka_unit_test(test_descriptor),
	    cmocka_unit_test(test_prompt),
	    cmocka_unit_test(test_no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
