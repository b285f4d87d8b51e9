/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exit codes: one table, which `jiaozi help exit-codes` prints.
 */
#include "cli.h"

static const struct {
	enum jz_exit code;
	const char *text[2];
} TABLE[] = {
    {JZ_EXIT_OK, {"done", "成功"}},
    {JZ_EXIT_INTERNAL, {"internal error", "内部错误"}},
    {JZ_EXIT_USAGE,
	{"wrong use: unknown command or option, or a value that is none",
	    "用法错误：未知命令或选项，或参数值无效"}},
    {JZ_EXIT_READER,
	{"no reader, no card in it, or no PC/SC daemon",
	    "没有读卡器、卡或 PC/SC 服务"}},
    {JZ_EXIT_CARD_FILE,
	{"card file, key file or plug-in damaged or in use, or the wrong one",
	    "卡文件、密钥文件或插件损坏、被占用或不符"}},
    {JZ_EXIT_CARD,
	{"the card refused; its status word says why", "卡拒绝，见状态字"}},
    {JZ_EXIT_PIN, {"wrong PIN, or PIN blocked", "PIN 错误或已锁定"}},
    {JZ_EXIT_ISSUER,
	{"the issuer refused; its answer says why", "发卡行拒绝，见其说明"}},
    {JZ_EXIT_AUTHENTICATION,
	{"authentication failed, or data error: a message was not genuine or "
	 "not the one that was agreed",
	    "认证失败或数据有误：报文不真实或与约定不符"}},
    {JZ_EXIT_FUNDS, {"insufficient funds on the card", "卡内余额不足"}},
    {JZ_EXIT_NOT_FOUND, {"not found", "未找到"}},
    {JZ_EXIT_EXISTS,
	{"exists already; nothing was overwritten", "已存在，未覆盖任何内容"}},
    {JZ_EXIT_IO,
	{"reading or writing a file or the database failed",
	    "读写文件或数据库失败"}},
    {JZ_EXIT_BOOKS,
	{"the issuer's books do not balance, or its audit log was altered",
	    "发卡行账目不平，或审计日志被篡改"}},
    {JZ_EXIT_PART,
	{"some cards of the order could not be made; see its report",
	    "订单中部分卡未能制成，见报告"}},
    {JZ_EXIT_NETWORK,
	{"the issuer's server cannot be reached, or gave no proper answer; the "
	 "same again finishes what was begun",
	    "无法连接发卡行服务或其应答有误，再次执行即可完成"}},
};
_Static_assert(
    sizeof(TABLE) / sizeof(TABLE[0]) == JZ_EXIT_CODES, "a row for each code");

const char *
jz_exit_text(enum jz_exit code, enum jz_lang lang)
{
	return TABLE[code < JZ_EXIT_CODES ? code : JZ_EXIT_INTERNAL].text[lang];
}

/*
 * A new error without a line here is a compiler warning (-Wswitch): no error
 * gets its exit code by accident.
 */
enum jz_exit
jz_exit_code(int error) /* NOLINT(readability-function-size): all errors */
{
	/* clang-format off */
	switch ((enum jz_error)error) {
	case JZ_OK:
		return JZ_EXIT_OK;
	case JZ_ERR_MEMORY: case JZ_ERR_INTERNAL: case JZ_ERR_SPACE:
	case JZ_ERR_UNSUPPORTED: case JZ_ERR_CRYPTO:
		return JZ_EXIT_INTERNAL;
	case JZ_ERR_ARGUMENT: case JZ_ERR_RANGE: case JZ_ERR_CANCELLED:
	case JZ_ERR_READER_NAME:
		return JZ_EXIT_USAGE;
	case JZ_ERR_TIMEOUT: case JZ_ERR_NO_DAEMON: case JZ_ERR_NO_READER:
	case JZ_ERR_NO_CARD: case JZ_ERR_READER_BUSY: case JZ_ERR_CARD_REMOVED:
	case JZ_ERR_CARD_RESET: case JZ_ERR_TRANSMIT: case JZ_ERR_READER_MANY:
	case JZ_ERR_ATR:
		return JZ_EXIT_READER;
	case JZ_ERR_KEY: case JZ_ERR_PASSPHRASE: case JZ_ERR_KEYFILE:
	case JZ_ERR_TOKEN_MODULE: case JZ_ERR_TOKEN_ABSENT:
	case JZ_ERR_TOKEN_PIN: case JZ_ERR_TOKEN_LOCKED:
	case JZ_ERR_TOKEN_KEY: case JZ_ERR_TOKEN:
	case JZ_ERR_KEYS_SPENT: case JZ_ERR_SEED_HALF:
	case JZ_ERR_SEED_CEREMONY: case JZ_ERR_SEED_PERSON:
	case JZ_ERR_CARD_HEADER: case JZ_ERR_CARD_VERSION: case JZ_ERR_CARD_KEY:
	case JZ_ERR_CARD_CUT: case JZ_ERR_CARD_TAMPERED: case JZ_ERR_CARD_FULL:
	case JZ_ERR_CARD_LOCKED: case JZ_ERR_ORDER_BUSY:
	case JZ_ERR_ORDER_DAMAGED: case JZ_ERR_PLUGIN_FORMAT:
	case JZ_ERR_PLUGIN_ABI: case JZ_ERR_PLUGIN_DATA:
	case JZ_ERR_PLUGIN_START: case JZ_ERR_PLUGIN_LINK:
	case JZ_ERR_PLUGIN_CLASS: case JZ_ERR_PLUGIN_HASH:
		return JZ_EXIT_CARD_FILE;
	case JZ_ERR_STATUS: case JZ_ERR_ANSWER: case JZ_ERR_STATE:
	case JZ_ERR_SUITE: case JZ_ERR_PROFILE: case JZ_ERR_REFUND:
		return JZ_EXIT_CARD;
	case JZ_ERR_PIN: case JZ_ERR_PIN_BLOCKED:
		return JZ_EXIT_PIN;
	case JZ_ERR_REFUSED:
		return JZ_EXIT_ISSUER;
	case JZ_ERR_AUTHENTICATION: case JZ_ERR_DATA: case JZ_ERR_SIGNATURE:
	case JZ_ERR_DECRYPT: case JZ_ERR_MESSAGE: case JZ_ERR_APDU_SHORT:
	case JZ_ERR_APDU_LENGTH: case JZ_ERR_TLV_TRUNCATED: case JZ_ERR_TLV_TAG:
	case JZ_ERR_TLV_LENGTH: case JZ_ERR_TLV_TRAILING:
	case JZ_ERR_CERT_MALFORMED: case JZ_ERR_CERT_FORGED:
	case JZ_ERR_CERT_EXPIRED: case JZ_ERR_CERT_NOT_YET:
	case JZ_ERR_CERT_REVOKED: case JZ_ERR_CERT_ROLE:
	case JZ_ERR_CERT_ISSUER: case JZ_ERR_CERT_SUITE:
	case JZ_ERR_CERT_NAME: case JZ_ERR_SERVER: case JZ_ERR_PEER:
		return JZ_EXIT_AUTHENTICATION;
	case JZ_ERR_LIST_FULL: case JZ_ERR_OPERATOR_UNKNOWN:
	case JZ_ERR_OPERATOR_SAME: case JZ_ERR_PROPOSAL_ALTERED:
	case JZ_ERR_PROPOSAL_EXPIRED: case JZ_ERR_PROPOSAL_DECIDED:
	case JZ_ERR_PROPOSAL_STALE: case JZ_ERR_NOT_DUE:
		return JZ_EXIT_ISSUER;
	case JZ_ERR_FUNDS:
		return JZ_EXIT_FUNDS;
	case JZ_ERR_NOT_FOUND:
		return JZ_EXIT_NOT_FOUND;
	case JZ_ERR_EXISTS: case JZ_ERR_LIST_OLD: case JZ_ERR_ORDER_OTHER:
		return JZ_EXIT_EXISTS;
	case JZ_ERR_PEER_GONE:
	case JZ_ERR_SYSTEM: case JZ_ERR_CARD_DEAD: case JZ_ERR_CARD_STORAGE:
	case JZ_ERR_DATABASE: case JZ_ERR_CONTENDED:
		return JZ_EXIT_IO;
	case JZ_ERR_AUDIT: case JZ_ERR_LOG_ALTERED:
		return JZ_EXIT_BOOKS;
	case JZ_ERR_NETWORK: case JZ_ERR_SERVER_BUSY:
	case JZ_ERR_SERVER_ANSWER:
		return JZ_EXIT_NETWORK;
	case JZ_ERR_ORDER_PART:
		return JZ_EXIT_PART;
	}
	/* clang-format on */
	return JZ_EXIT_INTERNAL;
}
