import json

LEXICON = "ka\tk a\nka\tk a\nsta\ts t a\nsta\tS t a\nn\u0303a\tn a\n\u00f1o\tn o\nzero\u200b\tz e\n"


def test_a_file_is_looked_over(henkan, tmp_path):
    (tmp_path / "train.tsv").write_text(LEXICON)
    (tmp_path / "test.tsv").write_text("sta\ts t a\nka\tk o\nxa\tks a\n")
    done = henkan("inspect", "train.tsv", "--test", "test.tsv", "--target-symbols", " ")
    lines = done.stdout.splitlines()
    assert lines[:4] == [
        "7 pairs read, none passed over",
        "1 of them stand there already",
        "1 sources have several targets",
        "    sta: s t a | S t a",
    ]
    assert "targets: 2 to 3 symbols, median 2; 0 empty" in lines
    assert "    2 sources are in training too, 1 with the same target" in lines
    warnings = [line for line in lines if line.startswith("warning: ")]
    assert [warning.split()[1:6] for warning in warnings] == [
        ["2", "of", "3", "sources", "in"],
        ["1", "of", "3", "sources", "in"],
        ["sources", "mix", "composed", "and", "decomposed"],
        ["sources", "hold", "1", "characters", "that"],
    ]
    assert "U+200B ZERO WIDTH SPACE" in warnings[-1]


def test_json_has_everything(henkan, tmp_path):
    (tmp_path / "train.tsv").write_text(LEXICON)
    found = json.loads(henkan("inspect", "train.tsv", "--source-normalization", "NFC", "--json").stdout)
    assert found["rows"] == 7
    assert found["source"]["symbols"]["\u00f1"] == 2
    assert found["ambiguous"] == {"sta": ["s t a", "S t a"]}
    assert len(found["warnings"]) == 1


def test_a_line_that_is_no_pair_is_named(refused, tmp_path):
    (tmp_path / "bad.tsv").write_text("a\tb\nc\n")
    assert "bad.tsv, line 2" in refused("inspect", "bad.tsv")
    assert "missing.tsv" in refused("inspect", "missing.tsv")


def test_training_begins_with_the_same_look(henkan, tmp_path):
    (tmp_path / "train.tsv").write_text(LEXICON)
    (tmp_path / "dev.tsv").write_text("ka\tk a\n")
    done = henkan("train", "train.tsv", "--dev", "dev.tsv", "--epochs", "1", "--hidden-size", "8", "--out", "m")
    lines = done.stderr.splitlines()
    assert lines[0].startswith("7 pairs; sources of 2 to 5 symbols")
    assert any(line.startswith("warning: 1 of 1 sources in dev.tsv are in training too") for line in lines)
