/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What files of certificates hold, for the commands that show and judge them.
 */
#ifndef JZ_CLI_CERTS_H
#define JZ_CLI_CERTS_H

#include "cli.h"

#define JZ_CERTS_MAX 16

enum jz_cert_kind {
	JZ_CERT_CVC,
	JZ_CERT_X509,
	JZ_CERT_LIST,	 /* FF6A */
	JZ_CERT_CRL,	 /* X.509's */
	JZ_CERT_REQUEST, /* PKCS #10 */
	JZ_CERT_KEY,	 /* SubjectPublicKeyInfo */
	JZ_CERT_BROKEN,	 /* nothing that is known */
};

struct jz_cert_item {
	enum jz_cert_kind kind;
	size_t offset;	      /* in its file, of the binary forms */
	struct jz_span bytes; /* in the file's memory */
};

struct jz_certs {
	struct jz_cert_item item[JZ_CERTS_MAX];
	size_t n;
	uint8_t file[JZ_CLI_FILE_MAX], decoded[JZ_CLI_FILE_MAX];
};

/*
 * Reads a file (NULL or "-": standard input) of one or more objects: binary,
 * one after the other; PEM, with any text between; or hexadecimal.  A private
 * key in it is refused and nothing of it kept.  A failure is explained in c.
 */
int jz_certs_read(struct jz_cli *c, const char *name, struct jz_certs *out);

const char *jz_cert_kind_text(const struct jz_cli *c, enum jz_cert_kind kind);
/* The label of its PEM; NULL when it has none. */
const char *jz_cert_label(enum jz_cert_kind kind);

#endif
