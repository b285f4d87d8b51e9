/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Status words and what they say to whom: ISO/IEC 7816-4:2013 5.6, JR/T 0025
 * (class 93 and 94), and our own words in class 94.
 */
#include "status.h"

#include <stddef.h>

/* Sentences for customers that several words share. */
#define SORRY_EN "The card could not carry this out. Please try again."
#define SORRY_ZH "卡片无法完成此操作，请重试。"
#define WRONG_EN "This terminal and your card do not understand each other."
#define WRONG_ZH "终端与卡片不匹配，请换一台终端。"
#define FAULT_EN "Your card reports a fault. Please contact your bank."
#define FAULT_ZH "卡片故障，请联系发卡行。"
#define FAKE_EN	 "Authentication failed: the counterparty is not legitimate."
#define FAKE_ZH	 "认证失败：交易的对象不合法。"

#define EXACT 0xFFFF
#define LOW4  0xFFF0 /* the last digit is a number */
#define LOW8  0xFF00 /* the last two digits are a number */

#define ROW(name, mask, en, zh, customer_en, customer_zh)                      \
	{                                                                      \
		JZ_SW_##name, mask, #name, {en, zh},                           \
		{                                                              \
			customer_en, customer_zh                               \
		}                                                              \
	}

/* clang-format off */
static const struct jz_status ROWS[] = {
	ROW(OK, EXACT, "success", "成功",
	    "Done.", "操作成功。"),
	ROW(MORE_DATA, LOW8,
	    "success; xx bytes are left for GET RESPONSE",
	    "成功，还有 xx 字节待取",
	    "Done.", "操作成功。"),
	ROW(UNCHANGED, EXACT,
	    "nothing to do; nothing has changed", "无需操作，状态未变",
	    "Done.", "操作成功。"),
	ROW(SELECTED_LOCKED, EXACT,
	    "selected application is locked", "所选应用已锁定",
	    "This application on your card is locked. Please contact your "
	    "bank.", "卡上的应用已锁定，请联系发卡行。"),
	ROW(WARNING, EXACT,
	    "authentication failed; no number of tries is given",
	    "认证失败，未给出剩余次数",
	    "The check failed. Please try again.", "验证失败，请重试。"),
	ROW(MORE_AVAILABLE, EXACT,
	    "success; ask for the next part", "成功，还有后续数据",
	    "Done.", "操作成功。"),
	ROW(PIN_TRIES, LOW4,
	    "wrong PIN; x tries left", "PIN 错误，剩余 x 次",
	    "The PIN is wrong. Please try again.", "密码错误，请重新输入。"),
	ROW(EXECUTION, EXACT,
	    "execution error; nothing has changed", "执行出错，数据未改变",
	    SORRY_EN, SORRY_ZH),
	ROW(MEMORY_FAILURE, EXACT,
	    "memory failure: the storage could not be written",
	    "存储器写入失败",
	    FAULT_EN, FAULT_ZH),
	ROW(LENGTH, EXACT, "wrong length", "长度错误", WRONG_EN, WRONG_ZH),
	ROW(CHANNEL, EXACT,
	    "logical channel not supported or not open",
	    "逻辑通道不支持或未打开",
	    WRONG_EN, WRONG_ZH),
	ROW(SECURE_MESSAGING, EXACT,
	    "secure messaging not supported", "不支持安全报文",
	    WRONG_EN, WRONG_ZH),
	ROW(LAST_BLOCK, EXACT,
	    "last command of the chain expected", "缺少命令链的最后一条命令",
	    WRONG_EN, WRONG_ZH),
	ROW(CHAINING, EXACT,
	    "command chaining not supported", "不支持命令链",
	    WRONG_EN, WRONG_ZH),
	ROW(NOT_ACCEPTED, EXACT,
	    "command not accepted in this state", "命令不接受(无效状态)",
	    SORRY_EN, SORRY_ZH),
	ROW(SECURITY, EXACT,
	    "security status not satisfied: verify the PIN first",
	    "不满足安全状态，请先校验 PIN",
	    "Please enter your PIN first.", "请先输入密码。"),
	ROW(BLOCKED, EXACT,
	    "PIN or authentication method blocked", "PIN 或认证方式已锁定",
	    "Your PIN is blocked after too many wrong tries. Please contact "
	    "your bank.", "密码错误次数过多，已被锁定，请联系发卡行。"),
	ROW(REFERENCE_UNUSABLE, EXACT,
	    "reference data not usable", "引用数据不可用",
	    SORRY_EN, SORRY_ZH),
	ROW(CONDITIONS, EXACT,
	    "conditions of use not satisfied", "不满足使用条件",
	    "This is not possible now. Please start again from the beginning.",
	    "当前无法进行此操作，请从头开始。"),
	ROW(NO_EF, EXACT,
	    "command not allowed: no application is selected",
	    "命令不允许，未选择应用",
	    WRONG_EN, WRONG_ZH),
	ROW(SM_MISSING, EXACT,
	    "secure messaging data objects missing", "缺少安全报文数据",
	    WRONG_EN, WRONG_ZH),
	ROW(SM_WRONG, EXACT,
	    "secure messaging data objects wrong", "安全报文数据错误",
	    FAKE_EN, FAKE_ZH),
	ROW(SELECT_FAILED, EXACT,
	    "the application refused to be selected", "应用拒绝被选择",
	    SORRY_EN, SORRY_ZH),
	ROW(DATA, EXACT,
	    "wrong data in the command", "命令数据错误",
	    WRONG_EN, WRONG_ZH),
	ROW(FUNCTION, EXACT,
	    "function not supported", "不支持此功能",
	    "Your card does not offer this.", "您的卡片不支持此功能。"),
	ROW(FILE, EXACT,
	    "file or application not found", "未找到文件或应用",
	    "This card has no such application.", "卡上没有此应用。"),
	ROW(RECORD, EXACT,
	    "record not found", "未找到记录",
	    "There are no more records.", "没有更多记录。"),
	ROW(SPACE, EXACT,
	    "not enough memory", "存储空间不足",
	    "The card's memory is full.", "卡片存储空间已满。"),
	ROW(P1P2, EXACT, "wrong P1 or P2", "P1 或 P2 参数错误",
	    WRONG_EN, WRONG_ZH),
	ROW(REFERENCE, EXACT,
	    "referenced data not found", "未找到引用的数据",
	    "The card does not hold this data.", "卡上没有此数据。"),
	ROW(EXISTS, EXACT,
	    "application or file exists already", "应用或文件已存在",
	    "This is on the card already.", "卡上已有此内容。"),
	ROW(OFFSET, EXACT,
	    "offset outside the file, or wrong parameters",
	    "偏移超出文件范围或参数错误",
	    WRONG_EN, WRONG_ZH),
	ROW(WRONG_LE, LOW8,
	    "wrong Le; ask again with Le xx", "Le 错误，应为 xx",
	    WRONG_EN, WRONG_ZH),
	ROW(INS, EXACT, "instruction not supported", "不支持此指令",
	    WRONG_EN, WRONG_ZH),
	ROW(CLA, EXACT, "class not supported", "不支持此类别",
	    WRONG_EN, WRONG_ZH),
	ROW(UNKNOWN, EXACT,
	    "internal error without a precise diagnosis", "未知内部错误",
	    FAULT_EN, FAULT_ZH),
	ROW(FUNDS, EXACT, "not enough funds", "资金不足",
	    "There is not enough money on the card.", "卡内余额不足。"),
	ROW(MAC, EXACT,
	    "MAC or signature wrong", "MAC 或签名错误",
	    FAKE_EN, FAKE_ZH),
	ROW(APP_LOCKED, EXACT,
	    "application locked for good", "应用已永久锁定",
	    "This application on your card is locked for good. Please contact "
	    "your bank.", "卡上的应用已永久锁定，请联系发卡行。"),
	ROW(AMOUNT, EXACT,
	    "balance below the amount", "余额小于交易金额",
	    "There is not enough money on the card. Please load it first.",
	    "卡内余额不足，请先充值。"),
	ROW(COUNTER, EXACT,
	    "transaction counter at its maximum", "交易计数器已达最大值",
	    "Your card has reached the end of its life. Please ask your bank "
	    "for a new one.", "卡片已达使用寿命，请向发卡行换卡。"),
	ROW(KEY_INDEX, EXACT,
	    "key index not supported", "不支持此密钥索引",
	    WRONG_EN, WRONG_ZH),
	ROW(NO_MAC, EXACT,
	    "MAC or TAC not available", "所需 MAC 或 TAC 不可用",
	    "There is no proof of this transaction on the card.",
	    "卡上没有该交易的凭证。"),
	ROW(ALGORITHM, EXACT,
	    "algorithm of the key not supported", "不支持该密钥的算法",
	    WRONG_EN, WRONG_ZH),
	ROW(KEY_CHECK, EXACT,
	    "check value of the key wrong", "密钥校验值错误",
	    WRONG_EN, WRONG_ZH),
	ROW(BALANCE_LIMIT, EXACT,
	    "the balance would pass its upper limit", "余额将超过上限",
	    "The card may not hold that much. Please choose a smaller amount.",
	    "将超过卡片余额上限，请减少金额。"),
	ROW(SINGLE_LIMIT, EXACT,
	    "amount above the limit of one payment", "金额超过单笔限额",
	    "The amount is above the limit for one payment.",
	    "金额超过单笔交易限额。"),
	ROW(OFFLINE_LIMIT, EXACT,
	    "sum or number of offline payments used up",
	    "脱机交易累计金额或次数已达上限",
	    "Your card has reached its offline limit. Please connect it to "
	    "your bank.", "已达脱机交易限额，请联机结算后再用。"),
	ROW(LOG_FULL, EXACT,
	    "log full: settle first", "交易日志已满，请先结算",
	    "Your card has no room for another record. Please connect it to "
	    "your bank.", "交易记录已满，请先联机结算。"),
	ROW(PENDING, EXACT,
	    "payment of this payer pending, or no slot left",
	    "该付款方有未完成交易，或已无空位",
	    "An earlier payment is not finished. Please complete it first.",
	    "有未完成的交易，请先完成。"),
	ROW(CERT_FORGED, EXACT,
	    "certificate signature does not verify", "证书签名验证失败",
	    FAKE_EN, FAKE_ZH),
	ROW(CERT_EXPIRED, EXACT,
	    "certificate expired", "证书已过期",
	    "The other card has expired.", "对方卡片已过期。"),
	ROW(CERT_NOT_YET, EXACT,
	    "certificate not yet valid", "证书尚未生效",
	    "The other card is not valid yet.", "对方卡片尚未生效。"),
	ROW(CERT_REVOKED, EXACT,
	    "certificate revoked", "证书已吊销",
	    "The other card has been revoked by its bank.",
	    "对方卡片已被发卡行吊销。"),
	ROW(CERT_ROLE, EXACT,
	    "certificate has the wrong role", "证书用途不符",
	    "The other side is not allowed to do this.",
	    "对方无权进行此交易。"),
	ROW(CERT_ISSUER, EXACT,
	    "certificate of an unknown issuer", "证书颁发者未知",
	    "Your card does not know the bank that issued the other card.",
	    "对方卡片的发卡行未知。"),
	ROW(CERT_SUITE, EXACT,
	    "certificate or key of the other crypto suite",
	    "证书或密钥的密码套件不符",
	    "The two cards cannot work together.", "两张卡片不能互相交易。"),
	ROW(CERT_MALFORMED, EXACT,
	    "certificate malformed", "证书格式错误",
	    FAKE_EN, FAKE_ZH),
	ROW(SAME_CARD, EXACT,
	    "payer and payee are the same card", "付款方与收款方为同一张卡",
	    "A card cannot pay itself.", "不能向同一张卡付款。"),
	ROW(MISMATCH, EXACT,
	    "data do not match what was agreed", "数据与约定不符",
	    "Data error: this is not what was agreed.",
	    "数据有误：与约定的交易不符。"),
	ROW(CURRENCY, EXACT,
	    "other currency than the purse's", "币种与钱包不符",
	    "Your card holds another currency.", "卡片币种不符。"),
	ROW(NO_PAYMENT, EXACT,
	    "no open step for this message", "没有与此报文对应的未完成步骤",
	    "There is no payment to continue. Please start again.",
	    "没有可继续的交易，请重新开始。"),
	ROW(NOT_PERSONALISED, EXACT,
	    "purse not personalised", "钱包尚未个人化",
	    "This card has not been issued yet. Please contact your bank.",
	    "卡片尚未启用，请联系发卡行。"),
	ROW(DECRYPT, EXACT,
	    "working key or ciphertext wrong", "工作密钥或密文错误",
	    FAKE_EN, FAKE_ZH),
	ROW(PAID, EXACT,
	    "this counter was paid: fetch the completion",
	    "该交易已付款，请取回付款完成报文",
	    "This payment has been made.", "该笔交易已经付款。"),
	ROW(SETTLED, EXACT,
	    "older than the card's log: ask the issuer",
	    "早于卡内记录，请查询发卡行",
	    "The card no longer holds this payment. Please ask your bank.",
	    "卡上已无该交易记录，请查询发卡行。"),
	ROW(LIST_OLD, EXACT,
	    "revocation list not newer than the card's",
	    "吊销列表不比卡内的新",
	    "Your card is up to date already.", "您的卡片已是最新。"),
	ROW(ABANDONED, EXACT,
	    "the payee has given this payment up: the issuer settles it",
	    "收款方已放弃该交易，由发卡行处理",
	    "This payment was given up. Your bank will settle it.",
	    "该笔交易已放弃，将由发卡行处理。"),
	ROW(LEVEL, EXACT,
	    "payer's card of too low assurance for this amount",
	    "付款卡安全等级不足以支付该金额",
	    "This amount cannot be paid with that card.",
	    "该卡不能支付此金额。"),
	ROW(PROFILE, EXACT,
	    "message of the other profile: in clear where all is encrypted, "
	    "or encrypted where it is in clear",
	    "报文配置不符：应加密而为明文，或应为明文而已加密",
	    "These two cards pay in different ways and cannot pay each other.",
	    "两卡支付方式不同，不能互相支付。"),
	ROW(STRANGER, EXACT,
	    "authentication failed: no certificate came, and none is kept of "
	    "that ID",
	    "认证失败：报文无证书，卡内也未存该卡证书",
	    FAKE_EN, FAKE_ZH),
	ROW(REFUND, EXACT,
	    "refund of no payment that this card has from that card, or of "
	    "more than is left of it",
	    "退款与本卡收自该卡的付款不符，或超过可退余额",
	    "This refund is not possible.", "无法办理此退款。"),
	ROW(NOT_LISTED, EXACT, "the other card is not on this card's list",
	    "对方卡不在本卡的名单上",
	    "These two cards do not know each other.",
	    "这两张卡互不相识。"),
	ROW(CONFIRM, EXACT, "the card shows it: to be confirmed there",
	    "已在卡上显示，等待在卡上确认",
	    "Please confirm on your key.", "请在密钥上确认。"),
	ROW(DECLINED, EXACT, "not confirmed on the card, or not in time",
	    "未在卡上确认，或超时", "It was not confirmed on your key.",
	    "未在密钥上确认。"),
};

static const struct jz_status UNKNOWN_ROW = {
	0, 0, "UNKNOWN_STATUS",
	{"status word unknown to us", "未知状态字"},
	{SORRY_EN, SORRY_ZH},
};
/* clang-format on */

const struct jz_status *
jz_status_find(uint16_t sw)
{
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		if ((sw & ROWS[i].mask) == ROWS[i].sw)
			return &ROWS[i];
	}
	return &UNKNOWN_ROW;
}

const struct jz_status *
jz_status_table(unsigned *n)
{
	*n = sizeof(ROWS) / sizeof(ROWS[0]);
	return ROWS;
}

bool
jz_status_may_carry_data(uint16_t sw)
{
	unsigned sw1 = sw >> 8;

	return sw == JZ_SW_OK || (sw1 >= 0x61 && sw1 <= 0x63);
}
