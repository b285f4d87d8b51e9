/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands about readers and cards, with their help.
 */
#include "cli.h"

/* clang-format off */
const struct jz_cli_command jz_cli_card_commands[] = {
{
	"reader list", "", 0, 0, 0, 0, JZ_EXIT(READER), jz_cmd_reader_list,
	{"list the PC/SC readers", "列出 PC/SC 读卡器"},
	{"Lists the readers of the PC/SC daemon, each with its card's answer to\n"
	 "reset.  The name printed can be given to --card as it is.\n"
	 "Fails when no daemon runs or no reader is there.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi reader list --json\n",
	 "列出 PC/SC 服务的读卡器及卡的复位应答。显示的名称可直接用于 --card。\n"
	 "没有服务或没有读卡器时报错。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi reader list --json\n"},
},
{
	"card create", "FILE", 1, 1,
	JZ_OPT(KEY) | JZ_OPT(PASSPHRASE) | JZ_OPT(PROTOCOL) | JZ_OPT(SUITE), 0,
	JZ_EXIT(CARD_FILE) | JZ_EXIT(EXISTS) | JZ_EXIT(IO), jz_cmd_card_create,
	{"make a virtual card with an empty purse", "新建带空钱包的虚拟卡"},
	{"Makes a card in a file.  The file is sealed under a key file, FILE.key,\n"
	 "made when there is none, or under a passphrase.  Who holds both files\n"
	 "holds the money.  An existing file is never overwritten.\n"
	 "A T=1 card answers whole; a T=0 card says 61xx and 6Cxx, as the readers\n"
	 "and programs of old T=0 cards expect.\n"
	 "A card is of one suite of cryptography, its issuer's: see issuer init.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi card create alice.card\n"
	 "  jiaozi card create bob.card --passphrase prompt\n"
	 "  jiaozi card create old.card --protocol T=0\n"
	 "  jiaozi card create carol.card --suite gm\n",
	 "在文件中新建一张卡。文件以密钥文件（文件.key，不存在时新建）或口令封存。\n"
	 "持有两个文件者即持有其中的钱。已有的文件绝不覆盖。\n"
	 "T=1 卡一次应答全部数据；T=0 卡以 61xx、6Cxx 应答，与旧 T=0 卡的读卡器和\n"
	 "程序相配。\n"
	 "卡的密码套件与其发卡行相同，见 issuer init。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card create alice.card\n"
	 "  jiaozi card create bob.card --passphrase prompt\n"
	 "  jiaozi card create old.card --protocol T=0\n"
	 "  jiaozi card create carol.card --suite gm\n"},
},
{
	"card personalise", "", 0, 0,
	JZ_OPT(CARD) | JZ_OPT(ISSUER) | JZ_OPT(PASSPHRASE) | JZ_OPT(ACCOUNT) |
	    JZ_OPT(HOLDER) | JZ_OPT(PIN) | JZ_OPT(MAX_BALANCE) |
	    JZ_OPT(MAX_SINGLE) | JZ_OPT(PIN_ABOVE) | JZ_OPT(PAYEE_ONLY) |
	    JZ_OPT(ENCRYPTED) | JZ_OPT(KEYS) | JZ_OPT(KEY_VERSION) |
	    JZ_OPT(INSTANCE) | JZ_OPT(CONFIRM_LOADS) |
	    JZ_OPT(CONFIRM_PAYMENTS) | JZ_OPT(SEALED_LOADS),
	JZ_OPT(ACCOUNT),
	JZ_EXITS_CARD | JZ_EXITS_ISSUER | JZ_EXIT(AUTHENTICATION),
	jz_cmd_card_personalise,
	{"make an empty card somebody's", "个人化：把空卡发给持有人"},
	{"In a secure channel to the card's issuer security domain: the issuer's\n"
	 "own administration keys replace those the card came with (the test keys,\n"
	 "unless --keys says otherwise), the purse makes its own key pair, the\n"
	 "issuer registers the card for an account and certifies the key, and\n"
	 "certificates, limits and PIN are stored.  The private key never leaves the\n"
	 "card.  Once only; what was cut off is finished by the same command.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi card personalise --card virtual:alice.card --issuer bank \\\n"
	 "      --passphrase env:BANK --account alice --holder Alice --pin env:PIN\n",
	 "在通往卡上发卡方安全域的安全通道中进行：以发卡行自己的管理密钥替换卡原有的\n"
	 "密钥（除 --keys 另有指定外为测试密钥），钱包自己生成密钥对，发卡行为账户登记\n"
	 "此卡并签发证书，证书、限额与 PIN 存入卡中。私钥永不离开卡。只能进行一次；\n"
	 "中断后再次执行同一命令即可完成。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card personalise --card virtual:alice.card --issuer bank \\\n"
	 "      --passphrase env:BANK --account alice --holder 爱丽丝 --pin env:PIN\n"},
},
{
	"card batch", "DIR", 1, 1,
	JZ_OPT(CARD) | JZ_OPT(ISSUER) | JZ_OPT(PASSPHRASE) | JZ_OPT(ACCOUNT) |
	    JZ_OPT(HOLDER) | JZ_OPT(MAX_BALANCE) | JZ_OPT(MAX_SINGLE) |
	    JZ_OPT(PIN_ABOVE) | JZ_OPT(PAYEE_ONLY) | JZ_OPT(KEYS) |
	    JZ_OPT(COUNT) | JZ_OPT(FIRST) | JZ_OPT(LIST) | JZ_OPT(REPORT) |
	    JZ_OPT(MAILER) | JZ_OPT(MAILER_PASSPHRASE) | JZ_OPT(PRINTER) |
	    JZ_OPT(JOBS) | JZ_OPT(QUIET),
	0,
	JZ_EXITS_CARD | JZ_EXITS_ISSUER | JZ_EXIT(AUTHENTICATION) |
	    JZ_EXIT(EXISTS) | JZ_EXIT(PART),
	jz_cmd_card_batch,
	{"make many cards by one order", "按一份订单批量制卡"},
	{"Each is made and personalised as by card create and card personalise: as\n"
	 "DIR/NUMBER.card with a key file of its own, or with --card the cards put\n"
	 "into that reader, one after the other.  Without --account each card has an\n"
	 "account of its own, named by its number.  PINs of six digits are drawn and\n"
	 "go into a sealed PIN mailer (jiaozi card mailer) or to a printer.\n"
	 "However it is ended, the same command goes on where it stopped.\n"
	 "\n"
	 "--list is a CSV file whose first row names its columns: account, holder,\n"
	 "max-balance, max-single, pin-above, payee-only (yes, no), pin.  With a\n"
	 "pin column its mode must be 0600.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi card batch cards --issuer bank --passphrase file:bank.pass \\\n"
	 "      --count 10000 --mailer pins --mailer-passphrase prompt\n"
	 "  jiaozi card batch staff --issuer bank --passphrase file:bank.pass \\\n"
	 "      --list staff.csv --printer lp --report staff-cards.csv\n",
	 "每张卡如同以 card create 与 card personalise 制作：存为 DIR/卡号.card 并各有\n"
	 "密钥文件；给出 --card 时则为依次放入该读卡器的卡。不给 --account 时每张卡各\n"
	 "开一个以卡号为名的账户。PIN 为抽取的六位数字，写入封存的密码信（见 jiaozi\n"
	 "card mailer）或送往打印命令。无论怎样中断，再执行同一命令即继续。\n"
	 "\n"
	 "--list 是 CSV 文件，首行为列名：account、holder、max-balance、max-single、\n"
	 "pin-above、payee-only（yes 或 no）、pin。含 pin 列时文件权限须为 0600。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card batch cards --issuer bank --passphrase file:bank.pass \\\n"
	 "      --count 10000 --mailer pins --mailer-passphrase prompt\n"
	 "  jiaozi card batch staff --issuer bank --passphrase file:bank.pass \\\n"
	 "      --list staff.csv --printer lp --report staff-cards.csv\n"},
},
{
	"card mailer", "FILE", 1, 1, JZ_OPT(MAILER_PASSPHRASE), 0,
	JZ_EXIT(CARD_FILE) | JZ_EXIT(CARD) | JZ_EXIT(AUTHENTICATION) |
	    JZ_EXIT(NOT_FOUND) | JZ_EXIT(IO),
	jz_cmd_card_mailer,
	{"open a PIN mailer, for its printer", "打开密码信以供打印"},
	{"Prints a line for each card: number, holder, PIN, with tabs between.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi card mailer pins --mailer-passphrase prompt | lp\n",
	 "每张卡一行：卡号、持有人、PIN，以制表符分隔。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card mailer pins --mailer-passphrase prompt | lp\n"},
},
{
	"card esign", "", 0, 0,
	JZ_OPT(CARD) | JZ_OPT(ISSUER) | JZ_OPT(PASSPHRASE) | JZ_OPT(ACCOUNT) |
	    JZ_OPT(HOLDER) | JZ_OPT(PIN) | JZ_OPT(PIN_ABOVE) |
	    JZ_OPT(LENGTH) | JZ_OPT(ALPHABET) | JZ_OPT(MODE) |
	    JZ_OPT(SCHEME) | JZ_OPT(MAY_BE_GUESSED) |
	    JZ_OPT(KEY_AFTER_PIN),
	JZ_OPT(ACCOUNT),
	JZ_EXITS_CARD | JZ_EXITS_ISSUER | JZ_EXIT(AUTHENTICATION),
	jz_cmd_card_esign,
	{"let a card sign for an account", "让卡为账户签名"},
	{"Puts the e-signature applet on a card that this issuer has personalised,\n"
	 "certifies its key and registers it for the account.  Up to --pin-above a\n"
	 "key on the card is enough to see a joint password, above it the PIN is\n"
	 "typed on the card's own keys (and OK, with --key-after-pin).  Once only.\n"
	 "--mode and --scheme choose what is signed and how it is encrypted; where\n"
	 "the terminal could test guesses of a joint password then, the card takes\n"
	 "it only with --may-be-guessed and 64 bits of --length and --alphabet.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi card esign --card virtual:alice.card --issuer bank \\\n"
	 "      --passphrase env:BANK --account alice --pin env:PIN \\\n"
	 "      --pin-above 100\n",
	 "在本发卡行已个人化的卡上安装电子签名应用，签发其证书并为账户登记。\n"
	 "不超过 --pin-above 的金额按键即可显示联合密码，超过的须在卡自己的键上\n"
	 "输 PIN（加 --key-after-pin 则再按确认）。只能进行一次。\n"
	 "--mode 与 --scheme 决定签什么、怎样加密；终端因此可试猜联合密码时，须加\n"
	 "--may-be-guessed，且 --length 与 --alphabet 达 64 位强度，卡才接受。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card esign --card virtual:alice.card --issuer bank \\\n"
	 "      --passphrase env:BANK --account alice --pin env:PIN \\\n"
	 "      --pin-above 100\n"},
},
{
	"card user", "", 0, 0, JZ_OPT(CARD) | JZ_OPT(OUT), 0,
	JZ_EXITS_CARD | JZ_EXIT(NOT_FOUND) | JZ_EXIT(IO), jz_cmd_card_user,
	{"the X.509 certificate of who signs with a card",
	 "读出卡中签名用户的 X.509 证书"},
	{"Reads the certificate of the e-signature applet's key in PEM, for openssl\n"
	 "and its like.  Needs no PIN.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi card user --card virtual:alice.card --out alice.pem\n",
	 "以 PEM 格式读出电子签名应用密钥的证书，供 openssl 等程序使用。无需 PIN。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card user --card virtual:alice.card --out alice.pem\n"},
},
{
	"card replace", "", 0, 0,
	JZ_OPT(CARD) | JZ_OPT(NEW_CARD) | JZ_OPT(ISSUER) | JZ_OPT(PASSPHRASE) |
	    JZ_OPT(PIN) | JZ_OPT(NEW_PIN) | JZ_OPT(TERMINAL) | JZ_OPT(CA) |
	    JZ_OPT(CERTIFICATE) | JZ_OPT(CERTIFICATE_KEY) | JZ_OPT(TIMEOUT),
	JZ_OPT(NEW_CARD),
	JZ_EXITS_CARD | JZ_EXITS_ISSUER | JZ_EXIT(PIN) |
	    JZ_EXIT(AUTHENTICATION) | JZ_EXIT(FUNDS) | JZ_EXIT(NETWORK),
	jz_cmd_card_replace,
	{"move a card's money to its successor", "换卡：把卡内余额转到新卡"},
	{"The old card settles and unloads all that it has to the account; the\n"
	 "new card, personalised for the same account and holder, is loaded with\n"
	 "it; the old card is revoked.  Cut off at whatever point, the same command\n"
	 "again goes on, and nothing is moved twice.  Payments to the old card that\n"
	 "are not finished must be finished or given up first.  Over HTTPS an empty\n"
	 "card is not replaced: there is nothing to move.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi card replace --card virtual:old.card --new-card virtual:new.card \\\n"
	 "      --issuer bank --passphrase env:BANK --pin env:PIN --new-pin env:NEW\n",
	 "旧卡先结算，再把全部余额圈提到账户；新卡（同一账户、同一持卡人）圈存同样\n"
	 "的金额；旧卡随即吊销。在任何一步中断，再执行同一命令即可继续，不会重复\n"
	 "转移。旧卡未完成的收款须先完成或放弃。经 HTTPS 不替换空卡：无余额可转。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card replace --card virtual:old.card --new-card virtual:new.card \\\n"
	 "      --issuer bank --passphrase env:BANK --pin env:PIN --new-pin env:NEW\n"},
},
{
	"card info", "", 0, 0, JZ_OPT(CARD), 0, JZ_EXITS_CARD, jz_cmd_card_info,
	{"what a card tells about itself", "显示卡的信息"},
	{"State, identity, balance, limits, counters, and how many records wait\n"
	 "for settlement.  Needs no PIN.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi card info --card virtual:alice.card\n",
	 "显示状态、标识、余额、限额、计数器和待结算的记录数。无需 PIN。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card info --card virtual:alice.card\n"},
},
{
	"card balance", "", 0, 0, JZ_OPT(CARD) | JZ_OPT(INSTANCE), 0, JZ_EXITS_CARD,
	jz_cmd_card_balance,
	{"how much a card holds", "显示卡内余额"},
	{"Reads the balance with the field's own command, GET BALANCE (805C).\n"
	 "\n"
	 "Example\n"
	 "  jiaozi card balance --card virtual:alice.card\n",
	 "以行业标准命令 GET BALANCE(805C)读余额。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card balance --card virtual:alice.card\n"},
},
{
	"card log", "", 0, 0, JZ_OPT(CARD) | JZ_OPT(PIN), 0,
	JZ_EXITS_CARD | JZ_EXIT(PIN), jz_cmd_card_log,
	{"the card's last transactions", "显示最近的交易记录"},
	{"The last ten transactions, newest first: time, kind, amount (negative\n"
	 "is paid), counterparty, serial number.  The log is the cardholder's,\n"
	 "so it takes the PIN.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi card log --card virtual:alice.card --pin prompt\n",
	 "最近十笔交易，新的在前：时间、种类、金额（负数为付出）、对方、序号。\n"
	 "记录属于持卡人，须输 PIN。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card log --card virtual:alice.card --pin prompt\n"},
},
{
	"card records", "", 0, 0, JZ_OPT(CARD) | JZ_OPT(PIN), 0,
	JZ_EXITS_CARD | JZ_EXIT(PIN), jz_cmd_card_records,
	{"the card's records, whole", "显示卡内完整记录"},
	{"All records that the card still has, newest first: number, time, kind,\n"
	 "amount (negative is paid), the other card's ID, the counters of payer and\n"
	 "payee, and of a refund the counter of the first payment.  --json adds the\n"
	 "digests and the signed record.  It takes the PIN.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi card records --card virtual:alice.card --pin prompt\n",
	 "卡内现有的全部记录，新的在前：编号、时间、种类、金额（负数为付出）、对方卡号、\n"
	 "付款与收款计数器，退款另有原付款的计数器。--json 另含摘要与签名的记录。\n"
	 "须输 PIN。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card records --card virtual:alice.card --pin prompt\n"},
},
{
	"card known", "", 0, 0,
	JZ_OPT(CARD) | JZ_OPT(PIN) | JZ_OPT(KEEP) | JZ_OPT(FORGET), 0,
	JZ_EXITS_CARD | JZ_EXIT(PIN) | JZ_EXIT(AUTHENTICATION),
	jz_cmd_card_known,
	{"other cards whose certificate it keeps", "卡内所存的其他卡的证书"},
	{"A message without certificate (--by-id) is taken from a card whose\n"
	 "certificate is kept here.  There is room for four.  --keep FILE stores one,\n"
	 "which the issuer must have signed, --forget ID drops one; then the IDs are\n"
	 "listed.  It takes the PIN.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi card known --card virtual:alice.card --pin prompt --keep bob.cvc\n",
	 "卡接受来自这里所存证书的卡的无证书报文（--by-id），至多存四张。--keep 文件\n"
	 "存入一张（须由发卡行签发），--forget 卡号 删除一张，然后列出各卡号。须输 PIN。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card known --card virtual:alice.card --pin prompt --keep bob.cvc\n"},
},
{
	"card serve", "FILE...", 1, 16,
	JZ_OPT(PORT) | JZ_OPT(KEY) | JZ_OPT(PASSPHRASE) | JZ_OPT(SCREEN), 0,
	JZ_EXIT(READER) | JZ_EXIT(CARD_FILE) | JZ_EXIT(NOT_FOUND) | JZ_EXIT(IO),
	jz_cmd_card_serve,
	{"put virtual cards into PC/SC readers", "把虚拟卡放入 PC/SC 读卡器"},
	{"Connects cards to the virtual reader driver vpcd, so that any PC/SC\n"
	 "program can use them: the first card at --port, the next at the port\n"
	 "after it.  Ends with ^C or SIGTERM, which takes the cards out.\n"
	 "With --screen the terminal is the card's own display and keys: digits,\n"
	 "Enter (OK), Esc (cancel), arrows.  No program at the reader can reach\n"
	 "them.  What waits on the display is lost when the command ends.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi card serve alice.card bob.card --port 35963 &\n"
	 "  opensc-tool -l\n",
	 "通过虚拟读卡器驱动 vpcd 提供卡，任何 PC/SC 程序都能使用：第一张卡用\n"
	 "--port 端口，后面的依次加一。按 ^C 或收到 SIGTERM 时结束并取出卡。\n"
	 "加 --screen 时，本终端就是卡自己的显示屏与按键：数字、回车（确认）、\n"
	 "Esc（取消）、上下键；读卡器一侧的程序无法触及。命令结束时，\n"
	 "屏上未完成的交易即丢弃。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card serve alice.card bob.card --port 35963 &\n"
	 "  opensc-tool -l\n"},
},
{
	"card apdu", "[APDU...]", 0, JZ_CLI_ARGUMENTS_MAX, JZ_OPT(CARD), 0,
	JZ_EXITS_CARD, jz_cmd_card_apdu,
	{"send raw APDUs", "发送原始 APDU"},
	{"Sends each APDU as it is and shows what came back, status word last.\n"
	 "Without arguments, reads one APDU a line from standard input; what\n"
	 "follows # is skipped.  A PIN belongs on standard input, not into an\n"
	 "argument.  Exit code 5 when the last status word is no success.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi card apdu --card virtual:alice.card \\\n"
	 "      '00A40400 08 F04A49414F5A4901 00' 805C000204\n"
	 "  jiaozi card apdu --card virtual:alice.card <script.apdu\n",
	 "原样发送每条 APDU 并显示应答，状态字在最后。不带参数时从标准输入\n"
	 "每行读一条，# 之后忽略。PIN 请从标准输入给出，不要写成参数。\n"
	 "最后的状态字不是成功时退出码为 5。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card apdu --card virtual:alice.card \\\n"
	 "      '00A40400 08 F04A49414F5A4901 00' 805C000204\n"
	 "  jiaozi card apdu --card virtual:alice.card <script.apdu\n"},
},
{
	"card reset", "", 0, 0, JZ_OPT(CARD) | JZ_OPT(WARM), 0,
	JZ_EXITS_CARD, jz_cmd_card_reset,
	{"reset a card and show its ATR", "复位卡并显示 ATR"},
	{"Takes the power away and gives it back; --warm only resets.  What the\n"
	 "card had verified or selected is forgotten, what it stores is not.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi card reset --card virtual:alice.card\n",
	 "断电再上电；--warm 只复位。卡忘掉已验证与已选择的状态，存储不变。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card reset --card virtual:alice.card\n"},
},
{
	"card revocation", "", 0, 0, JZ_OPT(CARD) | JZ_OPT(IN) | JZ_OPT(OUT), 0,
	JZ_EXITS_CARD | JZ_EXIT(AUTHENTICATION) | JZ_EXIT(EXISTS),
	jz_cmd_card_revocation,
	{"show or renew a card's revocation list", "显示或更新卡内吊销列表"},
	{"Shows which certificates the card refuses.  --in gives it a list first,\n"
	 "in binary or hexadecimal: taken only when its CA has signed it and it is\n"
	 "newer (exit code 11 when not).  --out writes the card's list to a file.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi card revocation --in bank.crl --card virtual:alice.card\n",
	 "显示该卡拒绝哪些证书。--in 先给它一版列表（二进制或十六进制）：须由其 CA\n"
	 "签名且更新才接受（否则退出码为 11）。--out 把卡内列表写入文件。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi card revocation --in bank.crl --card virtual:alice.card\n"},
},
{0},
};
/* clang-format on */
