/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X.509 as OpenSSL has it, for the files of this folder alone.
 */
#ifndef JZ_KEYS_STORE_OPENSSL_X509_H
#define JZ_KEYS_STORE_OPENSSL_X509_H

#include <openssl/x509.h>

#include "x509.h"

/* No certificate or list is longer. */
#define JZ_X509_DER_MAX 65536u

/* The whole span, or NULL.  The caller frees it. */
X509 *jz_x509_parse(struct jz_span der);
X509_CRL *jz_x509_parse_crl(struct jz_span der);
/* Prepares a certificate that SM2 has signed to be verified. */
void jz_x509_identify(X509 *x);
/* A key of one of our suites, uncompressed; false for any other. */
bool jz_x509_key(EVP_PKEY *key, enum jz_suite *suite,
    uint8_t out[static JZ_PUBLIC_BYTES_EC]);

#endif
