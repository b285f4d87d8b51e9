# SPDX-License-Identifier: Apache-2.0
"""What a card tells to anybody: SELECT and GET DATA.

GlobalPlatform Card Specification 2.3.1, 11.3, 11.9 and annex H.
"""

from gpcard import ISD, NO_DATA, OK, SECURITY, need
from harness import check
from iso7816 import lv, objects, only, tlv, values

GLOBALPLATFORM = bytes.fromhex("2A864886FC6B")
AES = 0x88


def fci(response):
    """The AID of an FCI of a security domain."""
    body = only(response.data, 0x6F)
    need([t for t, _ in objects(body)] == [0x84, 0xA5], "FCI " + body.hex())
    proprietary = values(body, 0xA5)[0]
    longest = values(proprietary, 0x9F65)
    need(len(longest) == 1 and len(longest[0]) in (1, 2)
         and any(longest[0]), "no 9F65 in " + proprietary.hex())
    return values(body, 0x84)[0]


@check("SELECT the issuer security domain")
def select(card):
    need(fci(card.select().must()) == ISD, "another AID")


@check("SELECT without an AID gives the issuer security domain")
def select_nothing(card):
    need(fci(card.select(b"").must()) == ISD, "another AID")


@check("SELECT by the beginning of the AID")
def select_partly(card):
    need(fci(card.select(ISD[:5]).must()) == ISD, "another AID")


@check("SELECT an AID that is not there")
def select_absent(card):
    card.select(bytes.fromhex("D276000085FF")).must(0x6A82)
    need(fci(card.select().must()) == ISD, "another AID")


@check("after a reset the issuer security domain is selected")
def default(card):
    data = card.get_data(0x66).must().data
    card.select().must()
    need(card.get_data(0x66).must().data == data, "another 66")


@check("GET DATA 66, card data")
def card_data(card):
    card.select().must()
    _, opening = card.update()
    card.select().must()
    data = only(only(card.get_data(0x66).must().data, 0x66), 0x73)
    fields = objects(data)
    need(fields[0] == (0x06, GLOBALPLATFORM + b"\x01"),
         "not a GlobalPlatform card: " + data.hex())
    version = only(values(data, 0x60)[0], 0x06)
    need(version.startswith(GLOBALPLATFORM + b"\x02\x02"), "no version")
    need(only(values(data, 0x63)[0], 0x06) == GLOBALPLATFORM + b"\x03",
         "no identification scheme")
    protocols = [only(v, 0x06) for v in values(data, 0x64)]
    need(GLOBALPLATFORM + bytes([4, 3, opening.i]) in protocols,
         "no SCP03 i=%02X in %s" % (opening.i, data.hex()))


@check("GET DATA 67, card capabilities")
def capabilities(card):
    card.select().must()
    _, opening = card.update()
    data = only(card.get_data(0x67).must().data, 0x67)
    protocols = [dict(objects(v)) for v in values(data, 0xA0)]
    ours = [p for p in protocols if p.get(0x80) == b"\x03"]
    need(len(ours) == 1, "no SCP03 in " + data.hex())
    need(opening.i in ours[0].get(0x81, b""), "another i than %02X in %s"
         % (opening.i, data.hex()))
    need(ours[0].get(0x82, b"\0")[0] & 1, "no AES-128 in " + data.hex())


def key_sets(card):
    """{version: {identifier: (type, length)}} of GET DATA E0."""
    found = {}
    for tag, value in objects(only(card.get_data(0xE0).must().data, 0xE0)):
        need(tag == 0xC0 and len(value) == 4, "key information "
             + value.hex())
        found.setdefault(value[1], {})[value[0]] = (value[2], value[3])
    return found


@check("GET DATA E0, key information")
def key_information(card):
    card.select().must()
    _, opening = card.update()
    found = key_sets(card)
    need(opening.kvn in found, "version %02X is missing" % opening.kvn)
    for kvn, keys in found.items():
        need(keys == dict.fromkeys((1, 2, 3), (AES, 16)),
             "version %02X: %s" % (kvn, keys))


@check("GET DATA 9F7F, production life cycle")
def production(card):
    card.select().must()
    data = only(card.get_data(0x9F7F).must().data, 0x9F7F)
    need(len(data) == 0x2A, "%d bytes" % len(data))


@check("GET DATA CF and C1 are those of INITIALIZE UPDATE")
def diversification(card):
    card.select().must()
    _, opening = card.update()
    card.select().must()
    need(only(card.get_data(0xCF).must().data, 0xCF) == opening.kdd,
         "another CF than " + opening.kdd.hex())
    counter = only(card.get_data(0xC1).must().data, 0xC1)
    need(counter == opening.counter, "C1 is %s after %s" % (
        counter.hex(), opening.counter.hex()))


@check("GET DATA 42", 0x42)
@check("GET DATA 45", 0x45)
def number(card, tag):
    card.select().must()
    response = card.get_data(tag).must(OK, NO_DATA)
    if response.sw == OK:
        only(response.data, tag)


@check("GET DATA FF21, extended card resources (ETSI TS 102 226 8.2.1.7.2)")
def resources(card):
    card.select().must()
    body = only(card.get_data(0xFF21).must().data, 0xFF21)
    need([t for t, _ in objects(body)] == [0x81, 0x82, 0x83], body.hex())
    need(all(v for _, v in objects(body)), "an empty number")


@check("GET DATA in class 00 is that in class 80")
def interindustry(card):
    card.select().must()
    for tag in (0x66, 0x67, 0xE0, 0xCF, 0x9F7F):
        one = card.get_data(tag, base=0x00).must().data
        need(one == card.get_data(tag).must().data, "other %X" % tag)


@check("GET DATA of an unknown tag")
def unknown_tag(card):
    card.select().must()
    card.get_data(0x5F2D).must(NO_DATA)


@check("an unknown instruction")
def unknown_instruction(card):
    card.select().must()
    card.send(0x80, 0xFE, 0, 0).must(0x6D00)
    card.send(0x00, 0xB0, 0, 0).must(0x6D00)


@check("an unknown class")
def unknown_class(card):
    card.select().must()
    card.transmit(bytes.fromhex("FFCA006600")).must(0x6E00)
    card.transmit(bytes.fromhex("20CA006600")).must(0x6E00)


@check("management needs a session")
def needs_session(card):
    card.select().must()
    for ins, p1, p2, data in (
            (0xF2, 0x80, 0x02, tlv(0x4F, b"")), (0xE4, 0, 0, tlv(0x4F, ISD)),
            (0xE6, 0x20, 0, b"\0\0" + lv(ISD) + b"\0\0\0"),
            (0xE2, 0x90, 0, tlv(0x42, b"\1")), (0xF0, 0x80, 0x07, ISD),
            (0xD8, 0, 0x81, b"\2")):
        card.send(0x80, ins, p1, p2, data).must(*SECURITY)
    # Nor does INITIALIZE UPDATE alone open one.
    card.update()
    card.send(0x80, 0xF2, 0x80, 0x02, tlv(0x4F, b"")).must(*SECURITY)
