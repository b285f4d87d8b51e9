/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of plugin.syms.  Named here, they are linked in from the
 * library even when the program itself calls none of them.
 */
#include "plugin_api.h"

#include "../../apdu/apdu.h"
#include "../../apdu/bytes.h"
#include "../../apdu/time.h"
#include "../../apdu/tlv.h"
#include "../../keys/secret.h"
#include "../runtime/applet.h"

/* clang-format off */
#define X(name) {#name, (void (*)(void))(name)}
/* clang-format on */

const struct jz_plugin_function jz_plugin_api[] = {
    X(jz_dispatch),
    X(jz_write),
    X(jz_write_u8),
    X(jz_write_u32),
    X(jz_write_u64),
    X(jz_fill),
    X(jz_nvm_take),
    X(jz_write_now),
    X(jz_write_nonatomic),
    X(jz_begin),
    X(jz_commit),
    X(jz_abort),
    X(jz_in_transaction),
    X(jz_commit_capacity_left),
    X(jz_runtime_status),
    X(jz_pin_update),
    X(jz_pin_install),
    X(jz_pin_check),
    X(jz_pin_unblock),
    X(jz_call),
    X(jz_register),
    X(jz_set_state),
    X(jz_selected_elsewhere),
    X(jz_card_engine),
    X(jz_card_now),
    X(jz_card_random),
    X(jz_command_parse),
    X(jz_command_build),
    X(jz_response_parse),
    X(jz_cla_channel),
    X(jz_cla_secure),
    X(jz_cla_on_channel),
    X(jz_take),
    X(jz_take_u8),
    X(jz_take_u16),
    X(jz_take_u32),
    X(jz_take_u64),
    X(jz_take_bytes),
    X(jz_put),
    X(jz_put_u8),
    X(jz_put_u16),
    X(jz_put_u32),
    X(jz_put_u64),
    X(jz_reserve),
    X(jz_get_be),
    X(jz_set_be),
    X(jz_span_equal),
    X(jz_time_to_bcd),
    X(jz_time_from_bcd),
    X(jz_date_from_digits),
    X(jz_date_to_digits),
    X(jz_time_to_text),
    X(jz_tlv_next),
    X(jz_tlv_peek),
    X(jz_tlv_expect),
    X(jz_tlv_expect_bytes),
    X(jz_tlv_expect_uint),
    X(jz_tlv_find),
    X(jz_tlv_check),
    X(jz_tlv_header_size),
    X(jz_tlv_put_header),
    X(jz_tlv_put),
    X(jz_tlv_put_uint),
    X(jz_tlv_open),
    X(jz_tlv_close),
    X(jz_wipe),
    X(jz_equal_secret),
};
const size_t jz_plugin_api_n = sizeof(jz_plugin_api) / sizeof(jz_plugin_api[0]);
