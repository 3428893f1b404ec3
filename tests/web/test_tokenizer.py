"""Strings are split into the same symbols in JavaScript as in Python."""

import random
import unicodedata
from dataclasses import asdict

import pytest

from henkan.text.tokenizer import Tokenizer
from node import run_node

pytestmark = pytest.mark.web

RANGES = [
    (0x20, 0x7F), (0x9, 0xE), (0x1C, 0x20), (0x80, 0x250), (0x300, 0x370), (0x370, 0x530), (0x5D0, 0x600),
    (0x600, 0x700), (0x900, 0xA00), (0xE00, 0xE80), (0x1100, 0x1200), (0x1E00, 0x1F00), (0x2000, 0x2070),
    (0x3000, 0x3100), (0x4E00, 0x4F00), (0xAC00, 0xAD00), (0xFE00, 0xFE10), (0xFEFF, 0xFF00), (0x1F1E6, 0x1F200),
    (0x1F466, 0x1F490), (0x1F3FB, 0x1F400), (0x10400, 0x10450),
]  # fmt: skip
SETTINGS = [
    {},
    {"normalization": "NFD"},
    {"normalization": "NFKC", "case": "lower"},
    {"case": "upper"},
    {"case": "upper", "normalization": "NFC"},  # which composes the letters that ΐ becomes
    {"case": "lower", "normalization": "NFC"},
    {"unit": " "},
    {"unit": " ", "features": True, "sort_tags": True},
    {"unit": "--"},
    {"features": True, "tag_separator": ";", "sort_tags": True},
    {"features": True, "tag_separator": "|", "case": "lower"},
    {"unit": "graphemes"},
    {"unit": "graphemes", "normalization": "NFKD"},
]


NEWER = "ƛ"  # has got an upper case letter in a version of Unicode that Python may not have


def strings(count):
    """Random strings of the ranges, of characters that Python's version of Unicode knows; some have tags."""
    generator = random.Random(4)
    characters = [[chr(code) for code in range(*each)] for each in RANGES]
    known = [[each for each in row if each not in NEWER and unicodedata.category(each) != "Cn"] for row in characters]
    found = ["", "\t", "\ud800", "a\ud800b", "ΐ", "ΟΔΟΣ.", "ΟΔΟΣ", "ﬀ", "İI", "ß", "a--b---c", "👨‍👩‍👧‍👦", "क्षत्रिय"]
    found.append("\r\n")
    for _ in range(count):
        ranges = generator.sample(known, generator.randint(1, 3))
        length = generator.choice([1, 2, 3, 5, 8, 13])
        text = "".join(generator.choice(generator.choice(ranges)) for _ in range(length))
        if generator.random() < 0.3:
            tags = [generator.choice(["N", "PL ", " V", "", "é", "𐐀", "\ufeffx", "\x85y"]) for _ in range(3)]
            text += "\t" + generator.choice(";|").join(tags)
        found.append(text)
    return found


def test_the_symbols_are_the_same(tmp_path):
    texts = strings(2000)
    settings = [asdict(Tokenizer(**each)) for each in SETTINGS]
    found = run_node("tokenize.js", {"settings": settings, "strings": texts}, tmp_path)
    for each, symbols in zip(SETTINGS, found["tokenized"], strict=True):
        tokenizer = Tokenizer(**each)
        for text, one in zip(texts, symbols, strict=True):
            split = [*tokenizer.tokenize(text)]
            assert one == [split, tokenizer.normalize(text), tokenizer.join(split)], (each, text)


def test_strings_are_treated_as_in_python(tmp_path):
    texts = strings(2000)
    found = run_node("tokenize.js", {"settings": [], "strings": texts}, tmp_path)
    assert found["treated"] == [[repr(text), text.strip()] for text in texts]
    assert found["sorted"] == sorted(texts)
