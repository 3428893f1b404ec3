"""Generate synthetic data sets: a pronunciation lexicon, verb forms with feature tags, and a transliteration.

    python examples/make_data.py FOLDER

writes FOLDER/lexicon.tsv (spelling TAB phones), FOLDER/verbs.tsv (form TAB lemma TAB tags) and FOLDER/kana.tsv (romaji
TAB hiragana). The words are random syllables with Spanish spelling rules, so every pronunciation is known. One lexicon
row in a hundred has a wrong phone, to simulate typing errors.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np

ONSETS = [*"bcdfglmnprstvzjñ", "ch", "ll", "rr", "qu", "gu", "br", "tr", "pl", "gr", ""]
CODAS = ["", "", "", "n", "s", "r", "l"]
PHONES = (
    ("ch", "tʃ"), ("ll", "ʎ"), ("rr", "r"), ("qu(?=[ei])", "k"), ("gu(?=[ei])", "ɡ"), ("c(?=[ei])", "θ"),
    ("c", "k"), ("g(?=[ei])", "x"), ("g", "ɡ"), ("^r", "r"), ("r", "ɾ"), ("z", "θ"), ("j", "x"), ("ñ", "ɲ"),
    ("v", "b"), (".", ""),
)  # fmt: skip
ENDINGS = {
    "ar": {
        "PRS;1;SG": "o",
        "PRS;3;SG": "a",
        "PRS;1;PL": "amos",
        "PST;3;SG": "ó",
        "PST;3;PL": "aron",
        "FUT;1;SG": "aré",
    },
    "er": {
        "PRS;1;SG": "o",
        "PRS;3;SG": "e",
        "PRS;1;PL": "emos",
        "PST;3;SG": "ió",
        "PST;3;PL": "ieron",
        "FUT;1;SG": "eré",
    },
    "ir": {
        "PRS;1;SG": "o",
        "PRS;3;SG": "e",
        "PRS;1;PL": "imos",
        "PST;3;SG": "ió",
        "PST;3;PL": "ieron",
        "FUT;1;SG": "iré",
    },
}
ROWS = {
    "": "あいうえお", "k": "かきくけこ", "s": "さ すせそ", "t": "た  てと", "n": "なにぬねの", "h": "はひ へほ",
    "m": "まみむめも", "y": "や ゆ よ", "r": "らりるれろ", "w": "わ", "g": "がぎぐげご", "z": "ざ ずぜぞ",
    "d": "だ  でど", "b": "ばびぶべぼ", "p": "ぱぴぷぺぽ",
}  # fmt: skip
KANA = {"shi": "し", "chi": "ち", "tsu": "つ", "fu": "ふ", "ji": "じ", "n": "ん"}
KANA |= {c + v: kana for c, row in ROWS.items() for v, kana in zip("aiueo", row, strict=False) if kana != " "}
KANA |= {c + "y" + v: KANA[c + "i"] + small for c in "kgnhmrbp" for v, small in zip("auo", "ゃゅょ", strict=True)}
KANA |= {c + v: KANA[c + "i"] + small for c in ("sh", "ch", "j") for v, small in zip("auo", "ゃゅょ", strict=True)}


def word(generator: np.random.Generator, syllables: int) -> str:
    """Return a random pronounceable word."""
    parts = []
    for _ in range(syllables):
        onset = str(generator.choice(ONSETS))
        vowel = str(generator.choice(list("ei") if onset in ("qu", "gu") else list("aeiou")))
        parts.append(onset + vowel + str(generator.choice(CODAS)))
    return "".join(parts)


def phones(spelling: str) -> str:
    """Return the pronunciation as phones separated by spaces."""
    said: list[str] = []
    place = 0
    while place < len(spelling):
        start = "^" if place == 0 else "(?!)"
        rules = ((re.compile(pattern.replace("^", start)), phone) for pattern, phone in PHONES)
        match, phone = next((m, phone) for rule, phone in rules if (m := rule.match(spelling, place)))
        said.append(phone or match.group())
        place = match.end()
    return " ".join(said)


def lexicon(generator: np.random.Generator, count: int) -> list[str]:
    """Return rows of spelling TAB phones; one row in a hundred has a wrong phone."""
    words = sorted({word(generator, int(generator.integers(1, 5))) for _ in range(count)})
    rows = []
    for spelling in words:
        said = phones(spelling).split()
        if generator.random() < 0.01:
            said[generator.integers(len(said))] = str(generator.choice(["a", "o", "s", "t"]))
        rows.append(f"{spelling}\t{' '.join(said)}")
    return rows


def verbs(generator: np.random.Generator, count: int) -> list[str]:
    """Return rows of form TAB lemma TAB tags."""
    stems = sorted({word(generator, int(generator.integers(1, 3))) for _ in range(count)})
    rows = []
    for stem in stems:
        ending = str(generator.choice(list(ENDINGS)))
        rows += [f"{stem}{form}\t{stem}{ending}\tV;{tags}" for tags, form in ENDINGS[ending].items()]
    return rows


def kana(generator: np.random.Generator, count: int) -> list[str]:
    """Return rows of romaji TAB hiragana."""
    syllables, pairs = sorted(KANA), {}
    for _ in range(count):
        chosen = generator.choice(syllables, int(generator.integers(1, 6)))
        romaji = [f"{s}'" if s == "n" else str(s) for s in chosen]
        pairs["".join(romaji)] = "".join(KANA[s] for s in chosen)
    return [f"{romaji}\t{hiragana}" for romaji, hiragana in sorted(pairs.items())]


def main() -> None:
    """Write the files."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (
        ("lexicon", lexicon(np.random.default_rng(0), 3000)),
        ("verbs", verbs(np.random.default_rng(1), 500)),
        ("kana", kana(np.random.default_rng(2), 3000)),
    ):
        order = np.random.default_rng(3).permutation(len(rows))
        (folder / f"{name}.tsv").write_text("".join(rows[place] + "\n" for place in order), encoding="utf-8")


if __name__ == "__main__":
    main()
