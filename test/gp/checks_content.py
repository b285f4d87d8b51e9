# SPDX-License-Identifier: Apache-2.0
"""The registry: GET STATUS, INSTALL, DELETE, personalisation.

GlobalPlatform Card Specification 2.3.1, 11.2, 11.4, 11.5 and 11.11.  What is
installed and deleted is a second instance of a class that the card has.
"""

from gpcard import ISD, MORE, NO_DATA, NOT_FOUND, OK, Skip, need
from harness import check
from iso7816 import lv, only, tlv
from scp03 import LEVELS

PURSE = bytes.fromhex("F04A49414F5A4901")
SECOND = PURSE + b"\x99"
# The applet of docs/applet.md, when its plug-in is on the card; its parameters
# are a limit of tries and a PIN.
COUNTER = b"\xF0COUNT"
COUNTER_PARAMETERS = tlv(0xC9, b"\x03" + b"1234")
OTHERS = [PURSE + bytes([n]) for n in range(0xA0, 0xC0)]
INSTALLED = 0x03
SELECTABLE = 0x07
SD = 0x80
DEFAULT_SELECTED = b"\x04"


def load_file(secured):
    """The load file that has the purse's class."""
    files, _ = secured.get_status(0x10)
    for aid, entry in files.items():
        if PURSE in [v for t, v in entry["fields"] if t == 0x84]:
            return aid
    raise Skip("no load file has the class " + PURSE.hex())


def add(secured, aid=SECOND, how=0x0C, privileges=b"\0"):
    return secured.install(how, load_file(secured), PURSE, aid, privileges)


def add_small(secured, aid):
    """An instance of the class that takes least of the card's memory."""
    files, _ = secured.get_status(0x10, COUNTER)
    if COUNTER in files:
        return secured.install(0x0C, COUNTER, COUNTER, aid,
                               parameters=COUNTER_PARAMETERS)
    return add(secured, aid)


def removed(card, level=0x01, aids=(SECOND,)):
    """A session in which these instances are not on the card."""
    secured = card.open(level)
    for aid in aids:
        secured.delete(aid).must(OK, NO_DATA)
    return secured


def apps(secured, aid=b""):
    return secured.get_status(0x40, aid)[0]


# ---- GET STATUS -----------------------------------------------------------

def registry(card, level):
    secured = card.open(level)
    domains, _ = secured.get_status(0x80)
    need(list(domains) == [ISD], "not one ISD")
    need(domains[ISD][0x9F70][0] in (0x01, 0x07, 0x0F), "card state")
    need(domains[ISD][0xC5][0] & SD, "the ISD is no security domain")
    applications = apps(secured)
    need(ISD not in applications, "the ISD is shown as an application")
    files, _ = secured.get_status(0x20)
    need(files, "no load files")
    modules, _ = secured.get_status(0x10)
    need(set(files) == set(modules), "other load files with modules")
    for aid, entry in applications.items():
        need(len(entry.get(0x9F70, b"")) in (1, 2), "no life cycle state")
        need(len(entry.get(0xC5, b"")) in (1, 3), "no privileges")
        need(entry.get(0xC4, b"") in files, "%s is of no load file that is"
             " there" % aid.hex())
    for aid, entry in modules.items():
        need(entry.get(0x9F70, b"")[:1] == b"\1", "a load file's state")
        need(0x84 in entry and 0x84 not in files[aid], "modules")


for one in LEVELS:
    check("GET STATUS at level %02X" % one, one)(registry)


@check("GET STATUS by AID")
def by_aid(card):
    secured = removed(card)
    add(secured).must()
    need(set(apps(secured, SECOND)) == {SECOND}, "not the one asked for")
    some = apps(secured, PURSE)
    need(SECOND in some and all(a.startswith(PURSE) for a in some),
         "not those that begin so")
    secured.send(0xF2, 0x40, 0x02, tlv(0x4F, SECOND + b"\1")).must(NO_DATA)
    secured.delete(SECOND).must()


@check("GET STATUS with a list of tags")
def tag_list(card):
    secured = card.open()
    asked = {0x4F, 0x9F70, 0xC5}
    entries, _ = secured.get_status(
        0x80, criteria=tlv(0x5C, bytes.fromhex("4F9F70C5")))
    need(asked <= set(entries[ISD]), "not what was asked for")
    extra = {t for t, _ in entries[ISD]["fields"]} - asked
    need(not extra, "not asked for: " + " ".join("%X" % t for t in extra))


@check("GET STATUS of a wrong form")
def wrong_form(card):
    secured = card.open()
    for p1 in (0x00, 0x01, 0x08):
        secured.send(0xF2, p1, 0x02, tlv(0x4F, b"")).must(0x6A86)
    for data in (b"", b"\x4F", b"\x4F\x01", tlv(0x5C, b"\x4F"),
                 tlv(0x4F, bytes(17))):
        secured.send(0xF2, 0x40, 0x02, data).must(0x6A80, 0x6700, NO_DATA)
    # There is no next one of nothing.
    secured.send(0xF2, 0x40, 0x03, tlv(0x4F, b"")).refused()


def continued(card, level):
    """As many instances as there is room for, up to where one answer ends."""
    secured = removed(card, level, OTHERS)
    secured.delete(SECOND).must(OK, NO_DATA)
    before = set(apps(secured))
    added = []
    answers = 1
    for aid in OTHERS:
        if add_small(secured, aid).sw != OK:
            break
        added.append(aid)
        now, answers = secured.get_status(0x40)
        need(set(now) == before | set(added), "not what was installed")
        if answers > 2:
            break
    for aid in added:
        secured.delete(aid).must()
    need(set(apps(secured)) == before, "not what was there before")
    if answers == 1:
        raise Skip("%d applications fit one answer, and there is no room"
                   " for more" % (len(before) + len(added)))


for one in LEVELS:
    check("GET STATUS goes on at level %02X" % one, one)(continued)


@check("GET STATUS, next occurrence of other criteria")
def other_criteria(card):
    secured = removed(card, aids=OTHERS)
    added = []
    response = None
    for aid in OTHERS:
        if add_small(secured, aid).sw != OK:
            break
        added.append(aid)
        response = secured.send(0xF2, 0x40, 0x02, tlv(0x4F, b""))
        if response.sw == MORE:
            break
    more = response is not None and response.sw == MORE
    if more:
        # Of another scope, and of other criteria: no next one.
        secured.send(0xF2, 0x80, 0x03, tlv(0x4F, b"")).refused()
        secured.send(0xF2, 0x40, 0x02, tlv(0x4F, b"")).must(MORE)
        secured.send(0xF2, 0x40, 0x03, tlv(0x4F, COUNTER)).refused()
    for aid in added:
        secured.delete(aid).must()
    if not more:
        raise Skip("all fit one answer")


# ---- INSTALL and DELETE ---------------------------------------------------

def install_delete(card, level):
    secured = removed(card, level)
    card_says = add(secured).must().data
    need(card_says in (b"", b"\0"), "a receipt: " + card_says.hex())
    entry = apps(secured, SECOND)[SECOND]
    need(entry[0x9F70][0] == SELECTABLE, "state %02X" % entry[0x9F70][0])
    need(entry[0xC4] == load_file(secured), "of another load file")
    need(not any(entry[0xC5]), "privileges " + entry[0xC5].hex())
    card.select(SECOND).must()
    card.reset(power=True)
    card.select(SECOND).must()
    secured = card.open(level)
    need(secured.state(SECOND) == SELECTABLE, "gone after a reset")
    need(secured.delete(SECOND).must().data in (b"", b"\0"), "a receipt")
    need(SECOND not in apps(secured), "still in the registry")
    secured.delete(SECOND).must(NO_DATA)
    card.select(SECOND).must(NOT_FOUND)
    card.reset()
    card.select(SECOND).must(NOT_FOUND)


for one in LEVELS:
    check("INSTALL and DELETE at level %02X" % one, one)(install_delete)


@check("INSTALL [for install], then [for make selectable]")
def two_steps(card):
    secured = removed(card)
    add(secured, how=0x04).must()
    need(secured.state(SECOND) == INSTALLED, "not INSTALLED")
    card.select(SECOND).must(NOT_FOUND)
    secured = card.open()
    secured.install(0x08, b"", b"", SECOND, parameters=b"").must()
    need(secured.state(SECOND) == SELECTABLE, "not SELECTABLE")
    card.select(SECOND).must()
    secured = card.open()
    secured.install(0x08, b"", b"", PURSE + b"\xEE",
                    parameters=b"").refused()
    secured.delete(SECOND).must()


@check("INSTALL of an AID that is there")
def twice(card):
    secured = removed(card)
    add(secured).must()
    before = apps(secured)
    add(secured).refused()
    add(secured, ISD).refused()
    need(apps(secured) == before, "the registry is another")
    secured.delete(SECOND).must()


@check("INSTALL of a class that is not there")
def no_class(card):
    secured = removed(card)
    absent = bytes.fromhex("D276000085FE")
    secured.install(0x0C, absent, absent, SECOND).refused()
    secured.install(0x0C, load_file(secured), absent, SECOND).refused()
    need(SECOND not in apps(secured), "in the registry")


@check("INSTALL of a wrong form changes nothing")
def install_form(card):
    secured = removed(card)
    name = load_file(secured)
    good = (lv(name) + lv(PURSE) + lv(SECOND) + lv(b"\0") + lv(b"\xC9\0")
            + b"\0")
    for n in range(len(good)):
        secured.send(0xE6, 0x0C, 0, good[:n]).refused()
    secured.send(0xE6, 0x0C, 0, good + b"\0").refused()
    secured.send(0xE6, 0x0C, 0, lv(name) + lv(PURSE) + lv(PURSE[:4])
                 + lv(b"\0") + lv(b"\xC9\0") + b"\0").refused()
    secured.send(0xE6, 0x0C, 0, lv(name) + lv(PURSE) + lv(SECOND)
                 + lv(b"\0\0") + lv(b"\xC9\0") + b"\0").refused()
    secured.send(0xE6, 0x0C, 0, lv(name) + lv(PURSE) + lv(SECOND)
                 + lv(b"\0") + lv(b"\xC9\5\0") + b"\0").refused()
    secured.send(0xE6, 0x0C, 1, good).refused()
    secured.send(0xE6, 0x01, 0, good).refused()
    need(SECOND not in apps(secured), "in the registry")
    secured.send(0xE6, 0x0C, 0, good).must()
    secured.delete(SECOND).must()


@check("INSTALL with the privilege of default selection")
def default_selected(card):
    secured = removed(card)
    response = add(secured, privileges=DEFAULT_SELECTED)
    if response.sw != OK:
        raise Skip(response.told())
    need(apps(secured, SECOND)[SECOND][0xC5][0] & DEFAULT_SELECTED[0],
         "no such privilege in the registry")
    card.reset()
    # The ISD does not answer any more without SELECT.
    card.get_data(0x66).refused()
    secured = card.open()
    secured.delete(SECOND).must()
    card.reset()
    card.get_data(0x66).must()


@check("DELETE what is not there")
def delete_absent(card):
    secured = removed(card)
    before = apps(secured)
    secured.delete(PURSE + b"\xEE").must(NO_DATA)
    # An AID is deleted whole, not by its beginning.
    secured.delete(PURSE[:5]).must(NO_DATA)
    need(apps(secured) == before, "the registry is another")


@check("DELETE of the issuer security domain")
def delete_isd(card):
    secured = card.open()
    secured.delete(ISD).refused()
    secured.delete(ISD, related=True).refused()
    secured.get_status(0x80)


@check("DELETE of a wrong form changes nothing")
def delete_form(card):
    secured = removed(card)
    add(secured).must()
    for data in (b"", b"\x4F", b"\x4F\x09" + SECOND[:-1], b"\x4F\0",
                 tlv(0x50, SECOND), tlv(0x4F, SECOND) + b"\0"):
        secured.send(0xE4, 0, 0, data).refused()
    secured.send(0xE4, 0x01, 0, tlv(0x4F, SECOND)).refused()
    secured.send(0xE4, 0, 0x01, tlv(0x4F, SECOND)).refused()
    need(secured.state(SECOND) == SELECTABLE, "not as before")
    secured.delete(SECOND).must()


@check("DELETE of what is selected on another channel")
def delete_in_use(card):
    secured = removed(card)
    add(secured).must()
    channel = card.open_channel().must().data[0]
    card.select(SECOND, channel).must()
    secured = card.open()
    secured.delete(SECOND).must(0x6985)
    need(secured.state(SECOND) == SELECTABLE, "not as before")
    card.close_channel(channel).must()
    secured = card.open()
    secured.delete(SECOND).must()


# ---- personalisation ------------------------------------------------------

def personalise(card, level):
    secured = removed(card, level)
    add(secured).must()
    secured.install_for_personalisation(SECOND).must()
    # The purse makes its key pair, and answers with the public key.
    first = secured.store_data(tlv(0x7F49, b""), 0, last=False, p1=0x11)
    point = only(only(first.must().data, 0x7F49), 0x86)
    need(len(point) == 65 and point[0] == 4, "a point " + point.hex())
    # A block out of order.
    secured.store_data(tlv(0x7F49, b""), 5, last=False, p1=0x11).refused()
    secured.delete(SECOND).must()


for one in LEVELS:
    check("INSTALL [for personalisation], STORE DATA at level %02X" % one,
          one)(personalise)


@check("INSTALL [for personalisation] of what is not there")
def personalise_absent(card):
    secured = removed(card)
    secured.install_for_personalisation(SECOND).refused()


@check("the purse takes no STORE DATA of its own")
def side_door(card):
    secured = removed(card)
    add(secured).must()
    card.select(SECOND).must()
    card.send(0x80, 0xE2, 0x11, 0x00, tlv(0x7F49, b"")).refused()
    secured = card.open()
    secured.delete(SECOND).must()


@check("STORE DATA: issuer and card number", 0x42, b"\x12\x34\x56")
@check("STORE DATA: card number", 0x45, b"\x01\x02\x03\x04\x05\x06\x07\x08")
def numbers(card, tag, value):
    secured = card.open(0x33)
    secured.store_data(tlv(tag, value)).must()
    need(only(secured.send(0xCA, 0, tag, b"").must().data, tag) == value,
         "another %02X" % tag)
    card.reset()
    card.select().must()
    need(only(card.get_data(tag).must().data, tag) == value,
         "another %02X after a reset" % tag)


@check("STORE DATA of a wrong form changes nothing")
def store_form(card):
    secured = card.open(0x33)
    secured.store_data(tlv(0x42, b"\x12\x34\x56")).must()
    for data in (b"", b"\x42", b"\x42\x05\x01", tlv(0x5F2D, b"\1"),
                 tlv(0x42, b"\x99") + b"\0"):
        secured.store_data(data).refused()
    # Blocks are numbered from 0.
    secured.store_data(tlv(0x42, b"\x99"), number=1).refused()
    need(only(secured.send(0xCA, 0, 0x42, b"").must().data, 0x42)
         == b"\x12\x34\x56", "another 42")
