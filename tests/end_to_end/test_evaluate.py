import json

import pytest


def test_report_has_exact_match_error_rate_calibration_and_examples(henkan, folder, pairs_file, words):
    lines = henkan("evaluate", folder, pairs_file).stdout.splitlines()
    assert lines[-1] == "exact match 100.000% (39 of 39), 95 % interval 91.03% to 100.00%"
    assert lines[-2] == "symbol error rate 0.000%, 95 % interval 0.00% to 8.97%"
    table = lines[lines.index("") + 1 :]
    assert [line.split()[0] for line in table[1:7]] == ["100%", "95%", "90%", "79%", "69%", "51%"]
    assert {line.split()[-1] for line in table[1:7]} == {"100.00%"}
    assert table[7].startswith("expected calibration error ")
    assert lines[1].split() == ["O", words[0][0], words[1][0], words[1][0]]


def test_wrong_predictions_and_unknown_symbols_are_reported(henkan, folder, tmp_path):
    (tmp_path / "test.tsv").write_text("ab\tAB\nc\tX\nxy\tXY\n")
    done = henkan("evaluate", folder, "test.tsv", "--errors", "wrong.tsv")
    lines = done.stdout.splitlines()
    assert [line[0] for line in lines[1:4]] == ["O", "X", "X"]
    assert lines[-2] == "1 source has symbols that were not in the training data"
    assert lines[-1].startswith("exact match 33.333% (1 of 3), 95 % interval 0.00% to ")
    assert (tmp_path / "wrong.tsv").read_text().startswith("c\tX\tC\nxy\tXY\t")


def test_confidence_without_a_validation_set_is_not_calibrated(henkan, folder, pairs_file):
    tiny = ("--hidden-size", 4, "--embedding-size", 4, "--epochs", 1)
    henkan("train", pairs_file, *tiny, "--dev", pairs_file, "--out", "m")
    note = "the confidence is not calibrated: the model was trained without a validation set"
    for model, shown in (("m", False), (folder, True)):
        assert (note in henkan("evaluate", model, pairs_file).stdout.splitlines()) == shown
        assert (" (not calibrated)   weights" in henkan("explain", model, "ab").stdout.splitlines()[0]) == shown


def test_coverage_of_one_source_is_one_row(henkan, folder, tmp_path):
    (tmp_path / "one.tsv").write_text("ab\tAB\n")
    lines = henkan("evaluate", folder, "one.tsv").stdout.splitlines()
    assert [line.split()[0] for line in lines if line.endswith("100.00%") and " 0." in line] == ["100%"]


def test_json_output_is_one_object(henkan, folder, tmp_path):
    (tmp_path / "test.tsv").write_text("ab\tAB\nc\tX\nxy\tXY\n")
    result = json.loads(henkan("evaluate", folder, "test.tsv", "--json").stdout)
    wanted = {
        "exact_match": 1 / 3, "word_error_rate": pytest.approx(2 / 3), "correct": 1, "total": 3, "pairs": 3,
        "unanswerable": 0, "unknown": 1, "cut_off": 0, "model": str(folder), "data": "test.tsv",
        "by_length": {"1": [0, 1], "2": [1, 2]},
    }  # fmt: skip
    assert {name: result[name] for name in wanted} == wanted
    assert 1 / 5 < result["symbol_error_rate"] <= 1
    assert ["X", "C", 1] in result["confusions"]
    assert 0 < result["expected_calibration_error"] < 1
    assert result["coverage"][0][0] == 1
    low, high = result["intervals"]["exact_match"]
    assert 0 <= low < 1 / 3 < high <= 1
    assert result["intervals"]["word_error_rate"] == pytest.approx([1 - high, 1 - low])
    low, high = result["intervals"]["symbol_error_rate"]
    assert low < result["symbol_error_rate"] < high


def test_details_show_accuracy_by_length_and_confusions(henkan, folder, tmp_path):
    (tmp_path / "test.tsv").write_text("ab\tAB\nc\tX\nc\tY\nba\tBAB\n")
    lines = henkan("evaluate", folder, "test.tsv", "--details").stdout.splitlines()
    assert [line.split() for line in lines[lines.index("") + 1 :][:3]] == [
        ["source", "symbols", "exact", "match", "sources"],
        ["1", "0.0%", "1"],
        ["2", "50.0%", "2"],
    ]
    assert "     1  predicted C instead of X" in lines
    assert "     1  omitted B" in lines


def test_evaluating_on_a_task_of_another_model_is_reported(henkan, folder):
    done = henkan("evaluate", folder, "multiplication")
    assert "505 sources have symbols that were not in the training data" in done.stdout.splitlines()
    assert done.stdout.splitlines()[-1] == "exact match 0.000% (0 of 505), 95 % interval 0.00% to 0.75%"
    assert "trained on pairs given in Python, not on the task multiplication" in done.stderr


def test_invalid_arguments_are_refused(refused, folder, pairs_file):
    assert "no task or file 'sums'" in refused("evaluate", folder, "sums")
    before = pairs_file.read_text()
    assert "--errors would overwrite the pairs to evaluate" in refused(
        "evaluate", folder, pairs_file, "--errors", pairs_file
    )
    assert pairs_file.read_text() == before
    assert "cannot be written" in refused("evaluate", folder, pairs_file, "--errors", "none/wrong.tsv")


def test_any_of_several_accepted_targets_is_correct(henkan, folder, tmp_path):
    (tmp_path / "test.tsv").write_text("ab\tAX\nab\tAB\n")
    lines = henkan("evaluate", folder, "test.tsv").stdout.splitlines()
    assert [line.split() for line in lines[1:3]] == [["O", "ab", "AB", "AB"], []]
    assert lines[-2:] == [
        "2 pairs, 1 distinct source; each counts once",
        "exact match 100.000% (1 of 1), 95 % interval 20.65% to 100.00%",
    ]


def test_each_source_counts_once(henkan, folder, tmp_path):
    """A wrong prediction of a source with three targets and a correct prediction."""
    (tmp_path / "test.tsv").write_text("ab\tXXXX\nab\tAX\nc\tC\nab\tXXX\n")
    done = henkan("evaluate", folder, "test.tsv", "--json", "--errors", "wrong.tsv")
    result = json.loads(done.stdout)
    assert (result["exact_match"], result["word_error_rate"], result["symbol_error_rate"]) == (0.5, 0.5, 1 / 3)
    assert (result["correct"], result["total"], result["pairs"]) == (1, 2, 4)
    assert (tmp_path / "wrong.tsv").read_text() == "ab\tAX\tAB\n"  # the target nearest to the prediction


def test_feature_column_is_refused_by_a_model_without_features(refused, folder, tmp_path):
    (tmp_path / "test.tsv").write_text("ab\tAB\tV\n")
    columns = ["--columns", "source,target,features"]
    assert "trained without feature tags" in refused("evaluate", folder, "test.tsv", *columns)
    assert "trained without feature tags" in refused("score", folder, "test.tsv", *columns)
