import json
import re

import pytest

from henkan import Seq2Seq

SIZES = {"epochs": 60, "batch_size": 8, "hidden_size": 32, "embedding_size": 8}


@pytest.fixture
def attention_model(words, tmp_path):
    Seq2Seq(attention=True, bidirectional=True, peeky=False, **SIZES).fit(*words).save(tmp_path / "attentive")
    return tmp_path / "attentive"


def test_explanation_is_a_table_of_attention_weights(henkan, attention_model):
    lines = henkan("explain", attention_model, "cab").stdout.splitlines()
    assert re.fullmatch(r"cab -> CAB   confidence [01]\.\d{3} \(not calibrated\)   weights from attention", lines[0])
    assert lines[2].split() == ["symbol", "probability", "alternatives", "c", "a", "b"]
    assert [line.split()[0] for line in lines[3:]] == ["C", "A", "B", "(end)"]


def test_model_without_attention_is_explained_by_saliency(henkan, folder):
    lines = henkan("explain", folder, "ab", "--answer", "BA").stdout.splitlines()
    assert lines[0].endswith("weights from saliency")
    assert lines[2].split() == ["symbol", "probability", "alternatives", "a", "b"]
    assert lines[3].split()[0] == "B"
    assert float(lines[3].split()[1]) < 0.5


def test_explanation_as_json_and_as_picture(henkan, attention_model, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed; `henkan[plot]` brings it")
    explanation = json.loads(henkan("explain", attention_model, "ca", "--json", "--picture", "look.png").stdout)
    assert [choice["symbol"] for choice in explanation["choices"]] == ["C", "A", ""]
    assert (tmp_path / "look.png").read_bytes().startswith(b"\x89PNG")
    henkan("explain", attention_model, "ca", "--picture", "look.svg")
    assert b"<svg" in (tmp_path / "look.svg").read_bytes()


def test_a_mixed_ensemble_is_explained_by_its_first_model(henkan, attention_model, folder, tmp_path):
    (tmp_path / "dev.tsv").write_text("ab\tAB\nba\tBA\nca\tCA\ncab\tCAB\n")
    done = henkan("combine", attention_model, folder, "--dev", "dev.tsv", "--fit-weights", "--out", "e")
    weights = done.stdout.partition("weights, in the order of the models:\n")[2].splitlines()[:2]
    assert all(line.endswith("  1 x encoder-decoder") for line in weights)
    assert sum(float(line.split()[0]) for line in weights) == pytest.approx(2, abs=0.02)
    explained = henkan("explain", "e", "ca", "--json")
    assert "note: of 2 kinds of models, the first (encoder-decoder) is explained" in explained.stderr
    predicted = json.loads(henkan("predict", "e", "ca", "--json").stdout)
    assert json.loads(explained.stdout)["confidence"] == pytest.approx(predicted["confidence"], rel=1e-4)


def test_invalid_arguments_are_refused(refused, attention_model):
    assert ".png or .svg" in refused("explain", attention_model, "ca", "--picture", "look.jpg")
    assert "cannot be written" in refused("explain", attention_model, "ca", "--picture", "none/look.png")
    assert "the model cannot predict symbol 'x' in 'x'; use only" in refused(
        "explain", attention_model, "ca", "--answer", "x"
    )


def test_a_whole_file_is_aligned(henkan, attention_model, tmp_path):
    (tmp_path / "words.txt").write_text("cab\n\nxyz\n")
    rows = [line.split("\t") for line in henkan("explain", attention_model, "--file", "words.txt").stdout.splitlines()]
    assert rows[0] == ["number", "source", "prediction", "symbol", "start", "end", "from", "probability"]
    assert [row[:4] for row in rows[1:4]] == [["1", "cab", "CAB", symbol] for symbol in "CAB"]
    assert all(row[6] == "cab"[int(row[4])] and int(row[5]) == int(row[4]) + 1 for row in rows[1:4])
    assert all(0 < float(row[7]) <= 1 for row in rows[1:])
    first, _ = map(json.loads, henkan("explain", attention_model, "--file", "words.txt", "--json").stdout.splitlines())
    assert (first["source"], first["prediction"], first["symbols"]) == ("cab", "CAB", ["c", "a", "b"])
    assert [link["symbol"] for link in first["links"]] == ["C", "A", "B"]


def test_lines_of_an_alignment_are_numbered_and_escaped(henkan, attention_model, tmp_path, monkeypatch):
    monkeypatch.setattr("henkan.cli.alignments.CHUNK", 2)
    (tmp_path / "words.txt").write_text("a\tb\nc\\\nab\ncab\n")
    lines = henkan("explain", attention_model, "--file", "words.txt").stdout.splitlines()
    rows = [line.split("\t") for line in lines[1:]]
    assert all(len(row) == 8 for row in rows)
    assert list(dict.fromkeys((row[0], row[1]) for row in rows)) == [
        ("1", "a\\tb"), ("2", "c\\\\"), ("3", "ab"), ("4", "cab"),
    ]  # fmt: skip
    (tmp_path / "pairs.tsv").write_text("a\tA\nb\tB\nc\tC\n")
    lines = henkan("explain", attention_model, "--file", "pairs.tsv", "--pairs").stdout.splitlines()
    assert [line.split("\t")[:3] for line in lines[1:]] == [["1", "a", "A"], ["2", "b", "B"], ["3", "c", "C"]]


def test_options_of_predictions_hold_for_a_whole_file(henkan, refused, attention_model, tmp_path):
    (tmp_path / "words.txt").write_text("cab\n")
    arguments = ("explain", attention_model, "--file", "words.txt")
    assert henkan(*arguments, "--by", "saliency").stdout != henkan(*arguments).stdout
    assert "--by" in refused(*arguments, "--by", "pointer")
    assert "--beam must be" in refused(*arguments, "--beam", 0)


def test_targets_of_sources_with_feature_tags_are_aligned(henkan, tmp_path):
    model = Seq2Seq(recipe="edits", epochs=1, features=True, calibrate_outside=False)
    model.fit(["a\tPL", "ab\tPL", "ab\tSG", "b\tSG"], ["as", "abs", "ab", "b"]).save(tmp_path / "tags")
    (tmp_path / "pairs.tsv").write_text("ab\tabs\tPL\n")
    [found] = map(json.loads, henkan("explain", "tags", "--file", "pairs.tsv", "--pairs", "--json").stdout.splitlines())
    assert (found["source"], found["prediction"], found["symbols"]) == ("ab\tPL", "abs", ["\tPL", "a", "b"])
    assert [link["symbol"] for link in found["links"] if link["symbol"]] == ["a", "b", "s"]


def test_given_targets_are_aligned(henkan, attention_model, tmp_path):
    (tmp_path / "pairs.tsv").write_text("ab\tBA\nc\tx\n")
    done = henkan("explain", attention_model, "--file", "pairs.tsv", "--pairs", "--json")
    first, second = map(json.loads, done.stdout.splitlines())
    assert [link["symbol"] for link in first["links"]] == ["B", "A"]
    assert second["prediction"] is None
    assert second["reason"] == "the model cannot write 'x': unknown symbol 'x'"
    assert done.stderr.endswith("note: texts without an alignment: 1 (see reason in the JSON)\n")
