#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""find.py SECRETS FILE...: looks for secrets where none belongs.

SECRETS has a line for each: a name and hexadecimal digits.  Each is looked for
raw, backwards (the limbs of a big number), in hexadecimal of both cases, with
and without blanks between, and in base64.  Prints what it finds; exit code 1.
"""

import base64
import mmap
import os
import sys


def forms(secret):
    """The ways in which a secret may be written down, by name."""
    hexed = secret.hex()
    out = {"raw": secret, "hex": hexed.encode(), "HEX": hexed.upper().encode()}
    spaced = " ".join("%02x" % b for b in secret)
    out["hex with blanks"] = spaced.encode()
    out["HEX with blanks"] = spaced.upper().encode()
    if len(secret) >= 16:
        out["backwards"] = secret[::-1]
    for lead in range(3):
        # What is certain whatever stands before and after.
        text = base64.b64encode(b"\0" * lead + secret)
        start = (lead * 8 + 5) // 6
        end = (lead + len(secret)) * 8 // 6
        out["base64 at %d" % lead] = text[start:end]
    return out


def find(secrets, path):
    found = []
    if not os.path.isfile(path) or os.path.getsize(path) == 0:
        return found
    with open(path, "rb") as f:
        data = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
        for name, secret in secrets:
            for form, text in forms(secret).items():
                at = data.find(text)
                if at >= 0:
                    found.append((name, form, at))
        data.close()
    return found


def main():
    with open(sys.argv[1], encoding="ascii") as f:
        rows = [line.split() for line in f if line.strip()]
    secrets = [(name, bytes.fromhex(text)) for name, text in rows]
    bad = 0
    for path in sys.argv[2:]:
        for name, form, at in find(secrets, path):
            print("%s: %s, %s, at %d" % (path, name, form, at))
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
