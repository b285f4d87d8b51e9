# SPDX-License-Identifier: Apache-2.0
"""Logical channels, and sessions on them.

ISO 7816-4:2013 5.4.2 and 11.1.2, GlobalPlatform Card Specification 2.3.1,
11.1.4 and 11.7.
"""

from checks_content import PURSE
from gpcard import CLOSED, ISD, NO_DATA, SECURITY, need
from harness import check
from iso7816 import CHANNELS, class_byte, tlv
from scp03 import LEVELS

ALL = tlv(0x4F, b"")
# 11.7.3.2: no channel is free; the function is not there now.
NO_MORE = 0x6A81
ALREADY_CLOSED = 0x6200


def closed(card, channel):
    """Both kinds of class byte must say that this channel is closed."""
    for base, secured in ((0x00, False), (0x80, False), (0x80, True)):
        cla = class_byte(base, channel, secured)
        card.transmit(bytes([cla, 0xCA, 0x00, 0x66, 0x00])).must(CLOSED)


@check("after a reset only channel 0 is open")
def only_basic(card):
    for channel in range(1, CHANNELS):
        closed(card, channel)
        card.open_channel(origin=channel).must(CLOSED)
    card.select().must()
    card.get_data(0x66).must()


@check("MANAGE CHANNEL: the card chooses")
def assigned(card):
    got = []
    for _ in range(3):
        data = card.open_channel().must().data
        need(len(data) == 1 and 0 < data[0] < CHANNELS,
             "channel " + data.hex())
        need(data[0] not in got, "channel %d twice" % data[0])
        got.append(data[0])
    for channel in got:
        card.select(channel=channel).must()
        card.get_data(0x66, channel=channel).must()
        card.get_data(0x66, base=0x00, channel=channel).must()
        card.close_channel(channel).must()
        closed(card, channel)


@check("MANAGE CHANNEL: the host chooses", 1)
@check("MANAGE CHANNEL: the host chooses channel 3", 3)
@check("MANAGE CHANNEL: the host chooses channel 4", 4)
@check("MANAGE CHANNEL: the host chooses channel 5", 5)
@check("MANAGE CHANNEL: the host chooses channel 19", 19)
def chosen(card, channel):
    need(not card.open_channel(channel).must().data, "an answer")
    card.select(channel=channel).must()
    card.get_data(0x66, channel=channel).must()
    # It cannot be opened again, and the others are as they were.
    card.open_channel(channel).refused()
    for other in range(1, CHANNELS):
        if other != channel:
            closed(card, other)
    card.close_channel(channel).must()
    closed(card, channel)


@check("MANAGE CHANNEL until there are no more")
def exhausted(card):
    got = [card.open_channel().must().data[0]
           for _ in range(1, CHANNELS)]
    need(sorted(got) == list(range(1, CHANNELS)), "channels %s" % got)
    card.open_channel().must(NO_MORE)
    for channel in got:
        card.select(channel=channel).must()
        card.get_data(0x66, channel=channel).must()
    card.close_channel(7).must()
    need(card.open_channel().must().data == b"\7", "not the free one")
    card.reset()
    for channel in got:
        closed(card, channel)


@check("MANAGE CHANNEL from another channel")
def from_other(card):
    card.open_channel(5).must()
    card.select(channel=5).must()
    card.open_channel(2, origin=5).must()
    card.select(channel=2).must()
    got = card.open_channel(origin=2).must().data[0]
    need(got not in (2, 5), "channel %d again" % got)
    # A channel may close itself, and others.
    card.close_channel(5, origin=5).must()
    closed(card, 5)
    card.close_channel(got, origin=2).must()
    card.get_data(0x66, channel=2).must()


@check("MANAGE CHANNEL of a wrong form")
def wrong_form(card):
    card.close_channel(0).refused()
    for channel in (20, 31, 255):
        card.send(0x00, 0x70, 0x00, channel, le=None).refused()
        card.send(0x00, 0x70, 0x80, channel, le=None).refused()
    card.send(0x00, 0x70, 0x01, 0x00, le=1).refused()
    for channel in range(1, CHANNELS):
        closed(card, channel)


@check("MANAGE CHANNEL closes what is closed")
def close_closed(card):
    card.close_channel(3).must(ALREADY_CLOSED)


@check("SELECT opens the channel that it names")
def select_opens(card):
    for channel in (2, 6):
        card.select(channel=channel).must()
        card.get_data(0x66, channel=channel).must()
        card.close_channel(channel).must()
        closed(card, channel)


@check("SELECT of nothing leaves a channel closed")
def select_fails(card):
    for channel in (2, 6):
        card.select(bytes.fromhex("D276000085FF"), channel).must(0x6A82)
        closed(card, channel)


def session(card, channel, level):
    card.open_channel(channel).must()
    card.select(PURSE).must()
    info = card.get_data(0xFF61, base=0x00).must().data
    secured = card.open(level, channel=channel)
    for _ in range(2):
        secured.get_status(0x80)
        # Channel 0 is another's.
        need(card.get_data(0xFF61, base=0x00).must().data == info,
             "the purse's information is another")
        secured.send(0xCA, 0x00, 0x66, b"").must()
        card.get_data(0x66).refused()
        secured.send(0xF2, 0x40, 0x02, tlv(0x4F, b"\xD2" * 5)).must(NO_DATA)
    card.select().must()
    card.get_data(0x66).must()
    card.send(0x80, 0xF2, 0x80, 0x02, ALL).must(*SECURITY)
    secured.get_status(0x80)
    card.close_channel(channel).must()
    closed(card, channel)
    # It does not come back with the channel.
    card.open_channel(channel).must()
    card.select(channel=channel).must()
    secured.must_be_over()
    card.close_channel(channel).must()


for number in (1, 3, 4, 5, 19):
    for one in LEVELS:
        check("a session of level %02X on channel %d beside clear commands"
              % (one, number), number, one)(session)


@check("a session belongs to its channel", 1)
@check("a session belongs to channel 5", 5)
def belongs(card, channel):
    card.open_channel(channel).must()
    secured = card.open(0x01, channel=channel)
    card.select().must()
    secured.get_status(0x80)
    # Its MAC would fit, for MACs are made as if on channel 0.
    apdu = secured.session.wrap(secured.command(0xF2, 0x80, 0x02, ALL))
    card.transmit(bytes([class_byte(0x80, 0, True)]) + apdu[1:]).refused()
    secured.transmit(apdu).must()


@check("sessions on two channels do not disturb one another", 1)
@check("sessions on channels 0 and 5 do not disturb one another", 5)
def two_sessions(card, channel):
    card.open_channel(channel).must()
    one = card.open(0x33)
    two = card.open(0x13, channel=channel)
    for _ in range(3):
        one.get_status(0x80)
        two.get_status(0x80)
    # One ends, the other does not.
    bad = bytearray(one.session.wrap(one.command(0xF2, 0x80, 0x02, ALL)))
    bad[-2] ^= 1
    card.transmit(bytes(bad)).must(*SECURITY)
    one.must_be_over()
    two.get_status(0x80)


@check("the same AID on each channel")
def selected_everywhere(card):
    for channel in range(1, CHANNELS):
        card.open_channel(channel).must()
        card.select(ISD, channel).must()
    for channel in range(CHANNELS):
        card.select(ISD, channel).must()
        card.get_data(0x66, channel=channel).must()
