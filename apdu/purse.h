/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command codes of the purse: JR/T 0025 (PBOC ED/EP), ISO/IEC 7816-4 and -8, and
 * our own.  It is personalised through the issuer security domain: gp.h.
 *
 * Our own commands sit in 8070-807F.  8060-806F stay free: ISO/IEC 7816-3
 * 10.3.2 forbids INS 6X and 9X under T=0.
 */
#ifndef JZ_APDU_PURSE_H
#define JZ_APDU_PURSE_H

#include <stdint.h>

/* F0 "JIAOZI" 01: unregistered range (ISO/IEC 7816-4:2013 12.2.3). */
#define JZ_AID_PURSE                                                           \
	{                                                                      \
		0xF0, 'J', 'I', 'A', 'O', 'Z', 'I', 0x01                       \
	}
#define JZ_AID_PURSE_BYTES 8

enum jz_purse_ins {
	/* ISO/IEC 7816-4, CLA 00 */
	JZ_INS_VERIFY = 0x20,	    /* P2 01: cardholder PIN */
	JZ_INS_PERFORM = 0x2A,	    /* P1P2 00BE: verify a certificate */
	JZ_INS_GENERATE_KEY = 0x47, /* P1 81: read the public key */
	JZ_INS_READ_BINARY = 0xB0,  /* P1 95: SFI 15, public data */
	JZ_INS_READ_RECORD = 0xB2,  /* P2 C4: SFI 18, transaction log */
	JZ_INS_GET_DATA = 0xCA,	    /* P1P2: 7F21, 005A, FF61, FF6A */
	/* JR/T 0025, CLA 80 */
	JZ_INS_INITIALIZE = 0x50, /* P1 00: load, 05: unload */
	JZ_INS_CREDIT_FOR_LOAD = 0x52,
	/* P1 03; ours: P1 04, that the account was credited */
	JZ_INS_DEBIT_FOR_UNLOAD = 0x54,
	JZ_INS_TRANSACTION_PROVE = 0x5A, /* P2: enum jz_transaction_type */
	JZ_INS_GET_BALANCE = 0x5C,	 /* P2 02: electronic purse */
	/* our own, CLA 80: offline payment, one per message */
	JZ_INS_REQUEST = 0x70,	/* payee: terms -> request */
	JZ_INS_AGREE = 0x71,	/* payer: request -> sealed agreement */
	JZ_INS_CONFIRM = 0x72,	/* payee: agreement -> sealed confirmation */
	JZ_INS_COMPLETE = 0x73, /* payer: confirmation -> sealed completion */
	JZ_INS_CREDIT = 0x74,	/* payee: completion -> sealed receipt */
	JZ_INS_ACKNOWLEDGE = 0x75, /* payer: receipt */
	JZ_INS_FETCH = 0x76,	   /* once more; P1 enum jz_fetch */
	JZ_INS_PROVE = 0x77,	   /* payer: -> proof of non-payment */
	JZ_INS_DROP = 0x78,	   /* payee: proof of non-payment */
	JZ_INS_ABANDON = 0x7B, /* payee: P1 01 claim, 02 release -> exception */
	JZ_INS_CANCEL_LOAD = 0x7A, /* -> load cancel */
	JZ_INS_HELLO = 0x7C,	   /* payer: -> hello; encrypted profile */
	JZ_INS_PEER = 0x7D,	   /* P1 enum jz_peer_step */
	JZ_INS_PUT_LIST = 0x7E,	   /* a revocation list -> nothing */
	JZ_INS_PAIR = 0x7F,	   /* P1: enum jz_pair_step */
	/* our own, CLA 80: settlement, P1 names the step */
	JZ_INS_SETTLE = 0x79,
};

/* P1 of REQUEST and AGREE: what stands for the card's own certificate. */
enum jz_introduction {
	JZ_WITH_CERTIFICATE = 0x00,
	JZ_ID_ALONE = 0x01, /* the other card has it: JZ_PEER_PUT */
};

/* Certificates of other cards that this card keeps; all after the PIN. */
enum jz_peer_step {
	JZ_PEER_PUT = 0x01,    /* a certificate */
	JZ_PEER_LIST = 0x02,   /* -> their IDs, 16 bytes each */
	JZ_PEER_REMOVE = 0x03, /* 94 ID */
};

enum jz_fetch {
	JZ_FETCH_UNLOAD = 0x54,	 /* the proof not acknowledged */
	JZ_FETCH_RECORD = 0x55,	 /* P2-th newest record, signed, in clear */
	JZ_FETCH_PENDING = 0x70, /* P2-th payment confirmed, in clear */
	JZ_FETCH_AGREED = 0x71,	 /* the open agreement, in clear */
	JZ_FETCH_CONFIRMATION = 0x72, /* sealed */
	JZ_FETCH_COMPLETION = 0x73,   /* sealed */
	JZ_FETCH_EXCEPTION = 0x7B,
};

/* A key and an IC card that belong together. */
enum jz_pair_step {
	JZ_PAIR_CHALLENGE = 1, /* -> 16 random bytes */
	JZ_PAIR_IDENTIFY = 2,  /* challenge, the other's ID -> FF2A */
	JZ_PAIR_VERIFY = 3,    /* FF2A -> nothing */
	JZ_PAIR_ADD = 4,       /* ID, to the list */
	JZ_PAIR_REMOVE = 5,
	JZ_PAIR_LIST = 6, /* -> the IDs */
};

enum jz_settle_step {
	JZ_SETTLE_SIGN_IN_REQUEST = 1, /* -> sign-in request */
	JZ_SETTLE_SIGN_IN = 2,	       /* challenge -> sign-in */
	JZ_SETTLE_CONFIRMED = 3,       /* sign-in confirmation */
	JZ_SETTLE_BATCH = 4,	       /* -> batch; 6A83 when none is left */
	JZ_SETTLE_PROCESSED = 5,       /* processed confirmation */
};

#define JZ_SFI_PUBLIC 0x15
#define JZ_SFI_LOG    0x18
#define JZ_PUBLIC_BYTES                                                        \
	30 /* issuer 8, type, version, ASN 10, dates 8,
                                  suite 2 */
#define JZ_LOG_RECORD_BYTES 23
#define JZ_LOG_RECORDS	    10
#define JZ_PIN_REFERENCE    0x01

/* Transaction types of JR/T 0025, in log records and INITIALIZE's P2. */
#define JZ_SERIAL_BYTES 2u /* of a transaction: its counter's low half */

enum jz_transaction_type {
	JZ_TYPE_EP_LOAD = 0x02,
	JZ_TYPE_UNLOAD = 0x03,
	JZ_TYPE_EP_PURCHASE = 0x06, /* paid */
	/* ours: the standard has no purse that receives from a purse */
	JZ_TYPE_EP_RECEIVED = 0x0A,
	/* ours: confirmed, never credited, and given up */
	JZ_TYPE_EP_CLAIMED = 0x0B,
	JZ_TYPE_EP_RELEASED = 0x0C,
};

/* The purse's life cycle, GlobalPlatform 5.3 with our own meaning of 0F. */
enum jz_purse_state {
	JZ_PURSE_SELECTABLE = 0x07,
	JZ_PURSE_PERSONALISED = 0x0F,
};

#endif
