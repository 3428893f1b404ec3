"""Trained models of all architectures, and texts for them, with unknown symbols and tags, and long ones."""

import random
from functools import cache

from henkan import Seq2Seq

LETTERS = "abcdeiouklmnrst"
SMALL = {"embedding_size": 12, "hidden_size": 20, "updates": 120, "seed": 1, "calibrate_outside": False}


def _word(generator, length=None):
    return "".join(generator.choice(LETTERS) for _ in range(length or generator.randint(1, 9)))


def _plural(word):
    return word + "es" if word[-1] == "s" else word[:-1] + "ies" if word[-1] == "i" else word + "s"


@cache
def pairs(kind):
    """Sources and targets: plurals of pseudowords; "phones", separated by spaces; "tags", inflected by tags."""
    generator = random.Random(2)
    words = sorted({_word(generator) for _ in range(400)})
    if kind == "phones":
        phones = (" ".join(f"{c}{'h' * (k % 2)}" for k, c in enumerate(word) if c != "e") for word in words)
        return words, list(phones)
    if kind == "tags":
        forms = {"N;PL": _plural, "N;SG": str, "V;PST": lambda word: word + "ed"}
        rows = [(f"{word}\t{tags}", form(word)) for word in words[:200] for tags, form in forms.items()]
        return [source for source, _ in rows], [target for _, target in rows]
    return words, [_plural(word) for word in words]


def texts(kind, count=1000):
    """Texts to convert; for "plain", with known symbols alone and no longer than in training."""
    generator = random.Random(3)
    found = [_word(generator) for _ in range(count)]
    if kind == "plain":
        return found
    for row in range(0, count, 4):  # unknown symbols, some of them twice
        found[row] = _word(generator, 3) + generator.choice("xyzéß") + _word(generator, 2) + generator.choice("xyz")
    found[1:count:100] = [_word(generator, 30) for _ in found[1:count:100]]
    found[:5] = ["y", "x", "xx", "xyx", "zyzy"]
    if kind == "tags":
        found = [text + generator.choice(["\tN;PL", "\tPL;N", "\tV;PST", "", "\tN;PL;NEW", "\tNEW"]) for text in found]
    return found


WORDS, EDITS = {"recipe": "words", **SMALL}, {"recipe": "edits", **SMALL}
CASES = {
    "attention": ("words", WORDS),
    "two layers, dot product, reversed": ("words", {**WORDS, "layers": 2, "attention_kind": "dot", "reverse": True}),
    "peeky": ("phones", {"recipe": "modern", "unknown_rate": 0.25, **SMALL, "updates": 800}),
    "tied, with tags": ("tags", {**WORDS, "features": True, "tied": True, "embedding_size": 20}),
    "copying": ("words", {**WORDS, "copy": True}),
    "copying, both reversed": (
        "words",
        {**WORDS, "copy": True, "reverse": True, "target_reverse": True, "bidirectional": False, "peeky": True},
    ),
    "padded": ("plain", {"recipe": "book", **SMALL, "updates": 1500, "learning_rate": 1e-2}),
    "transducer": ("words", EDITS),
    "transducer of phones": ("phones", {**EDITS, "layers": 2}),
    "transducer with tags, reversed": ("tags", {**EDITS, "features": True, "target_reverse": True}),
    "ensemble": ("words", {**WORDS, "copy": True, "ensemble": 2}),
    "ensemble of transducers": ("words", {**EDITS, "ensemble": 2}),
}


@cache
def model(name):
    """The trained model of a case."""
    kind, settings = CASES[name]
    return Seq2Seq(**settings).fit(*pairs(kind))
