/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks of plugin_elf.h.  Nothing of the file is trusted: each structure
 * is copied out after its place was found to lie within the file.
 */
#define _GNU_SOURCE

#include "plugin_elf.h"

#include <elf.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "../../apdu/error.h"

#define SEGMENTS_MAX 32
#define DYNAMIC_MAX  128 /* entries of the dynamic table */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define DATA_NATIVE ELFDATA2LSB
#else
#define DATA_NATIVE ELFDATA2MSB
#endif
#if UINTPTR_MAX > 0xFFFFFFFFu
#define CLASS_NATIVE	  ELFCLASS64
#define RELOCATION_TYPE	  ELF64_R_TYPE
#define RELOCATION_SYMBOL ELF64_R_SYM
#define SYMBOL_TYPE	  ELF64_ST_TYPE
#else
#define CLASS_NATIVE	  ELFCLASS32
#define RELOCATION_TYPE	  ELF32_R_TYPE
#define RELOCATION_SYMBOL ELF32_R_SYM
#define SYMBOL_TYPE	  ELF32_ST_TYPE
#endif

struct image {
	struct jz_span file;
	size_t page;
	uint32_t calling; /* type of relocation */
	ElfW(Phdr) segment[SEGMENTS_MAX];
	size_t n;
	ElfW(Phdr) relro, dynamic; /* p_memsz 0: there is none */
};

static bool
copy_out(struct jz_span file, uint64_t offset, void *out, size_t len)
{
	if (offset > file.len || len > file.len - offset)
		return false;
	memcpy(out, file.data + offset, len);
	return true;
}

static int
read_header(struct image *m, unsigned machine)
{
	ElfW(Ehdr) h;

	if (!copy_out(m->file, 0, &h, sizeof(h)) ||
	    memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 ||
	    h.e_ident[EI_CLASS] != CLASS_NATIVE ||
	    h.e_ident[EI_DATA] != DATA_NATIVE ||
	    h.e_ident[EI_VERSION] != EV_CURRENT || h.e_type != ET_DYN ||
	    h.e_machine != machine || h.e_phentsize != sizeof(ElfW(Phdr)) ||
	    h.e_phnum > SEGMENTS_MAX)
		return JZ_ERR_PLUGIN_FORMAT;
	m->n = h.e_phnum;
	return copy_out(
		   m->file, h.e_phoff, m->segment, m->n * sizeof(m->segment[0]))
	    ? 0
	    : JZ_ERR_PLUGIN_FORMAT;
}

/* The segment's bytes are in the file, and its addresses do not wrap round. */
static bool
segment_sane(const struct image *m, const ElfW(Phdr) * p)
{
	return p->p_offset <= m->file.len &&
	    p->p_filesz <= m->file.len - p->p_offset &&
	    p->p_filesz <= p->p_memsz &&
	    p->p_vaddr <= UINTPTR_MAX / 2 - m->page &&
	    p->p_memsz <= UINTPTR_MAX / 2 - m->page - p->p_vaddr;
}

static int
read_segments(struct image *m)
{
	uint64_t end = 0; /* of the pages taken so far */

	for (size_t i = 0; i < m->n; i++) {
		const ElfW(Phdr) *p = &m->segment[i];

		if (p->p_type == PT_GNU_STACK && (p->p_flags & PF_X) != 0)
			return JZ_ERR_PLUGIN_FORMAT;
		if (p->p_type == PT_TLS && p->p_memsz > 0)
			return JZ_ERR_PLUGIN_DATA;
		if (p->p_type != PT_LOAD && p->p_type != PT_DYNAMIC &&
		    p->p_type != PT_GNU_RELRO)
			continue;
		if (!segment_sane(m, p))
			return JZ_ERR_PLUGIN_FORMAT;
		if (p->p_type == PT_DYNAMIC)
			m->dynamic = *p;
		else if (p->p_type == PT_GNU_RELRO)
			m->relro = *p;
		else if (p->p_vaddr / m->page * m->page < end)
			return JZ_ERR_PLUGIN_FORMAT; /* over one before */
		else
			end = (p->p_vaddr + p->p_memsz + m->page - 1) /
			    m->page * m->page;
	}
	return m->dynamic.p_memsz == 0 ? JZ_ERR_PLUGIN_FORMAT : 0;
}

static bool
is_within(const ElfW(Phdr) * p, const ElfW(Phdr) * outer)
{
	return p->p_vaddr >= outer->p_vaddr &&
	    p->p_vaddr + p->p_memsz <= outer->p_vaddr + outer->p_memsz;
}

/* E1.  The loader protects whole pages: it would leave a broken last one. */
static int
check_writable(const struct image *m)
{
	for (size_t i = 0; i < m->n; i++) {
		const ElfW(Phdr) *p = &m->segment[i];

		if (p->p_type != PT_LOAD || (p->p_flags & PF_W) == 0 ||
		    p->p_memsz == 0)
			continue;
		if ((p->p_flags & PF_X) != 0 || !is_within(p, &m->relro) ||
		    (m->relro.p_vaddr + m->relro.p_memsz) % m->page != 0)
			return JZ_ERR_PLUGIN_DATA;
	}
	return 0;
}

/* Where the file holds what will be at an address: `len` bytes at least. */
static bool
offset_of(const struct image *m, uint64_t address, uint64_t len, uint64_t *out)
{
	for (size_t i = 0; i < m->n; i++) {
		const ElfW(Phdr) *p = &m->segment[i];

		if (p->p_type != PT_LOAD || address < p->p_vaddr ||
		    address - p->p_vaddr > p->p_filesz ||
		    len > p->p_filesz - (address - p->p_vaddr))
			continue;
		*out = p->p_offset + (address - p->p_vaddr);
		return true;
	}
	return false;
}

static bool
copy_at(const struct image *m, uint64_t address, void *out, size_t len)
{
	uint64_t at = 0;

	return offset_of(m, address, len, &at) &&
	    copy_out(m->file, at, out, len);
}

/* Places are addresses, lengths are bytes; 0: there is none. */
struct dynamic {
	uint64_t strings, strings_len;
	uint64_t symbols, hash, gnu_hash;
	uint64_t rel, rel_len, rela, rela_len;
	uint64_t plt, plt_len, plt_kind; /* DT_REL or DT_RELA */
	uint64_t needed[JZ_PLUGIN_NEEDED];
	size_t n;
};

/* Where an entry's value is kept, of which the last counts; or NULL. */
static uint64_t *
place_of(struct dynamic *d, int64_t tag)
{
	switch (tag) {
	case DT_STRTAB:
		return &d->strings;
	case DT_STRSZ:
		return &d->strings_len;
	case DT_SYMTAB:
		return &d->symbols;
	case DT_HASH:
		return &d->hash;
	case DT_GNU_HASH:
		return &d->gnu_hash;
	case DT_REL:
		return &d->rel;
	case DT_RELSZ:
		return &d->rel_len;
	case DT_RELA:
		return &d->rela;
	case DT_RELASZ:
		return &d->rela_len;
	case DT_JMPREL:
		return &d->plt;
	case DT_PLTRELSZ:
		return &d->plt_len;
	case DT_PLTREL:
		return &d->plt_kind;
	default:
		return NULL;
	}
}

/* E2 of functions, E3, and what E1 says of the text. */
static int
read_entry(const ElfW(Dyn) * e, struct dynamic *d)
{
	uint64_t v = e->d_un.d_val, *place;

	switch (e->d_tag) {
	case DT_INIT:
	case DT_FINI:
	case DT_INIT_ARRAYSZ:
	case DT_FINI_ARRAYSZ:
	case DT_PREINIT_ARRAYSZ:
		return v != 0 ? JZ_ERR_PLUGIN_START : 0;
	case DT_TEXTREL:
		return JZ_ERR_PLUGIN_DATA;
	case DT_FLAGS:
		return (v & DF_TEXTREL) != 0 ? JZ_ERR_PLUGIN_DATA : 0;
	case DT_AUXILIARY:
	case DT_FILTER:
		return JZ_ERR_PLUGIN_LINK;
	case DT_NEEDED:
		if (d->n == JZ_PLUGIN_NEEDED)
			return JZ_ERR_PLUGIN_LINK;
		d->needed[d->n++] = v;
		return 0;
	default:
		if ((place = place_of(d, e->d_tag)) != NULL)
			*place = v;
		return 0;
	}
}

static int
read_dynamic(const struct image *m, struct dynamic *d)
{
	uint64_t at = 0, n = m->dynamic.p_memsz / sizeof(ElfW(Dyn));
	ElfW(Dyn) entry;
	int e;

	/* The loader goes by the address. */
	if (!offset_of(m, m->dynamic.p_vaddr, m->dynamic.p_memsz, &at))
		return JZ_ERR_PLUGIN_FORMAT;
	if (n > DYNAMIC_MAX)
		n = DYNAMIC_MAX;
	for (uint64_t i = 0; i < n; i++) {
		if (!copy_out(
			m->file, at + i * sizeof(entry), &entry, sizeof(entry)))
			return JZ_ERR_PLUGIN_FORMAT;
		if (entry.d_tag == DT_NULL)
			return 0;
		if ((e = read_entry(&entry, d)) != 0)
			return e;
	}
	return JZ_ERR_PLUGIN_FORMAT; /* without an end */
}

static int
find_names(const struct image *m, const struct dynamic *d,
    struct jz_plugin_needs *needs)
{
	uint64_t at = 0;

	if (!offset_of(m, d->strings, d->strings_len, &at))
		return JZ_ERR_PLUGIN_FORMAT;
	for (size_t i = 0; i < d->n; i++) {
		const uint8_t *name;

		if (d->needed[i] >= d->strings_len)
			return JZ_ERR_PLUGIN_FORMAT;
		name = m->file.data + at + d->needed[i];
		if (memchr(name, 0, d->strings_len - d->needed[i]) == NULL)
			return JZ_ERR_PLUGIN_FORMAT;
		needs->name[i] = (const char *)name;
	}
	needs->n = d->n;
	return 0;
}

/*
 * How many symbols the GNU table reaches: a chain goes upwards until a word
 * is odd, so that none goes beyond the end of the last to begin.
 */
static int
count_gnu(const struct image *m, uint64_t address, uint64_t *n)
{
	struct {
		uint32_t buckets, first, filters, shift;
	} h;
	uint64_t last = 0;
	uint32_t word = 0;

	if (!copy_at(m, address, &h, sizeof(h)))
		return JZ_ERR_PLUGIN_FORMAT;
	address += sizeof(h) + h.filters * (uint64_t)sizeof(ElfW(Addr));
	for (uint32_t i = 0; i < h.buckets; i++, address += sizeof(word)) {
		if (!copy_at(m, address, &word, sizeof(word)))
			return JZ_ERR_PLUGIN_FORMAT;
		if (word > last)
			last = word;
	}
	*n = h.first;
	if (last == 0)
		return 0; /* all are empty */
	if (last < h.first)
		return JZ_ERR_PLUGIN_FORMAT;
	address += (last - h.first) * sizeof(word);
	for (word = 0; (word & 1) == 0; last++, address += sizeof(word))
		if (!copy_at(m, address, &word, sizeof(word)))
			return JZ_ERR_PLUGIN_FORMAT;
	*n = last;
	return 0;
}

/* The same of the gABI's table; no word of it may go beyond its count. */
static int
count_sysv(const struct image *m, uint64_t address, uint64_t *n)
{
	struct {
		uint32_t buckets, chains;
	} h;
	uint32_t word = 0;

	if (!copy_at(m, address, &h, sizeof(h)))
		return JZ_ERR_PLUGIN_FORMAT;
	address += sizeof(h);
	for (uint64_t i = 0; i < (uint64_t)h.buckets + h.chains; i++) {
		if (!copy_at(
			m, address + i * sizeof(word), &word, sizeof(word)) ||
		    (word != 0 && word >= h.chains))
			return JZ_ERR_PLUGIN_FORMAT;
	}
	*n = h.chains;
	return 0;
}

/* E2: the loader calls what such a symbol names, for the address to use. */
static int
check_symbol(const struct image *m, const struct dynamic *d, uint64_t index)
{
	ElfW(Sym) s;

	if (!copy_at(m, d->symbols + index * sizeof(s), &s, sizeof(s)))
		return JZ_ERR_PLUGIN_FORMAT;
	return SYMBOL_TYPE(s.st_info) == STT_GNU_IFUNC ? JZ_ERR_PLUGIN_START
						       : 0;
}

static int
check_symbols(const struct image *m, const struct dynamic *d)
{
	uint64_t gnu = 0, sysv = 0;
	int e = 0;

	if (d->gnu_hash != 0)
		e = count_gnu(m, d->gnu_hash, &gnu);
	if (e == 0 && d->hash != 0)
		e = count_sysv(m, d->hash, &sysv);
	for (uint64_t i = 0; e == 0 && (i < gnu || i < sysv); i++)
		e = check_symbol(m, d, i);
	return e;
}

/* The relocation that calls a function for its value; 0: not known. */
static uint32_t
calling_type(unsigned machine)
{
	switch (machine) {
	case EM_386:
		return R_386_IRELATIVE;
	case EM_X86_64:
		return R_X86_64_IRELATIVE;
	case EM_ARM:
		return R_ARM_IRELATIVE;
	case EM_AARCH64:
		return CLASS_NATIVE == ELFCLASS64 ? R_AARCH64_IRELATIVE
						  : R_AARCH64_P32_IRELATIVE;
	default:
		return 0;
	}
}

/* `size` is that of an entry; both kinds begin as ElfW(Rel). */
static int
check_table(const struct image *m, const struct dynamic *d, uint64_t address,
    uint64_t len, size_t size)
{
	ElfW(Rel) r;
	int e;

	for (uint64_t i = 0; i < len; i += size) {
		if (!copy_at(m, address + i, &r, sizeof(r)))
			return JZ_ERR_PLUGIN_FORMAT;
		if (RELOCATION_TYPE(r.r_info) == m->calling)
			return JZ_ERR_PLUGIN_START;
		/* A local symbol is not looked up. */
		e = check_symbol(m, d, RELOCATION_SYMBOL(r.r_info));
		if (e != 0)
			return e;
	}
	return 0;
}

static int
check_relocations(const struct image *m, const struct dynamic *d)
{
	size_t plt =
	    d->plt_kind == DT_REL ? sizeof(ElfW(Rel)) : sizeof(ElfW(Rela));
	int e;

	if (d->plt_len != 0 && d->plt_kind != DT_REL && d->plt_kind != DT_RELA)
		return JZ_ERR_PLUGIN_FORMAT;
	e = check_table(m, d, d->rel, d->rel_len, sizeof(ElfW(Rel)));
	if (e == 0)
		e = check_table(m, d, d->rela, d->rela_len, sizeof(ElfW(Rela)));
	if (e == 0)
		e = check_table(m, d, d->plt, d->plt_len, plt);
	return e;
}

int
jz_plugin_check(struct jz_span file, size_t page, unsigned machine,
    struct jz_plugin_needs *needs)
{
	struct image m = {
	    .file = file, .page = page, .calling = calling_type(machine)};
	struct dynamic d = {0};
	int e;

	memset(needs, 0, sizeof(*needs));
	if (m.calling == 0)
		return JZ_ERR_PLUGIN_FORMAT;
	if ((e = read_header(&m, machine)) != 0 ||
	    (e = read_segments(&m)) != 0 || (e = check_writable(&m)) != 0 ||
	    (e = read_dynamic(&m, &d)) != 0 ||
	    (e = check_symbols(&m, &d)) != 0 ||
	    (e = check_relocations(&m, &d)) != 0)
		return e;
	return find_names(&m, &d, needs);
}
