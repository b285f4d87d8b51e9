/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load, payment and settlement, with their help.
 */
#include "cli.h"

/* The newer revocation list, carried beside the messages. */
#define LISTS (JZ_OPT(REVOCATION) | JZ_OPT(REVOCATION_OUT))
#define STEP  (JZ_OPT(CARD) | JZ_OPT(IN) | JZ_OPT(OUT) | JZ_OPT(HEX))

/* Of an issuer's daemon. */
#define HTTPS                                                                  \
	(JZ_OPT(CA) | JZ_OPT(CERTIFICATE) | JZ_OPT(CERTIFICATE_KEY) |          \
	    JZ_OPT(TIMEOUT))

#define PIPE_EN                                                                \
	"Example: the whole payment as one pipe over two cards\n"              \
	"  jiaozi pay request --card virtual:bob.card --amount 25.00 |\n"      \
	"  jiaozi pay agree --card virtual:alice.card --pin env:PIN |\n"       \
	"  jiaozi pay confirm --card virtual:bob.card |\n"                     \
	"  jiaozi pay complete --card virtual:alice.card |\n"                  \
	"  jiaozi pay credit --card virtual:bob.card |\n"                      \
	"  jiaozi pay acknowledge --card virtual:alice.card\n"
#define PIPE_ZH                                                                \
	"示例：用管道在两张卡之间完成一笔支付\n"             \
	"  jiaozi pay request --card virtual:bob.card --amount 25.00 |\n"      \
	"  jiaozi pay agree --card virtual:alice.card --pin env:PIN |\n"       \
	"  jiaozi pay confirm --card virtual:bob.card |\n"                     \
	"  jiaozi pay complete --card virtual:alice.card |\n"                  \
	"  jiaozi pay credit --card virtual:bob.card |\n"                      \
	"  jiaozi pay acknowledge --card virtual:alice.card\n"

/* clang-format off */
const struct jz_cli_command jz_cli_pay_commands[] = {
{
	"account", "ACCOUNT", 1, 1,
	JZ_OPT(ISSUER) | JZ_OPT(PASSPHRASE) | JZ_OPT(PASSWORD) | HTTPS, 0,
	JZ_EXITS_ISSUER | JZ_EXIT(NETWORK), jz_cmd_account,
	{"what is in an account, for its owner", "户主查询账户"},
	{"Shows an account's balance and its last movements, the last first, to\n"
	 "whoever has its password.  A wrong one is counted, and the fifth in a\n"
	 "row locks it until the bank sets it anew; so it is asked once, and not\n"
	 "again when the network fails.  A load needs no password: the card signs\n"
	 "it, after its PIN.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi account alice --issuer https://bank.example:8443 \\\n"
	 "      --ca root.pem --password prompt\n",
	 "凭账户密码查询余额与最近的变动（最近的在前）。密码错误会计数，连错五次即\n"
	 "锁定，须由银行重设；故只询问一次，网络中断时亦不重发。圈存无需账户密码：\n"
	 "由卡在核对 PIN 后签名。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi account alice --issuer https://bank.example:8443 \\\n"
	 "      --ca root.pem --password prompt\n"},
},
{
	"load", "", 0, 0,
	JZ_OPT(CARD) | JZ_OPT(ISSUER) | JZ_OPT(PASSPHRASE) | JZ_OPT(AMOUNT) |
	    JZ_OPT(PIN) | JZ_OPT(TERMINAL) | JZ_OPT(CANCEL) | JZ_OPT(RESUME) |
	    HTTPS,
	0,
	JZ_EXITS_CARD | JZ_EXITS_ISSUER | JZ_EXIT(PIN) |
	    JZ_EXIT(AUTHENTICATION) | JZ_EXIT(NETWORK),
	jz_cmd_load,
	{"load a card from its account", "圈存：从账户向卡充值"},
	{"The card signs a load request, the issuer debits the account and signs\n"
	 "a permission, the card credits itself and signs a report.  Refused by\n"
	 "the issuer, it is cancelled on the card.\n"
	 "\n"
	 "--resume finishes a load that was cut off, wherever that was: without a\n"
	 "PIN, and without its amount, which card and issuer know.\n"
	 "\n"
	 "--cancel gives up a load that was cut off: the card signs that it will\n"
	 "never execute it, and the issuer gives back what it has taken from the\n"
	 "account.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi load --card virtual:alice.card --issuer bank \\\n"
	 "      --passphrase env:BANK --amount 100.00 --pin env:PIN\n"
	 "  jiaozi load --card pcsc: --issuer https://bank.example:8443 \\\n"
	 "      --ca root.pem --amount 100.00 --pin prompt\n"
	 "  jiaozi load --cancel --card virtual:alice.card --issuer bank \\\n"
	 "      --passphrase env:BANK\n",
	 "卡签发圈存请求，发卡行扣账户并签发许可，卡入账并签发报告。\n"
	 "发卡行拒绝的，卡随即撤销。\n"
	 "\n"
	 "--resume 续完中断的圈存，无论断在何处：无需 PIN 与金额，卡和发卡行都知道。\n"
	 "\n"
	 "--cancel 撤销中断的圈存：卡签名证明永不执行，发卡行退回已扣的款项。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi load --card virtual:alice.card --issuer bank \\\n"
	 "      --passphrase env:BANK --amount 100.00 --pin env:PIN\n"
	 "  jiaozi load --cancel --card virtual:alice.card --issuer bank \\\n"
	 "      --passphrase env:BANK\n"},
},
{
	"unload", "", 0, 0,
	JZ_OPT(CARD) | JZ_OPT(ISSUER) | JZ_OPT(PASSPHRASE) | JZ_OPT(AMOUNT) |
	    JZ_OPT(PIN) | JZ_OPT(TERMINAL) | JZ_OPT(RESUME) | HTTPS,
	0,
	JZ_EXITS_CARD | JZ_EXITS_ISSUER | JZ_EXIT(PIN) |
	    JZ_EXIT(AUTHENTICATION) | JZ_EXIT(FUNDS) | JZ_EXIT(NETWORK),
	jz_cmd_unload,
	{"bring money from a card to its account", "圈提：从卡转回账户"},
	{"The card signs an unload request, the issuer a permission; the card\n"
	 "debits itself and signs the proof; the issuer credits the account, once,\n"
	 "and tells the card.  Cut off before the debit nothing has happened, after\n"
	 "it the card keeps the proof: --resume brings it, as the next unload and\n"
	 "`jiaozi settle` do.  --resume says so when there is nothing to finish.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi unload --card virtual:alice.card --issuer bank \\\n"
	 "      --passphrase env:BANK --amount 50.00 --pin env:PIN\n"
	 "  jiaozi unload --resume --card virtual:alice.card --issuer bank \\\n"
	 "      --passphrase env:BANK\n",
	 "卡签发圈提请求，发卡行签发许可；卡扣款并签发证明；发卡行凭证明入账户一次，\n"
	 "并告知卡。扣款前中断的，等于没有发生；扣款后中断的，卡保存证明，由\n"
	 "--resume、下一次圈提或 jiaozi settle 送达。没有中断时 --resume 如实说明。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi unload --card virtual:alice.card --issuer bank \\\n"
	 "      --passphrase env:BANK --amount 50.00 --pin env:PIN\n"
	 "  jiaozi unload --resume --card virtual:alice.card --issuer bank \\\n"
	 "      --passphrase env:BANK\n"},
},
{
	"pay", "", 0, 0,
	JZ_OPT(PAYER) | JZ_OPT(PAYEE) | JZ_OPT(AMOUNT) | JZ_OPT(PIN) |
	    JZ_OPT(REFERENCE) | JZ_OPT(MESSAGES) | JZ_OPT(AUTHORITIES) |
	    JZ_OPT(REFUND_OF) | JZ_OPT(BY_ID),
	JZ_OPT(PAYER) | JZ_OPT(PAYEE) | JZ_OPT(AMOUNT),
	JZ_EXITS_PAY | JZ_EXIT(PIN), jz_cmd_pay,
	{"one card pays another, offline", "一张卡脱机付款给另一张"},
	{"Five messages between the two cards: request, agreement, confirmation,\n"
	 "completion (the payer's card debits), receipt (the payee's card\n"
	 "credits).  Each is signed; no network and no issuer is needed.\n"
	 "--pin is needed above the amount set at personalisation.\n"
	 "Cards of the encrypted profile say hello first.  The card with the newer\n"
	 "revocation list gives it to the other.\n"
	 "\n"
	 "--refund-of gives back what the payer's card was paid by this payee:\n"
	 "see the payee's counter in `jiaozi card records`.  A payee-only card\n"
	 "pays refunds and nothing else.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi pay --payer virtual:alice.card --payee virtual:bob.card \\\n"
	 "      --amount 25.00 --pin env:PIN --reference 'noodles'\n",
	 "两卡之间五条报文：支付请求、同意支付、支付确认、支付完成（付款卡扣款）、\n"
	 "收据（收款卡入账）。每条都有签名，无需网络与发卡行。\n"
	 "超过个人化时设定的金额须用 --pin。\n"
	 "加密配置的卡先发问候。吊销列表较新的卡把列表交给对方。\n"
	 "\n"
	 "--refund-of 为退款：付款卡退回收款卡原先所付，编号见 jiaozi card records\n"
	 "的收款计数器。只收款的卡只能退款。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi pay --payer virtual:alice.card --payee virtual:bob.card \\\n"
	 "      --amount 25.00 --pin env:PIN --reference 面条\n"},
},
{
	"pay hello", "", 0, 0, JZ_OPT(CARD) | JZ_OPT(OUT) | JZ_OPT(HEX), 0,
	JZ_EXITS_PAY, jz_cmd_pay_hello,
	{"0: the payer's card says hello (encrypted profile)",
	 "零：付款卡发出问候（加密配置）"},
	{"Gives the hello that a request of the encrypted profile answers; it names\n"
	 "nobody.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi pay hello --card virtual:alice.card --out hello.tlv\n"
	 "  jiaozi pay request --card virtual:bob.card --amount 25.00 \\\n"
	 "      --hello hello.tlv --out request.tlv\n",
	 "生成加密配置的支付请求所答复的问候报文，其中不含任何身份。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi pay hello --card virtual:alice.card --out hello.tlv\n"
	 "  jiaozi pay request --card virtual:bob.card --amount 25.00 \\\n"
	 "      --hello hello.tlv --out request.tlv\n"},
},
{
	"pay receive", "", 0, 0,
	JZ_OPT(CARD) | JZ_OPT(AMOUNT) | JZ_OPT(REFERENCE) | JZ_OPT(LISTEN) |
	    JZ_OPT(TIMEOUT) | JZ_OPT(AUTHORITIES) | JZ_OPT(REFUND_OF) |
	    JZ_OPT(BY_ID),
	JZ_OPT(AMOUNT) | JZ_OPT(LISTEN), JZ_EXITS_PAY, jz_cmd_pay_receive,
	{"be paid by a terminal far away", "由远处的终端付款"},
	{"Waits for one payer's terminal (`pay send`), and carries out the payee's\n"
	 "side of the payment over the connection.  Exit 3: the other side was too\n"
	 "slow; 8: it sent what is no message of a payment; 12: it is gone.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi pay receive --card virtual:bob.card --amount 25.00 \\\n"
	 "      --listen tcp:0.0.0.0:7000\n",
	 "等待一个付款终端（pay send）连入，经此连接完成收款一侧。退出码 3：对方超时；\n"
	 "8：对方发来的不是支付报文；12：对方已断开。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi pay receive --card virtual:bob.card --amount 25.00 \\\n"
	 "      --listen tcp:0.0.0.0:7000\n"},
},
{
	"pay send", "", 0, 0,
	JZ_OPT(CARD) | JZ_OPT(AMOUNT) | JZ_OPT(CONNECT) | JZ_OPT(TIMEOUT) |
	    JZ_OPT(PIN) | JZ_OPT(AUTHORITIES),
	JZ_OPT(CONNECT), JZ_EXITS_PAY | JZ_EXIT(PIN), jz_cmd_pay_send,
	{"pay a terminal far away", "付款给远处的终端"},
	{"Connects to the payee's terminal (`pay receive`), and carries out the\n"
	 "payer's side.  With --amount the card agrees to that amount and no other.\n"
	 "Cut off after the debit, the completion is had again by `pay fetch`.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi pay send --card virtual:alice.card --amount 25.00 --pin env:PIN \\\n"
	 "      --connect tcp:shop.example:7000\n",
	 "连接收款终端（pay receive），完成付款一侧。给出 --amount 时卡只同意该金额。\n"
	 "扣款后中断的，用 pay fetch 再次取出支付完成报文。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi pay send --card virtual:alice.card --amount 25.00 --pin env:PIN \\\n"
	 "      --connect tcp:shop.example:7000\n"},
},
{
	"transfer", "", 0, 0,
	JZ_OPT(PAYER) | JZ_OPT(PAYEE) | JZ_OPT(INSTANCE) | JZ_OPT(AMOUNT) |
	    JZ_OPT(PIN) | JZ_OPT(PAYEE_PIN) | JZ_OPT(PAIR) |
	    JZ_OPT(AUTHORITIES),
	JZ_OPT(PAYER) | JZ_OPT(PAYEE_PIN),
	JZ_EXITS_PAY | JZ_EXIT(PIN), jz_cmd_transfer,
	{"from a key to an IC card that it knows", "从密钥转到已登记的 IC 卡"},
	{"Key and card prove to each other who they are, and each looks the other\n"
	 "up on its own list.  The card's balance is shown, its PIN is asked for;\n"
	 "right, the amount moves as any offline payment does; wrong, nothing\n"
	 "moves.  --pin is the key's, above its limit.  A card that is built into\n"
	 "the key is its second purse, named by --instance instead of --payee.\n"
	 "--pair puts each on the other's list, with both PINs.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi transfer --pair --payer virtual:key.card --payee virtual:ic.card \\\n"
	 "      --pin env:KEY --payee-pin env:PIN\n"
	 "  jiaozi transfer --payer virtual:key.card --payee virtual:ic.card \\\n"
	 "      --amount 20.00 --payee-pin env:PIN\n",
	 "密钥与卡互相证明身份，并各自查对自己的名单。显示卡内余额，请持卡人输入卡的\n"
	 "PIN：正确则按脱机支付转移金额，错误则不作任何转移。超过密钥的限额时用\n"
	 "--pin 给出密钥的 PIN。集成在密钥内的卡是其第二个钱包，以 --instance 代替\n"
	 "--payee 指明。--pair 凭双方 PIN 互相登记。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi transfer --pair --payer virtual:key.card --payee virtual:ic.card \\\n"
	 "      --pin env:KEY --payee-pin env:PIN\n"
	 "  jiaozi transfer --payer virtual:key.card --payee virtual:ic.card \\\n"
	 "      --amount 20.00 --payee-pin env:PIN\n"},
},
{
	"pay request", "", 0, 0,
	JZ_OPT(CARD) | JZ_OPT(AMOUNT) | JZ_OPT(REFERENCE) | JZ_OPT(OUT) |
	    JZ_OPT(HEX) | JZ_OPT(HELLO) | JZ_OPT(REFUND_OF) | JZ_OPT(BY_ID) |
	    LISTS,
	JZ_OPT(AMOUNT), JZ_EXITS_PAY, jz_cmd_pay_request,
	{"1: the payee's card asks", "一：收款卡发出支付请求"},
	{"Gives the payment request: amount, time, certificate, signed by the\n"
	 "payee's card.  Messages can travel by any channel.\n\n" PIPE_EN,
	 "生成支付请求：金额、时间、证书，由收款卡签名。报文可经任何渠道传送。\n\n"
	 PIPE_ZH},
},
{
	"pay agree", "", 0, 0,
	STEP | JZ_OPT(PIN) | JZ_OPT(AUTHORITIES) | JZ_OPT(AMOUNT) |
	    JZ_OPT(BY_ID) | LISTS,
	0,
	JZ_EXITS_PAY | JZ_EXIT(PIN), jz_cmd_pay_agree,
	{"2: the payer's card agrees", "二：付款卡同意支付"},
	{"Takes the request, verifies who asks, and gives the agreement,\n"
	 "enciphered for the payee's card.  With --amount the card agrees to that\n"
	 "amount and no other: in the encrypted profile no terminal can see it.\n\n"
	 PIPE_EN,
	 "读入支付请求，验证对方身份，生成加密给收款卡的同意支付报文。\n\n"
	 PIPE_ZH},
},
{
	"pay confirm", "", 0, 0, STEP | JZ_OPT(AUTHORITIES) | LISTS, 0, JZ_EXITS_PAY, jz_cmd_pay_confirm,
	{"3: the payee's card confirms", "三：收款卡确认支付"},
	{"Takes the agreement, verifies who pays, keeps room for the credit, and\n"
	 "gives the confirmation.\n\n" PIPE_EN,
	 "读入同意支付报文，验证付款方，预留入账所需，生成支付确认。\n\n"
	 PIPE_ZH},
},
{
	"pay complete", "", 0, 0, STEP, 0, JZ_EXITS_PAY, jz_cmd_pay_complete,
	{"4: the payer's card debits", "四：付款卡扣款"},
	{"Takes the confirmation, debits, and gives the completion.  Should it\n"
	 "get lost, `jiaozi pay fetch` gives it again.\n\n" PIPE_EN,
	 "读入支付确认，扣款，生成支付完成。报文丢失时可用 jiaozi pay fetch\n"
	 "再次取出。\n\n" PIPE_ZH},
},
{
	"pay credit", "", 0, 0, STEP, 0, JZ_EXITS_PAY, jz_cmd_pay_credit,
	{"5: the payee's card credits", "五：收款卡入账"},
	{"Takes the completion, credits once, and gives the receipt.  The same\n"
	 "completion again gives the same receipt and no money.\n\n" PIPE_EN,
	 "读入支付完成，入账一次，生成收据。同一报文再次读入只给同一收据，\n"
	 "不再入账。\n\n" PIPE_ZH},
},
{
	"pay acknowledge", "", 0, 0, JZ_OPT(CARD) | JZ_OPT(IN), 0,
	JZ_EXITS_PAY, jz_cmd_pay_acknowledge,
	{"6: the payer's card takes the receipt", "六：付款卡收下收据"},
	{"Takes the receipt: the payer's card knows that the payee has the money\n"
	 "and erases the keys of this payment.\n\n" PIPE_EN,
	 "读入收据：付款卡得知对方已入账，并擦除本次支付的密钥。\n\n" PIPE_ZH},
},
{
	"pay fetch", "", 0, 0, STEP, 0, JZ_EXITS_PAY, jz_cmd_pay_fetch,
	{"the completion once more", "再次取出支付完成报文"},
	{"Gives the completion of a payment again, until the payer's card has the\n"
	 "receipt.  --in is any earlier message of that payment.  It credits at\n"
	 "most once, however often it is fetched.\n"
	 "\n"
	 "Example\n"
	 "  jiaozi pay fetch --card virtual:alice.card --in request.tlv |\n"
	 "  jiaozi pay credit --card virtual:bob.card\n",
	 "再次给出某笔支付的完成报文，直到付款卡收下收据为止。--in 为该笔支付\n"
	 "任一先前的报文。无论取多少次，至多入账一次。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi pay fetch --card virtual:alice.card --in request.tlv |\n"
	 "  jiaozi pay credit --card virtual:bob.card\n"},
},
{
	"pay pending", "[N]", 0, 1,
	JZ_OPT(CARD) | JZ_OPT(PIN) | JZ_OPT(OUT) | JZ_OPT(HEX), 0,
	JZ_EXITS_PAY | JZ_EXIT(PIN), jz_cmd_pay_pending,
	{"what the payee's card waits for", "收款卡等待中的交易"},
	{"Gives the data of the N-th payment, from 0, that this card has\n"
	 "confirmed and not been paid, for `pay prove`, `pay claim` and\n"
	 "`pay release`.\n"
	 "\n"
	 "Example: the payer is far away and has not paid\n"
	 "  jiaozi pay pending --card virtual:bob.card --pin env:PIN |\n"
	 "  jiaozi pay prove --card virtual:alice.card |\n"
	 "  jiaozi pay drop --card virtual:bob.card\n",
	 "给出本卡已确认而尚未收到的第 N 笔（从 0 起）交易数据，供\n"
	 "pay prove、pay claim、pay release 使用。\n"
	 "\n"
	 "示例：付款方在远处且并未付款\n"
	 "  jiaozi pay pending --card virtual:bob.card --pin env:PIN |\n"
	 "  jiaozi pay prove --card virtual:alice.card |\n"
	 "  jiaozi pay drop --card virtual:bob.card\n"},
},
{
	"pay prove", "", 0, 0, STEP, 0, JZ_EXITS_PAY, jz_cmd_pay_prove,
	{"the payer's card proves that it has not paid", "付款卡证明未付款"},
	{"Takes what `pay pending` gave.  The card closes its agreement, if it is\n"
	 "still open, and signs that this payment was not made and no longer can\n"
	 "be.  942E: it was made, `pay fetch` gives the completion.  942F: it is\n"
	 "older than the card's log; settle both cards.\n",
	 "读入 pay pending 的输出。卡关闭尚未完成的约定，并签名证明这笔交易未付款\n"
	 "且不会再付。942E：已付款，用 pay fetch 取出完成报文。942F：早于卡内记录，\n"
	 "请两卡都结算。\n"},
},
{
	"pay drop", "", 0, 0, JZ_OPT(CARD) | JZ_OPT(IN), 0, JZ_EXITS_PAY,
	jz_cmd_pay_drop,
	{"the payee's card waits no more", "收款卡不再等待"},
	{"Takes the payer's proof that it has not paid, and frees what the payee's\n"
	 "card had reserved for the payment.\n",
	 "读入付款卡的未付款证明，释放收款卡为该笔交易预留的资源。\n"},
},
{
	"pay claim", "", 0, 0, STEP, 0, JZ_EXITS_PAY, jz_cmd_pay_claim,
	{"the payee gives a payment up, and asks for it",
	 "收款方放弃入账，请发卡行付款"},
	{"The goods were delivered, and the payer's card is not to be had.  --in is\n"
	 "what `pay pending` gave, or any message of that payment.  The card will\n"
	 "never credit it; if the payer's card has paid, the issuer pays the\n"
	 "amount to the payee's account when both cards have settled.\n",
	 "货物已交付，而找不到付款卡。--in 为 pay pending 的输出或该笔交易的任一\n"
	 "报文。此后本卡不再入账；若付款卡确已付款，两卡结算后由发卡行付入收款方\n"
	 "账户。\n"},
},
{
	"pay release", "", 0, 0, STEP | JZ_OPT(PIN), 0,
	JZ_EXITS_PAY | JZ_EXIT(PIN), jz_cmd_pay_release,
	{"the payee gives a payment up, for the payer", "收款方放弃入账，退还付款方"},
	{"The goods were not delivered.  As `pay claim`, but the issuer gives the\n"
	 "amount back to the payer's account.  The payee's PIN is needed.\n",
	 "货物未交付。同 pay claim，但由发卡行把款项退回付款方账户。须输收款卡的\n"
	 "PIN。\n"},
},
{
	"recover", "", 0, 0,
	JZ_OPT(PAYER) | JZ_OPT(PAYEE) | JZ_OPT(PIN) | JZ_OPT(PAYEE_PIN) |
	    JZ_OPT(MESSAGES), 0, JZ_EXITS_PAY | JZ_EXIT(PIN),
	jz_cmd_recover,
	{"finish payments that stopped half-way", "完成中断的支付"},
	{"Looks at both cards and says what became of each payment between them:\n"
	 "a completion is delivered and its receipt brought back; where there is\n"
	 "none, the payer's card proves it and the payee's card waits no more.\n"
	 "Money moves at most once, however often this is done.\n"
	 "\n"
	 "--pin is the payer's: it shows what that card has paid or agreed to.\n"
	 "--payee-pin shows what the payee's card waits for.  One is needed.\n"
	 "\n"
	 "When the cards are far apart, one of them and --messages: the other's\n"
	 "messages are in that directory (`jiaozi pay --messages` keeps them, too),\n"
	 "and what the other card needs is put there.  First at the payee's, then at\n"
	 "the payer's, and both once more.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi recover --payer virtual:alice.card --payee virtual:bob.card \\\n"
	 "      --pin env:PIN\n"
	 "  jiaozi recover --payee virtual:bob.card --messages usb --payee-pin env:PIN\n",
	 "查看两张卡，说明两卡之间每笔交易的结果：已付款的把完成报文送达并取回收据；\n"
	 "未付款的由付款卡证明，收款卡不再等待。无论执行多少次，款项至多转移一次。\n"
	 "\n"
	 "--pin 为付款卡的 PIN，可见其已付或已同意的交易；--payee-pin 可见收款卡\n"
	 "等待的交易。至少给出一个。\n"
	 "\n"
	 "两卡相距很远时，给出其中一张卡与 --messages：该目录存有另一张卡的报文\n"
	 "（也可由 jiaozi pay --messages 保存），另一张卡所需的报文写入该目录。先在收款方\n"
	 "执行，再在付款方执行，然后双方各再执行一次。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi recover --payer virtual:alice.card --payee virtual:bob.card \\\n"
	 "      --pin env:PIN\n"
	 "  jiaozi recover --payee virtual:bob.card --messages usb --payee-pin env:PIN\n"},
},
{
	"settle", "", 0, 0,
	JZ_OPT(CARD) | JZ_OPT(ISSUER) | JZ_OPT(PASSPHRASE) | JZ_OPT(AT) |
	    HTTPS, 0,
	JZ_EXITS_CARD | JZ_EXITS_ISSUER | JZ_EXIT(AUTHENTICATION) |
	    JZ_EXIT(NETWORK), jz_cmd_settle,
	{"bring a card's records to the issuer", "结算：把卡的记录交给发卡行"},
	{"Card and issuer sign in to each other; the card gives its records in\n"
	 "signed batches; the issuer verifies and posts each once and confirms;\n"
	 "the card clears what is confirmed.  No balance on the card changes.\n"
	 "On a terminal a bar shows how far it is.\n"
	 "Cut off, the same command goes on.  --at HH:MM waits for that time of the\n"
	 "day (UTC) first; docs/settlement.md has a timer for every day.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi settle --card virtual:bob.card --issuer bank --passphrase env:BANK\n"
	 "  jiaozi settle --at 18:30 --card pcsc:* --issuer bank --passphrase env:BANK\n",
	 "卡与发卡行互相验证身份；卡分批交出签名的记录；发卡行逐条验证、记账一次\n"
	 "并确认；卡清除已确认的记录。卡内余额不变。在终端上以进度条显示进度。\n"
	 "中断后再执行同一命令即可继续。\n"
	 "--at HH:MM 先等到当日该时刻 (UTC)；每日定时见 docs/settlement.md。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi settle --card virtual:bob.card --issuer bank --passphrase env:BANK\n"
	 "  jiaozi settle --at 18:30 --card pcsc:* --issuer bank --passphrase env:BANK\n"},
},
{
	"qr", "", 0, 0,
	JZ_OPT(ACCOUNT) | JZ_OPT(AMOUNT) | JZ_OPT(CURRENCY) | JZ_OPT(TO) |
	    JZ_OPT(NAME) | JZ_OPT(DETAILS) | JZ_OPT(ORDER) | JZ_OPT(QR) |
	    JZ_OPT(OUT),
	0, JZ_EXIT(NOT_FOUND) | JZ_EXIT(IO), jz_cmd_qr,
	{"a transaction as a QR code, for jiaozi sign --qr",
	 "把交易做成二维码，供 jiaozi sign --qr 使用"},
	{"What a shop shows: payee, amount, and what is bought.  Without --out the\n"
	 "code is drawn in the terminal, else written as a PNG picture.  With --qr\n"
	 "it says what is in another one.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi qr --to bob --amount 12.34 --details 'order 7'\n"
	 "  jiaozi qr --to bob --amount 12.34 --out order7.png\n",
	 "商家出示的二维码：收款方、金额与商品说明。不带 --out 时画在终端里，\n"
	 "否则写成 PNG 图片。加 --qr 时读出另一个二维码的内容。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi qr --to bob --amount 12.34 --details '订单 7'\n"
	 "  jiaozi qr --to bob --amount 12.34 --out order7.png\n"},
},
{
	"sign", "", 0, 0,
	JZ_OPT(CARD) | JZ_OPT(ISSUER) | JZ_OPT(PASSPHRASE) | JZ_OPT(ACCOUNT) |
	    JZ_OPT(AMOUNT) | JZ_OPT(CURRENCY) | JZ_OPT(TO) | JZ_OPT(NAME) |
	    JZ_OPT(DETAILS) | JZ_OPT(ORDER) | JZ_OPT(QR) | JZ_OPT(JOINT) |
	    JZ_OPT(SCREEN) | JZ_OPT(EVIDENCE) | HTTPS,
	0,
	JZ_EXITS_CARD | JZ_EXITS_ISSUER | JZ_EXIT(PIN) | JZ_EXIT(NETWORK),
	jz_cmd_sign,
	{"transfer money with a card that shows what it signs",
	 "用能显示所签内容的卡转账"},
	{"One contact: the card gets the transaction and gives its signature, and\n"
	 "may leave the reader.  Its own display shows what it has signed; who\n"
	 "agrees there reads the joint password off it and types it here.  Then, and\n"
	 "only then, both go to the issuer, which executes the transfer once.\n"
	 "The transaction comes from options, or with --order from a JSON object\n"
	 "of texts: account, amount, to, and currency, name, details if wanted; or\n"
	 "with --qr from the same in a QR code.  Options say what is not in there.\n"
	 "With --screen this terminal is the display and the keys of a virtual card.\n"
	 "With --evidence what was signed is kept for others: docs/esign.md.\n"
	 "--issuer is the issuer's directory, or its daemon by https://HOST.\n"
	 "\n"
	 "Examples\n"
	 "  jiaozi sign --card pcsc:* --issuer bank --passphrase env:BANK \\\n"
	 "      --account alice --to bob --amount 12.34 --details 'order 7'\n"
	 "  jiaozi sign --card virtual:alice.card --screen --issuer bank \\\n"
	 "      --order order.json\n"
	 "  jiaozi sign --card pcsc:* --issuer bank --account alice --qr shop.png\n",
	 "一次接入：卡收到交易报文、给出签名后即可离开读卡器。卡自己的显示屏显示\n"
	 "所签内容；在卡上确认后读出联合密码并在此输入，然后才一并提交发卡行，\n"
	 "发卡行只执行一次转账。\n"
	 "交易由选项给出，或以 --order 从 JSON 对象（均为文本）读取：account、\n"
	 "amount、to，以及可选的 currency、name、details；或以 --qr 从二维码图片\n"
	 "读取同样的内容。其中没有的由选项补充。\n"
	 "加 --screen 时，本终端就是虚拟卡的显示屏与按键。\n"
	 "加 --evidence 时，保存所签内容供他人验证，见 docs/esign.md。\n"
	 "--issuer 为发卡行目录，或其服务 https://主机。\n"
	 "\n"
	 "示例\n"
	 "  jiaozi sign --card pcsc:* --issuer bank --passphrase env:BANK \\\n"
	 "      --account alice --to bob --amount 12.34 --details '订单 7'\n"
	 "  jiaozi sign --card virtual:alice.card --screen --issuer bank \\\n"
	 "      --order order.json\n"},
},
{0},
};
/* clang-format on */
