"""The page of an exported model as a file: what it contains, how large it is, and what its browser forbids."""

import json
import re
import shutil
import subprocess
from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import henkan
from henkan import Seq2Seq
from henkan.errors import SettingsError
from henkan.export.html.model_data import model_data
from henkan.export.html.packing import pack, take_numbers
from henkan.export.html.page import BEAM, build
from henkan.text.data_source import DataSource
from henkan.text.tasks import TASKS

WEB = Path(henkan.__file__).parent / "web"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")


def page_of(model, **settings):
    """The page of a model, as text."""
    fitted = model._fitted
    return build(fitted.saved, fitted.converter, fitted.data, **{"name": "words", **settings}).decode("utf-8")


class Parsed(HTMLParser):
    """The elements of a page: tag, attributes and text of each."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.inside = [], False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append([tag, dict(attributes), ""])
        self.inside = True

    def handle_endtag(self, tag):  # noqa: ARG002
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.elements[-1][2] += data

    def all(self, tag):
        return [(attributes, text) for name, attributes, text in self.elements if name == tag]

    def block(self, id):
        [text] = [text for attributes, text in self.all("script") if attributes.get("id") == id]
        return text


@pytest.fixture(scope="module")
def page(trained):
    return page_of(trained)


def test_nothing_is_loaded_from_elsewhere(page):
    parsed = Parsed(page)
    links = [
        value
        for _, attributes, _ in parsed.elements
        for name, value in attributes.items()
        if name in ("href", "src", "srcset", "action", "data", "poster")
    ]
    assert links
    assert all(link.startswith(("data:", "#")) for link in links)
    styles = [text for _, text in parsed.all("style")]
    assert len(styles) == len(list(WEB.glob("*.css")))
    assert not any("@import" in text or re.search(r"url\((?![\"']?data:)", text) for text in styles)
    assert "page/" not in page.replace(parsed.block("numbers"), "").replace(parsed.block("worker"), "")


def test_the_policy_allows_this_script_alone_and_no_connection(page):
    parsed = Parsed(page)
    [policy] = [each["content"] for each, _ in parsed.all("meta") if "http-equiv" in each]
    allowed = {name: values for name, *values in (part.split() for part in policy.split(";"))}
    assert allowed["default-src"] == ["'none'"]
    assert "connect-src" not in allowed
    assert allowed["worker-src"] == ["blob:"]
    assert allowed["base-uri"] == allowed["form-action"] == ["'none'"]

    def hashed(text):
        return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"

    [script] = [text for attributes, text in parsed.all("script") if "type" not in attributes]
    assert allowed["script-src"] == [hashed(script), "'wasm-unsafe-eval'"]
    assert allowed["style-src"] == [hashed(text) for _, text in parsed.all("style")]


def test_the_page_has_the_facts_and_the_model_card(trained, page):
    facts = json.loads(Parsed(page).block("description"))
    assert facts["name"] == "words"
    assert facts["by"] == "saliency"
    assert facts["metrics"]["pairs"] == 39
    assert facts["card"]["settings"]["hidden_size"] == 32
    assert facts["card"]["settings"]["seed"] == trained._fitted.saved.first.training.seed
    assert facts["card"]["data"] == "pairs given in Python"
    assert facts["card"]["henkan"] == henkan.__version__


def test_the_model_card_names_the_task_or_the_file_without_its_folders(trained):
    fitted = trained._fitted
    for data, name in {DataSource("/home/someone/words", pairs=9): "words", DataSource("a/b", True, 9): "a/b"}.items():
        page = build(fitted.saved, fitted.converter, data, name="words").decode("utf-8")
        card = json.loads(Parsed(page).block("description"))["card"]
        assert (card["data"], card["task"], card["pairs"]) == (name, data.task, 9)


def test_the_name_of_the_model_is_text(trained):
    name = '</script><script>alert("&amp;")</script><!--'
    parsed = Parsed(page_of(trained, name=name))
    assert json.loads(parsed.block("description"))["name"] == name
    assert parsed.all("title")[0][1].startswith(name)
    assert len(parsed.all("script")) == len(Parsed(page_of(trained)).all("script"))


def test_the_lexicon_is_in_the_page(words):
    model = Seq2Seq(epochs=1, hidden_size=4, embedding_size=4).fit(*words, keep_lexicon=True)
    parsed = Parsed(page_of(model))
    assert json.loads(parsed.block("model-data"))["lexicon"] == [list(pair) for pair in zip(*words, strict=True)]
    assert json.loads(parsed.block("description"))["card"]["lexicon"] == len(words[0])


def in_node(script, text, folder):
    """What a script prints as JSON for a text on its standard input."""
    (folder / "script.mjs").write_text(script.replace("WEB", WEB.as_uri()))
    done = subprocess.run(["node", folder / "script.mjs"], input=text, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


UNPACK = """
import { unpack } from "WEB/packed.js";
import { decodeArray } from "WEB/runtime/arrays.js";
import { putNumbers } from "WEB/runtime/packed_arrays.js";
import { readFileSync } from "node:fs";
const { model, numbers } = JSON.parse(readFileSync(0, "utf8"));
const { variants } = putNumbers(model, await unpack(numbers));
const decoded = (array) => [...decodeArray(array, (size) => new Float32Array(size))];
const read = (arrays) => Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, decoded(array)]));
console.log(JSON.stringify(variants.map(({ codec, members }) => [codec, ...members].map(read))));
"""


@needs_node
@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_packed_numbers_are_those_of_the_model(words, precision, tmp_path):
    model = Seq2Seq(recipe="edits", epochs=1, hidden_size=12, embedding_size=5, ensemble=2).fit(*words)
    plain, packed = (model_data(model._fitted.saved, precision) for _ in range(2))
    text = pack(take_numbers(packed))
    assert not set("<&\\") & set(text)
    found = in_node(UNPACK, json.dumps({"model": packed, "numbers": text}), tmp_path)
    for variant, read in zip(plain["variants"], found, strict=True):
        for arrays, numbers in zip([variant["codec"], *variant["members"]], read, strict=True):
            for name, array in arrays.items():
                expected = np.frombuffer(b64decode(array["data"]), array["type"]).reshape(array["shape"])
                if "scales" in array:
                    scales = np.frombuffer(b64decode(array["scales"]), "float32")
                    expected = expected * (scales if array["axis"] == 1 else scales[:, None])
                np.testing.assert_array_equal(np.float32(numbers[name]), expected.astype(np.float32).ravel(), name)


UNPACK_TEXT = """
import { unpack } from "WEB/packed.js";
import { readFileSync } from "node:fs";
console.log(JSON.stringify([...(await unpack(readFileSync(0, "utf8")))]));
"""


@needs_node
@pytest.mark.parametrize("length", [0, 1, 12, 13, 1000])
def test_any_bytes_are_unpacked(length, tmp_path):
    content = np.random.default_rng(length).integers(0, 256, length, np.uint8).tobytes()
    assert bytes(in_node(UNPACK_TEXT, pack(content), tmp_path)) == content


def test_the_model_of_the_demo_takes_less_than_0_8_megabytes():
    pairs = TASKS["addition"].generate(300)
    model = Seq2Seq(recipe="quick", epochs=1).fit(pairs.sources, pairs.targets)
    saved = model._fitted.saved
    assert sum(array.size for array in saved.members[0].values()) == 217_195
    assert len(page_of(model).encode()) < 800_000


PHONES = [f"P{number}" for number in range(69)]  # as many as with stress marks in the CMU Pronouncing Dictionary


@pytest.mark.parametrize(("hidden_size", "precision"), [(128, "float16"), (256, "int8")])
def test_a_model_of_a_pronunciation_lexicon_takes_less_than_2_megabytes(hidden_size, precision):
    """The hidden sizes that the recipe chooses for small lexicons, and for the CMU Pronouncing Dictionary."""
    generator = np.random.default_rng(0)
    letters = [*"abcdefghijklmnopqrstuvwxyz'"]
    sources = ["".join(generator.choice(letters, 6)) for _ in range(200)]
    targets = [" ".join(generator.choice(PHONES, 5)) for _ in range(200)]
    model = Seq2Seq(recipe="edits", updates=1, hidden_size=hidden_size, calibrate_outside=False)
    assert len(page_of(model.fit(sources, targets), precision=precision).encode()) < 2_000_000


def test_the_beam_width_is_that_of_the_page():
    assert f"beam: {BEAM}" in (WEB / "options_view.js").read_text("utf-8")


def test_an_architecture_that_the_runtime_lacks_is_refused(trained):
    fitted = trained._fitted
    first = fitted.saved.first
    other = replace(first, model=replace(first.model))
    object.__setattr__(other.model, "architecture", "other")
    saved = replace(fitted.saved, variants=[other])
    with pytest.raises(SettingsError, match="the architecture 'other' cannot be exported to a page"):
        build(saved, fitted.converter, fitted.data, name="words")
