/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands that administer a card, with their help.
 */
#include "cli.h"

/* What opens a secure channel. */
#define CHANNEL                                                                \
	(JZ_OPT(CARD) | JZ_OPT(KEYS) | JZ_OPT(KEY_VERSION) | JZ_OPT(ISSUER) |  \
	    JZ_OPT(PASSPHRASE))
#define EXITS (JZ_EXITS_CARD | JZ_EXITS_ISSUER | JZ_EXIT(AUTHENTICATION))

/* clang-format off */
const struct jz_cli_command jz_cli_manage_commands[] = {
{
	"card apps", "", 0, 0, CHANNEL, 0, EXITS, jz_cmd_card_apps,
	{"list what is on a card", "列出卡上的应用"},
	{"The card's life cycle, its applications with their states and\n"
	 "privileges, and the load files that more can be installed from.\n"
	 "GlobalPlatform's GET STATUS, over a secure channel: the keys are those of\n"
	 "--keys, or those that the issuer has for this card.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi card apps --card virtual:new.card --keys default\n"
	 "  jiaozi card apps --card virtual:alice.card --issuer bank \\\n"
	 "      --passphrase env:BANK\n",
	 "显示卡的生命周期、各应用及其状态与权限，以及可供安装的加载文件。经安全通道\n"
	 "执行 GlobalPlatform 的 GET STATUS：密钥由 --keys 给出，或由发卡行为此卡推导。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card apps --card virtual:new.card --keys default\n"
	 "  jiaozi card apps --card virtual:alice.card --issuer bank \\\n"
	 "      --passphrase env:BANK\n"},
},
{
	"card install", "AID|FILE", 1, 1,
	CHANNEL | JZ_OPT(INSTANCE) | JZ_OPT(PARAMS) | JZ_OPT(PRIVILEGES), 0,
	EXITS | JZ_EXIT(EXISTS), jz_cmd_card_install,
	{"install an application", "安装应用"},
	{"Makes an instance of the module AID, which `card apps` lists, and makes\n"
	 "it selectable.  The instance has the module's AID unless --instance says\n"
	 "otherwise.\n"
	 "\n"
	 "A FILE, whose name ends in .so or has a slash, is a plug-in: its module\n"
	 "first comes onto the virtual card, or takes the place of the file that it\n"
	 "had.  See docs/applet.md.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi card install counter.so --params 0331323334 \\\n"
	 "      --card virtual:new.card --keys default\n"
	 "  jiaozi card install F04A49414F5A4901 --instance F04A49414F5A490102 \\\n"
	 "      --card virtual:new.card --keys default\n",
	 "由 `card apps` 列出的模块建立一个可选择的应用实例。未给 --instance 时，实例的\n"
	 "AID 与模块相同。\n"
	 "\n"
	 "名称以 .so 结尾或含斜杠的文件是插件：其模块先装入虚拟卡，或取代原有文件。见\n"
	 "docs/applet.md。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card install counter.so --params 0331323334 \\\n"
	 "      --card virtual:new.card --keys default\n"
	 "  jiaozi card install F04A49414F5A4901 --instance F04A49414F5A490102 \\\n"
	 "      --card virtual:new.card --keys default\n"},
},
{
	"card delete", "AID", 1, 1, CHANNEL | JZ_OPT(CASCADE), 0, EXITS,
	jz_cmd_card_delete,
	{"delete an application", "删除应用"},
	{"Deletes an application with all that it holds, or a load file.  A purse\n"
	 "that still holds money or unsettled records refuses.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi card delete F04A49414F5A490102 --card virtual:new.card \\\n"
	 "      --keys default\n",
	 "删除应用及其全部数据，或删除加载文件。仍有余额或未结算记录的钱包拒绝删除。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card delete F04A49414F5A490102 --card virtual:new.card \\\n"
	 "      --keys default\n"},
},
{
	"card lock", "AID|card", 1, 1, CHANNEL, 0, EXITS, jz_cmd_card_lock,
	{"lock an application or the whole card", "锁定应用或整卡"},
	{"A locked application cannot be used until it is unlocked.  Of a locked\n"
	 "card only the issuer's security domain answers.  Only a secured card can\n"
	 "be locked.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi card lock F04A49414F5A4901 --issuer bank --passphrase env:BANK\n"
	 "  jiaozi card lock card --issuer bank --passphrase env:BANK\n",
	 "被锁定的应用在解锁前不能使用。整卡锁定后只有发卡方安全域应答。只有处于 SECURED\n"
	 "状态的卡可以锁定。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card lock F04A49414F5A4901 --issuer bank --passphrase env:BANK\n"
	 "  jiaozi card lock card --issuer bank --passphrase env:BANK\n"},
},
{
	"card unlock", "AID|card", 1, 1, CHANNEL, 0, EXITS, jz_cmd_card_unlock,
	{"unlock an application or the whole card", "解锁应用或整卡"},
	{"What was locked is as it was before.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi card unlock card --issuer bank --passphrase env:BANK\n",
	 "恢复锁定之前的状态。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card unlock card --issuer bank --passphrase env:BANK\n"},
},
{
	"card terminate", "", 0, 0, CHANNEL | JZ_OPT(YES), 0, EXITS,
	jz_cmd_card_terminate,
	{"end a card's life, for good", "永久终止一张卡"},
	{"No application of the card can be used any more, and nobody can undo it.\n"
	 "Unload and settle first: what money the card holds stays on it.  Needs\n"
	 "--yes.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi card terminate --yes --issuer bank --passphrase env:BANK\n",
	 "卡上的应用再也不能使用，且无法撤销。请先圈提并结算：卡上的钱将留在卡上。\n"
	 "必须加 --yes。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card terminate --yes --issuer bank --passphrase env:BANK\n"},
},
{
	"card keys", "", 0, 0, JZ_OPT(CARD), 0, JZ_EXITS_CARD, jz_cmd_card_keys,
	{"which keys a card has", "列出卡的密钥信息"},
	{"Version, number, type and length of each key of the issuer's security\n"
	 "domain; never a key.  Version FF: a new card with the test keys.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi card keys --card virtual:alice.card\n",
	 "显示发卡方安全域每个密钥的版本、编号、类型与长度，绝不显示密钥本身。版本 FF：\n"
	 "使用测试密钥的新卡。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card keys --card virtual:alice.card\n"},
},
{
	"card put-key", "VERSION", 1, 1, CHANNEL | JZ_OPT(NEW_KEYS) | JZ_OPT(ADD),
	JZ_OPT(NEW_KEYS), EXITS, jz_cmd_card_put_key,
	{"give a card new keys", "更换卡的密钥"},
	{"Puts a set of three keys on the card under VERSION (01 to 7F), in the\n"
	 "place of the set in use, or beside it with --add.  The card proves by key\n"
	 "check values that it has them.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi card put-key 02 --new-keys file:new.keys --issuer bank \\\n"
	 "      --passphrase env:BANK --card virtual:alice.card\n"
	 "  jiaozi card put-key 01 --keys default --new-keys issuer --issuer bank \\\n"
	 "      --passphrase env:BANK --card virtual:new.card\n",
	 "把三个密钥以版本 VERSION（01 至 7F）写入卡中，替换正在使用的一组；加 --add 则\n"
	 "并存。卡以密钥校验值证明已收到。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card put-key 02 --new-keys file:new.keys --issuer bank \\\n"
	 "      --passphrase env:BANK --card virtual:alice.card\n"
	 "  jiaozi card put-key 01 --keys default --new-keys issuer --issuer bank \\\n"
	 "      --passphrase env:BANK --card virtual:new.card\n"},
},
{
	"card data", "", 0, 0, JZ_OPT(CARD), 0, JZ_EXITS_CARD, jz_cmd_card_data,
	{"what a card tells everybody", "显示卡的公开数据"},
	{"The data objects of GlobalPlatform's GET DATA that need no keys: issuer\n"
	 "and card numbers, what the card can do, its keys' versions, production\n"
	 "data, free memory.  What the card does not have is left out.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi card data --card virtual:alice.card --json\n",
	 "无需密钥即可读取的 GlobalPlatform 数据对象：发卡方与卡的标识、卡的能力、密钥\n"
	 "版本、生产数据、剩余存储。卡没有的不显示。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card data --card virtual:alice.card --json\n"},
},
{0},
};
/* clang-format on */
