/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jiaozi card install FILE: a plug-in comes onto a virtual card.
 */
#include "manage.h"

#include <string.h>

#include "../../reader/virtual.h"

#define FILE_SUFFIX ".so"

_Static_assert(JZ_VIRTUAL_AID_MAX == JZ_GP_AID_MAX, "an AID");

bool
jz_cli_is_file(const char *argument)
{
	size_t len = strlen(argument), end = sizeof(FILE_SUFFIX) - 1;

	return strchr(argument, '/') != NULL ||
	    (len > end && strcmp(argument + len - end, FILE_SUFFIX) == 0);
}

int
jz_cli_plug(struct jz_cli *c, struct jz_cli_gp *g, const char *path,
    struct jz_gp_aid *module)
{
	struct jz_virtual *v = jz_reader_virtual(g->reader);
	size_t len = 0;
	int err;

	memset(module, 0, sizeof(*module));
	if (v == NULL)
		return jz_cli_fail(c, JZ_ERR_UNSUPPORTED, "%s: %s",
		    jz_reader_name(g->reader),
		    jz_tr(c, "only a virtual card takes plug-ins",
			"只有虚拟卡可以安装插件"));
	err = jz_virtual_plug(v, path, module->bytes, &len);
	if (err != 0)
		return jz_cli_fail(c, err, "%s", path);
	module->len = (uint8_t)len;
	return jz_cli_gp_again(c, g);
}
