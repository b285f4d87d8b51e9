# SPDX-License-Identifier: Apache-2.0
#
# GNU make.  Everything made goes below $(BUILD), so that variants stand beside
# each other:
#
#	make BUILD=build/asan CFLAGS='-O1 -g -fsanitize=address,undefined' check
#
# CC, CFLAGS, CPPFLAGS, LDFLAGS, LDLIBS, PREFIX and DESTDIR are respected.
# DEV=1 turns warnings into errors.

VERSION = 0.1.0

CC       ?= cc
CFLAGS   ?= -O2 -g
PREFIX   ?= /usr/local
BUILD    ?= build
BINDIR   ?= $(PREFIX)/bin
LIBDIR   ?= $(PREFIX)/lib
INCDIR   ?= $(PREFIX)/include/jiaozi
MANDIR   ?= $(PREFIX)/share/man
UNITDIR  ?= $(PREFIX)/lib/systemd/system
JOBS     ?= $(shell nproc 2>/dev/null || echo 1)

PKG_CONFIG ?= pkg-config
INSTALL    ?= install

# ---- sources, by layer -----------------------------------------------------

APDU_SRC = apdu/apdu.c apdu/atr.c apdu/bytes.c apdu/error.c apdu/esign.c \
	apdu/message.c apdu/status.c apdu/time.c apdu/tlv.c
KEYS_SRC = keys/certificate.c keys/dukpt.c keys/esign.c keys/online.c \
	keys/revocation.c \
	keys/scp03.c keys/secret.c keys/signed.c
OPENSSL_SRC = keys/openssl/aead.c keys/openssl/aes.c keys/openssl/curve.c \
	keys/openssl/generator.c keys/openssl/kdf.c keys/openssl/keycache.c \
	keys/openssl/openssl.c keys/openssl/signature.c \
	keys/openssl/symmetric.c keys/openssl/verified.c
STORE_SRC = keys/store/audit.c keys/store/chain.c keys/store/convert.c \
	keys/store/cvc_view.c keys/store/der.c keys/store/file.c \
	keys/store/keyfile.c keys/store/master.c keys/store/pki.c \
	keys/store/roll.c keys/store/seed.c keys/store/source.c \
	keys/store/token.c keys/store/token_engine.c \
	keys/store/token_provider.c keys/store/token_uri.c \
	keys/store/x509.c keys/store/x509_crl.c keys/store/x509_read.c \
	keys/store/x509_verify.c
RUNTIME_SRC = applet/runtime/admin.c applet/runtime/alone.c \
	applet/runtime/answer.c \
	applet/runtime/card.c applet/runtime/channel.c \
	applet/runtime/context.c applet/runtime/dispatch.c \
	applet/runtime/install.c applet/runtime/log.c applet/runtime/memory.c \
	applet/runtime/personal.c applet/runtime/pin.c applet/runtime/random.c \
	applet/runtime/registry.c applet/runtime/replay.c \
	applet/runtime/rewrite.c applet/runtime/select.c \
	applet/runtime/service.c applet/runtime/snapshot.c \
	applet/runtime/text.c applet/runtime/transaction.c applet/runtime/write.c
MANAGER_SRC = applet/manager/channel.c applet/manager/content.c \
	applet/manager/data.c applet/manager/keys.c applet/manager/manager.c \
	applet/manager/status.c applet/manager/store.c
PURSE_SRC = applet/purse/chain.c applet/purse/confirm.c applet/purse/hello.c \
	applet/purse/info.c applet/purse/known.c applet/purse/limits.c \
	applet/purse/load.c applet/purse/pair.c applet/purse/payee.c \
	applet/purse/payer.c applet/purse/peer.c applet/purse/personalise.c \
	applet/purse/purse.c applet/purse/record.c applet/purse/revocation.c \
	applet/purse/sealed.c applet/purse/settle.c applet/purse/unfinished.c \
	applet/purse/unload.c
ESIGN_SRC = applet/esign/esign.c applet/esign/lines.c \
	applet/esign/password.c applet/esign/personalise.c applet/esign/sign.c \
	applet/esign/user.c
VIRTUAL_SRC = applet/virtual/fault.c applet/virtual/file.c \
	applet/virtual/guard.c applet/virtual/memory.c applet/virtual/panel.c \
	applet/virtual/plugin.c \
	applet/virtual/plugin_api.c applet/virtual/plugin_elf.c \
	applet/virtual/plugs.c
READER_SRC = reader/pcsc.c reader/reader.c reader/serve.c \
	reader/trace.c reader/virtual.c reader/virtual_panel.c \
	reader/virtual_pool.c \
	reader/virtual_plug.c reader/virtual_reader.c \
	reader/virtual_snapshot.c reader/virtual_store.c
HOST_SRC = host/bank.c host/card.c host/gp.c host/gp_content.c host/gp_list.c \
	host/https.c host/https_bank.c host/known.c host/load.c host/pay.c \
	host/personalise.c \
	host/purse.c host/recover.c host/recover_alone.c host/replace.c \
	host/settle.c host/sign.c host/transfer.c host/unfinished.c \
	host/unload.c host/wire.c
ISSUER_SRC = host/issuer/account.c host/issuer/ahead.c host/issuer/audit.c \
	host/issuer/batch.c host/issuer/batches.c host/issuer/books.c \
	host/issuer/card.c host/issuer/decision.c host/issuer/dialect.c \
	host/issuer/esign.c host/issuer/esign_bank.c host/issuer/esign_group.c \
	host/issuer/esign_json.c host/issuer/esign_many.c \
	host/issuer/esign_store.c host/issuer/evidence.c \
	host/issuer/exception.c host/issuer/incident.c host/issuer/issuer.c \
	host/issuer/keys.c host/issuer/ledger.c host/issuer/load.c \
	host/issuer/load_cancel.c host/issuer/loss.c host/issuer/many.c \
	host/issuer/operator.c host/issuer/password.c host/issuer/proposal.c \
	host/issuer/refusal.c host/issuer/replace.c host/issuer/restore.c \
	host/issuer/revocation.c host/issuer/schema.c host/issuer/sealed.c \
	host/issuer/serve/desk.c host/issuer/serve/gate.c \
	host/issuer/serve/handle.c host/issuer/serve/meter.c \
	host/issuer/serve/owner.c host/issuer/serve/serve.c \
	host/issuer/settle.c host/issuer/sql.c host/issuer/sql_postgres.c \
	host/issuer/sql_sqlite.c host/issuer/statement.c host/issuer/store.c \
	host/issuer/store_control.c host/issuer/store_evidence.c \
	host/issuer/store_revocation.c host/issuer/store_settle.c \
	host/issuer/token.c host/issuer/unload.c host/issuer/x509.c
BUREAU_SRC = host/bureau/job.c host/bureau/journal.c host/bureau/mailer.c \
	host/bureau/order.c host/bureau/readers.c host/bureau/report.c \
	host/bureau/run.c
CLI_SRC = host/cli/account_cmd.c host/cli/apps_cmd.c host/cli/bank.c \
	host/cli/batch_cmd.c host/cli/card_cmd.c host/cli/certificate_cmd.c \
	host/cli/certify_cmd.c host/cli/certs.c host/cli/commands_card.c \
	host/cli/commands_certificate.c host/cli/commands_control.c \
	host/cli/commands_issuer.c host/cli/commands_keys.c \
	host/cli/commands_manage.c host/cli/commands_other.c \
	host/cli/commands_pay.c host/cli/control_cmd.c host/cli/crl_cmd.c \
	host/cli/data_cmd.c host/cli/exit.c host/cli/explain_cmd.c \
	host/cli/far_cmd.c host/cli/files.c host/cli/gp_open.c host/cli/help.c \
	host/cli/issuer_cmd.c host/cli/issuer_keys_cmd.c \
	host/cli/issuer_serve_cmd.c host/cli/keys_cmd.c host/cli/load_cmd.c \
	host/cli/manage_cmd.c host/cli/message_cmd.c host/cli/money.c \
	host/cli/open.c host/cli/options.c host/cli/order.c host/cli/output.c \
	host/cli/pay_cmd.c host/cli/plug_cmd.c host/cli/qr.c \
	host/cli/reader_cmd.c host/cli/records_cmd.c host/cli/recover_cmd.c \
	host/cli/replace_cmd.c host/cli/revocation_cmd.c host/cli/screen.c \
	host/cli/seed_cmd.c host/cli/serve_cmd.c host/cli/sign_cmd.c \
	host/cli/statement_cmd.c host/cli/statement_html.c \
	host/cli/transfer_cmd.c host/cli/unload_cmd.c
MAIN_SRC = host/cli/main.c

# Freestanding: no operating system, no allocation.
PORTABLE_SRC = $(APDU_SRC) $(KEYS_SRC) $(RUNTIME_SRC) $(MANAGER_SRC) \
	$(PURSE_SRC) $(ESIGN_SRC)

SUPPORT_SRC = test/sim/channel.c test/sim/money.c test/sim/note.c \
	test/sim/set.c test/sim/step.c test/sim/ways.c test/sim/world.c \
	test/support/bank.c test/support/cardrig.c test/support/conform.c \
	test/support/contact.c test/support/daemon.c test/support/desk.c \
	test/support/esignrig.c test/support/fakecard.c test/support/forge.c \
	test/support/gpcard.c test/support/gpclient.c test/support/hand.c \
	test/support/heap.c test/support/issuerrig.c test/support/loading.c \
	test/support/managed.c test/support/memo.c test/support/page.c \
	test/support/payment.c test/support/pcscd.c test/support/plugins.c \
	test/support/port.c test/support/probe.c test/support/refusals.c \
	test/support/rigpostgres.c test/support/script.c test/support/seeds.c \
	test/support/session.c test/support/signer.c test/support/story.c \
	test/support/temp.c test/support/tornrig.c

BENCH_SRC = test/bench/batch.c test/bench/bench.c test/bench/card.c \
	test/bench/channel.c test/bench/commit.c test/bench/constant.c \
	test/bench/daemon.c test/bench/daemons.c test/bench/keys.c \
	test/bench/loads.c \
	test/bench/main.c test/bench/many.c \
	test/bench/pay.c test/bench/pcsc.c test/bench/report.c \
	test/bench/rows.c test/bench/settle.c test/bench/sign.c \
	test/bench/submit.c test/bench/traffic.c test/bench/world.c

CHAOS_SRC = test/chaos/chaos.c test/chaos/proxy.c test/chaos/repeater.c \
	test/chaos/stage.c

# ---- tests, by layer: each is linked with its layer and those below --------

APDU_TESTS = test/apdu/test_apdu test/apdu/test_atr \
	test/apdu/test_bytes test/apdu/test_error test/apdu/test_message \
	test/apdu/test_message_strict test/apdu/test_status \
	test/apdu/test_time test/apdu/test_tlv
KEYS_TESTS = test/keys/test_certificate test/keys/test_chain \
	test/keys/test_certificate_form test/keys/test_curve \
	test/keys/test_dukpt test/keys/test_gm test/keys/test_keyfile \
	test/keys/test_openssl \
	test/keys/test_openssl_memory test/keys/test_pki \
	test/keys/test_revocation test/keys/test_roll test/keys/test_scp03 \
	test/keys/test_sealed test/keys/test_secret test/keys/test_seed \
	test/keys/test_signed test/keys/test_source test/keys/test_token \
	test/keys/test_verified test/keys/test_wycheproof test/keys/test_x509 \
	test/keys/test_x963
APPLET_TESTS = test/applet/esign/test_personalise test/applet/esign/test_sign \
	test/applet/esign/test_user test/applet/manager/test_channel \
	test/applet/manager/test_content test/applet/manager/test_data \
	test/applet/manager/test_failing test/applet/manager/test_keys \
	test/applet/manager/test_lifecycle test/applet/manager/test_power \
	test/applet/manager/test_secrets test/applet/manager/test_status \
	test/applet/manager/test_store test/applet/manager/test_traces \
	test/applet/purse/test_cardholder test/applet/purse/test_chain \
	test/applet/purse/test_confirm test/applet/purse/test_confirm_pay \
	test/applet/purse/test_flips \
	test/applet/purse/test_hardening test/applet/purse/test_info \
	test/applet/purse/test_limits test/applet/purse/test_load \
	test/applet/purse/test_objects test/applet/purse/test_pair \
	test/applet/purse/test_payment test/applet/purse/test_permission \
	test/applet/purse/test_personalise test/applet/purse/test_recall \
	test/applet/purse/test_refund test/applet/purse/test_refusals_payee \
	test/applet/purse/test_refusals_payer \
	test/applet/purse/test_revocation test/applet/purse/test_sealed \
	test/applet/purse/test_settle test/applet/purse/test_suites \
	test/applet/purse/test_unfinished test/applet/purse/test_unload \
	test/applet/runtime/test_abort test/applet/runtime/test_admin \
	test/applet/runtime/test_alone test/applet/runtime/test_answer \
	test/applet/runtime/test_answer_t0 test/applet/runtime/test_card \
	test/applet/runtime/test_channel \
	test/applet/runtime/test_channel_memory \
	test/applet/runtime/test_channel_model test/applet/runtime/test_delete \
	test/applet/runtime/test_dispatch test/applet/runtime/test_firewall \
	test/applet/runtime/test_health test/applet/runtime/test_install \
	test/applet/runtime/test_lifecycle test/applet/runtime/test_log \
	test/applet/runtime/test_log_damage \
	test/applet/runtime/test_log_failure \
	test/applet/runtime/test_log_power test/applet/runtime/test_memory \
	test/applet/runtime/test_nonatomic test/applet/runtime/test_nonce \
	test/applet/runtime/test_pin test/applet/runtime/test_plug \
	test/applet/runtime/test_random test/applet/runtime/test_register \
	test/applet/runtime/test_registry test/applet/runtime/test_replay \
	test/applet/runtime/test_select test/applet/runtime/test_service \
	test/applet/runtime/test_snapshot test/applet/runtime/test_statistics \
	test/applet/runtime/test_strict test/applet/runtime/test_text \
	test/applet/runtime/test_transaction test/applet/runtime/test_upgrade \
	test/applet/virtual/test_fault test/applet/virtual/test_file \
	test/applet/virtual/test_memory test/applet/virtual/test_plugin \
	test/applet/virtual/test_plugin_elf test/applet/virtual/test_plugs \
	test/docs/test_esign_protocol test/docs/test_globalplatform \
	test/docs/test_protocol test/fuzz/test_certificate_seeds \
	test/fuzz/test_manager_seeds test/fuzz/test_seeds \
	test/tear/test_matrix test/tear/test_sealed test/tear/test_tear
READER_TESTS = test/conformance/test_confirm test/conformance/test_encrypted \
	test/conformance/test_key \
	test/conformance/test_known test/conformance/test_load \
	test/conformance/test_payment test/conformance/test_records \
	test/conformance/test_robust test/conformance/test_settlement \
	test/conformance/test_unload test/pcsc/test_pcsc test/reader/test_kept \
	test/reader/test_many test/reader/test_plug test/reader/test_reader \
	test/reader/test_screen test/reader/test_seeded test/reader/test_serve \
	test/reader/test_store test/reader/test_suite test/reader/test_trace \
	test/reader/test_virtual
HOST_TESTS = test/conformance/test_esign test/conformance/test_sealed \
	test/conformance/test_transfer test/host/bureau/test_mailer \
	test/host/bureau/test_order test/host/bureau/test_run \
	test/host/issuer/serve/test_desk test/host/issuer/serve/test_gate \
	test/host/issuer/serve/test_handle test/host/issuer/serve/test_serve \
	test/host/issuer/test_account test/host/issuer/test_audit \
	test/host/issuer/test_batches test/host/issuer/test_books \
	test/host/issuer/test_cancel test/host/issuer/test_create \
	test/host/issuer/test_decision test/host/issuer/test_dialect \
	test/host/issuer/test_esign test/host/issuer/test_esign_bank \
	test/host/issuer/test_esign_many test/host/issuer/test_esign_modes \
	test/host/issuer/test_evidence test/host/issuer/test_exception \
	test/host/issuer/test_incident test/host/issuer/test_load \
	test/host/issuer/test_many test/host/issuer/test_password \
	test/host/issuer/test_refusal test/host/issuer/test_restore \
	test/host/issuer/test_revocation test/host/issuer/test_settle \
	test/host/issuer/test_statement test/host/issuer/test_store \
	test/host/issuer/test_unload test/host/issuer/test_x509 \
	test/host/test_cancel test/host/test_card test/host/test_certificates \
	test/host/test_confirm test/host/test_daemons test/host/test_gp \
	test/host/test_gp_content test/host/test_https test/host/test_pay \
	test/host/test_personalise test/host/test_purse test/host/test_recover \
	test/host/test_recover_killed test/host/test_replace \
	test/host/test_resume test/host/test_roll test/host/test_settle_cut \
	test/host/test_sign test/host/test_story test/host/test_unload \
	test/sim/test_every test/sim/test_forgery test/sim/test_random \
	test/tear/test_kill
CLI_TESTS = test/cli/test_money

# Run once more on suite gm, as NAME-gm.
GM_TESTS = test/applet/esign/test_personalise test/applet/esign/test_sign \
	test/applet/esign/test_user test/applet/manager/test_data \
	test/applet/manager/test_keys test/applet/manager/test_store \
	test/applet/manager/test_traces test/applet/purse/test_flips \
	test/applet/purse/test_hardening test/applet/purse/test_info \
	test/applet/purse/test_limits test/applet/purse/test_load \
	test/applet/purse/test_objects test/applet/purse/test_payment \
	test/applet/purse/test_permission test/applet/purse/test_personalise \
	test/applet/purse/test_recall test/applet/purse/test_refund \
	test/applet/purse/test_refusals_payee \
	test/applet/purse/test_refusals_payer test/applet/purse/test_sealed \
	test/applet/purse/test_settle test/applet/purse/test_unload \
	test/applet/runtime/test_log test/applet/runtime/test_log_damage \
	test/applet/runtime/test_log_failure \
	test/applet/runtime/test_log_power test/applet/runtime/test_nonce \
	test/applet/runtime/test_random test/applet/runtime/test_replay \
	test/applet/runtime/test_snapshot test/conformance/test_encrypted \
	test/conformance/test_esign test/conformance/test_known \
	test/conformance/test_load test/conformance/test_payment \
	test/conformance/test_records test/conformance/test_robust \
	test/conformance/test_settlement test/host/issuer/test_decision \
	test/host/issuer/test_esign test/host/issuer/test_esign_many \
	test/host/issuer/test_esign_modes \
	test/host/issuer/test_evidence test/host/issuer/test_incident \
	test/host/issuer/test_settle test/host/issuer/test_statement \
	test/host/test_sign test/host/test_story test/sim/test_every \
	test/sim/test_forgery test/sim/test_random

# Scripts, with JIAOZI, the program, and BUILD in the environment, and the
# helpers' folder as their argument.
SCRIPT_TESTS = test/chaos/chaos.sh test/cli/batch.sh test/cli/books.sh \
	test/cli/cli.sh test/cli/daemon.sh test/cli/evidence.sh \
	test/cli/far.sh test/cli/keys.sh test/cli/online.sh test/cli/qr.sh \
	test/cli/screen.sh test/cli/token.sh test/conformance/t0.sh \
	test/conformance/units.sh test/demo/test_demo.sh test/docs/applet.sh \
	test/docs/claims.sh test/docs/man.sh test/docs/modules.sh \
	test/docs/readme.sh test/gp/foreign.sh test/gp/judge.sh \
	test/host/issuer/postgres.sh test/pcsc/batch.sh test/pcsc/foreign.sh \
	test/pcsc/sign.sh test/pcsc/t0.sh test/secrets/canary.sh \
	test/secrets/suite.sh test/secrets/unprintable.sh test/sim/traces.sh

# Programs that tests run.
HELPERS = test/chaos/chaos test/find-secrets test/serve-card \
	test/show-keys test/weak-jiaozi \
	test/weak-show-keys test/with-pcscd

# Plug-ins that tests load: makes of test/applet/virtual/plugin_case.c.
PLUGINS = good libc later other third fourth fifth taken data bss tls start stop crt lazy norelro \
	stack link library symbol abi name process short_aid long_aid small \
	huge huge_cor huge_cod ifunc irelative auxiliary filter

# test/fuzz/fuzz_NAME.c, whose seeds are test/fuzz/seeds/NAME.
FUZZ = certificate esign http json manager session tlv

# ---- what is installed -----------------------------------------------------

HEADERS = apdu/apdu.h apdu/atr.h apdu/bytes.h apdu/currency.h apdu/error.h \
	apdu/esign.h apdu/gp.h apdu/message.h apdu/purse.h apdu/status.h \
	apdu/time.h apdu/tlv.h applet/purse/purse.h applet/runtime/alone.h \
	applet/runtime/applet.h applet/runtime/card.h applet/runtime/chip.h \
	applet/runtime/journal.h applet/runtime/log.h applet/runtime/text.h \
	applet/virtual/panel.h applet/virtual/storage.h host/bank.h \
	host/bureau/bureau.h host/card.h host/gp.h host/issuer/control.h \
	host/issuer/esign.h host/issuer/issuer.h host/issuer/statement.h \
	host/pay.h host/purse.h host/sign.h keys/certificate.h keys/crypto.h \
	keys/dukpt.h keys/esign.h keys/online.h keys/openssl/aes.h \
	keys/openssl/openssl.h keys/revocation.h keys/scp03.h keys/secret.h \
	keys/signed.h keys/store/chain.h keys/store/cvc_view.h \
	keys/store/file.h keys/store/keyfile.h keys/store/master.h \
	keys/store/pki.h keys/store/seed.h keys/store/x509.h reader/reader.h \
	reader/virtual.h
MAN1 = docs/jiaozi-sign.1
UNIT = host/issuer/serve/jiaozi-issuer@.service

# ---- flags -----------------------------------------------------------------

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wundef -Wvla -Wcast-qual -Wwrite-strings -Wformat=2 \
	-Wnull-dereference $(if $(DEV),-Werror)

# Fortification needs the optimiser, and hides errors from the sanitizers.
FORTIFY = $(if $(findstring -fsanitize,$(CFLAGS)),,$(if \
	$(filter -O1 -O2 -O3 -Os,$(CFLAGS)),-U_FORTIFY_SOURCE \
	-D_FORTIFY_SOURCE=2))

PACKAGES = libcrypto sqlite3 popt jansson libpcsclite libmicrohttpd gnutls \
	libcurl libpq zbar libqrencode libpng

# Asked once, when the first recipe needs it: before set-up there may be no
# pkg-config.
packages_exist = $(if $(shell $(PKG_CONFIG) --exists $(PACKAGES) && echo yes),,\
	$(error libraries are missing ($(PACKAGES)): run .ci/setup build))
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(packages_exist)$$(shell \
	$(PKG_CONFIG) --cflags $(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $$(packages_exist)$$(shell \
	$(PKG_CONFIG) --libs $(PACKAGES)))$(PKG_LIBS)

COMPILE = $(CC) -std=c17 $(WARNINGS) -fstack-protector-strong $(FORTIFY) \
	-DJZ_VERSION='"$(VERSION)"' $(CPPFLAGS) $(CFLAGS)
# What plug-ins call of the program.
EXPORTS = applet/virtual/plugin.syms
LINK = $(CC) $(CFLAGS) -Wl,-z,relro,-z,now -Wl,--dynamic-list=$(EXPORTS) \
	$(LDFLAGS)

# V=1 shows the commands, make -s nothing.
Q = $(if $(V),,@)
SILENT = $(findstring s,$(firstword -$(MAKEFLAGS)))
SHOW = $(if $(V)$(SILENT),,@echo "  $(1) $@")

# ---- building --------------------------------------------------------------

CARD_SRC = $(PORTABLE_SRC) $(OPENSSL_SRC) $(STORE_SRC) $(VIRTUAL_SRC)
TERMINAL_SRC = $(READER_SRC) $(HOST_SRC) $(ISSUER_SRC) $(BUREAU_SRC)
FUZZ_SRC = $(FUZZ:%=test/fuzz/fuzz_%.c) test/fuzz/replay.c
TESTS = $(APDU_TESTS) $(KEYS_TESTS) $(APPLET_TESTS) $(READER_TESTS) \
	$(HOST_TESTS) $(CLI_TESTS)
ALL_SRC = $(CARD_SRC) $(TERMINAL_SRC) $(CLI_SRC) $(MAIN_SRC) $(SUPPORT_SRC) \
	$(TESTS:%=%.c) $(FUZZ_SRC) $(BENCH_SRC) $(CHAOS_SRC) \
	test/bench/million.c test/pcsc/serve_card.c test/pcsc/with_pcscd.c \
	test/secrets/end_in_core.c test/secrets/find.c \
	test/secrets/show_keys.c docs/counter.c docs/recharge.c \
	test/applet/virtual/plugin_case.c test/applet/virtual/plugin_library.c

objects = $(patsubst %.c,$(BUILD)/%.o,$(1))
# The archives of these layers, highest first: the order that ld needs.
layers = $(patsubst %,$(BUILD)/lib/%.a,$(1))

BY_APDU = $(call layers,support apdu)
BY_KEYS = $(call layers,support keys apdu)
BY_APPLET = $(call layers,support applet keys apdu)
BY_READER = $(call layers,support reader applet keys apdu)
BY_HOST = $(call layers,support host reader applet keys apdu)
BY_CLI = $(call layers,support cli host reader applet keys apdu)

PROGRAM = $(BUILD)/jiaozi
CARD_LIB = $(BUILD)/libjiaozi-card.a
TERMINAL_LIB = $(BUILD)/libjiaozi.a

.PHONY: all helpers tests check check-built setup setup-ci bench bench-million \
	canary chaos demo install uninstall dist cover lint fuzz model \
	model-full sim sim-long tear trace clean FORCE
.DELETE_ON_ERROR:
.SUFFIXES:

all: $(CARD_LIB) $(TERMINAL_LIB) $(PROGRAM)

# Objects are made anew when compiler or flags change.
$(BUILD)/.flags: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(COMPILE))' | cmp -s - $@ || \
		echo '$(subst ','\'',$(COMPILE))' >$@

$(BUILD)/%.o: %.c $(BUILD)/.flags
	@mkdir -p $(@D)
	$(call SHOW,CC)
	$(Q)$(COMPILE) $(EXTRA) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

# cmocka's assertions do not tell gcc that they do not return.
$(BUILD)/test/%.o: EXTRA = -Wno-null-dereference

# ar adds: without rm an archive would keep what has left the list.
define ARCHIVE
@mkdir -p $(@D)
$(call SHOW,AR)
$(Q)rm -f $@ && ar rcsD $@ $(filter %.o,$^)
endef

$(CARD_LIB): $(call objects,$(CARD_SRC))
	$(ARCHIVE)
$(TERMINAL_LIB): $(call objects,$(TERMINAL_SRC))
	$(ARCHIVE)
$(BUILD)/lib/apdu.a: $(call objects,$(APDU_SRC))
	$(ARCHIVE)
$(BUILD)/lib/keys.a: $(call objects,$(KEYS_SRC) $(OPENSSL_SRC) $(STORE_SRC))
	$(ARCHIVE)
$(BUILD)/lib/applet.a: $(call objects,$(RUNTIME_SRC) $(MANAGER_SRC) \
	$(PURSE_SRC) $(ESIGN_SRC) $(VIRTUAL_SRC))
	$(ARCHIVE)
$(BUILD)/lib/reader.a: $(call objects,$(READER_SRC))
	$(ARCHIVE)
$(BUILD)/lib/host.a: $(call objects,$(HOST_SRC) $(ISSUER_SRC) $(BUREAU_SRC))
	$(ARCHIVE)
$(BUILD)/lib/cli.a: $(call objects,$(CLI_SRC))
	$(ARCHIVE)
$(BUILD)/lib/support.a: $(call objects,$(SUPPORT_SRC))
	$(ARCHIVE)

$(PROGRAM): $(call objects,$(MAIN_SRC) $(CLI_SRC)) $(TERMINAL_LIB) $(CARD_LIB)
	$(call SHOW,LD)
	$(Q)$(LINK) -o $@ $^ $(PKG_LIBS) $(LDLIBS)

# ---- tests -----------------------------------------------------------------

define LINK_TEST
$(call SHOW,LD)
$(Q)$(LINK) -pthread -o $@ $(filter %.o,$^) $(filter-out %.o,$^) \
	-Wl,--as-needed -lcmocka $(PKG_LIBS) $(LDLIBS)
endef

$(APDU_TESTS:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/%.o $(BY_APDU)
	$(LINK_TEST)
# Key files of the tests cost no time: scrypt is weak but for those who judge it.
SCRYPT_TESTS = test/keys/test_keyfile test/host/bureau/test_mailer \
	test/host/issuer/test_password
WEAK = $(patsubst %,$(BUILD)/weak/%.o,keys/store/keyfile host/bureau/mailer \
	host/issuer/password)
$(KEYS_TESTS:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/%.o $(BY_KEYS)
	$(LINK_TEST)
$(patsubst %,$(BUILD)/%,$(filter-out $(SCRYPT_TESTS),$(KEYS_TESTS))): \
	$(BUILD)/weak/keys/store/keyfile.o
$(patsubst %,$(BUILD)/%,$(filter-out $(SCRYPT_TESTS),$(HOST_TESTS))): $(WEAK)
$(APPLET_TESTS:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/%.o $(BY_APPLET)
	$(LINK_TEST)
$(READER_TESTS:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/%.o $(BY_READER)
	$(LINK_TEST)
$(HOST_TESTS:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/%.o $(BY_HOST)
	$(LINK_TEST)
$(CLI_TESTS:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/%.o $(BY_CLI)
	$(LINK_TEST)
# A handshake with a token's key.
$(BUILD)/test/keys/test_token: LDLIBS += -lssl
$(BUILD)/test/serve-card: $(BUILD)/test/pcsc/serve_card.o $(BY_READER)
	$(LINK_TEST)
# The command as it is, but that scrypt takes no time.
$(BUILD)/weak/%.o: %.c $(BUILD)/.flags
	@mkdir -p $(@D)
	$(call SHOW,CC)
	$(Q)$(COMPILE) -DJZ_WEAK_SCRYPT_N_LOG2=10 $(PKG_CFLAGS) -MMD -MP -c \
		-o $@ $<
WEAK_PROGRAM = $(BUILD)/test/weak-jiaozi

$(WEAK_PROGRAM): $(WEAK) $(call objects,$(MAIN_SRC) $(CLI_SRC)) \
	$(TERMINAL_LIB) $(CARD_LIB)
	$(call SHOW,LD)
	$(Q)$(LINK) -o $@ $^ $(PKG_LIBS) $(LDLIBS)
$(BUILD)/test/show-keys: $(BUILD)/test/secrets/show_keys.o $(BY_HOST)
	$(LINK_TEST)
$(BUILD)/test/chaos/chaos: $(WEAK) $(call objects,$(CHAOS_SRC)) $(BY_HOST)
	$(LINK_TEST)
$(BUILD)/test/weak-show-keys: $(WEAK) $(BUILD)/test/secrets/show_keys.o \
	$(BY_HOST)
	$(LINK_TEST)
$(BUILD)/test/find-secrets: $(BUILD)/test/secrets/find.o
	$(call SHOW,LD)
	$(Q)$(LINK) -o $@ $^
$(BUILD)/test/with-pcscd: $(BUILD)/test/pcsc/with_pcscd.o $(BY_READER)
	$(LINK_TEST)
$(FUZZ:%=$(BUILD)/test/fuzz/replay_%): $(BUILD)/test/fuzz/replay_%: \
	$(BUILD)/test/fuzz/fuzz_%.o $(BUILD)/test/fuzz/replay.o $(BY_CLI)
	$(LINK_TEST)
# With libFuzzer's main: .ci/fuzz gives the flags.
$(FUZZ:%=$(BUILD)/test/fuzz/fuzz_%): $(BUILD)/test/fuzz/fuzz_%: \
	$(BUILD)/test/fuzz/fuzz_%.o $(BY_CLI)
	$(LINK_TEST)

# As docs/applet.md says, whatever the program itself is built with.
PLUGIN_LINK = -nostartfiles -Wl,-z,relro,-z,now
PLUGIN_CC = $(CC) $(filter -m%,$(CFLAGS)) -std=c17 -shared -fPIC -O2

$(PLUGINS:%=$(BUILD)/test/plugin/%.so): $(BUILD)/test/plugin/%.so: \
	test/applet/virtual/plugin_case.c applet/runtime/applet.h Makefile
	@mkdir -p $(@D)
	$(call SHOW,LD)
	$(Q)$(PLUGIN_CC) $(PLUGIN_LINK) -DCASE_$* -o $@ $< $(PLUGIN_LIBRARY)
PLUGIN_TESTS = test/applet/virtual/test_plugin \
	test/applet/virtual/test_plugin_elf test/applet/virtual/test_plugs \
	test/reader/test_plug
$(PLUGIN_TESTS:%=$(BUILD)/%): | $(PLUGINS:%=$(BUILD)/test/plugin/%.so)
# Those that are linked in another way than they should.
$(BUILD)/test/plugin/crt.so: PLUGIN_LINK = -Wl,-z,relro,-z,now
$(BUILD)/test/plugin/lazy.so: PLUGIN_LINK = -nostartfiles -Wl,-z,relro,-z,lazy
$(BUILD)/test/plugin/norelro.so: PLUGIN_LINK = -nostartfiles \
	-Wl,-z,norelro,-z,now
$(BUILD)/test/plugin/stack.so: PLUGIN_LINK += -Wl,-z,execstack
$(BUILD)/test/plugin/libc.so: PLUGIN_LIBRARY = -Wl,--no-as-needed -lc
$(BUILD)/test/plugin/library.so: $(BUILD)/test/plugin/libcase.so
# The loader would find it.
$(BUILD)/test/plugin/library.so: PLUGIN_LIBRARY = \
	$(BUILD)/test/plugin/libcase.so \
	-Wl,-rpath,$(abspath $(BUILD)/test/plugin)
$(BUILD)/test/plugin/auxiliary.so $(BUILD)/test/plugin/filter.so: \
	$(BUILD)/test/plugin/libcase.so
$(BUILD)/test/plugin/auxiliary.so: PLUGIN_LIBRARY = -Wl,-f,libcase.so \
	-Wl,-rpath,$(abspath $(BUILD)/test/plugin)
$(BUILD)/test/plugin/filter.so: PLUGIN_LIBRARY = -Wl,-F,libcase.so \
	-Wl,-rpath,$(abspath $(BUILD)/test/plugin)
$(BUILD)/test/plugin/libcase.so: test/applet/virtual/plugin_library.c
	@mkdir -p $(@D)
	$(Q)$(PLUGIN_CC) -Wl,-soname,libcase.so -o $@ $<

# What test/secrets/canary.sh preloads.
$(BUILD)/test/end-in-core.so: test/secrets/end_in_core.c
	@mkdir -p $(@D)
	$(call SHOW,LD)
	$(Q)$(CC) $(filter -m%,$(CFLAGS)) -std=c17 -shared -fPIC -O2 \
		-Wl,-z,now -o $@ $<

TEST_PROGRAMS = $(BUILD)/test/end-in-core.so $(TESTS:%=$(BUILD)/%) \
	$(HELPERS:%=$(BUILD)/%) $(FUZZ:%=$(BUILD)/test/fuzz/replay_%) \
	$(PLUGINS:%=$(BUILD)/test/plugin/%.so)

tests: all $(TEST_PROGRAMS)

# What the scripts run, without the programs that are tests.
helpers: all $(HELPERS:%=$(BUILD)/%) $(BUILD)/test/end-in-core.so

# What test/run.sh runs: a name and a command in each line.
# Scripts first: they take longest.  They run the command with the weak scrypt,
# as the programs that they and we link, but for those who show the real one.
REAL = env JIAOZI=$(abspath $(PROGRAM))
REAL_SCRIPTS = test/cli/keys.sh test/demo/test_demo.sh test/docs/applet.sh \
	test/docs/readme.sh test/secrets/canary.sh test/secrets/suite.sh
$(BUILD)/tests.list: FORCE
	@mkdir -p $(@D)
	@{ $(foreach t,$(SCRIPT_TESTS),echo '$(t) \
		$(if $(filter $(t),$(REAL_SCRIPTS)),$(REAL) )$(t) $(BUILD)/test';) \
	   $(foreach t,$(TESTS),echo '$(t) $(BUILD)/$(t)';) \
	   $(foreach t,$(GM_TESTS),echo '$(t)-gm' \
		'env JIAOZI_TEST_SUITE=gm $(BUILD)/$(t)';) \
	   $(foreach r,virtual pcsc,echo 'test/demo/demo.sh-$(r)' \
		'$(REAL) READERS=$(r) test/demo/demo.sh'; \
		echo 'test/demo/demo.sh-$(r)-t0' \
		'$(REAL) READERS=$(r) PROTOCOL=T=0 test/demo/demo.sh';) \
	   echo 'test/demo/demo.sh-gm' '$(REAL) SUITE=gm test/demo/demo.sh'; \
	   echo 'test/gp/foreign.sh-gm' \
		'env SUITE=gm test/gp/foreign.sh $(BUILD)/test'; \
	   $(foreach f,$(FUZZ),echo 'test/fuzz/seeds/$(f)' \
		'$(BUILD)/test/fuzz/replay_$(f) test/fuzz/seeds/$(f)';) \
	} >$@

setup:
	@.ci/setup check

# The number of jobs is ours only where make was not told one.
SUBMAKE = $(MAKE) --no-print-directory \
	$(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))

check: setup
	@$(SUBMAKE) check-built

check-built: tests $(BUILD)/tests.list
	@JIAOZI='$(abspath $(WEAK_PROGRAM))' \
		BUILD='$(abspath $(BUILD))' \
		JOBS='$(JOBS)' test/run.sh $(BUILD)/tests.list $(BUILD)/test-log

# ---- the rest --------------------------------------------------------------

# READERS=pcsc shows it through a PC/SC daemon, SUITE=gm with SM2, SM3, SM4.
demo: setup
	@$(SUBMAKE) all $(HELPERS:%=$(BUILD)/%)
	@JIAOZI='$(abspath $(PROGRAM))' BUILD='$(abspath $(BUILD))' \
		test/demo/demo.sh

BENCH = $(BUILD)/test/bench/bench

$(BENCH): $(call objects,$(BENCH_SRC)) $(BY_HOST)
	$(LINK_TEST) -lm

bench: setup
	@$(SUBMAKE) all $(BENCH) $(HELPERS:%=$(BUILD)/%)
	@export JIAOZI='$(abspath $(PROGRAM))' BUILD='$(abspath $(BUILD))'; \
	if POSTGRES_FSYNC=on test/with-postgres.sh true >/dev/null 2>&1; then \
		POSTGRES_FSYNC=on test/with-postgres.sh $(BENCH); \
	else \
		$(BENCH); \
	fi
	@if command -v arm-none-eabi-gcc >/dev/null; then \
		.ci/freestanding; \
	else \
		echo 'skipped: sizes for a Cortex-M33, no arm-none-eabi-gcc'; \
	fi

# A million records settled, in minutes: RECORDS=N for another number.
MILLION = $(BUILD)/test/bench/million

$(MILLION): $(call objects,test/bench/million.c test/bench/traffic.c \
	test/bench/world.c) $(BY_HOST)
	$(LINK_TEST)

bench-million: setup
	@$(SUBMAKE) $(MILLION)
	@BUILD='$(abspath $(BUILD))' $(MILLION) $(RECORDS)

install: all
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/pkgconfig \
		$(DESTDIR)$(MANDIR)/man1
	$(INSTALL) -m 755 $(PROGRAM) $(DESTDIR)$(BINDIR)/
	$(INSTALL) -m 644 $(TERMINAL_LIB) $(CARD_LIB) $(DESTDIR)$(LIBDIR)/
	$(INSTALL) -D -m 644 $(EXPORTS) $(DESTDIR)$(LIBDIR)/jiaozi/plugin.syms
	for h in $(HEADERS); do \
		$(INSTALL) -D -m 644 $$h $(DESTDIR)$(INCDIR)/$$h || exit 1; \
	done
	$(INSTALL) -d $(DESTDIR)$(UNITDIR)
	sed 's|@BINDIR@|$(BINDIR)|' $(UNIT) \
		>$(DESTDIR)$(UNITDIR)/$(notdir $(UNIT))
	for m in $(MAN1); do \
		$(INSTALL) -m 644 $$m $(DESTDIR)$(MANDIR)/man1/ || exit 1; \
	done
	{ echo 'prefix=$(PREFIX)'; \
	  echo 'Name: jiaozi'; \
	  echo 'Description: Smart card with an electronic purse, and terminal'; \
	  echo 'Version: $(VERSION)'; \
	  echo 'Requires: libcrypto sqlite3 jansson libpcsclite libmicrohttpd gnutls libcurl libpq'; \
	  echo 'Cflags: -I$(patsubst $(PREFIX)/%,$${prefix}/%,$(INCDIR:%/jiaozi=%))'; \
	  echo 'libdir=$(patsubst $(PREFIX)/%,$${prefix}/%,$(LIBDIR))'; \
	  echo 'Libs: -L$${libdir} -ljiaozi -ljiaozi-card -Wl,--dynamic-list=$${libdir}/jiaozi/plugin.syms'; \
	} >$(DESTDIR)$(LIBDIR)/pkgconfig/jiaozi.pc

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/jiaozi $(DESTDIR)$(LIBDIR)/libjiaozi.a \
		$(DESTDIR)$(LIBDIR)/libjiaozi-card.a \
		$(DESTDIR)$(LIBDIR)/pkgconfig/jiaozi.pc \
		$(DESTDIR)$(LIBDIR)/jiaozi/plugin.syms \
		$(DESTDIR)$(UNITDIR)/$(notdir $(UNIT)) \
		$(addprefix $(DESTDIR)$(MANDIR)/man1/,$(notdir $(MAN1)))
	rm -rf $(DESTDIR)$(INCDIR)

# The same files give the same archive.
dist:
	@mkdir -p $(BUILD)
	tar --sort=name --owner=0 --group=0 --numeric-owner \
		--mtime=2024-01-01 --exclude=./.git --exclude=./build \
		--transform 's,^\.,jiaozi-$(VERSION),' -cf - . | \
		gzip -n >$(BUILD)/jiaozi-$(VERSION).tar.gz

# Every script of the command under watch for what it tells of its secrets.
canary: setup
	@$(SUBMAKE) tests
	@JIAOZI='$(abspath $(PROGRAM))' BUILD='$(abspath $(BUILD))' \
		CANARY=full test/secrets/suite.sh $(BUILD)/test

# Every power cut: minutes.  Each program says how many points it cut.
TEAR_TESTS = $(filter test/tear/%,$(TESTS)) test/applet/manager/test_power \
	test/applet/runtime/test_delete test/applet/runtime/test_plug \
	test/applet/runtime/test_upgrade

tear: setup
	@$(SUBMAKE) $(TEAR_TESTS:%=$(BUILD)/%)
	@printf '%s\n' $(TEAR_TESTS) | xargs -P $(JOBS) -I{} sh -c \
	    'out=$$(JIAOZI_TEAR=full $(BUILD)/{} 2>&1); s=$$?; \
	    printf "%s\n" {} "$$out"; exit $$s'

# Loads and unloads whose daemon, client, card, network or database ends at some
# byte.
CHAOS_RUNS = 1000

chaos: setup
	@$(SUBMAKE) $(WEAK_PROGRAM) $(BUILD)/test/chaos/chaos
	@JIAOZI='$(abspath $(WEAK_PROGRAM))' BUILD='$(abspath $(BUILD))' \
		test/chaos/chaos.sh $(BUILD)/test $(CHAOS_RUNS)

# The simulator with SEED, or SEEDS of them from there on, for STEPS, of SUITE.
SIM = $(BUILD)/test/sim/test_random

sim: setup
	@$(SUBMAKE) $(SIM)
	@env $(if $(SEED),JIAOZI_SIM_SEED='$(SEED)') \
		$(if $(SEEDS),JIAOZI_SIM_SEEDS='$(SEEDS)') \
		$(if $(STEPS),JIAOZI_SIM_STEPS='$(STEPS)') \
		$(if $(SUITE),JIAOZI_TEST_SUITE='$(SUITE)') $(SIM)

# A wider search, and many seeds: minutes.
sim-long: setup
	@$(SUBMAKE) $(SIM) $(BUILD)/test/sim/test_every
	JIAOZI_SIM=wide $(BUILD)/test/sim/test_every
	JIAOZI_SIM_SEEDS=40 JIAOZI_SIM_STEPS=20000 $(SIM)
	JIAOZI_TEST_SUITE=gm JIAOZI_SIM_SEEDS=10 JIAOZI_SIM_STEPS=20000 $(SIM)

lint:
	@.ci/lint

# As .ci/run does: what the tests reach is counted under the sanitizers.
cover: setup-ci
	@mkdir -p $(BUILD)
	@.ci/sanitize >$(BUILD)/cover.log 2>&1 || { \
		cat $(BUILD)/cover.log; exit 1; }
	@.ci/coverage

fuzz: setup-ci
	@.ci/fuzz

model: setup-ci
	@.ci/model

# The larger configurations alone: minutes, and 2 GB.
model-full: setup-ci
	@.ci/model full

setup-ci:
	@.ci/setup ci

trace:
	@test/trace.sh

# For scripts: the value of a list.
print-%:
	@echo '$($*)'

clean:
	rm -rf $(BUILD)

-include $(patsubst %.c,$(BUILD)/%.d,$(ALL_SRC)) $(WEAK:.o=.d)
