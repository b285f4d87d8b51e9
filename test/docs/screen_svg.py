# SPDX-License-Identifier: Apache-2.0
"""screen_svg.py FILE...: what terminals showed (tmux capture-pane -p), side by
side as an SVG picture on standard output, each character in its cell."""

import sys
import unicodedata
from xml.sax.saxutils import escape

CELL, LINE, SIZE, EDGE = 9, 20, 15, 12
COLUMNS, ROWS = 50, 9


def cells(text):
    """Each character with its column; wide ones take two."""
    column = 0
    for c in text:
        yield column, c
        column += 2 if unicodedata.east_asian_width(c) in "WF" else 1


def main():
    screens = [open(name, encoding="utf-8").read().split("\n")[:ROWS]
               for name in sys.argv[1:]]
    width = EDGE + len(screens) * (COLUMNS * CELL + EDGE)
    height = 2 * EDGE + ROWS * LINE
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
          f'height="{height}" viewBox="0 0 {width} {height}">')
    print(f'<g font-family="monospace" font-size="{SIZE}" fill="#e8e8e8">')
    for n, lines in enumerate(screens):
        left = EDGE + n * (COLUMNS * CELL + EDGE)
        print(f'<rect x="{left}" y="{EDGE // 2}" width="{COLUMNS * CELL}" '
              f'height="{height - EDGE}" rx="6" fill="#1c1c1c"/>')
        for row, text in enumerate(lines):
            y = EDGE + (row + 1) * LINE - 5
            for column, c in cells(text):
                if c != " ":
                    print(f'<text x="{left + 8 + column * CELL}" y="{y}">'
                          f'{escape(c)}</text>')
    print('</g>\n</svg>')


main()
