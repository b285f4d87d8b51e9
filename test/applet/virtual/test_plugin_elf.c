/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What plugin_elf.h says of a good object with one thing changed.
 */
#define _GNU_SOURCE

#include "../../../applet/virtual/plugin_elf.h"

#include <elf.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../apdu/error.h"
#include "../../support/plugins.h"

#define PAGE ((size_t)sysconf(_SC_PAGESIZE))

#if UINTPTR_MAX > 0xFFFFFFFFu
#define INFO(symbol, type) ELF64_R_INFO((uint64_t)(symbol), type)
#else
#define INFO(symbol, type) ELF32_R_INFO(symbol, type)
#endif
#if defined(__x86_64__)
#define CALLING R_X86_64_IRELATIVE
#elif defined(__i386__)
#define CALLING R_386_IRELATIVE
#elif defined(__aarch64__)
#define CALLING R_AARCH64_IRELATIVE
#elif defined(__arm__)
#define CALLING R_ARM_IRELATIVE
#endif

struct object {
	uint8_t *bytes;
	size_t len;
	ElfW(Ehdr) * header;
	ElfW(Phdr) * segment;
};

static struct object
object_new(void)
{
	struct object o = {0};

	o.bytes = plugin_read(plugin_path("library"), &o.len);
	/* So that a sanitizer sees a step too far. */
	o.bytes = realloc(o.bytes, o.len);
	assert_non_null(o.bytes);
	o.header = (void *)o.bytes;
	o.segment = (void *)(o.bytes + o.header->e_phoff);
	return o;
}

static int
check(const struct object *o)
{
	struct jz_plugin_needs needs;
	static unsigned machine;
	int e;

	if (machine == 0) {
		struct object real = object_new();

		machine = real.header->e_machine;
		free(real.bytes);
	}
	e = jz_plugin_check(jz_span(o->bytes, o->len), PAGE, machine, &needs);
	for (size_t i = 0; e == 0 && i < needs.n; i++)
		assert_true(strlen(needs.name[i]) < o->len);
	return e;
}

static ElfW(Phdr) *
    segment(const struct object *o, uint32_t type, uint32_t flags)
{
	for (unsigned i = 0; i < o->header->e_phnum; i++)
		if (o->segment[i].p_type == type &&
		    (o->segment[i].p_flags & flags) == flags)
			return &o->segment[i];
	fail_msg("no segment of type %X", type);
	return NULL;
}

static ElfW(Dyn) * dynamic(const struct object *o)
{
	return (void *)(o->bytes + segment(o, PT_DYNAMIC, 0)->p_offset);
}

static ElfW(Dyn) * entry(const struct object *o, int64_t tag)
{
	for (ElfW(Dyn) *d = dynamic(o); d->d_tag != DT_NULL; d++)
		if (d->d_tag == tag)
			return d;
	fail_msg("no entry %lld", (long long)tag);
	return NULL;
}

/* What the file holds of an address. */
static void *
at(const struct object *o, uint64_t address)
{
	for (unsigned i = 0; i < o->header->e_phnum; i++) {
		const ElfW(Phdr) *p = &o->segment[i];

		if (p->p_type == PT_LOAD && address >= p->p_vaddr &&
		    address - p->p_vaddr < p->p_filesz)
			return o->bytes + p->p_offset + (address - p->p_vaddr);
	}
	fail_msg("nothing at %llX", (unsigned long long)address);
	return NULL;
}

static ElfW(Sym) * symbol(const struct object *o, const char *name)
{
	const char *names = at(o, entry(o, DT_STRTAB)->d_un.d_ptr);
	ElfW(Sym) *s = at(o, entry(o, DT_SYMTAB)->d_un.d_ptr);

	/* The names are behind the symbols. */
	for (; (const char *)(s + 1) <= names; s++)
		if (strcmp(names + s->st_name, name) == 0)
			return s;
	fail_msg("no symbol %s", name);
	return NULL;
}

static void
test_the_object_itself_passes(void **state)
{
	struct object o = object_new();

	(void)state;
	assert_int_equal(check(&o), 0);
	free(o.bytes);
}

/* Each changes one thing of a good object. */
static void
another_class(struct object *o)
{
	o->header->e_ident[EI_CLASS] ^= ELFCLASS32 ^ ELFCLASS64;
}

static void
another_order(struct object *o)
{
	o->header->e_ident[EI_DATA] ^= ELFDATA2LSB ^ ELFDATA2MSB;
}

static void
another_machine(struct object *o)
{
	o->header->e_machine ^= 1;
}

static void
a_program(struct object *o)
{
	o->header->e_type = ET_EXEC;
}

static void
many_segments(struct object *o)
{
	o->header->e_phnum = UINT16_MAX;
}

static void
segments_outside(struct object *o)
{
	o->header->e_phoff = o->len;
}

static void
no_dynamic(struct object *o)
{
	segment(o, PT_DYNAMIC, 0)->p_type = PT_NULL;
}

static void
writable_code(struct object *o)
{
	segment(o, PT_LOAD, PF_X)->p_flags |= PF_W;
}

static void
writable_constants(struct object *o)
{
	segment(o, PT_LOAD, PF_R)->p_flags |= PF_W;
}

static void
no_relro(struct object *o)
{
	segment(o, PT_GNU_RELRO, 0)->p_type = PT_NULL;
}

/* The loader would leave its last page writable. */
static void
broken_page(struct object *o)
{
	segment(o, PT_GNU_RELRO, 0)->p_memsz -= 1;
	segment(o, PT_LOAD, PF_W)->p_memsz -= 16;
	segment(o, PT_LOAD, PF_W)->p_filesz -= 16;
}

static void
more_zeros(struct object *o)
{
	segment(o, PT_LOAD, PF_W)->p_memsz += PAGE;
}

static void
wrapping_segment(struct object *o)
{
	segment(o, PT_LOAD, PF_W)->p_memsz = ~(size_t)0;
}

static void
long_segment(struct object *o)
{
	segment(o, PT_LOAD, PF_X)->p_filesz = o->len + 1;
	segment(o, PT_LOAD, PF_X)->p_memsz = o->len + 1;
}

static void
segment_over_another(struct object *o)
{
	segment(o, PT_LOAD, PF_W)->p_vaddr = 0;
}

static void
start_function(struct object *o)
{
	entry(o, DT_STRSZ)->d_tag = DT_INIT;
}

static void
text_relocations(struct object *o)
{
	entry(o, DT_FLAGS)->d_un.d_val |= DF_TEXTREL;
}

static void
old_text_relocations(struct object *o)
{
	entry(o, DT_FLAGS)->d_tag = DT_TEXTREL;
}

static void
endless_dynamic(struct object *o)
{
	ElfW(Phdr) *p = segment(o, PT_DYNAMIC, 0);
	size_t n = p->p_memsz / sizeof(ElfW(Dyn));

	for (size_t i = 0; i < n; i++)
		if (dynamic(o)[i].d_tag == DT_NULL)
			dynamic(o)[i].d_tag = DT_DEBUG;
}

/* The loader finds the table by its address. */
static void
dynamic_elsewhere(struct object *o)
{
	segment(o, PT_DYNAMIC, 0)->p_vaddr = UINTPTR_MAX / 4;
}

static void
strings_elsewhere(struct object *o)
{
	entry(o, DT_STRTAB)->d_un.d_val = UINTPTR_MAX - 2;
}

static void
name_outside(struct object *o)
{
	entry(o, DT_NEEDED)->d_un.d_val = entry(o, DT_STRSZ)->d_un.d_val;
}

static void
name_without_end(struct object *o)
{
	entry(o, DT_STRSZ)->d_un.d_val = entry(o, DT_NEEDED)->d_un.d_val + 2;
}

static void
many_libraries(struct object *o)
{
	int64_t needed = DT_NEEDED;

	for (unsigned i = 0; i < JZ_PLUGIN_NEEDED + 1; i++)
		dynamic(o)[i].d_tag = needed;
}

static void
auxiliary_of_a_library(struct object *o)
{
	entry(o, DT_SYMENT)->d_tag = DT_AUXILIARY;
}

static void
filter_of_a_library(struct object *o)
{
	entry(o, DT_SYMENT)->d_tag = DT_FILTER;
}

/* It is reached by the hash table alone. */
static void
chosen_symbol(struct object *o)
{
	symbol(o, "jz_applet")->st_info =
	    ELF64_ST_INFO(STB_GLOBAL, STT_GNU_IFUNC);
}

/* It is reached by its relocation alone. */
static void
chosen_local_symbol(struct object *o)
{
	symbol(o, "jz_pin_install")->st_info =
	    ELF64_ST_INFO(STB_LOCAL, STT_GNU_IFUNC);
	entry(o, DT_GNU_HASH)->d_tag = DT_DEBUG;
}

/* A table of the gABI in the place of the code. */
static uint32_t *
old_hash(struct object *o)
{
	ElfW(Sym) *first = at(o, entry(o, DT_SYMTAB)->d_un.d_ptr);
	ElfW(Phdr) *code = segment(o, PT_LOAD, PF_X);
	uint32_t *words = (void *)(o->bytes + code->p_offset);
	uint32_t n = (uint32_t)(symbol(o, "jz_applet") - first) + 1;

	entry(o, DT_GNU_HASH)->d_un.d_ptr = code->p_vaddr;
	entry(o, DT_GNU_HASH)->d_tag = DT_HASH;
	assert_true((3 + n) * sizeof(*words) <= code->p_filesz);
	memset(words, 0, (3 + n) * sizeof(*words));
	words[0] = 1;
	words[1] = n;
	words[2] = n - 1;
	return words;
}

static void
test_the_old_table_of_symbols_passes(void **state)
{
	struct object o = object_new();

	(void)state;
	old_hash(&o);
	assert_int_equal(check(&o), 0);
	free(o.bytes);
}

static void
chosen_symbol_of_old(struct object *o)
{
	old_hash(o);
	chosen_symbol(o);
}

static void
old_hash_beyond_its_count(struct object *o)
{
	uint32_t *words = old_hash(o);

	words[2] = words[1];
}

static void
old_hash_without_end(struct object *o)
{
	old_hash(o)[0] = UINT32_MAX;
}

static void
hash_elsewhere(struct object *o)
{
	entry(o, DT_GNU_HASH)->d_un.d_val = UINTPTR_MAX - 2;
}

static void
hash_without_end(struct object *o)
{
	uint32_t *words = at(o, entry(o, DT_GNU_HASH)->d_un.d_ptr);

	words[0] = UINT32_MAX;
}

static void
symbols_elsewhere(struct object *o)
{
	entry(o, DT_SYMTAB)->d_un.d_val = UINTPTR_MAX - 2;
}

/* The table that the machine has: DT_RELA or DT_REL. */
static ElfW(Dyn) * table(const struct object *o, int64_t rela, int64_t rel)
{
	return entry(
	    o, entry(o, DT_PLTREL)->d_un.d_val == DT_RELA ? rela : rel);
}

static void
calling_relocation(struct object *o)
{
	ElfW(Rel) *r = at(o, table(o, DT_RELA, DT_REL)->d_un.d_ptr);

	r->r_info = INFO(0, CALLING);
}

static void
calling_relocation_of_plt(struct object *o)
{
	ElfW(Rel) *r = at(o, entry(o, DT_JMPREL)->d_un.d_ptr);

	r->r_info = INFO(0, CALLING);
}

/* The first of the other kind. */
static void
calling_relocation_of_other_kind(struct object *o)
{
	bool rela = entry(o, DT_PLTREL)->d_un.d_val == DT_RELA;

	calling_relocation(o);
	table(o, DT_RELASZ, DT_RELSZ)->d_tag = rela ? DT_RELSZ : DT_RELASZ;
	table(o, DT_RELA, DT_REL)->d_tag = rela ? DT_REL : DT_RELA;
}

static void
relocations_elsewhere(struct object *o)
{
	table(o, DT_RELA, DT_REL)->d_un.d_val = UINTPTR_MAX - 2;
}

static void
relocation_of_no_symbol(struct object *o)
{
	ElfW(Rel) *r = at(o, entry(o, DT_JMPREL)->d_un.d_ptr);

	r->r_info = INFO(0xFFFFFF, 1);
}

static void
many_relocations_of_plt(struct object *o)
{
	entry(o, DT_PLTRELSZ)->d_un.d_val = UINTPTR_MAX;
}

static void
unknown_relocations_of_plt(struct object *o)
{
	entry(o, DT_PLTREL)->d_un.d_val = DT_NULL;
}

static void
test_each_changed_object_has_its_error(void **state)
{
#define ROW(change, error)                                                     \
	{                                                                      \
#change, change, JZ_ERR_PLUGIN_##error                         \
	}
	static const struct {
		const char *name;
		void (*change)(struct object *o);
		int error;
	} rows[] = {
	    ROW(another_class, FORMAT),
	    ROW(another_order, FORMAT),
	    ROW(another_machine, FORMAT),
	    ROW(a_program, FORMAT),
	    ROW(many_segments, FORMAT),
	    ROW(segments_outside, FORMAT),
	    ROW(no_dynamic, FORMAT),
	    ROW(writable_code, DATA),
	    ROW(writable_constants, DATA),
	    ROW(no_relro, DATA),
	    ROW(broken_page, DATA),
	    ROW(more_zeros, DATA),
	    ROW(wrapping_segment, FORMAT),
	    ROW(long_segment, FORMAT),
	    ROW(segment_over_another, FORMAT),
	    ROW(start_function, START),
	    ROW(text_relocations, DATA),
	    ROW(old_text_relocations, DATA),
	    ROW(endless_dynamic, FORMAT),
	    ROW(dynamic_elsewhere, FORMAT),
	    ROW(strings_elsewhere, FORMAT),
	    ROW(name_outside, FORMAT),
	    ROW(name_without_end, FORMAT),
	    ROW(many_libraries, LINK),
	    ROW(auxiliary_of_a_library, LINK),
	    ROW(filter_of_a_library, LINK),
	    ROW(chosen_symbol, START),
	    ROW(chosen_local_symbol, START),
	    ROW(chosen_symbol_of_old, START),
	    ROW(old_hash_beyond_its_count, FORMAT),
	    ROW(old_hash_without_end, FORMAT),
	    ROW(hash_elsewhere, FORMAT),
	    ROW(hash_without_end, FORMAT),
	    ROW(symbols_elsewhere, FORMAT),
	    ROW(calling_relocation, START),
	    ROW(calling_relocation_of_plt, START),
	    ROW(calling_relocation_of_other_kind, START),
	    ROW(relocations_elsewhere, FORMAT),
	    ROW(relocation_of_no_symbol, FORMAT),
	    ROW(many_relocations_of_plt, FORMAT),
	    ROW(unknown_relocations_of_plt, FORMAT),
	};
#undef ROW

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct object o = object_new();
		int e;

		rows[i].change(&o);
		if ((e = check(&o)) != rows[i].error)
			fail_msg("%s: %s", rows[i].name, jz_error_name(e));
		free(o.bytes);
	}
}

/* Bytes of headers and tables changed one by one; a sanitizer watches. */
static void
test_damage_is_survived(void **state)
{
	struct object o = object_new();
	size_t from[3], len[3];
	unsigned refused = 0, n = 0;

	(void)state;
	from[0] = 0;
	len[0] = o.header->e_phoff + o.header->e_phnum * sizeof(ElfW(Phdr));
	from[1] = segment(&o, PT_DYNAMIC, 0)->p_offset;
	len[1] = segment(&o, PT_DYNAMIC, 0)->p_filesz;
	from[2] = len[0]; /* hash table, symbols, relocations */
	len[2] = segment(&o, PT_LOAD, PF_R)->p_filesz - from[2];
	for (unsigned part = 0; part < 3; part++)
		for (size_t i = 0; i < len[part]; i++)
			for (unsigned bit = 0; bit < 8; bit += 3, n++) {
				uint8_t *byte = &o.bytes[from[part] + i];
				uint8_t good = *byte;

				*byte ^= (uint8_t)(1u << bit);
				refused += check(&o) != 0;
				*byte = good;
			}
	free(o.bytes);
	assert_true(refused > 0 && refused < n);
}

/* A copy of exactly the bytes, so that a sanitizer sees a step too far. */
static void
test_a_cut_object_is_refused(void **state)
{
	struct object o = object_new(), cut = {0};
	size_t needed = segment(&o, PT_LOAD, PF_W)->p_offset +
	    segment(&o, PT_LOAD, PF_W)->p_filesz;

	(void)state;
	for (size_t len = 0; len < needed; len += len < 1024 ? 1 : 61) {
		cut.bytes = malloc(len + 1);
		assert_non_null(cut.bytes);
		memcpy(cut.bytes, o.bytes, len);
		cut.len = len;
		assert_int_equal(check(&cut), JZ_ERR_PLUGIN_FORMAT);
		free(cut.bytes);
	}
	free(o.bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_object_itself_passes),
	    cmocka_unit_test(test_the_old_table_of_symbols_passes),
	    cmocka_unit_test(test_each_changed_object_has_its_error),
	    cmocka_unit_test(test_damage_is_survived),
	    cmocka_unit_test(test_a_cut_object_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
