# SPDX-License-Identifier: Apache-2.0
"""Our SCP03 against what others published.

Traces of real cards are read from the directory that JIAOZI_VECTORS names;
without them that part is skipped, and says so.  Prints a line for each test.
"""

import json
import os
import sys

from iso7816 import Command, Malformed, class_byte, objects, tlv
from scp03 import (KDD, Keys, Opening, Session, Tampered, cbc, check_value,
                   cmac, ecb, pad, pseudo_random, unpad)

DIRECTORY = os.environ.get("JIAOZI_VECTORS", "../shared/vectors")
SW_OK = 0x9000
failed = []


def same(got, wanted):
    if got != wanted:
        got = got.hex() if isinstance(got, bytes) else repr(got)
        wanted = wanted.hex() if isinstance(wanted, bytes) else repr(wanted)
        raise AssertionError("%s, not %s" % (got, wanted))


def run(name, test, *arguments):
    try:
        test(*arguments)
    except (AssertionError, Tampered, Malformed) as e:
        failed.append(name)
        print("not ok %s: %s" % (name, e))
    else:
        print("ok", name)


def h(text):
    return bytes.fromhex(text)


def split(text):
    """A short command that has an answer's data, or data, as Command."""
    apdu = h(text)
    base, ins, p1, p2 = apdu[0] & 0x80, apdu[1], apdu[2], apdu[3]
    if len(apdu) <= 5:
        return Command(base, ins, p1, p2, le=256 if len(apdu) == 5 else None)
    lc = apdu[4]
    rest = apdu[5 + lc:]
    assert len(rest) <= 1, text
    return Command(base, ins, p1, p2, apdu[5:5 + lc],
                   le=256 if rest else None)


# ---- values that are short enough to stand here ---------------------------

def rfc4493():
    """AES-CMAC: RFC 4493, 4, examples 1 to 4."""
    key = h("2b7e151628aed2a6abf7158809cf4f3c")
    message = h("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45"
                "af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b"
                "417be66c3710")
    for n, mac in ((0, "bb1d6929e95937287fa37d129b756746"),
                   (16, "070a16b46b4d4144f79bdd9dd04a287c"),
                   (40, "dfa66747de9ae63030ca32611497c827"),
                   (64, "51f0bebf7e3b9d92fc49741779363cfe")):
        same(cmac(key, message[:n]), h(mac))


def sp800_38a():
    """AES-128 ECB and CBC: NIST SP 800-38A, F.1.1 and F.2.1, block 1."""
    key = h("2b7e151628aed2a6abf7158809cf4f3c")
    block = h("6bc1bee22e409f96e93d7e117393172a")
    same(ecb(key, block), h("3ad77bb40d7a3660a89ecaf32466ef97"))
    same(cbc(key, bytes(range(16)), block),
         h("7649abac8119b246cee98e9b12e9197d"))


def padding():
    for n in range(33):
        data = bytes([n]) * n
        padded = pad(data)
        same(len(padded) % 16, 0)
        same(unpad(padded), data)
    for bad in (bytes(16), b"\x80" + bytes(16), b"\1" * 16):
        try:
            unpad(bad)
        except Tampered:
            continue
        raise AssertionError("%s passes for padded" % bad.hex())


def class_bytes():
    """GlobalPlatform Card Specification 2.3.1, tables 11-11 and 11-12."""
    for base, channel, secured, cla in (
            (0x80, 0, False, 0x80), (0x80, 0, True, 0x84),
            (0x80, 1, True, 0x85), (0x00, 3, True, 0x07),
            (0x80, 4, False, 0xC0), (0x80, 5, True, 0xE1),
            (0x00, 19, False, 0x4F), (0x00, 5, True, 0x61)):
        same(class_byte(base, channel, secured), cla)


def objects_end():
    same(objects(h("9F7F0101") + tlv(0x53, bytes(200))),
         [(0x9F7F, b"\1"), (0x53, bytes(200))])
    for bad in ("53", "5301", "9F", "538101FF", "53820080", "5380"):
        try:
            objects(h(bad))
        except Malformed:
            continue
        raise AssertionError("%s passes for BER-TLV" % bad)


def trace():
    """A real card's AES-128 session of level 33, from the tests of pySim
    (osmocom/pysim, tests/unittests/test_globalplatform.py)."""
    v = {"enc": "000102030405060708090a0b0c0d0e0f",
         "mac": "101112131415161718191a1b1c1d1e1f",
         "S_ENC": "bc5689f3a0b783a9ed6da1c5c6bc1f99",
         "S_MAC": "0415f56cbb9e488bb171b2b66081f004",
         "S_RMAC": "1ee185123244e047bc9d68b914bd1fbe"}
    session, opening = start(
        v, "8050300008fdf38259a1e0de4400",
        "000000000000000000003003703b1aca81e821f219081cdc01c26b372d000003",
        "84823300108c36f96bcc00724a4e13ad591d7da3f0")
    same(pseudo_random(h(v["enc"]), opening.counter,
                       h("A0000005591010FFFFFFFF8900000100")),
         opening.challenge)
    same(session.wrap(split(PYSIM[0][1])),
         h("84e2910018267a85dfe4a98fca6fb0527e0dfecce4914e40401433c87f00"))
    same(session.unwrap(
        h("f3ba2b1013aa6224f5e1c138d71805c569e5439b47576260b75fc021b25097cb"
          "2e68f8a0144975b9"), SW_OK), h(EID))


# ---- traces in files ------------------------------------------------------

def load(name):
    path = os.path.join(DIRECTORY, name)
    try:
        with open(path, encoding="utf-8") as f:
            return json.load(f)
    except FileNotFoundError:
        print("skipped: vectors absent (%s)" % path)
        return None


def start(v, command, answer, authenticate):
    """A session from a trace's first two commands."""
    answer = h(answer)
    if answer.endswith(b"\x90\0") and len(answer) in (31, 34):
        answer = answer[:-2]
    opening = Opening(answer)
    keys = Keys(h(v["enc"]), h(v["mac"]), h(v.get("dek", v["enc"])))
    session = Session(keys, h(command)[5:13], opening.challenge)
    same(session.enc, h(v["S_ENC"]))
    same(session.mac, h(v["S_MAC"]))
    same(session.rmac, h(v["S_RMAC"]))
    same(session.card_cryptogram, opening.cryptogram)
    wanted = h(authenticate)
    made = session.external_authenticate(
        Command(0x80, 0x82, wanted[2], 0, session.host_cryptogram))
    same(made, wanted)
    return session, opening


# The commands, in the order of the trace; the host's own Le is kept.
PYSIM = (("get_eid_cmd", "80E2910006BF3E035C015A00"),
         ("case_1_apdu", "80F22002"),
         ("case_2_apdu", "80CA006600"),
         ("case_3_apdu", "80F220020A4F0212345C054F9F70C5"),
         ("case_4_apdu", "80F28002024F0000"))
EID = "BF3E125A1089882119900000000000000000000005"


def pysim(v):
    session, opening = start(v, v["init_upd_cmd"], v["init_upd_rsp"],
                             v["ext_auth_cmd"])
    same(pseudo_random(h(v["enc"]), opening.counter,
                       h(v["pseudo_random_challenge_sd_aid"])),
         opening.challenge)
    for name, plain in PYSIM:
        same(session.wrap(split(plain)), h(v[name]))
        if name == "get_eid_cmd":
            same(session.unwrap(h(v["get_eid_rsp"]), SW_OK), h(EID))
            tampered(session, h(v["get_eid_rsp"]))


def tampered(session, answer):
    """With R-MAC, a changed bit anywhere is seen."""
    if not session.level & 0x10:
        return
    for i in range(len(answer)):
        bad = bytearray(answer)
        bad[i] ^= 1
        try:
            session.unwrap(bytes(bad), SW_OK)
        except Tampered:
            continue
        raise AssertionError("byte %d may be changed" % i)


def check_values(kcv):
    for name, value in kcv.items():
        if name == "rule":
            continue
        first = int(name.split()[1][:2], 16)
        same(check_value(bytes(range(first, first + 16))), h(value))


def kaoh(v):
    session, opening = start(v, v["init_update"], v["init_update_rsp"],
                             v["ext_auth"])
    same(len(opening.kdd), KDD)
    aid = v["sd_aid_for_pseudo_challenge"]
    if not aid.startswith("unknown"):
        same(pseudo_random(h(v["enc"]), opening.counter, h(aid)),
             opening.challenge)
    answers = v.get("responses_with_sw", [])
    for i, (plain, wrapped) in enumerate(kaoh_commands(v)):
        same(session.wrap(split(plain)), h(wrapped))
        if i < len(answers):
            answer = h(answers[i])
            sw = int.from_bytes(answer[-2:], "big")
            same(sw, SW_OK)
            # This card gives back what it got.
            same(session.unwrap(answer[:-2], sw), split(plain).data)
            tampered(session, answer[:-2])


def kaoh_commands(v):
    """Pairs of a plain and a wrapped command."""
    wrapped = v.get("wrapped", [])
    if isinstance(wrapped, str):
        wrapped = [wrapped]
    if "plain_command" in v:
        return [(v["plain_command"], w) for w in wrapped]
    if "plain" in v:
        return [(v["plain"], w) for w in wrapped]
    # GET STATUS for all; P1 and P2 are in the clear.
    return [("80F2" + w[4:8] + "024F00" + ("00" if len(w) == 60 else ""), w)
            for w in wrapped]


def traces():
    data = load("scp03-pysim.json")
    if data:
        run("check values of a published key set", check_values,
            data["kcv_aes128"])
        for v in data["vectors"]:
            run("pySim's trace: AES-%d, level %s" % (v["key_bits"],
                v["security_level"]), pysim, v)
    data = load("scp03-kaoh-globalplatform.json")
    if data:
        for v in data["vectors"]:
            run("GlobalPlatform library's trace: " + v["name"], kaoh, v)


def main():
    run("AES-CMAC of RFC 4493", rfc4493)
    run("AES of SP 800-38A", sp800_38a)
    run("padding comes off as it went on", padding)
    run("class bytes of channels", class_bytes)
    run("objects end with their bytes", objects_end)
    run("a trace of level 33", trace)
    traces()
    return 1 if failed else 0


sys.exit(main())
