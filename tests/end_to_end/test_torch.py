"""The PyTorch engine on the command line: models are interchangeable, and torchrun trains with several processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from henkan import load

torch = pytest.importorskip("torch", reason="PyTorch is not installed; `make test-torch` installs it")
pytestmark = pytest.mark.torch

SETTINGS = ("--epochs", 6, "--hidden-size", 24, "--embedding-size", 8, "--seed", 3)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Use one thread: PyTorch's threads spin while they wait, which is slow on a busy machine."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # of this process
    yield
    torch.set_num_threads(before)


@pytest.fixture
def pairs(tmp_path):
    """A file of pairs: 210 words and their uppercase forms."""
    words = [first + middle + last for first in "abcdef" for middle in "ghijklm" for last in "nopqr"]
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{word}\t{word.upper()}\n" for word in words))
    return path


@pytest.fixture
def torchrun(tmp_path):
    """Start `torchrun` with two processes; running ones are terminated after the test."""
    started = []

    def run(*arguments, options=(), machine=("--standalone", "--nproc-per-node", "2")):
        environment = {**os.environ, "PYTHONUTF8": "1"}
        command = [sys.executable, "-m", "torch.distributed.run", *machine, *options]
        process = subprocess.Popen(
            [*command, *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.communicate()


def weights(folder):
    return (folder / "weights.safetensors").read_bytes()


def wait_for(condition, process):
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def test_both_engines_predict_the_same_with_models_of_either(henkan, pairs):
    done = henkan("train", pairs, *SETTINGS, "--engine", "torch", "--out", "torch-model")
    assert "PyTorch " in done.stderr
    assert " on cpu in float32" in done.stderr
    henkan("train", pairs, *SETTINGS, "--out", "numpy-model")
    sources = ("agn", "flr", "bhx", "b")
    for folder in ("numpy-model", "torch-model"):
        answers = [
            henkan("predict", folder, *sources, "--json", "--beam", 3, "--engine", engine).stdout
            for engine in ("numpy", "torch")
        ]
        one, other = ([json.loads(line) for line in answer.splitlines()] for answer in answers)
        assert [each["prediction"] for each in one] == [each["prediction"] for each in other]
        for this, that in zip(one, other, strict=True):
            assert this["log_probability"] == pytest.approx(that["log_probability"], rel=1e-3, abs=1e-5)
    exact = [henkan("evaluate", "torch-model", pairs, "--engine", engine).stdout for engine in ("numpy", "torch")]
    assert exact[0] == exact[1]
    scores = [henkan("score", "torch-model", pairs, "--engine", engine).stdout for engine in ("numpy", "torch")]
    first, second = ([float(line.split("\t")[0]) for line in score.splitlines()] for score in scores)
    assert first == pytest.approx(second, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("first", ["numpy", "torch"])
def test_run_of_one_engine_is_resumed_with_the_other(henkan, tmp_path, pairs, first):
    no_dropout = ("--dropout", 0, "--embedding-dropout", 0)
    henkan("train", pairs, *SETTINGS, *no_dropout, "--engine", first, "--out", "uninterrupted")
    stop(tmp_path, pairs, *SETTINGS, *no_dropout, "--engine", first)
    done = henkan("train", "--resume", "m", "--engine", "torch" if first == "numpy" else "numpy")
    assert "resumes with PyTorch" in done.stderr if first == "numpy" else "resumes with NumPy" in done.stderr
    expected, resumed = (load(tmp_path / name)._model().saved.members[0] for name in ("uninterrupted", "m"))
    for name, array in expected.items():
        assert resumed[name] == pytest.approx(array, rel=0.05, abs=0.02), name


def test_resumed_run_has_bit_identical_weights(henkan, tmp_path, pairs):
    henkan("train", pairs, *SETTINGS, "--engine", "torch", "--out", "uninterrupted")
    stop(tmp_path, pairs, *SETTINGS, "--engine", "torch")
    assert "warning" not in henkan("train", "--resume", "m").stderr
    assert weights(tmp_path / "m") == weights(tmp_path / "uninterrupted")


def stop(tmp_path, pairs, *arguments):
    """Start a training run in `m` and interrupt it."""
    command = [sys.executable, "-m", "henkan", "train", pairs, *arguments, "--out", "m", "--checkpoint-every", 0]
    process = subprocess.Popen(
        list(map(str, command)), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    wait_for(lambda: progress(tmp_path) > 4, process)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 143


def progress(tmp_path):
    path = tmp_path / "m" / "checkpoint" / "progress.json"
    state = json.loads(path.read_text())["content"]["state"] if path.exists() else None
    return 0 if state is None else state["position"]["step"]


LOSSES = """
import json, sys
import numpy as np
from henkan.config import EngineConfig, ModelConfig, TrainingConfig
from henkan.engine.choice import choose_engines
from henkan.model import PlainTargets, Sizes, create_architecture, draw_weights
from henkan.batching.encoded_pairs import EncodedPairs
from henkan.text.tasks import TASKS
from henkan.text.vocabulary import Vocabulary

pairs = TASKS["addition"].generate(3200, 0)
source, target = Vocabulary.of(pairs.sources, boundary=False), Vocabulary.of(pairs.targets, boundary=True)
sources, targets = source.encode_all(pairs.sources), target.encode_all(pairs.targets)
codec = PlainTargets(target)
encoded = EncodedPairs(sources, codec.encode(sources, targets), start=codec.start, reverse=True)
model, training = ModelConfig(attention=True, hidden_size=32), TrainingConfig()
engines = choose_engines(EngineConfig(engine="torch"), together=True)
sizes = Sizes(len(source), codec.size)
engine = engines.make(model, sizes, training=training)
engine.set_weights(draw_weights(create_architecture(model, sizes).specs, "orthogonal", 0))
rows = np.arange(3200).reshape(50, 64)
losses = [float(engine.train_step([encoded.batch(row)], 1e-2)) for row in rows]
if engines.group.rank == 0:
    print(json.dumps([engines.group.size, losses]))
"""


def test_two_processes_have_the_same_losses_as_one(torchrun, tmp_path):
    """Fifty updates with the same effective batch, complete or divided in halves."""
    program = tmp_path / "losses.py"
    program.write_text(LOSSES)
    alone = subprocess.run([sys.executable, program], check=True, capture_output=True, text=True)
    size, one = json.loads(alone.stdout)
    out, err = torchrun(program).communicate()
    assert size == 1, err
    size, two = json.loads(out)
    assert size == 2
    assert len(one) == 50
    assert one[-1] < one[0] - 0.5
    assert two == pytest.approx(one, abs=1e-5)


def test_several_processes_refuse_unlabelled_sources_once(torchrun, tmp_path, pairs):
    (tmp_path / "words.txt").write_text("more\n")
    process = torchrun("-m", "henkan", "train", pairs, *SETTINGS, "--unlabelled", "words.txt", "--out", "two")
    err = process.communicate()[1]
    assert err.count("several processes cannot use unlabelled sources; train with one process") == 1
    assert process.returncode != 0
    assert not (tmp_path / "two").exists()


def test_two_processes_train_one_model(henkan, torchrun, tmp_path, pairs):
    """Only the leader prints, saves and lists skipped lines; the weights are those of one process up to rounding."""
    settings = (*SETTINGS, "--epochs", 40, "--dropout", 0, "--embedding-dropout", 0)
    one = henkan("train", pairs, *settings, "--engine", "torch", "--out", "one")
    with pairs.open("a") as file:
        file.write("no pair\n")
    process = torchrun("-m", "henkan", "train", pairs, *settings, "--out", "two", "--rejects", "r.tsv")
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert out.count("exact match") == 1
    assert err.count("epoch 40/40") == 1
    assert err.count("1 of 211 lines skipped") == 1
    assert len((tmp_path / "r.tsv").read_text().splitlines()) == 2
    assert "2 processes divide each batch of 16; learning rate 0.004, as with one process" in err
    exact = [json.loads((tmp_path / name / "metrics.json").read_text())["exact_match"] for name in ("one", "two")]
    assert exact[0] == pytest.approx(exact[1], abs=0.1)
    assert "exact match" in one.stdout
    assert not (tmp_path / "two" / "checkpoint").exists()
    assert load(tmp_path / "two").predict(["agn", "flr"]) == ["AGN", "FLR"]


def test_a_signal_stops_all_processes_and_the_run_can_be_resumed(torchrun, tmp_path, pairs):
    command = ("-m", "henkan", "train", pairs, *SETTINGS, "--epochs", 20)
    torchrun(*command, "--out", "uninterrupted").communicate()
    process = torchrun(*command, "--out", "m", "--checkpoint-every", 0)
    wait_for(lambda: progress(tmp_path) > 0, process)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate()
    assert process.returncode != 0
    assert err.count("training interrupted; progress is saved") == 1, err
    out, err = torchrun("-m", "henkan", "train", "--resume", "m").communicate()
    assert "exact match" in out, err
    assert weights(tmp_path / "m") == weights(tmp_path / "uninterrupted")


def member(rank):
    """Return the id of the process with a rank."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"RANK={rank}".encode() in environment and b"henkan" in (folder / "cmdline").read_bytes():
            return int(folder.name)
    return None


@pytest.mark.skipif(not Path("/proc").exists(), reason="finds the process of a rank in /proc")
def test_killed_process_ends_the_run_and_a_restart_resumes_it(torchrun, tmp_path, pairs):
    command = ("-m", "henkan", "train", pairs, *SETTINGS, "--epochs", 20, "--checkpoint-every", 0)
    process = torchrun(*command, "--out", "m")
    wait_for(lambda: progress(tmp_path) > 0, process)
    os.kill(member(1), signal.SIGKILL)
    _, err = process.communicate()
    assert process.returncode != 0
    assert "henkan/cli/main.py" not in err  # torchrun prints its own traceback
    assert "another process of this training run has died" in err or "training interrupted; progress is saved" in err
    assert (tmp_path / "m" / "checkpoint" / "plan.json").exists()
    out, err = torchrun("-m", "henkan", "train", "--resume", "m").communicate()
    assert "exact match" in out, err

    process = torchrun(*command, "--out", "n", options=("--max-restarts", "1"))
    wait_for(lambda: (tmp_path / "n/checkpoint/progress.json").exists(), process)
    os.kill(member(1), signal.SIGKILL)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert "exact match" in out
    assert weights(tmp_path / "n") == weights(tmp_path / "m")


def test_engine_benchmark_runs():
    """Without a GPU, the benchmark command is at least run on the CPU."""
    benchmark = Path(__file__).parents[2] / "benchmarks" / "engines.py"
    command = [sys.executable, benchmark, "--sizes", "tiny", "--rounds", "1", "--updates", "3"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert [line.split("|")[1].strip() for line in done.stdout.splitlines() if "plain" in line or "engine" in line] == [
        "henkan, PyTorch engine", "a plain PyTorch script", "henkan, NumPy engine",
    ]  # fmt: skip


@pytest.mark.skipif(not Path("/proc").exists(), reason="finds the process of a rank in /proc")
def test_two_machines_restart_when_one_process_dies(torchrun, tmp_path, pairs):
    """Only the machine of the killed process counts a restart; this machine acts as both."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    machine = ("--nnodes", "2", "--nproc-per-node", "1", "--rdzv-backend", "c10d", "--rdzv-id", "test")
    machine += ("--rdzv-endpoint", f"localhost:{port}", "--max-restarts", "2")
    command = ("-m", "henkan", "train", pairs, *SETTINGS, "--epochs", 20, "--checkpoint-every", 0, "--out", "m")
    both = [torchrun(*command, machine=machine) for _ in range(2)]
    wait_for(lambda: progress(tmp_path) > 0, both[0])
    os.kill(member(1), signal.SIGKILL)
    outputs = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert sum(out.count("exact match") for out, _ in outputs) == 1
    assert load(tmp_path / "m").predict(["agn"])


def test_only_the_first_process_reports_an_error(torchrun, tmp_path, pairs):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "thesis.txt").write_text("")
    process = torchrun("-m", "henkan", "train", pairs, *SETTINGS, "--out", "m")
    _, err = process.communicate()
    assert process.returncode != 0
    assert [line for line in err.splitlines() if line.startswith("henkan")] == [
        f"henkan: {tmp_path / 'm'}: the folder has other files (thesis.txt); choose another --out", "henkan FAILED",
    ]  # fmt: skip


def test_device_with_the_numpy_engine_is_refused(refused, henkan, pairs):
    assert "omit them, or choose the engine torch" in refused("train", pairs, "--engine", "numpy", "--device", "cpu")
    assert "no choice" not in henkan("train", pairs, *SETTINGS, "--device", "cpu", "--quiet").stderr
