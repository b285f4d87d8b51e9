/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands that explain, with their help.
 */
#include "cli.h"

/* clang-format off */
const struct jz_cli_command jz_cli_other_commands[] = {
{
	"status", "[SW]", 0, 1, 0, 0, JZ_EXIT(NOT_FOUND), jz_cmd_status,
	{"explain a card's status word", "解释卡的状态字"},
	{"What a status word means, and what to tell the customer.  Without SW,\n"
	 "the whole table.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi status 9302\n",
	 "状态字的含义，以及该对客户说什么。不带 SW 时列出全部。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi status 9302\n"},
},
{
	"error", "[NAME]", 0, 1, 0, 0, JZ_EXIT(NOT_FOUND), jz_cmd_error,
	{"explain an error of this program", "解释本程序的错误"},
	{"Each error with its number, its exit code and its text; NAME may also be\n"
	 "the number.  Without NAME, all of them.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi error CARD_LOCKED\n",
	 "每个错误的编号、退出码和说明；NAME 也可为编号。不带 NAME 时列出全部。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi error CARD_LOCKED\n"},
},
{
	"help", "[COMMAND | TOPIC]", 0, 2, 0, 0, JZ_EXIT(NOT_FOUND), jz_cmd_help,
	{"explain a command or a topic", "说明命令或主题"},
	{"Without an argument, lists all commands and topics.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi help pay\n"
	 "  jiaozi help exit-codes\n",
	 "不带参数时列出全部命令与主题。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi help pay\n"
	 "  jiaozi help exit-codes\n"},
},
{
	"version", "", 0, 0, 0, 0, 0, jz_cmd_version,
	{"print the version", "显示版本"},
	{"Prints the version.\n", "显示版本。\n"},
},
{0},
};
/* clang-format on */
