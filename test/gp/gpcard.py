# SPDX-License-Identifier: Apache-2.0
"""A GlobalPlatform terminal: commands of the card, and its checks' words.

Written from GlobalPlatform Card Specification 2.3.1, chapter 11, and
Amendment D 1.1.2, chapter 7.
"""

import os

from iso7816 import Command, lv, objects, tlv
from scp03 import (CHALLENGE, Keys, Opening, Session, Tampered, check_value,
                   pseudo_random)

ISD = bytes.fromhex("A000000151000000")
# GlobalPlatform's well-known test keys.
TEST_KEY = bytes(range(0x40, 0x50))
TEST_KEYS = Keys(TEST_KEY, TEST_KEY, TEST_KEY)

OK = 0x9000
MORE = 0x6310
LOCKED = 0x6283
NOT_FOUND = 0x6A82
NO_DATA = 0x6A88
CLOSED = 0x6881
# ISO 7816-4, table 6: what tells of missing or wrong security.
SECURITY = (0x6982, 0x6985, 0x6987, 0x6988)
ANY = 256


class Failure(Exception):
    """The card is not as it must be."""


class Skip(Exception):
    """What cannot be looked at on this card, and why."""


def need(condition, why):
    if not condition:
        raise Failure(why)


class Response:
    """A response, and the command for whoever complains."""

    def __init__(self, apdu, data, sw):
        self.apdu = apdu
        self.data = data
        self.sw = sw

    def told(self):
        return "%s gives %s%04X" % (self.apdu.hex().upper(), "%d bytes, " %
                                    len(self.data) if self.data else "",
                                    self.sw)

    def must(self, *sws):
        """This response, whose SW must be one of these."""
        sws = sws or (OK,)
        need(self.sw in sws, "%s, not %s" % (
            self.told(), " or ".join("%04X" % sw for sw in sws)))
        return self

    def refused(self):
        """This response, which must be an error without data."""
        need(self.sw != OK and self.sw >> 8 not in (0x61, 0x62, 0x63),
             self.told() + ": not refused")
        need(self.sw >> 12 == 6, self.told() + ": no SW of ISO 7816-4")
        need(not self.data, self.told() + ": an error with data")
        return self


class Card:
    """A card behind a link, which has transmit() and reset()."""

    def __init__(self, link, keys=TEST_KEYS, kvn=0):
        self.link = link
        self.keys = keys
        self.kvn = kvn
        # The last counter that each key version has shown.
        self.counters = {}

    def transmit(self, apdu):
        data, sw = self.link.transmit(apdu)
        return Response(apdu, data, sw)

    def send(self, base, ins, p1, p2, data=b"", le=ANY, channel=0):
        return self.transmit(
            Command(base, ins, p1, p2, data, le, channel).encode())

    def reset(self, power=False):
        self.link.reset(power)

    def select(self, aid=ISD, channel=0):
        return self.send(0x00, 0xA4, 0x04, 0x00, aid, channel=channel)

    def get_data(self, tag, base=0x80, channel=0):
        return self.send(base, 0xCA, tag >> 8, tag & 0xFF, channel=channel)

    def open_channel(self, channel=None, origin=0):
        """MANAGE CHANNEL, open; the card chooses when none is named."""
        if channel is None:
            return self.send(0x00, 0x70, 0x00, 0x00, le=1, channel=origin)
        return self.send(0x00, 0x70, 0x00, channel, le=None, channel=origin)

    def close_channel(self, channel, origin=0):
        return self.send(0x00, 0x70, 0x80, channel, le=None, channel=origin)

    def update(self, kvn=None, channel=0, challenge=None):
        """INITIALIZE UPDATE: the host's challenge and the card's answer."""
        if challenge is None:
            challenge = os.urandom(CHALLENGE)
        response = self.send(0x80, 0x50, self.kvn if kvn is None else kvn,
                             0x00, challenge, channel=channel).must()
        opening = Opening(response.data)
        self.count(opening)
        # Which version 00 is may change when one is added.
        self.kvn = self.kvn or opening.kvn
        return challenge, opening

    def count(self, opening):
        """A counter of a version must never come back."""
        if not opening.counter:
            return
        value = int.from_bytes(opening.counter, "big")
        last = self.counters.get(opening.kvn, -1)
        need(value > last, "sequence counter %06X after %06X" % (value, last))
        self.counters[opening.kvn] = value

    def forget_counter(self, kvn):
        """A key version goes; one of its number may begin anew."""
        self.counters.pop(kvn, None)

    def begin(self, kvn=None, channel=0, keys=None):
        """INITIALIZE UPDATE with all that can be verified verified."""
        keys = keys or self.keys
        challenge, opening = self.update(kvn, channel)
        session = Session(keys, challenge, opening.challenge)
        need(session.card_cryptogram == opening.cryptogram,
             "card cryptogram %s, not %s" % (
                 opening.cryptogram.hex(), session.card_cryptogram.hex()))
        return Secured(self, session, channel, opening)

    def open(self, level=0x01, kvn=None, channel=0, keys=None):
        """A session of a level, with the ISD selected on the channel."""
        self.select(channel=channel).must(OK, LOCKED)
        secured = self.begin(kvn, channel, keys)
        secured.authenticate(level).must()
        return secured


class Secured:
    """A session on a channel, as its host sees it."""

    def __init__(self, card, session, channel, opening):
        self.card = card
        self.session = session
        self.channel = channel
        self.opening = opening

    def command(self, ins, p1, p2, data=b"", le=ANY, base=0x80):
        return Command(base, ins, p1, p2, data, le, self.channel)

    def authentication(self, level, cryptogram=None):
        """EXTERNAL AUTHENTICATE, not sent."""
        return self.session.external_authenticate(self.command(
            0x82, level, 0x00, cryptogram or self.session.host_cryptogram,
            le=None))

    def authenticate(self, level):
        return self.card.transmit(self.authentication(level))

    def transmit(self, apdu):
        """Bytes as they are; the response is taken apart."""
        response = self.card.transmit(apdu)
        try:
            response.data = self.session.unwrap(response.data, response.sw)
        except Tampered as e:
            raise Failure("%s: %s" % (response.told(), e)) from e
        return response

    def send(self, ins, p1, p2, data=b"", le=ANY, base=0x80):
        return self.transmit(
            self.session.wrap(self.command(ins, p1, p2, data, le, base)))

    def must_be_over(self):
        """Neither the session nor what it allowed may be left.

        A card that has kept the session may have counted what came last, or
        not: both are tried.
        """
        command = self.command(0xF2, 0x80, 0x02, tlv(0x4F, b""))
        self.card.transmit(command.encode()).must(*SECURITY)
        session = self.session
        for state in session.past[-3:] + [session.state()]:
            session.chaining, session.counter = state
            self.card.transmit(session.wrap(command)).refused()

    # -- content management --------------------------------------------------

    def get_status(self, scope, aid=b"", criteria=b""):
        """Entries of the registry by AID, and the answers that it took."""
        entries = {}
        answers = 0
        data = tlv(0x4F, aid) + criteria
        response = self.send(0xF2, scope, 0x02, data).must(OK, MORE, NO_DATA)
        while response.sw != NO_DATA:
            answers += 1
            need(answers <= 256, "GET STATUS has no end")
            for tag, value in objects(response.data):
                need(tag == 0xE3, "GET STATUS gives an object %X" % tag)
                fields = objects(value)
                names = [t for t, _ in fields]
                need(names and names[0] == 0x4F, "no AID in " + value.hex())
                entry = dict(reversed(fields))
                need(entry[0x4F] not in entries,
                     "%s twice" % entry[0x4F].hex())
                entry["fields"] = fields
                entries[entry[0x4F]] = entry
            if response.sw == OK:
                break
            response = self.send(0xF2, scope, 0x03, data).must(OK, MORE)
        return entries, answers

    def state(self, aid, scope=0x40):
        """The life cycle state of an entry, or None."""
        entries, _ = self.get_status(scope, aid)
        entry = entries.get(aid)
        if entry is None:
            return None
        need(0x9F70 in entry, "no life cycle state of " + aid.hex())
        return entry[0x9F70][0]

    def card_state(self):
        entries, _ = self.get_status(0x80)
        need(len(entries) == 1, "%d issuer security domains" % len(entries))
        return list(entries.values())[0][0x9F70][0]

    def install(self, how, load_file, module, instance, privileges=b"\0",
                parameters=b"\xC9\0"):
        """INSTALL [install] 04, [make selectable] 08, or both 0C."""
        return self.send(0xE6, how, 0x00, lv(load_file) + lv(module)
                         + lv(instance) + lv(privileges) + lv(parameters)
                         + lv(b""))

    def install_for_personalisation(self, aid):
        return self.send(0xE6, 0x20, 0x00, b"\0\0" + lv(aid) + b"\0\0\0")

    def store_data(self, data, number=0, last=True, p1=0x10):
        return self.send(0xE2, p1 | (0x80 if last else 0), number, data)

    def delete(self, aid, related=False):
        return self.send(0xE4, 0x00, 0x80 if related else 0, tlv(0x4F, aid))

    def delete_keys(self, kvn):
        return self.send(0xE4, 0x00, 0x00, tlv(0xD2, bytes([kvn])))

    def set_status(self, scope, state, aid=b""):
        return self.send(0xF0, scope, state, aid)

    def put_keys(self, old, kvn, keys, values=None, dek=None):
        """PUT KEY of the three keys; values overrules the check values."""
        data = bytes([kvn])
        for i, key in enumerate((keys.enc, keys.mac, keys.dek)):
            value = values[i] if values else check_value(key)
            wrapped = (dek or self.card.keys).wrap(key)
            data += (b"\x88" + lv(bytes([len(key)]) + wrapped) + lv(value))
        return self.send(0xD8, old, 0x81, data)


def expected_challenge(keys, opening, aid=ISD):
    return pseudo_random(keys.enc, opening.counter, aid)
