# SPDX-License-Identifier: Apache-2.0
"""PUT KEY and DELETE [key].

GlobalPlatform Card Specification 2.3.1, 11.2 and 11.8, and Amendment D 1.1.2,
7.2 (the form of an AES key).
"""

import os

from checks_data import key_sets
from gpcard import NO_DATA, OK, Skip, need
from harness import check
from iso7816 import lv
from scp03 import LEVELS, Keys, check_value

INITIAL = 0xFF
FIRST = 0x01
NEW = 0x02
NEXT = 0x03
# GlobalPlatform 11.8.3.2: an invalid key check value.
BAD_VALUE = 0x9485
# An algorithm that the card does not have; a wrong form says it too.
BAD_TYPE = (0x9484, 0x6A80)


def fresh():
    return Keys(os.urandom(16), os.urandom(16), os.urandom(16))


def without(card, *versions, level=0x01):
    """A session in which the card has no such versions."""
    secured = card.open(level)
    for kvn in versions or (NEW, NEXT):
        secured.delete_keys(kvn).must(OK, NO_DATA)
        card.forget_counter(kvn)
    return secured


def add(secured, keys, old=0, kvn=NEW):
    data = secured.put_keys(old, kvn, keys).must().data
    wanted = bytes([kvn]) + b"".join(
        check_value(k) for k in (keys.enc, keys.mac, keys.dek))
    need(data == wanted, "PUT KEY tells %s, not %s" % (data.hex(),
                                                       wanted.hex()))


@check("PUT KEY takes the place of the initial keys")
def initial(card):
    secured = card.open(0x33)
    if secured.opening.kvn != INITIAL:
        raise Skip("the keys are version %02X" % secured.opening.kvn)
    keys = fresh()
    add(secured, keys, kvn=FIRST)
    # The session goes on, with the keys that it began with.
    secured.get_status(0x80)
    card.kvn, card.keys = FIRST, keys
    card.open(0x33).get_status(0x80)
    card.select().must()
    need(list(key_sets(card)) == [FIRST], "E0 after PUT KEY")
    card.send(0x80, 0x50, INITIAL, 0, os.urandom(8)).must(NO_DATA)
    card.reset(power=True)
    card.select().must()
    card.send(0x80, 0x50, INITIAL, 0, os.urandom(8)).must(NO_DATA)
    card.open(0x33).get_status(0x80)


def put_key(card, level):
    secured = without(card, level=level)
    keys = fresh()
    add(secured, keys)
    # The session goes on, with its own keys.
    secured.get_status(0x80)
    card.select().must()
    found = key_sets(card)
    need(NEW in found, "the new version is not in E0")
    card.open(level, NEW, keys=keys).get_status(0x80)
    # It is there after a reset, and the old one still works.
    card.reset(power=True)
    card.open(level, NEW, keys=keys).get_status(0x80)
    secured = card.open(level)
    secured.delete_keys(NEW).must()
    card.forget_counter(NEW)
    card.select().must()
    need(set(key_sets(card)) == set(found) - {NEW}, "E0 after DELETE")
    card.send(0x80, 0x50, NEW, 0, os.urandom(8)).must(NO_DATA)
    card.open(level).get_status(0x80)


for one in LEVELS:
    check("PUT KEY adds a version, DELETE takes it away, at level %02X"
          % one, one)(put_key)


@check("version 00 is one of those that are there")
def any_version(card):
    secured = without(card)
    add(secured, fresh())
    card.select().must()
    _, opening = card.update(kvn=0)
    found = key_sets(card)
    without(card)
    need(opening.kvn in found, "version %02X" % opening.kvn)


@check("PUT KEY replaces a version")
def replace(card):
    secured = without(card)
    one, two = fresh(), fresh()
    add(secured, one)
    add(secured, two, old=NEW, kvn=NEXT)
    card.select().must()
    found = key_sets(card)
    need(NEXT in found and NEW not in found, "E0 after replacing")
    card.open(0x33, NEXT, keys=two).get_status(0x80)
    card.select().must()
    card.send(0x80, 0x50, NEW, 0, os.urandom(8)).must(NO_DATA)
    secured = without(card)
    # By one of the same number, which has its own DEK then.
    add(secured, one)
    add(secured, two, old=NEW, kvn=NEW)
    card.forget_counter(NEW)
    card.open(0x33, NEW, keys=two).get_status(0x80)
    without(card)


@check("PUT KEY under the DEK of another version")
def other_dek(card):
    secured = without(card)
    one, two = fresh(), fresh()
    add(secured, one)
    secured = card.open(0x33, NEW, keys=one)
    # The DEK is the session's version's, not the first one's.
    wrong = secured.put_keys(0, NEXT, two)
    wrong.must(BAD_VALUE)
    secured.put_keys(0, NEXT, two, dek=one).must()
    card.open(0x01, NEXT, keys=two)
    without(card)


@check("PUT KEY with a wrong check value changes nothing")
def wrong_value(card):
    secured = without(card)
    keys = fresh()
    right = [check_value(k) for k in (keys.enc, keys.mac, keys.dek)]
    for i in range(3):
        wrong = list(right)
        wrong[i] = bytes([wrong[i][0] ^ 1]) + wrong[i][1:]
        secured.put_keys(0, NEW, keys, wrong).must(BAD_VALUE)
    card.select().must()
    need(NEW not in key_sets(card), "in E0")
    card.send(0x80, 0x50, NEW, 0, os.urandom(8)).must(NO_DATA)


@check("PUT KEY of a wrong form changes nothing")
def form(card):
    secured = without(card)
    keys = fresh()
    good = bytes([NEW])
    for key in (keys.enc, keys.mac, keys.dek):
        good += b"\x88" + lv(b"\x10" + card.keys.wrap(key))
        good += lv(check_value(key))
    for n in range(len(good)):
        secured.send(0xD8, 0, 0x81, good[:n]).refused()
    secured.send(0xD8, 0, 0x81, good + b"\0").refused()
    for kvn in (0x00, 0x80, 0xFF):
        secured.send(0xD8, 0, 0x81, bytes([kvn]) + good[1:]).refused()
    # A DES key, and an AES key of 24 bytes that has 16.
    secured.send(0xD8, 0, 0x81, good.replace(b"\x88\x11", b"\x80\x11")
                 ).must(*BAD_TYPE)
    secured.send(0xD8, 0, 0x81, good.replace(b"\x88\x11\x10",
                                             b"\x88\x11\x18")).refused()
    card.select().must()
    need(NEW not in key_sets(card), "in E0")


@check("PUT KEY of a version that is there, or in place of none")
def versions(card):
    secured = without(card)
    one, two = fresh(), fresh()
    secured.put_keys(NEW, NEXT, one).must(NO_DATA)
    add(secured, one)
    secured.put_keys(0, NEW, two).refused()
    card.open(0x33, NEW, keys=one).get_status(0x80)
    without(card)


@check("PUT KEY until there is no room")
def room(card):
    secured = without(card)
    added = []
    for kvn in range(0x10, 0x30):
        keys = fresh()
        response = secured.put_keys(0, kvn, keys)
        if response.sw != OK:
            response.must(0x6A84)
            break
        added.append((kvn, keys))
    need(added, "no room for one more")
    for kvn, keys in added:
        card.open(0x01, kvn, keys=keys).get_status(0x80)
    without(card, *[kvn for kvn, _ in added])


@check("DELETE [key] of none, and of the last one")
def delete_last(card):
    secured = without(card)
    secured.delete_keys(0x55).must(NO_DATA)
    card.select().must()
    found = list(key_sets(card))
    if len(found) != 1:
        raise Skip("there are other versions: %s" % found)
    secured = card.open()
    secured.delete_keys(found[0]).refused()
    card.open(0x33).get_status(0x80)
