"""The arguments that errors and other messages name in Python exist, and remove the message."""

import ast
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from advice_cases import SPACED, TAGGED, WORDS, tsv
from henkan import HenkanError, Seq2Seq, load
from henkan.config import ModelConfig
from henkan.errors import REMEDIES
from henkan.inference.explanation import explain
from henkan.text.audit import audit
from henkan.text.detected_settings import with_detected_settings
from henkan.text.pairs import Columns
from henkan.text.reading import read_pair_file
from henkan.text.tokenized_pairs import TokenizedPairs
from lexicon import LEXICON, some

ARGUMENT = re.compile(r"""(\w+)=(True|[0-9]+|"[^"]*"|'[^']*')""")
NEEDS_TORCH = pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
LAYOUT = ("format", "encoding", "delimiter", "strip", "columns")


def alternatives(advice, given):
    """Yield the arguments with each alternative of the advice."""
    previous = None
    for part in re.split(r"; otherwise |,? or,? |, ", advice):
        found = ARGUMENT.findall(part)
        if not found and previous is not None and re.fullmatch('"[a-z]+"', part):
            found = [(previous, part)]
        omitted = re.findall(r"(?:without|omit) (\w+)(?: and (\w+))?", part)
        if found or omitted:
            rest = {name: value for name, value in given.items() if not any(name in each for each in omitted)}
            yield rest | {name: ast.literal_eval(value) for name, value in found}
            previous = found[0][0] if found else None


def checked(content, name="x.tsv"):
    """Return a function that reads a file, audits it and returns the messages."""

    def check(**settings):
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
        file = read_pair_file(Path(name), _layout(settings))
        model = ModelConfig(**{name: value for name, value in settings.items() if name not in LAYOUT})
        if model.features or "target_symbols" not in settings:
            model = with_detected_settings(model, file.pairs, lexicon=file.format == "lexicon")
        found = audit(TokenizedPairs.of(file.pairs, model))
        return [*file.notes, *found.warnings(), *found.hints()]

    return check


def _layout(settings):
    from henkan.text.layout import Layout

    return Layout(**{name: settings[name] for name in LAYOUT if name in settings})


def convert(model):
    return lambda **options: load(model).convert(["ab"], **options) and []


def fit(**settings):
    Seq2Seq(epochs=1, hidden_size=4, embedding_size=4, **settings).fit(["walk\tV;PST", "go\tV"], ["walked", "go"])
    return []


def save(**options):
    load("model").save("plain", **options)
    return []


def explained(**options):
    explain(load("plain")._fitted.converter, "ab", **options)
    return []


def predict(**options):
    load("model", **options).predict(["ab"])
    return []


CASES = [
    ("several_predictions", convert("model"), {"mass": 0.9}),
    ("other_unknown", convert("plain"), {"unknown": "copy"}),
    ("force_or_another_folder", save, {}),
    ("saliency", explained, {"by": "attention"}),
    ("name_features", fit, {"tag_separator": ";"}),
    pytest.param("cpu_or_auto_device", predict, {"device": "mps"}, marks=[pytest.mark.torch, NEEDS_TORCH]),
    pytest.param("exact_or_bf16_precision", predict, {"precision": "tf32"}, marks=[pytest.mark.torch, NEEDS_TORCH]),
    ("name_encoding", checked(WORDS.encode("utf-16")), {}),
    ("name_encoding_of_lines", checked((WORDS + "é\té\n").encode("latin-1")), {}),
    ("read_as_lexicon", checked(SPACED, "x.txt"), {"delimiter": " "}),
    ("read_as_lexicon_if_phones", checked(SPACED, "x.txt"), {"delimiter": " ", "columns": Columns(0, 1, None, None)}),
    ("lexicon", checked(tsv(some(lambda s, t: (s, f"{t} # ?")))), {"delimiter": "\t", "target_symbols": " "}),
    ("csv", checked(tsv(some(lambda s, t: (s, f'"{t}"')))), {}),
    ("strip", checked(tsv(some(lambda s, t: (f"{s} ", t)))), {}),
    ("separate_symbols", checked(tsv(LEXICON)), {"target_symbols": "characters"}),
    ("normalize", checked(WORDS + "e\u0301\tA\n\u00e9\tA\n"), {}),
    ("source_case", checked(tsv(LEXICON)), {}),
    (
        "tag_separator",
        checked(TAGGED.replace(";", "|")),
        {"features": True, "tag_separator": ";", "columns": Columns(0, 1, 2, 3)},
    ),
]
EXCEPTIONS = {
    "name_dev": "needs data; see test_mixture.py",
    "exact_precision": "needs a GPU without bf16",
    "more_minutes": "only of `henkan tune`",
    "not_deterministic": "needs a GPU, and an algorithm that it lacks",
    "only_torch_with_torchrun": "needs several processes; see test_torch.py",
}


def messages(call, arguments):
    """Call a function, and return its messages or its error."""
    try:
        return call(**arguments)
    except HenkanError as error:
        return [error.message]


@pytest.mark.parametrize(("key", "call", "arguments"), CASES)
def test_named_argument_removes_the_message(workplace, key, call, arguments):
    workplace()
    [message] = [each for each in messages(call, arguments) if each.remedy == key]
    advice = str(message).removeprefix(message.problem)
    followed = list(alternatives(advice, arguments))
    assert followed
    for each in followed:
        if call is save:
            workplace()
        assert key not in [found.remedy for found in call(**each)], each


def test_every_named_argument_is_tried():
    tried = {case.values[0] if hasattr(case, "values") else case[0] for case in CASES}
    named = {key for key, text in REMEDIES.items() if re.search(r"\w=", text)}
    assert named == tried | EXCEPTIONS.keys()
