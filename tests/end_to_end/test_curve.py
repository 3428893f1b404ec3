"""`henkan curve`."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

SETTINGS = ("--recipe", "modern", "--epochs", 30, "--hidden-size", 24, "--embedding-size", 8, "--batch-size", 16)
SMALL = (*SETTINGS, "--seeds", 1, "--jobs", 1)
LINE = re.compile(r"model (\d+) of (\d+): ([\d,]+) pairs, seed (\d+): exact match [\d.]+%, [\d.]+ s")


@pytest.fixture
def curve(henkan, pairs_file):
    """Function that runs the command on a small file."""

    def run(*arguments, **more):
        return henkan("curve", pairs_file, *SMALL, *arguments, **more)

    return run


def test_table_plot_and_expectation_are_printed(curve):
    done = curve("--sizes", "1/4,1/2,1")
    table, plot, *_ = done.stdout.split("\n\n")
    assert [line.split()[0] for line in table.splitlines()] == ["pairs", "18", "35"]
    assert "+--" in plot
    assert "twice the data: nothing can be said; a curve needs at least 3 sizes" in done.stdout
    assert "note: 1 of the sizes have fewer than 10 sources and are left out" in done.stderr
    assert "training 2 models, 1 at the same time: 1 each with 18, 35 sources" in done.stderr
    assert [found[:4] for found in LINE.findall(done.stderr)] == [("1", "2", "35", "0"), ("2", "2", "18", "0")]


def test_json_has_all_of_it(curve, pairs_file):
    done = curve("--json", "--quiet", "--sizes", "1/3,1/2,2/3,1")
    values = json.loads(done.stdout)
    assert done.stderr == ""
    assert [each["sources"] for each in values["points"]] == [12, 18, 23, 35]
    assert values["validation_sources"] == 4
    assert values["data"] == str(pairs_file)
    assert (values["twice_the_data"] is None) == (values["reason"] != "")


def test_same_command_continues_from_its_file(curve, tmp_path):
    first = curve()
    assert (tmp_path / "curves" / "words.json").exists()
    again = curve()
    assert again.stdout == first.stdout
    assert not LINE.search(again.stderr)
    assert "2 of 2 models were measured before" in again.stderr
    more = curve("--seeds", 2)
    assert len(LINE.findall(more.stderr)) == len(LINE.findall(first.stderr))
    assert f"{len(LINE.findall(first.stderr))} of {2 * len(LINE.findall(first.stderr))} models" in more.stderr
    changed = curve("--epochs", 29)
    assert len(LINE.findall(changed.stderr)) == len(LINE.findall(first.stderr))


def test_models_are_those_of_train(curve, henkan, pairs_file, tmp_path):
    """The largest size, with the first seed, is the model of `henkan train`."""
    found = json.loads(curve("--json", "--sizes", "1", "--quiet").stdout)
    henkan("train", pairs_file, *SETTINGS, "--no-calibrate-outside", "--out", "model", "--quiet")
    metrics = json.loads((tmp_path / "model" / "metrics.json").read_text())
    assert found["points"][0]["exact_match"] == pytest.approx(metrics["exact_match"])


def test_dev_file_is_not_trained_on(curve, tmp_path, words):
    sources = words[0][:10]
    (tmp_path / "dev.tsv").write_text("".join(f"{source}\tX\n" for source in sources))
    done = curve("--dev", "dev.tsv", "--sizes", "1", "--json")
    assert "note: 10 pairs whose source is in the validation set will not be used for training" in done.stderr
    values = json.loads(done.stdout)
    assert values["points"][0]["sources"] == len(words[0]) - 10
    assert values["points"][0]["exact_match"] == 0
    assert values["validation_sources"] == 10


def test_sources_with_several_targets_count_once(henkan, tmp_path):
    rows = [f"{a}{b}\t{c}\n" for a in "abcdef" for b in "abcdef" for c in "xy"]
    (tmp_path / "two.tsv").write_text("".join(rows))
    values = json.loads(henkan("curve", "two.tsv", *SMALL, "--sizes", "1/2,1", "--json").stdout)
    assert [(each["sources"], each["pairs"]) for each in values["points"]] == [(16, 32), (32, 64)]


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_picture_is_drawn(curve, tmp_path, ending):
    curve("--picture", f"curve.{ending}")
    assert (tmp_path / f"curve.{ending}").stat().st_size > 5000


def test_picture_without_matplotlib_is_refused_before_the_work(curve, monkeypatch, tmp_path):
    monkeypatch.setattr("henkan.selection.curve.picture.find_spec", lambda _: None)
    done = curve("--picture", "curve.png", status=2)
    assert done.stderr == "henkan: --picture needs matplotlib; pip install 'henkan[plot]'\n"
    assert not (tmp_path / "curves").exists()


def test_task_can_be_named(henkan):
    done = henkan("curve", "reversal", *SMALL, "--epochs", 1, "--sizes", "0.001,0.002", "--out", "task.json")
    assert "twice the largest size: nothing can be said" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--sizes", "2"), "--sizes must be fractions above 0 and at most 1, as in 1/16,1/8,1/4,1/2,1, not '2'"),
        (("--sizes", "1/0"), "--sizes must be fractions"),
        (("--sizes", "a"), "--sizes must be fractions"),
        (("--sizes", ""), "--sizes must be fractions"),
        (("--dev", "none"), "models are compared on a validation set"),
        (("--picture", "curve.gif"), "curve.gif: unknown image format"),
        (
            ("--picture", "none/curve.png"),
            "(No such file or directory); choose another --picture",
        ),
        (("--out", os.devnull), "/dev/null: this is not a file of measurements, or it is damaged"),
        (("--out", "."), ".: is a folder; choose another --out"),
        (("--out", "words.tsv"), "words.tsv: this is not a file of measurements, or it is damaged"),
        (("--out", "words.tsv/x.json"), "words.tsv/x.json: cannot be written"),
        (("--hidden-size", "0"), "--hidden-size"),
    ],
)
def test_invalid_arguments_are_refused(refused, pairs_file, arguments, message):
    before = pairs_file.read_bytes()
    assert message in refused("curve", pairs_file, *SMALL, *arguments)
    assert pairs_file.read_bytes() == before


def test_sizes_that_are_all_too_small_are_refused(curve):
    done = curve("--sizes", "1/100", status=2)
    assert "all subsets have fewer than 10 distinct sources; choose larger sizes" in done.stderr


def test_missing_files_are_refused(refused):
    assert "there is no task or file 'none.tsv'" in refused("curve", "none.tsv")


def test_interrupted_command_says_what_is_done_and_continues(tmp_path):
    (tmp_path / "many.tsv").write_text("".join(f"{a}{b}\t{b}{a}\n" for a in "abcdefghij" for b in "abcdefghij"))
    command = [
        sys.executable,
        "-m",
        "henkan",
        "curve",
        "many.tsv",
        "--sizes",
        "1/4,1/2,1",
        *SETTINGS,
        "--epochs",
        300,
        "--jobs",
        2,
    ]
    command = list(map(str, command))
    environment = {**os.environ, "PYTHONUTF8": "1"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        lines = []
        for line in process.stderr:
            lines.append(line)
            if line.startswith("model 2 of"):
                os.killpg(process.pid, signal.SIGINT)  # as a terminal does, also to the worker processes
        assert process.wait(60) == 130
    assert "Traceback" not in "".join(lines)
    assert re.search(
        r"henkan: interrupted; (\d+) of 9 models are measured \(1 with .* pairs\) and kept in curves/many.json; "
        "run the same command again to resume",
        lines[-1],
    )
    kept = json.loads((tmp_path / "curves" / "many.json").read_text())["models"]
    assert 2 <= len(kept) < 9
    assert not children_of(process.pid)


def children_of(group):
    """The processes of a group that are still there after a moment."""
    for _ in range(100):
        found = subprocess.run(["ps", "-o", "pid=", "-g", str(group)], capture_output=True, text=True).stdout.split()
        if not found:
            return []
        time.sleep(0.05)
    return found
