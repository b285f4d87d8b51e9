/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X.509 chains, judged by OpenSSL after RFC 5280 6: its reasons as ours.
 */
#include "x509.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "../../apdu/error.h"
#include "openssl_x509.h"

static int
error_of(int reason)
{
	switch (reason) {
	case X509_V_OK:
		return 0;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return JZ_ERR_CERT_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return JZ_ERR_CERT_NOT_YET;
	case X509_V_ERR_CERT_REVOKED:
		return JZ_ERR_CERT_REVOKED;
	case X509_V_ERR_INVALID_CA:
	case X509_V_ERR_INVALID_PURPOSE:
	case X509_V_ERR_PATH_LENGTH_EXCEEDED:
	case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
	case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
		return JZ_ERR_CERT_ROLE;
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
	case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
		return JZ_ERR_CERT_FORGED;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return JZ_ERR_CERT_NAME;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
	case X509_V_ERR_UNABLE_TO_GET_CRL:
		return JZ_ERR_CERT_ISSUER;
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
	case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
		return JZ_ERR_SIGNATURE;
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_CRL_NOT_YET_VALID:
		return JZ_ERR_LIST_OLD;
	case X509_V_ERR_OUT_OF_MEM:
		return JZ_ERR_MEMORY;
	default:
		return JZ_ERR_CERT_MALFORMED;
	}
}

static int
purpose_of(enum jz_x509_purpose purpose)
{
	switch (purpose) {
	case JZ_X509_SERVER:
		return X509_PURPOSE_SSL_SERVER;
	case JZ_X509_CLIENT:
		return X509_PURPOSE_SSL_CLIENT;
	case JZ_X509_SIGNER:
		return X509_PURPOSE_SMIME_SIGN;
	default:
		return X509_PURPOSE_ANY;
	}
}

static bool
set_terms(X509_STORE_CTX *ctx, const struct jz_x509_trust *by)
{
	X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);
	bool good =
	    X509_VERIFY_PARAM_set_purpose(p, purpose_of(by->purpose)) == 1;

	if (by->now == 0)
		X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_NO_CHECK_TIME);
	else
		X509_VERIFY_PARAM_set_time(p, (time_t)by->now);
	if (by->crl.len > 0)
		X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_CRL_CHECK);
	if (good && by->host != NULL)
		good = X509_VERIFY_PARAM_set1_ip_asc(p, by->host) == 1 ||
		    X509_VERIFY_PARAM_set1_host(p, by->host, 0) == 1;
	return good;
}

/* The CAs between and the list; false for one that cannot be read. */
static bool
add_given(
    X509_STORE *store, STACK_OF(X509) * between, const struct jz_x509_trust *by)
{
	X509_CRL *crl;
	bool good = true;

	for (size_t i = 0; good && i < by->n_between; i++) {
		X509 *x = jz_x509_parse(by->between[i]);

		good = x != NULL && sk_X509_push(between, x) > 0;
		if (!good)
			X509_free(x);
	}
	if (!good || by->crl.len == 0)
		return good;
	crl = jz_x509_parse_crl(by->crl);
	good = crl != NULL && X509_STORE_add_crl(store, crl) == 1;
	X509_CRL_free(crl);
	return good;
}

/* A purpose of OpenSSL's cannot ask for a CA. */
static int
judge(X509_STORE_CTX *ctx, X509 *leaf, const struct jz_x509_trust *by)
{
	int rc = X509_verify_cert(ctx) == 1
	    ? 0
	    : error_of(X509_STORE_CTX_get_error(ctx));

	if (rc == 0 && by->purpose == JZ_X509_CA && X509_check_ca(leaf) != 1)
		rc = JZ_ERR_CERT_ROLE;
	return rc;
}

int
jz_x509_verify(struct jz_span der, const struct jz_x509_trust *by)
{
	STACK_OF(X509) *between = sk_X509_new_null();
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509 *leaf, *root;
	int rc = JZ_ERR_CERT_MALFORMED;

	(void)ERR_set_mark();
	leaf = jz_x509_parse(der);
	root = jz_x509_parse(by->root);
	if (between == NULL || store == NULL || ctx == NULL)
		rc = JZ_ERR_MEMORY;
	else if (leaf != NULL && root != NULL &&
	    add_given(store, between, by) &&
	    X509_STORE_add_cert(store, root) == 1 &&
	    X509_STORE_CTX_init(ctx, store, leaf, between) == 1 &&
	    set_terms(ctx, by))
		rc = judge(ctx, leaf, by);
	(void)ERR_pop_to_mark();
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	X509_free(leaf);
	X509_free(root);
	sk_X509_pop_free(between, X509_free);
	return rc;
}
