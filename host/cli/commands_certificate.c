/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands about certificates, with their help.
 */
#include "cli.h"

#define EXITS                                                                  \
	(JZ_EXIT(AUTHENTICATION) | JZ_EXIT(NOT_FOUND) | JZ_EXIT(IO) |          \
	    JZ_EXIT(INTERNAL) | JZ_EXIT(CARD_FILE))

/* clang-format off */
const struct jz_cli_command jz_cli_certificate_commands[] = {
{
	"certificate show", "[FILE]", 0, 1, 0, 0, EXITS,
	jz_cmd_certificate_show,
	{"show what is in certificates", "显示证书内容"},
	{"Shows every object of a file (or standard input): card-verifiable and\n"
	 "X.509 certificates, revocation lists, requests, public keys; in binary,\n"
	 "one after the other, in PEM, or in hexadecimal.  Of a card-verifiable\n"
	 "certificate every field, with its offset; of a malformed one what is wrong\n"
	 "and where (exit code 8).  Whether it is genuine: `jiaozi certificate\n"
	 "verify`.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi certificate show bank/keys/root.cvcert\n"
	 "  jiaozi certificate export --card virtual:alice.card | \\\n"
	 "      jiaozi certificate show --json\n",
	 "显示文件（或标准输入）中的每个对象：卡可验证证书 (CVC)、X.509 证书、吊销\n"
	 "列表、证书请求、公钥；可为首尾相接的二进制、PEM 或十六进制。CVC 显示每个\n"
	 "字段及其偏移；格式错误时指出错在何处（退出码为 8）。真伪请用\n"
	 "jiaozi certificate verify 验证。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi certificate show bank/keys/root.cvcert\n"
	 "  jiaozi certificate export --card virtual:alice.card | \\\n"
	 "      jiaozi certificate show --json\n"},
},
{
	"certificate verify", "FILE", 1, 1,
	JZ_OPT(ROOT) | JZ_OPT(AT) | JZ_OPT(ROLE) | JZ_OPT(REVOCATION) |
	    JZ_OPT(HOST), JZ_OPT(ROOT), EXITS,
	jz_cmd_certificate_verify,
	{"judge a certificate by a root", "以根证书验证证书"},
	{"Verifies the first certificate of FILE: the chain to the root, with the\n"
	 "CAs of both files between; dates, now or as of --at; --role; of a server\n"
	 "that it is --host; and that --revocation does not name it.  Exit code 8\n"
	 "when it is not valid, with the reason by name: CERT_EXPIRED,\n"
	 "CERT_NOT_YET, CERT_REVOKED, CERT_ROLE, CERT_ISSUER, CERT_FORGED,\n"
	 "CERT_SUITE, CERT_NAME, CERT_MALFORMED.\n"
	 "\n"
	 "Examples\n"
	 "  cat bank/keys/root.cvcert bank/keys/ca.cvcert >bank.cvcert\n"
	 "  jiaozi certificate verify alice.pem --root bank.cvcert --role card \\\n"
	 "      --revocation bank.crl\n"
	 "  jiaozi certificate verify server.pem --root root.pem --role server \\\n"
	 "      --host bank.example --at 2027-01-31T12:00:00Z\n",
	 "验证 FILE 中的第一张证书：以两个文件中的 CA 追溯到根；日期按当前或 --at\n"
	 "时刻；角色按 --role；服务器名称按 --host；并且 --revocation 未将其列入。\n"
	 "无效时退出码为 8，并指明原因：CERT_EXPIRED、CERT_NOT_YET、CERT_REVOKED、\n"
	 "CERT_ROLE、CERT_ISSUER、CERT_FORGED、CERT_SUITE、CERT_NAME、\n"
	 "CERT_MALFORMED。\n"
	 "\n"
	 "示例\n"
	 "  cat bank/keys/root.cvcert bank/keys/ca.cvcert >bank.cvcert\n"
	 "  jiaozi certificate verify alice.pem --root bank.cvcert --role card \\\n"
	 "      --revocation bank.crl\n"
	 "  jiaozi certificate verify server.pem --root root.pem --role server \\\n"
	 "      --host bank.example --at 2027-01-31T12:00:00Z\n"},
},
{
	"certificate convert", "[FILE]", 0, 1, JZ_OPT(FORM) | JZ_OPT(OUT), 0,
	EXITS, jz_cmd_certificate_convert,
	{"bring certificates into another form", "转换证书格式"},
	{"Writes every object of FILE (or standard input) in --form: pem (the\n"
	 "default), der, hex; or the public key that the first certifies: key-pem,\n"
	 "key-der (SubjectPublicKeyInfo).  There is no form for a private key.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi certificate convert bank/keys/root.cvcert --out root.pem\n"
	 "  jiaozi certificate convert alice.pem --form key-pem --out alice.pub\n",
	 "以 --form 格式写出 FILE（或标准输入）中的每个对象：pem（缺省）、der、hex；或\n"
	 "第一个对象所证明的公钥：key-pem、key-der (SubjectPublicKeyInfo)。没有输出私钥\n"
	 "的格式。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi certificate convert bank/keys/root.cvcert --out root.pem\n"
	 "  jiaozi certificate convert alice.pem --form key-pem --out alice.pub\n"},
},
{
	"certificate export", "", 0, 0,
	JZ_OPT(CARD) | JZ_OPT(FORM) | JZ_OPT(OUT), 0,
	JZ_EXITS_CARD | EXITS, jz_cmd_certificate_export,
	{"read a card's certificate", "导出卡的证书"},
	{"Writes the card's own certificate, or its public key, in --form, as\n"
	 "`jiaozi certificate convert` does.  The private key has no way out of the\n"
	 "card.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi certificate export --card virtual:alice.card --out alice.pem\n",
	 "以 --form 格式写出卡自身的证书或公钥，同 jiaozi certificate convert。私钥无法\n"
	 "离开卡。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi certificate export --card virtual:alice.card --out alice.pem\n"},
},
{0},
};
/* clang-format on */
