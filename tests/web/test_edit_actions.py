"""The JavaScript runtime aligns pairs as Python does, also very long ones, and those with copied symbols."""

import random

import pytest

from henkan.inference.pair_encoder import PairEncoder
from henkan.model import Capabilities
from henkan.model.edit_actions import EditActions
from henkan.text.tokenizer import Tokenizer
from henkan.text.vocabulary import Vocabulary
from node import run_node

pytestmark = pytest.mark.web

LETTERS, UNKNOWN = "abcdefgh", "xyz"


def string(generator, length):
    return "".join(generator.choice(LETTERS) for _ in range(length))


def changed(generator, text, letters):
    """A text in which some symbols are deleted, replaced or inserted."""
    kinds = ("keep", "keep", "keep", "keep", "delete", "replace", "insert")
    found = ""
    for letter in text:
        kind = generator.choice(kinds)
        found += {"keep": letter, "delete": "", "replace": generator.choice(letters)}.get(
            kind, letter + generator.choice(letters)
        )
    return found


def pairs(generator, *, features):
    """Pairs with unknown symbols in the sources, some of them in the targets, and three long ones."""
    for length in [*range(20), *[generator.randint(1, 12) for _ in range(280)], 800, 1200, 1201]:
        text = changed(generator, string(generator, length), LETTERS + UNKNOWN)
        target = changed(generator, text, LETTERS + (generator.choice(UNKNOWN) if generator.random() < 0.1 else ""))
        tags = generator.choice(["", "\tN;PL", "\tX;PL"]) if features else ""
        yield text + tags, target
    yield from [("ax", "xx"), ("xay", "yax")]  # cannot be written


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("features", [False, True])
def test_actions_are_those_of_python(features, reverse, tmp_path):
    generator = random.Random(7)
    sources = [string(generator, generator.randint(1, 9)) + "\tN;PL" * features for _ in range(200)]
    targets = [changed(generator, source.partition("\t")[0], LETTERS) for source in sources]
    vocabularies = (
        Vocabulary.of(sources, boundary=False, unknown=True, tokenizer=Tokenizer(features=features)),
        Vocabulary.of(targets, boundary=True),
    )
    codec = EditActions(*vocabularies, reverse=reverse)
    codec.learn(*(each.encode_all(strings) for each, strings in zip(vocabularies, (sources, targets), strict=True)))
    encoder = PairEncoder(*vocabularies, codec, Capabilities(pointer=True, copying=True))
    fixture, expected = [], []
    for text, target in pairs(generator, features=features):
        if encoder.target_vocabulary.unknown_symbols(target, encoder.copies_of(text)):
            continue
        ids, written = vocabularies[0].encode(text, use_unknown=True), encoder.target_ids(text, target)
        [output] = encoder.outputs([ids], [written], encoder._copy_ids([text]))
        fixture.append({"text": text, "ids": ids, "written": written})
        expected.append({
            "copies": encoder._copy_ids([text]).ids[0].tolist(),
            "output": output,
            "decoded": output and codec.decode(ids, output),
            "pointer": output and list(codec.pointer(ids, output)),
        })  # fmt: skip
    given = {"source": vocabularies[0].to_dict(), "target": vocabularies[1].to_dict(), "arrays": dict(codec.arrays)}
    found = run_node("align.js", {**given, "reverse": reverse, "pairs": fixture}, tmp_path)
    assert found == expected
    assert sum(each["output"] is None for each in expected) >= 2
    assert sum(len(each["output"] or ()) > 500 for each in expected) >= 2
