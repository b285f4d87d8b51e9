/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options: one table of all, of which every command takes a subset.  Parsed
 * with popt; an option that a command does not take is refused, not ignored.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli.h"

#include <popt.h>
#include <stdlib.h>
#include <string.h>

#include "../../keys/secret.h"

struct option_row {
	enum jz_option option;
	const char *name;
	char letter;
	const char *argument; /* NULL: a flag */
	const char *text[2];
};

/* clang-format off */
static const struct option_row TABLE[] = {
	{JZ_OPT_CARD, "card", 'c', "READER",
	    {"the card: virtual:FILE or pcsc:GLOB (else $JIAOZI_READER)",
	     "卡：virtual:文件 或 pcsc:通配符（缺省用 $JIAOZI_READER）"}},
	{JZ_OPT_PAYER, "payer", 0, "READER",
	    {"the card that pays", "付款卡"}},
	{JZ_OPT_PAYEE, "payee", 0, "READER",
	    {"the card that is paid", "收款卡"}},
	{JZ_OPT_ISSUER, "issuer", 'i', "DIR",
	    {"the issuer's directory, or https://HOST (else $JIAOZI_ISSUER)",
	     "发卡行目录或 https://主机（缺省用 $JIAOZI_ISSUER）"}},
	{JZ_OPT_AMOUNT, "amount", 'a', "AMOUNT",
	    {"how much, e.g. 25.00", "金额，如 25.00"}},
	{JZ_OPT_CURRENCY, "currency", 0, "CODE",
	    {"ISO 4217: CNY, USD, EUR, JPY, ... (default CNY)",
	     "ISO 4217 货币：CNY、USD、EUR、JPY 等（缺省 CNY）"}},
	{JZ_OPT_PIN, "pin", 'p', "SOURCE",
	    {"where the PIN comes from: prompt, env:NAME, file:PATH, fd:N",
	     "PIN 来源：prompt、env:变量、file:路径、fd:编号"}},
	{JZ_OPT_PAYEE_PIN, "payee-pin", 0, "SOURCE",
	    {"where the PIN of the card that is paid comes from",
	     "收款卡的 PIN 来源"}},
	{JZ_OPT_PASSPHRASE, "passphrase", 'P', "SOURCE",
	    {"where the passphrase comes from: prompt, env:NAME, file:PATH, fd:N",
	     "口令来源：prompt、env:变量、file:路径、fd:编号"}},
	{JZ_OPT_REFERENCE, "reference", 'r', "TEXT",
	    {"the merchant's reference, up to 32 bytes",
	     "商户备注，最多 32 字节"}},
	{JZ_OPT_ACCOUNT, "account", 0, "NAME",
	    {"the account at the issuer", "发卡行账户"}},
	{JZ_OPT_HOLDER, "holder", 0, "TEXT",
	    {"the holder's name, up to 32 bytes", "持有人姓名，最多 32 字节"}},
	{JZ_OPT_MAX_BALANCE, "max-balance", 0, "AMOUNT",
	    {"highest balance (default 1000)", "余额上限（缺省 1000）"}},
	{JZ_OPT_MAX_SINGLE, "max-single", 0, "AMOUNT",
	    {"highest single payment (default: the highest balance)",
	     "单笔上限（缺省为余额上限）"}},
	{JZ_OPT_PIN_ABOVE, "pin-above", 0, "AMOUNT",
	    {"payments above this need the PIN (default 0: all)",
	     "超过此金额须输 PIN（缺省 0：每笔都要）"}},
	{JZ_OPT_PAYEE_ONLY, "payee-only", 0, NULL,
	    {"the card can be paid and cannot pay", "只能收款，不能付款"}},
	{JZ_OPT_KEY, "key", 'k', "FILE",
	    {"the card's key file (default: the card's name and .key)",
	     "卡密钥文件（缺省为卡文件名加 .key）"}},
	{JZ_OPT_PORT, "port", 0, "N",
	    {"vpcd's TCP port for the first card (else $JIAOZI_VPCD_PORT, 35963)",
	     "第一张卡的 vpcd 端口（缺省用 $JIAOZI_VPCD_PORT 或 35963）"}},
	{JZ_OPT_IN, "in", 0, "FILE",
	    {"the message before, or - for standard input (the default)",
	     "上一条报文，- 为标准输入（缺省）"}},
	{JZ_OPT_OUT, "out", 'o', "FILE",
	    {"the next message, or - for standard output (the default)",
	     "下一条报文，- 为标准输出（缺省）"}},
	{JZ_OPT_HEX, "hex", 'x', NULL,
	    {"write the message in hexadecimal", "以十六进制写出报文"}},
	{JZ_OPT_MESSAGES, "messages", 0, "DIR",
	    {"keep every message of the payment in this directory",
	     "把每条支付报文存入此目录"}},
	{JZ_OPT_TERMINAL, "terminal", 0, "HEX",
	    {"the terminal's number, 12 hexadecimal digits",
	     "终端号，12 位十六进制"}},
	{JZ_OPT_CANCEL, "cancel", 0, NULL,
	    {"give up a load left open, instead of --amount and --pin",
	     "撤销未完成的圈存，代替 --amount 与 --pin"}},
	{JZ_OPT_NEW_CARD, "new-card", 0, "READER",
	    {"the card that takes its place", "接替的新卡"}},
	{JZ_OPT_NEW_PIN, "new-pin", 0, "SOURCE",
	    {"where the new card's PIN comes from", "新卡 PIN 的来源"}},
	{JZ_OPT_PAIR, "pair", 0, NULL,
	    {"put each of the two on the other's list, instead of --amount",
	     "双方互相登记，代替 --amount"}},
	{JZ_OPT_CONFIRM_LOADS, "confirm-loads", 0, NULL,
	    {"loads are confirmed on the card's own display",
	     "圈存须在卡自己的显示屏上确认"}},
	{JZ_OPT_CONFIRM_PAYMENTS, "confirm-payments", 0, NULL,
	    {"where a payment needs the PIN, OK on the card's own keys will do",
	     "付款需要 PIN 时，可用卡上的按键确认代替"}},
	{JZ_OPT_SEALED_LOADS, "sealed-loads", 0, NULL,
	    {"loads are enciphered between card and issuer",
	     "圈存报文在卡与发卡行之间加密"}},
	{JZ_OPT_PROTOCOL, "protocol", 0, "T=0|T=1",
	    {"the card's transmission protocol, for good (default T=1)",
	     "卡的传输协议，不可更改（缺省 T=1）"}},
	{JZ_OPT_GENERATION, "generation", 0, "N",
	    {"revoke every certificate of a generation below this one",
	     "吊销代次低于此数的全部证书"}},
	{JZ_OPT_REASON, "reason", 0, "TEXT",
	    {"why, up to 64 bytes, for the issuer's own books",
	     "原因，最多 64 字节，只记在发卡行账上"}},
	{JZ_OPT_ROOT, "root", 0, "FILE",
	    {"the root that is trusted, and the CAs between if they are in it",
	     "信任的根证书，其中可含中间 CA"}},
	{JZ_OPT_AT, "at", 0, "TIME",
	    {"as of this time, 2026-01-31T12:00:00Z, or `none`; settle: HH:MM, UTC",
	     "按此时刻，如 2026-01-31T12:00:00Z 或 none；结算：HH:MM，UTC"}},
	{JZ_OPT_ROLE, "role", 0, "ROLE",
	    {"card, host, ca, root; server, client, signer for X.509",
	     "card、host、ca、root；X.509 用 server、client、signer"}},
	{JZ_OPT_REVOCATION, "revocation", 0, "FILE",
	    {"a revocation list of the CA, or an X.509 CRL",
	     "CA 的吊销列表，或 X.509 CRL"}},
	{JZ_OPT_FORM, "form", 0, "FORM",
	    {"der, pem, hex, key-pem, key-der; of a statement text, json, html",
	     "der、pem、hex、key-pem、key-der；对账单为 text、json、html"}},
	{JZ_OPT_HOST, "host", 0, "NAMES",
	    {"names and addresses of a server, with commas between",
	     "服务器的名称与地址，以逗号分隔"}},
	{JZ_OPT_EMAIL, "email", 0, "ADDRESS",
	    {"a user's address", "用户的邮箱地址"}},
	{JZ_OPT_SUITE, "suite", 0, "nist|gm",
	    {"the cryptography, for good: nist (ECDSA, AES; the default) or gm "
	     "(SM2, SM4)",
	     "密码套件，不可更改：nist（ECDSA、AES，缺省）或 gm（SM2、SM4）"}},
	{JZ_OPT_SCREEN, "screen", 0, NULL,
	    {"the card has display and keys: this terminal",
	     "卡带显示屏与按键：就是本终端"}},
	{JZ_OPT_TO, "to", 0, "ACCOUNT",
	    {"the payee's account", "收款账户"}},
	{JZ_OPT_NAME, "name", 0, "TEXT",
	    {"the payee's name, up to 64 bytes", "收款人，最多 64 字节"}},
	{JZ_OPT_DETAILS, "details", 0, "TEXT",
	    {"what it is for, up to 1024 bytes", "说明，最多 1024 字节"}},
	{JZ_OPT_ORDER, "order", 0, "FILE",
	    {"the transaction as a JSON object, or - for standard input",
	     "交易（JSON 对象），- 为标准输入"}},
	{JZ_OPT_JOINT, "joint", 0, "SOURCE",
	    {"where the joint password comes from: prompt, env:NAME, fd:N",
	     "联合密码来源：prompt、env:变量、fd:编号"}},
	{JZ_OPT_LENGTH, "length", 0, "N",
	    {"characters of a joint password, 4 to 16 (default 6)",
	     "联合密码的位数，4 至 16（缺省 6）"}},
	{JZ_OPT_MODE, "mode", 0, "MODE",
	    {"JPS-2, JPS-3, JPS-4 (default), JPS-5 or JPS-7: docs/esign.md",
	     "JPS-2、JPS-3、JPS-4（缺省）、JPS-5 或 JPS-7，见 docs/esign.md"}},
	{JZ_OPT_SCHEME, "scheme", 0, "LIST",
	    {"of hash,mac,ciphertext,symmetric,bare (default hash)",
	     "由 hash、mac、ciphertext、symmetric、bare 组成（缺省 hash）"}},
	{JZ_OPT_MAY_BE_GUESSED, "may-be-guessed", 0, NULL,
	    {"take a mode in which the terminal can test guesses (64 bits)",
	     "允许终端可试猜密码的模式（须 64 位强度）"}},
	{JZ_OPT_KEY_AFTER_PIN, "key-after-pin", 0, NULL,
	    {"above --pin-above: the PIN, and then OK",
	     "超过 --pin-above 时先输 PIN 再按确认"}},
	{JZ_OPT_QR, "qr", 0, "FILE",
	    {"the transaction in a QR code: a PNG picture, or - for input",
	     "二维码中的交易：PNG 图片，- 为标准输入"}},
	{JZ_OPT_EVIDENCE, "evidence", 0, "PREFIX",
	    {"keep PREFIX.signed and PREFIX.sig, for openssl to verify",
	     "保存 PREFIX.signed 与 PREFIX.sig，供 openssl 验证"}},
	{JZ_OPT_HELLO, "hello", 0, "FILE",
	    {"the payer's hello: encrypted profile",
	     "付款卡的问候报文（加密配置）"}},
	{JZ_OPT_REFUND_OF, "refund-of", 0, "N",
	    {"a refund: the payee's counter of the first payment",
	     "退款：原付款的收款计数器"}},
	{JZ_OPT_REVOCATION_OUT, "revocation-out", 0, "FILE",
	    {"write the card's revocation list, for the other card",
	     "写出本卡的吊销列表，供对方的卡使用"}},
	{JZ_OPT_BY_ID, "by-id", 0, NULL,
	    {"without certificate: the other card keeps it (card known)",
	     "报文不带证书：对方的卡已存（card known）"}},
	{JZ_OPT_ENCRYPTED, "encrypted", 0, NULL,
	    {"encrypted profile: the request travels enciphered, too",
	     "加密配置：支付请求也加密传送"}},
	{JZ_OPT_CONNECT, "connect", 0, "ADDRESS",
	    {"the payee's terminal: unix:PATH or tcp:HOST:PORT",
	     "收款终端：unix:路径 或 tcp:主机:端口"}},
	{JZ_OPT_KEEP, "keep", 0, "FILE",
	    {"store this certificate of another card",
	     "存入另一张卡的证书"}},
	{JZ_OPT_FORGET, "forget", 0, "ID",
	    {"drop this card's certificate", "删除该卡的证书"}},
	{JZ_OPT_ALPHABET, "alphabet", 0, "LIST",
	    {"of digits,small,capitals,symbols (default digits)",
	     "字符集：digits、small、capitals、symbols（缺省 digits）"}},
	{JZ_OPT_LISTEN, "listen", 0, "ADDRESS",
	    {"serve: 127.0.0.1:8443 (default), port 0: any; "
	     "pay: unix:PATH or tcp:HOST:PORT",
	     "服务：缺省 127.0.0.1:8443，端口 0 为任意；"
	     "支付：unix:路径 或 tcp:主机:端口"}},
	{JZ_OPT_CERTIFICATE, "certificate", 0, "FILE",
	    {"our X.509 certificate for TLS, with its chain, in PEM",
	     "本方的 TLS 证书及证书链（PEM）"}},
	{JZ_OPT_CERTIFICATE_KEY, "certificate-key", 0, "FILE",
	    {"the private key of --certificate, in PEM",
	     "--certificate 的私钥（PEM）"}},
	{JZ_OPT_CLIENT_CA, "client-ca", 0, "FILE",
	    {"only clients certified by these may connect (default: anybody)",
	     "只接受由此签发证书的客户端（缺省不限）"}},
	{JZ_OPT_WORKERS, "workers", 0, "N",
	    {"threads that answer (default 16)", "应答线程数（缺省 16）"}},
	{JZ_OPT_CONNECTIONS, "connections", 0, "N",
	    {"at most, at once (default 1000)", "同时连接数上限（缺省 1000）"}},
	{JZ_OPT_RATE, "rate", 0, "N",
	    {"requests a second from one address (default 200; 0: any)",
	     "每个地址每秒请求数上限（缺省 200，0 为不限）"}},
	{JZ_OPT_LOG, "log", 0, "FILE",
	    {"the log, appended to, in JSON lines (default: standard error)",
	     "日志文件，追加 JSON 行（缺省为标准错误）"}},
	{JZ_OPT_CA, "ca", 0, "FILE",
	    {"who certifies the issuer's server, in PEM (default: the system's)",
	     "签发服务端证书的 CA（PEM，缺省用系统的）"}},
	{JZ_OPT_TIMEOUT, "timeout", 0, "SECONDS",
	    {"for the issuer's server (default 30), or the other side (60)",
	     "等待发卡行服务（缺省 30）或对方（60）的秒数"}},
	{JZ_OPT_PASSWORD, "password", 0, "SOURCE",
	    {"where the account's password comes from: as --passphrase",
	     "账户密码来源，同 --passphrase"}},
	{JZ_OPT_STORE, "store", 0, "URI",
	    {"books in PostgreSQL: postgresql://HOST/DATABASE (default: a file)",
	     "账目存于 PostgreSQL：postgresql://主机/数据库（缺省为文件）"}},
	{JZ_OPT_RESUME, "resume", 0, NULL,
	    {"finish what was cut off, instead of --amount and --pin",
	     "续完中断的圈存或圈提，代替 --amount 与 --pin"}},
	{JZ_OPT_OPERATOR, "operator", 0, "FILE",
	    {"the key file of the operator who acts",
	     "执行操作的操作员的密钥文件"}},
	{JZ_OPT_OPERATOR_PASSPHRASE, "operator-passphrase", 0, "SOURCE",
	    {"that file's passphrase: as --passphrase",
	     "该密钥文件的口令，来源同 --passphrase"}},
	{JZ_OPT_HEAD, "head", 0, "FILE",
	    {"the audit log's last entry as it was kept elsewhere",
	     "另处保存的审计日志末条"}},
	{JZ_OPT_WARM, "warm", 0, NULL,
	    {"reset without taking the power away", "热复位，不断电"}},
	{JZ_OPT_KEYS, "keys", 'K', "SOURCE",
	    {"the card's keys in hexadecimal: `jiaozi help keys`",
	     "卡的管理密钥，十六进制，见 jiaozi help keys"}},
	{JZ_OPT_KEY_VERSION, "key-version", 0, "HEX",
	    {"which of the card's key sets (default: the card's choice)",
	     "使用卡上哪一组密钥（缺省由卡选择）"}},
	{JZ_OPT_NEW_KEYS, "new-keys", 0, "SOURCE",
	    {"the new keys: as --keys, or `issuer`: derived from --issuer",
	     "新密钥：同 --keys，或 issuer：由 --issuer 推导"}},
	{JZ_OPT_ADD, "add", 0, NULL,
	    {"add the keys instead of replacing those in use",
	     "添加密钥，而不是替换正在使用的一组"}},
	{JZ_OPT_INSTANCE, "instance", 0, "AID",
	    {"the application's AID (default: its module's)",
	     "应用的 AID（缺省与模块相同）"}},
	{JZ_OPT_PARAMS, "params", 0, "HEX",
	    {"install parameters for the application", "应用的安装参数"}},
	{JZ_OPT_PRIVILEGES, "privileges", 0, "LIST",
	    {"e.g. default-selected,card-lock; or hexadecimal",
	     "如 default-selected,card-lock；或十六进制"}},
	{JZ_OPT_CASCADE, "cascade", 0, NULL,
	    {"delete what was installed from it, too",
	     "连同由它安装的应用一并删除"}},
	{JZ_OPT_YES, "yes", 'y', NULL,
	    {"yes, for good", "确认，不可恢复"}},
	{JZ_OPT_PART, "part", 0, "1|2",
	    {"which half of the key this seed is", "此种子是密钥的哪一半"}},
	{JZ_OPT_CEREMONY, "ceremony", 0, "N",
	    {"the ceremony's number (default 1)", "仪式编号（缺省 1）"}},
	{JZ_OPT_BY, "by", 0, "NAME",
	    {"who makes it, up to 32 bytes", "制作人，最多 32 字节"}},
	{JZ_OPT_PASSPHRASE_1, "passphrase-1", 0, "SOURCE",
	    {"the first seed file's passphrase, as --passphrase",
	     "第一个种子文件的口令，同 --passphrase"}},
	{JZ_OPT_PASSPHRASE_2, "passphrase-2", 0, "SOURCE",
	    {"the second seed file's passphrase, as --passphrase",
	     "第二个种子文件的口令，同 --passphrase"}},
	{JZ_OPT_AUTHORITIES, "authorities", 0, "DIR",
	    {"show cards the CA certificates in it (else $JIAOZI_AUTHORITIES)",
	     "向卡出示其中的 CA 证书（缺省用 $JIAOZI_AUTHORITIES）"}},
	{JZ_OPT_TOKEN, "token", 0, "URI",
	    {"keys in a PKCS#11 token: pkcs11:token=LABEL?module-path=FILE",
	     "密钥存于 PKCS#11 令牌：pkcs11:token=标签?module-path=文件"}},
	{JZ_OPT_COUNT, "count", 0, "N",
	    {"how many cards", "卡的张数"}},
	{JZ_OPT_FIRST, "first", 0, "N",
	    {"the first card's number, up to nine digits (default: the next)",
	     "第一张卡的编号，至多九位（缺省为下一个）"}},
	{JZ_OPT_LIST, "list", 0, "FILE",
	    {"the holders, CSV: `jiaozi card batch --help`",
	     "持有人清单，CSV，见 jiaozi card batch --help"}},
	{JZ_OPT_REPORT, "report", 0, "FILE",
	    {"what became of each card: FILE.csv, or JSON lines",
	     "每张卡的结果：FILE.csv 或 JSON 行"}},
	{JZ_OPT_MAILER, "mailer", 0, "FILE",
	    {"the PIN mailer: a sealed file, appended to",
	     "密码信：封存的文件，追加写入"}},
	{JZ_OPT_MAILER_PASSPHRASE, "mailer-passphrase", 0, "SOURCE",
	    {"what seals the PIN mailer: as --passphrase",
	     "封存密码信的口令，来源同 --passphrase"}},
	{JZ_OPT_PRINTER, "printer", 0, "COMMAND",
	    {"instead of --mailer: gets a line for each PIN on its input",
	     "代替 --mailer：该命令从标准输入逐行得到 PIN"}},
	{JZ_OPT_JOBS, "jobs", 0, "N",
	    {"threads (default: the processors)", "线程数（缺省为处理器数）"}},
	{JZ_OPT_QUIET, "quiet", 'q', NULL,
	    {"no progress on standard error", "不在标准错误显示进度"}},
	{JZ_OPT_TRACE, "trace", 't', NULL,
	    {"show every APDU on standard error, PINs starred out",
	     "在标准错误输出显示每条 APDU,PIN 以星号代替"}},
	{JZ_OPT_JSON, "json", 'j', NULL,
	    {"print one JSON object", "输出一个 JSON 对象"}},
	{JZ_OPT_LANG, "lang", 0, "en|zh",
	    {"language (else LC_ALL, LC_MESSAGES, LANG)",
	     "语言（缺省按 LC_ALL、LC_MESSAGES、LANG）"}},
	{JZ_OPT_HELP, "help", 'h', NULL,
	    {"explain this command", "说明此命令"}},
};
/* clang-format on */
#define TABLE_ROWS (sizeof(TABLE) / sizeof(TABLE[0]))
_Static_assert(TABLE_ROWS == JZ_OPTIONS, "a row for each option");

/* popt returns row number + 1 for each option it meets. */
static void
build(jz_option_set set, struct poptOption out[static TABLE_ROWS + 1])
{
	unsigned n = 0;

	memset(out, 0, (TABLE_ROWS + 1) * sizeof(out[0]));
	for (unsigned i = 0; i < TABLE_ROWS; i++) {
		const struct option_row *row = &TABLE[i];

		if ((set & (jz_option_set)1 << row->option) == 0)
			continue;
		out[n].longName = row->name;
		out[n].shortName = row->letter;
		out[n].argInfo =
		    row->argument != NULL ? POPT_ARG_STRING : POPT_ARG_NONE;
		out[n].val = (int)i + 1;
		n++;
	}
}

static int
keep(struct jz_cli *c, const struct option_row *row, char *argument)
{
	char *value = argument != NULL ? argument : strdup("");

	if (value == NULL)
		return JZ_ERR_MEMORY;
	if (c->value[row->option] != NULL) {
		free(value);
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "--%s is given twice", "--%s 重复"), row->name);
	}
	c->value[row->option] = value;
	return 0;
}

static int
arguments(struct jz_cli *c, poptContext p)
{
	const char *arg;

	while ((arg = poptGetArg(p)) != NULL) {
		if (c->arguments == c->command->max ||
		    c->arguments == JZ_CLI_ARGUMENTS_MAX)
			return jz_cli_fail(c, JZ_ERR_ARGUMENT,
			    jz_tr(c, "\"%s\" is one argument too many",
				"多余的参数“%s”"),
			    arg);
		c->argument[c->arguments] = strdup(arg);
		if (c->argument[c->arguments] == NULL)
			return JZ_ERR_MEMORY;
		c->arguments++;
		/* Its own copy: an APDU may hold a PIN. */
		jz_wipe((void *)(uintptr_t)arg, strlen(arg));
	}
	return 0;
}

static int
missing(struct jz_cli *c)
{
	if (c->arguments < c->command->min)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "an argument is missing: %s", "缺少参数：%s"),
		    c->command->arguments);
	for (size_t i = 0; i < TABLE_ROWS; i++)
		if ((c->command->required &
			(jz_option_set)1 << TABLE[i].option) != 0 &&
		    !jz_cli_has(c, TABLE[i].option))
			return jz_cli_fail(c, JZ_ERR_ARGUMENT,
			    jz_tr(c, "--%s %s is missing", "缺少 --%s %s"),
			    TABLE[i].name, TABLE[i].argument);
	return 0;
}

static int
bad_option(struct jz_cli *c, const char *name, bool wants_value)
{
	if (wants_value)
		return jz_cli_fail(c, JZ_ERR_ARGUMENT,
		    jz_tr(c, "%s needs a value", "%s 需要一个值"), name);
	return jz_cli_fail(c, JZ_ERR_ARGUMENT,
	    jz_tr(c, "%s is no option of \"jiaozi %s\"",
		"“%s”不是“jiaozi %s”的选项"),
	    name, c->command->path);
}

int
jz_cli_options(struct jz_cli *c, int argc, const char **argv)
{
	struct poptOption options[TABLE_ROWS + 1];
	poptContext p = NULL;
	int err = 0, row;

	build(c->command->options | JZ_OPT_COMMON, options);
	p = poptGetContext("jiaozi", argc, argv, options, 0);
	if (p == NULL)
		return JZ_ERR_MEMORY;
	while (err == 0 && (row = poptGetNextOpt(p)) > 0)
		err = keep(c, &TABLE[row - 1], poptGetOptArg(p));
	if (err == 0 && row < -1)
		err = bad_option(c, poptBadOption(p, POPT_BADOPTION_NOALIAS),
		    row == POPT_ERROR_NOARG);
	if (err == 0)
		err = arguments(c, p);
	if (err == 0 && !jz_cli_has(c, JZ_OPT_HELP))
		err = missing(c);
	poptFreeContext(p);
	return err;
}

void
jz_cli_options_help(const struct jz_cli *c, jz_option_set set, FILE *out)
{
	char head[64];

	for (size_t i = 0; i < TABLE_ROWS; i++) {
		const struct option_row *row = &TABLE[i];

		if ((set & (jz_option_set)1 << row->option) == 0)
			continue;
		snprintf(head, sizeof(head), "%s%c%s--%s%s%s",
		    row->letter != 0 ? "-" : " ",
		    row->letter != 0 ? row->letter : ' ',
		    row->letter != 0 ? ", " : "  ", row->name,
		    row->argument != NULL ? " " : "",
		    row->argument != NULL ? row->argument : "");
		fprintf(out, "  %-26s %s\n", head, row->text[c->lang]);
	}
}
