/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the issuer's refusals are called and mean: one table, in the order of
 * enum jz_refusal, which is their order of precedence.
 */
#include "internal.h"

#include "../../apdu/error.h"

static const struct {
	const char *name;
	const char *text[2]; /* by enum jz_lang */
} TABLE[] = {
    [JZ_REFUSAL_NONE] = {"NONE", {"not refused", "未拒绝"}},
    [JZ_REFUSAL_MALFORMED] = {"MALFORMED",
	{"not a message of the expected kind", "报文格式错误"}},
    [JZ_REFUSAL_SUITE] = {"SUITE",
	{"the card is of the other crypto suite", "卡的密码套件与发卡行不符"}},
    [JZ_REFUSAL_UNKNOWN_CARD] = {"UNKNOWN_CARD",
	{"the card is not registered with this issuer", "卡未在发卡行登记"}},
    [JZ_REFUSAL_CARD_BLOCKED] = {"CARD_BLOCKED",
	{"the card is blocked", "卡已被锁定"}},
    [JZ_REFUSAL_CERT_NOT_YET] = {"CERT_NOT_YET",
	{"the card's certificate is not yet valid", "卡证书尚未生效"}},
    [JZ_REFUSAL_CERT_EXPIRED] = {"CERT_EXPIRED",
	{"the card's certificate has expired", "卡证书已过期"}},
    [JZ_REFUSAL_CARD_REVOKED] = {"CARD_REVOKED",
	{"the card's certificate has been revoked", "卡证书已被吊销"}},
    [JZ_REFUSAL_SIGNATURE] = {"SIGNATURE",
	{"the signature is not this card's", "签名验证失败"}},
    [JZ_REFUSAL_WRONG_ACCOUNT] = {"WRONG_ACCOUNT",
	{"the account is not the one bound to the card",
	    "账户与卡绑定的账户不符"}},
    [JZ_REFUSAL_WRONG_USER] = {"WRONG_USER",
	{"the user is not the one bound to the card",
	    "用户身份与卡绑定的用户不符"}},
    [JZ_REFUSAL_UNKNOWN_ACCOUNT] = {"UNKNOWN_ACCOUNT",
	{"there is no such account", "账户不存在"}},
    [JZ_REFUSAL_ACCOUNT_BLOCKED] = {"ACCOUNT_BLOCKED",
	{"the account is blocked", "账户已被锁定"}},
    [JZ_REFUSAL_PASSWORD_LOCKED] = {"PASSWORD_LOCKED",
	{"the account's password is locked", "账户密码已锁定"}},
    [JZ_REFUSAL_PASSWORD] = {"PASSWORD",
	{"the account's password is another one", "账户密码错误"}},
    [JZ_REFUSAL_CURRENCY] = {"CURRENCY",
	{"the currency is not the issuer's", "币种与发卡行不符"}},
    [JZ_REFUSAL_AMOUNT] = {"AMOUNT",
	{"the amount is zero or too high", "金额为零或超出上限"}},
    [JZ_REFUSAL_CANCELLED] = {"CANCELLED",
	{"this load was cancelled", "此笔圈存已撤销"}},
    [JZ_REFUSAL_EXISTS_DIFFERENT] = {"EXISTS_DIFFERENT",
	{"there is another load or unload with this card and counter",
	    "此卡和联机交易序号已有不同的圈存或圈提"}},
    [JZ_REFUSAL_FUNDS] = {"FUNDS",
	{"not enough money in the account", "账户余额不足"}},
    [JZ_REFUSAL_NO_LOAD] = {"NO_LOAD",
	{"no such load was permitted", "没有对应的圈存许可"}},
    [JZ_REFUSAL_NO_SESSION] = {"NO_SESSION",
	{"the card is not signed in, or with another number",
	    "卡未签到或随机数不符"}},
    [JZ_REFUSAL_RECORD_NUMBER] = {"RECORD_NUMBER",
	{"the record numbers do not follow on", "记录序号不连续"}},
    [JZ_REFUSAL_EVIDENCE] = {"EVIDENCE",
	{"a record's signature does not verify", "记录中的签名验证失败"}},
    [JZ_REFUSAL_CONFLICT] = {"CONFLICT",
	{"a record contradicts one already posted", "记录与已入账的记录矛盾"}},
};

#define REFUSALS (sizeof(TABLE) / sizeof(TABLE[0]))
_Static_assert(REFUSALS == JZ_REFUSAL_CONFLICT + 1, "a row for each");

static size_t
row(enum jz_refusal r)
{
	return (size_t)r < REFUSALS ? (size_t)r : 0;
}

const char *
jz_refusal_name(enum jz_refusal r)
{
	return TABLE[row(r)].name;
}

const char *
jz_refusal_text(enum jz_refusal r, int lang)
{
	return TABLE[row(r)].text[lang == JZ_LANG_ZH];
}

int
jz_refuse(struct jz_issuer *i, enum jz_refusal why)
{
	i->refusal = why;
	return JZ_ERR_REFUSED;
}
