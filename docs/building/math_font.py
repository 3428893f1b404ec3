"""Create the math font of the site: STIX Two Math, reduced to the characters that formulas may use.

    npm pack @fontsource/stix-two-math && tar xf fontsource-stix-two-math-*.tgz
    pip install fonttools brotli
    python docs/building/math_font.py package/files/stix-two-math-latin-400-normal.woff2

Browsers need a font with a MATH table to stretch brackets and braces, and few systems have one. The subset keeps that
table and the larger variants of stretchable characters.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FONT = Path(__file__).parent / "static" / "fonts" / "stix-two-math-subset.woff2"

# First and last code point, inclusive.
RANGES = (
    (0x0020, 0x007E),  # ASCII
    (0x00A0, 0x00B7),  # no-break space, macron, plus-minus, middle dot
    (0x00D7, 0x00D7),  # times
    (0x00F7, 0x00F7),  # division
    (0x02C6, 0x02DC),  # hat, check, breve, dot, tilde
    (0x0391, 0x03F6),  # Greek
    (0x2010, 0x2044),  # dashes, ellipsis, primes
    (0x2061, 0x2064),  # function application, invisible times
    (0x20D6, 0x20D7),  # arrows over a vector
    (0x2102, 0x2115),  # double-struck C, N; h-bar; script l
    (0x211A, 0x211D),  # double-struck Q, R
    (0x2124, 0x2124),  # double-struck Z
    (0x2190, 0x2195),  # arrows
    (0x21A6, 0x21A6),  # maps to
    (0x21D0, 0x21D4),  # double arrows
    (0x2200, 0x22FF),  # mathematical operators
    (0x2308, 0x230B),  # ceiling, floor
    (0x239B, 0x23B5),  # parts of large brackets and sums, brackets over and under
    (0x23DC, 0x23E1),  # braces over and under
    (0x27E8, 0x27EB),  # angle brackets
    (0x1D400, 0x1D433),  # bold
    (0x1D434, 0x1D467),  # italic, which is how a browser shows <mi>
    (0x1D49C, 0x1D4B5),  # script capitals
    (0x1D53C, 0x1D550),  # double-struck capitals
    (0x1D6A8, 0x1D6E1),  # bold Greek
    (0x1D6E2, 0x1D71B),  # italic Greek
)


def main(source: str) -> None:
    """Write the subset of a full font."""
    command = [
        *(sys.executable, "-m", "fontTools.subset", source),
        "--unicodes=" + ",".join(f"{first:x}-{last:x}" for first, last in RANGES),
        "--layout-features=math,ssty,dtls,flac",  # script-size variants, dotless letters, flat accents
        "--flavor=woff2",
        "--no-hinting",
        "--desubroutinize",
        f"--output-file={FONT}",
    ]
    subprocess.run(command, check=True)
    print(f"{FONT.name}: {FONT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
