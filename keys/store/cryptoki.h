/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of PKCS#11 2.40 (OASIS, Cryptographic Token Interface) as token.c
 * uses.  Names without the standard's prefixes; values are its own.
 */
#ifndef JZ_KEYS_STORE_CRYPTOKI_H
#define JZ_KEYS_STORE_CRYPTOKI_H

typedef unsigned long ck_ulong;

#define CK_FUNCTIONS 68

/* CK_FUNCTION_LIST: the functions in the order of the standard. */
struct ck_functions {
	unsigned char major, minor;
	void (*at[CK_FUNCTIONS])(void);
};

enum ck_function {
	CK_INITIALIZE = 0,
	CK_GET_SLOT_LIST = 4,
	CK_GET_TOKEN_INFO = 6,
	CK_OPEN_SESSION = 12,
	CK_CLOSE_SESSION = 13,
	CK_LOGIN = 18,
	CK_DESTROY_OBJECT = 22,
	CK_GET_ATTRIBUTE_VALUE = 24,
	CK_FIND_OBJECTS_INIT = 26,
	CK_FIND_OBJECTS = 27,
	CK_FIND_OBJECTS_FINAL = 28,
	CK_SIGN_INIT = 42,
	CK_SIGN = 43,
	CK_GENERATE_KEY = 58,
	CK_GENERATE_KEY_PAIR = 59,
};

struct ck_attribute {
	ck_ulong type;
	void *value;
	ck_ulong len;
};

struct ck_mechanism {
	ck_ulong type;
	void *parameter;
	ck_ulong len;
};

#define CK_LABEL_BYTES 32

struct ck_token_info {
	unsigned char label[CK_LABEL_BYTES]; /* padded with blanks */
	unsigned char maker[32];
	unsigned char model[16];
	unsigned char serial[16];
	ck_ulong flags, numbers[10];
	unsigned char versions[4];
	unsigned char time[16];
};

/* Attributes, object classes, key types, mechanisms. */
enum {
	CK_A_CLASS = 0x000,
	CK_A_TOKEN = 0x001,
	CK_A_PRIVATE = 0x002,
	CK_A_LABEL = 0x003,
	CK_A_SENSITIVE = 0x103,
	CK_A_SIGN = 0x108,
	CK_A_VERIFY = 0x10A,
	CK_A_VALUE_LEN = 0x161,
	CK_A_EXTRACTABLE = 0x162,
	CK_A_EC_PARAMS = 0x180,
	CK_A_EC_POINT = 0x181,

	CK_O_PUBLIC_KEY = 2,
	CK_O_PRIVATE_KEY = 3,
	CK_O_SECRET_KEY = 4,

	CK_M_EC_KEY_PAIR_GEN = 0x1040,
	CK_M_ECDSA = 0x1041,
	CK_M_AES_KEY_GEN = 0x1080,
	CK_M_AES_CMAC = 0x108A,
};

/* Return values, flags, users. */
enum {
	CK_OK = 0x000,
	CK_PIN_INCORRECT = 0x0A0,
	CK_PIN_INVALID = 0x0A1,
	CK_PIN_LEN_RANGE = 0x0A2,
	CK_PIN_LOCKED = 0x0A4,
	CK_USER_ALREADY_LOGGED_IN = 0x100,
	CK_ALREADY_INITIALIZED = 0x191,

	CK_RW_SESSION = 0x2,
	CK_SERIAL_SESSION = 0x4,
	CK_USER = 1,
};

#endif
