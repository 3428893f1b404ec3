"""Strings with line breaks, tabs, backslashes and unpaired surrogates in the text output of every command."""

import json
import re

import pytest

from henkan import Seq2Seq

PAIRS = {
    "a": "ab\ncd",
    "b": "A\tB\r\n",
    "c": "C:\\new",
    "d": "\v\f\x1c\x1d\x1e\x85\u2028\u2029",
    "e": "\ud800x",
    "f\\n\t\u2028\ud800": "plain",
}


def unescape(text):
    short = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}
    return re.sub(r"\\(?:u(....)|(.))", lambda m: chr(int(m[1], 16)) if m[1] else short[m[2]], text)


@pytest.fixture(scope="session")
def odd(tmp_path_factory):
    """The folder of a model of `PAIRS`, and these pairs as JSON Lines."""
    model = Seq2Seq(epochs=300, hidden_size=32, embedding_size=8, batch_size=6).fit(list(PAIRS), list(PAIRS.values()))
    assert model.predict(list(PAIRS)) == list(PAIRS.values())
    folder = tmp_path_factory.mktemp("odd")
    model.save(folder / "model")
    lines = [json.dumps({"source": source, "target": target}) for source, target in PAIRS.items()]
    (folder / "pairs.jsonl").write_text("\n".join(lines))
    wrong = [json.dumps({"source": source, "target": target + "a"}) for source, target in PAIRS.items()]
    (folder / "wrong.jsonl").write_text("\n".join(wrong))
    return folder


def rows(output):
    """The lines of an output, split into columns and unescaped."""
    assert output.count("\n") == len(output.splitlines())
    return [tuple(map(unescape, line.split("\t"))) for line in output.splitlines()]


def test_predict_prints_one_line_per_text(henkan, odd):
    texts = [source for source in PAIRS if len(source) == 1]
    found = rows(henkan("predict", odd / "model", input="\n".join(texts)).stdout)
    assert found == [(PAIRS[text],) for text in texts]
    done = henkan("predict", odd / "model", "--beam", 3, "--nbest", 2, "f\\n\t\u2028", "a", "d")
    assert [row[0] for row in rows(done.stdout)] == ["f\\n\t\u2028"] * 2 + ["a"] * 2 + ["d"] * 2
    assert [row[1] for row in rows(done.stdout)][2::2] == [PAIRS["a"], PAIRS["d"]]
    assert {len(row) for row in rows(done.stdout)} == {3}


def test_predict_json_is_exact_and_has_one_line_per_text(henkan, odd):
    texts = [source for source in PAIRS if len(source) == 1]
    lines = henkan("predict", odd / "model", "--json", *texts).stdout.splitlines()
    assert [json.loads(line)["prediction"] for line in lines] == [PAIRS[text] for text in texts]


@pytest.mark.parametrize("more", [(), ("--suspicious", "--folds", 2)], ids=str)
def test_score_prints_one_line_per_pair(henkan, odd, more):
    found = rows(henkan("score", odd / "model", odd / "pairs.jsonl", *more).stdout)
    assert sorted(row[1:3] for row in found) == sorted(PAIRS.items())
    assert {len(row) for row in found} == {4 if more else 3}


def test_evaluate_writes_one_line_per_error(henkan, odd, tmp_path):
    done = henkan("evaluate", odd / "model", odd / "wrong.jsonl", "--errors", "errors.tsv", "--details")
    found = rows((tmp_path / "errors.tsv").read_text(encoding="utf-8"))
    assert found == [(source, target + "a", target) for source, target in PAIRS.items()]
    table = done.stdout.split("\n\n")[0]
    examples = [re.split("  +", line.rstrip()) for line in table.splitlines()[1:]]
    assert [tuple(map(unescape, row)) for row in examples] == [("X", *row) for row in found]


def test_train_prints_one_line_per_example_and_a_command_on_one_line(henkan, odd):
    done = henkan("train", odd / "pairs.jsonl", "--dev", odd / "wrong.jsonl", "--epochs", 1, "--hidden-size", 4)
    lines = done.stdout.splitlines()
    assert [line[0] for line in lines[1:7]] == ["X"] * 6
    assert lines[-1].startswith("try it:")
    (odd / "break.jsonl").write_text(json.dumps(["-a'\n\\", "b"]))
    done = henkan("train", odd / "break.jsonl", "--dev", "none", "--epochs", 1, "--hidden-size", 4, "--out", "m")
    assert done.stdout.splitlines()[-1].endswith(r"predict m -- $'-a\'\n\\'")


def test_explain_and_inspect_keep_strings_on_their_lines(henkan, odd, tmp_path):
    lines = henkan("explain", odd / "model", "a", "--answer", "ab\ncd").stdout.splitlines()
    assert lines[0].startswith(r"a -> ab\ncd   confidence")
    (tmp_path / "two.jsonl").write_text('["a\\nb", "c\\td"]\n["a\\nb", "e | f"]\n')
    lines = henkan("inspect", "two.jsonl").stdout.splitlines()
    assert r"    a\nb: c\td | e | f" in lines


def test_feature_tags_keep_columns_together(henkan, tmp_path):
    Seq2Seq(epochs=1, features=True).fit(["walk\tV;PST"], ["walked"]).save(tmp_path / "verbs")
    (tmp_path / "verbs.tsv").write_text("walked\twalk\tV;PST\n")
    columns = ("--columns", "target,source,features")
    found = henkan("score", "verbs", "verbs.tsv", *columns).stdout
    assert rows(found)[0][1:] == ("walk\tV;PST", "walked")
    found = rows(henkan("predict", "verbs", "--beam", 2, "--nbest", 2, "walk\tV;PST").stdout)
    assert [row[0] for row in found] == ["walk\tV;PST"] * len(found)
    assert {len(row) for row in found} == {3}
