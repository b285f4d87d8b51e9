/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Help: the list of commands, one command's page, and the topics.
 */
#include "cli.h"

#include <string.h>

struct topic {
	const char *name;
	const char *summary[2];
	const char *text[2]; /* NULL: made from a table */
};

static const struct topic TOPICS[] = {
    {"readers", {"how a card is named", "如何指定一张卡"},
	{"A card is named by the reader it is in:\n"
	 "\n"
	 "  virtual:FILE                       a virtual card; its key is "
	 "FILE.key\n"
	 "  virtual:FILE?key=KEYFILE           ... with another key file\n"
	 "  virtual:FILE?passphrase=env:NAME   ... sealed under a passphrase\n"
	 "  pcsc:GLOB                          the PC/SC reader whose name "
	 "matches\n"
	 "  pcsc:serial=NAME                   exactly that PC/SC reader\n"
	 "\n"
	 "Where a command takes --card, JIAOZI_READER is used when the option\n"
	 "is not given.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi card info --card virtual:alice.card\n"
	 "  jiaozi card info --card 'pcsc:*Virtual PCD 00 00*'\n",
	    "卡以其所在读卡器命名：\n"
	    "\n"
	    "  virtual:文件                       虚拟卡，密钥为 文件.key\n"
	    "  virtual:文件?key=密钥文件          使用另一密钥文件\n"
	    "  virtual:文件?passphrase=env:变量   以口令封存的卡\n"
	    "  pcsc:通配符                        名称匹配的 PC/SC 读卡器\n"
	    "  pcsc:serial=名称                   名称完全相同的 PC/SC "
	    "读卡器\n"
	    "\n"
	    "可用 --card 的命令，缺省使用环境变量 JIAOZI_READER。\n"
	    "\n"
	    "示例\n"
	    "  jiaozi card info --card virtual:alice.card\n"
	    "  jiaozi card info --card 'pcsc:*Virtual PCD 00 00*'\n"}},
    {"secrets", {"where PINs and passphrases come from", "PIN 与口令的来源"},
	{"A PIN or passphrase is never an argument: every user of the machine\n"
	 "could read it in the process list.  --pin and --passphrase take a\n"
	 "SOURCE:\n"
	 "\n"
	 "  prompt      asked on the terminal, without echo (the default)\n"
	 "  env:NAME    the environment variable NAME\n"
	 "  file:PATH   the first line of a file\n"
	 "  fd:N        the first line of an open file descriptor\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi load --amount 100 --pin prompt ...\n"
	 "  jiaozi load --amount 100 --pin fd:3 ... 3<pin.txt\n",
	    "PIN 与口令不能写在命令行上：本机所有用户都能在进程列表中看到。\n"
	    "--pin 与 --passphrase 接受一个来源：\n"
	    "\n"
	    "  prompt      在终端上询问，不回显（缺省）\n"
	    "  env:变量    环境变量\n"
	    "  file:路径   文件第一行\n"
	    "  fd:编号     已打开的文件描述符的第一行\n"
	    "\n"
	    "示例\n"
	    "  jiaozi load --amount 100 --pin prompt ...\n"
	    "  jiaozi load --amount 100 --pin fd:3 ... 3<pin.txt\n"}},
    {"keys", {"how a card's keys are given", "如何给出卡的密钥"},
	{"Commands that administer a card open a secure channel (SCP03) by "
	 "three\n"
	 "AES keys: ENC, MAC, DEK.\n"
	 "\n"
	 "  --issuer DIR       the issuer derives them for this card\n"
	 "  --keys default     the test keys of GlobalPlatform, which every "
	 "new\n"
	 "                     card has: 40 41 ... 4F, three times\n"
	 "  --keys SOURCE      48 bytes in hexadecimal, or 16 for all three, "
	 "from\n"
	 "                     prompt, env:NAME, file:PATH or fd:N\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi card apps --keys default --card virtual:new.card\n"
	 "  jiaozi card apps --keys file:card.keys --card 'pcsc:*'\n",
	    "管理卡的命令以三个 AES "
	    "密钥（ENC、MAC、DEK）打开安全通道（SCP03）。\n"
	    "\n"
	    "  --issuer 目录      由发卡行为此卡推导\n"
	    "  --keys default     GlobalPlatform 的测试密钥，每张新卡都有：\n"
	    "                     40 41 ... 4F，三个相同\n"
	    "  --keys 来源        48 字节（或三者相同的 16 "
	    "字节）十六进制，来自\n"
	    "                     prompt、env:变量、file:路径 或 fd:编号\n"
	    "\n"
	    "示例\n"
	    "  jiaozi card apps --keys default --card virtual:new.card\n"
	    "  jiaozi card apps --keys file:card.keys --card 'pcsc:*'\n"}},
    {"environment", {"environment variables", "环境变量"},
	{"  JIAOZI_READER     the card, where --card is not given\n"
	 "  JIAOZI_ISSUER     the issuer, where --issuer is not given\n"
	 "  JIAOZI_AUTHORITIES  issuers' CA certificates, where --authorities "
	 "is not\n"
	 "                    given\n"
	 "  JIAOZI_TRACE      a file that gets every APDU, PINs starred out\n"
	 "  JIAOZI_VPCD_PORT  vpcd's TCP port for `jiaozi card serve`\n"
	 "  LC_ALL, LC_MESSAGES, LANG   the language: zh..., else English\n",
	    "  JIAOZI_READER     未给 --card 时所用的卡\n"
	    "  JIAOZI_ISSUER     未给 --issuer 时所用的发卡行\n"
	    "  JIAOZI_AUTHORITIES  未给 --authorities 时所用的 CA 证书目录\n"
	    "  JIAOZI_TRACE      记录每条 APDU 的文件，PIN 以星号代替\n"
	    "  JIAOZI_VPCD_PORT  jiaozi card serve 使用的 vpcd 端口\n"
	    "  LC_ALL、LC_MESSAGES、LANG   语言：zh 开头为中文，否则英文\n"}},
    {"exit-codes", {"what the exit codes mean", "退出码的含义"}, {NULL, NULL}},
};
#define TOPIC_ROWS (sizeof(TOPICS) / sizeof(TOPICS[0]))

const struct jz_cli_command *
jz_cli_command(unsigned i)
{
	static const struct jz_cli_command *const tables[] = {
	    jz_cli_card_commands, jz_cli_manage_commands,
	    jz_cli_issuer_commands, jz_cli_control_commands,
	    jz_cli_key_commands, jz_cli_pay_commands,
	    jz_cli_certificate_commands, jz_cli_other_commands};

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct jz_cli_command *row = tables[t];
		     row->path != NULL; row++)
			if (i-- == 0)
				return row;
	return NULL;
}

void
jz_cli_overview(const struct jz_cli *c, FILE *out)
{
	const struct jz_cli_command *row;

	fprintf(out, "%s\n\n",
	    jz_tr(c,
		"jiaozi - cards that pay each other, and the bank behind them",
		"jiaozi（交子）- 能互相付款的卡，以及发卡行"));
	fprintf(out, "%s\n", jz_tr(c, "Commands", "命令"));
	for (unsigned i = 0; (row = jz_cli_command(i)) != NULL; i++)
		fprintf(out, "  jiaozi %-22s %s\n", row->path,
		    row->summary[c->lang]);
	fprintf(out, "\n%s\n", jz_tr(c, "Topics", "主题"));
	for (size_t i = 0; i < TOPIC_ROWS; i++)
		fprintf(out, "  jiaozi help %-17s %s\n", TOPICS[i].name,
		    TOPICS[i].summary[c->lang]);
	fprintf(out, "\n%s\n",
	    jz_tr(c, "jiaozi COMMAND --help explains a command.",
		"jiaozi 命令 --help 说明该命令。"));
}

void
jz_cli_command_help(
    const struct jz_cli *c, const struct jz_cli_command *command, FILE *out)
{
	fprintf(out, "jiaozi %s - %s\n\n", command->path,
	    command->summary[c->lang]);
	fprintf(out, "%s\n  jiaozi %s%s%s%s\n\n", jz_tr(c, "Usage", "用法"),
	    command->path, command->arguments[0] != '\0' ? " " : "",
	    command->arguments,
	    command->options != 0 ? jz_tr(c, " [options]", " [选项]") : "");
	fprintf(out, "%s\n", command->help[c->lang]);
	fprintf(out, "%s\n", jz_tr(c, "Options", "选项"));
	jz_cli_options_help(c, command->options | JZ_OPT_COMMON, out);
	fprintf(out, "\n%s\n", jz_tr(c, "Exit codes", "退出码"));
	for (int i = 0; i < JZ_EXIT_CODES; i++)
		if ((command->exits & 1u << i) != 0 || i == JZ_EXIT_OK ||
		    i == JZ_EXIT_USAGE)
			fprintf(out, "  %2d  %s\n", i,
			    jz_exit_text((enum jz_exit)i, c->lang));
}

static void
exit_codes(struct jz_cli *c)
{
	json_t *list = json_array();

	for (int i = 0; i < JZ_EXIT_CODES; i++) {
		const char *text = jz_exit_text((enum jz_exit)i, c->lang);

		jz_cli_say(c, "  %2d  %s\n", i, text);
		json_array_append_new(
		    list, json_pack("{s:i, s:s}", "exit", i, "text", text));
	}
	jz_cli_put(c, "exit_codes", list);
}

static bool
topic(struct jz_cli *c, const char *name)
{
	for (size_t i = 0; i < TOPIC_ROWS; i++) {
		const char *text = TOPICS[i].text[c->lang];

		if (strcmp(TOPICS[i].name, name) != 0)
			continue;
		if (text == NULL) {
			exit_codes(c);
			return true;
		}
		jz_cli_say(c, "%s", text);
		jz_cli_put(c, "text", json_string(text));
		return true;
	}
	return false;
}

static void
list_all(struct jz_cli *c)
{
	const struct jz_cli_command *row;
	json_t *list = json_array();

	if (!c->json)
		jz_cli_overview(c, stdout);
	for (unsigned i = 0; (row = jz_cli_command(i)) != NULL; i++)
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s}", "path", row->path, "arguments",
			row->arguments, "summary", row->summary[c->lang]));
	jz_cli_put(c, "commands", list);
}

int
jz_cmd_help(struct jz_cli *c)
{
	const struct jz_cli_command *row;
	char path[64];

	if (c->arguments == 0) {
		list_all(c);
		return 0;
	}
	if (c->arguments == 1 && topic(c, c->argument[0]))
		return 0;
	snprintf(path, sizeof(path), "%s%s%s%s%s", c->argument[0],
	    c->arguments > 1 ? " " : "", c->arguments > 1 ? c->argument[1] : "",
	    c->arguments > 2 ? " " : "",
	    c->arguments > 2 ? c->argument[2] : "");
	for (unsigned i = 0; (row = jz_cli_command(i)) != NULL; i++) {
		if (strcmp(row->path, path) != 0)
			continue;
		if (!c->json)
			jz_cli_command_help(c, row, stdout);
		jz_cli_put(c, "command", json_string(row->path));
		jz_cli_put(c, "text", json_string(row->help[c->lang]));
		return 0;
	}
	return jz_cli_fail(c, JZ_ERR_NOT_FOUND,
	    jz_tr(c, "no help on \"%s\"; see \"jiaozi help\"",
		"没有关于“%s”的说明，见“jiaozi help”"),
	    path);
}
