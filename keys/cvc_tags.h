/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects of a card-verifiable certificate (certificate.h): BSI TR-03110
 * part 3, D.2.  For those who read or write its form.
 */
#ifndef JZ_KEYS_CVC_TAGS_H
#define JZ_KEYS_CVC_TAGS_H

enum {
	JZ_CVC_CERTIFICATE = 0x7F21,
	JZ_CVC_BODY = 0x7F4E,
	JZ_CVC_PROFILE = 0x5F29,
	JZ_CVC_AUTHORITY = 0x42,
	JZ_CVC_PUBLIC_KEY = 0x7F49,
	JZ_CVC_OID = 0x06,
	JZ_CVC_POINT = 0x86,
	JZ_CVC_HOLDER = 0x5F20,
	JZ_CVC_TEMPLATE = 0x7F4C,
	JZ_CVC_ROLE = 0x53,
	JZ_CVC_FROM = 0x5F25,
	JZ_CVC_TO = 0x5F24,
	JZ_CVC_SIGNATURE = 0x5F37,
};

#define JZ_CVC_ROLE_BYTES 5
#define JZ_CVC_DATE_BYTES 6

#endif
