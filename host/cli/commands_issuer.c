/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer's commands, with their help.
 */
#include "cli.h"

#define PASS JZ_OPT(PASSPHRASE)

/* clang-format off */
const struct jz_cli_command jz_cli_issuer_commands[] = {
{
	"issuer init", "DIR", 1, 1,
	PASS | JZ_OPT(CURRENCY) | JZ_OPT(SUITE) | JZ_OPT(TOKEN) | JZ_OPT(STORE), 0,
	JZ_EXIT(EXISTS) | JZ_EXIT(IO) | JZ_EXIT(CARD_FILE), jz_cmd_issuer_init,
	{"found an issuer", "建立发卡行"},
	{"Makes a directory with the issuer's keys (root, CA, host, the cards'\n"
	 "administration), sealed under a passphrase, certificates, and an empty\n"
	 "ledger.\n"
	 "The issuer and all its cards are of one suite of cryptography: nist (ECDSA\n"
	 "on P-256, SHA-256, AES-128) or gm (SM2, SM3, SM4).\n"
	 "\n"
	 "With --token the keys of root, CA and host are generated in a PKCS#11\n"
	 "token and never leave it; --passphrase is then the token's PIN, here and\n"
	 "in every other command.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi issuer init bank --passphrase env:BANK --currency CNY\n"
	 "  jiaozi issuer init bank --passphrase env:BANK --suite gm\n"
	 "  jiaozi issuer init bank --passphrase env:PIN --token \\\n"
	 "      'pkcs11:token=bank?module-path=/usr/lib/softhsm/libsofthsm2.so'\n",
	 "建立一个目录：以口令封存的密钥（根、CA、主机、卡管理）、证书和空账本。\n"
	 "发卡行及其所有的卡用同一密码套件：nist（P-256 上的 ECDSA、SHA-256、AES-128）\n"
	 "或 gm（SM2、SM3、SM4）。\n"
	 "\n"
	 "给出 --token 时，根、CA 与主机密钥在 PKCS#11 令牌内产生且永不导出；此后各命令的\n"
	 "--passphrase 即令牌的 PIN。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer init bank --passphrase env:BANK --currency CNY\n"
	 "  jiaozi issuer init bank --passphrase env:BANK --suite gm\n"},
},
{
	"issuer admin-key", "DIR", 1, 1, PASS, 0,
	JZ_EXITS_ISSUER | JZ_EXIT(EXISTS), jz_cmd_issuer_admin_key,
	{"give an older issuer its administration key", "为旧发卡行补建管理密钥"},
	{"An issuer made by an earlier release has no key to derive its cards'\n"
	 "administration keys from.  This makes one, once: an existing key is never\n"
	 "replaced, for the cards personalised under it would be lost.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer admin-key bank --passphrase env:BANK\n",
	 "旧版本建立的发卡行没有用来推导卡管理密钥的密钥。此命令补建一次；已有的密钥\n"
	 "绝不替换，否则以其个人化的卡将无法管理。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer admin-key bank --passphrase env:BANK\n"},
},
{
	"issuer account-open", "DIR ACCOUNT", 2, 2, PASS | JZ_OPT(HOLDER), 0,
	JZ_EXITS_ISSUER | JZ_EXIT(EXISTS), jz_cmd_issuer_account_open,
	{"open an account", "开户"},
	{"Opens an account.  Cards are bound to one account and its holder.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer account-open bank alice --holder Alice --passphrase env:BANK\n",
	 "开立账户。卡绑定一个账户及其户主。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer account-open bank alice --holder 爱丽丝 --passphrase env:BANK\n"},
},
{
	"issuer account-block", "DIR ACCOUNT", 2, 2, PASS, 0,
	JZ_EXITS_ISSUER, jz_cmd_issuer_account_block,
	{"block an account", "锁定账户"},
	{"A blocked account gives no money: no load is permitted from it.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer account-block bank alice --passphrase env:BANK\n",
	 "锁定的账户不再付款：不许可从其圈存。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer account-block bank alice --passphrase env:BANK\n"},
},
{
	"issuer account-unblock", "DIR ACCOUNT", 2, 2, PASS, 0,
	JZ_EXITS_ISSUER, jz_cmd_issuer_account_unblock,
	{"unblock an account", "解锁账户"},
	{"The opposite of account-block.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer account-unblock bank alice --passphrase env:BANK\n",
	 "与 account-block 相反。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer account-unblock bank alice --passphrase env:BANK\n"},
},
{
	"issuer account-password", "DIR ACCOUNT", 2, 2,
	PASS | JZ_OPT(PASSWORD), 0,
	JZ_EXITS_ISSUER, jz_cmd_issuer_account_password,
	{"set an account's password", "设置账户密码"},
	{"By it its owner shows himself where he has no card: `jiaozi account`.  Five\n"
	 "wrong ones in a row lock it; this sets it anew.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer account-password bank alice --password env:ALICE \\\n"
	 "      --passphrase env:BANK\n",
	 "户主不用卡时以此证明身份（jiaozi account）。连错五次即锁定；此命令重设密码。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer account-password bank alice --password env:ALICE \\\n"
	 "      --passphrase env:BANK\n"},
},
{
	"issuer account-statement", "DIR ACCOUNT", 2, 2, PASS, 0,
	JZ_EXITS_ISSUER, jz_cmd_issuer_account_statement,
	{"what moved on an account", "账户明细"},
	{"Lists every movement on an account: time, amount, reason, and what it was\n"
	 "for.  A load is named by its card and counter.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer account-statement bank alice --passphrase env:BANK\n",
	 "列出账户的每笔变动：时间、金额、原因及对应业务；圈存以卡号与序号标识。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer account-statement bank alice --passphrase env:BANK\n"},
},
{
	"issuer deposit", "DIR ACCOUNT AMOUNT", 3, 3, PASS, 0,
	JZ_EXITS_ISSUER, jz_cmd_issuer_deposit,
	{"pay cash into an account", "向账户存入现金"},
	{"Books cash into an account.  This alone brings money into the system.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer deposit bank alice 500.00 --passphrase env:BANK\n",
	 "把现金记入账户。只有存款能给系统带来钱。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer deposit bank alice 500.00 --passphrase env:BANK\n"},
},
{
	"issuer accounts", "DIR", 1, 1, PASS, 0, JZ_EXITS_ISSUER,
	jz_cmd_issuer_accounts,
	{"list accounts and balances", "列出账户与余额"},
	{"Lists every customer's account with its balance.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer accounts bank --passphrase env:BANK\n",
	 "列出每个客户账户及其余额。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer accounts bank --passphrase env:BANK\n"},
},
{
	"issuer cards", "DIR", 1, 1, PASS, 0, JZ_EXITS_ISSUER,
	jz_cmd_issuer_cards,
	{"list cards as the issuer sees them", "列出发卡行所见的卡"},
	{"Lists every card with its shadow: the balance as the issuer knows it\n"
	 "from loads and settlements.  The card itself is the truth; the shadow\n"
	 "follows at settlement.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer cards bank --passphrase env:BANK\n",
	 "列出每张卡及其影子余额：发卡行从圈存与结算得知的余额。以卡为准，\n"
	 "影子在结算时跟上。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer cards bank --passphrase env:BANK\n"},
},
{
	"issuer books", "DIR", 1, 1, PASS, 0, JZ_EXITS_ISSUER | JZ_EXIT(BOOKS),
	jz_cmd_issuer_books,
	{"check that the books balance", "检查账目是否相符"},
	{"Adds up the ledger entry by entry: cash brought in = accounts + cards +\n"
	 "what is in transit.  Exit code 13 when it is not so.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer books bank --passphrase env:BANK\n",
	 "逐笔合计账本：存入 = 账户 + 卡 + 在途。不相符时退出码为 13。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer books bank --passphrase env:BANK\n"},
},
{
	"issuer statement", "DIR [CARD|PAYMENT]", 1, 2,
	PASS | JZ_OPT(FORM) | JZ_OPT(OUT), 0,
	JZ_EXITS_ISSUER | JZ_EXIT(AUTHENTICATION), jz_cmd_issuer_statement,
	{"list settled payments, or tell their story", "列出已结算的付款及其经过"},
	{"Lists the offline payments that cards have uploaded: when, who paid\n"
	 "whom, how much, and which side has settled; --json adds both\n"
	 "signatures.  CARD shows the payments of one card.\n"
	 "\n"
	 "With a PAYMENT (the request's digest, as --json has it) or --form the\n"
	 "full story: what each side's upload proves, signature by signature,\n"
	 "verified with the two certificates alone, and the postings.  --form text,\n"
	 "json (for `jiaozi statement verify`), or html (one page, nothing else\n"
	 "needed).\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi issuer statement bank --passphrase env:BANK --json\n"
	 "  jiaozi issuer statement bank CN00000000100001 --form html \\\n"
	 "      --out statement.html --passphrase env:BANK\n",
	 "列出卡已上传的脱机付款：时间、双方、金额、哪一方已结算；--json 另含\n"
	 "双方签名。给出 CARD 时只列该卡的付款。\n"
	 "\n"
	 "给出 PAYMENT（支付请求的摘要，见 --json）或 --form 时列出全部经过：双方上传的\n"
	 "每个签名各证明什么，仅凭两张证书验证，以及分录。--form 为 text、json（供\n"
	 "jiaozi statement verify 使用）或 html（单页，自成一体）。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer statement bank --passphrase env:BANK --json\n"
	 "  jiaozi issuer statement bank CN00000000100001 --form html \\\n"
	 "      --out statement.html --passphrase env:BANK\n"},
},
{
	"issuer tries", "DIR [N]", 1, 2, PASS, 0,
	JZ_EXITS_ISSUER, jz_cmd_issuer_tries,
	{"how many wrong joint passwords lock an account",
	 "联合密码错误几次锁定账户"},
	{"So many wrong joint passwords in a row, 1 to 10, lock the account that a\n"
	 "card signs for; three until another number is set.  A daemon that runs\n"
	 "takes it up when it is started again.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer tries bank 5 --passphrase env:BANK\n",
	 "联合密码连错若干次（1 至 10，缺省 3）即锁定卡签名的账户。运行中的守护进程\n"
	 "重启后采用新值。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer tries bank 5 --passphrase env:BANK\n"},
},
{
	"issuer unlock", "DIR CARD", 2, 2, PASS, 0,
	JZ_EXITS_ISSUER | JZ_EXIT(NOT_FOUND), jz_cmd_issuer_unlock,
	{"unlock an account after wrong joint passwords",
	 "联合密码错误锁定后解锁账户"},
	{"Three wrong joint passwords in a row (`jiaozi issuer tries`) lock the\n"
	 "account that a card signs for, with all its cards.  This lets them sign\n"
	 "again.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer unlock bank CN00000000200001 --passphrase env:BANK\n",
	 "联合密码连错三次即锁定该卡签名的账户及其所有卡。本命令予以解锁。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer unlock bank CN00000000200001 --passphrase env:BANK\n"},
},
{
	"issuer revoke", "DIR [CARD]", 1, 2,
	PASS | JZ_OPT(GENERATION) | JZ_OPT(REASON), 0,
	JZ_EXITS_ISSUER | JZ_EXIT(EXISTS), jz_cmd_issuer_revoke,
	{"revoke a card, or a generation of cards", "吊销一张卡或一代卡"},
	{"Makes the next revocation list: with this card, or voiding every\n"
	 "certificate of a generation below N.  The issuer loads such a card no\n"
	 "more, and other cards refuse it offline as soon as they have the list:\n"
	 "they get it when they load or settle, or by `jiaozi card revocation`.\n"
	 "A list holds 32 cards; after that, raise the generation.  What a revoked\n"
	 "card has paid and received before is settled all the same.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi issuer revoke bank CN00000000100001 --reason stolen \\\n"
	 "      --passphrase env:BANK\n"
	 "  jiaozi issuer revoke bank --generation 2 --passphrase env:BANK\n",
	 "制作下一版吊销列表：加入此卡，或作废代次低于 N 的全部证书。发卡行不再\n"
	 "为其圈存；其他卡得到列表后即脱机拒绝它：在圈存或结算时，或用\n"
	 "jiaozi card revocation 得到。列表可容 32 张卡，满后请提高代次。被吊销的\n"
	 "卡此前的收付照常结算。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer revoke bank CN00000000100001 --reason 被盗 \\\n"
	 "      --passphrase env:BANK\n"
	 "  jiaozi issuer revoke bank --generation 2 --passphrase env:BANK\n"},
},
{
	"issuer revocation", "DIR", 1, 1, PASS | JZ_OPT(OUT), 0,
	JZ_EXITS_ISSUER | JZ_EXIT(BOOKS), jz_cmd_issuer_revocation,
	{"list and check what has been revoked", "列出并核对吊销记录"},
	{"Lists every revocation, and checks that each list is signed, follows the\n"
	 "one before and has lost no card (exit code 13 if not).  --out writes the\n"
	 "newest list to a file.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi issuer revocation bank --out bank.crl --passphrase env:BANK\n",
	 "列出每次吊销，并核对每版列表均有签名、与前版衔接且未遗漏任何卡\n"
	 "（否则退出码为 13）。--out 把最新列表写入文件。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer revocation bank --out bank.crl --passphrase env:BANK\n"},
},
{
	"issuer x509", "DIR [FILE]", 1, 2,
	PASS | JZ_OPT(ROLE) | JZ_OPT(HOLDER) | JZ_OPT(HOST) | JZ_OPT(EMAIL) |
	    JZ_OPT(OUT), 0,
	JZ_EXITS_ISSUER | JZ_EXIT(AUTHENTICATION), jz_cmd_issuer_x509,
	{"make X.509 certificates", "签发 X.509 证书"},
	{"Certifies a server or a user by the issuer's CA, for a year, and writes\n"
	 "that certificate and the CA's in PEM.  FILE holds a request (PKCS #10) or\n"
	 "a public key; --role says what for: server, client, signer.  Names come\n"
	 "from the request where the options do not give them.  A card's own\n"
	 "certificate without --role gets the same names and dates in X.509.\n"
	 "Without FILE: the issuer's root and CA, for others to trust.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi issuer x509 bank --out root.pem --passphrase env:BANK\n"
	 "  jiaozi issuer x509 bank server.csr --role server \\\n"
	 "      --host bank.example,192.0.2.7 --out server.pem --passphrase env:BANK\n",
	 "以发卡行 CA 为服务器或用户签发一年期证书，连同 CA 证书以 PEM 写出。FILE 为\n"
	 "证书请求 (PKCS #10) 或公钥；--role 为用途：server、client、signer。选项未给出的\n"
	 "名称取自请求。卡证书不带 --role 时，得到名称与日期相同的 X.509 证书。\n"
	 "不带 FILE：写出发卡行的根与 CA 证书，供他人信任。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer x509 bank --out root.pem --passphrase env:BANK\n"
	 "  jiaozi issuer x509 bank server.csr --role server \\\n"
	 "      --host bank.example,192.0.2.7 --out server.pem --passphrase env:BANK\n"},
},
{
	"issuer serve", "DIR", 1, 1,
	PASS | JZ_OPT(LISTEN) | JZ_OPT(CERTIFICATE) | JZ_OPT(CERTIFICATE_KEY) |
	    JZ_OPT(CLIENT_CA) | JZ_OPT(WORKERS) | JZ_OPT(CONNECTIONS) |
	    JZ_OPT(RATE) | JZ_OPT(LOG),
	JZ_OPT(CERTIFICATE) | JZ_OPT(CERTIFICATE_KEY),
	JZ_EXITS_ISSUER | JZ_EXIT(EXISTS), jz_cmd_issuer_serve,
	{"answer cards over HTTPS", "以 HTTPS 服务卡的请求"},
	{"Loads and settlement for `jiaozi load --issuer https://HOST`, over TLS 1.3.\n"
	 "Accounts and cards are kept by the other commands, beside it.  It has no\n"
	 "state of its own: it can be killed and started at any time, and several can\n"
	 "serve one issuer.  SIGTERM or ^C: it answers what it was asked, and ends.\n"
	 "/health and /metrics (Prometheus) tell how it is.\n"
	 "\n"
	 "Example\n"
	 "  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \\\n"
	 "      -keyout server.key -subj /CN=localhost -out server.csr\n"
	 "  jiaozi issuer x509 bank server.csr --role server --host localhost \\\n"
	 "      --out server.pem --passphrase env:BANK\n"
	 "  jiaozi issuer serve bank --certificate server.pem \\\n"
	 "      --certificate-key server.key --passphrase env:BANK\n",
	 "以 TLS 1.3 为 jiaozi load --issuer https://主机 提供圈存与结算；账户与卡仍由其他\n"
	 "命令管理。服务自身不存状态：随时可终止与重启，多个实例可同时服务一家发卡行。\n"
	 "收到 SIGTERM 或 ^C 时答复完已收到的请求后结束。/health 与 /metrics（Prometheus）\n"
	 "可查运行状况。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer serve bank --certificate server.pem \\\n"
	 "      --certificate-key server.key --passphrase env:BANK\n"},
},
{
	"issuer crl", "DIR [FILE|serial:HEX]...", 1, 64,
	PASS | JZ_OPT(OUT), 0,
	JZ_EXITS_ISSUER | JZ_EXIT(AUTHENTICATION), jz_cmd_issuer_crl,
	{"revoke X.509 certificates", "吊销 X.509 证书"},
	{"Makes the CA's next X.509 revocation list, in PEM: what it named before,\n"
	 "and the certificates given now, each as a file or by its serial number.\n"
	 "It is good for 30 days: without a certificate it is made anew.  Cards have\n"
	 "a list of their own: `jiaozi issuer revoke`.\n"
	 "\n"
	 "A file must hold a certificate of this CA, expired or not (exit code 8).\n"
	 "The list is kept in DIR/keys/ca-N.crl; one that the CA has not signed\n"
	 "is refused.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi issuer crl bank server.pem --out bank.crl --passphrase env:BANK\n"
	 "  jiaozi issuer crl bank serial:4F3A91 --out bank.crl --passphrase env:BANK\n"
	 "  openssl verify -crl_check -CAfile root.pem -CRLfile bank.crl server.pem\n",
	 "以 PEM 写出 CA 的下一份 X.509 吊销列表：此前所列，加上本次以文件或序列号给出的\n"
	 "证书。列表有效期 30 天：不带证书即重新签发。卡使用另一种列表，见\n"
	 "jiaozi issuer revoke。\n"
	 "\n"
	 "文件须为此 CA 签发的证书，过期与否不限（否则退出码为 8）。列表存于\n"
	 "DIR/keys/ca-N.crl；若非此 CA 所签，则拒绝。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi issuer crl bank server.pem --out bank.crl --passphrase env:BANK\n"
	 "  jiaozi issuer crl bank serial:4F3A91 --out bank.crl --passphrase env:BANK\n"
	 "  openssl verify -crl_check -CAfile root.pem -CRLfile bank.crl server.pem\n"},
},
{0},
};
/* clang-format on */
