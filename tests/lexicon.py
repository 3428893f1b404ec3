"""A pronunciation lexicon for tests."""

import random

SOUNDS = {"b": "b", "d": "d", "g": "ɡ", "ll": "ʎ", "m": "m", "rr": "r", "s": "s"}
LEXICON = [
    (a + x + b + y, " ".join([SOUNDS[a], x, SOUNDS[b], y]))
    for a in SOUNDS
    for x in "aeiou"
    for b in SOUNDS
    for y in "ao"
]
random.Random(0).shuffle(LEXICON)


def some(change):
    """Change every fortieth row."""
    return [change(*row) if number % 40 == 30 else row for number, row in enumerate(LEXICON)]
