"""`henkan export --to html`: what it writes and prints, and the advice of its messages, which is followed."""

import json
import re
from pathlib import Path

from advice_cases import WORDS
from export_report import assert_size_and_accuracy_are_printed
from henkan.export.quantization import quantize

EXPORT = ("export", "model", "--to", "html", "--out")


def data_of(path):
    """The facts about a model, and the model, in a page."""
    found = re.findall(
        r'<script id="(description|model-data)" type="application/json">(.*?)</script>', path.read_text()
    )
    return [json.loads(text) for _, text in sorted(found)]


def test_the_page_has_the_model(here, workplace):
    workplace()
    printed = here(*EXPORT, "a.html")
    assert (printed.stdout, printed.stderr) == (f"a.html: {Path('a.html').stat().st_size:,} bytes\n", "")
    facts, model = data_of(Path("a.html"))
    assert facts["name"] == "model"
    assert facts["by"] == "attention"
    assert {each["type"] for each in model["variants"][0]["members"][0].values()} == {"float16"}


def test_int8_and_check_print_size_and_accuracy(here, workplace):
    workplace()
    assert_size_and_accuracy_are_printed(here, "html", "float16", "--beam", 5)


def test_check_predicts_with_the_weights_and_the_beam_width_of_the_page(here, workplace, monkeypatch):
    workplace()
    here("train", "words.tsv", "--out", "large", "--epochs", 8, "--hidden-size", 48, "--recipe", "words")
    sources = [f"{a}{b}{c}" for a in "abc" for b in "abc" for c in "abc"] + ["abc" * n for n in range(2, 9)]
    found = here("predict", "large", "--json", "--beam", 5, *sources).stdout.splitlines()
    predictions = [json.loads(line)["prediction"] for line in found]
    greedy = [
        json.loads(line)["prediction"] for line in here("predict", "large", "--json", *sources).stdout.splitlines()
    ]
    assert predictions != greedy
    right = len(sources) // 2
    pairs = [
        f"{source}\t{text}{'!' * (n >= right)}\n"
        for n, (source, text) in enumerate(zip(sources, predictions, strict=True))
    ]
    Path("half.tsv").write_text("".join(pairs))
    export = ("export", "large", "--to", "html", "--check", "half.tsv", "--out")
    share = f"{100 * right / len(sources):.2f} %"
    printed = here(*export, "a.html").stdout
    assert f"{len(sources)} sources: {share} with this file, {share} with the model" in printed
    assert printed.endswith("; 0 predictions differ\n")

    def rounded_to_zero(name, array):
        numbers, scales, axis = quantize(name, array)
        return 0 * numbers, scales, axis

    monkeypatch.setattr("henkan.export.html.model_data.quantize", rounded_to_zero)
    printed = here(*export, "b.html", "--int8").stdout
    assert f": 0.00 % with this file, {share} with the model" in printed


def test_the_beam_width_is_chosen_on_the_page(here, workplace):
    workplace()
    message = here(*EXPORT, "a.html", "--beam", 3, status=2).stderr
    assert message == "henkan: --beam is for --to onnx only; omit it, the page has a field for the beam width\n"
    assert not Path("a.html").exists()
    here(*EXPORT, "a.html")


def test_an_existing_file_is_kept(here, workplace):
    workplace()
    Path("a.html").write_text("mine")
    assert here(*EXPORT, "a.html", status=2).stderr.endswith("already exists; use --force or another --out\n")
    assert Path("a.html").read_text() == "mine"
    here(*EXPORT, "b.html")
    here(*EXPORT, "a.html", "--force")
    assert Path("a.html").read_bytes() == Path("b.html").read_bytes()
    message = here(*EXPORT, "none/a.html", status=2).stderr
    assert message.endswith("cannot be written (No such file or directory); choose another --out\n")


def test_lexicons_and_mixed_ensembles_are_exported(here, workplace):
    workplace()
    small = ("--epochs", 1, "--hidden-size", 4, "--embedding-size", 4, "--out", "edits")
    here("train", "words.tsv", "--recipe", "edits", *small)
    here("combine", "model", "edits", "--out", "both")
    here("lexicon", "add", "both", "words.tsv")
    assert here("export", "both", "--to", "html", "--out", "a.html", "--check", "words.tsv").stderr == ""
    facts, model = data_of(Path("a.html"))
    assert facts["architecture"] == "encoder-decoder, transducer"
    assert len(model["variants"]) == 2
    assert facts["card"]["lexicon"] == len(model["lexicon"]) == len(WORDS.splitlines())
