import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from henkan_experiments import plan as plans


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A very small experiment, interrupted once and resumed."""
    place = tmp_path_factory.mktemp("reproduce")
    numbers = [(a, b) for a in range(1, 40) for b in range(100, 130, 7)]
    lines = [f"{a}+{b}\t{a + b}\n" for a, b in numbers]
    (place / "train.tsv").write_text("".join(lines[:150]))
    (place / "test.tsv").write_text("".join(lines[150:]))
    (place / "run.py").write_text(
        "from henkan_experiments import experiments, plan\n"
        "experiments.SALIENCY_SUMS, experiments.LENGTH_SUMS = 5, 10\n"
        "experiments.PROBE_TRAIN, experiments.PROBE_TEST = 60, 40\n"
        "pairs, epochs = {'addition': 60, 'dates': 60}, {key: 1 for key in plan.QUICK.epochs}\n"
        "plan.QUICK = plan.ExperimentSize(pairs, epochs, plan.QUICK.seeds)\n"
        "if __name__ == '__main__':\n"
        "    from henkan.cli import main\n"
        "    main()\n"
    )
    command = [sys.executable, "run.py", "reproduce", "--quick", "--seeds", "1"]
    command += ["--train", "train.tsv", "--test", "test.tsv", "--out", "out", "--jobs", "2"]
    first = subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not list((place / "out" / "runs").glob("*.json")) and first.poll() is None:
        time.sleep(0.05)
    first.send_signal(signal.SIGINT)
    first.out, first.err = first.communicate()
    done = {path.name: path.stat().st_mtime_ns for path in (place / "out" / "runs").glob("*.json")}
    second = subprocess.run(command, cwd=place, capture_output=True, text=True)
    return place / "out", first, second, done


@pytest.fixture
def running(tmp_path):
    """The command and its worker processes, after the first checkpoint."""
    if not Path("/proc/self/task").exists():
        pytest.skip("needs /proc/PID/task/PID/children of Linux")
    command = [sys.executable, "-m", "henkan", "reproduce", "--out", "out", "--jobs", "2"]
    parent = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 120
    while not list(tmp_path.glob("out/runs/*/checkpoint/*")):
        assert time.monotonic() < until
        assert parent.poll() is None
        time.sleep(0.05)
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    yield parent, [int(child) for child in children if "spawn_main" in command_line(child)]
    parent.kill()
    parent.communicate()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)])
def test_workers_exit_with_the_command(running, number, status):
    parent, children = running
    parent.send_signal(number)
    _, error = parent.communicate(timeout=60)  # returns when all processes have closed the pipe
    assert parent.returncode == status, error
    if number == signal.SIGTERM:
        assert "run the same command again to resume" in error
        assert "Traceback" not in error
    assert children
    assert not [child for child in children if "spawn_main" in command_line(child)]


def test_killed_worker_ends_the_command(running):
    parent, children = running
    environment = Path(f"/proc/{children[0]}/environ").read_text().split("\0")
    assert {"HENKAN_THREADS=1", "OPENBLAS_NUM_THREADS=1"} <= {*environment}
    os.kill(children[0], signal.SIGKILL)
    _, error = parent.communicate(timeout=60)
    assert parent.returncode == 2
    assert "possibly for lack of memory; run the same command again to resume, with fewer --jobs" in error
    assert "Traceback" not in error


def command_line(process):
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def test_interrupted_experiment_is_resumed(small):
    folder, first, second, done = small
    assert first.returncode == 130, first.err
    assert "run the same command again to resume" in first.err
    assert "Traceback" not in first.err
    assert 0 < len(done) < 20
    assert second.returncode == 0, second.stderr
    assert f"{len(done)} of 20 training runs are already complete" in second.stderr
    for name, stamp in done.items():
        assert (folder / "runs" / name).stat().st_mtime_ns == stamp
    assert second.stdout == "report written to out/report.html\n"


def test_report_is_written(small):
    folder, *_ = small
    results = json.loads((folder / "results.json").read_text())
    assert set(results["figures"]) == {"addition", "dates"}
    for recipes in results["figures"].values():
        assert set(recipes) == {"modern", "book"}
        assert all(set(models) == set(plans.MODEL_SETTINGS) for models in recipes.values())
    text = (folder / "report.md").read_text()
    assert "150 training pairs and 45 test pairs, none of them also in the training set" in text
    assert "`henkan reproduce --quick --seeds 1 --train train.tsv --test test.tsv --out out --jobs 2`" in text
    html = (folder / "report.html").read_text()
    assert "<h1>The article" in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert all((folder / "models" / f"{model}-0" / "manifest.json").exists() for model in plans.MODEL_SETTINGS)
    assert not list((folder / "runs").glob("*/checkpoint"))


def test_invalid_arguments_are_refused(small, refused, henkan, tmp_path):
    folder, *_ = small
    (tmp_path / "words.tsv").write_text("1+2\t3\ncat\ttac\n")
    words = refused("reproduce", "--train", "words.tsv", "--test", "words.tsv", "--out", "new")
    assert "words.tsv: 'cat' and 'tac' are not a sum of two numbers and its answer" in words
    assert not (tmp_path / "new").exists()
    assert "an experiment with other settings or pairs" in refused("reproduce", "--quick", "--out", folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("")
    assert "contains other files (thesis.txt)" in refused("reproduce", "--quick", "--out", "mine")
    assert [each.name for each in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
    assert "must be given together" in henkan("reproduce", "--train", "x.tsv", status=2).stderr
    assert "--seeds must be a whole number from 1 to 1000, not 0" in refused("reproduce", "--seeds", 0)
