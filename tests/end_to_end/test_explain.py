import json
import re

import pytest

from henkan import Seq2Seq

SIZES = {"epochs": 60, "batch_size": 8, "hidden_size": 32, "embedding_size": 8}


@pytest.fixture
def attentive(words, tmp_path):
    Seq2Seq(attention=True, bidirectional=True, peeky=False, **SIZES).fit(*words).save(tmp_path / "attentive")
    return tmp_path / "attentive"


def test_a_table(henkan, attentive):
    lines = henkan("explain", attentive, "cab").stdout.splitlines()
    assert re.fullmatch(r"cab -> CAB   confidence [01]\.\d{3}   weights from attention", lines[0])
    assert lines[2].split() == ["symbol", "probability", "alternatives", "c", "a", "b"]
    assert [line.split()[0] for line in lines[3:]] == ["C", "A", "B", "(end)"]


def test_without_attention(henkan, folder):
    lines = henkan("explain", folder, "ab", "--answer", "BA").stdout.splitlines()
    assert lines[0].endswith("weights from saliency")
    assert lines[2].split() == ["symbol", "probability", "alternatives", "a", "b"]
    assert lines[3].split()[0] == "B"
    assert float(lines[3].split()[1]) < 0.5


def test_json_and_pictures(henkan, attentive, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed; `henkan[plot]` brings it")
    told = json.loads(henkan("explain", attentive, "ca", "--json", "--picture", "look.png").stdout)
    assert [choice["symbol"] for choice in told["choices"]] == ["C", "A", ""]
    assert (tmp_path / "look.png").read_bytes().startswith(b"\x89PNG")
    henkan("explain", attentive, "ca", "--picture", "look.svg")
    assert b"<svg" in (tmp_path / "look.svg").read_bytes()


def test_mistakes(refused, attentive):
    assert ".png or .svg" in refused("explain", attentive, "ca", "--picture", "look.jpg")
    assert "cannot be written" in refused("explain", attentive, "ca", "--picture", "none/look.png")
    assert "unknown symbol 'x'" in refused("explain", attentive, "ca", "--answer", "x")
