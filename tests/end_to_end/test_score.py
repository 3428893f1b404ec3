import json
import math
import re
from itertools import product


def test_one_line_per_pair_in_order(henkan, folder, tmp_path):
    (tmp_path / "test.tsv").write_text("ab\tAB\nab\tAC\nc\tC\nc\tZ\n")
    rows = [line.split("\t") for line in henkan("score", folder, "test.tsv").stdout.splitlines()]
    assert [row[1:] for row in rows] == [["ab", "AB"], ["ab", "AC"], ["c", "C"], ["c", "Z"]]
    scores = [float(row[0]) for row in rows]
    assert -0.2 < scores[0] < 0
    assert scores[1] < -2
    assert scores[3] == -math.inf
    results = [json.loads(line) for line in henkan("score", folder, "test.tsv", "--json").stdout.splitlines()]
    assert [each["log_probability"] is None for each in results] == [False, False, False, True]


def test_suspicious_lists_label_errors_first(henkan, words, tmp_path):
    sources = [*words[0], *("".join(letters) for letters in product("abc", repeat=4))]
    lines = [f"{source}\t{source.upper()}\n" for source in sources]
    (tmp_path / "good.tsv").write_text("".join(lines))
    settings = ["--epochs", "40", "--batch-size", "8", "--hidden-size", "32", "--embedding-size", "8", "--no-attention"]
    henkan("train", "good.tsv", *settings, "--dev", "none", "--out", "m", "--quiet")
    (tmp_path / "lexicon.tsv").write_text("".join(lines).replace("\nabc\tABC", "\nabc\tABA"))
    done = henkan("score", "m", "lexicon.tsv", "--suspicious", "--folds", "3")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(rows) == 120
    assert rows[0][1:] == ["abc", "ABA", "ABC"]
    assert float(rows[0][0]) < float(rows[1][0])
    lines = done.stderr.splitlines()
    assert re.fullmatch(r"training 3 models will take about \d+ s", lines[-4])
    assert [line.partition(", loss")[0] for line in lines[-3:]] == [f"model {k} of 3: epoch 40/40" for k in (1, 2, 3)]


def test_invalid_arguments_are_refused(refused, folder, pairs_file):
    assert "no such folder" in refused("score", "none", pairs_file)
    assert "--folds must be" in refused("score", folder, pairs_file, "--suspicious", "--folds", "1")
