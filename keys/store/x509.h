/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X.509 (RFC 5280) for what is no card: the issuer's servers and the users of
 * its services, under the same root and CA keys as the cards' own certificates
 * (keys/certificate.h); requests (PKCS #10, RFC 2986) and revocation lists.
 *
 * Written here after the profile below and signed by the suite's engine; read
 * and verified by OpenSSL.  Everything is DER in and DER out, but where PEM is
 * named.  Public keys go out and come in; of private keys there is no form in
 * which this header would write one.
 *
 *   suite  signature          key                        OIDs
 *   nist   ECDSA, SHA-256     P-256                      RFC 5758, RFC 5480
 *   gm     SM2 with SM3       SM2, default identifier    GM/T 0006, GM/T 0015
 *
 * Certificates are of version 3 with a random serial number of 16 bytes, key
 * identifiers (RFC 7093 2, method 1, by the suite's hash), basic constraints
 * and key usage, both critical, and by purpose:
 *
 *   CA      keyCertSign, cRLSign; a path length
 *   server  digitalSignature; serverAuth; DNS names and addresses
 *   client  digitalSignature; clientAuth
 *   signer  digitalSignature, nonRepudiation; emailProtection; an address
 *
 * A user's certificate is that of a client or of a signer.
 */
#ifndef JZ_KEYS_STORE_X509_H
#define JZ_KEYS_STORE_X509_H

#include "../certificate.h"

#define JZ_X509_MAX	   2048 /* the longest certificate that is made */
#define JZ_X509_NAMES_MAX  8	/* of a server, of each kind */
#define JZ_X509_TEXT_MAX   64	/* RFC 5280 A.1: ub-common-name */
#define JZ_X509_HOST_MAX   253
#define JZ_X509_SERIAL_MAX 20
/* SubjectPublicKeyInfo in DER and in PEM; a signature in DER. */
#define JZ_SPKI_MAX	     128
#define JZ_SPKI_PEM_MAX	     256
#define JZ_DER_SIG_MAX_BYTES 72

enum jz_x509_purpose {
	JZ_X509_CA,
	JZ_X509_SERVER,
	JZ_X509_CLIENT,
	JZ_X509_SIGNER,
	JZ_X509_ANY, /* to be judged by; none is made for it */
};

/* A distinguished name: UTF-8, NULL what it does not have. */
struct jz_x509_name {
	const char *country; /* two letters */
	const char *organisation;
	const char *unit;
	const char *common;
};

struct jz_x509_terms {
	enum jz_x509_purpose purpose;
	struct jz_x509_name subject;
	uint8_t public_key[JZ_PUBLIC_BYTES_EC]; /* of the engine's suite */
	int64_t from, to; /* the first second, and the first after it */
	unsigned path;	  /* of a CA: how many CAs may stand below it */
	/* Of a server: host names and IP addresses, as text. */
	const char *const *dns;
	size_t n_dns;
	const char *const *ip;
	size_t n_ip;
	const char *email; /* of a user, or NULL */
};

struct jz_x509_issuer {
	struct jz_x509_name name;
	const struct jz_key_pair *key;
};

/* ---- making ------------------------------------------------------------- */

/*
 * Signs a certificate and appends it.  A root has its own name and key for
 * issuer.  JZ_ERR_RANGE (a name, address or date that cannot be in one),
 * JZ_ERR_SPACE, or an error of the engine; then nothing is appended.
 */
int jz_x509_certify(const struct jz_engine *e, const struct jz_x509_issuer *by,
    const struct jz_x509_terms *terms, struct jz_buffer *out);

/*
 * The view of a card-verifiable certificate: its key, its dates, its holder
 * reference as common name and its role as unit, under its authority's
 * reference.  Of a root or CA it is a CA, of a host a server without names, of
 * a card a client.  `key` is the authority's.  As jz_x509_certify();
 * JZ_ERR_CERT_SUITE.
 */
int jz_x509_of_cvc(const struct jz_engine *e, const struct jz_certificate *c,
    const struct jz_key_pair *key, struct jz_buffer *out);
/* The name that jz_x509_of_cvc() gives to a reference; texts lent by `text`. */
struct jz_x509_name
jz_x509_name_of_cvc(const uint8_t reference[static JZ_REFERENCE_BYTES],
    enum jz_role role, char text[static JZ_REFERENCE_BYTES + 1]);

/* A request for these terms (dates and path are not in it), by its own key. */
int jz_x509_request(const struct jz_engine *e, const struct jz_key_pair *key,
    const struct jz_x509_terms *terms, struct jz_buffer *out);

struct jz_x509_serial {
	uint8_t bytes[JZ_X509_SERIAL_MAX];
	size_t len;
	int64_t at; /* since when it is revoked; 0: since `from` */
};
#define JZ_X509_REVOKED_MAX 160
#define JZ_X509_CRL_MAX	    8192 /* the longest list that is made */

/* A revocation list of these certificates.  JZ_ERR_SPACE: too many. */
int jz_x509_crl(const struct jz_engine *e, const struct jz_x509_issuer *by,
    uint32_t number, int64_t from, int64_t next,
    const struct jz_x509_serial *revoked, size_t n, struct jz_buffer *out);

/* ---- reading ------------------------------------------------------------ */

/* What a request asks for, its signature verified. */
struct jz_x509_wish {
	enum jz_suite suite;
	uint8_t public_key[JZ_PUBLIC_BYTES_EC];
	char country[3], organisation[JZ_X509_TEXT_MAX + 1];
	char unit[JZ_X509_TEXT_MAX + 1], common[JZ_X509_TEXT_MAX + 1];
	char dns[JZ_X509_NAMES_MAX][JZ_X509_HOST_MAX + 1];
	size_t n_dns;
	char ip[JZ_X509_NAMES_MAX][48];
	size_t n_ip;
	char email[JZ_X509_HOST_MAX + 1];
};
/* DER or PEM.  JZ_ERR_CERT_MALFORMED, JZ_ERR_KEY (no key of ours),
 * JZ_ERR_SIGNATURE. */
int jz_x509_request_read(struct jz_span in, struct jz_x509_wish *out);

/* What a certificate says, for people; texts are UTF-8 and never NULL. */
struct jz_x509_view {
	char subject[512], issuer[512]; /* RFC 4514 */
	uint8_t serial[JZ_X509_SERIAL_MAX + 1];
	size_t serial_len;
	int64_t from, to; /* as in struct jz_x509_terms */
	char algorithm[64], key[64];
	bool ours; /* the key is of a suite of ours: */
	enum jz_suite suite;
	uint8_t public_key[JZ_PUBLIC_BYTES_EC];
	bool ca;
	int path;				     /* -1: any */
	char usage[256], purposes[256], names[1024]; /* comma-separated */
	uint8_t fingerprint[32];		     /* SHA-256 of the DER */
};
/* One DER certificate and nothing after it: JZ_ERR_CERT_MALFORMED. */
int jz_x509_read(struct jz_span der, struct jz_x509_view *out);

/* Whether it is a revocation list, of whomever. */
bool jz_x509_is_crl(struct jz_span der);

struct jz_x509_list {
	char issuer[512]; /* RFC 4514 */
	uint32_t number;  /* 0: it has none */
	int64_t from, next;
	size_t n;
	struct jz_x509_serial revoked[JZ_X509_REVOKED_MAX];
};
/* One DER list and nothing after it.  JZ_ERR_CERT_MALFORMED; JZ_ERR_SPACE: it
 * names more than that. */
int jz_x509_crl_read(struct jz_span der, struct jz_x509_list *out);
/* That this key has signed it: JZ_ERR_SIGNATURE, JZ_ERR_CERT_MALFORMED. */
int jz_x509_crl_signed(const struct jz_engine *e, struct jz_span der,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC]);

/* Which certificates judge one. */
struct jz_x509_trust {
	struct jz_span root;	       /* DER */
	const struct jz_span *between; /* CAs, in any order */
	size_t n_between;
	struct jz_span crl; /* DER; empty: none is looked at */
	enum jz_x509_purpose purpose;
	const char *host; /* name or address to be a server's; NULL: any */
	int64_t now;	  /* 0: dates are not looked at */
};
/*
 * Verifies a chain: JZ_ERR_CERT_MALFORMED, _ISSUER (leads to no such root),
 * _FORGED, _NOT_YET, _EXPIRED, _ROLE (another purpose, or no CA where one must
 * be), _NAME, _REVOKED; of the list JZ_ERR_SIGNATURE and JZ_ERR_LIST_OLD (its
 * next update is past).
 */
int jz_x509_verify(struct jz_span der, const struct jz_x509_trust *by);

/* ---- conversions -------------------------------------------------------- */

/*
 * A public key as SubjectPublicKeyInfo, and back.  Reading takes DER or PEM,
 * and gives the suite by the curve.  JZ_ERR_KEY: malformed, another curve, no
 * point of it, another form than uncompressed.
 */
int jz_spki_write(enum jz_suite suite,
    const uint8_t public_key[static JZ_PUBLIC_BYTES_EC], struct jz_buffer *der);
int jz_spki_read(struct jz_span in, enum jz_suite *suite,
    uint8_t public_key[static JZ_PUBLIC_BYTES_EC]);

/* r || s as SEQUENCE of two INTEGERs (RFC 3279 2.2.3), and back: one encoding
 * for each, JZ_ERR_SIGNATURE for any other. */
int jz_signature_to_der(
    const uint8_t raw[static JZ_SIG_BYTES], struct jz_buffer *der);
int jz_signature_from_der(struct jz_span der, uint8_t raw[static JZ_SIG_BYTES]);

/*
 * PEM (RFC 7468) with this label ("CERTIFICATE", "PUBLIC KEY", …).  Reading
 * takes the next block of the text, of whatever label, and moves *in behind
 * it: JZ_ERR_NOT_FOUND when there is none left, JZ_ERR_CERT_MALFORMED.
 */
int jz_pem_write(const char *label, struct jz_span der, struct jz_buffer *text);
#define JZ_PEM_LABEL_MAX 32
int jz_pem_read(struct jz_span *in, char label[static JZ_PEM_LABEL_MAX],
    struct jz_buffer *der);

#endif
