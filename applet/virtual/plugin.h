/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An applet class from a shared object.
 *
 * The object exports a const struct jz_applet_class named jz_applet (see
 * JZ_APPLET in applet.h).  What it calls of the runtime is resolved from the
 * program, which is linked with the list plugin.syms.  It is copied into sealed
 * memory first; hash, checks and loader see those bytes and no others, whatever
 * becomes of the file.
 *
 * Linux: memfd_create(2), and /proc.
 */
#ifndef JZ_VIRTUAL_PLUGIN_H
#define JZ_VIRTUAL_PLUGIN_H

#include <stdint.h>

#include "../../apdu/bytes.h"
#include "../../keys/crypto.h"
#include "../runtime/applet.h"

#define JZ_PLUGIN_BYTES_MAX (4u * 1024u * 1024u)
/* Of what a class may ask for: more than any card has. */
#define JZ_PLUGIN_MEMORY_MAX (1024u * 1024u)

struct jz_plugin;

/*
 * Loads a plug-in.  With `expected`, a file that has not this hash, by the
 * engine's suite, is not looked at any further.
 *
 *   JZ_ERR_NOT_FOUND, JZ_ERR_SYSTEM, JZ_ERR_MEMORY, JZ_ERR_CRYPTO
 *   JZ_ERR_UNSUPPORTED    the program does not export what plugin.syms lists
 *   JZ_ERR_PLUGIN_HASH    not the expected file
 *   JZ_ERR_PLUGIN_FORMAT  no shared object for this machine, without jz_applet,
 *                         or longer than JZ_PLUGIN_BYTES_MAX
 *   JZ_ERR_PLUGIN_DATA, JZ_ERR_PLUGIN_START  see plugin_elf.h
 *   JZ_ERR_PLUGIN_LINK    a symbol that the program does not export, or a
 *                         library that it has not loaded itself
 *   JZ_ERR_PLUGIN_ABI     made for another JZ_ABI
 *   JZ_ERR_PLUGIN_CLASS   the class has no name or process, its AID is not 5 to
 *                         16 bytes, its struct is smaller than a head, or it
 *                         asks for more than JZ_PLUGIN_MEMORY_MAX
 */
int jz_plugin_load(const struct jz_engine *engine, const char *path,
    const uint8_t *expected, struct jz_plugin **out);
/* One more owner, who frees it too; in any thread. */
struct jz_plugin *jz_plugin_share(struct jz_plugin *p);
/* The last owner's unloads: nobody may hold the class any more. */
void jz_plugin_free(struct jz_plugin **p);

const struct jz_applet_class *jz_plugin_class(const struct jz_plugin *p);
/* JZ_HASH_BYTES; lent. */
const uint8_t *jz_plugin_hash(const struct jz_plugin *p);
/*
 * Writes the bytes that were loaded to a file in the place of what has the
 * name, durably.  JZ_ERR_NOT_FOUND (no such folder), JZ_ERR_SPACE (path too
 * long), JZ_ERR_SYSTEM.
 */
int jz_plugin_store(const struct jz_plugin *p, const char *path);

#endif
