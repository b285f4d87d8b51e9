/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Incidents, the audit log, operators and decisions, with their help.
 */
#include "cli.h"

#define PASS JZ_OPT(PASSPHRASE)
#define BY   (JZ_OPT(OPERATOR) | JZ_OPT(OPERATOR_PASSPHRASE))

/* clang-format off */
const struct jz_cli_command jz_cli_control_commands[] = {
{
	"issuer incidents", "DIR", 1, 1, PASS, 0, JZ_EXITS_ISSUER,
	jz_cmd_issuer_incidents,
	{"list what was wrong with cards' records", "列出卡记录的异常"},
	{"Lists, by name, what cards have proved against themselves: doubled\n"
	 "counters, altered and doubled records, copies, shadows below zero, missing\n"
	 "records.  --json adds what was uploaded.  docs/settlement.md has the list.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer incidents bank --passphrase env:BANK\n",
	 "按名称列出卡的异常：交易序号重复、记录被改或重复、复制卡、影子余额为负、\n"
	 "记录缺失。--json 另含所上传的数据。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer incidents bank --passphrase env:BANK\n"},
},
{
	"issuer audit", "DIR", 1, 1, PASS, 0, JZ_EXITS_ISSUER,
	jz_cmd_issuer_audit,
	{"list the audit log", "列出审计日志"},
	{"Lists who did what: deposits, revocations, incidents, proposals and\n"
	 "decisions.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer audit bank --passphrase env:BANK\n",
	 "列出何人做了何事：存款、吊销、异常、提议与决定。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer audit bank --passphrase env:BANK\n"},
},
{
	"issuer audit head", "DIR", 1, 1, PASS | JZ_OPT(OUT), 0,
	JZ_EXITS_ISSUER, jz_cmd_issuer_audit_head,
	{"give the audit log's last entry, to be kept elsewhere",
	 "给出审计日志的末条，以便另处保存"},
	{"Gives number, hash and signature of the last entry.  Kept elsewhere, it\n"
	 "shows later whether the end of the log was cut off.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer audit head bank --out head.json --passphrase env:BANK\n",
	 "给出末条的编号、散列与签名。另处保存后，可据以发现日志末尾是否被截去。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer audit head bank --out head.json --passphrase env:BANK\n"},
},
{
	"issuer audit verify", "DIR", 1, 1, PASS | JZ_OPT(HEAD), 0,
	JZ_EXITS_ISSUER | JZ_EXIT(BOOKS) | JZ_EXIT(AUTHENTICATION),
	jz_cmd_issuer_audit_verify,
	{"check that nobody has altered the audit log", "核对审计日志未被篡改"},
	{"Checks that every entry is signed and follows the one before: what was\n"
	 "changed, dropped, put in or moved shows (exit code 13).  With --head also\n"
	 "what was cut off at the end.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer audit verify bank --head head.json --passphrase env:BANK\n",
	 "核对每条均有签名并与前条衔接：改动、删除、插入、移动均可发现（退出码 13）。\n"
	 "给出 --head 时，末尾被截去也可发现。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer audit verify bank --head head.json --passphrase env:BANK\n"},
},
{
	"issuer operator create", "FILE", 1, 1, PASS | JZ_OPT(BY) | JZ_OPT(SUITE),
	JZ_OPT(BY), JZ_EXIT(CARD_FILE) | JZ_EXIT(EXISTS) | JZ_EXIT(IO) |
	    JZ_EXIT(NOT_FOUND), jz_cmd_issuer_operator_create,
	{"make an operator's key", "制作操作员密钥"},
	{"An operator makes her own key, on a machine of her own if she likes,\n"
	 "sealed under a passphrase that only she knows.  --suite is the issuer's.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer operator create zhang.key --by zhang --passphrase prompt\n",
	 "操作员自己制作密钥（可在自己的机器上），以只有本人知道的口令封存。--suite 同\n"
	 "发卡行。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer operator create zhang.key --by zhang --passphrase prompt\n"},
},
{
	"issuer operator add", "DIR FILE", 2, 2, PASS | JZ_OPT(OPERATOR_PASSPHRASE),
	0, JZ_EXITS_ISSUER | JZ_EXIT(EXISTS), jz_cmd_issuer_operator_add,
	{"register the first two operators", "登记最初两名操作员"},
	{"Registers an operator's public key.  The first two come so; about a third\n"
	 "these two decide: `jiaozi issuer propose DIR operator NAME --to KEY`.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer operator add bank zhang.key --passphrase env:BANK \\\n"
	 "      --operator-passphrase prompt\n",
	 "登记操作员的公钥。最初两名以此登记；第三名由二人决定：\n"
	 "jiaozi issuer propose DIR operator NAME --to KEY。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer operator add bank zhang.key --passphrase env:BANK \\\n"
	 "      --operator-passphrase prompt\n"},
},
{
	"issuer operators", "DIR", 1, 1, PASS, 0, JZ_EXITS_ISSUER,
	jz_cmd_issuer_operators,
	{"list the operators", "列出操作员"},
	{"Lists who may propose and approve.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer operators bank --passphrase env:BANK\n",
	 "列出可以提议与批准的人。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer operators bank --passphrase env:BANK\n"},
},
{
	"issuer propose", "DIR KIND SUBJECT", 3, 3,
	PASS | BY | JZ_OPT(TO) | JZ_OPT(REASON), JZ_OPT(OPERATOR),
	JZ_EXITS_ISSUER | JZ_EXIT(EXISTS), jz_cmd_issuer_propose,
	{"propose what two people have to decide", "提出须由两人决定的事项"},
	{"Nothing moves until another operator has approved the same digest, within\n"
	 "seven days.  KIND and SUBJECT:\n"
	 "  write-off PAYMENT    what is in transit goes to the fraud account\n"
	 "  resolve PAYMENT      and is paid: --to payee, or --to payer\n"
	 "  lost CARD            what was on a lost card: --to ACCOUNT, or to \"lost\"\n"
	 "  clone-loss CARD      a shadow below zero is made good\n"
	 "  restored ledger      the ledger was put back from a backup\n"
	 "  operator NAME        another operator: --to PUBLIC-KEY\n"
	 "  retire NAME          an operator less\n"
	 "PAYMENT is the digest that `issuer statement` shows.  A card is lost when it\n"
	 "is revoked, its certificate has expired and 90 days have passed.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer propose bank lost CN00000000100001 --reason 'case 7' \\\n"
	 "      --operator zhang.key --passphrase env:BANK\n",
	 "须由另一名操作员在七日内批准同一摘要，方才执行。KIND 与 SUBJECT：\n"
	 "  write-off PAYMENT    在途款转入欺诈损失账户\n"
	 "  resolve PAYMENT      并付出：--to payee 或 --to payer\n"
	 "  lost CARD            遗失卡余额：--to ACCOUNT，或转入“lost”\n"
	 "  clone-loss CARD      弥补为负的影子余额\n"
	 "  restored ledger      账本由备份恢复\n"
	 "  operator NAME        增加操作员：--to 公钥\n"
	 "  retire NAME          停用操作员\n"
	 "PAYMENT 为 issuer statement 所示摘要。卡已吊销、证书到期并过 90 天方为遗失。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer propose bank lost CN00000000100001 --reason 案卷7 \\\n"
	 "      --operator zhang.key --passphrase env:BANK\n"},
},
{
	"issuer proposals", "DIR", 1, 1, PASS, 0, JZ_EXITS_ISSUER,
	jz_cmd_issuer_proposals,
	{"list proposals and decisions", "列出提议与决定"},
	{"Lists every proposal with its digest, who made it, and who decided it.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer proposals bank --passphrase env:BANK\n",
	 "列出每项提议及其摘要、提议人与决定人。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer proposals bank --passphrase env:BANK\n"},
},
{
	"issuer approve", "DIR N DIGEST", 3, 3, PASS | BY, JZ_OPT(OPERATOR),
	JZ_EXITS_ISSUER, jz_cmd_issuer_approve,
	{"approve a proposal, and carry it out", "批准提议并执行"},
	{"DIGEST is what this operator has read: an altered proposal has another.\n"
	 "Who proposed cannot approve.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer approve bank 3 5b1e... --operator li.key \\\n"
	 "      --passphrase env:BANK\n",
	 "DIGEST 为该操作员所阅提议的摘要，提议被改则摘要不同。提议人不能批准。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer approve bank 3 5b1e... --operator li.key \\\n"
	 "      --passphrase env:BANK\n"},
},
{
	"issuer reject", "DIR N DIGEST", 3, 3, PASS | BY, JZ_OPT(OPERATOR),
	JZ_EXITS_ISSUER, jz_cmd_issuer_reject,
	{"reject a proposal", "否决提议"},
	{"Ends a proposal; its maker may do so, too.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer reject bank 3 5b1e... --operator zhang.key \\\n"
	 "      --passphrase env:BANK\n",
	 "终止提议；提议人也可以。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer reject bank 3 5b1e... --operator zhang.key \\\n"
	 "      --passphrase env:BANK\n"},
},
{
	"statement verify", "FILE", 1, 1, JZ_OPT(ROOT), JZ_OPT(ROOT),
	JZ_EXIT(NOT_FOUND) | JZ_EXIT(IO) | JZ_EXIT(AUTHENTICATION),
	jz_cmd_statement_verify,
	{"verify a statement without the issuer", "脱离发卡行验证对账单"},
	{"FILE is what `jiaozi issuer statement --form json` wrote.  Every signature\n"
	 "is verified again under the two cards' certificates and the root that you\n"
	 "trust; what the file says for people must be what was signed.  Postings are\n"
	 "the issuer's word and are not verified.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi statement verify statement.json --root bank/keys/root.cvcert\n",
	 "FILE 由 jiaozi issuer statement --form json 写出。凭两张卡的证书与所信任的根\n"
	 "重新验证全部签名；文件中供人阅读的内容须与所签署的一致。分录为发卡行所述，\n"
	 "不在验证之列。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi statement verify statement.json --root bank/keys/root.cvcert\n"},
},
{0},
};
/* clang-format on */
