/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `jiaozi` command: finds the subcommand, reads its options, runs it, and
 * turns the outcome into output and exit code.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../../keys/secret.h"

#define PROGRAM_ARGUMENTS_MAX 4096
#define PATH_TEXT_MAX	      64
#define PATH_WORDS_MAX	      3

/* An APDU of the command line may hold a PIN. */
static void
wipe_free(char *text)
{
	if (text != NULL)
		jz_wipe(text, strlen(text));
	free(text);
}

/* An option that may stand before the command, with its value's words. */
static int
leading_option(const char *arg)
{
	if (strcmp(arg, "--lang") == 0)
		return 2;
	if (strncmp(arg, "--lang=", 7) == 0 || strcmp(arg, "--json") == 0 ||
	    strcmp(arg, "-j") == 0 || strcmp(arg, "--trace") == 0 ||
	    strcmp(arg, "-t") == 0)
		return 1;
	return 0;
}

/* The command that the words name: the longest path that fits. */
static const struct jz_cli_command *
find(char **words, int n, int *used)
{
	const struct jz_cli_command *best = NULL, *row;
	char path[PATH_TEXT_MAX] = "";
	size_t len = 0;

	*used = 0;
	for (int k = 0; k < n && k < PATH_WORDS_MAX; k++) {
		int more = snprintf(path + len, sizeof(path) - len, "%s%s",
		    k > 0 ? " " : "", words[k]);

		if (more < 0 || (size_t)more >= sizeof(path) - len)
			break;
		len += (size_t)more;
		for (unsigned i = 0; (row = jz_cli_command(i)) != NULL; i++) {
			if (strcmp(row->path, path) != 0)
				continue;
			best = row;
			*used = k + 1;
		}
	}
	return best;
}

/* The commands whose first word this is; false when there is none. */
static bool
list_group(const struct jz_cli *c, const char *word, FILE *f)
{
	const struct jz_cli_command *row;
	size_t len = strlen(word);
	bool any = false;

	for (unsigned i = 0; (row = jz_cli_command(i)) != NULL; i++) {
		if (strncmp(row->path, word, len) != 0 || row->path[len] != ' ')
			continue;
		any = true;
		fprintf(
		    f, "  jiaozi %-24s %s\n", row->path, row->summary[c->lang]);
	}
	return any;
}

/* No command of that name: says which there are. */
static int
unknown(struct jz_cli *c, char **words, int n)
{
	bool group;
	bool help = n > 1 &&
	    (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0);

	if (n == 0) {
		if (!c->json)
			jz_cli_overview(c, stderr);
		return jz_cli_fail(c, JZ_ERR_ARGUMENT, "%s",
		    jz_tr(c, "which command?", "哪个命令？"));
	}
	group = list_group(c, words[0], help ? stdout : stderr);
	if (group && help)
		return 0;
	return jz_cli_fail(c, JZ_ERR_ARGUMENT,
	    jz_tr(c, "\"jiaozi %s%s%s\" is no command; see \"jiaozi help\"",
		"没有“jiaozi %s%s%s”这个命令，见“jiaozi help”"),
	    words[0], group && n > 1 ? " " : "",
	    group && n > 1 ? words[1] : "");
}

static void
show_apdu(const char *reader, bool command, struct jz_span apdu, void *arg)
{
	(void)arg;
	fprintf(stderr, "%s %s:", command ? ">>" : "<<", reader);
	for (size_t i = 0; i < apdu.len; i++)
		fprintf(stderr, "%s%02X", i % 32 == 0 && i > 0 ? "\n   " : " ",
		    (unsigned)apdu.data[i]);
	fputc('\n', stderr);
}

static int
run(struct jz_cli *c, int argc, const char **argv)
{
	int err = jz_cli_options(c, argc, argv);
	const char *lang = c->value[JZ_OPT_LANG];

	if (err != 0)
		return err;
	if (lang != NULL && strncmp(lang, "en", 2) != 0 &&
	    strncmp(lang, "zh", 2) != 0)
		return jz_cli_fail(
		    c, JZ_ERR_ARGUMENT, "--lang %s: en, zh", lang);
	if (jz_cli_has(c, JZ_OPT_HELP)) {
		if (c->json)
			jz_cli_put(c, "command", json_string(c->command->path));
		else
			jz_cli_command_help(c, c->command, stdout);
		return 0;
	}
	if (jz_cli_has(c, JZ_OPT_TRACE))
		jz_reader_trace(show_apdu, NULL);
	err = c->command->run(c);
	jz_reader_trace(NULL, NULL);
	return err;
}

/* What must be known before the options are read: how to report a failure. */
static void
foresee(struct jz_cli *c, int argc, char **argv)
{
	const char *lang = NULL;

	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--json") == 0 ||
		    strcmp(argv[i], "-j") == 0)
			c->json = true;
		else if (strncmp(argv[i], "--lang=", 7) == 0)
			lang = argv[i] + 7;
		else if (strcmp(argv[i], "--lang") == 0 && i + 1 < argc)
			lang = argv[i + 1];
	}
	c->lang = jz_cli_language(lang);
}

/* Words before the command, the command, and the rest, put in popt's order. */
static int
dispatch(struct jz_cli *c, int argc, char **argv)
{
	const char **rest = NULL;
	int at = 1, step, used, n = 0, err;

	if (argc > PROGRAM_ARGUMENTS_MAX)
		return JZ_ERR_RANGE;
	while (at < argc && (step = leading_option(argv[at])) > 0)
		at += step;
	if (at < argc &&
	    (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0)) {
		jz_cli_overview(c, stdout);
		return 0;
	}
	if (at < argc && strcmp(argv[at], "--version") == 0)
		return jz_cmd_version(c);
	if (at > argc)
		at = argc;
	c->command = find(argv + at, argc - at, &used);
	if (c->command == NULL)
		return unknown(c, argv + at, argc - at);
	rest = calloc((size_t)argc + 1, sizeof(*rest));
	if (rest == NULL)
		return JZ_ERR_MEMORY;
	rest[n++] = "jiaozi";
	for (int i = 1; i < argc; i++)
		if (i < at || i >= at + used)
			rest[n++] = argv[i];
	err = run(c, n, rest);
	free(rest);
	return err;
}

/*
 * Keys and PINs are in memory while a command runs: what ends in the middle
 * leaves no core file.  The hard limit stays, for who debugs.
 */
static void
leave_no_core(void)
{
	struct rlimit core;

	if (getrlimit(RLIMIT_CORE, &core) != 0)
		return;
	core.rlim_cur = 0;
	(void)setrlimit(RLIMIT_CORE, &core);
}

int
main(int argc, char **argv)
{
	struct jz_cli c;
	int err, code;

	leave_no_core();
	memset(&c, 0, sizeof(c));
	c.result = json_object();
	c.more = json_object();
	if (c.result == NULL || c.more == NULL)
		return JZ_EXIT_INTERNAL;
	foresee(&c, argc, argv);
	err = dispatch(&c, argc, argv);
	code = jz_cli_finish(&c, err);
	for (unsigned i = 0; i < JZ_OPTIONS; i++)
		wipe_free(c.value[i]);
	for (unsigned i = 0; i < c.arguments; i++)
		wipe_free(c.argument[i]);
	json_decref(c.result);
	json_decref(c.more);
	return code;
}
