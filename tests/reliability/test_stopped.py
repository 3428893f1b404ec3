"""Training runs that are killed, interrupted, or run out of disk space, permissions or memory can be resumed."""

import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from henkan import Epoch, Seq2Seq, __version__, load
from henkan.storage.files import seal, unseal
from reliability.conftest import wait_for, write_lexicon

# Dropout, attention, the unknown symbol and a best epoch: everything that has, or could have, state to restore.
SETTINGS = ("--epochs", 8, "--hidden-size", 24, "--embedding-size", 8, "--checkpoint-every", 0.05, "--quiet")
SEED = 20


def weights(folder):
    return (folder / "weights.safetensors").read_bytes()


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory):
    """The folder of the same training run without interruption."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    write_lexicon(folder / "lexicon.tsv")
    command = [sys.executable, "-m", "henkan", "train", "lexicon.tsv", *map(str, SETTINGS), "--out", "uninterrupted"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "uninterrupted"


def start_training(run, folder, lexicon, *more, **options):
    """Start a training run and wait for its first checkpoint."""
    process = run("train", lexicon, *SETTINGS, *more, "--out", folder, **options)
    wait_for((folder / "checkpoint" / "progress.json").exists, process)
    return process


def kill_training(run, folder, lexicon):
    """Start a training run and kill it after its first checkpoint."""
    process = start_training(run, folder, lexicon)
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    ("kills", "more"),
    [
        pytest.param(5, (), id="5"),
        pytest.param(80, (), id="80", marks=pytest.mark.long),
        pytest.param(40, ("--recipe", "edits"), id="edits", marks=pytest.mark.long),
        pytest.param(20, ("--ensemble", 2), id="ensemble", marks=pytest.mark.long),
        pytest.param(20, ("--recipe", "modern"), id="modern", marks=pytest.mark.long),
        pytest.param(20, ("--copy",), id="copy", marks=pytest.mark.long),
        pytest.param(20, ("--keep-lexicon",), id="lexicon", marks=pytest.mark.long),
        pytest.param(10, ("--learning-rate", "1e20"), id="diverged", marks=pytest.mark.long),
    ],
)
def test_run_killed_at_random_moments_has_the_same_weights(run, tmp_path, lexicon, kills, more):
    """The moments range from before the first checkpoint to the saving of the model."""
    settings = (*SETTINGS, *more)
    run("train", lexicon, *settings, "--out", "uninterrupted").communicate()
    generator, killed, turn = random.Random(SEED), 0, 0
    while killed < kills:
        turn += 1
        folder = tmp_path / f"killed{turn}"
        while not (folder / "manifest.json").exists() or (folder / "checkpoint" / "plan.json").exists():
            if (folder / "checkpoint" / "plan.json").exists():
                process = run("train", "--resume", folder, "--checkpoint-every", 0.05, "--quiet")
            else:
                process = run("train", lexicon, *settings, "--out", folder)
            try:
                process.wait(generator.uniform(0.2, 2.5) if killed < kills else 120)
            except subprocess.TimeoutExpired:
                process.kill()
                killed += 1
            else:
                assert process.returncode == (2 if "1e20" in more else 0), process.communicate()
        assert weights(folder) == weights(tmp_path / "uninterrupted")
        assert load(folder).predict(["abc"]) == load(tmp_path / "uninterrupted").predict(["abc"])
        assert not list(folder.glob(".*"))


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_training_and_it_can_be_resumed(run, henkan, tmp_path, lexicon, uninterrupted, number, status):
    process = start_training(run, tmp_path / "m", lexicon)
    process.send_signal(number)
    _, err = process.communicate()
    assert process.returncode == status
    assert f"progress is saved in {tmp_path}/m/checkpoint; resume with --resume {tmp_path}/m\n" in err
    assert "Traceback" not in err
    henkan("train", "--resume", "m", "--quiet")
    assert weights(tmp_path / "m") == weights(uninterrupted)
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == sorted(
        path.name for path in uninterrupted.iterdir()
    )
    assert "is complete" in henkan("train", "--resume", "m").stdout


SLOW = """
import time
import henkan.training.loop
real = henkan.training.loop._updates
henkan.training.loop._updates = lambda *all: time.sleep(60) or real(*all)
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_second_signal_exits_at_once(run, henkan, tmp_path, lexicon, uninterrupted, number, status):
    """After the first signal, training would finish the current batch, which takes a minute."""
    process = start_training(run, tmp_path / "m", lexicon, before=SLOW)
    process.send_signal(number)
    while "again to stop immediately" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == status
    assert "Traceback" not in err
    henkan("train", "--resume", "m", "--quiet")
    assert weights(tmp_path / "m") == weights(uninterrupted)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_reading_data_exits_at_once(run, tmp_path, number, status):
    os.mkfifo(tmp_path / "pipe")  # without a writer
    process = run("train", "pipe", "--out", "m")
    wait_for((tmp_path / "m/checkpoint/holder.json").exists, process)
    time.sleep(0.2)  # to be reading by then; an earlier signal has the same result
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == status
    assert err == "henkan: interrupted before training started; nothing was saved\n"
    assert not (tmp_path / "m").exists()


def test_ignored_signals_stay_ignored(run, tmp_path, lexicon, uninterrupted):
    """As under nohup, or in the background of a shell."""

    def ignore():
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    process = start_training(run, tmp_path / "m", lexicon, preexec_fn=ignore)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert weights(tmp_path / "m") == weights(uninterrupted)


def test_two_runs_cannot_train_in_the_same_folder(run, refused, tmp_path, lexicon):
    first = run("train", lexicon, *SETTINGS[2:], "--epochs", 100, "--out", "m")
    wait_for((tmp_path / "m/checkpoint/progress.json").exists, first)
    for arguments in ((lexicon, "--out", "m", "--force"), ("--resume", "m")):
        sentence = refused("train", *arguments, *SETTINGS[-1:])
        assert f"process {first.pid} on " in sentence
        assert "has been training this model since" in sentence
    assert first.poll() is None


def test_interrupted_run_is_replaced_only_with_force(run, refused, henkan, tmp_path, lexicon, uninterrupted):
    kill_training(run, tmp_path / "m", lexicon)
    sentence = refused("train", lexicon, *SETTINGS, "--out", "m")
    assert "resume it with --resume m, or start over with --force" in sentence
    henkan("train", lexicon, *SETTINGS, "--out", "m", "--force")
    assert weights(tmp_path / "m") == weights(uninterrupted)


def test_other_files_in_a_checkpoint_folder_are_kept(refused, tmp_path, lexicon):
    """Also by commands that fail for another reason, and in subfolders with the names of a checkpoint's."""
    names = ("thesis.pt", "sub/notes.txt", "start/photograph.png", "tensors-best.safetensors")
    for name in names:
        place = tmp_path / name.replace("/", "-") / "checkpoint"
        (place / name).parent.mkdir(parents=True)
        (place / name).write_text("mine")
        for arguments in (("none.tsv",), (lexicon,), (lexicon, "--force"), (lexicon, "--from", "none")):
            sentence = refused("train", *arguments, "--out", place.parent, *SETTINGS)
        assert "no such folder" in sentence
        sentence = refused("train", lexicon, "--out", place.parent, *SETTINGS)
        shown = name if name != "sub/notes.txt" else "sub"
        assert f"{place}: the folder has other files ({shown}); choose another --out" in sentence
        assert [path for path in place.rglob("*") if path.is_file()] == [place / name]
        assert (place / name).read_text() == "mine"


def test_changed_data_and_settings_are_named_on_resume(run, refused, henkan, tmp_path, lexicon):
    kill_training(run, tmp_path / "m", lexicon)
    text = lexicon.read_text()
    lexicon.write_text(text + "a\tb\n")
    assert "the training pairs differ from those of the interrupted run" in refused("train", "--resume", "m", "--quiet")
    lexicon.rename(tmp_path / "other.tsv")
    sentence = refused("train", "--resume", "m", "--quiet")
    assert f"{lexicon}: this file of the interrupted run no longer exists" in sentence
    assert "`henkan train NEW_PATH --resume m`" in sentence
    (tmp_path / "moved.tsv").write_text(text)
    sentence = refused("train", "moved.tsv", "--resume", "m", "--epochs", 9, "--quiet")
    assert "epochs is 9, but was 8 in the interrupted run; omit the option" in sentence
    assert "hidden size is 9, but was 24" in refused(
        "train", "moved.tsv", "--resume", "m", "--hidden-size", 9, "--quiet"
    )
    assert "--out cannot be combined with --resume" in henkan("train", "--resume", "m", "--out", "n", status=2).stderr
    done = run("train", "moved.tsv", "--resume", "m", "--quiet", environment={"HENKAN_KERNELS": "plain"})
    _, err = done.communicate()
    assert done.returncode == 0, err
    assert re.search(r" with fused kernels \(numba .*\) on .* and resumes with NumPy .* with plain kernels on ", err)


def test_another_version_of_henkan_is_named_on_resume(run, henkan, tmp_path, lexicon, uninterrupted):
    kill_training(run, tmp_path / "m", lexicon)
    path = tmp_path / "m/checkpoint/plan.json"
    plan = unseal(path.read_bytes(), path.parent, path.name)
    path.write_bytes(seal({**plan, "versions": {**plan["versions"], "henkan": "0.0.1"}}))
    err = henkan("train", "--resume", "m", "--quiet").stderr
    assert err.startswith(f"warning: this run was started with henkan 0.0.1 and resumes with {__version__}; ")
    assert len(err.splitlines()) == 1
    assert weights(tmp_path / "m") == weights(uninterrupted)


def test_checkpoint_without_a_newer_setting_can_be_resumed(run, henkan, refused, tmp_path, lexicon, uninterrupted):
    kill_training(run, tmp_path / "m", lexicon)
    path = tmp_path / "m/checkpoint/plan.json"
    plan = unseal(path.read_bytes(), path.parent, path.name)
    del plan["model"]["architecture"]
    path.write_bytes(seal(plan))
    sentence = refused("train", "--resume", "m", "--quiet", "--architecture", "other")
    assert "the architecture 'other' is not registered" in sentence
    henkan("train", "--resume", "m", "--quiet")
    assert weights(tmp_path / "m") == weights(uninterrupted)


def test_damaged_checkpoints_are_refused(run, refused, tmp_path, lexicon):
    kill_training(run, tmp_path / "m", lexicon)
    folder = tmp_path / "m/checkpoint"
    tensors = json.loads((folder / "progress.json").read_text())["content"]["tensors"]
    for path in (folder / name for name in ("plan.json", "progress.json", tensors)):
        content = path.read_bytes()
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
        assert "damaged" in refused("train", "--resume", "m", "--quiet")
        path.write_bytes(content)


@pytest.mark.parametrize("settings", [("--hidden-size", 8), ("--seed", 1)], ids=["other sizes", "same sizes"])
def test_progress_of_another_run_is_refused(run, refused, tmp_path, lexicon, settings):
    for name, more in (("m", ()), ("other", settings)):
        process = start_training(run, tmp_path / name, lexicon, *more)
        process.kill()
        process.wait()
    for left in (tmp_path / "m/checkpoint").glob("tensors-*"):
        left.unlink()
    for path in (tmp_path / "other/checkpoint").iterdir():
        if path.name.startswith(("progress", "tensors")):
            shutil.copy(path, tmp_path / "m/checkpoint")
    assert "progress.json and plan.json belong to different training runs" in refused(
        "train", "--resume", "m", "--quiet"
    )


def test_moving_the_folder_during_training_is_reported(run, tmp_path, lexicon):
    process = run("train", lexicon, *SETTINGS[2:], "--epochs", 100, "--out", "m")
    wait_for((tmp_path / "m/checkpoint/progress.json").exists, process)
    (tmp_path / "m").rename(tmp_path / "elsewhere")
    _, err = process.communicate()
    assert process.returncode == 2
    assert "the checkpoint cannot be written (No such file or directory)" in err
    assert "Traceback" not in err


@pytest.fixture
def small_disk(tmp_path):
    """A file system of three megabytes."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a small file system to fill")
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"mount is not allowed here ({done.stderr.decode().strip()})")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def fill(path):
    """Write until the disk is full."""
    with suppress(OSError), path.open("wb", buffering=0) as junk:
        while junk.write(bytes(2**12)):
            pass


def test_run_stopped_by_a_full_disk_can_be_resumed(run, henkan, lexicon, uninterrupted, small_disk):
    folder = small_disk / "m"
    process = start_training(run, folder, lexicon)
    fill(small_disk / "junk")
    _, err = process.communicate()
    assert process.returncode == 2
    assert "cannot be written (No space left on device), the previous checkpoint is intact; check permissions" in err
    assert f"resume with --resume {folder}" in err
    assert "Traceback" not in err
    (small_disk / "junk").unlink()
    henkan("train", "--resume", folder, "--quiet")
    assert weights(folder) == weights(uninterrupted)


def test_disk_too_full_for_the_model_keeps_the_checkpoint(run, henkan, refused, lexicon, uninterrupted, small_disk):
    """There is space for the checkpoint but not for the model."""
    folder = small_disk / "m"
    kill_training(run, folder, lexicon)
    before = {path.name: path.read_bytes() for path in (folder / "checkpoint").iterdir()}
    fill(small_disk / "junk")
    assert "No space left on device" in refused("train", "--resume", folder, "--quiet")
    after = {path.name: path.read_bytes() for path in (folder / "checkpoint").iterdir()}
    assert after["progress.json"] == before["progress.json"]
    (small_disk / "junk").unlink()
    henkan("train", "--resume", folder, "--quiet")
    assert weights(folder) == weights(uninterrupted)


def test_read_only_disk_is_reported_and_the_run_can_be_resumed(
    run, refused, henkan, lexicon, uninterrupted, small_disk
):
    folder = small_disk / "m"
    kill_training(run, folder, lexicon)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert "Read-only file system" in refused("train", lexicon, *SETTINGS, "--out", small_disk / "other")
    assert "Read-only file system" in refused("train", "--resume", folder, "--quiet")
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    henkan("train", "--resume", folder, "--quiet")
    assert weights(folder) == weights(uninterrupted)


def test_model_too_large_for_memory_is_reported(run):
    def limit_memory():
        resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))

    settings = ("--hidden-size", 12_000, "--epochs", 1, "--quiet")
    process = run("train", "addition", *settings, "--out", "m", preexec_fn=limit_memory)
    _, err = process.communicate()
    assert process.returncode == 2, err
    assert "not enough memory; free memory, use fewer or shorter texts, or train a smaller model" in err
    assert "Traceback" not in err


NO_MEMORY = """
import itertools
from henkan.engine.numpy import NumpyEngine
update, number = NumpyEngine.train_step, itertools.count(1)

def train_step(self, *arguments):
    if next(number) == 100:
        raise MemoryError
    return update(self, *arguments)

NumpyEngine.train_step = train_step
"""


def test_training_that_ran_out_of_memory_can_be_resumed(run, henkan, tmp_path, lexicon, uninterrupted):
    """The shortage may be temporary, caused by other processes."""
    process = run("train", lexicon, *SETTINGS, "--out", "m", before=NO_MEMORY)
    _, err = process.communicate()
    assert process.returncode == 2
    [sentence] = err.splitlines()
    assert "not enough memory" in sentence
    state = json.loads((tmp_path / "m/checkpoint/progress.json").read_text())["content"]["state"]
    assert 0 < state["position"]["step"] < 100
    henkan("train", "--resume", "m", "--quiet")
    assert weights(tmp_path / "m") == weights(uninterrupted)


def test_ensemble_killed_at_its_second_member_can_be_resumed(run, henkan, tmp_path, lexicon):
    settings = ("--ensemble", 2, "--epochs", 4)
    henkan("train", lexicon, *SETTINGS, *settings, "--out", "uninterrupted")
    process = start_training(run, tmp_path / "m", lexicon, *settings)
    progress = tmp_path / "m/checkpoint/progress.json"
    wait_for(lambda: json.loads(progress.read_text())["content"]["done"] == 1, process)
    process.kill()
    process.wait()
    henkan("train", "--resume", "m", "--quiet")
    assert weights(tmp_path / "m") == weights(tmp_path / "uninterrupted")


def test_non_finite_loss_lowers_the_learning_rate_and_then_ends_training(run, henkan, tmp_path, lexicon):
    process = run("train", lexicon, "--learning-rate", "1e20", *SETTINGS[:-1], "--out", "m")
    _, err = process.communicate()
    assert process.returncode == 2
    lines = [line for line in err.splitlines() if "loss is not finite" in line]
    assert [line.rpartition(", ")[2] for line in lines] == [
        "learning rate reduced to 5e+19",
        "learning rate reduced to 2.5e+19",
        "learning rate reduced to 1.2e+19",
        "training stopped",
    ]
    assert "train again with a learning rate below 1e+20" in err.splitlines()[-1]
    assert henkan("predict", "m", "abc").stdout.endswith("\n")
    assert not (tmp_path / "m/checkpoint").exists()


def test_moved_run_can_be_resumed(run, henkan, tmp_path, lexicon, uninterrupted):
    kill_training(run, tmp_path / "m", lexicon.name)
    (tmp_path / "away").mkdir()
    shutil.move(tmp_path / "m", tmp_path / "away")
    henkan("train", "--resume", "m", "--quiet", cwd=tmp_path / "away")
    assert weights(tmp_path / "away/m") == weights(uninterrupted)


def test_new_path_of_the_data_is_saved(run, refused, henkan, tmp_path, lexicon):
    (tmp_path / "dev.tsv").write_text("a\tA\n")
    process = start_training(run, tmp_path / "m", lexicon, "--dev", "dev.tsv")
    process.kill()
    process.wait()
    henkan("train", lexicon, *SETTINGS, "--dev", "dev.tsv", "--out", "uninterrupted")
    for name in ("lexicon.tsv", "dev.tsv"):
        (tmp_path / name).rename(tmp_path / f"moved.{name}")
    assert "`henkan train NEW_PATH --resume m`" in refused("train", "--resume", "m", "--quiet")
    moved = ("moved.lexicon.tsv", "--resume", "m")
    assert "`henkan train --resume m --dev NEW_PATH`" in refused("train", *moved, "--quiet")
    before = (tmp_path / "m/checkpoint/plan.json").read_bytes()
    process = run("train", *moved, "--dev", "moved.dev.tsv", "--quiet", "--checkpoint-every", 0)
    wait_for(lambda: (tmp_path / "m/checkpoint/plan.json").read_bytes() != before, process)
    process.kill()
    process.wait()
    (tmp_path / "away").mkdir()
    henkan("train", "--resume", tmp_path / "m", "--quiet", cwd=tmp_path / "away")
    assert weights(tmp_path / "m") == weights(tmp_path / "uninterrupted")


def test_run_started_in_python_cannot_be_resumed_by_the_command(refused, tmp_path, words):
    def stop(event):
        if isinstance(event, Epoch):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Seq2Seq(epochs=2).fit(*words, callback=stop, checkpoint=tmp_path / "m")
    sentence = refused("train", "--resume", tmp_path / "m")
    assert "started from Python and its pairs are not stored; resume it there with fit(..., checkpoint=" in sentence
    assert (tmp_path / "m/checkpoint/progress.json").exists()


def test_missing_checkpoint_files_are_refused_or_harmless(run, refused, henkan, tmp_path, lexicon, uninterrupted):
    """Either resuming is refused, or training restarts and gives the same weights."""
    process = start_training(run, tmp_path / "m", lexicon, "--from", uninterrupted)
    process.kill()
    process.wait()
    henkan("train", lexicon, *SETTINGS, "--from", uninterrupted, "--out", "uninterrupted")
    folder = tmp_path / "m/checkpoint"
    tensors = json.loads((folder / "progress.json").read_text())["content"]["tensors"]
    for name in (tensors, "start/weights.safetensors", "start"):
        (folder / name).rename(tmp_path / "away")
        sentence = refused("train", "--resume", "m", "--quiet")
        assert "start over with --force" in sentence
        assert ("the model that this run started from can no longer be read" in sentence) == ("start" in name)
        (tmp_path / "away").rename(folder / name)
    (folder / "progress.json").unlink()
    henkan("train", "--resume", "m", "--quiet")
    assert weights(tmp_path / "m") == weights(tmp_path / "uninterrupted")


def test_initial_model_of_a_replaced_run_is_deleted(run, henkan, tmp_path, lexicon, uninterrupted):
    """A run with --from is killed and replaced by one without it in the same folder."""
    process = start_training(run, tmp_path / "m", lexicon, "--from", uninterrupted)
    process.kill()
    process.wait()
    assert (tmp_path / "m/checkpoint/start").is_dir()
    process = run("train", lexicon, *SETTINGS, "--out", "m", "--force")
    wait_for(lambda: not (tmp_path / "m/checkpoint/start").exists(), process)
    process.kill()
    process.wait()
    command = ("train", "--resume", "m", "--quiet") if (tmp_path / "m/checkpoint/plan.json").exists() else None
    henkan(*(command or ("train", lexicon, *SETTINGS, "--out", "m", "--force")))
    assert weights(tmp_path / "m") == weights(uninterrupted)
