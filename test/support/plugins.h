/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plug-ins that the Makefile builds for tests from
 * test/applet/virtual/plugin_case.c.
 */
#ifndef JZ_TEST_SUPPORT_PLUGINS_H
#define JZ_TEST_SUPPORT_PLUGINS_H

#include <stddef.h>
#include <stdint.h>

/* Where the make `name` is; lent until the next call. */
const char *plugin_path(const char *name);
/* A file's bytes, to be freed. */
uint8_t *plugin_read(const char *path, size_t *len);
void plugin_write(const char *path, const void *bytes, size_t len);

/* A new folder below TMPDIR, and its end with all that is in it. */
void folder_new(char *out, size_t cap);
void folder_remove(const char *path);
/* How many files lie in it, those of its folders too. */
unsigned folder_files(const char *path);

#endif
