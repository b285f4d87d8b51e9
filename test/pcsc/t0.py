# SPDX-License-Identifier: Apache-2.0
"""t0.py READER: pyscard sees 61xx and 6Cxx of a T=0 card, TPDU by TPDU.

Prints "pyscard: all is well", or the check that failed.
"""

import sys

from smartcard.CardConnection import CardConnection
from smartcard.System import readers

AID = [0xF0, 0x4A, 0x49, 0x41, 0x4F, 0x5A, 0x49, 0x01]
SELECT = [0x00, 0xA4, 0x04, 0x00, len(AID)] + AID
GET_INFO = [0x00, 0xCA, 0xFF, 0x61]
GET_RESPONSE = [0x00, 0xC0, 0x00, 0x00]
OPEN_CHANNEL = [0x00, 0x70, 0x00, 0x00]


def check(what, condition):
    if not condition:
        print("pyscard: FAILED:", what)
        sys.exit(1)


def main():
    found = [r for r in readers() if str(r) == sys.argv[1]]
    check("one reader of that name", len(found) == 1)
    card = found[0].createConnection()
    card.connect(CardConnection.T0_protocol)
    check("the ATR offers T=0", bytes(card.getATR()).hex() == "3b058073c6219f")

    def send(tpdu, sw1):
        data, got1, got2 = card.transmit(tpdu)
        check("%s gives %02Xxx: %02X%02X" % (
            bytes(tpdu).hex(), sw1, got1, got2), got1 == sw1)
        return data, got2

    # With command data: 61xx, and the answer by GET RESPONSE.
    data, n = send(SELECT, 0x61)
    check("no data with 61xx", not data)
    send(GET_RESPONSE + [n + 1], 0x6C)
    fci, _ = send(GET_RESPONSE + [n], 0x90)
    check("the FCI", len(fci) == n and fci[0] == 0x6F)
    send(GET_RESPONSE + [n], 0x69)
    # In two parts.
    _, n = send(SELECT, 0x61)
    first, left = send(GET_RESPONSE + [5], 0x61)
    check("what is left", left == n - 5)
    second, _ = send(GET_RESPONSE + [left], 0x90)
    check("the parts are the whole", first + second == fci)

    # Without: a wrong Le is told the right one.
    data, n = send(GET_INFO + [0], 0x6C)
    check("no data with 6Cxx", not data)
    send(GET_INFO + [n - 1], 0x6C)
    info, _ = send(GET_INFO + [n], 0x90)
    check("the purse's information", len(info) == n and info[0] == 0xFF)
    again, _ = send(GET_INFO + [n], 0x90)
    check("the same again", again == info)

    # 6Cxx, and the repetition: one channel is opened, not two.
    send(OPEN_CHANNEL + [0], 0x6C)
    for expected in (1, 2):
        number, _ = send(OPEN_CHANNEL + [1], 0x90)
        check("channel %d" % expected, number == [expected])

    # No extended length.
    send([0x80, 0xFF, 0, 0, 0, 1, 0] + [0xFF] * 256, 0x67)
    card.disconnect()
    print("pyscard: all is well")


main()
