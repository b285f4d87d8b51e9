# SPDX-License-Identifier: Apache-2.0
"""Life cycles of applications and of the card.

GlobalPlatform Card Specification 2.3.1, 5.1, 5.3 and 11.10.  The card's own
states come last: there is no way back from most.
"""

from checks_content import PURSE, SECOND, add, apps, load_file, removed
from gpcard import ISD, LOCKED, NO_DATA, OK, SECURITY, need
from harness import check
from iso7816 import lv, tlv
from scp03 import LEVELS

OP_READY = 0x01
INITIALIZED = 0x07
SECURED = 0x0F
CARD_LOCKED = 0x7F
TERMINATED = 0xFF
SELECTABLE = 0x07
LOCK = 0x80
CARD = 0x80
APPLICATION = 0x40


def lock_application(card, level):
    secured = removed(card, level)
    add(secured).must()
    secured.set_status(APPLICATION, SELECTABLE | LOCK, SECOND).must()
    need(secured.state(SECOND) & 0x83 == 0x83, "not LOCKED")
    card.select(SECOND).refused()
    card.reset()
    card.select(SECOND).refused()
    # Another instance of its class is not locked.
    card.select(PURSE).must()
    secured = card.open(level)
    need(secured.state(SECOND) & 0x83 == 0x83, "not LOCKED after a reset")
    secured.set_status(APPLICATION, SELECTABLE, SECOND).must()
    need(secured.state(SECOND) == SELECTABLE, "not as before")
    card.select(SECOND).must()
    secured = card.open(level)
    # A locked application can be deleted.
    secured.set_status(APPLICATION, SELECTABLE | LOCK, SECOND).must()
    secured.delete(SECOND).must()
    need(SECOND not in apps(secured), "still in the registry")


for one in LEVELS:
    check("SET STATUS locks and unlocks an application, level %02X" % one,
          one)(lock_application)


@check("SET STATUS of a wrong form changes nothing")
def wrong_form(card):
    secured = removed(card)
    add(secured).must()
    before = apps(secured)
    absent = PURSE + b"\xEE"
    secured.set_status(APPLICATION, SELECTABLE | LOCK, absent).must(NO_DATA)
    secured.set_status(APPLICATION, SELECTABLE | LOCK).refused()
    secured.set_status(APPLICATION, SELECTABLE | LOCK, PURSE[:4]).refused()
    secured.set_status(0x00, SELECTABLE | LOCK, SECOND).refused()
    # SELECTABLE does not go back to INSTALLED.
    secured.set_status(APPLICATION, 0x03, SECOND).refused()
    need(apps(secured) == before, "the registry is another")
    secured.delete(SECOND).must()


@check("an application locked while another channel has it selected")
def lock_in_use(card):
    secured = removed(card)
    add(secured).must()
    card.open_channel(1).must()
    card.select(SECOND, 1).must()
    secured = card.open()
    response = secured.set_status(APPLICATION, SELECTABLE | LOCK, SECOND)
    if response.sw == OK:
        need(secured.state(SECOND) & 0x83 == 0x83, "not LOCKED")
    else:
        response.must(0x6985)
        need(secured.state(SECOND) == SELECTABLE, "not as before")
    card.reset()
    secured = card.open()
    secured.delete(SECOND).must()


# ---- the card -------------------------------------------------------------

@check("SET STATUS of the card to a state that there is not")
def no_such_state(card):
    secured = card.open()
    before = secured.card_state()
    for state in (0x00, 0x03, 0x1F, 0x83, 0xFE):
        secured.set_status(CARD, state, ISD).refused()
    need(secured.card_state() == before, "another state")


@check("OP_READY, INITIALIZED, SECURED, and no way back")
def to_secured(card):
    secured = card.open(0x13)
    state = secured.card_state()
    need(state in (OP_READY, INITIALIZED, SECURED), "state %02X" % state)
    for after in (INITIALIZED, SECURED):
        if state < after:
            secured.set_status(CARD, after, ISD).must()
            state = after
            need(secured.card_state() == state, "not %02X" % state)
        for back in (OP_READY, INITIALIZED):
            if back < state:
                secured.set_status(CARD, back, ISD).refused()
    need(secured.card_state() == SECURED, "not SECURED")
    card.reset(power=True)
    need(card.open().card_state() == SECURED, "not SECURED after a reset")


def locked_card(card, level):
    secured = card.open(level)
    secured.set_status(CARD, CARD_LOCKED, ISD).must()
    # The session goes on, and can unlock it.
    need(secured.card_state() == CARD_LOCKED, "not CARD_LOCKED")
    try:
        locked(card, level)
        card.reset(power=True)
        locked(card, level)
    finally:
        card.reset()
        secured = card.open(level)
        secured.set_status(CARD, SECURED, ISD).must()
    need(secured.card_state() == SECURED, "not SECURED")
    card.select(PURSE).must()


def locked(card, level):
    """What a locked card does."""
    card.select(PURSE).refused()
    card.select().must(LOCKED)
    need(card.select().data, "no FCI with 6283")
    card.get_data(0x66).must()
    card.open_channel().refused()
    card.send(0x80, 0xF2, 0x80, 0x02, tlv(0x4F, b"")).must(*SECURITY)
    secured = card.open(level)
    need(secured.card_state() == CARD_LOCKED, "not CARD_LOCKED")
    need(PURSE in apps(secured), "the purse is not in the registry")
    add_refused(secured)
    secured.delete(PURSE).refused()
    need(PURSE in apps(secured), "the purse is not in the registry")


def add_refused(secured):
    secured.send(0xE6, 0x0C, 0, lv(load_file(secured)) + lv(PURSE)
                 + lv(SECOND) + lv(b"\0") + lv(b"\xC9\0") + b"\0").refused()


for one in LEVELS:
    check("SET STATUS locks and unlocks the card, level %02X" % one,
          one)(locked_card)


@check("SET STATUS terminates the card")
def terminate(card):
    secured = card.open(0x33)
    secured.set_status(CARD, TERMINATED, ISD).must()
    for power in (False, True):
        card.reset(power)
        card.get_data(0x66).must()
        card.select(PURSE).refused()
        card.send(0x80, 0x50, 0, 0, bytes(8)).refused()
        card.transmit(secured.session.wrap(secured.command(
            0xF2, 0x80, 0x02, tlv(0x4F, b"")))).refused()
        card.send(0x80, 0xF2, 0x80, 0x02, tlv(0x4F, b"")).refused()
