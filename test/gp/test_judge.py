# SPDX-License-Identifier: Apache-2.0
"""The judge, judged: it must pass a card that is right, and see each fault.

Each fault of the double names a check that must complain, and each check must
complain of some fault.  Prints a line for each.
"""

import sys

import checks_data      # noqa: F401
import checks_session   # noqa: F401
import checks_channel   # noqa: F401
import checks_content   # noqa: F401
import checks_keys      # noqa: F401
import checks_life      # noqa: F401
import harness
from double import Double
from gpcard import Card

# A fault of the double, and the beginning of a check that must see it.
FAULTS = (
    ("fci", "SELECT the issuer security domain"),
    ("no-66", "GET DATA 66"),
    ("short-67", "GET DATA 67"),
    ("no-e0", "GET DATA E0"),
    ("short-9f7f", "GET DATA 9F7F"),
    ("short-cf", "GET DATA CF"),
    ("short-c1", "GET DATA CF"),
    ("short-ff21", "GET DATA FF21"),
    ("bare-number", "GET DATA 42"),
    ("bare-number", "GET DATA 45"),
    ("any-tag", "GET DATA of an unknown tag"),
    ("unknown-instruction", "an unknown instruction"),
    ("any-class", "an unknown class"),
    ("no-security", "management needs a session"),
    ("short-update", "INITIALIZE UPDATE has the form"),
    ("card-cryptogram", "INITIALIZE UPDATE tells the card's cryptogram"),
    ("challenge-aid", "the card's challenge comes"),
    ("counter-stays", "the sequence counter never repeats"),
    ("any-cryptogram", "a wrong host cryptogram"),
    ("no-mac", "EXTERNAL AUTHENTICATE with a wrong MAC"),
    ("no-mac", "a wrong MAC ends the session"),
    ("any-level", "a level that the protocol does not know"),
    ("no-decryption", "a session of level 03"),
    ("counts-data-only", "a session of level 03"),
    ("response-icv", "a session of level 33"),
    ("rmac-without-sw", "a session of level 11"),
    ("error-with-mac", "a session of level 11"),
    ("no-chaining", "a session of level 01"),
    ("short-commands", "commands of any length"),
    ("unchained", "a command in a chain"),
    ("short-lc", "extended length"),
    ("session-ends-early", "commands of a wrong form"),
    ("session-survives-error", "a wrong MAC ends the session"),
    ("session-survives-error", "a command that came already"),
    ("clear-in-session", "clear GET STATUS ends"),
    ("clear-in-session", "clear GET DATA ends"),
    ("session-survives-select", "SELECT ends the session"),
    ("session-survives-reset", "a reset ends the session"),
    ("shared-session", "a session belongs to its channel"),
    ("mac-on-channel", "a session of level 01 on channel 5"),
    ("channels-stay-open", "MANAGE CHANNEL: the host chooses"),
    ("closes-anything", "MANAGE CHANNEL closes what is closed"),
    ("select-opens", "SELECT of nothing leaves"),
    ("one-coding", "after a reset only channel 0"),
    ("tag-list", "GET STATUS with a list of tags"),
    ("no-continuation", "GET STATUS goes on"),
    ("continuation-repeats", "GET STATUS goes on"),
    ("always-selectable", "INSTALL [for install], then"),
    ("forgets-instances", "INSTALL and DELETE"),
    ("delete-not", "INSTALL and DELETE"),
    ("delete-prefix", "DELETE what is not there"),
    ("delete-in-use", "DELETE of what is selected"),
    ("store-not", "STORE DATA: card number"),
    ("locked-selectable", "SET STATUS locks and unlocks an application"),
    ("card-goes-back", "OP_READY, INITIALIZED"),
    ("no-card-lock", "SET STATUS locks and unlocks the card"),
    ("initial-keys-stay", "PUT KEY takes the place"),
    ("any-kcv", "PUT KEY with a wrong check value"),
    ("keys-stay", "PUT KEY adds a version"),
    ("old-keys-stay", "PUT KEY replaces a version"),
    ("first-dek", "PUT KEY under the DEK"),
)


def judge(faults, wanted=None):
    lines = []
    failed = harness.run(Card(Double(faults)), lines.append, wanted)
    return lines, set(failed)


class Verdict:
    """Prints a line for each, and counts the bad ones."""

    def __init__(self):
        self.bad = 0

    def tell(self, good, what, why=""):
        if good:
            print("ok", what)
        else:
            self.bad += 1
            print("not ok %s: %s" % (what, why))


def main():
    verdict = Verdict()
    lines, _ = judge(())
    other = [line for line in lines if not line.startswith("ok ")]
    verdict.tell(not other, "a right card passes", "; ".join(other))
    unshaken = {name for name, _, _ in harness.CHECKS}
    for fault, name in FAULTS:
        failed = judge((fault,), lambda n, name=name: n.startswith(name))[1]
        verdict.tell(failed, "%s: %s" % (fault, name), "not seen")
        unshaken -= failed
    for fault in dict(FAULTS):
        unshaken -= judge((fault,), unshaken.__contains__)[1]
    verdict.tell(not unshaken, "each check can fail",
                 "; ".join(sorted(unshaken)))
    return 1 if verdict.bad else 0


sys.exit(main())
