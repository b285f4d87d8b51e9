/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands about the issuer's keys, with their help.
 */
#include "cli.h"

#define PASS JZ_OPT(PASSPHRASE)

/* clang-format off */
const struct jz_cli_command jz_cli_key_commands[] = {
{
	"issuer keys", "DIR", 1, 1, PASS, 0, JZ_EXITS_ISSUER,
	jz_cmd_issuer_keys,
	{"list the issuer's keys", "列出发卡行的密钥"},
	{"Version, check value, certificate, dates and place of each key of the\n"
	 "issuer, and who made it where two people did; never a key.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer keys bank --passphrase env:BANK --json\n",
	 "列出发卡行每个密钥的版本、校验值、证书、日期与所在，以及由两人制作者的姓名，\n"
	 "绝不显示密钥本身。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer keys bank --passphrase env:BANK --json\n"},
},
{
	"issuer key roll", "DIR [admin|ca|host]", 1, 2, PASS, 0,
	JZ_EXITS_ISSUER, jz_cmd_issuer_key_roll,
	{"make a new version of a key", "更新密钥版本"},
	{"admin: the secret behind every card's administration keys.  Cards that\n"
	 "are personalised from now on get keys of the new version; the others keep\n"
	 "working with theirs, until `card put-key VERSION --new-keys issuer` moves\n"
	 "them.\n"
	 "\n"
	 "host: the key that signs load permissions and settlement.  ca: the key\n"
	 "that certifies cards and hosts, and a new host key with it.  Cards of the\n"
	 "CA before go on: load and settlement show them the new certificates, and\n"
	 "terminals do (`jiaozi pay --authorities`).\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer key roll bank admin --passphrase env:BANK\n",
	 "admin：用来推导每张卡管理密钥的密钥。此后个人化的卡使用新版本；其他卡继续使用\n"
	 "原版本，直到以 card put-key 版本 --new-keys issuer 更换。\n"
	 "\n"
	 "host：签发圈存许可与结算的密钥。ca：为卡与主机签发证书的密钥，同时更新主机密钥。\n"
	 "原 CA 的卡继续可用：圈存与结算时会向其出示新证书，终端付款时亦然\n"
	 "（jiaozi pay --authorities）。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer key roll bank admin --passphrase env:BANK\n"},
},
{
	"issuer seed create", "FILE", 1, 1,
	PASS | JZ_OPT(PART) | JZ_OPT(CEREMONY) | JZ_OPT(BY),
	JZ_OPT(PART) | JZ_OPT(BY),
	JZ_EXIT(EXISTS) | JZ_EXIT(IO) | JZ_EXIT(NOT_FOUND),
	jz_cmd_issuer_seed_create,
	{"make a half of a key", "制作半份密钥（种子文件）"},
	{"Draws a half of a key and seals it in FILE under a passphrase of its\n"
	 "maker's.  Two people make one half each; neither half says anything about\n"
	 "the key.  Write the check value down.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer seed create a.seed --part 1 --ceremony 7 --by Alice \\\n"
	 "      --passphrase prompt\n",
	 "随机产生半份密钥，以制作人自己的口令封存于 FILE。由两人各做一半，任何一半都不\n"
	 "透露密钥。请记下校验值。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer seed create a.seed --part 1 --ceremony 7 --by 爱丽丝 \\\n"
	 "      --passphrase prompt\n"},
},
{
	"issuer seed show", "FILE", 1, 1, PASS, 0,
	JZ_EXIT(CARD_FILE) | JZ_EXIT(NOT_FOUND) | JZ_EXIT(IO),
	jz_cmd_issuer_seed_show,
	{"what a seed file is", "显示种子文件的信息"},
	{"Which half, of which ceremony, made by whom and when, and its check\n"
	 "value; never the half.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer seed show a.seed --passphrase prompt\n",
	 "显示是哪一半、哪次仪式、何人何时制作及其校验值，绝不显示内容。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer seed show a.seed --passphrase prompt\n"},
},
{
	"issuer seed combine", "DIR FILE FILE", 3, 3,
	PASS | JZ_OPT(PASSPHRASE_1) | JZ_OPT(PASSPHRASE_2), 0,
	JZ_EXITS_ISSUER, jz_cmd_issuer_seed_combine,
	{"make a key of two halves", "合成两人制作的密钥"},
	{"Makes the next version of the issuer's card master (`issuer key roll`) of\n"
	 "two seed files of one ceremony.  One person's two halves are refused;\n"
	 "keys/audit.log keeps who made them, and who tried.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer seed combine bank a.seed b.seed --passphrase env:BANK \\\n"
	 "      --passphrase-1 prompt --passphrase-2 prompt\n",
	 "由同一仪式的两个种子文件合成发卡行卡主密钥的下一版本（见 issuer key roll）。\n"
	 "同一人制作的两半会被拒绝；keys/audit.log 记录制作人与尝试者。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer seed combine bank a.seed b.seed --passphrase env:BANK \\\n"
	 "      --passphrase-1 prompt --passphrase-2 prompt\n"},
},
{0},
};
/* clang-format on */
