# SPDX-License-Identifier: Apache-2.0
"""beside.py A B OUT: two PNG pictures of a QR code in one, side by side."""

import struct
import sys
import zlib


def chunks(data):
    at = 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at:at + 4])
        yield data[at + 4:at + 8], data[at + 8:at + 8 + length]
        at += 12 + length


def unfilter(kind, line, above, step):
    out = bytearray()
    for i, x in enumerate(line):
        a = out[i - step] if i >= step else 0
        b = above[i]
        c = above[i - step] if i >= step else 0
        if kind == 4:
            p = a + b - c
            best = min((abs(p - a), 0, a), (abs(p - b), 1, b),
                       (abs(p - c), 2, c))
            x += best[2]
        else:
            x += (0, a, b, (a + b) // 2)[kind]
        out.append(x & 0xFF)
    return bytes(out)


def grey(path):
    """Lines of grey dots of a picture of grey or of two colours."""
    data = open(path, "rb").read()
    width = depth = 0
    body = b""
    for name, content in chunks(data):
        if name == b"IHDR":
            width, _, depth = struct.unpack(">IIB", content[:9])
        elif name == b"IDAT":
            body += content
    body = zlib.decompress(body)
    size = (width * depth + 7) // 8
    above, lines = bytes(size), []
    for at in range(0, len(body), size + 1):
        above = unfilter(body[at], body[at + 1:at + 1 + size], above, 1)
        if depth == 1:
            lines.append(bytes(255 if above[i // 8] >> (7 - i % 8) & 1 else 0
                               for i in range(width)))
        else:
            lines.append(above)
    return lines


def chunk(name, content):
    return (struct.pack(">I", len(content)) + name + content +
            struct.pack(">I", zlib.crc32(name + content)))


def main():
    a, b = grey(sys.argv[1]), grey(sys.argv[2])
    rows = max(len(a), len(b))
    a += [b"\xFF" * len(a[0])] * (rows - len(a))
    b += [b"\xFF" * len(b[0])] * (rows - len(b))
    gap = b"\xFF" * 40
    body = b"".join(b"\0" + x + gap + y for x, y in zip(a, b))
    width = len(a[0]) + len(gap) + len(b[0])
    with open(sys.argv[3], "wb") as out:
        out.write(b"\x89PNG\r\n\x1A\n" +
                  chunk(b"IHDR", struct.pack(">IIBBBBB", width, rows, 8, 0, 0,
                                             0, 0)) +
                  chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b""))


main()
