import json

LEXICON = "ka\tk a\nka\tk a\nsta\ts t a\nsta\tS t a\nn\u0303a\tn a\n\u00f1o\tn o\nzero\u200b\tz e\n"


def test_inspect_reports_duplicates_leaks_and_warnings(henkan, tmp_path):
    (tmp_path / "train.tsv").write_text(LEXICON)
    (tmp_path / "test.tsv").write_text("sta\ts t a\nka\tk o\nxa\tks a\n")
    done = henkan("inspect", "train.tsv", "--test", "test.tsv", "--target-symbols", " ")
    lines = done.stdout.splitlines()
    assert lines[:4] == [
        "7 pairs read, 0 lines skipped",
        "1 duplicate pair",
        "1 source with several targets",
        "    sta: s t a | S t a",
    ]
    assert "targets: 2 to 3 symbols, median 2; 0 empty" in lines
    assert "    2 sources are also in the training set, 1 with the same target" in lines
    warnings = [line for line in lines if line.startswith("warning: ")]
    assert [warning.split()[1:6] for warning in warnings] == [
        ["2", "of", "3", "sources", "in"],
        ["1", "of", "3", "sources", "in"],
        ["the", "sources", "mix", "composed", "and"],
        ["the", "sources", "contain", "1", "invisible"],
    ]
    assert "U+200B ZERO WIDTH SPACE" in warnings[-1]


def test_json_output_has_counts_and_warnings(henkan, tmp_path):
    (tmp_path / "train.tsv").write_text(LEXICON)
    symbols = ["--target-symbols", " ", "--source-normalization", "NFC"]
    found = json.loads(henkan("inspect", "train.tsv", *symbols, "--json").stdout)
    assert found["rows"] == 7
    assert found["source"]["symbols"]["\u00f1"] == 2
    assert found["ambiguous"] == {"sta": ["s t a", "S t a"]}
    assert found["warnings"] == ["the sources contain 1 invisible character (U+200B ZERO WIDTH SPACE); delete them"]
    hint = "all letters of the sources are in lower case, so the model does not learn others; use --source-case lower "
    assert found["hints"] == [hint + "to read both cases"]
    assert "damage" not in found
    (tmp_path / "padded.tsv").write_text("a \tb\n")
    found = json.loads(henkan("inspect", "padded.tsv", "--json").stdout)
    assert found["warnings"] == ["1 source has leading or trailing whitespace; remove it with --strip"]


def test_invalid_lines_and_missing_files_are_refused(refused, tmp_path):
    (tmp_path / "bad.tsv").write_text("a\tb\nc\n")
    assert "bad.tsv, line 2" in refused("inspect", "bad.tsv")
    assert "missing.tsv" in refused("inspect", "missing.tsv")


def test_training_prints_the_summary_and_warnings_of_inspect(henkan, tmp_path):
    (tmp_path / "train.tsv").write_text(LEXICON)
    (tmp_path / "dev.tsv").write_text("ka\tk a\n")
    done = henkan("train", "train.tsv", "--dev", "dev.tsv", "--epochs", "1", "--hidden-size", "8", "--out", "m")
    lines = done.stderr.splitlines()
    assert lines[0].startswith("note: targets are split into symbols at spaces")
    assert lines[1].startswith("7 pairs; sources of 2 to 5 symbols")
    assert any(line.startswith("warning: 1 of 1 source in dev.tsv is also in the training set") for line in lines)
    assert any(line.startswith("hint: all letters of the sources are in lower case") for line in lines)


def test_rows_are_numbered_only_if_no_part_is_held_out(henkan, tmp_path):
    (tmp_path / "train.tsv").write_text("".join(f"a{n}\t{'' if n == 70 else n}\n" for n in range(99)))
    small = ["--epochs", "1", "--hidden-size", "8", "--out", "m", "--force"]
    complaint = "targets are empty (row 71: 'a70', '')"
    assert complaint in henkan("inspect", "train.tsv").stdout
    assert complaint in henkan("train", "train.tsv", *small, "--dev", "none").stderr
    assert "1 of 89 targets are empty (for example 'a70', '')" in henkan("train", "train.tsv", *small).stderr
