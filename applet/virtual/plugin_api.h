/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program offers to plug-ins.
 */
#ifndef JZ_VIRTUAL_PLUGIN_API_H
#define JZ_VIRTUAL_PLUGIN_API_H

#include <stddef.h>

struct jz_plugin_function {
	const char *name;
	void (*function)(void);
};

extern const struct jz_plugin_function jz_plugin_api[];
extern const size_t jz_plugin_api_n;

#endif
