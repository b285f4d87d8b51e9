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
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../apdu/error.h"
#include "../../support/plugins.h"

#define PAGE ((size_t)sysconf(_SC_PAGESIZE))

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
	o.header = (void *)o.bytes;
	o.segment = (void *)(o.bytes + o.header->e_phoff);
	return o;
}

static int
check(const struct object *o)
{
	struct jz_plugin_needs needs;
	unsigned machine;
	struct object real = object_new();
	int e;

	machine = real.header->e_machine;
	free(real.bytes);
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

/* Bytes of headers and dynamic table changed at random; a sanitizer watches. */
static void
test_damage_is_survived(void **state)
{
	struct object o = object_new();
	size_t from[2], len[2];
	unsigned refused = 0, n = 0;

	(void)state;
	from[0] = 0;
	len[0] = o.header->e_phoff + o.header->e_phnum * sizeof(ElfW(Phdr));
	from[1] = segment(&o, PT_DYNAMIC, 0)->p_offset;
	len[1] = segment(&o, PT_DYNAMIC, 0)->p_filesz;
	free(o.bytes);
	for (unsigned part = 0; part < 2; part++)
		for (size_t i = 0; i < len[part]; i++)
			for (unsigned bit = 0; bit < 8; bit += 3, n++) {
				o = object_new();
				o.bytes[from[part] + i] ^= (uint8_t)(1u << bit);
				refused += check(&o) != 0;
				free(o.bytes);
			}
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
	    cmocka_unit_test(test_each_changed_object_has_its_error),
	    cmocka_unit_test(test_damage_is_survived),
	    cmocka_unit_test(test_a_cut_object_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
