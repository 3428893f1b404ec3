"""`henkan export`: what it writes and prints, and the advice of its messages, which is followed."""

import json
from pathlib import Path

import pytest

from advice_cases import TAGGED
from export_report import assert_size_and_accuracy_are_printed

pytest.importorskip("onnx", reason="onnx is not installed; run `make test-onnx`")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed; run `make test-onnx`")
pytestmark = pytest.mark.onnx

from henkan.export.onnx.runtime import OnnxModel  # noqa: E402  (needs onnx)

EXPORT = ("export", "model", "--to", "onnx", "--out")


def test_an_exported_file_predicts_as_the_command(here, workplace):
    workplace()
    printed = here(*EXPORT, "a.onnx").stdout
    with open("a.onnx", "rb") as file:
        content = file.read()
    assert printed == f"a.onnx: {len(content):,} bytes\n"
    texts = ["ab", "ba", "cc", "abc"]
    assert OnnxModel(content).predict(texts) == here("predict", "model", *texts).stdout.splitlines()
    about = json.loads(onnxruntime.InferenceSession(content).get_modelmeta().custom_metadata_map["henkan"])
    assert about["target"]["symbols"] == ["", "A", "B", "C"]


def test_int8_and_check_print_size_and_accuracy(here, workplace):
    workplace()
    assert_size_and_accuracy_are_printed(here, "onnx", "float32")


def test_a_check_compares_searches_of_the_same_beam_width(here, workplace):
    """Beam search finds other predictions than greedy search, but both programs find the same."""
    workplace()
    Path("test.tsv").write_text("".join(f"{a}{b}{c}\tA\n" for a in "abc" for b in "abc" for c in "abc"))
    searches = [here("predict", "model", "--beam", beam, input=_sources("test.tsv")).stdout for beam in (1, 4)]
    assert searches[0] != searches[1]
    assert here(*EXPORT, "a.onnx", "--beam", 4, "--check", "test.tsv").stdout.endswith("; 0 predictions differ\n")


def _sources(name):
    return "".join(line.split("\t")[0] + "\n" for line in Path(name).read_text().splitlines())


def test_an_existing_file_is_kept(here, workplace):
    workplace()
    Path("a.onnx").write_text("mine")
    assert here(*EXPORT, "a.onnx", status=2).stderr.endswith("already exists; use --force or another --out\n")
    assert Path("a.onnx").read_text() == "mine"
    here(*EXPORT, "b.onnx")
    here(*EXPORT, "a.onnx", "--force")
    assert Path("a.onnx").read_bytes() == Path("b.onnx").read_bytes()


def test_other_files_to_write_are_advised(here, workplace):
    workplace()
    Path("folder").mkdir()
    assert here(*EXPORT, "folder", status=2).stderr.endswith("is a folder; choose another --out\n")
    message = here(*EXPORT, "none/a.onnx", status=2).stderr
    assert message.endswith("cannot be written (No such file or directory); choose another --out\n")
    here(*EXPORT, "a.onnx")


def test_pairs_to_check_must_exist_and_fit_the_model(here, workplace):
    workplace()
    Path("empty.tsv").write_text("")
    Path("tagged.tsv").write_text(TAGGED)
    assert here(*EXPORT, "a.onnx", "--check", "empty.tsv", status=2).stderr.startswith(
        "henkan: empty.tsv: the file is empty"
    )
    message = here(*EXPORT, "a.onnx", "--check", "tagged.tsv", "--columns", "source,target,features", status=2).stderr
    assert "ignore their column, as in --columns source,target,-" in message
    here(*EXPORT, "a.onnx", "--check", "tagged.tsv", "--columns", "source,target,-")


def test_a_beam_width_is_within_its_bounds(here, workplace):
    workplace()
    for width in (0, 101):
        message = here(*EXPORT, "a.onnx", "--beam", width, status=2).stderr
        assert message == f"henkan: --beam must be a whole number from 1 to 100, not {width}\n"
    here(*EXPORT, "a.onnx", "--beam", 100)


def test_a_stored_lexicon_is_not_exported(here, workplace):
    workplace()
    assert here(*EXPORT, "a.onnx").stderr == ""
    here("lexicon", "add", "model", "words.tsv")
    assert here(*EXPORT, "b.onnx").stderr.endswith(
        "the lexicon that is stored in the model is not a part of the file\n"
    )
    assert Path("b.onnx").read_bytes() == Path("a.onnx").read_bytes()


def test_a_mixed_ensemble_is_refused(here, workplace):
    workplace()
    small = ("--epochs", 1, "--hidden-size", 4, "--embedding-size", 4, "--out", "edits")
    here("train", "words.tsv", "--recipe", "edits", *small)
    here("combine", "model", "edits", "--out", "both")
    message = here("export", "both", "--to", "onnx", "--out", "a.onnx", status=2).stderr
    assert message == "henkan: a mixed ensemble cannot be exported; export one of its models\n"
