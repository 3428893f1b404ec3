"""Texts outside the training data, and blank texts, on the command line."""

import json

LONGER = "a" * 9


def test_a_blank_line_gets_an_empty_line_and_one_note(henkan, folder):
    done = henkan("predict", folder, input="ab\n\n \t\nc\n\n")
    assert done.stdout == "AB\n\n\nC\n\n"
    assert done.stderr == "note: blank texts, which get an empty line: 3\n"
    [blank] = map(json.loads, henkan("predict", folder, "--json", input="\n").stdout.splitlines())
    assert blank == {
        "source": "", "prediction": None, "log_probability": None, "confidence": None,
        "reason": "it is empty or has only whitespace", "blank": True,
    }  # fmt: skip


def test_blank_lines_are_answered_if_the_training_data_had_some(henkan, tmp_path):
    (tmp_path / "pairs.tsv").write_text("\tx\na\ty\n" * 10)
    henkan("train", "pairs.tsv", "--dev", "none", "--quiet", "--epochs", "40", "--recipe", "modern")
    done = henkan("predict", "models/pairs", input="\na\n")
    assert (done.stdout, done.stderr) == ("x\ny\n", "")


def test_texts_outside_the_training_data_are_marked_and_counted(henkan, folder):
    done = henkan("predict", folder, "--json", "ab", LONGER)
    inside, outside = map(json.loads, done.stdout.splitlines())
    assert "outside" not in inside
    assert outside["outside"] == ["longer than in training"]
    assert outside["confidence"] is None or outside["confidence"] < 0.1  # there was no validation set
    assert done.stderr == (
        "note: texts outside the training data: 1 (longer than in training 1); predictions are often wrong there "
        "(see --abstain-outside)\n"
    )


def test_a_list_of_predictions_does_not_stop_early_outside(henkan, folder):
    several = ["--beam", "3", "--nbest", "3", "--mass", "0.5"]
    assert henkan("predict", folder, *several, "ab").stdout.count("\n") == 1
    assert henkan("predict", folder, *several, LONGER).stdout.count("\n") == 3


def test_abstaining_outside(henkan, folder):
    done = henkan("predict", folder, "--abstain-outside", "ab", LONGER, "c")
    assert done.stdout == "AB\n\nC\n"
    assert done.stderr == "note: texts outside the training data: 1 (longer than in training 1)\n"
    [conversion] = map(json.loads, henkan("predict", folder, "--abstain-outside", "--json", LONGER).stdout.splitlines())
    assert (conversion["prediction"], conversion["abstained"]) == (None, True)
    assert conversion["reason"] == "it is outside the training data (longer than in training)"


def test_a_model_with_tags_notes_missing_and_new_combinations(henkan, tmp_path):
    rows = [f"{word}\t{word}{end}\t{tags}" for word in ("ab", "ba", "aab") for end, tags in (("s", "N;PL"), ("", "N"))]
    (tmp_path / "forms.tsv").write_text("\n".join(rows * 5) + "\n")
    columns = "source,target,features"
    henkan("train", "forms.tsv", "--columns", columns, "--dev", "none", "--quiet", "--epochs", "5")
    done = henkan("predict", "models/forms", "--json", "ab\tPL; N", "ab", "ab\tPL", "ab\tV")
    outside = [json.loads(line).get("outside") for line in done.stdout.splitlines()]
    assert outside == [None, ["no tags"], ["tag combination not in training"], ["tags not in training"]]
    assert "no tags 1, tag combination not in training 1" in done.stderr


def test_evaluate_counts_sources_outside_and_explain_shows_an_unknown_confidence(henkan, folder, tmp_path):
    (tmp_path / "test.tsv").write_text(f"ab\tAB\n{LONGER}\tx\n")
    assert "1 source is outside the training data" in henkan("evaluate", folder, "test.tsv").stdout
    assert json.loads(henkan("evaluate", folder, "test.tsv", "--json").stdout)["outside"] == 1
    assert "confidence" in henkan("explain", folder, LONGER).stdout.splitlines()[0]
