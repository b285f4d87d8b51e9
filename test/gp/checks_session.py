# SPDX-License-Identifier: Apache-2.0
"""Secure Channel Protocol 03: how a session begins, holds and ends.

GlobalPlatform Card Specification, Amendment D 1.1.2; 5.6 has the rules by
which a session is ended.
"""

import os

from gpcard import (ISD, NO_DATA, SECURITY, Secured, Skip,
                    expected_challenge, need)
from harness import check
from iso7816 import tlv
from scp03 import LEVELS, PSEUDO_RANDOM, Session, pad

ALL = tlv(0x4F, b"")
CHAINED = 0x10


@check("INITIALIZE UPDATE has the form of SCP03")
def initialize_update(card):
    card.select().must()
    _, opening = card.update()
    need(opening.scp == 3, "SCP%02X" % opening.scp)
    need(1 <= opening.kvn <= 0x7F or opening.kvn == 0xFF,
         "version %02X" % opening.kvn)
    need(not opening.i & ~0x70, "i=%02X" % opening.i)
    need(bool(opening.counter) == bool(opening.i & PSEUDO_RANDOM),
         "i=%02X with a counter of %d bytes" % (opening.i,
                                                len(opening.counter)))
    need(opening.i & 0x60 == 0x60, "no R-MAC or R-ENC: i=%02X" % opening.i)


@check("INITIALIZE UPDATE tells the card's cryptogram")
def cryptogram(card):
    card.select().must()
    for _ in range(3):
        card.begin()


@check("the card's challenge comes from its counter and the ISD's AID")
def challenge(card):
    card.select().must()
    for _ in range(3):
        _, opening = card.update()
        if not opening.i & PSEUDO_RANDOM:
            raise Skip("i=%02X: the challenge is random" % opening.i)
        wanted = expected_challenge(card.keys, opening)
        need(opening.challenge == wanted, "challenge %s, not %s" % (
            opening.challenge.hex(), wanted.hex()))


@check("the sequence counter never repeats")
def counter(card):
    # Card.count() complains of one that does.
    for how in ("again", "reset", "power", "session", "failed", "again"):
        if how in ("reset", "power"):
            card.reset(power=how == "power")
        card.select().must()
        if how == "session":
            card.begin().authenticate(0x33).must()
        elif how == "failed":
            card.begin().authenticate(0x33)
        else:
            card.update()


@check("INITIALIZE UPDATE of a wrong form")
def initialize_update_form(card):
    card.select().must()
    host = os.urandom(8)
    card.send(0x80, 0x50, 0x55, 0, host).must(NO_DATA)
    card.send(0x80, 0x50, 0, 0x05, host).must(0x6A86, NO_DATA)
    card.send(0x80, 0x50, 0, 0, host[:7]).must(0x6700, 0x6A80)
    card.send(0x80, 0x50, 0, 0).must(0x6700, 0x6A80)
    card.begin().authenticate(0x01).must()


@check("a wrong host cryptogram")
def wrong_cryptogram(card):
    card.select().must()
    secured = card.begin()
    bad = bytes([secured.session.host_cryptogram[0] ^ 1])
    bad += secured.session.host_cryptogram[1:]
    response = card.transmit(secured.authentication(0x33, bad))
    response.must(0x6300)
    need(not response.data, "data with 6300")
    secured.must_be_over()


@check("EXTERNAL AUTHENTICATE with a wrong MAC")
def wrong_mac(card):
    card.select().must()
    for i in (-1, -8):
        secured = card.begin()
        apdu = bytearray(secured.authentication(0x33))
        apdu[i] ^= 1
        response = card.transmit(bytes(apdu))
        response.must(0x6300, *SECURITY)
        secured.must_be_over()


@check("EXTERNAL AUTHENTICATE of another level than the MAC's")
def wrong_level(card):
    card.select().must()
    secured = card.begin()
    apdu = bytearray(secured.authentication(0x33))
    apdu[2] = 0x01
    card.transmit(bytes(apdu)).must(0x6300, *SECURITY)
    secured.must_be_over()


@check("EXTERNAL AUTHENTICATE serves once")
def once(card):
    card.select().must()
    secured = card.begin()
    apdu = secured.authentication(0x01)
    bad = bytearray(apdu)
    bad[-1] ^= 1
    card.transmit(bytes(bad)).must(0x6300, *SECURITY)
    card.transmit(apdu).must(*SECURITY)
    secured.must_be_over()
    secured = card.begin()
    apdu = secured.authentication(0x01)
    card.transmit(apdu).must()
    card.transmit(apdu).must(*SECURITY)


@check("EXTERNAL AUTHENTICATE without INITIALIZE UPDATE")
def without_update(card):
    card.select().must()
    secured = card.begin()
    card.select().must()
    card.transmit(secured.authentication(0x01)).must(*SECURITY)
    card.reset()
    card.select().must()
    card.transmit(bytes.fromhex("8482010010") + bytes(16)).must(*SECURITY)


@check("a level that the protocol does not know", 0x02)
@check("a level of R-ENC without C-ENC", 0x31)
def bad_level(card, level):
    card.select().must()
    secured = card.begin()
    secured.authenticate(level).refused()
    secured.must_be_over()


def each_level(card, level):
    secured = card.open(level)
    for _ in range(2):
        # With data and without, with an answer and with an error.
        secured.send(0xF2, 0x80, 0x02, ALL).must()
        secured.send(0xCA, 0x00, 0x66, b"").must()
        secured.send(0xF2, 0x80, 0x02, tlv(0x4F, b"\xD2" * 5)).must(NO_DATA)
        secured.send(0xCA, 0x5F, 0x2D, b"").must(NO_DATA)
    need(secured.send(0xCA, 0x00, 0x66, b"").must().data
         == secured.send(0xCA, 0x00, 0x66, b"", base=0x00).must().data,
         "another 66 in class 04")


for one in LEVELS:
    check("a session of level %02X" % one, one)(each_level)


@check("commands of any length, at each level")
def lengths(card):
    for level in LEVELS:
        secured = card.open(level)
        # 239 bytes are the most that a short command has with C-ENC.
        for n in (1, 15, 16, 17, 100, 239, 240, 247, 248, 300):
            secured.send(0xFE, 0, 0, b"\x5A" * n).must(0x6D00)
        secured.send(0xF2, 0x80, 0x02, ALL).must()


def chain(apdu, size):
    """A command with an Lc of three bytes as a chain of short ones."""
    data, tail = apdu[7:-2], apdu[-1:]
    parts = [data[i:i + size] for i in range(0, len(data), size)]
    head = apdu[1:4]
    links = [bytes([apdu[0] | CHAINED]) + head + bytes([len(p)]) + p
             for p in parts[:-1]]
    return links, apdu[:1] + head + bytes([len(parts[-1])]) + parts[-1] + tail


@check("a command in a chain has one MAC, at each level")
def chained(card):
    for level in LEVELS:
        secured = card.open(level)
        for size in (255, 100):
            links, last = chain(secured.session.wrap(secured.command(
                0xFE, 0, 0, b"\x5A" * 400)), size)
            for link in links:
                card.transmit(link).must()
            # Right, for it is known to be of an unknown instruction.
            secured.transmit(last).must(0x6D00)
        secured.send(0xF2, 0x80, 0x02, ALL).must()
        # A link is lost.
        links, last = chain(secured.session.wrap(secured.command(
            0xFE, 0, 0, b"\x5A" * 400)), 100)
        for link in links[1:]:
            card.transmit(link).must()
        card.transmit(last).must(*SECURITY)
        secured.must_be_over()


@check("extended length, at each level")
def extended(card):
    for level in LEVELS:
        secured = card.open(level)
        one = secured.send(0xCA, 0x00, 0x66, b"").must().data
        need(secured.send(0xCA, 0x00, 0x66, b"", le=65536).must().data
             == one, "another 66 with an extended Le")
        two = secured.send(0xF2, 0x80, 0x02, ALL).must().data
        need(secured.send(0xF2, 0x80, 0x02, ALL, le=65536).must().data
             == two, "another registry with an extended Le")


@check("commands of a wrong form do not end a session")
def forms(card):
    for level in LEVELS:
        secured = card.open(level)
        secured.send(0xFE, 0, 0, b"").must(0x6D00)
        secured.send(0xF2, 0x01, 0x02, ALL).must(0x6A86)
        secured.send(0xF2, 0x80, 0x02, b"\x4F\x05\x01").must(0x6A80)
        secured.send(0xF2, 0x80, 0x02, ALL).must()


def broken(card, level, change):
    """Sends the second command of a session after change() had it."""
    secured = card.open(level)
    secured.send(0xF2, 0x80, 0x02, ALL).must()
    apdu = secured.session.wrap(secured.command(0xF2, 0x80, 0x02, ALL))
    card.transmit(change(secured, apdu)).must(*SECURITY)
    secured.must_be_over()


def flip(i):
    def change(_, apdu):
        bad = bytearray(apdu)
        bad[i] ^= 1
        return bytes(bad)
    return change


def of_all_levels(function, *arguments):
    for level in LEVELS:
        function(*arguments[:1], level, *arguments[1:])


@check("a wrong MAC ends the session", flip(-2))
@check("a changed byte of data ends the session", flip(5))
@check("another P2 than the MAC's ends the session", flip(3))
@check("another instruction than the MAC's ends the session", flip(1))
@check("a cut MAC ends the session",
       lambda _, apdu: (apdu[:4] + bytes([apdu[4] - 1]) + apdu[5:-2]
                        + apdu[-1:]))
@check("a MAC of three bytes ends the session",
       lambda _, apdu: apdu[:4] + b"\3" + apdu[-4:])
@check("the class of secure messaging without a MAC ends the session",
       lambda _, apdu: apdu[:4] + apdu[-1:])
def changed(card, change):
    of_all_levels(broken, card, change)


@check("another class than the MAC's ends the session")
def changed_class(card):
    for level in LEVELS:
        secured = card.open(level)
        apdu = secured.session.wrap(secured.command(0xCA, 0x00, 0x66, b""))
        card.transmit(b"\x04" + apdu[1:]).must(*SECURITY)
        secured.must_be_over()


@check("a command that came already ends the session")
def replayed(card):
    for level in LEVELS:
        secured = card.open(level)
        apdu = secured.session.wrap(secured.command(0xF2, 0x80, 0x02, ALL))
        secured.transmit(apdu).must()
        card.transmit(apdu).must(*SECURITY)
        secured.must_be_over()


@check("a command that was dropped ends the session")
def dropped(card):
    for level in LEVELS:
        secured = card.open(level)
        secured.session.wrap(secured.command(0xF2, 0x80, 0x02, ALL))
        secured.transmit(secured.session.wrap(secured.command(
            0xF2, 0x80, 0x02, ALL))).must(*SECURITY)
        secured.must_be_over()


@check("a command of an older session ends the session")
def older(card):
    for level in LEVELS:
        before = card.open(level)
        secured = card.open(level)
        card.transmit(before.session.wrap(before.command(
            0xF2, 0x80, 0x02, ALL))).must(*SECURITY)
        secured.must_be_over()


@check("clear GET STATUS ends the session", 0xF2, 0x80, 0x02, ALL)
@check("clear GET DATA ends the session", 0xCA, 0x00, 0x66, b"")
def clear(card, ins, p1, p2, data):
    for level in LEVELS:
        secured = card.open(level)
        secured.send(0xF2, 0x80, 0x02, ALL).must()
        card.send(0x80, ins, p1, p2, data).must(*SECURITY)
        secured.must_be_over()


@check("data in clear under C-ENC are refused", lambda _: ALL)
@check("bad padding under C-ENC is refused",
       lambda session: session.encrypt(bytes(16)))
def bad_encryption(card, make):
    for level in (0x03, 0x13, 0x33):
        secured = card.open(level)
        session = secured.session
        session.counter += 1
        data = make(session)
        command = secured.command(0xF2, 0x80, 0x02, data)
        secured.transmit(session.seal(command, data)).refused()


@check("C-ENC of a counter that was not incremented is refused")
def stale_counter(card):
    for level in (0x03, 0x13, 0x33):
        secured = card.open(level)
        session = secured.session
        secured.send(0xCA, 0x00, 0x66, b"").must()
        # As if GET DATA had not been counted, for it has no data.
        data = session.encrypt(pad(ALL))
        command = secured.command(0xF2, 0x80, 0x02, data)
        secured.transmit(session.seal(command, data)).refused()


@check("SELECT ends the session")
def select_ends(card):
    for aid in (ISD, b"", bytes.fromhex("F04A49414F5A4901")):
        secured = card.open(0x33)
        card.select(aid).must()
        card.transmit(secured.session.wrap(secured.command(
            0xF2, 0x80, 0x02, ALL))).refused()
        card.select().must()
        secured.must_be_over()


@check("INITIALIZE UPDATE ends the session")
def update_ends(card):
    secured = card.open(0x33)
    card.update()
    secured.must_be_over()


@check("a reset ends the session", False)
@check("power off ends the session", True)
def reset_ends(card, power):
    secured = card.open(0x33)
    card.reset(power)
    card.transmit(secured.session.wrap(secured.command(
        0xF2, 0x80, 0x02, ALL))).refused()
    card.select().must()
    secured.must_be_over()


@check("a wrong set of keys opens no session")
def wrong_keys(card):
    card.select().must()
    wrong = type(card.keys)(*[bytes([k[0] ^ 1]) + k[1:] for k in (
        card.keys.enc, card.keys.mac, card.keys.dek)])
    host, opening = card.update()
    session = Session(wrong, host, opening.challenge)
    need(session.card_cryptogram != opening.cryptogram, "wrong keys fit")
    secured = Secured(card, session, 0, opening)
    secured.authenticate(0x01).must(0x6300, *SECURITY)
    secured.must_be_over()
