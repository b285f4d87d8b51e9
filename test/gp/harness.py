# SPDX-License-Identifier: Apache-2.0
"""Runs checks and prints a line for each."""

from gpcard import Failure, Skip
from iso7816 import Malformed
from scp03 import Tampered

CHECKS = []


def check(name, *arguments):
    """Notes a function as a check, once for each time it stands there."""
    def note(function):
        CHECKS.append((name, function, arguments))
        return function
    return note


def run_one(card, function, arguments):
    """None, or the word for the outcome and why."""
    try:
        card.reset()
        function(card, *arguments)
    except Skip as e:
        return "skipped", str(e)
    except (Failure, Malformed, Tampered) as e:
        return "not ok", str(e)
    except Exception as e:  # One check's surprise is not the next one's.
        return "not ok", "%s: %s" % (type(e).__name__, e)
    return None


def run(card, tell=print, wanted=None):
    """The checks whose names are wanted, or all; the names that failed."""
    failed = []
    for name, function, arguments in CHECKS:
        if wanted and not wanted(name):
            continue
        outcome = run_one(card, function, arguments)
        if outcome is None:
            tell("ok " + name)
        elif outcome[0] == "skipped":
            tell("skipped: %s: %s" % (name, outcome[1]))
        else:
            tell("not ok %s: %s" % (name, outcome[1]))
            failed.append(name)
    return failed
