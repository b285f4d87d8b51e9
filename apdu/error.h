/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors of every layer, in one enumeration.
 *
 * A function that can fail returns int: 0 (JZ_OK) or one of these negative
 * values.  Each layer owns a range of one hundred.  A card's status word is
 * not an error of ours: functions that talk to a card hand it out through an
 * argument of its own and return JZ_ERR_STATUS when it is not a success.
 *
 * All functions here are pure and safe to call from any thread.
 */
#ifndef JZ_APDU_ERROR_H
#define JZ_APDU_ERROR_H

enum jz_lang {
	JZ_LANG_EN,
	JZ_LANG_ZH,
};

/* clang-format off */
#define JZ_ERROR_LIST(X)                                                       \
	/* general: 1-99 */                                                    \
	X(ARGUMENT, -1, "invalid argument", "参数错误")                        \
	X(MEMORY, -2, "out of memory", "内存不足")                             \
	X(INTERNAL, -3, "internal error", "内部错误")                          \
	X(RANGE, -4, "value out of range", "数值超出范围")                     \
	X(SPACE, -5, "buffer too small", "缓冲区太小")                         \
	X(UNSUPPORTED, -6, "not supported", "不支持")                          \
	X(NOT_FOUND, -7, "not found", "未找到")                                \
	X(EXISTS, -8, "already exists", "已存在")                              \
	X(STATE, -9, "not allowed in this state", "当前状态不允许此操作")      \
	X(CANCELLED, -10, "cancelled", "已取消")                               \
	X(TIMEOUT, -11, "timed out", "超时")                                   \
	X(SYSTEM, -12, "operating system error", "操作系统错误")               \
	/* apdu: 100-199 */                                                    \
	X(APDU_SHORT, -100, "APDU too short", "APDU 过短")                     \
	X(APDU_LENGTH, -101, "APDU length fields do not match",                \
	    "APDU 长度字段不符")                                               \
	X(TLV_TRUNCATED, -110, "TLV truncated", "TLV 数据不完整")              \
	X(TLV_TAG, -111, "TLV tag malformed or unexpected",                    \
	    "TLV 标签错误")                                                    \
	X(TLV_LENGTH, -112, "TLV length malformed or not minimal",             \
	    "TLV 长度错误")                                                    \
	X(TLV_TRAILING, -113, "bytes left over after the last TLV",            \
	    "TLV 之后有多余字节")                                              \
	X(ATR, -120, "ATR malformed", "ATR 格式错误")                          \
	X(MESSAGE, -130, "message malformed", "报文格式错误")                  \
	/* keys: 200-299 */                                                    \
	X(CRYPTO, -200, "cryptographic operation failed", "密码运算失败")      \
	X(SIGNATURE, -201, "signature does not verify", "签名验证失败")        \
	X(DECRYPT, -202, "ciphertext or key is wrong", "密文或密钥错误")       \
	X(KEY, -203, "key malformed", "密钥格式错误")                          \
	X(SUITE, -204, "the card is of the other crypto suite",                \
	    "卡的密码套件不符")                                                \
	X(CERT_MALFORMED, -210, "certificate malformed", "证书格式错误")       \
	X(CERT_FORGED, -211, "certificate signature does not verify",          \
	    "证书签名验证失败")                                                \
	X(CERT_EXPIRED, -212, "certificate expired", "证书已过期")             \
	X(CERT_NOT_YET, -213, "certificate not yet valid", "证书尚未生效")     \
	X(CERT_REVOKED, -214, "certificate revoked", "证书已吊销")             \
	X(CERT_ROLE, -215, "certificate has the wrong role",                   \
	    "证书用途不符")                                                    \
	X(CERT_ISSUER, -216, "certificate of an unknown issuer",               \
	    "证书颁发者未知")                                                  \
	X(CERT_SUITE, -217, "certificate of the other crypto suite",           \
	    "证书密码套件不符")                                                \
	X(LIST_OLD, -218, "revocation list not newer than the one held",       \
	    "吊销列表不比已有的新")                                            \
	X(LIST_FULL, -219, "revocation list full: raise the generation",       \
	    "吊销列表已满，请提高代次")                                        \
	X(PASSPHRASE, -220, "wrong passphrase or key file",                    \
	    "口令或密钥文件错误")                                              \
	X(KEYFILE, -221, "key file damaged", "密钥文件损坏")                   \
	X(CERT_NAME, -222, "certificate of another name", "证书名称不符")      \
	X(KEYS_SPENT, -226, "all transaction keys of the device are used up",  \
	    "设备的交易密钥已用尽")                                            \
	X(SEED_HALF, -223, "both seed files are the same half of the key",     \
	    "两个种子文件是密钥的同一半")                                      \
	X(SEED_CEREMONY, -224, "the seed files are of two ceremonies",         \
	    "两个种子文件出自不同的仪式")                                      \
	X(SEED_PERSON, -225, "one person made both seed files",                \
	    "两个种子文件由同一人制作")                                        \
	X(TOKEN_MODULE, -230, "PKCS#11 module cannot be loaded",               \
	    "无法加载 PKCS#11 模块")                                           \
	X(TOKEN_ABSENT, -231, "no token of that name", "没有该名称的令牌")     \
	X(TOKEN_PIN, -232, "wrong token PIN", "令牌 PIN 错误")                 \
	X(TOKEN_LOCKED, -233, "token PIN locked", "令牌 PIN 已锁定")           \
	X(TOKEN_KEY, -234, "the token does not have the key",                  \
	    "令牌中没有该密钥")                                                \
	X(TOKEN, -235, "the token failed", "令牌出错")                         \
	/* card and card file: 300-399 */                                      \
	X(CARD_HEADER, -300, "card file is not a card file, or its header is " \
	    "damaged", "不是卡文件或文件头损坏")                               \
	X(CARD_VERSION, -301, "card file of another version",                  \
	    "卡文件版本不符")                                                  \
	X(CARD_KEY, -302, "wrong key for this card file", "卡文件密钥错误")    \
	X(CARD_CUT, -303, "card file cut short", "卡文件被截断")               \
	X(CARD_TAMPERED, -304, "card file altered", "卡文件被篡改")            \
	X(CARD_DEAD, -305, "card stopped after a failed write; reopen it",     \
	    "写入失败，卡已停止，请重新打开")                                  \
	X(CARD_FULL, -306, "card memory full", "卡存储空间已满")               \
	X(CARD_LOCKED, -307, "card file in use by another program",            \
	    "卡文件正被其他程序使用")                                          \
	X(CARD_STORAGE, -308, "card storage failed", "卡存储失败")             \
	X(PLUGIN_FORMAT, -310, "not an applet plug-in for this machine",       \
	    "不是本机的应用插件")                                              \
	X(PLUGIN_ABI, -311, "plug-in made for another version of the card "    \
	    "runtime", "插件对应的卡运行时版本不符")                           \
	X(PLUGIN_DATA, -312, "plug-in has writable static data, or was not "   \
	    "linked with -z relro -z now",                                     \
	    "插件含有可写静态数据，或链接时未用 -z relro -z now")              \
	X(PLUGIN_START, -313, "plug-in runs code while it is loaded; link it " \
	    "with -nostartfiles", "插件在加载时运行代码，请用 -nostartfiles "  \
	    "链接")                                                            \
	X(PLUGIN_LINK, -314, "plug-in needs a function or library that the "   \
	    "card runtime does not offer", "插件需要卡运行时未提供的函数或库") \
	X(PLUGIN_CLASS, -315, "the plug-in's applet class is malformed",       \
	    "插件的应用类定义错误")                                            \
	X(PLUGIN_HASH, -316, "plug-in is not the file that the card knows",    \
	    "插件与卡中登记的文件不符")                                        \
	/* reader: 400-499 */                                                  \
	X(NO_DAEMON, -400, "no PC/SC daemon; start pcscd",                     \
	    "没有 PC/SC 服务，请启动 pcscd")                                   \
	X(NO_READER, -401, "no reader of that name", "没有该名称的读卡器")     \
	X(NO_CARD, -402, "no card in the reader", "读卡器中没有卡")            \
	X(READER_BUSY, -403, "reader held by another program; close it",       \
	    "读卡器被其他程序占用，请先关闭该程序")                            \
	X(CARD_REMOVED, -404, "card removed", "卡已移除")                      \
	X(CARD_RESET, -405, "card was reset by another program",               \
	    "卡已被其他程序复位")                                              \
	X(TRANSMIT, -406, "transmission to the card failed",                   \
	    "与卡通信失败")                                                    \
	X(READER_NAME, -407, "reader name malformed; use virtual:FILE or "     \
	    "pcsc:GLOB", "读卡器名称错误，请使用 virtual:FILE 或 pcsc:GLOB")   \
	X(READER_MANY, -408, "several readers match; name one",                \
	    "有多个读卡器匹配，请指定其一")                                    \
	/* host: 500-599 */                                                    \
	X(STATUS, -500, "the card refused", "卡拒绝了命令")                    \
	X(ANSWER, -501, "the card's answer is malformed", "卡应答格式错误")    \
	X(AUTHENTICATION, -502, "authentication failed: the counterparty is "  \
	    "not legitimate", "认证失败：交易的对象不合法")                    \
	X(DATA, -503, "data error: the data do not match what was agreed",     \
	    "数据有误")                                                        \
	X(PIN, -504, "wrong PIN", "PIN 错误")                                  \
	X(PIN_BLOCKED, -505, "PIN blocked", "PIN 已锁定")                      \
	X(FUNDS, -506, "insufficient funds on the card", "卡内余额不足")       \
	X(PROFILE, -520, "one card pays in clear, the other encrypted",        \
	    "一卡用明文支付，另一卡用加密支付")                                \
	X(REFUND, -521, "no such payment to give back, or more than is left "  \
	    "of it", "没有可退的付款，或超过可退余额")                         \
	X(PEER, -522, "the other side sent what is no message of a payment",   \
	    "对方发来的不是支付报文")                                          \
	X(PEER_GONE, -523, "the other side is gone", "对方已断开")             \
	/* issuer: 600-699 */                                                  \
	X(DATABASE, -600, "database error", "数据库错误")                      \
	X(REFUSED, -601, "the issuer refused", "发卡行拒绝")                   \
	X(AUDIT, -602, "the books do not balance", "账目不平")                 \
	X(CONTENDED, -603, "others were changing the same; try again",         \
	    "与他人的更改冲突，请重试")                                        \
	X(NETWORK, -620, "the issuer cannot be reached",                       \
	    "无法连接发卡行")                                                  \
	X(SERVER, -621, "the server is not the issuer's, by its certificate",  \
	    "服务端不合法：证书验证失败")                                      \
	X(SERVER_BUSY, -622, "the issuer's server is busy or out of order",    \
	    "发卡行服务繁忙或故障")                                            \
	X(SERVER_ANSWER, -623, "the issuer's answer is malformed",             \
	    "发卡行应答格式错误")                                              \
	X(LOG_ALTERED, -604, "the audit log was altered", "审计日志被篡改")    \
	X(ORDER_OTHER, -610, "the folder holds the cards of another order",    \
	    "该目录属于另一批订单")                                            \
	X(ORDER_BUSY, -611, "another program is making this order",            \
	    "另一程序正在制作此批订单")                                        \
	X(ORDER_DAMAGED, -612, "the order's journal is damaged",               \
	    "订单日志损坏")                                                    \
	X(ORDER_PART, -613, "some cards of the order could not be made",       \
	    "订单中部分卡未能制成")                                            \
	X(OPERATOR_UNKNOWN, -640, "no operator of this name and key",          \
	    "没有该姓名与密钥的操作员")                                        \
	X(OPERATOR_SAME, -641, "the one who proposed it cannot approve it",    \
	    "提议人不能批准自己的提议")                                        \
	X(PROPOSAL_ALTERED, -642, "the proposal is not the one that was "      \
	    "signed", "提议与所签署的不符")                                    \
	X(PROPOSAL_EXPIRED, -643, "the proposal has expired", "提议已过期")    \
	X(PROPOSAL_DECIDED, -644, "the proposal is decided already",           \
	    "提议已有决定")                                                    \
	X(PROPOSAL_STALE, -645, "what the proposal is about has changed",      \
	    "提议所涉情况已变化")                                              \
	X(NOT_DUE, -646, "too early: first the card is revoked, its "          \
	    "certificate expires, and the settlement period passes",           \
	    "尚早：须先吊销该卡，待证书到期并过结算期")
/* clang-format on */

enum jz_error {
	JZ_OK = 0,
#define X(name, value, en, zh) JZ_ERR_##name = (value),
	JZ_ERROR_LIST(X)
#undef X
};

/*
 * The sentence for a user, without a full stop.  An unknown value gives
 * "unknown error".  The text is static.
 */
const char *jz_error_text(int error, enum jz_lang lang);

/* The constant's name without its prefix, e.g. "CERT_EXPIRED"; "OK" for 0. */
const char *jz_error_name(int error);

#endif
