# SPDX-License-Identifier: Apache-2.0
"""judge.py READER [WORD]: a GlobalPlatform terminal judges a card.

Uses the card in the PC/SC reader of that name, which must have
GlobalPlatform's test keys.  Runs all checks, or those with WORD in the name,
and prints a line for each.  What the checks did cannot be undone: the card
is terminated at the end.
"""

import sys

from smartcard.CardConnection import CardConnection
from smartcard.scard import SCARD_RESET_CARD, SCARD_UNPOWER_CARD
from smartcard.System import readers

# Importing them registers the checks, in this order.
import checks_data      # noqa: F401
import checks_session   # noqa: F401
import checks_channel   # noqa: F401
import checks_content   # noqa: F401
import checks_keys      # noqa: F401
import checks_life      # noqa: F401
import harness
from gpcard import Card, Failure

PROTOCOL = CardConnection.T0_protocol | CardConnection.T1_protocol


class Link:
    """A card in a reader."""

    def __init__(self, name):
        found = [r for r in readers() if str(r) == name]
        if len(found) != 1:
            raise Failure("%d readers of that name" % len(found))
        self.connection = found[0].createConnection()
        self.connection.connect(PROTOCOL)

    def transmit(self, apdu):
        data, sw1, sw2 = self.connection.transmit(list(apdu))
        return bytes(data), sw1 << 8 | sw2

    def reset(self, power):
        self.connection.reconnect(
            PROTOCOL,
            disposition=SCARD_UNPOWER_CARD if power else SCARD_RESET_CARD)

    def close(self):
        self.connection.disconnect()


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    link = Link(sys.argv[1])
    word = sys.argv[2] if len(sys.argv) > 2 else ""
    failed = harness.run(Card(link), wanted=lambda name: word in name)
    link.close()
    # Again, where they are found.
    print("%d checks failed" % len(failed))
    for name in failed:
        print("    " + name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
