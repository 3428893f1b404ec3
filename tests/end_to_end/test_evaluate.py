import json


def test_exact_match_and_the_first_ten(henkan, folder, pairs_file, words):
    lines = henkan("evaluate", folder, pairs_file).stdout.splitlines()
    assert lines[-1] == "exact match 100.000% (39 of 39)"
    assert len(lines) == 12
    assert lines[1].split() == ["O", words[0][0], words[1][0], words[1][0]]


def test_wrong_and_unanswerable_pairs(henkan, folder, tmp_path):
    (tmp_path / "test.tsv").write_text("ab\tAB\nc\tX\nxy\tXY\n")
    done = henkan("evaluate", folder, "test.tsv", "--errors", "wrong.tsv")
    lines = done.stdout.splitlines()
    assert [line[0] for line in lines[1:4]] == ["O", "X", "X"]
    assert lines[-2] == "1 could not be answered (unknown symbols, or too long) and count as wrong"
    assert lines[-1] == "exact match 33.333% (1 of 3)"
    assert (tmp_path / "wrong.tsv").read_text() == "c\tX\tC\nxy\tXY\t(unknown symbol 'x')\n"


def test_json_is_one_object(henkan, folder, tmp_path):
    (tmp_path / "test.tsv").write_text("ab\tAB\nc\tX\nxy\tXY\n")
    result = json.loads(henkan("evaluate", folder, "test.tsv", "--json").stdout)
    assert result == {
        "exact_match": 1 / 3, "correct": 1, "total": 3, "unanswerable": 1, "model": str(folder), "data": "test.tsv",
    }  # fmt: skip


def test_a_model_of_something_else_can_be_asked_a_task(henkan, folder):
    done = henkan("evaluate", folder, "multiplication")
    assert done.stdout.splitlines()[-2].startswith("505 could not be answered")
    assert done.stdout.splitlines()[-1] == "exact match 0.000% (0 of 505)"
    assert "trained on pairs given in Python, not on the task multiplication" in done.stderr


def test_mistakes_are_told_in_a_sentence(refused, folder, pairs_file):
    assert "no task or file 'sums'" in refused("evaluate", folder, "sums")
    before = pairs_file.read_text()
    assert "the pairs themselves" in refused("evaluate", folder, pairs_file, "--errors", pairs_file)
    assert pairs_file.read_text() == before
    assert "cannot be written" in refused("evaluate", folder, pairs_file, "--errors", "none/wrong.tsv")
