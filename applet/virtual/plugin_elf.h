/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at a shared object before the system's loader does: ELF, the System V
 * gABI, of the class, byte order and machine of this program.
 *
 * An applet class is code and constants.  Refused is whatever could keep state
 * outside the card, or act before the runtime calls it:
 *
 *   E1  writable static data.  Every writable segment lies within PT_GNU_RELRO,
 *       which ends with a page: what the loader has relocated it makes
 *       read-only, all of it.  No segment is writable and executable, there is
 *       no thread-local storage, the text needs no relocation.
 *   E2  code that runs at loading or unloading: no DT_INIT, DT_FINI or their
 *       arrays; no symbol STT_GNU_IFUNC, no relocation R_*_IRELATIVE, for
 *       either of which the loader calls a function.
 *   E3  libraries beside those of DT_NEEDED: no DT_AUXILIARY, no DT_FILTER.
 *
 * Program headers and the dynamic table are looked at, with the tables that it
 * names, since the loader looks at nothing else; section headers may be
 * stripped.
 *
 * This finds mistakes, not malice: a plug-in is native code, and can do
 * whatever the program that loads it can do.
 */
#ifndef JZ_VIRTUAL_PLUGIN_ELF_H
#define JZ_VIRTUAL_PLUGIN_ELF_H

#include <stddef.h>

#include "../../apdu/bytes.h"

#define JZ_PLUGIN_NEEDED 8 /* libraries that a plug-in may name */

/* What it needs; the names are lent from the file. */
struct jz_plugin_needs {
	const char *name[JZ_PLUGIN_NEEDED];
	size_t n;
};

/*
 * 0; JZ_ERR_PLUGIN_FORMAT (not a shared object for this machine, or cut short,
 * or with an executable stack; or any object, on a machine other than 386,
 * x86-64, ARM and AArch64, whose relocations are not known here), JZ_ERR_PLUGIN_DATA (E1), JZ_ERR_PLUGIN_START
 * (E2), JZ_ERR_PLUGIN_LINK (E3, or too many libraries).
 *
 * `page` is the system's page size, `machine` e_machine of this program.
 */
int jz_plugin_check(struct jz_span file, size_t page, unsigned machine,
    struct jz_plugin_needs *needs);

#endif
