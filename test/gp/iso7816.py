# SPDX-License-Identifier: Apache-2.0
"""ISO 7816-4 commands, class bytes with logical channels, and BER-TLV.

Written from ISO 7816-4:2013 5.1 (class byte), 5.2 (lengths), 5.3 (data
objects) and GlobalPlatform Card Specification 2.3.1 11.1.4 (class byte).
"""

FIRST_CHANNELS = 4
CHANNELS = 20
SHORT_LC_MAX = 255
SHORT_LE_MAX = 256
FIRST_SM = 0x04
FURTHER = 0x40
FURTHER_SM = 0x20
MULTI_BYTE_TAG = 0x1F
MORE = 0x80
CONSTRUCTED = 0x20


def class_byte(base, channel=0, secured=False):
    """The class byte of base 00 or 80 on a logical channel of 0 to 19."""
    if channel < FIRST_CHANNELS:
        return base | channel | (FIRST_SM if secured else 0)
    return (base | FURTHER | (FURTHER_SM if secured else 0)
            | (channel - FIRST_CHANNELS))


class Command:
    """A command; le is the largest answer wanted, or None for none."""

    def __init__(self, base, ins, p1, p2, data=b"", le=None, channel=0):
        self.base = base
        self.ins = ins
        self.p1 = p1
        self.p2 = p2
        self.data = bytes(data)
        self.le = le
        self.channel = channel

    def extended(self, lc):
        return lc > SHORT_LC_MAX or (self.le or 0) > SHORT_LE_MAX

    def header(self, cla, lc):
        """CLA INS P1 P2, and Lc when it is not 0."""
        head = bytes([cla, self.ins, self.p1, self.p2])
        if lc == 0:
            return head
        if self.extended(lc):
            return head + b"\0" + lc.to_bytes(2, "big")
        return head + bytes([lc])

    def tail(self, lc):
        if self.le is None:
            return b""
        if not self.extended(lc):
            return bytes([self.le & 0xFF])
        return ((b"" if lc else b"\0")
                + (self.le & 0xFFFF).to_bytes(2, "big"))

    def encode(self):
        cla = class_byte(self.base, self.channel)
        lc = len(self.data)
        return self.header(cla, lc) + self.data + self.tail(lc)


class Malformed(Exception):
    """Bytes that are not BER-TLV."""


def take(data, at, n, what):
    if at + n > len(data):
        raise Malformed("%s runs over the end of %s" % (what, data.hex()))
    return data[at:at + n], at + n


def read_tag(data, at):
    tag, at = take(data, at, 1, "tag")
    if tag[0] & MULTI_BYTE_TAG != MULTI_BYTE_TAG:
        return tag[0], at
    while True:
        more, at = take(data, at, 1, "tag")
        tag += more
        if not more[0] & MORE:
            return int.from_bytes(tag, "big"), at


def read_length(data, at):
    first, at = take(data, at, 1, "length")
    if first[0] < MORE:
        return first[0], at
    n = first[0] & 0x7F
    if n == 0 or n > 2:
        raise Malformed("length of form %02X" % first[0])
    rest, at = take(data, at, n, "length")
    length = int.from_bytes(rest, "big")
    if length < MORE or (n == 2 and length < 0x100):
        raise Malformed("length %s is not the shortest" % rest.hex())
    return length, at


def objects(data):
    """The data objects of a byte string, as (tag, value); no byte is left."""
    found = []
    at = 0
    while at < len(data):
        tag, at = read_tag(data, at)
        length, at = read_length(data, at)
        value, at = take(data, at, length, "value of %X" % tag)
        found.append((tag, value))
    return found


def only(data, tag):
    """The value of the one object that the bytes are."""
    found = objects(data)
    if len(found) != 1 or found[0][0] != tag:
        raise Malformed("%s is not one object %X" % (data.hex(), tag))
    return found[0][1]


def values(data, tag):
    """Values of the objects of a tag."""
    return [value for t, value in objects(data) if t == tag]


def tlv(tag, value):
    """One data object."""
    tag = tag.to_bytes((tag.bit_length() + 7) // 8, "big")
    n = len(value)
    if n < MORE:
        return tag + bytes([n]) + value
    if n < 0x100:
        return tag + bytes([0x81, n]) + value
    return tag + b"\x82" + n.to_bytes(2, "big") + value


def lv(value):
    """A value with its length of one byte before it."""
    return bytes([len(value)]) + value
