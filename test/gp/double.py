# SPDX-License-Identifier: Apache-2.0
"""A card of paper for the judge to be judged by.

It does what the standard asks and no more; each word in `faults` makes it do
one thing wrong.  It is no model of our card and keeps nothing.
"""

import os

from iso7816 import CHANNELS, FIRST_CHANNELS, Malformed, lv, objects, only, tlv
from scp03 import (C_ENC, R_ENC, R_MAC, Keys, Tampered, cbc, cbc_open,
                   check_value, cmac, ecb, kdf, pad, pseudo_random, unpad)

ISD = bytes.fromhex("A000000151000000")
PURSE = bytes.fromhex("F04A49414F5A4901")
# A class that wants parameters.
COUNTER = b"\xF0COUNT"
KDD = bytes.fromhex("4A5A0102030405060708")
OID = bytes.fromhex("2A864886FC6B")
GP_CARD = tlv(0x73, tlv(0x06, OID + b"\1") + b"".join(
    tlv(t, tlv(0x06, OID + v)) for t, v in (
        (0x60, b"\2\2\3\1"), (0x63, b"\3"), (0x64, b"\4\3\x70"))))
ABILITIES = tlv(0xA0, tlv(0x80, b"\3") + tlv(0x81, b"\x70")
                + tlv(0x82, b"\1")) + tlv(0x81, bytes(3)) + tlv(0x82, bytes(3))
ENTRIES_MAX = 4
INSTANCES_MAX = 10
KEY_SETS_MAX = 3
LEVELS = (0x01, 0x03, 0x11, 0x13, 0x33)


class SW(Exception):
    """Ends a command."""

    def __init__(self, sw, data=b""):
        super().__init__("%04X" % sw)
        self.sw = sw
        self.data = data


def want(condition, sw):
    if not condition:
        raise SW(sw)


class KeySet:
    def __init__(self, keys):
        self.keys = keys
        self.counter = 0


class CardSession:
    """Half open after INITIALIZE UPDATE, then a level; 0 is over."""

    def __init__(self, double, kvn, host):
        self.faults = double.faults
        self.kvn = kvn
        self.keys = double.key_sets[kvn].keys
        counter = double.key_sets[kvn].counter.to_bytes(3, "big")
        self.challenge = pseudo_random(
            self.keys.enc, counter,
            PURSE if "challenge-aid" in self.faults else ISD)
        context = host + self.challenge
        self.enc = kdf(self.keys.enc, 4, context, 128)
        self.mac = kdf(self.keys.mac, 6, context, 128)
        self.rmac = kdf(self.keys.mac, 7, context, 128)
        self.card = kdf(self.mac, 0, context, 64)
        if "card-cryptogram" in self.faults:
            self.card = bytes([self.card[0] ^ 1]) + self.card[1:]
        self.host = kdf(self.mac, 1, context, 64)
        self.answer = (KDD + bytes([kvn, 3, 0x70]) + self.challenge
                       + self.card + counter)
        self.level = None
        self.chaining = bytes(16)
        self.counter = 0

    def verify(self, cla, header, data, extended=False):
        """The data before the MAC, when it fits."""
        cla = cla if "mac-on-channel" in self.faults else cla & 0x80 | 0x04
        lc = bytes([len(data)]) if len(data) < 256 and not extended else (
            b"\0" + len(data).to_bytes(2, "big"))
        mac = cmac(self.mac, self.chaining + bytes([cla]) + header + lc
                   + data[:-8])
        if "no-mac" not in self.faults:
            want(len(data) >= 8 and mac[:8] == data[-8:], 0x6982)
        if "no-chaining" not in self.faults:
            self.chaining = mac
        return data[:-8]

    def open(self, cla, header, data, extended):
        extended = extended and "short-lc" not in self.faults
        data = self.verify(cla, header, data, extended)
        if data or "counts-data-only" not in self.faults:
            self.counter += 1
        if self.level & C_ENC and data and "no-decryption" not in self.faults:
            want(len(data) % 16 == 0, 0x6982)
            icv = ecb(self.enc, self.counter.to_bytes(16, "big"))
            try:
                data = unpad(cbc_open(self.enc, icv, data))
            except Tampered:
                raise SW(0x6982) from None
        return data

    def seal(self, data, sw):
        error = sw != 0x9000 and sw >> 8 not in (0x62, 0x63)
        if error and "error-with-mac" not in self.faults:
            return data
        if self.level & R_ENC and data:
            block = self.counter.to_bytes(16, "big")
            if "response-icv" not in self.faults:
                block = b"\x80" + block[1:]
            data = cbc(self.enc, ecb(self.enc, block), pad(data))
        if self.level & R_MAC:
            tail = b"" if "rmac-without-sw" in self.faults else (
                sw.to_bytes(2, "big"))
            data += cmac(self.rmac, self.chaining + data + tail)[:8]
        return data


class Double:
    """The link to a card, and the card."""

    def __init__(self, faults=()):
        self.faults = set(faults)
        key = bytes(range(0x40, 0x50))
        self.key_sets = {0xFF: KeySet(Keys(key, key, key))}
        self.instances = {PURSE: [0x07, 0]}
        self.state = 0x01
        self.data = {0x42: bytes(3), 0x45: bytes(8)}
        self.channels = {}
        self.longest = 256 if "short-commands" in self.faults else 1024
        self.reset(True)

    def reset(self, power):
        if "session-survives-reset" in self.faults and self.channels:
            return
        self.channels = {0: self.default()}
        self.chain = b""
        if "forgets-instances" in self.faults and power:
            self.instances = {PURSE: [0x07, 0]}

    def default(self):
        aids = [a for a, (_, p) in self.instances.items() if p & 4]
        return {"aid": aids[0] if aids else ISD, "session": None}

    def transmit(self, apdu):
        try:
            return self.run(apdu)
        except SW as e:
            return e.data, e.sw
        except Malformed:
            return b"", 0x6A80

    def parse(self, apdu):
        want(len(apdu) >= 4, 0x6700)
        rest = apdu[4:]
        self.extended = len(rest) >= 3 and rest[0] == 0
        if len(rest) <= 1 or (len(rest) == 3 and self.extended):
            return b""
        if self.extended:
            n = int.from_bytes(rest[1:3], "big")
            want(n <= self.longest and len(rest) - 3 - n in (0, 2), 0x6700)
            return rest[3:3 + n]
        want(len(rest) - 1 - rest[0] in (0, 1), 0x6700)
        return rest[1:1 + rest[0]]

    def run(self, apdu):
        cla, ins, p1, p2 = apdu[:4]
        if "any-class" not in self.faults:
            want(cla & 0x7F < 0x20 or cla & 0x40, 0x6E00)
            want(cla != 0xFF, 0x6E00)
        if cla & 0x40:
            number, secured = (cla & 15) + FIRST_CHANNELS, bool(cla & 0x20)
        else:
            number, secured = cla & 3, bool(cla & 4)
        if "one-coding" in self.faults and cla & 0x40:
            number = number - FIRST_CHANNELS
        data = self.parse(apdu)
        if cla < 0xC0 and cla & 0x10:
            self.chain += data
            return b"", 0x9000
        if "unchained" not in self.faults:
            data = self.chain + data
        self.chain = b""
        if not secured and not cla & 0x80 and ins == 0xA4:
            return self.select(number, data)
        want(number in self.channels, 0x6881)
        channel = self.channels[number]
        if not secured and not cla & 0x80 and ins == 0x70:
            return self.manage_channel(number, p1, p2)
        if channel["aid"] != ISD:
            want(not secured and cla & 0x80 == 0 and ins == 0xCA
                 and (p1, p2) == (0xFF, 0x61), 0x6D00)
            return tlv(0xFF61, b""), 0x9000
        self.place = channel
        return self.domain(channel, cla, ins, p1, p2, data, secured)

    def select(self, number, aid):
        if not aid:
            aid = self.default()["aid"]
        found = [a for a in sorted([ISD] + list(self.instances))
                 if a.startswith(aid)]
        if not found and "select-opens" in self.faults:
            self.channels.setdefault(number, self.default())
        want(found, 0x6A82)
        chosen = found[0]
        if chosen != ISD:
            want(self.state not in (0x7F, 0xFF), 0x6A82)
            state = self.instances[chosen][0]
            want(state == 0x07 or "locked-selectable" in self.faults
                 and state & 0x80, 0x6A82)
        before = self.channels.get(number)
        keep = before if before and "session-survives-select" in (
            self.faults) else {"session": None}
        self.channels[number] = {"aid": chosen, "session": keep["session"]}
        if "fci" in self.faults:
            return tlv(0x6F, tlv(0x84, chosen)), 0x9000
        return (tlv(0x6F, tlv(0x84, chosen) + tlv(
            0xA5, tlv(0x9F65, b"\xFF"))),
            0x6283 if self.state == 0x7F and chosen == ISD else 0x9000)

    def manage_channel(self, origin, p1, p2):
        want(self.state != 0x7F, 0x6A81)
        if p1 == 0x80:
            want(0 < p2 < CHANNELS, 0x6A86)
            if "closes-anything" not in self.faults:
                want(p2 in self.channels, 0x6200)
            if "channels-stay-open" not in self.faults:
                self.channels.pop(p2, None)
            return b"", 0x9000
        want(p1 == 0 and p2 < CHANNELS, 0x6A86)
        if p2:
            want(p2 not in self.channels, 0x6A86)
        free = [c for c in range(1, CHANNELS) if c not in self.channels]
        want(free, 0x6A81)
        number = p2 or free[0]
        old = self.channels[origin]["aid"] if origin else None
        self.channels[number] = self.default()
        if old:
            self.channels[number]["aid"] = old
        return (b"" if p2 else bytes([number])), 0x9000

    # ---- the issuer security domain ---------------------------------------

    def domain(self, channel, cla, ins, p1, p2, data, secured):
        if self.state == 0xFF:
            want(ins == 0xCA and not secured, 0x6985)
            return self.get_data(p1 << 8 | p2)
        if not secured and ins == 0x50:
            channel["session"] = None
            return self.update(channel, p1, p2, data)
        session = channel["session"]
        if "shared-session" in self.faults:
            session = next((c["session"] for c in self.channels.values()
                            if c["session"]), None)
        if session is None or session.level is None:
            channel["session"] = None
            if secured and ins == 0x82:
                return self.authenticate(channel, session, cla, p1, p2, data)
            want(not secured, 0x6985)
            if ins == 0xCA:
                return self.get_data(p1 << 8 | p2)
            want(ins in self.COMMANDS,
                 0x6A86 if "unknown-instruction" in self.faults else 0x6D00)
            want("no-security" in self.faults and ins == 0xF2, 0x6982)
            return self.COMMANDS[ins](self, p1, p2, data)
        return self.in_session(channel, session, cla, ins, p1, p2, data,
                               secured)

    def in_session(self, channel, session, cla, ins, p1, p2, data, secured):
        if not secured and "clear-in-session" in self.faults:
            return self.command(ins, p1, p2, data)
        try:
            want(secured, 0x6982)
            data = session.open(cla, bytes([ins, p1, p2]), data,
                                self.extended)
        except SW:
            if "session-survives-error" not in self.faults:
                channel["session"] = None
            raise
        try:
            data, sw = self.command(ins, p1, p2, data)
        except SW as e:
            data, sw = e.data, e.sw
        except Malformed:
            data, sw = b"", 0x6A80
        if sw >> 8 == 0x6A and "session-ends-early" in self.faults:
            channel["session"] = None
        return session.seal(data, sw), sw

    def command(self, ins, p1, p2, data):
        if ins == 0xCA:
            return self.get_data(p1 << 8 | p2)
        want(ins in self.COMMANDS, 0x6985 if ins == 0x82 else 0x6D00)
        if self.state == 0x7F:
            want(ins in (0xF2, 0xF0), 0x6985)
        return self.COMMANDS[ins](self, p1, p2, data)

    def update(self, channel, kvn, p2, host):
        want(p2 == 0, 0x6A86)
        want(len(host) == 8, 0x6700)
        kvn = kvn or list(self.key_sets)[0]
        want(kvn in self.key_sets, 0x6A88)
        if "counter-stays" not in self.faults:
            self.key_sets[kvn].counter += 1
        channel["session"] = CardSession(self, kvn, host)
        answer = channel["session"].answer
        if "short-update" in self.faults:
            answer = answer[:-1]
        return answer, 0x9000

    def authenticate(self, channel, session, cla, p1, p2, data):
        want(session is not None, 0x6985)
        level_bad = p1 not in LEVELS and "any-level" not in self.faults
        want(not level_bad and p2 == 0, 0x6A86)
        want(len(data) == 16, 0x6700)
        host = session.verify(cla, bytes([0x82, p1, p2]), data)
        if "any-cryptogram" not in self.faults:
            want(host == session.host, 0x6300)
        session.level = p1
        channel["session"] = session
        return b"", 0x9000

    def get_data(self, tag):
        newest = list(self.key_sets.items())[0]
        keys = b"".join(tlv(0xC0, bytes([i, v, 0x88, 16]))
                        for v in self.key_sets for i in (1, 2, 3))
        known = {0x66: GP_CARD, 0x67: ABILITIES, 0xE0: keys, 0xCF: KDD,
                 0xC1: newest[1].counter.to_bytes(3, "big"),
                 0x9F7F: bytes(0x2A),
                 0xFF21: tlv(0x81, b"\1") + tlv(0x82, bytes(4))
                 + tlv(0x83, bytes(4))}
        known.update(self.data)
        if "no-%x" % tag in self.faults:
            del known[tag]
        if "any-tag" in self.faults:
            known.setdefault(tag, b"")
        if tag in self.data and "bare-number" in self.faults:
            return known[tag], 0x9000
        want(tag in known, 0x6A88)
        return tlv(tag, known[tag][1:] if "short-%x" % tag in self.faults
                   else known[tag]), 0x9000

    def registry(self, scope):
        def entry(aid, state, privileges, more=b""):
            return (aid, tlv(0x4F, aid) + tlv(0x9F70, bytes([state]))
                    + tlv(0xC5, bytes([privileges, 0, 0])) + more)
        if scope == 0x80:
            return [entry(ISD, self.state, 0x9E, tlv(0xCC, ISD))]
        if scope == 0x40:
            return [entry(a, s, p, tlv(0xC4, PURSE))
                    for a, (s, p) in self.instances.items()]
        return [(a, tlv(0x4F, a) + tlv(0x9F70, b"\1")
                 + (tlv(0x84, a) if scope == 0x10 else b""))
                for a in (PURSE, COUNTER)]

    def get_status(self, scope, p2, data):
        want(scope in (0x80, 0x40, 0x20, 0x10) and p2 in (2, 3), 0x6A86)
        criteria = dict(objects(data))
        want(0x4F in criteria and len(criteria[0x4F]) <= 16, 0x6A80)
        found = [value for aid, value in self.registry(scope)
                 if aid.startswith(criteria[0x4F])]
        begin = 0
        if p2 == 3:
            want(self.place.get("next", (None,))[0] == (scope, data), 0x6985)
            begin = self.place["next"][1]
        if 0x5C in criteria and "tag-list" not in self.faults:
            found = [b"".join(tlv(t, v) for t, v in objects(value)
                              if t in (0x4F, 0x9F70, 0xC5))
                     for value in found]
        want(found, 0x6A88)
        end = begin + ENTRIES_MAX
        out = b"".join(tlv(0xE3, v) for v in found[begin:end])
        if end >= len(found) or "no-continuation" in self.faults:
            self.place.pop("next", None)
            return out, 0x9000
        if "continuation-repeats" in self.faults:
            end -= 1
        self.place["next"] = ((scope, data), end)
        return out, 0x6310

    @staticmethod
    def parts(data, n):
        """Values with their lengths, as many as told, and no more."""
        found = []
        for _ in range(n):
            want(data and len(data) > data[0], 0x6A80)
            found.append(data[1:1 + data[0]])
            data = data[1 + data[0]:]
        want(not data, 0x6A80)
        return found

    def install(self, how, p2, data):
        want(p2 == 0 and how in (0x04, 0x08, 0x0C, 0x20), 0x6A86)
        name, module, aid, privileges, parameters, _ = self.parts(data, 6)
        self.place.pop("target", None)
        want(5 <= len(aid) <= 16, 0x6A80)
        objects(parameters)
        if how in (0x08, 0x20):
            want(aid in self.instances, 0x6A88)
            if how == 0x08:
                self.instances[aid][0] = 0x07
            else:
                self.place["target"] = [aid, 0]
            return b"\0", 0x9000
        want(name == module and module in (PURSE, COUNTER), 0x6A88)
        want(module != COUNTER or only(parameters, 0xC9), 0x6A80)
        want(len(privileges) in (1, 3), 0x6A80)
        want(aid not in self.instances and aid != ISD, 0x6985)
        want(len(self.instances) < INSTANCES_MAX, 0x6A84)
        state = 0x03 if how == 0x04 else 0x07
        if "always-selectable" in self.faults:
            state = 0x07
        self.instances[aid] = [state, privileges[0]]
        return b"\0", 0x9000

    def delete(self, p1, p2, data):
        want(p1 == 0 and p2 in (0, 0x80), 0x6A86)
        fields = objects(data)
        want(len(fields) == 1 and fields[0][1], 0x6A80)
        tag, value = fields[0]
        if tag == 0xD2:
            want(value[0] in self.key_sets, 0x6A88)
            want(len(self.key_sets) > 1, 0x6985)
            if "keys-stay" not in self.faults:
                del self.key_sets[value[0]]
            return b"\0", 0x9000
        want(tag == 0x4F, 0x6A80)
        want(value != ISD, 0x6985)
        if "delete-prefix" in self.faults and value not in self.instances:
            value = next((a for a in self.instances
                          if a.startswith(value)), b"")
        want(value in self.instances, 0x6A88)
        if "delete-in-use" not in self.faults:
            want(all(c["aid"] != value for c in self.channels.values()),
                 0x6985)
        if "delete-not" not in self.faults:
            del self.instances[value]
        return b"\0", 0x9000

    def store_data(self, p1, number, data):
        target = self.place.get("target")
        want(number == (target[1] if target else 0), 0x6A86)
        if target:
            only(data, 0x7F49)
            target[1] += 1
            return tlv(0x7F49, tlv(0x86, b"\4" + bytes(64))), 0x9000
        fields = objects(data)
        want(fields and all(t in (0x42, 0x45) for t, _ in fields), 0x6A88)
        if "store-not" not in self.faults:
            self.data.update(fields)
        return b"", 0x9000

    def set_status(self, scope, state, aid):
        if scope == 0x80:
            ways = {0x01: (0x07,), 0x07: (0x0F,), 0x0F: (0x7F,),
                    0x7F: (0x0F,)}
            if "card-goes-back" in self.faults:
                ways[0x0F] += (0x01, 0x07)
            if "no-card-lock" in self.faults and state == 0x7F:
                return b"", 0x9000
            want(state in ways[self.state] + (0xFF,), 0x6985)
            self.state = state
            return b"", 0x9000
        want(scope == 0x40, 0x6A86)
        want(aid in self.instances, 0x6A88)
        want(state & 0x7F == 0x07, 0x6985)
        self.instances[aid][0] = state
        return b"", 0x9000

    def put_key(self, old, p2, data):
        want(p2 == 0x81, 0x6A86)
        want(data and 1 <= data[0] <= 0x7F, 0x6A80)
        kvn, rest, keys, values = data[0], data[1:], [], b""
        dek = self.place["session"].keys.dek
        if "first-dek" in self.faults:
            dek = list(self.key_sets.values())[0].keys.dek
        for _ in range(3):
            want(len(rest) >= 23 and rest[:3] == b"\x88\x11\x10"
                 and rest[19] == 3, 0x6A80)
            key = cbc_open(dek, bytes(16), rest[3:19])
            want(check_value(key) == rest[20:23]
                 or "any-kcv" in self.faults, 0x9485)
            keys.append(key)
            values += rest[20:23]
            rest = rest[23:]
        want(not rest, 0x6A80)
        want(not old or old in self.key_sets, 0x6A88)
        want(kvn == old or kvn not in self.key_sets, 0x6A80)
        want(old or len(self.key_sets) < KEY_SETS_MAX, 0x6A84)
        if old and "old-keys-stay" not in self.faults:
            del self.key_sets[old]
        if "initial-keys-stay" not in self.faults:
            self.key_sets.pop(0xFF, None)
        self.key_sets[kvn] = KeySet(Keys(*keys))
        return bytes([kvn]) + values, 0x9000

    COMMANDS = {0xF2: get_status, 0xE6: install, 0xE4: delete,
                0xE2: store_data, 0xF0: set_status, 0xD8: put_key}


if __name__ == "__main__":
    raise SystemExit("nothing to run: see test_judge.py")
