/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show-keys DIR PASSPHRASE: the secrets of an issuer's directory, as lines of
 * a name and hexadecimal digits, for who looks for them elsewhere.
 */
#include <stdio.h>
#include <string.h>

#include "../../host/issuer/internal.h"

static void
show(const char *name, const uint8_t *bytes, size_t len)
{
	printf("%s ", name);
	for (size_t k = 0; k < len; k++)
		printf("%02x", (unsigned)bytes[k]);
	putchar('\n');
}

int
main(int argc, char **argv)
{
	struct jz_issuer *i = NULL;

	struct jz_secret pass;

	if (argc != 3 ||
	    jz_secret_set(&pass, jz_span(argv[2], strlen(argv[2]))) != 0 ||
	    jz_issuer_open(argv[1], &pass, &i) != 0)
		return 1;
	show("issuer-root", i->pki.root.key.private_key, JZ_PRIVATE_BYTES);
	show("issuer-ca", i->pki.ca.key.private_key, JZ_PRIVATE_BYTES);
	show("issuer-host", i->pki.host.key.private_key, JZ_PRIVATE_BYTES);
	show("issuer-admin", jz_secret_span(&i->pki.masters.list[0].key).data,
	    JZ_MASTER_BYTES);
	jz_issuer_free(&i);
	return 0;
}
