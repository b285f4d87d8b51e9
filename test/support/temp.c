/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700 /* mkdtemp */

#include "temp.h"

#include <stdio.h>
#include <stdlib.h>

bool
temp_new(char *out, size_t cap, const char *name)
{
	const char *parent = getenv("TMPDIR");
	int n = -1;

	if (parent != NULL && parent[0] != '\0')
		n = snprintf(out, cap, "%s/%s.XXXXXX", parent, name);
	if (n < 0 || (size_t)n >= cap)
		n = snprintf(out, cap, "/tmp/%s.XXXXXX", name);
	if (n > 0 && (size_t)n < cap && mkdtemp(out) != NULL)
		return true;
	out[0] = '\0';
	return false;
}
