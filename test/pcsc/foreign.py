# SPDX-License-Identifier: Apache-2.0
"""foreign.py READER: pyscard judges the card in a reader.

Prints "pyscard: all is well", or the check that failed.
"""

import sys

from smartcard.CardConnection import CardConnection
from smartcard.scard import SCARD_RESET_CARD, SCARD_UNPOWER_CARD
from smartcard.System import readers

AID = [0xF0, 0x4A, 0x49, 0x41, 0x4F, 0x5A, 0x49, 0x01]
SELECT = [0x00, 0xA4, 0x04, 0x00, len(AID)] + AID + [0x00]
GET_INFO = [0x00, 0xCA, 0xFF, 0x61, 0x00]


def check(what, condition):
    if not condition:
        print("pyscard: FAILED:", what)
        sys.exit(1)


def status(connection, apdu):
    _, sw1, sw2 = connection.transmit(apdu)
    return sw1 << 8 | sw2


def main():
    found = [r for r in readers() if str(r) == sys.argv[1]]
    check("one reader of that name", len(found) == 1)

    first = found[0].createConnection()
    first.connect(CardConnection.T1_protocol)
    check("the ATR begins with 3B", first.getATR()[0] == 0x3B)
    # Whoever was here before may have left something selected.
    first.reconnect(CardConnection.T1_protocol, disposition=SCARD_RESET_CARD)
    check("nothing is selected yet", status(first, GET_INFO) != 0x9000)
    data, sw1, sw2 = first.transmit(SELECT)
    check("SELECT", (sw1, sw2) == (0x90, 0x00))
    check("the FCI is an object 6F", not data or data[0] == 0x6F)
    check("the purse answers", status(first, GET_INFO) == 0x9000)

    # Extended length, up to what the driver carries.
    for nc in (1, 255, 256, 2000, 65526):
        apdu = [0x80, 0xFF, 0, 0, 0, nc >> 8, nc & 0xFF] + [0xFF] * nc
        sw = status(first, apdu + [0, 0])
        check("an extended command of %d bytes: %04X" % (nc, sw),
              sw >> 12 == 6)

    # Every byte string gets an answer.
    for apdu in ([0xFF] * 2, [0x00, 0xA4, 0x04], [0xFF] * 4, [0x80] * 260):
        check("an answer to %d bytes" % len(apdu),
              status(first, apdu) >> 12 == 6)

    # A session ends with each kind of reset.
    for disposition in (SCARD_RESET_CARD, SCARD_UNPOWER_CARD):
        check("SELECT", status(first, SELECT) == 0x9000)
        first.reconnect(CardConnection.T1_protocol, disposition=disposition)
        check("a reset ends the session", status(first, GET_INFO) != 0x9000)
    first.disconnect()
    print("pyscard: all is well")


main()
