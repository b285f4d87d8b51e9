/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plug-in in several makes, most of them wrong: the Makefile defines one
 * CASE_name for each file.
 */
#include "../../../applet/runtime/applet.h"

struct nvm {
	struct jz_pin_head head;
	uint32_t value;
};

#if defined(CASE_later)
#define LAYOUT 2
#else
#define LAYOUT 1
#endif

#if defined(CASE_data)
uint32_t jz_case_state = 1;
#elif defined(CASE_bss)
uint32_t jz_case_state;
#elif defined(CASE_tls)
_Thread_local uint32_t jz_case_state;
#elif defined(CASE_link)
uint32_t jz_nobody_has_this(void);
#elif defined(CASE_library)
uint32_t jz_case_library(void);
#elif defined(CASE_start)
void jz_case_start(void);
__attribute__((constructor)) void
jz_case_start(void)
{
}
#elif defined(CASE_stop)
void jz_case_stop(void);
__attribute__((destructor)) void
jz_case_stop(void)
{
}
#elif defined(CASE_ifunc) || defined(CASE_irelative)
#if defined(CASE_irelative)
#define LOCAL static /* the linker leaves no name */
#else
#define LOCAL
#endif
static uint32_t
chosen(void)
{
	return LAYOUT;
}

/* The loader calls it. */
static uint32_t (*choose(void))(void)
{
	return chosen;
}

LOCAL uint32_t jz_case_chosen(void) __attribute__((ifunc("choose")));
#endif

/* What the make is there for is used, so that no compiler drops it. */
static uint32_t
step(void)
{
#if defined(CASE_data) || defined(CASE_bss) || defined(CASE_tls)
	return ++jz_case_state;
#elif defined(CASE_link)
	return jz_nobody_has_this();
#elif defined(CASE_library)
	return jz_case_library();
#elif defined(CASE_ifunc) || defined(CASE_irelative)
	return jz_case_chosen();
#else
	return LAYOUT;
#endif
}

/* 80 10: adds; 80 12: reads. */
static uint16_t
process(struct jz_applet *self, struct jz_apdu *apdu)
{
	const struct nvm *n = self->nvm;

	switch (jz_apdu_header(apdu)) {
	case 0x80100000:
		return jz_runtime_status(
		    jz_write_u32(self, &n->value, n->value + step()));
	case 0x80120000:
		jz_put_u32(&apdu->out, n->value);
		return JZ_SW_OK;
	default:
		return JZ_SW_INS;
	}
}

#if defined(CASE_later)
/* The value counts from 1000 now. */
static int
upgrade(struct jz_applet *self, uint16_t from, struct jz_span old)
{
	const struct nvm *n = self->nvm;
	const struct nvm *o = (const void *)old.data;

	if (from != 1 || old.len < sizeof(*o))
		return JZ_ERR_CARD_VERSION;
	return jz_write_u32(self, &n->value, o->value + 1000);
}
#endif

#if defined(CASE_symbol)
#define jz_applet jz_another_name
#endif

const struct jz_applet_class jz_applet = {
#if defined(CASE_abi)
    .abi = JZ_ABI + 1,
#else
    .abi = JZ_ABI,
#endif
    .layout = LAYOUT,
#if !defined(CASE_name)
    .name = "case",
#endif
#if defined(CASE_short_aid)
    .aid = {4, "\360CAS"},
#elif defined(CASE_long_aid)
    .aid = {17, "\360CASE"},
#elif defined(CASE_other)
    .aid = {6, "\360OTHER"},
#elif defined(CASE_third)
    .aid = {6, "\360THIRD"},
#elif defined(CASE_fourth)
    .aid = {7, "\360FOURTH"},
#elif defined(CASE_fifth)
    .aid = {6, "\360FIFTH"},
#elif defined(CASE_taken)
    .aid = {6, "\360TAKEN"},
#else
    .aid = {5, "\360CASE"},
#endif
#if defined(CASE_small)
    .nvm_bytes = sizeof(struct jz_nvm_head) - 1,
#elif defined(CASE_huge)
    .nvm_bytes = UINT32_MAX,
#else
    .nvm_bytes = sizeof(struct nvm),
#endif
#if defined(CASE_huge_cod)
    .cod_bytes = UINT32_MAX,
#else
    .cod_bytes = 1,
#endif
#if defined(CASE_huge_cor)
    .cor_bytes = UINT32_MAX,
#endif
    .install = jz_pin_install,
#if !defined(CASE_process)
    .process = process,
#endif
#if defined(CASE_later)
    .upgrade = upgrade,
#endif
};
